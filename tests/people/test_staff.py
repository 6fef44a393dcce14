"""Accounts of the staff: enrolled once, used with two factors, locked after failures, ended when somebody says so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import select

from server.people import factors, passwords, sessions, staff, staff_sessions
from server.people.passwords import Passwords
from server.people.staff import Locked, Unfit
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Random, Store
from tests.people.officers import HASH, PASSWORD, Officer, held, hire


class Hall:
    """A city hall over a store: `here` is a place by which failures are counted."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random) -> None:
        self.store, self.keys, self.clock, self.random = store, keys, clock, random

    @property
    def given(self) -> dict[str, Any]:
        return {"now": self.clock(), "random": self.random}

    def hire(self, login: str = "tanaka", *roles: str) -> Officer:
        named = roles or ("clerk:市民課",)
        return hire(
            lambda w: self.store.run(w()), self.store.database, self.keys, self.clock, self.random, login, *named
        )

    def add(self, login: str = "tanaka") -> str:
        code = self.try_to_add(login)
        assert not isinstance(code, Unfit)
        return code

    def try_to_add(self, login: str) -> str | Unfit:
        return self.store.transact(
            lambda db: staff.add(db, self.keys, login, "見本", held("clerk:市民課"), actor="operator", **self.given)
        )

    def begin(self, login: str, code: str) -> str | None:
        return self.store.transact(lambda db: staff.begin(db, self.keys, login, code, HASH, place="here", **self.given))

    def secret(self, token: str) -> str | None:
        found = self.store.read(lambda db: staff.pending(db, self.keys, token, now=self.clock()))
        return found.secret if found else None

    def finish(self, token: str, code: str) -> staff.Enrolled | None:
        return self.store.transact(lambda db: staff.finish(db, self.keys, token, code, **self.given))

    def enter(
        self, login: str, code: str, *, verified: str | None = HASH, place: str = "here", before: str | None = None
    ) -> str | None:
        def work(db: Any) -> str | None:
            return staff.sign_in(db, self.keys, login, verified, code, place=place, before=before, **self.given)

        return self.store.transact(work)

    def counted(self, login: str, place: str = "here") -> Locked | None:
        return self.store.transact(lambda db: staff.counted(db, self.keys, login, place, now=self.clock()))

    def who(self, token: str) -> Staff | None:
        return self.store.read(lambda db: staff_sessions.who(db, token, keys=self.keys, now=self.clock()))

    def touch(self, session_id: str) -> None:
        self.store.transact(lambda db: staff_sessions.touch(db, session_id, now=self.clock()))

    def lines(self, action: str) -> list[Any]:
        query = select(t.audit).where(t.audit.c.action == action).order_by(t.audit.c.seq)
        return list(self.store.read(lambda db: db.all(query)))


@pytest.fixture
def hall(store: Store, keys: Keys, clock: Clock, random: Random) -> Hall:
    return Hall(store, keys, clock, random)


# --- enrolment ------------------------------------------------------------------------------------------------------


def test_an_enrolment_code_makes_an_account_of_its_owner_once(hall: Hall) -> None:
    code = hall.add()
    assert hall.begin("tanaka", "0" * 20) is None
    assert hall.begin("suzuki", code) is None
    token = hall.begin(" TANAKA ", code.lower().replace("-", " "))
    assert token is not None and hall.who(token) is None, "not signed in before the second factor"
    secret = hall.secret(token)
    assert secret is not None
    assert hall.finish(token, "000000") is None
    done = hall.finish(token, factors.code_at(secret, hall.clock()))
    assert done is not None and len(set(done.recovery_codes)) == factors.RECOVERY_CODES
    assert hall.who(token) is None, "a new token at every step"
    found = hall.who(done.token)
    assert found is not None and found.login == "tanaka"
    assert hall.finish(token, factors.code_at(secret, hall.clock())) is None
    assert hall.begin("tanaka", code) is None


def test_an_enrolment_code_is_good_for_three_days(hall: Hall) -> None:
    code = hall.add()
    hall.clock.now += staff.ENROL_WITHIN - timedelta(seconds=1)
    assert hall.begin("tanaka", code) is not None
    hall.clock.advance(seconds=1)
    assert hall.begin("tanaka", code) is None


def test_who_begins_again_with_the_code_ends_what_was_begun_elsewhere(hall: Hall) -> None:
    code = hall.add()
    first, second = hall.begin("tanaka", code), hall.begin("tanaka", code)
    assert first is not None and second is not None
    assert hall.secret(first) is None
    secret = hall.secret(second)
    assert secret is not None and hall.finish(first, factors.code_at(secret, hall.clock())) is None


def test_enrolling_ends_after_a_quarter_of_an_hour_and_can_be_begun_again(hall: Hall) -> None:
    code = hall.add()
    token = hall.begin("tanaka", code)
    assert token is not None and hall.secret(token) is not None
    hall.clock.advance(minutes=15)
    assert hall.secret(token) is None
    assert hall.begin("tanaka", code) is not None


def test_a_password_alone_signs_nobody_in_before_the_second_factor_is_set(hall: Hall) -> None:
    assert hall.begin("tanaka", hall.add()) is not None
    assert hall.store.read(lambda db: staff.kept_hash(db, hall.keys, "tanaka")) is None
    assert hall.enter("tanaka", "000000") is None


@pytest.mark.parametrize("login", ["", "a", "田中", "a b", "-a", "a" * 41, "a\n", "a/b"])
def test_a_login_has_letters_that_every_keyboard_has(login: str, hall: Hall) -> None:
    assert hall.try_to_add(login) is Unfit.LOGIN


def test_a_login_is_given_once_however_it_is_written(hall: Hall) -> None:
    hall.add()
    for login in ("tanaka", "TANAKA", "ｔａｎａｋａ"):
        assert hall.try_to_add(login) is Unfit.TAKEN


# --- signing in -----------------------------------------------------------------------------------------------------


def test_a_password_and_a_code_sign_in_and_either_alone_does_not(hall: Hall) -> None:
    tanaka = hall.hire()
    assert hall.enter("tanaka", tanaka.code(), verified=None) is None
    assert hall.enter("tanaka", "") is None
    assert hall.enter("tanaka", "123") is None
    assert hall.enter("tanaka", tanaka.code(), verified=HASH[:-1] + "x") is None, "the password was changed meanwhile"
    token = hall.enter("tanaka", tanaka.code())
    assert token is not None
    who = hall.who(token)
    assert who is not None and (who.id, set(who.held)) == (tanaka.id, set(held("clerk:市民課")))
    assert [line.target for line in hall.lines("staff.sign_in_failed")] == [tanaka.id] * 4
    assert hall.lines("staff.sign_in")[0].actor == f"staff:{tanaka.id}"


def test_a_code_counts_once_and_so_does_every_older_one(hall: Hall) -> None:
    tanaka = hall.hire()
    old = tanaka.code()
    new = tanaka.code()
    assert hall.enter("tanaka", new) is not None
    assert hall.enter("tanaka", new) is None
    assert hall.enter("tanaka", old) is None
    assert hall.enter("tanaka", tanaka.code()) is not None


def test_the_code_of_the_enrolment_signs_in_nobody_after_it(hall: Hall) -> None:
    tanaka = hall.hire()
    assert hall.enter("tanaka", factors.code_at(tanaka.secret, hall.clock())) is None


def test_a_clock_may_be_half_a_minute_off_and_no_more(hall: Hall) -> None:
    tanaka = hall.hire()
    hall.clock.advance(minutes=10)
    now = hall.clock()
    for seconds in (-90, 90):
        assert hall.enter("tanaka", factors.code_at(tanaka.secret, now + timedelta(seconds=seconds))) is None
    for seconds in (-30, 0, 30):
        assert hall.enter("tanaka", factors.code_at(tanaka.secret, now + timedelta(seconds=seconds))) is not None


def test_a_recovery_code_counts_once_as_it_is_read_from_paper(hall: Hall) -> None:
    tanaka, other = hall.hire(), hall.hire("suzuki")
    code = tanaka.codes[0]
    assert hall.enter("suzuki", code) is None
    assert hall.enter("tanaka", f" {code.lower().replace('-', ' ')} ") is not None
    assert hall.enter("tanaka", code) is None
    assert hall.enter("tanaka", tanaka.codes[1]) is not None
    found = hall.store.read(lambda db: staff.account(db, hall.keys, tanaka.id))
    assert found is not None and found.recovery_left == factors.RECOVERY_CODES - 2
    assert other.codes[0] not in tanaka.codes


@pytest.mark.parametrize("factor", ["authenticator", "recovery"])
def test_of_many_who_show_one_code_at_once_one_gets_in(factor: str, hall: Hall) -> None:
    tanaka = hall.hire()
    code = tanaka.code() if factor == "authenticator" else tanaka.codes[0]

    def enters(db: Any) -> str | None:
        return staff.sign_in(db, hall.keys, "tanaka", HASH, code, place="here", **hall.given)

    async def at_once() -> list[str | None]:
        return list(await asyncio.gather(*(hall.store.database.transact(enters) for _ in range(6))))

    assert [token is None for token in hall.store.run(at_once())].count(False) == 1


def test_a_sign_in_makes_a_new_token_and_the_one_before_is_dead(hall: Hall) -> None:
    tanaka = hall.hire()
    first = hall.enter("tanaka", tanaka.code())
    assert first is not None
    second = hall.enter("tanaka", tanaka.code(), before=first)
    assert second is not None and second != first
    assert hall.who(first) is None and hall.who(second) is not None


def test_who_is_not_there_and_who_is_are_told_alike(hall: Hall) -> None:
    hall.hire()
    assert hall.enter("nobody", "000000", verified=None) is None
    assert hall.enter("tanaka", "000000", verified=None) is None
    assert len(hall.lines("staff.sign_in_failed")) == 2, "as much is written for either"


# --- limits ---------------------------------------------------------------------------------------------------------


def test_the_sixth_failure_from_one_place_is_not_looked_at_and_another_place_still_is(hall: Hall) -> None:
    hall.hire()
    assert [hall.counted("tanaka") for _ in range(5)] == [None] * 5
    locked = hall.counted(" TANAKA")
    assert isinstance(locked, Locked) and 0 < locked.seconds <= 900
    assert hall.counted("tanaka", "elsewhere") is None
    assert hall.counted("suzuki") is None


def test_a_lock_out_says_nothing_of_whether_there_is_such_a_login(hall: Hall) -> None:
    hall.hire()
    answers = [[hall.counted(login) for _ in range(6)] for login in ("tanaka", "nobody")]
    assert answers[0] == answers[1]


def test_failures_from_everywhere_lock_an_account_too(hall: Hall) -> None:
    tried = [hall.counted("tanaka", f"place {number}") for number in range(21)]
    assert tried[:20] == [None] * 20 and isinstance(tried[20], Locked)


def test_who_signs_in_as_they_should_is_never_locked_out(hall: Hall) -> None:
    tanaka = hall.hire()
    for _ in range(12):
        assert hall.counted("tanaka") is None
        assert hall.enter("tanaka", tanaka.code()) is not None


def test_a_lock_out_ends_by_itself(hall: Hall) -> None:
    locked = [hall.counted("tanaka") for _ in range(6)][-1]
    assert locked is not None
    hall.clock.advance(seconds=locked.seconds)
    assert hall.counted("tanaka") is None


# --- sessions -------------------------------------------------------------------------------------------------------


def test_a_session_ends_after_half_an_hour_of_nothing_and_after_a_working_day(hall: Hall) -> None:
    tanaka = hall.hire()
    token = hall.enter("tanaka", tanaka.code())
    assert token is not None
    for _ in range(23):
        hall.clock.advance(minutes=25)
        who = hall.who(token)
        assert who is not None and who.touch_due
        hall.touch(who.session_id)
    hall.clock.advance(minutes=24)
    assert hall.who(token) is not None
    hall.clock.advance(minutes=1)
    assert hall.who(token) is None, "ten hours are over"
    second = hall.enter("tanaka", tanaka.code())
    assert second is not None
    hall.clock.advance(minutes=30)
    assert hall.who(second) is None
    assert hall.store.transact(lambda db: staff_sessions.sweep(db, now=hall.clock())) == 2


def test_ones_own_session_can_be_ended_and_nobody_elses(hall: Hall) -> None:
    tanaka, suzuki = hall.hire(), hall.hire("suzuki")
    token = hall.enter("tanaka", tanaka.code())
    assert token is not None
    (signed,) = hall.store.read(lambda db: staff_sessions.of_staff(db, tanaka.id, now=hall.clock()))
    end = staff_sessions.end
    assert not hall.store.transact(lambda db: end(db, signed.id, suzuki.id, actor=f"staff:{suzuki.id}"))
    assert hall.who(token) is not None
    assert hall.store.transact(lambda db: end(db, signed.id, tanaka.id, actor="x"))
    assert hall.who(token) is None
    assert not hall.store.transact(lambda db: end(db, signed.id, tanaka.id, actor="x"))


def test_who_is_disabled_is_out_at_once_and_comes_in_again_when_enabled(hall: Hall) -> None:
    tanaka = hall.hire()
    token = hall.enter("tanaka", tanaka.code())
    switch: Any = lambda on: hall.store.transact(  # noqa: E731
        lambda db: staff.switch(db, tanaka.id, on=on, actor="operator", now=hall.clock())
    )
    assert token is not None and switch(False)
    assert hall.who(token) is None
    assert hall.enter("tanaka", tanaka.code()) is None
    assert switch(True)
    assert hall.who(token) is None
    assert hall.enter("tanaka", tanaka.code()) is not None


def test_a_reset_voids_everything_and_begins_anew(hall: Hall) -> None:
    tanaka = hall.hire()
    token = hall.enter("tanaka", tanaka.code())
    code = hall.store.transact(lambda db: staff.reset(db, hall.keys, "tanaka", actor="operator", **hall.given))
    assert token is not None and not isinstance(code, Unfit)
    assert hall.who(token) is None
    assert hall.enter("tanaka", tanaka.code()) is None
    assert hall.enter("tanaka", tanaka.codes[0]) is None
    begun = hall.begin("tanaka", code)
    assert begun is not None and hall.secret(begun) not in (None, tanaka.secret)


def test_roles_that_are_taken_away_count_no_longer_with_the_next_request(hall: Hall) -> None:
    tanaka = hall.hire()
    token = hall.enter("tanaka", tanaka.code())
    assert token is not None
    change = held("treasurer:税務課")
    assert hall.store.transact(lambda db: staff.set_roles(db, hall.keys, "tanaka", change, actor="operator")) is None
    who = hall.who(token)
    assert who is not None and set(who.held) == set(change)


def test_a_residents_token_is_no_badge(hall: Hall) -> None:
    token, _ = hall.store.transact(lambda db: sessions.open_session(db, **hall.given))
    assert hall.who(token) is None
    tanaka = hall.hire()
    badge = hall.enter("tanaka", tanaka.code())
    assert badge is not None
    found = hall.store.read(lambda db: sessions.visitor(db, badge, keys=hall.keys, now=hall.clock()))
    assert found is sessions.NOBODY


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_no_table_holds_a_login_a_name_a_secret_or_a_code_in_the_clear(hall: Hall) -> None:
    tanaka = hall.hire("tanaka-canary")
    token = hall.enter("tanaka-canary", tanaka.code())
    assert token is not None
    tables = (t.staff, t.staff_role, t.staff_recovery, t.staff_session, t.audit, t.attempt)
    rows = hall.store.read(lambda db: [tuple(row) for table in tables for row in db.all(select(table))])
    kept = repr(rows)
    for word in ("tanaka-canary", "見本", tanaka.secret, token, "argon2", *tanaka.codes):
        assert word not in kept
    assert rows


# --- passwords ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("", "short"),
        ("elevenchars", "short"),
        ("ねぶたの夜7時に集合", "short"),
        ("x" * 129, "long"),
        ("tanaka-no-hatake", "login"),
        ("My TANAKA password", "login"),
        ("ｔａｎａｋａ no hatake", "login"),
        ("password1234", "common"),
        ("Password!2026!", "common"),
        ("passwordpassword", "common"),
        ("abcdefghijkl", "common"),
        ("lkjihgfedcba", "common"),
        ("123456789012", "common"),
        ("qwertyuiopas", "common"),
        ("aaaaaaaaaaaaaaaa", "common"),
        ("abcabcabcabcabc", "common"),
        ("k4n7k4n7k4n7k4n7", "common"),
        ("いろはにほへとちりぬるをわ", "common"),
        (PASSWORD, ""),
        ("correct horse battery staple", ""),
        ("kx9!vLw2#mQz", ""),
    ],
)
def test_a_password_is_long_and_not_what_others_think_of_first(password: str, fault: str) -> None:
    assert passwords.fault(password, "tanaka") == fault


def test_a_password_is_known_again_however_the_keyboard_wrote_it() -> None:
    made = Passwords()

    async def known() -> list[bool]:
        kept = await made.hash("が行のパスワードです ｱ")
        assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        tried = ("か\u3099行のハ\u309aスワート\u3099です ア", "が行のパスワードです イ", "\ud800")
        return [await made.verify(kept, each) for each in tried]

    assert asyncio.run(known()) == [True, False, False]


def test_where_there_is_nobody_a_hash_of_the_same_price_is_checked_in_vain() -> None:
    checked: list[str] = []

    class Hasher(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Any:
            checked.append(str(hash))
            return super().verify(hash, password)

    made = Passwords(Hasher(time_cost=1, memory_cost=8, parallelism=1))

    async def tried() -> list[bool]:
        kept = await made.hash(PASSWORD)
        return [await made.verify(each, PASSWORD) for each in (kept, None)]

    assert asyncio.run(tried()) == [True, False]
    known, nobodys = (extract_parameters(each) for each in checked)
    assert known == nobodys
