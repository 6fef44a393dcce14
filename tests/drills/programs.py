"""Programs that file over GraphQL and do not give up, and what the books must say of them afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from procedures.city import load_city
from server.app import build
from server.jobs import JOBS, run_due
from server.settings import Settings
from server.store import tables as t
from server.store.database import Reading
from server.store.values import utc_now
from server.web.metrics import Metrics
from tests.security.process import PATIENCE, Answer, Served, within
from tests.security.test_durability import ANSWERS, read_books

SUBMIT = """mutation($input: SubmitApplicationInput!) { submitApplication(input: $input) {
  __typename ... on Application { receiptNumber } ... on Rejected { errors { pointer code } } } }"""


@dataclass
class Programs:
    """So many at once; each sends its filings one after the other, every one until it is acknowledged."""

    served: Served
    programs: int
    filings: int
    slug: str = "priced"
    answers: Mapping[str, object] = field(default_factory=lambda: ANSWERS)
    acknowledged: dict[str, str] = field(default_factory=dict)
    """The receipt number by the key it was sent with."""
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> Programs:
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(self.programs)]
        for thread in self._threads:
            thread.start()
        return self

    def _run(self, program: int) -> None:
        for number in range(self.filings):
            while not self._once(program, number) and not self.faults:
                time.sleep(0.02)

    def _once(self, program: int, number: int) -> bool:
        key = f"{program:04}-{number:06}-drill"
        answer = self.send(key, place=f"10.{program}.{number >> 8}.{number & 255}")
        with self._lock:
            self.statuses[answer.status] += 1
            if answer.status == 200:
                made = json.loads(answer.text)["data"]["submitApplication"]
                if made["__typename"] != "Application":
                    self.faults.append(answer.text)
                    return False
                self.acknowledged[key] = made["receiptNumber"]
                return True
            if answer.status not in (0, 503) or (answer.status == 503 and not told_when(answer)):
                self.faults.append(f"{answer.status} {answer.text}")
        return False

    def send(self, key: str, *, place: str) -> Answer:
        sent = {"slug": self.slug, "answers": self.answers, "idempotencyKey": key}
        body = json.dumps({"query": SUBMIT, "variables": {"input": sent}}).encode()
        headers = {"content-type": "application/json", "x-forwarded-for": place}
        return self.served.ask("POST", "/graphql", headers=headers, body=body)

    def wait_for(self, count: int) -> None:
        until = time.monotonic() + PATIENCE
        while len(self.acknowledged) < count and not self.faults:
            assert time.monotonic() < until, self.served.told()
            time.sleep(0.005)
        assert self.faults == []

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(3 * PATIENCE)
            assert not thread.is_alive()
        assert self.faults == []


def told_when(answer: Answer) -> bool:
    return 0 < int(answer.headers.get("retry-after", "0")) <= 60


def check_ledger(settings: Settings, acknowledged: Mapping[str, str]) -> None:
    """Each filing is one application with one way so far, one debt and one notice; and nothing else is there."""
    books, keys = within(settings, lambda database: asyncio.run(database.read(_read, long=True)))
    once = dict.fromkeys(books["applications"], 1)
    assert len(set(acknowledged.values())) == len(acknowledged) == len(once)
    assert sorted(keys.values()) == sorted(acknowledged.values())
    assert books["events"] == books["debts"] == books["lines"] == books["notices"] == once
    assert books["verdict"].broken is None
    assert books["amounts"] == {300}


def _read(db: Reading) -> tuple[dict[str, Any], dict[str, str]]:
    a, i = t.application.c, t.idempotency.c
    rows = db.all(select(i.key, a.receipt_number).join_from(t.idempotency, t.application, i.application_id == a.id))
    return read_books(db), {row.key: row.receipt_number for row in rows}


def send_the_rest(settings: Settings) -> Counter[str]:
    """Let the worker send what kills left over, their leases being over by now. How often each number was told."""
    services = build(settings, load_city(settings.city_file), Metrics(), clock=_later, random=os.urandom)
    notices = [job for job in JOBS if job.name == "notices"]
    try:
        asyncio.run(run_due(services, notices))
    finally:
        services.database.close()
    sent = (json.loads(path.read_text("utf-8")) for path in (settings.data_dir / "sandbox-mail").glob("*.json"))
    return Counter(mail["subject"].partition("受付番号 ")[2].rstrip(")") for mail in sent)


def _later() -> datetime:
    return utc_now() + timedelta(minutes=10)
