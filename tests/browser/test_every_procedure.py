"""Every procedure there is, now and later: all its questions, open and wrong, fit for every eye, ear and hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from procedures.declaration import Declaration
from server.japan import today
from server.store.values import utc_now
from tests.browser import looks, sheets, tree
from tests.browser.conftest import OpenBrowser
from tests.browser.looks import DESK, FOLDED, LAYOUT, at, large, spaced
from tests.browser.tree import Tree
from tests.journeys.filing import declared, filed_online, is_valid, library, taken_online
from tests.web import samples

SITE = "http://sheets.test"
SLUGS = sorted(each.slug for each in library().declarations.values())


def _traits(declaration: Declaration) -> set[tuple[object, ...]]:
    """What makes the pages of a procedure look and work as they do."""
    fields = declaration.form.fields.values()
    asked = {
        (each.kind.name, each.widget, each.pointer.count("/"), "*" in each.pointer, each.live, bool(each.hint))
        for each in fields
    }
    files = {("file", bool(each.each), each.optional, each.max > 1) for each in declaration.form.attachments}
    return {*asked, *files}


def _telling() -> list[Any]:
    """All of them; those that show nothing which one before them does not show are left to the drills."""
    seen: set[tuple[object, ...]] = set()
    told = []
    for declaration in library().declarations.values():
        new = _traits(declaration) - seen
        seen |= new
        told.append(pytest.param(declaration.slug, marks=() if new else pytest.mark.drill))
    return told


class Table:
    """A tab at a site that shows one sheet after another."""

    def __init__(self, page: Page) -> None:
        self.page, self._html = page, ""
        page.set_default_timeout(60_000)
        page.route("**/*", self._serve)

    def _serve(self, route: Route) -> None:
        asset = samples.renderer().assets.at(route.request.url.removeprefix(SITE))
        if asset is not None:
            route.fulfill(body=asset.body, content_type=asset.media_type)
        else:
            route.fulfill(body=self._html, content_type="text/html; charset=utf-8")

    def lay(self, slug: str, case: int = 0, *, wrong: bool = True) -> Page:
        declaration = declared(slug)
        self._html = sheets.sheet(declaration, sheets.cases_of(declaration)[case], wrong=wrong)
        self.page.goto(f"{SITE}/{slug}")
        return self.page


@pytest.fixture(scope="module")
def table(chromium: Browser) -> Iterator[Table]:
    context = chromium.new_context(viewport=FOLDED, reduced_motion="reduce")  # type: ignore[arg-type]
    yield Table(context.new_page())
    context.close()


@pytest.mark.parametrize("slug", _telling())
def test_all_questions_of_a_procedure_are_fit_for_every_eye_ear_and_hand(table: Table, slug: str) -> None:
    """The case that is asked most, with an error at every question."""
    page = table.lay(slug)
    assert looks.axe(page, colours=False) == []
    assert tree.faults(Tree(page)) == []
    assert looks.measured(page, *LAYOUT, "order") == []
    assert looks.small(page, 44) == []


@pytest.mark.drill
@pytest.mark.parametrize("slug", SLUGS)
def test_every_case_of_a_procedure_is_fit_at_every_size(table: Table, slug: str) -> None:
    for number in range(len(sheets.cases_of(declared(slug)))):
        for wrong in (True, False):
            page = table.lay(slug, number, wrong=wrong)
            assert looks.axe(page) == []
            assert tree.faults(Tree(page)) == []
            with spaced(page):
                assert looks.measured(page, *LAYOUT) == []
            with at(page, DESK):
                assert looks.measured(page, *LAYOUT, "order") == []
                with large(page):
                    assert looks.measured(page, *LAYOUT) == []


@pytest.mark.drill
@pytest.mark.parametrize("slug", [slug for slug in SLUGS if taken_online(declared(slug))])
def test_every_step_of_a_procedure_as_it_is_filled_in(browse: OpenBrowser, slug: str) -> None:
    """On a telephone, with the real server: each step as it opens, with its questions open, and with its errors."""
    declaration = declared(slug)
    cases = [case for case in declaration.cases if is_valid(case) and filed_online(declaration, case)]
    standing = [case for case in cases if stands_today(declaration, case)]
    case = max(standing, key=lambda case: len(str(case["answers"])), default=None)
    visit = browse(viewport=FOLDED)
    visit.open(f"/procedures/{slug}/apply")
    if case is None:  # its cases are all of another day than the server's
        fit(visit.page)
        return
    while not visit.path.endswith("/check"):
        fit(visit.page)
        if visit.go("次へ進む") == 422:
            fit(visit.page)
        if visit.path.endswith("/check"):
            break
        visit.ask_everything(case["answers"])
        fit(visit.page)
        visit.step(case["answers"], case.get("attachments"))
    fit(visit.page)


def stands_today(declaration: Declaration, case: Mapping[str, Any]) -> bool:
    """Whether a case is valid on the server's own day too."""
    settled = declaration.form.settle(case["answers"], today(utc_now()))
    return not declaration.form.errors(settled, attached=case.get("attachments", {}))


def fit(page: Page) -> None:
    assert looks.axe(page) == [], page.url
    assert tree.faults(Tree(page)) == [], page.url
    assert looks.measured(page, *LAYOUT, "order") == [], page.url
    assert looks.small(page, 24) == [], page.url
