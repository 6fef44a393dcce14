"""A procedure that takes no filings for a while, and the words that its residents read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Suspension:
    """Why, and from when until when (aware, `until` not included). Without a start it is not an operator's, but of a
    server that cannot take it; without an end it lasts until somebody resumes it."""

    reason: str
    start: datetime | None
    until: datetime | None

    def in_force(self, now: datetime) -> bool:
        return (self.start is None or self.start <= now) and not self.over(now)

    def over(self, now: datetime) -> bool:
        return self.until is not None and self.until <= now

    @property
    def moments(self) -> tuple[datetime, ...]:
        """When the state of its procedure changes."""
        return tuple(moment for moment in (self.start, self.until) if moment is not None)
