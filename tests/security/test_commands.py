"""`kakanai …` as an operator runs it, each command a process of its own. Their finer points are in store/test_cli."""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from procedures.library import ROOT as PROCEDURES
from procedures.library import fingerprint
from server.cli_procedures import publish_files
from server.settings import Settings
from tests import shipped
from tests.conftest import migrate
from tests.security.process import KAKANAI, ROOT, environment
from tests.security.test_production import production

K1, K2 = (f"k{n}:{base64.b64encode(bytes([n] * 32)).decode()}" for n in (1, 2))


def run(*words: str, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """(exit code, stdout, stderr)."""
    given = environment() | dict(environ or {})
    done = subprocess.run([str(KAKANAI), *words], cwd=ROOT, env=given, capture_output=True, timeout=60, text=True)  # noqa: S603
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A city's own settings."""
    return production(tmp_path / "data") | {"KAKANAI_ENCRYPTION_KEYS": K1}


def test_a_server_without_keys_does_not_start_and_says_everything_that_is_missing_at_once() -> None:
    code, out, err = run("serve")
    told = err.splitlines()
    assert (code, out) == (2, "")
    assert re.fullmatch(r"kakanai: what each variable means: docs/settings\.md", told[-1])
    named = [re.match(r"kakanai: KAKANAI_([A-Z_]+): must be", line) for line in told[:-1]]
    assert all(named)
    missing = {each[1] for each in named if each}
    assert {"SECRET_KEY", "INDEX_KEY", "ENCRYPTION_KEYS", "BASE_URL"} <= missing
    assert len(missing) == len(named)


SECRET = "only-seen-by-the-operator"
FAULTY = {
    "SECRET_KEY": SECRET,
    "INDEX_KEY": SECRET,
    "ENCRYPTION_KEYS": f"k1:{SECRET}",
    "MY_NUMBER_PUBLIC_KEY": SECRET,
    "BASE_URL": "http://kakanai.example",
    "DATABASE_URL": "mysql://x",
    "IDENTITY": "sandbox",
    "PAYMENTS": "on",
    "TRUSTED_PROXIES": "everybody",
}


@pytest.mark.parametrize("command", [("serve",), ("worker",), ("db", "upgrade"), ("keys", "verify")])
def test_each_fault_is_a_line_of_its_own_and_no_line_tells_a_secret(
    command: tuple[str, ...], environ: dict[str, str]
) -> None:
    code, out, err = run(*command, environ=environ | {f"KAKANAI_{name}": text for name, text in FAULTY.items()})
    assert code == 2
    named = re.findall(r"^kakanai: KAKANAI_([A-Z_]+): ", err, re.MULTILINE)
    assert (sorted(named), SECRET in out + err) == (sorted(FAULTY), False)
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [("serve",), ("worker",), ("db", "upgrade"), ("audit", "verify")])
def test_a_database_of_the_sandbox_is_refused_where_residents_are_real(
    command: tuple[str, ...], environ: dict[str, str]
) -> None:
    data = Path(environ["KAKANAI_DATA_DIR"])
    data.mkdir()
    migrate(f"sqlite:///{data / 'kakanai.db'}", "sandbox")
    code, _, err = run(*command, environ=environ)
    assert (code, err) == (2, "kakanai: the database was made in sandbox mode, this server is in production mode\n")


def test_an_operators_day(environ: dict[str, str]) -> None:
    """Set up, publish, turn the keys, look after the books: each says what it did, and can be done again."""
    assert run("audit", "verify", environ=environ)[0] == 2
    assert run("db", "upgrade", environ=environ) == (0, "", "")
    data = Path(environ["KAKANAI_DATA_DIR"])
    assert data.stat().st_mode & 0o077 == 0
    slugs = sorted(shipped.library().declarations)
    code, out, _ = run("procedures", "publish", environ=environ)
    assert (code, sorted(out.split())) == (0, sorted(["published"] * len(slugs) + slugs))
    assert run("procedures", "publish", environ=environ) == (0, "", "")
    turned = environ | {"KAKANAI_ENCRYPTION_KEYS": f"{K2},{K1}"}
    assert run("keys", "rotate", environ=turned)[:2] == (0, "0 keys rewrapped\n")
    code, out, _ = run("keys", "verify", environ=turned)
    assert (code, out) == (0, "mynumber.sealed: not tried, this process has no private key\n")
    code, out, _ = run("audit", "verify", environ=environ)
    found = re.fullmatch(rf"{len(slugs)} lines hold, head ([0-9a-f]{{64}})\n", out)
    assert code == 0 and found is not None
    assert run("audit", "verify", "--head", found[1], environ=environ)[0] == 0
    change_history(data / "kakanai.db")
    code, out, _ = run("audit", "verify", environ=environ)
    assert (code, out.splitlines()[-1]) == (1, "broken at line 1: it was changed")


def change_history(database: Path) -> None:
    """As somebody would who has the file."""
    with sqlite3.connect(database) as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 1")
    db.close()


def test_a_declaration_with_a_fault_is_named_with_its_place_and_is_not_published(
    environ: dict[str, str], tmp_path: Path
) -> None:
    good = next((PROCEDURES / "declarations").rglob("*.json"))
    folder = tmp_path / good.parent.name
    folder.mkdir()
    raw = json.loads(good.read_text("utf-8"))
    raw["assurance"] = "none whatsoever"
    bad = folder / good.name
    bad.write_text(json.dumps(raw, ensure_ascii=False), "utf-8")
    code, out, _ = run("procedures", "check", str(bad))
    assert code == 1
    assert out.startswith(f"{bad}: /assurance: ")
    assert run("db", "upgrade", environ=environ)[0] == 0
    assert run("procedures", "publish", str(bad), environ=environ)[:2] == (1, out)
    assert run("audit", "verify", environ=environ)[1].startswith("0 lines hold")


PROPERTIES = "/schema/properties"
LAYERS = 6
"""Each asks the one below eight times: thirty thousand questions in a small file."""


def put(pointer: str, value: object) -> Callable[[dict[str, Any]], object]:
    def change(raw: dict[str, Any]) -> None:
        *way, last = pointer[1:].split("/")
        node: Any = raw
        for part in way:
            node = node[int(part)] if isinstance(node, list) else node[part]
        node[last] = value

    return change


def looped(raw: dict[str, Any]) -> None:
    raw["schema"]["$defs"] = {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}
    raw["schema"]["properties"]["dogs"] = {"$ref": "#/$defs/a"}


def bomb(raw: dict[str, Any]) -> None:
    layers: dict[str, Any] = {"l0": {"type": "string", "title": "x"}}
    for i in range(1, LAYERS):
        inside = {f"q{n}": {"$ref": f"#/$defs/l{i - 1}", "title": "x"} for n in range(8)}
        layers[f"l{i}"] = {"type": "object", "properties": inside}
    raw["schema"]["$defs"] = layers
    raw["schema"]["properties"]["dogs"] = {"$ref": f"#/$defs/l{LAYERS - 1}", "title": "x"}


BAD: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "typo": (put("/titel", "犬"), "/titel", "title ではありませんか"),
    "reference": (
        put(f"{PROPERTIES}/applicant/$ref", "urn:kakanai:common#/$defs/persen"),
        f"{PROPERTIES}/applicant/$ref",
        "person ではありませんか",
    ),
    "loop": (looped, "", "輪にならないように"),
    "bomb": (bomb, "", "多すぎます"),
    "number": (put("/id", "P101"), "/id", "ほかの名前にしてください"),
    "juminhyo-utsushi": (put("/processing_days", 9), "", "ほかの名前にしてください"),
    "case": (put("/cases/0/answers/receive", "nowhere"), "/cases/0/expect", "expect"),
}
"""By the file's name: the mistake, the place that is named, and what to do about it. `juminhyo-utsushi` is an address
that another category has already."""


def test_whatever_is_wrong_with_a_declaration_is_told_with_file_place_and_remedy_and_nothing_is_served(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """`check` and `publish` say the same, and what is good in the same folder is not served either."""
    good = PROCEDURES / "declarations/environment-pets/inu-toroku.json"
    folder = tmp_path / "environment-pets"
    folder.mkdir()
    for i, (name, (change, _, _)) in enumerate(BAD.items()):
        raw = json.loads(good.read_text("utf-8")) | {"id": f"P98{i}"}
        change(raw)
        (folder / f"{name}.json").write_text(json.dumps(raw, ensure_ascii=False), "utf-8")
    (folder / "nested.json").write_text("[" * 100_000, "utf-8")
    (folder / good.name).write_bytes(good.read_bytes())
    code, out, _ = run("procedures", "check", str(folder))
    assert code == 1
    lines = out.splitlines()
    for name, (_, pointer, remedy) in {**BAD, "nested": (bomb, "", "段まで")}.items():
        told = [line for line in lines if line.startswith(f"{folder / name}.json: {pointer}")]
        assert any(remedy in line for line in told), (name, told)
    assert run("db", "upgrade", environ=environ)[0] == 0
    code, refused, _ = run("procedures", "publish", str(folder), environ=environ)
    assert (code, refused) == (1, out)
    assert run("procedures", "status", environ=environ) == (0, "", "")
    assert run("audit", "verify", environ=environ)[1].startswith("0 lines hold")


def test_the_shipped_declarations_pass() -> None:
    assert run("procedures", "check") == (0, "", "kakanai: 誤りはありません\n")


def test_a_sandbox_starts_with_the_files_as_they_are(settings: Settings, tmp_path: Path) -> None:
    """Read again when one was written, or when something else was published meanwhile; otherwise not at all."""
    file = next((PROCEDURES / "declarations").rglob("*.json"))
    copy = tmp_path / file.parent.name / file.name
    copy.parent.mkdir()
    copy.write_text(file.read_text("utf-8").replace('"retention_years": ', '"retention_years": 1'), "utf-8")
    everything = sorted(shipped.library().declarations)
    assert sorted(publish_files(settings, (), unless_served=True) or ()) == everything
    assert publish_files(settings, (), unless_served=True) == []
    assert publish_files(settings, [copy]) == [file.stem]
    assert publish_files(settings, (), unless_served=True) == [file.stem]


def test_a_file_that_is_written_comes_or_goes_changes_the_librarys_fingerprint(tmp_path: Path) -> None:
    seen = [fingerprint(tmp_path)]
    file = tmp_path / "declarations" / "tax" / "a.json"
    file.parent.mkdir(parents=True)
    for change in (lambda: file.write_text("{}"), lambda: file.write_text("{ }"), lambda: os.utime(file, (1, 1))):
        change()
        seen.append(fingerprint(tmp_path))
    file.unlink()
    assert len(set(seen)) == len(seen)
    assert fingerprint(tmp_path) == seen[0]
