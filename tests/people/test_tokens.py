"""Tokens of programs: made by their resident, shown once, worth no more than the session, over by themselves."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from procedures.declaration import Assurance
from server.people import sessions, tokens
from server.people.facts import Facts
from server.people.sessions import NOBODY, Visitor
from server.people.tokens import MOST, Made, Token, Unfit
from server.store import tables as t
from server.store.database import Writing
from server.store.keys import Keys
from tests.conftest import Clock, Random, Store

TARO = Facts("jpki", "taro", Assurance.JPKI_SIGNATURE, name="津軽　太郎")
MAIL = Facts("email", "kazuko@example.jp", Assurance.EMAIL, email="kazuko@example.jp")


class Desk:
    """Where tokens are made and shown."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random) -> None:
        self.store, self.keys, self.clock, self.random = store, keys, clock, random

    def signed_in(self, facts: Facts) -> Visitor:
        def work(db: Writing) -> Visitor:
            token = sessions.sign_in(db, self.keys, None, facts, now=self.clock(), random=self.random)
            return sessions.visitor(db, token, keys=self.keys, now=self.clock())

        return self.store.transact(work)

    def make(self, who: Visitor, label: str = "会計", days: str = "30", once: str = "") -> Made | Unfit:
        return self.store.transact(lambda db: self.making(db, who, label, days, once or self.random(16).hex()))

    def making(self, db: Writing, who: Visitor, label: str, days: str, once: str) -> Made | Unfit:
        return tokens.make(db, self.keys, who, once, label, days, now=self.clock(), random=self.random)

    def made(self, who: Visitor, **more: str) -> Made:
        made = self.make(who, **more)
        assert isinstance(made, Made)
        return made

    def listed(self, who: Visitor) -> tuple[Token, ...]:
        assert who.resident is not None
        resident = who.resident.id
        return self.store.read(lambda db: tokens.of_resident(db, self.keys, resident, now=self.clock()))

    def bearer(self, text: str) -> Visitor | None:
        return self.store.read(lambda db: tokens.bearer(db, self.keys, text, now=self.clock()))

    def lines(self, action: str) -> list[Any]:
        return list(self.store.read(lambda db: db.all(select(t.audit).where(t.audit.c.action == action))))


@pytest.fixture
def desk(store: Store, keys: Keys, clock: Clock, random: Random) -> Desk:
    return Desk(store, keys, clock, random)


@pytest.mark.parametrize("facts", [TARO, MAIL], ids=["card", "mail"])
def test_whoever_brings_a_token_is_its_resident_at_the_level_of_the_session_it_was_made_in(
    desk: Desk, facts: Facts
) -> None:
    who = desk.signed_in(facts)
    made = desk.made(who)
    found = desk.bearer(made.text)
    assert found is not None
    assert found.resident == who.resident
    assert (found.session_id, found.level, found.token_id) == (None, facts.level, made.token.id)


def test_a_level_that_was_proven_later_is_not_the_tokens(desk: Desk) -> None:
    low = Visitor("s", desk.signed_in(TARO).resident, Assurance.EMAIL)
    found = desk.bearer(desk.made(low).text)
    assert found is not None
    assert found.level is Assurance.EMAIL


@pytest.mark.parametrize("text", ["", "kk_", "kk_" + "A" * 43, "kk_" + "A" * 44, "A" * 46, "\ud800", "kk_あ", "\x00"])
def test_a_text_that_is_no_token_is_nobody(desk: Desk, text: str) -> None:
    desk.made(desk.signed_in(TARO))
    assert desk.bearer(text) is None


def test_a_sessions_token_is_no_token_of_a_program(desk: Desk) -> None:
    token = desk.store.transact(
        lambda db: sessions.sign_in(db, desk.keys, None, TARO, now=desk.clock(), random=desk.random)
    )
    assert desk.bearer(token) is None
    assert desk.bearer(f"kk_{token}") is None


def test_the_database_holds_neither_the_token_nor_its_name(desk: Desk) -> None:
    made = desk.made(desk.signed_in(TARO), label="会計ソフト")
    row = desk.store.read(lambda db: db.one(select(t.api_token)))
    assert row is not None
    held = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    assert made.text.encode() not in held
    assert "会計".encode() not in held


@pytest.mark.parametrize(("days", "alive"), [("30", 29), ("90", 89), ("365", 364)])
def test_a_token_is_over_when_its_term_is(desk: Desk, days: str, alive: int) -> None:
    who = desk.signed_in(TARO)
    made = desk.made(who, days=days)
    desk.clock.advance(days=alive, hours=23)
    assert desk.bearer(made.text) is not None
    desk.clock.advance(hours=1)
    assert desk.bearer(made.text) is None
    assert desk.listed(who) == ()
    assert desk.store.transact(lambda db: tokens.sweep(db, now=desk.clock())) == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"label": ""}, "label"),
        ({"label": "\u3000 \u200b"}, "label"),
        ({"label": "あ" * 61}, "label"),
        ({"days": ""}, "term"),
        ({"days": "31"}, "term"),
        ({"days": "3650"}, "term"),
        ({"days": "３０"}, "term"),
        ({"once": "x"}, "again"),
        ({"once": "A" * 32}, "again"),
    ],
)
def test_what_cannot_be_a_token_is_told_and_none_is_made(desk: Desk, values: dict[str, str], code: str) -> None:
    who = desk.signed_in(TARO)
    assert desk.make(who, **values) == Unfit(code)
    assert desk.listed(who) == ()


def test_a_page_sent_twice_makes_one_token(desk: Desk) -> None:
    who = desk.signed_in(TARO)
    desk.made(who, once="0" * 32)
    assert desk.make(who, once="0" * 32) == Unfit("again")
    assert len(desk.listed(who)) == 1


def test_a_resident_has_ten_at_most_however_many_tabs_press_at_once(desk: Desk) -> None:
    who = desk.signed_in(TARO)

    async def all_at_once() -> list[Made | Unfit]:
        presses = [partial(desk.making, who=who, label=f"{i}", days="30", once=f"{i:032x}") for i in range(MOST + 3)]
        return list(await asyncio.gather(*(desk.store.database.transact(press) for press in presses)))

    outcomes = desk.store.run(all_at_once())
    assert [each for each in outcomes if isinstance(each, Unfit)] == [Unfit("count")] * 3
    assert len(desk.listed(who)) == MOST
    assert isinstance(desk.make(desk.signed_in(MAIL)), Made), "another resident has their own ten"


def test_nobody_makes_a_token_without_being_signed_in_at_a_browser(desk: Desk) -> None:
    found = desk.bearer(desk.made(desk.signed_in(TARO)).text)
    assert found is not None
    assert desk.make(found) == Unfit("again")
    assert desk.make(NOBODY) == Unfit("again")


def test_a_revoked_token_is_nobody_and_only_its_resident_revokes_it(desk: Desk) -> None:
    who, other = desk.signed_in(TARO), desk.signed_in(MAIL)
    assert who.resident is not None and other.resident is not None
    made, mine, theirs = desk.made(who), who.resident.id, other.resident.id
    assert not desk.store.transact(lambda db: tokens.revoke(db, made.token.id, theirs))
    assert desk.bearer(made.text) is not None
    assert desk.store.transact(lambda db: tokens.revoke(db, made.token.id, mine))
    assert not desk.store.transact(lambda db: tokens.revoke(db, made.token.id, mine))
    assert desk.bearer(made.text) is None


def test_making_and_revoking_are_audited_without_the_token_and_its_name(desk: Desk) -> None:
    who = desk.signed_in(TARO)
    assert who.resident is not None
    made, resident = desk.made(who), who.resident.id
    desk.store.transact(lambda db: tokens.revoke(db, made.token.id, resident))
    (line,), (gone,) = desk.lines("token.make"), desk.lines("token.revoke")
    assert (line.target, line.actor) == (gone.target, gone.actor) == (made.token.id, f"resident:{resident}")
    assert json.loads(line.detail) == {"level": "jpki-signature", "days": 30}


def test_the_list_says_when_each_was_made_and_last_used(desk: Desk) -> None:
    who = desk.signed_in(TARO)
    first = desk.made(who, label=" 会計　ソフト\u202e ")
    begun = desk.clock()
    desk.clock.advance(hours=1)
    desk.made(who, label="2つめ")
    desk.store.transact(lambda db: tokens.touch(db, first.token.id, now=desk.clock()))
    newest, oldest = desk.listed(who)
    assert (newest.label, newest.used_at) == ("2つめ", None)
    assert (oldest.label, oldest.created_at, oldest.used_at) == ("会計　ソフト", begun, desk.clock())


def test_a_resident_who_is_gone_takes_their_tokens_along(desk: Desk) -> None:
    desk.made(desk.signed_in(TARO))
    desk.store.transact(lambda db: db.execute(t.resident.delete()))
    assert desk.store.read(lambda db: db.scalar(select(func.count()).select_from(t.api_token))) == 0
