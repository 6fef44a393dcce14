"""Somebody who has a keyboard and no mouse. Wherever the focus goes, it is looked at: seen, not covered, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import FileChooser, FilePayload

from tests.browser.visit import Visit, wanted
from tests.journeys.pages import PDF, at

_HERE = """last => {
  const at = document.activeElement, ring = at.matches('.choice__input') ? at.nextElementSibling : at;
  const style = getComputedStyle(ring), box = ring.getBoundingClientRect();
  const spots = [[.5, .5], [.1, .5], [.9, .5]].map(([x, y]) =>
    document.elementFromPoint(box.left + box.width * x, box.top + Math.min(box.height, innerHeight) * y));
  return {
    tag: at.tagName, id: at.id, name: at.name ?? '', type: at.type ?? '', value: at.value ?? '',
    words: (at.getAttribute('aria-label') ?? at.textContent).replace(/\\s+/g, ' ').trim(), checked: at.checked === true,
    live: at.closest('[hx-trigger=change]') !== null, html: at.outerHTML.slice(0, 110),
    ringed: style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 2,
    size: Math.min(box.width, box.height),
    inside: box.top >= -1 && box.left >= -1 && box.right <= innerWidth + 1 && box.top < innerHeight - 10,
    covered: !spots.some(e => e && (ring.contains(e) || e.contains(ring) || at.contains(e))),
    back: last !== '' && above(at, document.getElementById(last)), spot: [box.top, box.bottom, innerHeight],
  };
  function above(one, other) {
    const a = one.getBoundingClientRect(), b = other?.getBoundingClientRect();
    return Boolean(b) && a.bottom <= b.top + 1 && a.left < b.right - 1 && a.right > b.left + 1;
  }
}"""
"""`back`: what has the focus stands above what had it last, in the same column."""


@dataclass(frozen=True)
class Stop:
    """Where the focus is."""

    tag: str
    id: str
    name: str
    type: str
    value: str
    words: str
    checked: bool
    live: bool
    html: str
    ringed: bool
    size: float
    inside: bool
    covered: bool
    back: bool
    spot: tuple[float, float, float]


class Keys:
    def __init__(self, visit: Visit) -> None:
        self.visit, self.page = visit, visit.page
        self._last: Stop | None = None
        self._windows: list[FileChooser] = []
        # from the start: what is asked for on the way can come too late
        self.page.on("filechooser", lambda window: self._windows.append(window))
        self.stops = 0

    def here(self) -> Stop:
        return Stop(**self.page.evaluate(_HERE, self._last.id if self._last else ""))

    def tab(self) -> Stop:
        """To the next stop, which is looked at. Going on must not lead up the page again."""
        self.page.keyboard.press("Tab")
        self.visit.settle()  # leaving a box may change the questions
        stop = self.here()
        assert stop.tag != "BODY", f"the focus is lost after {self._last and self._last.html} on {self.visit.path}"
        self.look(stop)
        assert not stop.back, f"up the page, from {self._last} to {stop}"
        self._last = stop
        self.stops += 1
        return stop

    def look(self, stop: Stop) -> None:
        """WCAG 2.4.7 and 2.4.11."""
        assert stop.ringed and stop.size >= 10, f"not seen: {stop.html}"
        assert stop.inside and not stop.covered, f"hidden: {stop}"

    def anew(self) -> None:
        """The page has changed: there is no stop before."""
        self._last = None

    def to(self, fits: Callable[[Stop], bool]) -> Stop:
        for _ in range(120):
            stop = self.tab()
            if fits(stop):
                return stop
        raise AssertionError(f"no way there by Tab on {self.visit.path}")

    def press(self, words: str) -> int:
        """Tab to a button or a link with these words, and press it; the status of the page that opens."""
        wanted_words = " ".join(words.split())
        self.to(lambda stop: stop.words.startswith(wanted_words))
        return self.enter()

    def enter(self) -> int:
        status = self.visit.led_by(lambda: self.page.keyboard.press("Enter"))
        self.anew()
        return status

    def stay(self) -> None:
        """Press what has the focus; it changes a part of the page."""
        self.page.keyboard.press("Enter")
        self.visit.settle()
        self.anew()

    def answer(self, answers: Mapping[str, Any], files: Mapping[str, str]) -> int:
        """Answer all that a step asks on the way down to its button, and press that; the status of the next page."""
        while (stop := self.tab()).words != "次へ進む":
            if stop.type == "file":
                self._choose(files[stop.name])
            elif stop.id.endswith("-add"):
                self._add(stop, answers)
            elif "." in stop.name or stop.id.startswith("f-"):
                self._answer(stop, list(wanted(answers, stop.name)))
        return self.enter()

    def _answer(self, stop: Stop, values: list[str]) -> None:
        keys = self.page.keyboard
        if stop.type == "checkbox":
            if (stop.value in values) != stop.checked:
                keys.press(" ")
        elif stop.type == "radio" and values:
            keys.press(" ")
            self._arrow(values[0])
        elif stop.type == "select-one" and values:
            self._arrow(values[0])
        elif values and stop.type not in ("submit", "button"):
            keys.press("Control+A")
            keys.insert_text(values[0])
        if stop.live:
            self.visit.settle()

    def _arrow(self, value: str) -> None:
        for _ in range(60):
            self.visit.settle()
            if self.here().value == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{value} is not there")

    def _choose(self, file_name: str) -> None:
        """Enter opens the browser's own window for files."""
        self.page.keyboard.press("Enter")
        for _ in range(600):
            if self._windows:
                break
            self.page.wait_for_timeout(50)
        self._windows.pop().set_files(FilePayload(name=file_name, mimeType="application/pdf", buffer=PDF))

    def _add(self, stop: Stop, answers: Mapping[str, Any]) -> None:
        """Another row where there are more answers than rows; one goes on in it."""
        name = stop.id.removeprefix("f-").removesuffix("-add").replace("-", ".")
        rows = int(self.page.locator(f'[name="_rows.{name}"]').input_value())
        if rows < len(at(answers, name) or []):
            self.stay()
            new = self.here()
            assert new.name.startswith(f"{name}.{rows}."), new.html
            self.look(new)
            self._answer(new, list(wanted(answers, new.name)))
