"""The page of every kind of question."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from forms_schema import bundle, compile_form
from tests import shipped
from tests.specimens.__main__ import PAGE, page
from tests.web.html import Html
from tests.web.samples import ROOT

SPECIMENS = {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "tests" / "specimens").glob("*.json")}


@pytest.fixture(scope="module")
def gallery(site: TestClient) -> Html:
    return Html(site.get("/_kinds").text)


def test_every_kind_is_shown_under_its_name(gallery: Html) -> None:
    shown = [
        each.at["id"].removeprefix("kind-") for each in gallery.all("h2") if each.at.get("id", "").startswith("kind-")
    ]
    assert shown == sorted(SPECIMENS)
    assert len(shown) > 20


def test_every_control_on_the_page_is_labelled_and_no_id_stands_twice(gallery: Html) -> None:
    ids = [each.at["id"] for each in gallery.elements if "id" in each.at]
    assert len(ids) == len(set(ids))
    labelled = {each.at["for"] for each in gallery.all("label")}
    controls = [each for each in gallery.all("input", "select", "textarea") if each.at.get("type") != "hidden"]
    assert len(controls) > 100
    assert {each.at["id"] for each in controls} <= labelled


def test_each_kind_shows_what_an_error_looks_like_and_none_where_there_is_none(gallery: Html) -> None:
    told = {each.at["id"] for each in gallery.elements if each.at.get("id", "").endswith("-error")}
    asked = [kind for kind, file in SPECIMENS.items() if "schema" in file]
    assert [kind for kind in asked if not any(each.startswith(f"f-{kind}_0_wrong") for each in told)] == []
    assert [each for each in told if "wrong" not in each] == []


def test_the_specimens_attacks_are_words_on_the_page(gallery: Html) -> None:
    assert "<script>alert(1)</script>" in gallery.text
    assert all(each.at.get("src", "").startswith("/static/") for each in gallery.all("script"))


def test_each_kind_says_what_it_is_for(gallery: Html) -> None:
    assert [kind for kind, file in SPECIMENS.items() if file["purpose"] not in gallery.text] == []


def test_the_page_about_the_kinds_is_made_from_the_specimens() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m tests.specimens"


@pytest.mark.parametrize("kind", [kind for kind, file in SPECIMENS.items() if "schema" in file])
def test_what_the_page_says_to_write_asks_a_question_of_that_kind(kind: str) -> None:
    declare = SPECIMENS[kind].get("declare", SPECIMENS[kind]["schema"])
    form = compile_form(bundle({"type": "object", "properties": {"it": declare}}, shipped.library().shared.common))
    assert form.fields["/it"].kind.name == kind
