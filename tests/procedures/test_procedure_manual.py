"""The manual for administrators is followed to the letter: what it says to type is typed, what it shows is seen."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from procedures import check
from procedures.library import ROOT

HOUSE = ROOT.parent
MANUAL = HOUSE / "docs" / "writing-a-procedure.md"
FILE = Path("procedures/declarations/disaster/bosai-radio.json")
pytestmark = pytest.mark.xdist_group("manual")
_MARKED = re.compile(r"<!-- (run|out|has|put|add) ?(\S*) -->\n```\w*\n(.*?)\n```", re.DOTALL)


class Block(NamedTuple):
    """A marked block: what to do with it ('run', 'out' …), with what (an exit code, a pointer), and its text."""

    do: str
    what: str
    text: str


BLOCKS = [Block(*each) for each in _MARKED.findall(MANUAL.read_text("utf-8"))]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as somebody has it who has just fetched it."""
    desk = tmp_path_factory.mktemp("desk")
    for name in ("forms_schema", "procedures", "payments", "server"):
        shutil.copytree(HOUSE / name, desk / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOUSE / "city.json", desk)
    kakanai(desk, "db", "upgrade")
    return desk


def kakanai(desk: Path, *words: str) -> tuple[int, str, str]:
    told = {"KAKANAI_MODE": "sandbox", "KAKANAI_DATA_DIR": str(desk / "var"), "PYTHONPATH": str(desk)}
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KAKANAI_")} | told
    command = [sys.executable, "-m", "server.cli", *words]
    done = subprocess.run(command, cwd=desk, env=environ, capture_output=True, text=True, timeout=60)  # noqa: S603
    return done.returncode, done.stdout, done.stderr


def put(path: Path, pointer: str, value: Any) -> None:
    """Write `value` at a pointer of one name; with none, its keys into the whole."""
    raw = json.loads(path.read_text("utf-8"))
    if pointer == '""':
        raw |= value
    else:
        raw[pointer.removeprefix("/")] = value
    path.write_text(json.dumps(raw, ensure_ascii=False, indent=2), "utf-8")


def more(raw: Any, added: Any) -> Any:
    """`raw` with what is added to it: keys into objects, items behind lists."""
    if isinstance(raw, Mapping) and isinstance(added, Mapping):
        return {**raw, **{key: more(raw[key], value) if key in raw else value for key, value in added.items()}}
    return [*raw, *added] if isinstance(raw, list) and isinstance(added, list) else added


@pytest.fixture(scope="module")
def followed(desk: Path) -> tuple[Path, list[str]]:
    """The desk after the whole way through the manual, and every difference between what it says and what is so."""
    wrong, shown = [], ""
    for block in BLOCKS:
        match block.do:
            case "run":
                for line in block.text.splitlines():
                    code, shown, told = kakanai(desk, *line.split()[1:])
                    if code != int(block.what or 0):
                        wrong.append(f"{line}: {code}\n{shown}{told}")
            case "out" if shown.strip() != block.text:
                wrong.append(f"it prints\n{shown}\nand the manual says\n{block.text}")
            case "has":
                wrong += [f"nobody says {line}\n{shown}" for line in block.text.splitlines() if line not in shown]
            case "put":
                put(desk / FILE, block.what, json.loads(block.text))
    return desk, wrong


def test_the_way_from_nothing_to_a_published_procedure_is_as_the_manual_says(followed: tuple[Path, list[str]]) -> None:
    assert followed[1] == []
    assert [block.do for block in BLOCKS].count("run") >= 7
    code, shown, told = kakanai(followed[0], "procedures", "publish", str(FILE))
    assert (code, shown) == (0, "")
    assert "同じ" in told


def examples() -> Iterator[Any]:
    titles = re.split(r"^## ", MANUAL.read_text("utf-8"), flags=re.MULTILINE)
    for part in titles:
        for i, each in enumerate(_MARKED.findall(part)):
            if each[0] == "add":
                yield pytest.param(json.loads(each[2]), id=f"{part.splitlines()[0]} {i}")


@pytest.mark.parametrize("added", list(examples()))
def test_each_example_of_the_manual_can_be_added_to_its_procedure(
    followed: tuple[Path, list[str]], added: Mapping[str, Any], tmp_path: Path
) -> None:
    """Its cases may change by it: an example brings none."""
    desk = followed[0]
    path = tmp_path / "disaster" / FILE.name
    path.parent.mkdir()
    path.write_text(json.dumps(more(json.loads((desk / FILE).read_text("utf-8")), added)), "utf-8")
    found = check.check([path], today=date(2026, 12, 1), root=desk / "procedures", city=desk / "city.json")
    assert [fault for _, fault in found if not fault.pointer.startswith("/cases/")] == []


def test_every_command_of_the_manual_exists() -> None:
    named = set(re.findall(r"kakanai procedures ([a-z]+)", MANUAL.read_text("utf-8")))
    code, shown, _ = kakanai(HOUSE, "procedures", "--help")
    assert code == 0
    assert named <= set(re.findall(r"[a-z]+", shown))
