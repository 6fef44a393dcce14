"""The versions of a procedure's questions: which was served when, and a procedure as it was in one of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import argument, field

from server.api.context import Info
from server.api.paging import VERSIONS, PageInfo, cursor
from server.catalogue import Published
from server.catalogue.versions import Serving, servings
from server.services import Services


@strawberry.type(description="手続の、ある版が使われた期間。前の版にもどしたときは、同じ版が2度ある。")
class Version:
    version: str = field(
        description="版。procedure(slug, version) で、その版の質問が読める。submitApplication の version にも書く。"
    )
    since: datetime = field(description="使われはじめた日時。")
    until: datetime | None = field(description="使われなくなった日時。いまの版なら null。")
    current: bool = field(description="いまの版か。")


@strawberry.type(description="版の一覧の1件。")
class VersionEdge:
    cursor: str = field(description="この1件の印。")
    node: Version = field(description="版が使われた期間。")


@strawberry.type(description="版の一覧。新しい順。")
class VersionConnection:
    total_count: int = field(description="ぜんぶで何件か。")
    page_info: PageInfo = field(description="一覧のどこにいるか。")
    edges: list[VersionEdge] = field(description="このページの版。")


First = Annotated[
    int | None, argument(description=f"1ページの件数。{VERSIONS.longest}まで。なければ{VERSIONS.usual}。")
]
After = Annotated[str | None, argument(description="前のページの endCursor。")]


async def versions(info: Info, slug: str, first: int | None, after: str | None) -> VersionConnection:
    """Every time in which some version was served, the newest first. Raises ApiError.

    A cursor is the number of the time since the first: the list only ever grows at its head.
    """
    found = await info.context.of.database.read(lambda db: servings(db, slug))
    newest = found[::-1]

    def mark(place: int) -> str:
        return cursor("version", str(len(newest) - place))

    page, where = VERSIONS.cut(len(newest), mark, first, after)
    edges = [VersionEdge(cursor=mark(i), node=_shown(newest[i])) for i in page]
    return VersionConnection(total_count=len(newest), page_info=where, edges=edges)


def _shown(serving: Serving) -> Version:
    return Version(version=serving.digest, since=serving.since, until=serving.until, current=serving.until is None)


async def as_it_was(of: Services, slug: str, digest: str) -> Published | None:
    """A procedure in a version that was served at some time. Between which days it takes filings is what holds now:
    a filing in an old version is taken or refused by that (`filing`)."""
    served = of.catalogue.get(slug)
    try:
        declaration = await of.catalogue.declaration(digest, slug)
    except LookupError:
        return None
    if served is None:
        return None
    return replace(served, declaration=replace(declaration, accepts=served.declaration.accepts), digest=digest)
