"""The pages of the staff when life is not tidy, as `samples` has those of residents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from server.people.factors import enrolment_qr
from server.web.badge import Desk, RefusedPage
from server.web.contexts import CheckRow, CheckSection, ErrorLink, Link
from server.web.office import (
    CaseFile,
    CaseLine,
    CasePage,
    CaseStep,
    Choice,
    LookLine,
    LooksPage,
    OfficePage,
    ReasonPage,
)
from server.web.staff import (
    AccountPage,
    EnrolPage,
    FactorPage,
    PeoplePage,
    PeopleRow,
    PersonPage,
    RecoveryPage,
    StaffSession,
    StaffSigninPage,
)
from tests.web.samples import HOSTILE, LONG_NAME, LONG_TITLE, NOW, TODAY

SECRET: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NUMBER: Final = "123456789012345"
LINKS: Final = [Link("申請の一覧", ""), Link("閲覧の記録", "/office/looks"), Link("職員の管理", "/admin/staff")]
DESK: Final = Desk(LONG_NAME, NOW, LINKS)
ROLES: Final = ["市民課の受付", "子育て支援課の審査", "職員の管理"]
SESSIONS: Final = [
    StaffSession(NOW, NOW, NOW + timedelta(hours=10), ""),
    StaffSession(NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=9), "/staff/sessions/x/end"),
]
WRONG: Final = {
    name: [ErrorLink(f"#f-{name}", "そこ", "直してから、もう一度送ってください")]
    for name in ("login", "code", "password", "password-again", "reason", "number")
}


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
    )


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
    }
    return OfficePage(**plain | more)


def case(**more: Any) -> CasePage:
    plain: dict[str, Any] = {
        "desk": DESK,
        "number": NUMBER,
        "title": LONG_TITLE,
        "department": "子育て支援課",
        "state": "到達",
        "submitted_at": NOW,
        "due": TODAY,
        "channel": "オンライン",
        "assurance": "マイナンバーカード(署名用)",
        "fee": "納付済み",
        "amount": 1200,
        "protected": True,
        "other": True,
        "accept_url": f"/office/applications/{NUMBER}/accept",
        "back_url": "/office",
        "sections": [
            CheckSection("申請する人", [CheckRow("氏名", LONG_NAME), CheckRow("くわしい事情", HOSTILE)]),
            CheckSection("対象の子ども(1)", [CheckRow("氏名", "")]),
        ],
        "files": [
            CaseFile("委任状", HOSTILE, 812, "clean", f"/office/applications/{NUMBER}/files/x"),
            CaseFile("診断書", "診断書.pdf", 10, "waiting", ""),
            CaseFile("診断書", "x" * 80, 10, "infected", ""),
        ],
        "steps": [CaseStep("受付済み", NOW, f"{LONG_NAME} (user1)"), CaseStep("到達", NOW, "申請者")],
    }
    return CasePage(**plain | more)


def pages() -> dict[str, tuple[str, object]]:
    """Every template of the staff, with what it may be told."""
    row = PeopleRow("user1", LONG_NAME, ROLES, "enrolled", "/admin/staff/x")
    others = [PeopleRow("user2", HOSTILE, ["監査"], state, "/admin/staff/y") for state in ("waiting", "disabled")]
    looked = LookLine(NOW, f"{LONG_NAME} (user1)", "内容を見た", "子育て支援課", HOSTILE)
    codes = [f"7KQM{i}-XWD9H" for i in range(10)]
    qr = enrolment_qr(SECRET, "user1", "五所川原市")
    return {
        "staff-signin": ("staff/signin.html", StaffSigninPage("/office")),
        "staff-signin-errors": ("staff/signin.html", StaffSigninPage("/office", HOSTILE, WRONG["login"])),
        "staff-enrol": ("staff/enrol.html", EnrolPage()),
        "staff-enrol-code": ("staff/enrol.html", EnrolPage(HOSTILE, HOSTILE, WRONG["code"])),
        "staff-enrol-password": ("staff/enrol.html", EnrolPage("user1", "x", WRONG["password"])),
        "staff-enrol-again": ("staff/enrol.html", EnrolPage("user1", "x", WRONG["password-again"])),
        "staff-factor": ("staff/factor.html", FactorPage("user1", qr, SECRET)),
        "staff-factor-errors": ("staff/factor.html", FactorPage("user1", qr, SECRET, WRONG["code"])),
        "staff-recovery": ("staff/recovery.html", RecoveryPage(codes, "/office")),
        "staff-account": ("staff/account.html", AccountPage(DESK, "user1", LONG_NAME, ROLES, 2, 30, SESSIONS)),
        "staff-people": ("staff/people.html", PeoplePage(DESK, [row, *others])),
        "staff-person": ("staff/person.html", PersonPage(DESK, row, None, 10, SESSIONS[1:], "disable")),
        "staff-person-disabled": ("staff/person.html", PersonPage(DESK, others[1], NOW, 0, (), "enable")),
        "staff-refused": ("staff/refused.html", RefusedPage(DESK, "見つかりません", HOSTILE, Link("戻る", "/office"))),
        "office": ("staff/office.html", office()),
        "office-empty": ("staff/office.html", office(lines=(), total=0, pages=(), departments=("市民課",))),
        "office-none": ("staff/office.html", office(lines=(), total=0, pages=(), filtered=True)),
        "office-errors": ("staff/office.html", office(number=HOSTILE, errors=WRONG["number"])),
        "case": ("staff/case.html", case()),
        "case-plain": ("staff/case.html", case(protected=False, other=False, accept_url="", fee="", files=())),
        "reason": ("staff/reason.html", ReasonPage(DESK, NUMBER, "子育て支援課", "/x", 60)),
        "reason-errors": ("staff/reason.html", ReasonPage(DESK, NUMBER, "税務課", "/x", 60, HOSTILE, WRONG["reason"])),
        "looks-ask": ("staff/looks.html", LooksPage(DESK, "", "", (), 0)),
        "looks": ("staff/looks.html", LooksPage(DESK, NUMBER, NUMBER, [looked, looked], 500)),
        "looks-errors": ("staff/looks.html", LooksPage(DESK, HOSTILE, "", (), 0, WRONG["number"])),
    }
