"""Passkeys of the staff, with a device of the tests' own: what it signs here and now signs in, and nothing else."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from server.people import passkeys, staff_sessions
from server.people.passkeys import Party, Unfit, Use
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Random, Store
from tests.people.authenticator import Device, decoded, encoded
from tests.people.officers import hire
from tests.people.test_staff import Hall

CITY = Party("city.example", "https://city.example")


class Desk(Hall):
    """A hall whose people have passkeys. `here` names the browser they sit at."""

    def somebody(self, login: str = "tanaka") -> Staff:
        run: Any = lambda work: self.store.run(work())  # noqa: E731
        officer = hire(run, self.store.database, self.keys, self.clock, self.random, login, "clerk:市民課")
        token = self.enter(login, officer.code())
        assert token is not None
        who = self.who(token)
        assert who is not None
        return who

    def asked(self, who: Staff) -> str:
        return self.store.read(lambda db: passkeys.to_register(db, self.keys, CITY, who, "見本市", **self.given))

    def registers(self, who: Staff, answer: str, label: str = "机の鍵") -> Unfit | None:
        return self.store.transact(lambda db: passkeys.register(db, self.keys, CITY, who, label, answer, **self.given))

    def has(self, who: Staff, **device: Any) -> Device:
        made = Device(**device)
        assert self.registers(who, made.make(self.asked(who))) is None
        return made

    def challenge(self, use: Use = Use.WHOLE, browser: str = "here") -> str:
        return passkeys.to_show(self.keys, CITY, use, browser, **self.given)

    def shown(self, answer: str, use: Use = Use.WHOLE, browser: str = "here") -> str:
        return self.store.transact(
            lambda db: passkeys.shown(db, self.keys, CITY, use, answer, browser, now=self.clock())
        )

    def of(self, who: Staff) -> list[str]:
        return [each.label for each in self.store.read(lambda db: passkeys.of_staff(db, self.keys, who.id))]


@pytest.fixture
def desk(store: Store, keys: Keys, clock: Clock, random: Random) -> Desk:
    return Desk(store, keys, clock, random)


# --- registering ----------------------------------------------------------------------------------------------------


def test_a_passkey_is_kept_under_the_name_its_owner_gave_and_can_be_removed_by_them_alone(desk: Desk) -> None:
    who, other = desk.somebody(), desk.somebody("suzuki")
    desk.has(who)
    assert desk.of(who) == ["机の鍵"] and desk.of(other) == []
    (kept,) = desk.store.read(lambda db: passkeys.of_staff(db, desk.keys, who.id))
    assert not desk.store.transact(lambda db: passkeys.remove(db, kept.id, other))
    assert desk.store.transact(lambda db: passkeys.remove(db, kept.id, who))
    assert not desk.store.transact(lambda db: passkeys.remove(db, kept.id, who))
    assert [desk.lines(f"staff.passkey_{done}")[0].target for done in ("add", "remove")] == [who.id, who.id]


def test_the_device_is_told_who_it_is_for_and_which_it_has(desk: Desk) -> None:
    who = desk.somebody()
    device = desk.has(who)
    asked = json.loads(desk.asked(who))
    assert asked["rp"] == {"id": "city.example", "name": "Kakanai 見本市"}
    assert decoded(asked["user"]["id"]).decode() == who.id and asked["user"]["name"] == "tanaka"
    assert [decoded(each["id"]) for each in asked["excludeCredentials"]] == [device.name]
    assert asked["authenticatorSelection"]["residentKey"] == "required"


@pytest.mark.parametrize("label", ["", "   ", "あ" * 41, "a\u0007b"])
def test_a_passkey_has_a_name_by_which_it_is_known_again(label: str, desk: Desk) -> None:
    who = desk.somebody()
    assert desk.registers(who, Device().make(desk.asked(who)), label) is Unfit.LABEL


def test_a_device_that_stands_at_another_site_registers_nothing(desk: Desk) -> None:
    who = desk.somebody()
    for device in (Device(origin="https://city.example.evil"), Device(host="evil.example")):
        assert desk.registers(who, device.make(desk.asked(who))) is Unfit.ANSWER
    assert desk.registers(who, Device().make(desk.asked(who), type="webauthn.get")) is Unfit.ANSWER
    assert desk.of(who) == []


def test_what_was_asked_in_one_session_is_not_answered_in_another_nor_twice_nor_late(desk: Desk) -> None:
    who, other = desk.somebody(), desk.somebody("suzuki")
    assert desk.registers(other, Device().make(desk.asked(who))) is Unfit.ANSWER
    elsewhere = replace(who, session_id="another")
    assert desk.registers(elsewhere, Device().make(desk.asked(who))) is Unfit.ANSWER
    asked = desk.asked(who)
    assert desk.registers(who, Device().make(asked)) is None
    assert desk.registers(who, Device(name=b"another").make(asked)) is Unfit.ANSWER
    late = desk.asked(who)
    desk.clock.now += passkeys.GOOD_FOR
    assert desk.registers(who, Device(name=b"another").make(late)) is Unfit.ANSWER
    assert desk.of(who) == ["机の鍵"]


def test_a_challenge_to_sign_in_registers_nothing(desk: Desk) -> None:
    who = desk.somebody()
    mixed = json.loads(desk.asked(who)) | {"challenge": json.loads(desk.challenge(browser=who.session_id))["challenge"]}
    assert desk.registers(who, Device().make(json.dumps(mixed))) is Unfit.ANSWER


def test_a_passkey_of_a_colleague_is_not_registered_again(desk: Desk) -> None:
    who, other = desk.somebody(), desk.somebody("suzuki")
    device = desk.has(who)
    assert desk.registers(other, device.make(desk.asked(other))) is Unfit.TAKEN
    assert desk.shown(device.show(desk.challenge())) == "", "and it says it is of another now"


def test_nobody_has_more_passkeys_than_can_be_looked_through(desk: Desk) -> None:
    who = desk.somebody()
    for number in range(passkeys.MOST):
        desk.has(who, name=f"passkey {number}".encode())
    assert desk.registers(who, Device(name=b"one more").make(desk.asked(who))) is Unfit.MOST


# --- signing in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", [Use.WHOLE, Use.FACTOR])
@pytest.mark.parametrize("counts", [True, False])
def test_a_passkey_says_whose_it_is_again_and_again(use: Use, counts: bool, desk: Desk) -> None:
    who = desk.somebody()
    device = desk.has(who, counts=counts)
    for _ in range(3):
        assert desk.shown(device.show(desk.challenge(use)), use) == who.id


def test_a_device_that_did_not_ask_who_holds_it_stands_in_for_the_code_and_never_for_the_password(desk: Desk) -> None:
    who = desk.somebody()
    device = desk.has(who, verifies=False)
    assert desk.shown(device.show(desk.challenge())) == ""
    assert desk.shown(device.show(desk.challenge(Use.FACTOR)), Use.FACTOR) == who.id


def test_a_challenge_for_one_use_is_not_taken_for_the_other(desk: Desk) -> None:
    who = desk.somebody()
    device = desk.has(who)
    assert desk.shown(device.show(desk.challenge(Use.FACTOR)), Use.WHOLE) == ""
    assert desk.shown(device.show(desk.challenge(Use.WHOLE)), Use.FACTOR) == ""


def test_an_answer_counts_once_in_its_browser_and_for_five_minutes(desk: Desk) -> None:
    who = desk.somebody()
    device = desk.has(who, counts=False)
    answer = device.show(desk.challenge())
    assert desk.shown(answer, browser="elsewhere") == ""
    assert desk.shown(answer) == who.id
    assert desk.shown(answer) == "", "replayed"
    late = device.show(desk.challenge())
    desk.clock.now += passkeys.GOOD_FOR
    assert desk.shown(late) == ""


def test_of_many_who_bring_one_answer_at_once_one_gets_in(desk: Desk) -> None:
    who = desk.somebody()
    answer = desk.has(who, counts=False).show(desk.challenge())

    def shows(db: Any) -> str:
        return passkeys.shown(db, desk.keys, CITY, Use.WHOLE, answer, "here", now=desk.clock())

    async def at_once() -> list[str]:
        return list(await asyncio.gather(*(desk.store.database.transact(shows) for _ in range(6))))

    assert sorted(desk.store.run(at_once())) == [""] * 5 + [who.id]


def test_a_challenge_that_is_not_ours_proves_nothing(desk: Desk) -> None:
    device = desk.has(desk.somebody())
    ours = decoded(json.loads(desk.challenge())["challenge"])
    for made in (b"", b"x", bytes(56), ours[:-1], ours + b"x", ours[:20] + b"\xff" * 4 + ours[24:]):
        assert desk.shown(device.show(json.dumps({"challenge": encoded(made)}))) == ""


def test_what_was_signed_at_another_site_signs_nobody_in_here(desk: Desk) -> None:
    who = desk.somebody()
    device = desk.has(who)
    device.origin = "https://city.example.evil"
    assert desk.shown(device.show(desk.challenge())) == ""
    device.origin, device.host = "https://city.example", "evil.example"
    assert desk.shown(device.show(desk.challenge())) == ""
    device.host = "city.example"
    assert desk.shown(device.show(desk.challenge(), type="webauthn.create")) == ""
    assert desk.shown(device.show(desk.challenge())) == who.id, "and at home it does"
    assert len(desk.lines("staff.passkey_refused")) == 3


def test_the_passkey_of_one_never_signs_another_in(desk: Desk) -> None:
    who, other = desk.somebody(), desk.somebody("suzuki")
    device = desk.has(who)
    theirs = desk.has(other, name=b"another name")
    device.owner = theirs.owner
    assert desk.shown(device.show(desk.challenge())) == "", "it says it is of another"
    forged = Device(name=theirs.name, owner=theirs.owner)
    assert desk.shown(forged.show(desk.challenge())) == "", "it has the name and not the key"


def test_a_copy_of_a_device_that_counts_is_found_out(desk: Desk) -> None:
    who = desk.somebody()
    device = desk.has(who)
    copy = replace(device)
    assert desk.shown(device.show(desk.challenge())) == who.id
    assert desk.shown(copy.show(desk.challenge())) == "", "it was at one already"
    assert len(desk.lines("staff.passkey_refused")) == 1


def test_a_passkey_that_was_removed_proves_nothing(desk: Desk) -> None:
    who = desk.somebody()
    device = desk.has(who)
    (kept,) = desk.store.read(lambda db: passkeys.of_staff(db, desk.keys, who.id))
    desk.store.transact(lambda db: passkeys.remove(db, kept.id, who))
    assert desk.shown(device.show(desk.challenge())) == ""


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def test_whatever_is_brought_is_answered_and_never_a_crash(desk: Desk) -> None:
    who = desk.somebody()
    device = desk.has(who, counts=False)

    @given(
        st.sampled_from(("", "id", "rawId", "type", "authenticatorAttachment", "clientExtensionResults")),
        JUNK,
        st.binary(max_size=200),
    )
    def brought(member: str, junk: Any, raw: bytes) -> None:
        answer = json.loads(device.show(desk.challenge()))
        for inner in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
            broken = answer | {"response": answer["response"] | {inner: encoded(raw)}}
            assert desk.shown(json.dumps(broken)) in ("", who.id)
        made = json.loads(Device(name=b"x").make(desk.asked(who)))
        made["response"]["attestationObject"] = encoded(raw)
        assert desk.registers(who, json.dumps(made)) is Unfit.ANSWER
        desk.shown(json.dumps(answer | {member: junk}))
        desk.shown(json.dumps(junk))
        desk.shown(json.dumps({"response": junk}))
        desk.shown(raw.decode("latin-1"))

    brought()
    assert desk.shown("[" * 5000) == "" and desk.shown(" " * (passkeys.LONGEST_ANSWER + 1)) == ""
    assert desk.of(who) == ["机の鍵"]


def test_a_reset_takes_passkeys_away_and_a_label_is_sealed(desk: Desk) -> None:
    who = desk.somebody()
    device = desk.has(who)
    rows = desk.store.read(lambda db: [tuple(row) for row in db.all(select(t.staff_passkey))])
    assert "机の鍵" not in repr(rows) and rows
    from server.people import staff

    desk.store.transact(lambda db: staff.reset(db, desk.keys, "tanaka", actor="operator", **desk.given))
    assert desk.shown(device.show(desk.challenge())) == ""
    assert desk.store.read(lambda db: staff_sessions.of_staff(db, who.id, now=desk.clock())) == ()


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://[::1]:8000"])
def test_for_an_ip_address_there_are_no_passkeys(address: str) -> None:
    assert passkeys.party(address) is None


def test_passkeys_are_of_the_host_and_shown_at_the_origin() -> None:
    assert passkeys.party("https://city.example:8443") == Party("city.example", "https://city.example:8443")
