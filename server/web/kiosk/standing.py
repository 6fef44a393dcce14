"""Who stands at a kiosk, as its pages know them: the cookies of a visit, how they end, and what every screen has.

Nothing of a visit outlives it in the browser: its cookies have no expiry and are deleted by name (the device's own
stays), the cache and all stores are cleared, and no page leads to another by more than `location.replace`, so that the
history never grows. Without script there is a history, and whatever it leads to asks for a visit that is over.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Json
from server.counter import kiosk
from server.counter.kiosk import Standing
from server.people import devices, sessions
from server.people.devices import Device
from server.web.device import device
from server.web.http import (
    forget_language,
    is_sandbox,
    page,
    remember_language,
    safe_next,
    see_other,
    services,
    speak,
)

HOME: Final = "/kiosk"
IDLE: Final = 90
"""Seconds without a touch after which a screen asks whether anybody is still there."""
COUNTDOWN: Final = 20
"""Seconds it then waits for an answer. Who answers has as long again, as often as they like (WCAG 2.2.1)."""
TICKET_IDLE: Final = 60
WITHOUT_SCRIPT: Final = 300
"""Seconds after which a browser without script goes to the first screen: it cannot ask."""
GO: Final = "kiosk-go"
"""Asked of us, with any value, by our script: answer where to go, and let it replace the page."""
LONGEST: Final = 3000
"""Bytes of the cookie that says what a visit is about; a longer one is forgotten."""
LOOKS: Final = ("large", "contrast")

Handler = Callable[[Request, Standing], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Way:
    """What a visit is about, as far as no draft knows it: what was searched for, the life event with the answers of its
    guide, and at the end the number and the codes that were given."""

    query: str = ""
    event: str = ""
    guide: Mapping[str, Json] = field(default_factory=dict)
    ticket: str = ""
    """The number as people read it: 'A-012'."""
    queue: str = ""
    code: str = ""
    follow: str = ""
    """The code of the number's own page."""
    due: str = ""
    """The booked time, in ISO 8601; '' without one."""
    note: str = ""
    """What is said of a number that was had before: as `TicketScreen.note`."""
    typed: str = ""
    """What was typed for a booking and led to nothing."""

    @property
    def taken(self) -> bool:
        """Whether the number was taken, and nothing is filled in any more."""
        return bool(self.ticket or self.code)


@dataclass(frozen=True, slots=True)
class Around:
    """What every screen of a kiosk is told, as `kiosk`: `label` of the device, `here` for buttons that lead back to it,
    `idle` seconds until it asks (0: nobody is there yet). `call` is how a call for a clerk stands: 'called', 'coming',
    or 'over'. `large`, `contrast`: how it was asked to look."""

    label: str
    here: str
    idle: int
    countdown: int
    without_script: int
    call: str
    large: bool
    contrast: bool


# --- cookies --------------------------------------------------------------------------------------------------------


def _cookie(request: Request, name: str) -> dict[str, Any]:
    kept = {"path": "/", "httponly": True, "samesite": "strict"}
    if is_sandbox(request):
        return kept | {"key": f"kakanai-kiosk-{name}", "secure": False}
    return kept | {"key": f"__Host-kakanai-kiosk-{name}", "secure": True}


def _read(request: Request, name: str) -> str:
    return request.cookies.get(str(_cookie(request, name)["key"]), "")


def _write(request: Request, response: Response, name: str, value: str) -> None:
    response.set_cookie(value=value, **_cookie(request, name))


def way(request: Request) -> Way:
    """What this visit is about; nothing where the cookie is none of ours."""
    try:
        found = json.loads(base64.urlsafe_b64decode(_read(request, "way")))
        read = Way(**{name: found[name] for name in Way.__dataclass_fields__ if name in found})
    except (ValueError, TypeError):
        return Way()
    texts = [getattr(read, name) for name in Way.__dataclass_fields__ if name != "guide"]
    return read if isinstance(read.guide, dict) and all(isinstance(each, str) for each in texts) else Way()


def set_way(request: Request, response: Response, about: Way) -> None:
    text = json.dumps(asdict(about), ensure_ascii=False, separators=(",", ":"))
    value = base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode()
    _write(request, response, "way", value if len(value) <= LONGEST else "")


def looks(request: Request) -> frozenset[str]:
    """How the screens are asked to look: of LOOKS."""
    return frozenset(LOOKS).intersection(_read(request, "look").split("-"))


# --- who stands here ------------------------------------------------------------------------------------------------


async def _standing(request: Request) -> Standing | None:
    token, of = _read(request, "visit"), services(request)
    if not token:
        return None
    now, here = of.clock(), device(request)
    found = await of.database.read(lambda db: kiosk.standing(db, here, token, now=now))
    if found is not None and found.touch_due:
        await of.database.transact(lambda db: sessions.touch(db, found.session_id, now=now))
    return found


def attended(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler of a screen somebody stands at; without anybody the first screen comes."""

    async def answered(request: Request) -> Response:
        found = await _standing(request)
        return go(request, HOME) if found is None else await handler(request, found)

    return answered


async def begin(request: Request, code: str) -> Response:
    """Somebody touched the first screen, in this language."""
    of, here, now = services(request), device(request), services(request).clock()
    token = await of.database.transact(lambda db: kiosk.begin(db, here, now=now, random=of.random))
    response = go(request, f"{HOME}/what")
    _write(request, response, "visit", token)
    for name in ("way", "look"):
        response.delete_cookie(**_cookie(request, name))
    speak(request, code)
    remember_language(request, response)
    return response


async def wipe(request: Request, response: Response) -> Response:
    """Nothing is left of whoever stood here, in the store and in the browser."""
    of, here = services(request), device(request)
    was_here = here.session_id is not None and await of.database.transact(lambda db: kiosk.wipe(db, here.id))
    if was_here or any(_read(request, name) for name in ("visit", "way", "look")):
        for name in ("visit", "way", "look"):
            response.delete_cookie(**_cookie(request, name))
        forget_language(request, response)
        # not "cookies": that would make the kiosk a stranger
        response.headers["clear-site-data"] = '"cache", "storage"'
    return response


# --- answers --------------------------------------------------------------------------------------------------------


def go(request: Request, url: str) -> Response:
    """On to another screen, which takes the place of this one in the browser's history where script can do that."""
    if GO in request.headers:
        return Response(status_code=204, headers={GO: url})
    return see_other(url)


def screen(request: Request, template: str, context: object, *, status: int = 200) -> Response:
    """A screen of the kiosk."""
    return page(request, f"kiosk/{template}.html", context, status=status)


def around(request: Request, *, idle: int = IDLE) -> Around:
    here, look = device(request), looks(request)
    query = f"?{request.url.query}" if request.url.query else ""
    return Around(
        label=here.label,
        here=request.url.path + query,
        idle=idle,
        countdown=COUNTDOWN,
        without_script=WITHOUT_SCRIPT,
        call=standing_call(here),
        large="large" in look,
        contrast="contrast" in look,
    )


# --- the buttons that every screen has -------------------------------------------------------------------------------


async def beside(request: Request, do: str, to: str) -> Response | None:
    """Carry out a button that stands on every screen and come back to `to`; None for any other."""
    verb, _, which = do.partition(":")
    back = safe_next(to, HOME)
    response = go(request, back if back.startswith(f"{HOME}/") else HOME)
    if verb == "over":
        return await wipe(request, go(request, HOME))
    if verb == "language":
        speak(request, which)
        remember_language(request, response)
    elif verb == "look" and which in LOOKS:
        _write(request, response, "look", "-".join(sorted(looks(request) ^ {which})))
    elif verb in ("call", "uncall"):
        await _call(request, device(request), called=verb == "call")
    else:
        return None
    return response


def standing_call(here: Device) -> str:
    """How a call of this kiosk stands, as `Around.call`."""
    return "over" if here.called_at is None else "coming" if here.answered_at is not None else "called"


async def _call(request: Request, here: Device, *, called: bool) -> None:
    of, now = services(request), services(request).clock()
    if called:
        await of.database.transact(lambda db: devices.call(db, here.id, now=now))
    else:
        await of.database.transact(lambda db: devices.call_over(db, here.id))
