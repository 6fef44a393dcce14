"""PostgreSQL dies and comes back while people file: nothing acknowledged is lost, and all is well again by itself."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.catalogue import publish
from server.store.values import utc_now
from tests.conftest import migrate
from tests.drills.postgres import Postgres
from tests.drills.programs import Programs, check_ledger
from tests.security.declarations import FEE, declared
from tests.security.process import PATIENCE, Served, stop
from tests.security.test_durability import PRICED

WRITERS = 16
Figure = Callable[[str, object], None]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    postgres = Postgres()
    try:
        yield postgres.start()
    finally:
        postgres.remove()


@pytest.mark.drill
def test_six_deaths_of_the_database_under_16_writers_lose_nothing(
    postgres: Postgres, tmp_path: Path, record_property: Figure
) -> None:
    migrate(postgres.url)
    served, each, deaths = Served(tmp_path, [PRICED], postgres.url), 40, 6
    try:
        served.start()
        writers = Programs(served, WRITERS, each * (deaths + 1) // WRITERS).begin()
        for number in range(deaths):
            writers.wait_for(each * (number + 1))
            postgres.end(signal.SIGKILL if number % 2 else signal.SIGQUIT)
            told_to_wait(served)
            postgres.start()
        writers.finish()
        news_arrive_again(served)
    finally:
        stop(served)
    assert writers.statuses.keys() <= {200, 503}  # and every 503 said when to come back
    assert writers.statuses[503] > 0
    told = [line for line in served.failures() if '"type":"StoreUnavailable"' not in line.replace(" ", "")]
    assert told == []
    check_ledger(served.settings, writers.acknowledged)
    record_property("deaths of PostgreSQL", deaths)
    record_property("acknowledged", len(writers.acknowledged))
    record_property("told to wait", writers.statuses[503])
    record_property("lost or doubled", 0)


def told_to_wait(served: Served) -> None:
    """While nobody answers there: pages that need no database stay, and the others say when to come back."""
    assert served.ask("GET", "/").status == 200
    assert served.ask("GET", "/procedures/priced").status == 200
    assert served.ask("GET", "/healthz").status == 200
    assert served.ask("GET", "/readyz").status == 503
    refused = served.ask("POST", "/applications", {"number": "123456789012340", "access_code": "AAAA-AAAA-AAAA"})
    assert refused.status == 503
    assert 0 < int(refused.headers["retry-after"]) <= 60


def news_arrive_again(served: Served) -> None:
    """The connection that listens for what others publish was cut six times: it listens again."""
    changed = declared("priced", id="P902", fee=FEE, summary="あたらしい版です。")
    served.within(lambda db: publish(db, [changed], now=utc_now(), actor="test"))
    until = time.monotonic() + PATIENCE
    while "あたらしい版です。" not in served.ask("GET", "/procedures/priced").text:
        assert time.monotonic() < until, served.told()
        time.sleep(0.1)
