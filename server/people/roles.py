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
    SEE_AUDIT = "see-audit"
    MANAGE_STAFF = "manage-staff"
    END_SESSION = "end-session"


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

POLICY: Final[Mapping[Action, Rule]] = MappingProxyType(
    {
        Action.LIST: Rule(_CASEWORK | {Role.TREASURER}, Whose.OWN),
        Action.OPEN: Rule(_CASEWORK, Whose.OWN),
        Action.OPEN_OTHER: Rule(_CASEWORK, Whose.OTHER),
        Action.ACCEPT: Rule(frozenset({Role.CLERK}), Whose.OWN, frozenset({"submitted"})),
        Action.SEE_AUDIT: Rule(frozenset({Role.AUDITOR}), Whose.CITY),
        Action.MANAGE_STAFF: Rule(frozenset({Role.ADMINISTRATOR}), Whose.CITY),
        Action.END_SESSION: Rule(frozenset({Role.ADMINISTRATOR}), Whose.CITY),
    }
)
"""A treasurer sees what is there and whether it is paid, and nobody's answers: handling money needs none of them."""


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
