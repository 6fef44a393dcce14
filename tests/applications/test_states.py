"""docs/states.md says what the tables say."""

from __future__ import annotations

import re
from pathlib import Path

from procedures.declaration import ProcedureType
from server.applications.states import MOVES, Act, OfficeState, ResidentState, shown, withdrawable
from server.catalogue import STATES
from server.money.states import RULES, Standing
from server.people.roles import POLICY, Action, Whose
from server.web.office.words import ACTS as ACT_WORDS

PAGE = (Path(__file__).parents[2] / "docs" / "states.md").read_text("utf-8")


def rows(part: str) -> list[list[str]]:
    """The cells of a part's table, without its head."""
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def codes_of(cell: str) -> list[str]:
    return re.findall(r"`([a-z-]+)`", cell)


def codes(cell: str) -> list[str]:
    return re.findall(r"`([A-Za-z_]+)`", cell)


APPLICATIONS, REST = PAGE.split("## What the office does")
ACTS, PAYMENTS = REST.split("## Payments")


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


def test_the_page_pictures_every_act_of_the_office_with_its_button_and_who_may() -> None:
    told = {codes_of(row[0])[0]: row for row in rows(ACTS)}
    assert told.keys() == {act.value for act in Act}
    for act in Act:
        _, button, before, after, who = told[act.value]
        assert button == ACT_WORDS[act].button
        assert {OfficeState(each) for each in codes(before)} == set(MOVES[act])
        assert {OfficeState(each) for each in codes(after)} == set(MOVES[act].values())
        assert set(who.split()) == {role.value for role in POLICY[Action(act)].roles}


def test_the_table_of_moves_and_the_table_of_roles_are_about_the_same_states() -> None:
    for act in Act:
        assert set(POLICY[Action(act)].states or ()) == {state.value for state in MOVES[act]}
        assert POLICY[Action(act)].whose is Whose.OWN


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
