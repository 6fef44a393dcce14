"""Signing in loses nothing: by a card over a provider of OpenID Connect or by six digits, from wherever one is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from procedures.library import Library
from tests.conftest import Clock, sandbox
from tests.journeys import filing
from tests.journeys.conftest import beside, running
from tests.journeys.filing import by_email, case_of, filled
from tests.journeys.pages import Page, Resident
from tests.journeys.test_turns import (
    DOG,
    FAMILY,
    FROM_CARD,
    GIVEN,
    JUMINHYO,
    PHONE,
    answers_of,
    base,
    checked,
    of_row,
    on,
    second_step,
    step,
    value,
)
from tests.people.mock_provider import pem
from tests.people.provider import CLIENT, Provider, served

SignIn = Callable[[Resident, Page], Page]


@pytest.fixture(scope="module")
def library() -> Library:
    return filing.library()


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def provider(clock: Clock, key: ec.EllipticCurvePrivateKey) -> Iterator[Provider]:
    with served(Provider(clock, key.public_key(), "http://testserver/signin/oidc/return")) as made:
        yield made


@pytest.fixture(scope="module")
def site(
    provider: Provider,
    key: ec.EllipticCurvePrivateKey,
    clock: Clock,
    library: Library,
    migrated_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "oidc.pem").write_bytes(pem(key))
    shutil.copy(migrated_file, folder / "kakanai.db")
    settings = sandbox(
        folder,
        f"sqlite:///{folder / 'kakanai.db'}",
        KAKANAI_IDENTITY="oidc",
        KAKANAI_OIDC_ISSUER=provider.issuer,
        KAKANAI_OIDC_CLIENT_ID=CLIENT,
        KAKANAI_OIDC_KEY_FILE=str(folder / "oidc.pem"),
    )
    with running(settings, library, clock) as client:
        yield client


@pytest.fixture
def resident(site: TestClient, provider: Provider, clock: Clock) -> Resident:
    provider.tell_the_truth()
    clock.advance(hours=1)
    return Resident(beside(site))


@pytest.fixture
def newcomer(site: TestClient) -> Callable[[], Resident]:
    return lambda: Resident(beside(site))


def by_card(resident: Resident, signin: Page) -> Page:
    """From the sign-in page to the provider, where the card's holder agrees, and back."""
    out = resident.client.get(signin.link("/signin/oidc/go"), follow_redirects=False)
    with httpx2.Client() as phone:
        sent = phone.get(out.headers["location"])
    return resident.open(sent.headers["location"])


both_ways = pytest.mark.parametrize("way", [by_card, by_email], ids=["card", "code"])


@both_ways
def test_from_the_check_page_one_comes_back_to_the_same_answers(resident: Resident, way: SignIn) -> None:
    case = case_of(DOG)
    before = filled(resident, DOG, case["answers"], case.get("attachments"))
    after = way(resident, resident.open(before.link("/signin?next=")))
    assert after.path == before.path
    assert answers_of(after) == answers_of(before)
    assert any(form.action.endswith("/submit") for form in after.forms)


@both_ways
def test_in_the_middle_of_a_page_what_was_typed_is_saved_before_one_leaves(resident: Resident, way: SignIn) -> None:
    page = second_step(resident)
    typed = {PHONE: ["0173-11-11"], FAMILY: ["髙﨑"], "applicant.birthdate.year": ["19"]}
    signin = on(resident, page, typed, do="signin")
    assert signin.path == "/signin"
    after = way(resident, signin)
    assert after.path == page.path
    assert {name: [value(after, name)] for name in typed} == typed, "as it was typed, right or wrong"


@both_ways
def test_on_the_first_page_too(resident: Resident, way: SignIn) -> None:
    first = resident.open(f"/procedures/{DOG}/apply")
    name = "dogs.0.name"
    signin = on(resident, first, {name: ["ポチ"]}, do="signin")
    after = way(resident, signin)
    assert (after.path.startswith("/drafts/"), value(after, name)) == (True, "ポチ")


def test_whoever_is_signed_in_is_not_asked_to(resident: Resident) -> None:
    page = second_step(resident)
    assert step(page).has_button("_do", "signin")
    after = by_card(resident, on(resident, page, do="signin"))
    assert not step(after).has_button("_do", "signin")


@both_ways
def test_a_draft_begun_before_is_the_residents_afterwards(
    resident: Resident, newcomer: Callable[[], Resident], clock: Clock, way: SignIn
) -> None:
    page = second_step(resident)
    way(resident, on(resident, page, {PHONE: ["0173-11-1111"]}, do="signin"))
    other = newcomer()
    clock.advance(seconds=1)  # the newest mail is the other one
    assert other.open(page.url).status == 404
    mine = way(other, other.open("/signin"))
    assert any(base(page) in href for _, href in mine.links), mine.text
    assert value(other.open(page.url), PHONE) == "0173-11-1111"


def test_the_card_fills_in_what_is_blank_and_nothing_that_was_typed(resident: Resident) -> None:
    page = second_step(resident)
    after = by_card(resident, on(resident, page, {FAMILY: ["見本"], PHONE: ["0173-11-1111"]}, do="signin"))
    assert (value(after, FAMILY), value(after, GIVEN)) == ("見本", ""), "not half of another name"
    assert value(after, "applicant.address.town") == "字布屋町"
    assert value(after, "applicant.birthdate.year") == "1995"
    assert value(after, PHONE) == "0173-11-1111"
    assert value(after, "applicant.name.family_kana") == "", "the card has none"


def test_the_source_of_an_answer_is_the_card_until_it_is_changed(resident: Resident) -> None:
    after = by_card(resident, on(resident, second_step(resident), do="signin"))
    rest = {
        "applicant.name.family_kana": ["ミヨシ"],
        "applicant.name.given_kana": ["ハナコ"],
        PHONE: ["0173-00-0123"],
    }
    check = checked(on(resident, after, rest), resident)
    assert of_row(check, "生年月日").endswith(FROM_CARD)
    on(resident, resident.open(after.url), {"applicant.birthdate.day": ["3"]})
    changed = resident.open(check.url)
    assert FROM_CARD not in of_row(changed, "生年月日")
    assert "9月3日" in of_row(changed, "生年月日")


def test_saying_no_at_the_provider_loses_nothing_either(resident: Resident, provider: Provider) -> None:
    page = second_step(resident)
    signin = on(resident, page, {PHONE: ["0173-11-1111"]}, do="signin")
    out = resident.client.get(signin.link("/signin/oidc/go"), follow_redirects=False)
    state = parse_qs(urlsplit(out.headers["location"]).query)["state"][0]
    said = urlencode({"error": "access_denied", "state": state, "iss": provider.issuer})
    declined = resident.open(f"/signin/oidc/return?{said}")
    assert "途中で終わりました" in declined.text
    after = by_card(resident, declined)
    assert (after.path, value(after, PHONE)) == (page.path, "0173-11-1111")


@pytest.mark.parametrize("slug", [JUMINHYO, DOG])
def test_a_card_that_does_not_reach_is_told_before_anybody_leaves(resident: Resident, slug: str) -> None:
    case = case_of(slug)
    check = filled(resident, slug, case["answers"], case.get("attachments"))
    signin = resident.open(check.link("/signin?next="))
    reaches = any("/signin/oidc/go" in href for _, href in signin.links)
    assert reaches == (slug == DOG)
    if not reaches:
        assert "この手続きに使えるサインインの方法がこのサイトにはありません" in signin.text
        back = resident.open(signin.link("/check"))
        assert answers_of(back) == answers_of(check)
