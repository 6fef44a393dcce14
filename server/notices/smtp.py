"""The real mail: one server that takes our mails (RFC 5321, RFC 6409), spoken to in a thread.

A try ends in one of three ways and never in an exception. Only what the server says of the recipient ends a notice
(RFC 3463: 5.1.x, or 550, 551, 553, 556 at RCPT); whatever may be our own fault or the server's is tried again.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from re import match
from time import monotonic
from typing import Final

from server.japan import in_japan
from server.notices.mail import Delivery, Mail, Try
from server.notices.outbox import LEASE
from server.notices.worker import START_WITHIN
from server.settings import SmtpSettings

PATIENCE: Final = 20.0
"""Seconds for an answer to anything but a mail's end."""
BUDGET: Final = (LEASE - START_WITHIN).total_seconds() - 10
"""Seconds for a whole try: beyond the lease another worker sends the same mail."""
RESERVED: Final = 40.0
"""Seconds kept for the answer to a mail's end. Servers look for spam then; who hangs up meanwhile sends it twice."""

_NOT_THERE: Final = frozenset({550, 551, 553, 556})
_POLICY: Final = "7"  # of X.7.Y: "relaying denied" is about us, not about the resident
_ADDRESS: Final = "1"


class SmtpAdapter:
    """Sends by the server of the settings. `name` is the city's, which the resident reads as the sender.

    `tls` is for tests; ours verifies the server's certificate and name by the system's authorities.
    """

    instant = False

    def __init__(
        self, settings: SmtpSettings, name: str, *, tls: ssl.SSLContext | None = None, patience: float = PATIENCE
    ) -> None:
        self._settings, self._name, self._patience = settings, name, patience
        self._tls: Final = tls or ssl.create_default_context()

    async def send(self, mail: Mail) -> Try:
        return await asyncio.to_thread(self._try, mail, monotonic() + BUDGET)

    def _try(self, mail: Mail, until: float) -> Try:
        at = "connect"
        smtp = None
        try:
            smtp = _Talk(until, self._patience)
            smtp.open(self._settings, self._tls)
            at = "send"
            return smtp.hand_over(self._settings.sender, envelope(mail.to), written(mail, self._settings, self._name))
        except smtplib.SMTPResponseException as error:
            return Try(Delivery.LATER, f"{at} {error.smtp_code}")
        except Exception as error:  # whatever it was, it must not lose the mail
            return Try(Delivery.LATER, f"{at} {type(error).__name__}")
        finally:
            if smtp is not None:
                smtp.leave()


class _Talk:
    """One conversation, over when its time is. What the server answers is never logged: it may quote the address."""

    def __init__(self, until: float, patience: float) -> None:
        self._until, self._patience = until, patience
        self._smtp: smtplib.SMTP | None = None

    def open(self, settings: SmtpSettings, tls: ssl.SSLContext) -> None:
        """Raises when there is no encrypted and, where we have a password, no authenticated way."""
        domain, wait = settings.sender.rpartition("@")[2], self._left()
        if settings.encryption == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, domain, timeout=wait, context=tls)
        else:
            smtp = smtplib.SMTP(settings.host, settings.port, domain, timeout=wait)
        self._smtp = smtp
        if settings.encryption == "starttls":
            self._within(lambda: smtp.starttls(context=tls))
        if settings.user:
            self._within(lambda: smtp.login(settings.user, settings.password))

    def hand_over(self, sender: str, to: str, message: bytes) -> Try:
        smtp = self._opened
        code, _ = self._within(lambda: smtp.mail(sender))
        if code != 250:
            return Try(Delivery.LATER, f"MAIL {code}")
        code, said = self._within(lambda: smtp.rcpt(to))
        if code not in (250, 251):
            return Try(Delivery.NEVER if refuses_for_good(code, said) else Delivery.LATER, f"RCPT {code}")
        if self._until - monotonic() < RESERVED:
            return Try(Delivery.LATER, "too slow")
        code, _ = self._within(lambda: smtp.data(message), whole=True)
        if 200 <= code < 300:
            return Try(Delivery.SENT)
        # what is said against its content is no word on the recipient, who may read the next version of it
        return Try(Delivery.LATER, f"DATA {code}")

    def leave(self) -> None:
        """What was taken is taken, however the goodbye goes."""
        if self._smtp is not None:
            with suppress(Exception):
                self._within(self._smtp.quit)
            self._smtp.close()

    @property
    def _opened(self) -> smtplib.SMTP:
        if self._smtp is None:
            raise smtplib.SMTPServerDisconnected
        return self._smtp

    def _within(self, step: Callable[[], tuple[int, bytes]], *, whole: bool = False) -> tuple[int, bytes]:
        sock = self._opened.sock
        if sock is None:
            raise smtplib.SMTPServerDisconnected
        sock.settimeout(self._left(whole=whole))
        return step()

    def _left(self, *, whole: bool = False) -> float:
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError
        return left if whole else min(left, self._patience)


def refuses_for_good(code: int, said: bytes) -> bool:
    """Whether an answer to RCPT says that this address will never take mail. A word on policy is about us."""
    enhanced = match(rb"5\.(\d{1,3})\.\d{1,3}\b", said)
    subject = enhanced[1].decode() if enhanced else ""
    if subject == _ADDRESS:
        return 500 <= code < 600
    return code in _NOT_THERE and subject != _POLICY


def envelope(to: str) -> str:
    """The address as RFC 5321 and 5322 write it: a local part with dots side by side or at an end stands in quotes.

    `mail_address` lets nothing through that would have to be escaped there.
    """
    local, _, domain = to.rpartition("@")
    return to if all(local.split(".")) else f'"{local}"@{domain}'


def written(mail: Mail, settings: SmtpSettings, name: str) -> bytes:
    """The mail as it goes over the wire, the same bytes at every try.

    Base64 keeps every line short and seven bits wide, which is what the mailers of old phones and every relay read.
    """
    message = EmailMessage(policy=WIRE)
    message["From"] = Address(display_name=name, addr_spec=settings.sender)
    message["To"] = envelope(mail.to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(in_japan(mail.written_at))
    message["Message-ID"] = f"<{mail.id}@{settings.sender.rpartition('@')[2]}>"
    # RFC 3834: no out-of-office note comes back
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body, charset="utf-8", cte="base64")
    return message.as_bytes()
