"""What every request passes, over the smallest application: the log, the counters, proxies, limits, and errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.testclient import TestClient

from server.web.guard import Guard
from server.web.http import client, exception_handlers, read_form
from server.web.metrics import Metrics
from server.web.requestlog import RequestLog
from server.web.routing import Access, route
from tests.conftest import Clock
from tests.door import Door
from tests.web import samples

SECRET = "山田太郎-0173-00-0001"
LIMIT = 1000


async def where(request: Request) -> Response:
    return PlainTextResponse(f"{request.url.scheme} {client(request)}")


async def paper(request: Request) -> Response:
    return PlainTextResponse(request.path_params["number"])


async def taken(request: Request) -> Response:
    return PlainTextResponse(str(len((await read_form(request))["note"][0])))


async def broken(request: Request) -> Response:
    raise ValueError((await read_form(request))["note"][0])


async def broken_halfway(_: Request) -> Response:
    async def half() -> Any:
        yield b"half a page"
        raise ValueError(SECRET)

    return StreamingResponse(half())


ROUTES = [
    route("/where", where, access=Access.PUBLIC),
    route("/papers/{number}", paper, access=Access.PUBLIC),
    route("/taken", taken, methods=("POST",), access=Access.PUBLIC, body=LIMIT),
    route("/broken", broken, methods=("POST",), access=Access.PUBLIC),
    route("/halfway", broken_halfway, access=Access.PUBLIC),
]


class Site:
    """A browser at the small application, and what was written down of it."""

    def __init__(self, browser: TestClient, lines: list[str], log: RequestLog, metrics: Metrics) -> None:
        self.browser, self._lines, self._log, self.metrics = browser, lines, log, metrics

    def log(self) -> list[dict[str, Any]]:
        self._log.flush()
        return [json.loads(line) for line in "".join(self._lines).splitlines()]


@contextmanager
def guarded(
    *, proxies: tuple[str, ...] = (), base_url: str = "http://testserver", peer: str = "10.0.0.1"
) -> Iterator[Site]:
    lines: list[str] = []
    log, metrics = RequestLog(lines.append, Clock()), Metrics()
    ids = (f"{number:032x}" for number in range(1, 1000))
    told: dict[str, Any] = {"base_url": base_url, "proxies": proxies, "log": log, "metrics": metrics}
    guard = Middleware(Guard, routes=ROUTES, ids=lambda: next(ids), **told)
    app = Starlette(routes=list(ROUTES), middleware=[guard], exception_handlers=exception_handlers())
    app.state.services = SimpleNamespace(
        renderer=samples.renderer(), languages=samples.LANGUAGES, settings=SimpleNamespace(sandbox=True)
    )
    with Door(app, raise_server_exceptions=False, client=(peer, 1234)) as browser:
        yield Site(browser, lines, log, metrics)


@pytest.fixture
def site() -> Iterator[Site]:
    with guarded() as site:
        yield site


def test_the_log_has_one_line_a_request_with_the_template_of_its_address(site: Site) -> None:
    site.browser.get("/papers/123456789012345?name=yamada")
    (line,) = site.log()
    assert set(line) == {"at", "event", "id", "method", "route", "status", "ms"}
    assert (line["event"], line["method"], line["route"], line["status"]) == ("request", "GET", "/papers/{number}", 200)
    assert line["at"] == "2026-11-20T01:00:00.000+00:00"
    assert line["ms"] >= 0


def test_nothing_that_was_sent_reaches_the_log(site: Site) -> None:
    headers = {"cookie": f"kakanai={SECRET}", "user-agent": SECRET, "referer": "http://testserver/" + SECRET}
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    site.browser.get(f"/papers/{SECRET}", params={"q": SECRET}, headers=told)
    site.browser.get(f"/{SECRET}")
    site.browser.post("/taken", data={"note": SECRET}, headers=told)
    site.browser.post("/broken", data={"note": SECRET})
    site.browser.get("/halfway")
    site.browser.request(SECRET.encode().hex().upper(), "/where")
    written = json.dumps(site.log(), ensure_ascii=False)
    assert len(site.log()) == 8
    for part in (SECRET, "山田", "0173", SECRET.encode().hex().upper()):
        assert part not in written


def test_an_error_nobody_expected_is_written_down_by_type_and_place_and_told_by_its_number(site: Site) -> None:
    answer = site.browser.post("/broken", data={"note": SECRET})
    error, request = site.log()
    assert answer.status_code == request["status"] == 500
    assert (error["event"], error["type"], error["route"]) == ("error", "ValueError", "/broken")
    assert error["where"][-1].endswith(" broken")
    assert error["id"] == request["id"] == answer.headers["x-request-id"]
    assert f"<code>{error['id']}</code>" in answer.text
    assert SECRET not in answer.text


def test_an_error_after_half_a_page_ends_the_answer_and_is_written_down(site: Site) -> None:
    assert site.browser.get("/halfway").text == "half a page"
    assert [line["event"] for line in site.log()] == ["error", "request"]


def test_a_page_of_errors_that_is_itself_broken_still_tells_something() -> None:
    with guarded() as site:
        site.browser.app.state.services = None  # type: ignore[attr-defined]  # the application of `guarded`
        answer = site.browser.post("/broken", data={"note": "x"})
    assert answer.status_code == 500
    assert "もう一度お試しください" in answer.text


def test_a_log_on_a_full_disk_stops_nothing() -> None:
    def full(_: str) -> None:
        raise OSError(28, "No space left on device")

    log = RequestLog(full, Clock())
    log.trouble(ValueError("x"))
    with guarded() as site:
        assert site.browser.get("/where").status_code == 200


def test_lines_are_written_at_64_kilobytes_or_after_a_second() -> None:
    written: list[str] = []
    log = RequestLog(written.append, Clock())

    async def busy() -> None:
        for _ in range(600):
            log.request("0" * 32, "GET", "/where", 200, 0.1)
        assert [len(each) >= 65_536 for each in written] == [True]
        await asyncio.sleep(1.1)

    asyncio.run(busy())
    assert len(written) == 2
    assert sum(each.count("\n") for each in written) == 600


def test_methods_nobody_knows_are_counted_as_one(site: Site) -> None:
    for method in ("BREW", "PROPFIND", "X" * 50):
        assert site.browser.request(method, "/where").status_code == 405
    assert {line["method"] for line in site.log()} == {"OTHER"}
    assert {line["route"] for line in site.log()} == {"-"}


# --- proxies -------------------------------------------------------------------------------------------------------


FORGED = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}


def test_nobody_is_believed_who_says_on_whose_behalf_they_ask() -> None:
    with guarded() as site:
        assert site.browser.get("/where", headers=FORGED).text == "http 10.0.0.1"
    with guarded(proxies=("192.0.2.0/24",)) as site:
        assert site.browser.get("/where", headers=FORGED).text == "http 10.0.0.1"


@pytest.mark.parametrize(
    ("hops", "who"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.8, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::beef:1%eth0", "2001:db8::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("10.0.0.7", "10.0.0.1"),
        ("", "10.0.0.1"),
        (" , ", "10.0.0.1"),
    ],
)
def test_a_proxy_of_ours_is_believed_as_far_as_it_saw_itself(hops: str, who: str) -> None:
    with guarded(proxies=("10.0.0.0/8",)) as site:
        assert site.browser.get("/where", headers={"x-forwarded-for": hops}).text == f"http {who}"


def test_behind_a_proxy_that_ends_tls_our_own_forms_are_ours() -> None:
    headers = {"x-forwarded-proto": "https", "origin": "https://testserver"}
    with guarded(proxies=("10.0.0.1",), base_url="https://city.example.jp") as site:
        assert site.browser.post("/taken", data={"note": "x"}, headers=headers).status_code == 200
    with guarded(base_url="https://city.example.jp") as site:
        assert site.browser.post("/taken", data={"note": "x"}, headers=headers).status_code == 403


def test_a_site_at_https_says_that_it_stays_there() -> None:
    with guarded(base_url="https://city.example.jp") as site:
        assert "max-age=" in site.browser.get("/where").headers["strict-transport-security"]
    with guarded() as site:
        assert "strict-transport-security" not in site.browser.get("/where").headers


# --- limits --------------------------------------------------------------------------------------------------------


def test_a_body_up_to_the_limit_of_its_address_is_taken(site: Site) -> None:
    fits = b"note=" + b"x" * (LIMIT - 5)
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert site.browser.post("/taken", content=fits, headers=form).text == str(LIMIT - 5)
    refused = site.browser.post("/taken", content=fits + b"x", headers=form)
    assert refused.status_code == 413
    assert "送られた内容が大きすぎます" in refused.text


def test_a_body_that_does_not_say_its_length_is_read_no_further_than_the_limit(site: Site) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        yield b"note="
        while read < 100 * LIMIT:
            read += 100
            yield b"x" * 100

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert site.browser.post("/taken", content=endless(), headers=form).status_code == 413


def test_a_body_for_an_address_nobody_serves_is_not_read(site: Site) -> None:
    assert site.browser.post("/nowhere", content=b"x" * 10_000_000).status_code == 404


def test_the_length_is_believed_before_a_byte_is_read(site: Site) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "content-length": "999999999"}
    assert site.browser.post("/taken", content=iter([b"note=x"]), headers=headers).status_code == 413


def test_machines_are_refused_in_their_own_form(site: Site) -> None:
    form = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    answer = site.browser.post("/taken", content=b"x" * 2 * LIMIT, headers=form)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (413, "TOO_LARGE")
    assert set(error) == {"code", "message", "request_id"}
    assert error["request_id"] == answer.headers["x-request-id"]
    assert "小さくする" in error["message"]
