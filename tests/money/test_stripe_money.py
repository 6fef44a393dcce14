"""Our books and Stripe's: in every order of its real events, with none of them, and with a fall at every point."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from random import Random as Dice
from typing import Any, TypeVar

import pytest
from sqlalchemy import func, select

from payments.port import Checkout, Event, ProviderUnavailable, Refusal
from payments.sandbox_gateway import Delivery
from server.money.checkout import Cashier, Ignored, hear, reconcile, start_checkout
from server.money.settle import Duplicate, Mismatch, Outcome, Settled, settle
from server.money.states import RULES, PaymentState, Standing
from server.settings import Settings
from server.store import tables as t
from server.store.database import Database, Writing
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import Counter, note_paid, owing
from tests.payments.benches import StripeBench, understood
from tests.payments.stripe_server import Fault, Sent, signed

T = TypeVar("T")
BACK = "https://city.example.jp/payments/d1"
CREATE, LOOK = "POST /v1/checkout/sessions", "GET /v1/checkout/sessions/"


class Killed(Exception):
    """The process ends here: the transaction that is open is rolled back."""


class Falling:
    """A database whose process falls over in its `nth` transaction from now, before the commit."""

    def __init__(self, database: Database, nth: int) -> None:
        self._database, self._left = database, nth
        self.read = database.read

    async def transact(self, work: Callable[[Writing], T]) -> T:
        self._left -= 1

        def falling(db: Writing) -> T:
            done = work(db)
            if self._left == 0:
                raise Killed
            return done

        return await self._database.transact(falling)


class Payer:
    """Somebody with a browser, between the city and Stripe."""

    def __init__(self, counter: Counter, bench: StripeBench) -> None:
        self.counter, self.bench = counter, bench
        self.desk = counter.cashier

    def go(self, desk: Cashier | None = None) -> Checkout | None:
        return self.counter.store.run(start_checkout(desk or self.desk, self.counter.debt, BACK))

    def sent_to(self) -> str:
        checkout = self.go()
        assert checkout is not None
        return checkout.reference

    def hears(self, sent: Sent, desk: Cashier | None = None) -> Outcome | Ignored | Refusal:
        return self.counter.store.run(hear(desk or self.desk, sent.body, sent.signature))

    def look(self, desk: Cashier | None = None) -> int:
        return self.counter.store.run(reconcile(desk or self.desk))

    def falling(self, nth: int) -> Cashier:
        return replace(self.desk, database=Falling(self.desk.database, nth))  # type: ignore[arg-type]  # as far as used

    @property
    def state(self) -> PaymentState:
        return self.counter.debt.state


@pytest.fixture
def payer(store: Store, make: Maker, clock: Clock, random: Random) -> Payer:
    return new_payer(store, make, clock, random)


def new_payer(store: Store, make: Maker, clock: Clock, random: Random) -> Payer:
    bench = StripeBench()
    bench.clock = bench.account.clock = clock  # one time for both sides
    desk = Cashier(store.database, bench.adapter(), note_paid, clock, random)
    return Payer(owing(store, make, desk), bench)


# --- every order


class TestEveryOrder:
    @pytest.fixture
    def store_settings(self, settings: Settings) -> Settings:
        """On SQLite alone, for there are many orders; some of them are tried on both in `test_settling.py`."""
        return settings

    @pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
    def test_every_order_of_six_real_events_ends_alike(self, payer: Payer, late: bool) -> None:
        """A card that was refused, a shop, the money, and two refunds: each event as it was understood when it was
        sent, or as it is understood when it comes late and we must ask. The first comes again at
        the end."""
        reference = payer.sent_to()
        prompt: list[Event] = []
        chosen: list[Sent] = []
        for act in ("decline", "later", "pay", 300, 410):
            made = payer.bench.account
            sent = made.act(reference, act) if isinstance(act, str) else made.give_back(reference, act)
            told = [each for each in sent if each.type not in ("payment_intent.requires_action", "refund.created")]
            chosen += (concern := [each for each in told if understands(payer, each)])
            prompt += filter(None, (understands(payer, each) for each in concern))
        chosen.append(payer.bench.account.post[-1])
        prompt += filter(None, [understands(payer, chosen[-1])])
        words = [event for event in (understands(payer, each) for each in chosen) if event] if late else prompt
        assert len(words) == 6, [each.type for each in chosen]
        ends = {ending(payer.counter, order) for order in permutations(words)}
        assert ends == {(Standing.REFUNDED.value, Standing.REFUNDED.value, 1)}


def understands(payer: Payer, sent: Sent) -> Event | None:
    again = payer.bench.account.again(sent)
    told = understood(payer.desk.gateway, Delivery(again.body, again.signature), payer.bench.clock())
    event = payer.counter.store.run(told)
    assert not isinstance(event, Refusal)
    return event


def ending(counter: Counter, order: Sequence[Event]) -> tuple[Any, ...]:
    """Payment, debt, and how often the application was told; then nothing of it was ever written."""
    now, seen = counter.cashier.clock(), []

    def work(db: Writing) -> None:
        for event in (*order, order[0]):
            settle(db, "stripe", event, paid=note_paid, now=now)
        row = db.one(select(t.payment.c.state, t.debt.c.state.label("debt")).join(t.debt))
        seen.append((*(row or ()), db.scalar(select(func.count()).select_from(t.application_event))))
        raise Killed

    with pytest.raises(Killed):
        counter.store.transact(work)
    return seen[0]


# --- once


def test_a_hundred_deliveries_at_once_have_one_effect(payer: Payer) -> None:
    (*_, sent) = payer.bench.account.act(payer.sent_to(), "pay")

    async def all_at_once() -> list[object]:
        return await asyncio.gather(*(hear(payer.desk, sent.body, sent.signature) for _ in range(100)))

    outcomes = payer.counter.store.run(all_at_once())
    assert sorted(type(each).__name__ for each in outcomes) == ["Duplicate"] * 99 + ["Settled"]
    assert (payer.state, payer.counter.times_paid) == (PaymentState.PAID, 1)


def test_all_that_stripe_sends_of_a_payment_counts_once(payer: Payer) -> None:
    outcomes = [payer.hears(each) for each in payer.bench.account.act(payer.sent_to(), "pay")]
    assert [type(each) for each in outcomes] == [Ignored, Ignored, Settled]
    assert payer.counter.times_paid == payer.counter.lines("payment.paid") == 1


def test_two_tabs_and_eight_more_have_one_checkout(payer: Payer) -> None:
    debt = payer.counter.debt

    async def tabs() -> list[Checkout | None]:
        return await asyncio.gather(*(start_checkout(payer.desk, debt, BACK) for _ in range(10)))

    assert len({each.reference for each in payer.counter.store.run(tabs()) if each}) == 1
    assert (len(payer.bench.account.sessions), len(payer.counter.payments)) == (1, 1)


def test_what_was_paid_in_one_tab_is_not_paid_in_the_other(payer: Payer) -> None:
    payer.bench.account.act(payer.sent_to(), "pay")
    assert payer.go() is None
    assert (payer.state, payer.counter.times_paid) == (PaymentState.PAID, 1)


# --- other money


@pytest.mark.parametrize("wrong", [{"amount_total": 7100}, {"amount_total": 0}, {"currency": "usd"}], ids=str)
def test_other_money_goes_to_a_person(payer: Payer, wrong: dict[str, Any]) -> None:
    reference = payer.sent_to()
    account = payer.bench.account
    account.act(reference, "pay")
    sent = account.tell("checkout.session.completed", account.sessions[reference] | wrong)
    assert isinstance(payer.hears(sent), Mismatch)
    assert (payer.counter.debt.standing, payer.counter.times_paid) == (Standing.UNCLEAR, 0)
    assert payer.go() is None
    assert payer.counter.lines("payment.mismatch") == 1


def test_our_own_question_looks_at_the_money_and_not_at_what_the_checkout_was_for(payer: Payer) -> None:
    reference = payer.sent_to()
    account = payer.bench.account
    account.act(reference, "pay")
    account.intents[account.sessions[reference]["payment_intent"]]["amount_received"] = 71
    payer.look()
    assert (payer.counter.debt.standing, payer.counter.times_paid) == (Standing.UNCLEAR, 0)


def test_an_old_delivery_and_one_from_the_future_change_nothing(payer: Payer, clock: Clock) -> None:
    (*_, sent) = payer.bench.account.act(payer.sent_to(), "pay")
    now = int(clock().timestamp())
    for at in (now - 301, now + 301, now + 3600):
        forged = replace(sent, signature=signed(sent.body, payer.bench.account.secret, at))
        assert payer.hears(forged) is Refusal.STALE
    assert payer.hears(replace(sent, body=sent.body.replace(b"710", b"711"))) is Refusal.FORGED
    assert payer.state is PaymentState.PENDING
    clock.advance(days=3)
    assert isinstance(payer.hears(payer.bench.account.again(sent)), Settled)


# --- lost events, lost answers, falls


@pytest.mark.parametrize(
    ("acts", "state"),
    [
        (["pay"], PaymentState.PAID),
        (["decline"], PaymentState.FAILED),
        (["decline", "pay"], PaymentState.PAID),
        (["later"], PaymentState.PENDING),
        (["later", "pay"], PaymentState.PAID),
        (["later", "expire"], PaymentState.EXPIRED),
    ],
)
def test_with_every_event_lost_the_books_are_right_after_one_look(
    payer: Payer, acts: list[str], state: PaymentState
) -> None:
    reference = payer.sent_to()
    for act in acts:
        payer.bench.account.act(reference, act)
    assert payer.look() == 1
    assert payer.state is state
    assert payer.counter.times_paid == int(state is PaymentState.PAID)
    for sent in payer.bench.account.post:  # and when they come after all, nothing is new
        assert isinstance(payer.hears(payer.bench.account.again(sent)), Duplicate | Ignored)
    assert payer.state is state


def test_a_checkout_nobody_came_back_to_makes_room_for_another(payer: Payer, clock: Clock) -> None:
    first = payer.sent_to()
    clock.advance(days=1)
    second = payer.sent_to()
    assert second != first
    assert [row.state for row in payer.counter.payments] == [Standing.EXPIRED, Standing.STARTED]


def test_who_chose_the_shop_and_goes_back_has_no_second_checkout(payer: Payer, clock: Clock) -> None:
    reference = payer.sent_to()
    payer.bench.account.act(reference, "later")
    clock.advance(days=2)
    payer.bench.account.forget()
    slip = payer.go()
    assert slip is not None
    assert slip.url.endswith(f"/voucher/{reference}")
    assert len(payer.bench.account.sessions) == 1


@pytest.mark.parametrize("fault", [each for each in Fault if each not in (Fault.HANGS, Fault.SILENT)])
def test_a_payment_survives_whatever_goes_wrong_on_the_way(payer: Payer, fault: Fault) -> None:
    payer.bench.account.fault(CREATE, fault)
    reference = tried(payer.sent_to)
    payer.bench.account.act(reference, "pay")
    payer.bench.account.fault(LOOK, fault, fault, fault)
    with pytest.raises(ProviderUnavailable):
        payer.look()
    assert payer.counter.times_paid == 0
    payer.bench.account.faults.clear()
    payer.look()
    assert (payer.state, payer.counter.times_paid) == (PaymentState.PAID, 1)
    assert len(payer.bench.account.sessions) == 1
    assert payer.bench.account.paid == payer.counter.debt.amount


def tried(work: Callable[[], str]) -> str:
    for _ in range(3):
        try:
            return work()
        except ProviderUnavailable:
            continue
    return work()


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER, Fault.RESET, Fault.BUSY, Fault.BROKEN])
def test_a_hint_that_cannot_be_followed_is_told_again(payer: Payer, fault: Fault) -> None:
    reference = payer.sent_to()
    (*_, sent) = payer.bench.account.act(reference, "later")
    payer.bench.account.fault(LOOK, fault, fault, fault)
    with pytest.raises(ProviderUnavailable):
        payer.hears(sent)
    payer.bench.account.faults.clear()
    assert payer.hears(payer.bench.account.again(sent)) == Settled(payer.counter.payments[0].id, Standing.PROMISED)


@pytest.mark.parametrize("nth", [1, 2])
def test_a_fall_on_the_way_to_the_provider_opens_no_second_checkout(payer: Payer, nth: int) -> None:
    """In the transaction that begins the payment, and in the one that notes the checkout."""
    with pytest.raises(Killed):
        payer.go(payer.falling(nth))
    assert len(payer.bench.account.sessions) == nth - 1
    reference = payer.sent_to()
    assert len(payer.bench.account.sessions) == len(payer.counter.payments) == 1
    payer.bench.account.act(reference, "pay")
    payer.look()
    assert (payer.state, payer.counter.times_paid) == (PaymentState.PAID, 1)


def test_a_fall_between_the_charge_and_our_commit_is_made_good_by_the_next_word(payer: Payer) -> None:
    (*_, sent) = payer.bench.account.act(payer.sent_to(), "pay")
    with pytest.raises(Killed):
        payer.hears(sent, payer.falling(1))
    with pytest.raises(Killed):
        payer.look(payer.falling(1))
    assert (payer.state, payer.counter.times_paid) == (PaymentState.PENDING, 0)
    payer.look()
    assert (payer.state, payer.counter.times_paid) == (PaymentState.PAID, 1)
    assert payer.hears(sent) == Duplicate()


@pytest.mark.parametrize("seed", range(3))
def test_after_a_bad_hour_the_books_are_stripes_to_the_yen(
    store: Store, make: Maker, clock: Clock, random: Random, seed: int
) -> None:
    """Twelve fees, paid in all ways; every event thrice and shuffled, a third of them lost, some of them forged."""
    first, chance = new_payer(store, make, clock, random), Dice(seed)
    account = first.bench.account
    for _ in range(12):
        payer = Payer(owing(store, make, first.desk), first.bench)
        reference = payer.sent_to()
        for act in chance.choice(WAYS):
            account.give_back(reference, act) if isinstance(act, int) else account.act(reference, act)
    post = [account.again(each) for each in account.post if chance.random() > 1 / 3] * 3
    chance.shuffle(post)
    for sent in post:
        first.hears(sent)
        if chance.random() < 0.1:
            assert first.hears(replace(sent, body=sent.body.replace(b"710", b"999") + b" ")) is Refusal.FORGED
    first.look()
    rows = store.read(lambda db: db.all(select(t.payment.c.state, t.payment.c.amount, t.payment.c.provider_reference)))
    for row in rows:
        session = account.sessions[row.provider_reference]
        assert RULES[Standing(row.state)].covers == (session["payment_status"] == "paid")
    came = sum(row.amount for row in rows if RULES[Standing(row.state)].covers)
    assert came == sum(each["amount"] for each in account.charges.values())
    told = store.read(lambda db: db.scalar(select(func.count()).select_from(t.application_event)))
    assert told == len(account.charges)


WAYS: list[list[str | int]] = [
    ["pay"],
    ["decline"],
    ["decline", "pay"],
    ["later"],
    ["later", "pay"],
    ["later", "expire"],
    ["pay", 300],
    ["pay", 300, 410],
    ["later", "pay", 710],
]


def test_one_payment_nobody_can_read_keeps_no_other_waiting(
    store: Store, make: Maker, clock: Clock, random: Random
) -> None:
    first = new_payer(store, make, clock, random)
    second = Payer(owing(store, make, first.desk), first.bench)
    broken, good = first.sent_to(), second.sent_to()
    for each in (broken, good):
        first.bench.account.act(each, "pay")
    first.bench.account.sessions[broken]["client_reference_id"] = 7
    with pytest.raises(ProviderUnavailable):
        first.look()
    assert second.state is PaymentState.PAID


def test_a_payment_of_the_provider_before_makes_room(payer: Payer) -> None:
    """The city took up Stripe while somebody was on their way to the provider it had before."""
    debt, now = payer.counter.debt, payer.bench.clock()
    row = {"id": "old", "debt_id": debt.id, "provider": "sandbox", "provider_reference": "sbx_1", "amount": 710}
    row |= {"state": "started", "created_at": now, "expires_at": now}
    payer.counter.store.transact(lambda db: db.execute(t.payment.insert(), row))
    assert payer.sent_to() in payer.bench.account.sessions
    assert sorted(each.state for each in payer.counter.payments) == [Standing.EXPIRED, Standing.STARTED]


def test_a_payment_that_was_never_opened_makes_room_when_there_is_no_time_left(payer: Payer, clock: Clock) -> None:
    payer.bench.account.fault(CREATE, Fault.BUSY)
    with pytest.raises(ProviderUnavailable):
        payer.go()
    clock.advance(hours=22, minutes=40)
    reference = payer.sent_to()
    assert payer.bench.account.sessions[reference]["status"] == "open"
    assert len(payer.counter.payments) == 2


def test_over_the_end_of_the_fiscal_year_nothing_changes_but_the_day(payer: Payer, clock: Clock) -> None:
    clock.advance(days=130)
    payer.counter.store.transact(lambda db: db.execute(t.debt.update().values(due_at=None)))
    reference = payer.sent_to()
    payer.bench.account.act(reference, "later")
    clock.advance(days=2)
    payer.bench.account.act(reference, "pay")
    payer.look()
    assert (payer.state, payer.counter.debt.amount, payer.counter.debt.paid_at) == (PaymentState.PAID, 710, clock())
