"""The pages of the staff when life is not tidy, as `samples` has those of residents."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from server.people.factors import enrolment_qr
from server.web.badge import Call, Desk, RefusedPage
from server.web.contexts import CheckRow, CheckSection, Choice, ErrorLink, Link
from server.web.counter.printing import PrintLine, PrintPage
from server.web.device import DevicePage
from server.web.office.case import CaseAct, CaseFile, CasePage, CaseSaid, CaseStep, ReasonPage
from server.web.office.cases import AskedLine, CaseLine, LookLine, LooksPage, OfficePage, QuestionsPage
from server.web.office.words import ACTS
from server.web.staff.accounts import (
    EnrolPage,
    FactorPage,
    PeoplePage,
    PeopleRow,
    PersonPage,
    RecoveryPage,
    RoleChoice,
    StaffSession,
    StaffSigninPage,
)
from server.web.staff.asking_for import StopPage, Stopped
from server.web.staff.devices import DeviceCodePage, DeviceRow, DevicesPage, WindowRow
from server.web.staff.oidc import SecondFactorPage, TiePage
from server.web.staff.own import AccountPage, PasskeyLine, PasswordPage, RenewPage
from server.web.staff.passkeys import PasskeyPage, PasskeyProofPage
from server.web.staff.proposals import EnrolCodePage, ProposalLine, ProposalsPage
from tests.web import counter_samples, handoff_samples, money_samples, queue_samples
from tests.web.samples import HOSTILE, LONG_NAME, LONG_TITLE, NOW, TODAY, papers

SECRET: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NUMBER: Final = "123456789012345"
LINKS: Final = [Link("申請の一覧", ""), Link("閲覧の記録", "/office/looks"), Link("職員の管理", "/admin/staff")]
DESK: Final = Desk(LONG_NAME, NOW, LINKS, 1800)
CALLS: Final = [Call(HOSTILE, NOW, f"/counter/calls/{state}", state) for state in ("open", "mine", "going")]
LAST: Final = Desk(LONG_NAME, NOW, LINKS, 200, extends=False)
ROLES: Final = ["市民課の受付", "子育て支援課の審査", "職員の管理"]
SESSIONS: Final = [
    StaffSession(NOW, NOW, NOW + timedelta(hours=10), ""),
    StaffSession(NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=9), "/staff/sessions/x/end"),
]
WRONG: Final = {
    name: [ErrorLink(f"#f-{name}", "そこ", "直してから、もう一度送ってください")]
    for name in (
        "login",
        "code",
        "password",
        "password-again",
        "reason",
        "number",
        "new",
        "again",
        "label",
        "slug",
        "start",
        "until",
    )
}


PLAIN: Final[dict[str, Any]] = {
    "protected": False,
    "other": False,
    "acts": (),
    "assign_url": "",
    "said": (),
    "assignee": "",
    "paused": False,
    "fee": "",
    "files": (),
}
ASKED: Final = AskedLine("1", LONG_TITLE, "税務課", HOSTILE, NOW, "/office/questions/1")
ASKED_WRONG: Final = AskedLine("2", "犬の登録申請", "税務課", "一行目\n二行目", NOW, "/office/questions/2", HOSTILE)


def _line(i: int) -> CaseLine:
    late = i % 3 == 0
    return CaseLine(
        number=f"{i:015}",
        title=LONG_TITLE if i % 2 else "犬の登録申請",
        department="子育て支援課",
        state="到達",
        submitted_at=NOW,
        due=None if i == 4 else TODAY,
        late=late,
        protected=late,
        href=f"/office/applications/{i:015}",
        marks=("窓口", "回答あり", "担当あり") if late else (),
        overdue=i < 2,
        ticked=late,
    )


def printing(**changed: Any) -> PrintPage:
    """What is to be printed."""
    lines = [PrintLine(LONG_TITLE, "123456789012347", "市民課"), PrintLine(HOSTILE, "", HOSTILE)]
    back = Link("申請に戻る", "/office")
    return replace(PrintPage(DESK, lines, "/office/sheet.pdf", back, ["ᠮ", HOSTILE], ["葛"], True, True), **changed)


def office(**more: Any) -> OfficePage:
    plain: dict[str, Any] = {
        "desk": DESK,
        "departments": ("子育て支援課", "市民課"),
        "lines": [_line(i) for i in range(12)],
        "total": 1234,
        "states": [Choice("", "対応中のもの", True), Choice("all", "すべて", False)],
        "procedures": [Choice("", "すべての手続き", True), Choice("x", LONG_TITLE, False)],
        "pages": [Link("1", ""), Link("2", "/office?page=2"), Link("25", "/office?page=25")],
        "filtered": False,
        "only": [Choice("mine", "自分が担当", False), Choice("late", "処理の目安を過ぎた", True)],
        "channels": [Choice("", "すべての方法", True), Choice("counter", "窓口", False)],
        "accept_url": "/office/accept",
        "accepted": 3,
    }
    return OfficePage(**plain | more)


def _act(name: str, wrong: str = "") -> CaseAct:
    words = ACTS[name]
    until, to = ("2026-12-04" if name == "ask" else ""), (["税務課", "市民課"] if name == "hand-over" else [])
    given = (name, f"/x/{name}", words.button, words.label, words.hint, words.grave, 2000, until, to)
    box = papers(wrong) if name == "answer" else None
    return CaseAct(
        *given, typed=HOSTILE if wrong else "", chosen="税務課", wrong=wrong, papers=box, open=bool(wrong or box)
    )


ADDED_FILES: Final = [
    CaseFile("追加書類", "通帳の写し.pdf", 812, "clean", f"/office/applications/{NUMBER}/files/y"),
    CaseFile("追加書類", HOSTILE, 10, "waiting", ""),
]


def case(**more: Any) -> CasePage:
    plain: dict[str, Any] = {
        "desk": DESK,
        "number": NUMBER,
        "title": LONG_TITLE,
        "refund_url": "/office/till/refund?number=x",
        "department": "子育て支援課",
        "state": "到達",
        "submitted_at": NOW,
        "due": TODAY,
        "channel": "オンライン",
        "record": [("本人確認", "運転免許証"), ("入力した職員", f"{LONG_NAME}（令和8年11月20日10時）")],
        "originals": [("委任状", "窓口で原本を確認")],
        "fee": "納付済み",
        "amount": 1200,
        "protected": True,
        "other": True,
        "paused": True,
        "assignee": f"{LONG_NAME} (user1)",
        "mine": False,
        "assign_url": f"/office/applications/{NUMBER}/assign",
        "acts": [_act(name) for name in ACTS],
        "said": [
            CaseSaid("question", "resident", f"{LONG_NAME} (user1)", HOSTILE, NOW, NOW, True),
            CaseSaid("question", "resident", "user1", "通帳の写しを送ってください。", NOW, NOW, True, True),
            CaseSaid("answer", "resident", "申請した人", "", NOW, None, False, False, ADDED_FILES),
            CaseSaid("answer", "resident", "申請した人", "一行目\n二行目", NOW, None, False),
            CaseSaid("question", "counter", "user1", "x" * 300, NOW, None, False),
            CaseSaid("answer", "counter", "user1", "はい", NOW, None, False),
            CaseSaid("refusal", "resident", "user1", "基準に合わない", NOW, None, False),
            CaseSaid("handover", "office", "user1", "市民課 → 税務課\n担当がちがう", NOW, None, False),
        ],
        "back_url": "/office",
        "sections": [
            CheckSection("申請する人", [CheckRow("氏名", LONG_NAME), CheckRow("くわしい事情", HOSTILE)]),
            CheckSection("対象の子ども(1)", [CheckRow("氏名", "")]),
        ],
        "files": [
            CaseFile("委任状", HOSTILE, 812, "clean", f"/office/applications/{NUMBER}/files/x"),
            CaseFile("診断書", "診断書.pdf", 10, "waiting", ""),
            CaseFile("診断書", "x" * 80, 10, "infected", ""),
            *ADDED_FILES,
        ],
        "steps": [CaseStep("受付済み", NOW, f"{LONG_NAME} (user1)"), CaseStep("到達", NOW, "申請者")],
    }
    return CasePage(**plain | more)


HELD: Final = [RoleChoice("clerk:市民課", "市民課の受付"), RoleChoice("administrator:*", "職員の管理")]
ADDABLE: Final = [RoleChoice("clerk", "受付"), RoleChoice("auditor", "監査")]
TOWN: Final = ("市民課", "子育て支援課")
TO_STOP: Final = [("x", LONG_TITLE), ("dog", "犬の登録申請")]
STOPPED: Final = [
    Stopped(LONG_TITLE, HOSTILE, NOW, None, "/admin/procedures/x/resume"),
    Stopped("犬の登録申請", "点検のため。", NOW, NOW + timedelta(hours=9), "/admin/procedures/dog/resume"),
]


def proposals() -> ProposalsPage:
    """One to decide, one's own, one that is neither, and one of each end."""
    first = ProposalLine(
        what="手続きの受付を止める",
        target=LONG_TITLE,
        details=[("理由", HOSTILE), ("いつまで", "2026-11-26 08:00")],
        by=f"{LONG_NAME} (user1)",
        at=NOW,
        until=NOW + timedelta(days=7),
        state="open",
        decided_by="",
        decided_at=None,
        decide_url="/office/proposals/x/decide",
        back_url="",
    )
    own = replace(first, what="返金", target="", decide_url="", back_url="/office/proposals/y/back")
    over = replace(first, decide_url="", decided_by=LONG_NAME, decided_at=NOW)
    ended = [replace(over, state=each) for each in ("allowed", "refused", "taken back")]
    expired = replace(first, state="expired", decide_url="")
    return ProposalsPage(DESK, [first, own, replace(own, back_url="")], [*ended, expired], 7)


def person(row: Any, until: Any, left: int, sessions: Any, switch: str, held: Any) -> PersonPage:
    return PersonPage(DESK, row, until, left, sessions, switch, held, ADDABLE, TOWN)


def device_list(**more: Any) -> DevicesPage:
    rows = [
        DeviceRow(LONG_NAME, "キオスク", "", "in use", None, NOW, "/admin/devices/x/end", "/admin/devices/x/code"),
        DeviceRow(HOSTILE, "窓口のタブレット", HOSTILE, "waiting", NOW, None, "/y/end", "/y/code"),
        DeviceRow("古いもの", "案内表示", "3番窓口", "ended", None, NOW, "", ""),
    ]
    plain: dict[str, Any] = {
        "desk": replace(DESK, calls=CALLS, here="/admin/devices", calls_mark="x"),
        "devices": rows,
        "windows": [
            WindowRow("3番窓口", "市民課", ("住民票", "税"), "/z/close"),
            WindowRow(HOSTILE, "税務課", (), "/w"),
        ],
        "kinds": [Choice("kiosk", "キオスク", False)],
        "places": [Choice("", "窓口に置かない", True), Choice("x", HOSTILE, False)],
        "departments": ["市民課", "税務課"],
        "queues": [Choice("juki", "A 住民票", False), Choice("zei", "H 税", False)],
    }
    return DevicesPage(**plain | more)


def pages() -> dict[str, tuple[str, object]]:
    """Every template of the staff, with what it may be told."""
    row = PeopleRow("user1", LONG_NAME, ROLES, "enrolled", "/admin/staff/x")
    others = [PeopleRow("user2", HOSTILE, ["監査"], state, "/admin/staff/y") for state in ("waiting", "disabled")]
    looked = LookLine(NOW, f"{LONG_NAME} (user1)", "内容を見た", "子育て支援課", HOSTILE)
    codes = [f"7KQM{i}-XWD9H" for i in range(10)]
    devices = [PasskeyLine(HOSTILE, NOW, None, "/staff/passkeys/x/remove"), PasskeyLine("窓口3番", NOW, NOW, "/x")]
    account = AccountPage(DESK, "user1", LONG_NAME, ROLES, 10, 30, SESSIONS, devices, linked_since=NOW)
    qr = enrolment_qr(SECRET, "user1", "五所川原市")
    return {
        "staff-signin": ("staff/signin.html", StaffSigninPage("/office")),
        "staff-signin-errors": ("staff/signin.html", StaffSigninPage("/office", HOSTILE, WRONG["login"])),
        "staff-signin-all": ("staff/signin.html", StaffSigninPage("/office", passkeys=True, provider=True)),
        "staff-second": ("staff/second.html", SecondFactorPage(LONG_NAME, "/office", True)),
        "staff-second-errors": ("staff/second.html", SecondFactorPage(HOSTILE, "/office", False, WRONG["code"])),
        "staff-tie": ("staff/tie.html", TiePage("/staff/signin/oidc/link?state=x")),
        "staff-tie-errors": ("staff/tie.html", TiePage("/x", HOSTILE, WRONG["login"])),
        "staff-renew": ("staff/renew.html", RenewPage(DESK)),
        "staff-renew-errors": ("staff/renew.html", RenewPage(DESK, WRONG["password"])),
        "staff-password": ("staff/password.html", PasswordPage(LAST)),
        "staff-password-errors": ("staff/password.html", PasswordPage(DESK, WRONG["new"])),
        "staff-password-again": ("staff/password.html", PasswordPage(DESK, WRONG["again"])),
        "staff-passkey-new": ("staff/passkey_new.html", PasskeyProofPage(DESK)),
        "staff-passkey-errors": ("staff/passkey_new.html", PasskeyProofPage(DESK, HOSTILE, WRONG["label"])),
        "staff-passkey": ("staff/passkey.html", PasskeyPage(DESK, HOSTILE, '{"challenge": "x"}')),
        "staff-recovery-renewed": ("staff/recovery.html", RecoveryPage(codes, "/staff", renewed=True)),
        "staff-enrol": ("staff/enrol.html", EnrolPage()),
        "device": ("staff/device.html", DevicePage()),
        "devices": ("staff/devices.html", device_list()),
        "devices-none": ("staff/devices.html", device_list(devices=(), windows=())),
        "devices-wrong": (
            "staff/devices.html",
            device_list(label=HOSTILE, errors=[ErrorLink("#f-label", "端末", "名前は、1行で40字までにしてください")]),
        ),
        "device-code": (
            "staff/device_code.html",
            DeviceCodePage(DESK, HOSTILE, "7KQM3-XWD9H", 30, "https://example.jp/device"),
        ),
        "device-known": ("staff/device.html", DevicePage(LONG_NAME)),
        "device-refused": ("staff/device.html", DevicePage(HOSTILE, refused=True)),
        "device-wrong": ("staff/device.html", DevicePage("", HOSTILE, "コードが違うか、期限(30分)が過ぎています")),
        "staff-enrol-code": ("staff/enrol.html", EnrolPage(HOSTILE, HOSTILE, WRONG["code"])),
        "staff-enrol-password": ("staff/enrol.html", EnrolPage("user1", "x", WRONG["password"])),
        "staff-enrol-again": ("staff/enrol.html", EnrolPage("user1", "x", WRONG["password-again"])),
        "staff-factor": ("staff/factor.html", FactorPage("user1", qr, SECRET)),
        "staff-factor-errors": ("staff/factor.html", FactorPage("user1", qr, SECRET, WRONG["code"])),
        "staff-recovery": ("staff/recovery.html", RecoveryPage(codes, "/office")),
        "staff-account": ("staff/account.html", AccountPage(DESK, "user1", LONG_NAME, ROLES, 2, 30, SESSIONS)),
        "staff-account-all": ("staff/account.html", account),
        "staff-account-provider": ("staff/account.html", replace(account, passkeys=(), has_password=False)),
        "staff-people": ("staff/people.html", PeoplePage(DESK, [row, *others])),
        "staff-person": (
            "staff/person.html",
            PersonPage(DESK, row, None, 10, SESSIONS[1:], "disable", HELD, ADDABLE, TOWN),
        ),
        "staff-person-disabled": (
            "staff/person.html",
            PersonPage(DESK, others[1], NOW, 0, (), "enable", HELD[:1], ADDABLE, TOWN),
        ),
        "staff-proposals": ("staff/proposals.html", proposals()),
        "staff-proposals-none": ("staff/proposals.html", ProposalsPage(DESK, (), (), 7)),
        "staff-reset-code": ("staff/enrol_code.html", EnrolCodePage(DESK, HOSTILE, "7KQM2-" * 3 + "XWD9H", 72, "/x")),
        "staff-procedures": ("staff/procedures.html", StopPage(DESK, STOPPED, TO_STOP)),
        "staff-procedures-none": ("staff/procedures.html", StopPage(DESK, (), TO_STOP)),
        "staff-procedures-slug": ("staff/procedures.html", StopPage(DESK, (), TO_STOP, errors=WRONG["slug"])),
        "staff-procedures-reason": (
            "staff/procedures.html",
            StopPage(DESK, (), TO_STOP, "x", HOSTILE, "2026-11-25T20:00", errors=WRONG["reason"]),
        ),
        "staff-procedures-start": ("staff/procedures.html", StopPage(DESK, (), TO_STOP, errors=WRONG["start"])),
        "staff-procedures-until": ("staff/procedures.html", StopPage(DESK, (), TO_STOP, errors=WRONG["until"])),
        "staff-refused": ("staff/refused.html", RefusedPage(DESK, "見つかりません", HOSTILE, Link("戻る", "/office"))),
        "print": ("staff/print.html", printing()),
        "print-plain": ("staff/print.html", printing(letters=(), variants=(), protected=False, unfiled=False)),
        "office": ("staff/office.html", office()),
        "office-empty": ("staff/office.html", office(lines=(), total=0, pages=(), departments=("市民課",))),
        "office-none": ("staff/office.html", office(lines=(), total=0, pages=(), filtered=True)),
        "office-errors": ("staff/office.html", office(number=HOSTILE, errors=WRONG["number"])),
        "case": ("staff/case.html", case()),
        "case-plain": ("staff/case.html", case(**PLAIN)),
        "case-errors": (
            "staff/case.html",
            case(acts=[_act("ask", "そこ")], errors=[ErrorLink("#f-ask-text", "そこ", "直してください")]),
        ),
        "questions": ("staff/questions.html", QuestionsPage(DESK, ("市民課",), [ASKED, ASKED_WRONG], 2000)),
        "questions-errors": (
            "staff/questions.html",
            QuestionsPage(DESK, ("市民課",), [ASKED_WRONG], 2000, [ErrorLink("#f-2", "答え", "直してください")]),
        ),
        "questions-none": ("staff/questions.html", QuestionsPage(DESK, ("市民課", "税務課"), (), 2000)),
        **money_samples.pages(DESK),
        "reason": ("staff/reason.html", ReasonPage(DESK, NUMBER, "子育て支援課", "/x", 60)),
        "reason-errors": ("staff/reason.html", ReasonPage(DESK, NUMBER, "税務課", "/x", 60, HOSTILE, WRONG["reason"])),
        "looks-ask": ("staff/looks.html", LooksPage(DESK, "", "", (), 0)),
        "looks": ("staff/looks.html", LooksPage(DESK, NUMBER, NUMBER, [looked, looked], 500)),
        "looks-errors": ("staff/looks.html", LooksPage(DESK, HOSTILE, "", (), 0, WRONG["number"])),
        **queue_samples.staff(DESK),
        **counter_samples.staff(DESK),
        **handoff_samples.pages(DESK),
    }
