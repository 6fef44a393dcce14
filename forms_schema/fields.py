"""Plans to fields: what is said of one question, taken together into one `Field`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from forms_schema.base import BadDeclaration, Fault, Field, Json, Schema
from forms_schema.kinds import kind_of, options_of
from forms_schema.plan import Plan, all_open

MAX_KEPT = 4000
MAX_FIELDS = 1000
_LOWEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_HIGHEST = ("minimum", "exclusiveMinimum", "minLength", "minItems")


def narrowed(parts: Iterable[Schema]) -> dict[str, Any]:
    """All that is said of one place as one schema: rules intersect, the first words stand."""
    result: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            result[key] = _narrower(key, result[key], value) if key in result else value
    return _offered(result)


def _narrower(key: str, a: Json, b: Json) -> Json:
    if key in _LOWEST:
        return min(a, b)
    if key in _HIGHEST:
        return max(a, b)
    if key == "enum":
        return [value for value in a if _among(value, b)]
    if key == "oneOf":
        return [option for option in a if any(_same(option.get("const"), other.get("const")) for other in b)]
    return a


def _offered(schema: dict[str, Any]) -> dict[str, Any]:
    """Choices by `oneOf` that an `enum` or `const` beside it narrows."""
    if "oneOf" not in schema:
        return schema
    for key in ("enum", "const"):
        if key in schema:
            allowed = schema.pop(key) if key == "enum" else [schema.pop(key)]
            schema["oneOf"] = [option for option in schema["oneOf"] if _among(option.get("const"), allowed)]
    return schema


def _same(a: Json, b: Json) -> bool:
    return type(a) is type(b) and bool(a == b)


def _among(value: Json, values: Iterable[Json]) -> bool:
    return any(_same(value, other) for other in values)


class Fields:
    """Makes fields and keeps them: one for each set of plans that speak of a place."""

    def __init__(self, ui: Mapping[str, Mapping[str, Any]], read: frozenset[str]) -> None:
        self._ui, self._read = ui, read
        self._pointers: set[str] = set()
        self._known: dict[tuple[str, tuple[int, ...]], tuple[Field, tuple[Plan, ...]]] = {}

    def field(self, pointer: str, subs: tuple[Plan, ...]) -> Field:
        """The field at a pointer pattern of which `subs` speak. Raises BadDeclaration."""
        key = (pointer, tuple(map(id, subs)))
        known = self._known.get(key)
        if known is None:
            if len(self._known) > MAX_KEPT:  # many branches naming one question: 2^n sets of plans
                self._known.clear()
            known = self._known[key] = (self._made(pointer, subs), subs)  # subs: keeps their ids from being reused
        return known[0]

    def _made(self, pointer: str, subs: tuple[Plan, ...]) -> Field:
        self._pointers.add(pointer)
        if len(self._pointers) > MAX_FIELDS:  # definitions that use one another twice: 2^n questions
            raise BadDeclaration([Fault("", "質問が多すぎます", f"{MAX_FIELDS} までにしてください")])
        schema = narrowed(part for sub in subs for part in sub.parts)
        ui = self._ui.get(pointer, {})
        name = pointer.rpartition("/")[2]
        children = self.children(pointer, subs)
        shape = {**schema, "type": "object"} if children and "type" not in schema else schema
        if any(sub.items for sub in subs):
            shape = {**shape, "type": "array"}
        kind = kind_of(shape, ui.get("widget", ""))
        if kind is None or kind.container and not children:
            allowed = "type と format、または x-kind を確かめてください(docs/field-kinds.md)"
            raise BadDeclaration([Fault(subs[0].at, "この schema に合う項目の種類がありません", allowed)])
        title = str(ui.get("title") or schema.get("title") or name)
        return Field(
            pointer=pointer,
            name=name,
            kind=kind,
            schema=shape,
            title=title,
            hint=str(ui.get("hint") or schema.get("description") or ""),
            widget=str(ui.get("widget", "")),
            subject=str(schema.get("x-subject", "")),
            options=options_of(shape),
            children=children,
            live=pointer in self._read,
            ui=ui,
        )

    def children(self, pointer: str, subs: tuple[Plan, ...]) -> tuple[Field, ...]:
        """Every field that may be asked inside, in order."""
        rows = tuple(sub.items for sub in subs if sub.items)
        inside, at = (all_open(rows), f"{pointer}/*") if rows else (all_open(subs), pointer)
        return tuple(self.field(f"{at}/{name}", plans) for name, plans in by_name(inside))


def by_name(plans: tuple[Plan, ...]) -> list[tuple[str, tuple[Plan, ...]]]:
    """Each name that `plans` declare, with the plans that speak of it, in order of appearance."""
    names: dict[str, list[Plan]] = {}
    for plan in plans:
        for name, sub in plan.fields.items():
            names.setdefault(name, []).append(sub)
    return [(name, tuple(subs)) for name, subs in names.items()]


def walk_fields(fields: Iterable[Field], visit: Callable[[Field], None]) -> None:
    """Call `visit` for each field and all below it, outer first."""
    for item in fields:
        visit(item)
        walk_fields(item.children, visit)
