"""The measures themselves: each finds the fault it is there for, and nothing on a plain page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import looks, tree
from tests.browser.looks import FOLDED, large, spaced
from tests.browser.tree import Tree

FRAME = (
    "<!doctype html><html lang=ja><title>題</title><body style='margin:0;font-size:16px'><header>市</header>"
    "<main><h1>題</h1>{}</main><footer>町</footer></body></html>"
)
BOX = "<p style='position:relative;height:60px'>{}</p>"


@pytest.fixture(scope="module")
def bare(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=FOLDED)  # type: ignore[arg-type]  # a dict is a ViewportSize
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("measure", "html"),
    [
        ("wide", "<p style='width:400px'>長い</p>"),
        ("cut", "<p style='height:20px;overflow:hidden;width:60px'>切れてしまう長い文</p>"),
        ("cut", "<div style='height:20px;border:1px solid;width:60px'>はみ出してしまう文</div>"),
        ("cut", "<input aria-label=x style='height:12px;font-size:24px' value='字'>"),
        ("over", BOX.format("<span style='position:absolute'>一つ</span><span style='position:absolute'>二つ</span>")),
        ("over", BOX.format("<input aria-label=x style='position:absolute'><span>名前</span>")),
        ("order", "<div style='display:flex;flex-direction:column-reverse'><p>先</p><p>後</p></div>"),
        ("order", "<div style='display:flex;flex-direction:row-reverse'><p>先に読む</p><p>後</p></div>"),
    ],
)
def test_a_fault_of_the_layout_is_found(bare: Page, measure: str, html: str) -> None:
    bare.set_content(FRAME.format("<p>文です。</p>"))
    assert looks.measured(bare, *looks.LAYOUT, "order") == []
    bare.set_content(FRAME.format(html))
    found = looks.measured(bare, measure)
    assert found and all(each.startswith(f"{measure}: ") for each in found)


def test_what_does_not_give_way_to_larger_letters_or_wider_lines_is_found(bare: Page) -> None:
    bare.set_content(FRAME.format("<p style='height:2rem;width:13rem;border:1px solid'>ちょうど入っている文です</p>"))
    bare.evaluate("() => document.querySelector('p').style.height = '30px'")
    assert looks.measured(bare, "cut") == []
    with large(bare):
        bare.evaluate("() => document.querySelector('p').style.fontSize = '1rem'")
        assert looks.measured(bare, "cut", "over", "wide")
    bare.set_content(FRAME.format("<p style='height:30px;width:200px;border:1px solid'>ちょうど入っている文です</p>"))
    assert looks.measured(bare, "cut") == []
    with spaced(bare):
        assert looks.measured(bare, "cut")


@pytest.mark.parametrize(
    ("fault", "html"),
    [
        ("not one first heading", "<h1>二つ目</h1>"),
        ("a heading of level 4", "<h2>二</h2><h4>四</h4>"),
        ("no name: textbox", "<input>"),
        ("no name: group", "<div role=group><p>名なし</p></div>"),
        ("named '検索', shown as '探す'", "<button aria-label='検索'>探す</button>"),
        ("a choice without", "<label for=f-a>はい ※必須</label><input type=radio id=f-a name=a.b>"),
        ("does not say whether", "<label for=f-a>姓</label><input id=f-a name=a.b>"),
        ("nobody is told", "<label for=a>姓</label><input id=a aria-invalid=true><p class=field__error id=e>書く</p>"),
        (
            "not marked as wrong",
            "<label for=a>姓</label><input id=a aria-describedby=e><p class=field__error id=e>書く</p>",
        ),
        ("not announced: announce", "<p id=announce>変わりました</p>"),
        ("navigations of one name", "<nav aria-label=道>一</nav><nav aria-label=道>二</nav>"),
    ],
)
def test_what_a_screen_reader_stumbles_over_is_found(bare: Page, fault: str, html: str) -> None:
    bare.set_content(FRAME.format("<p>文です。</p>"))
    assert tree.faults(Tree(bare)) == []
    bare.set_content(FRAME.format(html))
    found = tree.faults(Tree(bare))
    assert any(each.startswith(fault) for each in found), found


def test_axe_finds_what_is_wrong_and_a_target_that_is_too_small(bare: Page) -> None:
    bare.set_content(FRAME.format("<img src='data:,'><a href='/' style='display:block;height:10px;width:10px'>字</a>"))
    assert "image-alt" in {each[0] for each in looks.axe(bare)}
    assert looks.small(bare, 24)
