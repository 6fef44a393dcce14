"""What waits for a second person: who asks for what, and yes or no to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.applications import proposals, suspending
from server.applications.proposals import Decision, Outcome, Proposal, read_held
from server.japan import in_japan
from server.notices.worker import deliver_at_once
from server.people import staff as accounts
from server.people.roles import TWO_PEOPLE
from server.store.database import Reading, Writing
from server.web.badge import Desk, absent, desk, forbidden, refused, staff
from server.web.contexts import Link
from server.web.http import last, page, read_form, see_other, services
from server.web.money.till import WAYS
from server.web.routing import Access, route
from server.web.staff.accounts import roles_as_read

HERE: Final = "/office/proposals"
KIND_WORDS: Final[Mapping[str, str]] = {
    "refund": "返金",
    "till.void": "窓口の収納の記録の取消し",
    "procedure.suspend": "手続きの受付を止める",
    "procedure.resume": "手続きの受付を再開する",
    "staff.roles": "職員の役割を変える",
    "staff.reset": "職員の登録をやり直す",
}
_DETAIL_WORDS: Final = {
    "number": "受付番号",
    "receipt": "領収番号",
    "way": "支払いの方法",
    "amount": "金額",
    "reason": "理由",
    "from": "いつから",
    "until": "いつまで",
    "roles": "役割",
}
_TOLD: Final = {
    Outcome.SAME_PERSON: "自分が頼んだことと、自分のアカウントのことは、自分では決められません。",
    Outcome.OVER: "もう、ほかの人が決めています。一覧で確かめてください。",
    Outcome.EXPIRED: f"{proposals.GOOD_FOR.days}日のあいだ決まらず、期限が切れました。必要なら、頼み直してください。",
    Outcome.LAPSED: "頼んだ人が、いまはこれを頼める役割にありません。必要なら、ほかの人が頼み直してください。",
}


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """One thing that was asked for. `state` as in `proposals.Proposal`; the urls take forms, '' for whoever may not."""

    what: str
    target: str
    details: Sequence[tuple[str, str]]
    by: str
    at: datetime
    until: datetime
    state: str
    decided_by: str
    decided_at: datetime | None
    decide_url: str
    back_url: str


@dataclass(frozen=True, slots=True)
class ProposalsPage:
    """staff/proposals.html"""

    desk: Desk
    waiting: Sequence[ProposalLine]
    others: Sequence[ProposalLine]
    days: int


@dataclass(frozen=True, slots=True)
class EnrolCodePage:
    """staff/enrol_code.html: the code is shown here and nowhere else. `hours`: for how long it is good."""

    desk: Desk
    name: str
    code: str
    hours: int
    back_url: str


async def listed(request: Request) -> Response:
    """What one asked for oneself, and what one may decide."""
    of, who, now = services(request), staff(request), services(request).clock()
    if not _takes_part(request):
        return forbidden(request)

    def work(db: Reading) -> list[ProposalLine]:
        found = proposals.listed(db, of.keys, who, now=now)
        return [_line(request, each, _about(request, db, each)) for each in found]

    lines = await of.database.read(work, long=True)
    waiting, others = ([each for each in lines if (each.state == "open") is wanted] for wanted in (True, False))
    days = proposals.GOOD_FOR.days
    return page(request, "staff/proposals.html", ProposalsPage(desk(request), waiting, others, days))


def _takes_part(request: Request) -> bool:
    who, actions = staff(request), {action for pair in TWO_PEOPLE.values() for action in (pair.ask, pair.allow)}
    return any(who.may(action, each.department) for action in actions for each in who.held)


def _line(request: Request, each: Proposal, target: str) -> ProposalLine:
    who, here = staff(request), f"{HERE}/{each.id}"
    return ProposalLine(
        what=KIND_WORDS[each.kind],
        target=target,
        details=[(_DETAIL_WORDS[name], _text(name, text)) for name, text in each.detail.items() if _told(name, text)],
        by=each.asked_name,
        at=each.created_at,
        until=each.until,
        state=each.state,
        decided_by=each.decided_name,
        decided_at=each.decided_at,
        decide_url=f"{here}/decide" if proposals.decidable(each, who) else "",
        back_url=f"{here}/back" if each.state == "open" and each.asked_by == who.id else "",
    )


def _told(name: str, text: str) -> bool:
    return bool(text) and name in _DETAIL_WORDS


def _text(name: str, text: str) -> str:
    if name == "roles":
        return "、".join(roles_as_read(read_held(text)))
    if name in ("from", "until"):
        return f"{in_japan(datetime.fromisoformat(text)):%Y-%m-%d %H:%M}"
    if name == "way":
        return WAYS.get(text, text)
    return f"{int(text):,}円" if name == "amount" else text


def _about(request: Request, db: Reading, each: Proposal) -> str:
    """What a proposal is about, as people call it; '' where its details say it."""
    of = services(request)
    if each.kind.startswith("procedure."):
        served = of.catalogue.get(each.target)
        return served.declaration.title if served else each.target
    if each.kind.startswith("staff."):
        found = accounts.account(db, of.keys, each.target)
        return f"{found.name} ({found.login})" if found else ""
    return ""


async def decide(request: Request) -> Response:
    """Yes or no, as the form says."""
    of, who, now = services(request), staff(request), services(request).clock()
    wanted, proposal = last(await read_form(request), "do"), request.path_params["proposal"]
    if wanted not in ("allow", "refuse"):
        return absent(request)

    def work(db: Writing) -> Decision:
        return proposals.decide(db, of.teller, proposal, who, wanted == "allow", now=now)

    done = await of.database.transact(work)
    if done.outcome is Outcome.ALLOWED and of.mailer is not None:
        await deliver_at_once(of.database, of.mailer, now)
    return await _decided(request, done)


async def take_back(request: Request) -> Response:
    """Whoever asked does not want it any more; pressed twice, it is done."""
    of, who, now = services(request), staff(request), services(request).clock()
    proposal = request.path_params["proposal"]
    done = await of.database.transact(lambda db: proposals.take_back(db, of.keys, proposal, who, now=now))
    return absent(request) if done.outcome is Outcome.UNKNOWN else see_other(HERE)


async def _decided(request: Request, done: Decision) -> Response:
    if done.proposal is None:
        return absent(request)
    if done.outcome is Outcome.FAILED:
        return _refused(request, f"いまは、そのとおりにできません。{_why(done.told)}")
    if done.outcome in _TOLD:
        return _refused(request, _TOLD[done.outcome])
    if done.outcome is Outcome.ALLOWED and done.proposal.kind == "staff.reset":
        return await _enrol_code(request, done.proposal, done.told)
    return see_other(HERE)


def _refused(request: Request, advice: str) -> Response:
    return refused(request, 409, "決まりませんでした", advice, Link("承認待ちの一覧に戻る", HERE))


def _why(code: str) -> str:
    if code == "money":
        return "その支払いは、もう返したか、返すことに決まったか、取り消したものです。断ったものとして記録しました。"
    known = code in set(suspending.Refusal)
    return f"{suspending.TOLD[suspending.Refusal(code)]}。" if known else "断ったものとして記録しました。"


async def _enrol_code(request: Request, proposal: Proposal, code: str) -> Response:
    """Shown to whoever allowed it, who hands it over: nobody else reads it, and it is stored nowhere."""
    of = services(request)
    about = await of.database.read(lambda db: _about(request, db, proposal))
    hours = int(accounts.ENROL_WITHIN.total_seconds()) // 3600
    return page(request, "staff/enrol_code.html", EnrolCodePage(desk(request), about, code, hours, HERE))


ROUTES = [
    route(HERE, listed, access=Access.STAFF),
    route(f"{HERE}/{{proposal}}/decide", decide, methods=("POST",), access=Access.STAFF),
    route(f"{HERE}/{{proposal}}/back", take_back, methods=("POST",), access=Access.STAFF),
]
