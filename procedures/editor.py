"""The schema that editors are given: the dialect, with this city's own names to choose from, and with snippets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from forms_schema.base import Json
from forms_schema.bundle import COMMON
from procedures.dialect import DOCUMENT
from procedures.library import LIFE_EVENT, Shared
from procedures.words import SUBJECT_WORDS

LIFE_EVENT_URN: Final = "urn:kakanai:life-event:1"
_WHEN: Final = {"properties": {"項目": {"const": "値"}}, "required": ["項目"]}
QUESTION_SNIPPETS: Final[dict[str, Json]] = {
    "1行の文字": {"type": "string", "title": "", "maxLength": 100},
    "長い文章": {"type": "string", "title": "", "maxLength": 1000},
    "1つ選ぶ": {"title": "", "oneOf": [{"const": "a", "title": ""}, {"const": "b", "title": ""}]},
    "いくつか選ぶ": {
        "type": "array",
        "title": "",
        "uniqueItems": True,
        "items": {"oneOf": [{"const": "a", "title": ""}, {"const": "b", "title": ""}]},
    },
    "はい・いいえ": {"type": "boolean", "title": ""},
    "同意の確認": {"type": "boolean", "const": True, "title": ""},
    "整数": {"type": "integer", "title": "", "minimum": 1, "maximum": 10},
    "日付": {"type": "string", "format": "date", "title": "", "x-date": {"max": "today"}},
    "人(氏名・生年月日・住所・電話)": {"$ref": f"{COMMON}person", "title": "", "x-subject": "applicant"},
    "住所": {"$ref": f"{COMMON}address", "title": "", "x-subject": "applicant"},
    "振込先の口座": {"$ref": f"{COMMON}account", "title": "", "x-subject": "payout"},
    "繰り返し": {
        "type": "array",
        "title": "",
        "minItems": 1,
        "maxItems": 10,
        "items": {
            "type": "object",
            "properties": {"name": {"type": "string", "title": "", "maxLength": 100}},
            "required": ["name"],
        },
    },
}
"""A question of each common sort, to be filled in."""

_SNIPPETS: Final[dict[str, dict[str, Json]]] = {
    "/properties/ui/properties/steps/items": {"ステップ": {"title": "", "fields": ["/"]}},
    "/properties/attachments/items": {"書類": {"key": "", "title": "", "hint": "", "max": 1}},
    "/properties/fee": {"手数料": {"timing": "submit", "items": [{"code": ""}]}},
    "/properties/cases/items": {
        "受け付けられる": {"title": "", "answers": {}, "expect": {"fee": 0}},
        "誤りになる": {"title": "", "answers": {}, "expect": {"errors": {"/項目": "required"}}},
    },
    "/$defs/condition": {"ある答えのとき": _WHEN},
    "/$defs/schema/properties/allOf/items": {
        "ある答えのときだけ聞く": {"if": _WHEN, "then": {"properties": {"名前": {}}, "required": ["名前"]}}
    },
    "/$defs/schema": QUESTION_SNIPPETS,
}


def document(shared: Shared, departments: Mapping[str, object]) -> dict[str, Any]:
    """`DOCUMENT` for one city. What it refuses, `check` refuses too."""
    result: dict[str, Any] = json.loads(json.dumps(DOCUMENT))  # no part of it shared with another, as some are
    top, questions = result["properties"], result["$defs"]["schema"]["properties"]
    _offer(top["department"], dict.fromkeys(departments, ""))
    _offer(top["group"], shared.groups)
    _offer(top["life_events"]["items"], {event.id: event.title for event in shared.life_events.values()})
    amounts = {row.code: f"{row.title} {row.amount}円" for row in shared.fees.rows}
    fee = top["fee"]["properties"]
    for code in (fee["items"]["items"]["properties"]["code"], fee["waivers"]["items"]["properties"]["codes"]["items"]):
        _offer(code, amounts)
    titles = {f"{COMMON}{name}": str(schema.get("title", "")) for name, schema in shared.common.items()}
    questions["$ref"]["anyOf"] = [_offer({}, titles), {"pattern": "^#/\\$defs/"}]
    questions["x-subject"]["anyOf"] = [_offer({}, SUBJECT_WORDS), {}]
    for place, snippets in _SNIPPETS.items():
        node = _at(result, place)
        node["defaultSnippets"] = [{"label": label, "body": body} for label, body in snippets.items()]
    return result


def life_event() -> dict[str, Json]:
    """The schema of a life event's file, with its interview."""
    return {"$schema": DOCUMENT["$schema"], "$id": LIFE_EVENT_URN, **LIFE_EVENT}


def _offer(rule: dict[str, Json], names: Mapping[str, str]) -> dict[str, Json]:
    rule |= {"enum": list(names), "enumDescriptions": list(names.values())}
    return rule


def _at(node: Any, pointer: str) -> dict[str, Json]:
    for part in pointer[1:].split("/"):
        node = node[part]
    found: dict[str, Json] = node
    return found


def with_schema(settings: Mapping[str, Json], document: Mapping[str, Json], files: Iterable[str]) -> dict[str, Json]:
    """VS Code's `settings` in which `files` are held against `document`.

    The schema stands in the settings themselves: the `$schema` of a declaration goes before any pattern of files, and
    what a urn is can be said there only.
    """
    entry = {"fileMatch": list(files), "url": document["$id"], "schema": document}
    others = [each for each in settings.get("json.schemas", ()) if each.get("url") != document["$id"]]
    return {**settings, "json.schemas": [*others, entry]}
