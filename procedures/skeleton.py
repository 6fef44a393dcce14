"""A new declaration to begin with: everything a file must have, its names left empty, so that `check` asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from forms_schema.base import Fault
from forms_schema.guess import meant
from procedures.library import Shared
from procedures.shape import SLUG

_TEXT: Final = """{
  "$schema": "urn:kakanai:declaration:1",
  "id": "P999",
  "title": "",
  "kana": "",
  "summary": "",
  "keywords": [],
  "life_events": [],
  "group": "juyo",
  "department": "",
  "legal_basis": "",
  "procedure_type": "shinsei",
  "assurance": "email",
  "result": "notice",
  "channels": ["online", "counter"],
  "processing_days": 7,
  "retention_years": 5,
  "guide": {
    "who": "",
    "bring": [],
    "when": "期限はありません。",
    "notes": []
  },
  "schema": {
    "type": "object",
    "properties": {
      "applicant": {"$ref": "urn:kakanai:common#/$defs/person", "title": "申請する人", "x-subject": "applicant"},
      "reason": {"type": "string", "title": "申請の理由", "description": "例: 新しく必要になった", "maxLength": 200},
      "receive": {
        "title": "結果を受け取る方法",
        "oneOf": [{"const": "post", "title": "郵送"}, {"const": "counter", "title": "窓口"}]
      }
    },
    "required": ["applicant", "reason", "receive"]
  },
  "ui": {
    "steps": [
      {"title": "申請する人", "fields": ["/applicant"]},
      {"title": "申請の内容", "fields": ["/reason", "/receive"]}
    ]
  },
  "cases": [
    {
      "title": "必要なことをすべて答える",
      "answers": {
        "applicant": {
          "name": {"family": "津軽", "given": "太郎", "family_kana": "ツガル", "given_kana": "タロウ"},
          "birthdate": "1989-04-02",
          "address": {"postal_code": "037-0046", "prefecture": "02", "city": "見本市", "street": "1-1"},
          "phone": "0173-00-0123",
          "email": "taro@example.jp"
        },
        "reason": "新しく必要になったため",
        "receive": "post"
      },
      "expect": {}
    },
    {
      "title": "理由と受け取る方法を答えていない",
      "answers": {
        "applicant": {
          "name": {"family": "津軽", "given": "太郎", "family_kana": "ツガル", "given_kana": "タロウ"},
          "birthdate": "1989-04-02",
          "address": {"postal_code": "037-0046", "prefecture": "02", "city": "見本市", "street": "1-1"},
          "phone": "0173-00-0123"
        }
      },
      "expect": {"errors": {"/reason": "required", "/receive": "required"}}
    },
    {
      "title": "ない受け取り方を選べない",
      "answers": {
        "applicant": {
          "name": {"family": "津軽", "given": "太郎", "family_kana": "ツガル", "given_kana": "タロウ"},
          "birthdate": "1989-04-02",
          "address": {"postal_code": "037-0046", "prefecture": "02", "city": "見本市", "street": "1-1"},
          "phone": "0173-00-0123"
        },
        "reason": "新しく必要になったため",
        "receive": "fax"
      },
      "expect": {"errors": {"/receive": "enum"}}
    }
  ]
}
"""


def begin(place: str, ids: Mapping[str, str], shared: Shared, root: Path) -> Path | Fault:
    """Write a skeleton for `place` ('category/slug') below `root`; the path, or why there is none.

    `ids` are the numbers of every procedure there is, by slug: the new one gets the next. Files are never written over.
    """
    category, _, slug = place.removesuffix(".json").partition("/")
    if category not in shared.categories:
        allowed = f"あるもの: {'、'.join(shared.categories)}"
        return Fault("", f"分類 {category} はありません", meant(category, shared.categories, allowed))
    if not re.fullmatch(str(SLUG["pattern"]), slug):
        allowed = f"{category}/bosai-radio のように、半角の英小文字で始め、英小文字・数字・ハイフンで書いてください"
        return Fault("", f"名前 {slug or '(なし)'} は手続のアドレスにできません", allowed)
    if slug in ids:
        return Fault("", f"{slug} という手続はもうあります({ids[slug]})", "ほかの名前にしてください")
    path = root / "declarations" / category / f"{slug}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEXT.replace("P999", _next(ids.values())))
    except FileExistsError:
        return Fault("", f"{path.name} はもうあります", "そのファイルを直すか、ほかの名前にしてください")
    return path


def _next(ids: Iterable[str]) -> str:
    return f"P{max((int(each[1:]) for each in ids), default=0) + 1:03}"
