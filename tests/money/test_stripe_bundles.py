"""Several fees in one checkout at Stripe: one session, and each of its words for all of them or for none."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from payments.port import ProviderUnavailable
from server.money import refunds
from server.money.account import attempts
from server.money.checkout import Cashier, hear, reconcile
from server.money.states import PaymentState, Standing
from server.store import tables as t
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import note_paid, note_returned
from tests.money.family import FEES, Family, family
from tests.payments.benches import StripeBench
from tests.payments.stripe_server import Fault, Sent


class Payers:
    """A family between the city and Stripe."""

    def __init__(self, home: Family, bench: StripeBench) -> None:
        self.home, self.bench = home, bench

    def hears(self, sent: Sent) -> Any:
        return self.home.store.run(hear(self.home.desk, sent.body, sent.signature))

    def states(self) -> list[PaymentState]:
        return [each.state for each in self.home.debts]

    def payment(self, which: int) -> str:
        debt = self.home.ids[which]
        return self.home.store.read(lambda db: attempts(db, debt))[-1].id

    def decides(self, which: int, amount: int, name: str) -> bool:
        """Two people decided that so much of a fee goes back."""
        payment, now = self.payment(which), self.home.desk.clock()
        found = self.home.store.transact(
            lambda db: refunds.decided(db, payment, amount, refund_id=name * 32, actor="staff:x", now=now)
        )
        return found is not None

    def carried_out(self) -> int:
        return self.home.store.run(refunds.carry_out(self.home.desk, note_returned))


@pytest.fixture
def payers(store: Store, make: Maker, clock: Clock, random: Random) -> Payers:
    bench = StripeBench()
    bench.clock = bench.account.clock = clock
    return Payers(family(store, make, Cashier(store.database, bench.adapter(), note_paid, clock, random)), bench)


def test_one_session_over_the_sum_pays_all_in_whatever_order_its_events_come(payers: Payers) -> None:
    reference = payers.home.go()
    assert reference is not None
    account = payers.bench.account
    assert account.sessions[reference]["amount_total"] == sum(FEES) and len(account.sessions) == 1
    sent = [each for act in ("decline", "later", "pay") for each in account.act(reference, act)]
    for order in list(permutations(sent))[:: max(1, len(sent) * 5)]:
        for each in order:
            payers.hears(account.again(each))
    assert payers.states() == [PaymentState.PAID] * 3
    assert [payers.home.times_told(each) for each in range(3)] == [1, 1, 1]


def test_with_every_event_lost_our_own_question_pays_all(payers: Payers) -> None:
    reference = payers.home.go()
    assert reference is not None
    payers.bench.account.act(reference, "pay")
    payers.home.store.run(reconcile(payers.home.desk))
    assert payers.states() == [PaymentState.PAID] * 3


def test_a_checkout_that_could_not_be_opened_is_opened_once(payers: Payers) -> None:
    account = payers.bench.account
    account.fault("POST /v1/checkout/sessions", *[Fault.AFTER] * 20)
    account.fault("GET /v1/checkout/sessions", *[Fault.BEFORE] * 20)
    with pytest.raises(ProviderUnavailable):
        payers.home.go()
    account.faults.clear()
    assert payers.home.owed.total == sum(FEES)
    assert payers.home.go() is not None and len(payers.home.rows(t.payment_bundle)) == 1
    assert len([each for each in account.sessions.values() if each["status"] == "open"]) == 1


def test_one_of_three_fees_is_given_back_and_the_others_stay_paid(payers: Payers) -> None:
    reference = payers.home.go()
    assert reference is not None
    for each in payers.bench.account.act(reference, "pay"):
        payers.hears(each)
    assert not payers.decides(1, FEES[1] + 1, "a")
    assert payers.decides(1, FEES[1], "a") and not payers.decides(1, 1, "b")
    assert (payers.carried_out(), payers.carried_out()) == (1, 0)
    assert payers.states() == [PaymentState.PAID, PaymentState.REFUNDED, PaymentState.PAID]
    assert payers.decides(2, 100, "c") and payers.carried_out() == 1
    assert payers.states() == [PaymentState.PAID, PaymentState.REFUNDED, PaymentState.PARTLY_REFUNDED]
    for each in payers.bench.account.post:
        payers.hears(payers.bench.account.again(each))
    assert payers.states() == [PaymentState.PAID, PaymentState.REFUNDED, PaymentState.PARTLY_REFUNDED]
    assert payers.home.lines("payment.refund_unassigned") == 0


def test_what_was_given_back_on_stripes_own_pages_is_of_no_fee_until_a_person_says(payers: Payers) -> None:
    reference = payers.home.go()
    assert reference is not None
    account = payers.bench.account
    for each in [*account.act(reference, "pay"), *account.give_back(reference, 50)]:
        payers.hears(each)
    assert payers.states() == [PaymentState.PAID] * 3
    assert payers.home.lines("payment.refund_unassigned") == 1
    for each in account.give_back(reference, sum(FEES) - 50):
        payers.hears(each)
    assert [each.standing for each in payers.home.debts] == [Standing.REFUNDED] * 3


def test_cash_closes_the_session_at_stripe(payers: Payers) -> None:
    reference = payers.home.go()
    assert reference is not None
    payers.home.pays()
    payers.home.store.run(reconcile(payers.home.desk))
    assert payers.bench.account.sessions[reference]["status"] == "expired"
