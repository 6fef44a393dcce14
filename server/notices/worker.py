"""Sending what is due: claim in one transaction, send outside of any, write down the outcome in another."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from jinja2 import TemplateError

from server.notices.mail import Delivery, Mail, MailAdapter, MailTexts, Try
from server.notices.outbox import LEASE, Claimed, claim_due, record
from server.store.database import Database, StoreUnavailable, Writing
from server.store.keys import Keys

START_WITHIN: Final = LEASE / 3
"""A mail that is begun later might still be on its way when its lease ends, and be sent by another too."""


@dataclass(frozen=True, slots=True)
class Mailer:
    """What sending takes. Built by the composition root."""

    keys: Keys
    texts: MailTexts
    adapter: MailAdapter


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one notice, fit for a log: nothing of whom or what. `error` says why it did not go out."""

    id: str
    kind: str
    attempts: int
    delivery: Delivery
    error: str = ""


async def deliver_due(
    database: Database, mailer: Mailer, now: datetime, *, within: timedelta = START_WITHIN
) -> list[Outcome]:
    """Send a batch of what is due now; [] when nothing was.

    One after the other, each written down before the next: a worker that is killed leaves at most one mail of which
    nobody knows whether it went. What could not be begun `within` this time is left for the next batch. One that fails
    does not stop the others: it is told as an outcome with an `error`, and its notice comes due again.
    """

    def claim(db: Writing) -> list[Claimed]:
        return claim_due(db, mailer.keys, now=now)

    claimed = await database.transact(claim)
    until = monotonic() + within.total_seconds()
    return [await _to_the_end(_deliver(database, mailer, each, now, until)) for each in claimed]


async def _to_the_end(delivery: Coroutine[None, None, Outcome]) -> Outcome:
    """A mail on its way is written down even if we are told to stop: else each restart would send one twice."""
    task = asyncio.ensure_future(delivery)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def deliver_at_once(database: Database, mailer: Mailer, now: datetime) -> None:
    """After a commit, from a handler: send what it wrote if that takes no time, else leave it to the worker.

    Somebody is waiting for the code they were just promised; a mail server's pace must not hold up the page.
    """
    if mailer.adapter.instant:
        with suppress(StoreUnavailable):  # what was done is done; the notice waits for the worker
            await deliver_due(database, mailer, now)


async def _deliver(database: Database, mailer: Mailer, claimed: Claimed, now: datetime, until: float) -> Outcome:
    """Whatever goes wrong is told; without a record the notice comes due when its lease ends."""
    try:
        tried = await _send(mailer, claimed, now) if monotonic() < until else Try(Delivery.LATER, "no time left")
        await database.transact(lambda db: record(db, mailer.keys, claimed, tried.delivery, now=now))
    except Exception as error:
        tried = Try(Delivery.LATER, type(error).__name__)
    return Outcome(claimed.id, claimed.notice.kind, claimed.attempts, tried.delivery, tried.why)


async def _send(mailer: Mailer, claimed: Claimed, now: datetime) -> Try:
    notice = claimed.notice
    if notice.until is not None and now >= notice.until:
        return Try(Delivery.NEVER)
    try:
        subject, body = mailer.texts.write(notice.kind, notice.values, notice.language)
        mail = Mail(claimed.id, notice.to, subject, body, claimed.written_at)
    except (TemplateError, ValueError) as error:
        # A mistake of ours: the notice waits for a version that can write it.
        return Try(Delivery.LATER, type(error).__name__)
    return await mailer.adapter.send(mail)
