"""A line of the table that `make bench` prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, and what is asked of it."""

    what: str
    found: str
    ratio: str = ""
    goal: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        mark = "" if self.met is None else "met" if self.met else "MISSED"
        return f"{self.what:<62} {self.found:>24}  {self.ratio:<32} {self.goal:<26} {mark}"
