"""A question of the office, read and answered by a program as on the page: the same words, files and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from server.applications import uploads
from server.applications.uploads import MAX_FILES
from server.store import tables as t
from tests.files.papers import PDF
from tests.security.declarations import sample
from tests.security.site import Browser, place, sandbox_site
from tests.security.test_durability import ANSWERS
from tests.web.test_office import Hall, at_work

QUESTION = "通帳の写しを送ってください。"
SUBMIT = """mutation($input: SubmitApplicationInput!) { answer: submitApplication(input: $input) {
  ... on Application { receiptNumber accessCode messages { text } } } }"""
MESSAGES = "messages { kind department text at answerBy files { name size scan } }"
READ = f"""query($number: String!, $code: String!) {{ application(receiptNumber: $number, accessCode: $code) {{
  state {MESSAGES} }} }}"""
ANSWER = f"""mutation($input: AnswerApplicationInput!) {{ answer: answerApplication(input: $input) {{ __typename
  ... on Application {{ state accessCode {MESSAGES} }}
  ... on Rejected {{ errors {{ pointer code message }} }} }} }}"""
CASE = """query($number: String!) { office { case(receiptNumber: $number) {
  messages { kind audience by text answerBy files { key name scan } } } } }"""


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    with sandbox_site(tmp_path_factory.mktemp("answers-api"), migrated_file, sample()) as site:
        yield from at_work(site)


class Asked:
    """An application that a program filed, and the office asks something about."""

    def __init__(self, hall: Hall) -> None:
        self.hall, self.program, self.desk = hall, hall.browser(), hall.desk("clerk:own")
        made = self.call(SUBMIT, input={"slug": "letter", "answers": ANSWERS})["answer"]
        assert made["messages"] == []
        self.number, self.code = made["receiptNumber"], made["accessCode"]
        self.ask(QUESTION)

    def call(self, query: str, by: Browser | None = None, **variables: Any) -> Any:
        browser = by or self.program
        body = browser.client.post("/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in body, body
        return body["data"]

    def ask(self, text: str) -> None:
        self.hall.clock.advance(seconds=1)
        case = f"/office/applications/{self.number}"
        assert place(self.desk.post(f"{case}/acts/ask", {"text": text, "until": "2026-12-04"})) == case

    def read(self) -> Any:
        return self.call(READ, number=self.number, code=self.code)["application"]

    def upload(self, name: str = "a.pdf", by: Browser | None = None) -> str:
        headers = {"content-type": "application/pdf", "content-disposition": f'attachment; filename="{name}"'}
        sent = (by or self.program).client.post("/uploads", content=PDF, headers=headers)
        return str(sent.json()["upload"])

    def answer(self, text: str = "", *files: str, by: Browser | None = None) -> Any:
        self.hall.clock.advance(seconds=1)
        wanted = {"receiptNumber": self.number, "accessCode": self.code, "text": text, "uploads": list(files)}
        return self.call(ANSWER, by, input=wanted)["answer"]

    def refused(self, text: str = "", *files: str) -> dict[str, str]:
        """Pointer to code; the case stays as it was."""
        made = self.answer(text, *files)
        assert made["__typename"] == "Rejected", made
        assert all("。" in each["message"] or "ください" in each["message"] for each in made["errors"])
        return {each["pointer"]: each["code"] for each in made["errors"]}


@pytest.fixture
def asked(hall: Hall) -> Asked:
    return Asked(hall)


def test_a_question_is_read_and_answered_with_words_and_files(asked: Asked, hall: Hall) -> None:
    told = asked.read()
    assert told["state"] == "CORRECTION_REQUESTED"
    (question,) = told["messages"]
    assert question == question | {"kind": "QUESTION", "department": hall.own, "text": QUESTION, "files": []}
    assert question["answerBy"].startswith("2026-12-04T23:59:59")
    made = asked.answer("これです。", asked.upload("a.pdf"), asked.upload("b.pdf"))
    assert (made["__typename"], made["state"], made["accessCode"]) == ("Application", "SUBMITTED", None)
    _, answer = made["messages"]
    assert answer == answer | {"kind": "ANSWER", "department": None, "text": "これです。", "answerBy": None}
    assert sorted(answer["files"], key=lambda file: str(file["name"])) == [
        {"name": name, "size": len(PDF), "scan": "CLEAN"} for name in ("a.pdf", "b.pdf")
    ]
    case = asked.call(CASE, asked.desk, number=asked.number)["office"]["case"]
    assert [(each["kind"], each["audience"], each["text"]) for each in case["messages"]] == [
        ("QUESTION", "RESIDENT", QUESTION),
        ("ANSWER", "RESIDENT", "これです。"),
    ]
    assert [file["name"] for file in case["messages"][1]["files"]] == [file["name"] for file in answer["files"]]
    assert all(file["key"].startswith(uploads.ADDED) for file in case["messages"][1]["files"])


def test_an_answer_is_words_or_files_and_not_nothing_nor_too_much(asked: Asked) -> None:
    for text in ("", " \n ", "x" * 2001, "名\u202e前"):
        assert asked.refused(text) == {"/text": "BAD_TEXT"}
    assert asked.answer("", asked.upload())["messages"][1]["text"] == ""


def test_an_answer_is_given_once_and_only_where_something_is_asked(asked: Asked) -> None:
    file = asked.upload()
    assert asked.answer("はい")["__typename"] == "Application"
    assert asked.refused("はい", file) == {"": "NOT_ASKED"}
    asked.ask("もう1つ")
    assert [each["kind"] for each in asked.answer("はい", file)["messages"]] == ["QUESTION", "ANSWER"] * 2


def test_all_that_is_wrong_with_files_is_told_and_none_of_them_is_used_up(asked: Asked, hall: Hall) -> None:
    mine, theirs = asked.upload(), asked.upload(by=hall.browser().sign_in("taro-jpki"))
    assert asked.refused("x", mine, mine, "0" * 32, "../x", theirs) == {
        "/uploads/1": "uniqueItems",
        "/uploads/2": "UNKNOWN_UPLOAD",
        "/uploads/3": "UNKNOWN_UPLOAD",
        "/uploads/4": "UNKNOWN_UPLOAD",
    }
    assert asked.refused("x", *[mine] * (MAX_FILES + 1)) == {f"/uploads/{MAX_FILES}": "file-count"}
    assert asked.answer("x", mine)["__typename"] == "Application"
    asked.ask("もう1つ")
    assert asked.refused("x", mine) == {"/uploads/0": "UNKNOWN_UPLOAD"}, "it is the application's now"


def test_what_an_office_and_its_window_say_to_each_other_is_nobodys_elses_to_read(asked: Asked) -> None:
    case = f"/office/applications/{asked.number}"
    assert asked.answer("はい")["__typename"] == "Application"
    assert place(asked.desk.post(f"{case}/acts/hand-over", {"text": "うちではない", "to": "税務課"})) == "/office"
    assert [each["kind"] for each in asked.read()["messages"]] == ["QUESTION", "ANSWER"]


def test_each_time_the_words_are_read_that_is_written_down(asked: Asked, hall: Hall) -> None:
    query = (
        select(func.count())
        .join(t.application, t.application.c.id == t.audit.c.target)
        .where(t.application.c.receipt_number == asked.number, t.audit.c.action == "application.messages")
    )
    before = hall.do(lambda db: db.scalar(query.select_from(t.audit)))
    asked.read()
    assert hall.do(lambda db: db.scalar(query.select_from(t.audit))) == before + 1
