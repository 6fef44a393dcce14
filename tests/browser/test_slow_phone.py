"""A slow telephone on a slow line. Its figures come from a drill; what causes them is held here: few bytes, few
requests, nothing that holds the page up but one small stylesheet, and files that are asked for once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import pytest
from playwright.sync_api import CDPSession, Response

from tests.browser.conftest import OpenBrowser
from tests.browser.visit import Visit
from tests.journeys.filing import case_of

FIRST, NEXT = 42_000, 12_000
"""Bytes as they travel, heads and all: of a page to somebody who was never here, and of each page after it. At 400
kbit/s, 50,000 are a second."""
SLOWED = 6
LINE = {"offline": False, "latency": 400, "downloadThroughput": 400_000 / 8, "uploadThroughput": 400_000 / 8}
"""Milliseconds, and bytes a second."""
PATIENCE = 3.0
HEAVY = "jido-teate-nintei-seikyu"
USABLE = """() => { const at = performance.getEntriesByType('navigation')[0];
  const css = performance.getEntriesByType('resource').filter(e => e.name.includes('.css')).map(e => e.responseEnd);
  const painted = performance.getEntriesByName('first-contentful-paint').map(e => e.startTime);
  const began = performance.timeOrigin;
  return {answer: began + at.responseStart, read: began + at.responseEnd, script: began + at.domContentLoadedEventEnd,
    usable: began + Math.max(at.domInteractive, ...css, ...painted), bytes: at.transferSize}; }"""
"""When, in milliseconds since 1970: the answer began, was read, the page was usable, its script had run."""


@dataclass
class Line:
    """What comes in over a page's line."""

    session: CDPSession
    bytes: int = 0
    requests: int = 0

    def __post_init__(self) -> None:
        self.session.send("Network.enable")
        self.session.on("Network.loadingFinished", self._came)

    def _came(self, event: dict[str, float]) -> None:
        self.bytes += int(event["encodedDataLength"])
        self.requests += event["encodedDataLength"] > 0

    def during(self, act: Callable[[], object]) -> tuple[int, int]:
        """(bytes, requests) that an act costs."""
        self.bytes = self.requests = 0
        act()
        return self.bytes, self.requests


def line_of(visit: Visit) -> Line:
    return Line(visit.page.context.new_cdp_session(visit.page))


def test_pages_are_light_and_their_files_come_once(browse: OpenBrowser) -> None:
    visit, case = browse(), case_of(HEAVY, 1)
    line = line_of(visit)

    def loaded(act: Callable[[], object]) -> None:
        act()
        visit.page.wait_for_load_state("networkidle")

    bytes_, requests = line.during(lambda: loaded(lambda: visit.open(f"/procedures/{HEAVY}/apply")))
    assert bytes_ <= FIRST and requests <= 6
    while not visit.path.endswith("/check"):
        visit.ask_everything(case["answers"])
        visit._files(case.get("attachments") or {})
        bytes_, requests = line.during(lambda: loaded(lambda: visit.go("次へ進む")))
        assert bytes_ <= NEXT, visit.path
        assert requests <= 2, "the page that sends one on, and the next: all else is there already"


def test_nothing_but_the_stylesheet_holds_a_page_up_and_files_are_kept_for_good(visit: Visit) -> None:
    files: list[Response] = []
    visit.page.on("response", lambda answer: files.append(answer) if "/static/" in answer.url else None)
    visit.open(f"/procedures/{HEAVY}/apply")
    visit.page.wait_for_load_state("networkidle")
    blocking = visit.page.evaluate(
        "() => performance.getEntriesByType('resource')"
        ".filter(e => e.renderBlockingStatus === 'blocking').map(e => e.name)"
    )
    assert [name.rpartition("/")[2].split(".")[0] for name in blocking] == ["site"]
    assert all("immutable" in (answer.header_value("cache-control") or "") for answer in files)
    packed = [answer for answer in files if answer.url.endswith((".css", ".js"))]
    assert packed and all(answer.header_value("content-encoding") == "gzip" for answer in packed)


@pytest.mark.drill
def test_each_step_is_usable_within_three_seconds_on_a_slow_phone(
    browse: OpenBrowser, record_property: Callable[[str, object], None]
) -> None:
    """400 kbit/s, 400 ms away, a processor six times slower; the first page with nothing kept, the others with what
    it left. Usable: laid out by its stylesheet, painted, and open to the finger."""
    case = case_of(HEAVY, 1)
    visit = browse(viewport={"width": 360, "height": 640}, device_scale_factor=2, has_touch=True, is_mobile=True)
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("Network.enable")
    figures: list[float] = []

    def slow(on: bool) -> None:
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED if on else 1})
        session.send(
            "Network.emulateNetworkConditions", LINE if on else LINE | {"latency": 0, "downloadThroughput": -1}
        )

    def timed(act: Callable[[], object], name: str) -> None:
        slow(True)
        pressed = time.time()
        act()
        visit.page.wait_for_load_state("load")
        took = visit.page.evaluate(USABLE)
        slow(False)
        seconds = {part: took[part] / 1000 - pressed for part in ("answer", "read", "usable", "script")}
        figures.append(seconds["usable"])
        shown = ", ".join(f"{part} {seconds[part]:.2f}" for part in seconds)
        record_property(name, f"{shown} s, {took['bytes']:,} bytes;")

    timed(lambda: visit.open(f"/procedures/{HEAVY}/apply"), "cold")
    number = 1
    while not visit.path.endswith("/check"):
        visit.ask_everything(case["answers"])
        visit._files(case.get("attachments") or {})
        number += 1
        timed(lambda: visit.go("次へ進む"), f"step {number}")
    record_property("in all", f"median {median(figures):.2f} s, slowest {max(figures):.2f} s")
    assert max(figures) < PATIENCE, figures
