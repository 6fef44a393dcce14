"""The states of an application: the office's own, and what the resident is told of them.

One table; `docs/states.md` is its picture, held to it by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
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


class Act(StrEnum):
    """What somebody of the office does with a case. Who may, says `roles.POLICY` under the same word."""

    ACCEPT = "accept"
    UNDO_ACCEPT = "undo-accept"
    ASK = "ask"
    ANSWER = "answer"
    REVIEW = "review"
    COMPLETE = "complete"
    REFUSE = "refuse"
    PROPOSE = "propose-decision"
    APPROVE = "approve"
    SEND_BACK = "send-back"
    TURN_DOWN = "turn-down"
    HAND_OVER = "hand-over"


_S: Final = OfficeState
MOVES: Final[Mapping[Act, Mapping[OfficeState, OfficeState]]] = MappingProxyType(
    {
        Act.ACCEPT: {_S.SUBMITTED: _S.ACCEPTED},
        Act.UNDO_ACCEPT: {_S.ACCEPTED: _S.SUBMITTED},
        Act.ASK: {
            _S.SUBMITTED: _S.CORRECTION_REQUESTED,
            _S.ACCEPTED: _S.CORRECTION_REQUESTED,
            _S.REVIEWING: _S.CORRECTION_REQUESTED,
        },
        Act.ANSWER: {_S.CORRECTION_REQUESTED: _S.SUBMITTED},
        Act.REVIEW: {
            _S.SUBMITTED: _S.REVIEWING,
            _S.ACCEPTED: _S.REVIEWING,
            _S.CORRECTION_REQUESTED: _S.REVIEWING,
        },
        Act.COMPLETE: {_S.ACCEPTED: _S.COMPLETED, _S.REVIEWING: _S.COMPLETED, _S.APPROVED: _S.COMPLETED},
        Act.REFUSE: {_S.ACCEPTED: _S.REFUSED, _S.REVIEWING: _S.REFUSED},
        Act.PROPOSE: {_S.REVIEWING: _S.PENDING_DECISION},
        Act.APPROVE: {_S.PENDING_DECISION: _S.APPROVED},
        Act.SEND_BACK: {_S.PENDING_DECISION: _S.REVIEWING},
        Act.TURN_DOWN: {_S.PENDING_DECISION: _S.REFUSED},
        Act.HAND_OVER: {_S.SUBMITTED: _S.SUBMITTED, _S.ACCEPTED: _S.SUBMITTED, _S.REVIEWING: _S.SUBMITTED},
    }
)
"""From which state to which each act leads. What is not here is not done.

What is corrected is a filing that arrives anew: whoever looks at it takes it on, or goes on with the review. A 届出 is
found in order and is done, or is asked to be mended: it asks for no decision, so none refuses it (`refusable`). What
was not mended in time is reviewed as it is (`casework.Unfit.WAITING` until then): 行政手続法7条 lets it be refused.
"""


def refusable(procedure_type: str) -> bool:
    """Whether what was filed asks for a decision that can be against it (行政手続法2条3号、8条)."""
    return ProcedureType(procedure_type) in _DECIDED_UPON
