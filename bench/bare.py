"""What there is at the least: Starlette that sends the same bytes from memory, and strawberry over the same objects."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL

BODY = Path(os.environ["BARE_BODY"]).read_bytes()
FIELDS = ("id", "slug", "title", "kana", "summary", "category", "group", "department", "result")


@strawberry.type
class Procedure:
    id: str
    slug: str
    title: str
    kana: str
    summary: str
    category: str
    group: str
    department: str
    result: str
    life_events: list[str]
    channels: list[str]
    processing_days: int


def _read(raw: dict[str, Any]) -> Procedure:
    plain = {name: raw[name] for name in FIELDS}
    return Procedure(
        **plain, life_events=raw["lifeEvents"], channels=raw["channels"], processing_days=raw["processingDays"]
    )


PROCEDURES = [_read(raw) for raw in json.loads(Path(os.environ["BARE_OBJECTS"]).read_text("utf-8"))]


@strawberry.type
class Query:
    @strawberry.field
    def procedures(self) -> list[Procedure]:
        return PROCEDURES


async def page(_: Request) -> Response:
    return Response(BODY, media_type="text/html")


app = Starlette(routes=[Route("/", page), Route("/graphql", GraphQL(strawberry.Schema(Query)))])

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning")
