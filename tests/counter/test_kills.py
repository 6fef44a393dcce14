"""The server is killed in the middle of an interview and of a filing: what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from procedures.bookings import Opening
from procedures.city import load_city
from procedures.declaration import Declaration
from procedures.joint import Key, Turn
from server.app import build
from server.counter import visits
from server.counter.interview import turn_of
from server.counter.visits import Visit
from server.people import staff, staff_sessions
from server.people.roles import Held, Role
from server.store import audit
from server.store import tables as t
from server.store.database import Writing
from server.store.values import utc_now
from server.web.metrics import Metrics
from tests.conftest import empty
from tests.counter.crowd import FIRST, PLAIN, PRICED, SECOND, of_visit, says
from tests.counter.hall import STAFF_COOKIE
from tests.counter.window import DEPARTMENT, AtWindow
from tests.journeys.pages import Page, PageForm
from tests.procedures.joint_clerk import Clerk
from tests.security.process import Served, stop

FORMS = (PLAIN, PRICED, FIRST, SECOND)
Figure = Callable[[str, object], None]


class Outside:
    """What the store says, seen from another process than the one that is killed; and a clerk's way in."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._runner = asyncio.Runner()
        settings = served.settings
        self.of = build(settings, load_city(settings.city_file), Metrics(), clock=utc_now, random=os.urandom)
        self._runner.run(self.of.catalogue.refresh())

    def close(self) -> None:
        self.of.database.close()
        self._runner.close()

    def do(self, work: Callable[[Writing], Any]) -> Any:
        async def transact() -> Any:
            return await self.of.database.transact(work)

        return self._runner.run(transact())

    def browser(self) -> Any:
        """A browser in which a new clerk is signed in; it holds no connection from one request to the next."""
        token, limits = self.do(self._clerk), httpx2.Limits(max_keepalive_connections=0)
        base, cookies = f"http://127.0.0.1:{self.served.port}", {STAFF_COOKIE: token}
        self.client = httpx2.Client(base_url=base, cookies=cookies, follow_redirects=True, limits=limits, timeout=30)
        return self

    def _clerk(self, db: Writing) -> str:
        of, given = self.of, {"now": utc_now(), "random": os.urandom}
        login = os.urandom(4).hex()
        staff.add(db, of.keys, login, "見本", [Held(Role.CLERK, DEPARTMENT)], actor="operator", **given)  # type: ignore[arg-type]
        id = str(db.scalar(select(t.staff.c.id).order_by(t.staff.c.created_at.desc()).limit(1)))
        db.execute(t.staff.update().where(t.staff.c.id == id).values(enrolled_at=utc_now()))
        return staff_sessions.open_session(db, id, **given)  # type: ignore[arg-type]

    def visit(self, base: str) -> Visit:
        found = self.do(lambda db: visits.load(db, self.of.keys, of_visit(base), now=utc_now()))
        assert isinstance(found, Visit)
        return found

    def turn(self, visit_id: str) -> Turn:
        """The interview of a visit, as it is stored."""
        found: Turn = self._runner.run(turn_of(self.of, self.visit(f"/counter/{visit_id}")))
        return found

    def bundle(self, base: str) -> list[str]:
        """The forms that were filed in a visit."""
        return sorted(name for name, _ in self.do(lambda db: visits.bundle(db, of_visit(base))))

    def opening(self, declaration: Declaration) -> Opening:
        found = self._runner.run(self.of.opening(declaration))
        assert found is not None
        return found

    def rows(self, table: Any) -> list[Any]:
        return list(self.do(lambda db: db.all(select(table))))


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        empty(url)
    served = Served(tmp_path, FORMS, url)
    yield served.start()
    stop(served)


@pytest.fixture
def outside(served: Served) -> Iterator[Outside]:
    outside = Outside(served)
    yield outside
    outside.close()


def killed(served: Served, step: Callable[[], Page], after: float) -> Page | None:
    """Begin a step, kill the server so many seconds later, and start it again. None: nobody answered."""
    answers: list[Page] = []

    def asks() -> None:
        with suppress(httpx2.TransportError):
            answers.append(step())

    thread = threading.Thread(target=asks)
    thread.start()
    time.sleep(after)
    served.kill()
    thread.join(60)
    served.start()
    return answers[0] if answers else None


@dataclass
class Case:
    """One visit on its way, and how often its clerk was cut off."""

    outside: Outside
    clerk: AtWindow
    person: Clerk
    chance: Random
    base: str = ""
    said: dict[Key, Any] = field(default_factory=dict)
    cut: int = 0
    took: float = 0
    """Seconds of an answer, and of the page after it, on this machine: kills fall somewhere in them."""

    def answers(self, kills: int) -> None:
        """The interview, with so many kills between its first answer and its last."""
        self.base = self.clerk.begin()
        since = time.monotonic()
        page = self.clerk.choose(self.base, *(each.slug for each in FORMS))
        self.took = (time.monotonic() - since) * 2 / 3  # a page was asked for before
        while page.path.endswith("/ask"):
            turn, form = self.outside.turn(of_visit(self.base)), page.form(control="_rev")
            now = {key: self.person.value(query, turn) for key, query in self.clerk.queries(page, turn)}
            typed = self.clerk.typed(page, self.person, self.base)

            def sends(page: Page = page, form: PageForm = form, typed: Any = typed) -> Page:
                return self.clerk.press(page, form, typed, button=("_do", "next"))

            answer = self.told(sends, kill=kills > 0)
            kills -= 1
            if answer is not None:
                assert answer.status == 200, answer.text
                self.said |= now
            known = self.outside.turn(of_visit(self.base)).known
            assert {key: known.value(key) for key in self.said} == self.said, "what was acknowledged is there"
            page = self.clerk.open(f"{self.base}/ask")

    def files(self, kills: int) -> None:
        """Sent until it is acknowledged, the server being killed meanwhile."""
        answer: Page | None = None
        while answer is None:
            page = self.clerk.open(f"{self.base}/check")
            if page.path == f"{self.base}/filed":
                break  # it was filed, and nobody could say so
            assert len(self.outside.bundle(self.base)) == 0, "all of it, or nothing"
            form = page.form(action="/check")
            answer = self.told(lambda p=page, f=form: self.clerk.press(p, f, {"method": ["said"]}), kill=kills > 0)  # type: ignore[misc]
            kills -= 1
            if answer is not None:
                assert answer.path == f"{self.base}/filed", answer.text
        assert self.outside.bundle(self.base) == sorted(each.slug for each in FORMS)

    def told(self, step: Callable[[], Page], *, kill: bool) -> Page | None:
        after = self.chance.uniform(0, self.took)
        answer = killed(self.outside.served, step, after) if kill else step()
        self.cut += answer is None
        return answer


def case(outside: Outside, seed: int) -> Case:
    """Somebody who books two places of which there are enough."""
    opening = outside.opening(FIRST)
    slot = next(each.start for each in opening.slots.values() if opening.left(each) > 1)
    person = says(*FORMS, booked=slot, booked_too=slot)
    return Case(outside, AtWindow(outside, None), person, Random(seed))  # type: ignore[arg-type]


def check_books(outside: Outside, visits_: int) -> None:
    """Each filing is there once, with one way so far, one debt where something is owed, one notice; nothing else is."""
    ids = [row.id for row in outside.rows(t.application)]
    assert len(ids) == len(FORMS) * visits_
    once = Counter(ids)
    assert Counter(row.application_id for row in outside.rows(t.application_event)) == once
    assert Counter(row.application_id for row in outside.rows(t.visit_application)) == once
    assert Counter(row.idempotency.partition(":")[2] for row in outside.rows(t.outbox)) == once
    assert len(outside.rows(t.debt)) == len(outside.rows(t.seat)) == 2 * visits_
    assert outside.do(audit.verify).problem == ""


@pytest.mark.parametrize("served", ["sqlite"], indirect=True)
def test_a_kill_between_the_answers_and_the_receipt_loses_nothing_and_doubles_nothing(outside: Outside) -> None:
    one = case(outside, 1)
    one.answers(0)
    assert len(one.said) >= 10
    one.files(1)
    check_books(outside, 1)
    outside.served.kill()
    assert outside.served.failures() == []


@pytest.mark.drill
@pytest.mark.parametrize("served", ["sqlite", "postgresql"], indirect=True)
def test_many_kills_between_answer_and_filing_lose_nothing_and_double_nothing(
    outside: Outside, record_property: Figure
) -> None:
    cases = []
    for seed in range(3):
        cases.append(case(outside, seed))
        cases[-1].answers(2)
        cases[-1].files(3)
    check_books(outside, len(cases))
    outside.served.kill()
    assert outside.served.failures() == []
    record_property("answers acknowledged", sum(len(each.said) for each in cases))
    record_property("cut off", sum(each.cut for each in cases))
    record_property("lost or doubled", 0)
