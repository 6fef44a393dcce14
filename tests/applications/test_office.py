"""Cases as the staff see them, over both databases: lists, reasons, and two who act at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select

from server.applications import casework, office
from server.applications.casework import Moved, Order
from server.applications.office import IN_HAND, Asked, Case, NeedsReason
from server.applications.receipts import new_number
from server.applications.states import Act, OfficeState
from server.applications.submission import SEALED
from server.applications.teller import Teller
from server.people import staff_sessions
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Maker, Random, Store
from tests.people.officers import hire

ANSWERS = {"applicant": {"name": {"family": "津軽", "given": "太郎"}, "birthdate": "1989-04-02"}}


class Office:
    """A department with cases and colleagues."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random, make: Maker) -> None:
        self.store, self.keys, self.clock, self.random, self.make = store, keys, clock, random, make

    @property
    def office(self) -> casework.Office:
        teller = Teller(self.keys, self.random, "http://testserver")
        return casework.Office(teller, ("市民課", "税務課", "子育て支援課"))

    def case(self, state: str = "submitted", department: str = "市民課", **more: Any) -> str:
        """A case with answers: its number."""
        application_id, number = self.random(16).hex(), new_number(self.random)
        key, wrapped = self.keys.new_data_key(application_id)
        sealed = key.seal(json.dumps({"answers": ANSWERS}).encode(), SEALED)
        given: dict[str, Any] = {
            "id": application_id,
            "receipt_number": number,
            "state": state,
            "department": department,
        }
        given |= {"wrapped_key": wrapped, "sealed_answers": sealed, "slug": "dog", "procedure_type": "shinsei"}
        self.make(t.application, **given | more)
        self.make(t.application_event, application_id=application_id, state=state, actor="anonymous")
        return number

    def colleague(self, login: str, *roles: str) -> Staff:
        """Somebody signed in."""
        run: Any = lambda work: self.store.run(work())  # noqa: E731
        officer = hire(run, self.store.database, self.keys, self.clock, self.random, login, *roles)
        token = self.store.transact(
            lambda db: staff_sessions.open_session(db, officer.id, now=self.clock(), random=self.random)
        )
        found = self.store.read(lambda db: staff_sessions.who(db, token, keys=self.keys, now=self.clock()))
        assert found is not None
        return found

    def look(self, who: Staff, number: str) -> Case | NeedsReason | None:
        return self.store.transact(lambda db: office.look(db, self.keys, who, number, now=self.clock()))

    def reason(self, who: Staff, number: str, text: str = "本人に窓口で聞かれたため") -> NeedsReason | bool:
        given: dict[str, Any] = {"now": self.clock(), "random": self.random}
        return self.store.transact(lambda db: office.give_reason(db, self.keys, who, number, text, **given))

    def at_once(self, works: Sequence[Any]) -> list[Any]:
        async def all_of_them() -> list[Any]:
            return list(await asyncio.gather(*(self.store.database.transact(work) for work in works)))

        return self.store.run(all_of_them())


@pytest.fixture
def hall(store: Store, keys: Keys, clock: Clock, random: Random, make: Maker) -> Office:
    return Office(store, keys, clock, random, make)


def test_of_many_clerks_who_take_a_case_at_once_one_does(hall: Office) -> None:
    number = hall.case()
    clerks = [hall.colleague(f"clerk{i}", "clerk:市民課") for i in range(6)]

    def taking(who: Staff) -> Any:
        return lambda db: casework.act(db, hall.office, who, number, Order(Act.ACCEPT), now=hall.clock())

    done = hall.at_once([taking(who) for who in clerks])
    assert done.count(True) == 1
    assert [each for each in done if each is not True] == [Moved(OfficeState.ACCEPTED, mine=False)] * 5
    winner = clerks[done.index(True)]
    seen = hall.look(winner, number)
    assert isinstance(seen, Case)
    assert [(step.state.value, step.by) for step in seen.steps] == [
        ("submitted", "anonymous"),
        ("accepted", winner.actor),
    ]
    assert seen.steps[1].name == f"見本 {winner.login} ({winner.login})" and Act.ACCEPT not in seen.acts


def test_a_list_counts_and_shows_what_was_asked_for_the_oldest_first(hall: Office) -> None:
    numbers = []
    for state in ("submitted", "accepted", "completed", "payment_pending", "submitted"):
        numbers.append(hall.case(state, submitted_at=hall.clock()))
        hall.clock.advance(minutes=1)
    hall.case(department="税務課")
    hall.case(slug="cat")

    def listed(**asked: Any) -> list[str]:
        wanted = Asked(**{"slug": "dog"} | asked)
        found = hall.store.read(lambda db: office.listing(db, ["市民課"], wanted, now=hall.clock()), long=True)
        assert found.total == len(found.rows)
        return [row.number for row in found.rows]

    assert listed(states=IN_HAND) == [numbers[0], numbers[1], numbers[4]]
    assert listed(states=tuple(OfficeState)) == numbers
    assert listed(states=(OfficeState.REFUSED,)) == []
    assert len(listed(states=IN_HAND, slug="")) == 4
    nothing = hall.store.read(lambda db: office.listing(db, [], Asked(IN_HAND), now=hall.clock()), long=True)
    assert (nothing.total, nothing.pages) == (0, 1)


def test_a_look_that_is_refused_leaves_no_line_and_one_that_is_not_leaves_one(hall: Office) -> None:
    number, query = hall.case(), select(func.count()).where(t.audit.c.action == "application.view")
    clerk, stranger = hall.colleague("a1", "clerk:市民課"), hall.colleague("a2", "clerk:税務課")
    for role in ("treasurer:市民課", "auditor", "administrator"):
        assert hall.look(hall.colleague(role[:7], role), number) is None
    assert hall.look(stranger, number) == NeedsReason(number, "市民課")
    assert hall.look(clerk, "0" * 15) is None
    assert hall.store.read(lambda db: db.scalar(query)) == 0
    seen = hall.look(clerk, number)
    assert isinstance(seen, Case) and seen.answers == ANSWERS
    assert hall.store.read(lambda db: db.scalar(query)) == 1


def test_the_latest_reason_is_the_one_that_counts_and_auditors_read_each(hall: Office) -> None:
    number = hall.case()
    stranger, auditor = hall.colleague("a1", "clerk:税務課"), hall.colleague("a2", "auditor")
    for text in ("はじめの理由です", "つぎの理由です"):
        hall.clock.advance(minutes=1)
        assert hall.reason(stranger, number, text) is True
        seen = hall.look(stranger, number)
        assert isinstance(seen, Case) and seen.other
    found = hall.store.transact(lambda db: office.looks(db, hall.keys, auditor, number))
    assert found is not None and found[0] == number
    views = [line.reason for line in found[1] if line.action == "application.view"]
    assert views == ["つぎの理由です", "はじめの理由です"]


def test_a_reason_is_for_another_departments_case_alone(hall: Office) -> None:
    number = hall.case()
    for roles in (("treasurer:税務課",), ("auditor",), ("administrator",)):
        assert hall.reason(hall.colleague(roles[0][:6], *roles), number) is False
    clerk = hall.colleague("clerk1", "clerk:市民課")
    assert hall.reason(clerk, number) is False
    assert hall.reason(clerk, "0" * 15) is False


def test_a_reason_goes_with_its_case(hall: Office) -> None:
    number, stranger = hall.case(), hall.colleague("a1", "clerk:税務課")
    assert hall.reason(stranger, number) is True
    kept = select(func.count()).select_from(t.staff_reason)
    assert hall.store.read(lambda db: db.scalar(kept)) == 1
    gone = t.application.delete().where(t.application.c.receipt_number == number)
    hall.store.transact(lambda db: db.execute(gone).rowcount)
    assert hall.store.read(lambda db: db.scalar(kept)) == 0
