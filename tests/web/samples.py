"""What pages look like when life is not tidy: long names, many children, nothing, and every error at once.

The questions come from the real engine over a schema of its own, with the common definitions procedures use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from forms_schema import bundle, compile_form
from forms_schema.base import Attachment, FieldView, FileView, Note, Offer, Offered, Question
from forms_schema.speech import JAPANESE
from forms_schema.view import attachment_view, first_control, make_view, note_view
from procedures.city import City, load_city
from procedures.translations import Translations
from server.applications.uploads import WAITING, Upload
from server.catalogue import STATES, ProcedureState
from server.catalogue.advice import Paper, Thing
from server.counter.qr import drawn
from server.languages import Languages
from server.money.debts import Item
from server.web import contexts as c
from server.web.assets import Assets
from server.web.money.paying import PayItem, PayPage
from server.web.public.life_events import Advised, DueGroup, EventTile, InterviewPage, LifeEventsPage, ListPage, Section
from server.web.render import Renderer
from server.web.residents import added
from server.web.residents.applications import WithdrawPage
from server.web.residents.handoff import HandoffCodePage, HandoffPage
from server.web.residents.my import MyDraft, MyFacts, MyFiling, MyPage, MySession, MyToken, MyTokenPage
from tests.web import states

ROOT: Final = Path(__file__).parents[2]
TODAY: Final = date(2026, 11, 20)
LANGUAGES: Final = Languages(Translations())
NOW: Final = datetime(2026, 11, 20, 4, 5, tzinfo=UTC)
LONG_TITLE: Final = "障害児通所支援(児童発達支援・放課後等デイサービス等)の支給申請"
LONG_NAME: Final = "WOLFESCHLEGELSTEINHAUSENBERGERDORFF-VON-UND-ZU-HOHENLOHE MARIA-FERNANDA"
PAUSE: Final = c.Pause("システムの点検のため、止めます。", NOW, NOW + timedelta(hours=12), ahead=True)
HOSTILE: Final = '<script>alert(1)</script>"\'&<b hx-get="/x">'


@cache
def renderer(*, sandbox: bool = True) -> Renderer:
    return Renderer(
        ROOT / "templates", assets=Assets(ROOT / "static"), city=city(), sandbox=sandbox, languages=LANGUAGES
    )


def city() -> City:
    return load_city(ROOT / "city.json")


def _common() -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for path in sorted((ROOT / "procedures/common").glob("*.json")):
        merged |= json.loads(path.read_text("utf-8"))["$defs"]
    return merged


def _ref(name: str, **more: object) -> dict[str, object]:
    return {"$ref": f"urn:kakanai:common#/$defs/{name}", **more}


_PERSON: Final = {
    "type": "object",
    "properties": {
        "acting": _ref("acting"),
        "applicant": _ref("person", title="申請する人", **{"x-subject": "applicant"}),
    },
    "required": ["acting", "applicant"],
}
_CHILDREN: Final = {
    "type": "object",
    "properties": {
        "reason": {
            "title": "申請の理由",
            "description": "いちばん近いものを1つ選んでください。",
            "oneOf": [
                {"const": f"r{i}", "title": title}
                for i, title in enumerate(("出生", "転入", "養育を始めた", "そのほか"))
            ],
        },
        "needs": {
            "type": "array",
            "title": "希望する支援",
            "uniqueItems": True,
            "items": {
                "oneOf": [
                    {"const": f"n{i}", "title": title}
                    for i, title in enumerate(("児童発達支援", "放課後等デイサービス", "保育所等訪問支援"))
                ]
            },
        },
        "start": {"type": "string", "format": "date", "title": "利用を始めたい日", "description": "例: 令和8年12月1日"},
        "pension": {
            "title": "加入している年金",
            "oneOf": [{"const": f"p{i}", "title": f"選択肢その{i}"} for i in range(9)],
        },
        "married": {"type": "boolean", "title": "配偶者はいますか"},
        "number": {"type": "string", "format": "my-number", "title": "申請する人の個人番号"},
        "children": {
            "type": "array",
            "title": "対象の子ども",
            "minItems": 1,
            "maxItems": 20,
            "x-subject": "children",
            "items": {
                "type": "object",
                "properties": {
                    "name": _ref("name"),
                    "birthdate": _ref("birthdate"),
                    "together": {"type": "boolean", "title": "一緒に住んでいますか"},
                },
                "required": ["name", "birthdate"],
            },
        },
        "story": {
            "type": "string",
            "title": "くわしい事情",
            "maxLength": 1000,
            "description": "あれば書いてください。",
        },
        "agree": {"const": True, "type": "boolean", "title": "市が住民票と税の記録を確認することに同意します"},
    },
    "required": ["reason", "start", "number", "children", "agree"],
}


def _child(i: int) -> dict[str, Any]:
    kana = {"family_kana": "ゴショガワラ", "given_kana": "ハナコ"}
    return {"name": {"family": "五所川原", "given": f"花子{i}"} | kana, "birthdate": "2019-04-01", "together": True}


def views(schema: Mapping[str, Any], answers: dict[str, Any], errors: Mapping[str, str]) -> tuple[FieldView, ...]:
    """Every question of a schema for these answers, in the engine's order."""
    form = compile_form(bundle(schema, _common()))
    return tuple(_view(question, errors) for question in form.settle(answers, TODAY).questions)


def _view(question: Question, errors: Mapping[str, str]) -> FieldView:
    return make_view(question, errors=errors, sources={"/applicant/name": "card"})


def _summary(shown: Sequence[FieldView]) -> tuple[c.ErrorLink, ...]:
    found: list[c.ErrorLink] = []
    for view in shown:
        if view.error:
            found.append(c.ErrorLink(f"#{first_control(view)}", view.label, view.error))
        found.extend(_summary(view.children))
        for row in view.rows:
            found.extend(_summary(row.children))
    return tuple(found)


def files(error: str = "", *, some: bool = True) -> FieldView:
    kept = (
        FileView("委任状.pdf", "1.2MB", "/drafts/x/files/1", "remove-file:1"),
        FileView(
            "とても長い名前のファイル_2026年11月20日_スキャンした書類_その2_最終版.jpeg",
            "9.8MB",
            "/drafts/x/files/2",
            "remove-file:2",
        ),
    )
    paper = Attachment("ininjo", "委任状", hint="本人が署名したものを撮るかスキャンしてください。", max=3)
    return attachment_view(paper, kept if some else (), True, error, paper.title)


STEPS: Final = (
    c.StepMark(1, "申請する人", "done", "/drafts/x/1"),
    c.StepMark(2, "支援を受ける子どもと希望する支援の内容", "now"),
    c.StepMark(3, "添付書類", "todo"),
    c.StepMark(4, "内容の確認", "todo"),
)
CHECKING: Final = tuple(
    c.StepMark(mark.number, mark.title, "now" if mark.number == 4 else "done", f"/drafts/x/{mark.number}")
    for mark in STEPS
)
_DEPARTMENT: Final = c.Contact(
    "子育て支援課",
    "0173-00-2102",
    "kosodate@city.example.jp",
    "1階 8番窓口",
    "月曜日から金曜日 8時30分から17時15分まで",
)


def _step(shown: tuple[FieldView, ...], **more: Any) -> c.StepPage:
    plain: dict[str, Any] = {
        "title": LONG_TITLE,
        "slug": "shogaiji-tsusho",
        "number": 2,
        "total": 4,
        "step_title": "支援を受ける子どもと希望する支援の内容",
        "steps": STEPS,
        "views": shown,
        "errors": _summary(shown),
        "action": "/drafts/x/2",
        "rev": "3",
        "saved_at": NOW,
        "back": True,
        "contact": _DEPARTMENT,
        "needs": ("委任状の写真かPDF(必要な人だけ)", "マイナンバー(個人番号)がわかるもの"),
    }
    return c.StepPage(**plain | more)


def first_step() -> c.StepPage:
    shown = (note_view(Note("この申請は、18歳未満の人について、保護者が行います。")), *views(_PERSON, {}, {}))
    marks = (c.StepMark(1, "申請する人", "now"), *(c.StepMark(m.number, m.title, "todo") for m in STEPS[1:]))
    return _step(shown, number=1, step_title="申請する人", steps=marks, saved_at=None, back=False)


def slot_step(days: int) -> c.StepPage:
    """A calendar of six hours a day: some full, some nearly so. Nothing is free where there are no `days`."""
    visit = {"type": "string", "format": "slot", "title": "来庁する日時"}
    offers = tuple(
        Offer(f"{TODAY + timedelta(days=day)}T{hour:02}:00", f"{hour + 1:02}:00", (day + hour) % 5, 4)
        for day in range(1, days + 1)
        for hour in (9, 10, 11, 13, 14, 15)
    )
    (question,) = compile_form({"properties": {"visit": visit}, "required": ["visit"]}).settle({}, TODAY).questions
    offered = Offered(offers, "12月31日に、1月5日の枠が開きます。合う日時がないときは、市民課に相談してください。")
    view = make_view(question, errors={"/visit": HOSTILE}, offers={"/visit": offered})
    return _step((view,), step_title="来庁の予約")


def filled_step() -> c.StepPage:
    children = {
        "children": [_child(i) for i in range(20)],
        "reason": "r1",
        "needs": ["n0", "n2"],
        "start": "2026-12-01",
    }
    return _step(
        (*views(_CHILDREN, children, {}), files()),
        multipart=True,
        banner=c.Banner("success", "ファイルを追加しました。"),
    )


def wrong_step() -> c.StepPage:
    errors = {
        "/reason": "選んでください",
        "/start": "実際にある日付を書いてください。例: 令和8年12月1日",
        "/number": "個人番号は12桁の数字です。カードのうら面を確かめてください",
        "/needs": "1つ以上選んでください",
        "/pension": "選んでください",
        "/children/0/name/family": "姓を書いてください",
        "/children/0/birthdate": "生年月日を書いてください",
        "/story": "1000文字までで書いてください",
        "/agree": "同意が必要です",
    }
    kept = {"children": [{"name": {"given": LONG_NAME}}], "start": "2026-2-", "story": HOSTILE * 4}
    return _step((*views(_CHILDREN, kept, errors), files("委任状を添付してください", some=False)), multipart=True)


_ROWS: Final = (
    c.CheckRow("申請者の立場", "本人"),
    c.CheckRow("氏名", f"{LONG_NAME}\n(ウォルフェシュレーゲルシュタインハウゼン マリア フェルナンダ)", "card"),
    c.CheckRow(
        "住所",
        "〒037-8686 青森県五所川原市字布屋町41番地1 とても長い名前のマンション五所川原駅前弐番館 1203号室",
        "card",
    ),
    c.CheckRow("電話番号", "", "", "/drafts/x/1#f-applicant-phone"),
    c.CheckRow("くわしい事情", HOSTILE),
)
_FEE: Final = c.FeeView(
    (
        c.FeeLine("住民票の写し", 600, "300円 × 2通"),
        c.FeeLine("郵便料金", 110),
        c.FeeLine("減免: 市の規則による", -100),
    ),
    610,
    "submit",
    "年金の手続きに使うときは、職員が書類を確かめて手数料をお返しすることがあります。",
)


def check(do: str = "submit", **more: Any) -> c.CheckPage:
    plain: dict[str, Any] = {
        "title": LONG_TITLE,
        "slug": "shogaiji-tsusho",
        "steps": CHECKING,
        "sections": (
            c.CheckSection("申請する人", _ROWS, "/drafts/x/1"),
            *(c.CheckSection(f"対象の子ども({i}人目)", _ROWS[1:3], "/drafts/x/2") for i in range(1, 4)),
            c.CheckSection("添付書類", (c.CheckRow("委任状", "委任状.pdf (1.2MB)"),), "/drafts/x/3"),
        ),
        "left_out": (c.CheckRow("代理人の氏名", "山田 太郎"),),
        "errors": (),
        "fee": _FEE,
        "do": do,
        "url": "/drafts/x/submit",
        "rev": "9",
        "back_url": "/drafts/x/3",
        "handoff_url": "/drafts/x/handoff",
        "saved_at": NOW,
        "contact": _DEPARTMENT,
        "consent": "送った内容は、この手続きのためだけに使います。うそを書くと罰せられることがあります。",
    }
    return c.CheckPage(**plain | more)


def _topics(codes: str, titles: str, path: str) -> tuple[c.Topic, ...]:
    pairs = zip(codes.split(), titles.split(), strict=True)
    return tuple(c.Topic(code, title, 7 + i, f"/procedures?{path}={code}") for i, (code, title) in enumerate(pairs))


def home() -> c.HomePage:
    events = _topics(
        "move-in move-out move-within birth pregnancy marriage divorce school employment retirement business housing "
        "vehicle care disability death disaster foreigner new-one",
        "引っこしてきた 引っこしていく 市内で引っこす 子どもが生まれた 妊娠した 結婚する 離婚する "
        "入園・入学 就職・転職 退職 "
        "事業を始める・続ける 住まい・土地 車・バイク 介護が必要になった 障害がある 家族が亡くなった 災害にあった "
        "外国から来た ほかのできごと",
        "life_event",
    )
    categories = _topics(
        "a b c d e f g h i j k",
        "住民票・住所 戸籍 印鑑登録 子育て 高齢・介護 障害 健康・医療 保険・年金 税金 消防 水道・下水道",
        "category",
    )
    return c.HomePage(events, categories, 200, 163)


def procedures(*, empty: bool = False) -> c.ProceduresPage:
    cards = tuple(
        c.ProcedureCard(
            title,
            "/procedures/x",
            summary,
            "子育て支援課",
            state,
            STATES[ProcedureState(state)],
            online,
            fee,
            bool(fee),
            pause=pause,
        )
        for title, summary, state, online, fee, pause in (
            (
                "住民票の写しの交付請求",
                "住民票の写し(世帯全員・一部)を請求します。郵送か窓口で受け取れます。",
                "open",
                True,
                300,
                PAUSE,
            ),
            (
                LONG_TITLE,
                "障害のある子どもが、通って支援を受けるサービスの支給を申請します。" * 2,
                "suspended",
                True,
                None,
                replace(PAUSE, ahead=False),
            ),
            (
                "転入届",
                "ほかの市区町村から引っこしてきたときの届出。窓口だけで受け付けます。",
                "open",
                False,
                None,
                None,
            ),
            ("保育施設等の利用申込", "保育所・認定こども園・小規模保育等の利用申込。", "planned", True, None, None),
        )
    )
    choices = tuple(c.Choice(topic.code, topic.title, topic.code == "birth") for topic in home().life_events)
    pages = (c.Link("1", ""), c.Link("2", "/procedures?page=2"), c.Link("3", "/procedures?page=3"))
    return c.ProceduresPage(
        heading="子どもが生まれた",
        query="子ども" if not empty else HOSTILE,
        categories=tuple(c.Choice(topic.code, topic.title, False) for topic in home().categories),
        life_events=choices,
        online=True,
        total=0 if empty else 47,
        results=() if empty else cards,
        pages=() if empty else pages,
    )


def guide(**more: Any) -> c.GuidePage:
    plain: dict[str, Any] = {
        "title": "住民票の写しの交付請求",
        "official_title": "住民基本台帳法第12条第1項の規定による住民票の写しの交付の請求",
        "slug": "juminhyo-utsushi",
        "summary": "住民票の写し(世帯全員・一部)を請求します。郵送か窓口で受け取れます。",
        "category": c.Link("住民票・住所", "/procedures?category=resident-record"),
        "state": "open",
        "state_words": "受付中",
        "pause": None,
        "accepts_from": None,
        "accepts_until": None,
        "procedure_type": "shinsei",
        "result": "certificate",
        "assurance": "jpki-signature",
        "channels": ("online", "counter", "kiosk"),
        "channel": "マイナンバーカードがあれば、コンビニ交付がいちばん早く受け取れます。",
        "who": "本人、または本人と同じ世帯の人。代理人も請求できます(委任状がいります)。",
        "bring": ("手数料を払うもの(クレジットカードなど)",),
        "attachments": (Paper("委任状", True),),
        "when": "期限はありません。必要な日の5日前までに請求すると安心です。",
        "notes": (
            "郵送の送り先は、本人の住民登録の住所だけです。",
            "亡くなった人の分は、除票の写しを請求してください。",
        ),
        "fees": (c.GuideFee("住民票の写し", 300, "通"), c.GuideFee("郵便料金", 110, "件", True)),
        "fee_timing": "submit",
        "processing_days": 2,
        "legal_basis": "住民基本台帳法第12条",
        "steps": ("申請する人", "必要な証明"),
        "contact": _DEPARTMENT,
        "handover": None,
        "apply_url": "/procedures/juminhyo-utsushi/apply",
    }
    return c.GuidePage(**plain | more)


_BOOKED = c.BookedView(
    "市民課の窓口",
    "令和8年12月1日(火)9時〜10時",
    "市役所1階 1番窓口(市民課)",
    ("本人確認書類", HOSTILE),
    "/applications/123456789012345/booking.ics",
)


def receipt(**more: Any) -> c.ReceiptPage:
    plain: dict[str, Any] = {
        "title": LONG_TITLE,
        "number": "123456789012345",
        "access_code": "7KQM-3XWD-9HRT",
        "submitted_at": NOW,
        "procedure_type": "shinsei",
        "result": "certificate",
        "processing_days": 2,
        "payment": c.PaymentView("DUE", 610, "/payments/p1", NOW),
        "status_url": "/applications/123456789012345",
        "contact": _DEPARTMENT,
    }
    return c.ReceiptPage(**plain | more)


ADDED: Final = (
    c.SaidFile("通帳の写し.pdf", "812KB", "clean", "/applications/1/files/x"),
    c.SaidFile("a" * 80 + ".jpg", "1,812KB", "waiting", ""),
    c.SaidFile(HOSTILE, "1KB", "infected", ""),
)
SAID: Final = (
    c.Said("answer", "", HOSTILE, NOW, None, ADDED),
    c.Said("question", "子育て支援課", "口座の名義を教えてください。\n通帳のとおりに書いてください。", NOW, NOW),
)
"""Newest first."""
REFUSED: Final = (c.Said("refusal", "子育て支援課", HOSTILE, NOW), *SAID)


def pay(**more: Any) -> PayPage:
    items = [PayItem(Item("住民票の写し", 2, "通", 600), "PAID"), PayItem(Item(LONG_TITLE, 1, "通", 450), "DUE")]
    plain: dict[str, Any] = {"items": items, "total": 1050, "whole": 1050, "standing": "due", "here": "/pay/x"}
    return PayPage(**plain | {"go_url": "/pay/x/go", "pay_until": None} | more)


def papers(error: str = "") -> FieldView:
    """The control of files that go with an answer: two are kept already."""
    kept = [
        Upload("x", added.KEY, "通帳の写し.pdf", "application/pdf", 812_000, ""),
        Upload("y", added.KEY, HOSTILE, "image/jpeg", 1, "", WAITING),
    ]
    return added.box(kept, "/applications/1", JAPANESE, error)


def answer_box(**more: Any) -> c.AnswerBox:
    plain: dict[str, Any] = {"action": "/applications/1/answer", "most": 2000, "papers": papers(), "until": NOW}
    return c.AnswerBox(**plain | more)


def status(state: str = "REVIEWING", **more: Any) -> c.StatusPage:
    plain: dict[str, Any] = {
        "title": LONG_TITLE,
        "number": "123456789012345",
        "state": state,
        "submitted_at": NOW,
        "events": (c.Event("REVIEWING", NOW), c.Event("ACCEPTED", NOW), c.Event("SUBMITTED", NOW)),
        "payment": c.PaymentView("PAID", 610),
        "contact": _DEPARTMENT,
        "receipt_url": "/applications/123456789012345/receipt",
        "withdraw_url": "/applications/123456789012345/withdraw",
    }
    return c.StatusPage(**plain | more)


def my(*, empty: bool = False, **more: Any) -> MyPage:
    number, level = "123456789012345", "jpki-signature"
    filings = [
        MyFiling(LONG_TITLE, f"/applications/{number}", number, state, NOW, "/payments/p1" if i == 0 else "")
        for i, state in enumerate(("PAYMENT_PENDING", "CORRECTION_REQUESTED", "REVIEWING", "COMPLETED"))
    ]
    plain: dict[str, Any] = {
        "name": LONG_NAME,
        "level": level,
        "provider": "jpki",
        "idle": 60,
        "until": NOW,
        "drafts": [] if empty else [MyDraft(LONG_TITLE, "/drafts/x/1", NOW, NOW, "/my/drafts/x/delete")] * 2,
        "filings": [] if empty else filings,
        "pages": [] if empty else [c.Link("1", ""), c.Link("2", "/my?page=2")],
        "first": True,
        "facts": [] if empty else [MyFacts(each, [("氏名", NOW), (HOSTILE, NOW)]) for each in ("applicant", "agent")],
        "tokens": []
        if empty
        else [
            MyToken("会計ソフト", level, NOW, NOW, None, "/my/tokens/x/revoke"),
            MyToken(HOSTILE * 2, "email", NOW, NOW, NOW, "/my/tokens/y/revoke"),
        ],
        "once": "0" * 32,
        "terms": (30, 90, 365),
        "most": 10,
        "sessions": [
            MySession(NOW, NOW, level),
            *([] if empty else [MySession(NOW, NOW, "oidc-basic", "/my/sessions/x/end")]),
        ],
    }
    return MyPage(**plain | more)


def withdrawal(closed: str = "", **more: Any) -> WithdrawPage:
    plain: dict[str, Any] = {
        "title": LONG_TITLE,
        "number": "123456789012345",
        "state": "REVIEWING",
        "fee": "owed",
        "closed": closed,
        "reasons": ("unsaid", "mistake", "twice", "not_needed", "another_way", "other"),
        "action": "/applications/123456789012345/withdraw",
        "status_url": "/applications/123456789012345",
        "signin_url": "/signin?next=/applications/123456789012345/withdraw",
        "contact": _DEPARTMENT,
    }
    return WithdrawPage(**plain | more)


_BAD_CODE: Final = (
    c.ErrorLink("#f-code", "再開コード", "コードがちがうか、期限が過ぎています。もう一度確かめてください"),
)
_BAD_LOOKUP: Final = (
    c.ErrorLink("#f-number", "受付番号", "受付番号か確認コードがちがいます。もう一度確かめてください"),
)
_DIFFERENCES: Final = (
    c.Difference("_pick./applicant/phone", "電話番号", "0173-00-0001", "090-0000-0000"),
    c.Difference("_pick./note", "くわしい事情", HOSTILE, ""),
)


def _open_data() -> c.OpenDataPage:
    files = [c.Link("CSV", "/opendata/procedures.csv"), c.Link("JSON", "/opendata/procedures.json")]
    sets = [
        c.OpenDataSet("procedures", "行政手続一覧", "オンライン・窓口でできる手続の一覧。", TODAY, "随時", 200, files),
        c.OpenDataSet("usage", LONG_TITLE, HOSTILE, TODAY, "月次", 0, files),
    ]
    return c.OpenDataPage(
        sets, c.Link("CC BY 4.0", "https://example.jp/by"), c.Link("DCAT", "/opendata/catalog.jsonld")
    )


def life_events() -> LifeEventsPage:
    tiles = [EventTile(each.code, each.title, each.href, i % 2 == 0) for i, each in enumerate(home().life_events)]
    return LifeEventsPage(tiles)


def interview(*, wrong: bool = False) -> InterviewPage:
    errors = {"/reason": "申請の理由を選んでください"} if wrong else {}
    shown = (note_view(Note("いま危ないときは、電話してください。")), *views(_CHILDREN, {"married": True}, errors)[:4])
    return InterviewPage(
        title=LONG_TITLE,
        href="/life-events/move-in",
        sections=(Section("家族", shown[:3]), Section("そのほか", shown[3:])),
        all_url="/procedures?life_event=move-in",
        errors=_summary(shown) if wrong else (),
        wrong=tuple(errors),
        changes=True,
    )


def life_event_list(*, empty: bool = False) -> ListPage:
    card = procedures().results[0]
    plain = Advised(
        title=card.title,
        card=card,
        place="",
        procedure_type="yoyaku",
        why="引っ越してきた人は、みんな届け出ます。",
        by="住み始めた日から14日以内に、窓口で出してください。",
        bring=("マイナンバーカード", HOSTILE),
        papers=(Paper("委任状", True), Paper("本人確認書類")),
        apply_url="/procedures/x/apply",
        elsewhere=None,
    )
    handed = replace(plain, title=LONG_TITLE, apply_url="", elsewhere=c.Link("マイナポータル", "https://myna.go.jp/"))
    office = replace(plain, card=None, title="死亡届", place="市民課の窓口", bring=(), papers=(), apply_url="", by="")
    groups = (
        DueGroup(date(2026, 11, 5), True, (plain,)),
        DueGroup(date(2026, 12, 7), False, (handed, office)),
        DueGroup(None, False, (plain,)),
    )
    link = "https://example.jp/life-events/move-in/list?" + "&".join(f"answer_{i}=true" for i in range(12))
    return ListPage(
        title=LONG_TITLE,
        total=0 if empty else 4,
        groups=() if empty else groups,
        things=() if empty else (Thing("マイナンバーカード", 3), Thing(HOSTILE, 1)),
        answers=(c.CheckRow("引っ越した日", "令和8年12月1日"), c.CheckRow(LONG_TITLE, HOSTILE)),
        made_on=TODAY,
        link=link,
        mail=f"mailto:?subject=x&body={link}",
        handoff_url="" if empty else "/life-events/move-in/handoff?from=japan",
        change_url="/life-events/move-in?from=japan",
        here="?from=japan&",
        again_url="/life-events/move-in",
        all_url="/procedures?life_event=move-in",
    )


def handoff(**more: Any) -> HandoffPage:
    plain = HandoffPage((LONG_TITLE, "犬の登録申請"), "", 0, (HOSTILE, "通帳"), "/drafts/x/handoff", "/drafts/x/check")
    return replace(plain, **more)


def handoff_code() -> HandoffCodePage:
    code = "8J41-Z2X2-GPS2"
    signs, until = code.split("-"), NOW + timedelta(days=2)
    things = (HOSTILE, "通帳")
    return HandoffCodePage((LONG_TITLE,), LONG_TITLE, things, drawn(code), signs, until, "/x/handoff", "/x/check")


def pages() -> dict[str, tuple[str, object]]:
    """Every page in its usual and its awkward shapes: name → (template, what it is told)."""
    from tests.web import queue_samples  # it stands on what is above

    return {
        "home": ("pages/home.html", home()),
        "procedures": ("pages/procedures.html", procedures()),
        "procedures-empty": ("pages/procedures.html", procedures(empty=True)),
        "life-events": ("pages/life_events.html", life_events()),
        "life-event": ("pages/life_event.html", interview()),
        "life-event-wrong": ("pages/life_event.html", interview(wrong=True)),
        "life-event-list": ("pages/life_event_list.html", life_event_list()),
        "life-event-list-empty": ("pages/life_event_list.html", life_event_list(empty=True)),
        "guide": ("pages/guide.html", guide()),
        "guide-planned": (
            "pages/guide.html",
            guide(
                state="planned",
                state_words="受付前",
                accepts_from=date(2027, 4, 1),
                accepts_until=date(2027, 4, 30),
                apply_url="",
            ),
        ),
        "guide-suspended": (
            "pages/guide.html",
            guide(
                state="suspended",
                state_words="受付を止めています",
                pause=replace(PAUSE, until=None, ahead=False),
                apply_url="",
            ),
        ),
        "guide-announced": ("pages/guide.html", guide(pause=PAUSE)),
        "guide-handover": (
            "pages/guide.html",
            guide(
                handover=c.Handover("マイナポータル", "https://myna.go.jp/", ("マイナンバーカード", "4桁の暗証番号")),
                apply_url="",
                steps=(),
            ),
        ),
        "guide-counter": (
            "pages/guide.html",
            guide(
                channels=("counter",),
                apply_url="",
                assurance="none",
                bring=(),
                attachments=(),
                fees=(),
                steps=(),
                notes=(),
            ),
        ),
        "step-first": ("pages/step.html", first_step()),
        "step": ("pages/step.html", filled_step()),
        "step-errors": ("pages/step.html", wrong_step()),
        "step-slots": ("pages/step.html", slot_step(40)),
        "step-no-slots": ("pages/step.html", slot_step(0)),
        "check": ("pages/check.html", check()),
        "check-fix": (
            "pages/check.html",
            check(
                "fix", errors=(c.ErrorLink("/drafts/x/1#f-applicant-phone", "電話番号", "電話番号を書いてください"),)
            ),
        ),
        "check-signin": (
            "pages/check.html",
            check(
                "signin",
                url="/signin?next=/drafts/x/check",
                fee=None,
                left_out=(),
                banner=c.Banner("info", "手続きの内容が新しくなりました。もう一度確かめてください。"),
            ),
        ),
        "check-renew": ("pages/check.html", check("renew", url="", renew_url="/drafts/x/renew", fee=None)),
        "check-newer": ("pages/check.html", check(renew_url="/drafts/x/renew")),
        "at-window": ("pages/at_window.html", c.AtWindowPage("/applications")),
        "renewed": (
            "pages/renewed.html",
            c.RenewedPage(LONG_TITLE, (c.CheckRow("くわしい事情", HOSTILE),), "/drafts/x/check"),
        ),
        "check-sign": ("pages/check.html", check("sign", url="/drafts/x/sign")),
        "check-suspended": ("pages/check.html", check("closed", url="", pause=replace(PAUSE, ahead=False))),
        "check-keep": ("pages/check.html", check(keep=True)),
        "step-earlier": ("pages/step.html", replace(first_step(), offers=True, earlier=TODAY)),
        "step-nothing-earlier": ("pages/step.html", replace(first_step(), offers=True)),
        "step-announced": ("pages/step.html", replace(first_step(), pause=PAUSE)),
        "step-suspended": ("pages/step.html", replace(first_step(), pause=replace(PAUSE, ahead=False))),
        "saved": (
            "pages/saved.html",
            c.SavedPage(LONG_TITLE, "7KQM-3XWD-9HRT", NOW, "/drafts/x/2", "/drafts/x/handoff"),
        ),
        "saved-suspended": (
            "pages/saved.html",
            c.SavedPage(LONG_TITLE, "7KQM-3XWD-9HRT", None, "/drafts/x/2", "/drafts/x/handoff"),
        ),
        "handoff": ("pages/handoff.html", handoff()),
        "handoff-event": ("pages/handoff.html", handoff(titles=(), event=LONG_TITLE, asked=12)),
        "handoff-code": ("pages/handoff_code.html", handoff_code()),
        "opendata": ("pages/opendata.html", _open_data()),
        "resume": ("pages/resume.html", c.ResumePage()),
        "resume-errors": ("pages/resume.html", c.ResumePage(_BAD_CODE, HOSTILE)),
        "conflict": (
            "pages/conflict.html",
            c.ConflictPage(
                LONG_TITLE,
                "申請する人",
                _DIFFERENCES,
                (("applicant.phone", "0173-00-0001"), ("story", HOSTILE)),
                "/drafts/x/1",
                "4",
            ),
        ),
        "lost": ("pages/lost.html", c.LostPage("", "/signin?next=/drafts/x/check", "/resume", (), ())),
        "lost-typed": (
            "pages/lost.html",
            c.LostPage(
                "/drafts/x/2",
                "/signin?next=/drafts/x/2",
                "/resume",
                ("五所川原", HOSTILE),
                (("applicant.name.family", "五所川原"), ("story", HOSTILE)),
                2,
            ),
        ),
        "withheld": ("pages/withheld.html", c.WithheldPage("waiting", HOSTILE, "/drafts/x/check")),
        "withheld-infected": ("pages/withheld.html", c.WithheldPage("infected", "委任状.pdf", "/drafts/x/check")),
        "sign": (
            "pages/sign.html",
            c.SignPage(
                LONG_TITLE,
                "/drafts/x/sign/go",
                "/drafts/x/check",
                "デジタル認証アプリ",
                "署名が取り消されました。もう一度お試しください。",
            ),
        ),
        "receipt": ("pages/receipt.html", receipt()),
        "receipt-later": (
            "pages/receipt.html",
            receipt(
                access_code="",
                payment=None,
                processing_days=None,
                procedure_type="todokede",
                sections=check().sections[:2],
            ),
        ),
        "status": ("pages/status.html", status()),
        "status-booked": ("pages/status.html", status("SUBMITTED", payment=None, booked=_BOOKED)),
        "receipt-booked": ("pages/receipt.html", receipt(payment=None, procedure_type="yoyaku", booked=_BOOKED)),
        "status-pay": (
            "pages/status.html",
            status("PAYMENT_PENDING", payment=c.PaymentView("FAILED", 610, "/payments/p1")),
        ),
        "status-asked": (
            "pages/status.html",
            status("CORRECTION_REQUESTED", payment=None, said=SAID[1:], box=answer_box()),
        ),
        "status-asked-errors": (
            "pages/status.html",
            status(
                "CORRECTION_REQUESTED",
                said=SAID[1:],
                box=answer_box(over=True, typed=HOSTILE, wrong="入力してください。", papers=papers("大きすぎます。")),
                errors=[
                    c.ErrorLink("#f-answer", "答え", "入力してください。"),
                    c.ErrorLink("#f-attachment-files", "追加の書類", "大きすぎます。"),
                ],
            ),
        ),
        "status-answered": ("pages/status.html", status("SUBMITTED", payment=None, said=SAID, answered=True)),
        "status-refused": ("pages/status.html", status("REFUSED", payment=None, said=REFUSED, withdraw_url="")),
        "pay": ("pages/pay.html", pay()),
        "pay-part": ("pages/pay.html", pay(total=300)),
        "pay-off": ("pages/pay.html", pay(go_url="")),
        "pay-away": ("pages/pay.html", pay(trouble="away")),
        "pay-sum": ("pages/pay.html", pay(trouble="sum")),
        "pay-slip": ("pages/pay.html", pay(standing="pending", pay_until=NOW, total=0)),
        "pay-paid": ("pages/pay.html", pay(standing="paid", total=0, go_url="")),
        "pay-unclear": ("pages/pay.html", pay(standing="unclear", total=0, go_url="")),
        "pay-nothing": ("pages/pay.html", pay(standing="nothing", items=(), total=0, whole=0, go_url="")),
        "status-done": ("pages/status.html", status("COMPLETED", payment=None, withdraw_url="")),
        "status-ended": (
            "pages/status.html",
            status("WITHDRAWN", payment=c.PaymentView("REFUNDED", 610, returned=610), withdraw_url=""),
        ),
        "my": ("pages/my.html", my()),
        "my-empty": ("pages/my.html", my(empty=True)),
        "my-further": ("pages/my.html", my(drafts=[], first=False)),
        "my-errors": (
            "pages/my.html",
            my(errors=(c.ErrorLink("#f-label", "名前", "トークンの名前を入力してください"),), label=HOSTILE),
        ),
        "my-token": (
            "pages/my_token.html",
            MyTokenPage("kk_" + "A" * 43, HOSTILE, "oidc-basic", NOW, "https://x/graphql"),
        ),
        "withdraw": ("pages/withdraw.html", withdrawal()),
        "withdraw-paid": ("pages/withdraw.html", withdrawal(fee="paid")),
        "withdraw-person": ("pages/withdraw.html", withdrawal("person")),
        "withdraw-state": ("pages/withdraw.html", withdrawal("state")),
        "lookup": ("pages/lookup.html", c.LookupPage()),
        "lookup-errors": ("pages/lookup.html", c.LookupPage(_BAD_LOOKUP, HOSTILE)),
        "error-404": ("pages/error.html", c.ErrorPage(404, "3f9c2a7b")),
        "error-429": ("pages/error.html", c.ErrorPage(429, "3f9c2a7b", 600)),
        "error-500": ("pages/error.html", c.ErrorPage(500, "3f9c2a7b")),
        "error-503": ("pages/error.html", c.ErrorPage(503, "3f9c2a7b", 10)),
        "error-403": ("pages/error.html", c.ErrorPage(403, "3f9c2a7b")),
        "error-413": ("pages/error.html", c.ErrorPage(413, "3f9c2a7b")),
        **states.payments(LONG_TITLE, NOW),
        **states.signins(NOW),
        **queue_samples.residents(),
    }
