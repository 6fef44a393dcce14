"""A disk that is full, or takes nothing: said plainly, nothing lost, and all well again by itself when there is room.

Two ways to starve the process that serves: a small file system of its own (where the tests may mount one), and a limit
on the size of its files, which fails every kind of write it makes, the log's too.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

import pytest
from sqlalchemy import select, update

from server.store import tables as t
from server.store.database import Writing
from server.store.values import utc_now
from tests.security.process import Answer, Ready, Served, prepared, stop
from tests.security.site import PDF
from tests.security.test_durability import ANSWERS, PRICED, check_books

MOUNTED: Final = 12 << 20
"""Bytes of the small file system: the database and its log with some room."""


class Shortage(Protocol):
    """Room for the data of a server, to be taken away and given back."""

    home: Path

    def begin(self, served: Served) -> None:
        """From now on nothing can be written."""

    def end(self, served: Served) -> None:
        """There is room again."""


class Quota:
    """No file may be longer than a byte."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def begin(self, served: Served) -> None:
        self._limit(served, 1)

    def end(self, served: Served) -> None:
        self._limit(served, resource.RLIM_INFINITY)

    def _limit(self, served: Served, size: int) -> None:
        assert served.process is not None
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class SmallDisk:
    """A file system that somebody else's file fills to the last byte."""

    def __init__(self, home: Path) -> None:
        self.home = home
        run("mount", "-t", "tmpfs", "-o", f"size={MOUNTED}", "kakanai-tests", str(home))

    def begin(self, served: Served) -> None:
        with (self.home / "ballast").open("wb", buffering=0) as ballast:
            try:
                while ballast.write(bytes(4096)):
                    pass
            except OSError:
                assert os.statvfs(self.home).f_bavail == 0

    def end(self, served: Served) -> None:
        (self.home / "ballast").unlink()


def run(*command: str) -> int:
    return subprocess.run(command, check=False, capture_output=True).returncode  # noqa: S603


def can_mount() -> bool:
    return run("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt") == 0 and os.geteuid() == 0


@pytest.fixture(params=["quota", *(["small disk"] if can_mount() else [])])
def shortage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shortage]:
    yield Quota(tmp_path) if request.param == "quota" else SmallDisk(tmp_path)
    if request.param != "quota":
        run("umount", "--lazy", str(tmp_path))


@pytest.fixture
def served(shortage: Shortage) -> Iterator[Served]:
    served = Served(shortage.home, [PRICED])
    yield served
    stop(served)


def test_a_full_disk_is_told_reading_goes_on_and_all_is_well_again_with_room(
    served: Served, shortage: Shortage
) -> None:
    ready = prepared(served, PRICED, ANSWERS, 12)
    (idle,) = prepared(served, PRICED, ANSWERS, 1)
    note_last_use(served)
    served.start()
    acknowledged = {draft.id: {number_of(draft.submit(served))} for draft in ready[:4]}
    shortage.begin(served)
    for draft in ready[4:8]:
        refused(draft.submit(served))
    reads_go_on(served, ready[4], next(iter(acknowledged[ready[0].id])))
    after_a_while = served.ask("GET", f"/drafts/{idle.id}/1", headers={"cookie": f"kakanai={idle.token}"})
    assert after_a_while.status == 200  # though the use of this session can not be noted
    writes_are_refused(served, ready[5])
    shortage.end(served)
    acknowledged |= {draft.id: {number_of(draft.submit(served))} for draft in [*ready[4:], idle]}
    assert saved_with_a_file(served, ready[0]).status == 303
    assert number_of(ready[0].submit(served)) in acknowledged[ready[0].id]
    served.kill()
    assert served.failures() == []
    check_books(served.settings, [*ready, idle], acknowledged)


def note_last_use(served: Served) -> None:
    """Every session was last used a while ago, so that a look would note its use."""

    def work(db: Writing) -> None:
        db.execute(update(t.session).values(seen_at=utc_now() - timedelta(minutes=10)))
        assert db.scalar(select(t.session.c.id)) is not None

    served.within(work)


def number_of(answer: Answer) -> str:
    assert answer.status == 303, answer.text
    assert answer.place.endswith("/receipt")
    return answer.place.split("/")[2]


def refused(answer: Answer) -> None:
    """Told plainly, with when to come back."""
    assert answer.status == 503, answer.text
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert "少し待ってから" in answer.text
    assert "disk" not in answer.text


def reads_go_on(served: Served, draft: Ready, number: str) -> None:
    cookie = {"cookie": f"kakanai={draft.token}"}
    for path in ("/", "/procedures/priced", "/procedures/priced/apply", "/readyz", "/healthz"):
        assert served.ask("GET", path).status == 200, path
    for path in (f"/drafts/{draft.id}/1", f"/drafts/{draft.id}/2", f"/drafts/{draft.id}/check"):
        answer = served.ask("GET", path, headers=cookie)
        assert (answer.status, "見本の届出" in answer.text) == (200, True), path
    assert served.ask("GET", f"/applications/{number}", headers=cookie).status == 200
    # looking at the answers of an application is written down, or it is not done
    refused(served.ask("GET", f"/applications/{number}/receipt", headers=cookie))


def writes_are_refused(served: Served, draft: Ready) -> None:
    cookie = {"cookie": f"kakanai={draft.token}"}
    refused(served.ask("POST", f"/drafts/{draft.id}/1", {"_rev": "2", "note": "x"}, cookie))
    refused(served.ask("POST", "/procedures/priced/apply", {"note": "x", "way": "desk"}))
    refused(served.ask("POST", "/applications", {"number": "1", "access_code": "x"}))
    refused(served.ask("POST", "/resume", {"code": "x"}))
    refused(saved_with_a_file(served, draft))
    as_body = {"content-type": "application/pdf", "cookie": cookie["cookie"]}
    upload = served.ask("POST", "/uploads", headers=as_body, body=PDF)
    assert (upload.status, '"UNAVAILABLE"' in upload.text) == (503, True), upload.text


def saved_with_a_file(served: Served, draft: Ready) -> Answer:
    """A step with a file that is too large to be held in memory on its way."""
    parts = {"_rev": "2", "_do": "next", "note": "x", "way": "desk", "_rows.children": "0"}
    body = b"".join(
        b'--b\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value.encode())
        for name, value in parts.items()
    )
    body += b'--b\r\ncontent-disposition: form-data; name="attachment.paper"; filename="x.pdf"\r\n\r\n'
    body += PDF + bytes(400_000) + b"\r\n--b--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=b", "cookie": f"kakanai={draft.token}"}
    return served.ask("POST", f"/drafts/{draft.id}/1", headers=headers, body=body)


def test_a_full_log_stops_nobody(tmp_path: Path) -> None:
    served = Served(tmp_path, [PRICED])
    (draft,) = prepared(served, PRICED, ANSWERS, 1)
    try:
        served.start(log=Path("/dev/full"))
        number_of(draft.submit(served))
        assert served.ask("GET", "/nothing").status == 404
        assert served.ask("GET", "/").status == 200
    finally:
        stop(served)
