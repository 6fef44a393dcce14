"""The counter: visits in hand, beginning one, the guide of a life event, and which procedures are filed now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Answers, Field, Form, Note, Posted, Settled
from forms_schema.base import FieldView
from forms_schema.messages import message
from forms_schema.view import anchor, make_view, note_view
from procedures.library import LifeEvent
from server.catalogue import Published
from server.catalogue.advice import Recommended, recommended
from server.catalogue.catalogue import ProcedureState
from server.catalogue.finding import Wanted
from server.counter import handoffs, leading, queue, visits, windows
from server.counter.visits import Conflict, Content, Visit
from server.japan import today
from server.people import staff as accounts
from server.people.roles import Action, departments
from server.people.staff_sessions import Staff
from server.store.database import Reading, Writing
from server.web.badge import Desk, absent, desk, forbidden, refused, staff
from server.web.contexts import Choice, ErrorLink, Link
from server.web.counter.brought import fit, taken
from server.web.counter.visiting import HERE, Open, Panel, found_visit, open_visit, panel, taken_over
from server.web.http import last, page, read_form, see_other, services
from server.web.routing import Access, route

MOST_FOUND: Final = 12
_BACK: Final = Link("来庁の一覧に戻る", HERE)


@dataclass(frozen=True, slots=True)
class VisitLine:
    """A visit of the list. `name` is told of one's own alone; `colleague` leads it where it is not."""

    href: str
    name: str
    forms: int
    colleague: str
    state: str
    began: datetime
    saved: datetime


@dataclass(frozen=True, slots=True)
class CounterPage:
    """staff/counter.html. `window` is where one sits today, '' where that was not said."""

    desk: Desk
    departments: Sequence[str]
    window: str
    mine: Sequence[VisitLine]
    others: Sequence[VisitLine]
    filed: Sequence[VisitLine]
    languages: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class EventPage:
    """staff/counter_event.html: the life events, each to its guide."""

    desk: Desk
    panel: Panel
    events: Sequence[Link]
    procedures_url: str


@dataclass(frozen=True, slots=True)
class GuideSection:
    """Questions of the guide that belong together."""

    title: str
    views: Sequence[FieldView]


@dataclass(frozen=True, slots=True)
class GuidePage:
    """staff/counter_guide.html. `asked` are the pointers of its questions: those that an answer brings up are new."""

    desk: Desk
    panel: Panel
    title: str
    action: str
    back: str
    sections: Sequence[GuideSection]
    asked: Sequence[str]
    errors: Sequence[ErrorLink]


@dataclass(frozen=True, slots=True)
class Offered:
    """A procedure to file now or not. `why` and `by` are of the life event's list; `elsewhere` says where it is filed
    that has no form here."""

    slug: str
    title: str
    department: str
    why: str
    by: str
    late: bool
    chosen: bool
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class ProceduresPage:
    """staff/counter_procedures.html. `found` answers the search for `query`."""

    desk: Desk
    panel: Panel
    action: str
    event: str
    guide_url: str
    chosen: Sequence[Offered]
    advised: Sequence[Offered]
    elsewhere: Sequence[Offered]
    query: str
    found: Sequence[Offered]
    errors: Sequence[ErrorLink]
    rev: str


# --- the list ---------------------------------------------------------------------------------------------------------


async def overview(request: Request) -> Response:
    """The visits in hand, and a new one."""
    of, who, now = services(request), staff(request), services(request).clock()
    own = departments(who.held, Action.COUNTER)
    if not own:
        return forbidden(request)

    def work(db: Reading) -> CounterPage:
        found = visits.in_hand(db, own, now=now)
        window = windows.window_of(db, who.id, now=now)
        return CounterPage(
            desk(request),
            own,
            window.label if window else "",
            [_mine(db, request, each, now) for each in found if each.staff_id == who.id and each.state == visits.OPEN],
            [_others(db, request, each) for each in found if each.staff_id != who.id and each.state == visits.OPEN],
            [_others(db, request, each) for each in found if each.state == visits.FILED],
            [Choice(each.code, each.name, each.code == "ja") for each in of.languages.values()],
        )

    return page(request, "staff/counter.html", await of.database.read(work))


def _mine(db: Reading, request: Request, each: visits.Listed, now: datetime) -> VisitLine:
    """One's own, with whom it is of: who leads a visit has its answers before them anyway."""
    of = services(request)
    visit = visits.load(db, of.keys, each.id, now=now)
    said = {tuple(fact[:2]): fact[2] for fact in visit.content.state["facts"]} if visit else {}
    parts = [said.get(("applicant", f"name/{part}")) for part in ("family", "given")]
    name = " ".join(str(part) for part in parts if part)
    forms = len(visit.content.forms) if visit else 0
    return VisitLine(f"{HERE}/{each.id}", name, forms, "", each.state, each.created_at, each.saved_at)


def _others(db: Reading, request: Request, each: visits.Listed) -> VisitLine:
    colleague = accounts.account(db, services(request).keys, each.staff_id)
    name = colleague.name if colleague else ""
    return VisitLine(f"{HERE}/{each.id}", "", 0, name, each.state, each.created_at, each.saved_at)


# --- beginning --------------------------------------------------------------------------------------------------------


async def begin(request: Request) -> Response:
    """A new visit: fresh, from a ticket (`ticket`), or with what somebody filled in before (`handoff`)."""
    who, posted = staff(request), await read_form(request)
    department = last(posted, "department")
    own = departments(who.held, Action.COUNTER)
    department = department or (own[0] if len(own) == 1 else "")
    if not who.may(Action.COUNTER, department):
        return forbidden(request)
    brought = last(posted, "handoff")
    try:
        if brought:
            return await _begin_with(request, department, brought, posted)
        visit = await services(request).database.transact(lambda db: _begun(db, request, department, posted, None))
    except _Served as before:
        return see_other(f"{HERE}/{before.visit_id}")
    return see_other(f"{HERE}/{visit.id}/event")


class _Served(Exception):
    """Another tab has begun the visit of this ticket."""

    def __init__(self, visit_id: str) -> None:
        super().__init__(visit_id)
        self.visit_id = visit_id


def _begun(
    db: Writing, request: Request, department: str, posted: Posted, content: Content | None, language: str = ""
) -> Visit:
    of, who, now = services(request), staff(request), services(request).clock()
    said = last(posted, "language", "ja")
    window = windows.window_of(db, who.id, now=now)
    visit = visits.open_visit(
        db,
        of.keys,
        who,
        window_id=window.id if window else None,
        department=department,
        language=language or (said if said in of.languages else "ja"),
        content=content,
        now=now,
        random=of.random,
    )
    ticket = last(posted, "ticket")
    if ticket and window is not None:
        served = queue.serve(db, queue.At(window, who.id), ticket, visit_id=visit.id, now=now)
        if isinstance(served, queue.Refused) and (before := _serving(served, who)):
            raise _Served(before)  # rolls the visit back
    elif content is not None and window is not None:  # the code was brought by whoever stands here
        queue.begin_visit(db, queue.At(window, who.id), visit.id, now=now)
    return visit  # a ticket that somebody else has taken stays theirs, and the visit goes on without it


def _serving(refused: queue.Refused, who: Staff) -> str:
    """The visit in which whoever begins one serves this ticket already, '' for none."""
    found = refused.ticket
    mine = found is not None and found.state is queue.State.SERVING and found.staff_id == who.id
    return (found.visit_id or "") if found is not None and mine else ""


async def _begin_with(request: Request, department: str, handoff: str, posted: Posted) -> Response:
    """The forms that were filled in before, with every answer's source. One that is not served now is left out."""
    of, who = services(request), staff(request)
    given = await of.database.transact(lambda db: handoffs.look(db, of.keys, handoff, who.id))
    if given is None:
        return absent(request)
    given, forms = taken(given, await fit(of, given))
    interview = _event(request, given.event)

    def work(db: Writing) -> Visit:
        content = Content()
        if interview is not None and interview.interview is not None and given.guide:
            content = leading.with_guide(content, given.event, interview.interview.form, dict(given.guide), who.actor)
        content = leading.with_brought(db, of.keys, content, given, forms, who.actor)
        visit = _begun(db, request, department, posted, content, given.language)
        if not handoffs.begin(db, of.keys, given, visit.id, who.id):
            raise _Begun  # rolls the visit back
        return visit

    try:
        visit = await of.database.transact(work)
    except _Begun:
        told = "この持参コードは、ほかの画面で開かれました。来庁の一覧を確かめてください。"
        return refused(request, 409, "もう始まっています", told, _BACK)
    # what the guide brings with it besides what was begun is still to be chosen
    return see_other(f"{HERE}/{visit.id}/{'procedures' if given.event else 'ask' if forms else 'event'}")


class _Begun(Exception):
    """Another tab has begun a visit with the same handoff."""


async def hub(request: Request) -> Response:
    """An open visit goes on where it is; of one that was filed it is told where each application is."""
    visit = await found_visit(request)
    if isinstance(visit, Response):
        return visit
    if visit.state == visits.FILED:
        return see_other(f"{HERE}/{visit.id}/filed")
    if not visit.open:
        return refused(request, 410, "終わった来庁です", "申請を出さずに終わりました。入力は消えています。", _BACK)
    return see_other(f"{HERE}/{visit.id}/{'ask' if visit.content.forms else 'event'}")


async def take(request: Request) -> Response:
    """Lead a colleague's visit from now on."""
    visit = await found_visit(request)
    if isinstance(visit, Response):
        return visit
    if visit.open and visit.staff_id != staff(request).id:
        await taken_over(request, visit)
    return see_other(f"{HERE}/{visit.id}")


async def leave(request: Request) -> Response:
    """End a visit without filing anything: what was typed goes."""
    seen = await open_visit(request, await read_form(request))
    if isinstance(seen, Response):
        return seen
    of, who, now = services(request), staff(request), services(request).clock()

    def work(db: Writing) -> None:
        if visits.end(db, of.keys, seen.visit, visits.LEFT, who.actor, now=now):
            queue.finish_visit(db, seen.visit.id, by=who.actor, now=now)

    await of.database.transact(work)
    of.interviews.drop(seen.visit.id)
    of.mirrors.drop(seen.visit.id)
    return see_other(HERE)


# --- the guide --------------------------------------------------------------------------------------------------------


async def events(request: Request) -> Response:
    """What has happened in the resident's life."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    found = services(request).catalogue.shared.life_events.values()
    links = [Link(each.title, f"{seen.base}/guide/{quote(each.id)}") for each in found if each.interview is not None]
    context = EventPage(desk(request), panel(request, seen), links, f"{seen.base}/procedures")
    return page(request, "staff/counter_event.html", context)


def _event(request: Request, id: str) -> LifeEvent | None:
    return services(request).catalogue.shared.life_events.get(id)


async def guide(request: Request) -> Response:
    """The questions of a life event, with what was answered before."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    event = _event(request, request.path_params["event"])
    if event is None or event.interview is None:
        return absent(request)
    answers = dict(seen.visit.content.guide) if seen.visit.content.event == event.id else {}
    return _guide(request, seen, event, event.interview.form, _settled(request, event.interview.form, {}, answers), ())


async def guided(request: Request) -> Response:
    """The guide answered: on to the procedures; or the same page, with questions that an answer has brought up."""
    posted = await read_form(request)
    seen = await open_visit(request, posted)
    if isinstance(seen, Response):
        return seen
    event = _event(request, request.path_params["event"])
    if event is None or event.interview is None:
        return absent(request)
    form = event.interview.form
    settled = _settled(request, form, posted, {})
    fresh = set(settled.by_pointer) - set(posted.get("_asked", ()))
    errors = {error.pointer for error in form.errors(settled)}
    if errors:
        return _guide(request, seen, event, form, settled, errors - fresh, status=422 if errors - fresh else 200)
    of, who, now = services(request), staff(request), services(request).clock()
    content = leading.with_guide(seen.visit.content, event.id, form, settled.kept, who.actor)
    saved = await of.database.transact(lambda db: visits.save(db, of.keys, seen.visit, content, now=now))
    if isinstance(saved, Conflict):
        return changed(request, seen)
    return see_other(f"{seen.base}/procedures")


def _settled(request: Request, form: Form, posted: Posted, answers: Answers) -> Settled:
    for number in range(len(form.steps)):
        answers = form.decode(number, posted, answers).answers
    return form.settle(answers, today(services(request).clock()))


def _guide(
    request: Request,
    seen: Open,
    event: LifeEvent,
    form: Form,
    settled: Settled,
    told: Collection[str],
    status: int = 200,
) -> Response:
    wrong = {each.pointer: each for each in form.errors(settled) if each.pointer in told}
    words = {p: message(e, form.fields[p], form.fields[p].title, form.speech) for p, e in wrong.items()}
    errors = [ErrorLink(f"#{anchor(settled.by_pointer[p])}", form.fields[p].title, said) for p, said in words.items()]
    context = GuidePage(
        desk(request),
        panel(request, seen),
        event.title,
        f"{seen.base}/guide/{quote(event.id)}",
        f"{seen.base}/event",
        _sections(form, settled, words),
        list(settled.by_pointer),
        errors,
    )
    return page(request, "staff/counter_guide.html", context, status=status)


def _sections(form: Form, settled: Settled, words: Mapping[str, str]) -> list[GuideSection]:
    found = []
    for step in form.steps:
        views: list[FieldView] = []
        for item in step.items:
            if isinstance(item, Note):
                views.append(note_view(item, form.speech))
            elif isinstance(item, Field) and item.pointer in settled.by_pointer:
                views.append(replace(make_view(settled.by_pointer[item.pointer], errors=words), live=False))
        if any(view.kind != "note" for view in views):
            found.append(GuideSection(step.title, views))
    return found


# --- the procedures ---------------------------------------------------------------------------------------------------


async def procedures(request: Request) -> Response:
    """What the life event's list says, what is chosen, and a search."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    return await _procedures(request, seen, request.query_params.get("q", "")[:100])


async def _procedures(
    request: Request, seen: Open, query: str = "", errors: Sequence[ErrorLink] = (), status: int = 200
) -> Response:
    content, event = seen.visit.content, _event(request, seen.visit.content.event)
    advice = await _advised(request, seen, event)
    fresh = not content.forms
    advised = [
        _offered(each.published, each, fresh or each.advice.slug in content.forms)
        for each in advice
        if each.published is not None
    ]
    named = {each.slug for each in advised}
    served = services(request).catalogue
    chosen = [
        _offered(found, None, True) for slug in content.forms if slug not in named and (found := served.get(slug))
    ]
    elsewhere = [
        Offered(
            "", each.advice.elsewhere.title, "", each.advice.why, each.by, each.late, False, each.advice.elsewhere.where
        )
        for each in advice
        if each.advice.elsewhere is not None
    ]
    searched = await _found(request, query)
    context = ProceduresPage(
        desk(request),
        panel(request, seen),
        f"{seen.base}/procedures",
        event.title if event else "",
        f"{seen.base}/guide/{quote(event.id)}" if event else "",
        chosen,
        advised,
        elsewhere,
        query,
        [_offered(each, None, False) for each in searched if each.declaration.slug not in {*named, *content.forms}],
        errors,
        str(seen.visit.revision),
    )
    return page(request, "staff/counter_procedures.html", context, status=status)


async def _advised(request: Request, seen: Open, event: LifeEvent | None) -> Sequence[Recommended]:
    if event is None or event.interview is None:
        return ()
    of = services(request)
    settled = event.interview.form.settle(dict(seen.visit.content.guide), today(of.clock()))
    if event.interview.form.errors(settled):
        return ()
    found = await recommended(event.interview, settled, of.catalogue, of.city.calendar)
    return [each for each in found if each.published is None or _open(each.published, of.clock())]


def _open(published: Published, now: datetime) -> bool:
    """Whether it can be filed at a window: what is handed over elsewhere from home, and what is filed at a window
    only, too."""
    return published.status(now).state is ProcedureState.OPEN


async def _found(request: Request, query: str) -> list[Published]:
    if not query.strip():
        return []
    of, now = services(request), services(request).clock()
    await of.catalogue.index.ready()
    return [each for each in of.catalogue.index.find(Wanted(query)) if _open(each, now)][:MOST_FOUND]


def _offered(published: Published, each: Recommended | None, chosen: bool) -> Offered:
    declaration = published.declaration
    why, by, late = (each.advice.why, _by(each), each.late) if each else ("", "", False)
    return Offered(declaration.slug, declaration.title, declaration.department, why, by, late, chosen)


def _by(each: Recommended) -> str:
    due: date | None = each.advice.due
    return f"{due.year}年{due.month}月{due.day}日まで" if due else each.by


async def choose(request: Request) -> Response:
    """These procedures are filed now, in the versions that are served; what is chosen already keeps its version."""
    posted = await read_form(request)
    seen = await open_visit(request, posted)
    if isinstance(seen, Response):
        return seen
    of, now = services(request), services(request).clock()
    query = last(posted, "q")[:100]
    slugs = list(dict.fromkeys(posted.get("slug", ())))
    found = {slug: published for slug in slugs if (published := of.catalogue.get(slug)) and _open(published, now)}
    content = _chosen(seen.visit.content, found)
    if last(posted, "_do") != "search" and not content.forms:
        wrong = [ErrorLink("#f-procedures", "手続き", "いま提出する手続きを、1つ以上選んでください")]
        return await _procedures(request, seen, query, wrong, 422)
    for slug, digest in content.forms.items():  # read and compiled before anybody waits for its first question
        await of.catalogue.declaration(digest, slug)
    saved = await of.database.transact(lambda db: visits.save(db, of.keys, seen.visit, content, now=now))
    if isinstance(saved, Conflict):
        return changed(request, seen)
    if last(posted, "_do") == "search":
        return see_other(f"{seen.base}/procedures?q={quote(query)}#f-q")
    return see_other(f"{seen.base}/ask")


def _chosen(content: Content, found: Mapping[str, Published]) -> Content:
    for gone in [name for name in content.forms if name not in found]:
        content = leading.without(content, gone)
    added = {slug: each.digest for slug, each in found.items() if slug not in content.forms}
    return replace(content, forms={**content.forms, **added})


def changed(request: Request, seen: Open) -> Response:
    """409: somebody else saved, took over or ended the visit between this page and its answer."""
    told = "ほかの画面か職員が、この来庁を先に保存しました。いまの内容を確かめてから、もう一度してください。"
    return refused(request, 409, "まだ保存していません", told, Link("この来庁を開く", seen.base))


ROUTES = [
    route(HERE, overview, access=Access.STAFF),
    route(HERE, begin, methods=("POST",), access=Access.STAFF),
    route(HERE + "/{visit:uuid}", hub, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/take", take, methods=("POST",), access=Access.STAFF),
    route(HERE + "/{visit:uuid}/leave", leave, methods=("POST",), access=Access.STAFF),
    route(HERE + "/{visit:uuid}/event", events, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/guide/{event}", guide, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/guide/{event}", guided, methods=("POST",), access=Access.STAFF),
    route(HERE + "/{visit:uuid}/procedures", procedures, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/procedures", choose, methods=("POST",), access=Access.STAFF),
]
