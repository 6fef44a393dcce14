"""Words of errors: they name the question, say what to do, and never repeat what was typed."""

from __future__ import annotations

import string
from typing import Any

import pytest

from forms_schema.base import FieldError, Schema
from forms_schema.formats import FORMATS
from forms_schema.kinds import KINDS
from forms_schema.messages import HINTS, message
from tests.forms_schema.helpers import cases, codes, field_of, specimens

CODES = {
    **dict.fromkeys(("required", "type", "pattern", "format", "enum", "const", "uniqueItems", "contains"), None),
    **dict.fromkeys(("anyOf", "oneOf", "not", "dependentRequired", "age", "UNKNOWN_FIELD", "somethingNew"), None),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "multipleOf"), 3),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), 12345),
    **dict.fromkeys(("dateMin", "dateMax"), "2024-05-01"),
}


def words(code: str, schema: Schema, ui: dict[str, Any] | None = None, /, label: str = "項目", **params: Any) -> str:
    return message(FieldError("/q", code, params), field_of(schema, ui), label)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_every_kind_has_whole_words(kind: str, code: str) -> None:
    schema = specimens()[kind]["schema"]
    params = {} if CODES[code] is None else {"limit": CODES[code]}
    text = words(code, schema, label="通数", **params)
    assert "通数" in text
    assert text.endswith(("ください", "）", "ません"))
    assert "ください" in text
    assert not set("{}") & set(text)
    assert "None" not in text
    shown = [digit for digit in text if digit in string.digits]
    if CODES[code] is not None:
        assert shown


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text", "名前を入力してください"),
        ("date", "名前を入力してください"),
        ("radio", "名前を選んでください"),
        ("select", "名前を選んでください"),
        ("yes_no", "名前を選んでください"),
        ("checkboxes", "名前を選んでください"),
        ("consent", "名前を読んで、よければチェックを付けてください"),
        ("rows", "名前を1件以上入力してください"),
    ],
)
def test_a_missing_answer_is_asked_for_in_the_way_it_is_given(kind: str, text: str) -> None:
    assert words("required", specimens()[kind]["schema"], label="名前") == text


def test_a_missing_file_is_asked_for_as_a_file() -> None:
    assert message(FieldError("attachment:ininjo", "required"), None, "委任状") == "委任状を添付してください"
    many = message(FieldError("attachment:ininjo", "maxItems", {"limit": 2}), None, "委任状")
    assert many == "委任状は2個までにしてください。多い分を削除してください"
    refusals = ("empty", "size", "type", "count", "broken", "pixels", "animated", "locked", "script", "action")
    told = {
        message(FieldError("attachment:ininjo", f"file-{code}", {"limit": 10}), None, "委任状")
        for code in (*refusals, "embedded", "form", "heavy", "infected")
    }
    assert len(told) == len(refusals) + 4, "each in its own words"
    assert all(words.endswith("ください") for words in told)
    wait = message(FieldError("attachment:ininjo", "file-wait", {"limit": 10}), None, "委任状")
    assert wait == "少し待ってから、委任状をもう一度添付してください（あと10分）"


def test_bounds_of_a_date_are_told_in_both_calendars() -> None:
    date = {"type": "string", "format": "date"}
    early = words("dateMin", date, label="届出の日", limit="2024-05-01")
    assert early == "届出の日は令和6年5月1日（2024年5月1日）か、それより後の日付を入力してください"
    assert "平成31年4月30日（2019年4月30日）か、それより前" in words("dateMax", date, limit="2019-04-30")


@pytest.mark.parametrize(
    ("limit", "text"), [(3, "3以下"), (3.0, "3以下"), (0.5, "0.5以下"), (12345, "12,345以下"), (2024, "2024以下")]
)
def test_a_bound_is_told_as_people_write_numbers(limit: float, text: str) -> None:
    assert text in words("maximum", {"type": "integer"}, limit=limit)


def test_a_bound_that_the_error_does_not_carry_comes_from_the_schema() -> None:
    assert words("maxLength", {"type": "string", "maxLength": 50}) == "項目は50文字以内で入力してください"


@pytest.mark.parametrize("name", FORMATS)
def test_each_way_of_writing_is_explained(name: str) -> None:
    asked = {"type": "string", "format": name}
    plain = words("format", {"type": "string"})
    assert words("format", asked) != plain
    assert words("format", {"type": "string"}, format=name) == words("format", asked)
    assert words("type", asked) == words("format", asked)
    assert name in HINTS or name == "decimal"


def test_a_declarations_own_words_come_first() -> None:
    ui = {"errors": {"pattern": "登録番号はA1234の形で入力してください"}}
    assert words("pattern", {"type": "string"}, ui) == "登録番号はA1234の形で入力してください"
    assert words("required", {"type": "string"}, ui) == "項目を入力してください"


def test_a_question_that_is_a_sentence_stands_in_brackets() -> None:
    schema = {"type": "boolean"}
    assert words("required", schema, label="配偶者がいますか") == "「配偶者がいますか」を選んでください"
    assert words("required", schema, label="{limit}") == "{limit}を選んでください"


def test_no_words_repeat_what_was_typed() -> None:
    for _, schema, ui, case in cases():
        item = field_of(schema, ui)
        for code in codes(schema, case.get("value")).values():
            if isinstance(case.get("value"), str) and len(case["value"]) > 3:
                assert case["value"] not in message(FieldError("/q", code), item, "項目")


def test_an_unknown_name_is_named() -> None:
    assert message(FieldError("/ghost", "UNKNOWN_FIELD"), None, "ghost").startswith("ghostという項目は")
