"""The schema itself: what others build on, told in words, and who may call what."""

from __future__ import annotations

from enum import Enum

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    specified_scalar_types,
)

from procedures import terms
from procedures.library import load_library
from server.api import enums
from server.api.documents import LENGTHS, WEIGHTS
from server.api.export import SNAPSHOT, printed
from server.api.policy import POLICY, PUBLIC, Access, unlisted
from server.api.schema import build_schema, core
from server.applications.states import ResidentState
from server.catalogue import ProcedureState
from server.money.states import PaymentState


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return core(build_schema())


def test_the_schema_is_the_one_that_was_agreed() -> None:
    assert printed() == SNAPSHOT.read_text("utf-8"), "if this is meant: python -m server.api.export"


def test_every_type_field_and_argument_is_told_in_words(schema: GraphQLSchema) -> None:
    silent = []
    for name, each in schema.type_map.items():
        if name.startswith("__") or name in specified_scalar_types:
            continue
        silent += [name] * (not each.description)
        if isinstance(each, GraphQLObjectType | GraphQLInputObjectType):
            silent += [f"{name}.{field}" for field, told in each.fields.items() if not told.description]
        if isinstance(each, GraphQLObjectType):
            for field, told in each.fields.items():
                silent += [f"{name}.{field}({arg})" for arg, it in told.args.items() if not it.description]
        if isinstance(each, GraphQLEnumType):
            silent += [f"{name}.{value}" for value, told in each.values.items() if not told.description]
    assert silent == []


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
    assert roots == set(WEIGHTS)


def test_no_list_of_the_city_is_longer_than_it_is_counted() -> None:
    for each in load_library().declarations.values():
        assert len(each.form.steps) <= LENGTHS["steps"]
        assert len(each.attachments) <= LENGTHS["attachments"]
        assert each.fee is None or len(each.fee.items) <= LENGTHS["items"]


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (enums.Assurance, terms.Assurance),
        (enums.Channel, terms.Channel),
        (enums.Result, terms.Result),
        (enums.FeeTiming, terms.Timing),
        (enums.ProcedureState, ProcedureState),
        (enums.ApplicationState, ResidentState),
        (enums.PaymentState, PaymentState),
    ],
)
def test_the_closed_lists_are_told_whole(told: type[Enum], meant: type[Enum]) -> None:
    assert [(each.name, each.value) for each in told] == [(each.name, each.value) for each in meant]
