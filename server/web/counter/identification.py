"""本人確認 in a visit: which documents were looked at, the card reader, and for whom somebody acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Posted
from procedures.joint import APPLICANT, State
from server.counter import identity, leading
from server.counter.documents import DOCUMENTS
from server.counter.identity import AGENT, Check, Detail, Fault, Mandate, Method, Proxy, Result
from server.counter.people import called
from server.counter.visits import Conflict
from server.people import staff as accounts
from server.people.reader import CardFacts, SandboxReader
from server.store.database import Reading, Writing
from server.web.badge import Desk, desk, refused, staff
from server.web.contexts import ErrorLink, Link
from server.web.counter.visiting import Open, Panel, open_visit, panel
from server.web.http import last, page, problem, read_form, see_other, services
from server.web.routing import Access, route

METHOD_WORDS: Final[Mapping[str, str]] = {
    Method.DOCUMENTS: "書類を見た",
    Method.READER: "カードを読み取り、顔を見た",
    Method.QUESTIONS: "口頭でおたずねした(書類がないとき)",
}
RESULT_WORDS: Final[Mapping[str, str]] = {
    Result.CONFIRMED: "確認できた",
    Result.UNCONFIRMED: "確認できなかった",
}
PROXY_WORDS: Final[Mapping[str, str]] = {
    Proxy.SELF: "本人として",
    Proxy.HOUSEHOLD: "同じ世帯の人として",
    Proxy.STATUTORY: "法定代理人として(親権者、成年後見人など)",
    Proxy.VOLUNTARY: "任意代理人として(委任を受けた人)",
}
MANDATE_WORDS: Final[Mapping[str, str]] = {
    Mandate.NONE: "いらない",
    Mandate.LETTER: "委任状を見た",
    Mandate.REGISTER: "戸籍・登記事項証明書などで確かめた",
    Mandate.UNSEEN: "まだ見ていない",
}
KIND_WORDS: Final = {
    "A": "A 1点で確認できるもの(顔写真つき)",
    "B": "B 2点いるもの(公的なもの)",
    "C": "C Bと組み合わせるもの",
}
FAULT_WORDS: Final[Mapping[Fault, tuple[str, str]]] = {
    Fault.PERSON: ("person", "だれを確認したかを選んでください"),
    Fault.METHOD: ("method", "確認のしかたを選んでください"),
    Fault.RESULT: ("result", "確認の結果を選んでください"),
    Fault.NO_DOCUMENT: ("document", "見た書類を選んでください"),
    Fault.TOO_FEW: ("document", "書類が足りません。Aを1点か、Bを含めて2点見てください"),
    Fault.NUMBER: ("note", "12桁の数字は書けません。個人番号や免許証の番号は控えないでください"),
    Fault.TOO_LONG: ("note", f"メモは{identity.LONGEST_NOTE}文字までにしてください"),
    Fault.NO_NOTE: ("note", "何をおたずねして確認したかを、メモに書いてください。答えの中身は書かないでください"),
    Fault.MANDATE: (
        "mandate",
        "代理人のときは、委任状などを見たかを選んでください。ほかのときは「いらない」を選んでください",
    ),
    Fault.WHOSE: ("acts-for", "だれの代わりに来たかを選んでください"),
}
"""The control, and what to do."""
UNREAD_WORDS: Final = {
    "empty": "カードがありません。読み取り機にカードを置いて、もう一度押してください",
    "unreadable": "カードを読み取れませんでした。置き直して、もう一度押してください",
    "unavailable": "読み取り機につながりません。書類を見て、下に記録してください",
}
NO_FACE: Final = "カードの写真と、来た人の顔を見くらべてください"
_DIFFERS: Final = {"name": "氏名", "birthdate": "生年月日", "sex": "性別", "address": "住所"}
_MOVES: Final = frozenset({"move-in", "move-out", "move-within"})


@dataclass(frozen=True, slots=True)
class Choice:
    """An option, and whether it is chosen."""

    id: str
    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class CheckLine:
    """A check that was written down. `standing`: no later one of the same person is there."""

    person: str
    method: str
    documents: Sequence[str]
    confirmed: bool
    proxy: str
    mandate: str
    acts_for: Sequence[str]
    note: str
    by: str
    at: datetime
    standing: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Documents of one kind."""

    title: str
    options: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class IdentityPage:
    """staff/identity.html. `flagged`: a card that was read is of somebody under 支援措置. `read` tells what came of the
    reader: '' (nothing yet), 'told', or 'protected'; `differs` are the facts of which something else had been said.
    `reader` takes the form of the reader, '' where there is none; `sandbox_url` lays a card on it."""

    desk: Desk
    panel: Panel
    action: str
    checks: Sequence[CheckLine]
    flagged: bool
    people: Sequence[Choice]
    methods: Sequence[Choice]
    documents: Sequence[Group]
    results: Sequence[Choice]
    proxies: Sequence[Choice]
    mandates: Sequence[Choice]
    acts_for: Sequence[Choice]
    note: str
    reader: str
    address: bool
    sandbox_url: str
    read: str = ""
    differs: Sequence[str] = ()
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it was posted, or blank."""

    person: str = APPLICANT
    method: str = Method.DOCUMENTS
    documents: Sequence[str] = ()
    result: str = ""
    detail: Detail = field(default_factory=Detail)

    @staticmethod
    def of(posted: Posted) -> Typed:
        def one(name: str) -> str:
            return last(posted, name).strip()

        detail = Detail(one("note"), one("proxy"), one("mandate"), tuple(filter(None, posted.get("acts_for", ()))))
        documents = tuple(filter(None, posted.get("document", ())))
        return Typed(one("person"), one("method"), documents, one("result"), detail)


async def show(request: Request) -> Response:
    """What was checked in this visit, and the form for the next one."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    asked = request.query_params
    differs = [_DIFFERS[each] for each in asked.get("differs", "").split(".") if each in _DIFFERS]
    return await _page(request, seen, Typed(), read=asked.get("read", "")[:20], differs=differs)


async def check(request: Request) -> Response:
    """Write a check down."""
    posted = await read_form(request)
    seen = await open_visit(request, posted)
    if isinstance(seen, Response):
        return seen
    of, who, now, typed = services(request), staff(request), services(request).clock(), Typed.of(posted)
    known = _people(seen)
    if typed.person not in known or not set(typed.detail.acts_for) <= set(known) or typed.method == Method.READER:
        typed = replace(typed, person="")
    given = (typed.person, typed.method, typed.documents, typed.result, typed.detail)
    done = await of.database.transact(
        lambda db: identity.record(db, of.keys, seen.visit.id, who.id, *given, now=now, random=of.random)
    )
    if isinstance(done, Check):
        return see_other(f"{seen.base}/identity")
    return await _page(request, seen, typed, errors=_links(done), status=422)


def _links(found: frozenset[Fault]) -> list[ErrorLink]:
    words = [FAULT_WORDS[fault] for fault in Fault if fault in found]
    return [ErrorLink(f"#f-{control}", control, told) for control, told in words]


async def read_card(request: Request) -> Response:
    """Read the card that lies on this window's reader; its facts go into the interview, unless something was said."""
    posted = await read_form(request)
    seen = await open_visit(request, posted)
    if isinstance(seen, Response):
        return seen
    of, typed = services(request), Typed.of(posted)
    if of.reader is None or typed.person not in _people(seen):
        return problem(request, 404)
    if "face" not in posted:
        return await _page(request, seen, typed, errors=[ErrorLink("#f-face", "face", NO_FACE)], status=422)
    card = await of.reader.read(await _place(request, seen))
    if not isinstance(card, CardFacts):
        wrong = [ErrorLink("#f-card-person", "card", UNREAD_WORDS.get(card.reason, UNREAD_WORDS["unavailable"]))]
        return await _page(request, seen, typed, errors=wrong, status=422)
    return await _read(request, seen, typed.person, card, address="address" in posted)


async def _read(request: Request, seen: Open, person: str, card: CardFacts, *, address: bool) -> Response:
    of, who, now = services(request), staff(request), services(request).clock()
    facts = identity.card_facts(person, card, address=address) if person != AGENT else {}

    def work(db: Writing) -> bool | Conflict:
        shielded = identity.protected(db, of.keys, card)
        given = (person, Method.READER, ("my-number-card",), Result.CONFIRMED, Detail(protected=shielded))
        identity.record(db, of.keys, seen.visit.id, who.id, *given, now=now, random=of.random)
        if shielded or not facts:
            return shielded
        state = leading.tell(db, of.keys, State.read(seen.visit.content.state), facts, "card", who.actor)
        joint = seen.turn.joint
        saved = leading.keep(db, of.keys, seen.visit, joint, state, now=now, random=of.random)
        return saved if isinstance(saved, Conflict) else False

    done = await of.database.transact(work)
    if isinstance(done, Conflict):
        told = "ほかの画面で保存されたため、カードの内容は入っていません。もう一度読み取ってください。"
        return refused(
            request, 409, "もう一度読み取ってください", told, Link("本人確認に戻る", f"{seen.base}/identity")
        )
    if done:
        return see_other(f"{seen.base}/identity?read=protected")
    said = seen.turn.state.facts
    other = [key for key, value in facts.items() if key in said and said[key].value != value]
    differs = ".".join(dict.fromkeys(key.path.partition("/")[0] for key in other))
    return see_other(f"{seen.base}/identity?read=told{'&differs=' + differs if differs else ''}")


async def _place(request: Request, seen: Open) -> str:
    """Which reader: the window's where somebody sits, else that of whoever sits nowhere."""
    return seen.visit.window_id or staff(request).id


# --- the page ---------------------------------------------------------------------------------------------------------


def _people(seen: Open) -> dict[str, str]:
    """Who may be checked, by id: the applicant, the family, whoever something is known of, and an agent."""
    turn = seen.turn
    named = [key.who for key in turn.state.facts if key.path == "name/family" and "." not in key.who and key.who]
    ids = dict.fromkeys([APPLICANT, *(who for who, kin in turn.family.items() if kin != "dog"), *named])
    ids.pop(AGENT, None)
    return {who: called(turn, who) or "申請する人" for who in ids} | {AGENT: "代理人"}


async def _page(
    request: Request,
    seen: Open,
    typed: Typed,
    *,
    read: str = "",
    differs: Sequence[str] = (),
    errors: Sequence[ErrorLink] = (),
    status: int = 200,
) -> Response:
    of, people = services(request), _people(seen)
    place = await _place(request, seen)

    def work(db: Reading) -> tuple[tuple[Check, ...], dict[str, str]]:
        found = identity.checks(db, of.keys, seen.visit.id)
        return found, {each.staff_id: accounts.name_of(db, of.keys, each.staff_id) for each in found}

    found, names = await of.database.read(work)
    context = IdentityPage(
        desk=desk(request),
        panel=panel(request, seen),
        action=f"{seen.base}/identity",
        checks=[_line(each, people, names, found) for each in reversed(found)],
        flagged=any(each.detail.protected for each in found),
        people=_choices("person", people, [typed.person]),
        methods=_choices("method", {k: v for k, v in METHOD_WORDS.items() if k != Method.READER}, [typed.method]),
        documents=_documents(typed.documents),
        results=_choices("result", RESULT_WORDS, [typed.result]),
        proxies=_choices("proxy", PROXY_WORDS, [typed.detail.proxy]),
        mandates=_choices("mandate", MANDATE_WORDS, [typed.detail.mandate]),
        acts_for=_choices("acts-for", {k: v for k, v in people.items() if k != AGENT}, typed.detail.acts_for),
        note=typed.detail.note[: identity.LONGEST_NOTE * 2] if not identity.has_number(typed.detail.note) else "",
        reader=f"{seen.base}/identity/card" if of.reader is not None else "",
        address=seen.visit.content.event not in _MOVES,
        sandbox_url=f"/sandbox/reader/{place}" if isinstance(of.reader, SandboxReader) else "",
        read=read,
        differs=differs,
        errors=errors,
    )
    return page(request, "staff/identity.html", context, status=status)


def _choices(name: str, words: Mapping[str, str], chosen: Sequence[str]) -> list[Choice]:
    """The first has the id that an error's link leads to."""
    found = enumerate(words.items())
    return [Choice(f"f-{name}-{i}" if i else f"f-{name}", value, text, value in chosen) for i, (value, text) in found]


def _documents(chosen: Sequence[str]) -> list[Group]:
    every = _choices("document", {each.id: each.title for each in DOCUMENTS.values()}, chosen)
    kinds = {kind: [each for each in every if DOCUMENTS[each.value].kind == kind] for kind in KIND_WORDS}
    return [Group(KIND_WORDS[kind], options) for kind, options in kinds.items()]


def _line(each: Check, people: Mapping[str, str], names: Mapping[str, str], found: Sequence[Check]) -> CheckLine:
    return CheckLine(
        person=people.get(each.person, "この来庁からいなくなった人"),
        method=METHOD_WORDS.get(each.method, each.method),
        documents=[DOCUMENTS[kind].title for kind in each.documents if kind in DOCUMENTS],
        confirmed=each.confirmed,
        proxy=PROXY_WORDS.get(each.detail.proxy, "") if each.detail.proxy else "",
        mandate=MANDATE_WORDS.get(each.detail.mandate, "") if each.detail.mandate else "",
        acts_for=[people.get(who, "") for who in each.detail.acts_for],
        note=each.detail.note,
        by=names.get(each.staff_id, ""),
        at=each.checked_at,
        standing=identity.standing(found)[each.person] is each,
    )


# --- the sandbox's reader ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SandboxReaderCard:
    """A card that may be laid on the reader."""

    subject: str
    name: str
    note: str
    lies: bool


@dataclass(frozen=True, slots=True)
class SandboxReaderPage:
    """staff/sandbox_reader.html: what lies on one reader."""

    action: str
    cards: Sequence[SandboxReaderCard]
    lies: bool


async def sandbox_reader(request: Request) -> Response:
    """The reader of one place."""
    reader, place = services(request).reader, request.path_params["place"].hex
    if not isinstance(reader, SandboxReader):
        return problem(request, 404)
    there = reader.lies_on(place)
    cards = [
        SandboxReaderCard(subject, each.facts.name, each.note, subject == there)
        for subject, each in reader.residents.items()
    ]
    return page(request, "staff/sandbox_reader.html", SandboxReaderPage(request.url.path, cards, bool(there)))


async def sandbox_lay(request: Request) -> Response:
    """Lay a card on it, or take it away."""
    reader, place = services(request).reader, request.path_params["place"].hex
    card = last(await read_form(request), "card")
    if not isinstance(reader, SandboxReader) or not reader.lay(place, card):
        return problem(request, 404)
    return see_other(request.url.path)


ROUTES = [
    route("/counter/{visit:uuid}/identity", show, access=Access.STAFF),
    route("/counter/{visit:uuid}/identity", check, methods=("POST",), access=Access.STAFF),
    route("/counter/{visit:uuid}/identity/card", read_card, methods=("POST",), access=Access.STAFF),
    route("/sandbox/reader/{place:uuid}", sandbox_reader, access=Access.SANDBOX),
    route("/sandbox/reader/{place:uuid}", sandbox_lay, methods=("POST",), access=Access.SANDBOX),
]
