"""Shapes of the files administrators write: closed JSON Schemas in their words, and faults that say what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import jsonschema_rs

from forms_schema.base import Fault, Json
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
    """One of some constants, each with its word."""
    named = "、".join(f"{value}={word}" for value, word in options.items())
    return {"title": title, "description": f"{description}。{named}", "enum": list(map(str, options))}


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
    "type": "値の型が違います",
    "enum": "この値は選べません",
    "const": "この値は使えません",
    "pattern": "書き方が違います",
    "format": "日付として読めません",
    "minLength": "空です",
    "maxLength": "長すぎます",
    "minItems": "少なすぎます",
    "maxItems": "多すぎます",
    "uniqueItems": "同じものが2度あります",
    "minimum": "小さすぎます",
    "maximum": "大きすぎます",
}


class Shape:
    """A closed JSON Schema to hold a file against. References lead to its own `$defs` only."""

    def __init__(self, document: dict[str, Json]) -> None:
        self._document = document
        self._validator = jsonschema_rs.Draft202012Validator(document, validate_formats=True, mask="*", offline=True)

    def faults(self, raw: Json) -> list[Fault]:
        """Everything about `raw` that does not fit, each with its place and what is allowed there."""
        return [fault for error in self._validator.iter_errors(raw) for fault in self._of(error)]

    def _of(self, error: Any) -> Iterator[Fault]:
        at = ""
        for part in error.instance_path:
            at = below(at, str(part))
        kind, rule = error.kind.name, self._rule_at(error.schema_path[:-1])
        properties = rule.get("properties", {})
        if kind == "additionalProperties":
            yield from (_unknown(below(at, name), name, list(properties)) for name in error.kind.unexpected)
        elif kind == "required":
            name = error.kind.property
            yield Fault(below(at, name), "ありません", _described(properties.get(name, {})))
        else:
            yield Fault(at, _PROBLEMS.get(kind, "この値は使えません"), _allowed(kind, error.kind, rule))

    def _rule_at(self, path: Sequence[str | int]) -> dict[str, Json]:
        """The schema that raised an error: the path goes through `$ref`s."""
        node: Json = self._document
        for part in path:
            node = self._document["$defs"][node["$ref"].rpartition("/")[2]] if part == "$ref" else node[part]
        return node if isinstance(node, dict) else {}


def _allowed(kind: str, detail: Any, rule: Mapping[str, Json]) -> str:
    if kind == "enum":
        return "選べる値: " + "、".join(map(str, detail.options))
    if hasattr(detail, "limit"):
        return f"{'最小' if kind.startswith('min') else '最大'} {detail.limit}。{_described(rule)}"
    if kind == "type":
        types = rule.get("type", "")
        return f"{types if isinstance(types, str) else ' または '.join(types)}。{_described(rule)}"
    return _described(rule)


def _unknown(at: str, name: str, names: Sequence[str]) -> Fault:
    near = difflib.get_close_matches(name, names, 1)
    guess = f"{near[0]} ではありませんか。" if near else ""
    return Fault(at, "知らないキーです", f"{guess}使えるキー: {'、'.join(names) or 'なし'}")


def _described(rule: Json) -> str:
    return str(rule.get("description", "")) if isinstance(rule, Mapping) else ""
