"""The next person at a shared computer finds nothing of the last one: ten ways back, in Chromium as people run it.

The browser has a profile on the disk, its back-forward cache is on, and it is closed and opened again with its tabs.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.conftest import CHROMIUM
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.journeys.filing import case_of, declared, filed, sign_in
from tests.journeys.pages import Resident
from tests.security.canaries import forms

JUMINHYO = "juminhyo-utsushi"
TYPED = {
    "family": "迷宮小路",
    "given": "Zyxomma",
    "kana": "メイキュウコウジ",
    "phone": "090-7391-5526",
    "email": "quokka.canary@example.jp",
    "street": "字鉱夫雀203",
}
"""What only the last person typed."""
SIGNED_IN = "さんとして"
PLACES = count(1)
STORES = """async () => JSON.stringify([{...sessionStorage}, {...localStorage}, await caches.keys(),
  await indexedDB.databases(), document.cookie, history.state])"""
CACHED = """async url => { try {
  const found = await fetch(url, {cache: 'only-if-cached', mode: 'same-origin'});
  return found.ok ? await found.text() : '';
} catch { return '' } }"""


@dataclass
class Computer:
    """A computer in the town hall's lobby: one profile, whoever sits there."""

    browser: Browser
    server: Server
    profile: Path
    seen: list[str] = field(default_factory=list)
    """The pages with something personal, in the order in which they were looked at."""
    words: list[str] = field(default_factory=lambda: list(TYPED.values()))
    ending: str = ""
    _context: BrowserContext | None = None

    @property
    def tab(self) -> tuple[Page, int]:
        """The tab they sat at, and how many pages of ours lie behind it."""
        page = self.context.pages[0]
        return page, int(page.evaluate("history.length")) - 2  # before the first of ours is the empty page

    def start(self, *more: str, without: tuple[str, ...] = ()) -> None:
        """The browser as it is opened."""
        place = next(PLACES)
        self._context = self.browser.browser_type.launch_persistent_context(
            self.profile,
            executable_path=shutil.which("chromium"),
            args=[*CHROMIUM, *more],
            ignore_default_args=["--disable-back-forward-cache", *without],
            extra_http_headers={"X-Forwarded-For": f"10.77.{place >> 8}.{place & 255}"},
            timeout=45_000,
        )
        self._context.set_default_timeout(10_000)

    def start_again(self) -> None:
        """As it is opened with the tabs it had, and none besides.

        Now and then Playwright waits for ever for the first page of a restored session: then once more, from the
        profile as it was left.
        """
        left = self.profile.with_name(self.profile.name + "-left")
        shutil.copytree(self.profile, left, symlinks=True, ignore=shutil.ignore_patterns("Singleton*"))
        for _ in range(3):
            with suppress(PlaywrightTimeout):
                self.start("--restore-last-session", without=("about:blank",))
                return
            shutil.rmtree(self.profile)
            shutil.copytree(left, self.profile, symlinks=True)
        raise AssertionError("the browser does not open with its tabs of before")

    @property
    def context(self) -> BrowserContext:
        assert self._context is not None
        return self._context

    def close(self) -> None:
        if self._context is not None:
            self._context.close()
            self._context = None

    def visit(self) -> Visit:
        return Visit(self.context.pages[0], self.server.url)

    def found(self, text: str) -> list[str]:
        """What of the last person is in a text."""
        return [word for word in [*self.words, SIGNED_IN] if word in text]


def last_person(computer: Computer) -> Visit:
    """Signs in, files, begins another, and looks at every kind of page that holds something personal."""
    computer.start()
    visit = computer.visit()
    with httpx2.Client(base_url=visit.base, follow_redirects=True) as client:
        resident = Resident(client)
        sign_in(resident, "taro-jpki")
        receipt = filed(resident, declared(JUMINHYO), {"answers": canaries()})
        visit.goes_on_for(resident)
    computer.words.append(receipt.path.split("/")[2])
    for page in (receipt.path, receipt.path.removesuffix("/receipt"), receipt.link("/payments/").removesuffix("/go")):
        look(computer, visit, page)
    visit.open(f"/procedures/{JUMINHYO}/apply")
    while not visit.path.endswith("/check"):
        visit.step(canaries())
    draft = visit.path.split("/")[2]
    for page in (f"/drafts/{draft}/check", "/my", f"/drafts/{draft}/2"):
        look(computer, visit, page)
    visit.type("applicant.phone", TYPED["phone"])
    return visit


def canaries() -> dict[str, Any]:
    """The answers, with what only this person types."""
    answers: dict[str, Any] = case_of(JUMINHYO)["answers"]
    name = {"family": TYPED["family"], "given": TYPED["given"]}
    name |= {"family_kana": TYPED["kana"], "given_kana": TYPED["kana"]}
    address = {**answers["applicant"]["address"], "street": TYPED["street"]}
    given = {"name": name, "address": address, "phone": TYPED["phone"], "email": TYPED["email"]}
    return {**answers, "applicant": {**answers["applicant"], **given}}


def look(computer: Computer, visit: Visit, path: str) -> None:
    assert visit.open(path) == 200
    assert computer.found(visit.page.content()), path
    if path not in computer.seen:
        computer.seen.append(path)


def signs_out(_computer: Computer, visit: Visit) -> None:
    visit.led_by(visit.page.get_by_role("button", name="サインアウト").click)


def walks_away(computer: Computer, visit: Visit) -> None:
    """The session ends by itself, and the page is left open; the next person opens the town's home page."""
    file = computer.server.data_dir / "kakanai.db"
    with sqlite3.connect(file, timeout=20) as db:
        db.execute("UPDATE session SET expires_at = '2020-01-01 00:00:00.000000'")
    db.close()
    visit.open("/")


ENDINGS: dict[str, Callable[[Computer, Visit], None]] = {"signed out": signs_out, "session ended": walks_away}


@pytest.fixture(scope="module", params=list(ENDINGS))
def left(
    request: pytest.FixtureRequest, chromium: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Computer]:
    """The computer after somebody has left it, at the page they left it at."""
    computer = Computer(chromium, server, tmp_path_factory.mktemp("profile"), ending=request.param)
    ENDINGS[request.param](computer, last_person(computer))
    yield computer
    computer.close()


# --- ways back --------------------------------------------------------------------------------------------------------


def back(computer: Computer) -> Iterator[str]:
    """Back, page by page."""
    page, steps = computer.tab
    for _ in range(steps):
        yield moved(page, -1)
    moved(page, steps)


def forward(computer: Computer) -> Iterator[str]:
    page, steps = computer.tab
    moved(page, -steps)
    for _ in range(steps):
        yield moved(page, 1)


def jump(computer: Computer) -> Iterator[str]:
    """The list that a long press on Back opens."""
    page, steps = computer.tab
    for far in range(1, steps + 1):
        yield moved(page, -far)
        moved(page, far)


def reload(computer: Computer) -> Iterator[str]:
    page, steps = computer.tab
    for _ in range(steps):
        moved(page, -1)
        page.reload()
        yield shown(page)
    moved(page, steps)


def address(computer: Computer) -> Iterator[str]:
    """An address taken from the history, in a new tab, as a closed tab is opened again."""
    for path in computer.seen:
        other = computer.context.new_page()
        other.goto(computer.server.url + path)
        yield shown(other)
        other.reload()
        yield shown(other)
        other.close()


def source(computer: Computer) -> Iterator[str]:
    """The source of a page, for which browsers like to ask their cache."""
    other = computer.context.new_page()
    for path in computer.seen:
        other.goto(f"view-source:{computer.server.url}{path}")
        yield other.locator("body").inner_text()
    other.close()


def cache(computer: Computer) -> Iterator[str]:
    """What the browser's cache has of each address, without asking us."""
    other = computer.context.new_page()
    other.goto(computer.server.url + "/procedures")
    for path in computer.seen:
        yield str(other.evaluate(CACHED, path))
    other.close()


def stores(computer: Computer) -> Iterator[str]:
    """What our scripts and htmx may have put away."""
    page, _ = computer.tab
    yield str(page.evaluate(STORES))
    yield repr([cookie for cookie in computer.context.cookies() if computer.ending == "signed out"])


def same_form(computer: Computer) -> Iterator[str]:
    """The next person begins the same procedure: no field knows what was typed in it before."""
    other = Visit(computer.context.new_page(), computer.server.url)
    other.open(f"/procedures/{JUMINHYO}/apply")
    for _ in range(2):
        yield shown(other.page)
        for control in other.page.locator("#questions input[type=text], #questions input[type=email]").all():
            control.click()
            other.page.keyboard.press("ArrowDown")
            other.page.keyboard.press("Enter")  # takes what the browser offers, or else sends the page
            other.page.wait_for_load_state()
            yield control.input_value()
        if other.asks("acting"):
            other.type("acting", "self")
            other.go("次へ進む")
    other.page.close()


def opened_again(computer: Computer) -> Iterator[str]:
    """The browser is closed, and opened with the tabs it had."""
    computer.close()
    computer.start_again()
    for page in computer.context.pages:
        page.wait_for_load_state()
        yield shown(page)
    yield from address(computer)


WAYS = (back, forward, jump, reload, address, source, cache, stores, same_form, opened_again)


@pytest.mark.xdist_group("shared computer")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.replace("_", " "))
def test_the_next_person_finds_nothing_of_the_last(left: Computer, way: Callable[[Computer], Iterator[str]]) -> None:
    looked = list(way(left))
    assert looked
    assert [left.found(text) for text in looked if left.found(text)] == []


def on_the_disk(left: Computer) -> list[tuple[str, str]]:
    """In which files of the profile something is that was typed, once the browser is closed."""
    left.close()
    typed = {name: word for name, word in TYPED.items() if name != "given"}
    return [
        (str(path.relative_to(left.profile)), name)
        for path in left.profile.rglob("*")
        if path.is_file()
        for name, word in typed.items()
        if any(form in path.read_bytes() for form in forms(word))
    ]


@pytest.mark.xdist_group("shared computer")
def test_nothing_the_last_person_typed_is_on_the_disk(left: Computer) -> None:
    """In no file of the profile: cache, session, history, autofill, crash reports. Addresses of pages are (History)."""
    assert on_the_disk(left) == []


def moved(page: Page, steps: int) -> str:
    """Go so many pages back or forward, by the browser's own history; what is shown then."""
    before = page.evaluate("performance.timeOrigin")
    page.evaluate(f"void setTimeout(() => history.go({steps}))")
    there = (
        f"performance.timeOrigin !== {before} && document.readyState === 'complete' && !document.documentElement.hidden"
    )
    for _ in range(1000):
        with suppress(PlaywrightError):  # the page it asked is gone
            if page.evaluate(there):
                return shown(page)
        page.wait_for_timeout(10)
    raise AssertionError(f"history.go({steps}) at {page.url} leads nowhere")


def shown(page: Page) -> str:
    """What a page shows: its text, and what stands in its fields."""
    fields = page.evaluate("[...document.querySelectorAll('input, textarea, select')].map(e => e.value).join('\\n')")
    return str(fields) + page.content()
