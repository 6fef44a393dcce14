"""Two procedures whose forms differ in nothing but their words are found before they are published."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from procedures.alike import structure
from procedures.check import check, told
from procedures.library import Library
from tests.procedures.test_procedure_mistakes import ROWS, put

TODAY = date(2026, 12, 1)
Raw = dict[str, Any]


def renamed(value: Any) -> Any:
    """A copy in which every text a resident reads is another."""
    if isinstance(value, list):
        return [renamed(each) for each in value]
    if not isinstance(value, dict):
        return value
    said = {
        name: f"ほかの{value[name]}" for name in ("title", "description", "hint") if isinstance(value.get(name), str)
    }
    return {name: renamed(each) for name, each in value.items()} | said


@pytest.fixture
def twin(shelf: Path) -> Callable[..., Path]:
    """The registration of a dog once more, under other names, and with something changed."""

    def made(change: Callable[[Raw], object] = lambda raw: None) -> Path:
        raw = json.loads((shelf / ROWS).read_text("utf-8"))
        other = {**raw, "id": "P999", "title": "猫の登録", "kana": "ネコノトウロク", "summary": "猫を登録します。"}
        other |= {"schema": renamed(raw["schema"]), "attachments": renamed(raw["attachments"])}
        change(other)
        path = (shelf / ROWS).with_name("neko-toroku.json")
        path.write_text(json.dumps(other, ensure_ascii=False), "utf-8")
        return path

    return made


def found(shelf: Path, path: Path) -> list[str]:
    findings = check([path], today=TODAY, root=shelf, city=shelf.parent / "city.json")
    return [line for line in told(findings) if "すべて同じ" in line]


def test_a_form_that_was_copied_under_another_name_is_refused_with_both_files_and_what_to_do(
    shelf: Path, twin: Callable[..., Path]
) -> None:
    (line,) = found(shelf, twin())
    assert "environment-pets/neko-toroku.json: /schema: " in line
    assert "environment-pets/inu-toroku.json とすべて同じです" in line
    assert "1つの手続にまとめてください" in line


def test_of_all_files_the_later_one_is_named_once(shelf: Path, twin: Callable[..., Path]) -> None:
    twin()
    findings = check(today=TODAY, root=shelf, city=shelf.parent / "city.json")
    assert [path.name for path, fault in findings if "すべて同じ" in fault.problem] == ["neko-toroku.json"]


@pytest.mark.parametrize(
    "change",
    [
        put("/schema/properties/cat", {"type": "string", "title": "猫の名前", "maxLength": 20}),
        lambda raw: raw.update(fee=None),
        lambda raw: raw["fee"]["items"].pop(),
        lambda raw: raw["schema"]["required"].pop(),
        put("/attachments/0", {"key": "photo", "title": "猫の写真", "optional": True}),
    ],
)
def test_one_more_question_paper_rule_or_fee_makes_another_form(
    shelf: Path, twin: Callable[..., Path], change: Callable[[Raw], object]
) -> None:
    assert found(shelf, twin(change)) == []


def test_no_two_shipped_forms_ask_the_same(library: Library) -> None:
    forms = [structure(each) for each in library.declarations.values()]
    assert len(set(forms)) == len(forms)


def test_a_question_called_title_is_a_question(library: Library) -> None:
    """Names stand where words do: only words are left out."""
    declaration = library.declarations["inu-toroku"]
    raw = json.loads(declaration.text)
    named = copy.deepcopy(raw)
    named["schema"]["properties"]["title"] = {"type": "string", "title": "題"}
    assert len({structure(type(declaration).from_bundle(json.dumps(each))) for each in (raw, named)}) == 2
