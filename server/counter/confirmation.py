"""That a resident has seen what the visit says, and agrees: when, in which way, and what stood on the screen.

It stands as long as the answers are those that were seen. A change of any of them voids it, without anybody having to
do so: whoever asks compares the answers. A drawn signature is a few lines of whole numbers, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import bindparam, select

from server.counter.pairing import TOPIC
from server.counter.visits import OPEN, Content, Visit
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

DRAWN, SAID, PAPER = "drawn", "said", "paper"
"""How somebody agreed: a signature on the tablet, a word instead of it, or a signature on the printed sheet."""
WIDTH, HEIGHT = 1000, 400
"""The field in which a signature is drawn; its numbers lie in it."""
LONGEST: Final = 20_000
"""Characters of a drawing: some two thousand points."""
SHORTEST: Final = 60
"""Length of all lines together: less is a touch by mistake."""
SEEN: Final = "confirmation.sealed_seen"
SIGNATURE: Final = "confirmation.sealed_signature"
_STROKE: Final = re.compile(r"M([0-9]{1,4}) ([0-9]{1,4})((?: L[0-9]{1,4} [0-9]{1,4})*)")
_POINT: Final = re.compile(r"L([0-9]{1,4}) ([0-9]{1,4})")

Stroke = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`digest` is of the answers (`answers_digest`) at `revision` of the visit."""

    id: str
    visit_id: str
    revision: int
    method: str
    digest: bytes
    staff_id: str | None
    device_id: str | None
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A confirmation opened: what was seen (as `mirror.Shown.to_bytes` has it), and the drawing as the data of an SVG
    path in a field of WIDTH by HEIGHT, '' for none."""

    seen: Any
    path: str


class Moved:
    """The visit is another than was seen, or over: nothing was confirmed."""


_LATEST: Final = (
    select(*(t.confirmation.c[name] for name in Confirmation.__slots__))
    .where(t.confirmation.c.visit_id == bindparam("visit"))
    .order_by(t.confirmation.c.confirmed_at.desc(), t.confirmation.c.revision.desc(), t.confirmation.c.id)
    .limit(1)
)
_KEPT: Final = select(t.confirmation).where(t.confirmation.c.id == bindparam("of"))
_VISIT: Final = select(t.visit.c.revision, t.visit.c.state).where(t.visit.c.id == bindparam("visit")).with_for_update()


def answers_digest(content: Content) -> bytes:
    """Which answers these are, and for which versions of which forms: 32 bytes."""
    facts = sorted([who, path, value] for who, path, value, *_ in _facts(content))
    about = {"event": content.event, "forms": list(content.forms.items()), "facts": facts}
    return hashlib.sha256(json.dumps(about, ensure_ascii=False, sort_keys=True).encode()).digest()


def _facts(content: Content) -> Any:
    state: Any = content.state
    return state["facts"]


def latest(db: Reading, visit_id: str) -> Confirmation | None:
    """The last confirmation of a visit, whether or not it still stands."""
    row = db.one(_LATEST, {"visit": visit_id})
    return None if row is None else Confirmation(**row._mapping)


def stands(confirmation: Confirmation | None, visit: Visit) -> bool:
    """Whether the answers of an open visit are still those that were confirmed."""
    return confirmation is not None and visit.open and confirmation.digest == answers_digest(visit.content)


def confirmed(db: Reading, visit: Visit) -> Confirmation | None:
    """The confirmation of an open visit as it stands; None where there is none, or an answer has changed since."""
    found = latest(db, visit.id)
    return found if stands(found, visit) else None


def confirm(
    db: Writing,
    keys: Keys,
    visit: Visit,
    seen: bytes,
    method: str,
    actor: str,
    *,
    path: str = "",
    device_id: str | None = None,
    staff_id: str | None = None,
    now: datetime,
    random: Random,
) -> Confirmation | Moved:
    """Write down that what was `seen` of `visit`, at this revision, is right. `path` is a drawing that `drawing` has
    read. Audited, with a digest of what was sealed."""
    row = db.one(_VISIT, {"visit": visit.id})
    if row is None or row.state != OPEN or row.revision != visit.revision:
        return Moved()
    made = Confirmation(
        new_id(random), visit.id, visit.revision, method, answers_digest(visit.content), staff_id, device_id, now
    )
    key, wrapped = keys.new_data_key(made.id)
    sealed = key.seal(seen, SEEN)
    values = {name: getattr(made, name) for name in Confirmation.__slots__}
    signature = key.seal(path.encode(), SIGNATURE) if path else None
    db.insert(t.confirmation, values | {"wrapped_key": wrapped, "sealed_seen": sealed, "sealed_signature": signature})
    detail: dict[str, str | int] = {
        "method": method,
        "revision": visit.revision,
        "seen": hashlib.sha256(sealed).hexdigest(),
    }
    db.audit("visit.confirm", visit.id, actor=actor, detail=detail)
    db.announce(TOPIC, visit.id)
    return made


def kept(db: Reading, keys: Keys, confirmation_id: str) -> Kept | None:
    """What was seen and drawn, for the sheet and for whoever has to prove it."""
    row = db.one(_KEPT, {"of": confirmation_id})
    if row is None:
        return None
    key = keys.open_data_key(row.wrapped_key, row.id)
    path = key.open(row.sealed_signature, SIGNATURE).decode() if row.sealed_signature is not None else ""
    return Kept(json.loads(key.open(row.sealed_seen, SEEN)), path)


# --- drawings -------------------------------------------------------------------------------------------------------


def drawing(text: str) -> str | None:
    """The data of an SVG path, read and written anew: 'M12 30 L14 33 M…', whole numbers in the field. None for anything
    else, for too much, and for what is no more than a dot."""
    if not 0 < len(text) <= LONGEST:
        return None
    strokes = _strokes(text.strip())
    if strokes is None or sum(map(_length, strokes)) < SHORTEST:
        return None
    return " ".join("M" + " L".join(f"{x} {y}" for x, y in stroke) for stroke in strokes)


def _strokes(text: str) -> list[Stroke] | None:
    found: list[Stroke] = []
    at = 0
    while at < len(text):
        match = _STROKE.match(text, at)
        if match is None:
            return None
        points = [(int(match[1]), int(match[2])), *((int(x), int(y)) for x, y in _POINT.findall(match[3]))]
        if any(x > WIDTH or y > HEIGHT for x, y in points):
            return None
        found.append(tuple(points))
        at = match.end()
        if at < len(text) and text[at] != " ":
            return None
        at += 1
    return found


def _length(stroke: Stroke) -> int:
    return sum(abs(x - u) + abs(y - v) for (x, y), (u, v) in pairwise(stroke))
