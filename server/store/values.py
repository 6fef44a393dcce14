"""Effects that are passed in, and the ids made of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""The time now, aware, UTC."""
Random = Callable[[int], bytes]
"""That many random bytes."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id(random: Random) -> str:
    """128 random bits as 32 lower-case hex digits: an address nobody guesses."""
    return random(16).hex()
