"""What everybody in the hall sees of the queue: the board on the wall, and a ticket on its holder's phone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.counter import queue, tickets
from server.counter.line import Expected, State
from server.counter.outlook import Outlook, outlook
from server.counter.queue import Refused, Ticket
from server.japan import today
from server.people.devices import Kind
from server.store.database import Reading
from server.web.device import only
from server.web.http import has_chosen, page, problem, see_other, services, speak
from server.web.live import mark, nothing_new, part
from server.web.routing import Access, route

SHOWN: Final = 8
"""Numbers that stand on the board as called: more would be too small to be read across a hall."""
RECENT: Final = 8
"""Numbers below them that are being served or are done, for whoever looked away."""
RECENTLY: Final = timedelta(minutes=10)
BOARD: Final = "/board"


@dataclass(frozen=True, slots=True)
class Called:
    """A number and the window it is called to. `key` changes with each call; `words` is what is said, in Japanese and
    in the language of the ticket: (BCP 47 tag, text)."""

    number: str
    window: str
    key: str
    words: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A queue on the board. `expected` is for whoever takes a number now, None where no window is open."""

    letter: str
    title: str
    title_en: str
    waiting: int
    expected: Expected | None


@dataclass(frozen=True, slots=True)
class BoardPage:
    """board/board.html, and board/now.html for the part of it that is fetched anew."""

    called: Sequence[Called]
    recent: Sequence[str]
    absent: Sequence[str]
    queues: Sequence[QueueLine]
    at: datetime
    mark: str


@dataclass(frozen=True, slots=True)
class TicketPage:
    """pages/ticket.html. `state` is as in `State`; `expected` is None where no window is open. `window` is where it was
    called or is served, `window_number` its figure where it is called by one. `due` is the booked time, None without
    one; `booked_yet`: it is still to come."""

    number: str
    title: str
    state: str
    ahead: int
    expected: Expected | None
    window: str
    window_number: str
    due: datetime | None
    booked_yet: bool
    url: str
    mark: str


# --- the board ------------------------------------------------------------------------------------------------------


async def board(request: Request) -> Response:
    """The numbers that are called, large enough for a hall."""
    if (refusal := only(request, Kind.BOARD)) is not None:
        return refusal
    speak(request, "ja")
    return page(request, "board/board.html", await _board(request), personal=False)


async def board_now(request: Request) -> Response:
    """The same anew, for `queue.js`; 204 where nothing has changed."""
    if (refusal := only(request, Kind.BOARD)) is not None:
        return refusal
    if await _unchanged(request):
        return Response(status_code=204)
    speak(request, "ja")
    return part(request, "board/now.html", await _board(request))


async def _unchanged(request: Request) -> bool:
    of = services(request)
    return nothing_new(request, mark(await of.database.read(queue.newest), of.clock()))


async def _board(request: Request) -> BoardPage:
    of, now = services(request), services(request).clock()
    table = of.catalogue.shared.queues

    def work(db: Reading) -> tuple[int, Outlook, Sequence[Ticket]]:
        over = tickets.tickets(db, now=now, states={State.DONE})
        return queue.newest(db), outlook(db, table, now=now), over

    newest, seen, over = await of.database.read(work)
    called = _latest([each for each in seen.open if each.state is State.CALLED])
    since = [each for each in [*seen.open, *over] if each.state in (State.SERVING, State.DONE)]
    recent = [each for each in _latest(since) if each.called_at is not None and now - each.called_at < RECENTLY]
    open_queues = {name for window in seen.staffed for name in window.queues} | {each.queue for each in seen.waiting}
    return BoardPage(
        called=[_called(request, seen, each) for each in called[:SHOWN]],
        recent=[each.text(table) for each in recent[:RECENT]],
        absent=[each.text(table) for each in seen.open if each.state is State.ABSENT],
        queues=[
            QueueLine(
                each.letter,
                each.title,
                of.languages["en"].told(each.title),
                seen.count(each.id),
                seen.newcomer(each.id),
            )
            for each in table.queues.values()
            if each.id in open_queues
        ],
        at=now,
        mark=mark(newest, now),
    )


def _latest(found: Sequence[Ticket]) -> list[Ticket]:
    """Those that were called last first."""
    return sorted(found, key=lambda each: (each.called_at is not None, each.called_at), reverse=True)


def _called(request: Request, seen: Outlook, each: Ticket) -> Called:
    number, label = each.text(services(request).catalogue.shared.queues), seen.label(each.window_id)
    aloud = number.replace("-", " ").replace(" 0", " ").replace(" 0", " ")  # 'A 12', as one says it
    spoken = dict.fromkeys(("ja", each.language))
    words = [(_tag(request, code), _said(request, code, aloud, label)) for code in spoken]
    return Called(number, label, f"{each.id}-{each.calls}", words)


def _tag(request: Request, code: str) -> str:
    languages = services(request).languages
    return languages.get(code, languages.japanese).tag


def _said(request: Request, code: str, number: str, label: str) -> str:
    """What is said of a number in a language, as plain text. A window that is called by its number is so in every
    language; one with a name of its own keeps it."""
    of = services(request)
    spoken = of.renderer.speaking(of.languages.get(code, of.languages.japanese))
    return spoken.say("board/words.html", "called_words", number, _window_number(label), label)


def _window_number(label: str) -> str:
    """'3' of '3番窓口'; '' of a window that has a name."""
    found = re.fullmatch(r"([0-9]{1,3})番(?:窓口)?", label)
    return found[1] if found else ""


# --- a ticket -------------------------------------------------------------------------------------------------------


async def ticket_page(request: Request) -> Response:
    """A number as its holder sees it: whoever has the code. It is in the ticket's language until another is chosen."""
    found = await _found(request)
    if found is None:
        return problem(request, 404)
    if not has_chosen(request):
        speak(request, found.language)
    return page(request, "pages/ticket.html", await _ticket(request, found))


async def ticket_now(request: Request) -> Response:
    """The same anew, for `queue.js`; 204 where nothing has changed."""
    found = await _found(request)
    if found is None:
        return problem(request, 404)
    if await _unchanged(request):
        return Response(status_code=204)
    if not has_chosen(request):
        speak(request, found.language)
    return part(request, "components/ticket.html", await _ticket(request, found))


async def cancel(request: Request) -> Response:
    """The holder does not want to wait any more."""
    found, of = await _found(request), services(request)
    if found is None:
        return problem(request, 404)
    done = await of.database.transact(lambda db: queue.leave(db, found.id, now=of.clock()))
    if isinstance(done, Refused) and done.ticket is not None and done.ticket.state is State.SERVING:
        return problem(request, 409)
    return see_other(f"/tickets/{request.path_params['code']}")


async def _found(request: Request) -> Ticket | None:
    of, code = services(request), request.path_params["code"]
    return await of.database.read(lambda db: queue.of_code(db, of.keys, code))


async def _ticket(request: Request, found: Ticket) -> TicketPage:
    of, now = services(request), services(request).clock()
    table = of.catalogue.shared.queues

    def work(db: Reading) -> tuple[int, Outlook]:
        return queue.newest(db), outlook(db, table, now=now)

    newest, seen = await of.database.read(work)
    over = found.day != today(now).isoformat() and found.state not in (State.DONE, State.LEFT)
    return TicketPage(
        number=found.text(table),
        title=table.title(found.queue),
        state=State.LEFT.value if over else found.state.value,
        ahead=seen.ahead(found),
        expected=seen.expected(found.id),
        window=seen.label(found.window_id),
        window_number=_window_number(seen.label(found.window_id)),
        due=found.due_at,
        booked_yet=found.due_at is not None and now < found.due_at,
        url=f"/tickets/{re.sub('[^0-9A-Za-z]', '', request.path_params['code'])}",
        mark=mark(newest, now),
    )


ROUTES = [
    route(BOARD, board, access=Access.DEVICE),
    route(f"{BOARD}/now", board_now, access=Access.DEVICE),
    route("/tickets/{code}", ticket_page, access=Access.VISITOR),
    route("/tickets/{code}/now", ticket_now, access=Access.PUBLIC),
    route("/tickets/{code}/cancel", cancel, methods=("POST",), access=Access.PUBLIC),
]
