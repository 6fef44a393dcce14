"""What is wrong with an answer, in words that say what to do; and the help that a kind gives by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from forms_schema.base import Field, FieldError
from forms_schema.speech import JAPANESE, Speech
from forms_schema.text import N_

FALLBACK = N_("{label}を確かめて、もう一度入力してください")

_BY_CODE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "required": N_("{label}を入力してください"),
        "dependentRequired": N_("{label}も入力してください"),
        "type": N_("{label}を確かめて、入力しなおしてください"),
        "minLength": N_("{label}は{limit}文字以上で入力してください"),
        "maxLength": N_("{label}は{limit}文字以内で入力してください"),
        "minimum": N_("{label}は{limit}以上の数字を入力してください"),
        "maximum": N_("{label}は{limit}以下の数字を入力してください"),
        "exclusiveMinimum": N_("{label}は{limit}より大きい数字を入力してください"),
        "exclusiveMaximum": N_("{label}は{limit}より小さい数字を入力してください"),
        "multipleOf": N_("{label}は{limit}の倍数を入力してください"),
        "pattern": N_("{label}の書き方が正しくありません。例や説明のとおりに入力してください"),
        "format": N_("{label}の書き方が正しくありません。例や説明のとおりに入力してください"),
        "enum": N_("{label}を、示された中から選んでください"),
        "const": N_("{label}は、この申請では入力された内容を選べません。入力しなおしてください"),
        "minItems": N_("{label}は{limit}つ以上選んでください"),
        "maxItems": N_("{label}は{limit}つまで選んでください"),
        "uniqueItems": N_("{label}に同じものがあります。重なりを取り除いてください"),
        "contains": N_("{label}に必要なものがありません。もう一度確かめてください"),
        "anyOf": N_("{label}など、いくつかの項目のうち少なくとも1つを入力してください"),
        "oneOf": N_("{label}など、いくつかの項目のうち1つだけを入力してください"),
        "not": N_("{label}に入力された内容は、この申請では使えません。ほかの内容を入力してください"),
        "dateMin": N_("{label}は{limit}か、それより後の日付を入力してください"),
        "dateMax": N_("{label}は{limit}か、それより前の日付を入力してください"),
        "age": N_("この申請ができる年齢ではありません。{label}を確かめてください"),
        "UNKNOWN_FIELD": N_("{label}という項目は、この申請にはありません。取り除いてください"),
    }
)

_CHOOSE: Final = {
    "required": N_("{label}を選んでください"),
    "dependentRequired": N_("{label}も選んでください"),
    "type": N_("{label}を、示された中から選んでください"),
    "anyOf": N_("{label}など、いくつかの項目のうち少なくとも1つを選んでください"),
    "oneOf": N_("{label}など、いくつかの項目のうち1つだけを選んでください"),
    "const": N_("{label}は、この申請では選べない内容になっています。選びなおしてください"),
    "not": N_("{label}は、この申請では選べない内容になっています。選びなおしてください"),
}
_WHOLE: Final = {
    "type": N_("{label}は数字だけで入力してください（例：3）"),
    "multipleOf": N_("{label}は{limit}の倍数を、数字だけで入力してください"),
}
_BY_KIND: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "radio": _CHOOSE,
        "select": _CHOOSE,
        "checkboxes": _CHOOSE,
        "yes_no": _CHOOSE,
        "slot": {
            "required": N_("{label}を選んでください"),
            "SLOT_FULL": N_("選ばれた{label}は、ほかの人の予約でいっぱいになりました。ほかの{label}を選んでください"),
            "SLOT_CLOSED": N_("選ばれた{label}は予約できません。いま予約できる{label}を選んでください"),
        },
        "consent": dict.fromkeys(
            ("required", "const", "type", "enum"), N_("{label}を読んで、よければチェックを付けてください")
        ),
        "integer": _WHOLE,
        "decimal": {"type": "{label}は数字で入力してください（例：12.5）"},
        "rows": {
            "required": N_("{label}を1件以上入力してください"),
            "minItems": N_("{label}は{limit}件以上入力してください"),
            "maxItems": N_("{label}は{limit}件までにしてください。多い分を削除してください"),
        },
        "textarea": {"maxLength": N_("{label}は{limit}文字以内にまとめてください")},
        "attachment": {
            "required": N_("{label}を添付してください"),
            "maxItems": N_("{label}は{limit}個までにしてください。多い分を削除してください"),
            "file-empty": N_("{label}のファイルの中身がありません。別のファイルを選んでください"),
            "file-size": N_("{label}のファイルが大きすぎます。1つ{limit}MBまでにして、選びなおしてください"),
            "file-type": N_("{label}に使えない種類のファイルです。説明にある種類のファイルを選んでください"),
            "file-count": N_("ファイルの数か合計の大きさが多すぎます。いらないファイルを削除してください"),
            "file-broken": N_("{label}のファイルを読み取れません。撮りなおすか、作りなおしてください"),
            "file-pixels": N_("{label}の画像が大きすぎます。{limit}万画素までに縮めるか、撮りなおしてください"),
            "file-animated": N_("{label}は動く画像です。動かない画像かPDFにしてください"),
            "file-locked": N_("{label}のPDFにパスワードがかかっています。パスワードを外したPDFにしてください"),
            "file-script": N_(
                "{label}のPDFにプログラムが入っています。印刷の画面で「PDFに保存」を選び、できたPDFを添付してください"
            ),
            "file-action": N_(
                "{label}のPDFにほかを動かす指示が入っています。"
                "印刷の画面で「PDFに保存」を選び、できたPDFを添付してください"
            ),
            "file-embedded": N_(
                "{label}の中に別のファイルや動画が入っています。"
                "印刷の画面で「PDFに保存」を選び、できたPDFを添付してください"
            ),
            "file-form": N_(
                "{label}は特別な入力用のPDFです。印刷の画面で「PDFに保存」を選び、できたPDFを添付してください"
            ),
            "file-heavy": N_(
                "{label}のファイルは複雑すぎて確かめられません。"
                "印刷の画面で「PDFに保存」を選び、できたPDFを添付してください"
            ),
            "file-infected": N_("{label}のファイルからウイルスが見つかりました。別のファイルにしてください"),
            "file-wait": N_("少し待ってから、{label}をもう一度添付してください（あと{limit}分）"),
        },
    }
)

_BY_FORMAT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "date": N_("{label}は、実際にある日付を年・月・日とも入力してください（例：令和6年5月1日）"),
        "year-month": N_("{label}は、年と月を入力してください（例：令和6年5月）"),
        "time": N_("{label}は、時刻を入力してください（例：9:30）"),
        "slot": N_("{label}を、示された中から選んでください"),
        "phone": N_("{label}は10桁か11桁の数字で入力してください（例：090-1234-5678）"),
        "email": N_("{label}は、@のあるメールアドレスを入力してください（例：name@example.jp）"),
        "postal-code": N_("{label}は7桁の数字で入力してください（例：012-3456）"),
        "my-number": N_("{label}が正しくありません。カードや通知を見て、12桁の数字を入力してください"),
        "corporate-number": N_("{label}が正しくありません。13桁の数字を確かめて入力してください"),
        "decimal": N_("{label}は数字で入力してください（例：12.5）"),
        "kana": N_("{label}は全角カタカナで入力してください（例：ヤマダ）"),
        "account-holder": N_("{label}は、通帳のとおりに全角カタカナで入力してください（例：ヤマダ　ハナコ）"),
    }
)

HINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "date": N_("例：令和6年5月1日"),
        "year-month": N_("例：令和6年5月"),
        "time": N_("例：9:30"),
        "slot": N_("空いているところから選んでください"),
        "phone": N_("例：090-1234-5678"),
        "email": N_("例：name@example.jp"),
        "postal-code": N_("例：012-3456（7桁の数字）"),
        "my-number": N_("12桁の数字"),
        "corporate-number": N_("13桁の数字"),
        "kana": N_("全角カタカナ（例：ヤマダ）"),
        "account-holder": N_("通帳のとおりに、全角カタカナ（例：ヤマダ　ハナコ）"),
    }
)
"""Help by `format`, for a question that has no words of its own."""

_DATES = ("dateMin", "dateMax")


def message(error: FieldError, field: Field | None, label: str, speech: Speech = JAPANESE) -> str:
    """The words of `error`; `label` is what the page calls the question. Never holds what was typed.

    A declaration's own words, `errors: {code: words}` in the ui of the field, come first. `params` may hold
    `limit` (a number, or an ISO date for dateMin and dateMax) and `format`; the field's schema stands in.
    """
    own = field.ui.get("errors", {}).get(error.code) if field else None
    if own:
        return str(own)
    template = speech.say(_template(error, field))
    return template.format(label=speech.quoted(label), limit=_limit(error, field, speech))


def _template(error: FieldError, field: Field | None) -> str:
    kind = "attachment" if error.pointer.startswith("attachment:") else field.kind.name if field else ""
    words = _BY_KIND.get(kind, {}).get(error.code)
    named = error.params.get("format") or (field.schema.get("format") if field else "")
    if words is None and error.code in ("format", "type", "pattern"):
        words = _BY_FORMAT.get(str(named))
    return words or _BY_CODE.get(error.code, FALLBACK)


def _limit(error: FieldError, field: Field | None, speech: Speech) -> str:
    limit: Any = error.params.get("limit")
    if limit is None and field is not None:
        limit = field.schema.get(error.code, "")
    if error.code in _DATES:
        return speech.date_text(date.fromisoformat(limit))
    if isinstance(limit, float) and limit.is_integer():
        limit = int(limit)
    return speech.number(limit) if isinstance(limit, int) and limit >= 10_000 else str(limit)
