"""Every answer of a visit with its source, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import FieldError
from forms_schema.messages import message
from procedures.joint import Fact, pointer
from server.applications import summary
from server.counter import filing
from server.counter.filing import Ready
from server.counter.people import called
from server.counter.visits import Visit
from server.people import staff as accounts
from server.store.database import Reading
from server.web.badge import Desk, desk
from server.web.contexts import ErrorLink
from server.web.counter.asking import WHOLES
from server.web.counter.visiting import HERE, Open, Panel, open_visit, panel
from server.web.http import page, services
from server.web.routing import Access, route

SOURCE_WORDS: Final[Mapping[str, str]] = {
    "typed": "窓口で入力",
    "same": "ほかの答えと同じ",
    "follows": "ほかの答えから",
    "card": "マイナンバーカード",
    "earlier": "以前の申請",
    "pre-entry": "事前入力",
    "guide": "ガイドの答え",
}


@dataclass(frozen=True, slots=True)
class TracedLine:
    """An answer, where it comes from, and where it is asked again ('' where it is not). `key` names it to the tablet's
    remarks ('slug/applicant/name')."""

    label: str
    text: str
    source: str
    change_url: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class TracedSection:
    """Answers that belong together."""

    title: str
    lines: Sequence[TracedLine]


@dataclass(frozen=True, slots=True)
class TracedForm:
    """An application as it stands. `errors` stand against it; `fee` is what it costs, None while that is not known."""

    name: str
    title: str
    department: str
    sections: Sequence[TracedSection]
    errors: Sequence[ErrorLink]
    fee: int | None
    when: str
    papers: Sequence[str]


@dataclass(frozen=True, slots=True)
class AnswersPage:
    """staff/counter_answers.html."""

    desk: Desk
    panel: Panel
    forms: Sequence[TracedForm]


async def answers(request: Request) -> Response:
    """Every answer of every application, with its source and the way to correct it."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    context = AnswersPage(desk(request), panel(request, seen), await traced(request, seen, {}))
    return page(request, "staff/counter_answers.html", context)


async def traced(
    request: Request, seen: Open, errors: Mapping[str, Sequence[FieldError]], ready: Ready | None = None
) -> list[TracedForm]:
    """The applications as they stand, with `errors` by their names; fees where all is `ready`."""
    by = {fact.by for fact in seen.turn.state.facts.values() if fact.by}
    names = await _names(request, by)
    return [_traced_form(seen, name, names, errors.get(name, ()), ready) for name in seen.declarations]


async def _names(request: Request, actors: set[str]) -> dict[str, str]:
    of = services(request)

    def work(db: Reading) -> dict[str, str]:
        found = {each: accounts.name_of(db, of.keys, each.partition(":")[2]) for each in actors if each[:6] == "staff:"}
        return {each: name for each, name in found.items() if name}

    return await of.database.read(work)


def _traced_form(
    seen: Open, name: str, names: Mapping[str, str], errors: Sequence[FieldError], ready: Ready | None
) -> TracedForm:
    declaration, state = seen.declarations[name], seen.turn.seen[name]
    trace = seen.turn.trace(name)
    places = {place.pointer: place for place in state.places}

    def line(each: summary.Line) -> TracedLine:
        inside = [at for at in places if at == each.pointer or at.startswith(f"{each.pointer}/")]
        facts = [trace[at] for at in inside if at in trace]
        url = f"{seen.base}/ask?key={quote(pointer(places[inside[0]].key), safe='')}" if inside else ""
        return TracedLine(each.label, each.text, _source(seen, facts, names), url, f"{name}{each.pointer}")

    sections = [
        TracedSection(part.title, [line(each) for each in part.lines])
        for part in summary.sections(declaration.form, state.settled, {})
    ]
    quote_ = ready.applications[name].quote if ready else None
    return TracedForm(
        name,
        declaration.title,
        declaration.department,
        sections,
        list(_links(seen, name, errors)),
        quote_.total if quote_ else None,
        _TIMING.get(quote_.timing, "") if quote_ and quote_.total else "",
        list(_papers_told(seen.visit, seen, name)),
    )


_TIMING: Final = {"submit": "申請のとき", "counter": "窓口で", "review": "審査のあと", "pickup": "受け取るとき"}
_WHOLE: Final[Mapping[str, tuple[str, str]]] = {
    filing.NO_FEE.code: ("手数料", "この手続きの手数料が決まっていないため、いまは出せません"),
    filing.NOT_TAKEN.code: ("受付", "この手続きは、いま受け付けていません"),
    filing.SENT.code: ("提出ずみ", "この申請は、持参コードを作った画面から先に送られました"),
}
"""What stands against a whole application, by its code; it is taken out of the visit."""


def _source(seen: Open, facts: Sequence[Fact], names: Mapping[str, str]) -> str:
    """Where an answer comes from, in words; of one in several parts the first says it."""
    if not facts:
        return ""
    fact = facts[0]
    if fact.source in ("same", "follows") and fact.of is not None:
        query = seen.turn.query(fact.of)
        who = called(seen.turn, fact.of.who)
        about = f"{who}の" if who and who != "この人" else ""
        title = WHOLES.get(fact.of.path.partition("/")[0], "")
        title = title or (query.places[0].node.field.title if query and query.places else "家族")
        return f"{about}{title}{'と同じ' if fact.source == 'same' else 'から'}"
    told = SOURCE_WORDS.get(fact.source, fact.source)
    return f"{told}({names[fact.by]})" if fact.source == "typed" and fact.by in names else told


def _papers_told(visit: Visit, seen: Open, name: str) -> Iterator[str]:
    words = {"seen": "原本を確認", "taken": "原本を預かった"}
    kept = visit.content.papers.get(name, {})
    for each in seen.turn.seen[name].settled.attachments:
        if each.key in kept:
            yield f"{each.label}: {words.get(kept[each.key], '')}"


def _links(seen: Open, name: str, errors: Sequence[FieldError]) -> Iterator[ErrorLink]:
    """Errors of an application, each leading to where it is put right."""
    form, state = seen.declarations[name].form, seen.turn.seen[name]
    places = {place.pointer: place for place in state.places}
    labels = {f"attachment:{each.key}": each.label for each in state.settled.attachments}
    for error in errors:
        place = places.get(error.pointer)
        if error.code in _WHOLE:
            label, told = _WHOLE[error.code]
            yield ErrorLink(f"{seen.base}/procedures", label, f"{told}。手続きを選び直してください")
        elif error.pointer in labels:
            yield ErrorLink(f"{seen.base}/papers", labels[error.pointer], message(error, None, labels[error.pointer]))
        elif place is not None:
            field_ = place.node.field
            href = f"{seen.base}/ask?key={quote(pointer(place.key), safe='')}"
            yield ErrorLink(href, field_.title, message(error, field_, field_.title, form.speech))
        else:
            question = state.settled.by_pointer.get(error.pointer)
            told = message(error, question.field, question.field.title) if question else "質問に続けて答えてください"
            yield ErrorLink(f"{seen.base}/ask", question.field.title if question else "", told)


ROUTES = [
    route(HERE + "/{visit:uuid}/answers", answers, access=Access.STAFF),
]
