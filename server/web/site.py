"""Every address of the site, collected from its rooms."""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute

from server.web import machines, operations
from server.web.counter import (
    ask,
    brought,
    filed,
    filing,
    identification,
    papers,
    printing,
    sources,
    tablet,
    tablet_panel,
    visits,
)
from server.web.hall import board, queue, times
from server.web.kiosk import arriving, end, lobby
from server.web.money import matters, paying, payments, refunds, takings, till
from server.web.office import answers, case, cases
from server.web.public import guides, life_events, opendata
from server.web.residents import applications, check, drafts, files, handoff, my, resume, signin, signing
from server.web.routing import policies
from server.web.sandbox import card, gallery, mail, pay
from server.web.staff import accounts, asking_for, calls, devices, oidc, own, passkeys, proposals

MODULES: Final = (
    guides,
    drafts,
    life_events,
    machines,
    check,
    files,
    resume,
    handoff,
    applications,
    my,
    signin,
    signing,
    payments,
    till,
    paying,
    cases,
    queue,
    times,
    board,
    ask,
    visits,
    filing,
    sources,
    papers,
    filed,
    printing,
    answers,
    case,
    takings,
    refunds,
    matters,
    brought,
    identification,
    accounts,
    own,
    passkeys,
    oidc,
    proposals,
    asking_for,
    calls,
    devices,
    lobby,
    end,
    arriving,
    tablet,
    tablet_panel,
    operations,
    opendata,
    gallery,
    mail,
    pay,
    card,
)
"""Hot paths first: a route that does not match costs a little each time."""


def all_routes() -> list[BaseRoute]:
    """Every address of the site. Raises TypeError for one without an access rule."""
    routes: list[BaseRoute] = [each for module in MODULES for each in module.ROUTES]
    policies(routes)
    return routes
