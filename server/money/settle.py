"""The one place that believes a provider, once per event, whether it was sent to us or we asked for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from payments.port import Event, EventKind
from server.money.account import Account, held_by_payment
from server.money.bundles import Bundle, held_bundle, shares
from server.money.states import RULES, Standing, given_back, told
from server.store import tables as t
from server.store.database import Writing

Paid = Callable[[Writing, str, datetime], None]
"""What becomes of an application (its id) once its fee has come, in the transaction that believes the provider."""

_MONEY: Final = (EventKind.PAID, EventKind.REFUNDED)
_BACK: Final = (Standing.PARTLY_REFUNDED, Standing.REFUNDED)


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
    if account is not None:
        attempt = account.attempt(event.payment_id)
        to = _heard(attempt.reference, attempt.standing, attempt.amount, event)
        return _Word(db, provider, event, paid, now).take(account, attempt.id, to)
    bundle = held_bundle(db, provider, event.payment_id)
    if bundle is not None:
        return _together(_Word(db, provider, event, paid, now), bundle)
    db.audit("payment.unknown", event.reference, actor=provider, detail=_detail(event))
    return Unknown()


@dataclass(frozen=True, slots=True)
class _Word:
    """What a provider told, and what is done about it."""

    db: Writing
    provider: str
    event: Event
    paid: Paid
    now: datetime

    def take(self, account: Account, payment_id: str, to: Standing) -> Settled | Mismatch:
        before, owed = account.attempt(payment_id), not RULES[account.standing].settled
        after = account.rise(payment_id, to, **_noted(before.paid_at, before.reference, self.event, to))
        if to is Standing.UNCLEAR:
            self.line(account, "payment.mismatch")
            return Mismatch(payment_id)
        if after.standing is not before.standing:
            self.line(account, f"payment.{after.standing}")
        if RULES[after.standing].covers and not RULES[before.standing].covers:
            if owed:
                self.paid(self.db, account.application_id, self.now)
            else:  # a second payment, or one for what is no longer owed: a person decides how it is given back
                self.line(account, "payment.surplus")
        return Settled(after.id, after.standing)

    def line(self, account: Account, action: str) -> None:
        self.db.audit(action, account.application_id, actor=self.provider, detail=_detail(self.event))


def _together(word: _Word, bundle: Bundle) -> Outcome:
    """The sum was paid, or was not: so was every part of it. What was given back of it is told apart by what two people
    decided here; what was given back elsewhere counts for no part, until a person says of what it was."""
    event = word.event
    ours = bundle.reference in (None, event.reference)
    if ours and bundle.reference is None:
        bundle.note(event.reference, bundle.expires_at)
    whole = told(event, bundle.amount)
    given = shares(word.db, bundle, event.refunded) if ours and whole in _BACK else None
    if ours and whole in _BACK and given is None:
        word.line(bundle.parts[0].account, "payment.refund_unassigned")
    outcome: Outcome = Duplicate()
    for each in bundle.parts:
        attempt = each.attempt
        to = _heard(bundle.reference, attempt.standing, bundle.amount, event)
        if ours and whole in _BACK:
            to = given_back(attempt.amount, given[each.payment_id] if given else 0)
        outcome = replace(word.take(each.account, each.payment_id, to), payment_id=bundle.id)
    return outcome


def _heard(reference: str | None, standing: Standing, amount: int, event: Event) -> Standing:
    """What the event says of a payment of `amount`."""
    if reference in (None, event.reference):
        return told(event, amount)
    # A second checkout for one payment, as after a crash that outlived the provider's memory of our id: its money
    # is money too many, and everything else about it concerns nobody.
    return Standing.UNCLEAR if event.kind in _MONEY else standing


def _noted(paid_at: datetime | None, reference: str | None, event: Event, to: Standing) -> dict[str, Any]:
    """What else is kept of it."""
    if to is Standing.UNCLEAR or reference not in (None, event.reference):
        return {}
    if event.kind is EventKind.PAID:
        return {"reference": event.reference, "paid_at": min(paid_at or event.at, event.at)}
    if event.kind is EventKind.REFUNDED:
        return {"reference": event.reference}
    promised = event.kind is EventKind.PROMISED and event.pay_until is not None
    return {"expires_at": event.pay_until} if promised else {}


def _detail(event: Event) -> dict[str, str | int]:
    return {
        "kind": event.kind.value,
        "payment": event.payment_id,
        "reference": event.reference,
        "event": event.id,
        "amount": event.amount,
        "refunded": event.refunded,
        "currency": event.currency,
    }
