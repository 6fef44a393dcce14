"""Every kind of question, by its specimens: what is typed becomes an answer, an error or both, and is shown again."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_schema.base import KEEP, Field, Schema
from forms_schema.formats import FORMATS
from forms_schema.kinds import FORMAT_KINDS, KINDS, kind_of, options_of
from forms_schema.kinds.account import BankAccount, yucho_account
from forms_schema.kinds.boxes import takes_only_ascii, takes_only_digits
from forms_schema.view import make_view
from tests.forms_schema.helpers import (
    NAME,
    cases,
    codes,
    field_of,
    html_of,
    page_of,
    posted_of,
    question_of,
    read,
    specimens,
    submitted,
)

CASES = cases()
each_case = pytest.mark.parametrize(
    ("kind", "schema", "ui", "case"), CASES, ids=[f"{kind}-{case['title']}" for kind, _, _, case in CASES]
)


@each_case
def test_what_is_typed_becomes_the_answer(kind: str, schema: Schema, ui: dict[str, Any], case: dict[str, Any]) -> None:
    item = field_of(schema, ui)
    assert item.kind.name == kind
    assert read(item, posted_of(case["posted"])) == case.get("value")


@each_case
def test_an_answer_stands_or_is_named_with_its_fault(
    kind: str, schema: Schema, ui: dict[str, Any], case: dict[str, Any]
) -> None:
    expected = {f"/{NAME}{at}": code for at, code in case.get("errors", {}).items()}
    found = codes(schema, case.get("value"))
    if "error" in case:
        expected[f"/{NAME}"] = case["error"]
        found = {f"/{NAME}": code for at, code in found.items() if at.startswith(f"/{NAME}")}
    assert found == expected


@each_case
def test_an_answer_is_read_in_one_way(kind: str, schema: Schema, ui: dict[str, Any], case: dict[str, Any]) -> None:
    item = field_of(schema, ui)
    if "value" in case:
        text = item.kind.text(item, case["value"])
        assert text == case.get("text", text)
        assert text


@each_case
def test_what_was_typed_stands_in_the_same_boxes_again(
    kind: str, schema: Schema, ui: dict[str, Any], case: dict[str, Any]
) -> None:
    item = field_of(schema, ui)
    shown = submitted(page_of(html_of(make_view(question_of(item, case.get("value")), errors={}))))
    if case.get("error") != "enum" and kind not in ("yes_no", "consent"):
        assert read(item, shown) == case.get("value")
        again = make_view(question_of(item, read(item, shown)), errors={})
        assert submitted(page_of(html_of(again))) == shown


@each_case
def test_a_field_left_off_the_page_keeps_its_answer(
    kind: str, schema: Schema, ui: dict[str, Any], case: dict[str, Any]
) -> None:
    item = field_of(schema, ui)
    if not item.kind.container:
        assert item.kind.parse(item, NAME, {"other": ["x"]}) is KEEP


def test_every_kind_has_specimens_and_at_least_the_hard_ones() -> None:
    files = specimens()
    assert set(files) == {*KINDS, "note", "attachment"}
    for kind, file in files.items():
        titles = " ".join(case["title"] for case in file["cases"])
        assert file["kind"] == kind
        assert "タグは文字として" in titles or kind == "attachment"
        if "schema" in file:
            errors = [case for case in file["cases"] if case.get("error") or case.get("errors")]
            assert any("value" not in case for case in errors), f"{kind}: no blank case"
            assert any("value" in case for case in errors), f"{kind}: no case of an answer that cannot stand"


def test_every_format_has_a_kind() -> None:
    assert set(FORMAT_KINDS) == set(FORMATS)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"type": "string", "format": "uri"},
        {"x-kind": "horse", "type": "object"},
        {"x-kind": ["address"]},
        {"type": "array", "items": {"type": "string"}},
        {"type": "array", "items": {"type": "array", "items": {"enum": ["a"]}}},
        {"enum": ["a", 1]},
        {"enum": ["", "a"]},
        {"enum": [["a"]]},
        {"enum": [None]},
    ],
)
def test_a_schema_that_no_form_can_ask_has_no_kind(schema: Schema) -> None:
    assert kind_of(schema) is None


@pytest.mark.parametrize(
    ("schema", "widget", "name"),
    [
        ({"type": "string"}, "", "text"),
        ({"type": "string", "maxLength": 200}, "", "text"),
        ({"type": "string", "maxLength": 201}, "", "textarea"),
        ({"type": "string"}, "textarea", "textarea"),
        ({"type": "string", "maxLength": 500}, "text", "text"),
        ({"type": "string", "format": "kana"}, "", "text"),
        ({"type": "number"}, "", "decimal"),
        ({"enum": list("abcdef")}, "", "radio"),
        ({"enum": list("abcdefg")}, "", "select"),
        ({"enum": list("abcdefg")}, "radio", "radio"),
        ({"const": "a"}, "", "radio"),
        ({"const": True}, "", "consent"),
        ({"type": "boolean"}, "radio", "yes_no"),
        ({"type": "array", "items": {"properties": {}}}, "", "rows"),
        ({"type": "object"}, "group", "group"),
    ],
)
def test_the_schema_decides_the_kind_and_a_widget_only_its_look(schema: Schema, widget: str, name: str) -> None:
    kind = kind_of(schema, widget)
    assert kind is not None and kind.name == name


@pytest.mark.parametrize(("schema", "widget"), [({"type": "integer"}, "textarea"), ({"type": "string"}, "radio")])
def test_a_widget_that_does_not_fit_is_refused(schema: Schema, widget: str) -> None:
    assert kind_of(schema, widget) is None


def test_only_choices_that_can_be_accepted_are_offered() -> None:
    choices = [{"const": name, "title": name.upper()} for name in "abc"]
    assert [o.value for o in options_of({"oneOf": choices, "enum": ["c", "a", "z"]})] == ["a", "c"]
    assert [o.title for o in options_of({"oneOf": choices, "const": "b"})] == ["B"]
    assert [o.value for o in options_of({"type": "boolean", "const": True})] == ["true"]
    assert options_of({"type": "integer", "oneOf": [{"const": 1, "title": "一"}], "enum": [True]}) == ()
    assert options_of({"type": "string"}) == ()
    assert options_of({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}) == ()


@pytest.mark.parametrize(
    ("symbol", "number", "account"),
    [
        ("12340", "12345671", BankAccount("9900", "238", "ordinary", "1234567")),
        ("11940", "3801", BankAccount("9900", "198", "ordinary", "0000380")),
        ("00190", "31000", BankAccount("9900", "019", "current", "0031000")),
        ("00180", "706751", BankAccount("9900", "019", "current", "0706751")),
        ("12340", "12345678", None),
        ("00190", "1234567", None),
        ("22340", "12345671", None),
        ("12340", "1", None),
        ("１２３４０", "12345671", None),
        ("", "", None),
    ],
)
def test_a_postal_account_is_called_as_other_banks_call_it(
    symbol: str, number: str, account: BankAccount | None
) -> None:
    assert yucho_account(symbol, number) == account


@pytest.mark.parametrize(
    ("pattern", "ascii_only", "digits_only"),
    [
        ("^[0-9]{7}$", True, True),
        ("^[01][0-9]{4}$", True, True),
        ("^[A-Z]{2}[0-9]+$", True, False),
        ("^[0-9]{3}-[0-9]{4}$", True, False),
        ("^[^a]+$", False, False),
        ("^.+$", False, False),
        ("^\\p{L}+$", False, False),
        ("^[ァ-ヴ]+$", False, False),
        ("^(?i)a$", False, False),
        ("", False, False),
    ],
)
def test_a_pattern_tells_whether_full_width_letters_can_only_be_slips(
    pattern: str, ascii_only: bool, digits_only: bool
) -> None:
    assert (takes_only_ascii(pattern), takes_only_digits(pattern)) == (ascii_only, digits_only)


def test_a_sealed_number_is_never_shown_again() -> None:
    item = field_of({"type": "string", "format": "my-number", "title": "個人番号"})
    html = html_of(make_view(question_of(item, "sealed:x1"), errors={}))
    boxes = page_of(html).all("input")
    assert [(box.get("name"), box.get("value")) for box in boxes] == [("q.keep", "sealed:x1"), ("q", "")]
    assert "checked" in boxes[0].attributes
    assert boxes[1].get("autocomplete") == "off"


def test_a_number_that_was_refused_is_shown_on_the_same_page() -> None:
    item = field_of({"type": "string", "format": "my-number", "title": "個人番号"})
    (box,) = page_of(html_of(make_view(question_of(item, "123456789012"), errors={"/q": "違います"}))).all("input")
    assert box.get("value") == "123456789012"
    assert box.get("aria-invalid") == "true"


LEAVES = [(field_of(schema, ui), case) for _, schema, ui, case in CASES if not field_of(schema, ui).kind.container]
FIELDS = list({item.kind.name: item for item, _ in LEAVES}.values())
ODD = st.one_of(
    st.text(max_size=30),
    st.text("0123456789０１２元年月日RSHTM令和昭.-/ー−,: 　一二十\u3099%", max_size=20),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(FIELDS), st.lists(ODD, max_size=3), st.lists(ODD, min_size=4, max_size=4))
def test_anything_posted_is_answered_or_rejected_and_reads_back_the_same(
    item: Field, values: list[str], parts: list[str]
) -> None:
    suffixes = (".era", ".year", ".month", ".day")
    posted = {"q": values, **({f"q{s}": [text] for s, text in zip(suffixes, parts, strict=True)})}
    answer = item.kind.parse(item, NAME, posted)
    if answer is None or answer is KEEP:
        return
    assert isinstance(item.kind.text(item, answer), str)
    again = item.kind.parse(item, NAME, posted_of(item.kind.parts(item, NAME, answer)))
    assert again == answer or item.kind.name == "checkboxes"


@given(
    st.sampled_from([*FIELDS, *(field_of(specimens()[kind]["schema"]) for kind in ("account", "rows", "group"))]), JSON
)
def test_an_answer_of_any_shape_can_be_read_and_shown(item: Field, value: Any) -> None:
    assert isinstance(item.kind.text(item, value), str)
    assert html_of(make_view(question_of(item, value), errors={}))


DATE = field_of({"type": "string", "format": "date"})
INTEGER = field_of({"type": "integer"})
NUMBER = field_of({"type": "number"})


@given(st.dates(date(1000, 1, 1)))
def test_every_day_falls_into_its_boxes_and_out_again(day: date) -> None:
    parts = DATE.kind.parts(DATE, NAME, day.isoformat())
    assert parts == {".era": "ad", ".year": str(day.year), ".month": str(day.month), ".day": str(day.day)}
    assert read(DATE, posted_of(parts)) == day.isoformat()


@given(st.sampled_from(["ad", "reiwa", "heisei", "showa", "taisho", "meiji"]), *[st.text(max_size=6)] * 3)
def test_what_is_no_day_never_counts_as_one_and_keeps_its_boxes(era: str, year: str, month: str, day: str) -> None:
    posted = posted_of({".era": era, ".year": year, ".month": month, ".day": day})
    answer = read(DATE, posted)
    if answer is not None and not FORMATS["date"](answer):
        parts = DATE.kind.parts(DATE, NAME, answer)
        assert read(DATE, posted_of(parts)) == answer
        assert parts[".era"] == era
    elif answer is not None:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", answer)


@given(st.integers(-(2**53), 2**53))
def test_every_number_a_browser_can_count_is_read_as_typed(number: int) -> None:
    for typed in (
        str(number),
        f"{number:,}",
        str(number).translate(str.maketrans("0123456789-", "０１２３４５６７８９−")),
    ):
        assert read(INTEGER, posted_of({"": typed})) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_with_a_fraction_stands_in_its_box_again(number: float) -> None:
    parts = NUMBER.kind.parts(NUMBER, NAME, number)
    assert read(NUMBER, posted_of(parts)) == number


@pytest.mark.parametrize("typed", ["9" * 5000, "-" * 5000, "1," * 2000, "." * 5000, "十" * 5000, "0" * 100_000])
@pytest.mark.parametrize("item", FIELDS, ids=lambda item: item.kind.name)
def test_very_long_input_is_answered_at_once(item: Field, typed: str) -> None:
    posted = {f"q{suffix}": [typed] for suffix in ("", ".era", ".year", ".month", ".day", ".keep")}
    assert item.kind.parse(item, NAME, posted) is not KEEP
