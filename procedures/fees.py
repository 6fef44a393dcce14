"""The fee table and what a filing costs by it, in whole yen.

Fractions of a yen are cut off from what is to be paid, as the law does with claims of the state and of local
governments (国等の債権債務等の金額の端数計算に関する法律 第2条1項). Where several waivers by rule meet one
item, the greatest one counts; they are not added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from forms_schema.base import Answers, Json, Schema

if TYPE_CHECKING:
    from forms_schema import Form
    from procedures.declaration import Declaration, FeeItem, Waiver


@dataclass(frozen=True, slots=True)
class FeeRow:
    """An amount in force between two days, both included; None leaves that end open."""

    code: str
    title: str
    amount: int
    unit: str
    valid_from: date | None
    valid_until: date | None
    legal_basis: str

    def valid_on(self, day: date) -> bool:
        """Whether this amount is asked for a filing made on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


class NoFeeError(LookupError):
    """The fee table names no amount for a code on a day."""


@dataclass(frozen=True, slots=True)
class FeeTable:
    """Every amount the city asks, now and at other times."""

    rows: tuple[FeeRow, ...]

    @property
    def codes(self) -> frozenset[str]:
        """Every code that is named, in force or not."""
        return frozenset(row.code for row in self.rows)

    def find(self, code: str, on: date) -> FeeRow | None:
        """The row in force on `on`; None where nothing is charged by that code then."""
        return next((row for row in self.rows if row.code == code and row.valid_on(on)), None)

    def row(self, code: str, on: date) -> FeeRow:
        """The row in force on `on`. Raises NoFeeError."""
        row = self.find(code, on)
        if row is None:
            raise NoFeeError(f"{code} {on.isoformat()}")
        return row


@dataclass(frozen=True, slots=True)
class QuoteItem:
    """One line of a quote: `amount` is before waivers, `waived` what they take off."""

    code: str
    title: str
    unit_amount: int
    quantity: int
    amount: int
    unit: str
    waived: int = 0


@dataclass(frozen=True, slots=True)
class Reduction:
    """A waiver by rule, and the yen it took off."""

    reason: str
    share: int
    amount: int


@dataclass(frozen=True, slots=True)
class Possible:
    """A waiver that a clerk may grant after seeing the evidence; it does not lower the quote."""

    reason: str
    share: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What a filing costs by the table of one day. `timing` is '' when nothing is ever charged."""

    items: tuple[QuoteItem, ...]
    waivers: tuple[Reduction, ...]
    possible: tuple[Possible, ...]
    total: int
    timing: str
    on: date

    def as_json(self) -> dict[str, Any]:
        """The quote as it is frozen with a debt."""
        return {
            "items": [_plain(item) for item in self.items],
            "waivers": [_plain(waiver) for waiver in self.waivers],
            "possible": [_plain(waiver) for waiver in self.possible],
            "total": self.total,
            "timing": self.timing,
            "on": self.on.isoformat(),
        }


def _plain(value: QuoteItem | Reduction | Possible) -> dict[str, str | int]:
    return {name: getattr(value, name) for name in value.__slots__}


def quote(declaration: Declaration, answers: Answers, table: FeeTable, on: date) -> Quote:
    """What `answers` (kept ones; they need not be valid yet) cost when filed on `on`.

    A quantity that is not a whole number above 0 costs nothing: its question has its own error.
    Raises NoFeeError when the table has no amount for a code that is charged.
    """
    fee, form = declaration.fee, declaration.form
    if fee is None:
        return Quote((), (), (), 0, "", on)
    counted = [(item, _count(item, answers, form, on)) for item in fee.items]
    lines = [_line(table.row(item.code, on), count) for item, count in counted if count]
    live = [waiver for waiver in fee.waivers if _holds(waiver.when, answers, form, on)]
    rules = [waiver for waiver in live if waiver.by == "rule"]
    reduced = [_reduced(line, rules) for line in lines]
    items = tuple(item for item, _ in reduced)
    possible = tuple(
        Possible(w.reason, w.share) for w in live if w.by == "clerk" and any(_covers(w, item) for item in items)
    )
    total = sum(item.amount - item.waived for item in items)
    return Quote(items, tuple(_reductions(reduced)), possible, total, fee.timing.value, on)


def _line(row: FeeRow, count: int) -> QuoteItem:
    return QuoteItem(row.code, row.title, row.amount, count, row.amount * count, row.unit)


def _count(item: FeeItem, answers: Answers, form: Form, on: date) -> int:
    places = rows_at(answers, item.each) if item.each else [answers]
    return sum(_quantity(place, item.quantity) for place in places if _holds(item.when, place, form, on))


def _quantity(answers: Json, pointer: str) -> int:
    value = value_at(answers, pointer) if pointer else 1
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _holds(when: Schema | None, answers: Answers, form: Form, on: date) -> bool:
    return when is None or form.matches(when)(answers, on)


def _covers(waiver: Waiver, item: QuoteItem) -> bool:
    return not waiver.codes or item.code in waiver.codes


def _reduced(item: QuoteItem, rules: Iterable[Waiver]) -> tuple[QuoteItem, Waiver | None]:
    """The item less the greatest waiver that covers it, and that waiver."""
    best = max((rule for rule in rules if _covers(rule, item)), key=lambda rule: rule.share, default=None)
    if best is None:
        return item, None
    left = item.amount * (100 - best.share) // 100
    return QuoteItem(
        item.code, item.title, item.unit_amount, item.quantity, item.amount, item.unit, item.amount - left
    ), best


def _reductions(reduced: Iterable[tuple[QuoteItem, Waiver | None]]) -> Iterator[Reduction]:
    amounts: dict[tuple[str, int], int] = {}
    for item, waiver in reduced:
        if waiver is not None:
            key = (waiver.reason, waiver.share)
            amounts[key] = amounts.get(key, 0) + item.waived
    for (reason, share), amount in amounts.items():
        yield Reduction(reason, share, amount)


def value_at(answers: Json, pointer: str) -> Json:
    """The answer at a pointer, or None. Property names need no escapes."""
    for name in pointer.split("/")[1:]:
        if not isinstance(answers, Mapping):
            return None
        answers = answers.get(name)
    return answers


def rows_at(answers: Json, pointer: str) -> list[Answers]:
    """The rows at a pointer; none when the answer is something else."""
    rows = value_at(answers, pointer)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
