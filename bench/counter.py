"""The counter: what the next question of an interview costs, for the family that moves in with seven applications.

As the pages do it: the answers of a page are taken into the turn that is kept ready (`server.counter.interview`), and
the next questions are found. The store is not in it, nor is the page.
"""

from __future__ import annotations

import time
from statistics import median

from bench.table import Row
from procedures.joint import Joint, State, Turn, apply
from procedures.library import load_library
from tests.counter.window import moving
from tests.procedures.moving_family import APPLICATIONS, TODAY

ROUNDS, GOAL = 9, 2.0
"""Interviews from beginning to end; milliseconds of CPU that the next question may cost, in the median."""


def _interview(joint: Joint) -> list[float]:
    """CPU milliseconds from one page of questions to the next."""
    clerk, took = moving(), list[float]()
    turn: Turn = joint.turn(State(), TODAY)
    ask = turn.next()
    while ask is not None:
        said = clerk.said(ask, turn)
        started = time.process_time()
        turn, _ = apply(turn, said, by="staff:1")
        ask = turn.next()
        took.append((time.process_time() - started) * 1000)
    return took


def rows() -> list[Row]:
    """The lines of `make bench`."""
    declarations = load_library().declarations
    joint = Joint({slug: declarations[slug].form for slug in APPLICATIONS})
    rounds = [_interview(joint) for _ in range(ROUNDS)]
    by_page = [min(each) for each in zip(*rounds, strict=True)]
    mid, most = median(by_page), max(by_page)
    told = f"{mid:.2f} ms CPU in the median of {len(by_page)} pages, {most:.1f} at most"
    return [Row("counter: the next questions, 7 applications", told, "", f"< {GOAL:.0f} ms", mid < GOAL)]


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
