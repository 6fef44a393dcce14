"""A life event: a few questions, and the list that one may print, send as a link, or file from."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from procedures.interviews import Interview
from procedures.library import ROOT, Reader, read_shared
from server.catalogue.advice import query_of
from tests.conftest import Clock, sandbox
from tests.web.html import Html
from tests.web.site import links, running

EVENTS = read_shared(ROOT, Reader()).life_events
INTERVIEWS: dict[str, Interview] = {each.id: each.interview for each in EVENTS.values() if each.interview}
CASES = [(event, i) for event, told in INTERVIEWS.items() for i in range(len(told.cases))]
ALONE = "moved_on=2026-12-01&from=japan&children=false&insurance=work&care=false&disability=false"
FAMILY = (
    "moved_on=2026-12-01&from=japan&children=true&ages=preschool&ages=school&nursery=true&one_parent=false"
    "&insurance=nhi&care=false&disability=false&things=water&things=dog"
)


@pytest.fixture(scope="module")
def running_site(tmp_path_factory: pytest.TempPathFactory, stocked_file: Path) -> Iterator[tuple[TestClient, Clock]]:
    home, clock = tmp_path_factory.mktemp("site"), Clock()
    shutil.copy(stocked_file, home / "kakanai.db")
    with running(sandbox(home, f"sqlite:///{home / 'kakanai.db'}"), clock) as browser:
        yield browser, clock


@pytest.fixture
def clock(running_site: tuple[TestClient, Clock]) -> Clock:
    """Stands at the morning of 20 November 2026 when a test begins."""
    running_site[1].now = Clock().now
    return running_site[1]


@pytest.fixture
def site(running_site: tuple[TestClient, Clock], clock: Clock) -> TestClient:
    return running_site[0]


def page(site: TestClient, path: str) -> str:
    answer = site.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("location"))
    Html(answer.text)  # every tag is closed where it stands
    return answer.text


def texts(html: str, tag: str, having: str = "") -> list[str]:
    """What stands in every element of a tag whose attributes have these letters."""
    found = re.findall(rf"<{tag}\b[^>]*{re.escape(having)}[^>]*>(.*?)</{tag}>", html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", "", each).split()) for each in found]


def hrefs(html: str) -> list[str]:
    return [each.at["href"] for each in Html(html).all("a")]


# --- the questions ----------------------------------------------------------------------------------------------------


def test_every_life_event_can_be_reached_and_those_with_questions_first(site: TestClient) -> None:
    html = site.get("/life-events").text
    for event in EVENTS.values():
        way = f"/life-events/{event.id}" if event.interview else f"/procedures?life_event={event.id}"
        assert way in links(html)
    assert html.index("/life-events/business") < html.index("life_event=pregnancy")


def test_the_first_page_leads_to_the_questions_where_there_are_any(site: TestClient) -> None:
    found = links(site.get("/").text)
    assert "/life-events/move-in" in found
    assert "/procedures?life_event=pregnancy" in found


@pytest.mark.parametrize("event", INTERVIEWS)
def test_the_questions_are_the_same_bytes_for_everybody_and_lead_to_the_plain_list_too(
    site: TestClient, event: str
) -> None:
    first, again = site.get(f"/life-events/{event}"), site.get(f"/life-events/{event}")
    assert first.content == again.content
    assert first.headers["cache-control"] == "public, no-cache"
    assert f"/procedures?life_event={event}" in links(first.text)
    assert site.get(f"/procedures?life_event={event}").status_code == 200


def test_a_life_event_without_questions_leads_to_its_procedures(site: TestClient) -> None:
    for path in ("/life-events/pregnancy", "/life-events/pregnancy/list?x=1"):
        answer = site.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/procedures?life_event=pregnancy")
    assert site.get("/life-events/party").status_code == 404
    assert site.post("/life-events/party").status_code == 404


def test_an_answer_asks_for_what_follows_from_it_and_keeps_the_others(site: TestClient) -> None:
    typed = {"children": "true", "moved_on.era": "reiwa", "moved_on.year": "8", "moved_on.month": "12"}
    answer = site.post("/life-events/move-in", data=typed, headers={"hx-request": "true"})
    fragment = Html(answer.text)
    assert answer.status_code == 200
    assert not list(fragment.all("main")), "only what htmx replaces"
    named = {each.at["name"] for each in fragment.all("input")}
    assert {"ages", "one_parent"} <= named
    assert "nursery" not in named
    assert 'value="8"' in answer.text
    assert 'class="field__error"' not in answer.text, "nothing is wrong yet: the list was not asked for"
    assert answer.headers["cache-control"] == "no-store"


def test_without_script_a_button_asks_for_what_follows(site: TestClient) -> None:
    (button,) = [each for each in Html(page(site, "/life-events/move-in")).all("button") if "formaction" in each.at]
    assert "noscript" in button.inside
    again = page(site, f"{button.at['formaction']}?children=true&ages=&ages=preschool&moved_on.year=&from=")
    named = {each.at["name"] for each in Html(again).all("input") if "name" in each.at}
    assert {"ages", "one_parent", "nursery"} <= named
    assert "field__error" not in again
    # where script is off and htmx's way is taken none the less, the whole page comes
    assert "<main" in site.post("/life-events/move-in", data={"children": "true"}).text


def test_what_is_missing_or_wrong_is_said_beside_its_question_and_what_was_typed_is_kept(site: TestClient) -> None:
    typed = {"moved_on.era": "reiwa", "moved_on.year": "8", "moved_on.month": "13", "moved_on.day": "1", "dog": "x"}
    back = site.get(f"/life-events/move-in/list?{urlencode(typed)}")
    assert back.status_code == 303
    where = back.headers["location"]
    assert where.startswith("/life-events/move-in?moved_on.era=reiwa")
    assert "dog" not in where, "nothing that no question asked comes along"
    html = page(site, where)
    assert len(texts(html, "p", 'class="field__error"')) == 6
    assert 'value="13"' in html
    assert "直していただくところが6か所あります" in html
    led = [each for each in hrefs(html) if each.startswith("#f-")]
    assert len(led) == 6
    assert {each[1:] for each in led} <= {each.at.get("id") for each in Html(html).elements}
    # an answer that asks for more does not make what is new wrong
    posted = {"children": "true", "_wrong": ["/children", "/insurance"]}
    fragment = site.post(where, data=posted, headers={"hx-request": "true"}).text
    assert fragment.count('class="field__error"') == 1


# --- the list ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("event", "number"), CASES)
def test_every_case_of_an_interview_has_its_page(site: TestClient, clock: Clock, event: str, number: int) -> None:
    told = INTERVIEWS[event]
    case = told.cases[number]
    clock.now = datetime.fromisoformat(case["today"]).replace(hour=1, tzinfo=UTC)
    settled = told.form.settle(case["answers"], clock.now.date())
    html = page(site, f"/life-events/{event}/list?{query_of(settled)}")
    linked = links(html)
    for slug in case["expect"]["procedures"]:
        entry = next(each for each in told.entries if each.slug == slug)
        assert entry.elsewhere is not None or f"/procedures/{slug}" in linked
        assert entry.why in html


def test_a_list_says_by_when_why_what_to_bring_where_and_what_it_costs(site: TestClient) -> None:
    html = page(site, f"/life-events/move-in/list?{FAMILY}")
    headings = texts(html, "h2")
    assert headings[0].startswith("2026年11月26日(木)まで")
    assert headings[1:5] == [
        "2026年12月15日(火)まで",
        "2026年12月16日(水)まで",
        "2027年1月4日(月)まで",
        "早めに、または必要なときに",
    ]
    assert "オンラインで予約を始める" in html
    assert "/procedures/kokuho-shutoku/apply" in links(html)
    for words in ("無料", "市民課", "マイナンバーカード", "前の学校の在学証明書", "2つの手続きで使います"):
        assert words in html
    assert "パスポート" not in html


def test_what_is_filed_elsewhere_leads_there_and_what_is_done_at_the_counter_says_so(site: TestClient) -> None:
    html = page(site, "/life-events/move-out/list?moved_on=2026-12-01&to=japan&children=false&care=false")
    assert "マイナポータルへ進む" in html
    html = page(
        site,
        "/life-events/death/list?died_on=2026-11-20&filed=false&head=false&insurance=nhi&pension=false"
        "&property=false&allowance=false&one_parent=false",
    )
    assert "死亡届" in texts(html, "h3")
    assert "死亡届" not in texts(html, "a")
    assert "市民課の窓口" in html


def test_what_is_late_says_so(site: TestClient) -> None:
    html = page(site, f"/life-events/move-in/list?{ALONE.replace('2026-12-01', '2026-10-01')}")
    assert "期限を過ぎています。すぐに手続きしてください" in html
    assert "期限を過ぎています" not in page(site, f"/life-events/move-in/list?{ALONE}")


def test_a_list_is_shared_by_its_link_and_read_by_nobody_else(site: TestClient) -> None:
    path = f"/life-events/move-in/list?{FAMILY}"
    first, again = site.get(path), site.get(path)
    assert first.content == again.content
    assert first.headers["cache-control"] == "no-store"
    assert '<meta name="robots" content="noindex">' in first.text
    (link,) = [each for each in hrefs(first.text) if each.endswith(f"/list?{FAMILY}")]
    assert link.startswith("http")
    assert any(each.startswith("mailto:?") for each in hrefs(first.text))
    assert "set-cookie" not in first.headers


def test_one_list_has_one_address_however_it_was_answered(site: TestClient) -> None:
    boxes = "moved_on.era=reiwa&moved_on.year=8&moved_on.month=12&moved_on.day=1"
    asked = f"{ALONE.replace('moved_on=2026-12-01', boxes)}&from=&things=&utm=x&nursery=true&_wrong=/from"
    answer = site.get(f"/life-events/move-in/list?{asked.replace('&from=&', '&')}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/life-events/move-in/list?{ALONE}")
    assert site.get(answer.headers["location"]).status_code == 200


def test_the_answers_can_be_changed_from_the_list(site: TestClient) -> None:
    html = page(site, f"/life-events/move-in/list?{FAMILY}")
    (back,) = [each for each in hrefs(html) if each.startswith("/life-events/move-in?")]
    assert "答えを変える" in texts(html, "a")
    kept = Html(page(site, back))
    picked = {(each.at["name"], each.at["value"]) for each in kept.all("input") if "checked" in each.at}
    assert {("from", "japan"), ("children", "true"), ("ages", "school"), ("things", "dog")} <= picked


def test_in_another_language_the_answers_stay(site: TestClient) -> None:
    for path in ("/life-events/move-in/list", "/life-events/move-in"):
        (way, *_) = [each for each in hrefs(page(site, f"{path}?{FAMILY}")) if each.endswith("lang=en")]
        answer = site.get(f"{path}{way}", follow_redirects=True)
        assert answer.status_code == 200
        assert '<html lang="en"' in answer.text
        assert "2026" in answer.text
        site.cookies.clear()


def test_an_empty_list_has_words(site: TestClient) -> None:
    answers = "kind=talk&filed=true&home=same&name=false&children=false&allowance=nobody&insurance=same"
    html = page(site, f"/life-events/divorce/list?{answers}")
    assert "市に出す手続きはありません" in html
    assert "答えを変えるか、すべての手続きを見て" in html


NAMES = sorted({field.name for told in INTERVIEWS.values() for field in told.form.fields.values()})
VALUES = st.sampled_from(
    ["", "true", "false", "nhi", "japan", "2026-12-01", "9999-12-31", "0001-01-01", "work", "company"]
)
CONTROLS = st.sampled_from([*NAMES, "moved_on.year", "died_on.month", "_check", "_wrong", "utm"])
QUERIES = st.lists(st.tuples(CONTROLS, VALUES | st.text(max_size=30)), max_size=25)


@given(event=st.sampled_from(sorted(INTERVIEWS)), pairs=QUERIES, raw=st.text(max_size=40))
@settings(max_examples=80, deadline=None)
def test_any_address_is_answered_or_leads_back_to_the_questions(
    running_site: tuple[TestClient, Clock], event: str, pairs: list[tuple[str, str]], raw: str
) -> None:
    site = running_site[0]
    for query in (urlencode(pairs, errors="replace"), quote(raw, safe="%&=+;?/", errors="replace")):
        answer = site.get(f"/life-events/{event}/list?{query}")
        for _ in range(2):  # at most to the one address, or to the questions
            if answer.status_code != 303:
                break
            answer = site.get(answer.headers["location"])
        assert answer.status_code == 200
        assert site.get(f"/life-events/{event}?{query}").status_code == 200


@given(pairs=QUERIES)
@settings(max_examples=40, deadline=None)
def test_any_posted_answers_are_shown_again(
    running_site: tuple[TestClient, Clock], pairs: list[tuple[str, str]]
) -> None:
    site = running_site[0]
    headers = {"hx-request": "true", "content-type": "application/x-www-form-urlencoded"}
    body = urlencode(pairs, errors="replace")
    assert site.post("/life-events/divorce", content=body, headers=headers).status_code == 200
