"""The interviews of life events: what their answers bring, by when, and what is found wrong with one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from procedures.check import check
from procedures.city import Calendar
from procedures.interviews import KINDS, MOST_QUESTIONS, Advice, By, Interview
from procedures.library import ROOT, Library

TODAY = date(2026, 12, 1)
EVENTS = ("move-in", "move-out", "move-within", "birth", "marriage", "divorce", "death", "disaster", "business")
CLOSED_AT_WEEKENDS = Calendar(frozenset({"sat", "sun"}), ((12, 29), (1, 3)), frozenset({date(2026, 11, 23)}))
Raw = dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """A copy of the shipped data with one interview changed, and what `check` says of it."""

    shelf: Path

    def found(self, change: Callable[[Raw], object], event: str = "disaster") -> list[tuple[str, str, str]]:
        path = self.shelf / f"life-events/{event}.json"
        raw = json.loads((ROOT / path.relative_to(self.shelf)).read_text("utf-8"))
        change(raw["interview"])
        path.write_text(json.dumps(raw, ensure_ascii=False), "utf-8")
        findings = check([path], today=TODAY, root=self.shelf, city=self.shelf.parent / "city.json")
        return [(where.name, fault.pointer, fault.problem) for where, fault in findings]


@pytest.fixture
def desk(shelf: Path) -> Desk:
    (shelf / "declarations/named").mkdir()
    for path in ROOT.glob("declarations/*/*.json"):  # an interview looks at which there are, and not into them
        (shelf / "declarations/named" / path.name).touch()
    return Desk(shelf)


def interview(library: Library, event: str) -> Interview:
    found = library.shared.life_events[event].interview
    assert found is not None
    return found


# --- those that are shipped -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS)
def test_an_interview_is_short_and_asks_nobody_who_they_are(library: Library, event: str) -> None:
    form = interview(library, event).form
    assert 3 <= len(form.fields) <= MOST_QUESTIONS
    assert {field.kind.name for field in form.fields.values()} <= KINDS


@pytest.mark.parametrize("event", EVENTS)
def test_what_is_recommended_is_said_in_one_plain_sentence_or_two(library: Library, event: str) -> None:
    for entry in interview(library, event).entries:
        assert entry.why.endswith("。"), entry.slug
        assert entry.why.count("。") <= 3, entry.slug
        assert len(entry.why) <= 90, entry.slug


@pytest.mark.parametrize("event", EVENTS)
def test_every_question_changes_what_is_recommended_or_asked_or_due(library: Library, event: str) -> None:
    told = interview(library, event)
    read = json.dumps([entry.when for entry in told.entries] + [entry.bring for entry in told.entries])
    starts = {entry.by.start for entry in told.entries}
    for field in told.form.fields.values():
        assert field.live or f'"{field.name}"' in read or field.pointer in starts, field.pointer


@pytest.mark.parametrize("event", EVENTS)
def test_every_choice_of_several_matters(library: Library, event: str) -> None:
    told = interview(library, event)
    read = json.dumps([told.schema, [entry.when for entry in told.entries]], ensure_ascii=False)
    for field in told.form.fields.values():
        for option in field.options if field.kind.name == "checkboxes" else ():
            chosen = f'{{"contains": {{"const": "{option.value}"}}}}'
            assert chosen in read or field.name == "ages", (field.pointer, option.value)


@pytest.mark.parametrize("event", EVENTS)
def test_the_same_answers_bring_the_same_list(library: Library, event: str) -> None:
    told = interview(library, event)
    for case in told.cases:
        day = date.fromisoformat(case["today"])
        first = told.wanted(told.form.settle(case["answers"], day), CLOSED_AT_WEEKENDS)
        assert told.wanted(told.form.settle(case["answers"], day), CLOSED_AT_WEEKENDS) == first


def test_what_somebody_brings_besides_depends_on_their_answers(library: Library) -> None:
    told = interview(library, "move-in")
    plain = {"from": "japan", "children": False, "insurance": "work", "care": False, "disability": False}

    def brought(**answers: object) -> tuple[str, ...]:
        settled = told.form.settle({"moved_on": "2026-12-01", **plain, **answers}, TODAY)
        (moving,) = [each for each in told.wanted(settled, CLOSED_AT_WEEKENDS) if each.slug == "tennyu-yoyaku"]
        return moving.bring

    assert brought() == ()
    assert any("パスポート" in thing for thing in brought(**{"from": "abroad"}))


# --- the last day -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "start", "last"),
    [
        (By("/on", "P14D"), "2026-12-01", "2026-12-15"),
        (By("/on", "P14D"), "2026-11-21", "2026-12-07"),  # the 14th day is a Saturday
        (By("/on", "P7D"), "2026-11-16", "2026-11-24"),  # a holiday
        (By("/on", "P14D"), "2026-12-17", "2027-01-04"),  # over the new year
        (By("/on", "P14D", first_day=True), "2026-12-01", "2026-12-14"),
        (By("/on", "P3M"), "2026-11-30", "2027-03-01"),  # 28 February is a Sunday
        (By("/on", "P2Y"), "2026-12-01", "2028-12-01"),
        (By("/on", "-P1D"), "2026-12-07", "2026-12-06"),  # a Sunday: a day later would be late
        (By("/on", workdays=3), "2026-12-07", "2026-12-02"),
        (By("/on", workdays=3), "2026-11-24", "2026-11-18"),  # a weekend and a holiday between
    ],
)
def test_the_last_day_is_counted_as_the_law_counts_it(by: By, start: str, last: str) -> None:
    assert by.day({"on": start}, CLOSED_AT_WEEKENDS) == date.fromisoformat(last)


@pytest.mark.parametrize("answers", [{}, {"on": "2026-2-30"}, {"on": 5}, {"on": None}])
def test_without_the_day_it_starts_from_there_is_no_last_day(answers: Raw) -> None:
    assert By("/on", "P14D").day(answers, CLOSED_AT_WEEKENDS) is None


@pytest.mark.parametrize(("by", "start"), [(By("/on", "P9999Y"), "9999-12-30"), (By("/on", workdays=60), "0001-01-01")])
def test_a_deadline_beyond_the_calendar_is_no_day(by: By, start: str) -> None:
    assert by.day({"on": start}, CLOSED_AT_WEEKENDS) is None


# --- what is found wrong ----------------------------------------------------------------------------------------------


def put(pointer: str, value: object) -> Callable[[Raw], None]:
    def change(raw: Raw) -> None:
        *way, last = pointer[1:].split("/")
        node: Any = raw
        for part in way:
            node = node[int(part)] if isinstance(node, list) else node[part]
        if isinstance(node, list):
            node[int(last)] = value
        else:
            node[last] = value

    return change


NOBODY = {"properties": {"nobody": {"const": True}}, "required": ["nobody"]}
NAME = {"type": "string", "title": "氏名", "maxLength": 50}


@pytest.mark.parametrize(
    ("change", "pointer", "said"),
    [
        (put("/procedures/0/slug", "risai-shomeisho"), "/procedures/0/slug", "risai-shomeisho という手続はありません"),
        (put("/procedures/1/slug", "risai-shomei"), "/procedures/1/slug", "risai-shomei が2度あります"),
        (put("/procedures/0/when", NOBODY), "/procedures/0/when", "条件が /nobody を見ていますが"),
        (put("/procedures/0/bring", [{"thing": "もの", "when": NOBODY}]), "/procedures/0/bring/0/when", "/nobody"),
        (put("/procedures/0/by", {"from": "/cause", "within": "P14D"}), "/procedures/0/by/from", "日付の質問は"),
        (put("/procedures/0/by", {"within": "P14D"}), "/procedures/0/by", "期限の書き方が違います"),
        (put("/procedures/0/by", {"from": "/cause"}), "/procedures/0/by", "期限の書き方が違います"),
        (put("/procedures/0/elsewhere", {"title": "届", "where": "国"}), "/procedures/0/elsewhere", "宣言のある手続"),
        (put("/procedures/0/whie", "なぜ"), "/procedures/0/whie", "whie というキーはありません"),
        (lambda raw: raw["procedures"][0].pop("why"), "/procedures/0/why", "why がありません"),
        (put("/schema/properties/hard", NAME), "/schema/properties/hard", "ここでは聞けません"),
        (put("/cases/3/expect/procedures", []), "/cases/3/expect/procedures", "すすめる手続は risai-shomei になります"),
        (put("/cases/3/expect/by", {"risai-shomei": "2026-12-15"}), "/cases/3/expect/by/risai-shomei", "日付なし"),
        (put("/cases/3/answers/cause", "war"), "/cases/3/answers/cause", "この回答は通りません"),
        (put("/cases/3/answers/dog", True), "/cases/3/answers/dog", "この回答は通りません"),
        (put("/cases/2/answers/gone", True), "/cases/2/answers/gone", "聞かれない質問の回答です"),
        (lambda raw: raw["cases"].pop(1), "/procedures/2", "kasai-risai-shomei をすすめる試験がありません"),
        (lambda raw: raw.update(cases=raw["cases"][:2]), "/cases", "少なすぎます"),
        (put("/ui/steps/0/fields/1", "/couse"), "/ui/steps/0/fields/1", "/couse という項目はありません"),
        (put("/schema/properties/cause/titel", "何"), "/schema/properties/cause/titel", "titel というキーはありません"),
        (
            put("/schema/properties/hard", {"$ref": "urn:kakanai:common#/$defs/nothing"}),
            "/schema/properties/hard/$ref",
            "参照先が",
        ),
    ],
)
def test_a_slip_is_named_with_its_file_and_its_place(desk: Desk, change: Any, pointer: str, said: str) -> None:
    found = desk.found(change)
    assert any(
        (name, place) == ("disaster.json", f"/interview{pointer}") and said in problem for name, place, problem in found
    ), found


def test_more_questions_than_fit_a_short_interview_are_refused(desk: Desk) -> None:
    def longer(raw: Raw) -> None:
        more = {f"more_{i}": {"type": "boolean", "title": f"質問{i}"} for i in range(MOST_QUESTIONS)}
        raw["schema"]["properties"] |= more
        raw["ui"]["steps"][0]["fields"] += [f"/{name}" for name in more]

    assert ("disaster.json", "/interview/schema", "質問が 17 あります") in desk.found(longer)


def test_a_shipped_interview_alone_has_nothing_wrong(desk: Desk) -> None:
    assert desk.found(lambda raw: None) == []


def test_advice_for_what_no_declaration_describes_says_where_to_go(library: Library) -> None:
    told = interview(library, "death")
    settled = told.form.settle(told.cases[0]["answers"], TODAY)
    first: Advice = told.wanted(settled, CLOSED_AT_WEEKENDS)[0]
    assert first.elsewhere is not None
    assert first.elsewhere.title == "死亡届"
    assert first.slug not in library.declarations
