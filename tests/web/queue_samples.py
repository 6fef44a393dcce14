"""The pages of the queue when life is not tidy, as `samples` has the others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from server.counter.line import Care, Expected
from server.counter.qr import drawn
from server.web.badge import Desk
from server.web.contexts import ErrorLink
from server.web.hall.board import BoardPage, Called, QueueLine, TicketPage
from server.web.hall.queue import (
    CARE_WORDS,
    Chair,
    Line,
    NewTicketPage,
    Option,
    QueueChoice,
    QueuePage,
    SitPage,
    SlipPage,
    Visit,
)
from server.web.hall.times import Figures, TimesPage
from tests.web.samples import HOSTILE, LONG_NAME, LONG_TITLE, NOW

CODE: Final = "7KQM0XWD9H7KQM0"
CARES: Final = [Option(str(int(care)), words, care is Care.NONE) for care, words in CARE_WORDS.items()]
EXPECTED: Final = Expected(20, 45)


def _line(i: int, state: str = "waiting", **more: Any) -> Line:
    plain: dict[str, Any] = {
        "id": f"{i:032}",
        "number": f"A-{i:03}",
        "title": "住民票・戸籍・印鑑・引っ越し",
        "slugs": LONG_TITLE if i % 2 else "",
        "language": "Tiếng Việt" if i % 3 == 0 else "",
        "spoken": "vi" if i % 3 == 0 else "ja",
        "minutes": 3 * i,
        "calls": 0,
        "care": CARE_WORDS[Care.PREGNANT] if i % 4 == 0 else "",
        "due": NOW if i % 5 == 0 else None,
        "only": i == 7,
        "state": state,
    }
    return Line(**plain | more)


def queue(desk: Desk, **more: Any) -> QueuePage:
    plain: dict[str, Any] = {
        "desk": desk,
        "window": "3番窓口",
        "queues": "住民票・戸籍・印鑑・引っ越し、マイナンバーカード",
        "hand": None,
        "soon": 0,
        "waiting": [_line(i) for i in range(1, 13)],
        "absent": [_line(40, "absent", calls=2)],
        "elsewhere": [Option("q:zei", "H 税の証明・申告"), Option("w:x", HOSTILE)],
        "cares": CARES,
        "visit": Visit("", "市民課"),
        "mark": "12-3",
    }
    return QueuePage(**plain | more)


def staff(desk: Desk) -> dict[str, tuple[str, object]]:
    """Those of the staff, by name: (template, what it is told)."""
    chairs = [Chair("a", "1番窓口", LONG_TITLE, "", ""), Chair("b", HOSTILE, "", LONG_NAME, "x")]
    choices = [
        QueueChoice("juki", "A", "住民票・戸籍・印鑑・引っ越し", 12, EXPECTED, True),
        QueueChoice("zei", "H", "税の証明・申告", 0, None, False),
    ]
    wrong = [ErrorLink(f"#f-{name}", "そこ", "直してから、もう一度送ってください") for name in ("queue", "number")]
    figures = [Figures(LONG_TITLE, 120, 12.34, 61, 118, 8.5, 3), Figures("税の証明・申告", 0, None, 0, 0, None, 1)]
    times = TimesPage(
        desk, "2026-11-14", "2026-11-20", figures[0], figures, figures, figures, figures, "/counter/times.csv", 92
    )
    nothing = TimesPage(desk, "x", "y", figures[1], [], [], [], [], "", 92)
    period = [ErrorLink("#f-from", "期間", "はじめの日とおわりの日を確かめてください")]
    called, serving = _line(3, "called", calls=1), _line(5, "serving", calls=2)
    url = f"https://example.jp/tickets/{CODE}"
    slip = SlipPage(desk, "A-012", "住民票・戸籍・印鑑・引っ越し", 4, NOW, NOW + timedelta(hours=1), url, drawn(url))
    languages = [Option("ja", "日本語", True), Option("vi", "Tiếng Việt")]
    return {
        "queue": ("staff/queue.html", queue(desk)),
        "queue-empty": ("staff/queue.html", queue(desk, waiting=[], absent=[])),
        "queue-called": ("staff/queue.html", queue(desk, hand=called, soon=1)),
        "queue-serving": ("staff/queue.html", queue(desk, hand=serving, visit=Visit("/counter/x", "市民課"))),
        "queue-taken": ("staff/queue.html", queue(desk, told=f"A-001 は、{HOSTILE}が先に呼びました。")),
        "queue-sit": ("staff/queue_sit.html", SitPage(desk, chairs)),
        "queue-sit-taken": ("staff/queue_sit.html", SitPage(desk, chairs, HOSTILE)),
        "queue-sit-none": ("staff/queue_sit.html", SitPage(desk, [])),
        "queue-new": ("staff/queue_new.html", NewTicketPage(desk, choices, CARES, languages)),
        "queue-new-errors": ("staff/queue_new.html", NewTicketPage(desk, choices, CARES, languages, HOSTILE, wrong)),
        "queue-slip": ("staff/queue_slip.html", slip),
        "queue-times": ("staff/queue_times.html", times),
        "queue-times-none": ("staff/queue_times.html", nothing),
        "queue-times-errors": (
            "staff/queue_times.html",
            TimesPage(desk, "x", "y", figures[1], [], [], [], [], "", 92, period),
        ),
    }


def board(calls: int = 5, **more: Any) -> BoardPage:
    """`calls` numbers are called."""
    words = [("ja", "番号A 12の方、3番窓口へお越しください。"), ("vi", HOSTILE)]
    plain: dict[str, Any] = {
        "called": [Called(f"A-{i:03}", f"{i}番窓口", f"{i}-1", words) for i in range(1, calls + 1)],
        "recent": [f"C-{i:03}" for i in range(8)],
        "absent": ["B-007", "H-120"],
        "queues": [
            QueueLine("A", "住民票・戸籍・印鑑・引っ越し", "Residence, family register, seals, moving", 12, EXPECTED),
            QueueLine("C", "国民健康保険・年金", "国民健康保険・年金", 0, Expected(0, 5)),
            QueueLine("H", "税の証明・申告", "Tax", 3, None),
        ],
        "at": NOW,
        "mark": "12-3",
    }
    return BoardPage(**plain | more)


def ticket(state: str = "waiting", **more: Any) -> TicketPage:
    plain: dict[str, Any] = {
        "number": "A-012",
        "title": "住民票・戸籍・印鑑・引っ越し",
        "state": state,
        "ahead": 3,
        "expected": EXPECTED,
        "window": "3番窓口",
        "window_number": "3",
        "due": None,
        "booked_yet": False,
        "url": f"/tickets/{CODE}",
        "mark": "12-3",
    }
    return TicketPage(**plain | more)


def residents() -> dict[str, tuple[str, object]]:
    """A ticket on a phone, by name: (template, what it is told)."""
    states = ("waiting", "called", "serving", "done", "absent", "left")
    shown = {f"ticket-{state}": ticket(state) for state in states}
    shown["ticket-booked"] = ticket(due=NOW, booked_yet=True, expected=Expected(0, 10))
    shown["ticket-closed"] = ticket(expected=None, ahead=0)
    shown["ticket-named"] = ticket("called", window=HOSTILE, window_number="")
    return {name: ("pages/ticket.html", context) for name, context in shown.items()}
