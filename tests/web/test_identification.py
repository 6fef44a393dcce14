"""本人確認 at the window: documents, the reader, agents, and people under 支援措置."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.app import create_app
from server.counter import identity
from server.people.protection import Person, protect, release
from server.people.reader import SandboxReader
from server.settings import Settings
from server.store import tables as t
from tests.conftest import Random
from tests.security.declarations import sample
from tests.security.site import place, sandbox_site
from tests.web.test_brought import Hall

LICENCE = {"person": "applicant", "method": "documents", "document": "driving-licence", "result": "confirmed"}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    with sandbox_site(tmp_path_factory.mktemp("identity"), migrated_file, sample()) as site:
        site.__class__ = Hall
        assert isinstance(site, Hall)
        site.names = iter(range(10_000))
        yield site
        assert site.failures() == []


class Visit:
    """A visit with one procedure, and its clerk."""

    def __init__(self, hall: Hall) -> None:
        self.hall, self.clerk = hall, hall.clerk()
        begun = place(self.clerk.post("/counter", {"department": "市民課"}))
        self.id = begun.split("/")[2]
        self.here = f"/counter/{self.id}/identity"
        chosen = self.clerk.get(f"/counter/{self.id}/procedures?q=letter").text
        rev = re.search(r'name="_rev" value="([^"]*)"', chosen)
        form = {"slug": "letter", "_do": "next"} | ({"_rev": rev[1]} if rev else {})
        assert self.clerk.post(f"/counter/{self.id}/procedures", form).status_code == 303

    def checks(self) -> tuple[identity.Check, ...]:
        found: tuple[identity.Check, ...] = self.hall.do(lambda db: identity.checks(db, self.hall.of.keys, self.id))
        return found

    def lay(self, card: str) -> None:
        reader = re.search(r'href="(/sandbox/reader/[0-9a-f]+)"', self.clerk.get(self.here).text)
        assert reader is not None
        assert place(self.hall.browser().post(reader[1], {"card": card})) == reader[1]

    def read(self, **controls: str) -> Any:
        given = {"person": "applicant", "face": "1", "address": "1"} | controls
        return self.clerk.post(f"{self.here}/card", {name: value for name, value in given.items() if value})

    def answers(self) -> str:
        return self.clerk.get(f"/counter/{self.id}/answers").text


def test_a_clerk_writes_down_which_documents_were_seen(hall: Hall) -> None:
    visit = Visit(hall)
    assert place(visit.clerk.post(visit.here, LICENCE)) == visit.here
    shown = visit.clerk.get(visit.here).text
    assert "確認できました" in shown
    assert "運転免許証" in shown
    (check,) = visit.checks()
    assert (check.person, check.documents, check.confirmed) == ("applicant", ("driving-licence",), True)
    assert "identity.check" in hall.actions()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"document": ""}, "見た書類を選んでください"),
        ({"document": "insurance"}, "書類が足りません"),
        ({"result": ""}, "確認の結果を選んでください"),
        ({"person": "somebody"}, "だれを確認したかを選んでください"),
        ({"method": "reader"}, "だれを確認したかを選んでください"),
        ({"proxy": "voluntary"}, "委任状などを見たか"),
        ({"proxy": "household", "acts_for": "nobody"}, "だれを確認したかを選んでください"),
        ({"method": "questions", "document": ""}, "何をおたずねして確認したか"),
        ({"note": "番号 1234 5678 9018"}, "12桁の数字は書けません"),
        ({"note": "あ" * 201}, "200文字まで"),
    ],
    ids=str,
)
def test_what_cannot_stand_comes_back_with_what_to_do(changes: dict[str, str], told: str, hall: Hall) -> None:
    visit = Visit(hall)
    answer = visit.clerk.post(visit.here, LICENCE | changes)
    assert answer.status_code == 422
    assert told in answer.text
    assert "1234 5678 9018" not in answer.text
    assert visit.checks() == ()


def test_an_agent_is_written_down_with_the_mandate_and_for_whom(hall: Hall) -> None:
    visit = Visit(hall)
    agent = LICENCE | {"person": "agent", "proxy": "voluntary", "acts_for": "applicant"}
    assert visit.clerk.post(visit.here, agent | {"mandate": "unseen"}).status_code == 303
    assert "代理の確認がまだです" in visit.clerk.get(visit.here).text
    hall.clock.advance(seconds=1)
    assert visit.clerk.post(visit.here, agent | {"mandate": "letter"}).status_code == 303
    shown = visit.clerk.get(visit.here).text
    assert "委任状を見た" in shown
    assert "あとの記録があります" in shown
    assert [each.confirmed for each in visit.checks()] == [False, True]


def test_only_the_visits_own_clerk_writes_it_down(hall: Hall) -> None:
    visit = Visit(hall)
    assert hall.clerk("clerk:税務課").get(visit.here).status_code == 404
    assert hall.clerk("clerk:税務課").post(visit.here, LICENCE).status_code == 404
    assert hall.clerk().post(visit.here, LICENCE).status_code == 409, "a colleague leads it"
    assert place(hall.browser().get(visit.here)) == "/staff/signin"
    assert visit.checks() == ()


# --- the reader -------------------------------------------------------------------------------------------------------


def test_a_card_on_the_reader_fills_in_its_four_facts(hall: Hall) -> None:
    visit = Visit(hall)
    visit.lay("taro-jpki")
    assert place(visit.read(), whole=True) == f"{visit.here}?read=told"
    (check,) = visit.checks()
    assert (check.method, check.documents, check.confirmed) == ("reader", ("my-number-card",), True)
    answers = visit.answers()
    for text in ("津軽", "太郎", "栄町10番地3"):
        assert text in answers
    assert "カードを読み取りました" in visit.clerk.get(f"{visit.here}?read=told").text


def test_the_address_of_a_card_is_left_out_where_the_clerk_says_so(hall: Hall) -> None:
    visit = Visit(hall)
    visit.lay("taro-jpki")
    visit.read(address="")
    answers = visit.answers()
    assert "太郎" in answers
    assert "栄町10番地3" not in answers


def test_what_was_said_before_stays_and_the_clerk_is_told_what_differs(hall: Hall) -> None:
    visit = Visit(hall)
    visit.lay("taro-jpki")
    visit.read()
    visit.lay("yukiko-78")
    where = place(visit.read(), whole=True)
    assert where == f"{visit.here}?read=told&differs=name.birthdate.sex.address" or "differs=name.birthdate" in where
    assert "氏名、生年月日" in visit.clerk.get(where).text
    assert "太郎" in visit.answers()
    assert "由紀子" not in visit.answers()


def test_a_card_counts_only_with_its_owners_face(hall: Hall) -> None:
    visit = Visit(hall)
    visit.lay("taro-jpki")
    answer = visit.read(face="")
    assert answer.status_code == 422
    assert "顔を見くらべてください" in answer.text
    assert visit.checks() == ()


def test_an_empty_reader_says_so(hall: Hall) -> None:
    visit = Visit(hall)
    visit.lay("")
    answer = visit.read()
    assert answer.status_code == 422
    assert "カードがありません" in answer.text
    assert visit.read(person="somebody").status_code == 404
    assert hall.browser().post(f"/sandbox/reader/{'0' * 32}", {"card": "nobody"}).status_code == 404


def test_of_somebody_under_protection_nothing_is_filled_in_and_the_clerk_is_told_what_to_do(hall: Hall) -> None:
    listed = [Person("津軽 太郎", date(1989, 5, 14))]
    hall.do(lambda db: protect(db, hall.of.keys, listed, now=hall.clock()))
    try:
        visit = Visit(hall)
        visit.lay("taro-jpki")
        assert place(visit.read(), whole=True) == f"{visit.here}?read=protected"
        shown = visit.clerk.get(visit.here).text
        assert "支援措置の対象の方がいます" in shown
        assert "本人の意思を確かめるまで" in shown
        assert "太郎" not in shown + visit.answers()
        assert [each.detail.protected for each in visit.checks()] == [True]
    finally:
        hall.do(lambda db: release(db, hall.of.keys, listed))


def test_a_cards_facts_stand_nowhere_in_the_record_of_the_check(hall: Hall) -> None:
    visit = Visit(hall)
    visit.lay("taro-jpki")
    visit.read()
    row = hall.do(lambda db: db.one(select(t.identity_check).where(t.identity_check.c.visit_id == visit.id)))
    opened = hall.of.keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_detail, identity.SEALED)
    assert "津軽" not in str(tuple(row)) + opened.decode()
    assert json.loads(opened)["note"] == ""


def test_without_a_reader_there_is_no_button_for_it(settings: Settings, tmp_path: Path) -> None:

    on, off = create_app(settings, random=Random()), create_app(replace(settings, card_reader="off"), random=Random())
    try:
        assert isinstance(on.state.services.reader, SandboxReader)
        assert off.state.services.reader is None
    finally:
        for app in (on, off):
            app.state.services.intake.close()
            app.state.services.database.close()
