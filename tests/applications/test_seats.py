"""Seats: the last place goes to one, and comes back when it is not needed; on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from forms_schema import Settled
from procedures.bookings import CLOSED, FULL, Opening, Slot
from procedures.check import CITY
from procedures.city import load_city
from server.applications import seats
from server.applications.history import move
from server.applications.seats import Seat, calendar_file
from server.applications.states import OfficeState
from server.applications.submission import Filing, Prepared, Rejected, SlotTaken, Submitted, prepare, submit
from server.money.debts import payment_of
from server.notices import outbox
from server.people.sessions import NOBODY
from server.store import tables as t
from server.store.database import Reading
from server.store.keys import Keys
from tests import shipped
from tests.conftest import Clock, Maker, Random, Store
from tests.journeys.filing import case_of

LIBRARY = shipped.library()
CITY_HERE = load_city(CITY)
GOMI = LIBRARY.declarations["sodai-gomi"]
ANSWERS = case_of("sodai-gomi")["answers"]
DAY = "2026-12-01"


class Counter:
    """A store, and people who file for the same day."""

    def __init__(self, store: Store, keys: Keys, make: Maker, clock: Clock, random: Random) -> None:
        self.store, self.keys, self.make, self.clock, self.random = store, keys, make, clock, random
        make(t.declaration, digest=GOMI.digest, slug=GOMI.slug, bundle=GOMI.text)

    def opening(self, **capacity: int) -> Opening:
        """What is open now; with another capacity on some days."""

        def work(db: Reading) -> Opening | None:
            return seats.opening(db, GOMI, LIBRARY.shared.bookings, CITY_HERE, now=self.clock())

        found = self.store.read(work)
        assert found is not None
        changed = {day.replace("_", "-"): count for day, count in capacity.items()}
        return replace(found, slots={start: _with(slot, changed) for start, slot in found.slots.items()})

    def prepared(self, opening: Opening, **more: Any) -> Prepared | Rejected:
        filing = Filing(GOMI, {**ANSWERS, "collection": DAY, **more}, (), "online", NOBODY)
        found = prepare(filing, LIBRARY.shared.fees, opening, now=self.clock())
        assert isinstance(found, Prepared | Rejected)
        return found

    async def files(self, prepared: Prepared) -> Submitted | SlotTaken:
        place = self.random(8).hex()

        def work(db: Any) -> Submitted:
            return submit(
                db,
                self.keys,
                prepared,
                draft=None,
                signature=None,
                place=place,
                base_url="http://testserver",
                payment_days=14,
                language="ja",
                now=self.clock(),
                random=self.random,
            )

        try:
            return await self.store.database.transact(work)
        except SlotTaken as taken:
            return taken

    def all_file(self, prepared: Prepared, count: int) -> list[Submitted | SlotTaken]:
        """Everybody presses at once."""

        async def at_once() -> list[Submitted | SlotTaken]:
            return list(await asyncio.gather(*(self.files(prepared) for _ in range(count))))

        return self.store.run(at_once())

    def files_alone(self, opening: Opening) -> Submitted:
        prepared = self.prepared(opening)
        assert isinstance(prepared, Prepared)
        (made,) = self.all_file(prepared, 1)
        assert isinstance(made, Submitted)
        return made

    def places(self) -> list[int]:
        rows = self.store.read(lambda db: db.all(select(t.seat.c.place).order_by(t.seat.c.place)))
        return [row.place for row in rows]

    def applications(self) -> int:
        return int(self.store.read(lambda db: db.scalar(select(func.count()).select_from(t.application))))

    def moves(self, made: Submitted, after: OfficeState) -> None:
        before = OfficeState(made.state)

        def work(db: Any) -> bool:
            return move(db, made.application_id, before, after, "test", now=self.clock())

        assert self.store.transact(work)


def _with(slot: Slot, capacity: Mapping[str, int]) -> Slot:
    return replace(slot, capacity=capacity.get(slot.start, slot.capacity))


@pytest.fixture
def counter(store: Store, keys: Keys, make: Maker, clock: Clock, random: Random) -> Counter:
    return Counter(store, keys, make, clock, random)


def test_three_places_go_to_three_of_twenty_who_press_at_once(counter: Counter) -> None:
    prepared = counter.prepared(counter.opening(**{DAY: 3}))
    assert isinstance(prepared, Prepared)
    found = counter.all_file(prepared, 20)
    assert sum(isinstance(each, Submitted) for each in found) == 3
    assert counter.places() == [1, 2, 3]
    assert counter.applications() == 3, "who got no place left nothing behind"


def test_the_last_place_is_never_given_twice(counter: Counter) -> None:
    counter.files_alone(counter.opening(**{DAY: 2}))
    prepared = counter.prepared(counter.opening(**{DAY: 2}))
    assert isinstance(prepared, Prepared)
    found = counter.all_file(prepared, 8)
    assert sum(isinstance(each, Submitted) for each in found) == 1
    assert counter.places() == [1, 2]


def test_two_procedures_that_share_a_calendar_share_its_places(counter: Counter) -> None:
    counter.files_alone(counter.opening())
    other = replace(GOMI, slug="another")
    found = counter.store.read(
        lambda db: seats.opening(db, other, LIBRARY.shared.bookings, CITY_HERE, now=counter.clock())
    )
    assert found is not None and found.left(found.slots[DAY]) == found.slots[DAY].capacity - 1


@pytest.mark.parametrize("after", [OfficeState.WITHDRAWN, OfficeState.EXPIRED, OfficeState.REFUSED])
def test_a_place_that_is_not_needed_any_more_goes_to_somebody_else(counter: Counter, after: OfficeState) -> None:
    made = counter.files_alone(counter.opening(**{DAY: 1}))
    assert [error.code for error in _errors(counter)] == [FULL]
    counter.moves(made, after)
    assert counter.places() == []
    counter.files_alone(counter.opening(**{DAY: 1}))


def _errors(counter: Counter) -> Any:
    refused = counter.prepared(counter.opening(**{DAY: 1}))
    assert isinstance(refused, Rejected)
    return refused.errors


def test_what_is_accepted_keeps_its_place(counter: Counter) -> None:
    made = counter.files_alone(counter.opening())
    counter.moves(made, OfficeState.ACCEPTED)
    assert counter.places() == [1]


def test_a_calendar_with_fewer_places_than_were_given_away_gives_none(counter: Counter) -> None:
    first = counter.files_alone(counter.opening(**{DAY: 3}))
    counter.files_alone(counter.opening(**{DAY: 3}))
    counter.files_alone(counter.opening(**{DAY: 3}))
    counter.moves(first, OfficeState.WITHDRAWN)
    seen = counter.prepared(counter.opening(**{DAY: 3}))
    assert isinstance(seen, Prepared) and seen.opening is not None
    now_fewer = replace(seen, opening=counter.opening(**{DAY: 2}))
    assert isinstance(counter.all_file(now_fewer, 1)[0], SlotTaken)
    assert counter.places() == [2, 3]


@pytest.mark.parametrize(("now", "code"), [("2026-11-26T14:59:59", None), ("2026-11-26T15:00:00", CLOSED)])
def test_a_day_closes_at_midnight_in_japan(counter: Counter, clock: Clock, now: str, code: str | None) -> None:
    """Three working days before Tuesday the 1st: Thursday the 26th is the last day to file."""
    clock.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = counter.prepared(counter.opening())
    errors = found.errors if isinstance(found, Rejected) else ()
    assert [error.code for error in errors] == ([code] if code else [])


def test_a_place_that_is_not_paid_for_is_free_before_its_day_comes(counter: Counter) -> None:
    made = counter.files_alone(counter.opening())
    debt = counter.store.read(lambda db: payment_of(db, made.application_id))
    assert debt is not None and debt.deadline == datetime(2026, 11, 30, 14, 59, 59, tzinfo=UTC)


def test_the_mail_says_when(counter: Counter, keys: Keys) -> None:
    prepared = counter.prepared(counter.opening(), applicant={**ANSWERS["applicant"], "email": "kazuko@example.jp"})
    assert isinstance(prepared, Prepared)
    counter.all_file(prepared, 1)
    (claimed,) = counter.store.transact(lambda db: outbox.claim_due(db, keys, now=counter.clock()))
    assert claimed.notice.values["booked"] == "2026-12-01"


SEAT = Seat("x", "2026-12-01T09:00", "10:30")


def test_a_calendar_file_says_the_time_in_utc_and_cuts_no_character() -> None:
    text = calendar_file(
        SEAT, "1@x", summary="来庁;予約,\\\nX" * 9, place="市役所", now=datetime(2026, 11, 20, tzinfo=UTC)
    )
    lines = text.split("\r\n")
    assert "DTSTART:20261201T000000Z" in lines and "DTEND:20261201T013000Z" in lines
    assert all(len(line.encode()) <= 75 for line in lines)
    unfolded = text.replace("\r\n ", "")
    assert "SUMMARY:" + "来庁\\;予約\\,\\\\ X" * 9 in unfolded
    assert unfolded.count("\r\n") == 12


def test_a_whole_day_is_a_day_in_the_calendar_file() -> None:
    seat, now = Seat("x", DAY, ""), datetime(2026, 11, 20, tzinfo=UTC)
    text = calendar_file(seat, "1@x", summary="粗大ごみ", place="", now=now)
    assert "DTSTART;VALUE=DATE:20261201\r\nDTEND;VALUE=DATE:20261202\r\n" in text
    assert "LOCATION" not in text


def test_nothing_is_taken_where_no_slot_is_asked_for(counter: Counter) -> None:
    opening = counter.opening()
    settled = Settled({}, (), (), (), counter.clock().date())
    assert counter.store.transact(lambda db: seats.take(db, opening, settled, "nobody"))
    assert counter.places() == []
