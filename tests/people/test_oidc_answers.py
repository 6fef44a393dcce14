"""What a provider answers, judged without one: how sure it is, who it means, and junk in place of anything."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from server.people.facts import Facts
from server.people.oidc_answers import (
    ALGORITHMS,
    Asked,
    SigningKey,
    Trouble,
    facts_of,
    opened,
    proven,
    signing_keys,
    sure_enough,
)
from tests.people.provider import encoded, public_jwk, signed

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
ASKED = Asked("https://idp.example", "city", ("aal3", "crl"))
KEY = ec.generate_private_key(ec.SECP256R1())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def keys(*said: dict[str, Any]) -> tuple[SigningKey, ...]:
    return signing_keys({"keys": list(said)})


# --- how sure -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answered", "enough"),
    [
        ("aal3 crl", "aal3", True),
        ("aal3 crl", "aal3 crl", True),
        ("aal3 crl", "AAL3 ocsp", True),
        ("aal3 crl", "aal4", True),
        ("aal3 crl", "aal2", False),
        ("aal3 crl", "aal2 crl", False),
        ("aal3 crl", "crl", False),
        ("aal3 crl", "aal33", False),
        ("aal3 crl", "xaal3", False),
        ("aal3 crl", "", False),
        ("aal3 crl", None, False),
        ("aal3 crl", ["aal3"], False),
        ("aal3 aal2", "aal2", True),
        ("aal3 aal2", "aal1", False),
        ("urn:x:gold urn:x:silver", "urn:x:silver", True),
        ("urn:x:gold urn:x:silver", "urn:x:bronze", False),
        ("urn:x:gold", "aal3", False),
    ],
)
def test_an_answer_is_taken_when_it_is_as_sure_as_what_was_asked(asked: str, answered: object, enough: bool) -> None:
    assert sure_enough(answered, asked.split()) is enough


# --- keys and tokens ----------------------------------------------------------------------------------------------


def rsa_jwk(bits: int) -> dict[str, Any]:
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    n, e = (encoded(value.to_bytes((value.bit_length() + 7) // 8)) for value in (numbers.n, numbers.e))
    return {"kty": "RSA", "kid": "rsa", "n": n, "e": e}


def test_only_keys_that_may_sign_are_kept() -> None:
    good = public_jwk(KEY, "good")
    point = {"x": encoded(b"\1" * 32), "y": encoded(b"\2" * 32)}  # not on the curve
    useless = [
        good | {"use": "enc"},
        good | {"alg": "ES384"},
        good | {"crv": "P-384"},
        good | point,
        good | {"x": 3},
        good | {"kid": ["x"]},
        {"kty": "EC"},
        {"kty": "oct", "k": encoded(b"secret"), "kid": "oct"},
        {"kty": ["EC"]},
        {"kty": "RSA", "n": 3, "e": "AQAB"},
        rsa_jwk(1024),
        {},
        "text",
        None,
    ]
    assert keys(*useless) == ()  # type: ignore[arg-type]  # that is what is tried
    found = keys(*useless, good, rsa_jwk(2048))  # type: ignore[arg-type]
    assert [(each.kid, each.algorithm) for each in found] == [("good", "ES256"), ("rsa", "RS256")]


def test_a_private_key_among_the_public_ones_is_not_taken_in() -> None:
    (key,) = keys(public_jwk(KEY, "good") | {"d": encoded(b"\3" * 32)})
    assert not key.key.is_private


@pytest.mark.parametrize("keys_said", [None, {}, "keys", 3])
def test_a_set_that_is_no_list_is_trouble(keys_said: object) -> None:
    with pytest.raises(Trouble):
        signing_keys({"keys": keys_said})


def test_a_token_without_a_keys_name_is_read_only_where_one_key_can_be_meant() -> None:
    token = signed(KEY, {"alg": "ES256"}, {"sub": "x"})
    other = public_jwk(ec.generate_private_key(ec.SECP256R1()), "other")
    assert opened(token, keys(public_jwk(KEY, "good")), ALGORITHMS) == {"sub": "x"}
    assert opened(token, keys(public_jwk(KEY, "good"), rsa_jwk(2048)), ALGORITHMS) == {"sub": "x"}
    assert opened(token, keys(public_jwk(KEY, "good"), other), ALGORITHMS) is None


def test_an_algorithm_the_provider_does_not_announce_is_none_of_its_own() -> None:
    token = signed(KEY, {"alg": "ES256", "kid": "good"}, {"sub": "x"})
    with pytest.raises(Trouble):
        opened(token, keys(public_jwk(KEY, "good")), frozenset({"RS256"}))


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES384", "es256", "", None, ["ES256"], 3])
def test_a_header_chooses_no_algorithm(alg: object) -> None:
    token = signed(KEY, {"alg": alg, "kid": "good"}, {"sub": "x"})
    with pytest.raises(Trouble):
        opened(token, keys(public_jwk(KEY, "good")), ALGORITHMS)


@pytest.mark.parametrize("header", [{"crit": ["exp"], "exp": 1}, {"b64": False, "crit": ["b64"]}, {"kid": {}}])
def test_a_header_that_demands_something_else_is_refused(header: dict[str, Any]) -> None:
    token = signed(KEY, {"alg": "ES256", "kid": "good"} | header, {"sub": "x"})
    with suppress(Trouble):
        assert opened(token, keys(public_jwk(KEY, "good")), ALGORITHMS) is None


@given(st.text() | st.builds(lambda *parts: ".".join(parts), *[st.text()] * 3))
def test_any_junk_in_place_of_a_token_is_refused_and_never_a_crash(token: str) -> None:
    with suppress(Trouble):
        assert opened(token, keys(public_jwk(KEY, "good")), ALGORITHMS) is None


@given(JSON, JSON)
def test_any_signed_header_and_claims_are_read_or_refused(header: Any, claims: Any) -> None:
    token = signed(KEY, {"alg": "ES256", "kid": "good", "x": header}, claims)
    with suppress(Trouble):
        assert opened(token, keys(public_jwk(KEY, "good")), ALGORITHMS) in (claims, None) or claims != claims


FINE = {
    "iss": ASKED.issuer,
    "aud": ASKED.client_id,
    "iat": NOW.timestamp(),
    "exp": NOW.timestamp() + 60,
    "nonce": "n",
    "acr": "aal3",
    "sub": "x",
}


def test_clocks_may_be_a_minute_apart_either_way() -> None:
    now = NOW.timestamp()
    for change in ({"exp": now - 59}, {"iat": now + 60, "exp": now + 90}, {"nbf": now + 60}, {"iat": now - 11 * 60}):
        assert proven(FINE | change, ASKED, nonce="n", now=NOW) == "x"


def test_a_token_for_us_may_name_us_in_a_list() -> None:
    for change in ({"aud": ["city"]}, {"aud": ["city", "other"], "azp": "city"}, {"azp": "city"}):
        assert proven(FINE | change, ASKED, nonce="n", now=NOW) == "x"


@given(st.sampled_from(sorted(FINE)), JSON)
def test_any_junk_in_place_of_a_claim_is_refused_and_never_a_crash(name: str, junk: Any) -> None:
    try:
        found = proven(FINE | {name: junk}, ASKED, nonce="n", now=NOW)
    except Trouble:
        return
    assert name in ("sub", "acr", "exp", "iat", "nonce", "aud", "iss")
    assert found == (junk if name == "sub" else "x")


# --- the person ---------------------------------------------------------------------------------------------------


def person(**said: Any) -> Facts:
    return facts_of(said, ASKED, "x", NOW)


def test_names_and_addresses_stay_as_the_card_has_them() -> None:
    for text in ("神田　髙﨑", "葛\U000e0100城　𠮷野", "NGUYEN VAN ANH", "\ufa19", "ＡＢＣ　①", "\ue000外字"):
        assert (person(name=text).name, person(address=text).address) == (text, text)


def test_an_address_is_text_or_the_standards_object() -> None:
    assert (
        person(address={"formatted": "五所川原市栄町10\nサンハイツ201\r\n"}).address
        == "五所川原市栄町10　サンハイツ201"
    )
    assert person(address={"locality": "五所川原市"}).address == ""
    nothing: tuple[object, ...] = (None, 3, [], {"formatted": 3}, "", "  ")
    for junk in nothing:
        assert person(address=junk).address == ""


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("1995-09-02", date(1995, 9, 2)),
        ("2026-11-20", date(2026, 11, 20)),
        ("2026-11-21", None),
        ("1995", None),
        ("0000-09-02", None),
        ("19950902", None),
        ("1995-W35-6", None),
        ("1995-02-30", None),
        ("１９９５-０９-０２", None),
        ("1995-09-02\n", None),
        ("", None),
        (None, None),
        (19950902, None),
    ],
)
def test_a_birth_date_that_says_too_little_is_not_taken(said: object, meant: date | None) -> None:
    assert person(birthdate=said).birthdate == meant


@pytest.mark.parametrize(
    ("said", "meant"), [("male", "male"), ("female", "female"), ("other", ""), (None, ""), (1, ""), (["male"], "")]
)
def test_the_sex_is_what_the_card_says_or_nothing(said: object, meant: str) -> None:
    assert person(gender=said).sex == meant


def test_one_name_at_two_issuers_is_two_people() -> None:
    other = facts_of({}, Asked("https://other.example", "city", ()), "x", NOW)
    assert person().subject != other.subject


@given(st.dictionaries(st.sampled_from(["name", "address", "birthdate", "gender", "email"]), JSON))
def test_any_junk_in_place_of_facts_is_kept_whole_or_refused(said: dict[str, Any]) -> None:
    with suppress(Trouble):
        found = facts_of(said, ASKED, "x", NOW)
        assert Facts.from_json(found.to_json()) == found
        assert found.email == ""
