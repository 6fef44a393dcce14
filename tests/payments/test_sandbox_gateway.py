"""The sandbox's provider beyond the port: its page, its events' fields, several payers at once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.port import Event, EventKind, Refusal
from payments.sandbox_gateway import Action, Delivery
from payments.signed import sign
from tests.payments.benches import NEW, SandboxBench, fee

FEE = fee()


@pytest.fixture
def bench(tmp_path: Path) -> SandboxBench:
    return SandboxBench(tmp_path)


def started(bench: SandboxBench) -> str:
    return asyncio.run(bench.gateway.start(FEE, "/payments/d1")).reference


def offered(bench: SandboxBench, reference: str) -> tuple[Action, ...]:
    till = asyncio.run(bench.gateway.till(reference))
    assert till is not None
    return till.offered


def test_the_page_offers_three_ways_and_then_none(bench: SandboxBench) -> None:
    reference = started(bench)
    assert offered(bench, reference) == (Action.PAY, Action.DECLINE, Action.LATER)
    asyncio.run(bench.press(reference, Action.PAY))
    assert offered(bench, reference) == ()
    assert asyncio.run(bench.gateway.press(reference, Action.DECLINE)) is None


def test_what_is_to_be_paid_later_can_be_paid_until_its_day(bench: SandboxBench) -> None:
    reference = started(bench)
    asyncio.run(bench.press(reference, Action.LATER))
    word = asyncio.run(bench.gateway.read(reference))
    assert word is not None
    assert word.pay_until == bench.clock() + timedelta(days=3)
    bench.clock.advance(days=2, hours=23)
    assert offered(bench, reference) == (Action.PAY, Action.EXPIRE)
    bench.clock.advance(hours=1)
    assert offered(bench, reference) == ()
    assert asyncio.run(bench.gateway.press(reference, Action.PAY)) is None


def test_what_is_to_be_paid_later_never_outlives_the_debt(bench: SandboxBench) -> None:
    due = bench.clock() + timedelta(days=1)
    reference = asyncio.run(bench.gateway.start(replace(FEE, pay_by=due), "/payments/d1")).reference
    asyncio.run(bench.press(reference, Action.LATER))
    word = asyncio.run(bench.gateway.read(reference))
    assert word is not None
    assert word.pay_until == due


def test_the_file_of_an_earlier_version_goes_on(bench: SandboxBench, tmp_path: Path) -> None:
    reference = started(bench)
    with sqlite3.connect(tmp_path / "provider.sqlite3") as db:
        db.execute("ALTER TABLE checkout DROP COLUMN pay_by")
    db.close()
    again = bench.with_secrets(NEW)
    assert asyncio.run(again.start(FEE, "/payments/d1")).reference == reference


def test_an_unknown_checkout_has_no_page_and_no_buttons(bench: SandboxBench) -> None:
    assert asyncio.run(bench.gateway.till("sbx_none")) is None
    assert asyncio.run(bench.gateway.press("sbx_none", Action.PAY)) is None
    assert asyncio.run(bench.gateway.tell("sbx_none")) is None


def test_an_event_that_was_lost_is_told_again_with_a_new_signature(bench: SandboxBench) -> None:
    reference = started(bench)
    lost = asyncio.run(bench.press(reference, Action.PAY))
    bench.clock.advance(hours=2)
    again = asyncio.run(bench.gateway.tell(reference))
    assert again is not None
    assert again.body == lost.body
    assert isinstance(bench.gateway.read_event(again.body, again.signature, bench.clock()), Event)


def test_of_many_who_pay_at_once_one_pays(bench: SandboxBench) -> None:
    together = Barrier(8)

    def pay(reference: str) -> Delivery | None:
        together.wait()
        return asyncio.run(bench.gateway.press(reference, Action.PAY))

    with ThreadPoolExecutor(8) as tabs:
        for turn in range(20):
            reference = asyncio.run(bench.gateway.start(fee(f"p{turn}"), "/")).reference
            assert sum(told is not None for told in tabs.map(pay, [reference] * 8)) == 1


def test_many_starts_at_once_open_one_checkout(bench: SandboxBench) -> None:
    with ThreadPoolExecutor(8) as tabs:
        assert len(set(tabs.map(lambda _: started(bench), range(24)))) == 1


GENUINE = {
    "id": "e1",
    "kind": "paid",
    "payment": "p1",
    "reference": "r1",
    "amount": 710,
    "refunded": 0,
    "currency": "JPY",
    "at": 1_790_000_000,
}

WRONG: list[tuple[str, object]] = [
    ("amount", -1),
    ("amount", "710"),
    ("amount", 710.0),
    ("amount", True),
    ("amount", None),
    ("amount", [710]),
    ("refunded", -1),
    ("at", -1),
    ("at", 253_402_300_800),
    ("at", 1.5),
    ("pay_until", "tomorrow"),
    ("pay_until", -1),
    ("kind", "settled"),
    ("kind", ["paid"]),
    ("kind", {}),
    ("id", ""),
    ("id", 1),
    ("id", "e" * 65),
    ("id", "e1\n"),
    ("id", "\ud800"),
    ("payment", "../p1"),
    ("payment", "ｐ１"),
    ("reference", None),
    ("currency", ""),
]


def read(bench: SandboxBench, told: object) -> Event | Refusal:
    body = json.dumps(told).encode()
    return bench.gateway.read_event(body, sign(body, NEW, bench.clock()), bench.clock())


def test_a_whole_event_is_read(bench: SandboxBench) -> None:
    event = read(bench, GENUINE)
    assert isinstance(event, Event)
    assert (event.kind, event.payment_id, event.reference, event.amount) == (EventKind.PAID, "p1", "r1", 710)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_field_that_is_not_what_it_should_be_spoils_the_event(bench: SandboxBench, name: str, value: object) -> None:
    assert read(bench, GENUINE | {name: value}) is Refusal.MALFORMED


@pytest.mark.parametrize("name", sorted(GENUINE))
def test_no_field_may_be_missing(bench: SandboxBench, name: str) -> None:
    assert read(bench, {key: value for key, value in GENUINE.items() if key != name}) is Refusal.MALFORMED


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(told=st.fixed_dictionaries({}, optional=dict.fromkeys([*GENUINE, "pay_until"], JSON)))
def test_whatever_is_signed_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, told: object) -> None:
    bench = SandboxBench(tmp_path_factory.mktemp("provider"))
    event = read(bench, told)
    if isinstance(event, Event):
        assert event.amount >= 0
    else:
        assert event is Refusal.MALFORMED
