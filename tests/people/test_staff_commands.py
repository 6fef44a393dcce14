"""`kakanai staff …` as an operator meets it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from server import cli

Output = pytest.CaptureFixture[str]
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){3}\n")


def run(*words: str) -> int:
    return cli.main(("staff", *words))


@pytest.fixture
def hall(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Output) -> Output:
    """A sandbox of its own in the environment of this process, with one colleague; what is printed from then on."""
    for name in [name for name in os.environ if name.startswith("KAKANAI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KAKANAI_MODE", "sandbox")
    monkeypatch.setenv("KAKANAI_DATA_DIR", str(tmp_path / "data"))
    assert cli.main(["db", "upgrade"]) == 0
    assert run("add", "tanaka", "--name", "田中 一郎", "--role", "clerk:市民課", "--role", "auditor") == 0
    told = capsys.readouterr()
    assert CODE.fullmatch(told.out), "the code alone: it can be piped"
    assert "72時間" in told.err and "/staff/enrol" in told.err
    return capsys


def test_who_was_added_is_listed_with_their_roles_and_waits_for_enrolment(hall: Output) -> None:
    assert run("list") == 0
    assert hall.readouterr().out == "tanaka  waiting  auditor clerk:市民課  田中 一郎\n"


def test_roles_are_replaced_and_accounts_locked_and_let_in_again(hall: Output) -> None:
    assert run("roles", "tanaka", "--role", "treasurer:税務課") == 0
    assert run("disable", "TANAKA") == 0
    run("list")
    assert hall.readouterr().out == "tanaka  disabled  treasurer:税務課  田中 一郎\n"
    assert run("enable", "tanaka") == 0
    run("list")
    assert "  waiting  " in hall.readouterr().out


def test_a_reset_prints_another_code(hall: Output) -> None:
    codes = []
    for _ in range(2):
        assert run("reset", "tanaka") == 0
        told = hall.readouterr().out
        assert CODE.fullmatch(told)
        codes.append(told)
    assert codes[0] != codes[1]


def test_a_link_code_is_for_whoever_enrolled_where_a_provider_is_set(
    hall: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("link", "tanaka") == 2
    assert "市の認証基盤の設定がありません" in hall.readouterr().err
    for name, value in (("ISSUER", "https://idp.example"), ("CLIENT_ID", "x"), ("CLIENT_SECRET", "y")):
        monkeypatch.setenv(f"KAKANAI_STAFF_OIDC_{name}", value)
    assert run("link", "tanaka") == 2
    assert "その職員はいません" in hall.readouterr().err, "nobody enrolled it: their enrolment code ties it"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "tanaka", "--name", "x", "--role", "auditor"), "もう使われています"),
        (("add", "田中", "--name", "x", "--role", "auditor"), "半角"),
        (("add", "suzuki", "--name", " ", "--role", "auditor"), "60字"),
        (("add", "suzuki", "--name", "x\ny\u0007", "--role", "auditor"), "60字"),
        (("add", "suzuki", "--name", "x", "--role", "boss"), "boss という役割はありません"),
        (("add", "suzuki", "--name", "x", "--role", "clerk"), "課が要ります"),
        (("add", "suzuki", "--name", "x", "--role", "clerk:月の課"), "課が要ります"),
        (("add", "suzuki", "--name", "x", "--role", "auditor:市民課"), "市全体の役割"),
        (("roles", "suzuki", "--role", "auditor"), "その職員はいません"),
        (("disable", "suzuki"), "その職員はいません"),
        (("enable", "suzuki"), "その職員はいません"),
        (("reset", "suzuki"), "その職員はいません"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why_and_changes_nothing(
    words: tuple[str, ...], told: str, hall: Output
) -> None:
    assert run(*words) == 2
    said = hall.readouterr()
    assert told in said.err and said.out == ""
    run("list")
    assert hall.readouterr().out == "tanaka  waiting  auditor clerk:市民課  田中 一郎\n"


def test_everything_sealed_of_the_staff_opens_and_is_rotated_with_the_rest(hall: Output) -> None:
    assert cli.main(["keys", "verify"]) == 0
    assert "staff.sealed_profile: 1 opened" in hall.readouterr().out
    assert cli.main(["audit", "verify"]) == 0
