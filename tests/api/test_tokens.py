"""A program with a resident's token: what it may do, what it may not, and that it is never taken for somebody else."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select, update

from procedures.declaration import Assurance
from server.people import sessions, tokens
from server.people.sessions import Visitor
from server.people.tokens import FAILED, Made
from server.store import tables as t
from server.store.database import Reading, Writing
from tests.api.conftest import PDF, SIGN, STATUS, Program
from tests.api.declarations import ANSWERS
from tests.api.test_submitting import POST, attached
from tests.conftest import Clock

WITHDRAW = """mutation Withdraw($input: WithdrawApplicationInput!) {
  withdrawApplication(input: $input) {
    __typename
    ... on Application { receiptNumber accessCode state payment { state } history { state } }
    ... on Rejected { errors { pointer code message } }
  }
}"""
CHALLENGE = 'Bearer realm="kakanai", error="invalid_token"'


def token_of(api: Program, subject: str, level: Assurance | None = None) -> str:
    """A token that a resident of the sandbox made at their page."""
    api.sign_in(subject)
    cookie = str(api.http.cookies["kakanai"])
    api.http.cookies.clear()

    def work(db: Writing) -> str:
        who = sessions.visitor(db, cookie, keys=api.of.keys, now=api.of.clock())
        who = who if level is None else Visitor(who.session_id, who.resident, level)
        once = api.of.random(16).hex()
        made = tokens.make(db, api.of.keys, who, once, "会計", "30", now=api.of.clock(), random=api.of.random)
        assert isinstance(made, Made)
        return made.text

    text: str = api.run(work)
    return text


def program(api: Program, token: str) -> Program:
    """Another client, which sends this token and has no cookie."""
    other = api.other()
    other.http.headers["authorization"] = f"Bearer {token}"
    return other


def ping(api: Program, **headers: str) -> Response:
    return api.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)


def withdraw(api: Program, made: dict[str, Any], **more: Any) -> dict[str, Any]:
    wanted = {"receiptNumber": made["receiptNumber"], "accessCode": made["accessCode"], **more}
    done: dict[str, Any] = api(WITHDRAW, {"input": wanted})["withdrawApplication"]
    return done


def refused(done: dict[str, Any]) -> str:
    (error,) = done["errors"]
    assert done["__typename"] == "Rejected"
    assert error["pointer"] == ""
    return str(error["code"])


# --- filing with a token ------------------------------------------------------------------------------------------


def test_a_program_files_as_its_resident(store_api: Program) -> None:
    with_token = program(store_api, token_of(store_api, "hanako-oidc"))
    made = with_token.submit("mailed", ANSWERS)
    assert made["__typename"] == "Application"

    def work(db: Reading) -> Any:
        return db.one(select(t.application)), db.one(select(t.api_token)), db.one(select(t.application_event))

    filed, token, event = store_api.run(work)
    assert filed.resident_id == token.resident_id
    assert filed.assurance == "oidc-basic"
    assert event.actor == f"token:{token.id}"
    assert token.used_at == store_api.of.clock()


def test_a_token_is_worth_the_session_it_was_made_in_and_no_more(api: Program) -> None:
    with_token = program(api, token_of(api, "taro-jpki", Assurance.EMAIL))
    assert with_token.submit("mailed", ANSWERS)["__typename"] == "Application"
    assert with_token.refused("signed", ANSWERS) == {"": "ASSURANCE_REQUIRED"}


def test_a_token_signs_nothing(api: Program) -> None:
    with_token = program(api, token_of(api, "taro-jpki"))
    assert with_token.refused("signed", ANSWERS) == {"": "SIGNATURE_REQUIRED"}
    begun = with_token(SIGN, {"input": {"slug": "signed", "answers": ANSWERS}})["startSignature"]
    assert refused(begun) == "SIGNATURE_NEEDS_SESSION"


def test_a_file_goes_with_its_application_and_to_no_other_program(store_api: Program) -> None:
    mine = program(store_api, token_of(store_api, "hanako-oidc"))
    theirs = program(store_api, token_of(store_api, "taro-jpki"))
    upload = mine.upload(PDF)
    for other in (theirs, store_api.other()):
        assert other.refused("filed", POST, **attached(("proof", upload)))["attachment:proof"] == "UNKNOWN_UPLOAD"
    assert mine.submit("filed", POST, **attached(("proof", upload)))["__typename"] == "Application"


def test_two_tokens_of_one_resident_share_their_files_and_their_repeats(api: Program) -> None:
    first, second = (program(api, token_of(api, "hanako-oidc")) for _ in range(2))
    sent = attached(("proof", first.upload(PDF)))
    made = second.submit("filed", POST, **sent, idempotencyKey="once")
    assert first.submit("filed", POST, **sent, idempotencyKey="once") == made


# --- tokens that are not good -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    ["Bearer x", "Bearer kk_" + "A" * 43, "bearer kk_" + "A" * 43, "Bearer", "Bearer ", "Bearer\tx", "BEARER  x y"],
)
@pytest.mark.parametrize("path", ["/graphql", "/uploads"])
def test_a_token_that_is_not_good_is_refused_and_never_taken_for_nobody(
    api: Program, path: str, authorization: str
) -> None:
    response = api.http.post(path, json={"query": "{ __typename }"}, headers={"authorization": authorization})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == CHALLENGE
    assert response.headers["cache-control"] == "no-store"
    assert set(response.json()) == {"error"}
    assert response.json()["error"]["code"] == "BAD_TOKEN"


def test_an_expired_token_and_a_revoked_one_count_no_more_at_once(api: Program, clock: Clock) -> None:
    old, gone = (program(api, token_of(api, subject)) for subject in ("hanako-oidc", "taro-jpki"))
    clock.advance(days=29, hours=23)
    assert [ping(each).status_code for each in (old, gone)] == [200, 200]
    row = api.run(lambda db: db.all(select(t.api_token).order_by(t.api_token.c.created_at, t.api_token.c.level)))[0]
    assert api.run(lambda db: tokens.revoke(db, row.id, row.resident_id))
    assert sorted(ping(each).status_code for each in (old, gone)) == [200, 401]
    clock.advance(hours=1)
    assert [ping(each).status_code for each in (old, gone)] == [401, 401]


def test_two_tokens_in_one_request_are_none(api: Program) -> None:
    token = token_of(api, "hanako-oidc")
    headers = [("authorization", f"Bearer {token}"), ("authorization", "Basic x")]
    for given in (headers, headers[::-1]):
        response = api.http.post("/graphql", json={"query": "{ __typename }"}, headers=given)
        assert response.status_code == 401


def test_a_broken_program_is_told_to_wait_and_a_good_one_beside_it_goes_on(api: Program, clock: Clock) -> None:
    clock.now = clock.now.replace(minute=0)
    good = program(api, token_of(api, "hanako-oidc"))
    bad = program(api, "kk_" + "A" * 43)
    assert [ping(bad).status_code for _ in range(FAILED.most)] == [401] * FAILED.most
    stopped = ping(bad)
    assert (stopped.status_code, stopped.headers["retry-after"]) == (429, "3600")
    assert ping(good).status_code == 200
    clock.advance(hours=1)
    assert ping(bad).status_code == 401


# --- cookies beside it --------------------------------------------------------------------------------------------


def test_a_cookie_beside_a_bearer_token_counts_for_nothing(api: Program) -> None:
    """Bearer requests pass the CSRF rule; a cookie must not ride on that."""
    token = token_of(api, "hanako-oidc")
    api.sign_in("taro-jpki")
    both = {"authorization": f"Bearer {token}"}
    made = api.http.post(
        "/graphql",
        json={
            "query": "mutation($input: SubmitApplicationInput!) { submitApplication(input: $input) { __typename } }",
            "variables": {"input": {"slug": "mailed", "answers": ANSWERS}},
        },
        headers=both,
    )
    assert made.json()["data"]["submitApplication"]["__typename"] == "Application"
    assert api.run(lambda db: db.scalar(select(t.application.c.assurance))) == "oidc-basic"
    assert ping(api, authorization="Bearer kk_" + "A" * 43).status_code == 401


@pytest.mark.parametrize("authorization", ["good", "Bearer x", "Bearer"])
def test_a_bearer_header_makes_no_cookie_count_where_another_site_posts(api: Program, authorization: str) -> None:
    token = token_of(api, "hanako-oidc")
    api.sign_in("taro-jpki")
    given = f"Bearer {token}" if authorization == "good" else authorization
    headers = {"authorization": given, "origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    for path in ("/my/signout-everywhere", "/my/tokens", "/my/earlier/delete"):
        answer = api.http.post(path, headers=headers, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/signin?next=/my")
    assert api.run(lambda db: db.scalar(select(t.session.c.id))) is not None


@pytest.mark.parametrize("path", ["/my", "/graphql/explorer", "/"])
def test_a_token_opens_no_page(api: Program, path: str) -> None:
    with_token = program(api, token_of(api, "taro-jpki"))
    page = with_token.http.get(path, follow_redirects=False)
    assert "津軽" not in page.text
    assert page.status_code == (303 if path == "/my" else 200)


def test_a_token_makes_no_token(api: Program) -> None:
    with_token = program(api, token_of(api, "taro-jpki"))
    with_token.http.post("/my/tokens", data={"once": "0" * 32, "label": "x", "days": "30"}, follow_redirects=False)
    assert len(api.run(lambda db: db.all(select(t.api_token.c.id)))) == 1


def test_its_use_is_noted_at_most_every_five_minutes(api: Program, clock: Clock) -> None:
    with_token = program(api, token_of(api, "hanako-oidc"))
    seen = []
    for _ in range(4):
        ping(with_token)
        seen.append(api.run(lambda db: db.scalar(select(t.api_token.c.used_at))))
        clock.advance(minutes=2)
    assert len(set(seen)) == 2


# --- withdrawal ---------------------------------------------------------------------------------------------------


def test_a_program_takes_back_what_it_filed_and_again_answers_the_same(store_api: Program) -> None:
    with_token = program(store_api, token_of(store_api, "hanako-oidc"))
    made = with_token.submit("priced", ANSWERS)
    done = withdraw(with_token, made, reason="TWICE")
    assert done["state"] == "WITHDRAWN"
    assert done["payment"] == {"state": "CANCELLED"}
    assert done["accessCode"] is None
    assert [each["state"] for each in done["history"]] == ["PAYMENT_PENDING", "WITHDRAWN"]
    assert withdraw(with_token, made) == done


def test_number_and_code_alone_take_back_what_nobody_in_particular_filed(api: Program) -> None:
    made = api.submit("plain", ANSWERS)
    assert withdraw(api.other(), made)["state"] == "WITHDRAWN"


def test_number_and_code_alone_do_not_take_back_a_residents_application(api: Program) -> None:
    made = program(api, token_of(api, "hanako-oidc")).submit("mailed", ANSWERS)
    another = program(api, token_of(api, "taro-jpki"))
    for finder in (api.other(), another):
        assert refused(withdraw(finder, made)) == "OWNER_REQUIRED"
        seen = finder(STATUS, {"receiptNumber": made["receiptNumber"], "accessCode": made["accessCode"]})
        assert seen["application"]["state"] == "SUBMITTED"


def test_the_session_that_submitted_takes_it_back(api: Program) -> None:
    api.sign_in("hanako-oidc")
    made = api.submit("mailed", ANSWERS)
    assert withdraw(api, made)["state"] == "WITHDRAWN"


def test_a_wrong_code_and_an_unknown_number_are_alike(api: Program) -> None:
    made = api.submit("plain", ANSWERS)
    wrong = withdraw(api, {**made, "accessCode": "AAAA-AAAA-AAAA"})
    assert refused(wrong) == "UNKNOWN_APPLICATION"
    assert withdraw(api, {**made, "receiptNumber": "0" * 15}) == wrong
    assert api.run(lambda db: db.scalar(select(t.application.c.state))) == "submitted"


def test_what_is_decided_is_not_taken_back(api: Program) -> None:
    made = api.submit("plain", ANSWERS)
    api.run(lambda db: db.execute(update(t.application).values(state="approved")))
    assert refused(withdraw(api, made)) == "NOT_WITHDRAWABLE"


def test_guessing_codes_to_withdraw_is_stopped_with_the_other_guesses(api: Program) -> None:
    made = {**api.submit("plain", ANSWERS), "accessCode": "AAAA-AAAA-AAAA"}
    for _ in range(10):
        assert refused(withdraw(api, made)) == "UNKNOWN_APPLICATION"
    wanted = {"receiptNumber": made["receiptNumber"], "accessCode": made["accessCode"]}
    assert api.code(WITHDRAW, {"input": wanted}) == "RATE_LIMITED"
