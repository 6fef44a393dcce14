"""What a resolver is told of the request it works for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from strawberry.types import Info as StrawberryInfo

from server.people.sessions import Visitor
from server.people.staff_sessions import Staff
from server.services import Services

if TYPE_CHECKING:  # only the names: what is in a context asks for it too
    from server.api.catalogue import Shelf
    from server.api.documents import Document


@dataclass(frozen=True, slots=True)
class Context:
    """`place` is where the request comes from, for the limits of rates. `staff`: who of them is signed in at this
    browser; the visitor is never one of them."""

    of: Services
    visitor: Visitor
    place: str
    shelf: Shelf
    document: Document
    staff: Staff | None = None


Info = StrawberryInfo[Context, None]
