"""The one place that believes a provider, once per event, whether it was sent to us or we asked for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from payments.port import Event, EventKind
from server.money.account import Account, Attempt, held_by_payment
from server.money.states import RULES, Standing, told
from server.store import tables as t
from server.store.database import Writing

Paid = Callable[[Writing, str, datetime], None]
"""What becomes of an application (its id) once its fee has come, in the transaction that believes the provider."""

_MONEY: Final = (EventKind.PAID, EventKind.REFUNDED)


@dataclass(frozen=True, slots=True)
class Settled:
    """The event was taken down; the payment stands here now."""

    payment_id: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The money is not the money we asked for. Nothing counts as paid by it; the audit line is for a person."""

    payment_id: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """We were told before."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Truly the provider's word, but of a payment that is not ours."""


Outcome = Settled | Mismatch | Duplicate | Unknown


def settle(db: Writing, provider: str, event: Event, *, paid: Paid, now: datetime) -> Outcome:
    """Take one event of `provider` down, whatever came before it. `paid` is called once a debt, when it is covered.

    Money for a debt that was cancelled is surplus: it is taken down, and sets nothing off.

    The primary key decides between two deliveries at once: the later waits for the earlier and then is a duplicate.
    """
    key = {"provider": provider, "event_id": event.id, "kind": event.kind.value, "received_at": now}
    if not db.insert_new(t.provider_event, key):
        return Duplicate()
    account = held_by_payment(db, provider, event.payment_id)
    if account is None:
        db.audit("payment.unknown", event.reference, actor=provider, detail=_detail(event))
        return Unknown()
    return _take(db, account, event, provider, paid, now)


def _take(db: Writing, account: Account, event: Event, provider: str, paid: Paid, now: datetime) -> Outcome:
    def line(action: str) -> None:
        db.audit(action, account.application_id, actor=provider, detail=_detail(event))

    before, owed = account.attempt(event.payment_id), not RULES[account.standing].settled
    to = _heard(before, event)
    after = account.rise(before.id, to, **_noted(before, event, to))
    if to is Standing.UNCLEAR:
        line("payment.mismatch")
        return Mismatch(before.id)
    if after.standing is not before.standing:
        line(f"payment.{after.standing}")
    if RULES[after.standing].covers and not RULES[before.standing].covers:
        if owed:
            paid(db, account.application_id, now)
        else:  # a second payment, or one for what is no longer owed: a person decides how it is given back
            line("payment.surplus")
    return Settled(after.id, after.standing)


def _heard(attempt: Attempt, event: Event) -> Standing:
    """What the event says of this payment."""
    if attempt.reference in (None, event.reference):
        return told(event, attempt.amount)
    # A second checkout for one payment, as after a crash that outlived the provider's memory of our id: its money
    # is money too many, and everything else about it concerns nobody.
    return Standing.UNCLEAR if event.kind in _MONEY else attempt.standing


def _noted(attempt: Attempt, event: Event, to: Standing) -> dict[str, Any]:
    """What else is kept of it."""
    if to is Standing.UNCLEAR or attempt.reference not in (None, event.reference):
        return {}
    if event.kind is EventKind.PAID:
        return {"reference": event.reference, "paid_at": min(attempt.paid_at or event.at, event.at)}
    if event.kind is EventKind.REFUNDED:
        return {"reference": event.reference}
    promised = event.kind is EventKind.PROMISED and event.pay_until is not None
    return {"expires_at": event.pay_until} if promised else {}


def _detail(event: Event) -> dict[str, str | int]:
    return {
        "payment": event.payment_id,
        "reference": event.reference,
        "event": event.id,
        "amount": event.amount,
        "refunded": event.refunded,
        "currency": event.currency,
    }
