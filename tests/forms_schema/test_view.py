"""Questions on a page: tied to their labels, help and errors, safe against what was typed, usable without script."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from forms_schema.base import Attachment, FieldView, FileView, Note, Option, Question, Schema
from forms_schema.view import attachment_view, first_control, make_view, note_view
from tests.forms_schema.helpers import (
    Element,
    cases,
    field_of,
    html_of,
    page_of,
    question_of,
    specimens,
)

HOSTILE = "<b onclick=x>\"'だめ"
CONTROLS = ("input", "select", "textarea")


def shown(schema: Schema, value: Any = None, ui: dict[str, Any] | None = None, **more: Any) -> Element:
    return page_of(html_of(view_of(schema, value, ui, **more)))


def view_of(schema: Schema, value: Any = None, ui: dict[str, Any] | None = None, **more: Any) -> FieldView:
    return make_view(question_of(field_of(schema, ui), value), **{"errors": {}, **more})


def every_view() -> list[tuple[str, FieldView]]:
    """Each specimen, plain and with an error at the question and at every question inside."""
    result = []
    for kind, schema, ui, case in cases():
        question = question_of(field_of(schema, ui), case.get("value"))
        pointers = _pointers(question)
        result.append((f"{kind}-{case['title']}", make_view(question, errors={})))
        result.append((f"{kind}-{case['title']}-誤り", make_view(question, errors=dict.fromkeys(pointers, HOSTILE))))
    for kind, make in (("note", _note), ("attachment", _attachment)):
        result += [(f"{kind}-{case['title']}", make(case)) for case in specimens()[kind]["cases"]]
    return result


def _pointers(question: Question) -> list[str]:
    inner = [*question.children, *(child for row in question.rows for child in row)]
    return [question.pointer, *(pointer for child in inner for pointer in _pointers(child))]


def _note(case: dict[str, Any]) -> FieldView:
    return note_view(Note(case["note"]))


def _attachment(case: dict[str, Any]) -> FieldView:
    declared = case["attachment"]
    attachment = Attachment(**{**declared, "accept": tuple(declared.get("accept", ("application/pdf", "image/jpeg")))})
    files = [FileView(**file) for file in case.get("files", ())]
    error = HOSTILE if "error" in case else ""
    return attachment_view(attachment, files, case["required"], error, declared["title"], key=case.get("key", ""))


VIEWS = every_view()
each_view = pytest.mark.parametrize("view", [view for _, view in VIEWS], ids=[name for name, _ in VIEWS])


def flat(view: FieldView) -> list[FieldView]:
    inner = [*view.children, *(child for row in view.rows for child in row.children)]
    return [view, *(found for child in inner for found in flat(child))]


@each_view
def test_every_control_has_a_name_and_a_label(view: FieldView) -> None:
    page = page_of(html_of(view))
    labelled = {label.get("for") for label in page.all("label")}
    for control in page.all(*CONTROLS):
        assert control.get("name")
        if control.get("type") != "hidden":
            assert control.get("id") in labelled
    assert labelled <= {control.get("id") for control in page.all(*CONTROLS)}
    for fieldset in page.all("fieldset"):
        assert fieldset.children[0].tag == "legend"
        assert fieldset.children[0].words().strip()


@each_view
def test_help_and_errors_are_read_out_with_their_question(view: FieldView) -> None:
    page = page_of(html_of(view))
    ids = [element.get("id") for element in page.all() if element.get("id")]
    assert [id for id, count in Counter(ids).items() if count > 1] == []
    described = " ".join(element.get("aria-describedby") for element in page.all()).split()
    assert set(described) <= set(ids)
    for each in flat(view):
        if each.error:
            assert f"{each.id}-error" in described
            assert page.by_id(f"{each.id}-error").words() == f"＊{each.error}"
        if each.hint:
            assert f"{each.id}-hint" in described
            assert each.hint in page.by_id(f"{each.id}-hint").words()
    orders = [element.get("aria-describedby").split() for element in page.all() if element.get("aria-describedby")]
    assert all(order == sorted(order, key=lambda id: id.endswith("-hint")) for order in orders)


@each_view
def test_a_wrong_answer_is_marked_on_its_control_and_no_other(view: FieldView) -> None:
    page = page_of(html_of(view))
    wrong = any(each.error for each in flat(view) if not each.children and not each.rows)
    marked = [element for element in page.all() if element.get("aria-invalid") == "true"]
    assert bool(marked) == wrong
    assert all(element.tag in CONTROLS or element.get("role") == "radiogroup" for element in marked)


@each_view
def test_nothing_typed_and_no_words_become_markup_or_script(view: FieldView) -> None:
    page = page_of(html_of(view))
    for element in page.all():
        assert element.tag not in ("script", "style", "b")
        assert not [name for name in element.attributes if name.startswith("on") or name == "style"]


@each_view
def test_a_link_from_the_summary_reaches_a_control(view: FieldView) -> None:
    page = page_of(html_of(view))
    for each in flat(view):
        if each.kind != "note" and (each.children or each.rows or each.add or each.kind != "rows"):
            assert page.by_id(first_control(each)).tag in (*CONTROLS, "button")


@each_view
def test_every_button_submits_the_form_and_says_what_it_does(view: FieldView) -> None:
    for button in page_of(html_of(view)).all("button"):
        assert (button.get("type"), button.get("name")) == ("submit", "_do")
        verbs = ("add", "remove", "lookup", "town", "refresh", "upload", "detach")
        assert button.get("value").partition(":")[0] in verbs
        assert button.words().strip() in (button.get("aria-label") or button.words())


@pytest.mark.parametrize("kind", ["radio", "yes_no", "checkboxes", "consent", "rows"])
def test_a_question_left_open_posts_something_all_the_same(kind: str) -> None:
    hidden = [box for box in shown(specimens()[kind]["schema"]).all("input") if box.get("type") == "hidden"]
    expected = ("_rows.q", "1") if kind == "rows" else ("q", "")
    assert expected in [(box.get("name"), box.get("value")) for box in hidden]


def test_each_label_says_whether_an_answer_is_needed() -> None:
    schema = specimens()["group"]["schema"]
    words = [e.words() for e in shown(schema).all("label", "legend") if "field__label" in e.get("class")]
    assert words == ["犬の名 ※必須", "性別 ※必須", "予防注射 ※任意"]


def test_names_and_ids_follow_the_pointer() -> None:
    view = view_of(specimens()["rows"]["schema"], [{}, {}])
    born = view.rows[1].children[1]
    assert (born.name, born.id) == ("q.1.birthdate", "f-q-1-birthdate")
    boxes = page_of(html_of(born)).all(*CONTROLS)
    assert [box.get("name") for box in boxes] == [f"q.1.birthdate.{part}" for part in ("era", "year", "month", "day")]
    assert [box.get("id") for box in boxes][:2] == ["f-q-1-birthdate-era", "f-q-1-birthdate-year"]


def test_rows_are_added_and_removed_within_their_bounds() -> None:
    schema = specimens()["rows"]["schema"]  # at least 1, at most 2
    one, two = view_of(schema, [{}]), view_of(schema, [{}, {}])
    assert (one.add, [row.remove for row in one.rows]) == ("add:/q", [""])
    assert (two.add, [row.remove for row in two.rows]) == ("", ["remove:/q/0", "remove:/q/1"])
    assert [row.title for row in two.rows] == ["子ども 1", "子ども 2"]
    free = {**schema, "minItems": 0, "maxItems": 100}
    view = make_view(question_of(field_of(free), [{}], required=False), errors={})
    assert (view.add, view.rows[0].remove) == ("add:/q", "remove:/q/0")


def test_a_page_says_how_many_rows_it_shows() -> None:
    page = shown(specimens()["rows"]["schema"], [{}, {}])
    assert [box.get("value") for box in page.all("input") if box.get("name") == "_rows.q"] == ["2"]
    buttons = [(b.get("value"), b.words(), b.get("aria-label")) for b in page.all("button")]
    assert buttons[0] == ("remove:/q/0", "削除する", "子ども 1を削除する")


def test_a_postal_code_is_looked_up_and_several_towns_are_left_to_choose() -> None:
    schema = specimens()["address"]["schema"]
    plain = shown(schema)
    assert [(b.get("value"), b.words()) for b in plain.all("button")] == [("lookup:/q", "郵便番号から住所を入れる")]
    towns = (Option("0", "青森市本町"), Option("1", "青森市<b>新町"))
    page = shown(schema, {"city": "青森市"}, lookups={"/q": towns})
    assert [(b.get("value"), b.words()) for b in page.all("button")][1:] == [
        ("town:/q:0", "青森市本町"),
        ("town:/q:1", "青森市<b>新町"),
    ]
    assert "当てはまるものを選んでください" in page.words()
    boxes = [box for box in page.all("input", "select") if box.get("type") != "hidden"]
    assert len(boxes) == 6
    assert not [box for box in boxes if {"readonly", "disabled"} & box.attributes.keys()]


def test_an_address_without_a_postal_code_has_no_look_up() -> None:
    schema = specimens()["address"]["schema"]
    street = {**schema, "properties": {"street": schema["properties"]["street"]}}
    assert shown(street).all("button") == []


def _autocomplete(kind: str, **more: Any) -> dict[str, str]:
    schema = {**specimens()[kind]["schema"], **more}
    page = shown(schema)
    return {c.get("name"): c.get("autocomplete") for c in page.all(*CONTROLS) if c.get("autocomplete")}


def test_the_browser_fills_in_the_applicant_and_nobody_else() -> None:
    assert _autocomplete("person_name") == {"q.family": "family-name", "q.given": "given-name"}
    assert _autocomplete("address")["q.postal_code"] == "postal-code"
    assert _autocomplete("address")["q.prefecture"] == "address-level1"
    assert _autocomplete("phone") == {"q": "tel"}
    assert _autocomplete("email") == {"q": "email"}
    for kind in ("person_name", "address", "phone", "email"):
        assert _autocomplete(kind, **{"x-subject": "spouse"}) == {}


def test_what_stands_inside_the_applicant_is_the_applicants() -> None:
    born = {"type": "string", "format": "date", "title": "生年月日"}
    person = {"type": "object", "title": "申請する人", "properties": {"birthdate": born, "moved_on": born}}
    for subject, found in (
        ("applicant", {"year": "bday-year", "month": "bday-month", "day": "bday-day"}),
        ("agent", {}),
    ):
        page = shown({**person, "x-subject": subject})
        parts = {c.get("name"): c.get("autocomplete") for c in page.all("input") if c.get("autocomplete")}
        assert parts == {f"q.birthdate.{part}": word for part, word in found.items()}
    inner = make_view(question_of(field_of(born, pointer="/applicant/birthdate"), None), errors={}, subject="applicant")
    assert inner.autocomplete == "bday"


@pytest.mark.parametrize(
    ("schema", "keyboard", "width"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 10}, "numeric", "w2"),
        ({"type": "integer"}, "", "w16"),
        ({"type": "string", "format": "phone"}, "tel", "w16"),
        ({"type": "string", "format": "email"}, "email", "full"),
        ({"type": "string", "format": "postal-code"}, "numeric", "w8"),
        ({"type": "string", "pattern": "^[0-9]{4}$"}, "numeric", "w8"),
        ({"type": "string", "maxLength": 16}, "", "w16"),
        ({"type": "string", "maxLength": 100}, "", "full"),
        ({"type": "string", "format": "decimal"}, "", "w16"),
        ({"type": "number", "minimum": 0}, "decimal", "w16"),
    ],
)
def test_a_box_is_as_wide_as_its_answer_and_brings_the_right_keyboard(
    schema: Schema, keyboard: str, width: str
) -> None:
    (box,) = shown(schema).all("input")
    assert box.get("inputmode") == keyboard
    assert box.get("class") == f"input input--{width}"


def test_only_an_answer_that_others_hang_on_asks_for_new_questions() -> None:
    for kind in ("text", "radio", "select", "checkboxes", "date", "consent", "textarea"):
        schema = specimens()[kind]["schema"]
        (asking,) = [e for e in shown(schema, ui={"live": True}).all() if "hx-trigger" in e.attributes]
        assert asking.get("hx-vals") == '{"_do":"refresh"}'
        assert (asking.get("hx-post"), asking.get("hx-target")) == ("", "#questions")
        assert asking.get("hx-include") == "closest form"
        assert not [e for e in shown(schema).all() if "hx-trigger" in e.attributes]


def test_an_answer_from_the_card_or_an_earlier_time_says_so() -> None:
    schema = specimens()["text"]["schema"]
    assert "マイナンバーカードから" in shown(schema, "x", sources={"/q": "card"}).words()
    assert "前に入力した内容" in shown(schema, "x", sources={"/q": "earlier"}).words()
    assert "カードから" not in shown(schema, "x").words()


def test_a_question_without_help_of_its_own_shows_how_to_write_the_answer() -> None:
    assert view_of({"type": "string", "format": "postal-code"}).hint == "例：012-3456（7桁の数字）"
    assert view_of({"type": "string", "format": "postal-code"}, ui={"hint": "新しい住所"}).hint == "新しい住所"


def test_a_long_list_of_choices_picks_one_and_leaves_the_others() -> None:
    schema = specimens()["select"]["schema"]
    picked = [o.get("value") for o in shown(schema, "k3").all("option") if "selected" in o.attributes]
    assert picked == ["k3"]
    assert not [o for o in shown(schema).all("option") if "selected" in o.attributes]


def test_text_that_begins_with_a_line_break_keeps_it_in_the_box() -> None:
    html = html_of(view_of(specimens()["textarea"]["schema"], "\n二行目"))
    assert ">\n\n二行目</textarea>" in html


def test_files_are_listed_with_a_way_to_remove_each() -> None:
    attachment = Attachment("ininjo", "委任状", hint="署名したもの。", max=2, accept=("application/pdf", "image/heic"))
    view = attachment_view(attachment, [FileView("一.pdf", "1 MB", "/f/1", "detach:1")], True, "", "委任状")
    page = page_of(html_of(view))
    (box,) = page.all("input")
    assert (box.get("name"), box.get("id")) == ("attachment.ininjo", "f-attachment-ininjo")
    assert (box.get("accept"), "multiple" in box.attributes) == ("application/pdf,image/heic", True)
    assert "PDF・HEICのファイル、2個まで" in page.by_id("f-attachment-ininjo-hint").words()
    assert [(b.get("value"), b.get("aria-label")) for b in page.all("button")] == [
        ("detach:1", "一.pdfを削除する"),
        ("upload:ininjo", "委任状を添付する"),
    ]


def test_a_file_for_each_row_has_its_own_name() -> None:
    attachment = Attachment("shomei", "在学証明書", each="/children")
    view = attachment_view(attachment, [], True, "", "在学証明書（1人目）", key="shomei/0")
    assert (view.name, view.id, view.add) == ("attachment.shomei.0", "f-attachment-shomei-0", "upload:shomei/0")


def test_no_further_file_is_offered_when_all_are_there() -> None:
    view = attachment_view(Attachment("a", "紙"), [FileView("一", "1", "/", "detach:1")], True, "", "紙")
    assert view.add == ""
