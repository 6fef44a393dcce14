"""Every page in its awkward shapes, looked at: nothing for axe to find, nothing that runs off a small screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.web import samples

AXE = (samples.ROOT / "tests/browser/vendor/axe.min.js").read_text("utf-8")
SITE = "http://samples.test"
PAGES = samples.pages()
TARGETS = """() => [...document.querySelectorAll('a.button, button, input:not([type=hidden]), select, textarea, nav a')]
  .filter(e => e.getBoundingClientRect().width > 1 && !e.closest('.vh') && !e.classList.contains('vh'))
  .map(e => [e.outerHTML.slice(0, 80), (e.closest('.choice') ?? e).getBoundingClientRect().height])
  .filter(([, height]) => height < 44)"""
"""What one aims at and is lower than 44 pixels. A choice is aimed at with its label."""
LEFT_OUT = """() => [...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width > 1 && box.height > 1 && (box.left < -1 || box.right > innerWidth + 1)
    && !e.closest('.skip');
}).map(e => e.outerHTML.slice(0, 80))"""


def html_of(name: str) -> str:
    template, context = PAGES[name]
    told: Any = context
    values = {each.name: getattr(told, each.name) for each in fields(told)}
    return samples.renderer().render(template, values | {"person": ""})


def serve(route: Route) -> None:
    path = route.request.url.removeprefix(SITE)
    asset = samples.renderer().assets.at(path)
    if asset is not None:
        route.fulfill(body=asset.body, content_type=asset.media_type)
    else:
        route.fulfill(body=html_of(path[1:]), content_type="text/html; charset=utf-8")


@pytest.fixture(scope="module", params=[(320, 640), (1280, 900)], ids=["phone", "desk"])
def screen(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = request.param
    context = chromium.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    context.route("**/*", serve)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits(screen: Page, name: str) -> None:
    screen.goto(f"{SITE}/{name}")
    assert screen.evaluate("document.documentElement.scrollWidth") <= screen.evaluate("innerWidth")
    assert screen.evaluate(LEFT_OUT) == []
    assert screen.evaluate(TARGETS) == []
    screen.evaluate(AXE)
    found = screen.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found] == []


@pytest.mark.parametrize("name", ["step-errors", "lookup-errors", "resume-errors", "check-fix"])
def test_after_an_error_one_reads_on_at_the_summary(screen: Page, name: str) -> None:
    screen.goto(f"{SITE}/{name}")
    assert screen.evaluate("document.activeElement.id") == "errors"


def test_a_line_of_the_summary_leads_into_its_control(screen: Page) -> None:
    screen.goto(f"{SITE}/step-errors")
    for number in range(screen.locator("#errors a").count()):
        link = screen.locator("#errors a").nth(number)
        target = (link.get_attribute("href") or "")[1:]
        link.click()
        assert screen.evaluate("document.activeElement.id") == target


def test_the_first_key_leads_past_the_head_of_the_page(screen: Page) -> None:
    screen.goto(f"{SITE}/guide")
    screen.keyboard.press("Tab")
    assert screen.evaluate("document.activeElement.textContent") == "本文へ移動"
    screen.keyboard.press("Enter")
    assert screen.evaluate("document.activeElement.id") == "main"


RING = """() => {
  const here = document.activeElement;
  const shown = here.matches('.choice__input') ? here.nextElementSibling : here;
  const style = getComputedStyle(shown), box = shown.getBoundingClientRect();
  return [style.outlineStyle, style.outlineWidth, style.outlineColor, Math.min(box.width, box.height) > 10];
}"""


@pytest.mark.parametrize("name", ["step-first", "check"])
def test_where_one_is_can_be_seen(screen: Page, name: str) -> None:
    """A ring of four black pixels around whatever takes the focus, and nothing hidden takes it."""
    screen.goto(f"{SITE}/{name}")
    seen = set()
    for _ in range(14):
        screen.keyboard.press("Tab")
        seen.add(tuple(screen.evaluate(RING)))
    assert seen == {("solid", "4px", "rgb(0, 0, 0)", True)}


@pytest.mark.parametrize("name", ["guide", "check", "receipt"])
def test_on_paper_there_is_the_matter_and_nothing_to_press(screen: Page, name: str) -> None:
    screen.emulate_media(media="print")
    try:
        screen.goto(f"{SITE}/{name}")
        assert screen.locator("h1").is_visible()
        for gone in ("nav", ".button", ".skip", ".facts__change"):
            assert not any(each.is_visible() for each in screen.locator(gone).all()), gone
    finally:
        screen.emulate_media(media="screen")
