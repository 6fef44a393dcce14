"""The list and the guide: what they say of a procedure, and when that changes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from procedures.declaration import Declaration, parse
from procedures.library import ROOT, Reader, read_shared
from server.catalogue import publish
from server.settings import Settings
from server.store import tables as t
from server.web.contexts import Contact
from server.web.public.guides import contact
from tests.conftest import Clock
from tests.web import samples
from tests.web.html import Html
from tests.web.site import links, running

SHARED = read_shared(ROOT, Reader())
RAW = json.loads((ROOT / "declarations/environment-pets/inu-toroku.json").read_text("utf-8"))


def dog(slug: str = "inu-toroku", **changes: Any) -> Declaration:
    """The registration of a dog, with something changed."""
    return parse(json.dumps(RAW | changes, ensure_ascii=False), SHARED.common, "environment-pets", slug)


class City:
    """The site, and the hand that publishes."""

    def __init__(self, browser: TestClient, clock: Clock) -> None:
        self.browser, self.clock = browser, clock
        self._of = browser.app.state.services  # type: ignore[attr-defined]  # the application that `running` made

    def publish(self, *declarations: Declaration) -> None:
        self._do(lambda db: publish(db, declarations, now=self.clock(), actor="test"))

    def suspend(self, slug: str, reason: str) -> None:
        row = update(t.publication).where(t.publication.c.slug == slug).values(state="suspended", reason=reason)
        self._do(lambda db: db.execute(row))

    def _do(self, work: Any) -> None:
        async def done() -> None:
            await self._of.database.transact(work)
            await self._of.catalogue.refresh()

        assert self.browser.portal is not None
        self.browser.portal.call(done)

    def page(self, path: str) -> Html:
        answer = self.browser.get(path)
        assert answer.status_code == 200, answer.text
        return Html(answer.text)

    def guide(self, slug: str = "inu-toroku") -> Html:
        return self.page(f"/procedures/{slug}")


@pytest.fixture
def city(settings: Settings, stocked_file: Path, clock: Clock) -> Iterator[City]:
    shutil.copy(stocked_file, settings.data_dir / "kakanai.db")
    with running(settings, clock) as browser:
        yield City(browser, clock)


# --- the guide -------------------------------------------------------------------------------------------------------


def test_a_guide_says_what_one_needs_to_know_before_one_begins(city: City) -> None:
    page = city.guide()
    assert RAW["title"] in page.text
    assert RAW["summary"] in page.text
    assert RAW["guide"]["who"] in page.text
    assert RAW["legal_basis"] in page.text
    for words in (*RAW["guide"]["bring"], *RAW["guide"]["notes"]):
        assert words in page.text
    for step in RAW["ui"]["steps"]:
        assert step["title"] in page.text


def test_a_guide_says_what_it_costs_on_this_day(city: City) -> None:
    rows = [SHARED.fees.row(item["code"], city.clock().date()) for item in RAW["fee"]["items"]]
    page = city.guide()
    for row in rows:
        assert f"{row.title}: {row.amount:,}円(1{row.unit}につき)" in page.text
    city.publish(dog(fee=None))
    assert "かかりません。" in city.guide().text


def test_a_guide_says_whom_to_ask_and_when_they_are_there(city: City) -> None:
    page = city.guide()
    department = samples.city().departments[RAW["department"]]
    (place,) = [each for each in page.elements if each.at.get("class") == "contact"]
    assert place.at["aria-label"] == "担当の課"
    for words in (department.name, department.phone, department.place, "月・火・水・木・金 8時30分から17時15分まで"):
        assert words in page.text


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("none", "本人確認はいりません"),
        ("email", "メールアドレスの確認だけです。届いた6桁の番号を入力します。"),
        ("oidc-basic", "マイナンバーカードでサインインします。4桁の暗証番号を使います。"),
        ("jpki-signature", "6文字から16文字の署名用の暗証番号を使います。"),
    ],
)
def test_a_guide_says_in_plain_words_how_one_proves_who_one_is(city: City, level: str, words: str) -> None:
    city.publish(dog(assurance=level))
    assert words in city.guide().text


def test_a_guide_leads_to_the_form(city: City) -> None:
    assert "/procedures/inu-toroku/apply" in links(city.browser.get("/procedures/inu-toroku").text)


def test_what_is_filed_elsewhere_is_led_there_with_what_to_prepare(city: City) -> None:
    handover = {"to": "マイナポータル", "url": "https://myna.go.jp/x", "for": ["online"], "prepare": ["4桁の暗証番号"]}
    city.publish(dog(handover=handover))
    page = city.guide()
    (way,) = [each for each in page.all("a") if each.at["href"] == "https://myna.go.jp/x"]
    assert "マイナポータルへ進む" in page.text
    assert "4桁の暗証番号" in page.text
    assert not any("/apply" in each.at["href"] for each in page.all("a"))
    assert "button" in way.at["class"]


def test_a_handover_of_the_counter_alone_leaves_the_form_here(city: City) -> None:
    city.publish(dog(handover={"to": "県庁", "url": "https://pref.example.jp/", "for": ["counter"]}))
    assert any(each.at["href"].endswith("/apply") for each in city.guide().all("a"))


def test_what_is_only_done_in_person_says_so(city: City) -> None:
    city.publish(dog(channels=["counter"]))
    page = city.guide()
    assert "窓口で手続きします" in page.text
    assert not any("/apply" in each.at["href"] for each in page.all("a"))


def test_a_procedure_that_was_stopped_says_why_and_offers_no_form(city: City) -> None:
    assert "オンラインで手続きできます" in city.guide().text
    city.suspend("inu-toroku", "制度が変わるため、準備しています。")
    page = city.guide()
    assert "受付を止めています" in page.text
    assert "制度が変わるため、準備しています。" in page.text
    assert not any("/apply" in each.at["href"] for each in page.all("a"))


def test_a_procedure_opens_and_closes_at_midnight_in_japan(city: City) -> None:
    city.publish(dog(accepts={"from": "2026-12-01", "until": "2026-12-02"}))

    def told(at: datetime) -> str:
        city.clock.now = at
        listed = city.page("/procedures?category=environment-pets").text
        return next(state for state in ("受付前", "受付終了", "オンラインでできます") if state in listed)

    assert "2026年12月1日(火)から申請できます。" in city.guide().text
    assert told(datetime(2026, 11, 30, 14, 59, 59, tzinfo=UTC)) == "受付前"
    assert told(datetime(2026, 11, 30, 15, 0, 0, tzinfo=UTC)) == "オンラインでできます"
    assert told(datetime(2026, 12, 2, 14, 59, 59, tzinfo=UTC)) == "オンラインでできます"
    assert told(datetime(2026, 12, 2, 15, 0, 0, tzinfo=UTC)) == "受付終了"


def test_a_new_version_is_shown_at_once(city: City) -> None:
    before = city.browser.get("/procedures/inu-toroku")
    city.publish(dog(title="犬の登録(新)"))
    after = city.browser.get("/procedures/inu-toroku", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert "犬の登録(新)" in after.text
    assert "犬の登録(新)" in city.browser.get("/procedures?category=environment-pets").text


# --- the list --------------------------------------------------------------------------------------------------------


def listed(page: Html) -> list[str]:
    found = [each.at["href"] for each in page.all("a") if "h3" in each.inside]
    return [href.removeprefix("/procedures/") for href in found]


@pytest.fixture
def dogs(city: City) -> City:
    """45 dogs beside the city's own procedures."""
    city.publish(*(dog(f"inu-{i:02}", id=f"P9{i:02}", title=f"犬の登録その{i}") for i in range(45)))
    return city


def test_a_long_list_comes_in_pages_that_together_hold_everything_once(dogs: City) -> None:
    found: list[str] = []
    for number in (1, 2, 3):
        found += listed(dogs.page(f"/procedures?category=environment-pets&page={number}"))
    assert len(found) == len(set(found)) > 45
    page = dogs.page("/procedures?category=environment-pets&page=2")
    assert f"{len(found)}件の手続き" in page.text
    (here,) = [each for each in page.elements if each.at.get("aria-current") == "page"]
    assert here.tag == "span"


@pytest.mark.parametrize("number", ["0", "-1", "999", "9" * 50, "x", "２", "1.5"])
def test_a_page_that_is_not_there_is_the_nearest_one(dogs: City, number: str) -> None:
    assert len(listed(dogs.page(f"/procedures?page={number}"))) > 0


def test_the_links_between_pages_keep_what_was_asked_for(dogs: City) -> None:
    asked = "/procedures?q=犬&category=environment-pets&online=1"
    onward = [each.at["href"] for each in dogs.page(asked).all("a") if "page=2" in each.at["href"]]
    assert len(onward) == 1
    assert len(listed(dogs.page(onward[0]))) == 20


def test_filters_narrow_the_list_and_stay_chosen(city: City) -> None:
    page = city.page("/procedures?category=resident-record")
    shelf = {path.stem for path in (ROOT / "declarations/resident-record").glob("*.json")}
    assert set(listed(page)) == shelf != set(listed(city.page("/procedures")))
    chosen = [each.at["value"] for each in page.all("option") if "selected" in each.at]
    assert chosen == ["resident-record"]
    city.publish(dog(channels=["counter"]))
    pets = "/procedures?category=environment-pets&online="
    assert "inu-toroku" not in listed(city.page(f"{pets}1"))
    assert "inu-toroku" in listed(city.page(f"{pets}0"))


@pytest.mark.parametrize("asked", ["category=nothing", "life_event=../etc", "category=%00", "online=yes", "foo=bar"])
def test_a_filter_that_means_nothing_leaves_everything(city: City, asked: str) -> None:
    assert len(listed(city.page(f"/procedures?{asked}"))) == len(listed(city.page("/procedures"))) > 1


def test_the_first_page_leads_to_lists_that_hold_as_many_as_it_says(city: City) -> None:
    home = city.page("/")
    numbers = re.findall(r"(\d+)件", home.text)
    ways = [each.at["href"] for each in home.all("a") if "category=" in each.at["href"]]
    assert len(ways) == len(numbers) > 1
    for way, number in zip(ways, numbers, strict=True):
        assert f"{number}件の手続き" in city.page(way).text
    for way in (each.at["href"] for each in home.all("a") if "life_event=" in each.at["href"]):
        assert listed(city.page(way))


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_pages_travel_compressed_to_those_who_can_read_it(site: TestClient) -> None:
    packed = site.get("/", headers={"accept-encoding": "gzip"})
    plain = site.get("/", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content  # the client has unpacked it
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.headers["etag"] == plain.headers["etag"]
    assert {each.strip() for each in packed.headers["vary"].split(",")} == {"Accept-Encoding", "Cookie"}


@pytest.mark.parametrize("told", ["{etag}", "W/{etag}", '"other", {etag}', "*", '"a",W/{etag} ,"b"'])
def test_a_page_one_has_is_not_sent_again(site: TestClient, told: str) -> None:
    etag = site.get("/procedures").headers["etag"]
    answer = site.get("/procedures", headers={"if-none-match": told.format(etag=etag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)


def test_somebodys_search_is_not_kept(site: TestClient) -> None:
    assert site.get("/procedures?q=離婚").headers["cache-control"] == "no-store"


def test_files_of_the_site_come_as_they_are_and_compressed(site: TestClient) -> None:
    html = site.get("/procedures/inu-toroku/apply").text
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', html):
        plain = site.get(path, headers={"accept-encoding": "identity"})
        packed = site.get(path, headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == plain.content
        assert plain.headers["content-type"].partition(";")[0] in ("text/css", "text/javascript", "image/svg+xml")
        assert site.get(path, headers={"if-none-match": plain.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/site.css",
        "/static/../city.json",
        "/static/..%2fcity.json",
        "/static/%2e%2e/city.json",
        "/static//etc/passwd",
        "/static/vendor",
        "/static/.gitignore",
        "/static/site.000000000000.css",
    ],
)
def test_nothing_but_the_files_themselves_is_served(site: TestClient, path: str) -> None:
    assert site.get(path).status_code == 404


def test_a_department_the_city_file_does_not_know_is_reached_by_the_citys_own_line() -> None:
    city = samples.city()
    assert contact(city, "新しい課", samples.LANGUAGES.japanese) == Contact("新しい課", city.phone, city.email)
