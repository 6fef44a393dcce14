"""What a resident has begun and filed, on either database."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from server.applications import mine
from server.applications.mine import PAGE, Mine
from server.applications.states import ResidentState
from server.store import tables as t
from tests.conftest import Clock, Maker, Store


@pytest.fixture
def resident(make: Maker) -> str:
    return str(make(t.resident)["id"])


def page(store: Store, clock: Clock, resident: str, number: int = 1) -> Mine:
    return store.read(lambda db: mine.of_resident(db, resident, page=number, now=clock()), long=True)


def drafted(make: Maker, clock: Clock, resident: str, **more: Any) -> str:
    row = {"resident_id": resident, "expires_at": clock() + timedelta(days=7)} | more
    return str(make(t.draft, **row)["id"])


def filed(make: Maker, resident: str, **more: Any) -> dict[str, Any]:
    return make(t.application, **{"resident_id": resident, "state": "payment_pending", **more})


def test_only_ones_own_and_only_what_is_still_there_is_listed(
    store: Store, make: Maker, clock: Clock, resident: str
) -> None:
    draft = drafted(make, clock, resident)
    drafted(make, clock, resident, expires_at=clock())
    drafted(make, clock, resident, application_id=filed(make, resident)["id"])
    other = str(make(t.resident)["id"])
    drafted(make, clock, other)
    filed(make, other)
    found = page(store, clock, resident)
    assert [each.id for each in found.drafts] == [draft]
    assert [each.state for each in found.applications] == [ResidentState.PAYMENT_PENDING]
    assert found.pages == 1


def test_the_newest_come_first_and_pages_hold_so_many_of_each(
    store: Store, make: Maker, clock: Clock, resident: str
) -> None:
    version = make(t.declaration)["digest"]
    for _ in range(PAGE + 1):
        filed(make, resident, submitted_at=clock.advance(minutes=1), digest=version)
    drafted(make, clock, resident)
    one, two = (page(store, clock, resident, number) for number in (1, 2))
    assert (len(one.applications), len(two.applications)) == (PAGE, 1)
    assert (len(one.drafts), len(two.drafts)) == (1, 0)
    times = [each.submitted_at for each in (*one.applications, *two.applications)]
    assert times == sorted(times, reverse=True)
    assert one.pages == two.pages == 2


@pytest.mark.parametrize(
    ("standing", "payable"),
    [("due", True), ("declined", True), ("promised", True), ("expired", True), ("paid", False), ("cancelled", False)],
)
def test_what_can_be_paid_leads_to_its_payment(
    store: Store, make: Maker, clock: Clock, resident: str, standing: str, payable: bool
) -> None:
    application = filed(make, resident)
    debt = make(t.debt, application_id=application["id"], state=standing)
    (found,) = page(store, clock, resident).applications
    assert found.debt_id == (debt["id"] if payable else "")


def test_a_draft_goes_with_its_numbers_and_files_and_nobody_elses_goes(
    store: Store, make: Maker, clock: Clock, resident: str
) -> None:
    draft, other = drafted(make, clock, resident), drafted(make, clock, str(make(t.resident)["id"]))
    sent = drafted(make, clock, resident, application_id=filed(make, resident)["id"])
    for owner in (draft, other, sent):
        make(t.mynumber, owner_id=owner)
        make(t.upload, owner_kind="draft", owner_id=owner)
    outcomes = [
        store.transact(partial(mine.discard, draft_id=i, resident_id=resident)) for i in (draft, draft, other, sent)
    ]
    assert outcomes == [True, False, False, False]
    counts = [select(func.count()).select_from(table) for table in (t.draft, t.mynumber, t.upload)]
    assert store.read(lambda db: [db.scalar(each) for each in counts]) == [2, 2, 2]
