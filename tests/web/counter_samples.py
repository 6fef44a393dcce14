"""The pages of a visit when life is not tidy, as `staff_samples` has the others of the staff."""

from __future__ import annotations

from typing import Any, Final

from forms_schema.base import FieldView, FileView, Option, OptionView
from server.web.badge import Desk
from server.web.contexts import Choice, ErrorLink, Link
from server.web.counter import asking
from server.web.counter.ask import AskPage
from server.web.counter.filed import FiledForm, FiledPage, Said
from server.web.counter.filing import CheckPage
from server.web.counter.papers import PaperForm, PaperLine, PapersPage
from server.web.counter.sources import AnswersPage, TracedForm, TracedLine, TracedSection
from server.web.counter.visiting import ElsewherePage, Panel, PanelForm
from server.web.counter.visits import (
    CounterPage,
    EventPage,
    GuidePage,
    GuideSection,
    Offered,
    ProceduresPage,
    VisitLine,
)
from server.web.handed_back import SignedOutPage
from tests.web.samples import HOSTILE, LONG_NAME, LONG_TITLE, NOW

BASE: Final = "/counter/0123456789abcdef0123456789abcdef"


def panel(**more: Any) -> Panel:
    plain: dict[str, Any] = {
        "base": BASE,
        "applicant": LONG_NAME,
        "forms": [PanelForm(LONG_TITLE, 12, 3, False), PanelForm("犬の登録", 0, 9, True), PanelForm("x", 0, 2, False)],
        "alone": 333,
        "answered": 132,
        "share": 60,
        "letters_alone": 1172,
        "letters": 329,
        "protected": (),
        "links": [Link("質問を続ける", ""), Link("答えの一覧", f"{BASE}/answers")],
    }
    return Panel(**plain | more)


BLANK: Final = panel(applicant="", forms=(), alone=0, answered=0)
SHIELDED: Final = panel(protected=("本人 太郎さん", f"子 {HOSTILE}さん"))


def _text(name: str, label: str, error: str = "", value: str = "") -> FieldView:
    id = "f-" + name.replace(".", "-")
    described = f"{id}-error" if error else ""
    return FieldView("text", None, name, id, label, "", True, error, value, parts={"": value}, describedby=described)


def _radio(name: str, label: str) -> FieldView:
    id = "f-" + name.replace(".", "-")
    options = (OptionView("a", "はい", id, checked="checked"), OptionView("b", LONG_TITLE, f"{id}-2"))
    return FieldView("yes_no", None, name, id, label, "", True, options=options)


def _items(error: str = "") -> list[asking.Item]:
    same = [asking.SameOption("applicant/address", f"本人の住所と同じ: {HOSTILE}", True)]
    members = [asking.MemberOption("spouse", f"妻 {HOSTILE}さん", "f-who", True)]
    kins = [Option("wife", "妻"), Option("child", "子")]
    return [
        asking.FieldItem(_text("spouse.phone", f"妻 {HOSTILE}さんの 電話番号", error, HOSTILE)),
        asking.FieldItem(_text("place", "水道を使う場所"), same, "_same.place"),
        asking.ColumnItem(
            _radio("everybody.nationality", "国籍(みんな同じとき)"),
            [_radio("spouse.nationality", "妻の 国籍"), _radio("m1-1.nationality", "子1の 国籍")],
            LONG_NAME,
            "nationality",
            bool(error),
        ),
        asking.MembersItem("who", "f-who", "子", "全員", error, True, members, True, "2", "ほかに何人"),
        asking.MembersItem("visit.rows", "f-visit-rows-new", "希望する施設", "", "", False, (), True, "", "何件"),
        asking.MembersItem(
            "head",
            "f-head",
            "世帯主",
            "",
            "",
            True,
            [members[0].__class__("a", "x", "f-head", False)],
            False,
            "1",
            "この中にいない人",
        ),
        asking.FamilyItem(
            [asking.MemberRow("a", HOSTILE, "wife", True), asking.MemberRow("", "", "", False)], kins, error
        ),
    ]


def ask(desk: Desk, **more: Any) -> AskPage:
    plain: dict[str, Any] = {
        "desk": desk,
        "panel": panel(),
        "title": "妻 花子さんのこと",
        "action": f"{BASE}/ask",
        "items": _items(),
        "keys": [("spouse/phone", "0123456789abcdef")],
        "columns": ["nationality"],
        "members": 2,
        "uses": ["犬の登録", LONG_TITLE],
        "rev": "3",
        "again": "",
        "back": "applicant/name/family",
        "errors": (),
        "told": "",
        "shielded": False,
    }
    return AskPage(**plain | more)


def _traced(**more: Any) -> TracedForm:
    lines = [
        TracedLine("氏名", HOSTILE, "窓口で入力(佐藤)", f"{BASE}/ask?key=applicant%2Fname"),
        TracedLine(LONG_TITLE, "", "", ""),
    ]
    plain: dict[str, Any] = {
        "name": "inu",
        "title": LONG_TITLE,
        "department": "環境対策課",
        "sections": [TracedSection("申請する人", lines), TracedSection("犬", lines)],
        "errors": (),
        "fee": 3000,
        "when": "申請のとき",
        "papers": ["前の鑑札: 原本を確認"],
    }
    return TracedForm(**plain | more)


def _paper(name: str, **more: Any) -> PaperLine:
    id = f"f-file-{name}"
    files = (FileView(f"{HOSTILE}.pdf", "12KB", f"{BASE}/files/inu/1", "detach:inu:1"),)
    view = FieldView(
        "attachment",
        None,
        f"attachment.{name}",
        id,
        "写し",
        "",
        False,
        parts={".accept": "application/pdf", ".types": "PDF", ".max": "3"},
        files=files,
    )
    plain: dict[str, Any] = {
        "name": f"paper.{name}",
        "id": f"f-paper-{name}",
        "title": LONG_TITLE,
        "hint": "開いたところ",
        "required": True,
        "state": "seen",
        "view": view,
        "error": "",
    }
    return PaperLine(**plain | more)


def _check(desk: Desk, **more: Any) -> CheckPage:
    plain: dict[str, Any] = {
        "desk": desk,
        "panel": panel(),
        "action": f"{BASE}/check",
        "forms": [_traced(), _traced(fee=0, papers=())],
        "ready": True,
        "total": 3000,
        "known": "",
        "known_url": "/counter/x/identity",
        "confirmed": "",
        "confirmed_at": None,
        "method": "",
        "rev": "9",
        "errors": (),
        "told": "",
    }
    return CheckPage(**plain | more)


def _filed(desk: Desk, **more: Any) -> FiledPage:
    said = [Said(HOSTILE, "鈴木", NOW, False), Said("はい", "佐藤", NOW, True)]
    forms = [
        FiledForm(LONG_TITLE, "123456789012345", "ABCD-EFGH-JKLM", "環境対策課", "到達", 3000, NOW, "/office", said),
        FiledForm("水道", "123456789012346", "ABCD-EFGH-JKLN", "上下水道課", "審査", 0, NOW, "/office", ()),
    ]
    plain: dict[str, Any] = {"total": 3000, "status_url": "https://x.jp/applications"}
    return FiledPage(desk, BASE, NOW, LONG_NAME, forms, **plain | more)


def staff(desk: Desk) -> dict[str, tuple[str, object]]:
    """By a name of the shape, the template and what it is told."""
    line = VisitLine(BASE, HOSTILE, 7, "", "open", NOW, NOW)
    others = VisitLine(BASE, "", 0, LONG_NAME, "open", NOW, NOW)
    languages = [Choice("ja", "日本語", True), Choice("en", "English", False)]
    wrong = [ErrorLink("#f-spouse-phone", "", "電話番号を確かめてください")]
    offered = Offered("inu", LONG_TITLE, "環境対策課", "犬を移します。", "11月30日まで", True, True)
    elsewhere = Offered("", "年金", "", "年金の人です。", "すぐ", False, False, "年金事務所")
    guide = GuidePage(
        desk,
        BLANK,
        LONG_TITLE,
        f"{BASE}/guide/x",
        f"{BASE}/event",
        [GuideSection("引越し", [_radio("from", "前")])],
        ["/from"],
        (),
    )
    picks: dict[str, Any] = {"desk": desk, "panel": BLANK, "action": f"{BASE}/procedures", "rev": "2", "errors": ()}
    none: dict[str, Any] = {"event": "", "guide_url": "", "chosen": (), "advised": (), "elsewhere": (), "found": ()}
    some: dict[str, Any] = {
        "event": "引越し",
        "guide_url": f"{BASE}/guide/x",
        "elsewhere": [elsewhere],
        "query": "",
        "found": (),
    }
    papers = PapersPage(
        desk, panel(), f"{BASE}/papers", [PaperForm("犬", [_paper("a"), _paper("b", state="")])], "2", ()
    )
    return {
        "counter": (
            "staff/counter.html",
            CounterPage(desk, ("市民課", "税務課"), "3番", [line], [others], [others], languages),
        ),
        "counter-none": ("staff/counter.html", CounterPage(desk, ("市民課",), "", (), (), (), languages)),
        "counter-event": (
            "staff/counter_event.html",
            EventPage(desk, BLANK, [Link(LONG_TITLE, f"{BASE}/guide/x")], f"{BASE}/procedures"),
        ),
        "counter-guide": ("staff/counter_guide.html", guide),
        "counter-guide-errors": (
            "staff/counter_guide.html",
            GuidePage(
                desk, BLANK, "x", "/x", "/y", guide.sections, ["/from"], [ErrorLink("#f-from", "前", "選んでください")]
            ),
        ),
        "counter-procedures": (
            "staff/counter_procedures.html",
            ProceduresPage(**picks, **some, chosen=(), advised=[offered]),
        ),
        "counter-procedures-found": (
            "staff/counter_procedures.html",
            ProceduresPage(**picks, **none | {"found": [offered]}, query=HOSTILE),
        ),
        "counter-procedures-errors": (
            "staff/counter_procedures.html",
            ProceduresPage(
                **picks | {"errors": [ErrorLink("#f-procedures", "手続き", "選んでください")]}, **none, query=HOSTILE
            ),
        ),
        "counter-ask": ("staff/counter_ask.html", ask(desk)),
        "counter-ask-errors": (
            "staff/counter_ask.html",
            ask(desk, items=_items("直してください"), errors=wrong, back=""),
        ),
        "counter-ask-told": (
            "staff/counter_ask.html",
            ask(desk, told="先に保存されました", panel=SHIELDED, shielded=True),
        ),
        "counter-answers": ("staff/counter_answers.html", AnswersPage(desk, panel(), [_traced(), _traced()])),
        "counter-papers": ("staff/counter_papers.html", papers),
        "counter-papers-errors": (
            "staff/counter_papers.html",
            PapersPage(
                desk,
                panel(),
                f"{BASE}/papers",
                [PaperForm("犬", [_paper("a", error="大きすぎます")])],
                "2",
                [ErrorLink("#f-paper-a", "x", "大きすぎます")],
            ),
        ),
        "counter-check": ("staff/counter_check.html", _check(desk)),
        "counter-check-confirmed": (
            "staff/counter_check.html",
            _check(desk, confirmed="タブレットに署名", confirmed_at=NOW, total=0, told="まだ出せません"),
        ),
        "counter-check-errors": (
            "staff/counter_check.html",
            _check(
                desk,
                ready=False,
                forms=[_traced(fee=None, errors=[ErrorLink(f"{BASE}/ask", "氏名", "入力してください")])],
                errors=[ErrorLink("#f-method", "確認", "選んでください")],
            ),
        ),
        "counter-filed": ("staff/counter_filed.html", _filed(desk)),
        "counter-receipt": ("staff/counter_receipt.html", _filed(desk, total=0)),
        "counter-elsewhere": ("staff/counter_elsewhere.html", ElsewherePage(desk, LONG_NAME, f"{BASE}/take", (), ())),
        "counter-elsewhere-typed": (
            "staff/counter_elsewhere.html",
            ElsewherePage(desk, LONG_NAME, f"{BASE}/ask", [("a", HOSTILE)], [HOSTILE]),
        ),
        "counter-over": ("staff/counter_elsewhere.html", ElsewherePage(desk, "", "", (), [HOSTILE], BASE)),
        "counter-signed-out": (
            "staff/signed_out.html",
            SignedOutPage(f"{BASE}/ask", "/staff/signin", [("a", HOSTILE)], [HOSTILE], 1),
        ),
    }
