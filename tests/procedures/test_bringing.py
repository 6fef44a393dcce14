"""What was filled in at home is not asked again at the window: answers become facts, and facts the same answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procedures.cases import cases_of
from procedures.declaration import Declaration
from procedures.joint import FAMILY, Answer, Filled, Joint, Key, State, Turn, apply, brought, taken_in
from tests import shipped
from tests.procedures.joint_clerk import leaves

LIBRARY = shipped.library()
DECLARATIONS = list(LIBRARY.declarations.values())
DAY = date(2026, 11, 21)
PARENTS_AND_CHILD = [
    {"kin": "self", "apart": False},
    {"kin": "wife", "apart": False},
    {"kin": "child", "apart": False},
    {"kin": "child", "apart": False},
]


def valid_cases(declaration: Declaration) -> Iterator[tuple[str, date, dict[str, Any]]]:
    for case in cases_of(declaration):
        if case.valid:
            day = case.today or DAY
            yield case.title, day, declaration.form.settle(case.answers, day).kept


def window(day: date, filled: Mapping[str, Any]) -> Turn:
    """The interview of these forms with what was brought."""
    forms = {slug: LIBRARY.declarations[slug].form for slug in filled}
    facts = brought({slug: Filled(forms[slug], answers) for slug, answers in filled.items()})
    return Joint(forms).turn(taken_in(State(), facts), day)


@pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda declaration: declaration.slug)
def test_a_form_filled_in_at_home_is_at_the_window_as_it_was(declaration: Declaration) -> None:
    for title, day, kept in valid_cases(declaration):
        turn = window(day, {declaration.slug: kept})
        assert (title, turn.answers(declaration.slug)) == (title, kept)
        asked = [query.key for ask in turn.asks() for query in ask.queries if query.required]
        assert (title, asked) == (title, [FAMILY] if turn.joint.asks_family else [])


@pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda declaration: declaration.slug)
def test_nothing_that_was_brought_is_lost_when_the_clerk_says_who_is_in_the_family(declaration: Declaration) -> None:
    for title, day, kept in valid_cases(declaration):
        turn = window(day, {declaration.slug: kept})
        if turn.joint.asks_family:
            turn, errors = apply(turn, [Answer((FAMILY,), PARENTS_AND_CHILD)])
            assert errors == ()
            after = dict(leaves(turn.answers(declaration.slug)))
            assert (title, {at: after.get(at) for at, _ in leaves(kept)}) == (title, dict(leaves(kept)))


@settings(max_examples=60)
@given(st.lists(st.sampled_from(DECLARATIONS), min_size=2, max_size=4, unique_by=lambda each: each.slug), st.data())
def test_several_forms_keep_each_its_own_answers(chosen: list[Declaration], data: st.DataObject) -> None:
    filled = {}
    for declaration in chosen:
        cases = [kept for _, day, kept in valid_cases(declaration) if day == DAY]
        if cases:
            filled[declaration.slug] = data.draw(st.sampled_from(cases))
    turn = window(DAY, filled)
    for slug, kept in filled.items():
        after = dict(leaves(turn.answers(slug)))
        assert {at: after.get(at) for at, _ in leaves(kept)} == dict(leaves(kept))


rubbish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150)
@given(st.sampled_from(DECLARATIONS), st.data())
def test_whatever_is_brought_it_is_taken_in_or_left_out_and_nothing_breaks(
    declaration: Declaration, data: st.DataObject
) -> None:
    names = [pointer[1:] for pointer in declaration.form.fields if pointer.count("/") == 1]
    answers = data.draw(st.dictionaries(st.sampled_from(names), rubbish, max_size=4))
    turn = window(DAY, {declaration.slug: answers})
    turn.next()
    assert set(turn.answers(declaration.slug)) <= set(names)


def test_a_child_of_the_same_name_and_birth_date_is_one_child_in_both_forms() -> None:
    name = {"family": "津軽", "given": "はな", "family_kana": "ツガル", "given_kana": "ハナ"}
    child = {"name": name, "birthdate": "2024-05-06"}
    allowance, care = "jido-teate-nintei-seikyu", "kodomo-iryohi-nintei"
    turn = window(DAY, {allowance: {"children": [child]}, care: {"children": [child]}})
    (one,) = turn.known.ids(Key("", f"{allowance}:/children")) or []
    (other,) = turn.known.ids(Key("", f"{care}:/children")) or []
    assert one == other
    twin = {"name": name | {"given": "みき"}, "birthdate": "2024-05-06"}
    turn = window(DAY, {allowance: {"children": [child]}, care: {"children": [twin]}})
    assert turn.known.ids(Key("", f"{allowance}:/children")) != turn.known.ids(Key("", f"{care}:/children"))


def test_what_came_from_a_card_still_does_and_the_rest_was_filled_in_at_home() -> None:
    slug = "jido-teate-nintei-seikyu"
    form = LIBRARY.declarations[slug].form
    applicant = {"birthdate": "1989-04-02", "phone": "0173352111"}
    sources = {"/applicant/birthdate": "card", "/applicant/phone": "typed"}
    facts = brought({slug: Filled(form, {"applicant": applicant}, sources)})
    assert facts[Key("applicant", "birthdate")].source == "card"
    assert facts[Key("applicant", "phone")].source == "pre-entry"
    said = State(facts={Key("applicant", "phone"): facts[Key("applicant", "birthdate")]})
    after = taken_in(said, facts, "staff:1")
    assert after.facts[Key("applicant", "phone")] == said.facts[Key("applicant", "phone")]
    assert after.facts[Key("applicant", "birthdate")].by == "staff:1"
