"""What can be booked, as the API shows it. The same for everybody, but never kept: the last place may go any moment."""

from __future__ import annotations

from datetime import date

import strawberry
from strawberry import field

from procedures.bookings import Opening
from server.api.context import Info


@strawberry.type(description="予約できる枠。")
class Slot:
    start: str = field(
        description="枠の始まり(日本の時刻)。答えにこのまま書く。例: 2026-12-01T09:00、1日なら 2026-12-01"
    )
    until: str | None = field(description="枠の終わり(日本の時刻)。例: 10:00。1日なら null。")
    capacity: int = field(description="枠の数。")
    left: int = field(description="空いている数。0なら満員。")


async def slots(info: Info, slug: str, first: date | None, last: date | None) -> list[Slot] | None:
    """Every slot between two days (both included) that a procedure may book now; None where it books nothing."""
    of = info.context.of
    served = of.catalogue.get(slug)
    opening = await of.opening(served.declaration) if served else None
    return _shown(opening, first or date.min, last or date.max) if opening else None


def _shown(opening: Opening, first: date, last: date) -> list[Slot]:
    return [
        Slot(start=slot.start, until=slot.until or None, capacity=slot.capacity, left=opening.left(slot))
        for slot in opening.slots.values()
        if first <= date.fromisoformat(slot.start[:10]) <= last
    ]
