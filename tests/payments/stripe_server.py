"""A server that speaks Stripe's API, as far as we use it: real HTTP, hosted pages, signed events, faults on demand.

It was written by the same people as the adapter, from Stripe's public documentation, so it shares their
misunderstandings. `test_localstripe.py` therefore lets somebody else's server speak with the same library and the same
check of signatures, as far as that server goes; Stripe itself was never asked.

One server a test process; each test has an account of its own, by its key. Whatever a payer or a test does is done
under the account's lock, and its events lie in `post`, to be delivered by the test, or go out at once where `hook` is
set.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from html import escape
from typing import Any
from urllib.parse import parse_qsl

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from payments.stripe_gateway import API_VERSION
from tests.browser.server import free_port

Json = dict[str, Any]
JAPAN = timezone(timedelta(hours=9))
LIVED = 60.0


class Fault(StrEnum):
    """What goes wrong with one request."""

    HANGS = "hangs"  # nothing is done, and nothing answered, until `release`
    SILENT = "silent"  # it is done, and nothing answered until `release`
    BEFORE = "500 before anything was done"
    AFTER = "500 after it was done"
    RESET = "the answer breaks off in its middle"
    BUSY = "429"
    BROKEN = "an answer that is no JSON"
    ODD = "an answer of another shape"


@dataclass(frozen=True)
class Sent:
    """One webhook as it leaves Stripe."""

    type: str
    body: bytes
    signature: str


class Refused(Exception):
    """An answer that is an error, in Stripe's shape."""

    def __init__(self, status: int, kind: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message} | more}


def invalid(message: str, status: int = 400, **more: str) -> Refused:
    return Refused(status, "invalid_request_error", message, **more)


def signed(body: bytes, secret: str, at: int) -> str:
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


class Account:
    """One customer of Stripe's, in test mode: everything it knows, and everything it sent."""

    def __init__(self, site: str, key: str, secret: str, clock: Callable[[], datetime]) -> None:
        self.site, self.key, self.secret, self.clock = site, key, secret, clock
        self.sessions: dict[str, Json] = {}
        self.intents: dict[str, Json] = {}
        self.charges: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        self.post: list[Sent] = []
        self.requests: list[str] = []
        self.faults: dict[str, deque[Fault]] = {}
        self.hook: str | None = None
        self.lost: list[str] = []
        self.api_version = API_VERSION
        self.refuses: set[str] = set()
        self.released = threading.Event()
        self._keys: dict[str, tuple[bytes, int, bytes]] = {}
        self._lock = threading.RLock()
        self._made = 0

    # --- what a test does

    def fault(self, call: str, *faults: Fault) -> None:
        """The next requests whose 'METHOD /path' begins with `call` go wrong, each in its way."""
        self.faults[call] = deque(faults)

    def release(self) -> None:
        """Let whatever hangs go on, once and for all."""
        self.released.set()

    def forget(self) -> None:
        """What Stripe does with idempotency keys after a day."""
        self._keys.clear()

    def act(self, session_id: str, action: str) -> list[Sent]:
        """The payer does something on the page: pay, decline, later, expire. The events of it, in their order."""
        with self._lock:
            before = len(self.post)
            session = self._fresh(session_id)
            if session["status"] == "open":
                {"pay": self._pay, "decline": self._decline, "later": self._promise}[action](session)
            elif self._awaits(session):
                {"pay": self._keep, "expire": self._break}[action](session)
            sent = self.post[before:]
        self.deliver(sent)
        return sent

    def give_back(self, session_id: str, amount: int) -> list[Sent]:
        """A refund made by hand, in Stripe's dashboard."""
        with self._lock:
            before = len(self.post)
            self._refunded(self.sessions[session_id]["payment_intent"], amount, {})
            return self.post[before:]

    def again(self, sent: Sent) -> Sent:
        """The same event told once more: Stripe signs each delivery anew."""
        return Sent(sent.type, sent.body, signed(sent.body, self.secret, self._now()))

    def tell(self, kind: str, about: Json, **more: Any) -> Sent:
        """An event that nothing gave rise to."""
        with self._lock:
            self._event(kind, about, **more)
            return self.post[-1]

    @property
    def paid(self) -> int:
        """All the yen that came, less what was given back: the sum our books are held against."""
        return sum(each["amount"] - each["amount_refunded"] for each in self.charges.values() if each["paid"])

    # --- the life of a checkout

    def _fresh(self, session_id: str) -> Json:
        """The session as it stands now: time passes whether or not anybody looks."""
        session = self.sessions.get(session_id)
        if session is None:
            raise invalid(f"No such checkout.session: '{session_id}'", 404, code="resource_missing", param="session")
        if session["status"] == "open" and session["expires_at"] <= self._now():
            self._close(session)
        elif self._awaits(session):
            slip = self.intents[session["payment_intent"]]["next_action"]["konbini_display_details"]
            if slip["expires_at"] <= self._now():
                self._break(session)
        return session

    def _awaits(self, session: Json) -> bool:
        intent = self.intents.get(session["payment_intent"] or "")
        return session["status"] == "complete" and intent is not None and intent["status"] == "requires_action"

    def _close(self, session: Json) -> None:
        session |= {"status": "expired", "url": None}
        self._event("checkout.session.expired", session)

    def _intent(self, session: Json) -> Json:
        if session["payment_intent"] is None:
            made = {
                "id": self._id("pi"),
                "object": "payment_intent",
                "amount": session["amount_total"],
                "amount_received": 0,
                "currency": "jpy",
                "created": self._now(),
                "livemode": False,
                "metadata": session["_intent_metadata"],
                "status": "requires_payment_method",
                "last_payment_error": None,
                "next_action": None,
                "latest_charge": None,
            }
            self.intents[made["id"]] = made
            session["payment_intent"] = made["id"]
        return self.intents[session["payment_intent"]]

    def _pay(self, session: Json) -> None:
        intent = self._intent(session)
        self._charge(intent)
        session |= {"status": "complete", "payment_status": "paid", "url": None}
        self._event("checkout.session.completed", session)

    def _charge(self, intent: Json) -> None:
        charge = {
            "id": self._id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_refunded": 0,
            "currency": "jpy",
            "created": self._now(),
            "paid": True,
            "refunded": False,
            "livemode": False,
            "metadata": intent["metadata"],
            "payment_intent": intent["id"],
            "balance_transaction": {"object": "balance_transaction", "created": self._now()},
        }
        self.charges[charge["id"]] = charge
        received = {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
        intent |= received | {"last_payment_error": None, "next_action": None}
        self._event("payment_intent.succeeded", intent)
        self._event("charge.succeeded", charge)

    def _decline(self, session: Json) -> None:
        intent = self._intent(session)
        intent |= {"last_payment_error": {"type": "card_error", "code": "card_declined"}}
        self._event("payment_intent.payment_failed", intent)

    def _promise(self, session: Json) -> None:
        intent = self._intent(session)
        days = session["_konbini_days"]
        last = (self.clock().astimezone(JAPAN) + timedelta(days=days)).replace(hour=23, minute=59, second=59)
        slip = {"expires_at": int(last.timestamp()), "hosted_voucher_url": f"{self.site}/voucher/{session['id']}"}
        intent |= {
            "status": "requires_action",
            "last_payment_error": None,
            "next_action": {"type": "konbini_display_details", "konbini_display_details": slip},
        }
        session |= {"status": "complete", "url": None}
        self._event("payment_intent.requires_action", intent)
        self._event("checkout.session.completed", session)

    def _keep(self, session: Json) -> None:
        self._charge(self.intents[session["payment_intent"]])
        session["payment_status"] = "paid"
        self._event("checkout.session.async_payment_succeeded", session)

    def _break(self, session: Json) -> None:
        intent = self.intents[session["payment_intent"]]
        error = {"type": "invalid_request_error", "code": "payment_intent_payment_attempt_expired"}
        intent |= {"status": "requires_payment_method", "last_payment_error": error, "next_action": None}
        self._event("payment_intent.payment_failed", intent)
        self._event("checkout.session.async_payment_failed", session)

    def _refunded(self, intent_id: str, amount: int, metadata: Json) -> Json:
        charge = self.charges[self.intents[intent_id]["latest_charge"]]
        left = charge["amount"] - charge["amount_refunded"]
        if charge.get("disputed"):
            raise invalid("This charge has been charged back; cannot issue a refund.", code="charge_disputed")
        if amount > left:
            raise invalid(f"Refund amount is greater than unrefunded amount on charge ({left})", param="amount")
        refund = {"id": self._id("re"), "object": "refund", "amount": amount, "charge": charge["id"]}
        refund |= {"payment_intent": intent_id, "metadata": metadata, "status": "succeeded", "created": self._now()}
        self.refunds[refund["id"]] = refund
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._event("charge.refunded", charge)
        self._event("refund.created", refund)
        return refund

    # --- the API

    def answer(self, method: str, path: str, params: Json, key: str | None, raw: bytes) -> tuple[int, bytes, bool]:
        """Status, body, and whether this was answered before. What a key stood for is kept, errors of ours too."""
        with self._lock:
            call = f"{method} {path}"
            self.requests.append(call)
            done = self._keys.get(key) if key else None
            if done is not None:
                if done[0] != f"{call}\n".encode() + raw:
                    message = "Keys for idempotent requests can only be used with the same parameters"
                    return 400, dumped({"error": {"type": "idempotency_error", "message": message}}), False
                return done[1], done[2], True
            fault = self._fault(call, Fault.BEFORE, Fault.AFTER)
            try:
                if fault is not Fault.BEFORE:
                    result, status = self._route(method, path, params), 200
                if fault is not None:
                    result, status = {"error": {"type": "api_error", "message": "An error occurred."}}, 500
            except Refused as refused:
                result, status = refused.body, refused.status
            body = dumped(result)
            if key and method == "POST" and status not in (400, 404):
                self._keys[key] = (f"{call}\n".encode() + raw, status, body)
            return status, body, False

    def take_fault(self, call: str) -> Fault | None:
        """A fault of the wire, which does not care what was asked."""
        with self._lock:
            return self._fault(call, Fault.HANGS, Fault.SILENT, Fault.RESET, Fault.BUSY, Fault.BROKEN, Fault.ODD)

    def _fault(self, call: str, *among: Fault) -> Fault | None:
        for begins, waiting in self.faults.items():
            if call.startswith(begins) and waiting and waiting[0] in among:
                return waiting.popleft()
        return None

    def _route(self, method: str, path: str, params: Json) -> Json:
        parts = path.removeprefix("/v1/").split("/")
        match (method, *parts):
            case ("POST", "checkout", "sessions"):
                return self._shown(self._open(params))
            case ("GET", "checkout", "sessions"):
                return self._listed(params)
            case ("GET", "checkout", "sessions", which):
                return self._shown(self._fresh(which), "expand" in params)
            case ("POST", "checkout", "sessions", which, "expire"):
                return self._shown(self._expired(which))
            case ("POST", "refunds"):
                return self._refund(params)
            case ("GET", "refunds"):
                mine = [each for each in self.refunds.values() if each["payment_intent"] == params["payment_intent"]]
                return {"object": "list", "data": mine[::-1], "has_more": False, "url": "/v1/refunds"}
        raise invalid(f"Unrecognized request URL ({method}: {path})", 404)

    def _open(self, params: Json) -> Json:
        amount = self._checked(params)
        session = {
            "id": self._id("cs_test"),
            "object": "checkout.session",
            "amount_total": amount,
            "client_reference_id": params["client_reference_id"],
            "created": self._now(),
            "currency": "jpy",
            "expires_at": int(params["expires_at"]),
            "livemode": False,
            "metadata": params["metadata"],
            "mode": "payment",
            "payment_intent": None,
            "payment_method_types": params["payment_method_types"],
            "payment_status": "unpaid",
            "status": "open",
            "success_url": params["success_url"],
            "_description": params["line_items"][0]["price_data"]["product_data"]["name"],
            "_intent_metadata": params["payment_intent_data"]["metadata"],
            "_konbini_days": int(
                params.get("payment_method_options", {}).get("konbini", {}).get("expires_after_days", 3)
            ),
        }
        session["url"] = f"{self.site}/pay/{session['id']}"
        self.sessions[session["id"]] = session
        return session

    def _checked(self, params: Json) -> int:
        """The amount, where Stripe would take these parameters."""
        price = params["line_items"][0]["price_data"]
        amount, kinds = int(price["unit_amount"]), params["payment_method_types"]
        life = int(params["expires_at"]) - self._now()
        if params["mode"] != "payment" or price["currency"] != "jpy" or len(params["line_items"]) != 1:
            raise invalid("not a payment in yen")
        if self.refuses & set(kinds):
            raise invalid("The payment method type provided is invalid.", param="payment_method_types[0]")
        if not 30 * 60 <= life <= 24 * 3600:
            raise invalid("`expires_at` must be between 30 minutes and 24 hours from now.", param="expires_at")
        if amount < 50 or ("konbini" in kinds and not 120 <= amount <= 300_000):
            raise invalid("The amount is out of bounds.", code="amount_too_small", param="line_items[0]")
        return amount

    def _listed(self, params: Json) -> Json:
        found = [self._fresh(each) for each in list(self.sessions)][::-1]
        if "payment_intent" in params:
            found = [each for each in found if each["payment_intent"] == params["payment_intent"]]
        if "created" in params:
            found = [each for each in found if each["created"] >= int(params["created"]["gte"])]
        after = [each["id"] for each in found].index(params["starting_after"]) + 1 if "starting_after" in params else 0
        limit = int(params.get("limit", 10))
        data = [self._shown(each) for each in found[after : after + limit]]
        more = len(found) > after + limit
        return {"object": "list", "data": data, "has_more": more, "url": "/v1/checkout/sessions"}

    def _expired(self, which: str) -> Json:
        session = self._fresh(which)
        if session["status"] != "open":
            raise invalid("Only Checkout Sessions with a status in ['open'] can be expired.")
        self._close(session)
        return session

    def _refund(self, params: Json) -> Json:
        intent = self.intents.get(params["payment_intent"])
        if intent is None or intent["latest_charge"] is None:
            raise invalid("This PaymentIntent does not have a successful charge to refund.")
        return self._refunded(intent["id"], int(params["amount"]), params.get("metadata", {}))

    def _shown(self, session: Json, expanded: bool = False) -> Json:
        shown = {name: value for name, value in session.items() if not name.startswith("_")}
        if expanded and session["payment_intent"]:
            intent = dict(self.intents[session["payment_intent"]])
            intent["latest_charge"] = self.charges.get(intent["latest_charge"])
            shown["payment_intent"] = intent
        return shown

    # --- events

    def _event(self, kind: str, about: Json, **more: Any) -> None:
        shown = self._shown(about) if about.get("object") == "checkout.session" else about
        event = {
            "id": self._id("evt"),
            "object": "event",
            "api_version": self.api_version,
            "created": self._now(),
            "livemode": False,
            "type": kind,
            "data": {"object": shown},
        } | more
        body = json.dumps(event, indent=2).encode()
        self.post.append(Sent(kind, body, signed(body, self.secret, self._now())))

    def deliver(self, sent: list[Sent]) -> None:
        """To the hook, as the documentation tells the operator to set it up."""
        for each in sent if self.hook else ():
            request = urllib.request.Request(self.hook or "", data=each.body, method="POST")  # noqa: S310
            request.add_header("Content-Type", "application/json; charset=utf-8")
            request.add_header("Stripe-Signature", each.signature)
            try:
                with urllib.request.urlopen(request, timeout=20):  # noqa: S310
                    pass
            except urllib.error.URLError as error:
                self.lost.append(f"{each.type}: {error}")

    def _id(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}_{hashlib.sha256(f'{self.key}{prefix}{self._made}'.encode()).hexdigest()[:40]}"

    def _now(self) -> int:
        return int(self.clock().timestamp())


def dumped(value: Json) -> bytes:
    return json.dumps(value).encode()


def nested(pairs: list[tuple[str, str]]) -> Json:
    """`a[b][0][c]=1` as the tree it stands for."""
    tree: Json = {}
    for name, value in pairs:
        path = re.findall(r"[^\[\]]+", name)
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(each) for name, each in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


class StripeServer:
    """The server, in a thread of this process. Accounts come and go; it stays."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._accounts: dict[str, Account] = {}
        routes = [
            Route("/v1/{rest:path}", self._api, methods=["GET", "POST"]),
            Route("/pay/{session}", self._page),
            Route("/pay/{session}", self._press, methods=["POST"]),
            Route("/voucher/{session}", self._voucher),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), "127.0.0.1", self.port, lifespan="off", ws="none", log_config=None
        )
        config.log_level = "critical"
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            threading.Event().wait(0.01)

    def account(self, secret: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Account:
        key = f"sk_test_{len(self._accounts):08d}"
        self._accounts[key] = Account(self.url, key, secret, clock)
        return self._accounts[key]

    def _whose(self, session_id: str) -> Account | None:
        return next((each for each in self._accounts.values() if session_id in each.sessions), None)

    async def _api(self, request: Request) -> Any:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        account = self._accounts.get(key) if scheme == "Bearer" else None
        raw = await request.body() if request.method == "POST" else request.url.query.encode()
        if account is None:
            return _refusal(Refused(401, "invalid_request_error", f"Invalid API Key provided: {key[:12]}"))
        if request.headers.get("stripe-version") != API_VERSION:
            return _refusal(invalid("this server is for one version of the API"))
        if request.method == "POST" and "idempotency-key" not in request.headers:
            return _refusal(invalid("a request that changes something wants an idempotency key"))
        path, call = request.url.path, f"{request.method} {request.url.path}"
        fault = account.take_fault(call)
        if fault is Fault.BUSY:
            return _refusal(Refused(429, "rate_limit_error", "Too many requests"))
        if fault is Fault.HANGS:
            await _waits(account)
        params = nested(parse_qsl(raw.decode()))
        idempotency = request.headers.get("idempotency-key")
        status, body, replayed = account.answer(request.method, path, params, idempotency, raw)
        if fault is Fault.SILENT:
            await _waits(account)
        if fault is Fault.RESET:
            return BrokenOff(body)
        if fault in (Fault.BROKEN, Fault.ODD):
            body = body[: len(body) // 2] if fault is Fault.BROKEN else b'{"object": "list"}'
        headers = {"idempotent-replayed": "true"} if replayed else {}
        headers |= {"request-id": "req_test1"} | ({"stripe-should-retry": "false"} if status == 500 else {})
        return Response(body, status, headers, "application/json")

    async def _page(self, request: Request) -> Response:
        account = self._whose(request.path_params["session"])
        if account is None:
            return HTMLResponse("no such page", 404)
        session = account.sessions[request.path_params["session"]]
        if session["status"] != "open":
            return HTMLResponse(framed(f'<p>終わりました</p><a href="{escape(session["success_url"])}">市に戻る</a>'))
        kinds = session["payment_method_types"]
        offered = [("pay", "カードで支払う"), ("decline", "断られるカードで支払う")] if "card" in kinds else []
        offered += [("pay", "PayPayで支払う")] * ("paypay" in kinds) + [("later", "コンビニで支払う")] * (
            "konbini" in kinds
        )
        buttons = "".join(f'<button name="action" value="{do}">{words}</button>' for do, words in offered)
        words = f"<p>{escape(session['_description'])} {session['amount_total']}円</p>"
        wrong = f"<p>{escape(str(request.query_params.get('said', '')))}</p>"
        back = f'<a href="{escape(session["success_url"])}">市に戻る</a>'
        return HTMLResponse(framed(f'{words}{wrong}<form method="post">{buttons}</form>{back}'))

    async def _press(self, request: Request) -> Response:
        session_id = request.path_params["session"]
        account = self._whose(session_id)
        if account is None:
            return HTMLResponse("no such page", 404)
        action = dict(parse_qsl((await request.body()).decode()))["action"]
        await anyio.to_thread.run_sync(account.act, session_id, action)
        session = account.sessions[session_id]
        if action == "decline":
            return RedirectResponse(f"/pay/{session_id}?said=このカードは使えません", 303)
        return RedirectResponse(session["success_url"], 303)

    async def _voucher(self, request: Request) -> Response:
        account = self._whose(request.path_params["session"])
        if account is None:
            return HTMLResponse("no such page", 404)
        session = account.sessions[request.path_params["session"]]
        return HTMLResponse(framed(f'<p>店で見せる番号 123456</p><a href="{escape(session["success_url"])}">戻る</a>'))


async def _waits(account: Account) -> None:
    with anyio.move_on_after(LIVED):
        while not account.released.is_set():
            await anyio.sleep(0.01)


class BrokenOff(Response):
    """Half of what was promised, and then the connection ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[:20], "more_body": True})
        raise ConnectionError("cut off")


def framed(body: str) -> str:
    return f'<!doctype html><html lang="ja"><title>支払い</title><main>{body}</main></html>'


def _refusal(refused: Refused) -> Response:
    return JSONResponse(refused.body, refused.status, {"request-id": "req_test1"})


_started: list[StripeServer] = []


def stripe_server() -> StripeServer:
    """The server of this process."""
    if not _started:
        _started.append(StripeServer())
    return _started[0]
