"""The treasurer's day: what it brought in, and the count of the cash."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from server.japan import in_japan, today
from server.money import takings
from server.money.takings import Count, Taking
from server.people.roles import Action, departments
from server.store.database import Reading
from server.web.badge import Desk, absent, desk, forbidden, staff
from server.web.contexts import Choice, ErrorLink, Link
from server.web.http import last, page, read_form, see_other, services
from server.web.money.till import WAYS, yen
from server.web.routing import Access, route

HERE: Final = "/office/till"
_HEAD: Final = (
    *("日付", "時刻", "収納した課", "所管課", "収納の方法", "領収番号・支払番号", "受付番号"),
    *("手数料コード", "名称", "件数", "金額"),
)


@dataclass(frozen=True, slots=True)
class Sum:
    """So much of one kind: by the way it was paid, or by the fee."""

    name: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class CountLine:
    """A count of the cash."""

    at: datetime
    expected: int
    counted: int
    difference: int


@dataclass(frozen=True, slots=True)
class TillDayPage:
    """staff/till_day.html. `expected`: the cash that the day's records say came in; `count_url` takes a form.
    `refund_url` takes the number of an application;
    `receipts` lead to each; `before` and `after` to the days beside this one, `after` '' for a day to come."""

    desk: Desk
    department: str
    choices: Sequence[Choice]
    day: date
    ways: Sequence[Sum]
    fees: Sequence[Sum]
    total: int
    expected: int
    counts: Sequence[CountLine]
    count_url: str
    csv_url: str
    odd_url: str
    refund_url: str
    before: str
    after: str
    receipts: Sequence[Link]
    counted: str = ""
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    department: str
    day: date


def _asked(request: Request) -> _Asked | None:
    """The department and day of the address, as far as they are this person's; None for neither."""
    own = departments(staff(request).held, Action.SEE_TILL)
    given = request.query_params.get("department", "") or (own[0] if own else "")
    try:
        day = date.fromisoformat(request.query_params.get("day", "") or today(services(request).clock()).isoformat())
    except ValueError:
        return None
    return _Asked(given, day) if given in own else None


async def of_day(request: Request) -> Response:
    """What a department took on a day."""
    return await _of_day(request)


async def _of_day(request: Request, *, counted: str = "", wrong: str = "") -> Response:
    of, asked = services(request), _asked(request)
    if asked is None:
        return absent(request) if departments(staff(request).held, Action.SEE_TILL) else forbidden(request)

    def work(db: Reading) -> tuple[list[Taking], list[Count]]:
        return takings.takings(db, asked.department, asked.day), takings.counts(db, asked.department, asked.day)

    found, counts = await of.database.read(work, long=True)
    own = departments(staff(request).held, Action.SEE_TILL)
    tomorrow = asked.day + timedelta(days=1)
    numbers = sorted({each.number for each in found if each.way in ("cash", "terminal")})
    context = TillDayPage(
        desk=desk(request),
        department=asked.department,
        choices=[Choice(each, each, each == asked.department) for each in own],
        day=asked.day,
        ways=_sums(found, lambda each: WAYS.get(each.way, each.way)),
        fees=_sums(found, lambda each: f"{each.title} ({each.code})" if each.code else each.title),
        total=sum(each.amount for each in found),
        expected=takings.cash(found),
        counts=[CountLine(each.counted_at, each.expected, each.counted, each.difference) for each in counts],
        count_url=_url(asked, asked.day, "/count"),
        csv_url=_url(asked, asked.day, "/export.csv"),
        odd_url=f"{HERE}/unclear",
        refund_url=f"{HERE}/refund",
        before=_url(asked, asked.day - timedelta(days=1)),
        after=_url(asked, tomorrow) if tomorrow <= today(of.clock()) else "",
        receipts=[Link(each, f"/counter/receipts/{each}") for each in numbers],
        counted=counted,
        errors=[ErrorLink("#f-counted", "数えた現金", wrong)] if wrong else [],
    )
    return page(request, "staff/till_day.html", context, status=422 if wrong else 200)


def _url(asked: _Asked, day: date, to: str = "") -> str:
    return f"{HERE}{to}?" + urlencode({"department": asked.department, "day": day.isoformat()})


def _sums(found: Sequence[Taking], name: Callable[[Taking], str]) -> list[Sum]:
    sums: dict[str, Sum] = {}
    for each in found:
        before = sums.get(name(each), Sum(name(each), 0, 0))
        sums[name(each)] = Sum(before.name, before.count + each.quantity, before.amount + each.amount)
    return sorted(sums.values(), key=lambda each: each.name)


async def export(request: Request) -> Response:
    """The day as CSV for the accounts: a line a fee, gross; UTF-8 with a mark, as spreadsheets in Japan expect."""
    of, asked = services(request), _asked(request)
    if asked is None:
        return absent(request)
    found = await of.database.read(lambda db: takings.takings(db, asked.department, asked.day), long=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_HEAD)
    for each in found:
        at = in_japan(each.at)
        writer.writerow(
            [
                *(f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}", asked.department, each.department, WAYS.get(each.way, each.way)),
                *(each.number, each.application, each.code, each.title, each.quantity, each.amount),
            ]
        )
    name = f"shunou-{asked.day:%Y%m%d}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


async def count(request: Request) -> Response:
    """Write down what was counted."""
    of, who, asked = services(request), staff(request), _asked(request)
    if asked is None:
        return absent(request)
    typed = last(await read_form(request), "counted")
    counted = yen(typed)
    if counted < 0:
        return await _of_day(request, counted=typed[:12], wrong="数えた現金を、円の数字で入力してください")
    now = of.clock()
    await of.database.transact(
        lambda db: takings.count(db, asked.department, asked.day, counted, who.id, now=now, random=of.random)
    )
    return see_other(_url(asked, asked.day))


ROUTES = [
    route(HERE, of_day, access=Access.STAFF),
    route(f"{HERE}/export.csv", export, access=Access.STAFF),
    route(f"{HERE}/count", count, methods=("POST",), access=Access.STAFF),
]
