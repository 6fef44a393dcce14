"""Every page in every state a resident meets: nothing for axe to find, nothing wider than a telephone or than a
quarter of a desk's screen (400 %), nothing too small to hit, and the matter on paper."""

from __future__ import annotations

import pytest

from tests.browser import looks, tree
from tests.browser.conftest import OpenBrowser, Quick
from tests.browser.looks import FOLDED, LAYOUT, at
from tests.browser.server import Server
from tests.browser.tree import Tree
from tests.browser.visit import Visit
from tests.journeys.filing import case_of, declared, filed, filled, ready

JUMINHYO, DOG, CHILDREN = "juminhyo-utsushi", "inu-toroku", "jido-teate-nintei-seikyu"


def examined(visit: Visit, status: int = 200) -> None:
    """The page as it stands, whatever was done to it before."""
    page = visit.page
    assert looks.axe(page) == [], visit.path
    assert tree.faults(Tree(page)) == [], visit.path
    with at(page, FOLDED):
        assert looks.measured(page, *LAYOUT, "order") == [], visit.path
        assert looks.small(page, 24) == [], visit.path


PUBLIC = [
    *("/", "/procedures", "/procedures?q=いぬ", "/procedures?q=zzz", "/procedures?life_event=birth", "/signin"),
    *(f"/procedures/{slug}" for slug in (JUMINHYO, DOG, CHILDREN)),
    *("/signin?next=%2F&level=email", "/signin/email", "/applications", "/resume", "/sandbox/mail", "/nowhere"),
    *("/_kinds", "/graphql/explorer", "/sandbox/card/jpki"),
]


@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_for_everybody(visit: Visit, path: str) -> None:
    assert visit.open(path) == (404 if path == "/nowhere" else 200)
    examined(visit)


def test_the_pages_that_ask_for_a_code(visit: Visit) -> None:
    for path, words in (("/applications", "状況を見る"), ("/resume", "再開する"), ("/signin/email", "番号を送る")):
        visit.open(path)
        assert visit.go(words) == 422
        examined(visit)
    visit.page.get_by_label("メールアドレス").fill("taro@example.jp")
    visit.go("番号を送る")
    examined(visit)
    code = visit.page.get_by_label("6桁の番号")
    assert code.get_attribute("autocomplete") == "one-time-code", "the telephone may fill it in (WCAG 3.3.8)"
    code.fill("000000")
    visit.go("サインインする")
    examined(visit)
    visit.open("/sandbox/mail")
    examined(visit)


def test_the_steps_of_a_request_for_a_copy(visit: Visit) -> None:
    case = case_of(JUMINHYO, 1)
    visit.open(f"/procedures/{JUMINHYO}/apply")
    examined(visit)
    assert visit.go("次へ進む") == 422
    examined(visit)
    visit.type("acting", "proxy")
    visit.go("次へ進む")
    examined(visit)
    assert visit.go("次へ進む") == 422
    examined(visit)
    visit.type("applicant.address.postal_code", "498-0000")
    visit.press("郵便番号から住所を入れる")
    examined(visit)
    visit.hand_in("attachment.ininjo", "委任状.pdf")
    visit.go("委任状を添付する")
    examined(visit)
    visit.step(case["answers"], case["attachments"])
    visit.answer(case["answers"])
    visit.rows("people", 3)
    examined(visit)
    visit.step(case["answers"])
    assert visit.go("次へ進む") == 422
    examined(visit)
    visit.answer(case["answers"])
    visit.go("保存して中断する")
    examined(visit)
    visit.go("続けて入力する")
    visit.go("次へ進む")
    assert visit.path.endswith("/check")
    examined(visit)


def test_the_check_page_with_something_to_mend_and_with_something_left_out(visit: Visit, quick: Quick) -> None:
    resident = quick(visit)
    check = filled(resident, JUMINHYO, case_of(JUMINHYO, 1)["answers"], {"ininjo": 1})
    visit.goes_on_for(resident)
    base = check.path.removesuffix("/check")
    visit.open(f"{base}/4")
    visit.type("purpose", "work")
    visit.go("次へ進む")
    assert "送られない内容" in visit.text()
    examined(visit)
    visit.open(f"{base}/2")
    visit.type("applicant.phone", "")
    visit.go("前へ戻る")
    visit.open(check.path)
    assert "直していただくところが1か所あります" in visit.text()
    examined(visit)
    visit.led_by(visit.page.locator("#errors a").click)
    assert visit.page.evaluate("() => location.hash") == "#f-applicant-phone"
    examined(visit)


def test_the_pages_from_the_signature_to_the_payment(visit: Visit, quick: Quick) -> None:
    resident = quick(visit)
    check = filled(resident, JUMINHYO, case_of(JUMINHYO, 0)["answers"])
    visit.goes_on_for(resident)
    visit.open(check.path)
    for words in (
        "サインインへ進む",
        "津軽　太郎 さんになる",
        "電子署名へ進む",
        "電子署名を始める",
        "署名しないで戻る",
    ):
        visit.go(words)
        examined(visit)
    for words in ("電子署名を始める", "署名する", "この内容で送る", "申請の状況を見る", "支払いへ進む"):
        visit.go(words)
        examined(visit)
    for words in ("断られる", "あとで払う", "支払う"):
        visit.led_by(visit.page.locator("main a[href$='/go']").click)
        examined(visit)
        visit.go(words)
        examined(visit)
    visit.open("/my")
    examined(visit)
    visit.open(f"/procedures/{JUMINHYO}/apply")
    visit.type("acting", "self")
    visit.go("次へ進む")
    assert "マイナンバーカードの情報を入れました" in visit.text()
    examined(visit)


def test_the_page_that_two_tabs_lead_to(visit: Visit) -> None:
    visit.open(f"/procedures/{JUMINHYO}/apply")
    visit.type("acting", "self")
    visit.go("次へ進む")
    other = visit.again()
    other.type("applicant.phone", "0173-11-1111")
    other.go("前へ戻る")
    visit.type("applicant.phone", "0173-22-2222")
    assert visit.go("次へ進む") == 409
    examined(visit)


def test_a_link_that_is_not_seen_shows_itself_to_the_keyboard(browse: OpenBrowser) -> None:
    visit = browse(viewport=FOLDED)
    visit.open(f"/procedures/{JUMINHYO}/apply")
    visit.type("acting", "self")
    visit.go("次へ進む")
    box = "() => document.activeElement.getBoundingClientRect().toJSON()"
    for _ in range(15):
        visit.page.keyboard.press("Tab")
        seen = visit.page.evaluate(box)
        assert min(seen["width"], seen["height"]) >= 20, visit.page.evaluate("() => document.activeElement.outerHTML")
        assert seen["left"] >= 0 and seen["right"] <= FOLDED["width"]


def test_too_many_tries(visit: Visit) -> None:
    visit.open("/resume")
    for _ in range(20):
        visit.page.request.post(f"{visit.base}/resume", form={"code": "0000"})
    assert visit.go("再開する") == 429
    examined(visit)


def test_a_store_that_is_busy(visit: Visit, server: Server) -> None:
    visit.open("/resume")
    with server.busy():
        assert visit.go("再開する") == 503
    examined(visit)


ZOOMED = [
    "/",
    "/procedures",
    f"/procedures/{CHILDREN}",
    f"/procedures/{DOG}/apply",
    "/signin",
    "/applications",
    "/nowhere",
]


def test_at_400_percent_everything_is_read_by_going_down(browse: OpenBrowser) -> None:
    visit = browse(viewport={"width": 320, "height": 225}, device_scale_factor=4)
    for path in ZOOMED:
        visit.open(path)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 320, path
    visit.open(f"/procedures/{JUMINHYO}/apply")
    visit.go("次へ進む")
    visit.type("acting", "self")
    visit.go("次へ進む")
    assert visit.path.endswith("/2")


def test_the_receipt_is_printed_with_all_that_matters(visit: Visit, quick: Quick) -> None:
    resident = quick(visit)
    check = ready(resident, filled(resident, DOG, case_of(DOG, 0)["answers"]), "email")
    visit.goes_on_for(resident)
    visit.open(check.path)
    on_paper(visit, ["ポチ", "柴犬", "3,000円"])
    receipt = filed(resident, declared(DOG), case_of(DOG, 0))
    visit.goes_on_for(resident)
    visit.open(receipt.path)
    on_paper(visit, ["申請を受け取りました", "確認コード", "ポチ", "3,000円"])
    visit.open(f"/procedures/{DOG}")
    on_paper(visit, ["犬の登録申請", "3,000円", "用意するもの"])


def on_paper(visit: Visit, words: list[str]) -> None:
    visit.page.emulate_media(media="print")
    seen = visit.page.locator("main").inner_text()
    assert [each for each in words if each not in seen] == []
    for gone in (".masthead__nav", ".button:visible", ".skip"):
        assert not any(each.is_visible() for each in visit.page.locator(gone).all()), gone
    pdf = visit.page.pdf(format="A4")
    assert pdf.startswith(b"%PDF") and 1 <= pdf.count(b"/Type /Page\n") <= 6
    visit.page.emulate_media(media="screen")
