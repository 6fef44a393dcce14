"""`python -m server.api.export` writes schema.graphql anew: what others build on, so that a change of it is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from server.api.schema import build_schema

SNAPSHOT: Final = Path(__file__).with_name("schema.graphql")


def printed() -> str:
    """The schema in SDL."""
    return build_schema().as_str().rstrip() + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(printed(), "utf-8")
