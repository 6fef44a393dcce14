"""Somebody at a real browser. Everything is found as people find it: by the words on buttons and links, and by the
control names that `contract.md` promises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.journeys.pages import PDF, Resident, at, date_part

BUSY = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"
"""What htmx marks while something is under way."""
CONTROLS = "#questions [name]:not([type=hidden]):not([type=file]):not([name=_do])"
READ = """css => [...new Map([...document.querySelectorAll(css)].map(e => [e.name, e])).values()].map(
  e => ({name: e.name, type: e.type, live: e.closest('[hx-trigger=change]') !== null}))"""


@dataclass(frozen=True)
class Control:
    """A control of a question; `live` when other questions may depend on it."""

    name: str
    type: str
    live: bool


class Visit:
    """One tab."""

    def __init__(self, page: Page, base: str, *, script: bool = True, faults: list[str] | None = None) -> None:
        self.page, self.base, self.script = page, base, script
        self.faults = [] if faults is None else faults
        """What the browser complained of so far, in any of its tabs."""

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
        other = Visit(self.page.context.new_page(), self.base, script=self.script, faults=self.faults)
        other.open(self.path)
        return other

    def goes_on_for(self, resident: Resident) -> None:
        """The browser takes over the session of somebody who came so far without one."""
        context = self.page.context
        context.clear_cookies()
        for cookie in resident.client.cookies.jar:
            context.add_cookies([{"name": cookie.name, "value": cookie.value or "", "url": self.base}])

    # --- what one does

    def found(self, words: str, *, within: Locator | None = None) -> Locator:
        """The button or the link with these words."""
        place = within if within is not None else self.page.locator("main")
        named = re.compile("^" + re.escape(" ".join(words.split())))
        return place.get_by_role("button", name=named).or_(place.get_by_role("link", name=named)).first

    def press(self, words: str) -> None:
        """Press something that stays on the page."""
        self.found(words).click()
        self.settle()

    def go(self, words: str) -> int:
        """Press something that opens a page; the status of that page."""
        return self.led_by(self.found(words).click)

    def led_by(self, act: Callable[[], object]) -> int:
        """Do something that opens a page; the status of that page."""
        with self.page.expect_navigation() as opened:
            act()
        assert opened.value is not None
        return opened.value.status

    def settle(self) -> None:
        """Until what the last act has set going is done."""
        if self.script:
            expect(self.page.locator(BUSY)).to_have_count(0)

    def control(self, name: str) -> Locator:
        return self.page.locator(f'#questions [name="{name}"]:not([type=hidden])')

    def asks(self, name: str) -> bool:
        return self.control(name).count() > 0

    def value(self, name: str) -> str:
        return self.control(name).input_value()

    def type(self, name: str, *values: str) -> None:
        """Answer the control of this name, whatever it is."""
        for control in self.controls():
            if control.name == name:
                self._type(control, values)
                return
        raise AssertionError(f"no control {name} on {self.path}")

    def _type(self, control: Control, values: Sequence[str]) -> None:
        for value in values:
            if control.type in ("radio", "checkbox"):
                self._pick(control, value)
            elif control.type == "select-one":
                self.control(control.name).select_option(value)
            else:
                self.control(control.name).fill(value)
        if control.live and values:
            self.page.keyboard.press("Tab")
            self.settle()

    def _pick(self, control: Control, value: str) -> None:
        """A choice; of times to book the first that is free, where the one wanted is not on offer."""
        option = self.page.locator(f'#questions [name="{control.name}"][value="{value}"]:not([type=hidden])')
        if not option.count():
            option = self.page.locator(f'#questions .choices--slots [name="{control.name}"]:enabled').first
        if (folded := option.locator("xpath=ancestor::details[not(@open)]")).count():
            folded.locator("summary").click()
        if not option.is_checked():
            option.press(" ")

    def hand_in(self, name: str, *file_names: str) -> None:
        files: list[FilePayload] = [{"name": each, "mimeType": "application/pdf", "buffer": PDF} for each in file_names]
        self.page.locator(f'input[type=file][name="{name}"]').set_input_files(files)

    # --- filling in a form

    def controls(self) -> list[Control]:
        """The controls of the questions on the page, each name once, in order."""
        return [Control(**each) for each in self.page.evaluate(READ, CONTROLS)]

    def answer(self, answers: Mapping[str, Any]) -> None:
        """Answer what the page asks, and what it asks then, as far as `answers` go."""
        done: set[str] = set()
        while fresh := [control for control in self.controls() if control.name not in done]:
            for control in fresh:
                done.add(control.name)
                values = list(wanted(answers, control.name))
                self._type(control, values)
                if control.live and values and self.script:
                    break  # there may be other questions now

    def rows(self, name: str, count: int) -> None:
        """Add rows until there are as many."""
        label = self.page.locator(f"#f-{name.replace('.', '-')}-add")
        while int(self.page.locator(f'[name="_rows.{name}"]').input_value()) < count:
            if self.script:
                label.click()
                self.settle()
            else:
                self.led_by(label.click)

    def ask_everything(self, answers: Mapping[str, Any]) -> None:
        """Answer a step and stay on it: every row and every question that follows is there."""
        self._fill_rows(answers)
        self.answer(answers)

    def step(self, answers: Mapping[str, Any], files: Mapping[str, int] | None = None) -> None:
        """Answer one step and go on. Without script, a page that comes back with new questions is answered again."""
        for _ in range(4):
            self.ask_everything(answers)
            self._files(files or {})
            before = self.page.url
            self.go("次へ進む")
            if self.page.url != before or not self.page.locator("#errors").count():
                return
        raise AssertionError(f"the step does not end: {self.page.locator('#errors').inner_text()}")

    def _fill_rows(self, answers: Mapping[str, Any]) -> None:
        shown = "() => [...document.querySelectorAll('[name^=\"_rows.\"]')].map(e => e.name.slice(6))"
        for name in self.page.evaluate(shown):
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
