"""What needs two people: one asks for it, another allows it, and then it is done, in one transaction with the word.

Which kinds there are and who may ask and allow is `roles.TWO_PEOPLE`. Never the same person twice: it is the account
that is compared, not the role, so a change of roles in between helps nobody. Nor does anybody allow what is about
themselves. Whoever asked must still be allowed to ask when it is allowed: what somebody asked for before they were
disabled is void. A proposal is good for seven days.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from server.applications import history, suspending
from server.applications.teller import Teller
from server.catalogue import Suspension
from server.money import refunds, till
from server.people import staff as accounts
from server.people.roles import TWO_PEOPLE, Held, Pair, Role, may
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

GOOD_FOR: Final = timedelta(days=7)
SHOWN: Final = 200
"""Proposals that are listed, the newest."""

_DETAIL: Final = "proposal.sealed_detail"


class Unmet(Enum):
    """Why nothing was proposed."""

    FORBIDDEN = "forbidden"
    WAITING = "waiting"
    """The same is asked for already."""


class Outcome(Enum):
    """What became of a proposal, or why nothing became of it."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    TAKEN_BACK = "taken back"
    UNKNOWN = "unknown"
    """There is none, or it is not for this person: both are told alike."""
    SAME_PERSON = "same-person"
    """They asked for it, or it is about themselves."""
    OVER = "over"
    """Somebody was faster."""
    EXPIRED = "expired"
    LAPSED = "lapsed"
    """Whoever asked may not ask for it any more."""
    FAILED = "failed"
    """It was allowed and cannot be done as things stand: it counts as refused."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who asked for what, and how that stands: `state` is open, allowed, refused, taken back or expired."""

    id: str
    kind: str
    target: str
    department: str
    detail: Mapping[str, str]
    asked_by: str
    asked_name: str
    decided_name: str
    state: str
    created_at: datetime
    until: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """`proposal` as it stands now, None for UNKNOWN. `told`: what the doing answered (an enrolment code), or why it
    failed."""

    outcome: Outcome
    proposal: Proposal | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """What was allowed cannot be done: a code of why."""

    why: str


@dataclass(frozen=True, slots=True)
class Doing:
    """What an effect is given: the store, who tells residents, the proposal, and who allowed it."""

    db: Writing
    teller: Teller
    proposal: Proposal
    staff: Staff
    now: datetime

    @property
    def keys(self) -> Keys:
        return self.teller.keys


Effect = Callable[[Doing], "str | Failed"]
"""Does what was allowed, in the transaction in which it was. What needs a call to somebody else is done after it."""

_C: Final = t.proposal.c
_BY_ID: Final = select(t.proposal).where(_C.id == bindparam("proposal_id"))
_BY_ID_LOCKED: Final = _BY_ID.with_for_update()
_SAME: Final = select(_C.id).where(
    _C.kind == bindparam("kind"),
    _C.target == bindparam("target"),
    _C.state == "open",
    _C.created_at > bindparam("since"),
)
_NEWEST: Final = select(t.proposal).order_by(_C.created_at.desc(), _C.id).limit(SHOWN)
_DECIDE: Final = (
    update(t.proposal)
    .where(_C.id == bindparam("of"), _C.state == "open")
    .values(state=bindparam("to"), decided_by=bindparam("by"), decided_at=bindparam("at"))
)
_AFTER_ALL: Final = update(t.proposal).where(_C.id == bindparam("of")).values(state="refused")


def propose(
    db: Writing,
    keys: Keys,
    kind: str,
    target: str,
    department: str,
    staff: Staff,
    detail: Mapping[str, str],
    *,
    now: datetime,
    random: Random,
) -> str | Unmet:
    """Ask for something: the id of the proposal. `target` is the id of what it is about (an application, a slug, an
    account); `department` '' for what is of the whole city; `detail` is sealed. KeyError for an unknown kind."""
    if not staff.may(TWO_PEOPLE[kind].ask, department):
        return Unmet.FORBIDDEN
    if waits(db, kind, target, now=now):
        return Unmet.WAITING
    proposal_id = new_id(random)
    key, wrapped = keys.new_data_key(proposal_id)
    sealed = key.seal(json.dumps(dict(detail), ensure_ascii=False).encode(), _DETAIL)
    row = {"id": proposal_id, "kind": kind, "target": target, "department": department, "asked_by": staff.id}
    db.insert(t.proposal, row | {"state": "open", "wrapped_key": wrapped, "sealed_detail": sealed, "created_at": now})
    _audit(db, "proposal.ask", target, proposal_id, kind, staff)
    return proposal_id


def waits(db: Reading, kind: str, target: str, *, now: datetime) -> bool:
    """Whether this is asked for, and nobody has decided yet."""
    return bool(db.all(_SAME, {"kind": kind, "target": target, "since": now - GOOD_FOR}))


def decide(db: Writing, teller: Teller, proposal_id: str, staff: Staff, allow: bool, *, now: datetime) -> Decision:
    """Allow a proposal, which is done with it, or refuse it."""
    keys = teller.keys
    row = db.one(_BY_ID_LOCKED, {"proposal_id": proposal_id})
    if row is None or not staff.may(TWO_PEOPLE[row.kind].allow, row.department):
        return Decision(Outcome.UNKNOWN)
    found = _proposal(db, keys, row, now)
    hindrance = _hindrance(db, found, staff, allow)
    if hindrance is not None:
        return Decision(hindrance, found)
    if not _settled(db, found, "allowed" if allow else "refused", staff, now):
        return Decision(Outcome.OVER, found)
    _audit(db, "proposal.allow" if allow else "proposal.refuse", found.target, proposal_id, found.kind, staff)
    told = _carried_out(Doing(db, teller, found, staff, now)) if allow else ""
    after = _proposal(db, keys, db.one(_BY_ID, {"proposal_id": proposal_id}), now)
    if isinstance(told, Failed):
        return Decision(Outcome.FAILED, after, told.why)
    return Decision(Outcome.ALLOWED if allow else Outcome.REFUSED, after, told)


def take_back(db: Writing, keys: Keys, proposal_id: str, staff: Staff, *, now: datetime) -> Decision:
    """Whoever asked does not want it any more."""
    row = db.one(_BY_ID_LOCKED, {"proposal_id": proposal_id})
    if row is None or row.asked_by != staff.id:
        return Decision(Outcome.UNKNOWN)
    found = _proposal(db, keys, row, now)
    if not _settled(db, found, "taken back", staff, now):
        return Decision(Outcome.OVER, found)
    _audit(db, "proposal.take_back", found.target, proposal_id, found.kind, staff)
    return Decision(Outcome.TAKEN_BACK, found)


def listed(db: Reading, keys: Keys, staff: Staff, *, now: datetime) -> tuple[Proposal, ...]:
    """What this person asked for, or may allow or ask for themselves; the newest first."""
    rows = [row for row in db.all(_NEWEST) if row.asked_by == staff.id or _concerns(staff, row)]
    return tuple(_proposal(db, keys, row, now) for row in rows)


def _concerns(staff: Staff, row: Any) -> bool:
    pair = TWO_PEOPLE[row.kind]
    return staff.may(pair.allow, row.department) or staff.may(pair.ask, row.department)


def decidable(proposal: Proposal, staff: Staff) -> bool:
    """Whether this person may say yes or no to it."""
    pair = TWO_PEOPLE[proposal.kind]
    return proposal.state == "open" and staff.may(pair.allow, proposal.department) and not _own(proposal, staff)


def _own(proposal: Proposal, staff: Staff) -> bool:
    return staff.id in (proposal.asked_by, proposal.target)


def _hindrance(db: Reading, found: Proposal, staff: Staff, allow: bool) -> Outcome | None:
    if found.state != "open":
        return Outcome.EXPIRED if found.state == "expired" else Outcome.OVER
    if _own(found, staff):
        return Outcome.SAME_PERSON
    if allow and not _stands(db, found, TWO_PEOPLE[found.kind]):
        return Outcome.LAPSED
    return None


def _stands(db: Reading, found: Proposal, pair: Pair) -> bool:
    held = accounts.active_roles(db, found.asked_by)
    return may(held, pair.ask, found.department)


def _settled(db: Writing, found: Proposal, state: str, staff: Staff, now: datetime) -> bool:
    """Of two who decide at once, one does."""
    done = db.execute(_DECIDE, {"of": found.id, "to": state, "by": staff.id, "at": now})
    return bool(done.rowcount == 1)


def _carried_out(doing: Doing) -> str | Failed:
    effect = EFFECTS.get(doing.proposal.kind)
    done = effect(doing) if effect is not None else ""
    if isinstance(done, Failed):
        doing.db.execute(_AFTER_ALL, {"of": doing.proposal.id})
        _audit(doing.db, "proposal.fail", doing.proposal.target, doing.proposal.id, doing.proposal.kind, doing.staff)
    return done


def _proposal(db: Reading, keys: Keys, row: Any, now: datetime) -> Proposal:
    until = row.created_at + GOOD_FOR
    detail = json.loads(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_detail, _DETAIL))
    return Proposal(
        id=row.id,
        kind=row.kind,
        target=row.target,
        department=row.department,
        detail=detail,
        asked_by=row.asked_by,
        asked_name=_name(db, keys, row.asked_by),
        decided_name=_name(db, keys, row.decided_by),
        state="expired" if row.state == "open" and now >= until else row.state,
        created_at=row.created_at,
        until=until,
        decided_at=row.decided_at,
    )


def _name(db: Reading, keys: Keys, staff_id: str | None) -> str:
    found = accounts.account(db, keys, staff_id) if staff_id else None
    return f"{found.name} ({found.login})" if found else ""


def _audit(db: Writing, action: str, target: str, proposal_id: str, kind: str, staff: Staff) -> None:
    db.audit(action, target, actor=staff.actor, detail={"proposal": proposal_id, "kind": kind})


# --- what is done ---------------------------------------------------------------------------------------------------


def _suspend(doing: Doing) -> str | Failed:
    detail = doing.proposal.detail
    start, until = (datetime.fromisoformat(detail[name]) if detail[name] else None for name in ("from", "until"))
    wanted = Suspension(detail["reason"], start, until)
    return _or_failed(
        suspending.suspend(doing.db, doing.proposal.target, wanted, now=doing.now, actor=doing.staff.actor)
    )


def _resume(doing: Doing) -> str | Failed:
    return _or_failed(suspending.resume(doing.db, doing.proposal.target, now=doing.now, actor=doing.staff.actor))


def _or_failed(refusal: suspending.Refusal | None) -> str | Failed:
    return Failed(refusal.value) if refusal is not None else ""


def _give_roles(doing: Doing) -> str | Failed:
    held = read_held(doing.proposal.detail["roles"])
    found = accounts.account(doing.db, doing.keys, doing.proposal.target)
    if found is None:
        return Failed("unknown")
    unfit = accounts.set_roles(doing.db, doing.keys, found.login, held, actor=doing.staff.actor)
    return Failed(unfit.value) if unfit is not None else ""


def _reset(doing: Doing) -> str | Failed:
    found = accounts.account(doing.db, doing.keys, doing.proposal.target)
    if found is None:
        return Failed("unknown")
    given: dict[str, Any] = {"actor": doing.staff.actor, "now": doing.now, "random": doing.teller.random}
    code = accounts.reset(doing.db, doing.keys, found.login, **given)
    return Failed(code.value) if isinstance(code, accounts.Unfit) else code


def write_held(held: Sequence[Held]) -> str:
    """Roles as a proposal keeps them, one a line: 'clerk:市民課', 'auditor:*'."""
    return "\n".join(f"{each.role}:{each.department}" for each in sorted(set(held)))


def read_held(text: str) -> list[Held]:
    parts = (each.partition(":") for each in text.splitlines())
    return [Held(Role(role), department) for role, _, department in parts]


def _refund(doing: Doing) -> str | Failed:
    """Money goes back: over the counter once somebody there hands it over (`refunds.handed_over`), what came through a
    provider as soon as it answers (`refunds.carry_out`)."""
    asked, by = doing.proposal, doing.staff.actor
    amount = int(asked.detail["amount"])
    found = refunds.decided(doing.db, asked.detail["payment"], amount, refund_id=asked.id, actor=by, now=doing.now)
    if found is None:
        return Failed("money")
    if found.at_till:
        doing.teller.refund_ready(doing.db, found, doing.now)
    return ""


def _void(doing: Doing) -> str | Failed:
    """What was written down by mistake at the till is owed again, and whoever filed is told."""
    bundle = doing.proposal.detail["bundle"]
    owed = till.void(doing.db, bundle, actor=doing.staff.actor, now=doing.now)
    for application_id in owed or ():
        history.unpaid(doing.db, application_id, doing.staff.actor, doing.now)
        doing.teller.unpaid(doing.db, application_id, bundle, doing.proposal.department, doing.now)
    return "" if owed is not None else Failed("money")


EFFECTS: Final[Mapping[str, Effect]] = MappingProxyType(
    {"procedure.suspend": _suspend, "procedure.resume": _resume, "staff.roles": _give_roles, "staff.reset": _reset}
    | {"refund": _refund, "till.void": _void}
)
"""What is done when it is allowed, by kind. A kind that is not here is done by whoever reads the decision."""
