"""The mail server is away for hours, and workers die while they send: every notice arrives, and none is forgotten."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from server.jobs import JOBS, NoticeTrouble, run_due
from server.notices.outbox import Notice, enqueue
from server.settings import Settings
from server.store import tables as t
from server.store.database import Writing, open_database
from server.store.keys import open_keys
from server.store.values import utc_now
from tests.conftest import Random, Store
from tests.notices.mailserver import PASSWORD, USER, Server, certificate
from tests.security.process import PATIENCE, environment
from tests.security.site import Site, opened
from tests.security.test_durability import PRICED

ROOT = Path(__file__).parents[2]
NOTICES = [job for job in JOBS if job.name == "notices"]
Figure = Callable[[str, object], None]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(certificate(tmp_path / "mail.pem", "localhost"), starttls=False).start()
    yield server
    server.stop()


@pytest.fixture
def site(store_settings: Settings, server: Server) -> Iterator[Site]:
    """On SQLite, and on PostgreSQL; its mails go over the server."""
    with opened(replace(store_settings, mail="smtp", smtp=server.settings()), [PRICED]) as site:
        yield site


def test_after_four_hours_without_mail_all_that_was_filed_meanwhile_is_told_within_ten_minutes(
    site: Site, server: Server, record_property: Figure
) -> None:
    server.stop()
    numbers, troubles = [], []
    for minute in range(240):
        if minute % 10 == 0:
            browser = site.browser()
            numbers.append(browser.submit(browser.begin("priced")))
        troubles += worked(site)
        site.clock.advance(minutes=1)
    server.start()
    back = site.clock()
    while site.clock() < back + timedelta(minutes=10):
        troubles += worked(site)
        site.clock.advance(seconds=10)
    told = Counter(str(mail["subject"]).partition("受付番号 ")[2].rstrip(")") for mail in server.mails)
    assert told == dict.fromkeys(numbers, 1)
    assert len(troubles) == 1
    record_property("filed while mail was down for 4 h", len(numbers))
    record_property("told within 10 min, once each", len(told))


def worked(site: Site) -> list[str]:
    try:
        site.run(lambda: run_due(site.of, NOTICES))
    except NoticeTrouble as trouble:
        return [str(trouble)]
    return []


@pytest.mark.drill
def test_workers_killed_while_they_send_lose_nothing_and_repeat_at_most_one_mail_each(
    store: Store, server: Server, record_property: Figure
) -> None:
    written = write(store.settings, 300)
    kills = 20
    for number in range(kills):
        killed_after(store.settings, server, ahead=3 * number, mails=10)
    finish(store.settings, server, ahead=3 * kills)
    arrived = Counter(str(mail["message-id"]) for mail in server.mails)
    assert {each.partition("@")[0].strip("<") for each in arrived} == written
    twice = sum(count - 1 for count in arrived.values())
    assert twice <= kills
    record_property("kills in mid-send", kills)
    record_property("notices", len(written))
    record_property("lost", 0)
    record_property("sent twice under one Message-ID", twice)


def write(settings: Settings, count: int) -> set[str]:
    """So many notices, by the ids that their mails will have."""
    keys, random = open_keys(settings), Random()
    database = open_database(settings)

    def work(db: Writing) -> None:
        for number in range(count):
            notice = Notice("email_code", f"a{number}@example.jp", f"key-{number}", {"code": "1"})
            enqueue(db, keys, notice, now=utc_now(), random=random)

    try:
        asyncio.run(database.transact(work))
        return {row.id for row in asyncio.run(database.read(lambda db: db.all(select(t.outbox.c.id))))}
    finally:
        database.close()


def mailman(settings: Settings, server: Server, ahead: int) -> subprocess.Popen[bytes]:
    url = f"smtp://{USER}:{PASSWORD}@127.0.0.1:{server.port}"
    program = [sys.executable, str(Path(__file__).with_name("mailman.py"))]
    arguments = [settings.database_url, str(settings.data_dir), url, str(ahead)]
    return subprocess.Popen([*program, *arguments], cwd=ROOT, env=environment() | {"PYTHONPATH": str(ROOT)})  # noqa: S603


def killed_after(settings: Settings, server: Server, *, ahead: int, mails: int) -> None:
    """Start a worker and kill it, when some mails have come, at a point that nobody chose."""
    goal = len(server.mails) + mails
    with mailman(settings, server, ahead) as worker:
        until = time.monotonic() + PATIENCE
        while len(server.mails) < goal:
            assert worker.poll() is None and time.monotonic() < until
            time.sleep(0.003)
        worker.kill()


def finish(settings: Settings, server: Server, *, ahead: int) -> None:
    with mailman(settings, server, ahead) as worker:
        assert worker.wait(2 * PATIENCE) == 0
