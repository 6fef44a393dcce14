"""Two versions of a draft, and what a resident makes of them."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import pytest

from procedures.declaration import Assurance, Declaration
from server.applications.drafts import Content
from server.applications.filling import PICK, Difference, differences, turn
from server.people.sessions import Visitor
from tests import shipped

TODAY = date(2026, 11, 21)
NOBODY = Visitor(None, None, Assurance.NONE)
EVERY = list(shipped.library().declarations.values())


@pytest.mark.parametrize("declaration", EVERY, ids=lambda each: each.id)
def test_whatever_two_tabs_say_each_difference_can_be_settled_either_way(declaration: Declaration) -> None:
    form = declaration.form
    for one, other in combinations(declaration.cases, 2):
        mine, theirs = Content(one["answers"]), Content(other["answers"])
        found = differences(form, mine, theirs, TODAY)
        assert bool(found) == bool(differences(form, theirs, mine, TODAY))
        assert all(each.mine != each.theirs and each.label for each in found)
        assert len({each.pointer for each in found}) == len(found)


@pytest.mark.parametrize("declaration", EVERY, ids=lambda each: each.id)
def test_a_draft_does_not_differ_from_itself(declaration: Declaration) -> None:
    for case in declaration.cases:
        assert differences(declaration.form, Content(case["answers"]), Content(case["answers"]), TODAY) == ()


def dogs(*names: str) -> Content:
    return Content({"dogs": [{"name": name} for name in names]})


INU = next(each for each in EVERY if each.slug == "inu-toroku").form


def test_a_list_of_another_length_is_one_difference() -> None:
    assert differences(INU, dogs("ポチ"), dogs("ポチ", "タマ"), TODAY)[0].pointer == "/dogs"
    assert [each.pointer for each in differences(INU, dogs("ポチ"), dogs("タマ"), TODAY)] == ["/dogs/0/name"]


@pytest.mark.parametrize(("mine", "theirs"), [(dogs("ポチ"), dogs("タマ")), (dogs("ポチ"), dogs("タマ", "シロ"))])
def test_what_was_picked_from_the_other_tab_stands(mine: Content, theirs: Content) -> None:
    (found,) = differences(INU, mine, theirs, TODAY)
    posted = {"_rows.dogs": ["1"], "dogs.0.name": ["ポチ"]}
    for picked, left in (("mine", 0), ("theirs", 1)):
        asked = posted | {PICK + found.pointer: [picked]}
        made = turn(INU, 0, asked, theirs, "next", visitor=NOBODY, lookup=lambda _: (), today=TODAY).content
        assert [len(differences(INU, each, made, TODAY)) for each in (mine, theirs)] == [left, 1 - left]


def test_two_numbers_read_alike_and_are_told_apart() -> None:
    form = next(each for each in EVERY if each.slug == "jido-teate-nintei-seikyu").form
    tabs = [Content({"acting": "self", "applicant": {"my_number": number}}) for number in ("123456789018", "sealed:0")]
    (found,) = differences(form, tabs[0], tabs[1], TODAY)
    label = "手当を受ける人(請求者) 個人番号(マイナンバー)"
    assert found == Difference("/applicant/my_number", label, "この画面で入力した番号", "先に保存された番号")
