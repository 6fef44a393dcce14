"""The papers of a visit: what was seen or taken in, and scans of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Posted
from forms_schema.base import FieldView, FileView
from forms_schema.messages import message
from forms_schema.view import attachment_view
from server.applications import uploads
from server.applications.filetypes import Unfit
from server.applications.intake import Incoming, Sender
from server.counter import filing, visits
from server.counter.visits import Conflict, Visit
from server.people.staff_sessions import Staff
from server.store.database import Writing
from server.web.badge import Desk, absent, desk, staff
from server.web.contexts import ErrorLink
from server.web.counter.visiting import HERE, Open, Panel, open_visit, panel
from server.web.counter.visits import changed
from server.web.http import PostedFile, client, form_with_files, last, page, see_other, services
from server.web.residents.drafts import FORM_WITH_FILES
from server.web.residents.files import download, refusal
from server.web.residents.steps import kilobytes
from server.web.routing import Access, route


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
    async with form_with_files(request) as (posted, files):
        return await _kept_papers(request, posted, files)


async def _kept_papers(request: Request, posted: Posted, files: Sequence[PostedFile]) -> Response:
    seen = await open_visit(request, posted)
    if isinstance(seen, Response):
        return seen
    of, who, now = services(request), staff(request), services(request).clock()
    wrong = await _take_files(request, seen, who, files)
    verb, _, where = last(posted, "_do", "next").partition(":")
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
            said = last(posted, f"paper.{name}.{asked.key.replace('/', '.')}")
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
            wrong[name, each.key] = message(uploads.error(each.key, refusal(file)), None, each.label)
    incoming = [Incoming(each.key, file.name, file.content, each.attachment.accept) for file, _, each in fitting]
    taken = await of.intake.take(incoming, Sender(who.session_id, client(request), who.actor))
    for (_, name, each), kept in zip(fitting, taken, strict=True):
        unfit_ = kept if isinstance(kept, Unfit) else await _attached(request, seen, name, kept)
        if unfit_ is not None:
            wrong[name, each.key] = message(uploads.error(each.key, unfit_), None, each.label)
    return wrong


async def _attached(request: Request, seen: Open, name: str, kept: uploads.Kept) -> Unfit | None:
    of, now = services(request), services(request).clock()
    against = await of.database.transact(lambda db: visits.attach(db, seen.visit, name, kept, now=now))
    if against is not None:
        await of.intake.discard([kept])
    return None if isinstance(against, Conflict) else against  # that the visit is over, the save after this one tells


async def file(request: Request) -> Response:
    """A scan of the visit, to be saved rather than shown."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    name = request.path_params["form"]
    if name not in seen.declarations:
        return absent(request)
    return await download(request, *visits.files_of(seen.visit.id, name), back=f"{seen.base}/papers")


ROUTES = [
    route(HERE + "/{visit:uuid}/papers", papers, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/papers", keep_papers, methods=("POST",), access=Access.STAFF, body=FORM_WITH_FILES),
    route(HERE + "/{visit:uuid}/files/{form}/{file}", file, access=Access.STAFF),
]
