"""What the staff read over GraphQL: the same use-cases and the same table of roles as their pages, and the same audit.

Nothing of it is told to anybody but a browser in which somebody of the staff is signed in: a resident's session or
token is nobody here. A look at a case is written down, with the reason where the case is another department's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import strawberry
from strawberry import argument, field

from server.api import enums
from server.api.context import Info
from server.api.paging import CASES, PageInfo, cursor, named_by
from server.api.refusals import ApiError
from server.api.scalars import JSON
from server.applications import office
from server.applications.messages import Message, files_of
from server.applications.office import IN_HAND, PER_PAGE, Asked, Case, Look, NeedsReason, Row
from server.applications.receipts import read_number
from server.applications.states import OfficeState
from server.applications.uploads import Upload
from server.people.roles import Action, departments
from server.people.staff_sessions import Staff
from server.store.database import Reading, Writing

_SIGN_IN: Final = "職員としてサインインしたブラウザーのセッションで呼んでください。"
_FORBIDDEN: Final = "あなたの役割では、ここは読めません。"
_REASON: Final = (
    f"{{}}の申請です。見る理由を{office.SHORTEST_REASON}文字から{office.LONGEST_REASON}文字で reason に書いてください。"
)
_CURSOR: Final = "after の印は、この一覧のものではありません。はじめから読みなおしてください。"


@strawberry.input(description="申請のしぼりこみ。")
class OfficeCaseFilter:
    state: enums.OfficeState | None = field(default=None, description="この状態のもの。なければ、対応中のもの。")
    slug: str | None = field(default=None, description="この手続のもの。")
    mine: bool = field(default=False, description="自分の担当のもの。")


@strawberry.type(description="課の一覧にある申請。中身はない。")
class OfficeCaseLine:
    receipt_number: str = field(description="受付番号(15桁)。")
    slug: str = field(description="手続の slug。")
    department: str = field(description="担当課。")
    state: enums.OfficeState = field(description="市役所の中の状態。")
    submitted_at: datetime = field(description="届いた日時。")
    protected: bool = field(description="出した人が支援措置を受けているか。")
    answer_overdue: bool = field(description="住民の答えの期限が過ぎたか。そういうものが一覧の先に来る。")


@strawberry.type(description="一覧の1つ。")
class OfficeCaseEdge:
    cursor: str = field(description="ここの印。")
    node: OfficeCaseLine = field(description="申請。")


@strawberry.type(description="課の一覧の1ページ。答えの期限が過ぎたもの、そのあと古いものから。")
class OfficeCaseConnection:
    total_count: int = field(description="しぼりこみに合うものの数。")
    page_info: PageInfo = field(description="どこにいるか。")
    edges: list[OfficeCaseEdge] = field(description="このページの申請。")


@strawberry.type(description="申請の歩みの1つ。だれがしたかも。")
class OfficeStep:
    at: datetime = field(description="いつ。")
    state: enums.OfficeState = field(description="どの状態になったか。")
    by: str = field(description="職員の名前とログイン名。職員でなければ空。")


@strawberry.type(description="添付ファイル。中身は /office/applications/… で開く。")
class OfficeFile:
    key: str = field(description="添付書類の key。追加書類では answer: で始まる。")
    name: str = field(description="ファイルの名前。")
    scan: str = field(description="ウイルス検査の結果(clean, waiting, infected)。")


@strawberry.type(description="申請についてのやりとりの1つ。住民に見えないものもある。")
class OfficeMessage:
    kind: enums.MessageKind = field(description="種類。")
    audience: enums.OfficeAudience = field(description="だれへの質問か、だれからの答えか。")
    by: str = field(description="書いたか聞き取った職員の名前とログイン名。申請した人なら空。")
    text: str = field(description="書いてあること。ファイルだけの答えでは空。")
    at: datetime = field(description="いつ。")
    answer_by: datetime | None = field(description="答えの期限。なければ null。")
    files: list[OfficeFile] = field(description="答えに付いたファイル(追加書類)。")


@strawberry.type(description="申請1つと、その中身。読むたびに、だれがいつ見たかを記録する。")
class OfficeCase:
    receipt_number: str = field(description="受付番号(15桁)。")
    slug: str = field(description="手続の slug。")
    version: str = field(description="出した時の版。")
    department: str = field(description="担当課。")
    other_department: bool = field(description="ほかの課の申請を、理由を書いて開いたか。")
    state: enums.OfficeState = field(description="市役所の中の状態。")
    submitted_at: datetime = field(description="届いた日時。")
    channel: str = field(description="どこから出たか(online, api, counter)。")
    protected: bool = field(description="支援措置を受けている人が、この中にいるか。")
    answers: JSON = field(description="答え。その版の schema に合う。")
    history: list[OfficeStep] = field(description="これまでの歩み。古い順。")
    files: list[OfficeFile] = field(description="添付ファイル。答えに付いたもの(追加書類)も。")
    messages: list[OfficeMessage] = field(description="やりとり。古い順。")


@strawberry.type(description="申請について、だれがいつ何をしたか。")
class OfficeLook:
    at: datetime = field(description="いつ。")
    by: str = field(description="職員の名前とログイン名。職員でなければ空。")
    action: str = field(description="何をしたか(監査の記録の名前)。")
    reason: str = field(description="ほかの課の申請を見た理由。なければ空。")


async def _cases(
    self: Office,
    info: Info,
    filter: Annotated[OfficeCaseFilter | None, argument(description="しぼりこみ。")] = None,
    first: Annotated[
        int | None, argument(description=f"1ページの件数。{CASES.longest}まで。なければ{CASES.usual}。")
    ] = None,
    after: Annotated[str | None, argument(description="前のページの endCursor。")] = None,
) -> OfficeCaseConnection:
    own = departments(self.who.held, Action.LIST)
    if not own:
        raise ApiError("FORBIDDEN", _FORBIDDEN)
    size, start = CASES.size(first), _place(after)
    asked, now = _asked(filter or OfficeCaseFilter(), self.who), info.context.of.clock()

    def work(db: Reading) -> tuple[int, list[Row]]:
        """The pages of the office's own list that hold this one."""
        page = start // PER_PAGE + 1
        found = [office.listing(db, own, asked, now=now, page=each) for each in (page, page + 1)]
        rows = [row for listing in found for row in listing.rows]
        return found[0].total, rows[start % PER_PAGE :][:size]

    total, rows = await info.context.of.database.read(work, long=True)
    edges = [OfficeCaseEdge(cursor=_mark(start + place), node=_line(row)) for place, row in enumerate(rows)]
    marks = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    ends = PageInfo(
        has_next_page=start + len(edges) < total,
        has_previous_page=start > 0,
        start_cursor=marks[0],
        end_cursor=marks[1],
    )
    return OfficeCaseConnection(total_count=total, page_info=ends, edges=edges)


def _asked(wanted: OfficeCaseFilter, who: Staff) -> Asked:
    states = (OfficeState[wanted.state.name],) if wanted.state else IN_HAND
    return Asked(states, slug=wanted.slug or "", assignee=who.id if wanted.mine else "")


def _mark(place: int) -> str:
    return cursor("case", str(place))


def _place(after: str | None) -> int:
    """Where a page begins. Raises ApiError for a mark that is none of this list's."""
    if after is None:
        return 0
    name = named_by("case", after)
    if not (name.isascii() and name.isdecimal() and len(name) < 8):
        raise ApiError("BAD_CURSOR", _CURSOR)
    return int(name) + 1


def _line(row: Row) -> OfficeCaseLine:
    return OfficeCaseLine(
        receipt_number=row.number,
        slug=row.slug,
        department=row.department,
        state=enums.OfficeState(row.state.value),
        submitted_at=row.submitted_at,
        protected=row.protected,
        answer_overdue=row.overdue,
    )


async def _case(
    self: Office,
    info: Info,
    receipt_number: Annotated[str, argument(description="受付番号。")],
    reason: Annotated[str | None, argument(description="ほかの課の申請を見る理由。1時間、その申請が開く。")] = None,
) -> OfficeCase | None:
    of, who = info.context.of, self.who
    number, now = read_number(receipt_number) or "", of.clock()

    def work(db: Writing) -> Case | NeedsReason | None:
        found = office.look(db, of.keys, who, number, now=now)
        if not isinstance(found, NeedsReason) or reason is None:
            return found
        given = office.give_reason(db, of.keys, who, number, reason, now=now, random=of.random)
        return office.look(db, of.keys, who, number, now=now) if given is True else found

    found = await of.database.transact(work)
    if isinstance(found, NeedsReason):
        raise ApiError("REASON_REQUIRED", _REASON.format(found.department))
    return _told(found) if found is not None else None


def _told(found: Case) -> OfficeCase:
    return OfficeCase(
        receipt_number=found.number,
        slug=found.slug,
        version=found.digest,
        department=found.department,
        other_department=found.other,
        state=enums.OfficeState(found.state.value),
        submitted_at=found.submitted_at,
        channel=found.channel,
        protected=found.protected,
        answers=JSON(found.answers),
        history=[
            OfficeStep(at=each.at, state=enums.OfficeState(each.state.value), by=each.name) for each in found.steps
        ],
        files=[_file(each) for each in found.files],
        messages=[_message(each, found) for each in found.messages],
    )


def _file(each: Upload) -> OfficeFile:
    return OfficeFile(key=each.key, name=each.name, scan=each.scan)


def _message(each: Message, found: Case) -> OfficeMessage:
    return OfficeMessage(
        kind=enums.MessageKind(each.kind.value),
        audience=enums.OfficeAudience(each.audience.value),
        by=found.names.get(each.staff_id, "") if each.staff_id else "",
        text=each.text,
        at=each.at,
        answer_by=each.answer_by,
        files=[_file(file) for file in files_of(each, found.files)],
    )


async def _looks(
    self: Office, info: Info, receipt_number: Annotated[str, argument(description="受付番号。")]
) -> list[OfficeLook] | None:
    of, who = info.context.of, self.who
    if not who.may(Action.SEE_AUDIT):
        raise ApiError("FORBIDDEN", _FORBIDDEN)
    found = await of.database.transact(lambda db: office.looks(db, of.keys, who, receipt_number))
    return [_look(each) for each in found[1]] if found is not None else None


def _look(each: Look) -> OfficeLook:
    return OfficeLook(at=each.at, by=each.name, action=each.action, reason=each.reason)


@strawberry.type(description="職員の画面にあるもの。読めるものは、役割と課で決まる。")
class Office:
    who: strawberry.Private[Staff]
    login: str = field(description="サインインしている職員のログイン名。")
    own_departments: list[str] = field(description="一覧を読める課。")
    cases: OfficeCaseConnection = field(resolver=_cases, description="自分の課の申請の一覧。")
    case: OfficeCase | None = field(resolver=_case, description="申請1つ。ないか、役割で見られなければ null。")
    looks: list[OfficeLook] | None = field(
        resolver=_looks, description=f"監査の役割で読む、申請を見た人の記録。新しい順に{office.LOOKS}件まで。"
    )


def office_of(info: Info) -> Office:
    """The office as whoever is signed in sees it. Raises ApiError where nobody of the staff is."""
    who = info.context.staff
    if who is None:
        raise ApiError("STAFF_SIGN_IN_REQUIRED", _SIGN_IN)
    return Office(who=who, login=who.login, own_departments=list(departments(who.held, Action.LIST)))
