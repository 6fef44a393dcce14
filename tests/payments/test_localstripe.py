"""Somebody else's idea of Stripe: `localstripe`, a program of its own, spoken to with our library as we set it up.

It knows no Checkout, so what is tried here is what it does know: payment intents, refunds, and signed events. It is
under the GPL and runs as a process; nothing of it is imported.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any, cast
from urllib.parse import urlencode

import pytest
import stripe

from payments.port import Hint, Refusal
from payments.signed import refusal, strict_object
from payments.stripe_gateway import StripeGateway, client
from tests.browser.server import free_port

pytestmark = pytest.mark.xdist_group("localstripe")  # one program for all of them

SECRET = "whsec_local"
KEY = "sk_test_localstripe"
PATIENCE = 40.0


@dataclass
class Delivered:
    body: bytes
    signature: str

    @property
    def event(self) -> dict[str, Any]:
        event = strict_object(self.body)
        assert event is not None
        return event


@dataclass
class Local:
    """The program, and what it sent us."""

    url: str
    api: stripe.StripeClient
    post: Queue[Delivered] = field(default_factory=Queue)

    def comes(self, kind: str, about: str = "") -> Delivered:
        """The next event of this kind, about this object; it sends them a second later."""
        while True:
            delivered = self.post.get(timeout=PATIENCE)
            if delivered.event["type"] == kind and about in ("", delivered.event["data"]["object"]["id"]):
                return delivered

    def card(self, number: str) -> str:
        card = {"number": number, "exp_month": 12, "exp_year": 2035, "cvc": "123"}
        return self.api.v1.payment_methods.create(cast(Any, {"type": "card", "card": card})).id

    def paid(self, amount: int) -> dict[str, Any]:
        """A payment intent that a card paid."""
        intent = self.api.v1.payment_intents.create(
            {
                "amount": amount,
                "currency": "jpy",
                "payment_method": self.card("4242424242424242"),
                "confirm": True,
                "metadata": {"payment": "p1"},
            },
            {"idempotency_key": f"k{amount}"},
        )
        return intent.to_dict()


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    port = free_port()
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    ours = Local(f"http://127.0.0.1:{port}", client(KEY, f"http://127.0.0.1:{port}"))
    try:
        until = time.monotonic() + PATIENCE
        while not answers(port):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        with listening(ours) as hook:
            register(port, hook)
            yield ours
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/js.stripe.com/v3/")
        connection.getresponse().read()
        return True
    except OSError:
        return False
    finally:
        connection.close()


def register(port: int, hook: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    form = urlencode({"url": hook, "secret": SECRET})
    connection.request("POST", "/_config/webhooks/ours", form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert connection.getresponse().status == 200
    connection.close()


class listening:  # noqa: N801  # read as a word: with listening(…)
    """Where the program delivers to."""

    def __init__(self, ours: Local) -> None:
        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ours.post.put(Delivered(body, self.headers["Stripe-Signature"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def gateway(local: Local, *secrets: str) -> StripeGateway:
    return StripeGateway(KEY, secrets, methods=["card"], clock=lambda: datetime.now(UTC), api_base=local.url)


def test_yen_have_no_smaller_unit_there_either(local: Local) -> None:
    intent = local.paid(710)
    assert (intent["amount"], intent["currency"], intent["status"]) == (710, "jpy", "succeeded")
    assert intent["metadata"] == {"payment": "p1"}


def test_its_signatures_pass_our_check_and_nobody_elses_do(local: Local) -> None:
    intent = local.paid(711)
    sent = local.comes("payment_intent.succeeded", intent["id"])
    now = datetime.now(UTC)
    assert refusal(sent.body, sent.signature, [SECRET], now) is None
    assert refusal(sent.body, sent.signature, ["whsec_other", SECRET], now) is None
    assert refusal(sent.body, sent.signature, ["whsec_other"], now) is Refusal.FORGED
    assert refusal(sent.body + b" ", sent.signature, [SECRET], now) is Refusal.FORGED
    assert gateway(local, SECRET).read_event(sent.body, sent.signature, now) is None
    assert gateway(local, "whsec_other").read_event(sent.body, sent.signature, now) is Refusal.FORGED


def test_a_part_and_the_rest_are_given_back(local: Local) -> None:
    """It sends no event of it."""
    intent = local.paid(712)
    for amount, total in ((300, 300), (412, 712)):
        refund = local.api.v1.refunds.create({"payment_intent": intent["id"], "amount": amount})
        assert (refund.status, refund.amount) == ("succeeded", amount)
        charge = local.api.v1.charges.retrieve(intent["latest_charge"]["id"])
        assert charge.amount_refunded == total
    with pytest.raises(stripe.InvalidRequestError):
        local.api.v1.refunds.create({"payment_intent": "pi_nobody_knows_it", "amount": 1})


def test_a_card_that_is_refused_is_told_as_a_hint(local: Local) -> None:
    card = local.card("4000000000000341")
    with pytest.raises(stripe.StripeError):
        local.api.v1.payment_intents.create({"amount": 713, "currency": "jpy", "payment_method": card, "confirm": True})
    sent = local.comes("payment_intent.payment_failed")
    told = gateway(local, SECRET).read_event(sent.body, sent.signature, datetime.now(UTC))
    assert told == Hint(sent.event["data"]["object"]["id"])


def test_a_key_it_does_not_take_is_an_authentication_error(local: Local) -> None:
    stranger = client("pk_test_nobody", local.url)
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.refunds.list()
