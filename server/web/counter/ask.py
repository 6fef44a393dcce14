"""The interview of a visit: one page of questions at a time, and any of them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import FieldError, Json, Posted
from forms_schema.base import Offered
from procedures.joint import Ask, Key, Turn, apply, pointer
from server.counter import leading
from server.counter.people import called
from server.counter.visits import Conflict, Visit
from server.people.postal import Town
from server.store.database import Writing
from server.web.badge import Desk, desk, staff
from server.web.contexts import ErrorLink
from server.web.counter import asking
from server.web.counter.asking import Beside, Item, Said
from server.web.counter.visiting import HERE, Open, Panel, open_visit, panel
from server.web.counter.visits import changed
from server.web.http import last, page, read_form, see_other, services
from server.web.routing import Access, route

TRIES: Final = 3
"""How often a save is tried again that a colleague's was ahead of."""


@dataclass(frozen=True, slots=True)
class AskPage:
    """staff/counter_ask.html. `keys` are the facts the page asks, each with the print of what stood there. `uses` are
    the applications that an answer goes into; `told` says what became of the page that was sent. `shielded`: whoever
    this page asks about is under 支援措置."""

    desk: Desk
    panel: Panel
    title: str
    action: str
    items: Sequence[Item]
    keys: Sequence[tuple[str, str]]
    columns: Sequence[str]
    members: int
    uses: Sequence[str]
    rev: str
    again: str
    back: str
    errors: Sequence[ErrorLink]
    told: str
    shielded: bool


async def ask(request: Request) -> Response:
    """The next questions, or (`?key=`) those that belong to a fact, with what was said."""
    seen = await open_visit(request)
    if isinstance(seen, Response):
        return seen
    named = request.query_params.get("key", "")
    if named:
        who, _, path = named.partition("/")
        found = seen.turn.again(Key(who, path))
        if found is not None:
            return await _page(request, seen, found, again=named)
    if not seen.visit.content.forms:
        return see_other(f"{seen.base}/event")
    following = seen.turn.next()
    return see_other(f"{seen.base}/papers") if following is None else await _page(request, seen, following)


async def answer(request: Request) -> Response:
    """Take the answers in, and go on. What cannot stand comes back with the page; what can is kept."""
    posted = await read_form(request)
    seen = await open_visit(request, posted)
    if isinstance(seen, Response):
        return seen
    do, _, where = last(posted, "_do", "next").partition(":")
    said = asking.read(seen.turn, posted)
    if do in ("lookup", "town", "more"):
        return await _changed(request, seen, said, posted, where if do != "more" else "")
    if do == "next" and (blank := _to_look_up(seen.turn, said)):
        return await _changed(request, seen, said, posted, blank)
    return await _taken(request, seen, said, posted)


async def _taken(request: Request, seen: Open, said: Said, posted: Posted) -> Response:
    of, who = services(request), staff(request)
    for _ in range(TRIES):
        if last(posted, "_rev") != str(seen.visit.revision):
            found = asking.clashes(seen.turn, said)
            if found:
                return await _clash(request, seen, said, found, posted)
        after, errors = apply(seen.turn, said.answers, by=who.actor)
        errors = (*errors, *said.unknown)
        saved = await _saved(request, seen.visit, after)
        if isinstance(saved, Visit):
            turn = of.interviews.settled(saved, after)
            seen = replace(seen, visit=saved, turn=turn)
            return await _onward(request, seen, said, errors, posted)
        again = await open_visit(request, posted)
        if isinstance(again, Response):
            return again
        seen, said = again, asking.read(again.turn, posted)
    return changed(request, seen)


async def _saved(request: Request, visit: Visit, after: Turn) -> Visit | Conflict:
    of = services(request)

    def work(db: Writing) -> Visit | Conflict:
        return leading.keep(db, of.keys, visit, after.joint, after.state, now=of.clock(), random=of.random)

    return await of.database.transact(work)


async def _onward(request: Request, seen: Open, said: Said, errors: Sequence[FieldError], posted: Posted) -> Response:
    if not errors:
        return see_other(f"{seen.base}/ask")
    again = last(posted, "_again")
    shown = asking.ask_of(seen.turn, said.keys)
    sealed = {key for key in seen.turn.state.facts if key.path in seen.turn.joint.numbers}
    said = replace(said, values={key: value for key, value in said.values.items() if key not in sealed})
    words = asking.words(seen.turn, errors, lambda query: asking.whose(seen.turn, query))
    return await _page(request, seen, shown, said=said, errors=words, again=again, status=422)


async def _clash(request: Request, seen: Open, said: Said, found: Sequence[Key], posted: Posted) -> Response:
    """A colleague or another tab has saved other answers: both are shown, and nothing is written yet."""
    errors = {
        key: f"先に「{_text(seen.turn, key)}」と保存されています。どちらが正しいか確かめてください" for key in found
    }
    told = (
        "ほかの画面か職員が先に保存しました。あなたの入力は、まだ保存していませんが、この画面に残っています。"
        "「次へ」を押すと、この画面の入力で書きかえます。"
    )
    shown = asking.ask_of(seen.turn, said.keys)
    again = last(posted, "_again")
    return await _page(request, seen, shown, said=said, errors=errors, again=again, told=told, status=409)


def _text(turn: Turn, key: Key) -> str:
    """What stands at a fact, in words; members by what they are called."""
    query = turn.query(key)
    if query is None or query.value is None:
        return "未入力"
    if query.members is not None or query.field is None:
        ids = [each["id"] if isinstance(each, dict) else each for each in query.value]
        return "、".join(called(turn, who, query.places[0] if query.places else None) for who in ids) or "なし"
    return query.field.kind.text(query.field, query.value)


# --- addresses by their postal code -----------------------------------------------------------------------------------


def _to_look_up(turn: Turn, said: Said) -> str:
    """An address of which only the postal code was typed: Enter looks it up instead of complaining."""
    for whole in asking.ask_of(turn, said.keys).wholes:
        code = said.values.get(Key(whole.who, f"{whole.path}/postal_code"))
        rest = [
            said.values.get(Key(whole.who, f"{whole.path}/{part}")) for part in ("prefecture", "city", "town", "street")
        ]
        if code and whole not in said.same and not any(rest):
            return asking.place_of(whole)
    return ""


async def _changed(request: Request, seen: Open, said: Said, posted: Posted, where: str) -> Response:
    """The page again with what was typed, and with an address from its postal code; nothing is written."""
    pointer_, _, picked = where.partition(":")
    shown = asking.ask_of(seen.turn, said.keys)
    values, towns = dict(said.values), dict[Key, Sequence[Town]]()
    errors: dict[Key, str] = {}
    for whole in shown.wholes:
        if asking.place_of(whole) == pointer_:
            code = values.get(Key(whole.who, f"{whole.path}/postal_code"))
            found = services(request).postal.lookup(code) if isinstance(code, str) else ()
            if picked.isdecimal() and len(picked) < 4 and int(picked) < len(found):
                found = (found[int(picked)],)
            if len(found) == 1:
                values |= _address(whole, found[0])
            elif found:
                towns[whole] = found
            else:
                errors[Key(whole.who, f"{whole.path}/postal_code")] = (
                    "この郵便番号の住所は見つかりません。確かめてください"
                )
    again = last(posted, "_again")
    said = replace(said, values=values)
    rev = last(posted, "_rev")
    return await _page(request, seen, shown, said=said, errors=errors, towns=towns, again=again, rev=rev)


def _address(whole: Key, town: Town) -> dict[Key, Json]:
    parts = {"prefecture": town.lg_code[:2], "city": town.city, "town": town.town}
    return {Key(whole.who, f"{whole.path}/{part}"): text or None for part, text in parts.items()}


# --- the page ---------------------------------------------------------------------------------------------------------


async def _page(
    request: Request,
    seen: Open,
    shown: Ask,
    *,
    said: Said = asking.NOTHING_SAID,
    errors: Mapping[Key, str] | None = None,
    towns: Mapping[Key, Sequence[Town]] | None = None,
    again: str = "",
    told: str = "",
    rev: str = "",
    status: int = 200,
) -> Response:
    turn, errors = seen.turn, dict(errors or {})
    for query in shown.queries:  # what was said before and stands no more: a form has changed its mind about it
        if query.error is not None and query.key not in said.values:
            errors |= asking.words(
                turn, [replace(query.error, pointer=pointer(query.key))], lambda q: asking.whose(turn, q)
            )
    beside = Beside(errors, await _offers(request, seen, shown), towns or {})
    items = asking.items(turn, shown, said, beside)
    title = asking.heading(turn, shown, lambda name: seen.declarations[name].title)
    used = dict.fromkeys(place.form for query in shown.queries for place in query.places)
    about = {query.key.who for query in shown.queries}
    context = AskPage(
        desk=desk(request),
        panel=panel(request, seen),
        title=title,
        action=f"{seen.base}/ask",
        items=items,
        keys=_keys(shown, said if rev else asking.NOTHING_SAID),
        columns=[item.path for item in items if isinstance(item, asking.ColumnItem)],
        members=sum(len(item.rows) for item in items if isinstance(item, asking.FamilyItem)),
        uses=[seen.declarations[name].title for name in used],
        rev=rev or str(seen.visit.revision),
        again=again,
        back=_before(turn, again),
        errors=[ErrorLink(f"#{_anchor(items, key)}", "", text) for key, text in errors.items()],
        told=told,
        shielded=bool(about & seen.protected),
    )
    return page(request, "staff/counter_ask.html", context, status=status)


def _keys(shown: Ask, said: Said) -> list[tuple[str, str]]:
    """The facts of a page, with the print of what stood there when it was first shown."""
    return [(pointer(query.key), said.was.get(query.key, asking.print_of(query.value))) for query in shown.queries]


def _anchor(items: Sequence[Item], key: Key) -> str:
    """The id of the control that an error is at."""
    control = asking.control_id(asking.control_of(key))
    for item in items:
        if isinstance(item, asking.MembersItem) and item.name == asking.control_of(key):
            return item.id
        if isinstance(item, asking.FamilyItem):
            return "f-family"
        if isinstance(item, asking.MembersItem):
            continue
        views = [item.view, *(item.each if isinstance(item, asking.ColumnItem) else ()), *_inside(item)]
        found = next((view for view in views if view.id == control), None)
        if found is not None:
            return asking.first_control(found)
    return control


def _inside(item: Item) -> Sequence[asking.FieldView]:
    return item.view.children if isinstance(item, asking.FieldItem) else ()


def _before(turn: Turn, again: str) -> str:
    """The fact that was said before what the page asks, '' for none."""
    said = [(fact.act, key) for key, fact in turn.state.facts.items() if fact.act]
    if again:
        who, _, path = again.partition("/")
        here = turn.state.facts.get(Key(who, path))
        ask_ = turn.again(Key(who, path))
        shown = {query.key for query in ask_.queries} if ask_ else set()
        said = [(act, key) for act, key in said if key not in shown and here is not None and act < here.act]
    for _, key in sorted(said, key=lambda each: each[0], reverse=True):
        if turn.query(key) is not None:
            return pointer(key)
    return ""


async def _offers(request: Request, seen: Open, shown: Ask) -> dict[str, dict[str, Offered]]:
    """What can be booked, by form and pointer."""
    asked = {place.form for query in shown.queries for place in query.places if place.node.field.kind.name == "slot"}
    found: dict[str, dict[str, Offered]] = {}
    for name in asked:
        opening = await services(request).opening(seen.declarations[name])
        if opening is not None:
            found[name] = {opening.booking.field: opening.offered()}
    return found


ROUTES = [
    route(HERE + "/{visit:uuid}/ask", ask, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/ask", answer, methods=("POST",), access=Access.STAFF),
]
