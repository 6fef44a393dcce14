"""The city's open data: a page that lists it, and the files. Everything here is the same for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.catalogue.opendata import FORMATS, LICENCE, LICENCE_URL, Dataset, datasets, dcat, listed
from server.catalogue.usage import usage
from server.web import contexts as c
from server.web.http import problem, services
from server.web.pagecache import Stored, revalidated
from server.web.public import shown
from server.web.routing import Access, route

__all__ = ["ROUTES"]

_CATALOGUE: Final = "catalog.jsonld"


async def index(request: Request) -> Response:
    """What there is, under which licence, and when it last changed."""
    sets = (await _prepared(request)).sets
    return shown(request, "pages/opendata.html", lambda: _index(sets))


async def file(request: Request) -> Response:
    """One file, as bytes that are kept until the catalogue or the day changes."""
    found = (await _prepared(request)).files.get(request.path_params["file"])
    return found.answer(request) if found else problem(request, 404)


def _index(sets: list[Dataset]) -> c.OpenDataPage:
    shown = [
        c.OpenDataSet(
            id=each.id,
            title=each.title,
            summary=each.summary,
            updated=each.updated,
            frequency=each.frequency,
            rows=len(each.rows),
            files=[c.Link(kind.upper(), f"/opendata/{each.id}.{kind}") for kind in FORMATS],
        )
        for each in sets
    ]
    return c.OpenDataPage(shown, c.Link(LICENCE, LICENCE_URL), c.Link("DCAT (JSON-LD)", f"/opendata/{_CATALOGUE}"))


async def _sets(request: Request) -> list[Dataset]:
    of = services(request)
    now = of.clock()
    used = await of.database.read(lambda db: usage(db, now=now), long=True)
    sets = datasets(of.catalogue, of.city, used, of.settings.base_url, now=now)
    return [*sets, listed(sets, of.city, of.settings.base_url)]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The tables of one edition, and every file by its name."""

    version: tuple[str, date]
    sets: list[Dataset]
    files: Mapping[str, Stored]


async def _prepared(request: Request) -> _Prepared:
    """Made once a day: counting the applications for each who asks would be a way to keep the server busy."""
    of, state = services(request), request.app.state
    version = of.edition
    kept: _Prepared | None = getattr(state, "opendata", None)
    if kept is None or kept.version != version:
        sets = await _sets(request)
        made = {f"{each.id}.csv": revalidated(each.csv(), FORMATS["csv"]) for each in sets}
        made |= {f"{each.id}.json": revalidated(each.json(), FORMATS["json"]) for each in sets}
        made[_CATALOGUE] = revalidated(dcat(sets, of.city, of.settings.base_url), "application/ld+json")
        kept = state.opendata = _Prepared(version, sets, made)
    return kept


ROUTES = [
    route("/opendata", index, access=Access.VISITOR),
    route("/opendata/{file}", file, access=Access.PUBLIC),
]
