"""What two people decide, on their pages: one asks, another allows, and everybody else reads nothing of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.applications.proposals import GOOD_FOR
from server.people.roles import TWO_PEOPLE, Held, Role
from server.web.staff.proposals import KIND_WORDS
from tests.people.officers import PASSWORD, Officer
from tests.security.declarations import sample
from tests.security.site import Browser, place, sandbox_site
from tests.web.test_office import Hall, at_work

LIST = "/office/proposals"
WHY = "機械の点検のため。"


@pytest.fixture
def hall(tmp_path: Path, migrated_file: Path) -> Iterator[Hall]:
    with sandbox_site(tmp_path, migrated_file, sample()) as site:
        yield from at_work(site)


@pytest.fixture
def pair(hall: Hall) -> tuple[Browser, Browser]:
    return hall.desk("administrator"), hall.desk("administrator")


def decide_url(browser: Browser) -> str:
    (found,) = set(re.findall(rf"{LIST}/[0-9a-f]+/decide", browser.get(LIST).text))
    return str(found)


def opened(hall: Hall) -> bool:
    hall.run(hall.of.catalogue.refresh)
    return "オンラインで手続きできます" in hall.browser().get("/procedures/letter").text


def test_every_kind_of_proposal_has_its_words() -> None:
    assert KIND_WORDS.keys() == TWO_PEOPLE.keys()


def test_a_procedure_is_stopped_when_another_administrator_allows_it(hall: Hall, pair: tuple[Browser, Browser]) -> None:
    first, second = pair
    assert place(first.post("/admin/procedures/suspend", {"slug": "letter", "reason": WHY})) == LIST
    own = first.get(LIST).text
    assert "ほかの人の承認を待っています" in own and "/decide" not in own
    assert opened(hall)
    shown = second.get(LIST).text
    assert WHY in shown and "手続きの受付を止める" in shown
    assert place(second.post(decide_url(second), {"do": "allow"})) == LIST
    assert not opened(hall) and "認められました" in first.get(LIST).text
    assert WHY in first.get("/admin/procedures").text
    assert place(second.post("/admin/procedures/letter/resume")) == LIST
    assert place(first.post(decide_url(first), {"do": "allow"})) == LIST
    assert opened(hall)


def test_a_refused_proposal_changes_nothing_and_a_second_decision_is_told_so(
    hall: Hall, pair: tuple[Browser, Browser]
) -> None:
    first, second = pair
    first.post("/admin/procedures/suspend", {"slug": "letter", "reason": WHY})
    url, third = decide_url(second), hall.desk("administrator")
    assert first.post(url, {"do": "allow"}).status_code == 409, "never by whoever asked"
    assert second.post(url, {"do": "x"}).status_code == 404
    assert place(second.post(url, {"do": "refuse"})) == LIST
    late = third.post(url, {"do": "allow"})
    assert late.status_code == 409 and "ほかの人が決めています" in late.text
    assert opened(hall)


def test_what_is_asked_twice_is_told_to_be_waiting_and_may_be_taken_back(pair: tuple[Browser, Browser]) -> None:
    first, second = pair
    asked = {"slug": "letter", "reason": WHY}
    first.post("/admin/procedures/suspend", asked)
    assert second.post("/admin/procedures/suspend", asked).status_code == 409
    (back,) = re.findall(rf"{LIST}/[0-9a-f]+/back", first.get(LIST).text)
    assert second.post(back).status_code == 404
    assert place(first.post(back)) == LIST == place(first.post(back))
    assert "取り下げられました" in second.get(LIST).text
    assert place(second.post("/admin/procedures/suspend", asked)) == LIST


def test_a_proposal_that_nobody_decided_is_over_after_a_week(hall: Hall, pair: tuple[Browser, Browser]) -> None:
    first, second = pair
    first.post("/admin/procedures/suspend", {"slug": "letter", "reason": WHY})
    url = decide_url(second)
    hall.clock.now += GOOD_FOR
    late = hall.desk("administrator")
    told = late.post(url, {"do": "allow"})
    assert told.status_code == 409 and "期限が切れました" in told.text
    assert "期限が切れました" in late.get(LIST).text and opened(hall)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"slug": ""}, "止める手続きを選んでください"),
        ({"slug": "nothing"}, "止める手続きを選んでください"),
        ({"reason": " "}, "止める理由を"),
        ({"reason": "あ" * 301}, "止める理由を"),
        ({"until": "2020-01-01T00:00"}, "これからの日時"),
        ({"start": "2027-01-02T00:00", "until": "2027-01-01T00:00"}, "始まりよりあと"),
        ({"start": "あした"}, "年月日と時刻"),
    ],
)
def test_a_stop_that_cannot_be_is_told_at_its_box_with_what_was_typed(
    given: dict[str, str], told: str, hall: Hall
) -> None:
    desk = hall.desk("administrator")
    refused = desk.post("/admin/procedures/suspend", {"slug": "letter", "reason": WHY} | given)
    assert refused.status_code == 422 and told in refused.text and 'aria-invalid="true"' in refused.text
    assert "reason" in given or WHY in refused.text
    assert "待っているものはありません" in desk.get(LIST).text


def roles_of(hall: Hall, officer: Officer) -> set[Held]:
    from server.people import staff

    found = hall.do(lambda db: staff.account(db, hall.of.keys, officer.id))
    return set(found.held)


def test_roles_are_changed_when_another_administrator_allows_it(hall: Hall, pair: tuple[Browser, Browser]) -> None:
    first, second = pair
    officer = hall.officer("clerk:own", "reviewer:own")
    path = f"/admin/staff/{officer.id}"
    assert "役割の変更を頼む" in first.get(path).text
    change = {"keep": f"clerk:{hall.own}", "role": "treasurer", "department": hall.other}
    assert place(first.post(f"{path}/roles", change)) == LIST
    assert f"{hall.own}の受付、{hall.other}の収納" in second.get(LIST).text
    assert roles_of(hall, officer) == {Held(Role.CLERK, hall.own), Held(Role.REVIEWER, hall.own)}
    second.post(decide_url(second), {"do": "allow"})
    assert roles_of(hall, officer) == {Held(Role.CLERK, hall.own), Held(Role.TREASURER, hall.other)}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"keep": "clerk:own"},
        {"keep": "clerk:own", "role": "boss"},
        {"keep": "clerk:own", "role": "clerk"},
        {"keep": "clerk:own", "role": "clerk", "department": "月の課"},
        {"keep": "clerk:own", "role": "auditor", "department": "市民課"},
        {"keep": "auditor:*"},
    ],
)
def test_roles_that_there_are_not_or_none_at_all_are_not_asked_for(change: dict[str, str], hall: Hall) -> None:
    desk, officer = hall.desk("administrator"), hall.officer("clerk:own")
    given = {name: text.replace(":own", f":{hall.own}") for name, text in change.items()}
    assert desk.post(f"/admin/staff/{officer.id}/roles", given).status_code == 422
    assert "待っているものはありません" in desk.get(LIST).text


def test_nobody_allows_their_own_promotion(hall: Hall) -> None:
    first, officer = hall.desk("administrator"), hall.officer("administrator")
    own = hall.enter(officer)
    assert place(first.post(f"/admin/staff/{officer.id}/roles", {"keep": "administrator:*", "role": "auditor"})) == LIST
    assert "/decide" not in own.get(LIST).text and "あなたは決められません" in own.get(LIST).text
    third = hall.desk("administrator")
    assert own.post(decide_url(third), {"do": "allow"}).status_code == 409
    assert roles_of(hall, officer) == {Held(Role.ADMINISTRATOR, "*")}


def test_an_account_is_reset_by_two_and_the_code_is_shown_once(hall: Hall, pair: tuple[Browser, Browser]) -> None:
    first, second = pair
    officer = hall.officer("clerk:own")
    assert place(first.post(f"/admin/staff/{officer.id}/reset")) == LIST
    answer = second.post(decide_url(second), {"do": "allow"})
    code = re.findall(r"[0-9A-Z]{5}(?:-[0-9A-Z]{5}){3}", answer.text)[0]
    assert answer.headers["cache-control"] == "no-store" and officer.login in answer.text
    assert code not in second.get(LIST).text + first.get(LIST).text
    assert hall.browser().post("/staff/signin", officer.controls()).status_code == 422
    enrol = {"login": officer.login, "code": code, "password": PASSWORD, "password_again": "x"}
    assert "2回入力した" in hall.browser().post("/staff/enrol", enrol).text, "the code is right"


@pytest.mark.parametrize("role", ["clerk:own", "reviewer:own", "approver:own", "treasurer:own", "auditor"])
def test_whoever_is_no_administrator_reads_and_does_nothing_of_theirs(role: str, hall: Hall) -> None:
    desk, admin = hall.desk(role), hall.desk("administrator")
    admin.post("/admin/procedures/suspend", {"slug": "letter", "reason": WHY})
    url, officer = decide_url(hall.desk("administrator")), hall.officer("auditor")
    assert WHY not in desk.get(LIST).text
    assert desk.post(url, {"do": "allow"}).status_code == 404
    for path, controls in (
        ("/admin/procedures/suspend", {"slug": "letter", "reason": WHY}),
        ("/admin/procedures/letter/resume", {}),
        (f"/admin/staff/{officer.id}/roles", {"role": "clerk", "department": hall.own}),
        (f"/admin/staff/{officer.id}/reset", {}),
    ):
        assert desk.post(path, controls).status_code == 403
    assert desk.get("/admin/procedures").status_code == 403
