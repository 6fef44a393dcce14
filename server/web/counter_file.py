"""The end of a visit: answers with their sources, what was seen of papers, filing, and where each application is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import FieldError, Posted
from forms_schema.base import FieldView, FileView
from forms_schema.messages import message
from forms_schema.view import attachment_view
from procedures.bookings import Opening
from procedures.joint import Fact, pointer
from server.applications import messages, office, summary, uploads
from server.applications.filetypes import Unfit
from server.applications.intake import Incoming, Sender
from server.applications.messages import Audience
from server.applications.office import Whereabouts
from server.applications.submission import Raced, SlotTaken, Submitted
from server.catalogue import Published
from server.counter import confirmation, filing, visits
from server.counter.confirmation import PAPER, SAID, Moved
from server.counter.filing import NotReady, Ready
from server.counter.mirror import picture
from server.counter.people import called
from server.counter.visits import Conflict, Visit
from server.notices.worker import deliver_at_once
from server.paper.finding import known
from server.people import staff as accounts
from server.people.staff_sessions import Staff
from server.store.database import Reading, Writing
from server.web.asking import WHOLES
from server.web.badge import Desk, absent, desk, staff
from server.web.contexts import ErrorLink
from server.web.counter import changed
from server.web.drafts import FORM_WITH_FILES
from server.web.files import download
from server.web.http import PostedFile, client, page, read_form, read_form_with_files, see_other, services
from server.web.office_words import STATE_WORDS
from server.web.routing import Access, route
from server.web.steps import kilobytes
from server.web.visiting import HERE, Open, Panel, found_visit, open_visit, panel

SOURCE_WORDS: Final[Mapping[str, str]] = {
    "typed": "窓口で入力",
    "same": "ほかの答えと同じ",
    "follows": "ほかの答えから",
    "card": "マイナンバーカード",
    "earlier": "以前の申請",
    "pre-entry": "事前入力",
    "guide": "ガイドの答え",
}
METHOD_WORDS: Final[Mapping[str, str]] = {
    "drawn": "タブレットに署名",
    "said": "口頭で確認",
    "paper": "紙の控えに署名",
}
CHANNEL: Final = "counter"


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


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A paper that is asked for. `state` is '', 'seen' or 'taken'; `view` is of its files."""

    name: str
    id: str
    title: str
    hint: str
    required: bool
    state: str
    view: FieldView
    error: str


@dataclass(frozen=True, slots=True)
class PaperForm:
    """The papers of an application."""

    title: str
    lines: Sequence[PaperLine]


@dataclass(frozen=True, slots=True)
class PapersPage:
    """staff/counter_papers.html."""

    desk: Desk
    panel: Panel
    action: str
    forms: Sequence[PaperForm]
    rev: str
    errors: Sequence[ErrorLink]


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


@dataclass(frozen=True, slots=True)
class Said:
    """What an office asks the window, or is answered."""

    text: str
    who: str
    at: datetime
    ours: bool


@dataclass(frozen=True, slots=True)
class FiledForm:
    """An application of a visit that was filed."""

    title: str
    number: str
    code: str
    department: str
    state: str
    fee: int
    submitted_at: datetime
    href: str
    said: Sequence[Said]


@dataclass(frozen=True, slots=True)
class FiledPage:
    """staff/counter_filed.html, and staff/counter_receipt.html, which is printed for the resident."""

    desk: Desk
    base: str
    filed_at: datetime
    clerk: str
    forms: Sequence[FiledForm]
    total: int
    status_url: str


# --- answers and their sources ----------------------------------------------------------------------------------------


async def answers(request: Request) -> Response:
    """Every answer of every application, with its source and the way to correct it."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    context = AnswersPage(desk(request), panel(request, seen), await _traced(request, seen, {}))
    return page(request, "staff/counter_answers.html", context)


async def _traced(
    request: Request, seen: Open, errors: Mapping[str, Sequence[FieldError]], ready: Ready | None = None
) -> list[TracedForm]:
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


_TIMING: Final = {"submit": "申請のとき", "result": "結果のあと"}


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
        if error is filing.NO_FEE:
            told = "この手続きの手数料が決まっていないため、いまは出せません。手続きを選び直してください"
            yield ErrorLink(f"{seen.base}/procedures", "手数料", told)
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


# --- papers -----------------------------------------------------------------------------------------------------------


async def papers(request: Request) -> Response:
    """What every application needs beside its answers; where nothing is needed, on to the check."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    if not any(state.settled.attachments for state in seen.turn.seen.values()):
        return see_other(f"{seen.base}/check")
    return await _papers(request, seen, {})


async def _papers(request: Request, seen: Open, wrong: Mapping[tuple[str, str], str], status: int = 200) -> Response:
    of = services(request)
    files = await of.database.read(lambda db: filing.files_in(db, of.keys, seen.visit))
    forms = [
        PaperForm(seen.declarations[name].title, lines)
        for name in seen.declarations
        if (lines := list(_lines(seen, name, files.get(name, ()), wrong)))
    ]
    errors = [ErrorLink(f"#{each.id}", each.title, each.error) for form in forms for each in form.lines if each.error]
    context = PapersPage(
        desk(request), panel(request, seen), f"{seen.base}/papers", forms, str(seen.visit.revision), errors
    )
    return page(request, "staff/counter_papers.html", context, status=status)


def _lines(
    seen: Open, name: str, files: Sequence[uploads.Upload], wrong: Mapping[tuple[str, str], str]
) -> Iterator[PaperLine]:
    kept, form = seen.visit.content.papers.get(name, {}), seen.declarations[name].form
    for asked in seen.turn.seen[name].settled.attachments:
        shown = [
            FileView(
                file.name,
                kilobytes(file.size),
                f"{seen.base}/files/{quote(name)}/{file.id}",
                f"detach:{name}:{file.id}",
            )
            for file in files
            if file.key == asked.key
        ]
        view = attachment_view(
            asked.attachment, shown, False, "", f"{asked.label}の写し", key=asked.key, speech=form.speech
        )
        control = f"{name}.{asked.key.replace('/', '.')}"
        name_, id_ = f"attachment.{control}", f"f-file-{control.replace('.', '-')}"
        view = replace(view, name=name_, id=id_, add="", hint="", describedby="")
        yield PaperLine(
            f"paper.{control}",
            f"f-paper-{control.replace('.', '-')}",
            asked.label,
            asked.attachment.hint,
            asked.required,
            kept.get(asked.key, ""),
            view,
            wrong.get((name, asked.key), ""),
        )


async def keep_papers(request: Request) -> Response:
    """Note what was seen or taken in, and take scans."""
    posted, files = await read_form_with_files(request)
    try:
        return await _kept_papers(request, posted, files)
    finally:
        for each in files:
            each.content.close()


async def _kept_papers(request: Request, posted: Posted, files: Sequence[PostedFile]) -> Response:
    seen = await open_visit(request, posted)
    if isinstance(seen, Response):
        return seen
    of, who, now = services(request), staff(request), services(request).clock()
    wrong = await _take_files(request, seen, who, files)
    verb, _, where = (posted.get("_do") or ["next"])[-1].partition(":")
    content = replace(seen.visit.content, papers=_states(seen, posted))

    def work(db: Writing) -> Visit | Conflict:
        if verb == "detach":
            name, _, file = where.partition(":")
            if name in seen.declarations:
                uploads.remove(db, file, *visits.files_of(seen.visit.id, name))
        return visits.save(db, of.keys, seen.visit, content, now=now)

    saved = await of.database.transact(work)
    if isinstance(saved, Conflict):
        return changed(request, seen)
    of.interviews.keep(saved, seen.turn)
    if wrong:
        return await _papers(request, replace(seen, visit=saved), wrong, 422)
    return see_other(f"{seen.base}/{'check' if verb == 'next' else 'papers'}")


def _states(seen: Open, posted: Posted) -> dict[str, dict[str, str]]:
    """What is noted of every paper that is asked for; of others what was noted before is forgotten."""
    found: dict[str, dict[str, str]] = {}
    for name in seen.declarations:
        for asked in seen.turn.seen[name].settled.attachments:
            said = (posted.get(f"paper.{name}.{asked.key.replace('/', '.')}") or [""])[-1]
            if said in ("seen", "taken"):
                found.setdefault(name, {})[asked.key] = said
    return found


async def _take_files(
    request: Request, seen: Open, who: Staff, files: Sequence[PostedFile]
) -> dict[tuple[str, str], str]:
    """Take in what fits of the scans; the rest are told at their papers."""
    of = services(request)
    asked = {
        f"attachment.{name}.{each.key.replace('/', '.')}": (name, each)
        for name in seen.declarations
        for each in seen.turn.seen[name].settled.attachments
    }
    wrong: dict[tuple[str, str], str] = {}
    known = [(file, *asked[file.control]) for file in files if file.control in asked]
    fitting = [each for each in known if not each[0].refused]
    for file, name, each in known:
        if file.refused:
            unfit = Unfit("size" if file.refused == "too-large" else "count")
            wrong[name, each.key] = message(uploads.error(each.key, unfit), None, each.label)
    incoming = [Incoming(each.key, file.name, file.content, each.attachment.accept) for file, _, each in fitting]
    taken = await of.intake.take(incoming, Sender(who.session_id, client(request), who.actor))
    for (_, name, each), kept in zip(fitting, taken, strict=True):
        unfit_ = kept if isinstance(kept, Unfit) else await _attached(request, seen, name, kept)
        if unfit_ is not None:
            wrong[name, each.key] = message(uploads.error(each.key, unfit_), None, each.label)
    return wrong


async def _attached(request: Request, seen: Open, name: str, kept: uploads.Kept) -> Unfit | None:
    of = services(request)
    owner = visits.files_of(seen.visit.id, name)
    unfit = await of.database.transact(lambda db: uploads.attach(db, kept, *owner))
    if unfit is not None:
        await of.intake.discard([kept])
    return unfit


async def file(request: Request) -> Response:
    """A scan of the visit, to be saved rather than shown."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    name = request.path_params["form"]
    if name not in seen.declarations:
        return absent(request)
    return await download(request, *visits.files_of(seen.visit.id, name), back=f"{seen.base}/papers")


# --- filing -----------------------------------------------------------------------------------------------------------


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
    files = await of.database.read(lambda db: filing.files_in(db, of.keys, seen.visit))
    openings: dict[str, Opening] = {}
    served: dict[str, Published] = {}
    for name, declaration in seen.declarations.items():
        opening, published = await of.opening(declaration), of.catalogue.get(name)
        openings |= {name: opening} if opening is not None else {}
        served |= {name: published} if published is not None else {}
    table = of.catalogue.shared.fees
    return filing.judge(seen.visit, seen.turn, seen.declarations, files, openings, served, table, now=now)


async def _check(request: Request, seen: Open, *, told: str = "", method: str = "", status: int = 200) -> Response:
    of = services(request)
    outcome = await _judged(request, seen)
    confirmed, by = await of.database.read(
        lambda db: (confirmation.confirmed(db, seen.visit), known(db, of.keys, seen.visit.id))
    )
    ready = outcome if isinstance(outcome, Ready) else None
    forms = await _traced(request, seen, outcome.errors if isinstance(outcome, NotReady) else {}, ready)
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
        rev=str(seen.visit.revision),
        errors=errors,
        told="" if errors else told,
    )
    return page(request, "staff/counter_check.html", context, status=status)


async def submit(request: Request) -> Response:
    """File every application of the visit, or none. Sent twice, it leads to what was filed."""
    posted = await read_form(request)
    seen = await open_visit(request, posted)
    if isinstance(seen, Response):
        return seen
    method = (posted.get("method") or [""])[-1]
    if (posted.get("_rev") or [""])[-1] != str(seen.visit.revision):
        told = "ほかの画面で内容が変わりました。もう一度、本人と確かめてください。"
        return await _check(request, seen, told=told, method=method, status=409)
    outcome = await _judged(request, seen)
    if isinstance(outcome, NotReady):
        return await _check(
            request, seen, told="まだ出せません。下の誤りを直してください。1件も出していません。", status=409
        )
    of = services(request)
    confirmed = await of.database.read(lambda db: confirmation.confirmed(db, seen.visit))
    if confirmed is None and method not in (PAPER, SAID):
        return await _check(
            request, seen, told="本人がどのように内容を確かめたかを選んでください", method=method, status=422
        )
    return await _filed(request, seen, outcome, confirmed, method)


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
        again = await found_visit(request)
        if isinstance(again, Response) or not again.open:
            return see_other(seen.base)  # pressed twice: the other one filed it
        return changed(request, seen)
    of.interviews.drop(seen.visit.id)
    of.mirrors.drop(seen.visit.id)
    if of.mailer is not None:
        await deliver_at_once(of.database, of.mailer, now)
    for name in done:
        of.metrics.submitted(name, CHANNEL)
    return see_other(f"{seen.base}/filed")


# --- where each is ----------------------------------------------------------------------------------------------------


async def filed(request: Request) -> Response:
    """Each application's department, state, and what its office asks the window."""
    return await _bundle(request, "staff/counter_filed.html", "visit.view")


async def receipt(request: Request) -> Response:
    """The receipt numbers and access codes, to be printed and handed to the resident."""
    return await _bundle(request, "staff/counter_receipt.html", "visit.receipt")


async def _bundle(request: Request, template: str, action: str) -> Response:
    visit = await found_visit(request)
    if isinstance(visit, Response):
        return visit
    if visit.state != visits.FILED:
        return see_other(f"{HERE}/{visit.id}")
    of, who = services(request), staff(request)

    def work(db: Writing) -> FiledPage:
        db.audit(action, visit.id, actor=who.actor)
        found = office.whereabouts(db, [application_id for _, application_id in visits.bundle(db, visit.id)])
        forms = [_filed_form(db, request, each) for each in sorted(found, key=lambda each: each.number)]
        return FiledPage(
            desk(request),
            f"{HERE}/{visit.id}",
            forms[0].submitted_at if forms else visit.saved_at,
            accounts.name_of(db, of.keys, visit.staff_id),
            forms,
            sum(form.fee for form in forms),
            f"{of.settings.base_url}/applications",
        )

    return page(request, template, await of.database.transact(work))


def _filed_form(db: Reading, request: Request, found: Whereabouts) -> FiledForm:
    of, served = services(request), services(request).catalogue.get(found.slug)
    return FiledForm(
        served.declaration.title if served else found.slug,
        found.number,
        of.keys.access_code(found.application_id),
        found.department,
        STATE_WORDS[found.state],
        found.fee,
        found.submitted_at,
        f"/office/applications/{found.number}",
        list(_said(db, request, found.application_id)),
    )


def _said(db: Reading, request: Request, application_id: str) -> Iterator[Said]:
    of = services(request)
    for each in messages.of(db, of.keys, application_id):
        if each.audience is Audience.COUNTER:
            yield Said(
                each.text, accounts.name_of(db, of.keys, each.staff_id), each.at, each.kind is messages.Kind.ANSWER
            )


ROUTES = [
    route(HERE + "/{visit:uuid}/answers", answers, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/papers", papers, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/papers", keep_papers, methods=("POST",), access=Access.STAFF, body=FORM_WITH_FILES),
    route(HERE + "/{visit:uuid}/files/{form}/{file}", file, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/check", check, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/check", submit, methods=("POST",), access=Access.STAFF),
    route(HERE + "/{visit:uuid}/filed", filed, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/receipt", receipt, access=Access.STAFF),
]
