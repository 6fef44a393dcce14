"""Where a payment stands: the one table, for the pages, GraphQL and every event alike.

Standings are ranked and a payment only ever rises, so events may come late, twice or in any order and end the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from payments.port import CURRENCY, Event, EventKind


class PaymentState(StrEnum):
    """What a resident and a program are told."""

    DUE = "DUE"
    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"


class Standing(StrEnum):
    """Where a payment stands in our books, from the lowest rank to the highest."""

    DUE = "due"
    STARTED = "started"
    DECLINED = "declined"
    PROMISED = "promised"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNCLEAR = "unclear"  # the provider told an amount or a currency we never asked for: a person decides
    PAID = "paid"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"  # a clerk wrote it down at the till by mistake, and two people took that back


@dataclass(frozen=True, slots=True)
class Rule:
    """`shown`: what the resident is told. `open`: the checkout may still be paid. `payable`: the debt may be.

    `covers`: the money came, whatever was given back later. `settled`: nothing is owed any more.
    """

    shown: PaymentState
    open: bool = False
    payable: bool = False
    covers: bool = False
    settled: bool = False


RULES: Final = {
    Standing.DUE: Rule(PaymentState.DUE, open=True, payable=True),
    Standing.STARTED: Rule(PaymentState.PENDING, open=True, payable=True),
    Standing.DECLINED: Rule(PaymentState.FAILED, open=True, payable=True),
    Standing.PROMISED: Rule(PaymentState.PENDING, open=True, payable=True),
    Standing.EXPIRED: Rule(PaymentState.EXPIRED, payable=True),
    Standing.CANCELLED: Rule(PaymentState.CANCELLED, settled=True),
    Standing.UNCLEAR: Rule(PaymentState.PENDING),
    Standing.PAID: Rule(PaymentState.PAID, covers=True, settled=True),
    Standing.PARTLY_REFUNDED: Rule(PaymentState.PARTLY_REFUNDED, covers=True, settled=True),
    Standing.REFUNDED: Rule(PaymentState.REFUNDED, covers=True, settled=True),
    Standing.VOIDED: Rule(PaymentState.DUE),
}

RANKS: Final = tuple(Standing)
OPEN: Final = tuple(one for one in RANKS if RULES[one].open)

_TOLD: Final = {
    EventKind.DECLINED: Standing.DECLINED,
    EventKind.PROMISED: Standing.PROMISED,
    EventKind.EXPIRED: Standing.EXPIRED,
    EventKind.PAID: Standing.PAID,
}


def raised(now: Standing, to: Standing) -> Standing:
    """The higher of the two."""
    return max(now, to, key=RANKS.index)


def told(event: Event, owed: int) -> Standing:
    """What an event says of a payment of `owed` yen; UNCLEAR when its money is not the money we asked for."""
    if event.kind not in (EventKind.PAID, EventKind.REFUNDED):
        return _TOLD[event.kind]
    if (event.amount, event.currency) != (owed, CURRENCY) or event.refunded > owed:
        return Standing.UNCLEAR
    return given_back(owed, event.refunded)


def given_back(paid: int, back: int) -> Standing:
    """Where a payment of `paid` yen stands of which `back` yen were given back."""
    if back == 0:
        return Standing.PAID
    return Standing.REFUNDED if back == paid else Standing.PARTLY_REFUNDED


def of_debt(debt: Standing, payments: Sequence[Standing]) -> Standing:
    """Where a debt stands by its payments, oldest first.

    Money that came counts before all else, and of two payments the one that was not given back: a second payment by
    mistake that is refunded leaves the debt paid. A withdrawn debt stays withdrawn until money comes. What was never
    taken (VOIDED) counts for nothing: the debt is owed as before.
    """
    covering = [one for one in payments if RULES[one].covers]
    if covering:
        return min(covering, key=RANKS.index)
    if Standing.UNCLEAR in payments:
        return Standing.UNCLEAR
    if debt is Standing.CANCELLED or not payments:
        return debt
    return Standing.DUE if payments[-1] is Standing.VOIDED else payments[-1]
