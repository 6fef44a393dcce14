"""The till as clerks, treasurers and payers use it: one sum, two ways to pay it, one receipt, a day's accounts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from string import ascii_letters, digits
from typing import Any

import pytest
from sqlalchemy import insert, select

from payments.sandbox_gateway import Action as Press
from payments.sandbox_gateway import SandboxGateway
from server.counter import paylink
from server.store import tables as t
from server.store.values import new_id
from tests.security.declarations import sample
from tests.security.site import Browser, place, sandbox_site
from tests.web.test_office import Hall

SUM = re.compile(r'name="expected" value="(\d+)"')


class Counter(Hall):
    """A town hall whose windows take money."""

    def visit(self, fees: int = 2, *, staff: str = "") -> tuple[str, list[str]]:
        """A visit of the own department in which letters with a fee were filed: its id and their numbers."""
        clerk = staff or self.officer("clerk:own").id
        numbers = [self.filed("priced") for _ in range(fees)]
        visit_id, now = new_id(self.of.random), self.clock()
        row = {"id": visit_id, "staff_id": clerk, "department": self.own, "state": "filed", "revision": 2}
        row |= {"language": "ja", "wrapped_key": b"x", "sealed_content": b"x", "created_at": now, "saved_at": now}

        def work(db: Any) -> None:
            db.execute(insert(t.visit), row | {"expires_at": now})
            for i, number in enumerate(numbers):
                query = select(t.application.c.id).where(t.application.c.receipt_number == number)
                linked = {"visit_id": visit_id, "name": str(i), "application_id": db.scalar(query)}
                db.execute(insert(t.visit_application), linked)

        self.do(work)
        return visit_id, numbers

    def link(self, visit_id: str) -> str:
        return f"/pay/{paylink.made(self.of.keys, visit_id, now=self.clock())}"

    def pays(self, browser: Browser, link: str, action: Press = Press.PAY) -> str:
        """Follow the link to the provider's page and press there: the reference of the checkout."""
        reference = place(browser.get(f"{link}/go")).rpartition("/")[2]
        place(browser.post(f"/sandbox/pay/{reference}", {"action": action.value}))
        return reference


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Counter]:
    with sandbox_site(tmp_path_factory.mktemp("till"), migrated_file, sample()) as site:
        site.__class__ = Counter
        assert isinstance(site, Counter)
        served = site.of.catalogue.get("letter")
        assert served is not None
        site.own, site.names = served.declaration.department, iter(range(10_000))
        yield site
        assert site.failures() == []


def taken(desk: Browser, visit: str, total: str, handed: str = "10000", kind: str = "cash") -> Any:
    return desk.post(f"/counter/{visit}/pay", {"expected": total, "taken": handed, "kind": kind})


def test_all_fees_of_a_visit_are_taken_in_one_act_and_the_receipt_says_the_change(counter: Counter) -> None:
    desk, (visit, numbers) = counter.desk("clerk:own"), counter.visit(3)
    shown = desk.get(f"/counter/{visit}/pay").text
    (total,) = SUM.findall(shown)
    assert [counter.state(each) for each in numbers] == ["payment_pending"] * 3
    receipt = place(taken(desk, visit, total, "5,000"))
    assert [counter.state(each) for each in numbers] == ["submitted"] * 3
    slip = desk.get(receipt).text
    assert f"{int(total):,}円" in slip and f"{5000 - int(total):,}円" in slip
    again = taken(desk, visit, total)
    assert again.status_code == 409 and "いま受け取るものはありません" in again.text
    assert receipt in again.text


@pytest.mark.parametrize(
    ("handed", "kind"), [("1", "cash"), ("", "cash"), ("-5000", "cash"), ("x", "cash"), ("1", "no")]
)
def test_what_is_no_sum_or_too_little_is_asked_again_and_nothing_is_written_down(
    counter: Counter, handed: str, kind: str
) -> None:
    desk, (visit, numbers) = counter.desk("treasurer:own"), counter.visit(1)
    (total,) = SUM.findall(desk.get(f"/counter/{visit}/pay").text)
    answer = taken(desk, visit, total, handed, kind)
    assert answer.status_code == 422 and 'id="errors"' in answer.text
    assert counter.state(numbers[0]) == "payment_pending"


def test_full_width_digits_are_read_as_they_are_typed(counter: Counter) -> None:
    desk, (visit, _) = counter.desk("clerk:own"), counter.visit(1)
    (total,) = SUM.findall(desk.get(f"/counter/{visit}/pay").text)
    assert place(taken(desk, visit, total, "５，０００円")).startswith("/counter/receipts/")


@pytest.mark.parametrize("role", ["clerk:other", "reviewer:own", "approver:own", "auditor", "administrator"])
def test_who_takes_no_money_of_a_department_sees_neither_its_till_nor_its_receipts(counter: Counter, role: str) -> None:
    desk, (visit, _) = counter.desk("clerk:own"), counter.visit(1)
    (total,) = SUM.findall(desk.get(f"/counter/{visit}/pay").text)
    receipt = place(taken(desk, visit, total))
    other = counter.browser()
    other.post("/staff/signin", counter.officer(role).controls())
    for path in (f"/counter/{visit}/pay", receipt):
        assert other.get(path).status_code == 404
    assert taken(other, visit, total).status_code == 404
    assert other.post(f"{receipt}/void", {"reason": "まちがい"}).status_code == 404


def test_a_telephone_pays_the_whole_sum_and_the_till_takes_nothing_more(counter: Counter) -> None:
    desk, phone, (visit, numbers) = counter.desk("clerk:own"), counter.browser(), counter.visit(2)
    shown = desk.get(f"/counter/{visit}/pay").text
    link = counter.link(visit)
    assert link in shown
    (total,) = SUM.findall(shown)
    page = phone.get(link)
    assert page.headers["cache-control"] == "no-store" and f"{int(total):,}円" in page.text
    assert not [number for number in numbers if number in page.text]
    counter.pays(phone, link)
    assert "支払いが済みました" in phone.get(link).text
    assert [counter.state(each) for each in numbers] == ["submitted"] * 2
    told = taken(desk, visit, total)
    assert told.status_code == 409 and "すべて納められています" in told.text
    assert phone.get(f"/applications/{numbers[0]}").status_code == 404, "to pay is not to see"


def test_cash_closes_what_is_open_on_the_telephone(counter: Counter) -> None:
    desk, phone, (visit, numbers) = counter.desk("clerk:own"), counter.browser(), counter.visit(2)
    link = counter.link(visit)
    reference = place(phone.get(f"{link}/go")).rpartition("/")[2]
    (total,) = SUM.findall(desk.get(f"/counter/{visit}/pay").text)
    place(taken(desk, visit, total))
    assert isinstance(counter.of.gateway, SandboxGateway)
    gateway = counter.of.gateway
    assert counter.run(lambda: gateway.press(reference, Press.PAY)) is None
    assert "支払いが済みました" in phone.get(link).text
    assert [counter.state(each) for each in numbers] == ["submitted"] * 2


def test_an_address_nobody_made_or_that_is_over_leads_nowhere(counter: Counter) -> None:
    visit, _ = counter.visit(1)
    phone, link = counter.browser(), counter.link(visit)
    assert phone.get(link).status_code == 200
    others = [link[:-1] + letter for letter in ascii_letters + digits + "-_" if letter != link[-1]]
    for wrong in (*others, link[:-4], "/pay/" + "A" * 50, "/pay/あ", "/pay/%00"):
        assert phone.get(wrong).status_code == 404 and phone.get(f"{wrong}/go").status_code == 404
    counter.clock.advance(hours=26)
    assert phone.get(link).status_code == 404


def test_a_mistaken_record_is_taken_back_by_two_people_and_the_fees_are_owed_again(counter: Counter) -> None:
    desk, (visit, numbers) = counter.desk("clerk:own"), counter.visit(2)
    (total,) = SUM.findall(desk.get(f"/counter/{visit}/pay").text)
    receipt = place(taken(desk, visit, total))
    assert desk.post(f"{receipt}/void", {"reason": " "}).status_code == 422
    assert place(desk.post(f"{receipt}/void", {"reason": "ほかの人の分でした"})) == "/office/proposals"
    assert desk.post(f"{receipt}/void", {"reason": "もう一度"}).status_code == 409
    boss = counter.desk("treasurer:own")
    shown = boss.get("/office/proposals").text
    proposal = re.findall(r"/office/proposals/([0-9a-f]{32})/decide", shown)[0]
    assert [counter.state(each) for each in numbers] == ["submitted"] * 2
    place(boss.post(f"/office/proposals/{proposal}/decide", {"do": "allow"}))
    assert [counter.state(each) for each in numbers] == ["payment_pending"] * 2
    assert "取り消されました" in desk.get(receipt).text
    again = place(taken(desk, visit, total, kind="terminal"))
    assert again != receipt and [counter.state(each) for each in numbers] == ["submitted"] * 2


def test_a_day_adds_up_in_the_page_and_in_the_file_for_the_accounts_and_the_cash_is_counted(counter: Counter) -> None:
    counter.clock.advance(days=3)
    desk, boss, phone = counter.desk("clerk:own"), counter.desk("treasurer:own"), counter.browser()
    sums = []
    for kind in ("cash", "terminal"):
        visit, _ = counter.visit(2)
        (total,) = SUM.findall(desk.get(f"/counter/{visit}/pay").text)
        place(taken(desk, visit, total, kind=kind))
        sums.append(int(total))
    visit, _ = counter.visit(1)
    counter.pays(phone, counter.link(visit))
    rows = list(csv.reader(io.StringIO(boss.get("/office/till/export.csv").text.lstrip("\ufeff"))))
    assert rows[0][-1] == "金額" and {row[4] for row in rows[1:]} == {"現金", "市の決済端末", "オンライン(試験)"}
    whole = sum(int(row[-1]) for row in rows[1:])
    assert whole == sum(sums) + sums[0] // 2
    page = boss.get("/office/till").text
    assert f"{whole:,}円" in page and "オンライン(試験)" in page
    assert boss.post("/office/till/count", {"counted": "x"}).status_code == 422
    assert place(boss.post("/office/till/count", {"counted": str(sums[0] - 100)})) == "/office/till"
    assert "-100円" in boss.get("/office/till").text.replace("−", "-")
    assert desk.get("/office/till").status_code == 403
    assert boss.get("/office/till?day=no").status_code == 404
    assert boss.get("/office/till?department=月の課").status_code == 404
