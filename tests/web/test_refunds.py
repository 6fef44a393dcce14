"""A fee goes back: one asks, another allows, the provider or the till gives it, and its resident is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from payments.port import EventKind
from payments.sandbox_gateway import SandboxGateway
from server.jobs import JOBS, run_due
from server.money.settle import settle
from server.notices.mail import Mail
from server.notices.sandbox_mailbox import SandboxMailbox
from server.store import tables as t
from tests.money.cases import note_paid, told
from tests.security.declarations import sample
from tests.security.site import Browser, place, sandbox_site
from tests.web.test_till import SUM, Counter, taken

REFUND, ODD, LIST = "/office/till/refund", "/office/till/unclear", "/office/proposals"
WHY = "取り下げたため"
PAYMENT = re.compile(r'name="payment" value="([0-9a-f]{32})"')


class Hall(Counter):
    """A town hall that gives money back."""

    def paid(self) -> tuple[Browser, str, str]:
        """A resident who paid a fee by themselves: their browser, the number, the reference of the checkout."""
        resident = self.browser()
        number = resident.submit(resident.begin("priced"))
        debt = re.findall(r"/payments/[0-9a-f]+", resident.get(f"/applications/{number}").text)[0]
        reference = place(resident.get(f"{debt}/go")).rpartition("/")[2]
        resident.post(f"/sandbox/pay/{reference}", {"action": "pay"})
        return resident, number, reference

    def given(self, reference: str) -> int:
        """What the provider gave back of a checkout."""
        gateway = self.of.gateway
        assert isinstance(gateway, SandboxGateway)
        event = self.run(lambda: gateway.read(reference))
        return event.refunded if event is not None else -1

    def works(self, *names: str) -> None:
        """The worker comes by."""
        self.clock.advance(minutes=1)
        self.run(lambda: run_due(self.of, [job for job in JOBS if job.name in names]))

    def mails(self) -> list[Mail]:
        """Every mail so far, the oldest first."""
        self.works("notices")
        return SandboxMailbox(self.of.settings.data_dir / "sandbox-mail").mails()[::-1]

    def subjects(self, number: str) -> list[str]:
        return [mail.subject.partition("(")[0] for mail in self.mails() if number in mail.subject]

    def hears(self, *events: Any) -> None:
        now = self.clock()
        for event in events:
            self.do(lambda db, event=event: settle(db, "sandbox", event, paid=note_paid, now=now))


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    with sandbox_site(tmp_path_factory.mktemp("refunds"), migrated_file, sample()) as site:
        site.__class__ = Hall
        assert isinstance(site, Hall)
        served = site.of.catalogue.get("letter")
        assert served is not None
        site.own, site.names = served.declaration.department, iter(range(10_000))
        yield site
        assert site.failures() == []


def asked(desk: Browser, number: str, amount: int | str, reason: str = WHY) -> Any:
    """Ask for the newest payment of an application to go back."""
    payment = PAYMENT.findall(desk.get(f"{REFUND}?number={number}").text)[-1]
    return desk.post(REFUND, {"number": number, "payment": payment, "amount": str(amount), "reason": reason})


def decide_url(desk: Browser, number: str) -> str:
    """Of the newest proposal about an application that waits."""
    for each in desk.get(LIST).text.split('<li class="result">')[1:]:
        found = re.search(rf"{LIST}/[0-9a-f]{{32}}/decide", each)
        if found and number in each:
            return found[0]
    raise LookupError(number)


def amount_of(page: str) -> int:
    return int(re.findall(r'name="amount"[^>]* value="(\d+)"', page)[-1])


def test_a_fee_that_was_paid_online_goes_back_by_two_people_and_its_resident_is_told(hall: Hall) -> None:
    resident, number, reference = hall.paid()
    desk, boss = hall.desk("clerk:own"), hall.desk("approver:own")
    place(resident.post(f"/applications/{number}/withdraw"))
    (link,) = re.findall(rf'href="({re.escape(REFUND)}[^"]+)"', desk.get(f"/office/applications/{number}").text)
    page = desk.get(link).text
    fee = amount_of(page)
    assert "取下げ" in page and "オンライン(試験)" in page and "まだ返せる金額" in page
    assert place(asked(desk, number, fee)) == LIST
    again = desk.post(REFUND, {"payment": hall_payment(hall, number), "amount": "1", "reason": WHY})
    assert again.status_code == 409 and "もう頼まれています" in desk.get(link).text
    assert hall.given(reference) == 0, "nobody gives back alone"
    url = decide_url(boss, number)
    assert WHY in boss.get(LIST).text and "オンライン(試験)" in boss.get(LIST).text
    other = hall.desk("treasurer:own")
    assert place(boss.post(url, {"do": "allow"})) == LIST
    assert other.post(url, {"do": "allow"}).status_code == 409, "another was faster"
    assert "決済事業者の返事を待っています" in desk.get(link).text
    hall.works("refunds")
    hall.works("refunds")
    assert hall.given(reference) == fee
    assert hall.subjects(number)[-1] == "手数料をお返ししました"
    mail = hall.mails()[-1]
    assert f"お返しした金額: {fee:,}円" in mail.body and "支払った方法にお返ししました" in mail.body
    shown = resident.get(f"/applications/{number}").text
    assert "お返しした金額" in shown and f"{fee:,}円" in shown
    assert "返金済み" in desk.get(f"/office/applications/{number}").text
    assert "もう返せるお金はありません" in desk.get(link).text


def hall_payment(hall: Hall, number: str) -> str:
    query = (
        select(t.payment.c.id)
        .join_from(t.payment, t.debt)
        .join(t.application, t.application.c.id == t.debt.c.application_id)
        .where(t.application.c.receipt_number == number)
        .order_by(t.payment.c.created_at.desc())
    )
    return str(hall.do(lambda db: db.all(query))[0].id)


def test_a_part_goes_back_and_never_more_than_is_left(hall: Hall) -> None:
    resident, number, reference = hall.paid()
    desk, boss = hall.desk("treasurer:own"), hall.desk("approver:own")
    page = desk.get(f"{REFUND}?number={number}").text
    fee = amount_of(page)
    place(asked(desk, number, 100))
    place(boss.post(decide_url(boss, number), {"do": "allow"}))
    assert asked(desk, number, fee - 99).status_code == 422
    hall.works("refunds")
    assert hall.given(reference) == 100
    assert "一部" in resident.get(f"/applications/{number}").text
    assert amount_of(desk.get(f"{REFUND}?number={number}").text) == fee - 100


@pytest.mark.parametrize(
    ("amount", "reason", "at"),
    [("0", WHY, "amount"), ("x", WHY, "amount"), ("99999", WHY, "amount"), ("-1", WHY, "amount"), ("1", " ", "reason")],
)
def test_what_cannot_be_asked_for_is_told_at_its_box_with_what_was_typed(
    amount: str, reason: str, at: str, hall: Hall
) -> None:
    _, number, _ = hall.paid()
    desk = hall.desk("clerk:own")
    answer = asked(desk, number, amount, reason)
    (box,) = re.findall(rf'<(?:input|textarea)[^>]*id="f-([0-9a-f]+)-{at}"([^>]*)>', answer.text)
    assert answer.status_code == 422 and 'aria-invalid="true"' in box[1]
    assert f'aria-describedby="f-{box[0]}-{at}-error ' in box[1] and f'id="f-{box[0]}-{at}-error"' in answer.text
    assert f'href="#f-{box[0]}-{at}"' in answer.text and f'value="{amount}"' in answer.text
    assert at == "reason" or WHY in answer.text
    assert desk.get(f"{REFUND}?number={number}").text.count("もう頼まれています") == 0


def test_only_who_may_ask_comes_to_the_page_and_another_department_learns_nothing(hall: Hall) -> None:
    _, number, _ = hall.paid()
    payment = hall_payment(hall, number)
    given = {"number": number, "payment": payment, "amount": "1", "reason": WHY}
    for role in ("reviewer:own", "approver:own", "auditor", "administrator"):
        desk = hall.desk(role)
        assert desk.get(f"{REFUND}?number={number}").status_code == 403
        assert desk.post(REFUND, given).status_code == 404
    elsewhere = hall.desk("clerk:other", "treasurer:other")
    told = elsewhere.get(f"{REFUND}?number={number}")
    assert told.status_code == 422 and 'aria-invalid="true"' in told.text and payment not in told.text
    assert elsewhere.post(REFUND, given).status_code == 404
    assert hall.desk("clerk:own").get(REFUND).status_code == 200


def test_cash_is_handed_over_at_the_till_after_two_decided_and_the_day_says_so(hall: Hall) -> None:
    hall.clock.advance(days=3)
    desk, boss, (visit, numbers) = hall.desk("clerk:own"), hall.desk("treasurer:own"), hall.visit(2)
    (total,) = SUM.findall(desk.get(f"/counter/{visit}/pay").text)
    receipt, half = place(taken(desk, visit, total)), int(total) // 2
    assert f"{REFUND}?number={numbers[0]}" in desk.get(receipt).text
    place(asked(desk, numbers[0], half))
    place(boss.post(decide_url(boss, numbers[0]), {"do": "allow"}))
    assert hall.subjects(numbers[0])[-1] == "手数料をお返しします"
    assert f"お返しする金額: {half:,}円" in hall.mails()[-1].body
    assert "まだ渡していません" in desk.get(receipt).text and "/void" not in desk.get(receipt).text
    assert f"{int(total):,}円" in boss.get("/office/till").text, "nothing went out yet"
    assert "まだ返していないお金" in boss.get(ODD).text
    page = desk.get(f"{REFUND}?number={numbers[0]}").text
    (refund,) = re.findall(r'name="refund" value="([0-9a-f]{32})"', page)
    handed = {"number": numbers[0], "refund": refund}
    assert hall.desk("clerk:other").post(f"{REFUND}/handed-over", handed).status_code == 404
    for _ in range(2):
        assert place(desk.post(f"{REFUND}/handed-over", handed)) == REFUND
    assert hall.subjects(numbers[0]).count("手数料をお返ししました") == 1
    assert "に返しました" in desk.get(receipt).text and "まだ返していないお金" not in boss.get(ODD).text
    assert f'<strong class="num">{half:,}円</strong>' in boss.get("/office/till").text


def test_what_another_departments_till_took_is_asked_for_there(hall: Hall) -> None:
    visit, numbers = hall.visit(1)
    hall.do(lambda db: db.execute(t.visit.update().where(t.visit.c.id == visit).values(department=hall.other)))
    window = hall.desk("clerk:other")
    (total,) = SUM.findall(window.get(f"/counter/{visit}/pay").text)
    place(taken(window, visit, total))
    own = hall.desk("clerk:own").get(f"{REFUND}?number={numbers[0]}").text
    assert f"{hall.other}の窓口で受け取ったものです" in own and not PAYMENT.findall(own)
    assert place(asked(window, numbers[0], total)) == LIST


def test_who_is_told_that_a_fee_came_is_told_when_that_was_a_mistake_and_again_when_it_comes(hall: Hall) -> None:
    desk, boss, (visit, numbers) = hall.desk("clerk:own"), hall.desk("treasurer:own"), hall.visit(1)
    resident, number = hall.browser(), numbers[0]
    query = select(t.application.c.id).where(t.application.c.receipt_number == number)
    code = hall.of.keys.access_code(hall.do(lambda db: db.scalar(query)))
    place(resident.post("/applications", {"number": number, "access_code": code}))
    (total,) = SUM.findall(desk.get(f"/counter/{visit}/pay").text)
    receipt = place(taken(desk, visit, total))
    assert "支払いへ進む" not in resident.get(f"/applications/{number}").text
    refused = desk.post(f"{receipt}/void", {"reason": "あ" * 301})
    assert refused.status_code == 422 and "あ" * 301 in refused.text
    assert 'aria-describedby="f-reason-error f-reason-hint" aria-invalid="true"' in refused.text
    place(desk.post(f"{receipt}/void", {"reason": "ほかの人の分でした"}))
    proposals = boss.get(LIST).text.split('<li class="result">')[1:]
    (url,) = [url for each in proposals if receipt[-13:] in each for url in re.findall(rf"{LIST}/\w+/decide", each)]
    place(boss.post(url, {"do": "allow"}))
    hall.clock.advance(minutes=1)
    place(taken(desk, visit, total))
    expected = ["納付を確認しました", "納付の記録を取り消しました", "納付を確認しました"]
    assert [each for each in hall.subjects(number) if each.startswith("納付")] == expected
    (mail,) = [each for each in hall.mails() if "取り消しました" in each.subject and number in each.subject]
    assert f"手数料: {int(total):,}円" in mail.body and "領収書を用意して" in mail.body


def test_after_a_mistake_the_residents_page_asks_for_the_fee_again(hall: Hall) -> None:
    desk, boss, (visit, (number,)) = hall.desk("clerk:own"), hall.desk("treasurer:own"), hall.visit(1)
    resident = hall.browser()
    query = select(t.application.c.id).where(t.application.c.receipt_number == number)
    code = hall.of.keys.access_code(hall.do(lambda db: db.scalar(query)))
    place(resident.post("/applications", {"number": number, "access_code": code}))
    (total,) = SUM.findall(desk.get(f"/counter/{visit}/pay").text)
    receipt = place(taken(desk, visit, total))
    place(desk.post(f"{receipt}/void", {"reason": "まちがい"}))
    proposals = boss.get(LIST).text.split('<li class="result">')[1:]
    (url,) = [url for each in proposals if receipt[-13:] in each for url in re.findall(rf"{LIST}/\w+/decide", each)]
    place(boss.post(url, {"do": "allow"}))
    for path in (f"/applications/{number}", f"/applications/{number}/receipt"):
        assert "支払いへ進む" in resident.get(path).text


# --- money that somebody has to look into -----------------------------------------------------------------------------


def test_money_that_belongs_to_nothing_is_shown_to_treasurers_until_one_notes_what_became_of_it(hall: Hall) -> None:
    boss, clerk = hall.desk("treasurer:own"), hall.desk("clerk:own")
    hall.hears(told("nobody", reference="r77", amount=4321), told("other", EventKind.EXPIRED, reference="r78"))
    shown = boss.get(ODD).text
    assert "このサイトの知らない支払い" in shown and "4,321円" in shown and "r77" in shown and "r78" not in shown
    assert "r77" in hall.desk("treasurer:other").get(ODD).text
    (key,) = {key for key in re.findall(r'name="matter" value="([^"]+)"', shown) if "unknown" in key}
    assert clerk.get(ODD).status_code == 403
    assert clerk.post(f"{ODD}/note", {"matter": key, "note": "x"}).status_code == 404
    wrong = boss.post(f"{ODD}/note", {"matter": key, "note": "あ" * 301})
    assert wrong.status_code == 422 and "あ" * 301 in wrong.text and 'aria-invalid="true"' in wrong.text
    (at,) = re.findall(r'href="(#f-\d+-note)"', wrong.text)
    assert f'id="{at[1:]}-error"' in wrong.text and f'aria-describedby="{at[1:]}-error {at[1:]}-hint"' in wrong.text
    for words in ("別の仕組みの支払いでした。", "もう一度"):
        assert place(boss.post(f"{ODD}/note", {"matter": key, "note": words})) == ODD
    after = boss.get(ODD).text
    listed, _, dealt = after.partition('id="dealt"')
    assert "r77" not in listed and "別の仕組みの支払いでした。" in dealt and "見本" in dealt and "もう一度" not in dealt


def test_money_for_what_was_withdrawn_leads_to_giving_it_back_and_then_leaves_the_list(hall: Hall) -> None:
    resident, number, _ = hall.paid()
    desk, boss = hall.desk("treasurer:own"), hall.desk("approver:own")
    place(resident.post(f"/applications/{number}/withdraw"))
    assert f'href="{REFUND}?number={number}"' in desk.get(ODD).text
    fee = amount_of(desk.get(f"{REFUND}?number={number}").text)
    place(asked(desk, number, fee))
    place(boss.post(decide_url(boss, number), {"do": "allow"}))
    assert "全額を返すことに決まっています" in desk.get(ODD).text
    hall.works("refunds")
    assert f'href="{REFUND}?number={number}"' not in desk.get(ODD).text
