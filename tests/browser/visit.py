"""Somebody at a real browser. Everything is found as people find it: by the words on buttons and links, and by the
control names that `contract.md` promises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, Response, expect

from tests.journeys.pages import PDF, at, date_part

BUSY = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"
"""What htmx marks while something is under way."""
CONTROLS = "#questions [name]:not([type=hidden]):not([type=file]):not([name=_do])"


class Visit:
    """One tab."""

    def __init__(self, page: Page, base: str, *, script: bool = True) -> None:
        self.page, self.base, self.script = page, base, script

    # --- where one is

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def open(self, path: str) -> int:
        """The status of the page."""
        answer = self.page.goto(self.base + path)
        assert answer is not None
        return answer.status

    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def again(self) -> Visit:
        """Another tab of the same browser, at the same page."""
        other = Visit(self.page.context.new_page(), self.base, script=self.script)
        other.open(self.path)
        return other

    # --- what one does

    def press(self, words: str, *, within: Locator | None = None) -> None:
        """Press the button with these words, or follow the link; the page may change or not."""
        place = within if within is not None else self.page.locator("main")
        named = re.compile(f"^{re.escape(words)}")
        found = place.get_by_role("button", name=named).or_(place.get_by_role("link", name=named))
        found.first.click()
        self.settle()

    def go(self, words: str) -> Response | None:
        """Press something that opens a page, and wait for it."""
        with self.page.expect_navigation() as opened:
            self.press(words)
        return opened.value

    def settle(self) -> None:
        """Until what the last act has set going is done."""
        if self.script and self.page.locator("#questions").count():
            expect(self.page.locator(BUSY)).to_have_count(0)

    def control(self, name: str) -> Locator:
        return self.page.locator(f'#questions [name="{name}"]:not([type=hidden])')

    def asks(self, name: str) -> bool:
        return self.control(name).count() > 0

    def type(self, name: str, value: str) -> None:
        """Answer one control, whatever it is."""
        found = self.control(name)
        kind = found.first.evaluate("e => e.type")
        if kind in ("radio", "checkbox"):
            self._pick(name, value)
        elif kind == "select-one":
            found.select_option(value)
        else:
            found.fill(value)
            found.evaluate("e => e.blur()") if self.script else None
        self.settle()

    def _pick(self, name: str, value: str) -> None:
        """By its label, as a finger does."""
        option = self.page.locator(f'#questions [name="{name}"][value="{value}"]')
        if not option.is_checked():
            self.page.locator(f'label[for="{option.get_attribute("id")}"]').click()

    def value(self, name: str) -> str:
        return self.control(name).input_value()

    def hand_in(self, name: str, *file_names: str) -> None:
        files = [{"name": each, "mimeType": "application/pdf", "buffer": PDF} for each in file_names]
        self.page.locator(f'input[type=file][name="{name}"]').set_input_files(files)  # type: ignore[arg-type]  # dicts are FilePayloads

    # --- filling in a form

    def names(self) -> list[str]:
        """The names of the controls on the page, each once, in order."""
        return list(dict.fromkeys(self.page.eval_on_selector_all(CONTROLS, "all => all.map(e => e.name)")))

    def answer(self, answers: Mapping[str, Any]) -> None:
        """Answer what the page asks, and what it asks then, as far as `answers` go."""
        done: set[str] = set()
        while fresh := [name for name in self.names() if name not in done]:
            done.add(fresh[0])
            for value in wanted(answers, fresh[0]):
                self.type(fresh[0], value)
            if not self.script:
                continue

    def rows(self, name: str, count: int) -> None:
        """Add rows until there are as many."""
        label = self.page.locator(f"#f-{name}-add")
        while int(self.page.locator(f'[name="_rows.{name}"]').input_value()) < count:
            label.click()
            self.page.wait_for_load_state()
            self.settle()

    def step(self, answers: Mapping[str, Any], files: Mapping[str, int] | None = None) -> None:
        """Answer one step and go on. Without script, a page that comes back with new questions is answered again."""
        for _ in range(4):
            self._fill_rows(answers)
            self.answer(answers)
            self._files(files or {})
            before = self.page.url
            self.go("次へ進む")
            if self.page.url != before or not self.page.locator("#errors").count():
                return
        raise AssertionError(f"the step does not end: {self.page.locator('#errors').inner_text()}")

    def _fill_rows(self, answers: Mapping[str, Any]) -> None:
        for name in self.page.eval_on_selector_all("[name^='_rows.']", "all => all.map(e => e.name.slice(6))"):
            rows = at(answers, name)
            if isinstance(rows, list):
                self.rows(name, len(rows))

    def _files(self, files: Mapping[str, int]) -> None:
        for key, count in files.items():
            name = f"attachment.{key.replace('/', '.')}"
            if self.page.locator(f'input[type=file][name="{name}"]').count():
                self.hand_in(name, *(f"{key.replace('/', '-')}-{i}.pdf" for i in range(1, count + 1)))

    def fill(self, answers: Mapping[str, Any], files: Mapping[str, int] | None = None) -> None:
        """Step after step, until the check page."""
        for _ in range(20):
            if self.path.endswith("/check"):
                return
            self.step(answers, files)
        raise AssertionError(f"no end at {self.path}")

    def errors(self) -> list[str]:
        """The lines of the summary of errors."""
        return self.page.locator("#errors li").all_inner_texts()


def wanted(answers: Mapping[str, Any], name: str) -> Iterator[str]:
    """What is typed into, or picked at, the control of this name."""
    if name.endswith((".era", ".year", ".month", ".day")):
        whole, _, part = name.rpartition(".")
        value = at(answers, whole)
        if isinstance(value, str):
            yield date_part(value, part)
        return
    value = at(answers, name)
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, bool):
            yield "true" if each else "false"
        elif each is not None and not isinstance(each, dict):
            yield str(each)
