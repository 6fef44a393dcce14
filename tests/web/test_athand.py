"""What one is told to have ready for a step."""

from __future__ import annotations

from procedures.declaration import Declaration
from server.web.public.athand import THINGS, needs
from tests.journeys.filing import declared, library


def step(declaration: Declaration, title: str) -> tuple[str, ...]:
    number = next(i for i, each in enumerate(declaration.form.steps) if each.title == title)
    return needs(declaration.form, number)


def test_papers_that_only_some_need_say_so() -> None:
    found = step(declared("juminhyo-utsushi"), "請求する人")
    assert found == ("委任状の写真かPDF(必要な人だけ)", "法定代理人の資格がわかる書類の写真かPDF(必要な人だけ)")


def test_a_number_asked_of_five_people_is_named_once() -> None:
    allowance = declared("jido-teate-nintei-seikyu")
    told = [needs(allowance.form, number) for number in range(len(allowance.form.steps))]
    assert all(len(set(each)) == len(each) for each in told)
    assert any(THINGS["my_number"] in each for each in told)
    assert any(THINGS["account"] in each for each in told)


def test_every_paper_of_every_procedure_is_named_on_the_step_that_asks_for_it() -> None:
    for declaration in library().declarations.values():
        form = declaration.form
        told = " ".join(thing for number in range(len(form.steps)) for thing in needs(form, number))
        assert all(paper.title in told for paper in form.attachments), declaration.slug
