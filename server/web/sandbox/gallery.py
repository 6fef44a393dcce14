"""Every kind of question on one page, plain and with an error: the specimens as people see them. Sandbox only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Attachment, FieldView, Form, Note, compile_form
from forms_schema.base import FileView, Offer, Offered
from forms_schema.kinds import KINDS, WIDGETS
from forms_schema.messages import message
from forms_schema.view import attachment_view, make_view, note_view
from forms_schema.wareki import ERAS, WESTERN
from server.japan import today
from server.web.contexts import KindsPage, KindSpecimens, Specimen, Typed
from server.web.http import page, services
from server.web.routing import Access, route

SPECIMENS: Final = Path(__file__).parents[3] / "tests" / "specimens"
_ERAS: Final = {WESTERN: "西暦", **{era.key: era.title for era in ERAS}}
Json = dict[str, Any]


async def kinds(request: Request) -> Response:
    """The gallery. Empty where the software is installed without its tests."""
    return page(request, "pages/kinds.html", KindsPage(every_kind(today(services(request).clock()))))


def every_kind(day: date) -> list[KindSpecimens]:
    """Every kind by its name, as on `day`; docs/field-kinds.md is made from the same."""
    return [_kind(json.loads(path.read_text("utf-8")), day) for path in sorted(SPECIMENS.glob("*.json"))]


def _kind(specimens: Json, day: date) -> KindSpecimens:
    kind = specimens["kind"]
    if "schema" in specimens:
        found = list(_asked(specimens, day))
    elif kind == "note":
        found = [_noted(case) for case in specimens["cases"]]
    else:
        found = [_attached(case, i) for i, case in enumerate(specimens["cases"])]
    declare = specimens.get("declare") or specimens["schema"]
    typed = list(_typed(specimens, day)) if "schema" in specimens else []
    return KindSpecimens(
        kind=kind,
        purpose=specimens["purpose"],
        look=specimens["look"],
        declare=json.dumps(declare, ensure_ascii=False),
        widgets=[kind, *WIDGETS.get(kind, ())] if kind in KINDS else [],
        accepts=[each for wrong, each in typed if not wrong],
        refuses=[each for wrong, each in typed if wrong],
        specimens=found,
    )


def _typed(specimens: Json, day: date) -> Iterator[tuple[bool, Typed]]:
    """(whether it is refused, what is typed) of each case; attacks are for the tests alone."""
    for case in specimens["cases"]:
        typed = _posted(case.get("posted", {}))
        if "<script>" in typed:
            continue
        schema = case.get("schema", specimens["schema"])
        form = compile_form({"type": "object", "properties": {"it": schema}, "required": ["it"]})
        answers = {"it": case["value"]} if "value" in case else {}
        settled = form.settle(answers, day)
        question = settled.by_pointer["/it"]
        wrong = _is_wrong(case)
        told = (
            "、".join(_words(form, settled).values())
            if wrong
            else question.field.kind.text(question.field, case["value"])
        )
        yield wrong, Typed(case["title"], typed, told)


def _posted(posted: Mapping[str, Any]) -> str:
    """The controls as somebody fills them in, in one line; a blank for each that is left alone."""
    values = [value[-1] if isinstance(value, list) else value for name, value in posted.items() if name != "_rows"]
    shown = " ".join(_ERAS.get(value, value) for value in values).strip()
    return " ".join("".join(c if c.isprintable() else " " for c in shown).split(" "))[:80]


def _asked(specimens: Json, day: date) -> Iterator[Specimen]:
    """For each schema of a kind, its first good answer and its first bad one."""
    by_schema: dict[str, list[Json]] = {}
    for case in specimens["cases"]:
        schema, ui = case.get("schema", specimens["schema"]), case.get("ui", specimens.get("ui", {}))
        by_schema.setdefault(json.dumps([schema, ui], sort_keys=True), []).append(case | {"schema": schema, "ui": ui})
    for i, cases in enumerate(by_schema.values()):
        good = next((case for case in cases if not _is_wrong(case)), cases[0])
        wrong = [case for case in cases if _is_wrong(case)]
        bad = next((case for case in wrong if "value" in case), wrong[0] if wrong else {**good, "value": None})
        name = f"{specimens['kind']}_{i}"
        yield Specimen(good["title"], _view(good, name, day), _view(bad, f"{name}_wrong", day))


def _is_wrong(case: Json) -> bool:
    return "error" in case or "errors" in case


def _view(case: Json, name: str, day: date) -> FieldView:
    schema = {"type": "object", "properties": {name: case["schema"]}, "required": [name]}
    form = compile_form(schema, ui={"fields": {f"/{name}": _ui(case["ui"])}})
    value = case.get("value")
    settled = form.settle({} if value is None else {name: value}, day)
    errors = _words(form, settled) if name.endswith("_wrong") else {}
    offered = Offered(tuple(Offer(*each) for each in case.get("offers", ())), case.get("note", ""))
    return make_view(settled.questions[0], errors=errors, offers={f"/{name}": offered})


def _ui(ui: Json) -> Json:
    return {key: value for key, value in ui.items() if key in ("title", "hint", "widget")}


def _words(form: Form, settled: Any) -> Mapping[str, str]:
    asked = settled.by_pointer
    errors = [error for error in form.errors(settled) if error.pointer in asked]
    return {e.pointer: message(e, asked[e.pointer].field, asked[e.pointer].field.title) for e in errors}


def _noted(case: Json) -> Specimen:
    view = note_view(Note(case["note"]))
    return Specimen(case["title"], view, view)


def _attached(case: Json, number: int) -> Specimen:
    raw = case["attachment"]
    paper = Attachment(**{**raw, "accept": tuple(raw["accept"])} if "accept" in raw else raw)
    files = [FileView(**file) for file in case.get("files", ())]

    def view(key: str, error: str) -> FieldView:
        return attachment_view(paper, files, case["required"], error, paper.title, key=key)

    return Specimen(case["title"], view(f"plain/{number}", ""), view(f"wrong/{number}", "ファイルを添付してください"))


ROUTES = [route("/_kinds", kinds, access=Access.SANDBOX)]
