"""The way to the signing service and back, as a browser without script goes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import insert, select

from server.people.sessions import visitor
from server.people.signing import start_signature
from server.settings import Settings
from server.store import tables as t
from server.store.database import Writing
from tests.conftest import Clock, Random
from tests.people.browser import Browser, Page, location, site

DRAFT = "d" * 32
DIGEST = bytes(range(32))


@pytest.fixture
def browser(settings: Settings, clock: Clock, random: Random) -> Iterator[Browser]:
    with site(settings, clock, random) as found:
        yield found


def run(browser: Browser, work: Any, *, write: bool = True) -> Any:
    of, portal = browser.services, browser.client.portal
    assert portal is not None
    return portal.call(of.database.transact if write else of.database.read, work)


def to_sign(browser: Browser, subject: str = "taro-jpki") -> str:
    """Sign in, and start a signature for a draft: its id."""
    browser.post("/signin", resident=subject)
    of, token = browser.services, browser.token or ""

    def start(db: Writing) -> Any:
        if db.scalar(select(t.draft.c.id)) is None:
            _a_draft(db, browser)
        who = visitor(db, token, keys=of.keys, now=of.clock())
        return start_signature(db, of.keys, DIGEST, visitor=who, draft_id=DRAFT, now=of.clock(), random=of.random)

    return str(run(browser, start))


def _a_draft(db: Writing, browser: Browser) -> None:
    of, now = browser.services, browser.services.clock()
    key, wrapped = of.keys.new_data_key(DRAFT)
    version = {"digest": "v", "slug": "x", "procedure": "P0", "bundle": "{}", "created_at": now}
    db.execute(insert(t.declaration), version)
    sealed = {"wrapped_key": wrapped, "sealed_answers": key.seal(b"{}", "draft.sealed_answers")}
    times = {"created_at": now, "saved_at": now, "expires_at": now}
    db.execute(insert(t.draft), {"id": DRAFT, "slug": "x", "digest": "v", "revision": 1, **sealed, **times})


def state(browser: Browser) -> str:
    return str(run(browser, lambda db: db.scalar(select(t.signature.c.state)), write=False))


def test_one_button_signs_and_leads_back_to_the_draft(browser: Browser) -> None:
    signature = to_sign(browser)
    page = browser.get(location(browser.client.get(f"/sign/{signature}/go")))
    page.check_references()
    assert "津軽　太郎" in page.html
    assert DIGEST.hex() in page.text
    back = location(browser.submit(page.form_with("action"), action="sign"))
    assert back.startswith(f"/sign/{signature}/return?")
    assert location(browser.client.get(back)) == f"/drafts/{DRAFT}/check"
    assert state(browser) == "signed"


def test_saying_no_leads_back_to_the_page_that_explains_and_may_be_tried_again(browser: Browser) -> None:
    signature = to_sign(browser)
    page = browser.get(location(browser.client.get(f"/sign/{signature}/go")))
    back = location(browser.submit(page.form_with("action"), action="decline"))
    assert location(browser.client.get(back)) == f"/drafts/{DRAFT}/sign"
    assert state(browser) == "declined"
    page = browser.get(location(browser.client.get(f"/sign/{signature}/go")))
    browser.client.get(location(browser.submit(page.form_with("action"), action="sign")))
    assert state(browser) == "signed"


def test_it_leads_back_to_the_place_it_was_asked_to_and_to_no_other_site(browser: Browser) -> None:
    for place, led in (("/applications", "/applications"), ("//evil.example", f"/drafts/{DRAFT}/check")):
        signature = to_sign(browser)
        page = browser.get(location(browser.client.get(f"/sign/{signature}/go", params={"next": place})))
        back = location(browser.submit(page.form_with("action"), action="sign"))
        assert location(browser.client.get(back)) == led


def test_the_way_back_works_once(browser: Browser) -> None:
    signature = to_sign(browser)
    page = browser.get(location(browser.client.get(f"/sign/{signature}/go")))
    back = location(browser.submit(page.form_with("action"), action="sign"))
    browser.client.get(back)
    assert browser.client.get(back).status_code == 400
    assert state(browser) == "signed"
    assert browser.client.get(f"/sign/{signature}/go").status_code == 404


def test_an_address_somebody_else_made_signs_nothing(browser: Browser) -> None:
    signature = to_sign(browser)
    url = location(browser.client.get(f"/sign/{signature}/go"))
    transaction = url.rpartition("/")[2]
    browser.post(url, action="sign")
    for query in (f"transaction={transaction}", f"transaction={transaction}&state=guess", "error=access_denied"):
        assert browser.client.get(f"/sign/{signature}/return?{query}").status_code == 400
    assert state(browser) == "started"


def test_a_state_of_one_signature_is_none_of_another(browser: Browser) -> None:
    first, second = to_sign(browser), to_sign(browser)
    page = browser.get(location(browser.client.get(f"/sign/{first}/go")))
    back = location(browser.submit(page.form_with("action"), action="sign"))
    assert browser.client.get(back.replace(first, second)).status_code == 400


def test_another_persons_signature_is_not_found(browser: Browser) -> None:
    signature = to_sign(browser)
    browser.post("/signin", resident="yukiko-78")
    assert browser.client.get(f"/sign/{signature}/go").status_code == 404
    browser.post("/signout")
    assert browser.client.get(f"/sign/{signature}/go").status_code == 404
    for junk in ("x", "0" * 32, "..%2f..", "%00"):
        assert browser.client.get(f"/sign/{junk}/go").status_code == 404


def test_somebody_without_a_signing_card_is_offered_no_button_to_sign(browser: Browser) -> None:
    url = location(browser.client.get(f"/sign/{to_sign(browser)}/go"))
    browser.post("/signin", resident="hanako-oidc")
    page = browser.get(url)
    assert ("action", "sign") not in page.form_with("action").buttons
    assert ("action", "decline") in page.form_with("action").buttons
    refused = Page(browser.post(url, action="sign"))
    assert refused.status == 422
    assert "サインインしていません" in refused.text


def test_a_card_of_somebody_else_does_not_sign_for_one(browser: Browser) -> None:
    """The page of the reader stays open while another person signs in at the same computer."""
    url = location(browser.client.get(f"/sign/{to_sign(browser)}/go"))
    browser.post("/signin", resident="yukiko-78")
    back = location(browser.post(url, action="sign"))
    browser.client.get(back)
    assert state(browser) == "started"


def test_a_transaction_nobody_began_is_not_found(browser: Browser) -> None:
    for junk in ("0" * 32, "x", "..%2fcards%2ftaro-jpki"):
        assert browser.client.get(f"/sandbox/sign/{junk}").status_code == 404
        assert browser.post(f"/sandbox/sign/{junk}", action="sign").status_code == 404


def test_the_state_is_random_and_not_the_signatures_id(browser: Browser) -> None:
    signature, seen = to_sign(browser), set()
    for _ in range(3):
        page = browser.get(location(browser.client.get(f"/sign/{signature}/go")))
        back = location(browser.submit(page.form_with("action"), action="decline"))
        seen.add(parse_qs(urlsplit(back).query)["state"][0])
        assert signature not in back.partition("?")[2]
    assert len(seen) == 3
    assert all(len(value) >= 43 for value in seen)
