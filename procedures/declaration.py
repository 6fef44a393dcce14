"""A procedure as its declaration states it, and the version that it is.

A version is the SHA-256 of the bundled declaration, serialised compactly in file order. The bundle also says
`category` and `slug`, which in the files are the folder and the file name, so that it stands alone in the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from forms_schema import Form, bundle, compile_form
from forms_schema.base import BadDeclaration, Schema
from procedures import dialect
from procedures.bookings import Booking
from procedures.reading import at_place, compact, read_json, read_text
from procedures.terms import Assurance, Channel, ProcedureType, Result, Timing

__all__ = [
    "Accepts",
    "Assurance",
    "Channel",
    "Declaration",
    "Fee",
    "FeeItem",
    "Guide",
    "Handover",
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


@dataclass(frozen=True, eq=False)
class Declaration:
    """One procedure in one version. `text` is the bundle, `digest` its name.

    What the catalogue says is read at once; the questions, their layout and the cases when they are first asked for: of
    two hundred procedures that are served, few are being filled in.
    """

    text: str
    id: str
    category: str
    slug: str
    title: str
    official_title: str
    kana: str
    summary: str
    keywords: tuple[str, ...]
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
    retention_years: int
    guide: Guide
    attachments: Sequence[Mapping[str, Any]]
    fee: Fee | None
    handover: Handover | None
    booking: Booking | None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bundle, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

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
        return raw["schema"], raw.get("ui", {})

    @cached_property
    def cases(self) -> Sequence[Mapping[str, Any]]:
        """Its tests."""
        return tuple(json.loads(self.text)["cases"])

    @cached_property
    def form(self) -> Form:
        """The compiled form; made on first use, for that costs a millisecond. Raises BadDeclaration."""
        return compile_form(self.schema, ui=self.ui, attachments=self.attachments)

    @property
    def handed_over(self) -> Handover | None:
        """Where a filing from home really goes, when it goes elsewhere."""
        online = self.handover is not None and Channel.ONLINE in self.handover.channels
        return self.handover if online else None

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
    fee, handover = raw.get("fee"), raw.get("handover")
    return Declaration(
        text=text,
        **{name: raw[name] for name in ("id", "category", "slug", "title", "kana", "summary", "group", "department")},
        official_title=raw.get("official_title", raw["title"]),
        keywords=tuple(raw.get("keywords", ())),
        life_events=tuple(raw.get("life_events", ())),
        legal_basis=raw["legal_basis"],
        procedure_type=ProcedureType(raw["procedure_type"]),
        assurance=Assurance(raw["assurance"]),
        result=Result(raw["result"]),
        channels=tuple(map(Channel, raw["channels"])),
        online_since=raw.get("online_since") or "",
        accepts=_accepts(raw.get("accepts") or {}),
        processing_days=raw["processing_days"],
        retention_years=raw["retention_years"],
        guide=_guide(raw["guide"]),
        attachments=tuple(raw.get("attachments", ())),
        fee=_fee(fee) if fee else None,
        handover=_handover(handover) if handover else None,
        booking=Booking(**raw["booking"]) if raw.get("booking") else None,
    )


def _accepts(raw: Mapping[str, str | None]) -> Accepts:
    start, until = raw.get("from"), raw.get("until")
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
