"""What somebody types is words, wherever it is shown again: never a tag, an attribute, a script or a template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from forms_schema.text import clean
from tests.security.markup import PAYLOADS, Reading
from tests.security.site import LETTER, PDF, PERSON, Browser, Site, place, revision

NAMED = ("note", "story", "children.0.nickname")
ABOUT = (
    "applicant.name.family",
    "applicant.name.given",
    "applicant.address.city",
    "applicant.address.town",
    "applicant.address.street",
    "applicant.address.building",
)
NOT_KEPT = (
    "way",
    "applicant.name.family_kana",
    "applicant.birthdate.era",
    "applicant.birthdate.year",
    "applicant.address.postal_code",
    "applicant.address.prefecture",
    "applicant.phone",
    "applicant.email",
)
"""Where it is no answer: it comes back beside its error, and goes no further."""
Seen = Iterator[tuple[str, str]]


def ways(browser: Browser, text: str) -> Seen:
    """Every page on which a resident's words are shown again: (name of the page, its HTML)."""
    typed = {**LETTER, "_rows.children": "1", **dict.fromkeys(NAMED, text)}
    file = [("attachment.paper", (f"{text}.pdf", PDF, "application/pdf"))]
    wrong = {**typed, "way": text}
    yield "first step with an error", browser.post("/procedures/letter/apply", wrong).text
    part = browser.client.post("/procedures/letter/apply", data=wrong | {"_do": "refresh"}, headers=HTMX)
    yield "its questions alone", part.text
    second = place(browser.post("/procedures/letter/apply", typed, file))
    base = second.rpartition("/")[0]
    yield "step with a file", browser.get(f"{base}/1").text
    seen = browser.revision(second)
    about = {**PERSON, "_rev": seen, **dict.fromkeys(ABOUT, text)}
    yield "step about somebody with errors", browser.post(second, about | dict.fromkeys(NOT_KEPT, text)).text
    place(browser.post(second, about))
    yield "step about somebody", browser.get(second).text
    yield "conflict", browser.post(second, PERSON | {"_rev": "1", "applicant.name.family": f"べつの{text}"}).text
    yield "check", browser.get(f"{base}/check").text
    number = place(browser.post(f"{base}/submit", {"_rev": revision(browser.get(f"{base}/check").text)})).split("/")[2]
    yield "receipt", browser.get(f"/applications/{number}/receipt").text


HTMX = {"hx-request": "true"}


@pytest.fixture(scope="module")
def harmless(site: Site) -> Mapping[str, Reading]:
    """The same pages with words that mean nothing."""
    return {name: Reading(html) for name, html in ways(site.browser(), "ただの言葉")}


@pytest.mark.parametrize("text", PAYLOADS)
def test_what_was_typed_is_words_on_every_page_that_shows_it(
    text: str, site: Site, harmless: Mapping[str, Reading]
) -> None:
    browser = site.browser()
    kept = clean(text)
    for name, html in ways(browser, text):
        read = Reading(html)
        assert read.harm == [], name
        assert read.shape <= harmless[name].shape, name
        assert read.holds(kept), name


def test_there_are_enough_of_them() -> None:
    assert len(set(PAYLOADS)) >= 60


@pytest.fixture(scope="module")
def plain(site: Site) -> Mapping[str, set[tuple[str, ...]]]:
    """The shapes of the same pages with words that mean nothing, and with words that find something."""
    seen = [boxes(site.browser(), words) for words in ("xyzzy", site.of.catalogue.all()[0].declaration.title)]
    return {path: Reading(html).shape | Reading(other).shape for (path, html), (_, other) in zip(*seen, strict=True)}


def boxes(browser: Browser, text: str) -> Seen:
    """Every page with a box that is not a form's question."""
    yield "search", browser.client.get("/procedures", params={"q": text}).text
    yield "filtered", browser.client.get("/procedures", params={"q": text, "category": text, "page": text}).text
    yield "look-up", browser.post("/applications", {"number": text, "access_code": text}).text
    yield "resume", browser.post("/resume", {"code": text}).text
    yield "mail", browser.post("/signin/email", {"address": text, "next": text}).text
    yield "sign-in", browser.client.get("/signin", params={"next": text, "level": text}).text
    yield "card", browser.client.get("/sandbox/card/jpki", params={"state": text, "to": text}).text
    yield "nothing", browser.client.get("/drafts/x", params={text: text}).text


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_box_shows_words_too(text: str, site: Site, plain: Mapping[str, set[tuple[str, ...]]]) -> None:
    for name, html in boxes(site.browser(), text):
        read = Reading(html)
        assert read.harm == [], name
        assert read.shape <= plain[name], name


def test_the_name_on_a_card_is_words(site: Site) -> None:
    """Every page greets whoever is signed in; a name with markup in it is a name all the same."""
    browser = site.browser()
    text = '"><b hx-get=/x>&lt;'
    place(browser.post("/signin/email", {"address": "x'b&gt@example.jp"}))
    mailbox = browser.get("/sandbox/mail").text
    assert Reading(mailbox).holds("x'b&gt@example.jp")
    assert Reading(mailbox).harm == []
    assert browser.post("/signin/email", {"address": f"{text}@example.jp"}).status_code == 422


def test_a_file_is_saved_and_not_shown(site: Site) -> None:
    browser = site.browser()
    draft = browser.begin("letter", files=[("attachment.paper", ("x.html", PDF, "text/html"))])
    file = browser.get(f"/drafts/{draft}/1").text.partition(f'href="/drafts/{draft}/files/')[2].partition('"')[0]
    answer = browser.get(f"/drafts/{draft}/files/{file}")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''x.html.pdf"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-<script>alert(document.domain)</script>",
        b"GIF89a/*<script>alert(1)</script>",
        b"PK\x03\x04",
        b"\x7fELF",
        b" %PDF-1.4",
        b"RIFF\0\0\0\0WEBP",
        b"",
    ],
)
def test_a_file_is_taken_by_what_it_is_whatever_it_says_it_is(content: bytes, site: Site) -> None:
    file = [("attachment.paper", ("証明書.pdf", content, "application/pdf"))]
    answer = site.browser().post("/procedures/letter/apply", LETTER, file)
    assert answer.status_code == 422
    assert "attachment-paper-error" in answer.text
