"""A mail, the port it leaves by, and the texts of `templates/mail`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from procedures.city import City
from server.languages import Language, Languages

_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)
_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SUBJECT: Final = "件名: "


def mail_address(text: str) -> str | None:
    """The address typed, or None where it cannot be one.

    Full-width characters are read as what was meant. Dots may stand side by side or before the @: Japanese mobile
    carriers gave such addresses out. Only ASCII and no blank or control character: a line break in an address
    would become a header of the sender's choice.
    """
    address = text.strip().translate(_FULL_WIDTH)
    return address if len(address) <= 254 and _ADDRESS.fullmatch(address) else None


def one_line(text: str) -> bool:
    """Whether nothing in `text` ends a line or steers a terminal: what may stand in a header."""
    return not any(ord(char) < 0x20 or char in "\x7f\x85\u2028\u2029" for char in text)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it goes out. `id` is the same at every try, so that a second copy can be told from a second mail."""

    id: str
    to: str
    subject: str
    body: str
    written_at: datetime

    def __post_init__(self) -> None:
        if mail_address(self.to) != self.to or not one_line(self.subject):
            raise ValueError("a mail's address and subject are one line")


class Delivery(StrEnum):
    """What became of a try to send. NEVER is for what no later try can change: nobody has this address."""

    SENT = "sent"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Try:
    """A try to send. `why` it did not go out, fit for a log: a step and a code, nothing of whom or what."""

    delivery: Delivery
    why: str = ""


class MailAdapter(Protocol):
    """What takes mails away. Called by the worker between two transactions."""

    @property
    def instant(self) -> bool:
        """Whether sending is so quick that a request may wait for it."""

    async def send(self, mail: Mail) -> Try:
        """Hand the mail over. May see the same mail again when a worker died after a send."""


class MailTexts:
    """The texts of `templates/mail`: a line `件名: …`, a blank line, the body. Plain text, so nothing is escaped.

    A notice holds facts; here they are written as the recipient's language writes them.
    """

    def __init__(self, directory: Path, *, city: City, languages: Languages) -> None:
        self._directory, self._city, self._languages = directory, city, languages
        self._environment = cache(self._made)

    def _made(self, language: Language) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(self._directory),
            autoescape=select_autoescape(default=False),
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
            language.catalogue.gettext, language.catalogue.ngettext, newstyle=True
        )
        environment.globals |= {"city": self._city, "city_name": language.city_name(self._city)}
        environment.filters |= {
            "moment": lambda text: _kept(lambda: language.moment(datetime.fromisoformat(text)), text),
            "slot": lambda text: _kept(lambda: language.slot(*text.split()), text),
            "told": language.told,
            "yen": lambda text: language.yen(int(text.replace(",", ""))),
        }
        return environment

    def write(self, kind: str, values: Mapping[str, str], language: str) -> tuple[str, str]:
        """Subject and body of the notice `kind`. `slug` among the values says whose title `procedure` is."""
        speech = self._languages.get(language, self._languages.japanese)
        told = dict(values)
        if "procedure" in told:
            told["procedure"] = speech.told(told["procedure"], told.get("slug", ""))
        text = self._environment(speech).get_template(f"{kind}.txt").render(told)
        subject, _, body = text.partition("\n\n")
        if not subject.startswith(_SUBJECT):
            raise ValueError(f"templates/mail/{kind}.txt begins with '{_SUBJECT}' and a blank line")
        return subject.removeprefix(_SUBJECT), body


def _kept(write: Callable[[], str], text: str) -> str:
    """A notice that was written by an older version says its times in words already."""
    try:
        return write()
    except (ValueError, TypeError):
        return text
