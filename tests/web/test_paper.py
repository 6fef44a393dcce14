"""Printing as people use it: who gets which paper, what is written down of it, and what is said where it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.applications.submission import SEALED
from server.counter import confirmation, visits
from server.counter.visits import Content, Visit
from server.people.staff_sessions import Staff
from server.store import tables as t
from tests.paper.printing import opened, tags, words
from tests.people.officers import Officer, hire
from tests.security.declarations import sample
from tests.security.site import FILE, Browser, Site, place, sandbox_site

OWN, OTHER = "市民課", "税務課"
PATH = "M100 100 L200 300 L300 120"


class Office(Site):
    """The site with its staff."""

    names: Iterator[int]

    def officer(self, *roles: str) -> Officer:
        of = self.of
        login = f"user{next(self.names)}"
        return hire(self.run, of.database, of.keys, self.clock, of.random, login, *roles)  # type: ignore[arg-type]

    def enter(self, officer: Officer) -> Browser:
        browser = self.browser()
        assert browser.post("/staff/signin", officer.controls()).status_code == 303
        return browser

    def desk(self, *roles: str) -> Browser:
        return self.enter(self.officer(*roles))

    def do(self, work: Any) -> Any:
        return self.run(lambda: self.of.database.transact(work))

    def printed(self, target: str) -> list[tuple[str, str]]:
        """(actor, action) of the audit about what was printed."""
        query = (
            select(t.audit.c.actor, t.audit.c.action)
            .where(t.audit.c.target == target, t.audit.c.action.endswith(".print"))
            .order_by(t.audit.c.seq)
        )
        return [(row.actor.partition(":")[0], row.action) for row in self.do(lambda db: db.all(query))]

    def id_of(self, number: str) -> str:
        query = select(t.application.c.id).where(t.application.c.receipt_number == number)
        return str(self.do(lambda db: db.scalar(query)))

    def visit(self, officer: Officer, *slugs: str, state: str = visits.OPEN) -> Visit:
        """A visit with these forms, nothing answered."""
        of, now = self.of, self.clock()
        forms = {slug: served.digest for slug in slugs if (served := of.catalogue.get(slug)) is not None}
        who = Staff(officer.id, officer.login, "", (), "", False, now)

        def work(db: Any) -> Visit:
            given: dict[str, Any] = {
                "window_id": None,
                "department": OWN,
                "language": "ja",
                "now": now,
                "random": of.random,
            }
            made = visits.open_visit(db, of.keys, who, content=Content(forms=forms), **given)
            if state != visits.OPEN:
                assert visits.end(db, of.keys, made, state, who.actor, now=now)
            return made

        return self.do(work)  # type: ignore[no-any-return]

    def file_in(self, visit: Visit, officer: Officer, *numbers: str, method: str = "said") -> None:
        """These applications were filed in the visit, as `enter` seals it."""
        of = self.of
        for i, number in enumerate(numbers):
            application_id = self.id_of(number)
            query = select(t.application).where(t.application.c.id == application_id)
            row = self.do(lambda db, query=query: db.one(query))
            key = of.keys.open_data_key(row.wrapped_key, row.id)
            content = json.loads(key.open(row.sealed_answers, SEALED))
            content["entry"] = {
                "actor": f"staff:{officer.id}",
                "visit": visit.id,
                "confirmed": method,
                "confirmation": "",
                "seen": {"paper": "seen"},
                "protected": False,
            }
            sealed = key.seal(json.dumps(content).encode(), SEALED)
            change = t.application.update().where(t.application.c.id == row.id)
            self.do(lambda db, c=change, s=sealed: db.execute(c.values(sealed_answers=s, channel="counter")))
            line = {"visit_id": visit.id, "name": f"form{i}", "application_id": row.id}
            self.do(lambda db, line=line: db.insert(t.visit_application, line))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Office]:
    with sandbox_site(tmp_path_factory.mktemp("paper"), migrated_file, sample()) as site:
        site.__class__ = Office
        assert isinstance(site, Office)
        site.names = iter(range(10_000))
        yield site
        assert site.failures() == []


def filed(office: Office, note: str = "用件です") -> tuple[Browser, str]:
    resident = office.browser()
    return resident, resident.submit(resident.begin("letter", {"note": note}, files=FILE))


# --- one case -------------------------------------------------------------------------------------------------------


def test_a_clerk_prints_a_case_of_their_department_and_it_is_written_down(office: Office) -> None:
    _, number = filed(office, "#read(用件)")
    clerk = office.desk(f"clerk:{OWN}")
    case = clerk.get(f"/office/applications/{number}").text
    assert f'href="/office/applications/{number}/print"' in case
    page = clerk.get(f"/office/applications/{number}/print")
    assert f'href="/office/applications/{number}/sheet.pdf"' in page.text
    assert "プリンターから出てこないとき" in page.text and "何度でも開けます" in page.text
    assert office.printed(office.id_of(number)) == []
    answer = clerk.get(f"/office/applications/{number}/sheet.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"] == f'inline; filename="sheet-{number}.pdf"'
    assert answer.headers["cache-control"] == "no-store"
    said = words(answer.content)
    assert "用件#read(用件)" in said and "氏名見本和子（ミホンカズコ）" in said and "証明書" in said
    assert "本人確認していない" in said and "控え" not in said
    assert office.printed(office.id_of(number)) == [("staff", "application.print")]


def test_another_departments_case_is_printed_with_a_reason_and_not_without(office: Office) -> None:
    _, number = filed(office)
    clerk = office.desk(f"clerk:{OTHER}")
    for path in ("print", "sheet.pdf"):
        answer = clerk.get(f"/office/applications/{number}/{path}")
        assert (answer.status_code, place(answer)) == (303, f"/office/applications/{number}")
    given = clerk.post(f"/office/applications/{number}/reason", {"reason": "転送の相談を受けたため"})
    assert given.status_code == 303
    assert clerk.get(f"/office/applications/{number}/sheet.pdf").status_code == 200
    assert len(office.printed(office.id_of(number))) == 1


@pytest.mark.parametrize("role", [f"treasurer:{OWN}", "auditor", "administrator"])
@pytest.mark.parametrize("path", ["print", "sheet.pdf"])
def test_whoever_may_not_open_a_case_prints_none(office: Office, role: str, path: str) -> None:
    _, number = filed(office)
    answer = office.desk(role).get(f"/office/applications/{number}/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert office.printed(office.id_of(number)) == []


def test_a_clerk_is_told_of_letters_that_cannot_be_printed(office: Office) -> None:
    _, number = filed(office, "名ᠮ前と津\U000e01ef")
    page = office.desk(f"clerk:{OWN}").get(f"/office/applications/{number}/print").text
    assert "印刷できない文字があります" in page and '「<span translate="no">ᠮ</span>」は「〓」' in page
    assert "異体字" in page


# --- the resident's own ---------------------------------------------------------------------------------------------


def test_a_resident_keeps_their_own_copy(office: Office) -> None:
    resident, number = filed(office)
    url = f"/applications/{number}/sheet.pdf"
    assert f'href="{url}"' in resident.get(f"/applications/{number}").text
    assert f'href="{url}"' in resident.get(f"/applications/{number}/receipt").text
    answer = resident.get(url)
    assert answer.headers["content-disposition"] == f'attachment; filename="hikae-{number}.pdf"'
    assert answer.headers["cache-control"] == "no-store"
    said = words(answer.content)
    assert said.startswith("控え") and "用件用件です" in said
    assert office.printed(office.id_of(number)) == [("session", "application.print")]


def test_nobody_elses_copy_is_there(office: Office) -> None:
    _, number = filed(office)
    assert office.browser().get(f"/applications/{number}/sheet.pdf").status_code == 404
    assert office.printed(office.id_of(number)) == []


def test_what_was_taken_back_says_so_on_paper(office: Office) -> None:
    resident, number = filed(office)
    assert resident.post(f"/applications/{number}/withdraw", {"reason": "other"}).status_code == 303
    assert words(resident.get(f"/applications/{number}/sheet.pdf").content).startswith("取下げ")


# --- a visit --------------------------------------------------------------------------------------------------------


def test_a_visit_is_printed_as_one_bundle(office: Office) -> None:
    officer = office.officer(f"clerk:{OWN}")
    visit = office.visit(officer, "letter", state=visits.FILED)
    numbers = [filed(office, f"用件{i}番")[1] for i in range(3)]
    office.file_in(visit, officer, *numbers)
    clerk = office.enter(officer)
    page = clerk.get(f"/counter/{visit.id}/sheets").text
    assert page.count("見本の届出 letter") == 3 and f'href="/counter/{visit.id}/sheets.pdf"' in page
    answer = clerk.get(f"/counter/{visit.id}/sheets.pdf")
    assert answer.headers["content-disposition"] == 'inline; filename="sheets-20261120.pdf"'
    said = words(answer.content)
    assert "3件" in said and all(f"用件{i}番" in said for i in range(3))
    assert said.count(f"入力した職員見本{officer.login}") == 3 and "口頭で同意した" in said
    assert "窓口で原本を確認" in said
    assert [office.printed(office.id_of(number)) for number in numbers] == [[("staff", "application.print")]] * 3


def test_a_bundle_is_for_clerks_of_its_department_and_for_that_day(office: Office) -> None:
    officer = office.officer(f"clerk:{OWN}")
    visit = office.visit(officer, "letter", state=visits.FILED)
    office.file_in(visit, officer, filed(office)[1])
    for who in (f"clerk:{OTHER}", f"reviewer:{OWN}", "auditor"):
        assert office.desk(who).get(f"/counter/{visit.id}/sheets.pdf").status_code == 404
    assert office.desk(f"clerk:{OWN}").get(f"/counter/{visit.id}/sheets.pdf").status_code == 200
    office.clock.advance(hours=13)
    assert office.desk(f"clerk:{OWN}").get(f"/counter/{visit.id}/sheets.pdf").status_code == 404


def test_a_visit_can_be_read_and_signed_on_paper_before_it_is_filed(office: Office) -> None:
    officer = office.officer(f"clerk:{OWN}")
    visit = office.visit(officer, "letter")
    clerk = office.enter(officer)
    page = clerk.get(f"/counter/{visit.id}/sheets").text
    assert "まだ提出していません" in page
    answer = clerk.get(f"/counter/{visit.id}/sheets.pdf")
    said = words(answer.content)
    assert said.count("提出前") == 2 and "署名（自筆）" in said  # on the list, and on the sheet
    assert office.printed(visit.id) == [("staff", "visit.print")]
    assert office.desk(f"clerk:{OWN}").get(f"/counter/{visit.id}/sheets.pdf").status_code == 409


def test_a_signature_on_the_tablet_is_on_the_paper(office: Office) -> None:
    officer = office.officer(f"clerk:{OWN}")
    visit = office.visit(officer, "letter")
    given: dict[str, Any] = {"path": PATH, "now": office.clock(), "random": office.of.random}
    office.do(lambda db: confirmation.confirm(db, office.of.keys, visit, b"{}", "drawn", "device:x", **given))
    pdf = office.enter(officer).get(f"/counter/{visit.id}/sheets.pdf").content
    assert "署名（画面）" in words(pdf) and "画面に署名した" in words(pdf)
    assert tags(opened(pdf)).count("Figure") == 1


# --- a printer that is away -------------------------------------------------------------------------------------------


def test_a_machine_without_fonts_says_so_and_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, tmp_path: Path
) -> None:
    with sandbox_site(tmp_path_factory.mktemp("bare"), migrated_file, sample()) as site:
        site.__class__ = Office
        assert isinstance(site, Office)
        site.names = iter(range(100))
        site.app.state.services = replace(site.of, press=type(site.of.press)(tmp_path))
        resident, number = filed(site)
        clerk = site.desk(f"clerk:{OWN}")
        for path in ("print", "sheet.pdf"):
            answer = clerk.get(f"/office/applications/{number}/{path}")
            assert answer.status_code == 503 and "FONT_DIR" in answer.text
        assert resident.get(f"/applications/{number}/sheet.pdf").status_code == 503
        assert clerk.get(f"/office/applications/{number}").status_code == 200
        assert site.failures() == []


def test_a_pdf_can_be_opened_again_and_is_the_same_paper(office: Office) -> None:
    resident, number = filed(office)
    first, second = (resident.get(f"/applications/{number}/sheet.pdf").content for _ in range(2))
    assert words(first) == words(second) and first.startswith(b"%PDF")
