"""The way to the provider and back, and what is left of it when either side falls over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from payments.port import Checkout, Event, Payment, ProviderUnavailable, Refusal
from payments.sandbox_gateway import Action, Delivery, SandboxGateway
from server.money.checkout import Ignored, hear, reconcile, start_checkout
from server.money.debts import cancel_debt
from server.money.settle import Duplicate, Outcome, Settled
from server.money.states import PaymentState, Standing
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import Counter, cashier, owing

BACK = "http://testserver/payments/d1"


class Faulty(SandboxGateway):
    """A provider that can be away, or whose answers can be lost after it did what was asked."""

    away = False
    answers_lost = False

    async def start(self, payment: Payment, return_url: str) -> Checkout:
        self._reached()
        checkout = await super().start(payment, return_url)
        if self.answers_lost:
            raise ProviderUnavailable
        return checkout

    async def read(self, reference: str) -> Event | None:
        self._reached()
        return await super().read(reference)

    def _reached(self) -> None:
        if self.away:
            raise ProviderUnavailable


class Payer:
    """Somebody with a browser, between the city and the provider."""

    def __init__(self, counter: Counter, gateway: Faulty) -> None:
        self.counter, self.gateway = counter, gateway
        self.desk = replace(counter.cashier, gateway=gateway)

    def go(self) -> Checkout | None:
        return self.counter.store.run(start_checkout(self.desk, self.counter.debt, BACK))

    def press(self, checkout: Checkout, action: Action) -> Delivery:
        delivery = self.counter.store.run(self.gateway.press(checkout.reference, action))
        assert delivery is not None
        return delivery

    def deliver(self, delivery: Delivery) -> Outcome | Ignored | Refusal:
        return self.counter.store.run(hear(self.desk, delivery.body, delivery.signature))

    def sent_to(self) -> Checkout:
        checkout = self.go()
        assert checkout is not None
        return checkout

    @property
    def state(self) -> PaymentState:
        return self.counter.debt.state


@pytest.fixture
def payer(store: Store, make: Maker, clock: Clock, random: Random) -> Payer:
    desk = cashier(store, clock, random)
    gateway = Faulty(store.settings.data_dir / "provider.sqlite3", ["whsec"], clock=clock, random=random)
    return Payer(owing(store, make, desk), gateway)


def test_coming_back_marks_nothing_and_the_providers_word_does(payer: Payer) -> None:
    checkout = payer.sent_to()
    assert payer.state is PaymentState.PENDING
    delivery = payer.press(checkout, Action.PAY)
    assert payer.state is PaymentState.PENDING
    assert isinstance(payer.deliver(delivery), Settled)
    assert payer.deliver(delivery) == Duplicate()
    assert (payer.state, payer.counter.times_paid) == (PaymentState.PAID, 1)


def test_what_was_paid_is_not_paid_again(payer: Payer) -> None:
    payer.deliver(payer.press(payer.sent_to(), Action.PAY))
    assert payer.go() is None
    assert len(payer.counter.payments) == 1


def test_two_tabs_pay_once(payer: Payer) -> None:
    async def both() -> list[Checkout | None]:
        tabs = (start_checkout(payer.desk, debt, BACK) for _ in range(8))
        return await asyncio.gather(*tabs)

    debt = payer.counter.debt
    assert len(set(payer.counter.store.run(both()))) == 1
    assert len(payer.counter.payments) == 1


def test_after_a_decline_one_can_pay(payer: Payer) -> None:
    first = payer.sent_to()
    payer.deliver(payer.press(first, Action.DECLINE))
    assert payer.state is PaymentState.FAILED
    again = payer.sent_to()
    payer.deliver(payer.press(again, Action.PAY))
    assert (payer.state, payer.counter.times_paid, len(payer.counter.payments)) == (PaymentState.PAID, 1, 1)


def test_what_is_promised_is_paid_later(payer: Payer, clock: Clock) -> None:
    checkout = payer.sent_to()
    payer.deliver(payer.press(checkout, Action.LATER))
    assert payer.counter.debt.pay_until == clock() + timedelta(days=3)
    clock.advance(days=2)
    payer.deliver(payer.press(checkout, Action.PAY))
    assert payer.state is PaymentState.PAID


def test_after_a_checkout_expired_there_is_a_new_one(payer: Payer, clock: Clock) -> None:
    first = payer.sent_to()
    clock.advance(days=2)
    second = payer.sent_to()
    assert second.reference != first.reference
    assert [row.state for row in payer.counter.payments] == [Standing.EXPIRED, Standing.STARTED]
    payer.deliver(payer.press(second, Action.PAY))
    assert payer.state is PaymentState.PAID


def test_a_fall_between_the_checkout_and_our_note_opens_no_second_checkout(payer: Payer) -> None:
    payer.gateway.answers_lost = True
    with pytest.raises(ProviderUnavailable):
        payer.go()
    assert [(row.state, row.provider_reference) for row in payer.counter.payments] == [(Standing.DUE, None)]
    payer.gateway.answers_lost = False
    assert payer.sent_to() == payer.sent_to()
    assert len(payer.counter.payments) == 1


def test_an_event_of_a_checkout_we_never_noted_counts(payer: Payer) -> None:
    payer.gateway.answers_lost = True
    with pytest.raises(ProviderUnavailable):
        payer.go()
    row = payer.counter.payments[0]
    payment = Payment(row.id, 710, "手数料", row.expires_at)
    checkout = payer.counter.store.run(SandboxGateway.start(payer.gateway, payment, BACK))
    payer.deliver(payer.press(checkout, Action.PAY))
    assert (payer.state, payer.counter.times_paid) == (PaymentState.PAID, 1)


def test_while_the_provider_is_away_the_fee_stays_due(payer: Payer) -> None:
    payer.gateway.away = True
    with pytest.raises(ProviderUnavailable):
        payer.go()
    assert (payer.state, payer.counter.debt.payable) == (PaymentState.DUE, True)
    payer.gateway.away = False
    assert payer.sent_to()


def test_whoever_goes_to_pay_again_after_a_lost_event_is_told_that_it_is_paid(payer: Payer) -> None:
    payer.press(payer.sent_to(), Action.PAY)
    assert payer.go() is None
    assert (payer.state, payer.counter.times_paid) == (PaymentState.PAID, 1)


def test_with_every_event_lost_the_books_are_right_after_one_look(payer: Payer) -> None:
    payer.press(payer.sent_to(), Action.PAY)
    assert payer.counter.store.run(reconcile(payer.desk)) == 1
    assert (payer.state, payer.counter.times_paid) == (PaymentState.PAID, 1)
    assert payer.counter.store.run(reconcile(payer.desk)) == 0


def test_the_late_event_after_our_own_look_is_a_duplicate(payer: Payer) -> None:
    late = payer.press(payer.sent_to(), Action.PAY)
    payer.counter.store.run(reconcile(payer.desk))
    assert payer.deliver(late) == Duplicate()


def test_a_withdrawn_debt_closes_its_checkout_at_the_provider(payer: Payer) -> None:
    checkout, counter = payer.sent_to(), payer.counter
    counter.store.transact(lambda db: cancel_debt(db, counter.application_id, actor="resident:r1"))
    assert payer.go() is None
    assert counter.store.run(reconcile(payer.desk)) == 1
    assert counter.store.run(payer.gateway.press(checkout.reference, Action.PAY)) is None
    assert payer.state is PaymentState.CANCELLED


def test_a_forged_delivery_changes_nothing(payer: Payer) -> None:
    delivery = payer.press(payer.sent_to(), Action.PAY)
    forged = Delivery(delivery.body, delivery.signature[:-1] + ("0" if delivery.signature[-1] != "0" else "1"))
    assert payer.deliver(forged) is Refusal.FORGED
    assert payer.state is PaymentState.PENDING
