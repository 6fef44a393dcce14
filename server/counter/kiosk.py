"""Who stands at a kiosk: from the first touch until nothing of them is left.

A visit is a session of nobody, opened for it alone and named by the device. It is over when somebody says so, when a
new one begins, or after `IDLE` without a sign of life, whatever the browser does; with it go its drafts. What is taken
along lies in a handoff, a copy sealed by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from forms_schema import Json
from procedures.declaration import Channel
from server.applications import drafts
from server.applications.drafts import Draft
from server.catalogue import ProcedureState, Published
from server.counter import handoffs, tickets
from server.counter.handoffs import Brought, BroughtForm
from server.counter.screens import brought
from server.counter.tickets import Issued
from server.people import sessions
from server.people.devices import Device
from server.people.sessions import NOBODY, Visitor, open_session, token_digest
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random

IDLE: Final = timedelta(minutes=6)
"""Without a request. The page itself gives up much earlier; this is for a browser that has stopped."""
SEEN_EVERY: Final = timedelta(seconds=30)
MOST_FORMS: Final = 10
"""Forms of one visit; a life event brings about as many."""

_STANDING: Final = select(t.session.c.id, t.session.c.seen_at).where(
    t.session.c.token_digest == bindparam("token_digest"),
    t.session.c.id == bindparam("session_id"),
    t.session.c.seen_at > bindparam("since"),
)
_TAKE: Final = update(t.device).where(t.device.c.id == bindparam("of")).values(session_id=bindparam("session"))
_HELD: Final = select(t.device.c.session_id).where(t.device.c.id == bindparam("of")).with_for_update()
_LEFT: Final = (
    select(t.device.c.id)
    .join_from(t.device, t.session, t.device.c.session_id == t.session.c.id)
    .where(t.session.c.seen_at <= bindparam("since"))
)
_DRAFTS: Final = select(t.draft.c.id).where(
    t.draft.c.session_id == bindparam("session"), t.draft.c.application_id.is_(None)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody at a kiosk. `touch_due`: `sessions.touch` should note this request."""

    session_id: str
    touch_due: bool

    @property
    def visitor(self) -> Visitor:
        """As drafts know them: a browser in which nobody is signed in."""
        return NOBODY.at(self.session_id)


@dataclass(frozen=True, slots=True)
class Taken:
    """What somebody takes along from the kiosk: a number (None where the city has no queues) and, where they filled
    something in, the code that carries it to the window."""

    ticket: Issued | None
    code: handoffs.Code | None


def takes(published: Published, now: datetime) -> bool:
    """Whether a procedure can be prepared at a kiosk at `now`: its declaration says so, and it is filed here."""
    declaration = published.declaration
    elsewhere = declaration.handover is not None and Channel.KIOSK in declaration.handover.channels
    open_now = published.status(now).state is ProcedureState.OPEN
    return Channel.KIOSK in declaration.channels and not elsewhere and open_now


# --- a visit --------------------------------------------------------------------------------------------------------


def begin(db: Writing, device: Device, *, now: datetime, random: Random) -> str:
    """Somebody new stands here: the token for the cookie. Whoever was here before leaves nothing."""
    wipe(db, device.id)
    token, session_id = open_session(db, now=now, random=random)
    db.execute(_TAKE, {"of": device.id, "session": session_id})
    return token


def standing(db: Reading, device: Device, token: str, *, now: datetime) -> Standing | None:
    """Whose token this is, as long as they stand here; None for one of somebody before."""
    asked = {"token_digest": token_digest(token), "session_id": device.session_id, "since": now - IDLE}
    row = db.one(_STANDING, asked) if device.session_id else None
    return None if row is None else Standing(row.id, now - row.seen_at >= SEEN_EVERY)


def wipe(db: Writing, device_id: str) -> bool:
    """They are gone: their drafts and their session with them. False: nobody stood here."""
    session_id = db.scalar(_HELD, {"of": device_id})
    if session_id is None:
        return False
    drafts.forget(db, [row.id for row in db.all(_DRAFTS, {"session": session_id})])
    sessions.sign_out(db, session_id)
    db.execute(_TAKE, {"of": device_id, "session": None})
    return True


def sweep(db: Writing, *, now: datetime) -> int:
    """Wipe after those who left without a word, where no browser did; how many."""
    return sum(wipe(db, row.id) for row in db.all(_LEFT, {"since": now - IDLE}))


# --- taking it along -------------------------------------------------------------------------------------------------


def take_along(
    db: Writing,
    keys: Keys,
    device: Device,
    who: Standing,
    queue: str | None,
    *,
    slugs: Sequence[str],
    event: str,
    guide: Mapping[str, Json],
    language: str,
    now: datetime,
    random: Random,
) -> Taken:
    """A number in `queue` for `slugs`, and a code for a copy of all that was filled in. Drafts go with the visit."""
    ticket = None
    if queue is not None:
        given: dict[str, Any] = {"origin": handoffs.KIOSK, "language": language, "by": device.actor}
        ticket = tickets.issue(db, keys, queue, slugs=slugs, **given, now=now, random=random)
    return Taken(ticket, carried(db, keys, who, event=event, guide=guide, language=language, now=now, random=random))


def carried(
    db: Writing,
    keys: Keys,
    who: Standing,
    *,
    event: str,
    guide: Mapping[str, Json],
    language: str,
    now: datetime,
    random: Random,
) -> handoffs.Code | None:
    """A code for a copy of all that was filled in; None where nothing was."""
    begun = drafts.of_session(db, keys, who.session_id)
    if not begun and not event:
        return None
    content = Brought({each.slug: _form(each) for each in begun}, event, guide, language)
    return handoffs.create(db, keys, handoffs.KIOSK, content, draft_id=None, now=now, random=random)


def _form(draft: Draft) -> BroughtForm:
    return BroughtForm(draft.digest, brought(draft.content.answers))
