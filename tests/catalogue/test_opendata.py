"""What the city gives away: tables that spreadsheets, programs and portals read, and that tell nothing of anybody."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from server.catalogue.opendata import Dataset
from server.catalogue.usage import LEAST, Use, usage
from server.settings import Settings
from server.store import tables as t
from tests.conftest import Clock, Maker, Store
from tests.web.site import links, running

FILES = [f"{name}.{kind}" for name in ("procedures", "fees", "usage", "datasets") for kind in ("csv", "json")]
MAY, JUNE = datetime(2026, 5, 31, 14, 59, tzinfo=UTC), datetime(2026, 5, 31, 15, 0, tzinfo=UTC)
"""A minute before and at midnight in Japan."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated_file: Any) -> Iterator[TestClient]:
    from tests.conftest import sandbox

    folder = tmp_path_factory.mktemp("opendata")
    (folder / "kakanai.db").write_bytes(migrated_file.read_bytes())
    settings: Settings = sandbox(folder, f"sqlite:///{folder / 'kakanai.db'}")
    with running(settings, Clock()) as client:
        yield client


def table(site: TestClient, name: str) -> list[dict[str, str]]:
    answer = site.get(f"/opendata/{name}.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in answer.content
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_csv_and_json_say_the_same(site: TestClient) -> None:
    for name in ("procedures", "fees", "datasets"):
        rows = site.get(f"/opendata/{name}.json").json()["rows"]
        told = [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]
        assert told == table(site, name) != []


def test_every_procedure_is_there_with_its_facts(site: TestClient) -> None:
    of = site.app.state.services  # type: ignore[attr-defined]
    rows = {row["ID"]: row for row in table(site, "procedures")}
    assert list(rows) == sorted(each.declaration.id for each in of.catalogue.all())
    juminhyo = rows["P101"]
    assert juminhyo["名称"] == "住民票の写しの請求" or juminhyo["正式名称"] == "住民票の写しの交付請求"
    assert juminhyo["全国地方公共団体コード"] == of.city.code
    assert "300円/通" in juminhyo["手数料"]
    assert juminhyo["受付方法"].split(";")[0] == "オンライン"
    assert juminhyo["URL"].endswith("/procedures/juminhyo-utsushi")
    assert juminhyo["更新日"] == "2026-11-20"


def test_fees_say_which_procedures_ask_them_and_when(site: TestClient) -> None:
    letters = [row for row in table(site, "fees") if row["ID"] == "post-letter"]
    assert [row["適用開始日"] for row in letters] == sorted(row["適用開始日"] for row in letters)
    assert all("P101" in row["手続のID"].split(";") for row in letters)


def test_the_list_of_data_names_every_file_and_the_page_leads_to_each(site: TestClient) -> None:
    named = {row["ファイル_ダウンロードURL"].rpartition("/")[2] for row in table(site, "datasets")}
    assert named | {"datasets.csv", "datasets.json"} == set(FILES)
    assert {f"/opendata/{name}" for name in (*FILES, "catalog.jsonld")} <= links(site.get("/opendata").text)
    for name in (*FILES, "catalog.jsonld"):
        assert site.get(f"/opendata/{name}").status_code == 200


def test_portals_read_the_catalogue(site: TestClient) -> None:
    answer = site.get("/opendata/catalog.jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    found = answer.json()
    assert found["@type"] == "dcat:Catalog"
    addresses = [
        file["dcat:downloadURL"]["@id"] for each in found["dcat:dataset"] for file in each["dcat:distribution"]
    ]
    assert {address.rpartition("/")[2] for address in addresses} == set(FILES)


def test_a_file_that_has_not_changed_is_not_sent_again(site: TestClient) -> None:
    for name in (*FILES, "catalog.jsonld"):
        first = site.get(f"/opendata/{name}")
        again = site.get(f"/opendata/{name}", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert site.get(f"/opendata/{name}").content == first.content


def test_what_is_no_file_is_not_there(site: TestClient) -> None:
    for name in ("nothing.csv", "procedures", "procedures.xml", "..%2Fcity.json"):
        assert site.get(f"/opendata/{name}").status_code == 404


def test_a_cell_is_never_calculated() -> None:
    rows = (("=1+1", 3), ("普通", None), ("-5", -5))
    data = Dataset("x", "x", "x", (), "随時", date(2026, 11, 20), ("a", "b"), rows)
    assert data.csv().decode("utf-8-sig").splitlines() == ["a,b", "'=1+1,3", "普通,", "'-5,-5"]
    assert json.loads(data.json())["rows"][0] == {"a": "=1+1", "b": 3}


def test_counts_are_of_whole_months_in_japan_and_small_ones_are_not_told(
    store: Store, make: Maker, clock: Clock
) -> None:
    make(t.declaration, digest="d" * 64, slug="inu-toroku")
    for number, (at, channel) in enumerate([(MAY, "online")] * LEAST + [(JUNE, "online")] * (LEAST - 1)):
        make(t.application, digest="d" * 64, slug="inu-toroku", submitted_at=at, channel=channel, id=f"a{number}")
    make(t.application, digest="d" * 64, slug="inu-toroku", submitted_at=clock.now, channel="counter", id="now")
    found = store.read(lambda db: usage(db, now=clock.now), long=True)
    assert list(found) == [Use("inu-toroku", "2026-05", "online", LEAST), Use("inu-toroku", "2026-06", "online", None)]
