"""Signing in over a provider of OpenID Connect that somebody else wrote, in a process of its own, by the real clock."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from os import urandom
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from server.people.identity import Refused
from server.people.oidc import OidcIdentity
from server.store.values import utc_now
from tests.conftest import Clock, Random, sandbox
from tests.people import mock_provider
from tests.people.browser import Browser, Page, location, site
from tests.people.test_signin_pages import NEXT, who


@pytest.fixture(scope="module")
def site_over_it(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Browser]:
    folder, clock = tmp_path_factory.mktemp("independent"), Clock()
    clock.now = utc_now()  # the provider has no other
    shutil.copy(migrated_file, folder / "kakanai.db")
    with mock_provider.running(folder) as issuer:
        settings = sandbox(
            folder,
            f"sqlite:///{folder / 'kakanai.db'}",
            KAKANAI_IDENTITY="oidc",
            KAKANAI_OIDC_ISSUER=issuer,
            KAKANAI_OIDC_CLIENT_ID="city",
            KAKANAI_OIDC_KEY_FILE=str(folder / "oidc.pem"),
            KAKANAI_OIDC_SCOPES=mock_provider.SCOPES,
        )
        with site(settings, clock, Random()) as found:
            yield found


@pytest.fixture
def browser(site_over_it: Browser) -> Browser:
    site_over_it.client.cookies.clear()
    clock = site_over_it.services.clock
    assert isinstance(clock, Clock)
    clock.now = utc_now()
    return site_over_it


def there(browser: Browser, sub: str | None) -> str:
    return mock_provider.agreed(location(browser.client.get(f"/signin/oidc/go?next={NEXT}")), sub)


def test_somebody_elses_provider_signs_a_person_in(browser: Browser) -> None:
    assert location(browser.client.get(there(browser, "taro-1"))) == NEXT
    resident = who(browser).resident
    assert resident is not None
    facts = resident.facts
    assert (facts.name, str(facts.birthdate), facts.sex) == ("津軽　太郎", "1989-05-14", "male")
    assert facts.address == "青森県五所川原市栄町10番地3　サンハイツ栄町201号"


def test_the_code_it_gave_works_once(browser: Browser) -> None:
    back = there(browser, "taro-1")
    way = browser.client.cookies["kakanai-way"]
    browser.client.get(back)
    browser.post("/signout")
    browser.client.cookies.set("kakanai-way", way)
    assert browser.client.get(back).status_code == 422
    assert who(browser).resident is None


def test_whoever_it_is_less_sure_of_is_not_signed_in(browser: Browser) -> None:
    page = Page(browser.client.get(there(browser, "unsure-1")))
    assert page.status == 422
    assert "本人の確認ができませんでした" in page.text
    assert who(browser).resident is None


def test_saying_no_there_is_told_here(browser: Browser) -> None:
    """It forgets the state when somebody says no, which the standard forbids: so nothing is known of the way."""
    response = browser.client.get(there(browser, None))
    assert response.status_code == 400
    assert who(browser).resident is None


def test_it_judges_our_word_and_our_verifier(browser: Browser, tmp_path: Path) -> None:
    """That it lets us in above is worth as much as that it turns others away."""
    settings, clock = browser.services.settings, browser.services.clock
    assert settings.oidc is not None
    (tmp_path / "another.pem").write_bytes(mock_provider.pem(ec.generate_private_key(ec.SECP256R1())))
    secret = browser.services.keys.subkey("oidc")
    another_key = replace(settings.oidc, key_file=tmp_path / "another.pem")
    for made, key, reason in (
        (settings.oidc, b"x" * 32, "invalid"),
        (another_key, secret, "unavailable"),
        (replace(settings.oidc, client_id="other"), secret, "invalid"),  # a client it knows, but not this code's
    ):
        back = parse_qs(urlsplit(there(browser, "taro-1")).query)
        thief = OidcIdentity(made, key, clock=clock, random=urandom)
        query = {name: values[0] for name, values in back.items()}
        assert asyncio.run(thief.finish(query, "http://testserver/signin/oidc/return")) == Refused(reason)
