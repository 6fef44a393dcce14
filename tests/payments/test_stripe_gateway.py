"""The Stripe adapter beyond the port: what it asks of Stripe, what it makes of its words, and of its failures."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.port import (
    Checkout,
    Event,
    EventKind,
    Hint,
    Payment,
    PaymentConflict,
    ProviderUnavailable,
    Refusal,
    Uncollectable,
)
from payments.sandbox_gateway import Action, Delivery
from payments.stripe_gateway import StripeGateway
from tests.browser.server import free_port
from tests.payments.benches import NEW, StripeBench, fee, understood
from tests.payments.stripe_server import Fault, Sent

CREATE = "POST /v1/checkout/sessions"
BACK = "https://city.example.jp/payments/d1"
FEE = fee()


@pytest.fixture
def bench() -> StripeBench:
    return StripeBench()


def start(bench: StripeBench, payment: Payment = FEE, gateway: StripeGateway | None = None) -> Checkout:
    return asyncio.run((gateway or bench.gateway).start(payment, BACK))


def read(bench: StripeBench, reference: str) -> Event | None:
    return asyncio.run(bench.gateway.read(reference))


def said(bench: StripeBench, sent: Sent) -> Event | Hint | Refusal | None:
    return bench.gateway.read_event(sent.body, sent.signature, bench.clock())


def session(bench: StripeBench) -> dict[str, Any]:
    (only,) = bench.account.sessions.values()
    return only


# --- what is asked of Stripe


def test_stripe_is_told_the_amount_our_id_and_no_procedure(bench: StripeBench) -> None:
    checkout = start(bench)
    opened = session(bench)
    assert (opened["amount_total"], opened["currency"], opened["client_reference_id"]) == (710, "jpy", "p1")
    assert opened["metadata"] == opened["_intent_metadata"] == {"payment": "p1"}
    assert opened["_description"] == "手数料 123456789012345"
    assert opened["success_url"] == BACK
    assert (checkout.reference, checkout.expires_at) == (opened["id"], FEE.until)
    assert checkout.url.startswith(bench.account.site)


@pytest.mark.parametrize(
    ("amount", "methods"),
    [
        (50, ["card", "paypay"]),
        (119, ["card", "paypay"]),
        (120, ["card", "konbini", "paypay"]),
        (300_000, ["card", "konbini", "paypay"]),
        (300_001, ["card", "paypay"]),
    ],
)
def test_only_ways_that_can_collect_the_sum_are_offered(bench: StripeBench, amount: int, methods: list[str]) -> None:
    start(bench, fee(amount=amount))
    assert session(bench)["payment_method_types"] == methods


def test_a_sum_that_no_way_can_collect_is_said_so_before_stripe_is_asked(bench: StripeBench) -> None:
    konbini = StripeGateway(
        bench.account.key, [NEW], methods=["konbini"], clock=bench.clock, api_base=bench.account.site
    )
    for gateway, amount in ((bench.gateway, 49), (konbini, 119), (konbini, 300_001)):
        with pytest.raises(Uncollectable):
            start(bench, fee(amount=amount), gateway)
    assert bench.account.requests == []


@pytest.mark.parametrize(
    ("pay_by", "days"),
    [
        (datetime(2026, 12, 4, 14, 59, 59, tzinfo=UTC), 3),
        (datetime(2026, 11, 24, 14, 59, 59, tzinfo=UTC), 3),
        (datetime(2026, 11, 23, 14, 59, 59, tzinfo=UTC), 2),
        (datetime(2026, 11, 22, 14, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 11, 22, 14, 0, tzinfo=UTC), None),
        (datetime(2026, 11, 21, 14, 59, 59, tzinfo=UTC), None),
        (datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC), None),
        (None, 3),
    ],
)
def test_no_slip_for_the_shop_outlives_the_deadline(bench: StripeBench, pay_by: datetime, days: int | None) -> None:
    """The checkout ends at 9:00 on 21 November in Japan, and a slip may be made until then."""
    start(bench, replace(FEE, pay_by=pay_by))
    opened = session(bench)
    assert ("konbini" in opened["payment_method_types"]) == (days is not None)
    assert opened["_konbini_days"] == (days or 3)
    if days and pay_by:
        bench.clock.now = FEE.until - timedelta(seconds=1)
        asyncio.run(bench.press(opened["id"], Action.LATER))
        word = read(bench, opened["id"])
        assert word is not None and word.pay_until is not None
        assert word.pay_until <= pay_by


@pytest.mark.parametrize("methods", [[], ["cash"], ["card", "bank"]])
def test_an_adapter_for_ways_nobody_knows_does_not_start(methods: list[str], bench: StripeBench) -> None:
    with pytest.raises(ValueError, match="methods"):
        StripeGateway("sk_test_1", [NEW], methods=methods, clock=bench.clock)


def test_many_starts_at_once_open_one_checkout(bench: StripeBench) -> None:
    with ThreadPoolExecutor(6) as tabs:
        assert len(set(tabs.map(lambda _: start(bench).reference, range(12)))) == 1
    assert len(bench.account.sessions) == 1


@given(amount=st.integers(50, 99_999_999))
def test_what_is_charged_is_what_was_quoted(amount: int) -> None:
    bench = StripeBench()
    payment = fee(amount=amount)
    reference = start(bench, payment).reference
    delivery = asyncio.run(bench.press(reference, Action.PAY))
    told = bench.gateway.read_event(delivery.body, delivery.signature, bench.clock())
    asked = read(bench, reference)
    assert isinstance(told, Event) and asked is not None
    assert bench.account.paid == told.amount == asked.amount == amount
    assert (told.currency, told.id) == ("JPY", asked.id)


# --- the same checkout again


def test_who_goes_back_to_an_open_checkout_finds_the_same_page(bench: StripeBench) -> None:
    first = start(bench)
    assert start(bench, replace(FEE, reference=first.reference)) == first
    assert len(bench.account.sessions) == 1


def test_after_stripe_forgot_the_key_the_known_checkout_is_found_by_its_name(bench: StripeBench) -> None:
    first = start(bench)
    bench.account.forget()
    assert start(bench, replace(FEE, reference=first.reference)) == first
    assert len(bench.account.sessions) == 1


def test_who_chose_the_shop_is_led_back_to_the_slip(bench: StripeBench) -> None:
    reference = start(bench).reference
    asyncio.run(bench.press(reference, Action.LATER))
    slip = start(bench, replace(FEE, reference=reference))
    assert slip.url == f"{bench.account.site}/voucher/{reference}"
    assert slip.expires_at == datetime(2026, 11, 23, 14, 59, 59, tzinfo=UTC)


def test_a_checkout_that_is_over_leads_back_to_us(bench: StripeBench) -> None:
    reference = start(bench).reference
    asyncio.run(bench.press(reference, Action.PAY))
    assert start(bench, replace(FEE, reference=reference)).url == BACK


def test_a_known_checkout_of_another_amount_is_a_conflict(bench: StripeBench) -> None:
    reference = start(bench).reference
    with pytest.raises(PaymentConflict):
        start(bench, replace(FEE, reference=reference, amount=711))


def test_a_checkout_nobody_knows_is_no_way_to_pay(bench: StripeBench) -> None:
    with pytest.raises(ProviderUnavailable):
        start(bench, replace(FEE, reference="cs_test_none"))


# --- what is made of its words


def test_a_shop_is_a_promise_until_its_last_second(bench: StripeBench) -> None:
    reference = start(bench).reference
    (*_, completed) = bench.account.act(reference, "later")
    assert completed.type == "checkout.session.completed"
    assert said(bench, completed) == Hint(reference)
    word = read(bench, reference)
    assert word is not None
    assert (word.kind, word.pay_until) == (EventKind.PROMISED, datetime(2026, 11, 23, 14, 59, 59, tzinfo=UTC))
    assert word.pay_until is not None
    bench.clock.now = word.pay_until
    over = read(bench, reference)
    assert over is not None
    assert over.kind is EventKind.EXPIRED
    failed = said(bench, bench.account.again(bench.account.post[-1]))
    assert isinstance(failed, Event)
    assert failed.id == over.id


def test_money_paid_in_the_shop_counts_from_the_moment_it_came(bench: StripeBench) -> None:
    reference = start(bench).reference
    bench.account.act(reference, "later")
    paid_at = bench.clock.advance(days=2)
    bench.account.act(reference, "pay")
    word = read(bench, reference)
    assert word is not None
    assert (word.kind, word.at) == (EventKind.PAID, paid_at)


def test_a_refused_card_leaves_the_checkout_open(bench: StripeBench) -> None:
    reference = start(bench).reference
    (*_, failed) = bench.account.act(reference, "decline")
    hint = said(bench, failed)
    assert isinstance(hint, Hint) and hint.reference.startswith("pi_")
    word = read(bench, hint.reference)
    assert word is not None
    assert (word.kind, word.reference) == (EventKind.DECLINED, reference)
    assert start(bench, replace(FEE, reference=reference)).url.endswith(reference)


def test_a_refund_made_by_hand_is_told_with_all_that_was_given_back(bench: StripeBench) -> None:
    reference = start(bench).reference
    bench.account.act(reference, "pay")
    bench.account.give_back(reference, 300)
    sent = bench.account.give_back(reference, 110)
    assert [each.type for each in sent] == ["charge.refunded", "refund.created"]
    for each in sent:
        delivery = Delivery(each.body, each.signature)
        word = asyncio.run(understood(bench.gateway, delivery, bench.clock()))
        assert isinstance(word, Event)
        assert (word.kind, word.amount, word.refunded) == (EventKind.REFUNDED, 710, 410)


def test_a_refund_is_given_once_though_stripe_forgot_its_key(bench: StripeBench) -> None:
    reference = start(bench).reference
    bench.account.act(reference, "pay")
    give = bench.gateway.refund
    asyncio.run(give(reference, 300, reason="誤り", key="r1"))
    bench.account.forget()
    again = asyncio.run(give(reference, 300, reason="誤り", key="r1"))
    assert again is not None
    assert (again.refunded, bench.account.paid) == (300, 410)
    assert "誤り" not in json.dumps(list(bench.account.refunds.values()), ensure_ascii=False)


def event(bench: StripeBench, kind: str = "checkout.session.completed", **more: Any) -> Sent:
    """A signed event over a paid checkout, with some of its fields otherwise."""
    if not bench.account.sessions:
        bench.account.act(start(bench).reference, "pay")
    outer = {name: more.pop(name) for name in ("livemode", "created", "api_version", "data") if name in more}
    return bench.account.tell(kind, session(bench) | more, **outer)


def test_a_paid_checkout_is_taken_at_its_word(bench: StripeBench) -> None:
    word = said(bench, event(bench))
    assert isinstance(word, Event)
    assert (word.kind, word.payment_id, word.amount, word.currency) == (EventKind.PAID, "p1", 710, "JPY")


@pytest.mark.parametrize(
    "more",
    [
        {"api_version": "2020-08-27"},
        {"api_version": None},
        {"payment_status": "unpaid"},
        {"payment_status": "no_payment_required"},
        {"amount_total": None},
        {"amount_total": "710"},
        {"amount_total": True},
        {"amount_total": 710.0},
        {"currency": None},
        {"currency": ["jpy"]},
        {"client_reference_id": 1},
        {"created": 10**15},
    ],
    ids=str,
)
def test_what_a_body_does_not_say_for_certain_is_asked_for(bench: StripeBench, more: dict[str, Any]) -> None:
    assert said(bench, event(bench, **more)) == Hint(session(bench)["id"])


@pytest.mark.parametrize(
    "more", [{"created": "now"}, {"created": None}, {"data": None}, {"data": {}}, {"data": {"object": []}}, {"id": 7}]
)
def test_a_signed_body_that_cannot_even_be_asked_about_is_refused(bench: StripeBench, more: dict[str, Any]) -> None:
    assert said(bench, event(bench, **more)) is Refusal.MALFORMED


@pytest.mark.parametrize("live", [True, None, "false", 0])
def test_real_money_and_test_money_are_never_mixed_up(bench: StripeBench, live: object) -> None:
    assert said(bench, event(bench, livemode=live)) is Refusal.FOREIGN
    key = "sk_live_" + bench.account.key
    real = StripeGateway(key, [NEW], methods=["card"], clock=bench.clock, api_base=bench.account.site)
    sent = event(bench)
    assert real.read_event(sent.body, sent.signature, bench.clock()) is Refusal.FOREIGN


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("payment_intent.succeeded", {}),
        ("customer.created", {}),
        ("payout.paid", {}),
        ("charge.refunded", {}),
        ("checkout.session.completed", {"client_reference_id": None}),
    ],
)
def test_what_is_no_concern_of_ours_is_passed_over(bench: StripeBench, kind: str, more: dict[str, Any]) -> None:
    event(bench)
    if kind == "charge.refunded":
        more = {"payment_intent": None}
    assert said(bench, event(bench, kind, **more)) is None


def test_a_checkout_that_others_opened_at_this_account_is_none_of_ours(bench: StripeBench) -> None:
    reference = start(bench).reference
    bench.account.act(reference, "pay")
    session(bench)["client_reference_id"] = None
    assert read(bench, reference) is None
    assert read(bench, "pi_nobody_knows_it") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("id", "object", "client_reference_id", "amount_total", "currency", "payment_status", "payment_intent")
KINDS = ("checkout.session.completed", "checkout.session.expired", "charge.refunded", "payment_intent.payment_failed")


@given(
    kind=st.sampled_from(KINDS),
    about=st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)),
    outer=st.fixed_dictionaries({}, optional=dict.fromkeys(("created", "api_version", "livemode", "type"), JSON)),
)
def test_whatever_is_signed_is_read_or_refused(
    bench_once: StripeBench, kind: str, about: dict[str, Any], outer: dict[str, Any]
) -> None:
    word = said(bench_once, bench_once.account.tell(kind, about, **outer))
    assert word is None or isinstance(word, Event | Hint | Refusal)


@pytest.fixture(scope="module")
def bench_once() -> StripeBench:
    return StripeBench()


# --- its failures


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.BROKEN, Fault.ODD, Fault.BEFORE, Fault.AFTER, Fault.RESET])
def test_after_any_failure_there_is_one_checkout(bench: StripeBench, fault: Fault) -> None:
    bench.account.fault(CREATE, fault)
    checkout = eventually(lambda: start(bench))
    assert checkout.reference == session(bench)["id"]
    assert start(bench) == checkout


def eventually(work: Callable[[], Checkout]) -> Checkout:
    """As somebody does who tries again, for a while."""
    for _ in range(3):
        try:
            return work()
        except ProviderUnavailable:
            continue
    return work()


def test_a_fault_that_stripe_remembers_closes_no_way_for_ever(bench: StripeBench) -> None:
    """Stripe answers a repeated key with the 500 that it answered first."""
    bench.account.fault(CREATE, Fault.BEFORE)
    with pytest.raises(ProviderUnavailable):
        start(bench)
    assert start(bench).reference == session(bench)["id"]


def test_a_checkout_behind_a_fault_is_found_and_not_opened_again(bench: StripeBench) -> None:
    for each in range(105):
        start(bench, fee(f"other{each}"))
    bench.account.fault(CREATE, Fault.AFTER)
    first = start(bench)
    for each in range(105, 210):
        start(bench, fee(f"other{each}"))
    assert start(bench) == first
    assert len(bench.account.sessions) == 211


def test_other_methods_after_a_restart_are_no_other_payment(bench: StripeBench) -> None:
    first = start(bench)
    card = StripeGateway(bench.account.key, [NEW], methods=["card"], clock=bench.clock, api_base=bench.account.site)
    assert start(bench, FEE, card).reference == first.reference
    assert len(bench.account.sessions) == 1


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.BROKEN, Fault.ODD, Fault.BEFORE, Fault.RESET])
@pytest.mark.parametrize("what", ["read", "expire", "refund"])
def test_no_answer_is_no_answer_and_never_a_standing(bench: StripeBench, fault: Fault, what: str) -> None:
    reference = start(bench).reference
    if what != "expire":
        bench.account.act(reference, "pay")
    calls: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "read": lambda: bench.gateway.read(reference),
        "expire": lambda: bench.gateway.expire(reference),
        "refund": lambda: bench.gateway.refund(reference, 10, reason="", key="r1"),
    }
    bench.account.fault("", fault, fault, fault)
    if not (what == "expire" and fault is Fault.ODD):  # whose answer says nothing that we need
        with pytest.raises(ProviderUnavailable):
            asyncio.run(calls[what]())
    bench.account.faults.clear()
    asyncio.run(calls[what]())
    if what == "refund":
        assert bench.account.paid == 700


def test_a_refund_behind_a_fault_is_not_given_twice(bench: StripeBench) -> None:
    reference = start(bench).reference
    bench.account.act(reference, "pay")
    bench.account.fault("POST /v1/refunds", Fault.AFTER)
    with pytest.raises(ProviderUnavailable):
        asyncio.run(bench.gateway.refund(reference, 300, reason="", key="r1"))
    word = asyncio.run(bench.gateway.refund(reference, 300, reason="", key="r1"))
    assert word is not None
    assert (word.refunded, bench.account.paid) == (300, 410)


@pytest.mark.parametrize("fault", [Fault.HANGS, Fault.SILENT])
def test_nobody_waits_for_a_provider_that_hangs(bench: StripeBench, fault: Fault) -> None:
    bench.account.fault(CREATE, fault)
    with pytest.raises(ProviderUnavailable):
        start(bench, FEE, bench.adapter(patience=0.2))
    bench.account.release()
    assert start(bench).reference == session(bench)["id"]


def test_many_who_wait_for_a_provider_that_hangs_are_all_answered(bench: StripeBench) -> None:
    """More than there are threads: the rest do not wait for those before them."""
    bench.account.fault(CREATE, *[Fault.HANGS] * 30)
    hasty = bench.adapter(patience=0.2)

    async def all_at_once() -> list[object]:
        starts = (hasty.start(fee(f"p{each}"), BACK) for each in range(30))
        return await asyncio.gather(*starts, return_exceptions=True)

    answers = asyncio.run(all_at_once())
    bench.account.release()
    assert {type(each) for each in answers} == {ProviderUnavailable}


def test_a_provider_that_is_not_there_is_unavailable(bench: StripeBench) -> None:
    nobody = StripeGateway(
        bench.account.key, [NEW], methods=["card"], clock=bench.clock, api_base=f"http://127.0.0.1:{free_port()}"
    )
    with pytest.raises(ProviderUnavailable):
        start(bench, FEE, nobody)


def test_a_key_that_is_refused_is_told_to_the_operator_and_not_shown(
    bench: StripeBench, caplog: pytest.LogCaptureFixture
) -> None:
    key = "sk_test_somebody_elses"
    other = StripeGateway(key, [NEW], methods=["card"], clock=bench.clock, api_base=bench.account.site)
    with pytest.raises(ProviderUnavailable, match="secret key is refused"):
        start(bench, FEE, other)
    assert "secret key is refused" in caplog.text and "status=401" in caplog.text
    assert key[:12] not in caplog.text


def test_a_way_to_pay_that_the_account_does_not_have_is_told_to_the_operator(
    bench: StripeBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kakanai")
    bench.account.refuses.add("paypay")
    with pytest.raises(ProviderUnavailable):
        start(bench)
    assert "our request is refused" in caplog.text
    assert "param=payment_method_types[0]" in caplog.text
    assert "手数料" not in caplog.text and "123456789012345" not in caplog.text
