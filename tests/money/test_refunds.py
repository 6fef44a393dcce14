"""Money that goes back: once, whatever the provider answers and whoever presses twice, and what cannot go back is
shown to a person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from payments.port import ProviderUnavailable
from server.money import refunds, till
from server.money.account import attempts
from server.money.checkout import start_checkout
from server.money.debts import payment_of
from server.money.matters import Kind, Matter, matters
from server.money.states import PaymentState
from server.money.till import Taken
from server.store import tables as t
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import FEE, cashier, note_returned, owing
from tests.money.family import FEES, Family, family
from tests.money.test_stripe_money import BACK, Payer, new_payer
from tests.payments.stripe_server import Fault

ASK = "POST /v1/refunds"
CITY = "市民課"


class Giver:
    """Whoever gives the money of one payer back."""

    def __init__(self, payer: Payer, reference: str) -> None:
        self.payer, self.reference = payer, reference
        self.store, self.desk, self.account = payer.counter.store, payer.desk, payer.bench.account

    @property
    def payment(self) -> str:
        debt = self.payer.counter.debt.id
        return self.store.read(lambda db: attempts(db, debt))[-1].id

    def decides(self, amount: int, name: str = "a") -> refunds.Refund | None:
        payment, now = self.payment, self.desk.clock()
        return self.store.transact(
            lambda db: refunds.decided(db, payment, amount, refund_id=name * 32, actor="staff:x", now=now)
        )

    def carries_out(self) -> int:
        return self.store.run(refunds.carry_out(self.desk, note_returned))

    @property
    def left(self) -> int:
        payment = self.payment
        found = self.store.read(lambda db: refunds.returnable(db, payment))
        assert found is not None
        return found.left

    @property
    def given(self) -> int:
        """What Stripe gave back in all."""
        return sum(each["amount"] for each in self.account.refunds.values())

    @property
    def told(self) -> list[str]:
        """What was set off by refunds that were made."""
        mine = t.application_event.c.state.startswith("returned")
        return [row.state for row in self.store.read(lambda db: db.all(select(t.application_event).where(mine)))]

    @property
    def matters(self) -> list[Matter]:
        return self.store.read(lambda db: matters(db, [CITY], now=self.desk.clock()))


@pytest.fixture
def giver(store: Store, make: Maker, clock: Clock, random: Random) -> Giver:
    return paid_up(store, make, clock, random)


def paid_up(store: Store, make: Maker, clock: Clock, random: Random) -> Giver:
    payer = new_payer(store, make, clock, random)
    store.transact(lambda db: db.execute(t.application.update().values(department=CITY)))
    reference = payer.sent_to()
    for each in payer.bench.account.act(reference, "pay"):
        payer.hears(each)
    assert payer.state is PaymentState.PAID
    return Giver(payer, reference)


def test_a_part_and_then_the_rest_go_back_and_the_debt_says_how_much(giver: Giver) -> None:
    assert giver.decides(300) is not None and giver.left == FEE - 300
    assert giver.payer.state is PaymentState.PAID, "decided is not given"
    assert giver.carries_out() == 1
    debt = giver.payer.counter.debt
    assert (debt.state, debt.returned) == (PaymentState.PARTLY_REFUNDED, 300)
    assert giver.decides(FEE - 299, "b") is None and giver.decides(FEE - 300, "c") is not None
    assert giver.carries_out() == 1 and giver.carries_out() == 0
    debt = giver.payer.counter.debt
    assert (debt.state, debt.returned, giver.left) == (PaymentState.REFUNDED, FEE, 0)
    assert giver.told == ["returned 300", f"returned {FEE - 300}"]


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.BEFORE, Fault.RESET, Fault.BROKEN, Fault.BUSY])
def test_whatever_the_provider_answers_the_money_goes_back_once(fault: Fault, giver: Giver) -> None:
    giver.decides(300)
    giver.account.fault(ASK, *[fault] * 3)
    giver.account.fault("GET /v1/refunds", *[Fault.BEFORE] * 3)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            giver.carries_out()
        assert giver.told == [] and giver.left == FEE - 300
    giver.account.faults.clear()
    giver.account.forget()  # a day later: Stripe knows its keys no more
    assert giver.carries_out() == 1 and giver.carries_out() == 0
    assert (giver.given, giver.told) == (300, ["returned 300"])


def test_the_providers_own_word_may_come_before_its_answer(giver: Giver) -> None:
    giver.decides(FEE)
    giver.account.fault(ASK, *[Fault.AFTER] * 3)
    with pytest.raises(ProviderUnavailable):
        giver.carries_out()
    for each in giver.account.post:
        giver.payer.hears(giver.account.again(each))
    assert giver.payer.state is PaymentState.REFUNDED
    giver.account.faults.clear()
    assert giver.carries_out() == 1
    assert (giver.given, giver.told) == (FEE, [f"returned {FEE}"])


def test_two_who_carry_out_at_once_give_back_once(giver: Giver) -> None:
    giver.decides(300)
    row = giver.store.read(lambda db: refunds.refund(db, "a" * 32))
    assert row is not None
    assert giver.carries_out() == 1
    made = giver.store.run(refunds._carry_out(giver.desk, row, note_returned))  # the other read it just before
    assert made and (giver.given, giver.told) == (300, ["returned 300"])


def test_what_the_provider_refuses_to_give_back_goes_to_a_person_and_can_be_asked_for_again(giver: Giver) -> None:
    (charge,) = giver.account.charges.values()
    charge["disputed"] = True
    giver.decides(300)
    assert giver.carries_out() == 0 and giver.told == []
    (found,) = giver.matters
    assert (found.kind, found.amount, giver.left) == (Kind.IMPOSSIBLE, 300, FEE)
    assert giver.payer.counter.lines("payment.refund_impossible") == 1
    charge["disputed"] = False
    assert giver.decides(300, "b") is not None and giver.carries_out() == 1


def test_what_was_given_back_on_the_providers_own_pages_is_not_given_again(giver: Giver) -> None:
    for each in giver.account.give_back(giver.reference, 500):
        giver.payer.hears(each)
    assert giver.decides(300) is not None, "of which part it was we are not told"
    assert giver.carries_out() == 0 and giver.given == 500
    assert [each.kind for each in giver.matters] == [Kind.IMPOSSIBLE]
    for each in giver.account.give_back(giver.reference, FEE - 500):
        giver.payer.hears(each)
    assert giver.left == 0 and giver.decides(1, "b") is None


def test_a_refund_that_gets_no_answer_keeps_no_other_waiting(giver: Giver, make: Maker) -> None:
    giver.decides(300, "a")
    counter = owing(giver.store, make, giver.desk)
    checkout = giver.store.run(start_checkout(giver.desk, counter.debt, BACK))
    assert checkout is not None
    for each in giver.account.act(checkout.reference, "pay"):
        giver.payer.hears(each)
    debt, now = counter.debt.id, giver.desk.clock()
    other = giver.store.read(lambda db: attempts(db, debt))[-1].id
    giver.store.transact(lambda db: refunds.decided(db, other, 200, refund_id="b" * 32, actor="staff:x", now=now))
    giver.account.fault(f"GET /v1/checkout/sessions/{giver.reference}", *[Fault.BEFORE] * 3)
    with pytest.raises(ProviderUnavailable):
        giver.carries_out()
    assert giver.told == ["returned 200"]
    giver.account.faults.clear()
    assert giver.carries_out() == 1 and giver.given == 500


def test_a_refund_that_the_provider_has_not_made_after_a_day_goes_to_a_person_until_it_is(
    giver: Giver, clock: Clock
) -> None:
    giver.decides(300)
    assert giver.matters == []
    clock.advance(hours=25)
    (found,) = giver.matters
    assert (found.kind, found.closable) == (Kind.WAITING, False)
    giver.carries_out()
    assert giver.matters == []


# --- at the till ------------------------------------------------------------------------------------------------------


@pytest.fixture
def home(store: Store, make: Maker, clock: Clock, random: Random) -> Family:
    return family(store, make, cashier(store, clock, random))


def of_till(home: Family, which: int = 0) -> str:
    return home.tries(home.ids[which])[-1].id


def decided(home: Family, amount: int, name: str = "a") -> Any:
    payment, now = of_till(home), home.desk.clock()
    return home.store.transact(
        lambda db: refunds.decided(db, payment, amount, refund_id=name * 32, actor="staff:x", now=now)
    )


def handed_over(home: Family, name: str = "a") -> bool:
    now = home.desk.clock()
    return home.store.transact(
        lambda db: refunds.handed_over(db, name * 32, actor="staff:y", returned=note_returned, now=now)
    )


def test_what_came_in_at_the_till_goes_back_when_somebody_hands_it_over_and_once(home: Family) -> None:
    home.pays()
    assert decided(home, 100).at_till
    assert home.debts[0].state is PaymentState.PAID
    (found,) = home.store.read(lambda db: matters(db, [CITY], now=home.desk.clock()))
    assert (found.kind, found.way, found.amount) == (Kind.WAITING, "cash", 100)
    assert home.store.run(refunds.carry_out(home.desk, note_returned)) == 0, "no provider has it"
    assert handed_over(home) and not handed_over(home) and not handed_over(home, "z")
    debt = home.debts[0]
    assert (debt.state, debt.returned) == (PaymentState.PARTLY_REFUNDED, 100)
    assert [each.state for each in home.debts[1:]] == [PaymentState.PAID] * 2
    assert home.lines("payment.refund_handed_over") == 1
    assert home.store.read(lambda db: matters(db, [CITY], now=home.desk.clock())) == []


def test_two_refunds_of_one_payment_at_the_till_add_up(home: Family) -> None:
    home.pays()
    assert decided(home, 100, "a") and decided(home, FEES[0] - 100, "b") and not decided(home, 1, "c")
    states = [home.debts[0].state for name in ("b", "a") if handed_over(home, name)]
    assert states == [PaymentState.PARTLY_REFUNDED, PaymentState.REFUNDED]


def test_a_record_of_which_money_is_about_to_go_back_is_no_mistake_any_more(home: Family) -> None:
    done = home.pays()
    assert isinstance(done, Taken)
    decided(home, 100)
    assert home.void(done.bundle_id) is None
    handed_over(home)
    assert home.void(done.bundle_id) is None


def test_of_a_record_that_was_taken_back_nothing_is_given_back(home: Family) -> None:
    done = home.pays()
    assert isinstance(done, Taken)
    payment = of_till(home)
    assert home.void(done.bundle_id) is not None
    assert home.store.read(lambda db: refunds.returnable(db, payment)) is None
    assert decided(home, 100) is None
    application = home.applications[0]
    assert home.store.read(lambda db: refunds.returnable_of(db, application)) == []
    debt = home.store.read(lambda db: payment_of(db, application))
    assert debt is not None and debt.payable and not debt.covered


def test_the_till_of_another_department_has_the_money_and_looks_after_it(home: Family) -> None:
    home.store.transact(lambda db: db.execute(t.application.update().values(department="税務課")))
    home.pays()
    payment = of_till(home)
    found = home.store.read(lambda db: refunds.returnable(db, payment))
    assert found is not None and (found.place, found.way) == (CITY, till.Kind.CASH)
