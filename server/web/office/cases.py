"""The office: a department's applications, what its windows are asked, and for auditors who looked at a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from server.applications import casework, office
from server.applications.messages import LONGEST
from server.applications.office import IN_HAND, Asked, Listing, Look, Row
from server.applications.receipts import read_number
from server.applications.states import OfficeState
from server.japan import midnight, today
from server.people.roles import Action, departments
from server.web.badge import Desk, absent, desk, forbidden, home, refused, staff
from server.web.contexts import Choice, ErrorLink, Link
from server.web.http import last, page, read_form, see_other, services
from server.web.office.case import due
from server.web.office.words import ACTION_WORDS, CHANNEL_WORDS, STATE_WORDS, UNFIT_WORDS, actor_words
from server.web.routing import Access, route

_HERE: Final = "/office"
_LAST_PAGE: Final = 100_000
_ONLY: Final = {"mine": "自分が担当", "late": "処理の目安を過ぎた", "waiting": "答えを待っている"}
_SLOW: Final = tuple(each for each in IN_HAND if each is not OfficeState.CORRECTION_REQUESTED)
"""States in which time runs: while the resident is asked, it does not."""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A line of the list. `late`: the day by which it should be done is over, and it is not. `marks`: what is said of
    it besides. `overdue`: the resident has not answered in time. `ticked`: it can be taken on from the list."""

    number: str
    title: str
    department: str
    state: str
    submitted_at: datetime
    due: date | None
    late: bool
    protected: bool
    href: str
    marks: Sequence[str] = ()
    overdue: bool = False
    ticked: bool = False


@dataclass(frozen=True, slots=True)
class OfficePage:
    """staff/office.html. `errors` are of the search by number, in which `number` was typed; `filtered`: more could be
    there without the filters. `only`: filters that are ticked. `accept_url` takes the ticked cases, '' where none can
    be; `accepted`: how many were taken on a moment ago."""

    desk: Desk
    departments: Sequence[str]
    lines: Sequence[CaseLine]
    total: int
    states: Sequence[Choice]
    procedures: Sequence[Choice]
    pages: Sequence[Link]
    filtered: bool
    only: Sequence[Choice] = ()
    channels: Sequence[Choice] = ()
    accept_url: str = ""
    accepted: int = 0
    number: str = ""
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class AskedLine:
    """A question to the counter; `typed` is an answer that could not stand."""

    number: str
    title: str
    department: str
    text: str
    at: datetime
    action: str
    typed: str = ""


@dataclass(frozen=True, slots=True)
class QuestionsPage:
    """staff/questions.html: what the windows of these departments are asked. An answer has `most` characters."""

    desk: Desk
    departments: Sequence[str]
    lines: Sequence[AskedLine]
    most: int
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
    of, asked, who = services(request), request.query_params, staff(request)
    state, slug, number = asked.get("state", ""), asked.get("procedure", "")[:80], _page_number(asked.get("page", "1"))
    channel, only = asked.get("channel", "")[:20], [each for each in asked.getlist("only") if each in _ONLY]
    states = _states(state)
    if states is None or number is None:
        return absent(request)
    wanted = Asked(
        states=[each for each in states if each in _SLOW] if "late" in only else states,
        slug=slug,
        channel=channel,
        waiting="waiting" in only,
        assignee=who.id if "mine" in only else "",
        late=_late(request) if "late" in only else None,
    )
    now = of.clock()
    found = await of.database.read(lambda db: office.listing(db, own, wanted, now=now, page=number), long=True)
    if number > found.pages:
        return absent(request)
    lines = [_line(request, row) for row in found.rows]
    context = OfficePage(
        desk=desk(request),
        departments=own,
        lines=lines,
        total=found.total,
        states=_state_choices(state),
        procedures=_procedure_choices(request, own, slug),
        pages=_pages(found, number, [("state", state), ("procedure", slug), ("channel", channel), *_named(only)]),
        filtered=bool(state or slug or channel or only),
        only=[Choice(name, text, name in only) for name, text in _ONLY.items()],
        channels=_channel_choices(channel),
        accept_url=f"{_HERE}/accept" if any(each.ticked for each in lines) else "",
        accepted=_page_number(asked.get("accepted", "")) or 0,
        number=typed,
        errors=errors,
    )
    return page(request, "staff/office.html", context, status=422 if errors else 200)


def _named(only: Sequence[str]) -> list[tuple[str, str]]:
    return [("only", each) for each in only]


def _late(request: Request) -> list[tuple[Sequence[str], datetime]]:
    """Of each procedure, what should be done by now: all that arrived before a day."""
    of = services(request)
    by_days: dict[int, list[str]] = {}
    for each in of.catalogue.all():
        by_days.setdefault(each.declaration.processing_days, []).append(each.declaration.slug)
    return [(slugs, midnight(_first_in_time(request, days))) for days, slugs in by_days.items()]


def _first_in_time(request: Request, days: int) -> date:
    """The earliest day of arrival whose time is not over today."""
    of = services(request)
    now = today(of.clock())
    day = now - timedelta(days=days * 3 + 30)  # before any run of holidays that the days can be stretched by
    while of.city.calendar.workday_after(day, days) < now:
        day += timedelta(days=1)
    return day


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


def _channel_choices(chosen: str) -> list[Choice]:
    every = [Choice("", "すべての方法", not chosen)]
    return every + [Choice(value, text, value == chosen) for value, text in CHANNEL_WORDS.items()]


def _procedure_choices(request: Request, own: Sequence[str], chosen: str) -> list[Choice]:
    served = [each.declaration for each in services(request).catalogue.all() if each.declaration.department in own]
    every = [Choice("", "すべての手続き", not chosen)]
    return every + [Choice(each.slug, each.title, each.slug == chosen) for each in served]


def _pages(found: Listing, number: int, asked: Sequence[tuple[str, str]]) -> list[Link]:
    """Links to the pages around this one and the first and last; none where there is one page."""
    if found.pages == 1:
        return []
    shown = sorted({1, found.pages, *(each for each in range(number - 3, number + 4) if 0 < each <= found.pages)})
    given = [(name, value) for name, value in asked if value]
    return [
        Link(str(each), "" if each == number else f"{_HERE}?{urlencode([*given, ('page', str(each))])}")
        for each in shown
    ]


def _line(request: Request, row: Row) -> CaseLine:
    of, who = services(request), staff(request)
    served = of.catalogue.get(row.slug)
    until = due(request, row.submitted_at, served.declaration.processing_days) if served else None
    return CaseLine(
        number=row.number,
        title=served.declaration.title if served else row.slug,
        department=row.department,
        state=STATE_WORDS[row.state],
        submitted_at=row.submitted_at,
        due=until,
        late=until is not None and row.state in _SLOW and until < today(of.clock()),
        protected=row.protected,
        href=f"{_HERE}/applications/{row.number}",
        marks=_marks(row, who.id),
        overdue=row.overdue,
        ticked=who.may(Action.ACCEPT, row.department, row.state),
    )


def _marks(row: Row, me: str) -> list[str]:
    said = {"窓口": row.channel == "counter", "窓口に確認中": row.asked, "回答あり": row.answered}
    said |= {"自分が担当": row.assignee == me, "担当あり": row.assignee not in ("", me)}
    return [words for words, true in said.items() if true]


# --- several at once --------------------------------------------------------------------------------------------------


async def accept(request: Request) -> Response:
    """Take on the cases that are ticked. What somebody was faster with is named."""
    of, who, now, hall = services(request), staff(request), services(request).clock(), services(request).office
    if not departments(who.held, Action.LIST):
        return forbidden(request)
    ticked = [each for each in (await read_form(request)).get("number") or [] if read_number(each)]
    done = await of.database.transact(lambda db: casework.accept_all(db, hall, who, ticked, now=now))
    if not done.left and done.done:
        return see_other(f"{_HERE}?accepted={len(done.done)}")
    said = f"{len(done.done)}件を受け付けました。" if done.done else ""
    said += f"次の申請は、もう「到達」ではないか、あなたの役割では受け付けられません: {'、'.join(done.left)}。"
    if not ticked:
        said = "受け付ける申請を選んでから、もう一度押してください。"
    title = "受け付けていない申請があります" if ticked else "申請が選ばれていません"
    return refused(request, 409 if ticked else 422, title, said, Link("申請の一覧に戻る", _HERE))


# --- what the counter is asked ----------------------------------------------------------------------------------------


async def questions(request: Request) -> Response:
    """What the departments ask one's windows, with a box for each answer."""
    return await _questions(request)


async def _questions(request: Request, *, number: str = "", typed: str = "") -> Response:
    of, who = services(request), staff(request)
    own = departments(who.held, Action.COUNTER)
    if not own:
        return forbidden(request)
    found = await of.database.transact(lambda db: office.questions(db, of.keys, who, own))
    wrong = [ErrorLink(f"#f-{number}", "答え", UNFIT_WORDS["text"])] if number else []
    lines = [_question(request, each, typed if each.number == number else "") for each in found]
    context = QuestionsPage(desk(request), own, lines, LONGEST, wrong)
    return page(request, "staff/questions.html", context, status=422 if wrong else 200)


def _question(request: Request, each: office.Question, typed: str) -> AskedLine:
    served = services(request).catalogue.get(each.slug)
    title = served.declaration.title if served else each.slug
    action = f"{_HERE}/questions/{each.number}"
    return AskedLine(each.number, title, each.department, each.text, each.at, action, typed)


async def answer(request: Request) -> Response:
    """The answer of the counter to a department."""
    of, who, number, now = services(request), staff(request), request.path_params["number"], services(request).clock()
    text, hall = last(await read_form(request), "text"), services(request).office
    done = await of.database.transact(lambda db: casework.answer_counter(db, hall, who, number, text, now=now))
    if isinstance(done, casework.Unfit):
        return await _questions(request, number=number, typed=text[: LONGEST * 2])
    return see_other(f"{_HERE}/questions") if done else absent(request)


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
    return LookLine(each.at, each.name or actor_words(each.by), what, each.detail.get("department", ""), each.reason)


ROUTES = [
    route(_HERE, cases, access=Access.STAFF),
    route(f"{_HERE}/accept", accept, methods=("POST",), access=Access.STAFF),
    route(f"{_HERE}/questions", questions, access=Access.STAFF),
    route(f"{_HERE}/questions/{{number}}", answer, methods=("POST",), access=Access.STAFF),
    route(f"{_HERE}/looks", looks, access=Access.STAFF),
]
