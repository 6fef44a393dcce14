"""A tablet at a window: it shows the resident what is entered, hears what they say of it, and takes their signature.

Everything is at one address, and what is shown there is the server's word at each look: after the end of a pairing
Back, Forward and Reload lead to a page that asks for a number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from forms_schema.text import N_, clean
from server.counter import confirmation, mirror, pairing, visits, windows
from server.counter.confirmation import Confirmation, Moved
from server.counter.identity import has_number
from server.counter.mirror import Line, Paper, Shown
from server.counter.pairing import Choice, Pairing, Refusal, Remark, Said, TooOften, Verdict
from server.counter.visits import Visit
from server.people import devices
from server.store.database import Reading, Writing
from server.web.device import device, device_token, only
from server.web.http import is_fragment, language, last, page, problem, read_form, see_other, services, speak
from server.web.routing import Access, route
from server.web.stream import over, stream

HOME: Final = "/tablet"
KIND: Final = "tablet"
_ANEW: Final = {"clear-site-data": '"cache", "storage"'}
"""Nothing of the last person stays in the browser, its pages kept for Back neither."""

UNKNOWN: Final = N_("番号がちがうか、期限(5分)が切れています。職員の画面に出ている番号を、もう一度入力してください")
ELSEWHERE: Final = N_(
    "この番号は、ほかの窓口のものです。このタブレットは「{window}」のものです。番号の出ている窓口のタブレットに入力してください"
)
NOWHERE: Final = N_("このタブレットには、置き場所の窓口が登録されていません。情報システムの担当に連絡してください")
WAIT: Final = N_("番号のまちがいが続いたため、止めています。{minutes}分ほど待ってください")
CHANGED: Final = N_("見ているあいだに、内容が変わりました。いまの内容を、もう一度確かめてください。")
DONE: Final = N_("もう確認が済んでいます。ちがうところは、職員に話してください。")
NUMBERED: Final = N_("数字12けたの番号(マイナンバーなど)は書かないでください。職員に、口で伝えてください。")
UNDRAWN: Final = N_("署名を読み取れませんでした。枠の中に、もう一度書いてください。下のボタンで伝えることもできます。")


@dataclass(frozen=True, slots=True)
class IdlePage:
    """tablet/idle.html: where the number is typed. `window`: the label of the window it stands at, '' for none."""

    window: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One answer. `verdict`: 'right', 'wrong' or ''; `choice` as in `pairing.Choice`. `changed`: it is another than
    was confirmed. `open`: more is asked of what is wrong."""

    line: Line
    verdict: str = ""
    choice: str = ""
    words: str = ""
    changed: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together. `stamp` is of all its answers, `right`: all were said to be right."""

    key: str
    title: str
    whose: str
    stamp: str
    rows: Sequence[Row]
    right: bool


@dataclass(frozen=True, slots=True)
class Application:
    """`again`: its answers that an application further up has shown, so that nobody reads them twice."""

    title: str
    sections: Sequence[Section]
    again: Sequence[Row]


@dataclass(frozen=True, slots=True)
class ShownPage:
    """tablet/shown.html, and what tablet/mirror.html and tablet/sign.html hold. `mark` is its state and `of` the
    pairing; `state` is 'open', 'confirmed' or 'void' (confirmed, and changed since); `wrong` counts the answers that
    were said to be wrong; `notice` is said once above it. `refresh`: without script it is loaded again by itself."""

    of: str
    mark: str
    applications: Sequence[Application]
    asking: Sequence[str]
    done: bool
    veiled: bool
    state: str
    confirmed_at: datetime | None
    wrong: int
    notice: str = ""
    refresh: bool = True


@dataclass(frozen=True, slots=True)
class Screen:
    """What a tablet is allowed to show now."""

    pairing: Pairing
    visit: Visit
    latest: Confirmation | None
    seen: Mapping[str, str]
    """Stamps of what was confirmed, where it stands no longer."""
    shown: Shown

    @property
    def said(self) -> Said:
        return self.pairing.said

    @property
    def mark(self) -> str:
        return self.pairing.mark


# --- who is asking ---------------------------------------------------------------------------------------------------


async def _screen(request: Request) -> Screen | None:
    """What the device shows; None for nothing. From here on it is told in the resident's language."""
    of, who, now = services(request), device(request), services(request).clock()

    def work(db: Reading) -> tuple[Pairing, Visit, Confirmation | None, Mapping[str, str]] | None:
        found = pairing.of_device(db, of.keys, who.id, now=now)
        visit = visits.load(db, of.keys, found.visit_id, now=now) if found is not None else None
        if found is None or visit is None or not visit.open:
            return None
        latest = confirmation.latest(db, visit.id)
        void = latest is not None and not confirmation.stands(latest, visit)
        kept = confirmation.kept(db, of.keys, latest.id) if latest is not None and void else None
        return found, visit, latest, mirror.stamps(kept.seen) if kept is not None else {}

    found = await of.database.read(work)
    if found is None:
        return None
    paired, visit, latest, seen = found
    speak(request, paired.said.language)
    shown = await of.mirrors.shown(of, visit, language(request))
    # the visit may have been saved between the two looks: the mark says what is shown
    return Screen(replace(paired, visit_revision=visit.revision), visit, latest, seen, shown)


def _shown(screen: Screen, *, at: str = "", notice: str = "") -> ShownPage:
    again = screen.shown.again
    applications = [_application(paper, screen, again, at) for paper in screen.shown.papers if paper.parts]
    rows = [row for each in applications for section in each.sections for row in section.rows]
    latest = screen.latest
    state = "open" if latest is None else "confirmed" if confirmation.stands(latest, screen.visit) else "void"
    return ShownPage(
        of=screen.pairing.id,
        mark=screen.mark,
        applications=applications,
        asking=screen.shown.asking,
        done=screen.shown.done,
        veiled=screen.shown.veiled,
        state=state,
        confirmed_at=latest.confirmed_at if latest is not None else None,
        wrong=sum(row.verdict == Verdict.WRONG for row in rows),
        notice=notice,
        refresh=not at and not notice,
    )


def _application(paper: Paper, screen: Screen, again: Set[str], at: str) -> Application:
    said, void = screen.said.remarks, bool(screen.seen)
    sections, repeated = [], []
    for part in paper.parts:
        rows = [_row(line, said.get(line.key), screen.seen, void, at) for line in part.lines]
        fresh = [row for row in rows if row.line.key not in again]
        repeated += [row for row in rows if row.line.key in again]
        sections += [_section(part, fresh)] if fresh else []
    return Application(paper.title, sections, repeated)


def _row(line: Line, said: Remark | None, seen: Mapping[str, str], void: bool, at: str) -> Row:
    changed = void and seen.get(line.key) != line.stamp
    if said is None or said.stamp != line.stamp:  # said of another answer
        return Row(line, changed=changed or said is not None)
    return Row(line, said.verdict, said.choice, said.words, changed, said.verdict == Verdict.WRONG and line.key == at)


def _section(part: mirror.Part, rows: Sequence[Row]) -> Section:
    right = all(row.verdict == Verdict.RIGHT for row in rows)
    return Section(part.key, part.title, part.whose, part.stamp, rows, right)


# --- pages -----------------------------------------------------------------------------------------------------------


async def home(request: Request) -> Response:
    """What is entered, or where the number is typed."""
    if (refusal := only(request, KIND)) is not None:
        return refusal
    screen = await _screen(request)
    if screen is None:
        return await _idle(request)
    return _mirror(request, screen, at=request.query_params.get("at", ""))


def _mirror(request: Request, screen: Screen, *, at: str = "", notice: str = "", status: int = 200) -> Response:
    """The whole page, or to its script the part that it replaces."""
    template = "tablet/shown.html" if is_fragment(request) else "tablet/mirror.html"
    say = language(request).say
    response = page(request, template, _shown(screen, at=at, notice=say(notice)), status=status)
    _note(request, response, screen.pairing)
    return response


async def _idle(request: Request, error: str = "", *, status: int = 200, wait: int = 0) -> Response:
    of, who = services(request), device(request)
    window_id = who.window_id or ""
    found = await of.database.read(lambda db: windows.window(db, window_id))
    label = found.label if found is not None else ""
    speak(request, "ja")  # the staff types here; the next resident's language is not known yet
    told = error.format(window=label, minutes=-(-wait // 60)) if label or not error else NOWHERE
    headers = {"retry-after": str(wait)} if wait else {} if error else _ANEW
    return page(request, "tablet/idle.html", IdlePage(label, told), status=status, headers=headers)


async def join(request: Request) -> Response:
    """The number that the clerk's screen shows."""
    if (refusal := only(request, KIND)) is not None:
        return refusal
    of, who, now = services(request), device(request), services(request).clock()
    typed = last(await read_form(request), "code")[:20]
    outcome = await of.database.transact(lambda db: pairing.join(db, of.keys, who, typed, now=now))
    if isinstance(outcome, Pairing):
        return see_other(HOME)
    if isinstance(outcome, TooOften):
        return await _idle(request, WAIT, status=429, wait=outcome.seconds)
    return await _idle(request, UNKNOWN if outcome is Refusal.UNKNOWN else ELSEWHERE, status=422)


async def shown(request: Request) -> Response:
    """The part of the page that changes. 204 where the browser has it already; 410 where it is not the device's any
    more: another visit is never shown in the page of this one."""
    if (refusal := only(request, KIND)) is not None:
        return refusal
    of, who, now = services(request), device(request), services(request).clock()
    if request.query_params.get("have"):
        found = await of.database.read(lambda db: pairing.of_device(db, of.keys, who.id, now=now))
        if found is not None and (found.id, found.mark) == (_of(request), request.query_params["have"]):
            unchanged = Response(status_code=204)
            _note(request, unchanged, found)
            return unchanged
    screen = await _screen(request)
    if screen is None or screen.pairing.id != _of(request):
        return _gone()
    response = page(request, "tablet/shown.html", _shown(screen, at=request.query_params.get("at", "")))
    _note(request, response, screen.pairing)
    return response


def _of(request: Request) -> str:
    return request.query_params.get("of", "")


def _gone() -> Response:
    return Response(status_code=410, headers=_ANEW)


def _note(request: Request, response: Response, paired: Pairing) -> None:
    """Write down after the answer that the tablet is there, if it is time to."""
    of, now = services(request), services(request).clock()
    if pairing.note_due(paired, now=now):
        response.background = BackgroundTask(of.database.transact, lambda db: pairing.noted(db, paired, now=now))


async def news(request: Request) -> Response:
    """The stream of this pairing: it says that there is something new, never what."""
    if (refusal := only(request, KIND)) is not None:
        return refusal
    of, who, token = services(request), device(request), device_token(request) or ""
    now = of.clock()
    found = await of.database.read(lambda db: pairing.of_device(db, of.keys, who.id, now=now))
    if found is None or found.id != _of(request):
        return over()
    paired = found
    waiter = of.live.open(f"device:{who.id}", paired.visit_id, who.id)
    if waiter is None:
        return problem(request, 503, retry_after=5)

    async def look() -> str | None:
        return await of.database.read(partial(_mark, token, paired.id, now=of.clock()))

    async def gone(since: datetime) -> None:
        await asyncio.sleep(pairing.TURNING.total_seconds())
        if not of.live.holds(waiter.holder):
            await of.database.transact(lambda db: pairing.away(db, paired.id, paired.visit_id, since=since))

    def left() -> None:
        if of.live.leave(waiter):
            of.live.afterwards(gone(of.clock()))

    await of.database.transact(lambda db: pairing.noted(db, paired, now=now, opened=True))
    return stream(request, waiter, look, left)


def _mark(token: str, pairing_id: str, db: Reading, *, now: datetime) -> str | None:
    """The state of a pairing as its tablet may know it; None where it is over or the device is none any more."""
    who = devices.who(db, token, now=now)
    found = pairing.mark_of_device(db, who.id, now=now) if who is not None else None
    return found[1] if found is not None and found[0] == pairing_id else None


# --- what the resident says ------------------------------------------------------------------------------------------


async def say(request: Request) -> Response:
    """An answer or a section is right, or an answer is wrong, with a choice or a few words."""
    if (refusal := only(request, KIND)) is not None:
        return refusal
    posted = await read_form(request)
    screen = await _screen(request)
    if screen is None or screen.pairing.id != last(posted, "of"):
        return _over(request)
    do, key, stamp = (last(posted, name) for name in ("_do", "key", "stamp"))
    if do == "language":
        return await _speak(request, screen, last(posted, "lang"))
    if confirmation.stands(screen.latest, screen.visit):
        return _mirror(request, screen, notice=DONE, status=409)
    lines = _named(screen.shown, key, stamp)
    if not lines or do not in (Verdict.RIGHT, Verdict.WRONG) or (do == Verdict.WRONG and len(lines) > 1):
        return _mirror(request, screen, notice=CHANGED, status=409)
    words = clean(last(posted, "words"))[: pairing.LONGEST_WORDS]
    if has_number(words):
        return _mirror(request, screen, at=key, notice=NUMBERED, status=422)
    chosen = last(posted, "choice")
    choice = Choice(chosen) if chosen in set(Choice) else Choice.NONE
    told = "choice" in posted or "words" in posted
    remarks = {line.key: Remark(do, line.stamp, choice, words) for line in lines}
    await _write(request, screen, lambda said: pairing.remarked(said, remarks))
    at = key if do == Verdict.WRONG and not told else ""
    return await _again(request, at)


def _named(shown: Shown, key: str, stamp: str) -> Sequence[Line]:
    """The line, or the lines of the section, of this key, if they still say what was seen."""
    for paper in shown.papers:
        for part in paper.parts:
            if part.key == key:
                return part.lines if part.stamp == stamp else ()
            for line in part.lines:
                if line.key == key:
                    return (line,) if line.stamp == stamp else ()
    return ()


async def _speak(request: Request, screen: Screen, code: str) -> Response:
    if code in services(request).languages:
        of, now = services(request), services(request).clock()
        await of.database.transact(lambda db: pairing.speak(db, of.keys, screen.pairing, code, now=now))
    return see_other(HOME)


async def _write(request: Request, screen: Screen, change: pairing.Change) -> None:
    of, now = services(request), services(request).clock()
    await of.database.transact(lambda db: pairing.say(db, of.keys, screen.pairing, change, now=now))


async def _again(request: Request, at: str) -> Response:
    """To script the part as it is now, to others the page."""
    if not is_fragment(request):
        return see_other(f"{HOME}?at={quote(at)}#m-{quote(at.replace('/', '-'))}" if at else HOME)
    screen = await _screen(request)
    return _over(request) if screen is None else _mirror(request, screen, at=at)


def _over(request: Request) -> Response:
    return _gone() if is_fragment(request) else see_other(HOME)


# --- the signature ---------------------------------------------------------------------------------------------------


async def sign_page(request: Request) -> Response:
    """All that was entered, once more, and the field for the signature."""
    if (refusal := only(request, KIND)) is not None:
        return refusal
    screen = await _screen(request)
    if screen is None or not _ready(screen):
        return see_other(HOME)
    return _sign(request, screen)


def _ready(screen: Screen) -> bool:
    """Nothing more is asked, nothing was said to be wrong, and it is not confirmed yet."""
    view = _shown(screen)
    return view.done and not view.veiled and not view.wrong and view.state != "confirmed"


def _sign(request: Request, screen: Screen, *, notice: str = "", status: int = 200) -> Response:
    told = language(request).say(notice)
    response = page(request, "tablet/sign.html", _shown(screen, notice=told), status=status)
    _note(request, response, screen.pairing)
    return response


async def sign(request: Request) -> Response:
    """It is confirmed: drawn, or said. What was seen is kept with it."""
    if (refusal := only(request, KIND)) is not None:
        return refusal
    posted = await read_form(request)
    screen = await _screen(request)
    if screen is None or screen.pairing.id != last(posted, "of"):
        return see_other(HOME)
    if last(posted, "visit") != str(screen.visit.revision):
        return _mirror(request, screen, notice=CHANGED, status=409)
    if not _ready(screen):
        return see_other(HOME)
    path, method = "", confirmation.SAID
    if last(posted, "_do") == confirmation.DRAWN:
        drawn, method = confirmation.drawing(last(posted, "path")), confirmation.DRAWN
        if drawn is None:
            return _sign(request, screen, notice=UNDRAWN, status=422)
        path = drawn
    of, who, now = services(request), device(request), services(request).clock()
    seen = screen.shown.to_bytes(language(request).code)

    def work(db: Writing) -> Confirmation | Moved:
        given = {"path": path, "device_id": who.id, "now": now, "random": of.random}
        made = confirmation.confirm(db, of.keys, screen.visit, seen, method, who.actor, **given)  # type: ignore[arg-type]
        pairing.say(db, of.keys, screen.pairing, lambda said: said, now=now)
        return made

    if isinstance(await of.database.transact(work), Moved):
        again = await _screen(request)
        return see_other(HOME) if again is None else _mirror(request, again, notice=CHANGED, status=409)
    return see_other(HOME)


async def end(request: Request) -> Response:
    """The resident, or the clerk at the tablet, lets it show nothing more."""
    if (refusal := only(request, KIND)) is not None:
        return refusal
    of, who = services(request), device(request)
    await of.database.transact(lambda db: pairing.end_of_device(db, who.id, who.actor))
    response = see_other(HOME)
    response.headers.update(_ANEW)
    return response


ROUTES = [
    route(f"{HOME}/shown", shown, access=Access.DEVICE),
    route(f"{HOME}/stream", news, access=Access.DEVICE),
    route(HOME, home, access=Access.DEVICE),
    route(HOME, join, methods=("POST",), access=Access.DEVICE),
    route(f"{HOME}/say", say, methods=("POST",), access=Access.DEVICE),
    route(f"{HOME}/sign", sign_page, access=Access.DEVICE),
    route(f"{HOME}/sign", sign, methods=("POST",), access=Access.DEVICE),
    route(f"{HOME}/end", end, methods=("POST",), access=Access.DEVICE),
]
