"""Keys, and what is sealed by them.

A row that holds something personal has a data key of its own. It lies in the row, wrapped (AES-256-GCM) by a
master key from the settings and bound to the row's id: a key copied into another row does not open. Rotation
wraps anew and touches no content; a row whose key is gone is gone, in every backup too once the master is.
Digests that find a person, and access codes, come from INDEX_KEY, which does not rotate: they would no longer
be found. 個人番号 is sealed to a public key; who serves pages need not be able to read it.

Randomness for keys and nonces is the system's and never passed in: a repeated nonce gives AES-GCM away.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from server.settings import Settings
from server.signs import in_groups, plain_code, signs_of

_NONCE: Final = 12


class Unsealable(ValueError):
    """What was sealed does not open: another key, another place, or it was changed."""


class NoKey(RuntimeError):
    """The settings hold no key for this. Says which."""


class DataKey:
    """Seals and opens one row's columns; `context` is 'table.column', so that none can stand in another's place."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises Unsealable."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: shorter than a nonce
            raise Unsealable(f"{context} does not open") from error


class Keys:
    """`masters` by id, the first wraps what is new. `my_number_*` as in Settings."""

    def __init__(
        self,
        masters: Mapping[str, bytes],
        *,
        secret_key: str,
        index_key: str,
        my_number_public: bytes | None,
        my_number_private: bytes | None = None,
    ) -> None:
        self._masters: Final = {name: AESGCM(key) for name, key in masters.items()}
        self.active: Final = next(iter(masters))
        self._secret_key: Final = secret_key.encode()
        self._index_key: Final = index_key.encode()
        self._seals: Final = SealedBox(PublicKey(my_number_public)) if my_number_public else None
        self._opens: Final = SealedBox(PrivateKey(my_number_private)) if my_number_private else None
        self._index_subkey: Final[Callable[[str], bytes]] = cache(lambda purpose: _derive(self._index_key, purpose))

    # -- data keys

    def new_data_key(self, owner_id: str) -> tuple[DataKey, bytes]:
        """A new key and what to keep in `wrapped_key` of the row with this id."""
        key = os.urandom(32)
        return DataKey(key), self._wrap(key, owner_id)

    def open_data_key(self, wrapped: bytes, owner_id: str) -> DataKey:
        """Raises Unsealable."""
        return DataKey(self._unwrap(wrapped, owner_id))

    def rewrap(self, wrapped: bytes, owner_id: str) -> bytes | None:
        """The same key under the active master; None if it is already. Raises Unsealable."""
        key = self._unwrap(wrapped, owner_id)
        return None if master_of(wrapped) == self.active else self._wrap(key, owner_id)

    def _wrap(self, key: bytes, owner_id: str) -> bytes:
        nonce, name = os.urandom(_NONCE), self.active.encode()
        return bytes([len(name)]) + name + nonce + self._masters[self.active].encrypt(nonce, key, _bound(owner_id))

    def _unwrap(self, wrapped: bytes, owner_id: str) -> bytes:
        name, rest = master_of(wrapped), wrapped[1 + wrapped[0] :] if wrapped else b""
        if name not in self._masters:
            raise Unsealable(f"wrapped by master key '{name}', which the settings do not have")
        try:
            return self._masters[name].decrypt(rest[:_NONCE], rest[_NONCE:], _bound(owner_id))
        except (InvalidTag, ValueError) as error:
            raise Unsealable("the data key does not open") from error

    # -- what is found without being read

    def index_digest(self, kind: str, text: str) -> bytes:
        """32 bytes by which an equal text of this kind is found. Normalise before."""
        return _hmac(self._index_subkey(f"index:{kind}"), text)

    def access_code(self, application_id: str) -> str:
        """60 bits as 'XXXX-XXXX-XXXX' in Crockford's base32; the same for the same application."""
        number = int.from_bytes(_hmac(self._index_subkey("access-code"), application_id)[:8]) >> 4
        return in_groups(signs_of(number, 12))

    def is_access_code(self, typed: str, application_id: str) -> bool:
        """Compares in constant time; case, hyphens, blanks and O for 0, I or L for 1 do not matter."""
        ours = plain_code(self.access_code(application_id))
        return hmac.compare_digest(plain_code(typed).encode(), ours.encode())

    def subkey(self, purpose: str) -> bytes:
        """32 bytes of SECRET_KEY for one purpose: links, short-lived tokens. Nothing that is kept depends on it."""
        return _derive(self._secret_key, purpose)

    # -- 個人番号

    @property
    def takes_my_number(self) -> bool:
        return self._seals is not None

    def seal_my_number(self, number: str) -> bytes:
        """Raises NoKey when there is no public key: then no form may ask for one."""
        if self._seals is None:
            raise NoKey("the settings have no public key for 個人番号")
        return self._seals.encrypt(number.encode())

    def open_my_number(self, sealed: bytes) -> str:
        """Raises NoKey in a process that is not all-in-one, or Unsealable."""
        if self._opens is None:
            raise NoKey("the settings have no private key for 個人番号")
        try:
            return self._opens.decrypt(sealed).decode()
        except (CryptoError, ValueError) as error:
            raise Unsealable("a sealed number does not open") from error

    @property
    def reads_my_number(self) -> bool:
        return self._opens is not None


def open_keys(settings: Settings) -> Keys:
    """The keys of the settings. In sandbox mode those not given are made once, in DATA_DIR/sandbox-keys.json."""
    given: dict[str, Any] = {
        "masters": settings.encryption_keys,
        "secret_key": settings.secret_key,
        "index_key": settings.index_key,
        "my_number_public": settings.my_number_public_key,
        "my_number_private": settings.my_number_private_key,
    }
    if settings.sandbox:
        made = _sandbox_keys(settings.data_dir / "sandbox-keys.json")
        if settings.my_number_public_key:  # the made private key would not fit a given public one
            made.pop("my_number_private")
        given |= {name: value for name, value in made.items() if given[name] is None}
    return Keys(given.pop("masters"), **given)


def master_of(wrapped: bytes) -> str:
    """The id of the master key that wrapped this."""
    return wrapped[1 : 1 + wrapped[0]].decode(errors="replace") if wrapped else ""


def _sandbox_keys(path: Path) -> dict[str, Any]:
    if not path.exists():
        _write_once(path, json.dumps(_new_sandbox_keys(), indent=2))
    kept = json.loads(path.read_text())
    masters = {name: base64.b64decode(key) for name, key in kept["masters"].items()}
    numbers = {name: base64.b64decode(kept[name]) for name in ("my_number_public", "my_number_private")}
    return {"masters": masters, "secret_key": kept["secret_key"], "index_key": kept["index_key"], **numbers}


def _new_sandbox_keys() -> dict[str, Any]:
    pair = PrivateKey.generate()
    return {
        "masters": {"sandbox": _base64(os.urandom(32))},
        "secret_key": _base64(os.urandom(32)),
        "index_key": _base64(os.urandom(32)),
        "my_number_public": _base64(bytes(pair.public_key)),
        "my_number_private": _base64(bytes(pair)),
    }


def _write_once(path: Path, text: str) -> None:
    """Whole and readable by nobody else, or not at all; of two processes that start together, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def _base64(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _bound(owner_id: str) -> bytes:
    return b"kakanai data key of " + owner_id.encode()


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"kakanai " + purpose.encode()).derive(key)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), sha256)
