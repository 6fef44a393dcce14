"""Pictures of a town hall's screens for docs/screens.md: `python -m tests.browser.pictures docs/images/hall hall`.

A family moves in on a real server: the clerk, their tablet, a kiosk, the board, two telephones and the printed sheet,
each photographed where something can be seen. No test: what is beautiful is judged by eye.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from procedures.joint import FAMILY, State, Turn, apply, guided, told
from server.counter import leading, queue, tickets, windows
from server.counter.visits import Visit as Stored
from server.japan import today
from server.people import devices
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.counter.hall import DEPARTMENT, DEVICE_COOKIE, STAFF_COOKIE, Hall, Place, now
from tests.counter.window import the_family
from tests.procedures import moving_family
from tests.procedures.joint_clerk import Clerk

DESK: Final = {"width": 1280, "height": 900}
TABLET: Final = {"width": 768, "height": 1024}
KIOSK: Final = {"width": 1080, "height": 1920}
WALL: Final = {"width": 1920, "height": 1080}
PHONE: Final = {"width": 390, "height": 844}
WATER: Final = ("suido-kaishi",)
STROKES: Final = (((60, 30), (70, 100), (90, 110)), ((40, 60), (130, 50)), ((180, 30), (160, 90), (240, 80), (250, 30)))
"""With a finger: x and y from the corner of the field."""
DAY: Final = re.compile(r"\b20\d\d-\d\d-\d\d\b")


class Family(Hall):
    """The hall, and the family of `moving_family` as if it had moved last week."""

    def begin(self, place: Place, answers: int, language: str = "ja") -> Stored:
        """A visit of the family after so many pages of the interview."""
        visit = self.visit(place, language=language, forms=tuple(moving_family.APPLICATIONS))
        guide, turn = self.library.shared.life_events["move-in"].interview, self._turns[visit.id]
        assert guide is not None
        kept = guide.form.settle(_of_today(moving_family.GUIDE), turn.today).kept
        state = told(State(), guided("move-in", guide.form, kept), "guide", f"staff:{place.staff.id}")
        self._turns[visit.id] = turn.joint.turn(state, turn.today)
        return self.go_on(visit, answers)

    def go_on(self, visit: Stored, pages: int = 1000) -> Stored:
        turn = self._turns[visit.id]
        clerk = Clerk(_of_today(moving_family.APPLICATIONS), moving_family.FAMILY, the_family)
        if len(turn.family) < 5:
            turn = self._told(turn, {FAMILY: [{"kin": each["kin"]} for each in moving_family.FAMILY]})
        for _ in range(pages):
            ask = turn.next()
            if ask is None:
                break
            turn, errors = apply(turn, clerk.said(ask, turn), by=f"staff:{visit.staff_id}")
            assert errors == (), errors
        return self._sealed(visit, turn)

    def _sealed(self, visit: Stored, turn: Turn) -> Stored:
        kept = self.write(
            lambda db: leading.keep(db, self.keys, visit, turn.joint, turn.state, now=now(), random=os.urandom)
        )
        assert isinstance(kept, Stored)
        self._turns[visit.id] = turn
        return kept

    def water(self, place: Place, name: str, language: str = "ja") -> Stored:
        """Somebody else's visit, about the water only."""
        visit = self.visit(place, language=language, forms=WATER)
        family, given = name.split()
        return self.say(visit, {"name/family": family, "name/given": given, "phone": "09000000000"})

    def device(self, kind: str, label: str) -> str:
        """The token of a machine that is registered."""
        given: dict[str, Any] = {"now": now(), "random": os.urandom}

        def work(db: Any) -> str:
            code = devices.register(db, self.keys, kind, label, None, "operator", **given)
            made = devices.enrol(db, self.keys, code, **given)
            assert made is not None
            return made[1]

        token: str = self.write(work)
        return token

    def ticket(self, of: str = "juki", language: str = "ja") -> tickets.Issued:
        given: dict[str, Any] = {"now": now(), "random": os.urandom, "origin": "kiosk", "language": language}
        made: tickets.Issued = self.write(lambda db: queue.issue(db, self.keys, of, **given))
        return made

    def sit(self, place: Place, label: str) -> None:
        """The clerk at a window that calls."""
        given: dict[str, Any] = {"now": now(), "random": os.urandom}

        def work(db: Any) -> None:
            made = windows.open_window(db, label, DEPARTMENT, ["juki", "card", "kokuho"], "operator", **given)
            assert made is not None
            windows.sit(db, made.id, place.staff.id, now=given["now"])

        self.write(work)


def _of_today(tree: Any) -> Any:
    """What the family says, with the days about its move as far from today as they are from its own."""
    later = today(datetime.now(UTC)) - moving_family.TODAY

    def moved(match: re.Match[str]) -> str:
        day = date.fromisoformat(match[0])
        return str(day + later if abs(day - moving_family.TODAY) < timedelta(days=200) else day)

    return json.loads(DAY.sub(moved, json.dumps(tree, ensure_ascii=False)))


class Studio:
    """Browsers of every size, and where the pictures go."""

    def __init__(self, browser: Browser, server: Server, out: Path) -> None:
        self._browser, self._server, self._out = browser, server, out
        out.mkdir(parents=True, exist_ok=True)

    def screen(self, size: Mapping[str, int], cookies: Mapping[str, str] | None = None) -> Visit:
        context = self._browser.new_context(viewport=dict(size), reduced_motion="reduce", locale="ja-JP")  # type: ignore[arg-type]
        base = self._server.url
        context.add_cookies(
            [{"name": name.replace("_", "-"), "value": value, "url": base} for name, value in (cookies or {}).items()]
        )
        return Visit(context.new_page(), base)

    def shot(self, page: Page, name: str) -> None:
        """What is seen."""
        page.evaluate("document.activeElement && document.activeElement.blur()")
        path = self._out / f"{name}.png"
        page.screenshot(path=path)
        self.smaller(path)

    @staticmethod
    def smaller(path: Path) -> None:
        """256 colours: a third of the bytes, and nothing is missing to the eye."""
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def take(browser: Browser, server: Server, out: Path) -> None:
    """Every picture of docs/screens.md."""
    studio = Studio(browser, server, out)
    with closing(Family(server.data_dir)) as hall:
        place, neighbour = hall.place(), hall.place()
        clerk = studio.screen(DESK, {STAFF_COOKIE: place.staff_token})
        number = _visit(studio, hall, clerk, place)
        _other_visits(studio, hall, clerk, place, neighbour)
        _case(studio, clerk, number, out)
        _queue(studio, hall, clerk, place)
        _kiosk(studio, hall)
        _brought(studio, clerk)


def _visit(studio: Studio, hall: Family, clerk: Visit, place: Place) -> str:
    """The family from its first question to its receipt: the number of its first application."""
    visit = hall.begin(place, 6)
    base = f"/counter/{visit.id}"
    clerk.open(f"{base}/ask")
    studio.shot(clerk.page, "counter-ask")
    clerk.open(f"{base}/identity")
    studio.shot(clerk.page, "counter-identity")
    tablet = studio.screen(TABLET, {DEVICE_COOKIE: place.device_token})
    tablet.open("/tablet")
    studio.shot(tablet.page, "tablet-code")
    tablet.page.get_by_label("6けたの番号").fill(hall.code(visit))
    tablet.page.get_by_role("button", name="この番号でつなぐ").click()
    expect(tablet.page.locator(".tablet__row").first).to_be_visible()
    studio.shot(tablet.page, "tablet-mirror")
    visit = hall.go_on(visit)
    clerk.open(f"{base}/answers")
    studio.shot(clerk.page, "counter-answers")
    _papers(clerk, base)
    tablet.page.get_by_role("link", name="内容の確認と署名に進む").click()
    _signs(tablet.page)
    studio.shot(tablet.page, "tablet-sign")
    tablet.page.get_by_role("button", name="この署名で確認する").click()
    expect(tablet.page.locator("main")).to_contain_text("確認しました")
    clerk.open(f"{base}/check")
    studio.shot(clerk.page, "counter-check")
    clerk.go("7件をまとめて出す")
    studio.shot(clerk.page, "counter-filed")
    clerk.open(f"{base}/filed")
    own = clerk.page.locator("tr", has_text=DEPARTMENT).get_by_role("link").first
    return str(own.get_attribute("href")).rpartition("/")[2]


def _papers(clerk: Visit, base: str) -> None:
    clerk.open(f"{base}/papers")
    for radio in clerk.page.locator("[type=radio][value=seen]").all():
        radio.check()
    clerk.go("次へ")


def _signs(page: Page) -> None:
    canvas = page.locator("#canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    for strokes in (
        [(60, 30), (70, 100), (90, 110)],
        [(40, 60), (130, 50)],
        [(180, 30), (160, 90), (240, 80), (250, 30)],
    ):
        page.mouse.move(box["x"] + strokes[0][0], box["y"] + strokes[0][1])
        page.mouse.down()
        for x, y in strokes[1:]:
            page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
        page.mouse.up()


def _other_visits(studio: Studio, hall: Family, clerk: Visit, place: Place, neighbour: Place) -> None:
    """A resident who reads Vietnamese, and the clerk's list of visits."""
    visit = hall.water(neighbour, "見本 リン", "vi")
    tablet = studio.screen(TABLET, {DEVICE_COOKIE: neighbour.device_token})
    tablet.open("/tablet")
    hall.pair(neighbour, visit)
    tablet.open("/tablet")
    expect(tablet.page.locator(".tablet__row").first).to_be_visible()
    studio.shot(tablet.page, "tablet-vi")
    hall.water(place, "見本 一郎")
    hall.begin(place, 12)
    clerk.open("/counter")
    studio.shot(clerk.page, "counter")
    clerk.go("新しい来庁をはじめる")
    studio.shot(clerk.page, "counter-event")


def _case(studio: Studio, clerk: Visit, number: str, out: Path) -> None:
    """The department's list, a case, and its sheet of paper."""
    clerk.open("/office")
    studio.shot(clerk.page, "office")
    clerk.open(f"/office/applications/{number}")
    studio.shot(clerk.page, "office-case")
    answer = clerk.page.context.request.get(f"{clerk.base}/office/applications/{number}/sheet.pdf")
    assert answer.ok, (answer.status, answer.url)
    file = out / "sheet.pdf"
    file.write_bytes(answer.body())
    asked = ["pdftoppm", "-png", "-r", "75", "-f", "1", "-l", "1", "-singlefile", str(file), str(out / "sheet")]
    subprocess.run(asked, check=True)  # noqa: S603
    file.unlink()
    Studio.smaller(out / "sheet.png")


def _queue(studio: Studio, hall: Family, clerk: Visit, place: Place) -> None:
    hall.sit(place, "11番窓口")
    issued = [
        hall.ticket(of, language) for of, language in (("juki", "ja"), ("juki", "ja"), ("kokuho", "vi"), ("juki", "en"))
    ]
    board = studio.screen(WALL, {DEVICE_COOKIE: hall.device("board", "1階")})
    board.open("/board")
    clerk.open("/counter/queue")
    clerk.led_by(clerk.page.locator("form[action$='/next'] button").first.click)
    studio.shot(clerk.page, "queue")
    board.open("/board")
    studio.shot(board.page, "board")
    phone = studio.screen(PHONE)
    phone.open(f"/tickets/{issued[1].code}?lang=ja")
    studio.shot(phone.page, "ticket-phone")


def _kiosk(studio: Studio, hall: Family) -> None:
    kiosk = studio.screen(KIOSK, {DEVICE_COOKIE: hall.device("kiosk", "ロビー")})
    page = kiosk.page
    kiosk.open("/kiosk")
    studio.shot(page, "kiosk")

    def go(act: Callable[[], object]) -> None:
        with page.expect_navigation():
            act()

    def begin(language: str) -> None:
        kiosk.open("/kiosk")
        go(kiosk.found(language, within=page.locator("body")).click)

    def form(slug: str) -> None:
        page.evaluate(f"location.replace('/kiosk/procedures/{slug}')")
        page.wait_for_url(f"**/{slug}")
        go(page.locator("main form[action='/kiosk/forms'] button").click)

    begin("日本語")
    studio.shot(page, "kiosk-what")
    form("juminhyo-utsushi")
    studio.shot(page, "kiosk-question")
    begin("Tiếng Việt")
    form("suido-kaishi")
    studio.shot(page, "kiosk-question-vi")
    begin("日本語")
    form("shicho-tegami")
    kiosk.open("/kiosk/end")
    studio.shot(page, "kiosk-end")
    go(page.locator("form[action='/kiosk/end'] button").last.click)
    studio.shot(page, "kiosk-ticket")


def _brought(studio: Studio, clerk: Visit) -> None:
    """Begun on a telephone, opened at the window."""
    phone = studio.screen(PHONE)
    phone.open("/procedures/inu-toroku/apply")
    phone.page.locator("#questions textarea, #questions input[type=text]").first.fill("ポチ")
    phone.go("窓口で出す(QRコード)")
    phone.go("QRコードを作る")
    studio.shot(phone.page, "handoff-phone")
    signs = phone.page.locator(".code__signs").inner_text()
    clerk.open("/counter/handoff")
    clerk.page.locator("#f-code").fill(signs)
    clerk.led_by(lambda: clerk.page.keyboard.press("Enter"))
    studio.shot(clerk.page, "counter-brought")
