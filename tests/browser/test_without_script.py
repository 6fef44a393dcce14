"""Without script, in a real browser: what the script makes quick is there all the same, by plain buttons."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenBrowser
from tests.browser.visit import Visit
from tests.journeys.filing import case_of


@pytest.fixture
def person(browse: OpenBrowser) -> Visit:
    """The applicant's step of 住民票, for somebody who acts for another."""
    visit = browse(script=False)
    visit.open("/procedures/juminhyo-utsushi/apply")
    visit.type("acting", "proxy")
    visit.go("次へ進む")
    return visit


def test_an_address_is_looked_up_and_one_of_several_towns_picked(person: Visit) -> None:
    person.type("applicant.name.family", "津軽")
    person.type("applicant.address.postal_code", "037-0046")
    person.go("郵便番号から住所を入れる")
    assert person.value("applicant.address.town") == "栄町"
    assert person.value("applicant.name.family") == "津軽"
    person.type("agent.address.postal_code", "498-0000")
    person.led_by(person.page.locator("#f-agent-address-lookup").click)
    towns = person.page.get_by_role("group", name="当てはまる町名").get_by_role("button")
    name = towns.nth(1).inner_text()
    person.led_by(towns.nth(1).click)
    assert person.value("agent.address.city") + person.value("agent.address.town") == name
    assert person.value("applicant.address.town") == "栄町"


def test_files_are_handed_in_and_taken_away(person: Visit) -> None:
    person.type("applicant.name.family", "津軽")
    person.hand_in("attachment.ininjo", "一枚目.pdf", "二枚目.pdf")
    person.go("委任状を添付する")
    assert "一枚目.pdf" in person.text() and "二枚目.pdf" in person.text()
    person.go("一枚目.pdfを削除する")
    assert "一枚目.pdf" not in person.text() and "二枚目.pdf" in person.text()
    assert person.value("applicant.name.family") == "津軽"


def test_what_is_wrong_is_listed_and_each_line_leads_to_its_question(person: Visit) -> None:
    assert person.go("次へ進む") == 422
    assert person.page.title().startswith("入力の誤りがあります")
    links = person.page.locator("#errors a")
    for i in range(0, links.count(), 4):
        goal = (links.nth(i).get_attribute("href") or "").removeprefix("#")
        links.nth(i).click()
        assert person.page.evaluate("id => document.querySelector(':target')?.id === id", goal), goal


def test_a_question_that_follows_is_asked_before_one_goes_on(browse: OpenBrowser) -> None:
    visit = browse(script=False)
    visit.open("/procedures/inu-toroku/apply")
    answers = case_of("inu-toroku")["answers"]
    visit.answer(answers)
    visit.type("dogs.0.microchip", "true")
    assert not visit.asks("dogs.0.microchip_number")
    assert visit.go("次へ進む") == 422
    assert visit.asks("dogs.0.microchip_number") and "マイクロチップ" in " ".join(visit.errors())


def test_a_day_for_bulky_waste_is_booked(browse: OpenBrowser) -> None:
    visit = browse(script=False)
    visit.open("/procedures/sodai-gomi/apply")
    visit.fill(case_of("sodai-gomi")["answers"])
    assert "2,500円" in visit.text() and "収集の日" in visit.text()
