"""Which procedures are called together: every one of the city's in one queue, and what is wrong in the file is said."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from procedures.check import CITY
from procedures.city import load_city
from procedures.library import ROOT, Library
from procedures.queues import SHAPE, QueueTable, read_queues
from tests import shipped


@pytest.fixture(scope="module")
def library() -> Library:
    return shipped.library()


def test_every_procedure_is_in_the_queue_of_its_department_or_in_the_one_that_names_it(library: Library) -> None:
    table, offer = library.shared.queues, library.declarations
    found = Counter(table.of(each.slug, each.department).id for each in offer.values())
    assert sum(found.values()) == len(offer) == 200
    assert set(found) == set(table.queues), "a queue for which nobody could come"
    named = [slug for queue in table.queues.values() for slug in queue.slugs]
    assert set(named) <= set(offer)
    for queue in table.queues.values():
        for slug in queue.slugs:
            assert table.of(slug, offer[slug].department) is queue


def test_every_department_has_its_queue_and_no_queue_has_a_department_that_is_not_there(library: Library) -> None:
    departments = [name for queue in library.shared.queues.queues.values() for name in queue.departments]
    assert sorted(departments) == sorted(load_city(CITY).departments)


def test_letters_are_none_that_are_read_as_figures(library: Library) -> None:
    letters = [queue.letter for queue in library.shared.queues.queues.values()]
    assert len(set(letters)) == len(letters) and not set(letters) & set("IO")


def test_a_number_is_read_with_its_letter_and_three_figures(library: Library) -> None:
    table = library.shared.queues
    assert [table.number("juki", 12), table.number("juki", 1234), table.number("gone", 7)] == [
        "A-012",
        "A-1234",
        "007",
    ]
    assert (table.title("card"), table.title("gone")) == ("マイナンバーカード", "gone")


def test_what_a_new_department_offers_is_called_at_the_general_queue(library: Library) -> None:
    assert library.shared.queues.of("something-new", "新しい課").id == "annai"
    with pytest.raises(LookupError):
        QueueTable().of("something-new", "新しい課")


def queue(name: str, letter: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "letter": letter, "title": name, "minutes": 5} | more


@pytest.mark.parametrize(
    ("raw", "place", "told"),
    [
        ([queue("a", "A", rest=True), queue("b", "A")], "/1/letter", "A は「a」にもあります"),
        ([queue("a", "A", rest=True), queue("a", "B")], "/1/id", "a は「a」にもあります"),
        (
            [queue("a", "A", rest=True, departments=["税務課"]), queue("b", "B", departments=["x", "税務課"])],
            "/1/departments/1",
            "税務課 は「a」にもあります",
        ),
        (
            [queue("a", "A", rest=True, slugs=["x"]), queue("b", "B", slugs=["x"])],
            "/1/slugs/0",
            "x は「a」にもあります",
        ),
        ([queue("a", "A")], "", "そのほかの手続を呼ぶ組が0つあります"),
        ([queue("a", "A", rest=True), queue("b", "B", rest=True)], "", "そのほかの手続を呼ぶ組が2つあります"),
    ],
)
def test_what_can_stand_in_one_queue_alone_is_said_where_it_stands_again(raw: Any, place: str, told: str) -> None:
    assert SHAPE.faults(raw) == []
    (fault,) = read_queues(raw)[1]
    assert (fault.pointer, fault.problem) == (place, told)


@pytest.mark.parametrize(
    "raw", [[], [queue("a", "a")], [queue("a", "AB")], [queue("A", "A")], [queue("a", "A", rest=False)]]
)
def test_a_file_of_another_shape_is_refused(raw: Any) -> None:
    assert SHAPE.faults(raw)


def test_the_file_is_one_that_the_check_reads(library: Library) -> None:
    raw = json.loads((ROOT / "queues.json").read_text("utf-8"))
    assert SHAPE.faults(raw) == [] and read_queues(raw)[1] == []
    assert list(library.shared.queues.queues) == [each["id"] for each in raw]
