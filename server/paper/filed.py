"""From an application as it was filed to what is printed of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from forms_schema import Answers, Question, Settled
from procedures.city import City
from procedures.declaration import Assurance, Channel, Declaration, ProcedureType
from server.applications import summary
from server.applications.uploads import Upload
from server.japan import today
from server.money.debts import Debt
from server.money.states import PaymentState
from server.paper.sheets import Pair, Sheet, clock, wareki

_WHO: Final[Mapping[ProcedureType, str]] = {
    ProcedureType.SHINSEI: "申請者",
    ProcedureType.TODOKEDE: "届出人",
    ProcedureType.YOYAKU: "申込者",
    ProcedureType.NOFU: "納付者",
}
_WHOSE: Final = ("applicant", "organization", "business")
"""Whose group of questions heads the paper: the first of these that is asked."""
_TOLD: Final = ("address", "person_name", "phone")
"""The kinds of questions that are told of them."""
_CHANNELS: Final[Mapping[str, str]] = {
    Channel.ONLINE: "オンラインで提出",
    "api": "オンラインで提出（申請者のプログラム）",
    Channel.COUNTER: "窓口で提出（職員が聞き取って入力）",
    Channel.KIOSK: "庁舎の端末で提出",
}
_ASSURANCES: Final[Mapping[str, str]] = {
    Assurance.NONE: "していない",
    Assurance.EMAIL: "メールアドレスの確認",
    Assurance.OIDC_BASIC: "マイナンバーカード（券面事項）",
    Assurance.JPKI_SIGNATURE: "マイナンバーカード（署名用電子証明書）",
}
_METHODS: Final[Mapping[str, str]] = {
    "drawn": "画面で内容を確認し、画面に署名した",
    "said": "画面で内容を確認し、口頭で同意した",
    "paper": "紙に印刷した内容を確認し、その紙に署名した",
}
_PAYMENTS: Final[Mapping[PaymentState, str]] = {
    PaymentState.DUE: "未納",
    PaymentState.PENDING: "納付の確認中",
    PaymentState.PAID: "納付済み",
    PaymentState.FAILED: "未納",
    PaymentState.EXPIRED: "未納",
    PaymentState.CANCELLED: "取消し",
    PaymentState.PARTLY_REFUNDED: "納付済み（一部返金）",
    PaymentState.REFUNDED: "返金済み",
}
_WITNESSED: Final = "本人から聞き取った内容を、職員が代わりに入力（代書）したものです。"
SEEN: Final[Mapping[str, str]] = {"seen": "窓口で原本を確認", "taken": "窓口で受け取り"}
_NOTHING: Final = "（提出なし）"
_UNFILED: Final = "提出前"


@dataclass(frozen=True, slots=True)
class Written:
    """How an application came to be at a window: who of the staff wrote it down (代書), and how its resident confirmed
    it: 'drawn', 'said', 'paper', or '' as long as they have not. `signature`: what was drawn, as `Sheet` has it.
    `known`: by which documents they were known."""

    by: str
    at: datetime
    method: str = ""
    confirmed_at: datetime | None = None
    signature: str = ""
    known: str = ""


@dataclass(frozen=True, slots=True)
class Filed:
    """An application, opened; `number` is '' of one that is not filed yet. `added`: what came with answers, and when.
    `seen`: by the key of an attachment, that the original was shown at a window ('seen') or taken in ('taken').
    `protected`: somebody in it is under 支援措置, which is never printed."""

    slug: str
    digest: str
    number: str
    department: str
    submitted_at: datetime
    channel: str
    assurance: str
    answers: Answers
    files: Sequence[Upload] = ()
    added: Sequence[tuple[datetime, Upload]] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    fee: int = 0
    payment: Debt | None = None
    withdrawn: bool = False
    written: Written | None = None
    protected: bool = False


def sheet_of(filed: Filed, declaration: Declaration, city: City, base_url: str, *, copy: bool) -> Sheet:
    """What is printed; `declaration` is in Japanese, as what was filed is. `copy`: it is the resident's own (控え)."""
    settled = declaration.form.settle(filed.answers, today(filed.submitted_at))
    written = filed.written
    title = declaration.official_title or declaration.title
    return Sheet(
        title=title,
        called=declaration.title if declaration.title != title else "",
        basis=declaration.legal_basis,
        addressee=_addressee(city, declaration.department),
        department=filed.department,
        number=filed.number,
        link=f"{base_url}/office/applications/{filed.number}",
        filed=filed.submitted_at,
        who=_WHO[declaration.procedure_type],
        applicant=list(_applicant(settled)),
        sections=list(summary.sections(declaration.form, settled, {})),
        papers=list(_papers(settled, filed)),
        fee=list(_fee(filed)),
        record=list(_record(filed, city)),
        witness=_WITNESSED if written else "",
        signature=written.signature if written else "",
        to_sign=written is not None and not written.signature,
        mark=_mark(filed, copy),
    )


def _addressee(city: City, department: str) -> str:
    """By law some papers go to a commission or the fire chief, not to the mayor."""
    of = city.departments.get(department)
    return of.head if of is not None and of.head else city.mayor_title


def _mark(filed: Filed, copy: bool) -> str:
    if not filed.number:
        return _UNFILED
    return "取下げ" if filed.withdrawn else "控え" if copy else ""


def _applicant(settled: Settled) -> Iterator[Pair]:
    """Address, name and telephone of whoever files it, and the name of their agent."""
    tops = settled.questions
    whose = next((whose for whose in _WHOSE if any(each.field.subject == whose for each in tops)), "")
    told: dict[str, Pair] = {}
    for each in tops:
        if whose and each.field.subject == whose:
            for question in (each, *each.children):
                if question.value is not None:
                    told.setdefault(question.field.kind.name, _pair(question))
    if whose != "applicant" and "text" in told:  # an organisation is called by its name first
        yield told["text"]
    yield from (told[kind] for kind in _TOLD if kind in told)
    agents = [each for top in tops if top.field.subject == "agent" for each in (top, *top.children)]
    for agent in agents:
        if agent.field.kind.name == "person_name" and agent.value is not None:
            yield "代理人", _pair(agent)[1]
            return


def _pair(question: Question) -> Pair:
    return question.field.title, question.field.kind.text(question.field, question.value)


def _papers(settled: Settled, filed: Filed) -> Iterator[Pair]:
    """What was asked for, and how it came; and what the office asked for afterwards."""
    for each in settled.attachments:
        names = "、".join(file.name for file in filed.files if file.key == each.key)
        yield each.label, "、".join(filter(None, (names, SEEN.get(filed.seen.get(each.key, ""), "")))) or _NOTHING
    later: dict[str, list[str]] = {}
    for at, file in filed.added:
        later.setdefault(wareki(at), []).append(file.name)
    yield from ((f"追加書類（{day}）", "、".join(names)) for day, names in later.items())


def _fee(filed: Filed) -> Iterator[Pair]:
    """What was owed from the day it was filed, and how that stands when this is printed."""
    debt = filed.payment
    if debt is not None:
        for item in debt.items:
            yield item.title, f"{item.amount:,}円（{item.quantity}{item.unit}）"
        yield "合計", f"{debt.amount:,}円（{_PAYMENTS[debt.state]}）"
    elif filed.fee:
        yield "合計", f"{filed.fee:,}円"


def _record(filed: Filed, city: City) -> Iterator[Pair]:
    yield "提出の方法", _CHANNELS.get(filed.channel, filed.channel)
    written = filed.written
    if filed.number:
        yield "受付", f"{clock(filed.submitted_at)}　{city.name}　{filed.department}"
    if written is None:
        yield "本人確認", _ASSURANCES.get(filed.assurance, filed.assurance)
    else:
        yield from entered(written)


def entered(written: Written) -> Iterator[Pair]:
    """The record of an application that was written down at a window: what each line is, and what it says."""
    if written.known:
        yield "本人確認", written.known
    yield "入力した職員", f"{written.by}（{clock(written.at)}）"
    if written.method:
        when = f"（{clock(written.confirmed_at)}）" if written.confirmed_at else ""
        yield "本人の確認", f"{_METHODS.get(written.method, written.method)}{when}"
