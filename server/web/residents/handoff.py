"""Taking what was filled in to a window: at home the page with the code, and at the window the page that opens it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Json, Settled
from forms_schema.text import N_
from procedures.declaration import Channel, Declaration
from server.applications import drafts, mine
from server.applications.drafts import Draft
from server.catalogue.advice import query_of, recommended
from server.counter import handoffs
from server.counter.handoffs import Brought, BroughtForm, Code
from server.counter.qr import drawn
from server.japan import today
from server.languages import Language
from server.people.factors import Qr
from server.people.limits import LimitReached
from server.store.database import Reading
from server.web.http import client, language, page, problem, see_other, services, visitor
from server.web.public.athand import THINGS
from server.web.public.life_events import chosen
from server.web.residents.opened import open_draft, spoken
from server.web.routing import Access, route

IDENTITY: Final = N_("本人確認書類(マイナンバーカード、運転免許証、パスポートなど)")


@dataclass(frozen=True, slots=True)
class HandoffPage:
    """pages/handoff.html: before the code is made (`action` takes the form). `titles` are the forms that were begun,
    `event` the life event whose guide was answered ('' none), `asked` how many procedures of it are asked anew."""

    titles: Sequence[str]
    event: str
    asked: int
    bring: Sequence[str]
    action: str
    back_url: str


@dataclass(frozen=True, slots=True)
class HandoffCodePage:
    """pages/handoff_code.html: the code, once. `signs` are its groups of four; `again_url` leads to another one."""

    titles: Sequence[str]
    event: str
    bring: Sequence[str]
    qr: Qr
    signs: Sequence[str]
    until: datetime
    again_url: str
    back_url: str


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be carried, and what there is to say of it."""

    content: Brought
    titles: Sequence[str]
    event: str
    asked: int
    bring: Sequence[str]
    here: str
    back_url: str
    draft_id: str | None = None


# --- one draft --------------------------------------------------------------------------------------------------------


async def offer_draft(request: Request) -> Response:
    """What it means to take a draft to a window; nothing is made yet."""
    load = await _of_draft(request)
    return load if isinstance(load, Response) else _offer(request, load)


async def make_draft(request: Request) -> Response:
    """The code of a draft; the one before is void."""
    load = await _of_draft(request)
    return load if isinstance(load, Response) else await _made(request, load)


async def _of_draft(request: Request) -> Load | Response:
    draft = await open_draft(request)
    if isinstance(draft, Response):
        return draft
    declaration = await spoken(request, draft.digest, draft.slug)
    if Channel.COUNTER not in declaration.channels:
        return problem(request, 404)
    content = Brought({draft.slug: _form(draft)}, language=language(request).code)
    base = f"/drafts/{draft.id}"
    bring = _bring(request, [(declaration, draft)])
    return Load(content, [declaration.title], "", 0, bring, f"{base}/handoff", f"{base}/check", draft.id)


def _form(draft: Draft) -> BroughtForm:
    content = draft.content
    return BroughtForm(draft.digest, content.answers, content.rows, content.elsewhere, draft.id)


def _bring(request: Request, begun: Sequence[tuple[Declaration, Draft]], more: Sequence[str] = ()) -> list[str]:
    day = today(services(request).clock())
    answered = [(each, each.form.settle(draft.content.answers, day)) for each, draft in begun]
    return things_to_bring(language(request), answered, more)


def things_to_bring(
    speech: Language, answered: Iterable[tuple[Declaration, Settled]], more: Sequence[str] = ()
) -> list[str]:
    """What to bring: who one is, what the guides tell, the papers these answers ask for, what nobody knows by heart."""
    say = speech.say
    found = [say(IDENTITY), *more]
    for declaration, settled in answered:
        found += [*declaration.guide.bring, *(each.label for each in settled.attachments)]
        asked = (question.field.kind.name for question in settled.by_pointer.values())
        found += [say(THINGS[kind]) for kind in asked if kind in THINGS]
    return list(dict.fromkeys(found))


# --- a life event -----------------------------------------------------------------------------------------------------


async def offer_event(request: Request) -> Response:
    """The same of a life event: the answers of its guide, and what was begun of its list."""
    load = await _of_event(request)
    return load if isinstance(load, Response) else _offer(request, load)


async def make_event(request: Request) -> Response:
    """One code for all of it."""
    load = await _of_event(request)
    return load if isinstance(load, Response) else await _made(request, load)


async def _of_event(request: Request) -> Load | Response:
    found = chosen(request)
    if isinstance(found, Response):
        return found
    event, interview, settled = found
    of, base = services(request), f"/life-events/{quote(event.id)}"
    query = query_of(settled)
    if interview.form.errors(settled) or request.url.query != query:
        return see_other(f"{base}/handoff?{query}" if not interview.form.errors(settled) else f"{base}?{query}")
    advised = await recommended(interview, settled, of.catalogue, of.city.calendar)
    served = [each for each in advised if each.declaration and Channel.COUNTER in each.declaration.channels]
    begun = await _begun(request, [each.advice.slug for each in served])
    read = [(await spoken(request, draft.digest, draft.slug), draft) for draft in begun]
    more = [language(request).told(thing) for each in served for thing in each.bring]
    guide: Mapping[str, Json] = settled.kept
    return Load(
        Brought({draft.slug: _form(draft) for draft in begun}, event.id, guide, language(request).code),
        [declaration.title for declaration, _ in read],
        event.title,
        len(served) - len(begun),
        _bring(request, read, more),
        f"{base}/handoff?{query}",
        f"{base}/list?{query}",
    )


async def _begun(request: Request, slugs: Sequence[str]) -> list[Draft]:
    """The visitor's drafts of these procedures, the last saved of each, in the order of the list."""
    of, who, now = services(request), visitor(request), services(request).clock()

    def work(db: Reading) -> list[Draft]:
        ids = [each.id for each in mine.of_resident(db, who.resident.id, now=now).drafts] if who.resident else []
        signed = [drafts.load(db, of.keys, each, who, now=now) for each in ids]
        here = drafts.of_session(db, of.keys, who.session_id) if who.session_id else ()
        return [each for each in (*signed, *here) if each is not None and not each.application_id]

    found: dict[str, Draft] = {}
    for each in sorted(await of.database.read(work), key=lambda each: each.saved_at):
        found[each.slug] = each
    return [found[slug] for slug in slugs if slug in found]


# --- both -------------------------------------------------------------------------------------------------------------


def _offer(request: Request, load: Load) -> Response:
    context = HandoffPage(load.titles, load.event, load.asked, load.bring, load.here, load.back_url)
    return page(request, "pages/handoff.html", context)


async def _made(request: Request, load: Load) -> Response:
    of, now = services(request), services(request).clock()
    by = visitor(request).session_id or client(request)
    until = handoffs.good_until(of.city.calendar, now)
    given: dict[str, Any] = {"draft_id": load.draft_id, "until": until, "by": by, "now": now, "random": of.random}
    try:
        code: Code = await of.database.transact(
            lambda db: handoffs.create(db, of.keys, handoffs.HOME, load.content, **given)
        )
    except LimitReached as reached:
        return problem(request, 429, retry_after=reached.seconds)
    qr, signs = drawn(code.text), code.text.split("-")
    context = HandoffCodePage(load.titles, load.event, load.bring, qr, signs, code.expires_at, load.here, load.back_url)
    return page(request, "pages/handoff_code.html", context)


ROUTES = [
    route("/drafts/{draft}/handoff", offer_draft, access=Access.DRAFT),
    route("/drafts/{draft}/handoff", make_draft, methods=("POST",), access=Access.DRAFT),
    route("/life-events/{event}/handoff", offer_event, access=Access.VISITOR),
    route("/life-events/{event}/handoff", make_event, methods=("POST",), access=Access.VISITOR),
]
