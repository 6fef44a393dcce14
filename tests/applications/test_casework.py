"""What the office does with a case, over both databases: the table and nothing but the table, and what is said."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from procedures.declaration import ProcedureType
from server.applications import casework, messages, office
from server.applications.casework import Moved, Order, Unfit
from server.applications.lookup import just_submitted
from server.applications.messages import Audience, Kind, plain_text, theirs
from server.applications.office import IN_HAND, Asked, Case
from server.applications.states import MOVES, Act, OfficeState
from server.notices.outbox import claim_due
from server.people.roles import POLICY, Action, Role
from server.people.sessions import NOBODY
from server.people.staff_sessions import Staff
from server.store import tables as t
from tests.applications.test_office import ANSWERS, Office, hall
from tests.conftest import Maker

__all__ = ["hall"]
TEXT = "口座の名義を教えてください。"


def does(hall: Office, who: Staff, number: str, act: Act, text: str = TEXT, to: str = "税務課", days: int = 14) -> Any:
    order = Order(act, text, hall.clock() + timedelta(days=days), to)
    return hall.store.transact(lambda db: casework.act(db, hall.office, who, number, order, now=hall.clock()))


def stands(hall: Office, number: str) -> tuple[str, str]:
    """(state, department)."""
    query = select(t.application.c.state, t.application.c.department).where(t.application.c.receipt_number == number)
    row = hall.store.read(lambda db: db.one(query))
    assert row is not None
    return row.state, row.department


def said(hall: Office, number: str) -> list[messages.Message]:
    def work(db: Any) -> list[messages.Message]:
        mine = t.application.c.receipt_number == number
        return messages.of(db, hall.keys, db.scalar(select(t.application.c.id).where(mine)))

    return hall.store.read(work)


def mails(hall: Office) -> list[tuple[str, dict[str, str]]]:
    """(kind, values) of what would go out now."""
    found = hall.store.transact(lambda db: claim_due(db, hall.keys, now=hall.clock()))
    return [(each.notice.kind, dict(each.notice.values)) for each in found]


def mailing(hall: Office, make: Maker) -> str:
    """A case whose resident gave an address."""
    digest = "d" * 64
    bundle = json.dumps({"slug": "dog", "department": "市民課", "title": "犬の登録"}, ensure_ascii=False)
    make(t.declaration, digest=digest, slug="dog", bundle=bundle)
    ANSWERS["applicant"]["email"] = "taro@example.jp"
    try:
        return hall.case(digest=digest)
    finally:
        del ANSWERS["applicant"]["email"]


class Cases(RuleBasedStateMachine):
    """A case, colleagues of every role here and next door, and every act at any time."""

    def __init__(self, hall: Office, people: dict[tuple[Role, str], Staff]) -> None:
        super().__init__()
        self.hall, self.people = hall, people
        self.type = ProcedureType.SHINSEI
        self.number = hall.case(procedure_type=self.type.value)
        self.trail = ["submitted"]

    @rule(
        role=st.sampled_from([Role.CLERK, Role.REVIEWER, Role.APPROVER, Role.TREASURER]),
        department=st.sampled_from(["市民課", "税務課"]),
        act=st.sampled_from(Act),
        text=st.sampled_from([TEXT, "", " \n "]),
    )
    def act(self, role: Role, department: str, act: Act, text: str) -> None:
        state, whose = stands(self.hall, self.number)
        who = self.people[role, department]
        to = "税務課" if whose == "市民課" else "市民課"
        done = does(self.hall, who, self.number, act, text, to)
        after, owner = stands(self.hall, self.number)
        allowed = role in POLICY[Action(act)].roles and department == whose and OfficeState(state) in MOVES[act]
        if done is True:
            assert allowed and after == MOVES[act][OfficeState(state)].value
            assert owner == (to if act is Act.HAND_OVER else whose)
            self.trail.append(after)
        else:
            assert (after, owner) == (state, whose)
            assert not allowed or isinstance(done, Unfit)

    @rule(minutes=st.sampled_from([1, 30]))
    def wait(self, minutes: int) -> None:
        self.hall.clock.advance(minutes=minutes)

    @invariant()
    def the_trail_is_what_happened(self) -> None:
        of = t.application_event.c
        query = (
            select(of.state)
            .join(t.application, t.application.c.id == of.application_id)
            .where(t.application.c.receipt_number == self.number)
            .order_by(of.id)
        )
        assert [row.state for row in self.hall.store.read(lambda db: db.all(query))] == self.trail


def test_whatever_anybody_tries_a_case_goes_only_where_the_tables_lead(hall: Office) -> None:
    people = {
        (role, department): hall.colleague(f"{role}{i}", f"{role}:{department}")
        for role in (Role.CLERK, Role.REVIEWER, Role.APPROVER, Role.TREASURER)
        for i, department in enumerate(("市民課", "税務課"))
    }
    run_state_machine_as_test(
        lambda: Cases(hall, people),  # type: ignore[arg-type]  # any maker of machines will do
        settings=settings(max_examples=12, stateful_step_count=20, deadline=None),
    )


def test_whoever_put_a_case_to_decision_does_not_decide_it(hall: Office) -> None:
    number = hall.case("reviewing")
    both = hall.colleague("both1", "reviewer:市民課", "approver:市民課")
    other = hall.colleague("other1", "approver:市民課")
    assert does(hall, both, number, Act.PROPOSE) is True
    assert does(hall, both, number, Act.APPROVE) is Unfit.SAME_PERSON
    assert does(hall, both, number, Act.TURN_DOWN) is Unfit.SAME_PERSON
    seen = hall.look(both, number)
    assert isinstance(seen, Case) and Act.APPROVE not in seen.acts and Act.SEND_BACK in seen.acts
    assert does(hall, other, number, Act.APPROVE) is True
    assert does(hall, both, number, Act.COMPLETE) is True


def test_a_filing_that_asks_for_no_decision_is_never_refused(hall: Office) -> None:
    number, reviewer = hall.case("reviewing", procedure_type="todokede"), hall.colleague("r1", "reviewer:市民課")
    assert does(hall, reviewer, number, Act.REFUSE) is Unfit.KIND
    seen = hall.look(reviewer, number)
    assert isinstance(seen, Case) and Act.REFUSE not in seen.acts and Act.COMPLETE in seen.acts


def test_a_mistaken_acceptance_is_undone_by_its_clerk_for_ten_minutes_and_nobody_was_told(
    hall: Office, make: Maker
) -> None:
    number = mailing(hall, make)
    clerk, other = hall.colleague("c1", "clerk:市民課"), hall.colleague("c2", "clerk:市民課")
    assert does(hall, clerk, number, Act.ACCEPT) is True
    assert mails(hall) == []
    assert does(hall, other, number, Act.UNDO_ACCEPT) is Unfit.LATE
    assert does(hall, clerk, number, Act.UNDO_ACCEPT) is True
    hall.clock.advance(minutes=11)
    assert mails(hall) == []
    assert does(hall, clerk, number, Act.ACCEPT) is True
    hall.clock.advance(minutes=11)
    assert does(hall, clerk, number, Act.UNDO_ACCEPT) is Unfit.LATE
    assert [kind for kind, _ in mails(hall)] == ["case_accepted"]


def test_a_mail_says_that_something_was_said_and_never_what(hall: Office, make: Maker) -> None:
    number, reviewer = mailing(hall, make), hall.colleague("r1", "reviewer:市民課", "clerk:市民課")
    for act in (Act.ASK, Act.ANSWER, Act.REVIEW, Act.REFUSE):
        assert does(hall, reviewer, number, act) is True
        hall.clock.advance(minutes=1)
    found = mails(hall)
    assert [kind for kind, _ in found] == ["case_question", "case_refused"]
    assert TEXT not in json.dumps(found, ensure_ascii=False)


def test_what_is_said_is_sealed_and_the_resident_reads_their_part_alone(hall: Office, make: Maker) -> None:
    number, clerk = hall.case(), hall.colleague("c1", "clerk:市民課")
    assert does(hall, clerk, number, Act.HAND_OVER, "うちの課ではありません") is True
    there = hall.colleague("c2", "clerk:税務課")
    assert does(hall, there, number, Act.ASK) is True
    everything = said(hall, number)
    assert [each.kind for each in everything] == [Kind.HANDOVER, Kind.QUESTION]
    assert [each.text for each in theirs(everything)] == [TEXT]
    assert "市民課 → 税務課" in everything[0].text
    rows = hall.store.read(lambda db: db.all(select(t.case_message)))
    assert all(TEXT.encode() not in row.sealed_text for row in rows)


def test_the_residents_answer_stands_beside_what_was_filed_and_the_case_arrives_anew(hall: Office) -> None:
    number, clerk = hall.case(), hall.colleague("c1", "clerk:市民課")
    assert does(hall, clerk, number, Act.ASK) is True

    def answering(text: str) -> Any:
        def work(db: Any) -> Any:
            query = select(t.application.c.id).where(t.application.c.receipt_number == number)
            application = just_submitted(db, db.scalar(query))
            return casework.answer(db, hall.office, application, NOBODY, text, {}, now=hall.clock())

        return hall.store.transact(work)

    assert answering("") is Unfit.TEXT and stands(hall, number)[0] == "correction_requested"
    hall.clock.advance(minutes=1)
    assert answering("ツガル タロウ です") is True
    assert answering("もう一度") is False
    seen = hall.look(clerk, number)
    assert isinstance(seen, Case) and seen.answers == ANSWERS and seen.state is OfficeState.SUBMITTED
    assert [each.text for each in seen.messages] == [TEXT, "ツガル タロウ です"]
    listed = hall.store.read(lambda db: office.listing(db, ["市民課"], Asked(IN_HAND), now=hall.clock()), long=True)
    assert [row.answered for row in listed.rows if row.number == number] == [True]


def test_a_window_is_asked_and_answers_and_the_resident_sees_nothing(hall: Office) -> None:
    number = hall.case("reviewing")
    reviewer, clerk = hall.colleague("r1", "reviewer:市民課"), hall.colleague("c1", "clerk:子育て支援課")

    def asks(who: Staff, text: str = TEXT) -> Any:
        return hall.store.transact(
            lambda db: casework.ask_counter(db, hall.office, who, number, text, now=hall.clock())
        )

    def answers(who: Staff, text: str = "本人は親権者です") -> Any:
        return hall.store.transact(
            lambda db: casework.answer_counter(db, hall.office, who, number, text, now=hall.clock())
        )

    assert asks(reviewer) is False, "it did not come from a window"
    query = select(t.application.c.id).where(t.application.c.receipt_number == number)
    application = str(hall.store.read(lambda db: db.scalar(query)))
    visit = hall.make(t.visit, staff_id=clerk.id, department="子育て支援課", state="filed")["id"]
    hall.make(t.visit_application, visit_id=visit, name="x", application_id=application)
    assert answers(clerk) is False
    assert asks(clerk) is False and asks(reviewer, " ") is Unfit.TEXT and asks(reviewer) is True
    (where,) = hall.store.read(lambda db: office.whereabouts(db, [application, "nothing"]))
    assert where.asked and where.state is OfficeState.REVIEWING and where.number == number
    found = hall.store.transact(lambda db: office.questions(db, hall.keys, clerk, ["子育て支援課"]))
    assert [(each.number, each.text) for each in found] == [(number, TEXT)]
    hall.clock.advance(minutes=1)
    assert answers(reviewer) is False and answers(clerk) is True and answers(clerk) is False
    assert stands(hall, number) == ("reviewing", "市民課") and theirs(said(hall, number)) == []
    assert [each.audience for each in said(hall, number)] == [Audience.COUNTER] * 2
    (where,) = hall.store.read(lambda db: office.whereabouts(db, [application]))
    assert not where.asked


def test_of_many_who_act_on_one_case_at_once_one_does(hall: Office) -> None:
    number = hall.case()
    clerks = [hall.colleague(f"clerk{i}", "clerk:市民課") for i in range(4)]
    acts = list(zip(clerks, (Act.ACCEPT, Act.ASK, Act.HAND_OVER, Act.ACCEPT), strict=True))

    def acting(who: Staff, act: Act) -> Any:
        order = Order(act, TEXT, hall.clock() + timedelta(days=1), "税務課")
        return lambda db: casework.act(db, hall.office, who, number, order, now=hall.clock())

    done = hall.at_once([acting(who, act) for who, act in acts])
    assert done.count(True) >= 1
    assert all(each is True or each is False or isinstance(each, Moved) for each in done)
    assert len(said(hall, number)) <= done.count(True)


def test_several_are_taken_on_at_once_and_what_somebody_else_took_is_named(hall: Office) -> None:
    mine, taken, elsewhere = hall.case(), hall.case("accepted"), hall.case(department="税務課")
    clerk = hall.colleague("c1", "clerk:市民課")
    many = hall.store.transact(
        lambda db: casework.accept_all(db, hall.office, clerk, [mine, taken, elsewhere, mine], now=hall.clock())
    )
    assert many.done == [mine] and sorted(many.left) == sorted([taken, elsewhere])


def test_a_list_is_narrowed_to_what_is_late_waits_came_from_a_window_or_is_mine(hall: Office) -> None:
    clerk = hall.colleague("c1", "clerk:市民課")
    old = hall.case(submitted_at=hall.clock() - timedelta(days=40), channel="online")
    window = hall.case(channel="counter", submitted_at=hall.clock())
    asked = hall.case("correction_requested", channel="online", submitted_at=hall.clock())
    assert hall.store.transact(lambda db: office.assign(db, clerk, window, True, now=hall.clock()))

    def listed(**more: Any) -> list[str]:
        wanted = Asked(IN_HAND, **more)
        return [
            row.number
            for row in hall.store.read(
                lambda db: office.listing(db, ["市民課"], wanted, now=hall.clock()), long=True
            ).rows
        ]

    assert listed(late=[(["dog"], hall.clock() - timedelta(days=30))]) == [old]
    assert listed(late=[]) == []
    assert listed(channel="counter") == [window] == listed(assignee=clerk.id)
    assert listed(waiting=True) == [asked]
    assert hall.store.transact(lambda db: office.assign(db, clerk, window, False, now=hall.clock()))
    assert listed(assignee=clerk.id) == []


@pytest.mark.parametrize(("act", "days", "to"), list(product((Act.ASK, Act.HAND_OVER), (0, 200), ("市民課", "月の課"))))
def test_what_is_asked_by_no_day_or_sent_to_no_other_department_is_not_done(
    act: Act, days: int, to: str, hall: Office
) -> None:
    number, clerk = hall.case(), hall.colleague("c1", "clerk:市民課")
    assert does(hall, clerk, number, act, to=to, days=days) is (Unfit.DAY if act is Act.ASK else Unfit.DEPARTMENT)
    assert stands(hall, number) == ("submitted", "市民課") and said(hall, number) == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  一行目 \r\n二行目\t\r\n", "一行目\n二行目"),
        ("\n\n", None),
        ("あ" * 2000, "あ" * 2000),
        ("あ" * 2001, None),
        ("名前\u202eです", None),
        ("\x00", None),
        ("全角\u3000の空白", "全角\u3000の空白"),
    ],
)
def test_words_are_kept_as_they_were_typed_unless_nobody_could_see_them(typed: str, kept: str | None) -> None:
    assert plain_text(typed) == kept
