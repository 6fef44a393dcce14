"""What is carried from home to a window: a copy under a code that is good once, and not for long."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from procedures.check import CITY
from procedures.city import load_city
from server.applications import drafts, uploads
from server.applications.drafts import Content
from server.applications.numbers import PREFIX
from server.counter import handoffs
from server.counter.codes import LONGEST, read_code
from server.counter.handoffs import Brought, BroughtForm, Code, Refusal, Why
from server.people.limits import LimitReached
from server.people.staff_sessions import PROFILE
from server.signs import ALPHABET
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Maker, Random, Store

CALENDAR = load_city(CITY).calendar
NUMBER = "123456789018"
ANSWERS = {"applicant": {"name": {"family": "津軽", "given": "太郎"}, "phone": "0173352111"}}


class Hall:
    """A resident with drafts, and clerks."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random, make: Maker) -> None:
        self.store, self.keys, self.clock, self.random, self.make = store, keys, clock, random, make
        self.tanaka, self.sato = self.clerk("tanaka"), self.clerk("sato")

    def clerk(self, login: str) -> str:
        """Somebody with an account: its id."""
        profile = json.dumps({"login": login, "name": f"見本 {login}"}).encode()
        staff_id = self.random(16).hex()
        key, wrapped = self.keys.new_data_key(staff_id)
        self.make(t.staff, id=staff_id, wrapped_key=wrapped, sealed_profile=key.seal(profile, PROFILE))
        return staff_id

    def draft(self, answers: Any = ANSWERS, slug: str = "dog", **more: Any) -> str:
        draft_id = self.random(16).hex()
        key, wrapped = self.keys.new_data_key(draft_id)
        sealed = key.seal(Content(answers).to_bytes(), drafts.SEALED)
        given: dict[str, Any] = {"slug": slug, "revision": 1, "expires_at": self.clock() + drafts.LIFE} | more
        self.make(t.draft, id=draft_id, wrapped_key=wrapped, sealed_answers=sealed, **given)
        return draft_id

    def number(self, owner: str) -> str:
        return PREFIX + str(self.make(t.mynumber, owner_id=owner, sealed=self.keys.seal_my_number(NUMBER))["id"])

    def code(self, draft_id: str | None = None, answers: Any = ANSWERS, **more: Any) -> Code:
        form = BroughtForm("d" * 64, answers, {"/children": 2}, {"/applicant/phone": "card"}, draft_id or "")
        content = Brought({"dog": form}, "move-in", {"from": "abroad"}, "vi")
        return self.made(content, draft_id=draft_id, **more)

    def made(self, content: Brought, **more: Any) -> Code:
        given: dict[str, Any] = {"draft_id": None, "until": self.clock() + timedelta(days=2)} | more
        given |= {"now": self.clock(), "random": self.random}
        return self.store.transact(lambda db: handoffs.create(db, self.keys, handoffs.HOME, content, **given))

    def redeem(self, code: str, by: str = "") -> Brought | Refusal:
        who = by or self.tanaka
        return self.store.transact(lambda db: handoffs.redeem(db, self.keys, code, who, now=self.clock()))

    def brought(self, code: str, by: str = "") -> Brought:
        found = self.redeem(code, by)
        assert isinstance(found, Brought)
        return found

    def begin(self, brought: Brought, by: str = "", **more: Any) -> str | None:
        visit = str(self.make(t.visit, staff_id=by or self.tanaka, **more)["id"])
        done = self.store.transact(lambda db: handoffs.begin(db, self.keys, brought, visit, by or self.tanaka))
        return visit if done else None

    def count(self, table: Any, *where: Any) -> int:
        return int(self.store.read(lambda db: db.scalar(select(func.count()).select_from(table).where(*where))))

    def sealed(self) -> list[bytes | None]:
        return [row.sealed_content for row in self.store.read(lambda db: db.all(select(t.handoff.c.sealed_content)))]

    def lines(self) -> list[tuple[str, str]]:
        found = self.store.read(lambda db: db.all(select(t.audit.c.action, t.audit.c.actor).order_by(t.audit.c.seq)))
        return [(row.action, row.actor) for row in found]

    def sweep(self) -> int:
        return self.store.transact(lambda db: handoffs.sweep(db, now=self.clock()))


@pytest.fixture
def hall(store: Store, keys: Keys, clock: Clock, random: Random, make: Maker) -> Hall:
    return Hall(store, keys, clock, random, make)


# --- the code ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "ABCD-EFGH-JKM0",
        "abcd efgh jkmo",
        " ABCDEFGHJKM0\r\n",
        "ＡＢＣＤ　ＥＦＧＨ　ＪＫＭ０",
        "]Q1ABCD-EFGH-JKM0\t",
        "https://apply.city.example/handoff/ABCDEFGHJKM0",
        "https://apply.city.example/handoff#ABCD-EFGH-JKM0",
        "https://apply.city.example/handoff?code=abcdefghjkm0",
    ],
)
def test_a_code_is_read_however_it_comes_in(typed: str) -> None:
    assert read_code(typed) == "ABCDEFGHJKM0"


@pytest.mark.parametrize(
    "rubbish",
    [
        *("", "ABCD", "ABCD-EFGH-JKM", "ABCD-EFGH-JKM01", "ABCD-EFGH-JKMU", "住民票の写し", "\x00" * 12),
        *("https://example.com/ABCDEFGHJKM0", "https://a/handoff/", "WIFI:S:cafe;T:WPA;P:12345678;;", "9" * 5000),
        "ABCDEFGHJKM0" + " " * LONGEST,
        "A - B - C - D - E - F - G - H - J - K - M - 0",
    ],
)
def test_rubbish_is_no_code(rubbish: str) -> None:
    assert read_code(rubbish) is None


@given(st.text(max_size=60))
def test_whatever_is_scanned_is_twelve_signs_or_nothing(text: str) -> None:
    found = read_code(text)
    assert found is None or (len(found) == 12 and set(found) <= set(ALPHABET))


@pytest.mark.parametrize(
    ("made", "until"),
    [
        (
            datetime(2026, 11, 18, 1, tzinfo=UTC),
            datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC),
        ),  # Wednesday: until Friday
        (
            datetime(2026, 11, 20, 12, tzinfo=UTC),
            datetime(2026, 11, 25, 14, 59, 59, tzinfo=UTC),
        ),  # the Friday before a holiday
        (datetime(2026, 11, 17, 15, tzinfo=UTC), datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC)),  # midnight: Wednesday
    ],
)
def test_a_code_is_good_until_the_end_of_the_second_day_on_which_the_city_hall_is_open(
    made: datetime, until: datetime
) -> None:
    assert date(2026, 11, 23) in CALENDAR.holidays
    assert handoffs.good_until(CALENDAR, made) == until


# --- what is carried --------------------------------------------------------------------------------------------------


def test_what_was_filled_in_at_home_is_there_at_the_window(hall: Hall) -> None:
    draft_id = hall.draft()
    code = hall.code(draft_id)
    assert code.text not in repr(hall.sealed())
    brought = hall.brought(code.text)
    form = brought.forms["dog"]
    assert (form.answers, form.rows, form.draft_id) == (ANSWERS, {"/children": 2}, draft_id)
    assert form.sources == {"/applicant/phone": "card"}
    assert (brought.event, brought.guide, brought.language) == ("move-in", {"from": "abroad"}, "vi")
    assert hall.lines() == [("handoff.view", f"staff:{hall.tanaka}")]


def test_the_draft_at_home_stays_as_it_is(hall: Hall) -> None:
    draft_id = hall.draft()
    row = select(t.draft.c.revision, t.draft.c.sealed_answers, t.draft.c.application_id).where(t.draft.c.id == draft_id)
    before = hall.store.read(lambda db: db.one(row))
    assert hall.begin(hall.brought(hall.code(draft_id).text)) is not None
    assert hall.store.read(lambda db: db.one(row)) == before


def test_a_new_code_of_a_draft_voids_the_one_before(hall: Hall) -> None:
    draft_id = hall.draft()
    first, second = hall.code(draft_id), hall.code(draft_id)
    assert hall.redeem(first.text) == Refusal(Why.UNKNOWN)
    assert hall.brought(second.text)
    third = hall.code(draft_id)
    assert hall.brought(second.text), "one that was opened stays opened"
    assert hall.brought(third.text)


def test_a_code_does_not_outlive_its_draft(hall: Hall) -> None:
    soon = hall.clock() + timedelta(hours=3)
    assert hall.code(hall.draft(expires_at=soon)).expires_at == soon
    end = hall.clock() + timedelta(days=1)
    assert hall.code(hall.draft(expires_at=drafts.FOREVER), until=end).expires_at == end


def test_a_code_of_somebody_in_the_building_is_good_for_that_day(hall: Hall) -> None:
    assert hall.code(until=None).expires_at == datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC)


def test_codes_are_not_made_without_end(hall: Hall) -> None:
    for _ in range(handoffs.BY_MAKER.most):
        hall.code(by="session")
    with pytest.raises(LimitReached):
        hall.code(by="session")
    assert hall.code(by="another")


# --- 個人番号 ---------------------------------------------------------------------------------------------------------


def numbers_of(hall: Hall, owner: str) -> list[tuple[str, str]]:
    rows = hall.store.read(lambda db: db.all(select(t.mynumber).where(t.mynumber.c.owner_id == owner)))
    return [(PREFIX + row.id, hall.keys.open_my_number(row.sealed)) for row in rows]


def test_a_number_travels_sealed_as_a_copy_and_is_the_visits_in_the_end(hall: Hall) -> None:
    draft_id = hall.draft()
    mine = hall.number(draft_id)
    code = hall.code(draft_id, {"rows": [{"my_number": mine}], "note": "x"})
    ((token, number),) = numbers_of(hall, code.id)
    assert number == NUMBER
    assert token != mine
    brought = hall.brought(code.text)
    assert brought.forms["dog"].answers == {"rows": [{"my_number": token}], "note": "x"}
    visit = hall.begin(brought)
    assert visit is not None
    assert numbers_of(hall, visit) == [(token, NUMBER)]
    assert numbers_of(hall, draft_id) == [(mine, NUMBER)], "the draft has its own still"
    assert numbers_of(hall, code.id) == []


def test_another_persons_token_brings_no_number_along(hall: Hall) -> None:
    theirs = hall.number(hall.draft())
    code = hall.code(hall.draft(), {"my_number": theirs, "note": theirs})
    assert numbers_of(hall, code.id) == []
    assert hall.brought(code.text).forms["dog"].answers == {"my_number": theirs, "note": theirs}


def test_numbers_go_when_nobody_comes_and_when_a_new_code_is_made(hall: Hall) -> None:
    draft_id = hall.draft()
    answers = {"my_number": hall.number(draft_id)}
    first = hall.code(draft_id, answers)
    second = hall.code(draft_id, answers)
    assert (numbers_of(hall, first.id), len(numbers_of(hall, second.id))) == ([], 1)
    hall.clock.advance(days=3, hours=1)
    assert hall.sweep() == 1
    assert numbers_of(hall, second.id) == []


# --- once, and not for long -------------------------------------------------------------------------------------------


def test_a_code_opens_once_and_the_next_clerk_is_told_who_has_it(hall: Hall) -> None:
    code = hall.code()
    hall.brought(code.text)
    refused = hall.redeem(code.text, hall.sato)
    assert isinstance(refused, Refusal)
    assert refused == Refusal(Why.USED, hall.clock(), "見本 tanaka")
    assert hall.brought(code.text, hall.tanaka), "whoever opened it may look again until the visit begins"


def test_after_the_visit_began_it_is_told_at_which_window(hall: Hall) -> None:
    code = hall.code()
    window = hall.make(t.service_window, label="3番窓口")["id"]
    assert hall.begin(hall.brought(code.text), window_id=window)
    for who in (hall.tanaka, hall.sato):
        refused = hall.redeem(code.text, who)
        assert isinstance(refused, Refusal)
        assert (refused.why, refused.window) == (Why.USED, "3番窓口")


def test_of_two_clerks_who_scan_one_code_at_once_one_has_it(hall: Hall) -> None:
    code = hall.code()

    async def both() -> list[Brought | Refusal]:
        works = [
            lambda db, who=who: handoffs.redeem(db, hall.keys, code.text, who, now=hall.clock())
            for who in (hall.tanaka, hall.sato)
        ]
        return list(await asyncio.gather(*(hall.store.database.transact(work) for work in works)))

    found = hall.store.run(both())
    assert sorted(type(each).__name__ for each in found) == ["Brought", "Refusal"]


def test_of_two_tabs_that_begin_a_visit_one_does(hall: Hall) -> None:
    brought = hall.brought(hall.code().text)
    assert hall.begin(brought) is not None
    assert hall.begin(brought) is None
    assert hall.begin(hall.brought(hall.code().text), hall.sato) is None, "and nobody with a colleague's"


def test_a_code_that_was_given_back_opens_at_the_right_window(hall: Hall) -> None:
    code = hall.code()
    brought = hall.brought(code.text)

    def give(who: str) -> bool:
        return hall.store.transact(lambda db: handoffs.give_back(db, brought.id, who))

    assert give(hall.sato) is False
    assert give(hall.tanaka) is True
    assert hall.brought(code.text, hall.sato)
    assert hall.store.transact(lambda db: handoffs.look(db, hall.keys, brought.id, hall.tanaka)) is None


def test_an_expired_code_says_since_when_and_what_was_in_it_is_gone_a_day_later(hall: Hall) -> None:
    code = hall.code()
    hall.clock.advance(days=2)
    assert hall.redeem(code.text) == Refusal(Why.EXPIRED, code.expires_at)
    assert hall.sweep() == 0
    hall.clock.advance(days=1)
    assert (hall.sweep(), hall.sealed(), hall.sweep()) == (1, [None], 0)
    assert hall.redeem(code.text) == Refusal(Why.EXPIRED, code.expires_at)
    hall.clock.advance(days=31)
    hall.sweep()
    assert hall.redeem(code.text) == Refusal(Why.UNKNOWN)


def test_one_that_was_opened_and_left_lying_is_erased_too(hall: Hall) -> None:
    code = hall.code()
    brought = hall.brought(code.text)
    hall.clock.advance(days=3)
    assert hall.sweep() == 1
    assert hall.redeem(code.text) == Refusal(Why.EXPIRED, code.expires_at)
    assert hall.store.transact(lambda db: handoffs.look(db, hall.keys, brought.id, hall.tanaka)) is None


def test_codes_cannot_be_tried_and_right_ones_do_not_count(hall: Hall) -> None:
    code = hall.code()
    for _ in range(handoffs.BY_STAFF.most):
        hall.brought(code.text)
    for i in range(handoffs.BY_STAFF.most):
        assert hall.redeem(f"{i:012}") == Refusal(Why.UNKNOWN)
    refused = hall.redeem(code.text)
    assert isinstance(refused, Refusal)
    assert refused.why is Why.OFTEN
    assert 0 < refused.seconds <= 3600
    assert isinstance(hall.redeem(code.text, hall.sato), Refusal), "another clerk has tries of their own"


# --- filed, or not ----------------------------------------------------------------------------------------------------


def filed(hall: Hall, visit: str, **applications: str) -> None:
    hall.store.transact(lambda db: handoffs.filed(db, hall.keys, visit, applications))


def test_a_draft_that_was_filed_at_the_window_is_closed_and_others_stay_at_home(hall: Hall) -> None:
    dog, cat = hall.draft(resume_digest=b"x" * 32), hall.draft(slug="cat")
    number = hall.number(dog)
    forms = {"dog": BroughtForm("d" * 64, {"n": number}, draft_id=dog), "cat": BroughtForm("c" * 64, {}, draft_id=cat)}
    visit = hall.begin(hall.brought(hall.made(Brought(forms)).text))
    assert visit is not None
    application = str(hall.make(t.application)["id"])
    filed(hall, visit, dog=application)
    rows = {row.id: row for row in hall.store.read(lambda db: db.all(select(t.draft)))}
    assert (rows[dog].application_id, rows[dog].resume_digest) == (application, None)
    opened = hall.keys.open_data_key(rows[dog].wrapped_key, dog).open(rows[dog].sealed_answers, drafts.SEALED)
    assert Content.from_bytes(opened) == Content()
    assert numbers_of(hall, dog) == []
    assert (rows[cat].application_id, rows[cat].revision) == (None, 1)


def test_what_was_sent_from_home_meanwhile_is_told(hall: Hall) -> None:
    draft_id = hall.draft()
    brought = hall.brought(hall.code(draft_id).text)

    def told() -> frozenset[str]:
        return hall.store.read(lambda db: handoffs.already_filed(db, brought))

    assert told() == frozenset()
    visit = hall.begin(brought)
    assert visit is not None
    filed(hall, visit, dog=str(hall.make(t.application)["id"]))
    assert told() == {"dog"}
    filed(hall, visit, dog=str(hall.make(t.application)["id"]))
    assert hall.count(t.draft, t.draft.c.application_id.is_not(None)) == 1, "the first stands"


def test_files_that_were_attached_at_home_are_found_at_the_window(hall: Hall) -> None:
    draft_id = hall.draft()
    key, wrapped = hall.keys.new_data_key("f" * 32)
    name = key.seal(json.dumps({"name": "x.pdf", "sha256": "0"}).encode(), uploads.SEALED_NAME)
    given = {"owner_kind": "draft", "owner_id": draft_id, "wrapped_key": wrapped, "sealed_name": name}
    upload = hall.make(t.upload, id="f" * 32, key="paper", **given)
    visit = hall.begin(hall.brought(hall.code(draft_id).text))
    assert visit is not None
    found = hall.store.read(lambda db: handoffs.files(db, hall.keys, visit))
    assert [each.id for each in found["dog"]] == [upload["id"]]
    assert isinstance(found["dog"][0], uploads.Upload)


def test_nothing_of_what_was_brought_stays_in_the_handoff_once_the_visit_began(hall: Hall) -> None:
    brought = hall.brought(hall.code(hall.draft()).text)
    assert hall.begin(brought)
    (row,) = hall.store.read(lambda db: db.all(select(t.handoff)))
    left = hall.keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_content, handoffs.SEALED)
    assert "津軽".encode() not in left
    assert Brought.from_bytes(left, row.id).forms["dog"] == replace(
        brought.forms["dog"], answers={}, rows={}, sources={}
    )
