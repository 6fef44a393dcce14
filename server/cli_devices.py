"""`kakanai device …`: what an operator does with kiosks, tablets and boards. `console` says how a command is made."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING, Final

from server.console import Commands, command, complain, group, opened, read_settings

if TYPE_CHECKING:
    from server.people.devices import Listed
    from server.store.database import Writing

ACTOR: Final = "operator"
_NO_WINDOW: Final = "その窓口はありません; 職員のページ /admin/devices で作れます"
_UNKNOWN: Final = "その端末はないか、もう終わっています; kakanai device list で見られます"


def add_devices(commands: Commands) -> None:
    device = group(commands, "device", "kiosks, tablets and boards of the town hall")
    new = command(device, "add", "register a machine; prints the code to type at it", add)
    new.add_argument("kind", metavar="KIND", help="kiosk, tablet or board")
    new.add_argument("label", metavar="LABEL", help="what colleagues call it, such as 1階ロビー")
    new.add_argument("--window", metavar="LABEL", help="the counter at which it stands")
    command(device, "list", "say which there are, and when they were last in use", tell)
    ending = command(device, "end", "end a machine: it is out with its next request", end)
    ending.add_argument("device", metavar="ID", help="as `kakanai device list` prints it")


def add(arguments: argparse.Namespace) -> int:
    from os import urandom

    from server.counter.windows import windows
    from server.people import devices
    from server.store.keys import open_keys

    settings = read_settings()
    keys = open_keys(settings)

    def work(db: Writing) -> str:
        found = [each.id for each in windows(db) if each.label == arguments.window]
        if arguments.window and not found:
            raise devices.BadDevice(_NO_WINDOW)
        kind, label, window = arguments.kind, arguments.label, found[0] if found else None
        return devices.register(db, keys, kind, label, window, ACTOR, now=db.clock(), random=urandom)

    with opened(settings) as database:
        try:
            code = asyncio.run(database.transact(work))
        except devices.BadDevice as error:
            complain(str(error))
            return 2
    print(code)
    minutes = int(devices.ENROL_WITHIN.total_seconds()) // 60
    complain(
        f"{minutes}分のあいだ、1度だけ使えます。その端末のブラウザーで入力してください: {settings.base_url}/device"
    )
    return 0


def tell(_arguments: argparse.Namespace) -> int:
    from server.counter.windows import windows
    from server.people import devices

    with opened(read_settings()) as database:
        labels = {each.id: each.label for each in asyncio.run(database.read(windows, long=True))}
        for each in asyncio.run(database.read(devices.every, long=True)):
            print(line(each, labels.get(each.window_id or "", "-")))
    return 0


def line(of: Listed, window: str) -> str:
    """One machine: id, kind, state, when it was last seen, window, label."""
    seen = of.seen_at.isoformat(timespec="minutes") if of.seen_at else "-"
    return f"{of.id}  {of.kind}  {of.state.replace(' ', '-')}  {seen}  {window}  {of.label}"


def end(arguments: argparse.Namespace) -> int:
    from server.people import devices

    with opened(read_settings()) as database:
        done = asyncio.run(database.transact(lambda db: devices.end(db, arguments.device, ACTOR, now=db.clock())))
    if not done:
        complain(_UNKNOWN)
    return 0 if done else 2
