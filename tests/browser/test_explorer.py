"""The API is tried by hand in a real browser, under the site's own rule for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenBrowser
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.security.test_production import production as as_a_city_runs_it

PATH = "/graphql/explorer"


def answer(visit: Visit) -> dict[str, Any]:
    """Send what is in the boxes and read what comes."""
    before = visit.page.locator("#explorer-answer").inner_text()
    visit.press("送る")
    expect(visit.page.locator("#explorer-answer")).not_to_have_text(before)
    expect(visit.page.locator("#explorer-state")).to_contain_text("200")
    told: dict[str, Any] = json.loads(visit.page.locator("#explorer-answer").inner_text())
    return told


def test_an_example_is_chosen_sent_and_answered(visit: Visit) -> None:
    assert visit.open(PATH) == 200
    visit.press("オンライン化の歩み")
    told = answer(visit)
    assert [each["year"] for each in told["data"]["rollout"]] == ["R3", "R4", "R5", "R6", "R7"]
    assert told["extensions"]["cost"] <= told["extensions"]["costLimit"]


@pytest.mark.parametrize("title", ["手続の一覧", "手続の案内", "ある版の質問", "担当課と窓口の時間"])
def test_examples_come_with_variables_that_answer_something(visit: Visit, title: str) -> None:
    visit.open(PATH)
    visit.press(title)
    told = answer(visit)
    assert "errors" not in told
    assert all(told["data"].values())


def test_what_is_typed_wrong_is_told(visit: Visit) -> None:
    visit.open(PATH)
    visit.page.locator("#explorer-query").fill("{ procedur { slug } }")
    assert answer(visit)["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    visit.page.locator("#explorer-variables").fill("{")
    visit.press("送る")
    expect(visit.page.locator("#explorer-state")).to_have_text("変数が JSON として読めません。")


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Server]:
    """A city's own server, whose operator allows the explorer."""
    made = Server(tmp_path, **{name.removeprefix("KAKANAI_"): text for name, text in settings(tmp_path).items()})
    made.command("db", "upgrade")
    made.command("procedures", "publish")
    made.start()
    yield made
    made.kill()


def settings(directory: Path) -> dict[str, str]:
    return as_a_city_runs_it(directory) | {"KAKANAI_MODE": "production", "KAKANAI_EXPLORER": "on"}


def test_in_production_it_reads_and_sends_no_cookie(production: Server, browse: OpenBrowser) -> None:
    visit = browse(at=production)
    sent: list[str] = []
    visit.page.context.add_cookies([{"name": "x", "value": "y", "url": production.url}])
    visit.page.context.on("request", lambda request: sent.append(request.all_headers().get("cookie", "")))
    assert visit.open(PATH) == 200
    assert "ほんとうの申請になります" in visit.text()
    assert visit.page.get_by_role("button", name="申請を出す").count() == 0
    visit.press("オンライン化の歩み")
    sent.clear()
    assert answer(visit)["data"]["rollout"]
    assert sent == [""]


def test_without_script_it_says_what_to_do_instead(browse: OpenBrowser) -> None:
    visit = browse(script=False)
    visit.open(PATH)
    assert "curl" in visit.text()
