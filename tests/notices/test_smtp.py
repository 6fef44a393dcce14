"""The mail over a real SMTP server: encrypted or not at all, each mail once, and no failure loses one."""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notices.mail import Delivery, Mail, Try, mail_address, one_line
from server.notices.smtp import SmtpAdapter, refuses_for_good, written
from server.settings import SmtpSettings
from tests.notices.mailserver import PASSWORD, SENDER, USER, Server, certificate, trusting

MAIL = Mail(
    id="0123456789abcdef" * 2,
    to="taro@example.jp",
    subject="受け付けました(受付番号 123456789012345)",
    body="「住民票の写し」を受け付けました。\n.\n..\nFrom 髙𠮟\n\n五所川原市 市民課\n",
    written_at=datetime(2026, 11, 20, 15, 30, tzinfo=UTC),
)


class World:
    """Servers, and what trusts their certificate."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory, self._stack = directory, stack
        self.certificate = certificate(directory / "good.pem", "localhost", "127.0.0.1")

    def server(self, **options: Any) -> Server:
        made = Server(options.pop("certificate", self.certificate), **options).start()
        self._stack.callback(made.stop)
        return made

    def send(self, settings: SmtpSettings, mail: Mail = MAIL, **options: Any) -> Try:
        adapter = SmtpAdapter(settings, "五所川原市", **{"tls": trusting(self.certificate)} | options)
        return asyncio.run(adapter.send(mail))

    def other_certificate(self, *names: str) -> Path:
        return certificate(self._directory / "other.pem", *names)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, stack)


@pytest.mark.parametrize("way", [{"implicit_tls": True}, {"starttls": True}, {"starttls": False}])
def test_a_mail_arrives_as_it_was_written(world: World, way: dict[str, bool]) -> None:
    server = world.server(**way)
    assert world.send(server.settings()) == Try(Delivery.SENT)
    ((sender, to),) = server.envelopes
    assert (sender, to, server.logins) == (SENDER, ["taro@example.jp"], 1)
    assert server.encrypted == [way != {"starttls": False}]
    (mail,) = server.mails
    assert read(mail) == (MAIL.subject, MAIL.body)
    assert mail["from"] == f"五所川原市 <{SENDER}>"
    assert mail["to"] == "taro@example.jp"
    assert mail["date"] == "Sat, 21 Nov 2026 00:30:00 +0900"
    assert mail["message-id"] == f"<{MAIL.id}@city.example>"
    assert mail["auto-submitted"] == "auto-generated"


def read(mail: EmailMessage) -> tuple[str, str]:
    return str(mail["subject"]), mail.get_content().replace("\r\n", "\n")


def test_every_line_is_short_and_seven_bits_wide_for_the_mailers_of_old_phones(world: World) -> None:
    server = world.server()
    world.send(server.settings(), replace(MAIL, subject="長い件名" * 60, body="とても長い一行" * 500))
    (raw,) = server.raw
    assert raw.isascii()
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    assert b'charset="utf-8"' in raw and b"Content-Transfer-Encoding: base64" in raw
    assert read(server.mails[0]) == ("長い件名" * 60, "とても長い一行" * 500 + "\n")


@pytest.mark.parametrize("to", ["ta..ro.@docomo.ne.jp", ".taro@ezweb.ne.jp", "o'hara+x@example.co.jp"])
def test_an_address_that_only_japans_carriers_gave_out_is_reached(world: World, to: str) -> None:
    server = world.server()
    assert world.send(server.settings(), replace(MAIL, to=to)) == Try(Delivery.SENT)
    ((_, (reached,)),) = server.envelopes
    assert reached.replace('"', "") == to
    assert str(server.mails[0]["to"]).replace('"', "") == to


# --- never in the open ------------------------------------------------------------------------------------------------


def test_a_server_without_starttls_is_told_neither_the_password_nor_the_mail(world: World) -> None:
    server = world.server(starttls=False)
    assert world.send(server.settings("starttls")) == Try(Delivery.LATER, "connect SMTPNotSupportedError")
    assert (server.mails, server.logins) == ([], 0)


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("wrong", ["another name", "another authority"])
def test_a_server_that_cannot_prove_its_name_is_told_nothing(world: World, implicit: bool, wrong: str) -> None:
    shown = world.other_certificate("mail.evil.example" if wrong == "another name" else "localhost")
    server = world.server(implicit_tls=implicit, certificate=shown)
    tls = trusting(shown if wrong == "another name" else world.certificate)
    assert world.send(server.settings(), tls=tls) == Try(Delivery.LATER, "connect SSLCertVerificationError")
    assert (server.mails, server.logins) == ([], 0)


def test_by_itself_it_trusts_the_systems_authorities_only(world: World) -> None:
    server = world.server(implicit_tls=True)
    assert world.send(server.settings(), tls=None) == Try(Delivery.LATER, "connect SSLCertVerificationError")


def test_old_tls_is_not_spoken() -> None:
    assert ssl.create_default_context().minimum_version >= ssl.TLSVersion.TLSv1_2


# --- what each answer means -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code", "for_good"),
    [
        ("550 5.1.1 no such user", 550, True),
        ("550 no such user", 550, True),
        ("551 5.1.6 moved", 551, True),
        ("553 bad name", 553, True),
        ("554 5.1.2 no such host", 554, True),
        ("556 5.1.10 takes no mail", 556, True),
        ("550 5.7.1 relaying denied", 550, False),
        ("550 5.7.26 not authenticated", 550, False),
        ("554 5.7.1 blocked by our list", 554, False),
        ("554 transaction failed", 554, False),
        ("530 5.7.0 sign in first", 530, False),
        ("535 5.7.8 wrong password", 535, False),
        ("552 5.2.2 mailbox full", 552, False),
        ("501 5.5.4 syntax", 501, False),
        ("450 4.2.0 greylisted", 450, False),
        ("451 4.3.0 try later", 451, False),
        ("421 4.3.2 going down", 421, False),
        ("452 4.2.2 mailbox full", 452, False),
    ],
)
def test_only_an_address_that_is_none_ends_a_notice(world: World, answer: str, code: int, for_good: bool) -> None:
    server = world.server()
    server.on_rcpt = lambda _to: answer
    expected = Try(Delivery.NEVER if for_good else Delivery.LATER, f"RCPT {code}")
    assert world.send(server.settings()) == expected
    server.on_rcpt = lambda _to: ""
    assert world.send(server.settings()) == Try(Delivery.SENT)


@pytest.mark.parametrize("code", [421, 451, 452, 530, 550, 553, 554])
def test_what_is_said_of_us_is_no_word_on_the_resident(world: World, code: int) -> None:
    server = world.server()
    server.on_mail = f"{code} 5.1.1 not you"
    assert world.send(server.settings()) == Try(Delivery.LATER, f"MAIL {code}")


@pytest.mark.parametrize("code", [421, 451, 452, 550, 554])
def test_what_is_said_of_the_text_is_no_word_on_the_resident(world: World, code: int) -> None:
    server = world.server()
    server.on_data = f"{code} 5.7.1 looks like spam"
    assert world.send(server.settings()) == Try(Delivery.LATER, f"DATA {code}")


def test_a_wrong_password_is_told_and_loses_nothing(world: World) -> None:
    server = world.server()
    assert world.send(server.settings(password="wrong")) == Try(Delivery.LATER, "connect 535")
    assert world.send(server.settings(password="パスワード")).delivery is Delivery.LATER
    assert world.send(server.settings(user="", password="")) == Try(Delivery.LATER, "MAIL 503")
    assert server.mails == []


def test_nobody_there_is_told_and_loses_nothing(world: World) -> None:
    server = world.server()
    settings = server.settings()
    server.stop()
    assert world.send(settings) == Try(Delivery.LATER, "connect ConnectionRefusedError")
    nowhere = replace(settings, host="nowhere.invalid")
    assert world.send(nowhere) == Try(Delivery.LATER, "connect gaierror")


def test_a_server_that_hangs_up_in_the_middle_is_tried_again(world: World) -> None:
    server = world.server()
    server.drop = "data"
    tried = world.send(server.settings())
    assert (tried.delivery, server.mails) == (Delivery.LATER, [])
    server.drop = ""
    assert world.send(server.settings()) == Try(Delivery.SENT)


def test_a_mail_whose_taking_was_not_told_is_sent_again_as_the_same_mail(world: World) -> None:
    """Nobody can know whether it was taken; who gets both can tell by the Message-ID that they are one."""
    server = world.server()
    server.drop = "answer"
    assert world.send(server.settings()).delivery is Delivery.LATER
    server.drop = ""
    assert world.send(server.settings()) == Try(Delivery.SENT)
    assert len(server.mails) == 2
    assert server.raw[0] == server.raw[1]
    assert {mail["message-id"] for mail in server.mails} == {f"<{MAIL.id}@city.example>"}


def test_a_server_that_does_not_answer_is_given_up_on_for_now(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = world.server().settings(port=silent.getsockname()[1])
        assert world.send(settings, patience=0.05) == Try(Delivery.LATER, "connect SMTPServerDisconnected")


def test_a_server_that_is_slow_with_one_is_given_up_on_for_now(world: World) -> None:
    server = world.server()
    server.wait = 3
    assert world.send(server.settings(), patience=0.5) == Try(Delivery.LATER, "send SMTPServerDisconnected")


def test_many_go_at_once_and_each_arrives_once(world: World) -> None:
    server = world.server()
    adapter = SmtpAdapter(server.settings(), "五所川原市", tls=trusting(world.certificate))

    async def batch() -> list[Try]:
        return await asyncio.gather(*(adapter.send(replace(MAIL, id=f"{i:032x}")) for i in range(20)))

    assert asyncio.run(batch()) == [Try(Delivery.SENT)] * 20
    assert sorted(mail["message-id"] for mail in server.mails) == [f"<{i:032x}@city.example>" for i in range(20)]


# --- headers ----------------------------------------------------------------------------------------------------------

LINES = st.text().filter(one_line)


@given(LINES, st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_as_it_was_written_and_writes_no_header(subject: str, body: str) -> None:
    settings = SmtpSettings(host="localhost", port=1, encryption="tls", user="", password="", sender=SENDER)
    if any("\ud800" <= letter <= "\udfff" for letter in subject):
        return
    raw = written(replace(MAIL, subject=subject, body=body), settings, "五所川原市")
    head, _, rest = raw.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert names == [
        *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted"),
        *(b"Content-Type", b"Content-Transfer-Encoding", b"MIME-Version"),
    ]
    assert b64decode(rest).decode().split() == body.split()
    mail = BytesParser(policy=default).parsebytes(raw)
    assert str(mail["subject"]).split() == subject.split()


@given(st.from_regex(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,20}@[a-z0-9]{1,8}\.jp", fullmatch=True))
def test_any_address_we_take_is_one_recipient_in_the_header(to: str) -> None:
    assert mail_address(to) == to
    settings = SmtpSettings(host="localhost", port=1, encryption="tls", user="", password="", sender=SENDER)
    mail = BytesParser(policy=default).parsebytes(written(replace(MAIL, to=to), settings, "市"))
    (one,) = mail["to"].addresses
    assert (one.username, one.domain) == tuple(to.split("@"))


@given(st.integers(200, 599), st.binary(max_size=30))
def test_whatever_a_server_says_it_is_understood_or_tried_again(code: int, said: bytes) -> None:
    assert refuses_for_good(code, said) in (True, False)
    if code < 500:
        assert not refuses_for_good(code, said)


def test_what_a_server_says_of_a_resident_is_not_repeated_in_the_log(world: World) -> None:
    server = world.server()
    server.on_rcpt = lambda to: f"451 4.0.0 <{to}> later"
    tried = world.send(server.settings())
    assert not {"taro", USER, PASSWORD} & set(tried.why.replace("@", " ").split())
    assert tried.why == "RCPT 451"
