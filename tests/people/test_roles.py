"""Who may do what: the whole matrix of roles, actions, departments and states, against a table written by hand."""

from __future__ import annotations

from itertools import product

import pytest

from server.applications.states import OfficeState
from server.people.roles import CITY_WIDE, EVERYWHERE, POLICY, Action, BadRole, Held, Role, departments, may, read_role

OWN, OTHER = "市民課", "税務課"
ALLOWED = {
    "clerk": {("list", OWN), ("open", OWN), ("open-other-department", OTHER), ("accept", OWN)}
    | {("counter", OWN), ("ask-refund", OWN)},
    "reviewer": {("list", OWN), ("open", OWN), ("open-other-department", OTHER)},
    "approver": {
        ("list", OWN),
        ("open", OWN),
        ("open-other-department", OTHER),
        ("see-times", OWN),
        ("allow-refund", OWN),
    },
    "treasurer": {("list", OWN), ("ask-refund", OWN), ("allow-refund", OWN)},
    "administrator": {
        (action, each)
        for action in ("manage-staff", "end-session", "suspend", "manage-devices")
        for each in (OWN, OTHER, "")
    },
    "auditor": {("see-audit", each) for each in (OWN, OTHER, "")},
}
"""What each role may, held in OWN, about a case of which department ('' for what is about none)."""
HANDLING = {"ask", "answer", "review", "complete", "propose-decision", "hand-over"}
DECIDING = {"approve", "send-back", "turn-down"}
for role, acts in {
    "clerk": HANDLING | {"undo-accept", "assign", "take-money"},
    "reviewer": HANDLING | {"refuse", "assign"},
    "approver": DECIDING | {"assign"},
    "treasurer": {"take-money", "see-till"},
}.items():
    ALLOWED[role] |= {(act, OWN) for act in acts}
IN_STATES = {
    "accept": {"submitted"},
    "undo-accept": {"accepted"},
    "ask": {"submitted", "accepted", "reviewing"},
    "answer": {"correction_requested"},
    "review": {"submitted", "accepted", "correction_requested"},
    "complete": {"accepted", "reviewing", "approved"},
    "refuse": {"accepted", "reviewing"},
    "propose-decision": {"reviewing"},
    "hand-over": {"submitted", "accepted", "reviewing"},
    **{each: {"pending_decision"} for each in DECIDING},
}
"""In which states of the case, where it depends on that."""
STATES = [*(each.value for each in OfficeState), "", "nonsense"]


def held(role: Role, department: str = OWN) -> Held:
    return Held(role, EVERYWHERE if role in CITY_WIDE else department)


@pytest.mark.parametrize(("role", "action"), list(product(Role, Action)))
def test_a_role_may_what_its_table_says_and_nothing_else(role: Role, action: Action) -> None:
    for department, state in product((OWN, OTHER, ""), STATES):
        expected = (action.value, department) in ALLOWED[role.value]
        expected = expected and state in IN_STATES.get(action.value, {state})
        assert may([held(role)], action, department, state) == expected, (department, state)


def test_who_has_no_role_may_nothing() -> None:
    assert not any(may([], *each) for each in product(Action, (OWN, ""), STATES))


def test_every_action_has_its_rule_and_every_state_of_a_rule_is_one_of_the_office() -> None:
    assert POLICY.keys() == set(Action)
    assert {state for rule in POLICY.values() for state in rule.states or ()} <= set(OfficeState)


def test_a_role_of_the_whole_city_that_was_stored_in_a_department_is_worth_nothing() -> None:
    for role, action in product(CITY_WIDE, Action):
        assert not may([Held(role, OWN)], action, OWN, "submitted")


def test_a_role_of_a_department_that_was_stored_for_the_whole_city_is_worth_nothing() -> None:
    for role, action, department in product(set(Role) - CITY_WIDE, Action, (OWN, EVERYWHERE, "")):
        assert not may([Held(role, EVERYWHERE)], action, department, "submitted")


def test_roles_in_two_departments_add_up_and_no_role_lends_itself_to_the_other() -> None:
    both = [Held(Role.CLERK, OWN), Held(Role.TREASURER, OTHER)]
    assert departments(both, Action.LIST) == (OWN, OTHER)
    assert departments(both, Action.ACCEPT) == ()  # it is about a state
    assert may(both, Action.ACCEPT, OWN, "submitted")
    assert not may(both, Action.ACCEPT, OTHER, "submitted")
    assert not may(both, Action.OPEN, OTHER)
    assert may(both, Action.OPEN_OTHER, OTHER)


@pytest.mark.parametrize("text", ["", "boss", "clerk", "clerk:", "clerk:月の課", "auditor:市民課", "CLERK:市民課", "*"])
def test_a_role_as_it_is_typed_is_one_of_the_table_or_told_what_is_allowed(text: str) -> None:
    with pytest.raises(BadRole):
        read_role(text, (OWN, OTHER))


def test_a_role_is_read_with_its_department() -> None:
    assert read_role("clerk:市民課", (OWN,)) == Held(Role.CLERK, OWN)
    assert read_role("auditor", (OWN,)) == Held(Role.AUDITOR, EVERYWHERE)
