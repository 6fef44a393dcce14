"""Several hands at the same moment: windows on either store, small procedures that book a slot or cost something."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

from sqlalchemy import func, select, text

from procedures.bookings import BookingTable
from procedures.declaration import Declaration
from server.counter import confirmation, visits
from server.settings import Settings
from server.store.database import SqliteDatabase, Writing
from tests.conftest import Clock
from tests.counter.window import AtWindow, Window
from tests.procedures.joint_clerk import Clerk
from tests.security.declarations import FEE
from tests.security.declarations import declared as procedure
from tests.security.site import opened

T = TypeVar("T")
CALENDAR: Final = "shimin-madoguchi"
SLOT, LATER = "2026-12-02T10:00", "2026-12-03T10:00"
_NOTE: Final = {"type": "string", "title": "用件", "maxLength": 50}
_PERSON: Final = {"$ref": "urn:kakanai:common#/$defs/person", "title": "申請する人", "x-subject": "applicant"}
_SLOT: Final = {"type": "string", "format": "slot", "title": "来庁する日時"}
PERSON: Final = {
    "name": {"family": "見本", "given": "和子", "family_kana": "ミホン", "given_kana": "カズコ"},
    "birthdate": "1958-11-03",
    "address": {"postal_code": "037-0046", "prefecture": "02", "city": "五所川原市", "street": "41-1"},
    "phone": "09000000456",
    "email": "kazuko@example.jp",
}


def small(
    slug: str,
    id: str,
    *,
    calendar: str = "",
    cost: str = "",
    timing: str = "submit",
    title: str = "",
    channels: Sequence[str] = ("online", "counter"),
) -> Declaration:
    """A procedure with a note of its own, an applicant, and perhaps a slot of a calendar and a fee of a code."""
    asked: dict[str, Any] = {"note": _NOTE, "applicant": _PERSON} | ({"visit": _SLOT} if calendar else {})
    more: dict[str, Any] = {"booking": {"field": "/visit", "calendar": calendar}} if calendar else {}
    return procedure(
        slug,
        id=id,
        title=title or f"見本の届出 {slug}",
        schema={"type": "object", "properties": asked, "required": list(asked)},
        ui={"steps": [{"title": "内容", "fields": [f"/{name}" for name in asked]}]},
        attachments=[],
        channels=list(channels),
        fee=FEE | {"items": [{"code": cost}], "timing": timing} if cost else None,
        **more,
    )


PLAIN: Final = small("plain", "P911")
PRICED: Final = small("priced", "P912", cost="juminhyo", title="見本の証明")
FIRST: Final = small("booked", "P913", calendar=CALENDAR, title="見本の予約")
SECOND: Final = small("booked-too", "P914", calendar=CALENDAR, cost="juminhyo", title="見本の予約 二つ目")
OTHER: Final = small("booked-elsewhere", "P915", calendar="kosodate-mendan", title="見本の予約 別の窓口")
SAMPLE: Final = (PLAIN, PRICED, FIRST, SECOND, OTHER)


def says(*forms: Declaration, **slots: str) -> Clerk:
    """What somebody says to these procedures; the slot of each by its slug ('-' as '_')."""
    truth = {
        each.slug: {"note": each.slug, "applicant": PERSON, "visit": slots.get(each.slug.replace("-", "_"), SLOT)}
        for each in forms
    }
    return Clerk(truth, [{"kin": "self"}], lambda query, turn: ["applicant"])


@contextmanager
def town(settings: Settings, *more: Declaration) -> Iterator[Window]:
    """The site over a migrated database of either kind, serving the sample and more."""
    with opened(settings, [*SAMPLE, *more], clock=Clock()) as site:
        site.__class__ = Window
        assert isinstance(site, Window)
        site.made = 0
        yield site
        assert site.failures() == []


def begun(clerk: AtWindow, *forms: Declaration, **slots: str) -> str:
    """A visit with these procedures answered to the end."""
    base = clerk.begin()
    clerk.choose(base, *(each.slug for each in forms))
    clerk.interview(base, says(*forms, **slots))
    return base


def tab(clerk: AtWindow) -> AtWindow:
    """Another tab of the same clerk."""
    other = AtWindow(clerk.site, clerk.officer)
    other.client.cookies.update(clerk.client.cookies)
    return other


def at_once(*steps: Callable[[], T]) -> list[T]:
    """All of these at the same moment, each in a thread of its own; what each answered."""
    together, answers, faults = threading.Barrier(len(steps)), [None] * len(steps), list[BaseException]()

    def one(number: int) -> None:
        together.wait()
        try:
            answers[number] = steps[number]()  # type: ignore[call-overload]
        except BaseException as error:  # told by the thread that asserts
            faults.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(steps))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return answers  # type: ignore[return-value]


def capacity(hall: Window, places: int, code: str = CALENDAR) -> None:
    """The city gives away so many places of each slot of a calendar."""
    shared = hall.of.catalogue.shared
    calendars = dict(shared.bookings.calendars)
    hours = tuple(replace(each, capacity=places) for each in calendars[code].hours)
    calendars[code] = replace(calendars[code], hours=hours)
    hall.of.catalogue.shared = replace(shared, bookings=BookingTable(calendars))


def count(hall: Window, table: Any, *where: Any) -> int:
    def work(db: Writing) -> int:
        return int(db.scalar(select(func.count()).select_from(table).where(*where)))

    found: int = hall.do(work)
    return found


def counts(hall: Window, *tables: Any) -> Sequence[int]:
    return [count(hall, table) for table in tables]


def of_visit(base: str) -> str:
    """The id of a visit, from its address."""
    return base.split("/")[2]


def signed(hall: Window, base: str) -> None:
    """The resident has signed on the tablet what the visit says now."""
    of, id = hall.of, of_visit(base)

    def work(db: Writing) -> None:
        visit = visits.load(db, of.keys, id, now=of.clock())
        assert visit is not None
        given: dict[str, Any] = {"path": "M1 1 L99 99", "now": of.clock(), "random": of.random}
        made = confirmation.confirm(db, of.keys, visit, b"{}", confirmation.DRAWN, "device:x", **given)
        assert isinstance(made, confirmation.Confirmation)

    hall.do(work)


def while_writing(hall: Window, work: Callable[[Writing], object], step: Callable[[], T]) -> T:
    """`step` meets somebody else's `work`: written, and committed once the step waits for it or is over."""
    written, waits = threading.Event(), threading.Event()

    def held(db: Writing) -> None:
        work(db)
        written.set()
        assert waits.wait(60)

    def somebody() -> None:
        hall.do(held)

    def mine() -> T:
        assert written.wait(60)
        try:
            return step()
        finally:
            waits.set()

    def watch() -> None:
        assert written.wait(60)
        until = time.monotonic() + 60
        while not waits.is_set() and not _waiting(hall) and time.monotonic() < until:
            time.sleep(0.005)
        waits.set()

    return at_once(somebody, mine, watch)[1]  # type: ignore[return-value]


def _waiting(hall: Window) -> bool:
    """Whether a transaction waits for another."""
    database: Any = hall.of.database
    if isinstance(database, SqliteDatabase):
        return not database._lane._queue.empty()
    with database._readers.connect() as connection:
        return bool(connection.execute(_LOCKED).scalar())


_LOCKED: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
