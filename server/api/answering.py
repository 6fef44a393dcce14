"""Answering a question of the office for a program: the same words, files and judgement as on the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import strawberry
from strawberry import field

from forms_schema.messages import message
from server.api.applications import Application, Rejected, application, looked_up, rejected
from server.api.context import Info
from server.api.refusals import Problem, Refusal, whole
from server.applications import casework, lookup, uploads
from server.applications.filetypes import Unfit
from server.applications.messages import FileGone
from server.applications.uploads import Owner, Upload
from server.people.sessions import Visitor
from server.services import Services
from server.store.database import Reading, Writing

_ID: Final = re.compile(r"[0-9a-f]{32}")
_TEXT: Final = "答えを2,000文字までで書くか、書類のファイルを付けてください。"
_UNKNOWN: Final = "ファイルが見つかりません。もう一度 /uploads に送ってください。"
_TWICE: Final = "同じファイルが2度あります。1つにしてください。"


@strawberry.input(description="担当課からの質問への答え。")
class AnswerApplicationInput:
    receipt_number: str = field(description="受付番号。")
    access_code: str = field(description="確認コード。")
    text: str = field(default="", description="答え。2,000文字まで。ファイルがあれば空でもよい。")
    uploads: list[strawberry.ID] = field(
        default_factory=list, description="追加書類。POST /uploads の答えの upload。20個、合わせて100MBまで。"
    )


AnswerApplicationPayload = Annotated[
    Application | Rejected,
    strawberry.union("AnswerApplicationPayload", description="答えたあとの申請か、受けられないわけ。"),
]


async def answer(info: Info, wanted: AnswerApplicationInput) -> Application | Rejected:
    """Answer as the pages do: whoever has number and code may, and what was filed stays as it is."""
    of, who, now = info.context.of, info.context.visitor, info.context.of.clock()
    found = await looked_up(info, wanted.receipt_number, wanted.access_code)
    if found is None:
        return rejected(whole("UNKNOWN_APPLICATION"))
    files = await _files(of, who, [str(each) for each in wanted.uploads])
    if isinstance(files, Refusal):
        return rejected(files)

    def work(db: Writing) -> casework.Unfit | lookup.Application | None:
        done = casework.answer(db, of.office, found, who, wanted.text, files, now=now)
        if isinstance(done, casework.Unfit):
            return done
        return lookup.anew(db, found) if done else None

    try:
        done = await of.database.transact(work)
    except FileGone:
        return rejected(whole("CONFLICT"))
    if isinstance(done, casework.Unfit):
        return rejected(Refusal((Problem("/text", "BAD_TEXT", _TEXT),)))
    return application(done) if done is not None else rejected(whole("NOT_ASKED"))


async def _files(of: Services, who: Visitor, wanted: Sequence[str]) -> dict[str, Owner] | Refusal:
    """The files with who holds them, or all that stands against them."""

    def work(db: Reading) -> list[tuple[Upload, Owner] | None]:
        return [uploads.loose(db, of.keys, each, who) if _ID.fullmatch(each) else None for each in wanted]

    if len(wanted) > uploads.MAX_FILES:
        return Refusal((_surplus(uploads.MAX_FILES),))
    found = await of.database.read(work) if wanted else []
    problems = [*_problems(wanted, found)]
    kept = {each[0].id: each for each in found if each is not None}
    if sum(file.size for file, _ in kept.values()) > uploads.MAX_TOTAL:
        problems.append(_surplus(len(wanted) - 1))
    return Refusal(tuple(problems)) if problems else {name: owner for name, (_, owner) in kept.items()}


def _problems(wanted: Sequence[str], found: Sequence[tuple[Upload, Owner] | None]) -> Iterator[Problem]:
    for place, each in enumerate(found):
        if each is None:
            yield Problem(f"/uploads/{place}", "UNKNOWN_UPLOAD", _UNKNOWN)
        elif wanted[place] in wanted[:place]:
            yield Problem(f"/uploads/{place}", "uniqueItems", _TWICE)


def _surplus(place: int) -> Problem:
    words = message(uploads.error("", Unfit("count")), None, "")
    return Problem(f"/uploads/{place}", "file-count", words)
