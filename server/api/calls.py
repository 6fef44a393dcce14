"""What a client asks: read from the body of a POST or from an address, before anything is carried out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from forms_schema import Json
from server.api.reading import Unreadable, read_json
from server.api.refusals import ApiError, Refused
from server.api.registered import Persisted, identifier

MAX_BODY: Final = 1 << 20
"""Bytes of a mutation: a filing with all its answers."""
MAX_QUERY_BODY: Final = 64 << 10
"""Bytes of everything else, and of a document alone."""
MAX_VARIABLES: Final = 8 << 10
"""Bytes of the variables in an address."""

_JSON: Final = re.compile(r'\s*application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asks to be carried out. `hashed`: what the text is to be known by from now on."""

    text: str
    variables: Mapping[str, Json]
    operation: str | None
    hashed: str = ""

    @property
    def key(self) -> str:
        """Two calls with the same key are the same."""
        return json.dumps([self.operation, self.variables, self.text], sort_keys=True, ensure_ascii=False)


_BAD_VARIABLES: Final = Refused(400, "BAD_REQUEST", "variables はオブジェクトにしてください。")
_BAD_HASH: Final = Refused(
    400,
    "BAD_REQUEST",
    "extensions.persistedQuery には、version: 1 と、query の SHA-256 を sha256Hash に書いてください。",
)
_NOT_REGISTERED: Final = Refused(
    400,
    "QUERY_NOT_REGISTERED",
    "GETでは、登録されたクエリーだけを ?id=<sha256>&variables= で呼べます。ほかはPOSTで送ってください。",
)
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_NO_QUERY: Final = Refused(400, "BAD_REQUEST", "query に、GraphQLの文書を書いてください。")


def addressed(
    query: Mapping[str, str], known: Persisted, public: Callable[[str, str | None], bool]
) -> Call | Refused | ApiError:
    """The call in an address: `?id=` of a shipped query, or `?extensions=` with the hash of a known one.

    `public` says whether a text with the name of an operation may be asked by GET.
    """
    given = _variables(query.get("variables") or "{}")
    if set(query) <= {"id", "variables"}:
        text = known.shipped.get(query.get("id", ""))
        if text is None:
            return _NOT_REGISTERED
        return given if isinstance(given, Refused) else Call(text, given, None)
    hashed = _hash_of(_read(query.get("extensions", "").encode("utf-8", "surrogatepass")))
    if not hashed or not set(query) <= {"extensions", "variables", "operationName"}:
        return _NOT_REGISTERED
    if isinstance(given, Refused):
        return given
    text, operation = known.find(hashed), query.get("operationName") or None
    return Call(text, given, operation) if text and public(text, operation) else _not_found()


def posted(body: bytes, content_type: str, known: Persisted) -> Call | Refused | ApiError:
    """The call in the body of a POST.

    Only `application/json` is taken: no page of another site can send that without our saying so.
    """
    if not _JSON.fullmatch(content_type):
        return Refused(400, "BAD_REQUEST", "Content-Type: application/json で送ってください。")
    given = _read(body)
    if isinstance(given, Refused):
        return given
    if isinstance(given, list):
        return Refused(400, "BAD_REQUEST", "1回に送れるのは1つだけです。")
    return _call(given, known) if isinstance(given, dict) else _NO_QUERY


def _call(given: Mapping[str, Json], known: Persisted) -> Call | Refused | ApiError:
    extensions = given.get("extensions") or {}
    hashed = _hash_of(extensions)
    if not isinstance(extensions, dict) or ("persistedQuery" in extensions and not hashed):
        return _BAD_HASH
    text = _text(given.get("query"), hashed, known)
    if not isinstance(text, str):
        return text
    variables, operation = given.get("variables"), given.get("operationName")
    if not (variables is None or isinstance(variables, dict)):
        return _BAD_VARIABLES
    if not (operation is None or isinstance(operation, str)):
        return Refused(400, "BAD_REQUEST", "operationName は文字列にしてください。")
    return Call(text, variables or {}, operation or None, hashed)


def _text(given: Json, hashed: str, known: Persisted) -> str | Refused | ApiError:
    """The document, or the one that is known by its hash."""
    if given is None and hashed:
        return known.find(hashed) or _not_found()
    if not isinstance(given, str) or not given.strip():
        return _NO_QUERY
    if len(given) > MAX_QUERY_BODY:
        return Refused(413, "TOO_LARGE", "query が大きすぎます。答えは variables に入れてください。")
    if hashed and identifier(given) != hashed:
        return ApiError("PERSISTED_QUERY_MISMATCH", "sha256Hash が、送られた query のものではありません。")
    return given


def _read(text: bytes) -> Json | Refused:
    try:
        return read_json(text)
    except Unreadable as error:
        return Refused(400, "BAD_JSON", str(error))


def _not_found() -> ApiError:
    """In the words that clients look for. They send the text then, with its hash."""
    return ApiError("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")


def _hash_of(extensions: Json | Refused) -> str:
    """The hash that a call's extensions name, or ''."""
    named = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    hashed = named.get("sha256Hash") if isinstance(named, dict) and named.get("version") == 1 else None
    return hashed if isinstance(hashed, str) and _HASH.fullmatch(hashed) else ""


def _variables(text: str) -> dict[str, Json] | Refused:
    if len(text) > MAX_VARIABLES:
        return Refused(400, "BAD_REQUEST", "variables が長すぎます。")
    given = _read(text.encode("utf-8", "surrogatepass"))
    if isinstance(given, dict | Refused):
        return given
    return _BAD_VARIABLES
