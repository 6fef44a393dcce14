"""How often procedures are filed, as the API shows it: the same counts as the open data, small ones left out."""

from __future__ import annotations

import re
from typing import Final

import strawberry
from strawberry import field

from server.api import enums
from server.api.context import Info
from server.api.refusals import ApiError
from server.catalogue.usage import usage

_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@strawberry.type(description="ある手続の、ある月の、ある出し方での申請の件数。")
class UseCount:
    slug: str = field(description="手続の slug。")
    month: str = field(description="月(日本)。例: 2026-10")
    channel: enums.Channel = field(description="出し方。")
    count: int | None = field(description="件数。5件未満は null。")


async def statistics(info: Info, slug: str | None, month: str | None) -> list[UseCount]:
    """The whole months before this one. Raises ApiError unless a procedure or a month is named.

    The figures stand for the day, as those of the open data do: what is counted is over.
    """
    if not slug and not month:
        raise ApiError("BAD_USER_INPUT", "slug か month を書いてください。全部の件数は /opendata/usage.json です。")
    if month and not _MONTH.fullmatch(month):
        raise ApiError("BAD_USER_INPUT", "month は 2026-10 のように書いてください。")
    of = info.context.of
    found = await of.database.read(lambda db: usage(db, now=of.clock(), slug=slug or "", month=month or ""), long=True)
    return [
        UseCount(slug=each.slug, month=each.month, channel=enums.Channel(each.channel), count=each.count)
        for each in found
    ]
