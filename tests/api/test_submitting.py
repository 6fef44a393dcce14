"""What a program may file, and everything it is told when it may not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, update

from forms_schema.base import Json
from server.api.filing import tidy
from server.applications import lookup, uploads
from server.people.sessions import Visitor
from server.store import tables as t
from server.store.database import Reading, Writing
from tests.api.conftest import PDF, PNG, SIGN, Program
from tests.api.declarations import ANSWERS, declared
from tests.conftest import Clock

POST = {**ANSWERS, "receive": "post", "place": "栄町10番地"}


def applications(api: Program) -> int:
    count: int = api.run(lambda db: db.scalar(select(func.count()).select_from(t.application)))
    return count


def answers_of(api: Program, made: dict[str, Any]) -> Json:
    """What the city has of an application."""
    who = Visitor(None, None, api.of.catalogue.all()[0].declaration.assurance)

    def work(db: Writing) -> Json:
        found = lookup.by_code(
            db, api.of.keys, made["receiptNumber"], made["accessCode"], who, place="", now=api.of.clock()
        )
        assert isinstance(found, lookup.Application)
        return lookup.answers_of(db, api.of.keys, found, who)

    return api.run(work)


# --- answers ------------------------------------------------------------------------------------------------------


def test_everything_wrong_is_told_at_once_and_nothing_is_written(store_api: Program) -> None:
    wrong = {"note": "あ" * 201, "copies": "2", "receive": "post", "children": [{"nickname": ""}, {}]}
    assert store_api.refused("plain", wrong) == {
        "/note": "maxLength",
        "/copies": "type",
        "/place": "required",
        "/children/0/nickname": "required",
        "/children/1/nickname": "required",
    }
    assert applications(store_api) == 0


def test_a_name_that_is_no_question_is_named(api: Program) -> None:
    wrong = {**ANSWERS, "note2": "", "children": [{"nickname": "花", "age": 3}]}
    assert api.refused("plain", {**wrong, "note2": "x"}) == {
        "/note2": "UNKNOWN_FIELD",
        "/children/0/age": "UNKNOWN_FIELD",
    }


def test_an_answer_that_is_not_asked_for_is_left_out_and_told(api: Program) -> None:
    made = api.submit("plain", {**ANSWERS, "place": "栄町"})
    assert made["leftOut"] == [{"pointer": "/place", "title": "送り先"}]
    assert answers_of(api, made) == ANSWERS


def test_texts_are_kept_as_the_pages_would_keep_them(api: Program) -> None:
    typed = {**ANSWERS, "note": "　神\u0000田\u202eです\r\n ", "children": []}
    made = api.submit("plain", typed)
    assert answers_of(api, made) == {**ANSWERS, "note": "神田です"}
    assert made["leftOut"] == []


def test_what_is_blank_counts_as_not_answered(api: Program) -> None:
    assert api.refused("plain", {**ANSWERS, "note": " \u3000"}) == {"/note": "required"}


def test_tidying_twice_changes_nothing(api: Program) -> None:
    form = declared("plain").form
    once = tidy(form, {"note": " が\u0000 ", "children": [{"nickname": "\n"}], "copies": 1})
    assert once == {"note": "が", "children": [{}], "copies": 1}
    assert tidy(form, once) == once


@pytest.mark.parametrize("answers", [[], "text", 3, True, None, [ANSWERS]])
def test_answers_are_an_object(api: Program, answers: Json) -> None:
    if answers is None:
        (error,) = api.errors(
            "mutation M($i: SubmitApplicationInput!) { submitApplication(input: $i) { __typename } }",
            {"i": {"slug": "plain", "answers": None}},
        )
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
    else:
        assert api.refused("plain", answers) == {"": "type"}


def test_a_personal_number_is_taken_and_sealed(api: Program) -> None:
    made = api.submit("numbered", {**ANSWERS, "number": "123456789018"})
    kept = answers_of(api, made)
    assert kept["number"].startswith("sealed:")


def test_the_token_of_somebodys_personal_number_is_no_number(api: Program) -> None:
    made = api.submit("numbered", {**ANSWERS, "number": "123456789018"})
    token = answers_of(api, made)["number"]
    assert api.refused("numbered", {**ANSWERS, "number": token}) == {"/number": "format"}
    assert api.refused("numbered", {**ANSWERS, "number": "sealed:x"}) == {"/number": "format"}


def test_a_mutation_may_bring_its_answers_written_out(api: Program) -> None:
    text = 'mutation { submitApplication(input: {slug: "plain", answers: {note: "a", copies: 1, receive: "counter"}}) '
    made = api(text + "{ __typename ... on Application { state } } }")
    assert made["submitApplication"] == {"__typename": "Application", "state": "SUBMITTED"}


# --- the procedure ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "errors"),
    [
        ("nowhere", {"": "UNKNOWN_PROCEDURE"}),
        ("over", {"": "CLOSED"}),
        ("at-the-counter", {"": "CHANNEL_CLOSED"}),
        ("mailed", {"": "ASSURANCE_REQUIRED"}),
        ("signed", {"": "ASSURANCE_REQUIRED"}),
    ],
)
def test_a_procedure_says_why_it_cannot_be_filed(api: Program, slug: str, errors: dict[str, str]) -> None:
    assert api.refused(slug, ANSWERS) == errors


def test_a_procedure_that_is_suspended_is_closed(api: Program) -> None:
    stop = update(t.publication).where(t.publication.c.slug == "plain").values(state="suspended", reason="休止中です。")
    api.run(lambda db: db.execute(stop))
    api.publish([])
    assert api.http.portal is not None
    api.http.portal.call(api.of.catalogue.refresh)
    assert api.refused("plain", ANSWERS) == {"": "CLOSED"}


def test_a_low_level_and_wrong_answers_are_told_together(api: Program) -> None:
    assert api.refused("mailed", {**ANSWERS, "copies": 11}) == {"": "ASSURANCE_REQUIRED", "/copies": "maximum"}


def test_a_session_of_the_level_may_file(api: Program) -> None:
    api.open_session()
    assert api.refused("mailed", ANSWERS) == {"": "ASSURANCE_REQUIRED"}
    api.sign_in("hanako-oidc")
    assert api.submit("mailed", ANSWERS)["__typename"] == "Application"
    assert api.refused("signed", ANSWERS) == {"": "ASSURANCE_REQUIRED"}


def test_the_session_that_filed_may_see_it_on_the_pages(api: Program) -> None:
    api.sign_in("hanako-oidc")
    number = api.submit("priced", ANSWERS)["receiptNumber"]
    assert number in api.http.get(f"/applications/{number}").text
    assert api.other().http.get(f"/applications/{number}").status_code == 404


# --- versions -----------------------------------------------------------------------------------------------------


def version_of(api: Program, slug: str) -> str:
    published = api.of.catalogue.get(slug)
    assert published is not None
    return published.digest


def test_the_version_that_is_served_may_be_named(api: Program) -> None:
    assert api.submit("plain", ANSWERS, version=version_of(api, "plain"))["__typename"] == "Application"


def test_an_older_version_is_taken_as_long_as_the_answers_fit_it(api: Program) -> None:
    before = version_of(api, "plain")
    asks_more = declared("plain", id="P901")
    schema = {**asks_more.schema, "required": [*asks_more.schema["required"], "children"]}
    api.publish([declared("plain", id="P901", schema=schema)])
    assert version_of(api, "plain") != before
    assert api.refused("plain", ANSWERS) == {"/children": "required"}
    assert api.submit("plain", ANSWERS, version=before)["__typename"] == "Application"
    assert api.refused("plain", {**ANSWERS, "copies": 11}, version=before) == {"": "VERSION_CHANGED"}


def test_an_older_version_does_not_lower_the_level(api: Program) -> None:
    before = version_of(api, "plain")
    api.publish([declared("plain", id="P901", assurance="email")])
    assert api.refused("plain", ANSWERS, version=before) == {"": "ASSURANCE_REQUIRED"}


def test_an_older_version_whose_fee_is_gone_is_not_taken(api: Program) -> None:
    gone = {"timing": "submit", "items": [{"code": "gone"}], "waivers": []}
    api.publish([declared("plain", id="P901", fee=gone)])
    before = version_of(api, "plain")
    api.publish([declared("plain", id="P901")])
    assert api.refused("plain", ANSWERS, version=before) == {"": "VERSION_CHANGED"}


@pytest.mark.parametrize("version", ["", "x", "0" * 64, "\u0000"])
def test_a_version_that_never_was_is_told(api: Program, version: str) -> None:
    assert api.refused("plain", ANSWERS, version=version) == {"": "VERSION_CHANGED"}


def test_the_version_of_another_procedure_is_none_of_this(api: Program) -> None:
    assert api.refused("mailed", ANSWERS, version=version_of(api, "plain")) == {"": "VERSION_CHANGED"}


# --- files --------------------------------------------------------------------------------------------------------


def files_of(api: Program, kind: str = "application") -> list[tuple[str, str]]:
    """(key, media type) of every file of such an owner."""

    def work(db: Reading) -> list[tuple[str, str]]:
        query = select(t.upload.c.key, t.upload.c.media_type).where(t.upload.c.owner_kind == kind)
        return [tuple(row) for row in db.all(query.order_by(t.upload.c.key))]

    found: list[tuple[str, str]] = api.run(work)
    return found


def attached(*files: tuple[str, str]) -> dict[str, Any]:
    return {"attachments": [{"key": key, "upload": upload} for key, upload in files]}


def test_a_file_goes_with_its_application(store_api: Program) -> None:
    assert store_api.refused("filed", POST) == {"attachment:proof": "required"}
    made = store_api.submit("filed", POST, **attached(("proof", store_api.upload()), ("proof", store_api.upload(PNG))))
    assert made["__typename"] == "Application"
    assert files_of(store_api) == [("proof", "application/pdf"), ("proof", "image/png")]


def test_a_file_for_each_row(api: Program) -> None:
    rows = {**ANSWERS, "children": [{"nickname": "花子"}, {"nickname": "太郎"}]}
    assert api.refused("rowed", rows) == {"attachment:proof/1": "required"}
    made = api.submit("rowed", rows, **attached(("proof/1", api.upload()), ("proof/0", api.upload())))
    assert made["leftOut"] == [{"pointer": "attachment:proof/0", "title": "証明書"}]
    assert files_of(api) == [("proof/1", "application/pdf")]


def test_a_file_that_is_not_asked_for_stays_behind(api: Program) -> None:
    made = api.submit("filed", ANSWERS, **attached(("proof", api.upload())))
    assert made["leftOut"] == [{"pointer": "attachment:proof", "title": "証明書"}]
    assert files_of(api) == []


def test_too_many_files_are_told(api: Program) -> None:
    three = [("proof", api.upload()) for _ in range(3)]
    assert api.refused("filed", POST, **attached(*three)) == {"attachment:proof": "maxItems"}
    many = [("proof", three[0][1])] * (uploads.MAX_FILES + 1)
    assert api.refused("filed", POST, **attached(*many))["attachment:proof"] in ("uniqueItems", "file-count")


@pytest.mark.parametrize("key", ["other", "", "proof/0", "proof/", "../proof"])
def test_a_file_for_something_that_is_not_there_is_told(api: Program, key: str) -> None:
    assert api.refused("filed", ANSWERS, **attached((key, api.upload()))) == {f"attachment:{key}": "UNKNOWN_FIELD"}


def test_a_file_sent_for_two_things_is_told(api: Program) -> None:
    same = api.upload()
    assert api.refused("filed", POST, **attached(("proof", same), ("proof", same))) == {
        "attachment:proof": "uniqueItems"
    }


def test_a_file_of_a_kind_that_is_not_taken_here_is_told(api: Program) -> None:
    accepting = {"key": "proof", "title": "証明書", "hint": "PDF", "max": 1, "accept": ["application/pdf"]}
    api.publish([declared("filed", id="P905", attachments=[accepting])])
    assert api.refused("filed", ANSWERS, **attached(("proof", api.upload(PNG)))) == {"attachment:proof": "file-type"}


@pytest.mark.parametrize("upload", ["", "x", "0" * 32, "\u0000", "../../etc/passwd"])
def test_a_file_that_was_never_sent_is_told(api: Program, upload: str) -> None:
    assert api.refused("filed", POST, **attached(("proof", upload))) == {"attachment:proof": "UNKNOWN_UPLOAD"}


def test_a_file_of_another_session_is_not_there(api: Program) -> None:
    api.open_session()
    theirs = api.upload()
    assert api.other().refused("filed", POST, **attached(("proof", theirs))) == {"attachment:proof": "UNKNOWN_UPLOAD"}
    other = api.other()
    other.open_session()
    assert other.refused("filed", POST, **attached(("proof", theirs))) == {"attachment:proof": "UNKNOWN_UPLOAD"}
    assert api.submit("filed", POST, **attached(("proof", theirs)))["__typename"] == "Application"


def test_a_file_sent_without_a_session_is_whoevers_who_knows_its_id(api: Program) -> None:
    loose = api.upload()
    other = api.other()
    other.open_session()
    assert other.submit("filed", POST, **attached(("proof", loose)))["__typename"] == "Application"


def test_a_file_is_given_once(api: Program) -> None:
    file = api.upload()
    assert api.submit("filed", POST, **attached(("proof", file)))["__typename"] == "Application"
    assert api.refused("filed", POST, **attached(("proof", file))) == {"attachment:proof": "UNKNOWN_UPLOAD"}
    assert applications(api) == 1


def test_the_file_of_a_draft_is_the_drafts(api: Program) -> None:
    api.open_session()
    file = api.upload()
    api.run(lambda db: db.execute(update(t.upload).values(owner_kind="draft", owner_id="0" * 32)))
    assert api.refused("filed", POST, **attached(("proof", file))) == {"attachment:proof": "UNKNOWN_UPLOAD"}


# --- signatures ---------------------------------------------------------------------------------------------------


def begun(api: Program, answers: Json, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = api(SIGN, {"input": {"slug": "signed", "answers": answers, **more}})["startSignature"]
    return made


def sign(api: Program, answers: Json, **more: Any) -> str:
    """A signature, made in the browser that has the same session."""
    made = begun(api, answers, **more)
    assert made["__typename"] == "Signature", made
    asked = api.http.get(made["url"], follow_redirects=False)
    page = api.http.post(asked.headers["location"], data={"action": "sign"}, follow_redirects=False)
    assert api.http.get(page.headers["location"], follow_redirects=False).status_code == 303
    return str(made["id"])


def test_what_is_to_be_signed_is_signed_and_filed(store_api: Program) -> None:
    store_api.sign_in("taro-jpki")
    assert store_api.refused("signed", ANSWERS) == {"": "SIGNATURE_REQUIRED"}
    signature = sign(store_api, ANSWERS)
    made = store_api.submit("signed", ANSWERS, signature=signature)
    assert (made["__typename"], made["state"]) == ("Application", "PAYMENT_PENDING")
    assert store_api.refused("signed", ANSWERS, signature=signature) == {"": "SIGNATURE_REQUIRED"}


def test_a_signature_is_good_for_what_was_signed_alone(api: Program) -> None:
    api.sign_in("taro-jpki")
    signature = sign(api, ANSWERS)
    assert api.refused("signed", {**ANSWERS, "copies": 3}, signature=signature) == {"": "SIGNATURE_REQUIRED"}
    assert api.submit("signed", {**ANSWERS, "place": "dropped"}, signature=signature)["__typename"] == "Application"


def test_a_signature_begun_is_not_yet_made(api: Program) -> None:
    api.sign_in("taro-jpki")
    assert api.refused("signed", ANSWERS, signature=begun(api, ANSWERS)["id"]) == {"": "SIGNATURE_REQUIRED"}


def test_somebody_elses_signature_is_worth_nothing(api: Program) -> None:
    api.sign_in("taro-jpki")
    signature = sign(api, ANSWERS)
    other = api.other()
    other.sign_in("yukiko-78")
    assert other.refused("signed", ANSWERS, signature=signature) == {"": "SIGNATURE_REQUIRED"}


@pytest.mark.parametrize("signature", ["", "x", "0" * 32, "\u0000"])
def test_a_signature_that_never_was_is_told(api: Program, signature: str) -> None:
    api.sign_in("taro-jpki")
    assert api.refused("signed", ANSWERS, signature=signature) == {"": "SIGNATURE_REQUIRED"}


def test_only_who_has_a_signing_card_begins_a_signature(api: Program) -> None:
    for subject in (None, "hanako-oidc"):
        if subject:
            api.sign_in(subject)
        made = begun(api, ANSWERS)
        assert made["errors"][0]["code"] == "ASSURANCE_REQUIRED"


def test_nothing_wrong_is_signed(api: Program) -> None:
    api.sign_in("taro-jpki")
    made = begun(api, {**ANSWERS, "copies": 11})
    assert [(each["pointer"], each["code"]) for each in made["errors"]] == [("/copies", "maximum")]


def test_a_loose_file_is_swept_after_a_day(api: Program, clock: Clock) -> None:
    kept = api.upload(PDF)
    clock.advance(hours=23)
    young = api.upload(PDF)
    clock.advance(hours=2)
    assert api.run(lambda db: uploads.sweep(db, now=clock())) == 1
    assert api.refused("filed", POST, **attached(("proof", kept))) == {"attachment:proof": "UNKNOWN_UPLOAD"}
    assert api.submit("filed", POST, **attached(("proof", young)))["__typename"] == "Application"
    clock.advance(days=2)
    assert api.run(lambda db: uploads.sweep(db, now=clock())) == 0, "an application's files stay"
