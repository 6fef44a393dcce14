"""Machines of the town hall: registered by an administrator, enrolled once, out when they are ended."""

from __future__ import annotations

from datetime import timedelta
from queue import SimpleQueue
from typing import Any

import pytest
from sqlalchemy import select

from server.people import devices
from server.people.devices import ENROL_WITHIN, TOPIC, BadDevice, Device
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Random, Store


class Hall:
    """A town hall with machines."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random) -> None:
        self.store, self.keys, self.clock, self.random = store, keys, clock, random
        self.news: SimpleQueue[str] = SimpleQueue()
        store.database.listen(TOPIC, self.news.put)

    @property
    def given(self) -> dict[str, Any]:
        return {"now": self.clock(), "random": self.random}

    def register(self, kind: str = "kiosk", label: str = "1階ロビー", window: str | None = None) -> str:
        return self.store.transact(
            lambda db: devices.register(db, self.keys, kind, label, window, "operator", **self.given)
        )

    def enrol(self, code: str) -> tuple[Device, str] | None:
        return self.store.transact(lambda db: devices.enrol(db, self.keys, code, **self.given))

    def enrolled(self, kind: str = "kiosk", label: str = "1階ロビー") -> tuple[Device, str]:
        made = self.enrol(self.register(kind, label))
        assert made is not None
        return made

    def who(self, token: str) -> Device | None:
        return self.store.read(lambda db: devices.who(db, token, now=self.clock()))

    def end(self, device_id: str) -> bool:
        return self.store.transact(lambda db: devices.end(db, device_id, "operator", now=self.clock()))

    def renew(self, device_id: str) -> str | None:
        return self.store.transact(lambda db: devices.renew(db, self.keys, device_id, "operator", **self.given))

    def call(self, device_id: str) -> bool:
        return self.store.transact(lambda db: devices.call(db, device_id, now=self.clock()))

    def answer(self, device_id: str, by: str = "staff:1") -> bool:
        return self.store.transact(lambda db: devices.answer(db, device_id, by, now=self.clock()))

    def call_over(self, device_id: str) -> bool:
        return self.store.transact(lambda db: devices.call_over(db, device_id))

    def listed(self) -> list[devices.Listed]:
        return list(self.store.read(devices.every))

    def calling(self) -> list[str]:
        return [each.label for each in self.store.read(lambda db: devices.calling(db, now=self.clock()))]

    def goes(self) -> list[str]:
        """Who goes where somebody calls, '' for nobody."""
        return [each.answered_by for each in self.store.read(lambda db: devices.calling(db, now=self.clock()))]

    def done(self) -> list[str]:
        query = select(t.audit.c.action).where(t.audit.c.action.like("device.%")).order_by(t.audit.c.seq)
        return [row.action for row in self.store.read(lambda db: db.all(query))]

    def hears(self, device_id: str) -> None:
        """Waits until every worker, of which this is one, was told of this device."""
        while self.news.get(timeout=30) != device_id:
            pass


@pytest.fixture
def hall(store: Store, keys: Keys, clock: Clock, random: Random) -> Hall:
    return Hall(store, keys, clock, random)


def test_a_browser_in_which_the_code_is_typed_is_the_device_from_then_on(hall: Hall) -> None:
    code = hall.register("tablet", " 1番窓口の  タブレット ")
    made = hall.enrol(code)
    assert made is not None
    found, token = made
    assert (found.kind, found.label, found.window_id) == ("tablet", "1番窓口の タブレット", None)
    assert hall.who(token) == found
    assert hall.done() == ["device.register", "device.enrol"]
    hall.hears(found.id)


def test_a_code_may_be_typed_in_small_letters_with_blanks_and_lookalikes(hall: Hall) -> None:
    code = hall.register()
    assert hall.enrol(code.lower().replace("-", "  ").replace("0", "o").replace("1", "l")) is not None


def test_a_code_is_good_once_and_for_half_an_hour(hall: Hall) -> None:
    code = hall.register()
    assert hall.enrol(code) is not None
    assert hall.enrol(code) is None
    late = hall.register()
    hall.clock.advance(seconds=ENROL_WITHIN.total_seconds())
    assert hall.enrol(late) is None
    assert [each.state for each in hall.listed()] == ["in use", "waiting"]


@pytest.mark.parametrize("typed", ["", "AAAAA-AAAAA", "x" * 500, "\ud800", "＜script＞"])
def test_a_wrong_code_makes_no_device(hall: Hall, typed: str) -> None:
    hall.register()
    assert hall.enrol(typed) is None


@pytest.mark.parametrize(
    ("kind", "label"), [("toaster", "1階"), ("kiosk", " "), ("kiosk", "あ" * 41), ("kiosk", "a\x07")]
)
def test_a_device_without_a_kind_or_a_name_is_not_registered(hall: Hall, kind: str, label: str) -> None:
    with pytest.raises(BadDevice, match=r"名前|種類"):
        hall.register(kind, label)
    assert hall.listed() == []


def test_a_device_that_was_ended_is_out_at_once_and_for_good(hall: Hall) -> None:
    found, token = hall.enrolled()
    hall.call(found.id)
    assert hall.end(found.id)
    hall.hears(found.id)
    assert hall.who(token) is None
    assert hall.renew(found.id) is None
    assert not hall.call(found.id)
    assert hall.calling() == []
    assert not hall.end(found.id)
    assert [each.state for each in hall.listed()] == ["ended"]
    assert hall.done() == ["device.register", "device.enrol", "device.end"]


def test_a_code_that_was_not_typed_yet_ends_with_its_device(hall: Hall) -> None:
    code = hall.register()
    assert hall.end(hall.listed()[0].id)
    assert hall.enrol(code) is None


def test_another_code_moves_a_device_to_another_browser(hall: Hall) -> None:
    found, old = hall.enrolled()
    code = hall.renew(found.id)
    assert code is not None
    assert hall.who(old) is not None
    again = hall.enrol(code)
    assert again is not None
    assert again[0].id == found.id
    assert hall.who(old) is None
    assert hall.who(again[1]) is not None


def test_a_token_is_nowhere_in_the_store(hall: Hall) -> None:
    found, token = hall.enrolled()
    code = hall.renew(found.id)
    row = hall.store.read(lambda db: db.one(select(t.device)))
    assert row is not None
    assert token not in str(row)
    assert code is not None
    assert code.replace("-", "") not in str(row)


def test_when_a_device_was_last_seen_is_noted_every_five_minutes(hall: Hall) -> None:
    _found, token = hall.enrolled()
    at_first = hall.clock()
    hall.clock.advance(minutes=4)
    early = hall.who(token)
    assert early is not None
    assert not early.touch_due
    hall.clock.advance(minutes=1)
    due = hall.who(token)
    assert due is not None
    assert due.touch_due
    assert hall.listed()[0].seen_at == at_first
    hall.store.transact(lambda db: devices.touch(db, due.id, now=hall.clock()))
    assert hall.listed()[0].seen_at == at_first + timedelta(minutes=5)


def test_whoever_called_a_clerk_first_stands_first_until_somebody_comes(hall: Hall) -> None:
    (first, _), (second, _) = hall.enrolled(label="ロビー"), hall.enrolled(label="2階")
    assert hall.call(second.id)
    hall.clock.advance(seconds=5)
    assert hall.call(first.id)
    assert not hall.call(second.id)
    assert hall.calling() == ["2階", "ロビー"]
    assert hall.call_over(second.id)
    assert not hall.call_over(second.id)
    assert hall.calling() == ["ロビー"]
    hall.hears(first.id)
    hall.hears(devices.CALLS)


def test_one_clerk_goes_and_who_that_is_stays_known_until_the_call_is_over(hall: Hall) -> None:
    found, token = hall.enrolled()
    assert not hall.answer(found.id)
    hall.call(found.id)
    assert hall.goes() == [""]
    assert hall.answer(found.id, "staff:1")
    assert not hall.answer(found.id, "staff:2")
    assert hall.goes() == ["staff:1"]
    assert not hall.call(found.id)
    assert (there := hall.who(token)) is not None
    assert there.answered_at == hall.clock()
    assert hall.call_over(found.id)
    assert hall.goes() == []


def test_a_call_that_was_answered_is_over_after_a_while_and_can_be_made_anew(hall: Hall) -> None:
    found, token = hall.enrolled()
    hall.call(found.id)
    hall.clock.advance(minutes=60)
    assert hall.goes() == [""]  # nobody has answered: it stands
    hall.answer(found.id)
    hall.clock.advance(seconds=devices.GOING.total_seconds())
    assert hall.calling() == []
    assert (there := hall.who(token)) is not None
    assert (there.called_at, there.answered_at) == (None, None)
    assert hall.call(found.id)
    assert hall.goes() == [""]
