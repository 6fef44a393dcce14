"""A tablet shows the visit of its own window, after a number was typed that is good once; nothing when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from queue import Queue
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from procedures.joint import State
from server.counter import confirmation, pairing, visits
from server.counter.confirmation import DRAWN, SAID, Confirmation, Moved, confirmed, drawing
from server.counter.pairing import Pairing, Refusal, Remark, TooOften
from server.counter.visits import Content, Visit
from server.people.devices import Device
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import new_id
from tests.conftest import Clock, Maker, Random, Store

CONTENT = Content(
    forms={"letter": "d" * 64}, state={**State().dump(), "facts": [["", "note", "x", "typed", "", 1, None]]}
)


@dataclass
class Counter:
    """Two windows with a tablet each, and a visit at the first."""

    store: Store
    keys: Keys
    clock: Clock
    random: Random
    staff: Staff
    tablets: list[Device]
    visit: Visit

    def offered(self, visit: Visit | None = None) -> str:
        """The number on the clerk's page."""
        visit = visit or self.visit
        made = self.store.transact(
            lambda db: pairing.offer(db, self.keys, visit, self.staff.actor, now=self.clock(), random=self.random)
        )
        assert made is not None
        return made.said.code

    def typed(self, code: str, tablet: int = 0) -> Pairing | Refusal | TooOften:
        return self.store.transact(lambda db: pairing.join(db, self.keys, self.tablets[tablet], code, now=self.clock()))

    def paired(self) -> Pairing:
        found = self.typed(self.offered())
        assert isinstance(found, Pairing)
        return found

    def shown(self, tablet: int = 0) -> Pairing | None:
        return self.store.read(lambda db: pairing.of_device(db, self.keys, self.tablets[tablet].id, now=self.clock()))

    def saved(self, value: str) -> Visit:
        facts = [["", "note", value, "typed", "", 1, None]]
        content = replace(CONTENT, state={**State().dump(), "facts": facts})
        done = self.store.transact(lambda db: visits.save(db, self.keys, self.visit, content, now=self.clock()))
        assert isinstance(done, Visit)
        self.visit = done
        return done

    def another(self, window: int = 0) -> Visit:
        return self.store.transact(lambda db: self.begun(db, self.tablets[window].window_id))

    def begun(self, db: Writing, window_id: str | None) -> Visit:
        return visits.open_visit(
            db,
            self.keys,
            self.staff,
            window_id=window_id,
            department="市民課",
            language="en",
            now=self.clock(),
            random=self.random,
            content=CONTENT,
        )

    def at(self, work: Callable[[Writing], Any]) -> Any:
        return self.store.transact(work)


@pytest.fixture
def counter(store: Store, keys: Keys, clock: Clock, random: Random, make: Maker) -> Iterator[Counter]:
    row = make(t.staff)
    staff = Staff(row["id"], "tanaka", "田中", frozenset(), "s" * 32, False, clock())
    tablets = []
    for label in ("1番窓口", "2番窓口"):
        window = make(t.service_window, label=label, department="市民課", queues="", closed_at=None, staff_id=None)
        device = make(t.device, kind="tablet", label=f"{label}のタブレット", window_id=window["id"])
        tablets.append(Device(device["id"], "tablet", device["label"], window["id"]))
    made = Counter(store, keys, clock, random, staff, tablets, None)  # type: ignore[arg-type]
    made.visit = made.another()
    yield made


def test_the_number_on_the_clerks_screen_shows_the_visit_on_the_windows_tablet(counter: Counter) -> None:
    assert counter.shown() is None
    code = counter.offered()
    assert len(code) == 6 and code.isdigit()
    found = counter.typed(f" {code[:3]} {code[3:]}")
    assert isinstance(found, Pairing) and found.visit_id == counter.visit.id
    assert counter.shown() == found
    assert found.said.language == "en" and found.said.code == ""


def test_a_number_is_typed_in_full_width_too(counter: Counter) -> None:
    wide = counter.offered().translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    assert isinstance(counter.typed(wide), Pairing)


def test_a_number_is_good_once(counter: Counter) -> None:
    code = counter.offered()
    counter.typed(code)
    assert counter.typed(code) is Refusal.UNKNOWN
    assert counter.shown() is not None


def test_a_number_is_good_for_a_few_minutes(counter: Counter) -> None:
    code = counter.offered()
    counter.clock.advance(minutes=5)
    assert counter.typed(code) is Refusal.UNKNOWN


def test_a_new_number_voids_the_one_before(counter: Counter) -> None:
    first = counter.offered()
    counter.offered()
    assert counter.typed(first) is Refusal.UNKNOWN


def test_two_visits_never_wait_for_the_same_number(counter: Counter) -> None:
    class Same:
        drawn = 0

        def __call__(self, count: int) -> bytes:
            self.drawn += 1
            return bytes(count) if self.drawn in (2, 4) else counter.random(count)

    same, codes = Same(), []
    for visit in (counter.visit, counter.another(1)):
        offer = lambda db, of=visit: pairing.offer(db, counter.keys, of, "staff:x", now=counter.clock(), random=same)  # noqa: E731
        codes.append(counter.at(offer).said.code)
    assert codes[0] == "000000" != codes[1]
    assert same.drawn == 5  # an id and a number; an id, the same number, and another


def test_a_tablet_of_another_window_is_refused_and_the_clerk_is_told(counter: Counter) -> None:
    code = counter.offered()
    assert counter.typed(code, tablet=1) is Refusal.WINDOW
    assert counter.shown(1) is None
    waits = counter.store.read(lambda db: pairing.waiting(db, counter.keys, counter.visit.id, now=counter.clock()))
    assert waits is not None and waits.said.refused == "2番窓口のタブレット"
    assert isinstance(counter.typed(code), Pairing), "the number stays good for the right one"


def test_a_visit_at_no_window_has_no_tablet(counter: Counter) -> None:
    visit = counter.at(lambda db: counter.begun(db, None))
    assert (
        counter.at(lambda db: pairing.offer(db, counter.keys, visit, "x", now=counter.clock(), random=counter.random))
        is None
    )


def test_whoever_guesses_has_to_wait(counter: Counter) -> None:
    code = counter.offered()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(pairing.GUESSES.most):
        assert counter.typed(wrong) is Refusal.UNKNOWN
    refused = counter.typed(code)
    assert isinstance(refused, TooOften) and 0 < refused.seconds <= 600


def test_whoever_types_the_right_number_never_has_to_wait(counter: Counter) -> None:
    for _ in range(pairing.GUESSES.most + 2):
        assert isinstance(counter.typed(counter.offered()), Pairing)


def test_a_tablet_shows_one_visit_and_a_visit_is_shown_on_one_tablet(counter: Counter, make: Maker) -> None:
    counter.paired()
    other = counter.another()
    assert isinstance(counter.typed(counter.offered(other)), Pairing)
    shown = counter.shown()
    assert shown is not None and shown.visit_id == other.id
    second = make(t.device, kind="tablet", label="予備", window_id=counter.tablets[0].window_id)
    counter.tablets.append(Device(second["id"], "tablet", "予備", counter.tablets[0].window_id))
    assert isinstance(counter.typed(counter.offered(other), tablet=2), Pairing)
    assert counter.shown(0) is None
    assert counter.shown(2) is not None
    assert len(counter.store.read(lambda db: db.all(select(t.pairing.c.id)))) == 1


def ended_visit(counter: Counter) -> None:
    counter.at(lambda db: visits.end(db, counter.keys, counter.visit, "left", "staff:x", now=counter.clock()))


def ended_by_the_clerk(counter: Counter) -> None:
    counter.at(lambda db: pairing.end_of_visit(db, counter.visit.id, "staff:x"))


def ended_at_the_tablet(counter: Counter) -> None:
    counter.at(lambda db: pairing.end_of_device(db, counter.tablets[0].id, "device:x"))


def forgotten(counter: Counter) -> None:
    counter.clock.now += pairing.IDLE


def disabled(counter: Counter) -> None:
    counter.at(lambda db: db.execute(update(t.device).values(disabled_at=counter.clock())))


def moved_away(counter: Counter) -> None:
    counter.at(lambda db: db.execute(update(t.device).values(window_id=counter.tablets[1].window_id)))


@pytest.mark.parametrize(
    "ends", [ended_visit, ended_by_the_clerk, ended_at_the_tablet, forgotten, disabled, moved_away]
)
def test_a_tablet_shows_nothing_when_it_is_over(counter: Counter, ends: Callable[[Counter], None]) -> None:
    counter.paired()
    assert counter.shown() is not None
    ends(counter)
    assert counter.shown() is None


def test_what_is_saved_or_touched_keeps_a_tablet_awake(counter: Counter) -> None:
    paired = counter.paired()
    for _ in range(2):
        counter.clock.advance(minutes=14)
        counter.saved("y")
        counter.clock.advance(minutes=14)
        counter.at(lambda db: pairing.say(db, counter.keys, paired, lambda said: said, now=counter.clock()))
    assert counter.shown() is not None


def test_what_was_said_at_a_tablet_is_gone_with_it(counter: Counter) -> None:
    paired = counter.paired()
    said = Remark("wrong", "0" * 16, "letters", "きえる言葉")
    counter.at(
        lambda db: pairing.say(
            db, counter.keys, paired, lambda was: pairing.remarked(was, {"letter/note": said}), now=counter.clock()
        )
    )
    shown = counter.shown()
    assert shown is not None and shown.said.remarks == {"letter/note": said}
    assert shown.revision == paired.revision + 1
    ended_visit(counter)
    assert counter.at(lambda db: pairing.sweep(db, now=counter.clock())) == 1
    assert counter.store.read(lambda db: db.all(select(t.pairing))) == []
    assert not counter.at(lambda db: pairing.say(db, counter.keys, paired, lambda was: was, now=counter.clock()))


def test_a_sweep_leaves_what_is_in_use(counter: Counter) -> None:
    counter.paired()
    counter.offered()
    assert counter.at(lambda db: pairing.sweep(db, now=counter.clock())) == 0
    counter.clock.advance(minutes=6)
    assert counter.at(lambda db: pairing.sweep(db, now=counter.clock())) == 1  # the number that nobody typed


def test_there_is_an_end_to_how_much_is_said(counter: Counter) -> None:
    said = pairing.Said(remarks={str(i): Remark("right", "x") for i in range(pairing.MOST_REMARKS)})
    assert pairing.remarked(said, {"one more": Remark("right", "x")}) is said
    assert pairing.remarked(said, {"7": Remark("wrong", "x")}).remarks["7"].verdict == "wrong"


def test_the_clerk_hears_when_a_tablet_comes_and_goes(counter: Counter) -> None:
    paired = counter.paired()
    heard: Queue[str] = Queue()
    counter.store.database.listen(pairing.TOPIC, heard.put)
    assert paired.is_here(counter.clock())
    counter.at(lambda db: pairing.noted(db, paired, now=counter.clock()))
    before = counter.clock() - timedelta(seconds=1)
    counter.at(lambda db: pairing.away(db, paired.id, paired.visit_id, since=before))
    still = counter.shown()
    assert still is not None and still.is_here(counter.clock()), "its next page has opened a stream since"
    counter.at(lambda db: pairing.away(db, paired.id, paired.visit_id, since=counter.clock()))
    assert heard.get(timeout=5) == counter.visit.id
    gone = counter.shown()
    assert gone is not None and not gone.is_here(counter.clock())
    counter.at(lambda db: pairing.noted(db, gone, now=counter.clock()))
    assert heard.get(timeout=5) == counter.visit.id
    back = counter.shown()
    assert back is not None and back.is_here(counter.clock())
    counter.clock.now += pairing.HERE
    assert not back.is_here(counter.clock())
    assert heard.empty(), "that it is still there is not told"


# --- confirming -----------------------------------------------------------------------------------------------------

DRAWN_PATH = "M10 10 L100 90 L200 30"


def confirm(counter: Counter, visit: Visit, method: str = SAID, path: str = "") -> Confirmation | Moved:
    made: Confirmation | Moved = counter.at(
        lambda db: confirmation.confirm(
            db,
            counter.keys,
            visit,
            b'{"papers":[]}',
            method,
            "device:x",
            path=path,
            device_id=counter.tablets[0].id,
            now=counter.clock(),
            random=counter.random,
        )
    )
    return made


def standing(counter: Counter, visit: Visit) -> Confirmation | None:
    return counter.store.read(lambda db: confirmed(db, visit))


def test_what_was_seen_and_signed_is_kept(counter: Counter) -> None:
    made = confirm(counter, counter.visit, DRAWN, DRAWN_PATH)
    assert isinstance(made, Confirmation)
    assert standing(counter, counter.visit) == made
    kept = counter.store.read(lambda db: confirmation.kept(db, counter.keys, made.id))
    assert kept is not None and kept.path == DRAWN_PATH and kept.seen == {"papers": []}
    row = counter.store.read(lambda db: db.one(select(t.confirmation)))
    assert row is not None and DRAWN_PATH.encode() not in row.sealed_signature


def test_a_changed_answer_voids_the_confirmation_and_the_same_answer_again_does_not(counter: Counter) -> None:
    confirm(counter, counter.visit)
    after = counter.saved("another")
    assert standing(counter, after) is None
    assert confirmation.stands(counter.store.read(lambda db: confirmation.latest(db, after.id)), after) is False
    assert standing(counter, counter.saved("x")) is not None, "these are the answers that were seen"


def test_who_has_not_seen_the_last_save_confirms_nothing(counter: Counter) -> None:
    before = counter.visit
    counter.saved("another")
    assert isinstance(confirm(counter, before), Moved)
    assert counter.store.read(lambda db: db.all(select(t.confirmation))) == []


def test_a_visit_that_is_over_is_not_confirmed(counter: Counter) -> None:
    visit = counter.visit
    ended_visit(counter)
    assert isinstance(confirm(counter, visit), Moved)


def test_another_version_of_a_form_has_to_be_confirmed_anew(counter: Counter) -> None:
    confirm(counter, counter.visit)
    newer = replace(counter.visit, content=replace(counter.visit.content, forms={"letter": "e" * 64}))
    assert standing(counter, newer) is None


def test_a_confirmation_is_in_the_audit_without_anything_personal(counter: Counter) -> None:
    confirm(counter, counter.visit, DRAWN, DRAWN_PATH)
    lines = counter.store.read(lambda db: db.all(select(t.audit).where(t.audit.c.action == "visit.confirm")))
    assert [(line.target, line.actor) for line in lines] == [(counter.visit.id, "device:x")]


@pytest.mark.parametrize(
    "text", ["M10 10 L100 90", "M0 0 L1000 400 M5 5 L6 6", " M10 10 L100 90 ", "M1 1 L2 2 L60 60 M70 70"]
)
def test_lines_of_whole_numbers_are_a_drawing(text: str) -> None:
    assert drawing(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "M10 10",
        "M10 10 L12 12",
        "M10 10 L1001 90",
        "M10 10 L100 401",
        "M10 10 L100 -90",
        "M10 10 L1e2 90",
        "M10.5 10 L100 90",
        "M10 10 L100 90Z",
        "M10 10 L100 90 Q1 1 2 2",
        "m10 10 l100 90",
        'M10 10 L100 90"/><script>alert(1)</script>',
        "M10 10 L100 ９０",
        "L100 90",
        "M10 10 L100 90  M1 1 L2 2",
        "M0 0" + " L900 400 L0 0" * 1500,
    ],
)
def test_nothing_else_is_a_drawing(text: str) -> None:
    assert drawing(text) is None


def test_nothing_of_a_visit_is_left_with_its_row(counter: Counter) -> None:
    paired = counter.paired()
    confirm(counter, counter.visit)

    def dropped(db: Writing) -> None:
        db.execute(delete(t.visit).where(t.visit.c.id == paired.visit_id))

    counter.at(dropped)

    def left(db: Reading) -> list[Any]:
        return [*db.all(select(t.pairing)), *db.all(select(t.confirmation))]

    assert counter.store.read(left) == []


def test_an_id_that_nobody_has_is_nothing(counter: Counter) -> None:
    unknown = new_id(counter.random)
    assert counter.store.read(lambda db: confirmation.kept(db, counter.keys, unknown)) is None
    assert counter.store.read(lambda db: confirmation.latest(db, unknown)) is None
