"""Ways back into the site, and who is let in where."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.web.http import safe_next
from server.web.routing import Access, policies, route
from server.web.site import all_routes

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "HTTPS://evil.example",
    "//evil.example:443/path",
    "//user@evil.example",
    "http://testserver@evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "drafts/x",
    "?next=//evil.example",
    "#//evil.example",
    "",
    "/.//evil.example",
    "/..//evil.example",
    "/drafts//evil.example",
    "//[::1]",
    "//[",
    "/\x00/evil.example",
    "/\x7f/evil.example",
    "\u2028//evil.example",
    "evil.example",
    "@evil.example",
]
HERE = [
    ("/", "/"),
    ("/my", "/my"),
    ("/drafts/0af3/2", "/drafts/0af3/2"),
    ("/procedures?q=a&page=2", "/procedures?q=a&page=2"),
    ("/signin?next=/drafts/x/check", "/signin?next=/drafts/x/check"),
    ("/procedures/x#f-name", "/procedures/x"),
    ("/手続", "/%E6%89%8B%E7%B6%9A"),
    ("/%2F%2Fevil.example", "/%2F%2Fevil.example"),
    ("/@evil.example", "/%40evil.example"),
    ("/x?a=<b>", "/x?a=%3Cb%3E"),
]


@pytest.mark.parametrize("text", ELSEWHERE)
def test_nobody_is_led_to_another_site(text: str) -> None:
    assert safe_next(text, "/my") == "/my"


@pytest.mark.parametrize(("text", "path"), HERE)
def test_a_way_inside_the_site_is_kept(text: str, path: str) -> None:
    assert safe_next(text) == path


@given(st.text(alphabet=st.sampled_from("/\\.:@?#&=%ab \t\n\r\x00　evil") | st.characters(), max_size=30))
def test_whatever_is_asked_for_the_way_stays_here(text: str) -> None:
    made = safe_next(text)
    assert urlsplit(urljoin("https://city.example.jp/signin", made)).netloc == "city.example.jp"
    assert made.startswith("/") and not made.startswith(("//", "/\\"))
    assert made.isascii() and made.isprintable()


async def nothing(_: Request) -> Response:
    return Response()


def test_an_address_without_a_rule_cannot_be_served() -> None:
    with pytest.raises(TypeError):
        route("/x", nothing)  # type: ignore[call-arg]  # that is the point
    with pytest.raises(TypeError, match="no access rule"):
        policies([Route("/x", nothing)])


def test_no_two_routes_answer_the_same_request() -> None:
    asked = [(each.path, method) for each in policies(all_routes()) for method in each.methods]
    assert len(asked) == len(set(asked))


def test_stand_ins_stand_under_one_roof_and_are_all_shut_in_production() -> None:
    rules = {each.path: each.access for each in policies(all_routes())}
    stand_ins = {path for path, access in rules.items() if access is Access.SANDBOX}
    assert {path for path in rules if path.startswith("/sandbox/")} <= stand_ins
    assert "/_kinds" in stand_ins
