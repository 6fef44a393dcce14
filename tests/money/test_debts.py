"""What is owed: when a debt is raised, and who may see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from procedures.declaration import Assurance
from procedures.fees import QuoteItem
from server.money.debts import Debt, Item, cancel_debt, debt_for, payment_of, raise_debt
from server.money.states import PaymentState, Standing
from server.people.facts import Facts
from server.people.residents import Resident
from server.people.sessions import NOBODY, Visitor, grant
from server.store import tables as t
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import Counter, cashier, fee, owing

LATER = datetime(2026, 12, 4, 14, 59, 59, tzinfo=UTC)


@pytest.fixture
def counter(store: Store, make: Maker, clock: Clock, random: Random) -> Counter:
    return owing(store, make, cashier(store, clock, random))


def signed_in(session_id: str, resident_id: str) -> Visitor:
    facts = Facts("sandbox", resident_id, Assurance.JPKI_SIGNATURE)
    return Visitor(session_id, Resident(resident_id, facts), Assurance.JPKI_SIGNATURE)


def raised(counter: Counter, total: int, timing: str) -> str | None:
    return counter.store.transact(
        lambda db: raise_debt(
            db,
            counter.application_id,
            fee(total, timing),
            timing,
            due_at=LATER,
            random=counter.cashier.random,
            now=counter.cashier.clock(),
        )
    )


def test_a_fee_due_with_the_submission_is_owed_at_once(counter: Counter) -> None:
    debt = counter.debt
    assert (debt.amount, debt.state, debt.payable, debt.paid_at) == (710, PaymentState.DUE, True, None)
    assert debt.items == (Item("住民票の写し", 1, "通", 710),)


@pytest.mark.parametrize(
    ("total", "timing"), [(0, "submit"), (710, "review"), (710, "counter"), (710, "pickup"), (0, "")]
)
def test_what_is_free_or_due_later_is_no_debt(
    store: Store, make: Maker, random: Random, clock: Clock, total: int, timing: str
) -> None:
    application = make(t.application)["id"]
    quote = fee(total, timing)
    assert (
        store.transact(lambda db: raise_debt(db, application, quote, timing, due_at=LATER, random=random, now=clock()))
        is None
    )
    assert store.read(lambda db: payment_of(db, application)) is None


def test_the_fee_stays_what_it_was_on_the_day_of_submission(counter: Counter) -> None:
    first = counter.debt
    assert raised(counter, 900, "submit") == first.id
    assert counter.debt.amount == 710


def test_a_waiver_is_taken_off_its_line(store: Store, make: Maker, random: Random, clock: Clock) -> None:
    application = make(t.application)["id"]
    waived = QuoteItem("juminhyo", "住民票の写し", 300, 2, 600, "通", waived=600)
    post = QuoteItem("post", "郵送料", 110, 1, 110, "")
    quote = replace(fee(110), items=(waived, post))
    store.transact(lambda db: raise_debt(db, application, quote, "submit", due_at=LATER, random=random, now=clock()))
    debt = store.read(lambda db: payment_of(db, application))
    assert debt is not None
    assert sum(item.amount for item in debt.items) == debt.amount == 110


def test_the_owner_and_a_granted_browser_see_a_debt_and_nobody_else(
    store: Store, make: Maker, clock: Clock, random: Random
) -> None:
    owner, other = make(t.resident)["id"], make(t.resident)["id"]
    counter = owing(store, make, cashier(store, clock, random), resident_id=owner)
    granted, foreign = make(t.session)["id"], make(t.session)["id"]
    store.transact(lambda db: grant(db, granted, counter.application_id, True))
    debt = counter.debt

    def seen(visitor: Visitor) -> Debt | None:
        return store.read(lambda db: debt_for(db, debt.id, visitor))

    assert seen(signed_in(foreign, owner)) == debt
    assert seen(Visitor(granted, None, Assurance.NONE)) == debt
    assert seen(signed_in(foreign, other)) is None
    assert seen(Visitor(foreign, None, Assurance.NONE)) is None
    assert seen(NOBODY) is None
    assert store.read(lambda db: debt_for(db, "nothing", signed_in(granted, owner))) is None


def test_an_application_without_an_owner_is_not_everybodys(
    store: Store, make: Maker, clock: Clock, random: Random
) -> None:
    counter = owing(store, make, cashier(store, clock, random), resident_id=None)
    debt_id = counter.debt.id
    assert store.read(lambda db: debt_for(db, debt_id, NOBODY)) is None


def test_nothing_is_owed_for_what_was_withdrawn(counter: Counter) -> None:
    counter.open()
    counter.store.transact(lambda db: cancel_debt(db, counter.application_id, actor="resident:r1"))
    assert counter.debt.state is PaymentState.CANCELLED
    assert not counter.debt.payable
    assert [row.state for row in counter.payments] == [Standing.CANCELLED]
    assert counter.lines("payment.cancelled") == 1


def test_withdrawing_what_was_never_owed_does_nothing(store: Store, make: Maker) -> None:
    application = make(t.application)["id"]
    store.transact(lambda db: cancel_debt(db, application, actor="resident:r1"))
    assert store.read(lambda db: db.scalar(select(func.count()).select_from(t.audit))) == 0
