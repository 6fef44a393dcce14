"""Where answers lead, what stands in their headers, and which files have an address."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx2
import pytest

from server.notices.mail import Mail, mail_address
from server.notices.outbox import Notice
from server.web.http import safe_next
from tests.security.site import LETTER, PDF, Site, place

ELSEWHERE = (
    "https://evil.example",
    "http://evil.example/",
    "HTTPS://EVIL.EXAMPLE",
    "//evil.example",
    "///evil.example",
    "////evil.example//",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n//evil.example",
    "\t//evil.example",
    " //evil.example",
    "//evil.example/%2e%2e",
    "/%09/evil.example",
    "/%5cevil.example",
    "/%2f%2fevil.example",
    "/%2fevil.example",
    "%2f%2fevil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http:\\\\evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "javascript://testserver/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "blob:https://evil.example/x",
    "//testserver@evil.example",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "https://evil.example/testserver",
    "https://evil.example?testserver",
    "https://evil.example#testserver",
    "//testserver:80@evil.example",
    "//evil.example:80",
    "//[::1]/",
    "//0x7f000001/",
    "//2130706433/",
    "//evil。example",
    "/．evil.example",
    "／／evil.example",
    "/..//evil.example",
    "/./\\evil.example",
    "/my/..//evil.example",
    "/my//evil.example",
    "/;@evil.example",
    "/my\r\nset-cookie: kakanai=x",
    "/my\r\n\r\n<script>alert(1)</script>",
    "/my\nlocation: //evil.example",
    "/my%0d%0aset-cookie:%20kakanai=x",
    "/my%0d%0a%0d%0a<script>alert(1)</script>",
    "/my\u0085set-cookie: x",
    "/my\u2028set-cookie: x",
    "/嘊嘍set-cookie:x",
    "/my\0",
    "/my\x7f",
    "my",
    "?next=//evil.example",
    "#//evil.example",
    "",
)
"""Addresses that lead, or could be made to lead, off this site, or write a header of their own."""


def stays(answer: httpx2.Response) -> None:
    """It leads on to a path of ours, and says nothing but where."""
    (there,) = answer.headers.get_list("location")
    assert there.isascii() and there.isprintable() and " " not in there
    assert there.startswith("/") and not there.startswith(("//", "/\\"))
    parts = urlsplit(there)
    assert not parts.scheme and not parts.netloc
    assert not unquote(parts.path).startswith(("//", "/\\")) or parts.path.startswith("/%")
    cookies = [cookie.partition("=")[0] for cookie in answer.headers.get_list("set-cookie")]
    assert set(cookies) <= {"kakanai", "kakanai-way"} and len(cookies) <= 2


@pytest.mark.parametrize("to", ELSEWHERE)
def test_signing_in_leads_back_to_this_site_and_nowhere_else(to: str, site: Site) -> None:
    browser = site.browser()
    stays(browser.post("/signin", {"resident": "taro-jpki", "next": to}))
    page = browser.client.get("/signin", params={"next": to}).text
    assert 'href="//' not in page and 'value="//' not in page and "javascript:" not in page.lower()
    way = browser.client.get("/signin/jpki/go", params={"next": to})
    stays(way)
    state = unquote(way.headers["location"].partition("state=")[2].partition("&")[0])
    stays(browser.client.get("/signin/jpki/return", params={"state": state, "code": "taro-jpki"}))


@pytest.mark.parametrize("to", ELSEWHERE)
def test_the_ways_over_a_provider_lead_back_to_this_site(to: str, site: Site) -> None:
    browser = site.browser()
    stays(browser.post("/sandbox/card/jpki", {"resident": "taro-jpki", "to": to, "state": to}))
    forged = base64.urlsafe_b64encode(
        json.dumps({"purpose": "signin:jpki", "state": "x", "next": to, "transaction": to}).encode()
    )
    browser.client.cookies.set("kakanai-way", forged.decode())
    assert browser.get("/signin/jpki/return?state=x&code=taro-jpki").status_code == 400
    browser.client.cookies.clear()
    out = browser.client.get("/signin/jpki/go", params={"next": to})
    (state,) = parse_qs(urlsplit(out.headers["location"]).query)["state"]
    stays(browser.get(f"/signin/jpki/return?state={state}&code=taro-jpki"))


def test_signing_by_mail_leads_back_to_this_site(site: Site) -> None:
    browser = site.browser()
    for number, to in enumerate(ELSEWHERE[:25]):
        answer = browser.post("/signin/email", {"address": f"x{number}@example.jp", "next": to})
        if answer.status_code == 303:
            stays(answer)
        else:
            assert answer.status_code == 429


def test_a_signature_leads_back_to_this_site(site: Site) -> None:
    browser = site.browser().sign_in("taro-jpki")
    draft = browser.begin("signed")
    for to in ELSEWHERE:
        signature = place(browser.get(f"/drafts/{draft}/sign/go"))
        card = browser.client.get(signature, params={"next": to})
        stays(card)
        back = browser.post(place(card), {"action": "sign"})
        stays(back)
        stays(browser.get(back.headers["location"]))


@pytest.mark.parametrize("to", ["/my", "/drafts/0a/check?x=1&y=%E3%81%82", "/procedures?q=住民票", "/applications/1"])
def test_an_address_of_ours_is_led_back_to(to: str) -> None:
    assert unquote(safe_next(to, "/nowhere")) == unquote(to)


HOSTS = ["evil.example", "evil.example:80", "testserver@evil.example", "[::1]", "x y", "a\tb", "", "testserver, evil"]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_somebody_made_up_leads_nowhere(host: str, site: Site) -> None:
    """Every absolute address of ours is made from the settings: neither a mail nor a redirect trusts this header."""
    browser = site.browser().sign_in("taro-jpki")
    asked = {"host": host, "x-forwarded-host": host, "x-forwarded-server": host, "forwarded": f"host={host}"}
    for path in ("/signin/jpki/go", "/my", "/my/", "/procedures/", "/drafts/x/1/", "/static", "//evil.example/"):
        answer = browser.client.get(path, headers=asked)
        assert "evil" not in answer.headers.get("location", "")
        assert "evil" not in answer.text


# --- headers ----------------------------------------------------------------------------------------------------------

NAMES = (
    "x.pdf",
    "証明 書.pdf",
    'a"; filename="b.html',
    "a\r\nset-cookie: kakanai=x.pdf",
    "a\nx-evil: 1.pdf",
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/passwd",
    "C:\\fakepath\\x.pdf",
    "a;b,c=d'e.pdf",
    "%0d%0aset-cookie:x",
    "a\u2028b\u0085c.pdf",
    "髙𠮟葛\U000e0100.pdf",
    "\u202efdp.exe",
    "." * 300,
    "あ" * 300,
)


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_file_writes_no_header_and_no_path(name: str, site: Site) -> None:
    browser = site.browser()
    disposition = f'form-data; name="attachment.paper"; filename="{name}"'.replace("\r", "%0D").replace("\n", "%0A")
    if '"; ' in name:
        disposition = f'form-data; name="attachment.paper"; filename*=UTF-8\'\'{quote(name)}; filename="x"'
    draft = browser.begin("letter")
    page = f"/drafts/{draft}/1"
    text = {"_rev": browser.revision(page), **LETTER}
    parts = [f'--b\r\ncontent-disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in text.items()]
    body = (
        "".join(parts).encode() + f"--b\r\ncontent-disposition: {disposition}\r\n\r\n".encode() + PDF + b"\r\n--b--\r\n"
    )
    kind = {"content-type": "multipart/form-data; boundary=b"}
    assert browser.client.post(page, content=body, headers=kind).status_code == 303
    file = browser.get(page).text.partition(f'href="{page[:-1]}files/')[2].partition('"')[0]
    answer = browser.get(f"/drafts/{draft}/files/{file}")
    assert answer.content == PDF
    (told,) = answer.headers.get_list("content-disposition")
    assert told.startswith("attachment; filename*=UTF-8''") and told.isascii() and told.isprintable()
    saved = unquote(told.partition("''")[2])
    assert not set(saved) & set("/\\\r\n\0") and len(saved) <= 300
    assert "x-evil" not in answer.headers and "set-cookie" not in answer.headers


ADDRESSES = (
    "a@example.jp\r\nbcc: b@evil.example",
    "a@example.jp\nbcc: b@evil.example",
    "a@example.jp%0d%0abcc:b@evil.example",
    "a@example.jp, b@evil.example",
    "a@example.jp;b@evil.example",
    "a@example.jp b@evil.example",
    "<a@example.jp>",
    "名前 <a@example.jp>",
    '"a\r\nb"@example.jp',
    "a@example.jp\0",
    "a@example.jp\u2028bcc: b@evil.example",
    "a@[127.0.0.1]",
    "a@localhost",
    "a@b@example.jp",
    "a@example.jp>\r\n.\r\nMAIL FROM:<b@evil.example>",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_one_address_and_no_header(address: str, site: Site) -> None:
    assert mail_address(address) is None
    assert site.browser().post("/signin/email", {"address": address}).status_code == 422
    with pytest.raises(ValueError, match="one line"):
        Notice("email_code", address, "key")


def test_a_receipts_mail_goes_to_the_address_that_was_typed_and_no_other(site: Site) -> None:
    browser = site.browser()
    before = len(mails(site))
    person = {"applicant.email": "a@example.jp\r\nbcc: b@evil.example"}
    first = place(browser.post("/procedures/letter/apply", LETTER))
    assert browser.post(first, {"_rev": browser.revision(first), **person}).status_code == 422
    browser.submit(browser.begin("letter"))
    (newest,) = mails(site)[before:]
    assert newest.to == "kazuko@example.jp"
    assert "\n" not in newest.subject


def mails(site: Site) -> list[Mail]:
    """Every mail that went out, oldest first."""
    directory = site.of.settings.data_dir / "sandbox-mail"
    return [Mail(**json.loads(path.read_text("utf-8"))) for path in sorted(directory.iterdir(), key=_age)]


def _age(path: object) -> int:
    return path.stat().st_mtime_ns  # type: ignore[attr-defined, no-any-return]  # it is a Path


# --- paths ------------------------------------------------------------------------------------------------------------

UP = (
    "../",
    "..\\",
    "%2e%2e/",
    "%2e%2e%2f",
    "..%2f",
    "..%5c",
    "%252e%252e%252f",
    "....//",
    "..;/",
    "%c0%ae%c0%ae/",
    "．．/",
)
PLACES = ("/static/{}", "/static/site.css/{}", "/procedures/{}", "/drafts/{}/1", "/sandbox/sign/{}", "/sandbox/pay/{}")


@pytest.mark.parametrize("up", UP)
def test_no_address_leads_to_a_file_that_is_not_meant_to_have_one(up: str, site: Site) -> None:
    browser = site.browser()
    for wanted in (
        "etc/passwd",
        "city.json",
        "server/settings.py",
        "sandbox-keys.json",
        "kakanai.db",
        "pyproject.toml",
    ):
        for where in PLACES:
            for depth in (1, 3, 8):
                answer = browser.client.get(where.format(up * depth + wanted))
                assert answer.status_code in (400, 404), (where, answer.text)
                assert not {"root:", "KAKANAI", "masters", "SQLite format", "[project]"} & set(answer.text.split())


@pytest.mark.parametrize("path", ["/.git/config", "/.env", "/server/app.py", "/var/kakanai.db", "/static/", "/static"])
def test_nothing_of_the_house_is_served(path: str, site: Site) -> None:
    assert site.browser().get(path).status_code == 404


def test_every_file_that_is_served_is_one_that_was_put_there(site: Site) -> None:
    names = [asset.url for asset in site.of.renderer.assets]
    assert names
    for url in names:
        assert site.browser().get(url).status_code == 200
        assert not url.endswith((".py", ".json", ".map", ".html"))
