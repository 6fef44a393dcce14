"""How long people wait and are served, for those who answer for it: sums by queue, procedure, day and hour."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from procedures.queues import QueueTable
from server.counter import times
from server.counter.times import SEVERAL, Hour, Sums
from server.japan import today
from server.people.roles import Action, departments
from server.web.badge import Desk, desk, forbidden, staff
from server.web.contexts import ErrorLink
from server.web.http import page, services
from server.web.routing import Access, route

HERE: Final = "/counter/times"
LONGEST: Final = 92
"""Days that are shown at once."""
USUAL: Final = timedelta(days=6)
HEAD: Final = (
    *("日", "時", "組", "組の名前", "手続", "手続の名前", "呼んだ人数", "待った秒数の合計", "いちばん長い待ち時間(秒)"),
    *("対応した人数", "対応した秒数の合計", "対応した秒数の2乗の合計", "帰った人数"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """One line: what it is of, and its sums; `wait` and `service` are means in minutes, None where there are none."""

    name: str
    waits: int
    wait: float | None
    longest: int
    serves: int
    service: float | None
    gone: int


@dataclass(frozen=True, slots=True)
class TimesPage:
    """staff/queue_times.html. `csv_url` is '' where there is nothing."""

    desk: Desk
    first: str
    last: str
    total: Figures
    queues: Sequence[Figures]
    procedures: Sequence[Figures]
    days: Sequence[Figures]
    hours: Sequence[Figures]
    csv_url: str
    longest_range: int
    errors: Sequence[ErrorLink] = ()


async def times_page(request: Request) -> Response:
    """The sums of some days, a week where nothing else was asked for."""
    if not departments(staff(request).held, Action.SEE_TIMES):
        return forbidden(request)
    asked, found = _asked(request), dict[Hour, Sums]()
    if asked is not None:
        found = await _hours(request, *asked)
    first, last = asked or _usual(request)
    told = f"はじめの日とおわりの日を確かめてください。一度に見られるのは{LONGEST}日までです"
    context = TimesPage(
        desk=desk(request),
        first=first.isoformat(),
        last=last.isoformat(),
        total=_figures("合計", found.values()),
        queues=_by(found, lambda hour: _queue(request, hour.queue)),
        procedures=_by(found, lambda hour: _procedure(request, hour.slug)),
        days=_by(found, lambda hour: hour.day),
        hours=_by(found, lambda hour: f"{hour.hour:02}時台"),
        csv_url=f"{HERE}.csv?from={first}&to={last}" if found else "",
        longest_range=LONGEST,
        errors=[] if asked else [ErrorLink("#f-from", "期間", told)],
    )
    return page(request, "staff/queue_times.html", context, status=200 if asked else 422)


async def times_file(request: Request) -> Response:
    """The same as a table for a spreadsheet: a line an hour, a queue and a procedure."""
    if not departments(staff(request).held, Action.SEE_TIMES):
        return forbidden(request)
    asked = _asked(request)
    found = await _hours(request, *asked) if asked else {}
    first, last = asked or _usual(request)
    headers = {"content-disposition": f'attachment; filename="times-{first}-{last}.csv"'}
    return Response(_csv(request, found), media_type="text/csv; charset=utf-8", headers=headers)


async def _hours(request: Request, first: date, last: date) -> dict[Hour, Sums]:
    of = services(request)
    return await of.database.read(lambda db: times.hours(db, first, last, now=of.clock()), long=True)


def _usual(request: Request) -> tuple[date, date]:
    here = today(services(request).clock())
    return here - USUAL, here


def _asked(request: Request) -> tuple[date, date] | None:
    """The days asked for, both counted; None for what cannot be shown."""
    first, last = _usual(request)
    try:
        first = date.fromisoformat(request.query_params.get("from") or first.isoformat())
        last = date.fromisoformat(request.query_params.get("to") or last.isoformat())
    except ValueError:
        return None
    return (first, last) if timedelta() <= last - first < timedelta(days=LONGEST) else None


def _table(request: Request) -> QueueTable:
    return services(request).catalogue.shared.queues


def _queue(request: Request, queue: str) -> str:
    found = _table(request).queues.get(queue)
    return f"{found.letter} {found.title}" if found else queue


def _procedure(request: Request, slug: str) -> str:
    if slug == SEVERAL:
        return "いくつかの手続き"
    served = services(request).catalogue.get(slug) if slug else None
    return served.declaration.title if served else slug or "手続きを聞いていないもの"


def _by(found: Mapping[Hour, Sums], named: Callable[[Hour], str]) -> list[Figures]:
    parts: dict[str, list[Sums]] = {}
    for hour, sums in found.items():
        parts.setdefault(named(hour), []).append(sums)
    return [_figures(name, parts[name]) for name in sorted(parts)]


def _figures(name: str, every: Iterable[Sums]) -> Figures:
    sums = sum(every, Sums())
    longest = -(-sums.longest // 60)
    return Figures(name, sums.waits, sums.wait, longest, sums.serves, sums.service, sums.gone)


def _csv(request: Request, found: Mapping[Hour, Sums]) -> str:
    """With a BOM: a spreadsheet in Japan reads UTF-8 by it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for day, hour, queue, slug, *sums in times.as_table(found):
        writer.writerow(
            [day, hour, queue, _table(request).title(str(queue)), slug, _procedure(request, str(slug)), *sums]
        )
    return "\ufeff" + out.getvalue()


ROUTES = [
    route(HERE, times_page, access=Access.STAFF),
    route(f"{HERE}.csv", times_file, access=Access.STAFF),
]
