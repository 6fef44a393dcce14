"""The shape of a declaration file: one closed JSON Schema, its words written for the administrator who fills it in.

Checks use `DOCUMENT`; editors are given it with the city's own names and with snippets (`procedures.editor`). What a
schema cannot say of questions and conditions, `forms_schema` checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forms_schema.base import Fault, Json
from forms_schema.dialect import KEYWORDS
from procedures.shape import SLUG, Shape, choice, count, day, many, record, text
from procedures.terms import Assurance, Channel, ProcedureType, Result, Timing
from procedures.words import ELSEWHERE, ENUM_WORDS, KEYWORD_WORDS, NAME_WORDS

URN: Final = "urn:kakanai:declaration:1"
PROCEDURE_TYPES: Final = {
    ProcedureType.SHINSEI: "申請",
    ProcedureType.TODOKEDE: "届出",
    ProcedureType.YOYAKU: "予約",
    ProcedureType.NOFU: "納付",
}
ASSURANCES: Final = {
    Assurance.NONE: "本人確認なし",
    Assurance.EMAIL: "メールアドレスの確認",
    Assurance.OIDC_BASIC: "マイナンバーカードでのログイン",
    Assurance.JPKI_SIGNATURE: "マイナンバーカードの署名",
}
RESULTS: Final = {
    Result.CERTIFICATE: "証明書など",
    Result.NOTICE: "通知",
    Result.RECEIPT: "受付のみ",
    Result.PERMIT: "許可",
    Result.RESERVATION: "予約",
    Result.PAYMENT: "納付",
}
CHANNELS: Final = {Channel.ONLINE: "オンライン", Channel.COUNTER: "窓口", Channel.KIOSK: "窓口の端末"}
TIMINGS: Final = {
    Timing.SUBMIT: "申請のとき",
    Timing.REVIEW: "審査のあと",
    Timing.COUNTER: "窓口で",
    Timing.PICKUP: "受け取るとき",
}
MEDIA_TYPES: Final = {"application/pdf": "PDF", "image/jpeg": "JPEG", "image/png": "PNG"}
CONDITION: Final = "#/$defs/condition"
QUESTIONS: Final = "#/$defs/schema"


def _condition(title: str, description: str) -> dict[str, Json]:
    return {"title": title, "description": description, "$ref": CONDITION}


def _pointer(title: str, description: str) -> dict[str, Json]:
    return text(title, description, pattern="^(/[a-z][a-z0-9_]*)+$")


_ENTRY: Final = '/項目(中に質問があるものは外側だけ)、attachment:キー、または {"note": "文"}'
_LINE: Final = {"type": "string", "minLength": 1, "maxLength": 500, "description": "1文から数文"}
_COUNTS: Final = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 100}}
_ACCEPTS: Final = record(
    "受付期間",
    "年に一度の募集などで、受け付ける期間が決まっているときに書く",
    {"from": day("受付開始日", "この日から受け付ける"), "until": day("受付終了日", "この日まで受け付ける")},
)
_GUIDE: Final = record(
    "案内",
    "案内ページに出す言葉。やさしい言葉で短く書く",
    {
        "who": text("手続できる人", "だれが手続できるか", 500),
        "bring": many("用意するもの", "手もとに置いておくもの", _LINE),
        "when": text("期限", "いつまでに手続するか", 500),
        "channel": text("おすすめの方法", "オンライン、窓口、コンビニなど、どれがよいか", 500),
        "notes": many("知っておくこと", "注意すること", _LINE),
    },
    "who",
)
_HANDOVER: Final = record(
    "別の窓口",
    "ほかのサイトで受け付ける手続に書く。案内ページからそこへ案内する",
    {
        "to": text("名前", "例: マイナポータル"),
        "url": text("アドレス", "https で始まるアドレス", 500, pattern="^https://[!-~]+$"),
        "for": many("方法", "案内する方法", choice("方法", "申請の方法", CHANNELS), minItems=1, uniqueItems=True),
        "prepare": many("用意するもの", "そのサイトで使うもの", _LINE),
    },
    "to",
    "url",
    "for",
    type=["object", "null"],
)
_ATTACHMENT: Final = record(
    "添付書類",
    "ファイルで受け取る書類",
    {
        "key": {"title": "キー", **SLUG, "pattern": "^[a-z][a-z0-9_]{0,40}$"},
        "title": text("名前", "書類の名前"),
        "hint": text("説明", "何を写すか、どこでもらえるか", 500),
        "max": count("枚数", "受け取るファイルの数", 1, 20),
        "accept": many(
            "形式",
            "受け取る形式。なければ全部",
            choice("形式", "ファイルの形式", MEDIA_TYPES),
            minItems=1,
            uniqueItems=True,
        ),
        "each": _pointer("行ごと", "繰り返しの行ごとに受け取るとき、その項目"),
        "required_if": _condition("必要になる条件", "この条件が成り立つときだけ求める。なければいつも求める"),
        "optional": {"title": "任意", "description": "true なら、なくても申請できる", "type": "boolean"},
    },
    "key",
    "title",
)
_BOOKING: Final = record(
    "予約",
    "来庁や収集の日時を予約する手続に書く",
    {
        "field": _pointer("項目", "format が slot の質問。はじめのステップには置けない"),
        "calendar": {"title": "カレンダー", **SLUG, "description": "bookings.json にあるコード"},
    },
    "field",
    "calendar",
    type=["object", "null"],
)
_FEE_CODE: Final = {"title": "手数料コード", **SLUG, "description": "fees.json にあるコード"}
_FEE: Final = record(
    "手数料",
    "かかる手数料。金額は fees.json に書く",
    {
        "timing": choice("支払う時", "いつ支払うか", TIMINGS),
        "items": many(
            "内訳",
            "手数料の行",
            record(
                "行",
                "手数料ひとつ",
                {
                    "code": _FEE_CODE,
                    "quantity": _pointer("数", "数を答える項目。なければ1"),
                    "each": _pointer(
                        "行ごと", "繰り返しの行ごとにかかるとき、その項目。quantity と when は行の中で読む"
                    ),
                    "when": _condition("条件", "この条件が成り立つときだけかかる"),
                },
                "code",
            ),
            minItems=1,
        ),
        "waivers": many(
            "減免",
            "手数料を安くする理由",
            record(
                "減免",
                "理由ひとつ",
                {
                    "reason": text("理由", "住民に見せる理由"),
                    "share": count("割合", "安くする割合(%)", 0, 100),
                    "by": choice(
                        "決め方", "だれが決めるか", {"rule": "回答だけで決まる", "clerk": "職員が証拠を見て決める"}
                    ),
                    "codes": many(
                        "対象", "安くする手数料コード。なければ全部", _FEE_CODE, minItems=1, uniqueItems=True
                    ),
                    "when": _condition("条件", "この条件が成り立つときだけ"),
                },
                "reason",
                "share",
                "by",
            ),
        ),
    },
    "timing",
    "items",
    type=["object", "null"],
)
_UI: Final = record(
    "画面",
    "ページ分けと言葉。質問そのものは schema に書く",
    {
        "steps": many(
            "ステップ",
            "1ページずつの質問。どの質問もちょうど1つのステップに置く",
            record(
                "ステップ",
                "1ページ",
                {
                    "title": text("見出し", "ページの見出し"),
                    "fields": many(
                        "項目",
                        _ENTRY,
                        {
                            "type": ["string", "object"],
                            "description": _ENTRY,
                            "pattern": "^((/[a-z][a-z0-9_]*)+|attachment:[a-z][a-z0-9_]*)$",
                            "properties": {"note": text("文", "質問の間に出す文", 1000)},
                            "required": ["note"],
                            "additionalProperties": False,
                        },
                        minItems=1,
                    ),
                },
                "title",
                "fields",
            ),
            minItems=1,
        ),
        "fields": {
            "title": "項目の言葉",
            "description": "キーは /項目(繰り返しの行は /children/*/name)",
            "type": "object",
            "additionalProperties": record(
                "項目の言葉",
                "schema の言葉を、この画面だけ変える",
                {
                    "title": text("見出し", "質問の見出し"),
                    "hint": text("説明", "見出しの下に出す説明", 500),
                    "widget": text("部品", "項目の種類が許す部品(docs/field-kinds.md)", 40),
                },
            ),
        },
    },
    "steps",
)
_POINTERS: Final = many(
    "項目", "回答の場所。繰り返しは /children/0/name のように番号で書く", {"type": "string", "pattern": "^/"}
)
_CASE: Final = record(
    "試験",
    "この宣言の試験。公開の前に必ず走る",
    {
        "title": text("名前", "何を確かめるか、住民の言葉で"),
        "today": {
            "title": "きょう",
            "description": "この日に申請したとして試す。日付が関わるときに書く",
            "type": "string",
            "format": "date",
        },
        "as": record(
            "申請する人",
            "本人確認の強さと、試験環境の住民",
            {
                "level": choice("本人確認", "本人確認の強さ。なければ宣言と同じ", ASSURANCES),
                "resident": text("住民", "試験環境の住民の名前", 60),
            },
        ),
        "channel": choice("方法", "申請の方法。なければオンライン", CHANNELS),
        "answers": {"title": "回答", "description": "すべての回答。このまま申請できる形で書く", "type": "object"},
        "attachments": {
            "title": "添付",
            "description": "添付したファイルの数。キーは書類のキー(行ごとなら キー/0)",
            **_COUNTS,
        },
        "expect": record(
            "期待",
            "こうなるはず、ということ",
            {
                "fee": {"title": "手数料", "description": "合計(円)", "type": "integer", "minimum": 0},
                "errors": {
                    "title": "誤り",
                    "description": "項目から誤りのコードへ。過不足なく書く。なければ誤りなし",
                    "type": "object",
                    "additionalProperties": {"type": "string", "minLength": 1},
                },
                "asked": {**_POINTERS, "title": "聞かれる項目"},
                "not_asked": {**_POINTERS, "title": "聞かれない項目"},
                "left_out": {**_POINTERS, "title": "除かれる回答", "description": "過不足なく書く"},
                "attachments": many("求める書類", "求める書類のキー。過不足なく書く", {"type": "string"}),
            },
        ),
    },
    "title",
    "answers",
    "expect",
)
_REQUIRED: Final = (
    *("$schema", "id", "title", "kana", "summary", "group", "department", "legal_basis", "procedure_type"),
    *("assurance", "result", "channels", "processing_days", "retention_years", "guide", "schema", "ui", "cases"),
)
_ROOT: Final = record(
    "手続の宣言",
    "手続ひとつのすべて。フォルダーが分類、ファイル名がアドレスになる",
    {
        "$schema": {"title": "書式", "description": f"{URN} と書く", "const": URN},
        "id": text("手続番号", "P001 のような番号", pattern="^P[0-9]{3,5}$"),
        "title": text("名前", "住民に見せる名前"),
        "official_title": text("正式な名前", "法令や国の一覧での名前。住民に見せる名前と違うときに書く"),
        "kana": text("よみ", "全角カタカナ", pattern="^[ァ-ヶー・]+$"),
        "summary": text("要約", "一覧に出す1、2文", 300),
        "keywords": many("検索の言葉", "住民が言いそうな言葉", text("言葉", "検索の言葉", 60), uniqueItems=True),
        "life_events": many("できごと", "life-events にある名前", SLUG, uniqueItems=True),
        "group": {"title": "区分", **SLUG, "description": "groups.json にある区分"},
        "department": text("担当課", "city.json にある課の名前"),
        "legal_basis": text("根拠", "法令の名前と条", 300),
        "procedure_type": choice("種類", "手続の種類", PROCEDURE_TYPES),
        "assurance": choice("本人確認", "オンラインで求める本人確認の強さ", ASSURANCES),
        "result": choice("結果", "住民が受け取るもの", RESULTS),
        "channels": many(
            "方法", "受け付ける方法", choice("方法", "申請の方法", CHANNELS), minItems=1, uniqueItems=True
        ),
        "online_since": text("オンライン開始", "R5 のように年度で書く", pattern="^R[1-9][0-9]?$"),
        "accepts": _ACCEPTS,
        "processing_days": count("処理日数", "標準の日数(市役所が開いている日)", 0, 400),
        "retention_years": count("保存年数", "翌年度の4月1日から数える", 1, 100),
        "guide": _GUIDE,
        "handover": _HANDOVER,
        "schema": {
            "title": "質問",
            "description": "回答の JSON Schema。properties の順が質問の順になる",
            "$ref": QUESTIONS,
        },
        "attachments": many("添付書類", "ファイルで受け取る書類", _ATTACHMENT, maxItems=20),
        "fee": _FEE,
        "booking": _BOOKING,
        "ui": _UI,
        "cases": many("試験", "3つ以上の試験", _CASE, minItems=3),
    },
    *_REQUIRED,
)


def _closed(keywords: Mapping[str, Json]) -> dict[str, Json]:
    described = {name: {**KEYWORD_WORDS[name], **rule, **_enum_words(name, rule)} for name, rule in keywords.items()}
    for rule in described.values():
        if "propertyNames" in rule:
            rule["propertyNames"] = {**rule["propertyNames"], "description": NAME_WORDS}
    # which references lead somewhere is said by `bundle`, and better
    described["$ref"] = {**KEYWORD_WORDS["$ref"], "type": "string"}
    return {
        "title": "質問",
        "description": "質問、またはそのまとまり",
        "type": "object",
        "properties": described,
        "additionalProperties": False,
    }


def _enum_words(name: str, rule: Mapping[str, Json]) -> dict[str, Json]:
    if name not in ENUM_WORDS:
        return {}
    return {"enumDescriptions": [ENUM_WORDS[name].get(value, "") for value in rule["enum"]]}


DOCUMENT: Final[dict[str, Json]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": URN,
    **_ROOT,
    "$defs": {
        "schema": _closed(KEYWORDS),
        "condition": {
            "title": "条件",
            "description": "回答についての条件(JSON Schema)。調べる項目は required にも書く",
            "$ref": QUESTIONS,
        },
    },
}
_CHECKED: Final = Shape(DOCUMENT, ELSEWHERE)
_QUESTIONS: Final = Shape({"$ref": QUESTIONS, "$defs": DOCUMENT["$defs"]}, ELSEWHERE)


def faults(raw: Json) -> list[Fault]:
    """What is wrong with the shape of a declaration file."""
    return _CHECKED.faults(raw)


def question_faults(schema: Json) -> list[Fault]:
    """What is wrong with the shape of one question, or of a common definition."""
    return _QUESTIONS.faults(schema)
