"""Cross-site requests: another site can make a browser ask, and nothing is done. And reading changes nothing."""

from __future__ import annotations

import pytest

from tests.security.addresses import ACTORS, ADDRESSES, People, Row
from tests.security.site import MISSING, Browser, Site, place

UNSAFE = [name for name in ADDRESSES if not name.startswith("GET ")]
SIGNED = "POST /payments/webhook/{provider}"
FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},  # another host of the city's domain is not this site
    {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
    {"sec-fetch-site": ""},
    {"origin": "https://evil.example"},
    {"origin": "null"},  # a sandboxed frame, a data: page
    {"origin": "http://testserver.evil.example"},
    {"origin": "https://testserver"},
    {"origin": "http://testserver:8080"},
    {"origin": "evil", "referer": "http://testserver/"},
    {"referer": "https://evil.example/http://testserver/"},
    {"referer": "http://testserver@evil.example/"},
    {"referer": "http://testserver.evil.example/"},
    {"referer": "//testserver/"},
    {"referer": "http://[bad"},
    {"referer": ""},
]
OWN = [
    {},  # no browser, so nobody's cookies
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},  # typed, or from a bookmark
    {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},  # the browser's own word counts first
    {"origin": "http://testserver"},
    {"referer": "http://testserver/procedures/letter/apply"},
]


@pytest.fixture(scope="module")
def people(site: Site) -> People:
    return People(site, things=True)


def refused(browser: Browser, name: str, site: Site, **headers: str) -> bool:
    """Whether it is refused for where it comes from. It asks for nothing that is there, so nothing happens."""
    answer = ADDRESSES[name].ask(name.partition(" ")[0], browser, MISSING, site, accept="application/json", **headers)
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    return answer.status_code == 403 and is_json and answer.json()["error"]["code"] == "CROSS_SITE"


@pytest.mark.parametrize("name", [name for name in UNSAFE if name != SIGNED])
def test_another_site_cannot_post_here(name: str, site: Site) -> None:
    browser = site.browser()
    assert [headers for headers in FOREIGN if not refused(browser, name, site, **headers)] == []


@pytest.mark.parametrize("name", UNSAFE)
def test_our_own_pages_and_programs_can(name: str, site: Site) -> None:
    for headers in OWN:
        browser = site.browser()
        assert not refused(browser, name, site, **headers), headers


def test_whoever_signs_or_brings_a_token_of_its_own_is_not_asked_where_from(site: Site) -> None:
    browser = site.browser()
    for headers in FOREIGN:
        assert not refused(browser, SIGNED, site, **headers)
        assert not refused(browser, "POST /graphql", site, **headers, authorization="Bearer x")
        assert refused(browser, "POST /graphql", site, **headers, authorization="Basic x")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "NONSENSE", "post"])
def test_a_method_nobody_serves_is_judged_before_it_is_refused(method: str, site: Site) -> None:
    browser = site.browser()
    assert browser.client.request(method, "/", headers={"origin": "https://evil.example"}).status_code == 403
    assert browser.client.request(method, "/").status_code == 405


def test_no_other_site_is_allowed_to_ask_with_our_cookies(site: Site, people: People) -> None:
    """CORS: a preflight gets no permission, and no personal answer says it may be read elsewhere."""
    owner, things = people.browsers["its owner"], people.anybodys[1]
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    preflight = owner.client.options("/graphql", headers=asked)
    read = owner.get(f"/applications/{things.number}", origin="https://evil.example")
    for answer in (preflight, read):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_post_from_elsewhere_does_nothing_at_all(site: Site) -> None:
    browser = site.browser().sign_in("taro-jpki")
    draft = browser.begin("letter")
    revision = browser.revision(f"/drafts/{draft}/check")
    before = site.digests()
    for path, controls in ((f"/drafts/{draft}/submit", {"_rev": revision}), ("/signout", {}), ("/resume", {})):
        assert browser.post(path, controls, origin="https://evil.example").status_code == 403
    assert site.digests() == before
    assert place(browser.post(f"/drafts/{draft}/submit", {"_rev": revision})).endswith("/receipt")


# --- reading changes nothing ----------------------------------------------------------------------------------------

CHANGES = {
    "GET /applications/{number}/receipt": {"audit"},  # looking at somebody's answers is written down
    "GET /applications/{number}/sheet.pdf": {"audit"},
    "GET /drafts/{draft}/sign/go": {"signature"},  # the links that lead off our origin write what they begin
    "GET /payments/{id}/go": {"payment", "debt"},
}
"""What a GET may change for its owner; for everybody else, and everywhere else, nothing."""
COUNTED = {"GET /signin/{provider}/go": {"attempt"}}
"""Ways out to a provider are counted, whoever takes them."""


@pytest.mark.parametrize("name", [name for name in ADDRESSES if name.startswith("GET ")])
def test_reading_changes_no_row(name: str, site: Site) -> None:
    row, counted = ADDRESSES[name], COUNTED.get(name, set())
    people = People(site, things=row.personal)
    before = site.digests()
    for actor in ACTORS:
        look(row, people, actor, site)
        after = site.digests()
        changed = {table for table in after if before[table] != after[table]}
        if actor in STRANGERS:
            assert changed == counted, actor
        else:
            assert changed <= CHANGES.get(name, set()) | counted, actor
        before = after


STRANGERS = ("nobody", "another session", "another resident")


def look(row: Row, people: People, actor: str, site: Site) -> None:
    for things in people.of(actor) if row.personal else [MISSING]:
        row.ask("GET", people.browsers[actor], things, site)
        row.ask("HEAD", people.browsers[actor], things, site)


def test_the_signed_link_of_a_draft_that_is_to_be_signed_writes_the_signature_alone(site: Site) -> None:
    owner = site.browser().sign_in("taro-jpki")
    draft = owner.begin("signed")
    before = site.digests()
    place(owner.get(f"/drafts/{draft}/sign/go"))
    after = site.digests()
    assert {table for table in after if before[table] != after[table]} == {"signature"}


def test_a_session_is_noted_as_used_every_few_minutes_and_nothing_else_of_a_look(site: Site) -> None:
    owner = site.browser().sign_in("taro-jpki")
    site.clock.advance(minutes=6)
    before = site.digests()
    owner.get("/")
    seen = site.digests()
    owner.get("/my")
    assert {table for table in seen if before[table] != seen[table]} == {"session"}
    assert site.digests() == seen


def test_coming_back_from_a_provider_one_never_went_to_signs_nobody_in(site: Site) -> None:
    """Login CSRF: another site sends a browser to our return address with a code of its own."""
    browser, before = site.browser(), site.digests()
    answer = browser.get("/signin/jpki/return?code=taro-jpki&state=guessed")
    assert answer.status_code == 400
    assert site.digests() == before
    assert browser.get("/my").status_code == 303


def test_a_state_is_good_for_one_way_and_one_time(site: Site) -> None:
    browser, other = site.browser(), site.browser()
    state = place(browser.get("/signin/jpki/go?next=/my"), whole=True).partition("state=")[2].partition("&")[0]
    back = f"/signin/jpki/return?code=taro-jpki&state={state}"
    assert other.get(back).status_code == 400
    assert browser.get(back.replace("jpki/return", "oidc/return")).status_code == 400
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 400
