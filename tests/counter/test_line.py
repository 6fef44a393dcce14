"""The line without a store: its steps, who is next, and how long it takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.counter.line import BOOKED, CARE, OPEN, STEPS, Desk, Pace, State, Step, Waiting, forecast, in_order

NINE = datetime(2026, 11, 20, 0, tzinfo=UTC)
"""9:00 in Japan."""
MINUTE = timedelta(minutes=1)
moments = st.integers(0, 480).map(lambda minutes: NINE + minutes * MINUTE)


def waiting(name: str, arrived: float, *, queue: str = "a", care: bool = False, due: float | None = None) -> Waiting:
    due_at = None if due is None else NINE + due * MINUTE
    return Waiting(name, queue, ord(name[0]), NINE + arrived * MINUTE, care, due_at)


@st.composite
def lines(draw: st.DrawFn) -> list[Waiting]:
    count = draw(st.integers(2, 12))
    return [
        Waiting(str(i), "a", i, draw(moments), draw(st.booleans()), draw(st.none() | moments), None)
        for i in range(count)
    ]


def order(*line: Waiting, at: float) -> str:
    return "".join(each.id for each in in_order(line, NINE + at * MINUTE))


# --- steps ----------------------------------------------------------------------------------------------------------


def test_a_ticket_that_is_over_stays_over() -> None:
    assert {state for step in STEPS.values() for state in step} == OPEN
    assert set(State) - OPEN == {State.DONE, State.LEFT}


@given(st.lists(st.sampled_from(Step), max_size=40))
def test_whatever_is_done_nobody_is_served_who_was_not_called_nor_done_who_was_not_served(steps: list[Step]) -> None:
    way = [State.WAITING]
    for step in steps:
        if way[-1] in STEPS[step]:
            way.append(STEPS[step][way[-1]])
    for before, after in pairwise(way):
        if after is State.SERVING:
            assert before is State.CALLED
        if after is State.DONE:
            assert before is State.SERVING
        assert before in OPEN


def test_the_end_is_reached_from_everywhere() -> None:
    for state in OPEN:
        assert STEPS[Step.LAPSE][state] is State.LEFT
    assert State.SERVING not in STEPS[Step.LEAVE], "whoever is served does not go by pressing a button on the phone"


# --- who is next ----------------------------------------------------------------------------------------------------


def test_whoever_came_first_is_next() -> None:
    assert order(waiting("b", 2), waiting("a", 1), waiting("c", 3), at=10) == "abc"


def test_whom_a_clerk_puts_in_front_passes_those_who_came_shortly_before_and_nobody_else() -> None:
    assert order(waiting("a", 0), waiting("b", 5), waiting("c", 21, care=True), at=30) == "acb"


def test_a_booking_counts_from_its_time_on_and_not_before() -> None:
    line = [waiting("a", 0), waiting("b", 55), waiting("c", 10, due=60)]
    assert order(*line, at=59) == "abc"
    assert order(*line, at=60) == "acb"


def test_whoever_comes_late_for_a_booking_stands_from_when_they_came() -> None:
    line = [waiting("a", 0), waiting("b", 31), waiting("c", 90, due=0)]
    assert order(*line, at=91) == "acb"


def claim(of: Waiting) -> datetime:
    """From when on somebody has a reason to be served: when they came, or the time they booked."""
    return of.arrived if of.care or of.due_at is None else max(of.arrived, of.due_at)


@given(lines(), moments)
def test_nobody_starves(line: list[Waiting], now: datetime) -> None:
    """Only whoever comes (or booked) within the hour after somebody can ever be before them."""
    for first, later in combinations(in_order(line, now), 2):
        assert claim(first) <= claim(later) + BOOKED
        if first.due_at is None:
            assert claim(first) <= claim(later) + CARE


@given(lines(), moments, st.integers(1, 60))
def test_of_two_who_are_alike_the_order_never_turns(line: list[Waiting], now: datetime, minutes: int) -> None:
    later = now + minutes * MINUTE
    plain = [each for each in line if each.due_at is None]
    assert in_order(plain, now) == in_order(plain, later)


@given(lines(), moments)
def test_the_order_is_of_everybody_and_does_not_depend_on_how_they_are_listed(
    line: list[Waiting], now: datetime
) -> None:
    found = in_order(line, now)
    assert sorted(each.id for each in found) == sorted(each.id for each in line)
    assert in_order(reversed(line), now) == found


# --- how long -------------------------------------------------------------------------------------------------------

TEN = {"a": Pace(600, 0), "b": Pace(300, 0)}


def minutes(line: list[Waiting], desks: list[Desk], paces: dict[str, Pace] = TEN) -> dict[str, tuple[int, int]]:
    found = forecast(line, desks, paces, NINE)
    return {name: (each.least, each.most) for name, each in found.items()}


def test_one_window_takes_one_after_another() -> None:
    line = [waiting(name, i - 60) for i, name in enumerate("xyz")]
    assert minutes(line, [Desk("1", ("a",))]) == {"x": (0, 5), "y": (10, 10), "z": (20, 20)}


def test_two_windows_halve_the_wait_and_whom_they_serve_counts() -> None:
    line = [waiting(name, i - 60) for i, name in enumerate("xyz")]
    desks = [Desk("1", ("a",)), Desk("2", ("a", "b"), "a", NINE - 5 * MINUTE)]
    assert minutes(line, desks) == {"x": (0, 5), "y": (5, 5), "z": (10, 10)}


def test_a_window_serves_its_own_queues_and_a_ticket_for_one_window_waits_for_that() -> None:
    line = [waiting("x", -3, queue="b"), waiting("y", -2), Waiting("z", "a", 1, NINE, False, None, "2")]
    assert minutes(line, [Desk("1", ("a",)), Desk("3", ("c",))]) == {"y": (0, 5)}
    assert minutes(line, [Desk("1", ("a",)), Desk("2", ())]) == {"y": (0, 5), "z": (0, 5)}


def test_where_nobody_sits_there_is_no_forecast() -> None:
    assert minutes([waiting("x", 0)], []) == {}


def test_somebody_who_takes_longer_than_usual_is_not_done_long_ago() -> None:
    desk = Desk("1", ("a",), "a", NINE - 50 * MINUTE)
    assert minutes([waiting("x", 0), waiting("y", 1)], [desk]) == {"x": (0, 5), "y": (10, 15)}


def test_the_more_are_ahead_the_wider_is_what_is_said() -> None:
    line = [Waiting(str(i), "a", i, NINE + i * MINUTE, False, None) for i in range(10)]
    found = minutes(line, [Desk("1", ("a",))], {"a": Pace(600, 300)})
    widths = [most - least for least, most in (found[str(i)] for i in range(10))]
    assert widths == sorted(widths) and widths[-1] >= 30


@settings(max_examples=40)
@given(lines(), st.integers(1, 4))
def test_with_somebody_at_a_window_everybody_is_told_something_and_whoever_is_next_the_least(
    line: list[Waiting], windows: int
) -> None:
    now = NINE + 500 * MINUTE
    found = forecast(line, [Desk(str(i), ("a",)) for i in range(windows)], {"a": Pace(480, 240)}, now)
    assert found.keys() == {each.id for each in line}
    mosts = [found[each.id].most for each in in_order(line, now)]
    assert all(0 <= each.least < each.most or each.least == each.most > 0 for each in found.values())
    assert mosts[0] == min(mosts)


@pytest.mark.parametrize("step", list(Step))
def test_every_step_is_in_the_table(step: Step) -> None:
    assert STEPS[step]
