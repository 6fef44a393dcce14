"""Opening a saved draft by its code, on whatever device."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.applications import drafts
from server.applications.drafts import Draft
from server.people.limits import Limit, seconds_to_wait
from server.store.database import Writing
from server.web.contexts import ErrorLink, ResumePage
from server.web.http import client, language, last, page, problem, read_form, see_other, services, set_session, visitor
from server.web.routing import Access, route

BY_CODE: Final = Limit("draft.resume", 20, timedelta(hours=1))


async def resume_page(request: Request) -> Response:
    """Where the code of a saved draft is typed."""
    return page(request, "pages/resume.html", ResumePage())


async def resume(request: Request) -> Response:
    """The draft of a code, in this browser from now on."""
    of, who = services(request), visitor(request)
    code = last(await read_form(request), "code")
    now, place = of.clock(), client(request)

    def work(db: Writing) -> tuple[Draft, str | None] | int | None:
        wait = seconds_to_wait(db, of.keys, BY_CODE, place, now=now)
        return wait or drafts.resume(db, of.keys, code, who, now=now, random=of.random)

    found = await of.database.transact(work)
    if isinstance(found, int):
        return problem(request, 429, retry_after=found)
    if found is None:
        _ = language(request).say
        told = _("再開コードが違うか、保存の期限が過ぎています。12文字をもう一度確かめてください。")
        wrong = ErrorLink("#f-code", _("再開コード"), told)
        return page(request, "pages/resume.html", ResumePage([wrong], code[:40]), status=422)
    draft, token = found
    response = see_other(f"/drafts/{draft.id}/1")
    if token is not None:
        set_session(request, response, token)
    return response


ROUTES = [
    route("/resume", resume_page, access=Access.VISITOR),
    route("/resume", resume, methods=("POST",), access=Access.VISITOR),
]
