"""A hall with three screens: a clerk's page, the board on the wall, and a phone; nobody reloads anything."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from server.counter import queue, windows
from server.counter.queue import Issued
from server.people import devices
from server.store.database import Database, open_database
from server.store.keys import Keys, open_keys
from tests.browser import looks
from tests.browser.conftest import OpenBrowser
from tests.browser.looks import LAYOUT
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.conftest import Clock, sandbox
from tests.people.officers import PASSWORD, hire

WALL = {"width": 1920, "height": 1080}
PHONE = {"width": 360, "height": 740}
SPOKEN = """
window.spoken = []; window.tones = 0;
speechSynthesis.speak = (speech) => window.spoken.push([speech.lang, speech.text]);
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { window.tones += 1; return start.call(this, at); };
"""
"""Chromium without a voice says nothing: what it is told to say is noted."""


class Now(Clock):
    """The real time: the server goes by it too."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Hall:
    """What is prepared in the store of the running server."""

    database: Database
    keys: Keys
    run: Callable[[Callable[[], Awaitable[Any]]], Any]

    def do(self, work: Callable[[Any], Any]) -> Any:
        return self.run(lambda: self.database.transact(work))

    def issued(self, **more: Any) -> Issued:
        given: dict[str, Any] = {"origin": "kiosk", "language": "ja", "now": datetime.now(UTC), "random": os.urandom}
        made: Issued = self.do(lambda db: queue.issue(db, self.keys, "juki", **given | more))
        return made

    def empty(self) -> None:
        """Nobody waits: what other tests of this server have left goes."""
        now = datetime.now(UTC)
        self.do(lambda db: [queue.leave(db, each.id, now=now) for each in queue.tickets(db, now=now)])

    def board(self, visit: Visit) -> None:
        given: dict[str, Any] = {"now": datetime.now(UTC), "random": os.urandom}
        code = self.do(lambda db: devices.register(db, self.keys, "board", "1階", None, "operator", **given))
        visit.open("/device")
        visit.page.get_by_label("コード").fill(code)
        visit.led_by(lambda: visit.page.keyboard.press("Enter"))
        assert visit.path == "/board"

    def clerk(self, visit: Visit, login: str) -> None:
        officer = hire(self.run, self.database, self.keys, Now(), os.urandom, login, "clerk:市民課")  # type: ignore[arg-type]
        visit.open("/staff/signin")
        for name, text in {"login": login, "password": PASSWORD, "code": officer.codes[0]}.items():
            visit.page.locator(f"[name={name}]").fill(text)
        visit.led_by(lambda: visit.page.keyboard.press("Enter"))
        visit.open("/counter/queue")


@pytest.fixture
def hall(server: Server) -> Iterator[Hall]:
    settings = sandbox(server.data_dir, f"sqlite:///{server.data_dir / 'kakanai.db'}")
    database = open_database(settings)
    with ThreadPoolExecutor(1) as thread:  # beside Playwright's loop there is room for no other in this thread

        def run(work: Callable[[], Awaitable[Any]]) -> Any:
            async def waited() -> Any:
                return await work()

            return thread.submit(lambda: asyncio.run(waited())).result()

        yield Hall(database, open_keys(settings), run)
        database.close()


def spoke(board: Visit, times: int) -> None:
    """Wait until so many sentences were said. (Playwright's own waiting would need eval, which the page forbids.)"""
    board.page.evaluate(
        """times => new Promise(done => { const look = () =>
        window.spoken.length >= times ? done() : setTimeout(look, 50); look(); })""",
        times,
    )


def looked_at(visit: Visit, *, size: dict[str, int] | None = None) -> None:
    with looks.at(visit.page, size or {"width": 1280, "height": 900}):
        assert looks.axe(visit.page) == [], visit.path
        assert looks.measured(visit.page, *LAYOUT) == [], visit.path


def test_a_clerk_calls_and_board_and_phone_know_at_once(browse: OpenBrowser, hall: Hall, server: Server) -> None:
    given: dict[str, Any] = {"now": datetime.now(UTC), "random": os.urandom}
    label = "31番窓口"
    hall.do(lambda db: windows.open_window(db, label, "市民課", ["juki", "card"], "operator", **given))
    clerk, board, phone = browse(), browse(viewport=WALL), browse(viewport=PHONE)
    board.page.add_init_script(SPOKEN)
    hall.board(board)
    board.page.get_by_role("button", name=re.compile("音を出す")).click()
    hall.clerk(clerk, "queue-clerk")
    looked_at(clerk)
    clerk.led_by(clerk.page.get_by_role("button", name=re.compile(rf"ここにすわる\s*: {label}")).click)
    hall.empty()
    ahead, mine = hall.issued(), hall.issued(language="en")
    number = f"A-{mine.ticket.number:03}"
    phone.open(f"/tickets/{mine.code}?lang=ja")
    expect(phone.page.get_by_text("1人")).to_be_visible()
    looked_at(phone, size=PHONE)
    expect(clerk.page.get_by_role("heading", name="待っている人 2人")).to_be_visible()
    looked_at(clerk)

    clerk.page.locator(f"#more-{ahead.ticket.id} summary").click()
    clerk.page.locator(f"#care-{ahead.ticket.id}").select_option("2")
    clerk.page.locator(f"#more-{ahead.ticket.id} summary").focus()
    hall.issued()
    expect(clerk.page.get_by_role("heading", name="待っている人 3人")).to_be_visible()
    expect(clerk.page.locator(f"#care-{ahead.ticket.id}")).to_have_value("2")
    assert clerk.page.evaluate("document.activeElement.tagName") == "SUMMARY", "what one does goes on"

    clerk.page.locator(f"#call-{mine.ticket.id}").focus()
    clerk.led_by(lambda: clerk.page.keyboard.press("Enter"))
    expect(board.page.locator(".call__number")).to_have_text(number)
    expect(board.page.locator(".call__window")).to_have_text(label)
    expect(phone.page.locator(".turn__now").first).to_have_text("あなたの番です。")
    expect(phone.page.locator("#said")).to_contain_text(f"{label}へお越しください")
    spoke(board, 2)
    assert [language for language, _ in board.page.evaluate("window.spoken")] == ["ja", "en"]
    assert board.page.evaluate("window.spoken[0][1]") == f"番号A {mine.ticket.number}の方、{label}へお越しください。"
    assert board.page.evaluate("window.tones") == 3
    expect(board.page.locator("#said")).to_contain_text(f"番号A {mine.ticket.number}の方")
    looked_at(board, size=WALL)
    looked_at(phone, size=PHONE)
    looked_at(clerk)

    clerk.led_by(clerk.page.get_by_role("button", name="もう一度呼ぶ").click)
    spoke(board, 4)
    server.kill()
    expect(board.page.locator("#trouble")).to_be_visible()
    server.start()
    expect(board.page.locator("#trouble")).to_be_hidden()
    expect(board.page.locator(".call__number")).to_have_text(number)
    clerk.led_by(clerk.page.get_by_role("button", name="対応を始める").click)
    expect(phone.page.locator("[data-say]")).to_have_text(re.compile(f"いま、{label}で手続きをしています。"))
    expect(board.page.locator(".recent")).to_contain_text(number)
    looked_at(board, size=WALL)
    looked_at(clerk)
    clerk.open("/counter/tickets/new")
    looked_at(clerk)
    clerk.page.get_by_label("住民票・戸籍").check()
    clerk.led_by(clerk.page.get_by_role("button", name="番号札を出す").click)
    looked_at(clerk)


def test_without_script_a_number_is_called_and_given_up(browse: OpenBrowser, hall: Hall) -> None:
    given: dict[str, Any] = {"now": datetime.now(UTC), "random": os.urandom}
    hall.do(lambda db: windows.open_window(db, "41番窓口", "市民課", ["juki"], "operator", **given))
    clerk, phone, board = (browse(script=False) for _ in range(3))
    hall.clerk(clerk, "queue-plain")
    clerk.led_by(clerk.page.get_by_role("button", name=re.compile(r"ここにすわる\s*: 41番窓口")).click)
    hall.empty()
    first, second = hall.issued(), hall.issued()
    clerk.open("/counter/queue")
    clerk.led_by(clerk.page.get_by_role("button", name="次の方を呼ぶ").click)
    hall.board(board)
    number = f"A-{first.ticket.number:03}"
    assert number in board.text()
    phone.open(f"/tickets/{second.code}")
    phone.page.locator("summary", has_text="待つのをやめる").click()
    phone.led_by(phone.page.get_by_role("button", name="番号を取り消す").click)
    assert "もう使えません" in phone.text()
    clerk.open("/counter/tickets/new")
    clerk.page.get_by_label("住民票・戸籍").check()
    clerk.led_by(clerk.page.get_by_role("button", name="番号札を出す").click)
    assert "/counter/tickets/slip/" in clerk.path
