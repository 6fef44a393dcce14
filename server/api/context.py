"""What a resolver is told of the request it works for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from strawberry.types import Info as StrawberryInfo

from server.people.sessions import Visitor
from server.services import Services

if TYPE_CHECKING:  # only the names: what is in a context asks for it too
    from server.api.catalogue import Shelf
    from server.api.documents import Document


@dataclass(frozen=True, slots=True)
class Context:
    """`place` is where the request comes from, for the limits of rates."""

    of: Services
    visitor: Visitor
    place: str
    shelf: Shelf
    document: Document


Info = StrawberryInfo[Context, None]
