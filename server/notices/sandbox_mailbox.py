"""The sandbox's mail: every mail becomes a file, and a page shows them. Shared by all workers of the machine."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

from server.notices.mail import Delivery, Mail, Try

SHOWN: Final = 100


class SandboxMailbox:
    """Takes mails and keeps them readable, newest first. The same mail sent twice is one file."""

    instant = True

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def send(self, mail: Mail) -> Try:
        path = self._directory / f"{mail.written_at:%Y%m%dT%H%M%S%f}-{mail.id}.json"
        text = json.dumps(asdict(mail) | {"written_at": mail.written_at.isoformat()}, ensure_ascii=False)
        # Written beside and moved into place, so that a reader never meets half a mail.
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        unfinished.write_text(text)
        unfinished.chmod(0o600)
        unfinished.replace(path)
        return Try(Delivery.SENT)

    def mails(self) -> list[Mail]:
        """The newest SHOWN mails."""
        newest = sorted(self._directory.glob("*.json"), key=_came, reverse=True)[:SHOWN]
        return [_mail(path.read_text()) for path in newest]


def _came(path: Path) -> tuple[str, int]:
    """When it was written and, of those written at one moment, when it came."""
    return path.name.partition("-")[0], path.stat().st_mtime_ns


def _mail(text: str) -> Mail:
    values = json.loads(text)
    return Mail(**values | {"written_at": datetime.fromisoformat(values["written_at"])})
