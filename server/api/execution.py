"""How answers are carried out: by strawberry's executor, but for fields that are an attribute of a value and no more.

Such a field (a text, a number, a choice, a list of them) has no arguments, nothing to wait for and no rule of its own:
it is read and written out in one step, compiled once a field. That is two thirds of what a long list costs. Anything
unusual (a missing value, one of the wrong kind) goes the long way, which knows the words for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from graphql import (
    GraphQLField,
    GraphQLLeafType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter

PLAINLY: Final = "plainly"
"""Key in a field's extensions: what reads and writes out the field of a value, where it is plain."""
Completed = Any
Complete = Callable[[Any], Completed]


class _Unusual(Exception):
    """The long way has the answer."""


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's, with a short way for plain fields."""

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        described = parent_type.fields.get(field_details_list[0].node.name.value)
        plainly: Complete | None = described.extensions.get(PLAINLY) if described else None
        if plainly is not None:
            try:
                return plainly(source)
            except Exception:  # noqa: S110 - said by the long way, with its place in the answer
                pass
        return super().execute_field(parent_type, source, field_details_list, path, position_context)


def read_plainly(each: GraphQLObjectType) -> None:
    """Prepare the fields of a type that are attributes and nothing else."""
    for described in each.fields.values():
        complete = _completer(described.type)
        if complete is not None and getattr(described.resolve, "_is_default", False) and not described.args:
            described.extensions[PLAINLY] = _reader(described, complete)


def _reader(described: GraphQLField, complete: Complete) -> Complete:
    name: str = described.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].python_name
    return lambda source: complete(getattr(source, name))


def _completer(type_: GraphQLOutputType) -> Complete | None:
    """What writes a value of this type out, or None for types that have fields of their own."""
    if isinstance(type_, GraphQLNonNull):
        return _completer_of(type_.of_type)
    complete = _completer_of(type_)
    return complete and (lambda value: None if value is None else complete(value))


def _completer_of(inner: Any) -> Complete | None:
    """The same for a value that has to be there."""
    if is_leaf_type(inner):
        return _leaf(inner)
    each = _completer(inner.of_type) if is_list_type(inner) else None
    return each and _listed(each)


def _leaf(type_: GraphQLLeafType) -> Complete:
    written = type_.coerce_output_value

    def leaf(value: Any) -> Completed:
        found = written(value)
        if found is None:
            raise _Unusual
        return found

    return leaf


def _listed(each: Complete) -> Complete:
    def listed(value: Any) -> Completed:
        if not isinstance(value, list | tuple):
            raise _Unusual
        return [each(item) for item in value]

    return listed
