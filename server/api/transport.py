"""From the bytes of a request to the bytes of its answer, without HTTP's own words: `server.web.machines` has those.

What is no request of ours is `Refused`; what is one is answered as GraphQL answers, errors and all.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from graphql import GraphQLError

from forms_schema import Json
from server.api.catalogue import Shelf
from server.api.context import Context
from server.api.documents import MAX_COST, Documents, Operation
from server.api.reading import Unreadable, read_json
from server.api.refusals import ApiError, Refused
from server.api.registered import identifier, read_queries
from server.api.schema import build_schema, core
from server.people.sessions import NOBODY, Visitor
from server.services import Services
from server.store import StoreUnavailable

MAX_BODY: Final = 1 << 20
"""Bytes of a mutation: a filing with all its answers."""
MAX_QUERY_BODY: Final = 64 << 10
"""Bytes of everything else, and of a document alone."""
MAX_VARIABLES: Final = 8 << 10
"""Bytes of the variables in an address."""

_JSON: Final = re.compile(r'\s*application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?', re.IGNORECASE)
_SUGGESTION: Final = re.compile(r"\s*Did you mean.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and from where (for the limits of rates). `report` is told of what nobody expected."""

    visitor: Visitor
    place: str
    request_id: str
    report: Callable[[BaseException], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """The body, in JSON. `lasting`: the same for everybody until the catalogue or the day changes."""

    body: bytes
    lasting: bool = False
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asks to be carried out."""

    text: str
    variables: Mapping[str, Json]
    operation: str | None

    @property
    def key(self) -> str:
        """Two calls with the same key are the same."""
        return json.dumps([self.operation, self.variables, self.text], sort_keys=True, ensure_ascii=False)


class Api:
    """Everything that is made once: schema, documents read, and answers kept."""

    def __init__(self, of: Services) -> None:
        self._of = of
        self.schema = build_schema()
        self.documents = Documents(core(self.schema), introspection=of.settings.sandbox)
        self.answers = Kept()
        self.registered = {identifier(text): text for text in read_queries().values()}
        self._shelf: tuple[tuple[str, date], Shelf] | None = None
        self._refuse_unfit()

    def _refuse_unfit(self) -> None:
        for text in self.registered.values():
            document = self.documents.read(text)
            if document.errors or not document.operation(None).public:
                raise TypeError(f"no query for GET, because it is wrong, changes something, or is personal: {text}")

    async def post(self, body: bytes, content_type: str, caller: Caller) -> Answer | Refused:
        """A call as the body of a POST. Raises StoreUnavailable."""
        call = _posted(body, content_type)
        return call if isinstance(call, Refused) else await self._answer(call, len(body), caller)

    async def get(self, query: Mapping[str, str], caller: Caller) -> Answer | Refused:
        """A registered query, with its variables as JSON. Whoever asks is nobody in particular."""
        text = self.registered.get(query.get("id", ""))
        variables = query.get("variables") or "{}"
        if text is None or not set(query) <= {"id", "variables"}:
            words = "GETでは、登録されたクエリーだけを ?id=<sha256>&variables= で呼べます。ほかはPOSTで送ってください。"
            return Refused(400, "QUERY_NOT_REGISTERED", words)
        if len(variables) > MAX_VARIABLES:
            return Refused(400, "BAD_REQUEST", "variables が長すぎます。")
        given = _read(variables.encode("utf-8", "surrogatepass"))
        if not isinstance(given, dict):
            return given if isinstance(given, Refused) else _BAD_VARIABLES
        nobody = Caller(NOBODY, caller.place, caller.request_id, caller.report)
        answer = await self._answer(Call(text, given, None), 0, nobody)
        if isinstance(answer, Answer) and not answer.lasting:
            return Refused(400, "BAD_USER_INPUT", "variables が、このクエリーに合いません。")
        return answer

    async def _answer(self, call: Call, size: int, caller: Caller) -> Answer | Refused:
        document = self.documents.read(call.text)
        try:
            operation = document.operation(call.operation) if not document.errors else None
        except ApiError as error:
            return _failed([error])
        if size > MAX_QUERY_BODY and not (operation and operation.mutation):
            return Refused(413, "TOO_LARGE", f"本文が大きすぎます。{MAX_QUERY_BODY >> 10}KiBまでです。")
        if operation is None:
            return _failed(document.errors)
        now = self._of.edition
        if not operation.public:
            return await self._carried_out(call, operation, caller)
        kept = self.answers.get(now, call.key)
        if kept is None:
            kept = await self._carried_out(call, operation, caller)
            if kept.lasting:
                self.answers.keep(now, call.key, kept)
        return kept

    async def _carried_out(self, call: Call, operation: Operation, caller: Caller) -> Answer:
        try:
            cost = operation.cost(call.variables)
        except ApiError as error:
            return _failed([error])
        extensions = {"cost": cost, "costLimit": MAX_COST}
        if cost > MAX_COST:
            words = f"重すぎる問い合わせです({cost})。{MAX_COST}までです。first か項目をへらしてください。"
            return _failed([ApiError("TOO_COSTLY", words)], extensions)
        context = Context(self._of, caller.visitor, caller.place, self._today(), operation.document)
        result = await self.schema.execute(
            call.text,
            variable_values=dict(call.variables),
            context_value=context,
            operation_name=operation.name,
        )
        errors = [_told(error, caller) for error in result.errors or ()]
        return _answer({"data": result.data}, errors, extensions, lasting=operation.public and not errors)

    def _today(self) -> Shelf:
        of = self._of
        now = of.edition
        if self._shelf is None or self._shelf[0] != now:
            self._shelf = now, Shelf(of.catalogue, dict(of.city.rollout), of.clock())
        return self._shelf[1]


# --- reading ------------------------------------------------------------------------------------------------------

_BAD_VARIABLES: Final = Refused(400, "BAD_REQUEST", "variables はオブジェクトにしてください。")


def _posted(body: bytes, content_type: str) -> Call | Refused:
    """Only `application/json` is taken: no page of another site can send that without our saying so."""
    if not _JSON.fullmatch(content_type):
        return Refused(400, "BAD_REQUEST", "Content-Type: application/json で送ってください。")
    given = _read(body)
    if isinstance(given, Refused):
        return given
    if isinstance(given, list):
        return Refused(400, "BAD_REQUEST", "1回に送れるのは1つだけです。")
    text = given.get("query") if isinstance(given, dict) else None
    if not isinstance(text, str) or not text.strip():
        return Refused(400, "BAD_REQUEST", "query に、GraphQLの文書を書いてください。")
    if len(text) > MAX_QUERY_BODY:
        return Refused(413, "TOO_LARGE", "query が大きすぎます。答えは variables に入れてください。")
    variables, operation = given.get("variables"), given.get("operationName")
    if not (variables is None or isinstance(variables, dict)):
        return _BAD_VARIABLES
    if not (operation is None or isinstance(operation, str)):
        return Refused(400, "BAD_REQUEST", "operationName は文字列にしてください。")
    return Call(text, variables or {}, operation or None)


def _read(text: bytes) -> Json | Refused:
    try:
        return read_json(text)
    except Unreadable as error:
        return Refused(400, "BAD_JSON", str(error))


# --- answering ----------------------------------------------------------------------------------------------------


def _failed(errors: Any, extensions: Mapping[str, int] | None = None) -> Answer:
    """Nothing was carried out."""
    return _answer({}, [_plain(error) for error in errors], extensions or {})


def _answer(
    data: Mapping[str, Any], errors: list[dict[str, Any]], extensions: Mapping[str, int], *, lasting: bool = False
) -> Answer:
    body = {**data, **({"errors": errors} if errors else {}), **({"extensions": extensions} if extensions else {})}
    waits = [error["extensions"]["retryAfter"] for error in errors if "retryAfter" in error.get("extensions", {})]
    return Answer(encode(body), lasting, max(waits, default=None))


def encode(value: Json) -> bytes:
    """JSON without blanks and without escapes for Japanese, which would make it half as long again."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _told(error: GraphQLError, caller: Caller) -> dict[str, Any]:
    """An error as the client may read it. What nobody expected is reported, and told without its words."""
    cause = error.original_error
    if isinstance(cause, StoreUnavailable):
        raise cause
    if cause is None or isinstance(cause, GraphQLError):
        return _plain(error)
    caller.report(cause)
    told = {"message": "システムの不具合です。しばらくしてから、もう一度お試しください。", "path": error.path}
    return told | {"extensions": {"code": "INTERNAL_ERROR", "requestId": caller.request_id}}


def _plain(error: GraphQLError) -> dict[str, Any]:
    """Names that were not asked for are not offered: they would tell the whole schema, word by word."""
    told: dict[str, Any] = {**error.formatted, "message": _SUGGESTION.sub("", error.message)}
    told.setdefault("extensions", {"code": "BAD_USER_INPUT"})
    return told


class Kept:
    """Answers that are the same for everybody, until the catalogue or the day changes. Bounded in number and size."""

    MOST: Final = 500
    LARGEST: Final = 16 << 20

    def __init__(self) -> None:
        self._as_of: object = None
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._size = 0

    def get(self, as_of: object, key: str) -> Answer | None:
        if as_of != self._as_of or key not in self._answers:
            return None
        self._answers.move_to_end(key)
        return self._answers[key]

    def keep(self, as_of: object, key: str, answer: Answer) -> None:
        if as_of != self._as_of:
            self._as_of, self._size = as_of, 0
            self._answers.clear()
        self._answers[key] = answer
        self._size += len(answer.body) + len(key)
        while len(self._answers) > self.MOST or self._size > self.LARGEST:
            oldest, dropped = self._answers.popitem(last=False)
            self._size -= len(dropped.body) + len(oldest)

    def __len__(self) -> int:
        return len(self._answers)
