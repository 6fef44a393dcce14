"""Who stands at the window: which documents were looked at, what came of it, and for whom somebody acts.

Never a copy, and never a 個人番号: what is written down is kinds, results and a short note that may hold no number of
twelve digits. People under 支援措置 are flagged; nothing of theirs is filled in by itself.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, select

from forms_schema import Json
from procedures.declaration import Assurance
from procedures.joint import Fact, Key
from server.counter.documents import DOCUMENTS, enough
from server.people.facts import Facts
from server.people.protection import is_listed
from server.people.reader import CardFacts
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

LONGEST_NOTE: Final = 200
SEALED: Final = "identity_check.sealed_detail"


class Method(StrEnum):
    """How it was checked."""

    DOCUMENTS = "documents"
    READER = "reader"
    """A card on the reader, and its owner's face."""
    QUESTIONS = "questions"
    """Questions that hardly anybody else could answer, where there are no documents (住民基本台帳事務処理要領)."""


class Result(StrEnum):
    """What came of it."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


class Proxy(StrEnum):
    """By what right somebody acts for another."""

    SELF = ""
    HOUSEHOLD = "household"
    """Who lives in the same household files for it without a mandate (住民基本台帳法26条, 27条)."""
    STATUTORY = "statutory"
    VOLUNTARY = "voluntary"


class Mandate(StrEnum):
    """What of it was seen."""

    NONE = ""
    LETTER = "letter"
    """委任状."""
    REGISTER = "register"
    """戸籍, 登記事項証明書, or the city's own register."""
    UNSEEN = "unseen"


class Fault(StrEnum):
    """Why a check is not written down."""

    PERSON = "person"
    METHOD = "method"
    RESULT = "result"
    NO_DOCUMENT = "no-document"
    TOO_FEW = "too-few"
    NUMBER = "number"
    TOO_LONG = "too-long"
    NO_NOTE = "no-note"
    MANDATE = "mandate"
    WHOSE = "whose"


@dataclass(frozen=True, slots=True)
class Detail:
    """What is sealed of a check: a note; by what right they act, for whom (ids as `person`), what of it was seen.
    `protected`: the card that was read is of somebody under 支援措置."""

    note: str = ""
    proxy: str = ""
    mandate: str = ""
    acts_for: tuple[str, ...] = ()
    protected: bool = False

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Detail:
        parts = json.loads(data)
        return Detail(**parts | {"acts_for": tuple(parts["acts_for"])})


@dataclass(frozen=True, slots=True)
class Check:
    """How one person (the id of a member of the interview, or 'agent') was known, and by whom on the staff."""

    id: str
    person: str
    method: str
    documents: Sequence[str]
    result: str
    detail: Detail
    staff_id: str
    checked_at: datetime

    @property
    def confirmed(self) -> bool:
        """Whether they are who they say, and may act for whom they act."""
        return self.result == Result.CONFIRMED and self.detail.mandate != Mandate.UNSEEN


AGENT: Final = "agent"

_OF_VISIT: Final = (
    select(t.identity_check)
    .where(t.identity_check.c.visit_id == bindparam("visit_id"))
    .order_by(t.identity_check.c.checked_at, t.identity_check.c.id)
)


def record(
    db: Writing,
    keys: Keys,
    visit_id: str,
    staff_id: str,
    person: str,
    method: str,
    documents: Sequence[str],
    result: str,
    detail: Detail,
    *,
    now: datetime,
    random: Random,
) -> Check | frozenset[Fault]:
    """Write down a check of `person`; audited. What cannot stand is not written."""
    found = faults(person, method, documents, result, detail)
    if found:
        return found
    check_id, kinds = new_id(random), tuple(sorted(set(documents)))
    key, wrapped = keys.new_data_key(check_id)
    row: dict[str, Any] = {"id": check_id, "visit_id": visit_id, "staff_id": staff_id}
    row |= {"person": person, "method": method}
    row |= {"documents": " ".join(kinds), "result": result, "checked_at": now, "wrapped_key": wrapped}
    db.insert(t.identity_check, row | {"sealed_detail": key.seal(detail.to_bytes(), SEALED)})
    told = {"visit": visit_id, "method": method, "result": result, "proxy": detail.proxy or "self"}
    db.audit("identity.check", check_id, actor=f"staff:{staff_id}", detail=told)
    return Check(check_id, person, method, kinds, result, detail, staff_id, now)


def faults(person: str, method: str, documents: Sequence[str], result: str, detail: Detail) -> frozenset[Fault]:
    """What stands against writing a check down."""
    return frozenset(_faults(person, method, documents, result, detail))


def _faults(person: str, method: str, documents: Sequence[str], result: str, detail: Detail) -> list[Fault]:
    confirmed = result == Result.CONFIRMED
    odd = method not in set(Method) or not set(documents) <= set(DOCUMENTS)
    found = {
        Fault.PERSON: not 0 < len(person) <= 80,
        Fault.METHOD: odd,
        Fault.RESULT: result not in set(Result),
        Fault.NO_DOCUMENT: confirmed and method == Method.DOCUMENTS and not documents,
        Fault.TOO_FEW: bool(documents)
        and confirmed
        and method == Method.DOCUMENTS
        and not odd
        and not enough(documents),
        Fault.NUMBER: has_number(detail.note),
        Fault.TOO_LONG: len(detail.note) > LONGEST_NOTE,
        Fault.NO_NOTE: confirmed and method == Method.QUESTIONS and not detail.note.strip(),
        Fault.MANDATE: detail.proxy not in set(Proxy) or (detail.proxy in _MANDATED) is not (detail.mandate in _SEEN),
        Fault.WHOSE: bool(detail.proxy) and not [each for each in detail.acts_for if each and each != person],
    }
    return [fault for fault, wrong in found.items() if wrong]


_MANDATED: Final = frozenset({Proxy.STATUTORY, Proxy.VOLUNTARY})
_SEEN: Final = frozenset({Mandate.LETTER, Mandate.REGISTER, Mandate.UNSEEN})
_TWELVE: Final = re.compile(r"(?<![0-9])[0-9](?:[\s\-‐-―−ー.・]{0,2}[0-9]){11}(?![0-9])")


def has_number(text: str) -> bool:
    """Whether twelve digits stand in a text, in whatever width and however they are parted: a 個人番号, or the number
    of a licence, which nobody needs either."""
    return _TWELVE.search(unicodedata.normalize("NFKC", text)) is not None


def checks(db: Reading, keys: Keys, visit_id: str) -> tuple[Check, ...]:
    """What was checked in a visit, in order; of two checks of one person the later counts."""
    return tuple(_opened(keys, row) for row in db.all(_OF_VISIT, {"visit_id": visit_id}))


def standing(found: Sequence[Check]) -> Mapping[str, Check]:
    """The check that counts, by person."""
    return {each.person: each for each in found}


def _opened(keys: Keys, row: Any) -> Check:
    detail = Detail.from_bytes(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_detail, SEALED))
    documents = tuple(row.documents.split())
    return Check(row.id, row.person, row.method, documents, row.result, detail, row.staff_id, row.checked_at)


def card_facts(who: str, card: CardFacts, *, address: bool = True) -> Mapping[Key, Json]:
    """What a card says of the member `who`, as facts of the interview. Without the address where somebody moves: the
    card may still have the one they moved from."""
    said = card.facts.answers()
    if not address:
        said.pop("address", None)
    return {Key(who, path): value for path, value in _leaves(said)}


def _leaves(about: Mapping[str, Any], around: str = "") -> Iterator[tuple[str, Json]]:
    for name, value in about.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{around}{name}/")
        else:
            yield f"{around}{name}", value


# --- people under 支援措置 --------------------------------------------------------------------------------------------


def protected(db: Reading, keys: Keys, facts: Facts | CardFacts) -> bool:
    """Whether these facts are of somebody under 支援措置: never filled in, never shown on a tablet."""
    of = facts.facts if isinstance(facts, CardFacts) else facts
    return of.protected or is_listed(db, keys, of)


def protected_members(db: Reading, keys: Keys, facts: Mapping[Key, Fact]) -> frozenset[str]:
    """The ids of those in an interview who are under 支援措置, as far as name and birth date are known."""
    said: dict[tuple[str, str], dict[str, Json]] = {}
    for key, fact in facts.items():
        around, path = _part(key.path)
        if key.who and path in _NAMES:
            said.setdefault((key.who, around), {})[path] = fact.value
    shared = {who: about for (who, around), about in said.items() if not around}
    return frozenset(who for (who, _), about in said.items() if _is_listed(db, keys, shared.get(who, {}) | about))


def _part(path: str) -> tuple[str, str]:
    """Which of `_NAMES` a path may be, and the group around it where it is a form's own answer, '' where all share it:
    'slug:/applicant/name/family' is 'name/family' of 'slug:/applicant'."""
    if ":/" not in path:
        return "", path
    parts = path.split("/")
    last = 1 if parts[-1] == "birthdate" else 2
    return "/".join(parts[:-last]), "/".join(parts[-last:])


_NAMES: Final = ("name/family", "name/given", "birthdate")


def _is_listed(db: Reading, keys: Keys, about: Mapping[str, Json]) -> bool:
    names, born = [about.get(part) for part in _NAMES[:2]], about.get("birthdate")
    if not isinstance(born, str) or not all(isinstance(each, str | None) for each in names):
        return False
    try:
        day = date.fromisoformat(born)
    except ValueError:
        return False
    called = " ".join(str(each) for each in names if each)
    return is_listed(db, keys, Facts("", "", Assurance.NONE, called, birthdate=day))
