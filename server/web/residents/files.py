"""Files of a draft: taking those that came with a page, and giving one back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from forms_schema import FieldError
from server.applications import filling, uploads
from server.applications.filetypes import Unfit
from server.applications.intake import Incoming, sender
from server.store import StoreUnavailable
from server.web.contexts import WithheldPage
from server.web.http import PostedFile, client, page, problem, services, visitor
from server.web.residents.opened import Place, open_draft
from server.web.routing import Access, route


async def take_files(
    request: Request, place: Place, files: Sequence[PostedFile], origins: Mapping[str, Sequence[int]]
) -> tuple[list[uploads.Kept], list[FieldError]]:
    """Take in what fits of the posted files; the rest are errors at their questions."""
    form = place.declaration.form
    accepts = {a.key: a.accept for a in form.attachments}
    incoming: list[Incoming] = []
    refused: list[FieldError] = []
    for file in files:
        posted_as = file.control.removeprefix("attachment.").replace(".", "/")
        key, accept = filling.followed(form, origins, posted_as), accepts.get(posted_as.partition("/")[0])
        if accept is None or key is None:
            continue
        if file.refused == "no-room":
            raise StoreUnavailable("a file could not be taken")
        if file.refused:
            refused.append(uploads.error(key, refusal(file)))
        else:
            incoming.append(Incoming(key, file.name, file.content, accept))
    taken = await services(request).intake.take(incoming, sender(visitor(request), client(request)))
    kept = [each for each in taken if isinstance(each, uploads.Kept)]
    pairs = zip(incoming, taken, strict=True)
    refused += [uploads.error(file.key, each) for file, each in pairs if isinstance(each, Unfit)]
    return kept, list({error.pointer: error for error in reversed(refused)}.values())[::-1]


async def with_files(
    request: Request, place: Place, kept: Sequence[uploads.Kept]
) -> tuple[Place, tuple[FieldError, ...]]:
    """A page with errors keeps the files that came with it, where there is a draft to keep them. The errors are of
    those that were too many."""
    of, draft = services(request), place.draft
    if draft is None or not kept:
        await of.intake.discard(kept)
        return place, ()
    surplus = await attached(request, kept, ("draft", draft.id))
    files = (*place.files, *(each.upload for each in kept if each not in surplus))
    return replace(place, files=files), tuple(uploads.error(each.upload.key, Unfit("count")) for each in surplus)


def refusal(file: PostedFile) -> Unfit:
    """Why a file was refused while it came in."""
    return Unfit("size" if file.refused == "too-large" else "count")


async def attached(request: Request, kept: Sequence[uploads.Kept], owner: uploads.Owner) -> Sequence[uploads.Kept]:
    """Make files an owner's, as many as it may have: those that were too many, and are gone."""
    of = services(request)
    surplus = await of.database.transact(
        lambda db: [each for each in kept if uploads.attach(db, each, *owner) is not None]
    )
    await of.intake.discard(surplus)
    return surplus


async def file(request: Request) -> Response:
    """A file of the draft, as it was handed in; never shown as a page of ours."""
    draft = await open_draft(request)
    if isinstance(draft, Response):
        return draft
    return await download(request, "draft", draft.id, back=f"/drafts/{draft.id}/check")


async def download(request: Request, owner_kind: str, owner_id: str, *, back: str) -> Response:
    """The content of an owner's file, to be saved rather than shown: what is in it is not ours. 409 for one that
    nobody is given."""
    of, upload_id = services(request), request.path_params["file"]
    stored = await of.database.read(lambda db: uploads.one(db, of.keys, upload_id, owner_kind, owner_id))
    return problem(request, 404) if stored is None else await given(request, stored, back=back)


async def given(request: Request, stored: uploads.Stored, *, back: str) -> Response:
    """The content of a file that whoever asks may have."""
    try:
        content = await to_thread.run_sync(stored.content, services(request).blobs)
    except uploads.Withheld as held:
        return page(request, "pages/withheld.html", WithheldPage(held.scan, stored.upload.name, back), status=409)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(stored.upload.name)}",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(content, media_type=stored.upload.media_type, headers=headers)


ROUTES = [
    route("/drafts/{draft}/files/{file}", file, access=Access.DRAFT),
]
