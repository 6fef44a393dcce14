"""What the composition root built, as handlers find it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.port import Gateway
from procedures.city import City
from server.catalogue import Catalogue
from server.notices.worker import Mailer
from server.people.identity import IdentityAdapter
from server.people.postal import PostalData
from server.people.signing import SigningAdapter
from server.settings import Settings
from server.store.blobs import Blobs
from server.store.database import Database
from server.store.keys import Keys
from server.store.values import Clock, Random

if TYPE_CHECKING:  # only the names: what is above reaches down, never the other way
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
    gateway: Gateway | None
    mailer: Mailer | None
    clock: Clock
    random: Random
    renderer: Renderer
    metrics: Metrics
