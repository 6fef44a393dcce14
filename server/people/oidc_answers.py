"""What a provider of OpenID Connect answers, judged: whose signature, whose token, how sure, and the facts in it.

Pure: no I/O and no clock. What does not hold is Trouble.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from procedures.declaration import Assurance
from server.japan import today
from server.people.facts import Facts

ALGORITHMS: Final = frozenset({"ES256", "RS256"})
"""What may sign a token: デジタル認証アプリ signs ES256, RS256 is what OpenID Connect Core demands of every provider.
Never `none`, nor HS256, with which our own public knowledge of a key would be the key."""

SKEW: Final = timedelta(seconds=60)
"""How far the provider's clock and ours may be apart, either way."""
OLDEST: Final = timedelta(minutes=10)
"""How long ago a token may have been made: it is fetched at once, so an older one is from somewhere else."""

MOST_KEYS: Final = 32
LONGEST_SUBJECT: Final = 255
LONGEST_NAME: Final = 200
LONGEST_ADDRESS: Final = 500

_RSA_MODULUS: Final = range(342, 1400)
"""In letters of base64url: from 2048 bits (NIST SP 800-57), to 8192, beyond which checking costs too much."""
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LEVEL = re.compile(r"aal([1-9])", re.IGNORECASE)


class Trouble(Exception):
    """Why nobody is signed in: the reason of a `Refused`. Where it was raised is what the log tells."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Asked:
    """What a token must answer: who made it, for whom, and how sure (`acr_values` as they were sent)."""

    issuer: str
    client_id: str
    acr_values: Sequence[str]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key of the provider. `kid` is '' for one without a name."""

    kid: str
    algorithm: str
    key: ECKey | RSAKey


# --- signatures --------------------------------------------------------------------------------------------------


def signing_keys(document: Mapping[str, Any]) -> tuple[SigningKey, ...]:
    """The keys of a JWK Set that may sign. One that is of no use to us, or broken, is passed over (RFC 7517, 5)."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise Trouble("unavailable")
    found = (_signing_key(each) for each in listed[:MOST_KEYS] if isinstance(each, dict))
    return tuple(each for each in found if each is not None)


def _signing_key(said: Mapping[str, Any]) -> SigningKey | None:
    algorithm = {"EC": "ES256", "RSA": "RS256"}.get(str(said.get("kty")), "")
    if said.get("use", "sig") != "sig" or said.get("alg", algorithm) != algorithm:
        return None
    kid = said.get("kid", "")
    try:
        key = _public(said, algorithm)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return SigningKey(kid, algorithm, key) if key is not None and isinstance(kid, str) else None


def _public(said: Mapping[str, Any], algorithm: str) -> ECKey | RSAKey | None:
    """Only the public members: whatever else a set holds is not ours to read."""
    if algorithm == "ES256" and said.get("crv") == "P-256":
        return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": said["x"], "y": said["y"]})
    if algorithm == "RS256" and len(said["n"]) in _RSA_MODULUS:
        return RSAKey.import_key({"kty": "RSA", "n": said["n"], "e": said["e"]})
    return None


def opened(token: str, keys: Iterable[SigningKey], algorithms: frozenset[str]) -> dict[str, Any] | None:
    """The claims of a token that one of `keys` signed; None where the key it names is not among them.

    A token that names no key is taken only where one key alone can be meant (Core 10.1). The algorithm must be one of
    `algorithms` and is the key's, whatever else the header says. Trouble('invalid') for everything else.
    """
    try:
        header = jws.extract_compact(token.encode()).headers()
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in algorithms:
            raise Trouble("invalid")
        fit = [each for each in keys if each.algorithm == algorithm and kid in (None, each.kid)]
        if len(fit) != 1:
            return None
        return dict(jwt.decode(token, fit[0].key, algorithms=[fit[0].algorithm]).claims)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Trouble("invalid") from error


# --- the ID token ------------------------------------------------------------------------------------------------


def proven(claims: Mapping[str, Any], asked: Asked, *, nonce: str, now: datetime) -> str:
    """The `sub` of an ID token that was made for us, for this sign-in, just now, and is sure enough (Core 3.1.3.7)."""
    if claims.get("iss") != asked.issuer:
        raise Trouble("invalid")
    _check_audience(claims, asked.client_id)
    _check_times(claims, now)
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(errors="replace"), nonce.encode()):
        raise Trouble("invalid")  # another sign-in's token, put into this one
    if not sure_enough(claims.get("acr"), asked.acr_values):
        raise Trouble("invalid")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise Trouble("invalid")
    if not (subject.isascii() and subject.isprintable()):
        raise Trouble("invalid")
    return subject


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    # One that names others too could have been made for them, unless it says that it was made for us.
    party = claims.get("azp", client_id if len(listed) == 1 else None)
    if client_id not in listed or party != client_id:
        raise Trouble("invalid")


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    moment, skew = now.timestamp(), SKEW.total_seconds()
    made, over = _number(claims.get("iat")), _number(claims.get("exp"))
    # so written that a NaN, of which every comparison is false, is refused
    if not (moment - OLDEST.total_seconds() - skew <= made <= moment + skew and moment - skew < over):
        raise Trouble("invalid")
    if not _number(claims.get("nbf", made)) <= moment + skew:
        raise Trouble("invalid")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Trouble("invalid")
    try:
        return float(value)
    except OverflowError as error:
        raise Trouble("invalid") from error


def sure_enough(acr: object, wanted: Sequence[str]) -> bool:
    """Whether the `acr` of a token is at least as sure as what was asked.

    `acr_values` are alternatives, the dearest first (Core 3.1.2.1), but a provider need not keep to them: so the
    answer is compared. デジタル認証アプリ is asked `aal3 crl`: an authenticator assurance level (NIST SP 800-63B: 3 is
    a key in hardware, with a PIN), and beside it how the card's revocation is looked up, which is no level. So where
    levels are asked, the answer must name one that is as high as the lowest of them; other words say nothing about
    sureness. Where no level is asked, the answer must be one of the words.
    """
    words = acr.split() if isinstance(acr, str) else []
    levels = _levels(wanted)
    if levels:
        return max(_levels(words), default=0) >= min(levels)
    return not wanted or any(word in wanted for word in words)


def _levels(words: Iterable[str]) -> list[int]:
    return [int(match[1]) for match in map(_LEVEL.fullmatch, words) if match]


# --- the person --------------------------------------------------------------------------------------------------


def facts_of(said: Mapping[str, Any], asked: Asked, subject: str, now: datetime) -> Facts:
    """Userinfo as Facts: names and addresses as the card has them, what is not said stays empty.

    A `sub` is one person at its issuer only: with the issuer beside it, a change of provider makes nobody another.
    """
    gender = said.get("gender")
    return Facts(
        provider="oidc",
        subject=f"{asked.issuer} {subject}",
        level=Assurance.OIDC_BASIC,
        name=_line(said.get("name"), LONGEST_NAME),
        birthdate=_birthdate(said.get("birthdate"), now),
        sex=gender if gender in ("male", "female") else "",
        address=_address(said.get("address")),
    )


def _address(said: object) -> str:
    """Text, or the standard's object, whose lines are set in a row (Core 5.1.1)."""
    text = said.get("formatted") if isinstance(said, dict) else said
    rows = "\u3000".join(re.split("[\r\n]+", text.strip("\r\n"))) if isinstance(text, str) else None
    return _line(rows, LONGEST_ADDRESS)


def _birthdate(said: object, now: datetime) -> date | None:
    """A whole date that can be somebody's; the standard allows '0000-…' and a year alone, which say too little."""
    if not isinstance(said, str) or not _DAY.fullmatch(said):
        return None
    try:
        born = date.fromisoformat(said)
    except ValueError:
        return None
    return born if born <= today(now) else None


def _line(said: object, most: int) -> str:
    """Text of the provider's, untouched. Characters that steer a terminal, a sheet or the reading order are refused:
    a card has none, so whoever sends them means harm."""
    if not isinstance(said, str) or not said.strip():
        return ""
    if len(said) > most or any(unicodedata.category(char) in ("Cc", "Cs") or char in _BIDI for char in said):
        raise Trouble("invalid")
    return said
