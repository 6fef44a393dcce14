"""What residents bring along, at the window: the code is opened, looked at, and a visit begins with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Form, Json
from procedures.declaration import Channel, Declaration
from procedures.joint import Fact, Filled, Key
from procedures.joint import brought as told_by
from server.applications import summary, uploads
from server.applications.drafts import Content
from server.applications.versions import carried
from server.catalogue import ProcedureState, Published
from server.counter import handoffs
from server.counter.handoffs import Brought, BroughtForm, Refusal, Why
from server.counter.identity import protected_members
from server.japan import today
from server.people.roles import Action, departments
from server.services import Services
from server.store.database import Reading
from server.web.badge import Desk, absent, desk, forbidden, staff
from server.web.contexts import CheckRow, CheckSection, ErrorLink
from server.web.http import language, last, page, problem, read_form, see_other, services
from server.web.routing import Access, route

HERE: Final = "/counter/handoff"
CAMERA: Final = "camera=(self), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"
"""The one page that may ask for a camera."""
_NEW: Final = "住民の方に、作り直してもらってください(入力した画面の「窓口で出す」)。"


@dataclass(frozen=True, slots=True)
class ScanPage:
    """staff/handoff.html: where a code is typed, or read by a scanner that types or by a camera."""

    desk: Desk
    errors: Sequence[ErrorLink] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class BroughtLine:
    """One form. `state`: '' (it goes on), 'newer' (moved to the newer version; `left` has no place there), or why it
    cannot be taken in: 'suspended' (`reason`), 'closed', 'gone', 'filed'. `sections` are empty where `protected`."""

    title: str
    department: str
    state: str
    reason: str
    left: Sequence[CheckRow]
    protected: bool
    files: int
    sections: Sequence[CheckSection]


@dataclass(frozen=True, slots=True)
class BroughtPage:
    """staff/handoff_brought.html. `handoff` is posted to /counter to begin a visit, `return_url` gives the code back.
    `applicant` is '' where no name was typed or somebody is under 支援措置 (`protected`). `begins`: there is something
    to begin with."""

    desk: Desk
    handoff: str
    applicant: str
    event: str
    guide: Sequence[CheckRow]
    lines: Sequence[BroughtLine]
    language: str
    departments: Sequence[str]
    protected: bool
    return_url: str
    begins: bool


# --- the code ---------------------------------------------------------------------------------------------------------


async def scan(request: Request) -> Response:
    """Where codes are opened."""
    if not departments(staff(request).held, Action.COUNTER):
        return forbidden(request)
    return _scan(request, ScanPage(desk(request)))


def _scan(request: Request, context: ScanPage, status: int = 200) -> Response:
    response = page(request, "staff/handoff.html", context, status=status)
    response.headers["permissions-policy"] = CAMERA
    return response


async def redeem(request: Request) -> Response:
    """Open a code. Where that cannot be, why, and what to do."""
    of, who, now = services(request), staff(request), services(request).clock()
    if not departments(who.held, Action.COUNTER):
        return forbidden(request)
    typed = last(await read_form(request), "code")
    found = await of.database.transact(lambda db: handoffs.redeem(db, of.keys, typed, who.id, now=now))
    if isinstance(found, Brought):
        return see_other(f"{HERE}/{found.id}")
    if found.why is Why.OFTEN:
        return problem(request, 429, retry_after=found.seconds)
    wrong = [ErrorLink("#f-code", "コード", _words(request, found))]
    return _scan(request, ScanPage(desk(request), wrong, typed[:40]), 422)


def _words(request: Request, found: Refusal) -> str:
    at = language(request).moment(found.at) if found.at else ""
    if found.why is Why.UNREADABLE:
        return "持参コードではありません。持参コードは12文字の英数字です。別のQRコードでないか、確かめてください"
    if found.why is Why.EXPIRED:
        return f"このコードは、{at}に期限が切れました。{_NEW}入力した内容は、期限のうちは住民の方の画面に残っています"
    if found.why is Why.USED:
        where = "、".join(each for each in (found.window, found.by) if each)
        return f"このコードは、{at}に使われています({where or '別の職員'})。そこで続けるか、{_NEW}"
    return f"このコードはありません。12文字を確かめて、もう一度入力してください。作り直す前の古いコードなら、{_NEW}"


# --- what was brought -------------------------------------------------------------------------------------------------


async def look(request: Request) -> Response:
    """What somebody brought, for whoever opened it; each look is audited."""
    of, who, handoff_id = services(request), staff(request), request.path_params["handoff"].hex
    given = await of.database.transact(lambda db: handoffs.look(db, of.keys, handoff_id, who.id))
    own = departments(who.held, Action.COUNTER)
    if given is None or not own:
        return absent(request)
    fitting = await fit(of, given)

    def work(db: Reading) -> list[BroughtLine]:
        return [_line(db, of, each) for each in fitting.values()]

    lines = await of.database.read(work)
    event = of.catalogue.shared.life_events.get(given.event)
    anybody = any(line.protected for line in lines)
    guide = event.interview.form.settle(dict(given.guide), today(of.clock())) if event and event.interview else None
    asked = guide.by_pointer.values() if guide else ()
    context = BroughtPage(
        desk=desk(request),
        handoff=given.id,
        applicant="" if anybody else _applicant(given),
        event=event.title if event else "",
        guide=[CheckRow(q.field.title, q.field.kind.text(q.field, q.value)) for q in asked if q.value is not None],
        lines=lines,
        language=of.languages[given.language].name if given.language in of.languages else "",
        departments=own,
        protected=anybody,
        return_url=f"{HERE}/{given.id}/return",
        begins=bool(event) or any(each.goes_on for each in fitting.values()),
    )
    return page(request, "staff/handoff_brought.html", context)


async def give_back(request: Request) -> Response:
    """The wrong window: the code is good again."""
    of, who, handoff_id = services(request), staff(request), request.path_params["handoff"].hex
    await of.database.transact(lambda db: handoffs.give_back(db, handoff_id, who.id))
    return see_other(HERE)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A form as it can be taken in now: its declaration and content by the version that is served, or `state` why it
    cannot be (see BroughtLine)."""

    slug: str
    brought: BroughtForm
    declaration: Declaration
    state: str
    reason: str = ""
    left: tuple[summary.Line, ...] = ()

    @property
    def goes_on(self) -> bool:
        return self.state in ("", "newer")


async def fit(of: Services, given: Brought) -> Mapping[str, Fitted]:
    """What becomes of each form: moved to the version that is served now, or left at home."""
    sent = await of.database.read(lambda db: handoffs.already_filed(db, given))
    return {slug: await _fitted(of, slug, each, slug in sent) for slug, each in given.forms.items()}


async def _fitted(of: Services, slug: str, form: BroughtForm, sent: bool) -> Fitted:
    before, now = await of.catalogue.declaration(form.digest, slug), of.clock()
    served = of.catalogue.get(slug)
    state, reason = ("filed", "") if sent else _standing(served, now)
    if served is None or state or served.digest == form.digest:
        return Fitted(slug, form, before, state, reason)
    after = await of.catalogue.declaration(served.digest, slug)
    moved = carried(before.form, after.form, Content(form.answers, form.rows, form.sources), today(now))
    content = moved.content
    newer = replace(form, digest=served.digest, answers=content.answers, rows=content.rows, sources=content.sources)
    return Fitted(slug, newer, after, "newer", left=moved.left)


def _standing(served: Published | None, now: datetime) -> tuple[str, str]:
    if served is None or Channel.COUNTER not in served.declaration.channels:
        return "gone", ""
    status = served.status(now)
    if status.state is ProcedureState.OPEN:
        return "", ""
    return ("suspended", status.reason) if status.state is ProcedureState.SUSPENDED else ("closed", "")


def taken(given: Brought, fitting: Mapping[str, Fitted]) -> tuple[Brought, dict[str, Form]]:
    """What a visit is begun with: the forms that go on, and their questions."""
    go_on = {slug: each for slug, each in fitting.items() if each.goes_on}
    forms = {slug: each.declaration.form for slug, each in go_on.items()}
    return replace(given, forms={slug: each.brought for slug, each in go_on.items()}), forms


def _line(db: Reading, of: Services, each: Fitted) -> BroughtLine:
    form, content = each.declaration.form, each.brought
    protected = bool(protected_members(db, of.keys, _facts(each)))
    settled = form.settle(content.answers, today(of.clock()))
    shown = [] if protected else list(_sections(summary.sections(form, settled, content.sources)))
    files = uploads.of(db, of.keys, "draft", content.draft_id) if content.draft_id else ()
    return BroughtLine(
        title=each.declaration.title,
        department=each.declaration.department,
        state=each.state,
        reason=each.reason,
        left=[] if protected else [CheckRow(line.label, line.text) for line in each.left],
        protected=protected,
        files=len(files),
        sections=shown,
    )


def _facts(each: Fitted) -> Mapping[Key, Fact]:
    return told_by({each.slug: Filled(each.declaration.form, each.brought.answers)})


def _sections(found: Iterator[summary.Section]) -> Iterator[CheckSection]:
    """What was answered: blanks are asked anyway."""
    for section in found:
        rows = [CheckRow(line.label, line.text, line.source) for line in section.lines if line.text]
        if rows:
            yield CheckSection(section.title, rows)


def _applicant(given: Brought) -> str:
    """The name of the first applicant."""
    for form in given.forms.values():
        applicant = form.answers.get("applicant")
        name = applicant.get("name") if isinstance(applicant, dict) else None
        if isinstance(name, dict):
            parts: list[Json] = [name.get("family"), name.get("given")]
            return " ".join(str(part) for part in parts if part)
    return ""


ROUTES = [
    route(HERE, scan, access=Access.STAFF),
    route(HERE, redeem, methods=("POST",), access=Access.STAFF),
    route(f"{HERE}/{{handoff:uuid}}", look, access=Access.STAFF),
    route(f"{HERE}/{{handoff:uuid}}/return", give_back, methods=("POST",), access=Access.STAFF),
]
