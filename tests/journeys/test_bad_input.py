"""Whatever is sent to any address is answered or refused: never a fault of ours, never markup of theirs.

The fixtures look at the log in the end: one line of an unexpected error fails the whole file.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlsplit

import httpx2
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from procedures.library import Library
from server.web.routing import policies
from server.web.site import all_routes
from tests.conftest import Clock, empty, sandbox
from tests.journeys.conftest import beside, running
from tests.journeys.pages import Resident

ANSWERS = {200, 303, 304, 400, 403, 404, 405, 409, 413, 422, 429}
MARKUP = "\"'><script>alert(1)</script><b hx-get=/x>"
FORM = "application/x-www-form-urlencoded"
often = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


# --- the site, on either store, with a draft of each procedure on it ----------------------------------------------


DRAFTS = ("jido-teate-nintei-seikyu", "juminhyo-utsushi", "inu-toroku", "sodai-gomi", "hoiku-shisetsu-riyo")
"""Forms that have between them every kind of question, rows, files of rows and a booking."""


class Target:
    """A browser at a site, with a draft of each procedure."""

    def __init__(self, client: TestClient, library: Library) -> None:
        self.client, self.library = client, library
        self.drafts = {slug: begun(client, slug) for slug in DRAFTS}
        client.follow_redirects = False

    def post(self, path: str, body: bytes, kind: str = FORM) -> httpx2.Response:
        answer: httpx2.Response = self.client.post(path, content=body, headers={"content-type": kind})
        return answer


def begun(client: TestClient, slug: str) -> str:
    """The address of a new draft: '/drafts/…'."""
    resident = Resident(client)
    first = resident.open(f"/procedures/{slug}/apply")
    saved = resident.press(first, first.form(control="_rev"), button=("_do", "save"))
    return saved.link("/drafts/").rpartition("/")[0]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> Iterator[Target]:
    """Both stores: they differ in what text they take."""
    home, library = tmp_path_factory.mktemp("site"), request.getfixturevalue("library")
    if request.param == "sqlite":
        url = f"sqlite:///{home / 'kakanai.db'}"
        (home / "kakanai.db").write_bytes(migrated_file.read_bytes())
    else:
        url = request.getfixturevalue("postgres_url")
        empty(url)
    with running(sandbox(home, url), library, Clock()) as client:
        yield Target(client, library)


# --- what people and their programs send --------------------------------------------------------------------------

NASTY = [
    *("", " ", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202eabc", "\u0085", "\ufffe", "é", "葛\U000e0100", "𠮟"),
    *("9" * 5000, "-1", "1e999", "NaN", "0x10", "٣", "²", "１２", "1_000", "99999999999999999999"),
    *("true", "false", "null", "[]", "{}", "sealed:" + "0" * 32, "sealed:", "../../etc/passwd", "%00", "{{7*7}}"),
    *(
        MARKUP,
        "'; DROP TABLE draft; --",
        "x" * 70_000,
        "あ" * 3000,
        "\r\nSet-Cookie: a=b",
        "2026-13-45",
        "showa-64-1-8",
    ),
]
DIRECTIONS = [
    *("next", "back", "save", "refresh", "add", "remove", "lookup", "town", "detach", "upload", "nonsense", ":", "::"),
    *("add:/nope", "add:/children", "add:/applicant", "add:/children/0/name", "add:children", "add:/" + "9" * 5000),
    *("remove:/children/99", "remove:/dogs/0", "remove:/dogs/-1", "remove:", "remove:/", "remove:/dogs/" + "9" * 5000),
    *(
        "lookup:/applicant/address",
        "lookup:/nope",
        "lookup:/",
        "lookup:",
        "lookup:/children/" + "9" * 5000 + "/address",
    ),
    *("lookup:/dogs/0", "lookup:/applicant/address/", "lookup:/applicant/address:0", "town:/location:²"),
    *("town:/applicant/address:999", "town:/applicant/address:" + "9" * 5000, "town:/applicant/address:-1", "town:x:y"),
    *("detach:../../x", "detach:" + "0" * 32, "detach:%00\x00", "upload:ininjo", "upload:/../x", "save:" + "x" * 5000),
]
ROWS = ["0", "1", "3", "1e9", "1000000000", "9" * 5000, "-1", "٣", "", "²", "101", "NaN"]
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=30))


def control_names(library: Library) -> list[str]:
    """Every control a declaration may show, its rows numbered in several ways, and the engine's own."""
    names: dict[str, None] = {}
    for declaration in library.declarations.values():
        for pointer in declaration.form.fields:
            for row in ("0", "1", "99", "-1", "x"):
                name = pointer[1:].replace("/", ".").replace("*", row)
                names |= dict.fromkeys([name, *(name + part for part in (".era", ".year", ".month", ".day", ".keep"))])
        names |= dict.fromkeys(f"attachment.{each.key}" for each in declaration.form.attachments)
    return [*names, "_rev", "_none", "attachment.", "__proto__", "", ".", "applicant..name", "a" * 3000]


@st.composite
def posts(draw: st.DrawFn, names: list[str]) -> list[tuple[str, str]]:
    """Controls in any order, repeated, with whatever in them."""
    pairs = draw(st.lists(st.tuples(st.one_of(st.sampled_from(names), texts), texts), max_size=40))
    for list_name in draw(st.lists(st.sampled_from(["children", "dogs", "people", "older_children", "nope"]))):
        pairs.append((f"_rows.{list_name}", draw(st.sampled_from(ROWS))))
    for _ in range(draw(st.integers(0, 2))):
        pairs.append(("_do", draw(st.one_of(st.sampled_from(DIRECTIONS), texts))))
    return pairs


def encoded(pairs: list[tuple[str, str]]) -> bytes:
    """As a browser encodes it; a lone surrogate as the three bytes no browser sends."""
    return "&".join(f"{percent(name)}={percent(value)}" for name, value in pairs).encode()


def percent(text: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")


def judged(answer: httpx2.Response) -> None:
    """Answered or refused; and nothing that was sent is markup in it."""
    assert answer.status_code in ANSWERS, answer.status_code
    assert MARKUP not in answer.text
    assert "<script>alert" not in answer.text


STEPS = st.sampled_from(["apply", "1", "2", "3", "4", "5", "6", "7", "check", "submit", "sign", "sign/go", "0", "99"])


@often
@given(data=st.data())
def test_any_form_data_is_answered_or_refused(target: Target, data: st.DataObject) -> None:
    slug = data.draw(st.sampled_from(list(target.drafts)))
    step = data.draw(STEPS)
    path = f"/procedures/{slug}/apply" if step == "apply" else f"{target.drafts[slug]}/{step}"
    pairs = data.draw(posts(control_names(target.library)))
    if step.isdecimal() and data.draw(st.booleans()):
        pairs = [pair for pair in pairs if pair[0] != "_rev"] + [("_rev", revision(target, path))]
    judged(target.post(path, encoded(pairs)))
    judged(target.client.get(f"{target.drafts[slug]}/check"))
    judged(target.client.get(f"{target.drafts[slug]}/1?check=1"))


def revision(target: Target, path: str) -> str:
    """The revision the page shows, so that what is sent is taken."""
    found = re.search(r'name="_rev" value="([^"]*)"', target.client.get(path).text)
    return found[1] if found else ""


@pytest.mark.parametrize("do", DIRECTIONS)
def test_a_button_that_no_page_has_is_harmless(target: Target, do: str) -> None:
    for slug, draft in target.drafts.items():
        before = target.client.get(f"{draft}/check").text
        for fragment in ({}, {"hx-request": "true"}):
            body = encoded([("_do", do), ("_rev", revision(target, f"{draft}/1")), ("_rows.dogs", "1")])
            answer = target.client.post(f"{draft}/1", content=body, headers={"content-type": FORM} | fragment)
            judged(answer)
        assert "children/99" not in before + target.client.get(f"{draft}/check").text, slug


@pytest.mark.parametrize("rows", ROWS)
def test_a_page_says_how_many_rows_it_shows_and_is_not_believed_past_all_measure(target: Target, rows: str) -> None:
    for slug, name in (("inu-toroku", "dogs"), ("jido-teate-nintei-seikyu", "children")):
        draft, step = target.drafts[slug], 1 if name == "dogs" else 5
        body = encoded([(f"_rows.{name}", rows), ("_do", "refresh")])
        answer = target.post(f"{draft}/{step}", body)
        judged(answer)
        assert len(re.findall(r'<fieldset class="row"', answer.text)) <= 100


# --- bodies that are no form --------------------------------------------------------------------------------------

KINDS = [
    *(FORM, FORM + "; charset=shift_jis", "multipart/form-data", "multipart/form-data; boundary=", "application/json"),
    *(
        "multipart/form-data; boundary=x",
        'multipart/form-data; boundary="x',
        "text/plain",
        "",
        "x",
        "\xff",
        "a/b;" * 500,
    ),
    *("application/graphql", "multipart/mixed; boundary=x", "application/xml", "APPLICATION/X-WWW-FORM-URLENCODED"),
]
BODIES = [
    *(
        b"",
        b"&&&",
        b"=",
        b"%",
        b"%zz=%",
        b"a" * 5000,
        b"\xff\xfe\x00",
        "請求=はい".encode("shift_jis"),
        b"_do=%ED%A0%80",
    ),
    *(
        "_do=次".encode("utf-16"),
        b'{"_do": "next"}',
        b"--x\r\n",
        b"--x--\r\n",
        b"\x00" * 1000,
        b"a=b;c=d",
        b"&".join([b"a=1"] * 3000),
    ),
    b'--x\r\nContent-Disposition: form-data; name="_do"\r\n\r\nnext\r\n--x--\r\n',
]


POSTED = ["apply", "1", "submit", "/resume", "/applications", "/signin/email", "/signin", "/signout"]


@often
@given(
    path=st.sampled_from(POSTED),
    kind=st.sampled_from(KINDS),
    body=st.one_of(st.sampled_from(BODIES), st.binary(max_size=400)),
)
def test_a_body_that_is_no_form_is_refused(target: Target, path: str, kind: str, body: bytes) -> None:
    slug, draft = next(iter(target.drafts.items()))
    place = {"apply": f"/procedures/{slug}/apply"}.get(path) or (path if path[0] == "/" else f"{draft}/{path}")
    browser = beside(target.client) if path == "/signout" else target.client
    headers = {b"content-type": kind.encode("latin-1")}
    judged(browser.post(place, content=body, headers=headers, follow_redirects=False))


def multipart(pairs: list[tuple[str, str]], file: bytes, boundary: bytes) -> bytes:
    controls = [[each.encode("utf-8", "surrogatepass") for each in pair] for pair in pairs]
    parts = [b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (name, value) for name, value in controls]
    head = b'Content-Disposition: form-data; name="attachment.ininjo"; filename="a.pdf"\r\nContent-Type: text/html'
    parts.append(head + b"\r\n\r\n" + file)
    return b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts) + b"--%s--\r\n" % boundary


@often
@given(data=st.data())
def test_a_multipart_body_that_breaks_off_or_is_damaged_is_refused(target: Target, data: st.DataObject) -> None:
    draft = target.drafts["juminhyo-utsushi"]
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(["_do", "_rev", "acting", "applicant.name.family"]), texts)))
    whole = multipart(
        pairs, data.draw(st.sampled_from([b"", b"%PDF-1.4", b"\xff\xd8\xff", b"GIF89a", b"--edge"])), b"edge"
    )
    cut = data.draw(st.integers(0, len(whole)))
    body = whole[:cut] + data.draw(st.sampled_from([b"", b"", b"\r\n", b"\x00", b"--edge", b"--edge--"])) + whole[cut:]
    sent = data.draw(st.sampled_from([whole, whole[:cut], body]))
    kind = data.draw(st.sampled_from(["edge", "edge", "other", "edge; charset=utf-16", "e" * 300]))
    judged(target.post(f"{draft}/2", sent, f"multipart/form-data; boundary={kind}"))


@pytest.mark.parametrize("count", [1999, 2001, 50_000])
def test_thousands_of_controls_are_taken_or_refused_as_a_whole(target: Target, count: int) -> None:
    draft = target.drafts["inu-toroku"]
    answer = target.post(f"{draft}/1", encoded([(f"n{i}", "v") for i in range(count)]))
    judged(answer)
    assert (answer.status_code == 400) == (count > 2000)


def test_a_body_past_the_limit_is_refused_before_it_is_read(target: Target) -> None:
    answer = target.post("/resume", b"code=" + b"x" * (2 << 20))
    assert answer.status_code == 413
    assert "送られた内容が大きすぎます" in answer.text


# --- addresses, methods, headers, cookies -------------------------------------------------------------------------

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get"]
SEGMENTS = [
    *("", ".", "..", "0" * 32, "x" * 5000, "9" * 5000, "1", "0", "-1", "a b", "あ", "٣", "²", ";x=1", "{draft}"),
    *("%00", "%2e%2e", "%ff", "%ED%A0%80", "1%2f2", "%0d%0a", "<script>alert(1)</script>"),
    *("juminhyo-utsushi", "check", "jpki", "oidc", "sandbox"),
]
TEMPLATES = sorted({policy.path for policy in policies(all_routes())})
segments = st.one_of(
    st.sampled_from(SEGMENTS), st.text(max_size=8).map(lambda text: quote(text, safe="", errors="replace"))
)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """An address of ours with anything in its places, or one that nobody has."""
    if draw(st.integers(0, 4)) == 0:
        return "/" + "/".join(draw(st.lists(segments, max_size=5)))
    path = re.sub(r"\{[^}]*\}", lambda _: draw(segments), draw(st.sampled_from(TEMPLATES)))
    query = draw(st.one_of(st.just(""), st.sampled_from(QUERIES), texts.map(lambda text: "?next=" + percent(text))))
    return path + query


QUERIES = [
    *(
        "?",
        "?&&",
        "?check",
        "?check=%ff",
        "?q=%ED%A0%80",
        "?q=%00",
        "?q=" + "x" * 5000,
        "?page=-1",
        "?page=" + "9" * 5000,
    ),
    *("?next=//evil.example", "?next=%5Cevil", "?state=%ff&code=x", "?state=&code=", "?level=root"),
    "?category=%3Cscript%3E",
]


@often
@given(method=st.sampled_from(METHODS), address=addresses())
@example(method="GET", address="/drafts/x/" + "9" * 5000)
@example(method="GET", address="/drafts/%00/1")
@example(method="POST", address="/drafts/%00/submit")
@example(method="GET", address="/applications/%00")
@example(method="GET", address="/payments/%00/go")
def test_any_address_by_any_method_is_answered_or_refused(target: Target, method: str, address: str) -> None:
    answer = ask(beside(target.client), method, address)
    assert answer.status_code < 500
    assert urlsplit(answer.headers.get("location", "/")).netloc in ("", "testserver")


NOTHING: Mapping[bytes, bytes] = MappingProxyType({})


def ask(client: TestClient, method: str, address: str, headers: Mapping[bytes, bytes] = NOTHING) -> httpx2.Response:
    try:
        url = httpx2.URL("http://testserver" + address)
    except httpx2.InvalidURL:
        assume(False)  # no client can send it
    answer: httpx2.Response = client.request(method, url, headers=list(headers.items()), follow_redirects=False)
    return answer


def way(**parts: Any) -> bytes:
    """The cookie of somebody on the way to a provider, with anything in it."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode())


JSONS = [b"[" * 3000, b"null", b"[]", b"1", b"{}", b'"x"', b"\xff", b'{"a":1}']
STATES: list[Any] = ["x", "\ud800", None, 1, []]
COOKIES = [
    *(b"", b"x", b"\xff\xfe", b"a" * 4000, b"\x7f", b'"', b"=;=", b"%00", b"[" * 3000, b"../"),
    *(base64.urlsafe_b64encode(each) for each in JSONS),
    *(way(purpose="signin:jpki", state=state, next="/") for state in STATES),
    *(way(purpose="signin:jpki", state="", next=place) for place in STATES),
    way(purpose=["signin:jpki"], state="x", next="/", transaction={}),
]
NAMES = [b"kakanai", b"kakanai-way", b"__Host-kakanai", b"x"]
HEADERS = [
    *(
        b"hx-request",
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"if-none-match",
        b"x-forwarded-for",
        b"origin",
    ),
    *(
        b"x-forwarded-proto",
        b"sec-fetch-site",
        b"referer",
        b"authorization",
        b"host",
        b"hx-current-url",
        b"range",
        b"te",
    ),
]
VALUES = [
    *(
        b"",
        b"true",
        b"\xff\xfe",
        b"*",
        b'"',
        b'W/"x", "y"',
        b"application/json",
        b"text/html;q=x",
        b"same-origin",
        b"none",
    ),
    *(
        b"Bearer x",
        b"bearer " + b"x" * 4000,
        b"null",
        b"http://[",
        b"http://testserver",
        b"1.2.3.4, ::1, x",
        b"gzip, br",
    ),
]
PLACES = [
    "/",
    "/procedures",
    "/my",
    "/applications",
    "/signin",
    "/signin/jpki/return?state=x&code=taro-jpki",
    "/readyz",
]


@often
@given(
    place=st.sampled_from(PLACES),
    method=st.sampled_from(["GET", "POST"]),
    cookies=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(COOKIES)),
    headers=st.dictionaries(st.sampled_from(HEADERS), st.one_of(st.sampled_from(VALUES), st.binary(max_size=40))),
)
def test_any_cookie_and_header_is_answered_or_refused(
    target: Target, place: str, method: str, cookies: dict[bytes, bytes], headers: dict[bytes, bytes]
) -> None:
    sent = headers | ({b"cookie": b"; ".join(b"%s=%s" % each for each in cookies.items())} if cookies else {})
    assert ask(beside(target.client), method, place, sent).status_code < 500


@pytest.mark.parametrize("cookie", COOKIES)
def test_coming_back_from_a_provider_with_a_cookie_of_ones_own_making_signs_nobody_in(
    target: Target, cookie: bytes
) -> None:
    browser = beside(target.client)
    answer = ask(browser, "GET", "/signin/jpki/return?state=&code=x", {b"cookie": b"kakanai-way=" + cookie})
    assert answer.status_code < 500
    assert not answer.headers.get("set-cookie", "").startswith("kakanai=")


# --- what was typed comes back ------------------------------------------------------------------------------------

TYPED = [MARKUP, "&lt;already&gt;", "{{ 7*7 }}{% endif %}", "'\"`", "\\u003c", "</textarea></form>", "髙𠮟葛\U000e0100"]


@pytest.mark.parametrize("typed", TYPED)
def test_what_was_typed_comes_back_as_it_was_typed(site: TestClient, typed: str) -> None:
    resident = Resident(site)
    first = resident.open("/procedures/juminhyo-utsushi/apply")
    second = resident.press(first, first.form(control="_rev"), {"acting": ["proxy"]}, button=("_do", "next"))
    values = {"applicant.name.family": [typed], "agent.relation": [typed], "applicant.phone": [typed]}
    wrong = resident.press(second, second.form(control="_rev"), values, button=("_do", "next"))
    assert wrong.status == 422
    shown = {control.name: control.value for control in wrong.form(control="_rev").controls}
    assert shown["applicant.name.family"] == shown["agent.relation"] == shown["applicant.phone"] == typed
    assert is_plain(typed) or typed not in wrong.html
    saved = resident.press(wrong, wrong.form(control="_rev"), values, button=("_do", "save"))
    check = resident.open(saved.link("/drafts/").rpartition("/")[0] + "/check")
    assert " ".join(typed.split()) in check.text


def is_plain(text: str) -> bool:
    return not set("<>\"'&") & set(text)


CONTROL_CHARACTERS = "津\x00軽\x08\x1b[31m\u202e"


def test_characters_that_do_harm_are_dropped_and_the_rest_stays(site: TestClient) -> None:
    resident = Resident(site)
    first = resident.open("/procedures/inu-toroku/apply")
    form = first.form(control="_rev")
    values = {"dogs.0.name": [CONTROL_CHARACTERS]}
    wrong = resident.press(first, form, values, button=("_do", "next"))
    shown = {control.name: control.value for control in wrong.form(control="_rev").controls}
    assert shown["dogs.0.name"] == "津軽[31m"


def test_a_search_shows_the_words_and_runs_none(site: TestClient) -> None:
    page = Resident(site).open("/procedures?q=" + percent(MARKUP))
    assert page.status == 200
    assert MARKUP not in page.html
    assert MARKUP in page.text
