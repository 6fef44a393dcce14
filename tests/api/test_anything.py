"""Whatever a program sends, it is answered or refused, and never a fault of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.api.reading import MAX_INTEGER, Unreadable, read_json
from tests.api.conftest import SIGN, STATUS, SUBMIT, Program, logged
from tests.api.declarations import ANSWERS

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT)
NAMES = st.one_of(ANY_TEXT, st.sampled_from([*ANSWERS, "children", "nickname", "place", "number"]))
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=12,
)
SLUGS = st.one_of(st.sampled_from(["plain", "priced", "filed", "rowed", "numbered"]), ANY_TEXT)
FILES = st.lists(st.fixed_dictionaries({"key": ANY_TEXT, "upload": ANY_TEXT}), max_size=3)
INPUTS = st.fixed_dictionaries(
    {"slug": SLUGS, "answers": st.one_of(ANYTHING, st.dictionaries(NAMES, ANYTHING, max_size=6))},
    optional={"version": ANY_TEXT, "attachments": FILES, "idempotencyKey": ANY_TEXT, "signature": ANY_TEXT},
)
CALLS = st.one_of(
    st.fixed_dictionaries({"query": st.just(SUBMIT), "variables": st.fixed_dictionaries({"input": INPUTS})}),
    st.fixed_dictionaries({"query": st.just(SUBMIT), "variables": st.fixed_dictionaries({"input": ANYTHING})}),
    st.fixed_dictionaries({"query": st.just(SIGN), "variables": st.fixed_dictionaries({"input": INPUTS})}),
    st.fixed_dictionaries(
        {
            "query": st.just(STATUS),
            "variables": st.fixed_dictionaries({"receiptNumber": ANY_TEXT, "accessCode": ANY_TEXT}),
        }
    ),
    st.fixed_dictionaries(
        {
            "query": st.just(
                "query q($f: ProcedureFilter, $a: String) { procedures(filter: $f, after: $a) { totalCount } }"
            ),
            "variables": st.dictionaries(st.sampled_from(["f", "a", "x"]), ANYTHING),
        }
    ),
    st.fixed_dictionaries({}, optional={"query": ANYTHING, "variables": ANYTHING, "operationName": ANYTHING}),
    ANYTHING,
)
HELD = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@HELD
@given(call=CALLS)
def test_any_json_is_answered_or_refused(site: Program, call: Any) -> None:
    body = json.dumps(call).encode()
    response = site.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (200, 400)
    assert not [error for error in response.json().get("errors", ()) if error["extensions"]["code"] == "INTERNAL_ERROR"]


@HELD
@given(body=st.binary(max_size=200))
def test_any_bytes_are_answered_or_refused(site: Program, body: bytes) -> None:
    response = site.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400


@HELD
@given(text=st.text('{}()[]:!$@"#.,|&= \n\\uabcdefquerymutationfragmentonslugtitle0123456789-', max_size=60))
def test_any_document_is_answered_or_refused(site: Program, text: str) -> None:
    response = site.post(text)
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        assert "INTERNAL_ERROR" not in response.text


@given(value=ANYTHING)
def test_json_is_read_as_it_was_written_or_not_at_all(value: Any) -> None:
    text = json.dumps(value)
    try:
        read = read_json(text.encode())
    except Unreadable:
        assert "NaN" in text or "Infinity" in text or "\\ud" in text or _largest(value) > MAX_INTEGER
    else:
        assert json.dumps(read) == text


def _largest(value: Any) -> int:
    if isinstance(value, dict | list):
        inside = value.values() if isinstance(value, dict) else value
        return max(map(_largest, inside), default=0)
    return abs(value) if isinstance(value, int) else 0


@pytest.fixture
def site(api: Program) -> Program:
    """One for all examples. Nothing is logged but requests."""
    assert not [line for line in logged(api) if line["event"] == "error"]
    return api
