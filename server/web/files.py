"""Files of a draft: taking those that came with a page, and giving one back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from forms_schema import FieldError
from server.applications import filling, uploads
from server.web.http import PostedFile, problem, services
from server.web.opened import Place, open_draft
from server.web.routing import Access, route


async def take_files(
    request: Request, place: Place, files: Sequence[PostedFile], origins: Mapping[str, Sequence[int]]
) -> tuple[list[uploads.Kept], list[FieldError]]:
    """Store what fits of the posted files; the rest are errors at their questions."""
    of = services(request)
    accepts = {a.key: a.accept for a in place.declaration.form.attachments}
    kept: list[uploads.Kept] = []
    unfit: list[FieldError] = []
    for file in files:
        posted_as = file.control.removeprefix("attachment.").replace(".", "/")
        key = filling.followed(place.declaration.form, origins, posted_as)
        accept = accepts.get(posted_as.partition("/")[0])
        content = _read(file)
        if accept is None or key is None:
            continue
        verdict = uploads.Unfit("size") if file.refused else uploads.fit(content, accept)
        if isinstance(verdict, uploads.Unfit):
            unfit.append(FieldError(f"attachment:{key}", f"file-{verdict.code}", {"limit": uploads.MAX_FILE >> 20}))
            continue
        incoming = uploads.Incoming(key, file.name, verdict, content)
        store = partial(uploads.store, of.blobs, of.keys, incoming, now=of.clock(), random=of.random)
        kept.append(await to_thread.run_sync(store))
    return kept, unfit


def _read(file: PostedFile) -> bytes:
    return b"" if file.refused else file.content.read()


async def with_files(request: Request, place: Place, kept: Sequence[uploads.Kept]) -> Place:
    """A page with errors keeps the files that came with it, where there is a draft to keep them."""
    if place.draft is None or not kept:
        return place
    draft_id = place.draft.id
    taken = await services(request).database.transact(
        lambda db: [each.upload for each in kept if uploads.attach(db, each, "draft", draft_id) is None]
    )
    return replace(place, files=(*place.files, *taken))


async def file(request: Request) -> Response:
    """A file of the draft, as it was handed in; never shown as a page of ours."""
    opened = await open_draft(request)
    if isinstance(opened, Response):
        return opened
    return await download(request, "draft", opened[0].id)


async def download(request: Request, owner_kind: str, owner_id: str) -> Response:
    """The content of an owner's file, to be saved rather than shown: what is in it is not ours."""
    of, upload_id = services(request), request.path_params["file"]
    stored = await of.database.read(lambda db: uploads.one(db, of.keys, upload_id, owner_kind, owner_id))
    if stored is None:
        return problem(request, 404)
    content = await to_thread.run_sync(stored.content, of.blobs)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(stored.upload.name)}",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(content, media_type=stored.upload.media_type, headers=headers)


ROUTES = [
    route("/drafts/{draft}/files/{file}", file, access=Access.DRAFT),
]
