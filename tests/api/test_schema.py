"""The schema itself: what others build on, told in words, and who may call what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_specified_directive,
    specified_scalar_types,
)

from procedures import terms
from procedures.city import DAYS
from server.api import enums
from server.api.documents import LENGTHS, PAGED, WEIGHTS
from server.api.export import REFERENCE, SNAPSHOT, printed
from server.api.export import told as told_page
from server.api.policy import POLICY, PUBLIC, Access, unlisted
from server.api.schema import build_schema, core
from server.applications.messages import Audience, Kind
from server.applications.states import OfficeState, ResidentState
from server.applications.uploads import CLEAN, INFECTED, WAITING
from server.catalogue import ProcedureState
from server.money.states import PaymentState
from tests import shipped


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return core(build_schema())


def test_the_schema_is_the_one_that_was_agreed() -> None:
    assert printed() == SNAPSHOT.read_text("utf-8"), "if this is meant: python -m server.api.export"


def test_the_page_that_tells_of_the_schema_is_up_to_date() -> None:
    page = told_page()
    assert page == REFERENCE.read_text("utf-8"), "python -m server.api.export"


def test_the_page_tells_every_type_and_field_once(schema: GraphQLSchema) -> None:
    page = told_page()
    for name, each in schema.type_map.items():
        if name.startswith("__") or name in specified_scalar_types or name in ("Query", "Mutation"):
            continue
        (part,) = re.findall(rf"^### \w+ `{name}`\n(.*?)(?=^##|\Z)", page, re.DOTALL | re.MULTILINE)
        fields: Any = getattr(each, "fields", {})
        for field in (*fields, *getattr(each, "values", ())):
            assert f"| `{field}" in part, (name, field)
    assert [len(re.findall(rf"`{name.partition('.')[2]}`: `", page)) for name in POLICY] == [1] * len(POLICY)


def described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Everything of ours that has a name, and its words."""
    for name, each in schema.type_map.items():
        if name.startswith("__") or name in specified_scalar_types:
            continue
        yield name, each.description
        fields: Any = getattr(each, "fields", {})
        for field, told in fields.items():
            yield f"{name}.{field}", told.description
            for arg, it in getattr(told, "args", {}).items():
                yield f"{name}.{field}({arg})", it.description
        values: Any = getattr(each, "values", {})
        for value, told in values.items():
            yield f"{name}.{value}", told.description
    for directive in schema.directives:
        if not is_specified_directive(directive):
            yield f"@{directive.name}", directive.description


def test_everything_that_has_a_name_is_told_in_words(schema: GraphQLSchema) -> None:
    told = dict(described(schema))
    kinds = {type(each) for each in schema.type_map.values()}
    assert len(told) > 300
    assert {"ProcedureFilter.text", "Query.procedures(first)", "Weekday.MON", "SubmitApplicationPayload"} <= set(told)
    assert not {each for each in kinds if "Interface" in each.__name__}, "its fields are walked too: say so here"
    assert [name for name, words in told.items() if not words or not re.search(r"[ぁ-ヿ一-鿿A-Za-z]{2}", words)] == []
    assert [name for name, words in told.items() if words == name] == []


def test_every_root_field_says_who_may_call_it(schema: GraphQLSchema) -> None:
    assert unlisted(schema) == set()
    assert set(POLICY.values()) == set(Access)


def test_nothing_that_changes_something_is_for_everybody() -> None:
    assert not any(name.startswith("Mutation.") for name in PUBLIC)


def test_every_list_of_objects_has_a_length_to_count_with(schema: GraphQLSchema) -> None:
    lists = set()
    for name, each in schema.type_map.items():
        if isinstance(each, GraphQLObjectType) and not name.startswith("__"):
            for field, told in each.fields.items():
                inner = told.type.of_type if isinstance(told.type, GraphQLNonNull) else told.type
                if isinstance(inner, GraphQLList) and not is_leaf_type(get_named_type(inner)):
                    lists.add(field)
    assert lists == set(LENGTHS)
    roots = {name.partition(".")[2] for name, access in POLICY.items() if access is not Access.EVERYBODY}
    whole = {"procedures", "facets"}  # these walk through the catalogue, the next ones read and compile a form
    read = {"procedure", "schema", "ui", "steps", "attachments"}
    stored = {"cases", "case", "looks", "messages"}  # each goes to the store
    assert roots | whole | read | stored | {"statistics", "versions"} == set(WEIGHTS)
    paged = {
        field
        for each in schema.type_map.values()
        if isinstance(each, GraphQLObjectType)
        for field, told in each.fields.items()
        if "first" in told.args
    }
    assert paged == set(PAGED)


def test_no_list_of_the_city_is_longer_than_it_is_counted() -> None:
    for each in shipped.library().declarations.values():
        assert len(each.form.steps) <= LENGTHS["steps"]
        assert len(each.attachments) <= LENGTHS["attachments"]
        assert each.fee is None or len(each.fee.items) <= LENGTHS["items"]


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (enums.Assurance, terms.Assurance),
        (enums.Channel, terms.Channel),
        (enums.Result, terms.Result),
        (enums.Weekday, Enum("Weekday", {day.upper(): day for day in DAYS})),
        (enums.FeeTiming, terms.Timing),
        (enums.ProcedureState, ProcedureState),
        (enums.ApplicationState, ResidentState),
        (enums.PaymentState, PaymentState),
        (enums.OfficeState, OfficeState),
        (enums.MessageKind, Kind),
        (enums.OfficeAudience, Audience),
        (enums.ScanState, Enum("Scan", {each.upper(): each for each in (CLEAN, WAITING, INFECTED)})),
    ],
)
def test_the_closed_lists_are_told_whole(told: type[Enum], meant: type[Enum]) -> None:
    assert [(each.name, each.value) for each in told] == [(each.name, each.value) for each in meant]
