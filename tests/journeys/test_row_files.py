"""Files that belong to a row of a repeating group."""

from __future__ import annotations

from starlette.testclient import TestClient

from tests import shipped
from tests.journeys.pages import PDF, Resident, answered, missing_rows


def test_a_file_goes_where_its_row_goes(site: TestClient) -> None:
    resident = Resident(site)
    declaration = shipped.library().declarations["inu-toroku"]
    each = next(item for item in declaration.attachments if item.get("each") == "/dogs")
    case = next(case for case in declaration.cases if len(case["answers"].get("dogs", ())) > 2)
    answers = dict(case["answers"])
    asked = [i for i in range(len(answers["dogs"])) if f"{each['key']}/{i}" in case.get("attachments", {})]
    last = asked[-1]
    assert last > 0
    page = resident.open("/procedures/inu-toroku/apply")
    while missing_rows(page.form(control="_rev"), answers):
        form = page.form(control="_rev")
        page = resident.press(page, form, answered(form, answers), button=("_do", missing_rows(form, answers)))
    form = page.form(control="_rev")
    page = resident.press(page, form, answered(form, answers), button=("_do", "refresh"))
    name = f"attachment.{each['key']}.{last}"
    files = {name: [("of-the-last-dog.pdf", PDF, "application/pdf")]}
    form = page.form(control=name)
    page = resident.press(page, form, button=("_do", f"upload:{each['key']}/{last}"), files=files)
    assert "of-the-last-dog.pdf" in page.text
    form = page.form(control="_rev")
    page = resident.press(page, form, button=("_do", "remove:/dogs/0"))
    moved = page.html.index("of-the-last-dog.pdf")
    here = page.html.rindex(f'id="f-attachment-{each["key"]}-', 0, moved)
    assert page.html[here:].startswith(f'id="f-attachment-{each["key"]}-{last - 1}')
