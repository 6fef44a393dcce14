"""An independent provider of OpenID Connect, `oidc-provider-mock` (PyPI), as a process of its own: see `mock_server`.

It signs RS256, demands a nonce, and with authlib judges PKCE and `private_key_jwt`. It does not look at `acr_values`:
how sure it is, is one of a person's claims. Its person chooses who to be by a form.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.browser.server import free_port

SCOPES: Final = "openid profile address"
"""Its own words: it gives name, birthdate and gender under `profile`, as OpenID Connect Core has it."""
PATIENCE: Final = 40.0

TARO: Final[Mapping[str, Any]] = {
    "sub": "taro-1",
    "acr": "aal3",
    "name": "津軽　太郎",
    "birthdate": "1989-05-14",
    "gender": "male",
    "address": {"formatted": "青森県五所川原市栄町10番地3　サンハイツ栄町201号"},
}
UNSURE: Final[Mapping[str, Any]] = {"sub": "unsure-1", "acr": "aal1", "name": "見本　次郎"}
TWICE: Final[Mapping[str, Any]] = {"sub": "staff-twice", "amr": ["pwd", "mfa"]}
ONCE: Final[Mapping[str, Any]] = {"sub": "staff-once", "amr": ["pwd"], "acr": "silver"}
GOLD: Final[Mapping[str, Any]] = {"sub": "staff-gold", "amr": "mfa", "acr": "gold"}
PEOPLE: Final = (TARO, UNSURE, TWICE, ONCE, GOLD)
ROOT: Final = Path(__file__).parents[2]


@contextmanager
def running(folder: Path, *, secrets: bool = False) -> Iterator[str]:
    """Its address, which is its issuer too. Our private key to it is made in `folder`, as oidc.pem. `secrets`: it knows
    clients by a secret instead (`registered`)."""
    port, key = free_port(), ec.generate_private_key(ec.SECP256R1())
    (folder / "oidc.pem").write_bytes(pem(key))
    (folder / "public.pem").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    public = "secrets" if secrets else str(folder / "public.pem")
    command = [sys.executable, "-m", "tests.people.mock_server", str(port), public]
    with (folder / "provider.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)  # noqa: S603
    try:
        issuer = f"http://127.0.0.1:{port}"
        _wait(process, issuer, folder / "provider.log")
        yield issuer
    finally:
        process.terminate()
        process.wait(20)


def registered(issuer: str, return_url: str, method: str) -> tuple[str, str]:
    """A client of this provider that is known by its secret: its id and the secret."""
    asked = {"redirect_uris": [return_url], "token_endpoint_auth_method": method}
    said = httpx2.post(f"{issuer}/oauth2/clients", json=asked).json()
    return said["client_id"], said["client_secret"]


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """As `openssl ecparam -genkey` writes it."""
    return key.private_bytes(Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())


def _wait(process: subprocess.Popen[bytes], issuer: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            if httpx2.get(f"{issuer}/.well-known/openid-configuration").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"no answer in {PATIENCE} s\n{log.read_text()}")


def agreed(url: str, sub: str | None) -> str:
    """Where its page sends the browser after somebody pressed a button; `sub` None says no."""
    with httpx2.Client() as person:
        page = person.get(url)
        assert page.status_code == 200, page.text
        assert re.search('<form method="post"', page.text)
        answer = person.post(url, data={"sub": sub} if sub else {"action": "deny"})
    assert answer.status_code == 302, answer.text
    sent = str(answer.headers["location"])
    return sent.removeprefix("http://" + urlsplit(sent).netloc)
