"""Every address of the staff with every role, in the department of what is asked for and in another, by `roles.POLICY`.

Which actions open an address stands here; which roles may them, the table alone says. Whoever may none of them is
refused, is told nothing, and changes nothing; whoever may one gets the page. A new address needs its room.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from server.applications import proposals
from server.applications.states import OfficeState
from server.counter import visits
from server.people import staff_sessions
from server.people.roles import CITY_WIDE, POLICY, TWO_PEOPLE, Action, Held, Role, Whose, may
from server.people.staff_sessions import Staff
from server.web.routing import Access, policies
from server.web.site import all_routes
from tests.people.officers import held
from tests.security.declarations import sample
from tests.security.site import Browser, place, sandbox_site
from tests.web.test_office import Hall, at_work

SECRET = "ひみつの用件"
NOBODY: Final = "0" * 32
OWN: Final = frozenset[Action]()
"""Everybody's, whatever their roles: it is about their own account."""
BOTH: Final = frozenset({action for pair in TWO_PEOPLE.values() for action in (pair.ask, pair.allow)})
_CASE: Final = frozenset({Action.OPEN, Action.OPEN_OTHER})

ROOMS: Final[Mapping[str, frozenset[Action]]] = {
    "/office/applications/{number}/assign": frozenset({Action.ASSIGN}),
    "/office/applications/{number}/acts": frozenset({Action.OPEN}),
    "/office/applications/{number}": _CASE,
    "/office/accept": frozenset({Action.ACCEPT, Action.LIST}),
    "/office/questions": frozenset({Action.COUNTER}),
    "/office/looks": frozenset({Action.SEE_AUDIT}),
    "/office/till/refund": frozenset({Action.ASK_REFUND, Action.TAKE_MONEY}),
    "/office/till": frozenset({Action.SEE_TILL}),
    "/office/proposals": BOTH,
    "/office": frozenset({Action.LIST}),
    "/counter/receipts": frozenset({Action.TAKE_MONEY}),
    "/counter/{visit:uuid}/pay": frozenset({Action.TAKE_MONEY}),
    "/counter/times": frozenset({Action.SEE_TIMES}),
    "/counter/queue/leave": OWN,
    "/counter": frozenset({Action.COUNTER}),
    "/admin/procedures": frozenset({Action.SUSPEND}),
    "/admin/devices": frozenset({Action.MANAGE_DEVICES}),
    "/admin/staff/{staff}/sessions": frozenset({Action.END_SESSION}),
    "/admin/staff": frozenset({Action.MANAGE_STAFF}),
    "/staff": OWN,
}
"""What opens what lies in a room; the longest that fits counts."""
LEAVES: Final = frozenset({"POST /staff/signout"})
"""After this there is nobody to go on with."""


@dataclass(frozen=True)
class Address:
    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def room(self) -> str:
        fitting = [room for room in ROOMS if self.path == room or self.path.startswith(f"{room}/") or self._ends(room)]
        return max(fitting, key=len)

    def _ends(self, room: str) -> bool:
        return self.path.startswith(f"{room}.")

    @property
    def actions(self) -> frozenset[Action]:
        return ROOMS[self.room]


def addresses() -> Iterator[Address]:
    for policy in policies(all_routes()):
        if policy.access is Access.STAFF:
            (method,) = set(policy.methods) - {"HEAD"}
            yield Address(method, policy.path)


ADDRESSES: Final = [each for each in addresses() if each.name not in LEAVES]
ROLES: Final = [
    *((role, where) for role, where in product(Role, ("own", "other")) if role not in CITY_WIDE),
    *((role, "") for role in sorted(CITY_WIDE)),
]


def test_every_address_of_the_staff_is_in_a_room_and_no_room_is_empty() -> None:
    assert {each.room for each in addresses()} == set(ROOMS)


def test_every_action_opens_a_room_or_is_done_in_one() -> None:
    """An act on a case is checked where it is done: tests/applications/test_casework.py."""
    acts = {Action(act) for act in _acts()}
    assert set(POLICY) == {action for actions in ROOMS.values() for action in actions} | acts


def _acts() -> list[str]:
    from server.applications.states import MOVES

    return [str(act) for act in MOVES]


# --- who gets what ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Things:
    """Of the department `own`; `proposal` is of administrators."""

    number: str
    file: str
    visit: str
    staff: str
    proposal: str

    def url(self, path: str) -> str:
        known = vars(self) | {"slug": "letter", "act": "review", "event": "birth"}
        return re.sub(r"\{(\w+)(:\w+)?\}", lambda match: known.get(match[1], NOBODY), path)

    def ask(self, browser: Browser, address: Address) -> httpx2.Response:
        """With everything in it that some form of the staff's has."""
        typed = {"number": self.number, "reason": SECRET, "do": "allow", "slug": "letter"}
        data = typed if address.method == "POST" else None
        method = "HEAD" if address.path.endswith("/stream") else address.method  # a stream has no end
        return browser.client.request(method, self.url(address.path), data=data)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    with sandbox_site(tmp_path_factory.mktemp("matrix"), migrated_file, sample()) as site:
        yield from at_work(site)


@pytest.fixture(scope="module")
def things(hall: Hall) -> Things:
    number = hall.filed(note=SECRET)
    of, given = hall.of, dict[str, Any](now=hall.clock(), random=hall.of.random)
    clerk, admin = _staff(hall, f"clerk:{hall.own}"), _staff(hall, "administrator")
    opened = dict[str, Any](window_id=None, department=hall.own, language="ja", **given)
    visit = hall.do(lambda db: visits.open_visit(db, of.keys, clerk, **opened))
    asked = {"reason": SECRET, "from": "", "until": ""}
    proposal = hall.do(
        lambda db: proposals.propose(db, of.keys, "procedure.suspend", "letter", "", admin, asked, **given)
    )
    shown = hall.desk("clerk:own").get(f"/office/applications/{number}").text
    (file,) = set(re.findall(r"/files/([0-9a-f]{32})", shown))
    return Things(number, file, visit.id, clerk.id, str(proposal))


def _staff(hall: Hall, *roles: str) -> Staff:
    officer = hall.officer(*roles)
    desk, of = hall.enter(officer), hall.of
    token = desk.client.cookies["kakanai-staff"]
    found = hall.do(lambda db: staff_sessions.who(db, token, keys=of.keys, now=hall.clock()))
    assert isinstance(found, Staff)
    return found


def opens(given: list[Held], address: Address, department: str) -> bool:
    """Whether the table lets these roles do one of an address's actions, in some state, on what is `department`'s;
    where it names nothing of anybody's, in any department of theirs."""
    if address.actions is OWN or not address.actions:
        return True
    named = any(part in address.path for part in ("{number}", "{visit", "{file}"))
    places = [department] if named else [each.department for each in given]
    states = [*(state.value for state in OfficeState), ""]
    return any(may(given, *each) for each in product(address.actions, places, states))


@pytest.fixture(scope="module", params=ROLES, ids=lambda each: " ".join(filter(None, each)))
def colleague(request: pytest.FixtureRequest, hall: Hall) -> tuple[list[Held], Browser]:
    role, where = request.param
    text = f"{role}:{where}" if where else str(role)
    named = text.replace(":own", f":{hall.own}").replace(":other", f":{hall.other}")
    return held(named), hall.desk(text)


def test_what_a_role_may_not_is_refused_told_nothing_of_and_changes_nothing(
    colleague: tuple[list[Held], Browser], hall: Hall, things: Things
) -> None:
    given, browser = colleague
    before, wrong = _changes(hall), {}
    for address in (each for each in ADDRESSES if not opens(given, each, hall.own)):
        answer = things.ask(browser, address)
        led_back = answer.status_code == 303 and place(answer) != things.url(address.path)
        if SECRET in answer.text or not (led_back or answer.status_code in (403, 404, 409)):
            wrong[address.name] = answer.status_code
    assert wrong == {}
    assert _changes(hall) == before


def test_what_a_role_may_is_opened_to_it(colleague: tuple[list[Held], Browser], hall: Hall, things: Things) -> None:
    given, browser = colleague
    wrong = {}
    for address in (each for each in ADDRESSES if opens(given, each, hall.own)):
        answer = things.ask(browser, address)
        plain = address.method == "GET" and "{" not in address.path
        if answer.status_code in (401, 403, 500) or (plain and answer.status_code not in (200, 303)):
            wrong[address.name] = answer.status_code
    assert wrong == {}


POSTS: Final = [each for each in ADDRESSES if each.method == "POST"]


def test_what_is_sent_after_a_session_ended_is_given_back_and_does_nothing(hall: Hall, things: Things) -> None:
    browser, before = hall.browser(), _changes(hall)
    for address in POSTS:
        answer, own = things.ask(browser, address), address.path.startswith("/staff/")
        assert answer.status_code == (303 if own else 403), address.name
        again = f'<form method="post" action="{things.url(address.path)}">'
        assert (SECRET in answer.text and again in answer.text) is not own, address.name
        assert answer.headers["cache-control"] == "no-store", address.name
    assert _changes(hall) == before


def test_a_press_that_says_nothing_leads_to_the_sign_in(hall: Hall, things: Things) -> None:
    browser = hall.browser()
    for address in POSTS:
        answer = browser.client.post(things.url(address.path), data={"_rev": "1"})
        assert place(answer).startswith("/staff/signin"), address.name


def _changes(hall: Hall) -> Mapping[str, Any]:
    """Everything but when somebody was last seen."""
    return {name: digest for name, digest in hall.digests().items() if name not in ("staff_session", "attempt")}


@pytest.mark.parametrize("whose", Whose)
def test_a_rule_is_about_the_departments_it_says(whose: Whose) -> None:
    """What the walk above rests on."""
    rules = {action: rule for action, rule in POLICY.items() if rule.whose is whose}
    for action, rule in rules.items():
        wide = [role in CITY_WIDE for role in rule.roles]
        assert all(wide) if whose is Whose.CITY else not any(wide), action
