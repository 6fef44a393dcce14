"""Plans to fields: what is said of one question, taken together into one `Field`.

A place has one kind, decided once from all that any branch says of it: reading a page must not depend on what was
asked when it was shown. What is asked at a moment only narrows rules and choices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from forms_schema.base import BadDeclaration, Fault, Field, Json, Schema
from forms_schema.kinds import WIDGETS, kind_of, options_of
from forms_schema.plan import Plan, all_open, is_choice
from forms_schema.speech import Speech
from forms_schema.validators import validator

MAX_KEPT = 2000
_LOWEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_HIGHEST = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_LISTING = ("enum", "const", "oneOf")
_RULES = ("not", "pattern", "format", "multipleOf", "minLength", "maxLength", *_LOWEST[:2], *_HIGHEST[:2])
_FAMILIES = {"select": "radio", "consent": "yes_no", "textarea": "text"}


def narrowed(parts: Iterable[Schema]) -> dict[str, Any]:
    """All that is said of one place as one schema: rules intersect, the first words stand, choices are those left."""
    result: dict[str, Any] = {}
    rules = []
    for part in parts:
        for key, value in part.items():
            result[key] = _narrower(key, result[key], value) if key in result else value
        rules.append({key: part[key] for key in _RULES if key in part})
    return _offered(result, [rule for rule in rules if rule])


def _narrower(key: str, a: Json, b: Json) -> Json:
    if key in _LOWEST:
        return min(a, b)
    if key in _HIGHEST:
        return max(a, b)
    if key == "enum":
        return [value for value in a if _among(value, b)]
    if key == "oneOf":
        return [option for option in a if _among(option["const"], [other["const"] for other in b])]
    if key == "items":
        return narrowed((a, b)) if is_choice(a) and is_choice(b) else a
    if key == "x-date":
        return {end: _both(a.get(end), b.get(end)) for end in ("min", "max") if end in a or end in b}
    return a or b if key == "uniqueItems" else a


def _both(a: Json, b: Json) -> Json:
    """Two bounds of dates as one: which is the nearer is not known until answers are."""
    found = list(dict.fromkeys([*bounds_of(a), *bounds_of(b)]))
    return found if len(found) > 1 else found[0]


def bounds_of(bounds: Json) -> list[str]:
    """The bounds that `x-date` names for one end: none, one, or several where it was narrowed."""
    return bounds if isinstance(bounds, list) else [] if bounds is None else [bounds]


def _offered(schema: dict[str, Any], rules: list[Schema]) -> dict[str, Any]:
    """`schema` with those of its choices that everything said of the place accepts."""
    values = listed(schema)
    if values is None and schema.get("type") == "boolean" and rules:
        values = [True, False]
    if values is None:
        return schema
    if rules:
        judge = validator({"allOf": rules})
        values = [value for value in values if judge.is_valid(value)]
    rest = {key: value for key, value in schema.items() if key not in _LISTING}
    if "oneOf" in schema:
        return {**rest, "oneOf": [option for option in schema["oneOf"] if _among(option["const"], values)]}
    if "const" in schema and values:
        return {**rest, "const": values[0]}
    return _plain({**rest, "enum": values})


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A yes-no question that lists both answers lists none."""
    both = schema.get("type") == "boolean" and len(schema["enum"]) == 2
    return {key: value for key, value in schema.items() if key != "enum"} if both else schema


def listed(schema: Schema) -> list[Json] | None:
    """The answers that a schema lists, or None when it lists none."""
    lists = [[option["const"] for option in schema["oneOf"]]] if "oneOf" in schema else []
    lists += [schema["enum"]] if "enum" in schema else []
    lists += [[schema["const"]]] if "const" in schema else []
    return [value for value in lists[0] if all(_among(value, other) for other in lists[1:])] if lists else None


def _same(a: Json, b: Json) -> bool:
    return type(a) is type(b) and bool(a == b)


def _among(value: Json, values: Iterable[Json]) -> bool:
    return any(_same(value, other) for other in values)


def widened(schemas: Sequence[Schema]) -> dict[str, Any]:
    """What may ever be answered at a place of which branches say different things: every choice, the widest bounds.

    Schemas that only narrow add words and bounds of dates. No page is judged by this: it is what pages are read by.
    """
    result: dict[str, Any] = {}
    for schema in schemas:
        for key, value in schema.items():
            result[key] = (
                _narrower(key, result[key], value) if key == "x-date" and key in result else result.get(key, value)
            )
    whole = [schema for schema in schemas if _is_whole(schema)] or list(schemas)
    for keys, widest in ((_LOWEST, max), (_HIGHEST, min)):
        for key in keys:
            values = [schema[key] for schema in whole if key in schema]
            result.pop(key, None)
            if len(values) == len(whole):
                result[key] = widest(values)
    if "items" in result and is_choice(result["items"]):
        result["items"] = widened([schema["items"] for schema in whole if "items" in schema])
    return _listing_all(result, whole)


def _is_whole(schema: Schema) -> bool:
    """Whether a schema says by itself what kind of question it is, rather than narrowing one."""
    return "type" in schema or "x-kind" in schema or "oneOf" in schema


def _listing_all(result: dict[str, Any], schemas: Sequence[Schema]) -> dict[str, Any]:
    rest = {key: value for key, value in result.items() if key not in _LISTING}
    if any(listed(schema) is None for schema in schemas):
        return rest
    titles: dict[tuple[type, Json], Json] = {}
    for schema in schemas:
        said = {(type(each["const"]), each["const"]): each.get("title") for each in schema.get("oneOf", ())}
        for value in listed(schema) or ():
            titles.setdefault((type(value), value), said.get((type(value), value)))
    if all(titles.values()):
        return {**rest, "oneOf": [{"const": value, "title": title} for (_, value), title in titles.items()]}
    return _plain({**rest, "enum": [value for _, value in titles]})


class Fields:
    """Makes fields and keeps them: one for each place, and one for each set of plans that speak of it."""

    def __init__(self, root: Plan, ui: Mapping[str, Mapping[str, Any]], read: Iterable[str], speech: Speech) -> None:
        self._ui, self._read, self._speech = ui, frozenset(read), speech
        self._unions: dict[str, tuple[Field, int]] = {}
        self._known: dict[tuple[str, tuple[int, ...]], tuple[Field, tuple[Plan, ...]]] = {}
        self.tops = self._inside("", (root,))
        """Every field of the form that is not inside another. Raises BadDeclaration."""

    def field(self, pointer: str, subs: tuple[Plan, ...]) -> Field:
        """The field at a pointer pattern while `subs` speak of it."""
        union, speakers = self._unions[pointer]
        if len(subs) == speakers == 1:
            return union
        key = (pointer, tuple(map(id, subs)))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MAX_KEPT:  # many branches naming one question: 2^n sets of plans
                self._known.clear()
            known = self._known[key] = (self._narrowed(union, subs), subs)  # subs: keeps their ids from being reused
        return known[0]

    def _narrowed(self, union: Field, subs: tuple[Plan, ...]) -> Field:
        schema = narrowed(part for sub in subs for part in sub.parts)
        if "type" in union.schema:
            schema["type"] = union.schema["type"]
        return replace(
            union,
            schema=schema,
            title=str(union.ui.get("title") or schema.get("title") or union.title),
            hint=str(union.ui.get("hint") or schema.get("description") or ""),
            subject=str(schema.get("x-subject", "")),
            options=options_of(schema, self._speech),
        )

    def _inside(self, pointer: str, subs: tuple[Plan, ...]) -> tuple[Field, ...]:
        """Every field that may be asked inside, in order."""
        rows = tuple(sub.items for sub in subs if sub.items)
        plans, at = (rows, f"{pointer}/*") if rows else (subs, pointer)
        said = dict(by_name(all_open(plans)))
        return tuple(self._union(f"{at}/{name}", said[name]) for name in in_order(plans))

    def _union(self, pointer: str, subs: tuple[Plan, ...]) -> Field:
        says = [_shaped(sub) for sub in subs]
        schema = widened(says) if len(says) > 1 else says[0]
        ui = self._ui.get(pointer, {})
        widget = str(ui.get("widget", ""))
        children = self._inside(pointer, subs)
        kind = kind_of(schema, widget)
        rows = any(sub.items for sub in subs)
        mixed = rows and any(part.fields for part in all_open(subs))
        if kind is None or mixed or kind.container != bool(children) or (kind.name == "rows") != rows:
            raise BadDeclaration([_without_kind(schema, widget, subs[0].at, pointer)])
        _check(says, subs)
        field = Field(
            pointer=pointer,
            name=pointer.rpartition("/")[2],
            kind=kind,
            schema=schema,
            title=str(ui.get("title") or schema.get("title") or pointer.rpartition("/")[2]),
            hint=str(ui.get("hint") or schema.get("description") or ""),
            widget=widget,
            subject=str(schema.get("x-subject", "")),
            options=options_of(schema, self._speech),
            children=children,
            live=pointer in self._read,
            ui=ui,
            speech=self._speech,
        )
        self._unions[pointer] = (field, len(subs))
        return field


def _without_kind(schema: Schema, widget: str, at: str, pointer: str) -> Fault:
    """Why no kind of question asks `schema`."""
    plain = kind_of(schema)
    if widget and plain is not None and kind_of(schema, widget) is None:
        place, looks = f"/ui/fields/{pointer.replace('/', '~1')}/widget", [plain.name, *WIDGETS.get(plain.name, ())]
        return Fault(place, f"{plain.name} に部品 {widget} は使えません", f"使える部品: {'、'.join(looks)}")
    if not _is_whole(schema) and not set(_LISTING) & set(schema):
        allowed = "type(string、integer、boolean など)、選択肢(oneOf)、または共通定義($ref)を書いてください"
        return Fault(at, "何を答える項目かわかりません(type がありません)", allowed)
    allowed = "type と format、選択肢の値、中の項目を確かめてください(docs/field-kinds.md)"
    return Fault(at, "この schema に合う項目の種類がありません", allowed)


def _shaped(sub: Plan) -> dict[str, Any]:
    """What one plan says of its place, with the type that its questions or rows imply."""
    schema = narrowed(sub.parts)
    if sub.items:
        return {"type": "array", **schema}
    return {"type": "object", **schema} if any(part.fields for part in all_open((sub,))) else schema


def _check(says: Sequence[Schema], subs: Sequence[Plan]) -> None:
    """One kind at one place, and defaults that could be answers."""
    families = {_family(each) for each in says if _is_whole(each)} - {""}
    if len(families) > 1 or len({each["x-kind"] for each in says if "x-kind" in each}) > 1:
        problem = f"枝によって項目の種類が違います({'、'.join(sorted(families))})"
        raise BadDeclaration([Fault(subs[-1].at, problem, "同じ名前には同じ種類を使うか、別の名前にしてください")])
    for schema, sub in zip(says, subs, strict=True):
        rules = {key: schema[key] for key in ("type", *_RULES, *_LISTING) if key in schema}
        if "default" in schema and not validator(rules).is_valid(schema["default"]):
            fault = Fault(f"{sub.at}/default", "はじめの値が、この項目の決まりに合いません", "合う値にしてください")
            raise BadDeclaration([fault])


def _family(schema: Schema) -> str:
    """The kind that a schema says by itself; kinds that differ in looks count as one. '': too little is said."""
    if schema.get("type") == "object" or "x-kind" in schema:
        return "group"
    if schema.get("type") == "array" and "items" not in schema:
        return ""
    kind = kind_of(schema)
    if kind is None:
        return ""
    whole = " integer" if schema.get("type") == "integer" else ""
    return _FAMILIES.get(kind.name, kind.name) + whole


def by_name(plans: tuple[Plan, ...]) -> list[tuple[str, tuple[Plan, ...]]]:
    """Each name that `plans` declare, with the plans that speak of it, in order of appearance."""
    names: dict[str, list[Plan]] = {}
    for plan in plans:
        for name, sub in plan.fields.items():
            names.setdefault(name, []).append(sub)
    return [(name, tuple(subs)) for name, subs in names.items()]


def in_order(plans: tuple[Plan, ...]) -> list[str]:
    """Every name that may be asked, in the order of asking: as the file names them, but what a condition adds comes
    right behind the last question that the condition reads."""
    names: list[str] = []
    followers: dict[str, str] = {}
    pending: list[tuple[Plan, tuple[str, ...]]] = [(plan, ()) for plan in plans]
    for plan, reads in pending:
        read = [name for name in names if name in reads]
        behind = read[-1] if read else ""
        for name in plan.fields:
            if name in names:
                continue
            names.insert(_end(names, followers, behind) if behind else len(names), name)
            if behind:
                followers[behind] = name
        pending += [(guard.plan, _tops(guard.reads)) for guard in plan.guards]
    return names


def _tops(reads: Iterable[str]) -> tuple[str, ...]:
    return tuple(pointer.split("/")[1] for pointer in reads)


def _end(names: Sequence[str], followers: Mapping[str, str], name: str) -> int:
    """The place behind a question and all that follows it already."""
    while name in followers:
        name = followers[name]
    return names.index(name) + 1


def walk_fields(fields: Iterable[Field], visit: Callable[[Field], None]) -> None:
    """Call `visit` for each field and all below it, outer first."""
    for item in fields:
        visit(item)
        walk_fields(item.children, visit)
