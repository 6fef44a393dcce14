"""A draft as a page finds it: whose it is, its declaration, its files; or the page that says what to do instead."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from starlette.requests import Request
from starlette.responses import Response

from procedures.declaration import Declaration
from server.applications import drafts, earlier, uploads
from server.applications.drafts import Content, Draft
from server.applications.prefill import prefilled
from server.applications.submission import number_of
from server.japan import today
from server.store.database import Reading
from server.web.http import problem, see_other, services, visitor
from server.web.lost import not_there


@dataclass(frozen=True, slots=True)
class Place:
    """A draft, or the first step before there is one, with everything its page needs. `known` of the visitor may be
    offered to them."""

    declaration: Declaration
    number: int
    draft: Draft | None
    content: Content
    files: tuple[uploads.Upload, ...] = ()
    known: earlier.Facts = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"/drafts/{self.draft.id}" if self.draft else ""

    @property
    def action(self) -> str:
        return f"{self.base}/{self.number + 1}" if self.draft else f"/procedures/{self.declaration.slug}/apply"


async def placed(request: Request) -> Place | Response:
    """The step of the address, in the visitor's draft."""
    opened = await open_draft(request)
    if isinstance(opened, Response):
        return opened
    draft, files = opened
    declaration = await services(request).catalogue.declaration(draft.digest, draft.slug)
    number = request.path_params["step"] - 1
    if not 0 <= number < len(declaration.form.steps):
        return problem(request, 404)
    content = prefilled(declaration.form, draft.content, visitor(request), today(services(request).clock()))
    return await with_earlier(request, Place(declaration, number, draft, content, files))


async def with_earlier(request: Request, place: Place) -> Place:
    """The same with what is kept of a signed-in visitor."""
    of, who, now = services(request), visitor(request), services(request).clock()
    if who.resident is None:
        return place
    return replace(place, known=await of.database.read(lambda db: earlier.load(db, of.keys, who, now=now)))


async def open_draft(request: Request) -> tuple[Draft, tuple[uploads.Upload, ...]] | Response:
    """The visitor's draft with its files; the receipt when it was submitted; 404 when it is not theirs."""
    of, who, draft_id = services(request), visitor(request), request.path_params["draft"]
    now = of.clock()

    def work(db: Reading) -> tuple[Draft, tuple[uploads.Upload, ...]] | str | None:
        draft = drafts.load(db, of.keys, draft_id, who, now=now)
        if draft is None:
            return None
        if draft.application_id is not None:
            return number_of(db, draft.application_id)
        return draft, uploads.of(db, of.keys, "draft", draft.id)

    found = await of.database.read(work)
    if found is None:
        return await not_there(request)
    return see_other(f"/applications/{found}/receipt") if isinstance(found, str) else found
