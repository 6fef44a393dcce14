"""What is sealed opens only where it belongs, and for whom it was meant."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from nacl.public import PrivateKey

from server.settings import Settings
from server.store.keys import Keys, NoKey, Unsealable, master_of, open_keys
from tests.conftest import sandbox

PAIR = PrivateKey.generate()
OLD, NEW = bytes(32), bytes(range(32))


def keys(masters: dict[str, bytes], *, secret: str = "s" * 32, index: str = "i" * 32, reads: bool = False) -> Keys:
    private = bytes(PAIR) if reads else None
    public = bytes(PAIR.public_key)
    return Keys(masters, secret_key=secret, index_key=index, my_number_public=public, my_number_private=private)


KEYS = keys({"old": OLD})


@given(st.binary(max_size=200), st.text(max_size=20))
@hypothesis_settings(max_examples=50, deadline=None)
def test_what_is_sealed_opens_as_it_was(plain: bytes, context: str) -> None:
    key, wrapped = KEYS.new_data_key("row")
    assert KEYS.open_data_key(wrapped, "row").open(key.seal(plain, context), context) == plain


def test_the_same_words_are_never_sealed_alike() -> None:
    key, wrapped = KEYS.new_data_key("row")
    assert key.seal(b"words", "x") != key.seal(b"words", "x")
    assert wrapped != KEYS.new_data_key("row")[1]


def test_a_flipped_byte_is_noticed_wherever_it_is() -> None:
    key, wrapped = KEYS.new_data_key("row")
    sealed = key.seal(b"words", "draft.sealed_answers")
    for place in range(len(sealed)):
        with pytest.raises(Unsealable):
            key.open(flipped(sealed, place), "draft.sealed_answers")
    for place in range(len(wrapped)):
        with pytest.raises(Unsealable):
            KEYS.open_data_key(flipped(wrapped, place), "row")


def flipped(sealed: bytes, place: int) -> bytes:
    return sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]


def test_what_is_cut_off_is_noticed() -> None:
    key, wrapped = KEYS.new_data_key("row")
    for length in (0, 1, 5, 12, 20):
        with pytest.raises(Unsealable):
            key.open(key.seal(b"words", "x")[:length], "x")
        with pytest.raises(Unsealable):
            KEYS.open_data_key(wrapped[:length], "row")


def test_one_persons_row_cannot_be_put_in_anothers_place() -> None:
    key, wrapped = KEYS.new_data_key("hers")
    with pytest.raises(Unsealable):
        KEYS.open_data_key(wrapped, "his")
    with pytest.raises(Unsealable):
        key.open(key.seal(b"words", "draft.sealed_answers"), "application.sealed_answers")


def test_a_rewrapped_key_opens_what_it_sealed_after_the_old_master_is_gone() -> None:
    key, wrapped = KEYS.new_data_key("row")
    sealed = key.seal(b"words", "x")
    both = keys({"new": NEW, "old": OLD})
    fresh = both.rewrap(wrapped, "row")
    assert fresh is not None
    assert (master_of(wrapped), master_of(fresh)) == ("old", "new")
    assert both.rewrap(fresh, "row") is None
    assert keys({"new": NEW}).open_data_key(fresh, "row").open(sealed, "x") == b"words"
    with pytest.raises(Unsealable, match="master key 'old', which the settings do not have"):
        keys({"new": NEW}).open_data_key(wrapped, "row")


def test_a_person_is_found_by_kind_and_text_and_key() -> None:
    digest = KEYS.index_digest("name", "五所川原 太郎")
    assert digest == keys({"new": NEW}, secret="t" * 32).index_digest("name", "五所川原 太郎")
    assert len({digest, KEYS.index_digest("kana", "五所川原 太郎"), KEYS.index_digest("name", "五所川原 次郎")}) == 3
    assert digest != keys({"old": OLD}, index="j" * 32).index_digest("name", "五所川原 太郎")


def test_an_access_code_is_the_same_for_the_same_application() -> None:
    code = KEYS.access_code("an application")
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", code)
    assert code == keys({"new": NEW}, secret="t" * 32).access_code("an application")
    assert len({KEYS.access_code(str(number)) for number in range(1000)}) == 1000


def test_an_access_code_may_be_typed_as_people_do() -> None:
    code = KEYS.access_code("an application")
    for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} "):
        assert KEYS.is_access_code(typed, "an application")
    assert KEYS.is_access_code(code.replace("0", "o").replace("1", "l"), "an application")
    for wrong in ("", code[:-1], code + "0", KEYS.access_code("another"), "会" * 12):
        assert not KEYS.is_access_code(wrong, "an application")


def test_subkeys_are_of_the_secret_key_and_their_purpose() -> None:
    made = {KEYS.subkey("links"), KEYS.subkey("other"), keys({"old": OLD}, secret="t" * 32).subkey("links")}
    assert len(made) == 3
    assert KEYS.subkey("links") == keys({"new": NEW}, index="j" * 32).subkey("links")


def test_a_my_number_is_read_only_with_the_private_key() -> None:
    sealed = KEYS.seal_my_number("123456789018")
    assert b"123456789018" not in sealed
    assert not KEYS.reads_my_number
    with pytest.raises(NoKey, match="private key"):
        KEYS.open_my_number(sealed)
    assert keys({"old": OLD}, reads=True).open_my_number(sealed) == "123456789018"
    with pytest.raises(Unsealable):
        keys({"old": OLD}, reads=True).open_my_number(flipped(sealed, 40))


def test_without_a_public_key_no_my_number_is_taken() -> None:
    none = Keys({"old": OLD}, secret_key="s", index_key="i", my_number_public=None)
    assert not none.takes_my_number
    with pytest.raises(NoKey, match="public key"):
        none.seal_my_number("123456789018")


# -- the sandbox's own keys


def test_a_sandbox_makes_its_keys_once_and_keeps_them_to_itself(settings: Settings) -> None:
    first = open_keys(settings)
    path = settings.data_dir / "sandbox-keys.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in settings.data_dir.glob("sandbox-keys*")] == ["sandbox-keys.json"]
    second = open_keys(settings)
    assert second.access_code("x") == first.access_code("x")
    assert second.subkey("x") == first.subkey("x")
    second.open_data_key(first.new_data_key("row")[1], "row")
    assert second.open_my_number(first.seal_my_number("123456789018")) == "123456789018"


def test_a_sandbox_takes_the_keys_it_is_given(settings: Settings, tmp_path: Path) -> None:
    given = sandbox(
        tmp_path,
        settings.database_url,
        KAKANAI_ENCRYPTION_KEYS=f"mine:{base64.b64encode(NEW).decode()}",
        KAKANAI_MY_NUMBER_PUBLIC_KEY=base64.b64encode(bytes(PAIR.public_key)).decode(),
    )
    opened = open_keys(given)
    assert opened.active == "mine"
    assert opened.takes_my_number
    assert not opened.reads_my_number  # its own private key would not fit


def test_production_makes_no_keys(settings: Settings) -> None:
    from server.settings import Mode

    live = replace(settings, mode=Mode.PRODUCTION, encryption_keys={"k": OLD}, secret_key="s" * 32, index_key="i" * 32)
    assert not open_keys(live).takes_my_number
    assert not (settings.data_dir / "sandbox-keys.json").exists()


def test_the_sandboxes_keys_are_new_each_time(settings: Settings, tmp_path: Path) -> None:
    open_keys(settings)
    other = replace(settings, data_dir=tmp_path / "other")
    open_keys(other)
    first, second = (json.loads((place.data_dir / "sandbox-keys.json").read_text()) for place in (settings, other))
    assert all(first[name] != second[name] for name in first)
