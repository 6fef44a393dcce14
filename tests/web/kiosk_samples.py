"""The kiosk's screens when life is not tidy, as `samples` has the pages at home."""

from __future__ import annotations

from typing import Any, Final

from server.counter.qr import drawn
from server.web.contexts import ErrorLink
from server.web.kiosk.arriving import ReservedScreen
from server.web.kiosk.end import Answered, EndScreen, FilledIn, FormScreen, Part, ProcedureScreen, TicketScreen
from server.web.kiosk.forms import KioskRow, QuestionScreen
from server.web.kiosk.lobby import ListScreen, StartScreen, Tile, WhatScreen
from server.web.kiosk.standing import COUNTDOWN, IDLE, WITHOUT_SCRIPT, Around
from tests.web.samples import HOSTILE, LONG_NAME, LONG_TITLE, NOW, filled_step

TILES: Final = [Tile(LONG_TITLE, "くわしい説明", "/kiosk/procedures/x"), Tile(HOSTILE, HOSTILE, "/kiosk/procedures/y")]


def around(**more: Any) -> Around:
    plain: dict[str, Any] = {
        "label": "1階ロビー",
        "here": "/kiosk/what",
        "idle": IDLE,
        "countdown": COUNTDOWN,
        "without_script": WITHOUT_SCRIPT,
        "call": "over",
        "large": False,
        "contrast": False,
    }
    return Around(**plain | more)


def ticket(**more: Any) -> TicketScreen:
    url = "https://example.jp/tickets/7KQM3XWD9HRT7KQ"
    plain: dict[str, Any] = {
        "kiosk": around(),
        "number": "A-012",
        "queue": "住民票・戸籍・印鑑・引っ越し",
        "follow": url,
        "follow_qr": drawn(url),
        "code": "",
        "qr": None,
        "titles": (),
        "bring": ["本人確認書類", HOSTILE],
    }
    return TicketScreen(**plain | more)


def question(**more: Any) -> QuestionScreen:
    plain: dict[str, Any] = {
        "kiosk": around(),
        "title": LONG_TITLE,
        "heading": "申請する人",
        "label": "氏名",
        "number": 3,
        "total": 40,
        "views": filled_step().views[:1],
        "action": "/kiosk/forms/x/applicant.name",
        "back": True,
        "unsure": True,
        "more": False,
        "room": True,
        "rows": (),
        "kana": True,
        "errors": (),
    }
    return QuestionScreen(**plain | more)


def pages() -> dict[str, tuple[str, object]]:
    """Every screen in its usual and its awkward shapes: name → (template, what it is told)."""
    called = around(call="called", large=True, contrast=True)
    rows = [KioskRow(f"対象の子ども {i}", HOSTILE, f"remove:/children/{i}" if i else "") for i in range(3)]
    wrong = [ErrorLink("#more", "対象の子ども", "対象の子どもを1件以上入力してください")]
    lines = [Answered("氏名", LONG_NAME, "/kiosk/forms/x/name?edit", False), Answered(HOSTILE, HOSTILE, "", True)]
    bring = ["本人確認書類", HOSTILE]
    found: dict[str, Any] = {"elsewhere": (), "back_url": "/kiosk/what"}
    before = {"slug": "x", "summary": HOSTILE, "who": HOSTILE, "bring": bring, "questions": 12}
    carried = {"code": "7KQM-3XWD-9HRT", "qr": drawn("7KQM-3XWD-9HRT"), "titles": [LONG_TITLE, HOSTILE]}
    return {
        "start": ("kiosk/start.html", StartScreen(around(idle=0))),
        "start-called": ("kiosk/start.html", StartScreen(around(idle=0, call="called"))),
        "what": (
            "kiosk/what.html",
            WhatScreen(around(), [Tile("出産", "", "/kiosk/guide/birth", "birth")], begun=False),
        ),
        "what-begun": ("kiosk/what.html", WhatScreen(around(call="coming"), TILES, begun=True)),
        "list": ("kiosk/list.html", ListScreen(around(), "", HOSTILE, guided=False, found=TILES, **found)),
        "list-empty": ("kiosk/list.html", ListScreen(around(), "", "x", guided=False, found=(), **found)),
        "list-guided": (
            "kiosk/list.html",
            ListScreen(around(), LONG_TITLE, None, True, TILES, ["出生届", HOSTILE], "/kiosk/guide/birth"),
        ),
        "procedure": (
            "kiosk/procedure.html",
            ProcedureScreen(around(), LONG_TITLE, full=False, back_url="/kiosk/find", **before),  # type: ignore[arg-type]
        ),
        "procedure-full": (
            "kiosk/procedure.html",
            ProcedureScreen(around(), LONG_TITLE, full=True, back_url="/kiosk/find", **before),  # type: ignore[arg-type]
        ),
        "question": ("kiosk/question.html", question()),
        "question-more": ("kiosk/question.html", question(more=True, views=(), rows=rows, errors=wrong)),
        "question-none": ("kiosk/question.html", question(more=True, views=(), rows=(), kiosk=called)),
        "question-full": ("kiosk/question.html", question(more=True, views=(), rows=rows, room=False)),
        "form": (
            "kiosk/form.html",
            FormScreen(around(), LONG_TITLE, [Part("申請する人", lines)], 1, "/kiosk/forms/x", "/kiosk/forms/x/y"),
        ),
        "form-done": ("kiosk/form.html", FormScreen(called, HOSTILE, [Part("申請する人", lines[:1])], 0, "/x", "/y")),
        "end": ("kiosk/end.html", EndScreen(around(), [FilledIn(LONG_TITLE, "/kiosk/forms/x", 3)], bring)),
        "end-nothing": ("kiosk/end.html", EndScreen(around(), (), bring)),
        "ticket": ("kiosk/ticket.html", ticket(**carried)),
        "ticket-booked": ("kiosk/ticket.html", ticket(due=NOW, note="late")),
        "ticket-again": ("kiosk/ticket.html", ticket(follow="", follow_qr=None, due=NOW, note="called")),
        "ticket-number": ("kiosk/ticket.html", ticket(kiosk=called)),
        "ticket-code": ("kiosk/ticket.html", ticket(number="", queue="", follow="", follow_qr=None, **carried)),
        "reserved": ("kiosk/reserved.html", ReservedScreen(around(), "", ())),
        "reserved-wrong": (
            "kiosk/reserved.html",
            ReservedScreen(called, HOSTILE, [ErrorLink("#f-code", "受付番号", "この番号の予約は見つかりません")]),
        ),
    }
