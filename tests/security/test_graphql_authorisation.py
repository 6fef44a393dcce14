"""Who may see and do what over GraphQL: every field of the schema, every kind of caller. A new field needs its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type
from sqlalchemy import delete, update

from server.api.schema import build_schema, core
from server.people import sessions, tokens
from server.store import tables as t
from server.store.database import Writing
from tests.files.papers import PDF
from tests.security.addresses import ACTORS, People
from tests.security.site import Browser, Site
from tests.security.test_durability import ANSWERS

CALLERS: Final = (*ACTORS, "another's token", "its owner's token", "a token that is none")

# --- every field, and whom it is told ---------------------------------------------------------------------------------

EVERYBODY, HOLDER, FILER, CALLER = "everybody", "holder of number and code", "who files, in the answer", "the caller"
STAFF = "the staff, by roles and departments (tests/api/test_office.py)"

FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "Query": {
        EVERYBODY: "procedures procedure categories lifeEvents lifeEvent recommendations departments statistics "
        "rollout slots",
        HOLDER: "application",
        STAFF: "office",
    },
    "Mutation": {CALLER: "submitApplication startSignature withdrawApplication answerApplication"},
    "Application": {
        HOLDER: "receiptNumber state submittedAt feeTotal payment seat history messages procedure",
        FILER: "accessCode leftOut",
    },
    "Payment": {HOLDER: "state amount checkoutUrl payUntil paidAt"},
    "HistoryEntry": {HOLDER: "at state"},
    "ApplicationMessage": {HOLDER: "kind department text at answerBy files"},
    "AddedFile": {HOLDER: "name size scan"},
    "Seat": {HOLDER: "start until text"},
    "LeftOut": {FILER: "pointer title"},
    "Rejected": {CALLER: "errors"},
    "AnswerError": {CALLER: "pointer code message"},
    "Signature": {CALLER: "id url"},
    "Procedure": {
        EVERYBODY: "id slug title officialTitle kana summary category lifeEvents group department contact "
        "legalBasis procedureType assurance channels onlineSince processingDays result fee booking handover status "
        "version versions language schema ui steps attachments"
    },
    "Handover": {EVERYBODY: "to url prepare"},
    "ProcedureConnection": {EVERYBODY: "totalCount pageInfo edges facets"},
    "Facets": {EVERYBODY: "categories lifeEvents groups departments channels assurances states withFee"},
    "FacetCount": {EVERYBODY: "value title count"},
    "Department": {EVERYBODY: "name kana place phone email hours openToday closedOn example"},
    "OpeningHours": {EVERYBODY: "days open close"},
    "VersionConnection": {EVERYBODY: "totalCount pageInfo edges"},
    "VersionEdge": {EVERYBODY: "cursor node"},
    "Version": {EVERYBODY: "version since until current"},
    "Topic": {EVERYBODY: "code title kana count"},
    "LifeEvent": {EVERYBODY: "code title kana count interview"},
    "Interview": {EVERYBODY: "schema ui"},
    "Recommendations": {EVERYBODY: "advice path"},
    "Recommendation": {EVERYBODY: "title procedure place why due late by bring online"},
    "UseCount": {EVERYBODY: "slug month channel count"},
    "ProcedureEdge": {EVERYBODY: "cursor node"},
    "PageInfo": {EVERYBODY: "hasNextPage hasPreviousPage startCursor endCursor"},
    "ProcedureStatus": {EVERYBODY: "state reason suspension acceptsFrom acceptsUntil"},
    "Suspension": {EVERYBODY: "reason from until"},
    "Fee": {EVERYBODY: "timing items"},
    "FeeItem": {EVERYBODY: "code title amount unit"},
    "Booking": {EVERYBODY: "title place bring pointer"},
    "Slot": {EVERYBODY: "start until capacity left"},
    "Step": {EVERYBODY: "title fields"},
    "Attachment": {EVERYBODY: "key title hint requirement accept max each"},
    "RolloutYear": {EVERYBODY: "year target online"},
    "Office": {STAFF: "login ownDepartments cases case looks"},
    "OfficeCaseConnection": {STAFF: "totalCount pageInfo edges"},
    "OfficeCaseEdge": {STAFF: "cursor node"},
    "OfficeCaseLine": {STAFF: "receiptNumber slug department state submittedAt protected answerOverdue"},
    "OfficeCase": {
        STAFF: "receiptNumber slug version department otherDepartment state submittedAt channel protected answers "
        "history files messages"
    },
    "OfficeStep": {STAFF: "at state by"},
    "OfficeFile": {STAFF: "key name scan"},
    "OfficeMessage": {STAFF: "kind audience by text at answerBy files"},
    "OfficeLook": {STAFF: "at by action reason"},
}
SCHEMA: Final[GraphQLSchema] = core(build_schema())


def objects() -> Iterator[GraphQLObjectType]:
    for name, each in SCHEMA.type_map.items():
        if isinstance(each, GraphQLObjectType) and not name.startswith("__"):
            yield each


def test_no_field_is_without_its_row() -> None:
    listed = {name: {field for told in rows.values() for field in told.split()} for name, rows in FIELDS.items()}
    assert listed == {each.name: set(each.fields) for each in objects()}


def told_to(type_name: str, audience: str) -> list[str]:
    return FIELDS[type_name].get(audience, "").split()


def selection(type_name: str, *audiences: str) -> str:
    """Every field of a type that one of these may be told, with all that lies below."""
    made = SCHEMA.type_map[type_name]
    assert isinstance(made, GraphQLObjectType)
    parts = []
    for name in [field for audience in audiences for field in told_to(type_name, audience)]:
        inner = get_named_type(made.fields[name].type)
        if not is_leaf_type(inner):
            below = selection(inner.name, *audiences) or "title" if inner.name != "Procedure" else "slug title"
            parts.append(f"{name} {{ {below} }}")
        else:
            parts.append(name)
    return " ".join(parts)


# --- what each caller gets --------------------------------------------------------------------------------------------

PROCEDURES = "{ procedures(first: 2) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { slug } } } }"
PROCEDURE = f'{{ procedure(slug: "letter") {{ {selection("Procedure", EVERYBODY)} }} }}'
ROLLOUT = "{ rollout { year target online } }"
SLOTS = '{ slots(slug: "letter") { start until capacity left } }'
PUBLIC_QUERIES: Final = {
    "Query.procedures": PROCEDURES,
    "Query.procedure": PROCEDURE,
    "Query.categories": "{ categories { code title kana count } }",
    "Query.lifeEvents": f"{{ lifeEvents {{ {selection('LifeEvent', EVERYBODY)} }} }}",
    "Query.lifeEvent": f'{{ lifeEvent(code: "move-out") {{ {selection("LifeEvent", EVERYBODY)} }} }}',
    "Query.recommendations": f"""{{
      recommendations(lifeEvent: "disaster", answers: {{cause: "fire", damage: ["other"]}}) {{
        ... on Recommendations {{ {selection("Recommendations", EVERYBODY)} }} }} }}""",
    "Query.departments": f"{{ departments {{ {selection('Department', EVERYBODY)} }} }}",
    "Query.statistics": '{ statistics(slug: "letter") { slug month channel count } }',
    "Query.rollout": ROLLOUT,
    "Query.slots": SLOTS,
}
STATUS = f"""query($number: String!, $code: String!) {{ application(receiptNumber: $number, accessCode: $code) {{
  {selection("Application", HOLDER, FILER)} }} }}"""
SUBMIT = f"""mutation($input: SubmitApplicationInput!) {{ answer: submitApplication(input: $input) {{ __typename
  ... on Application {{ {selection("Application", HOLDER, FILER)} }} ... on Rejected {{ errors {{ code }} }} }} }}"""
SIGN = """mutation($input: StartSignatureInput!) { answer: startSignature(input: $input) { __typename
  ... on Signature { id url } ... on Rejected { errors { code } } } }"""
WITHDRAW = """mutation($input: WithdrawApplicationInput!) { answer: withdrawApplication(input: $input) { __typename
  ... on Application { state accessCode leftOut { title } } ... on Rejected { errors { code } } } }"""

ANSWER = """mutation($input: AnswerApplicationInput!) { answer: answerApplication(input: $input) { __typename
  ... on Application { state accessCode messages { text } } ... on Rejected { errors { code } } } }"""


class Callers(People):
    """The people of the pages, and programs with tokens."""

    def __init__(self, site: Site) -> None:
        super().__init__(site, things=True)
        self.site = site
        for name, owner in (("another's token", "another resident"), ("its owner's token", "its owner")):
            self.browsers[name] = _program(site, _token_of(site, self.browsers[owner]))
        self.browsers["a token that is none"] = _program(site, "kk_" + "x" * 43)

    def call(self, caller: str, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """What a caller is answered: the data, or the status or code of a refusal."""
        answer = self.browsers[caller].client.post("/graphql", json={"query": query, "variables": variables})
        body = answer.json()
        if answer.status_code != 200:
            return answer.status_code
        return body["errors"][0]["extensions"]["code"] if "errors" in body else body["data"]

    def does(self, caller: str, mutation: str, **wanted: Any) -> str:
        """The name of what a mutation answers, or the code of its refusal."""
        done = self.call(caller, mutation, {"input": wanted})
        if not isinstance(done, dict):
            return str(done)
        made = done["answer"]
        return made["errors"][0]["code"] if made["__typename"] == "Rejected" else str(made["__typename"])

    def filed(self, by: str) -> tuple[str, str]:
        """Number and access code of an application just filed, however many the same account has filed before."""
        self.site.run(lambda: self.site.of.database.transact(lambda db: db.execute(delete(t.attempt))))
        made = self.call(by, SUBMIT, {"input": {"slug": "letter", "answers": ANSWERS}})["answer"]
        return made["receiptNumber"], made["accessCode"]


def _token_of(site: Site, browser: Browser) -> str:
    cookie = browser.client.cookies["kakanai"]

    def work(db: Writing) -> str:
        who = sessions.visitor(db, cookie, keys=site.of.keys, now=site.clock())
        once = site.of.random(16).hex()
        made = tokens.make(db, site.of.keys, who, once, "検査", "30", now=site.clock(), random=site.of.random)
        assert isinstance(made, tokens.Made)
        return made.text

    return site.run(lambda: site.of.database.transact(work))


def _program(site: Site, token: str) -> Browser:
    program = site.browser()
    program.client.headers["authorization"] = f"Bearer {token}"
    return program


@pytest.fixture(scope="module")
def callers(site: Site) -> Callers:
    return Callers(site)


def everyone(outcome: str, **but: str) -> dict[str, str]:
    """A row: the same for all, but for some; a token that is none is nobody's, and never taken for nobody."""
    row = dict.fromkeys(CALLERS, outcome) | {"a token that is none": "401"}
    return row | {caller.replace("_", " "): other for caller, other in but.items()}


NOT_ENOUGH = "ASSURANCE_REQUIRED"
KNOWN = ("another resident", "its owner elsewhere", "its owner", "another's token", "its owner's token")
ROWS: Final = {
    "Query.procedures": everyone("told"),
    "Query.procedure": everyone("told"),
    "Query.categories": everyone("told"),
    "Query.lifeEvents": everyone("told"),
    "Query.departments": everyone("told"),
    "Query.statistics": everyone("told"),
    "Query.rollout": everyone("told"),
    "Query.slots": everyone("told"),
    "Query.lifeEvent": everyone("told"),
    "Query.recommendations": everyone("told"),
    "Query.office": everyone("STAFF_SIGN_IN_REQUIRED"),
    "Query.application, right code": everyone("told"),
    "Query.application, wrong code": everyone("nothing"),
    "Mutation.submitApplication, nobody need be known": everyone("Application"),
    "Mutation.submitApplication, an address needed": everyone(NOT_ENOUGH) | dict.fromkeys(KNOWN, "Application"),
    "Mutation.submitApplication, signature needed": everyone(NOT_ENOUGH) | dict.fromkeys(KNOWN, "SIGNATURE_REQUIRED"),
    "Mutation.submitApplication, with another's file": everyone("UNKNOWN_UPLOAD"),
    "Mutation.startSignature": everyone(NOT_ENOUGH)
    | dict.fromkeys(KNOWN, "Signature")
    | dict.fromkeys(("another's token", "its owner's token"), "SIGNATURE_NEEDS_SESSION"),
    "Mutation.withdrawApplication, of a resident": everyone("OWNER_REQUIRED")
    | dict.fromkeys(("its owner elsewhere", "its owner", "its owner's token"), "Application"),
    "Mutation.withdrawApplication, of nobody in particular": everyone("Application"),
    "Mutation.withdrawApplication, wrong code": everyone("UNKNOWN_APPLICATION"),
    "Mutation.answerApplication, right code": everyone("Application"),
    "Mutation.answerApplication, wrong code": everyone("UNKNOWN_APPLICATION"),
    "Mutation.answerApplication, nothing asked": everyone("NOT_ASKED"),
    "Mutation.answerApplication, with another's file": everyone("UNKNOWN_UPLOAD"),
}
"""What each caller gets; a field of Query or Mutation that is not here fails the first test below."""


def test_no_root_field_is_without_its_rows() -> None:
    roots = {
        f"{name}.{field}" for name in ("Query", "Mutation") for rows in FIELDS[name].values() for field in rows.split()
    }
    assert {name.partition(",")[0] for name in ROWS} == roots
    assert all(set(row) == set(CALLERS) for row in ROWS.values())


@pytest.mark.parametrize("name", ROWS)
def test_each_field_answers_each_caller_as_it_should(name: str, callers: Callers) -> None:
    found = {caller: outcome(callers, name, caller) for caller in CALLERS}
    assert found == ROWS[name]


def outcome(callers: Callers, name: str, caller: str) -> str:
    field, _, how = name.partition(", ")
    if field == "Query.application":
        return looked_up(callers, caller, right=how == "right code")
    if field == "Query.office":
        return str(callers.call(caller, "{ office { login ownDepartments cases { totalCount } } }"))
    if field.startswith("Query"):
        query = PUBLIC_QUERIES[field]
        answer, public = callers.call(caller, query), callers.call("nobody", query)
        return "told" if answer == public else str(answer)
    if field == "Mutation.submitApplication":
        return submitted(callers, caller, how)
    if field == "Mutation.startSignature":
        return callers.does(caller, SIGN, slug="signed", answers=ANSWERS)
    if field == "Mutation.answerApplication":
        return answered(callers, caller, how)
    return withdrawn(callers, caller, how)


def looked_up(callers: Callers, caller: str, *, right: bool) -> str:
    number, code = callers.filed("its owner")
    answer = callers.call(caller, STATUS, {"number": number, "code": code if right else "AAAA-AAAA-AAAA"})
    if not isinstance(answer, dict):
        return str(answer)
    told = answer["application"]
    if told is None:
        return "nothing"
    assert all(told[field] is None for field in told_to("Application", FILER))
    assert code not in str(answer)
    return "told" if told["receiptNumber"] == number else "another"


def submitted(callers: Callers, caller: str, how: str) -> str:
    slugs = {"an address needed": "mailed", "signature needed": "signed"}
    wanted: dict[str, Any] = {"slug": slugs.get(how, "letter"), "answers": ANSWERS}
    if how == "with another's file":
        other = "another resident" if caller.startswith("its owner") else "its owner"
        sent = callers.browsers[other].client.post("/uploads", content=PDF, headers={"content-type": "application/pdf"})
        wanted["attachments"] = [{"key": "paper", "upload": sent.json()["upload"]}]
    return callers.does(caller, SUBMIT, **wanted)


def answered(callers: Callers, caller: str, how: str) -> str:
    number, code = callers.filed("its owner")
    ask = update(t.application).where(t.application.c.receipt_number == number).values(state="correction_requested")
    if how != "nothing asked":
        callers.site.run(lambda: callers.site.of.database.transact(lambda db: db.execute(ask)))
    given: dict[str, Any] = {"accessCode": "AAAA-AAAA-AAAA" if how == "wrong code" else code, "text": "答え"}
    if how == "with another's file":
        other = "another resident" if caller.startswith("its owner") else "its owner"
        sent = callers.browsers[other].client.post("/uploads", content=PDF, headers={"content-type": "application/pdf"})
        given["uploads"] = [sent.json()["upload"]]
    return callers.does(caller, ANSWER, receiptNumber=number, **given)


def withdrawn(callers: Callers, caller: str, how: str) -> str:
    number, code = callers.filed("its session" if how == "of nobody in particular" else "its owner")
    given = "AAAA-AAAA-AAAA" if how == "wrong code" else code
    return callers.does(caller, WITHDRAW, receiptNumber=number, accessCode=given)
