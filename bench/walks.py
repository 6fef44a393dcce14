"""What residents and clerks do in a town hall, recorded once by clients that read pages as people do.

A kiosk fills in a form and gives out a number with a code. A window serves three sorts of people: a family that comes
without anything and has two applications filed for it, somebody with a code from a kiosk, somebody with a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx2

from bench.people import Fault, Press, recorded
from bench.site import Site
from procedures.joint import Joint, State, Turn
from server.counter import visits
from server.japan import today
from tests.counter.hall import DEPARTMENT, DEVICE_COOKIE, STAFF_COOKIE, Hall, now
from tests.counter.kiosk_walk import AtKiosk
from tests.counter.window import AtWindow, moving
from tests.journeys.filing import case_of
from tests.journeys.pages import Page, Resident
from tests.procedures.joint_clerk import Clerk
from tests.procedures.moving_family import HIMSELF

FAMILY: Final = ("kokuho-shutoku", "inu-henko")
"""What is filed for a family that moves in: the 個人番号 of four stand in it. It never needs a paper."""
BROUGHT: Final = "juminhyo-utsushi"
"""What is filled in at the kiosks."""
ANSWERS: Final = case_of(BROUGHT)["answers"]
FAMILY_PHONE, KIOSK_PHONE = HIMSELF["phone"], ANSWERS["applicant"]["phone"]
"""What was typed while it was recorded: all others have numbers of their own."""
QUEUE: Final = "/counter/queue"
_HAND = re.compile(r'id="serve-([0-9a-f]{32})"')
_HAND_NUMBER = re.compile(r'class="hand__number" translate="no">([^<]+)<')
_NUMBER = re.compile(r'class="kticket__number" translate="no">([^<]+)<')
_CODE = re.compile(r'class="kticket__signs" translate="no">([^<]+)<')


@dataclass(frozen=True, slots=True)
class Walk:
    """What somebody pressed, and what things are called in it: the ticket, the visit, the kiosk's code."""

    presses: Sequence[Press]
    ticket: str = ""
    visit: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Walks:
    """At a kiosk; at a window with a family, with what a kiosk has taken down, with a question."""

    kiosk: Walk
    family: Walk
    brought: Walk
    question: Walk


def record(site: Site, hall: Hall, kiosk: str, clerk: str) -> Walks:
    """One person at the kiosk and three at the window with these tokens. Two numbers must wait already."""
    with _client(site, DEVICE_COOKIE, kiosk) as client, recorded(client) as pressed:
        person = AtKiosk(client)
        person.walk(person.begin_at(BROUGHT), ANSWERS)
        paper = person.take()
        person.over(paper)
    with _client(site, STAFF_COOKIE, clerk) as client:
        desk = Desk(client, hall)
        family, question = _family(desk), _question(desk)
        return Walks(Walk(pressed), family, _brought(desk, on_paper(paper.html)[1]), question)


def on_paper(page: str) -> tuple[str, str]:
    """The number and the code that a kiosk prints. Raises Fault."""
    number, code = _NUMBER.search(page), _CODE.search(page)
    if number is None or code is None:
        raise Fault("a kiosk printed no number")
    return number[1], code[1]


def in_hand(page: str) -> tuple[str, str]:
    """The ticket that a window has called, and its number. Raises Fault."""
    ticket, number = _HAND.search(page), _HAND_NUMBER.search(page)
    if ticket is None or number is None:
        raise Fault("a window called nobody")
    return ticket[1], number[1]


def files(press: Press) -> bool:
    """Whether it is the one that files."""
    return press[0].method == "POST" and press[0].path.endswith("/check")


class Desk(AtWindow):
    """The clerk whose presses are recorded, signed in at a server that runs."""

    def __init__(self, client: httpx2.Client, hall: Hall) -> None:
        Resident.__init__(self, client)
        self._hall = hall
        self.site = self  # type: ignore[assignment]  # all it is asked for is the turn

    def turn(self, visit_id: str) -> Turn:
        """The interview of a visit, as it is stored."""
        hall = self._hall
        visit = hall.read(lambda db: visits.load(db, hall.keys, visit_id, now=now()))
        joint = Joint({slug: hall.library.declarations[slug].form for slug in visit.content.forms})
        return joint.turn(State.read(visit.content.state), today(now()))

    def call(self) -> Page:
        page = self.open(QUEUE)
        return self.press(page, page.form(action="/next"))

    def step(self, page: Page, do: str) -> Page:
        """A button at the number in hand."""
        form = next(form for form in page.forms if form.has_button("do", do))
        return self.press(page, form, button=("do", do))

    def through(self, base: str, page: Page, clerk: Clerk) -> Page:
        """From the first question to what was filed."""
        page = self.interview(base, clerk, page)
        if page.path.endswith("/papers"):
            page = self.press(page, page.form(control="_rev"), button=("_do", "next"))
        page = self.press(page, page.form(action="/check"), {"method": ["said"]})
        assert page.path == f"{base}/filed", page.text
        return page


def _client(site: Site, cookie: str, token: str) -> httpx2.Client:
    return httpx2.Client(
        base_url=f"http://127.0.0.1:{site.port}", cookies={cookie: token}, follow_redirects=True, timeout=30
    )


def _family(desk: Desk) -> Walk:
    ticket, _ = in_hand(desk.call().html)
    with recorded(desk.client) as pressed:
        base = desk.begin(ticket=ticket, department=DEPARTMENT, language="ja")
        desk.through(base, desk.choose(base, *FAMILY), moving(*FAMILY))
        desk.open(QUEUE)
    return Walk(pressed, ticket, base.rpartition("/")[2])


def _brought(desk: Desk, code: str) -> Walk:
    page = desk.call()
    ticket, _ = in_hand(page.html)
    with recorded(desk.client) as pressed:
        desk.step(page, "serve")
        page = desk.open("/counter/handoff")
        page = desk.press(page, page.form(control="code"), {"code": [code]})
        page = desk.press(page, page.form(control="handoff"))
        base = page.path.rpartition("/")[0]
        desk.through(base, page, Clerk({BROUGHT: ANSWERS}, [], lambda _, __: ["applicant"]))
        desk.open(QUEUE)
    return Walk(pressed, ticket, base.rpartition("/")[2], code)


def _question(desk: Desk) -> Walk:
    page = desk.call()
    with recorded(desk.client) as pressed:
        desk.step(desk.step(page, "serve"), "finish")
    return Walk(pressed, in_hand(page.html)[0])
