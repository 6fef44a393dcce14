"""The pages of money, at a window and for the treasurer, when life is not tidy."""

from __future__ import annotations

from typing import Any, Final

from server.applications.refunding import Came, Sheet
from server.applications.states import OfficeState
from server.money.debts import Item
from server.money.matters import Dealt, Matter
from server.money.matters import Kind as MoneyKind
from server.money.refunds import Refund, Returnable
from server.people.factors import enrolment_qr
from server.web.badge import Desk
from server.web.contexts import Choice, ErrorLink, Link
from server.web.money.matters import DealtLine, TillOddPage
from server.web.money.refunds import RefundForm, RefundPage
from server.web.money.takings import CountLine, Sum, TillDayPage
from server.web.money.till import WAYS, ReceiptLine, ReceiptRefund, TillLine, TillPage, TillReceiptPage
from tests.web.samples import HOSTILE, LONG_NAME, LONG_TITLE, NOW, TODAY

SECRET: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NUMBER: Final = "123456789012345"


def till(desk: Desk, **more: Any) -> TillPage:
    items = (Item("住民票の写し", 2, "通", 600), Item(LONG_TITLE, 1, "通", 450))
    plain: dict[str, Any] = {
        "desk": desk,
        "lines": [
            TillLine(NUMBER, LONG_TITLE, items, 1050, "未納", True),
            TillLine(NUMBER[::-1], "犬の登録申請", items[:1], 600, "納付済み", False),
        ],
        "total": 1050,
        "standing": "due",
        "pay_url": "/counter/x/pay",
        "ask_url": "/counter/x/pay/ask",
        "back_url": "/counter/x/filed",
        "link": "https://apply.example.jp/pay/" + "x" * 50,
        "qr": enrolment_qr(SECRET, "user1", "五所川原市"),
        "receipts": [Link("20261120-0001", "/counter/receipts/20261120-0001")],
    }
    return TillPage(**plain | more)


def receipt(desk: Desk, **more: Any) -> TillReceiptPage:
    plain: dict[str, Any] = {
        "desk": desk,
        "number": "20261120-0001",
        "department": "子育て支援課",
        "kind": "現金",
        "lines": [ReceiptLine(NUMBER, LONG_TITLE, 2, "通", 600), ReceiptLine(NUMBER, "犬の登録", 1, "件", 3000)],
        "amount": 3600,
        "taken": 10_000,
        "change": 6400,
        "by": LONG_NAME,
        "at": NOW,
        "voided_at": None,
        "back_url": "/counter/x/pay",
        "void_url": "/counter/receipts/20261120-0001/void",
    }
    return TillReceiptPage(**plain | more)


def till_day(desk: Desk, **more: Any) -> TillDayPage:
    plain: dict[str, Any] = {
        "desk": desk,
        "department": "市民課",
        "choices": [Choice("市民課", "市民課", True), Choice("税務課", "税務課", False)],
        "day": TODAY,
        "ways": [Sum("現金", 12, 34_560), Sum("オンライン(Stripe)", 1, -300)],
        "fees": [Sum(f"{LONG_TITLE} (juminhyo)", 12, 34_560), Sum("返金", 1, -300)],
        "total": 34_260,
        "expected": 34_560,
        "counts": [CountLine(NOW, 34_560, 34_060, -500), CountLine(NOW, 34_560, 34_560, 0)],
        "count_url": "/office/till/count?day=2026-11-20",
        "csv_url": "/office/till/export.csv?day=2026-11-20",
        "odd_url": "/office/till/unclear",
        "refund_url": "/office/till/refund",
        "before": "/office/till?day=2026-11-19",
        "after": "/office/till?day=2026-11-21",
        "receipts": [Link("20261120-0001", "/counter/receipts/20261120-0001")],
    }
    return TillDayPage(**plain | more)


def matter(kind: MoneyKind, way: str = "stripe", **more: Any) -> Matter:
    plain: dict[str, Any] = {
        "key": f"{kind}:{way}",
        "kind": kind,
        "way": way,
        "reference": "cs_" + "x" * 60,
        "numbers": [NUMBER],
        "department": "市民課",
        "amount": 300,
        "currency": "JPY",
        "back": 0,
        "left": 0,
        "at": NOW,
    }
    return Matter(**plain | more)


ODD: Final = (
    matter(MoneyKind.SURPLUS, left=300),
    matter(MoneyKind.SURPLUS, "cash", reference="20261120-0001"),
    matter(MoneyKind.UNCLEAR, numbers=[NUMBER, NUMBER], amount=12, currency="USD", back=12),
    matter(MoneyKind.UNKNOWN, numbers=(), department=""),
    matter(MoneyKind.UNASSIGNED, back=50),
    matter(MoneyKind.IMPOSSIBLE, left=300),
    matter(MoneyKind.WAITING),
    matter(MoneyKind.WAITING, "terminal", reference="20261120-0002"),
)
NOTED: Final = Dealt(MoneyKind.UNKNOWN, "stripe", "cs_" + "x" * 60, (NUMBER,), 300, "JPY", HOSTILE, "x", NOW)


def odd(desk: Desk, **more: Any) -> TillOddPage:
    plain: dict[str, Any] = {
        "desk": desk,
        "lines": ODD,
        "dealt": [DealtLine(NOTED, LONG_NAME)],
        "ways": WAYS,
        "note_url": "/office/till/unclear/note",
        "refund_url": "/office/till/refund",
        "back_url": "/office/till",
    }
    return TillOddPage(**plain | more)


def came(which: str, way: str, left: int, *states: str, **more: Any) -> Came:
    """Money of 600 yen, and refunds of it in these states."""
    till = way in ("cash", "terminal")
    number = "20261120-0001" if till else "cs_" + "x" * 60
    money = Returnable(which, "d", "a", "till" if till else way, way, number, "子育て支援課", 600, left, NOW)
    back = [
        Refund(f"r{count}", which, "a", way, "市民課", 300, state, NOW, None if state == "decided" else NOW, till)
        for count, state in enumerate(states)
    ]
    plain: dict[str, Any] = {"money": money, "refunds": back, "waits": False, "mine": True, "hands": True}
    return Came(**plain | more)


def refund(desk: Desk, *all_of_it: Came, **more: Any) -> RefundPage:
    plain: dict[str, Any] = {
        "desk": desk,
        "number": NUMBER,
        "sheet": Sheet(NUMBER, "x", "市民課", OfficeState.WITHDRAWN, all_of_it),
        "title": LONG_TITLE,
        "state": "取下げ",
        "ways": WAYS,
        "action": "/office/till/refund",
        "hand_url": "/office/till/refund/handed-over",
        "case_url": "/office/applications/x",
    }
    return RefundPage(**plain | more)


def pages(desk: Desk) -> dict[str, tuple[str, object]]:
    """By the name of the sample: (template, context)."""
    return {
        "till": ("staff/till.html", till(desk)),
        "till-errors": (
            "staff/till.html",
            till(desk, taken=HOSTILE, errors=[ErrorLink("#f-taken", "x", "直してください")]),
        ),
        "till-changed": ("staff/till.html", till(desk, changed=True, away=True)),
        "till-paid": ("staff/till.html", till(desk, total=0, standing="paid", link="", qr=None)),
        "till-unclear": ("staff/till.html", till(desk, total=0, standing="unclear", receipts=())),
        "till-pending": ("staff/till.html", till(desk, total=0, standing="pending", receipts=())),
        "till-nothing": (
            "staff/till.html",
            till(desk, total=0, standing="nothing", lines=(), link="", qr=None, receipts=(), changed=True),
        ),
        "till-receipt": ("staff/till_receipt.html", receipt(desk)),
        "till-receipt-refunds": (
            "staff/till_receipt.html",
            receipt(
                desk,
                void_url="",
                refunds=[ReceiptRefund(NUMBER, 300, NOW), ReceiptRefund(NUMBER, 100, None)],
                refund_urls=[Link(NUMBER, "/office/till/refund?number=x")],
            ),
        ),
        "till-receipt-void": ("staff/till_receipt.html", receipt(desk, voided_at=NOW, void_url="")),
        "till-receipt-errors": (
            "staff/till_receipt.html",
            receipt(desk, reason=HOSTILE, errors=[ErrorLink("#f-reason", "理由", "理由を入力してください")]),
        ),
        "till-day": ("staff/till_day.html", till_day(desk)),
        "till-day-nothing": (
            "staff/till_day.html",
            till_day(desk, ways=(), fees=(), counts=(), receipts=(), after="", total=0, expected=0),
        ),
        "till-day-errors": (
            "staff/till_day.html",
            till_day(desk, counted=HOSTILE, errors=[ErrorLink("#f-counted", "x", "直してください")]),
        ),
        "till-odd": ("staff/till_odd.html", odd(desk)),
        "till-odd-none": ("staff/till_odd.html", odd(desk, lines=(), dealt=())),
        "till-odd-errors": (
            "staff/till_odd.html",
            odd(desk, wrong=ODD[0].key, typed=HOSTILE, errors=[ErrorLink("#f-1-note", "x", "直してください")]),
        ),
        "refund": (
            "staff/refund.html",
            refund(
                desk,
                came("p1", "stripe", 300, "decided", "done", "impossible"),
                came("p2", "cash", 0, "decided", "done"),
                came("p3", "terminal", 300, "decided", waits=True),
                came("p4", "cash", 600, "decided", mine=False, hands=False),
            ),
        ),
        "refund-nothing": ("staff/refund.html", refund(desk, case_url="")),
        "refund-ask": ("staff/refund.html", refund(desk, sheet=None, number="")),
        "refund-unknown": (
            "staff/refund.html",
            refund(desk, sheet=None, number=HOSTILE, errors=[ErrorLink("#f-number", "x", "番号を確かめてください")]),
        ),
        "refund-errors": (
            "staff/refund.html",
            refund(
                desk,
                came("p1", "stripe", 600),
                form=RefundForm("p1", HOSTILE, HOSTILE, ()),
                errors=[ErrorLink("#f-p1-amount", "x", "直してください")],
            ),
        ),
    }
