"""From the bytes of a request to the bytes of its answer, without HTTP's own words: `server.web.machines` has those.

What is no request of ours is `Refused`; what is one is answered as GraphQL answers, errors and all.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from graphql import GraphQLError

from forms_schema import Json
from server.api.calls import MAX_QUERY_BODY, Call, addressed, posted
from server.api.catalogue import Shelf
from server.api.context import Context
from server.api.documents import MAX_COST, Documents, Operation
from server.api.refusals import ApiError, Refused
from server.api.registered import Persisted, read_queries
from server.api.schema import build_schema, core
from server.people.sessions import NOBODY, Visitor
from server.people.staff_sessions import Staff
from server.services import Services
from server.store import StoreUnavailable

K = TypeVar("K", str, bytes)
T = TypeVar("T")

_SUGGESTION: Final = re.compile(r"\s*Did you mean.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and from where (for the limits of rates). `report` is told of what nobody expected."""

    visitor: Visitor
    place: str
    request_id: str
    report: Callable[[BaseException], None]
    staff: Staff | None = None


@dataclass(frozen=True)
class Answer:
    """The body, in JSON. `lasting`: the same for everybody until the catalogue or the day changes."""

    body: bytes
    lasting: bool = False
    retry_after: int | None = None

    @cached_property
    def packed(self) -> bytes:
        """Gzipped once, when it is first asked for."""
        return gzip.compress(self.body, 6, mtime=0)


class Api:
    """Everything that is made once: schema, documents read, and answers kept."""

    def __init__(self, of: Services) -> None:
        self._of = of
        self.schema = build_schema()
        self.documents = Documents(core(self.schema), introspection=of.settings.explorer)
        self.answers = Kept[str, Answer]()
        self.persisted = Persisted(read_queries())
        self._shelf: tuple[tuple[str, datetime], Shelf] | None = None
        self._refuse_unfit()

    def _refuse_unfit(self) -> None:
        for text in self.persisted.shipped.values():
            if not self._public(text, None):
                raise TypeError(f"no query for GET, because it is wrong, changes something, or is personal: {text}")

    def _public(self, text: str, operation: str | None) -> bool:
        """Whether a document stands, and is the same for everybody."""
        document = self.documents.read(text)
        try:
            return not document.errors and document.operation(operation).public
        except ApiError:
            return False

    async def post(self, body: bytes, content_type: str, caller: Caller) -> Answer | Refused:
        """A call as the body of a POST. Raises StoreUnavailable."""
        call = posted(body, content_type, self.persisted)
        if isinstance(call, ApiError):
            return _failed([call])
        return call if isinstance(call, Refused) else await self._answer(call, len(body), caller)

    async def get(self, query: Mapping[str, str], caller: Caller) -> Answer | Refused:
        """A public query by its hash, with its variables as JSON. Whoever asks is nobody in particular.

        `?id=` is of a shipped query, and what is wrong is a refusal. `?extensions=` is what clients with automatic
        persisted queries send: what is wrong is an error in the body, as those clients expect.
        """
        call = addressed(query, self.persisted, self._public)
        if isinstance(call, ApiError):
            return _failed([call])
        if isinstance(call, Refused):
            return call
        nobody = Caller(NOBODY, caller.place, caller.request_id, caller.report)
        answer = await self._answer(call, 0, nobody)
        return _refusal(answer) if "id" in query and isinstance(answer, Answer) and not answer.lasting else answer

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
        if call.hashed:
            self.persisted.remember(call.hashed, call.text)
        now = self._of.edition
        if not operation.public:
            return await self._carried_out(call, operation, caller)
        kept = self.answers.get(now, call.key)
        if kept is None:
            kept = await self._carried_out(call, operation, caller)
            if kept.lasting:
                self.answers.keep(now, call.key, kept, len(kept.body))
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
        context = Context(self._of, caller.visitor, caller.place, self._today(), operation.document, caller.staff)
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
            self._shelf = now, Shelf(of.catalogue, of.city, of.clock())
        return self._shelf[1]


# --- answering ----------------------------------------------------------------------------------------------------


def _refusal(answer: Answer) -> Refused:
    """What is wrong with a query by GET, in the site's own shape: nothing of an answer that failed is to be kept."""
    error = json.loads(answer.body)["errors"][0]
    code = error["extensions"]["code"]
    return Refused(500 if code == "INTERNAL_ERROR" else 400, code, error["message"])


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


class Kept(Generic[K, T]):
    """Answers that are the same for everybody, until the catalogue or the day changes. Bounded in number and size."""

    MOST: Final = 500
    LARGEST: Final = 16 << 20

    def __init__(self) -> None:
        self._as_of: object = None
        self._answers: OrderedDict[K, tuple[T, int]] = OrderedDict()
        self._size = 0

    def get(self, as_of: object, key: K) -> T | None:
        if as_of != self._as_of or key not in self._answers:
            return None
        self._answers.move_to_end(key)
        return self._answers[key][0]

    def keep(self, as_of: object, key: K, answer: T, size: int) -> None:
        """Keep what takes so many bytes, besides its key."""
        if as_of != self._as_of:
            self._as_of, self._size = as_of, 0
            self._answers.clear()
        self._drop(key)
        self._answers[key] = answer, size + len(key)
        self._size += size + len(key)
        while len(self._answers) > self.MOST or self._size > self.LARGEST:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: K) -> None:
        _, size = self._answers.pop(key, (None, 0))
        self._size -= size

    def __len__(self) -> int:
        return len(self._answers)
