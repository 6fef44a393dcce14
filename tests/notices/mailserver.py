"""A real SMTP server (aiosmtpd) on this machine, which fails in the ways that real ones do, when it is told to."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.settings import SmtpSettings

USER, PASSWORD = "kakanai", "geheim!パス".encode("ascii", "ignore").decode()
SENDER = "noreply@city.example"


@dataclass
class Server:
    """`mails` is what it took over, `envelopes` to whom. The faults stay until they are taken back."""

    certificate: Path
    implicit_tls: bool = False
    starttls: bool = True
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str | None, list[str]]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    on_mail: str = ""
    """What it answers to MAIL FROM instead of 250."""
    on_rcpt: Callable[[str], str] = lambda _to: ""
    on_data: str = ""
    drop: str = ""
    """'data': hangs up in the middle of a mail; 'answer': takes it over and hangs up before it says so."""
    wait: float = 0.0
    """Seconds before it answers RCPT."""
    logins: int = 0
    encrypted: list[bool] = field(default_factory=list)
    _controller: Controller | None = None
    port: int = 0

    def start(self) -> Server:
        server = self

        class Here(Controller):
            def factory(self) -> SMTP:
                with warnings.catch_warnings(action="ignore"):  # of a server without TLS, which is meant
                    return _Smtp(server, self.handler, **self.SMTP_kwargs)

        tls = context(self.certificate)
        options: dict[str, Any] = {"auth_required": True, "authenticator": self._authenticate}
        if self.implicit_tls:
            options |= {"ssl_context": tls, "auth_require_tls": False}
        elif self.starttls:
            options |= {"tls_context": tls, "require_starttls": True}
        else:
            options |= {"auth_require_tls": False}
        self.port = self.port or free_port()  # aiosmtpd cannot be asked for one
        self._controller = Here(self, hostname="127.0.0.1", port=self.port, **options)
        self._controller.start()
        return self

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None

    def settings(self, encryption: str = "", *, host: str = "localhost", **more: Any) -> SmtpSettings:
        usual = "tls" if self.implicit_tls else "starttls" if self.starttls else "none"
        given: dict[str, Any] = {"user": USER, "password": PASSWORD, "sender": SENDER, "port": self.port} | more
        return SmtpSettings(host=host, encryption=encryption or usual, **given)

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any) -> AuthResult:
        fine = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.logins += fine
        return AuthResult(success=fine, handled=False)

    # --- what aiosmtpd calls

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.on_mail:
            return self.on_mail
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self.wait)
        if answer := self.on_rcpt(address):
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        if self.on_data:
            return self.on_data
        content = envelope.content
        assert isinstance(content, bytes)
        self.raw.append(content)
        parsed = BytesParser(policy=default).parsebytes(content)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        self.encrypted.append(bool(session.ssl) or self.implicit_tls)
        if self.drop == "answer":
            hang_up(server)
        return "250 taken"


class _Smtp(SMTP):
    """Hangs up in the middle of a mail when it is told to."""

    def __init__(self, of: Server, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._of = of

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's name
        if self._of.drop == "data":
            await self.push("354 go on")
            hang_up(self)
            return
        await super().smtp_DATA(arg)


def hang_up(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def certificate(path: Path, *names: str) -> Path:
    """A certificate for these names with its key, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    known = [x509.IPAddress(ipaddress.ip_address(each)) if each[0].isdigit() else x509.DNSName(each) for each in names]
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(known), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def context(path: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(path)
    return made


def trusting(path: Path) -> ssl.SSLContext:
    """What a client uses that knows this authority and no other."""
    return ssl.create_default_context(cafile=str(path))
