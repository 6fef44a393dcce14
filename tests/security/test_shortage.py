"""A disk that is full, or takes nothing: said plainly, nothing lost, and all well again by itself when there is room.

Two ways to starve the process that serves: a small file system of its own (where the tests may mount one), and a limit
on the size of its files, which fails every kind of write it makes, the log's too.
"""

from __future__ import annotations

import os
import resource
import subprocess
import threading
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

TYPED: Final = "津軽の件"
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
    with_a_file = saved_with_a_file(served, draft)
    refused(with_a_file)
    assert TYPED in with_a_file.text, "what was typed is still there"
    as_body = {"content-type": "application/pdf", "cookie": cookie["cookie"]}
    upload = served.ask("POST", "/uploads", headers=as_body, body=PDF)
    assert (upload.status, '"UNAVAILABLE"' in upload.text) == (503, True), upload.text


def saved_with_a_file(served: Served, draft: Ready) -> Answer:
    """A step with a file that is too large to be held in memory on its way."""
    parts = {"_rev": "2", "_do": "next", "note": TYPED, "way": "desk", "_rows.children": "0"}
    body = b"".join(
        b'--b\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value.encode())
        for name, value in parts.items()
    )
    body += b'--b\r\ncontent-disposition: form-data; name="attachment.paper"; filename="x.pdf"\r\n\r\n'
    body += PDF + bytes(400_000) + b"\r\n--b--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=b", "cookie": f"kakanai={draft.token}"}
    return served.ask("POST", f"/drafts/{draft.id}/1", headers=headers, body=body)


@pytest.mark.drill
def test_files_are_refused_first_and_what_residents_write_last(tmp_path: Path) -> None:
    """On a file system of its own: this one needs root."""
    disk = SmallDisk(tmp_path)
    served = Served(disk.home, [PRICED])
    ready = prepared(served, PRICED, ANSWERS, 4)
    try:
        served.start()
        leave(disk, MOUNTED // 15)
        with_a_file = saved_with_a_file(served, ready[0])
        refused(with_a_file)
        assert TYPED in with_a_file.text
        as_body = {"content-type": "application/pdf", "cookie": f"kakanai={ready[0].token}"}
        refused_upload = served.ask("POST", "/uploads", headers=as_body, body=PDF)
        assert (refused_upload.status, "retry-after" in refused_upload.headers) == (503, True)
        reads = served.ask("GET", f"/drafts/{ready[0].id}/1", headers={"cookie": f"kakanai={ready[0].token}"})
        assert reads.status == 200
        for draft in ready[1:]:
            number_of(draft.submit(served))
        assert blobs_and_rows(served) == (set(), set())
        disk.end(served)
        assert saved_with_a_file(served, ready[0]).status == 303, "without a restart"
        there, known = blobs_and_rows(served)
        assert (there, len(known)) == (known, 1)
        assert served.failures() == []
    finally:
        stop(served)
        run("umount", "--lazy", str(tmp_path))


def leave(disk: SmallDisk, size: int) -> None:
    """Fill the disk but for so many bytes."""
    free = os.statvfs(disk.home).f_bavail * os.statvfs(disk.home).f_frsize
    (disk.home / "ballast").write_bytes(bytes(free - size))


def blobs_and_rows(served: Served) -> tuple[set[str], set[str]]:
    """The names of what lies on the disk, half files too, and the ids of what is written down."""
    there = {path.name for path in (served.settings.data_dir / "blobs").rglob("*") if path.is_file()}
    return there, served.within(lambda db: {row.id for row in db.all(select(t.upload.c.id))})


@pytest.mark.drill
def test_fifty_uploads_at_once_leave_the_pages_their_server(tmp_path: Path) -> None:
    """In its memory too: bodies and files wait on the disk for their turn (D8)."""
    served = Served(tmp_path, [PRICED]).start()
    content = PDF.ljust(10 << 20, b"\0")
    answers: list[Answer] = []
    try:
        assert served.ask("GET", "/").status == 200
        before = resident_memory(served)
        ids = iter(range(1, 51))

        def hand_in() -> None:
            headers = {"content-type": "application/pdf", "x-forwarded-for": f"192.0.2.{next(ids)}"}
            answers.append(served.ask("POST", "/uploads", headers=headers, body=content))

        threads = [threading.Thread(target=hand_in) for _ in range(50)]
        for thread in threads:
            thread.start()
        most, pages = before, 0
        while any(thread.is_alive() for thread in threads):
            assert served.ask("GET", "/procedures/priced").status == 200
            most, pages = max(most, resident_memory(served)), pages + 1
        assert [answer.status for answer in answers] == [200] * 50, {answer.text[:200] for answer in answers}
        assert pages > 10
        assert most - before <= 150 << 20
        there, known = blobs_and_rows(served)
        assert (there, len(known)) == (known, 50)
    finally:
        stop(served)


def resident_memory(served: Served) -> int:
    """Bytes of the process that serves."""
    assert served.process is not None
    pages = Path(f"/proc/{served.process.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


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
