"""What was acknowledged is kept, once: through kills, through impatience, and in two tabs."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from server.applications import drafts
from server.applications.submission import Filing, Prepared, Raced, prepare, submit
from server.people import sessions
from server.settings import Settings
from server.store import audit
from server.store import tables as t
from server.store.database import Reading
from tests.conftest import empty
from tests.security.declarations import FEE, declared, sample
from tests.security.process import Clients, Ready, Served, prepared, stop, within
from tests.security.site import LETTER, PERSON, Browser, Site, opened, place

PRICED = declared("priced", id="P902", fee=FEE)
ANSWERS: dict[str, object] = {
    "note": "出します",
    "way": "desk",
    "applicant": {
        "name": {"family": "見本", "given": "和子", "family_kana": "ミホン", "given_kana": "カズコ"},
        "birthdate": "1958-11-03",
        "address": {"postal_code": "037-0046", "prefecture": "02", "city": "五所川原市", "street": "41-1"},
        "phone": "090-0000-0456",
        "email": "kazuko@example.jp",
    },
}
CLIENTS = 16
Start = Callable[[str], Served]


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Serves on one of the stores."""
    running: list[Served] = []

    def started(kind: str) -> Served:
        url = ""
        if kind == "postgresql":
            url = request.getfixturevalue("postgres_url")
            empty(url)
        running.append(Served(tmp_path, [PRICED], url))
        return running[0].start()

    yield started
    for served in running:
        stop(served)


@pytest.mark.parametrize(("kind", "kills"), [("sqlite", 3), ("postgresql", 1)])
def test_kills_lose_nothing_that_was_acknowledged_and_double_nothing(kind: str, kills: int, start: Start) -> None:
    killed_while_many_submit(start(kind), kills, each=25)


@pytest.mark.drill
@pytest.mark.parametrize(("kind", "kills"), [("sqlite", 20), ("postgresql", 10)])
def test_many_kills_lose_nothing_either(kind: str, kills: int, start: Start) -> None:
    killed_while_many_submit(start(kind), kills, each=60)


def killed_while_many_submit(served: Served, kills: int, *, each: int) -> None:
    """Between two kills `each` are acknowledged, at points nobody chose; the clients press on until all are."""
    total = each * (kills + 1)
    queues = [prepared(served, PRICED, ANSWERS, -(-total // CLIENTS)) for _ in range(CLIENTS)]
    clients = Clients(served, queues).begin()
    for number in range(kills):
        clients.wait_for(each * (number + 1))
        served.kill()
        served.start()
    clients.finish()
    served.kill()
    assert {0, 303} <= clients.statuses <= {0, 303, 503}  # who met a kill tried again; nobody met an error of ours
    assert served.failures() == []
    check_books(served.settings, [draft for queue in queues for draft in queue], clients.acknowledged)


def check_books(settings: Settings, ready: list[Ready], acknowledged: dict[str, set[str]]) -> None:
    """Each draft is one application with one way so far and one debt, and its sender was told its number."""
    books = within(settings, lambda database: asyncio.run(database.read(read_books, long=True)))
    made = books["drafts"]
    assert {draft.id for draft in ready} == made.keys() == acknowledged.keys()
    assert {draft: {number} for draft, number in made.items()} == acknowledged
    once = dict.fromkeys(books["applications"], 1)
    assert len(once) == len(made)
    assert books["events"] == books["debts"] == books["grants"] == books["lines"] == books["notices"] == once
    assert books["verdict"].broken is None
    assert books["amounts"] == {300}


def read_books(db: Reading) -> dict[str, Any]:
    a, d = t.application.c, t.draft.c
    filed = select(d.id, a.receipt_number).join_from(t.draft, t.application, d.application_id == a.id)

    def of(column: Any, **where: str) -> Counter[str]:
        rows = db.all(select(column).where(*(column.table.c[name] == value for name, value in where.items())))
        return Counter(row[0] for row in rows)

    return {
        "drafts": {row.id: row.receipt_number for row in db.all(filed)},
        "applications": [row.id for row in db.all(select(a.id))],
        "events": of(t.application_event.c.application_id),
        "debts": of(t.debt.c.application_id),
        "grants": of(t.session_grant.c.application_id),
        "lines": of(t.audit.c.target, action="application.state"),
        "notices": Counter({key.partition(":")[2]: n for key, n in of(t.outbox.c.idempotency, kind="receipt").items()}),
        "amounts": {row[0] for row in db.all(select(t.debt.c.amount))},
        "verdict": audit.verify(db),
    }


# --- impatience -------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(store_settings: Settings) -> Iterator[Site]:
    """On SQLite, and on PostgreSQL."""
    with opened(store_settings, sample()) as site:
        yield site
        assert site.failures() == []


def at_once(count: int, step: Callable[[int], httpx2.Response]) -> list[httpx2.Response]:
    """So many at the same time."""
    together, answers = threading.Barrier(count), [httpx2.Response(599)] * count

    def one(number: int) -> None:
        together.wait()
        answers[number] = step(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def tab(site: Site, browser: Browser) -> Browser:
    """Another tab of the same browser."""
    other = site.browser()
    other.client.cookies.update(browser.client.cookies)
    return other


def count(site: Site, table: Any) -> int:
    async def work() -> int:
        found: int = await site.of.database.read(lambda db: db.scalar(select(func.count()).select_from(table)))
        return found

    return site.run(work)


def test_pressed_twenty_times_at_once_it_is_one_application_with_one_receipt_and_one_debt(site: Site) -> None:
    browser = site.browser()
    draft = browser.begin("priced")
    tabs, seen = [tab(site, browser) for _ in range(20)], browser.revision(f"/drafts/{draft}/check")
    answers = at_once(20, lambda i: tabs[i].post(f"/drafts/{draft}/submit", {"_rev": seen}))
    # who met another on the way is led to the check page, which leads on to the receipt
    ends = {at_the_end(browser, answer) for answer in answers}
    (receipt,) = ends
    assert receipt.endswith("/receipt")
    assert (count(site, t.application), count(site, t.debt), count(site, t.application_event)) == (1, 1, 1)


def at_the_end(browser: Browser, answer: httpx2.Response) -> str:
    found = place(answer)
    return found if found.endswith("/receipt") else at_the_end(browser, browser.get(found))


def test_pressed_again_later_it_leads_to_the_same_receipt(site: Site) -> None:
    browser = site.browser()
    draft = browser.begin("priced")
    first = place(browser.post_submit(draft))
    for path in (f"/drafts/{draft}/check", f"/drafts/{draft}/1", f"/drafts/{draft}/sign"):
        assert place(browser.get(path)) == first
    assert place(browser.post(f"/drafts/{draft}/submit", {"_rev": "3-300"})) == first
    assert place(browser.post(f"/drafts/{draft}/1", {"_rev": "3", "note": "あとから"})) == first
    assert count(site, t.application) == 1


def test_a_signature_is_spent_on_one_application_however_often_the_button_is_pressed(site: Site) -> None:
    browser = site.browser().sign_in("taro-jpki")
    draft = browser.begin("signed")
    browser.sign(draft)
    tabs, seen = [tab(site, browser) for _ in range(8)], browser.revision(f"/drafts/{draft}/check")
    answers = at_once(8, lambda i: tabs[i].post(f"/drafts/{draft}/submit", {"_rev": seen}))
    assert len({at_the_end(browser, answer) for answer in answers}) == 1
    assert (count(site, t.application), count(site, t.debt)) == (1, 1)


def test_without_the_signature_it_needs_nothing_is_filed(site: Site) -> None:
    """Another tab begins a new signature between the last look at the old one and the submission."""
    browser = site.browser().sign_in("taro-jpki")
    draft_id, of = browser.begin("signed"), site.of

    async def work() -> None:
        now = of.clock()
        who = await of.database.read(
            lambda db: sessions.visitor(db, browser.client.cookies["kakanai"], keys=of.keys, now=now)
        )
        draft = await of.database.read(lambda db: drafts.load(db, of.keys, draft_id, who, now=now))
        assert draft is not None
        declaration = await of.catalogue.declaration(draft.digest, draft.slug)
        prepared = prepare(
            Filing(declaration, draft.content.answers, (), "online", who), of.catalogue.shared.fees, None, now=now
        )
        assert isinstance(prepared, Prepared)
        with pytest.raises(Raced):
            await of.database.transact(
                lambda db: submit(
                    db,
                    of.keys,
                    prepared,
                    draft=draft,
                    signature=None,
                    place="",
                    base_url="",
                    payment_days=7,
                    language="ja",
                    now=now,
                    random=of.random,
                )
            )

    site.run(work)
    assert count(site, t.application) == 0


def test_of_two_tabs_that_say_different_things_one_is_saved_and_the_other_keeps_its_text(site: Site) -> None:
    browser = site.browser()
    page = f"/drafts/{browser.begin('letter')}/1"
    tabs, seen = [tab(site, browser) for _ in range(2)], browser.revision(page)
    typed = ["ひとつめの画面", "ふたつめの画面"]
    answers = at_once(2, lambda i: tabs[i].post(page, {**LETTER, "note": typed[i], "_rev": seen}))
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [303, 409]
    winner, loser = statuses.index(303), statuses.index(409)
    assert typed[winner] in browser.get(page).text
    assert typed[winner] in answers[loser].text and typed[loser] in answers[loser].text


def test_two_tabs_that_say_the_same_are_both_content(site: Site) -> None:
    browser = site.browser()
    page = f"/drafts/{browser.begin('letter')}/1"
    tabs, seen = [tab(site, browser) for _ in range(6)], browser.revision(page)
    answers = at_once(6, lambda i: tabs[i].post(page, {**LETTER, "note": "おなじ", "_rev": seen}))
    assert {answer.status_code for answer in answers} == {303}
    assert "おなじ" in browser.get(page).text


def test_what_is_sent_is_what_was_shown(site: Site) -> None:
    """A tab still shows the check page of what another has changed since: its button sends nothing."""
    browser = site.browser()
    draft = browser.begin("letter")
    seen = browser.revision(f"/drafts/{draft}/check")
    page = f"/drafts/{draft}/1"
    place(browser.post(page, {**LETTER, "note": "べつの用件", "_rev": browser.revision(page)}))
    told = browser.post(f"/drafts/{draft}/submit", {"_rev": seen})
    assert (told.status_code, "べつの用件" in told.text) == (409, True)
    assert count(site, t.application) == 0


@pytest.mark.parametrize("turn", range(4))
def test_submitting_and_saving_at_once_ends_in_one_of_both_and_never_in_a_mixture(turn: int, site: Site) -> None:
    browser = site.browser()
    draft = browser.begin("letter")
    page, revision = f"/drafts/{draft}/1", browser.revision(f"/drafts/{draft}/1")
    steps = [
        (f"/drafts/{draft}/submit", {"_rev": browser.revision(f"/drafts/{draft}/check")}),
        (page, {**LETTER, "note": "かわった", "_rev": revision}),
    ]
    if turn % 2:
        steps.reverse()
    tabs = [tab(site, browser) for _ in range(2)]
    at_once(2, lambda i: tabs[i].post(*steps[i]))
    if count(site, t.application):
        assert "かわった" not in browser.get(place(browser.get(page))).text
    else:
        assert "かわった" in browser.get(page).text


def test_a_draft_begun_twice_at_once_is_two_drafts_of_two_sessions(site: Site) -> None:
    browsers = [site.browser() for _ in range(4)]
    answers = at_once(4, lambda i: browsers[i].post("/procedures/letter/apply", LETTER))
    begun = [place(answer).split("/")[2] for answer in answers]
    assert len(set(begun)) == 4
    for i, draft in enumerate(begun):
        found = [browser.post(f"/drafts/{draft}/2", {"_rev": "2", **PERSON}).status_code for browser in browsers]
        assert found == [303 if i == j else 404 for j in range(4)]
