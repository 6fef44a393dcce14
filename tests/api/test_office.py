"""What the staff read over GraphQL: the table of roles and the audit of their pages, and nothing for anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.people.roles import CITY_WIDE, POLICY, Action, Role, Whose
from server.store import tables as t
from tests.security.declarations import sample
from tests.security.site import Browser, place, sandbox_site
from tests.web.test_office import REASON, Hall, at_work

SECRET = "ひみつの用件"
LIST = "{ office { cases { totalCount edges { node { receiptNumber department state protected } } } } }"
CASE = """query($number: String!, $reason: String) { office { case(receiptNumber: $number, reason: $reason) {
  receiptNumber department otherDepartment state answers history { state by } files { name scan } } } }"""
LOOKS = "query($number: String!) { office { looks(receiptNumber: $number) { by action reason } } }"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    with sandbox_site(tmp_path_factory.mktemp("office-api"), migrated_file, sample()) as site:
        yield from at_work(site)


@pytest.fixture(scope="module")
def number(hall: Hall) -> str:
    return hall.filed(note=SECRET)


def call(browser: Browser, query: str, **variables: Any) -> Any:
    """The data, or the code of the first error."""
    answer = browser.client.post("/graphql", json={"query": query, "variables": variables}).json()
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["data"]["office"]


# --- every role -------------------------------------------------------------------------------------------------------

ASKED = {
    Action.LIST: (LIST, "FORBIDDEN"),
    Action.OPEN: (CASE, None),
    Action.SEE_AUDIT: (LOOKS, "FORBIDDEN"),
}
"""A field for each action that reads, and what is told to whoever may not: an error, or that there is nothing."""


@pytest.mark.parametrize(("role", "action", "where"), list(product(Role, ASKED, ("own", "other"))))
def test_a_field_tells_what_the_table_of_roles_says(
    role: Role, action: Action, where: str, hall: Hall, number: str
) -> None:
    query, refusal = ASKED[action]
    desk = hall.desk(role.value if role in CITY_WIDE else f"{role.value}:{where}")
    found = call(desk, query, **({} if action is Action.LIST else {"number": number}))
    rule = POLICY[action]
    wanted = role in rule.roles
    if action is Action.OPEN and wanted and where == "other":
        assert found == "REASON_REQUIRED" and POLICY[Action.OPEN_OTHER].whose is Whose.OTHER
    elif not wanted:
        assert found == refusal or found == {"case": None}
    elif action is Action.LIST:
        listed = [edge["node"]["receiptNumber"] for edge in found["cases"]["edges"]]
        assert (number in listed) == (where == "own")
    else:
        assert (SECRET in str(found)) == (action is Action.OPEN)
        assert action is not Action.OPEN or found["case"]["receiptNumber"] == number


def test_each_look_is_written_down_as_on_the_pages(hall: Hall, number: str) -> None:
    officer = hall.officer("clerk:own")
    call(hall.enter(officer), CASE, number=number)
    (look,) = [line for line in hall.noted(number, "application.view") if line[0] == f"staff:{officer.id}"]
    assert look[2] == {"department": hall.own, "state": "submitted"}


def test_another_departments_case_is_told_with_a_reason_that_auditors_read(hall: Hall) -> None:
    number = hall.filed(note=SECRET)
    officer = hall.officer("clerk:other")
    desk = hall.enter(officer)
    for reason in (None, "", "x", "あ" * 301):
        assert call(desk, CASE, number=number, reason=reason) == "REASON_REQUIRED"
    assert hall.noted(number, "application.view") == []
    found = call(desk, CASE, number=number, reason=REASON)["case"]
    assert found["otherDepartment"] and SECRET in str(found["answers"])
    looks = call(hall.desk("auditor"), LOOKS, number=number)["looks"]
    (view,) = [each for each in looks if each["action"] == "application.view"]
    assert view["reason"] == REASON and officer.login in view["by"] and SECRET not in str(looks)


# --- not mixed --------------------------------------------------------------------------------------------------------


def test_a_residents_session_gives_nothing_of_the_office_and_a_badge_nothing_of_a_resident(
    hall: Hall, number: str
) -> None:
    both = hall.desk("clerk:own")
    both.sign_in("taro-jpki")
    assert call(both, CASE, number=number)["case"]["receiptNumber"] == number
    place(both.post("/staff/signout"))
    assert call(both, CASE, number=number) == "STAFF_SIGN_IN_REQUIRED"
    mailed = {"slug": "mailed", "answers": {}}
    query = (
        "mutation($i: SubmitApplicationInput!) { submitApplication(input: $i) { ... on Rejected { errors { code }}}}"
    )
    badge = hall.desk("clerk:own").client.post("/graphql", json={"query": query, "variables": {"i": mailed}}).json()
    codes = [each["code"] for each in badge["data"]["submitApplication"]["errors"]]
    assert "ASSURANCE_REQUIRED" in codes, "the staff are no resident"


def test_beside_a_bearer_token_a_badge_counts_for_nothing(hall: Hall, number: str) -> None:
    """Such a request passes the rule against other sites' forms."""
    desk = hall.desk("clerk:own")
    sent = {"query": CASE, "variables": {"number": number}}
    for token in ("kk_" + "x" * 43, ""):
        answer = desk.client.post("/graphql", json=sent, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401 and SECRET not in answer.text


def test_another_site_makes_no_browser_ask(hall: Hall, number: str) -> None:
    desk, sent = hall.desk("clerk:own"), {"query": CASE, "variables": {"number": number}}
    answer = desk.client.post("/graphql", json=sent, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "STAFF_SIGN_IN_REQUIRED" not in desk.get("/graphql?id=x&variables={}").text


def test_nothing_of_the_office_is_kept_or_asked_by_get(hall: Hall) -> None:
    desk = hall.desk("clerk:own")
    answer = desk.client.post("/graphql", json={"query": LIST})
    assert answer.headers["cache-control"] == "no-store"
    assert call(hall.browser(), LIST) == "STAFF_SIGN_IN_REQUIRED", "what was told to one is not told to the next"


# --- pages of the list ------------------------------------------------------------------------------------------------


def test_the_list_is_read_page_by_page_and_narrowed(hall: Hall, number: str) -> None:
    desk, made = hall.desk("clerk:own"), [hall.filed() for _ in range(4)]
    query = """query($first: Int, $after: String, $filter: OfficeCaseFilter) { office { cases(
      first: $first, after: $after, filter: $filter) { totalCount pageInfo { hasNextPage hasPreviousPage endCursor }
      edges { cursor node { receiptNumber state slug } } } } }"""
    whole = call(desk, query)["cases"]
    numbers = [edge["node"]["receiptNumber"] for edge in whole["edges"]]
    assert set(made) <= set(numbers) and whole["totalCount"] == len(numbers)
    read: list[str] = []
    after = None
    for _ in range(20):
        found = call(desk, query, first=2, after=after)["cases"]
        read += [edge["node"]["receiptNumber"] for edge in found["edges"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert read == numbers
    assert call(desk, query, filter={"state": "REFUSED"})["cases"]["totalCount"] == 0
    assert call(desk, query, filter={"slug": "nothing"})["cases"]["edges"] == []
    for strange in ("", "x", "44CC", "Y2FzZTo5OTk5OTk5OTk=", "c2x1Zzox"):
        assert call(desk, query, after=strange) == "BAD_CURSOR"
    assert call(desk, query, first=51) == "PAGE_SIZE"


def test_a_list_beyond_one_page_of_the_office_is_read_whole(hall: Hall) -> None:
    made = hall.filed()

    def copies(db: Any) -> None:
        row = db.one(select(t.application).where(t.application.c.receipt_number == made))._asdict()
        for i in range(60):
            db.insert(t.application, row | {"id": f"{i:032}", "receipt_number": f"{i:015}"})

    hall.do(copies)
    desk, read, after = hall.desk("clerk:own"), [], None
    query = """query($after: String) { office { cases(first: 33, after: $after) { totalCount pageInfo { endCursor
      hasNextPage } edges { node { receiptNumber } } } } }"""
    while True:
        found = call(desk, query, after=after)["cases"]
        read += [edge["node"]["receiptNumber"] for edge in found["edges"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert len(read) == len(set(read)) == found["totalCount"] > 60


def test_a_call_for_too_much_of_the_office_is_not_carried_out(hall: Hall, number: str) -> None:
    auditor, before = hall.desk("auditor"), hall.noted(number, "application.looks")
    rows = " ".join(f'l{i}: looks(receiptNumber: "{number}") {{ at by action reason }}' for i in range(10))
    assert call(auditor, f"{{ office {{ {rows} }} }}") == "TOO_COSTLY"
    assert hall.noted(number, "application.looks") == before
