"""A client that others wrote (gql), over HTTP at a real server with the city's own procedures.

It asks for the schema, judges each document by it before it is sent, and builds some of them from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest
from gql import Client, gql
from gql.dsl import DSLInlineFragment, DSLMutation, DSLQuery, DSLSchema, dsl_gql
from gql.transport.exceptions import TransportQueryError, TransportServerError
from gql.transport.httpx import HTTPXTransport
from graphql import GraphQLError, GraphQLSchema, print_schema

from procedures.declaration import Declaration
from server.api.registered import identifier, read_queries
from tests import shipped
from tests.browser.server import Server

QUERIES: Final = read_queries()
DECLARATION: Final[Declaration] = shipped.library().declarations["public-comment"]
"""Anybody may file it, without papers."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("site"))
    made.start()
    yield made
    made.kill()
    assert made.failures() == []


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(transport=HTTPXTransport(url=f"{server.url}/graphql"), fetch_schema_from_transport=True)


@pytest.fixture(scope="module")
def schema(client: Client) -> GraphQLSchema:
    with client:
        assert client.schema is not None
        return client.schema


def asked(client: Client, text: str, **variables: Any) -> dict[str, Any]:
    """What the server answers; gql raises for errors."""
    request = gql(text)
    request.variable_values = variables
    found = client.execute(request)
    assert isinstance(found, dict)
    return found


def test_it_reads_the_schema_that_we_ship(schema: GraphQLSchema) -> None:
    shipped = print_schema(schema)
    for kind in ("type Procedure {", "type VersionConnection {", "input ProcedureFilter {", "enum Weekday {"):
        assert kind in shipped
    assert schema.type_map["Procedure"].description == "手続。"


def test_it_judges_a_document_by_that_schema_before_it_is_sent(client: Client, schema: GraphQLSchema) -> None:
    for text in QUERIES.values():
        client.validate(gql(text))
    with pytest.raises(GraphQLError, match="colour"):
        client.validate(gql("{ procedures { edges { node { colour } } } }"))


def test_it_walks_the_whole_catalogue_by_its_cursors(client: Client) -> None:
    slugs: list[str] = []
    after, pages = None, 0
    while True:
        page = asked(client, QUERIES["catalogue"], first=60, after=after)["procedures"]
        slugs += [edge["node"]["slug"] for edge in page["edges"]]
        pages += 1
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert (len(slugs), pages) == (page["totalCount"], -(-page["totalCount"] // 60))
    assert set(slugs) == set(shipped.library().declarations)


def test_it_files_by_a_query_it_builds_from_the_schema_and_reads_what_became_of_it(
    client: Client, schema: GraphQLSchema
) -> None:
    form = asked(client, QUERIES["form"], slug=DECLARATION.slug)["procedure"]
    assert form["version"] == DECLARATION.digest
    case = next(case for case in DECLARATION.cases if not case["expect"].get("errors"))
    ds = DSLSchema(schema)
    filing = {"slug": DECLARATION.slug, "version": form["version"], "answers": case["answers"]}
    submit = ds.Mutation.submitApplication(input=filing | {"idempotencyKey": "gql-1"}).select(
        DSLInlineFragment().on(ds.Application).select(ds.Application.receiptNumber, ds.Application.accessCode),
        DSLInlineFragment().on(ds.Rejected).select(ds.Rejected.errors.select(ds.AnswerError.code)),
    )
    made = client.execute(dsl_gql(DSLMutation(submit)))["submitApplication"]
    assert set(made) == {"receiptNumber", "accessCode"}, made
    assert client.execute(dsl_gql(DSLMutation(submit)))["submitApplication"] == made, "sent again, it is the same"
    look = ds.Query.application(**made).select(
        ds.Application.state, ds.Application.history.select(ds.HistoryEntry.state)
    )
    found = client.execute(dsl_gql(DSLQuery(look)))["application"]
    assert found["state"] == found["history"][-1]["state"]


def test_what_stands_against_a_filing_comes_as_data(client: Client, schema: GraphQLSchema) -> None:
    text = "mutation($input: SubmitApplicationInput!) { submitApplication(input: $input) {"
    text += " __typename ... on Rejected { errors { pointer code message } } } }"
    made = asked(client, text, input={"slug": DECLARATION.slug, "answers": {}})["submitApplication"]
    assert made["__typename"] == "Rejected"
    assert {each["code"] for each in made["errors"]} == {"required"}
    assert all(each["pointer"] and each["message"] for each in made["errors"])


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("catalogue", {"first": 1000}, "PAGE_SIZE"),
        ("catalogue", {"after": "x"}, "BAD_CURSOR"),
        ("statistics", {}, "BAD_USER_INPUT"),
    ],
)
def test_an_error_reaches_it_with_its_code(client: Client, query: str, variables: Any, code: str) -> None:
    with pytest.raises(TransportQueryError) as caught:
        asked(client, QUERIES[query], **variables)
    (error,) = caught.value.errors or []
    assert error["extensions"]["code"] == code


def test_a_token_that_is_none_is_an_error_of_the_transport(server: Server) -> None:
    transport = HTTPXTransport(url=f"{server.url}/graphql", headers={"Authorization": "Bearer kk_" + "x" * 43})
    with pytest.raises(TransportServerError) as caught:
        Client(transport=transport).execute(gql("{ rollout { year } }"))
    assert caught.value.code == 401


def test_the_city_tells_its_roll_out_and_a_version_its_time(client: Client) -> None:
    years = {each["year"]: each["target"] for each in asked(client, QUERIES["rollout"])["rollout"]}
    assert years == {"R3": 61, "R4": 100, "R5": 140, "R6": 170, "R7": 200}
    (edge,) = asked(client, QUERIES["versions"], slug=DECLARATION.slug)["procedure"]["versions"]["edges"]
    assert (edge["node"]["version"], edge["node"]["current"]) == (DECLARATION.digest, True)


def test_a_query_that_it_asked_by_post_is_asked_by_get_too_and_kept(client: Client, server: Server) -> None:
    variables = {"slug": DECLARATION.slug}
    with httpx2.Client(base_url=server.url) as browser:
        query = {"id": identifier(QUERIES["guide"]), "variables": json.dumps(variables)}
        first = browser.get("/graphql", params=query, headers={"accept-encoding": "gzip"})
        assert first.json()["data"] == asked(client, QUERIES["guide"], **variables)
        assert first.headers["content-encoding"] == "gzip"
        again = browser.get("/graphql", params=query, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        unknown = browser.get("/graphql", params={"id": "0" * 64})
        assert unknown.json()["error"]["code"] == "QUERY_NOT_REGISTERED"
