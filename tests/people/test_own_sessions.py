"""A resident sees where they are signed in, and ends it there: one by one, or everywhere."""

from __future__ import annotations

import json
from queue import SimpleQueue

import pytest
from sqlalchemy import select

from procedures.declaration import Assurance
from server.people import sessions
from server.people.facts import Facts
from server.people.sessions import NOBODY, TOPIC, Visitor
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Random, Store

TARO = Facts("jpki", "taro", Assurance.JPKI_SIGNATURE, name="津軽　太郎")
HANAKO = Facts("oidc", "hanako", Assurance.OIDC_BASIC, name="三好　花子")


class Home:
    """Browsers in which people sign in."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random) -> None:
        self.store, self.keys, self.clock, self.random = store, keys, clock, random
        self._news: SimpleQueue[str] = SimpleQueue()
        store.database.listen(TOPIC, self._news.put)

    def sign_in(self, facts: Facts = TARO) -> str:
        return self.store.transact(
            lambda db: sessions.sign_in(db, self.keys, None, facts, now=self.clock(), random=self.random)
        )

    def who(self, token: str) -> Visitor:
        return self.store.read(lambda db: sessions.visitor(db, token, keys=self.keys, now=self.clock()))

    def resident(self, token: str) -> str:
        found = self.who(token).resident
        assert found is not None
        return found.id

    def listed(self, resident: str) -> list[sessions.Signed]:
        return list(self.store.read(lambda db: sessions.of_resident(db, resident, now=self.clock())))

    def hears(self, *ids: str) -> None:
        """Waits until every worker, of which this is one, was told of these sessions."""
        missing = set(ids)
        while missing:
            missing.discard(self._news.get(timeout=30))


@pytest.fixture
def home(store: Store, keys: Keys, clock: Clock, random: Random) -> Home:
    return Home(store, keys, clock, random)


def test_a_resident_sees_where_they_are_signed_in_the_one_used_last_first(home: Home) -> None:
    old = home.sign_in()
    began = home.clock()
    home.clock.advance(minutes=30)
    new = home.sign_in()
    home.sign_in(HANAKO)
    found = home.listed(home.resident(new))
    assert [each.id for each in found] == [home.who(new).session_id, home.who(old).session_id]
    assert (found[1].began, found[1].seen_at) == (began, began)
    assert found[1].until - began == sessions.SIGNED_IN.absolute


def test_a_session_whose_time_is_over_is_not_listed(home: Home) -> None:
    token = home.sign_in()
    resident = home.resident(token)
    home.clock.advance(minutes=60)
    assert home.listed(resident) == []


def test_one_session_is_ended_and_the_others_go_on(home: Home) -> None:
    here, there = home.sign_in(), home.sign_in()
    resident, session_id = home.resident(here), home.who(there).session_id
    assert session_id is not None
    assert home.store.transact(lambda db: sessions.end(db, session_id, resident))
    assert home.who(there) == NOBODY
    assert home.who(here).resident is not None
    home.hears(session_id)
    assert not home.store.transact(lambda db: sessions.end(db, session_id, resident))


def test_nobody_ends_the_session_of_another(home: Home) -> None:
    mine, theirs = home.sign_in(), home.sign_in(HANAKO)
    session_id, resident = home.who(theirs).session_id, home.resident(mine)
    assert session_id is not None
    assert not home.store.transact(lambda db: sessions.end(db, session_id, resident))
    assert home.who(theirs).resident is not None


def test_signing_out_everywhere_ends_all_of_ones_own_tells_every_worker_and_is_audited(home: Home) -> None:
    mine, theirs = [home.sign_in() for _ in range(3)], home.sign_in(HANAKO)
    resident, ids = home.resident(mine[0]), [str(home.who(token).session_id) for token in mine]
    assert home.store.transact(lambda db: sessions.sign_out_everywhere(db, resident)) == 3
    assert [home.who(token) for token in mine] == [NOBODY] * 3
    assert home.who(theirs).resident is not None
    home.hears(*ids)
    line = home.store.read(lambda db: db.one(select(t.audit).where(t.audit.c.action == "session.sign_out_everywhere")))
    assert line is not None
    assert (line.target, json.loads(line.detail)) == (resident, {"sessions": 3})
