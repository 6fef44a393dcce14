"""What is brought along and 本人確認 when life is not tidy, as `staff_samples` has the other pages of the staff."""

from __future__ import annotations

from typing import Any, Final

from server.counter.documents import DOCUMENTS
from server.counter.identity import LONGEST_NOTE
from server.web.badge import Desk
from server.web.contexts import CheckRow, CheckSection, ErrorLink
from server.web.counter.brought import BroughtLine, BroughtPage, ScanPage
from server.web.counter.identification import (
    FAULT_WORDS,
    KIND_WORDS,
    MANDATE_WORDS,
    METHOD_WORDS,
    PROXY_WORDS,
    RESULT_WORDS,
    CheckLine,
    Choice,
    Group,
    IdentityPage,
    SandboxReaderCard,
    SandboxReaderPage,
)
from tests.web.counter_samples import BASE, panel
from tests.web.samples import HOSTILE, LONG_NAME, LONG_TITLE, NOW

_ROWS: Final = [CheckRow("氏名", LONG_NAME, "card"), CheckRow(HOSTILE, HOSTILE, "earlier"), CheckRow("用件", "x" * 300)]
_CODE: Final = [ErrorLink("#f-code", "コード", "このコードはありません")]


def _line(state: str = "", **more: Any) -> BroughtLine:
    plain: dict[str, Any] = {
        "title": LONG_TITLE,
        "department": "子育て支援課",
        "state": state,
        "reason": "",
        "left": (),
    }
    plain |= {"protected": False, "files": 2, "sections": [CheckSection("申請する人", _ROWS)]}
    return BroughtLine(**plain | more)


def _brought(desk: Desk, **more: Any) -> BroughtPage:
    plain: dict[str, Any] = {
        "desk": desk,
        "handoff": "0" * 32,
        "applicant": LONG_NAME,
        "event": LONG_TITLE,
        "guide": [CheckRow(LONG_TITLE, HOSTILE)],
        "lines": [_line(), _line("newer", left=_ROWS), _line(sections=(), files=0)],
        "language": "Tiếng Việt",
        "departments": ["市民課", "税務課"],
        "protected": False,
        "return_url": "/counter/handoff/x/return",
        "begins": True,
    }
    return BroughtPage(**plain | more)


def _choices(name: str, words: Any, chosen: int = 0) -> list[Choice]:
    every = enumerate(words.items())
    return [Choice(f"f-{name}-{i}" if i else f"f-{name}", key, text, i == chosen) for i, (key, text) in every]


def _check(person: str, **more: Any) -> CheckLine:
    plain: dict[str, Any] = {"person": person, "method": "書類を見た", "documents": ["運転免許証"], "confirmed": True}
    plain |= {"proxy": "", "mandate": "", "acts_for": (), "note": "", "by": LONG_NAME, "at": NOW, "standing": True}
    return CheckLine(**plain | more)


def _identity(desk: Desk, **more: Any) -> IdentityPage:
    people = {"applicant": f"本人 {LONG_NAME}さん", "spouse": "妻", "agent": "代理人"}
    documents = _choices("document", {each.id: each.title for each in DOCUMENTS.values()}, 3)
    kinds = {kind: [each for each in documents if DOCUMENTS[each.value].kind == kind] for kind in KIND_WORDS}
    agent = {"proxy": "任意代理人として", "mandate": "まだ見ていない", "acts_for": ["本人", "妻"], "confirmed": False}
    plain: dict[str, Any] = {
        "desk": desk,
        "panel": panel(),
        "action": f"{BASE}/identity",
        "checks": [
            _check(LONG_NAME),
            _check("代理人", note=HOSTILE, **agent),
            _check("妻", confirmed=False, standing=False),
        ],
        "flagged": False,
        "people": _choices("person", people),
        "methods": _choices("method", METHOD_WORDS),
        "documents": [Group(KIND_WORDS[kind], options) for kind, options in kinds.items()],
        "results": _choices("result", RESULT_WORDS),
        "proxies": _choices("proxy", PROXY_WORDS, 2),
        "mandates": _choices("mandate", MANDATE_WORDS),
        "acts_for": _choices("acts-for", people, 1),
        "note": HOSTILE[:LONGEST_NOTE],
        "reader": f"{BASE}/identity/card",
        "address": True,
        "sandbox_url": "/sandbox/reader/x",
    }
    return IdentityPage(**plain | more)


def pages(desk: Desk) -> dict[str, tuple[str, object]]:
    """Every template with what it may be told."""
    wrong = [ErrorLink(f"#f-{control}", control, told) for control, told in dict(FAULT_WORDS.values()).items()]
    states = ("suspended", "closed", "gone", "filed")
    out = [_line(state, reason="点検のため" if state == "suspended" else "") for state in states]
    shielded = {"protected": True, "applicant": "", "lines": [_line(protected=True, sections=())]}
    none: dict[str, Any] = {"checks": (), "reader": "", "sandbox_url": "", "address": False}
    read = {"read": "told", "differs": ["氏名", "住所"]}
    cards = [SandboxReaderCard("a", LONG_NAME, HOSTILE, False), SandboxReaderCard("b", "見本", "x", True)]
    return {
        "handoff-scan": ("staff/handoff.html", ScanPage(desk)),
        "handoff-scan-wrong": ("staff/handoff.html", ScanPage(desk, _CODE, HOSTILE)),
        "handoff-brought": ("staff/handoff_brought.html", _brought(desk)),
        "handoff-brought-out": (
            "staff/handoff_brought.html",
            _brought(desk, lines=out, begins=False, event="", guide=(), language=""),
        ),
        "handoff-brought-shielded": ("staff/handoff_brought.html", _brought(desk, **shielded)),
        "identity": ("staff/identity.html", _identity(desk)),
        "identity-first": ("staff/identity.html", _identity(desk, **none)),
        "identity-read": ("staff/identity.html", _identity(desk, **read)),
        "identity-shielded": ("staff/identity.html", _identity(desk, read="protected", flagged=True)),
        "identity-wrong": (
            "staff/identity.html",
            _identity(desk, errors=[*wrong, ErrorLink("#f-face", "face", "顔を見くらべてください")]),
        ),
        "sandbox-reader": ("staff/sandbox_reader.html", SandboxReaderPage("/sandbox/reader/x", cards, True)),
        "sandbox-reader-empty": ("staff/sandbox_reader.html", SandboxReaderPage("/x", cards[:1], False)),
    }
