"""A declaration on disk becomes one value, and its version is its text in the order of its questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_schema import BadDeclaration
from procedures.declaration import Accepts, Assurance, Channel, Declaration, ProcedureType, Result, load, parse
from procedures.library import ROOT, BadLibraryError, Library, declaration_files, load_library

JUMINHYO = ROOT / "declarations/resident-record/juminhyo-utsushi.json"


def reordered(library: Library, change: Callable[[dict[str, object]], object]) -> Declaration:
    raw = json.loads(JUMINHYO.read_text("utf-8"))
    change(raw)
    return parse(json.dumps(raw, ensure_ascii=False), library.shared.common, "resident-record", "juminhyo-utsushi")


def test_the_library_has_the_shipped_procedures_in_order_of_their_numbers(library: Library) -> None:
    numbers = {slug: item.id for slug, item in library.declarations.items()}
    assert list(numbers.values()) == sorted(numbers.values())
    assert len(numbers) == len(declaration_files(ROOT))
    known = {"jido-teate-nintei-seikyu": "P001", "juminhyo-utsushi": "P101", "inu-toroku": "P118"}
    assert {slug: numbers[slug] for slug in known} == known


def test_folder_and_file_name_are_category_and_address(library: Library) -> None:
    item = library.declarations["juminhyo-utsushi"]
    assert (item.category, item.slug, item.department) == ("resident-record", "juminhyo-utsushi", "市民課")
    assert item.procedure_type is ProcedureType.SHINSEI
    assert item.assurance is Assurance.JPKI_SIGNATURE
    assert item.result is Result.CERTIFICATE
    assert item.channels == (Channel.ONLINE, Channel.COUNTER, Channel.KIOSK)


def test_residents_read_a_plain_name_and_the_law_keeps_its_own(library: Library) -> None:
    item = library.declarations["jido-teate-nintei-seikyu"]
    assert item.title == "児童手当の認定請求"
    assert item.official_title == "児童手当等の受給資格及び児童手当の額についての認定請求"
    assert library.declarations["inu-toroku"].official_title == "犬の登録申請"


def test_a_version_is_the_digest_of_the_compact_bundle(library: Library) -> None:
    item = library.declarations["juminhyo-utsushi"]
    assert item.digest == hashlib.sha256(item.text.encode()).hexdigest()
    assert item.text == json.dumps(json.loads(item.text), ensure_ascii=False, separators=(",", ":"))
    assert "urn:kakanai:common" not in item.text
    assert load(JUMINHYO, library.shared.common).digest == item.digest


@pytest.mark.parametrize("slug", ["jido-teate-nintei-seikyu", "juminhyo-utsushi", "inu-toroku"])
def test_a_stored_bundle_is_the_same_procedure_again(library: Library, slug: str) -> None:
    item = library.declarations[slug]
    again = Declaration.from_bundle(item.text)
    assert again.digest == item.digest
    assert {each.name: getattr(again, each.name) for each in fields(item)} == {
        each.name: getattr(item, each.name) for each in fields(item)
    }


def test_another_order_of_questions_is_another_version(library: Library) -> None:
    def swap(raw: dict[str, object]) -> None:
        schema = raw["schema"]
        assert isinstance(schema, dict)
        schema["properties"] = dict(reversed(schema["properties"].items()))

    item = library.declarations["juminhyo-utsushi"]
    assert reordered(library, lambda raw: None).digest == item.digest
    other = reordered(library, swap)
    assert json.loads(other.text) == json.loads(item.text)
    assert other.digest != item.digest


def test_a_change_of_a_common_definition_is_a_new_version(library: Library) -> None:
    common = {**library.shared.common, "phone": {**library.shared.common["phone"], "title": "電話"}}
    assert load(JUMINHYO, common).digest != library.declarations["juminhyo-utsushi"].digest


def test_every_step_of_a_form_can_be_laid_out_and_the_first_asks_only_who_acts(library: Library) -> None:
    for slug in ("juminhyo-utsushi", "jido-teate-nintei-seikyu"):
        form = library.declarations[slug].form
        assert [getattr(item, "pointer", "") for item in form.steps[0].items] == ["/acting"]
        assert form.steps[1].items[0].pointer == "/applicant"  # type: ignore[union-attr]  # a Field, or the test fails


@given(st.sampled_from(Assurance), st.sampled_from(Assurance), st.sampled_from(Assurance))
def test_a_stronger_proof_of_who_one_is_covers_a_weaker(a: Assurance, b: Assurance, c: Assurance) -> None:
    assert a.covers(a)
    assert a.covers(b) or b.covers(a)
    assert not (a.covers(b) and b.covers(c)) or a.covers(c)
    assert Assurance.JPKI_SIGNATURE.covers(a)
    assert a.covers(Assurance.NONE)


def test_both_days_of_a_period_are_inside_it() -> None:
    period = Accepts(date(2027, 4, 1), date(2027, 4, 30))
    assert [day for day in range(1, 31) if period.open_on(date(2027, 4, day))] == list(range(1, 31))
    assert not period.open_on(date(2027, 3, 31))
    assert not period.open_on(date(2027, 5, 1))
    assert Accepts().open_on(date(1900, 1, 1))


def test_nothing_of_a_library_is_served_when_one_file_is_bad(shelf: Path) -> None:
    (shelf / "declarations/resident-record/juminhyo-utsushi.json").write_text('{"id": "P101"', "utf-8")
    with pytest.raises(BadLibraryError) as caught:
        load_library(shelf)
    assert [path.name for path, _ in caught.value.findings] == ["juminhyo-utsushi.json"]


def test_every_cut_of_a_declaration_is_refused_whole(library: Library) -> None:
    text = JUMINHYO.read_text("utf-8").strip()
    for end in range(0, len(text), 997):
        with pytest.raises(BadDeclaration):
            parse(text[:end], library.shared.common, "resident-record", "juminhyo-utsushi")


def test_the_files_are_found_by_themselves() -> None:
    assert JUMINHYO in declaration_files(ROOT)
