"""Asking for a fee to go back: of two who press at once one asks, and it is asked where the money is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.applications import refunding
from server.applications.proposals import Outcome
from server.applications.refunding import Unfit
from server.people.staff_sessions import Staff
from server.store import tables as t
from tests.applications.test_proposals import CITY, Office, clerk, office, treasurer

__all__ = ["clerk", "office", "treasurer"]  # the fixtures

WHY = "二重に払われたため"


def asking(office: Office, who: Staff, amount: int = 100, reason: str = WHY) -> Any:
    return lambda db: refunding.ask(db, office.keys, who, office.payment, amount, reason, **office.given)


NUMBER = "100000000000009"


def make_number(office: Office) -> None:
    office.store.transact(
        lambda db: db.execute(t.application.update().values(receipt_number=NUMBER, state="withdrawn"))
    )


def sheet(office: Office, who: Staff) -> Any:
    found = office.store.read(lambda db: refunding.sheet(db, who, NUMBER, now=office.clock()))
    assert found is not None and found.department == CITY
    return found.came


def test_of_two_who_press_at_once_one_asks(office: Office, clerk: Staff, treasurer: Staff) -> None:
    async def at_once() -> list[str | Unfit]:
        works = [asking(office, who) for who in (clerk, clerk, treasurer)]
        return list(await asyncio.gather(*(office.store.database.transact(work) for work in works)))

    found = office.store.run(at_once())
    assert [each for each in found if isinstance(each, Unfit)] == [Unfit.WAITING] * 2
    assert len(office.lines("proposal.ask")) == 1


@pytest.mark.parametrize(
    ("amount", "reason", "why"),
    [(0, WHY, Unfit.AMOUNT), (601, WHY, Unfit.AMOUNT), (1, " ", Unfit.REASON), (1, "あ" * 301, Unfit.REASON)],
)
def test_what_is_no_sum_or_has_no_reason_is_not_asked_for(
    amount: int, reason: str, why: Unfit, office: Office, clerk: Staff
) -> None:
    assert office.store.transact(asking(office, clerk, amount, reason)) is why
    assert office.lines("proposal.ask") == []


def test_another_department_asks_for_nothing_and_is_told_nothing(office: Office) -> None:
    elsewhere = office.colleague("elsewhere", "clerk:税務課")
    assert office.store.transact(asking(office, elsewhere)) is Unfit.UNKNOWN


def test_the_sheet_says_what_came_what_is_asked_for_and_what_was_decided(
    office: Office, clerk: Staff, treasurer: Staff
) -> None:
    make_number(office)
    proposal = office.store.transact(asking(office, clerk, 200))
    (came,) = sheet(office, treasurer)
    assert (came.money.left, came.waits, came.refunds) == (600, True, [])
    assert office.decides(treasurer, proposal).outcome is Outcome.ALLOWED
    (came,) = sheet(office, treasurer)
    assert (came.money.left, came.waits, [each.amount for each in came.refunds]) == (400, False, [200])


def test_what_was_asked_for_twice_over_is_given_as_far_as_there_is_something_left(
    office: Office, clerk: Staff, treasurer: Staff
) -> None:
    first = office.store.transact(asking(office, clerk, 400))
    assert office.decides(treasurer, first).outcome is Outcome.ALLOWED
    assert office.store.transact(asking(office, clerk, 201)) is Unfit.AMOUNT
    second = office.store.transact(asking(office, clerk, 200))
    assert office.decides(treasurer, second).outcome is Outcome.ALLOWED
    assert office.store.transact(asking(office, clerk, 1)) is Unfit.AMOUNT
