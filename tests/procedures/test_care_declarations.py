"""The borders of care insurance: who is asked what at 40 and 65, and when a certificate may be renewed."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

import pytest

from procedures.cases import cases_of
from procedures.declaration import Declaration
from tests import shipped

LIBRARY = shipped.library()
TODAY = date(2026, 12, 1)
CERTIFICATION = ["yokaigo-nintei-shinki", "yokaigo-nintei-koshin", "yokaigo-kubun-henko", "jusho-iten-nintei"]


def first_answers(declaration: Declaration, **applicant: str) -> dict[str, Any]:
    answers = copy.deepcopy(cases_of(declaration)[0].answers)
    answers["applicant"].update(applicant)
    return answers


def errors(declaration: Declaration, answers: dict[str, Any]) -> dict[str, str]:
    settled = declaration.form.settle(answers, TODAY)
    return {error.pointer: error.code for error in declaration.form.errors(settled)}


@pytest.mark.parametrize("slug", CERTIFICATION)
@pytest.mark.parametrize(
    ("born", "by_illness"),
    [("1961-12-02", False), ("1961-12-03", True), ("1986-12-02", True)],
    ids=["65 tomorrow, so 65 in law today", "still 64", "40 in law today"],
)
def test_only_people_of_40_to_64_are_asked_for_their_illness(slug: str, born: str, by_illness: bool) -> None:
    declaration = LIBRARY.declarations[slug]
    asked = declaration.form.settle(first_answers(declaration, birthdate=born), TODAY).by_pointer
    assert {"/disease" in asked, "/medical/insurer" in asked, "/lookup" in asked} == {by_illness}


@pytest.mark.parametrize(("born", "refused"), [("1986-12-02", False), ("1986-12-03", True)])
def test_nobody_is_insured_before_forty(born: str, refused: bool) -> None:
    declaration = LIBRARY.declarations["futan-wariai-saikofu"]
    found = errors(declaration, first_answers(declaration, birthdate=born))
    assert found == ({"/applicant/birthdate": "age"} if refused else {})


@pytest.mark.parametrize(("expires", "code"), [("2027-01-30", None), ("2027-01-31", "dateMax")])
def test_a_certificate_is_renewed_from_sixty_days_before_it_ends(expires: str, code: str | None) -> None:
    declaration = LIBRARY.declarations["yokaigo-nintei-koshin"]
    answers = {**first_answers(declaration), "expires_on": expires}
    assert errors(declaration, answers).get("/expires_on") == code


def test_a_city_office_that_is_closed_on_the_last_day_takes_it_on_the_next() -> None:
    declaration = LIBRARY.declarations["jusho-iten-nintei"]
    late, too_late = ({**first_answers(declaration), "moved_on": day} for day in ("2026-11-08", "2026-11-07"))
    assert "/moved_on" not in errors(declaration, late)
    assert errors(declaration, too_late)["/moved_on"] == "dateMin"


@pytest.mark.parametrize("slug", ["futan-wariai-saikofu", "kaigo-hihokenshasho-saikofu"])
def test_a_lost_paper_is_asked_for_again_without_a_my_number(slug: str) -> None:
    kinds = {field.kind.name for field in LIBRARY.declarations[slug].form.fields.values()}
    assert "my_number" not in kinds
