"""The addresses of programs: GraphQL, files for it, and in the sandbox a page to try it on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.api import Answer, Api, Caller, Refused, read_queries
from server.api.transport import MAX_BODY, encode
from server.api.uploads import take
from server.applications.filetypes import MAX_FILE
from server.web.bodies import read_file
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
    headers = request.headers
    described = {"content_type": headers.get("content-type", ""), "disposition": headers.get("content-disposition", "")}
    with await read_file(request) as body:
        found = await take(services(request), visitor(request), client(request), body, **described)
    return _refused(request, found) if isinstance(found, Refused) else JSONResponse({"upload": found})


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


_STARTS: Final[dict[str, tuple[str, object]]] = {
    "catalogue": ("手続の一覧", {"filter": {"text": "住民票"}, "first": 5}),
    "form": ("申請書の質問", {"slug": ""}),
    "rollout": ("オンライン化の歩み", {}),
    "submit": ("申請を出す", {"input": {"slug": "", "answers": {}, "idempotencyKey": ""}}),
    "sign": ("電子署名を始める", {"input": {"slug": "", "answers": {}}}),
    "status": ("申請の状況", {"receiptNumber": "", "accessCode": ""}),
    "withdraw": ("申請を取り下げる", {"input": {"receiptNumber": "", "accessCode": "", "reason": "UNSAID"}}),
}
"""Title and first variables of each example, by its file's name."""


async def explorer(request: Request) -> Response:
    """Try the API by hand. It works by script alone: a form cannot post JSON, and JSON alone is taken."""
    known = {text: identifier for identifier, text in api(request).registered.items()}
    texts = {**read_queries(), **read_queries(EXAMPLES)}
    served = services(request).catalogue.all()
    starts = _STARTS | ({"form": (_STARTS["form"][0], {"slug": served[0].declaration.slug})} if served else {})
    examples = [
        Example(title, texts[name], json.dumps(start, ensure_ascii=False, indent=2), known.get(texts[name], ""))
        for name, (title, start) in starts.items()
    ]
    return page(request, "pages/explorer.html", ExplorerPage(examples, SCHEMA.read_text("utf-8")))


ROUTES = [
    route("/graphql", call, methods=("POST",), access=Access.PROGRAM, body=MAX_BODY),
    route("/graphql", registered, access=Access.PUBLIC),
    route("/uploads", upload, methods=("POST",), access=Access.PROGRAM, body=MAX_FILE),
    route("/graphql/explorer", explorer, access=Access.SANDBOX),
]
