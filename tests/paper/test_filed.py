"""What is said of an application besides its answers: to whom, by whom, with which papers, and for what money."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from server.money.debts import Debt, Item
from server.money.states import Standing
from server.paper.filed import Written
from server.paper.sheets import Sheet
from tests import shipped
from tests.paper.printing import NOW, sheet_for, valid_cases

LIBRARY = shipped.library()


def sheet_of(slug: str, case: int = 0, **more: Any) -> Sheet:
    declaration = LIBRARY.declarations[slug]
    return sheet_for(declaration, valid_cases(declaration)[case], **more)


@pytest.mark.parametrize(
    ("slug", "head"),
    [
        ("jido-teate-nintei-seikyu", "五所川原市長"),
        ("nochi-3jo", "五所川原市農業委員会会長"),
        ("shobo-keikaku", "消防長"),
    ],
)
def test_a_paper_goes_to_whom_the_law_names(slug: str, head: str) -> None:
    assert sheet_of(slug).addressee == head


def test_the_head_of_the_paper_says_who_files_it_and_who_acts_for_them() -> None:
    content = sheet_of("jido-teate-mishiharai")
    assert [label for label, _ in content.applicant] == ["住所", "氏名", "電話番号", "代理人"]
    assert content.who == "申請者" and sheet_of("inu-shibo").who == "届出人"
    assert content.title == LIBRARY.declarations["jido-teate-mishiharai"].official_title
    assert content.called == LIBRARY.declarations["jido-teate-mishiharai"].title


def test_whoever_need_not_say_who_they_are_has_no_box() -> None:
    assert sheet_of("fuguai-tsuho").applicant == []


def test_each_paper_is_told_with_how_it_came() -> None:
    asked = [label for label, _ in sheet_of("jido-teate-mishiharai").papers]
    attachments = LIBRARY.declarations["jido-teate-mishiharai"].form.attachments
    (key,) = (each.key for each in attachments if each.title == asked[0])
    content = sheet_of("jido-teate-mishiharai", seen={key: "seen"})
    assert asked and dict(content.papers)[asked[0]] == "窓口で原本を確認"
    assert dict(sheet_of("jido-teate-mishiharai").papers)[asked[0]] == "（提出なし）"


def test_the_fee_is_told_with_how_it_stands() -> None:
    debt = Debt(
        id="d",
        application_id="a",
        receipt_number="1",
        slug="x",
        version="v",
        amount=600,
        items=(Item("住民票の写し", 2, "通", 600),),
        standing=Standing.PAID,
        due_at=None,
        pay_until=None,
        paid_at=NOW,
        lapsed=False,
    )
    told = sheet_of("inu-shibo", payment=debt, fee=600).fee
    assert told == [("住民票の写し", "600円（2通）"), ("合計", "600円（納付済み）")]
    assert sheet_of("inu-shibo", fee=3000).fee == [("合計", "3,000円")]
    assert sheet_of("inu-shibo").fee == []


def test_rows_know_what_they_are_rows_of() -> None:
    """The same sections as the check page has, each with its place."""
    rows = [(each.rows, each.row) for each in sheet_of("inu-toroku", -1).sections]
    assert ("登録する犬", 1) in rows and ("", 0) in rows


def test_the_day_is_written_by_the_era_and_the_hour_by_japans_clock() -> None:
    late = datetime(2026, 12, 31, 15, 5, tzinfo=UTC)
    record = dict(sheet_of("inu-shibo", written=Written("窓口 花子", late)).record)
    assert record["入力した職員"] == "窓口 花子（令和9年1月1日 0時05分）"
    assert "本人の確認" not in record
