"""An operator suspends a procedure and lets it go on, on either database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from server.applications.drafts import FOREVER, LIFE
from server.applications.suspending import LONGEST_REASON, Refusal, resume, standing, suspend
from server.catalogue import ProcedureState, Status, Suspension
from server.japan import JST
from server.store import tables as t
from tests.conftest import Clock, Maker, Store

HOUR = timedelta(hours=1)
WHY = "システムの点検のため。"


@pytest.fixture
def served(store: Store, make: Maker) -> Store:
    make(t.publication, slug="plain", state="open", reason="")
    make(t.publication, slug="other", state="open", reason="")
    return store


def stop(store: Store, now: datetime, start: datetime | None = None, until: datetime | None = None) -> Refusal | None:
    wanted = Suspension(WHY, start, until)
    return store.transact(lambda db: suspend(db, "plain", wanted, now=now, actor="operator"))


def publication(store: Store, slug: str = "plain") -> tuple[Any, ...]:
    of = t.publication.c
    row = store.read(
        lambda db: db.one(
            select(of.state, of.reason, of.suspended_from, of.suspended_until).where(t.publication.c.slug == slug)
        )
    )
    assert row is not None
    return tuple(row)


def test_a_suspension_is_written_down_whole_and_taken_back_whole(served: Store, clock: Clock) -> None:
    now = clock()
    assert stop(served, now, now + HOUR, now + 2 * HOUR) is None
    assert publication(served) == ("suspended", WHY, now + HOUR, now + 2 * HOUR)
    assert publication(served, "other") == ("open", "", None, None)
    assert served.transact(lambda db: resume(db, "plain", now=now, actor="operator")) is None
    assert publication(served) == ("open", "", None, None)


def test_without_a_beginning_it_begins_now_and_a_new_one_takes_the_place_of_the_old(
    served: Store, clock: Clock
) -> None:
    now = clock()
    assert stop(served, now) is stop(served, now, until=now + HOUR) is None
    assert publication(served) == ("suspended", WHY, now, now + HOUR)


def test_every_act_of_an_operator_stands_in_the_audit_chain(served: Store, clock: Clock) -> None:
    now = clock()
    until = datetime(2026, 11, 26, 8, tzinfo=JST)
    stop(served, now, until=until)
    served.transact(lambda db: resume(db, "plain", now=now, actor="operator"))
    of = t.audit.c
    lines = served.read(lambda db: db.all(select(of.action, of.target, of.actor, of.detail).order_by(of.seq)))
    assert [(each.action, each.target, each.actor) for each in lines] == [
        ("procedure.suspend", "plain", "operator"),
        ("procedure.resume", "plain", "operator"),
    ]
    assert until.isoformat() in lines[0].detail


@pytest.mark.parametrize(
    ("slug", "reason", "start", "until", "refusal"),
    [
        ("nothing", WHY, None, None, Refusal.UNKNOWN),
        ("plain", "", None, None, Refusal.BAD_REASON),
        ("plain", "  ", None, None, Refusal.BAD_REASON),
        ("plain", "a\nb", None, None, Refusal.BAD_REASON),
        ("plain", "x\x1b[31m", None, None, Refusal.BAD_REASON),
        ("plain", "あ" * (LONGEST_REASON + 1), None, None, Refusal.BAD_REASON),
        ("plain", WHY, 2, 2, Refusal.EMPTY),
        ("plain", WHY, 2, 1, Refusal.EMPTY),
        ("plain", WHY, None, 0, Refusal.PAST),
        ("plain", WHY, -3, -1, Refusal.PAST),
    ],
)
def test_a_suspension_that_cannot_be_changes_nothing(
    served: Store, clock: Clock, slug: str, reason: str, start: int | None, until: int | None, refusal: Refusal
) -> None:
    now = clock()
    begins, ends = (None if hours is None else now + hours * HOUR for hours in (start, until))
    wanted = Suspension(reason, begins, ends)
    assert served.transact(lambda db: suspend(db, slug, wanted, now=now, actor="operator")) is refusal
    assert publication(served) == ("open", "", None, None)
    assert served.read(lambda db: db.all(select(t.audit))) == []


def test_what_is_not_suspended_cannot_be_resumed(served: Store, clock: Clock) -> None:
    def again(slug: str = "plain") -> Refusal | None:
        return served.transact(lambda db: resume(db, slug, now=clock(), actor="operator"))

    assert (again(), again("nothing")) == (Refusal.NOT_SUSPENDED, Refusal.UNKNOWN)
    stop(served, clock(), until=clock() + HOUR)
    clock.advance(hours=1)
    assert again() is Refusal.NOT_SUSPENDED


def test_drafts_are_reckoned_anew_whenever_a_suspension_changes(served: Store, make: Maker, clock: Clock) -> None:
    now = clock()
    far = now + 30 * LIFE
    rows = {
        name: make(t.draft, slug=slug, expires_at=end, application_id=None, session_id=None)["id"]
        for name, slug, end in (
            ("fresh", "plain", now + LIFE),
            ("old", "plain", now + HOUR),
            ("gone", "plain", now - HOUR),
            ("elsewhere", "other", now + LIFE),
        )
    }

    def ends() -> dict[str, datetime]:
        found = dict(tuple(row) for row in served.read(lambda db: db.all(select(t.draft.c.id, t.draft.c.expires_at))))
        return {name: found[draft] for name, draft in rows.items()}

    others = {"gone": now - HOUR, "elsewhere": now + LIFE}
    stop(served, now, now + 2 * HOUR, far)
    assert ends() == {"fresh": far + LIFE, "old": now + HOUR, **others}
    stop(served, now)
    assert ends() == {"fresh": FOREVER, "old": FOREVER, **others}
    stop(served, now, until=far)
    assert ends() == {"fresh": far + LIFE, "old": far + LIFE, **others}
    served.transact(lambda db: resume(db, "plain", now=now + HOUR, actor="operator"))
    assert ends() == {"fresh": now + HOUR + LIFE, "old": now + HOUR + LIFE, **others}


def test_an_operator_reads_in_one_line_how_a_procedure_stands() -> None:
    evening, morning = datetime(2026, 11, 25, 20, tzinfo=JST), datetime(2026, 11, 26, 8, tzinfo=JST)
    ahead = Status(ProcedureState.OPEN, "", None, None, Suspension(WHY, evening, morning))
    assert standing(ahead) == f"open  停止の予定 2026-11-25 20:00 〜 2026-11-26 08:00  {WHY}"
    stopped = Status(ProcedureState.SUSPENDED, WHY, None, evening.date(), Suspension(WHY, evening, None))
    assert standing(stopped) == f"suspended  受付期間  〜 2026-11-25  停止 2026-11-25 20:00 〜   {WHY}"
