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
from server.api.calls import MAX_BODY
from server.api.transport import Kept, encode
from server.api.uploads import take
from server.applications.filetypes import MAX_FILE
from server.people.staff_sessions import Staff
from server.web.badge import load_staff
from server.web.bodies import read_file
from server.web.http import client, page, problem, services, trace, visitor
from server.web.pagecache import REVALIDATED, Stored, stored
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


def _caller(request: Request, colleague: Staff | None = None) -> Caller:
    """Whoever calls: a resident or nobody, and beside them, never mixed, somebody of the staff."""
    seen = trace(request)

    def report(error: BaseException) -> None:
        seen.failure = error

    return Caller(visitor(request), client(request), seen.request_id, report, colleague)


async def call(request: Request) -> Response:
    """A GraphQL call. 200 whatever its errors are, for then they are in the body."""
    content_type, caller = request.headers.get("content-type", ""), _caller(request, await load_staff(request))
    found = await api(request).post(await request.body(), content_type, caller)
    return _answered(request, found)


async def registered(request: Request) -> Response:
    """A query by its hash, to be kept by browsers and proxies; the session is not looked at."""
    kept, edition, asked = _kept(request), services(request).edition, request.scope["query_string"]
    known = kept.get(edition, asked)
    if known is not None:
        return known.answer(request)
    query = dict(request.query_params)
    if len(query) < len(request.query_params.multi_items()):
        return _refused(request, Refused(400, "BAD_REQUEST", "同じ名前が2度あります。"))
    found = await api(request).get(query, _caller(request))
    if isinstance(found, Refused) or not found.lasting:
        return _answered(request, found)
    made = stored(found.body, "application/json", REVALIDATED, packed=found.packed, vary=b"Accept-Encoding")
    kept.keep(edition, asked, made, len(found.body) + len(found.packed))
    return made.answer(request)


def _kept(request: Request) -> Kept[bytes, Stored]:
    """Answers by the query of their address, as they are sent: nothing of what is asked again is read again."""
    state = request.app.state
    if not hasattr(state, "answers"):
        state.answers = Kept[bytes, Stored]()
    found: Kept[bytes, Stored] = state.answers
    return found


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
    """pages/explorer.html. `live`: what is tried is no trial, so nothing is sent as the person who is signed in."""

    examples: Sequence[Example]
    schema: str
    live: bool


_SHIPPED: Final[dict[str, tuple[str, Mapping[str, object]]]] = {
    "catalogue": ("手続の一覧", {"filter": {"text": "住民票"}, "first": 5}),
    "search": ("検索と、項目ごとの数", {"filter": {"text": "引っ越し"}, "orderBy": "RELEVANCE", "first": 5}),
    "guide": ("手続の案内", {"slug": ""}),
    "form": ("申請書の質問", {"slug": ""}),
    "versions": ("これまでの版", {"slug": "", "first": 5}),
    "form-version": ("ある版の質問", {"slug": "", "version": ""}),
    "fees": ("手数料", {}),
    "topics": ("分類と暮らしのできごと", {}),
    "departments": ("担当課と窓口の時間", {}),
    "rollout": ("オンライン化の歩み", {}),
    "statistics": ("申請の件数", {"slug": ""}),
}
_PERSONAL: Final[dict[str, tuple[str, Mapping[str, object]]]] = {
    "submit": ("申請を出す", {"input": {"slug": "", "answers": {}, "idempotencyKey": ""}}),
    "sign": ("電子署名を始める", {"input": {"slug": "", "answers": {}}}),
    "status": ("申請の状況", {"receiptNumber": "", "accessCode": ""}),
    "withdraw": ("申請を取り下げる", {"input": {"receiptNumber": "", "accessCode": "", "reason": "UNSAID"}}),
}
"""Title and first variables of each example, by its file's name."""


async def explorer(request: Request) -> Response:
    """Try the API by hand, where the operator allows it. It works by script alone: a form cannot post JSON, and JSON
    alone is taken. In production it sends no cookie: nobody is to be talked into pasting here what acts as them."""
    settings = services(request).settings
    if not settings.explorer:
        return problem(request, 404)
    starts = _SHIPPED if not settings.sandbox else _SHIPPED | _PERSONAL
    examples = _examples(api(request), starts, _begun(request))
    shown = ExplorerPage(examples, SCHEMA.read_text("utf-8"), not settings.sandbox)
    return page(request, "pages/explorer.html", shown)


def _begun(request: Request) -> dict[str, str]:
    """A procedure to begin with."""
    served = next(iter(services(request).catalogue.all()), None)
    return {"slug": served.declaration.slug, "version": served.digest} if served else {}


def _examples(
    api: Api, starts: Mapping[str, tuple[str, Mapping[str, object]]], begun: Mapping[str, str]
) -> list[Example]:
    known = {text: identifier for identifier, text in api.persisted.shipped.items()}
    texts = {**read_queries(), **read_queries(EXAMPLES)}
    return [
        Example(title, texts[name], _written(start, begun), known.get(texts[name], ""))
        for name, (title, start) in starts.items()
    ]


def _written(start: Mapping[str, object], begun: Mapping[str, str]) -> str:
    given = {name: begun.get(name, value) if value == "" else value for name, value in start.items()}
    return json.dumps(given, ensure_ascii=False, indent=2)


ROUTES = [
    route("/graphql", call, methods=("POST",), access=Access.PROGRAM, body=MAX_BODY),
    route("/graphql", registered, access=Access.PUBLIC),
    route("/uploads", upload, methods=("POST",), access=Access.PROGRAM, body=MAX_FILE),
    route("/graphql/explorer", explorer, access=Access.VISITOR),
]
