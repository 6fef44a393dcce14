"""Settings: environment variables with the prefix KAKANAI_, all on docs/settings.md. No other module names one."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

T = TypeVar("T")
Network = IPv4Network | IPv6Network

PREFIX: Final = "KAKANAI_"
NAMES: Final = (
    *("MODE", "DATA_DIR", "DATABASE_URL", "CITY_FILE", "FONT_DIR", "WORKER"),
    *("HOST", "PORT", "BASE_URL", "TRUSTED_PROXIES", "SANDBOX_PUBLIC"),
    *("SECRET_KEY", "INDEX_KEY", "ENCRYPTION_KEYS", "MY_NUMBER_PUBLIC_KEY", "MY_NUMBER_PRIVATE_KEY"),
    *("IDENTITY", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_KEY_FILE", "OIDC_SCOPES", "OIDC_ACR_VALUES"),
    *("STAFF_OIDC_ISSUER", "STAFF_OIDC_CLIENT_ID", "STAFF_OIDC_KEY_FILE", "STAFF_OIDC_CLIENT_SECRET"),
    *("STAFF_OIDC_SCOPES", "STAFF_OIDC_ACR_VALUES", "STAFF_OIDC_AMR_VALUES"),
    *("SIGNING",),
    *("PAYMENTS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE", "STRIPE_METHODS"),
    *("MAIL", "SMTP_URL", "MAIL_FROM"),
    *("SCANNER", "CLAMAV_ADDRESS"),
    *("CARD_READER",),
    *("EXPLORER",),
)
"""Every variable, without the prefix."""

_ROOT: Final = Path(__file__).resolve().parents[1]
_KEY_LENGTH: Final = 32


class Mode(StrEnum):
    PRODUCTION = "production"
    SANDBOX = "sandbox"


class BadSettings(ValueError):
    """Settings that cannot stand: one line a variable, naming it and what is allowed, never what a secret was."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults: Final = tuple(faults)


def bad_oidc_key(whose: str = "OIDC") -> BadSettings:
    """For whoever opens the file: a path says little of what lies there."""
    allowed = "must be a file that can be read: a private key on the curve P-256 (PEM or JWK), without a password"
    return BadSettings([f"{PREFIX}{whose}_KEY_FILE: {allowed}"])


class _Unfit(ValueError):
    """What is allowed instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """A provider of identities, found by its issuer. `key_file` holds our private key (EC P-256, PEM); without one we
    are known by `client_secret`. `amr_values`: methods of which each is a second factor. `whose`: 'OIDC' of residents,
    'STAFF_OIDC'."""

    issuer: str
    client_id: str
    key_file: Path | None
    scopes: tuple[str, ...]
    acr_values: tuple[str, ...]
    client_secret: str = field(default="", repr=False)
    amr_values: tuple[str, ...] = ()
    whose: str = "OIDC"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSettings:
    """An account at Stripe. Several webhook secrets are live while one is rotated."""

    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    api_base: str
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """A mail server. `encryption`: 'tls' from the start, 'starttls' demanded, or 'none' (loopback only)."""

    host: str
    port: int
    encryption: str
    user: str
    password: str = field(repr=False)
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """In sandbox mode a key that is not given is None here and made by `keys.open_keys`; `my_number_*` may be None in
    production too: without the public key no 個人番号 is taken, with the private key this process can read them
    (all-in-one)."""

    mode: Mode
    data_dir: Path
    database_url: str
    city_file: Path
    font_dir: Path
    host: str
    port: int
    base_url: str
    trusted_proxies: tuple[Network, ...]
    worker: bool
    explorer: bool
    identity: str
    signing: str
    payments: str
    mail: str
    scanner: str
    card_reader: str
    oidc: OidcSettings | None
    staff_oidc: OidcSettings | None
    stripe: StripeSettings | None
    smtp: SmtpSettings | None
    clamav: str
    secret_key: str | None = field(repr=False)
    index_key: str | None = field(repr=False)
    encryption_keys: Mapping[str, bytes] | None = field(repr=False)  # by id; the first is active
    my_number_public_key: bytes | None = field(repr=False)
    my_number_private_key: bytes | None = field(repr=False)

    @property
    def sandbox(self) -> bool:
        return self.mode is Mode.SANDBOX

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Raises BadSettings with every fault at once. An empty variable counts as unset."""
        read = _Reader(environ)
        mode = read("MODE", Mode.PRODUCTION, _mode)
        read.finish()  # what the others may be depends on it
        live = mode is Mode.PRODUCTION
        read.why = " in production mode" if live else ""
        data_dir = read("DATA_DIR", Path("var"), Path)
        host, port = read("HOST", "127.0.0.1", _host), read("PORT", 8000, _port)
        fine = read("SANDBOX_PUBLIC", False, _flag) or live or _loopback(host)
        read.require(fine, "HOST", f"must be a loopback address in sandbox mode, unless {PREFIX}SANDBOX_PUBLIC=1")
        settings = cls(
            mode=mode,
            data_dir=data_dir,
            database_url=read("DATABASE_URL", f"sqlite:///{data_dir / 'kakanai.db'}", _database),
            city_file=read("CITY_FILE", _ROOT / "city.json", Path),
            font_dir=read("FONT_DIR", Path("/usr/share/fonts"), Path),
            host=host,
            port=port,
            base_url=read("BASE_URL", None if live else _local_url(host, port), _https if live else _address),
            trusted_proxies=read("TRUSTED_PROXIES", (), _networks),
            worker=read("WORKER", True, _on_off),
            explorer=read("EXPLORER", not live, _on_off),
            identity=(identity := read("IDENTITY", *_port_of(mode, "oidc"))),
            signing=read("SIGNING", *_port_of(mode)),
            payments=(payments := read("PAYMENTS", *_port_of(mode, "stripe"))),
            mail=(mail := read("MAIL", *_port_of(mode, "smtp"))),
            scanner=(scanner := read("SCANNER", *_port_of(mode, "clamav"))),
            card_reader=read("CARD_READER", *_port_of(mode)),
            oidc=_oidc(read, live) if identity == "oidc" else None,
            staff_oidc=_staff_oidc(read, live),
            stripe=_stripe(read, live) if payments == "stripe" else None,
            smtp=_smtp(read) if mail == "smtp" else None,
            clamav=read.needed("CLAMAV_ADDRESS", _socket) if scanner == "clamav" else "",
            secret_key=read.secret("SECRET_KEY", live, _long_text),
            index_key=read.secret("INDEX_KEY", live, _long_text),
            encryption_keys=read.secret("ENCRYPTION_KEYS", live, _keys),
            my_number_public_key=read.secret("MY_NUMBER_PUBLIC_KEY", False, _key),
            my_number_private_key=read.secret("MY_NUMBER_PRIVATE_KEY", False, _key),
        )
        read.finish()
        return settings


def ignored(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Variables with our prefix that mean nothing: a key under a misspelt name would be missed in silence."""
    known = {PREFIX + name for name in NAMES}
    return tuple(sorted(name for name in environ if name.startswith(PREFIX) and name not in known))


class _Reader:
    """Reads variables one by one and remembers every fault; a faulty one answers its default meanwhile."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._faults: list[str] = []
        self.why = ""

    def __call__(self, name: str, default: T | None, parse: Callable[[str], T]) -> T:
        value = self.secret(name, default is None, parse)
        return default if value is None else value  # type: ignore[return-value]  # None only beside a fault

    def secret(self, name: str, required: bool, parse: Callable[[str], T]) -> T | None:
        text = self._environ.get(PREFIX + name, "").strip()
        try:
            if text:
                return parse(text)
            self.require(not required, name, f"must be set{self.why}")
        except _Unfit as allowed:
            self.require(False, name, f"must be {allowed}")
        return None

    def needed(self, name: str, parse: Callable[[str], str]) -> str:
        """A text that must be set; '' beside a fault."""
        return self.secret(name, True, parse) or ""

    def require(self, fine: bool, name: str, allowed: str) -> None:
        if not fine:
            self._faults.append(f"{PREFIX}{name}: {allowed}")

    def finish(self) -> None:
        if self._faults:
            raise BadSettings(self._faults)


def _mode(text: str) -> Mode:
    return Mode(_one_of(text, *Mode))


def _one_of(text: str, *allowed: str) -> str:
    if text not in allowed:
        raise _Unfit(" or ".join(f"'{word}'" for word in allowed))
    return text


def _port_of(mode: Mode, *real: str) -> tuple[str, Callable[[str], str]]:
    """A port's default and parser: its real adapters, the sandbox's stand-in where that may be, or off."""
    if mode is Mode.PRODUCTION:
        return "off", lambda text: _one_of(text, *real, "off")
    return "sandbox", lambda text: _one_of(text, "sandbox", *real, "off")


def _oidc(read: _Reader, live: bool) -> OidcSettings:
    return OidcSettings(
        issuer=read.needed("OIDC_ISSUER", lambda text: _url(text, live)),
        client_id=read.needed("OIDC_CLIENT_ID", str),
        key_file=read.secret("OIDC_KEY_FILE", True, Path) or Path(),
        scopes=read("OIDC_SCOPES", ("openid", "name", "address", "birthdate", "gender"), _scopes),
        acr_values=read("OIDC_ACR_VALUES", ("aal3", "crl"), _words),
    )


def _staff_oidc(read: _Reader, live: bool) -> OidcSettings | None:
    issuer = read.secret("STAFF_OIDC_ISSUER", False, lambda text: _url(text, live))
    if issuer is None:
        return None
    key_file, secret = read.secret("STAFF_OIDC_KEY_FILE", False, Path), read("STAFF_OIDC_CLIENT_SECRET", "", str)
    told = f"or {PREFIX}STAFF_OIDC_CLIENT_SECRET must be set, and not both"
    read.require(bool(key_file) != bool(secret), "STAFF_OIDC_KEY_FILE", told)
    return OidcSettings(
        issuer=issuer,
        client_id=read.needed("STAFF_OIDC_CLIENT_ID", str),
        key_file=key_file,
        client_secret=secret,
        scopes=read("STAFF_OIDC_SCOPES", ("openid",), _scopes),
        acr_values=read("STAFF_OIDC_ACR_VALUES", (), _words),
        amr_values=read("STAFF_OIDC_AMR_VALUES", ("mfa",), _words),
        whose="STAFF_OIDC",
    )


def _stripe(read: _Reader, live: bool) -> StripeSettings:
    return StripeSettings(
        secret_key=read.needed("STRIPE_SECRET_KEY", _stripe_key),
        webhook_secrets=read.secret("STRIPE_WEBHOOK_SECRET", True, _commas) or (),
        api_base=read("STRIPE_API_BASE", "https://api.stripe.com", _https if live else _address),
        methods=read("STRIPE_METHODS", _STRIPE_METHODS, _stripe_methods),
    )


def _smtp(read: _Reader) -> SmtpSettings:
    host, port, encryption, user, password = read.secret("SMTP_URL", True, _smtp_url) or ("", 0, "", "", "")
    sender = read.needed("MAIL_FROM", _sender)
    return SmtpSettings(host=host, port=port, encryption=encryption, user=user, password=password, sender=sender)


def _flag(text: str) -> bool:
    return _one_of(text, "0", "1") == "1"


def _on_off(text: str) -> bool:
    return _one_of(text, "on", "off") == "on"


def _database(text: str) -> str:
    if not text.startswith(("sqlite:///", "postgresql://")):
        raise _Unfit("'sqlite:///path/to/file' or 'postgresql://user:password@host/database'")
    return text


def _host(text: str) -> str:
    if any(letter.isspace() or letter in "/[]" for letter in text):
        raise _Unfit("a host name or an IP address without brackets")
    return text


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise _Unfit("a number from 0 to 65535")
    return int(text)


_STRIPE_METHODS: Final = ("card", "konbini", "paypay")


def _url(text: str, live: bool) -> str:
    """An address with a path, such as an issuer; compared letter by letter, so it stays as it is."""
    schemes = ("https",) if live else ("http", "https")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise _Unfit("an address") from error
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise _Unfit(" or ".join(f"'{scheme}://host/path'" for scheme in schemes) + " without query")
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _commas(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _scopes(text: str) -> tuple[str, ...]:
    scopes = _words(text)
    if "openid" not in scopes:
        raise _Unfit("words separated by blanks, 'openid' among them")
    return scopes


def _stripe_key(text: str) -> str:
    if not text.startswith(("sk_", "rk_")):
        raise _Unfit("a secret key ('sk_…') or a restricted one ('rk_…')")
    return text


def _stripe_methods(text: str) -> tuple[str, ...]:
    methods = _commas(text)
    if not methods or not set(methods) <= set(_STRIPE_METHODS):
        raise _Unfit(f"some of '{','.join(_STRIPE_METHODS)}', separated by commas")
    return methods


def _smtp_url(text: str) -> tuple[str, int, str, str, str]:
    """(host, port, encryption, user, password). Without encryption a password and a resident's mail could be read."""
    allowed = "'smtps://user:password@host' or 'smtp://user:password@host:587'"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _Unfit(allowed) from error
    if parts.scheme not in ("smtp", "smtps") or not host or parts.path not in ("", "/") or parts.query:
        raise _Unfit(allowed)
    encryption = "tls" if parts.scheme == "smtps" else "none" if _loopback(host) else "starttls"
    usual = 465 if parts.scheme == "smtps" else 587
    return host, port or usual, encryption, unquote(parts.username or ""), unquote(parts.password or "")


def _sender(text: str) -> str:
    if not re.fullmatch(r"[^\s@<>\"]+@[^\s@<>\"]+", text):
        raise _Unfit("the address mails come from, 'noreply@city.example'")
    return text


def _socket(text: str) -> str:
    if text.startswith("unix:/") or re.fullmatch(r"tcp://(\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):[0-9]{1,5}", text):
        return text
    raise _Unfit("'unix:/path/to/clamd.ctl' or 'tcp://host:3310'")


def _local_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _address(text: str, schemes: tuple[str, ...] = ("http", "https")) -> str:
    """An origin. Everything we link to is made from it, so a path or a query in it would be lost or doubled."""
    allowed = " or ".join(f"'{scheme}://host'" for scheme in schemes) + " without path or query"
    try:
        parts = urlsplit(text)
        odd = parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None
        bad = parts.scheme not in schemes or not parts.hostname or odd or parts.port == 0
    except ValueError as error:
        raise _Unfit(allowed) from error
    if bad:
        raise _Unfit(allowed)
    return f"{parts.scheme}://{parts.netloc}"


def _https(text: str) -> str:
    return _address(text, ("https",))


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise _Unfit("IP addresses or networks separated by commas, '10.0.0.0/8,::1'") from error


def _long_text(text: str) -> str:
    if len(text) < _KEY_LENGTH:
        raise _Unfit(f"at least {_KEY_LENGTH} characters, made at random")
    return text


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _Unfit(f"{_KEY_LENGTH} bytes in base64") from error
    if len(key) != _KEY_LENGTH:
        raise _Unfit(f"{_KEY_LENGTH} bytes in base64")
    return key


def _keys(text: str) -> dict[str, bytes]:
    allowed = f"'id:base64,…', ids of 1 to 32 letters, digits, '-' or '_', each once, keys of {_KEY_LENGTH} bytes"
    pairs = [part.strip().partition(":") for part in text.split(",")]
    try:
        keys = {name: _key(value) for name, _, value in pairs}
    except _Unfit as error:
        raise _Unfit(allowed) from error
    if len(keys) < len(pairs) or not all(re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name) for name in keys):
        raise _Unfit(allowed)
    return keys
