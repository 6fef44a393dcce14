"""What a sheet of paper says of one application, and the PDF of one sheet or of several.

The answers are `summary`'s, as the check page and the receipt tell them; here they only get their places on A4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, Final
from unicodedata import east_asian_width

import segno

from forms_schema.wareki import date_text
from server.applications.summary import Line, Section
from server.japan import in_japan
from server.paper.letters import Case, Lost
from server.paper.press import Press

Pair = tuple[str, str]
"""A label and what stands beside it."""

_HALF: Final = 22
"""How wide a text may be (in half-width letters) to share its line with another one."""
_HALF_LABEL: Final = 22
_LABEL, _WHOLE, _BESIDE = 36, 126, 41
"""The room in a row of `sheet.typ`, in mm: for a label, for what stands beside it, and for that beside another one."""
_OWN_LABEL, _OWN = 20, 74
"""In the box of who files it."""
_ROWS, _INSETS = 160.4, 3.2
"""The columns of a table together, and what each of them loses at its sides."""
_TEXT, _SMALL = 10 / 72 * 25.4, 9 / 72 * 25.4
"""An em of answers, and one of labels and tables, in mm."""
_COLUMNS: Final = 6
_TABLE: Final = 92
"""How wide the columns of a table may be together, each counted with its longest word or label up to `_WIDEST`."""
_WIDEST: Final = 30
_NARROWEST: Final = 8
_LINES: Final = re.compile(r"(?:M[0-9]+ [0-9]+(?: L[0-9]+ [0-9]+)* ?)+")
_NUMBER: Final = re.compile("[0-9]+")
_PEN: Final = 8
_WIDE, _HIGH = 100, 16
"""The room for a drawn signature, in mm."""
_DARK: Final = re.compile(b"\x01+")
_QUIET: Final = 4
"""Squares that stay white around the code (ISO/IEC 18004)."""
_MASK: Final = 2
"""Any mask is good for a reader; choosing the best of eight takes four times as long as all the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """An application as it is printed. `number` is the receipt number ('' of what is not filed yet), `link` where the
    staff find its case.

    `title` heads the paper, `called` is what residents call the procedure ('' where that is the same), `who` what the
    applicant is called (届出人, 申請者), `mark` a word beside the title ('控え', '取下げ', or ''). `witness` says that
    somebody else wrote it down; `signature` is what was drawn on a tablet, the data of an SVG path as
    `confirmation.drawing` writes it; `to_sign`: there is room for a signature by hand.
    """

    title: str
    called: str
    basis: str
    addressee: str
    department: str
    number: str
    link: str
    filed: datetime
    who: str
    applicant: Sequence[Pair]
    sections: Sequence[Section]
    papers: Sequence[Pair]
    fee: Sequence[Pair]
    record: Sequence[Pair]
    witness: str = ""
    signature: str = ""
    to_sign: bool = False
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """The list in front of a bundle: `office` is whose it is, `made` when."""

    office: str
    made: datetime


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF, and what of its texts could not be printed as written."""

    pdf: bytes
    lost: Lost


def sheet(press: Press, content: Sheet, *, at: datetime) -> Printed:
    """One application. Blocking; raises NoFonts."""
    lost = Lost()
    page = _sheet(press.case, content, lost)
    title = press.case.set(f"{content.title} {grouped(content.number)}", Lost())
    return Printed(press.pdf({"title": title, "cover": None, "sheets": [page]}, at=at), lost)


def bundle(press: Press, cover: Cover, contents: Sequence[Sheet], *, at: datetime) -> Printed:
    """Several in one PDF, each beginning on a page of its own, behind a list of them. Blocking; raises NoFonts."""
    case, lost = press.case, Lost()
    pages = [_sheet(case, each, lost) for each in contents]
    listed = [
        [case.set(text, Lost()) for text in (each.title, grouped(each.number) or each.mark, each.department)]
        for each in contents
    ]
    front = {"office": case.set(cover.office, lost), "made": wareki(cover.made), "rows": listed}
    return Printed(press.pdf({"title": "提出書類の一覧", "cover": front, "sheets": pages}, at=at), lost)


def unprintable(press: Press, contents: Iterable[Sheet]) -> Lost:
    """What could not be printed as written, told before anything is printed. Raises NoFonts."""
    lost = Lost()
    for each in contents:
        _sheet(press.case, each, lost)
    return lost


def grouped(number: str) -> str:
    """A receipt number for the eye."""
    return " ".join(filter(None, (number[:5], number[5:10], number[10:])))


def wareki(moment: datetime) -> str:
    """The day in Japan: '令和8年11月22日'."""
    return date_text(in_japan(moment).date()).partition("（")[0]


def clock(moment: datetime) -> str:
    """'令和8年11月22日 9時05分'."""
    here = in_japan(moment)
    return f"{wareki(moment)} {here.hour}時{here.minute:02}分"


# --- places ---------------------------------------------------------------------------------------------------------


def _sheet(case: Case, of: Sheet, lost_of_all: Lost) -> dict[str, Any]:
    """What the template is told; texts are as `Case.set` writes them. Adds to `lost_of_all`, and notes its own."""
    lost = Lost()
    told: dict[str, Any] = {
        name: case.set(getattr(of, name), lost)
        for name in ("title", "called", "basis", "addressee", "department", "who", "witness", "mark")
    }
    told |= {name: [_row(case, [pair], lost) for pair in getattr(of, name)] for name in ("papers", "fee", "record")}
    told["applicant"] = [_row(case, [pair], lost, _OWN_LABEL, _OWN) for pair in of.applicant]
    told |= {"number": grouped(of.number), "filed": wareki(of.filed), "received": clock(of.filed)}
    told |= {"qr": _qr(of.link) if of.number else "", "to_sign": of.to_sign}
    told["signature"], told["signature_width"] = _drawing(of.signature)
    told["parts"] = list(_parts(case, of.sections, lost))
    told["note"] = _note(lost)
    lost_of_all.add(lost)
    return told


def _row(
    case: Case, pairs: Iterable[Pair], lost: Lost, of_label: float = _LABEL, of_text: float = _WHOLE
) -> dict[str, Any]:
    """A row of labels and answers. `flat`: every text of it takes one line, in rooms so wide (mm)."""
    told = [(case.set(label, lost), case.set(text, lost)) for label, text in pairs]
    flat = all(case.width(label) * _SMALL < of_label and case.width(text) * _TEXT < of_text for label, text in told)
    return {"flat": flat, "pairs": told}


def _note(lost: Lost) -> str:
    letters = "印刷できない文字は「〓」で表しています。" if lost.letters else ""
    variants = "異体字の一部は、ふつうの字体で表しています。" if lost.variants else ""
    return f"※{letters}{variants}正しい文字は、受付番号の画面で確かめてください。" if lost else ""


def _parts(case: Case, sections: Sequence[Section], lost: Lost) -> Iterator[dict[str, Any]]:
    """The sections; the rows of one question together in a table, where they fit."""
    for (_, rows), found in groupby(sections, lambda each: (each.step, each.rows)):
        together = list(_merged(found))
        columns = _columns(together) if rows else []
        if columns:
            yield {"kind": "table", "title": case.set(rows, lost)} | _table(case, together, columns, lost)
        else:
            yield from (_grid(case, each, lost) for each in together)


def _merged(sections: Iterable[Section]) -> Iterator[Section]:
    """A step that is called as the group that stands in it is one part, with one heading."""
    for title, found in groupby(sections, lambda each: each.title):
        same = list(found)
        lines = tuple(line for each in same for line in each.lines)
        yield Section(same[0].step, title, lines, same[0].rows, same[0].row if len(same) == 1 else 0)


def _grid(case: Case, section: Section, lost: Lost) -> dict[str, Any]:
    rows = [
        _row(case, [(line.label, line.text) for line in lines], lost, of_text=_BESIDE if len(lines) > 1 else _WHOLE)
        for lines in _rows(section.lines)
    ]
    return {"kind": "grid", "title": case.set(section.title, lost), "rows": rows}


def _rows(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """What stands in one row: one line, or two short ones that follow one another."""
    at = 0
    while at < len(lines):
        both = lines[at : at + 2]
        found = both if len(both) == 2 and all(map(_is_short, both)) else both[:1]
        yield found
        at += len(found)


def _is_short(line: Line) -> bool:
    return "\n" not in line.text and width(line.text) <= _HALF and width(line.label) <= _HALF_LABEL


def width(text: str) -> int:
    """In half-width letters."""
    return len(text) if text.isascii() else sum(2 if _is_wide(each) else 1 for each in text)


@lru_cache(maxsize=8192)
def _is_wide(letter: str) -> bool:
    return east_asian_width(letter) in "WFA"


def _columns(rows: Sequence[Section]) -> list[str]:
    """The labels of a table of these rows, in the order of the questions; none where a table is no good: for a row
    that holds more than lines, and where it would get too wide."""
    titles = {each.title for each in rows}
    if len(titles) < len(rows) or any(not each.row for each in rows):
        return []
    columns: dict[str, int] = {}
    for section in rows:
        if len({line.label for line in section.lines}) < len(section.lines):
            return []
        for line in section.lines:
            columns[line.label] = max(columns.get(line.label, 0), _needed(line))
    fits = len(columns) <= _COLUMNS and sum(columns.values()) <= _TABLE
    return list(columns) if fits else []


def _needed(line: Line) -> int:
    return max(_NARROWEST, min(_WIDEST, max(width(line.text), width(line.label))))


def _table(case: Case, rows: Sequence[Section], columns: Sequence[str], lost: Lost) -> dict[str, Any]:
    """Its head and its rows, as `_row` tells them."""
    told = [{line.label: line for line in section.lines} for section in rows]
    widths = [max(_needed(row[label]) for row in told if label in row) for label in columns]
    rooms = [_ROWS * each / sum(widths) - _INSETS for each in widths]
    body = [
        (str(section.row), [row[label].text if label in row else None for label in columns])
        for section, row in zip(rows, told, strict=True)
    ]
    return {"widths": widths, "rows": [_cells(case, *row, rooms, lost) for row in [("番号", columns), *body]]}


def _cells(case: Case, number: str, texts: Sequence[str | None], rooms: Sequence[float], lost: Lost) -> dict[str, Any]:
    told = [None if text is None else case.set(text, lost) for text in texts]
    flat = all(case.width(each or "") * _SMALL < room for each, room in zip(told, rooms, strict=True))
    return {"flat": flat, "cells": [number, *told]}


# --- pictures -------------------------------------------------------------------------------------------------------


def _qr(link: str) -> str:
    """An SVG, a line for each run of dark squares: an address of the staff's pages, which says nothing to others."""
    rows = segno.make_qr(link, error="m", mask=_MASK).matrix
    side = len(rows) + 2 * _QUIET
    dark = "".join(
        f"M{run.start() + _QUIET} {y}.5h{run.end() - run.start()}"
        for y, row in enumerate(rows, _QUIET)
        for run in _DARK.finditer(row)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"><path stroke="#000" d="{dark}"/></svg>'


def _drawing(path: str) -> tuple[str, float]:
    """An SVG of what was drawn, cut to its lines, and how wide it stands on the paper in mm; ('', 0) where nothing was.
    Raises ValueError for anything but lines: it came from a tablet once."""
    if not path:
        return "", 0
    if not _LINES.fullmatch(path):
        raise ValueError("not a drawing")
    numbers = [int(each) for each in _NUMBER.findall(path)]
    (left, right), (top, bottom) = ((min(each) - _PEN, max(each) + _PEN) for each in (numbers[0::2], numbers[1::2]))
    wide, high = right - left, bottom - top
    drawn = f'fill="none" stroke="#000" stroke-width="{_PEN}" stroke-linecap="round" stroke-linejoin="round"'
    box = f"{left} {top} {wide} {high}"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"><path {drawn} d="{path}"/></svg>'
    return svg, round(min(_WIDE, _HIGH * wide / high), 1)
