"""The closed dialect of JSON Schema that a declaration may use, and what it refuses.

`META` describes the shape of every schema (for checks and for editors); the rest are rules that a schema cannot
state: patterns of linear time, conditions that test what they require, no circles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import jsonschema_rs

from forms_schema.base import Attachment, BadDeclaration, Fault, Field, Json, Schema
from forms_schema.dates import is_duration, read_date
from forms_schema.formats import FORMATS
from forms_schema.plan import Plan, all_open, read_by
from forms_schema.validators import choices, is_linear_pattern, validator

MAX_NESTING = 40
MAX_FIELDS = 300
MAX_CHOICES = 2000
NAME: Final = "^[a-z][a-z0-9_]{0,40}$"
_RESERVED = frozenset({"era", "year", "month", "day"})

_COUNT = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
_NUMBER = {"type": "number"}
_TEXT = {"type": "string", "maxLength": 2000}
_CONSTANT = {"type": ["string", "integer", "boolean"]}
_SCHEMA = {"$ref": "#/$defs/schema"}
_SCHEMAS = {"type": "array", "items": _SCHEMA, "minItems": 1, "maxItems": MAX_CHOICES}
_NAMES = {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": MAX_FIELDS}
_BY_NAME = {"type": "object", "propertyNames": {"pattern": NAME}, "maxProperties": MAX_FIELDS}
_BOUND = {"type": "string", "maxLength": 200}

KEYWORDS: Final[dict[str, Json]] = {
    "$ref": {"type": "string", "pattern": r"^(urn:kakanai:common)?#/\$defs/[a-z][a-z0-9_-]*$"},
    "$defs": {"type": "object", "additionalProperties": _SCHEMA},
    "title": _TEXT,
    "description": _TEXT,
    "$comment": _TEXT,
    "examples": {"type": "array"},
    "default": _CONSTANT,
    "type": {"enum": ["object", "array", "string", "integer", "number", "boolean"]},
    "enum": {"type": "array", "items": _CONSTANT, "minItems": 1, "maxItems": MAX_CHOICES, "uniqueItems": True},
    "const": _CONSTANT,
    "oneOf": _SCHEMAS,
    "anyOf": _SCHEMAS,
    "allOf": _SCHEMAS,
    "not": _SCHEMA,
    "if": _SCHEMA,
    "then": _SCHEMA,
    "else": _SCHEMA,
    "properties": {**_BY_NAME, "additionalProperties": _SCHEMA},
    "required": _NAMES,
    "dependentRequired": {**_BY_NAME, "additionalProperties": _NAMES},
    "dependentSchemas": {**_BY_NAME, "additionalProperties": _SCHEMA},
    "items": _SCHEMA,
    "contains": _SCHEMA,
    "minContains": _COUNT,
    "maxContains": _COUNT,
    "minItems": _COUNT,
    "maxItems": _COUNT,
    "uniqueItems": {"type": "boolean"},
    "minLength": _COUNT,
    "maxLength": _COUNT,
    "pattern": {"type": "string", "maxLength": 500},
    "format": {"enum": sorted(FORMATS)},
    "minimum": _NUMBER,
    "maximum": _NUMBER,
    "exclusiveMinimum": _NUMBER,
    "exclusiveMaximum": _NUMBER,
    "multipleOf": {"type": "number", "exclusiveMinimum": 0},
    "x-kind": {"enum": ["person-name", "address", "account"]},
    "x-subject": {"type": "string", "pattern": NAME},
    "x-date": {
        "type": "object",
        "properties": {"min": _BOUND, "max": _BOUND},
        "additionalProperties": False,
        "minProperties": 1,
    },
    "x-age": {
        "type": "object",
        "properties": {"min": _COUNT, "max": _COUNT},
        "additionalProperties": False,
        "minProperties": 1,
    },
    "x-sensitive": {"type": "boolean"},
    "x-purpose": _TEXT,
}
META: Final[dict[str, Json]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$ref": "#/$defs/schema",
    "$defs": {"schema": {"type": "object", "properties": KEYWORDS, "additionalProperties": False}},
}
_META = jsonschema_rs.Draft202012Validator(META, mask="*", offline=True)
_TESTS = frozenset(
    "properties required const enum minimum maximum exclusiveMinimum exclusiveMaximum contains not allOf anyOf "
    "minItems maxItems x-age type minLength maxLength pattern title $comment".split()
)


def check(schema: Json) -> list[Fault]:
    """Faults of a bundled schema that can be seen without compiling it."""
    if _deeper_than(schema, MAX_NESTING):
        return [Fault("", "入れ子が深すぎます", f"{MAX_NESTING} 段まで")]
    faults = [_of_shape(error) for error in _META.iter_errors(schema)]
    return faults or list(_rules(schema, ""))


def _deeper_than(node: Json, limit: int) -> bool:
    if limit < 0:
        return True
    inner = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    return any(_deeper_than(child, limit - 1) for child in inner)


def _of_shape(error: Any) -> Fault:
    at = "".join(f"/{part}" for part in error.instance_path)
    kind = error.kind.name
    if kind == "additionalProperties":
        names = "、".join(str(name) for name in error.kind.unexpected)
        return Fault(at, f"使えない語です: {names}", f"使える語: {' '.join(KEYWORDS)}")
    allowed = {key: value for key, value in error.kind.as_dict().items() if key not in ("value", "name")}
    return Fault(at, f"この値は書けません({kind})", str(next(iter(allowed.values()), "")))


def _rules(schema: Schema, at: str) -> Iterator[Fault]:
    yield from _of_pattern(schema, at)
    yield from _of_choices(schema, at)
    yield from _of_dates(schema, at)
    if "if" in schema:
        yield from (Fault(f"{at}/if{f.pointer}", f.problem, f.allowed) for f in check_condition(schema["if"]))
    elif "then" in schema or "else" in schema:
        yield Fault(at, "then と else には if がいります", "if を書いてください")
    if "not" in schema and _reaches_names(schema["not"]):
        yield Fault(f"{at}/not", "not は一つの値だけに使えます", "項目の側に書いてください")
    if isinstance(schema.get("items"), Mapping) and schema["items"].get("type") == "array":
        yield Fault(f"{at}/items", "繰り返しの中に繰り返しは置けません", "一段にしてください")
    for name in schema.get("properties", {}):
        if name in _RESERVED:
            yield Fault(f"{at}/properties/{name}", "この名前は日付の部品に使います", "ほかの名前にしてください")
    for place, sub in _parts(schema, at):
        yield from _rules(sub, place)


def _parts(schema: Schema, at: str) -> Iterator[tuple[str, Schema]]:
    for key in ("properties", "dependentSchemas", "$defs"):
        for name, sub in schema.get(key, {}).items():
            yield f"{at}/{key}/{name}", sub
    for key in ("allOf", "anyOf", "oneOf"):
        for i, sub in enumerate(schema.get(key, ())):
            yield f"{at}/{key}/{i}", sub
    for key in ("items", "then", "else"):
        if key in schema:
            yield f"{at}/{key}", schema[key]


def _of_pattern(schema: Schema, at: str) -> Iterator[Fault]:
    pattern = schema.get("pattern")
    if pattern is None:
        return
    if not (pattern.startswith("^") and pattern.endswith("$")):
        yield Fault(f"{at}/pattern", "pattern は全体を指す形にします", "^ で始め、$ で終えてください")
    if re.search(r"\\[dwsDWS]", pattern):
        # \d takes full-width digits too, and a reader cannot tell
        yield Fault(f"{at}/pattern", r"\d \w \s は使えません", "[0-9] のように書いてください")
    if not is_linear_pattern(pattern):
        yield Fault(f"{at}/pattern", "この pattern は使えません", "先読み・後方参照のない、小さな正規表現にしてください")


def _of_choices(schema: Schema, at: str) -> Iterator[Fault]:
    constants = list(choices(schema.get("oneOf")) or schema.get("enum") or ())
    if "const" in schema:
        constants.append(schema["const"])
    for value in constants:
        if isinstance(value, str) and not value.isascii():
            yield Fault(at, "保存する値は半角英数字にします", "{const: 英数字, title: 見出し} と書いてください")
    if "oneOf" in schema and choices(schema["oneOf"]) is not None and not all("title" in b for b in schema["oneOf"]):
        yield Fault(f"{at}/oneOf", "選択肢に見出しがありません", "どの選択肢にも title を書いてください")


def _of_dates(schema: Schema, at: str) -> Iterator[Fault]:
    for key, bound in schema.get("x-date", {}).items():
        if not (bound == "today" or bound.startswith("/") or is_duration(bound) or read_date(bound)):
            allowed = "today、-P91D のような期間、2024-04-01 のような日付、または /項目 を書いてください"
            yield Fault(f"{at}/x-date/{key}", "日付の範囲が読めません", allowed)
    if "x-date" in schema and schema.get("format") != "date":
        yield Fault(f"{at}/x-date", "x-date は日付だけに使えます", "type: string と format: date を書いてください")


def check_condition(schema: Json) -> list[Fault]:
    """Faults of an `if`, `required_if` or `when`."""
    faults = [_of_shape(error) for error in _META.iter_errors(schema)]
    return faults or list(_of_condition(schema, ""))


def _of_condition(schema: Schema, at: str) -> Iterator[Fault]:
    for key in schema:
        if key not in _TESTS:
            yield Fault(f"{at}/{key}", f"条件に {key} は使えません", f"使える語: {' '.join(sorted(_TESTS))}")
    required = set(schema.get("required", ()))
    for name, sub in schema.get("properties", {}).items():
        if name not in required:
            # JSON Schema lets an absent answer satisfy `properties`: the condition would hold before it is answered
            yield Fault(f"{at}/properties/{name}", "未回答でも成り立つ条件です", f"required に {name} を書いてください")
        yield from _of_condition(sub, f"{at}/properties/{name}")
    if "not" in schema and _reaches_names(schema["not"]):
        yield Fault(f"{at}/not", "not は一つの値だけに使えます", "項目の中に書いてください")
    for key in ("allOf", "anyOf"):
        for i, part in enumerate(schema.get(key, ())):
            yield from _of_condition(part, f"{at}/{key}/{i}")
    if "contains" in schema:
        yield from _of_condition(schema["contains"], f"{at}/contains")


def _reaches_names(schema: Json) -> bool:
    return isinstance(schema, Mapping) and bool({"properties", "required", "allOf", "anyOf", "oneOf"} & set(schema))


def check_conditions(root: Plan, attachments: Sequence[Attachment]) -> tuple[frozenset[str], int]:
    """Every answer that some condition reads, and how many turns settling may take at most.

    Raises BadDeclaration for a condition on an answer nobody declares, and for conditions that go in a circle.
    """
    edges: dict[str, set[str]] = {}
    read = {
        pointer
        for item in attachments
        for pointer in read_by(item.required_if, f"{item.each}/*" if item.each else "")
    }
    asked: set[str] = set()
    _collect((root,), "", frozenset(), edges, read, asked)
    unknown = [p for p in sorted(read) if p not in asked]
    if unknown:
        raise BadDeclaration([Fault("", f"条件が {p} を見ていますが、その項目はありません", "項目の名前を確かめてください") for p in unknown])
    return frozenset(read), _longest(edges)


def _collect(
    plans: tuple[Plan, ...],
    at: str,
    outer: frozenset[str],
    edges: dict[str, set[str]],
    read: set[str],
    asked: set[str],
) -> None:
    """Note for each guard at this object, and below, what it reads and what only it asks."""
    plain = outer | {name for plan in plans for name in plan.fields}
    for plan in plans:
        for guard in plan.guards:
            sources = {f"{at}{pointer}" for pointer in guard.reads}
            read |= sources
            for pointer in _asked_by(guard.plan, at, plain):
                for source in sources:
                    edges.setdefault(source, set()).add(pointer)
            _collect((guard.plan,), at, plain, edges, read, asked)
    for plan in plans:
        for name, sub in plan.fields.items():
            asked.add(f"{at}/{name}")
            _collect((sub,), f"{at}/{name}", frozenset(), edges, read, asked)
            if sub.items:
                _collect((sub.items,), f"{at}/{name}/*", frozenset(), edges, read, asked)


def _asked_by(plan: Plan, at: str, plain: frozenset[str]) -> Iterator[str]:
    """Pointers that opening `plan` adds: its own names that the object does not ask anyway, and all below."""
    for name, sub in plan.fields.items():
        pointer = f"{at}/{name}"
        if name not in plain:
            yield pointer
            yield from _asked_by_all(sub, pointer)
        else:
            yield from _asked_by(sub, pointer, frozenset())
    for guard in plan.guards:
        yield from _asked_by(guard.plan, at, plain)


def _asked_by_all(plan: Plan, at: str) -> Iterator[str]:
    for part in all_open((plan,)):
        for name, sub in part.fields.items():
            yield f"{at}/{name}"
            yield from _asked_by_all(sub, f"{at}/{name}")
    if plan.items:
        yield from _asked_by_all(plan.items, f"{at}/*")


def _longest(edges: Mapping[str, set[str]]) -> int:
    """The longest chain of conditions. Raises BadDeclaration when they go in a circle."""
    lengths: dict[str, int] = {}
    for start in edges:
        _measure(start, edges, lengths, ())
    return max(lengths.values(), default=0)


def _measure(node: str, edges: Mapping[str, set[str]], lengths: dict[str, int], trail: tuple[str, ...]) -> int:
    if node in trail:
        circle = " → ".join((*trail[trail.index(node) :], node))
        raise BadDeclaration([Fault("", f"条件が輪になっています: {circle}", "どれか一つの条件を外してください")])
    if node not in lengths:
        lengths[node] = 1 + max(
            (_measure(other, edges, lengths, (*trail, node)) for other in edges.get(node, ())), default=0
        )
    return lengths[node]


def check_fields(
    root: Plan,
    fields: Mapping[str, Field],
    ui: Mapping[str, Any],
    attachments: Sequence[Attachment],
    read: frozenset[str],
) -> None:
    """Rules over the compiled fields. Raises BadDeclaration."""
    faults = [
        Fault("", f"条件が {pointer} のまとまりがあるかどうかを見ています", "中の項目の値を見てください")
        for pointer in sorted(read)
        if fields[pointer].children and fields[pointer].schema.get("type") != "array"
    ]
    faults += [*_dead_ends((root,), frozenset()), *_of_ui(fields, ui), *_of_attachments(fields, attachments)]
    places = dict(_places(root, ""))
    faults += [fault for field in fields.values() for fault in _of_field(field, fields, places[field.pointer])]
    if len(fields) > MAX_FIELDS:
        faults.append(Fault("", f"質問が {len(fields)} あります", f"{MAX_FIELDS} までにしてください"))
    if faults:
        raise BadDeclaration(faults)


def _dead_ends(plans: tuple[Plan, ...], outer: frozenset[str]) -> Iterator[Fault]:
    """A required name that neither this place nor an enclosing one declares: an error at a question nobody sees."""
    for plan in plans:
        known = outer | set(plan.fields)
        for name in sorted(plan.required - known):
            yield Fault(plan.at, f"必須の {name} がどこにも宣言されていません", "properties に書くか、required から外してください")
        for guard in plan.guards:
            yield from _dead_ends((guard.plan,), known)
        for sub in plan.fields.values():
            yield from _dead_ends((sub,), frozenset())
        if plan.items:
            yield from _dead_ends((plan.items,), frozenset())


def _of_ui(fields: Mapping[str, Field], ui: Mapping[str, Any]) -> Iterator[Fault]:
    for pointer in ui.get("fields", {}):
        if pointer not in fields:
            yield Fault(f"/ui/fields/{pointer.replace('/', '~1')}", "この項目は schema にありません", "名前を確かめてください")


def _of_attachments(fields: Mapping[str, Field], attachments: Sequence[Attachment]) -> Iterator[Fault]:
    for i, attachment in enumerate(attachments):
        if attachment.each and fields.get(attachment.each) is None:
            yield Fault(f"/attachments/{i}/each", f"{attachment.each} という繰り返しはありません", "繰り返しの項目を書いてください")
        if attachment.required_if is not None:
            for fault in check_condition(attachment.required_if):
                yield Fault(f"/attachments/{i}/required_if{fault.pointer}", fault.problem, fault.allowed)


def _places(plan: Plan, pointer: str) -> Iterator[tuple[str, str]]:
    """Where in the schema each question is declared, by its pointer pattern; the first place counts."""
    for part in reversed(all_open((plan,))):
        for name, sub in part.fields.items():
            yield from _places(sub, f"{pointer}/{name}")
            yield f"{pointer}/{name}", sub.at
        if part.items:
            yield from _places(part.items, f"{pointer}/*")


def _of_field(field: Field, fields: Mapping[str, Field], at: str) -> Iterator[Fault]:
    if "default" in field.schema and not validator(field.schema).is_valid(field.schema["default"]):
        yield Fault(f"{at}/default", "はじめの値が、この項目の決まりに合いません", "合う値にしてください")
    if field.pointer.count("*") > 1:
        yield Fault(at, "繰り返しの中に繰り返しは置けません", "一段にしてください")
    for key, bound in field.schema.get("x-date", {}).items():
        if bound.startswith("/") and bound not in fields:
            yield Fault(f"{at}/x-date/{key}", f"{bound} という項目はありません", "日付の項目を書いてください")
