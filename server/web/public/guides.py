"""What everybody may read: the first page, the list, the guide of each procedure, and the site's own files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from procedures.city import City
from procedures.declaration import Declaration, Header
from procedures.fees import FeeTable
from procedures.library import LifeEvent
from server.catalogue import STATES, Published
from server.catalogue.advice import Paper
from server.catalogue.finding import Wanted, is_online
from server.japan import today
from server.languages import Language
from server.web import contexts as c
from server.web.http import language, page, problem, services, visitor
from server.web.pagecache import IMMUTABLE, Stored, cached_page, stored
from server.web.public.pauses import paused
from server.web.routing import Access, route

__all__ = ["ROUTES", "cached_page", "card", "contact", "listed", "shown", "way"]

PER_PAGE: Final = 20
MOST_PAGES: Final = 20
"""Pages that are all named: what four hundred procedures have."""
MAX_QUERY: Final = 100
_PERSONAL: Final = ("/drafts/", "/applications", "/my", "/payments/", "/resume", "/signin")


def shown(request: Request, template: str, make: Callable[[], object], *, key: str | None = None) -> Response:
    """A public page: the kept bytes for somebody without a session, otherwise with their header and not kept."""
    if visitor(request).session_id is None:
        return cached_page(request, lambda: page(request, template, make(), personal=False), key=key)
    return page(request, template, make())


# --- first page and list -----------------------------------------------------------------------------------------


async def home(request: Request) -> Response:
    """Search, life events, categories, and what one can do here."""
    return shown(request, "pages/home.html", lambda: _home(request))


def _home(request: Request) -> c.HomePage:
    catalogue = services(request).catalogue
    served = [each.declaration for each in catalogue.all()]
    events = [(event.id, event.title) for event in catalogue.shared.life_events.values()]
    categories = [(category.id, category.title) for category in catalogue.shared.categories.values()]
    ways = _topics("life_event", events, (code for each in served for code in each.life_events))
    return c.HomePage(
        life_events=[replace(each, href=way(catalogue.shared.life_events[each.code])) for each in ways],
        categories=_topics("category", categories, (each.category for each in served)),
        total=len(served),
        online=sum(map(is_online, served)),
    )


def _topics(name: str, named: Sequence[tuple[str, str]], used: Iterable[str]) -> list[c.Topic]:
    """The topics under which there is anything."""
    counts = Counter(used)
    return [c.Topic(code, title, counts[code], _listed(**{name: code})) for code, title in named if counts[code]]


def way(event: LifeEvent) -> str:
    """Where a life event leads: to its interview, or to its procedures."""
    return f"/life-events/{quote(event.id)}" if event.interview else listed(event)


def listed(event: LifeEvent) -> str:
    """Where all procedures of a life event are listed."""
    return _listed(life_event=event.id)


def _listed(**wanted: str) -> str:
    return "/procedures?" + urlencode({name: value for name, value in wanted.items() if value})


async def procedures(request: Request) -> Response:
    """All procedures, or those that are looked for."""
    asked = request.query_params
    shared = services(request).catalogue.shared
    wanted = Wanted(
        query=asked.get("q", "").strip()[:MAX_QUERY],
        category=_known(asked.get("category", ""), shared.categories),
        life_event=_known(asked.get("life_event", ""), shared.life_events),
        online=asked.get("online") == "1",
    )
    number = _page_number(asked.get("page", ""))
    if wanted.query:  # anybody's words: not to be kept
        await services(request).catalogue.index.ready()
        return page(request, "pages/procedures.html", _list(request, wanted, number))
    key = f"/procedures {wanted.category} {wanted.life_event} {wanted.online} {number}"
    return shown(request, "pages/procedures.html", lambda: _list(request, wanted, number), key=key)


def _known(code: str, codes: object) -> str:
    return code if isinstance(codes, dict) and code in codes else ""


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 5 else 1


def _list(request: Request, wanted: Wanted, number: int) -> c.ProceduresPage:
    of = services(request)
    shared = of.catalogue.shared
    found = of.catalogue.index.find(wanted)
    last = max(1, -(-len(found) // PER_PAGE))
    number = min(max(number, 1), last)
    shown = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    titles = [shared.categories[wanted.category].title] if wanted.category else []
    titles += [shared.life_events[wanted.life_event].title] if wanted.life_event else []
    categories, events = shared.categories.values(), shared.life_events.values()
    return c.ProceduresPage(
        heading=titles[0] if len(titles) == 1 else "",
        query=wanted.query,
        categories=[c.Choice(each.id, each.title, each.id == wanted.category) for each in categories],
        life_events=[c.Choice(each.id, each.title, each.id == wanted.life_event) for each in events],
        online=wanted.online,
        total=len(found),
        results=[card(request, each) for each in shown],
        pages=[_page_link(wanted, each, each == number) for each in _numbers(number, last)],
        here=f"{_page_link(wanted, number, here=False).href}&",
        interview=_interview(shared.life_events.get(wanted.life_event)),
    )


def _numbers(here: int, last: int) -> Sequence[int]:
    """The pages that one can go to: all, or the first, the last and those around where there are very many."""
    if last <= MOST_PAGES:
        return range(1, last + 1)
    return sorted({1, last} | set(range(max(1, here - 4), min(last, here + 4) + 1)))


def _interview(event: LifeEvent | None) -> str:
    return way(event) if event is not None and event.interview is not None else ""


def _page_link(wanted: Wanted, number: int, here: bool) -> c.Link:
    filters = {"q": wanted.query, "category": wanted.category, "life_event": wanted.life_event}
    url = _listed(**filters, online="1" if wanted.online else "", page=str(number))
    return c.Link(str(number), "" if here else url)


def card(request: Request, published: Published) -> c.ProcedureCard:
    """A procedure as it stands in a list."""
    of, declaration, speech = services(request), published.declaration, language(request)
    fees = list(_fees(declaration, of.catalogue.shared.fees, today(of.clock())))
    certain, status = [fee.amount for fee in fees if not fee.sometimes], published.status(of.clock())
    return c.ProcedureCard(
        title=speech.told(declaration.title, declaration.slug),
        href=f"/procedures/{declaration.slug}",
        summary=speech.told(declaration.summary, declaration.slug),
        department=declaration.department,
        state=status.state.value,
        state_words=STATES[status.state],
        online=is_online(declaration),
        fee=sum(certain) if certain else min((fee.amount for fee in fees), default=None),
        fee_more=len(fees) > 1 or any(fee.sometimes for fee in fees),
        fee_sometimes=bool(fees) and not certain,
        pause=paused(status),
    )


# --- guide ---------------------------------------------------------------------------------------------------------


async def guide(request: Request) -> Response:
    """Everything one should know before one begins."""
    published = services(request).catalogue.get(request.path_params["slug"])
    if published is None:
        return problem(request, 404)
    declaration = language(request).spoken(await services(request).catalogue.opened(published))
    return shown(request, "pages/guide.html", lambda: _guide(request, published, declaration))


def _guide(request: Request, published: Published, declaration: Declaration) -> c.GuidePage:
    of = services(request)
    shared, status = of.catalogue.shared, published.status(of.clock())
    handed, here = published.handed_over, published.takes_online(of.clock())
    category = shared.categories[declaration.category]
    told = declaration.guide
    return c.GuidePage(
        title=declaration.title,
        official_title=declaration.official_title,
        slug=declaration.slug,
        summary=declaration.summary,
        category=c.Link(category.title, _listed(category=category.id)),
        state=status.state.value,
        state_words=STATES[status.state],
        pause=paused(status),
        accepts_from=status.accepts_from,
        accepts_until=status.accepts_until,
        procedure_type=declaration.procedure_type.value,
        result=declaration.result.value,
        assurance=declaration.assurance.value,
        channels=[channel.value for channel in declaration.channels],
        channel=told.channel,
        who=told.who,
        bring=told.bring,
        attachments=[Paper(each.title, each.sometimes) for each in declaration.form.attachments],
        when=told.when,
        notes=told.notes,
        fees=list(_fees(declaration, shared.fees, today(of.clock()))),
        fee_timing=declaration.fee.timing.value if declaration.fee else "",
        processing_days=declaration.processing_days,
        legal_basis=declaration.legal_basis,
        steps=[step.title for step in declaration.form.steps] if here else [],
        contact=contact(of.city, declaration.department, language(request)),
        handover=c.Handover(handed.to, handed.url, handed.prepare) if handed else None,
        apply_url=f"/procedures/{declaration.slug}/apply" if here else "",
    )


def _fees(declaration: Header, table: FeeTable, day: date) -> Iterator[c.GuideFee]:
    """What may be charged on `day`; a code that has no amount then is not charged then."""
    for item in declaration.fee.items if declaration.fee else ():
        row = table.find(item.code, day)
        if row is not None:
            yield c.GuideFee(row.title, row.amount, row.unit, item.when is not None)


def contact(city: City, department: str, speech: Language) -> c.Contact:
    """How one reaches a department; the city's own line for a name it does not know."""
    found = city.departments.get(department)
    if found is None:
        return c.Contact(department, city.phone, city.email)
    opening = speech.opening(found.hours.days, found.hours.open, found.hours.close)
    return c.Contact(found.name, found.phone, found.email, found.place, opening)


# --- the site's own files --------------------------------------------------------------------------------------------


async def static(request: Request) -> Response:
    """A file under the address that holds its hash: it never changes, so a browser asks once."""
    found = _files(request).get(request.url.path)
    return found.answer(request) if found else problem(request, 404)


def _files(request: Request) -> dict[str, Stored]:
    state = request.app.state
    if not hasattr(state, "files"):
        assets = services(request).renderer.assets
        state.files = {
            each.url: stored(each.body, each.media_type, IMMUTABLE, packed=each.gzipped, vary=b"Accept-Encoding")
            for each in assets
        }
    files: dict[str, Stored] = state.files
    return files


async def robots(request: Request) -> Response:
    """Search engines are welcome to the guides; nothing personal has an address they could guess."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _PERSONAL)]
    return PlainTextResponse("\n".join(lines) + "\n", headers={"cache-control": "public, max-age=86400"})


ROUTES = [
    route("/", home, access=Access.VISITOR),
    route("/procedures/{slug}", guide, access=Access.VISITOR),
    route("/procedures", procedures, access=Access.VISITOR),
    route("/static/{path:path}", static, access=Access.PUBLIC),
    route("/robots.txt", robots, access=Access.PUBLIC),
]
