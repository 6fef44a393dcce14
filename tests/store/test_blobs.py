"""Attached files: sealed on the disk, found again as they were, and swept when nobody speaks of them."""

from __future__ import annotations

import os
import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.store import tables as t
from server.store.blobs import LARGEST, Blobs
from server.store.keys import DataKey, Unsealable
from server.store.values import new_id
from tests.conftest import Maker, Random, Store

CONTENT = b"%PDF-1.7 " + bytes(range(256)) * 40


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


@pytest.fixture
def key() -> DataKey:
    return DataKey(bytes(32))


def files(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "blobs").rglob("*") if path.is_file())


def test_a_file_comes_back_as_it_was_and_lies_sealed(blobs: Blobs, key: DataKey, tmp_path: Path) -> None:
    digest = blobs.put("ab" * 16, CONTENT, key)
    assert blobs.get("ab" * 16, key, digest) == CONTENT
    (file,) = files(tmp_path)
    assert file.relative_to(tmp_path) == Path("blobs/ab") / ("ab" * 16)
    assert CONTENT[:16] not in file.read_bytes()


def test_a_damaged_missing_or_exchanged_file_is_never_handed_out(blobs: Blobs, key: DataKey, tmp_path: Path) -> None:
    digest = blobs.put("ab" * 16, CONTENT, key)
    other = blobs.put("cd" * 16, b"other", key)
    first, second = files(tmp_path)
    with pytest.raises(Unsealable, match="does not open"):
        blobs.get("cd" * 16, DataKey(bytes(range(32))), other)
    first.write_bytes(second.read_bytes())
    with pytest.raises(Unsealable, match="was changed"):
        blobs.get("ab" * 16, key, digest)
    first.unlink()
    with pytest.raises(Unsealable, match="is missing"):
        blobs.get("ab" * 16, key, digest)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "ab", "AB" * 16, "ab" * 16 + "\n", "", "a/" * 16])
def test_an_id_that_is_none_never_becomes_a_path(blobs: Blobs, key: DataKey, name: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        blobs.put(name, CONTENT, key)
    with pytest.raises(ValueError, match="not the id"):
        blobs.get(name, key, "")


def test_a_file_that_is_too_large_is_refused(blobs: Blobs, key: DataKey, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most"):
        blobs.put("ab" * 16, bytes(LARGEST + 1), key)
    assert files(tmp_path) == []


def test_only_old_files_without_a_row_are_swept(store: Store, make: Maker, random: Random, tmp_path: Path) -> None:
    blobs, key = Blobs(tmp_path), DataKey(bytes(32))
    attached, orphan, young = (new_id(random) for _ in range(3))
    make(t.upload, id=attached)
    for name in (attached, orphan, young):
        blobs.put(name, CONTENT, key)
    half = tmp_path / "blobs" / orphan[:2] / f"{orphan}.part"  # left by a crash
    half.write_bytes(b"half")
    long_ago = time.time() - 7200
    for path in files(tmp_path):
        if path.name != young:
            os.utime(path, (long_ago, long_ago))
    assert store.run(blobs.sweep(store.database, datetime.now(UTC) - timedelta(hours=1))) == 2
    assert [path.name for path in files(tmp_path)] == sorted([attached, young])


@pytest.mark.parametrize(
    ("total", "free", "taken"),
    [
        (100 << 30, (1 << 30) + 20_000, True),
        (100 << 30, 1 << 30, False),
        (1000 << 20, (100 << 20) + 20_000, True),
        (1000 << 20, 100 << 20, False),
        (100 << 30, 0, False),
    ],
    ids=["a gibibyte left", "less", "a tenth left", "less than that", "nothing"],
)
def test_files_leave_room_for_what_residents_write(
    blobs: Blobs, key: DataKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, free: int, taken: bool
) -> None:
    disk = os.statvfs(tmp_path)
    told = [1, 1, total, free, free, *disk[5:]]
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(told))
    if taken:
        assert blobs.put("ab" * 16, CONTENT, key)
        return
    with pytest.raises(OSError, match="the rest of the disk"):
        blobs.put("ab" * 16, CONTENT, key)
    assert files(tmp_path) == []


def test_a_write_that_breaks_off_leaves_nothing(blobs: Blobs, key: DataKey, tmp_path: Path) -> None:
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, was[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            blobs.put("ab" * 16, CONTENT, key)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)
    assert files(tmp_path) == []
    assert blobs.put("ab" * 16, CONTENT, key), "and all is well again"


def test_what_got_no_row_is_removed_at_once(blobs: Blobs, key: DataKey, tmp_path: Path) -> None:
    blobs.put("ab" * 16, CONTENT, key)
    (tmp_path / "blobs" / "ab" / ("ab" * 16 + ".part")).write_bytes(b"half")
    blobs.discard("ab" * 16)
    blobs.discard("cd" * 16)
    assert files(tmp_path) == []


def test_nothing_to_sweep_is_fine(store: Store, blobs: Any) -> None:
    assert store.run(blobs.sweep(store.database, datetime.now(UTC))) == 0
