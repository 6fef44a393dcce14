"""Somebody at a kiosk without script: it knows HTML and the names of controls, and no code of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.journeys.pages import Page, PageForm, Resident, answered, at


class AtKiosk(Resident):
    """A browser that is a kiosk once its code was typed."""

    def enrol(self, code: str) -> Page:
        return self.press(door := self.open("/device"), door.form(control="code"), {"code": [code]})

    def start(self, language: str = "ja") -> Page:
        page = self.open("/kiosk")
        return self.press(page, page.form(action="/kiosk/begin"), button=("lang", language))

    def begin_at(self, slug: str) -> Page:
        """Somebody new, at the first question of a procedure."""
        self.start()
        return self.begin(slug)

    def begin(self, slug: str, *, said: bool = False) -> Page:
        """From a procedure's page to its first question; with `said` it takes over what was answered before."""
        page = self.open(f"/kiosk/procedures/{quote(slug)}")
        form = page.form(action="/kiosk/forms", control="slug")
        return self.press(page, form, button=("said", "yes") if said else None)

    def walk(self, page: Page, answers: Mapping[str, Any], *, most: int = 250) -> Page:
        """Answer question after question until the page with all answers."""
        for _ in range(most):
            if not is_question(page):
                return page
            page = self.answer(page, answers)
        raise AssertionError(f"no end at {page.url}")

    def answer(self, page: Page, answers: Mapping[str, Any]) -> Page:
        """Answer a question; what the case says nothing of is left out, or for the window."""
        form = question(page)
        name = page.path.rpartition("/")[2]
        if name.endswith(".-"):
            rows, there = at(answers, name.removesuffix(".-")), page.html.count("krows__one")
            more = isinstance(rows, list) and len(rows) > there
            return self.press(page, form, button=("_do", "add" if more else "done"))
        after = self.press(page, form, answered(form, answers), button=("_do", "next"))
        if "check" in after.url and is_question(after) and after.path == page.path:
            assert question(after).has_button("_do", "unsure"), after.text
            return self.press(after, question(after), button=("_do", "unsure"))
        return after

    def take(self) -> Page:
        page = self.open("/kiosk/end")
        return self.press(page, page.form(action="/kiosk/end"))

    def over(self, page: Page) -> Page:
        form = page.form(control="to") if not is_question(page) else question(page)
        return self.press(page, form, button=("_do", "over"))


def is_question(page: Page) -> bool:
    return any(form.has_button("_do", "back") for form in page.forms)


def question(page: Page) -> PageForm:
    return next(form for form in page.forms if form.has_button("_do", "back"))
