"""The provider's word in our books: once, in any order, and never for the wrong money."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from payments.port import Checkout, Event, EventKind
from server.money.checkout import note_checkout
from server.money.debts import cancel_debt
from server.money.settle import Duplicate, Mismatch, Settled, Unknown, settle
from server.money.states import PaymentState, Standing
from server.store import tables as t
from server.store.database import Writing
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import NOON, Counter, cashier, note_paid, owing, told


@pytest.fixture
def counter(store: Store, make: Maker, clock: Clock, random: Random) -> Counter:
    return owing(store, make, cashier(store, clock, random))


class Undone(Exception):
    """Takes back a transaction once it was looked at."""


def test_the_providers_word_marks_the_fee_as_paid(counter: Counter) -> None:
    payment = counter.open()
    assert counter.settle(told(payment)) == [Settled(payment, Standing.PAID)]
    assert (counter.debt.state, counter.debt.payable, counter.debt.paid_at) == (PaymentState.PAID, False, NOON)
    assert counter.times_paid == counter.lines("payment.paid") == 1


def test_the_same_event_counts_once(counter: Counter) -> None:
    payment = counter.open()
    assert counter.settle(told(payment), told(payment)) == [Settled(payment, Standing.PAID), Duplicate()]
    assert counter.times_paid == counter.lines("payment.paid") == 1


def test_the_same_word_in_another_event_has_no_further_effect(counter: Counter) -> None:
    payment = counter.open()
    later = told(payment, id="another", at=NOON + timedelta(days=1))
    assert counter.settle(told(payment), later) == [Settled(payment, Standing.PAID)] * 2
    assert counter.debt.paid_at == NOON
    assert counter.times_paid == counter.lines("payment.paid") == 1
    assert counter.lines("payment.surplus") == 0


WRONG = [
    {"amount": 709},
    {"amount": 711},
    {"amount": 0},
    {"amount": 71_000},
    {"amount": 2**53},
    {"currency": "USD"},
    {"kind": EventKind.REFUNDED, "refunded": 711},
    {"kind": EventKind.REFUNDED, "amount": 71, "refunded": 71},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_money_we_did_not_ask_for_goes_to_a_person(counter: Counter, wrong: dict[str, object]) -> None:
    payment = counter.open()
    assert counter.settle(told(payment, **wrong)) == [Mismatch(payment)]  # type: ignore[arg-type]  # a table of fields
    assert (counter.debt.state, counter.debt.standing) == (PaymentState.PENDING, Standing.UNCLEAR)
    assert not counter.debt.payable
    assert (counter.times_paid, counter.lines("payment.mismatch")) == (0, 1)


def test_wrong_money_beside_the_right_money_is_told_to_a_person_whichever_comes_first(
    store: Store, make: Maker, clock: Clock, random: Random
) -> None:
    desk = cashier(store, clock, random)
    for turn, order in enumerate(permutations([710, 7100])):
        counter = owing(store, make, desk)
        payment = counter.open()
        counter.settle(*(told(payment, id=f"{turn}-{each}", reference=f"r{turn}", amount=each) for each in order))
        assert counter.debt.state is PaymentState.PAID
        assert (counter.times_paid, counter.lines("payment.mismatch")) == (1, turn + 1)


def test_a_payment_that_is_not_ours_is_noted_and_changes_nothing(counter: Counter) -> None:
    counter.open()
    assert counter.settle(told("somebody-elses"), told("somebody-elses")) == [Unknown(), Duplicate()]
    assert counter.debt.state is PaymentState.DUE
    assert counter.lines("payment.unknown") == 1


def test_one_provider_cannot_speak_for_another(counter: Counter) -> None:
    payment, now = counter.open(), counter.cashier.clock()
    other = counter.store.transact(lambda db: settle(db, "another", told(payment), paid=note_paid, now=now))
    assert other == Unknown()
    assert (counter.debt.state, counter.times_paid) == (PaymentState.DUE, 0)


def test_a_second_checkout_of_one_payment_is_money_too_many(counter: Counter) -> None:
    payment = counter.open()
    assert counter.settle(
        told(payment, EventKind.EXPIRED, reference="r2"),
        told(payment, reference="r1"),
        told(payment, EventKind.DECLINED, reference="r3"),
        told(payment, reference="r2"),
    ) == [
        Settled(payment, Standing.EXPIRED),
        Settled(payment, Standing.PAID),
        Settled(payment, Standing.PAID),
        Mismatch(payment),
    ]
    assert counter.debt.state is PaymentState.PAID
    assert (counter.times_paid, counter.lines("payment.mismatch")) == (1, 1)


def test_two_payments_of_one_debt_count_once_and_the_second_is_told_to_a_person(counter: Counter) -> None:
    first = counter.open()
    counter.settle(told(first, EventKind.EXPIRED))
    second = counter.open()
    assert second != first
    counter.settle(told(second, reference="r2"), told(first))
    assert (counter.debt.state, counter.times_paid, counter.lines("payment.surplus")) == (PaymentState.PAID, 1, 1)
    counter.settle(told(first, EventKind.REFUNDED, refunded=710))
    assert counter.debt.state is PaymentState.PAID


def test_who_was_declined_can_pay_with_the_same_payment(counter: Counter) -> None:
    payment = counter.open()
    counter.settle(told(payment, EventKind.DECLINED))
    assert (counter.debt.state, counter.debt.payable) == (PaymentState.FAILED, True)
    assert counter.open() == payment
    counter.settle(told(payment))
    assert (counter.debt.state, counter.times_paid) == (PaymentState.PAID, 1)


def test_a_promise_says_until_when_it_can_be_kept(counter: Counter) -> None:
    payment, until = counter.open(), NOON + timedelta(days=3)
    counter.settle(told(payment, EventKind.PROMISED, pay_until=until))
    assert (counter.debt.state, counter.debt.pay_until) == (PaymentState.PENDING, until)
    counter.settle(told(payment))
    assert (counter.debt.state, counter.debt.pay_until) == (PaymentState.PAID, None)


def test_money_for_what_was_withdrawn_is_money_all_the_same_and_goes_to_a_person(counter: Counter) -> None:
    payment = counter.open()
    counter.store.transact(lambda db: cancel_debt(db, counter.application_id, actor="resident:r1"))
    counter.settle(told(payment))
    counter.store.transact(lambda db: cancel_debt(db, counter.application_id, actor="resident:r1"))
    assert (counter.debt.state, counter.times_paid) == (PaymentState.PAID, 0)
    assert counter.lines("payment.surplus") == 1


def test_work_that_fails_after_the_event_leaves_the_event_to_be_told_again(counter: Counter) -> None:
    payment, now = counter.open(), counter.cashier.clock()

    def failing(db: Writing, application_id: str, at: datetime) -> None:
        raise Undone

    with pytest.raises(Undone):
        counter.store.transact(lambda db: settle(db, "sandbox", told(payment), paid=failing, now=now))
    assert counter.debt.state is PaymentState.DUE
    assert counter.settle(told(payment)) == [Settled(payment, Standing.PAID)]


SAYS: list[dict[str, object]] = [
    {"kind": EventKind.DECLINED},
    {"kind": EventKind.PROMISED, "pay_until": NOON + timedelta(days=3)},
    {"kind": EventKind.EXPIRED},
    {"kind": EventKind.PAID},
    {"kind": EventKind.PAID, "amount": 7100},
    {"kind": EventKind.PAID, "reference": "r2"},
    {"kind": EventKind.REFUNDED, "refunded": 300},
    {"kind": EventKind.REFUNDED, "refunded": 710},
]
SECOND_CHECKOUT = 5


@st.composite
def two_orders(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Up to six events; the same ones twice over, told in two orders and some of them several times."""
    chosen = draw(st.lists(st.sampled_from(range(len(SAYS))), min_size=1, max_size=6, unique=True))
    again = st.lists(st.sampled_from(chosen), max_size=4)
    return draw(st.permutations(chosen + draw(again))), draw(st.permutations(chosen + draw(again)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=two_orders())
def test_events_in_any_order_and_number_end_the_same(counter: Counter, orders: tuple[list[int], list[int]]) -> None:
    payment = counter.payments[0].id if counter.payments else counter.open()
    assert books_after(counter, payment, orders[0]) == books_after(counter, payment, orders[1])


def books_after(counter: Counter, payment: str, order: list[int]) -> tuple[object, ...]:
    """What the books say after these events; then nothing of it was ever written.

    Where two checkouts speak of one payment, ours was noted before: of two unknown ones the first to bring money would
    be taken for it, which only a person can judge.
    """
    now, seen = counter.cashier.clock(), []

    def work(db: Writing) -> None:
        if SECOND_CHECKOUT in order:
            note_checkout(db, "sandbox", payment, Checkout("/pay", "r1", now))
        for each in order:
            settle(db, "sandbox", told(payment, **SAYS[each]), paid=note_paid, now=now)  # type: ignore[arg-type]
        row = db.one(select(t.payment.c.state, t.payment.c.settled_at, t.debt.c.state.label("debt")).join(t.debt))
        seen.append((*(row or ()), db.scalar(select(func.count()).select_from(t.application_event))))
        raise Undone

    with pytest.raises(Undone):
        counter.store.transact(work)
    return seen[0]


def test_fifty_deliveries_at_once_have_one_effect(counter: Counter) -> None:
    payment, desk = counter.open(), counter.cashier

    async def deliver(event: Event) -> object:
        now = desk.clock()
        return await desk.database.transact(lambda db: settle(db, "sandbox", event, paid=note_paid, now=now))

    async def all_at_once(events: list[Event]) -> list[object]:
        return await asyncio.gather(*(deliver(each) for each in events))

    same = counter.store.run(all_at_once([told(payment)] * 50))
    assert sorted(type(one).__name__ for one in same) == ["Duplicate"] * 49 + ["Settled"]
    others = counter.store.run(all_at_once([told(payment, id=f"e{each}") for each in range(50)]))
    assert others == [Settled(payment, Standing.PAID)] * 50
    assert counter.times_paid == counter.lines("payment.paid") == 1
