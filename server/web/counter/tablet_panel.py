"""What the clerk's page knows of the visit's tablet: its number to type, whether it is connected, what the resident
says there, and whether they have confirmed. It stands in the page of the visit, and is kept up to date by a stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from server.counter import confirmation, pairing, visits
from server.counter.confirmation import Confirmation
from server.counter.identity import protected_members
from server.counter.interview import turn_of
from server.counter.mirror import Line
from server.counter.pairing import Pairing, Verdict
from server.counter.visits import Visit
from server.people import staff_sessions
from server.store.database import Reading, Writing
from server.web.badge import Desk, desk, staff, staff_token
from server.web.counter.visiting import HERE, found_visit, open_visit
from server.web.http import is_fragment, last, page, problem, read_form, see_other, services
from server.web.routing import Access, route
from server.web.stream import stream

HOME: Final = f"{HERE}/{{visit:uuid}}/tablet"
CHOICES: Final = {
    "": "",
    "letters": "字がちがう",
    "content": "内容がちがう",
    "person": "ほかの人のことになっている",
    "unsure": "よくわからない",
}


@dataclass(frozen=True, slots=True)
class RemarkView:
    """What the resident says of an answer: `verdict` is 'right' or 'wrong'; `key` is 'form/pointer'."""

    key: str
    label: str
    text: str
    verdict: str
    choice: str
    words: str


@dataclass(frozen=True, slots=True)
class Panel:
    """staff/tablet_panel.html. `url` is its own address, `mark` its state.

    `link` is 'none' (nothing is paired), 'waiting' (`code` is to be typed until `until`), 'here' or 'lost' (the tablet
    has not been heard of); `no_window`: the visit is at no window, so that it has no tablet. `refused` is the label of
    another window's tablet at which the number was typed. `language` is how the tablet speaks, its code. `wrong` are
    the answers that were said to be wrong, `remarks` all of them by key. `state` is 'open', 'confirmed' or 'void', by
    `method` ('drawn', 'said', 'paper'). `veiled`: somebody is under 支援措置, and the tablet shows nothing of it.
    """

    url: str
    mark: str
    link: str
    no_window: bool
    code: str
    until: datetime | None
    refused: str
    language: str
    wrong: Sequence[RemarkView]
    remarks: Mapping[str, RemarkView]
    state: str
    method: str
    confirmed_at: datetime | None
    veiled: bool


@dataclass(frozen=True, slots=True)
class PanelPage:
    """staff/tablet_desk.html: the panel by itself."""

    desk: Desk
    tablet: Panel
    base: str


@dataclass(frozen=True, slots=True)
class _Standing:
    """How it stands, without what is entered."""

    paired: Pairing | None
    waiting: Pairing | None
    latest: Confirmation | None
    here: bool
    visit_revision: int = 0

    @property
    def mark(self) -> str:
        pairs = "-".join(f"{each.id[:4]}.{each.revision}" for each in (self.paired, self.waiting) if each is not None)
        return f"{self.visit_revision}-{pairs}-{self.latest.id[:6] if self.latest else ''}-{self.here:d}"


def _standing(db: Reading, keys: Any, visit_id: str, revision: int, *, now: datetime) -> _Standing:
    paired = pairing.of_visit(db, keys, visit_id, now=now)
    waits = pairing.waiting(db, keys, visit_id, now=now)
    here = paired is not None and paired.is_here(now)
    return _Standing(paired, waits, confirmation.latest(db, visit_id), here, revision)


async def panel(request: Request, visit: Visit) -> Panel:
    """For the page of a visit, whose clerk is asking."""
    of, now = services(request), services(request).clock()
    standing = await of.database.read(lambda db: _standing(db, of.keys, visit.id, visit.revision, now=now))
    shown = await of.mirrors.shown(of, visit, of.languages.japanese, staff=True)
    facts = (await turn_of(of, visit)).state.facts
    veiled = bool(await of.database.read(lambda db: protected_members(db, of.keys, facts)))
    remarks = _remarks(standing.paired, {line.key: line for line in shown.lines})
    latest, current = standing.latest, standing.paired or standing.waiting
    return Panel(
        url=_url(visit),
        mark=standing.mark,
        link=_link(standing),
        no_window=visit.window_id is None,
        code=standing.waiting.said.code if standing.waiting else "",
        until=standing.waiting.code_until if standing.waiting else None,
        refused=standing.waiting.said.refused if standing.waiting else "",
        language=current.said.language if current else visit.language,
        wrong=[each for each in remarks.values() if each.verdict == Verdict.WRONG],
        remarks=remarks,
        state="open" if latest is None else "confirmed" if confirmation.stands(latest, visit) else "void",
        method=latest.method if latest else "",
        confirmed_at=latest.confirmed_at if latest else None,
        veiled=veiled,
    )


def _link(standing: _Standing) -> str:
    if standing.waiting is not None:
        return "waiting"
    if standing.paired is None:
        return "none"
    return "here" if standing.here else "lost"


def _remarks(paired: Pairing | None, lines: Mapping[str, Line]) -> Mapping[str, RemarkView]:
    """What was said of the answers as they stand; of answers that have changed since nothing was said."""
    said = paired.said.remarks if paired is not None else {}
    return {
        key: RemarkView(key, line.label, line.text, each.verdict, CHOICES.get(each.choice, ""), each.words)
        for key, each in said.items()
        if (line := lines.get(key)) is not None and line.stamp == each.stamp
    }


# --- addresses -------------------------------------------------------------------------------------------------------


def _url(visit: Visit) -> str:
    return f"{HERE}/{visit.id}/tablet"


async def show(request: Request) -> Response:
    """The panel: by itself, or to script the part that it replaces."""
    opened = await open_visit(request)
    if isinstance(opened, Response):
        return opened
    visit = opened.visit
    made = await panel(request, visit)
    if is_fragment(request):
        return page(request, "staff/tablet_panel.html", {"tablet": made})
    return page(request, "staff/tablet_desk.html", PanelPage(desk(request), made, opened.base))


async def act(request: Request) -> Response:
    """A number for a tablet, another language on it, or its end."""
    posted = await read_form(request)
    opened = await open_visit(request, posted)
    if isinstance(opened, Response):
        return opened
    of, who, now, visit = services(request), staff(request), services(request).clock(), opened.visit
    do = last(posted, "_do")
    if do == "offer":
        given: Mapping[str, Any] = {"now": now, "random": of.random}
        await of.database.transact(lambda db: pairing.offer(db, of.keys, visit, who.actor, **given))
    elif do == "end":
        await of.database.transact(lambda db: pairing.end_of_visit(db, visit.id, who.actor))
    elif do == "language":
        await _speak(request, visit, last(posted, "lang"))
    if is_fragment(request):
        return await show(request)
    return see_other(_url(visit))


async def _speak(request: Request, visit: Visit, code: str) -> None:
    of, now = services(request), services(request).clock()
    if code not in of.languages:
        return

    def work(db: Writing) -> None:
        found = pairing.of_visit(db, of.keys, visit.id, now=now)
        if found is not None:
            pairing.speak(db, of.keys, found, code, now=now)

    await of.database.transact(work)


async def news(request: Request) -> Response:
    """The stream of the panel. It ends with the visit, and with the clerk's session."""
    visit = await found_visit(request)
    if isinstance(visit, Response):
        return visit
    of, token, who, visit_id = services(request), staff_token(request) or "", staff(request), visit.id
    waiter = of.live.open(f"session:{who.session_id}", visit_id)
    if waiter is None:
        return problem(request, 503, retry_after=5)

    async def look() -> str | None:
        now = of.clock()
        return await of.database.read(lambda db: _mark(db, of.keys, token, visit_id, now=now))

    return stream(request, waiter, look, lambda: of.live.leave(waiter))


def _mark(db: Reading, keys: Any, token: str, visit_id: str, *, now: datetime) -> str | None:
    who = staff_sessions.who(db, token, keys=keys, now=now)
    found = visits.load(db, keys, visit_id, now=now) if who is not None else None
    if who is None or found is None or not found.open or found.staff_id != who.id:
        return None  # a colleague has taken it over
    return _standing(db, keys, visit_id, found.revision, now=now).mark


ROUTES = [
    route(HOME, show, access=Access.STAFF),
    route(HOME, act, methods=("POST",), access=Access.STAFF),
    route(f"{HOME}/stream", news, access=Access.STAFF),
]
