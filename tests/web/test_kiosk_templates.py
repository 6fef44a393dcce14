"""The kiosk's screens in every shape: what holds for residents' pages, and for a machine that many people use."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.web.render import values_of
from tests.web import kiosk_samples, samples
from tests.web.html import Html

TEMPLATES = samples.ROOT / "templates"
PAGES = kiosk_samples.pages()


def html_of(name: str) -> str:
    template, context = PAGES[name]
    return samples.renderer().render(template, values_of(context))


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Html:
    return Html(html_of(request.param))


def test_every_screen_has_a_sample() -> None:
    parts = {"kiosk/base.html", "kiosk/parts.html", "kiosk/called.html"}
    whole = {f"kiosk/{path.name}" for path in (TEMPLATES / "kiosk").iterdir()} - parts
    assert whole == {template for template, _ in PAGES.values()}


def test_a_screen_has_one_heading_one_main_part_and_a_title(page: Html) -> None:
    for tag in ("h1", "main", "title"):
        assert len(list(page.all(tag))) == 1


def test_what_was_typed_never_becomes_markup(page: Html) -> None:
    assert not list(page.all("b"))
    assert not [each for each in page.elements if each.at.get("hx-get") == "/x"]


def test_nothing_in_a_screen_is_refused_by_its_own_content_policy(page: Html) -> None:
    assert all(each.at.get("src", "").startswith("/static/") for each in page.all("script", "img"))
    for each in page.elements:
        assert not [name for name in each.at if name == "style" or name.startswith("on")], each


def test_every_control_has_a_label_and_every_reference_leads_somewhere(page: Html) -> None:
    ids = [each.at["id"] for each in page.elements if "id" in each.at]
    assert len(ids) == len(set(ids)), "an id stands twice"
    labelled = {each.at["for"] for each in page.all("label")}
    for control in page.all("input", "select", "textarea"):
        if control.at.get("type") != "hidden":
            assert control.at["id"] in labelled, control
    named = ("aria-labelledby", "aria-describedby", "form")
    wanted = {word for each in page.elements for name in named for word in each.at.get(name, "").split()}
    wanted |= labelled | {each.at["href"][1:] for each in page.all("a") if each.at["href"].startswith("#")}
    assert wanted <= set(ids)


def test_a_clerk_can_be_called_and_the_visit_ended_on_every_screen(page: Html) -> None:
    pressed = {each.at.get("value") for each in page.all("button")}
    assert pressed & {"call", "uncall"}
    assert "over" in pressed or not any(each.at.get("id") == "idle" for each in page.elements)


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("question")])
def test_enter_in_a_box_goes_on(name: str) -> None:
    first = next(each for each in Html(html_of(name)).all("button") if "form" in each.inside)
    assert first.at["value"] == ("done" if "-" in name else "next")


def test_no_word_of_the_kiosk_is_in_a_script_or_a_style() -> None:
    for name in ("kiosk.js", "kiosk.css"):
        text = Path(samples.ROOT / "static" / name).read_text("utf-8")
        assert not [letter for letter in text if "\u3041" <= letter <= "\u30ff"]
