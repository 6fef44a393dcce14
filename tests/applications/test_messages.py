"""What is asked and answered about a case, over both databases: files of an answer, its day, and who is reminded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from procedures.city import load_city
from procedures.translations import Translations
from server.applications import casework, messages, office, uploads
from server.applications.casework import Order, Unfit
from server.applications.lookup import just_submitted
from server.applications.messages import FileGone
from server.applications.office import IN_HAND, Asked, Case
from server.applications.states import Act
from server.applications.teller import Reminder, reminders
from server.applications.uploads import Fitting, Owner
from server.languages import Languages
from server.notices.mail import MailTexts
from server.people.sessions import NOBODY
from server.store import tables as t
from server.store.blobs import Blobs
from tests.applications.test_casework import does, mailing, mails, said, stands
from tests.applications.test_office import Office, hall
from tests.conftest import Maker, Store

__all__ = ["hall"]
ROOT = Path(__file__).parents[2]


def id_of(hall: Office, number: str) -> str:
    query = select(t.application.c.id).where(t.application.c.receipt_number == number)
    return str(hall.store.read(lambda db: db.scalar(query)))


@pytest.fixture
def blobs(store: Store) -> Blobs:
    return Blobs(store.settings.data_dir)


def kept(hall: Office, blobs: Blobs, owner: Owner, name: str = "a.pdf") -> str:
    """A file that waits for its answer: its id."""
    fitting = Fitting("files", name, "application/pdf", b"%PDF-", uploads.CLEAN)
    stored = uploads.store(blobs, hall.keys, fitting, now=hall.clock(), random=hall.random)
    assert hall.store.transact(lambda db: uploads.attach(db, stored, *owner)) is None
    return stored.upload.id


def files(hall: Office, number: str) -> list[tuple[str, str]]:
    """(owner's kind, name) of a case's files."""
    case = id_of(hall, number)

    def work(db: Any) -> list[tuple[str, str]]:
        owners = [("application", case), uploads.pending(case)]
        return [(kind, each.name) for kind, owner in owners for each in uploads.of(db, hall.keys, kind, owner)]

    return hall.store.read(work)


def answers(hall: Office, number: str, text: str, held: dict[str, Owner]) -> Any:
    def work(db: Any) -> Any:
        application = just_submitted(db, id_)
        return casework.answer(db, hall.office, application, NOBODY, text, held, now=hall.clock())

    id_ = id_of(hall, number)
    return hall.store.transact(work)


# --- files ------------------------------------------------------------------------------------------------------------


def test_files_become_the_applications_own_with_the_answer_that_brought_them(hall: Office, blobs: Blobs) -> None:
    number, clerk = hall.case(), hall.colleague("c1", "clerk:市民課")
    assert does(hall, clerk, number, Act.ASK) is True
    hall.clock.advance(minutes=1)
    owner = uploads.pending(id_of(hall, number))
    one = kept(hall, blobs, owner)
    assert answers(hall, number, "", {one: owner}) is True
    seen = hall.look(clerk, number)
    assert isinstance(seen, Case)
    question, answer = seen.messages
    assert [each.id for each in messages.files_of(answer, seen.files)] == [one]
    assert messages.files_of(question, seen.files) == [] and answer.text == ""
    case = id_of(hall, number)
    ((at, file),) = hall.store.read(lambda db: messages.added(db, hall.keys, case))
    assert (at, file.id) == (answer.at, one)


@pytest.mark.parametrize("why", ["infected", "taken away", "somebody else's"])
def test_where_a_file_cannot_go_with_an_answer_nothing_of_it_is_written(why: str, hall: Office, blobs: Blobs) -> None:
    number, clerk = hall.case(), hall.colleague("c1", "clerk:市民課")
    assert does(hall, clerk, number, Act.ASK) is True
    owner = uploads.pending(id_of(hall, number))
    held = {kept(hall, blobs, owner, name): owner for name in ("a.pdf", "b.pdf")}
    bad = sorted(held)[1]
    if why == "infected":
        hall.store.transact(lambda db: db.execute(update(t.upload).where(t.upload.c.id == bad).values(scan=why)))
    elif why == "taken away":
        hall.store.transact(lambda db: uploads.remove(db, bad, *owner))
    else:
        held[bad] = uploads.pending("0" * 32)
    before = files(hall, number)
    with pytest.raises(FileGone):
        answers(hall, number, "はい", held)
    with pytest.raises(FileGone):
        order = Order(Act.ANSWER, "はい", files=held)
        hall.store.transact(lambda db: casework.act(db, hall.office, clerk, number, order, now=hall.clock()))
    assert stands(hall, number)[0] == "correction_requested" and files(hall, number) == before
    assert len(said(hall, number)) == 1


def test_a_file_of_the_window_is_not_the_residents_to_read(hall: Office, blobs: Blobs) -> None:
    """What an office is told by the counter stays inside, with whatever came with it."""
    number, clerk = hall.case(), hall.colleague("c1", "clerk:市民課")
    case, owner = id_of(hall, number), uploads.pending(id_of(hall, number), clerk.id)
    one = kept(hall, blobs, owner)
    inside = messages.Message(
        messages.Kind.ANSWER, messages.Audience.COUNTER, "市民課", clerk.id, "見ました", hall.clock()
    )

    def work(db: Any) -> None:
        written = messages.write(db, hall.keys, case, inside, random=hall.random)
        messages.add_files(db, case, written, {one: owner})

    hall.store.transact(work)
    assert hall.store.transact(lambda db: messages.look_at_file(db, hall.keys, case, one, "x")) is None
    assert hall.store.read(lambda db: messages.added(db, hall.keys, case)) == []
    seen = hall.look(clerk, number)
    assert isinstance(seen, Case) and [each.id for each in messages.files_of(seen.messages[0], seen.files)] == [one]


# --- the day by which it is wanted ------------------------------------------------------------------------------------


def test_what_was_not_answered_in_time_stands_first_and_may_be_reviewed_without(hall: Office) -> None:
    clerk = hall.colleague("c1", "clerk:市民課")
    oldest = hall.case(submitted_at=hall.clock() - timedelta(days=9))
    asked, answered = (hall.case(submitted_at=hall.clock() - timedelta(days=days)) for days in (8, 7))
    for number in (asked, answered):
        assert does(hall, clerk, number, Act.ASK, days=5) is True
    assert does(hall, clerk, asked, Act.REVIEW) is Unfit.WAITING
    hall.clock.advance(days=1)
    assert answers(hall, answered, "はい", {}) is True
    assert does(hall, clerk, answered, Act.ASK, days=30) is True, "asked anew, with time enough"

    def listed() -> list[tuple[str, bool]]:
        wanted = Asked(IN_HAND)
        found = hall.store.read(lambda db: office.listing(db, ["市民課"], wanted, now=hall.clock()), long=True)
        return [(row.number, row.overdue) for row in found.rows]

    assert listed() == [(oldest, False), (asked, False), (answered, False)]
    hall.clock.advance(days=5)
    assert listed() == [(asked, True), (oldest, False), (answered, False)]
    seen = hall.look(clerk, asked)
    assert isinstance(seen, Case) and seen.acts == [Act.ANSWER, Act.REVIEW]
    other = hall.look(clerk, answered)
    assert isinstance(other, Case) and other.acts == [Act.ANSWER]
    assert does(hall, clerk, answered, Act.REVIEW) is Unfit.WAITING
    assert does(hall, clerk, asked, Act.REVIEW) is True and stands(hall, asked)[0] == "reviewing"
    assert answers(hall, asked, "おそくなりました", {}) is False
    assert listed() == [(oldest, False), (asked, False), (answered, False)]


# --- reminded ---------------------------------------------------------------------------------------------------------


def reminded(hall: Office) -> list[Reminder]:
    """What the hourly job tells of now."""

    def tell(each: Reminder) -> bool:
        return hall.store.transact(lambda db: hall.office.teller.remind(db, each, hall.clock()))

    return [each for each in hall.store.read(lambda db: reminders(db, hall.clock()), long=True) if tell(each)]


def test_three_days_before_its_end_a_question_is_told_of_once_and_never_what_it_says(hall: Office, make: Maker) -> None:
    number, clerk = mailing(hall, make), hall.colleague("c1", "clerk:市民課")
    assert does(hall, clerk, number, Act.ASK, "口座の名義は?", days=14) is True
    end = hall.clock() + timedelta(days=14)
    told = []
    for _ in range(24 * 14 + 30):
        told += [(hall.clock(), dict(mails(hall))["answer_due"]) for _ in reminded(hall)]
        hall.clock.advance(hours=1)
    ((at, values),) = told
    assert end - timedelta(days=3) <= at < end - timedelta(days=2, hours=22)
    assert values["answer_by"] == end.isoformat() and values["receipt_number"] == number
    assert "口座" not in str(values)


@pytest.mark.parametrize("way", ["answered", "withdrawn", "asked a moment ago", "asked anew"])
def test_nobody_is_reminded_of_what_needs_no_reminder(way: str, hall: Office, make: Maker) -> None:
    number, clerk = mailing(hall, make), hall.colleague("c1", "clerk:市民課")
    assert does(hall, clerk, number, Act.ASK, days=2 if way == "asked a moment ago" else 10) is True
    hall.clock.advance(hours=1 if way == "asked a moment ago" else 24)
    if way in ("answered", "asked anew"):
        assert answers(hall, number, "はい", {}) is True
    if way == "asked anew":
        hall.clock.advance(minutes=1)
        assert does(hall, clerk, number, Act.ASK, days=60) is True
    if way == "withdrawn":
        gone = update(t.application).where(t.application.c.receipt_number == number).values(state=way)
        hall.store.transact(lambda db: db.execute(gone))
    hall.clock.advance(days=0 if way == "asked a moment ago" else 7)
    assert reminded(hall) == []


LANGUAGES = Languages(Translations())


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("kind", ["case_question", "answer_due"])
def test_what_is_told_of_a_question_says_by_when_where_and_whom_to_ask_in_every_language(kind: str, code: str) -> None:
    city = load_city(ROOT / "city.json")
    end = datetime(2026, 12, 4, 14, 59, 59, tzinfo=UTC)
    values = {
        "slug": "inu-toroku",
        "procedure": "犬の登録申請",
        "department": "市民課",
        "receipt_number": "123456789012345",
        "status_url": "https://city.example/applications",
        "answer_by": end.isoformat(),
    }
    texts = MailTexts(ROOT / "templates/mail", city=city, languages=LANGUAGES)
    subject, body = texts.write(kind, values, code)
    language = LANGUAGES[code]
    assert "123456789012345" in subject and language.told("犬の登録申請", "inu-toroku") not in subject
    assert language.moment(end) in body and "\nhttps://city.example/applications\n" in body and "PDF" in body
    assert city.departments["市民課"].phone in body


def test_a_question_that_is_asked_anew_is_told_of_anew(hall: Office, make: Maker) -> None:
    number, clerk = mailing(hall, make), hall.colleague("c1", "clerk:市民課")
    for _ in range(2):
        assert does(hall, clerk, number, Act.ASK, days=5) is True
        hall.clock.advance(days=3)
        assert len(reminded(hall)) == 1
        assert answers(hall, number, "はい", {}) is True
        hall.clock.advance(minutes=1)
