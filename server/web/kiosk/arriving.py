"""At a kiosk: whoever has booked, or has a number already, types or scans it and is checked in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from forms_schema.text import N_
from server.counter import kiosk
from server.counter.arriving import Arrived, Why, arrive
from server.counter.handoffs import Code
from server.counter.kiosk import Standing
from server.counter.line import State
from server.counter.tickets import Ticket
from server.store.database import Writing
from server.web.contexts import ErrorLink
from server.web.counter.brought import CAMERA
from server.web.device import device
from server.web.http import language, last, read_form, services
from server.web.kiosk.end import TICKET
from server.web.kiosk.standing import HOME, Around, Way, around, attended, go, screen, set_way, way
from server.web.routing import Access, route

HERE: Final = f"{HOME}/reserved"
LONGEST: Final = 300
"""Characters of what a reader types: an address, at most."""
LABEL: Final = N_("受付番号、またはQRコード")
WORDS: Final[Mapping[str, str]] = {
    Why.UNREADABLE: N_("受付番号は15けたの数字です。確かめて、もう一度入力してください"),
    Why.UNKNOWN: N_("この番号の予約は見つかりません。確かめて、もう一度入力してください"),
    Why.PAST: N_("予約の日は、もう過ぎました。番号札だけを取って、窓口で話してください"),
    Why.AHEAD: N_("予約の日は、きょうではありません。まだ先です。予約の日に来てください"),
    Why.OLD: N_("この番号札は、きょうのものではありません。新しい番号札を取ってください"),
    Why.LEFT: N_("この番号は、取り消されています。新しい番号札を取ってください"),
    Why.OVER: N_("この番号は、もう窓口で使われました。ほかの用事があるときは、新しい番号札を取ってください"),
    Why.HANDOFF: N_("これは、窓口で見せるコードです。番号札を取って、窓口で見せてください"),
    Why.CALLED_BY: N_("番号札は、もう持っています。番号が呼ばれるまで、待ってください"),
    Why.OFTEN: N_("まちがいが続いたため、いまは入力できません。係員を呼んでください"),
}


@dataclass(frozen=True, slots=True)
class ReservedScreen:
    """kiosk/reserved.html. `typed` is what led to nothing, and `errors` why."""

    kiosk: Around
    typed: str
    errors: Sequence[ErrorLink]


async def reserved(request: Request, _who: Standing) -> Response:
    """Where a number is typed."""
    about, say = way(request), language(request).say
    if about.taken:
        return go(request, TICKET)
    told = WORDS.get(request.query_params.get("why", ""), "")
    errors = [ErrorLink("#f-code", say(LABEL), say(told))] if told else []
    response = screen(request, "reserved", ReservedScreen(around(request), about.typed if told else "", errors))
    response.headers["permissions-policy"] = CAMERA
    return response


async def check_in(request: Request, who: Standing) -> Response:
    """Here is somebody who has booked: their number, or why there is none. What they filled in goes along."""
    about, of, now = way(request), services(request), services(request).clock()
    if about.taken:
        return go(request, TICKET)
    typed = last(await read_form(request), "code")[:LONGEST]
    code = language(request).code
    queues = of.catalogue.shared.queues

    def work(db: Writing) -> tuple[Arrived | Why, Code | None]:
        given: dict[str, Any] = {"now": now, "random": of.random}
        found = arrive(db, of.keys, queues, device(request), typed, language=code, **given)
        if isinstance(found, Why):
            return found, None
        return found, kiosk.carried(db, of.keys, who, event=about.event, guide=about.guide, language=code, **given)

    found, carried = await of.database.transact(work)
    if isinstance(found, Why):
        response = go(request, f"{HERE}?why={found}")
        set_way(request, response, replace(about, typed=typed[:40]))
        return response
    response = go(request, TICKET)
    ticket = found.ticket
    made = Way(
        ticket=ticket.text(queues),
        queue=ticket.queue,
        code=carried.text if carried else "",
        follow=found.code,
        due=ticket.due_at.isoformat() if ticket.due_at else "",
        note=_note(ticket) if found.again else "",
    )
    set_way(request, response, made)
    return response


def _note(ticket: Ticket) -> str:
    """What is said of a number that somebody had before."""
    return {State.CALLED: "called", State.ABSENT: "absent"}.get(ticket.state, "again")


ROUTES = [
    route(HERE, attended(reserved), access=Access.KIOSK),
    route(HERE, attended(check_in), methods=("POST",), access=Access.KIOSK),
]
