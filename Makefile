# Everything a person or CI does here. Python 3.11–3.13, make and git are all it needs.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p && break; done)
HOST ?= 127.0.0.1
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := forms_schema procedures payments server

.PHONY: run test check format bench drills clean

run: $(VENV)/run.stamp
	KAKANAI_MODE=sandbox KAKANAI_HOST=$(HOST) KAKANAI_PORT=$(PORT) $(BIN)/kakanai serve

test: $(VENV)/test.stamp
	$(BIN)/pytest

check: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES) tests bench
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/kakanai procedures check

format: $(VENV)/test.stamp
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/test.stamp
	$(BIN)/python -m bench

drills: $(VENV)/test.stamp
	$(BIN)/pytest -m drill

$(VENV)/run.stamp: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q $(PACKAGES)
	touch $@

$(VENV)/test.stamp: requirements-test.lock $(VENV)/run.stamp tests/browser/install.sh
	$(BIN)/pip install --quiet --require-hashes -r requirements-test.lock
	sh tests/browser/install.sh
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
