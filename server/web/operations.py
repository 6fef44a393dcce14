"""For those who watch over the service: is it alive, can it work, how much does it do. And the dialect, for editors."""

from __future__ import annotations

import json
from contextlib import suppress

from anyio import to_thread
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from procedures.editor import document
from server.notices.outbox import waiting
from server.store import StoreRefused, StoreUnavailable
from server.web.http import services
from server.web.routing import Access, route


async def healthz(_: Request) -> Response:
    """The process answers. Says nothing of the database: restarting us would not mend that."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The database answers, is migrated, and was made in this mode; else 503, and nobody should be sent here."""
    of = services(request)
    try:
        await to_thread.run_sync(of.database.check, of.settings.mode.value)
    except (StoreRefused, StoreUnavailable):
        return JSONResponse({"status": "unavailable"}, status_code=503)
    return JSONResponse({"status": "ready"})


async def metrics(request: Request) -> Response:
    """The numbers of this process, and how the outbox stands; the latter as it was while the database is away."""
    of = services(request)
    with suppress(StoreUnavailable):
        waits = await of.database.read(waiting)
        of.metrics.notices(waits.count, waits.age(of.clock()).total_seconds())
    return Response(generate_latest(of.metrics.registry), media_type=CONTENT_TYPE_LATEST)


async def dialect(request: Request) -> Response:
    """The JSON Schema of a declaration file, which editors use to help whoever writes one."""
    of = services(request)
    schema = document(of.catalogue.shared, of.city.departments)
    headers = {"cache-control": "public, max-age=3600", "access-control-allow-origin": "*"}
    text = json.dumps(schema, ensure_ascii=False, indent=2)
    return Response(text, media_type="application/schema+json", headers=headers)


ROUTES = [
    route("/healthz", healthz, access=Access.OPERATIONS),
    route("/readyz", readyz, access=Access.OPERATIONS),
    route("/metrics", metrics, access=Access.OPERATIONS),
    route("/schema/declaration.json", dialect, access=Access.PUBLIC),
]
