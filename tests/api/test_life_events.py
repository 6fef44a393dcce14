"""Life events over GraphQL: the same interviews as the pages', and the same lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from procedures.library import ROOT, Reader, read_shared
from tests.api.conftest import Program
from tests.conftest import Clock, sandbox
from tests.web.site import running

EVENTS = read_shared(ROOT, Reader()).life_events
ALONE = {"from": "japan", "children": False, "insurance": "nhi", "care": False, "disability": False}
RECOMMENDED = """query($event: String!, $answers: JSON!) {
  found: recommendations(lifeEvent: $event, answers: $answers) {
  __typename
  ... on Recommendations { path advice { title place why due late by bring online procedure { slug fee { timing } } } }
  ... on Rejected { errors { pointer code message } } } }"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, stocked_file: Any) -> Iterator[Program]:
    """A program at the whole catalogue, on 20 November 2026."""
    folder = tmp_path_factory.mktemp("events")
    (folder / "kakanai.db").write_bytes(stocked_file.read_bytes())
    with running(sandbox(folder, f"sqlite:///{folder / 'kakanai.db'}"), Clock()) as client:
        app = client.app
        assert isinstance(client, TestClient)
        yield Program(app, client)  # type: ignore[arg-type]


def asked(city: Program, answers: object, event: str = "move-in") -> dict[str, Any]:
    found: dict[str, Any] = city(RECOMMENDED, {"event": event, "answers": answers})["found"]
    return found


def test_every_life_event_comes_with_its_questions_where_it_has_any(city: Program) -> None:
    found = city("{ lifeEvents { code title count interview { schema ui } } }")["lifeEvents"]
    assert [each["code"] for each in found] == list(EVENTS)
    for each in found:
        told = EVENTS[each["code"]].interview
        assert each["interview"] == ({"schema": told.schema, "ui": told.ui} if told else None)
    one = city('{ lifeEvent(code: "birth") { title interview { schema } } party: lifeEvent(code: "party") { title } }')
    assert one["lifeEvent"]["interview"]["schema"]["required"]
    assert one["party"] is None


def test_answers_bring_the_same_list_as_the_page(city: Program) -> None:
    found = asked(city, {"moved_on": "2026-12-01", **ALONE, "things": ["dog"]})
    assert [(each["procedure"]["slug"], each["due"]) for each in found["advice"]] == [
        ("tennyu-yoyaku", "2026-12-15"),
        ("kokuho-shutoku", "2026-12-15"),
        ("inu-henko", "2027-01-04"),
    ]
    assert all(each["why"] and each["by"] and each["online"] and not each["late"] for each in found["advice"])
    page = city.http.get(found["path"])
    assert page.status_code == 200
    assert all(each["why"] in page.text for each in found["advice"])


def test_what_is_late_or_filed_elsewhere_says_so(city: Program) -> None:
    found = asked(city, {"moved_on": "2026-10-01", **ALONE})
    assert [each["late"] for each in found["advice"]] == [True, True]
    answers = {"form": "person", "started_on": "2026-11-20", "premises": False}
    (office,) = asked(city, answers, "business")["advice"]
    assert (office["procedure"], office["online"], office["place"]) == (None, False, "税務署(e-Tax)")


@pytest.mark.parametrize(
    ("answers", "errors"),
    [
        ({**ALONE}, {"/moved_on": "required"}),
        ({**ALONE, "moved_on": "2026-13-01"}, {"/moved_on": "format"}),
        ({**ALONE, "moved_on": "2036-12-01"}, {"/moved_on": "dateMax"}),
        ({**ALONE, "moved_on": "2026-12-01", "from": "mars"}, {"/from": "enum"}),
        ({**ALONE, "moved_on": "2026-12-01", "children": True}, {"/ages": "required", "/one_parent": "required"}),
        ({**ALONE, "moved_on": "2026-12-01", "name": "山田"}, {"/name": "UNKNOWN_FIELD"}),
        (["no", "object"], {"": "type"}),
        (None, {"": "type"}),
    ],
)
def test_answers_that_cannot_stand_are_refused_with_their_place(city: Program, answers: Any, errors: Any) -> None:
    found = asked(city, answers) if answers is not None else asked(city, "null")
    assert found["__typename"] == "Rejected"
    assert {each["pointer"]: each["code"] for each in found["errors"]} == errors
    assert all(each["message"] for each in found["errors"])


@pytest.mark.parametrize("event", ["party", "pregnancy", ""])
def test_a_life_event_without_questions_is_refused(city: Program, event: str) -> None:
    (error,) = asked(city, {}, event)["errors"]
    assert (error["pointer"], error["code"]) == ("", "UNKNOWN_LIFE_EVENT")


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
NAMES = sorted(
    {field.name for each in EVENTS.values() if each.interview for field in each.interview.form.fields.values()}
)
ANSWERS = st.dictionaries(
    st.sampled_from(NAMES), JSONS | st.sampled_from([True, False, "nhi", "2026-11-01"]), max_size=10
)


@given(event=st.sampled_from(["death", "divorce", "business"]), answers=ANSWERS | JSONS)
@settings(max_examples=60, deadline=None)
def test_any_answers_are_answered_or_refused(city: Program, event: str, answers: Any) -> None:
    body = city.post(RECOMMENDED, {"event": event, "answers": answers}).json()
    refused = [error["extensions"]["code"] for error in body.get("errors", ())]
    assert set(refused) <= {"BAD_USER_INPUT"}, body
    assert refused or body["data"]["found"]["__typename"] in {"Recommendations", "Rejected"}
