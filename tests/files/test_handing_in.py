"""Handing a file in on a page: what is told of it, who is given it, and what the scanner's days mean for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, update

from server import jobs
from server.applications import uploads
from server.applications.intake import BY_PLACE, BY_SENDER
from server.applications.scanner import SandboxScanner
from server.people.limits import Limit, seconds_to_wait
from server.settings import Settings
from server.store import rotation
from server.store import tables as t
from server.store.database import Reading, Writing
from tests.conftest import Clock, sandbox
from tests.files import clamd, papers, pictures
from tests.files.clamd import Clamd
from tests.security.declarations import PAPER, declared
from tests.security.site import LETTER, Browser, Files, Site, opened, place

NOWHERE = {"KAKANAI_SCANNER": "clamav", "KAKANAI_CLAMAV_ADDRESS": "unix:/nothing/here"}
VIRUS = papers.carries(SandboxScanner.EICAR)
KNOWN = papers.carries(clamd.PATTERN)
NEEDED = declared("needed", id="P906", attachments=[{**PAPER, "optional": False}])
OpenSite = Callable[..., Site]


@pytest.fixture
def open_site(settings: Settings) -> Iterator[OpenSite]:
    """Opens a site with these settings besides; another one over the same store is another worker of it."""
    clock = Clock()
    with ExitStack() as stack:

        def made(**more: str) -> Site:
            its = sandbox(settings.data_dir, settings.database_url, **more)
            return stack.enter_context(opened(its, [declared("letter"), NEEDED], clock=clock))

        yield made


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    """With the sandbox's scanner."""
    return open_site()


def attached(*contents: bytes, name: str = "証明.pdf") -> Files:
    return [("attachment.paper", (name, each, "application/octet-stream")) for each in contents]


def read(site: Site, work: Callable[[Reading], Any]) -> Any:
    return site.run(lambda: site.of.database.read(work))


def write(site: Site, work: Callable[[Writing], Any]) -> Any:
    return site.run(lambda: site.of.database.transact(work))


def rows(site: Site) -> list[tuple[str, str]]:
    """Owner's kind and the scanner's word of every file."""
    query = select(t.upload.c.owner_kind, t.upload.c.scan).order_by(t.upload.c.created_at, t.upload.c.owner_kind)
    return [tuple(row) for row in read(site, lambda db: db.all(query))]


def blobs(site: Site) -> list[Path]:
    return [path for path in (site.of.settings.data_dir / "blobs").rglob("*") if path.is_file()]


def audited(site: Site, action: str) -> int:
    query = select(func.count()).where(t.audit.c.action == action)
    return int(read(site, lambda db: db.scalar(query)))


def job(site: Site, name: str) -> None:
    """Run a job, in a period of its own."""
    site.clock.advance(hours=1)
    (found,) = [each for each in jobs.JOBS if each.name == name]
    assert site.run(lambda: jobs.run_due(site.of, [found])) == [name]


def begin(browser: Browser, files: Files, slug: str = "letter") -> str:
    """A draft with files on its first step: the address of the step."""
    return place(browser.post(f"/procedures/{slug}/apply", LETTER, files)).replace("/2", "/1")


def post(browser: Browser, step: str, files: Files, do: str = "next", **typed: str) -> httpx2.Response:
    return browser.post(step, LETTER | {"_rev": browser.revision(step), "_do": do} | typed, files)


def links(html: str) -> list[str]:
    return re.findall(r'href="(/drafts/[0-9a-f]+/files/[0-9a-f]+)"', html)


# --- what is told -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (papers.paper(papers.runs_on_opening), "プログラムが入っています"),
        (papers.paper(papers.launches_a_program), "ほかを動かす指示"),
        (papers.paper(papers.carries_a_file), "別のファイルや動画"),
        (papers.paper(papers.is_a_form_of_another_kind), "特別な入力用のPDF"),
        (pictures.PNG[:-30], "読み取れません"),
        (pictures.flood(), "5000万画素"),
        (pictures.moving(), "動く画像"),
        (VIRUS, "ウイルスが見つかりました"),
        (b"PK\x03\x04", "使えない種類"),
    ],
    ids=["script", "action", "embedded", "form", "broken", "pixels", "animated", "virus", "type"],
)
def test_a_file_that_cannot_stand_is_told_of_at_its_question_and_nothing_typed_is_lost(
    site: Site, content: bytes, words: str
) -> None:
    browser = site.browser()
    first = browser.post("/procedures/letter/apply", LETTER | {"note": "津軽の件"}, attached(content))
    assert first.status_code == 422
    step = begin(browser, ())
    for answer in (first, post(browser, step, attached(content), "upload:paper", note="津軽の件")):
        assert (answer.status_code, "津軽の件" in answer.text) == (422, True)
        error = answer.text.partition('id="f-attachment-paper-error"')[2].partition("</p>")[0]
        assert words in error and "ください" in error
    assert site.failures() == []


def test_good_files_stay_when_one_beside_them_is_refused(site: Site) -> None:
    browser = site.browser()
    step = begin(browser, ())
    answer = post(browser, step, attached(papers.PDF, b"GIF89a", pictures.PNG), "upload:paper")
    assert (answer.status_code, len(links(answer.text))) == (422, 2)
    assert len(blobs(site)) == 2
    again = post(browser, step, attached(b"GIF89a", papers.PDF), note="")
    assert (again.status_code, len(links(again.text))) == (422, 3)


def test_a_phones_photo_comes_back_as_a_jpeg(site: Site) -> None:
    browser = site.browser()
    step = begin(browser, attached(pictures.iphone(), name="IMG_0001.HEIC"))
    page = browser.get(step).text
    assert "IMG_0001.jpg" in page and "PDF・JPEG・PNG・HEIC" in page
    answer = browser.get(links(page)[0])
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8\xff") and pictures.CANARY not in answer.content


def test_what_is_too_much_for_a_draft_is_told_and_leaves_nothing_on_the_disk(site: Site) -> None:
    browser = site.browser()
    step = begin(browser, ())

    def nearly_full(db: Writing) -> None:
        db.execute(update(t.upload).values(size=uploads.MAX_TOTAL))

    post(browser, step, attached(papers.PDF), "upload:paper")
    write(site, nearly_full)
    for do, note in (("upload:paper", "x"), ("next", "")):
        answer = post(browser, step, attached(pictures.PNG), do, note=note)
        assert (answer.status_code, "合計の大きさが多すぎます" in answer.text) == (422, True)
    assert (len(rows(site)), len(blobs(site))) == (1, 1)


@pytest.mark.parametrize("limit", [BY_SENDER, BY_PLACE], ids=["session", "place"])
def test_whoever_hands_in_too_many_is_told_when_to_go_on_and_loses_nothing(site: Site, limit: Limit) -> None:
    site.clock.now = site.clock.now.replace(minute=50)
    browser = site.browser()
    step = begin(browser, ())
    who = browser.client.place if limit is BY_PLACE else read(site, lambda db: db.scalar(select(t.session.c.id)))

    def before(db: Writing) -> None:
        for _ in range(limit.most):
            assert seconds_to_wait(db, site.of.keys, limit, who, now=site.clock()) == 0

    write(site, before)
    answer = post(browser, step, attached(papers.PDF), note="津軽の件")
    assert (answer.status_code, "津軽の件" in answer.text) == (422, True)
    assert "少し待ってから" in answer.text and "あと10分" in answer.text
    assert post(browser, step, (), note="津軽の件").status_code == 303, "answers without files go on"
    site.clock.advance(minutes=10)
    assert post(browser, step, attached(papers.PDF), "upload:paper").status_code == 303


# --- what the scanner finds ---------------------------------------------------------------------------------------


def test_what_was_found_at_once_is_shut_away_for_a_month_and_given_to_nobody(site: Site) -> None:
    browser = site.browser()
    step = begin(browser, ())
    assert post(browser, step, attached(VIRUS)).status_code == 422
    assert rows(site) == [("quarantine", "infected")]
    assert audited(site, "upload.infected") == 1
    upload_id = read(site, lambda db: db.scalar(select(t.upload.c.id)))
    assert browser.get(f"{step[:-2]}/files/{upload_id}").status_code == 404
    assert SandboxScanner.EICAR not in blobs(site)[0].read_bytes(), "it lies sealed"
    report = site.run(lambda: rotation.verify(site.of.database, site.of.keys, site.of.blobs, lambda line: None))
    assert (report.broken, report.opened["blobs"]) == ([], 1)
    job(site, "sweeps")
    assert len(rows(site)) == 1
    site.clock.advance(days=30)
    job(site, "sweeps")
    assert rows(site) == []
    site.run(lambda: site.of.blobs.sweep(site.of.database, site.clock() + timedelta(days=9999)))
    assert blobs(site) == []


def test_a_file_waits_for_a_scanner_that_is_away_and_nothing_else_does(open_site: OpenSite) -> None:
    site = open_site(**NOWHERE)
    browser = site.browser()
    draft = browser.begin("needed", files=attached(papers.PDF))
    page = browser.get(f"/drafts/{draft}/1").text
    assert "ウイルスの検査を待っています" in page and links(page) == []
    upload_id = read(site, lambda db: db.scalar(select(t.upload.c.id)))
    held = browser.get(f"/drafts/{draft}/files/{upload_id}")
    assert (held.status_code, "検査を待っています" in held.text, b"%PDF" in held.content) == (409, True, False)
    with pytest.raises(jobs.ScannerAway):
        job(site, "scans")
    site.clock.advance(minutes=-58)
    job(site, "scans")  # the operator was told once an hour
    assert rows(site) == [("draft", "waiting")], "nobody could say: it is not taken for clean"
    number = browser.submit(draft)
    assert rows(site) == [("application", "waiting")]
    assert browser.get(f"/applications/{number}/receipt").status_code == 200


def test_what_is_found_after_the_filing_is_told_to_both_sides(open_site: OpenSite) -> None:
    site = open_site(**NOWHERE)
    browser = site.browser()
    number = browser.submit(browser.begin("letter", files=attached(VIRUS, papers.PDF)))
    mails = len(re.findall("受け付けました", browser.get("/sandbox/mail").text))
    before = browser.get(f"/applications/{number}").text
    job(open_site(), "scans")
    job(site, "notices")
    assert sorted(rows(site)) == [("application", "clean"), ("application", "infected")]
    assert audited(site, "upload.infected") == 1
    events = read(site, lambda db: db.all(select(t.application_event.c.state, t.application_event.c.actor)))
    assert [tuple(event) for event in events][-1] == ("submitted", "scanner")
    mailbox = browser.get("/sandbox/mail").text
    assert mails >= 0 and "コンピューターウイルスが見つかりました" in mailbox and number in mailbox
    assert browser.get(f"/applications/{number}").text == before, "where it stands is where it stood"
    job(site, "scans")
    job(site, "notices")
    assert browser.get("/sandbox/mail").text == mailbox, "told once"


def test_what_is_found_in_a_draft_must_go_before_it_is_sent(open_site: OpenSite) -> None:
    site = open_site(**NOWHERE)
    browser = site.browser()
    draft = browser.begin("needed", files=attached(VIRUS))
    job(open_site(), "scans")
    check = browser.get(f"/drafts/{draft}/check")
    assert 'action="/drafts/' not in check.text and f"/drafts/{draft}/1" in check.text
    step = f"/drafts/{draft}/1"
    page = browser.get(f"{step}?check=1").text
    assert "ウイルスが見つかりました。別のファイルにしてください" in page and links(page) == []
    assert post(browser, step, ()).status_code == 422
    upload_id = read(site, lambda db: db.scalar(select(t.upload.c.id)))
    held = browser.get(f"/drafts/{draft}/files/{upload_id}")
    assert (held.status_code, "ウイルスが見つかりました" in held.text) == (409, True)
    assert post(browser, step, (), f"detach:{upload_id}").status_code == 303
    assert rows(site) == [("quarantine", "infected")], "whoever looks into it still finds it"
    assert "証明.pdf" not in browser.get(step).text
    post(browser, step, attached(papers.PDF))
    assert browser.submit(draft)


def test_a_file_in_which_something_is_found_while_it_is_sent_does_not_go(open_site: OpenSite) -> None:
    site = open_site(**NOWHERE)
    browser = site.browser()
    draft = browser.begin("letter", files=attached(VIRUS))
    revision = browser.revision(f"/drafts/{draft}/check")
    write(site, lambda db: db.execute(update(t.upload).values(scan="infected")))
    assert browser.post(f"/drafts/{draft}/submit", {"_rev": revision}).status_code != 303
    assert read(site, lambda db: db.scalar(select(func.count()).select_from(t.application))) == 0

    def overtaken(db: Writing) -> bool:
        upload_id = db.scalar(select(t.upload.c.id))
        return uploads.hand_over(db, [upload_id], "0" * 32)

    assert write(site, overtaken) is False


def test_a_file_of_a_program_in_which_something_was_found_is_not_taken(open_site: OpenSite) -> None:
    site = open_site(**NOWHERE)
    browser = site.browser()
    sent = browser.client.post("/uploads", content=VIRUS, headers={"content-type": "application/pdf"})
    job(open_site(), "scans")
    query = """mutation ($input: SubmitApplicationInput!) { submitApplication(input: $input) {
      __typename ... on Rejected { errors { pointer code message } } } }"""
    given = {"slug": "needed", "answers": {}, "attachments": [{"key": "paper", "upload": sent.json()["upload"]}]}
    answer = browser.client.post("/graphql", json={"query": query, "variables": {"input": given}}).json()
    found = {each["pointer"]: each["code"] for each in answer["data"]["submitApplication"]["errors"]}
    assert found["attachment:paper"] == "file-infected"


def test_with_the_scanner_off_files_count_as_clean(open_site: OpenSite) -> None:
    site = open_site(KAKANAI_SCANNER="off")
    begin(site.browser(), attached(VIRUS))
    assert rows(site) == [("draft", "clean")]
    job(site, "scans")


@pytest.mark.xdist_group("clamd")
def test_clamd_may_die_and_come_back(open_site: OpenSite) -> None:
    own = Clamd().start()
    try:
        site = open_site(KAKANAI_SCANNER="clamav", KAKANAI_CLAMAV_ADDRESS=own.address)
        browser = site.browser()
        step = begin(browser, attached(papers.PDF))
        assert post(browser, step, attached(KNOWN)).status_code == 422
        assert sorted(rows(site)) == [("draft", "clean"), ("quarantine", "infected")]
        own.kill()
        assert post(browser, step, attached(KNOWN, papers.PDF), "upload:paper").status_code == 303
        with pytest.raises(jobs.ScannerAway):
            job(site, "scans")
        assert sorted(rows(site)) == [
            *(("draft", "clean"), ("draft", "waiting"), ("draft", "waiting"), ("quarantine", "infected"))
        ]
        own.start()
        job(site, "scans")
        assert sorted(rows(site)) == [
            *(("draft", "clean"), ("draft", "clean"), ("draft", "infected"), ("quarantine", "infected"))
        ]
        assert len(links(browser.get(step).text)) == 2
        assert site.failures() == []
    finally:
        own.remove()


@pytest.mark.xdist_group("clamd")
def test_a_clamd_that_hangs_is_asked_once_and_then_left_alone(open_site: OpenSite) -> None:
    own = Clamd().start()
    try:
        site = open_site(KAKANAI_SCANNER="clamav", KAKANAI_CLAMAV_ADDRESS=own.address)
        site.of.intake._patience = 0.2
        own.freeze()
        browser = site.browser()
        step = begin(browser, attached(papers.PDF))
        site.of.intake._patience = 60.0
        assert post(browser, step, attached(KNOWN), "upload:paper").status_code == 303, "not asked again so soon"
        assert rows(site) == [("draft", "waiting")] * 2
        own.thaw()
        site.clock.advance(minutes=1)
        assert post(browser, step, attached(KNOWN), "upload:paper").status_code == 422
        assert ("quarantine", "infected") in rows(site)
    finally:
        own.remove()


# --- on both databases --------------------------------------------------------------------------------------------


def test_what_was_found_is_written_down_once_on_either_database(store_settings: Settings) -> None:
    off = sandbox(store_settings.data_dir, store_settings.database_url, KAKANAI_SCANNER="off")
    clock = Clock()
    with opened(off, [declared("letter")], clock=clock) as site, opened(store_settings, [], clock=clock) as scanning:
        begin(site.browser(), attached(VIRUS))
        write(site, lambda db: db.execute(update(t.upload).values(scan="waiting")))
        for _ in range(2):
            job(scanning, "scans")
        assert (rows(site), audited(site, "upload.infected")) == ([("draft", "infected")], 1)
        job(site, "sweeps")
