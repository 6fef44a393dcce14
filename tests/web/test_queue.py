"""The queue over HTTP: clerks who call, the reception, the board, a ticket on a phone, and the times."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.counter import queue, windows
from server.counter.line import Care, State
from server.counter.queue import Issued, Ticket
from server.counter.windows import Window
from server.people import devices
from server.people.roles import Role
from server.store import tables as t
from server.web import badge
from server.web.hall.queue import CARE_WORDS
from tests.people.officers import hire
from tests.security.declarations import sample
from tests.security.site import Browser, Site, place, sandbox_site

NAMES = count()
HERE = "/counter/queue"


@dataclass
class Desk:
    """A clerk at a window."""

    browser: Browser
    window: Window
    staff_id: str

    def press(self, do: str, ticket: Ticket, **more: str) -> httpx2.Response:
        return self.browser.post(f"{HERE}/{ticket.id}", {"do": do} | more)

    def call(self) -> httpx2.Response:
        return self.browser.post(f"{HERE}/next")

    @property
    def page(self) -> str:
        answer = self.browser.get(HERE)
        assert answer.status_code == 200
        return answer.text


class Hall(Site):
    """A site with windows, clerks and tickets."""

    def do(self, work: Any) -> Any:
        return self.run(lambda: self.of.database.transact(work))

    def window(self, label: str, *queues: str, department: str = "市民課") -> Window:
        def work(db: Any) -> Any:
            given: dict[str, Any] = {"now": self.clock(), "random": self.of.random}
            return windows.open_window(db, label, department, queues or ("juki",), "operator", **given)

        found: Window = self.do(work)
        assert found is not None
        return found

    def clerk(self, *roles: str) -> tuple[Browser, str]:
        """Somebody signed in, at no window."""
        of, browser = self.of, self.browser()
        login = f"queue{next(NAMES)}"
        officer = hire(self.run, of.database, of.keys, self.clock, of.random, login, *roles)  # type: ignore[arg-type]
        assert browser.post("/staff/signin", officer.controls()).status_code == 303
        return browser, officer.id

    def desk(self, label: str, *queues: str, window: Window | None = None) -> Desk:
        found = window or self.window(label, *queues)
        browser, staff_id = self.clerk("clerk:市民課")
        assert place(browser.post(f"{HERE}/sit", {"window": found.id})) == HERE
        return Desk(browser, found, staff_id)

    def issued(self, name: str = "juki", **more: Any) -> Issued:
        self.clock.advance(seconds=1)
        given: dict[str, Any] = {"origin": "kiosk", "language": "ja", "now": self.clock(), "random": self.of.random}
        made: Issued = self.do(lambda db: queue.issue(db, self.of.keys, name, **given | more))
        return made

    def now(self, ticket: Ticket) -> Ticket:
        found: Ticket = self.do(lambda db: queue.ticket(db, ticket.id))
        return found

    def device(self, kind: str) -> Browser:
        """A machine of the hall."""
        of, label = self.of, f"{kind} {next(NAMES)}"
        given: dict[str, Any] = {"now": self.clock(), "random": of.random}
        code = self.do(lambda db: devices.register(db, of.keys, kind, label, None, "operator", **given))
        browser = self.browser()
        assert browser.post("/device", {"code": code}).status_code == 303
        return browser


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    with sandbox_site(tmp_path_factory.mktemp("queue"), migrated_file, sample()) as site:
        site.__class__ = Hall
        assert isinstance(site, Hall)
        yield site
        assert site.failures() == []


@pytest.fixture
def hall(whole: Hall) -> Hall:
    """The hall on a new morning: no window, no ticket, nobody there."""

    def emptied(db: Any) -> None:
        for table in (t.ticket_event, t.ticket, t.queue_hour, t.device, t.service_window):
            db.execute(table.delete())

    whole.do(emptied)
    return whole


# --- a clerk --------------------------------------------------------------------------------------------------------


def test_a_clerk_sits_down_calls_serves_and_is_done(hall: Hall) -> None:
    window = hall.window("3番窓口")
    browser, _ = hall.clerk("clerk:市民課")
    assert "3番窓口" in browser.get(HERE).text and "ここにすわる" in browser.get(HERE).text
    assert place(browser.post(f"{HERE}/sit", {"window": window.id})) == HERE
    desk, ticket = Desk(browser, window, ""), hall.issued(slugs=["letter"]).ticket
    assert "待っている人 1人" in desk.page and "見本の届出 letter" in desk.page
    assert place(desk.call()) == HERE
    assert "呼び出し中" in desk.page and "A-001" in desk.page
    assert place(desk.press("recall", ticket)) == HERE
    assert place(desk.press("serve", ticket)) == HERE
    assert "対応中" in desk.page
    assert place(desk.press("finish", ticket)) == HERE
    assert hall.now(ticket).state is State.DONE
    assert "次の方を呼ぶ" in desk.page


def test_whoever_was_slower_is_told_which_window_has_the_number(hall: Hall) -> None:
    one, two, ticket = hall.desk("1番窓口"), hall.desk("2番窓口"), hall.issued().ticket
    assert place(one.press("call", ticket)) == HERE
    lost = two.press("call", ticket)
    assert lost.status_code == 409 and "A-001 は、1番窓口が先に呼びました。" in lost.text
    for do in ("recall", "serve", "absent", "finish", "back", "left", "transfer"):
        answer = two.press(do, ticket, to="q:zei")
        assert answer.status_code == 409 and "1番窓口" in answer.text
    assert hall.now(ticket).window_id == one.window.id


def test_a_button_pressed_twice_calls_one_person(hall: Hall) -> None:
    desk = hall.desk("1番窓口")
    first, second = hall.issued().ticket, hall.issued().ticket
    assert place(desk.call()) == place(desk.call()) == HERE
    assert hall.now(first).state is State.CALLED and hall.now(second).state is State.WAITING
    told = desk.press("call", second)
    assert told.status_code == 409 and "A-001 の人がまだいます" in told.text


def test_nobody_to_call_is_said(hall: Hall) -> None:
    told = hall.desk("1番窓口").call()
    assert told.status_code == 409 and "待っている人はいません" in told.text


def test_whoever_does_not_come_is_called_again_before_they_are_absent(hall: Hall) -> None:
    desk, ticket = hall.desk("1番窓口"), hall.issued().ticket
    desk.call()
    assert "あと1回呼ぶと、不在にできます" in desk.page
    refused = desk.press("absent", ticket)
    assert refused.status_code == 409 and "あと1回呼んでから" in refused.text
    desk.press("recall", ticket)
    assert place(desk.press("absent", ticket)) == HERE
    assert "不在 1人" in desk.page
    assert place(desk.press("call", ticket)) == HERE
    assert hall.now(ticket).state is State.CALLED


def test_a_number_is_sent_on_to_a_queue_or_a_window_and_keeps_its_place(hall: Hall) -> None:
    one, two = hall.desk("1番窓口", "juki"), hall.desk("2番窓口", "zei")
    ticket, other = hall.issued().ticket, hall.issued().ticket
    hall.issued("zei")
    one.call()
    one.press("serve", ticket)
    assert place(one.press("transfer", ticket, to="q:zei")) == HERE
    two.call()
    assert hall.now(ticket).window_id == two.window.id, "it came first"
    two.press("back", ticket)
    one.call()
    assert place(one.press("transfer", other, to=f"w:{two.window.id}")) == HERE
    assert "この窓口だけ" in two.page
    for nonsense in ("", "q:nothing", "x:zei", "w:nothing"):
        answer = two.press("transfer", other, to=nonsense)
        assert answer.status_code == 409 and hall.now(other).state is State.WAITING


def test_a_clerk_lets_somebody_stand_further_in_front_and_the_board_does_not_say_why(hall: Hall) -> None:
    desk, ticket = hall.desk("1番窓口"), hall.issued().ticket
    assert "selected" not in desk.page
    assert place(desk.press("care", ticket, care=str(int(Care.PREGNANT)))) == HERE
    assert re.findall(r"<option [^>]*selected[^>]*>([^<]+)", desk.page) == [CARE_WORDS[Care.PREGNANT]]
    assert "妊娠中" not in hall.device("board").get("/board").text
    assert desk.press("care", ticket, care="99").status_code == 409
    assert place(desk.press("left", ticket)) == HERE
    assert hall.now(ticket).state is State.LEFT


def test_one_who_sits_somewhere_is_asked_before_another_takes_the_chair(hall: Hall) -> None:
    desk = hall.desk("1番窓口")
    other, _ = hall.clerk("clerk:市民課")
    refused = other.post(f"{HERE}/sit", {"window": desk.window.id})
    assert refused.status_code == 409 and "ほかの職員がいます" in refused.text and "交代してすわる" in refused.text
    assert place(other.post(f"{HERE}/sit", {"window": desk.window.id, "instead_of": desk.staff_id})) == HERE
    assert "きょうの窓口を選んでください" in desk.browser.get(HERE).text
    assert place(other.post(f"{HERE}/leave")) == HERE
    assert "きょうの窓口を選んでください" in other.get(HERE).text


def test_what_is_not_ones_own_department_is_not_sat_at(hall: Hall) -> None:
    window = hall.window("5番窓口", department="税務課")
    browser, _ = hall.clerk("clerk:市民課")
    assert "まだ登録されていません" in browser.get(HERE).text
    assert browser.post(f"{HERE}/sit", {"window": window.id}).status_code == 409
    assert place(browser.post(f"{HERE}/next")) == HERE
    assert place(browser.post(f"{HERE}/{'0' * 32}", {"do": "call"})) == HERE
    assert place(browser.get(f"{HERE}/live")) == HERE


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CLERK])
def test_other_roles_do_not_call(role: Role, hall: Hall) -> None:
    wide = role in (Role.ADMINISTRATOR, Role.AUDITOR)
    browser, _ = hall.clerk(role.value if wide else f"{role.value}:市民課")
    for path in (HERE, "/counter/tickets/new", f"/counter/tickets/slip/{'0' * 15}"):
        assert browser.get(path).status_code == 403
    assert browser.post("/counter/tickets/new", {"queue": "juki"}).status_code == 403
    window = hall.window("9番窓口")
    assert browser.post(f"{HERE}/sit", {"window": window.id}).status_code == 409


def test_a_page_is_told_when_there_is_something_new_and_nothing_otherwise(hall: Hall) -> None:
    desk = hall.desk("1番窓口")
    seen = re.findall(r'data-seen="([^"]+)"', desk.page)[0]
    assert desk.browser.get(f"{HERE}/live?seen={seen}").status_code == 204
    hall.issued()
    part = desk.browser.get(f"{HERE}/live?seen={seen}")
    assert part.status_code == 200 and "A-001" in part.text and "<html" not in part.text
    assert part.headers["cache-control"] == "no-store"
    assert part.headers["content-encoding"] == "gzip", "of a long line 190 KB would go to each window"
    hall.clock.advance(seconds=10)
    newer = re.findall(r'data-mark="([^"]+)"', part.text)[0]
    assert desk.browser.get(f"{HERE}/live?seen={newer}").status_code == 200, "minutes go by too"


def test_a_page_that_asks_by_itself_does_not_put_the_end_of_a_sign_in_off(hall: Hall) -> None:
    desk = hall.desk("1番窓口")
    for _ in range(4):
        hall.clock.advance(minutes=7)
        assert desk.browser.get(f"{HERE}/live", **{"x-live": "1"}).status_code == 200
    hall.clock.advance(minutes=7)
    assert place(desk.browser.get(f"{HERE}/live", **{"x-live": "1"})).startswith(badge.SIGN_IN)


# --- the reception --------------------------------------------------------------------------------------------------


def test_the_reception_gives_out_a_number_on_a_slip_with_its_code(hall: Hall) -> None:
    desk = hall.desk("1番窓口")
    asked = {"queue": "card", "care": str(int(Care.ELDERLY)), "language": "vi", "number": ""}
    answer = desk.browser.post("/counter/tickets/new", asked)
    slip = desk.browser.get(place(answer)).text
    code = place(answer).rsplit("/", 1)[1]
    assert "B-001" in slip and f"/tickets/{code}" in slip and "<svg" in slip
    (made,) = hall.do(lambda db: queue.tickets(db, now=hall.clock()))
    assert (made.queue, made.priority, made.language, made.origin) == ("card", Care.ELDERLY, "vi", "reception")
    assert place(desk.browser.get(f"/counter/tickets/slip/{'0' * 15}")) == "/counter/tickets/new"


def test_what_is_missing_at_the_reception_is_said_beside_it(hall: Hall) -> None:
    browser, _ = hall.clerk("clerk:税務課")
    for asked in ({}, {"queue": "nothing"}):
        answer = browser.post("/counter/tickets/new", asked)
        assert answer.status_code == 422 and "用件を選んでください" in answer.text
    for number in ("12345", "0" * 15, "<b>"):
        answer = browser.post("/counter/tickets/new", {"number": number})
        assert answer.status_code == 422 and "きょうの予約が見つかりません" in answer.text and "<b>" not in answer.text
    assert hall.do(lambda db: queue.tickets(db, now=hall.clock())) == []


def test_a_booking_is_checked_in_once_by_its_receipt_number(hall: Hall) -> None:
    resident = hall.browser()
    number = resident.submit(resident.begin("letter"))

    def seat(db: Any) -> None:
        row = db.one(t.application.select().where(t.application.c.receipt_number == number))
        slot = f"{hall.clock():%Y-%m-%d}T11:00"
        db.insert(t.seat, {"calendar": "x", "slot": slot, "place": 1, "until": "", "application_id": row.id})

    hall.do(seat)
    browser, _ = hall.clerk("clerk:市民課")
    spaced = f" {number[:5]} {number[5:]} "
    answer = browser.post("/counter/tickets/new", {"number": spaced})
    assert "11時00分" in browser.get(place(answer)).text
    again = browser.post("/counter/tickets/new", {"number": number})
    assert again.status_code == 422 and "番号は A-001 です" in again.text


# --- the board ------------------------------------------------------------------------------------------------------


def test_the_board_shows_and_says_what_is_called_in_both_languages(hall: Hall) -> None:
    board, desk = hall.device("board"), hall.desk("3番窓口")
    quiet = board.get("/board").text
    assert "お待ちください" in quiet and 'http-equiv="refresh"' in quiet
    hall.issued(language="en")
    desk.call()
    seen = re.findall(r'data-seen="([^"]+)"', quiet)[0]
    part = board.get(f"/board/now?seen={seen}")
    assert "A-001" in part.text and "3番窓口" in part.text
    assert '<span hidden lang="ja" data-words>番号A 1の方、3番窓口へお越しください。</span>' in part.text
    assert '<span hidden lang="en" data-words>' in part.text
    newer = re.findall(r'data-mark="([^"]+)"', part.text)[0]
    assert board.get(f"/board/now?seen={newer}").status_code == 204


def test_a_window_with_a_name_of_its_own_keeps_it(hall: Hall) -> None:
    board, desk = hall.device("board"), hall.desk("総合案内")
    hall.issued()
    desk.call()
    assert "番号A 1の方、総合案内へお越しください。" in board.get("/board").text


def test_what_was_called_moves_down_and_who_was_absent_is_asked_to_speak_up(hall: Hall) -> None:
    board, desk = hall.device("board"), hall.desk("1番窓口")
    first, second = hall.issued().ticket, hall.issued().ticket
    desk.call()
    desk.press("serve", first)
    desk.press("finish", first)
    desk.call()
    desk.press("recall", second)
    desk.press("absent", second)
    shown = board.get("/board").text
    assert 'class="recent"' in shown and "いらっしゃらなかった番号" in shown
    hall.clock.advance(minutes=11)
    assert 'class="recent"' not in board.get("/board").text


def test_a_board_is_a_registered_board_and_nothing_else(hall: Hall) -> None:
    for browser in (hall.browser(), hall.device("tablet")):
        for path in ("/board", "/board/now"):
            assert browser.get(path).status_code == 403
    kiosk = hall.device("kiosk")
    assert place(kiosk.get("/board")) == "/kiosk"
    clerk, _ = hall.clerk("clerk:市民課")
    assert clerk.get("/board").status_code == 403


def test_the_board_says_how_long_whoever_comes_now_will_wait(hall: Hall) -> None:
    board = hall.device("board")
    hall.desk("1番窓口", "juki")
    for _ in range(5):
        hall.issued()
    hall.issued("zei")
    shown = re.sub(r"<[^>]+>|\s+", " ", board.get("/board").text)
    assert re.search(r"A .*5人 .*分 .*H .*1人 .*窓口は閉まっています", shown)


# --- a ticket on a phone ----------------------------------------------------------------------------------------------


def test_a_phone_shows_how_many_are_ahead_and_then_where_to_go(hall: Hall) -> None:
    desk, phone = hall.desk("3番窓口"), hall.browser()
    hall.issued()
    made = hall.issued()
    path = f"/tickets/{made.code}"
    waiting = phone.get(path)
    assert waiting.status_code == 200 and "A-002" in waiting.text and "1人" in waiting.text
    assert "めやす" in waiting.text and waiting.headers["cache-control"] == "no-store"
    desk.press("call", made.ticket)
    seen = re.findall(r'data-seen="([^"]+)"', waiting.text)[0]
    called = phone.get(f"{path}/now?seen={seen}").text
    assert "あなたの番です" in called and "3番窓口へお越しください" in called
    desk.press("serve", made.ticket)
    assert "3番窓口で手続きをしています" in phone.get(path).text
    assert phone.post(f"{path}/cancel").status_code == 409
    desk.press("finish", made.ticket)
    assert "手続きは終わりました" in phone.get(path).text


def test_whoever_cancels_is_not_called(hall: Hall) -> None:
    desk, phone, made = hall.desk("1番窓口"), hall.browser(), hall.issued()
    path = f"/tickets/{made.code.lower()}"
    assert place(phone.post(f"{path}/cancel")) == path
    assert "もう使えません" in phone.get(path).text
    assert place(phone.post(f"{path}/cancel")) == path, "and pressed again it says the same"
    assert desk.call().status_code == 409
    told = desk.press("call", made.ticket)
    assert "A-001 は、いま取り消されました" in told.text


def test_a_ticket_of_yesterday_is_over(hall: Hall) -> None:
    phone, made = hall.browser(), hall.issued()
    hall.clock.advance(days=1)
    assert "もう使えません" in phone.get(f"/tickets/{made.code}").text


def test_a_ticket_speaks_its_language_until_another_is_chosen(hall: Hall) -> None:
    made = hall.issued(language="vi")
    path = f"/tickets/{made.code}"
    assert '<html lang="vi"' in hall.browser().get(path).text
    chooser = hall.browser()
    assert '<html lang="ko"' in chooser.get(f"{path}?lang=ko").text
    assert '<html lang="ko"' in chooser.get(path).text


def test_a_code_of_nothing_is_not_there(hall: Hall) -> None:
    hall.issued()
    for path in ("/tickets/x", f"/tickets/{'0' * 15}", f"/tickets/{'0' * 15}/now", "/tickets/%00"):
        assert hall.browser().get(path).status_code == 404
    assert hall.browser().post(f"/tickets/{'0' * 15}/cancel").status_code == 404


def test_what_is_open_where_nobody_sits_is_said_and_no_figure(hall: Hall) -> None:
    made = hall.issued()
    shown = hall.browser().get(f"/tickets/{made.code}").text
    assert "窓口が開くと、ここに出ます" in shown


# --- the times --------------------------------------------------------------------------------------------------------


def test_who_decides_reads_the_times_and_takes_them_along_as_a_table(hall: Hall) -> None:
    desk, ticket = hall.desk("1番窓口"), hall.issued(slugs=["letter"]).ticket
    hall.clock.advance(minutes=4)
    desk.call()
    desk.press("serve", ticket)
    hall.clock.advance(minutes=6)
    desk.press("finish", ticket)
    chief, _ = hall.clerk("approver:市民課")
    shown = chief.get("/counter/times").text
    text = re.sub(r"<[^>]+>|\s+", " ", shown)
    assert "A 住民票・戸籍・印鑑・引っ越し" in text and "見本の届出 letter" in text
    assert "4.0分" in text and "6.0分" in text
    file = chief.get(re.findall(r'href="(/counter/times\.csv[^"]+)"', shown)[0].replace("&amp;", "&"))
    head, row = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))
    assert dict(zip(head, row, strict=True)) | {"日": "", "時": ""} == {
        "日": "",
        "時": "",
        "組": "juki",
        "組の名前": "住民票・戸籍・印鑑・引っ越し",
        "手続": "letter",
        "手続の名前": "見本の届出 letter",
        "呼んだ人数": "1",
        "待った秒数の合計": "240",
        "いちばん長い待ち時間(秒)": "240",
        "対応した人数": "1",
        "対応した秒数の合計": "360",
        "対応した秒数の2乗の合計": "129600",
        "帰った人数": "0",
    }
    assert ticket.id not in file.text and file.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("query", ["from=x", "from=2026-11-20&to=2026-11-19", "from=2020-01-01&to=2026-11-20"])
def test_a_period_that_cannot_be_shown_is_said(query: str, hall: Hall) -> None:
    chief, _ = hall.clerk("approver:市民課")
    answer = chief.get(f"/counter/times?{query}")
    assert answer.status_code == 422 and "92日まで" in answer.text
    assert len(chief.get(f"/counter/times.csv?{query}").text.splitlines()) == 1


def test_times_are_for_who_decides_alone(hall: Hall) -> None:
    for role in ("clerk:市民課", "reviewer:市民課", "treasurer:市民課", "administrator", "auditor"):
        browser, _ = hall.clerk(role)
        assert browser.get("/counter/times").status_code == browser.get("/counter/times.csv").status_code == 403
    chief, _ = hall.clerk("approver:税務課")
    assert "この期間の記録はありません" in chief.get("/counter/times").text
