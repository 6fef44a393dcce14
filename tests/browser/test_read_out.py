"""What a screen reader says of a page, and when."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.looks import FOLDED
from tests.browser.read_out import NAMES, SPOKEN, spoken
from tests.browser.test_samples import PAGES, html_of, serve
from tests.browser.tree import Tree
from tests.browser.visit import Visit


def test_pages_are_read_out_as_they_were_when_somebody_last_listened(chromium: Browser) -> None:
    """Where this fails and the page is right, `python -m tests.browser.read_out` keeps the new words."""
    context = chromium.new_context(viewport=FOLDED)  # type: ignore[arg-type]  # a dict is a ViewportSize
    context.route("**/*", serve)
    page = context.new_page()
    for name in NAMES:
        assert spoken(page, name).splitlines() == (SPOKEN / f"{name}.yaml").read_text("utf-8").splitlines(), name
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_the_title_says_which_page_it_is_and_first_that_something_is_wrong(name: str) -> None:
    html = html_of(name)
    (title,) = re.findall(r"<title>(.*?)</title>", html, re.DOTALL)
    named = r"(入力の誤りがあります: |できませんでした: )?\S.* \| \S+ (手続きオンライン|職員用)"
    assert re.fullmatch(named, " ".join(title.split())), title
    assert title.startswith(("入力の誤りがあります", "できませんでした")) == ('id="errors"' in html)


def test_pages_of_two_kinds_do_not_have_the_same_title() -> None:
    """But for the steps of signing in, and for what is not there, whoever asks."""
    kinds: dict[str, set[str]] = {}
    for name, (template, _) in PAGES.items():
        title = re.findall(r"<title>(.*?)</title>", html_of(name), re.DOTALL)[0]
        kinds.setdefault(" ".join(title.split()).removeprefix("入力の誤りがあります: "), set()).add(template)
    same = {title.partition(" |")[0] for title, templates in kinds.items() if len(templates) > 1}
    assert same <= {"サインイン", "ページが見つかりません"}


def test_what_happens_meanwhile_is_said(visit: Visit) -> None:
    """Questions that come, towns to choose from, a line that fails (WCAG 4.1.3)."""
    visit.open("/procedures/inu-toroku/apply")
    assert said(visit, "status") == []
    visit.type("dogs.0.microchip", "true")
    expect(visit.page.locator("#announce")).to_have_text("質問が変わりました。")
    assert said(visit, "status") == ["質問が変わりました。"]
    visit.page.route("**/apply", lambda route: route.abort())
    visit.page.locator('label[for="f-dogs-0-microchip-2"]').click()
    expect(visit.page.locator("#trouble")).to_be_visible()
    assert said(visit, "alert")[0].startswith("つながりませんでした。")
    visit.page.unroute_all()
    visit.faults.clear()  # the browser complains of the address that did not answer, which is what this is about


def test_what_was_done_is_said_on_the_page_that_follows(visit: Visit) -> None:
    visit.open("/procedures/juminhyo-utsushi/apply")
    visit.type("acting", "proxy")
    visit.go("次へ進む")
    visit.hand_in("attachment.ininjo", "委任状.pdf")
    visit.go("委任状を添付する")
    links = [node.name for node in Tree(visit.page).of("link")]
    assert "委任状.pdf" in links, "the file stands in the list"
    visit.type("applicant.address.postal_code", "498-0000")
    visit.press("郵便番号から住所を入れる")
    assert "町名がいくつかあります" in " ".join(said(visit, "status"))


def said(visit: Visit, role: str) -> list[str]:
    """The text of the live regions of a role."""
    regions = visit.page.get_by_role(role)  # type: ignore[arg-type]  # 'status' or 'alert'
    return [text for text in regions.all_inner_texts() if text.strip()]
