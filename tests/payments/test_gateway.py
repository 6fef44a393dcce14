"""What any payment adapter must do. Each rule is written once; a new adapter joins by a bench in benches.py."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.port import MOST, Event, EventKind, Hint, Payment, PaymentConflict, Refusal
from payments.sandbox_gateway import Action, Delivery
from payments.signed import TOLERANCE
from tests.payments.benches import ADAPTERS, MORNING, NEW, OLD, Bench, fee, understood

FEE = fee()
BACK = "http://127.0.0.1:8000/payments/d1"


@pytest.fixture(params=sorted(ADAPTERS))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return ADAPTERS[request.param](tmp_path)


def started(bench: Bench, payment: Payment = FEE) -> str:
    return asyncio.run(bench.gateway.start(payment, BACK)).reference


def pressed(bench: Bench, reference: str, action: Action) -> Delivery:
    return asyncio.run(bench.press(reference, action))


def heard(bench: Bench, delivery: Delivery) -> Event:
    event = asyncio.run(understood(bench.gateway, delivery, bench.clock()))
    assert isinstance(event, Event), event
    return event


def word(event: Event | None) -> Event | None:
    """An event but for the provider's time of it, which may be that of the message or that of the money."""
    return replace(event, at=MORNING) if event else None


def signature(body: bytes, secret: str, at: int) -> str:
    """Written out once more from the description, so that both sides are not wrong alike."""
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def test_a_checkout_is_for_exactly_the_amount_that_was_quoted(bench: Bench) -> None:
    event = heard(bench, pressed(bench, started(bench), Action.PAY))
    assert (event.kind, event.payment_id, event.amount, event.currency, event.refunded) == (
        EventKind.PAID,
        "p1",
        710,
        "JPY",
        0,
    )


def test_starting_twice_opens_one_checkout(bench: Bench) -> None:
    first = asyncio.run(bench.gateway.start(FEE, BACK))
    assert asyncio.run(bench.gateway.start(FEE, BACK)) == first
    assert first.expires_at > bench.clock()


def test_one_payment_cannot_be_started_for_two_amounts(bench: Bench) -> None:
    reference = started(bench)
    with pytest.raises(PaymentConflict):
        started(bench, replace(FEE, amount=711))
    assert heard(bench, pressed(bench, reference, Action.PAY)).amount == 710


def test_two_payments_have_two_checkouts(bench: Bench) -> None:
    assert started(bench) != started(bench, replace(FEE, id="p2"))


@pytest.mark.parametrize("amount", [0, -1, True, 1.0, MOST + 1])
def test_an_amount_that_is_no_sum_of_yen_never_reaches_the_provider(amount: int) -> None:
    with pytest.raises(ValueError, match="yen"):
        fee(amount=amount)


def test_a_restart_forgets_nothing(bench: Bench) -> None:
    reference = started(bench)
    delivery = pressed(bench, reference, Action.PAY)
    again = bench.with_secrets(NEW)
    assert asyncio.run(again.start(FEE, BACK)).reference == reference
    assert word(asyncio.run(again.read(reference))) == word(heard(bench, delivery))


def test_nothing_is_told_of_a_checkout_in_which_nothing_happened(bench: Bench) -> None:
    assert asyncio.run(bench.gateway.read(started(bench))) is None
    assert asyncio.run(bench.gateway.read("nobody-knows-it")) is None


@pytest.mark.parametrize(
    ("presses", "kind"),
    [
        ([Action.PAY], EventKind.PAID),
        ([Action.DECLINE], EventKind.DECLINED),
        ([Action.DECLINE, Action.PAY], EventKind.PAID),
        ([Action.LATER], EventKind.PROMISED),
        ([Action.DECLINE, Action.LATER, Action.PAY], EventKind.PAID),
        ([Action.LATER, Action.EXPIRE], EventKind.EXPIRED),
    ],
)
def test_what_is_read_and_what_is_sent_are_the_same_word(bench: Bench, presses: list[Action], kind: EventKind) -> None:
    reference = started(bench)
    sent = [pressed(bench, reference, action) for action in presses][-1]
    assert heard(bench, sent).kind is kind
    assert word(asyncio.run(bench.gateway.read(reference))) == word(heard(bench, sent))


def test_an_expired_checkout_tells_so(bench: Bench) -> None:
    reference = started(bench)
    asyncio.run(bench.gateway.expire(reference))
    standing = asyncio.run(bench.gateway.read(reference))
    assert standing is not None
    assert standing.kind is EventKind.EXPIRED


def test_a_checkout_nobody_came_back_to_expires_by_itself(bench: Bench) -> None:
    checkout = asyncio.run(bench.gateway.start(FEE, BACK))
    bench.clock.now = checkout.expires_at
    standing = asyncio.run(bench.gateway.read(checkout.reference))
    assert standing is not None
    assert standing.kind is EventKind.EXPIRED


def test_what_was_paid_cannot_be_made_to_expire(bench: Bench) -> None:
    reference = started(bench)
    paid = heard(bench, pressed(bench, reference, Action.PAY))
    asyncio.run(bench.gateway.expire(reference))
    asyncio.run(bench.gateway.expire("nobody-knows-it"))
    assert word(asyncio.run(bench.gateway.read(reference))) == word(paid)


def test_a_refund_tells_all_that_was_given_back(bench: Bench) -> None:
    reference = started(bench)
    pressed(bench, reference, Action.PAY)

    async def refunds() -> list[Event | None]:
        give = bench.gateway.refund
        return [
            await give(reference, 300, reason="通数の減", key="r1"),
            await give(reference, 300, reason="通数の減", key="r1"),
            await give(reference, 410, reason="取下げ", key="r2"),
        ]

    words = asyncio.run(refunds())
    assert [(word.kind, word.amount, word.refunded) for word in words if word] == [
        (EventKind.REFUNDED, 710, 300),
        (EventKind.REFUNDED, 710, 300),
        (EventKind.REFUNDED, 710, 710),
    ]
    assert asyncio.run(bench.gateway.read(reference)) == words[-1]


@pytest.mark.parametrize("amount", [0, -1, 711])
def test_no_more_is_given_back_than_was_paid(bench: Bench, amount: int) -> None:
    reference = started(bench)
    pressed(bench, reference, Action.PAY)
    assert asyncio.run(bench.gateway.refund(reference, amount, reason="誤り", key="r1")) is None


def test_what_was_not_paid_is_not_given_back(bench: Bench) -> None:
    assert asyncio.run(bench.gateway.refund(started(bench), 710, reason="誤り", key="r1")) is None
    assert asyncio.run(bench.gateway.refund("nobody-knows-it", 710, reason="誤り", key="r1")) is None


def test_a_refund_key_stands_for_one_refund(bench: Bench) -> None:
    reference = started(bench)
    pressed(bench, reference, Action.PAY)
    asyncio.run(bench.gateway.refund(reference, 100, reason="誤り", key="r1"))
    with pytest.raises(PaymentConflict):
        asyncio.run(bench.gateway.refund(reference, 200, reason="誤り", key="r1"))


Forgery = Callable[[bytes, int], tuple[bytes, str]]

FORGERIES: dict[str, Forgery] = {
    "no signature": lambda body, at: (body, ""),
    "not a signature": lambda body, at: (body, "paid, honestly"),
    "another secret": lambda body, at: (body, signature(body, "whsec_guess", at)),
    "an empty secret": lambda body, at: (body, signature(body, "", at)),
    "a secret that was withdrawn": lambda body, at: (body, signature(body, OLD, at)),
    "another amount under the same signature": lambda body, at: (
        body.replace(b"710", b"001"),
        signature(body, NEW, at),
    ),
    "one more byte": lambda body, at: (body + b" ", signature(body, NEW, at)),
    "the signature of another body": lambda body, at: (body, signature(b"{}", NEW, at)),
    "no time": lambda body, at: (body, signature(body, NEW, at).partition(",")[2]),
    "two times": lambda body, at: (body, f"t={at + 1}," + signature(body, NEW, at)),
    "a second time behind a true signature": lambda body, at: (body, signature(body, NEW, at) + f",t={at + 1}"),
    "a new time on an old signature": lambda body, at: (
        body,
        signature(body, NEW, at - 9).replace(str(at - 9), str(at)),
    ),
    "a time in Arabic digits": lambda body, at: (
        body,
        signature(body, NEW, at).replace(str(at), "".join(chr(0x660 + int(digit)) for digit in str(at))),
    ),
    "a negative time": lambda body, at: (body, signature(body, NEW, at).replace("t=", "t=-")),
    "only a scheme we do not take": lambda body, at: (body, signature(body, NEW, at).replace("v1", "v0")),
    "half a signature": lambda body, at: (body, signature(body, NEW, at)[:-32]),
    "a signature in capitals": lambda body, at: (body, "t=" + signature(body, NEW, at)[2:].upper().replace("V1", "v1")),
    "a signature that is not ASCII": lambda body, at: (body, f"t={at},v1={'あ' * 64}"),
    "no signature but the name": lambda body, at: (body, f"t={at},v1="),
    "a heap of guesses": lambda body, at: (body, f"t={at}" + f",v1={'0' * 64}" * 15),
    "too many signatures, a true one among them": lambda body, at: (
        body,
        signature(body, NEW, at) + ",v1=0" * 8,
    ),
    "a header without end": lambda body, at: (body, signature(body, NEW, at) + ",x=" + "y" * 2000),
    "a body without its signature's time": lambda body, at: (
        body,
        f"t={at},v1={hmac.new(NEW.encode(), body, hashlib.sha256).hexdigest()}",
    ),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_event_is_not_believed(bench: Bench, how: str) -> None:
    genuine = pressed(bench, started(bench), Action.PAY)
    body, header = FORGERIES[how](genuine.body, int(bench.clock().timestamp()))
    assert bench.gateway.read_event(body, header, bench.clock()) is Refusal.FORGED


@pytest.mark.parametrize("seconds", [-TOLERANCE - 1, TOLERANCE + 1, 3600, -86_400])
def test_an_event_from_another_time_is_not_believed(bench: Bench, seconds: int) -> None:
    genuine = pressed(bench, started(bench), Action.PAY)
    header = signature(genuine.body, NEW, int(bench.clock().timestamp()) + seconds)
    assert bench.gateway.read_event(genuine.body, header, bench.clock()) is Refusal.STALE


@pytest.mark.parametrize("seconds", [-TOLERANCE, TOLERANCE])
def test_clocks_may_differ_by_five_minutes(bench: Bench, seconds: int) -> None:
    genuine = pressed(bench, started(bench), Action.PAY)
    header = signature(genuine.body, NEW, int(bench.clock().timestamp()) + seconds)
    assert isinstance(bench.gateway.read_event(genuine.body, header, bench.clock()), Event)


def test_both_secrets_are_believed_while_one_is_rotated(bench: Bench) -> None:
    body = pressed(bench, started(bench), Action.PAY).body
    at = int(bench.clock().timestamp())
    rotating = bench.with_secrets(NEW, OLD)
    both = f"{signature(body, OLD, at)},{signature(body, NEW, at).partition(',')[2]}"
    for header in (signature(body, OLD, at), signature(body, NEW, at), both):
        assert isinstance(rotating.read_event(body, header, bench.clock()), Event)


def test_an_adapter_without_a_secret_does_not_start(bench: Bench) -> None:
    for secrets in ((), ("",), (NEW, "")):
        with pytest.raises(ValueError, match="secret"):
            bench.with_secrets(*secrets)


def resigned(bench: Bench, body: bytes) -> Event | Hint | Refusal | None:
    """What an adapter makes of a body that the provider truly signed."""
    return bench.gateway.read_event(body, signature(body, NEW, int(bench.clock().timestamp())), bench.clock())


@pytest.mark.parametrize("body", [b"", b"paid", b"[]", b'"paid"', b"{}", b"null", b'{"id": "e1"'])
def test_a_signed_body_that_is_no_event_is_not_read(bench: Bench, body: bytes) -> None:
    assert resigned(bench, body) is Refusal.MALFORMED


AMBIGUOUS = {
    "a name twice": b'"x":1,"x":1',
    "a name twice, deep inside": b'"x":[{"amount":710,"amount":1}]',
    "a name twice, once escaped": b'"x":1,"\\u0078":2',
    "not a number": b'"x":NaN',
    "endless": b'"x":Infinity',
    "endless the other way": b'"x":-Infinity',
    "endless by its exponent": b'"x":1e999',
    "beyond 2^53": b'"x":9007199254740993',
    "below -2^53": b'"x":-9007199254740993',
    "a number of 5,000 digits": b'"x":' + b"9" * 5000,
    "not UTF-8": b'"x":"\xff"',
    "a pit": b'"x":' + b"[" * 20_000 + b"]" * 20_000,
}
"""What is put into an otherwise genuine event."""


@pytest.mark.parametrize("what", AMBIGUOUS)
def test_a_signed_event_that_can_be_read_two_ways_is_not_read(bench: Bench, what: str) -> None:
    genuine = pressed(bench, started(bench), Action.PAY).body
    assert isinstance(resigned(bench, genuine[:-1] + b',"x":9007199254740992}'), Event)
    assert resigned(bench, genuine[:-1] + b"," + AMBIGUOUS[what] + b"}") is Refusal.MALFORMED


@given(body=st.binary(max_size=200), header=st.text(max_size=200))
def test_any_post_is_answered(tmp_path_factory: pytest.TempPathFactory, body: bytes, header: str) -> None:
    for make in ADAPTERS.values():
        bench = make(tmp_path_factory.mktemp("provider"))
        assert bench.gateway.read_event(body, header, bench.clock()) is Refusal.FORGED


def test_an_hour_later_the_same_delivery_is_not_believed_again(bench: Bench) -> None:
    delivery = pressed(bench, started(bench), Action.PAY)
    heard(bench, delivery)
    bench.clock.advance(hours=1)
    assert bench.gateway.read_event(delivery.body, delivery.signature, bench.clock()) is Refusal.STALE
