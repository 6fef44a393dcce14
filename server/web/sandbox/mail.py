"""The sandbox's mailbox: every mail the city would have sent, as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from server.notices.mail import Mail
from server.notices.sandbox_mailbox import SandboxMailbox
from server.web.http import page, problem, services
from server.web.routing import Access, route


@dataclass(frozen=True, slots=True)
class MailboxPage:
    """pages/mailbox.html, newest first."""

    mails: Sequence[Mail]


async def mailbox(request: Request) -> Response:
    mailer = services(request).mailer
    if mailer is None or not isinstance(mailer.adapter, SandboxMailbox):
        return problem(request, 404)
    return page(request, "pages/mailbox.html", MailboxPage(mailer.adapter.mails()))


ROUTES = [route("/sandbox/mail", mailbox, access=Access.SANDBOX)]
