"""The fee table changes while somebody looks at the check page: the fee they saw, or a new look; never a third."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from server.services import Services
from server.settings import Settings
from server.store import tables as t
from server.store.database import Reading
from tests.conftest import Clock
from tests.journeys.conftest import running
from tests.journeys.filing import library
from tests.journeys.pages import Page, Resident
from tests.journeys.test_turns import on
from tests.security.declarations import declared as procedure

OCTOBER = datetime(2024, 9, 30, 15, tzinfo=UTC)
"""Midnight in Japan, at which a letter went from 84 to 110 yen in `procedures/fees.json`."""
NOTE = {"type": "object", "properties": {"note": {"type": "string", "title": "用件", "maxLength": 50}}}
LETTER = procedure(
    "tegami",
    schema=NOTE | {"required": ["note"]},
    ui={"steps": [{"title": "用件", "fields": ["/note"]}]},
    attachments=[],
    fee={"timing": "submit", "items": [{"code": "post-letter"}], "waivers": []},
)


@dataclass
class Desk:
    resident: Resident
    of: Services
    portal: Any
    clock: Clock

    def checked(self, before: timedelta) -> Page:
        """The check page, as it was so long before the change."""
        self.clock.now = OCTOBER - before
        page = on(self.resident, self.resident.open("/procedures/tegami/apply"), {"note": ["住所の変更"]})
        assert page.path.endswith("/check")
        return page

    def sends(self, page: Page) -> Page:
        return self.resident.press(page, page.form(action="/submit"))

    def owed(self) -> list[tuple[int, str]]:
        """Each debt: the yen, and the day whose table it was quoted by."""

        def work(db: Reading) -> Sequence[Any]:
            return db.all(select(t.debt.c.amount, t.debt.c.quote_json))

        rows = self.portal.call(self.of.database.read, work)
        return [(row.amount, json.loads(row.quote_json)["on"]) for row in rows]


@pytest.fixture
def desk(settings: Settings, clock: Clock) -> Iterator[Desk]:
    clock.now = OCTOBER - timedelta(days=1)
    with ExitStack() as stack:
        one = replace(library(), declarations={LETTER.slug: LETTER})
        client = stack.enter_context(running(settings, one, clock))
        yield Desk(Resident(client), client.app.state.services, client.portal, clock)  # type: ignore[attr-defined]


def test_what_is_sent_before_the_change_costs_what_was_seen_and_stays_so(desk: Desk) -> None:
    check = desk.checked(timedelta(seconds=1))
    assert "84円" in check.text
    receipt = desk.sends(check)
    assert receipt.path.endswith("/receipt")
    desk.clock.now = OCTOBER + timedelta(minutes=20)
    assert "84円" in desk.resident.open(receipt.link("/payments/")).text
    assert desk.owed() == [(84, "2024-09-30")]


@pytest.mark.parametrize("after", [timedelta(0), timedelta(seconds=1), timedelta(minutes=25)], ids=str)
def test_what_is_sent_after_the_change_is_shown_anew_before_it_is_owed(desk: Desk, after: timedelta) -> None:
    check = desk.checked(timedelta(seconds=1))
    desk.clock.now = OCTOBER + after
    again = desk.sends(check)
    assert again.status == 409
    assert "手数料が変わりました" in again.text and "110円" in again.text and "84円" not in again.text
    assert desk.owed() == []
    assert desk.sends(again).path.endswith("/receipt")
    assert [amount for amount, _ in desk.owed()] == [110]


def test_the_fee_of_another_day_cannot_be_asked_for(desk: Desk) -> None:
    """The page names what was seen; a page of yesterday, or one made up, is answered with today's."""
    check = desk.checked(timedelta(seconds=1))
    desk.clock.now = OCTOBER + timedelta(minutes=20)
    for _ in range(2):
        assert desk.sends(check).status == 409
    assert desk.owed() == []


def test_another_fiscal_year_with_the_same_fee_is_no_change(desk: Desk) -> None:
    check = desk.checked(-timedelta(days=181, hours=23, minutes=59))
    before = desk.clock.now
    desk.clock.advance(minutes=2)
    assert [before.astimezone().year, desk.clock.now.year] == [2025, 2025]
    assert desk.sends(check).path.endswith("/receipt")
    assert desk.owed() == [(110, "2025-04-01")]
