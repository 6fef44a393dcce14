"""Two people: who asks and who allows is never the same, and of two who decide at once one does."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from server.applications import proposals
from server.applications.proposals import EFFECTS, Decision, Outcome, Proposal, Unmet, read_held, write_held
from server.applications.teller import Teller
from server.catalogue import publish
from server.money.till import PROVIDER
from server.people import staff as accounts
from server.people.roles import POLICY, TWO_PEOPLE, Role, Whose
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import answered
from tests.people.officers import held
from tests.people.test_staff import Hall
from tests.security.declarations import declared

CITY = "市民課"
WHY = "システムの点検のため。"


class Office(Hall):
    """`payment` came in at the till and can be given back, in two parts."""

    payment = ""

    @property
    def teller(self) -> Teller:
        return Teller(self.keys, self.random, "https://apply.example.jp")

    def colleague(self, login: str, *roles: str) -> Staff:
        officer = self.hire(login, *roles)
        token = self.enter(login, officer.code())
        assert token is not None
        return self.of(token)

    def of(self, token: str) -> Staff:
        who = self.who(token)
        assert who is not None
        return who

    def asks(
        self, who: Staff, kind: str = "refund", target: str = "", department: str = CITY, **detail: str
    ) -> str | Unmet:
        if kind == "refund":
            target = target or self.payment
            detail = {"payment": self.payment, "amount": "300"} | detail
        return self.store.transact(
            lambda db: proposals.propose(db, self.keys, kind, target, department, who, detail, **self.given)
        )

    def asked(self, who: Staff, *place: str, **detail: str) -> str:
        found = self.asks(who, *place, **detail)
        assert isinstance(found, str)
        return found

    def decides(self, who: Staff, proposal: str, *, allow: bool = True) -> Decision:
        return self.store.transact(lambda db: proposals.decide(db, self.teller, proposal, who, allow, now=self.clock()))

    def takes_back(self, who: Staff, proposal: str) -> Outcome:
        return self.store.transact(
            lambda db: proposals.take_back(db, self.keys, proposal, who, now=self.clock())
        ).outcome

    def seen(self, who: Staff) -> dict[str, Proposal]:
        found = self.store.read(lambda db: proposals.listed(db, self.keys, who, now=self.clock()))
        return {each.id: each for each in found}

    def gives(self, who: Staff, *roles: str) -> Staff:
        """Other roles; the same person with them."""
        given = held(*roles)
        self.store.transact(lambda db: accounts.set_roles(db, self.keys, who.login, given, actor="operator"))
        return Staff(who.id, who.login, who.name, given, who.session_id, False, who.until)


@pytest.fixture
def office(store: Store, keys: Keys, clock: Clock, random: Random, make: Maker) -> Office:
    made = Office(store, keys, clock, random)
    application = make(t.application, department=CITY)["id"]
    answered(store, keys, application)
    debt = make(t.debt, application_id=application, amount=600, state="paid")["id"]
    made.payment = make(t.payment, debt_id=debt, provider=PROVIDER, amount=600, state="paid")["id"]
    return made


@pytest.fixture
def clerk(office: Office) -> Staff:
    return office.colleague("clerk", f"clerk:{CITY}")


@pytest.fixture
def treasurer(office: Office) -> Staff:
    return office.colleague("treasurer", f"treasurer:{CITY}")


def test_what_one_asks_for_another_allows_and_both_are_written_down(
    office: Office, clerk: Staff, treasurer: Staff
) -> None:
    proposal = office.asked(clerk, reason="二重の支払い")
    assert office.seen(treasurer)[proposal].state == "open"
    done = office.decides(treasurer, proposal)
    assert done.outcome is Outcome.ALLOWED and done.proposal is not None
    assert (done.proposal.state, done.proposal.detail["amount"]) == ("allowed", "300")
    shown = office.seen(clerk)[proposal]
    assert (shown.asked_name, shown.decided_name) == ("見本 clerk (clerk)", "見本 treasurer (treasurer)")
    (asked,), (allowed,) = office.lines("proposal.ask"), office.lines("proposal.allow")
    assert (asked.actor, allowed.actor) == (clerk.actor, treasurer.actor)
    assert json.loads(allowed.detail) == {"proposal": proposal, "kind": "refund"}
    assert asked.target == allowed.target == office.payment


def test_nobody_allows_what_they_asked_for_whatever_their_roles_have_become(office: Office) -> None:
    both = office.colleague("both", f"treasurer:{CITY}")
    proposal = office.asked(both)
    assert office.decides(both, proposal).outcome is Outcome.SAME_PERSON
    for roles in ((f"approver:{CITY}",), (f"approver:{CITY}", f"treasurer:{CITY}", f"clerk:{CITY}")):
        changed = office.gives(both, *roles)
        assert office.decides(changed, proposal).outcome is Outcome.SAME_PERSON
        assert office.decides(changed, proposal, allow=False).outcome is Outcome.SAME_PERSON
    assert office.seen(changed)[proposal].state == "open"


@pytest.mark.parametrize("kind", TWO_PEOPLE)
@pytest.mark.parametrize("role", Role)
def test_only_who_the_table_names_asks_and_decides(kind: str, role: Role, office: Office) -> None:
    pair, wide = TWO_PEOPLE[kind], role in (Role.ADMINISTRATOR, Role.AUDITOR)
    city = POLICY[pair.ask].whose is Whose.CITY
    target, department = ("x" * 32, "") if city else ("a payment", CITY)
    who = office.colleague("somebody", role.value if wide else f"{role.value}:{CITY}")
    asked = office.asks(who, kind, target, department)
    assert (asked is Unmet.FORBIDDEN) == (role not in POLICY[pair.ask].roles)
    other = office.colleague("other", "administrator", f"clerk:{CITY}")
    proposal = office.asked(other, kind, f"y{target}", department)
    decided = office.decides(who, proposal, allow=False).outcome
    assert decided is (Outcome.REFUSED if role in POLICY[pair.allow].roles else Outcome.UNKNOWN)


def test_another_department_neither_asks_nor_decides_nor_sees(office: Office, clerk: Staff) -> None:
    elsewhere = office.colleague("elsewhere", "treasurer:税務課", "clerk:税務課")
    assert office.asks(elsewhere) is Unmet.FORBIDDEN
    proposal = office.asked(clerk)
    assert office.decides(elsewhere, proposal).outcome is Outcome.UNKNOWN
    assert office.seen(elsewhere) == {}
    assert office.decides(elsewhere, "0" * 32) == Decision(Outcome.UNKNOWN)


def test_of_two_who_decide_at_once_one_does(office: Office, clerk: Staff) -> None:
    first, second = (office.colleague(name, f"treasurer:{CITY}") for name in ("first", "second"))
    proposal = office.asked(clerk)

    def decides(who: Staff, allow: bool) -> Any:
        return lambda db: proposals.decide(db, office.teller, proposal, who, allow, now=office.clock()).outcome

    async def at_once() -> list[Outcome]:
        works = [decides(first, True), decides(second, False), decides(first, True), decides(second, True)]
        return list(await asyncio.gather(*(office.store.database.transact(work) for work in works)))

    found = office.store.run(at_once())
    assert sorted(each is Outcome.OVER for each in found) == [False, True, True, True]
    assert len(office.lines("proposal.allow")) + len(office.lines("proposal.refuse")) == 1


def test_a_proposal_is_good_for_seven_days_and_can_be_made_again(
    office: Office, clerk: Staff, treasurer: Staff
) -> None:
    proposal = office.asked(clerk)
    assert office.asks(clerk) is Unmet.WAITING
    office.clock.now += proposals.GOOD_FOR - timedelta(seconds=1)
    assert office.asks(clerk) is Unmet.WAITING
    office.clock.advance(seconds=1)
    assert office.decides(treasurer, proposal).outcome is Outcome.EXPIRED
    assert office.seen(treasurer)[proposal].state == "expired"
    assert office.decides(treasurer, office.asked(clerk)).outcome is Outcome.ALLOWED


def test_what_was_asked_by_somebody_who_is_out_now_is_not_allowed(
    office: Office, clerk: Staff, treasurer: Staff
) -> None:
    """A stolen account may have asked; it was disabled since, or lost its role."""
    proposal = office.asked(clerk)
    switch: Any = lambda on: office.store.transact(  # noqa: E731
        lambda db: accounts.switch(db, clerk.id, on=on, actor="operator", now=office.clock())
    )
    switch(False)
    assert office.decides(treasurer, proposal).outcome is Outcome.LAPSED
    switch(True)
    office.gives(clerk, f"reviewer:{CITY}")
    assert office.decides(treasurer, proposal).outcome is Outcome.LAPSED
    assert office.decides(treasurer, proposal, allow=False).outcome is Outcome.REFUSED, "no needs nobody's leave"


def test_who_asked_may_take_it_back_and_nobody_else(office: Office, clerk: Staff, treasurer: Staff) -> None:
    proposal = office.asked(clerk)
    assert office.takes_back(treasurer, proposal) is Outcome.UNKNOWN
    assert office.takes_back(clerk, proposal) is Outcome.TAKEN_BACK
    assert office.takes_back(clerk, proposal) is Outcome.OVER
    assert office.decides(treasurer, proposal).outcome is Outcome.OVER


def test_details_are_sealed(office: Office, clerk: Staff) -> None:
    office.asked(clerk, reason="ひみつの理由")
    rows = office.store.read(lambda db: [tuple(row) for row in db.all(select(t.proposal))])
    assert rows and "ひみつの理由" not in repr(rows)


# --- what is done when it is allowed ----------------------------------------------------------------------------------


@pytest.fixture
def two(office: Office) -> tuple[Staff, Staff]:
    """Two administrators."""
    first, second = (office.colleague(name, "administrator") for name in ("first", "second"))
    return first, second


def suspended(office: Office) -> tuple[str, str]:
    row = office.store.read(lambda db: db.one(select(t.publication.c.state, t.publication.c.reason)))
    assert row is not None
    return row.state, row.reason


def test_a_procedure_is_stopped_and_resumed_by_two_administrators(office: Office, two: tuple[Staff, Staff]) -> None:
    first, second = two
    office.store.transact(lambda db: publish(db, [declared("plain")], now=office.clock(), actor="test"))
    wanted = {"reason": WHY, "from": "", "until": ""}
    proposal = office.asked(first, "procedure.suspend", "plain", "", **wanted)
    assert suspended(office)[0] == "open", "not by one alone"
    assert office.decides(second, proposal).outcome is Outcome.ALLOWED
    assert suspended(office) == ("suspended", WHY)
    assert office.lines("procedure.suspend")[0].actor == second.actor
    back = office.asked(second, "procedure.resume", "plain", "")
    assert office.decides(first, back).outcome is Outcome.ALLOWED
    assert suspended(office)[0] == "open"


def test_what_cannot_be_done_any_more_is_said_and_counts_as_refused(office: Office, two: tuple[Staff, Staff]) -> None:
    first, second = two
    until = (office.clock() + timedelta(hours=1)).isoformat()
    wanted = {"reason": WHY, "from": "", "until": until}
    office.store.transact(lambda db: publish(db, [declared("plain")], now=office.clock(), actor="test"))
    proposal = office.asked(first, "procedure.suspend", "plain", "", **wanted)
    office.clock.advance(hours=2)
    done = office.decides(second, proposal)
    assert (done.outcome, done.told) == (Outcome.FAILED, "past")
    assert done.proposal is not None and done.proposal.state == "refused"
    assert suspended(office)[0] == "open" and len(office.lines("proposal.fail")) == 1


def test_roles_are_changed_by_two_and_not_by_whoever_gets_them(office: Office, two: tuple[Staff, Staff]) -> None:
    first, second = two
    wanted = write_held(held("administrator", f"approver:{CITY}"))
    proposal = office.asked(first, "staff.roles", second.id, "", roles=wanted)
    assert office.decides(second, proposal).outcome is Outcome.SAME_PERSON, "it is about themselves"
    third = office.colleague("third", "administrator")
    assert office.decides(third, proposal).outcome is Outcome.ALLOWED
    now = office.store.read(lambda db: accounts.account(db, office.keys, second.id))
    assert now is not None and set(now.held) == set(read_held(wanted))


def test_an_account_is_reset_by_two_and_its_new_code_is_told_once(office: Office, two: tuple[Staff, Staff]) -> None:
    first, second = two
    tanaka = office.hire()
    proposal = office.asked(first, "staff.reset", tanaka.id, "")
    done = office.decides(second, proposal)
    assert done.outcome is Outcome.ALLOWED and office.begin("tanaka", done.told) is not None
    assert office.enter("tanaka", tanaka.code()) is None
    kept = office.store.read(lambda db: [tuple(row) for row in db.all(select(t.proposal))])
    assert done.told not in repr(kept) + repr(office.seen(first)) + repr(office.seen(second))


@pytest.mark.parametrize("kind", ["staff.reset", "staff.roles", "procedure.resume"])
def test_what_is_about_nothing_fails_and_changes_nothing(kind: str, office: Office, two: tuple[Staff, Staff]) -> None:
    first, second = two
    proposal = office.asked(first, kind, "0" * 32, "", roles="auditor:*")
    assert office.decides(second, proposal).outcome is Outcome.FAILED


def test_every_effect_is_of_a_kind_that_the_table_names() -> None:
    assert set(EFFECTS) <= set(TWO_PEOPLE)
