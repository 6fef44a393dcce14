"""What a refusal says: an answer that cannot stand (data), a call that cannot stand (a GraphQL error), a request
that is none (HTTP)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLError

from forms_schema import Field, FieldError, Form, Settled
from forms_schema.messages import message
from procedures.declaration import Handover
from server.catalogue import ProcedureState, Status
from server.japan import in_japan

WHOLE: Final = {
    "UNKNOWN_PROCEDURE": "この手続きはありません。",
    "UNKNOWN_LIFE_EVENT": "このできごとには、質問がありません。",
    "CLOSED": "この手続きは、いま受け付けていません。",
    "CHANNEL_CLOSED": "この手続きは、オンラインでは出せません。",
    "HANDED_OVER": "この手続きのオンライン申請は、{to}({url})で受け付けています。そちらで手続きしてください。",
    "VERSION_CHANGED": "この手続きの質問が変わりました。新しい質問を読み、もう一度送ってください。",
    "ASSURANCE_REQUIRED": "この手続きには本人の確認がいります。必要なレベルでサインインして、もう一度送ってください。",
    "SIGNATURE_REQUIRED": "この手続きには電子署名がいります。startSignature で署名してから送ってください。",
    "SIGNATURE_UNAVAILABLE": "電子署名は、いま使えません。",
    "SIGNATURE_NEEDS_SESSION": "電子署名は、サインインしたブラウザーでカードを使って行います。トークンではできません。",
    "UNKNOWN_APPLICATION": "受付番号か確認コードが違います。",
    "OWNER_REQUIRED": "この申請を出した人としてサインインするか、その人のトークンで送ってください。",
    "NOT_WITHDRAWABLE": "この申請は、もう取り下げられません。担当の課に連絡してください。",
    "NOT_ASKED": "この申請には、いま答えを待っている質問がありません。",
    "IDEMPOTENCY_MISMATCH": "この idempotencyKey は、ほかの内容を送るのに使われました。新しい値を付けてください。",
    "CONFLICT": "同じ時に送られたものと重なりました。もう一度送ってください。",
    "type": "answers は、質問の名前と答えのオブジェクトにしてください。",
}
"""Codes of the filing as a whole, whose pointer is ''."""

_OF_FILES: Final = {
    "UNKNOWN_UPLOAD": "{label}のファイルが見つかりません。もう一度 /uploads に送ってください。",
    "UNKNOWN_FIELD": "{label}という添付書類は、この申請にはありません。取り除いてください。",
    "uniqueItems": "同じファイルが2度あります。1つにしてください。",
}
_ROW: Final = re.compile(r"/[0-9]+(?=/|$)")
_LONGEST_LABEL: Final = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that stands against a filing, at a question, at a file ('attachment:ininjo'), or at the whole ('')."""

    pointer: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A filing that cannot stand, with everything that was found."""

    problems: tuple[Problem, ...]


def whole(*codes: str) -> Refusal:
    """A refusal of the filing as a whole."""
    return Refusal(tuple(Problem("", code, WHOLE[code]) for code in codes))


def closed(status: Status) -> Problem:
    """A procedure that takes no filings now; of a suspended one why, and until when."""
    words, stop = WHOLE["CLOSED"], status.suspension
    if stop is not None and status.state is ProcedureState.SUSPENDED:
        until = f"{in_japan(stop.until):%Y-%m-%d %H:%M} に再開する予定です。" if stop.until else ""
        words = f"{words}{stop.reason}{until}"
    return Problem("", "CLOSED", words)


def elsewhere(handover: Handover) -> Problem:
    """A filing that is taken on another site alone, and which one that is."""
    return Problem("", "HANDED_OVER", WHOLE["HANDED_OVER"].format(to=handover.to, url=handover.url))


def told(error: FieldError, form: Form, settled: Settled | None = None) -> Problem:
    """An error in words, its label as the pages have it."""
    label = _label(error.pointer, form, settled)
    if error.pointer.startswith("attachment:") and error.code in _OF_FILES:
        words = _OF_FILES[error.code].format(label=label)
    else:
        words = message(error, _field(error.pointer, form, settled), label)
    return Problem(error.pointer, error.code, words)


def _field(pointer: str, form: Form, settled: Settled | None) -> Field | None:
    question = settled.by_pointer.get(pointer) if settled else None
    return question.field if question else form.fields.get(_ROW.sub("/*", pointer))


def _label(pointer: str, form: Form, settled: Settled | None) -> str:
    kind, _, key = pointer.partition(":")
    if kind == "attachment":
        asked = {each.key: each.label for each in settled.attachments} if settled else {}
        titles = {each.key: each.title for each in form.attachments}
        return asked.get(key) or titles.get(key.partition("/")[0]) or key[:_LONGEST_LABEL]
    field = _field(pointer, form, settled)
    return field.title if field else pointer.rpartition("/")[2][:_LONGEST_LABEL] or "申請"


class ApiError(GraphQLError):
    """A call that cannot stand, told to whoever made it: `code` for programs, words for people."""

    def __init__(self, code: str, words: str, **more: Any) -> None:
        super().__init__(words, extensions={"code": code, **more})


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is none of ours: HTTP status, code and words; in how many seconds it may be one.

    Nothing was carried out.
    """

    status: int
    code: str
    words: str
    retry_after: int | None = None
