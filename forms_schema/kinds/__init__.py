"""Which kind of question a schema asks, and what it offers to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from forms_schema.base import Json, Kind, Option, Schema
from forms_schema.kinds.account import Account
from forms_schema.kinds.boxes import CorporateNumber, Email, MyNumber, Phone, PostalCode, Text, Textarea
from forms_schema.kinds.choices import Checkboxes, Consent, Radio, Select, YesNo, written
from forms_schema.kinds.containers import Address, Group, PersonName, Rows
from forms_schema.kinds.dates import Date, Time, YearMonth
from forms_schema.kinds.numbers import Decimal, Integer
from forms_schema.kinds.slots import Slot
from forms_schema.speech import JAPANESE, Speech
from forms_schema.text import N_

_YES_NO: Final = (("true", N_("はい")), ("false", N_("いいえ")))
MOST_RADIOS: Final = 6
LONGEST_LINE: Final = 200

_CLASSES = (
    *(Text, Textarea, Integer, Decimal, YesNo, Radio, Select, Checkboxes, Date, YearMonth, Time, Slot, PersonName),
    *(Address, Phone, Email, PostalCode, Account, MyNumber, CorporateNumber, Group, Rows, Consent),
)
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind() for kind in _CLASSES})

COMPOSITES: Final = MappingProxyType({"person-name": "person_name", "address": "address", "account": "account"})
"""Kinds by `x-kind`."""

FORMAT_KINDS: Final = MappingProxyType(
    {
        "date": "date",
        "year-month": "year_month",
        "time": "time",
        "slot": "slot",
        "phone": "phone",
        "email": "email",
        "postal-code": "postal_code",
        "my-number": "my_number",
        "corporate-number": "corporate_number",
        "decimal": "decimal",
        "kana": "text",
        "account-holder": "text",
    }
)
"""Kinds of text by `format`."""

WIDGETS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "text": {"textarea": "textarea"},
        "textarea": {"text": "text"},
        "radio": {"select": "select"},
        "select": {"radio": "radio"},
        "yes_no": {"radio": "yes_no"},
        "consent": {"checkbox": "consent"},
    }
)
"""What a `widget` makes of a kind. A kind's own name always stands too."""


def kind_of(schema: Schema, widget: str = "") -> Kind | None:
    """The kind that asks `schema` (merged, `$ref`s inlined), or None when none does or `widget` does not fit.

    The schema alone decides: `x-kind`, `type`, `format` and choices. A `widget` only picks another look that
    the kind allows.
    """
    name = _kind_name(schema)
    if widget and widget != name:
        name = WIDGETS.get(name, {}).get(widget, "")
    return KINDS.get(name)


def _kind_name(schema: Schema) -> str:
    if "x-kind" in schema:
        return COMPOSITES.get(str(schema["x-kind"]), "")
    chosen = _of_choices(schema)
    if chosen is not None:
        return chosen
    match schema.get("type"):
        case "object":
            return "group"
        case "array":
            return _of_array(schema.get("items", {}))
        case "string":
            return _of_text(schema)
        case other:
            return {"integer": "integer", "number": "decimal"}.get(str(other), "")


def _of_choices(schema: Schema) -> str | None:
    """The kind of a schema with choices; '' when they are not of one type that a form can give; None without."""
    constants = [constant for constant, _ in _constants(schema)]
    if schema.get("type") == "boolean" or (constants and all(isinstance(item, bool) for item in constants)):
        return "consent" if constants == [True] else "yes_no"
    if not constants:
        return None
    whole = schema.get("type") == "integer"
    if not all(type(item) is (int if whole else str) for item in constants) or "" in constants:
        return ""
    return "radio" if len(constants) <= MOST_RADIOS else "select"


def _of_array(items: Schema) -> str:
    if _constants(items):
        return "checkboxes" if _of_choices(items) in ("radio", "select") and items.get("type") != "integer" else ""
    return "rows" if items.get("type", "object") == "object" else ""


def _of_text(schema: Schema) -> str:
    if "format" in schema:
        return FORMAT_KINDS.get(str(schema["format"]), "")
    return "textarea" if schema.get("maxLength", 0) > LONGEST_LINE else "text"


def _constants(schema: Schema) -> list[tuple[Json, str]]:
    """Every answer that a schema lists, with its title; narrowed by an `enum` or `const` beside `oneOf`."""
    branches = schema.get("oneOf", schema.get("anyOf", ()))
    listed = [(branch["const"], str(branch.get("title", written(branch["const"])))) for branch in _constant(branches)]
    if "const" in schema:
        allowed = [schema["const"]]
    elif "enum" in schema:
        allowed = list(schema["enum"])
    else:
        return listed
    if not listed:
        return [(constant, written(constant)) for constant in allowed]
    return [choice for choice in listed if any(_same(choice[0], constant) for constant in allowed)]


def _same(a: Json, b: Json) -> bool:
    return type(a) is type(b) and bool(a == b)  # True is no 1


def _constant(branches: Json) -> Iterable[Schema]:
    """`branches` when each is a choice, else none."""
    given = [branch for branch in branches if isinstance(branch, Mapping)]
    return given if given and all("const" in branch for branch in given) else ()


def options_of(schema: Schema, speech: Speech = JAPANESE) -> tuple[Option, ...]:
    """What is offered to choose from, in order; none where nothing is."""
    source = schema.get("items", {}) if schema.get("type") == "array" else schema
    constants = _constants(source)
    if source.get("type") == "boolean" and "oneOf" not in source:
        offered = [each for each in _YES_NO if not constants or each[0] == written(constants[0][0])]
        return tuple(Option(value, speech.say(title)) for value, title in offered)
    return tuple(Option(written(constant), title) for constant, title in constants)
