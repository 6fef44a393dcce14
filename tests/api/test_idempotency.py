"""A submission that is sent again: a lost answer, a nervous finger, two programs at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from procedures.declaration import Assurance
from server.applications.idempotency import claim
from server.people.sessions import NOBODY, Visitor
from server.store import tables as t
from server.store.keys import Keys
from tests.api.conftest import SUBMIT, Program
from tests.api.declarations import ANSWERS
from tests.api.test_submitting import POST, attached, sign
from tests.conftest import Clock

KEY = "5c1a6a4e-7f0e-4b7c-9a53-1d3f6e1f9a10"


def applications(api: Program) -> int:
    count: int = api.run(lambda db: db.scalar(select(func.count()).select_from(t.application)))
    return count


def test_sent_again_it_answers_the_same(store_api: Program, clock: Clock) -> None:
    sent = {**ANSWERS, "place": "not asked"}
    first = store_api.submit("priced", sent, idempotencyKey=KEY)
    assert first["accessCode"]
    clock.advance(hours=1)
    assert store_api.submit("priced", sent, idempotencyKey=KEY) == first
    assert applications(store_api) == 1


def test_the_order_of_names_does_not_matter(api: Program) -> None:
    first = api.submit("plain", ANSWERS, idempotencyKey=KEY)
    turned = dict(reversed(ANSWERS.items())) | {"copies": 2.0}
    assert api.submit("plain", turned, idempotencyKey=KEY) == first


@pytest.mark.parametrize(
    "change",
    [
        {"answers": {**ANSWERS, "copies": 3}},
        {"slug": "priced"},
        {"version": "0" * 64},
        {"signature": "0" * 32},
        {"attachments": [{"key": "proof", "upload": "0" * 32}]},
    ],
)
def test_the_same_key_for_something_else_is_refused(store_api: Program, change: dict[str, Any]) -> None:
    store_api.submit("plain", ANSWERS, idempotencyKey=KEY)
    sent = {"slug": "plain", "answers": ANSWERS, "idempotencyKey": KEY} | change
    made = store_api(SUBMIT, {"input": sent})["submitApplication"]
    assert [(each["pointer"], each["code"]) for each in made["errors"]] == [("", "IDEMPOTENCY_MISMATCH")]
    assert applications(store_api) == 1


def test_a_refused_submission_uses_no_key_up(api: Program) -> None:
    assert api.refused("plain", {**ANSWERS, "copies": 11}, idempotencyKey=KEY) == {"/copies": "maximum"}
    assert api.submit("plain", ANSWERS, idempotencyKey=KEY)["__typename"] == "Application"


def test_without_a_key_each_one_counts(api: Program) -> None:
    assert api.submit("plain", ANSWERS) != api.submit("plain", ANSWERS)
    assert applications(api) == 2


def test_two_people_may_use_the_same_key(api: Program) -> None:
    numbers = {api.submit("plain", ANSWERS, idempotencyKey=KEY)["receiptNumber"]}
    for subject in ("hanako-oidc", "taro-jpki"):
        other = api.other()
        other.sign_in(subject)
        numbers.add(other.submit("plain", {**ANSWERS, "note": subject}, idempotencyKey=KEY)["receiptNumber"])
    other = api.other()
    other.open_session()
    numbers.add(other.submit("plain", ANSWERS, idempotencyKey=KEY)["receiptNumber"])
    assert len(numbers) == 4


def test_a_resident_who_signs_in_anew_is_still_answered_the_same(api: Program) -> None:
    api.sign_in("hanako-oidc")
    first = api.submit("plain", ANSWERS, idempotencyKey=KEY)
    api.sign_in("hanako-oidc")
    assert api.submit("plain", ANSWERS, idempotencyKey=KEY) == first


def test_a_file_and_a_signature_that_are_spent_do_not_stand_against_the_repeat(store_api: Program) -> None:
    file = store_api.upload()
    sent = {**attached(("proof", file)), "idempotencyKey": KEY}
    assert store_api.submit("filed", POST, **sent) == store_api.submit("filed", POST, **sent)
    store_api.sign_in("taro-jpki")
    signature = sign(store_api, ANSWERS)
    signed = {"signature": signature, "idempotencyKey": KEY}
    assert store_api.submit("signed", ANSWERS, **signed) == store_api.submit("signed", ANSWERS, **signed)
    assert applications(store_api) == 2


def test_of_twenty_at_once_one_application_is_made(store_api: Program) -> None:
    file = store_api.upload()
    sent = {"slug": "filed", "answers": POST, "idempotencyKey": KEY, **attached(("proof", file))}
    others = [store_api.other() for _ in range(20)]
    with ThreadPoolExecutor(20) as threads:
        made = list(threads.map(lambda other: other(SUBMIT, {"input": sent})["submitApplication"], others))
    assert {each["__typename"] for each in made} == {"Application"}
    assert len({(each["receiptNumber"], each["accessCode"]) for each in made}) == 1
    assert applications(store_api) == 1


def test_of_twenty_who_want_one_file_one_gets_it(store_api: Program) -> None:
    file = store_api.upload()
    sent = {"slug": "filed", "answers": POST, **attached(("proof", file))}
    others = [store_api.other() for _ in range(20)]
    with ThreadPoolExecutor(20) as threads:
        made = list(threads.map(lambda other: other(SUBMIT, {"input": sent})["submitApplication"], others))
    assert sorted(each["__typename"] for each in made) == ["Application"] + ["Rejected"] * 19
    assert {error["code"] for each in made for error in each.get("errors", ())} == {"UNKNOWN_UPLOAD"}
    assert applications(store_api) == 1


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_has_a_length_that_makes_sense(api: Program, key: str) -> None:
    assert api.code(SUBMIT, {"input": {"slug": "plain", "answers": ANSWERS, "idempotencyKey": key}}) == "BAD_USER_INPUT"


def test_what_is_kept_of_a_body_tells_nothing(keys: Keys) -> None:
    one, other = (claim(keys, NOBODY, KEY, {"note": text}) for text in ("a", "b"))
    assert (one.key, len(one.body)) == (other.key, 32)
    assert one.body != other.body
    mine = claim(keys, Visitor("0" * 32, None, Assurance.NONE), KEY, {"note": "a"})
    assert mine.key != one.key
    assert KEY not in one.key
