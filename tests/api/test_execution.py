"""The short way to a plain field answers what strawberry's own way does, its errors included."""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import GraphQLObjectType
from strawberry.schema.config import StrawberryConfig

from server.api.execution import PLAINLY, Executor, read_plainly
from server.api.schema import core


@strawberry.enum
class Colour(Enum):
    RED = "red"


@strawberry.type
class Thing:
    name: str
    count: int
    colour: Colour
    tags: list[str]
    note: str | None = None
    marks: list[int | None] | None = None
    share: float = 0.5
    ready: bool = False
    inside: Thing | None = None

    @strawberry.field
    def told(self, loud: bool = False) -> str:
        return self.name.upper() if loud else self.name


GOOD = Thing(name="犬", count=1, colour=Colour.RED, tags=["a", "b"])
SPOILT: dict[str, Any] = {
    "name": [None, 3, 1.5, True, object(), [], ValueError("秘密")],
    "count": [None, "4", 1.0, 1.5, 2**40, True],
    "colour": [None, "red", "blue", 1],
    "tags": [None, "text", [None], [1], ("x",), {"a"}, 5],
    "note": [3, "", ValueError("秘密")],
    "marks": [[], [None, 1], [1, "x"], "12"],
    "share": [1, "1", None, float("nan")],
    "ready": [1, 0, "true", None],
}
THINGS = [GOOD, dataclasses.replace(GOOD, note="n", marks=[1, None], inside=GOOD)]
THINGS += [dataclasses.replace(GOOD, **{name: value}) for name, values in SPOILT.items() for value in values]
QUERY = (
    "{ thing { name count colour tags n: note marks share ready told(loud: true) inside { name told __typename } } }"
)


def answer(thing: object, executor: Any = None) -> tuple[Any, list[Any]]:
    @strawberry.type
    class Query:
        @strawberry.field
        def thing(self) -> Thing | None:
            return thing  # type: ignore[return-value]

    schema = strawberry.Schema(Query, config=StrawberryConfig(), execution_context_class=executor)
    if executor is not None:
        for each in core(schema).type_map.values():
            if isinstance(each, GraphQLObjectType):
                read_plainly(each)
        assert PLAINLY in core(schema).type_map["Thing"].fields["tags"].extensions  # type: ignore[attr-defined]
    result = schema.execute_sync(QUERY)
    return result.data, [(error.message, error.path) for error in result.errors or ()]


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: f"{THINGS.index(thing)}")
def test_a_plain_field_is_answered_as_by_the_long_way(thing: Thing) -> None:
    assert repr(answer(thing, Executor)) == repr(answer(thing))
