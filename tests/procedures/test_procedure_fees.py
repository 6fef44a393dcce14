"""A fee is whole yen by the table of the day; a waiver never makes it more, nor less than nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_schema.base import Json
from procedures.declaration import Declaration, Fee, FeeItem, Timing, Waiver
from procedures.fees import FeeRow, FeeTable, NoFeeError, quote
from procedures.library import Library
from tests import shipped

LIBRARY = shipped.library()
TABLE = LIBRARY.shared.fees
TODAY = date(2026, 12, 1)
POST = {"properties": {"receive": {"const": "post"}}, "required": ["receive"]}


def costing(fee: Fee | None, slug: str = "juminhyo-utsushi") -> Declaration:
    """A shipped procedure with another fee; its compiled form is shared."""
    known = LIBRARY.declarations[slug]
    other = replace(known, fee=fee)
    vars(other)["form"] = known.form
    return other


JUMINHYO = costing(LIBRARY.declarations["juminhyo-utsushi"].fee)
INU = costing(LIBRARY.declarations["inu-toroku"].fee, "inu-toroku")


def test_two_copies_by_post_cost_710_yen() -> None:
    result = quote(JUMINHYO, {"copies": 2, "receive": "post"}, TABLE, TODAY)
    assert [(item.code, item.unit_amount, item.quantity, item.amount, item.unit) for item in result.items] == [
        ("juminhyo", 300, 2, 600, "通"),
        ("post-letter", 110, 1, 110, "件"),
    ]
    assert (result.total, result.timing, result.on) == (710, "submit", TODAY)


def test_postage_is_that_of_the_day_of_filing() -> None:
    totals = [quote(JUMINHYO, {"receive": "post"}, TABLE, date(2024, *day)).total for day in ((9, 30), (10, 1))]
    assert totals == [84, 110]


def test_a_day_without_an_amount_is_an_error_and_not_free() -> None:
    with pytest.raises(NoFeeError):
        quote(JUMINHYO, {"copies": 1}, TABLE, date(1999, 1, 1))


def test_each_dog_is_registered_for_its_own_fee() -> None:
    result = quote(INU, {"dogs": [{}, {}, {}], "receive": "counter"}, TABLE, TODAY)
    assert [(item.title, item.quantity, item.amount) for item in result.items] == [("犬の登録手数料", 3, 9000)]


def test_quantity_and_condition_of_a_row_are_read_in_the_row() -> None:
    when = {"properties": {"kind": {"const": "copy"}}, "required": ["kind"]}
    paid = costing(Fee(Timing.SUBMIT, (FeeItem("juminhyo", "/n", "/rows", when),)))
    rows = [{"kind": "copy", "n": 2}, {"kind": "look", "n": 5}, {"kind": "copy", "n": 1}, {"n": 9}, {"kind": "copy"}]
    assert quote(paid, {"rows": rows}, TABLE, TODAY).total == 900


def test_what_a_clerk_may_waive_is_shown_but_charged() -> None:
    result = quote(JUMINHYO, {"copies": 1, "purpose": "pension"}, TABLE, TODAY)
    assert result.total == 300
    assert [(item.reason, item.share) for item in result.possible] == [
        ("年金の手続に使うとき(法令で無料になる場合)", 100)
    ]
    assert quote(JUMINHYO, {"copies": 1, "purpose": "work"}, TABLE, TODAY).possible == ()


def test_a_waiver_by_rule_lowers_only_what_it_names() -> None:
    half = Waiver("市の規則", 50, "rule", None, frozenset({"juminhyo"}))
    paid = costing(Fee(Timing.SUBMIT, (FeeItem("juminhyo", "/copies"), FeeItem("post-letter", when=POST)), (half,)))
    result = quote(paid, {"copies": 3, "receive": "post"}, TABLE, TODAY)
    assert [(item.code, item.waived) for item in result.items] == [("juminhyo", 450), ("post-letter", 0)]
    assert [(waiver.reason, waiver.amount) for waiver in result.waivers] == [("市の規則", 450)]
    assert result.total == 560


def test_of_two_waivers_the_greater_one_counts() -> None:
    waivers = (Waiver("半額", 50, "rule"), Waiver("八割引", 80, "rule"))
    paid = costing(Fee(Timing.SUBMIT, (FeeItem("juminhyo", "/copies"),), waivers))
    result = quote(paid, {"copies": 1}, TABLE, TODAY)
    assert result.total == 60
    assert [waiver.reason for waiver in result.waivers] == ["八割引"]


def test_a_waiver_by_rule_counts_only_for_those_it_is_for() -> None:
    pension = {"properties": {"purpose": {"const": "pension"}}, "required": ["purpose"]}
    paid = costing(Fee(Timing.SUBMIT, (FeeItem("juminhyo", "/copies"),), (Waiver("年金", 100, "rule", pension),)))
    free = quote(paid, {"copies": 2, "purpose": "pension"}, TABLE, TODAY)
    assert (free.total, [(each.reason, each.amount) for each in free.waivers]) == (0, [("年金", 600)])
    for answers in ({"copies": 2, "purpose": "work"}, {"copies": 2}):
        assert (quote(paid, answers, TABLE, TODAY).total, quote(paid, answers, TABLE, TODAY).waivers) == (600, ())


def test_what_a_clerk_may_waive_is_named_only_beside_what_it_would_lower() -> None:
    clerk = Waiver("罹災", 100, "clerk", None, frozenset({"post-letter"}))
    paid = costing(Fee(Timing.SUBMIT, (FeeItem("juminhyo", "/copies"), FeeItem("post-letter", when=POST)), (clerk,)))
    assert quote(paid, {"copies": 1}, TABLE, TODAY).possible == ()
    assert [each.reason for each in quote(paid, {"copies": 1, "receive": "post"}, TABLE, TODAY).possible] == ["罹災"]


def test_rows_that_are_no_rows_cost_nothing_yet() -> None:
    paid = costing(Fee(Timing.SUBMIT, (FeeItem("juminhyo", "/n", "/rows"),)))
    nothing: list[Json] = [None, "3", 3, {}, [], [None, 3, "x", []], [{}], [{"n": None}]]
    for rows in nothing:
        assert quote(paid, {"rows": rows}, TABLE, TODAY).total == 0
    assert quote(paid, {"rows": [3, {"n": 2}]}, TABLE, TODAY).total == 600


def test_the_new_fiscal_year_has_its_own_amount_from_its_first_day() -> None:
    rows = (
        FeeRow("a", "写し", 300, "通", date(2026, 4, 1), date(2027, 3, 31), "条例"),
        FeeRow("a", "写し", 350, "通", date(2027, 4, 1), None, "改正条例"),
    )
    paid = costing(Fee(Timing.SUBMIT, (FeeItem("a"),)))
    days = [date(2026, 4, 1), date(2027, 3, 31), date(2027, 4, 1)]
    assert [quote(paid, {}, FeeTable(rows), day).total for day in days] == [300, 300, 350]
    with pytest.raises(NoFeeError):
        quote(paid, {}, FeeTable(rows), date(2026, 3, 31))


def test_a_fraction_of_a_yen_is_not_asked_for() -> None:
    table = FeeTable((FeeRow("juminhyo", "写し", 101, "通", None, None, "条例"),))
    paid = costing(Fee(Timing.SUBMIT, (FeeItem("juminhyo"),), (Waiver("半額", 50, "rule"),)))
    assert quote(paid, {}, table, TODAY).total == 50


@pytest.mark.parametrize("copies", [None, "2", True, -3, 0, 1.5, [], {}])
def test_a_number_that_is_no_number_yet_costs_nothing_yet(copies: object) -> None:
    assert quote(JUMINHYO, {"copies": copies}, TABLE, TODAY).total == 0


def test_a_procedure_without_a_fee_is_free(library: Library) -> None:
    result = quote(library.declarations["jido-teate-nintei-seikyu"], {}, TABLE, TODAY)
    assert (result.items, result.total, result.timing) == ((), 0, "")


def test_a_quote_is_frozen_as_json() -> None:
    frozen = quote(JUMINHYO, {"copies": 2, "receive": "post", "purpose": "pension"}, TABLE, TODAY).as_json()
    assert json.loads(json.dumps(frozen)) == frozen
    assert (frozen["total"], frozen["on"], frozen["items"][1]["code"]) == (710, "2026-12-01", "post-letter")


SHARES = st.lists(st.tuples(st.integers(0, 100), st.sampled_from(["rule", "clerk"]), st.sampled_from(["", "a", "b"])))
ROWS = st.tuples(st.integers(0, 10_000_000), st.integers(0, 10_000_000))


def sample(amounts: tuple[int, int], shares: list[tuple[int, str, str]]) -> tuple[Declaration, FeeTable]:
    table = FeeTable(
        tuple(FeeRow(code, code, amount, "件", None, None, "") for code, amount in zip("ab", amounts, strict=True))
    )
    waivers = tuple(Waiver(by, share, by, None, frozenset(filter(None, [code]))) for share, by, code in shares)
    return costing(Fee(Timing.SUBMIT, (FeeItem("a", "/copies"), FeeItem("b")), waivers)), table


@given(ROWS, SHARES, st.integers(-5, 1000))
def test_a_total_is_the_sum_of_its_lines_and_never_below_zero(
    amounts: tuple[int, int], shares: list[tuple[int, str, str]], copies: int
) -> None:
    paid, table = sample(amounts, shares)
    result = quote(paid, {"copies": copies}, table, TODAY)
    assert result.total == sum(item.amount - item.waived for item in result.items)
    assert result.total == sum(item.amount for item in result.items) - sum(waiver.amount for waiver in result.waivers)
    assert all(0 <= item.waived <= item.amount == item.unit_amount * item.quantity for item in result.items)
    assert result.total >= 0


@given(ROWS, SHARES, st.integers(0, 1000))
def test_more_copies_never_cost_less_and_a_waiver_never_makes_it_more(
    amounts: tuple[int, int], shares: list[tuple[int, str, str]], copies: int
) -> None:
    paid, table = sample(amounts, shares)
    plain, _ = sample(amounts, [])
    fewer, more = (quote(paid, {"copies": n}, table, TODAY).total for n in (copies, copies + 1))
    assert fewer <= more
    assert fewer <= quote(plain, {"copies": copies}, table, TODAY).total


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_the_amount_changes_on_the_first_day_of_the_new_row(change: date, filed: date) -> None:
    before = FeeRow("a", "a", 300, "通", None, change - timedelta(days=1), "")
    after = FeeRow("a", "a", 400, "通", change, None, "")
    paid = costing(Fee(Timing.SUBMIT, (FeeItem("a"),)))
    assert quote(paid, {}, FeeTable((before, after)), filed).total == (400 if filed >= change else 300)
