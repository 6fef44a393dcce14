"""The twelve things that were tried out before this was designed (each was a real hole somewhere): where each is held.

What another room's tests hold is named here, so that nobody drops it there unknowingly.
"""

from __future__ import annotations

import ast
import inspect
import re
import time
from pathlib import Path

import pytest

from forms_schema.base import BadDeclaration
from procedures.declaration import Declaration
from server import cli
from tests.security.declarations import declared
from tests.security.site import Site

ROOT = Path(__file__).parents[2]
PRODUCT = ("forms_schema", "procedures", "payments", "server")


def held_by(file: str, *names: str) -> None:
    """These tests are there, and are run."""
    found = {node.name: node for node in ast.walk(tree(ROOT / "tests" / file)) if isinstance(node, ast.FunctionDef)}
    for name in names:
        assert name in found, f"tests/{file} no longer has {name}"
        marks = [ast.unparse(each) for each in found[name].decorator_list]
        assert not [mark for mark in marks if re.search(r"drill|skip|xfail", mark)]


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def sources() -> dict[str, ast.Module]:
    """Every module that is installed, by its path."""
    files = [file for package in PRODUCT for file in (ROOT / package).rglob("*.py")]
    return {str(file.relative_to(ROOT)): tree(file) for file in files}


def test_01_a_declaration_makes_nobody_fetch_anything() -> None:
    held_by("forms_schema/test_bundle.py", "test_a_declaration_makes_the_server_fetch_nothing")
    for path, module in sources().items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and re.fullmatch(r"(.*\.)?(Draft202012)?Validator", ast.unparse(node.func)):
                given = {each.arg: ast.unparse(each.value) for each in node.keywords}
                pattern_alone = ast.unparse(node.args[0]) == "{'pattern': pattern}"
                assert given.get("offline") == "True" or pattern_alone, f"{path}:{node.lineno} may fetch a $ref"


def test_01_only_one_kind_of_validator_is_used() -> None:
    """`jsonschema` fetches too, and follows loops until it falls over: it is for tests to compare with."""
    for path, module in sources().items():
        for node in ast.walk(module):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.partition(".")[0] == "jsonschema"], path


def test_02_references_in_a_circle_and_bombs_are_refused_when_published() -> None:
    held_by("forms_schema/test_bundle.py", "test_references_in_a_circle_are_refused")
    held_by("forms_schema/test_plan.py", "test_a_bomb_is_refused", "test_a_bomb_is_refused_before_it_takes_much_memory")
    with pytest.raises(BadDeclaration):
        declared("loop", schema=one({"$ref": "#/$defs/x"}) | {"$defs": {"x": {"$ref": "#/$defs/x"}}}).form  # noqa: B018


def one(question: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": {"note": question}, "required": ["note"]}


def test_03_a_pattern_takes_linear_time_or_is_refused(site: Site) -> None:
    held_by(
        "forms_schema/test_dialect.py",
        "test_a_pattern_known_to_be_evil_is_refused_or_takes_linear_time",
        "test_there_are_fifty_of_them",
    )
    site.publish([coded("^(a+)+b$", 1_000)])
    browser = site.browser()
    started = time.perf_counter()
    assert browser.post("/procedures/coded/apply", {"note": "a" * 1_000}).status_code == 422
    assert browser.post("/procedures/coded/apply", {"note": "a" * 100_000}).status_code == 422
    assert time.perf_counter() - started < 1, "`re` would have taken longer than the universe is old"


def coded(pattern: str, length: int) -> Declaration:
    """A procedure that asks for a code."""
    question = {"type": "string", "title": "番号", "pattern": pattern, "maxLength": length}
    steps = [{"title": "番号", "fields": ["/note"]}]
    return declared("coded", schema=one(question), attachments=[], ui={"steps": steps})


@pytest.mark.parametrize(("typed", "status"), [("123-4567", 303), ("１２３-４５６７", 303), ("123-4567 8", 422)])
def test_04_digits_are_ascii_when_they_are_kept(typed: str, status: int, site: Site) -> None:
    held_by("forms_schema/test_dialect.py", "test_classes_that_take_full_width_letters_are_not_used")
    site.publish([coded("^[0-9]{3}-[0-9]{4}$", 20)])
    browser = site.browser()
    answer = browser.post("/procedures/coded/apply", {"note": typed})
    assert answer.status_code == status
    if status == 303:
        assert "123-4567" in browser.get(answer.headers["location"]).text


@pytest.mark.parametrize("typed", ["123-4567\n", "123-4567\r\n8", "\n123-4567", "123-4567\u2028"])
def test_04_a_line_break_at_the_end_is_never_part_of_a_code(typed: str, site: Site) -> None:
    """`$` matches before a last line break: a code with one in it would end a header or a CSV line."""
    form = coded("^[0-9]{3}-[0-9]{4}$", 20).form
    day = site.clock().date()
    assert form.errors(form.settle({"note": typed}, day), attached={})


def test_05_a_query_that_costs_too_much_is_refused_before_anything_is_called() -> None:
    held_by(
        "api/test_bombs.py",
        "test_a_bomb_is_refused_before_anything_is_called",
        "test_no_query_calls_more_than_it_is_said_to_cost",
    )


def test_06_a_mistake_in_a_query_is_told_and_an_error_of_ours_is_not() -> None:
    held_by("api/test_transport.py", "test_what_nobody_expected_is_told_without_its_words")
    held_by("api/test_transport.py", "test_it_is_logged_with_its_place_and_nothing_of_the_call")


def test_06_the_words_for_a_slip_are_not_masked(site: Site) -> None:
    answer = site.browser().client.post("/graphql", json={"query": "{ procedure(slug: 1) { titel } }"})
    (*_, error) = answer.json()["errors"]
    assert "titel" in error["message"] or "slug" in error["message"]


def test_07_back_after_leaving_shows_nothing() -> None:
    held_by(
        "security/test_headers.py",
        "test_every_answer_wears_the_headers_and_none_that_is_personal_is_kept",
        "test_signing_out_forgets_the_browsers_copies",
        "test_htmx_keeps_no_page_and_runs_no_text",
    )


def test_08_the_server_does_not_turn_people_away_for_slow_strangers() -> None:
    """`--limit-concurrency` makes a slow-headers attack worse: 300 idle sockets, and everybody else gets 503. What is
    slow is cut by the proxy in front."""
    assert "limit_concurrency" not in inspect.getsource(cli)


def test_09_writers_wait_for_each_other_and_nobody_is_told_locked() -> None:
    held_by("store/test_durability.py", "test_two_processes_write_at_once_and_nobody_is_told_locked")
    held_by("store/test_database.py", "test_64_writers_at_once_all_get_through")


def test_10_every_commit_is_on_the_disk_before_it_is_acknowledged() -> None:
    held_by(
        "store/test_durability.py",
        "test_every_connection_to_sqlite_syncs_each_commit",
        "test_a_careless_postgresql_is_refused",
        "test_what_was_acknowledged_survives_kills_and_nothing_is_half_done",
    )


def test_11_no_scanner_is_asked_that_says_all_is_well_when_it_cannot_look() -> None:
    """pip-audit answers 0 when its source is away, unless it is --strict."""
    files = [ROOT / "Makefile", *(ROOT / ".ci").iterdir(), *ROOT.glob(".github/workflows/*")]
    lines = [line for file in files if file.is_file() for line in file.read_text("utf-8").splitlines()]
    assert [line for line in lines if "pip-audit" in line and "--strict" not in line] == []


PLACEHOLDERS = ("graphql-cop", "graphw00f", "osv-scanner", "hypothesis-jsonschema")
"""Names on the package index with no scanner behind them, and one that breaks with the Hypothesis used here."""


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_12_what_is_installed_is_what_it_says(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    names = re.findall(r"^([a-zA-Z0-9._-]+)(?:\[.*\])?==", text, re.MULTILINE)
    assert names
    assert not set(names) & set(PLACEHOLDERS)
    hashed = re.findall(r"^([a-zA-Z0-9._-]+)(?:\[.*\])?==[^\n]+\\\n +--hash=sha256:", text, re.MULTILINE)
    assert hashed == names, "every package is pinned by its hash"


def test_no_secret_lies_in_the_repository() -> None:
    """Keys are made, or given by the environment: nothing that looks like one is written down."""
    secret = re.compile(rb"sk_(live|test)_[0-9a-zA-Z]{10}|whsec_[0-9a-zA-Z]{10}|-----BEGIN [A-Z ]*PRIVATE KEY")
    rooms = [ROOT / name for name in (*PRODUCT, "docs", "templates", "static", ".ci")]
    files = [file for room in rooms for file in room.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    assert [str(file) for file in files if secret.search(file.read_bytes())] == []
