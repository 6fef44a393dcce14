"""The e-mail level: six digits, ten minutes, five tries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from procedures.declaration import Assurance
from server.notices.outbox import claim_due
from server.people import email_codes, sessions
from server.people.email_codes import CodeSent, Fault, NotYet, SignedIn, TooOften
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Random, Store

ADDRESS = "hanako@example.jp"


class Browser:
    """Somebody at /signin/email."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random, client: str = "192.0.2.1") -> None:
        self.store, self.keys, self.clock, self.random, self.client = store, keys, clock, random, client
        self.token, self.session_id = store.transact(lambda db: sessions.open_session(db, now=clock(), random=random))

    def ask(self, address: str = ADDRESS) -> CodeSent | NotYet | TooOften:
        return self.store.transact(
            lambda db: email_codes.send_code(
                db,
                self.keys,
                self.session_id,
                address,
                client=self.client,
                language="ja",
                now=self.clock(),
                random=self.random,
            )
        )

    def post(self) -> str:
        """The code in the mail that has just been written."""
        (mail,) = self.store.transact(lambda db: claim_due(db, self.keys, now=self.clock()))
        assert mail.notice.kind == "email_code"
        return mail.notice.values["code"]

    def enter(self, code: str) -> SignedIn | NotYet | TooOften:
        return self.store.transact(
            lambda db: email_codes.enter_code(
                db, self.keys, self.session_id, code, client=self.client, now=self.clock(), random=self.random
            )
        )

    def who(self, token: str) -> str:
        """The id of the resident signed in with this token."""
        found = self.store.read(lambda db: sessions.visitor(db, token, keys=self.keys, now=self.clock()))
        assert found.resident is not None
        return found.resident.id

    def waiting(self) -> str | None:
        waiting = self.store.read(lambda db: email_codes.waiting_code(db, self.keys, self.session_id, now=self.clock()))
        return waiting.address if waiting else None


@pytest.fixture
def browser(store: Store, keys: Keys, clock: Clock, random: Random) -> Browser:
    return Browser(store, keys, clock, random)


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_the_code_that_was_sent_signs_in_with_a_new_token(browser: Browser, keys: Keys, clock: Clock) -> None:
    browser.ask()
    outcome = browser.enter(browser.post())
    assert isinstance(outcome, SignedIn)
    assert outcome.token != browser.token
    who = browser.store.read(lambda db: sessions.visitor(db, outcome.token, keys=keys, now=clock()))
    assert (who.level, who.name, who.session_id) == (Assurance.EMAIL, ADDRESS, browser.session_id)


@pytest.mark.parametrize(
    "typing", ["{}", " {} ", "{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}", "{0[0]}{0[1]}{0[2]}-{0[3]}{0[4]}{0[5]}"]
)
def test_a_code_may_be_typed_with_blanks(browser: Browser, typing: str) -> None:
    browser.ask()
    assert isinstance(browser.enter(typing.format(browser.post())), SignedIn)


def test_a_code_may_be_typed_in_full_width_digits(browser: Browser) -> None:
    browser.ask()
    assert isinstance(
        browser.enter(browser.post().translate(str.maketrans("0123456789", "０１２３４５６７８９"))), SignedIn
    )


def test_a_code_is_six_digits_and_another_each_time(browser: Browser) -> None:
    codes = set()
    for _ in range(5):
        browser.ask()
        codes.add(browser.post())
    assert len(codes) == 5
    assert all(len(code) == 6 and code.isdigit() for code in codes)


def test_the_fifth_wrong_guess_locks_the_code_and_the_right_one_no_longer_helps(browser: Browser) -> None:
    browser.ask()
    code = browser.post()
    left = [browser.enter(other(code)) for _ in range(5)]
    assert left == [NotYet(Fault.WRONG, n) for n in (4, 3, 2, 1)] + [NotYet(Fault.LOCKED)]
    assert browser.enter(code) == NotYet(Fault.LOCKED)


@pytest.mark.parametrize("junk", ["", "12345", "1234567", "abcdef", "\ud800", "\x00", "あ" * 10_000])
def test_junk_is_a_wrong_guess(browser: Browser, junk: str) -> None:
    browser.ask()
    assert browser.enter(junk) == NotYet(Fault.WRONG, 4)


def test_a_new_code_unlocks_and_voids_the_one_before(browser: Browser) -> None:
    browser.ask()
    first = browser.post()
    browser.ask()
    second = browser.post()
    assert isinstance(browser.enter(first), NotYet)
    assert isinstance(browser.enter(second), SignedIn)


def test_a_code_is_good_for_ten_minutes(browser: Browser, clock: Clock) -> None:
    browser.ask()
    code = browser.post()
    clock.advance(minutes=9, seconds=59)
    assert browser.waiting() == ADDRESS
    clock.advance(seconds=1)
    assert browser.waiting() is None
    assert browser.enter(code) == NotYet(Fault.OVER)


def test_a_code_works_once(browser: Browser) -> None:
    browser.ask()
    code = browser.post()
    browser.enter(code)
    assert browser.enter(code) == NotYet(Fault.OVER)


def test_a_code_works_in_the_browser_that_asked_for_it_and_nowhere_else(
    browser: Browser, store: Store, keys: Keys, clock: Clock, random: Random
) -> None:
    browser.ask()
    code = browser.post()
    assert Browser(store, keys, clock, random).enter(code) == NotYet(Fault.OVER)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "hanako",
        "@example.jp",
        "a@b",
        "a b@example.jp",
        "a@example.jp\r\nBcc: x@example.com",
        "a@example.jp,b@example.jp",
        "<a@example.jp>",
        "a@例え.jp",
        "a@exa_mple.jp",
        "a@" + "x" * 250 + ".jp",
    ],
)
def test_what_is_no_address_is_refused_and_nothing_is_sent(
    browser: Browser, keys: Keys, clock: Clock, typed: str
) -> None:
    assert browser.ask(typed) == NotYet(Fault.ADDRESS)
    assert browser.store.transact(lambda db: claim_due(db, keys, now=clock())) == []


def test_capitals_and_full_width_letters_are_the_same_mailbox(
    browser: Browser, store: Store, keys: Keys, clock: Clock, random: Random
) -> None:
    ids = set()
    for typed in (ADDRESS, "Hanako@Example.JP", "ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｊｐ"):
        visitor = Browser(store, keys, clock, random)
        visitor.ask(typed)
        outcome = visitor.enter(visitor.post())
        assert isinstance(outcome, SignedIn)
        ids.add(visitor.who(outcome.token))
    assert len(ids) == 1


def test_five_codes_an_hour_go_to_one_address_whoever_asks(
    browser: Browser, store: Store, keys: Keys, clock: Clock, random: Random
) -> None:
    clock.now = clock.now.replace(minute=20)
    for number in range(5):
        assert isinstance(Browser(store, keys, clock, random, f"192.0.2.{number}").ask(), CodeSent)
    assert Browser(store, keys, clock, random, "192.0.2.9").ask(ADDRESS.upper()) == TooOften(40 * 60)
    clock.advance(minutes=40)
    assert isinstance(browser.ask(), CodeSent)


def test_one_network_address_cannot_write_to_everybody(browser: Browser) -> None:
    outcomes = [browser.ask(f"someone{number}@example.jp") for number in range(31)]
    assert all(isinstance(outcome, CodeSent) for outcome in outcomes[:30])
    assert isinstance(outcomes[30], TooOften)


def test_guessing_over_and_over_is_stopped_before_it_could_succeed(browser: Browser, clock: Clock) -> None:
    """Five codes an hour and five tries each: 25 guesses in a million, whatever else is tried."""
    guesses = 0
    while isinstance(browser.ask(), CodeSent):
        code = browser.post()
        while isinstance(outcome := browser.enter(other(code)), NotYet) and outcome.fault is Fault.WRONG:
            guesses += 1
        guesses += 1
    assert guesses == 25
    outcomes = [browser.enter("000000") for _ in range(60)]
    assert isinstance(outcomes[-1], TooOften)


def test_neither_code_nor_address_can_be_read_in_the_database(browser: Browser, store: Store) -> None:
    browser.ask()
    code = browser.post()
    tables = (t.email_code, t.outbox, t.attempt)
    rows = store.read(lambda db: [row for table in tables for row in db.all(select(table))])
    assert len(rows) == 4
    for row in rows:
        stored = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
        assert ADDRESS.encode() not in stored
        assert code.encode() not in stored.split(b"|")


def test_codes_that_are_over_are_swept(browser: Browser, store: Store, clock: Clock) -> None:
    browser.ask()
    assert store.transact(lambda db: email_codes.sweep(db, now=clock())) == 0
    clock.now += timedelta(minutes=10)
    assert store.transact(lambda db: email_codes.sweep(db, now=clock())) == 1
    assert store.read(lambda db: db.scalar(select(func.count()).select_from(t.email_code))) == 0
