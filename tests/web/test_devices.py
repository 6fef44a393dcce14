"""Administrators register machines and make windows; clerks see who calls at a kiosk, and go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.counter.windows import windows
from server.people import devices
from server.store import tables as t
from tests.security.declarations import sample
from tests.security.site import Browser, place, sandbox_site
from tests.web.html import Html
from tests.web.test_office import Hall, at_work

ADMIN = "/admin/devices"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    with sandbox_site(tmp_path_factory.mktemp("devices"), migrated_file, sample()) as site:
        yield from at_work(site)


def enter(hall: Hall, *roles: str) -> Browser:
    browser = hall.browser()
    browser.post("/staff/signin", hall.officer(*roles).controls())
    return browser


@pytest.fixture(scope="module")
def administrator(hall: Hall) -> Browser:
    return enter(hall, "administrator")


def registered(hall: Hall, by: Browser, label: str, kind: str = "kiosk", window: str = "") -> Browser:
    """A browser that was made a device with the code that an administrator was shown."""
    shown = by.post(ADMIN, {"kind": kind, "label": label, "window": window})
    assert shown.status_code == 200
    code = re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", shown.text)[0]
    machine = hall.browser()
    assert place(machine.post("/device", {"code": code})) == {"kiosk": "/kiosk"}.get(kind, f"/{kind}")
    return machine


def row(hall: Hall, label: str) -> devices.Listed:
    found: list[devices.Listed] = [each for each in hall.do(devices.every) if each.label == label]
    return found[0]


def test_a_code_that_is_shown_once_makes_a_browser_the_device(hall: Hall, administrator: Browser) -> None:
    machine = registered(hall, administrator, "1階ロビー")
    assert machine.get("/kiosk").status_code == 200
    listed = administrator.get(ADMIN).text
    assert "1階ロビー" in listed
    assert not re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", listed)
    cookie = next(each for each in machine.client.cookies.jar if each.name == "kakanai-device")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.expires


def test_the_code_of_a_board_is_of_no_use_for_another_kind(hall: Hall, administrator: Browser) -> None:
    machine = registered(hall, administrator, "案内", "board")
    refused = machine.get("/kiosk")
    assert refused.status_code == 403
    assert "種類が違います" in refused.text


def test_an_ended_device_is_out_with_its_next_request(hall: Hall, administrator: Browser) -> None:
    machine = registered(hall, administrator, "古いもの")
    machine.post("/kiosk/begin", {"lang": "ja"})
    assert place(administrator.post(f"{ADMIN}/{row(hall, '古いもの').id}/end")) == ADMIN
    assert machine.get("/kiosk/what").status_code == 403
    assert row(hall, "古いもの").state == "ended"
    assert hall.do(lambda db: db.scalar(select(t.device.c.session_id).where(t.device.c.label == "古いもの"))) is None
    assert administrator.post(f"{ADMIN}/{row(hall, '古いもの').id}/code").status_code == 404


def test_a_browser_that_lost_its_cookie_gets_another_code(hall: Hall, administrator: Browser) -> None:
    old = registered(hall, administrator, "なくしたもの")
    shown = administrator.post(f"{ADMIN}/{row(hall, 'なくしたもの').id}/code")
    code = re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", shown.text)[0]
    new = hall.browser()
    new.post("/device", {"code": code})
    assert new.get("/kiosk").status_code == 200
    assert old.get("/kiosk").status_code == 403


@pytest.mark.parametrize("controls", [{"kind": "kiosk", "label": " "}, {"kind": "x", "label": "a"}, {}])
def test_a_device_without_name_or_kind_is_told_so(administrator: Browser, controls: dict[str, str]) -> None:
    answer = administrator.post(ADMIN, controls)
    assert answer.status_code == 422
    assert "入力の誤りがあります" in answer.text


def test_windows_are_made_with_their_queues_and_closed(hall: Hall, administrator: Browser) -> None:
    made = {"label": " 3番  窓口 ", "department": hall.own, "queues": "juki"}
    assert place(administrator.post(f"{ADMIN}/windows", made)) == ADMIN
    (found,) = hall.do(lambda db: windows(db, hall.own))
    assert (found.label, found.queues) == ("3番 窓口", ("juki",))
    assert administrator.post(f"{ADMIN}/windows", made).status_code == 422
    for wrong in ({"label": ""}, {"label": "あ" * 41}, {"department": "宇宙課"}):
        assert administrator.post(f"{ADMIN}/windows", {**made, "label": "x", **wrong}).status_code == 422
    tablet = registered(hall, administrator, "3番のタブレット", "tablet", found.id)
    assert tablet.client.cookies["kakanai-device"]
    assert row(hall, "3番のタブレット").window_id == found.id
    administrator.post(f"{ADMIN}/windows/{found.id}/close")
    assert hall.do(lambda db: windows(db, hall.own)) == []


def test_only_administrators_see_and_change_devices(hall: Hall) -> None:
    for role in ("clerk:own", "auditor", "treasurer:own"):
        browser = enter(hall, role)
        assert browser.get(ADMIN).status_code == 403
        for path in ("", "/windows", f"/windows/{'0' * 32}/close", f"/{'0' * 32}/code", f"/{'0' * 32}/end"):
            assert browser.post(f"{ADMIN}{path}", {"kind": "kiosk", "label": "x"}).status_code == 403


def test_a_clerk_sees_who_calls_on_every_page_and_goes(hall: Hall, administrator: Browser) -> None:
    machine, clerk = registered(hall, administrator, "呼ぶロビー"), enter(hall, "clerk:own")
    machine.post("/kiosk/do", {"_do": "call", "to": "/kiosk"})
    for path in ("/office", "/staff"):
        assert "「呼ぶロビー」で" in clerk.get(path).text
    assert "「呼ぶロビー」で" not in administrator.get("/staff").text
    call = f"/counter/calls/{row(hall, '呼ぶロビー').id}"
    assert administrator.post(call).status_code == 403
    assert place(clerk.post(call, {"to": "/office"})) == "/office"
    assert place(clerk.post(call, {"to": "https://evil.example/"})) == "/counter"
    assert "「呼ぶロビー」へ、あなたが向かっています" in clerk.get("/office").text
    assert place(clerk.post(call, {"to": "/office", "do": "come"})) == "/office"
    assert "「呼ぶロビー」" not in clerk.get("/office").text
    assert "係員を呼んでいます" not in text(machine.get("/kiosk"))


def text(answer: Any) -> str:
    """What is read on a page, without what its script would say."""
    return " ".join(Html(answer.text).text.split())


def test_one_clerk_goes_and_the_others_and_whoever_called_see_that(hall: Hall, administrator: Browser) -> None:
    machine = registered(hall, administrator, "2階")
    first, second = enter(hall, "clerk:own"), enter(hall, "clerk:own")
    machine.post("/kiosk/do", {"_do": "call", "to": "/kiosk"})
    call = f"/counter/calls/{row(hall, '2階').id}"
    first.post(call, {"to": "/office"})
    second.post(call, {"to": "/office"})  # a moment later
    assert "「2階」へ、あなたが向かっています" in first.get("/office").text
    assert "「2階」へ、ほかの職員が向かっています" in second.get("/office").text
    assert "係員が向かっています" in text(machine.get("/kiosk"))
    machine.post("/kiosk/do", {"_do": "uncall", "to": "/kiosk"})
    for clerk in (first, second):
        assert "「2階」" not in clerk.get("/office").text


def test_a_page_fetches_the_calls_anew_only_when_there_is_something_new(hall: Hall, administrator: Browser) -> None:
    machine, clerk = registered(hall, administrator, "3階"), enter(hall, "clerk:own")
    seen = mark(clerk.get("/office").text)
    anew = f"/counter/calls?seen={seen}&at=/office/x"
    assert clerk.get(anew).status_code == 204
    machine.post("/kiosk/do", {"_do": "call", "to": "/kiosk"})
    part = clerk.get(anew)
    assert part.status_code == 200
    assert "「3階」で" in part.text
    assert 'name="to" value="/office/x"' in part.text
    assert mark(part.text) not in ("", seen)
    assert mark(clerk.get("/office").text) == mark(part.text)
    assert 'value="/counter"' in clerk.get("/counter/calls?at=//evil.example/office").text
    assert administrator.get("/counter/calls").status_code == 403
    assert administrator.get("/counter/calls/stream").status_code == 403
    assert 'id="calls"' not in administrator.get("/staff").text
    machine.post("/kiosk/do", {"_do": "uncall", "to": "/kiosk"})


def mark(page: str) -> str:
    return str(re.findall(r'class="calls" data-mark="([0-9a-f]*)"', page)[0])


def test_whoever_waits_at_the_kiosk_reads_that_somebody_comes_and_that_the_call_is_over(
    hall: Hall, administrator: Browser
) -> None:
    machine, clerk = registered(hall, administrator, "4階"), enter(hall, "clerk:own")
    call, now = f"/counter/calls/{row(hall, '4階').id}", "/kiosk/called?seen="
    assert machine.get(f"{now}over").status_code == 204
    machine.post("/kiosk/do", {"_do": "call", "to": "/kiosk"})
    assert "係員を呼んでいます" in machine.get(f"{now}over").text
    assert machine.get(f"{now}called").status_code == 204
    clerk.post(call)
    assert "係員が向かっています" in machine.get(f"{now}called").text
    assert machine.get(f"{now}coming").status_code == 204
    clerk.post(call, {"do": "come"})
    over = machine.get(f"{now}coming")
    assert (over.status_code, text(over)) == (200, "")
