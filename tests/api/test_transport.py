"""What is a request and what is none, and what goes out with the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

import pytest
from sqlalchemy import func, select
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from server.api.registered import identifier, read_queries
from server.app import create_app
from server.settings import Settings
from server.store import StoreUnavailable
from server.store import tables as t
from server.store.database import Database
from tests.api.conftest import STATUS, SUBMIT, Program, logged
from tests.api.declarations import ANSWERS, declared, sample
from tests.conftest import Clock, Random, migrate
from tests.door import Door

T = TypeVar("T")
QUERIES: Final = read_queries()
SLUG: Final = '{ procedure(slug: "plain") { slug } }'
FILING: Final = (
    'mutation { submitApplication(input: {slug: "plain", answers: {note: "a", copies: 1, receive: "counter"}})'
    " { __typename } }"
)


def told(response: Any, status: int, code: str) -> None:
    """A refusal in the one shape."""
    body = response.json()
    assert (response.status_code, body["error"]["code"]) == (status, code), body
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "request_id"}


def filed(api: Program) -> int:
    count: int = api.run(lambda db: db.scalar(select(func.count()).select_from(t.application)))
    return count


# --- what is a request --------------------------------------------------------------------------------------------

TYPES: Final = (
    "",
    "text/plain",
    "text/plain; charset=utf-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/mixed",
    "application/graphql",
    "application/graphql+json",
    "application/octet-stream",
    "text/json",
    "application/json; charset=utf-16",
    "application/json, text/plain",
    "application/jsonx",
)


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_nothing_another_site_could_send_is_carried_out(api: Program, method: str, content_type: str) -> None:
    bodies = [json.dumps({"query": FILING}), FILING, "query=" + quote(FILING)]
    for body in bodies:
        response = api.http.request(method, "/graphql", content=body, headers={"content-type": content_type})
        assert response.status_code in (400, 405)
        assert set(response.json()) == {"error"}
    assert filed(api) == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused_in_json(api: Program, method: str) -> None:
    told(api.http.request(method, "/graphql", json={"query": SLUG}), 405, "METHOD_NOT_ALLOWED")


def test_a_browser_of_another_site_is_refused_in_json(api: Program) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    told(api.http.post("/graphql", json={"query": FILING}, headers=headers), 403, "CROSS_SITE")
    assert filed(api) == 0


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"']
)
def test_json_is_taken(api: Program, content_type: str) -> None:
    body = json.dumps({"query": SLUG})
    response = api.http.post("/graphql", content=body, headers={"content-type": content_type})
    assert response.json()["data"] == {"procedure": {"slug": "plain"}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"1",
        b'"text"',
        b"{}",
        b'{"query": null}',
        b'{"query": " "}',
        b'{"query": 1}',
        b'{"query": ["{ __typename }"]}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "{}"}',
        b'{"query": "{ __typename }", "operationName": 1}',
        b'[{"query": "{ __typename }"}]',
        b'{"query": "{ __typename }"',
        b'{"query": "{ __typename }"} {}',
        b'{"query": "{ __typename }", "query": "{ __typename }"}',
        b'{"query": "{ __typename }", "variables": {"a": 1, "a": 2}}',
        b'{"query": "{ __typename }", "variables": {"a": NaN}}',
        b'{"query": "{ __typename }", "variables": {"a": -Infinity}}',
        b'{"query": "{ __typename }", "variables": {"a": 1e999}}',
        b'{"query": "{ __typename }", "variables": {"a": 9007199254740993}}',
        b'{"query": "{ __typename }", "variables": {"a": -9007199254740993}}',
        b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5000 + b"}}",
        b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}',
        b'{"query": "{ __typename }", "variables": {"\\udfff": 1}}',
        b'{"query": "{ __typename } # \\ud83d"}',
        b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 70 + b"]" * 70 + b"}}",
        b'{"query": "{ __typename }", "variables": {"a": ' + b'{"a":' * 70 + b"1" + b"}" * 71 + b"}",
        b"[" * 15_000,
        b'{"a":' * 15_000,
        b'{"query": "{ __typename }", "variables": {"a": [' + b"1," * 21_000 + b"1]}}",
        b"\xff\xfe",
        '{"query": "{ __typename }"}'.encode("utf-16"),
        b'{"query": "{ __typename }\xff"}',
    ],
)
def test_what_is_no_call_is_told_plainly(api: Program, body: bytes) -> None:
    response = api.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] in ("BAD_REQUEST", "BAD_JSON")


@pytest.mark.parametrize("number", ["9007199254740993", "1" * 5000, "1e999", "-" + "9" * 400])
def test_a_number_nobody_can_hold_is_refused_where_it_is_written_out_too(api: Program, number: str) -> None:
    query = (
        f'mutation {{ submitApplication(input: {{slug: "plain", answers: {{copies: {number}}}}}) {{ __typename }} }}'
    )
    response = api.post(query)
    assert response.status_code == 200
    assert response.json()["errors"][0]["extensions"]["code"] in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")


def test_a_long_filing_is_taken_and_a_long_query_is_not(api: Program) -> None:
    long = {"slug": "plain", "answers": {**ANSWERS, "note": "あ" * 100_000}}
    assert api(SUBMIT, {"input": long})["submitApplication"]["errors"][0]["code"] == "maxLength"
    told(api.post(STATUS, {"receiptNumber": "1" * 70_000, "accessCode": ""}), 413, "TOO_LARGE")
    told(api.post(SUBMIT + "#" * 70_000, {"input": long}), 413, "TOO_LARGE")
    told(api.post(SUBMIT, {"input": {**long, "answers": {"note": "あ" * 400_000}}}), 413, "TOO_LARGE")


def test_of_several_operations_the_named_one_is_carried_out(api: Program) -> None:
    both = 'query One { procedure(slug: "plain") { slug } } query Two { rollout { year } }'
    assert list(api(both, operationName="Two")) == ["rollout"]
    for name in (None, "Three", ""):
        (error,) = api.errors(both, operationName=name)
        assert error["extensions"]["code"] == "OPERATION_NOT_FOUND"


def test_there_is_no_socket(api: Program) -> None:
    for path in ("/graphql", "/graphql/"):
        with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)), api.http.websocket_connect(path):
            pytest.fail("a socket was opened")


# --- by GET -------------------------------------------------------------------------------------------------------


def asked(api: Program, name: str, variables: Any = None, **headers: str) -> Any:
    parameters = {"id": identifier(QUERIES[name])} | ({} if variables is None else {"variables": json.dumps(variables)})
    return api.http.get("/graphql", params=parameters, headers=headers)


def test_a_registered_query_is_asked_by_the_hash_of_its_text(api: Program) -> None:
    contract = "query Rollout { rollout { year target online } }"
    response = api.http.get(f"/graphql?id={sha256(contract.encode()).hexdigest()}")
    assert response.json()["data"] == api(contract)
    filtered = asked(api, "catalogue", {"filter": {"text": "priced"}, "first": 1})
    assert filtered.json()["data"]["procedures"]["totalCount"] == 1


def test_its_answer_may_be_kept_and_is_asked_for_again_by_its_mark(api: Program) -> None:
    first = asked(api, "form", {"slug": "plain"})
    assert first.headers["cache-control"] == "public, no-cache"
    assert "set-cookie" not in first.headers
    again = asked(api, "form", {"slug": "plain"}, **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    api.publish([declared("plain", id="P901", title="新しい名前")])
    newer = asked(api, "form", {"slug": "plain"}, **{"if-none-match": first.headers["etag"]})
    assert newer.json()["data"]["procedure"]["title"] == "新しい名前"


def test_the_session_makes_no_difference_to_it(api: Program) -> None:
    before = asked(api, "catalogue")
    api.sign_in("taro-jpki")
    after = asked(api, "catalogue")
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])


def test_no_registered_query_changes_anything_or_is_personal(api: Program) -> None:
    assert {"catalogue", "form", "rollout"} <= set(QUERIES)
    api("{ __typename }")
    for text in QUERIES.values():
        operation = api.app.state.api.documents.read(text).operation(None)
        assert operation.public
        assert not operation.mutation


@pytest.mark.parametrize(
    "query",
    [
        "",
        "query={rollout{year}}",
        "query=%7Brollout%7Byear%7D%7D&id=" + identifier(QUERIES["rollout"]),
        "id=" + "0" * 64,
        "id=" + identifier(STATUS),
        "id=" + identifier(SUBMIT),
        "id=" + identifier(QUERIES["rollout"]) + "&operationName=Rollout",
        "id=" + identifier(QUERIES["rollout"]) + "&id=" + identifier(QUERIES["rollout"]),
        "id=" + identifier(QUERIES["form"]),
        "id=" + identifier(QUERIES["form"]) + "&variables=[]",
        "id=" + identifier(QUERIES["form"]) + "&variables={",
        "id=" + identifier(QUERIES["form"]) + "&variables=%FF",
        "id=" + identifier(QUERIES["form"]) + '&variables={"slug":1}',
        "id=" + identifier(QUERIES["form"]) + '&variables={"slug":"a","slug":"b"}',
        "id=" + identifier(QUERIES["form"]) + '&variables={"slug":"%5Cud800"}',
        "id=" + identifier(QUERIES["form"]) + '&variables={"slug":"' + "x" * 9000 + '"}',
        "id=" + identifier(QUERIES["catalogue"]) + '&variables={"first":201}',
    ],
)
def test_everything_else_by_get_is_refused(api: Program, query: str) -> None:
    response = api.http.get(f"/graphql?{query}")
    assert response.status_code == 400
    assert set(response.json()) == {"error"}
    assert response.headers["cache-control"] == "no-store"


# --- what goes out ------------------------------------------------------------------------------------------------


def test_japanese_goes_out_as_it_is(api: Program) -> None:
    body = api.post('{ procedure(slug: "plain") { title } }').content
    assert "見本の届出".encode() in body
    assert b"\\u" not in body


def test_an_answer_by_post_is_not_kept_by_browsers(api: Program) -> None:
    assert api.post(SLUG).headers["cache-control"] == "no-store"


def test_the_same_question_is_worked_out_once(api: Program) -> None:
    api("{ __typename }")
    answers, documents = api.app.state.api.answers, api.app.state.api.documents.read
    before, read = len(answers), documents.cache_info()
    for _ in range(3):
        api(QUERIES["form"], {"slug": "plain"})
    assert len(answers) == before + 1
    assert documents.cache_info().misses == read.misses
    assert documents.cache_info().hits >= read.hits + 3


def test_a_document_is_read_once_whatever_its_variables_are(api: Program) -> None:
    api("{ __typename }")
    documents = api.app.state.api.documents.read
    before = documents.cache_info().misses
    for slug in ("plain", "priced", "none"):
        api("query q($s: String!) { procedure(slug: $s) { slug } }", {"s": slug})
    assert documents.cache_info().misses == before + 1


def test_nothing_personal_and_nothing_wrong_is_kept(api: Program) -> None:
    made = api.submit("plain", ANSWERS)
    answers = api.app.state.api.answers
    before = len(answers)
    api(STATUS, {name: made[name] for name in ("receiptNumber", "accessCode")})
    api.submit("plain", ANSWERS)
    api.errors('{ procedures(after: "x") { totalCount } }')
    api.post("{ __schema { queryType { name } } rollout { year } }")
    assert len(answers) == before


def test_what_is_kept_has_a_bound(api: Program) -> None:
    api("{ __typename }")
    answers = api.app.state.api.answers
    for i in range(answers.MOST + 20):
        api("query q($s: String!) { procedure(slug: $s) { slug } }", {"s": f"s{i}"})
    assert len(answers) == answers.MOST


def test_what_is_kept_goes_with_the_day(api: Program, clock: Clock) -> None:
    query = '{ procedure(slug: "plain") { slug } }'
    api(query)
    clock.advance(days=1)
    api(query)
    assert len(api.app.state.api.answers) == 1


# --- what goes wrong ----------------------------------------------------------------------------------------------


@pytest.fixture
def broken(api: Program) -> Program:
    """A site one of whose procedures asks a fee that is in no table."""
    fee = {"timing": "submit", "items": [{"code": "no-such-fee"}], "waivers": []}
    api.publish([declared("plain", id="P901", fee=fee)])
    return api


def test_what_nobody_expected_is_told_without_its_words(broken: Program) -> None:
    response = broken.post(SUBMIT, {"input": {"slug": "plain", "answers": {**ANSWERS, "note": "CANARY"}}})
    (error,) = response.json()["errors"]
    assert (response.status_code, response.json()["data"]) == (200, None)
    assert error["extensions"] == {"code": "INTERNAL_ERROR", "requestId": response.headers["x-request-id"]}
    assert "no-such-fee" not in response.text


def test_it_is_logged_with_its_place_and_nothing_of_the_call(broken: Program) -> None:
    literal = FILING.replace('note: "a"', 'note: "CANARY"')
    broken.post(literal)
    broken.post(SUBMIT, {"input": {"slug": "plain", "answers": {**ANSWERS, "note": "CANARY"}}})
    broken.post("{ CANARY }")
    broken.app.state.lines.append("")
    assert broken.http.portal is not None
    broken.http.__exit__(None, None, None)
    text = "".join(broken.app.state.lines)
    assert "CANARY" not in text
    errors = [line for line in logged(broken) if line["event"] == "error"]
    assert [line["type"] for line in errors] == ["NoFeeError", "NoFeeError"]
    assert all(line["route"] == "/graphql" for line in errors)


class Away(Database):
    """A database that nobody answers for."""

    def __init__(self) -> None: ...

    async def read(self, work: Any, *, long: bool = False) -> Any:
        raise StoreUnavailable("gone")

    async def transact(self, work: Any) -> Any:
        raise StoreUnavailable("gone")


def test_a_database_that_is_away_is_503_and_not_an_answer(api: Program) -> None:
    api.app.state.services = replace(api.of, database=Away())
    response = api.post(SUBMIT, {"input": {"slug": "plain", "answers": ANSWERS}})
    told(response, 503, "UNAVAILABLE")
    assert int(response.headers["retry-after"]) > 0
    assert api("{ rollout { year } }")["rollout"], "what is in memory is still told"


# --- in production ------------------------------------------------------------------------------------------------


@pytest.fixture
def production(tmp_path: Path, clock: Clock) -> Iterator[Program]:
    """The site as residents meet it: every port off."""
    url = f"sqlite:///{tmp_path / 'production.db'}"
    migrate(url, "production")
    environ = {
        "KAKANAI_MODE": "production",
        "KAKANAI_DATA_DIR": str(tmp_path),
        "KAKANAI_DATABASE_URL": url,
        "KAKANAI_BASE_URL": "https://testserver",
        "KAKANAI_WORKER": "off",
        "KAKANAI_SECRET_KEY": "s" * 40,
        "KAKANAI_INDEX_KEY": "i" * 40,
        "KAKANAI_ENCRYPTION_KEYS": "one:" + "A" * 43 + "=",
    } | {f"KAKANAI_{port}": "off" for port in ("IDENTITY", "SIGNING", "PAYMENTS", "MAIL")}
    with ExitStack() as stack:
        lines: list[str] = []
        app = create_app(Settings.from_env(environ), clock=clock, random=Random(), log_to=lines.append)
        app.state.lines = lines
        program = Program(app, stack.enter_context(Door(app, base_url="https://testserver")))
        program.publish(sample())
        yield program


def test_the_contract_holds_in_production(production: Program) -> None:
    assert production(QUERIES["catalogue"])["procedures"]["totalCount"] == 9
    assert production.submit("plain", ANSWERS)["__typename"] == "Application"


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { name } } }",
        '{ __type(name: "Query") { fields { name } } }',
        "{ ...f } fragment f on Query { __schema { queryType { name } } }",
    ],
)
def test_the_schema_is_not_told_in_production(production: Program, query: str) -> None:
    body = production.post(query).json()
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


MISSPELT: Final = (
    "{ procedur { slug } }",
    "{ rolout { year } }",
    '{ procedure(slugs: "a") { slug } }',
    '{ procedure(slug: "plain") { titel } }',
    '{ procedure(slug: "plain") { ... on Proceduer { slug } } }',
    '{ procedures(filter: {txt: "a"}) { totalCount } }',
    "{ procedures(filter: {channel: ONLIN}) { totalCount } }",
    "query q($f: ProcedureFiltr) { procedures(filter: $f) { totalCount } }",
    "{ rollout @includ(if: true) { year } }",
    "mutation { submitAplication(input: {}) { __typename } }",
    'mutation { submitApplication(input: {slug: "a", answer: {}}) { __typename } }',
)


@pytest.mark.parametrize("query", MISSPELT)
def test_a_word_that_is_nearly_right_is_not_mended(production: Program, query: str) -> None:
    text = production.post(query).text
    assert "errors" in text
    for word in ("Did you mean", "procedures", "ONLINE", "titles", "rollouts"):
        assert word not in text.replace(query, "")


def test_nor_in_variables(production: Program) -> None:
    query = "query q($f: ProcedureFilter) { procedures(filter: $f) { totalCount } }"
    for value in ({"channel": "ONLIN"}, {"txt": "a"}, {"hasFees": True}):
        text = production.post(query, {"f": value}).text
        assert "Did you mean" not in text
        assert "ONLINE" not in text
        assert 'hasFee"' not in text


def test_the_sandbox_tells_its_schema(api: Program) -> None:
    assert api("{ __schema { queryType { name } } }") == {"__schema": {"queryType": {"name": "Query"}}}


def test_what_asks_for_a_number_that_cannot_be_sealed_takes_no_filing(production: Program) -> None:
    assert production.refused("numbered", {**ANSWERS, "number": "123456789018"}) == {"": "CLOSED"}
    assert filed(production) == 0
