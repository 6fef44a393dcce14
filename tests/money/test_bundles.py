"""Several fees in one sum: all of it is paid or nothing of it, whoever else pays at the same moment."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from payments.port import EventKind
from payments.sandbox_gateway import Action, Delivery, SandboxGateway
from payments.signed import sign
from server.counter.till import Together
from server.money.checkout import hear, reconcile, start_checkout
from server.money.debts import cancel_debt
from server.money.settle import Mismatch, settle
from server.money.states import OPEN, RULES, PaymentState, Standing
from server.money.till import Changed, Kind, Short, Taken
from server.store import tables as t
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import cashier, note_paid, told
from tests.money.family import FEES, Family, family


@pytest.fixture
def home(store: Store, make: Maker, clock: Clock, random: Random) -> Family:
    return family(store, make, cashier(store, clock, random))


def standings(of: Family) -> list[Standing]:
    return [each.standing for each in of.debts]


def test_one_sum_pays_all_of_a_visit_and_each_application_is_told_once(home: Family) -> None:
    assert (home.owed.total, home.owed.standing) == (sum(FEES), Together.DUE)
    reference = home.go()
    assert reference is not None and home.go() == reference
    home.press(reference, Action.PAY)
    assert (home.owed.total, home.owed.standing) == (0, Together.PAID)
    assert [home.times_told(each) for each in range(3)] == [1, 1, 1]
    assert home.go() is None


def test_a_sum_that_expired_leaves_everything_owed_and_another_can_be_begun(home: Family) -> None:
    first = home.go()
    assert first is not None
    home.desk.clock.advance(hours=30)  # type: ignore[attr-defined]
    home.store.run(reconcile(home.desk))
    assert standings(home) == [Standing.EXPIRED] * 3 and home.owed.total == sum(FEES)
    second = home.go()
    assert second not in (None, first)
    assert standings(home) == [Standing.STARTED] * 3


def test_money_of_another_amount_pays_nothing_of_the_sum(home: Family) -> None:
    reference = home.go()
    (bundle,) = home.rows(t.payment_bundle)
    event = told(bundle.id, reference=reference, amount=sum(FEES) - 1)
    now = home.desk.clock()
    answer = home.store.transact(lambda db: settle(db, "sandbox", event, paid=note_paid, now=now))
    assert answer == Mismatch(bundle.id)
    assert standings(home) == [Standing.UNCLEAR] * 3 and home.owed.standing is Together.UNCLEAR
    assert [home.times_told(each) for each in range(3)] == [0, 0, 0]


def test_cash_pays_everything_at_once_and_the_change_is_reckoned(home: Family) -> None:
    done = home.pays(taken=2_000)
    assert isinstance(done, Taken) and done.change == 2_000 - sum(FEES) and done.number == "20261120-0001"
    assert standings(home) == [Standing.PAID] * 3
    assert home.pays(expected=sum(FEES)) == Changed(0)
    assert len(home.rows(t.till_receipt)) == 1


def test_too_little_or_an_impossible_sum_is_not_written_down(home: Family) -> None:
    assert home.pays(taken=sum(FEES) - 1) == Short()
    assert home.pays(taken=100_000_000) == Short()
    assert home.rows(t.till_receipt) == [] and standings(home) == [Standing.DUE] * 3
    done = home.pays(Kind.TERMINAL, taken=0)
    assert isinstance(done, Taken) and done.change == 0


def test_what_the_telephone_paid_is_not_taken_again_at_the_till(home: Family) -> None:
    reference = home.go()
    assert reference is not None
    home.press(reference, Action.PAY)
    assert home.pays(expected=sum(FEES)) == Changed(0)


def test_cash_stops_the_checkout_and_money_that_comes_all_the_same_is_told_apart(home: Family) -> None:
    reference = home.go()
    assert reference is not None
    gateway = home.desk.gateway
    assert isinstance(gateway, SandboxGateway)
    late = home.store.run(gateway.press(reference, Action.PAY))
    assert isinstance(home.pays(), Taken)
    home.hears(late)
    assert standings(home) == [Standing.PAID] * 3
    assert home.lines("payment.surplus") == 3
    assert [home.times_told(each) for each in range(3)] == [1, 1, 1]


def test_the_next_look_closes_a_checkout_whose_debts_were_paid_in_cash(home: Family) -> None:
    reference = home.go()
    assert reference is not None
    home.pays()
    home.store.run(reconcile(home.desk))
    gateway = home.desk.gateway
    assert isinstance(gateway, SandboxGateway)
    closed = home.store.run(gateway.till(reference))
    assert closed is not None and closed.state == EventKind.EXPIRED


def test_what_was_withdrawn_out_of_a_sum_is_not_paid_with_it(home: Family) -> None:
    first = home.go()
    gone = home.applications[0]
    home.store.transact(lambda db: cancel_debt(db, gone, actor="x"))
    home.store.run(reconcile(home.desk))
    assert [each.debt.amount for each in home.owed.lines] == list(FEES[1:])
    second = home.go(1, 2)
    assert second not in (None, first)
    home.press(str(second), Action.PAY)
    assert standings(home) == [Standing.CANCELLED, Standing.PAID, Standing.PAID]


def test_who_pays_one_fee_by_itself_leaves_the_sum_and_the_rest_can_be_paid_after(home: Family) -> None:
    together = home.go()
    single = home.store.run(start_checkout(home.desk, home.debts[0], "/payments/x"))
    assert single is not None and single.reference != together
    home.press(single.reference, Action.PAY)
    home.store.run(reconcile(home.desk))
    assert home.owed.total == sum(FEES[1:])
    assert home.go(1, 2) not in (None, together)


def test_a_slip_for_the_shop_is_found_again_and_not_taken_at_the_till(home: Family) -> None:
    reference = home.go()
    assert reference is not None
    home.press(reference, Action.LATER)
    assert (home.owed.total, home.owed.standing) == (0, Together.PENDING)
    assert home.pays(expected=sum(FEES)) == Changed(0)
    assert home.go() == reference
    home.press(reference, Action.PAY)
    assert home.owed.standing is Together.PAID


def test_a_record_that_is_taken_back_leaves_its_debts_owed_and_its_number_spent(home: Family) -> None:
    first = home.pays()
    assert isinstance(first, Taken)
    assert sorted(home.void(first.bundle_id)) == sorted(home.applications)
    assert home.void(first.bundle_id) is None
    assert standings(home) == [Standing.DUE] * 3 and all(each.paid_at is None for each in home.debts)
    second = home.pays()
    assert isinstance(second, Taken) and second.number == "20261120-0002"
    assert {each.state for each in home.debts} == {PaymentState.PAID}


class Payers(RuleBasedStateMachine):
    """A family with three fees: sums over some or all of them, single payments, the till, withdrawals, and a post that
    delivers anything at any time."""

    def __init__(self, home: Family, clock: Clock) -> None:
        super().__init__()
        self.home, self.clock, self.desk = home, clock, home.desk
        self.references: list[str] = []
        self.post: list[Delivery] = []
        self.voids = [0, 0, 0]
        self.receipts: list[str] = []

    @property
    def provider(self) -> SandboxGateway:
        assert isinstance(self.desk.gateway, SandboxGateway)
        return self.desk.gateway

    @rule(which=st.sets(st.integers(0, 2), min_size=1))
    def go_together(self, which: set[int]) -> None:
        reference = self.home.go(*sorted(which))
        if reference is not None and reference not in self.references:
            self.references.append(reference)

    @rule(which=st.integers(0, 2))
    def go_alone(self, which: int) -> None:
        checkout = self.home.store.run(start_checkout(self.desk, self.home.debts[which], "/payments/x"))
        if checkout is not None and checkout.reference not in self.references:
            self.references.append(checkout.reference)

    @precondition(lambda self: self.references)
    @rule(which=st.integers(0, 9), action=st.sampled_from(Action))
    def press(self, which: int, action: Action) -> None:
        delivery = self.home.store.run(self.provider.press(self.references[which % len(self.references)], action))
        self.post += [delivery] if delivery else []

    @rule()
    def pay_at_the_till(self) -> None:
        done = self.home.pays()
        self.receipts += [done.bundle_id] if isinstance(done, Taken) else []

    @precondition(lambda self: self.receipts)
    @rule(which=st.integers(0, 9))
    def take_a_record_back(self, which: int) -> None:
        for application in self.home.void(self.receipts[which % len(self.receipts)]) or ():
            self.voids[self.home.applications.index(application)] += 1

    @rule(which=st.integers(0, 2))
    def withdraw(self, which: int) -> None:
        application = self.home.applications[which]
        self.home.store.transact(lambda db: cancel_debt(db, application, actor="x"))

    @precondition(lambda self: self.post)
    @rule(which=st.integers(0, 99))
    def deliver(self, which: int) -> None:
        self.heard(self.post[which % len(self.post)].body)

    @rule()
    def look(self) -> None:
        self.home.store.run(reconcile(self.desk))

    @rule(hours=st.sampled_from([1, 25, 80]))
    def wait(self, hours: int) -> None:
        self.clock.advance(hours=hours)

    @invariant()
    def the_parts_of_a_sum_are_paid_together(self) -> None:
        bundles: dict[str, set[bool]] = {}
        for debt in self.home.ids:
            for each in self.home.tries(debt):
                if each.bundle_id:
                    bundles.setdefault(each.bundle_id, set()).add(RULES[each.standing].covers)
        assert all(len(covered) == 1 for covered in bundles.values())

    @invariant()
    def nobody_is_told_twice_and_at_most_one_payment_of_a_debt_is_open(self) -> None:
        for which, debt in enumerate(self.home.debts):
            told_of = self.home.times_told(which) - self.voids[which]
            assert told_of <= 1
            assert told_of == 0 or RULES[debt.standing].covers or self.voids[which]
            found = self.home.tries(debt.id)
            assert sum(each.standing in OPEN for each in found) <= 1
            assert all(each.amount == debt.amount for each in found)

    def teardown(self) -> None:
        """Once everything has arrived, a debt is covered exactly when the till or the provider has its money."""
        for delivery in reversed(self.post):
            self.heard(delivery.body)
        self.home.store.run(reconcile(self.desk))
        for debt in self.home.debts:
            found = self.home.tries(debt.id)
            covered = False
            for each in found:
                if each.provider == "till":
                    covered |= each.standing is Standing.PAID
                elif each.reference is not None:
                    seen = self.home.store.run(self.provider.till(each.reference))
                    assert seen is not None
                    assert (seen.state == EventKind.PAID) == RULES[each.standing].covers
                    covered |= seen.state == EventKind.PAID
            assert RULES[debt.standing].covers == covered

    def heard(self, body: bytes) -> object:
        return self.home.store.run(hear(self.desk, body, sign(body, "whsec", self.clock())))


def test_every_way_to_pay_at_once_ends_with_the_money_that_came(
    store: Store, make: Maker, clock: Clock, random: Random
) -> None:
    desk = cashier(store, clock, random)
    run_state_machine_as_test(
        lambda: Payers(family(store, make, desk), clock),  # type: ignore[arg-type]  # any maker of machines will do
        settings=settings(max_examples=15, stateful_step_count=20, deadline=None),
    )
