"""Registering machines of the town hall: the door where a code is typed, and what administrators do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.counter import kiosk
from server.counter import windows as counters
from server.counter.windows import LONGEST_LABEL, Window
from server.people import devices
from server.people.devices import BadDevice, Device, Kind, Listed
from server.people.limits import forgive, seconds_to_wait
from server.people.roles import Action
from server.store.database import Reading, Writing
from server.web.badge import Desk, absent, desk, forbidden, staff
from server.web.contexts import Choice, ErrorLink
from server.web.device import DOOR, HOMES, DevicePage, known, load_device, set_device
from server.web.http import client, last, page, read_form, see_other, services
from server.web.routing import Access, route

WRONG_CODE: Final = "コードが違うか、期限(30分)が過ぎています。「端末と窓口」のページで、新しいコードを出してください"

ADMIN: Final = "/admin/devices"
KIND_WORDS: Final = {Kind.KIOSK: "キオスク", Kind.TABLET: "窓口のタブレット", Kind.BOARD: "案内表示"}
_TAKEN: Final = "同じ名前の窓口があります。ほかの名前にしてください"
_BAD_LABEL: Final = f"窓口の名前は、1行で{LONGEST_LABEL}字までにしてください"
_BAD_DEPARTMENT: Final = "課を選んでください"


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A line of the list; `state` is 'waiting', 'in use' or 'ended'. `end_url` and `renew_url` take forms, '' where the
    device was ended."""

    label: str
    kind: str
    window: str
    state: str
    enrol_until: datetime | None
    seen_at: datetime | None
    end_url: str
    renew_url: str


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A window; `close_url` takes a form."""

    label: str
    department: str
    queues: Sequence[str]
    close_url: str


@dataclass(frozen=True, slots=True)
class DevicesPage:
    """staff/devices.html. `label`, `kind`, `window` are what was typed of a device that was not registered, `name` of a
    window."""

    desk: Desk
    devices: Sequence[DeviceRow]
    windows: Sequence[WindowRow]
    kinds: Sequence[Choice]
    places: Sequence[Choice]
    departments: Sequence[str]
    queues: Sequence[Choice]
    label: str = ""
    name: str = ""
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class DeviceCodePage:
    """staff/device_code.html: the code to type at the device, once. `door` is where it is typed."""

    desk: Desk
    label: str
    code: str
    minutes: int
    door: str


# --- the door -------------------------------------------------------------------------------------------------------


async def door(request: Request) -> Response:
    """Where the code of a registered device is typed."""
    await load_device(request)
    return page(request, "staff/device.html", DevicePage(known(request)))


async def enrol(request: Request) -> Response:
    """The code makes this browser the device. A wrong one is counted: it is short enough to be typed."""
    of, place, now = services(request), client(request), services(request).clock()
    code = last(await read_form(request), "code")

    def work(db: Writing) -> tuple[int, tuple[Device, str] | None]:
        wait = seconds_to_wait(db, of.keys, devices.TRIED, place, now=now)
        found = None if wait else devices.enrol(db, of.keys, code, now=now, random=of.random)
        if found is not None:
            forgive(db, of.keys, devices.TRIED, place, now=now)
        return wait, found

    wait, made = await of.database.transact(work)
    if made is None:
        return await _door_again(request, code, wait)
    found, token = made
    response = see_other(HOMES[Kind(found.kind)])
    set_device(request, response, token)
    return response


async def _door_again(request: Request, code: str, wait: int) -> Response:
    await load_device(request)
    told = f"失敗が続いたため、止めています。{-(-wait // 60)}分ほど待ってください" if wait else WRONG_CODE
    headers = {"retry-after": str(wait)} if wait else None
    context = DevicePage(known(request), code[:20], told)
    return page(request, "staff/device.html", context, status=429 if wait else 422, headers=headers)


# --- administrators -------------------------------------------------------------------------------------------------


def _allowed(request: Request) -> bool:
    return staff(request).may(Action.MANAGE_DEVICES)


async def listed(request: Request) -> Response:
    """Every device and every window."""
    return await _page(request) if _allowed(request) else forbidden(request)


async def _page(request: Request, *, label: str = "", name: str = "", error: ErrorLink | None = None) -> Response:
    of = services(request)

    def work(db: Reading) -> tuple[Sequence[Listed], Sequence[Window]]:
        return devices.every(db), counters.windows(db)

    every, windows = await of.database.read(work, long=True)
    labels = {each.id: each.label for each in windows}
    queues = of.catalogue.shared.queues
    context = DevicesPage(
        desk=desk(request),
        devices=[_row(each, labels) for each in every],
        windows=[
            WindowRow(
                each.label, each.department, [queues.title(q) for q in each.queues], f"{ADMIN}/windows/{each.id}/close"
            )
            for each in windows
        ],
        kinds=[Choice(kind, words, False) for kind, words in KIND_WORDS.items()],
        places=[Choice("", "窓口に置かない", True), *(Choice(each.id, each.label, False) for each in windows)],
        departments=list(of.city.departments),
        queues=[Choice(each.id, f"{each.letter} {each.title}", False) for each in queues.queues.values()],
        label=label,
        name=name,
        errors=[error] if error else (),
    )
    return page(request, "staff/devices.html", context, status=422 if error else 200)


def _row(each: Listed, labels: dict[str, str]) -> DeviceRow:
    url = "" if each.state == "ended" else f"{ADMIN}/{each.id}"
    return DeviceRow(
        label=each.label,
        kind=KIND_WORDS[Kind(each.kind)],
        window=labels.get(each.window_id or "", ""),
        state=each.state,
        enrol_until=each.enrol_until,
        seen_at=each.seen_at,
        end_url=url and f"{url}/end",
        renew_url=url and f"{url}/code",
    )


async def register(request: Request) -> Response:
    """A new device: its code, on the one page that shows it."""
    if not _allowed(request):
        return forbidden(request)
    posted, of, now, by = await read_form(request), services(request), services(request).clock(), staff(request).actor
    kind, label, window = (last(posted, name) for name in ("kind", "label", "window"))

    def work(db: Writing) -> str:
        place = window if window and counters.window(db, window) is not None else None
        return devices.register(db, of.keys, kind, label, place, by, now=now, random=of.random)

    try:
        code = await of.database.transact(work)
    except BadDevice as error:
        return await _page(request, label=label[:80], error=ErrorLink("#f-label", "端末", str(error)))
    return _code(request, label, code)


def _code(request: Request, label: str, code: str) -> Response:
    minutes = int(devices.ENROL_WITHIN.total_seconds()) // 60
    door_url = f"{services(request).settings.base_url}{DOOR}"
    return page(request, "staff/device_code.html", DeviceCodePage(desk(request), label, code, minutes, door_url))


async def renew(request: Request) -> Response:
    """Another code, for a browser that has lost its cookie."""
    of, now, by = services(request), services(request).clock(), staff(request).actor
    device_id = request.path_params["device"]
    if not _allowed(request):
        return forbidden(request)

    def work(db: Writing) -> tuple[str, str] | None:
        code = devices.renew(db, of.keys, device_id, by, now=now, random=of.random)
        return None if code is None else (code, next(each.label for each in devices.every(db) if each.id == device_id))

    made = await of.database.transact(work)
    return absent(request) if made is None else _code(request, made[1], made[0])


async def end(request: Request) -> Response:
    """End a device, and the visit of whoever stands at it; pressed twice, it is done."""
    of, now, by = services(request), services(request).clock(), staff(request).actor
    device_id = request.path_params["device"]
    if not _allowed(request):
        return forbidden(request)

    def work(db: Writing) -> None:
        devices.end(db, device_id, by, now=now)
        kiosk.wipe(db, device_id)

    await of.database.transact(work)
    return see_other(ADMIN)


async def open_window(request: Request) -> Response:
    """A new window with the queues whose tickets are called to it."""
    if not _allowed(request):
        return forbidden(request)
    posted, of, now, by = await read_form(request), services(request), services(request).clock(), staff(request).actor
    label, department = (" ".join(last(posted, name).split()) for name in ("label", "department"))
    queues = [each for each in posted.get("queues", ()) if each in of.catalogue.shared.queues.queues]
    fault = ErrorLink("#f-name", "窓口", _BAD_LABEL) if not _fits(label) else None
    if department not in of.city.departments:
        fault = fault or ErrorLink("#f-department", "課", _BAD_DEPARTMENT)
    if fault is None:
        made = await of.database.transact(
            lambda db: counters.open_window(db, label, department, queues, by, now=now, random=of.random)
        )
        fault = ErrorLink("#f-name", "窓口", _TAKEN) if made is None else None
    return see_other(f"{ADMIN}#windows") if fault is None else await _page(request, name=label[:80], error=fault)


def _fits(label: str) -> bool:
    return bool(label) and len(label) <= LONGEST_LABEL and label.isprintable()


async def close_window(request: Request) -> Response:
    """A window is used no more; pressed twice, it is done."""
    of, now, by = services(request), services(request).clock(), staff(request).actor
    window_id = request.path_params["window"]
    if not _allowed(request):
        return forbidden(request)
    await of.database.transact(lambda db: counters.close_window(db, window_id, by, now=now))
    return see_other(f"{ADMIN}#windows")


ROUTES = [
    route(DOOR, door, access=Access.STAFF_DOOR),
    route(DOOR, enrol, methods=("POST",), access=Access.STAFF_DOOR),
    route(ADMIN, listed, access=Access.STAFF),
    route(ADMIN, register, methods=("POST",), access=Access.STAFF),
    route(f"{ADMIN}/windows", open_window, methods=("POST",), access=Access.STAFF),
    route(f"{ADMIN}/windows/{{window}}/close", close_window, methods=("POST",), access=Access.STAFF),
    route(f"{ADMIN}/{{device}}/code", renew, methods=("POST",), access=Access.STAFF),
    route(f"{ADMIN}/{{device}}/end", end, methods=("POST",), access=Access.STAFF),
]
