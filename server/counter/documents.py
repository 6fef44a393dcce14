"""The kinds of documents by which somebody is known at a window (本人確認書類), and how many of them are enough.

One of kind A: issued by a public office, with a photograph. Or two of kinds B and C, at least one of them B: issued by
a public office or a public insurer, without one; C is what others issued. After 住民基本台帳法12条3項, 27条2項 and the
住民基本台帳事務処理要領; a city that asks for more says so in its own rules. Insurance cards are no longer: 資格確認書.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Document:
    """A kind of document: `kind` is 'A', 'B' or 'C'."""

    id: str
    kind: str
    title: str


_EVERY: Final = (
    Document("my-number-card", "A", "マイナンバーカード"),
    Document("driving-licence", "A", "運転免許証"),
    Document("driving-record", "A", "運転経歴証明書(平成24年4月1日以降のもの)"),
    Document("passport", "A", "旅券(パスポート)"),
    Document("residence-card", "A", "在留カード"),
    Document("special-resident", "A", "特別永住者証明書"),
    Document("physical-disability", "A", "身体障害者手帳"),
    Document("mental-disability", "A", "精神障害者保健福祉手帳(写真つき)"),
    Document("intellectual-disability", "A", "療育手帳(写真つき)"),
    Document("seafarer", "A", "船員手帳・海技免状・小型船舶操縦免許証"),
    Document("licence", "A", "国などの免許証(写真つき。無線従事者、電気工事士、宅地建物取引士など)"),
    Document("public-servant", "A", "官公署の職員証(写真つき)"),
    Document("insurance", "B", "健康保険・後期高齢者医療の資格確認書"),
    Document("care-insurance", "B", "介護保険の被保険者証"),
    Document("pension", "B", "年金手帳・基礎年金番号通知書・年金証書"),
    Document("medical-aid", "B", "医療費の受給者証(子ども・ひとり親・重度心身障害者など)"),
    Document("child-support", "B", "児童扶養手当・特別児童扶養手当の証書"),
    Document("welfare", "B", "生活保護の受給者証"),
    Document("certificate", "B", "住民票の写し・戸籍の証明書・印鑑登録証明書"),
    Document("student", "C", "学生証・社員証(写真つき)"),
    Document("bank", "C", "預金通帳・キャッシュカード"),
    Document("hospital", "C", "母子健康手帳・診察券"),
    Document("bill", "C", "公共料金の領収書・納税通知書"),
)
DOCUMENTS: Final[Mapping[str, Document]] = {each.id: each for each in _EVERY}


def enough(shown: Collection[str]) -> bool:
    """Whether these documents (ids) tell who somebody is."""
    kinds = [DOCUMENTS[each].kind for each in set(shown)]
    return "A" in kinds or (len(kinds) >= 2 and "B" in kinds)
