"""One's own account on the staff: ways in are added, changed and taken away by whoever proves that it is they."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.people import staff
from server.people.factors import RECOVERY_CODES
from tests.conftest import sandbox
from tests.people.authenticator import Device
from tests.people.officers import PASSWORD, Officer
from tests.security.declarations import sample
from tests.security.site import Browser, opened, place
from tests.web.test_office import Hall, at_work

HOST = "city.example"
ORIGIN = f"http://{HOST}"
NEW = "よるの駅前で 9時に解散です"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    folder = tmp_path_factory.mktemp("own")
    (folder / "kakanai.db").write_bytes(migrated_file.read_bytes())
    settings = sandbox(folder, f"sqlite:///{folder / 'kakanai.db'}", KAKANAI_BASE_URL=ORIGIN)
    with opened(settings, sample()) as site:
        yield from at_work(site)


@pytest.fixture
def somebody(hall: Hall) -> tuple[Officer, Browser]:
    officer = hall.officer("clerk:own")
    return officer, hall.enter(officer)


def proof(officer: Officer, **more: str) -> dict[str, str]:
    return {"password": PASSWORD, "code": officer.code()} | more


def options(answer: httpx2.Response) -> str:
    found = re.search(r'data-options="([^"]*)"', answer.text)
    assert found is not None, answer.text
    return unescape(found[1])


def with_passkey(officer: Officer, desk: Browser, label: str = "窓口3番") -> Device:
    device = Device(ORIGIN, HOST, name=officer.login.encode())
    made = device.make(options(desk.post("/staff/passkeys/new", proof(officer, label=label))))
    assert place(desk.post("/staff/passkeys", {"label": label, "passkey": made})) == "/staff"
    return device


def challenge(browser: Browser, use: str) -> str:
    answer = browser.post("/staff/passkeys/challenge", {"for": use})
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    return answer.text


# --- passkeys -------------------------------------------------------------------------------------------------------


def test_a_passkey_signs_in_alone_and_beside_a_password(hall: Hall, somebody: tuple[Officer, Browser]) -> None:
    officer, desk = somebody
    device = with_passkey(officer, desk)
    assert "窓口3番" in desk.get("/staff").text and "まだ使っていません" in desk.get("/staff").text
    alone = hall.browser()
    assert "パスキーでサインインする" in alone.get("/staff/signin").text
    shown = {"passkey": device.show(challenge(alone, "whole")), "next": "/staff"}
    assert place(alone.post("/staff/signin/passkey", shown)) == "/staff"
    assert officer.login in alone.get("/staff").text and "最後に使ったのは" in alone.get("/staff").text
    beside = hall.browser()
    shown = {"passkey": device.show(challenge(beside, "factor")), "login": officer.login}
    assert beside.post("/staff/signin", shown | {"password": "wrong"}).status_code == 422
    shown["passkey"] = device.show(challenge(beside, "factor"))
    assert place(beside.post("/staff/signin", shown | {"password": PASSWORD})) == "/office"


def test_a_passkey_of_one_is_no_second_factor_of_another(hall: Hall, somebody: tuple[Officer, Browser]) -> None:
    officer, desk = somebody
    device, other, thief = with_passkey(officer, desk), hall.officer("clerk:own"), hall.browser()
    shown = {"login": other.login, "password": PASSWORD, "passkey": device.show(challenge(thief, "factor"))}
    assert thief.post("/staff/signin", shown).status_code == 422
    assert place(thief.get("/staff")).startswith("/staff/signin")


def test_what_was_asked_of_one_browser_is_not_answered_by_another(
    hall: Hall, somebody: tuple[Officer, Browser]
) -> None:
    officer, desk = somebody
    device, victim, thief = with_passkey(officer, desk), hall.browser(), hall.browser()
    challenge(thief, "whole")
    answer = device.show(challenge(victim, "whole"))
    refused = thief.post("/staff/signin/passkey", {"passkey": answer})
    assert refused.status_code == 422 and "パスキーでサインインできませんでした" in refused.text
    assert place(victim.post("/staff/signin/passkey", {"passkey": answer})) == "/office"
    assert victim.post("/staff/signin/passkey", {"passkey": answer}).status_code == 422, "replayed"


def test_a_disabled_colleague_is_not_let_in_by_a_passkey(hall: Hall, somebody: tuple[Officer, Browser]) -> None:
    officer, desk = somebody
    device, browser = with_passkey(officer, desk), hall.browser()
    hall.do(lambda db: staff.switch(db, officer.id, on=False, actor="operator", now=hall.clock()))
    answer = device.show(challenge(browser, "whole"))
    assert browser.post("/staff/signin/passkey", {"passkey": answer}).status_code == 422


def test_a_passkey_is_made_only_by_whoever_proves_who_they_are(hall: Hall, somebody: tuple[Officer, Browser]) -> None:
    officer, desk = somebody
    for wrong in ({"password": "wrong"}, {"code": "000000"}, {"password": ""}):
        refused = desk.post("/staff/passkeys/new", proof(officer, label="x") | wrong)
        assert refused.status_code == 422 and "data-options" not in refused.text
    assert "名前を" in desk.post("/staff/passkeys/new", proof(officer, label=" ")).text
    colleague = hall.officer("clerk:own")
    theirs = hall.enter(colleague)
    asked = options(desk.post("/staff/passkeys/new", proof(officer, label="x")))
    made = Device(ORIGIN, HOST, name=b"planted").make(asked)
    refused = theirs.post("/staff/passkeys", {"label": "x", "passkey": made})
    assert refused.status_code == 422 and "登録できませんでした" in refused.text
    assert "まだありません" in theirs.get("/staff").text


def test_a_passkey_that_was_removed_signs_nobody_in(hall: Hall, somebody: tuple[Officer, Browser]) -> None:
    officer, desk = somebody
    device = with_passkey(officer, desk)
    (url,) = set(re.findall(r"/staff/passkeys/[0-9a-f]{32}/remove", desk.get("/staff").text))
    other = hall.enter(hall.officer("clerk:own"))
    assert place(other.post(url)) == "/staff" and "窓口3番" in desk.get("/staff").text
    assert place(desk.post(url)) == "/staff" and "窓口3番" not in desk.get("/staff").text
    browser = hall.browser()
    answer = device.show(challenge(browser, "whole"))
    assert browser.post("/staff/signin/passkey", {"passkey": answer}).status_code == 422


@pytest.mark.parametrize("wanted", ["register", "", "x"])
def test_a_challenge_at_the_door_is_for_signing_in_alone(wanted: str, hall: Hall) -> None:
    assert hall.browser().post("/staff/passkeys/challenge", {"for": wanted}).status_code == 404


# --- password and recovery codes --------------------------------------------------------------------------------------


def test_a_new_password_counts_from_now_on_and_signs_out_everywhere_else(
    hall: Hall, somebody: tuple[Officer, Browser]
) -> None:
    officer, desk = somebody
    elsewhere = hall.enter(officer)
    new = {"new_password": NEW, "new_password_again": NEW}
    assert place(desk.post("/staff/password", proof(officer, **new))) == "/staff"
    assert desk.get("/staff").status_code == 200
    assert place(elsewhere.get("/staff")).startswith("/staff/signin")
    browser = hall.browser()
    assert browser.post("/staff/signin", officer.controls()).status_code == 422
    assert place(browser.post("/staff/signin", officer.controls(password=NEW))) == "/office"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"password": "wrong"}, "いまのパスワードか認証コードが違います"),
        ({"code": "000000"}, "いまのパスワードか認証コードが違います"),
        ({"new_password": "short", "new_password_again": "short"}, "12文字以上"),
        ({"new_password_again": "another one 1234"}, "2回入力したパスワードが違います"),
    ],
)
def test_a_password_is_not_changed_by_whoever_does_not_know_it_or_to_a_weak_one(
    given: dict[str, str], told: str, hall: Hall, somebody: tuple[Officer, Browser]
) -> None:
    officer, desk = somebody
    asked = proof(officer, new_password=NEW, new_password_again=NEW) | given
    refused = desk.post("/staff/password", asked)
    assert refused.status_code == 422 and told in refused.text and NEW not in refused.text
    assert place(hall.browser().post("/staff/signin", officer.controls())) == "/office"


def test_new_recovery_codes_are_shown_once_and_void_the_old(hall: Hall, somebody: tuple[Officer, Browser]) -> None:
    officer, desk = somebody
    assert desk.post("/staff/recovery", proof(officer) | {"password": "wrong"}).status_code == 422
    made = desk.post("/staff/recovery", proof(officer))
    codes = re.findall(r"<li>([0-9A-Z]{5}-[0-9A-Z]{5})</li>", made.text)
    assert len(set(codes)) == RECOVERY_CODES and "作り直しました" in made.text
    assert not set(codes) & set(officer.codes)
    enter: Any = lambda code: hall.browser().post("/staff/signin", officer.controls(code=code))  # noqa: E731
    assert enter(officer.codes[0]).status_code == 422
    assert place(enter(codes[0])) == "/office"
    assert codes[1] not in desk.get("/staff").text


@pytest.mark.parametrize("page", ["/staff/password", "/staff/recovery", "/staff/passkeys/new"])
def test_whoever_guesses_at_an_unattended_desk_is_stopped_as_at_the_door(
    page: str, hall: Hall, somebody: tuple[Officer, Browser]
) -> None:
    officer, desk = somebody
    hall.clock.advance(seconds=900 - hall.clock.now.timestamp() % 900)  # the whole period lies ahead
    wrong = {"label": "x", "password": "wrong", "code": "000000", "new_password": NEW, "new_password_again": NEW}
    assert [desk.post(page, wrong).status_code for _ in range(6)] == [422] * 5 + [429]
    stopped = desk.post(page, wrong | proof(officer))
    assert stopped.status_code == 429 and int(stopped.headers["retry-after"]) > 0
    assert desk.client.post("/staff/signin", data=officer.controls()).status_code == 429, "one count for both"


# --- the end of a sign-in ---------------------------------------------------------------------------------------------


def test_a_page_says_how_long_the_sign_in_lasts_and_whether_it_can_be_put_off(hall: Hall) -> None:
    officer = hall.officer("clerk:own")
    desk = hall.enter(officer)
    shown = desk.get("/staff").text
    assert 'data-left="1800"' in shown and "サインインを続ける" in shown
    for _ in range(23):
        hall.clock.advance(minutes=25)
        assert desk.get("/staff").status_code == 200
    hall.clock.advance(minutes=20)
    last = desk.get("/staff").text
    assert 'data-left="300"' in last and "サインインを続ける</button>" not in last
    assert "続けるときは、もう一度サインインしてください" in last


def test_at_an_ip_address_nothing_is_said_of_passkeys(tmp_path: Path, migrated_file: Path) -> None:
    (tmp_path / "kakanai.db").write_bytes(migrated_file.read_bytes())
    settings = sandbox(tmp_path, f"sqlite:///{tmp_path / 'kakanai.db'}", KAKANAI_BASE_URL="http://127.0.0.1:8000")
    with opened(settings, ()) as site:
        browser = site.browser()
        assert "パスキー" not in browser.get("/staff/signin").text
        assert browser.post("/staff/passkeys/challenge", {"for": "whole"}).status_code == 404
        assert browser.post("/staff/signin/passkey", {"passkey": "x"}).status_code == 422
