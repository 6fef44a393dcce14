"""The tablet's screens and the clerk's view of them: nothing typed becomes markup, and nothing leads away."""

from __future__ import annotations

import re

import pytest

from tests.web import samples, tablet_samples
from tests.web.html import Html
from tests.web.samples import HOSTILE

RESIDENTS, STAFF = tablet_samples.residents(), tablet_samples.staff()


@pytest.mark.parametrize("name", sorted(RESIDENTS | STAFF))
def test_a_page_renders_and_escapes_what_was_typed(name: str) -> None:
    template, context = (RESIDENTS | STAFF)[name]
    html = samples.renderer().page(template, context)
    assert "<script>alert" not in html and HOSTILE not in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert sorted(set(ids)) == sorted(ids)
    assert html.count("<h1") == 1


@pytest.mark.parametrize("name", sorted(RESIDENTS | STAFF))
def test_every_control_has_a_label_and_every_reference_leads_somewhere(name: str) -> None:
    template, context = (RESIDENTS | STAFF)[name]
    page = Html(samples.renderer().page(template, context))
    ids = {each.at["id"] for each in page.elements if "id" in each.at}
    labelled = {each.at["for"] for each in page.all("label")}
    for control in page.all("input", "select"):
        assert control.at.get("type") == "hidden" or control.at["id"] in labelled, control
    named = ("aria-labelledby", "aria-describedby")
    wanted = {word for each in page.elements for named_by in named for word in each.at.get(named_by, "").split()}
    assert wanted | labelled <= ids
    for each in page.elements:
        assert not [attribute for attribute in each.at if attribute == "style" or attribute.startswith("on")], each


@pytest.mark.parametrize("code", list(samples.LANGUAGES))
@pytest.mark.parametrize("name", sorted(RESIDENTS))
def test_a_screen_speaks_every_language(name: str, code: str) -> None:
    language = samples.LANGUAGES[code]
    template, context = RESIDENTS[name]
    html = samples.renderer().speaking(language).page(template, context)
    assert f'<html lang="{language.tag}"' in html


@pytest.mark.parametrize("name", sorted(RESIDENTS))
def test_a_screen_leads_nowhere_but_to_itself(name: str) -> None:
    template, context = RESIDENTS[name]
    html = samples.renderer().page(template, context)
    places = re.findall(r'<(?:a|form)[^>]* (?:href|action)="([^"]*)"', html)
    assert places and all(place.startswith(("/tablet", "#")) for place in places)
    assert "confirmed" not in name or "/tablet/sign" not in places


def test_what_is_veiled_shows_nothing() -> None:
    template, context = RESIDENTS["tablet-veiled"]
    html = samples.renderer().page(template, context)
    assert "WOLFESCHLEGEL" not in html and "tablet__row" not in html
