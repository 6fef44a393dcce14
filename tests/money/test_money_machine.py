"""Whatever payer, provider, network and clock do: our books say what the provider's say, and never more."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from payments.port import EventKind
from payments.sandbox_gateway import Action, Delivery, SandboxGateway
from payments.signed import sign
from server.money.checkout import hear, reconcile, start_checkout
from server.money.settle import Duplicate, Settled
from server.money.states import OPEN, RULES, PaymentState
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import Counter, owing
from tests.money.cases import cashier as new_cashier

MONEY = {EventKind.PAID, EventKind.REFUNDED}


class Money(RuleBasedStateMachine):
    """One debt. `post` holds every webhook that was ever sent; any of them may arrive at any time, or again."""

    def __init__(self, counter: Counter, clock: Clock) -> None:
        super().__init__()
        self.counter, self.clock = counter, clock
        self.desk = counter.cashier
        self.references: list[str] = []
        self.post: list[Delivery] = []

    @property
    def provider(self) -> SandboxGateway:
        assert isinstance(self.desk.gateway, SandboxGateway)
        return self.desk.gateway

    @rule()
    def go_to_pay(self) -> None:
        checkout = self.counter.store.run(start_checkout(self.desk, self.counter.debt, "/payments/d1"))
        if checkout is not None and checkout.reference not in self.references:
            self.references.append(checkout.reference)

    @precondition(lambda self: self.references)
    @rule(which=st.integers(0, 9), action=st.sampled_from(Action))
    def press(self, which: int, action: Action) -> None:
        reference = self.references[which % len(self.references)]
        delivery = self.counter.store.run(self.provider.press(reference, action))
        self.post += [delivery] if delivery else []

    @precondition(lambda self: self.references)
    @rule(which=st.integers(0, 9), amount=st.sampled_from([300, 410, 710]))
    def give_back(self, which: int, amount: int) -> None:
        reference = self.references[which % len(self.references)]
        key = f"{reference}-{len(self.post)}"
        if self.counter.store.run(self.provider.refund(reference, amount, reason="誤り", key=key)):
            delivery = self.counter.store.run(self.provider.tell(reference))
            self.post += [delivery] if delivery else []

    @precondition(lambda self: self.post)
    @rule(which=st.integers(0, 99))
    def deliver(self, which: int) -> None:
        body = self.post[which % len(self.post)].body
        assert isinstance(self.heard(body), Settled | Duplicate)

    @rule()
    def look(self) -> None:
        self.counter.store.run(reconcile(self.desk))

    @rule(hours=st.sampled_from([1, 25, 80]))
    def wait(self, hours: int) -> None:
        self.clock.advance(hours=hours)

    @invariant()
    def the_books_never_say_more_than_the_provider(self) -> None:
        covered = RULES[self.counter.debt.standing].covers
        assert self.counter.times_paid == int(covered)
        assert not covered or MONEY & set(self.said())

    @invariant()
    def at_most_one_payment_is_open(self) -> None:
        mine = [row for row in self.counter.payments if row.debt_id == self.counter.debt.id]
        assert sum(row.state in OPEN for row in mine) <= 1

    def teardown(self) -> None:
        """Once everything has arrived, both books are the same."""
        for delivery in reversed(self.post):
            self.heard(delivery.body)
        self.counter.store.run(reconcile(self.desk))
        said = self.said()
        paid = EventKind.PAID in said or EventKind.REFUNDED in said
        assert RULES[self.counter.debt.standing].covers == paid
        if EventKind.PAID in said:
            assert self.counter.debt.state is PaymentState.PAID
        assert self.counter.times_paid == int(paid)

    def heard(self, body: bytes) -> object:
        """A provider signs anew each time it tries again."""
        return self.counter.store.run(hear(self.desk, body, sign(body, "whsec", self.clock())))

    def said(self) -> list[str]:
        """How the checkouts stand at the provider."""
        tills = [self.counter.store.run(self.provider.till(each)) for each in self.references]
        return [till.state for till in tills if till]


def test_our_books_end_as_the_providers_do(store: Store, make: Maker, clock: Clock, random: Random) -> None:
    desk = new_cashier(store, clock, random)
    run_state_machine_as_test(
        lambda: Money(owing(store, make, desk), clock),  # type: ignore[arg-type]  # any maker of machines will do
        settings=settings(max_examples=20, stateful_step_count=20, deadline=None),
    )
