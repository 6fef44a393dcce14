"""The site as a city runs it: real keys, https, and every port off that has no real adapter."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from server.settings import Settings
from server.web.routing import Access
from tests.conftest import migrate
from tests.security.addresses import ADDRESSES, served
from tests.security.declarations import sample
from tests.security.site import LETTER, MISSING, Site, opened, place

SANDBOX = [name for name, access in served().items() if access == Access.SANDBOX.value]
NEEDS_A_PORT = {
    "GET /signin/{provider}/go",
    "GET /signin/{provider}/return",
    "GET /signin/email",
    "POST /signin/email",
    "POST /payments/webhook/{provider}",
}
"""Nothing where the port behind it is off."""


def production(directory: Path) -> dict[str, str]:
    """Settings of a production with keys made just now; what each port may be is `off`."""
    secret = base64.b64encode(os.urandom(32)).decode()
    return {
        "KAKANAI_DATA_DIR": str(directory),
        "KAKANAI_BASE_URL": "https://kakanai.example",
        "KAKANAI_WORKER": "off",
        "KAKANAI_SECRET_KEY": secret,
        "KAKANAI_INDEX_KEY": secret[::-1],
        "KAKANAI_ENCRYPTION_KEYS": f"k1:{secret}",
        "KAKANAI_MY_NUMBER_PUBLIC_KEY": base64.b64encode(bytes(PrivateKey.generate().public_key)).decode(),
        **{f"KAKANAI_{name}": "off" for name in ("IDENTITY", "SIGNING", "PAYMENTS", "MAIL")},
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = Settings.from_env(production(tmp_path_factory.mktemp("production")))
    migrate(settings.database_url, "production")
    with opened(settings, sample()) as site:
        yield site
        assert site.failures() == []


def test_every_stand_in_is_known_as_one() -> None:
    assert {name for name in ADDRESSES if "/sandbox/" in name or "/_" in name} <= set(SANDBOX)


@pytest.mark.parametrize("name", SANDBOX)
def test_no_stand_in_is_served(name: str, site: Site) -> None:
    answer = ADDRESSES[name].ask(name.partition(" ")[0], site.browser(), MISSING, site)
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


def test_the_explorer_is_there_only_where_the_operator_allows_it(site: Site) -> None:
    assert site.browser().get("/graphql/explorer").status_code == 404


@pytest.mark.parametrize("name", sorted(NEEDS_A_PORT))
def test_what_has_no_adapter_is_not_there(name: str, site: Site) -> None:
    assert ADDRESSES[name].ask(name.partition(" ")[0], site.browser(), MISSING, site).status_code == 404


@pytest.mark.parametrize("path", ["/", "/procedures", "/procedures/letter", "/procedures/letter/apply"])
def test_everybody_finds_the_public_pages(path: str, site: Site) -> None:
    answer = site.browser().get(path)
    assert answer.status_code == 200
    assert "試験環境" not in answer.text
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


def test_the_sign_in_page_says_that_one_cannot_sign_in_now(site: Site) -> None:
    answer = site.browser().get("/signin?next=/my")
    assert answer.status_code == 200
    assert "いまはサインインできません" in answer.text
    assert "/sandbox" not in answer.text and "<form" not in answer.text.partition("<main")[2]


def test_a_letter_that_needs_nobody_to_be_known_is_filed(site: Site) -> None:
    browser = site.browser()
    first = browser.post("/procedures/letter/apply", LETTER)
    (cookie,) = first.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-kakanai=")
    flags = {flag.lower() for flag in cookie.split("; ")[1:]}
    assert flags == {"httponly", "path=/", "samesite=lax", "secure"}
    number = browser.submit(browser.begin("letter"))
    assert browser.get(f"/applications/{number}/receipt").status_code == 200


def test_a_fee_is_owed_and_the_page_says_that_it_cannot_be_paid_online_now(site: Site) -> None:
    browser = site.browser()
    status = browser.get(f"/applications/{browser.submit(browser.begin('priced'))}").text
    payment = status.partition('href="/payments/')[2].partition('"')[0]
    assert "オンラインでのお支払いを止めています" in browser.get(f"/payments/{payment}").text
    assert browser.get(f"/payments/{payment}/go").status_code == 404


def test_who_must_be_known_is_led_to_the_page_that_says_so_and_loses_nothing(site: Site) -> None:
    browser = site.browser()
    draft = browser.begin("signed")
    assert f'href="/signin?next=%2Fdrafts%2F{draft}%2Fcheck' in browser.get(f"/drafts/{draft}/check").text
    assert place(browser.post(f"/drafts/{draft}/submit", {"_rev": "3-300"})) == "/signin"
    assert "出します" in browser.get(f"/drafts/{draft}/1").text


def test_a_cookie_of_the_sandbox_means_nothing(site: Site) -> None:
    browser = site.browser()
    draft = browser.begin("letter")
    token = browser.client.cookies["__Host-kakanai"]
    other = site.browser()
    assert other.get(f"/drafts/{draft}/1", cookie=f"kakanai={token}").status_code == 404
    assert other.get(f"/drafts/{draft}/1", cookie=f"__Host-kakanai={token}").status_code == 200


def test_nothing_of_a_sandbox_is_left_on_the_disk(site: Site) -> None:
    directory = site.of.settings.data_dir
    assert [path.name for path in directory.iterdir() if "sandbox" in path.name] == []


def test_without_a_key_to_seal_them_to_no_number_is_asked_for(tmp_path: Path) -> None:
    environ = production(tmp_path)
    del environ["KAKANAI_MY_NUMBER_PUBLIC_KEY"]
    settings = Settings.from_env(environ)
    migrate(settings.database_url, "production")
    with opened(settings, sample()) as site:
        assert place(site.browser().get("/procedures/numbered/apply")) == "/procedures/numbered"
        assert "個人番号を安全に受け取る準備ができていません" in site.browser().get("/procedures/numbered").text
        assert site.browser().get("/procedures/letter/apply").status_code == 200
