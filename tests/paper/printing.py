"""Sheets for tests, and what is read of the PDFs by two readers that did not make them: poppler and pikepdf."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf

from procedures.cases import Case, cases_of
from procedures.city import City, load_city
from procedures.declaration import Declaration
from procedures.library import ROOT
from server.applications.summary import Line, Section
from server.paper.filed import Filed, Written, sheet_of
from server.paper.press import Press
from server.paper.sheets import Sheet

_ABOVE_THE_FOOT = ("-x", "0", "-y", "0", "-W", "596", "-H", "792")
FONTS = Path("/usr/share/fonts")
NOW = datetime(2026, 11, 20, 1, 5, 0, 123456, tzinfo=UTC)
NUMBER = "550010002000305"
LINK = f"https://city.example/office/applications/{NUMBER}"


@cache
def press() -> Press:
    """One for all tests of this process: fonts take a second to be found."""
    return Press(FONTS)


@cache
def city() -> City:
    return load_city(ROOT.parent / "city.json")


def valid_cases(declaration: Declaration) -> list[Case]:
    return [case for case in cases_of(declaration) if case.valid]


def sheet_for(declaration: Declaration, case: Case, written: Written | None = None, **more: Any) -> Sheet:
    """What is printed of a declaration's own case."""
    filed = Filed(
        slug=declaration.slug,
        digest="",
        number=NUMBER,
        department=declaration.department,
        submitted_at=NOW if case.today is None else datetime(*case.today.timetuple()[:3], 1, 5, tzinfo=UTC),
        channel="counter" if written else "online",
        assurance=case.level,
        answers=case.answers,
        written=written,
        **more,
    )
    return sheet_of(filed, declaration, city(), "https://city.example", copy=False)


def plain(sections: Sequence[Section], **more: Any) -> Sheet:
    """A sheet that says only this."""
    given: dict[str, Any] = {
        "title": "見本の届出",
        "called": "",
        "basis": "",
        "addressee": "見本市長",
        "department": "市民課",
        "number": NUMBER,
        "link": LINK,
        "filed": NOW,
        "who": "届出人",
        "applicant": [("氏名", "津軽　太郎")],
        "sections": sections,
        "papers": (),
        "fee": (),
        "record": [("提出の方法", "オンラインで提出")],
    }
    return Sheet(**given | more)


def answers(*texts: str) -> list[Section]:
    """A section with these answers."""
    return [Section(1, "答え", tuple(Line(f"/{i}", f"問い{i}", text) for i, text in enumerate(texts)))]


def words(pdf: bytes) -> str:
    """What a reader finds in it, in the order in which it was set, but for the foot of the pages; without blanks:
    lines are broken where the paper ends, not where the text does."""
    return "".join(read(pdf, "-raw", *_ABOVE_THE_FOOT).split())


def read(pdf: bytes, *how: str) -> str:
    """By pdftotext; pages end in a form feed."""
    args = ["pdftotext", *(how or ("-raw",)), "-", "-"]
    return subprocess.run(args, input=pdf, capture_output=True, check=True).stdout.decode()  # noqa: S603


def pages(pdf: bytes) -> list[str]:
    """The lines of each page, as they lie on it."""
    return read(pdf, "-layout").split("\f")[:-1]


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(pdf))


def tags(pdf: pikepdf.Pdf) -> list[str]:
    """The kinds of the elements of its structure, in reading order."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if not isinstance(node, pikepdf.Dictionary):
            return
        if "/S" in node:
            found.append(str(node["/S"])[1:])
        children = node.get("/K")
        for child in children if isinstance(children, pikepdf.Array) else [children]:
            walk(child)

    walk(pdf.Root["/StructTreeRoot"])
    return found


def faces(pdf: pikepdf.Pdf) -> set[str]:
    """The fonts that are in it, without the letters that tell subsets apart. Each must bring its glyphs."""
    found = set()
    for each in pdf.objects:
        if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == "/FontDescriptor":
            assert "/FontFile2" in each or "/FontFile3" in each, "a font is not embedded"
            found.add(str(each["/FontName"])[1:].partition("+")[2])
    return found
