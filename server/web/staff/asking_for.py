"""What one administrator asks for and another allows: a procedure stopped or resumed, roles, an account's reset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.applications import proposals, suspending
from server.applications.proposals import Unmet, write_held
from server.catalogue import ProcedureState, Suspension
from server.japan import moment_of
from server.people import staff as accounts
from server.people.roles import CITY_WIDE, EVERYWHERE, Action, Held, Role
from server.people.staff import Account
from server.store.database import Writing
from server.web.badge import Desk, absent, desk, forbidden, refused, staff
from server.web.contexts import ErrorLink, Link
from server.web.http import last, page, read_form, see_other, services
from server.web.routing import Access, route
from server.web.staff.proposals import HERE as PROPOSALS

HERE: Final = "/admin/procedures"
LONGEST: Final = suspending.LONGEST_REASON
_TOLD: Final = {
    suspending.Refusal.BAD_REASON: ("reason", f"止める理由を、1行で{LONGEST}文字までで入力してください"),
    suspending.Refusal.PAST: ("until", "終わりの日時は、これからの日時にしてください"),
    suspending.Refusal.EMPTY: ("until", "終わりの日時は、始まりよりあとにしてください"),
}


@dataclass(frozen=True, slots=True)
class Stopped:
    """A procedure that takes no filings, or will not from `start`. `resume_url` takes a form."""

    title: str
    reason: str
    start: datetime | None
    until: datetime | None
    resume_url: str


@dataclass(frozen=True, slots=True)
class StopPage:
    """staff/procedures.html. `procedures`: slug and title of what may be stopped; the rest is what was typed."""

    desk: Desk
    stopped: Sequence[Stopped]
    procedures: Sequence[tuple[str, str]]
    slug: str = ""
    reason: str = ""
    start: str = ""
    until: str = ""
    errors: Sequence[ErrorLink] = ()
    longest: int = LONGEST


# --- procedures -----------------------------------------------------------------------------------------------------


async def procedures(request: Request) -> Response:
    """What is stopped, and what may be."""
    if not staff(request).may(Action.SUSPEND):
        return forbidden(request)
    return _page(request, {})


def _page(request: Request, typed: Mapping[str, str], wrong: ErrorLink | None = None) -> Response:
    served, now = services(request).catalogue.all(), services(request).clock()
    stops = [(each.declaration, each.status(now)) for each in served]
    context = StopPage(
        desk=desk(request),
        stopped=[
            Stopped(of.title, stop.reason, stop.start, stop.until, f"{HERE}/{of.slug}/resume")
            for of, status in stops
            if (stop := status.suspension) is not None
        ],
        procedures=[(of.slug, of.title) for of, status in stops if status.state is ProcedureState.OPEN],
        slug=typed.get("slug", ""),
        reason=typed.get("reason", "")[: LONGEST * 2],
        start=typed.get("start", "")[:40],
        until=typed.get("until", "")[:40],
        errors=[wrong] if wrong else [],
    )
    return page(request, "staff/procedures.html", context, status=422 if wrong else 200)


async def stop(request: Request) -> Response:
    """Ask for a procedure to be stopped for a while."""
    of, posted, now = services(request), await read_form(request), services(request).clock()
    if not staff(request).may(Action.SUSPEND):
        return forbidden(request)
    typed = {name: last(posted, name) for name in ("slug", "reason", "start", "until")}
    if of.catalogue.get(typed["slug"]) is None:
        return _page(request, typed, ErrorLink("#f-slug", "手続き", "止める手続きを選んでください"))
    try:
        start, until = (moment_of(typed[name]) if typed[name] else None for name in ("start", "until"))
    except ValueError:
        return _page(request, typed, ErrorLink("#f-start", "日時", "日時は、年月日と時刻を入力してください"))
    wanted = Suspension(" ".join(typed["reason"].split()), start, until)
    if (unfit := suspending.unfit(wanted, now=now)) is not None:
        control, words = _TOLD[unfit]
        return _page(request, typed, ErrorLink(f"#f-{control}", "停止", words))
    window = {"from": start.isoformat() if start else "", "until": until.isoformat() if until else ""}
    return await _ask(request, "procedure.suspend", typed["slug"], {"reason": wanted.reason, **window})


async def resume(request: Request) -> Response:
    """Ask for a procedure to go on."""
    slug = request.path_params["slug"]
    if not staff(request).may(Action.SUSPEND):
        return forbidden(request)
    if services(request).catalogue.get(slug) is None:
        return absent(request)
    return await _ask(request, "procedure.resume", slug, {})


async def _ask(request: Request, kind: str, target: str, detail: Mapping[str, str]) -> Response:
    of, who, now = services(request), staff(request), services(request).clock()

    def work(db: Writing) -> str | Unmet:
        return proposals.propose(db, of.keys, kind, target, "", who, detail, now=now, random=of.random)

    found = await of.database.transact(work)
    if found is Unmet.FORBIDDEN:
        return forbidden(request)
    if found is Unmet.WAITING:
        advice = "同じことが、もう頼まれています。承認待ちの一覧で確かめてください。"
        return refused(request, 409, "もう頼まれています", advice, Link("承認待ちの一覧を開く", PROPOSALS))
    return see_other(PROPOSALS)


# --- accounts -------------------------------------------------------------------------------------------------------


async def roles(request: Request) -> Response:
    """Ask for the roles of a colleague to be changed: those that stay ticked, and one that is added."""
    found = await _colleague(request)
    if not isinstance(found, Account):
        return found
    posted = await read_form(request)
    kept = [each for each in found.held if f"{each.role}:{each.department}" in posted.get("keep", [])]
    added = _added(request, *(last(posted, name) for name in ("role", "department")))
    if added is None:
        advice = "役割を選び、課の役割のときは課も選んでください。市全体の役割では、課を選ばないでください。"
        return refused(request, 422, "役割が正しくありません", advice, Link("戻る", f"/admin/staff/{found.id}"))
    wanted = {*kept, *added}
    if not wanted or wanted == set(found.held):
        advice = "いまの役割と同じか、役割が1つもありません。だれかを使えなくするときは、アカウントを止めてください。"
        return refused(request, 422, "変わるところがありません", advice, Link("戻る", f"/admin/staff/{found.id}"))
    return await _ask(request, "staff.roles", found.id, {"roles": write_held(list(wanted))})


def _added(request: Request, role: str, department: str) -> list[Held] | None:
    """The role that is to be added, [] for none; None for one that there is not."""
    if not role:
        return []
    wide = role in CITY_WIDE
    fits = role in set(Role) and (not department if wide else department in services(request).city.departments)
    return [Held(Role(role), EVERYWHERE if wide else department)] if fits else None


async def reset(request: Request) -> Response:
    """Ask for a colleague to enrol anew: every way in that they have is void with it."""
    found = await _colleague(request)
    return await _ask(request, "staff.reset", found.id, {}) if isinstance(found, Account) else found


async def _colleague(request: Request) -> Account | Response:
    of, staff_id = services(request), request.path_params["staff"]
    if not staff(request).may(Action.MANAGE_STAFF):
        return forbidden(request)
    return await of.database.read(lambda db: accounts.account(db, of.keys, staff_id)) or absent(request)


ROUTES = [
    route(HERE, procedures, access=Access.STAFF),
    route(f"{HERE}/suspend", stop, methods=("POST",), access=Access.STAFF),
    route(f"{HERE}/{{slug}}/resume", resume, methods=("POST",), access=Access.STAFF),
    route("/admin/staff/{staff}/roles", roles, methods=("POST",), access=Access.STAFF),
    route("/admin/staff/{staff}/reset", reset, methods=("POST",), access=Access.STAFF),
]
