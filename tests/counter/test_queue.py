"""Tickets in the store, over both databases: numbers, calls, and what happens when two do the same at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from procedures.queues import QueueTable
from server.applications.receipts import new_number
from server.counter import queue, times, windows
from server.counter.line import Care, State
from server.counter.queue import At, CheckedIn, Issued, Refused, Ticket, Why
from server.counter.windows import Window
from server.japan import today
from server.people.staff_sessions import open_session
from server.store import tables as t
from server.store.keys import Keys
from tests import shipped
from tests.conftest import Clock, Maker, Random, Store

TABLE: QueueTable = shipped.library().shared.queues


class Hall:
    """A town hall with windows. Steps take the time that `clock` shows."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random, make: Maker) -> None:
        self.store, self.keys, self.clock, self.random, self.make = store, keys, clock, random, make

    def take(self, name: str = "juki", **more: Any) -> Ticket:
        return self.issued(name, **more).ticket

    def issued(self, name: str = "juki", **more: Any) -> Issued:
        self.clock.advance(seconds=1)
        return self.store.transact(self.issuing(name, **more))

    def issuing(self, name: str, **more: Any) -> Callable[[Any], Issued]:
        given: dict[str, Any] = {"origin": "kiosk", "language": "ja", "now": self.clock(), "random": self.random}
        return lambda db: queue.issue(db, self.keys, name, **given | more)

    def window(self, label: str, *queues: str) -> At:
        """A window with a clerk who sits there, signed in."""

        def work(db: Any) -> Window | None:
            made = windows.open_window(
                db, label, "市民課", queues or ("juki",), "operator", now=self.clock(), random=self.random
            )
            assert made is not None
            open_session(db, clerk, now=self.clock(), random=self.random)
            assert windows.sit(db, made.id, clerk, now=self.clock()) == ""
            return made

        clerk = self.make(t.staff)["id"]
        made = self.store.transact(work)
        assert made is not None
        return At(made, clerk)

    def do(self, step: Callable[..., Any], *given: Any, after: float = 0, **more: Any) -> Any:
        now = self.clock.advance(seconds=after)
        return self.store.transact(lambda db: step(db, *given, now=now, **more))

    def next(self, at: At, **more: Any) -> Any:
        return self.do(queue.call_next, at, **more)

    def served(self, at: At, *, minutes: float = 5) -> Ticket:
        """Whoever is next is called, served and done."""
        called = self.next(at)
        assert isinstance(called, Ticket)
        self.do(queue.serve, at, called.id)
        done = self.do(queue.finish, at, called.id, after=60 * minutes)
        assert isinstance(done, Ticket) and done.state is State.DONE
        return done

    def now(self, ticket: Ticket) -> Ticket:
        found = self.store.read(lambda db: queue.ticket(db, ticket.id))
        assert found is not None
        return found

    def at_once(self, works: Iterable[Callable[[Any], Any]]) -> list[Any]:
        async def all_of_them() -> list[Any]:
            return list(await asyncio.gather(*(self.store.database.transact(work) for work in works)))

        return self.store.run(all_of_them())

    def together(self, step: Callable[..., Any], *given: tuple[Any, ...]) -> list[Any]:
        """The same step by several at once, each with its own values."""
        now = self.clock()

        def work(values: tuple[Any, ...]) -> Callable[[Any], Any]:
            return lambda db: step(db, *values, now=now)

        return self.at_once([work(each) for each in given])

    def way(self, ticket: Ticket) -> list[tuple[str, str]]:
        events = select(t.ticket_event).where(t.ticket_event.c.ticket_id == ticket.id).order_by(t.ticket_event.c.id)
        return [(row.state, row.queue) for row in self.store.read(lambda db: db.all(events))]


@pytest.fixture
def hall(store: Store, keys: Keys, clock: Clock, random: Random, make: Maker) -> Hall:
    return Hall(store, keys, clock, random, make)


# --- numbers --------------------------------------------------------------------------------------------------------


def test_numbers_count_by_queue_and_begin_anew_at_midnight_in_japan(hall: Hall) -> None:
    assert [hall.take().number, hall.take().number, hall.take("card").number, hall.take().number] == [1, 2, 1, 3]
    hall.clock.now = datetime.fromisoformat("2026-11-20T14:59:00+00:00")
    assert hall.take().number == 4
    hall.clock.advance(minutes=2)
    fresh = hall.take()
    assert (fresh.number, fresh.day) == (1, "2026-11-21")


def test_of_many_who_take_a_number_at_once_each_has_their_own(hall: Hall) -> None:
    made = hall.at_once([hall.issuing("juki") for _ in range(40)])
    assert sorted(each.ticket.number for each in made) == list(range(1, 41))
    assert len({each.code for each in made}) == 40


def test_a_code_opens_its_ticket_however_it_is_typed_and_is_kept_nowhere(hall: Hall) -> None:
    made = hall.issued(slugs=["juminhyo-utsushi", "inkan-shomei"])
    assert made.ticket.slugs == ("juminhyo-utsushi", "inkan-shomei")
    assert len(made.code) == 15

    def of(code: str) -> Ticket | None:
        return hall.store.read(lambda db: queue.of_code(db, hall.keys, code))

    assert of(made.code) == of(made.code.lower()) == of(f"{made.code[:5]} {made.code[5:]}") == made.ticket
    assert of("0" * 15) is None and of("") is None
    rows = hall.store.read(lambda db: db.all(select(t.ticket)))
    assert made.code not in str(rows)


# --- calling --------------------------------------------------------------------------------------------------------


def test_a_number_is_called_served_and_done(hall: Hall) -> None:
    at, ticket = hall.window("1番"), hall.take()
    called = hall.next(at)
    assert (called.id, called.state, called.window_id, called.calls) == (ticket.id, State.CALLED, at.window.id, 1)
    assert hall.do(queue.recall, at, ticket.id).calls == 2
    assert hall.do(queue.serve, at, ticket.id).state is State.SERVING
    assert hall.do(queue.finish, at, ticket.id).state is State.DONE
    assert [state for state, _ in hall.way(ticket)] == ["waiting", "called", "called", "serving", "done"]
    assert hall.next(at) == Refused(Why.NOBODY)


def test_of_two_clerks_who_call_the_same_number_one_has_it_and_the_other_is_told_who(hall: Hall) -> None:
    one, two, ticket = hall.window("1番"), hall.window("2番"), hall.take()
    results = hall.together(queue.call, (one, ticket.id), (two, ticket.id))
    (won,) = [each for each in results if isinstance(each, Ticket)]
    (lost,) = [each for each in results if isinstance(each, Refused)]
    winner = one if won.window_id == one.window.id else two
    assert lost.why is Why.TAKEN and lost.window == winner.window.label
    assert lost.ticket is not None and lost.ticket.state is State.CALLED


def test_many_clerks_who_call_at_once_get_a_different_number_each(hall: Hall) -> None:
    desks = [hall.window(f"{i}番") for i in range(8)]
    for _ in range(6):
        hall.take()
    results = hall.together(queue.call_next, *((at,) for at in desks))
    called = [each.number for each in results if isinstance(each, Ticket)]
    assert sorted(called) == [1, 2, 3, 4, 5, 6]
    assert results.count(Refused(Why.NOBODY)) == 2


def test_a_button_pressed_many_times_calls_one_person(hall: Hall) -> None:
    at = hall.window("1番")
    for _ in range(4):
        hall.take()
    results = hall.together(queue.call_next, *[(at,)] * 6)
    (called,) = [each for each in results if isinstance(each, Ticket)]
    assert {(each.why, each.ticket.id) for each in results if isinstance(each, Refused) and each.ticket} == {
        (Why.IN_HAND, called.id)
    }


def test_a_window_calls_its_own_queues_in_the_order_of_the_line(hall: Hall) -> None:
    at = hall.window("1番", "juki", "card")
    hall.take("zei")
    first, second, third = hall.take("card"), hall.take("juki"), hall.take("juki", priority=Care.PREGNANT)
    assert [hall.served(at, minutes=0).id for _ in range(3)] == [third.id, first.id, second.id]
    assert hall.next(at) == Refused(Why.NOBODY)


def test_a_certain_number_is_called_out_of_turn_but_not_from_another_queue(hall: Hall) -> None:
    at = hall.window("1番")
    hall.take()
    later, elsewhere = hall.take(), hall.take("zei")
    assert hall.do(queue.call, at, elsewhere.id).why is Why.TAKEN
    assert hall.do(queue.call, at, later.id).id == later.id
    assert hall.do(queue.call, at, "0" * 32) == Refused(Why.IN_HAND, hall.now(later))
    hall.do(queue.put_back, at, later.id)
    assert hall.do(queue.call, at, "0" * 32) == Refused(Why.GONE)


def test_whoever_does_not_come_is_absent_after_two_calls_and_may_come_back(hall: Hall) -> None:
    at, other = hall.window("1番"), hall.window("2番")
    ticket, behind = hall.take(), hall.take()
    hall.next(at)
    soon = hall.do(queue.absent, at, ticket.id)
    assert soon.why is Why.SOON and hall.now(ticket).state is State.CALLED
    hall.do(queue.recall, at, ticket.id)
    assert hall.do(queue.absent, at, ticket.id).state is State.ABSENT
    assert hall.next(at).id == behind.id
    back = hall.do(queue.put_back, other, ticket.id)
    assert (back.state, back.calls, back.window_id) == (State.WAITING, 0, None)
    assert hall.next(other).id == ticket.id, "at the place they had"


def test_an_absent_one_who_is_there_is_called_again_at_once(hall: Hall) -> None:
    at, ticket = hall.window("1番"), hall.take()
    hall.next(at)
    hall.do(queue.recall, at, ticket.id)
    hall.do(queue.absent, at, ticket.id)
    assert hall.do(queue.call, at, ticket.id).state is State.CALLED


def test_nobody_touches_what_another_window_has(hall: Hall) -> None:
    mine, other, ticket = hall.window("1番"), hall.window("2番"), hall.take()
    hall.next(mine)
    for step in (queue.recall, queue.serve, queue.absent, queue.put_back, queue.finish):
        refused = hall.do(step, other, ticket.id)
        assert (refused.why, refused.window) == (Why.TAKEN, "1番")
    refused = hall.do(queue.transfer, other, ticket.id, "zei")
    assert refused.why is Why.TAKEN and hall.now(ticket).state is State.CALLED


def test_whoever_is_sent_on_keeps_their_place_by_when_they_came(hall: Hall) -> None:
    one, two = hall.window("1番", "juki"), hall.window("2番", "zei")
    ticket = hall.take("juki")
    hall.clock.advance(minutes=5)
    waits = hall.take("zei")
    hall.next(one)
    hall.do(queue.serve, one, ticket.id)
    moved = hall.do(queue.transfer, one, ticket.id, "zei", after=60)
    assert (moved.queue, moved.number, moved.state, moved.calls) == ("zei", ticket.number, State.WAITING, 0)
    assert hall.next(two).id == ticket.id
    assert hall.way(ticket)[-2:] == [("waiting", "zei"), ("called", "zei")]
    assert waits.state is State.WAITING


def test_two_who_have_the_same_figures_in_one_queue_are_told_apart(hall: Hall) -> None:
    """A-001 that was sent on to H stays A-001: the letter is of where it was taken."""
    one, ticket = hall.window("1番"), hall.take("juki")
    there = hall.take("zei")
    hall.next(one)
    moved = hall.do(queue.transfer, one, ticket.id, "zei")
    assert (moved.number, moved.queue) == (there.number, there.queue)
    assert (moved.text(TABLE), there.text(TABLE)) == ("A-001", "H-001")


def test_whoever_waits_for_one_window_is_called_there_alone(hall: Hall) -> None:
    one, two, three = hall.window("1番"), hall.window("2番"), hall.window("3番", "zei")
    ticket = hall.take()
    hall.next(one)
    hall.do(queue.transfer, one, ticket.id, "juki", window_id=three.window.id)
    assert hall.next(two) == Refused(Why.NOBODY)
    assert hall.do(queue.call, two, ticket.id).why is Why.TAKEN
    assert hall.next(three).id == ticket.id


def test_when_a_window_is_taken_away_its_own_tickets_wait_for_any(hall: Hall) -> None:
    one, two, ticket = hall.window("1番"), hall.window("2番"), hall.take()
    hall.next(one)
    hall.do(queue.transfer, one, ticket.id, "juki", window_id=two.window.id)
    hall.do(windows.close_window, two.window.id, "operator")
    assert hall.next(one).id == ticket.id


def test_whoever_goes_is_not_called_and_whoever_is_served_does_not_go_by_a_button(hall: Hall) -> None:
    at, ticket, other = hall.window("1番"), hall.take(), hall.take()
    gone = hall.do(queue.leave, ticket.id, by="resident")
    assert gone.state is State.LEFT and gone.ended_at is not None
    assert hall.next(at).id == other.id
    hall.do(queue.serve, at, other.id)
    assert hall.do(queue.leave, other.id, by="resident").why is Why.TAKEN
    assert hall.do(queue.leave, ticket.id, by="resident").why is Why.TAKEN


def test_a_ticket_of_yesterday_is_called_no_more(hall: Hall) -> None:
    at, ticket = hall.window("1番"), hall.take()
    hall.next(at)
    hall.clock.advance(days=1)
    assert hall.do(queue.recall, at, ticket.id) == Refused(Why.GONE)
    assert hall.next(at) == Refused(Why.NOBODY), "and it is not in anybody's hand"


def test_why_somebody_is_called_out_of_turn_is_forgotten_when_they_are_gone(hall: Hall) -> None:
    at, first, ticket = hall.window("1番"), hall.take(), hall.take()
    assert hall.do(queue.give_care, ticket.id, Care.DISABLED, by="staff:x").priority is Care.DISABLED
    assert hall.served(at).id == ticket.id
    assert hall.now(ticket).priority is Care.NONE
    hall.do(queue.leave, first.id, by="resident")
    assert hall.do(queue.give_care, first.id, Care.OTHER, by="staff:x").why is Why.TAKEN


def test_an_interview_that_ends_ends_its_ticket(hall: Hall) -> None:
    at, ticket, visit = hall.window("1番"), hall.take(), hall.make(t.visit)["id"]
    hall.next(at)
    assert hall.do(queue.serve, at, ticket.id, visit_id=visit).visit_id == visit
    hall.do(queue.finish_visit, visit, by=at.actor)
    assert hall.now(ticket).state is State.DONE
    hall.do(queue.finish_visit, visit, by=at.actor)
    assert [state for state, _ in hall.way(ticket)][-1:] == ["done"]


def test_every_change_is_heard_by_who_listens(hall: Hall) -> None:
    heard: list[str] = []
    hall.store.database.listen(queue.TOPIC, heard.append)
    at, before = hall.window("1番"), hall.store.read(queue.newest)
    ticket = hall.take("juki")
    hall.next(at)
    hall.do(queue.transfer, at, ticket.id, "zei")
    assert hall.store.read(queue.newest) > before

    async def until_heard() -> None:
        for _ in range(600):
            if set(heard) >= {"juki", "zei"}:
                return
            await asyncio.sleep(0.05)

    hall.store.run(until_heard())
    assert set(heard) >= {"juki", "zei"}


# --- bookings -------------------------------------------------------------------------------------------------------


def booked(hall: Hall, slot: str, slug: str = "tennyu-yoyaku", department: str = "市民課") -> str:
    number = new_number(hall.random)
    row = hall.make(t.application, receipt_number=number, slug=slug, department=department)
    hall.make(t.seat, application_id=row["id"], slot=slot, until="", place=1)
    return number


def arrive(hall: Hall, number: str) -> Any:
    now = hall.clock()
    given: dict[str, Any] = {"origin": "kiosk", "language": "vi", "now": now, "random": hall.random}
    return lambda db: queue.check_in(db, hall.keys, TABLE, number, **given)


def test_whoever_booked_joins_the_queue_and_is_called_at_their_time(hall: Hall) -> None:
    at, number = hall.window("1番"), booked(hall, "2026-11-20T10:30")
    came = hall.take()
    made = hall.store.transact(arrive(hall, number))
    assert isinstance(made, Issued)
    ticket = made.ticket
    assert (ticket.queue, ticket.slugs, ticket.language) == ("juki", ("tennyu-yoyaku",), "vi")
    assert ticket.due_at == datetime.fromisoformat("2026-11-20T10:30+09:00")
    walk_in = hall.take()
    assert hall.served(at, minutes=0).id == came.id
    hall.clock.now = datetime.fromisoformat("2026-11-20T10:30+09:00")
    assert hall.next(at).id == ticket.id
    assert hall.now(walk_in).state is State.WAITING


def test_a_booking_gives_one_ticket_however_often_it_is_shown(hall: Hall) -> None:
    number = booked(hall, "2026-11-20T10:30")
    results = hall.at_once([arrive(hall, number) for _ in range(5)])
    (made,) = [each for each in results if isinstance(each, Issued)]
    assert [each for each in results if isinstance(each, CheckedIn)] == [CheckedIn(made.ticket)] * 4
    hall.do(queue.leave, made.ticket.id, by="resident")
    again = hall.store.transact(arrive(hall, number))
    assert isinstance(again, Issued) and again.ticket.number == 2, "who went and came back has a new one"


def test_a_booking_of_another_day_and_a_number_of_nothing_are_told_alike(hall: Hall) -> None:
    tomorrow = booked(hall, "2026-11-21T10:30")
    assert hall.store.transact(arrive(hall, tomorrow)) is None
    assert hall.store.transact(arrive(hall, "0" * 15)) is None
    whole_day = hall.store.transact(arrive(hall, booked(hall, "2026-11-20", "card", "子育て支援課")))
    assert isinstance(whole_day, Issued)
    assert (whole_day.ticket.queue, whole_day.ticket.due_at) == ("kosodate", None)


# --- times ----------------------------------------------------------------------------------------------------------


def test_waiting_and_serving_are_measured_and_a_day_is_added_up_once(hall: Hall) -> None:
    at = hall.window("1番")
    first = hall.take(slugs=["juminhyo-utsushi"])
    second = hall.take(slugs=["juminhyo-utsushi", "inkan-shomei"])
    gone = hall.take()
    hall.clock.now = first.created_at + timedelta(minutes=4)
    hall.served(at, minutes=6)
    hall.served(at, minutes=3)
    day = today(hall.clock())
    found = hall.store.read(lambda db: times.hours(db, day, day, now=hall.clock()), long=True)
    key = times.Hour(day.isoformat(), 10, "juki", "juminhyo-utsushi")
    assert found[key] == times.Sums(1, 240, 240, 1, 360, 360**2, 0)
    both = found[times.Hour(day.isoformat(), 10, "juki", times.SEVERAL)]
    assert (both.waits, both.waited, both.served) == (1, 600 - 1, 180)
    assert len(found) == 2, "whoever still waits is in no sum"
    hall.clock.advance(days=1)
    assert hall.do(times.sweep) == 1 and hall.do(times.sweep) == 0
    assert hall.now(gone).state is State.LEFT and hall.now(second).state is State.DONE
    kept = hall.store.read(lambda db: times.hours(db, day, day, now=hall.clock()), long=True)
    assert kept == found | {times.Hour(day.isoformat(), 10, "juki", ""): times.Sums(gone=1)}


def test_tickets_go_after_a_month_and_their_sums_after_three_years(hall: Hall) -> None:
    at, ticket = hall.window("1番"), hall.take()
    day = today(hall.clock())
    hall.served(at)
    hall.clock.advance(days=30)
    hall.do(times.sweep)
    assert hall.now(ticket) is not None
    hall.clock.advance(days=1)
    hall.do(times.sweep)
    assert hall.store.read(lambda db: [len(db.all(select(table))) for table in (t.ticket, t.ticket_event)]) == [0, 0]
    assert len(hall.store.read(lambda db: times.hours(db, day, day, now=hall.clock()), long=True)) == 1
    hall.clock.advance(days=3 * 366)
    hall.do(times.sweep)
    assert not hall.store.read(lambda db: times.hours(db, day, day, now=hall.clock()), long=True)


def test_a_wait_is_without_what_was_before_the_booked_time_and_without_absence(hall: Hall) -> None:
    at = hall.window("1番")
    made = hall.store.transact(arrive(hall, booked(hall, "2026-11-20T10:30")))
    hall.clock.now = datetime.fromisoformat("2026-11-20T10:33+09:00")
    called = hall.next(at)
    hall.do(queue.recall, at, called.id, after=60)
    hall.do(queue.absent, at, called.id, after=60)
    hall.do(queue.put_back, at, called.id, after=600)
    hall.do(queue.call, at, called.id, after=30)
    hall.do(queue.serve, at, called.id, after=20)
    hall.do(queue.transfer, at, called.id, "zei", after=300)
    day = today(hall.clock())
    found = hall.store.read(lambda db: times.hours(db, day, day, now=hall.clock()), long=True)
    (sums,) = found.values()
    assert called.id == made.ticket.id
    assert (sums.waited, sums.served, sums.serves) == (180 + 30, 300, 1)


def test_a_pace_is_supposed_until_it_is_measured_and_today_counts_most(hall: Hall) -> None:
    at = hall.window("1番")

    def pace() -> float:
        return hall.store.read(lambda db: times.paces(db, TABLE, now=hall.clock()))["juki"].mean

    assert pace() == 8 * 60
    for _ in range(5):
        hall.take()
        hall.served(at, minutes=2)
    measured = pace()
    assert measured == pytest.approx((5 * 480 + 15 * 120) / 20)
    hall.clock.advance(days=1)
    hall.do(times.sweep)
    assert pace() == pytest.approx((5 * 480 + 5 * 120) / 10)
    hall.clock.advance(days=40)
    assert pace() == 8 * 60


# --- windows --------------------------------------------------------------------------------------------------------


def test_windows_are_counted_as_people_count_them(hall: Hall) -> None:
    for label in ("10番窓口", "2番窓口", "総合案内"):
        hall.window(label)
    assert [each.label for each in hall.store.read(windows.windows)] == ["2番窓口", "10番窓口", "総合案内"]
    assert hall.store.read(lambda db: windows.windows(db, "税務課")) == []


def test_a_label_is_of_one_window_and_one_that_was_closed_comes_back_as_the_same(hall: Hall) -> None:
    first = hall.window("1番").window
    given: dict[str, Any] = {"random": hall.random}
    again = ("1番", "税務課", ["zei"], "operator")
    assert hall.do(windows.open_window, *again, **given) is None
    assert hall.do(windows.close_window, first.id, "operator") is True
    assert hall.do(windows.close_window, first.id, "operator") is False
    back = hall.do(windows.open_window, *again, **given)
    assert back == Window(first.id, "1番", "税務課", ("zei",))
    changed = hall.store.transact(
        lambda db: windows.change_window(db, first.id, "市民課", ["juki", "card"], "operator")
    )
    assert changed and hall.store.read(lambda db: windows.window(db, first.id)) == Window(
        first.id, "1番", "市民課", ("juki", "card")
    )


def test_somebody_sits_at_one_window_and_is_not_pushed_away_unasked(hall: Hall) -> None:
    one, two = hall.window("1番"), hall.window("2番")
    assert hall.do(windows.sit, one.window.id, two.staff_id) == one.staff_id
    assert hall.store.read(lambda db: windows.window_of(db, two.staff_id, now=hall.clock())) == two.window
    assert hall.do(windows.sit, one.window.id, two.staff_id, instead_of="somebody else") == one.staff_id
    assert hall.do(windows.sit, one.window.id, two.staff_id, instead_of=one.staff_id) == ""
    assert hall.store.read(lambda db: windows.window_of(db, two.staff_id, now=hall.clock())) == one.window
    assert hall.store.read(lambda db: windows.window_of(db, one.staff_id, now=hall.clock())) is None
    assert hall.do(windows.sit, "0" * 32, two.staff_id) is None


def test_a_window_is_staffed_while_its_clerk_is_signed_in_today(hall: Hall) -> None:
    at = hall.window("1番")

    def staffed() -> list[str]:
        return [each.window.label for each in hall.store.read(lambda db: windows.staffed(db, now=hall.clock()))]

    assert staffed() == ["1番"]
    hall.clock.advance(minutes=31)
    assert staffed() == [], "signed out by itself"
    newcomer = hall.make(t.staff)["id"]
    assert hall.do(windows.sit, at.window.id, newcomer) == "", "and the chair is free"
    hall.clock.advance(days=1)
    assert hall.store.read(lambda db: windows.window_of(db, newcomer, now=hall.clock())) is None


def test_of_two_who_sit_down_at_once_one_is_told_of_the_other(hall: Hall) -> None:
    at = hall.window("1番")
    hall.store.transact(lambda db: windows.stand_up(db, at.staff_id))
    clerks = [hall.make(t.staff)["id"] for _ in range(4)]
    for clerk in clerks:
        hall.do(open_session, clerk, random=hall.random)
    results = hall.together(windows.sit, *((at.window.id, who) for who in clerks))
    assert results.count("") == 1
    sits = clerks[results.index("")]
    assert [each for each in results if each] == [sits] * 3
