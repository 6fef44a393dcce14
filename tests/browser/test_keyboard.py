"""A whole application by the keyboard alone: each stop of the focus is seen, uncovered and in the page's order."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.browser.conftest import OpenBrowser
from tests.browser.keys import Keys
from tests.browser.looks import DESK, FOLDED
from tests.journeys.filing import case_of

PAPERS = {"attachment.ininjo": "委任状.pdf"}


@pytest.mark.parametrize("size", [FOLDED, DESK], ids=["phone", "desk"])
def test_a_friend_files_signs_and_pays_by_the_keyboard_alone(browse: OpenBrowser, size: dict[str, int]) -> None:
    """With errors followed from the summary, an address looked up, a file, rows that come and go, and a change after
    the check page."""
    visit = browse(viewport=size)
    keys, answers = Keys(visit), case_of("juminhyo-utsushi", 1)["answers"]
    visit.open("/procedures/juminhyo-utsushi")
    assert keys.tab().words == "本文へ移動"
    visit.page.keyboard.press("Enter")
    keys.anew()
    assert keys.here().id == "main"
    keys.press("申請を始める")
    keys.answer(answers, PAPERS)

    assert keys.press("次へ進む") == 422
    assert keys.here().id == "errors"
    first = keys.tab()
    visit.page.keyboard.press("Enter")
    keys.anew()
    keys.look(keys.here())
    assert keys.here().name == "applicant.name.family", first.words
    visit.page.keyboard.insert_text(answers["applicant"]["name"]["family"])
    keys.to(lambda stop: stop.name == "applicant.address.postal_code")
    visit.page.keyboard.insert_text("0370046")
    assert keys.tab().words == "郵便番号から住所を入れる"
    keys.stay()
    assert keys.here().words == "郵便番号から住所を入れる"
    assert visit.value("applicant.address.town") == "栄町"
    visit.page.reload()
    keys.anew()

    keys.answer(answers, PAPERS)
    assert visit.path.endswith("/3"), visit.errors()
    more = deepcopy(answers)
    more["people"].append(answers["people"][0])
    keys.to(lambda stop: stop.name == "extent")
    visit.page.keyboard.press("ArrowUp")
    visit.settle()
    assert keys.here().value == "part"
    keys.anew()
    for _ in more["people"][1:]:
        keys.to(lambda stop: stop.id == "f-people-add")
        keys.stay()
        assert keys.here().name.endswith(".name.family")
    keys.to(lambda stop: stop.words.endswith("3を削除する"))
    keys.stay()
    assert keys.here().id == "f-people-add" and not visit.asks("people.2.name.family")
    visit.open(visit.path)
    keys.anew()
    keys.answer(answers, PAPERS)
    keys.answer(answers, PAPERS)

    assert visit.path.endswith("/check")
    keys.press("修正する: 使いみちと受け取り")
    keys.answer(answers | {"submit_to": "見本銀行"}, PAPERS)
    assert visit.path.endswith("/check") and "見本銀行" in visit.text()
    for words in ("サインインへ進む", "津軽　太郎 さん", "電子署名へ進む", "電子署名を始める", "署名する"):
        keys.press(words)
    for words in ("この内容で送る", "支払いへ進む", "支払い画面に進む", "支払う"):
        keys.press(words)
    assert "支払いが済みました" in visit.text()
    assert keys.stops > 150
