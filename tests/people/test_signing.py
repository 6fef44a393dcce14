"""Signatures with a card: really made, really checked, for one statement and one filing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID
from sqlalchemy import select, update

from procedures.declaration import Assurance
from server.people import sessions, signing
from server.people.identity import Refused, sandbox_identity
from server.people.sandbox_signer import SandboxSigner
from server.people.sessions import Visitor
from server.people.signing import Made, SignatureState, Signed
from server.people.statement import statement_digest
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Maker, Random, Store

IDENTITY = sandbox_identity()
STATEMENT: dict[str, Any] = {
    "slug": "juminhyo-utsushi",
    "version": "ab" * 32,
    "answers": {"copies": 2},
    "attachments": [("ininjo", "cd" * 32)],
    "fee": 710,
}
DIGEST = statement_digest(**STATEMENT)


def facts_of(subject: str) -> Any:
    return next(each.residents[subject].facts for each in IDENTITY.values() if subject in each.residents)


class Desk:
    """A browser with a draft that is to be signed, and the sandbox's card reader."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random, signer: SandboxSigner) -> None:
        self.store, self.keys, self.clock, self.random, self.signer = store, keys, clock, random, signer

    def sign_in(self, subject: str) -> Visitor:
        token = self.store.transact(
            lambda db: sessions.sign_in(db, self.keys, None, facts_of(subject), now=self.clock(), random=self.random)
        )
        return self.store.read(lambda db: sessions.visitor(db, token, keys=self.keys, now=self.clock()))

    def start(self, visitor: Visitor, digest: bytes = DIGEST, draft_id: str | None = None) -> str | Refused:
        return self.store.transact(
            lambda db: signing.start_signature(
                db, self.keys, digest, visitor=visitor, draft_id=draft_id, now=self.clock(), random=self.random
            )
        )

    def sign(self, subject: str, digest: bytes = DIGEST) -> Made | Refused:
        """Go to the card reader and come back, as a browser would."""

        async def way() -> Made | Refused:
            begun = await self.signer.start(digest, "state", "http://testserver/back")
            asked = self.signer.asked(begun.id)
            assert asked is not None
            url = self.signer.approve(begun.id, asked, subject, now=self.clock())
            return await self.signer.finish(begun.id, query(url))

        return asyncio.run(way())

    def complete(self, signature_id: str, made: Made | Refused, visitor: Visitor) -> Signed | Refused:
        return self.store.transact(
            lambda db: signing.complete_signature(
                db, self.keys, self.signer, signature_id, made, visitor=visitor, now=self.clock()
            )
        )

    def verify(self, signature_id: str, session_id: str | None, digest: bytes = DIGEST) -> Signed | None:
        return self.store.read(
            lambda db: signing.verify_signature(db, self.keys, self.signer, signature_id, digest, session_id=session_id)
        )

    def spend(self, signature_id: str) -> bool:
        return self.store.transact(lambda db: signing.spend_signature(db, signature_id))

    def state(self) -> str:
        return str(self.store.read(lambda db: db.scalar(select(t.signature.c.state))))

    def signed(self, subject: str = "taro-jpki") -> tuple[str, Visitor]:
        """A finished signature."""
        visitor = self.sign_in(subject)
        signature_id = self.start(visitor)
        assert isinstance(signature_id, str)
        assert isinstance(self.complete(signature_id, self.sign(subject), visitor), Signed)
        return signature_id, visitor


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def signer(tmp_path: Path, random: Random) -> SandboxSigner:
    return SandboxSigner(tmp_path / "signing", IDENTITY, random=random)


@pytest.fixture
def desk(store: Store, keys: Keys, clock: Clock, random: Random, signer: SandboxSigner) -> Desk:
    return Desk(store, keys, clock, random, signer)


@pytest.mark.parametrize("subject", ["taro-jpki", "yukiko-78", "nguyen-jpki", "protected-jpki"])
def test_whoever_has_a_signing_card_can_sign_and_the_signature_holds(desk: Desk, subject: str) -> None:
    signature_id, visitor = desk.signed(subject)
    found = desk.verify(signature_id, visitor.session_id)
    assert found is not None
    assert (found.signer.subject, found.signer.name) == (subject, facts_of(subject).name)
    assert found.signed_at == desk.clock()


def test_a_card_without_signing_cannot_sign(desk: Desk) -> None:
    assert desk.start(desk.sign_in("hanako-oidc")) == Refused("level")
    assert desk.start(Visitor(None, None, Assurance.NONE)) == Refused("level")


def test_the_signature_is_one_that_others_can_check(desk: Desk) -> None:
    """ES256 over the statement, by the key of the certificate: nothing of ours is needed to verify it."""
    made = desk.sign("taro-jpki")
    assert isinstance(made, Made)
    certificate = x509.load_der_x509_certificate(made.certificate)
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    key.verify(made.value, DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))


@pytest.mark.parametrize(
    "change",
    [
        {"slug": "other"},
        {"version": "ac" * 32},
        {"answers": {"copies": 3}},
        {"attachments": []},
        {"attachments": [("ininjo", "ce" * 32)]},
        {"fee": 0},
    ],
    ids=str,
)
def test_a_signature_over_one_statement_is_none_over_another(desk: Desk, change: dict[str, Any]) -> None:
    signature_id, visitor = desk.signed()
    other = statement_digest(**STATEMENT | change)
    assert desk.verify(signature_id, visitor.session_id, other) is None
    made = desk.sign("taro-jpki", other)
    again = desk.start(visitor)
    assert isinstance(again, str)
    assert desk.complete(again, made, visitor) == Refused("invalid")


def other_certificate(subject: str, name: str, now: datetime) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    """A certificate somebody else made, with anybody's name on it."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.SERIAL_NUMBER, subject)]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return key, made.public_bytes(serialization.Encoding.DER)


def test_nothing_but_the_signature_that_was_made_is_taken(desk: Desk) -> None:
    visitor = desk.sign_in("taro-jpki")
    signature_id = desk.start(visitor)
    made = desk.sign("taro-jpki")
    yukiko = desk.sign("yukiko-78")
    assert isinstance(signature_id, str)
    assert isinstance(made, Made)
    assert isinstance(yukiko, Made)
    key, forged = other_certificate("taro-jpki", "津軽　太郎", desk.clock())
    flipped = bytes([*made.value[:-1], made.value[-1] ^ 1])
    attempts: list[tuple[Made | Refused, str]] = [
        (replace(made, value=flipped), "invalid"),
        (replace(made, value=b""), "invalid"),
        (replace(made, value=yukiko.value), "invalid"),
        (replace(made, certificate=yukiko.certificate), "invalid"),
        (replace(made, certificate=b""), "invalid"),
        (replace(made, certificate=made.certificate[:-1]), "invalid"),
        (Made(key.sign(DIGEST, ec.ECDSA(Prehashed(hashes.SHA256()))), forged), "invalid"),
        (yukiko, "other-person"),
        (Refused("declined"), "declined"),
    ]
    for attempt, reason in attempts:
        assert desk.complete(signature_id, attempt, visitor) == Refused(reason)
        assert desk.verify(signature_id, visitor.session_id) is None
    assert isinstance(desk.complete(signature_id, made, visitor), Signed)


@pytest.mark.parametrize("column", ["value", "sealed_signer", "sealed_certificate", "digest"])
def test_a_signature_changed_in_the_database_no_longer_holds(desk: Desk, store: Store, keys: Keys, column: str) -> None:
    signature_id, visitor = desk.signed()
    row = store.read(lambda db: db.one(select(t.signature)))
    assert row is not None
    changed = getattr(row, column)
    if column.startswith("sealed_"):
        changed = keys.open_data_key(row.wrapped_key, row.id).seal(
            b'{"subject": "yukiko-78", "name": "x", "serial": "1"}', f"signature.{column}"
        )
    else:
        changed = bytes([*changed[:-1], changed[-1] ^ 1])
    store.transact(lambda db: db.execute(update(t.signature).values({column: changed})))
    assert desk.verify(signature_id, visitor.session_id) is None


def test_a_certificate_counts_only_while_it_is_valid(desk: Desk, clock: Clock) -> None:
    visitor = desk.sign_in("taro-jpki")
    made = desk.sign("taro-jpki")
    assert isinstance(made, Made)
    begun = clock()
    assert desk.signer.verify(DIGEST, made, at=begun) is not None
    assert desk.signer.verify(DIGEST, made, at=begun - timedelta(days=2)) is None
    assert desk.signer.verify(DIGEST, made, at=begun + timedelta(days=365 * 5, seconds=1)) is None
    assert visitor.resident is not None


def test_another_browser_can_neither_see_nor_finish_nor_use_it(desk: Desk) -> None:
    visitor, other = desk.sign_in("taro-jpki"), desk.sign_in("taro-jpki")
    signature_id = desk.start(visitor)
    assert isinstance(signature_id, str)

    def pending(session_id: str | None) -> Any:
        return desk.store.read(
            lambda db: signing.pending_signature(db, signature_id, session_id=session_id, now=desk.clock())
        )

    assert pending(other.session_id) is None
    assert pending(None) is None
    assert pending(visitor.session_id).digest == DIGEST
    assert desk.complete(signature_id, desk.sign("taro-jpki"), other) == Refused("over")
    assert isinstance(desk.complete(signature_id, desk.sign("taro-jpki"), visitor), Signed)
    assert desk.verify(signature_id, other.session_id) is None


def test_a_signature_is_finished_once(desk: Desk) -> None:
    signature_id, visitor = desk.signed()
    assert desk.complete(signature_id, desk.sign("taro-jpki"), visitor) == Refused("over")
    assert desk.complete(signature_id, Refused("declined"), visitor) == Refused("over")
    assert desk.verify(signature_id, visitor.session_id) is not None


def test_one_signature_is_for_one_filing(desk: Desk) -> None:
    signature_id, visitor = desk.signed()
    assert desk.spend(signature_id)
    assert not desk.spend(signature_id)
    assert desk.verify(signature_id, visitor.session_id) is None
    assert desk.state() == SignatureState.SPENT


def test_a_signature_that_was_declined_is_not_spent_and_can_be_tried_again(desk: Desk) -> None:
    visitor = desk.sign_in("taro-jpki")
    signature_id = desk.start(visitor)
    assert isinstance(signature_id, str)
    desk.complete(signature_id, Refused("declined"), visitor)
    assert desk.state() == SignatureState.DECLINED
    assert not desk.spend(signature_id)
    assert isinstance(desk.complete(signature_id, desk.sign("taro-jpki"), visitor), Signed)


def test_a_signature_must_be_made_within_the_hour(desk: Desk, clock: Clock) -> None:
    visitor = desk.sign_in("taro-jpki")
    signature_id = desk.start(visitor)
    assert isinstance(signature_id, str)
    clock.advance(hours=1)
    assert desk.complete(signature_id, desk.sign("taro-jpki"), visitor) == Refused("over")


def test_the_newest_signature_of_a_draft_is_found_again(desk: Desk, make: Maker) -> None:
    draft = make(t.draft)["id"]
    visitor = desk.sign_in("taro-jpki")
    first = desk.start(visitor, b"1" * 32, draft)
    desk.clock.advance(seconds=1)
    second = desk.start(visitor, DIGEST, draft)

    def standing(session_id: str | None) -> Any:
        return desk.store.read(lambda db: signing.draft_signature(db, draft, session_id=session_id))

    assert first != second
    assert standing(visitor.session_id) == signing.Standing(str(second), DIGEST, SignatureState.STARTED)
    assert standing("elsewhere") is None


def test_a_signature_comes_back_from_the_reader_once_and_to_its_own_transaction(
    signer: SandboxSigner, clock: Clock
) -> None:
    async def run() -> None:
        begun = await signer.start(DIGEST, "s", "/back")
        other = await signer.start(DIGEST, "s", "/back")
        asked = signer.asked(begun.id)
        assert asked is not None
        url = signer.approve(begun.id, asked, "taro-jpki", now=clock())
        assert signer.asked(begun.id) is None
        assert await signer.finish(other.id, query(url)) == Refused("invalid")
        assert isinstance(await signer.finish(begun.id, query(url)), Made)
        assert await signer.finish(begun.id, query(url)) == Refused("invalid")
        for junk in ("", "../../etc/passwd", "0" * 32, "ZZ"):
            assert await signer.finish(junk, {}) == Refused("invalid")

    asyncio.run(run())


def test_saying_no_at_the_reader_is_told(signer: SandboxSigner) -> None:
    async def run() -> Made | Refused:
        begun = await signer.start(DIGEST, "s", "/back")
        asked = signer.asked(begun.id)
        assert asked is not None
        return await signer.finish(begun.id, query(signer.decline(asked)))

    assert asyncio.run(run()) == Refused("declined")


def test_a_card_keeps_its_key_and_no_one_else_may_read_it(signer: SandboxSigner, clock: Clock, tmp_path: Path) -> None:
    async def certificate() -> bytes:
        begun = await signer.start(DIGEST, "s", "/back")
        asked = signer.asked(begun.id)
        assert asked is not None
        made = await signer.finish(begun.id, query(signer.approve(begun.id, asked, "taro-jpki", now=clock())))
        assert isinstance(made, Made)
        return made.certificate

    assert asyncio.run(certificate()) == asyncio.run(certificate())
    (card,) = (tmp_path / "signing/cards").iterdir()
    assert card.stat().st_mode & 0o077 == 0
