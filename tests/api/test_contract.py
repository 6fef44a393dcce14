"""The operations others build on, as they stand, and what they answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from server.api.registered import read_queries
from tests import shipped
from tests.api.conftest import Program
from tests.api.declarations import ANSWERS, declared
from tests.conftest import Clock

QUERIES = read_queries()
EXAMPLES = read_queries(Path(__file__).parents[2] / "server/api/examples")
LIST = "query List($filter: ProcedureFilter, $first: Int, $after: String) {"
LIST += " procedures(filter: $filter, first: $first, after: $after) {"
LIST += " totalCount pageInfo { hasNextPage endCursor } edges { cursor node { slug } } } }"


def listed(api: Program, **filters: Any) -> list[str]:
    found = api(LIST, {"filter": filters})["procedures"]
    assert found["totalCount"] == len(found["edges"])
    return [edge["node"]["slug"] for edge in found["edges"]]


def test_the_catalogue_tells_everything_about_a_procedure(api: Program) -> None:
    edges = api(QUERIES["catalogue"], {"filter": {"text": "priced"}})["procedures"]["edges"]
    assert [edge["node"] for edge in edges] == [
        {
            "id": "P902",
            "slug": "priced",
            "title": "見本の届出 priced",
            "kana": "ミホンノトドケデ",
            "summary": "見本です。",
            "category": "resident-record",
            "lifeEvents": ["birth"],
            "group": "juyo",
            "department": "税務課",
            "legalBasis": "見本法第1条",
            "assurance": "NONE",
            "channels": ["ONLINE", "COUNTER"],
            "onlineSince": "R6",
            "processingDays": 3,
            "result": "RECEIPT",
            "fee": {
                "timing": "SUBMIT",
                "items": [{"code": "juminhyo", "title": "住民票の写しの交付手数料", "amount": 300, "unit": "通"}],
            },
            "status": {"state": "OPEN", "reason": None, "acceptsFrom": None, "acceptsUntil": None},
        }
    ]


def test_the_citys_own_procedures_are_all_told(api: Program) -> None:
    library = shipped.library()
    api.publish(list(library.declarations.values()))
    edges = api(QUERIES["catalogue"], {"first": 200})["procedures"]["edges"]
    assert {each.id for each in library.declarations.values()} <= {edge["node"]["id"] for edge in edges}
    for slug in library.declarations:
        assert api(QUERIES["form"], {"slug": slug})["procedure"]["version"] == library.declarations[slug].digest


def test_a_free_procedure_has_no_fee(api: Program) -> None:
    assert api('{ procedure(slug: "plain") { fee { timing } } }') == {"procedure": {"fee": None}}


def test_a_procedure_whose_time_is_over_says_so(api: Program) -> None:
    status = api('{ procedure(slug: "over") { status { state reason acceptsFrom acceptsUntil } } }')
    assert status["procedure"]["status"] == {
        "state": "CLOSED",
        "reason": None,
        "acceptsFrom": None,
        "acceptsUntil": "2026-11-19",
    }


def test_a_form_comes_with_its_version_its_pages_and_its_files(api: Program) -> None:
    form = api(QUERIES["form"], {"slug": "filed"})["procedure"]
    published = api.of.catalogue.get("filed")
    assert published is not None
    assert form["version"] == published.digest
    assert form["steps"] == [
        {
            "title": "内容",
            "fields": ["/note", "/copies", "/receive", "/children", "/place", "attachment:proof"],
        }
    ]
    assert form["attachments"] == [{"key": "proof", "title": "証明書", "requirement": "CONDITIONAL"}]
    assert form["ui"]["steps"][0]["title"] == "内容"


def test_questions_come_in_the_order_they_were_written(api: Program) -> None:
    text = api.post(QUERIES["form"], {"slug": "plain"}).text
    assert re.search('"note".*"copies".*"receive".*"children"', text)


def test_a_language_without_a_translation_is_answered_in_japanese_and_says_so(api: Program) -> None:
    found = api('{ procedure(slug: "plain", language: EN) { title language } }')["procedure"]
    assert found == {"title": "見本の届出 plain", "language": "JA"}


def test_a_procedure_that_is_none_is_null(api: Program) -> None:
    assert api(QUERIES["form"], {"slug": "none"}) == {"procedure": None}


@pytest.mark.parametrize(
    ("filters", "slugs"),
    [
        ({"text": "みほん priced"}, ["priced"]),
        ({"text": "ミホンノ　ＰＲＩＣＥＤ"}, ["priced"]),
        ({"group": "juyo"}, ["priced"]),
        ({"department": "税務課"}, ["priced"]),
        ({"onlineSince": "R6"}, ["priced"]),
        ({"hasFee": True}, ["priced", "signed"]),
        ({"assurance": "EMAIL"}, ["mailed"]),
        ({"assurance": "JPKI_SIGNATURE", "hasFee": True}, ["signed"]),
        ({"state": "CLOSED"}, ["over"]),
        ({"channel": "KIOSK"}, []),
        ({"category": "childcare"}, []),
        ({"lifeEvent": "birth", "hasFee": True, "category": "resident-record"}, ["priced", "signed"]),
        ({"group": "", "text": "", "onlineSince": "R6"}, ["priced"]),
    ],
)
def test_procedures_are_found_by_what_is_known_of_them(api: Program, filters: dict[str, Any], slugs: list[str]) -> None:
    assert listed(api, **filters) == slugs


def test_pages_of_a_list_follow_one_another_to_the_end(api: Program) -> None:
    seen: list[str] = []
    after = None
    for _ in range(9):
        page = api(LIST, {"first": 4, "after": after})["procedures"]
        assert page["totalCount"] == 9
        seen += [edge["node"]["slug"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        assert after == page["edges"][-1]["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [each.declaration.slug for each in api.of.catalogue.all()]


def test_a_page_of_nothing_still_counts(api: Program) -> None:
    page = api(LIST, {"first": 0})["procedures"]
    assert page == {"totalCount": 9, "pageInfo": {"hasNextPage": True, "endCursor": None}, "edges": []}


@pytest.mark.parametrize("first", [-1, 201, 2**31 - 1])
def test_a_page_has_a_length_that_makes_sense(api: Program, first: int) -> None:
    assert api.code(LIST, {"first": first}) == "PAGE_SIZE"


@pytest.mark.parametrize("cursor", ["", "x", "UDk5OQ==", "\u0000"])
def test_a_cursor_that_leads_nowhere_is_told(api: Program, cursor: str) -> None:
    assert api.code(LIST, {"after": cursor}) == "BAD_CURSOR"


def test_the_rollout_counts_up_year_by_year(api: Program) -> None:
    found = api(QUERIES["rollout"])["rollout"]
    assert [(each["year"], each["target"]) for each in found] == [
        ("R3", 61),
        ("R4", 100),
        ("R5", 140),
        ("R6", 170),
        ("R7", 200),
    ]
    assert [each["online"] for each in found] == [0, 0, 7, 8, 8]


def test_what_is_submitted_can_be_followed_by_its_number_and_code(store_api: Program) -> None:
    made = store_api(EXAMPLES["submit"], {"input": {"slug": "priced", "answers": ANSWERS}})["submitApplication"]
    assert made["__typename"] == "Application"
    assert re.fullmatch("[0-9]{15}", made["receiptNumber"])
    assert re.fullmatch("[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", made["accessCode"])
    assert (made["state"], made["feeTotal"], made["payment"]["state"]) == ("PAYMENT_PENDING", 600, "DUE")
    assert re.fullmatch("/payments/[0-9a-f]{32}", made["payment"]["checkoutUrl"])

    found = store_api(EXAMPLES["status"], {name: made[name] for name in ("receiptNumber", "accessCode")})
    assert found["application"] == {
        "state": "PAYMENT_PENDING",
        "submittedAt": "2026-11-20T10:00:00+09:00",
        "procedure": {"slug": "priced", "title": "見本の届出 priced"},
        "payment": {"state": "DUE"},
        "history": [{"at": "2026-11-20T10:00:00+09:00", "state": "PAYMENT_PENDING"}],
    }


def test_the_access_code_is_given_once(api: Program) -> None:
    made = api.submit("plain", ANSWERS)
    again = "query A($n: String!, $c: String!)"
    again += " { application(receiptNumber: $n, accessCode: $c) { accessCode leftOut { pointer } } }"
    found = api(again, {"n": made["receiptNumber"], "c": made["accessCode"]})
    assert found["application"] == {"accessCode": None, "leftOut": None}


def test_nothing_is_owed_for_what_is_free(api: Program) -> None:
    made = api.submit("plain", ANSWERS)
    assert (made["state"], made["feeTotal"], made["payment"]) == ("SUBMITTED", 0, None)


def test_an_unknown_number_and_a_wrong_code_look_alike(api: Program) -> None:
    made = api.submit("plain", ANSWERS)
    wrong = {"receiptNumber": made["receiptNumber"], "accessCode": "0000-0000-0000"}
    unknown = {"receiptNumber": "100000000000000", "accessCode": made["accessCode"]}
    (answer,) = {api.post(EXAMPLES["status"], each).content for each in (wrong, unknown)}
    assert answer.startswith(b'{"data":{"application":null},')


def test_guessing_is_stopped_however_it_is_packed(api: Program) -> None:
    made = api.submit("plain", ANSWERS)
    number = made["receiptNumber"]
    guesses = " ".join(
        f'g{i}: application(receiptNumber: "{number}", accessCode: "0000-0000-000{i}") {{ state }}' for i in range(10)
    )
    assert set(api("{" + guesses + "}").values()) == {None}
    (error,) = api.errors(EXAMPLES["status"], {"receiptNumber": number, "accessCode": made["accessCode"]})
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert 0 < error["extensions"]["retryAfter"] <= 3600
    response = api.post(EXAMPLES["status"], {"receiptNumber": number, "accessCode": made["accessCode"]})
    assert int(response.headers["retry-after"]) > 0


def test_an_application_is_shown_under_the_version_it_was_made_by(api: Program) -> None:
    made = api.submit("plain", ANSWERS)
    api.publish([declared("plain", id="P901", title="新しい名前")])
    asked = {name: made[name] for name in ("receiptNumber", "accessCode")}
    assert api(EXAMPLES["status"], asked)["application"]["procedure"]["title"] == "見本の届出 plain"


def test_amounts_and_days_are_those_of_today_in_japan(api: Program, clock: Clock) -> None:
    query = '{ procedure(slug: "over") { status { state } } }'
    assert api(query)["procedure"]["status"]["state"] == "CLOSED"
    clock.now = datetime(2026, 11, 19, 14, 59, 59, tzinfo=UTC)
    assert api(query)["procedure"]["status"]["state"] == "OPEN"
    clock.advance(seconds=1)
    assert api(query)["procedure"]["status"]["state"] == "CLOSED"
