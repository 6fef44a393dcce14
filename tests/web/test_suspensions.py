"""A procedure that is suspended for a while: what residents and programs are told, from the very moment on."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from server.applications import suspending
from server.applications.drafts import FOREVER, LIFE, sweep
from server.catalogue import Suspension
from server.japan import JST
from server.settings import Settings
from server.store import tables as t
from tests.conftest import Clock
from tests.security.declarations import FEE, declared
from tests.security.site import LETTER, PERSON, Browser, Site, opened, place

PLAIN = declared("plain", id="P912")
OTHER = declared("other", id="P913")
WHY = "システムの点検のため。"
EVENING = datetime(2026, 11, 25, 20, tzinfo=JST)
MORNING = datetime(2026, 11, 26, 8, tzinfo=JST)
SECOND = timedelta(seconds=1)


@pytest.fixture
def site(settings: Settings, clock: Clock) -> Iterator[Site]:
    with opened(settings, [PLAIN, OTHER], clock=clock) as running:
        yield running


def suspend(site: Site, clock: Clock, start: datetime | None = None, until: datetime | None = None) -> None:
    """As an operator does, in a process of their own; this one hears of it by the bulletin."""
    wanted = Suspension(WHY, start, until)
    change(site, lambda db: suspending.suspend(db, "plain", wanted, now=clock(), actor="operator"))


def change(site: Site, work: Any) -> None:
    async def done() -> None:
        assert await site.of.database.transact(work) is None
        await site.of.catalogue.refresh()

    site.run(done)


def begun(browser: Browser) -> str:
    """The address of a draft's second page."""
    return place(browser.post("/procedures/plain/apply", LETTER))


# --- the very moment -------------------------------------------------------------------------------------------------


def told(site: Site) -> dict[str, bool]:
    """Who says that it is suspended: the guide, the list, a program's answer, the open data."""
    someone = site.browser()
    asked = {"query": '{ procedure(slug: "plain") { status { state } } }'}
    answer = someone.client.post("/graphql", json=asked).json()["data"]["procedure"]["status"]["state"]
    rows = csv.DictReader(io.StringIO(someone.get("/opendata/procedures.csv").text.removeprefix("\ufeff")))
    opened = {row["ID"]: row["受付状態"] for row in rows}
    assert opened["P913"] == "受付中"
    return {
        "guide": "オンラインで手続きできます" not in someone.get("/procedures/plain").text,
        "list": someone.get("/procedures?category=resident-record").text.count("受付を止めています") == 1,
        "program": answer == "SUSPENDED",
        "data": opened["P912"] == "受付を止めています",
    }


def test_what_everybody_reads_changes_at_the_moment_a_suspension_begins_and_ends(site: Site, clock: Clock) -> None:
    """Pages, answers and files are kept ready: nothing but the clock moves here."""
    suspend(site, clock, EVENING, MORNING)
    for moment, stopped in (
        (clock(), False),
        (EVENING - SECOND, False),
        (EVENING, True),
        (MORNING - SECOND, True),
        (MORNING, False),
    ):
        clock.now = moment
        assert set(told(site).values()) == {stopped}, (moment, told(site))


def test_a_page_somebody_has_is_sent_anew_when_a_suspension_begins(site: Site, clock: Clock) -> None:
    suspend(site, clock, EVENING, MORNING)
    for path in ("/procedures/plain", "/procedures?category=resident-record", "/opendata/procedures.json"):
        clock.now = EVENING - SECOND
        etag = site.browser().get(path).headers["etag"]
        assert site.browser().get(path, **{"if-none-match": etag}).status_code == 304
        clock.now = EVENING
        assert site.browser().get(path, **{"if-none-match": etag}).status_code == 200


def test_a_suspension_is_lifted_and_set_for_every_worker(settings: Settings, clock: Clock) -> None:
    with opened(settings, [PLAIN, OTHER], clock=clock) as one, opened(settings, [], clock=clock) as two:
        for state, page in (("suspended", "受付を止めています"), ("open", "オンラインで手続きできます")):
            if state == "suspended":
                suspend(one, clock)
            else:
                change(one, lambda db: suspending.resume(db, "plain", now=clock(), actor="operator"))
            wait_until(lambda page=page: page in two.browser().get("/procedures/plain").text)
            assert page in one.browser().get("/procedures/plain").text


def wait_until(true: Any) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


# --- what is said ----------------------------------------------------------------------------------------------------


def test_an_announced_suspension_is_told_ahead_on_the_guide_in_the_list_and_on_the_form(
    site: Site, clock: Clock
) -> None:
    browser = site.browser()
    draft = begun(browser)
    suspend(site, clock, EVENING, MORNING)
    window = "2026年11月25日(水) 20時00分から2026年11月26日(木) 8時00分まで、受付を止めます。"
    for path in ("/procedures/plain", "/procedures/plain/apply", draft, draft.rpartition("/")[0] + "/check"):
        text = browser.get(path).text
        assert window in text and WHY in text and "それまでに送ってください" in text, path
    assert window in browser.get("/procedures?category=resident-record").text
    assert "/procedures/plain/apply" in browser.get("/procedures/plain").text
    assert window not in browser.get("/procedures/other/apply").text


def test_a_suspended_procedure_says_why_until_when_and_whom_to_ask(site: Site, clock: Clock) -> None:
    suspend(site, clock, until=MORNING)
    browser = site.browser()
    page = browser.get("/procedures/plain").text
    for words in (WHY, "2026年11月26日(木) 8時00分まで受付を止めています。", "担当の課におたずねください", "市民課"):
        assert words in page
    assert "/apply" not in page
    assert place(browser.get("/procedures/plain/apply")) == "/procedures/plain"
    suspend(site, clock)
    assert "再開の日時は決まっていません。" in browser.get("/procedures/plain").text


def test_a_program_reads_the_suspension_and_what_is_announced(site: Site, clock: Clock) -> None:
    def status() -> Any:
        query = '{ procedure(slug: "plain") { status { state reason suspension { reason from until } } } }'
        answer = site.browser().client.post("/graphql", json={"query": query}).json()
        return answer["data"]["procedure"]["status"]

    assert status() == {"state": "OPEN", "reason": None, "suspension": None}
    suspend(site, clock, EVENING, MORNING)
    window = {"reason": WHY, "from": "2026-11-25T20:00:00+09:00", "until": "2026-11-26T08:00:00+09:00"}
    assert status() == {"state": "OPEN", "reason": None, "suspension": window}
    clock.now = EVENING
    assert status() == {"state": "SUSPENDED", "reason": WHY, "suspension": window}
    clock.now = MORNING
    assert status() == {"state": "OPEN", "reason": None, "suspension": None}


# --- drafts ----------------------------------------------------------------------------------------------------------


def test_a_draft_of_a_suspended_procedure_is_filled_in_saved_and_resumed_but_not_sent(site: Site, clock: Clock) -> None:
    browser = site.browser()
    page = begun(browser)
    draft, end = page.split("/")[2], clock() + timedelta(hours=2)
    suspend(site, clock, until=end)
    assert "いまは送れません。入力と保存はできます。" in browser.get(page).text
    assert place(browser.post(page, {"_rev": browser.revision(page), **PERSON})) == f"/drafts/{draft}/check"
    check = browser.get(f"/drafts/{draft}/check").text
    assert "いまは送れません。" in check and "/submit" not in check
    refused = browser.post(f"/drafts/{draft}/submit", {"_rev": "2-"})
    assert refused.status_code == 409
    assert "見本" in refused.text and WHY in refused.text
    saved = browser.post(page, {"_rev": browser.revision(page), "_do": "save", **PERSON}).text
    code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", saved)
    assert code is not None
    elsewhere = site.browser()
    assert place(elsewhere.post("/resume", {"code": code[0]})).startswith(f"/drafts/{draft}/")
    clock.now = end
    assert place(elsewhere.post_submit(draft)).endswith("/receipt")


def test_what_was_typed_while_a_procedure_was_suspended_becomes_a_draft(site: Site, clock: Clock) -> None:
    browser = site.browser()
    assert browser.get("/procedures/plain/apply").status_code == 200
    suspend(site, clock)
    assert LETTER["note"] in browser.get(begun(browser).rpartition("/")[0] + "/1").text


def test_a_check_page_that_was_open_when_the_suspension_began_sends_nothing(site: Site, clock: Clock) -> None:
    begins = clock() + timedelta(hours=1)
    suspend(site, clock, begins, begins + timedelta(hours=2))
    browser = site.browser()
    draft = browser.begin("plain")
    seen = browser.revision(f"/drafts/{draft}/check")
    clock.now = begins
    assert browser.post(f"/drafts/{draft}/submit", {"_rev": seen}).status_code == 409
    clock.now = begins + timedelta(hours=2)
    assert place(browser.post(f"/drafts/{draft}/submit", {"_rev": seen})).endswith("/receipt")


def ends_at(site: Site, draft: str) -> datetime | None:
    """When a draft ends after a sweep; None when it was swept away."""
    chosen = select(t.draft.c.expires_at).where(t.draft.c.id == draft)

    async def work() -> Any:
        await site.of.database.transact(lambda db: sweep(db, now=site.clock()))
        return await site.of.database.read(lambda db: db.scalar(chosen))

    return site.run(work)  # type: ignore[no-any-return]  # a column


def test_a_draft_outlives_the_suspension_by_seven_days(site: Site, clock: Clock) -> None:
    """Begun before it, saved while it lasts, and begun after it was announced: none grows old meanwhile."""
    early = begun(site.browser()).split("/")[2]
    suspend(site, clock, EVENING, MORNING + timedelta(days=30))
    late = begun(site.browser()).split("/")[2]
    for draft in (early, late):
        assert ends_at(site, draft) == MORNING + timedelta(days=30) + LIFE
    clock.now = MORNING + timedelta(days=30) + LIFE - SECOND
    assert ends_at(site, early) and ends_at(site, late)
    clock.advance(seconds=1)
    assert ends_at(site, early) is ends_at(site, late) is None


def test_a_draft_that_ends_before_the_suspension_begins_ends_as_ever(site: Site, clock: Clock) -> None:
    draft = begun(site.browser()).split("/")[2]
    far = clock() + LIFE
    suspend(site, clock, far, far + LIFE)
    assert ends_at(site, draft) == far
    assert ends_at(site, begun(site.browser()).split("/")[2]) == far


def test_a_draft_waits_for_a_procedure_that_is_suspended_without_an_end(site: Site, clock: Clock) -> None:
    browser = site.browser().sign_in("hanako-oidc")
    draft = begun(browser).split("/")[2]
    suspend(site, clock)
    assert "受付が再開されてから7日間残ります。" in browser.get("/my").text
    saved = browser.post(f"/drafts/{draft}/1", {"_rev": browser.revision(f"/drafts/{draft}/1"), "_do": "save"})
    assert "受付が再開されてから7日間" in saved.text
    assert ends_at(site, draft) == FOREVER
    clock.advance(days=400)
    assert ends_at(site, draft) is not None
    change(site, lambda db: suspending.resume(db, "plain", now=clock(), actor="operator"))
    assert ends_at(site, draft) == clock() + LIFE


def test_what_was_filed_goes_on_while_its_procedure_is_suspended(settings: Settings, clock: Clock) -> None:
    priced = declared("plain", id="P914", fee=FEE)
    with opened(settings, [priced, OTHER], clock=clock) as site:
        browser = site.browser()
        number = browser.submit(browser.begin("plain"))
        suspend(site, clock)
        debt = re.search(r"/payments/([0-9a-f]+)", browser.get(f"/applications/{number}").text)
        assert debt is not None
        assert browser.get(f"/payments/{debt[1]}/go").status_code == 303


def test_a_program_that_files_for_a_suspended_procedure_is_told_why_and_until_when(site: Site, clock: Clock) -> None:
    suspend(site, clock, until=MORNING)
    sent = {"slug": "plain", "answers": {"note": "x"}, "attachments": [], "idempotencyKey": "k" * 20}
    query = """mutation S($input: SubmitApplicationInput!) { submitApplication(input: $input) {
        ... on Rejected { errors { pointer code message } } } }"""
    body = {"query": query, "variables": {"input": sent}}
    errors = site.browser().client.post("/graphql", json=body).json()["data"]["submitApplication"]["errors"]
    (closed,) = [each for each in errors if each["code"] == "CLOSED"]
    assert WHY in closed["message"] and "2026-11-26 08:00" in closed["message"]
