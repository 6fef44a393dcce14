"""Settings: what may be said, what is refused and how, and that the page about them tells the truth."""

from __future__ import annotations

import base64
import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from server.settings import NAMES, BadSettings, Mode, Settings, ignored

KEY = base64.b64encode(bytes(range(32))).decode()
PRODUCTION = {
    "KAKANAI_BASE_URL": "https://apply.city.example",
    "KAKANAI_SECRET_KEY": "s" * 32,
    "KAKANAI_INDEX_KEY": "i" * 32,
    "KAKANAI_ENCRYPTION_KEYS": f"k2:{KEY},k1:{KEY}",
}
SANDBOX = {"KAKANAI_MODE": "sandbox"}
PORTS = ("IDENTITY", "SIGNING", "PAYMENTS", "MAIL", "SCANNER", "CARD_READER")


class Noting(dict[str, str]):
    """An environment that notes what is asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # narrower on purpose
        self.asked.add(name)
        return super().get(name, default)


def faults(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(BadSettings) as caught:
        Settings.from_env(environ)
    return caught.value.faults


def ports(settings: Settings) -> tuple[str, ...]:
    of = settings
    return of.identity, of.signing, of.payments, of.mail, of.scanner, of.card_reader


def test_a_sandbox_needs_nothing_but_its_mode() -> None:
    settings = Settings.from_env(SANDBOX)
    assert settings.sandbox
    assert settings.database_url == "sqlite:///var/kakanai.db"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.worker
    assert (settings.secret_key, settings.index_key, settings.encryption_keys) == (None, None, None)
    assert ports(settings) == ("sandbox",) * 6


def test_unset_means_production_and_production_takes_its_keys_from_nowhere_else() -> None:
    assert faults({}) == tuple(f"{name}: must be set in production mode" for name in PRODUCTION)
    settings = Settings.from_env(PRODUCTION)
    assert settings.mode is Mode.PRODUCTION
    assert settings.encryption_keys == {"k2": bytes(range(32)), "k1": bytes(range(32))}
    assert next(iter(settings.encryption_keys)) == "k2"
    assert ports(settings) == ("off",) * 6


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env(SANDBOX | dict.fromkeys(("KAKANAI_PORT", "KAKANAI_DATABASE_URL"), " ")).port == 8000


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("MODE", "Sandbox", "must be 'production' or 'sandbox'"),
        (
            "DATABASE_URL",
            "mysql://x/y",
            "must be 'sqlite:///path/to/file' or 'postgresql://user:password@host/database'",
        ),
        ("HOST", "0.0.0.0", "must be a loopback address in sandbox mode, unless KAKANAI_SANDBOX_PUBLIC=1"),  # noqa: S104
        ("HOST", "http://x", "must be a host name or an IP address without brackets"),
        ("PORT", "８０", "must be a number from 0 to 65535"),
        ("PORT", "65536", "must be a number from 0 to 65535"),
        ("BASE_URL", "https://x/path", "must be 'http://host' or 'https://host' without path or query"),
        ("BASE_URL", "https://[::1", "must be 'http://host' or 'https://host' without path or query"),
        ("BASE_URL", "https://user@x", "must be 'http://host' or 'https://host' without path or query"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "must be IP addresses or networks separated by commas, '10.0.0.0/8,::1'"),
        ("SANDBOX_PUBLIC", "yes", "must be '0' or '1'"),
        ("WORKER", "no", "must be 'on' or 'off'"),
        ("SECRET_KEY", "short", "must be at least 32 characters, made at random"),
        ("INDEX_KEY", "short", "must be at least 32 characters, made at random"),
        ("MY_NUMBER_PUBLIC_KEY", "!!", "must be 32 bytes in base64"),
        ("MY_NUMBER_PRIVATE_KEY", "AAAA", "must be 32 bytes in base64"),
        ("MAIL", "post", "must be 'sandbox' or 'smtp' or 'off'"),
        ("SIGNING", "jpki", "must be 'sandbox' or 'off'"),
    ],
)
def test_a_wrong_value_is_answered_by_what_is_allowed(name: str, value: str, allowed: str) -> None:
    assert faults(SANDBOX | {f"KAKANAI_{name}": value}) == (f"KAKANAI_{name}: {allowed}",)


@pytest.mark.parametrize("value", [KEY, f"k:{KEY},k:{KEY}", "k:AAAA", f":{KEY}", f"ключ:{KEY}", f"k:{KEY},"])
def test_encryption_keys_have_an_id_each(value: str) -> None:
    (fault,) = faults(SANDBOX | {"KAKANAI_ENCRYPTION_KEYS": value})
    assert fault.startswith("KAKANAI_ENCRYPTION_KEYS: must be 'id:base64,…'")
    assert KEY not in fault


def test_production_takes_no_stand_in_and_no_plain_http() -> None:
    assert faults(PRODUCTION | {"KAKANAI_IDENTITY": "sandbox", "KAKANAI_BASE_URL": "http://apply.city.example"}) == (
        "KAKANAI_BASE_URL: must be 'https://host' without path or query",
        "KAKANAI_IDENTITY: must be 'oidc' or 'off'",
    )


REAL = {
    "KAKANAI_IDENTITY": "oidc",
    "KAKANAI_OIDC_ISSUER": "https://idp.example/api/realms/main",
    "KAKANAI_OIDC_CLIENT_ID": "city",
    "KAKANAI_OIDC_KEY_FILE": "/etc/kakanai/oidc.pem",
    "KAKANAI_PAYMENTS": "stripe",
    "KAKANAI_STRIPE_SECRET_KEY": "sk_test_hunter2",
    "KAKANAI_STRIPE_WEBHOOK_SECRET": "whsec_hunter2, whsec_old",
    "KAKANAI_MAIL": "smtp",
    "KAKANAI_SMTP_URL": "smtps://city:hunter%402@mail.example",
    "KAKANAI_MAIL_FROM": "noreply@city.example",
    "KAKANAI_SCANNER": "clamav",
    "KAKANAI_CLAMAV_ADDRESS": "unix:/run/clamav/clamd.ctl",
}


STAFF = {
    "KAKANAI_STAFF_OIDC_ISSUER": "https://login.example/city",
    "KAKANAI_STAFF_OIDC_CLIENT_ID": "kakanai",
    "KAKANAI_STAFF_OIDC_CLIENT_SECRET": "hunter2 of the staff",
}


def test_the_staff_have_no_provider_until_one_is_named() -> None:
    assert Settings.from_env(PRODUCTION).staff_oidc is None
    found = Settings.from_env(PRODUCTION | STAFF)
    assert found.staff_oidc is not None and "hunter2" not in repr(found)
    assert (found.staff_oidc.key_file, found.staff_oidc.acr_values, found.staff_oidc.amr_values) == (None, (), ("mfa",))


def test_to_the_staffs_provider_we_are_known_by_a_key_or_by_a_secret() -> None:
    without = {name: value for name, value in STAFF.items() if "SECRET" not in name}
    key = {"KAKANAI_STAFF_OIDC_KEY_FILE": "/etc/kakanai/staff.pem"}
    told = ("KAKANAI_STAFF_OIDC_KEY_FILE: or KAKANAI_STAFF_OIDC_CLIENT_SECRET must be set, and not both",)
    assert faults(PRODUCTION | without) == told
    assert faults(PRODUCTION | STAFF | key) == told
    found = Settings.from_env(PRODUCTION | without | key).staff_oidc
    assert found is not None and found.key_file == Path("/etc/kakanai/staff.pem")


def test_real_adapters_are_told_where_and_as_whom() -> None:
    settings = Settings.from_env(PRODUCTION | REAL)
    assert settings.oidc is not None
    assert settings.oidc.scopes[0] == "openid"
    assert settings.stripe is not None
    assert settings.stripe.webhook_secrets == ("whsec_hunter2", "whsec_old")
    assert settings.stripe.api_base == "https://api.stripe.com"
    assert settings.smtp is not None
    assert (settings.smtp.port, settings.smtp.encryption, settings.smtp.password) == (465, "tls", "hunter@2")
    assert settings.clamav == "unix:/run/clamav/clamd.ctl"
    assert "hunter" not in repr(settings)


@pytest.mark.parametrize("name", [name for name in REAL if name.removeprefix("KAKANAI_") not in PORTS])
def test_an_adapter_without_its_settings_does_not_start(name: str) -> None:
    assert faults(PRODUCTION | REAL | {name: ""}) == (f"{name}: must be set in production mode",)
    assert faults(SANDBOX | REAL | {name: ""}) == (f"{name}: must be set",)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("OIDC_ISSUER", "http://idp.example", "must be 'https://host/path' without query"),
        ("OIDC_SCOPES", "name", "must be words separated by blanks, 'openid' among them"),
        ("STRIPE_SECRET_KEY", "pk_live_x", "must be a secret key ('sk_…') or a restricted one ('rk_…')"),
        ("STRIPE_API_BASE", "http://api.example", "must be 'https://host' without path or query"),
        ("STRIPE_METHODS", "card,cash", "must be some of 'card,konbini,paypay', separated by commas"),
        ("SMTP_URL", "http://x", "must be 'smtps://user:password@host' or 'smtp://user:password@host:587'"),
        ("MAIL_FROM", "city", "must be the address mails come from, 'noreply@city.example'"),
        ("CLAMAV_ADDRESS", "localhost", "must be 'unix:/path/to/clamd.ctl' or 'tcp://host:3310'"),
    ],
)
def test_a_setting_of_an_adapter_that_cannot_be_is_answered_by_what_can(name: str, value: str, allowed: str) -> None:
    assert faults(PRODUCTION | REAL | {f"KAKANAI_{name}": value}) == (f"KAKANAI_{name}: {allowed}",)


@pytest.mark.parametrize(
    ("url", "encryption", "port"),
    [("smtp://mail.example", "starttls", 587), ("smtp://127.0.0.1:2525", "none", 2525), ("smtps://x", "tls", 465)],
)
def test_mail_leaves_this_machine_encrypted_or_not_at_all(url: str, encryption: str, port: int) -> None:
    smtp = Settings.from_env(PRODUCTION | REAL | {"KAKANAI_SMTP_URL": url}).smtp
    assert smtp is not None
    assert (smtp.encryption, smtp.port) == (encryption, port)


def test_every_fault_is_told_at_once_and_no_secret_with_it() -> None:
    told = faults(SANDBOX | {"KAKANAI_PORT": "x", "KAKANAI_SECRET_KEY": "hunter2", "KAKANAI_WORKER": "x"})
    assert [fault.partition(":")[0] for fault in told] == ["KAKANAI_PORT", "KAKANAI_WORKER", "KAKANAI_SECRET_KEY"]
    assert "hunter2" not in "".join(told)
    assert "s" * 32 not in repr(Settings.from_env(PRODUCTION))


def test_a_public_sandbox_and_proxies_are_said_so() -> None:
    public = {"KAKANAI_SANDBOX_PUBLIC": "1", "KAKANAI_HOST": "::", "KAKANAI_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}
    settings = Settings.from_env(SANDBOX | public)
    assert settings.base_url == "http://[::]:8000"
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))


def test_a_misspelt_variable_is_noticed() -> None:
    assert ignored(PRODUCTION | {"KAKANAI_ENCRYPTON_KEYS": "x", "HOME": "/"}) == ("KAKANAI_ENCRYPTON_KEYS",)


def test_the_list_of_names_is_what_is_read() -> None:
    for environ in (SANDBOX | REAL | STAFF, PRODUCTION | REAL | STAFF):
        noting = Noting(environ)
        Settings.from_env(noting)
        assert noting.asked == {f"KAKANAI_{name}" for name in NAMES}


def test_the_page_has_every_variable_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    assert sorted(re.findall(r"^\| `KAKANAI_(\w+)` \|", page, re.MULTILINE)) == sorted(NAMES)


def test_no_other_module_names_an_environment_variable() -> None:
    root = Path(__file__).parents[2]
    for package in ("server", "payments", "procedures", "forms_schema"):
        for path in (root / package).rglob("*.py"):
            if path != root / "server" / "settings.py":
                assert not re.search(r"KAKANAI_|\bgetenv\b|environ(\.get|\[)", path.read_text()), path
