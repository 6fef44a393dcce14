"""A procedure changes while somebody fills in its form: it is finished as it was begun, or moved and checked anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from procedures.declaration import Declaration
from server.catalogue import publish
from server.services import Services
from server.settings import Settings
from tests.conftest import Clock
from tests.journeys.conftest import running
from tests.journeys.filing import library, sign_in
from tests.journeys.pages import Page, Resident
from tests.journeys.test_turns import base, count, on
from tests.security.declarations import FEE
from tests.security.declarations import declared as procedure

NOTE = {"type": "string", "title": "用件", "maxLength": 50}
STORY = {"type": "string", "title": "事情", "maxLength": 50}
GONE = {"timing": "submit", "items": [{"code": "nobody-knows-this-code"}], "waivers": []}


def version(properties: dict[str, Any], **changes: Any) -> Declaration:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    steps = [{"title": str(schema["title"]), "fields": [f"/{name}"]} for name, schema in properties.items()]
    given = {"schema": schema, "ui": {"steps": steps}, "attachments": []}
    return procedure("tegami", **given | changes)


class World:
    """The site with one procedure, of which a newer version can be served at any time."""

    def __init__(self, client: TestClient) -> None:
        self.resident = Resident(client)
        self._portal = client.portal
        self._of: Services = client.app.state.services  # type: ignore[attr-defined]

    def serve(self, newer: Declaration) -> None:
        async def change() -> None:
            await self._of.database.transact(lambda db: publish(db, [newer], now=self._of.clock(), actor="test"))
            await self._of.catalogue.refresh()

        assert self._portal is not None
        self._portal.call(change)

    def checked(self) -> Page:
        """A draft at its check page: 用件 and 事情 are answered."""
        page = on(self.resident, self.resident.open("/procedures/tegami/apply"), {"note": ["住所の変更"]})
        page = on(self.resident, page, {"story": ["引っ越したため"]})
        assert page.path.endswith("/check")
        return page


@pytest.fixture
def world(settings: Settings, clock: Clock) -> Iterator[Callable[[Declaration], World]]:
    with ExitStack() as stack:

        def opened(first: Declaration) -> World:
            one = replace(library(), declarations={first.slug: first})
            return World(stack.enter_context(running(settings, one, clock)))

        yield opened


OLD = version({"note": NOTE, "story": STORY})
MORE = version({"note": NOTE, "story": STORY, "since": {"type": "string", "title": "いつから", "maxLength": 20}})


def test_what_was_begun_is_finished_under_the_version_it_was_begun_with(
    world: Callable[[Declaration], World], settings: Settings
) -> None:
    here = world(OLD)
    check = here.checked()
    here.serve(MORE)
    check = here.resident.open(check.url)
    assert "この手続きの様式が新しくなりました" in check.text
    receipt = here.resident.press(check, check.form(action="/submit"))
    assert receipt.path.endswith("/receipt")
    assert count(settings, "application") == 1


def test_moved_to_the_newer_version_it_keeps_its_answers_and_asks_for_the_rest(
    world: Callable[[Declaration], World],
) -> None:
    here = world(OLD)
    check = here.checked()
    here.serve(MORE)
    check = here.resident.open(check.url)
    moved = here.resident.press(check, check.form(action="/renew"))
    assert moved.path.endswith("/check")
    assert "住所の変更" in moved.text and "引っ越したため" in moved.text
    assert "いつからを入力してください" in moved.text
    done = on(here.resident, here.resident.open(f"{base(moved)}/3"), {"since": ["4月から"]})
    assert here.resident.press(done, done.form(action="/submit")).path.endswith("/receipt")


def test_what_the_newer_version_has_no_place_for_is_shown_before_one_goes_on(
    world: Callable[[Declaration], World],
) -> None:
    here = world(OLD)
    check = here.checked()
    here.serve(version({"note": NOTE, "story": {"type": "integer", "title": "人数"}}))
    check = here.resident.open(check.url)
    moved = here.resident.press(check, check.form(action="/renew"))
    assert "引っ越したため" in moved.text and "住所の変更" not in moved.text
    assert "人数を入力してください" in here.resident.open(moved.link("/check")).text


def test_a_version_whose_fee_is_gone_can_only_be_moved(world: Callable[[Declaration], World]) -> None:
    here = world(version({"note": NOTE, "story": STORY}, fee=GONE))
    page = on(here.resident, here.resident.open("/procedures/tegami/apply"), {"note": ["住所の変更"]})
    here.serve(version({"note": NOTE, "story": STORY}, fee=FEE))
    stale = on(here.resident, page, {"story": ["引っ越したため"]})
    assert "前の様式では送れません" in stale.text
    assert all(not form.action.endswith("/submit") for form in stale.forms)
    assert _posted(here, f"{base(stale)}/submit", "3-300")[0] == 409
    moved = here.resident.press(stale, stale.form(action="/renew"))
    assert here.resident.press(moved, moved.form(action="/submit")).path.endswith("/receipt")


def test_an_old_version_cannot_lower_what_is_asked_of_who_files(world: Callable[[Declaration], World]) -> None:
    here = world(OLD)
    check = here.checked()
    here.serve(version({"note": NOTE, "story": STORY}, assurance="oidc-basic"))
    check = here.resident.open(check.url)
    assert "本人確認をします" in check.text
    refused = Page(*_posted(here, f"{base(check)}/submit", "3-0"))
    assert refused.path == "/signin"
    sign_in(here.resident, "hanako-oidc")
    ready = here.resident.open(check.url)
    assert here.resident.press(ready, ready.form(action="/submit")).path.endswith("/receipt")


def test_a_draft_of_what_went_to_another_site_says_where_it_is_filed_now(world: Callable[[Declaration], World]) -> None:
    here = world(OLD)
    check = here.checked()
    handover = {"to": "県のサイト", "url": "https://pref.example.jp/tegami", "for": ["online"]}
    here.serve(version({"note": NOTE, "story": STORY}, handover=handover))
    check = here.resident.open(check.url)
    assert "県のサイト(https://pref.example.jp/tegami)で受け付けるようになりました" in check.text
    refused = Page(*_posted(here, f"{base(check)}/submit", "3-0"))
    assert refused.status == 409
    assert "県のサイト(https://pref.example.jp/tegami)で受け付けるようになりました" in refused.text


def _posted(here: World, url: str, rev: str) -> tuple[int, str, str]:
    answer = here.resident.client.post(url, data={"_rev": rev})
    return answer.status_code, str(answer.url), answer.text


def test_a_draft_at_the_served_version_is_left_as_it_is(world: Callable[[Declaration], World]) -> None:
    here = world(OLD)
    check = here.checked()
    again = Page(*_posted(here, f"{base(check)}/renew", ""))
    assert again.path == check.path and "新しくなりました" not in again.text
