"""Something else that happens at the worst moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from anyio import to_thread

from procedures.bookings import Opening
from procedures.declaration import Header
from server.services import Services

T = TypeVar("T")


def before_judging(monkeypatch: pytest.MonkeyPatch, press: Callable[[], T]) -> list[T]:
    """Between finding the next draft or visit open and judging it, `press` is carried out whole, once: what it led to
    stands in the list from then on."""
    opening, waiting, led = Services.opening, [press], list[T]()

    async def late(of: Services, declaration: Header) -> Opening | None:
        if waiting:
            led.append(await to_thread.run_sync(waiting.pop()))
        return await opening(of, declaration)

    monkeypatch.setattr(Services, "opening", late)
    return led
