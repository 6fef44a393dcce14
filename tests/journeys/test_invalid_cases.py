"""Every invalid case of every declaration, on the pages: exactly the declared errors, each beside its question and in
the summary that leads there."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pytest

from procedures.declaration import Declaration
from tests.journeys.conftest import Town
from tests.journeys.filing import cases, filed_online, is_valid
from tests.journeys.pages import Page, Resident, answered, missing_rows, wanted_files

INVALID = [each for each in cases() if filed_online(*each.values) and not is_valid(each.values[1])]
ERROR = "-error"
UNSIGNED = {"": "ASSURANCE_REQUIRED"}
"""The case says who may not submit; the pages ask them to sign in."""


@pytest.mark.parametrize(("declaration", "case"), INVALID)
def test_what_is_wrong_is_named_beside_its_question_and_in_the_summary(
    declaration: Declaration, case: dict[str, Any], town: Town
) -> None:
    resident = Resident(town.on(date.fromisoformat(case["today"]) if "today" in case else None))
    page = resident.open(f"/procedures/{declaration.slug}/apply")
    check, beside, listed = walked(resident, page, case["answers"], case.get("attachments", {}))
    declared = case["expect"]["errors"]
    if declared == UNSIGNED:
        assert not beside
        assert any("/signin?" in href for _, href in check.links)
        return
    wrong = [pointer for pointer, code in declared.items() if not mended(declaration, pointer, code)]
    questions = {f"f-{pointer.replace('attachment:', '/attachment/')[1:].replace('/', '-')}" for pointer in wrong}
    assert beside <= questions, "beside the questions"
    assert len(listed) == len(beside), "in the summaries of the steps"
    led = [href for _, href in check.links if "?check=1#" in href]
    assert len(led) == len(questions), "on the check page"
    for href in led:
        step = resident.open(href)
        assert urlsplit(href).fragment in step.ids, f"{href} leads nowhere"
        beside |= with_errors(step)
    assert beside == questions, "beside the questions, also where a later answer made an earlier one wrong"
    assert not any(form.action.endswith("/submit") for form in check.forms)


def mended(declaration: Declaration, pointer: str, code: str) -> bool:
    """What a machine is told of, and a page puts right: kana typed otherwise, and what stands there to begin with."""
    field = declaration.form.fields.get(re.sub("/[0-9]+", "/*", pointer))
    schema = field.schema if field else {}
    return (code == "format" and schema.get("format") == "kana") or (code == "required" and "default" in schema)


def walked(
    resident: Resident, page: Page, answers: dict[str, Any], files: dict[str, int]
) -> tuple[Page, set[str], list[str]]:
    """From step to step to the check page, going on by 'save' where a step does not let one pass: the check page,
    the questions with an error beside them, and the lines of the summaries."""
    beside: set[str] = set()
    listed: list[str] = []
    for _ in range(60):
        if page.path.endswith("/check"):
            return page, beside, listed
        form = page.form(control="_rev")
        typed = answered(form, answers)
        if add := missing_rows(form, answers):
            page = resident.press(page, form, typed, button=("_do", add))
            continue
        handed = wanted_files(form, files)
        page = resident.press(page, form, typed, button=("_do", "next"), files=handed)
        again = page.form(control="_rev") if page.status == 422 else None
        if again is None or missing_rows(again, answers) or not_yet(again, typed, answers, handed, files):
            continue  # the page went on, or asks more than it did
        beside |= with_errors(page)
        listed += [href for _, href in page.links if href.startswith("#f-")]
        page = past(resident, page, typed)
    raise AssertionError(f"no end at {page.url}")


def with_errors(page: Page) -> set[str]:
    """The questions with an error beside them."""
    return {each.removesuffix(ERROR) for each in page.ids if each.startswith("f-") and each.endswith(ERROR)}


def not_yet(form: Any, typed: object, answers: dict[str, Any], handed: object, files: dict[str, int]) -> bool:
    return bool(answered(form, answers) != typed or wanted_files(form, files) != handed)


def past(resident: Resident, page: Page, typed: dict[str, list[str]]) -> Page:
    """Save what is wrong as it stands, and open the step that comes next. A 個人番号 that is none is not kept, which is
    told: it is left blank."""
    saved = resident.press(page, page.form(control="_rev"), typed, button=("_do", "save"))
    if saved.status == 422:
        numbers = {name: [""] for name in typed if name.endswith("my_number")}
        saved = resident.press(saved, saved.form(control="_rev"), typed | numbers, button=("_do", "save"))
    here = next(href for _, href in saved.links if href.startswith("/drafts/"))
    base, _, number = here.rpartition("/")
    onward = resident.open(f"{base}/{int(number) + 1}")
    while (
        onward.status == 200
        and not onward.path.endswith("/check")
        and not onward.form(control="_rev").names() - {"_rev"}
    ):
        onward = resident.open(f"{base}/{int(onward.path.rpartition('/')[2]) + 1}")
    return onward if onward.status == 200 else resident.open(f"{base}/check")
