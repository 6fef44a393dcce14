"""Every page in its awkward shapes, looked at as people do who see, read or reach a screen in different ways."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import fields
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser import looks, tree
from tests.browser.looks import DESK, FOLDED, LAYOUT, at, forced_colours, large, spaced
from tests.browser.tree import Tree
from tests.web import samples, staff_samples

SITE = "http://samples.test"
PAGES = samples.pages() | staff_samples.pages()


def html_of(name: str) -> str:
    template, context = PAGES[name]
    told: Any = context
    values = {each.name: getattr(told, each.name) for each in fields(told)}
    return samples.renderer().render(template, values | {"person": "", "ending": None})


def serve(route: Route) -> None:
    if route.request.resource_type in ("eventsource", "fetch"):  # a script asks for news: a sample stands still
        route.fulfill(status=204)
        return
    path = route.request.url.removeprefix(SITE)
    asset = samples.renderer().assets.at(path)
    if asset is not None:
        route.fulfill(body=asset.body, content_type=asset.media_type)
    else:
        route.fulfill(body=html_of(path[1:]), content_type="text/html; charset=utf-8")


@pytest.fixture(scope="module")
def screen(chromium: Browser) -> Iterator[Page]:
    """A tab at a site that holds the samples."""
    context = chromium.new_context(viewport=DESK, reduced_motion="reduce")  # type: ignore[arg-type]
    context.route("**/*", serve)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_fit_for_every_eye_ear_and_hand(screen: Page, name: str) -> None:
    """On a telephone and on a desk's screen, with the reader's own spacing, size of letters and colours, and read
    out."""
    screen.goto(f"{SITE}/{name}")
    assert tree.faults(Tree(screen)) == []
    assert looks.measured(screen, *LAYOUT, "order") == []
    assert looks.contrast(screen) == []
    with spaced(screen):
        assert looks.measured(screen, *LAYOUT) == []
    with large(screen):
        assert looks.measured(screen, *LAYOUT) == []
    with forced_colours(screen):
        assert looks.contrast(screen) == []
    with at(screen, FOLDED):
        assert looks.axe(screen) == []
        assert looks.measured(screen, *LAYOUT, "order") == []
        assert looks.small(screen, 44) == []
        with spaced(screen):
            assert looks.measured(screen, *LAYOUT) == []


@pytest.mark.drill
@pytest.mark.parametrize("colours", ["own", "forced"])
@pytest.mark.parametrize("size", [FOLDED, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_at_any_size_and_in_any_colours(
    screen: Page, name: str, size: dict[str, int], colours: str
) -> None:
    with at(screen, size), forced_colours(screen) if colours == "forced" else nullcontext():
        screen.goto(f"{SITE}/{name}")
        assert looks.axe(screen) == []


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


FRAMES = """() => {
  const ground = getComputedStyle(document.body).backgroundColor;
  return [...document.querySelectorAll('main input:not([type=hidden], .vh), main select, main textarea, .button')]
    .filter(e => e.checkVisibility() && !e.matches('.vh'))
    .map(e => e.matches('.choice__input') ? e.nextElementSibling : e)
    .filter(e => { const s = getComputedStyle(e);
      return s.borderTopStyle === 'none' || parseFloat(s.borderTopWidth) < 1 || s.borderTopColor === ground; })
    .map(e => e.outerHTML.slice(0, 100));
}"""
LOOK = """e => { const s = getComputedStyle(e), b = getComputedStyle(e, '::before');
  return [s.outlineStyle, s.outlineWidth, s.borderTopColor, s.borderLeftWidth, s.fontWeight, b.backgroundColor,
    b.content].join(' '); }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_forced_colours_everything_can_still_be_told_apart(screen: Page, scheme: Literal["light", "dark"]) -> None:
    """Controls by their frame, a choice that is made, one that has the focus, a question that is wrong, the steps."""
    screen.emulate_media(forced_colors="active", color_scheme=scheme)
    try:
        screen.goto(f"{SITE}/step")
        assert screen.evaluate(FRAMES) == []
        picked, other = (screen.locator(f"#f-needs{end}") for end in ("", "-2"))
        label = "label[for='{}']".format
        looked = {"picked": screen.locator(label("f-needs")).evaluate(LOOK)}
        looked["left"] = screen.locator(label("f-needs-2")).evaluate(LOOK)
        for name, choice, id in (("picked, here", picked, "f-needs"), ("left, here", other, "f-needs-2")):
            choice.focus()
            screen.keyboard.press("Shift+Tab")
            screen.keyboard.press("Tab")
            looked[name] = screen.locator(label(id)).evaluate(LOOK)
        assert looked["picked"] not in (looked["left"], looked["picked, here"])
        assert looked["left"] not in (looked["left, here"], looked["picked, here"])
        steps = [screen.locator(f".steps li.is-{state}").first.evaluate(LOOK) for state in ("done", "now", "todo")]
        assert len(set(steps)) == 3
        screen.goto(f"{SITE}/step-errors")
        assert screen.evaluate(FRAMES) == []
        wrong, right = screen.locator(".field--error").first, screen.locator(".field:not(.field--error)").first
        assert wrong.evaluate(LOOK) != right.evaluate(LOOK)
    finally:
        screen.emulate_media(forced_colors="none", color_scheme="light")


@pytest.mark.parametrize("name", ["guide", "check", "receipt"])
def test_on_paper_there_is_the_matter_and_nothing_to_press(screen: Page, name: str) -> None:
    screen.emulate_media(media="print")
    try:
        screen.goto(f"{SITE}/{name}")
        assert screen.locator("h1").is_visible()
        for gone in ("nav", ".button", ".skip", ".section__change"):
            assert not any(each.is_visible() for each in screen.locator(gone).all()), gone
    finally:
        screen.emulate_media(media="screen")
