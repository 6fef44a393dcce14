"""One resident's whole way through the site, with words that are nowhere else; afterwards they are nowhere at all."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.public import PrivateKey
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from server import jobs
from server.store import tables as t
from server.store.database import Writing
from server.store.keys import Keys, NoKey, Unsealable
from tests.files.papers import carries
from tests.security.canaries import TYPED, forms, found, values
from tests.security.declarations import sample
from tests.security.site import LETTER, PERSON, Browser, Site, place, revision, sandbox_site

CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")
WORDS = LETTER | {
    "note": TYPED["words"],
    "story": TYPED["words"],
    "_rows.children": "1",
    "children.0.nickname": TYPED["nickname"],
}
SOMEBODY = PERSON | {
    "applicant.name.family": TYPED["family name"],
    "applicant.name.given": TYPED["given name"],
    "applicant.name.family_kana": TYPED["reading"],
    "applicant.birthdate.year": "1947",
    "applicant.birthdate.month": "8",
    "applicant.birthdate.day": "19",
    "applicant.address.town": TYPED["town"],
    "applicant.address.building": TYPED["building"],
    "applicant.phone": TYPED["phone"],
    "applicant.email": TYPED["e-mail"],
    "applicant.my_number": TYPED["number"],
    "married": "true",
    "partner.my_number": TYPED["partner's number"],
}
PAPER = (f"{TYPED['file name']}.pdf", carries(TYPED["file content"].encode() * 3), "application/pdf")
LARGE = (f"{TYPED['file name']}.pdf", carries(TYPED["file content"].encode() * 20_000), "application/pdf")


class Story:
    """What was left behind: `told` is everything that was printed or logged, `secrets` what the site gave out."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.secrets: dict[str, str] = {}
        self.told = ""
        self.number = ""

    @property
    def words(self) -> dict[str, str]:
        return {**TYPED, **self.secrets}

    def keep(self, browser: Browser, name: str) -> None:
        """Every cookie a browser has now is a secret."""
        for cookie, value in browser.client.cookies.items():
            self.secrets[f"{cookie} {name}"] = value


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Story]:
    directory, scratch = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("scratch")
    printed, logged = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(logged)
    logging.getLogger().addHandler(handler)
    before, tempfile.tempdir = tempfile.tempdir, str(scratch)
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, tempfile, "tempdir", before)
        stack.callback(logging.getLogger().removeHandler, handler)
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(contextlib.redirect_stderr(printed))
        site = stack.enter_context(sandbox_site(directory, migrated_file, sample()))
        # while somebody else has it open, the journal is not folded into the database and removed
        other = stack.enter_context(contextlib.closing(sqlite3.connect(directory / "kakanai.db")))
        other.execute("SELECT * FROM meta").fetchall()
        story = Story(site)
        tell(story)
        assert list(scratch.iterdir()) == [], "nothing that was handed in is left among temporary files"
        story.told = printed.getvalue() + logged.getvalue() + "".join(site.lines)
        yield story


def tell(story: Story) -> None:
    site = story.site
    browser = site.browser()
    draft = apply_with_errors_and_begin(story, browser)
    browser = save_and_resume(story, browser, draft)
    browser.sign_in("taro-jpki")
    story.keep(browser, "signed in by card")
    number_wrong_then_right(browser, draft)
    browser.sign(draft)
    story.number = browser.submit(draft)
    story.secrets["access code"] = CODE.findall(browser.get(f"/applications/{story.number}/receipt").text)[0]
    pay(site, browser, story.number)
    look_up(story)
    sign_in_by_mail(story)
    ask_by_program(story)
    ask_for_nonsense(site)
    site.clock.advance(minutes=30)
    site.run(lambda: jobs.run_due(site.of))
    conflicts(story)
    break_down(story, browser)


def apply_with_errors_and_begin(story: Story, browser: Browser) -> str:
    wrong = browser.post("/procedures/numbered/apply", {**WORDS, "way": ""}, [("attachment.paper", PAPER)])
    assert (wrong.status_code, TYPED["words"] in wrong.text) == (422, True)
    files = [("attachment.paper", each) for each in (PAPER, LARGE)]
    draft = place(browser.post("/procedures/numbered/apply", WORDS, files)).split("/")[2]
    page = browser.get(f"/drafts/{draft}/1").text
    assert page.count(TYPED["file name"]) >= 2
    file = re.findall(rf"/drafts/{draft}/files/[0-9a-f]+", page)[0]
    assert TYPED["file content"].encode() in browser.get(file).content
    story.keep(browser, "anonymous")
    return draft


def save_and_resume(story: Story, browser: Browser, draft: str) -> Browser:
    saved = browser.post(
        f"/drafts/{draft}/2", {**SOMEBODY, "_rev": browser.revision(f"/drafts/{draft}/2"), "_do": "save"}
    )
    story.secrets["resume code"] = CODE.findall(saved.text)[0]
    other = story.site.browser()
    assert other.post("/resume", {"code": TYPED["wrong code"]}).status_code == 422
    assert place(other.post("/resume", {"code": story.secrets["resume code"]})) == f"/drafts/{draft}/1"
    story.keep(other, "resumed")
    return other


def number_wrong_then_right(browser: Browser, draft: str) -> None:
    """A 個人番号 with a slip is refused and not kept; the right one is."""
    page = f"/drafts/{draft}/2"
    slip = {**SOMEBODY, "applicant.my_number": TYPED["number"][:-1] + "0"}
    assert browser.post(page, {**slip, "_rev": browser.revision(page)}).status_code == 422
    assert place(browser.post(page, {**SOMEBODY, "_rev": browser.revision(page)})).endswith("/check")
    shown = browser.get(page).text
    assert TYPED["family name"] in shown
    assert TYPED["number"] not in shown
    assert TYPED["number"] not in browser.get(f"/drafts/{draft}/check").text


def pay(site: Site, browser: Browser, number: str) -> None:
    debt = re.findall(r"/payments/[0-9a-f]+", browser.get(f"/applications/{number}").text)[0]
    till = place(browser.get(f"{debt}/go"))
    assert place(browser.post(till, {"action": "pay"})) == debt
    assert "支払" in browser.get(debt).text


def look_up(story: Story) -> None:
    reader = story.site.browser()
    wrong = {"number": story.number, "access_code": TYPED["wrong code"]}
    assert reader.post("/applications", wrong).status_code == 422
    assert reader.post("/applications", {**wrong, "number": TYPED["words"]}).status_code == 422
    right = {"number": story.number, "access_code": story.secrets["access code"]}
    assert place(reader.post("/applications", right)) == f"/applications/{story.number}"
    assert TYPED["family name"] in reader.get(f"/applications/{story.number}/receipt").text
    story.keep(reader, "looking up")


def sign_in_by_mail(story: Story) -> None:
    story.site.clock.advance(minutes=1)  # so that this mail is the newest
    browser = story.site.browser()
    place(browser.post("/signin/email", {"address": TYPED["e-mail"]}))
    story.keep(browser, "waiting for a mail")
    mailbox = re.sub("<[^>]*>", "", browser.get("/sandbox/mail").text.partition("<main")[2])  # ids hold digits too
    code = re.findall(r"(?<![0-9])[0-9]{6}(?![0-9])", mailbox)[0]
    assert browser.post("/signin/email", {"code": TYPED["wrong code"]}).status_code == 422
    place(browser.post("/signin/email", {"code": code}))
    story.keep(browser, "signed in by mail")
    number = browser.submit(browser.begin("mailed", WORDS, person=SOMEBODY))
    assert number in browser.get("/sandbox/mail").text
    browser.get("/signin/jpki/go")
    story.keep(browser, "on its way to a card")


ANSWERS = {
    "note": TYPED["words"],
    "way": "desk",
    "applicant": {
        "name": {"family": TYPED["family name"], "given": TYPED["given name"]},
        "birthdate": TYPED["birthdate"],
        "phone": TYPED["phone"],
        "my_number": TYPED["number"],
    },
}


def ask_by_program(story: Story) -> None:
    client = story.site.browser().client
    query = "mutation ($i: SubmitApplicationInput!) { submitApplication(input: $i) { __typename } }"
    for more in ({}, {"idempotencyKey": TYPED["words"]}, {TYPED["words"]: TYPED["words"]}):
        wanted = {"slug": "letter", "answers": ANSWERS, **more}
        assert client.post("/graphql", json={"query": query, "variables": {"i": wanted}}).status_code == 200
    client.post("/graphql", json={"query": f'{{ procedures(filter: {{text: "{TYPED["search"]}"}}) {{ totalCount }} }}'})
    client.post("/graphql", content=f"{{ {TYPED['words']}".encode(), headers={"content-type": "application/json"})
    disposition = f'attachment; filename="{TYPED["path"]}.pdf"'
    headers = {"content-type": "application/pdf", "content-disposition": disposition}
    assert client.post("/uploads", content=PAPER[1], headers=headers).is_success


def ask_for_nonsense(site: Site) -> None:
    browser, said = site.browser(), TYPED["path"]
    assert browser.get(f"/procedures?q={TYPED['search']}").status_code == 200
    for path in (f"/{said}", f"/drafts/{said}/1", f"/applications/{said}", f"/?{said}={said}", f"/static/{said}"):
        browser.get(path, referer=f"http://testserver/{said}", **{"user-agent": TYPED["header"], "x-any": said})
    browser.client.request(said.upper().replace("-", ""), "/")
    browser.client.post(f"/resume?{said}", content=TYPED["words"].encode(), headers={"content-type": TYPED["header"]})
    browser.client.cookies.set("kakanai", TYPED["header"])
    browser.get("/my")


def conflicts(story: Story) -> None:
    """Two tabs that say different things."""
    browser = story.site.browser()
    page = f"/drafts/{browser.begin('letter', WORDS)}/1"
    told = browser.post(page, {**WORDS, "note": TYPED["search"], "_rev": "1"})
    assert (told.status_code, TYPED["words"] in told.text, TYPED["search"] in told.text) == (409, True, True)


def break_down(story: Story, browser: Browser) -> None:
    """Every way in which a request fails that holds somebody's answers: with an error of ours, and without a store."""
    site = story.site
    other = site.browser()
    page = f"/drafts/{other.begin('letter', WORDS)}/1"
    posted = {**WORDS, "note": TYPED["search"], "_rev": revision(other.get(page).text)}

    def without(table: str) -> Iterator[None]:
        change(site, f"ALTER TABLE {table} RENAME TO gone")
        yield
        change(site, f"ALTER TABLE gone RENAME TO {table}")

    for table in ("upload", "attempt", "audit", "session", "email_code"):
        for _ in without(table):
            assert other.post(page, posted, [("attachment.paper", PAPER)]).status_code in (303, 500)
            other.post("/signin/email", {"address": TYPED["e-mail"]})
            other.post("/applications", {"number": story.number, "access_code": TYPED["wrong code"]})
            browser.get(f"/applications/{story.number}/receipt")
    from_another_version(site, page.split("/")[2])
    assert other.get(page).status_code == 500
    site.of.database.close()
    assert other.post(page, posted).status_code == 503
    assert other.post("/signin/email", {"address": TYPED["e-mail"]}).status_code == 503
    assert site.browser().post("/procedures/letter/apply", WORDS).status_code == 503


def from_another_version(site: Site, draft: str) -> None:
    """A draft as another version wrote it: the text of the error that follows quotes what is in it."""

    def work(db: Writing) -> None:
        c, keys = t.draft.c, site.of.keys
        wrapped = db.scalar(select(c.wrapped_key).where(c.id == draft))
        content = json.dumps({TYPED["words"]: TYPED["nickname"]}).encode()
        sealed = keys.open_data_key(wrapped, draft).seal(content, "draft.sealed_answers")
        db.execute(update(t.draft).where(c.id == draft).values(sealed_answers=sealed))

    site.run(lambda: site.of.database.transact(work))


def change(site: Site, statement: str) -> None:
    def work(db: Writing) -> None:
        db.execute(text(statement))

    site.run(lambda: site.of.database.transact(work))


# --- where they could be --------------------------------------------------------------------------------------------


def test_the_finder_finds_what_is_there(story: Story) -> None:
    """What is searched is what was written, and the search sees through the usual wrappings."""
    file = story.site.of.settings.data_dir / "kakanai.db"
    assert found({"receipt number": story.number}, inside=values(file)["application"]) == {"receipt number"}
    assert len(values(file)["mynumber"]) > 100
    assert '"type": "OperationalError"' in story.told and '"type": "TypeError"' in story.told
    for word in TYPED.values():
        for form in forms(word):
            assert found({"it": word}, inside=b"\0" + form + b"\1") == {"it"}
    assert len(story.words) >= 24


def test_no_line_of_the_log_holds_any_of_them(story: Story) -> None:
    assert found(story.words, inside=story.told.encode()) == set()


def test_no_table_holds_any_of_them(story: Story) -> None:
    tables = values(story.site.of.settings.data_dir / "kakanai.db")
    assert {name: hits for name, raw in tables.items() if (hits := found(story.words, inside=raw))} == {}


def test_no_file_holds_any_of_them(story: Story) -> None:
    """Also what the database has freed and not yet overwritten; only the sandbox's mailbox is full of it."""
    root = story.site.of.settings.data_dir
    files = [path for path in root.rglob("*") if path.is_file() and "sandbox-mail" not in path.parts]
    assert {"kakanai.db", "kakanai.db-wal"} <= {path.name for path in files}
    assert [path for path in files if "blobs" in path.parts]
    assert {path: hits for path in files if (hits := found(story.words, inside=path.read_bytes()))} == {}


def test_no_mail_holds_a_code_that_opens_something(story: Story) -> None:
    mails = story.site.of.settings.data_dir / "sandbox-mail"
    raw = b"".join(path.read_bytes() for path in mails.iterdir())
    assert story.number.encode() in raw
    assert found(story.secrets, inside=raw) == set()


def test_files_are_for_nobody_else_on_the_machine(story: Story) -> None:
    root = story.site.of.settings.data_dir
    for path in ("sandbox-keys.json", "sandbox-mail", "blobs"):
        assert (root / path).stat().st_mode & 0o077 == 0, path


def test_a_number_is_read_with_the_private_key_alone(story: Story) -> None:
    """個人番号: who serves pages cannot read them, whatever else it can."""
    of = story.site.of
    file = of.settings.data_dir / "kakanai.db"
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        query = "SELECT sealed FROM mynumber WHERE owner_id = (SELECT id FROM application WHERE receipt_number = ?)"
        sealed = [row[0] for row in db.execute(query, (story.number,))]
    db.close()
    assert sorted(of.keys.open_my_number(each) for each in sealed) == [TYPED["number"], TYPED["partner's number"]]
    masters = {"any": bytes(32)}
    web = Keys(
        masters, secret_key="s" * 32, index_key="i" * 32, my_number_public=bytes(PrivateKey.generate().public_key)
    )
    with pytest.raises(NoKey):
        web.open_my_number(sealed[0])
    other = PrivateKey.generate()
    thief = Keys(
        masters,
        secret_key="s" * 32,
        index_key="i" * 32,
        my_number_public=bytes(other.public_key),
        my_number_private=bytes(other),
    )
    with pytest.raises(Unsealable):
        thief.open_my_number(sealed[0])


def test_an_error_of_the_database_does_not_quote_what_was_to_be_written(site: Site) -> None:
    """SQLAlchemy puts the values of a statement into the text of its errors, and such texts find their way."""
    row = {"bucket": TYPED["words"], "period": 0, "tries": 1}

    def work(db: Writing) -> None:
        for _ in range(2):
            db.execute(insert(t.attempt), row)

    with pytest.raises(IntegrityError) as raised:
        site.run(lambda: site.of.database.transact(work))
    assert TYPED["words"] not in str(raised.value)


# --- 個人番号 ---------------------------------------------------------------------------------------------------------


def test_a_number_that_is_asked_for_no_more_does_not_go_with_the_application(site: Site) -> None:
    """番号法第20条: what was typed first and corrected, or is not needed any more, may not be kept."""
    browser = site.browser().sign_in("taro-jpki")
    draft = browser.begin("numbered", person=SOMEBODY)
    page = f"/drafts/{draft}/2"
    corrected = {**SOMEBODY, "applicant.my_number": TYPED["partner's number"], "married": "false"}
    place(browser.post(page, {**corrected, "_rev": browser.revision(page)}))
    assert len(numbers(site)) > 2
    browser.sign(draft)
    browser.submit(draft)
    assert [site.of.keys.open_my_number(each) for each in numbers(site)] == [TYPED["partner's number"]]


def numbers(site: Site) -> list[bytes]:
    """Every sealed number there is."""

    async def work() -> list[bytes]:
        rows = await site.of.database.read(lambda db: db.all(select(t.mynumber.c.sealed)))
        return [row.sealed for row in rows]

    return site.run(work)


def test_a_token_of_somebody_elses_number_is_worth_nothing(site: Site) -> None:
    mine, theirs = site.browser().sign_in("taro-jpki"), site.browser().sign_in("yukiko-78")
    theirs.begin("numbered", person=SOMEBODY)

    async def work() -> str:
        found = await site.of.database.read(
            lambda db: db.all(select(t.mynumber.c.id).order_by(t.mynumber.c.created_at))
        )
        return str(found[-1].id)

    token = f"sealed:{site.run(work)}"
    for sent in ({"applicant.my_number": token}, {"applicant.my_number": "", "applicant.my_number.keep": token}):
        first = place(mine.post("/procedures/numbered/apply", LETTER))
        answered = mine.post(first, {**SOMEBODY, "married": "false", "_rev": mine.revision(first), **sent})
        if answered.status_code == 303:
            check = mine.get(place(answered)).text
            assert f'href="{first}?check=1#f-applicant-my_number"' in check
        else:
            assert answered.status_code == 422
