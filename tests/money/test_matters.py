"""Money that somebody has to look into: all of it is found, with what is known, until it is noted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from payments.port import EventKind
from server.money import matters as of
from server.money.debts import cancel_debt
from server.money.matters import Dealt, Kind, Matter
from server.money.settle import settle
from server.store import tables as t
from server.store.keys import Keys
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import FEE, Counter, cashier, note_paid, owing, told
from tests.money.family import FEES, Family, family

CITY = "市民課"


class Treasurer:
    def __init__(self, counter: Counter, keys: Keys, staff: str) -> None:
        self.counter, self.keys, self.staff = counter, keys, staff
        self.store, self.clock = counter.store, counter.cashier.clock

    def sees(self, *departments: str) -> list[Matter]:
        return self.store.read(lambda db: of.matters(db, departments or (CITY,), now=self.clock()))

    def dealt(self, *departments: str) -> list[Dealt]:
        return self.store.read(lambda db: of.dealt(db, self.keys, departments))

    def notes(self, matter: Matter, words: str = "口座に振り込みました。", *departments: str) -> bool:
        return self.store.transact(
            lambda db: of.note(
                db,
                self.keys,
                departments or (CITY,),
                matter.key,
                words,
                self.staff,
                now=self.clock(),
                random=self.counter.cashier.random,
            )
        )


@pytest.fixture
def treasurer(store: Store, keys: Keys, make: Maker, clock: Clock, random: Random) -> Treasurer:
    counter = owing(store, make, cashier(store, clock, random), department=CITY)
    return Treasurer(counter, keys, make(t.staff)["id"])


def test_money_that_belongs_to_nothing_we_know_is_shown_with_what_the_provider_told(treasurer: Treasurer) -> None:
    treasurer.counter.settle(told("nobody", reference="r9", amount=1234))
    (found,) = treasurer.sees()
    assert (found.kind, found.way, found.reference, found.amount) == (Kind.UNKNOWN, "sandbox", "r9", 1234)
    assert (found.numbers, found.department, found.left) == ([], "", 0)
    assert treasurer.sees("税務課") == [found], "it is of no department: every treasurer may know"


def test_an_unknown_checkout_that_brought_no_money_is_nothing_to_look_into(treasurer: Treasurer) -> None:
    treasurer.counter.settle(told("nobody", EventKind.EXPIRED), told("nobody", EventKind.DECLINED))
    assert treasurer.counter.lines("payment.unknown") == 2 and treasurer.sees() == []


def test_money_of_another_sum_is_shown_as_it_was_told_last_and_to_its_department_alone(treasurer: Treasurer) -> None:
    payment = treasurer.counter.open()
    treasurer.counter.settle(told(payment, amount=FEE - 1))
    (found,) = treasurer.sees()
    assert (found.kind, found.amount, found.back) == (Kind.UNCLEAR, FEE - 1, 0)
    assert found.numbers == [treasurer.counter.debt.receipt_number] and treasurer.sees("税務課") == []
    treasurer.counter.settle(told(payment, EventKind.REFUNDED, amount=FEE - 1, refunded=FEE - 1))
    (found,) = treasurer.sees()
    assert (found.amount, found.back) == (FEE - 1, FEE - 1)


def test_money_of_a_second_checkout_is_shown_though_the_fee_is_paid(treasurer: Treasurer) -> None:
    payment = treasurer.counter.open()
    treasurer.counter.settle(told(payment), told(payment, reference="r2"))
    (found,) = treasurer.sees()
    assert (found.kind, found.reference) == (Kind.UNCLEAR, "r2")


def test_one_sum_for_several_fees_is_one_thing_to_look_into(
    store: Store, keys: Keys, make: Maker, clock: Clock, random: Random
) -> None:
    home: Family = family(store, make, cashier(store, clock, random))
    reference = home.go()
    (bundle,) = home.rows(t.payment_bundle)
    event = told(bundle.id, reference=reference, amount=sum(FEES) - 1)
    store.transact(lambda db: settle(db, "sandbox", event, paid=note_paid, now=clock()))
    (found,) = store.read(lambda db: of.matters(db, [CITY], now=clock()))
    assert len(found.numbers) == len(FEES)


def test_what_was_given_back_elsewhere_of_several_fees_is_shown(
    store: Store, keys: Keys, make: Maker, clock: Clock, random: Random
) -> None:
    home: Family = family(store, make, cashier(store, clock, random))
    reference = home.go()
    (bundle,) = home.rows(t.payment_bundle)
    paid = told(bundle.id, reference=reference, amount=sum(FEES))
    back = told(bundle.id, EventKind.REFUNDED, reference=reference, amount=sum(FEES), refunded=50)
    hear: Any = lambda event: store.transact(  # noqa: E731
        lambda db: settle(db, "sandbox", event, paid=note_paid, now=clock())
    )
    hear(paid)
    hear(back)
    (found,) = store.read(lambda db: of.matters(db, [CITY], now=clock()))
    assert (found.kind, found.back, found.amount) == (Kind.UNASSIGNED, 50, sum(FEES))


def withdrawn_after(treasurer: Treasurer) -> Matter:
    """Money for what was withdrawn just before it came."""
    payment, application = treasurer.counter.open(), treasurer.counter.application_id

    def work(db: Any) -> None:
        cancel_debt(db, application, actor="x")
        db.execute(t.application.update().where(t.application.c.id == application).values(state="withdrawn"))

    treasurer.store.transact(work)
    treasurer.counter.settle(told(payment))
    (found,) = treasurer.sees()
    return found


def test_money_for_what_was_withdrawn_can_be_given_back_or_noted(treasurer: Treasurer) -> None:
    found = withdrawn_after(treasurer)
    assert (found.kind, found.left) == (Kind.SURPLUS, FEE)
    assert treasurer.notes(found) and treasurer.sees() == []


def test_a_note_empties_the_list_and_stays_with_who_when_and_what_was_known(treasurer: Treasurer) -> None:
    treasurer.counter.settle(told("nobody", reference="r9", amount=1234))
    (found,) = treasurer.sees()
    assert treasurer.notes(found, "別の仕組みの支払いでした。") and not treasurer.notes(found, "もう一度")
    assert treasurer.sees() == [] and treasurer.counter.lines("money.dealt") == 1
    (note,) = treasurer.dealt(CITY)
    assert treasurer.dealt("税務課") == [note]
    assert (note.kind, note.amount, note.reference) == (Kind.UNKNOWN, 1234, "r9")
    assert (note.text, note.staff_id, note.at) == ("別の仕組みの支払いでした。", treasurer.staff, treasurer.clock())
    rows = treasurer.store.read(lambda db: [tuple(row) for row in db.all(select(t.money_note))])
    lines = treasurer.store.read(lambda db: [row.detail for row in db.all(select(t.audit))])
    assert "別の仕組み" not in repr(rows) + repr(lines), "what somebody wrote is sealed"


def test_nobody_notes_what_is_another_departments_or_not_there(treasurer: Treasurer) -> None:
    found = withdrawn_after(treasurer)
    assert not treasurer.notes(found, "x", "税務課")
    assert treasurer.sees() == [found]
    assert treasurer.notes(found) and not treasurer.notes(found)


def test_the_lines_are_found_without_walking_the_whole_chain(store: Store) -> None:
    if store.settings.database_url.startswith("sqlite"):
        lines = select(t.audit.c.detail).where(text(t.ODD_MONEY)).order_by(t.audit.c.seq)
        asked = text(f"EXPLAIN QUERY PLAN {lines}")
        plan = store.read(lambda db: [tuple(row) for row in db.all(asked)])
        assert "ix_audit_odd_money" in repr(plan)
