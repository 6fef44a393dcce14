"""A passkey in a real Chromium, on an authenticator of its own (CDP): made, shown alone, and beside a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import CDPSession, expect

from server.people.factors import code_at
from tests.browser import looks
from tests.browser.conftest import OpenBrowser
from tests.browser.looks import DESK, LAYOUT, at
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.people.officers import PASSWORD

NARROW = {"width": 320, "height": 640}
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server at a name: browsers keep no passkeys for an IP address."""
    made = Server(tmp_path_factory.mktemp("named"), host="localhost")
    made.start()
    yield made
    made.kill()
    assert made.failures() == []


def looked_at(visit: Visit) -> None:
    for size in (DESK, NARROW):
        with at(visit.page, size):
            assert looks.axe(visit.page) == [], visit.path
            assert looks.measured(visit.page, *LAYOUT) == [], visit.path
            assert looks.small(visit.page, 24) == [], visit.path


def device_of(visit: Visit, **other: Any) -> tuple[CDPSession, str]:
    """An authenticator that this browser has from now on."""
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("WebAuthn.enable")
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE | other})
    return session, added["authenticatorId"]


def press(visit: Visit, name: str) -> None:
    visit.page.get_by_role("button", name=name).click()


def code(secret: str, *, later: int = 0) -> str:
    return code_at(secret, datetime.now(UTC) + timedelta(seconds=later))


def enrolled(visit: Visit, server: Server, login: str) -> tuple[str, list[str]]:
    """Somebody new, signed in at this browser: their secret and recovery codes."""
    roles = ("--role", "clerk:市民課", "--role", "administrator")
    enrolment = server.command("staff", "add", login, "--name", "見本 職員", *roles).strip()
    visit.open("/staff/enrol")
    for box, text in (("login", login), ("code", enrolment), ("password", PASSWORD), ("password-again", PASSWORD)):
        visit.page.locator(f"#f-{box}").fill(text)
    visit.led_by(lambda: visit.page.keyboard.press("Enter"))
    secret = visit.page.locator("dd").first.inner_text().replace(" ", "")
    visit.page.locator("#f-code").fill(code(secret))
    visit.led_by(lambda: visit.page.keyboard.press("Enter"))
    return secret, re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", visit.text())


def sign_out(visit: Visit) -> None:
    visit.led_by(lambda: press(visit, "サインアウト"))
    assert visit.path == "/staff/signin"


def test_a_passkey_is_made_and_signs_in_alone_and_beside_a_password(browse: OpenBrowser, named: Server) -> None:
    visit = browse(at=named)
    session, device = device_of(visit)
    _, recovery = enrolled(visit, named, "passkey-owner")
    visit.open("/staff/passkeys/new")
    looked_at(visit)
    for box, text in (("label", "窓口3番のパソコン"), ("password", PASSWORD), ("code", recovery[0])):
        visit.page.locator(f"#f-{box}").fill(text)
    assert visit.led_by(lambda: visit.page.keyboard.press("Enter")) == 200
    looked_at(visit)
    expect(visit.page.locator("[data-passkey-without]")).to_be_hidden()
    visit.led_by(lambda: press(visit, "パスキーを作る"))
    assert visit.path == "/staff" and "窓口3番のパソコン" in visit.text()
    looked_at(visit)
    (made,) = session.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert (made["rpId"], made["isResidentCredential"]) == ("localhost", True)

    sign_out(visit)
    looked_at(visit)
    visit.led_by(lambda: press(visit, "パスキーでサインインする"))
    assert visit.path == "/office"
    sign_out(visit)
    visit.page.locator("#f-login").fill("passkey-owner")
    visit.page.locator("#f-password").fill(PASSWORD)
    visit.led_by(lambda: press(visit, "認証コードの代わりにパスキーを使う"))
    assert visit.path == "/office"
    visit.open("/staff")
    assert "最後に使ったのは" in visit.text()

    session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    sign_out(visit)
    press(visit, "パスキーでサインインする")
    expect(visit.page.locator("[data-passkey=whole] [role=status]")).to_contain_text("パスキーを使えませんでした")
    assert visit.path == "/staff/signin", "a device that does not ask who holds it is not enough"


def test_without_script_password_and_code_are_all_there_is(browse: OpenBrowser, named: Server) -> None:
    visit = browse(at=named, script=False)
    visit.open("/staff/signin")
    for button in ("パスキーでサインインする", "認証コードの代わりにパスキーを使う"):
        expect(visit.page.get_by_role("button", name=button)).to_be_hidden()
    expect(visit.page.get_by_role("button", name="サインインする", exact=True)).to_be_visible()


def test_before_a_sign_in_ends_that_is_said_and_put_off_with_a_button(browse: OpenBrowser, named: Server) -> None:
    visit = browse(at=named)
    visit.page.clock.install()
    enrolled(visit, named, "slow-reader")
    visit.open("/staff")
    told = visit.page.locator("#ending [role=status]")
    expect(told).to_have_text("")
    visit.page.clock.fast_forward(26 * 60_000)
    expect(told).to_contain_text("あと5分ほどで、自動でサインアウトします")
    press(visit, "サインインを続ける")
    expect(told).to_have_text("サインインを続けました。")
