"""Who somebody on the staff is, by the provider of OpenID Connect that the city has for its own people.

What it proves is who they are there, and whether it asked for two factors; which account that is, `staff_identities`
knows. Facts about the person are not asked for: names and roles are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from server.people.identity import Refused
from server.people.oidc import AWAY, OidcClient, refused
from server.people.oidc_answers import Trouble, sure_enough
from server.settings import OidcSettings

MOST_METHODS: Final = 20


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody at the provider: `subject` is its issuer and their `sub`. `sure`: two factors were asked for."""

    subject: str
    sure: bool


class StaffProvider(OidcClient):
    """The city's own provider."""

    async def finish(self, params: Mapping[str, str], return_url: str) -> Colleague | Refused:
        """Who came back, from the query at `return_url`."""
        try:
            async with asyncio.timeout(self.patience), self._client() as client:
                found = await self._said(client, params, return_url, ())
        except (Trouble, *AWAY) as trouble:
            return refused(trouble)
        return Colleague(f"{self._settings.issuer} {found.subject}", _sure(found.claims, self._settings))


def _sure(claims: Mapping[str, Any], settings: OidcSettings) -> bool:
    """Whether a second factor was asked for: an `acr` as sure as what is configured, or a method (`amr`, RFC 8176)
    that is configured to be one. Nothing configured proves nothing."""
    if settings.acr_values and sure_enough(claims.get("acr"), settings.acr_values):
        return True
    said = claims.get("amr")
    methods = said[:MOST_METHODS] if isinstance(said, list) else []
    return any(isinstance(each, str) and each in settings.amr_values for each in methods)
