"""What pages say of a suspension: while it lasts, and ahead of it."""

from __future__ import annotations

from starlette.requests import Request

from server.catalogue import ProcedureState, Status
from server.web.contexts import Pause
from server.web.http import services


def paused(status: Status) -> Pause | None:
    """The suspension of a status, in force or announced."""
    of = status.suspension
    ahead = status.state is not ProcedureState.SUSPENDED
    return Pause(of.reason, of.start, of.until, ahead) if of is not None else None


def pause_of(request: Request, slug: str) -> Pause | None:
    """The same for a procedure, now."""
    of = services(request)
    served = of.catalogue.get(slug)
    return paused(served.status(of.clock())) if served is not None else None
