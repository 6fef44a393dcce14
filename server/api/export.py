"""`python -m server.api.export` writes anew what others build on, so that a change of it is seen: the schema
(schema.graphql) and the page that tells of it (docs/api-reference.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from server.api.reference import reference
from server.api.schema import build_schema, core

SNAPSHOT: Final = Path(__file__).with_name("schema.graphql")
REFERENCE: Final = Path(__file__).parents[2] / "docs/api-reference.md"


def printed() -> str:
    """The schema in SDL."""
    return build_schema().as_str().rstrip() + "\n"


def told() -> str:
    """The schema in words."""
    return reference(core(build_schema()))


if __name__ == "__main__":
    SNAPSHOT.write_text(printed(), "utf-8")
    REFERENCE.write_text(told(), "utf-8")
