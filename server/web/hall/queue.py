"""The queue at the windows: clerks call, and the reception gives out numbers.

Every button is a form that leads back to the page, so all of it works without script; `queue.js` keeps the list fresh.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from procedures.queues import Queue
from server.applications.receipts import read_number
from server.counter import outlook as looking
from server.counter import queue, windows
from server.counter.line import CALLS, Care, Expected, Origin, State
from server.counter.outlook import Outlook
from server.counter.qr import drawn
from server.counter.queue import At, CheckedIn, Issued, Outcome, Refused, Ticket, Why
from server.counter.windows import Window
from server.people import staff as accounts
from server.people.factors import Qr
from server.people.roles import Action, departments
from server.store.database import Reading
from server.web.badge import Desk, desk, forbidden, staff
from server.web.contexts import ErrorLink
from server.web.http import last, page, read_form, see_other, services
from server.web.live import mark, nothing_new, part
from server.web.routing import Access, route

HERE: Final = "/counter/queue"
NEW: Final = "/counter/tickets/new"
CARE_WORDS: Final = {
    Care.NONE: "なし",
    Care.PREGNANT: "妊娠中・赤ちゃん連れ",
    Care.DISABLED: "障害がある",
    Care.ELDERLY: "高齢で待つのがつらい",
    Care.UNWELL: "体調が悪い",
    Care.OTHER: "そのほか",
}
_STATE_WORDS: Final = {
    State.WAITING: "待っています",
    State.CALLED: "呼び出し中です",
    State.SERVING: "対応中です",
    State.DONE: "もう終わりました",
    State.ABSENT: "不在です",
    State.LEFT: "取り消されました",
}


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody who waits, was absent, or is here. `language` is what it is called, '' for Japanese, `spoken` its code;
    `care` is '' for none; `only`: they wait for this window alone."""

    id: str
    number: str
    title: str
    slugs: str
    language: str
    spoken: str
    minutes: int
    calls: int
    care: str
    due: datetime | None
    only: bool
    state: str


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a list."""

    value: str
    text: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """The interview of whoever is here: `href` leads to it, '' before it is begun, for `department`."""

    href: str
    department: str


@dataclass(frozen=True, slots=True)
class QueuePage:
    """staff/queue.html. `hand` is what the window has before it, None while nobody was called; `soon`: how often it is
    to be called before it may be absent. `told` is why the last press did nothing."""

    desk: Desk
    window: str
    queues: str
    hand: Line | None
    soon: int
    waiting: Sequence[Line]
    absent: Sequence[Line]
    elsewhere: Sequence[Option]
    cares: Sequence[Option]
    visit: Visit
    mark: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Chair:
    """A window to sit at. `taken` is who sits there (`holder` their id), '' where nobody does."""

    id: str
    label: str
    queues: str
    taken: str
    holder: str


@dataclass(frozen=True, slots=True)
class SitPage:
    """staff/queue_sit.html. `told` names whoever sits where one wanted to sit."""

    desk: Desk
    chairs: Sequence[Chair]
    told: str = ""


@dataclass(frozen=True, slots=True)
class QueueChoice:
    """A queue to take a number in. `expected` is None where nobody sits at a window for it."""

    id: str
    letter: str
    title: str
    waiting: int
    expected: Expected | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class NewTicketPage:
    """staff/queue_new.html. `number` is the receipt number of a booking as it was typed."""

    desk: Desk
    queues: Sequence[QueueChoice]
    cares: Sequence[Option]
    languages: Sequence[Option]
    number: str = ""
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class SlipPage:
    """staff/queue_slip.html: what is printed and given out."""

    desk: Desk
    number: str
    title: str
    ahead: int
    taken_at: datetime
    due: datetime | None
    url: str
    qr: Qr


# --- the clerk's page -----------------------------------------------------------------------------------------------


async def queue_page(request: Request) -> Response:
    """Who waits for the window at which one sits; first one says which that is."""
    if not departments(staff(request).held, Action.COUNTER):
        return forbidden(request)
    at = await _at(request)
    return await _sit_page(request) if at is None else await _show(request, at)


async def live(request: Request) -> Response:
    """The list anew, for `queue.js`; 204 where nothing has changed."""
    at = await _at(request)
    if at is None:
        return see_other(HERE)
    of, now = services(request), services(request).clock()
    newest = await of.database.read(queue.newest)
    if nothing_new(request, mark(newest, now)):
        return Response(status_code=204)
    return part(request, "staff/queue_list.html", await _context(request, at, ""))


async def _at(request: Request) -> At | None:
    """Where somebody sits today, if they still may."""
    who, now = staff(request), services(request).clock()
    found = await services(request).database.read(lambda db: windows.window_of(db, who.id, now=now))
    return At(found, who.id) if found is not None and who.may(Action.COUNTER, found.department) else None


async def _show(request: Request, at: At, told: str = "") -> Response:
    context = await _context(request, at, told)
    return page(request, "staff/queue.html", context, status=409 if told else 200)


async def _context(request: Request, at: At, told: str) -> QueuePage:
    of, now = services(request), services(request).clock()
    table = of.catalogue.shared.queues

    def work(db: Reading) -> tuple[Sequence[Ticket], Sequence[Window], int]:
        return queue.tickets(db, now=now), windows.windows(db), queue.newest(db)

    every, others, newest = await of.database.read(work)
    mine = [each for each in every if each.waiting.served_at(at.window.id, at.window.queues)]
    held = next((each for each in every if each.window_id == at.window.id and each.state in queue.IN_HAND), None)
    lines = {each.id: _line(request, each, now) for each in [*mine, *([held] if held else [])]}
    return QueuePage(
        desk=desk(request),
        window=at.window.label,
        queues="、".join(table.title(each) for each in at.window.queues),
        hand=lines[held.id] if held else None,
        soon=max(0, CALLS - held.calls) if held else 0,
        waiting=[lines[each.id] for each in mine if each.state is State.WAITING],
        absent=[lines[each.id] for each in mine if each.state is State.ABSENT],
        elsewhere=_elsewhere(table.queues.values(), others, at.window),
        cares=[Option(str(int(care)), words) for care, words in CARE_WORDS.items()],
        visit=Visit(f"/counter/{held.visit_id}" if held and held.visit_id else "", at.window.department),
        mark=mark(newest, now),
        told=told,
    )


def _line(request: Request, each: Ticket, now: datetime) -> Line:
    of = services(request)
    table, languages = of.catalogue.shared.queues, of.languages
    served = (of.catalogue.get(slug) for slug in each.slugs)
    return Line(
        id=each.id,
        number=each.text(table),
        title=table.title(each.queue),
        slugs="、".join(found.declaration.title for found in served if found),
        language=languages[each.language].name if each.language in languages and each.language != "ja" else "",
        spoken=each.language,
        minutes=int((now - each.created_at).total_seconds() // 60),
        calls=each.calls,
        care=CARE_WORDS[each.priority] if each.priority is not Care.NONE else "",
        due=each.due_at,
        only=each.state is State.WAITING and each.window_id is not None,
        state=each.state.value,
    )


def _elsewhere(queues: Any, others: Sequence[Window], here: Window) -> list[Option]:
    """Where somebody can be sent on to: a queue, or a certain window."""
    found = [Option(f"q:{each.id}", f"{each.letter} {each.title}") for each in queues]
    return found + [Option(f"w:{each.id}", each.label) for each in others if each.id != here.id]


async def _sit_page(request: Request, told: str = "") -> Response:
    of, who, now = services(request), staff(request), services(request).clock()
    own, table = departments(who.held, Action.COUNTER), of.catalogue.shared.queues

    def work(db: Reading) -> list[Chair]:
        sits = {each.window.id: each.staff_id for each in windows.staffed(db, now=now)}
        names = {each: found.name for each in sits.values() if (found := accounts.account(db, of.keys, each))}
        return [
            Chair(
                each.id,
                each.label,
                "、".join(table.title(name) for name in each.queues),
                names.get(sits.get(each.id, ""), ""),
                sits.get(each.id, ""),
            )
            for each in windows.windows(db)
            if each.department in own
        ]

    chairs = await of.database.read(work)
    return page(request, "staff/queue_sit.html", SitPage(desk(request), chairs, told), status=409 if told else 200)


async def sit(request: Request) -> Response:
    """Sit down at a window of one's department; instead of somebody else where that was said."""
    of, who, now = services(request), staff(request), services(request).clock()
    typed = await _typed(request)
    wanted, instead_of = typed("window"), typed("instead_of")
    found = await of.database.read(lambda db: windows.window(db, wanted))
    if found is None or not who.may(Action.COUNTER, found.department):
        return await _sit_page(request, "その窓口は、もうありません。ほかの窓口を選んでください。")
    holder = await of.database.transact(lambda db: windows.sit(db, wanted, who.id, instead_of=instead_of, now=now))
    if holder == "":
        return see_other(HERE)
    told = "には、ほかの職員がいます。交代するときは「交代してすわる」を押してください。"
    return await _sit_page(request, f"{found.label}{told}")


async def stand_up(request: Request) -> Response:
    """Leave the window."""
    of, who = services(request), staff(request)
    await of.database.transact(lambda db: windows.stand_up(db, who.id))
    return see_other(HERE)


# --- what is done with a number ---------------------------------------------------------------------------------------

_STEPS: Final[Mapping[str, Callable[..., Outcome]]] = {
    "call": queue.call,
    "recall": queue.recall,
    "serve": queue.serve,
    "absent": queue.absent,
    "back": queue.put_back,
    "finish": queue.finish,
}


async def next_one(request: Request) -> Response:
    """Call whoever is next."""
    at, now = await _at(request), services(request).clock()
    if at is None:
        return see_other(HERE)
    done = await services(request).database.transact(lambda db: queue.call_next(db, at, now=now))
    if isinstance(done, Refused) and done.why is not Why.IN_HAND:
        return await _refuse(request, at, done)
    return see_other(HERE)  # pressed twice, or in two tabs: the page shows whom the first press called


async def step(request: Request) -> Response:
    """One of the buttons at a number."""
    at, of, now = await _at(request), services(request), services(request).clock()
    if at is None:
        return see_other(HERE)
    work = _work(request, at, await _typed(request), now)
    if work is None:
        return await _show(request, at, "その操作はできません。")
    done = await of.database.transact(work)
    return await _refuse(request, at, done) if isinstance(done, Refused) else see_other(HERE)


def _work(request: Request, at: At, typed: Callable[[str], str], now: datetime) -> Callable[[Any], Outcome] | None:
    ticket_id, do = request.path_params["ticket"], typed("do")
    if do in _STEPS:
        return lambda db: _STEPS[do](db, at, ticket_id, now=now)
    if do == "left":
        return lambda db: queue.dismiss(db, at, ticket_id, now=now)
    if do == "care" and typed("care") in {str(int(care)) for care in Care}:
        return lambda db: queue.give_care(db, ticket_id, Care(int(typed("care"))), by=at.actor, now=now)
    kind, _, name = typed("to").partition(":")
    if do == "transfer" and kind == "q" and name in services(request).catalogue.shared.queues.queues:
        return lambda db: queue.transfer(db, at, ticket_id, name, now=now)
    if do == "transfer" and kind == "w":
        return lambda db: _to_window(db, at, ticket_id, name, now)
    return None


def _to_window(db: Any, at: At, ticket_id: str, window_id: str, now: datetime) -> Outcome:
    """To a certain window: they stay in their queue, or join one that is called there."""
    there, seen = windows.window(db, window_id), queue.ticket(db, ticket_id)
    if there is None or seen is None:
        return Refused(Why.GONE)
    to = seen.queue if seen.queue in there.queues or not there.queues else there.queues[0]
    return queue.transfer(db, at, ticket_id, to, window_id=window_id, now=now)


async def _refuse(request: Request, at: At, why: Refused) -> Response:
    return await _show(request, at, _told(request, at, why))


def _told(request: Request, at: At, refused: Refused) -> str:
    """Why it was not done, and what to do."""
    seen = refused.ticket
    number = seen.text(services(request).catalogue.shared.queues) if seen else ""
    match refused.why:
        case Why.NOBODY:
            return "いま、待っている人はいません。"
        case Why.IN_HAND:
            return f"{number} の人がまだいます。終わらせるか、移してから、次の人を呼んでください。"
        case Why.SOON:
            return f"{number} は、あと{CALLS - seen.calls if seen else 1}回呼んでから、不在にしてください。"
        case Why.TAKEN if refused.window and refused.window != at.window.label:
            return f"{number} は、{refused.window}が先に呼びました。ほかの番号を呼んでください。"
        case Why.TAKEN if seen:
            return f"{number} は、いま{_STATE_WORDS[seen.state]}。ほかの番号を呼んでください。"
    return "その番号は、きょうはありません。"


async def _typed(request: Request) -> Callable[[str], str]:
    form = await read_form(request)
    return lambda name: last(form, name)[:200]


# --- the reception --------------------------------------------------------------------------------------------------


async def new_ticket(request: Request) -> Response:
    """Where a clerk gives out a number."""
    if not departments(staff(request).held, Action.COUNTER):
        return forbidden(request)
    return await _new_page(request)


async def _new_page(request: Request, chosen: str = "", number: str = "", told: ErrorLink | None = None) -> Response:
    of, now = services(request), services(request).clock()
    table = of.catalogue.shared.queues
    seen = await of.database.read(lambda db: looking.outlook(db, table, now=now))
    context = NewTicketPage(
        desk=desk(request),
        queues=[_choice(seen, each, chosen) for each in table.queues.values()],
        cares=[Option(str(int(care)), words, care is Care.NONE) for care, words in CARE_WORDS.items()],
        languages=[Option(code, each.name, code == "ja") for code, each in of.languages.items()],
        number=number,
        errors=[told] if told else [],
    )
    return page(request, "staff/queue_new.html", context, status=422 if told else 200)


def _choice(seen: Outlook, of: Queue, chosen: str) -> QueueChoice:
    return QueueChoice(of.id, of.letter, of.title, seen.count(of.id), seen.newcomer(of.id), of.id == chosen)


async def give_ticket(request: Request) -> Response:
    """A number for somebody who came without one, or with a booking."""
    of, who = services(request), staff(request)
    if not departments(who.held, Action.COUNTER):
        return forbidden(request)
    typed = await _typed(request)
    chosen, booking = typed("queue"), typed("number").strip()
    care, spoken = typed("care"), typed("language")
    given: dict[str, Any] = {
        "origin": Origin.RECEPTION.value,
        "language": spoken if spoken in of.languages else "ja",
        "priority": Care(int(care)) if care in {str(int(each)) for each in Care} else Care.NONE,
        "by": who.actor,
        "now": of.clock(),
        "random": of.random,
    }
    table = of.catalogue.shared.queues
    if booking:
        return await _check_in(request, booking, given)
    if chosen not in table.queues:
        return await _new_page(request, told=ErrorLink("#f-queue", "用件", "用件を選んでください"))
    made = await of.database.transact(lambda db: queue.issue(db, of.keys, chosen, **given))
    return see_other(f"/counter/tickets/slip/{made.code}")


async def _check_in(request: Request, booking: str, given: Mapping[str, Any]) -> Response:
    of, number = services(request), read_number(booking)
    table = of.catalogue.shared.queues
    found = None
    if number is not None:
        found = await of.database.transact(lambda db: queue.check_in(db, of.keys, table, number, **given))
    if isinstance(found, Issued):
        return see_other(f"/counter/tickets/slip/{found.code}")
    told = "きょうの予約が見つかりません。受付番号と予約の日を確かめてください"
    if isinstance(found, CheckedIn):
        told = f"この予約では、もう番号札を出しています。番号は {found.ticket.text(table)} です"
    return await _new_page(request, number=booking[:40], told=ErrorLink("#f-number", "受付番号", told))


async def slip(request: Request) -> Response:
    """The slip of a ticket, to be printed."""
    of, code, now = services(request), request.path_params["code"], services(request).clock()
    if not departments(staff(request).held, Action.COUNTER):
        return forbidden(request)
    table = of.catalogue.shared.queues

    def work(db: Reading) -> tuple[Ticket | None, Outlook]:
        return queue.of_code(db, of.keys, code), looking.outlook(db, table, now=now)

    found, seen = await of.database.read(work)
    if found is None:
        return see_other(NEW)
    url = f"{of.settings.base_url}/tickets/{re.sub('[^0-9A-Za-z]', '', code)}"
    asked = "" if found.language == "ja" else f"?lang={found.language}"
    context = SlipPage(
        desk=desk(request),
        number=found.text(table),
        title=table.title(found.queue),
        ahead=seen.ahead(found),
        taken_at=found.created_at,
        due=found.due_at,
        url=url,
        qr=drawn(url + asked),
    )
    return page(request, "staff/queue_slip.html", context)


ROUTES = [
    route(HERE, queue_page, access=Access.STAFF),
    route(f"{HERE}/live", live, access=Access.STAFF),
    route(f"{HERE}/sit", sit, methods=("POST",), access=Access.STAFF),
    route(f"{HERE}/leave", stand_up, methods=("POST",), access=Access.STAFF),
    route(f"{HERE}/next", next_one, methods=("POST",), access=Access.STAFF),
    route(f"{HERE}/{{ticket}}", step, methods=("POST",), access=Access.STAFF),
    route(NEW, new_ticket, access=Access.STAFF),
    route(NEW, give_ticket, methods=("POST",), access=Access.STAFF),
    route("/counter/tickets/slip/{code}", slip, access=Access.STAFF),
]
