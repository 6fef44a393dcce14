"""Queries known by the hash of their text: those that are shipped, and those that clients bring."""

from __future__ import annotations

import gzip
import json
from typing import Any, Final

import pytest
from httpx2 import Response

from server.api.documents import MAX_COST
from server.api.registered import Persisted, identifier, read_queries
from tests.api.conftest import STATUS, SUBMIT, Program
from tests.api.declarations import ANSWERS, declared

QUERIES: Final = read_queries()
OWN: Final = "query Own($slug: String!) { procedure(slug: $slug) { slug title } }"
VARIABLES: Final[dict[str, dict[str, Any]]] = {
    "catalogue": {"first": 200},
    "search": {"filter": {"text": "みほん"}, "orderBy": "KANA", "language": "EN", "first": 100},
    "guide": {"slug": "priced"},
    "form": {"slug": "filed"},
    "versions": {"slug": "plain", "first": 100},
    "form-version": {"slug": "plain"},
    "fees": {},
    "topics": {},
    "departments": {},
    "rollout": {},
    "statistics": {"slug": "plain"},
}
"""What each shipped query is asked with here: as much as it may be asked for."""


def by_id(api: Program, text: str, variables: Any = None, **headers: str) -> Response:
    parameters = {"id": identifier(text)} | ({} if variables is None else {"variables": json.dumps(variables)})
    response: Response = api.http.get("/graphql", params=parameters, headers=headers)
    return response


def extensions(text: str, **changes: Any) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": identifier(text)} | changes}


def by_hash(api: Program, text: str, variables: Any, **more: str) -> Response:
    """As Apollo's clients ask, with GET for hashes."""
    parameters = {"variables": json.dumps(variables), "extensions": json.dumps(extensions(text))} | more
    response: Response = api.http.get("/graphql", params=parameters)
    return response


# --- those that are shipped ---------------------------------------------------------------------------------------


def test_each_shipped_query_has_variables_here() -> None:
    assert set(VARIABLES) <= set(QUERIES)
    assert set(QUERIES) - set(VARIABLES) <= {"life-events", "life-event", "interview"}


@pytest.mark.parametrize("name", VARIABLES)
def test_each_shipped_query_stands_and_costs_less_than_the_limit(api: Program, name: str) -> None:
    served = api.of.catalogue.get("plain")
    assert served is not None
    variables = VARIABLES[name] | ({"version": served.digest} if name == "form-version" else {})
    response = by_id(api, QUERIES[name], variables)
    body = response.json()
    assert response.status_code == 200, body
    assert "errors" not in body
    assert all(value is not None for value in body["data"].values())
    assert 0 < body["extensions"]["cost"] <= MAX_COST
    assert body["data"] == api(QUERIES[name], variables), "by POST it is the same"


def test_an_answer_is_packed_where_the_client_takes_it_and_known_by_one_mark(api: Program) -> None:
    packed = by_id(api, QUERIES["catalogue"], {"first": 200}, **{"accept-encoding": "gzip"})
    plain = by_id(api, QUERIES["catalogue"], {"first": 200}, **{"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.content == plain.content
    assert packed.headers["etag"] == plain.headers["etag"]
    for each in (packed, plain):
        assert (each.headers["vary"], each.headers["cache-control"]) == ("Accept-Encoding", "public, no-cache")


def test_an_answer_is_packed_once(api: Program) -> None:
    by_id(api, QUERIES["rollout"])
    ((kept, _),) = api.app.state.api.answers._answers.values()
    assert gzip.decompress(kept.packed) == kept.body
    assert kept.packed is kept.packed


@pytest.mark.parametrize("name", ["catalogue", "guide", "rollout", "departments"])
def test_who_has_the_answer_is_told_that_it_stands(api: Program, name: str) -> None:
    first = by_id(api, QUERIES[name], VARIABLES[name])
    again = by_id(api, QUERIES[name], VARIABLES[name], **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("hashed", ["", "0" * 64, "x", identifier(SUBMIT), identifier(OWN), identifier(STATUS).upper()])
def test_an_unknown_id_is_told_so(api: Program, hashed: str) -> None:
    response = api.http.get("/graphql", params={"id": hashed})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "QUERY_NOT_REGISTERED")


@pytest.mark.parametrize(
    ("name", "variables", "code"),
    [
        ("catalogue", {"first": 201}, "PAGE_SIZE"),
        ("catalogue", {"first": -1}, "PAGE_SIZE"),
        ("catalogue", {"after": "x"}, "BAD_CURSOR"),
        ("catalogue", {"filter": {"colour": "red"}}, "BAD_USER_INPUT"),
        ("form", {}, "BAD_USER_INPUT"),
        ("form", {"slug": 1}, "BAD_USER_INPUT"),
        ("form", [], "BAD_REQUEST"),
        ("statistics", {}, "BAD_USER_INPUT"),
    ],
)
def test_what_is_wrong_with_its_variables_has_a_code(api: Program, name: str, variables: Any, code: str) -> None:
    response = by_id(api, QUERIES[name], variables)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)
    assert response.headers["cache-control"] == "no-store"


# --- those that clients bring -------------------------------------------------------------------------------------


def test_a_hash_that_is_not_known_is_sent_with_its_text_and_then_alone(api: Program) -> None:
    """The way of Apollo's clients, word by word."""
    asked = {"operationName": "Own", "variables": {"slug": "plain"}, "extensions": extensions(OWN)}
    first = api.http.post("/graphql", json=asked)
    (error,) = first.json()["errors"]
    assert first.status_code == 200
    assert (error["message"], error["extensions"]["code"]) == ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    assert api.http.post("/graphql", json={**asked, "query": OWN}).json()["data"]["procedure"]["slug"] == "plain"
    again = api.http.post("/graphql", json={**asked, "variables": {"slug": "priced"}})
    assert again.json()["data"]["procedure"]["slug"] == "priced"


def test_what_a_client_brought_is_then_asked_by_get_and_kept_by_browsers(api: Program) -> None:
    unknown = by_hash(api, OWN, {"slug": "plain"}, operationName="Own")
    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert unknown.headers["cache-control"] == "no-store"
    api(OWN, {"slug": "plain"}, extensions=extensions(OWN))
    known = by_hash(api, OWN, {"slug": "plain"}, operationName="Own")
    assert known.json()["data"]["procedure"]["slug"] == "plain"
    assert known.headers["cache-control"] == "public, no-cache"
    again = api.http.get(known.request.url, headers={"if-none-match": known.headers["etag"]})
    assert again.status_code == 304
    api.publish([declared("plain", id="P901", title="新しい名前")])
    newer = api.http.get(known.request.url, headers={"if-none-match": known.headers["etag"]})
    assert newer.json()["data"]["procedure"]["title"] == "新しい名前"


def test_a_shipped_query_is_known_by_its_hash_from_the_start(api: Program) -> None:
    assert by_hash(api, QUERIES["rollout"], {}).json()["data"] == api(QUERIES["rollout"])
    posted = api.http.post("/graphql", json={"extensions": extensions(QUERIES["rollout"])})
    assert posted.json()["data"]["rollout"]


def test_what_is_personal_or_changes_something_is_never_asked_by_get(api: Program) -> None:
    made = api(SUBMIT, {"input": {"slug": "plain", "answers": ANSWERS}}, extensions=extensions(SUBMIT))
    number = {name: made["submitApplication"][name] for name in ("receiptNumber", "accessCode")}
    assert api(STATUS, number, extensions=extensions(STATUS))["application"]["state"] == "SUBMITTED"
    for text, variables in ((SUBMIT, {"input": {"slug": "plain", "answers": ANSWERS}}), (STATUS, number)):
        answer = by_hash(api, text, variables)
        assert answer.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        assert "data" not in answer.json()
    again = api.http.post("/graphql", json={"variables": number, "extensions": extensions(STATUS)})
    assert again.json()["data"]["application"]["state"] == "SUBMITTED", "by POST its hash is enough"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": OWN, "extensions": extensions(OWN + " ")}, "PERSISTED_QUERY_MISMATCH"),
        ({"extensions": extensions("{ nothing }")}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"query": OWN, "extensions": extensions(OWN, version=2)}, "BAD_REQUEST"),
        ({"query": OWN, "extensions": {"persistedQuery": "x"}}, "BAD_REQUEST"),
        ({"query": OWN, "extensions": extensions(OWN, sha256Hash=1)}, "BAD_REQUEST"),
        ({"query": OWN, "extensions": extensions(OWN, sha256Hash="A" * 64)}, "BAD_REQUEST"),
        ({"query": OWN, "extensions": [1]}, "BAD_REQUEST"),
        ({"extensions": {}}, "BAD_REQUEST"),
    ],
)
def test_a_hash_that_is_none_or_of_something_else_is_told_so(api: Program, body: Any, code: str) -> None:
    told = api.http.post("/graphql", json=body).json()
    assert "data" not in told
    found = told["error"]["code"] if "error" in told else told["errors"][0]["extensions"]["code"]
    assert found == code


def test_what_does_not_stand_is_not_remembered(api: Program) -> None:
    wrong = "query Own { procedur { slug } }"
    for _ in range(2):
        told = api.http.post("/graphql", json={"query": wrong, "extensions": extensions(wrong)}).json()
        assert told["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    alone = api.http.post("/graphql", json={"extensions": extensions(wrong)}).json()
    assert alone["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_others_extensions_are_left_alone(api: Program) -> None:
    assert api(OWN, {"slug": "plain"}, extensions={"clientLibrary": {"name": "x"}})["procedure"]["slug"] == "plain"


def test_what_is_remembered_has_a_bound_and_the_least_used_goes() -> None:
    known = Persisted(QUERIES)
    texts = [f"{{ a{i} }}" for i in range(known.MOST)]
    for text in texts:
        known.remember(identifier(text), text)
    assert known.find(identifier(texts[0])) == texts[0]
    known.remember("0" * 64, "{ another }")
    assert known.find(identifier(texts[0])) == texts[0], "it was used"
    assert known.find(identifier(texts[1])) is None
    long = "{ a } #" + "x" * known.LONGEST
    known.remember(identifier(long), long)
    assert known.find(identifier(long)) is None
    assert known.find(identifier(QUERIES["rollout"])) == QUERIES["rollout"]
