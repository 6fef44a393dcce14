"""What a resident said of themselves is kept when they want it, and offered again to nobody else, for nobody else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from forms_schema import Answers, Form
from procedures.declaration import Assurance
from server.applications import earlier
from server.applications.drafts import Content
from server.applications.earlier import Fact, Facts
from server.applications.filling import turn
from server.people import residents
from server.people.facts import Facts as Card
from server.people.residents import Resident
from server.people.sessions import NOBODY, Visitor
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Random, Store
from tests.journeys.filing import declared

DAY = date(2026, 11, 20)
RECORD, ALLOWANCE, DOG = (
    declared(slug).form for slug in ("juminhyo-utsushi", "jido-teate-nintei-seikyu", "inu-toroku")
)
NAME = {"family": "見本", "given": "和子", "family_kana": "ミホン", "given_kana": "カズコ"}
ADDRESS = {"postal_code": "037-0046", "prefecture": "02", "city": "五所川原市", "street": "41-1"}
FLAT = {"postal_code": "100-0001", "prefecture": "13", "city": "千代田区", "street": "1-1", "building": "見本荘201"}
SELF: dict[str, Any] = {"name": NAME, "birthdate": "1958-11-03", "address": ADDRESS, "phone": "090-0000-0456"}
CASES = {
    title: next(case["answers"] for case in declared("jido-teate-nintei-seikyu").cases if case["title"] == title)
    for title in (
        "代理人が、別居の子と大学生の年代の子を含む3人分を請求する",
        "成年後見人が、ゆうちょ銀行の口座で請求する",
    )
}


def kept(form: Form, answers: Answers, clock: Clock | None = None) -> Facts:
    return earlier.facts(form, form.settle(answers, DAY), now=(clock or Clock())())


def values(found: Facts) -> dict[str, dict[str, Any]]:
    return {subject: {path: fact.value for path, fact in inside.items()} for subject, inside in found.items()}


def offered(form: Form, step: int, answers: Answers, known: Facts) -> Mapping[str, str]:
    found = earlier.offer(form, step, form.settle(answers, DAY), known)
    return found.texts if found else {}


def known(subject: str = "applicant", clock: Clock | None = None, **told: Any) -> Facts:
    return {subject: {path: Fact(value, path, (clock or Clock())()) for path, value in told.items()}}


# --- what is kept -------------------------------------------------------------------------------------------------


def test_who_files_for_themselves_keeps_what_a_form_asks_of_any_person() -> None:
    answers = {"acting": "self", "applicant": SELF, "extent": "all", "copies": 2, "purpose": "work"}
    assert values(kept(RECORD, answers)) == {"applicant": SELF}


def test_a_form_that_knows_no_agent_is_filed_for_oneself() -> None:
    assert values(kept(DOG, {"applicant": SELF})) == {"applicant": SELF}


@pytest.mark.parametrize("answers", CASES.values(), ids=CASES.keys())
def test_who_files_for_another_keeps_nothing_of_the_other_nor_of_their_family(answers: Answers) -> None:
    found = values(kept(ALLOWANCE, answers))
    assert found == {"agent": {path: answers["agent"][path] for path in ("name", "birthdate", "address", "phone")}}
    for other in ("applicant", "spouse", "children", "older_children", "account"):
        assert other not in found


def test_how_an_agent_stands_to_this_applicant_is_no_fact_about_the_agent() -> None:
    answers = {"acting": "proxy", "applicant": SELF, "agent": {**SELF, "relation": "友人"}}
    assert "relation" not in values(kept(RECORD, answers))["agent"]


def test_a_number_an_account_and_a_family_are_never_kept() -> None:
    answers = {
        "acting": "self",
        "applicant": {**SELF, "my_number": "123456789018"},
        "married": True,
        "spouse": {"name": NAME, "birthdate": "1990-08-08", "my_number": "234567890121", "living": "together"},
        "children": [{"name": NAME, "birthdate": "2026-10-20"}],
        "public_account": False,
        "account": {"institution": "yucho", "symbol": "18120", "yucho_number": "12345671", "holder_kana": "ミホン"},
    }
    assert values(kept(ALLOWANCE, answers)) == {"applicant": SELF}


def test_before_one_says_for_whom_one_acts_nothing_is_kept() -> None:
    assert kept(RECORD, {"applicant": SELF}) == {}


# --- what is offered ----------------------------------------------------------------------------------------------


def test_blanks_of_the_step_are_offered() -> None:
    found = offered(RECORD, 1, {"acting": "self"}, known(**SELF))
    assert found["/applicant/name/family"] == "見本"
    assert found["/applicant/phone"] == "090-0000-0456"
    assert set(found) >= {"/applicant/birthdate", "/applicant/address/street"}


def test_only_the_step_one_is_on_is_filled() -> None:
    assert offered(RECORD, 0, {"acting": "self"}, known(**SELF)) == {}


def test_what_is_answered_is_not_offered_and_half_an_address_is_left_alone() -> None:
    answers = {"acting": "self", "applicant": {"name": {"family": "津軽"}, "address": {"city": "五所川原市"}}}
    assert set(offered(RECORD, 1, answers, known(**SELF))) == {"/applicant/birthdate", "/applicant/phone"}


@pytest.mark.parametrize("acting", [None, "proxy", "legal-rep"])
def test_ones_own_address_is_not_offered_for_the_person_one_acts_for(acting: str | None) -> None:
    answers = {"acting": acting} if acting else {}
    assert offered(RECORD, 1, answers, known(**SELF)) == {}


def test_what_an_agent_said_of_themselves_is_offered_to_the_agent_alone() -> None:
    told = known("agent", **SELF)
    found = offered(RECORD, 1, {"acting": "proxy"}, told)
    assert found
    assert all(pointer.startswith("/agent/") for pointer in found)
    assert offered(RECORD, 1, {"acting": "self"}, told) == {}


def test_nothing_is_offered_for_a_spouse_or_a_child() -> None:
    told = {**known(**SELF), **known("agent", **SELF), **known("spouse", **SELF), **known("children", **SELF)}
    for step in (2, 4, 5, 6):
        assert offered(ALLOWANCE, step, {"acting": "self", "married": True, "has_older": True}, told) == {}


def test_an_answer_that_is_no_choice_any_more_is_not_offered() -> None:
    told = known(address={**ADDRESS, "prefecture": "99"})
    found = offered(RECORD, 1, {"acting": "self"}, told)
    assert "/applicant/address/prefecture" not in found
    assert found["/applicant/address/city"] == "五所川原市"


# --- the button ---------------------------------------------------------------------------------------------------


def pressed(
    form: Form, before: Content, told: Facts, posted: Mapping[str, list[str]] | None = None, do: str = "earlier"
) -> Content:
    step = 1
    done = turn(form, step, posted or {}, before, do, visitor=NOBODY, lookup=lambda _: (), today=DAY, known=told)
    return done.content


def test_pressing_fills_the_blanks_and_says_where_they_came_from() -> None:
    content = pressed(RECORD, Content({"acting": "self"}), known(**SELF))
    assert content.answers["applicant"] == SELF
    assert set(content.elsewhere.values()) == {"earlier"}
    assert "/applicant/phone" in content.elsewhere


def test_nothing_is_filled_in_without_pressing() -> None:
    content = pressed(RECORD, Content({"acting": "self"}), known(**SELF), do="next")
    assert content.answers == {"acting": "self"}


def test_what_was_just_typed_stays_and_the_rest_is_filled() -> None:
    posted = {"applicant.phone": ["0173-00-9999"]}
    content = pressed(RECORD, Content({"acting": "self"}), known(**SELF), posted)
    assert content.answers["applicant"]["phone"] == "0173-00-9999"
    assert content.answers["applicant"]["name"] == NAME
    assert "/applicant/phone" not in content.elsewhere


def test_an_answer_that_is_changed_counts_as_typed() -> None:
    filled = pressed(RECORD, Content({"acting": "self"}), known(**SELF))
    changed = pressed(RECORD, filled, {}, {"applicant.phone": ["0173-00-9999"]}, do="next")
    assert changed.sources["/applicant/phone"] == "typed"
    assert changed.sources["/applicant/birthdate"] == "earlier"


def test_whoever_turns_out_to_act_for_another_does_not_hand_in_their_own_address() -> None:
    filled = pressed(RECORD, Content({"acting": "self"}), known(**SELF))
    done = turn(RECORD, 0, {"acting": ["proxy"]}, filled, "next", visitor=NOBODY, lookup=lambda _: (), today=DAY)
    assert done.content.answers == {"acting": "proxy"}
    assert done.content.elsewhere == {}


def test_an_agents_own_facts_stay_from_page_to_page() -> None:
    filled = pressed(RECORD, Content({"acting": "proxy"}), known("agent", **SELF))
    after = pressed(RECORD, filled, {}, do="next")
    assert after.answers["agent"] == SELF
    assert after.elsewhere


# --- the store ----------------------------------------------------------------------------------------------------


class Shelf:
    """One resident's earlier answers in a store."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random, **more: Any) -> None:
        self.store, self.keys, self.clock, self.random = store, keys, clock, random
        card = Card("jpki", more.pop("subject", "taro"), Assurance.JPKI_SIGNATURE, name="津軽　太郎", **more)
        self.resident: Resident = store.transact(
            lambda db: residents.upsert(db, keys, card, now=clock(), random=random)
        )

    @property
    def visitor(self) -> Visitor:
        return Visitor("s", self.resident, Assurance.JPKI_SIGNATURE)

    def keep(self, **told: Any) -> None:
        found = known(clock=self.clock, **told)
        self.store.transact(
            lambda db: earlier.keep(db, self.keys, self.resident, found, now=self.clock(), random=self.random)
        )

    def offers(self) -> dict[str, dict[str, Any]]:
        return values(self.store.read(lambda db: earlier.load(db, self.keys, self.visitor, now=self.clock())))

    def rows(self) -> int:
        return int(self.store.read(lambda db: db.scalar(select(func.count()).select_from(t.earlier_answers))))


@pytest.fixture
def shelf(store: Store, keys: Keys, clock: Clock, random: Random) -> Shelf:
    return Shelf(store, keys, clock, random)


def test_the_newest_answer_counts_of_each_fact(shelf: Shelf) -> None:
    shelf.keep(phone="0173-00-0001", birthdate="1958-11-03")
    shelf.clock.advance(days=1)
    shelf.keep(phone="090-0000-0456")
    assert shelf.offers() == {"applicant": {"phone": "090-0000-0456", "birthdate": "1958-11-03"}}
    assert shelf.rows() == 1


def test_a_new_address_takes_nothing_over_from_the_old_one(shelf: Shelf) -> None:
    """The flat's number of the old house would make an address where nobody lives."""
    shelf.keep(address=FLAT)
    shelf.keep(address=ADDRESS)
    assert shelf.offers() == {"applicant": {"address": ADDRESS}}


def test_an_answer_is_offered_a_year_even_when_newer_ones_are_kept_beside_it(shelf: Shelf) -> None:
    shelf.keep(birthdate="1958-11-03")
    shelf.clock.advance(days=200)
    shelf.keep(phone="0173-00-0001")
    shelf.clock.advance(days=165)
    assert shelf.offers() == {"applicant": {"phone": "0173-00-0001"}}
    shelf.clock.advance(days=200)
    assert shelf.offers() == {}


def test_what_is_too_old_is_deleted(shelf: Shelf) -> None:
    shelf.keep(phone="0173-00-0001")
    assert shelf.store.transact(lambda db: earlier.sweep(db, now=shelf.clock())) == 0
    later = shelf.clock.advance(days=365)
    assert shelf.store.transact(lambda db: earlier.sweep(db, now=later)) == 1
    assert shelf.rows() == 0


def test_deleting_leaves_no_row_and_says_so_once(shelf: Shelf) -> None:
    shelf.keep(phone="0173-00-0001")
    resident = shelf.resident.id
    assert shelf.store.transact(lambda db: earlier.forget(db, resident))
    assert not shelf.store.transact(lambda db: earlier.forget(db, resident))
    assert (shelf.rows(), shelf.offers()) == (0, {})


def test_what_is_kept_lies_sealed(shelf: Shelf) -> None:
    shelf.keep(phone="0173-00-0001")
    row = shelf.store.read(lambda db: db.one(select(t.earlier_answers)))
    assert row is not None
    assert b"0173" not in row.sealed_answers
    assert json.loads(shelf.keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_answers, earlier._SEALED))


def test_people_under_protection_are_kept_nothing_of_and_offered_nothing(
    store: Store, keys: Keys, clock: Clock, random: Random
) -> None:
    open_card, protected = Shelf(store, keys, clock, random), Shelf(store, keys, clock, random, protected=True)
    protected.keep(phone="0173-00-0001")
    assert protected.rows() == 0
    open_card.keep(phone="0173-00-0001")
    assert open_card.offers()
    assert protected.offers() == {}, "the same person, since protected"


def test_one_resident_is_offered_nothing_of_another(store: Store, keys: Keys, clock: Clock, random: Random) -> None:
    mine, theirs = Shelf(store, keys, clock, random), Shelf(store, keys, clock, random, subject="hanako")
    theirs.keep(phone="0173-00-0001")
    assert mine.offers() == {}
    assert store.read(lambda db: earlier.load(db, keys, NOBODY, now=clock())) == {}


def test_nothing_found_keeps_nothing(shelf: Shelf) -> None:
    shelf.store.transact(
        lambda db: earlier.keep(db, shelf.keys, shelf.resident, {}, now=shelf.clock(), random=shelf.random)
    )
    assert shelf.rows() == 0
