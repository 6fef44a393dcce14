"""The city's open data: a page that lists it, and the files. Everything here is the same for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.catalogue.opendata import FORMATS, LICENCE, LICENCE_URL, Dataset, datasets, dcat, listed
from server.catalogue.usage import Use, usage
from server.services import Services
from server.web import contexts as c
from server.web.http import problem, services
from server.web.pagecache import Stored, revalidated
from server.web.public.guides import shown
from server.web.routing import Access, route

__all__ = ["ROUTES"]

_CATALOGUE: Final = "catalog.jsonld"


async def index(request: Request) -> Response:
    """What there is, under which licence, and when it last changed."""
    listing = (await _prepared(request)).listing
    return shown(request, "pages/opendata.html", lambda: listing)


async def file(request: Request) -> Response:
    """One file, as bytes that are kept until the catalogue, the day or a state changes."""
    found = (await _prepared(request)).files.get(request.path_params["file"])
    return found.answer(request) if found else problem(request, 404)


def _index(sets: Sequence[Dataset]) -> c.OpenDataPage:
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


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What there is in one edition, and every file by its name."""

    version: tuple[str, datetime]
    listing: c.OpenDataPage
    files: Mapping[str, Stored]


async def _prepared(request: Request) -> _Prepared:
    """Made once an edition: counting the applications for each who asks would be a way to keep the server busy."""
    of, state = services(request), request.app.state
    if not hasattr(state, "opendata"):
        state.opendata, state.opendata_turn = None, asyncio.Lock()
    async with state.opendata_turn:
        if state.opendata is None or state.opendata.version != of.edition:
            version, now = of.edition, of.clock()
            used = await of.database.read(lambda db: usage(db, now=now), long=True)
            # in a thread: of twenty thousand procedures it takes some seconds
            state.opendata = await asyncio.to_thread(_made, of, version, used, now)
    kept: _Prepared = state.opendata
    return kept


def _made(of: Services, version: tuple[str, datetime], used: Sequence[Use], now: datetime) -> _Prepared:
    base = of.settings.base_url
    sets = datasets(of.catalogue, of.city, used, base, now=now)
    sets.append(listed(sets, of.city, base))
    made = {f"{each.id}.csv": revalidated(each.csv(), FORMATS["csv"]) for each in sets}
    made |= {f"{each.id}.json": revalidated(each.json(), FORMATS["json"]) for each in sets}
    made[_CATALOGUE] = revalidated(dcat(sets, of.city, base), "application/ld+json")
    return _Prepared(version, _index(sets), made)


ROUTES = [
    route("/opendata", index, access=Access.VISITOR),
    route("/opendata/{file}", file, access=Access.PUBLIC),
]
