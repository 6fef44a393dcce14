"""`python -m bench.paper`: what a printed sheet costs, in CPU milliseconds, once the fonts are there.

Every sheet has texts of its own, as every resident's has; only the questions are alike. Of each sheet the least of some
rounds is taken (the others were disturbed), and of all sheets the median.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.table import Row
from procedures.cases import cases_of
from procedures.city import load_city
from procedures.declaration import Declaration
from procedures.library import ROOT, load_library
from server.paper.filed import Filed, Written, sheet_of
from server.paper.press import Press
from server.paper.sheets import Cover, Sheet, bundle, sheet

ROUNDS, GOAL = 5, 15.0
NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
FAMILY = (
    *("tenshutsu-todoke", "jido-teate-nintei-seikyu", "inu-toroku", "hoiku-shisetsu-riyo", "inu-shibo"),
    *("suido-kaishi", "kokuho-shutoku"),
)


def rows() -> list[Row]:
    """The lines of `make bench`."""
    press, found = Press(Path("/usr/share/fonts")), load_library().declarations
    made = [_sheet(each) for each in found.values()]
    sheet(press, made[0], at=NOW)  # finds the fonts
    rounds = [
        [_cost(press, each, i) for each in made] for i in range(ROUNDS)
    ]  # others between: nothing is kept so long
    costs = sorted(map(min, zip(*rounds, strict=True)))
    mid, most = median(costs), costs[-1]
    together = [_sheet(found[slug]) for slug in FAMILY if slug in found]
    seven = min(_bundle(press, together, i) for i in range(ROUNDS)) / len(together)
    return [
        Row(
            f"paper: a sheet of each of {len(made)} procedures",
            f"{mid:.1f} ms CPU, {costs[len(costs) * 9 // 10]:.1f} in the longest tenth, {most:.1f} at most",
            "",
            f"< {GOAL:.0f} ms",
            mid < GOAL,
        ),
        Row(f"paper: a bundle of {len(together)}, each", f"{seven:.1f} ms CPU"),
    ]


def _sheet(declaration: Declaration) -> Sheet:
    """Of its first valid case: what most people file."""
    case = next(case for case in cases_of(declaration) if case.valid)
    filed = Filed(
        slug=declaration.slug,
        digest="",
        number="550010002000305",
        department=declaration.department,
        submitted_at=NOW,
        channel="counter",
        assurance=case.level,
        answers=case.answers,
        written=Written("窓口 花子", NOW, "said", NOW),
    )
    return sheet_of(filed, declaration, load_city(ROOT.parent / "city.json"), "https://city.example", copy=False)


def _somebody(content: Sheet, i: int) -> Sheet:
    """The same, of somebody else."""
    sections = [
        replace(section, lines=tuple(replace(line, text=f"{line.text}{i}") for line in section.lines))
        for section in content.sections
    ]
    return replace(content, sections=sections, number=f"{i:015}", link=f"{content.link}{i}")


def _cost(press: Press, content: Sheet, i: int) -> float:
    other = _somebody(content, i)
    began = time.process_time()
    sheet(press, other, at=NOW)
    return 1000 * (time.process_time() - began)


def _bundle(press: Press, contents: Sequence[Sheet], i: int) -> float:
    others = [_somebody(each, i) for each in contents]
    began = time.process_time()
    bundle(press, Cover("見本市", NOW), others, at=NOW)
    return 1000 * (time.process_time() - began)


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
