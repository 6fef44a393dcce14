"""Filling in at a kiosk: one question a screen, of a procedure's form or of a life event's guide.

The same compiled form as at home, read and judged alike. A form's answers are a draft of the visit; a guide's, which
say nothing of who somebody is, ride in the visit's own cookie. Every button is answered by a redirect, so that no page
of the history holds what was posted; what is wrong is found again from what was kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import FieldView, Form, Question
from forms_schema.base import Offered, Option
from forms_schema.findings import at
from forms_schema.view import NO_LOOKUPS, Words, anchor, note_view
from procedures.declaration import Declaration
from server.applications.drafts import Content
from server.counter import again, screens
from server.counter.screens import Pressed, Screen
from server.japan import today
from server.web.contexts import ErrorLink
from server.web.http import last, read_form, services
from server.web.kiosk.standing import Around, Way, around, beside, go, screen, set_way
from server.web.residents import steps

KANA: Final = frozenset({"kana", "account-holder"})
"""Formats whose text is made katakana."""


@dataclass(frozen=True, slots=True)
class KioskRow:
    """A row of a list that was filled in so far; `remove` is its button, '' where it must stay."""

    title: str
    text: str
    remove: str


@dataclass(frozen=True, slots=True)
class QuestionScreen:
    """kiosk/question.html: `heading` says whose answer it is, `views` are notes and the question. With `more` it asks
    whether `label` goes on after `rows`; `room`: another one fits. `unsure`: it may be left for the window, though it
    must be answered. `kana`: a box on it is for katakana."""

    kiosk: Around
    title: str
    heading: str
    label: str
    number: int
    total: int
    views: Sequence[FieldView]
    action: str
    back: bool
    unsure: bool
    more: bool
    room: bool
    rows: Sequence[KioskRow]
    kana: bool
    errors: Sequence[ErrorLink]


@dataclass(frozen=True, slots=True)
class Paper:
    """A form as it lies before somebody: `base` is the address of its screens, `done` where the last one leads,
    `left` where the first one leads back to. `keep` writes down what was answered; what it gives is for the cookie."""

    title: str
    form: Form
    content: Content
    base: str
    done: str
    left: str
    keep: Callable[[Content], Awaitable[Way | None]]
    declaration: Declaration | None = None
    leaves: bool = True
    """Whether an answer may be left for the window."""

    def at(self, shown: Screen) -> str:
        return f"{self.base}/{quote(shown.name)}"


# --- one screen -----------------------------------------------------------------------------------------------------


async def show(request: Request, paper: Paper) -> Response:
    """The screen of the address; the first one where there is none of this name any more."""
    settled = screens.settled(paper.form, paper.content, today(services(request).clock()))
    every = screens.screens(paper.form, settled)
    here = next((i for i, each in enumerate(every) if each.name == request.path_params["name"]), None)
    asked = again.asked(paper.form, paper.content, settled)
    if here is None:
        return first(request, paper, asked)
    told = paper.form.errors(settled) if "check" in request.query_params else ()
    wrong = screens.wrong_on(every[here], told)
    words = await _words(request, paper, every[here], steps.words(paper.form, wrong, settled))
    passed = {each.name for each in every[:here]}
    course = sum(each.name in passed for each in asked) + 1, len(asked) + (every[here] not in asked)
    return screen(request, "question", _question(request, paper, every[here], course, words))


def first(request: Request, paper: Paper, every: Sequence[Screen]) -> Response:
    """The first of the screens that are put; a form that asks nothing here is done."""
    return go(request, paper.at(every[0]) if every else paper.done)


def _question(request: Request, paper: Paper, shown: Screen, course: tuple[int, int], words: Words) -> QuestionScreen:
    """`course`: which question it is, of how many."""
    question = shown.question
    notes = [note_view(note, paper.form.speech) for note in shown.notes]
    return QuestionScreen(
        kiosk=around(request),
        title=paper.title,
        heading=shown.heading,
        label=question.field.title,
        number=course[0],
        total=course[1],
        views=notes if shown.more else [*notes, _plain(words.view(question))],
        action=paper.at(shown) + _editing(request, "?"),
        back=True,
        unsure=paper.leaves and question.required and not shown.more,
        more=shown.more,
        room=shown.room,
        rows=_rows(question) if shown.more else (),
        kana=any(each.field.schema.get("format") in KANA for each in _within(question)),
        errors=_links(shown, words.errors),
    )


def _links(shown: Screen, told: Mapping[str, str]) -> list[ErrorLink]:
    """Each error with the way to its box."""
    if shown.more:
        return [ErrorLink("#more", shown.question.field.title, words) for words in told.values()]
    found = [each for each in _within(shown.question) if each.pointer in told]
    return [ErrorLink(f"#{anchor(each)}", each.field.title, told[each.pointer]) for each in found]


def _within(question: Question) -> list[Question]:
    return [question, *(inner for child in question.children for inner in _within(child))]


async def _words(request: Request, paper: Paper, shown: Screen, told: Mapping[str, str]) -> Words:
    """What stands beside the question: errors, the towns of its postal code, the times that can be booked."""
    of, pointer = services(request), shown.question.pointer
    lookups, offers = NO_LOOKUPS, dict[str, Offered]()
    code = at(paper.content.answers, f"{pointer}/postal_code") if "towns" in request.query_params else None
    if isinstance(code, str):
        towns = of.postal.lookup(code)
        lookups = {pointer: tuple(Option(str(i), f"{town.city}{town.town}") for i, town in enumerate(towns))}
    booking = paper.declaration.booking if paper.declaration else None
    if paper.declaration is not None and booking is not None and booking.field == pointer:
        opening = await of.opening(paper.declaration)
        offers = {pointer: opening.offered()} if opening else {}
    return Words(told, {}, lookups, offers)


def _plain(view: FieldView) -> FieldView:
    """Nothing for a browser to fill in: whoever typed last is not whoever stands here. The form says 'off'."""
    return replace(view, autocomplete="", children=tuple(map(_plain, view.children)))


def _rows(question: Question) -> list[KioskRow]:
    least = max(question.field.schema.get("minItems", 0), int(question.required))
    removable = len(question.rows) > least
    return [
        KioskRow(
            f"{question.field.title} {i + 1}",
            "、".join(each.field.kind.text(each.field, each.value) for each in row[:1] if each.value is not None),
            f"remove:{question.pointer}/{i}" if removable else "",
        )
        for i, row in enumerate(question.rows)
    ]


def _editing(request: Request, sign: str) -> str:
    """Goes along while one answer is put right, from the page with all of them."""
    return f"{sign}edit" if "edit" in request.query_params else ""


# --- a button -------------------------------------------------------------------------------------------------------


async def press(request: Request, paper: Paper) -> Response:
    """Read the screen that was posted, keep it, and go where its button leads."""
    posted, of = await read_form(request), services(request)
    day, do = today(of.clock()), last(posted, "_do", "next") or "next"
    at_first = screens.settled(paper.form, paper.content, day)
    before = screens.screens(paper.form, at_first)
    shown = next((each for each in before if each.name == request.path_params["name"]), None)
    if shown is None or do == "over":
        asked = again.asked(paper.form, paper.content, at_first)
        return await beside(request, do, paper.base) or first(request, paper, asked)
    if do == "unsure" and not paper.leaves:
        do = "next"
    pressed = screens.press(paper.form, shown, posted, paper.content, do, of.postal.lookup, day)
    if not shown.more:
        pressed = replace(pressed, content=again.answered_anew(pressed.content, shown.question.pointer))
    kept = await paper.keep(pressed.content)
    here = paper.at(shown) + _editing(request, "?")
    response = await beside(request, do, here) or go(request, _onward(request, paper, before, shown, pressed, do, day))
    if kept is not None:
        set_way(request, response, kept)
    return response


def _onward(
    request: Request, paper: Paper, before: Sequence[Screen], shown: Screen, pressed: Pressed, do: str, day: date
) -> str:
    """The address that a button leads to."""
    verb, settled = do.partition(":")[0], screens.settled(paper.form, pressed.content, day)
    if pressed.again:
        return f"{paper.at(shown)}?again{'&towns' if pressed.towns else ''}{_editing(request, '&')}"
    if verb in ("next", "done") and screens.wrong_on(shown, paper.form.errors(settled)):
        return f"{paper.at(shown)}?check{_editing(request, '&')}"
    if verb in ("next", "unsure", "done") and "edit" in request.query_params:
        return paper.done
    earlier, later = _around(before, again.asked(paper.form, pressed.content, settled), shown)
    if verb == "back":
        return paper.at(earlier[-1]) if earlier else paper.left
    if verb == "add" and (new := _new_row(screens.screens(paper.form, settled), shown)) is not None:
        return paper.at(new)
    return paper.at(later[0]) if later else paper.done


def _around(
    before: Sequence[Screen], now: Sequence[Screen], shown: Screen
) -> tuple[Sequence[Screen], Sequence[Screen]]:
    """The screens before and after one, as they are now. Its own answer may have taken it away."""
    names = [each.name for each in now]
    if shown.name in names:
        here = names.index(shown.name)
        return now[:here], now[here + 1 :]
    old = [each.name for each in before]
    passed = set(old[: old.index(shown.name)])
    return [each for each in now if each.name in passed], [each for each in now if each.name not in passed]


def _new_row(now: Sequence[Screen], shown: Screen) -> Screen | None:
    """The first screen of the row that was added at the end of a list."""
    start = f"{shown.name[:-1]}{len(shown.question.rows)}."
    return next((each for each in now if each.name.startswith(start)), None)
