"""What residents are told by mail while they are away: once each, in time, and nothing that others should read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Executable, update

from server.jobs import JOBS, run_due
from server.notices.mail import Mail
from server.notices.sandbox_mailbox import SandboxMailbox
from server.settings import Settings
from server.store import tables as t
from tests.security.declarations import FEE, declared
from tests.security.site import LETTER, PERSON, Browser, Site, opened, place

PRICED = declared("priced", id="P902", fee=FEE)
NO_ADDRESS = {name: value for name, value in PERSON.items() if name != "applicant.email"} | {"applicant.email": ""}
JOB = {job.name: job for job in JOBS}


@pytest.fixture
def site(store_settings: Settings) -> Iterator[Site]:
    """On SQLite, and on PostgreSQL."""
    with opened(store_settings, [PRICED, declared("letter", id="P901")]) as site:
        yield site
        assert site.failures() == []


def runs(site: Site, *names: str) -> None:
    site.run(lambda: run_due(site.of, [JOB[name] for name in names]))


def mails(site: Site) -> list[Mail]:
    """Every mail so far, oldest first, after the worker has been by."""
    runs(site, "notices")
    site.clock.advance(seconds=10)
    return SandboxMailbox(site.of.settings.data_dir / "sandbox-mail").mails()[::-1]


def subjects(site: Site) -> list[str]:
    return [mail.subject.partition("(")[0] for mail in mails(site)]


def pay(site: Site, browser: Browser, number: str) -> None:
    debt = browser.get(f"/applications/{number}").text.partition("/payments/")[2].partition('"')[0]
    browser.post(place(browser.get(f"/payments/{debt}/go")), {"action": "pay"})


def change(site: Site, statement: Executable) -> None:
    async def work() -> None:
        await site.of.database.transact(lambda db: db.execute(statement))

    site.run(work)


def due(site: Site, when: datetime) -> None:
    """Make every fee due at `when`."""
    change(site, update(t.debt).values(due_at=when))


def test_a_fee_that_came_in_is_told_once_with_where_to_look_and_whom_to_ask(site: Site) -> None:
    browser = site.browser()
    number = browser.submit(browser.begin("priced"))
    pay(site, browser, number)
    runs(site, "payments")
    *_, receipt, told = mails(site)
    assert told.subject == f"納付を確認しました(受付番号 {number})"
    assert receipt.subject.startswith("受け付けました")
    assert told.to == PERSON["applicant.email"]
    assert "「見本の届出 priced」の手数料の納付を確認しました。" in told.body
    assert f"\n{site.of.settings.base_url}/applications\n" in told.body
    assert told.body.rstrip().endswith("五所川原市 市民課 電話 0173-00-2101")
    site.clock.advance(hours=1)
    runs(site, "payments")
    assert len(mails(site)) == 2


def test_who_is_signed_in_by_mail_is_told_at_that_address(site: Site) -> None:
    browser = site.browser()
    browser.post("/signin/email", {"address": "other@example.jp"})
    code = mails(site)[-1].body.split("\n")[2]
    browser.post("/signin/email", {"code": code})
    pay(site, browser, browser.submit(browser.begin("priced")))
    assert mails(site)[-1].to == "other@example.jp"


def test_who_gave_no_address_is_told_nothing(site: Site) -> None:
    browser = site.browser()
    number = browser.submit(browser.begin("priced", person=NO_ADDRESS))
    due(site, site.clock() + timedelta(days=2))
    runs(site, "reminders")
    pay(site, browser, number)
    assert mails(site) == []


def test_a_fee_that_is_due_soon_is_told_three_days_before_and_once(site: Site) -> None:
    browser = site.browser()
    number = browser.submit(browser.begin("priced"))
    end = site.clock() + timedelta(days=14)
    due(site, end)
    for _ in range(24 * 14 + 2):
        runs(site, "reminders")
        if len(mails(site)) > 1:
            break
        site.clock.advance(minutes=59, seconds=50)
    told = mails(site)[-1]
    assert told.subject == f"手数料の納付をお願いします(受付番号 {number})"
    assert "手数料: 300円\n納付の期限: 2026年12月4日(金) 10時00分\n" in told.body
    assert end - timedelta(days=3) <= told.written_at <= end - timedelta(days=2, hours=22)
    for _ in range(5):
        site.clock.advance(hours=1)
        runs(site, "reminders")
    assert subjects(site) == ["受け付けました", "手数料の納付をお願いします"]


def test_an_end_that_is_put_off_is_told_anew(site: Site) -> None:
    browser = site.browser()
    browser.submit(browser.begin("priced"))
    for days in (2, 30):
        due(site, site.clock() + timedelta(days=days))
        runs(site, "reminders")
        site.clock.advance(hours=1)
    assert subjects(site) == ["受け付けました", "手数料の納付をお願いします"]
    site.clock.advance(days=28)
    runs(site, "reminders")
    assert subjects(site)[2:] == ["手数料の納付をお願いします"]


@pytest.mark.parametrize("way", ["paid", "over", "free", "withdrawn"])
def test_nobody_is_reminded_of_a_fee_they_do_not_owe(site: Site, way: str) -> None:
    browser = site.browser()
    number = browser.submit(browser.begin("letter" if way == "free" else "priced"))
    due(site, site.clock() + timedelta(days=-1 if way == "over" else 2))
    if way == "paid":
        pay(site, browser, number)
    if way == "withdrawn":
        change(site, update(t.application).values(state="withdrawn"))
    runs(site, "reminders")
    assert "手数料の納付をお願いします" not in subjects(site)


def test_a_reminder_that_waited_too_long_is_not_sent(site: Site) -> None:
    browser = site.browser()
    browser.submit(browser.begin("priced"))
    mails(site)
    due(site, site.clock() + timedelta(days=1))
    runs(site, "reminders")
    site.clock.advance(days=1)
    assert subjects(site) == ["受け付けました"]


def test_a_fee_that_did_not_come_in_time_is_told_once(site: Site) -> None:
    browser = site.browser()
    number = browser.submit(browser.begin("priced"))
    due(site, site.clock() + timedelta(days=1))
    site.clock.advance(days=1, minutes=1)
    for _ in range(3):
        runs(site, "payments")
        site.clock.advance(minutes=15)
    told = mails(site)[-1]
    assert told.subject == f"納付の期限が過ぎました(受付番号 {number})"
    assert "受付が取り消されました" in told.body
    assert len(mails(site)) == 2


def begin_signed_in(site: Site) -> Browser:
    browser = site.browser()
    browser.post("/signin/email", {"address": "other@example.jp"})
    browser.post("/signin/email", {"code": mails(site)[-1].body.split("\n")[2]})
    place(browser.post("/procedures/letter/apply", LETTER))
    return browser


def test_a_draft_that_goes_is_told_a_day_before_and_once(site: Site) -> None:
    begin_signed_in(site)
    begun = len(mails(site))
    site.clock.advance(days=5, hours=23)
    runs(site, "reminders")
    assert len(mails(site)) == begun
    for _ in range(3):
        site.clock.advance(hours=1)
        runs(site, "reminders")
    (told,) = mails(site)[begun:]
    assert (told.to, told.subject) == ("other@example.jp", "書きかけの申請がまもなく消えます")
    assert "「見本の届出 letter」" in told.body
    assert f"\n{site.of.settings.base_url}/my\n" in told.body
    assert not [word for word in LETTER.values() if len(word) > 1 and word in told.body]


@pytest.mark.parametrize("who", ["nobody", "no address", "protected", "submitted", "gone"])
def test_a_draft_is_told_of_to_nobody_who_should_not_learn_of_it(site: Site, who: str) -> None:
    if who in ("nobody", "no address"):
        browser = site.browser() if who == "nobody" else site.browser().sign_in("taro-jpki")
        place(browser.post("/procedures/letter/apply", LETTER))
    else:
        browser = begin_signed_in(site)
    if who == "submitted":
        browser.submit(browser.begin("letter"))
    if who == "protected":
        change(site, update(t.resident).values(protected=True))
    if who == "gone":
        change(site, update(t.draft).values(expires_at=site.clock() + timedelta(days=6)))
    before = len(mails(site))
    site.clock.advance(days=6, hours=1)
    runs(site, "reminders")
    assert subjects(site)[before:] == []


def test_no_notice_holds_an_answer_an_access_code_or_a_draft(site: Site) -> None:
    browser = begin_signed_in(site)
    draft = browser.begin("priced")
    answer = browser.post_submit(draft)
    code = browser.get(place(answer)).text.partition('class="code"')[2]
    pay(site, browser, place(answer).split("/")[2])
    site.clock.advance(days=6, hours=1)
    runs(site, "reminders")
    told = [mail for mail in mails(site) if "6桁" not in mail.subject]
    assert len(told) == 3
    secrets = {"見本 和子", "ミホン", "1958", "090-0000", "41-1", "出します", draft}
    for mail in told:
        assert not [word for word in secrets if word in mail.body + mail.subject]
        assert "見本の届出" not in mail.subject
        assert mail.body.count("確認コード") == 0 or "-" not in mail.body.partition("確認コード")[2][:20]
    assert code


def test_every_text_is_short_and_plain() -> None:
    for path in sorted(Path("templates/mail").glob("*.txt")):
        text = path.read_text("utf-8")
        assert text.startswith("件名: ")
        assert len(text.splitlines()) <= 24, path
        assert "{{ city_name }}" in text
