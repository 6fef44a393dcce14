"""Booking calendars: which times or days the city gives away, from when and until when. Pure: the day is given.

A calendar says what is open; how many places of it are taken is known to the store alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from forms_schema import FieldError, Settled
from forms_schema.base import Fault, Json, Offer, Offered
from forms_schema.formats import is_slot
from procedures.city import DAYS, Calendar
from procedures.shape import SLUG, Shape, count, many, record, text

KIND: Final = "slot"
CLOSED: Final = "SLOT_CLOSED"
FULL: Final = "SLOT_FULL"
MOST_DAYS: Final = 120
MOST_SLOTS: Final = 1000
"""Slots on offer at one time: more make a page that no telephone carries."""


@dataclass(frozen=True, slots=True)
class Booking:
    """What a procedure books: the question that names the slot, and the calendar it is of."""

    field: str
    calendar: str


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of a day, 'HH:MM', and how many may come in it. A whole day begins at ''."""

    start: str
    until: str
    capacity: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of a calendar: as it is answered, until when, and its places."""

    start: str
    until: str
    capacity: int


@dataclass(frozen=True, slots=True)
class BookingCalendar:
    """When something can be booked.

    `lead` is how many working days of the city must lie between the filing and the slot, the day of the filing being
    one where it is a working day; `ahead` how many days from today the last slot may be.
    """

    code: str
    title: str
    place: str
    bring: tuple[str, ...]
    weekdays: frozenset[str]
    hours: tuple[Hours, ...]
    lead: int
    ahead: int
    closed: frozenset[date]
    city_holidays: bool

    def slots(self, city: Calendar, today: date) -> tuple[Slot, ...]:
        """Every slot that may be booked on `today`, in order; full ones too."""
        first = self._first(city, today)
        days = (today + timedelta(days=i) for i in range(self.ahead + 1))
        return tuple(slot for day in days if day >= first for slot in self._on(day, city))

    def next_opening(self, city: Calendar, today: date) -> tuple[date, date] | None:
        """The day on which the next slots open, and their day; None where the calendar has none for a year."""
        for i in range(1, 366):
            day = today + timedelta(days=self.ahead + i)
            if any(self._on(day, city)):
                return today + timedelta(days=i), day
        return None

    def _on(self, day: date, city: Calendar) -> Iterator[Slot]:
        if DAYS[day.weekday()] not in self.weekdays or day in self.closed:
            return
        if self.city_holidays and city.rests_on(day):
            return
        for each in self.hours:
            yield Slot(f"{day}T{each.start}" if each.start else str(day), each.until, each.capacity)

    def _first(self, city: Calendar, today: date) -> date:
        """The first day that is late enough."""
        day, left = today, self.lead
        while left > 0 and day <= today + timedelta(days=self.ahead):
            left -= city.open_on(day)
            day += timedelta(days=1)
        return day if left == 0 else date.max


@dataclass(frozen=True, slots=True)
class Opening:
    """What a procedure's calendar has open on one day, by slot. `taken` counts the places given away."""

    booking: Booking
    calendar: BookingCalendar
    slots: Mapping[str, Slot]
    note: str
    taken: Mapping[str, int] = field(default_factory=dict)

    def left(self, slot: Slot) -> int:
        """How many places are free."""
        return max(0, slot.capacity - self.taken.get(slot.start, 0))

    def offered(self) -> Offered:
        """What a page offers at the question."""
        offers = (Offer(slot.start, slot.until, self.left(slot), slot.capacity) for slot in self.slots.values())
        found = tuple(offers)
        note = "" if any(offer.left for offer in found) else "いま空いている枠はありません。"
        return Offered(found, note + self.note)

    def picked(self, settled: Settled) -> str | None:
        """The slot that was answered, where one is asked for and it can be one at all."""
        question = settled.by_pointer.get(self.booking.field)
        answer = question.value if question else None
        return answer if isinstance(answer, str) and is_slot(answer) else None

    def errors(self, settled: Settled) -> tuple[FieldError, ...]:
        """Why the slot that was answered cannot be had."""
        picked = self.picked(settled)
        if picked is None:
            return ()
        slot = self.slots.get(picked)
        if slot is None:
            return (FieldError(self.booking.field, CLOSED),)
        return () if self.left(slot) else (FieldError(self.booking.field, FULL),)


@dataclass(frozen=True, slots=True)
class BookingTable:
    """Every calendar, by its code, over the days on which the city works."""

    calendars: Mapping[str, BookingCalendar]

    def opening(self, booking: Booking, city: Calendar, today: date) -> Opening:
        """What `booking` has open on `today`. A calendar that is gone has nothing open: what was declared by it can
        still be read, and is not booked."""
        calendar = self.calendars.get(booking.calendar) or _gone(booking.calendar)
        slots = {slot.start: slot for slot in calendar.slots(city, today)}
        return Opening(booking, calendar, slots, _note(calendar, city, today))


def _gone(code: str) -> BookingCalendar:
    return BookingCalendar(code, "", "", (), frozenset(), (), 1, 0, frozenset(), True)


def _note(calendar: BookingCalendar, city: Calendar, today: date) -> str:
    """When the next slots open."""
    found = calendar.next_opening(city, today)
    if found is None:
        return ""
    opens, day = found
    return f"{opens.month}月{opens.day}日に、{day.month}月{day.day}日の枠が開きます。"


# --- the file -----------------------------------------------------------------------------------------------------

_TIME: Final = {"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_DATE: Final = {"type": "string", "format": "date", "description": "2027-04-01 のように書く"}
SHAPE: Final = Shape(
    many(
        "予約のカレンダー",
        "来庁や収集の枠。いくつかの手続で同じカレンダーを使うと、枠の数も合わせて数える",
        record(
            "カレンダー",
            "いつ、何人まで予約できるか",
            {
                "code": {"title": "コード", **SLUG},
                "title": text("名前", "住民に見せる名前。例: 市民課の窓口", 60),
                "place": text("場所", "どこへ行くか、どこへ出すか", 200),
                "bring": many(
                    "用意するもの", "予約の日に用意するもの", {"type": "string", "minLength": 1, "maxLength": 200}
                ),
                "weekdays": many(
                    "曜日", "枠がある曜日。mon から sun まで", {"enum": list(DAYS)}, minItems=1, uniqueItems=True
                ),
                "times": many(
                    "時間",
                    "1日の枠。時間を分けないときは書かずに capacity を書く",
                    record(
                        "枠",
                        "1つの時間帯",
                        {
                            "from": text("始まり", "09:00 のように書く", 5, **_TIME),
                            "until": text("終わり", "10:00 のように書く", 5, **_TIME),
                            "capacity": count("数", "この時間に何人まで", 1, 1000),
                        },
                        *("from", "until", "capacity"),
                    ),
                    minItems=1,
                ),
                "capacity": count("1日の数", "1日に何件まで。times を書かないときだけ", 1, 10_000),
                "lead": count("前もって", "市役所が開いている日で、何日前までに申し込むか", 1, 30),
                "ahead": count("先まで", "今日から何日先まで予約できるか", 1, MOST_DAYS),
                "city_holidays": {
                    "title": "市役所の休み",
                    "description": "true なら、祝日と年末年始(city.json)は枠がない",
                    "type": "boolean",
                },
                "closed": many("休む日", "ほかに枠がない日", _DATE, uniqueItems=True),
            },
            *("code", "title", "place", "weekdays", "lead", "ahead", "city_holidays"),
        ),
    )
)


def read_calendars(raw: Iterable[Json]) -> tuple[BookingTable, list[Fault]]:
    """The calendars of a file whose shape was checked, with what a shape cannot say."""
    calendars: dict[str, BookingCalendar] = {}
    faults: list[Fault] = []
    for i, each in enumerate(raw):
        faults += _faults(each, f"/{i}", calendars)
        calendars[each["code"]] = _calendar(each)
    return BookingTable(calendars), faults


def _calendar(raw: Mapping[str, Json]) -> BookingCalendar:
    times = [Hours(each["from"], each["until"], each["capacity"]) for each in raw.get("times", ())]
    whole = [Hours("", "", raw["capacity"])] if "capacity" in raw else []
    return BookingCalendar(
        **{name: raw[name] for name in ("code", "title", "place", "lead", "ahead", "city_holidays")},
        bring=tuple(raw.get("bring", ())),
        weekdays=frozenset(raw["weekdays"]),
        hours=tuple(sorted([*times, *whole], key=lambda hours: hours.start)),
        closed=frozenset(map(date.fromisoformat, raw.get("closed", ()))),
    )


def _faults(raw: Mapping[str, Json], at: str, others: Mapping[str, object]) -> Iterator[Fault]:
    if raw["code"] in others:
        yield Fault(f"{at}/code", "同じコードが2度あります", "ほかの名前にしてください")
    if ("times" in raw) == ("capacity" in raw):
        yield Fault(at, "times と capacity のどちらか1つがいります", "時間を分けるなら times、1日ごとなら capacity")
    times = raw.get("times", ())
    for i, each in enumerate(times):
        if each["from"] >= each["until"]:
            yield Fault(f"{at}/times/{i}/until", "始まりより前です", "from より後の時刻を書いてください")
        if any(each["from"] < other["until"] and other["from"] < each["until"] for other in times[:i]):
            yield Fault(
                f"{at}/times/{i}", "ほかの枠と重なっています", "重ならない時刻にして、数は capacity に書いてください"
            )
    if len(times) * (raw["ahead"] + 1) > MOST_SLOTS:
        yield Fault(f"{at}/ahead", "一度に選べる枠が多すぎます", f"枠の数×日数を {MOST_SLOTS} までにしてください")
