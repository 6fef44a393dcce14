"""When mail does not go out: an operator is told, once a day of one trouble, and can look and act."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from server import cli
from server.jobs import JOBS, NoticeTrouble, run_due
from server.notices.mail import Delivery, Mail, Try
from server.notices.outbox import Notice, enqueue
from server.settings import Settings
from server.store.database import Writing
from tests.security.site import Site, opened

(NOTICES,) = (job for job in JOBS if job.name == "notices")


@dataclass
class Down:
    """A mail server nobody reaches."""

    why: str = "connect ConnectionRefusedError"
    instant: bool = False
    tries: int = 0

    async def send(self, mail: Mail) -> Try:
        self.tries += 1
        return Try(Delivery.LATER if self.why else Delivery.SENT, self.why)


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    with opened(settings, []) as site:
        yield site


def write(site: Site, count: int, start: int = 0) -> None:
    def work(db: Writing) -> None:
        for number in range(start, start + count):
            notice = Notice("email_code", "a@example.jp", f"key-{number}", {"code": "1"})
            enqueue(db, site.of.keys, notice, now=site.clock(), random=site.of.random)

    site.run(lambda: site.of.database.transact(work))


def worked(site: Site, server: Down) -> str:
    """What the operator is told of one run of the worker; '' where nothing is."""
    assert site.of.mailer is not None
    of = replace(site.of, mailer=replace(site.of.mailer, adapter=server))
    try:
        site.run(lambda: run_due(of, [NOTICES]))
    except NoticeTrouble as trouble:
        return str(trouble)
    return ""


def test_one_trouble_is_told_once_a_day_and_another_at_once(site: Site) -> None:
    server = Down()
    write(site, 3)
    assert worked(site, server) == (
        "3 notices wait, the oldest for 0:00:00; email_code: connect ConnectionRefusedError"
    )
    told = []
    for _ in range(24 * 12 * 3):
        site.clock.advance(minutes=5)
        told.append(worked(site, server))
    heard = [each for each in told if each]
    assert len(heard) == 3
    assert re.search(r"the oldest for 3 days, ", heard[-1])
    server.why = "connect SSLCertVerificationError"
    site.clock.advance(days=1)
    assert "SSLCertVerificationError" in worked(site, server)


def test_it_says_nothing_of_whom(site: Site) -> None:
    write(site, 1)
    assert "@" not in worked(site, Down("RCPT 451"))


def test_while_nobody_is_there_the_worker_does_not_knock_for_every_notice(site: Site) -> None:
    """Each knock may take many seconds, and the other jobs wait for it."""
    server = Down()
    write(site, 200)
    worked(site, server)
    assert server.tries == 20
    server.why = ""
    site.clock.advance(seconds=10)
    worked(site, server)
    assert server.tries == 20 + 180
    site.clock.advance(seconds=20)
    worked(site, server)
    assert server.tries == 20 + 200


def test_what_waits_is_on_the_metrics(site: Site) -> None:
    write(site, 2)
    site.clock.advance(minutes=3)
    told = site.browser().get("/metrics").text
    assert "\nkakanai_notices_waiting 2.0\n" in told
    assert "\nkakanai_notices_oldest_seconds 180.0\n" in told
    worked(site, Down(""))
    told = site.browser().get("/metrics").text
    assert "\nkakanai_notices_waiting 0.0\n" in told
    assert "\nkakanai_notices_oldest_seconds 0.0\n" in told


def test_an_operator_sees_what_waits_and_lets_it_go(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("KAKANAI_")]:
        monkeypatch.delenv(name)
    of = site.of.settings
    for name, value in (("MODE", "sandbox"), ("DATA_DIR", str(of.data_dir)), ("DATABASE_URL", of.database_url)):
        monkeypatch.setenv(f"KAKANAI_{name}", value)
    assert (cli.main(["notices", "report"]), capsys.readouterr().out) == (0, "0 wait\n")
    site.clock.now -= timedelta(days=20)
    write(site, 2)
    worked(site, Down())
    assert cli.main(["notices", "report"]) == 1
    assert re.fullmatch(r"2 wait, the oldest for \d+ minutes\n", capsys.readouterr().out)
    site.clock.advance(hours=1)
    assert cli.main(["notices", "retry"]) == 0
    assert "notices will be tried again now" in capsys.readouterr().out
