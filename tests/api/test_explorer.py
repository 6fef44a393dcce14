"""The page on which the API is tried: in the sandbox, and under the site's own rule for scripts."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

from server.api.registered import identifier, read_queries
from server.web.machines import EXAMPLES
from tests.api.conftest import Program
from tests.api.test_transport import production

__all__ = ["production"]


def test_the_sandbox_has_a_page_to_try_the_api_on(api: Program) -> None:
    response = api.http.get("/graphql/explorer")
    text = unescape(response.text)
    assert response.status_code == 200
    for query in read_queries().values():
        assert query in text
        assert identifier(query) in text
    assert "startSignature" in text


def test_its_examples_can_be_carried_out(api: Program) -> None:
    text = api.http.get("/graphql/explorer").text
    queries = [unescape(each) for each in re.findall(r'data-query="([^"]*)"', text)]
    assert len(queries) == len(read_queries()) + len(read_queries(EXAMPLES))
    for query in queries:
        assert "GRAPHQL_" not in api.post(query).text


def test_nothing_on_it_is_inline_or_from_elsewhere(api: Program) -> None:
    response = api.http.get("/graphql/explorer")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not re.search(r"<style|<script(?![^>]*src=)| style=| on[a-z]+=", response.text)
    sources = re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', response.text)
    assert any("explorer" in each for each in sources)
    for source in sources:
        assert api.http.get(source).status_code == 200


def test_without_script_it_says_what_to_do_instead(api: Program) -> None:
    text = api.http.get("/graphql/explorer").text
    assert "curl" in text[text.index("<noscript>") : text.index("</noscript>")]


def test_production_has_no_such_page_unless_its_operator_wants_it(production: Program) -> None:
    assert production.http.get("/graphql/explorer").status_code == 404
    allow(production)
    assert production.http.get("/graphql/explorer").status_code == 200


def allow(production: Program) -> None:
    settings = replace(production.of.settings, explorer=True)
    production.app.state.services = replace(production.of, settings=settings)


def test_in_production_it_sends_no_cookie_and_offers_nothing_that_files(production: Program, api: Program) -> None:
    allow(production)
    text = production.http.get("/graphql/explorer").text
    assert 'data-credentials="omit"' in text
    assert "mutation" not in "".join(re.findall(r'data-query="([^"]*)"', text))
    assert "ほんとうの申請になります" in text
    sandbox = api.http.get("/graphql/explorer").text
    assert 'data-credentials="same-origin"' in sandbox
    assert "ほんとうの申請になります" not in sandbox


def test_where_it_is_allowed_the_schema_may_be_asked_for_too(production: Program) -> None:
    query = "{ __schema { queryType { name } } }"
    allow(production)
    assert production(query) == {"__schema": {"queryType": {"name": "Query"}}}
