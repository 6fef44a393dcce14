"""Life events as the API shows them: the interview, and what answers to it bring with them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import strawberry
from strawberry import field

from procedures.interviews import Interview as Declared
from server.api.applications import Rejected, rejected
from server.api.catalogue import Procedure
from server.api.context import Info
from server.api.refusals import Refusal, told, whole
from server.api.scalars import JSON
from server.catalogue.advice import Recommended, query_of, recommended
from server.japan import today


@strawberry.type(description="できごとについての短い質問。答えを recommendations に書くと、必要な手続を返す。")
class Interview:
    schema: JSON = field(description="答えの約束(JSON Schema 2020-12)。")
    ui: JSON = field(description="ページの組み立てと言葉。")


@strawberry.type(description="暮らしのできごと。")
class LifeEvent:
    code: str = field(description="しぼりこみに書く名前。")
    title: str = field(description="住民に見せる名前。")
    kana: str = field(description="よみ(カタカナ)。")
    count: int = field(description="手続の数。")
    interview: Interview | None = field(description="質問。ないできごとなら null。")


@strawberry.type(description="その人に必要な手続。")
class Recommendation:
    title: str = field(description="手続の名前。")
    procedure: Procedure | None = field(description="手続。ここに宣言のない手続(窓口だけの届など)なら null。")
    place: str | None = field(description="宣言のない手続を、どこに出すか。")
    why: str = field(description="その人に、なぜいるのか。")
    due: date | None = field(description="最終日。日付で言えなければ null。")
    late: bool = field(description="最終日を過ぎているか。すぐに出す。")
    by: str = field(description="期限の言葉。")
    bring: list[str] = field(description="用意するもの。添付書類は procedure で読む。")
    online: bool = field(description="いま、ここでオンラインで出せるか。")


@strawberry.type(description="その人に必要な手続の一覧。期限の早い順、日付のないものは後。")
class Recommendations:
    advice: list[Recommendation] = field(description="必要な手続。")
    path: str = field(description="同じ一覧のページ(このサイトのパス)。")


RecommendationsPayload = Annotated[
    Recommendations | Rejected,
    strawberry.union("RecommendationsPayload", description="必要な手続の一覧か、答えのだめなわけ。"),
]


def life_events(info: Info) -> list[LifeEvent]:
    """Every life event, in the order in which residents see them."""
    events = info.context.of.catalogue.shared.life_events
    return [
        LifeEvent(
            code=topic.code,
            title=topic.title,
            kana=topic.kana,
            count=topic.count,
            interview=_interview(events[topic.code].interview),
        )
        for topic in info.context.shelf.life_events
    ]


def life_event(info: Info, code: str) -> LifeEvent | None:
    return next((each for each in life_events(info) if each.code == code), None)


def _interview(declared: Declared | None) -> Interview | None:
    return Interview(schema=JSON(declared.schema), ui=JSON(declared.ui)) if declared else None


async def recommendations(info: Info, code: str, answers: JSON) -> Recommendations | Rejected:
    """What to file for these answers; everything that stands against them otherwise. Nothing is kept."""
    of = info.context.of
    event, now = of.catalogue.shared.life_events.get(code), of.clock()
    if event is None or event.interview is None:
        return rejected(whole("UNKNOWN_LIFE_EVENT"))
    form = event.interview.form
    settled = form.settle(answers if isinstance(answers, dict) else {}, today(now))
    errors = form.unknown(answers) or form.errors(settled)
    if errors:
        return rejected(Refusal(tuple(told(error, form, settled) for error in errors)))
    found = await recommended(event.interview, settled, of.catalogue, of.city.calendar)
    path = f"/life-events/{code}/list?{query_of(settled)}"
    return Recommendations(advice=[_shown(info, each) for each in found], path=path)


def _shown(info: Info, each: Recommended) -> Recommendation:
    published, other = each.published, each.advice.elsewhere
    return Recommendation(
        title=published.declaration.title if published else other.title if other else "",
        procedure=info.context.shelf.get(each.advice.slug) if published else None,
        place=other.where if other else None,
        why=each.advice.why,
        due=each.advice.due,
        late=each.late,
        by=each.by,
        bring=list(each.bring),
        online=published is not None and published.takes_online(info.context.of.clock()),
    )
