"""A device that keeps passkeys, written from WebAuthn Level 3 alone: nothing of what judges it is used here."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """One passkey on a device that stands at `origin`. `verifies`: it asks who holds it; `counts`: it counts its uses,
    as a device does that never copies its keys."""

    origin: str = "https://city.example"
    host: str = "city.example"
    verifies: bool = True
    counts: bool = True
    name: bytes = b"a passkey's name"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    owner: str = ""
    uses: int = 0

    def make(self, options: str, **other: Any) -> str:
        """The answer to `navigator.credentials.create`, as JSON. `other`: members of the client's data."""
        asked = json.loads(options)
        self.owner = asked["user"]["id"]
        point = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
        held = bytes(16) + len(self.name).to_bytes(2) + self.name + public
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + held}
        response = {
            "clientDataJSON": encoded(self._client("webauthn.create", asked["challenge"], other)),
            "attestationObject": encoded(cbor2.dumps(made)),
        }
        return self._answer(response)

    def show(self, options: str, **other: Any) -> str:
        """The answer to `navigator.credentials.get`."""
        asked = json.loads(options)
        if self.counts:
            self.uses += 1
        client, data = self._client("webauthn.get", asked["challenge"], other), self._data(0)
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": encoded(client),
            "authenticatorData": encoded(data),
            "signature": encoded(signature),
            "userHandle": self.owner,
        }
        return self._answer(response)

    def _answer(self, response: dict[str, str]) -> str:
        name = encoded(self.name)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})

    def _client(self, kind: str, challenge: str, other: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | other).encode()

    def _data(self, more: int) -> bytes:
        flags = PRESENT | (VERIFIED if self.verifies else 0) | more
        return sha256(self.host.encode()).digest() + bytes([flags]) + self.uses.to_bytes(4)
