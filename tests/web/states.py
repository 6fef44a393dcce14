"""Payment pages and sign-in pages in each of their states, for the sweeps of `samples`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from server.money.debts import Item
from server.web.money.payments import PaymentPage
from server.web.residents.signin import CardWay, SigninEmailPage, SigninPage

ITEMS: Final = (Item("住民票の写し", 12, "通", 3600), Item("郵便料金", 1, "件", 110))


def payment(title: str, state: str, **more: Any) -> PaymentPage:
    plain: dict[str, Any] = {
        "title": title,
        "number": "123456789012345",
        "items": ITEMS,
        "amount": 3710,
        "state": state,
        "due_at": None,
        "pay_until": None,
        "paid_at": None,
        "here": "/payments/p1",
        "go_url": "",
        "status_url": "/applications/123456789012345",
    }
    return PaymentPage(**plain | more)


def payments(title: str, now: Any) -> dict[str, tuple[str, object]]:
    """Every state of a payment, and what may have gone wrong about it."""
    go, soon = {"go_url": "/payments/p1/go", "due_at": now}, now + timedelta(days=3)
    ended = {"lapsed": True, "again_url": "/procedures/x"}
    shown = {
        "due": payment(title, "DUE", **go),
        "due-away": payment(title, "DUE", trouble="away", **go),
        "due-sum": payment(title, "DUE", trouble="sum", **go),
        "due-off": payment(title, "DUE", due_at=now),
        "due-late": payment(title, "DUE", due_at=now, late=True),
        "pending": payment(title, "PENDING", **go),
        "promised": payment(title, "PENDING", pay_until=soon, **go),
        "paid": payment(title, "PAID", paid_at=now),
        "failed": payment(title, "FAILED", **go),
        "expired": payment(title, "EXPIRED", **go),
        "cancelled": payment(title, "CANCELLED"),
        "lapsed": payment(title, "CANCELLED", **ended),
        "lapsed-paid": payment(title, "PAID", paid_at=now, **ended),
        "unclear": payment(title, "PAID", paid_at=now, unclear=True),
        "refunded": payment(title, "REFUNDED", returned=3710),
        "partly-refunded": payment(title, "PARTLY_REFUNDED", returned=3000),
    }
    return {f"payment-{name}": ("pages/payment.html", told) for name, told in shown.items()}


def signin(level: str = "", failed: str = "", *, ways: bool = True) -> SigninPage:
    cards = (CardWay("oidc-basic", "/signin/a/go"), CardWay("jpki-signature", "/signin/b/go")) if ways else ()
    email = "/signin/email?next=/my" if ways and level in ("", "email") else ""
    return SigninPage("/my", level, cards, email, (), failed, 12)


def email(now: Any, fault: str = "", *, sent: bool = False) -> SigninEmailPage:
    to = "very.long.name.of.a.mailbox.that.does.not.end+kakanai@post.example.co.jp" if sent else ""
    return SigninEmailPage("/my", to or '"><b>taro', to, now if sent else None, 10, fault, 2, 12)


def signins(now: Any) -> dict[str, tuple[str, object]]:
    """The ways to sign in, and what comes of each."""
    faults = ("declined", "invalid", "unavailable", "often")
    shown: dict[str, object] = {"signin": signin(), "signin-none": signin("jpki-signature", ways=False)}
    shown |= {f"signin-{level}": signin(level) for level in ("email", "oidc-basic", "jpki-signature")}
    shown |= {f"signin-{fault}": signin(failed=fault) for fault in faults}
    found = {name: ("pages/signin.html", told) for name, told in shown.items()}
    codes = {"": True, "wrong": True, "locked": True, "over": False, "address": False, "often": False}
    mails = {f"email-{fault or 'sent'}": email(now, fault, sent=sent) for fault, sent in codes.items()}
    mails["email"] = email(now)
    return found | {name: ("pages/signin_email.html", told) for name, told in mails.items()}
