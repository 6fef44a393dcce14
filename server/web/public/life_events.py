"""Life events: a short interview, and the list of what its answers bring with them.

The answers stand in the address and nowhere else: the list can be sent to somebody as a link, and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Answers, Field, FieldError, FieldView, Form, Note, Posted, Question, Settled
from forms_schema.messages import message
from forms_schema.speech import Speech
from forms_schema.view import anchor, make_view, note_view
from procedures.interviews import Interview
from procedures.library import LifeEvent
from server.catalogue import Published
from server.catalogue.advice import Paper, Recommended, Thing, query_of, recommended, things
from server.japan import today
from server.languages import Language
from server.web import contexts as c
from server.web.http import is_fragment, language, page, problem, read_form, see_other, services
from server.web.public.guides import card, listed, shown, way
from server.web.routing import Access, route

CHECK: Final = "_check"
"""In an address: the list was asked for, and something stands against the answers."""
WRONG: Final = "_wrong"
LONGEST_QUERY: Final = 4000
"""Characters of an address that are read; no interview's answers come near."""


@dataclass(frozen=True, slots=True)
class EventTile:
    """A life event. `asks`: it has an interview; else `href` leads to its procedures."""

    code: str
    title: str
    href: str
    asks: bool


@dataclass(frozen=True, slots=True)
class LifeEventsPage:
    """pages/life_events.html. Those with an interview first."""

    events: Sequence[EventTile]


@dataclass(frozen=True, slots=True)
class Section:
    """Questions that belong together."""

    title: str
    views: Sequence[FieldView]


@dataclass(frozen=True, slots=True)
class InterviewPage:
    """pages/life_event.html; for htmx's refresh the fragment components/interview.html with the same `sections`.

    `here` begins this page's own address with the answers it has, for the same page in another language. `wrong` are
    the pointers of `errors`. `changes`: some answer asks for further questions. `all_url` is the plain
    list.
    """

    title: str
    href: str
    sections: Sequence[Section]
    all_url: str
    here: str = "?"
    errors: Sequence[c.ErrorLink] = ()
    wrong: Sequence[str] = ()
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Advised:
    """One procedure of the list; `card` is None where no declaration of ours describes it. `by` says in words by when;
    `place` where it is filed that has no card; `elsewhere` leads to where a filing from home really goes.
    `procedure_type`: shinsei, todokede, yoyaku, nofu, '' without a card."""

    title: str
    card: c.ProcedureCard | None
    place: str
    procedure_type: str
    why: str
    by: str
    bring: Sequence[str]
    papers: Sequence[Paper]
    apply_url: str
    elsewhere: c.Link | None


@dataclass(frozen=True, slots=True)
class DueGroup:
    """What is due on one day. `late`: that day is over. None: no day can be said."""

    due: date | None
    late: bool
    items: Sequence[Advised]


@dataclass(frozen=True, slots=True)
class ListPage:
    """pages/life_event_list.html. `link` is its whole address, `mail` opens a mail with it, `change_url` leads back to
    the questions with these answers, `here` begins this very address."""

    title: str
    total: int
    groups: Sequence[DueGroup]
    things: Sequence[Thing]
    answers: Sequence[c.CheckRow]
    made_on: date
    link: str
    mail: str
    change_url: str
    here: str
    again_url: str
    all_url: str
    handoff_url: str = ""


# --- the overview and the questions -------------------------------------------------------------------------------


async def overview(request: Request) -> Response:
    """Every life event, with its interview or its procedures."""
    return shown(request, "pages/life_events.html", lambda: _overview(request))


def _overview(request: Request) -> LifeEventsPage:
    events = services(request).catalogue.shared.life_events.values()
    tiles = [EventTile(each.id, each.title, way(each), each.interview is not None) for each in events]
    return LifeEventsPage(sorted(tiles, key=lambda tile: not tile.asks))


async def ask(request: Request) -> Response:
    """The questions: blank, or with the answers of the address; what is wrong with these only after the list was asked
    for."""
    found = _interviewed(request)
    if isinstance(found, Response):
        return found
    if not request.url.query:
        return shown(request, "pages/life_event.html", lambda: _questions(request, *found, {}))
    posted = _query(request)
    told = None if CHECK in posted else ()
    return page(request, "pages/life_event.html", _questions(request, *found, posted, told))


async def refresh(request: Request) -> Response:
    """The questions that follow from what is answered so far. Nothing is kept."""
    found = _interviewed(request)
    if isinstance(found, Response):
        return found
    posted = await read_form(request)
    template = "components/interview.html" if is_fragment(request) else "pages/life_event.html"
    return page(request, template, _questions(request, *found, posted, posted.get(WRONG, ())))


def _interviewed(request: Request) -> tuple[LifeEvent, Interview] | Response:
    """The life event of the address with its interview; one without leads to its procedures."""
    event = services(request).catalogue.shared.life_events.get(request.path_params["event"])
    if event is None:
        return problem(request, 404)
    return see_other(listed(event)) if event.interview is None else (event, language(request).asked(event.interview))


def chosen(request: Request) -> tuple[LifeEvent, Interview, Settled] | Response:
    """The life event of the address, its interview, and what its answers in the address say."""
    found = _interviewed(request)
    if isinstance(found, Response):
        return found
    event, interview = found
    return event, interview, _settled(request, interview.form, _query(request))


def _query(request: Request) -> Posted:
    """The address's answers as controls, as a posted form has them."""
    query, found = request.query_params, dict[str, list[str]]()
    if len(request.url.query) <= LONGEST_QUERY:
        for name, value in query.multi_items():
            found.setdefault(name, []).append(value)
    return found


def _settled(request: Request, form: Form, posted: Posted) -> Settled:
    answers: Answers = {}
    for number in range(len(form.steps)):
        answers = form.decode(number, posted, answers).answers
    return form.settle(answers, today(services(request).clock()))


def _questions(
    request: Request,
    event: LifeEvent,
    interview: Interview,
    posted: Posted,
    told: Collection[str] | None = (),
) -> InterviewPage:
    """`told` are the pointers whose errors are to be said, None for all."""
    form = interview.form
    settled = _settled(request, form, posted)
    errors = [each for each in form.errors(settled) if told is None or each.pointer in told]
    words = {each.pointer: _words(each, form) for each in errors}
    return InterviewPage(
        title=event.title,
        href=f"/life-events/{quote(event.id)}",
        sections=_sections(form, settled, words),
        all_url=listed(event),
        here="?" + (f"{typed}&" if (typed := _typed(form, posted, told)) else ""),
        errors=[
            c.ErrorLink(f"#{anchor(settled.by_pointer[pointer])}", form.fields[pointer].title, said)
            for pointer, said in words.items()
        ],
        wrong=list(words),
        changes=any(field.live for field in form.fields.values()),
    )


def _words(error: FieldError, form: Form) -> str:
    field = form.fields[error.pointer]
    return message(error, field, field.title, form.speech)


def _sections(form: Form, settled: Settled, words: Mapping[str, str]) -> list[Section]:
    """The steps on which something is asked."""
    asked, sections = settled.by_pointer, list[Section]()
    for step in form.steps:
        views = [_view(item, asked, words, form.speech) for item in step.items]
        if any(isinstance(item, Field) and item.pointer in asked for item in step.items):
            sections.append(Section(step.title, [view for view in views if view is not None]))
    return sections


def _view(item: object, asked: Mapping[str, Question], words: Mapping[str, str], speech: Speech) -> FieldView | None:
    if isinstance(item, Note):
        return note_view(item, speech)
    question = asked.get(item.pointer) if isinstance(item, Field) else None
    return make_view(question, errors=words) if question else None


# --- the list --------------------------------------------------------------------------------------------------------


async def answer(request: Request) -> Response:
    """What to file. Answers that cannot stand lead back to the questions; those that stand, to the one address that
    says them and nothing else, so that the same list always has the same link."""
    found = _interviewed(request)
    if isinstance(found, Response):
        return found
    event, interview = found
    form, posted = interview.form, _query(request)
    settled = _settled(request, form, posted)
    if form.errors(settled):
        return see_other(f"/life-events/{quote(event.id)}?{_typed(form, posted, None)}")
    query = query_of(settled)
    if request.url.query != query:
        return see_other(f"/life-events/{quote(event.id)}/list?{query}")
    of = services(request)
    advised = await recommended(interview, settled, of.catalogue, of.city.calendar)
    return page(request, "pages/life_event_list.html", _list(request, event, settled, advised))


def _typed(form: Form, posted: Posted, told: Collection[str] | None) -> str:
    """What was typed, without anything that is no control of ours; `told` as in `_questions`."""
    known = {name: values for name, values in posted.items() if f"/{name.partition('.')[0]}" in form.fields}
    return urlencode(known | ({CHECK: ["1"]} if told is None else {}), doseq=True)


def _list(request: Request, event: LifeEvent, settled: Settled, found: Sequence[Recommended]) -> ListPage:
    base, query = f"/life-events/{quote(event.id)}", query_of(settled)
    link = f"{services(request).settings.base_url}{base}/list?{query}"
    answered = [question for question in settled.by_pointer.values() if question.value is not None]
    return ListPage(
        title=event.title,
        total=len(found),
        groups=[
            DueGroup(due, late, [_advised(request, each) for each in group])
            for (due, late), group in groupby(found, key=lambda each: (each.advice.due, each.late))
        ],
        things=things(found),
        answers=[c.CheckRow(q.field.title, q.field.kind.text(q.field, q.value)) for q in answered],
        made_on=settled.today,
        link=link,
        mail=f"mailto:?subject={quote(event.title)}&body={quote(link)}",
        change_url=f"{base}?{query}",
        here=f"?{query}&",
        again_url=base,
        all_url=listed(event),
        handoff_url=f"{base}/handoff?{query}" if any(each.published for each in found) else "",
    )


def _advised(request: Request, each: Recommended) -> Advised:
    published, other = each.published, each.advice.elsewhere
    handed = published.handed_over if published else None
    here = published is not None and published.takes_online(services(request).clock())
    ways = [c.Link(handed.to, handed.url)] if handed else []
    ways += [c.Link(other.where, other.url)] if other and other.url else []
    return Advised(
        title=_title(language(request), published) if published else other.title if other else "",
        card=card(request, published) if published else None,
        place=other.where if other else "",
        procedure_type=published.declaration.procedure_type.value if published else "",
        why=each.advice.why,
        by=each.by,
        bring=each.bring,
        papers=each.papers,
        apply_url=f"/procedures/{each.advice.slug}/apply" if here else "",
        elsewhere=ways[0] if ways else None,
    )


def _title(speech: Language, published: Published) -> str:
    return speech.told(published.declaration.title, published.declaration.slug)


ROUTES = [
    route("/life-events", overview, access=Access.VISITOR),
    route("/life-events/{event}", ask, access=Access.VISITOR),
    route("/life-events/{event}", refresh, methods=("POST",), access=Access.VISITOR),
    route("/life-events/{event}/list", answer, access=Access.VISITOR),
]
