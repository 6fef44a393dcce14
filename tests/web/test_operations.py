"""What those who watch over the service are told."""

from __future__ import annotations

import re

import jsonschema
from sqlalchemy import update
from starlette.testclient import TestClient

from procedures.library import ROOT
from procedures.reading import read_json
from server.settings import Settings
from server.store import tables as t
from tests import shipped
from tests.conftest import Clock
from tests.web.site import running


def test_a_service_that_can_work_says_so(site: TestClient) -> None:
    assert (site.get("/healthz").status_code, site.get("/healthz").json()) == (200, {"status": "ok"})
    assert (site.get("/readyz").status_code, site.get("/readyz").json()) == (200, {"status": "ready"})


def test_a_database_of_another_mode_makes_the_service_alive_but_not_ready(settings: Settings, clock: Clock) -> None:
    with running(settings, clock) as site:
        of = site.app.state.services  # type: ignore[attr-defined]  # the application that `running` made
        assert site.portal is not None

        async def spoil() -> None:
            other = update(t.meta).where(t.meta.c.key == "mode").values(value="production")
            await of.database.transact(lambda db: db.execute(other))

        site.portal.call(spoil)
        assert site.get("/healthz").status_code == 200
        ready = site.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"status": "unavailable"})


def test_requests_are_counted_by_the_template_of_their_address(site: TestClient) -> None:
    for number in ("123456789012345", "999999999999999"):
        site.get(f"/applications/{number}")
    site.get("/secret-address")
    text = site.get("/metrics").text
    assert re.search(
        r'kakanai_requests_total\{method="GET",route="/applications/\{number\}",status="404"\} 2\.0', text
    ), text
    assert 'kakanai_request_seconds_count{route="/applications/{number}"} 2.0' in text
    assert 'route="-"' in text
    assert "123456789012345" not in text
    assert "secret-address" not in text


def test_an_editor_that_asks_for_the_dialect_can_check_every_declaration_with_it(site: TestClient) -> None:
    answer = site.get("/schema/declaration.json")
    assert answer.headers["access-control-allow-origin"] == "*"
    schema = answer.json()
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    declarations = shipped.library().declarations.values()
    for each in declarations:
        path = ROOT / "declarations" / each.category / f"{each.slug}.json"
        assert list(judge.iter_errors(read_json(path.read_text("utf-8")))) == []
    assert list(judge.iter_errors({"$schema": "urn:kakanai:declaration:1"}))


def test_search_engines_are_kept_from_what_is_somebodys(site: TestClient) -> None:
    answer = site.get("/robots.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    closed = {line.removeprefix("Disallow: ") for line in answer.text.splitlines() if line.startswith("Disallow")}
    assert {"/drafts/", "/applications", "/payments/", "/my", "/resume"} <= closed
    assert not any("/procedures".startswith(each) for each in closed)
