"""The server is killed while many programs file: what was acknowledged is kept, once, and told once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import empty
from tests.drills.programs import Programs, check_ledger, send_the_rest
from tests.security.process import Served, stop
from tests.security.test_durability import PRICED

PROGRAMS = 32
Figure = Callable[[str, object], None]


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        empty(url)
    served = Served(tmp_path, [PRICED], url)
    yield served
    stop(served)


@pytest.mark.drill
@pytest.mark.parametrize("served", ["sqlite", "postgresql"], indirect=True)
def test_twenty_kills_under_32_programs_lose_nothing_and_double_nothing(
    served: Served, record_property: Figure
) -> None:
    killed_while_programs_file(served, 20, each=60, figure=record_property)


@pytest.mark.parametrize("served", ["sqlite"], indirect=True)
def test_a_kill_under_32_programs_loses_nothing_and_doubles_nothing(served: Served, record_property: Figure) -> None:
    killed_while_programs_file(served, 1, each=40, figure=record_property)


def killed_while_programs_file(served: Served, kills: int, *, each: int, figure: Figure) -> None:
    """Between two kills `each` are acknowledged, at points nobody chose; the programs press on until all are."""
    programs = Programs(served.start(), PROGRAMS, -(-each * (kills + 1) // PROGRAMS)).begin()
    for number in range(kills):
        programs.wait_for(each * (number + 1))
        served.kill()
        served.start()
    programs.finish()
    served.kill()
    assert served.failures() == []
    check_ledger(served.settings, programs.acknowledged)
    told = send_the_rest(served.settings)
    assert told == dict.fromkeys(programs.acknowledged.values(), 1)
    figure("kills", kills)
    figure("acknowledged", len(programs.acknowledged))
    figure("cut off", programs.statuses[0])
    figure("lost or doubled", 0)
