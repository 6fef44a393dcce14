"""Who may see and do what: every address, every kind of visitor. What is not one's own is not there."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from server.store import tables as t
from tests.security.addresses import ACTORS, ADDRESSES, People, served
from tests.security.site import FILE, MISSING, PERSON, Browser, Site, Things, place, things_of


def test_no_address_is_without_its_rule() -> None:
    assert served().keys() == ADDRESSES.keys()


@pytest.mark.parametrize("name", ADDRESSES)
def test_each_address_opens_to_its_people_and_is_not_there_for_others(name: str, site: Site, people: People) -> None:
    method, row = name.partition(" ")[0], ADDRESSES[name]
    if method != "GET":
        people = People(site, things=row.personal)
    for actor, status in zip(ACTORS, row.statuses, strict=True):
        browser = people.browsers[actor]
        for things in people.of(actor) if row.personal else [MISSING]:
            answer = row.ask(method, browser, things, site)
            assert answer.status_code == status, (actor, answer.text)
            if row.personal and status in (400, 404):
                as_nothing = row.ask(method, browser, MISSING, site)
                assert told(answer, things) == told(as_nothing, MISSING), actor


@pytest.mark.parametrize("name", [name for name, row in ADDRESSES.items() if row.personal and 404 in row.statuses])
def test_programs_too_are_told_of_nothing_that_is_not_theirs(name: str, site: Site, people: People) -> None:
    method, row = name.partition(" ")[0], ADDRESSES[name]
    for actor in ("nobody", "another session", "another resident"):
        for things in people.of(actor):
            browser = people.browsers[actor]
            answers = [row.ask(method, browser, each, site, accept="application/json") for each in (things, MISSING)]
            assert answers[0].json()["error"]["code"] == "NOT_FOUND"
            assert told(answers[0], things) == told(answers[1], MISSING)


def told(answer: httpx2.Response, things: Things) -> tuple[object, ...]:
    """Everything an answer says, but for the id of the request and what the question itself named."""
    request_id = answer.headers["x-request-id"]
    body = answer.text.replace(request_id, "-")
    for name, value in vars(things).items():
        body = body.replace(value, getattr(MISSING, name))
    ids = {"x-request-id": "-", "content-length": str(len(body))}
    return answer.status_code, sorted((dict(answer.headers) | ids).items()), body


def test_an_own_draft_opens_no_file_of_another(site: Site, people: People) -> None:
    mine, theirs = people.anybodys
    here = people.browsers["its session"]
    assert here.get(f"/drafts/{mine.draft}/files/{mine.file}").status_code == 200
    assert here.get(f"/drafts/{mine.draft}/files/{theirs.file}").status_code == 404


def test_nobody_takes_the_file_of_another_away(site: Site) -> None:
    mine, theirs = site.browser(), site.browser()
    their_draft = theirs.begin("letter", files=FILE)
    file = re.findall(r"/files/([0-9a-f]+)", theirs.get(f"/drafts/{their_draft}/1").text)[0]
    page = f"/drafts/{mine.begin('letter')}/1"
    mine.post(page, {"_rev": mine.revision(page), "_do": f"detach:{file}"})
    assert theirs.get(f"/drafts/{their_draft}/files/{file}").status_code == 200


def test_the_right_number_with_a_wrong_code_says_what_a_wrong_number_says(site: Site, people: People) -> None:
    things, stranger = people.anybodys[0], people.browsers["another session"]
    right = stranger.post("/applications", {"number": things.number, "access_code": "AAAA-AAAA-AAAA"})
    wrong = stranger.post("/applications", {"number": MISSING.number, "access_code": "AAAA-AAAA-AAAA"})
    assert told(right, things) == told(wrong, MISSING)
    assert stranger.get(f"/applications/{things.number}").status_code == 404


def test_guessing_at_one_application_is_stopped_and_says_when_to_come_back(site: Site) -> None:
    number = things_of(site.browser()).number
    for _ in range(10):
        tried = site.browser().post("/applications", {"number": number, "access_code": "AAAA-AAAA-AAAA"})
        assert tried.status_code == 422
    stopped = site.browser().post("/applications", {"number": number, "access_code": "AAAA-AAAA-AAAA"})
    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["retry-after"]) <= 3600


def test_guessing_at_resume_codes_is_stopped(site: Site) -> None:
    guesser = site.browser()
    tried = [guesser.post("/resume", {"code": f"0000-0000-{i:04}"}).status_code for i in range(21)]
    assert tried == [422] * 20 + [429]


def test_the_access_code_opens_an_application_to_one_browser_only(site: Site) -> None:
    owner, reader, other = site.browser(), site.browser(), site.browser()
    number = owner.submit(owner.begin("letter"))
    code = access_code(owner, number)
    assert place(reader.post("/applications", {"number": number, "access_code": code})) == f"/applications/{number}"
    assert reader.get(f"/applications/{number}").status_code == 200
    assert code not in reader.get(f"/applications/{number}/receipt").text
    assert other.get(f"/applications/{number}").status_code == 404


def access_code(browser: Browser, number: str) -> str:
    found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", browser.get(f"/applications/{number}/receipt").text)
    assert found is not None
    return found[0]


def test_a_resumed_draft_leaves_the_browser_it_was_begun_in(site: Site) -> None:
    old, new = site.browser(), site.browser()
    page = f"/drafts/{old.begin('letter')}/1"
    saved = old.post(page, {"_rev": old.revision(page), "_do": "save"})
    code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", saved.text)
    assert code is not None
    assert place(new.post("/resume", {"code": code[0]})) == page
    assert new.get(page).status_code == 200
    assert old.get(page).status_code == 404


def test_a_new_resume_code_voids_the_old(site: Site) -> None:
    old, new = site.browser(), site.browser()
    page = f"/drafts/{old.begin('letter')}/1"
    saved = [old.post(page, {"_rev": old.revision(page), "_do": "save"}).text for _ in range(2)]
    codes = [re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", each)[0] for each in saved]
    assert new.post("/resume", {"code": codes[0]}).status_code == 422
    assert new.post("/resume", {"code": codes[1]}).status_code == 303


def test_signing_in_changes_the_token_and_the_old_one_is_dead(site: Site) -> None:
    """Fixation: a token somebody planted before the sign-in must be worth nothing after it."""
    browser, thief = site.browser(), site.browser()
    draft = browser.begin("letter")
    planted = browser.client.cookies["kakanai"]
    browser.sign_in("taro-jpki")
    assert browser.client.cookies["kakanai"] != planted
    thief.client.cookies.set("kakanai", planted)
    assert thief.get(f"/drafts/{draft}/1").status_code == 404
    assert thief.get("/my").status_code == 303
    assert browser.get(f"/drafts/{draft}/1").status_code == 200


def test_after_signing_out_the_token_opens_nothing(site: Site) -> None:
    browser, thief = site.browser().sign_in("taro-jpki"), site.browser()
    draft = browser.begin("letter")
    thief.client.cookies.set("kakanai", browser.client.cookies["kakanai"])
    assert thief.get(f"/drafts/{draft}/1").status_code == 200
    browser.post("/signout")
    assert thief.get(f"/drafts/{draft}/1").status_code == 404
    assert thief.get("/my").status_code == 303


def test_the_next_person_at_a_shared_computer_does_not_find_the_drafts_of_the_last(site: Site) -> None:
    shared = site.browser().sign_in("taro-jpki")
    draft = shared.begin("letter")
    shared.sign_in("yukiko-78")
    assert shared.get(f"/drafts/{draft}/1").status_code == 404
    assert draft not in shared.get("/my").text


COLUMNS = ("id", "state", "fee_total", "amount", "resident_id", "session_id", "application_id", "revision", "level")


def test_controls_named_like_columns_change_nothing(site: Site) -> None:
    """Mass assignment: what is posted is read by the form's questions, never by the names that came."""
    plain, sly = site.browser(), site.browser()
    extra = dict.fromkeys(COLUMNS, "1") | {f"applicant.{name}": "1" for name in COLUMNS}
    numbers = []
    for browser, more in ((plain, {}), (sly, extra)):
        draft = browser.begin("letter", more, person={**PERSON, **more})
        numbers.append(place(browser.post(f"/drafts/{draft}/submit", {"_rev": "3-0", **more})).split("/")[2])
    ours, theirs = (in_the_clear(site, number) for number in numbers)
    assert ours == theirs


def in_the_clear(site: Site, number: str) -> Any:
    """What is not sealed of an application and is not its own by chance."""
    c = t.application.c
    columns = [column for column in c if column.name not in ("id", "receipt_number", "wrapped_key", "sealed_answers")]
    query = select(*columns).where(c.receipt_number == number)

    async def work() -> Any:
        return await site.of.database.read(lambda db: db.one(query))

    return site.run(work)
