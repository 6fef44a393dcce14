"""Who stands at the window: kinds of documents and results, never a copy and never a number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from procedures.joint import Fact, Joint, Key, State, told
from server.counter import identity
from server.counter.documents import DOCUMENTS, enough
from server.counter.identity import Check, Detail, Fault, card_facts, has_number
from server.people.identity import sandbox_identity
from server.people.protection import Person, protect
from server.people.reader import CardFacts, SandboxReader, Unread
from server.store import tables as t
from server.store.keys import Keys
from tests import shipped
from tests.conftest import Clock, Maker, Random, Store

CARD = CardFacts("津軽　太郎", "青森県五所川原市栄町10番地3", date(1989, 5, 14), "male")


class Window:
    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random, make: Maker) -> None:
        self.store, self.keys, self.clock, self.random = store, keys, clock, random
        visit = make(t.visit)
        self.visit, self.staff = str(visit["id"]), str(visit["staff_id"])

    def record(
        self,
        documents: Sequence[str] = ("driving-licence",),
        *,
        person: str = "applicant",
        method: str = "documents",
        result: str = "confirmed",
        **detail: Any,
    ) -> Check | frozenset[Fault]:
        given = (self.visit, self.staff, person, method, documents, result, Detail(**detail))
        more: dict[str, Any] = {"now": self.clock(), "random": self.random}
        return self.store.transact(lambda db: identity.record(db, self.keys, *given, **more))

    def checks(self) -> tuple[Check, ...]:
        return self.store.read(lambda db: identity.checks(db, self.keys, self.visit))


@pytest.fixture
def window(store: Store, keys: Keys, clock: Clock, random: Random, make: Maker) -> Window:
    return Window(store, keys, clock, random, make)


def test_one_document_with_a_photograph_is_enough_or_two_of_which_one_is_public() -> None:
    assert enough(["my-number-card"])
    assert enough(["insurance", "pension"])
    assert enough(["insurance", "bank"])
    assert not enough(["insurance"])
    assert not enough(["bank", "student"])
    assert not enough(["insurance", "insurance"])
    assert not enough([])


def test_what_was_looked_at_is_written_down_and_nothing_else(window: Window) -> None:
    check = window.record(["insurance", "bank"], note="窓口で本人に聞いた")
    assert isinstance(check, Check)
    assert window.checks() == (check,)
    row = window.store.read(lambda db: db.one(select(t.identity_check)))
    assert row is not None
    assert (row.person, row.method, row.documents, row.result) == (
        "applicant",
        "documents",
        "bank insurance",
        "confirmed",
    )
    assert "窓口" not in str(row.sealed_detail)
    line = window.store.read(lambda db: db.one(select(t.audit.c.action, t.audit.c.actor, t.audit.c.detail)))
    assert line is not None
    assert (line.action, line.actor) == ("identity.check", f"staff:{window.staff}")
    assert "窓口" not in line.detail


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"documents": []}, Fault.NO_DOCUMENT),
        ({"documents": ["insurance"]}, Fault.TOO_FEW),
        ({"documents": ["a-letter"]}, Fault.METHOD),
        ({"method": "a-look"}, Fault.METHOD),
        ({"result": "perhaps"}, Fault.RESULT),
        ({"person": ""}, Fault.PERSON),
        ({"note": "個人番号は 1234-5678-9018"}, Fault.NUMBER),
        ({"note": "x" * 201}, Fault.TOO_LONG),
        ({"documents": [], "method": "questions"}, Fault.NO_NOTE),
        ({"proxy": "voluntary", "acts_for": ("spouse",)}, Fault.MANDATE),
        ({"mandate": "letter"}, Fault.MANDATE),
        ({"proxy": "friend", "acts_for": ("spouse",)}, Fault.MANDATE),
        ({"proxy": "voluntary", "mandate": "letter"}, Fault.WHOSE),
        ({"proxy": "household", "acts_for": ("applicant",)}, Fault.WHOSE),
    ],
    ids=str,
)
def test_what_cannot_stand_is_not_written_down(window: Window, given: dict[str, Any], fault: Fault) -> None:
    assert window.record(**given) == frozenset({fault})
    assert window.checks() == ()


@pytest.mark.parametrize(
    "given",
    [
        {"documents": [], "result": "unconfirmed"},
        {"documents": ["insurance"], "result": "unconfirmed"},
        {"documents": [], "method": "questions", "note": "世帯の人の名前"},
        {"person": "agent", "proxy": "voluntary", "mandate": "letter", "acts_for": ("applicant",)},
        {"person": "spouse", "proxy": "household", "acts_for": ("applicant",)},
    ],
    ids=str,
)
def test_what_happens_at_windows_can_be_written_down(window: Window, given: dict[str, Any]) -> None:
    assert isinstance(window.record(**given), Check)


def test_without_the_mandate_an_agent_is_not_confirmed(window: Window) -> None:
    agent: dict[str, Any] = {"person": "agent", "proxy": "voluntary", "acts_for": ("applicant", "spouse")}
    first, second = window.record(mandate="unseen", **agent), window.record(mandate="letter", **agent)
    assert isinstance(first, Check)
    assert isinstance(second, Check)
    assert (first.confirmed, second.confirmed) == (False, True)
    assert second.detail.acts_for == ("applicant", "spouse")


def test_of_two_checks_of_one_person_the_later_counts(window: Window) -> None:
    window.record(["insurance"], result="unconfirmed")
    window.clock.advance(minutes=1)
    later = window.record(["passport"])
    assert identity.standing(window.checks()) == {"applicant": later}


@pytest.mark.parametrize(
    "text",
    [
        "123456789018",
        "1234 5678 9018",
        "１２３４５６７８９０１８",
        "no1234-5678-9018です",
        "1234　5678　9018",
        "12.34.56.78.90.18",
    ],
)
def test_twelve_digits_are_seen_however_they_are_written(text: str) -> None:
    assert has_number(text)


@pytest.mark.parametrize("text", ["", "0173-35-2111", "令和8年11月20日 10時30分", "1234567890123", "本人 80歳"])
def test_other_numbers_may_stand_in_a_note(text: str) -> None:
    assert not has_number(text)


@given(
    st.lists(st.sampled_from(["", " ", "-", "　", "−"]), min_size=11, max_size=11),
    st.text("0123456789", min_size=12, max_size=12),
)
def test_no_number_gets_into_a_note_by_its_spaces(gaps: list[str], digits: str) -> None:
    assert has_number("".join(a + b for a, b in zip(digits, [*gaps, ""], strict=True)))


def test_every_kind_of_document_has_a_class() -> None:
    assert {each.kind for each in DOCUMENTS.values()} == {"A", "B", "C"}
    assert all(name == each.id and each.title for name, each in DOCUMENTS.items())


# --- the card ---------------------------------------------------------------------------------------------------------


def test_a_cards_four_facts_answer_the_questions_they_answer_online() -> None:
    form = shipped.library().declarations["juminhyo-utsushi"].form
    facts = card_facts("applicant", CARD)
    assert facts[Key("applicant", "name/family")] == "津軽"
    assert facts[Key("applicant", "birthdate")] == "1989-05-14"
    turn = Joint({"a": form}).turn(told(State(), facts, "card", "staff:1"), date(2026, 11, 20))
    applicant = turn.answers("a")["applicant"]
    assert (applicant["name"]["given"], applicant["address"]["prefecture"]) == ("太郎", "02")
    assert {fact.source for pointer, fact in turn.trace("a").items() if pointer.startswith("/applicant/name")} == {
        "card"
    }


def test_where_somebody_moves_the_cards_address_is_left_out() -> None:
    facts = card_facts("applicant", CARD, address=False)
    assert {key.path.partition("/")[0] for key in facts} == {"name", "birthdate", "sex"}


def reader(directory: Path) -> SandboxReader:
    return SandboxReader(
        directory, [each for every in sandbox_identity().values() for each in every.residents.values()]
    )


def test_a_reader_gives_the_card_that_lies_on_it(store: Store, tmp_path: Path) -> None:
    one, other = reader(tmp_path / "slips"), reader(tmp_path / "slips")
    assert store.run(one.read("3")) == Unread("empty")
    assert one.lay("3", "taro-jpki")
    card = store.run(other.read("3"))
    assert isinstance(card, CardFacts)
    assert (card.name, card.birthdate, card.sex) == ("津軽　太郎", date(1989, 5, 14), "male")
    assert store.run(one.read("4")) == Unread("empty"), "another window has a reader of its own"
    assert not one.lay("3", "../../etc/passwd")
    assert one.lay("3", "")
    assert store.run(one.read("3")) == Unread("empty")


# --- 支援措置 ---------------------------------------------------------------------------------------------------------


def listed(store: Store, keys: Keys, clock: Clock, name: str, born: date) -> None:
    store.transact(lambda db: protect(db, keys, [Person(name, born)], now=clock()))


def test_whoever_is_on_the_list_is_known_by_their_card(store: Store, keys: Keys, clock: Clock) -> None:
    def known() -> bool:
        return store.read(lambda db: identity.protected(db, keys, CARD))

    assert not known()
    listed(store, keys, clock, "津軽 太郎", CARD.birthdate)
    assert known()


def facts(**said: str) -> dict[Key, Fact]:
    """Facts by who and path: 'm1__name__family'."""
    return {Key(*key.replace("__", "/").split("/", 1)): Fact(value, "pre-entry") for key, value in said.items()}


def test_members_of_an_interview_are_known_by_name_and_birth_date(store: Store, keys: Keys, clock: Clock) -> None:
    listed(store, keys, clock, "津軽 花子", date(1990, 7, 8))

    def protected(said: dict[Key, Fact]) -> frozenset[str]:
        return store.read(lambda db: identity.protected_members(db, keys, said))

    hers = facts(m1__name__family="津軽", m1__name__given="花子", m1__birthdate="1990-07-08")
    his = facts(applicant__name__family="津軽", applicant__name__given="太郎", applicant__birthdate="1990-07-08")
    assert protected(his) == frozenset()
    assert protected(his | hers) == {"m1"}
    assert protected(facts(m1__name__family="津軽", m1__name__given="花子")) == frozenset()
    assert protected(facts(m1__name__family="津軽", m1__name__given="花子", m1__birthdate="?")) == frozenset()


def test_a_form_that_says_another_birth_date_of_its_own_does_not_hide_them(
    store: Store, keys: Keys, clock: Clock
) -> None:
    listed(store, keys, clock, "津軽 花子", date(1990, 7, 8))
    said = facts(m1__name__family="津軽", m1__name__given="花子", m1__birthdate="1999-07-08")
    said[Key("m1", "letter:/person/birthdate")] = Fact("1990-07-08", "pre-entry")
    assert store.read(lambda db: identity.protected_members(db, keys, said)) == {"m1"}
