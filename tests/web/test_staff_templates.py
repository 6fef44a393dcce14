"""The pages of the staff in every shape: what holds for residents' pages and is not about their head and foot."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from tests.web import samples, staff_samples, tablet_samples
from tests.web.html import Html
from tests.web.test_templates import (  # noqa: F401  # the same rules, over these pages
    TEMPLATES,
    test_every_control_has_a_label_and_every_button_says_what_it_does_to_the_form,
    test_every_form_that_does_something_is_posted,
    test_every_reference_inside_a_page_leads_somewhere,
    test_headings_leave_no_level_out,
    test_nothing_in_a_page_is_refused_by_its_own_content_policy,
    test_what_a_resident_typed_is_shown_and_never_becomes_markup,
)

PAGES = staff_samples.pages()


def html_of(name: str, *, sandbox: bool = True) -> str:
    template, context = PAGES[name]
    told: Any = context
    return samples.renderer(sandbox=sandbox).render(
        template, {each.name: getattr(told, each.name) for each in fields(told)}
    )


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Html:
    return Html(html_of(request.param))


def test_a_page_of_the_staff_has_one_heading_one_main_part_and_is_japanese(page: Html) -> None:
    assert [len(list(page.all(tag))) for tag in ("h1", "main", "title", "header")][:2] == [1, 1]
    assert next(page.all("html")).at["lang"] == "ja"
    assert not [each for each in page.all("a") if each.at["href"].startswith(("/my", "/signin", "/procedures"))]


def test_every_template_of_the_staff_has_a_sample() -> None:
    parts = {"staff/base.html", "staff/parts.html", "staff/queue_list.html", "staff/calls.html"}
    parts |= {
        "staff/counter_base.html",
        "staff/counter_traced.html",
        "staff/tablet_beside.html",
        "staff/tablet_panel.html",
    }
    whole = {f"staff/{path.name}" for path in (TEMPLATES / "staff").iterdir()} - parts
    assert {template for template, _ in (PAGES | tablet_samples.staff()).values()} == whole


def test_the_sandbox_says_what_it_is_to_the_staff_and_a_real_site_does_not() -> None:
    for name in PAGES:
        assert "これは試験環境です" in html_of(name)
        assert "試験環境" not in html_of(name, sandbox=False)
