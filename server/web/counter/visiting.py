"""A visit as the clerk's pages find it: whose it is, its interview, and the panel that stands beside every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Posted
from procedures.declaration import Declaration
from procedures.joint import FAMILY, Turn
from server.counter import visits
from server.counter.identity import protected_members
from server.counter.interview import declarations_of, turn_of
from server.counter.people import called
from server.counter.visits import Visit
from server.people import staff as accounts
from server.people.roles import Action
from server.store.database import Reading
from server.web.badge import Desk, absent, desk, staff
from server.web.contexts import Link
from server.web.counter.asking import KEYS, applicant_named
from server.web.http import page, see_other, services
from server.web.lost import visible

HERE: Final = "/counter"
TAKE: Final = "_take"
"""A control of the page that says that a colleague leads the visit: take it over, and go on with what was typed."""


@dataclass(frozen=True, slots=True)
class PanelForm:
    """An application of the visit. `left`: questions that have to be answered yet; `done`: it is whole."""

    title: str
    left: int
    answered: int
    done: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """What stands beside every page of a visit. `spared` of `alone` answers need not be given, `share` in percent;
    `letters` of `letters_alone` characters were written. `protected`: who of the family is under 支援措置."""

    base: str
    applicant: str
    forms: Sequence[PanelForm]
    alone: int
    answered: int
    share: int
    letters_alone: int
    letters: int
    protected: Sequence[str]
    links: Sequence[Link]

    @property
    def spared(self) -> int:
        return max(0, self.alone - self.answered)

    @property
    def letters_spared(self) -> int:
        return max(0, self.letters_alone - self.letters)


@dataclass(frozen=True, slots=True)
class Open:
    """An open visit of the clerk who asks, with its interview."""

    visit: Visit
    turn: Turn
    declarations: Mapping[str, Declaration]
    protected: frozenset[str]

    @property
    def base(self) -> str:
        return f"{HERE}/{self.visit.id}"


@dataclass(frozen=True, slots=True)
class ElsewherePage:
    """staff/counter_elsewhere.html: a colleague leads the visit, or it is over (`over_url` leads to what became of it).
    `typed` is what was posted, to be read; `hidden` all of it, to be sent again with `action`, '' where nothing was."""

    desk: Desk
    colleague: str
    action: str
    hidden: Sequence[tuple[str, str]]
    typed: Sequence[str]
    over_url: str = ""


def visit_id(request: Request) -> str:
    """The visit of the address."""
    return str(request.path_params["visit"].hex)


async def found_visit(request: Request) -> Visit | Response:
    """The visit of the address, in whatever state, for a clerk of its department; to all others it is not there."""
    of, now = services(request), services(request).clock()
    visit = await of.database.read(lambda db: visits.load(db, of.keys, visit_id(request), now=now))
    if visit is None or not staff(request).may(Action.COUNTER, visit.department):
        return absent(request)
    return visit


async def open_visit(request: Request, posted: Posted | None = None) -> Open | Response:
    """The open visit of the address, led by whoever asks; one that is over leads to what became of it. A colleague's is
    shown when it was taken over: that is what is audited."""
    visit = await found_visit(request)
    if isinstance(visit, Response):
        return visit
    if not visit.open:
        return _over(request, visit, posted) if posted and KEYS in posted else see_other(f"{HERE}/{visit.id}")
    if visit.staff_id != staff(request).id:
        if posted is None or TAKE not in posted or not await taken_over(request, visit):
            return await elsewhere(request, visit, posted or {})
        return await open_visit(request, posted)
    return await opened(request, visit)


def _over(request: Request, visit: Visit, posted: Posted) -> Response:
    """409: the visit is over, and what was typed to its questions is not lost."""
    typed = [(name, value) for name, values in posted.items() for value in values]
    context = ElsewherePage(desk(request), "", "", [], list(visible(typed)), f"{HERE}/{visit.id}")
    return page(request, "staff/counter_elsewhere.html", context, status=409)


async def opened(request: Request, visit: Visit) -> Open:
    """A visit with its interview."""
    of = services(request)
    declarations, turn = await declarations_of(of, visit), await turn_of(of, visit)

    def shielded(db: Reading) -> frozenset[str]:
        return protected_members(db, of.keys, turn.state.facts)

    return Open(visit, turn, declarations, await of.database.read(shielded))


async def taken_over(request: Request, visit: Visit) -> bool:
    """Whoever asks leads the visit from now on."""
    of, who, now = services(request), staff(request), services(request).clock()
    return await of.database.transact(
        lambda db: visits.take_over(db, visit, who, window_id=visits.window_of(db, who, now=now), now=now)
    )


async def elsewhere(request: Request, visit: Visit, posted: Posted) -> Response:
    """409: a colleague leads it, and what was typed is not lost."""
    of = services(request)
    colleague = await of.database.read(lambda db: accounts.account(db, of.keys, visit.staff_id))
    typed = [(name, value) for name, values in posted.items() for value in values]
    context = ElsewherePage(
        desk(request),
        colleague.name if colleague else "ほかの職員",
        request.url.path if typed else f"{HERE}/{visit.id}/take",
        typed,
        list(visible(typed)),
    )
    return page(request, "staff/counter_elsewhere.html", context, status=409)


# --- the panel --------------------------------------------------------------------------------------------------------


def panel(request: Request, seen: Open) -> Panel:
    """What stands beside a page."""
    saved, names = seen.turn.saved, seen.turn
    here = request.url.path
    return Panel(
        base=seen.base,
        applicant=applicant_named(seen.turn),
        forms=[_form(seen, name) for name in seen.declarations],
        alone=saved.alone,
        answered=saved.answered,
        share=round(100 * saved.share) if saved.alone else 0,
        letters_alone=saved.characters_alone,
        letters=saved.characters,
        protected=list(dict.fromkeys(called(names, who.partition(" ")[0]) for who in sorted(seen.protected))),
        links=[Link(text, "" if f"{seen.base}/{to}" == here else f"{seen.base}/{to}") for text, to in LINKS],
    )


LINKS: Final = (
    ("質問を続ける", "ask"),
    ("本人確認", "identity"),
    ("タブレットで見せる", "tablet"),
    ("答えの一覧", "answers"),
    ("原本・書類", "papers"),
    ("確認と提出", "check"),
    ("手続きを選び直す", "procedures"),
)


def _form(seen: Open, name: str) -> PanelForm:
    state = seen.turn.seen[name]
    passed = seen.turn.state.passed
    left = {place.key for place in state.pending if place.error or place.needed or place.key not in passed}
    family = seen.turn.joint.forms[name].asks_family and FAMILY not in seen.turn.state.facts
    answered = sum(1 for place in state.places if place.value is not None and not place.node.field.children)
    done = not left and not family and not seen.turn.errors(name)
    return PanelForm(seen.declarations[name].title, len(left), answered, done)
