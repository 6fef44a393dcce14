"""Procedures of these tests' own: every way to type text and to hand in a file, with as little else as can be."""

from __future__ import annotations

import json
from typing import Any, Final

from procedures.declaration import Declaration, parse
from procedures.library import ROOT, Reader, read_shared

SHARED: Final = read_shared(ROOT, Reader())
FEE: Final = {"timing": "submit", "items": [{"code": "juminhyo"}], "waivers": []}
_PERSON: Final = {"$ref": "urn:kakanai:common#/$defs/person", "title": "申請する人", "x-subject": "applicant"}
_NUMBER: Final = {"$ref": "urn:kakanai:common#/$defs/my_number", "x-purpose": "見本のため"}
_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "note": {"type": "string", "title": "用件", "maxLength": 200},
        "story": {"type": "string", "title": "くわしく", "maxLength": 1000},
        "way": {"title": "受取方法", "oneOf": [{"const": "post", "title": "郵送"}, {"const": "desk", "title": "窓口"}]},
        "children": {
            "type": "array",
            "title": "子ども",
            "maxItems": 5,
            "x-subject": "children",
            "items": {
                "type": "object",
                "properties": {"nickname": {"type": "string", "title": "呼び名", "maxLength": 200}},
                "required": ["nickname"],
            },
        },
        "applicant": _PERSON,
    },
    "required": ["note", "way", "applicant"],
}
PAPER: Final = {"key": "paper", "title": "証明書", "hint": "写真でよい", "max": 3, "optional": True}


def declared(slug: str, **changes: Any) -> Declaration:
    """A procedure in two steps that anybody may file for nothing, but for what is changed."""
    raw = {
        "$schema": "urn:kakanai:declaration:1",
        "id": "P900",
        "title": f"見本の届出 {slug}",
        "kana": "ミホンノトドケデ",
        "summary": "見本です。",
        "keywords": ["みほん"],
        "life_events": ["birth"],
        "group": "yusen",
        "department": "市民課",
        "legal_basis": "見本法第1条",
        "procedure_type": "todokede",
        "assurance": "none",
        "result": "receipt",
        "channels": ["online", "counter"],
        "online_since": "R5",
        "accepts": {"from": None, "until": None},
        "processing_days": 3,
        "retention_years": 3,
        "guide": {"who": "だれでも。"},
        "handover": None,
        "schema": _SCHEMA,
        "attachments": [PAPER],
        "fee": None,
        "ui": {
            "steps": [
                {"title": "内容", "fields": ["/note", "/story", "/way", "/children", "attachment:paper"]},
                {"title": "申請する人", "fields": ["/applicant"]},
            ]
        },
        "cases": [{"title": f"なにも書かない {i}", "answers": {}, "expect": {}} for i in range(3)],
    }
    return parse(json.dumps(raw | changes, ensure_ascii=False), SHARED.common, "resident-record", slug)


def numbered() -> dict[str, Any]:
    """The questions with a 個人番号 of the applicant's and, if asked for, of a partner's."""
    applicant = {**_PERSON, "properties": {"my_number": _NUMBER}, "required": ["my_number"]}
    partner = {"type": "object", "title": "配偶者", "properties": {"my_number": _NUMBER}, "required": ["my_number"]}
    married = {"properties": {"married": {"const": True}}, "required": ["married"]}
    return {
        **_SCHEMA,
        "properties": {
            **_SCHEMA["properties"],  # type: ignore[dict-item]  # it is one
            "applicant": applicant,
            "married": {"type": "boolean", "title": "配偶者がいますか"},
        },
        "allOf": [{"if": married, "then": {"properties": {"partner": partner}, "required": ["partner"]}}],
    }


_STEPS: Final = [
    {"title": "内容", "fields": ["/note", "/story", "/way", "/children", "attachment:paper"]},
    {"title": "申請する人", "fields": ["/applicant", "/married", "/partner"]},
]


def sample() -> list[Declaration]:
    """What the site of these tests offers."""
    return [
        declared("letter", id="P901"),
        declared("priced", id="P902", fee=FEE),
        declared("mailed", id="P903", assurance="email", fee=FEE),
        declared("signed", id="P904", assurance="jpki-signature", fee=FEE),
        declared("numbered", id="P905", assurance="jpki-signature", schema=numbered(), ui={"steps": _STEPS}, fee=FEE),
    ]
