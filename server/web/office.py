"""The office: a department's applications, one of them, taking it on, and for auditors who looked at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import quote, urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from procedures.declaration import Declaration
from server.applications import office, summary, uploads
from server.applications.office import IN_HAND, Case, Listing, Look, NeedsReason, Row, Step, Taken
from server.applications.receipts import read_number
from server.applications.states import OfficeState
from server.japan import today
from server.people.roles import Action, departments
from server.web.badge import Desk, absent, desk, forbidden, home, refused, staff
from server.web.contexts import CheckRow, CheckSection, ErrorLink, Link
from server.web.http import page, read_form, see_other, services
from server.web.routing import Access, route

STATE_WORDS: Final[Mapping[OfficeState, str]] = {
    OfficeState.PAYMENT_PENDING: "納付待ち",
    OfficeState.SUBMITTED: "到達",
    OfficeState.ACCEPTED: "受付済み",
    OfficeState.CORRECTION_REQUESTED: "補正の依頼",
    OfficeState.REVIEWING: "審査",
    OfficeState.PENDING_DECISION: "決裁",
    OfficeState.APPROVED: "承認",
    OfficeState.REFUSED: "拒否",
    OfficeState.COMPLETED: "完了",
    OfficeState.WITHDRAWN: "取下げ",
    OfficeState.EXPIRED: "失効",
}
CHANNEL_WORDS: Final = {"online": "オンライン", "api": "プログラム", "counter": "窓口"}
ASSURANCE_WORDS: Final = {
    "none": "確認なし",
    "email": "メールアドレスの確認",
    "oidc-basic": "マイナンバーカード(4情報)",
    "jpki-signature": "マイナンバーカード(署名用)",
}
PAYMENT_WORDS: Final = {
    "DUE": "未納",
    "PENDING": "確認中",
    "PAID": "納付済み",
    "FAILED": "失敗(やり直し可)",
    "EXPIRED": "時間切れ(やり直し可)",
    "CANCELLED": "取消し",
    "PARTLY_REFUNDED": "一部返金",
    "REFUNDED": "返金済み",
}
ACTION_WORDS: Final = {
    "application.view": "内容を見た",
    "application.file": "添付ファイルを開いた",
    "application.reason": "ほかの課の申請を見る理由を書いた",
    "application.looks": "この記録を見た",
    "application.lookup": "受付番号と確認コードで開いた",
    "application.state": "状態を変えた",
    "application.withdraw": "取り下げた",
    "payment.started": "支払いを始めた",
    "payment.declined": "支払いが断られた",
    "payment.promised": "あとで支払うことになった",
    "payment.expired": "支払いの手続きが時間切れになった",
    "payment.paid": "支払いが済んだ",
    "payment.partly_refunded": "一部を返金した",
    "payment.refunded": "返金した",
    "payment.cancelled": "支払いを取り消した",
    "payment.lapsed": "支払いの期限が過ぎた",
    "payment.unclear": "金額の合わない入金があった",
}
_ACTORS: Final = {
    "resident": "申請者",
    "session": "申請者(サインインなし)",
    "token": "申請者のプログラム",
    "anonymous": "申請者(サインインなし)",
    "provider": "決済事業者",
    "worker": "システム",
    "operator": "運用担当",
}
_HERE: Final = "/office"
_LAST_PAGE: Final = 100_000


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A line of the list. `late`: the day by which it should be done is over, and it is not."""

    number: str
    title: str
    department: str
    state: str
    submitted_at: datetime
    due: date | None
    late: bool
    protected: bool
    href: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a filter."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class OfficePage:
    """staff/office.html. `errors` are of the search by number, in which `number` was typed; `filtered`: more could be
    there without the filters."""

    desk: Desk
    departments: Sequence[str]
    lines: Sequence[CaseLine]
    total: int
    states: Sequence[Choice]
    procedures: Sequence[Choice]
    pages: Sequence[Link]
    filtered: bool
    number: str = ""
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class CaseStep:
    """A step of a case, and whose it was."""

    state: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of a case; `href` is '' for one that nobody is given: `scan` says why."""

    title: str
    name: str
    kilobytes: int
    scan: str
    href: str


@dataclass(frozen=True, slots=True)
class CasePage:
    """staff/case.html. `fee`: what is owed and how that stands, '' where nothing is; `accept_url` takes a form, '' for
    whoever may not; `other`: it is another department's, opened with a reason."""

    desk: Desk
    number: str
    title: str
    department: str
    state: str
    submitted_at: datetime
    due: date
    channel: str
    assurance: str
    fee: str
    amount: int
    protected: bool
    other: bool
    accept_url: str
    back_url: str
    sections: Sequence[CheckSection]
    files: Sequence[CaseFile]
    steps: Sequence[CaseStep]


@dataclass(frozen=True, slots=True)
class ReasonPage:
    """staff/reason.html: why somebody wants to see another department's case."""

    desk: Desk
    number: str
    department: str
    action: str
    minutes: int
    reason: str = ""
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class LookLine:
    """Who did or saw what, when and why."""

    at: datetime
    by: str
    what: str
    department: str
    why: str


@dataclass(frozen=True, slots=True)
class LooksPage:
    """staff/looks.html. `found`: the number they are of, '' while none was asked for; `most` as in `office.LOOKS`, 0
    where all are shown."""

    desk: Desk
    number: str
    found: str
    lines: Sequence[LookLine]
    most: int
    errors: Sequence[ErrorLink] = ()


# --- the list -------------------------------------------------------------------------------------------------------


async def cases(request: Request) -> Response:
    """What is in hand at one's departments; a receipt number leads straight to its case."""
    who, typed = staff(request), request.query_params.get("number", "").strip()
    own = departments(who.held, Action.LIST)
    if not own:
        return see_other(home(who)) if home(who) != _HERE else forbidden(request)
    if not typed:
        return await _list(request, own)
    number = read_number(typed)
    if number is not None:
        return see_other(f"{_HERE}/applications/{number}")
    wrong = ErrorLink("#f-number", "受付番号", "受付番号は15桁の数字です。番号を確かめて、もう一度入力してください")
    return await _list(request, own, typed=typed[:40], errors=[wrong])


async def _list(request: Request, own: Sequence[str], *, typed: str = "", errors: Sequence[ErrorLink] = ()) -> Response:
    of, asked = services(request), request.query_params
    state, slug, number = asked.get("state", ""), asked.get("procedure", "")[:80], _page_number(asked.get("page", "1"))
    states = _states(state)
    if states is None or number is None:
        return absent(request)
    found = await of.database.read(lambda db: office.listing(db, own, states=states, slug=slug, page=number), long=True)
    if number > found.pages:
        return absent(request)
    context = OfficePage(
        desk=desk(request),
        departments=own,
        lines=[_line(request, row) for row in found.rows],
        total=found.total,
        states=_state_choices(state),
        procedures=_procedure_choices(request, own, slug),
        pages=_pages(found, number, {"state": state, "procedure": slug}),
        filtered=bool(state or slug),
        number=typed,
        errors=errors,
    )
    return page(request, "staff/office.html", context, status=422 if errors else 200)


def _page_number(text: str) -> int | None:
    found = int(text[:9]) if text.isascii() and text.isdecimal() else 0
    return found if 0 < found <= _LAST_PAGE else None


def _states(text: str) -> Sequence[OfficeState] | None:
    """'' is what is in hand, 'all' everything; None for no state at all."""
    if text in ("", "all"):
        return IN_HAND if not text else tuple(OfficeState)
    return (OfficeState(text),) if text in set(OfficeState) else None


def _state_choices(chosen: str) -> list[Choice]:
    first = [Choice("", "対応中のもの", not chosen), Choice("all", "すべて", chosen == "all")]
    return first + [Choice(state.value, words, state == chosen) for state, words in STATE_WORDS.items()]


def _procedure_choices(request: Request, own: Sequence[str], chosen: str) -> list[Choice]:
    served = [each.declaration for each in services(request).catalogue.all() if each.declaration.department in own]
    every = [Choice("", "すべての手続き", not chosen)]
    return every + [Choice(each.slug, each.title, each.slug == chosen) for each in served]


def _pages(found: Listing, number: int, asked: Mapping[str, str]) -> list[Link]:
    """Links to the pages around this one and the first and last; none where there is one page."""
    if found.pages == 1:
        return []
    shown = sorted({1, found.pages, *(each for each in range(number - 3, number + 4) if 0 < each <= found.pages)})
    given = {name: value for name, value in asked.items() if value}
    return [
        Link(str(each), "" if each == number else f"{_HERE}?{urlencode(given | {'page': str(each)})}") for each in shown
    ]


def _line(request: Request, row: Row) -> CaseLine:
    of = services(request)
    served = of.catalogue.get(row.slug)
    due = _due(request, row.submitted_at, served.declaration.processing_days) if served else None
    return CaseLine(
        number=row.number,
        title=served.declaration.title if served else row.slug,
        department=row.department,
        state=STATE_WORDS[row.state],
        submitted_at=row.submitted_at,
        due=due,
        late=due is not None and row.state in IN_HAND and due < today(of.clock()),
        protected=row.protected,
        href=f"{_HERE}/applications/{row.number}",
    )


def _due(request: Request, submitted_at: datetime, days: int) -> date:
    """標準処理期間 (行政手続法6条): working days of the city, the day of arrival not counted."""
    return services(request).city.calendar.workday_after(today(submitted_at), days)


# --- one case -------------------------------------------------------------------------------------------------------


async def case(request: Request) -> Response:
    """One application. Looking at it is audited; another department's asks for a reason first."""
    of, who, number, now = services(request), staff(request), request.path_params["number"], services(request).clock()
    found = await of.database.transact(lambda db: office.look(db, of.keys, who, number, now=now))
    if found is None:
        return absent(request)
    if isinstance(found, NeedsReason):
        return _ask_reason(request, found)
    return _case(request, found, await of.catalogue.declaration(found.digest, found.slug))


def _case(request: Request, found: Case, declaration: Declaration) -> Response:
    settled = declaration.form.settle(found.answers, today(found.submitted_at))
    here = f"{_HERE}/applications/{found.number}"
    debt = found.payment
    titles = {each.key: each.title for each in declaration.form.attachments}
    context = CasePage(
        desk=desk(request),
        number=found.number,
        title=declaration.title,
        department=found.department,
        state=STATE_WORDS[found.state],
        submitted_at=found.submitted_at,
        due=_due(request, found.submitted_at, declaration.processing_days),
        channel=CHANNEL_WORDS.get(found.channel, found.channel),
        assurance=ASSURANCE_WORDS.get(found.assurance, found.assurance),
        fee=PAYMENT_WORDS[debt.state.value] if debt else "",
        amount=debt.amount if debt else 0,
        protected=found.protected,
        other=found.other,
        accept_url=f"{here}/accept" if found.acceptable else "",
        back_url=_HERE,
        sections=[
            CheckSection(section.title, [CheckRow(line.label, line.text) for line in section.lines])
            for section in summary.sections(declaration.form, settled, {})
        ],
        files=[_file(each, titles, here) for each in found.files],
        steps=[_step(each) for each in reversed(found.steps)],
    )
    return page(request, "staff/case.html", context)


def _file(each: uploads.Upload, titles: Mapping[str, str], here: str) -> CaseFile:
    title = titles.get(each.key.partition("/")[0], each.key)
    href = f"{here}/files/{each.id}" if each.scan == uploads.CLEAN else ""
    return CaseFile(title, each.name, -(-each.size // 1024), each.scan, href)


def _step(each: Step) -> CaseStep:
    return CaseStep(STATE_WORDS[each.state], each.at, each.name or _actor(each.by))


def _actor(by: str) -> str:
    return _ACTORS.get(by.partition(":")[0], "システム")


def _ask_reason(request: Request, found: NeedsReason, *, typed: str = "", errors: Sequence[ErrorLink] = ()) -> Response:
    minutes = int(office.REASON_OPENS.total_seconds()) // 60
    action = f"{_HERE}/applications/{found.number}/reason"
    context = ReasonPage(desk(request), found.number, found.department, action, minutes, typed, errors)
    return page(request, "staff/reason.html", context, status=422 if errors else 200)


async def give_reason(request: Request) -> Response:
    """Write down why, and open the case."""
    of, who, number, now = services(request), staff(request), request.path_params["number"], services(request).clock()
    typed = ((await read_form(request)).get("reason") or [""])[-1]
    given = await of.database.transact(
        lambda db: office.give_reason(db, of.keys, who, number, typed, now=now, random=of.random)
    )
    if given is True:
        return see_other(f"{_HERE}/applications/{number}")
    if not isinstance(given, NeedsReason):
        return absent(request)
    told = f"見る理由を、{office.SHORTEST_REASON}文字から{office.LONGEST_REASON}文字で入力してください"
    wrong = [ErrorLink("#f-reason", "見る理由", told)]
    return _ask_reason(request, given, typed=typed[: office.LONGEST_REASON * 2], errors=wrong)


async def accept(request: Request) -> Response:
    """Take a case on. Of two who press at once one is told that the other was faster."""
    of, who, number, now = services(request), staff(request), request.path_params["number"], services(request).clock()
    done = await of.database.transact(lambda db: office.accept(db, who, number, now=now))
    here = f"{_HERE}/applications/{number}"
    if done is False:
        return absent(request)
    if done is True or (isinstance(done, Taken) and done.mine and done.state is OfficeState.ACCEPTED):
        return see_other(here)
    words = STATE_WORDS[done.state] if isinstance(done, Taken) else ""
    advice = f"この申請は、もう「到達」ではありません。いまの状態は「{words}」です。開いて、経過を確かめてください。"
    return refused(request, 409, "受付はしていません", advice, Link("この申請を開く", here))


async def file(request: Request) -> Response:
    """A file of a case, to be saved rather than shown: what is in it is not ours. Looking at it is audited."""
    of, who, now = services(request), staff(request), services(request).clock()
    number, name = request.path_params["number"], request.path_params["file"]
    stored = await of.database.transact(lambda db: office.look_at_file(db, of.keys, who, number, name, now=now))
    if stored is None:
        return absent(request)
    here = f"{_HERE}/applications/{number}"
    if isinstance(stored, NeedsReason):
        return see_other(here)
    try:
        content = await to_thread.run_sync(stored.content, of.blobs)
    except uploads.Withheld:
        advice = "ウイルスの検査が終わっていないか、検査で問題が見つかったファイルです。だれにも渡しません。"
        return refused(request, 409, "このファイルは開けません", advice, Link("申請に戻る", here))
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(stored.upload.name)}",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(content, media_type=stored.upload.media_type, headers=headers)


# --- for auditors ---------------------------------------------------------------------------------------------------


async def looks(request: Request) -> Response:
    """Who did or saw what of one application. Nothing of what is in it."""
    of, who, typed = services(request), staff(request), request.query_params.get("number", "").strip()[:40]
    if not who.may(Action.SEE_AUDIT):
        return forbidden(request)
    if not typed:
        return page(request, "staff/looks.html", LooksPage(desk(request), "", "", (), 0))
    found = await of.database.transact(lambda db: office.looks(db, of.keys, who, typed))
    if found is None:
        wrong = [ErrorLink("#f-number", "受付番号", "その受付番号の申請はありません。番号を確かめてください")]
        return page(request, "staff/looks.html", LooksPage(desk(request), typed, "", (), 0, wrong), status=422)
    number, lines = found
    most = office.LOOKS if len(lines) == office.LOOKS else 0
    context = LooksPage(desk(request), typed, number, [_look(each) for each in lines], most)
    return page(request, "staff/looks.html", context)


def _look(each: Look) -> LookLine:
    state = each.detail.get("state", "")
    what = ACTION_WORDS.get(each.action, each.action)
    if each.action == "application.state" and state in set(OfficeState):
        what = f"状態を「{STATE_WORDS[OfficeState(state)]}」にした"
    return LookLine(each.at, each.name or _actor(each.by), what, each.detail.get("department", ""), each.reason)


ROUTES = [
    route(_HERE, cases, access=Access.STAFF),
    route(f"{_HERE}/applications/{{number}}", case, access=Access.STAFF),
    route(f"{_HERE}/applications/{{number}}/reason", give_reason, methods=("POST",), access=Access.STAFF),
    route(f"{_HERE}/applications/{{number}}/accept", accept, methods=("POST",), access=Access.STAFF),
    route(f"{_HERE}/applications/{{number}}/files/{{file}}", file, access=Access.STAFF),
    route(f"{_HERE}/looks", looks, access=Access.STAFF),
]
