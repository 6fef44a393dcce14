"""Around midnight, the turn of a month and of a year, what counts is the day in Japan, wherever the server stands.

Moments are UTC, as everything is kept: 15:00 there is midnight in Japan. The process lives in zones far from both.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, select

from forms_schema.dates import age, shifted
from procedures.declaration import Declaration
from procedures.translations import Translations
from server.applications.submission import Filing, Prepared, Rejected, prepare, retained_until
from server.japan import fiscal_year, today
from server.languages import Languages
from server.money.debts import last_moment
from server.notices.sandbox_mailbox import SandboxMailbox
from server.people.sessions import NOBODY
from server.settings import Settings
from server.store import tables as t
from tests.conftest import Clock
from tests.security.declarations import _SCHEMA, SHARED, declared
from tests.security.site import LETTER, Site, opened, place
from tests.security.test_durability import ANSWERS, PRICED

ZONES = ("UTC", "Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati")
POSTED = declared("posted", id="P910", fee={"timing": "submit", "items": [{"code": "post-letter"}], "waivers": []})
_DATED: dict[str, Any] = {
    "type": "string",
    "format": "date",
    "title": "いつ",
    "x-date": {"min": "-P3M", "max": "today"},
}
_QUESTIONS: dict[str, Any] = {**_SCHEMA["properties"], "held_on": _DATED}  # type: ignore[dict-item]  # it is one
_STEPS = [
    {
        "title": "すべて",
        "fields": ["/note", "/story", "/way", "/children", "/held_on", "attachment:paper", "/applicant"],
    }
]
DATED = declared("dated", id="P911", schema={**_SCHEMA, "properties": _QUESTIONS}, ui={"steps": _STEPS})


_FILED = (
    select(t.application.c.submitted_at, t.application.c.retained_until, t.debt.c.due_at)
    .join_from(t.debt, t.application)
    .where(t.application.c.receipt_number == bindparam("number"))
)


@pytest.fixture(params=ZONES, autouse=True)
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """The zone of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


@pytest.mark.parametrize(
    ("now", "day", "year"),
    [
        ("2026-11-20T14:59:59", "2026-11-20", 2026),
        ("2026-11-20T15:00:00", "2026-11-21", 2026),
        ("2026-11-30T15:00:00", "2026-12-01", 2026),
        ("2026-12-31T14:59:59", "2026-12-31", 2026),
        ("2026-12-31T15:00:00", "2027-01-01", 2026),
        ("2027-03-31T14:59:59", "2027-03-31", 2026),
        ("2027-03-31T15:00:00", "2027-04-01", 2027),
        ("2028-02-28T14:59:59", "2028-02-28", 2027),
        ("2028-02-28T15:00:00", "2028-02-29", 2027),
        ("2028-02-29T15:00:00", "2028-03-01", 2027),
        ("2027-02-28T15:00:00", "2027-03-01", 2026),
    ],
)
def test_the_day_and_the_fiscal_year_are_japans(now: str, day: str, year: int) -> None:
    assert (today(at(now)).isoformat(), fiscal_year(today(at(now)))) == (day, year)


@pytest.mark.parametrize(
    ("now", "years", "until"),
    [
        ("2027-03-31T14:59:59", 3, "2030-03-31T15:00:00"),
        ("2027-03-31T15:00:00", 3, "2031-03-31T15:00:00"),
        ("2026-12-31T15:00:00", 1, "2028-03-31T15:00:00"),
        ("2028-02-28T15:00:00", 5, "2033-03-31T15:00:00"),
    ],
)
def test_what_is_filed_is_kept_until_the_end_of_a_fiscal_year(now: str, years: int, until: str) -> None:
    assert retained_until(today(at(now)), years) == at(until)


def filed(declaration: Declaration, now: str, **answers: object) -> Prepared | Rejected:
    filing = Filing(declaration, {**ANSWERS, **answers}, (), "online", NOBODY)
    prepared = prepare(filing, SHARED.fees, None, now=at(now))
    assert isinstance(prepared, Prepared | Rejected)
    return prepared


@pytest.mark.parametrize(
    ("now", "yen"),
    [
        ("2024-09-30T14:59:59", 84),
        ("2024-09-30T15:00:00", 110),
        ("2024-10-01T00:00:00", 110),
        ("2019-10-01T00:00:00", 84),
        ("2019-09-30T15:00:00", 84),
    ],
)
def test_a_fee_is_that_of_the_day_of_filing(now: str, yen: int) -> None:
    prepared = filed(POSTED, now)
    assert isinstance(prepared, Prepared)
    assert prepared.quote.total == yen


@pytest.mark.parametrize(
    ("now", "day", "codes"),
    [
        ("2026-11-20T14:59:59", "2026-11-20", []),
        ("2026-11-20T14:59:59", "2026-11-21", ["dateMax"]),
        ("2026-11-20T15:00:00", "2026-11-21", []),
        ("2026-12-31T15:00:00", "2027-01-01", []),
        ("2026-12-31T14:59:59", "2027-01-01", ["dateMax"]),
        ("2028-02-28T15:00:00", "2028-02-29", []),
        ("2026-05-31T14:59:59", "2026-02-28", []),
        ("2026-05-31T14:59:59", "2026-02-27", ["dateMin"]),
        ("2026-05-31T15:00:00", "2026-02-28", ["dateMin"]),
        ("2028-05-31T14:59:59", "2028-02-29", []),
    ],
)
def test_up_to_today_means_today_in_japan(now: str, day: str, codes: list[str]) -> None:
    prepared = filed(DATED, now, held_on=day)
    found = [error.code for error in prepared.errors] if isinstance(prepared, Rejected) else []
    assert found == codes


@pytest.mark.parametrize(
    ("born", "now", "years"),
    [
        ("2008-04-01", "2026-03-30T14:59:59", 17),
        ("2008-04-01", "2026-03-30T15:00:00", 18),  # 年齢計算ニ関スル法律: as 31 March ends
        ("2008-04-02", "2026-03-31T14:59:59", 17),
        ("2008-04-02", "2026-03-31T15:00:00", 18),
        ("2008-02-29", "2026-02-27T14:59:59", 17),
        ("2008-02-29", "2026-02-27T15:00:00", 18),
        ("2008-02-29", "2026-02-28T14:59:59", 18),
        ("2008-02-29", "2026-02-28T15:00:00", 18),
        ("2008-01-01", "2025-12-30T15:00:00", 18),
    ],
)
def test_one_grows_older_as_the_day_before_the_birthday_ends(born: str, now: str, years: int) -> None:
    assert age(date.fromisoformat(born), today(at(now))) == years


@pytest.mark.parametrize(
    ("now", "days", "due"),
    [
        ("2026-11-20T14:59:59", 14, "2026-12-04T14:59:59"),
        ("2026-11-20T15:00:00", 14, "2026-12-05T14:59:59"),
        ("2026-12-31T15:00:00", 7, "2027-01-08T14:59:59"),
        ("2028-02-28T15:00:00", 1, "2028-03-01T14:59:59"),
        ("2027-03-31T15:00:00", 30, "2027-05-01T14:59:59"),
    ],
)
def test_a_fee_is_due_as_a_day_in_japan_ends(now: str, days: int, due: str) -> None:
    assert last_moment(at(now), days) == at(due)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-11-20T14:59:59", "2026年11月20日(金) 23時59分"),
        ("2026-11-20T15:00:00", "2026年11月21日(土) 0時00分"),
        ("2026-12-31T15:00:00", "2027年1月1日(金) 0時00分"),
        ("2028-02-28T15:00:00", "2028年2月29日(火) 0時00分"),
    ],
)
def test_a_receipt_says_the_time_in_japan(now: str, words: str) -> None:
    assert Languages(Translations()).japanese.moment(at(now)) == words


@pytest.mark.parametrize(
    ("now", "months", "day"),
    [
        ("2027-03-30T15:00:00", "P1M", "2027-04-30"),
        ("2027-01-31T14:59:59", "P1M", "2027-02-28"),
        ("2028-01-30T15:00:00", "P1M", "2028-02-29"),
        ("2028-02-28T15:00:00", "P1Y", "2029-02-28"),
    ],
)
def test_a_month_later_is_a_day_that_there_is(now: str, months: str, day: str) -> None:
    assert shifted(today(at(now)), months) == date.fromisoformat(day)


@pytest.mark.parametrize("now", ["2026-12-31T14:59:30", "2027-03-31T14:59:30", "2028-02-28T14:59:30"])
def test_an_application_filed_at_midnight_is_of_one_day_in_everything(now: str, settings: Settings) -> None:
    """A minute before midnight and a minute after: receipt, mail, debt and retention say the same day."""
    clock = Clock()
    clock.now = at(now)
    with opened(settings, [PRICED], clock=clock) as site:
        for _ in range(2):
            browser = site.browser()
            number = browser.submit(browser.begin("priced"))
            shown = browser.get(f"/applications/{number}/receipt").text
            row = filing_of(site, number)
            day = today(clock.now)
            assert row is not None
            assert row.submitted_at == clock.now
            assert row.retained_until == retained_until(day, 3)
            assert today(row.due_at) == day + timedelta(days=site.of.city.payment_days)
            assert f"{day.year}年{day.month}月{day.day}日" in shown
            assert f"{day.year}年{day.month}月{day.day}日" in newest_mail(site)
            clock.advance(minutes=1)


@pytest.mark.parametrize("now", ["2026-12-25T15:00:00", "2028-02-28T15:00:00", "2027-03-31T14:59:59"])
def test_a_draft_lives_seven_days_to_the_second(now: str, settings: Settings) -> None:
    clock = Clock()
    clock.now = at(now)
    with opened(settings, [PRICED], clock=clock) as site:
        page = place((browser := site.browser()).post("/procedures/priced/apply", LETTER))
        saved = browser.post(page, {"_rev": browser.revision(page), "_do": "save"}).text
        code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", saved)
        assert code is not None
        clock.advance(days=7, seconds=-1)
        assert site.browser().post("/resume", {"code": code[0]}).status_code == 303
        clock.advance(seconds=1)
        assert site.browser().post("/resume", {"code": code[0]}).status_code == 422


def filing_of(site: Site, number: str) -> Any:
    async def work() -> Any:
        return await site.of.database.read(lambda db: db.one(_FILED, {"number": number}))

    return site.run(work)


def newest_mail(site: Site) -> str:
    return SandboxMailbox(site.of.settings.data_dir / "sandbox-mail").mails()[0].body
