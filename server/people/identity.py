"""The port to identity providers (デジタル認証アプリ, JPKI), and the stand-in that plays them in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from procedures.declaration import Assurance
from server.people.facts import Facts, facts_from
from server.people.limits import Limit

SIGN_INS_PER_CLIENT: Final = Limit("card-client", 240, timedelta(hours=1))
"""Of one network address; a way out and a way back are one each. A city's public computers share an address, and so do
the phones of one carrier; there is nothing to guess here, only a provider to keep from being worn out through us."""
RESIDENTS: Final = Path(__file__).with_name("sandbox_residents.json")


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider did not say who it was: the person declined ('declined'), the answer proves nothing ('invalid'),
    or the provider is away or does not take our word ('unavailable'). `cause` is for the log."""

    reason: str
    cause: Exception | None = field(default=None, compare=False, repr=False)


class IdentityAdapter(Protocol):
    """One provider. `start` and `finish` are called by handlers, never inside a transaction.

    `state` is random, single-use and bound to the browser by the caller; a provider's nonce and PKCE verifier are
    to be derived from it, so that nothing has to be stored between the two calls.
    """

    @property
    def provider(self) -> str:
        """Its name in addresses and in `resident.provider`."""

    @property
    def level(self) -> Assurance:
        """How sure one can be of a person it names."""

    async def start(self, state: str, return_url: str) -> str | Refused:
        """Where to send the browser. The provider sends it on to `return_url` with `state`."""

    async def finish(self, params: Mapping[str, str], return_url: str) -> Facts | Refused:
        """Who it was, from the query the browser came back to `return_url` with, its `state` the one it left with."""


@dataclass(frozen=True, slots=True)
class SandboxResident:
    """A person of the sandbox: their facts, and in a few words what they are there to try."""

    facts: Facts
    note: str


class SandboxIdentity:
    """Plays one provider with the sandbox's residents. It has no secrets: the code it answers is the person's name."""

    def __init__(self, provider: str, level: Assurance, residents: Sequence[SandboxResident]) -> None:
        self.provider = provider
        self.level = level
        self.residents = {each.facts.subject: each for each in residents}

    async def start(self, state: str, return_url: str) -> str:
        return f"/sandbox/card/{self.provider}?" + urlencode({"state": state, "to": return_url})

    async def finish(self, params: Mapping[str, str], return_url: str) -> Facts | Refused:
        if params.get("error"):
            return Refused("declined")
        found = self.residents.get(params.get("code", ""))
        return found.facts if found else Refused("invalid")


def sandbox_identity(path: Path = RESIDENTS) -> dict[str, SandboxIdentity]:
    """The stand-ins by provider, each with those residents of the file who carry its card."""
    people: dict[tuple[str, Assurance], list[SandboxResident]] = {}
    for entry in json.loads(path.read_text()):
        resident = _resident(entry)
        people.setdefault((resident.facts.provider, resident.facts.level), []).append(resident)
    return {provider: SandboxIdentity(provider, level, found) for (provider, level), found in people.items()}


def _resident(entry: dict[str, Any]) -> SandboxResident:
    note = entry.pop("note")
    return SandboxResident(facts_from(entry), note)
