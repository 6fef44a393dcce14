"""What is wrong with a call has a code that programs go by, and words that people read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from server.api.refusals import WHOLE
from tests.api.conftest import SUBMIT, Program

PAGE: Final = Path(__file__).parents[2].joinpath("docs/api.md").read_text("utf-8")
LIST: Final = "query q($f: ProcedureFilter, $n: Int, $a: String, $o: ProcedureOrder, $l: Language) {"
LIST_OF: Final = LIST + " procedures(filter: $f, first: $n, after: $a, orderBy: $o, language: $l) { totalCount } }"
VERSIONS: Final = (
    'query q($n: Int, $a: String) { procedure(slug: "plain") { versions(first: $n, after: $a) { totalCount } } }'
)
DEEP: Final = "{ procedures " + "{ edges { node " * 5 + "{ slug }" + " } }" * 5 + " }"
NODES: Final = "procedures(first: 200) { edges { node { "
FACET_CURSOR: Final = "dmVyc2lvbjox"
"""'version:1': a cursor, but of another list."""

Case = tuple[str, dict[str, Any] | None, str]
CALLS: Final[dict[str, Case]] = {
    "not GraphQL": ("{ procedures(", None, "GRAPHQL_PARSE_FAILED"),
    "a field that is none": ("{ procedures { total } }", None, "GRAPHQL_VALIDATION_FAILED"),
    "an argument that is none": ("{ procedures(last: 1) { totalCount } }", None, "GRAPHQL_VALIDATION_FAILED"),
    "an object without fields": ('{ procedure(slug: "plain") }', None, "GRAPHQL_VALIDATION_FAILED"),
    "a variable that is not declared": ("{ procedures(first: $n) { totalCount } }", None, "GRAPHQL_VALIDATION_FAILED"),
    "a filter that is none, written out": (
        '{ procedures(filter: {colour: "red"}) { totalCount } }',
        None,
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "a subscription": ("subscription { rollout { year } }", None, "GRAPHQL_VALIDATION_FAILED"),
    "two operations and no name": ("query a { __typename } query b { __typename }", None, "OPERATION_NOT_FOUND"),
    "too deep": (DEEP, None, "TOO_DEEP"),
    "too wide": ("{" + "__typename " * 301 + "}", None, "TOO_MANY_FIELDS"),
    "too many aliases": ("{" + " ".join(f"a{i}: __typename" for i in range(11)) + "}", None, "TOO_MANY_ALIASES"),
    "too many words": ("{" + "a " * 1001 + "}", None, "GRAPHQL_PARSE_FAILED"),
    "too costly": (
        "{" + NODES + "attachments { key title hint requirement accept max each } steps { title } } } } }",
        None,
        "TOO_COSTLY",
    ),
    "too costly by its variable": (
        "query q($n: Int) { procedures(first: $n) { edges { node { versions { totalCount } } } } }",
        {"n": 200},
        "TOO_COSTLY",
    ),
    "too costly in versions": (
        "{ " + NODES + "versions(first: 100) { edges { node { version } } } } } } }",
        None,
        "TOO_COSTLY",
    ),
    "a page too long": (LIST_OF, {"n": 201}, "PAGE_SIZE"),
    "a page of less than nothing": (LIST_OF, {"n": -1}, "PAGE_SIZE"),
    "versions by the thousand": (VERSIONS, {"n": 1000}, "PAGE_SIZE"),
    "a cursor that is none": (LIST_OF, {"a": "x"}, "BAD_CURSOR"),
    "an empty cursor": (LIST_OF, {"a": ""}, "BAD_CURSOR"),
    "a cursor of another list": (LIST_OF, {"a": FACET_CURSOR}, "BAD_CURSOR"),
    "a cursor of versions that is none": (VERSIONS, {"a": "x"}, "BAD_CURSOR"),
    "a filter that is none": (LIST_OF, {"f": {"colour": "red"}}, "BAD_USER_INPUT"),
    "a filter of the wrong kind": (LIST_OF, {"f": {"hasFee": "yes"}}, "BAD_USER_INPUT"),
    "a filter that is a text": (LIST_OF, {"f": "red"}, "BAD_USER_INPUT"),
    "a channel that is none": (LIST_OF, {"f": {"channel": "FAX"}}, "BAD_USER_INPUT"),
    "a channel in small letters": (LIST_OF, {"f": {"channel": "online"}}, "BAD_USER_INPUT"),
    "an order that is none": (LIST_OF, {"o": "PRICE"}, "BAD_USER_INPUT"),
    "a language that is none": (LIST_OF, {"l": "FR"}, "BAD_USER_INPUT"),
    "a number as a text": (LIST_OF, {"n": "5"}, "BAD_USER_INPUT"),
    "a number with a fraction": (LIST_OF, {"n": 1.5}, "BAD_USER_INPUT"),
    "a number too large": (LIST_OF, {"n": 2**40}, "BAD_USER_INPUT|PAGE_SIZE"),
    "a text as a number": ("query q($s: String!) { procedure(slug: $s) { slug } }", {"s": 1}, "BAD_USER_INPUT"),
    "a variable left out": ("query q($s: String!) { procedure(slug: $s) { slug } }", {}, "BAD_USER_INPUT"),
    "a variable that is null": ("query q($s: String!) { procedure(slug: $s) { slug } }", {"s": None}, "BAD_USER_INPUT"),
    "a day that is none": (
        'query q($d: Date) { slots(slug: "plain", from: $d) { start } }',
        {"d": "2026-02-30"},
        "BAD_USER_INPUT",
    ),
    "a month that is none": ('{ statistics(month: "October") { count } }', None, "BAD_USER_INPUT"),
    "statistics of everything": ("{ statistics { count } }", None, "BAD_USER_INPUT"),
    "an input without its fields": (SUBMIT, {"input": {"slug": "plain"}}, "BAD_USER_INPUT"),
    "an input with more than its fields": (
        SUBMIT,
        {"input": {"slug": "plain", "answers": {}, "hurry": True}},
        "BAD_USER_INPUT",
    ),
    "a key that is too long": (
        SUBMIT,
        {"input": {"slug": "plain", "answers": {}, "idempotencyKey": "x" * 1000}},
        "BAD_USER_INPUT",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_wrong_has_a_code_and_words(api: Program, name: str) -> None:
    query, variables, codes = CALLS[name]
    response = api.post(query, variables)
    body = response.json()
    assert response.status_code == 200
    assert not any((body.get("data") or {}).values())
    assert body["errors"], body
    for error in body["errors"]:
        assert error["extensions"]["code"] in codes.split("|"), error
        assert len(error["message"]) > 5
        assert "Traceback" not in error["message"]


@pytest.mark.parametrize("name", CALLS)
def test_each_code_is_explained_on_the_page(name: str) -> None:
    for code in CALLS[name][2].split("|"):
        assert f"`{code}`" in PAGE


def test_every_code_the_code_knows_is_explained_on_the_page() -> None:
    folder = Path(__file__).parents[2] / "server/api"
    text = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    codes = set(re.findall(r'(?:ApiError\(|_coded\(error, |Refused\(\s*[0-9]{3},\s*|"code": )"([A-Z_]+)"', text))
    codes |= {code for code in WHOLE if code.isupper()}
    assert {"PAGE_SIZE", "TOO_COSTLY", "QUERY_NOT_REGISTERED", "INTERNAL_ERROR", "VERSION_CHANGED"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in PAGE] == []
