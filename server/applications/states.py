"""The states of an application: the office's own, and what the resident is told of them.

One table; `docs/states.md` is its picture, held to it by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from procedures.declaration import ProcedureType


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


_EVERY: Final = frozenset(ProcedureType)
_DECIDED_UPON: Final = _EVERY - {ProcedureType.TODOKEDE}


@dataclass(frozen=True, slots=True)
class Rule:
    """`shown`: what the resident is told. `withdrawable`: which procedures' filings the resident may still take back.
    `vacates`: what was booked is free for others.

    An application may be withdrawn until it is decided upon (行政手続法2条3号: it asks for an answer, and who asked
    may stop asking). A 届出 has done its work once it is found in order (37条): there is nothing to take back then.
    """

    shown: ResidentState
    withdrawable: frozenset[ProcedureType] = frozenset()
    vacates: bool = False


RULES: Final = {
    OfficeState.PAYMENT_PENDING: Rule(ResidentState.PAYMENT_PENDING, _EVERY),
    OfficeState.SUBMITTED: Rule(ResidentState.SUBMITTED, _EVERY),
    OfficeState.ACCEPTED: Rule(ResidentState.ACCEPTED, _DECIDED_UPON),
    OfficeState.CORRECTION_REQUESTED: Rule(ResidentState.CORRECTION_REQUESTED, _EVERY),
    OfficeState.REVIEWING: Rule(ResidentState.REVIEWING, _DECIDED_UPON),
    OfficeState.PENDING_DECISION: Rule(ResidentState.REVIEWING),
    OfficeState.APPROVED: Rule(ResidentState.APPROVED),
    OfficeState.REFUSED: Rule(ResidentState.REFUSED, vacates=True),
    OfficeState.COMPLETED: Rule(ResidentState.COMPLETED),
    OfficeState.WITHDRAWN: Rule(ResidentState.WITHDRAWN, vacates=True),
    OfficeState.EXPIRED: Rule(ResidentState.EXPIRED, vacates=True),
}
"""A decision on its way through its approvers (決裁) is still a review to the resident, but not to be overtaken by a
button: whoever wants to withdraw then speaks to the department, which stops the decision first."""


def shown(state: str) -> ResidentState:
    """What the resident is told."""
    return RULES[OfficeState(state)].shown


def withdrawable(state: str, procedure_type: str) -> bool:
    """Whether a filing of this type may be taken back by the resident as it stands."""
    return ProcedureType(procedure_type) in RULES[OfficeState(state)].withdrawable
