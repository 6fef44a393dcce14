"""Signing in with a card over an independent provider of OpenID Connect, in a real browser, with script and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Watch
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.journeys.filing import case_of
from tests.people import mock_provider

CARD = "マイナンバーカードで進む"
GUIDE = "/procedures/inu-toroku"
FAMILY = "applicant.name.family"
Walk = Callable[[bool], Visit]
with_and_without_script = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


@dataclass(frozen=True)
class Sites:
    """Our site, and the provider's address."""

    ours: Server
    issuer: str


@contextmanager
def running(folder: Path) -> Iterator[Sites]:
    (folder / "provider").mkdir()
    (folder / "site").mkdir()
    with mock_provider.running(folder / "provider") as issuer:
        server = Server(
            folder / "site",
            IDENTITY="oidc",
            OIDC_ISSUER=issuer,
            OIDC_CLIENT_ID="city",
            OIDC_KEY_FILE=str(folder / "provider" / "oidc.pem"),
            OIDC_SCOPES=mock_provider.SCOPES,
        )
        server.start()
        try:
            yield Sites(server, issuer)
        finally:
            server.kill()


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with running(tmp_path_factory.mktemp("card")) as made:
        yield made


@pytest.fixture
def walk(chromium: Browser, sites: Sites) -> Iterator[Walk]:
    """Opens a browser that may go to the provider and back; in the end it may have complained of nothing of ours."""
    watches: list[Watch] = []
    with ExitStack() as stack:

        def opened(script: bool) -> Visit:
            context = chromium.new_context(java_script_enabled=script, viewport={"width": 360, "height": 800})
            stack.callback(context.close)
            context.set_default_timeout(20_000)
            context.route("https://**", lambda route: route.abort())  # the provider's page asks a CDN for its looks
            watches.append(Watch(context, sites.ours.url))
            return Visit(context.new_page(), sites.ours.url, script=script, faults=watches[-1].faults)

        yield opened
    theirs = (sites.issuer, "https://cdn.")
    assert [fault for watch in watches for fault in watch.faults if not any(each in fault for each in theirs)] == []


def held_to_the_reader(visit: Visit, sites: Sites, who: str = "taro-1") -> None:
    """Over to the provider by our link, agree there, and back."""
    visit.go(CARD)
    assert visit.page.url.startswith(f"{sites.issuer}/oauth2/authorize?"), visit.page.url
    visit.led_by(visit.page.get_by_role("button", name=who).click)
    assert visit.page.url.startswith(sites.ours.url), visit.page.url


@with_and_without_script
def test_from_the_check_page_to_the_card_and_back_and_it_is_sent(walk: Walk, sites: Sites, script: bool) -> None:
    visit = walk(script)
    case = case_of("inu-toroku", 1)
    visit.open(GUIDE)
    visit.go("申請を始める")
    visit.fill(case["answers"], case["attachments"])
    check, typed = visit.path, rows(visit)
    visit.go("サインインへ進む")
    held_to_the_reader(visit, sites)
    assert (visit.path, rows(visit)) == (check, typed)
    visit.go("この内容で送る")
    assert "申請を受け取りました" in visit.text()


def rows(visit: Visit) -> list[str]:
    """The questions and answers of a check page."""
    return visit.page.locator("main dl dt, main dl dd").all_inner_texts()


@with_and_without_script
def test_in_the_middle_of_a_draft_the_card_fills_in_what_is_still_blank(walk: Walk, sites: Sites, script: bool) -> None:
    visit = walk(script)
    visit.open("/procedures/juminhyo-utsushi")
    visit.go("申請を始める")
    visit.type("acting", "self")
    visit.go("次へ進む")
    step = visit.path
    assert visit.value(FAMILY) == ""
    visit.open(f"/signin?next={step}")
    held_to_the_reader(visit, sites)
    assert visit.path == step
    assert (visit.value(FAMILY), visit.value("applicant.name.given")) == ("津軽", "太郎")
    assert visit.value("applicant.address.city") == "五所川原市"
    assert visit.value("applicant.name.family_kana") == "", "the card does not say how it is read"
    assert "マイナンバーカードの情報を入れました" in visit.text()


@with_and_without_script
def test_saying_no_at_the_provider_leads_to_a_page_that_goes_on(walk: Walk, sites: Sites, script: bool) -> None:
    visit = walk(script)
    visit.open(f"/signin?next={GUIDE}")
    held_to_the_reader(visit, sites, "unsure-1")
    assert visit.page.title().startswith("サインインできませんでした")
    assert "本人の確認ができませんでした" in visit.text()
    held_to_the_reader(visit, sites)
    assert visit.path == GUIDE
    assert "津軽" in visit.page.locator("header").first.inner_text()
