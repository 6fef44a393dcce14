"""How often one may: every address that is posted to has its limits here, or the reason why it needs none.

Each limit is met over two servers that share a store: one of them counts what the other let through.
"""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from sqlalchemy import select, update

import server
from server.app import create_app
from server.applications import intake, lookup, submission
from server.counter import handoffs
from server.people import devices, email_codes, identity, passkeys, sessions, staff, tokens
from server.people.limits import Limit
from server.settings import Settings
from server.store import tables as t
from server.store.database import Reading
from server.web.residents import drafts, resume
from tests.conftest import Random
from tests.door import Door
from tests.files.papers import PDF
from tests.security.addresses import served
from tests.security.declarations import sample
from tests.security.site import LETTER, Browser, Site, opened, place
from tests.security.test_durability import ANSWERS
from tests.security.test_graphql_authorisation import STATUS, SUBMIT

NUMBERS = count()
WAIT = re.compile("もう一度添付してください（あと([0-9]+)分）")
KEPT = "きえない言葉"
"""What was typed, and is still there when one is told to wait."""
OWN: Final = "only what is one's own is changed, in place: it grows neither the store nor anybody's knowledge"
STAND_IN: Final = "a stand-in of the sandbox, which is nobody's outside it"

COLLEAGUE: Final = "somebody of the staff with the role for it, and each time is written down under their name"
AS_A_SIGN_IN: Final = "password or code that are wrong count as failed sign-ins (tests/web/test_staff_own.py)"
TABLET: Final = "only a registered tablet gets there, and changes nothing but what is said of the visit it shows"
LOBBY: Final = "only a registered kiosk gets there, one visit at a time, with a few forms and one number each"
FAILURES: Final = (staff.FAILED_HERE, staff.FAILED_ANYWHERE, staff.FAILED_PLACE)

Ask = Callable[[Browser], httpx2.Response]


@dataclass(frozen=True)
class Met:
    """A limit, and one request that counts. `keeps`: the answer still holds what was typed. `beside`: it is told at the
    question of the file, as every fault of a file is, on the page with all that was typed."""

    limit: Limit
    ready: Callable[[Browser], Ask]
    signed_in: bool = False
    keeps: bool = False
    beside: bool = False


def fresh() -> str:
    return f"{KEPT} {next(NUMBERS)}"


def begins(_browser: Browser) -> Ask:
    return lambda browser: browser.post("/procedures/letter/apply", {**LETTER, "note": fresh()})


def submits(browser: Browser) -> Ask:
    draft = browser.begin("letter", {"note": fresh()})
    seen = browser.revision(f"/drafts/{draft}/check")
    return lambda browser: browser.post(f"/drafts/{draft}/submit", {"_rev": seen})


def hands_in(browser: Browser) -> Ask:
    page = f"/drafts/{browser.begin('letter', {'note': fresh()})}/1"
    paper = [("attachment.paper", ("x.pdf", PDF, "application/pdf"))]
    return lambda browser: browser.post(page, {**LETTER, "note": fresh(), "_rev": browser.revision(page)}, paper)


def resumes(_browser: Browser) -> Ask:
    return lambda browser: browser.post("/resume", {"code": "0000-0000-0000"})


def looks_up(_browser: Browser) -> Ask:
    wrong = {"number": "123456789012340", "access_code": "AAAA-AAAA-AAAA"}
    return lambda browser: browser.post("/applications", wrong)


def asks_for_a_code(_browser: Browser) -> Ask:
    return lambda browser: browser.post("/signin/email", {"address": "a@example.jp"})


def guesses(_browser: Browser) -> Ask:
    return lambda browser: browser.post("/signin/email", {"code": "000000"})


def enters(_browser: Browser) -> Ask:
    return lambda browser: browser.post("/staff/signin", {"login": "tanaka", "password": "", "code": "000000"})


def shows_a_passkey(_browser: Browser) -> Ask:
    return lambda browser: browser.post("/staff/signin/passkey", {"passkey": "{}"})


def enrols(_browser: Browser) -> Ask:
    return lambda browser: browser.post("/staff/enrol", {"login": "tanaka", "code": "0000", "password": ""})


def types_a_code(_browser: Browser) -> Ask:
    return lambda browser: browser.post("/device", {"code": "AAAAA-AAAAA"})


def carries(browser: Browser) -> Ask:
    draft = browser.begin("letter", {"note": fresh()})
    return lambda browser: browser.post(f"/drafts/{draft}/handoff")


def carries_a_guide(_browser: Browser) -> Ask:
    return lambda browser: browser.post("/life-events/disaster/handoff?cause=fire&damage=other")


def signs_in(_browser: Browser) -> Ask:
    return lambda browser: browser.get("/signin/jpki/go")


def calls(query: str, variables: Callable[[], Mapping[str, Any]]) -> Callable[[Browser], Ask]:
    def ready(_browser: Browser) -> Ask:
        return lambda browser: browser.client.post("/graphql", json={"query": query, "variables": variables()})

    return ready


def uploads(_browser: Browser) -> Ask:
    return lambda browser: browser.client.post("/uploads", content=PDF, headers={"content-type": "application/pdf"})


def wrong_token(path: str) -> Callable[[Browser], Ask]:
    headers = {"authorization": "Bearer kk_" + "x" * 43}
    return lambda _browser: lambda browser: browser.client.post(path, json={}, headers=headers)


files = calls(SUBMIT, lambda: {"input": {"slug": "letter", "answers": {**ANSWERS, "note": fresh()}}})
asks = calls(STATUS, lambda: {"number": "123456789012340", "code": "AAAA-AAAA-AAAA"})

LIMITS: Final[Mapping[str, tuple[Met, ...] | str]] = {
    "POST /procedures/{slug}/apply": (
        Met(drafts.BY_BROWSER, begins, signed_in=True, keeps=True),
        Met(drafts.BY_PLACE, begins, keeps=True),
    ),
    "POST /drafts/{draft}/handoff": (Met(handoffs.BY_MAKER, carries),),
    "POST /life-events/{event}/handoff": (Met(handoffs.BY_MAKER, carries_a_guide),),
    "POST /counter/handoff": f"{COLLEAGUE}; wrong codes are counted",
    "POST /counter/handoff/{handoff:uuid}/return": COLLEAGUE,
    "POST /counter/{visit:uuid}/identity": COLLEAGUE,
    "POST /counter/{visit:uuid}/identity/card": COLLEAGUE,
    "POST /sandbox/reader/{place:uuid}": STAND_IN,
    "POST /life-events/{event}": "only shows which questions follow; nothing is kept",
    "POST /drafts/{draft}/{step:int}": (
        Met(intake.BY_SENDER, hands_in, keeps=True, beside=True),
        Met(intake.BY_PLACE, hands_in, keeps=True, beside=True),
    ),
    "POST /drafts/{draft}/renew": OWN,
    "POST /drafts/{draft}/submit": (
        Met(submission.BY_ACCOUNT, submits, signed_in=True, keeps=True),
        Met(submission.BY_PLACE, submits, keeps=True),
    ),
    "POST /resume": (Met(resume.BY_CODE, resumes),),
    "POST /applications": (Met(lookup.BY_PLACE, looks_up), Met(lookup.BY_NUMBER, looks_up)),
    "POST /applications/{number}/withdraw": OWN,
    "POST /my/drafts/{draft}/delete": OWN,
    "POST /my/earlier/delete": OWN,
    "POST /my/tokens": f"{OWN}; a resident has at most {tokens.MOST}",
    "POST /my/tokens/{token}/revoke": OWN,
    "POST /my/sessions/{session}/end": OWN,
    "POST /my/signout-everywhere": OWN,
    "POST /signin": STAND_IN,
    "POST /signin/email": (
        Met(email_codes.PER_ADDRESS, asks_for_a_code),
        Met(email_codes.PER_CLIENT, asks_for_a_code),
        Met(email_codes.GUESSES_PER_CLIENT, guesses),
    ),
    "POST /signout": OWN,
    "POST /payments/webhook/{provider}": "nothing is done before its signature is checked, and events must come in",
    "POST /graphql": (
        Met(submission.BY_ACCOUNT, files, signed_in=True),
        Met(submission.BY_PLACE, files),
        Met(lookup.BY_PLACE, asks),
        Met(lookup.BY_NUMBER, asks),
        Met(tokens.FAILED, wrong_token("/graphql")),
    ),
    "POST /uploads": (
        Met(intake.BY_SENDER, uploads, signed_in=True),
        Met(intake.BY_PLACE, uploads),
        Met(tokens.FAILED, wrong_token("/uploads")),
    ),
    "POST /staff/signin": tuple(Met(limit, enters) for limit in FAILURES),
    "POST /staff/enrol": tuple(Met(limit, enrols) for limit in FAILURES),
    "POST /device": (Met(devices.TRIED, types_a_code),),
    "POST /admin/devices": COLLEAGUE,
    "POST /admin/devices/windows": COLLEAGUE,
    "POST /admin/devices/windows/{window}/close": COLLEAGUE,
    "POST /admin/devices/{device}/code": COLLEAGUE,
    "POST /admin/devices/{device}/end": COLLEAGUE,
    "POST /counter/calls/{device}": "a clerk answers a call at a kiosk; there is nothing else to it",
    "POST /tablet": "only a registered tablet comes here; wrong numbers are counted (tests/counter/test_pairing.py)",
    "POST /tablet/say": TABLET,
    "POST /tablet/sign": TABLET,
    "POST /tablet/end": TABLET,
    "POST /counter/{visit:uuid}/tablet": COLLEAGUE,
    "POST /kiosk/begin": LOBBY,
    "POST /kiosk/do": LOBBY,
    "POST /kiosk/alive": LOBBY,
    "POST /kiosk/find": LOBBY,
    "POST /kiosk/guide/{event}/{name}": LOBBY,
    "POST /kiosk/forms": LOBBY,
    "POST /kiosk/forms/{draft}/drop": LOBBY,
    "POST /kiosk/forms/{draft}/{name}": LOBBY,
    "POST /kiosk/end": LOBBY,
    "POST /kiosk/reserved": f"{LOBBY}; numbers that lead to nothing are counted",
    "POST /staff/enrol/factor": "only the browser whose enrolment code was right gets there, and for 15 minutes",
    "POST /staff/signin/passkey": (Met(staff.FAILED_PLACE, shows_a_passkey),),
    "POST /staff/passkeys/challenge": "nothing is kept: the browser carries what was asked of it",
    "POST /staff/signin/oidc/link": AS_A_SIGN_IN,
    "POST /staff/signin/factor": AS_A_SIGN_IN,
    "POST /staff/recovery": AS_A_SIGN_IN,
    "POST /staff/password": AS_A_SIGN_IN,
    "POST /staff/passkeys/new": AS_A_SIGN_IN,
    "POST /staff/passkeys": f"{OWN}; at most {passkeys.MOST} of them, each begun with password and code",
    "POST /staff/passkeys/{passkey}/remove": OWN,
    "POST /staff/unlink": OWN,
    "POST /staff/signout": OWN,
    "POST /staff/sessions/{session}/end": OWN,
    "POST /office/applications/{number}/reason": COLLEAGUE,
    "POST /counter": COLLEAGUE,
    "POST /counter/{visit:uuid}/take": COLLEAGUE,
    "POST /counter/{visit:uuid}/leave": COLLEAGUE,
    "POST /counter/{visit:uuid}/guide/{event}": COLLEAGUE,
    "POST /counter/{visit:uuid}/procedures": COLLEAGUE,
    "POST /counter/{visit:uuid}/ask": COLLEAGUE,
    "POST /counter/{visit:uuid}/papers": COLLEAGUE,
    "POST /counter/{visit:uuid}/check": COLLEAGUE,
    "POST /counter/queue/sit": COLLEAGUE,
    "POST /counter/queue/leave": COLLEAGUE,
    "POST /counter/queue/next": COLLEAGUE,
    "POST /counter/queue/{ticket}": COLLEAGUE,
    "POST /counter/tickets/new": COLLEAGUE,
    "POST /tickets/{code}/cancel": "the code has 75 random bits, and a ticket is given up once",
    "POST /office/applications/{number}/acts/answer": COLLEAGUE,
    "POST /office/applications/{number}/acts/{act}": COLLEAGUE,
    "POST /office/applications/{number}/assign": COLLEAGUE,
    "POST /office/accept": COLLEAGUE,
    "POST /office/till/count": COLLEAGUE,
    "POST /office/till/refund": COLLEAGUE,
    "POST /office/till/refund/handed-over": COLLEAGUE,
    "POST /office/till/unclear/note": COLLEAGUE,
    "POST /counter/receipts/{number}/void": COLLEAGUE,
    "POST /counter/{visit:uuid}/pay": COLLEAGUE,
    "POST /counter/{visit:uuid}/pay/ask": COLLEAGUE,
    "POST /office/questions/{number}": COLLEAGUE,
    "POST /applications/{number}/answer": "once for each question of the office; its files are counted as a draft's",
    "POST /office/proposals/{proposal}/decide": COLLEAGUE,
    "POST /office/proposals/{proposal}/back": COLLEAGUE,
    "POST /admin/procedures/suspend": COLLEAGUE,
    "POST /admin/procedures/{slug}/resume": COLLEAGUE,
    "POST /admin/staff/{staff}/roles": COLLEAGUE,
    "POST /admin/staff/{staff}/reset": COLLEAGUE,
    "POST /admin/staff/{staff}/switch": COLLEAGUE,
    "POST /admin/staff/{staff}/sessions/{session}/end": COLLEAGUE,
    "POST /sandbox/pay/{reference}": STAND_IN,
    "POST /sandbox/card/{provider}": STAND_IN,
    "POST /sandbox/sign/{transaction}": STAND_IN,
    # a GET that makes us ask a provider
    "GET /signin/{provider}/go": (Met(identity.SIGN_INS_PER_CLIENT, signs_in),),
}
BEHIND_THE_COUNTER: Final = {
    "handoff.wrong": "tests/web/test_brought.py",
    "kiosk.number": "tests/counter/test_kiosk.py",
    "tablet.code": "tests/counter/test_pairing.py",
}
"""Limits that only the staff and the town hall's own devices meet, and where they are tested."""
CASES: Final = [
    pytest.param(met, id=f"{name} {met.limit.what}")
    for name, row in LIMITS.items()
    if not isinstance(row, str)
    for met in row
]


def test_no_address_that_is_posted_to_is_without_its_limit_or_a_reason() -> None:
    assert {name for name in served() if name.startswith("POST ")} == {name for name in LIMITS if name[:4] == "POST"}
    assert all(row for row in LIMITS.values())


def test_no_limit_of_the_house_is_without_a_test() -> None:
    met = {case.limit.what for row in LIMITS.values() if not isinstance(row, str) for case in row}
    assert {limit.what for limit in limits_of_the_house()} == met | set(BEHIND_THE_COUNTER)
    assert all(Path(file).exists() for file in BEHIND_THE_COUNTER.values())


def limits_of_the_house() -> Iterator[Limit]:
    """Every limit that people meet; those of the worker are of another kind."""
    for module in pkgutil.walk_packages(server.__path__, "server."):
        if ".migrations" not in module.name and module.name != "server.jobs":
            yield from (each for each in vars(import_module(module.name)).values() if isinstance(each, Limit))


# --- two servers ------------------------------------------------------------------------------------------------------


class Two:
    """Two servers over one store; the same browser speaks to both."""

    def __init__(self, first: Site, other: Site) -> None:
        self.first, self.other = first, other
        self.here = first.browser()
        self._there = other.browser()
        self.place = "192.0.0.1"

    @property
    def there(self) -> Browser:
        """At the other server, with the cookies it has by now."""
        self._there.client.cookies = self.here.client.cookies
        return self._there

    def read(self, work: Callable[[Reading], Any]) -> Any:
        return self.first.run(lambda: self.first.of.database.read(work))

    def counts(self) -> dict[str, int]:
        return {row.bucket: row.tries for row in self.read(lambda db: db.all(select(t.attempt)))}

    def bucket(self, limit: Limit) -> str:
        """The one that counts this browser's tries."""
        of, cookie = self.first.of, self.here.client.cookies.get("kakanai") or ""
        who = self.read(lambda db: sessions.visitor(db, cookie, keys=of.keys, now=of.clock()))
        names = [self.place, "a@example.jp", "123456789012340", "tanaka", f"tanaka\n{self.place}"]
        for kind, known in (("session", who.session_id), ("resident", who.resident.id if who.resident else None)):
            names += [known, f"{kind}:{known}"] if known else []
        digests = {of.keys.index_digest("attempt", f"{limit.what}\n{name}").hex() for name in names}
        (found,) = digests & self.counts().keys()
        return found

    def use_up(self, limit: Limit) -> None:
        """All tries but the last of this limit; the others have none behind them."""
        bucket = self.bucket(limit)

        async def work() -> None:
            def write(db: Any) -> None:
                db.execute(update(t.attempt).values(tries=0))
                db.execute(update(t.attempt).where(t.attempt.c.bucket == bucket).values(tries=limit.most - 1))

            await self.first.of.database.transact(write)

        self.first.run(work)


@pytest.fixture
def two(settings: Settings) -> Iterator[Two]:
    with opened(settings, sample()) as first:
        lines: list[str] = []
        app = create_app(settings, clock=first.clock, random=_other_random(), log_to=lines.append)
        with Door(app, follow_redirects=False) as door:
            yield Two(first, Site(app, door, first.clock, lines))


def _other_random() -> Random:
    """Never what the other server draws."""
    random = Random()
    random.drawn = 10**9
    return random


@pytest.mark.parametrize("met", CASES)
def test_who_tries_too_often_is_told_when_to_come_back_by_whichever_server(met: Met, two: Two) -> None:
    if met.signed_in:
        two.here.sign_in("taro-jpki")
    first, last, beyond = (met.ready(two.here) for _ in range(3))
    assert waits(first(two.here), met) is None
    two.use_up(met.limit)
    assert waits(last(two.there), met) is None
    refused = beyond(two.here)
    wait = waits(refused, met)
    assert wait is not None and 0 < wait <= met.limit.period.total_seconds()
    assert not met.keeps or KEPT in refused.text
    two.first.clock.advance(seconds=wait)
    assert waits(met.ready(two.here)(two.there), met) is None


def waits(answer: httpx2.Response, met: Met) -> int | None:
    """In how many seconds one may come back, None where one may go on."""
    if met.beside and answer.status_code == 422:
        minutes = WAIT.search(answer.text)
        assert minutes is not None, answer.text
        return int(minutes[1]) * 60
    if answer.headers.get("content-type", "").startswith("application/") and answer.status_code == 200:
        told = json.loads(answer.text).get("errors", [{}])[0].get("extensions", {})
        return int(told["retryAfter"]) if told.get("code") == "RATE_LIMITED" else None
    assert answer.status_code != 500
    return int(answer.headers["retry-after"]) if answer.status_code == 429 else None


def test_looking_is_free(two: Two) -> None:
    """Pages that are read are counted by nobody: a city behind one address may look as often as it likes."""
    draft = two.here.begin("letter")
    before = two.counts()
    for path in ("/", "/procedures", "/procedures/letter", "/procedures/letter/apply", f"/drafts/{draft}/check"):
        assert two.here.get(path).status_code == 200
    assert two.counts() == before
    assert place(two.here.get("/my")) == "/signin"
