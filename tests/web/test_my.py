"""A resident's own page: what stands there, what is taken back there, and that it is theirs alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from server.applications.mine import PAGE
from server.people.tokens import MOST
from server.store import tables as t
from server.store.database import Writing
from tests.security.declarations import sample
from tests.security.site import FILE, Browser, Site, place, sandbox_site

TOKEN = re.compile(r"kk_[A-Za-z0-9_-]{43}")


@pytest.fixture
def site(tmp_path: Path, migrated_file: Path) -> Iterator[Site]:
    with sandbox_site(tmp_path, migrated_file, sample()) as site:
        yield site
        assert site.failures() == []


@pytest.fixture
def taro(site: Site) -> Browser:
    return site.browser().sign_in("taro-jpki")


def count(site: Site, table: Any) -> int:
    return int(site.run(lambda: site.of.database.read(lambda db: db.scalar(select(func.count()).select_from(table)))))


def transact(site: Site, work: Any) -> Any:
    return site.run(lambda: site.of.database.transact(work))


def forms(html: str, end: str) -> list[str]:
    """The addresses of the page's forms that end so."""
    return re.findall(rf'<form method="post" action="(/my/[^"]*{end})"', html)


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition("<main")[2]).split())


# --- what stands there --------------------------------------------------------------------------------------------


def test_an_empty_page_leads_to_the_procedures(taro: Browser) -> None:
    page = taro.get("/my")
    told = text(page.text)
    for words in ("書きかけの申請はありません", "送った申請はまだありません", "保存した回答はありません"):
        assert words in told
    assert 'href="/procedures"' in page.text.partition("<main")[2]
    assert page.headers["cache-control"] == "no-store"


def test_it_says_how_one_is_signed_in_and_until_when(taro: Browser) -> None:
    told = text(taro.get("/my").text)
    assert "マイナンバーカード(署名用の暗証番号)" in told
    assert "60分のあいだ何もしないとサインアウトします" in told
    assert "2026年11月20日(金) 22時00分にはサインアウト" in told


def test_every_page_of_somebody_signed_in_says_when_that_ends(site: Site, taro: Browser) -> None:
    for path in ("/", "/my", "/procedures", "/signin"):
        page = taro.get(path)
        assert "操作をしないと、11時00分に自動でサインアウトします" in page.text, path
        assert 'data-left="3600"' in page.text
    site.clock.advance(minutes=30)
    assert "11時30分に自動でサインアウト" in taro.get("/my").text


def test_a_visitor_is_told_of_no_end(site: Site) -> None:
    assert "サインアウトします" not in site.browser().get("/").text


def test_a_draft_says_until_when_it_is_kept_and_leads_on(taro: Browser) -> None:
    draft = taro.begin("letter")
    page = taro.get("/my").text
    assert f'href="/drafts/{draft}/1"' in page
    assert "2026年11月27日(金) 10時00分まで残ります" in text(page)


def test_an_application_says_its_state_its_number_and_what_to_do_next(taro: Browser) -> None:
    number = taro.submit(taro.begin("priced"))
    page = taro.get("/my").text
    told = text(page)
    assert "お支払いを待っています" in told
    assert f"{number[:5]} {number[5:10]} {number[10:]}" in told
    paying = re.search(r'href="(/payments/[0-9a-f]{32})"', page)
    assert paying is not None
    assert taro.get(paying[1]).status_code == 200


def test_what_is_paid_or_free_offers_no_payment(site: Site, taro: Browser) -> None:
    taro.submit(taro.begin("letter"))
    taro.submit(taro.begin("priced"))
    transact(site, lambda db: db.execute(update(t.debt).values(state="paid")))
    assert "/payments/" not in taro.get("/my").text


def test_the_newest_come_first_and_the_rest_stand_on_further_pages(site: Site, taro: Browser) -> None:
    first = taro.submit(taro.begin("letter"))

    def copies(db: Writing) -> None:
        row = db.one(select(t.application))
        assert row is not None
        for i in range(1, PAGE + 1):
            later = {"submitted_at": row.submitted_at + timedelta(minutes=i)}
            copy = {"id": f"{i:032x}", "receipt_number": f"{i:015}"}
            db.execute(insert(t.application), {**row._asdict(), **copy, **later})

    transact(site, copies)
    one, two = taro.get("/my").text, taro.get("/my?page=2").text
    listed = [re.findall(r'href="/applications/([0-9]{15})"', each) for each in (one, two)]
    assert listed == [[f"{i:015}" for i in range(PAGE, 0, -1)], [first]]
    assert 'href="/my?page=2"' in one
    assert 'href="/my?page=1"' in two
    assert 'aria-current="page">2<' in two
    assert "書きかけの申請はありません" in one
    assert "書きかけの申請はありません" not in two
    assert taro.get("/my?page=3").status_code == 404


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1001", "²", "9" * 5000, "1 "])
def test_a_page_that_is_none_is_not_there(taro: Browser, page: str) -> None:
    assert taro.client.get("/my", params={"page": page}).status_code == 404


def test_nobody_sees_the_page_of_another(site: Site, taro: Browser) -> None:
    number = taro.submit(taro.begin("letter"))
    yukiko = site.browser().sign_in("yukiko-78")
    assert number not in yukiko.get("/my").text


# --- drafts -------------------------------------------------------------------------------------------------------


def test_a_draft_is_deleted_with_its_files_and_a_second_press_is_no_mistake(site: Site, taro: Browser) -> None:
    draft = taro.begin("letter", files=FILE)
    (url,) = forms(taro.get("/my").text, "/delete")
    assert url == f"/my/drafts/{draft}/delete"
    for _ in range(2):
        assert place(taro.post(url)) == "/my"
    assert taro.get(f"/drafts/{draft}/1").status_code == 404
    assert (count(site, t.draft), count(site, t.upload), count(site, t.mynumber)) == (0, 0, 0)


def test_the_draft_of_another_and_what_was_submitted_stay(site: Site, taro: Browser) -> None:
    draft, sent = taro.begin("letter", files=FILE), taro.begin("letter", files=FILE)
    number = taro.submit(sent)
    yukiko = site.browser().sign_in("yukiko-78")
    assert place(yukiko.post(f"/my/drafts/{draft}/delete")) == "/my"
    assert place(taro.post(f"/my/drafts/{sent}/delete")) == "/my"
    assert taro.get(f"/drafts/{draft}/1").status_code == 200
    assert taro.get(f"/applications/{number}/receipt").status_code == 200
    assert count(site, t.upload) == 2


# --- tokens -------------------------------------------------------------------------------------------------------


def once(browser: Browser) -> str:
    found = re.search(r'name="once" value="([0-9a-f]{32})"', browser.get("/my").text)
    assert found is not None
    return found[1]


def test_a_token_is_shown_once_and_works(site: Site, taro: Browser) -> None:
    made = taro.post("/my/tokens", {"once": once(taro), "label": "会計ソフト", "days": "90"})
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    (token,) = TOKEN.findall(made.text)
    assert "2027年2月18日" in text(made.text)
    assert token not in "".join(site.lines)
    page = taro.get("/my").text
    assert not TOKEN.search(page)
    assert "会計ソフト" in page
    program = site.browser()
    answer = program.client.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200
    assert "最後に使われたのは2026年11月20日(金) 10時00分ごろです" in text(taro.get("/my").text)
    (url,) = forms(page, "/revoke")
    assert place(taro.post(url)) == "/my"
    again = program.client.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"authorization": f"Bearer {token}"}
    )
    assert again.status_code == 401


def test_reloading_the_page_with_the_token_makes_no_second_one(site: Site, taro: Browser) -> None:
    sent = {"once": once(taro), "label": "会計ソフト", "days": "30"}
    assert taro.post("/my/tokens", sent).status_code == 200
    assert place(taro.post("/my/tokens", sent)) == "/my"
    assert count(site, t.api_token) == 1


def test_a_token_without_a_name_is_asked_for_again_with_what_was_typed(site: Site, taro: Browser) -> None:
    wrong = "名" * 61
    page = taro.post("/my/tokens", {"once": once(taro), "label": wrong, "days": "30"})
    assert page.status_code == 422
    assert 'href="#f-label"' in page.text
    assert f'value="{wrong}"' in page.text
    assert 'id="f-label-error"' in page.text
    assert taro.post("/my/tokens", {"once": once(taro), "label": "x", "days": "31"}).status_code == 422
    assert count(site, t.api_token) == 0


def test_the_eleventh_token_is_told_what_to_do(site: Site, taro: Browser) -> None:
    for i in range(MOST):
        assert taro.post("/my/tokens", {"once": f"{i:032x}", "label": f"{i}", "days": "30"}).status_code == 200
    page = taro.post("/my/tokens", {"once": once(taro), "label": "x", "days": "30"})
    assert page.status_code == 422
    assert "取り消してから作ってください" in page.text
    assert count(site, t.api_token) == MOST


def test_nobody_revokes_the_token_of_another(site: Site, taro: Browser) -> None:
    taro.post("/my/tokens", {"once": once(taro), "label": "会計", "days": "30"})
    (url,) = forms(taro.get("/my").text, "/revoke")
    yukiko = site.browser().sign_in("yukiko-78")
    assert place(yukiko.post(url)) == "/my"
    assert count(site, t.api_token) == 1


# --- sessions -----------------------------------------------------------------------------------------------------


def test_another_browser_is_signed_out_from_here(site: Site, taro: Browser) -> None:
    there = site.browser().sign_in("taro-jpki")
    (url,) = forms(taro.get("/my").text, "/end")
    assert place(taro.post(url)) == "/my"
    assert there.get("/my").status_code == 303
    assert taro.get("/my").status_code == 200
    assert forms(taro.get("/my").text, "/end") == []


def test_signing_out_everywhere_ends_this_browser_too_and_leaves_the_tokens(site: Site, taro: Browser) -> None:
    taro.post("/my/tokens", {"once": once(taro), "label": "会計", "days": "30"})
    there, other = site.browser().sign_in("taro-jpki"), site.browser().sign_in("yukiko-78")
    assert "トークンは取り消されません" in text(taro.get("/my").text)
    gone = taro.post("/my/signout-everywhere")
    assert place(gone) == "/"
    assert "clear-site-data" in gone.headers
    assert [each.get("/my").status_code for each in (taro, there, other)] == [303, 303, 200]
    assert count(site, t.api_token) == 1


# --- withdrawal ---------------------------------------------------------------------------------------------------


def reason_kept(site: Site) -> Any:
    """The detail of the audit line of a withdrawal."""
    asked = select(t.audit.c.detail).where(t.audit.c.action == "application.withdraw")
    return site.run(lambda: site.of.database.read(lambda db: db.scalar(asked)))


def test_an_application_is_withdrawn_by_a_page_that_says_what_it_means(site: Site, taro: Browser) -> None:
    number = taro.submit(taro.begin("priced"))
    assert f'href="/applications/{number}/withdraw"' in taro.get(f"/applications/{number}").text
    page = text(taro.get(f"/applications/{number}/withdraw").text)
    assert "取り下げは元に戻せません" in page
    assert "支払わなくてよくなります" in page
    for _ in range(2):
        done = taro.post(f"/applications/{number}/withdraw", {"reason": "mistake"})
        assert place(done) == f"/applications/{number}"
    status = taro.get(f"/applications/{number}").text
    assert "取り下げました" in text(status)
    assert "/withdraw" not in status
    assert place(taro.get(f"/applications/{number}/withdraw")) == f"/applications/{number}"
    assert reason_kept(site) == '{"reason":"mistake"}'


@pytest.mark.parametrize("reason", ["", "x", "<script>", "決めたので"])
def test_a_reason_of_ones_own_words_is_not_kept(site: Site, taro: Browser, reason: str) -> None:
    number = taro.submit(taro.begin("letter"))
    taro.post(f"/applications/{number}/withdraw", {"reason": reason})
    assert reason_kept(site) == '{"reason":"unsaid"}'


def test_who_paid_is_told_that_a_clerk_sees_to_it(site: Site, taro: Browser) -> None:
    number = taro.submit(taro.begin("priced"))
    debt = re.search(r"/payments/([0-9a-f]+)", taro.get(f"/applications/{number}").text)
    assert debt is not None
    reference = place(taro.get(f"/payments/{debt[1]}/go")).rpartition("/")[2]
    taro.post(f"/sandbox/pay/{reference}", {"action": "pay"})
    told = text(taro.get(f"/applications/{number}/withdraw").text)
    assert "お支払い済みの手数料の扱いは、職員が確かめて連絡します" in told


def test_a_decided_application_says_whom_to_speak_to(site: Site, taro: Browser) -> None:
    number = taro.submit(taro.begin("letter"))
    transact(site, lambda db: db.execute(update(t.application).values(state="pending_decision")))
    assert "/withdraw" not in taro.get(f"/applications/{number}").text
    assert "担当の課に連絡してください" in text(taro.get(f"/applications/{number}/withdraw").text)
    assert taro.post(f"/applications/{number}/withdraw").status_code == 409
    assert "取り下げました" not in text(taro.get(f"/applications/{number}").text)


def test_who_found_the_receipt_may_look_and_not_withdraw(site: Site, taro: Browser) -> None:
    number = taro.submit(taro.begin("letter"))
    code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", taro.get(f"/applications/{number}/receipt").text)
    assert code is not None
    finder = site.browser()
    finder.post("/applications", {"number": number, "access_code": code[0]})
    assert "/withdraw" not in finder.get(f"/applications/{number}").text
    page = finder.get(f"/applications/{number}/withdraw")
    assert "申請した本人だけです" in text(page.text)
    refused = finder.post(f"/applications/{number}/withdraw")
    assert refused.status_code == 403
    assert "申請した本人だけです" in text(refused.text)
    assert "申請が届きました" in text(finder.get(f"/applications/{number}").text)


def test_what_was_filed_without_signing_in_is_withdrawn_by_its_code_in_another_browser(site: Site) -> None:
    here, later = site.browser(), site.browser()
    number = here.submit(here.begin("letter"))
    code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", here.get(f"/applications/{number}/receipt").text)
    assert code is not None
    later.post("/applications", {"number": number, "access_code": code[0]})
    assert place(later.post(f"/applications/{number}/withdraw")) == f"/applications/{number}"
    assert "取り下げました" in text(here.get(f"/applications/{number}").text)
