"""The catalogue over GraphQL: counted by what narrows it, ordered, in other languages, and how it is used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from server.store import tables as t
from tests.api.conftest import Program
from tests.conftest import Clock, sandbox
from tests.web.site import running

EVERY = "{ procedures(first: 200%s) { totalCount edges { node { id slug title kana summary processingDays } } %s } }"
FACETS = """facets { categories { value title count } lifeEvents { value count } groups { value count } withFee
  departments { value count } channels { value title count } assurances { value title count }
  states { value count } }"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, stocked_file: Any) -> Iterator[Program]:
    """A program at the whole catalogue."""
    folder = tmp_path_factory.mktemp("catalogue")
    (folder / "kakanai.db").write_bytes(stocked_file.read_bytes())
    with running(sandbox(folder, f"sqlite:///{folder / 'kakanai.db'}"), Clock()) as client:
        app = client.app
        assert isinstance(client, TestClient)
        yield Program(app, client)  # type: ignore[arg-type]


def nodes(city: Program, more: str = "", beside: str = "totalCount") -> list[dict[str, Any]]:
    return [edge["node"] for edge in city(EVERY % (more, beside))["procedures"]["edges"]]


def test_what_is_counted_is_what_one_gets_by_narrowing(city: Program) -> None:
    found = city(EVERY % ("", FACETS))["procedures"]
    facets = found["facets"]
    assert sum(each["count"] for each in facets["categories"]) == found["totalCount"] == 200
    for name, values in (("category", "categories"), ("lifeEvent", "lifeEvents"), ("group", "groups")):
        for each in facets[values]:
            assert len(nodes(city, f', filter: {{{name}: "{each["value"]}"}}')) == each["count"], each
    assert len(nodes(city, ", filter: {hasFee: true}")) == facets["withFee"]
    assert {each["value"] for each in facets["channels"]} == {"online", "counter", "kiosk"}
    narrowed = city(EVERY % (', filter: {category: "tax"}', FACETS))["procedures"]["facets"]
    assert [each["value"] for each in narrowed["categories"]] == ["tax"]


def test_topics_are_there_with_their_numbers(city: Program) -> None:
    found = city("{ categories { code title kana count } lifeEvents { code title kana count } }")
    assert sum(each["count"] for each in found["categories"]) == 200
    for each in found["lifeEvents"]:
        assert len(nodes(city, f', filter: {{lifeEvent: "{each["code"]}"}}')) == each["count"]


@pytest.mark.parametrize(("order", "key"), [("ID", "id"), ("KANA", "kana"), ("PROCESSING_DAYS", "processingDays")])
def test_a_list_comes_in_the_order_one_asks_for_and_goes_on_where_it_ended(city: Program, order: str, key: str) -> None:
    whole = [each[key] for each in nodes(city, f", orderBy: {order}")]
    assert whole == sorted(whole)
    page_of = (
        "procedures(first: 70, after: $after, orderBy: %s) { pageInfo { hasNextPage endCursor } edges { node { id } } }"
    )
    query = f"query($after: String) {{ {page_of} }}"
    ids: list[str] = []
    after = None
    while True:
        page = city(query % order, {"after": after})["procedures"]
        ids += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert ids == [each["id"] for each in nodes(city, f", orderBy: {order}")]


@pytest.mark.parametrize("language", ["EN", "JA_EASY"])
def test_every_title_and_summary_is_there_in_another_language(city: Program, language: str) -> None:
    japanese = {each["slug"]: each for each in nodes(city)}
    query = "{ procedures(first: 200, language: %s) { edges { node { slug title officialTitle summary language } } } }"
    for edge in city(query % language)["procedures"]["edges"]:
        node = edge["node"]
        assert node["language"] == language, node["slug"]
        assert node["summary"] != japanese[node["slug"]]["summary"]
        assert node["title"]
        if language == "EN":
            assert re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)|’", "", node["title"]).isascii(), node["title"]
    one = city('{ procedure(slug: "inu-toroku", language: EN) { title language officialTitle } }')["procedure"]
    assert one["language"] == "EN"
    assert one["officialTitle"] != one["title"]


def test_where_a_filing_goes_elsewhere_is_told(city: Program) -> None:
    query = '{ procedure(slug: "%s") { handover { to url prepare } } }'
    assert city(query % "tenshutsu-todoke")["procedure"]["handover"]["to"] == "マイナポータル"
    assert city(query % "inu-toroku")["procedure"]["handover"] is None


def test_use_is_told_of_a_procedure_or_a_month_and_of_no_few(city: Program) -> None:
    of, at = city.of, datetime(2026, 9, 10, tzinfo=UTC)
    digest = of.catalogue.get("inu-toroku").digest  # type: ignore[union-attr]
    base = {"slug": "inu-toroku", "digest": digest, "procedure_type": "shinsei", "department": "環境対策課"}
    more = {"state": "submitted", "submitted_at": at, "fee_total": 0, "timing": "", "assurance": "none"}
    kept = {"retained_until": at, "wrapped_key": b"k", "sealed_answers": b"s"}
    rows = [
        {
            **base,
            **more,
            **kept,
            "id": f"u{i}",
            "receipt_number": f"{i:015}",
            "channel": "online" if i < 5 else "counter",
        }
        for i in range(7)
    ]
    assert city.http.portal is not None
    city.http.portal.call(lambda: of.database.transact(lambda db: db.insert(t.application, rows)))
    query = (
        "query($slug: String, $month: String) { statistics(slug: $slug, month: $month) { slug month channel count } }"
    )
    wanted = [
        {"slug": "inu-toroku", "month": "2026-09", "channel": "COUNTER", "count": None},
        {"slug": "inu-toroku", "month": "2026-09", "channel": "ONLINE", "count": 5},
    ]
    assert city(query, {"slug": "inu-toroku"})["statistics"] == wanted
    assert city(query, {"month": "2026-09"})["statistics"] == wanted
    assert city(query, {"month": "2026-08"})["statistics"] == []
    assert city.code(query, {}) == "BAD_USER_INPUT"
