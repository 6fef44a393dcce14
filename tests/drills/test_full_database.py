"""The disk under the SQLite database fills up while people file, and is made larger while the server goes on."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.drills.programs import Programs, check_ledger
from tests.security.process import PATIENCE, Served, stop
from tests.security.site import LETTER
from tests.security.test_durability import PRICED
from tests.security.test_shortage import can_mount, run

SIZE = 4 << 20
"""Bytes of the file system, or of a file where the tests may not mount one: some hundred applications."""
Figure = Callable[[str, object], None]


@pytest.fixture(params=["file", *(["disk"] if can_mount() else [])])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    home = tmp_path / "small"
    home.mkdir()
    if request.param == "disk":
        run("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "kakanai-drill", str(home))
    yield request.param
    if request.param == "disk":
        run("umount", "--lazy", str(home))


@pytest.mark.drill
def test_a_database_that_fills_its_disk_loses_nothing_and_goes_on_with_room(
    room: str, tmp_path: Path, record_property: Figure
) -> None:
    home = tmp_path / "small"
    served = Served(home, [PRICED])
    served.log = tmp_path / "log"
    try:
        served.start()
        if room == "file":
            give(served, SIZE)
        programs = Programs(served, 8, 90).begin()
        until_full(programs)
        before = len(programs.acknowledged)
        reading_goes_on(served)
        what_was_typed_is_kept(served)
        if room == "disk":
            assert run("mount", "-o", f"remount,size={16 * SIZE}", str(home)) == 0
        else:
            give(served, resource.RLIM_INFINITY)
        programs.finish()
    finally:
        stop(served)
    assert programs.statuses.keys() == {200, 503}
    check_ledger(served.settings, programs.acknowledged)
    record_property("acknowledged until it was full", before)
    record_property("told to wait", programs.statuses[503])
    record_property("acknowledged in the end", len(programs.acknowledged))
    record_property("lost or doubled", 0)


def give(served: Served, size: int) -> None:
    assert served.process is not None
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def until_full(programs: Programs) -> None:
    until = time.monotonic() + 3 * PATIENCE
    while programs.statuses[503] < 50:
        assert time.monotonic() < until and programs.faults == []
        time.sleep(0.05)


def reading_goes_on(served: Served) -> None:
    for path in ("/", "/procedures", "/procedures/priced", "/procedures/priced/apply", "/healthz"):
        assert served.ask("GET", path).status == 200, path


def what_was_typed_is_kept(served: Served) -> None:
    typed = "きえない言葉" * 30
    for _ in range(5):  # somebody's last page may still have found room
        answer = served.ask("POST", "/procedures/priced/apply", {**LETTER, "note": typed, "story": typed})
        if answer.status == 503:
            assert typed in answer.text
            assert 0 < int(answer.headers["retry-after"]) <= 60
            return
    raise AssertionError(f"{answer.status} {answer.text}")
