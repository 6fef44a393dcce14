"""What is wrong with an answer, in words that say what to do; and the help that a kind gives by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from forms_schema.base import Field, FieldError
from forms_schema.wareki import date_text

FALLBACK = "{label}を確かめて、もう一度入力してください"

_BY_CODE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "required": "{label}を入力してください",
        "dependentRequired": "{label}も入力してください",
        "type": "{label}を確かめて、入力しなおしてください",
        "minLength": "{label}は{limit}文字以上で入力してください",
        "maxLength": "{label}は{limit}文字以内で入力してください",
        "minimum": "{label}は{limit}以上の数字を入力してください",
        "maximum": "{label}は{limit}以下の数字を入力してください",
        "exclusiveMinimum": "{label}は{limit}より大きい数字を入力してください",
        "exclusiveMaximum": "{label}は{limit}より小さい数字を入力してください",
        "multipleOf": "{label}は{limit}の倍数を入力してください",
        "pattern": "{label}の書き方が正しくありません。例や説明のとおりに入力してください",
        "format": "{label}の書き方が正しくありません。例や説明のとおりに入力してください",
        "enum": "{label}を、示された中から選んでください",
        "const": "{label}は、この申請では入力された内容を選べません。入力しなおしてください",
        "minItems": "{label}は{limit}つ以上選んでください",
        "maxItems": "{label}は{limit}つまで選んでください",
        "uniqueItems": "{label}に同じものがあります。重なりを取り除いてください",
        "contains": "{label}に必要なものがありません。もう一度確かめてください",
        "anyOf": "{label}など、いくつかの項目のうち少なくとも1つを入力してください",
        "oneOf": "{label}など、いくつかの項目のうち1つだけを入力してください",
        "not": "{label}に入力された内容は、この申請では使えません。ほかの内容を入力してください",
        "dateMin": "{label}は{limit}か、それより後の日付を入力してください",
        "dateMax": "{label}は{limit}か、それより前の日付を入力してください",
        "age": "この申請ができる年齢ではありません。{label}を確かめてください",
        "UNKNOWN_FIELD": "{label}という項目は、この申請にはありません。取り除いてください",
    }
)

_CHOOSE: Final = {
    "required": "{label}を選んでください",
    "dependentRequired": "{label}も選んでください",
    "type": "{label}を、示された中から選んでください",
    "anyOf": "{label}など、いくつかの項目のうち少なくとも1つを選んでください",
    "oneOf": "{label}など、いくつかの項目のうち1つだけを選んでください",
    "const": "{label}は、この申請では選べない内容になっています。選びなおしてください",
    "not": "{label}は、この申請では選べない内容になっています。選びなおしてください",
}
_PRINTED: Final = "印刷の画面で「PDFに保存」を選び、できたPDFを添付してください"
_WHOLE: Final = {
    "type": "{label}は数字だけで入力してください（例：3）",
    "multipleOf": "{label}は{limit}の倍数を、数字だけで入力してください",
}
_BY_KIND: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "radio": _CHOOSE,
        "select": _CHOOSE,
        "checkboxes": _CHOOSE,
        "yes_no": _CHOOSE,
        "slot": {
            "required": "{label}を選んでください",
            "SLOT_FULL": "選ばれた{label}は、ほかの人の予約でいっぱいになりました。ほかの{label}を選んでください",
            "SLOT_CLOSED": "選ばれた{label}は予約できません。いま予約できる{label}を選んでください",
        },
        "consent": dict.fromkeys(
            ("required", "const", "type", "enum"), "{label}を読んで、よければチェックを付けてください"
        ),
        "integer": _WHOLE,
        "decimal": {"type": "{label}は数字で入力してください（例：12.5）"},
        "rows": {
            "required": "{label}を1件以上入力してください",
            "minItems": "{label}は{limit}件以上入力してください",
            "maxItems": "{label}は{limit}件までにしてください。多い分を削除してください",
        },
        "textarea": {"maxLength": "{label}は{limit}文字以内にまとめてください"},
        "attachment": {
            "required": "{label}を添付してください",
            "maxItems": "{label}は{limit}個までにしてください。多い分を削除してください",
            "file-empty": "{label}のファイルの中身がありません。別のファイルを選んでください",
            "file-size": "{label}のファイルが大きすぎます。1つ{limit}MBまでにして、選びなおしてください",
            "file-type": "{label}に使えない種類のファイルです。説明にある種類のファイルを選んでください",
            "file-count": "ファイルの数か合計の大きさが多すぎます。いらないファイルを削除してください",
            "file-broken": "{label}のファイルを読み取れません。撮りなおすか、作りなおしてください",
            "file-pixels": "{label}の画像が大きすぎます。{limit}万画素までに縮めるか、撮りなおしてください",
            "file-animated": "{label}は動く画像です。動かない画像かPDFにしてください",
            "file-locked": "{label}のPDFにパスワードがかかっています。パスワードを外したPDFにしてください",
            "file-script": f"{{label}}のPDFにプログラムが入っています。{_PRINTED}",
            "file-action": f"{{label}}のPDFにほかを動かす指示が入っています。{_PRINTED}",
            "file-embedded": f"{{label}}の中に別のファイルや動画が入っています。{_PRINTED}",
            "file-form": f"{{label}}は特別な入力用のPDFです。{_PRINTED}",
            "file-heavy": f"{{label}}のファイルは複雑すぎて確かめられません。{_PRINTED}",
            "file-infected": "{label}のファイルからウイルスが見つかりました。別のファイルにしてください",
            "file-wait": "少し待ってから、{label}をもう一度添付してください（あと{limit}分）",
        },
    }
)

_BY_FORMAT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "date": "{label}は、実際にある日付を年・月・日とも入力してください（例：令和6年5月1日）",
        "year-month": "{label}は、年と月を入力してください（例：令和6年5月）",
        "time": "{label}は、時刻を入力してください（例：9:30）",
        "slot": "{label}を、示された中から選んでください",
        "phone": "{label}は10桁か11桁の数字で入力してください（例：090-1234-5678）",
        "email": "{label}は、@のあるメールアドレスを入力してください（例：name@example.jp）",
        "postal-code": "{label}は7桁の数字で入力してください（例：012-3456）",
        "my-number": "{label}が正しくありません。カードや通知を見て、12桁の数字を入力してください",
        "corporate-number": "{label}が正しくありません。13桁の数字を確かめて入力してください",
        "decimal": "{label}は数字で入力してください（例：12.5）",
        "kana": "{label}は全角カタカナで入力してください（例：ヤマダ）",
        "account-holder": "{label}は、通帳のとおりに全角カタカナで入力してください（例：ヤマダ　ハナコ）",
    }
)

HINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "date": "例：令和6年5月1日",
        "year-month": "例：令和6年5月",
        "time": "例：9:30",
        "slot": "空いているところから選んでください",
        "phone": "例：090-1234-5678",
        "email": "例：name@example.jp",
        "postal-code": "例：012-3456（7桁の数字）",
        "my-number": "12桁の数字",
        "corporate-number": "13桁の数字",
        "kana": "全角カタカナ（例：ヤマダ）",
        "account-holder": "通帳のとおりに、全角カタカナ（例：ヤマダ　ハナコ）",
    }
)
"""Help by `format`, for a question that has no words of its own."""

_DATES = ("dateMin", "dateMax")


def message(error: FieldError, field: Field | None, label: str) -> str:
    """The words of `error`; `label` is what the page calls the question. Never holds what was typed.

    A declaration's own words, `errors: {code: words}` in the ui of the field, come first. `params` may hold
    `limit` (a number, or an ISO date for dateMin and dateMax) and `format`; the field's schema stands in.
    """
    own = field.ui.get("errors", {}).get(error.code) if field else None
    if own:
        return str(own)
    return _template(error, field).format(label=_named(label), limit=_limit(error, field))


def _template(error: FieldError, field: Field | None) -> str:
    kind = "attachment" if error.pointer.startswith("attachment:") else field.kind.name if field else ""
    words = _BY_KIND.get(kind, {}).get(error.code)
    named = error.params.get("format") or (field.schema.get("format") if field else "")
    if words is None and error.code in ("format", "type", "pattern"):
        words = _BY_FORMAT.get(str(named))
    return words or _BY_CODE.get(error.code, FALLBACK)


def _limit(error: FieldError, field: Field | None) -> str:
    limit: Any = error.params.get("limit")
    if limit is None and field is not None:
        limit = field.schema.get(error.code, "")
    if error.code in _DATES:
        return date_text(date.fromisoformat(limit))
    if isinstance(limit, float) and limit.is_integer():
        limit = int(limit)
    return f"{limit:,}" if isinstance(limit, int) and limit >= 10_000 else str(limit)


def _named(label: str) -> str:
    """A label that is a sentence of its own stands in brackets."""
    return f"「{label}」" if label.endswith(("か", "？", "?", "。")) else label
