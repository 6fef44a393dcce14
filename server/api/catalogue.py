"""The catalogue as the API shows it: everything here is public, and the same for everybody on the same day."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, Final

import strawberry
from strawberry import field

from forms_schema import Attachment as Asked
from forms_schema import Field
from procedures.bookings import BookingTable
from procedures.city import City
from procedures.declaration import Declaration, Header
from procedures.dialect import ASSURANCES, CHANNELS
from procedures.fees import FeeTable
from procedures.library import Category, LifeEvent, Shared
from server.api import enums
from server.api.context import Info
from server.api.departments import Department, departments
from server.api.paging import PROCEDURES, PageInfo, cursor
from server.api.scalars import JSON
from server.api.versions import After, First, VersionConnection, versions
from server.catalogue import Catalogue, Published
from server.catalogue.finding import Wanted
from server.japan import today

LONGEST_TEXT: Final = 100
SHOWN: Final = 1000
"""Procedures held as the API shows them: all of a city's, in some languages."""


@strawberry.type(description="手数料の1項目。")
class FeeItem:
    code: str = field(description="手数料の表での名前。")
    title: str = field(description="何の手数料か。")
    amount: int = field(description="1つあたりの金額(円)。")
    unit: str = field(description="数え方。例: 通、頭")


@strawberry.type(description="手続の手数料。いくらになるかは、答えと数で決まる。")
class Fee:
    timing: enums.FeeTiming = field(description="いつ払うか。")
    items: list[FeeItem] = field(description="かかることのある手数料。今日の金額。")


@strawberry.type(description="受付の停止。いま止まっているか、これから止まる予定のもの。")
class Suspension:
    reason: str = field(description="止めるわけ。")
    start: datetime | None = field(name="from", description="いつから。前から止まっていれば null。")
    until: datetime | None = field(description="いつまで。再開の日時が決まっていなければ null。")


@strawberry.type(description="受付の状態。")
class ProcedureStatus:
    state: enums.ProcedureState = field(description="いま受け付けているか。")
    reason: str | None = field(description="受け付けていないわけ。")
    suspension: Suspension | None = field(description="いまの停止か、予告された停止。なければ null。")
    accepts_from: date | None = field(description="受付の初日。決まっていなければ null。")
    accepts_until: date | None = field(description="受付の最終日。決まっていなければ null。")


@strawberry.type(description="申請書の1ページ。")
class Step:
    title: str = field(description="ページの題。")
    fields: list[str] = field(
        description="このページの質問の JSON Pointer と、添付書類の attachment:<key>。下の質問もふくむ。"
    )


@strawberry.type(description="添付書類。")
class Attachment:
    key: str = field(description="添付書類の名前。attachments[].key に書く。行ごとのものは key/0、key/1 …")
    title: str = field(description="住民に見せる名前。")
    hint: str = field(description="何を出せばよいか。")
    requirement: enums.AttachmentRequirement = field(description="いつ必要か。")
    accept: list[str] = field(description="受け取る種類(メディアタイプ)。")
    max: int = field(description="いくつまで出せるか。")
    each: str | None = field(description="行ごとに出すとき、その行の JSON Pointer。")


@strawberry.type(description="日時を予約する手続の、予約のカレンダー。空きは slots で読む。")
class Booking:
    title: str = field(description="何を予約するか。例: 市民課の窓口")
    place: str = field(description="どこへ行くか、どこへ出すか。")
    bring: list[str] = field(description="予約の日に用意するもの。")
    pointer: str = field(description="枠を答える質問の JSON Pointer。")


@strawberry.type(description="オンラインの申請が、ほかのサイトへ移る手続の、移り先。")
class Handover:
    to: str = field(description="移り先の名前。例: マイナポータル")
    url: str = field(description="移り先のアドレス。")
    prepare: list[str] = field(description="移る前に用意するもの。")


async def _opened(self: Procedure, info: Info) -> Declaration:
    """What it asks, which is not held for every procedure there is."""
    return await info.context.of.catalogue.declaration(self.version, self.slug)


async def _schema(self: Procedure, info: Info) -> JSON:
    return JSON((await _opened(self, info)).schema)


async def _ui(self: Procedure, info: Info) -> JSON:
    return JSON((await _opened(self, info)).ui)


async def _steps(self: Procedure, info: Info) -> list[Step]:
    form = (await _opened(self, info)).form
    return [
        Step(title=step.title, fields=[_place(item) for item in step.items if isinstance(item, Field | Asked)])
        for step in form.steps
    ]


async def _attachments(self: Procedure, info: Info) -> list[Attachment]:
    return [_attachment(each) for each in (await _opened(self, info)).form.attachments]


def _contact(self: Procedure, info: Info) -> Department | None:
    return info.context.shelf.departments.get(self.department)


async def _versions(self: Procedure, info: Info, first: First = None, after: After = None) -> VersionConnection:
    return await versions(info, self.slug, first, after)


def _place(item: Field | Asked) -> str:
    return item.pointer if isinstance(item, Field) else f"attachment:{item.key}"


def _attachment(asked: Asked) -> Attachment:
    needed = enums.AttachmentRequirement.CONDITIONAL if asked.required_if else enums.AttachmentRequirement.REQUIRED
    return Attachment(
        key=asked.key,
        title=asked.title,
        hint=asked.hint,
        requirement=enums.AttachmentRequirement.OPTIONAL if asked.optional else needed,
        accept=list(asked.accept),
        max=asked.max,
        each=asked.each or None,
    )


@strawberry.type(description="手続。")
class Procedure:
    id: strawberry.ID = field(description="手続の番号。例: P101")
    slug: str = field(description="アドレスに使う名前。")
    title: str = field(description="住民に見せる名前。")
    official_title: str = field(description="法令や条例での名前。日本語だけ。")
    kana: str = field(description="よみ(カタカナ)。")
    summary: str = field(description="どんな手続か。")
    category: str = field(description="分類。")
    life_events: list[str] = field(description="暮らしのできごと。")
    group: str = field(description="国や市の計画での区分。")
    department: str = field(description="担当課。")
    contact: Department | None = field(
        resolver=_contact, description="担当課の連絡先と窓口の時間。市の表にない課なら null。"
    )
    legal_basis: str = field(description="根拠の法令。")
    procedure_type: enums.ProcedureType = field(description="手続の種類。")
    assurance: enums.Assurance = field(description="本人の確認のレベル。")
    channels: list[enums.Channel] = field(description="出せる場所。")
    online_since: str | None = field(description="オンラインになった年度。例: R5")
    processing_days: int = field(description="処理にかかる日数の目安。")
    result: enums.Result = field(description="手に入るもの。")
    fee: Fee | None = field(description="手数料。無料なら null。")
    booking: Booking | None = field(description="予約のカレンダー。予約のない手続なら null。")
    handover: Handover | None = field(description="オンラインの申請の移り先。ここで受け付ける手続なら null。")
    status: ProcedureStatus = field(description="受付の状態。")
    version: str = field(description="質問の版。submitApplication の version に書く。")
    versions: VersionConnection = field(
        resolver=_versions, description="これまでに使われた版。新しい順。書きかけの申請の版も、ここにある。"
    )
    language: enums.Language = field(description="言葉が、実際に何語か。")
    schema: JSON = field(resolver=_schema, description="答えの約束(JSON Schema 2020-12)。")
    ui: JSON = field(resolver=_ui, description="ページの組み立てと言葉。")
    steps: list[Step] = field(resolver=_steps, description="申請書のページ。")
    attachments: list[Attachment] = field(resolver=_attachments, description="添付書類。")


def shown(
    published: Published, shared: Shared, now: datetime, language: enums.Language = enums.Language.JA
) -> Procedure:
    """A version of a procedure as it is today; title and summary in `language`, where both are translated."""
    declaration, status = published.declaration, published.status(now)
    stop = status.suspension
    words = shared.translations.words(language.value, declaration.slug) if language is not enums.Language.JA else {}
    title, summary = words.get(declaration.title), words.get(declaration.summary)
    translated = title is not None and summary is not None
    handed = published.handed_over
    return Procedure(
        id=strawberry.ID(declaration.id),
        slug=declaration.slug,
        title=title if title is not None and translated else declaration.title,
        official_title=declaration.official_title,
        kana=declaration.kana,
        summary=summary if summary is not None and translated else declaration.summary,
        category=declaration.category,
        life_events=list(declaration.life_events),
        group=declaration.group,
        department=declaration.department,
        legal_basis=declaration.legal_basis,
        procedure_type=enums.ProcedureType(declaration.procedure_type.value),
        assurance=enums.Assurance(declaration.assurance.value),
        channels=[enums.Channel(each.value) for each in declaration.channels],
        online_since=declaration.online_since or None,
        processing_days=declaration.processing_days,
        result=enums.Result(declaration.result.value),
        fee=_fee(declaration, shared.fees, today(now)),
        booking=_booking(declaration, shared.bookings),
        handover=Handover(to=handed.to, url=handed.url, prepare=list(handed.prepare)) if handed else None,
        status=ProcedureStatus(
            state=enums.ProcedureState(status.state.value),
            reason=status.reason or None,
            suspension=Suspension(reason=stop.reason, start=stop.start, until=stop.until) if stop else None,
            accepts_from=status.accepts_from,
            accepts_until=status.accepts_until,
        ),
        version=published.digest,
        language=language if translated else enums.Language.JA,
    )


def _booking(declaration: Header, table: BookingTable) -> Booking | None:
    """None too where the calendar of an old version is gone."""
    booking = declaration.booking
    calendar = table.calendars.get(booking.calendar) if booking else None
    if booking is None or calendar is None:
        return None
    return Booking(title=calendar.title, place=calendar.place, bring=list(calendar.bring), pointer=booking.field)


def _fee(declaration: Header, fees: FeeTable, day: date) -> Fee | None:
    if declaration.fee is None:
        return None
    rows = [row for item in declaration.fee.items if (row := fees.find(item.code, day))]
    items = [FeeItem(code=row.code, title=row.title, amount=row.amount, unit=row.unit) for row in rows]
    return Fee(timing=enums.FeeTiming(declaration.fee.timing.value), items=items)


@strawberry.input(description="手続のしぼりこみ。書いたものすべてに合う手続を返す。空の文字列は、書かないのと同じ。")
class ProcedureFilter:
    text: str | None = field(default=None, description="ふだんの言葉。近いものから返す。書きまちがいも許す。")
    category: str | None = field(default=None, description="分類。")
    life_event: str | None = field(default=None, description="暮らしのできごと。")
    group: str | None = field(default=None, description="区分。")
    department: str | None = field(default=None, description="担当課。")
    channel: enums.Channel | None = field(default=None, description="出せる場所。")
    assurance: enums.Assurance | None = field(default=None, description="本人の確認のレベル。")
    online_since: str | None = field(default=None, description="オンラインになった年度。例: R5")
    state: enums.ProcedureState | None = field(default=None, description="受付の状態。")
    has_fee: bool | None = field(default=None, description="手数料がかかるか。")

    def rules(self, shelf: Shelf) -> list[Callable[[Published], bool]]:
        """What must fit, but for `text`, `category` and `life_event`, which are the search's."""
        channel, level, state = (each and str(each.value) for each in (self.channel, self.assurance, self.state))
        rules: list[tuple[object, Callable[[Published], bool]]] = [
            (self.group, lambda each: each.declaration.group == self.group),
            (self.department, lambda each: each.declaration.department == self.department),
            (channel, lambda each: channel in each.declaration.channels),
            (level, lambda each: each.declaration.assurance == level),
            (self.online_since, lambda each: each.declaration.online_since == self.online_since),
            (state, lambda each: shelf.state(each) == state),
            (self.has_fee, lambda each: (each.declaration.fee is not None) is self.has_fee),
        ]
        return [fits for wanted, fits in rules if wanted not in (None, "")]


@strawberry.type(description="一覧の1件。")
class ProcedureEdge:
    cursor: str = field(description="この1件の印。")
    node: Procedure = field(description="手続。")


@strawberry.type(description="一覧の中での、ある値の数。")
class FacetCount:
    value: str = field(description="値。しぼりこみに書く。")
    title: str = field(description="値の名前。")
    count: int = field(description="その値の手続の数。")


@strawberry.type(description="一覧全体を、項目ごとに数えたもの。")
class Facets:
    categories: list[FacetCount] = field(description="分類ごとの数。")
    life_events: list[FacetCount] = field(description="暮らしのできごとごとの数。")
    groups: list[FacetCount] = field(description="区分ごとの数。")
    departments: list[FacetCount] = field(description="担当課ごとの数。")
    channels: list[FacetCount] = field(description="出せる場所ごとの数。")
    assurances: list[FacetCount] = field(description="本人の確認のレベルごとの数。")
    states: list[FacetCount] = field(description="受付の状態ごとの数。")
    with_fee: int = field(description="手数料のかかる手続の数。")


def _facets(self: ProcedureConnection) -> Facets:
    shared, found = self.shelf.shared, [each.declaration for each in self.found]
    categories = {code: each.title for code, each in shared.categories.items()}
    events = {code: each.title for code, each in shared.life_events.items()}
    channels = {each.value: words for each, words in CHANNELS.items()}
    levels = {each.value: words for each, words in ASSURANCES.items()}
    return Facets(
        categories=_counted((each.category for each in found), categories),
        life_events=_counted((code for each in found for code in each.life_events), events),
        groups=_counted((each.group for each in found), shared.groups),
        departments=_counted((each.department for each in found), {}),
        channels=_counted((channel.value for each in found for channel in each.channels), channels),
        assurances=_counted((each.assurance.value for each in found), levels),
        states=_counted(map(self.shelf.state, self.found), {}),
        with_fee=sum(each.fee is not None for each in found),
    )


def _counted(values: Iterable[str], titles: Mapping[str, str]) -> list[FacetCount]:
    """The values that occur, in the order of `titles`, others by their name."""
    order = {value: i for i, value in enumerate(titles)}
    counts = sorted(Counter(values).items(), key=lambda each: (order.get(each[0], len(order)), each[0]))
    return [FacetCount(value=value, title=titles.get(value, value), count=count) for value, count in counts]


@strawberry.type(description="手続の一覧。orderBy の順。")
class ProcedureConnection:
    total_count: int = field(description="ぜんぶで何件か。")
    page_info: PageInfo = field(description="一覧のどこにいるか。")
    edges: list[ProcedureEdge] = field(description="このページの手続。")
    facets: Facets = field(resolver=_facets, description="一覧全体を、項目ごとに数えたもの。")
    found: strawberry.Private[Sequence[Published]]
    shelf: strawberry.Private[Shelf]


@strawberry.type(description="分類、または暮らしのできごと。")
class Topic:
    code: str = field(description="しぼりこみに書く名前。")
    title: str = field(description="住民に見せる名前。")
    kana: str = field(description="よみ(カタカナ)。")
    count: int = field(description="手続の数。")


@strawberry.type(description="オンライン化の歩み。数は、その年度までの合計。")
class RolloutYear:
    year: str = field(description="年度。例: R5")
    target: int = field(description="目標の数。")
    online: int = field(description="オンラインになった数。")


class Shelf:
    """The catalogue on one day, ready to be asked. Made anew when the catalogue or the day changes."""

    def __init__(self, catalogue: Catalogue, city: City, now: datetime) -> None:
        served = catalogue.all()
        self._catalogue, self._index, self.shared, self._now = catalogue, catalogue.index, catalogue.shared, now
        self._served = {each.declaration.slug: each for each in served}
        self._states: dict[str, str] = {}
        self._shown = lru_cache(SHOWN)(lambda each, language: shown(each, self.shared, now, language))
        since = [_fiscal(each.declaration.online_since) for each in served if each.declaration.online_since]
        self.rollout = [
            RolloutYear(year=year, target=target, online=sum(begun <= _fiscal(year) for begun in since))
            for year, target in city.rollout.items()
        ]
        self.departments = departments(city, today(now))

    def get(self, slug: str, language: enums.Language | None = None) -> Procedure | None:
        found = self._served.get(slug)
        return self._shown(found, language or enums.Language.JA) if found else None

    def state(self, each: Published) -> str:
        """Its state on this shelf, as it is written."""
        slug = each.declaration.slug
        if slug not in self._states:
            self._states[slug] = each.status(self._now).state.value
        return self._states[slug]

    @property
    def categories(self) -> list[Topic]:
        return _topics(self.shared.categories.values(), (each.declaration.category for each in self._served.values()))

    @property
    def life_events(self) -> list[Topic]:
        used = (code for each in self._served.values() for code in each.declaration.life_events)
        return _topics(self.shared.life_events.values(), used)

    async def page(
        self,
        wanted: ProcedureFilter | None,
        first: int | None,
        after: str | None,
        order: enums.ProcedureOrder | None = None,
        language: enums.Language | None = None,
    ) -> ProcedureConnection:
        """Raises ApiError for a page that is too long, or a cursor that leads nowhere."""
        found = _ordered(await self._found(wanted or ProcedureFilter()), order)

        def mark(place: int) -> str:
            return cursor("procedure", found[place].declaration.id)

        page, where = PROCEDURES.cut(len(found), mark, first, after)
        asked = language or enums.Language.JA
        edges = [ProcedureEdge(cursor=mark(i), node=self._shown(found[i], asked)) for i in page]
        return ProcedureConnection(total_count=len(found), page_info=where, edges=edges, found=found, shelf=self)

    async def _found(self, wanted: ProcedureFilter) -> list[Published]:
        text = (wanted.text or "")[:LONGEST_TEXT]
        if text.strip():
            await self._index.ready()
        found = self._index.find(Wanted(text, wanted.category or "", wanted.life_event or ""))
        for fits in wanted.rules(self):
            found = list(filter(fits, found))
        return found


def _topics(named: Iterable[Category | LifeEvent], used: Iterable[str]) -> list[Topic]:
    counts = Counter(used)
    return [Topic(code=each.id, title=each.title, kana=each.kana, count=counts[each.id]) for each in named]


@cache
def _fiscal(year: str) -> tuple[int, int]:
    """A fiscal year of an era ('R5') as it is ordered; what cannot be read comes after all others."""
    found = re.fullmatch(r"([MTSHR])([0-9]{1,2})", year)
    return ("MTSHR".index(found[1]), int(found[2])) if found else (9, 0)


_ORDERS: Final[Mapping[enums.ProcedureOrder, Callable[[Header], Any]]] = {
    enums.ProcedureOrder.ID: lambda each: each.id,
    enums.ProcedureOrder.KANA: lambda each: each.kana,
    enums.ProcedureOrder.PROCESSING_DAYS: lambda each: each.processing_days,
    enums.ProcedureOrder.ONLINE_SINCE: lambda each: tuple(-part for part in _fiscal(each.online_since or "M1")),
}


def _ordered(found: list[Published], order: enums.ProcedureOrder | None) -> list[Published]:
    """Stable: what is equal stays as it was found."""
    key = _ORDERS.get(order) if order else None
    return sorted(found, key=lambda each: key(each.declaration)) if key else found
