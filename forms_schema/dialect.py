"""The closed dialect of JSON Schema that a declaration may use, and what it refuses.

`META` describes the shape of every schema (for checks and for editors); the rest are rules that a schema cannot
state: patterns of linear time, conditions that test what they require, no circles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import jsonschema_rs

from forms_schema.base import Attachment, Fault, Field, Json, Schema
from forms_schema.bundle import MAX_NESTING, deeper_than
from forms_schema.dates import is_duration, read_date
from forms_schema.fields import bounds_of
from forms_schema.formats import FORMATS
from forms_schema.formdata import MAX_ROWS
from forms_schema.guess import meant
from forms_schema.plan import Plan, all_open, read_by
from forms_schema.survey import MAX_FIELDS, Survey, unasked
from forms_schema.validators import LARGEST, choices, is_linear_pattern

MAX_CHOICES = 2000
NAME: Final = "^[a-z][a-z0-9_]{0,40}$"
_RESERVED = frozenset({"era", "year", "month", "day"})

_COUNT = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
_NUMBER = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
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
_LIMITS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern"}
_WORDS = {"title", "description", "$comment", "examples"}
_VALUE_TESTS = frozenset(
    {"const", "enum", "type", "contains", "not", "minItems", "maxItems", "x-age", *_LIMITS, *_WORDS}
)
_TESTS = _VALUE_TESTS | {"properties", "required", "allOf", "anyOf"}
_VALUE_RULES = frozenset(
    {"const", "enum", "oneOf", "not", "default", "format", "multipleOf", "items", "contains", "minContains"}
    | {"maxContains", "minItems", "maxItems", "uniqueItems", "x-date", "x-age", *_LIMITS}
)
_OPEN: Final = "未回答でも成り立つ条件です"
_NOT_ASCII: Final = "保存する値は半角英数字にします"
_UNTITLED: Final = "選択肢に見出しがありません"
SLIPS: Final = frozenset({_OPEN, _NOT_ASCII, _UNTITLED})
"""Problems with which a schema can still be compiled, so that what else is wrong shows at the same time."""
_TOO_DEEP = Fault("", "入れ子が深すぎます", f"{MAX_NESTING} 段まで")


def check(schema: Json) -> list[Fault]:
    """Faults of a bundled schema that can be seen without compiling it."""
    if deeper_than(schema, MAX_NESTING):
        return [_TOO_DEEP]
    faults = [_of_shape(error) for error in _META.iter_errors(schema)]
    return faults or list(_rules(schema, ""))


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
    for key, words in (("if", _TESTS), ("contains", _TESTS), ("not", _VALUE_TESTS)):
        if key in schema:
            yield from _of_condition(schema[key], f"{at}/{key}", words)
    if "if" not in schema and ("then" in schema or "else" in schema):
        yield Fault(at, "then と else には if がいります", "if を書いてください")
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
    elif not _is_anchored(pattern):
        yield Fault(
            f"{at}/pattern", "pattern の | は全体にかかりません", "^(...|...)$ のように、かっこで囲んでください"
        )
    if re.search(r"\\[dwsDWS]", pattern):
        # \d takes full-width digits too, and a reader cannot tell
        yield Fault(f"{at}/pattern", r"\d \w \s は使えません", "[0-9] のように書いてください")
    if not is_linear_pattern(pattern):
        yield Fault(
            f"{at}/pattern", "この pattern は使えません", "先読み・後方参照のない、小さな正規表現にしてください"
        )


def _is_anchored(pattern: str) -> bool:
    """Whether `^` and `$` hold for the whole pattern: no `|` outside brackets, and the `$` itself is no literal."""
    bare = re.sub(r"\\.|\[\^?\]?(\\.|[^\]\\])*\]", "x", pattern)
    depths = [bare[:i].count("(") - bare[:i].count(")") for i, letter in enumerate(bare) if letter == "|"]
    return all(depths) and bare.endswith("$")


def _of_choices(schema: Schema, at: str) -> Iterator[Fault]:
    constants = [*(choices(schema.get("oneOf")) or choices(schema.get("anyOf")) or ()), *schema.get("enum", ())]
    if "const" in schema:
        constants.append(schema["const"])
    for value in constants:
        if isinstance(value, str) and not value.isascii():
            yield Fault(at, _NOT_ASCII, '{"const": 英数字, "title": 見出し} と書いてください')
        if isinstance(value, float):
            yield Fault(at, f"{value} は整数ではありません", f"{int(value)} と書いてください")
    for key in ("oneOf", "anyOf"):
        if choices(schema.get(key)) is None:
            continue
        for i, choice in enumerate(schema[key]):
            if "title" not in choice:
                yield Fault(f"{at}/{key}/{i}", _UNTITLED, "どの選択肢にも title を書いてください")
            if not set(choice) <= {"const", "title", "description", "$comment"}:
                yield Fault(
                    f"{at}/{key}/{i}", "選択肢には値と見出しだけを書きます", "const と title だけにしてください"
                )


def _of_dates(schema: Schema, at: str) -> Iterator[Fault]:
    for key, bound in schema.get("x-date", {}).items():
        if not (bound == "today" or bound.startswith("/") or is_duration(bound) or read_date(bound)):
            allowed = "today、-P91D のような期間、2024-04-01 のような日付、または /項目 を書いてください"
            yield Fault(f"{at}/x-date/{key}", "日付の範囲が読めません", allowed)


def check_condition(schema: Json) -> list[Fault]:
    """Faults of an `if`, `contains`, `required_if` or `when`."""
    if deeper_than(schema, MAX_NESTING):
        return [_TOO_DEEP]
    faults = [_of_shape(error) for error in _META.iter_errors(schema)]
    return faults or list(_of_condition(schema, "", _TESTS))


def _of_condition(schema: Schema, at: str, words: frozenset[str]) -> Iterator[Fault]:
    for key in schema:
        if key not in words:
            yield Fault(f"{at}/{key}", f"ここに {key} は使えません", f"使える語: {' '.join(sorted(words))}")
    required = set(schema.get("required", ()))
    for name, sub in schema.get("properties", {}).items():
        if name not in required:
            # JSON Schema lets an absent answer satisfy `properties`: the condition would hold before it is answered
            yield Fault(f"{at}/properties/{name}", _OPEN, f"required に {name} を書いてください")
        yield from _of_condition(sub, f"{at}/properties/{name}", words)
    yield from _of_pattern(schema, at)
    for key in ("allOf", "anyOf"):
        for i, part in enumerate(schema.get(key, ())):
            yield from _of_condition(part, f"{at}/{key}/{i}", words)
    if "contains" in schema:
        yield from _of_condition(schema["contains"], f"{at}/contains", words)
    if "not" in schema:
        # around an object it would hold before anything is answered
        yield from _of_condition(schema["not"], f"{at}/not", _VALUE_TESTS)


def check_fields(
    root: Plan,
    fields: Mapping[str, Field],
    ui: Mapping[str, Any],
    attachments: Sequence[Attachment],
    survey: Survey,
) -> list[Fault]:
    """Faults of the compiled fields, behind those of the conditions."""
    faults = [
        Fault(at, f"条件が {pointer} のまとまりがあるかどうかを見ています", "中の項目の値を見てください")
        for pointer, at in survey.read.items()
        if pointer in fields and fields[pointer].children and fields[pointer].schema.get("type") != "array"
    ]
    faults += [*_of_objects((root,)), *_of_ui(fields, ui), *_of_attachments(fields, attachments)]
    faults += [fault for field in fields.values() for fault in _of_field(field, fields, survey.places[field.pointer])]
    return [*survey.faults, *faults]


def _of_objects(plans: tuple[Plan, ...]) -> Iterator[Fault]:
    """Rules about one value that stand at an object, where nobody could mend what they find."""
    for plan in all_open(plans):
        yield from _of_object(plan)
        for sub in plan.fields.values():
            inside = (sub.items,) if sub.items else (sub,)
            if any(part.fields for part in all_open(inside)):
                yield from _of_objects(inside)


def _of_object(plan: Plan) -> Iterator[Fault]:
    for part in plan.parts:
        for key in sorted(_VALUE_RULES & set(part)):
            yield Fault(f"{plan.at}/{key}", f"項目のまとまりに {key} は使えません", "中の項目に書いてください")
        if part.get("type", "object") != "object":
            yield Fault(f"{plan.at}/type", "ここは項目のまとまりです", "type: object と書いてください")


def _of_ui(fields: Mapping[str, Field], ui: Mapping[str, Any]) -> Iterator[Fault]:
    for pointer in ui.get("fields", {}):
        if pointer not in fields:
            allowed = meant(pointer, fields, "schema にある項目を /名前 の形で書いてください")
            yield Fault(f"/ui/fields/{pointer.replace('/', '~1')}", f"{pointer} という項目はありません", allowed)


def _of_attachments(fields: Mapping[str, Field], attachments: Sequence[Attachment]) -> Iterator[Fault]:
    for i, attachment in enumerate(attachments):
        rows = fields.get(attachment.each)
        if attachment.each and (rows is None or rows.kind.name != "rows"):
            yield Fault(
                f"/attachments/{i}/each",
                f"{attachment.each} という繰り返しはありません",
                meant(attachment.each, rows_among(fields), "繰り返しの項目を書いてください"),
            )
        for pointer in read_by(attachment.required_if, f"{attachment.each}/*" if attachment.each else ""):
            at = f"/attachments/{i}/required_if"
            if pointer not in fields:
                yield unasked(at, pointer, fields)
            elif fields[pointer].children and fields[pointer].kind.name != "rows":
                yield Fault(at, f"条件が {pointer} のまとまりがあるかどうかを見ています", "中の項目の値を見てください")


def rows_among(fields: Mapping[str, Field]) -> list[str]:
    """The pointers of the questions that repeat."""
    return [pointer for pointer, field in fields.items() if field.kind.name == "rows"]


def _of_field(field: Field, fields: Mapping[str, Field], at: str) -> Iterator[Fault]:
    if field.pointer.count("*") > 1:
        yield Fault(at, "繰り返しの中に繰り返しは置けません", "一段にしてください")
    if field.kind.name == "rows" and field.schema.get("maxItems", MAX_ROWS) > MAX_ROWS:
        yield Fault(f"{at}/maxItems", "行が多すぎます", f"{MAX_ROWS} までにしてください")
    if field.kind.name == "checkboxes" and not field.schema.get("uniqueItems"):
        yield Fault(f"{at}/uniqueItems", "同じものを二度選べてしまいます", "uniqueItems: true と書いてください")
    for key in ("x-date", "x-age"):
        if key in field.schema and field.kind.name != "date":
            yield Fault(f"{at}/{key}", f"{key} は日付だけに使えます", "type: string と format: date を書いてください")
    for key, bounds in field.schema.get("x-date", {}).items():
        for bound in bounds_of(bounds):
            yield from _of_bound(bound, field, fields, f"{at}/x-date/{key}")


def _of_bound(bound: str, field: Field, fields: Mapping[str, Field], at: str) -> Iterator[Fault]:
    """A bound that is another answer: a date, outside all rows or in the same row."""
    if not bound.startswith("/"):
        return
    if bound not in fields or fields[bound].kind.name != "date":
        dates = [pointer for pointer, other in fields.items() if other.kind.name == "date"]
        yield Fault(at, f"{bound} という日付の項目はありません", meant(bound, dates, "日付の項目を書いてください"))
    elif "*" in bound and bound.partition("*")[0] != field.pointer.partition("*")[0]:
        yield Fault(at, f"{bound} のどの行かが決まりません", "同じ行の項目か、繰り返しの外の項目を書いてください")
