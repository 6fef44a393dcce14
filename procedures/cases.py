"""The tests that a declaration brings with it, and their run. Pure: day, fee table and declaration are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from forms_schema import Settled
from forms_schema.base import Answers, Fault
from procedures.declaration import Assurance, Channel, Declaration
from procedures.fees import FeeTable, NoFeeError, quote

UNSURE: Final = "ASSURANCE_REQUIRED"
CLOSED: Final = "CHANNEL_CLOSED"


@dataclass(frozen=True, slots=True)
class Case:
    """One test: who files what, when and how, and what should come of it."""

    title: str
    today: date | None
    level: Assurance
    resident: str
    channel: Channel
    answers: Answers
    attachments: Mapping[str, int]
    expect: Mapping[str, Any]

    @property
    def valid(self) -> bool:
        """Whether the filing is to be taken as it stands."""
        return not self.expect.get("errors")


def cases_of(declaration: Declaration) -> tuple[Case, ...]:
    """The declaration's cases, with what they leave unsaid filled in: the level it asks for, online."""
    return tuple(_case(raw, declaration.assurance) for raw in declaration.cases)


def _case(raw: Mapping[str, Any], assurance: Assurance) -> Case:
    who, today = raw.get("as", {}), raw.get("today")
    return Case(
        title=raw["title"],
        today=date.fromisoformat(today) if today else None,
        level=Assurance(who.get("level", assurance)),
        resident=who.get("resident", ""),
        channel=Channel(raw.get("channel", Channel.ONLINE)),
        answers=raw["answers"],
        attachments=raw.get("attachments", {}),
        expect=raw["expect"],
    )


def run_cases(declaration: Declaration, table: FeeTable, today: date) -> list[Fault]:
    """A fault for every expectation that is not met. `today` is for cases that name no day of their own."""
    return [
        Fault(f"/cases/{i}/expect{fault.pointer}", fault.problem, fault.allowed)
        for i, case in enumerate(cases_of(declaration))
        for fault in _run(declaration, case, table, case.today or today)
    ]


def _run(declaration: Declaration, case: Case, table: FeeTable, today: date) -> Iterator[Fault]:
    settled = declaration.form.settle(case.answers, today)
    expect = case.expect
    yield from _same("/errors", expect.get("errors", {}), errors_of(declaration, case, settled))
    if "fee" in expect:
        yield from _same("/fee", expect["fee"], _fee(declaration, settled, table))
    if "left_out" in expect:
        yield from _same("/left_out", sorted(expect["left_out"]), sorted(item.pointer for item in settled.dropped))
    if "attachments" in expect:
        yield from _same(
            "/attachments", sorted(expect["attachments"]), sorted(item.key for item in settled.attachments)
        )
    asked = settled.by_pointer
    for i, pointer in enumerate(expect.get("asked", ())):
        if pointer not in asked:
            yield Fault(f"/asked/{i}", f"{pointer} は聞かれません", "条件を確かめてください")
    for i, pointer in enumerate(expect.get("not_asked", ())):
        if pointer in asked:
            yield Fault(f"/not_asked/{i}", f"{pointer} が聞かれます", "条件を確かめてください")


def _same(pointer: str, expected: object, found: object) -> Iterator[Fault]:
    if expected != found:
        yield Fault(pointer, f"結果が違います: {found}", f"試験が期待するもの: {expected}")


def errors_of(declaration: Declaration, case: Case, settled: Settled) -> dict[str, str]:
    """Pointer to code of everything that stands against the filing; '' is the filing as a whole."""
    found = [*declaration.form.unknown(case.answers), *declaration.form.errors(settled, attached=case.attachments)]
    errors = {error.pointer: error.code for error in found}
    if case.channel not in declaration.channels:
        errors[""] = CLOSED
    elif case.channel is Channel.ONLINE and not case.level.covers(declaration.assurance):
        errors[""] = UNSURE  # at the counter a clerk sees who comes
    return errors


def _fee(declaration: Declaration, settled: Settled, table: FeeTable) -> int | str:
    try:
        return quote(declaration, settled.kept, table, settled.today).total
    except NoFeeError as error:
        return f"fees.json に金額がありません: {error}"
