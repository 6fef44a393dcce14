"""One case of the office: what is in it, what is said about it, and what is done with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from forms_schema.base import FieldView
from procedures.declaration import Declaration
from server.applications import casework, office, summary, uploads
from server.applications.casework import Moved, Order, Unfit
from server.applications.messages import LONGEST, Audience, files_of, unanswered
from server.applications.office import Case, NeedsReason, Step
from server.applications.states import MOVES, Act, OfficeState
from server.japan import midnight, today
from server.paper.filed import SEEN, entered
from server.paper.finding import written
from server.people.roles import Action
from server.web.badge import Desk, absent, desk, refused, staff
from server.web.contexts import CheckRow, CheckSection, ErrorLink, Link
from server.web.http import language, last, page, read_form, see_other, services
from server.web.office.words import (
    ACTS,
    ASSURANCE_WORDS,
    CHANNEL_WORDS,
    HINDERED_WORDS,
    PAYMENT_WORDS,
    STATE_WORDS,
    UNFIT_WORDS,
    actor_words,
)
from server.web.residents import added
from server.web.routing import Access, route

LIST: Final = "/office"
ADDED: Final = "追加書類"
"""What files are called that came with an answer."""
BROUGHT: Final = "受け取った書類の写し(スキャンや写真)を付けられます。個人番号の書いてある紙は写しません。"
COUNTER: Final = "ask-counter"
"""Not an act of the table: the state stays."""
ANSWER_DAYS: Final = 14
"""What the page offers as the time for an answer."""


@dataclass(frozen=True, slots=True)
class CaseStep:
    """A step of a case, and whose it was."""

    state: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of a case; `href` is '' for one that nobody is given: `scan` says why."""

    title: str
    name: str
    kilobytes: int
    scan: str
    href: str


@dataclass(frozen=True, slots=True)
class CaseSaid:
    """A message, `kind` and `audience` as in `messages`; `open`: it waits for its answer, `over`: for too long. The
    `text` of an answer may be '' where `files` came with it."""

    kind: str
    audience: str
    by: str
    text: str
    at: datetime
    answer_by: datetime | None
    open: bool
    over: bool = False
    files: Sequence[CaseFile] = ()


@dataclass(frozen=True, slots=True)
class CaseAct:
    """A button, or with a `label` a form that opens: what is written, for `most` characters. `until`: the day that is
    offered for the answer, '' where none is asked for; `to`: the departments to choose from; `papers`: the control of
    files. `typed` and `wrong` are of what was sent and could not stand, and then the form is `open`."""

    name: str
    action: str
    button: str
    label: str
    hint: str
    grave: bool
    most: int
    until: str
    to: Sequence[str]
    typed: str = ""
    chosen: str = ""
    wrong: str = ""
    papers: FieldView | None = None
    open: bool = False


@dataclass(frozen=True, slots=True)
class CasePage:
    """staff/case.html. `fee`: what is owed and how that stands, '' where nothing is; `assign_url` takes a form, '' for
    whoever may not; `other`: it is another department's, opened with a reason. `paused`: it waits for the resident, so
    no time runs. `record`: how its person was known, and who wrote it down for them; `originals`: papers that were
    seen at a window, and what was done with them. `refund_url` '' where no money came, or for whoever may not ask
    for it to go back."""

    desk: Desk
    number: str
    title: str
    department: str
    state: str
    submitted_at: datetime
    due: date
    paused: bool
    channel: str
    record: Sequence[tuple[str, str]]
    fee: str
    amount: int
    protected: bool
    other: bool
    assignee: str
    mine: bool
    assign_url: str
    acts: Sequence[CaseAct]
    said: Sequence[CaseSaid]
    back_url: str
    sections: Sequence[CheckSection]
    originals: Sequence[tuple[str, str]]
    files: Sequence[CaseFile]
    steps: Sequence[CaseStep]
    errors: Sequence[ErrorLink] = ()
    refund_url: str = ""


@dataclass(frozen=True, slots=True)
class ReasonPage:
    """staff/reason.html: why somebody wants to see another department's case."""

    desk: Desk
    number: str
    department: str
    action: str
    minutes: int
    reason: str = ""
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that is not done: which act, what was typed, and what is wrong with it and with its files."""

    name: str
    typed: str
    until: str
    to: str
    why: str = ""
    papers: str = ""


def due(request: Request, submitted_at: datetime, days: int) -> date:
    """標準処理期間 (行政手続法6条): working days of the city, the day of arrival not counted."""
    return services(request).city.calendar.workday_after(today(submitted_at), days)


async def case(request: Request) -> Response:
    """One application. Looking at it is audited; another department's asks for a reason first."""
    return await looked(request, None)


async def looked(request: Request, sent: Sent | None) -> Response:
    """The case as it stands, with the form that was sent where it is not done."""
    of, who, number, now = services(request), staff(request), request.path_params["number"], services(request).clock()
    found = await of.database.transact(lambda db: office.look(db, of.keys, who, number, now=now))
    if found is None:
        return absent(request)
    if isinstance(found, NeedsReason):
        return _ask_reason(request, found)
    record = await _record(request, found)
    return _case(request, found, await of.catalogue.declaration(found.digest, found.slug), record, sent)


async def _record(request: Request, found: Case) -> list[tuple[str, str]]:
    """How whoever filed it was known, and at a window, who wrote it down and how they agreed."""
    if not found.entry:
        return [("本人確認", ASSURANCE_WORDS.get(found.assurance, found.assurance))]
    of = services(request)
    read = await of.database.read(lambda db: written(db, of.keys, found.entry, found.submitted_at))
    known = [] if read.known else [("本人確認", "記録がありません")]
    return [*known, *entered(read)]


def _case(
    request: Request, found: Case, declaration: Declaration, record: list[tuple[str, str]], sent: Sent | None
) -> Response:
    settled = declaration.form.settle(found.answers, today(found.submitted_at))
    here = f"{LIST}/applications/{found.number}"
    debt, seen = found.payment, found.entry.get("seen", {})
    titles = {each.key: each.title for each in declaration.form.attachments}
    may_refund = debt is not None and debt.covered and staff(request).may(Action.ASK_REFUND, found.department)
    may_assign = not found.other and staff(request).may(Action.ASSIGN, found.department, found.state)
    now = services(request).clock()
    files = [(each, _file(each, titles, here)) for each in found.files]
    acts = _acts(request, found, here, sent)
    wrong = [error for each in acts for error in _wrong(each)]
    context = CasePage(
        desk=desk(request),
        number=found.number,
        title=declaration.title,
        department=found.department,
        state=STATE_WORDS[found.state],
        submitted_at=found.submitted_at,
        due=due(request, found.submitted_at, declaration.processing_days),
        paused=found.state == "correction_requested",
        channel=CHANNEL_WORDS.get(found.channel, found.channel),
        record=record,
        fee=PAYMENT_WORDS[debt.state.value] if debt else "",
        amount=debt.amount if debt else 0,
        protected=found.protected,
        other=found.other,
        assignee=found.assignee,
        mine=found.mine,
        assign_url=f"{here}/assign" if may_assign else "",
        acts=acts,
        said=_said(found, files, now),
        back_url=LIST,
        sections=[
            CheckSection(section.title, [CheckRow(line.label, line.text) for line in section.lines])
            for section in summary.sections(declaration.form, settled, {})
        ],
        originals=[(each.label, SEEN[seen[each.key]]) for each in settled.attachments if each.key in seen],
        files=[shown for _, shown in files],
        steps=[_step(each) for each in reversed(found.steps)],
        errors=wrong,
        refund_url=f"{LIST}/till/refund?number={found.number}" if may_refund else "",
    )
    return page(request, "staff/case.html", context, status=422 if wrong else 200)


def _wrong(each: CaseAct) -> Iterator[ErrorLink]:
    if each.wrong:
        yield ErrorLink(f"#f-{each.name}-text", each.label, f"{each.label}: {each.wrong}")
    if each.papers and each.papers.error:
        yield ErrorLink(f"#{each.papers.id}", each.papers.label, each.papers.error)


def _acts(request: Request, found: Case, here: str, sent: Sent | None) -> list[CaseAct]:
    """What may be done: buttons first, then what needs words. The counter is asked where it took the case in."""
    names = [each.value for each in found.acts]
    if Act.ASK in found.acts and found.counter:
        names.append(COUNTER)
    order = sorted(names, key=lambda name: (bool(ACTS[name].label), list(ACTS).index(name)))
    return [
        _act(request, found, here, name, sent if sent is not None and sent.name == name else None) for name in order
    ]


def _act(request: Request, found: Case, here: str, name: str, sent: Sent | None) -> CaseAct:
    of, words = services(request), ACTS[name]
    offered = (today(of.clock()) + timedelta(days=ANSWER_DAYS)).isoformat() if name == Act.ASK else ""
    others = [each for each in of.city.departments if each != found.department] if name == Act.HAND_OVER else []
    wrong = sent.papers if sent else ""
    papers = added.box(found.pending, here, language(request), wrong, BROUGHT) if name == Act.ANSWER else None
    return CaseAct(
        name=name,
        action=f"{here}/acts/{name}",
        button=words.button,
        label=words.label,
        hint=words.hint,
        grave=words.grave,
        most=LONGEST,
        until=(sent.until if sent else "") or offered,
        to=others,
        typed=sent.typed if sent else "",
        chosen=sent.to if sent else "",
        wrong=UNFIT_WORDS[sent.why] if sent and sent.why else "",
        papers=papers,
        open=sent is not None or bool(papers and papers.files),
    )


def _said(found: Case, files: Sequence[tuple[uploads.Upload, CaseFile]], now: datetime) -> list[CaseSaid]:
    """All that was said, the newest first. An answer is waited for as long as nobody went on without it."""
    asked = unanswered(found.messages, Audience.RESIDENT) if found.state == OfficeState.CORRECTION_REQUESTED else None
    waiting = [each for each in (asked, unanswered(found.messages, Audience.COUNTER)) if each is not None]
    shown = {each.id: view for each, view in files}
    return [
        CaseSaid(
            each.kind.value,
            each.audience.value,
            found.names.get(each.staff_id, "") if each.staff_id else "申請した人",
            each.text,
            each.at,
            each.answer_by,
            each in waiting,
            each in waiting and each.answer_by is not None and each.answer_by < now,
            [shown[file.id] for file in files_of(each, [upload for upload, _ in files])],
        )
        for each in reversed(found.messages)
    ]


def _file(each: uploads.Upload, titles: Mapping[str, str], here: str) -> CaseFile:
    title = ADDED if each.key.startswith(uploads.ADDED) else titles.get(each.key.partition("/")[0], each.key)
    href = f"{here}/files/{each.id}" if each.scan == uploads.CLEAN else ""
    return CaseFile(title, each.name, -(-each.size // 1024), each.scan, href)


def _step(each: Step) -> CaseStep:
    return CaseStep(STATE_WORDS[each.state], each.at, each.name or actor_words(each.by))


# --- why one looks ----------------------------------------------------------------------------------------------------


def _ask_reason(request: Request, found: NeedsReason, *, typed: str = "", errors: Sequence[ErrorLink] = ()) -> Response:
    minutes = int(office.REASON_OPENS.total_seconds()) // 60
    action = f"{LIST}/applications/{found.number}/reason"
    context = ReasonPage(desk(request), found.number, found.department, action, minutes, typed, errors)
    return page(request, "staff/reason.html", context, status=422 if errors else 200)


async def give_reason(request: Request) -> Response:
    """Write down why, and open the case."""
    of, who, number, now = services(request), staff(request), request.path_params["number"], services(request).clock()
    typed = last(await read_form(request), "reason")
    given = await of.database.transact(
        lambda db: office.give_reason(db, of.keys, who, number, typed, now=now, random=of.random)
    )
    if given is True:
        return see_other(f"{LIST}/applications/{number}")
    if not isinstance(given, NeedsReason):
        return absent(request)
    told = f"見る理由を、{office.SHORTEST_REASON}文字から{office.LONGEST_REASON}文字で入力してください"
    wrong = [ErrorLink("#f-reason", "見る理由", told)]
    return _ask_reason(request, given, typed=typed[: office.LONGEST_REASON * 2], errors=wrong)


# --- what is done -----------------------------------------------------------------------------------------------------


async def act(request: Request) -> Response:
    """Do one of the acts of the table. Of two who press at once one is told that the other was faster."""
    of, who, number, name = services(request), staff(request), *map(request.path_params.__getitem__, ("number", "act"))
    if name not in ACTS:
        return absent(request)
    posted = await read_form(request)
    text, until, to = (last(posted, each) for each in ("text", "until", "to"))
    now, hall = of.clock(), of.office
    if name == COUNTER:
        outcome = await of.database.transact(lambda db: casework.ask_counter(db, hall, who, number, text, now=now))
    else:
        order = Order(Act(name), text, _last_moment(until), to)
        outcome = await of.database.transact(lambda db: casework.act(db, hall, who, number, order, now=now))
    if isinstance(outcome, Unfit) and outcome.value in UNFIT_WORDS:
        return await looked(request, Sent(name, text[: LONGEST * 2], until[:10], to[:80], outcome.value))
    return told(request, number, name, outcome)


def _last_moment(typed: str) -> datetime | None:
    """The last second of a day (ISO) in Japan."""
    try:
        return midnight(date.fromisoformat(typed[:10]) + timedelta(days=1)) - timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None


def told(request: Request, number: str, name: str, done: Moved | Unfit | bool) -> Response:
    """After an act: back to the case, or what stood against it."""
    here = f"{LIST}/applications/{number}"
    if done is False:
        return absent(request)
    back = Link("この申請を開く", here)
    if isinstance(done, Unfit):
        return refused(request, 409, "できませんでした", HINDERED_WORDS[done.value], back)
    if done is True and name == Act.HAND_OVER:
        return see_other(LIST)  # it is another department's now: opening it takes a reason
    if done is True or (isinstance(done, Moved) and done.mine and done.state in MOVES.get(Act(name), {}).values()):
        return see_other(here)
    words = STATE_WORDS[done.state] if isinstance(done, Moved) else ""
    advice = f"この申請は、ほかの人が先に進めました。いまの状態は「{words}」です。開いて、経過を確かめてください。"
    title = "受付はしていません" if name == Act.ACCEPT else "何も変えていません"
    return refused(request, 409, title, advice, back)


async def assign(request: Request) -> Response:
    """Look after the case, or let go of it."""
    of, who, number, now = services(request), staff(request), request.path_params["number"], services(request).clock()
    mine = last(await read_form(request), "do") == "mine"
    if not await of.database.transact(lambda db: office.assign(db, who, number, mine, now=now)):
        return absent(request)
    return see_other(f"{LIST}/applications/{number}")


async def file(request: Request) -> Response:
    """A file of a case, to be saved rather than shown: what is in it is not ours. Looking at it is audited."""
    of, who, now = services(request), staff(request), services(request).clock()
    number, name = request.path_params["number"], request.path_params["file"]
    stored = await of.database.transact(lambda db: office.look_at_file(db, of.keys, who, number, name, now=now))
    if stored is None:
        return absent(request)
    here = f"{LIST}/applications/{number}"
    if isinstance(stored, NeedsReason):
        return see_other(here)
    try:
        content = await to_thread.run_sync(stored.content, of.blobs)
    except uploads.Withheld:
        advice = "ウイルスの検査が終わっていないか、検査で問題が見つかったファイルです。だれにも渡しません。"
        return refused(request, 409, "このファイルは開けません", advice, Link("申請に戻る", here))
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(stored.upload.name)}",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(content, media_type=stored.upload.media_type, headers=headers)


ROUTES = [
    route(f"{LIST}/applications/{{number}}", case, access=Access.STAFF),
    route(f"{LIST}/applications/{{number}}/reason", give_reason, methods=("POST",), access=Access.STAFF),
    route(f"{LIST}/applications/{{number}}/acts/{{act}}", act, methods=("POST",), access=Access.STAFF),
    route(f"{LIST}/applications/{{number}}/assign", assign, methods=("POST",), access=Access.STAFF),
    route(f"{LIST}/applications/{{number}}/files/{{file}}", file, access=Access.STAFF),
]
