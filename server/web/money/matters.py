"""Money that a person has to look into: what is known of it, what to do, and the note that it was dealt with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.applications.messages import plain_text
from server.money import matters
from server.money.matters import Dealt, Matter
from server.people import staff as accounts
from server.people.roles import Action, departments
from server.store.database import Reading, Writing
from server.web.badge import Desk, absent, desk, forbidden, staff
from server.web.contexts import ErrorLink
from server.web.http import last, page, read_form, see_other, services
from server.web.money.takings import HERE as DAY
from server.web.money.till import WAYS
from server.web.routing import Access, route

HERE: Final = f"{DAY}/unclear"
LONGEST_NOTE: Final = 300


@dataclass(frozen=True, slots=True)
class DealtLine:
    """What was noted, and by whom."""

    was: Dealt
    by: str


@dataclass(frozen=True, slots=True)
class TillOddPage:
    """staff/till_odd.html. `ways` are what `Matter.way` is called; `note_url` takes a note of `most` characters.
    `refund_url` takes `?number=`. `wrong`: the key of the matter whose note could not stand, `typed` what it was."""

    desk: Desk
    lines: Sequence[Matter]
    dealt: Sequence[DealtLine]
    ways: Mapping[str, str]
    note_url: str
    refund_url: str
    back_url: str
    most: int = LONGEST_NOTE
    wrong: str = ""
    typed: str = ""
    errors: Sequence[ErrorLink] = ()


async def listed(request: Request) -> Response:
    """Everything that somebody has to look into, and what was noted of it lately."""
    return await _listed(request)


async def _listed(request: Request, *, wrong: str = "", typed: str = "") -> Response:
    of, own = services(request), departments(staff(request).held, Action.SEE_TILL)
    if not own:
        return forbidden(request)

    def work(db: Reading) -> tuple[list[Matter], list[DealtLine]]:
        noted = matters.dealt(db, of.keys, own)
        names = {each.staff_id: accounts.name_of(db, of.keys, each.staff_id) for each in noted}
        return matters.matters(db, own, now=of.clock()), [DealtLine(each, names[each.staff_id]) for each in noted]

    lines, noted = await of.database.read(work, long=True)
    place = next((count for count, each in enumerate(lines, 1) if each.key == wrong), 0)
    if wrong and not place:
        return see_other(HERE)  # somebody else has noted it meanwhile
    told = f"どうしたかを、1文字から{LONGEST_NOTE}文字で入力してください"
    context = TillOddPage(
        desk=desk(request),
        lines=lines,
        dealt=noted,
        ways=WAYS,
        note_url=f"{HERE}/note",
        refund_url=f"{DAY}/refund",
        back_url=DAY,
        wrong=wrong,
        typed=typed,
        errors=[ErrorLink(f"#f-{place}-note", "どうしたか", told)] if place else [],
    )
    return page(request, "staff/till_odd.html", context, status=422 if place else 200)


async def note(request: Request) -> Response:
    """Write down how it was dealt with; it is listed no more. Pressed twice, it is noted once."""
    of, who, now = services(request), staff(request), services(request).clock()
    own = departments(who.held, Action.SEE_TILL)
    posted = await read_form(request)
    key, typed = (last(posted, name) for name in ("matter", "note"))
    if not own or not key:
        return absent(request)
    words = plain_text(typed)
    if words is None or len(words) > LONGEST_NOTE:
        return await _listed(request, wrong=key, typed=typed[: LONGEST_NOTE * 2])

    def work(db: Writing) -> bool:
        return matters.note(db, of.keys, own, key, words, who.id, now=now, random=of.random)

    await of.database.transact(work)
    return see_other(HERE)


ROUTES = [
    route(HERE, listed, access=Access.STAFF),
    route(f"{HERE}/note", note, methods=("POST",), access=Access.STAFF),
]
