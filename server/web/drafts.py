"""Filling in a form: the first step, the draft's steps, saving, resuming, and the files that go with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from forms_schema import FieldError, FieldView, Posted, Settled
from forms_schema.view import control_id
from procedures.declaration import Declaration
from server.applications import drafts, filling, numbers, uploads
from server.applications.drafts import Content, Draft
from server.applications.prefill import prefilled
from server.applications.submission import number_of
from server.catalogue import Published
from server.japan import today
from server.people.limits import Limit, seconds_to_wait
from server.people.sessions import open_session
from server.store import StoreUnavailable
from server.store.database import Reading, Writing
from server.web import steps
from server.web.contexts import Banner, ConflictPage, Difference, ErrorLink, ResumePage, SavedPage, StepPage
from server.web.http import (
    RETRY_SECONDS,
    PostedFile,
    client,
    is_fragment,
    page,
    problem,
    read_form,
    read_form_with_files,
    see_other,
    services,
    set_session,
    visitor,
)
from server.web.public import cached_page
from server.web.routing import Access, route

FORM_WITH_FILES: Final = 100 * 2**20
"""Bytes of a step with its files; each file has its own limit."""
STAYS: Final = frozenset({"add", "remove", "lookup", "town", "refresh"})
"""Buttons that change the page one is on."""
UNSAVED: Final = Banner(
    "warning",
    "いまは保存できませんでした。入力した内容は、この画面に残っています。少し待ってから、もう一度ボタンを押してください。",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A draft, or the first step before there is one, with everything its page needs."""

    declaration: Declaration
    number: int
    draft: Draft | None
    content: Content
    files: tuple[uploads.Upload, ...] = ()

    @property
    def base(self) -> str:
        return f"/drafts/{self.draft.id}" if self.draft else ""

    @property
    def action(self) -> str:
        return f"{self.base}/{self.number + 1}" if self.draft else f"/procedures/{self.declaration.slug}/apply"


# --- the first step, before there is a draft ---------------------------------------------------------------------


async def apply(request: Request) -> Response:
    """The first step: the same bytes for every visitor without a session, and nothing is written."""
    published = _open(request)
    if isinstance(published, Response):
        return published
    if visitor(request).session_id is None:
        return cached_page(request, lambda: _step(request, _fresh(request, published.declaration), personal=False))
    return _step(request, _fresh(request, published.declaration))


async def begin(request: Request) -> Response:
    """The first step answered: a draft is made of it, or the page comes back with its errors and no draft."""
    published = _open(request)
    if isinstance(published, Response):
        return published
    return await _answered(request, _fresh(request, published.declaration))


def _open(request: Request) -> Published | Response:
    """The procedure, if it can be filed online now; else the page that says so."""
    slug = request.path_params["slug"]
    published = services(request).catalogue.get(slug)
    if published is None:
        return problem(request, 404)
    return published if published.takes_online(services(request).clock()) else see_other(f"/procedures/{quote(slug)}")


def _fresh(request: Request, declaration: Declaration) -> Place:
    day = today(services(request).clock())
    content = Content(declaration.form.start(day))
    return Place(declaration, 0, None, prefilled(declaration.form, content, visitor(request), day))


# --- the draft's steps --------------------------------------------------------------------------------------------


async def show(request: Request) -> Response:
    """A step of a draft; one on which nothing is asked (any more) leads on. `?check` shows what is wrong on it, for
    the links of the check page."""
    place = await _placed(request)
    if isinstance(place, Response):
        return place
    form, settled = place.declaration.form, _settled(request, place)
    asked = filling.asked_steps(form, settled)
    if place.number not in asked:
        return _next_step(place, asked)
    errors: Sequence[FieldError] = ()
    if "check" in request.query_params:
        found = form.errors(settled, Counter(file.key for file in place.files))
        errors = filling.of_step(form, place.number, found)
    return _step(request, place, turn=filling.Turn(place.content, settled, {}), errors=errors)


def _next_step(place: Place, asked: Sequence[int]) -> Response:
    """The next step on which something is asked, or the check."""
    after = next((number for number in asked if number > place.number), None)
    return see_other(f"{place.base}/check" if after is None else f"{place.base}/{after + 1}")


async def post(request: Request) -> Response:
    """A step answered."""
    place = await _placed(request)
    if isinstance(place, Response):
        return place
    return await _answered(request, place)


async def _placed(request: Request) -> Place | Response:
    opened = await open_draft(request)
    if isinstance(opened, Response):
        return opened
    draft, files = opened
    declaration = await services(request).catalogue.declaration(draft.digest, draft.slug)
    number = request.path_params["step"] - 1
    if not 0 <= number < len(declaration.form.steps):
        return problem(request, 404)
    content = prefilled(declaration.form, draft.content, visitor(request), today(services(request).clock()))
    return Place(declaration, number, draft, content, files)


async def open_draft(request: Request) -> tuple[Draft, tuple[uploads.Upload, ...]] | Response:
    """The visitor's draft with its files; the receipt when it was submitted; 404 when it is not theirs."""
    of, who, draft_id = services(request), visitor(request), request.path_params["draft"]
    now = of.clock()

    def work(db: Reading) -> tuple[Draft, tuple[uploads.Upload, ...]] | str | None:
        draft = drafts.load(db, of.keys, draft_id, who, now=now)
        if draft is None:
            return None
        if draft.application_id is not None:
            return number_of(db, draft.application_id)
        return draft, uploads.of(db, of.keys, "draft", draft.id)

    found = await of.database.read(work)
    if found is None:
        return problem(request, 404)
    return see_other(f"/applications/{found}/receipt") if isinstance(found, str) else found


# --- one turn -----------------------------------------------------------------------------------------------------


async def _answered(request: Request, place: Place) -> Response:
    """Read what was posted and carry it out."""
    posted, files = await read_form_with_files(request)
    try:
        return await _turned(request, place, posted, files)
    finally:
        for each in files:
            each.content.close()


async def _turned(request: Request, place: Place, posted: Posted, files: Sequence[PostedFile]) -> Response:
    """Carry out the button of a posted page."""
    do = (posted.get("_do") or [filling.NEXT])[-1] or filling.NEXT
    verb, _, where = do.partition(":")
    of = services(request)
    form, day = place.declaration.form, today(of.clock())
    turn = filling.turn(
        form, place.number, posted, place.content, do, visitor=visitor(request), lookup=of.postal.lookup, today=day
    )
    changed = replace(place, content=turn.content)
    by_row = verb == "remove" and place.draft is not None and filling.has_files_by_row(form, where.rpartition("/")[0])
    if verb in ("lookup", "town", "refresh") or (verb in STAYS and is_fragment(request) and not by_row):
        return _step(request, changed, turn=turn, errors=_still_wrong(changed, turn, posted))
    if place.draft is not None and _stale(place.draft, posted):
        if filling.differences(form, turn.content, place.content, day):
            return _conflict(request, place, turn.content, posted)
        changed = place  # the same page sent twice: what it says is saved already
    try:
        kept, unfit = await _kept(request, place, files, turn.origins)
        errors = _errors(changed, turn, kept, unfit) if verb == filling.NEXT else ()
        if errors and place.draft is None:
            errors = _errors(changed, turn, (), unfit)  # files are kept with a draft only: they are asked for again
        if errors:
            return _step(request, await _with_files(request, changed, kept), turn=turn, errors=errors, status=422)
        return await _saved(request, changed, Pressed(verb, where, posted, turn, kept, unfit))
    except StoreUnavailable:
        return _step(request, changed, turn=turn, status=503)  # with everything that was typed


def _stale(draft: Draft, posted: Posted) -> bool:
    return (posted.get("_rev") or [""])[-1] != str(draft.revision)


def _still_wrong(place: Place, turn: filling.Turn, posted: Posted) -> tuple[FieldError, ...]:
    """Of what the page said was wrong, what still is: its questions may change before it is sent again."""
    told = set(posted.get("_wrong", ()))
    return tuple(error for error in _errors(place, turn, (), ()) if error.pointer in told) if told else ()


def _errors(
    place: Place, turn: filling.Turn, kept: Sequence[uploads.Kept], unfit: Sequence[FieldError]
) -> tuple[FieldError, ...]:
    """What is wrong on this step, files included."""
    form = place.declaration.form
    attached = Counter([file.key for file in place.files] + [file.upload.key for file in kept])
    found = filling.of_step(form, place.number, form.errors(turn.settled, attached))
    refused = {error.pointer for error in unfit}
    return (*unfit, *(error for error in found if error.pointer not in refused))


# --- files --------------------------------------------------------------------------------------------------------


async def _kept(
    request: Request, place: Place, files: Sequence[PostedFile], origins: Mapping[str, Sequence[int]]
) -> tuple[list[uploads.Kept], list[FieldError]]:
    """Store what fits of the posted files; the rest are errors at their questions."""
    of = services(request)
    accepts = {a.key: a.accept for a in place.declaration.form.attachments}
    kept: list[uploads.Kept] = []
    unfit: list[FieldError] = []
    for file in files:
        posted_as = file.control.removeprefix("attachment.").replace(".", "/")
        key = filling.followed(place.declaration.form, origins, posted_as)
        accept = accepts.get(posted_as.partition("/")[0])
        content = _read(file)
        if accept is None or key is None:
            continue
        verdict = uploads.Unfit("size") if file.refused else uploads.fit(content, accept)
        if isinstance(verdict, uploads.Unfit):
            unfit.append(FieldError(f"attachment:{key}", f"file-{verdict.code}", {"limit": uploads.MAX_FILE >> 20}))
            continue
        incoming = uploads.Incoming(key, file.name, verdict, content)
        store = partial(uploads.store, of.blobs, of.keys, incoming, now=of.clock(), random=of.random)
        kept.append(await to_thread.run_sync(store))
    return kept, unfit


def _read(file: PostedFile) -> bytes:
    return b"" if file.refused else file.content.read()


async def _with_files(request: Request, place: Place, kept: Sequence[uploads.Kept]) -> Place:
    """A page with errors keeps the files that came with it, where there is a draft to keep them."""
    if place.draft is None or not kept:
        return place
    draft_id = place.draft.id
    taken = await services(request).database.transact(
        lambda db: [each.upload for each in kept if uploads.attach(db, each, "draft", draft_id) is None]
    )
    return replace(place, files=(*place.files, *taken))


# --- saving -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pressed:
    """A posted page: its button, what it made of the draft, and its files."""

    verb: str
    where: str
    posted: Posted
    turn: filling.Turn
    kept: Sequence[uploads.Kept]
    unfit: Sequence[FieldError]


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of saving. `token` is of a session opened on the way, `code` resumes the draft elsewhere."""

    draft: Draft | drafts.Conflict
    token: str | None
    code: str
    surplus: Sequence[FieldError]


async def _saved(request: Request, place: Place, pressed: Pressed) -> Response:
    saved = await services(request).database.transact(lambda db: _save(db, request, place, pressed))
    if isinstance(saved.draft, drafts.Conflict):
        return await _overtaken(request, place, pressed)
    response = _after(request, replace(place, draft=saved.draft), pressed, saved)
    if saved.token is not None:
        set_session(request, response, saved.token)
    if is_fragment(request) and "location" in response.headers:
        # the whole page anew: a fragment would leave the old revision in the form around it
        return Response(headers={"hx-redirect": response.headers["location"]})
    return response


def _save(db: Writing, request: Request, place: Place, pressed: Pressed) -> Saved:
    """Everything a page does to the store, in one transaction."""
    of, who = services(request), visitor(request)
    now, form = of.clock(), place.declaration.form
    content = _without_blanks(place.content) if pressed.verb == filling.NEXT else place.content
    draft, token = place.draft, None
    if draft is None:
        session_id = who.session_id
        if session_id is None:
            token, session_id = open_session(db, now=now, random=of.random)
        draft = drafts.create(db, of.keys, place.declaration, who.at(session_id), now=now, random=of.random)
    answers = numbers.sealed_away(db, of.keys, form, content.answers, draft.id, now=now, random=of.random)
    saved = drafts.save(db, of.keys, draft, replace(content, answers=answers), who, now=now)
    surplus = [f"attachment:{each.upload.key}" for each in pressed.kept if uploads.attach(db, each, "draft", draft.id)]
    if isinstance(saved, Draft):
        _follow_rows(db, place, pressed)
    if pressed.verb == "detach":
        uploads.remove(db, pressed.where, "draft", draft.id)
    code = ""
    if pressed.verb == "save" and isinstance(saved, Draft):
        code = drafts.new_resume_code(db, of.keys, draft, random=of.random)
    return Saved(saved, token, code, [FieldError(each, "file-count", {"limit": uploads.MAX_FILES}) for each in surplus])


def _follow_rows(db: Writing, place: Place, pressed: Pressed) -> None:
    """Files of a row go where their row went, or away with it."""
    for file in place.files:
        key = filling.followed(place.declaration.form, pressed.turn.origins, file.key)
        if key is None:
            uploads.remove(db, file.id, "draft", place.draft.id if place.draft else "")
        elif key != file.key:
            uploads.rekey(db, file.id, key)


async def _overtaken(request: Request, place: Place, pressed: Pressed) -> Response:
    """Another post saved between our look and our save: if it said the same, all is well."""
    fresh = await _placed(request)
    if isinstance(fresh, Response):
        return fresh
    day = today(services(request).clock())
    if filling.differences(fresh.declaration.form, place.content, fresh.content, day):
        return _conflict(request, fresh, place.content, pressed.posted)
    return _onward(fresh, pressed)


def _without_blanks(content: Content) -> Content:
    """Rows that were shown to be filled in and were not are forgotten with the step."""
    return replace(content, rows={})


def _after(request: Request, place: Place, pressed: Pressed, saved: Saved) -> Response:
    """Where a saved page leads."""
    unfit = [*pressed.unfit, *saved.surplus]
    if unfit:
        return _step(request, place, turn=pressed.turn, errors=unfit, status=422)
    if saved.code and place.draft is not None:
        here = f"{place.base}/{place.number + 1}"
        return page(
            request,
            "pages/saved.html",
            SavedPage(place.declaration.title, saved.code, place.draft.expires_at, here),
        )
    return _onward(place, pressed)


def _onward(place: Place, pressed: Pressed) -> Response:
    """The page that follows: the next or the previous step on which something is asked, or the same one."""
    asked = filling.asked_steps(place.declaration.form, pressed.turn.settled)
    if pressed.verb == filling.NEXT:
        return _next_step(place, asked)
    if pressed.verb == "back":
        before = max((number for number in asked if number < place.number), default=0)
        return see_other(f"{place.base}/{before + 1}")
    rows = pressed.turn.content.rows.get(pressed.where, 0) if pressed.verb == "add" else 0
    anchor = f"#{control_id(steps.control_of(pressed.where))}-{rows - 1}" if rows else ""  # the new row
    return see_other(f"{place.base}/{place.number + 1}{anchor}")


# --- pages --------------------------------------------------------------------------------------------------------


def _settled(request: Request, place: Place) -> Settled:
    form = place.declaration.form
    day = today(services(request).clock())
    return form.settle(place.content.answers, day, filling.shown_rows(form, place.content))


def _step(
    request: Request,
    place: Place,
    *,
    turn: filling.Turn | None = None,
    errors: Sequence[FieldError] = (),
    status: int = 200,
    personal: bool = True,
) -> Response:
    settled = turn.settled if turn else _settled(request, place)
    shown = steps.Shown(
        declaration=place.declaration,
        number=place.number,
        content=place.content,
        settled=settled,
        errors=errors,
        files=place.files,
        towns=turn.towns if turn else {},
        base=place.base,
    )
    made = steps.views(shown)
    if personal and is_fragment(request) and status == 200:  # what is kept for everybody is always a whole page
        return HTMLResponse(services(request).renderer.questions(made))
    context = _step_page(shown, place, made)
    if status == 503:
        context, headers = replace(context, banner=UNSAVED), {"retry-after": str(RETRY_SECONDS)}
        return page(request, "pages/step.html", context, status=status, headers=headers)
    return page(request, "pages/step.html", context, status=status, personal=personal)


def _step_page(shown: steps.Shown, place: Place, made: Sequence[FieldView]) -> StepPage:
    marks = steps.marks(shown, now=place.number)
    here = next((mark.number for mark in marks if mark.state == "now"), 1)
    return StepPage(
        title=place.declaration.title,
        slug=place.declaration.slug,
        number=here,
        total=len(marks),
        step_title=shown.form.steps[place.number].title,
        steps=marks,
        views=made,
        errors=steps.summary(shown, made),
        wrong=[error.pointer for error in shown.errors],
        action=place.action,
        rev=str(place.draft.revision) if place.draft else "",
        saved_at=place.draft.saved_at if place.draft else None,
        banner=None if shown.errors else steps.card_banner(shown, made),
        multipart=steps.multipart(shown.form, place.number),
        back=here > 1,
    )


def _conflict(request: Request, place: Place, mine: Content, posted: Posted) -> Response:
    """Two tabs saved different things: both are shown, and the resident chooses."""
    form, day = place.declaration.form, today(services(request).clock())
    found = filling.differences(form, mine, place.content, day)
    kept = [(name, value) for name, values in posted.items() for value in values if name != "_rev"]
    conflict = ConflictPage(
        title=place.declaration.title,
        step_title=form.steps[place.number].title,
        differences=[Difference(each.label, each.mine, each.theirs) for each in found],
        hidden=kept,
        action=place.action,
        rev=str(place.draft.revision) if place.draft else "",
        theirs_url=place.action,
    )
    return page(request, "pages/conflict.html", conflict, status=409)


# --- resuming, files ----------------------------------------------------------------------------------------------

BY_CODE: Final = Limit("draft.resume", 20, timedelta(hours=1))


async def resume_page(request: Request) -> Response:
    """Where the code of a saved draft is typed."""
    return page(request, "pages/resume.html", ResumePage())


async def resume(request: Request) -> Response:
    """The draft of a code, in this browser from now on."""
    of, who = services(request), visitor(request)
    code = ((await read_form(request)).get("code") or [""])[-1]
    now, place = of.clock(), client(request)

    def work(db: Writing) -> tuple[Draft, str | None] | int | None:
        wait = seconds_to_wait(db, of.keys, BY_CODE, place, now=now)
        return wait or drafts.resume(db, of.keys, code, who, now=now, random=of.random)

    found = await of.database.transact(work)
    if isinstance(found, int):
        return problem(request, 429, retry_after=found)
    if found is None:
        told = "再開コードが違うか、保存の期限が過ぎています。12文字をもう一度確かめてください。"
        wrong = ErrorLink("#f-code", "再開コード", told)
        return page(request, "pages/resume.html", ResumePage([wrong], code[:40]), status=422)
    draft, token = found
    response = see_other(f"/drafts/{draft.id}/1")
    if token is not None:
        set_session(request, response, token)
    return response


async def file(request: Request) -> Response:
    """A file of the draft, as it was handed in; never shown as a page of ours."""
    opened = await open_draft(request)
    if isinstance(opened, Response):
        return opened
    return await download(request, "draft", opened[0].id)


async def download(request: Request, owner_kind: str, owner_id: str) -> Response:
    """The content of an owner's file, to be saved rather than shown: what is in it is not ours."""
    of, upload_id = services(request), request.path_params["file"]
    stored = await of.database.read(lambda db: uploads.one(db, of.keys, upload_id, owner_kind, owner_id))
    if stored is None:
        return problem(request, 404)
    content = await to_thread.run_sync(stored.content, of.blobs)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(stored.upload.name)}",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(content, media_type=stored.upload.media_type, headers=headers)


ROUTES = [
    route("/procedures/{slug}/apply", apply, access=Access.VISITOR),
    route("/procedures/{slug}/apply", begin, methods=("POST",), access=Access.VISITOR, body=FORM_WITH_FILES),
    route("/drafts/{draft}/{step:int}", show, access=Access.DRAFT),
    route("/drafts/{draft}/{step:int}", post, methods=("POST",), access=Access.DRAFT, body=FORM_WITH_FILES),
    route("/drafts/{draft}/files/{file}", file, access=Access.DRAFT),
    route("/resume", resume_page, access=Access.VISITOR),
    route("/resume", resume, methods=("POST",), access=Access.VISITOR),
]
