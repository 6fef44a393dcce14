"""Signing in over a provider of OpenID Connect: the whole site over HTTP, against a strict provider and a broken one.

Site and provider live as long as this module: each test has a browser without cookies, an hour of its own, an adapter
that knows nothing yet, and a provider that tells the truth.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.app import create_app
from server.cli import main
from server.people.facts import Facts
from server.people.identity import SIGN_INS_PER_CLIENT, Refused
from server.people.oidc import KNOWN_FOR, OidcIdentity, _provider, read_key
from server.people.oidc_answers import Trouble
from server.settings import BadSettings, OidcSettings, Settings
from tests.conftest import Clock, Random, sandbox
from tests.door import Door
from tests.people.browser import Browser, Page, location, site
from tests.people.mock_provider import pem
from tests.people.provider import CLIENT, Provider, Reply, encoded, public_jwk, served, signed
from tests.people.test_signin_pages import NEXT, who

RETURN = "http://testserver/signin/oidc/return"
WELL_KNOWN = "/realms/main/.well-known/openid-configuration"
TOKEN, USERINFO, CERTS = (f"/realms/main/protocol/{name}" for name in ("token", "userinfo", "certs"))


@dataclass
class Kit:
    settings: Settings
    clock: Clock
    provider: Provider
    browser: Browser


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Kit]:
    folder, clock = tmp_path_factory.mktemp("oidc"), Clock()
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "oidc.pem").write_bytes(pem(key))
    shutil.copy(migrated_file, folder / "kakanai.db")
    with served(Provider(clock, key.public_key(), RETURN)) as provider:
        settings = sandbox(
            folder,
            f"sqlite:///{folder / 'kakanai.db'}",
            KAKANAI_IDENTITY="oidc",
            KAKANAI_OIDC_ISSUER=provider.issuer,
            KAKANAI_OIDC_CLIENT_ID=CLIENT,
            KAKANAI_OIDC_KEY_FILE=str(folder / "oidc.pem"),
        )
        with site(settings, clock, Random()) as browser:
            yield Kit(settings, clock, provider, browser)


@pytest.fixture
def clock(kit: Kit) -> Clock:
    kit.clock.now = kit.clock.now.replace(minute=0) + timedelta(hours=1)
    return kit.clock


@pytest.fixture
def provider(kit: Kit, clock: Clock) -> Provider:
    kit.provider.tell_the_truth()
    return kit.provider


@pytest.fixture
def oidc(kit: Kit, provider: Provider) -> Settings:
    return kit.settings


@pytest.fixture
def browser(kit: Kit, provider: Provider) -> Browser:
    adapter_of(kit.browser).forget()
    kit.browser.client.cookies.clear()
    return kit.browser


def adapter_of(browser: Browser) -> OidcIdentity:
    adapter = browser.services.identity["oidc"]
    assert isinstance(adapter, OidcIdentity)
    return adapter


def there(browser: Browser, place: str = NEXT, level: str = "") -> str:
    """Over to the provider, and where its page sends the browser back to."""
    asked = urlencode({"next": place, "level": level})
    out = location(browser.client.get(f"/signin/oidc/go?{asked}"))
    with httpx2.Client() as person:
        sent = person.get(out)
    assert sent.status_code == 302, sent.text
    return str(sent.headers["location"]).removeprefix("http://testserver")


def there_and_back(browser: Browser, **asked: str) -> httpx2.Response:
    return browser.client.get(there(browser, **asked))


def facts(browser: Browser) -> Facts:
    resident = who(browser).resident
    assert resident is not None
    return resident.facts


# --- the way that works -------------------------------------------------------------------------------------------


def test_a_card_signs_in_and_the_facts_are_those_of_the_card(browser: Browser, provider: Provider) -> None:
    page = browser.get(f"/signin?next={NEXT}")
    assert [link for link in page.links if link.startswith("/signin/oidc/go?")]
    assert location(there_and_back(browser)) == NEXT
    found = facts(browser)
    assert (found.provider, found.level.value, who(browser).level.value) == ("oidc", "oidc-basic", "oidc-basic")
    assert (found.name, found.sex, str(found.birthdate)) == ("三好　花子", "female", "1995-09-02")
    assert (found.address, found.email, found.protected) == ("青森県五所川原市字布屋町15番地2", "", False)
    assert provider.complaints == []


def test_the_request_says_who_we_are_and_keeps_its_secrets(browser: Browser, provider: Provider) -> None:
    there_and_back(browser)
    asked = dict(provider.seen)["/realms/main/protocol/auth"]
    token = dict(provider.seen)[TOKEN]
    assert asked["scope"] == "openid name address birthdate gender"
    assert token["code_verifier"] not in asked.values()
    assert len({asked["state"], asked["nonce"], asked["code_challenge"], token["code_verifier"]}) == 4
    assert "client_secret" not in token


def test_every_sign_in_has_a_state_a_nonce_and_a_verifier_of_its_own(browser: Browser, provider: Provider) -> None:
    for _ in range(3):
        there_and_back(browser)
    for name in ("state", "nonce", "code_challenge", "code_verifier", "client_assertion"):
        values = [given[name] for _, given in provider.seen if name in given]
        assert len(values) == len(set(values)) == 3, name


def test_another_worker_with_the_same_keys_takes_the_way_back(oidc: Settings, clock: Clock, random: Random) -> None:
    with site(oidc, clock, random) as one, site(oidc, clock, Random()) as other:
        back = there(one)
        other.client.cookies.update(one.client.cookies)
        assert location(other.client.get(back)) == NEXT


def test_the_same_person_is_known_again_and_another_is_another(browser: Browser, provider: Provider) -> None:
    there_and_back(browser)
    first = who(browser).resident
    provider.person["address"] = "青森県五所川原市金木町"
    browser.post("/signout")
    there_and_back(browser)
    again = who(browser).resident
    assert first is not None and again is not None
    assert (again.id, again.facts.address) == (first.id, "青森県五所川原市金木町")
    provider.person |= {"sub": "another", "name": "見本　次郎"}
    there_and_back(browser)
    other = who(browser).resident
    assert other is not None and other.id != first.id


def test_discovery_and_keys_are_fetched_once_and_again_after_their_term(
    browser: Browser, provider: Provider, clock: Clock
) -> None:
    for _ in range(2):
        there_and_back(browser)
    asked = [path for path, _ in provider.seen]
    assert (asked.count(WELL_KNOWN), asked.count(CERTS)) == (1, 1)
    clock.now += KNOWN_FOR
    there_and_back(browser)
    asked = [path for path, _ in provider.seen]
    assert (asked.count(WELL_KNOWN), asked.count(CERTS)) == (2, 2)


def test_a_key_that_is_new_is_fetched_when_a_token_names_it(browser: Browser, provider: Provider) -> None:
    there_and_back(browser)
    provider.old_key, provider.key, provider.kid = provider.key, ec.generate_private_key(ec.SECP256R1()), "next"
    assert there_and_back(browser).status_code == 303
    assert [path for path, _ in provider.seen].count(CERTS) == 2


def test_a_key_that_nobody_publishes_is_looked_for_once(browser: Browser, provider: Provider) -> None:
    there_and_back(browser)
    provider.header = {"kid": "nobody's"}
    assert there_and_back(browser).status_code == 422
    assert [path for path, _ in provider.seen].count(CERTS) == 2


def test_a_signed_userinfo_is_read_when_it_is_the_providers_and_for_us(browser: Browser, provider: Provider) -> None:
    said = provider.person | {"iss": provider.issuer, "aud": CLIENT}
    header = {"alg": "ES256", "kid": provider.kid}
    kind = {"content-type": "application/jwt; charset=utf-8"}
    provider.replies[USERINFO] = Reply(200, signed(provider.key, header, said).encode(), kind)
    assert location(there_and_back(browser)) == NEXT
    assert facts(browser).name == "三好　花子"
    browser.post("/signout")
    forged = ec.generate_private_key(ec.SECP256R1())
    for key, change in ((provider.key, {"aud": "other"}), (provider.key, {"iss": "https://evil"}), (forged, {})):
        provider.replies[USERINFO] = Reply(200, signed(key, header, said | change).encode(), kind)
        assert refused(browser, there_and_back(browser)) == 422


# --- what is refused ----------------------------------------------------------------------------------------------


def refused(browser: Browser, response: httpx2.Response) -> int:
    """The status of a page that signs nobody in, says so, and offers every way that is left."""
    page = Page(response)
    assert who(browser).resident is None
    assert "set-cookie" not in response.headers or "kakanai-way" in response.headers["set-cookie"]
    assert page.title.startswith("サインインできませんでした")
    assert "お試しください" in page.text
    assert [link for link in page.links if link.startswith("/signin/oidc/go?")], "one can try again"
    page.check_references()
    return page.status


def none_alg(_header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{encoded({'alg': 'none'})}.{encoded(claims)}."


def with_public_key(provider: Provider) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    """HS256, keyed with what everybody may read."""

    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        text = f"{encoded(header | {'alg': 'HS256'})}.{encoded(claims)}"
        key = provider.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"{text}.{encoded(hmac.digest(key, text.encode(), 'sha256'))}"

    return sign


def by_another_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return signed(ec.generate_private_key(ec.SECP256R1()), header, claims)


def changed_after(provider: Provider) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        head, _, signature = signed(provider.key, header, claims).split(".")
        return f"{head}.{encoded(claims | {'sub': 'somebody-else'})}.{signature}"

    return sign


def claimed(**claims: Any) -> Callable[[Provider], None]:
    return lambda provider: provider.claims.update(claims)


def aged(**seconds: int) -> Callable[[Provider], None]:
    def twist(provider: Provider) -> None:
        now = int(provider.clock().timestamp())
        provider.claims.update({name: now + value for name, value in seconds.items()})

    return twist


def signing(make: Callable[[Provider], Callable[[dict[str, Any], dict[str, Any]], str]]) -> Callable[[Provider], None]:
    def twist(provider: Provider) -> None:
        provider.sign = make(provider)

    return twist


def replying(path: str, reply: Reply) -> Callable[[Provider], None]:
    return lambda provider: provider.replies.update({path: reply})


INVALID: dict[str, Callable[[Provider], None]] = {
    "another sign-in's nonce": claimed(nonce="x" * 43),
    "no nonce": claimed(nonce=None),
    "a nonce that is no text": claimed(nonce=["x"]),
    "for somebody else": claimed(aud="another-client", azp=None),
    "for others too, made for them": claimed(aud=[CLIENT, "another-client"], azp="another-client"),
    "for others too, made for nobody": claimed(aud=[CLIENT, "another-client"], azp=None),
    "for nobody": claimed(aud=None),
    "of another issuer": claimed(iss="https://evil.example/realms/main"),
    "over": aged(iat=-400, exp=-61),
    "never over": claimed(exp=None),
    "over at no number": claimed(exp="2099"),
    "over at NaN": claimed(exp=float("nan")),
    "made at NaN": claimed(iat=float("nan")),
    "over at a number too large": claimed(exp=10**400),
    "made too long ago": aged(iat=-11 * 60 - 1),
    "made tomorrow": aged(iat=61),
    "made at no time": claimed(iat=None),
    "not valid yet": aged(nbf=61),
    "less sure": claimed(acr="aal2"),
    "as sure as nobody knows": claimed(acr=None),
    "sure of the revocation alone": claimed(acr="crl"),
    "sure in another language": claimed(acr=3),
    "nobody": claimed(sub=None),
    "nobody by an empty name": claimed(sub=""),
    "a name of 256 letters": claimed(sub="x" * 256),
    "a name with a newline": claimed(sub="x\ny"),
    "unsigned": signing(lambda _: none_alg),
    "signed with the public key": signing(with_public_key),
    "signed by another key": signing(lambda _: by_another_key),
    "changed after signing": signing(changed_after),
    "signed by a key without a name, of two": lambda provider: provider.header.update(kid=None),
    "signed by the key before, under the new one's name": lambda p: setattr(
        p, "sign", lambda header, claims: signed(p.old_key, header, claims)
    ),
    "not a token": signing(lambda _: lambda header, claims: "not.a.token"),
    "a token of one part": signing(lambda _: lambda header, claims: "x" * 300),
    "the facts of somebody else": replying(USERINFO, Reply(200, b'{"sub": "somebody-else", "name": "x"}')),
    "the facts of nobody": replying(USERINFO, Reply(200, b'{"name": "x"}')),
    "a name that steers the terminal": lambda provider: provider.person.update(name="三好\x1b[2J花子"),
    "a name that reads backwards": lambda provider: provider.person.update(name="三好\u202e花子"),
    "a name of half a character": replying(
        USERINFO, Reply(200, json.dumps({"sub": "5f1c8a54-pairwise", "name": "\ud800"}).encode())
    ),
    "a name of 300 letters": lambda provider: provider.person.update(name="長" * 300),
    "an address without an end": lambda provider: provider.person.update(address="長" * 600),
    "the code is spent": replying(TOKEN, Reply(400, b'{"error": "invalid_grant"}')),
}


@pytest.mark.parametrize("fault", INVALID)
def test_an_answer_that_proves_nothing_signs_nobody_in(browser: Browser, provider: Provider, fault: str) -> None:
    INVALID[fault](provider)
    assert refused(browser, there_and_back(browser)) == 422


def broken(provider: Provider, path: str, document: dict[str, Any]) -> None:
    provider.replies[path] = Reply(200, json.dumps(document).encode())


AWAY = {
    "500": Reply(500, b"<h1>oops</h1>"),
    "401": Reply(401, b'{"error": "invalid_client"}'),
    "429": Reply(429, b"{}"),
    "somewhere else": Reply(302, b"", {"location": "http://127.0.0.1:1/"}),
    "no JSON": Reply(200, b"<html>"),
    "no object": Reply(200, b"[]"),
    "JSON too deep": Reply(200, b"[" * 100_000),
    "a number too long": Reply(200, b'{"x": ' + b"9" * 5000 + b"}"),
    "packed": Reply(200, b"\x1f\x8b", {"content-encoding": "gzip"}),
    "no end": Reply(200, "huge"),
    "silence": Reply(200, "hang"),
    "nothing it should": Reply(200, b"{}"),
    "half a header": Reply(200, b"{}", {"content-length": "x"}),
}


@pytest.fixture
def hasty(browser: Browser) -> Iterator[Browser]:
    """The site, when it waits a second only."""
    adapter = adapter_of(browser)
    patience, adapter.patience = adapter.patience, 1.0
    yield browser
    adapter.patience = patience


@pytest.mark.parametrize("fault", AWAY)
@pytest.mark.parametrize("path", [TOKEN, CERTS, USERINFO], ids=["token", "certs", "userinfo"])
def test_a_provider_that_breaks_on_the_way_back_signs_nobody_in_and_says_when_to_come_again(
    hasty: Browser, provider: Provider, path: str, fault: str
) -> None:
    back = there(hasty)
    provider.replies[path] = AWAY[fault]
    response = hasty.client.get(back)
    silent_about_sub = (path, fault) == (USERINFO, "nothing it should")
    assert refused(hasty, response) == (422 if silent_about_sub else 503)
    if not silent_about_sub:
        assert response.headers["retry-after"] == "60"
        assert "つながりません" in Page(response).text


@pytest.mark.parametrize("fault", AWAY)
def test_a_provider_that_is_away_lets_nobody_leave_and_says_when_to_come_again(
    hasty: Browser, provider: Provider, fault: str
) -> None:
    provider.replies[WELL_KNOWN] = AWAY[fault]
    response = hasty.client.get(f"/signin/oidc/go?next={NEXT}&level=oidc-basic")
    assert refused(hasty, response) == 503
    assert response.headers["retry-after"] == "60"
    page = Page(response)
    assert [link for link in page.links if "/signin/oidc/go" in link and NEXT.replace("/", "%2F") in link]
    assert not [link for link in page.links if "/signin/email" in link], "an address does not reach this level"
    provider.replies.clear()
    assert hasty.client.get("/signin/oidc/go").status_code == 303, "nothing of the failure is kept"


def test_nobody_at_the_providers_address_is_told_too(oidc: Settings, clock: Clock, random: Random) -> None:
    assert oidc.oidc is not None
    gone = replace(oidc, oidc=replace(oidc.oidc, issuer="http://127.0.0.1:1/realms/main"))
    with site(gone, clock, random) as browser:
        assert refused(browser, browser.client.get("/signin/oidc/go")) == 503


METADATA: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://evil.example/realms/main"},
    "its name with a stroke more": {"issuer": "+/"},
    "no issuer": {"issuer": None},
    "a page of the file system": {"authorization_endpoint": "file:///etc/passwd"},
    "a script": {"authorization_endpoint": "javascript:alert(1)"},
    "a header more": {"authorization_endpoint": "https://idp.example/\r\nSet-Cookie: x=y"},
    "no token endpoint": {"token_endpoint": None},
    "a list": {"jwks_uri": ["https://idp.example/certs"]},
    "a password": {"userinfo_endpoint": "https://user:secret@idp.example/"},
    "a broken host": {"token_endpoint": "https://[idp/"},
    "no algorithm of ours": {"id_token_signing_alg_values_supported": ["HS256", "none", "PS256"]},
    "no algorithm": {"id_token_signing_alg_values_supported": None},
}


@pytest.mark.parametrize("fault", METADATA)
def test_a_discovery_document_that_cannot_stand_is_not_believed(
    browser: Browser, provider: Provider, fault: str
) -> None:
    change = METADATA[fault]
    document = provider.document()
    broken(
        provider, WELL_KNOWN, document | ({"issuer": provider.issuer + "/"} if change == {"issuer": "+/"} else change)
    )
    assert refused(browser, browser.client.get("/signin/oidc/go")) == 503


def test_behind_https_the_provider_may_not_lead_to_an_open_address() -> None:
    issuer = "https://idp.example"
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    fine = {name: f"{issuer}/{name}" for name in names}
    fine |= {"issuer": issuer, "id_token_signing_alg_values_supported": ["ES256"]}  # type: ignore[dict-item]
    assert _provider(fine, issuer).token == f"{issuer}/token_endpoint"
    for name in names:
        with pytest.raises(Trouble):
            _provider(fine | {name: f"http://idp.example/{name}"}, issuer)


# --- the way back -------------------------------------------------------------------------------------------------


def query(back: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def test_saying_no_at_the_provider_is_no_failure(browser: Browser) -> None:
    state, issuer = query(there(browser))["state"], browser.services.settings.oidc
    assert issuer is not None
    said = urlencode({"error": "access_denied", "state": state, "iss": issuer.issuer})
    response = browser.client.get(f"/signin/oidc/return?{said}")
    assert refused(browser, response) == 200
    assert "途中で終わりました" in Page(response).text


@pytest.mark.parametrize(
    ("error", "status"), [("temporarily_unavailable", 503), ("server_error", 503), ("invalid_scope", 422), ("x", 422)]
)
def test_an_error_of_the_providers_is_told_for_what_it_is(browser: Browser, error: str, status: int) -> None:
    back = query(there(browser))
    said = urlencode({"error": error, "state": back["state"], "iss": back["iss"]})
    assert refused(browser, browser.client.get(f"/signin/oidc/return?{said}")) == status


@pytest.mark.parametrize("change", [{"iss": "https://evil.example"}, {"iss": ""}, {"iss": None}, {"code": ""}])
def test_an_answer_of_another_provider_never_reaches_this_one(
    browser: Browser, provider: Provider, change: dict[str, str | None]
) -> None:
    """Mix-up: a code that one provider gave, told to another (RFC 9207)."""
    back = {name: value for name, value in (query(there(browser)) | change).items() if value is not None}
    assert refused(browser, browser.client.get(f"/signin/oidc/return?{urlencode(back)}")) == 422
    assert TOKEN not in dict(provider.seen)


def test_a_code_works_once(browser: Browser, provider: Provider) -> None:
    back = there(browser)
    way = browser.client.cookies["kakanai-way"]
    assert browser.client.get(back).status_code == 303
    assert browser.client.get(back).status_code == 400, "the state is spent"
    browser.post("/signout")
    browser.client.cookies.set("kakanai-way", way)
    assert refused(browser, browser.client.get(back)) == 422, "and so is the code"


def test_a_return_address_picked_up_elsewhere_signs_nobody_in(oidc: Settings, clock: Clock, random: Random) -> None:
    """Somebody reads the address over a shoulder or in a log, before the code is spent, and makes a cookie to it."""
    with site(oidc, clock, random) as victim, site(oidc, clock, Random()) as thief:
        back = there(victim)
        assert thief.client.get(back).status_code == 400
        there(thief)
        assert thief.client.get(back).status_code == 400
        passage = {"purpose": "signin:oidc", "state": query(back)["state"], "next": "/my"}
        raw = json.dumps({"left": int(clock().timestamp()), "passage": passage}).encode()
        for mark in (b"", hashlib.sha256(raw).digest(), hmac.digest(b"", raw, "sha256")):
            made = ".".join(base64.urlsafe_b64encode(part).decode() for part in (raw, mark))
            thief.client.cookies.set("kakanai-way", made)
            assert thief.client.get(back).status_code == 400
        assert who(thief).resident is None
        assert victim.client.get(back).status_code == 303


def test_a_way_that_was_begun_an_hour_ago_is_over(browser: Browser, clock: Clock) -> None:
    back = there(browser)
    clock.advance(minutes=60)
    assert browser.client.get(back).status_code == 400


def test_what_the_place_needs_is_still_known_after_a_failure(browser: Browser, provider: Provider) -> None:
    provider.claims["acr"] = "aal1"
    page = Page(there_and_back(browser, level="oidc-basic"))
    assert not [link for link in page.links if "/signin/email" in link]
    assert [link for link in page.links if "level=oidc-basic" in link]


def test_only_what_was_asked_is_led_back_to(browser: Browser) -> None:
    assert location(there_and_back(browser, place="//evil.example")) == "/my"


def test_trying_too_often_is_429_with_the_time_to_wait(
    browser: Browser, provider: Provider, clock: Clock, oidc: Settings, random: Random
) -> None:
    clock.now = clock.now.replace(minute=15)
    for _ in range(SIGN_INS_PER_CLIENT.most):
        assert browser.client.get("/signin/oidc/go").status_code == 303
    asked = len(provider.seen)
    response = browser.client.get(f"/signin/oidc/go?next={NEXT}")
    assert refused(browser, response) == 429
    assert response.headers["retry-after"] == str(45 * 60)
    assert "45分ほど待って" in Page(response).text
    assert len(provider.seen) == asked
    with site(oidc, clock, random) as worker, site(oidc, clock, random, client="192.0.2.2") as elsewhere:
        assert worker.client.get("/signin/oidc/go").status_code == 429, "every worker counts the same"
        assert elsewhere.client.get("/signin/oidc/go").status_code == 303
    clock.advance(minutes=45)
    assert there_and_back(browser).status_code == 303


def test_a_way_back_counts_too(browser: Browser, provider: Provider) -> None:
    """A way that is taken back again and again would have us ask the provider each time."""
    back = there(browser)
    way = browser.client.cookies["kakanai-way"]
    for _ in range(SIGN_INS_PER_CLIENT.most - 1):
        browser.client.get("/signin/oidc/go")
    browser.client.cookies.delete("kakanai-way")
    browser.client.cookies.set("kakanai-way", way)
    assert refused(browser, browser.client.get(back)) == 429
    assert TOKEN not in dict(provider.seen)


# --- what is logged -----------------------------------------------------------------------------------------------


def test_the_operator_learns_where_it_failed_and_nothing_of_whom(
    oidc: Settings, clock: Clock, random: Random, provider: Provider
) -> None:
    lines: list[str] = []
    app = create_app(oidc, clock=clock, random=random, log_to=lines.append)
    with Door(app, base_url=oidc.base_url, follow_redirects=False) as client:
        provider.claims["acr"] = "aal1"
        there_and_back(Browser(client))
    events = [json.loads(line) for line in "".join(lines).splitlines()]
    (error,) = [event for event in events if event["event"] == "error"]
    assert (error["type"], error["route"]) == ("Trouble", "/signin/{provider}/return")
    assert error["where"][-1].endswith("proven")
    for secret in ("三好", "5f1c8a54", "aal1", "code="):
        assert secret not in "".join(lines)


# --- our key ------------------------------------------------------------------------------------------------------


def oidc_settings(key_file: Path) -> OidcSettings:
    return OidcSettings(
        issuer="https://idp.example",
        client_id=CLIENT,
        key_file=key_file,
        scopes=("openid",),
        acr_values=("aal3", "crl"),
    )


def keys_that_are_none(folder: Path) -> Iterator[Path]:
    yield folder / "missing.pem"
    yield folder
    p384 = ec.generate_private_key(ec.SECP384R1())
    own = ec.generate_private_key(ec.SECP256R1())
    locked = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    public = own.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    jwk = json.dumps(public_jwk(own, "public")).encode()
    contents = (b"", b"junk", b"\xff\xfe", b"{", b"{}", b'{"kty": "oct", "k": "x"}', jwk, pem(p384), locked, public)
    for number, content in enumerate(contents):
        path = folder / f"{number}.pem"
        path.write_bytes(content)
        yield path


def test_a_key_that_is_none_stops_the_server_with_a_line_that_says_what_is_allowed(tmp_path: Path) -> None:
    for path in keys_that_are_none(tmp_path):
        with pytest.raises(BadSettings) as told:
            read_key(oidc_settings(path))
        (line,) = told.value.faults
        assert line.startswith("KAKANAI_OIDC_KEY_FILE: must be a file that can be read")


@pytest.mark.parametrize("command", [["serve", "--workers", "2"], ["worker"]])
def test_the_server_does_not_start_without_its_key_and_says_so_in_a_line(
    oidc: Settings,
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert oidc.oidc is not None
    (tmp_path / "oidc.pem").write_text("junk")
    environment = {
        "MODE": "sandbox",
        "DATA_DIR": str(oidc.data_dir),
        "IDENTITY": "oidc",
        "OIDC_ISSUER": oidc.oidc.issuer,
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_KEY_FILE": str(tmp_path / "oidc.pem"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(f"KAKANAI_{name}", value)
    assert main(command) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("kakanai: KAKANAI_OIDC_KEY_FILE: must be a file that can be read")
    assert len(told) == 2


def test_a_key_as_a_jwk_tells_its_name(provider: Provider, tmp_path: Path, clock: Clock, random: Random) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    number = own.private_numbers().private_value
    jwk = public_jwk(own, "city-2026") | {"d": encoded(number.to_bytes(32))}
    (tmp_path / "oidc.json").write_text(json.dumps(jwk))
    provider.client_key = own.public_key()
    settings = replace(oidc_settings(tmp_path / "oidc.json"), issuer=provider.issuer)
    adapter = OidcIdentity(settings, b"s" * 32, clock=clock, random=random)
    url = asyncio.run(adapter.start("s" * 43, RETURN))
    assert isinstance(url, str)
    with httpx2.Client() as person:
        back = query(str(person.get(url).headers["location"]))
    found = asyncio.run(adapter.finish(back, RETURN))
    assert isinstance(found, Facts)
    header = dict(provider.seen)[TOKEN]["client_assertion"].partition(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["kid"] == "city-2026"


def test_a_state_that_is_not_ours_brings_another_verifier(
    browser: Browser, provider: Provider, clock: Clock, random: Random
) -> None:
    """Whoever has a code and its state but not our keys cannot spend it."""
    back = query(there(browser))
    assert browser.services.settings.oidc is not None
    thief = OidcIdentity(browser.services.settings.oidc, b"x" * 32, clock=clock, random=random)
    assert asyncio.run(thief.finish(back, RETURN)) == Refused("invalid")
    assert provider.complaints == ["code_verifier"]
