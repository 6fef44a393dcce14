"""Signing in and out, as a browser without script does it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from server.app import create_app
from server.people.sessions import NOBODY, Visitor, visitor
from server.settings import Settings
from server.web.residents import signin, signing
from server.web.routing import Access, policies
from server.web.sandbox import card as sandbox_sign
from server.web.sandbox import mail as sandbox_mail
from tests.conftest import Clock, Random, migrate
from tests.door import Door
from tests.people.browser import Browser, Page, location, site

NEXT = "/procedures/juminhyo-utsushi/apply"


@pytest.fixture
def browser(settings: Settings, clock: Clock, random: Random) -> Iterator[Browser]:
    with site(settings, clock, random) as found:
        yield found


@pytest.fixture
def production(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path / 'live.db'}"
    migrate(url, mode="production")
    key = base64.b64encode(b"k" * 32).decode()
    return Settings.from_env(
        {
            "KAKANAI_DATA_DIR": str(tmp_path),
            "KAKANAI_DATABASE_URL": url,
            "KAKANAI_BASE_URL": "https://shinsei.example.jp",
            "KAKANAI_WORKER": "off",
            "KAKANAI_SECRET_KEY": "s" * 32,
            "KAKANAI_INDEX_KEY": "i" * 32,
            "KAKANAI_ENCRYPTION_KEYS": f"a:{key}",
            "KAKANAI_IDENTITY": "off",
            "KAKANAI_SIGNING": "off",
            "KAKANAI_PAYMENTS": "off",
            "KAKANAI_MAIL": "off",
        }
    )


def who(browser: Browser, token: str | None = None) -> Visitor:
    of, held = browser.services, token or browser.token or ""
    portal = browser.client.portal
    assert portal is not None

    async def look() -> Visitor:
        return await of.database.read(lambda db: visitor(db, held, keys=of.keys, now=of.clock()))

    return portal.call(look)


# --- the sandbox's buttons ---------------------------------------------------------------------------------------


def test_a_button_signs_in_as_a_resident_and_leads_back(browser: Browser) -> None:
    page = browser.get(f"/signin?next={NEXT}")
    form = page.form_with("resident")
    people = {"taro-jpki", "hanako-oidc", "yukiko-78", "nguyen-jpki", "protected-jpki"}
    assert {value for name, value in form.buttons if name == "resident"} == people
    for subject in people:
        assert location(browser.submit(form, resident=subject)) == NEXT
        resident = who(browser).resident
        assert resident is not None
        assert resident.facts.subject == subject


def test_the_page_says_what_the_ways_are_and_that_nothing_is_lost(browser: Browser) -> None:
    page = browser.get("/signin")
    assert page.status == 200
    assert "入力した内容は消えません" in page.text
    assert "マイナンバーカード" in page.text
    assert "メールアドレス" in page.text
    page.check_references()


def test_only_ways_that_suffice_are_offered(browser: Browser) -> None:
    page = browser.get("/signin?level=jpki-signature&next=/drafts/x/check")
    buttons = {value for name, value in page.form_with("resident").buttons if name == "resident"}
    assert "taro-jpki" in buttons
    assert "hanako-oidc" not in buttons
    assert not [link for link in page.links if link.startswith("/signin/email")]
    assert "電子署名" in page.text
    basic = browser.get("/signin?level=oidc-basic")
    assert "hanako-oidc" in {value for _, value in basic.form_with("resident").buttons}
    assert browser.get("/signin?level=junk").status == 200


def test_an_unknown_resident_is_refused_and_the_way_on_is_kept(browser: Browser) -> None:
    response = browser.post("/signin", resident="nobody", next=NEXT)
    page = Page(response)
    assert page.status == 422
    assert page.form_with("resident").controls["next"] == NEXT
    assert browser.token is None


def test_signing_in_changes_the_cookie_and_the_old_one_is_worth_nothing(browser: Browser) -> None:
    """Fixation: the session an attacker planted before the sign-in is not the one signed in."""
    browser.post("/signin/email", address="taro@example.jp")
    planted = browser.token
    assert planted is not None
    began = who(browser).session_id
    browser.post("/signin", resident="taro-jpki")
    assert browser.token != planted
    assert who(browser, planted) == NOBODY
    assert who(browser).session_id == began


def test_the_next_person_at_a_shared_computer_gets_another_session(browser: Browser) -> None:
    browser.post("/signin", resident="taro-jpki")
    taro, began = browser.token, who(browser).session_id
    browser.post("/signin", resident="hanako-oidc")
    assert who(browser).session_id != began
    assert who(browser, taro) == NOBODY


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(browser: Browser) -> None:
    cookie = browser.post("/signin", resident="taro-jpki").headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "max-age" not in cookie
    assert "expires" not in cookie
    assert "domain" not in cookie


def test_pages_of_signing_in_are_never_kept_by_the_browser(browser: Browser) -> None:
    for path in ("/signin", "/signin/email", "/sandbox/mail"):
        assert browser.client.get(path).headers["cache-control"] == "no-store"


def test_signing_out_ends_the_session_and_clears_the_browser(browser: Browser) -> None:
    browser.post("/signin", resident="taro-jpki")
    token = browser.token
    response = browser.post("/signout")
    assert location(response) == "/"
    assert '"storage"' in response.headers["clear-site-data"]
    assert browser.token is None
    assert who(browser, token) == NOBODY
    assert location(browser.post("/signout")) == "/"


def test_no_page_of_signing_in_shows_a_protected_persons_address(browser: Browser) -> None:
    shown = browser.get("/signin").html
    browser.post("/signin", resident="protected-jpki")
    for path in ("/signin", "/signin/email", "/sandbox/card/jpki"):
        shown += browser.get(path).html
    assert "新宮町" not in shown


def test_another_site_cannot_sign_anybody_in_or_out(browser: Browser) -> None:
    browser.post("/signin", resident="taro-jpki")
    token = browser.token
    for path in ("/signin", "/signin/email", "/signout", "/sandbox/card/jpki", "/sandbox/sign/" + "0" * 32):
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
            response = browser.client.post(path, data={"resident": "hanako-oidc"}, headers=headers)
            assert response.status_code == 403
    assert browser.token == token


# --- an e-mail address -------------------------------------------------------------------------------------------


def test_six_digits_sent_to_an_address_sign_in_and_lead_back(browser: Browser) -> None:
    page = browser.get(f"/signin/email?next={NEXT}")
    page.check_references()
    sent = browser.submit(page.form_with("address"), address="Hanako@Example.jp")
    page = browser.get(location(sent))
    page.check_references()
    assert "Hanako@Example.jp に6桁の番号を送りました" in page.text
    code = browser.code()
    assert location(browser.submit(page.form_with("code"), code=code)) == NEXT
    assert (who(browser).level.value, who(browser).name) == ("email", "Hanako@Example.jp")


def test_the_mailbox_shows_the_newest_mail_first(browser: Browser, clock: Clock) -> None:
    assert "まだメールはありません" in browser.get("/sandbox/mail").text
    for name in ("first", "second"):
        browser.post("/signin/email", address=f"{name}@example.jp")
        clock.advance(seconds=1)
    text = browser.get("/sandbox/mail").text
    assert text.index("second@example.jp") < text.index("first@example.jp")


@pytest.mark.parametrize("typed", ["", '"><script>alert(1)</script>', "x@y\r\nBcc: z@example.com"])
def test_a_wrong_address_is_told_beside_its_box_and_stays_as_typed(browser: Browser, typed: str) -> None:
    page = Page(browser.post("/signin/email", address=typed, next=NEXT))
    assert page.status == 422
    assert page.title.startswith("入力の誤り")
    assert "＊メールアドレスを" in page.text
    assert "#f-address" in page.links
    assert page.form_with("address").controls == {"next": NEXT, "address": typed}
    assert "<script>alert" not in page.html
    page.check_references()


def test_a_wrong_code_is_told_beside_its_box_with_the_tries_left(browser: Browser) -> None:
    browser.post("/signin/email", address="hanako@example.jp")
    wrong = f"{(int(browser.code()) + 1) % 10**6:06}"
    page = Page(browser.post("/signin/email", code=wrong, next=NEXT))
    assert page.status == 422
    assert "あと4回" in page.text
    assert "#f-code" in page.links
    assert page.form_with("code").controls["next"] == NEXT
    assert wrong not in page.html
    page.check_references()


def test_the_page_says_until_when_a_code_can_be_entered(browser: Browser, clock: Clock) -> None:
    browser.post("/signin/email", address="hanako@example.jp")
    assert "番号は10時10分まで(あと10分)使えます" in browser.get("/signin/email").text
    clock.advance(minutes=3, seconds=1)
    assert "番号は10時10分まで(あと7分)使えます" in browser.get("/signin/email").text


def test_guessing_a_code_is_locked_after_five_tries(browser: Browser, clock: Clock) -> None:
    browser.post("/signin/email", address="hanako@example.jp")
    code = browser.code()
    for _ in range(5):
        page = Page(browser.post("/signin/email", code="x"))
    assert "使えなくなりました" in page.text
    page.check_references()
    assert browser.post("/signin/email", code=code).status_code == 422
    assert who(browser).resident is None
    clock.advance(seconds=1)
    browser.submit(page.form_with("address"))
    assert browser.post("/signin/email", code=browser.code()).status_code == 303


def test_a_code_that_is_too_old_says_so(browser: Browser, clock: Clock) -> None:
    browser.post("/signin/email", address="hanako@example.jp")
    code = browser.code()
    clock.advance(minutes=10)
    page = Page(browser.post("/signin/email", code=code))
    assert page.status == 422
    assert "期限が過ぎた" in page.text
    page.check_references()


def test_asking_for_too_many_codes_is_429_with_the_time_to_wait(browser: Browser, clock: Clock) -> None:
    clock.now = clock.now.replace(minute=15)
    for _ in range(5):
        assert browser.post("/signin/email", address="hanako@example.jp").status_code == 303
    response = browser.post("/signin/email", address="hanako@example.jp", next=NEXT)
    page = Page(response)
    assert page.status == 429
    assert response.headers["retry-after"] == str(45 * 60)
    assert "45分ほど待って" in page.text
    assert page.form_with("address").controls["next"] == NEXT
    page.check_references()


def test_a_code_can_be_sent_again_and_the_address_corrected(browser: Browser) -> None:
    browser.post("/signin/email", address="hanaco@example.jp")
    page = browser.get("/signin/email")
    assert page.form_with("address").controls["address"] == "hanaco@example.jp"
    browser.submit(page.form_with("address"), address="hanako@example.jp")
    assert "hanako@example.jp に6桁" in browser.get("/signin/email").text


def test_reading_a_page_of_signing_in_opens_no_session(browser: Browser) -> None:
    for path in ("/signin", "/signin/email", "/signin/email?next=/my"):
        assert "set-cookie" not in browser.client.get(path).headers


# --- a card's provider -------------------------------------------------------------------------------------------


def to_card(browser: Browser, provider: str = "jpki", place: str = NEXT) -> Page:
    return browser.get(location(browser.client.get(f"/signin/{provider}/go?next={quote(place)}")))


def test_a_card_signs_in_over_its_provider_and_leads_back(browser: Browser) -> None:
    assert [link for link in browser.get("/signin").links if link.startswith("/signin/jpki/go")]
    page = to_card(browser)
    page.check_references()
    back = location(browser.submit(page.form_with("resident"), resident="yukiko-78"))
    assert back.startswith("/signin/jpki/return?")
    assert location(browser.client.get(back)) == NEXT
    assert who(browser).name == "木村　由紀子"


def test_the_way_back_works_once(browser: Browser) -> None:
    back = location(browser.submit(to_card(browser).form_with("resident"), resident="taro-jpki"))
    browser.client.get(back)
    token = browser.token
    assert browser.client.get(back).status_code == 400
    assert browser.token == token


def test_nobody_is_signed_in_by_an_address_somebody_else_made(browser: Browser) -> None:
    """Login CSRF: the victim's browser is sent to our return address with the attacker's card."""
    to_card(browser)
    for query in ("code=taro-jpki", "code=taro-jpki&state=", "code=taro-jpki&state=guess", "state=%FF&code=taro-jpki"):
        assert browser.client.get(f"/signin/jpki/return?{query}").status_code == 400
    assert who(browser).resident is None


def test_a_state_of_one_provider_is_none_of_another(browser: Browser) -> None:
    state = parse_qs(urlsplit(location(browser.client.get("/signin/jpki/go"))).query)["state"][0]
    assert browser.client.get(f"/signin/oidc/return?state={state}&code=hanako-oidc").status_code == 400


def test_a_person_of_one_provider_is_unknown_to_another(browser: Browser) -> None:
    state = parse_qs(urlsplit(location(browser.client.get("/signin/jpki/go"))).query)["state"][0]
    page = browser.get(f"/signin/jpki/return?state={state}&code=hanako-oidc")
    assert "本人の確認ができませんでした" in page.text
    assert who(browser).resident is None


def test_going_back_without_the_card_is_no_sign_in_and_keeps_the_way_on(browser: Browser) -> None:
    back = location(browser.submit(to_card(browser).form_with("resident")))
    page = browser.get(back)
    assert "途中で終わりました" in page.text
    assert page.form_with("resident").controls["next"] == NEXT
    assert browser.token is None


def test_a_way_that_was_tampered_with_leads_nowhere(browser: Browser) -> None:
    values = [b"", b"x", b"{}", b"[]", b"null", b'{"purpose": "signin:jpki"}', b"\xff"]
    values.append(b'{"purpose": "signin:jpki", "state": ["x"], "next": "/my"}')
    for junk in (*(base64.b64encode(value).decode() for value in values), "!", "===", "x" * 4000):
        browser.client.cookies.set("kakanai-way", junk)
        assert browser.client.get("/signin/jpki/return?state=x&code=taro-jpki").status_code == 400


def test_an_unknown_provider_is_not_found(browser: Browser) -> None:
    for path in ("/signin/other/go", "/signin/other/return", "/sandbox/card/other"):
        assert browser.client.get(path).status_code == 404


# --- where it leads ----------------------------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example",
    "http://evil.example/",
    "HTTPS://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/a//evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http:\\\\evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "\tjavascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://evil.example/x",
    "mailto:x@evil.example",
    "evil.example",
    "evil.example/my",
    "www.evil.example",
    "@evil.example",
    "user@evil.example",
    "https://testserver@evil.example/",
    "https://testserver:x@evil.example/",
    "https://testserver.evil.example/",
    "http://evil.example\\@testserver/",
    "//testserver@evil.example",
    "//evil.example:80",
    "//evil.example/%2f..",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    "\n//evil.example",
    " //evil.example",
    "\u3000//evil.example",
    "\x00//evil.example",
    "/\x00/evil.example",
    "/my\r\nLocation: https://evil.example",
    "/my\r\nSet-Cookie: kakanai=x",
    "/my\nX: y",
    "/%0d%0aLocation:%20https://evil.example",
    "/%09/evil.example",
    "/%5cevil.example",
    "/%2f%2fevil.example",
    "?next=//evil.example",
    "#//evil.example",
    ".",
    "..",
    "../../evil",
    "//[::1]",
    "http://[",
    "//[evil",
    "／／evil.example",
    "/／evil.example",
    "//evil。example",
    "https：//evil.example",
    "/my#@evil.example",
    "/my;@evil.example",
    "/@evil.example",
]


def stays_here(url: str) -> bool:
    """Whether a browser that reads `url` on our site stays on it, by what browsers do before they parse."""
    read = (
        "".join(char for char in url if char not in "\t\r\n").strip("".join(map(chr, range(0x21)))).replace("\\", "/")
    )
    return read.startswith("/") and not read.startswith("//") and url.isascii() and url.isprintable()


def places_after_sign_in(browser: Browser, place: str) -> list[str]:
    """Every address the browser is led to when it asked to come back to `place`."""
    page = browser.get(f"/signin?next={quote(place)}")
    back = location(browser.submit(to_card(browser, place=place).form_with("resident"), resident="taro-jpki"))
    return [
        location(browser.post("/signin", resident="taro-jpki", next=place)),
        page.form_with("resident").controls["next"],
        location(browser.client.get(back)),
        *(set(page.links) - set(browser.get("/signin").links)),
    ]


def test_signing_in_never_leads_to_another_site(browser: Browser) -> None:
    assert len(ELSEWHERE) >= 60
    led = {place: places_after_sign_in(browser, place) for place in ELSEWHERE}
    assert {place: urls for place, urls in led.items() if not all(map(stays_here, urls))} == {}


def test_signing_in_leads_back_to_where_one_was(browser: Browser) -> None:
    for place in (NEXT, "/drafts/0123456789abcdef/2", "/applications?page=2&q=%E5%8F%97", "/"):
        assert location(browser.post("/signin", resident="taro-jpki", next=place)) == place


def test_a_code_never_leads_to_another_site(browser: Browser) -> None:
    browser.post("/signin/email", address="hanako@example.jp", next="//evil.example")
    assert location(browser.post("/signin/email", code=browser.code(), next="//evil.example")) == "/my"


def test_the_sandboxs_card_leads_nowhere_but_here(browser: Browser) -> None:
    for to in ELSEWHERE:
        assert stays_here(location(browser.post("/sandbox/card/jpki", resident="taro-jpki", state="s", to=to)))


# --- production --------------------------------------------------------------------------------------------------


def test_every_address_says_who_may_come(settings: Settings) -> None:
    found = policies([*signin.ROUTES, *signing.ROUTES, *sandbox_mail.ROUTES, *sandbox_sign.ROUTES])
    assert {policy.access for policy in found if policy.path.startswith("/sandbox/")} == {Access.SANDBOX}
    assert len(found) == 14


def test_in_production_there_is_no_stand_in(production: Settings, clock: Clock, random: Random) -> None:
    app = create_app(production, clock=clock, random=random, log_to=lambda _: None)
    with Door(app, base_url=production.base_url, follow_redirects=False) as client:
        transaction = "0" * 32
        for path in (
            "/sandbox/mail",
            "/sandbox/card/jpki",
            f"/sandbox/sign/{transaction}",
            "/signin/jpki/go",
            "/signin/email",
        ):
            assert client.get(path).status_code == 404
        for path in ("/signin", "/signin/email", "/sandbox/card/jpki", f"/sandbox/sign/{transaction}"):
            assert client.post(path, data={"resident": "taro-jpki", "address": "a@example.jp"}).status_code == 404
        page = Page(client.get("/signin"))
        assert page.status == 200
        assert "いまはサインインできません" in page.text
