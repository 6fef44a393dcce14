"""Files ahead of their submission: one a request, known by its own first bytes, kept a day."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final
from urllib.parse import unquote

from anyio import to_thread

from forms_schema.text import clean
from server.api.refusals import Refused
from server.applications import uploads
from server.applications.uploads import Incoming, Unfit
from server.people.limits import Limit, seconds_to_wait
from server.people.sessions import Visitor
from server.services import Services
from server.store.database import Writing

MAX_FILE: Final = uploads.MAX_FILE
BY_PLACE: Final = Limit("upload.place", 120, timedelta(hours=1))
TYPES: Final = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}
LONGEST_NAME: Final = 100

_FORM: Final = re.compile(r"\s*(multipart/|application/x-www-form-urlencoded)", re.IGNORECASE)
_EXTENDED: Final = re.compile(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]*)", re.IGNORECASE)
_PLAIN: Final = re.compile(r'filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))', re.IGNORECASE)
_REFUSED: Final = {
    "empty": Refused(400, "EMPTY_FILE", "ファイルの中身がありません。"),
    "size": Refused(413, "TOO_LARGE", f"ファイルが大きすぎます。{MAX_FILE >> 20}MBまでです。"),
    "type": Refused(415, "UNSUPPORTED_FILE", "PDF、JPEG、PNGのファイルを、そのまま本文にして送ってください。"),
    "count": Refused(409, "TOO_MANY_FILES", "申請していないファイルが多すぎます。申請してから送ってください。"),
}
_RATE: Final = "ファイルが多すぎます。しばらくしてから、もう一度送ってください。"


async def take(
    of: Services, who: Visitor, place: str, body: bytes, *, content_type: str, disposition: str
) -> str | Refused:
    """Keep a file: its id. It is the session's own, or without one whoever's who knows the id.

    `content_type` is not believed, the first bytes are; `disposition` (RFC 6266) may bring a name.
    """
    kind = Unfit("type") if _FORM.match(content_type) else uploads.fit(body, tuple(TYPES))
    if isinstance(kind, Unfit):
        return _REFUSED[kind.code]
    now = of.clock()
    wait = await of.database.transact(lambda db: seconds_to_wait(db, of.keys, BY_PLACE, place, now=now))
    if wait:
        return Refused(429, "RATE_LIMITED", _RATE, wait)
    incoming = Incoming("", _name(disposition) or f"file{TYPES[kind]}", kind, body)
    kept = await to_thread.run_sync(lambda: uploads.store(of.blobs, of.keys, incoming, now=now, random=of.random))

    def work(db: Writing) -> Unfit | None:
        owner = ("session", who.session_id) if who.session_id is not None else ("upload", kept.upload.id)
        return uploads.attach(db, kept, *owner)

    unfit = await of.database.transact(work)
    return _REFUSED[unfit.code] if unfit else kept.upload.id


def _name(disposition: str) -> str:
    """The name in a Content-Disposition header, without any path, fit to be shown."""
    extended, plain = _EXTENDED.search(disposition[:1000]), _PLAIN.search(disposition[:1000])
    found = unquote(extended[1]) if extended else ""
    if plain and not found:
        found = re.sub(r"\\(.)", r"\1", plain[1] or plain[2] or "")
    return clean(found.replace("\\", "/").rpartition("/")[2])[:LONGEST_NAME]
