"""Applications as the API shows them, and the ways to make one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final

import strawberry
from strawberry import field

from server.api import enums, filing
from server.api.catalogue import Procedure, shown
from server.api.context import Info
from server.api.filing import Filed, Sent
from server.api.refusals import ApiError, Refusal, whole
from server.api.scalars import JSON
from server.applications import lookup, messages, seats, uploads, withdrawal
from server.applications.history import actor
from server.applications.idempotency import LONGEST_KEY
from server.applications.lookup import TooMany
from server.applications.messages import Message
from server.applications.uploads import Upload
from server.catalogue import ProcedureState, Published
from server.money.debts import Debt
from server.people.limits import LimitReached
from server.store.database import Writing


@strawberry.type(description="手数料の支払い。")
class Payment:
    state: enums.PaymentState = field(description="支払いの状態。")
    amount: int = field(description="払う金額(円)。")
    checkout_url: str | None = field(
        description="支払いのページ(このサイトのパス)。払えなければ null。申請したか、コードを示したセッションで開く。"
    )
    pay_until: datetime | None = field(description="支払いの期限。コンビニなどで払うと約束したあとは、その期限。")
    paid_at: datetime | None = field(description="支払われた日時。")


@strawberry.type(description="申請の歩みの1つ。")
class HistoryEntry:
    at: datetime = field(description="いつ。")
    state: enums.ApplicationState = field(description="どの状態になったか。")


@strawberry.type(description="申請で取れた予約。")
class Seat:
    start: str = field(description="予約した枠の始まり(日本の時刻)。例: 2026-12-01T09:00、1日なら 2026-12-01")
    until: str | None = field(description="枠の終わり。1日なら null。")
    text: str = field(description="言葉で書いた日時。")


@strawberry.type(description="送られたが、聞かれていないので使わなかった答えや添付書類。")
class LeftOut:
    pointer: str = field(description="答えの JSON Pointer、または attachment:<key>。")
    title: str = field(description="質問や添付書類の名前。")


@strawberry.type(description="答えに付けて送ったファイル(追加書類)。")
class AddedFile:
    name: str = field(description="ファイルの名前。")
    size: int = field(description="大きさ(バイト)。")
    scan: enums.ScanState = field(description="ウイルス検査。")


@strawberry.type(description="申請についての、担当課とのやりとりの1つ。")
class ApplicationMessage:
    kind: enums.MessageKind = field(description="種類。")
    department: str | None = field(description="どの課からか、どの課が聞き取ったか。申請した人が送った答えでは null。")
    text: str = field(description="書いてあること。ファイルだけの答えでは空。")
    at: datetime = field(description="いつ。")
    answer_by: datetime | None = field(description="答えの期限。質問でなければ null。")
    files: list[AddedFile] = field(description="答えに付けて送ったファイル。")


async def _messages(self: Application, info: Info) -> list[ApplicationMessage]:
    """What its people may read, as on the pages; reading it is audited."""
    of, who, application_id = info.context.of, info.context.visitor, self.record.id

    def work(db: Writing) -> tuple[list[Message], Sequence[Upload]]:
        said = messages.theirs(messages.of(db, of.keys, application_id))
        if said:
            db.audit("application.messages", application_id, actor=actor(who))
        return said, uploads.of(db, of.keys, "application", application_id) if said else ()

    said, files = await of.database.transact(work)
    return [_message(each, messages.files_of(each, files)) for each in said]


def _message(each: Message, files: Sequence[Upload]) -> ApplicationMessage:
    return ApplicationMessage(
        kind=enums.MessageKind(each.kind.value),
        department=each.department or None,
        text=each.text,
        at=each.at,
        answer_by=each.answer_by,
        files=[AddedFile(name=file.name, size=file.size, scan=enums.ScanState(file.scan)) for file in files],
    )


async def _procedure(self: Application, info: Info) -> Procedure:
    of = info.context.of
    declaration = await of.catalogue.declaration(self.record.digest, self.record.slug)
    served = of.catalogue.get(self.record.slug)
    if served is None:
        published = Published(declaration, self.record.digest, ProcedureState.CLOSED.value, "", of.clock())
    else:
        published = replace(served, declaration=declaration, digest=self.record.digest)
    return shown(published, of.catalogue.shared, of.clock())


@strawberry.type(description="申請。")
class Application:
    receipt_number: str = field(description="受付番号(15桁)。")
    access_code: str | None = field(
        description="確認コード。受付番号と合わせて状況を見るのに使う。出した時の答えにだけ入る。"
    )
    state: enums.ApplicationState = field(description="いまの状態。")
    submitted_at: datetime = field(description="出した日時。")
    fee_total: int = field(description="手数料の合計(円)。")
    payment: Payment | None = field(description="支払い。払うものがなければ null。")
    seat: Seat | None = field(description="取れている予約。取り下げたあとや、予約のない手続なら null。")
    history: list[HistoryEntry] = field(description="これまでの歩み。古い順。")
    messages: list[ApplicationMessage] = field(resolver=_messages, description="担当課とのやりとり。古い順。")
    left_out: list[LeftOut] | None = field(description="使わなかった答えと添付書類。出した時の答えにだけ入る。")
    record: strawberry.Private[lookup.Application]
    procedure: Procedure = field(resolver=_procedure, description="出した時の版での手続。")


def _seat(seat: seats.Seat | None) -> Seat | None:
    return Seat(start=seat.slot, until=seat.until or None, text=seat.text) if seat else None


def application(record: lookup.Application, made: Filed | None = None) -> Application:
    """An application; with its access code only when it was just `made`."""
    return Application(
        receipt_number=record.receipt_number,
        access_code=made.access_code if made else None,
        state=enums.ApplicationState(record.state.value),
        submitted_at=record.submitted_at,
        fee_total=record.fee_total,
        seat=_seat(record.seat),
        payment=_payment(record.payment) if record.payment else None,
        history=[HistoryEntry(at=each.at, state=enums.ApplicationState(each.state.value)) for each in record.events],
        left_out=[LeftOut(pointer=each.pointer, title=each.title) for each in made.left_out] if made else None,
        record=record,
    )


def _payment(debt: Debt) -> Payment:
    return Payment(
        state=enums.PaymentState(debt.state.value),
        amount=debt.amount,
        checkout_url=f"/payments/{debt.id}" if debt.payable else None,
        pay_until=debt.deadline,
        paid_at=debt.paid_at,
    )


@strawberry.type(description="申請をそのままでは受けられないわけの1つ。")
class AnswerError:
    pointer: str = field(
        description="どの答えか(JSON Pointer)。添付書類は attachment:<key>、申請ぜんたいのことは空の文字列。"
    )
    code: str = field(description="わけの名前。スキーマのキーワード(required、maximum など)か、大文字の名前。")
    message: str = field(description="住民に見せられる言葉。")


@strawberry.type(description="受けられなかった申請。何も書き込まれていない。")
class Rejected:
    errors: list[AnswerError] = field(description="見つかったわけのすべて。")


@strawberry.type(description="始めた電子署名。")
class Signature:
    id: strawberry.ID = field(description="submitApplication の signature に書く。1回の申請に使える。")
    url: str = field(description="署名のページ(このサイトのパス)。同じセッションのブラウザーで、1時間以内に開く。")


SubmitApplicationPayload = Annotated[
    Application | Rejected,
    strawberry.union("SubmitApplicationPayload", description="受けた申請か、受けられないわけ。"),
]
StartSignaturePayload = Annotated[
    Signature | Rejected,
    strawberry.union("StartSignaturePayload", description="始めた電子署名か、始められないわけ。"),
]


WithdrawApplicationPayload = Annotated[
    Application | Rejected,
    strawberry.union("WithdrawApplicationPayload", description="取り下げた申請か、取り下げられないわけ。"),
]


@strawberry.input(description="取り下げる申請。")
class WithdrawApplicationInput:
    receipt_number: str = field(description="受付番号。")
    access_code: str = field(description="確認コード。")
    reason: enums.WithdrawalReason = field(
        default=enums.WithdrawalReason.UNSAID, description="取り下げるわけ。統計に使う。"
    )


@strawberry.input(description="添付書類1つ。")
class AttachmentInput:
    key: str = field(description="添付書類の名前。行ごとのものは key/0、key/1 …")
    upload: strawberry.ID = field(description="POST /uploads の答えの upload。")


@strawberry.input(description="電子署名をする申請。submitApplication に送るものと同じにする。")
class StartSignatureInput:
    slug: str = field(description="手続の slug。")
    answers: JSON = field(description="答え。procedure(slug).schema のとおりのオブジェクト。")
    version: str | None = field(default=None, description="答えた質問の版。なければ、いまの版。")
    attachments: list[AttachmentInput] = field(default_factory=list, description="添付書類。")

    def sent(self) -> Sent:
        files = tuple((each.key, str(each.upload)) for each in self.attachments)
        return Sent(self.slug, self.version, self.answers, files)


@strawberry.input(description="出す申請。")
class SubmitApplicationInput:
    slug: str = field(description="手続の slug。")
    answers: JSON = field(description="答え。procedure(slug).schema のとおりのオブジェクト。")
    version: str | None = field(default=None, description="答えた質問の版。なければ、いまの版。")
    attachments: list[AttachmentInput] = field(default_factory=list, description="添付書類。")
    signature: strawberry.ID | None = field(
        default=None, description="startSignature の id。JPKI_SIGNATURE の手続で必要。"
    )
    idempotency_key: str | None = field(
        default=None,
        description="この申請に付けた、ほかで使わない値。同じ値と同じ内容をもう一度送ると、はじめと同じ答えを返す。",
    )

    def sent(self) -> Sent:
        files = tuple((each.key, str(each.upload)) for each in self.attachments)
        return Sent(self.slug, self.version, self.answers, files)


async def find(info: Info, receipt_number: str, access_code: str) -> Application | None:
    """By number and code; each call counts as a try, however many stand in one request."""
    found = await looked_up(info, receipt_number, access_code)
    return application(found) if found else None


async def looked_up(info: Info, receipt_number: str, access_code: str) -> lookup.Application | None:
    """The same, for whatever is done with it. Raises ApiError after too many tries."""
    asked = info.context
    of, now = asked.of, asked.of.clock()
    found = await of.database.transact(
        lambda db: lookup.by_code(db, of.keys, receipt_number, access_code, asked.visitor, place=asked.place, now=now)
    )
    if isinstance(found, TooMany):
        words = "まちがいが多いので、しばらく調べられません。時間をおいて、もう一度お試しください。"
        raise ApiError("RATE_LIMITED", words, retryAfter=found.seconds)
    return found


async def withdraw(info: Info, wanted: WithdrawApplicationInput) -> Application | Rejected:
    """Take an application back, as the pages do. Number and code say which one; they are not whose it is."""
    of, who, now = info.context.of, info.context.visitor, info.context.of.clock()
    found = await looked_up(info, wanted.receipt_number, wanted.access_code)
    if found is None:
        return rejected(whole("UNKNOWN_APPLICATION"))
    reason = withdrawal.Reason[wanted.reason.name]
    declaration = await of.catalogue.declaration(found.digest, found.slug)
    done = await of.database.transact(
        lambda db: withdrawal.withdraw(
            db, of.keys, found, declaration, who, reason, base_url=of.settings.base_url, now=now, random=of.random
        )
    )
    if isinstance(done, withdrawal.Refused):
        return rejected(whole(_NOT_WITHDRAWN[done]))
    return application(done)


_NOT_WITHDRAWN: Final = {
    withdrawal.Refused.PERSON: "OWNER_REQUIRED",
    withdrawal.Refused.STATE: "NOT_WITHDRAWABLE",
}


async def submit(info: Info, wanted: SubmitApplicationInput) -> Application | Rejected:
    """Submit as the pages do."""
    key = wanted.idempotency_key
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise ApiError("BAD_USER_INPUT", f"idempotencyKey は1文字から{LONGEST_KEY}文字までです。")
    signature = str(wanted.signature) if wanted.signature is not None else None
    asked = info.context
    try:
        made = await filing.file(
            asked.of, asked.visitor, wanted.sent(), place=asked.place, signature=signature, key=key
        )
    except LimitReached as error:
        words = "短い時間に多くの申請が送られました。時間をおいて、もう一度お試しください。"
        raise ApiError("RATE_LIMITED", words, retryAfter=error.seconds) from error
    return rejected(made) if isinstance(made, Refusal) else application(made.application, made)


async def start_signature(info: Info, wanted: StartSignatureInput) -> Signature | Rejected:
    """Begin a signature over what is to be submitted."""
    begun = await filing.sign(info.context.of, info.context.visitor, wanted.sent())
    if isinstance(begun, Refusal):
        return rejected(begun)
    return Signature(id=strawberry.ID(begun), url=f"/sign/{begun}/go")


def rejected(refusal: Refusal) -> Rejected:
    return Rejected(
        errors=[AnswerError(pointer=each.pointer, code=each.code, message=each.message) for each in refusal.problems]
    )
