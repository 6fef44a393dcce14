"""A provider of OpenID Connect of the tests' own: strict where others are lenient, and broken on demand.

It shares no code with the site: HTTP is http.server, and tokens are written and read with `cryptography` alone. The
person at its page always agrees at once. What a client did wrong is in `complaints`, what was asked in `seen`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT = "goshogawara-test"
HANAKO = {
    "sub": "5f1c8a54-pairwise",
    "name": "三好　花子",
    "address": {"formatted": "青森県五所川原市字布屋町15番地2"},
    "birthdate": "1995-09-02",
    "gender": "female",
}
ES256 = ec.ECDSA(SHA256())
Sign = Callable[[dict[str, Any], dict[str, Any]], str]


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signed(key: ec.EllipticCurvePrivateKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A JWT by RFC 7515: r and s of 32 bytes each."""
    text = f"{encoded(header)}.{encoded(claims)}"
    r, s = decode_dss_signature(key.sign(text.encode(), ES256))
    return f"{text}.{encoded(r.to_bytes(32) + s.to_bytes(32))}"


def verified(key: ec.EllipticCurvePublicKey, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(header, claims). Raises InvalidSignature."""
    header, claims, signature = token.split(".")
    raw = decoded(signature)
    pair = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key.verify(pair, f"{header}.{claims}".encode(), ES256)
    return json.loads(decoded(header)), json.loads(decoded(claims))


def public_jwk(key: ec.EllipticCurvePrivateKey, kid: str) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    point = {"x": encoded(numbers.x.to_bytes(32)), "y": encoded(numbers.y.to_bytes(32))}
    return {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid} | point


@dataclass
class Reply:
    """What an address answers instead of the truth. `body`: bytes, or 'hang' (never an end) or 'huge' (no end)."""

    status: int = 200
    body: bytes | str = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


class Provider:
    """`clock` is the site's. Everything that tests twist is an attribute."""

    def __init__(self, clock: Callable[[], datetime], client_key: ec.EllipticCurvePublicKey, return_url: str) -> None:
        self.clock, self.registered, self.return_url = clock, client_key, return_url
        self.over = threading.Event()
        self.base = ""
        self.tell_the_truth()

    def tell_the_truth(self) -> None:
        """Forget every twist, and everybody."""
        self.client_key = self.registered
        self.key, self.old_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.kid = "now"
        self.person: dict[str, Any] = dict(HANAKO)
        self.metadata: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        """Laid over the ID token's; None takes one away."""
        self.sign: Sign = lambda header, claims: signed(self.key, header, claims)
        self.replies: dict[str, Reply] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.complaints: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, str] = {}
        self._assertions: set[str] = set()

    # -- what it publishes

    @property
    def issuer(self) -> str:
        return f"{self.base}/realms/main"

    def document(self) -> dict[str, Any]:
        base = f"{self.issuer}/protocol"
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{base}/auth",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{base}/certs",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["PS256", "ES256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": True,
        } | self.metadata

    def jwks(self) -> dict[str, Any]:
        return {"keys": [public_jwk(self.old_key, "before"), public_jwk(self.key, self.kid)]}

    # -- the flow

    def answer(self, path: str, given: dict[str, str], bearer: str) -> Reply:
        self.seen.append((path, given))
        if path in self.replies:
            return self.replies[path]
        if path == "/realms/main/.well-known/openid-configuration":
            return _json(self.document())
        serve = {"certs": lambda: _json(self.jwks()), "auth": lambda: self._authorize(given)}
        serve |= {"token": lambda: self._token(given), "userinfo": lambda: self._userinfo(bearer)}
        name = path.removeprefix("/realms/main/protocol/")
        return serve[name]() if name in serve else Reply(404)

    def _authorize(self, asked: dict[str, str]) -> Reply:
        for fault in self._faults_of(asked):
            return self._complain(400, "invalid_request", fault)
        code = secrets.token_urlsafe(24)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer, "session_state": "x"}
        return Reply(302, b"", {"location": f"{self.return_url}?{urlencode(back)}"})

    def _faults_of(self, asked: Mapping[str, str]) -> Iterator[str]:
        wanted = {"response_type": "code", "client_id": CLIENT, "redirect_uri": self.return_url}
        wanted |= {"code_challenge_method": "S256", "acr_values": "aal3 crl"}
        yield from (name for name, value in wanted.items() if asked.get(name) != value)
        lengths = {"state": 43, "nonce": 43, "code_challenge": 43}
        yield from (name for name, length in lengths.items() if len(asked.get(name, "")) < length)
        if "openid" not in asked.get("scope", "").split():
            yield "scope"

    def _token(self, asked: dict[str, str]) -> Reply:
        if fault := self._fault_of_client(asked):
            return self._complain(401, "invalid_client", fault)
        code = self._codes.pop(asked.get("code", ""), None)
        if code is None:
            return _json({"error": "invalid_grant"}, 400)
        challenge = encoded(hashlib.sha256(asked.get("code_verifier", "").encode()).digest())
        if challenge != code["code_challenge"] or not 43 <= len(asked["code_verifier"]) <= 128:
            return self._complain(400, "invalid_grant", "code_verifier")
        if asked.get("redirect_uri") != code["redirect_uri"] or asked.get("grant_type") != "authorization_code":
            return self._complain(400, "invalid_grant", "redirect_uri")
        access = secrets.token_urlsafe(32)
        self._tokens[access] = code["scope"]
        return _json({"token_type": "Bearer", "access_token": access, "id_token": self._id_token(code["nonce"])})

    def _fault_of_client(self, asked: Mapping[str, str]) -> str:
        """private_key_jwt by RFC 7523, 3; each assertion counts once."""
        if asked.get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            return "client_assertion_type"
        try:
            header, claims = verified(self.client_key, asked.get("client_assertion", "a.b.c"))
        except (InvalidSignature, ValueError):
            return "signature"
        now = self.clock().timestamp()
        token_endpoint = f"{self.issuer}/protocol/token"
        rules = {
            "alg": header["alg"] == "ES256",
            "iss": claims["iss"] == claims["sub"] == CLIENT == asked.get("client_id"),
            "aud": claims["aud"] == token_endpoint,
            "exp": now < claims["exp"] <= now + 300,
            "iat": abs(now - claims["iat"]) <= 5,
            "jti": len(claims["jti"]) >= 22 and claims["jti"] not in self._assertions,
        }
        self._assertions.add(claims["jti"])
        return next((name for name, kept in rules.items() if not kept), "")

    def _id_token(self, nonce: str) -> str:
        now = int(self.clock().timestamp())
        claims = {"iss": self.issuer, "sub": self.person["sub"], "aud": CLIENT, "azp": CLIENT, "nonce": nonce}
        claims |= {"iat": now, "exp": now + 300, "auth_time": now, "acr": "aal3", "typ": "ID"} | self.claims
        header = {"alg": "ES256", "typ": "JWT", "kid": self.kid} | self.header
        kept = [{name: value for name, value in each.items() if value is not None} for each in (header, claims)]
        return self.sign(*kept)

    def _userinfo(self, bearer: str) -> Reply:
        if bearer not in self._tokens:
            return self._complain(401, "invalid_token", "bearer")
        scopes = {"sub", *self._tokens[bearer].split()}
        return _json({name: value for name, value in self.person.items() if name in scopes})

    def _complain(self, status: int, error: str, what: str) -> Reply:
        self.complaints.append(what)
        return _json({"error": error, "error_description": what}, status)


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value, ensure_ascii=False).encode())


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            self._answer(dict(parse_qsl(body, keep_blank_values=True)))

        def _answer(self, form: dict[str, str]) -> None:
            parts = urlsplit(self.path)
            bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
            reply = provider.answer(parts.path, dict(parse_qsl(parts.query)) | form, bearer)
            self.close_connection = True
            if reply.body == "hang":
                provider.over.wait()
                return
            self.send_response(reply.status)
            headers = {"content-type": "application/json", "cache-control": "no-store", "connection": "close"}
            for name, value in (headers | dict(reply.headers)).items():
                self.send_header(name, value)
            self.end_headers()
            self._write(reply.body)

        def _write(self, body: bytes | str) -> None:
            try:
                self.wfile.write(body if isinstance(body, bytes) else b"")
                while body == "huge" and not provider.over.is_set():
                    self.wfile.write(b" " * 65536)
            except OSError:  # the client has had enough
                return

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def served(provider: Provider) -> Iterator[Provider]:
    """The provider on loopback, as long as it is used."""
    with _Server(("127.0.0.1", 0), _handler(provider)) as server:
        provider.base = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield provider
        finally:
            provider.over.set()
            server.shutdown()
            thread.join()
