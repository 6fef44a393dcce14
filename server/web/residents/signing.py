"""The way to the signing service and back. What is signed, and the page that leads here, are the draft's."""

from __future__ import annotations

import base64

from starlette.requests import Request
from starlette.responses import Response

from server.people.signing import Pending, Signed, complete_signature, pending_signature
from server.web.http import problem, safe_next, see_other, services, visitor
from server.web.passage import Passage, arrive, come_back, leave
from server.web.routing import Access, route


async def go(request: Request) -> Response:
    """303 to the service. `next` is where to go afterwards; without it, back to the draft's own pages."""
    of, signature_id = services(request), request.path_params["signature"].hex
    session_id, now = visitor(request).session_id, of.clock()
    pending = await of.database.read(lambda db: pending_signature(db, signature_id, session_id=session_id, now=now))
    if of.signing is None or pending is None:
        return problem(request, 404)
    state = base64.urlsafe_b64encode(of.random(32)).decode().rstrip("=")
    back = f"{of.settings.base_url}/sign/{signature_id}/return"
    signing = await of.signing.start(pending.digest, state, back)
    place = safe_next(request.query_params.get("next", ""), _draft(pending))
    return leave(request, see_other(signing.url), Passage(f"sign:{signature_id}", state, place, signing.id))


async def came_back(request: Request) -> Response:
    of, signature_id = services(request), request.path_params["signature"].hex
    adapter, passage = of.signing, come_back(request, f"sign:{signature_id}")
    if adapter is None or passage is None:
        return problem(request, 400)
    made = await adapter.finish(passage.transaction, request.query_params)
    who, now = visitor(request), of.clock()
    outcome = await of.database.transact(
        lambda db: complete_signature(db, of.keys, adapter, signature_id, made, visitor=who, now=now)
    )
    place = safe_next(passage.next)
    if place.endswith("/check") and not isinstance(outcome, Signed):
        place = place.removesuffix("check") + "sign"  # which says what went wrong, and leads here again
    return arrive(request, see_other(place))


def _draft(pending: Pending) -> str:
    return f"/drafts/{pending.draft_id}/check" if pending.draft_id else "/"


# `uuid` matches 128 bits in hex, as ids are, and nothing else reaches the store.
ROUTES = [
    route("/sign/{signature:uuid}/go", go, access=Access.VISITOR),
    route("/sign/{signature:uuid}/return", came_back, access=Access.VISITOR),
]
