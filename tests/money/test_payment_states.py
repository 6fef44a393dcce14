"""The one table of payments: what it shows, and that nothing in it goes back."""

from __future__ import annotations

import re
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.port import Event, EventKind
from server.money.states import RANKS, RULES, PaymentState, Standing, of_debt, raised
from server.money.states import told as heard
from server.store import tables
from tests.money.cases import told

EVENTS = [
    told("p1", EventKind.DECLINED),
    told("p1", EventKind.PROMISED),
    told("p1", EventKind.EXPIRED),
    told("p1", EventKind.PAID),
    told("p1", EventKind.PAID, amount=7100),
    told("p1", EventKind.REFUNDED, refunded=300),
    told("p1", EventKind.REFUNDED, refunded=710),
]
standings = st.sampled_from(Standing)


def end(events: tuple[Event, ...]) -> Standing:
    standing = Standing.DUE
    for event in events:
        standing = raised(standing, heard(event, 710))
    return standing


@pytest.mark.parametrize("several", range(1, 7))
def test_every_order_of_events_ends_alike(several: int) -> None:
    for chosen in combinations(EVENTS, several):
        assert len({end(order) for order in permutations(chosen)}) == 1


@given(st.lists(st.sampled_from(EVENTS), max_size=12))
def test_events_told_again_change_nothing(events: list[Event]) -> None:
    assert end((*events, *events)) == end(tuple(events)) == end(tuple(reversed(events)))


def test_the_table_has_a_rule_for_every_standing_and_shows_every_state() -> None:
    assert set(RULES) == set(Standing) == set(RANKS)
    assert {rule.shown for rule in RULES.values()} == set(PaymentState)


def test_nothing_that_is_open_can_be_higher_than_what_is_closed() -> None:
    assert [RULES[one].open for one in RANKS] == sorted((RULES[one].open for one in RANKS), reverse=True)
    kept = [one for one in RANKS if one is not Standing.VOIDED]  # money that never came counts for nothing
    assert [RULES[one].covers for one in kept] == sorted(RULES[one].covers for one in kept)


def test_only_the_amount_we_asked_for_counts_as_paid() -> None:
    assert heard(told("p1"), 710) is Standing.PAID
    for amount in (0, 1, 709, 711, 2**53):
        assert heard(told("p1", amount=amount), 710) is Standing.UNCLEAR
    for currency in ("USD", "jpy", "JPYC", ""):
        assert heard(told("p1", currency=currency), 710) is Standing.UNCLEAR


@pytest.mark.parametrize(
    ("refunded", "standing"),
    [
        (0, Standing.PAID),
        (1, Standing.PARTLY_REFUNDED),
        (709, Standing.PARTLY_REFUNDED),
        (710, Standing.REFUNDED),
        (711, Standing.UNCLEAR),
    ],
)
def test_a_refund_is_part_or_whole(refunded: int, standing: Standing) -> None:
    assert heard(told("p1", EventKind.REFUNDED, refunded=refunded), 710) is standing


@given(standings, st.lists(standings, max_size=4))
def test_money_that_came_decides_where_a_debt_stands(debt: Standing, payments: list[Standing]) -> None:
    stands = of_debt(debt, payments)
    assert RULES[stands].covers == (any(RULES[one].covers for one in payments) or (not payments and RULES[debt].covers))
    assert of_debt(stands, payments) is stands


def test_a_second_payment_that_was_given_back_leaves_the_debt_paid() -> None:
    assert of_debt(Standing.DUE, [Standing.PAID, Standing.REFUNDED]) is Standing.PAID
    assert of_debt(Standing.DUE, [Standing.REFUNDED, Standing.PARTLY_REFUNDED]) is Standing.PARTLY_REFUNDED


def test_after_an_attempt_that_expired_the_newest_one_counts() -> None:
    assert of_debt(Standing.EXPIRED, [Standing.EXPIRED, Standing.STARTED]) is Standing.STARTED


def test_what_was_withdrawn_stays_so_until_money_comes() -> None:
    assert of_debt(Standing.CANCELLED, [Standing.EXPIRED, Standing.CANCELLED]) is Standing.CANCELLED
    assert of_debt(Standing.CANCELLED, [Standing.PAID]) is Standing.PAID


def test_the_index_of_one_open_payment_a_debt_means_what_the_table_calls_open() -> None:
    (index,) = [each for each in tables.payment.indexes if each.name == "uq_payment_open"]
    where = str(index.dialect_options["sqlite"]["where"])
    assert set(re.findall("'([a-z_]+)'", where)) == {one.value for one in Standing if RULES[one].open}
