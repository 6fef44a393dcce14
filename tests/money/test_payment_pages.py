"""Paying as a resident meets it: the page, the way to the provider and back, and the provider's own door."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from payments.sandbox_gateway import Action, SandboxGateway
from payments.signed import sign
from procedures.declaration import load
from procedures.library import ROOT, Reader, read_shared
from server.app import create_app
from server.catalogue.catalogue import publish
from server.people.sessions import grant, open_session
from server.settings import Settings
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Maker, Random, Store, migrate
from tests.door import Door
from tests.money.cases import Counter, answered, cashier, owing

HOOK = "/payments/webhook/sandbox"


@dataclass
class Browser:
    """A resident's browser that submitted an application whose fee is 710 yen."""

    client: TestClient
    counter: Counter
    gateway: SandboxGateway

    @property
    def here(self) -> str:
        return f"/payments/{self.counter.debt.id}"

    def page(self, path: str = "") -> str:
        answer = self.client.get(path or self.here)
        assert answer.status_code == 200
        return answer.text

    def goes_to_pay(self) -> str:
        """The address of the provider's page, as the link leads there."""
        assert f'href="{self.here}/go"' in self.page()
        answer = self.client.get(f"{self.here}/go")
        assert answer.status_code == 303
        return str(answer.headers["location"])

    def presses(self, till: str, action: str) -> str:
        """Where the browser is sent afterwards."""
        answer = self.client.post(till, data={"action": action}, headers={"sec-fetch-site": "same-origin"})
        assert answer.status_code == 303
        return str(answer.headers["location"])

    def tells(self, body: bytes, signature: str) -> Any:
        return self.client.post(HOOK, content=body, headers={"Sandbox-Signature": signature})


@pytest.fixture
def store_settings(settings: Settings) -> Settings:
    """On SQLite alone: what the pages stand on is tried on both databases in the other files."""
    return settings


@pytest.fixture
def client(store: Store, clock: Clock, random: Random) -> Iterator[TestClient]:
    lines: list[str] = []
    app = create_app(store.settings, clock=clock, random=random, log_to=lines.append)
    with Door(app, base_url="http://testserver", follow_redirects=False) as client:
        yield client


@pytest.fixture
def browser(client: TestClient, store: Store, make: Maker, keys: Keys, clock: Clock, random: Random) -> Browser:
    file = ROOT / "declarations/resident-record/juminhyo-utsushi.json"
    declaration = load(file, read_shared(ROOT, Reader()).common)
    store.transact(lambda db: publish(db, [declaration], now=clock(), actor="test"))
    token, session_id = store.transact(lambda db: open_session(db, now=clock(), random=random))
    gateway = client.app.state.services.gateway  # type: ignore[attr-defined]  # the client types its app as any ASGI
    desk = replace(cashier(store, clock, random), gateway=gateway)
    counter = owing(
        store, make, desk, slug=declaration.slug, digest=declaration.digest, receipt_number="123456789012345"
    )
    answered(store, keys, counter.application_id)
    store.transact(lambda db: grant(db, session_id, counter.application_id, True))
    client.cookies.set("kakanai", token)
    return Browser(client, counter, gateway)


def state_of(counter: Counter) -> str:
    row = counter.store.read(
        lambda db: db.one(t.application.select().where(t.application.c.id == counter.application_id))
    )
    assert row is not None
    return str(row.state)


def test_the_page_says_what_is_owed_and_what_to_do(browser: Browser) -> None:
    page = browser.page()
    for words in ("710円", "住民票の写し", "123456789012345", "まだ支払われていません", "支払い画面に進む"):
        assert words in page


def test_who_pays_comes_back_to_a_page_that_says_so(browser: Browser) -> None:
    till = browser.goes_to_pay()
    for words in ("支払う", "断られる", "あとで払う", "710円", "お金は動きません"):
        assert words in browser.page(till)
    assert browser.presses(till, "pay") == browser.here
    assert "支払いが済みました" in browser.page()
    assert "/go" not in browser.page()
    assert state_of(browser.counter) == "submitted"


def test_who_is_declined_can_pay_after_all(browser: Browser) -> None:
    browser.presses(browser.goes_to_pay(), "decline")
    assert "支払いができませんでした" in browser.page()
    assert state_of(browser.counter) == "payment_pending"
    browser.presses(browser.goes_to_pay(), "pay")
    assert state_of(browser.counter) == "submitted"


def test_who_pays_later_is_told_until_when(browser: Browser) -> None:
    browser.presses(browser.goes_to_pay(), "later")
    page = browser.page()
    assert "お支払いをお待ちしています" in page
    assert "2026年11月23日(月) 10時00分までに" in page
    assert "期限が過ぎる" in browser.page(browser.goes_to_pay())
    browser.presses(browser.goes_to_pay(), "pay")
    assert "支払いが済みました" in browser.page()


def test_after_the_last_day_one_can_begin_anew(browser: Browser) -> None:
    browser.presses(browser.goes_to_pay(), "later")
    browser.presses(browser.goes_to_pay(), "expire")
    assert "時間切れになりました" in browser.page()
    browser.presses(browser.goes_to_pay(), "pay")
    assert "支払いが済みました" in browser.page()


def test_coming_back_without_the_providers_word_shows_that_it_is_being_looked_into(browser: Browser) -> None:
    browser.goes_to_pay()
    page = browser.page(f"{browser.here}?status=paid&payment_intent=succeeded")
    assert "確認しています" in page
    assert "最新の状態を見る" in page
    assert state_of(browser.counter) == "payment_pending"


def test_going_again_after_paying_leads_back_to_the_page(browser: Browser) -> None:
    browser.presses(browser.goes_to_pay(), "pay")
    answer = browser.client.get(f"{browser.here}/go")
    assert (answer.status_code, answer.headers["location"]) == (303, browser.here)


def test_looking_at_the_page_changes_nothing(browser: Browser) -> None:
    for _ in range(2):
        browser.page()
    assert browser.counter.payments == []


def test_nobody_else_sees_or_pays_it(browser: Browser) -> None:
    here = browser.here
    browser.client.cookies.clear()
    for path in (here, f"{here}/go", "/payments/nothing", "/payments/nothing/go"):
        assert browser.client.get(path).status_code == 404
    assert browser.counter.payments == []


def test_money_that_is_not_ours_is_looked_into_and_not_asked_for_again(browser: Browser) -> None:
    till = browser.goes_to_pay()
    body = told(browser, till, amount=7100)
    assert browser.tells(body, sign(body, secret(browser), browser.counter.cashier.clock())).status_code == 200
    page = browser.page()
    assert "もう一度支払わないでください" in page
    assert "/go" not in page
    assert state_of(browser.counter) == "payment_pending"


def secret(browser: Browser) -> str:
    keys = browser.client.app.state.services.keys  # type: ignore[attr-defined]  # as above
    return str(keys.subkey("sandbox-payments").hex())


def told(browser: Browser, till: str, **more: object) -> bytes:
    """A webhook's body that says this payment was paid."""
    event = {
        "id": "e1",
        "kind": "paid",
        "payment": browser.counter.payments[0].id,
        "reference": till.rpartition("/")[2],
    }
    event |= {"amount": 710, "refunded": 0, "currency": "JPY", "at": 1_790_000_000} | more
    return json.dumps(event).encode()


def test_the_webhook_is_believed_once(browser: Browser) -> None:
    body = told(browser, browser.goes_to_pay())
    header = sign(body, secret(browser), browser.counter.cashier.clock())
    assert browser.tells(body, header).json() == {"received": "settled"}
    assert browser.tells(body, header).json() == {"received": "duplicate"}
    assert state_of(browser.counter) == "submitted"


def test_a_webhook_needs_no_origin_and_takes_no_cookie(browser: Browser) -> None:
    body = told(browser, browser.goes_to_pay())
    header = sign(body, secret(browser), browser.counter.cashier.clock())
    browser.client.cookies.clear()
    foreign = {"Sandbox-Signature": header, "Sec-Fetch-Site": "cross-site", "Origin": "https://provider.example"}
    assert browser.client.post(HOOK, content=body, headers=foreign).status_code == 200


@pytest.mark.parametrize(
    ("amount", "at", "forged"),
    [(710, 0, "whsec_guess"), (710, 0, ""), (710, -301, None), (710, 3600, None), (-1, 0, None), (2**53 + 1, 0, None)],
)
def test_what_is_not_the_providers_word_is_refused(browser: Browser, amount: int, at: int, forged: str | None) -> None:
    body = told(browser, browser.goes_to_pay(), amount=amount)
    now = browser.counter.cashier.clock() + timedelta(seconds=at)
    answer = browser.tells(body, sign(body, secret(browser) if forged is None else forged, now))
    assert answer.status_code == 400
    assert state_of(browser.counter) == "payment_pending"


def test_a_name_that_stands_twice_is_refused(browser: Browser) -> None:
    body = told(browser, browser.goes_to_pay(), amount=1).replace(b'"amount": 1', b'"amount": 1, "amount": 710')
    assert browser.tells(body, sign(body, secret(browser), browser.counter.cashier.clock())).status_code == 400


def test_a_webhook_without_end_is_not_read(browser: Browser) -> None:
    assert browser.tells(b" " * (64 * 1024 + 1), "t=1,v1=0").status_code == 413


def test_an_unknown_provider_has_no_door(client: TestClient) -> None:
    assert client.post("/payments/webhook/stripe", content=b"{}").status_code == 404


def test_another_site_cannot_press_the_buttons(browser: Browser) -> None:
    till = browser.goes_to_pay()
    answer = browser.client.post(till, data={"action": "pay"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert state_of(browser.counter) == "payment_pending"


def test_a_button_that_is_not_there_does_nothing(browser: Browser) -> None:
    till = browser.goes_to_pay()
    answer = browser.client.post(till, data={"action": "refund"}, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 400
    assert browser.client.get("/sandbox/pay/nothing").status_code == 404
    assert browser.client.post("/sandbox/pay/nothing", data={"action": "pay"}).status_code == 404


def test_an_event_that_was_lost_is_told_when_the_button_is_pressed_again(browser: Browser) -> None:
    till = browser.goes_to_pay()
    browser.counter.store.run(browser.gateway.press(till.rpartition("/")[2], Action.PAY))
    assert "終わっています" in browser.page(till)
    browser.presses(till, "pay")
    assert state_of(browser.counter) == "submitted"


def test_personal_pages_are_not_kept_by_the_browser(browser: Browser) -> None:
    assert "no-store" in browser.client.get(browser.here).headers["cache-control"]


def test_the_provider_learns_no_procedure(browser: Browser) -> None:
    till = browser.goes_to_pay()
    description = re.search(r"<dt>内容</dt><dd>(.*?)</dd>", browser.page(till))
    assert description is not None
    assert description[1] == "手数料 123456789012345"


def test_in_production_there_is_no_sandbox_to_pay_in(tmp_path: Path, clock: Clock, random: Random) -> None:
    url = f"sqlite:///{tmp_path / 'live.db'}"
    migrate(url, "production")
    key = base64.b64encode(bytes(32)).decode()
    environ = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "BASE_URL": "https://city.example.jp"}
    environ |= {"SECRET_KEY": "s" * 32, "INDEX_KEY": "i" * 32, "ENCRYPTION_KEYS": f"k1:{key}", "WORKER": "off"}
    settings = Settings.from_env({f"KAKANAI_{name}": value for name, value in environ.items()})
    lines: list[str] = []
    app = create_app(settings, clock=clock, random=random, log_to=lines.append)
    with Door(app, base_url="https://city.example.jp") as client:
        assert client.get("/sandbox/pay/anything").status_code == 404
        assert client.post("/sandbox/pay/anything", data={"action": "pay"}).status_code == 404
        assert client.post(HOOK, content=b"{}").status_code == 404
