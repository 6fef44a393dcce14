"""At a kiosk: a procedure before it is filled in, the forms of a visit, and what is taken along in the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Answers, FieldError, Form
from procedures.declaration import Declaration
from server.applications import drafts
from server.applications.drafts import Conflict, Content, Draft
from server.applications.summary import Line, sections
from server.counter import again, kiosk, screens
from server.counter.kiosk import MOST_FORMS, Standing, Taken, takes
from server.counter.qr import drawn
from server.japan import today
from server.people.factors import Qr
from server.store.database import Writing
from server.web.device import device
from server.web.http import language, last, problem, read_form, services
from server.web.kiosk import forms as kiosk_forms
from server.web.kiosk.forms import Paper
from server.web.kiosk.standing import HOME, TICKET_IDLE, Around, Way, around, attended, go, screen, set_way, way
from server.web.residents.handoff import things_to_bring
from server.web.residents.opened import spoken
from server.web.routing import Access, route

END: Final = f"{HOME}/end"
TICKET: Final = f"{HOME}/ticket"
IN_TIME: Final = timedelta(minutes=15)
"""After the booked time in which nobody is late."""


@dataclass(frozen=True, slots=True)
class ProcedureScreen:
    """kiosk/procedure.html: what one should know before one begins. `questions`: about how many there are. `said`:
    what was answered in an earlier form of this visit and need not be asked again; then `left` questions are."""

    kiosk: Around
    title: str
    slug: str
    summary: str
    who: str
    bring: Sequence[str]
    questions: int
    full: bool
    """Whether this visit has as many forms as it may have."""
    back_url: str
    said: Sequence[Part] = ()
    left: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """A line of a form: `href` leads to its screen, '' where there is none. `ask`: it is left for the window. `said`:
    it was answered in an earlier form of this visit."""

    label: str
    text: str
    href: str
    ask: bool
    said: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that belong together."""

    title: str
    lines: Sequence[Answered]


@dataclass(frozen=True, slots=True)
class FormScreen:
    """kiosk/form.html: what was answered. `ask`: how much is left for the window; `action` begins the address that
    throws it away."""

    kiosk: Around
    title: str
    parts: Sequence[Part]
    ask: int
    action: str
    back_url: str


@dataclass(frozen=True, slots=True)
class FilledIn:
    """A form on the last page. `ask`: how much is left for the window."""

    title: str
    href: str
    ask: int


@dataclass(frozen=True, slots=True)
class EndScreen:
    """kiosk/end.html: before the number is taken."""

    kiosk: Around
    forms: Sequence[FilledIn]
    bring: Sequence[str]


@dataclass(frozen=True, slots=True)
class TicketScreen:
    """kiosk/ticket.html, and the receipt it prints: the number ('' where there are no queues) with the address at which
    it is followed, what to bring, and the code for the window ('' where nothing was filled in). A picture for each:
    `follow_qr` is for one's own phone, `qr` for the clerk. `due` is a booked time, None without one. `note` is 'early',
    'late' (of the booked time), 'again' (they had the number before), 'called' or 'absent', '' for nothing to say."""

    kiosk: Around
    number: str
    queue: str
    follow: str
    follow_qr: Qr | None
    code: str
    qr: Qr | None
    titles: Sequence[str]
    bring: Sequence[str]
    due: datetime | None = None
    note: str = ""


# --- before a form ----------------------------------------------------------------------------------------------------


async def procedure(request: Request, who: Standing) -> Response:
    """What it is, who may file it, what to bring. One that was begun already is gone on with."""
    of = services(request)
    published = of.catalogue.get(request.path_params["slug"])
    if published is None or not takes(published, of.clock()):
        return problem(request, 404)
    begun = await _begun(request, who)
    if (there := next((each for each in begun if each.slug == published.declaration.slug), None)) is not None:
        return go(request, _base(there))
    told, day = language(request).spoken(await of.catalogue.opened(published)), today(of.clock())
    start = Content(told.form.start(day))
    blank = screens.settled(told.form, start, day)
    known = again.taken_over(start, await _said(request, begun, told.form))
    settled = screens.settled(told.form, known, day)
    parts = [
        Part(each.title, lines)
        for each in sections(told.form, settled, {})
        if (lines := [Answered(line.label, line.text, "", False) for line in each.lines if _is_said(line, known)])
    ]
    context = ProcedureScreen(
        kiosk=around(request),
        title=told.title,
        slug=told.slug,
        summary=told.summary,
        who=told.who,
        bring=told.guide.bring,
        questions=len(screens.screens(told.form, blank)),
        full=len(begun) >= MOST_FORMS,
        back_url=_back_of(way(request)),
        said=parts,
        left=len(again.asked(told.form, known, settled)),
    )
    return screen(request, "procedure", context)


async def _said(request: Request, begun: Sequence[Draft], form: Form) -> Answers:
    """What the forms of this visit tell another one."""
    if not begun:
        return {}
    of = services(request)
    forms = {told.slug: (told.form, draft.content) for told, draft in await _read(request, begun)}
    return await of.database.read(lambda db: again.said(db, of.keys, forms, form, today(of.clock())))


def _is_said(line: Line, content: Content) -> bool:
    return content.sources.get(line.pointer) == again.SAID


def _back_of(about: Way) -> str:
    """The list from which procedures were chosen."""
    if about.query:
        return f"{HOME}/find"
    return f"{HOME}/advice/{quote(about.event)}" if about.event else f"{HOME}/what"


async def _begun(request: Request, who: Standing) -> tuple[Draft, ...]:
    of = services(request)
    return await of.database.read(lambda db: drafts.of_session(db, of.keys, who.session_id))


async def begin_form(request: Request, who: Standing) -> Response:
    """A form is begun: an ordinary draft, of this visit. Pressed twice, it is the same one. With `said`, what was
    answered in another form is taken over."""
    of, now, posted = services(request), services(request).clock(), await read_form(request)
    slug = last(posted, "slug")
    published = of.catalogue.get(slug)
    if published is None or not takes(published, now):
        return problem(request, 404)
    declaration = await of.catalogue.opened(published)
    earlier = await _said(request, await _begun(request, who), declaration.form) if "said" in posted else {}

    def work(db: Writing) -> Draft | None:
        begun = drafts.of_session(db, of.keys, who.session_id)
        there = next((each for each in begun if each.slug == slug), None)
        if there is not None or len(begun) >= MOST_FORMS:
            return there
        made = drafts.create(db, of.keys, declaration, who.visitor, now=now, random=of.random)
        content = again.taken_over(Content(declaration.form.start(today(now))), earlier)
        saved = drafts.save(db, of.keys, made, content, who.visitor, now=now)
        return made if isinstance(saved, Conflict) else saved

    draft = await of.database.transact(work)
    if draft is None:
        return go(request, END)
    paper = await _paper(request, draft, who)
    settled = screens.settled(paper.form, paper.content, today(now))
    return kiosk_forms.first(request, paper, again.asked(paper.form, paper.content, settled))


# --- a form -----------------------------------------------------------------------------------------------------------


async def _opened(request: Request, who: Standing) -> Draft | None:
    of, now = services(request), services(request).clock()
    draft_id = request.path_params["draft"]
    if way(request).taken:
        return None
    found = await of.database.read(lambda db: drafts.load(db, of.keys, draft_id, who.visitor, now=now))
    return found if found is not None and found.application_id is None else None


def _base(draft: Draft) -> str:
    return f"{HOME}/forms/{draft.id}"


async def _paper(request: Request, draft: Draft, who: Standing) -> Paper:
    of, declaration = services(request), await spoken(request, draft.digest, draft.slug)

    async def keep(content: Content) -> None:
        # pressed twice, the first one counts; the screen that follows shows what was kept
        now = of.clock()
        await of.database.transact(lambda db: drafts.save(db, of.keys, draft, content, who.visitor, now=now))

    return Paper(
        title=declaration.title,
        form=declaration.form,
        content=draft.content,
        base=_base(draft),
        done=_base(draft),
        left=f"{HOME}/procedures/{quote(draft.slug)}",
        keep=keep,
        declaration=declaration,
    )


async def question(request: Request, who: Standing) -> Response:
    draft = await _opened(request, who)
    if draft is None:
        return go(request, f"{HOME}/what")
    return await kiosk_forms.show(request, await _paper(request, draft, who))


async def answer(request: Request, who: Standing) -> Response:
    draft = await _opened(request, who)
    if draft is None:
        return go(request, f"{HOME}/what")
    return await kiosk_forms.press(request, await _paper(request, draft, who))


async def form(request: Request, who: Standing) -> Response:
    """All answers of a form, each to be put right; what is wrong or missing is left for the window."""
    draft = await _opened(request, who)
    if draft is None:
        return go(request, f"{HOME}/what")
    paper = await _paper(request, draft, who)
    settled = screens.settled(paper.form, paper.content, today(services(request).clock()))
    every, errors = screens.screens(paper.form, settled), paper.form.errors(settled)
    parts = [
        Part(each.title, [_line(paper, every, errors, line) for line in each.lines])
        for each in sections(paper.form, settled, {})
    ]
    asked = again.asked(paper.form, paper.content, settled)
    back = paper.at(asked[-1]) if asked else paper.left
    ask = sum(line.ask for part in parts for line in part.lines)
    return screen(request, "form", FormScreen(around(request), paper.title, parts, ask, paper.base, back))


def _line(paper: Paper, every: Sequence[screens.Screen], errors: Sequence[FieldError], line: Line) -> Answered:
    here = next((each for each in every if each.question.pointer == line.pointer), None)
    wrong = _is_open(line, errors)
    said = _is_said(line, paper.content)
    return Answered(line.label, line.text, f"{paper.at(here)}?edit" if here else "", wrong, said)


async def drop(request: Request, who: Standing) -> Response:
    """A form is thrown away."""
    draft, of = await _opened(request, who), services(request)
    if draft is not None:
        await of.database.transact(lambda db: drafts.forget(db, [draft.id]))
    return go(request, f"{HOME}/what")


# --- taking it along --------------------------------------------------------------------------------------------------


async def end(request: Request, who: Standing) -> Response:
    """What will be taken along."""
    if way(request).taken:
        return go(request, TICKET)
    read = await _read(request, await _begun(request, who))
    filled = [FilledIn(told.title, _base(draft), _left(told.form, draft, request)) for told, draft in read]
    return screen(request, "end", EndScreen(around(request), filled, _bring(request, read)))


Read = Sequence[tuple[Declaration, Draft]]


async def _read(request: Request, begun: Iterable[Draft]) -> Read:
    return [(await spoken(request, each.digest, each.slug), each) for each in begun]


def _left(of: Form, draft: Draft, request: Request) -> int:
    """How many questions are left for the window."""
    settled = screens.settled(of, draft.content, today(services(request).clock()))
    errors = of.errors(settled)
    lines = [line for section in sections(of, settled, {}) for line in section.lines]
    return sum(_is_open(line, errors) for line in lines)


def _is_open(line: Line, errors: Sequence[FieldError]) -> bool:
    """Whether something of a line is missing or wrong."""
    return any(f"{error.pointer}/".startswith(f"{line.pointer}/") for error in errors)


def _bring(request: Request, read: Read) -> list[str]:
    day = today(services(request).clock())
    answered = [(told, screens.settled(told.form, draft.content, day)) for told, draft in read]
    return things_to_bring(language(request), answered)


async def take(request: Request, who: Standing) -> Response:
    """The number and the code. They are shown from the visit's own cookie, until it is wiped; pressed twice, it is
    one number."""
    about, of, now = way(request), services(request), services(request).clock()
    if about.taken:
        return go(request, TICKET)
    read = await _read(request, await _begun(request, who))
    slugs = [draft.slug for _, draft in read]
    shared, queue = of.catalogue.shared, _queue(request, read)

    def work(db: Writing) -> Taken:
        return kiosk.take_along(
            db,
            of.keys,
            device(request),
            who,
            queue,
            slugs=slugs,
            event=about.event,
            guide=about.guide,
            language=language(request).code,
            now=now,
            random=of.random,
        )

    taken = await of.database.transact(work)
    ticket = taken.ticket.ticket if taken.ticket else None
    response = go(request, TICKET)
    number = shared.queues.number(ticket.queue, ticket.number) if ticket else ""
    code = taken.code.text if taken.code else ""
    follow = taken.ticket.code if taken.ticket else ""
    set_way(request, response, Way(ticket=number, queue=ticket.queue if ticket else "", code=code, follow=follow))
    return response


def _queue(request: Request, read: Read) -> str | None:
    """The queue of what was filled in first, else that for everything; None where the city has none."""
    queues = services(request).catalogue.shared.queues
    if not queues.queues:
        return None
    slug, department = (read[0][0].slug, read[0][0].department) if read else ("", "")
    return queues.of(slug, department).id


async def ticket(request: Request, who: Standing) -> Response:
    """What was taken, for as long as somebody stands here."""
    about, queues = way(request), services(request).catalogue.shared.queues
    if not about.taken:
        return go(request, f"{HOME}/what")
    read = await _read(request, await _begun(request, who))
    follow = f"{services(request).settings.base_url}/tickets/{about.follow}" if about.follow else ""
    due = _moment(about.due)
    context = TicketScreen(
        kiosk=around(request, idle=TICKET_IDLE),
        number=about.ticket,
        queue=language(request).told(queues.title(about.queue)) if about.queue else "",
        follow=follow,
        follow_qr=drawn(follow) if follow else None,
        code=about.code,
        qr=drawn(about.code) if about.code else None,
        titles=[told.title for told, _ in read],
        bring=_bring(request, read),
        due=due,
        note=about.note or _of_time(due, services(request).clock()),
    )
    return screen(request, "ticket", context)


def _moment(text: str) -> datetime | None:
    """A time of the visit's cookie; None where somebody wrote it themselves."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _of_time(due: datetime | None, now: datetime) -> str:
    """Whether somebody who has booked is early or late."""
    if due is None or due <= now <= due + IN_TIME:
        return ""
    return "early" if now < due else "late"


ROUTES = [
    route(f"{HOME}/procedures/{{slug}}", attended(procedure), access=Access.KIOSK),
    route(f"{HOME}/forms", attended(begin_form), methods=("POST",), access=Access.KIOSK),
    route(f"{HOME}/forms/{{draft}}", attended(form), access=Access.KIOSK),
    route(f"{HOME}/forms/{{draft}}/drop", attended(drop), methods=("POST",), access=Access.KIOSK),
    route(f"{HOME}/forms/{{draft}}/{{name}}", attended(question), access=Access.KIOSK),
    route(f"{HOME}/forms/{{draft}}/{{name}}", attended(answer), methods=("POST",), access=Access.KIOSK),
    route(END, attended(end), access=Access.KIOSK),
    route(END, attended(take), methods=("POST",), access=Access.KIOSK),
    route(TICKET, attended(ticket), access=Access.KIOSK),
]
