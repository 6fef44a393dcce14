"""What every answer wears, and what may be kept of it by whom."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import update

from server.store import tables as t
from server.store.database import Writing
from tests.security.addresses import ACTORS, ADDRESSES, People
from tests.security.declarations import sample
from tests.security.site import LETTER, MISSING, Browser, Site, sandbox_site

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
FILE_CSP = "sandbox; default-src 'none'"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
FILE_ROUTE = "GET /drafts/{draft}/files/{file}"
KEPT = {
    "GET /": "public, no-cache",
    "GET /procedures": "public, no-cache",
    "GET /procedures/{slug}": "public, no-cache",
    "GET /procedures/{slug}/apply": "public, no-cache",
    "GET /life-events": "public, no-cache",
    "GET /life-events/{event}": "public, no-cache",
    "GET /static/{path:path}": "public, max-age=31536000, immutable",
    "GET /robots.txt": "public, max-age=86400",
    "GET /opendata": "public, no-cache",
    "GET /opendata/{file}": "public, no-cache",
    "GET /schema/declaration.json": "public, max-age=3600",
}
"""All that anybody may keep, and how; everything else is no-store."""
FOR_EVERYBODY = {
    "GET /static/{path:path}",
    "GET /robots.txt",
    "GET /opendata/{file}",
    "GET /schema/declaration.json",
}
"""Those of KEPT that do not look at the session: they are the same with one."""


def check_always(answer: httpx2.Response, csp: str = CSP) -> None:
    assert answer.headers.get_list("content-security-policy") == [csp]
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    assert "payment=()" in answer.headers["permissions-policy"]
    assert "strict-transport-security" not in answer.headers  # this site is at http
    assert "server" not in answer.headers


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_every_answer_wears_the_headers_and_none_that_is_personal_is_kept(
    name: str, accept: str, site: Site, people: People
) -> None:
    method, row = name.partition(" ")[0], ADDRESSES[name]
    if method != "GET":
        people = People(site, things=row.personal)
    for actor, status in zip(ACTORS, row.statuses, strict=True):
        for things in people.of(actor) if row.personal else [MISSING]:
            answer = row.ask(method, people.browsers[actor], things, site, accept=accept)
            check_always(answer, FILE_CSP if name == FILE_ROUTE and status == 200 else CSP)
            kept = KEPT.get(name, "no-store") if actor == "nobody" or name in FOR_EVERYBODY else "no-store"
            assert answer.headers.get_list("cache-control") == [kept], actor
            assert ("x-request-id" in answer.headers) == (kept == "no-store")


REFUSED: dict[int, Callable[[Browser], httpx2.Response]] = {
    400: lambda b: b.client.post("/resume", content=b"code=x", headers={"content-type": "text/plain"}),
    403: lambda b: b.post("/resume", origin="https://evil.example"),
    404: lambda b: b.get("/static/nothing.css"),
    405: lambda b: b.client.put("/"),
    413: lambda b: b.client.post("/resume", content=b"code=" + b"x" * (1 << 20)),
    422: lambda b: b.post("/resume", {"code": "x"}),
    429: lambda b: [b.post("/resume", {"code": "x"}) for _ in range(21)][-1],
}


@pytest.mark.parametrize("status", REFUSED)
def test_a_refusal_wears_them_too_and_is_never_kept(status: int, site: Site) -> None:
    check_refusal(REFUSED[status](site.browser()), status)


def check_refusal(answer: httpx2.Response, status: int) -> None:
    assert answer.status_code == status
    check_always(answer)
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert ("retry-after" in answer.headers) == (status in (429, 503))


def test_an_error_of_ours_wears_them_and_tells_nothing_but_a_number(site: Site) -> None:
    owner = site.browser()
    draft = owner.begin("letter")
    tamper = update(t.draft).where(t.draft.c.id == draft).values(sealed_answers=b"x" * 40)

    def work(db: Writing) -> None:
        db.execute(tamper)

    site.run(lambda: site.of.database.transact(work))
    answer = owner.get(f"/drafts/{draft}/1")
    check_refusal(answer, 500)
    assert answer.headers["x-request-id"] in answer.text
    assert not re.search(r"Traceback|Unsealable|\.py|sealed", answer.text)
    as_json = owner.get(f"/drafts/{draft}/1", accept="application/json").json()
    assert as_json["error"].keys() == {"code", "message", "request_id"}
    (line, _) = site.failures()
    assert (line["type"], line["id"]) == ("Unsealable", answer.headers["x-request-id"])


def test_a_store_that_is_away_is_told_with_the_headers_and_when_to_come_back(
    tmp_path: Path, migrated_file: Path
) -> None:
    with sandbox_site(tmp_path, migrated_file, sample()) as site:
        owner = site.browser()
        draft = owner.begin("letter")
        site.of.database.close()
        check_refusal(owner.get(f"/drafts/{draft}/1"), 503)
        check_refusal(owner.post(f"/drafts/{draft}/1", {"note": "x"}), 503)
        assert site.browser().get("/procedures/letter").status_code == 200
        assert site.failures() == []


# --- public bytes ---------------------------------------------------------------------------------------------------

PUBLIC_PAGES = ["/", "/procedures", "/procedures?category=resident-record", "/procedures/letter"]
PUBLIC_PAGES += ["/procedures/letter/apply"]
VARIED: list[dict[str, str]] = [
    {"hx-request": "true"},
    {"hx-request": "true", "accept-encoding": "identity"},
    {"accept-encoding": "identity"},
    {"accept": "application/json"},
    {"accept-language": "en", "host": "evil.example", "x-forwarded-host": "evil.example"},
    {"x-forwarded-proto": "https", "x-forwarded-for": "1.2.3.4", "forwarded": "host=evil.example"},
    {"cookie": "kakanai=nobody"},
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
]


def test_nobody_can_make_the_kept_page_another_for_those_who_come_after(tmp_path: Path, migrated_file: Path) -> None:
    """Cache poisoning: the first who asks decides what is kept, whatever they send along."""
    with sandbox_site(tmp_path, migrated_file, sample()) as site:
        plain = {path: kept(site, path) for path in PUBLIC_PAGES}
        for headers in VARIED:
            site.clock.advance(days=1)  # every page is made anew
            for path in PUBLIC_PAGES:
                site.browser().get(path, **headers)
                assert kept(site, path) == plain[path], (path, headers)


def kept(site: Site, path: str) -> tuple[str, ...]:
    """A public page as somebody gets it who sends nothing along."""
    answer = site.browser().get(path)
    names = ("content-type", "cache-control", "vary")
    return (*(answer.headers[name] for name in names), answer.text)


def test_public_pages_hold_nothing_of_who_asked_for_them_first(site: Site) -> None:
    for path in PUBLIC_PAGES:
        site.browser().sign_in("taro-jpki").get(path)
        assert "津軽" not in site.browser().get(path).text
        page = site.browser().sign_in("taro-jpki").get(path)
        assert "津軽" in page.text
        assert page.headers["cache-control"] == "no-store"


def test_what_is_not_found_is_not_kept_under_an_address_that_may_come_to_be(site: Site) -> None:
    for path in ("/procedures/nothing", "/procedures/nothing/apply", "/static/x.css"):
        answer = site.browser().get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


# --- leaving --------------------------------------------------------------------------------------------------------


def test_signing_out_forgets_the_browsers_copies(site: Site) -> None:
    answer = site.browser().sign_in("taro-jpki").post("/signout")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert answer.headers["cache-control"] == "no-store"
    assert re.match(r'kakanai=""; .*Max-Age=0', answer.headers["set-cookie"])


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_ends_with_the_browser(site: Site) -> None:
    browser = site.browser()
    first = browser.post("/procedures/letter/apply", LETTER)
    (cookie,) = first.headers.get_list("set-cookie")
    token, *flags = cookie.split("; ")
    assert {flag.lower() for flag in flags} == {"httponly", "path=/", "samesite=lax"}
    assert re.fullmatch(r"kakanai=[A-Za-z0-9_-]{43}", token)


def test_htmx_keeps_no_page_and_runs_no_text(site: Site) -> None:
    page = site.browser().get("/procedures/letter/apply").text
    found = re.search(r"<meta name=\"htmx-config\" content='([^']*)'", page)
    assert found is not None
    config = json.loads(found[1])
    assert config["historyCacheSize"] == 0
    assert not config["allowEval"] and not config["allowScriptTags"] and not config["includeIndicatorStyles"]
    assert config["selfRequestsOnly"]
    assert "hx-push-url" not in page and "hx-boost" not in page
