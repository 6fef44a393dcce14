"""Procedures of these tests' own: one for each thing a program may meet."""

from __future__ import annotations

import json
from typing import Any, Final

from procedures.declaration import Declaration, parse
from procedures.library import ROOT, Reader, read_shared

SHARED: Final = read_shared(ROOT, Reader())
_PERSON: Final = {"$ref": "urn:kakanai:common#/$defs/person", "x-subject": "applicant"}
_WANTS_POST: Final = {"properties": {"receive": {"const": "post"}}, "required": ["receive"]}
_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "note": {"type": "string", "title": "用件", "maxLength": 200},
        "copies": {"type": "integer", "title": "通数", "minimum": 1, "maximum": 10},
        "receive": {
            "title": "受取方法",
            "oneOf": [{"const": "post", "title": "郵送"}, {"const": "counter", "title": "窓口"}],
        },
        "children": {
            "type": "array",
            "title": "子ども",
            "x-subject": "children",
            "items": {
                "type": "object",
                "properties": {"nickname": {"type": "string", "title": "呼び名", "maxLength": 20}},
                "required": ["nickname"],
            },
        },
    },
    "required": ["note", "copies", "receive"],
    "allOf": [
        {
            "if": _WANTS_POST,
            "then": {
                "properties": {"place": {"type": "string", "title": "送り先", "maxLength": 100}},
                "required": ["place"],
            },
        }
    ],
}
ANSWERS: Final = {"note": "出します", "copies": 2, "receive": "counter"}
_FEE: Final = {"timing": "submit", "items": [{"code": "juminhyo", "quantity": "/copies"}], "waivers": []}
_FILE: Final = {"key": "proof", "title": "証明書", "hint": "写真でよい", "max": 2, "required_if": _WANTS_POST}
_CASES: Final = [
    {"title": "だせる", "answers": ANSWERS, "expect": {}},
    {"title": "多すぎる", "answers": {**ANSWERS, "copies": 11}, "expect": {"errors": {"/copies": "maximum"}}},
    {"title": "足りない", "answers": {**ANSWERS, "copies": 0}, "expect": {"errors": {"/copies": "minimum"}}},
]


def declared(slug: str, **changes: Any) -> Declaration:
    """A small free procedure that anybody may file, but for what is changed."""
    questions = [f"/{name}" for name in changes.get("schema", _SCHEMA)["properties"]]
    files = [f"attachment:{each['key']}" for each in changes.get("attachments", ())]
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
        "attachments": [],
        "fee": None,
        "ui": {"steps": [{"title": "内容", "fields": [*questions, "/place", *files]}]},
        "cases": _CASES,
    }
    raw = {name: value for name, value in (raw | changes).items() if (name, value) != ("online_since", None)}
    return parse(json.dumps(raw, ensure_ascii=False), SHARED.common, "resident-record", slug)


def sample() -> list[Declaration]:
    """What the site of these tests offers."""
    numbered = {
        **_SCHEMA,
        "properties": {
            **_SCHEMA["properties"],  # type: ignore[dict-item]  # it is one
            "number": {"type": "string", "format": "my-number", "title": "個人番号"},
        },
        "required": ["note", "copies", "receive", "number"],
    }
    return [
        declared("plain", id="P901"),
        declared("priced", id="P902", fee=_FEE, group="juyo", online_since="R6", department="税務課"),
        declared("mailed", id="P903", assurance="email", life_events=[]),
        declared("signed", id="P904", assurance="jpki-signature", fee=_FEE),
        declared("filed", id="P905", attachments=[_FILE]),
        declared("over", id="P906", accepts={"from": None, "until": "2026-11-19"}),
        declared("at-the-counter", id="P907", channels=["counter"], online_since=None),
        declared("numbered", id="P908", schema=numbered),
        declared("rowed", id="P909", attachments=[{**_FILE, "required_if": _ROWED, "each": "/children"}]),
    ]


_ROWED: Final = {"properties": {"nickname": {"const": "太郎"}}, "required": ["nickname"]}
