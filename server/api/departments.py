"""The city's departments as the API shows them: where they are and when they are open. From the city's own file."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import strawberry
from strawberry import field

from procedures.city import DAYS, Calendar, City
from procedures.city import Department as Kept
from server.api import enums

AHEAD: Final = 90
"""For so many days from today it is told on which of them a department rests."""


@strawberry.type(description="担当課の窓口の時間。")
class OpeningHours:
    days: list[enums.Weekday] = field(description="開いている曜日。祝日と年末年始は、closedOn を見る。")
    open: str = field(description="開く時刻(日本)。例: 08:30")
    close: str = field(description="閉まる時刻(日本)。例: 17:15")


@strawberry.type(description="担当課。")
class Department:
    name: str = field(description="名前。しぼりこみの department に書く。")
    kana: str = field(description="よみ(カタカナ)。")
    place: str = field(description="庁舎のどこか。")
    phone: str = field(description="電話番号。")
    email: str = field(description="メールアドレス。")
    hours: OpeningHours = field(description="窓口の時間。オンラインの申請は、いつでも出せる。")
    open_today: bool = field(description="今日(日本)、窓口が開く日か。")
    closed_on: list[date] = field(
        description=f"今日から{AHEAD}日のうち、hours.days の曜日なのに窓口が休みの日(祝日、年末年始)。"
    )
    example: bool = field(description="連絡先が見本か。見本のあいだは、電話をかけたりメールを送ったりしない。")


def departments(city: City, today: date) -> dict[str, Department]:
    """Every department by its name, in the city's order, as it is on a day in Japan."""
    return {name: _shown(each, city.calendar, today) for name, each in city.departments.items()}


def _shown(kept: Kept, calendar: Calendar, today: date) -> Department:
    coming = (today + timedelta(days=i) for i in range(AHEAD))
    closed = [day for day in coming if DAYS[day.weekday()] in kept.hours.days and calendar.rests_on(day)]
    days = [enums.Weekday(day) for day in kept.hours.days]
    return Department(
        name=kept.name,
        kana=kept.kana,
        place=kept.place,
        phone=kept.phone,
        email=kept.email,
        hours=OpeningHours(days=days, open=kept.hours.open, close=kept.hours.close),
        open_today=DAYS[today.weekday()] in kept.hours.days and today not in closed,
        closed_on=closed,
        example=kept.example,
    )
