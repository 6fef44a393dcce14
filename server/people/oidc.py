"""The adapter for OpenID Connect: デジタル認証アプリ, or another provider that keeps to the standard.

`OidcClient` is what every way over a provider has in common; `OidcIdentity` asks who a resident is, `staff_oidc` who
somebody on the staff is. Authorization code with PKCE S256 (RFC 7636) and `private_key_jwt` ES256 (RFC 7523), or a
client secret (RFC 6749, 2.3.1) where there is no key; where the provider's addresses are
is read from its discovery document (OpenID Connect Discovery 1.0), who came from its ID token and its userinfo (OpenID
Connect Core 1.0, 3.1.3.7 and 5.3). Nothing is stored between leaving and coming back: nonce and verifier are made from
the state with a key of ours, so each belongs to one state and nobody who sees the state can tell them.

Everything the provider answers is taken for junk until it is proven: bounded in time and size, no redirects. Whatever
does not hold is a `Refused`, never an exception: 'declined' by the person, 'invalid' for an answer that proves nothing
(try again), 'unavailable' where the provider is away or does not take our word (come back later).
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from procedures.declaration import Assurance
from server.people.facts import Facts
from server.people.identity import Refused
from server.people.oidc_answers import ALGORITHMS, Asked, SigningKey, Trouble, facts_of, opened, proven, signing_keys
from server.settings import OidcSettings, bad_oidc_key
from server.store.values import Clock, Random

KNOWN_FOR: Final = timedelta(hours=1)
"""How long discovery and keys are believed. A key that is new before is fetched when a token names it."""
PATIENCE: Final = 10.0
"""Seconds for one call of ours, however many requests it takes: a person waits for it."""
MOST_BYTES: Final = 256 * 1024
ASSERTION_LIFE: Final = timedelta(minutes=1)

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST_CODE: Final = 4096
_LATER: Final = frozenset({"temporarily_unavailable", "server_error"})
AWAY: Final = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Provider:
    """What a discovery document says, as far as it concerns us. `names_itself`: RFC 9207, `iss` beside the code.
    `secret_in_body`: it takes a client's secret nowhere else."""

    authorization: str
    token: str
    userinfo: str
    jwks: str
    algorithms: frozenset[str]
    names_itself: bool
    secret_in_body: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole."""

    status: int
    type: str
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object it is. Trouble('unavailable') when it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Trouble("unavailable") from error
        if not isinstance(found, dict):
            raise Trouble("unavailable")
        return found


def read_key(settings: OidcSettings) -> ECKey | None:
    """Our private key, None where we have a secret instead. Raises BadSettings for a file that is missing or holds
    none: better at start than at night.

    PEM (SEC 1 or PKCS 8), or a JWK; a JWK's `kid` is told to the provider, which may hold several keys of ours.
    """
    if settings.key_file is None:
        return None
    try:
        text = settings.key_file.read_text("ascii")
        key = ECKey.import_key(json.loads(text) if text.lstrip().startswith("{") else text)
    except (OSError, ValueError, TypeError, JoseError) as error:  # TypeError: it has a password
        raise bad_oidc_key(settings.whose) from error
    if not key.is_private or key.curve_name != "P-256":
        raise bad_oidc_key(settings.whose)
    return key


@dataclass(frozen=True, slots=True)
class Said:
    """What a provider's ID token says, proven to be for this sign-in; `access` opens its userinfo."""

    subject: str
    claims: Mapping[str, Any]
    access: str


class OidcClient:
    """`secret`: 32 bytes that all workers share. `patience` in seconds."""

    def __init__(
        self, settings: OidcSettings, secret: bytes, *, clock: Clock, random: Random, patience: float = PATIENCE
    ) -> None:
        self._settings, self._secret = settings, secret
        self._clock, self._random, self.patience = clock, random, patience
        self._key = read_key(settings)
        self._trust = httpx2.create_ssl_context()
        self.forget()

    def forget(self) -> None:
        """What the provider publishes is asked anew."""
        self._provider: tuple[datetime, Provider] | None = None
        self._keys: tuple[datetime, tuple[SigningKey, ...]] | None = None

    # -- the way out

    async def start(self, state: str, return_url: str) -> str | Refused:
        try:
            async with asyncio.timeout(self.patience), self._client() as client:
                provider = await self._discover(client)
        except (Trouble, *AWAY) as trouble:
            return refused(trouble)
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": return_url,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": self._derived("nonce", state),
            "code_challenge": _base64(sha256(self._derived("verifier", state).encode()).digest()),
            "code_challenge_method": "S256",
        }
        if self._settings.acr_values:
            asked["acr_values"] = " ".join(self._settings.acr_values)
        mark = "&" if "?" in provider.authorization else "?"
        return provider.authorization + mark + urlencode(asked, quote_via=quote)

    # -- the way back

    async def _said(
        self, client: httpx2.AsyncClient, params: Mapping[str, str], return_url: str, acr_values: Sequence[str]
    ) -> Said:
        """What the answer at our return address proves. Raises Trouble."""
        provider = await self._discover(client)
        code = self._code(provider, params)
        tokens = await self._tokens(client, provider, code, params.get("state", ""), return_url)
        claims = await self._opened(client, provider, tokens["id_token"])
        asked = Asked(self._settings.issuer, self._settings.client_id, acr_values)
        nonce = self._derived("nonce", params.get("state", ""))
        return Said(proven(claims, asked, nonce=nonce, now=self._clock()), claims, tokens["access_token"])

    def _code(self, provider: Provider, params: Mapping[str, str]) -> str:
        """The code of an answer that is the provider's own (RFC 9207: another's code must not reach this one)."""
        said = params.get("iss")
        if said != self._settings.issuer and (said is not None or provider.names_itself):
            raise Trouble("invalid")
        if error := params.get("error"):
            told = {"access_denied": "declined"} | dict.fromkeys(_LATER, "unavailable")
            raise Trouble(told.get(error, "invalid"))
        code = params.get("code", "")
        if not 0 < len(code) <= _LONGEST_CODE:
            raise Trouble("invalid")
        return code

    async def _tokens(
        self, client: httpx2.AsyncClient, provider: Provider, code: str, state: str, return_url: str
    ) -> dict[str, str]:
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_url,
            "code_verifier": self._derived("verifier", state),
        }
        ours, headers = self._ourselves(provider)
        answer = await _ask(client, "POST", provider.token, data=asked | ours, headers=headers)
        if answer.status == 400 and answer.document.get("error") == "invalid_grant":
            raise Trouble("invalid")  # the code is spent or too old, or the verifier is another's
        said = _fine(answer).document
        if str(said.get("token_type", "")).lower() != "bearer":
            raise Trouble("unavailable")
        return {name: _token(said.get(name)) for name in ("access_token", "id_token")}

    def _ourselves(self, provider: Provider) -> tuple[dict[str, str], dict[str, str]]:
        """That it is us who ask: what goes into the body, and the headers."""
        name, secret = self._settings.client_id, self._settings.client_secret
        if self._key is not None:
            proof = {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": self._assertion(provider.token)}
            return {"client_id": name, **proof}, {}
        if provider.secret_in_body:
            return {"client_id": name, "client_secret": secret}, {}
        pair = f"{quote(name, safe='')}:{quote(secret, safe='')}"
        return {}, {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _assertion(self, audience: str) -> str:
        """Our word, signed, that it is us who ask: good for one minute, at this address, once."""
        now, name = self._clock(), self._settings.client_id
        claims = {
            "iss": name,
            "sub": name,
            "aud": audience,
            "jti": self._random(16).hex(),
            "iat": int(now.timestamp()),
            "exp": int((now + ASSERTION_LIFE).timestamp()),
        }
        key: Any = self._key
        kid = {"kid": given} if isinstance(given := key.get("kid"), str) else {}
        return jwt.encode({"alg": "ES256", **kid}, claims, key, algorithms=["ES256"])

    def _derived(self, purpose: str, state: str) -> str:
        """43 characters that belong to this state alone, and follow from it for nobody else."""
        return _base64(hmac.digest(self._secret, f"{purpose}\n{state}".encode(errors="replace"), sha256))

    # -- what the provider publishes

    async def _discover(self, client: httpx2.AsyncClient) -> Provider:
        if self._provider is None or self._clock() >= self._provider[0]:
            address = self._settings.issuer.removesuffix("/") + "/.well-known/openid-configuration"
            document = _fine(await _ask(client, "GET", address)).document
            self._provider = self._clock() + KNOWN_FOR, _provider(document, self._settings.issuer)
        return self._provider[1]

    async def _opened(self, client: httpx2.AsyncClient, provider: Provider, token: str) -> dict[str, Any]:
        """The claims of a token that one of the provider's keys signed. An unknown key is looked for once."""
        known = self._keys is not None and self._clock() < self._keys[0]
        keys = self._keys[1] if known and self._keys else await self._fetch_keys(client, provider)
        claims = opened(token, keys, provider.algorithms)
        if claims is None and known:
            claims = opened(token, await self._fetch_keys(client, provider), provider.algorithms)
        if claims is None:
            raise Trouble("invalid")
        return claims

    async def _fetch_keys(self, client: httpx2.AsyncClient, provider: Provider) -> tuple[SigningKey, ...]:
        found = signing_keys(_fine(await _ask(client, "GET", provider.jwks)).document)
        self._keys = self._clock() + KNOWN_FOR, found
        return found

    # -- HTTP

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(verify=self._trust, timeout=self.patience, follow_redirects=False)


class OidcIdentity(OidcClient):
    """Who a resident is, by their card."""

    provider: Final = "oidc"
    level: Final = Assurance.OIDC_BASIC

    async def finish(self, params: Mapping[str, str], return_url: str) -> Facts | Refused:
        try:
            async with asyncio.timeout(self.patience), self._client() as client:
                return await self._person(client, params, return_url)
        except (Trouble, *AWAY) as trouble:
            return refused(trouble)

    async def _person(self, client: httpx2.AsyncClient, params: Mapping[str, str], return_url: str) -> Facts:
        settings = self._settings
        found = await self._said(client, params, return_url, settings.acr_values)
        said = await self._userinfo(client, await self._discover(client), found.access)
        # A token of one person with the facts of another (Core 5.3.2: substitution).
        if said.get("sub") != found.subject:
            raise Trouble("invalid")
        asked = Asked(settings.issuer, settings.client_id, settings.acr_values)
        return facts_of(said, asked, found.subject, self._clock())

    async def _userinfo(self, client: httpx2.AsyncClient, provider: Provider, token: str) -> dict[str, Any]:
        answer = _fine(await _ask(client, "GET", provider.userinfo, headers={"authorization": f"Bearer {token}"}))
        if answer.type != "application/jwt":
            return answer.document
        said = await self._opened(client, provider, answer.body.decode("ascii", "replace"))
        audience = said.get("aud")
        ours = self._settings.client_id in (audience if isinstance(audience, list) else [audience])
        if said.get("iss") != self._settings.issuer or not ours:
            raise Trouble("invalid")
        return said


async def _ask(client: httpx2.AsyncClient, method: str, url: str, **given: Any) -> Answer:
    """One request. Trouble('unavailable') for an answer that is packed (a bomb) or longer than MOST_BYTES."""
    headers = {"accept": "application/json, application/jwt", "accept-encoding": "identity"} | given.pop("headers", {})
    async with client.stream(method, url, headers=headers, **given) as response:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Trouble("unavailable")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MOST_BYTES:
                raise Trouble("unavailable")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, kind, bytes(body))


def _fine(answer: Answer) -> Answer:
    if answer.status != 200:
        raise Trouble("unavailable")
    return answer


def _provider(document: Mapping[str, Any], issuer: str) -> Provider:
    """Letter by letter, else another issuer could answer in this one's name (Discovery 4.3)."""
    if document.get("issuer") != issuer:
        raise Trouble("unavailable")
    offered = document.get("id_token_signing_alg_values_supported")
    names = {each for each in offered if isinstance(each, str)} if isinstance(offered, list) else set()
    if not ALGORITHMS & names:
        raise Trouble("unavailable")
    return Provider(
        authorization=_endpoint(document.get("authorization_endpoint"), issuer),
        token=_endpoint(document.get("token_endpoint"), issuer),
        userinfo=_endpoint(document.get("userinfo_endpoint"), issuer),
        jwks=_endpoint(document.get("jwks_uri"), issuer),
        algorithms=ALGORITHMS & names,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        secret_in_body=_only_in_body(document.get("token_endpoint_auth_methods_supported")),
    )


def _only_in_body(methods: object) -> bool:
    """Where nothing is said, the header is meant (Discovery 3)."""
    return isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods


def _endpoint(value: object, issuer: str) -> str:
    """An address that may be asked, and be written into a header; encrypted where the issuer is."""
    text = value if isinstance(value, str) and value.isascii() and value.isprintable() else ""
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise Trouble("unavailable") from error
    safe = parts.scheme == "https" or (parts.scheme == "http" and issuer.startswith("http:"))
    if not safe or not parts.hostname or parts.username is not None or parts.fragment or " " in text:
        raise Trouble("unavailable")
    return text


def _token(value: object) -> str:
    """A token that can stand in a header."""
    if not (isinstance(value, str) and value and value.isascii() and value.isprintable() and " " not in value):
        raise Trouble("unavailable")
    return value


def refused(trouble: Exception) -> Refused:
    """What went wrong, as data; the cause is for the log."""
    return Refused(trouble.reason if isinstance(trouble, Trouble) else "unavailable", trouble)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
