"""Somebody who reads little Japanese: the same forms in their language, and the city still reads Japanese."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.journeys.filing import case_of, declared, filled, number_of, submitted
from tests.journeys.pages import Page, PageForm, Resident, answered, standing

DOG = "inu-toroku"
LETTER = "shicho-tegami"
"""No life event leads to it, so its own questions may stay Japanese."""
CODES = {"ja": "ja", "ja-easy": "ja", "en": "en", "zh": "zh-Hans", "ko": "ko", "vi": "vi", "pt": "pt-BR"}
DAY = {".era": "ad", ".year": "2026", ".month": "11", ".day": "19"}
PAGES = ("/", "/procedures", f"/procedures/{DOG}", f"/procedures/{DOG}/apply", "/resume", "/applications", "/signin")


def step(page: Page) -> PageForm:
    return page.form(control="_rev")


def tag(html: str) -> str:
    found = re.search(r'<html lang="([^"]+)"', html)
    assert found, html[:200]
    return found[1]


@pytest.mark.parametrize("code", CODES)
def test_every_page_is_there_in_every_language(code: str, site: TestClient) -> None:
    told = {path: site.get(path, params={"lang": code}) for path in PAGES}
    assert {path: (page.status_code, tag(page.text)) for path, page in told.items()} == dict.fromkeys(
        PAGES, (200, CODES[code])
    )
    assert site.cookies["kakanai-language"] == code


def test_the_language_stays_until_another_is_chosen(site: TestClient) -> None:
    assert tag(site.get("/").text) == "ja"
    assert tag(site.get("/?lang=vi").text) == "vi"
    assert tag(site.get("/procedures").text) == "vi"
    assert tag(site.get("/procedures?lang=klingon").text) == "vi"
    assert tag(site.get("/?lang=ja").text) == "ja"
    assert tag(site.get("/procedures").text) == "ja"


def test_what_one_visitor_chose_changes_nothing_for_the_next(
    site: TestClient, another: Callable[[], TestClient]
) -> None:
    english = site.get(f"/procedures/{DOG}?lang=en")
    japanese = another().get(f"/procedures/{DOG}")
    assert (tag(english.text), tag(japanese.text)) == ("en", "ja")
    assert english.headers["etag"] != japanese.headers["etag"]
    assert "Cookie" in english.headers["vary"]
    again = site.get(f"/procedures/{DOG}", headers={"if-none-match": english.headers["etag"]})
    assert again.status_code == 304


def test_switching_the_language_keeps_what_was_typed(site: TestClient) -> None:
    resident, case = Resident(site), case_of(DOG)
    first = resident.open(f"/procedures/{DOG}/apply")
    typed = answered(step(first), case["answers"])
    page = resident.press(first, step(first), typed, button=("_do", "language:vi"))
    assert (page.status, tag(page.html)) == (200, "vi")
    kept = dict(standing(step(page)))
    assert {name: [value for value in kept[name] if value] for name in typed} == typed
    assert tag(resident.open("/procedures").html) == "vi"


def test_switching_back_in_the_middle_of_a_draft_keeps_the_draft(site: TestClient) -> None:
    resident, case = Resident(site), case_of(DOG)
    check = filled(resident, DOG, case["answers"], case.get("attachments"))
    step_page = resident.open(check.path.replace("check", "1"))
    typed = answered(step(step_page), case["answers"])
    english = resident.press(step_page, step(step_page), typed, button=("_do", "language:en"))
    assert tag(english.html) == "en"
    again = resident.press(english, step(english), button=("_do", "next"))
    assert (again.status, tag(again.html)) == (200, "en")


def test_a_resident_files_in_english_and_the_city_reads_japanese(site: TestClient) -> None:
    resident, case = Resident(site), case_of(DOG)
    resident.open("/?lang=en")
    check = filled(resident, DOG, case["answers"], case.get("attachments"))
    assert (check.path.endswith("/check"), tag(check.html)) == (True, "en")
    receipt = submitted(resident, check, declared(DOG).assurance.value)
    assert tag(receipt.html) == "en"
    number = number_of(receipt)
    resident.open("/?lang=ja")
    for page in (resident.open(f"/applications/{number}"), resident.open(f"/applications/{number}/receipt")):
        assert (tag(page.html), declared(DOG).title in page.text) == ("ja", True)


def test_a_text_nobody_has_translated_is_marked_as_japanese(site: TestClient) -> None:
    page = site.get(f"/procedures/{LETTER}/apply?lang=vi").text
    assert re.search(r'<span lang="ja">何についての手紙ですか</span>', page)
    assert re.search(r"<h1[^>]*>[^<]*市長", page) is None, "its title is translated"


def test_a_reading_stands_over_its_kanji_and_what_was_typed_stays_as_it_was(site: TestClient) -> None:
    resident, case = Resident(site), case_of(DOG)
    page = resident.open(f"/procedures/{DOG}?lang=ja-easy")
    assert "<ruby>犬<rp>(</rp><rt>いぬ</rt><rp>)</rp></ruby>" in page.html
    assert re.search(r"<title>[^<]*<ruby", page.html) is None
    answers = {**case["answers"]}
    applicant = {**answers["applicant"], "name": {**answers["applicant"]["name"], "family": "津軽(つがる)"}}
    check = filled(resident, DOG, {**answers, "applicant": applicant}, case.get("attachments"))
    assert "津軽(つがる)" in check.html


def test_staff_and_machines_read_japanese_whatever_the_cookie_says(site: TestClient) -> None:
    site.get("/?lang=en")
    assert "犬の登録申請" in site.get("/opendata/procedures.json").text
    told = site.post("/graphql", json={"query": '{ procedure(slug: "inu-toroku") { title } }'}).json()
    assert told["data"]["procedure"]["title"] == "犬の登録申請"


def test_an_interview_is_held_in_the_residents_language_and_gives_the_same_list(site: TestClient) -> None:
    asked = "/life-events/death"
    english = site.get(f"{asked}?lang=en").text
    assert tag(english) == "en"
    query = {question: [value] for question, value in _first_choices(english).items()}
    lists = {code: site.get(f"{asked}/list", params={**query, "lang": code}) for code in ("ja", "en")}
    assert {code: (page.status_code, tag(page.text)) for code, page in lists.items()} == {
        "ja": (200, "ja"),
        "en": (200, "en"),
    }
    slugs = {code: re.findall(r'href="/procedures/([a-z-]+)"', page.text) for code, page in lists.items()}
    assert slugs["ja"] == slugs["en"] != []


def _first_choices(html: str) -> dict[str, str]:
    """What somebody answers who always takes the last choice, and yesterday."""
    choices = dict(re.findall(r'type="radio"[^>]* name="([a-z_]+)" value="([^"]+)"', html))
    days = re.findall(r'name="([a-z_]+)\.year"', html)
    dated = {f"{day}{part}": text for day in days for part, text in DAY.items()}
    return choices | dated
