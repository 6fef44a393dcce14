"""docs/states.md says what the tables say."""

from __future__ import annotations

import re
from pathlib import Path

from procedures.declaration import ProcedureType
from server.applications.states import OfficeState, ResidentState, shown, withdrawable
from server.catalogue import STATES
from server.money.states import RULES, Standing

PAGE = (Path(__file__).parents[2] / "docs" / "states.md").read_text("utf-8")


def rows(part: str) -> list[list[str]]:
    """The cells of a part's table, without its head."""
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def codes(cell: str) -> list[str]:
    return re.findall(r"`([A-Za-z_]+)`", cell)


APPLICATIONS, PAYMENTS = PAGE.split("## Payments")


def test_the_page_pictures_every_state_of_an_application() -> None:
    told = {codes(row[0])[0]: codes(row[2])[0] for row in rows(APPLICATIONS)}
    assert told == {state.value: shown(state.value).value for state in OfficeState}


MAY_WITHDRAW = {
    "yes": set(ProcedureType),
    "not a 届出": set(ProcedureType) - {ProcedureType.TODOKEDE},
    "no": set[ProcedureType](),
}


def test_the_page_says_what_may_still_be_withdrawn() -> None:
    for row in rows(APPLICATIONS):
        state = codes(row[0])[0]
        assert {each for each in ProcedureType if withdrawable(state, each.value)} == MAY_WITHDRAW[row[3]], state


def test_every_word_a_resident_can_read_is_reached() -> None:
    assert {shown(state.value) for state in OfficeState} == set(ResidentState)


def test_the_page_pictures_every_standing_of_a_payment() -> None:
    told = {
        standing: state for row in rows(PAYMENTS) for standing, state in zip(codes(row[0]), codes(row[1]), strict=True)
    }
    assert told == {standing.value: RULES[standing].shown.value for standing in Standing}


def test_the_page_calls_the_states_of_a_procedure_as_everybody_reads_them() -> None:
    told = dict(re.findall(r"^\| ([^`|]+) \| `([a-z]+)` \|", PAGE, re.MULTILINE))
    assert told == {words: state.value for state, words in STATES.items()}
