"""Lists that are read page by page, as Relay's specification of cursors has them. Forwards only."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import strawberry
from strawberry import field

from server.api.refusals import ApiError

Mark = Callable[[int], str]


@strawberry.type(description="一覧のどこにいるか。")
class PageInfo:
    has_next_page: bool = field(description="つづきがあるか。")
    has_previous_page: bool = field(description="前があるか。")
    start_cursor: str | None = field(description="このページのはじめの印。")
    end_cursor: str | None = field(description="ここまでの印。after に書くと、つづきを返す。")


@dataclass(frozen=True, slots=True)
class Paged:
    """How long a page of a list is: when nobody says, and at the most."""

    usual: int
    longest: int

    def size(self, first: int | None) -> int:
        """How many a page has. Raises ApiError when it would be too long."""
        if first is not None and not 0 <= first <= self.longest:
            raise ApiError("PAGE_SIZE", f"first は0から{self.longest}までです。")
        return self.usual if first is None else first

    def cut(self, count: int, mark: Mark, first: int | None, after: str | None) -> tuple[range, PageInfo]:
        """The places of a page in a list so long, whose `mark` tells the cursor of each place.

        Raises ApiError, for a strange cursor too.
        """
        size, start = self.size(first), _after(count, mark, after)
        page = range(start, min(start + size, count))
        ends = (mark(page[0]), mark(page[-1])) if page else (None, None)
        info = PageInfo(
            has_next_page=page.stop < count, has_previous_page=start > 0, start_cursor=ends[0], end_cursor=ends[1]
        )
        return page, info


PROCEDURES: Final = Paged(50, 200)
VERSIONS: Final = Paged(20, 100)
CASES: Final = Paged(50, 50)


def cursor(kind: str, name: str) -> str:
    """The cursor of one thing in a list. Clients hand it back as it is."""
    return base64.urlsafe_b64encode(f"{kind}:{name}".encode()).decode()


def named_by(kind: str, mark: str) -> str:
    """What a cursor of this kind names, '' for a strange one."""
    try:
        found, _, name = base64.urlsafe_b64decode(mark.encode()).decode().partition(":")
    except ValueError:
        return ""
    return name if found == kind else ""


def _after(count: int, mark: Mark, after: str | None) -> int:
    if after is None:
        return 0
    for place in range(count):
        if mark(place) == after:
            return place + 1
    raise ApiError("BAD_CURSOR", "after の印は、この一覧のものではありません。はじめから読みなおしてください。")
