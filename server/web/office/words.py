"""What the office's codes are called on its pages. A new code is a new line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from server.applications.states import Act, OfficeState

STATE_WORDS: Final[Mapping[OfficeState, str]] = {
    OfficeState.PAYMENT_PENDING: "納付待ち",
    OfficeState.SUBMITTED: "到達",
    OfficeState.ACCEPTED: "受付済み",
    OfficeState.CORRECTION_REQUESTED: "補正の依頼",
    OfficeState.REVIEWING: "審査",
    OfficeState.PENDING_DECISION: "決裁",
    OfficeState.APPROVED: "承認",
    OfficeState.REFUSED: "拒否",
    OfficeState.COMPLETED: "完了",
    OfficeState.WITHDRAWN: "取下げ",
    OfficeState.EXPIRED: "失効",
}
CHANNEL_WORDS: Final = {"online": "オンライン", "api": "プログラム", "counter": "窓口"}
ASSURANCE_WORDS: Final = {
    "none": "確認なし",
    "email": "メールアドレスの確認",
    "oidc-basic": "マイナンバーカード(4情報)",
    "jpki-signature": "マイナンバーカード(署名用)",
}
PAYMENT_WORDS: Final = {
    "DUE": "未納",
    "PENDING": "確認中",
    "PAID": "納付済み",
    "FAILED": "失敗(やり直し可)",
    "EXPIRED": "時間切れ(やり直し可)",
    "CANCELLED": "取消し",
    "PARTLY_REFUNDED": "一部返金",
    "REFUNDED": "返金済み",
}
ACTION_WORDS: Final = {
    "application.view": "内容を見た",
    "application.file": "添付ファイルを開いた",
    "application.print": "印刷用のPDFを開いた",
    "application.reason": "ほかの課の申請を見る理由を書いた",
    "application.looks": "この記録を見た",
    "application.assign": "担当になった",
    "application.let_go": "担当をやめた",
    "application.hand_over": "ほかの課へ移した",
    "application.question": "窓口への質問を読んだ",
    "application.counter_question": "窓口にたずねた",
    "application.counter_answer": "窓口が答えた",
    "application.lookup": "受付番号と確認コードで開いた",
    "application.state": "状態を変えた",
    "application.withdraw": "取り下げた",
    "payment.started": "支払いを始めた",
    "payment.declined": "支払いが断られた",
    "payment.promised": "あとで支払うことになった",
    "payment.expired": "支払いの手続きが時間切れになった",
    "payment.paid": "支払いが済んだ",
    "payment.partly_refunded": "一部を返金した",
    "payment.refunded": "返金した",
    "payment.cancelled": "支払いを取り消した",
    "payment.lapsed": "支払いの期限が過ぎた",
    "payment.unclear": "金額の合わない入金があった",
    "payment.mismatch": "金額の合わない入金があった",
    "payment.surplus": "二重の入金、または受け取るものがないお金があった",
    "payment.till": "窓口で受け取った",
    "payment.voided": "窓口の収納の記録を取り消した",
    "payment.refund_decided": "返金を決めた",
    "payment.refund_unassigned": "どの手数料か分からない返金があった",
    "payment.refund_handed_over": "窓口で返金した",
    "payment.refund_impossible": "決済事業者が返金できなかった",
    "proposal.ask": "2人で決めることを申し出た",
    "proposal.allow": "2人目が認めた",
    "proposal.refuse": "2人目が認めなかった",
}
ACTORS: Final = {
    "resident": "申請者",
    "session": "申請者(サインインなし)",
    "token": "申請者のプログラム",
    "anonymous": "申請者(サインインなし)",
    "provider": "決済事業者",
    "worker": "システム",
    "operator": "運用担当",
}


@dataclass(frozen=True, slots=True)
class ActWords:
    """An act on the page of a case: what its button says, and of one that needs words (`label`) what is written.
    `grave`: what cannot be taken back."""

    button: str
    label: str = ""
    hint: str = ""
    grave: bool = False


ACTS: Final[Mapping[str, ActWords]] = {
    Act.ACCEPT: ActWords("受け付ける"),
    Act.UNDO_ACCEPT: ActWords("受付を取り消す"),
    Act.REVIEW: ActWords("審査に進める"),
    Act.COMPLETE: ActWords("完了にする", grave=True),
    Act.PROPOSE: ActWords("決裁に回す"),
    Act.APPROVE: ActWords("承認する", grave=True),
    Act.SEND_BACK: ActWords("審査に差し戻す"),
    Act.ASK: ActWords(
        "申請した人にたずねる",
        "たずねること・直してほしいこと",
        "申請した人のページに、このまま出ます。メールには書かれず、「おたずねがあります」とだけ届きます。",
    ),
    Act.ANSWER: ActWords(
        "聞き取った答えを書き入れる",
        "申請した人の答え",
        "電話や窓口で聞いたときや、書類を受け取ったときに使います。聞いた人と日時が残ります。",
    ),
    Act.REFUSE: ActWords(
        "拒否する",
        "拒否する理由",
        "どの基準に、どうして合わないのかが、申請した人に分かるように書きます(行政手続法8条)。不服申立ての案内は自動で付きます。",
        grave=True,
    ),
    Act.TURN_DOWN: ActWords(
        "認めない(拒否する)",
        "拒否する理由",
        "どの基準に、どうして合わないのかが、申請した人に分かるように書きます(行政手続法8条)。不服申立ての案内は自動で付きます。",
        grave=True,
    ),
    Act.HAND_OVER: ActWords("ほかの課へ移す", "移す理由", "申請した人には見えません。移した先の課が読みます。"),
    "ask-counter": ActWords(
        "受け付けた窓口にたずねる", "たずねること", "申請した人には見えません。窓口の「窓口への質問」に出ます。"
    ),
}
UNFIT_WORDS: Final = {
    "text": "1文字から2,000文字で入力してください",
    "answer": "2,000文字までで入力するか、書類を添付してください",
    "day": "答えの期限を、明日から3か月以内の日で選んでください",
    "department": "移す先の課を選んでください",
}
HINDERED_WORDS: Final = {
    "same-person": "決裁に回した人は、自分では決裁できません。別の決裁の担当に頼んでください。",
    "late": "受付を取り消せるのは、受け付けた本人が10分以内に行うときだけです。",
    "waiting": "申請した人が答える期限がまだ過ぎていません。答えを待つか、聞き取った答えを書き入れてください。",
    "kind": "届出には、認める・認めないの決定がないため、拒否はできません。",
}


def actor_words(by: str) -> str:
    """Whoever is not of the staff, as the audit names them."""
    return ACTORS.get(by.partition(":")[0], "システム")
