"""What everybody may read: the first page, the list, the guide of each procedure, and the site's own files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from procedures.city import City, Hours
from procedures.declaration import Declaration
from procedures.fees import FeeTable
from server.catalogue import Published
from server.catalogue.finding import Wanted, is_online
from server.japan import today
from server.web import contexts as c
from server.web.http import page, problem, services, visitor
from server.web.pagecache import IMMUTABLE, Stored, cached_page, stored
from server.web.routing import Access, route

__all__ = ["ROUTES", "cached_page", "contact", "shown"]

PER_PAGE: Final = 20
MAX_QUERY: Final = 100
_PERSONAL: Final = ("/drafts/", "/applications", "/my", "/payments/", "/resume", "/signin")
_WEEKDAYS: Final = dict(zip(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "月火水木金土日", strict=True))


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
    return c.HomePage(
        life_events=_topics("life_event", events, [code for each in served for code in each.life_events]),
        categories=_topics("category", categories, [each.category for each in served]),
        total=len(served),
        online=sum(map(is_online, served)),
    )


def _topics(name: str, named: Sequence[tuple[str, str]], used: Sequence[str]) -> list[c.Topic]:
    """The topics under which there is anything."""
    return [c.Topic(code, title, used.count(code), _listed(**{name: code})) for code, title in named if code in used]


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
        return page(request, "pages/procedures.html", _list(request, wanted, number))
    key = f"/procedures {wanted.category} {wanted.life_event} {wanted.online} {number}"
    return shown(request, "pages/procedures.html", lambda: _list(request, wanted, number), key=key)


def _known(code: str, codes: object) -> str:
    return code if isinstance(codes, dict) and code in codes else ""


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 4 else 1


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
        results=[_card(request, each) for each in shown],
        pages=[_page_link(wanted, each, each == number) for each in range(1, last + 1)],
    )


def _page_link(wanted: Wanted, number: int, here: bool) -> c.Link:
    filters = {"q": wanted.query, "category": wanted.category, "life_event": wanted.life_event}
    url = _listed(**filters, online="1" if wanted.online else "", page=str(number))
    return c.Link(str(number), "" if here else url)


def _card(request: Request, published: Published) -> c.ProcedureCard:
    of, declaration = services(request), published.declaration
    fees = list(_fees(declaration, of.catalogue.shared.fees, today(of.clock())))
    certain = [fee.amount for fee in fees if not fee.sometimes]
    return c.ProcedureCard(
        title=declaration.title,
        href=f"/procedures/{declaration.slug}",
        summary=declaration.summary,
        department=declaration.department,
        state=published.status(of.clock()).state.value,
        online=is_online(declaration),
        fee=sum(certain) if certain else min((fee.amount for fee in fees), default=None),
        fee_more=len(fees) > 1 or any(fee.sometimes for fee in fees),
        fee_sometimes=bool(fees) and not certain,
    )


# --- guide ---------------------------------------------------------------------------------------------------------


async def guide(request: Request) -> Response:
    """Everything one should know before one begins."""
    published = services(request).catalogue.get(request.path_params["slug"])
    if published is None:
        return problem(request, 404)
    return shown(request, "pages/guide.html", lambda: _guide(request, published))


def _guide(request: Request, published: Published) -> c.GuidePage:
    of, declaration = services(request), published.declaration
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
        state_reason=status.reason,
        accepts_from=status.accepts_from,
        accepts_until=status.accepts_until,
        procedure_type=declaration.procedure_type.value,
        result=declaration.result.value,
        assurance=declaration.assurance.value,
        channels=[channel.value for channel in declaration.channels],
        channel=told.channel,
        who=told.who,
        bring=told.bring,
        attachments=[c.GuidePaper(each.title, _sometimes(each)) for each in declaration.form.attachments],
        when=told.when,
        notes=told.notes,
        fees=list(_fees(declaration, shared.fees, today(of.clock()))),
        fee_timing=declaration.fee.timing.value if declaration.fee else "",
        processing_days=declaration.processing_days,
        legal_basis=declaration.legal_basis,
        steps=[step.title for step in declaration.form.steps] if here else [],
        contact=contact(of.city, declaration.department),
        handover=c.Handover(handed.to, handed.url, handed.prepare) if handed else None,
        apply_url=f"/procedures/{declaration.slug}/apply" if here else "",
    )


def _sometimes(attachment: object) -> bool:
    return getattr(attachment, "required_if", None) is not None or bool(getattr(attachment, "optional", False))


def _fees(declaration: Declaration, table: FeeTable, day: date) -> Iterator[c.GuideFee]:
    """What may be charged on `day`; a code that has no amount then is not charged then."""
    for item in declaration.fee.items if declaration.fee else ():
        row = table.find(item.code, day)
        if row is not None:
            yield c.GuideFee(row.title, row.amount, row.unit, item.when is not None)


def contact(city: City, department: str) -> c.Contact:
    """How one reaches a department; the city's own line for a name it does not know."""
    found = city.departments.get(department)
    if found is None:
        return c.Contact(department, city.phone, city.email)
    return c.Contact(found.name, found.phone, found.email, found.place, opening(found.hours))


def opening(hours: Hours) -> str:
    """月・火・水・木・金 8時30分から17時15分まで."""
    days = "・".join(_WEEKDAYS[day] for day in hours.days)
    return f"{days} {_time(hours.open)}から{_time(hours.close)}まで"


def _time(text: str) -> str:
    hour, _, minute = text.partition(":")
    return f"{int(hour)}時" + (f"{minute}分" if minute != "00" else "")


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
