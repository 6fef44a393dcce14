"""Taking a filing back: by whom, until when, and what goes with it."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, update

from procedures.declaration import Assurance, ProcedureType
from procedures.fees import Quote, QuoteItem
from server.applications import lookup
from server.applications.history import move, paid
from server.applications.lookup import Application
from server.applications.receipts import new_number
from server.applications.states import OfficeState, ResidentState, withdrawable
from server.applications.submission import SEALED
from server.applications.withdrawal import Reason, Refused, entitled, withdraw
from server.money.debts import raise_debt
from server.money.states import PaymentState
from server.notices import outbox
from server.people import sessions
from server.people.facts import Facts
from server.people.sessions import NOBODY, Visitor
from server.store import tables as t
from server.store.database import Writing
from server.store.keys import Keys
from tests.conftest import Clock, Maker, Random, Store
from tests.journeys.filing import declared

TARO = Facts("jpki", "taro", Assurance.JPKI_SIGNATURE, name="津軽　太郎")
MAIL = Facts("email", "kazuko@example.jp", Assurance.EMAIL, email="kazuko@example.jp")
BEFORE_A_DECISION = {
    OfficeState.PAYMENT_PENDING,
    OfficeState.SUBMITTED,
    OfficeState.ACCEPTED,
    OfficeState.CORRECTION_REQUESTED,
    OfficeState.REVIEWING,
}


class Office:
    """A store with applications in it, and browsers that ask for them."""

    def __init__(self, store: Store, keys: Keys, make: Maker, clock: Clock, random: Random) -> None:
        self.store, self.keys, self.make, self.clock, self.random = store, keys, make, clock, random
        self.declaration = declared("inu-toroku")

    def filed(self, state: OfficeState, by: Visitor = NOBODY, kind: str = "shinsei", **answers: Any) -> str:
        """The number of an application at `state`; its browser is the one that submitted."""
        row_id = self.random(16).hex()
        key, wrapped = self.keys.new_data_key(row_id)
        sealed = key.seal(json.dumps({"answers": answers}).encode(), SEALED)
        number = new_number(self.random)
        row: dict[str, Any] = {"id": row_id, "receipt_number": number, "state": state.value, "procedure_type": kind}
        row |= {"resident_id": by.resident.id if by.resident else None, "slug": self.declaration.slug}
        self.make(t.application, **row, wrapped_key=wrapped, sealed_answers=sealed)
        session_id = by.session_id
        if session_id is not None:
            self.store.transact(lambda db: sessions.grant(db, session_id, row_id, True))
        return number

    def browser(self, facts: Facts | None = None) -> Visitor:
        def work(db: Writing) -> Visitor:
            token, session_id = sessions.open_session(db, now=self.clock(), random=self.random)
            if facts is not None:
                token = sessions.sign_in(db, self.keys, session_id, facts, now=self.clock(), random=self.random)
            return sessions.visitor(db, token, keys=self.keys, now=self.clock())

        return self.store.transact(work)

    def seen(self, number: str, by: Visitor) -> Application:
        found = self.store.read(lambda db: lookup.find(db, number, by))
        assert found is not None
        return found

    def shows_code(self, number: str, by: Visitor) -> Application:
        code = self.keys.access_code(self.id_of(number))
        found = self.store.transact(
            lambda db: lookup.by_code(db, self.keys, number, code, by, place="here", now=self.clock())
        )
        assert isinstance(found, Application)
        return found

    def withdraw(self, application: Application, by: Visitor, reason: Reason = Reason.MISTAKE) -> Application | Refused:
        return self.store.transact(lambda db: self._withdraw(db, application, by, reason))

    def _withdraw(self, db: Writing, application: Application, by: Visitor, reason: Reason) -> Application | Refused:
        return withdraw(
            db,
            self.keys,
            application,
            self.declaration,
            by,
            reason,
            base_url="https://city.example",
            now=self.clock(),
            random=self.random,
        )

    def id_of(self, number: str) -> str:
        found = self.store.read(
            lambda db: db.scalar(select(t.application.c.id).where(t.application.c.receipt_number == number))
        )
        return str(found)

    def state(self, number: str) -> str:
        return str(
            self.store.read(
                lambda db: db.scalar(select(t.application.c.state).where(t.application.c.receipt_number == number))
            )
        )

    def audit(self, action: str) -> list[Any]:
        found = self.store.read(lambda db: db.all(select(t.audit).where(t.audit.c.action == action)))
        return list(found)

    def owes(self, number: str) -> str:
        """The id of a debt raised for it."""
        line = QuoteItem("inu", "犬の登録", 3000, 1, 3000, "件")
        quote, application_id = Quote((line,), (), (), 3000, "submit", date(2026, 11, 20)), self.id_of(number)
        debt = self.store.transact(
            lambda db: raise_debt(db, application_id, quote, "submit", random=self.random, now=self.clock())
        )
        assert debt is not None
        return debt

    def notices(self) -> list[outbox.Notice]:
        claimed = self.store.transact(lambda db: outbox.claim_due(db, self.keys, now=self.clock()))
        return [each.notice for each in claimed]


@pytest.fixture
def office(store: Store, keys: Keys, make: Maker, clock: Clock, random: Random) -> Office:
    return Office(store, keys, make, clock, random)


def test_an_application_may_be_withdrawn_until_it_is_decided_upon() -> None:
    assert {state for state in OfficeState if withdrawable(state.value, "shinsei")} == BEFORE_A_DECISION


def test_a_notification_that_was_found_in_order_is_not_withdrawn_any_more() -> None:
    found = {state for state in OfficeState if withdrawable(state.value, ProcedureType.TODOKEDE.value)}
    assert found == BEFORE_A_DECISION - {OfficeState.ACCEPTED, OfficeState.REVIEWING}


@pytest.mark.parametrize("state", OfficeState)
def test_withdrawing_is_taken_where_the_table_allows_it_and_changes_nothing_elsewhere(
    office: Office, state: OfficeState
) -> None:
    owner = office.browser(TARO)
    number = office.filed(state, owner)
    outcome = office.withdraw(office.seen(number, owner), owner)
    if state in BEFORE_A_DECISION | {OfficeState.WITHDRAWN}:
        assert isinstance(outcome, Application)
        assert outcome.state is ResidentState.WITHDRAWN
        assert office.state(number) == "withdrawn"
    else:
        assert outcome is Refused.STATE
        assert office.state(number) == state.value
        assert not office.audit("application.withdraw")


def test_withdrawing_again_answers_the_same_and_is_noted_once(office: Office) -> None:
    owner = office.browser(MAIL)
    number = office.filed(OfficeState.SUBMITTED, owner)
    application = office.seen(number, owner)
    office.clock.advance(hours=1)
    first = office.withdraw(application, owner)
    office.clock.advance(hours=1)
    assert office.withdraw(application, owner) == first
    assert len(office.audit("application.withdraw")) == 1
    assert len(office.notices()) == 1


def test_the_reason_is_kept_as_a_word_of_a_list_and_who_it_was_as_an_id(office: Office) -> None:
    owner = office.browser(TARO)
    assert owner.resident is not None
    number = office.filed(OfficeState.SUBMITTED, owner)
    office.withdraw(office.seen(number, owner), owner, Reason.ANOTHER_WAY)
    (line,) = office.audit("application.withdraw")
    assert (line.target, line.actor) == (office.id_of(number), f"resident:{owner.resident.id}")
    assert json.loads(line.detail) == {"reason": "another_way"}


def test_the_debt_goes_with_it(office: Office) -> None:
    owner = office.browser(TARO)
    number = office.filed(OfficeState.PAYMENT_PENDING, owner)
    office.owes(number)
    outcome = office.withdraw(office.seen(number, owner), owner)
    assert isinstance(outcome, Application)
    assert outcome.payment is not None
    assert outcome.payment.state is PaymentState.CANCELLED
    assert not outcome.payment.payable


def test_money_that_came_stays_where_it_is(office: Office) -> None:
    owner = office.browser(TARO)
    number = office.filed(OfficeState.SUBMITTED, owner)
    debt = office.owes(number)
    office.store.transact(lambda db: db.execute(update(t.debt).where(t.debt.c.id == debt).values(state="paid")))
    outcome = office.withdraw(office.seen(number, owner), owner)
    assert isinstance(outcome, Application)
    assert outcome.payment is not None
    assert outcome.payment.state is PaymentState.PAID


def test_money_that_comes_after_a_withdrawal_does_not_bring_the_application_back(office: Office) -> None:
    owner = office.browser(TARO)
    number = office.filed(OfficeState.PAYMENT_PENDING, owner)
    office.withdraw(office.seen(number, owner), owner)
    application_id = office.id_of(number)
    office.store.transact(lambda db: paid(db, application_id, office.clock()))
    assert office.state(number) == "withdrawn"


def test_whoever_filed_is_told_by_mail_without_the_access_code(office: Office) -> None:
    owner = office.browser(MAIL)
    number = office.filed(OfficeState.SUBMITTED, owner)
    office.withdraw(office.seen(number, owner), owner)
    (notice,) = office.notices()
    assert (notice.kind, notice.to) == ("withdrawn", "kazuko@example.jp")
    assert notice.values["receipt_number"] == number
    assert office.keys.access_code(office.id_of(number)) not in notice.values.values()


def test_the_mail_goes_to_who_filed_not_to_who_withdraws(office: Office) -> None:
    number = office.filed(OfficeState.SUBMITTED, applicant={"email": "filed@example.jp"})
    reader = office.browser(MAIL)
    office.withdraw(office.shows_code(number, reader), reader)
    assert [notice.to for notice in office.notices()] == ["filed@example.jp"]


def test_its_owner_withdraws_from_whatever_browser_they_are_signed_in_at(office: Office) -> None:
    number = office.filed(OfficeState.REVIEWING, office.browser(TARO))
    elsewhere = office.browser(TARO)
    assert isinstance(office.withdraw(office.seen(number, elsewhere), elsewhere), Application)


def test_the_browser_that_submitted_withdraws(office: Office) -> None:
    here = office.browser()
    number = office.filed(OfficeState.SUBMITTED, here)
    assert isinstance(office.withdraw(office.seen(number, here), here), Application)


@pytest.mark.parametrize("facts", [None, MAIL], ids=["nobody", "another resident"])
def test_number_and_code_do_not_take_back_what_a_signed_in_resident_filed(office: Office, facts: Facts | None) -> None:
    """The receipt on paper holds both: whoever finds it may read how far the application is, and no more."""
    number = office.filed(OfficeState.SUBMITTED, office.browser(TARO))
    finder = office.browser(facts)
    found = office.shows_code(number, finder)
    assert not entitled(found, finder)
    assert office.withdraw(found, finder) is Refused.PERSON
    assert office.state(number) == "submitted"


def test_what_nobody_in_particular_filed_is_taken_back_by_number_and_code(office: Office) -> None:
    number = office.filed(OfficeState.SUBMITTED)
    assert isinstance(office.withdraw(office.shows_code(number, NOBODY), NOBODY), Application)


def test_showing_the_code_takes_nothing_from_the_browser_that_submitted(office: Office) -> None:
    here = office.browser(TARO)
    number = office.filed(OfficeState.SUBMITTED, here)
    assert office.shows_code(number, here).submitter


def test_a_decision_made_meanwhile_stands(office: Office) -> None:
    """The page was opened while it was under review; the decision came before the button was pressed."""
    owner = office.browser(TARO)
    number = office.filed(OfficeState.REVIEWING, owner)
    application = office.seen(number, owner)
    office.store.transact(
        lambda db: move(db, application.id, OfficeState.REVIEWING, OfficeState.APPROVED, "staff:1", now=office.clock())
    )
    assert office.withdraw(application, owner) is Refused.STATE
    assert office.state(number) == "approved"


def test_many_presses_at_once_and_the_payment_between_them_end_withdrawn_once(office: Office) -> None:
    owner = office.browser(TARO)
    number = office.filed(OfficeState.PAYMENT_PENDING, owner)
    office.owes(number)
    application = office.seen(number, owner)

    async def all_at_once() -> list[Any]:
        presses = [
            office.store.database.transact(lambda db: office._withdraw(db, application, owner, Reason.TWICE))
            for _ in range(6)
        ]
        money = office.store.database.transact(lambda db: paid(db, application.id, office.clock()))
        return await asyncio.gather(*presses[:3], money, *presses[3:])

    outcomes = [each for each in office.store.run(all_at_once()) if each is not None]
    assert [each.state for each in outcomes] == [ResidentState.WITHDRAWN] * 6
    assert office.state(number) == "withdrawn"
    assert len(office.audit("application.withdraw")) == 1
    moves = select(func.count()).where(
        t.application_event.c.application_id == application.id, t.application_event.c.state == "withdrawn"
    )
    assert office.store.read(lambda db: db.scalar(moves)) == 1
