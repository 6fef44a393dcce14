"""A procedure as its declaration states it, and the version that it is.

A version is the SHA-256 of the bundled declaration, serialised compactly in file order. The bundle also says
`category` and `slug`, which in the files are the folder and the file name, so that it stands alone in the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from sys import intern
from typing import Any, Final

from forms_schema import Form, bundle, compile_form
from forms_schema.base import BadDeclaration, Schema
from forms_schema.speech import JAPANESE, Speech
from procedures import dialect
from procedures.bookings import Booking
from procedures.reading import at_place, compact, read_json, read_text
from procedures.terms import Assurance, Channel, ProcedureType, Result, Timing
from procedures.translations import reworded

__all__ = [
    "Accepts",
    "Assurance",
    "Channel",
    "Declaration",
    "Fee",
    "FeeItem",
    "Guide",
    "Handover",
    "Header",
    "ProcedureType",
    "Result",
    "Timing",
    "Waiver",
    "load",
    "parse",
]


@dataclass(frozen=True, slots=True)
class Accepts:
    """The days between which the procedure takes filings, both included; None leaves that end open."""

    start: date | None = None
    until: date | None = None

    def open_on(self, day: date) -> bool:
        """Whether filings are taken on `day`."""
        return (self.start is None or self.start <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Guide:
    """The words of the guide page: who may file, what to have at hand, by when, which way is best, what to know."""

    who: str
    bring: tuple[str, ...] = ()
    when: str = ""
    channel: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handover:
    """Where the filing really goes, for the channels that are named."""

    to: str
    url: str
    channels: frozenset[Channel]
    prepare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeeItem:
    """One line of the fee. With `each`, `quantity` and `when` are read in every row there."""

    code: str
    quantity: str = ""
    each: str = ""
    when: Schema | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """A reduction by `share` percent of the items with `codes` (all, when none is named)."""

    reason: str
    share: int
    by: str
    when: Schema | None = None
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fee:
    """What a procedure costs, in codes of the fee table."""

    timing: Timing
    items: tuple[FeeItem, ...]
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What is said of a procedure wherever many are listed, found or counted: everything but how it is filled in.

    Small enough to be held for every procedure that is served, when there are too many to hold their questions.
    """

    id: str
    category: str
    slug: str
    title: str
    official_title: str
    kana: str
    summary: str
    keywords: str
    """What residents call it, one a line: of twenty thousand procedures, single texts take the least room."""
    life_events: tuple[str, ...]
    group: str
    department: str
    legal_basis: str
    procedure_type: ProcedureType
    assurance: Assurance
    result: Result
    channels: tuple[Channel, ...]
    online_since: str
    accepts: Accepts
    processing_days: int
    fee: Fee | None
    handover: Handover | None
    booking: Booking | None
    who: str
    """Who may file."""
    papers: tuple[str, ...]
    """The titles of its attachments."""
    asks_my_number: bool

    @property
    def handed_over(self) -> Handover | None:
        """Where a filing from home really goes, when it goes elsewhere."""
        online = self.handover is not None and Channel.ONLINE in self.handover.channels
        return self.handover if online else None

    @staticmethod
    def read(text: str) -> Header:
        """What `Declaration.header` wrote."""
        return Header(**_said(json.loads(text)))


@dataclass(frozen=True, eq=False)
class Declaration(Header):
    """One procedure in one version. `text` is the bundle, `digest` its name.

    The questions, their layout and the cases are read when they are first asked for.
    """

    text: str
    retention_years: int
    guide: Guide
    attachments: Sequence[Mapping[str, Any]]
    words: Mapping[str, str] = field(default_factory=dict)
    """What its texts are in the language of `speech`, where that is not Japanese."""
    speech: Speech = JAPANESE

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bundle, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def header(self) -> str:
        """What the catalogue says of it, for `Header.read`."""
        return compact(_heading(json.loads(self.text), self.text))

    @property
    def schema(self) -> Schema:
        """The questions: JSON Schema, with every common definition it uses in its `$defs`."""
        return self._asked[0]

    @property
    def ui(self) -> Mapping[str, Any]:
        """Layout and wording of the pages."""
        return self._asked[1]

    @cached_property
    def _asked(self) -> tuple[Schema, Mapping[str, Any]]:
        raw = json.loads(self.text)
        asked = raw["schema"], raw.get("ui", {})
        return reworded(asked, self.words) if self.words else asked

    @cached_property
    def cases(self) -> Sequence[Mapping[str, Any]]:
        """Its tests."""
        return tuple(json.loads(self.text)["cases"])

    @cached_property
    def form(self) -> Form:
        """The compiled form; made on first use, for that costs a millisecond. Raises BadDeclaration."""
        return compile_form(self.schema, ui=self.ui, attachments=self.attachments, speech=self.speech)

    def spoken(self, words: Mapping[str, str], speech: Speech) -> Declaration:
        """The same version in another language; what `words` has no text for stays Japanese. Only what people read
        differs: its questions, rules and answers are the same."""

        def say(text: str) -> str:
            return words.get(text, text)

        def each(texts: Sequence[str]) -> tuple[str, ...]:
            return tuple(map(say, texts))

        told, to = self.guide, self.handover
        guide = Guide(say(told.who), each(told.bring), say(told.when), say(told.channel), each(told.notes))
        return replace(
            self,
            title=say(self.title),
            official_title=say(self.official_title),
            summary=say(self.summary),
            guide=guide,
            who=guide.who,
            attachments=reworded(self.attachments, words),
            papers=each(self.papers),
            handover=replace(to, to=say(to.to), prepare=each(to.prepare)) if to else None,
            words=words,
            speech=speech,
        )

    @staticmethod
    def from_bundle(text: str) -> Declaration:
        """The declaration of a bundle that `parse` made; it was checked then."""
        return _built(json.loads(text), text)


def load(path: Path, common: Mapping[str, Schema]) -> Declaration:
    """The declaration in a file: its folder is the category, its name the slug.

    Raises BadDeclaration, and OSError when there is no such file.
    """
    return parse(read_text(path), common, path.resolve().parent.name, path.stem)


def parse(text: str, common: Mapping[str, Schema], category: str, slug: str) -> Declaration:
    """The declaration that `text` writes down. Raises BadDeclaration with all that the first failing check found.

    The compiled form is not made here: what is wrong with the questions shows when `form` is first used.
    """
    raw = read_json(text)
    faults = dialect.faults(raw)
    if faults:
        raise BadDeclaration(faults)
    try:
        schema = bundle(raw["schema"], common)
    except BadDeclaration as bad:
        raise BadDeclaration(at_place("/schema", bad.faults)) from None
    whole = {"$schema": raw["$schema"], "category": category, "slug": slug, **raw, "schema": schema}
    return _built(whole, compact(whole))


def _built(raw: Mapping[str, Any], text: str) -> Declaration:
    return Declaration(
        **_said(_heading(raw, text)),
        text=text,
        retention_years=raw["retention_years"],
        guide=_guide(raw["guide"]),
        attachments=tuple(raw.get("attachments", ())),
    )


_HEADING: Final = (
    *("id", "category", "slug", "title", "official_title", "kana", "summary", "keywords", "life_events", "group"),
    *("department", "legal_basis", "procedure_type", "assurance", "result", "channels", "online_since", "accepts"),
    *("processing_days", "fee", "handover", "booking"),
)


def _heading(raw: Mapping[str, Any], text: str) -> dict[str, Any]:
    """What of a bundle is in its header: the words as they are there, and what is told of the rest."""
    told = {
        "who": raw["guide"]["who"],
        "papers": [each["title"] for each in raw.get("attachments", ())],
        "asks_my_number": '"format":"my-number"' in text,  # a bundle has only the definitions that it uses
    }
    return {name: raw[name] for name in _HEADING if name in raw} | told


def _said(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a header. What many procedures say in the same words is held once."""
    fee, handover, booking = raw.get("fee"), raw.get("handover"), raw.get("booking")
    accepts = raw.get("accepts") or {}
    return {
        **{name: raw[name] for name in ("id", "slug", "title", "kana", "summary", "who", "asks_my_number")},
        **{name: intern(raw[name]) for name in ("category", "group", "department", "legal_basis")},
        "official_title": raw.get("official_title", raw["title"]),
        "keywords": "\n".join(raw.get("keywords", ())),
        "life_events": _once(tuple(raw.get("life_events", ()))),
        "procedure_type": ProcedureType(raw["procedure_type"]),
        "assurance": Assurance(raw["assurance"]),
        "result": Result(raw["result"]),
        "channels": _channels(tuple(raw["channels"])),
        "online_since": intern(raw.get("online_since") or ""),
        "accepts": _accepts(accepts.get("from"), accepts.get("until")),
        "processing_days": raw["processing_days"],
        "fee": _fee(fee) if fee else None,
        "handover": _handover(handover) if handover else None,
        "booking": Booking(**booking) if booking else None,
        "papers": _once(tuple(raw["papers"])),
    }


@lru_cache(maxsize=2000)
def _once(words: tuple[str, ...]) -> tuple[str, ...]:
    return words


@lru_cache(maxsize=100)
def _channels(names: tuple[str, ...]) -> tuple[Channel, ...]:
    return tuple(map(Channel, names))


@lru_cache(maxsize=1000)
def _accepts(start: str | None, until: str | None) -> Accepts:
    return Accepts(date.fromisoformat(start) if start else None, date.fromisoformat(until) if until else None)


def _guide(raw: Mapping[str, Any]) -> Guide:
    return Guide(
        who=raw["who"],
        bring=tuple(raw.get("bring", ())),
        when=raw.get("when", ""),
        channel=raw.get("channel", ""),
        notes=tuple(raw.get("notes", ())),
    )


def _handover(raw: Mapping[str, Any]) -> Handover:
    channels = frozenset(map(Channel, raw["for"]))
    return Handover(raw["to"], raw["url"], channels, tuple(raw.get("prepare", ())))


def _fee(raw: Mapping[str, Any]) -> Fee:
    items = tuple(
        FeeItem(item["code"], item.get("quantity", ""), item.get("each", ""), item.get("when")) for item in raw["items"]
    )
    waivers = tuple(
        Waiver(w["reason"], w["share"], w["by"], w.get("when"), frozenset(w.get("codes", ())))
        for w in raw.get("waivers", ())
    )
    return Fee(Timing(raw["timing"]), items, waivers)
