"""Everything the city offers, read from disk: declarations and what they share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from forms_schema.base import BadDeclaration, Fault, Json, Schema
from procedures.bookings import SHAPE as _BOOKINGS
from procedures.bookings import BookingTable, read_calendars
from procedures.declaration import Declaration, load
from procedures.fees import FeeRow, FeeTable
from procedures.interviews import DEFINITIONS, Interview
from procedures.interviews import SHAPE as _INTERVIEW
from procedures.interviews import read as read_interview
from procedures.queues import SHAPE as _QUEUES
from procedures.queues import QueueTable, read_queues
from procedures.reading import at_place, read_json, read_text
from procedures.shape import SLUG, Shape, count, day, many, record, text
from procedures.translations import Translations
from procedures.words import ELSEWHERE

ROOT: Final = Path(__file__).parent
Finding = tuple[Path, Fault]

_KANA: Final = text("よみ", "全角カタカナ", pattern="^[ァ-ヶー・]+$")
_FEES: Final = Shape(
    many(
        "手数料の表",
        "金額が変わるときは、古い行に valid_until を書き、新しい行を足す",
        record(
            "手数料",
            "ある期間の金額",
            {
                "code": SLUG,
                "title": text("名前", "住民に見せる名前"),
                "amount": count("金額", "円", 0, 10_000_000),
                "unit": text("単位", "通、頭、件など", 10),
                "valid_from": day("初日", "この日の申請から"),
                "valid_until": day("最終日", "この日の申請まで"),
                "legal_basis": text("根拠", "法令・条例の名前と条"),
            },
            *("code", "title", "amount", "unit", "valid_from", "valid_until", "legal_basis"),
        ),
        maxItems=2000,
    )
)
LIFE_EVENT: Final = record(
    "できごと",
    "暮らしのできごと",
    {
        "order": count("順", "小さい順に並べる", 0, 10_000),
        "title": text("名前", "住民に見せる名前", 60),
        "kana": _KANA,
        "words": many("検索の言葉", "住民が言いそうな言葉", text("言葉", "検索の言葉", 60)),
        "interview": _INTERVIEW,
    },
    *("order", "title", "kana", "words"),
    **{"$defs": DEFINITIONS},
)
"""The shape of a life event's file."""
_LIFE_EVENT: Final = Shape(LIFE_EVENT, ELSEWHERE)
_CATEGORY: Final = record(
    "分類",
    "手続の分類。フォルダーの名前が id",
    {"id": SLUG, "title": text("名前", "住民に見せる名前", 60), "kana": _KANA, "summary": text("要約", "1行で", 100)},
    *("id", "title", "kana", "summary"),
)
_CATEGORIES: Final = Shape(many("分類", "手続の分類", _CATEGORY))
_GROUPS: Final = Shape(
    many(
        "区分",
        "国や市の計画での区分",
        record("区分", "区分", {"id": SLUG, "title": text("名前", "名前", 60)}, "id", "title"),
    )
)
_EVERYDAY: Final = Shape(
    {
        "title": "ふだんの言葉",
        "description": "住民が言う言葉から、手続の言葉へ。検索で言いかえる",
        "type": "object",
        "maxProperties": 1000,
        "additionalProperties": many("言いかえ", "手続に出てくる言葉", text("言葉", "手続の言葉", 60)),
    }
)
_COMMON: Final = Shape(
    record(
        "共通定義",
        "いくつもの手続で使う質問",
        {"$defs": {"type": "object", "description": "名前から定義へ", "additionalProperties": {"type": "object"}}},
        "$defs",
    )
)


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of the catalogue; `id` is the folder of its declarations."""

    id: str
    title: str
    kana: str
    summary: str


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """Something that happens in a life and brings procedures with it; `interview` finds out which, where it has one."""

    id: str
    order: int
    title: str
    kana: str
    words: tuple[str, ...]
    interview: Interview | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """What declarations refer to. Life events and categories are in the order in which they are shown; `everyday`
    says what residents mean by words that are in no declaration."""

    common: Mapping[str, Schema]
    fees: FeeTable
    bookings: BookingTable
    life_events: Mapping[str, LifeEvent]
    categories: Mapping[str, Category]
    groups: Mapping[str, str]
    everyday: Mapping[str, Sequence[str]] = field(default_factory=dict)
    translations: Translations = field(default_factory=Translations)
    queues: QueueTable = field(default_factory=QueueTable)


@dataclass(frozen=True, slots=True)
class Library:
    """The whole offer. Declarations by slug, in the order of their ids."""

    declarations: Mapping[str, Declaration]
    shared: Shared


class BadLibraryError(ValueError):
    """Files that cannot be used, with every finding."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(f"{path}: {fault}" for path, fault in findings))
        self.findings = findings


@dataclass(slots=True)
class Reader:
    """Reads files one after another and notes what is wrong with each, instead of stopping at the first.

    `origins` says which file each common definition is from.
    """

    findings: list[Finding] = field(default_factory=list)
    origins: dict[str, Path] = field(default_factory=dict)

    def json(self, path: Path, shape: Shape) -> Json | None:
        """The value in a file, or None when it has faults."""
        try:
            raw = read_json(read_text(path))
            faults = shape.faults(raw)
        except BadDeclaration as bad:
            faults = list(bad.faults)
        except OSError:
            faults = [Fault("", "ファイルを読めません", "なくてはならないファイルです")]
        self.findings += [(path, fault) for fault in faults]
        return None if faults else raw

    def declaration(self, path: Path, common: Mapping[str, Schema]) -> Declaration | None:
        """The declaration in a file, or None when it has faults."""
        try:
            return load(path, common)
        except BadDeclaration as bad:
            self.findings += [(path, fault) for fault in bad.faults]
        except OSError:
            self.findings.append((path, Fault("", "ファイルを読めません", "あるファイルの名前を書いてください")))
        return None


def load_library(root: Path = ROOT) -> Library:
    """The library below `root`. Raises BadLibraryError; a bad file never half-loads. Cases are not run here."""
    reader = Reader()
    shared = read_shared(root, reader)
    read = [reader.declaration(path, shared.common) for path in declaration_files(root)]
    if reader.findings:
        raise BadLibraryError(reader.findings)
    found = sorted((item for item in read if item is not None), key=lambda item: item.id)
    return Library({item.slug: item for item in found}, shared)


def load_files(paths: Sequence[Path], root: Path = ROOT) -> list[Declaration]:
    """The declarations in files or folders, wherever they are, with what the library below `root` shares. Raises
    BadLibraryError; nothing is known of the library's other declarations."""
    reader = Reader()
    common = read_shared(root, reader).common
    files = [file for path in paths for file in files_in(path)]
    read = [reader.declaration(file, common) for file in files]
    if reader.findings:
        raise BadLibraryError(reader.findings)
    return [item for item in read if item is not None]


def files_in(path: Path) -> list[Path]:
    """The declaration files that a path stands for: itself, or those in the folder."""
    return (declaration_files(path) or sorted(path.rglob("*.json"))) if path.is_dir() else [path]


def declaration_files(root: Path) -> list[Path]:
    """Every declaration file, in order of its path."""
    return sorted((root / "declarations").glob("*/*.json"))


def fingerprint(root: Path = ROOT) -> str:
    """Changes when a file that versions are made of is written, comes or goes; told from sizes and times, without
    reading. Fees, calendars and translations are no part of a version."""
    files = [*declaration_files(root), *_common_files(root)]
    seen = [(path.relative_to(root).as_posix(), path.stat()) for path in files]
    lines = [f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in seen]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_shared(root: Path, reader: Reader) -> Shared:
    """What declarations refer to; files with faults are left out and noted in `reader`."""
    common = _common(root, reader)
    files = sorted((root / "life-events").glob("*.json"))
    events = [_life_event(path, raw, common, reader) for path in files if (raw := reader.json(path, _LIFE_EVENT))]
    categories = [Category(**raw) for raw in reader.json(root / "categories.json", _CATEGORIES) or ()]
    return Shared(
        common,
        _fee_table(root / "fees.json", reader),
        _booking_table(root / "bookings.json", reader),
        {event.id: event for event in sorted(events, key=lambda event: event.order)},
        {category.id: category for category in categories},
        {raw["id"]: raw["title"] for raw in reader.json(root / "groups.json", _GROUPS) or ()},
        reader.json(root / "everyday.json", _EVERYDAY) or {},
        Translations(root / "translations"),
        _queue_table(root / "queues.json", reader),
    )


def _common_files(root: Path) -> list[Path]:
    return sorted((root / "common").glob("*.json"))


def _common(root: Path, reader: Reader) -> dict[str, Schema]:
    common: dict[str, Schema] = {}
    for path in _common_files(root):
        raw = reader.json(path, _COMMON) or {"$defs": {}}
        for name, schema in raw["$defs"].items():
            other = reader.origins.setdefault(name, path)
            if other != path:
                fault = Fault(f"/$defs/{name}", f"この名前は {other.name} にもあります", "1度だけ書いてください")
                reader.findings.append((path, fault))
            common[name] = schema
    return common


def _life_event(path: Path, raw: Mapping[str, Json], common: Mapping[str, Schema], reader: Reader) -> LifeEvent:
    interview = None
    if "interview" in raw:
        try:
            interview = read_interview(raw["interview"], common)
        except BadDeclaration as bad:
            reader.findings += [(path, fault) for fault in at_place("/interview", bad.faults)]
    return LifeEvent(path.stem, raw["order"], raw["title"], raw["kana"], tuple(raw["words"]), interview)


def _fee_table(path: Path, reader: Reader) -> FeeTable:
    rows = tuple(_fee_row(raw) for raw in reader.json(path, _FEES) or ())
    reader.findings += [(path, fault) for fault in _overlaps(rows)]
    return FeeTable(rows)


def _booking_table(path: Path, reader: Reader) -> BookingTable:
    table, faults = read_calendars(reader.json(path, _BOOKINGS) or ())
    reader.findings += [(path, fault) for fault in faults]
    return table


def _queue_table(path: Path, reader: Reader) -> QueueTable:
    table, faults = read_queues(reader.json(path, _QUEUES) or ())
    # a file with faults of its own has said so: that it has no queue for the rest would be one too many
    reader.findings += [(path, fault) for fault in faults if table.queues]
    return table


def _fee_row(raw: Mapping[str, Json]) -> FeeRow:
    days = {name: date.fromisoformat(raw[name]) if raw[name] else None for name in ("valid_from", "valid_until")}
    return FeeRow(**{**raw, **days})


def _overlaps(rows: tuple[FeeRow, ...]) -> Iterator[Fault]:
    """Two amounts for one code on one day, and periods that end before they begin."""
    seen: dict[str, list[FeeRow]] = {}
    for i, row in enumerate(rows):
        if (row.valid_from or date.min) > (row.valid_until or date.max):
            yield Fault(f"/{i}/valid_until", "初日より前です", "valid_from より後の日を書いてください")
        for other in seen.setdefault(row.code, []):
            starts, ends = row.valid_from or date.min, row.valid_until or date.max
            if starts <= (other.valid_until or date.max) and (other.valid_from or date.min) <= ends:
                yield Fault(
                    f"/{i}/valid_from", f"{row.code} の期間が重なっています", "古い行の valid_until を書いてください"
                )
        seen[row.code].append(row)
