"""A payment provider as its customer meets it: one bench an adapter, so that one suite holds for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from payments.port import Event, Gateway, Hint, Payment, Refusal
from payments.sandbox_gateway import Action, Delivery, SandboxGateway
from payments.stripe_gateway import METHODS, StripeGateway
from tests.conftest import Clock, Random
from tests.payments.stripe_server import stripe_server

OLD, NEW = "whsec_old", "whsec_new"
MORNING = datetime(2026, 11, 20, 1, tzinfo=UTC)
"""Where the clock of a bench begins."""


def fee(id: str = "p1", amount: int = 710) -> Payment:
    """A payment as the city's books make it on that morning."""
    due = datetime(2026, 12, 4, 14, 59, 59, tzinfo=UTC)
    return Payment(id, amount, "手数料 123456789012345", MORNING + timedelta(hours=23), due)


class Bench(Protocol):
    """The provider's side of an adapter: what the payer does there, and what the provider sends."""

    clock: Clock

    @property
    def gateway(self) -> Gateway:
        """The adapter under test."""

    def with_secrets(self, *secrets: str) -> Gateway:
        """The same provider seen through an adapter that was started anew with these webhook secrets."""

    async def press(self, reference: str, action: Action) -> Delivery:
        """The payer acts on the provider's page; what the provider sends us for it."""


class SandboxBench:
    """The sandbox's own provider, in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self._random = Random()
        self._file = folder / "provider.sqlite3"
        self.gateway = self.with_secrets(NEW)

    def with_secrets(self, *secrets: str) -> SandboxGateway:
        return SandboxGateway(self._file, secrets, clock=self.clock, random=self._random)

    async def press(self, reference: str, action: Action) -> Delivery:
        delivery = await self.gateway.press(reference, action)
        assert delivery is not None
        return delivery


class StripeBench:
    """The Stripe adapter, over HTTP, against an account of its own at our Stripe-compatible server."""

    def __init__(self, _folder: Path | None = None) -> None:
        self.clock = Clock()
        self.account = stripe_server().account(NEW, self.clock)
        self.gateway = self.with_secrets(NEW)

    def with_secrets(self, *secrets: str) -> StripeGateway:
        return self.adapter(secrets)

    def adapter(self, secrets: tuple[str, ...] = (NEW,), *, patience: float = 60.0) -> StripeGateway:
        at, key = self.account.site, self.account.key
        return StripeGateway(key, secrets, methods=list(METHODS), clock=self.clock, api_base=at, patience=patience)

    async def press(self, reference: str, action: Action) -> Delivery:
        sent = await asyncio.to_thread(self.account.act, reference, action.value)
        return Delivery(sent[-1].body, sent[-1].signature)


async def understood(gateway: Gateway, delivery: Delivery, now: datetime) -> Event | Refusal | None:
    """What comes of a webhook: what it says, or what the provider answers where it is only a hint."""
    told = gateway.read_event(delivery.body, delivery.signature, now)
    return await gateway.read(told.reference) if isinstance(told, Hint) else told


ADAPTERS: dict[str, Callable[[Path], Bench]] = {"sandbox": SandboxBench, "stripe": StripeBench}
