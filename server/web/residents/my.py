"""A resident's own page: what they began and filed, what is kept of them, their programs' tokens, their sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from forms_schema.text import N_
from server.applications import earlier, mine
from server.applications.earlier import Facts
from server.applications.mine import Mine
from server.catalogue import Catalogue
from server.languages import Language
from server.people import sessions, tokens
from server.people.residents import Resident
from server.people.sessions import Signed
from server.people.tokens import Made, Token, Unfit
from server.store.database import Reading, Writing
from server.store.values import new_id
from server.web.contexts import ErrorLink, Link
from server.web.http import clear_session, language, last, page, problem, read_form, see_other, services, visitor
from server.web.routing import Access, Endpoint, route

HOME: Final = "/my"
FIRST_PAGES: Final = 1000
"""No resident has more pages than this; a larger number in an address is no page."""


@dataclass(frozen=True, slots=True)
class MyDraft:
    """A draft, kept `until`; None: as long as its procedure is suspended, and seven days. `delete_url` takes a form."""

    title: str
    href: str
    saved_at: datetime
    until: datetime | None
    delete_url: str


@dataclass(frozen=True, slots=True)
class MyFiling:
    """An application. `state` as in StatusPage; `pay_url` is '' where there is nothing to pay."""

    title: str
    href: str
    number: str
    state: str
    at: datetime
    pay_url: str = ""


@dataclass(frozen=True, slots=True)
class MyFacts:
    """What is kept of a subject (applicant, agent): what each answer is called, and when it was told."""

    subject: str
    answers: Sequence[tuple[str, datetime]]


@dataclass(frozen=True, slots=True)
class MyToken:
    """A token of a program; `level` is an Assurance's word. `revoke_url` takes a form."""

    label: str
    level: str
    created_at: datetime
    until: datetime
    used_at: datetime | None
    revoke_url: str


@dataclass(frozen=True, slots=True)
class MySession:
    """A browser in which one is signed in. `end_url` takes a form; '' for this one, which has its own button."""

    began: datetime
    seen_at: datetime
    level: str
    end_url: str = ""


@dataclass(frozen=True, slots=True)
class MyPage:
    """pages/my.html, everything newest first.

    `until`: this sign-in ends then at the latest, and after `idle` minutes in which nothing is done. `pages` as in
    ProceduresPage, empty where there is one; `first` on the first, which says so where there is nothing. `once` makes
    the form for a token count once; `errors` are of that form, in which `label` was typed.
    """

    name: str
    level: str
    provider: str
    idle: int
    until: datetime | None
    drafts: Sequence[MyDraft]
    filings: Sequence[MyFiling]
    pages: Sequence[Link]
    first: bool
    facts: Sequence[MyFacts]
    tokens: Sequence[MyToken]
    once: str
    terms: Sequence[int]
    most: int
    sessions: Sequence[MySession]
    errors: Sequence[ErrorLink] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class MyTokenPage:
    """pages/my_token.html: `token` is shown here and nowhere else."""

    token: str
    label: str
    level: str
    until: datetime
    graphql: str


@dataclass(frozen=True, slots=True)
class _Found:
    """What the store says of a resident."""

    mine: Mine
    facts: Facts
    tokens: Sequence[Token]
    sessions: Sequence[Signed]


async def my(request: Request) -> Response:
    """What a signed-in resident has begun and filed, and what they may take back."""
    resident = visitor(request).resident
    number = request.query_params.get("page", "1")
    if resident is None or not (number.isascii() and number.isdecimal() and 0 < int(number[:9]) <= FIRST_PAGES):
        return problem(request, 404)
    return await _my(request, resident, number=int(number))


async def _my(
    request: Request, resident: Resident, *, number: int = 1, errors: Sequence[ErrorLink] = (), label: str = ""
) -> Response:
    of, now, here = services(request), services(request).clock(), visitor(request).session_id

    def work(db: Reading) -> _Found:
        return _Found(
            mine.of_resident(db, resident.id, page=number, now=now),
            earlier.of_resident(db, of.keys, resident.id, now=now),
            tokens.of_resident(db, of.keys, resident.id, now=now),
            sessions.of_resident(db, resident.id, now=now),
        )

    found = await of.database.read(work, long=True)
    if number > found.mine.pages:
        return problem(request, 404)
    titles = _titles(of.catalogue, found.mine, language(request))
    context = MyPage(
        name=resident.facts.display_name,
        level=visitor(request).level.value,
        provider=resident.facts.provider,
        idle=int(sessions.SIGNED_IN.idle.total_seconds()) // 60,
        until=next((each.until for each in found.sessions if each.id == here), None),
        drafts=list(_drafts(found.mine, titles)),
        filings=list(_filings(found.mine, titles)),
        pages=_pages(number, found.mine.pages),
        first=number == 1,
        facts=[_facts(subject, inside) for subject, inside in found.facts.items()],
        tokens=[_token(each) for each in found.tokens],
        once=new_id(of.random),
        terms=tokens.TERMS,
        most=tokens.MOST,
        sessions=[_session(each, here) for each in found.sessions],
        errors=errors,
        label=label,
    )
    return page(request, "pages/my.html", context, status=422 if errors else 200)


def _titles(catalogue: Catalogue, found: Mine, speech: Language) -> dict[str, str]:
    slugs = {each.slug for each in found.drafts} | {each.slug for each in found.applications}
    titles = {slug: served.declaration.title for slug in slugs if (served := catalogue.get(slug))}
    return {slug: speech.told(title, slug) for slug, title in titles.items()}


def _drafts(found: Mine, titles: Mapping[str, str]) -> Iterator[MyDraft]:
    for each in found.drafts:
        title = titles.get(each.slug, each.slug)
        delete_url = f"{HOME}/drafts/{each.id}/delete"
        yield MyDraft(title, f"/drafts/{each.id}/1", each.saved_at, each.expires_at, delete_url)


def _filings(found: Mine, titles: Mapping[str, str]) -> Iterator[MyFiling]:
    for each in found.applications:
        yield MyFiling(
            title=titles.get(each.slug, each.slug),
            href=f"/applications/{each.receipt_number}",
            number=each.receipt_number,
            state=each.state.value,
            at=each.submitted_at,
            pay_url=f"/payments/{each.debt_id}" if each.debt_id else "",
        )


def _pages(number: int, last: int) -> list[Link]:
    shown = range(1, last + 1) if last > 1 else ()
    return [Link(str(each), "" if each == number else f"{HOME}?page={each}") for each in shown]


def _facts(subject: str, inside: Mapping[str, earlier.Fact]) -> MyFacts:
    return MyFacts(subject, [(fact.label, fact.at) for fact in inside.values()])


def _token(each: Token) -> MyToken:
    revoke_url = f"{HOME}/tokens/{each.id}/revoke"
    return MyToken(each.label, each.level.value, each.created_at, each.expires_at, each.used_at, revoke_url)


def _session(each: Signed, here: str | None) -> MySession:
    end_url = "" if each.id == here else f"{HOME}/sessions/{each.id}/end"
    return MySession(each.began, each.seen_at, each.level.value, end_url)


# --- what is changed ----------------------------------------------------------------------------------------------
# Each answers the same whether there was something to change or not: pressed twice, or on a page that is old, it is
# done; and whether another resident has such a thing is not told.


def _taking(name: str, take: Callable[[Writing, str, str], object], part: str) -> Endpoint:
    """Takes away the resident's own thing that the address names, and leads back to its part of the page."""

    async def taken(request: Request) -> Response:
        resident, thing = visitor(request).resident, request.path_params[name]
        if resident is None:
            return problem(request, 404)
        await services(request).database.transact(lambda db: take(db, thing, resident.id))
        return see_other(f"{HOME}#{part}")

    return taken


delete_draft = _taking("draft", mine.discard, "drafts")
revoke_token = _taking("token", tokens.revoke, "tokens")
end_session = _taking("session", sessions.end, "sessions")


async def forget(request: Request) -> Response:
    resident = visitor(request).resident
    if resident is None:
        return problem(request, 404)
    await services(request).database.transact(lambda db: earlier.forget(db, resident.id))
    return see_other(f"{HOME}#earlier")


_UNFIT: Final = {
    "label": (
        "#f-label",
        N_("名前"),
        N_("トークンの名前を、1文字から{most}文字で入力してください"),
        tokens.LONGEST_LABEL,
    ),
    "term": ("#f-days", N_("使える期間"), N_("使える期間を選んでください"), 0),
    "count": (
        "#tokens",
        N_("トークン"),
        N_("トークンは{most}個までです。使っていないものを取り消してから作ってください"),
        tokens.MOST,
    ),
}


def _unfit(code: str, say: Callable[[str], str]) -> ErrorLink:
    href, label, told, most = _UNFIT[code]
    return ErrorLink(href, say(label), say(told).format(most=most))


async def make_token(request: Request) -> Response:
    """The one page on which a token can be read: the answer to the form, kept nowhere."""
    of, who, now = services(request), visitor(request), services(request).clock()
    if who.resident is None:
        return problem(request, 404)
    posted = await read_form(request)
    once, label, days = (last(posted, name) for name in ("once", "label", "days"))

    def work(db: Writing) -> Made | Unfit:
        return tokens.make(db, of.keys, who, once, label, days, now=now, random=of.random)

    made = await of.database.transact(work)
    if isinstance(made, Made):
        token, graphql = made.token, f"{of.settings.base_url}/graphql"
        context = MyTokenPage(made.text, token.label, token.level.value, token.expires_at, graphql)
        return page(request, "pages/my_token.html", context)
    if made.code == "again":
        return see_other(f"{HOME}#tokens")
    wrong = _unfit(made.code, language(request).say)
    return await _my(request, who.resident, errors=[wrong], label=label[: tokens.LONGEST_LABEL * 2])


async def sign_out_everywhere(request: Request) -> Response:
    resident = visitor(request).resident
    if resident is None:
        return problem(request, 404)
    await services(request).database.transact(lambda db: sessions.sign_out_everywhere(db, resident.id))
    response = see_other("/")
    clear_session(request, response)
    return response


ROUTES = [
    route("/my", my, access=Access.RESIDENT),
    route("/my/drafts/{draft}/delete", delete_draft, methods=("POST",), access=Access.RESIDENT),
    route("/my/earlier/delete", forget, methods=("POST",), access=Access.RESIDENT),
    route("/my/tokens", make_token, methods=("POST",), access=Access.RESIDENT),
    route(
        "/my/tokens/{token}/revoke",
        revoke_token,
        methods=("POST",),
        access=Access.RESIDENT,
    ),
    route(
        "/my/sessions/{session}/end",
        end_session,
        methods=("POST",),
        access=Access.RESIDENT,
    ),
    route("/my/signout-everywhere", sign_out_everywhere, methods=("POST",), access=Access.RESIDENT),
]
