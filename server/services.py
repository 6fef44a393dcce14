"""What the composition root built, as handlers find it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from payments.port import Gateway
from procedures.bookings import Opening
from procedures.city import City
from procedures.declaration import Header
from server.applications import seats
from server.applications.casework import Office
from server.applications.intake import Intake
from server.applications.quarantine import Quarantine
from server.applications.scanner import Scanner
from server.applications.teller import Teller
from server.catalogue import Catalogue
from server.counter.interview import Interviews
from server.counter.live import Live
from server.counter.mirror import Mirrors
from server.languages import Languages
from server.money.checkout import Cashier
from server.notices.worker import Mailer
from server.paper.press import Press
from server.people.identity import IdentityAdapter
from server.people.passwords import Passwords
from server.people.postal import PostalData
from server.people.reader import CardReader
from server.people.signing import SigningAdapter
from server.settings import Settings
from server.store.blobs import Blobs
from server.store.database import Database
from server.store.keys import Keys
from server.store.values import Clock, Random

if TYPE_CHECKING:  # only the names: what is above reaches down, never the other way; and what is rarely used
    from server.people.staff_oidc import StaffProvider
    from server.web.metrics import Metrics
    from server.web.render import Renderer


@dataclass(frozen=True, slots=True)
class Services:
    """Everything with an effect. A port that is off is None (`identity`: empty)."""

    settings: Settings
    city: City
    database: Database
    keys: Keys
    blobs: Blobs
    catalogue: Catalogue
    postal: PostalData
    identity: Mapping[str, IdentityAdapter]
    signing: SigningAdapter | None
    passwords: Passwords
    staff_provider: StaffProvider | None
    gateway: Gateway | None
    mailer: Mailer | None
    scanner: Scanner | None
    reader: CardReader | None
    intake: Intake
    clock: Clock
    random: Random
    languages: Languages
    renderer: Renderer
    metrics: Metrics
    press: Press
    interviews: Interviews = field(default_factory=Interviews)
    mirrors: Mirrors = field(default_factory=Mirrors)
    live: Live = field(default_factory=Live)

    @property
    def edition(self) -> tuple[str, datetime]:
        """What an answer that is the same for everybody depends on: what is served, and since when the clock has
        changed nothing of it."""
        return self.catalogue.version, self.catalogue.since(self.clock())

    @property
    def teller(self) -> Teller:
        """Who tells residents by mail of what happens while they are away."""
        return Teller(self.keys, self.random, self.settings.base_url)

    @property
    def office(self) -> Office:
        """What acts on an application take."""
        return Office(self.teller, tuple(self.city.departments))

    @property
    def cashier(self) -> Cashier | None:
        """Where fees are paid, and the payer is told; None when payments are off."""
        if self.gateway is None:
            return None
        return Cashier(self.database, self.gateway, self.teller.paid, self.clock, self.random)

    @property
    def quarantine(self) -> Quarantine | None:
        """Where waiting files are scanned; None when the scanner is off, and then they go on waiting."""
        if self.scanner is None:
            return None
        return Quarantine(self.database, self.keys, self.blobs, self.scanner, self.teller)

    async def opening(self, declaration: Header) -> Opening | None:
        """What can be booked for a procedure now, with the places left; None where nothing is."""
        if declaration.booking is None:
            return None
        table, now = self.catalogue.shared.bookings, self.clock()
        return await self.database.read(lambda db: seats.opening(db, declaration, table, self.city, now=now))
