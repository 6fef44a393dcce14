"""Filling in a form: the first step, the draft's steps, and saving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from forms_schema import FieldError, FieldView, Posted, Settled
from forms_schema.text import N_
from forms_schema.view import OnPage, control_id
from procedures.declaration import Assurance, Declaration
from server.applications import drafts, earlier, filling, numbers, uploads
from server.applications.drafts import Content, Draft
from server.applications.filetypes import Unfit
from server.applications.prefill import prefilled
from server.applications.submission import wrong
from server.catalogue import Published
from server.japan import in_japan, today
from server.people.limits import Limit, LimitReached, demand
from server.people.sessions import open_session
from server.services import Services
from server.store import StoreUnavailable
from server.store.database import Reading, Writing
from server.web.contexts import Banner, SavedPage, StepPage
from server.web.http import (
    RETRY_SECONDS,
    PostedFile,
    client,
    form_with_files,
    is_fragment,
    language,
    last,
    page,
    problem,
    see_other,
    services,
    set_session,
    speak,
    visitor,
)
from server.web.public.athand import needs
from server.web.public.guides import cached_page, contact
from server.web.public.pauses import pause_of
from server.web.residents import steps
from server.web.residents.conflicts import conflict, differences
from server.web.residents.files import take_files, with_files
from server.web.residents.opened import Place, placed, spoken, with_earlier
from server.web.routing import Access, route

FORM_WITH_FILES: Final = 100 * 2**20
"""Bytes of a step with its files; each file has its own limit."""
STAYS: Final = frozenset({"add", "remove", "lookup", "town", "refresh"})
"""Buttons that change the page one is on."""
BY_BROWSER: Final = Limit("draft.browser", 60, timedelta(hours=1))
BY_PLACE: Final = Limit("draft.place", 1200, timedelta(hours=1))
"""New drafts. Behind one address stands a library, or thousands of a mobile carrier's phones."""
UNSAVED: Final = N_(
    "いまは保存できませんでした。入力した内容は、この画面に残っています。少し待ってから、もう一度ボタンを押してください。"
)
TOO_MANY: Final = N_(
    "短い時間に多くの申請が始められたため、まだ保存していません。入力した内容は、この画面に残っています。"
    "{minutes}分ほど待ってから、もう一度ボタンを押してください。"
)


# --- the first step, before there is a draft ---------------------------------------------------------------------


async def apply(request: Request) -> Response:
    """The first step: the same bytes for every visitor without a session, and nothing is written."""
    published = _open(request)
    if isinstance(published, Response):
        return published
    declaration = language(request).spoken(await services(request).catalogue.opened(published))
    if visitor(request).session_id is None:
        return cached_page(request, lambda: _step(request, _fresh(request, declaration), personal=False))
    return _step(request, await with_earlier(request, _fresh(request, declaration)))


async def begin(request: Request) -> Response:
    """The first step answered: a draft is made of it, or the page comes back with its errors and no draft."""
    published = _open(request, typed=True)
    if isinstance(published, Response):
        return published
    declaration = language(request).spoken(await services(request).catalogue.opened(published))
    return await _answered(request, await with_earlier(request, _fresh(request, declaration)))


def _open(request: Request, *, typed: bool = False) -> Published | Response:
    """The procedure, if it can be filed online now; else the page that says so. What was typed on a page that was open
    when the procedure was suspended becomes a draft all the same."""
    slug = request.path_params["slug"]
    published = services(request).catalogue.get(slug)
    if published is None:
        return problem(request, 404)
    now = services(request).clock()
    takes = published.takes_drafts(now) if typed else published.takes_online(now)
    return published if takes else see_other(f"/procedures/{quote(slug)}")


def _fresh(request: Request, declaration: Declaration) -> Place:
    day = today(services(request).clock())
    content = Content(declaration.form.start(day))
    return Place(declaration, 0, None, prefilled(declaration.form, content, visitor(request), day))


# --- the draft's steps --------------------------------------------------------------------------------------------


async def show(request: Request) -> Response:
    """A step of a draft; one on which nothing is asked (any more) leads on. `?check` shows what is wrong on it, for
    the links of the check page."""
    place = await placed(request)
    if isinstance(place, Response):
        return place
    form, settled = place.declaration.form, _settled(request, place)
    asked = filling.asked_steps(form, settled)
    if place.number not in asked:
        return _next_step(place, asked)
    errors: Sequence[FieldError] = ()
    if "check" in request.query_params:
        errors = filling.of_step(form, place.number, wrong(form, settled, place.files, place.opening))
    return _step(request, place, turn=filling.Turn(place.content, settled, {}), errors=errors)


def _next_step(place: Place, asked: Sequence[int]) -> Response:
    """The next step on which something is asked, or the check."""
    after = next((number for number in asked if number > place.number), None)
    return see_other(f"{place.base}/check" if after is None else f"{place.base}/{after + 1}")


async def post(request: Request) -> Response:
    """A step answered."""
    place = await placed(request)
    if isinstance(place, Response):
        return place
    return await _answered(request, place)


# --- one turn -----------------------------------------------------------------------------------------------------


async def _answered(request: Request, place: Place) -> Response:
    """Read what was posted and carry it out."""
    async with form_with_files(request) as (posted, files):
        return await _turned(request, place, posted, files)


async def _turned(request: Request, place: Place, posted: Posted, files: Sequence[PostedFile]) -> Response:
    """Carry out the button of a posted page."""
    do = last(posted, "_do", filling.NEXT) or filling.NEXT
    verb, _, where = do.partition(":")
    of = services(request)
    if verb == "language":  # the page again with what was typed, in other words
        speak(request, where)
        place = replace(place, declaration=await spoken(request, place.declaration.digest, place.declaration.slug))
        verb = do = "refresh"
    form, day = place.declaration.form, today(of.clock())
    turn = filling.turn(
        form,
        place.number,
        posted,
        place.content,
        do,
        visitor=visitor(request),
        lookup=of.postal.lookup,
        today=day,
        known=place.known,
    )
    changed = replace(place, content=turn.content)
    by_row = verb == "remove" and place.draft is not None and filling.has_files_by_row(form, where.rpartition("/")[0])
    if verb in ("lookup", "town", "refresh") or (verb in STAYS and is_fragment(request) and not by_row):
        return _step(request, changed, turn=turn, errors=_still_wrong(changed, turn, posted))
    if place.draft is not None and _stale(place.draft, posted):
        if found := await differences(place, turn.content, day):
            return conflict(request, place, found, posted)
        changed = place  # the same page sent twice: what it says is saved already
    try:
        kept, unfit = await take_files(request, place, files, turn.origins)
        errors = _errors(changed, turn, kept, unfit) if verb == filling.NEXT else _unkept(changed, turn)
        if errors and place.draft is None:
            errors = _errors(changed, turn, (), unfit)  # files are kept with a draft only: they are asked for again
        if errors:
            changed, surplus = await with_files(request, changed, kept)
            return _step(request, changed, turn=turn, errors=(*errors, *surplus), status=422)
        missed = filling.unseen(form, place.number, posted, lambda: _settled(request, place), turn.settled)
        return await _saved(request, changed, Pressed(verb, where, posted, turn, kept, unfit, missed))
    except StoreUnavailable:
        return _unsaved(request, changed, turn, 503, RETRY_SECONDS, language(request).say(UNSAVED))
    except LimitReached as error:
        told = language(request).say(TOO_MANY).format(minutes=-(-error.seconds // 60))
        return _unsaved(request, changed, turn, 429, error.seconds, told)


def _unkept(place: Place, turn: filling.Turn) -> tuple[FieldError, ...]:
    """A 個人番号 that is none is told whichever button was pressed: only whole ones can be sealed, and it would be gone
    without a word."""
    lost = numbers.unkeepable(place.declaration.form, turn.content.answers)
    return tuple(error for error in _errors(place, turn, (), ()) if error.pointer in lost) if lost else ()


def _unsaved(request: Request, place: Place, turn: filling.Turn, status: int, seconds: int, told: str) -> Response:
    """The page with everything that was typed, to be sent again in `seconds`."""
    response = _step(request, place, turn=turn, status=status, banner=Banner("warning", told))
    response.headers["retry-after"] = str(seconds)
    return response


def _stale(draft: Draft, posted: Posted) -> bool:
    return last(posted, "_rev") != str(draft.revision)


def _still_wrong(place: Place, turn: filling.Turn, posted: Posted) -> tuple[FieldError, ...]:
    """Of what the page said was wrong, what still is: its questions may change before it is sent again."""
    told = set(posted.get("_wrong", ()))
    return tuple(error for error in _errors(place, turn, (), ()) if error.pointer in told) if told else ()


def _errors(
    place: Place, turn: filling.Turn, kept: Sequence[uploads.Kept], unfit: Sequence[FieldError]
) -> tuple[FieldError, ...]:
    """What is wrong on this step, files included."""
    form = place.declaration.form
    attached = [*place.files, *(file.upload for file in kept)]
    found = filling.of_step(form, place.number, wrong(form, turn.settled, attached, place.opening))
    refused = {error.pointer for error in unfit}
    return (*unfit, *(error for error in found if error.pointer not in refused))


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
    missed: str = ""
    """A question that nobody has seen yet, of those that the answers brought up."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of saving. `token` is of a session opened on the way, `code` resumes the draft elsewhere; `unkept`
    are files that were too many, `files` those to show where the page comes back."""

    draft: Draft | drafts.Conflict
    token: str | None
    code: str
    unkept: Sequence[uploads.Kept]
    files: tuple[uploads.Upload, ...]


async def _saved(request: Request, place: Place, pressed: Pressed) -> Response:
    of, form, answers = services(request), place.declaration.form, place.content.answers
    if numbers.any_typed(form, answers):
        marks = await to_thread.run_sync(numbers.marks, form, answers, of.random)
    else:
        marks = {}
    saved = await of.database.transact(lambda db: _save(db, request, place, pressed, marks))
    await of.intake.discard(saved.unkept)
    if isinstance(saved.draft, drafts.Conflict):
        return await _overtaken(request, place, pressed)
    response = _after(request, replace(place, draft=saved.draft, files=saved.files), pressed, saved)
    if saved.token is not None:
        set_session(request, response, saved.token)
    if is_fragment(request) and "location" in response.headers:
        # the whole page anew: a fragment would leave the old revision in the form around it
        return Response(headers={"hx-redirect": response.headers["location"]})
    return response


def _save(db: Writing, request: Request, place: Place, pressed: Pressed, marks: Mapping[str, str]) -> Saved:
    """Everything a page does to the store, in one transaction."""
    of, who = services(request), visitor(request)
    now, form = of.clock(), place.declaration.form
    content = _without_blanks(place.content) if pressed.verb == filling.NEXT else place.content
    draft, token = place.draft, None
    if draft is None:
        draft, token, again = _begun(db, request, place, pressed)
        if again:
            return Saved(draft, token, "", (), _to_show(db, of, draft, pressed.unfit))
    answers = numbers.sealed_away(db, of.keys, form, content.answers, draft.id, now=now, random=of.random)
    content = replace(content, answers=answers, marks=numbers.marked(form, answers, content.marks, marks))
    saved = drafts.save(db, of.keys, draft, content, who, now=now)
    unkept = [each for each in pressed.kept if uploads.attach(db, each, "draft", draft.id)]
    if isinstance(saved, Draft):
        _follow_rows(db, place, pressed)
    if pressed.verb == "detach":
        uploads.remove(db, pressed.where, "draft", draft.id)
    code = ""
    if pressed.verb == "save" and isinstance(saved, Draft):
        code = drafts.new_resume_code(db, of.keys, draft, random=of.random)
    return Saved(saved, token, code, unkept, _to_show(db, of, draft, [*pressed.unfit, *unkept]))


def _to_show(db: Reading, of: Services, draft: Draft, unfit: Sequence[object]) -> tuple[uploads.Upload, ...]:
    """The files the draft has now. They are opened only where the page comes back, because some were not fit."""
    return uploads.of(db, of.keys, "draft", draft.id) if unfit else ()


def _begun(db: Writing, request: Request, place: Place, pressed: Pressed) -> tuple[Draft, str | None, bool]:
    """A new draft, with the token of a session opened for it; or (True) the one that pressing twice has made already.

    Without a session the two presses cannot be told from two people's: each opens one of its own, and the browser
    keeps the later.
    """
    of, who, now = services(request), visitor(request), services(request).clock()
    token, session_id = None, who.session_id
    if session_id is None:
        token, session_id = open_session(db, now=now, random=of.random)
    page_sent = drafts.first_page(of.keys, session_id, place.declaration.slug, pressed.posted)
    there = drafts.begun_already(db, of.keys, session_id, page_sent, now=now) if token is None else None
    if there is not None:
        return there, token, True
    demand(db, of.keys, (BY_BROWSER, session_id), (BY_PLACE, client(request)), now=now)
    made = drafts.create(db, of.keys, place.declaration, who.at(session_id), begun=page_sent, now=now, random=of.random)
    return made, token, False


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
    fresh = await placed(request)
    if isinstance(fresh, Response):
        return fresh
    day = today(services(request).clock())
    if found := await differences(fresh, place.content, day):
        return conflict(request, fresh, found, pressed.posted)
    return _onward(request, fresh, pressed)


def _without_blanks(content: Content) -> Content:
    """Rows that were shown to be filled in and were not are forgotten with the step."""
    return replace(content, rows={})


def _after(request: Request, place: Place, pressed: Pressed, saved: Saved) -> Response:
    """Where a saved page leads."""
    unfit = [*pressed.unfit, *(uploads.error(each.upload.key, Unfit("count")) for each in saved.unkept)]
    if unfit:
        return _step(request, place, turn=pressed.turn, errors=unfit, status=422)
    if saved.code and place.draft is not None:
        here = f"{place.base}/{place.number + 1}"
        return page(
            request,
            "pages/saved.html",
            SavedPage(place.declaration.title, saved.code, place.draft.until, here, f"{place.base}/handoff"),
        )
    return _onward(request, place, pressed)


def _onward(request: Request, place: Place, pressed: Pressed) -> Response:
    """The page that follows: the next or the previous step on which something is asked, or the same one."""
    asked = filling.asked_steps(place.declaration.form, pressed.turn.settled)
    if pressed.verb == filling.NEXT and pressed.missed:
        return see_other(f"{place.base}/{place.number + 1}#{control_id(steps.control_of(pressed.missed))}")
    if pressed.verb == filling.NEXT:
        return _next_step(place, asked)
    if pressed.verb == "handoff":
        return see_other(f"{place.base}/handoff")
    if pressed.verb == "back":
        before = max((number for number in asked if number < place.number), default=0)
        return see_other(f"{place.base}/{before + 1}")
    if pressed.verb == "signin":
        query = {"next": f"{place.base}/{place.number + 1}"}
        if _reachable(request, place.declaration.assurance):
            query["level"] = place.declaration.assurance.value
        return see_other("/signin?" + urlencode(query))
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
    banner: Banner | None = None,
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
        opening=place.opening,
    )
    made = steps.items(shown)
    if personal and is_fragment(request) and status == 200:  # what is kept for everybody is always a whole page
        renderer = services(request).renderer.speaking(language(request))
        beside = {"asked": shown.asked, "offers": bool(place.known), "earlier": _offered(shown, place)}
        again = renderer.render("components/step_again.html", beside)
        return HTMLResponse(renderer.finished(f"{renderer.questions(made)}{again}"))
    context = replace(
        _step_page(shown, place, made),
        ask=_level_to_ask(request, shown),
        contact=contact(services(request).city, place.declaration.department, language(request)),
        needs=needs(shown.form, place.number),
        pause=pause_of(request, place.declaration.slug),
    )
    if banner is not None:
        context = replace(context, banner=banner)
    return page(request, "pages/step.html", context, status=status, personal=personal)


def _step_page(shown: steps.Shown, place: Place, made: Sequence[FieldView | OnPage]) -> StepPage:
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
        wrong=tuple(error.pointer for error in shown.errors),
        action=place.action,
        rev=str(place.draft.revision) if place.draft else "",
        asked=shown.asked,
        saved_at=place.draft.saved_at if place.draft else None,
        banner=None if shown.errors else steps.card_banner(shown),
        multipart=steps.multipart(shown.form, place.number),
        back=here > 1,
        offers=bool(place.known),
        earlier=_offered(shown, place),
    )


def _level_to_ask(request: Request, shown: steps.Shown) -> str:
    """The level to offer before the applicant's answers: with a card, many need not be typed. '' where it is reached,
    or cannot be reached here."""
    needed = shown.declaration.assurance
    if visitor(request).level.covers(needed) or not _reachable(request, needed):
        return ""
    return needed.value if steps.asks_applicant(shown) else ""


def _reachable(request: Request, needed: Assurance) -> bool:
    """Whether some way to sign in here reaches this level."""
    of = services(request)
    ways = [each.level for each in of.identity.values()] + ([Assurance.EMAIL] if of.mailer else [])
    return any(level.covers(needed) for level in ways)


def _offered(shown: steps.Shown, place: Place) -> date | None:
    """The day of earlier answers that could fill blanks of this step."""
    found = earlier.offer(shown.form, place.number, shown.settled, place.known)
    return in_japan(found.at).date() if found else None


ROUTES = [
    route("/procedures/{slug}/apply", apply, access=Access.VISITOR),
    route("/procedures/{slug}/apply", begin, methods=("POST",), access=Access.VISITOR, body=FORM_WITH_FILES),
    route("/drafts/{draft}/{step:int}", show, access=Access.DRAFT),
    route("/drafts/{draft}/{step:int}", post, methods=("POST",), access=Access.DRAFT, body=FORM_WITH_FILES),
]
