"""The staff over the city's own provider, that somebody else wrote and that runs in a process of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from os import urandom
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select

from server.people import staff, staff_identities
from server.people.identity import Refused
from server.people.oidc import _provider
from server.people.staff import Unfit
from server.people.staff_oidc import Colleague, StaffProvider
from server.settings import OidcSettings
from server.store import tables as t
from server.store.values import utc_now
from tests.conftest import Clock, Random, sandbox
from tests.people import mock_provider
from tests.people.browser import Browser, Page, location, site
from tests.people.officers import Officer, held, hire

ROOT = "http://testserver"
RETURN = f"{ROOT}/staff/signin/oidc/return"
GO = "/staff/signin/oidc/go?next=/staff"
DRAWN = count(0, 10**6)


class Town:
    """The site over its provider. `logins` are fresh."""

    def __init__(self, browser: Browser, clock: Clock, random: Random) -> None:
        self.browser, self.clock, self.random = browser, clock, random
        self._made = 0

    def do(self, work: Any) -> Any:
        portal = self.browser.client.portal
        assert portal is not None
        return portal.call(lambda: self.browser.services.database.transact(work))

    @property
    def given(self) -> dict[str, Any]:
        return {"now": self.clock(), "random": self.random}

    def login(self) -> str:
        self._made += 1
        return f"somebody{self._made}"

    def officer(self) -> Officer:
        of, portal = self.browser.services, self.browser.client.portal
        assert portal is not None
        return hire(portal.call, of.database, of.keys, self.clock, self.random, self.login(), "clerk:市民課")

    def added(self) -> tuple[str, str]:
        """Login and enrolment code of an account that nobody enrolled."""
        login, keys = self.login(), self.browser.services.keys
        made = {"actor": "operator", **self.given}
        code = self.do(lambda db: staff.add(db, keys, login, "見本", held("clerk:市民課"), **made))
        return login, str(code)

    def link_code(self, login: str) -> str | Unfit:
        keys = self.browser.services.keys
        found: str | Unfit = self.do(
            lambda db: staff_identities.link_code(db, keys, login, actor="operator", **self.given)
        )
        return found

    def there(self, sub: str | None) -> str:
        """Where the provider sends the browser back to."""
        return mock_provider.agreed(location(self.browser.client.get(GO)), sub)

    def back(self, sub: str) -> str:
        """Where that leads."""
        return location(self.browser.client.get(self.there(sub)))

    def ties(self, sub: str, login: str, code: str) -> Any:
        form = self.back(sub)
        assert form.startswith("/staff/signin/oidc/link?")
        assert "アカウントとの結び付け" in self.browser.get(form).text
        return self.browser.post(form, login=login, code=code)

    def tied(self, sub: str) -> Officer:
        officer = self.officer()
        code = self.link_code(officer.login)
        assert isinstance(code, str)
        assert self.ties(sub, officer.login, code).status_code == 303
        self.browser.client.cookies.clear()
        return officer

    def inside(self) -> bool:
        return self.browser.client.get("/staff").status_code == 200


@contextmanager
def town(folder: Path, migrated_file: Path, clock: Clock, issuer: str, **settings: str) -> Iterator[Town]:
    clock.now, random = utc_now(), Random()  # the provider has no other clock
    random.drawn = next(DRAWN)  # nor does it take an assertion twice, of whichever test
    shutil.copy(migrated_file, folder / "kakanai.db")
    own = {"ISSUER": issuer, "CLIENT_ID": "city", "KEY_FILE": str(folder / "oidc.pem")} | settings
    asked = {f"KAKANAI_STAFF_OIDC_{name}": value for name, value in own.items() if value}
    with site(sandbox(folder, f"sqlite:///{folder / 'kakanai.db'}", **asked), clock, random) as browser:
        yield Town(browser, clock, random)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("staff-provider")
    with mock_provider.running(folder) as issuer:
        yield issuer, folder


@pytest.fixture
def here(provider: tuple[str, Path], tmp_path: Path, migrated_file: Path, clock: Clock) -> Iterator[Town]:
    issuer, folder = provider
    shutil.copy(folder / "oidc.pem", tmp_path / "oidc.pem")
    with town(tmp_path, migrated_file, clock, issuer) as found:
        yield found


def test_whoever_showed_two_factors_there_is_in_and_we_ask_for_nothing_more(here: Town) -> None:
    here.tied("staff-twice")
    assert here.back("staff-twice") == "/staff" and here.inside()
    lines = here.do(lambda db: db.all(select(t.audit.c.detail).where(t.audit.c.action == "staff.sign_in")))
    assert json.loads(lines[-1].detail) == {"factor": "oidc"}


def test_where_one_factor_was_shown_there_ours_is_asked_and_nobody_is_in_before(here: Town) -> None:
    officer = here.tied("staff-once")
    form = here.back("staff-once")
    assert form == "/staff/signin/factor?next=%2Fstaff"
    assert "もう1つの確認" in here.browser.get(form).text and not here.inside()
    assert here.browser.post("/staff/signin/factor", code="000000", next="/staff").status_code == 422
    assert not here.inside()
    code = officer.code()
    assert location(here.browser.post("/staff/signin/factor", code=code, next="/staff")) == "/staff"
    assert here.inside()


def test_guesses_at_the_second_factor_are_stopped(here: Town) -> None:
    officer = here.tied("staff-once")
    here.back("staff-once")
    tried = [here.browser.post("/staff/signin/factor", code="000000").status_code for _ in range(6)]
    assert tried == [422] * 5 + [429]
    assert here.browser.post("/staff/signin/factor", code=officer.code()).status_code == 429


def test_halfway_in_ends_after_a_quarter_of_an_hour(here: Town) -> None:
    officer = here.tied("staff-once")
    here.back("staff-once")
    here.clock.advance(minutes=15)
    late = here.browser.post("/staff/signin/factor", code=officer.code())
    assert location(late) == "/staff/signin" and not here.inside()


def test_an_enrolment_code_enrols_whoever_showed_two_factors_without_a_password(here: Town) -> None:
    login, code = here.added()
    assert here.ties("staff-twice", login, "wrong").status_code == 422
    assert location(here.ties("staff-twice", login, code)) == "/staff" and here.inside()
    shown = here.browser.get("/staff").text
    assert "ほかのサインインの方法はありません" in shown and "変更する" not in shown
    here.browser.client.cookies.clear()
    assert here.back("staff-twice") == "/staff" and here.inside()
    kept = here.do(lambda db: staff.kept_hash(db, here.browser.services.keys, login))
    assert kept is None, "there is no password to guess"


def test_whoever_showed_one_factor_enrols_here_first(here: Town) -> None:
    login, code = here.added()
    refused = here.ties("staff-once", login, code)
    assert refused.status_code == 422 and "先に、パスワードと認証アプリを登録してください" in refused.text
    keys = here.browser.services.keys
    assert here.do(lambda db: staff.may_enrol(db, keys, login, code, now=here.clock())), "the code is not used up"


def test_a_link_code_sets_nobodys_password_and_is_good_once(here: Town) -> None:
    officer, other = here.officer(), here.officer()
    code = here.link_code(officer.login)
    assert isinstance(code, str)
    keys = here.browser.services.keys
    assert not here.do(lambda db: staff.may_enrol(db, keys, officer.login, code, now=here.clock()))
    assert here.ties("staff-twice", other.login, code).status_code == 422
    assert here.ties("staff-twice", officer.login, code).status_code == 303
    assert here.ties("staff-gold", officer.login, code).status_code == 422
    late = here.link_code(other.login)
    assert isinstance(late, str)
    form = here.back("staff-gold")
    here.clock.now += staff.ENROL_WITHIN
    assert location(here.browser.post(form, login=other.login, code=late)) == "/staff/signin", "too late for either"


def test_a_link_code_is_for_accounts_that_are_enrolled(here: Town) -> None:
    login, _ = here.added()
    assert here.link_code(login) is Unfit.UNKNOWN and here.link_code("nobody") is Unfit.UNKNOWN


def test_one_person_there_has_one_account_here(here: Town) -> None:
    here.tied("staff-twice")
    here.browser.client.cookies.clear()
    other = here.officer()
    code = here.link_code(other.login)
    assert isinstance(code, str)
    form = here.back("staff-gold")
    subject = here.do(lambda db: db.all(select(t.staff_identity.c.staff_id)))
    assert len(subject) == 1 and form.startswith("/staff/signin/oidc/link")
    keys, issuer = here.browser.services.keys, here.browser.services.settings.staff_oidc
    assert issuer is not None
    taken = f"{issuer.issuer} staff-twice"
    done = here.do(
        lambda db: staff_identities.link(db, keys, other.login, code, taken, sure=True, place="here", now=here.clock())
    )
    assert done is staff_identities.Unlinked.TAKEN


def test_whoever_is_disabled_or_reset_does_not_come_in_that_way(here: Town) -> None:
    officer, keys = here.tied("staff-twice"), here.browser.services.keys
    here.do(lambda db: staff.switch(db, officer.id, on=False, actor="operator", now=here.clock()))
    assert here.browser.client.get(here.there("staff-twice")).status_code == 422 and not here.inside()
    here.do(lambda db: staff.switch(db, officer.id, on=True, actor="operator", now=here.clock()))
    assert here.back("staff-twice") == "/staff"
    here.browser.client.cookies.clear()
    here.do(lambda db: staff.reset(db, keys, officer.login, actor="operator", **here.given))
    assert here.back("staff-twice").startswith("/staff/signin/oidc/link?")


def test_the_tie_is_undone_by_whoever_has_another_way_in(here: Town) -> None:
    here.tied("staff-twice")
    assert here.back("staff-twice") == "/staff"
    assert location(here.browser.post("/staff/unlink")) == "/staff"
    here.browser.client.cookies.clear()
    assert here.back("staff-twice").startswith("/staff/signin/oidc/link?")
    login, code = here.added()
    assert here.ties("staff-gold", login, code).status_code == 422, "not two factors by our settings"


def test_saying_no_and_coming_back_without_setting_out_sign_nobody_in(here: Town) -> None:
    here.tied("staff-twice")
    refused = Page(here.browser.client.get(here.there(None)))
    assert "サインインできませんでした" in refused.text
    back = here.there("staff-twice")
    here.browser.client.cookies.clear()
    assert here.browser.client.get(back).status_code == 422 and not here.inside()
    assert location(here.browser.client.get("/staff/signin/oidc/link?state=x")) == "/staff/signin"
    assert location(here.browser.client.get("/staff/signin/factor")) == "/staff/signin"


def test_a_resident_of_the_same_provider_is_nobody_of_the_staff(here: Town) -> None:
    assert here.back("taro-1").startswith("/staff/signin/oidc/link?") and not here.inside()
    rows = here.do(lambda db: db.all(select(t.resident.c.id)))
    assert rows == [], "and nothing was made of them"


def test_who_they_are_there_is_kept_as_a_digest_alone(here: Town) -> None:
    here.tied("staff-twice")
    rows = here.do(lambda db: [tuple(row) for row in db.all(select(t.staff_identity))])
    assert rows and "staff-twice" not in repr(rows)


def test_a_level_may_say_that_two_factors_were_shown(
    provider: tuple[str, Path], tmp_path: Path, migrated_file: Path, clock: Clock
) -> None:
    issuer, folder = provider
    shutil.copy(folder / "oidc.pem", tmp_path / "oidc.pem")
    with town(tmp_path, migrated_file, clock, issuer, ACR_VALUES="gold", AMR_VALUES="otp") as found:
        found.tied("staff-gold")
        assert found.back("staff-gold") == "/staff"
        found.browser.client.cookies.clear()
        found.tied("staff-twice")
        assert found.back("staff-twice").startswith("/staff/signin/factor"), "a method that is not configured"


def test_a_provider_that_knows_us_by_a_secret_is_told_it_and_judges_it(tmp_path: Path) -> None:
    def asked(issuer: str, client: str, secret: str) -> Any:
        own = OidcSettings(
            issuer=issuer, client_id=client, client_secret=secret, key_file=None, scopes=("openid",), acr_values=()
        )
        adapter = StaffProvider(own, b"k" * 32, clock=utc_now, random=urandom)
        out = asyncio.run(adapter.start("s" * 43, RETURN))
        assert isinstance(out, str)
        back = parse_qsl(urlsplit(mock_provider.agreed(out, "staff-twice")).query)
        return asyncio.run(adapter.finish(dict(back), RETURN))

    with mock_provider.running(tmp_path, secrets=True) as issuer:
        client, secret = mock_provider.registered(issuer, RETURN, "client_secret_basic")
        assert asked(issuer, client, secret) == Colleague(f"{issuer} staff-twice", sure=False)
        assert asked(issuer, client, "another") == Refused("unavailable")
        posted, secret = mock_provider.registered(issuer, RETURN, "client_secret_post")
        assert asked(issuer, posted, secret) == Refused("unavailable"), "it does not say that it wants it in the body"


def test_a_secret_goes_into_the_body_only_where_nothing_else_is_taken() -> None:
    told = {"issuer": "https://idp.example", "id_token_signing_alg_values_supported": ["RS256"]}
    told |= {f"{name}_endpoint": "https://idp.example/x" for name in ("authorization", "token", "userinfo")}
    told |= {"jwks_uri": "https://idp.example/keys"}
    for methods, expected in (
        (None, False),
        ("client_secret_post", False),
        (["client_secret_post"], True),
        (["client_secret_post", "client_secret_basic"], False),
    ):
        document = told | {"token_endpoint_auth_methods_supported": methods}
        assert _provider(document, "https://idp.example").secret_in_body is expected


def test_where_no_provider_is_named_there_is_no_such_way(tmp_path: Path, migrated_file: Path, clock: Clock) -> None:
    shutil.copy(migrated_file, tmp_path / "kakanai.db")
    with site(sandbox(tmp_path, f"sqlite:///{tmp_path / 'kakanai.db'}"), clock, Random()) as browser:
        assert "市の認証基盤" not in browser.get("/staff/signin").text
        assert browser.client.get(GO).status_code == 404
