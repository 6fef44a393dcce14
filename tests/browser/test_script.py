"""What the script adds: questions that follow an answer, rows, addresses. Nothing typed and no focus is lost on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import OpenBrowser
from tests.browser.visit import Visit

FOCUSED = "() => document.activeElement.id || document.activeElement.tagName"
STAYED = "() => window.stayed === true"


@pytest.fixture
def dogs(visit: Visit) -> Visit:
    """The first step of the dogs' registration, marked so that a reload shows."""
    visit.open("/procedures/inu-toroku/apply")
    visit.page.evaluate("() => { window.stayed = true; }")
    return visit


@pytest.fixture
def person(visit: Visit) -> Visit:
    """The applicant's step of 住民票."""
    visit.open("/procedures/juminhyo-utsushi/apply")
    visit.type("acting", "self")
    visit.go("次へ進む")
    visit.page.evaluate("() => { window.stayed = true; }")
    return visit


def focus(visit: Visit) -> str:
    found: str = visit.page.evaluate(FOCUSED)
    return found


def click(visit: Visit, id: str) -> None:
    """With the mouse, on the label."""
    visit.page.locator(f'label[for="{id}"]').click()


@contextmanager
def slow(visit: Visit) -> Iterator[None]:
    """What the page asks for meanwhile is answered only at the end."""
    waiting: list[Route] = []
    visit.page.route("**/apply", lambda route: waiting.append(route))
    yield
    for route in waiting:
        route.continue_()
    visit.settle()
    visit.page.unroute_all()


def test_a_question_that_follows_from_an_answer_appears_at_once_and_goes_again(dogs: Visit) -> None:
    assert not dogs.asks("dogs.0.microchip_number")
    click(dogs, "f-dogs-0-microchip")
    expect(dogs.control("dogs.0.microchip_number")).to_be_visible()
    expect(dogs.page.locator("#announce")).to_have_text("質問が変わりました。")
    click(dogs, "f-dogs-0-microchip-2")
    expect(dogs.control("dogs.0.microchip_number")).to_have_count(0)
    assert dogs.page.evaluate(STAYED), "without loading the page anew"
    assert dogs.path == "/procedures/inu-toroku/apply"


def test_an_answer_that_changes_no_question_is_not_announced(dogs: Visit) -> None:
    dogs.type("dogs.0.vaccination", "not-yet")
    dogs.type("dogs.0.vaccination", "exempt")
    assert dogs.page.locator("#announce").inner_text() == ""


def test_the_focus_stays_where_it_was_when_the_questions_change(dogs: Visit) -> None:
    dogs.page.locator("#f-dogs-0-microchip").focus()
    dogs.page.keyboard.press(" ")
    expect(dogs.control("dogs.0.microchip_number")).to_be_visible()
    assert focus(dogs) == "f-dogs-0-microchip"
    dogs.page.keyboard.press("Tab")
    assert focus(dogs) == "f-dogs-0-microchip_number", "and goes on to the question that has come"


def test_what_is_typed_while_the_answer_is_on_its_way_stays(dogs: Visit) -> None:
    with slow(dogs):
        click(dogs, "f-dogs-0-microchip")  # the questions are asked for
        dogs.page.locator("#f-dogs-0-name").fill("ポチ")
        dogs.page.locator("#f-dogs-0-birthdate-year").fill("2025")
        dogs.page.locator("#f-dogs-0-sex-2").check()
        dogs.page.locator("#f-dogs-0-features").focus()
        dogs.page.keyboard.insert_text("右の耳")
    expect(dogs.control("dogs.0.microchip_number")).to_be_visible()
    assert dogs.value("dogs.0.name") == "ポチ"
    assert dogs.value("dogs.0.birthdate.year") == "2025"
    assert dogs.page.locator("#f-dogs-0-sex-2").is_checked()
    assert dogs.value("dogs.0.features") == "右の耳"
    assert focus(dogs) == "f-dogs-0-features"


def test_a_page_that_cannot_be_asked_for_more_stays_and_says_so(dogs: Visit) -> None:
    dogs.page.route("**/apply", lambda route: route.abort())
    click(dogs, "f-dogs-0-microchip")
    expect(dogs.page.locator("#trouble")).to_be_visible()
    dogs.page.unroute_all()
    click(dogs, "f-dogs-0-microchip-2")
    expect(dogs.page.locator("#trouble")).to_be_hidden()
    dogs.faults.clear()  # the browser complains of the address that did not answer, which is what this is about


def test_of_two_quick_changes_the_last_counts(dogs: Visit) -> None:
    with slow(dogs):
        click(dogs, "f-dogs-0-microchip")
        click(dogs, "f-dogs-0-microchip-2")
        click(dogs, "f-dogs-0-vaccination")
    expect(dogs.control("dogs.0.vaccinated_on.year")).to_be_visible()
    assert not dogs.asks("dogs.0.microchip_number")
    assert dogs.page.locator("#f-dogs-0-microchip-2").is_checked()


def test_rows_come_and_go_without_loading_the_page(dogs: Visit) -> None:
    dogs.type("dogs.0.name", "ポチ")
    dogs.press("登録する犬を追加する")
    expect(dogs.page.locator("#f-dogs-1-name")).to_be_visible()
    assert focus(dogs) == "f-dogs-1-name", "one goes on in the new row"
    dogs.page.keyboard.insert_text("タマ")
    dogs.press("登録する犬を追加する")
    dogs.type("dogs.2.name", "クロ")
    dogs.press("登録する犬 2を削除する")
    assert [dogs.value(f"dogs.{i}.name") for i in (0, 1)] == ["ポチ", "クロ"]
    assert not dogs.asks("dogs.2.name")
    assert focus(dogs) == "f-dogs-add", "the button pressed is gone: the focus is not"
    assert dogs.page.evaluate(STAYED)


def test_the_last_row_that_fits_takes_the_button_away_but_not_the_focus(dogs: Visit) -> None:
    dogs.rows("dogs", 10)
    expect(dogs.page.locator("#f-dogs-add")).to_have_count(0)
    assert focus(dogs) == "f-dogs-9-name"


def test_a_postal_code_fills_in_the_address(person: Visit) -> None:
    person.type("applicant.name.family", "津軽")
    person.type("applicant.address.postal_code", "0370046")
    person.press("郵便番号から住所を入れる")
    assert person.value("applicant.address.prefecture") == "02"
    assert person.value("applicant.address.city") == "五所川原市"
    assert person.value("applicant.address.town") == "栄町"
    assert person.value("applicant.name.family") == "津軽"
    assert focus(person) != "BODY"
    assert person.page.evaluate(STAYED)


def test_of_several_towns_one_is_picked(person: Visit) -> None:
    person.type("applicant.address.postal_code", "498-0000")
    person.press("郵便番号から住所を入れる")
    towns = person.page.get_by_role("group", name="当てはまる町名").get_by_role("button")
    assert towns.count() > 1
    name = towns.nth(1).inner_text()
    towns.nth(1).click()
    person.settle()
    assert person.value("applicant.address.city") + person.value("applicant.address.town") == name
    assert towns.count() == 0
    assert focus(person).startswith("f-applicant-address-"), "the button pressed is gone: one goes on with the address"


def test_errors_have_the_focus_and_lead_to_the_questions(person: Visit) -> None:
    assert person.go("次へ進む") == 422
    assert focus(person) == "errors"
    assert person.page.title().startswith("入力の誤りがあります")
    links = person.page.locator("#errors a")
    for i in range(links.count()):
        goal = (links.nth(i).get_attribute("href") or "").removeprefix("#")
        links.nth(i).press("Enter")
        assert focus(person) == goal
        found = person.page.locator(f"#{goal}")
        assert found.get_attribute("aria-invalid") == "true" or found.evaluate(
            "e => !!e.closest('[aria-invalid=true]')"
        )
        assert found.evaluate(
            "e => { const r = e.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; }"
        )


def test_errors_stay_beside_their_questions_when_the_questions_change(dogs: Visit) -> None:
    dogs.type("dogs.0.breed", "柴犬")
    assert dogs.go("次へ進む") == 422
    expect(dogs.page.locator("#f-dogs-0-name-error")).to_be_visible()
    click(dogs, "f-dogs-0-microchip")
    expect(dogs.control("dogs.0.microchip_number")).to_be_visible()
    expect(dogs.page.locator("#f-dogs-0-name-error")).to_be_visible()
    expect(dogs.page.locator("#f-dogs-0-microchip-error")).to_have_count(0)  # mended
    expect(dogs.page.locator("#f-dogs-0-microchip_number-error")).to_have_count(0)  # not asked before


def test_a_chosen_file_stays_chosen_when_the_questions_change(visit: Visit) -> None:
    visit.open("/procedures/juminhyo-utsushi/apply")
    visit.type("acting", "proxy")
    visit.go("次へ進む")
    visit.hand_in("attachment.ininjo", "委任状.pdf")
    visit.type("applicant.name.given_kana", "タロウ")
    expect(visit.page.locator("#announce")).to_have_text("")
    visit.type("applicant.address.postal_code", "037-0046")
    visit.press("郵便番号から住所を入れる")
    chosen = visit.page.locator("#f-attachment-ininjo").evaluate("e => [...e.files].map(f => f.name)")
    assert chosen == ["委任状.pdf"]
    visit.press("委任状を添付する")
    expect(visit.page.get_by_role("link", name="委任状.pdf")).to_be_visible()


def test_enter_in_a_box_goes_on_and_takes_no_row_away(dogs: Visit) -> None:
    dogs.rows("dogs", 2)
    dogs.page.locator("#f-dogs-0-name").fill("ポチ")
    assert dogs.led_by(lambda: dogs.page.locator("#f-dogs-0-name").press("Enter")) == 422
    assert dogs.asks("dogs.1.name") and dogs.value("dogs.0.name") == "ポチ"


MARKUP = """'"><img src=x onerror="window.run = 1"><b hx-get="/">x</b><script>window.run = 1</script>"""


def test_markup_that_is_typed_is_text_on_every_page(dogs: Visit) -> None:
    for name in ("dogs.0.name", "dogs.0.breed", "dogs.0.features"):
        dogs.type(name, MARKUP)
    click(dogs, "f-dogs-0-microchip")  # the questions come back as a part of a page
    expect(dogs.control("dogs.0.microchip_number")).to_be_visible()
    assert dogs.value("dogs.0.name") == MARKUP
    assert dogs.go("次へ進む") == 422
    assert dogs.value("dogs.0.name") == MARKUP
    dogs.go("保存して中断する")
    dogs.go("続けて入力する")
    dogs.open(dogs.path.rpartition("/")[0] + "/check")
    assert MARKUP in dogs.text()
    assert dogs.page.locator("[hx-get], img[src=x]").count() == 0
    assert dogs.page.evaluate("() => window.run") is None


INJECTED = """() => {
  const add = (tag, more) => document.body.append(Object.assign(document.createElement(tag), more));
  add('script', {textContent: 'window.run = 1'});
  add('img', {src: 'http://other.example/x.png'});
  add('style', {textContent: 'main { display: none }'});
}"""


def test_a_browser_runs_nothing_that_is_not_ours_and_the_tests_see_it_try(visit: Visit) -> None:
    visit.open("/")
    visit.page.evaluate(INJECTED)
    expect(visit.page.locator("h1")).to_be_visible()
    assert visit.page.evaluate("() => window.run") is None
    visit.page.wait_for_timeout(100)
    told = [fault for fault in visit.faults if "CSP" in fault]
    assert [sum(kind in fault for fault in told) for kind in ("script-src", "img-src", "style-src")] == [1, 1, 1]
    visit.faults.clear()


def test_htmx_keeps_no_page_and_no_history(person: Visit) -> None:
    person.type("applicant.name.family", "津軽")
    person.press("郵便番号から住所を入れる")
    stored = person.page.evaluate("() => JSON.stringify([{...sessionStorage}, {...localStorage}])")
    assert "津軽" not in stored and "htmx-history-cache" not in stored
    assert person.page.evaluate("() => history.length") <= 4


def test_printing_is_offered_where_there_is_script(browse: OpenBrowser) -> None:
    for script in (True, False):
        visit = browse(script=script)
        visit.open("/procedures/juminhyo-utsushi/apply")
        visit.go("保存して中断する")
        expect(visit.page.get_by_role("button", name="このページを印刷する")).to_have_count(int(script))


def test_without_script_every_button_is_a_plain_button(browse: OpenBrowser) -> None:
    visit = browse(script=False)
    visit.open("/procedures/inu-toroku/apply")
    visit.type("dogs.0.name", "ポチ")
    visit.go("登録する犬を追加する")
    visit.type("dogs.1.name", "タマ")
    visit.type("dogs.1.microchip", "true")
    visit.go("登録する犬を追加する")
    assert visit.asks("dogs.1.microchip_number")
    assert visit.page.url.endswith("#f-dogs-2"), "one is led to the new row"
    visit.go("登録する犬 1を削除する")
    assert visit.value("dogs.0.name") == "タマ"
    assert visit.asks("dogs.0.microchip_number")
