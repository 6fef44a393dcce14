"""What everybody may read: reached by links alone, the same for all who are not signed in, changing nothing."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from starlette.testclient import TestClient

from procedures.library import Library
from server.settings import Settings
from tests.conftest import Clock, sandbox
from tests.journeys.conftest import beside, running
from tests.journeys.pages import Page, Resident

OpenBrowser = Callable[[], TestClient]


def crawled(resident: Resident) -> dict[str, Page]:
    """Every page that links lead to from the first one, by path and query."""
    found: dict[str, Page] = {}
    waiting = ["/"]
    while waiting:
        address = waiting.pop()
        if address in found or address.startswith("/static/"):
            continue
        found[address] = resident.open(address)
        waiting += inside(found[address])
    return found


def inside(page: Page) -> Iterator[str]:
    """The addresses on this site that a page links to. The way to a card's provider is a door out, and the links that
    choose a language lead to the same pages (test_languages)."""
    for _, href in page.links:
        parts = urlsplit(urljoin(page.url, href))
        if parts.netloc == "testserver" and not parts.path.endswith("/go") and "lang=" not in parts.query:
            yield parts.path + (f"?{parts.query}" if parts.query else "")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Settings:
    home = tmp_path_factory.mktemp("site")
    (home / "kakanai.db").write_bytes(migrated_file.read_bytes())
    return sandbox(home, f"sqlite:///{home / 'kakanai.db'}")


@pytest.fixture(scope="module")
def opened(settings: Settings, library: Library) -> Iterator[TestClient]:
    """One site for the whole file: nobody here changes anything."""
    with running(settings, library, Clock()) as client:
        yield client


@pytest.fixture
def site(opened: TestClient) -> TestClient:
    """A new browser at it."""
    return beside(opened)


@pytest.fixture(scope="module")
def pages(opened: TestClient) -> dict[str, Page]:
    return crawled(Resident(beside(opened)))


def test_no_link_leads_nowhere(pages: dict[str, Page]) -> None:
    assert {address: page.status for address, page in pages.items() if page.status != 200} == {}


def test_every_procedure_is_reached_by_links(pages: dict[str, Page], library: Library) -> None:
    wanted = {f"/procedures/{each.slug}" for each in library.declarations.values()}
    assert wanted <= set(pages)
    assert {f"{each}/apply" for each in wanted if any("/apply" in href for _, href in pages[each].links)} <= set(pages)


def shown(pages: dict[str, Page]) -> Iterator[tuple[str, Page]]:
    """Without the files that are open to programs."""
    return ((address, page) for address, page in pages.items() if not address.startswith("/opendata/"))


def test_every_page_names_itself_and_says_that_this_is_a_sandbox(pages: dict[str, Page]) -> None:
    for address, page in shown(pages):
        assert len(re.findall("<h1[ >]", page.html)) == 1, address
        assert "これは試験環境です" in page.text, address
        assert '<html lang="ja">' in page.html, address
        title = re.search("<title>(.*?)</title>", page.html, re.DOTALL)
        assert title is not None and title[1].strip(), address
        assert len(page.ids) == len(set(page.ids)), f"{address}: an id stands twice"
        fragments = {urlsplit(href).fragment for _, href in page.links if href.startswith("#")}
        assert fragments <= set(page.ids), f"{address}: a link into the page leads nowhere"


def test_titles_tell_pages_apart(pages: dict[str, Page]) -> None:
    titles: dict[str, str] = {}
    for address, page in shown(pages):
        path = urlsplit(address).path
        title = page.html.partition("<title>")[2].partition("</title>")[0].strip()
        if "?" not in address:
            assert titles.setdefault(title, path) == path, title


def rows(settings: Settings) -> list[str]:
    """Everything in the database."""
    path = settings.database_url.removeprefix("sqlite:///")
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return list(database.iterdump())
    finally:
        database.close()


def test_reading_changes_nothing(site: TestClient, settings: Settings) -> None:
    before = rows(settings)
    assert len(crawled(Resident(site))) > 10
    assert rows(settings) == before
    assert not site.cookies


@pytest.mark.parametrize("address", ["/", "/procedures", "/procedures/{slug}", "/procedures/{slug}/apply"])
def test_somebody_without_a_session_is_shown_the_same_bytes_as_everybody(
    site: TestClient, another: OpenBrowser, library: Library, address: str
) -> None:
    for declaration in library.declarations.values():
        path = address.format(slug=declaration.slug)
        mine, yours = site.get(path), another().get(path, headers={"user-agent": "other", "accept-language": "en"})
        assert mine.content == yours.content
        assert mine.headers["etag"] == yours.headers["etag"]
        assert "no-store" not in mine.headers["cache-control"]
        assert "set-cookie" not in mine.headers and "x-request-id" not in mine.headers
        again = site.get(path, headers={"if-none-match": mine.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("address", ["/", "/procedures", "/procedures/inu-toroku", "/procedures/inu-toroku/apply"])
def test_somebody_signed_in_is_greeted_and_the_page_is_not_kept(site: TestClient, address: str) -> None:
    resident = Resident(site)
    before = site.get(address)
    signin = resident.open("/signin")
    form = next(form for form in signin.forms if form.has_button("resident", "yukiko-78"))
    resident.press(signin, form, button=("resident", "yukiko-78"))
    page = site.get(address)
    assert "木村　由紀子 さん" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert site.get(address, headers={"if-none-match": before.headers["etag"]}).status_code == 200


def test_asking_for_the_head_alone_is_answered_like_the_page(site: TestClient) -> None:
    for path in ("/", "/procedures", "/procedures/inu-toroku/apply", "/signin", "/applications"):
        whole, head = site.get(path), site.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.parametrize("words", ["いぬ", "犬", "ペット", "イヌ", "ｲﾇ", "いぬ　登録", "犬を飼い始めた", "畜犬登録"])
def test_a_search_in_a_residents_words_finds_the_procedure(site: TestClient, words: str) -> None:
    page = Resident(site).open(f"/procedures?q={words}")
    assert "/procedures/inu-toroku" in {href for _, href in page.links}


def test_the_list_tells_what_everybody_pays_and_not_the_postage_alone(site: TestClient) -> None:
    text = "".join(Resident(site).open(f"/procedures?page={number}").text for number in range(1, 11))
    assert "300円から" in text and "3,000円から" in text
    assert "場合により200円" in text
    assert "110円から" not in text and "140円から" not in text


def test_a_search_that_finds_nothing_says_what_to_do(site: TestClient) -> None:
    page = Resident(site).open("/procedures?q=zzzzz")
    assert page.status == 200
    assert "あてはまる手続きが見つかりませんでした" in page.text
    assert any(text == "すべての手続きを見る" for text, _ in page.links)


def test_the_sites_own_files_are_kept_for_good_under_names_that_change_with_them(site: TestClient) -> None:
    html = site.get("/procedures/inu-toroku/apply").text
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))
    assert {Path(each).suffix for each in files} >= {".css", ".js", ".svg"}
    for each in files:
        answer = site.get(each)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_address_nobody_has_is_told_plainly(site: TestClient, accept: str) -> None:
    answer = site.get("/nowhere", headers={"accept": accept})
    assert answer.status_code == 404
    assert "ページが見つかりません" in (answer.text if accept == "text/html" else answer.json()["error"]["message"])
