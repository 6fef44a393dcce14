"""Paying a fee in a real browser, on the hosted page of a server that speaks Stripe's API, and coming back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx2
import pytest
from playwright.sync_api import Browser, Request

from tests.browser.conftest import Watch
from tests.browser.server import Server
from tests.browser.test_accessible_pages import examined
from tests.browser.visit import Visit
from tests.journeys.filing import case_of, declared, filed
from tests.journeys.pages import Resident
from tests.payments.stripe_server import Account, Fault, Sent, stripe_server

SECRET = "whsec_browser"
BUSY = "stripe: no answer (RateLimitError status=429 request=req_test1)"
"""What the operator reads where a test lets Stripe be busy."""
JUMINHYO = "juminhyo-utsushi"


class PayWatch(Watch):
    """Complains of what a browser complains of, but for the way to the provider."""

    def _request(self, request: Request) -> None:
        if not request.url.startswith("http://localhost:"):
            super()._request(request)


@dataclass
class Till:
    """A city's server and its account at Stripe."""

    server: Server
    account: Account

    def tells(self) -> None:
        """From now on Stripe tells at once; before, only when a test does."""
        self.account.hook = f"{self.server.url}/payments/webhook/stripe"

    def tell(self, sent: list[Sent]) -> None:
        self.tells()
        self.account.deliver([self.account.again(each) for each in sent])
        assert self.account.lost == []


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Account]]:
    stripe = stripe_server()
    account = stripe.account(SECRET)
    account.site = f"http://localhost:{stripe.port}"  # another site to a browser, as Stripe's is
    settings = {"PAYMENTS": "stripe", "STRIPE_SECRET_KEY": account.key, "STRIPE_WEBHOOK_SECRET": SECRET}
    server = Server(tmp_path_factory.mktemp("city"), STRIPE_API_BASE=stripe.url, **settings)
    server.start()
    yield server, account
    server.kill()
    assert [line for line in server.failures() if line != BUSY] == []


@pytest.fixture
def till(city: tuple[Server, Account]) -> Till:
    server, account = city
    account.hook = None
    account.faults.clear()
    return Till(server, account)


Owes = Callable[..., Visit]


@pytest.fixture
def owes(till: Till, chromium: Browser) -> Iterator[Owes]:
    """Somebody who has asked for copies of their record, at the page of the fee: `owes()`, `owes(script=False)`."""
    with ExitStack() as stack:
        watches: list[PayWatch] = []

        def made(*, script: bool = True) -> Visit:
            client = stack.enter_context(httpx2.Client(base_url=till.server.url, follow_redirects=True))
            resident = Resident(client)
            receipt = filed(resident, declared(JUMINHYO), case_of(JUMINHYO, 1))
            context = chromium.new_context(java_script_enabled=script, viewport={"width": 1280, "height": 900})
            stack.callback(context.close)
            context.set_default_timeout(10_000)
            watches.append(PayWatch(context, till.server.url))
            visit = Visit(context.new_page(), till.server.url, script=script, faults=watches[-1].faults)
            visit.goes_on_for(resident)
            visit.open(receipt.link("/payments/"))
            return visit

        yield made
    assert [fault for watch in watches for fault in watch.faults] == []


def at_stripe(visit: Visit) -> bool:
    return visit.page.url.startswith("http://localhost:")


def pressed(visit: Visit, words: str) -> None:
    """A button of the provider's page, which belongs to somebody else and is not examined."""
    visit.led_by(visit.page.get_by_role("button", name=words, exact=True).click)


with_and_without_script = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


@with_and_without_script
@pytest.mark.parametrize("way", ["カードで支払う", "PayPayで支払う"])
def test_a_fee_is_paid_on_the_providers_page(owes: Owes, till: Till, script: bool, way: str) -> None:
    till.tells()
    visit = owes(script=script)
    examined(visit) if script else None
    assert "まだ支払われていません" in visit.text() and "までに" not in visit.text()
    assert "支払いの期限" in visit.text()
    visit.go("支払い画面に進む")
    assert at_stripe(visit)
    pressed(visit, way)
    assert re.fullmatch(r"/payments/[0-9a-z]+", visit.path) and not at_stripe(visit)
    assert "支払いが済みました" in visit.text()
    visit.go("申請の状況を見る")
    assert "申請が届きました" in visit.text()


def test_who_is_refused_can_pay_with_another_card(owes: Owes, till: Till) -> None:
    till.tells()
    visit = owes()
    visit.go("支払い画面に進む")
    pressed(visit, "断られるカードで支払う")
    assert at_stripe(visit) and "このカードは使えません" in visit.text()
    visit.go("市に戻る")
    assert "支払いができませんでした" in visit.text() and "お金は引き落とされていません" in visit.text()
    examined(visit)
    visit.go("もう一度支払う")
    pressed(visit, "カードで支払う")
    assert "支払いが済みました" in visit.text()


def test_who_pays_in_a_shop_is_told_until_when_and_finds_the_number_again(owes: Owes, till: Till) -> None:
    till.tells()
    visit = owes()
    visit.go("支払い画面に進む")
    pressed(visit, "コンビニで支払う")
    assert "お支払いをお待ちしています" in visit.text()
    assert re.search(r"2[0-9]{3}年[0-9]+月[0-9]+日\(.\) 23時59分までに", visit.text())
    examined(visit)
    reference = list(till.account.sessions)[-1]
    visit.go("支払い画面に戻る")
    assert at_stripe(visit) and "店で見せる番号" in visit.text()
    till.account.act(reference, "pay")
    visit.go("戻る")
    assert "支払いが済みました" in visit.text()
    examined(visit)


def test_a_slip_nobody_paid_makes_room_for_another_try(owes: Owes, till: Till) -> None:
    till.tells()
    visit = owes()
    visit.go("支払い画面に進む")
    pressed(visit, "コンビニで支払う")
    till.account.act(list(till.account.sessions)[-1], "expire")
    visit.go("最新の状態を見る")
    assert "時間切れになりました" in visit.text() and "お金は引き落とされていません" in visit.text()
    examined(visit)
    visit.go("もう一度支払う")
    pressed(visit, "カードで支払う")
    assert "支払いが済みました" in visit.text()


@with_and_without_script
def test_who_comes_back_before_the_providers_word_reads_that_it_is_looked_into(
    owes: Owes, till: Till, script: bool
) -> None:
    visit = owes(script=script)
    visit.go("支払い画面に進む")
    pressed(visit, "カードで支払う")
    sent = till.account.post[-3:]
    assert "確認しています" in visit.text() and "二重に引き落とされることはありません" in visit.text()
    visit.go("最新の状態を見る")
    assert "確認しています" in visit.text()
    till.tell(sent)
    visit.go("最新の状態を見る")
    assert "支払いが済みました" in visit.text()


def test_who_goes_back_without_paying_can_go_on_in_the_same_checkout(owes: Owes, till: Till) -> None:
    till.tells()
    visit = owes()
    opened = len(till.account.sessions)
    visit.go("支払い画面に進む")
    visit.go("市に戻る")
    other = visit.again()
    other.go("支払い画面に戻る")
    visit.go("支払い画面に戻る")
    assert visit.page.url == other.page.url
    assert len(till.account.sessions) == opened + 1
    pressed(other, "カードで支払う")
    visit.open(other.path)
    assert "支払いが済みました" in visit.text()


def test_while_the_provider_is_away_the_page_says_so_and_how_to_go_on(owes: Owes, till: Till) -> None:
    till.tells()
    visit = owes()
    till.account.fault("", *[Fault.BUSY] * 2)
    assert visit.go("支払い画面に進む") == 503
    assert "いまは支払い画面を開けません" in visit.text() and "申請は受け取っていて" in visit.text()
    examined(visit)
    assert BUSY in till.server.log()
    till.account.faults.clear()
    visit.go("支払い画面に進む")
    pressed(visit, "カードで支払う")
    assert "支払いが済みました" in visit.text()


def test_money_that_does_not_fit_is_not_asked_for_again(owes: Owes, till: Till) -> None:
    visit = owes()
    visit.go("支払い画面に進む")
    session = list(till.account.sessions.values())[-1]
    visit.go("市に戻る")
    other = session | {"payment_status": "paid", "amount_total": 7100}
    till.tell([till.account.tell("checkout.session.completed", other)])
    visit.open(visit.path)
    assert "職員が確かめています" in visit.text() and "もう一度支払わないでください" in visit.text()
    assert visit.page.get_by_role("link", name="支払い画面").count() == 0
    examined(visit)
