"""A life event's interview: a few questions, and for somebody's answers what to file, why and by when.

The questions are a form like a procedure's, but the answers stand in a link that may be passed on: only choices, days
and small numbers are asked, never who somebody is. Pure: the day and the city's calendar are given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from forms_schema import Form, Settled, bundle, compile_form
from forms_schema.base import Answers, BadDeclaration, Fault, FieldError, Json, Schema
from forms_schema.dates import is_duration, read_date, shifted
from forms_schema.guess import meant
from forms_schema.messages import message
from forms_schema.speech import Speech
from procedures import dialect
from procedures.city import Calendar
from procedures.conditions import condition_faults
from procedures.reading import at_place
from procedures.shape import SLUG, count, many, record, text
from procedures.translations import reworded

MOST_QUESTIONS: Final = 12
KINDS: Final = frozenset({"yes_no", "radio", "select", "checkboxes", "date", "integer"})
_DAY: Final = {"type": "string", "format": "date"}
_CONDITION: Final = {
    "title": "条件",
    "description": "この条件が成り立つ人だけ。なければ全員",
    "$ref": dialect.CONDITION,
}
_BY: Final = record(
    "期限",
    "いつまでに。from と、within か workdays_before。日付で言えなければ text だけ。なければ guide.when を出す",
    {
        "from": text("起こった日", "日付を答える質問。/moved_on のように書く", 60, pattern="^/[a-z][a-z0-9_]*$"),
        "within": text(
            "期間",
            "その日から。P14D=14日以内、P3M=3か月以内、-P1D=前の日まで。休みの日に終わる期間は、次に開く日まで",
            12,
        ),
        "first_day": {
            "title": "初日を数える",
            "description": "true なら、起こった日を1日目と数える(戸籍法43条)。なければ次の日から(民法140条)",
            "type": "boolean",
        },
        "workdays_before": count("前の日数", "その日の何日前まで(市役所が開いている日で数える)", 1, 60),
        "text": text("言葉", "日付に添える言葉、または日付で言えない期限。なければ guide.when", 200),
    },
    minProperties=1,
)
_THING: Final = record("持ち物", "ひとつ", {"thing": text("もの", "持ち物"), "when": _CONDITION}, "thing")
_ELSEWHERE: Final = record(
    "ほかの所",
    "宣言のない手続(窓口だけの届、税務署など)に書く。slug には、宣言にない名前を書く",
    {
        "title": text("名前", "手続の名前", 60),
        "where": text("どこで", "どこに出すか"),
        "url": text("アドレス", "https で始まるアドレス", 500, pattern="^https://[!-~]+$"),
    },
    "title",
    "where",
)
_ENTRY: Final = record(
    "すすめる手続",
    "この人にすすめる手続ひとつ。期限・持ち物・手数料・方法は、手続の宣言から出る",
    {
        "slug": {"title": "手続", **SLUG, "description": "declarations にあるファイルの名前"},
        "elsewhere": _ELSEWHERE,
        "why": text("なぜ", "この人になぜいるのか。1文で、やさしく"),
        "when": _CONDITION,
        "by": _BY,
        "bring": many("加える持ち物", "宣言の持ち物のほかに、この人だけがいるもの", _THING),
    },
    "slug",
    "why",
)
_CASE: Final = record(
    "試験",
    "この質問の試験。検査のときに必ず走る",
    {
        "title": text("名前", "どんな人か、住民の言葉で"),
        "today": {"title": "きょう", "description": "この日に答えたとして試す", **_DAY},
        "answers": {"title": "回答", "description": "すべての回答", "type": "object"},
        "expect": record(
            "期待",
            "こうなるはず、ということ",
            {
                "procedures": many("手続", "すすめる手続。過不足なく、順番のとおりに", SLUG),
                "by": {
                    "title": "期限",
                    "description": "手続から日付へ。確かめたいものだけ",
                    "type": "object",
                    "additionalProperties": _DAY,
                },
            },
            "procedures",
        ),
    },
    "title",
    "answers",
    "expect",
)
SHAPE: Final = record(
    "質問と一覧",
    "短い質問に答えると、その人に必要な手続の一覧が出る",
    {
        "schema": {
            "title": "質問",
            "description": "回答の JSON Schema。氏名は聞かない",
            "$ref": dialect.QUESTIONS,
        },
        "ui": dialect.DOCUMENT["properties"]["ui"],
        "procedures": many("すすめる手続", "書いた順に出す。先にするものから", _ENTRY, minItems=1),
        "cases": many("試験", "3つ以上の試験", _CASE, minItems=3),
    },
    *("schema", "ui", "procedures", "cases"),
)
DEFINITIONS: Final[Mapping[str, Json]] = dialect.DOCUMENT["$defs"]
"""What `SHAPE` refers to."""


@dataclass(frozen=True, slots=True)
class By:
    """By when, told from the answer at `start` ('' for a deadline in words): `within` a duration, or `workdays` working
    days before. `first_day`: the day itself is the first that counts."""

    start: str = ""
    within: str = ""
    first_day: bool = False
    workdays: int = 0
    text: str = ""

    def day(self, answers: Answers, calendar: Calendar) -> date | None:
        """The last day in time; None where the words alone say it, or the day it starts from is not told.

        A term that ends on a day on which the city rests ends with the next it works on (地方自治法4条の2第4項). One
        that ends on the day itself or before it does not: what was to be done by then would be late.
        """
        start = read_date(answers.get(self.start[1:]))
        try:
            return None if start is None else self._counted(start, calendar)
        except OverflowError:  # a day at the end of time, which no question's x-date need rule out
            return None

    def _counted(self, start: date, calendar: Calendar) -> date:
        if self.workdays:
            return _workdays_before(start, self.workdays, calendar)
        end = shifted(start, self.within)
        if end <= start:
            return end
        end -= timedelta(days=self.first_day)
        return end if calendar.open_on(end) else calendar.workday_after(end, 1)


def _workdays_before(start: date, days: int, calendar: Calendar) -> date:
    day = start
    while days > 0:
        day -= timedelta(days=1)
        days -= calendar.open_on(day)
    return day


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A filing that no declaration describes: what it is called, where it goes, and where that is told ('' nowhere)."""

    title: str
    where: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A procedure that the interview may recommend: to everybody, or when the answers fit `when`. With `elsewhere`,
    `slug` names no procedure of ours."""

    slug: str
    elsewhere: Elsewhere | None
    why: str
    when: Schema | None
    by: By
    bring: tuple[tuple[str, Schema | None], ...]
    """Each thing, with its own condition."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A procedure for one person: why it is theirs, the last day (None: `by` or its own guide says it in words), and
    what they bring besides what its guide names."""

    slug: str
    elsewhere: Elsewhere | None
    why: str
    due: date | None
    by: str
    bring: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Interview:
    """See the module. Made by `read`; the form is compiled then."""

    schema: Schema
    ui: Mapping[str, Any]
    entries: tuple[Entry, ...]
    cases: tuple[Mapping[str, Any], ...]
    form: Form

    def spoken(self, words: Mapping[str, str], speech: Speech) -> Interview:
        """The same questions in another language. Reasons and things to bring stay: whoever shows them translates."""
        schema, ui = reworded(self.schema, words), reworded(self.ui, words)
        return replace(self, schema=schema, ui=ui, form=compile_form(schema, ui=ui, speech=speech))

    def wanted(self, settled: Settled, calendar: Calendar) -> tuple[Advice, ...]:
        """What somebody files, in the order of the file. `settled` are their answers, without errors."""
        return tuple(
            self._advice(entry, settled, calendar) for entry in self.entries if self._fits(entry.when, settled)
        )

    def _advice(self, entry: Entry, settled: Settled, calendar: Calendar) -> Advice:
        things = tuple(thing for thing, when in entry.bring if self._fits(when, settled))
        due = entry.by.day(settled.kept, calendar)
        return Advice(entry.slug, entry.elsewhere, entry.why, due, entry.by.text, things)

    def _fits(self, when: Schema | None, settled: Settled) -> bool:
        return when is None or self.form.matches(when)(settled.kept, settled.today)


def read(raw: Mapping[str, Json], common: Mapping[str, Schema]) -> Interview:
    """The interview that a file of the right shape writes down. Raises BadDeclaration with every fault that shows
    without the procedures it recommends; `faults` finds the others."""
    try:
        schema = bundle(raw["schema"], common)
    except BadDeclaration as bad:
        raise BadDeclaration(at_place("/schema", bad.faults)) from None
    form = compile_form(schema, ui=raw["ui"])
    entries = tuple(_entry(each) for each in raw["procedures"])
    found = [*_of_questions(form), *_of_entries(raw["procedures"], form)]
    if found:
        raise BadDeclaration(found)
    return Interview(schema, raw["ui"], entries, tuple(raw["cases"]), form)


def _entry(raw: Mapping[str, Any]) -> Entry:
    by = raw.get("by", {})
    counted = By(
        start=by.get("from", ""),
        within=by.get("within", ""),
        first_day=by.get("first_day", False),
        workdays=by.get("workdays_before", 0),
        text=by.get("text", ""),
    )
    bring = tuple((each["thing"], each.get("when")) for each in raw.get("bring", ()))
    elsewhere = Elsewhere(**raw["elsewhere"]) if "elsewhere" in raw else None
    return Entry(raw["slug"], elsewhere, raw["why"], raw.get("when"), counted, bring)


def _of_questions(form: Form) -> Iterator[Fault]:
    """The answers stand in a link: nothing may be asked that says who somebody is."""
    asked = [field for field in form.fields.values() if field.pointer.count("/") == 1]
    if len(asked) > MOST_QUESTIONS:
        yield Fault("/schema", f"質問が {len(asked)} あります", f"{MOST_QUESTIONS} までにしてください")
    for field in asked:
        if field.kind.name not in KINDS:
            allowed = "はい・いいえ、選択肢、日付、整数だけを聞けます。回答はリンクに残るので、名前や住所は聞きません"
            yield Fault(f"/schema/properties{field.pointer}", f"{field.pointer} は、ここでは聞けません", allowed)


def _of_entries(entries: list[Mapping[str, Any]], form: Form) -> Iterator[Fault]:
    slugs = [entry["slug"] for entry in entries]
    for i, entry in enumerate(entries):
        at = f"/procedures/{i}"
        if entry["slug"] in slugs[:i]:
            yield Fault(f"{at}/slug", f"{entry['slug']} が2度あります", "1つにまとめ、when に anyOf で書いてください")
        yield from condition_faults(entry.get("when"), f"{at}/when", "", form)
        for j, thing in enumerate(entry.get("bring", ())):
            yield from condition_faults(thing.get("when"), f"{at}/bring/{j}/when", "", form)
        if "by" in entry:
            yield from _of_by(entry["by"], f"{at}/by", form)


def _of_by(by: Mapping[str, Any], at: str, form: Form) -> Iterator[Fault]:
    ways = [name for name in ("within", "workdays_before") if name in by]
    if len(ways) != ("from" in by) or ("from" not in by and "text" not in by) or ("first_day" in by) > ("within" in by):
        allowed = "from と within、from と workdays_before、または text だけを書いてください"
        yield Fault(at, "期限の書き方が違います", allowed)
        return
    if "within" in by and not is_duration(by["within"]):
        yield Fault(f"{at}/within", "期間として読めません", "P14D、P3M、-P1D のように書いてください")
    days = [field.pointer for field in form.fields.values() if field.kind.name == "date"]
    if "from" in by and by["from"] not in days:
        allowed = meant(by["from"], days, f"日付を答える質問: {'、'.join(days) or 'なし'}")
        yield Fault(f"{at}/from", f"{by['from']} という日付の質問はありません", allowed)


def faults(interview: Interview, slugs: Collection[str], calendar: Calendar | None, today: date) -> list[Fault]:
    """What is wrong with it beside the procedures there are (`slugs`), and every case that does not come out as it
    expects. Cases are not run without the city's calendar. `today` is for those that name no day of their own."""
    found = list(_of_slugs(interview, slugs))
    if calendar is None:
        return found
    reached = set[str]()
    for i, case in enumerate(interview.cases):
        day = date.fromisoformat(case["today"]) if "today" in case else today
        advice, wrong = _run(interview, case, calendar, day)
        reached |= {each.slug for each in advice}
        found += at_place(f"/cases/{i}", tuple(wrong))
    return [*found, *_unreached(interview, reached)]


def _of_slugs(interview: Interview, slugs: Collection[str]) -> Iterator[Fault]:
    for i, entry in enumerate(interview.entries):
        if entry.elsewhere is None and entry.slug not in slugs:
            allowed = "procedures/declarations にあるファイルの名前を書くか、elsewhere にどこへ出すかを書いてください"
            problem = f"{entry.slug} という手続はありません"
            yield Fault(f"/procedures/{i}/slug", problem, meant(entry.slug, slugs, allowed))
        elif entry.elsewhere is not None and entry.slug in slugs:
            problem = f"{entry.slug} は宣言のある手続です"
            yield Fault(f"/procedures/{i}/elsewhere", problem, "elsewhere を消すか、ほかの名前にしてください")


def _unreached(interview: Interview, reached: Collection[str]) -> Iterator[Fault]:
    for i, entry in enumerate(interview.entries):
        if entry.slug not in reached:
            problem = f"{entry.slug} をすすめる試験がありません"
            yield Fault(f"/procedures/{i}", problem, "この手続が出る人の試験を cases に書いてください")


def _run(
    interview: Interview, case: Mapping[str, Any], calendar: Calendar, today: date
) -> tuple[tuple[Advice, ...], list[Fault]]:
    form = interview.form
    settled = form.settle(case["answers"], today)
    wrong = [
        Fault(f"/answers{error.pointer}", f"この回答は通りません({_said(error, form)})", _MEND)
        for error in (*form.unknown(case["answers"]), *form.errors(settled))
    ]
    wrong += [Fault(f"/answers{each.pointer}", "聞かれない質問の回答です", _MEND) for each in settled.dropped]
    if wrong:
        return (), wrong
    advice = interview.wanted(settled, calendar)
    return advice, list(_differences(case["expect"], advice))


def _said(error: FieldError, form: Form) -> str:
    field = form.fields.get(error.pointer)
    return message(error, field, field.title) if field else f"{error.pointer} という質問はありません"


_MEND: Final = "answers か、schema の条件を直してください"


def _differences(expect: Mapping[str, Any], advice: tuple[Advice, ...]) -> Iterator[Fault]:
    found = [each.slug for each in advice]
    if found != expect["procedures"]:
        missing, more = _only(expect["procedures"], found), _only(found, expect["procedures"])
        said = [f"出ないもの: {'、'.join(missing)}"] if missing else []
        said += [f"書かれていないもの: {'、'.join(more)}"] if more else []
        allowed = "。".join(said or ["順番だけが違います"]) + "。when か expect を直してください"
        yield Fault("/expect/procedures", f"すすめる手続は {'、'.join(found) or 'なし'} になります", allowed)
    days = {each.slug: each.due for each in advice}
    for slug, day in expect.get("by", {}).items():
        due = days.get(slug)
        if due is None or due.isoformat() != day:
            problem = f"{slug} の期限は {due.isoformat() if due else '日付なし'} になります"
            yield Fault(f"/expect/by/{slug}", problem, f"{day} と書かれています。正しいほうに直してください")


def _only(these: list[str], those: list[str]) -> list[str]:
    return [each for each in these if each not in those]
