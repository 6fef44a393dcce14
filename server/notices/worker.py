"""Sending what is due: claim in one transaction, send outside of any, write down the outcome in another."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from jinja2 import TemplateError

from server.notices.mail import Delivery, Mail, MailAdapter, MailTexts
from server.notices.outbox import Claimed, claim_due, record
from server.store.database import Database, StoreUnavailable, Writing
from server.store.keys import Keys


@dataclass(frozen=True, slots=True)
class Mailer:
    """What sending takes. Built by the composition root."""

    keys: Keys
    texts: MailTexts
    adapter: MailAdapter


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one notice, fit for a log: nothing of whom or what. `error` names what failed on our side."""

    id: str
    kind: str
    attempts: int
    delivery: Delivery
    error: str = ""


async def deliver_due(database: Database, mailer: Mailer, now: datetime) -> list[Outcome]:
    """Send a batch of what is due now; [] when nothing was.

    All at once, so that a slow mail server does not outlast the leases. One that fails does not stop the others: it
    is told as an outcome with an `error`, and its notice comes due again when its lease ends.
    """

    def claim(db: Writing) -> list[Claimed]:
        return claim_due(db, mailer.keys, now=now)

    claimed = await database.transact(claim)
    done = await asyncio.gather(*(_deliver(database, mailer, each, now) for each in claimed), return_exceptions=True)
    return [_outcome(each, result) for each, result in zip(claimed, done, strict=True)]


def _outcome(claimed: Claimed, result: Outcome | BaseException) -> Outcome:
    if isinstance(result, Outcome):
        return result
    return Outcome(claimed.id, claimed.notice.kind, claimed.attempts, Delivery.LATER, type(result).__name__)


async def deliver_at_once(database: Database, mailer: Mailer, now: datetime) -> None:
    """After a commit, from a handler: send what it wrote if that takes no time, else leave it to the worker.

    Somebody is waiting for the code they were just promised; a mail server's pace must not hold up the page.
    """
    if mailer.adapter.instant:
        with suppress(StoreUnavailable):  # what was done is done; the notice waits for the worker
            await deliver_due(database, mailer, now)


async def _deliver(database: Database, mailer: Mailer, claimed: Claimed, now: datetime) -> Outcome:
    delivery, error = await _send(mailer, claimed, now)
    await database.transact(lambda db: record(db, mailer.keys, claimed, delivery, now=now))
    return Outcome(claimed.id, claimed.notice.kind, claimed.attempts, delivery, error)


async def _send(mailer: Mailer, claimed: Claimed, now: datetime) -> tuple[Delivery, str]:
    notice = claimed.notice
    if notice.until is not None and now >= notice.until:
        return Delivery.NEVER, ""
    try:
        subject, body = mailer.texts.write(notice.kind, notice.values)
        mail = Mail(claimed.id, notice.to, subject, body, claimed.written_at)
    except (TemplateError, ValueError) as error:
        # A mistake of ours: the notice waits for a version that can write it.
        return Delivery.LATER, type(error).__name__
    return await mailer.adapter.send(mail), ""
