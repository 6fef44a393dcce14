"""`kakanai …`. A command is one `add_…` function that names its arguments and a `run(arguments) -> exit code`.

Exit codes: 0 done, 1 a check found something, 2 the command could not be carried out. What was found goes to
stdout, progress and complaints to stderr. Imports of a command stand in its functions: each starts fast.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from server.settings import BadSettings, Settings, ignored
from server.store import StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from server.people.protection import Person
    from server.store.database import Database, Writing
    from server.store.keys import Keys

Commands = Any  # argparse does not export the type of what add_subparsers answers
Run = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="kakanai", description="Japanese city procedures online")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_serve, add_worker, add_procedures, add_db, add_keys, add_audit, add_notices, add_protection):
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


def command(commands: Commands, name: str, text: str, run: Run) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def group(commands: Commands, name: str, text: str) -> Commands:
    return commands.add_parser(name, help=text, description=text).add_subparsers(required=True, metavar="COMMAND")


def complain(*lines: str) -> None:
    for line in lines:
        print(f"kakanai: {line}", file=sys.stderr)


def read_settings() -> Settings:
    """The settings of this process; a variable that means nothing is complained about."""
    complain(*(f"{name} is not a setting and is ignored" for name in ignored(os.environ)))
    return Settings.from_env(os.environ)


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    from server.store.database import open_database

    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


def add_serve(commands: Commands) -> None:
    serving = command(commands, "serve", "serve the site; in sandbox mode the database is made first", serve)
    serving.add_argument("--workers", type=int, default=1, metavar="N", help="processes that serve (default 1)")


def serve(arguments: argparse.Namespace) -> int:
    import uvicorn

    settings = read_settings()
    if settings.oidc is not None:
        from server.people.oidc import read_key

        read_key(settings.oidc)  # here, where it is told: a serving process that cannot start is only started again
    if settings.sandbox:
        _migrate(settings)
        if _publish(settings, (), unless_served=True) is None:
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


def add_procedures(commands: Commands) -> None:
    procedures = group(commands, "procedures", "the declarations")
    for name, text, run in (
        ("check", "check declarations and run their cases; one line a fault, exit 1", check_procedures),
        ("publish", "check, then serve these versions from now on", publish_procedures),
    ):
        made = command(procedures, name, text, run)
        made.add_argument("paths", nargs="*", metavar="PATH", help="files or folders (default: all)")
    new = command(procedures, "new", "begin a declaration: a file with everything but its names", new_procedure)
    new.add_argument("place", metavar="CATEGORY/SLUG", help="where it goes, for example disaster/bosai-radio")
    show = command(procedures, "show", "print what a declaration asks, step by step", show_procedure)
    show.add_argument("name", metavar="SLUG", help="its slug, or a path to its file")
    schema = command(procedures, "schema", "print the JSON Schema of a declaration, for editors", write_schema)
    schema.add_argument("--vscode", action="store_true", help="write it into .vscode/settings.json instead")


def check_procedures(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    return _faults([Path(path) for path in arguments.paths], told=True)


def _faults(paths: Sequence[Path], *, told: bool = False) -> int:
    """Prints a line a fault; 1 when there are any. `told`: says so when there are none."""
    from procedures import check
    from server.japan import today
    from server.store.values import utc_now

    findings = check.check(paths or None, today=today(utc_now()))
    for line in check.told(findings):
        print(line)
    if told:
        complain(f"誤りが {len(findings)} 件あります" if findings else "誤りはありません")
    return 1 if findings else 0


def publish_procedures(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    settings = read_settings()
    paths = [Path(path) for path in arguments.paths]
    if _faults(paths):
        return 1
    slugs = _publish(settings, paths)
    for slug in slugs or ():
        print(f"published {slug}")
        if settings.sandbox:
            complain(f"see {settings.base_url}/procedures/{slug}")
    if paths and slugs == []:
        complain("前に公開したものと同じなので、何も変わりません")
    return 2 if slugs is None else 0


def _publish(settings: Settings, paths: Sequence[Path], *, unless_served: bool = False) -> list[str] | None:
    """Serve what the files declare; the slugs that changed, or None when a file is no declaration. `unless_served`:
    nothing is read when everything served is from the files as they are, which a start need not wait for."""
    from procedures.library import BadLibraryError, fingerprint, load_files, load_library
    from server.catalogue import files_served, publish
    from server.store.values import utc_now

    files = "" if paths else fingerprint()
    with opened(settings) as database:
        if unless_served and asyncio.run(database.read(files_served)) == files:
            return []
        try:
            chosen = load_files(paths) if paths else list(load_library().declarations.values())
        except BadLibraryError as error:
            complain(*str(error).splitlines())
            return None
        now = utc_now()
        work = lambda db: publish(db, chosen, now=now, actor="operator", files=files)  # noqa: E731
        return asyncio.run(database.transact(work))


def new_procedure(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from procedures.library import ROOT, Reader, declaration_files, read_shared
    from procedures.skeleton import begin

    reader = Reader()
    shared = read_shared(ROOT, reader)
    read = (reader.declaration(path, shared.common) for path in declaration_files(ROOT))
    made = begin(arguments.place, {item.slug: item.id for item in read if item is not None}, shared, ROOT)
    if not isinstance(made, Path):
        complain(f"{made.problem}; {made.allowed}")
        return 2
    print(made.relative_to(Path.cwd()) if made.is_relative_to(Path.cwd()) else made)
    return 0


def show_procedure(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from forms_schema.guess import meant
    from procedures.library import ROOT, BadLibraryError, Reader, declaration_files, load_files, read_shared
    from procedures.outline import outline
    from server.japan import today
    from server.store.values import utc_now

    files = {path.stem: path for path in declaration_files(ROOT)}
    path = files.get(arguments.name, Path(arguments.name))
    if not path.is_file():
        complain(
            f"{arguments.name} という手続はありません; {meant(path.stem, files, 'kakanai procedures new で作れます')}"
        )
        return 2
    reader = Reader()
    read_shared(ROOT, reader)
    try:
        (declaration,) = load_files([path])
        lines = outline(declaration, path, reader.origins, today(utc_now()))
    except (BadLibraryError, ValueError):
        return _faults([path])
    print(*lines, sep="\n")
    return 0


def write_schema(arguments: argparse.Namespace) -> int:
    import json
    from pathlib import Path

    from procedures.check import CITY
    from procedures.city import load_city
    from procedures.editor import document, with_schema
    from procedures.library import ROOT, Reader, read_shared

    schema = document(read_shared(ROOT, Reader()), load_city(CITY).departments)
    if not arguments.vscode:
        print(json.dumps(schema, ensure_ascii=False, indent=2))
        return 0
    path = Path(".vscode/settings.json")
    try:
        known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except ValueError:
        complain(
            f"{path} は読めません(コメントがあると読めません)", "kakanai procedures schema の出力を自分で入れてください"
        )
        return 2
    path.parent.mkdir(exist_ok=True)
    settings = with_schema(known, schema, ["procedures/declarations/**/*.json"])
    path.write_text(json.dumps(settings, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(path)
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
