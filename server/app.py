"""The composition root: nothing else builds anything with an effect."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware

from payments.port import Gateway
from payments.sandbox_gateway import SandboxGateway
from procedures.city import City, load_city
from procedures.library import ROOT as PROCEDURES
from procedures.library import Reader, Shared, read_shared
from server import jobs
from server.applications.cleaner import Cleaner
from server.applications.intake import Intake
from server.applications.scanner import ClamAvScanner, SandboxScanner, Scanner
from server.catalogue import Catalogue
from server.catalogue.catalogue import TOPIC
from server.languages import Languages
from server.notices.mail import MailTexts
from server.notices.sandbox_mailbox import SandboxMailbox
from server.notices.smtp import SmtpAdapter
from server.notices.worker import Mailer
from server.paper.press import Press
from server.people.identity import IdentityAdapter, sandbox_identity
from server.people.passwords import Passwords
from server.people.postal import postal_data
from server.people.reader import CardReader, SandboxReader
from server.people.sandbox_signer import SandboxSigner
from server.people.signing import SigningAdapter
from server.services import Services
from server.settings import Settings, StripeSettings
from server.store.blobs import Blobs
from server.store.database import open_database
from server.store.keys import Keys, open_keys
from server.store.values import Clock, Random, new_id, utc_now
from server.web.assets import Assets
from server.web.guard import Guard
from server.web.http import exception_handlers
from server.web.metrics import Metrics
from server.web.render import Renderer
from server.web.requestlog import RequestLog, to_stdout
from server.web.site import all_routes
from server.web.stream import ending_with_the_server

if TYPE_CHECKING:
    from server.people.staff_oidc import StaffProvider

ROOT: Final = Path(__file__).parents[1]


def create_app(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    random: Random = os.urandom,
    log_to: Callable[[str], object] = to_stdout,
) -> Starlette:
    """The whole site over a migrated database. Raises StoreRefused when the database is not fit for it."""
    city, metrics = load_city(settings.city_file), Metrics()
    services = build(settings, city, metrics, clock=clock, random=random)
    log = RequestLog(log_to, clock)
    routes = all_routes()
    guard = Middleware(
        Guard,
        routes=routes,
        base_url=settings.base_url,
        proxies=[str(network) for network in settings.trusted_proxies],
        log=log,
        metrics=metrics,
        ids=lambda: new_id(random),
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await services.catalogue.refresh()
        _follow(services)
        services.live.listen(services.database)
        worker = asyncio.create_task(jobs.run_forever(services, log.trouble)) if settings.worker else None
        try:
            with ending_with_the_server(services.live):
                yield
        finally:
            if worker is not None:
                worker.cancel()
                with suppress(asyncio.CancelledError):
                    await worker
            log.flush()
            services.intake.close()
            services.database.close()

    app = Starlette(routes=routes, middleware=[guard], exception_handlers=exception_handlers(), lifespan=lifespan)
    app.router.redirect_slashes = False  # such a redirect is made from the Host header, which anybody writes
    app.state.services = services
    return app


def _follow(services: Services) -> None:
    """Serve what any worker publishes, as soon as it says so."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def refresh() -> None:
        task = loop.create_task(services.catalogue.refresh())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    services.database.listen(TOPIC, lambda _key: loop.call_soon_threadsafe(refresh))


def build(settings: Settings, city: City, metrics: Metrics, *, clock: Clock, random: Random) -> Services:
    """Everything with an effect, by the settings."""
    database = open_database(settings, clock=clock)
    keys = open_keys(settings)
    people = sandbox_identity() if settings.identity == "sandbox" else {}
    identity: Mapping[str, IdentityAdapter] = {**people, **_oidc(settings, keys, clock, random)}
    signing_adapter: SigningAdapter | None = None
    if settings.signing == "sandbox":
        signing_adapter = SandboxSigner(settings.data_dir / "sandbox-cards", people, random=random)
    blobs, scanner = Blobs(settings.data_dir), _scanner(settings)
    shared = _shared()
    languages, assets = Languages(shared.translations), Assets(ROOT / "static")
    return Services(
        settings=settings,
        city=city,
        database=database,
        keys=keys,
        blobs=blobs,
        catalogue=Catalogue(shared, database, takes_my_number=keys.takes_my_number),
        postal=postal_data(),
        identity=identity,
        signing=signing_adapter,
        passwords=Passwords(),
        staff_provider=_staff_provider(settings, keys, clock, random),
        gateway=_gateway(settings, keys, clock, random),
        mailer=_mailer(settings, keys, city, languages),
        scanner=scanner,
        reader=_reader(settings),
        intake=Intake(database, keys, blobs, Cleaner(), scanner, clock=clock, random=random),
        clock=clock,
        random=random,
        languages=languages,
        renderer=Renderer(ROOT / "templates", assets=assets, city=city, sandbox=settings.sandbox, languages=languages),
        metrics=metrics,
        press=Press(settings.font_dir),
    )


@cache
def _shared() -> Shared:
    """What the files say besides declarations; a process with several sites, as tests have, reads it once."""
    return read_shared(PROCEDURES, Reader())


def _oidc(settings: Settings, keys: Keys, clock: Clock, random: Random) -> dict[str, IdentityAdapter]:
    if settings.oidc is None:
        return {}
    from server.people.oidc import OidcIdentity  # with joserfc and an HTTP client a tenth of a second

    adapter = OidcIdentity(settings.oidc, keys.subkey("oidc"), clock=clock, random=random)
    return {adapter.provider: adapter}


def _staff_provider(settings: Settings, keys: Keys, clock: Clock, random: Random) -> StaffProvider | None:
    if settings.staff_oidc is None:
        return None
    from server.people.staff_oidc import StaffProvider  # as above

    return StaffProvider(settings.staff_oidc, keys.subkey("staff-oidc"), clock=clock, random=random)


def _gateway(settings: Settings, keys: Keys, clock: Clock, random: Random) -> Gateway | None:
    if settings.stripe is not None:
        return _stripe(settings.stripe, clock)
    if settings.payments != "sandbox":
        return None
    secrets = [keys.subkey("sandbox-payments").hex()]
    return SandboxGateway(settings.data_dir / "sandbox-payments.db", secrets, clock=clock, random=random)


def _stripe(of: StripeSettings, clock: Clock) -> Gateway:
    from payments.stripe_gateway import StripeGateway  # half a second and 20 MB, for those who use it

    secrets, base = of.webhook_secrets, of.api_base
    return StripeGateway(of.secret_key, secrets, methods=of.methods, clock=clock, api_base=base)


def _mailer(settings: Settings, keys: Keys, city: City, languages: Languages) -> Mailer | None:
    texts = MailTexts(ROOT / "templates" / "mail", city=city, languages=languages)
    if settings.smtp is not None:
        return Mailer(keys, texts, SmtpAdapter(settings.smtp, city.name))
    if settings.mail == "sandbox":
        return Mailer(keys, texts, SandboxMailbox(settings.data_dir / "sandbox-mail"))
    return None


def _scanner(settings: Settings) -> Scanner | None:
    if settings.clamav:
        return ClamAvScanner(settings.clamav)
    return SandboxScanner() if settings.scanner == "sandbox" else None


def _reader(settings: Settings) -> CardReader | None:
    if settings.card_reader != "sandbox":
        return None
    residents = [each for adapter in sandbox_identity().values() for each in adapter.residents.values()]
    return SandboxReader(settings.data_dir / "sandbox-readers", residents)


def from_environment() -> Starlette:
    """What a serving process runs. What is there by now stays: the collector need not look at it again."""
    app = create_app(Settings.from_env(os.environ))
    gc.collect()
    gc.freeze()
    gc.enable()
    return app


async def run_worker(settings: Settings) -> None:
    """Notices and scheduled jobs, until the process is ended."""
    log = RequestLog(to_stdout, utc_now)
    services = build(settings, load_city(settings.city_file), Metrics(), clock=utc_now, random=os.urandom)
    try:
        await jobs.run_forever(services, log.trouble)
    finally:
        services.database.close()
