"""Who of the staff may do what: one table, from which the pages and the tests are made. What is not in it is denied.

A role is held in a department. A rule says which roles may act, in whose cases, and in which states of them. Roles of
the whole city see no case: administrators look after accounts, auditors see who looked at what, and why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody does for the city."""

    CLERK = "clerk"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    TREASURER = "treasurer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


class Action(StrEnum):
    """What the pages of the staff let one do. What everybody may do with their own account is not listed."""

    LIST = "list"
    OPEN = "open"
    OPEN_OTHER = "open-other-department"
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
    ASSIGN = "assign"
    TAKE_MONEY = "take-money"
    SEE_TILL = "see-till"
    SEE_AUDIT = "see-audit"
    MANAGE_STAFF = "manage-staff"
    END_SESSION = "end-session"
    COUNTER = "counter"
    SEE_TIMES = "see-times"
    ASK_REFUND = "ask-refund"
    ALLOW_REFUND = "allow-refund"
    SUSPEND = "suspend"
    MANAGE_DEVICES = "manage-devices"


class Whose(StrEnum):
    """Whose cases a rule is about."""

    OWN = "own"
    """Of a department in which the role is held."""
    OTHER = "other"
    """Of another one than that in which the role is held. A reason is recorded before."""
    CITY = "city"
    """Of no department: the role is held in the whole city."""


EVERYWHERE: Final = "*"
"""The department of a role that is held in the whole city."""
CITY_WIDE: Final = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """A role and the department in which it is held."""

    role: Role
    department: str


@dataclass(frozen=True, slots=True)
class Rule:
    """`states`: those of the case (`OfficeState`) in which it may be done; None: in each, or it is about no case."""

    roles: frozenset[Role]
    whose: Whose
    states: frozenset[str] | None = None


_CASEWORK: Final = frozenset({Role.CLERK, Role.REVIEWER, Role.APPROVER})
_HANDLING: Final = frozenset({Role.CLERK, Role.REVIEWER})
_DECIDING: Final = frozenset({Role.APPROVER})
_TO_DECIDE: Final = frozenset({"pending_decision"})

POLICY: Final[Mapping[Action, Rule]] = MappingProxyType(
    {
        Action.LIST: Rule(_CASEWORK | {Role.TREASURER}, Whose.OWN),
        Action.OPEN: Rule(_CASEWORK, Whose.OWN),
        Action.OPEN_OTHER: Rule(_CASEWORK, Whose.OTHER),
        Action.ACCEPT: Rule(frozenset({Role.CLERK}), Whose.OWN, frozenset({"submitted"})),
        Action.UNDO_ACCEPT: Rule(frozenset({Role.CLERK}), Whose.OWN, frozenset({"accepted"})),
        Action.ASK: Rule(_HANDLING, Whose.OWN, frozenset({"submitted", "accepted", "reviewing"})),
        Action.ANSWER: Rule(_HANDLING, Whose.OWN, frozenset({"correction_requested"})),
        Action.REVIEW: Rule(_HANDLING, Whose.OWN, frozenset({"submitted", "accepted", "correction_requested"})),
        Action.COMPLETE: Rule(_HANDLING, Whose.OWN, frozenset({"accepted", "reviewing", "approved"})),
        Action.REFUSE: Rule(frozenset({Role.REVIEWER}), Whose.OWN, frozenset({"accepted", "reviewing"})),
        Action.PROPOSE: Rule(_HANDLING, Whose.OWN, frozenset({"reviewing"})),
        Action.APPROVE: Rule(_DECIDING, Whose.OWN, _TO_DECIDE),
        Action.SEND_BACK: Rule(_DECIDING, Whose.OWN, _TO_DECIDE),
        Action.TURN_DOWN: Rule(_DECIDING, Whose.OWN, _TO_DECIDE),
        Action.HAND_OVER: Rule(_HANDLING, Whose.OWN, frozenset({"submitted", "accepted", "reviewing"})),
        Action.ASSIGN: Rule(_CASEWORK, Whose.OWN),
        Action.TAKE_MONEY: Rule(frozenset({Role.CLERK, Role.TREASURER}), Whose.OWN),
        Action.SEE_TILL: Rule(frozenset({Role.TREASURER}), Whose.OWN),
        Action.SEE_AUDIT: Rule(frozenset({Role.AUDITOR}), Whose.CITY),
        Action.MANAGE_STAFF: Rule(frozenset({Role.ADMINISTRATOR}), Whose.CITY),
        Action.END_SESSION: Rule(frozenset({Role.ADMINISTRATOR}), Whose.CITY),
        Action.COUNTER: Rule(frozenset({Role.CLERK}), Whose.OWN),
        Action.SEE_TIMES: Rule(_DECIDING, Whose.OWN),
        Action.ASK_REFUND: Rule(frozenset({Role.CLERK, Role.TREASURER}), Whose.OWN),
        Action.ALLOW_REFUND: Rule(frozenset({Role.APPROVER, Role.TREASURER}), Whose.OWN),
        Action.SUSPEND: Rule(frozenset({Role.ADMINISTRATOR}), Whose.CITY),
        Action.MANAGE_DEVICES: Rule(frozenset({Role.ADMINISTRATOR}), Whose.CITY),
    }
)
"""A treasurer sees what is there and whether it is paid, and nobody's answers: handling money needs none of them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What needs two people: which action lets one ask for it, and which lets another allow it."""

    ask: Action
    allow: Action


TWO_PEOPLE: Final[Mapping[str, Pair]] = MappingProxyType(
    {
        "refund": Pair(Action.ASK_REFUND, Action.ALLOW_REFUND),
        "till.void": Pair(Action.ASK_REFUND, Action.ALLOW_REFUND),
        "procedure.suspend": Pair(Action.SUSPEND, Action.SUSPEND),
        "procedure.resume": Pair(Action.SUSPEND, Action.SUSPEND),
        "staff.roles": Pair(Action.MANAGE_STAFF, Action.MANAGE_STAFF),
        "staff.reset": Pair(Action.MANAGE_STAFF, Action.MANAGE_STAFF),
    }
)
"""By the kind of the proposal. Where money goes out, residents are turned away, or somebody gets rights of another's:
whoever resets an account could sign in as its owner, and see cases that no administrator sees."""


def may(held: Collection[Held], action: Action, department: str = "", state: str = "") -> bool:
    """Whether these roles allow an action, on a case of `department` in `state` where it is about one."""
    rule = POLICY.get(action)
    if rule is None or (rule.states is not None and state not in rule.states):
        return False
    return any(each.role in rule.roles and _about(rule.whose, each.department, department) for each in held)


def _about(whose: Whose, held_in: str, department: str) -> bool:
    if whose is Whose.CITY:
        return held_in == EVERYWHERE
    own = held_in == department
    return held_in != EVERYWHERE and bool(department) and (own if whose is Whose.OWN else not own)


def departments(held: Collection[Held], action: Action) -> tuple[str, ...]:
    """The departments in whose cases these roles allow an action of their own department's."""
    return tuple(sorted({each.department for each in held if may(held, action, each.department)}))


class BadRole(ValueError):
    """A role as it was typed that is none. Says what is allowed."""


def read_role(text: str, known: Collection[str]) -> Held:
    """'clerk:市民課', or 'auditor' for a role of the whole city. Raises BadRole."""
    name, _, department = text.partition(":")
    if name not in set(Role):
        raise BadRole(f"{name} という役割はありません; 使えるもの: {'、'.join(Role)}")
    role = Role(name)
    if role in CITY_WIDE:
        if department:
            raise BadRole(f"{name} は市全体の役割です; 課を付けずに書いてください")
        return Held(role, EVERYWHERE)
    if department not in known:
        raise BadRole(f"{name} には課が要ります; 例: {name}:{next(iter(known))}。使える課: {'、'.join(known)}")
    return Held(role, department)
