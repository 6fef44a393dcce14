"""The stand-in for cards that sign: every resident of the sandbox has a real ES256 key and a certificate.

Keys are made at first use and kept under DATA_DIR, as are the signatures on their way back, so that any worker can
go on. A certificate is trusted when it is byte for byte the one kept for the person it names.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlencode

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID

from procedures.declaration import Assurance
from server.people.facts import Facts
from server.people.identity import Refused, SandboxIdentity
from server.people.signing import Made, Signer, Signing
from server.store.values import Random, new_id

VALID_FOR: Final = timedelta(days=365 * 5)
"""As long as a 署名用電子証明書 at most."""

_ES256: Final = ec.ECDSA(Prehashed(hashes.SHA256()))


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody is asked to sign."""

    digest: bytes
    state: str
    return_url: str


class SandboxSigner:
    """Signs for those residents of the sandbox whose card can."""

    def __init__(self, directory: Path, identity: Mapping[str, SandboxIdentity], *, random: Random) -> None:
        self._cards = directory / "cards"
        self._transactions = directory / "transactions"
        for each in (self._cards, self._transactions):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._random = random
        self._holders = {
            subject: resident.facts
            for adapter in identity.values()
            if adapter.level.covers(Assurance.JPKI_SIGNATURE)
            for subject, resident in adapter.residents.items()
        }

    # --- the port ----------------------------------------------------------------------------------------------

    async def start(self, digest: bytes, state: str, return_url: str) -> Signing:
        transaction = new_id(self._random)
        self._write(transaction, {"digest": digest.hex(), "state": state, "return_url": return_url})
        return Signing(transaction, f"/sandbox/sign/{transaction}")

    async def finish(self, transaction: str, params: Mapping[str, str]) -> Made | Refused:
        found = self._read(transaction)
        if found is None:
            return Refused("invalid")
        self._path(transaction).unlink(missing_ok=True)
        if params.get("error"):
            return Refused("declined")
        if "value" not in found or params.get("transaction") != transaction:
            return Refused("invalid")
        return Made(base64.b64decode(found["value"]), base64.b64decode(found["certificate"]))

    def verify(self, digest: bytes, made: Made, *, at: datetime) -> Signer | None:
        certificate = self._trusted(made.certificate)
        if certificate is None or not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            return None
        key = cast(ec.EllipticCurvePublicKey, certificate.public_key())  # one of ours, byte for byte
        try:
            key.verify(made.value, digest, _ES256)
        except (InvalidSignature, ValueError):  # ValueError: a digest of another length
            return None
        subject, name = _named(certificate)
        return Signer(subject, name, f"{certificate.serial_number:x}")

    # --- the card holder's side, for the sandbox's page ---------------------------------------------------------

    def can_sign(self, subject: str) -> bool:
        return subject in self._holders

    def asked(self, transaction: str) -> Asked | None:
        """What this transaction asks to be signed, while it has not been answered."""
        found = self._read(transaction)
        if found is None or "value" in found:
            return None
        return Asked(bytes.fromhex(found["digest"]), found["state"], found["return_url"])

    def approve(self, transaction: str, asked: Asked, subject: str, *, now: datetime) -> str:
        """Sign as `subject`, and where to go with it."""
        key, certificate = self._card(self._holders[subject], now)
        made = {"value": key.sign(asked.digest, _ES256), "certificate": _der(certificate)}
        encoded = {name: base64.b64encode(value).decode() for name, value in made.items()}
        self._write(transaction, {"digest": asked.digest.hex()} | encoded)
        return f"{asked.return_url}?" + urlencode({"state": asked.state, "transaction": transaction})

    def decline(self, asked: Asked) -> str:
        """Where to go with a no."""
        return f"{asked.return_url}?" + urlencode({"state": asked.state, "error": "access_denied"})

    # --- cards -------------------------------------------------------------------------------------------------

    def _card(self, holder: Facts, now: datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        path = self._cards / f"{holder.subject}.pem"
        if not path.exists():
            _create(path, _new_card(holder, now))
        pem = path.read_bytes()
        key = cast(ec.EllipticCurvePrivateKey, serialization.load_pem_private_key(pem, None))
        return key, x509.load_pem_x509_certificate(pem)

    def _trusted(self, der: bytes) -> x509.Certificate | None:
        try:
            subject, _ = _named(x509.load_der_x509_certificate(der))
        except (ValueError, IndexError):
            return None
        path = self._cards / f"{subject}.pem"
        if subject not in self._holders or not path.exists():
            return None
        kept = x509.load_pem_x509_certificate(path.read_bytes())
        return kept if _der(kept) == der else None

    # --- transactions ------------------------------------------------------------------------------------------

    def _path(self, transaction: str) -> Path:
        return self._transactions / f"{transaction}.json"

    def _read(self, transaction: str) -> dict[str, Any] | None:
        if not re.fullmatch(r"[0-9a-f]{32}", transaction) or not self._path(transaction).exists():
            return None
        found: dict[str, Any] = json.loads(self._path(transaction).read_text())
        return found

    def _write(self, transaction: str, values: Mapping[str, str]) -> None:
        unfinished = self._path(transaction).with_suffix(".part")
        unfinished.write_text(json.dumps(values))
        unfinished.replace(self._path(transaction))


def _new_card(holder: Facts, now: datetime) -> bytes:
    """A private key and its self-signed certificate, as one PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, holder.name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, holder.subject),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID_FOR)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _create(path: Path, content: bytes) -> None:
    """Write a file that is not there yet; of two workers one wins, and both read the winner's."""
    mine = path.with_suffix(f".{base64.urlsafe_b64encode(content[-24:-12]).decode()}.part")
    mine.touch(mode=0o600)
    mine.write_bytes(content)
    try:
        path.hardlink_to(mine)
    except FileExistsError:
        return
    finally:
        mine.unlink()


def _named(certificate: x509.Certificate) -> tuple[str, str]:
    """(subject, name) of a certificate; IndexError when it names nobody."""
    subject, name = (
        certificate.subject.get_attributes_for_oid(oid)[0].value for oid in (NameOID.SERIAL_NUMBER, NameOID.COMMON_NAME)
    )
    return str(subject), str(name)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
