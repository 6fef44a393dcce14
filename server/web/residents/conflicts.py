"""Two tabs that say different things of one draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Posted
from server.applications import filling, numbers
from server.applications.drafts import Content
from server.web.contexts import ConflictPage, Difference
from server.web.http import page
from server.web.residents.opened import Place


async def differences(place: Place, mine: Content, day: date) -> tuple[filling.Difference, ...]:
    """What a page says otherwise than the draft that was saved meanwhile."""
    form, saved = place.declaration.form, place.content
    answers = await to_thread.run_sync(numbers.recognised, form, mine.answers, saved.answers, saved.marks)
    return filling.differences(form, replace(mine, answers=answers), saved, day)


def conflict(request: Request, place: Place, found: Sequence[filling.Difference], posted: Posted) -> Response:
    """Two tabs saved different things: both are shown, and the resident chooses."""
    chosen = ("_rev", "_do", filling.PICK)
    kept = [(name, value) for name, values in posted.items() for value in values if not name.startswith(chosen)]
    conflict = ConflictPage(
        title=place.declaration.title,
        step_title=place.declaration.form.steps[place.number].title,
        differences=[Difference(filling.PICK + each.pointer, each.label, each.mine, each.theirs) for each in found],
        hidden=kept,
        action=place.action,
        rev=str(place.draft.revision) if place.draft else "",
    )
    return page(request, "pages/conflict.html", conflict, status=409)
