"""The last look at a visit before it is filed, and the filing: all of its applications or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from procedures.bookings import Opening
from server.applications.submission import Raced, SlotTaken, Submitted
from server.catalogue import Published
from server.counter import confirmation, filing
from server.counter.confirmation import PAPER, SAID, Moved
from server.counter.filing import NotReady, Ready
from server.counter.mirror import picture
from server.counter.visits import Visit
from server.notices.worker import deliver_at_once
from server.paper.finding import known
from server.store.database import Writing
from server.web.badge import Desk, desk, staff
from server.web.contexts import ErrorLink
from server.web.counter.sources import TracedForm, traced
from server.web.counter.visiting import HERE, Open, Panel, found_visit, open_visit, panel
from server.web.counter.visits import changed
from server.web.http import last, page, read_form, see_other, services
from server.web.routing import Access, route

METHOD_WORDS: Final[Mapping[str, str]] = {
    "drawn": "タブレットに署名",
    "said": "口頭で確認",
    "paper": "紙の控えに署名",
}
CHANNEL: Final = "counter"


@dataclass(frozen=True, slots=True)
class CheckPage:
    """staff/counter_check.html. `ready`: all may be filed. `known`: by which documents whoever came was known, ''
    where that is not recorded. `confirmed` says how the resident agreed on the tablet, '' where they did not. `total`
    in yen."""

    desk: Desk
    panel: Panel
    action: str
    forms: Sequence[TracedForm]
    ready: bool
    total: int
    known: str
    known_url: str
    confirmed: str
    confirmed_at: datetime | None
    method: str
    rev: str
    errors: Sequence[ErrorLink]
    told: str


async def check(request: Request) -> Response:
    """Everything as it will be filed, with what stands against it."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    if not seen.declarations:
        return see_other(f"{seen.base}/event")
    return await _check(request, seen)


async def _judged(request: Request, seen: Open) -> Ready | NotReady:
    of, now = services(request), services(request).clock()
    files, sent = await of.database.read(
        lambda db: (filing.files_in(db, of.keys, seen.visit), filing.sent_in(db, of.keys, seen.visit))
    )
    openings: dict[str, Opening] = {}
    served: dict[str, Published] = {}
    for name, declaration in seen.declarations.items():
        opening, published = await of.opening(declaration), of.catalogue.get(name)
        openings |= {name: opening} if opening is not None else {}
        served |= {name: published} if published is not None else {}
    table = of.catalogue.shared.fees
    return filing.judge(seen.visit, seen.turn, seen.declarations, files, openings, served, table, sent=sent, now=now)


async def _check(request: Request, seen: Open, *, told: str = "", method: str = "", status: int = 200) -> Response:
    of = services(request)
    outcome = await _judged(request, seen)
    confirmed, by = await of.database.read(
        lambda db: (confirmation.confirmed(db, seen.visit), known(db, of.keys, seen.visit.id))
    )
    ready = outcome if isinstance(outcome, Ready) else None
    forms = await traced(request, seen, outcome.errors if isinstance(outcome, NotReady) else {}, ready)
    errors = [ErrorLink("#f-method", "内容の確認", told)] if status == 422 and told else []
    context = CheckPage(
        desk=desk(request),
        panel=panel(request, seen),
        action=f"{seen.base}/check",
        forms=forms,
        ready=ready is not None,
        total=ready.total if ready else 0,
        known=by,
        known_url=f"{seen.base}/identity",
        confirmed=METHOD_WORDS[confirmed.method] if confirmed else "",
        confirmed_at=confirmed.confirmed_at if confirmed else None,
        method=method,
        rev=_seen(seen.visit, outcome),
        errors=errors,
        told="" if errors else told,
    )
    return page(request, "staff/counter_check.html", context, status=status)


def _seen(visit: Visit, outcome: Ready | NotReady) -> str:
    """What the clerk has read out: this revision, and what each application costs."""
    fees = [each.quote.total for each in outcome.applications.values()] if isinstance(outcome, Ready) else []
    return "-".join(map(str, [visit.revision, *fees]))


async def submit(request: Request) -> Response:
    """File every application of the visit, or none. Sent twice, it leads to what was filed."""
    posted = await read_form(request)
    seen = await open_visit(request, posted)
    if isinstance(seen, Response):
        return seen
    method = last(posted, "method")
    outcome = await _judged(request, seen)
    confirmed = await services(request).database.read(lambda db: confirmation.confirmed(db, seen.visit))
    refused = _refused(seen.visit, outcome, confirmed, last(posted, "_rev"), method)
    if isinstance(outcome, Ready) and refused is None:
        return await _filed(request, seen, outcome, confirmed, method)
    if await _over(request):
        return see_other(seen.base)
    told, status = refused or ("", 409)
    return await _check(request, seen, told=told, method=method, status=status)


async def _over(request: Request) -> bool:
    """Whether the visit is no longer open: pressed twice, the other one filed it, and what stands against this one is
    what that one did."""
    again = await found_visit(request)
    return isinstance(again, Response) or not again.open


def _refused(
    visit: Visit, outcome: Ready | NotReady, confirmed: confirmation.Confirmation | None, rev: str, method: str
) -> tuple[str, int] | None:
    """What stands against filing what was posted, and the status it is told with."""
    if rev.partition("-")[0] != str(visit.revision):
        return "ほかの画面で内容が変わりました。もう一度、本人と確かめてください。", 409
    if isinstance(outcome, NotReady):
        return "まだ出せません。下の誤りを直してください。1件も出していません。", 409
    if rev != _seen(visit, outcome):
        told = "手数料が変わりました。下の金額を本人に伝えてから、もう一度出してください。1件も出していません。"
        return told, 409
    if confirmed is None and method not in (PAPER, SAID):
        return "本人がどのように内容を確かめたかを選んでください", 422
    return None


async def _filed(
    request: Request, seen: Open, ready: Ready, confirmed: confirmation.Confirmation | None, method: str
) -> Response:
    of, who, now = services(request), staff(request), services(request).clock()
    japanese = of.languages.japanese

    def work(db: Writing) -> Mapping[str, Submitted]:
        made = confirmed or confirmation.confirm(
            db,
            of.keys,
            seen.visit,
            picture(seen.turn, seen.declarations, japanese).to_bytes(japanese.code),
            method,
            who.actor,
            staff_id=who.id,
            now=now,
            random=of.random,
        )
        if isinstance(made, Moved):
            raise Raced
        return filing.file(
            db,
            of.keys,
            ready,
            who,
            filing.Confirmed(made.method, made.id),
            base_url=of.settings.base_url,
            payment_days=of.city.payment_days,
            now=now,
            random=of.random,
        )

    try:
        done = await of.database.transact(work)
    except SlotTaken:
        told = "予約の日時が、先にうまりました。1件も出していません。ほかの日時を選んでから、もう一度出してください。"
        return await _check(request, seen, told=told, method=method, status=409)
    except Raced:
        return see_other(seen.base) if await _over(request) else changed(request, seen)
    of.interviews.drop(seen.visit.id)
    of.mirrors.drop(seen.visit.id)
    if of.mailer is not None:
        await deliver_at_once(of.database, of.mailer, now)
    for name in done:
        of.metrics.submitted(name, CHANNEL)
    return see_other(f"{seen.base}/filed")


ROUTES = [
    route(HERE + "/{visit:uuid}/check", check, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/check", submit, methods=("POST",), access=Access.STAFF),
]
