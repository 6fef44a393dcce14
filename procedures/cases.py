"""The tests that a declaration brings with it, and their run. Pure: day, fee table and declaration are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from forms_schema import Settled
from forms_schema.base import Answers, Fault
from forms_schema.guess import guess, meant
from procedures.bookings import Opening
from procedures.city import Calendar
from procedures.declaration import Assurance, Channel, Declaration
from procedures.fees import FeeTable, NoFeeError, quote
from procedures.library import Shared

UNSURE: Final = "ASSURANCE_REQUIRED"
CLOSED: Final = "CHANNEL_CLOSED"
ELSEWHERE: Final = "HANDED_OVER"
_NOWHERE: Final = "という項目はありません"
_CODES: Final = {
    "required": "回答がありません",
    "dependentRequired": "回答がありません",
    "enum": "選べない値です",
    "const": "選べない値です",
    "format": "書き方が違います",
    "pattern": "書き方が違います",
    "type": "数や文字の種類が違います",
    "minimum": "小さすぎます",
    "maximum": "大きすぎます",
    "maxLength": "長すぎます",
    "minLength": "短すぎます",
    "minItems": "少なすぎます",
    "maxItems": "多すぎます",
    "dateMin": "日付が早すぎます",
    "dateMax": "日付が遅すぎます",
    UNSURE: "本人確認が弱すぎます。as の level",
    CLOSED: "この方法では受け付けません。channel と channels",
    ELSEWHERE: "handover でほかのサイトに案内しています",
}


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


def run_cases(declaration: Declaration, shared: Shared, calendar: Calendar, today: date) -> list[Fault]:
    """A fault for every expectation that is not met. `today` is for cases that name no day of their own; `calendar`
    says on which days the city works."""
    return [
        Fault(f"/cases/{i}{fault.pointer}", fault.problem, fault.allowed)
        for i, case in enumerate(cases_of(declaration))
        for fault in _run(declaration, case, shared, calendar, case.today or today)
    ]


def _run(declaration: Declaration, case: Case, shared: Shared, calendar: Calendar, today: date) -> Iterator[Fault]:
    settled = declaration.form.settle(case.answers, today)
    booking = declaration.booking
    opening = shared.bookings.opening(booking, calendar, today) if booking else None
    expect = case.expect
    yield from _of_names(declaration, case)
    yield from _of_errors(declaration, case, errors_of(declaration, case, settled, opening))
    if "fee" in expect and expect["fee"] != (found := _fee(declaration, settled, shared.fees)):
        allowed = f"{expect['fee']} と書かれています。正しいほうに直してください"
        yield Fault("/expect/fee", f"手数料は {found} になります", allowed)
    if "left_out" in expect:
        yield from _same("/left_out", "除かれる回答", expect["left_out"], [item.pointer for item in settled.dropped])
    if "attachments" in expect:
        yield from _same(
            "/attachments", "求める書類", expect["attachments"], [each.key for each in settled.attachments]
        )
    yield from _of_asked(declaration, case, settled)


def _of_asked(declaration: Declaration, case: Case, settled: Settled) -> Iterator[Fault]:
    for key, problem in (("asked", "は聞かれません"), ("not_asked", "が聞かれます")):
        for i, pointer in enumerate(case.expect.get(key, ())):
            known = declaration.form.fields
            # that a question does not exist at all may be the very point of a case
            if _pattern(pointer) not in known and (key == "asked" or guess(_pattern(pointer), known, 0.9)):
                yield Fault(f"/expect/{key}/{i}", f"{pointer} {_NOWHERE}", _near(pointer, declaration))
            elif (pointer in settled.by_pointer) != (key == "asked"):
                yield Fault(f"/expect/{key}/{i}", f"{pointer} {problem}", "answers と条件を確かめてください")


def _of_names(declaration: Declaration, case: Case) -> Iterator[Fault]:
    """Names that the declaration does not have, where a run would not notice them."""
    keys = [item["key"] for item in declaration.attachments]
    for key in case.attachments:
        if key.partition("/")[0] not in keys:
            allowed = meant(key, keys, f"attachments にあるキー: {'、'.join(keys) or 'なし'}")
            yield Fault(f"/attachments/{_escaped(key)}", f"{key} という書類はありません", allowed)


def _of_errors(declaration: Declaration, case: Case, found: Mapping[str, str]) -> Iterator[Fault]:
    """Each difference between the errors that are expected and those that are found."""
    expected = case.expect.get("errors", {})
    for pointer, code in found.items():
        at = f"/expect/errors/{_escaped(pointer)}"
        if pointer in expected:
            if expected[pointer] != code:
                yield Fault(at, f"誤りは {code} になります", f"{expected[pointer]} と書かれています")
        elif code == "UNKNOWN_FIELD":
            yield Fault(f"/answers{pointer}", f"{pointer} {_NOWHERE}", _near(pointer, declaration))
        else:
            key = pointer.removeprefix("attachment:")
            mend = "answers を直すか" if key == pointer else f'この試験に "attachments": {{"{key}": 1}} と書くか'
            said = f'{mend}、expect の errors に "{pointer}": "{code}" と書いてください'
            yield Fault("/expect/errors", f"{pointer or '申請全体'} に誤り {code} が出ます{_about(code)}", said)
    for pointer, code in expected.items():
        if pointer not in found:
            known = not pointer.startswith("/") or _pattern(pointer) in declaration.form.fields
            at = f"/expect/errors/{_escaped(pointer)}"
            if known:
                yield Fault(at, f"誤り {code} は出ません", "この行を消すか、answers を直してください")
            else:
                yield Fault(at, f"{pointer} {_NOWHERE}", _near(pointer, declaration))


def _about(code: str) -> str:
    return f"({_CODES[code]})" if code in _CODES else ""


def _same(at: str, what: str, expected: Iterable[str], found: Iterable[str]) -> Iterator[Fault]:
    wanted, got = sorted(expected), sorted(found)
    if wanted != got:
        written = f"{'、'.join(wanted) or 'なし'} と書かれています。正しいほうに直してください"
        yield Fault(f"/expect{at}", f"{what}は {'、'.join(got) or 'なし'} になります", written)


def _near(pointer: str, declaration: Declaration) -> str:
    return meant(_pattern(pointer), declaration.form.fields, "schema にある項目の名前を確かめてください")


def _pattern(pointer: str) -> str:
    """A pointer of an answer as the pointer of its question: '*' for the number of a row."""
    return "/".join("*" if part.isdecimal() else part for part in pointer.split("/"))


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def errors_of(declaration: Declaration, case: Case, settled: Settled, opening: Opening | None) -> dict[str, str]:
    """Pointer to code of everything that stands against the filing; '' is the filing as a whole. `opening` is what
    can be booked on its day."""
    found = [*declaration.form.unknown(case.answers), *declaration.form.errors(settled, attached=case.attachments)]
    found += opening.errors(settled) if opening else ()
    errors = {error.pointer: error.code for error in found}
    if case.channel not in declaration.channels:
        errors[""] = CLOSED
    elif case.channel is Channel.ONLINE and declaration.handed_over is not None:
        errors[""] = ELSEWHERE
    elif case.channel is Channel.ONLINE and not case.level.covers(declaration.assurance):
        errors[""] = UNSURE  # at the counter a clerk sees who comes
    return errors


def _fee(declaration: Declaration, settled: Settled, table: FeeTable) -> int | str:
    try:
        return quote(declaration, settled.kept, table, settled.today).total
    except NoFeeError as error:
        return f"fees.json に金額がありません: {error}"
