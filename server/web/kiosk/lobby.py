"""The kiosk in the lobby: what have you come for, what is there to file, fill it in, take a number.

Its browser is a registered device and is kept in this room (`server.web.device`). Each person is a visit of their own
(`standing.py`); the first screen ends whatever visit there was. That is the one GET that changes something: it only
ever forgets, and a browser without script can come to it by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Settled
from procedures.interviews import Interview
from procedures.library import LifeEvent
from server.applications import drafts
from server.applications.drafts import Content
from server.catalogue import Published
from server.catalogue.advice import recommended
from server.catalogue.finding import Wanted
from server.counter import again, screens
from server.counter.kiosk import Standing, takes
from server.japan import today
from server.web.device import device
from server.web.http import language, last, problem, read_form, services, speak
from server.web.kiosk import forms as kiosk_forms
from server.web.kiosk import standing
from server.web.kiosk.forms import Paper
from server.web.kiosk.standing import HOME, Around, Way, around, attended, beside, go, screen, set_way, way
from server.web.live import nothing_new, part
from server.web.routing import Access, route

MOST_FOUND: Final = 20
LONGEST_QUERY: Final = 100


@dataclass(frozen=True, slots=True)
class StartScreen:
    """kiosk/start.html: the languages to choose from."""

    kiosk: Around


@dataclass(frozen=True, slots=True)
class CalledPart:
    """kiosk/called.html: whether a clerk is called, and one comes."""

    kiosk: Around


@dataclass(frozen=True, slots=True)
class Tile:
    """Something to choose, in large: `icon` is a life event's, '' none. `begun`: it was filled in already."""

    title: str
    text: str
    href: str
    icon: str = ""
    begun: bool = False


@dataclass(frozen=True, slots=True)
class WhatScreen:
    """kiosk/what.html: the life events. `begun`: something was filled in already."""

    kiosk: Around
    events: Sequence[Tile]
    begun: bool


@dataclass(frozen=True, slots=True)
class ListScreen:
    """kiosk/list.html: procedures to choose from. `query` is what was searched for, None where it was a life event.
    `guided`: they were found by a guide's answers. `elsewhere` names what is not filed at the town hall."""

    kiosk: Around
    title: str
    query: str | None
    guided: bool
    found: Sequence[Tile]
    elsewhere: Sequence[str]
    back_url: str


# --- the first screens ----------------------------------------------------------------------------------------------


async def start(request: Request) -> Response:
    """The first screen. Whoever was here before is gone."""
    speak(request, "ja")
    return await standing.wipe(request, screen(request, "start", StartScreen(around(request, idle=0))))


async def begin(request: Request) -> Response:
    """A language was touched."""
    return await standing.begin(request, last(await read_form(request), "lang", "ja"))


async def do(request: Request) -> Response:
    """A button that every screen has."""
    posted = await read_form(request)
    pressed, to = (last(posted, name) for name in ("_do", "to"))
    return await beside(request, pressed, to) or go(request, HOME)


async def called(request: Request) -> Response:
    """How the call for a clerk stands, for `queue.js`; 204 where nothing has changed. It is no sign of life."""
    if nothing_new(request, standing.standing_call(device(request))):
        return Response(status_code=204)
    return part(request, "kiosk/called.html", CalledPart(around(request)))


async def alive(request: Request, _who: Standing) -> Response:
    """Somebody is typing, and has sent nothing for a while: being here is noted on the way in."""
    return Response(status_code=204)


async def what(request: Request, who: Standing) -> Response:
    """What have you come for?"""
    of, speech = services(request), language(request)
    if way(request).taken:
        return go(request, f"{HOME}/ticket")
    begun = await of.database.read(lambda db: drafts.of_session(db, of.keys, who.session_id))
    events = of.catalogue.shared.life_events.values()
    ordered = sorted(events, key=lambda each: each.interview is None)
    tiles = [Tile(speech.told(each.title), "", _way_of(each), each.id) for each in ordered]
    return screen(request, "what", WhatScreen(around(request), tiles, bool(begun)))


def _way_of(event: LifeEvent) -> str:
    room = "guide" if event.interview is not None else "events"
    return f"{HOME}/{room}/{quote(event.id)}"


# --- finding what to file -------------------------------------------------------------------------------------------


async def find(request: Request, _who: Standing) -> Response:
    """Words were typed: they are kept for the page that shows what was found, and stand in no address."""
    query = last(await read_form(request), "q").strip()[:LONGEST_QUERY]
    response = go(request, f"{HOME}/find")
    set_way(request, response, replace(way(request), query=query))
    return response


async def found(request: Request, _who: Standing) -> Response:
    of, query = services(request), way(request).query
    await of.catalogue.index.ready()
    results = of.catalogue.index.find(Wanted(query=query)) if query else []
    return screen(request, "list", _list(request, "", query, _tiles(request, results)))


async def of_event(request: Request, _who: Standing) -> Response:
    """The procedures of a life event without a guide."""
    catalogue = services(request).catalogue
    event = catalogue.shared.life_events.get(request.path_params["event"])
    if event is None:
        return problem(request, 404)
    results = catalogue.index.find(Wanted(life_event=event.id))
    return screen(request, "list", _list(request, event.title, None, _tiles(request, results)))


def _tiles(request: Request, results: Sequence[Published]) -> list[Tile]:
    now = services(request).clock()
    return [_tile(request, each) for each in results if takes(each, now)][:MOST_FOUND]


def _tile(request: Request, published: Published, why: str = "") -> Tile:
    told, speech = published.declaration, language(request)
    text = why or speech.told(told.summary, told.slug)
    return Tile(speech.told(told.title, told.slug), text, f"{HOME}/procedures/{quote(told.slug)}")


def _list(request: Request, title: str, query: str | None, tiles: Sequence[Tile]) -> ListScreen:
    return ListScreen(around(request), title, query, False, tiles, (), f"{HOME}/what")


# --- the guide of a life event --------------------------------------------------------------------------------------


async def guide(request: Request, _who: Standing) -> Response:
    """The first question of a life event; answers of another one are forgotten."""
    paper = _guide(request)
    if isinstance(paper, Response):
        return paper
    settled = screens.settled(paper.form, paper.content, today(services(request).clock()))
    return kiosk_forms.first(request, paper, again.asked(paper.form, paper.content, settled))


async def guide_show(request: Request, _who: Standing) -> Response:
    paper = _guide(request)
    return paper if isinstance(paper, Response) else await kiosk_forms.show(request, paper)


async def guide_press(request: Request, _who: Standing) -> Response:
    paper = _guide(request)
    return paper if isinstance(paper, Response) else await kiosk_forms.press(request, paper)


def _guide(request: Request) -> Paper | Response:
    read = _interview(request)
    if isinstance(read, Response):
        return read
    event, interview = read
    about = way(request)
    answers = about.guide if about.event == event.id else {}

    async def keep(content: Content) -> Way:
        return replace(about, event=event.id, guide=content.answers)

    return Paper(
        title=language(request).told(event.title),
        form=interview.form,
        content=Content(dict(answers)),
        base=f"{HOME}/guide/{quote(event.id)}",
        done=f"{HOME}/advice/{quote(event.id)}",
        left=f"{HOME}/what",
        keep=keep,
        leaves=False,
    )


def _interview(request: Request) -> tuple[LifeEvent, Interview] | Response:
    event = services(request).catalogue.shared.life_events.get(request.path_params["event"])
    if event is None or event.interview is None:
        return problem(request, 404)
    return event, language(request).asked(event.interview)


async def advice(request: Request, _who: Standing) -> Response:
    """What there is to file, by the answers of the guide. Answers that cannot stand lead back to it."""
    read = _interview(request)
    if isinstance(read, Response):
        return read
    event, interview = read
    settled = _answered(request, event, interview)
    if settled is None:
        return go(request, f"{HOME}/guide/{quote(event.id)}")
    of, now = services(request), services(request).clock()
    advised = await recommended(interview, settled, of.catalogue, of.city.calendar)
    served = [(each.published, each.advice.why) for each in advised if each.published is not None]
    tiles = [_tile(request, published, why) for published, why in served if takes(published, now)]
    others = [each.advice.elsewhere.title for each in advised if each.advice.elsewhere is not None]
    others += [_named(request, published) for published, _ in served if not takes(published, now)]
    context = ListScreen(around(request), event.title, None, True, tiles, others, f"{HOME}/guide/{quote(event.id)}")
    return screen(request, "list", context)


def _named(request: Request, published: Published) -> str:
    return language(request).told(published.declaration.title, published.declaration.slug)


def _answered(request: Request, event: LifeEvent, interview: Interview) -> Settled | None:
    """The answers of the guide, when they can stand."""
    about = way(request)
    if about.event != event.id:
        return None
    settled = screens.settled(interview.form, Content(dict(about.guide)), today(services(request).clock()))
    return None if interview.form.errors(settled) else settled


ROUTES = [
    route(HOME, start, access=Access.KIOSK),
    route(f"{HOME}/begin", begin, methods=("POST",), access=Access.KIOSK),
    route(f"{HOME}/called", called, access=Access.KIOSK),
    route(f"{HOME}/do", do, methods=("POST",), access=Access.KIOSK),
    route(f"{HOME}/alive", attended(alive), methods=("POST",), access=Access.KIOSK),
    route(f"{HOME}/what", attended(what), access=Access.KIOSK),
    route(f"{HOME}/find", attended(found), access=Access.KIOSK),
    route(f"{HOME}/find", attended(find), methods=("POST",), access=Access.KIOSK),
    route(f"{HOME}/events/{{event}}", attended(of_event), access=Access.KIOSK),
    route(f"{HOME}/guide/{{event}}", attended(guide), access=Access.KIOSK),
    route(f"{HOME}/guide/{{event}}/{{name}}", attended(guide_show), access=Access.KIOSK),
    route(f"{HOME}/guide/{{event}}/{{name}}", attended(guide_press), methods=("POST",), access=Access.KIOSK),
    route(f"{HOME}/advice/{{event}}", attended(advice), access=Access.KIOSK),
]
