"""The resident's answer as somebody of the office was told it: by telephone, or at a window with papers in hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Posted
from server.applications import casework, uploads
from server.applications.casework import Moved, Order, Unfit
from server.applications.intake import Sender
from server.applications.messages import LONGEST, FileGone
from server.applications.states import Act
from server.store.database import Writing
from server.web.badge import staff
from server.web.http import PostedFile, client, form_with_files, language, last, services
from server.web.office.case import LIST, Sent, looked, told
from server.web.residents import added
from server.web.residents.drafts import FORM_WITH_FILES
from server.web.routing import Access, route


async def answer(request: Request) -> Response:
    """Enter an answer, with scans of papers. What is kept of them waits until it is entered."""
    async with form_with_files(request) as (posted, files):
        return await _answered(request, request.path_params["number"], posted, files)


async def _answered(request: Request, number: str, posted: Posted, files: Sequence[PostedFile]) -> Response:
    of, who, now = services(request), staff(request), services(request).clock()
    text, (verb, what) = last(posted, "text"), added.pressed(posted)
    sent = Sent(Act.ANSWER.value, text[: LONGEST * 2], "", "")
    case_id = await of.database.read(lambda db: casework.answerable(db, who, number))
    owner = uploads.pending(case_id or "", who.id)
    if case_id is not None:
        wrong = await added.take(request, files, owner, Sender(who.session_id, client(request), who.actor))
        if verb == "detach":
            await of.database.transact(lambda db: uploads.remove(db, what, *owner))
        if wrong or verb in ("detach", "upload"):
            return await looked(request, replace(sent, papers=wrong))

    def work(db: Writing) -> Moved | Unfit | bool:
        order = Order(Act.ANSWER, text, files=uploads.held(db, of.keys, owner))
        return casework.act(db, of.office, who, number, order, now=now)

    try:
        outcome = await of.database.transact(work)
    except FileGone:
        return await looked(request, replace(sent, papers=added.words(added.INFECTED, language(request))))
    if outcome is Unfit.TEXT:
        return await looked(request, replace(sent, why="answer"))
    return told(request, number, Act.ANSWER.value, outcome)


ROUTES = [
    route(
        f"{LIST}/applications/{{number}}/acts/answer",
        answer,
        methods=("POST",),
        access=Access.STAFF,
        body=FORM_WITH_FILES,
    ),
]
