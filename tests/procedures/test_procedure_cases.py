"""Declarations bring their tests with them; they hold today and on any day until 2030."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procedures.cases import cases_of, errors_of, run_cases
from procedures.check import CITY
from procedures.city import load_city
from procedures.declaration import Assurance, Channel, Declaration
from tests import shipped

LIBRARY = shipped.library()
CALENDAR = load_city(CITY).calendar
DAYS = st.dates(date(2026, 11, 1), date(2030, 12, 31))


@pytest.mark.parametrize("declaration", LIBRARY.declarations.values(), ids=lambda declaration: declaration.slug)
@pytest.mark.parametrize("today", [date(2026, 11, 21), date(2028, 2, 29), date(2030, 12, 31)], ids=str)
def test_the_cases_of_a_declaration_hold(declaration: Declaration, today: date) -> None:
    assert [str(fault) for fault in run_cases(declaration, LIBRARY.shared, CALENDAR, today)] == []


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(list(LIBRARY.declarations.values())), DAYS)
def test_the_cases_hold_on_any_day_until_2030(declaration: Declaration, today: date) -> None:
    assert [str(fault) for fault in run_cases(declaration, LIBRARY.shared, CALENDAR, today)] == []


@pytest.mark.parametrize("declaration", LIBRARY.declarations.values(), ids=lambda declaration: declaration.slug)
def test_a_valid_case_has_every_answer_and_every_file_it_needs(declaration: Declaration) -> None:
    for case in cases_of(declaration):
        if case.valid:
            today = case.today or date(2026, 11, 21)
            settled = declaration.form.settle(case.answers, today)
            asked = settled.by_pointer.items()
            blanks = [p for p, q in asked if q.required and q.value is None and not q.field.children]
            assert (case.title, blanks) == (case.title, [])
            assert set(case.attachments) <= {item.key for item in settled.attachments}, case.title
            assert declaration.form.settle(settled.kept, today).kept == settled.kept, case.title


@pytest.mark.parametrize("declaration", LIBRARY.declarations.values(), ids=lambda declaration: declaration.slug)
def test_the_valid_cases_of_a_declaration_answer_every_question_it_may_ask(declaration: Declaration) -> None:
    answered = set()
    for case in cases_of(declaration):
        if case.valid:
            settled = declaration.form.settle(case.answers, case.today or date(2026, 11, 21))
            answered |= {q.field.pointer for q in settled.by_pointer.values() if q.value is not None}
    leaves = {pointer for pointer, field in declaration.form.fields.items() if not field.children}
    assert {pointer for pointer in leaves - answered if not pointer.endswith(("/building", "/email"))} == set()


def test_a_case_that_leaves_it_unsaid_is_filed_online_at_the_level_asked_for() -> None:
    declaration = LIBRARY.declarations["juminhyo-utsushi"]
    case = next(case for case in cases_of(declaration) if not case.resident)
    assert (case.level, case.channel, case.today) == (Assurance.JPKI_SIGNATURE, Channel.ONLINE, None)


def test_a_channel_that_is_closed_takes_nothing() -> None:
    declaration = LIBRARY.declarations["inu-toroku"]
    bare = cases_of(declaration)[0]
    settled = declaration.form.settle(bare.answers, date(2026, 11, 21))
    closed = Declaration.from_bundle(declaration.text.replace('["online","counter","kiosk"]', '["counter"]', 1))
    assert errors_of(declaration, bare, settled, None) == {}
    assert errors_of(closed, bare, closed.form.settle(bare.answers, date(2026, 11, 21)), None) == {"": "CHANNEL_CLOSED"}
