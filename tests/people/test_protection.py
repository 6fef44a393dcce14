"""支援措置: whom the city lists is recognised, whatever their provider says, and nothing of theirs is filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from procedures.declaration import Assurance
from server.people import protection
from server.people.facts import Facts
from server.people.protection import BadLine, Person, people
from server.people.sessions import sign_in, visitor
from server.store.keys import Keys
from tests.conftest import Clock, Random, Store

CARD = Facts(
    "oidc", "sub-1", Assurance.OIDC_BASIC, "津軽　花子", birthdate=date(1990, 5, 6), address="青森県五所川原市"
)
LINE = "津軽 花子,1990-05-06"


@pytest.fixture
def signed_in(store: Store, keys: Keys, clock: Clock, random: Random) -> Callable[[Facts], str]:
    return lambda facts: store.transact(lambda db: sign_in(db, keys, None, facts, now=clock(), random=random))


def protected(store: Store, keys: Keys, clock: Clock, token: str) -> bool:
    found = store.read(lambda db: visitor(db, token, keys=keys, now=clock())).resident
    assert found is not None
    return found.protected


def listed(store: Store, keys: Keys, clock: Clock, *lines: str) -> int:
    return store.transact(lambda db: protection.protect(db, keys, people(lines), now=clock()))


def test_whom_the_city_lists_is_shielded_at_the_next_sign_in(
    store: Store, keys: Keys, clock: Clock, signed_in: Callable[[Facts], str]
) -> None:
    assert not protected(store, keys, clock, signed_in(CARD))
    assert listed(store, keys, clock, LINE) == 1
    assert protected(store, keys, clock, signed_in(CARD))
    assert not protected(store, keys, clock, signed_in(replace(CARD, subject="2", birthdate=date(1990, 5, 7))))
    assert not protected(store, keys, clock, signed_in(replace(CARD, subject="3", name="津軽　春子")))


def test_whoever_is_signed_in_already_is_shielded_at_once_and_released_again(
    store: Store, keys: Keys, clock: Clock, signed_in: Callable[[Facts], str]
) -> None:
    token = signed_in(CARD)
    listed(store, keys, clock, LINE)
    assert protected(store, keys, clock, token)
    assert store.transact(lambda db: protection.release(db, keys, people([LINE]))) == 1
    assert not protected(store, keys, clock, token)
    assert not protected(store, keys, clock, signed_in(CARD))


def test_a_list_given_twice_counts_once(store: Store, keys: Keys, clock: Clock) -> None:
    assert listed(store, keys, clock, LINE, LINE) == 1
    assert listed(store, keys, clock, LINE) == 0
    assert store.read(protection.count) == 1


def test_a_protected_person_has_no_facts_for_a_form() -> None:
    assert CARD.answers()
    assert replace(CARD, protected=True).answers() == {}


@pytest.mark.parametrize("name", ["津軽花子", "津軽 花子", " 津軽　　花子 "])
def test_blanks_in_a_name_do_not_matter(
    store: Store, keys: Keys, clock: Clock, signed_in: Callable[[Facts], str], name: str
) -> None:
    listed(store, keys, clock, f"{name},1990-05-06")
    assert protected(store, keys, clock, signed_in(CARD))


@pytest.mark.parametrize(
    "line", ["津軽花子", ",1990-05-06", "津軽花子,平成2年", "a,b,1990-05-06", "津軽花子,1990-02-30"]
)
def test_a_line_that_names_nobody_is_told_by_its_number_alone(line: str) -> None:
    with pytest.raises(BadLine, match=r"^line 2: must be a name") as caught:
        list(people([LINE, line]))
    assert line not in str(caught.value).replace("津軽 太郎,1989-04-02", "")


def test_an_empty_line_is_passed_over() -> None:
    assert list(people([LINE, "", " , "])) == [Person("津軽 花子", date(1990, 5, 6))]


def test_the_command_reads_the_list_from_stdin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    import io

    from server.cli import main

    monkeypatch.setenv("KAKANAI_MODE", "sandbox")
    monkeypatch.setenv("KAKANAI_DATA_DIR", str(tmp_path))
    assert main(["db", "upgrade"]) == 0
    for command, text, said in (("add", f"{LINE}\n", "1 added"), ("remove", LINE, "1 removed"), ("count", "", "0")):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        capsys.readouterr()
        assert main(["protection", command]) == 0
        assert capsys.readouterr().out.strip() == said
    monkeypatch.setattr("sys.stdin", io.StringIO("だれか"))
    assert main(["protection", "add"]) == 2
    assert "だれか" not in capsys.readouterr().err
