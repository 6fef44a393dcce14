"""Handoffs: what somebody filled in at home or at a kiosk, carried to a window by a short code. Not an application yet.

A code is good once and not for long. The handoff is a copy: the draft stays its owner's, and goes on at home if the
window files nothing. 個人番号 travel as copies of their sealed rows, owned by the handoff and then by the visit: they
lie sealed to the city's public key, so nobody opens them on the way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from forms_schema import Answers, Json
from procedures.city import Calendar
from server.applications import uploads
from server.applications.drafts import FOREVER
from server.applications.numbers import PREFIX
from server.counter.codes import read_code
from server.japan import midnight, today
from server.people import staff as accounts
from server.people.limits import Limit, demand, forgive, seconds_to_wait
from server.signs import in_groups, new_signs
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

HOME: Final = "home"
KIOSK: Final = "kiosk"
WORKDAYS: Final = 2
"""A code made at home is good until the end of the second day after it on which the city hall is open: who fills in
on a Friday evening comes on Monday, or on Tuesday. Longer it need not lie in a bag: a new one takes one press."""
TOLD_FOR: Final = timedelta(days=30)
"""How long after its end a code is still told from one that never was."""
ERASED_AFTER: Final = timedelta(days=1)
"""After its end: who was at the window at that moment is served."""
BY_MAKER: Final = Limit("handoff.made", 30, timedelta(hours=1))
BY_STAFF: Final = Limit("handoff.wrong", 30, timedelta(hours=1))
"""Codes that were none, of one person of the staff. There are 2^60: this keeps a script from trying."""
SEALED: Final = "handoff.sealed_content"


@dataclass(frozen=True, slots=True)
class BroughtForm:
    """One form as it was filled in: its version, and its content as in `drafts.Content`. `draft_id` is the draft it was
    copied from, '' for none. 個人番号 are tokens of the handoff's rows."""

    digest: str
    answers: Answers
    rows: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    draft_id: str = ""


@dataclass(frozen=True, slots=True)
class Brought:
    """What is brought: forms by slug in the order in which they are to be asked, the life event with the answers of its
    guide ('' and none without one), and in which language it was filled in. `id` is the handoff's, once it is made."""

    forms: Mapping[str, BroughtForm]
    event: str = ""
    guide: Mapping[str, Json] = field(default_factory=dict)
    language: str = "ja"
    id: str = ""

    def to_bytes(self) -> bytes:
        kept = {name: value for name, value in asdict(self).items() if name != "id"}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()

    @staticmethod
    def from_bytes(data: bytes, handoff_id: str) -> Brought:
        parts = json.loads(data)
        forms = {slug: BroughtForm(**each) for slug, each in parts.pop("forms").items()}
        return Brought(forms, **parts, id=handoff_id)


@dataclass(frozen=True, slots=True)
class Code:
    """A new code in groups of four, and its last moment."""

    id: str
    text: str
    expires_at: datetime


class Why(StrEnum):
    """Why a code opens nothing."""

    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    OFTEN = "often"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is the matter with a code: `at` is when it expired or was used, `by` and `window` (''  while no visit was
    begun) who used it and where; `seconds` belong to OFTEN."""

    why: Why
    at: datetime | None = None
    by: str = ""
    window: str = ""
    seconds: int = 0


_C: Final = t.handoff.c
_NUMBERS: Final = select(t.mynumber.c.id, t.mynumber.c.sealed).where(t.mynumber.c.owner_id == bindparam("owner"))
_FORGET_NUMBERS: Final = delete(t.mynumber).where(t.mynumber.c.owner_id.in_(bindparam("owners", expanding=True)))
_MOVE_NUMBERS: Final = (
    update(t.mynumber).where(t.mynumber.c.owner_id == bindparam("before")).values(owner_id=bindparam("after"))
)
_DRAFT_ENDS: Final = select(t.draft.c.expires_at).where(t.draft.c.id.in_(bindparam("drafts", expanding=True)))
_UNUSED: Final = select(_C.id).where(_C.draft_id == bindparam("of_draft"), _C.used_at.is_(None))
_DROP: Final = delete(t.handoff).where(_C.id.in_(bindparam("ids", expanding=True)))
_BY_CODE: Final = select(t.handoff).where(_C.code_digest == bindparam("code"))
_BY_ID: Final = select(t.handoff).where(_C.id == bindparam("handoff_id"))
_OF_VISIT: Final = select(t.handoff).where(_C.visit_id == bindparam("visit_id"), _C.sealed_content.is_not(None))
_USE: Final = (
    update(t.handoff)
    .where(_C.id == bindparam("of"), _C.used_at.is_(None), _C.expires_at > bindparam("now"))
    .values(used_at=bindparam("now"), used_by=bindparam("by"))
)
_MINE: Final = (_C.id == bindparam("of"), _C.used_by == bindparam("by"), _C.visit_id.is_(None))
_GIVE_BACK: Final = update(t.handoff).where(*_MINE).values(used_at=None, used_by=None)
_BEGIN: Final = update(t.handoff).where(*_MINE).values(visit_id=bindparam("into"), sealed_content=bindparam("emptied"))
_FILED: Final = select(t.draft.c.id).where(
    t.draft.c.id.in_(bindparam("drafts", expanding=True)), t.draft.c.application_id.is_not(None)
)
_CLOSE: Final = (
    update(t.draft)
    .where(t.draft.c.id == bindparam("of"), t.draft.c.application_id.is_(None))
    .values(
        application_id=bindparam("application"),
        sealed_answers=bindparam("emptied"),
        revision=t.draft.c.revision + 1,
        resume_digest=None,
    )
)
_DRAFT_KEY: Final = select(t.draft.c.wrapped_key).where(t.draft.c.id == bindparam("of"))
_WINDOW: Final = (
    select(t.service_window.c.label)
    .join_from(t.visit, t.service_window, t.visit.c.window_id == t.service_window.c.id)
    .where(t.visit.c.id == bindparam("visit_id"))
)
_TO_ERASE: Final = (
    select(_C.id)
    .where(_C.expires_at <= bindparam("ended"), _C.sealed_content.is_not(None), _C.visit_id.is_(None))
    .limit(500)
)
_ERASE: Final = update(t.handoff).where(_C.id.in_(bindparam("ids", expanding=True))).values(sealed_content=None)
_OVER: Final = select(_C.id).where(_C.expires_at <= bindparam("ended")).limit(500)


# --- at home ----------------------------------------------------------------------------------------------------------


def good_until(calendar: Calendar, now: datetime) -> datetime:
    """The last moment of a code that is made at home now."""
    return _end_of(calendar.workday_after(today(now), WORKDAYS))


def _end_of(day: date) -> datetime:
    """The last second of a day: 'until 0:00' would be read as a day later."""
    return midnight(day + timedelta(days=1)) - timedelta(seconds=1)


def create(
    db: Writing,
    keys: Keys,
    origin: str,
    content: Brought,
    *,
    draft_id: str | None,
    until: datetime | None = None,
    by: str = "",
    now: datetime,
    random: Random,
) -> Code:
    """A code for `content`, good until `until` (None: the end of this day in Japan, for who is in the building), but
    no longer than its drafts. Where it is of one draft (`draft_id`), an unused code of the same is void. `by` is the
    browser or the device it is counted for. Raises LimitReached."""
    if by:
        demand(db, keys, (BY_MAKER, by), now=now)
    if draft_id is not None:
        _drop(db, [row.id for row in db.all(_UNUSED, {"of_draft": draft_id})])
    handoff_id, end = new_id(random), until or _end_of(today(now))
    ends = db.all(_DRAFT_ENDS, {"drafts": [each.draft_id for each in content.forms.values() if each.draft_id]})
    end = min([end, *(row.expires_at for row in ends if row.expires_at != FOREVER)])
    forms = {slug: _copied(db, each, handoff_id, now, random) for slug, each in content.forms.items()}
    signs = new_signs(random, 12)
    key, wrapped = keys.new_data_key(handoff_id)
    row = {"id": handoff_id, "code_digest": _digest(keys, signs), "origin": origin, "draft_id": draft_id}
    row |= {"wrapped_key": wrapped, "sealed_content": key.seal(replace(content, forms=forms).to_bytes(), SEALED)}
    db.insert(t.handoff, row | {"created_at": now, "expires_at": end})
    return Code(handoff_id, in_groups(signs), end)


def _digest(keys: Keys, code: str) -> bytes:
    return keys.index_digest("handoff", code)


def _copied(db: Writing, form: BroughtForm, handoff_id: str, now: datetime, random: Random) -> BroughtForm:
    """The form with copies of its draft's numbers, named by new tokens. A token that is not of this draft stays what it
    is, and counts nowhere."""
    there = {PREFIX + row.id: row.sealed for row in db.all(_NUMBERS, {"owner": form.draft_id})} if form.draft_id else {}
    named = {each for each in _texts(form.answers) if each in there}
    tokens = {}
    for before in sorted(named):
        row = {"id": new_id(random), "owner_id": handoff_id, "sealed": there[before], "created_at": now}
        db.insert(t.mynumber, row)
        tokens[before] = PREFIX + str(row["id"])
    return replace(form, answers=_renamed(form.answers, tokens)) if tokens else form


def _texts(value: Json) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(_texts, value))
    return {value} if isinstance(value, str) else set()


def _renamed(value: Any, tokens: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(inner, tokens) for name, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, tokens) for inner in value]
    return tokens.get(value, value) if isinstance(value, str) else value


# --- at the window ----------------------------------------------------------------------------------------------------


def redeem(db: Writing, keys: Keys, code: str, by_staff_id: str, *, now: datetime) -> Brought | Refusal:
    """Open what a code carries, once; audited. Who has opened it may type it again until a visit is begun with it.
    Codes that are none are counted."""
    wait = seconds_to_wait(db, keys, BY_STAFF, by_staff_id, now=now)
    if wait:
        return Refusal(Why.OFTEN, seconds=wait)
    signs = read_code(code)
    row = db.one(_BY_CODE, {"code": _digest(keys, signs)}) if signs else None
    if row is None:
        return Refusal(Why.UNKNOWN if signs else Why.UNREADABLE)
    forgive(db, keys, BY_STAFF, by_staff_id, now=now)
    mine = row.used_by == by_staff_id and row.visit_id is None
    if not mine and db.execute(_USE, {"of": row.id, "by": by_staff_id, "now": now}).rowcount != 1:
        return _refused(db, keys, row.id)
    return look(db, keys, row.id, by_staff_id) or _refused(db, keys, row.id)


def look(db: Writing, keys: Keys, handoff_id: str, staff_id: str) -> Brought | None:
    """What this person of the staff has opened and not yet begun a visit with; audited. None: there is none such."""
    row = db.one(_BY_ID, {"handoff_id": handoff_id})
    if row is None or row.used_by != staff_id or row.visit_id is not None or row.sealed_content is None:
        return None
    db.audit("handoff.view", handoff_id, actor=f"staff:{staff_id}")
    return _opened(keys, row)


def _opened(keys: Keys, row: Any) -> Brought:
    content = keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_content, SEALED)
    return Brought.from_bytes(content, row.id)


def _refused(db: Reading, keys: Keys, handoff_id: str) -> Refusal:
    row = db.one(_BY_ID, {"handoff_id": handoff_id})
    if row is None or row.used_at is None:
        return Refusal(Why.EXPIRED, row.expires_at) if row is not None else Refusal(Why.UNKNOWN)
    if row.sealed_content is None and row.visit_id is None:
        return Refusal(Why.EXPIRED, row.expires_at)
    window = db.scalar(_WINDOW, {"visit_id": row.visit_id}) if row.visit_id else ""
    return Refusal(Why.USED, row.used_at, accounts.name_of(db, keys, row.used_by), window or "")


def already_filed(db: Reading, brought: Brought) -> frozenset[str]:
    """The slugs of those forms whose draft was sent meanwhile, from home or at another window."""
    by_draft = {each.draft_id: slug for slug, each in brought.forms.items() if each.draft_id}
    return frozenset(by_draft[row.id] for row in db.all(_FILED, {"drafts": list(by_draft)}))


def give_back(db: Writing, handoff_id: str, staff_id: str) -> bool:
    """It was opened at the wrong window: the code is good again, as long as it was."""
    if db.execute(_GIVE_BACK, {"of": handoff_id, "by": staff_id}).rowcount != 1:
        return False
    db.audit("handoff.give_back", handoff_id, actor=f"staff:{staff_id}")
    return True


def begin(db: Writing, keys: Keys, brought: Brought, visit_id: str, staff_id: str) -> bool:
    """A visit begins with it: its numbers are the visit's from now on, and of the rest only which drafts it came from
    is kept. False: it is not this person's, or another tab was faster."""
    row = db.one(_BY_ID, {"handoff_id": brought.id})
    if row is None:
        return False
    left = {slug: BroughtForm(each.digest, {}, draft_id=each.draft_id) for slug, each in brought.forms.items()}
    emptied = keys.open_data_key(row.wrapped_key, row.id).seal(Brought(left).to_bytes(), SEALED)
    values = {"of": brought.id, "by": staff_id, "into": visit_id, "emptied": emptied}
    if db.execute(_BEGIN, values).rowcount != 1:
        return False
    db.execute(_MOVE_NUMBERS, {"before": brought.id, "after": visit_id})
    db.audit("handoff.begin", brought.id, actor=f"staff:{staff_id}", detail={"visit": visit_id})
    return True


# --- when it is filed -------------------------------------------------------------------------------------------------


def files(db: Reading, keys: Keys, visit_id: str) -> Mapping[str, tuple[uploads.Upload, ...]]:
    """By slug, what was attached at home to the drafts of a visit. `uploads.hand_over` takes it to the application."""
    found = {slug: uploads.of(db, keys, "draft", draft_id) for slug, draft_id in _drafts(db, keys, visit_id).items()}
    return {slug: attached for slug, attached in found.items() if attached}


def sent(db: Reading, keys: Keys, visit_id: str) -> frozenset[str]:
    """By slug, those of the drafts a visit was begun with that have been sent, from home or here."""
    by_draft = {draft_id: slug for slug, draft_id in _drafts(db, keys, visit_id).items()}
    found = db.all(_FILED, {"drafts": list(by_draft)}) if by_draft else ()
    return frozenset(by_draft[row.id] for row in found)


def filed(db: Writing, keys: Keys, visit_id: str, applications: Mapping[str, str]) -> bool:
    """Close the drafts of what a visit has filed (application ids by slug): its way to the receipt stays, what was
    typed and its numbers go. Other drafts stay as they are at home. To be called after the files were handed over.
    False: one was sent from home meanwhile, and must not be filed a second time."""
    for slug, draft_id in _drafts(db, keys, visit_id).items():
        wrapped = db.scalar(_DRAFT_KEY, {"of": draft_id})
        if slug not in applications or wrapped is None:
            continue
        emptied = keys.open_data_key(wrapped, draft_id).seal(_EMPTY, "draft.sealed_answers")
        closed = db.execute(_CLOSE, {"of": draft_id, "application": applications[slug], "emptied": emptied})
        if closed.rowcount != 1:
            return False
        db.execute(_FORGET_NUMBERS, {"owners": [draft_id]})
    return True


_EMPTY: Final = json.dumps({"answers": {}, "rows": {}, "sources": {}}).encode()


def _drafts(db: Reading, keys: Keys, visit_id: str) -> dict[str, str]:
    """The drafts that a visit was begun with, by slug."""
    found = [_opened(keys, row) for row in db.all(_OF_VISIT, {"visit_id": visit_id})]
    return {slug: each.draft_id for brought in found for slug, each in brought.forms.items() if each.draft_id}


def sweep(db: Writing, *, now: datetime) -> int:
    """Erase what nobody came with, and forget codes that ended long ago; how many were erased."""
    _drop(db, [row.id for row in db.all(_OVER, {"ended": now - TOLD_FOR})])
    ids = [row.id for row in db.all(_TO_ERASE, {"ended": now - ERASED_AFTER})]
    if ids:
        db.execute(_FORGET_NUMBERS, {"owners": ids})
        db.execute(_ERASE, {"ids": ids})
    return len(ids)


def _drop(db: Writing, ids: list[str]) -> None:
    if ids:
        db.execute(_FORGET_NUMBERS, {"owners": ids})
        db.execute(_DROP, {"ids": ids})
