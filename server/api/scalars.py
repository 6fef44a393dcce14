"""The scalars of ours: JSON as it is, and times as they are read in Japan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from forms_schema.formats import is_date
from server.api.reading import Unreadable, check
from server.japan import in_japan

JSON = NewType("JSON", object)


def _json(value: Any) -> Any:
    try:
        check(value)
    except Unreadable as error:
        raise GraphQLError(str(error), extensions={"code": "BAD_USER_INPUT"}) from None
    return value


def _json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    try:
        return _json(value_from_ast_untyped(node, variables))
    except ValueError:  # more digits than Python turns into a number
        return _json(float("nan"))


def _moment(value: datetime) -> str:
    """'2026-11-20T10:00:00+09:00'."""
    return in_japan(value).isoformat(timespec="seconds")


def _day(value: object) -> date:
    """Only '2026-11-20': Python reads other forms of ISO 8601 too, which clients would come to rely on."""
    if isinstance(value, str) and is_date(value):
        return date.fromisoformat(value)
    raise GraphQLError("2026-11-20 のような日付を書いてください。", extensions={"code": "BAD_USER_INPUT"})


def _output_only(_: object) -> Any:
    raise GraphQLError("この型は入力には使えません。")


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    JSON: strawberry.scalar(
        name="JSON",
        description="JSONの値。オブジェクトの名前の順は、書かれた順のまま。",
        serialize=lambda value: value,
        parse_value=_json,
        parse_literal=_json_literal,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="日本時間の日時(RFC 3339)。例: 2026-11-20T10:00:00+09:00",
        serialize=_moment,
        parse_value=_output_only,
    ),
    date: strawberry.scalar(
        name="Date",
        description="日本の日付(ISO 8601)。例: 2026-11-20",
        serialize=lambda value: value.isoformat(),
        parse_value=_day,
    ),
}
