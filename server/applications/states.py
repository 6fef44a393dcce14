"""The states of an application: the office's own, and what the resident is told of them.

One table; `docs/states.md` is its picture, held to it by a test.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class OfficeState(StrEnum):
    """Where a case stands in the office."""

    PAYMENT_PENDING = "payment_pending"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    CORRECTION_REQUESTED = "correction_requested"
    REVIEWING = "reviewing"
    PENDING_DECISION = "pending_decision"
    APPROVED = "approved"
    REFUSED = "refused"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ResidentState(StrEnum):
    """What the resident sees: `ApplicationState` of the API."""

    PAYMENT_PENDING = "PAYMENT_PENDING"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    CORRECTION_REQUESTED = "CORRECTION_REQUESTED"
    REVIEWING = "REVIEWING"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    COMPLETED = "COMPLETED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


_SHOWN: Final = {
    state: ResidentState.REVIEWING if state is OfficeState.PENDING_DECISION else ResidentState[state.name]
    for state in OfficeState
}


def shown(state: str) -> ResidentState:
    """What the resident is told. A decision under way (決裁) is still a review to them."""
    return _SHOWN[OfficeState(state)]
