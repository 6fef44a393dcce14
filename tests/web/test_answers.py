"""Papers that the office asks for after a filing: from the resident's page or a window into the case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update

from server.applications import uploads
from server.applications.quarantine import Quarantine, scan_waiting
from server.applications.scanner import SandboxScanner
from server.japan import today
from server.store import tables as t
from tests.files import papers, pictures
from tests.files.papers import PDF
from tests.paper.printing import words
from tests.security.declarations import sample
from tests.security.site import FILE, Browser, Files, place, sandbox_site
from tests.web.test_office import Hall, at_work

QUESTION = "通帳の写しを送ってください。"
OVER = "答えの期限切れ"
VIRUS = papers.carries(SandboxScanner.EICAR)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    with sandbox_site(tmp_path_factory.mktemp("answers"), migrated_file, sample()) as site:
        yield from at_work(site)


def with_it(*files: tuple[str, bytes]) -> Files:
    return [("attachment.files", (name, content, "application/octet-stream")) for name, content in files]


class Asked:
    """A case whose resident was asked for a paper, and who asked."""

    def __init__(self, hall: Hall) -> None:
        self.hall, self.resident, self.desk = hall, hall.browser(), hall.desk("clerk:own")
        self.number = self.resident.submit(self.resident.begin("letter", files=FILE))
        self.case, self.page = f"/office/applications/{self.number}", f"/applications/{self.number}"
        self.ask()

    def ask(self) -> None:
        asked = {"text": QUESTION, "until": (today(self.hall.clock()) + timedelta(days=1)).isoformat()}
        assert place(self.desk.post(f"{self.case}/acts/ask", asked)) == self.case

    def answer(self, text: str = "", *files: tuple[str, bytes], do: str = "", by: Browser | None = None) -> Any:
        """The resident's form, sent with a button."""
        return (by or self.resident).post(f"{self.page}/answer", {"answer": text, "_do": do}, with_it(*files))

    def enter(self, text: str = "", *files: tuple[str, bytes], do: str = "", by: Browser | None = None) -> Any:
        """The clerk's form."""
        controls = {"text": text, "_do": do}
        return (by or self.desk).post(f"{self.case}/acts/answer", controls, with_it(*files))

    @property
    def id(self) -> str:
        query = select(t.application.c.id).where(t.application.c.receipt_number == self.number)
        return str(self.hall.do(lambda db: db.scalar(query)))

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Owner's kind and key of the case's files, but those it was filed with."""
        mine = t.upload.c.owner_id.startswith(self.id) & (t.upload.c.key != "paper")
        mine &= t.upload.c.owner_kind != uploads.QUARANTINE
        query = select(t.upload.c.owner_kind, t.upload.c.key).where(mine).order_by(t.upload.c.created_at)
        return [(row.owner_kind, row.key.partition(":")[0]) for row in self.hall.do(lambda db: db.all(query))]

    def scanned(self, state: str) -> str:
        """Let the scanner say this of all the case's files: the id of one."""
        mine = t.upload.c.owner_id.startswith(self.id) & (t.upload.c.key != "paper")
        self.hall.do(lambda db: db.execute(update(t.upload).where(mine).values(scan=state)))
        return str(self.hall.do(lambda db: db.scalar(select(t.upload.c.id).where(mine))))


@pytest.fixture
def asked(hall: Hall) -> Asked:
    return Asked(hall)


def rows_of(answer: httpx2.Response) -> dict[str, str]:
    """The lines of the office's list by receipt number, in their order."""
    lines = answer.text.split("<tr>")
    found = {number[1]: line for line in lines if (number := re.search("/office/applications/([0-9]{15})", line))}
    assert len(found) > 1
    return found


def links(answer: httpx2.Response, base: str) -> list[str]:
    return list(dict.fromkeys(re.findall(rf'href="({base}/files/[0-9a-f]+)"', answer.text)))


# --- from the resident ------------------------------------------------------------------------------------------------


def test_a_photo_that_was_asked_for_reaches_the_office_with_the_answer_and_stays_the_residents_to_read(
    asked: Asked, hall: Hall
) -> None:
    sent = asked.answer("これです。", ("通帳.pdf", PDF), ("裏.HEIC", pictures.HEIC))
    assert place(sent) == asked.page and asked.rows == [("application", "answer")] * 2
    shown = asked.desk.get(asked.case)
    part = shown.text.partition('id="said"')[2].partition("</ol>")[0]
    assert "これです。" in part and "通帳.pdf" in part and "裏.jpg" in part
    assert shown.text.count("追加書類: ") == 4, "with the answer, and with all papers"
    href = links(shown, asked.case)[-1]
    given = asked.desk.get(href)
    assert given.status_code == 200 and given.headers["content-disposition"].startswith("attachment")
    assert [line[1] for line in hall.noted(asked.number, "application.file")] == ["application.file"]
    status = asked.resident.get(asked.page)
    assert "通帳.pdf" in status.text and "1KB" in status.text and "証明.pdf" not in status.text
    (own, _) = links(status, asked.page)
    got = asked.resident.get(own)
    assert (got.status_code, got.headers["content-security-policy"]) == (200, "sandbox; default-src 'none'")
    assert hall.browser().get(own).status_code == 404
    assert hall.browser().sign_in("yukiko-78").get(own).status_code == 404


def test_a_file_alone_is_an_answer_and_nothing_at_all_is_none(asked: Asked, hall: Hall) -> None:
    nothing = asked.answer(" \n ")
    assert nothing.status_code == 422 and "入力するか、書類を添付してください" in nothing.text
    assert asked.answer("x" * 2001, ("a.pdf", PDF)).status_code == 422 and hall.state(asked.number) != "submitted"
    assert place(asked.answer("", ("b.pdf", PDF))) == asked.page and hall.state(asked.number) == "submitted"
    assert asked.rows == [("application", "answer")] * 2, "and the one that came with what was too long"
    assert place(asked.answer("もう一度", ("c.pdf", PDF))) == asked.page and len(asked.rows) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (VIRUS, "ウイルス"),
        (b"PK\x03\x04", "使えない種類"),
        (b"", "中身がありません"),
        (pictures.PNG[:-30], "読み取れません"),
    ],
)
def test_a_file_that_is_refused_takes_neither_the_words_nor_the_other_files_with_it(
    content: bytes, words: str, asked: Asked
) -> None:
    back = asked.answer("口座はこれです。", ("よい.pdf", PDF), ("わるい.pdf", content))
    assert back.status_code == 422 and words in back.text
    assert "口座はこれです。</textarea>" in back.text and "よい.pdf" in back.text and "わるい.pdf" not in back.text
    control = re.search(r'<input[^>]*type="file"[^>]*>', back.text)
    assert control and 'aria-invalid="true"' in control[0] and "f-attachment-files-error" in control[0]
    assert 'href="#f-attachment-files"' in back.text
    assert asked.rows == [("answer", "files")]
    assert place(asked.answer("口座はこれです。")) == asked.page
    assert asked.rows == [("application", "answer")]
    assert "よい.pdf" in asked.desk.get(asked.case).text


def test_files_are_chosen_one_by_one_and_taken_away_again_before_anything_is_sent(asked: Asked, hall: Hall) -> None:
    asked.answer("書きかけ", ("一.pdf", PDF), do="upload:files")
    back = asked.answer("書きかけ", ("二.pdf", PDF), do="upload:files")
    assert back.status_code == 200 and "書きかけ</textarea>" in back.text
    assert "一.pdf" not in asked.desk.get(asked.case).text, "it is not sent yet"
    again = asked.resident.get(asked.page)
    (first,) = re.findall(rf'href="({asked.page}/files/[0-9a-f]+)">一.pdf', again.text)
    assert asked.resident.get(first).status_code == 200 and hall.browser().get(first).status_code == 404
    assert asked.desk.get(first.replace("/applications/", "/office/applications/")).status_code == 404
    gone = asked.answer("書きかけ", do=f"detach:{first.rpartition('/')[2]}")
    assert "一.pdf" not in gone.text and "二.pdf" in gone.text and "書きかけ</textarea>" in gone.text
    other = Asked(hall)
    other.answer("x", do=f"detach:{links(gone, asked.page)[0].rpartition('/')[2]}")
    assert place(asked.answer("書けた")) == asked.page and asked.rows == [("application", "answer")]


def test_no_more_files_come_with_an_answer_than_with_a_filing(asked: Asked) -> None:
    back = asked.answer("", *((f"{i}.pdf", PDF) for i in range(21)))
    assert back.status_code == 422 and "多すぎます" in back.text and len(asked.rows) == 20
    more = asked.answer("", ("x.pdf", PDF))
    assert more.status_code == 422 and "多すぎます" in more.text and len(asked.rows) == 20
    assert place(asked.answer("")) == asked.page and asked.rows == [("application", "answer")] * 20


def test_nobody_hands_in_files_where_nothing_is_asked(hall: Hall) -> None:
    resident = hall.browser()
    number = resident.submit(resident.begin("letter"))
    sent = resident.post(f"/applications/{number}/answer", {"answer": "x"}, with_it(("a.pdf", PDF)))
    assert place(sent) == f"/applications/{number}"
    stranger = hall.browser().post(f"/applications/{number}/answer", {"answer": "きえない"}, with_it(("a.pdf", PDF)))
    assert stranger.status_code == 404 and "きえない" in stranger.text
    query = select(t.application.c.id).where(t.application.c.receipt_number == number)
    owner = uploads.pending(hall.do(lambda db: db.scalar(query)))
    assert hall.do(lambda db: uploads.of(db, hall.of.keys, *owner)) == ()


def test_a_virus_that_is_found_while_an_answer_is_written_is_told_and_not_sent(asked: Asked, hall: Hall) -> None:
    asked.answer("書いた", ("x.pdf", PDF), ("y.pdf", PDF), do="upload:files")
    asked.scanned("infected")
    back = asked.answer("書いた")
    assert back.status_code == 422 and "書いた</textarea>" in back.text and back.text.count("削除してください") == 2
    assert hall.state(asked.number) == "correction_requested" and asked.rows == [("answer", "files")] * 2
    for found in re.findall(r'value="(detach:[0-9a-f]+)"', back.text):
        asked.answer("書いた", do=found)
    assert asked.rows == [], "shut away"
    assert place(asked.answer("書いた")) == asked.page


def test_a_file_that_waits_for_the_scanner_is_given_to_nobody_and_its_end_is_told(asked: Asked, hall: Hall) -> None:
    asked.answer("書いた", ("x.pdf", PDF), do="upload:files")
    upload = asked.scanned("waiting")
    assert place(asked.answer("書いた")) == asked.page
    shown = asked.desk.get(asked.case)
    assert "x.pdf" in shown.text and "検査を待っています" in shown.text
    status = asked.resident.get(asked.page)
    assert "ウイルスの検査を待っています" in status.text and links(status, asked.page) == []
    assert asked.resident.get(f"{asked.page}/files/{upload}").status_code == 409
    assert asked.desk.get(f"{asked.case}/files/{upload}").status_code == 409
    of = hall.of
    looking = Quarantine(of.database, of.keys, of.blobs, SandboxScanner(), of.teller)
    assert hall.run(lambda: scan_waiting(looking, now=hall.clock()))
    assert len(links(asked.resident.get(asked.page), asked.page)) == 1


def test_a_residents_page_gives_no_file_but_those_of_answers(asked: Asked, hall: Hall) -> None:
    filed = hall.do(lambda db: db.scalar(select(t.upload.c.id).where(t.upload.c.key == "paper").limit(1)))
    assert asked.resident.get(f"{asked.page}/files/{filed}").status_code == 404
    for name in ("x", "%00", "0" * 32, "..%2Fanswer"):
        assert asked.resident.get(f"{asked.page}/files/{name}").status_code == 404


def test_what_was_typed_comes_back_where_there_is_no_room_for_files(asked: Asked, hall: Hall) -> None:
    blobs = hall.of.settings.data_dir / "blobs"
    blobs.rename(blobs.with_name("away"))
    blobs.touch()
    try:
        back = asked.answer("きえない", ("x.pdf", PDF))
    finally:
        blobs.unlink()
        blobs.with_name("away").rename(blobs)
    assert back.status_code == 503 and "きえない</textarea>" in back.text and "retry-after" in back.headers
    assert place(asked.answer("きえない", ("x.pdf", PDF))) == asked.page


def test_an_answer_that_never_came_leaves_no_files_and_one_that_came_keeps_them(asked: Asked, hall: Hall) -> None:
    asked.answer("", ("x.pdf", PDF), do="upload:files")
    sent = Asked(hall)
    sent.answer("", ("y.pdf", PDF))
    for days, kept in ((6, 1), (2, 0)):
        hall.clock.advance(days=days)
        hall.do(lambda db: uploads.sweep(db, now=hall.clock()))
        assert len(asked.rows) == kept
    assert sent.rows == [("application", "answer")]


# --- at a window ------------------------------------------------------------------------------------------------------


def test_a_paper_that_is_brought_to_a_window_goes_with_what_the_clerk_enters(asked: Asked, hall: Hall) -> None:
    asked.answer("", ("住民の.pdf", PDF), do="upload:files")
    back = asked.enter("窓口に持参", ("窓口の.pdf", PDF), ("だめ.pdf", VIRUS))
    assert back.status_code == 422 and "窓口に持参</textarea>" in back.text and "ウイルス" in back.text
    assert "窓口の.pdf" in back.text and "住民の.pdf" not in back.text
    assert "窓口の.pdf" not in asked.resident.get(asked.page).text
    colleague = hall.desk("clerk:own")
    assert "窓口の.pdf" not in colleague.get(asked.case).text, "each has their own"
    (kept,) = set(links(back, asked.case)) - set(links(colleague.get(asked.case), asked.case))
    assert asked.desk.get(kept).status_code == 200 and colleague.get(kept).status_code == 404
    assert asked.enter("窓口に持参", do="upload:files").status_code == 200
    assert place(asked.enter("窓口に持参")) == asked.case
    assert sorted(asked.rows) == [("answer", "files"), ("application", "answer")]
    status = asked.resident.get(asked.page)
    assert "窓口の.pdf" in status.text and "住民の.pdf" not in status.text
    late = asked.enter("おくれて", ("z.pdf", PDF), by=colleague)
    assert late.status_code == 409 and sorted(asked.rows) == [("answer", "files"), ("application", "answer")]


def test_a_clerk_enters_a_paper_without_a_word_but_not_nothing(asked: Asked, hall: Hall) -> None:
    nothing = asked.enter("")
    assert nothing.status_code == 422 and "入力するか、書類を添付してください" in nothing.text
    kept = asked.enter("", ("a.pdf", PDF), do="upload:files")
    (name,) = re.findall(r'value="(detach:[0-9a-f]+)"', kept.text)
    assert "a.pdf" not in asked.enter("", do=name).text
    assert place(asked.enter("", ("b.pdf", PDF))) == asked.case and hall.state(asked.number) == "submitted"


@pytest.mark.parametrize("role", ["clerk:other", "approver:own", "treasurer:own", "auditor"])
def test_nobody_without_the_role_hands_in_files(role: str, asked: Asked, hall: Hall) -> None:
    assert asked.enter("x", ("a.pdf", PDF), by=hall.desk(role)).status_code == 404
    assert asked.rows == [] and hall.state(asked.number) == "correction_requested"


def test_what_was_added_is_printed_with_its_day_for_the_office_and_on_the_residents_copy(asked: Asked) -> None:
    asked.answer("", ("通帳.pdf", PDF), ("裏.pdf", PDF))
    for browser, page in ((asked.desk, asked.case), (asked.resident, asked.page)):
        printed = words(browser.get(f"{page}/sheet.pdf").content)
        assert re.search(r"追加書類（令和8年1[12]月[0-9]+日）", printed), printed
        assert "通帳.pdf" in printed and "裏.pdf" in printed and "証明.pdf" in printed


# --- when the day is over ------------------------------------------------------------------------------------------


def test_the_list_begins_with_what_should_have_been_answered_and_the_office_goes_on_without(hall: Hall) -> None:
    older, asked = hall.filed(), Asked(hall)
    before = rows_of(asked.desk.get("/office"))
    assert list(before).index(older) < list(before).index(asked.number) and OVER not in before[asked.number]
    waits = asked.desk.get(asked.case).text
    assert "答えを待っています" in waits and "/acts/review" not in waits
    assert asked.desk.post(f"{asked.case}/acts/review").status_code == 409
    hall.clock.advance(days=2)
    desk = hall.desk("clerk:own")
    after = rows_of(desk.get("/office"))
    assert list(after).index(asked.number) < list(after).index(older) and OVER in after[asked.number]
    assert OVER in desk.get(asked.case).text
    code = hall.of.keys.access_code(asked.id)
    assert place(asked.resident.post("/applications", {"number": asked.number, "access_code": code})) == asked.page
    assert "を過ぎました。いまからでも答えられます" in asked.resident.get(asked.page).text
    assert place(desk.post(f"{asked.case}/acts/review")) == asked.case and hall.state(asked.number) == "reviewing"
    went_on = desk.get(asked.case).text
    assert OVER not in went_on and "答えを待っています" not in went_on
    assert "/answer" not in asked.resident.get(asked.page).text
