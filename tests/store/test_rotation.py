"""A master key is changed without losing anything, and what is damaged is named."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from nacl.public import PrivateKey
from sqlalchemy import select, update

from server.store import rotation
from server.store import tables as t
from server.store.blobs import Blobs
from server.store.keys import Keys, master_of
from server.store.rotation import Report
from tests.conftest import Maker, Random, Store

PAIR = PrivateKey.generate()
OLD, NEW = bytes(32), bytes(range(32))
SEALED = [table for table in t.metadata.sorted_tables if "wrapped_key" in table.c]


def with_masters(**masters: bytes) -> Keys:
    pair = {"my_number_public": bytes(PAIR.public_key), "my_number_private": bytes(PAIR)}
    return Keys(masters, secret_key="s" * 32, index_key="i" * 32, **pair)


@pytest.fixture
def keys() -> Keys:
    """What the maker seals with."""
    return with_masters(old=OLD)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


@pytest.fixture
def rows(make: Maker, keys: Keys, blobs: Blobs) -> dict[str, str]:
    """One row of every sealed table, a file, and a number: id by table."""
    made = {table.name: make(table)["id"] for table in SEALED if table is not t.upload}
    return made | {"upload": upload(make, keys, blobs), "mynumber": number(make, keys)}


def upload(make: Maker, keys: Keys, blobs: Blobs) -> str:
    row_id = base64.b16encode(b"an upload's id..").decode().lower()
    key, wrapped = keys.new_data_key(row_id)
    digest, name = blobs.put(row_id, b"%PDF", key), key.seal(b"letter.pdf", "upload.sealed_name")
    make(t.upload, id=row_id, wrapped_key=wrapped, sealed_name=name, sha256=digest)
    return row_id


def number(make: Maker, keys: Keys) -> str:
    row_id: str = make(t.mynumber, sealed=keys.seal_my_number("123456789018"))["id"]
    return row_id


def rotate(store: Store, keys: Keys) -> Report:
    return store.run(rotation.rotate(store.database, keys, lambda _line: None))


def verify(store: Store, keys: Keys, blobs: Blobs) -> Report:
    return store.run(rotation.verify(store.database, keys, blobs, lambda _line: None))


def masters(store: Store) -> set[str]:
    return {
        master_of(row.wrapped_key)
        for table in SEALED
        for row in store.read(lambda db, table=table: db.all(select(table.c.wrapped_key)))  # type: ignore[misc]
    }


def test_after_a_rotation_everything_opens_without_the_old_key(
    store: Store, rows: dict[str, str], blobs: Blobs
) -> None:
    report = rotate(store, with_masters(new=NEW, old=OLD))
    assert report.rewrapped >= len(SEALED)
    assert report.broken == []
    assert masters(store) == {"new"}
    verified = verify(store, with_masters(new=NEW), blobs)
    assert verified.broken == []
    assert verified.masters == {"new": report.rewrapped}
    assert verified.opened["blobs"] == verified.opened["mynumber.sealed"] == 1
    sealed = {str(column) for table in SEALED for column in table.c if column.name.startswith("sealed_")}
    assert sealed <= set(verified.opened)


def test_a_second_rotation_finds_nothing_to_do(store: Store, rows: dict[str, str]) -> None:
    both = with_masters(new=NEW, old=OLD)
    assert rotate(store, both).rewrapped > 0
    assert rotate(store, both).rewrapped == 0


def test_a_stopped_rotation_goes_on_where_it_stopped(
    store: Store, make: Maker, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    for _ in range(5):
        make(t.outbox)
    both = with_masters(new=NEW, old=OLD)

    def stop(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.run(rotation.rotate(store.database, both, stop))
    assert verify(store, both, blobs).masters == {"new": 2, "old": 3}
    assert rotate(store, both).rewrapped == 3
    assert verify(store, with_masters(new=NEW), blobs).masters == {"new": 5}


@pytest.mark.parametrize("table", SEALED, ids=str)
def test_a_flipped_byte_is_named_by_table_and_id(
    store: Store, rows: dict[str, str], keys: Keys, blobs: Blobs, table: Any
) -> None:
    for name in [column.name for column in table.c if column.name.startswith(("sealed_", "wrapped_"))]:
        original = change(store, table, rows[table.name], name)
        (broken,) = verify(store, keys, blobs).broken
        assert broken.startswith(f"{table.name} {rows[table.name]}: ")
        change(store, table, rows[table.name], name, original)
    assert verify(store, keys, blobs).broken == []


def change(store: Store, table: Any, row_id: str, name: str, content: bytes | None = None) -> bytes:
    """Writes `content`, or flips the last byte; answers what was there."""
    here = table.c.id == row_id
    was: bytes = store.read(lambda db: db.scalar(select(table.c[name]).where(here)))
    now = content or was[:-1] + bytes([was[-1] ^ 1])
    store.transact(lambda db: db.execute(update(table).where(here).values({name: now})))
    return was


def test_a_damaged_file_or_number_is_named(
    store: Store, rows: dict[str, str], keys: Keys, blobs: Blobs, tmp_path: Path
) -> None:
    change(store, t.mynumber, rows["mynumber"], "sealed")
    (tmp_path / "blobs" / rows["upload"][:2] / rows["upload"]).unlink()
    assert verify(store, keys, blobs).broken == [
        f"upload {rows['upload']}: the file is missing",
        f"mynumber {rows['mynumber']}: a sealed number does not open",
    ]


def test_a_key_that_does_not_open_is_named_and_does_not_stop_the_rotation(
    store: Store, rows: dict[str, str], random: Random
) -> None:
    change(store, t.draft, rows["draft"], "wrapped_key")
    report = rotate(store, with_masters(new=NEW, old=OLD))
    assert report.broken == [f"draft {rows['draft']}: the data key does not open"]
    assert masters(store) == {"new", "old"}


def test_a_row_wrapped_by_a_key_that_was_taken_away_is_named(store: Store, rows: dict[str, str], blobs: Blobs) -> None:
    broken = verify(store, with_masters(new=NEW), blobs).broken
    assert f"draft {rows['draft']}: wrapped by master key 'old', which the settings do not have" in broken
