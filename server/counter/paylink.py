"""The address under which a visit's fees are paid by telephone: whoever has it may pay, and sees what is owed.

It opens nothing else, names no procedure, and ends after a day. Nothing is stored for it: it carries the visit, its
end, and a keyed digest of both.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

from server.store.keys import Keys

LIFE: Final = timedelta(days=1)
"""As long as a checkout can live."""
_KIND: Final = "pay-link"
_ID, _END, _MAC = 16, 5, 16
"""Bytes of each part."""


def made(keys: Keys, visit_id: str, *, now: datetime) -> str:
    """Letters, digits, - and _: fit for an address and a QR code. The same within an hour, so that a page that is
    looked at again shows the same picture."""
    end = int((now + LIFE).timestamp()) // 3600 * 3600 + 3600
    said = bytes.fromhex(visit_id) + end.to_bytes(_END)
    return _written(said + _mac(keys, said))


def visit_of(keys: Keys, token: str, *, now: datetime) -> str | None:
    """The visit's id; None for what we never made, and for what is over."""
    try:
        whole = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    said, mac = whole[: _ID + _END], whole[_ID + _END :]
    if _written(whole) != token:  # the last letter has bits to spare: one address, not sixteen
        return None
    if len(whole) != _ID + _END + _MAC or not hmac.compare_digest(mac, _mac(keys, said)):
        return None
    end = datetime.fromtimestamp(int.from_bytes(said[_ID:]), UTC)
    return said[:_ID].hex() if now < end else None


def _written(whole: bytes) -> str:
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


def _mac(keys: Keys, said: bytes) -> bytes:
    return keys.index_digest(_KIND, said.hex())[:_MAC]
