"""Notices: written with the act, sent once, whatever fails on the way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from procedures.city import load_city
from procedures.translations import Translations
from server.languages import Languages
from server.notices import outbox
from server.notices.mail import Delivery, Mail, MailTexts, Try
from server.notices.outbox import LONGEST_WAIT, Notice, claim_due, enqueue, record, wait_after
from server.notices.sandbox_mailbox import SandboxMailbox
from server.notices.worker import Mailer, Outcome, deliver_at_once, deliver_due
from server.store import tables as t
from server.store.database import Writing
from server.store.keys import Keys
from tests.conftest import Clock, Random, Store

TEMPLATES = Path(__file__).parents[2] / "templates/mail"
CODE = Notice("email_code", "taro@example.jp", "key-1", {"code": "012345"})


CITY = replace(load_city(Path(__file__).parents[2] / "city.json"), name="見本市")


class Server:
    """A mail server that does what it is told."""

    instant = False

    def __init__(self) -> None:
        self.taken: list[Mail] = []
        self.answer = Delivery.SENT

    async def send(self, mail: Mail) -> Try:
        await asyncio.sleep(0)
        if self.answer is Delivery.SENT:
            self.taken.append(mail)
        return Try(self.answer)


@dataclass
class Office:
    """An outbox with a worker."""

    store: Store
    keys: Keys
    clock: Clock
    random: Random
    server: Server = field(default_factory=Server)

    @property
    def mailer(self) -> Mailer:
        return Mailer(self.keys, MailTexts(TEMPLATES, city=CITY, languages=Languages(Translations())), self.server)

    def write(self, notice: Notice = CODE) -> None:
        self.store.transact(lambda db: enqueue(db, self.keys, notice, now=self.clock(), random=self.random))

    def work(self) -> list[Outcome]:
        return self.store.run(deliver_due(self.store.database, self.mailer, self.clock()))


@pytest.fixture
def office(store: Store, keys: Keys, clock: Clock, random: Random) -> Office:
    return Office(store, keys, clock, random)


def test_a_notice_is_sent_as_a_mail(office: Office) -> None:
    office.write()
    (outcome,) = office.work()
    assert (outcome.kind, outcome.attempts, outcome.delivery) == ("email_code", 1, Delivery.SENT)
    (mail,) = office.server.taken
    assert (mail.to, mail.subject) == ("taro@example.jp", "サインインの6桁の番号")
    assert "\n012345\n" in mail.body
    assert mail.body.rstrip().endswith("見本市")


def test_a_receipt_tells_where_to_look_and_no_secret(office: Office) -> None:
    values = {
        "procedure": "住民票の写しの交付請求",
        "receipt_number": "123456789012345",
        "submitted_at": "2026-11-20T01:00:00+00:00",
        "status_url": "https://shinsei.example.jp/applications/123456789012345",
        "department": "市民課",
    }
    office.write(Notice("receipt", "taro@example.jp", "receipt:1", values))
    office.work()
    (mail,) = office.server.taken
    assert mail.subject == "受け付けました(受付番号 123456789012345)"
    told = {**values, "submitted_at": "2026年11月20日(金) 10時00分"}
    assert all(value in mail.subject + mail.body for value in told.values())


def test_a_notice_is_written_in_the_language_of_whoever_filed(office: Office) -> None:
    values = {
        "procedure": "犬の登録申請",
        "slug": "inu-toroku",
        "receipt_number": "123456789012345",
        "department": "環境課",
    }
    values |= {"submitted_at": "2026-11-20T01:00:00+00:00", "status_url": "https://x.example/applications"}
    office.write(Notice("receipt", "taro@example.jp", "receipt:1", values, language="en"))
    office.work()
    (mail,) = office.server.taken
    assert "Dog: register a new dog" in mail.body
    assert "Fri, 20 Nov 2026 10:00" in mail.body
    assert "123456789012345" in mail.subject
    assert "受付" not in mail.subject + mail.body


def test_a_notice_that_an_older_version_wrote_still_goes_out(office: Office) -> None:
    values = {
        "procedure": "犬の登録申請",
        "receipt_number": "1",
        "department": "環境課",
        "status_url": "https://x.example/",
    }
    office.write(
        Notice("payment_due", "taro@example.jp", "1", values | {"amount": "3,000", "due_at": "2026年12月04日 10時00分"})
    )
    office.work()
    assert "手数料: 3,000円\n納付の期限: 2026年12月04日 10時00分\n" in office.server.taken[0].body


def test_nothing_is_sent_of_an_act_that_did_not_happen(office: Office) -> None:
    def fails(db: Writing) -> None:
        enqueue(db, office.keys, CODE, now=office.clock(), random=office.random)
        raise LookupError

    with pytest.raises(LookupError):
        office.store.transact(fails)
    assert office.work() == []


def test_the_same_act_told_twice_is_sent_once(office: Office) -> None:
    office.write()
    office.write()
    office.work()
    office.write()
    office.work()
    assert len(office.server.taken) == 1


def test_what_was_sent_is_not_sent_again_and_no_longer_kept(office: Office) -> None:
    office.write()
    office.work()
    office.clock.advance(days=1)
    assert office.work() == []
    row = office.store.read(lambda db: db.one(select(t.outbox)))
    assert row is not None
    kept = office.keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_message, "outbox.sealed_message")
    assert kept == b"{}"


def test_a_mail_server_that_is_down_is_tried_again_ever_later(office: Office) -> None:
    office.server.answer = Delivery.LATER
    office.write()
    waits = []
    for _ in range(8):
        assert len(office.work()) == 1
        begun = office.clock()
        while not office.store.transact(lambda db: _is_due(db, office)):
            office.clock.advance(seconds=1)
        waits.append((office.clock() - begun).total_seconds())
    assert waits == [30, 60, 120, 240, 300, 300, 300, 300]


def _is_due(db: Writing, office: Office) -> bool:
    return bool(db.scalar(select(func.count()).where(t.outbox.c.next_at <= office.clock())))


def test_after_four_hours_without_a_mail_server_everything_arrives_within_ten_minutes(office: Office) -> None:
    office.server.answer = Delivery.LATER
    for number in range(3):
        office.write(Notice("email_code", "taro@example.jp", f"key-{number}", {"code": "012345"}))
    end = office.clock() + timedelta(hours=4)
    while office.clock() < end:
        office.work()
        office.clock.advance(minutes=1)
    office.server.answer = Delivery.SENT
    for _ in range(10):
        office.work()
        office.clock.advance(minutes=1)
    assert len(office.server.taken) == 3


def test_a_mail_that_can_never_arrive_is_given_up(office: Office) -> None:
    office.server.answer = Delivery.NEVER
    office.write()
    office.work()
    office.server.answer = Delivery.SENT
    office.clock.advance(days=3)
    assert office.work() == []


def test_a_code_that_is_over_is_not_sent_any_more(office: Office) -> None:
    office.write(Notice("email_code", "a@example.jp", "k", {"code": "1"}, until=office.clock() + timedelta(minutes=10)))
    office.clock.advance(minutes=10)
    (outcome,) = office.work()
    assert outcome.delivery is Delivery.NEVER
    assert office.server.taken == []


def test_two_workers_at_once_send_each_notice_once(office: Office) -> None:
    for number in range(50):
        office.write(Notice("email_code", f"a{number}@example.jp", f"key-{number}", {"code": "012345"}))

    async def two_workers() -> None:
        mailer, now = office.mailer, office.clock()

        async def worker() -> None:
            while await deliver_due(office.store.database, mailer, now):
                pass

        await asyncio.gather(worker(), worker(), worker())

    office.store.run(two_workers())
    assert sorted(mail.to for mail in office.server.taken) == sorted(f"a{number}@example.jp" for number in range(50))


def test_a_worker_that_dies_after_claiming_is_replaced_when_its_lease_ends(office: Office) -> None:
    office.write()
    office.store.transact(lambda db: claim_due(db, office.keys, now=office.clock()))
    office.clock.advance(minutes=1, seconds=59)
    assert office.work() == []
    office.clock.advance(seconds=1)
    (outcome,) = office.work()
    assert (outcome.attempts, outcome.delivery) == (2, Delivery.SENT)


def test_a_worker_that_was_too_slow_does_not_undo_what_another_has_done(office: Office) -> None:
    office.write()
    (slow,) = office.store.transact(lambda db: claim_due(db, office.keys, now=office.clock()))
    office.clock.advance(minutes=2)
    office.work()

    def tells(db: Writing) -> None:
        for late in (Delivery.LATER, Delivery.NEVER, Delivery.SENT):
            record(db, office.keys, slow, late, now=office.clock())

    office.store.transact(tells)
    row = office.store.read(lambda db: db.one(select(t.outbox)))
    assert row is not None
    assert (row.attempts, row.sent_at) == (2, office.clock())


def test_a_second_try_is_the_same_mail(office: Office) -> None:
    office.write()
    (first,) = office.store.transact(lambda db: claim_due(db, office.keys, now=office.clock()))
    office.clock.advance(minutes=2)
    office.work()
    assert office.server.taken[0].id == first.id
    assert office.server.taken[0].written_at == first.written_at


@pytest.mark.parametrize(
    "notice", [Notice("no_such_text", "a@example.jp", "x"), Notice("receipt", "a@example.jp", "x")]
)
def test_a_notice_we_cannot_write_waits_and_does_not_hold_up_the_others(office: Office, notice: Notice) -> None:
    office.write(notice)
    office.write()
    outcomes = {outcome.kind: (outcome.delivery, bool(outcome.error)) for outcome in office.work()}
    assert outcomes == {notice.kind: (Delivery.LATER, True), "email_code": (Delivery.SENT, False)}


def test_a_notice_that_does_not_open_does_not_hold_up_the_others(office: Office) -> None:
    office.write(Notice("email_code", "a@example.jp", "x", {"code": "1"}))
    office.store.transact(lambda db: db.execute(update(t.outbox).values(sealed_message=b"x" * 40)))
    office.write()
    assert [outcome.delivery for outcome in office.work()] == [Delivery.SENT]


class BrokenServer(Server):
    """Fails for one recipient in a way nobody thought of."""

    async def send(self, mail: Mail) -> Try:
        if mail.to == "odd@example.jp":
            raise ZeroDivisionError
        return await super().send(mail)


def test_a_mail_server_that_breaks_on_one_mail_still_gets_the_others(office: Office) -> None:
    office.server = BrokenServer()
    office.write(Notice("email_code", "odd@example.jp", "x", {"code": "1"}))
    office.write()
    assert sorted(outcome.error for outcome in office.work()) == ["", "ZeroDivisionError"]
    assert [mail.to for mail in office.server.taken] == ["taro@example.jp"]
    assert office.work() == []


def test_no_number_of_failures_loses_a_notice(office: Office) -> None:
    """After a day it is tried once a day, until its row's own time is over."""
    office.server.answer = Delivery.LATER
    office.write()
    begun, tries = office.clock(), []
    while office.clock() < begun + timedelta(days=29):
        if office.work():
            tries.append(office.clock() - begun)
        office.clock.advance(minutes=5)
    late = [each for each in tries if each >= timedelta(days=1)]
    assert 280 < len(tries) - len(late) < 300
    assert len(late) == 28
    assert all(after - before == timedelta(days=1) for before, after in pairwise(late))
    office.server.answer = Delivery.SENT
    office.clock.advance(days=1)
    (outcome,) = office.work()
    assert outcome.delivery is Delivery.SENT


def test_a_worker_that_dies_at_every_try_does_not_use_a_notice_up(office: Office) -> None:
    office.write()
    for _ in range(800):
        assert len(office.store.transact(lambda db: claim_due(db, office.keys, now=office.clock()))) == 1
        office.clock.advance(minutes=2)
    (outcome,) = office.work()
    assert (outcome.attempts, outcome.delivery) == (801, Delivery.SENT)


def test_after_days_without_a_mail_server_an_operator_lets_everything_go_at_once(office: Office) -> None:
    office.server.answer = Delivery.LATER
    office.write()
    office.work()
    office.clock.advance(days=3)
    office.work()
    office.server.answer = Delivery.SENT
    office.clock.advance(minutes=1)
    assert office.work() == []
    assert office.store.transact(lambda db: outbox.retry(db, now=office.clock())) == 1
    assert len(office.work()) == 1
    assert office.store.transact(lambda db: outbox.retry(db, now=office.clock())) == 0


def test_what_waits_and_what_was_given_up_is_counted(office: Office) -> None:
    assert office.store.read(outbox.waiting) == outbox.Waiting(0, None)
    office.server.answer = Delivery.NEVER
    office.write()
    office.work()
    begun = office.clock.advance(hours=1)
    for key in "ab":
        office.write(Notice("email_code", "a@example.jp", key, {"code": "1"}))
        office.clock.advance(minutes=1)
    waits = office.store.read(outbox.waiting)
    assert (waits, waits.age(office.clock())) == (outbox.Waiting(2, begun), timedelta(minutes=2))
    assert office.store.read(outbox.given_up) == {"email_code": 1}
    office.server.answer = Delivery.SENT
    office.work()
    assert office.store.read(outbox.waiting) == outbox.Waiting(0, None)


def test_what_could_not_be_begun_in_time_is_left_for_the_next_batch(office: Office) -> None:
    """A slow mail server must not outlast the leases: another worker would send the rest too."""
    office.write()
    mailer, now = office.mailer, office.clock()
    (outcome,) = office.store.run(deliver_due(office.store.database, mailer, now, within=timedelta()))
    assert (outcome.delivery, outcome.error, office.server.taken) == (Delivery.LATER, "no time left", [])
    office.clock.advance(seconds=30)
    office.work()
    assert len(office.server.taken) == 1


class SlowServer(Server):
    """Takes a mail and has not said so yet."""

    def __init__(self) -> None:
        super().__init__()
        self.taking, self.may_answer = asyncio.Event(), asyncio.Event()

    async def send(self, mail: Mail) -> Try:
        self.taking.set()
        await self.may_answer.wait()
        return await super().send(mail)


def test_a_worker_that_is_told_to_stop_notes_what_is_on_its_way_first(office: Office) -> None:
    """Else every restart would send the mails of that moment twice."""
    office.server = server = SlowServer()
    office.write()

    async def stopped_while_sending() -> None:
        task = asyncio.create_task(deliver_due(office.store.database, office.mailer, office.clock()))
        await server.taking.wait()
        task.cancel()
        await asyncio.sleep(0)
        server.may_answer.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    office.store.run(stopped_while_sending())
    office.clock.advance(days=1)
    assert office.work() == []
    assert len(server.taken) == 1


def test_waiting_never_overflows() -> None:
    assert wait_after(1, timedelta()) == timedelta(seconds=30)
    assert wait_after(1 << 29, timedelta()) == LONGEST_WAIT


def test_old_notices_are_swept(office: Office) -> None:
    office.write()
    office.work()
    office.clock.advance(days=29)
    assert office.store.transact(lambda db: outbox.sweep(db, now=office.clock())) == 0
    office.clock.advance(days=1)
    assert office.store.transact(lambda db: outbox.sweep(db, now=office.clock())) == 1


def test_the_sandbox_mailbox_shows_mails_newest_first_and_the_same_mail_once(office: Office, tmp_path: Path) -> None:
    box = SandboxMailbox(tmp_path / "mail")
    for code in ("111111", "222222"):
        office.write(Notice("email_code", "taro@example.jp", code, {"code": code}))
        office.clock.advance(seconds=1)
    mailer = Mailer(office.keys, MailTexts(TEMPLATES, city=CITY, languages=Languages(Translations())), box)
    office.store.run(deliver_at_once(office.store.database, mailer, office.clock()))
    newest, oldest = SandboxMailbox(tmp_path / "mail").mails()
    assert "222222" in newest.body
    assert "111111" in oldest.body
    asyncio.run(box.send(newest))
    assert len(box.mails()) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "mail").iterdir())


def test_a_slow_mail_server_does_not_hold_up_the_page(office: Office) -> None:
    office.write()
    office.store.run(deliver_at_once(office.store.database, office.mailer, office.clock()))
    assert office.server.taken == []
    assert len(office.work()) == 1
