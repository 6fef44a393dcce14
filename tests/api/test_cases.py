"""Every case that a declaration brings with it, filed by a program: two doors, one room."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from procedures.cases import Case, cases_of
from procedures.declaration import Assurance, Channel, Declaration
from server.app import create_app
from server.people import sessions
from server.people.facts import Facts
from server.store.database import Writing
from tests import shipped
from tests.api.conftest import SIGN, SUBMIT, Program
from tests.conftest import Clock, Random, clear_edges, forgetting, sandbox
from tests.door import Door

LIBRARY = shipped.library()
RESIDENTS = {Assurance.OIDC_BASIC: "hanako-oidc", Assurance.JPKI_SIGNATURE: "taro-jpki"}


def known_at(api: Program, level: Assurance) -> None:
    """Come anew, as somebody who is known so surely."""
    api.http.cookies.clear()
    if level in RESIDENTS:
        api.sign_in(RESIDENTS[level])
    elif level is Assurance.EMAIL:
        of, facts = api.of, Facts("email", "kazuko@example.jp", Assurance.EMAIL, email="kazuko@example.jp")

        def work(db: Writing) -> str:
            return sessions.sign_in(db, of.keys, None, facts, now=of.clock(), random=of.random)

        api.http.cookies.set("kakanai", api.run(work))


def refused_with(declaration: Declaration) -> str:
    """The code with which every filing of a procedure is refused that is not taken from home, or not here; else ''."""
    if Channel.ONLINE not in declaration.channels:
        return "CHANNEL_CLOSED"
    return "HANDED_OVER" if declaration.handed_over is not None else ""


def filed(api: Program, slug: str, case: Case) -> dict[str, object]:
    """The answer to a case, with its files, and signed where that is asked for."""
    files = [key for key, count in case.attachments.items() for _ in range(count)]
    attachments = [{"key": key, "upload": api.upload()} for key in files]
    sent = {"slug": slug, "answers": case.answers, "attachments": attachments}
    begun = api(SIGN, {"input": sent})["startSignature"] if case.level is Assurance.JPKI_SIGNATURE else {}
    if begun.get("__typename") == "Signature":
        asked = api.http.get(begun["url"], follow_redirects=False)
        done = api.http.post(asked.headers["location"], data={"action": "sign"}, follow_redirects=False)
        api.http.get(done.headers["location"], follow_redirects=False)
        sent["signature"] = begun["id"]
    answer: dict[str, object] = api(SUBMIT, {"input": sent})["submitApplication"]
    return answer


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, stocked_file: Path) -> Iterator[tuple[Program, Clock]]:
    """A program at the whole catalogue."""
    folder, clock = tmp_path_factory.mktemp("city"), Clock()
    shutil.copy(stocked_file, folder / "kakanai.db")
    app = create_app(sandbox(folder, f"sqlite:///{folder / 'kakanai.db'}"), clock=clock, random=Random(), log_to=str)
    with Door(app) as client:
        yield Program(app, client), clock


@pytest.fixture
def api(city: tuple[Program, Clock]) -> Iterator[Program]:
    """As if nobody had filed anything before."""
    program = city[0]
    deletes = program.run(forgetting)
    yield program
    program.run(lambda db: [db.execute(each) for each in deletes])
    clear_edges(program.of.settings.data_dir)


@pytest.fixture
def clock(city: tuple[Program, Clock]) -> Clock:
    city[1].now = Clock().now
    return city[1]


@pytest.mark.parametrize("slug", LIBRARY.declarations)
def test_a_case_ends_for_a_program_as_its_declaration_says(slug: str, api: Program, clock: Clock) -> None:
    declaration = LIBRARY.declarations[slug]
    begun, refused = clock.now, refused_with(declaration)
    for case in cases_of(declaration):
        if case.channel is not Channel.ONLINE and not refused:
            continue  # one of the counter's
        day = case.today
        clock.now = datetime(day.year, day.month, day.day, 1, tzinfo=UTC) if day else begun
        known_at(api, case.level)
        made = filed(api, slug, case)
        errors = {each["pointer"]: each["code"] for each in made.get("errors", ())}  # type: ignore[attr-defined]
        assert errors == case.expect.get("errors", {}) | ({"": refused} if refused else {}), case.title
        if refused:
            told = made["errors"][0]["message"]  # type: ignore[index]
            assert declaration.handed_over is None or declaration.handed_over.url in told
            continue
        if case.valid and "fee" in case.expect:
            assert made["feeTotal"] == case.expect["fee"], case.title
        if case.valid and "left_out" in case.expect:
            left = sorted(each["pointer"] for each in made["leftOut"])  # type: ignore[attr-defined]
            assert left == sorted(case.expect["left_out"]), case.title
