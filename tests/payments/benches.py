"""A payment provider as its customer meets it: one bench an adapter, so that one suite holds for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from payments.port import Gateway
from payments.sandbox_gateway import Action, Delivery, SandboxGateway
from tests.conftest import Clock, Random

OLD, NEW = "whsec_old", "whsec_new"


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


ADAPTERS: dict[str, Callable[[Path], Bench]] = {"sandbox": SandboxBench}
