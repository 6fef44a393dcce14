"""Japan's time. There is no summer time, so the zone is an offset and needs no table of zones."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

JST = timezone(timedelta(hours=9), "JST")


def in_japan(moment: datetime) -> datetime:
    """An aware datetime as clocks in Japan show it."""
    return moment.astimezone(JST)


def today(now: datetime) -> date:
    """The date in Japan at `now`."""
    return in_japan(now).date()


def midnight(day: date) -> datetime:
    """The moment at which `day` begins in Japan."""
    return datetime.combine(day, time(), JST)


def moment_of(text: str) -> datetime:
    """An aware datetime of '2026-11-25T20:00' as clocks in Japan show it, a blank for the T, or with an offset.

    Raises ValueError without a time of day: whether 'until the 26th' means its beginning or its end, nobody can tell.
    """
    found = datetime.fromisoformat(text.strip())
    if ":" not in text:
        raise ValueError(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=JST)


def fiscal_year(day: date) -> int:
    """年度: from 1 April to 31 March."""
    return day.year if day.month >= 4 else day.year - 1
