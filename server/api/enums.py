"""The closed lists, as the API names them. Each is held to the list it tells of by a test."""

from __future__ import annotations

from enum import Enum

import strawberry
from strawberry import enum_value as value

from procedures import terms
from server.applications.messages import Audience as Audiences
from server.applications.messages import Kind as Kinds
from server.applications.states import OfficeState as Inside
from server.applications.states import ResidentState
from server.applications.uploads import CLEAN, INFECTED, WAITING
from server.applications.withdrawal import Reason
from server.catalogue import ProcedureState as States
from server.money.states import PaymentState as Payments


@strawberry.enum(description="だれの申請かを、どれだけ確かめるか。下にあるものほど確か。")
class Assurance(Enum):
    NONE = value(terms.Assurance.NONE.value, description="確かめない。サインインなしで出せる。")
    EMAIL = value(terms.Assurance.EMAIL.value, description="メールアドレスに届く確認番号。")
    OIDC_BASIC = value(terms.Assurance.OIDC_BASIC.value, description="マイナンバーカードでの本人確認(基本4情報)。")
    JPKI_SIGNATURE = value(terms.Assurance.JPKI_SIGNATURE.value, description="署名用電子証明書による電子署名。")


@strawberry.enum(description="手続を出せる場所。")
class Channel(Enum):
    ONLINE = value(terms.Channel.ONLINE.value, description="オンライン。")
    COUNTER = value(terms.Channel.COUNTER.value, description="窓口。")
    KIOSK = value(terms.Channel.KIOSK.value, description="庁舎などの端末。")


@strawberry.enum(description="手続の結果として手に入るもの。")
class Result(Enum):
    CERTIFICATE = value(terms.Result.CERTIFICATE.value, description="証明書や鑑札など。")
    NOTICE = value(terms.Result.NOTICE.value, description="通知。")
    RECEIPT = value(terms.Result.RECEIPT.value, description="受付の控え。")
    PERMIT = value(terms.Result.PERMIT.value, description="許可や認定。")
    RESERVATION = value(terms.Result.RESERVATION.value, description="予約。")
    PAYMENT = value(terms.Result.PAYMENT.value, description="給付や還付。")


@strawberry.enum(description="手数料を払う時。")
class FeeTiming(Enum):
    SUBMIT = value(terms.Timing.SUBMIT.value, description="申請のとき。")
    REVIEW = value(terms.Timing.REVIEW.value, description="審査のあと。")
    COUNTER = value(terms.Timing.COUNTER.value, description="窓口で。")
    PICKUP = value(terms.Timing.PICKUP.value, description="受け取りのとき。")


@strawberry.enum(description="手続が、いま受け付けられているか。")
class ProcedureState(Enum):
    OPEN = value(States.OPEN.value, description="受付中。")
    CLOSED = value(States.CLOSED.value, description="受付は終わった。")
    PLANNED = value(States.PLANNED.value, description="まだ始まっていない。")
    SUSPENDED = value(States.SUSPENDED.value, description="休止中。")


@strawberry.enum(description="添付書類がいるかどうか。")
class AttachmentRequirement(Enum):
    REQUIRED = value("required", description="いつも必要。")
    CONDITIONAL = value("conditional", description="答えによって必要になる。")
    OPTIONAL = value("optional", description="出さなくてもよい。")


@strawberry.enum(description="名前と要約を、どの言語で読むか。訳のない手続は日本語のまま。")
class Language(Enum):
    JA = value("ja", description="日本語。")
    JA_EASY = value("ja-easy", description="やさしい日本語。")
    EN = value("en", description="英語。")


@strawberry.enum(description="一覧の順。")
class ProcedureOrder(Enum):
    RELEVANCE = value("relevance", description="text に近いものから。text がなければ番号の順。")
    ID = value("id", description="手続の番号の順。")
    KANA = value("kana", description="よみの順。")
    PROCESSING_DAYS = value("processing_days", description="早く済むものから。")
    ONLINE_SINCE = value("online_since", description="オンラインになった年度の新しいものから。")


@strawberry.enum(description="曜日。")
class Weekday(Enum):
    MON = value("mon", description="月曜日。")
    TUE = value("tue", description="火曜日。")
    WED = value("wed", description="水曜日。")
    THU = value("thu", description="木曜日。")
    FRI = value("fri", description="金曜日。")
    SAT = value("sat", description="土曜日。")
    SUN = value("sun", description="日曜日。")


@strawberry.enum(description="手続の種類。")
class ProcedureType(Enum):
    SHINSEI = value(terms.ProcedureType.SHINSEI.value, description="申請。市が決める。")
    TODOKEDE = value(terms.ProcedureType.TODOKEDE.value, description="届出。届けば済む。")
    YOYAKU = value(terms.ProcedureType.YOYAKU.value, description="予約。")
    NOFU = value(terms.ProcedureType.NOFU.value, description="納付。")


@strawberry.enum(description="申請の状態。市役所の中の状態を、出した人にわかる形にしたもの。")
class ApplicationState(Enum):
    PAYMENT_PENDING = value(ResidentState.PAYMENT_PENDING.value, description="手数料の支払いを待っている。")
    SUBMITTED = value(ResidentState.SUBMITTED.value, description="届いた。")
    ACCEPTED = value(ResidentState.ACCEPTED.value, description="受け付けた。")
    CORRECTION_REQUESTED = value(ResidentState.CORRECTION_REQUESTED.value, description="直してほしいところがある。")
    REVIEWING = value(ResidentState.REVIEWING.value, description="審査している。")
    APPROVED = value(ResidentState.APPROVED.value, description="認められた。")
    REFUSED = value(ResidentState.REFUSED.value, description="認められなかった。")
    COMPLETED = value(ResidentState.COMPLETED.value, description="手続は終わった。")
    WITHDRAWN = value(ResidentState.WITHDRAWN.value, description="取り下げた。")
    EXPIRED = value(ResidentState.EXPIRED.value, description="期限が切れた。")


@strawberry.enum(description="市役所の中の申請の状態。職員が読む。")
class OfficeState(Enum):
    PAYMENT_PENDING = value(Inside.PAYMENT_PENDING.value, description="納付待ち。")
    SUBMITTED = value(Inside.SUBMITTED.value, description="到達。")
    ACCEPTED = value(Inside.ACCEPTED.value, description="受付済み。")
    CORRECTION_REQUESTED = value(Inside.CORRECTION_REQUESTED.value, description="補正の依頼。")
    REVIEWING = value(Inside.REVIEWING.value, description="審査。")
    PENDING_DECISION = value(Inside.PENDING_DECISION.value, description="決裁。")
    APPROVED = value(Inside.APPROVED.value, description="承認。")
    REFUSED = value(Inside.REFUSED.value, description="拒否。")
    COMPLETED = value(Inside.COMPLETED.value, description="完了。")
    WITHDRAWN = value(Inside.WITHDRAWN.value, description="取下げ。")
    EXPIRED = value(Inside.EXPIRED.value, description="失効。")


@strawberry.enum(description="申請についてのやりとりの種類。")
class MessageKind(Enum):
    QUESTION = value(Kinds.QUESTION.value, description="担当課からの質問。補正の依頼。")
    ANSWER = value(Kinds.ANSWER.value, description="質問への答え。")
    REFUSAL = value(Kinds.REFUSAL.value, description="認められなかった理由。")
    HANDOVER = value(Kinds.HANDOVER.value, description="ほかの課へ移した理由。職員だけが読む。")


@strawberry.enum(description="だれへの質問か、だれからの答えか。")
class OfficeAudience(Enum):
    RESIDENT = value(Audiences.RESIDENT.value, description="申請した人。")
    COUNTER = value(Audiences.COUNTER.value, description="受け付けた窓口。")
    OFFICE = value(Audiences.OFFICE.value, description="課のあいだ。")


@strawberry.enum(description="ファイルのウイルス検査。")
class ScanState(Enum):
    CLEAN = value(CLEAN, description="問題なし。")
    WAITING = value(WAITING, description="検査を待っている。")
    INFECTED = value(INFECTED, description="ウイルスが見つかった。だれにも渡さない。")


@strawberry.enum(description="手数料の支払いの状態。")
class PaymentState(Enum):
    DUE = value(Payments.DUE.value, description="まだ払っていない。")
    PENDING = value(Payments.PENDING.value, description="支払いの結果を待っている。")
    PAID = value(Payments.PAID.value, description="払った。")
    FAILED = value(Payments.FAILED.value, description="払えなかった。もう一度払える。")
    EXPIRED = value(Payments.EXPIRED.value, description="支払いの期限が切れた。もう一度払える。")
    CANCELLED = value(Payments.CANCELLED.value, description="払う必要がなくなった。")
    PARTLY_REFUNDED = value(Payments.PARTLY_REFUNDED.value, description="一部を返した。")
    REFUNDED = value(Payments.REFUNDED.value, description="返した。")


@strawberry.enum(description="申請を取り下げるわけ。")
class WithdrawalReason(Enum):
    UNSAID = value(Reason.UNSAID.value, description="言わない。")
    MISTAKE = value(Reason.MISTAKE.value, description="内容をまちがえた。")
    TWICE = value(Reason.TWICE.value, description="同じ申請を2回出した。")
    NOT_NEEDED = value(Reason.NOT_NEEDED.value, description="必要がなくなった。")
    ANOTHER_WAY = value(Reason.ANOTHER_WAY.value, description="窓口など、ほかの方法で手続きする。")
    OTHER = value(Reason.OTHER.value, description="そのほか。")
