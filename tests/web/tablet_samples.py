"""A tablet's screens, and the clerk's view of it, when life is not tidy, as `samples` has the pages at home."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from server.counter.mirror import Line
from server.web.badge import Desk
from server.web.contexts import Link
from server.web.counter.tablet import Application, IdlePage, Row, Section, ShownPage
from server.web.counter.tablet_panel import Panel, PanelPage, RemarkView
from tests.web.samples import HOSTILE, LONG_NAME, LONG_TITLE, NOW

DESK: Final = Desk(LONG_NAME, NOW, [Link("窓口", "/counter")])
KEY: Final = "hoiku-shisetsu-riyo/guardians/0/name"


def line(number: int, label: str = "氏名", text: str = LONG_NAME) -> Line:
    return Line(f"kokuho-shutoku/people/{number}/name", label, text, "0123456789abcdef")


def shown(**more: Any) -> ShownPage:
    rows = [
        Row(line(0), "right"),
        Row(line(1, LONG_TITLE, HOSTILE), "wrong", "letters", HOSTILE),
        Row(line(2, HOSTILE, "一行目\n二行目"), changed=True),
        Row(line(3), "wrong", "unsure", "", open=True),
    ]
    sections = [
        Section("kokuho-shutoku:0", "国民健康保険に入る人(1)", LONG_NAME, "0" * 16, rows, False),
        Section("kokuho-shutoku:1", HOSTILE, "", "1" * 16, [Row(line(5), "right"), Row(line(6), "right")], True),
    ]
    plain: dict[str, Any] = {
        "of": "f" * 32,
        "mark": "12-3",
        "applications": [
            Application(LONG_TITLE, sections, []),
            Application("水道の使用開始", sections[:0], [Row(line(7, HOSTILE, LONG_NAME)), Row(line(8))]),
        ],
        "asking": ["氏名", HOSTILE],
        "done": False,
        "veiled": False,
        "state": "open",
        "confirmed_at": None,
        "wrong": 2,
    }
    return ShownPage(**plain | more)


def panel(link: str = "here", at: datetime = NOW, **more: Any) -> Panel:
    remarks = {
        KEY: RemarkView(KEY, LONG_TITLE, HOSTILE, "wrong", "字がちがう", HOSTILE),
        "suido-kaishi/tap": RemarkView("suido-kaishi/tap", "水栓番号", "1", "right", "", ""),
    }
    plain: dict[str, Any] = {
        "url": "/counter/x/tablet",
        "mark": "12-abcd.3--1",
        "link": link,
        "no_window": False,
        "code": "012345" if link == "waiting" else "",
        "until": at if link == "waiting" else None,
        "refused": "",
        "language": "vi",
        "wrong": [remarks[KEY]],
        "remarks": remarks,
        "state": "open",
        "method": "",
        "confirmed_at": None,
        "veiled": False,
    }
    return Panel(**plain | more)


def residents() -> dict[str, tuple[str, object]]:
    """What is spoken in every language."""
    done: dict[str, Any] = {"done": True, "wrong": 0, "asking": ()}
    return {
        "tablet-idle": ("tablet/idle.html", IdlePage("1番窓口")),
        "tablet-refused": ("tablet/idle.html", IdlePage("", HOSTILE)),
        "tablet-begun": ("tablet/mirror.html", shown(applications=())),
        "tablet-mirror": ("tablet/mirror.html", shown()),
        "tablet-notice": ("tablet/mirror.html", shown(notice=HOSTILE, refresh=False)),
        "tablet-done": ("tablet/mirror.html", shown(**done)),
        "tablet-confirmed": ("tablet/mirror.html", shown(**done, state="confirmed", confirmed_at=NOW)),
        "tablet-void": ("tablet/mirror.html", shown(state="void", confirmed_at=NOW)),
        "tablet-veiled": ("tablet/mirror.html", shown(veiled=True)),
        "tablet-sign": ("tablet/sign.html", shown(**done)),
        "tablet-sign-again": ("tablet/sign.html", shown(**done, notice=HOSTILE)),
    }


def staff() -> dict[str, tuple[str, object]]:
    """What the clerk sees, in Japanese."""
    shapes = {
        "none": panel("none", wrong=(), remarks={}),
        "nowhere": panel("none", no_window=True, wrong=(), remarks={}),
        "waiting": panel("waiting", wrong=(), remarks={}),
        "elsewhere": panel("waiting", refused=HOSTILE),
        "here": panel(),
        "lost": panel("lost", veiled=True),
        "confirmed": panel(state="confirmed", method="drawn", confirmed_at=NOW, wrong=()),
        "said": panel(state="confirmed", method="said", confirmed_at=NOW, wrong=()),
        "void": panel(state="void", method="paper", confirmed_at=NOW),
    }
    made = {name: PanelPage(DESK, each, "/counter/x") for name, each in shapes.items()}
    return {f"panel-{name}": ("staff/tablet_desk.html", each) for name, each in made.items()}
