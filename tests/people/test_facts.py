"""What a card says, and what a form makes of it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_schema import bundle, compile_form
from procedures.declaration import Assurance
from server.people.facts import Facts
from server.people.identity import sandbox_identity
from server.people.postal import PREFECTURES

RESIDENTS = {key: each for adapter in sandbox_identity().values() for key, each in adapter.residents.items()}


COMMON = Path(__file__).parents[2] / "procedures/common"


@pytest.fixture(scope="module")
def common() -> dict[str, Any]:
    """The common definitions procedures are declared with."""
    merged: dict[str, Any] = {}
    for path in sorted(COMMON.glob("*.json")):
        merged |= json.loads(path.read_text("utf-8"))["$defs"]
    return merged


def facts(**more: object) -> Facts:
    plain: dict[str, object] = {"provider": "jpki", "subject": "x", "level": Assurance.JPKI_SIGNATURE}
    return Facts(**plain | more)  # type: ignore[arg-type]  # any of its fields


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("津軽　太郎", {"family": "津軽", "given": "太郎"}),
        ("津軽 太郎", {"family": "津軽", "given": "太郎"}),
        ("NGUYEN VAN ANH", {"family": "NGUYEN", "given": "VAN ANH"}),
        ("SUHARTO", {"family": "SUHARTO"}),
        ("髙﨑　\u8fbb\U000e0101", {"family": "髙﨑", "given": "\u8fbb\U000e0101"}),
        ("\ufa19戸　\U00020bb7", {"family": "\ufa19戸", "given": "\U00020bb7"}),
        ("", None),
    ],
)
def test_a_name_is_cut_at_its_blank_and_never_altered(name: str, expected: dict[str, str] | None) -> None:
    assert facts(name=name).answers().get("name") == expected


def test_a_reading_has_only_the_blanks_a_form_takes() -> None:
    assert facts(name="A B", kana="グエン ヴァン アン").answers()["name"]["given_kana"] == "ヴァン\u3000アン"


@given(st.text(), st.text())
def test_no_name_is_refused_and_no_character_is_lost(name: str, kana: str) -> None:
    said = facts(name=name, kana=kana).answers().get("name", {})
    assert "".join((said.get("family", "") + said.get("given", "")).split()) == "".join(name.split())
    assert "".join((said.get("family_kana", "") + said.get("given_kana", "")).split()) == "".join(kana.split())


def test_the_prefecture_is_given_by_its_code() -> None:
    codes = [facts(address=f"{name}どこか市1").answers()["address"]["prefecture"] for name in PREFECTURES]
    assert codes == [f"{number:02}" for number in range(1, 48)]


@given(st.builds(Facts, level=st.sampled_from(Assurance), sex=st.sampled_from(["male", "female", ""])))
def test_facts_come_back_from_the_store_as_they_were(said: Facts) -> None:
    assert Facts.from_json(said.to_json()) == said


@given(st.builds(Facts, sex=st.just("female"), protected=st.just(True)))
def test_nothing_of_a_protected_person_fills_a_form(said: Facts) -> None:
    assert said.answers() == {}


PERSON = {
    "type": "object",
    "properties": {"applicant": {"$ref": "urn:kakanai:common#/$defs/person", "x-subject": "applicant"}},
    "required": ["applicant"],
}


def left_to_answer(subject: str, common: dict[str, Any]) -> set[str]:
    """What the common person still asks of somebody once their card has filled it in."""
    form = compile_form(bundle(PERSON, common))
    said = RESIDENTS[subject].facts.answers()
    asked = form.settle({"applicant": {key: said[key] for key in ("name", "birthdate", "address")}}, date(2026, 11, 20))
    return {f"{error.pointer} {error.code}" for error in form.errors(asked, attached={})}


@pytest.mark.parametrize(
    ("subject", "open_questions"),
    [
        ("taro-jpki", {"/applicant/phone required"}),
        ("yukiko-78", {"/applicant/phone required"}),
        (
            "hanako-oidc",
            {
                "/applicant/phone required",
                "/applicant/name/family_kana required",
                "/applicant/name/given_kana required",
            },
        ),
        (
            "nguyen-jpki",
            {
                "/applicant/phone required",
                "/applicant/name/family_kana required",
                "/applicant/name/given_kana required",
            },
        ),
    ],
)
def test_a_card_fills_the_applicant_but_for_what_it_does_not_say(
    subject: str, open_questions: set[str], common: dict[str, Any]
) -> None:
    assert left_to_answer(subject, common) == open_questions


def test_the_protected_resident_carries_an_address_that_no_form_is_given() -> None:
    said = RESIDENTS["protected-jpki"].facts
    assert said.protected
    assert said.address
    assert said.answers() == {}


def test_the_residents_of_the_sandbox_are_those_that_were_promised() -> None:
    levels = {subject: resident.facts.level.value for subject, resident in RESIDENTS.items()}
    assert levels == {
        "taro-jpki": "jpki-signature",
        "hanako-oidc": "oidc-basic",
        "yukiko-78": "jpki-signature",
        "nguyen-jpki": "jpki-signature",
        "protected-jpki": "jpki-signature",
    }
    assert RESIDENTS["hanako-oidc"].facts.kana == ""
    assert RESIDENTS["nguyen-jpki"].facts.name.isascii()
