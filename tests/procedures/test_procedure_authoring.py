"""What helps somebody who writes a declaration: the schema in the editor, a file to begin with, an outline."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from forms_schema import bundle, compile_form
from forms_schema.base import Fault
from procedures import dialect, editor
from procedures.check import CITY, check
from procedures.city import load_city
from procedures.library import ROOT, BadLibraryError, Library, Reader, declaration_files, load_files, read_shared
from procedures.outline import outline
from procedures.places import line_of, lines_of
from procedures.skeleton import begin

TODAY = date(2026, 12, 1)
SETTINGS = ROOT.parent / ".vscode" / "settings.json"


@pytest.fixture(scope="module")
def document(library: Library) -> dict[str, Any]:
    return editor.document(library.shared, load_city(CITY).departments)


@pytest.mark.parametrize("path", declaration_files(ROOT), ids=lambda path: path.stem)
def test_an_editor_marks_nothing_in_a_shipped_declaration(path: Path, document: dict[str, Any]) -> None:
    raw = json.loads(path.read_text("utf-8"))
    assert [error.json_path for error in jsonschema.Draft202012Validator(document).iter_errors(raw)] == []
    mapped, _ = json.loads(SETTINGS.read_text("utf-8"))["json.schemas"]
    stale = [error.json_path for error in jsonschema.Draft202012Validator(mapped["schema"]).iter_errors(raw)]
    assert stale == [], "kakanai procedures schema --vscode"


@pytest.mark.parametrize("path", sorted(ROOT.glob("life-events/*.json")), ids=lambda path: path.stem)
def test_an_editor_marks_nothing_in_a_shipped_life_event_and_marks_slips(path: Path) -> None:
    raw = json.loads(path.read_text("utf-8"))
    _, mapped = json.loads(SETTINGS.read_text("utf-8"))["json.schemas"]
    assert mapped["schema"] == editor.life_event(), "kakanai procedures schema --vscode"
    judge = jsonschema.Draft202012Validator(mapped["schema"])
    assert [error.json_path for error in judge.iter_errors(raw)] == []
    assert [error.json_path for error in judge.iter_errors(raw | {"interview": {"questions": []}})] != []


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("department", "市民科"),
        ("group", "juyou"),
        ("life_events", ["movein"]),
        ("fee", {"timing": "submit", "items": [{"code": "jumin"}]}),
    ],
)
def test_an_editor_knows_the_names_of_the_city(document: dict[str, Any], pointer: str, value: object) -> None:
    raw = json.loads((ROOT / "declarations/resident-record/juminhyo-utsushi.json").read_text("utf-8"))
    judge = jsonschema.Draft202012Validator(document)
    assert judge.is_valid(raw)
    assert not judge.is_valid(raw | {pointer: value})
    assert jsonschema.Draft202012Validator(dialect.DOCUMENT).is_valid(raw | {pointer: value})


def test_an_editor_knows_the_shared_definitions(document: dict[str, Any]) -> None:
    judge = jsonschema.Draft202012Validator({"$ref": "#/$defs/schema", "$defs": document["$defs"]})
    assert judge.is_valid({"$ref": "urn:kakanai:common#/$defs/person"})
    assert not judge.is_valid({"$ref": "urn:kakanai:common#/$defs/persen"})


def bare(node: Any, at: str = "") -> list[str]:
    """Places of enums without words, in a document."""
    if isinstance(node, list):
        return [each for i, item in enumerate(node) for each in bare(item, f"{at}/{i}")]
    if not isinstance(node, dict):
        return []
    listed = isinstance(node.get("enum"), list) and len(node.get("enumDescriptions", ())) != len(node["enum"])
    return [*([at] if listed else []), *(each for key, value in node.items() for each in bare(value, f"{at}/{key}"))]


def test_every_value_to_choose_has_its_meaning_beside_it(document: dict[str, Any]) -> None:
    assert bare(document) == []


@pytest.mark.parametrize("label", editor.QUESTION_SNIPPETS)
def test_a_snippet_is_a_question_that_can_be_asked(label: str, library: Library, document: dict[str, Any]) -> None:
    body = editor.QUESTION_SNIPPETS[label]
    form = compile_form(bundle({"type": "object", "properties": {"it": body}}, library.shared.common))
    assert "/it" in form.fields
    assert label in {each["label"] for each in document["$defs"]["schema"]["defaultSnippets"]}


def test_settings_of_an_editor_keep_what_else_they_say() -> None:
    other = {"url": "./mine.json", "fileMatch": ["a.json"]}
    first = editor.with_schema({"editor.tabSize": 2, "json.schemas": [other]}, {"$id": dialect.URN, "x": 1}, ["*.json"])
    again = editor.with_schema(first, {"$id": dialect.URN, "x": 2}, ["*.json"])
    assert again["editor.tabSize"] == 2
    assert [each["url"] for each in again["json.schemas"]] == ["./mine.json", dialect.URN]
    assert again["json.schemas"][1]["schema"]["x"] == 2


def begun(shelf: Path, place: str) -> Path | Fault:
    return begin(place, {"juminhyo-utsushi": "P101", "inu-toroku": "P118"}, read_shared(shelf, Reader()), shelf)


def test_a_new_declaration_asks_for_its_names_and_then_passes(shelf: Path) -> None:
    path = begun(shelf, "disaster/bosai-radio")
    assert isinstance(path, Path)
    raw = json.loads(path.read_text("utf-8"))
    assert raw["id"] == "P119"
    city = shelf.parent / "city.json"
    empty = {fault.pointer for _, fault in check([path], today=TODAY, root=shelf, city=city)}
    assert empty - {"/id"} == {"/title", "/kana", "/summary", "/department", "/legal_basis", "/guide/who"}
    raw |= {"id": "P9999", "title": "あ", "kana": "ア", "summary": "い", "department": "市民課", "legal_basis": "う"}
    raw["guide"]["who"] = "え"
    path.write_text(json.dumps(raw, ensure_ascii=False), "utf-8")
    assert check([path], today=TODAY, root=shelf, city=city) == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("disastar/bosai-radio", "disaster ではありませんか"),
        ("disaster", "(なし)"),
        ("disaster/防災ラジオ", "半角"),
        ("disaster/a/b", "半角"),
        ("disaster/../../x", "半角"),
        ("disaster/inu-toroku", "P118"),
    ],
)
def test_a_place_that_cannot_be_is_refused_with_what_can(shelf: Path, place: str, words: str) -> None:
    refused = begun(shelf, place)
    assert isinstance(refused, Fault)
    assert words in refused.problem + refused.allowed


def test_a_file_that_is_there_is_not_written_over(shelf: Path) -> None:
    path = begun(shelf, "disaster/bosai-radio")
    assert isinstance(path, Path)
    path.write_text("mine", "utf-8")
    assert isinstance(begun(shelf, "disaster/bosai-radio"), Fault)
    assert path.read_text("utf-8") == "mine"


def test_the_outline_names_every_question_with_its_kind_and_line() -> None:
    path = ROOT / "declarations/environment-pets/inu-toroku.json"
    reader = Reader()
    read_shared(ROOT, reader)
    (declaration,) = load_files([path])
    lines = outline(declaration, path, reader.origins, TODAY)
    text = path.read_text("utf-8").splitlines()
    shown = {pointer: line for pointer in declaration.form.fields for line in lines if f"  {pointer}  " in line}
    assert set(shown) == set(declaration.form.fields)
    number = int(shown["/receive"].split()[-1].removesuffix("行目"))
    assert '"receive": {' in text[number - 1]
    assert shown["/dogs/*/name"].split()[-2] == "common/dog.json"
    needs = {pointer: line.split()[0] for pointer, line in shown.items()}
    assert (needs["/dogs"], needs["/dogs/*/features"], needs["/location"]) == ("必須", "任意", "条件")


def test_every_value_of_a_file_has_its_line() -> None:
    text = '{\n "a/b": [1,\n  {"c": "x,]}"}],\n\n "d": {}, "e": []\n}'
    lines = lines_of(text)
    assert lines == {"": 1, "/a~1b": 2, "/a~1b/0": 2, "/a~1b/1": 3, "/a~1b/1/c": 3, "/d": 5, "/e": 5}
    assert line_of(lines, "/a~1b/1/z/y") == 3
    assert line_of(lines, "/nowhere") == 1


def test_what_is_published_is_the_file_that_was_named(shelf: Path) -> None:
    copy = shelf.parent / "desk/environment-pets/inu-toroku.json"
    copy.parent.mkdir(parents=True)
    raw = json.loads((shelf / "declarations/environment-pets/inu-toroku.json").read_text("utf-8"))
    copy.write_text(json.dumps(raw | {"title": "犬の届"}, ensure_ascii=False), "utf-8")
    assert [item.title for item in load_files([copy], shelf)] == ["犬の届"]
    copy.write_text("{", "utf-8")
    with pytest.raises(BadLibraryError):
        load_files([copy.parent], shelf)
