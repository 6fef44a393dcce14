"""Stripe, by its hosted Checkout: cards, convenience stores (konbini) and PayPay. Nothing else knows Stripe's words.

A signed event is taken at its word where its body says everything we need, in the version of the API that we speak;
otherwise it is a hint, and we ask. What we make of either is the same `Event` with the same id, so it counts once.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final, TypeVar, cast

import requests
import stripe
from stripe.params.checkout import SessionCreateParams

from payments.port import (
    Checkout,
    Event,
    EventKind,
    Hint,
    Payment,
    PaymentConflict,
    ProviderUnavailable,
    Refusal,
    Uncollectable,
)
from payments.signed import refusal, strict_object

T = TypeVar("T")
Json = dict[str, Any]

API_VERSION: Final = "2026-10-28.endive"
"""The version whose words this file knows. An event in another version is only a hint."""
METHODS: Final[Mapping[str, tuple[int, int]]] = {
    "card": (50, 99_999_999),
    "konbini": (120, 300_000),
    "paypay": (50, 99_999_999),
}
"""Every way to pay we know, with the least and the most yen Stripe takes by it."""
KONBINI_DAYS: Final = 3
"""The slip for the shop is good until the end of this day, counted from the day it was made; less near the deadline."""
PATIENCE: Final = 4.5
"""Seconds a caller waits. What is under way goes on, and a repeated call finds what it did."""
_TIMEOUT: Final = (3.05, 8.0)
_RETRIES: Final = 2
_THREADS: Final = 8
"""Of our own: a provider that hangs must not keep the threads busy that everybody else needs."""
_KEYS: Final = 3
_LIFE: Final = timedelta(hours=24)
"""Stripe's checkouts live no longer, and it remembers an idempotency key at least as long."""
_JAPAN: Final = timezone(timedelta(hours=9))
_EXPAND: Final = "payment_intent.latest_charge.balance_transaction"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.\[\]-]{1,100}")

_log: Final = logging.getLogger("kakanai.payments")

_SESSION_EVENTS: Final = {
    "checkout.session.completed": (EventKind.PAID, "paid"),
    "checkout.session.async_payment_succeeded": (EventKind.PAID, "paid"),
    "checkout.session.async_payment_failed": (EventKind.EXPIRED, "unpaid"),
    "checkout.session.expired": (EventKind.EXPIRED, "unpaid"),
}
"""What an event says when its checkout's `payment_status` is this; with another it is a hint.

A completed checkout whose later payment failed is over: it cannot be tried again, so it has expired, not been declined.
"""
_HINTS: Final = frozenset(
    {
        "payment_intent.payment_failed",
        "charge.refunded",
        "charge.refund.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
    }
)
"""These name a payment of Stripe's, not our checkout."""


def client(secret_key: str, api_base: str) -> stripe.StripeClient:
    """Stripe's library as we use it: one version, bounded waits, a few retries under one idempotency key."""
    stripe.enable_telemetry = False  # it would tell Stripe of this machine, and keep a file about it
    return stripe.StripeClient(
        secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base},
        max_network_retries=_RETRIES,
        http_client=stripe.RequestsClient(timeout=_TIMEOUT, session=requests.Session()),
    )


class StripeGateway:
    """An account at Stripe. `webhook_secrets`: each is believed. `methods`: of METHODS, what the city takes.

    Stripe's own library speaks to the API, in threads of its own, with its retries under one idempotency key.
    """

    name: Final = "stripe"
    signature_header: Final = "Stripe-Signature"

    def __init__(
        self,
        secret_key: str,
        webhook_secrets: Sequence[str],
        *,
        methods: Sequence[str],
        clock: Callable[[], datetime],
        api_base: str = stripe.DEFAULT_API_BASE,
        patience: float = PATIENCE,
    ) -> None:
        if not webhook_secrets or not all(webhook_secrets):
            raise ValueError("a provider without a secret would believe everybody")
        if not methods or not set(methods) <= set(METHODS):
            raise ValueError(f"methods are some of {', '.join(METHODS)}")
        self._live = secret_key.startswith(("sk_live_", "rk_live_"))
        self._secrets, self._methods, self._clock = tuple(webhook_secrets), tuple(methods), clock
        self._patience = patience
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="stripe")
        self._api = client(secret_key, api_base)

    async def start(self, payment: Payment, return_url: str) -> Checkout:
        return await self._ask(lambda: self._start(payment, return_url))

    def read_event(self, body: bytes, signature: str, now: datetime) -> Event | Hint | Refusal | None:
        refused = refusal(body, signature, self._secrets, now)
        if refused:
            return refused
        told = strict_object(body)
        return Refusal.MALFORMED if told is None else _told(told, live=self._live)

    async def read(self, reference: str) -> Event | None:
        return await self._ask(lambda: self._read(reference))

    async def refund(self, reference: str, amount: int, *, reason: str, key: str) -> Event | None:
        """`reason` stays with us: it may say what somebody filed."""
        return await self._ask(lambda: self._refund(reference, amount, key))

    async def expire(self, reference: str) -> None:
        await self._ask(lambda: self._expire(reference))

    async def _ask(self, work: Callable[[], T]) -> T:
        """Do `work` in a thread of ours; whatever Stripe, the network or an odd answer make of it is one error."""
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except PaymentConflict as conflict:
            _log.error("stripe: %s", conflict)  # names our own ids only
            raise
        except TimeoutError:
            raise ProviderUnavailable("no answer in time") from None
        except stripe.StripeError as error:
            raise _unavailable(error) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ProviderUnavailable("an answer that cannot be read") from None

    def _start(self, payment: Payment, return_url: str) -> Checkout:
        if payment.reference is not None:
            session = self._retrieve(payment.reference)
        else:
            session = self._create(payment, self._params(payment, return_url))
        if session is None:
            raise ProviderUnavailable("a checkout that was opened is not there any more")
        if session["amount_total"] != payment.amount:
            raise PaymentConflict(f"payment {payment.id} was started for another amount")
        return _checkout(session, return_url)

    def _params(self, payment: Payment, return_url: str) -> SessionCreateParams:
        """Made of the payment alone: an idempotency key only stands for exactly the same words."""
        days = _konbini_days(payment)
        methods = [name for name in self._methods if METHODS[name][0] <= payment.amount <= METHODS[name][1]]
        if not days and "konbini" in methods:
            methods.remove("konbini")
        if not methods:
            raise Uncollectable
        ours = {"payment": payment.id}
        params: Json = {
            "mode": "payment",
            "locale": "ja",
            "client_reference_id": payment.id,
            "metadata": ours,
            "payment_intent_data": {"metadata": ours, "description": payment.description},
            "line_items": [{"quantity": 1, "price_data": _price(payment)}],
            "payment_method_types": methods,
            "adaptive_pricing": {"enabled": False},  # it would take the fee in another currency
            "expires_at": _seconds(payment.until),
            "success_url": return_url,
            "cancel_url": return_url,
        }
        if "konbini" in methods:
            params["payment_method_options"] = {"konbini": {"expires_after_days": days}}
        return cast(SessionCreateParams, params)

    def _create(self, payment: Payment, params: SessionCreateParams) -> Json:
        """Open a checkout, once.

        Stripe answers a repeated key with what it answered first, a 500 too, even where the checkout was opened. So
        after a fault we look for our checkout, and only where there is none do we ask under another key.
        """
        for turn in range(_KEYS):
            key = f"checkout-{payment.id}-{turn}"
            try:
                return _plain(self._api.v1.checkout.sessions.create(params, {"idempotency_key": key}))
            except (stripe.APIError, stripe.IdempotencyError) as error:
                found = self._found(payment)
                if found is not None:
                    return found
                if not isinstance(error, stripe.IdempotencyError) and not _replayed(error):
                    raise
        raise ProviderUnavailable("every key for this payment is spent")

    def _found(self, payment: Payment) -> Json | None:
        """The checkout of this payment among those of its day. Stripe cannot be asked for one by our id."""
        since = _seconds(payment.until - _LIFE)
        recent = self._api.v1.checkout.sessions.list({"created": {"gte": since}, "limit": 100})
        for session in recent.auto_paging_iter():
            if session.client_reference_id == payment.id:
                return self._retrieve(session.id)
        return None

    def _read(self, reference: str) -> Event | None:
        if reference.startswith("pi_"):
            found = self._api.v1.checkout.sessions.list({"payment_intent": reference, "limit": 1}).data
            if not found:
                return None
            reference = found[0].id
        session = self._retrieve(reference)
        return _standing(session) if session is not None else None

    def _retrieve(self, reference: str) -> Json | None:
        try:
            return _plain(self._api.v1.checkout.sessions.retrieve(reference, {"expand": [_EXPAND]}))
        except stripe.InvalidRequestError as error:
            if error.http_status == 404:
                return None
            raise

    def _refund(self, reference: str, amount: int, key: str) -> Event | None:
        session = self._retrieve(reference)
        word = _standing(session) if session is not None else None
        if session is None or word is None or word.kind not in (EventKind.PAID, EventKind.REFUNDED):
            return None
        intent: str = session["payment_intent"]["id"]
        # Stripe forgets an idempotency key after a day; the key in the refund's metadata stays.
        made = self._api.v1.refunds.list({"payment_intent": intent, "limit": 100}).auto_paging_iter()
        same = next((each for each in map(_plain, made) if _part(each["metadata"], "key") == key), None)
        if same is not None and same["amount"] != amount:
            raise PaymentConflict(f"refund {key} was made for another amount")
        if same is None:
            if not 0 < amount <= word.amount - word.refunded:
                return None
            if not self._give_back(intent, amount, key):
                return None
        return self._read(reference)

    def _give_back(self, intent: str, amount: int, key: str) -> bool:
        """False: Stripe refused it, as for a charge that is disputed; asking again would change nothing."""
        try:
            self._api.v1.refunds.create(
                {"payment_intent": intent, "amount": amount, "metadata": {"key": key}},
                {"idempotency_key": f"refund-{key}"},
            )
        except stripe.IdempotencyError:
            raise PaymentConflict(f"refund {key} was made for another payment") from None
        except stripe.InvalidRequestError as error:
            _unavailable(error)  # its line tells the operator why
            return False
        return True

    def _expire(self, reference: str) -> None:
        """Stripe takes back an open checkout only: a slip for the shop stays good until its day."""
        try:
            self._api.v1.checkout.sessions.expire(reference)
        except stripe.InvalidRequestError:  # unknown, or over
            return


def _told(event: Json, *, live: bool) -> Event | Hint | Refusal | None:
    """What a signed event says. Its fields are looked at one by one: being signed does not make them what we expect."""
    kind, about, at = event.get("type"), _part(event.get("data"), "object"), event.get("created")
    if not isinstance(kind, str) or not isinstance(about, dict) or type(at) is not int:
        return Refusal.MALFORMED
    if event.get("livemode") is not live:
        return Refusal.FOREIGN
    if kind in _HINTS:
        named = about.get("id") if about.get("object") == "payment_intent" else about.get("payment_intent")
        return Hint(named) if isinstance(named, str) else None
    if kind not in _SESSION_EVENTS or about.get("client_reference_id") is None:
        return None  # another kind of event, or a checkout that others opened at this account
    if not isinstance(about.get("id"), str):
        return Refusal.MALFORMED
    said, status = _SESSION_EVENTS[kind]
    if event.get("api_version") != API_VERSION or about.get("payment_status") != status:
        return Hint(about["id"])
    try:
        return _event(about, said, at, amount=about["amount_total"], currency=about["currency"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return Hint(about["id"])


def _standing(session: Json) -> Event | None:
    """How a checkout stands, from the session with its payment and charge."""
    intent: Json = session["payment_intent"] or {}
    if session["client_reference_id"] is None:
        return None
    if session["payment_status"] != "unpaid":
        return _paid(session, intent)
    sums: Json = {"amount": session["amount_total"], "currency": session["currency"]}
    if session["status"] == "expired":
        return _event(session, EventKind.EXPIRED, session["expires_at"], **sums)
    if session["status"] == "open":
        refused = intent.get("last_payment_error")
        return _event(session, EventKind.DECLINED, intent["created"], **sums) if refused else None
    if intent["status"] in ("requires_action", "processing", "requires_confirmation"):
        slip = _slip(intent)
        until = _moment(slip["expires_at"]) if slip else None
        return _event(session, EventKind.PROMISED, intent["created"], pay_until=until, **sums)
    return _event(session, EventKind.EXPIRED, intent["created"], **sums)


def _paid(session: Json, intent: Json) -> Event:
    """The money's own figures where there are any, rather than what the checkout was opened for."""
    charge: Json = intent.get("latest_charge") or {}
    booked: Json = charge.get("balance_transaction") or {}
    refunded: int = charge.get("amount_refunded") or 0
    return _event(
        session,
        EventKind.REFUNDED if refunded else EventKind.PAID,
        booked.get("created") or charge.get("created") or session["created"],
        amount=intent["amount_received"] if intent else session["amount_total"],
        currency=intent["currency"] if intent else session["currency"],
        refunded=refunded,
    )


def _event(
    session: Json,
    kind: EventKind,
    at: int,
    *,
    amount: int,
    currency: str,
    refunded: int = 0,
    pay_until: datetime | None = None,
) -> Event:
    """Its id is made of what it says: told in two events, or told and read, it is one. Raises TypeError."""
    reference, payment_id = session["id"], session["client_reference_id"]
    texts, sums = (reference, payment_id, currency), (amount, refunded)
    if not all(isinstance(each, str) for each in texts) or not all(type(each) is int for each in sums):
        raise TypeError("not a checkout's fields")
    currency = currency.upper()
    name = f"{reference}-{kind}-{amount}{currency}-{refunded}"
    return Event(name, kind, payment_id, reference, amount, currency, _moment(at), refunded, pay_until)


def _checkout(session: Json, return_url: str) -> Checkout:
    """Where the payer goes: the page, the slip for the shop once that was chosen, or back to us when it is over."""
    intent = session["payment_intent"]
    slip = _slip(intent) if isinstance(intent, dict) else None
    if session["status"] == "complete" and slip:
        return Checkout(slip["hosted_voucher_url"], session["id"], _moment(slip["expires_at"]))
    return Checkout(session["url"] or return_url, session["id"], _moment(session["expires_at"]))


def _slip(intent: Json) -> Json | None:
    slip = _part(intent.get("next_action"), "konbini_display_details")
    return slip if isinstance(slip, dict) else None


def _price(payment: Payment) -> Json:
    """JPY has no smaller unit: 710 is 710 yen."""
    return {"currency": "jpy", "unit_amount": payment.amount, "product_data": {"name": payment.description}}


def _konbini_days(payment: Payment) -> int:
    """How many days a slip may be good for, whenever before the checkout's end it is made; 0 where it would outlive
    the deadline. A slip ends with its day in Japan."""
    if payment.pay_by is None:
        return KONBINI_DAYS
    last = payment.pay_by + timedelta(seconds=1)  # a day whose last second still counts is a whole day
    return max(0, min(KONBINI_DAYS, (_day(last) - _day(payment.until)).days - 1))


def _day(moment: datetime) -> date:
    return moment.astimezone(_JAPAN).date()


def _replayed(error: stripe.StripeError) -> bool:
    """Whether Stripe said this before, to an earlier request under the same key."""
    headers: Mapping[str, str] = error.headers or {}
    return headers.get("Idempotent-Replayed") == "true"


def _unavailable(error: stripe.StripeError) -> ProviderUnavailable:
    """For the caller one and the same; for the operator a line that quotes nothing but codes."""
    refused = isinstance(error, stripe.AuthenticationError | stripe.PermissionError)
    advice = "the secret key is refused: look at the settings, and at what the key may do" if refused else "no answer"
    if isinstance(error, stripe.InvalidRequestError | stripe.CardError):
        advice = "our request is refused"
    marks = {"status": error.http_status, "code": error.code, "param": getattr(error, "param", None)}
    marks["request"] = error.request_id
    known = [f"{name}={value}" for name, value in marks.items() if value and _PLAIN.fullmatch(str(value))]
    _log.error("stripe: %s (%s %s)", advice, type(error).__name__, " ".join(known))
    return ProviderUnavailable(advice)


def _plain(found: stripe.StripeObject) -> Json:
    return found.to_dict()


def _part(whole: object, name: str) -> object:
    return whole.get(name) if isinstance(whole, dict) else None


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
