"""Files ahead of their submission: one a request, known by what it is, kept a day."""

from __future__ import annotations

import re
from typing import IO, Final
from urllib.parse import unquote

from forms_schema.messages import message
from server.api.refusals import Refused
from server.applications import uploads
from server.applications.filetypes import JPEG, PDF, PNG, Unfit
from server.applications.intake import Incoming, sender
from server.people.sessions import Visitor
from server.services import Services

TYPES: Final = (PDF, JPEG, PNG)

_FORM: Final = re.compile(r"\s*(multipart/|application/x-www-form-urlencoded)", re.IGNORECASE)
_EXTENDED: Final = re.compile(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]*)", re.IGNORECASE)
_PLAIN: Final = re.compile(r'filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))', re.IGNORECASE)
_TOLD: Final = {
    "empty": (400, "EMPTY_FILE"),
    "size": (413, "TOO_LARGE"),
    "pixels": (413, "TOO_LARGE"),
    "type": (415, "UNSUPPORTED_FILE"),
    "count": (409, "TOO_MANY_FILES"),
    "wait": (429, "RATE_LIMITED"),
    "infected": (422, "INFECTED_FILE"),
}
"""HTTP status and code of a refusal; what is not here is a file of the right kind that cannot stand."""
_UNFIT: Final = (422, "UNFIT_FILE")
_OWN_WORDS: Final = {
    "type": "PDF、JPEG、PNG、HEICのファイルを、そのまま本文にして送ってください。",
    "count": "申請していないファイルが多すぎます。申請してから送ってください。",
}


async def take(
    of: Services, who: Visitor, place: str, body: IO[bytes], *, content_type: str, disposition: str
) -> str | Refused:
    """Keep a file: its id. It is the session's or the token's resident's own, else whoever's who knows the id.

    `content_type` is not believed, the file is looked into; `disposition` (RFC 6266) may bring a name.
    """
    if _FORM.match(content_type):
        return _refused(Unfit("type"))
    (found,) = await of.intake.take([Incoming("", _name(disposition), body, TYPES)], sender(who, place))
    if isinstance(found, Unfit):
        return _refused(found)
    owner = uploads.holder(who, found.upload.id)
    unfit = await of.database.transact(lambda db: uploads.attach(db, found, *owner))
    if unfit is None:
        return found.upload.id
    await of.intake.discard([found])
    return _refused(unfit)


def _refused(unfit: Unfit) -> Refused:
    status, code = _TOLD.get(unfit.code, _UNFIT)
    words = _OWN_WORDS.get(unfit.code) or f"{message(uploads.error('', unfit), None, 'この書類')}。"
    return Refused(status, code, words, unfit.seconds or None)


def _name(disposition: str) -> str:
    """The name in a Content-Disposition header, as it came."""
    extended, plain = _EXTENDED.search(disposition[:1000]), _PLAIN.search(disposition[:1000])
    if extended and (found := unquote(extended[1])):
        return found
    return re.sub(r"\\(.)", r"\1", plain[1] or plain[2] or "") if plain else ""
