"""`kakanai procedures …`: what administrators and operators do with declarations; see `console` for how a command is
made."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from server.console import Commands, command, complain, group, opened, read_settings
from server.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from server.applications.suspending import Refusal
    from server.store.database import Writing


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
    translations = command(procedures, "translations", "say what is not translated; exit 1", tell_untranslated)
    translations.add_argument("languages", nargs="*", metavar="LANGUAGE", help="such as en (default: all)")
    add_suspensions(procedures)


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
    slugs = publish_files(settings, paths)
    for slug in slugs or ():
        print(f"published {slug}")
        if settings.sandbox:
            complain(f"see {settings.base_url}/procedures/{slug}")
    if paths and slugs == []:
        complain("前に公開したものと同じなので、何も変わりません")
    return 2 if slugs is None else 0


def publish_files(settings: Settings, paths: Sequence[Path], *, unless_served: bool = False) -> list[str] | None:
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
        return asyncio.run(database.transact(lambda db: publish(db, chosen, now=now, actor="operator", files=files)))


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
    from procedures.editor import document, life_event, with_schema
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
    settings = with_schema(settings, life_event(), ["procedures/life-events/*.json"])
    path.write_text(json.dumps(settings, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(path)
    return 0


def tell_untranslated(arguments: argparse.Namespace) -> int:
    """A line a text: the file below `translations/<language>` that lacks it, and the Japanese."""
    from forms_schema.guess import meant
    from procedures.check import CITY
    from procedures.city import load_city
    from procedures.library import ROOT, load_library
    from procedures.untranslated import untranslated
    from server.languages import Languages, Translated

    library, city = load_library(), load_city(CITY)
    known = [each.code for each in Languages(library.shared.translations).values() if isinstance(each, Translated)]
    for unknown in [code for code in arguments.languages if code not in known]:
        complain(f"{unknown} という言語はありません; {meant(unknown, known, '使える言語: ' + '、'.join(known))}")
        return 2
    lines = [
        f"{code}/{file}: {text}"
        for code in arguments.languages or known
        for file, text in untranslated(library, city, ROOT, code)
    ]
    print(*lines, sep="\n", end="\n" if lines else "")
    complain(f"翻訳のない文が {len(lines)} 件あります" if lines else "すべて翻訳されています")
    return 1 if lines else 0


def add_suspensions(procedures: Commands) -> None:
    stop = command(procedures, "suspend", "take no filings for a while; drafts are kept and can be filled in", suspend)
    stop.add_argument("slug", metavar="SLUG")
    stop.add_argument("--reason", required=True, metavar="TEXT", help="why, in Japanese: residents read it")
    stop.add_argument("--from", dest="start", metavar="WHEN", help="in Japan's time, 2026-11-25T20:00 (default: now)")
    stop.add_argument("--until", metavar="WHEN", help="in Japan's time (default: until it is resumed)")
    go = command(procedures, "resume", "take filings again at once, or take back what was announced", resume)
    go.add_argument("slug", metavar="SLUG")
    status = command(procedures, "status", "say what is open or suspended, and until when", tell_status)
    status.add_argument("slug", nargs="?", metavar="SLUG", help="one procedure (default: all)")


def suspend(arguments: argparse.Namespace) -> int:
    from server.applications import suspending
    from server.catalogue import Suspension
    from server.japan import moment_of

    try:
        start, until = (moment_of(text) if text else None for text in (arguments.start, arguments.until))
    except ValueError:
        complain("WHEN は日本の日時で、時刻まで書いてください; 例: 2026-11-25T20:00")
        return 2
    slug, wanted = arguments.slug, Suspension(arguments.reason, start, until)
    return _turned(slug, lambda db: suspending.suspend(db, slug, wanted, now=db.clock(), actor="operator"))


def resume(arguments: argparse.Namespace) -> int:
    from server.applications import suspending

    slug = arguments.slug
    return _turned(slug, lambda db: suspending.resume(db, slug, now=db.clock(), actor="operator"))


def _turned(slug: str, work: Callable[[Writing], Refusal | None]) -> int:
    """Changes the state of a procedure and says how it stands then."""
    from server.applications import suspending

    settings = read_settings()
    with opened(settings) as database:
        refusal = asyncio.run(database.transact(work))
    if refusal is None or refusal is suspending.Refusal.UNKNOWN:
        return _tell(settings, slug)
    complain(suspending.TOLD[refusal])
    return 2


def tell_status(arguments: argparse.Namespace) -> int:
    return _tell(read_settings(), arguments.slug)


def _tell(settings: Settings, slug: str | None) -> int:
    """A line a procedure, and for none of that name what was perhaps meant."""
    from forms_schema.guess import meant
    from procedures.library import ROOT, Reader, read_shared
    from server.applications.suspending import standing
    from server.catalogue import Catalogue
    from server.store.keys import open_keys
    from server.store.values import utc_now

    takes_my_number = open_keys(settings).takes_my_number
    with opened(settings) as database:
        catalogue = Catalogue(read_shared(ROOT, Reader()), database, takes_my_number=takes_my_number)
        asyncio.run(catalogue.refresh())
    served = {each.declaration.slug: each.status(utc_now()) for each in catalogue.all()}
    if slug is not None and slug not in served:
        near = meant(slug, served, "kakanai procedures status で見られます")
        complain(f"{slug} という手続は公開されていません; {near}")
        return 2
    for name in [slug] if slug else served:
        print(f"{name}  {standing(served[name])}")
    return 0
