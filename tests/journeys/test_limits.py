"""Limits of rates on the way to an application: they are told, and nothing typed is lost to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from server.applications import submission
from server.people.limits import Limit
from server.settings import Settings
from server.web.residents import drafts
from tests.conftest import Clock
from tests.journeys.filing import case_of, filled, ready
from tests.journeys.pages import Resident
from tests.journeys.test_turns import DOG, JUMINHYO, count, on, step
from tests.meanwhile import before_judging

FEW = 2


@pytest.fixture
def resident(site: TestClient) -> Resident:
    return Resident(site)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that are reached soon; what counts, and where, stays as it is."""
    for module, name in ((drafts, "BY_BROWSER"), (submission, "BY_ACCOUNT")):
        there: Limit = getattr(module, name)
        monkeypatch.setattr(module, name, Limit(there.what, FEW, there.period))


@pytest.mark.usefixtures("few")
def test_a_form_begun_too_often_comes_back_with_what_was_typed(
    resident: Resident, settings: Settings, clock: Clock
) -> None:
    first = resident.open(f"/procedures/{DOG}/apply")
    for name in ("ポチ", "タマ", "シロ"):
        told = on(resident, first, {"dogs.0.name": [name]}, do="save")
    assert told.status == 429
    assert "分ほど待ってから" in told.text
    assert next(c.value for c in step(told).controls if c.name == "dogs.0.name") == "シロ"
    assert count(settings, "draft") == FEW
    clock.now += timedelta(hours=1)
    assert on(resident, told, do="save").status == 200
    assert count(settings, "draft") == FEW + 1


@pytest.mark.usefixtures("few")
def test_a_submission_too_many_waits_and_is_kept(
    resident: Resident, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.now += timedelta(minutes=30)  # a limit begins anew with each hour
    case = case_of(DOG)
    pages = [ready(resident, filled(resident, DOG, case["answers"]), "email") for _ in range(FEW)]
    monkeypatch.setattr(drafts, "BY_BROWSER", Limit("draft.browser", FEW + 1, timedelta(hours=1)))
    pages.append(ready(resident, filled(resident, DOG, case["answers"]), "email"))
    sent = [resident.press(page, page.form(action="/submit")) for page in pages]
    assert [page.status for page in sent] == [200, 200, 429]
    assert "まだ送られていません" in sent[2].text
    assert count(settings, "application") == FEW
    clock.now += timedelta(minutes=31)
    assert resident.press(sent[2], sent[2].form(action="/submit")).path.endswith("/receipt")


@pytest.mark.usefixtures("few")
def test_whoever_presses_twice_at_the_limit_has_the_receipt(
    resident: Resident, another: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_of(DOG)
    pages = [ready(resident, filled(resident, DOG, case["answers"]), "email") for _ in range(FEW)]
    resident.press(pages[0], pages[0].form(action="/submit"))
    waiting, other = pages[1], Resident(another())
    other.client.cookies.update(resident.client.cookies)
    first = before_judging(monkeypatch, lambda: other.press(waiting, waiting.form(action="/submit")))
    told = resident.press(waiting, waiting.form(action="/submit"))
    assert told.path.endswith("/receipt") and [each.path for each in first] == [told.path]


def test_the_limits_count_at_their_place_in_the_store(
    resident: Resident, another: Callable[[], TestClient], settings: Settings
) -> None:
    on(resident, resident.open(f"/procedures/{JUMINHYO}/apply"), {"acting": ["self"]})
    on(other := Resident(another()), other.open(f"/procedures/{JUMINHYO}/apply"), {"acting": ["self"]})
    assert count(settings, "attempt WHERE tries = 2") == 1, "two browsers at one address"
    assert count(settings, "attempt WHERE tries = 1") >= 2, "each browser by itself"
