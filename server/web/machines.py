"""The addresses of programs: GraphQL, files for it, and in the sandbox a page to try it on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.api import Answer, Api, Caller, Refused, read_queries
from server.api.transport import MAX_BODY, encode
from server.api.uploads import MAX_FILE, take
from server.web.http import client, page, services, trace, visitor
from server.web.pagecache import REVALIDATED, stored
from server.web.routing import Access, route

_API: Final = Path(__file__).parents[1] / "api"
EXAMPLES: Final = _API / "examples"
SCHEMA: Final = _API / "schema.graphql"


def api(request: Request) -> Api:
    """Made with the first call and kept with the application."""
    state = request.app.state
    if not hasattr(state, "api"):
        state.api = Api(services(request))
    found: Api = state.api
    return found


def _caller(request: Request) -> Caller:
    seen = trace(request)

    def report(error: BaseException) -> None:
        seen.failure = error

    return Caller(visitor(request), client(request), seen.request_id, report)


async def call(request: Request) -> Response:
    """A GraphQL call. 200 whatever its errors are, for then they are in the body."""
    found = await api(request).post(await request.body(), request.headers.get("content-type", ""), _caller(request))
    return _answered(request, found)


async def registered(request: Request) -> Response:
    """A registered query, to be kept by browsers and proxies; the session is not looked at."""
    query = dict(request.query_params)
    if len(query) < len(request.query_params.multi_items()):
        return _refused(request, Refused(400, "BAD_REQUEST", "同じ名前が2度あります。"))
    found = await api(request).get(query, _caller(request))
    if isinstance(found, Refused):
        return _refused(request, found)
    return stored(found.body, "application/json", REVALIDATED).answer(request)


async def upload(request: Request) -> Response:
    """One file, as the whole body."""
    body, headers = await request.body(), request.headers
    described = {"content_type": headers.get("content-type", ""), "disposition": headers.get("content-disposition", "")}
    found = await take(services(request), visitor(request), client(request), body, **described)
    return _refused(request, found) if isinstance(found, Refused) else JSONResponse({"upload": found}, 201)


def _answered(request: Request, found: Answer | Refused) -> Response:
    if isinstance(found, Refused):
        return _refused(request, found)
    return Response(found.body, media_type="application/json", headers=_wait(found.retry_after))


def _refused(request: Request, refused: Refused) -> Response:
    told = {"code": refused.code, "message": refused.words, "request_id": trace(request).request_id}
    body = encode({"error": told})
    return Response(body, refused.status, _wait(refused.retry_after), media_type="application/json")


def _wait(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"retry-after": str(seconds)}


# --- the explorer -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Example:
    """A query to begin with. `id` is what it is asked by with GET, '' when it is not registered."""

    title: str
    query: str
    variables: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class ExplorerPage:
    """pages/explorer.html"""

    examples: Sequence[Example]
    schema: str


async def explorer(request: Request) -> Response:
    """Try the API by hand. It works by script alone: a form cannot post JSON, and JSON alone is taken."""
    names = {text: known for known, text in api(request).registered.items()}
    examples = [Example(name, text, _variables(name), names.get(text, "")) for name, text in _texts().items()]
    return page(request, "pages/explorer.html", ExplorerPage(examples, SCHEMA.read_text("utf-8")))


def _texts() -> Mapping[str, str]:
    return {**read_queries(), **read_queries(EXAMPLES)}


_STARTS: Final[Mapping[str, object]] = {
    "catalogue": {"filter": {"text": "住民票"}, "first": 5},
    "form": {"slug": "juminhyo-utsushi"},
    "submit": {"input": {"slug": "", "answers": {}, "idempotencyKey": ""}},
    "sign": {"input": {"slug": "", "answers": {}}},
    "status": {"receiptNumber": "", "accessCode": ""},
}


def _variables(name: str) -> str:
    return json.dumps(_STARTS.get(name, {}), ensure_ascii=False, indent=2)


ROUTES = [
    route("/graphql", call, methods=("POST",), access=Access.VISITOR, body=MAX_BODY),
    route("/graphql", registered, access=Access.PUBLIC),
    route("/uploads", upload, methods=("POST",), access=Access.VISITOR, body=MAX_FILE),
    route("/graphql/explorer", explorer, access=Access.SANDBOX),
]
