"""Queries made to hurt: each is refused, and nothing of it is carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from graphql import GraphQLObjectType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.api.documents import MAX_COST
from server.api.registered import read_queries
from server.api.schema import core
from tests.api.conftest import Program

NODES: Final = "procedures(first: 200) { edges { node {"


class Counter:
    """Counts every resolver that is called."""

    def __init__(self, api: Program) -> None:
        self.calls = self.asked = 0
        api("{ __typename }")  # the door is made with the first call
        for each in core(api.app.state.api.schema).type_map.values():
            if isinstance(each, GraphQLObjectType) and not each.name.startswith("__"):
                for field in each.fields.values():
                    field.resolve = self._counting(field.resolve)

    def _counting(self, resolve: Any) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return resolve(*args, **kwargs)

        return counted


def nested(levels: int) -> str:
    return "{ procedures " + "{ edges { node " * levels + "{ slug }" + " } }" * levels + " }"


def doubling(levels: int, inner: str) -> str:
    """Fragments each of which names the next one twice: 2^levels of them, if anybody walked them all."""
    spread = inner.format
    chain = " ".join(f"fragment f{i} on Procedure {{ {spread(i + 1)} {spread(i + 1)} }}" for i in range(levels))
    return f'{{ procedure(slug: "plain") {{ ...f0 }} }} {chain} fragment f{levels} on Procedure {{ slug }}'


TREE = "status { state } fee { items { code title amount unit } }"
BOMBS: Final = {
    "deep": nested(5),
    "very deep": nested(60),
    "deeper than can be read": "{" + "a {" * 2000 + "}" * 2000 + "}",
    "deep lists": "{ procedures(filter: " + "[" * 900 + "]" * 900 + ") { totalCount } }",
    "many aliases": "{" + " ".join(f"a{i}: rollout {{ year }}" for i in range(11)) + "}",
    "aliases in fragments": "{ ...f } fragment f on Query {" + " ".join(f"a{i}: __typename" for i in range(11)) + "}",
    "aliased look-ups": "{"
    + " ".join(f'a{i}: application(receiptNumber: "1", accessCode: "1") {{ state }}' for i in range(100))
    + "}",
    "a thousand tokens": "{" + "__typename " * 1000 + "}",
    "one field over and over": "{" + "__typename " * 900 + "}",
    "one branch over and over": "{" + "rollout { year } " * 240 + "}",
    "long strings": '{ procedure(slug: "' + "x" * 70_000 + '") { slug } }',
    "long comments": "{ __typename } #" + "x" * 70_000,
    "long names": "{" + "x" * 60_000 + "}",
    "many operations": " ".join(f"query q{i} {{ __typename }}" for i in range(200)),
    "many variables": "query q(" + " ".join(f"$v{i}: Int" for i in range(240)) + ") { __typename }",
    "many directives": "{ __typename " + "@include(if: true) " * 140 + "}",
    "a circle of fragments": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "a fragment in itself": "{ ...a } fragment a on Query { rollout { year } ...a }",
    "a fragment nobody names": "{ __typename } fragment a on Query { rollout { year } }",
    "a circle below": '{ procedure(slug: "plain") { ...a } } fragment a on Procedure { steps { ...b } } '
    "fragment b on Step { title ...b }",
    "doubling fragments": doubling(90, "...f{0}"),
    "doubling inline fragments": doubling(40, "... on Procedure {{ ...f{0} }}"),
    "pages of everything ten times": "{"
    + " ".join(f"a{i}: {NODES} slug }} }} }}" for i in range(10))
    + " b: "
    + f"{NODES} title }} }} }} }}",
    "all of every procedure": "{"
    + NODES
    + "attachments { key title hint requirement accept max each } steps { title fields } } } } }",
    "everything five times": "{" + " ".join(f"a{i}: {NODES} id slug title {TREE} }} }} }}" for i in range(5)) + "}",
    "a page that is too long": "{ procedures(first: 1000000000) { edges { node { slug "
    + TREE
    + " steps { title } } } } }",
    "a number that is too long": "{ procedures(first: " + "9" * 5000 + ") { totalCount } }",
    "many mutations": "mutation {"
    + " ".join(f'a{i}: submitApplication(input: {{slug: "x", answers: {{}}}}) {{ __typename }}' for i in range(10))
    + " }",
    "more mutations": "mutation {"
    + " ".join(f'a{i}: submitApplication(input: {{slug: "x", answers: {{}}}}) {{ __typename }}' for i in range(50))
    + " }",
    "a subscription": "subscription { rollout { year } }",
    "only a fragment": "fragment a on Query { __typename }",
    "a definition": "type A { a: Int }",
    "nothing of something": '{ procedure(slug: "plain") { } }',
    "not even that": "}{",
    "unknown fields": "{" + " ".join(f"zz{i}" for i in range(250)) + "}",
    "deferred": "{ ... @defer { rollout { year } } }",
}


@pytest.mark.parametrize("query", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_before_anything_is_called(api: Program, query: str) -> None:
    counter = Counter(api)
    response = api.post(query)
    body = response.json()
    assert response.status_code in (200, 413)
    assert not body.get("data"), body
    assert body.get("error") or body["errors"]
    assert counter.calls == 0


def test_what_a_query_costs_is_told(api: Program) -> None:
    body = api.post("{ rollout { year target } }").json()
    assert body["extensions"] == {"cost": 21, "costLimit": MAX_COST}


def test_a_page_costs_by_its_length_wherever_that_is_written(api: Program) -> None:
    query = "query q($n: Int = 100) { procedures(first: $n) { edges { node { slug title } } } }"
    costs = [api.post(query, variables).json()["extensions"]["cost"] for variables in (None, {"n": 1}, {"n": None})]
    assert costs == [900, 504, 700]


def test_the_dearest_page_of_the_catalogue_can_be_read(api: Program) -> None:
    assert api(read_queries()["catalogue"], {"first": 200})["procedures"]["totalCount"] == 9


LEAVES = st.sampled_from(
    ["id", "slug", "title", "kana", "channels", "lifeEvents", "version", "schema", "ui", "__typename"]
)
BELOW = st.recursive(
    st.lists(LEAVES, min_size=1, max_size=4).map(" ".join),
    lambda inner: st.one_of(
        inner.map(lambda text: f"... on Procedure {{ {text} }}"),
        inner.map(lambda text: f"... @include(if: true) {{ {text} }}"),
        st.tuples(inner, st.sampled_from(["steps { title fields }", TREE, "attachments { key accept }"])).map(" ".join),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(below=BELOW, first=st.integers(0, 12), twice=st.booleans())
def test_no_query_calls_more_than_it_is_said_to_cost(
    counting: tuple[Program, Counter], below: str, first: int, twice: bool
) -> None:
    api, counter = counting
    second = f"b: {NODES.replace('200', str(first))} ...f }} }} }}" if twice else ""
    query = f"{{ procedures(first: {first}) {{ edges {{ node {{ ...f }} }} }} {second} }}"
    counter.calls, counter.asked = 0, counter.asked + 1  # another text each time: an answer that is kept calls nothing
    body = api.post(f"{query} fragment f on Procedure {{ {below} }} # {counter.asked}").json()
    assert "errors" not in body, body
    assert 0 < counter.calls <= body["extensions"]["cost"]


@pytest.fixture
def counting(api: Program) -> tuple[Program, Counter]:
    return api, Counter(api)
