"""Paying by Stripe as a resident meets it, and Stripe's own door, through the whole site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from payments.stripe_gateway import StripeGateway
from procedures.declaration import load
from procedures.library import ROOT, Reader, read_shared
from server.app import create_app
from server.applications.states import OfficeState
from server.catalogue.catalogue import publish
from server.jobs import JOBS, run_due
from server.people.sessions import grant, open_session
from server.services import Services
from server.settings import Settings, StripeSettings
from server.store import tables as t
from server.store.database import Writing
from server.store.keys import Keys
from tests.browser.server import free_port
from tests.conftest import Clock, Maker, Random, Store, sandbox
from tests.door import Door
from tests.journeys.conftest import running
from tests.journeys.filing import case_of, declared, filed, library
from tests.journeys.pages import Resident
from tests.money.cases import DAYS, Counter, answered, owing
from tests.payments.stripe_server import Account, Fault, Sent, stripe_server

HOOK = "/payments/webhook/stripe"
SECRETS = ("whsec_new", "whsec_old")


@dataclass
class Visitor:
    """A resident's browser that submitted an application whose fee is 710 yen, and the city's account at Stripe."""

    client: TestClient
    counter: Counter
    account: Account
    of: Services

    @property
    def here(self) -> str:
        return f"/payments/{self.counter.debt.id}"

    def page(self) -> str:
        answer = self.client.get(self.here)
        assert answer.status_code == 200
        return answer.text

    def goes(self) -> Any:
        return self.client.get(f"{self.here}/go")

    def sent_to(self) -> str:
        """The provider's name for the checkout that the link leads to."""
        answer = self.goes()
        assert answer.status_code == 303
        return str(answer.headers["location"]).rpartition("/")[2]

    def tells(self, sent: Sent) -> Any:
        return self.client.post(HOOK, content=sent.body, headers={"Stripe-Signature": sent.signature})

    def comes_back(self) -> None:
        """With a session that is not over, for one that was shown the access code."""
        store, of = self.counter.store, self.of

        def work(db: Writing) -> str:
            token, session_id = open_session(db, now=of.clock(), random=of.random)
            grant(db, session_id, self.counter.application_id, True)
            return token

        self.client.cookies.set("kakanai", store.transact(work))

    @property
    def state(self) -> str:
        mine = t.application.select().where(t.application.c.id == self.counter.application_id)
        return str(self.counter.store.read(lambda db: db.all(mine))[0].state)


@pytest.fixture
def account(clock: Clock) -> Account:
    return stripe_server().account(SECRETS[0], clock)


@pytest.fixture
def store_settings(settings: Settings, account: Account) -> Settings:
    """On SQLite alone, with Stripe behind the port."""
    stripe = {"STRIPE_SECRET_KEY": account.key, "STRIPE_WEBHOOK_SECRET": ",".join(SECRETS)}
    stripe |= {"PAYMENTS": "stripe", "STRIPE_API_BASE": account.site}
    environ = {f"KAKANAI_{name}": value for name, value in stripe.items()}
    return sandbox(settings.data_dir, settings.database_url, **environ)


@pytest.fixture
def visitor(store: Store, make: Maker, keys: Keys, account: Account, clock: Clock, random: Random) -> Iterator[Visitor]:
    lines: list[str] = []
    app = create_app(store.settings, clock=clock, random=random, log_to=lines.append)
    declaration = load(ROOT / "declarations/resident-record/juminhyo-utsushi.json", read_shared(ROOT, Reader()).common)
    store.transact(lambda db: publish(db, [declaration], now=clock(), actor="test"))
    of: Services = app.state.services
    assert of.cashier is not None
    row = {"slug": declaration.slug, "digest": declaration.digest, "receipt_number": "123456789012345"}
    counter = owing(store, make, of.cashier, **row)
    answered(store, keys, counter.application_id)
    with Door(app, base_url="http://testserver", follow_redirects=False) as client:
        made = Visitor(client, counter, account, of)
        made.comes_back()
        yield made


def test_the_link_leads_to_the_provider_and_its_word_to_the_office(visitor: Visitor) -> None:
    reference = visitor.sent_to()
    sent = visitor.account.act(reference, "pay")
    assert [visitor.tells(each).json()["received"] for each in sent] == ["ignored", "ignored", "settled"]
    assert visitor.tells(sent[-1]).json() == {"received": "duplicate"}
    assert "支払いが済みました" in visitor.page()
    assert visitor.state == OfficeState.SUBMITTED.value


def test_while_the_provider_is_away_one_pays_later(visitor: Visitor) -> None:
    visitor.account.fault("", *[Fault.BUSY] * 2)
    answer = visitor.goes()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    for words in ("いまは支払い画面を開けません", "申請は受け取っていて", "支払い画面に進む"):
        assert words in answer.text
    assert visitor.state == OfficeState.PAYMENT_PENDING.value
    visitor.account.faults.clear()
    assert visitor.sent_to() in visitor.account.sessions


@pytest.mark.parametrize("fault", [Fault.HANGS, Fault.SILENT])
def test_nobody_waits_long_for_a_provider_that_hangs(visitor: Visitor, fault: Fault) -> None:
    account, clock = visitor.account, visitor.of.clock
    hasty = StripeGateway(account.key, SECRETS, methods=["card"], clock=clock, api_base=account.site, patience=0.2)
    visitor.client.app.state.services = replace(visitor.of, gateway=hasty)  # type: ignore[attr-defined]
    account.fault("POST /v1/checkout/sessions", fault)
    answer = visitor.goes()
    account.release()
    assert answer.status_code == 503 and "いまは支払い画面を開けません" in answer.text
    assert visitor.sent_to() in account.sessions
    assert len(account.sessions) == 1


def test_a_submission_neither_waits_for_the_provider_nor_fails_with_it(settings: Settings, clock: Clock) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    away = StripeSettings(secret_key="sk_test_1", webhook_secrets=SECRETS, api_base=nobody, methods=("card",))
    offline = replace(settings, payments="stripe", stripe=away)
    with running(offline, library(), clock) as client:
        resident = Resident(client)
        receipt = filed(resident, declared("juminhyo-utsushi"), case_of("juminhyo-utsushi", 1))
        assert "申請を受け取りました" in receipt.text
        later = client.get(f"{receipt.link('/payments/')}/go")
        assert later.status_code == 503
        assert "申請は受け取っていて" in later.text


def test_a_sum_that_cannot_be_paid_online_is_said_so(visitor: Visitor) -> None:
    store = visitor.counter.store
    store.transact(lambda db: db.execute(t.debt.update().values(amount=30)))
    answer = visitor.goes()
    assert answer.status_code == 409
    assert "この金額は、オンラインでは支払えません" in answer.text
    assert visitor.account.requests == []


def test_a_hint_that_nobody_answers_is_told_again(visitor: Visitor) -> None:
    (*_, sent) = visitor.account.act(visitor.sent_to(), "later")
    visitor.account.fault("GET /v1/checkout/sessions", Fault.BUSY)
    answer = visitor.tells(sent)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert visitor.tells(sent).json() == {"received": "settled"}
    assert "お支払いをお待ちしています" in visitor.page()
    assert "2026年11月23日(月) 23時59分までに" in visitor.page()


def test_real_money_is_no_word_to_a_test_account(visitor: Visitor) -> None:
    reference = visitor.sent_to()
    account = visitor.account
    account.act(reference, "pay")
    sent = account.tell("checkout.session.completed", account.sessions[reference], livemode=True)
    answer = visitor.client.post(
        HOOK, content=sent.body, headers={"Stripe-Signature": sent.signature, "Accept": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "EVENT_FOREIGN")
    assert visitor.state == OfficeState.PAYMENT_PENDING.value


def test_both_secrets_are_believed_and_the_sandboxs_door_is_closed(visitor: Visitor) -> None:
    account = visitor.account
    account.secret = SECRETS[1]
    (*_, sent) = account.act(visitor.sent_to(), "pay")
    assert visitor.client.post("/payments/webhook/sandbox", content=sent.body).status_code == 404
    assert visitor.client.get("/sandbox/pay/anything").status_code == 404
    assert visitor.tells(sent).json() == {"received": "settled"}


def run_payments(visitor: Visitor) -> None:
    """What the worker does every quarter of an hour."""
    visitor.counter.store.run(run_due(visitor.of, [job for job in JOBS if job.name == "payments"]))


def test_with_all_events_lost_the_worker_finds_the_money(visitor: Visitor) -> None:
    visitor.account.act(visitor.sent_to(), "pay")
    run_payments(visitor)
    assert visitor.state == OfficeState.SUBMITTED.value


def test_when_the_deadline_passes_the_page_says_so_before_and_after_the_worker_came(
    visitor: Visitor, clock: Clock
) -> None:
    reference = visitor.sent_to()
    clock.now = (visitor.counter.debt.due_at or clock.now) + timedelta(seconds=1)
    visitor.comes_back()
    page = visitor.page()
    assert "支払いの期限が過ぎました" in page and "/go" not in page
    assert visitor.goes().headers["location"] == visitor.here
    run_payments(visitor)
    page = visitor.page()
    for words in ("支払いの期限が過ぎました", "もう一度申請してください", "/procedures/juminhyo-utsushi"):
        assert words in page
    assert "/go" not in page
    assert visitor.goes().headers["location"] == visitor.here
    assert visitor.state == OfficeState.EXPIRED.value
    assert visitor.account.sessions[reference]["status"] == "expired"


def test_a_slip_whose_day_has_passed_is_not_the_end(visitor: Visitor, clock: Clock) -> None:
    reference = visitor.sent_to()
    for sent in visitor.account.act(reference, "later"):
        visitor.tells(sent)
    clock.advance(days=4)
    visitor.comes_back()
    assert "まもなく終わります" not in visitor.page()
    assert visitor.sent_to() != reference
    assert visitor.account.sessions[reference]["payment_status"] == "unpaid"


def test_money_after_the_end_is_not_taken_for_an_application(visitor: Visitor, clock: Clock) -> None:
    reference = visitor.sent_to()
    session = dict(visitor.account.sessions[reference])
    clock.advance(days=DAYS + 1)
    visitor.comes_back()
    run_payments(visitor)
    sent = visitor.account.tell("checkout.session.completed", session | {"payment_status": "paid"})
    assert visitor.tells(sent).json() == {"received": "settled"}
    page = visitor.page()
    assert "もう一度支払わないでください" in page and "お返しする方法" in page
    assert "申請は市役所に届いています" not in page
    assert visitor.state == OfficeState.EXPIRED.value
    assert visitor.counter.lines("payment.surplus") == 1


def test_no_key_and_no_body_of_stripes_is_in_a_page(visitor: Visitor) -> None:
    (*_, sent) = visitor.account.act(visitor.sent_to(), "pay")
    visitor.tells(sent)
    page = visitor.page()
    for secret in (visitor.account.key, *SECRETS, "cs_test", "pi_"):
        assert secret not in page
