"""`kakanai …`: the commands of an operator; `cli_procedures` has those about declarations, `cli_staff` those about
accounts, `cli_devices` those about machines."""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from server.cli_devices import add_devices
from server.cli_procedures import add_procedures, publish_files
from server.cli_staff import add_staff
from server.console import Commands, Run, command, complain, group, opened, read_settings
from server.settings import BadSettings, Settings
from server.store import StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    from server.people.protection import Person
    from server.store.database import Writing
    from server.store.keys import Keys


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="kakanai", description="Japanese city procedures online")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    rooms = (add_db, add_keys, add_audit, add_notices, add_protection, add_staff, add_devices)
    for add in (add_serve, add_worker, add_procedures, *rooms):
        add(commands)
    arguments = parser.parse_args(argv)
    run: Run = arguments.run
    try:
        return run(arguments)
    except BadSettings as error:
        complain(*error.faults, "what each variable means: docs/settings.md")
    except (StoreRefused, StoreUnavailable) as error:
        complain(str(error))
    return 2


def add_serve(commands: Commands) -> None:
    serving = command(commands, "serve", "serve the site; in sandbox mode the database is made first", serve)
    serving.add_argument("--workers", type=int, default=1, metavar="N", help="processes that serve (default 1)")


def serve(arguments: argparse.Namespace) -> int:
    gc.disable()  # what is imported and built stays: `from_environment` takes the collector up again
    import uvicorn

    settings = read_settings()
    for provider in (each for each in (settings.oidc, settings.staff_oidc) if each is not None):
        from server.people.oidc import read_key

        read_key(provider)  # here, where it is told: a serving process that cannot start is only started again
    from server.paper.press import Press

    unprinted = Press(settings.font_dir).missing()
    if unprinted:
        complain(unprinted)  # everything else goes on
    if settings.sandbox:
        _migrate(settings)
        if publish_files(settings, (), unless_served=True) is None:
            return 2
        with suppress(OSError):  # a full disk under the log stops nobody
            print(f"Kakanai sandbox: {settings.base_url}/", flush=True)
    uvicorn.run(
        "server.app:from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=arguments.workers,
        loop="uvloop",
        http="httptools",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the guard takes them, from trusted proxies only
        log_level="warning",
        timeout_graceful_shutdown=10,
    )
    return 0


def add_worker(commands: Commands) -> None:
    command(commands, "worker", "send notices and run scheduled jobs, without serving", work)


def work(_arguments: argparse.Namespace) -> int:
    from server.app import run_worker

    asyncio.run(run_worker(read_settings()))
    return 0


def add_db(commands: Commands) -> None:
    command(group(commands, "db", "the database"), "upgrade", "bring the tables up to date", upgrade_db)


def upgrade_db(_arguments: argparse.Namespace) -> int:
    _migrate(read_settings())
    return 0


def _migrate(settings: Settings) -> None:
    from server.store.engine import make_engine
    from server.store.migrations import upgrade

    engine = make_engine(settings.database_url, writes=True)
    try:
        upgrade(engine, settings.mode)
    finally:
        engine.dispose()


def add_keys(commands: Commands) -> None:
    keys = group(commands, "keys", "the keys of what is sealed")
    command(keys, "rotate", "wrap every data key by the active master key", rotate_keys)
    command(keys, "verify", "open everything that is sealed; exit 1 and name the rows that do not open", verify_keys)


def rotate_keys(_arguments: argparse.Namespace) -> int:
    from server.store import keys, rotation

    settings = read_settings()
    with opened(settings) as database:
        report = asyncio.run(rotation.rotate(database, keys.open_keys(settings), complain))
    print(f"{report.rewrapped} keys rewrapped")
    return _broken(report.broken)


def verify_keys(_arguments: argparse.Namespace) -> int:
    from server.store import blobs, keys, rotation

    settings = read_settings()
    found, files = keys.open_keys(settings), blobs.Blobs(settings.data_dir)
    with opened(settings) as database:
        report = asyncio.run(rotation.verify(database, found, files, complain))
    for name, count in sorted(report.opened.items()):
        print(f"{name}: {count} opened")
    for master, count in sorted(report.masters.items()):
        print(f"master key {master}: {count} wrapped{' (active)' if master == found.active else ''}")
    if not found.reads_my_number:
        print("mynumber.sealed: not tried, this process has no private key")
    return _broken(report.broken)


def _broken(lines: Sequence[str]) -> int:
    for line in lines:
        print(f"broken: {line}")
    return 1 if lines else 0


def add_audit(commands: Commands) -> None:
    audit = group(commands, "audit", "the audit chain")
    verify = command(audit, "verify", "walk the chain; exit 1 and name the first line that does not hold", verify_audit)
    verify.add_argument("--head", help="a hash noted earlier, which must be one of the chain's")


def verify_audit(arguments: argparse.Namespace) -> int:
    from server.store import audit

    with opened(read_settings()) as database:
        verdict = asyncio.run(database.read(lambda db: audit.verify(db, head=arguments.head), long=True))
    print(f"{verdict.count} lines hold, head {verdict.head}")
    if verdict.broken is None:
        return 0
    print(f"broken at line {verdict.broken}: {verdict.problem}")
    return 1


def add_notices(commands: Commands) -> None:
    notices = group(commands, "notices", "the mails to residents")
    command(notices, "report", "say what waits and what was given up; exit 1 when one waits for a day", report_notices)
    command(notices, "retry", "try everything that waits again at once, as after a long outage", retry_notices)


def report_notices(_arguments: argparse.Namespace) -> int:
    from server.notices import outbox
    from server.store.values import utc_now

    with opened(read_settings()) as database:
        waits, gone = asyncio.run(database.read(lambda db: (outbox.waiting(db), outbox.given_up(db))))
    age = waits.age(utc_now())
    print(f"{waits.count} wait" + (f", the oldest for {int(age.total_seconds() // 60)} minutes" if waits.count else ""))
    for kind, count in gone.items():
        print(f"{kind}: {count} given up in the last {outbox.KEPT.days} days")
    return 1 if age >= outbox.STUBBORN else 0


def retry_notices(_arguments: argparse.Namespace) -> int:
    from server.notices import outbox
    from server.store.values import utc_now

    now = utc_now()
    with opened(read_settings()) as database:
        count = asyncio.run(database.transact(lambda db: outbox.retry(db, now=now)))
    print(f"{count} notices will be tried again now")
    return 0


def add_protection(commands: Commands) -> None:
    protection = group(commands, "protection", "支援措置: whose facts are never filled in (CSV on stdin)")
    command(protection, "add", "add the people of the list on stdin", protect)
    command(protection, "remove", "take the people of the list on stdin off it", release)
    command(protection, "count", "say how many are on the list", count_protected)


def protect(_arguments: argparse.Namespace) -> int:
    from server.people import protection
    from server.store.values import utc_now

    now = utc_now()
    return _listed(lambda db, keys, people: f"{protection.protect(db, keys, people, now=now)} added")


def release(_arguments: argparse.Namespace) -> int:
    from server.people import protection

    return _listed(lambda db, keys, people: f"{protection.release(db, keys, people)} removed")


def _listed(work: Callable[[Writing, Keys, list[Person]], str]) -> int:
    """On stdin, for a name on a command line is read by everybody at the machine, and kept in the shell's history."""
    from server.people.protection import BadLine, people
    from server.store.keys import open_keys

    settings = read_settings()
    try:
        listed = list(people(sys.stdin))
    except BadLine as error:
        complain(str(error), "nothing was changed")
        return 2
    keys = open_keys(settings)
    with opened(settings) as database:
        print(asyncio.run(database.transact(lambda db: work(db, keys, listed))))
    return 0


def count_protected(_arguments: argparse.Namespace) -> int:
    from server.people.protection import count

    with opened(read_settings()) as database:
        print(asyncio.run(database.read(count)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
