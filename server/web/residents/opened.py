"""A draft as a page finds it: whose it is, its declaration, its files where they are shown; or the page to go to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Form
from procedures.bookings import Opening
from procedures.declaration import Channel, Declaration
from server.applications import drafts, earlier, filling, uploads
from server.applications.drafts import Content, Draft
from server.applications.prefill import prefilled
from server.applications.submission import number_of
from server.japan import today
from server.store.database import Reading
from server.web.contexts import AtWindowPage
from server.web.http import language, page, problem, see_other, services, visitor
from server.web.lost import not_there
from server.web.residents import steps


@dataclass(frozen=True, slots=True)
class Place:
    """A draft, or the first step before there is one, with everything its page needs. `known` of the visitor may be
    offered to them; `opening` is there on the step where something is booked."""

    declaration: Declaration
    number: int
    draft: Draft | None
    content: Content
    files: tuple[uploads.Upload, ...] = ()
    known: earlier.Facts = field(default_factory=dict)
    opening: Opening | None = None

    @property
    def base(self) -> str:
        return f"/drafts/{self.draft.id}" if self.draft else ""

    @property
    def action(self) -> str:
        return f"{self.base}/{self.number + 1}" if self.draft else f"/procedures/{self.declaration.slug}/apply"


async def placed(request: Request) -> Place | Response:
    """The step of the address, in the visitor's draft."""
    draft = await open_draft(request)
    if isinstance(draft, Response):
        return draft
    declaration = await spoken(request, draft.digest, draft.slug)
    number = request.path_params["step"] - 1
    if not 0 <= number < len(declaration.form.steps):
        return problem(request, 404)
    files = await files_of(request, draft) if _has_files(declaration.form, number) else ()
    content = prefilled(declaration.form, draft.content, visitor(request), today(services(request).clock()))
    booking = declaration.booking
    booked_here = booking is not None and filling.step_of(declaration.form, booking.field) == number
    opening = await services(request).opening(declaration) if booked_here else None
    return await with_earlier(request, Place(declaration, number, draft, content, files, opening=opening))


async def with_earlier(request: Request, place: Place) -> Place:
    """The same with what is kept of a signed-in visitor."""
    of, who, now = services(request), visitor(request), services(request).clock()
    if who.resident is None:
        return place
    return replace(place, known=await of.database.read(lambda db: earlier.load(db, of.keys, who, now=now)))


async def spoken(request: Request, digest: str, slug: str) -> Declaration:
    """A version of a procedure in the visitor's language."""
    return language(request).spoken(await services(request).catalogue.declaration(digest, slug))


def _has_files(form: Form, number: int) -> bool:
    """Whether a step's page shows files, or its rows may have some that go where the row goes."""
    return steps.multipart(form, number) or any(attachment.each for attachment in form.attachments)


async def files_of(request: Request, draft: Draft) -> tuple[uploads.Upload, ...]:
    """The files that were handed in with a draft."""
    of = services(request)
    return await of.database.read(lambda db: uploads.of(db, of.keys, "draft", draft.id))


async def open_draft(request: Request) -> Draft | Response:
    """The visitor's draft; the receipt when it was submitted; where it was filed at a window, a page that says so, for
    what stands there may be more than was typed here; 404 when it is not theirs."""
    of, who, draft_id = services(request), visitor(request), request.path_params["draft"]
    now = of.clock()

    def work(db: Reading) -> Draft | tuple[str, Channel] | None:
        draft = drafts.load(db, of.keys, draft_id, who, now=now)
        if draft is None or draft.application_id is None:
            return draft
        return number_of(db, draft.application_id)

    found = await of.database.read(work)
    if found is None:
        return await not_there(request)
    if isinstance(found, Draft):
        return found
    number, channel = found
    if channel is Channel.COUNTER:
        return page(request, "pages/at_window.html", AtWindowPage("/applications"))
    return see_other(f"/applications/{number}/receipt")
