"""Sessions: whose browser it is, for how long, and what it may see."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from procedures.declaration import Assurance
from server.people import sessions
from server.people.facts import Facts
from server.people.sessions import NOBODY, SIGNED_IN, End, Visitor
from server.store import tables as t
from server.store.database import Writing
from server.store.keys import Keys
from tests.conftest import Clock, Maker, Random, Store

TARO = Facts("jpki", "taro", Assurance.JPKI_SIGNATURE, name="津軽　太郎")
HANAKO = Facts("oidc", "hanako", Assurance.OIDC_BASIC, name="三好　花子")
MAIL = Facts("email", "taro@example.jp", Assurance.EMAIL, email="Taro@example.jp")


class Door:
    """A browser's session, as the pages open and use it."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random) -> None:
        self.store, self.keys, self.clock, self.random = store, keys, clock, random

    def open(self) -> str:
        return self.store.transact(lambda db: sessions.open_session(db, now=self.clock(), random=self.random))[0]

    def sign_in(self, token: str | None, facts: Facts) -> str:
        held = self.who(token).session_id if token else None
        return self.store.transact(
            lambda db: sessions.sign_in(db, self.keys, held, facts, now=self.clock(), random=self.random)
        )

    def who(self, token: str) -> Visitor:
        return self.store.read(lambda db: sessions.visitor(db, token, keys=self.keys, now=self.clock()))

    def rows(self) -> int:
        return int(self.store.read(lambda db: db.scalar(select(func.count()).select_from(t.session))))


@pytest.fixture
def door(store: Store, keys: Keys, clock: Clock, random: Random) -> Door:
    return Door(store, keys, clock, random)


def test_a_new_browser_is_known_again_and_nobody_is_signed_in(door: Door) -> None:
    who = door.who(door.open())
    assert who.session_id is not None
    assert (who.resident, who.level, who.name) == (None, Assurance.NONE, "")


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "' OR 1=1", "\ud800", "あ", "\x00"])
def test_a_token_nobody_gave_out_is_nobody(door: Door, token: str) -> None:
    door.open()
    assert door.who(token) == NOBODY


def test_the_database_does_not_hold_a_token(door: Door, store: Store) -> None:
    token = door.open()
    row = store.read(lambda db: db.one(select(t.session)))
    assert row is not None
    assert token.encode() not in b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)


def test_signing_in_replaces_the_token_and_the_old_one_is_dead_at_once(door: Door) -> None:
    """Fixation: a token planted before the sign-in opens nothing after it."""
    before = door.open()
    after = door.sign_in(before, TARO)
    assert after != before
    assert door.who(before) == NOBODY
    assert door.who(after).name == "津軽　太郎"
    assert door.who(after).level is Assurance.JPKI_SIGNATURE


def test_the_session_of_a_browser_stays_its_own_through_sign_in_and_step_up(door: Door) -> None:
    browser = door.open()
    began = door.who(browser).session_id
    by_mail = door.sign_in(browser, MAIL)
    assert door.who(by_mail).session_id == began
    by_card = door.sign_in(by_mail, TARO)
    assert (door.who(by_card).session_id, door.who(by_card).level) == (began, Assurance.JPKI_SIGNATURE)
    assert door.who(by_mail) == NOBODY


TARO_BASIC = Facts("oidc", "ppid-1", Assurance.OIDC_BASIC, name="津軽 太郎", birthdate=date(1989, 5, 14))
TARO_CARD = Facts("jpki", "taro", Assurance.JPKI_SIGNATURE, name="津軽　太郎", birthdate=date(1989, 5, 14))
NAMESAKE = Facts("jpki", "other", Assurance.JPKI_SIGNATURE, name="津軽　太郎", birthdate=date(1990, 5, 14))
NAMELESS = Facts("oidc", "ppid-2", Assurance.OIDC_BASIC)


@pytest.mark.parametrize(
    ("before", "after", "stays"),
    [
        (TARO_BASIC, TARO_CARD, True),
        (TARO_BASIC, NAMESAKE, False),
        (NAMELESS, Facts("jpki", "n", Assurance.JPKI_SIGNATURE), False),
        (TARO_CARD, TARO_BASIC, False),
        (TARO_CARD, MAIL, False),
        (MAIL, Facts("email", "other@example.jp", Assurance.EMAIL, email="other@example.jp"), False),
    ],
    ids=["the same facts", "a namesake", "nameless", "a lower level", "down to an address", "another address"],
)
def test_only_the_same_person_proving_more_goes_on_in_the_same_session(
    door: Door, before: Facts, after: Facts, stays: bool
) -> None:
    """Who comes to sign with the card had begun with the four digits: what they typed is still theirs."""
    first = door.sign_in(None, before)
    began = door.who(first).session_id
    second = door.sign_in(first, after)
    assert (door.who(second).session_id == began) is stays
    assert door.who(second).resident != door.who(first).resident
    assert door.who(first) == NOBODY


def test_the_same_person_signing_in_again_keeps_the_session(door: Door) -> None:
    first = door.sign_in(None, TARO)
    began = door.who(first).session_id
    again = door.sign_in(first, TARO)
    assert door.who(again).session_id == began
    assert door.who(first) == NOBODY


def test_another_person_at_the_same_browser_gets_a_session_of_their_own(door: Door) -> None:
    """A shared computer: the next person must not find the drafts of the one before."""
    taro = door.sign_in(None, TARO)
    his = door.who(taro).session_id
    hanako = door.sign_in(taro, HANAKO)
    assert door.who(hanako).session_id != his
    assert door.who(taro) == NOBODY
    assert door.rows() == 1


def test_the_same_person_on_two_browsers_is_one_resident_with_two_sessions(door: Door) -> None:
    phone, computer = door.who(door.sign_in(None, TARO)), door.who(door.sign_in(None, TARO))
    assert phone.session_id != computer.session_id
    assert phone.resident is not None
    assert computer.resident is not None
    assert phone.resident.id == computer.resident.id


def test_the_same_subject_of_two_providers_is_two_residents(door: Door) -> None:
    other = Facts("oidc", TARO.subject, Assurance.OIDC_BASIC)
    first, second = door.who(door.sign_in(None, TARO)).resident, door.who(door.sign_in(None, other)).resident
    assert first is not None
    assert second is not None
    assert first.id != second.id


def test_a_resident_who_moved_is_known_by_the_new_card_in_every_browser(door: Door) -> None:
    phone = door.sign_in(None, TARO)
    moved = Facts(
        "jpki", "taro", Assurance.JPKI_SIGNATURE, name="岩木　太郎", address="青森県五所川原市栄町1", protected=True
    )
    door.sign_in(None, moved)
    seen = door.who(phone).resident
    assert seen is not None
    assert (seen.facts, seen.protected) == (moved, True)


def test_what_is_known_of_a_resident_is_sealed(door: Door, store: Store) -> None:
    door.sign_in(None, TARO)
    row = store.read(lambda db: db.one(select(t.resident)))
    assert row is not None
    stored = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    assert "太郎".encode() not in stored
    assert b"taro" not in stored


def test_signing_out_ends_the_session_on_the_server(door: Door, store: Store) -> None:
    token = door.sign_in(None, TARO)
    session_id = door.who(token).session_id
    assert session_id is not None
    store.transact(lambda db: sessions.sign_out(db, session_id))
    assert door.who(token) == NOBODY


@pytest.mark.parametrize(
    ("facts", "idle", "absolute"),
    [(None, timedelta(hours=24), timedelta(days=7)), (TARO, timedelta(minutes=60), timedelta(hours=12))],
    ids=["nobody signed in", "signed in"],
)
def test_a_session_ends_when_it_is_left_alone_or_too_old(
    door: Door, store: Store, clock: Clock, facts: Facts | None, idle: timedelta, absolute: timedelta
) -> None:
    token = door.sign_in(None, facts) if facts else door.open()
    session_id = door.who(token).session_id
    assert session_id is not None
    begun = clock()
    while clock() + idle - timedelta(seconds=1) < begun + absolute:
        clock.now += idle - timedelta(seconds=1)
        assert door.who(token).session_id == session_id
        store.transact(lambda db: sessions.touch(db, session_id, now=clock()))
    clock.now = begun + absolute
    assert door.who(token) == NOBODY

    token = door.sign_in(None, facts) if facts else door.open()
    clock.now += idle
    assert door.who(token) == NOBODY


def test_looking_a_visitor_up_writes_nothing_and_asks_for_it_every_five_minutes(door: Door, clock: Clock) -> None:
    token = door.sign_in(None, TARO)
    clock.advance(minutes=4, seconds=59)
    assert not door.who(token).touch_due
    clock.advance(seconds=1)
    assert door.who(token).touch_due


def test_a_sign_in_says_when_it_is_over_and_whether_doing_something_puts_that_off(door: Door, clock: Clock) -> None:
    token = door.sign_in(None, TARO)
    begun = clock()
    assert door.who(token).end == End(begun + SIGNED_IN.idle, extends=True)
    clock.advance(minutes=4)
    assert door.who(token).end == End(begun + SIGNED_IN.idle, extends=True), "no request was noted since"
    clock.advance(minutes=1)
    assert door.who(token).end == End(clock() + SIGNED_IN.idle, extends=True), "this one will be"


def test_at_the_end_of_the_day_nothing_puts_the_end_off(door: Door, store: Store, clock: Clock) -> None:
    token = door.sign_in(None, TARO)
    begun = clock()
    while clock() < begun + timedelta(hours=11, minutes=20):
        clock.advance(minutes=40)
        session_id = door.who(token).session_id
        assert session_id is not None
        touched(store, session_id, clock())
    assert door.who(token).end == End(begun + SIGNED_IN.absolute, extends=False)


def touched(store: Store, session_id: str, now: datetime) -> None:
    store.transact(lambda db: sessions.touch(db, session_id, now=now))


def test_nobody_signed_in_has_no_sign_in_that_ends(door: Door) -> None:
    assert door.who(door.open()).end is None
    assert NOBODY.end is None


def test_sessions_that_are_over_are_swept_and_others_stay(door: Door, store: Store, clock: Clock) -> None:
    for _ in range(2):
        door.sign_in(None, TARO)
        door.open()
    clock.advance(minutes=61)
    alive = door.sign_in(None, HANAKO)
    assert store.transact(lambda db: sessions.sweep(db, now=clock())) == 2
    clock.advance(hours=24)
    assert store.transact(lambda db: sessions.sweep(db, now=clock())) == 3
    assert door.who(alive) == NOBODY
    assert door.rows() == 0


def test_a_grant_is_for_one_browser_and_one_application(door: Door, store: Store, make: Maker) -> None:
    mine, other = (door.who(door.open()).session_id for _ in range(2))
    assert mine is not None
    application = make(t.application)["id"]
    store.transact(lambda db: sessions.grant(db, mine, application, False))

    def granted(session_id: str | None, application_id: str) -> Any:
        return store.read(lambda db: sessions.granted(db, session_id, application_id))

    assert granted(mine, application) == sessions.Grant(application, False)
    assert granted(other, application) is None
    assert granted(None, application) is None
    assert granted(mine, make(t.application)["id"]) is None


def test_who_submitted_stays_the_submitter_however_often_it_is_looked_up(door: Door, store: Store, make: Maker) -> None:
    session_id = door.who(door.open()).session_id
    assert session_id is not None
    application = make(t.application)["id"]

    def grants(db: Writing) -> None:
        for submitter in (False, True, False):
            sessions.grant(db, session_id, application, submitter)

    store.transact(grants)
    found = store.read(lambda db: sessions.granted(db, session_id, application))
    assert found == sessions.Grant(application, True)


def test_a_sign_in_is_audited_without_a_name(door: Door, store: Store) -> None:
    door.sign_in(None, TARO)
    lines = store.read(lambda db: db.all(select(t.audit)))
    assert [line.action for line in lines] == ["session.sign_in"]
    assert "太郎" not in str(lines)
    assert "jpki-signature" in str(lines)
