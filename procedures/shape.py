"""Shapes of the files administrators write: closed JSON Schemas in their words, and faults that say what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import jsonschema_rs

from forms_schema.base import Fault, Json
from forms_schema.guess import guess, meant
from procedures.reading import below

SLUG: Final[dict[str, Json]] = {
    "type": "string",
    "pattern": "^[a-z][a-z0-9-]{0,60}$",
    "description": "半角の英小文字、数字、ハイフン",
}


def text(title: str, description: str, limit: int = 200, **more: Json) -> dict[str, Json]:
    """A string that is not empty."""
    return {"title": title, "description": description, "type": "string", "minLength": 1, "maxLength": limit, **more}


def choice(title: str, description: str, options: Mapping[Any, str]) -> dict[str, Json]:
    """One of some constants, each with its word; `enumDescriptions` is where editors look for the words."""
    named = "、".join(f"{value}={word}" for value, word in options.items())
    said = {"title": title, "description": f"{description}。{named}"}
    return {**said, "enum": list(map(str, options)), "enumDescriptions": list(options.values())}


def count(title: str, description: str, least: int, most: int) -> dict[str, Json]:
    """A whole number between two others."""
    return {"title": title, "description": description, "type": "integer", "minimum": least, "maximum": most}


def many(title: str, description: str, items: Mapping[str, Json], **more: Json) -> dict[str, Json]:
    """A list of up to 200 things of one shape."""
    return {"title": title, "description": description, "type": "array", "items": dict(items), "maxItems": 200, **more}


def record(
    title: str, description: str, properties: Mapping[str, Json], *required: str, **more: Json
) -> dict[str, Json]:
    """An object that takes these keys and no other."""
    return {
        "title": title,
        "description": description,
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def day(title: str, description: str) -> dict[str, Json]:
    """A date, or null."""
    words = f"{description}。2027-04-01 のように書く"
    return {"title": title, "description": words, "type": ["string", "null"], "format": "date"}


_PROBLEMS: Final = {
    "const": "この値は使えません",
    "pattern": "書き方が違います",
    "format": "日付として読めません",
    "minLength": "空です",
    "maxLength": "長すぎます",
    "minItems": "少なすぎます",
    "maxItems": "多すぎます",
    "maxProperties": "多すぎます",
    "minProperties": "空です",
    "uniqueItems": "同じものが2度あります",
    "minimum": "小さすぎます",
    "maximum": "大きすぎます",
    "exclusiveMinimum": "小さすぎます",
}
_TYPES: Final = {
    "object": "{ } のまとまり",
    "array": "[ ] の一覧",
    "string": '文字(" で囲む)',
    "integer": '整数(" で囲まない)',
    "number": '数(" で囲まない)',
    "boolean": 'true か false(" で囲まない)',
    "null": "null",
}
_UNITS: Final = {"Length": "文字", "Items": "個", "Properties": "個"}


class Shape:
    """A closed JSON Schema to hold a file against. References lead to its own `$defs` only.

    `elsewhere` says of keys that people look for here where they really belong.
    """

    def __init__(self, document: dict[str, Json], elsewhere: Mapping[str, str] | None = None) -> None:
        self._document, self._elsewhere = document, elsewhere or {}
        self._validator = jsonschema_rs.Draft202012Validator(document, validate_formats=True, mask="*", offline=True)

    def faults(self, raw: Json) -> list[Fault]:
        """Everything about `raw` that does not fit, each with its place and what is allowed there."""
        found = [fault for error in self._validator.iter_errors(raw) for fault in self._of(error)]
        empty = {fault.pointer for fault in found if fault.problem == _PROBLEMS["minLength"]}
        return [each for each in found if each.pointer not in empty or each.problem == _PROBLEMS["minLength"]]

    def _of(self, error: Any) -> Iterator[Fault]:
        at = ""
        for part in error.instance_path:
            at = below(at, str(part))
        kind, rule = error.kind.name, self._rule_at(error.schema_path[:-1])
        properties = rule.get("properties", {})
        if kind == "additionalProperties":
            yield from (self._unknown(at, name, list(properties)) for name in error.kind.unexpected)
        elif kind == "required":
            name = error.kind.property
            yield Fault(below(at, name), f"{name} がありません", f"書いてください。{_described(properties.get(name))}")
        elif kind == "propertyNames":
            name = error.kind.error.instance
            yield Fault(below(at, name), f"{_cut(name)} は名前に使えません", _described(rule))
        else:
            yield _fault(at, kind, error, rule)

    def _rule_at(self, path: Sequence[str | int]) -> dict[str, Json]:
        """The schema that raised an error: the path goes through `$ref`s."""
        node: Json = self._document
        for part in path:
            node = self._document["$defs"][node["$ref"].rpartition("/")[2]] if part == "$ref" else node[part]
        return node if isinstance(node, dict) else {}

    def _unknown(self, at: str, name: str, names: Sequence[str]) -> Fault:
        known = f"使えるキー: {'、'.join(names)}" if names else "ここには書けません"
        hint = self._elsewhere.get(name) or guess(name, names)
        return Fault(below(at, name), f"{name} というキーはありません", f"{hint}{'。' if hint else ''}{known}")


def _fault(at: str, kind: str, error: Any, rule: Mapping[str, Json]) -> Fault:
    found = error.instance
    if kind == "type":
        types = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
        wanted = "か、".join(_TYPES[each] for each in types)
        written = _TYPES[_type_of(found)].partition("(")[0]
        return Fault(at, f"{written}が書かれています", f"{wanted}を書いてください。{_described(rule)}")
    if kind == "enum":
        options = list(rule["enum"])
        words = rule.get("enumDescriptions", [""] * len(options))
        named = "、".join(
            f"{value}({word})" if word else str(value) for value, word in zip(options, words, strict=True)
        )
        near = found if isinstance(found, str) else ""
        return Fault(at, f"{_cut(found)} は選べません", meant(near, map(str, options), f"選べる値: {named}"))
    return Fault(at, _PROBLEMS.get(kind, "この値は使えません"), _allowed(kind, error.kind, rule))


def _allowed(kind: str, detail: Any, rule: Mapping[str, Json]) -> str:
    if not hasattr(detail, "limit") or kind == "minLength":
        return _described(rule)
    unit = next((word for name, word in _UNITS.items() if kind.endswith(name)), "")
    end = "以上" if kind.startswith("min") else "より大きく" if kind == "exclusiveMinimum" else "まで"
    return f"{detail.limit}{unit}{end}にしてください。{_described(rule)}"


def _cut(value: Json) -> str:
    """A value as a fault shows it: short, and never a whole answer."""
    text = value if isinstance(value, str) else "その値" if isinstance(value, list | dict) else str(value)
    return text if 0 < len(text) <= 40 else "その値"


def _type_of(value: Json) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return next((names[kind] for kind in type(value).__mro__ if kind in names), "null")


def _described(rule: Json) -> str:
    if not isinstance(rule, Mapping):
        return ""
    title, description = rule.get("title", ""), rule.get("description", "")
    return f"{title}: {description}" if title and description else str(title or description)
