"""What editors are told of a declaration is what checks hold it to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from forms_schema.dialect import KEYWORDS
from procedures import dialect
from procedures.library import ROOT, declaration_files
from procedures.words import KEYWORD_WORDS

EDITOR = jsonschema.Draft202012Validator(dialect.DOCUMENT)


def nodes(schema: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        for name, sub in schema.get("properties", {}).items():
            yield f"{at}/{name}", sub
            yield from nodes(sub, f"{at}/{name}")
        for key in ("items", "additionalProperties"):
            yield from nodes(schema.get(key), f"{at}/*")


def test_the_document_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(dialect.DOCUMENT)
    assert json.loads(json.dumps(dialect.DOCUMENT)) == dialect.DOCUMENT


@pytest.mark.parametrize("path", declaration_files(ROOT), ids=lambda path: path.stem)
def test_an_editor_finds_nothing_wrong_with_a_shipped_declaration(path: Any) -> None:
    raw = json.loads(path.read_text("utf-8"))
    assert [error.json_path for error in EDITOR.iter_errors(raw)] == []


def test_every_key_is_described_in_japanese() -> None:
    bare = [at for at, node in nodes(dialect.DOCUMENT) if not node.get("title") or not node.get("description")]
    assert bare == []


def test_every_word_of_the_questions_is_described() -> None:
    assert set(KEYWORD_WORDS) == set(KEYWORDS)
    assert set(dialect.DOCUMENT["$defs"]["schema"]["properties"]) == set(KEYWORDS)


def test_every_object_is_closed() -> None:
    closed = [
        at for at, node in nodes(dialect.DOCUMENT) if "properties" in node and node["additionalProperties"] is not False
    ]
    assert closed == []


@pytest.mark.parametrize("raw", [None, [], "P101", 3, {}, {"schema": [], "ui": 1, "fee": [], "cases": {}}])
def test_anything_else_than_a_declaration_is_refused(raw: object) -> None:
    assert dialect.faults(raw)
    assert list(EDITOR.iter_errors(raw))
