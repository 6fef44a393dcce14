"""The whole site with procedures of these tests' own, and a program that calls it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from httpx2 import Response
from starlette.applications import Starlette

from procedures.declaration import Declaration
from server.app import create_app
from server.catalogue import publish
from server.people import sessions
from server.people.identity import sandbox_identity
from server.services import Services
from server.settings import Settings
from server.store.database import Writing
from tests.api.declarations import sample
from tests.conftest import Clock, Random
from tests.door import Door
from tests.files.papers import PDF as PDF
from tests.files.pictures import PNG as PNG

SUBMIT = """mutation Submit($input: SubmitApplicationInput!) {
  submitApplication(input: $input) {
    __typename
    ... on Application {
      receiptNumber accessCode state feeTotal payment { state checkoutUrl amount } leftOut { pointer title }
    }
    ... on Rejected { errors { pointer code message } }
  }
}"""
STATUS = """query Status($receiptNumber: String!, $accessCode: String!) {
  application(receiptNumber: $receiptNumber, accessCode: $accessCode) {
    state submittedAt accessCode procedure { slug title version } payment { state } history { at state }
  }
}"""
SIGN = """mutation Sign($input: StartSignatureInput!) {
  startSignature(input: $input) {
    __typename ... on Signature { id url } ... on Rejected { errors { pointer code message } }
  }
}"""


class Program:
    """A client of the API: it posts JSON, and keeps the cookie it is given."""

    def __init__(self, app: Starlette, http: Door) -> None:
        self.app, self.http = app, http
        self.of: Services = app.state.services

    def post(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> Response:
        return self.http.post("/graphql", json={"query": query, "variables": variables, **more})

    def __call__(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The data of a call without errors."""
        response = self.post(query, variables, **more)
        body: dict[str, Any] = response.json()
        assert response.status_code == 200, body
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    def errors(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> list[dict[str, Any]]:
        """The errors of a call that has them."""
        body = self.post(query, variables, **more).json()
        found: list[dict[str, Any]] = body["errors"]
        return found

    def code(self, query: str, variables: Mapping[str, Any] | None = None) -> str:
        """The code of the only error."""
        (error,) = self.errors(query, variables)
        return str(error["extensions"]["code"])

    def submit(self, slug: str, answers: Any, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self(SUBMIT, {"input": {"slug": slug, "answers": answers, **more}})["submitApplication"]
        return made

    def refused(self, slug: str, answers: Any, **more: Any) -> dict[str, str]:
        """Pointer to code of everything that stands against a filing."""
        made = self.submit(slug, answers, **more)
        assert made["__typename"] == "Rejected", made
        assert all(any("ぁ" <= letter <= "ヿ" for letter in error["message"]) for error in made["errors"])
        return {error["pointer"]: error["code"] for error in made["errors"]}

    def upload(self, content: bytes = PDF, content_type: str = "application/pdf", **headers: str) -> str:
        response = self.http.post("/uploads", content=content, headers={"content-type": content_type, **headers})
        assert response.status_code == 200, response.text
        return str(response.json()["upload"])

    def run(self, work: Callable[[Writing], Any]) -> Any:
        """Something done to the store from outside."""
        assert self.http.portal is not None
        return self.http.portal.call(lambda: self.of.database.transact(work))

    def publish(self, declarations: Sequence[Declaration]) -> None:
        self.run(lambda db: publish(db, declarations, now=self.of.clock(), actor="test"))
        assert self.http.portal is not None
        self.http.portal.call(self.of.catalogue.refresh)

    def sign_in(self, subject: str) -> None:
        """As one of the sandbox's residents."""
        people = [each for adapter in sandbox_identity().values() for each in adapter.residents.values()]
        (facts,) = [each.facts for each in people if each.facts.subject == subject]
        of = self.of

        def work(db: Writing) -> str:
            return sessions.sign_in(db, of.keys, None, facts, now=of.clock(), random=of.random)

        self.http.cookies.set("kakanai", self.run(work))

    def open_session(self) -> None:
        """Of nobody in particular."""
        of = self.of
        token, _ = self.run(lambda db: sessions.open_session(db, now=of.clock(), random=of.random))
        self.http.cookies.set("kakanai", token)

    def other(self) -> Program:
        """Another client of the same site."""
        return Program(self.app, self.http.beside())


Site = Callable[[Settings], Program]


@pytest.fixture
def open_site(clock: Clock) -> Iterator[Site]:
    """Opens the site over a migrated database."""
    with ExitStack() as stack:

        def opened(settings: Settings) -> Program:
            lines: list[str] = []
            app = create_app(settings, clock=clock, random=Random(), log_to=lines.append)
            app.state.lines = lines
            program = Program(app, stack.enter_context(Door(app)))
            program.publish(sample())
            return program

        yield opened


@pytest.fixture
def api(open_site: Site, settings: Settings) -> Program:
    """On SQLite."""
    return open_site(settings)


@pytest.fixture
def store_api(open_site: Site, store_settings: Settings) -> Program:
    """On SQLite, and on PostgreSQL."""
    return open_site(store_settings)


def logged(program: Program) -> list[dict[str, Any]]:
    """Every line of the log so far."""
    return [json.loads(line) for text in program.app.state.lines for line in text.splitlines()]
