"""The payments port: what a city asks of whoever takes its money, in the city's own words.

Only an adapter knows its provider's words. The port is async and is called by handlers and the worker between two
transactions, never inside one; so every call may be repeated with the same ids after a crash, to no further effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

CURRENCY: Final = "JPY"
MOST: Final = 2**53
"""Above this a JSON number is not the same number everywhere."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to collect what somebody owes: whole yen, and `id`, which is ours and makes `start` idempotent.

    `description` is read by the payer and by the provider, so it names no procedure: what a person files is personal.
    `until`: when its checkout ends. `pay_by`: by when what is promised there must have come; None leaves that to the
    provider. Both are kept with the payment, so that a repeated `start` says the very same. `reference`: the checkout
    that was opened for it, once that is known.
    """

    id: str
    amount: int
    description: str
    until: datetime
    pay_by: datetime | None = None
    reference: str | None = None

    def __post_init__(self) -> None:
        if type(self.amount) is not int or not 0 < self.amount <= MOST:
            raise ValueError(f"an amount is a whole number of yen above 0, not {self.amount!r}")


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where the payer goes: the provider's page for one payment, or what to bring to the shop once that was promised.

    `reference` is the provider's own name for it.
    """

    url: str
    reference: str
    expires_at: datetime


class EventKind(StrEnum):
    """What a provider can tell. An attempt that was declined can be repeated; an expired checkout cannot be paid."""

    DECLINED = "declined"
    PROMISED = "promised"  # to be paid later, in a shop or by transfer
    EXPIRED = "expired"
    PAID = "paid"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Event:
    """The provider's own word on one payment; nothing else marks a fee as paid.

    `amount` is what the payment is for or what was paid. `refunded` is all that has been given back so far, never one
    refund alone, so that events mean the same in any order. `payment_id` is ours, carried by the provider: it finds the
    payment even when we fell over before we noted the reference. `pay_until` belongs to a promise.
    """

    id: str
    kind: EventKind
    payment_id: str
    reference: str
    amount: int
    currency: str
    at: datetime
    refunded: int = 0
    pay_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """Truly the provider's word that something happened, but not what: `read(reference)` tells."""

    reference: str


class Refusal(StrEnum):
    """Why a body that claims to be an event is not believed. FOREIGN: signed, but test money where real money is due,
    or the other way round."""

    FORGED = "forged"
    STALE = "stale"
    MALFORMED = "malformed"
    FOREIGN = "foreign"


class ProviderUnavailable(Exception):
    """No answer, or none that can be used. Nothing is known to have happened: repeat later with the same ids."""


class PaymentConflict(ValueError):
    """One id was used for two different things: the provider did nothing."""


class Uncollectable(Exception):
    """None of the ways to pay that the city takes can collect this sum."""


class Gateway(Protocol):
    """A payment provider. Every async method may raise `ProviderUnavailable`."""

    @property
    def name(self) -> str:
        """As in `/payments/webhook/{name}`, and kept with every payment."""

    @property
    def signature_header(self) -> str:
        """The header of a webhook that carries its signature."""

    async def start(self, payment: Payment, return_url: str) -> Checkout:
        """Open a checkout, or answer the one already open for this id; PaymentConflict for another amount.

        Raises Uncollectable.
        """

    def read_event(self, body: bytes, signature: str, now: datetime) -> Event | Hint | Refusal | None:
        """Read a webhook: the raw body and its signature header. Never raises, whatever is sent.

        None: truly the provider's word, but nothing that concerns us.
        """

    async def read(self, reference: str) -> Event | None:
        """Ask how a checkout stands; the same standing has the same event id. None: nothing happened, or unknown.

        `reference` may also be that of a `Hint`.
        """

    async def refund(self, reference: str, amount: int, *, reason: str, key: str) -> Event | None:
        """Give back `amount` yen; a repeated `key` gives nothing more. None: not paid, or not so much is left."""

    async def expire(self, reference: str) -> None:
        """Close a checkout that has not been paid; no effect on any other.

        What was promised can still come where a provider cannot take its slip back: `read` tells.
        """
