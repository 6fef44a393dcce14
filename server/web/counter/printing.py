"""Printing: one application for the staff, all of a visit, and the resident's own copy.

The browser prints; what is made here is a PDF that can be opened again. So nothing is lost by a printer that is away,
and the pages say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from server.applications.office import NeedsReason
from server.counter.visits import Visit
from server.japan import today
from server.paper import finding
from server.paper.filed import Filed, sheet_of
from server.paper.letters import Lost
from server.paper.press import NoFonts, Press
from server.paper.sheets import Cover, Printed, Sheet, bundle, sheet, unprintable
from server.store.database import Writing
from server.web.badge import Desk, absent, desk, refused, staff
from server.web.contexts import Link
from server.web.counter.visiting import found_visit, open_visit
from server.web.http import page, problem, see_other, services, visitor
from server.web.lost import not_there
from server.web.routing import Access, route

T = TypeVar("T")

CASE: Final = "/office/applications/{number}"


@dataclass(frozen=True, slots=True)
class PrintLine:
    """A sheet. `number` is '' of an application that is not filed yet."""

    title: str
    number: str
    department: str


@dataclass(frozen=True, slots=True)
class PrintPage:
    """staff/print.html. `letters` are printed as 〓, `variants` in their usual form; `protected`: somebody in it is
    under 支援措置; `unfiled`: it is printed to be signed before it is filed."""

    desk: Desk
    lines: Sequence[PrintLine]
    url: str
    back: Link
    letters: Sequence[str]
    variants: Sequence[str]
    protected: bool
    unfiled: bool


async def _sheets(request: Request, found: Sequence[Filed], *, copy: bool = False) -> list[Sheet]:
    of = services(request)
    return [
        sheet_of(each, await of.catalogue.declaration(each.digest, each.slug), of.city, of.settings.base_url, copy=copy)
        for each in found
    ]


async def _pressed(request: Request, work: Callable[[Press], T]) -> T | Response:
    """`work` at the press. A machine without the fonts is the operator's to mend, and the clerk is told so."""
    try:
        return await services(request).press.run(work)
    except NoFonts:
        advice = (
            "印刷に使うフォントが、このサーバーに入っていません。情報システムの担当に、"
            "設定の説明の「FONT_DIR」の行を見て入れるよう頼んでください。申請は保存されています。"
        )
        return refused(request, 503, "いまは印刷できません", advice)


def _pdf(printed: Printed, name: str, *, shown: bool) -> Response:
    """`shown`: the browser opens it, to be printed from there; else it is saved. The name tells nothing of anybody."""
    how = "inline" if shown else "attachment"
    headers = {"content-disposition": f'{how}; filename="{name}.pdf"'}
    return Response(printed.pdf, media_type="application/pdf", headers=headers)


async def _print_page(request: Request, found: Sequence[Filed], url: str, back: Link) -> Response:
    sheets = await _sheets(request, found)
    lost = await _pressed(request, lambda press: unprintable(press, sheets))
    if not isinstance(lost, Lost):
        return lost
    context = PrintPage(
        desk=desk(request),
        lines=[PrintLine(each.title, each.number, each.department) for each in sheets],
        url=url,
        back=back,
        letters=list(lost.letters),
        variants=list(lost.variants),
        protected=any(each.protected for each in found),
        unfiled=not all(each.number for each in found),
    )
    return page(request, "staff/print.html", context)


# --- one case -------------------------------------------------------------------------------------------------------


async def _case(request: Request, *, printed: bool) -> Filed | Response:
    of, who, number, now = services(request), staff(request), request.path_params["number"], services(request).clock()
    found = await of.database.transact(lambda db: finding.for_staff(db, of.keys, who, number, printed=printed, now=now))
    if found is None:
        return absent(request)
    return see_other(CASE.format(number=number)) if isinstance(found, NeedsReason) else found


async def ask(request: Request) -> Response:
    """What will be printed of a case, and what to do when nothing comes out. It is a look at the case."""
    found = await _case(request, printed=False)
    if isinstance(found, Response):
        return found
    here = CASE.format(number=found.number)
    return await _print_page(request, [found], f"{here}/sheet.pdf", Link("申請に戻る", here))


async def case_pdf(request: Request) -> Response:
    """The sheet of a case. Audited as printed."""
    found = await _case(request, printed=True)
    if isinstance(found, Response):
        return found
    (content,), now = await _sheets(request, [found]), services(request).clock()
    made = await _pressed(request, lambda press: sheet(press, content, at=now))
    return _pdf(made, f"sheet-{found.number}", shown=True) if isinstance(made, Printed) else made


# --- a visit --------------------------------------------------------------------------------------------------------


async def _visit(request: Request, *, printed: bool) -> tuple[Visit, list[Filed]] | Response:
    """What was filed in it, or, for whoever leads it, what would be."""
    of, who, now = services(request), staff(request), services(request).clock()
    visit = await found_visit(request)
    if isinstance(visit, Response):
        return visit
    seen = await open_visit(request) if visit.open else None
    if isinstance(seen, Response):
        return seen

    def work(db: Writing) -> list[Filed]:
        if seen is None:
            return finding.of_visit(db, of.keys, who, visit, printed=printed, now=now)
        turn, declarations = seen.turn, seen.declarations
        return finding.of_open_visit(db, of.keys, who, visit, turn, declarations, printed=printed, now=now)

    found = await of.database.transact(work)
    if seen is not None and seen.protected:
        found = [replace(each, protected=True) for each in found]
    return (visit, found) if found else absent(request)


async def ask_visit(request: Request) -> Response:
    """What will be printed of a visit, and what to do when nothing comes out."""
    found = await _visit(request, printed=False)
    if isinstance(found, Response):
        return found
    visit, filed = found
    here = f"/counter/{visit.id}"
    return await _print_page(request, filed, f"{here}/sheets.pdf", Link("この来庁に戻る", here))


async def visit_pdf(request: Request) -> Response:
    """All of a visit in one PDF, behind a list. Audited as printed."""
    found = await _visit(request, printed=True)
    if isinstance(found, Response):
        return found
    visit, filed = found
    contents, of, now = await _sheets(request, filed), services(request), services(request).clock()
    cover = Cover(f"{of.city.name}　{visit.department}", now)
    made = await _pressed(request, lambda press: bundle(press, cover, contents, at=now))
    return _pdf(made, f"sheets-{today(now):%Y%m%d}", shown=True) if isinstance(made, Printed) else made


# --- a resident's own -------------------------------------------------------------------------------------------------


async def copy_pdf(request: Request) -> Response:
    """The resident's own copy (控え), to be kept."""
    of, who, number, now = services(request), visitor(request), request.path_params["number"], services(request).clock()
    found = await of.database.transact(lambda db: finding.for_visitor(db, of.keys, number, who))
    if found is None:
        return await not_there(request)
    (content,) = await _sheets(request, [found], copy=True)
    try:
        made = await of.press.run(lambda press: sheet(press, content, at=now))
    except NoFonts:
        return problem(request, 503)
    return _pdf(made, f"hikae-{number}", shown=False)


ROUTES = [
    route("/applications/{number}/sheet.pdf", copy_pdf, access=Access.APPLICATION),
    route("/office/applications/{number}/print", ask, access=Access.STAFF),
    route("/office/applications/{number}/sheet.pdf", case_pdf, access=Access.STAFF),
    route("/counter/{visit:uuid}/sheets", ask_visit, access=Access.STAFF),
    route("/counter/{visit:uuid}/sheets.pdf", visit_pdf, access=Access.STAFF),
]
