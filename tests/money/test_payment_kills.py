"""The server's process is killed between the provider's deed and our commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from tests.browser.server import PATIENCE, Server
from tests.journeys.filing import case_of, declared, filed
from tests.journeys.pages import Resident
from tests.payments.stripe_server import Account, Fault, stripe_server

SECRET = "whsec_kill"
CREATE, LOOK = "POST /v1/checkout/sessions", "GET /v1/checkout/sessions/"

pytestmark = pytest.mark.drill


@pytest.fixture
def account() -> Account:
    return stripe_server().account(SECRET)


@pytest.fixture
def server(tmp_path: Path, account: Account) -> Iterator[Server]:
    stripe = {"STRIPE_SECRET_KEY": account.key, "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_API_BASE": account.site}
    made = Server(tmp_path, PAYMENTS="stripe", **stripe)
    made.start()
    account.hook = f"{made.url}/payments/webhook/stripe"
    yield made
    account.release()
    made.kill()


@pytest.fixture
def resident(server: Server) -> Iterator[Resident]:
    with httpx2.Client(base_url=server.url, follow_redirects=True, timeout=PATIENCE) as client:
        yield Resident(client)


def owes(resident: Resident) -> str:
    """The address of the fee of what was just submitted."""
    return filed(resident, declared("juminhyo-utsushi"), case_of("juminhyo-utsushi", 1)).link("/payments/")


def killed_while(server: Server, resident: Resident, path: str, account: Account, call: str) -> None:
    """Ask for `path`, and kill the server once Stripe has done what `call` asks, before it answers."""
    account.fault(call, *[Fault.SILENT] * 9)
    before = len(account.requests)

    def ask() -> None:
        with suppress(httpx2.HTTPError):
            resident.client.get(path)

    asking = threading.Thread(target=ask)
    asking.start()
    until = time.monotonic() + PATIENCE
    while not any(each.startswith(call) for each in account.requests[before:]):
        assert time.monotonic() < until
        time.sleep(0.01)
    server.kill()
    account.faults.clear()
    account.release()
    asking.join()
    server.start()


def test_a_kill_between_the_checkout_and_our_note_opens_no_second_one(
    server: Server, resident: Resident, account: Account
) -> None:
    here = owes(resident)
    killed_while(server, resident, f"{here}/go", account, CREATE)
    assert len(account.sessions) == 1
    resident.client.get(f"{here}/go")
    (reference,) = account.sessions
    account.act(reference, "pay")
    assert account.lost == []
    assert "支払いが済みました" in resident.open(here).text
    assert account.paid == 300


def test_a_kill_between_the_charge_and_our_commit_loses_no_money(
    server: Server, resident: Resident, account: Account
) -> None:
    here = owes(resident)
    resident.client.get(f"{here}/go")
    (reference,) = account.sessions
    account.hook = None  # its event is lost
    account.act(reference, "pay")
    killed_while(server, resident, f"{here}/go", account, LOOK)
    assert "支払いが済みました" not in resident.open(here).text
    assert "支払いが済みました" in resident.open(f"{here}/go").text
    account.hook = f"{server.url}/payments/webhook/stripe"
    account.deliver([account.again(each) for each in account.post])
    assert account.lost == []
    assert "支払いが済みました" in resident.open(here).text
    assert (len(account.sessions), account.paid) == (1, 300)
