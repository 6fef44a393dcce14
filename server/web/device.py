"""Which machine of the town hall is asking: its cookie, looked up once a request.

A kiosk is kept in its room: whatever else its browser asks for leads back to the kiosk's first screen, so that nobody
signs in there, and nothing of a person is left in another room of the site.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

from starlette.requests import Request
from starlette.responses import Response

from server.people import devices
from server.people.devices import Device, Kind
from server.store import StoreUnavailable
from server.web.http import carries_bearer, is_sandbox, page, problem, see_other, services, speak, wants_json

DOOR: Final = "/device"
HOMES: Final = {Kind.KIOSK: "/kiosk", Kind.TABLET: "/tablet", Kind.BOARD: "/board"}
"""The first page of each kind."""
KEPT: Final = timedelta(days=400)
"""How long the cookie lives without a request: the longest that browsers allow. A kiosk is switched off at night."""


@dataclass(frozen=True, slots=True)
class DevicePage:
    """staff/device.html: where the code is typed. `known`: the label of the device that this browser is already."""

    known: str = ""
    code: str = ""
    error: str = ""
    refused: bool = False
    """Whether a page for devices was asked for by a browser that is none."""


def _cookie(request: Request) -> dict[str, Any]:
    """As the residents' cookie (see `http`), under a name of its own, and kept when the browser is closed."""
    kept = {"path": "/", "httponly": True, "samesite": "lax"}
    if is_sandbox(request):
        return kept | {"key": "kakanai-device", "secure": False}
    return kept | {"key": "__Host-kakanai-device", "secure": True}


def device_token(request: Request) -> str | None:
    """The cookie's; none beside a bearer token, which passes the CSRF rule."""
    if carries_bearer(request.scope):
        return None
    return request.cookies.get(_cookie(request)["key"]) or None


def set_device(request: Request, response: Response, token: str) -> None:
    response.set_cookie(value=token, max_age=int(KEPT.total_seconds()), **_cookie(request))


async def load_device(request: Request) -> Device | None:
    """Which device is asking, by the store: one that was ended is none from now on."""
    if hasattr(request.state, "device"):
        return cast(Device | None, request.state.device)
    token, of = device_token(request), services(request)
    found = None
    if token is not None:
        now = of.clock()
        found = await of.database.read(lambda db: devices.who(db, token, now=now))
    if found is not None and found.touch_due:
        with suppress(StoreUnavailable):  # where nothing can be written, reading still goes on
            await of.database.transact(lambda db: devices.touch(db, found.id, now=now))
    request.state.device = found
    return found


def keep_device(request: Request, response: Response) -> None:
    """Put the end of the cookie off, now and then: one that is used is never forgotten."""
    found, token = getattr(request.state, "device", None), device_token(request)
    if found is not None and found.touch_due and token is not None:
        set_device(request, response, token)


def device(request: Request) -> Device:
    """Which device is asking, on a route of `Access.DEVICE`."""
    return cast(Device, request.state.device)


def only(request: Request, kind: str) -> Response | None:
    """The refusal for a device of another kind, on a route of `Access.DEVICE`; None for the right one."""
    return None if device(request).kind == kind else _refused(request)


async def confined(request: Request) -> Response | None:
    """The way back to its room for a kiosk that asks for another one; None for whoever else is asking."""
    if device_token(request) is None or _open_to_kiosks(request.url.path):
        return None
    found = await load_device(request)
    return see_other(HOMES[Kind.KIOSK]) if found is not None and found.kind == Kind.KIOSK else None


def _open_to_kiosks(path: str) -> bool:
    """Its own pages, what these are made with, and the door of a device that is to be another."""
    home = HOMES[Kind.KIOSK]
    return path in (home, DOOR) or path.startswith((f"{home}/", "/static/"))


def to_the_door(request: Request) -> Response:
    """For a browser that is no device: how it becomes one."""
    return _refused(request)


def _refused(request: Request) -> Response:
    if wants_json(request) or "text/event-stream" in request.headers.get("accept", ""):
        return problem(request, 403)
    speak(request, "ja")
    return page(request, "staff/device.html", DevicePage(known=known(request), refused=True), status=403)


def known(request: Request) -> str:
    """The label of the device that is asking, as far as it was looked up; '' for none."""
    found = getattr(request.state, "device", None)
    return found.label if found is not None else ""
