"""Every page in every shape of `samples`: what holds for all of them, whatever they are told."""

from __future__ import annotations

import gzip
import re
from dataclasses import fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from server.web.contexts import Ending
from tests.web import samples
from tests.web.html import Html

PAGES = samples.pages()
TEMPLATES = samples.ROOT / "templates"
SIGNED_IN = Ending(samples.NOW, 3300, True)
LIMIT = 34 * 1024
"""Bytes of a form page with everything it needs, as they travel."""


def told(context: Any) -> dict[str, Any]:
    return {each.name: getattr(context, each.name) for each in fields(context)}


@cache
def html_of(name: str, *, sandbox: bool = True, person: str = "") -> str:
    template, context = PAGES[name]
    return samples.renderer(sandbox=sandbox).render(
        template, told(context) | {"person": person, "ending": SIGNED_IN if person else None}
    )


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Html:
    return Html(html_of(request.param))


def test_a_page_has_one_heading_one_main_part_and_a_title(page: Html) -> None:
    assert [len(list(page.all(tag))) for tag in ("h1", "main", "title", "header")] >= [1, 1, 1, 1]
    assert len(list(page.all("h1"))) == len(list(page.all("main"))) == 1
    assert next(page.all("html")).at["lang"] == "ja"


def test_headings_leave_no_level_out(page: Html) -> None:
    levels = [int(each.tag[1]) for each in page.all("h1", "h2", "h3", "h4") if "footer" not in each.inside]
    main = levels[levels.index(1) :]
    assert all(after <= before + 1 for before, after in pairwise(main)), levels


def test_every_reference_inside_a_page_leads_somewhere(page: Html) -> None:
    ids = [each.at["id"] for each in page.elements if "id" in each.at]
    assert len(ids) == len(set(ids)), "an id stands twice"
    named = [
        each.at[name] for each in page.elements for name in ("aria-labelledby", "aria-describedby") if name in each.at
    ]
    targets = {word for value in named for word in value.split()}
    targets |= {each.at["for"] for each in page.all("label")}
    targets |= {each.at["href"][1:] for each in page.all("a") if each.at.get("href", "").startswith("#")}
    assert targets <= set(ids)


def test_every_control_has_a_label_and_every_button_says_what_it_does_to_the_form(page: Html) -> None:
    labelled = {each.at["for"] for each in page.all("label")}
    for control in page.all("input", "select", "textarea"):
        if control.at.get("type") != "hidden":
            assert control.at["id"] in labelled, control
    assert all(each.at["type"] in ("submit", "button") for each in page.all("button"))


def test_nothing_in_a_page_is_refused_by_its_own_content_policy(page: Html) -> None:
    assert all(each.at.get("src", "").startswith("/static/") for each in page.all("script", "img"))
    assert not list(page.all("style", "iframe", "object", "base"))
    for each in page.elements:
        assert not [name for name in each.at if name == "style" or name.startswith("on")], each


def test_what_a_resident_typed_is_shown_and_never_becomes_markup(page: Html) -> None:
    assert not list(page.all("b"))
    assert all("src" in each.at for each in page.all("script"))
    assert not [each for each in page.elements if each.at.get("hx-get") == "/x"]


@pytest.mark.parametrize("name", ["step-errors", "check", "conflict"])
def test_what_was_typed_comes_back_letter_by_letter(name: str) -> None:
    assert samples.HOSTILE in Html(html_of(name)).text


def test_help_is_in_the_same_place_on_every_page(page: Html) -> None:
    (place,) = [each for each in page.elements if each.at.get("id") == "help"]
    assert place.inside[-2:] == ("footer", "div")
    nav = [each.at["href"] for each in page.all("a") if "header" in each.inside and "nav" in each.inside]
    assert nav[:3] == ["/procedures", "/applications", "#help"]
    assert nav[3:] in (["/signin"], []), "a form has a button instead, which saves what was typed"


@pytest.mark.parametrize("name", PAGES)
def test_the_sandbox_says_what_it_is_and_a_real_site_does_not(name: str) -> None:
    assert "これは試験環境です" in html_of(name)
    assert "試験環境" not in html_of(name, sandbox=False)


@pytest.mark.parametrize("name", PAGES)
def test_somebody_signed_in_is_greeted_and_can_sign_out(name: str) -> None:
    page = Html(html_of(name, person=samples.LONG_NAME))
    assert f"{samples.LONG_NAME} さん" in page.text
    (out,) = [each for each in page.all("form") if each.at.get("action") == "/signout"]
    assert out.at["method"] == "post"


def test_every_form_that_does_something_is_posted(page: Html) -> None:
    for form in page.all("form"):
        assert form.at["method"] in ("post", "get")
        assert (form.at["method"] == "get") == (form.at.get("role") == "search")


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("step")])
def test_enter_in_a_text_box_goes_on_and_removes_nothing(name: str) -> None:
    """The first button of the form, wherever on the page it stands: it may belong to the form by its id."""
    buttons = Html(html_of(name)).all("button")
    first = next(each for each in buttons if each.at.get("form") == "form" or "main" in each.inside)
    assert (first.at["name"], first.at["value"]) == ("_do", "next")


def test_the_summary_names_every_error_in_order_and_leads_to_its_question() -> None:
    context: Any = PAGES["step-errors"][1]
    page = Html(html_of("step-errors"))
    ids = [each.at.get("id") for each in page.elements]
    places = [ids.index(error.href[1:]) for error in context.errors]
    assert len(places) == 10
    assert places == sorted(places)
    assert "直していただくところが10か所あります" in page.text
    title = html_of("step-errors").partition("<title>")[2].partition("</title>")[0]
    assert title.startswith("入力の誤りがあります: ")


def test_twenty_children_each_have_their_own_questions() -> None:
    names = {each.at.get("name") for each in Html(html_of("step")).elements}
    assert {f"children.{i}.name.family" for i in range(20)} <= names


def test_a_form_page_with_all_its_files_is_small() -> None:
    assets = samples.renderer().assets
    html = html_of("step-first")
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))
    found = [asset for each in files if (asset := assets.at(each)) is not None]
    assert len(found) == len(files) == 4
    size = len(gzip.compress(html.encode(), 6)) + sum(len(asset.gzipped or asset.body) for asset in found)
    assert size <= LIMIT


JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")
SAID = re.compile(r"{#.*?#}|{%-?\s*trans\b.*?endtrans\s*-?%}|{{.*?}}|{%.*?%}", re.DOTALL)


RESIDENTS = sorted(path for path in TEMPLATES.rglob("*.html") if path.parent.name != "staff")
"""All but the pages of the staff: they work in Japanese, the language of the office's records, and in no other."""


@pytest.mark.parametrize("path", RESIDENTS, ids=lambda path: path.stem)
def test_every_word_for_people_can_be_translated(path: Path) -> None:
    left = SAID.sub("", path.read_text("utf-8"))
    assert [line for line in left.splitlines() if JAPANESE.search(line)] == []
