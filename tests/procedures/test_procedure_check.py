"""What is wrong with a declaration is said with its file, its place, and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procedures.check import check
from procedures.library import ROOT

TODAY = date(2026, 12, 1)
Spoil = Callable[[Callable[[dict[str, Any]], object]], Path]


def found(shelf: Path, paths: list[Path] | None = None) -> list[tuple[str, str]]:
    findings = check(paths, today=TODAY, root=shelf, city=shelf.parent / "city.json")
    return [(path.name, fault.pointer) for path, fault in findings]


def test_the_shipped_declarations_may_be_published() -> None:
    assert [f"{path}: {fault}" for path, fault in check(today=TODAY)] == []


def put(pointer: str, value: object) -> Callable[[dict[str, Any]], object]:
    """Write `value` at a pointer of the declaration."""

    def change(raw: dict[str, Any]) -> None:
        *way, last = pointer[1:].split("/")
        node: Any = raw
        for part in way:
            node = node[int(part)] if isinstance(node, list) else node[part]
        if isinstance(node, list):
            node.insert(int(last), value)
        else:
            node[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (put("/titel", "住民票"), "/titel"),
        (lambda raw: raw.pop("department"), "/department"),
        (put("/assurance", "card"), "/assurance"),
        (put("/channels/0", "fax"), "/channels/0"),
        (put("/processing_days", "2日"), "/processing_days"),
        (put("/kana", "じゅうみんひょう"), "/kana"),
        (put("/accepts/from", "2027-02-30"), "/accepts/from"),
        (put("/guide/who", ""), "/guide/who"),
        (put("/$schema", "urn:kakanai:declaration:2"), "/$schema"),
        (put("/category", "tax"), "/category"),
        (lambda raw: raw.update(cases=raw["cases"][:2]), "/cases"),
        (put("/cases/0/expects", {}), "/cases/0/expects"),
        (put("/fee/items/0/quantity", "copies"), "/fee/items/0/quantity"),
        (put("/attachments/0/accept", ["image/svg+xml"]), "/attachments/0/accept/0"),
        (put("/ui/steps/0/fields/0", {"html": "<b>"}), "/ui/steps/0/fields/0/html"),
    ],
)
def test_a_slip_in_the_file_is_named_with_its_place(shelf: Path, spoil: Spoil, change: Any, pointer: str) -> None:
    spoil(change)
    assert ("juminhyo-utsushi.json", pointer) in found(shelf)


def test_a_slip_of_the_pen_gets_a_guess_and_the_whole_choice(shelf: Path, spoil: Spoil) -> None:
    spoil(put("/processing_day", 3))
    ((path, fault),) = check(today=TODAY, root=shelf, city=shelf.parent / "city.json")
    assert path == shelf / "declarations/resident-record/juminhyo-utsushi.json"
    assert fault.problem == "processing_day というキーはありません"
    assert fault.allowed.startswith("processing_days ではありませんか。使えるキー: $schema、id、title")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (put("/schema/properties/copies/minimun", 1), "/schema/properties/copies/minimun"),
        (
            put("/schema/properties/applicant/$ref", "urn:kakanai:common#/$defs/persen"),
            "/schema/properties/applicant/$ref",
        ),
        (put("/schema/properties/applicant/$ref", "https://example.jp/person"), "/schema/properties/applicant/$ref"),
        (put("/schema/properties/applicant/$ref", "file:///etc/passwd"), "/schema/properties/applicant/$ref"),
        (put("/schema/properties/submit_to/pattern", "^\\d+$"), "/schema/properties/submit_to/pattern"),
        (put("/schema/properties/applicant/x-subject", "debit"), "/schema/properties/applicant/x-subject"),
        (put("/department", "宇宙課"), "/department"),
        (put("/group", "juyou"), "/group"),
        (put("/life_events/1", "party"), "/life_events/1"),
        (put("/fee/items/0/code", "juminhyou"), "/fee/items/0/code"),
        (put("/fee/items/0/quantity", "/receive"), "/fee/items/0/quantity"),
        (put("/fee/items/0/each", "/copies"), "/fee/items/0/each"),
        (put("/fee/items/0/each", "/people"), "/fee/items/0/quantity"),
        (
            put("/fee/items/1/when", {"properties": {"receive": {"const": "post"}}}),
            "/fee/items/1/when/properties/receive",
        ),
        (
            put("/fee/items/1/when", {"properties": {"recieve": {"const": "post"}}, "required": ["recieve"]}),
            "/fee/items/1/when",
        ),
        (put("/fee/waivers/0/codes", ["koseki"]), "/fee/waivers/0/codes"),
        (put("/attachments/1", {"key": "ininjo", "title": "委任状"}), "/attachments/1/key"),
        (put("/ui/steps/2/fields/0", "/extents"), "/ui/steps/2/fields/0"),
        (lambda raw: raw["ui"]["steps"][2]["fields"].remove("/copies"), "/ui/steps"),
        (put("/ui/fields", {"/copy": {"hint": "数"}}), "/ui/fields/~1copy"),
        (put("/cases/0/expect/fee", 711), "/cases/0/expect/fee"),
        (put("/cases/0/expect/asked", ["/agent"]), "/cases/0/expect/asked/0"),
        (put("/cases/0/expect/not_asked", ["/copies"]), "/cases/0/expect/not_asked/0"),
        (put("/cases/0/expect/attachments", ["ininjo"]), "/cases/0/expect/attachments"),
        (put("/cases/0/expect/left_out", ["/agent"]), "/cases/0/expect/left_out"),
        (put("/cases/0/answers/copies", 99), "/cases/0/expect/errors"),
        (put("/cases/0/answers/copy", 1), "/cases/0/answers/copy"),
        (put("/cases/0/as/level", "email"), "/cases/0/expect/errors"),
    ],
)
def test_what_does_not_fit_together_is_named_with_its_place(
    shelf: Path, spoil: Spoil, change: Any, pointer: str
) -> None:
    spoil(change)
    assert ("juminhyo-utsushi.json", pointer) in found(shelf)


def test_a_key_written_twice_is_named(shelf: Path, spoil: Spoil) -> None:
    path = spoil(lambda raw: None)
    path.write_text(path.read_text("utf-8").replace('"maximum": 10', '"maximum": 10, "maximum": 99', 1), "utf-8")
    assert found(shelf) == [("juminhyo-utsushi.json", "/schema/properties/copies/maximum")]


def test_a_file_that_is_no_text_is_refused(shelf: Path, spoil: Spoil) -> None:
    path = spoil(lambda raw: None)
    path.write_bytes(path.read_bytes().replace("住民票".encode(), "住民票".encode("cp932"), 1))
    assert found(shelf) == [("juminhyo-utsushi.json", "")]


def test_two_procedures_cannot_have_one_number(shelf: Path, spoil: Spoil) -> None:
    path = spoil(put("/id", "P118"))
    assert found(shelf, [path]) == [("juminhyo-utsushi.json", "/id")]


def test_two_procedures_cannot_have_one_address(shelf: Path, spoil: Spoil) -> None:
    path = spoil(put("/id", "P102"))
    twin = shelf / "declarations/tax/juminhyo-utsushi.json"
    twin.parent.mkdir()
    twin.write_text(path.read_text("utf-8").replace("P102", "P103"), "utf-8")
    assert found(shelf, [twin]) == [("juminhyo-utsushi.json", "")]


def test_a_folder_that_is_no_category_is_named(shelf: Path) -> None:
    folder = shelf / "declarations/resident-record"
    folder.rename(folder.with_name("jumin"))
    names = {path.name for path in folder.with_name("jumin").iterdir()}
    assert set(found(shelf)) == {(name, "") for name in names}


def test_a_my_number_is_asked_only_of_somebody_we_know_and_with_its_purpose(shelf: Path, spoil: Spoil) -> None:
    def ask(raw: dict[str, Any]) -> None:
        raw["schema"]["properties"]["my_number"] = {"$ref": "urn:kakanai:common#/$defs/my_number"}
        raw["ui"]["steps"][1]["fields"].append("/my_number")
        raw["assurance"] = "email"

    spoil(ask)
    assert set(found(shelf)) == {("juminhyo-utsushi.json", "/assurance"), ("juminhyo-utsushi.json", "/schema")}


def test_only_the_files_that_were_named_are_checked(shelf: Path, spoil: Spoil) -> None:
    spoil(put("/department", "宇宙課"))
    assert found(shelf, [shelf / "declarations/environment-pets/inu-toroku.json"]) == []


def test_a_folder_and_a_missing_file_can_be_named_too(shelf: Path, spoil: Spoil) -> None:
    spoil(put("/department", "宇宙課"))
    assert found(shelf, [shelf]) == found(shelf, [shelf / "declarations/resident-record"]) == found(shelf)
    assert found(shelf, [shelf / "declarations/childcare"]) == []
    assert found(shelf, [shelf / "declarations/tax/nai.json"]) == [("nai.json", "")]


def test_a_changed_copy_can_be_tried_before_it_takes_the_place_of_its_file(shelf: Path, spoil: Spoil) -> None:
    path = spoil(put("/processing_days", 3))
    copy = shelf.parent / "desk/resident-record" / path.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    assert found(shelf, [copy]) == []


def fee_rows(shelf: Path, change: Callable[[list[dict[str, Any]]], object]) -> list[tuple[str, str]]:
    path = shelf / "fees.json"
    rows = json.loads(path.read_text("utf-8"))
    change(rows)
    path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    return found(shelf)


def test_two_amounts_for_one_day_are_refused(shelf: Path) -> None:
    assert ("fees.json", "/2/valid_from") in fee_rows(shelf, lambda rows: rows[2].update(valid_from="2024-09-30"))


def test_a_fee_that_has_run_out_keeps_a_procedure_from_being_published(shelf: Path) -> None:
    assert fee_rows(shelf, lambda rows: rows[0].update(valid_until="2026-03-31")) == [
        ("juminhyo-utsushi.json", "/fee/items/0/code")
    ]


@pytest.mark.parametrize(("key", "value"), [("amount", -300), ("amount", 300.5), ("amount", "300"), ("yen", 300)])
def test_an_amount_is_whole_yen_and_not_below_zero(shelf: Path, key: str, value: object) -> None:
    assert ("fees.json", f"/0/{key}") in fee_rows(shelf, lambda rows: rows[0].update({key: value}))


def test_a_bad_common_definition_is_named_in_its_own_file(shelf: Path) -> None:
    path = shelf / "common/contact.json"
    path.write_text(path.read_text("utf-8").replace('"format": "phone"', '"format": "telephone"'), "utf-8")
    assert found(shelf) == [("contact.json", "/$defs/phone/format")]


def test_one_name_is_defined_in_one_file(shelf: Path) -> None:
    (shelf / "common/more.json").write_text('{"$defs": {"phone": {"type": "string"}}}', "utf-8")
    assert ("more.json", "/$defs/phone") in found(shelf)


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "x", "/x", "/dogs", [], {}, [1], {"x": {}}, {"$ref": "#/$defs/dog"}]
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_written_is_checked_and_never_crashes(shelf: Path, data: st.DataObject) -> None:
    path = shelf / "declarations/environment-pets/inu-toroku.json"
    raw = json.loads((ROOT / "declarations/environment-pets/inu-toroku.json").read_text("utf-8"))
    node: Any = raw
    key = data.draw(st.sampled_from(sorted(raw)))
    while isinstance(node[key], dict | list) and node[key] and data.draw(st.integers(0, 5)):
        node = node[key]
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
    node[key] = data.draw(ODD)
    path.write_text(json.dumps(raw, ensure_ascii=False), "utf-8")
    assert all(name == path.name for name, _ in found(shelf, [path]))
