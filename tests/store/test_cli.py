"""`kakanai …` as an operator meets it."""

from __future__ import annotations

import base64
import os
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from procedures.library import ROOT as PROCEDURES
from procedures.library import load_files
from server import cli
from server.catalogue import publish
from server.store import tables as t
from server.store.database import Writing
from server.store.engine import make_engine
from server.store.keys import Keys
from server.store.values import utc_now
from tests.conftest import Maker, Store

K1, K2 = (f"k{n}:{base64.b64encode(bytes([n] * 32)).decode()}" for n in (1, 2))
Output = pytest.CaptureFixture[str]


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """A sandbox of its own in the environment of this process."""
    for name in [name for name in os.environ if name.startswith("KAKANAI_")]:
        monkeypatch.delenv(name)
    settings = {"KAKANAI_MODE": "sandbox", "KAKANAI_DATA_DIR": str(tmp_path / "data"), "KAKANAI_ENCRYPTION_KEYS": K1}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings


def run(*words: str) -> int:
    return cli.main(words)


def test_a_new_database_is_set_up_and_an_old_one_left_as_it_is(environ: dict[str, str], capsys: Output) -> None:
    assert run("audit", "verify") == 2
    assert "run 'kakanai db upgrade'" in capsys.readouterr().err
    assert run("db", "upgrade") == run("db", "upgrade") == 0
    assert run("audit", "verify") == 0
    assert capsys.readouterr().out == f"0 lines hold, head {'0' * 64}\n"


def test_faulty_settings_are_told_line_by_line(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("KAKANAI_PORT", "x")
    monkeypatch.setenv("KAKANAI_ENCRYPTON_KEYS", "x")
    assert run("db", "upgrade") == 2
    assert capsys.readouterr().err.splitlines() == [
        "kakanai: KAKANAI_ENCRYPTON_KEYS is not a setting and is ignored",
        "kakanai: KAKANAI_PORT: must be a number from 0 to 65535",
        "kakanai: what each variable means: docs/settings.md",
    ]


def test_an_unknown_command_says_what_there_is(capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        run("keys", "destroy")
    assert ended.value.code == 2
    assert "rotate" in capsys.readouterr().err


@pytest.fixture
def filled(environ: dict[str, str], store: Store, make: Maker, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A database with a draft and two audit lines, known to the environment."""
    monkeypatch.setenv("KAKANAI_DATABASE_URL", store.settings.database_url)
    make(t.draft)
    for number in range(2):
        store.transact(partial(Writing.audit, action="test.line", target=str(number), actor="test"))
    return store


@pytest.fixture
def keys() -> Keys:
    return Keys({"k1": bytes([1] * 32)}, secret_key="s" * 32, index_key="i" * 32, my_number_public=None)


def test_keys_are_rotated_and_verified(filled: Store, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setenv("KAKANAI_ENCRYPTION_KEYS", f"{K2},{K1}")
    assert run("keys", "rotate") == 0
    told = capsys.readouterr()
    assert told.out == "1 keys rewrapped\n"
    assert "draft: up to" in told.err
    monkeypatch.setenv("KAKANAI_ENCRYPTION_KEYS", K2)
    assert run("keys", "verify") == 0
    out = capsys.readouterr().out
    assert "draft.sealed_answers: 1 opened\n" in out
    assert "master key k2: 1 wrapped (active)\n" in out


def test_verify_names_what_does_not_open_and_exits_1(filled: Store, capsys: Output) -> None:
    filled.transact(lambda db: db.execute(update(t.draft).values(sealed_answers=b"x" * 40)))
    row_id = filled.read(lambda db: db.scalar(select(t.draft.c.id)))
    assert run("keys", "verify") == 1
    assert f"broken: draft {row_id}: draft.sealed_answers does not open\n" in capsys.readouterr().out


def test_the_chain_is_verified_against_a_noted_head(filled: Store, capsys: Output) -> None:
    assert run("audit", "verify") == 0
    head = capsys.readouterr().out.split()[-1]
    assert run("audit", "verify", "--head", head) == 0
    assert run("audit", "verify", "--head", "0" * 63 + "1") == 1
    assert "no line has the hash" in capsys.readouterr().out


def test_a_broken_chain_names_its_line_and_exits_1(filled: Store, capsys: Output) -> None:
    engine = make_engine(filled.settings.database_url, writes=True)
    with engine.begin() as connection:
        lite = connection.dialect.name == "sqlite"
        connection.execute(text("DROP TRIGGER audit_no_update" if lite else "SET session_replication_role = replica"))
        connection.execute(text("UPDATE audit SET actor = 'nobody' WHERE seq = 2"))
    engine.dispose()
    assert run("audit", "verify") == 1
    assert capsys.readouterr().out.endswith("broken at line 2: it was changed\n")


@pytest.fixture
def opened(environ: dict[str, str], store: Store, make: Maker, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A database that serves one procedure, known to the environment."""
    monkeypatch.setenv("KAKANAI_DATABASE_URL", store.settings.database_url)
    (declaration,) = load_files([PROCEDURES / "declarations/environment-pets/inu-toroku.json"])
    store.transact(lambda db: publish(db, [declaration], now=utc_now(), actor="test"))
    return store


def test_an_operator_suspends_a_procedure_ahead_at_once_and_lets_it_go_on(opened: Store, capsys: Output) -> None:
    ahead = ["--from", "2099-11-25T20:00", "--until", "2099-11-26 08:00"]
    assert run("procedures", "suspend", "inu-toroku", "--reason", "点検のため。", *ahead) == 0
    window = "停止の予定 2099-11-25 20:00 〜 2099-11-26 08:00  点検のため。"
    assert capsys.readouterr().out == f"inu-toroku  open  {window}\n"
    assert run("procedures", "suspend", "inu-toroku", "--reason", "故障のため。") == 0
    assert capsys.readouterr().out.startswith("inu-toroku  suspended  停止 ")
    assert run("procedures", "status") == run("procedures", "status", "inu-toroku") == 0
    one, other = capsys.readouterr().out.splitlines()
    assert one == other and "故障のため。" in one
    assert run("procedures", "resume", "inu-toroku") == 0
    assert capsys.readouterr().out == "inu-toroku  open\n"
    assert run("audit", "verify") == 0
    assert capsys.readouterr().out.startswith("4 lines hold")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["suspend", "inu-torok", "--reason", "x"], "inu-toroku ではありませんか"),
        (["suspend", "inu-toroku", "--reason", " "], "止めるわけは、1行で"),
        (["suspend", "inu-toroku", "--reason", "x", "--until", "2099-11-26"], "2026-11-25T20:00"),
        (["suspend", "inu-toroku", "--reason", "x", "--from", "tomorrow"], "2026-11-25T20:00"),
        (["suspend", "inu-toroku", "--reason", "x", "--until", "2020-01-01T00:00"], "もう過ぎています"),
        (
            ["suspend", "inu-toroku", "--reason", "x", "--from", "2099-01-02T00:00", "--until", "2099-01-01T00:00"],
            "--until は --from よりあとの",
        ),
        (["resume", "inu-toroku"], "止まっていません"),
        (["resume", "neko-toroku"], "公開されていません"),
        (["status", "neko-toroku"], "公開されていません"),
    ],
)
def test_what_an_operator_cannot_mean_is_said_and_changes_nothing(
    opened: Store, capsys: Output, words: list[str], told: str
) -> None:
    assert run("procedures", *words) == 2
    out, err = capsys.readouterr()
    assert (out, told in err, err.count("\n")) == ("", True, 1)
    assert opened.read(lambda db: db.scalar(select(t.publication.c.state))) == "open"


def test_a_reason_must_be_given(opened: Store, capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        run("procedures", "suspend", "inu-toroku")
    assert ended.value.code == 2
    assert "--reason" in capsys.readouterr().err
