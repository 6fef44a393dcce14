"""Passkeys of the staff (WebAuthn Level 3): keys that a device keeps for this site and shows to no other.

A passkey may stand in for the code beside a password, or for both: then the device must have asked who holds it
(`user verification`). Nothing is kept between a challenge and its answer: a challenge carries when, what for and for
whom it was made, under a key of ours; that it counts once, the store decides. What was registered is the public half.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import bindparam, delete, select, update

from server.people.limits import first_time, forgive, seconds_to_wait
from server.people.staff import FAILED_PLACE, Locked
from server.people.staff import enter as enter_account
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

GOOD_FOR: Final = timedelta(minutes=5)
MOST: Final = 10
"""Passkeys of one person."""
LONGEST_LABEL: Final = 40
LONGEST_ANSWER: Final = 16 * 1024
"""Characters of JSON; an answer without attestation has about a thousand."""

_LABEL: Final = "staff_passkey.sealed_label"
_NONCE: Final = 16
_MADE: Final = slice(_NONCE, _NONCE + 8)
_MARK: Final = _NONCE + 8


class Use(StrEnum):
    """What a challenge is for: one of a kind is not taken for another."""

    REGISTER = "register"
    FACTOR = "factor"
    """Beside a password, in place of the code."""
    WHOLE = "whole"
    """Without a password."""


class Unfit(StrEnum):
    """Why a passkey was not registered."""

    LABEL = "label"
    ANSWER = "answer"
    """It proves nothing: another site's, too old, shown before, or broken."""
    TAKEN = "taken"
    MOST = "most"


@dataclass(frozen=True, slots=True)
class Party:
    """Who we are to a browser: the host name passkeys are bound to, and the origin they are shown at."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """As its owner knows it again."""

    id: str
    label: str
    created_at: datetime
    used_at: datetime | None


_P: Final = t.staff_passkey.c
_OF: Final = select(t.staff_passkey).where(_P.staff_id == bindparam("staff_id")).order_by(_P.created_at, _P.id)
_BY_CREDENTIAL: Final = select(t.staff_passkey).where(_P.credential == bindparam("credential"))
_USED: Final = (
    update(t.staff_passkey)
    .where(_P.id == bindparam("of"), _P.uses == bindparam("before"))
    .values(uses=bindparam("after"), used_at=bindparam("at"))
)
_REMOVE: Final = delete(t.staff_passkey).where(_P.id == bindparam("of"), _P.staff_id == bindparam("whose"))


def party(base_url: str) -> Party | None:
    """Who we are at this address; None at an IP address, for which browsers keep no passkeys."""
    host = urlsplit(base_url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return Party(host, base_url)
    return None


# --- challenges -----------------------------------------------------------------------------------------------------


def _challenge(keys: Keys, use: Use, bound_to: str, *, now: datetime, random: Random) -> bytes:
    """Bytes for a device to sign. `bound_to` names the session or the browser that may answer."""
    made = random(_NONCE) + int(now.timestamp()).to_bytes(8)
    return made + _mark(keys, use, bound_to, made)


def _mark(keys: Keys, use: Use, bound_to: str, made: bytes) -> bytes:
    return hmac.digest(keys.subkey("passkey"), b"\n".join((use.encode(), bound_to.encode(), made)), sha256)


def _takes(db: Writing, keys: Keys, challenge: bytes, use: Use, bound_to: str, now: datetime) -> bool:
    """Whether a challenge is ours, for this use and this browser, fresh, and was not answered before; it is from now
    on."""
    made = challenge[:_MARK]
    if not hmac.compare_digest(challenge[_MARK:], _mark(keys, use, bound_to, made)):
        return False
    at = datetime.fromtimestamp(int.from_bytes(challenge[_MADE]), UTC)
    return at <= now < at + GOOD_FOR and first_time(db, keys, "staff.passkey", challenge.hex(), at=at)


# --- registering ----------------------------------------------------------------------------------------------------


def to_register(db: Reading, keys: Keys, of: Party, staff: Staff, city: str, *, now: datetime, random: Random) -> str:
    """What a browser is asked, as JSON for `navigator.credentials.create`. Its answer is good in this session."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers import structs

    wanted = structs.AuthenticatorSelectionCriteria(
        resident_key=structs.ResidentKeyRequirement.REQUIRED,
        user_verification=structs.UserVerificationRequirement.PREFERRED,
    )
    options = generate_registration_options(
        rp_id=of.host,
        rp_name=f"Kakanai {city}".strip(),
        user_id=staff.id.encode(),
        user_name=staff.login,
        user_display_name=staff.name,
        challenge=_challenge(keys, Use.REGISTER, staff.session_id, now=now, random=random),
        authenticator_selection=wanted,
        exclude_credentials=[
            structs.PublicKeyCredentialDescriptor(id=row.credential) for row in db.all(_OF, {"staff_id": staff.id})
        ],
    )
    return options_to_json(options)


def register(
    db: Writing, keys: Keys, of: Party, staff: Staff, label: str, answer: str, *, now: datetime, random: Random
) -> Unfit | None:
    """Keep what a device made for this account. None: done."""
    from webauthn import verify_registration_response

    called = label_of(label)
    if not called:
        return Unfit.LABEL
    if len(db.all(_OF, {"staff_id": staff.id})) >= MOST:
        return Unfit.MOST
    given = _read(answer)
    if given is None or not _takes(db, keys, _challenge_of(given), Use.REGISTER, staff.session_id, now):
        return Unfit.ANSWER
    try:
        made = verify_registration_response(
            credential=given,
            expected_challenge=_challenge_of(given),
            expected_rp_id=of.host,
            expected_origin=of.origin,
        )
    except _faults():
        return Unfit.ANSWER
    passkey_id = new_id(random)
    key, wrapped = keys.new_data_key(passkey_id)
    row = {"id": passkey_id, "staff_id": staff.id, "credential": made.credential_id, "uses": made.sign_count}
    row |= {"public_key": made.credential_public_key, "wrapped_key": wrapped, "created_at": now}
    if not db.insert_new(t.staff_passkey, row | {"sealed_label": key.seal(called.encode(), _LABEL)}):
        return Unfit.TAKEN
    db.audit("staff.passkey_add", staff.id, actor=staff.actor, detail={"passkey": passkey_id})
    return None


def label_of(text: str) -> str:
    """A label as it is kept, '' for none that can be read on one line."""
    called = " ".join(text.split())
    return called if len(called) <= LONGEST_LABEL and called.isprintable() else ""


def of_staff(db: Reading, keys: Keys, staff_id: str) -> Sequence[Passkey]:
    """Somebody's passkeys, the oldest first."""
    return [_passkey(keys, row) for row in db.all(_OF, {"staff_id": staff_id})]


def _passkey(keys: Keys, row: Any) -> Passkey:
    label = keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_label, _LABEL).decode()
    return Passkey(row.id, label, row.created_at, row.used_at)


def remove(db: Writing, passkey_id: str, staff: Staff) -> bool:
    """Forget a passkey of one's own. False: it is not theirs, or gone already."""
    if db.execute(_REMOVE, {"of": passkey_id, "whose": staff.id}).rowcount != 1:
        return False
    db.audit("staff.passkey_remove", staff.id, actor=staff.actor, detail={"passkey": passkey_id})
    return True


# --- signing in -----------------------------------------------------------------------------------------------------


def to_show(keys: Keys, of: Party, use: Use, browser: str, *, now: datetime, random: Random) -> str:
    """What a browser is asked, as JSON for `navigator.credentials.get`. Which passkeys there are is not told: the
    device knows those of this site. `browser` names the one that may answer."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement as Verification

    options = generate_authentication_options(
        rp_id=of.host,
        challenge=_challenge(keys, use, browser, now=now, random=random),
        user_verification=Verification.REQUIRED if use is Use.WHOLE else Verification.PREFERRED,
    )
    return options_to_json(options)


def shown(db: Writing, keys: Keys, of: Party, use: Use, answer: str, browser: str, *, now: datetime) -> str:
    """The account whose passkey signed our challenge in this browser, '' for an answer that proves nothing."""
    from webauthn import verify_authentication_response

    given = _read(answer)
    if given is None or not _takes(db, keys, _challenge_of(given), use, browser, now):
        return ""
    row = db.one(_BY_CREDENTIAL, {"credential": _bytes(given.get("rawId"))})
    if row is None or _bytes(given["response"].get("userHandle")) not in (b"", row.staff_id.encode()):
        return ""
    try:
        done = verify_authentication_response(
            credential=given,
            expected_challenge=_challenge_of(given),
            expected_rp_id=of.host,
            expected_origin=of.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.uses,
            require_user_verification=use is Use.WHOLE,
        )
    except _faults():
        db.audit("staff.passkey_refused", row.staff_id, actor="anonymous", detail={"passkey": row.id})
        return ""
    counted = {"of": row.id, "before": row.uses, "after": done.new_sign_count, "at": now}
    return str(row.staff_id) if db.execute(_USED, counted).rowcount == 1 else ""


def enter(
    db: Writing,
    keys: Keys,
    of: Party,
    answer: str,
    browser: str,
    *,
    place: str,
    before: str | None,
    now: datetime,
    random: Random,
) -> str | Locked | None:
    """The token of a new session for whoever showed a passkey in place of everything else; None for an answer that
    proves nothing. Failures count for the place alone, for there is no login to count them by."""
    wait = seconds_to_wait(db, keys, FAILED_PLACE, place, now=now)
    if wait:
        return Locked(wait)
    staff_id = shown(db, keys, of, Use.WHOLE, answer, browser, now=now)
    token = enter_account(db, staff_id, "passkey alone", before=before, now=now, random=random) if staff_id else None
    if token is not None:
        forgive(db, keys, FAILED_PLACE, place, now=now)
    return token


# --- reading answers ------------------------------------------------------------------------------------------------


def _faults() -> tuple[type[Exception], ...]:
    """What the library raises for an answer that is not right; of bytes that are none it does not look at first."""
    from webauthn.helpers.exceptions import WebAuthnException

    return WebAuthnException, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError


def _read(answer: str) -> dict[str, Any] | None:
    """An answer as the browser wrote it, with a response in it; None for anything else."""
    if len(answer) > LONGEST_ANSWER:
        return None
    try:
        given = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    fits = isinstance(given, dict) and isinstance(given.get("response"), dict)
    return given if fits else None


def _challenge_of(given: Mapping[str, Any]) -> bytes:
    """The challenge that an answer says it is to, b'' for none."""
    try:
        said = json.loads(_bytes(given["response"].get("clientDataJSON")))
    except (ValueError, RecursionError):
        return b""
    return _bytes(said.get("challenge")) if isinstance(said, dict) else b""


def _bytes(text: object) -> bytes:
    """Base64url as browsers write it; b'' for anything else."""
    from base64 import urlsafe_b64decode

    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)) if isinstance(text, str) else b""
    except ValueError:
        return b""
