"""Questions of a joint interview as a clerk's page shows them, and what was posted as answers.

A question is named by its fact, so a page that is posted late is read by what it asked, not by what is asked now.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from forms_schema import Field, FieldError, FieldView, Json, Posted, Question, last
from forms_schema.base import KEEP, Keep, Offered, Option
from forms_schema.messages import message
from forms_schema.text import clean, fold_number
from forms_schema.view import Words, control_id, control_name, first_control
from procedures.joint import APPLICANT, FAMILY, KINS, Answer, Ask, Key, Query, Same, Turn, pointer
from server.counter.people import KIN_WORDS, called
from server.people.postal import Town

KEYS: Final = "_q"
WAS: Final = "_was"
COLUMN: Final = "_column"
SAME: Final = "_same"
EVERYBODY: Final = "everybody"
NEW: Final = "_new"
BLANK_MEMBERS: Final = 4
MOST_NEW: Final = 20
_CHOICES: Final = frozenset({"radio", "yes_no", "select", "checkboxes"})
_NUMBER: Final = re.compile(r"[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class SameOption:
    """A name or an address that may be the answer in whole."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class FieldItem:
    """One question, or a name or an address in whole; `same` are what it may be the same as."""

    view: FieldView
    same: Sequence[SameOption] = ()
    same_name: str = ""
    kind: str = "field"


@dataclass(frozen=True, slots=True)
class ColumnItem:
    """The same question for several people: answered once for all, or for each. `open`: somebody's is another."""

    view: FieldView
    each: Sequence[FieldView]
    who: str
    path: str
    open: bool
    kind: str = "column"


@dataclass(frozen=True, slots=True)
class MemberOption:
    """Somebody to choose."""

    value: str
    text: str
    id: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class MembersItem:
    """Who somebody is. `many`: any number of them, and `new` of the count of those who are not in the family."""

    name: str
    id: str
    label: str
    hint: str
    error: str
    required: bool
    options: Sequence[MemberOption]
    many: bool
    new: str
    new_label: str
    kind: str = "members"


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A line of the family: `id` '' for somebody new, `name` what is known of theirs."""

    id: str
    name: str
    kin: str
    apart: bool


@dataclass(frozen=True, slots=True)
class FamilyItem:
    """Who is in the family."""

    rows: Sequence[MemberRow]
    kins: Sequence[Option]
    error: str
    kind: str = "family"


__all__ = [
    "NOTHING_SAID",
    "WHOLES",
    "Beside",
    "ColumnItem",
    "FamilyItem",
    "FieldItem",
    "FieldView",
    "Item",
    "MembersItem",
    "Said",
    "applicant_named",
    "ask_of",
    "clashes",
    "control_id",
    "control_of",
    "first_control",
    "heading",
    "items",
    "place_of",
    "print_of",
    "read",
    "whose",
    "words",
]

Item = FieldItem | ColumnItem | MembersItem | FamilyItem


@dataclass(frozen=True, slots=True)
class Said:
    """What was posted: answers in the interview's terms, and what stood in each control, to be shown again."""

    answers: tuple[Answer, ...]
    values: Mapping[Key, Json | None]
    same: Mapping[Key, Key]
    shared: Mapping[str, Json | None]
    was: Mapping[Key, str]
    unknown: tuple[FieldError, ...] = ()

    @property
    def keys(self) -> tuple[Key, ...]:
        """The questions of the page."""
        return tuple(self.was)


NOTHING_SAID: Final = Said((), {}, {}, {}, {})


@dataclass(frozen=True, slots=True)
class Beside:
    """What a page says beside its questions: errors and sources by fact, slots by form and pointer, towns to pick
    from by address."""

    errors: Mapping[Key, str] = field(default_factory=dict)
    offers: Mapping[str, Mapping[str, Offered]] = field(default_factory=dict)
    towns: Mapping[Key, Sequence[Town]] = field(default_factory=dict)


def place_of(key: Key) -> str:
    """A fact as a pointer of controls: '/spouse/name/family', '/visit/acting'."""
    return f"/{key.who or 'visit'}/{key.path}"


def control_of(key: Key) -> str:
    """The name of a fact's control."""
    return control_name(place_of(key))


def print_of(value: Json | None) -> str:
    """What tells whether a value is still the one that a page showed."""
    said = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return "" if value is None else hashlib.blake2s(said.encode(), digest_size=8).hexdigest()


def ask_of(turn: Turn, keys: Sequence[Key]) -> Ask:
    """These questions, as far as anybody asks them."""
    together = turn.again(keys[0]) if keys else None
    found = (turn.query(key) for key in keys)
    return Ask(together.id if together else (), tuple(query for query in found if query is not None))


# --- what is shown ----------------------------------------------------------------------------------------------------


def items(turn: Turn, ask: Ask, said: Said = NOTHING_SAID, beside: Beside | None = None) -> list[Item]:
    """What stands on the page, in order. `said` is what was typed, where it comes back."""
    return list(_Page(turn, ask, said, beside or Beside()).items())


class _Page:
    def __init__(self, turn: Turn, ask: Ask, said: Said, beside: Beside) -> None:
        self._turn, self._ask, self._said, self._beside = turn, ask, said, beside
        self._wholes = ask.wholes
        by_key = {query.key: query for query in ask.queries}
        self._columns = {
            path: keys for path, keys in ask.columns.items() if all(_is_choice(by_key[key]) for key in keys)
        }

    def items(self) -> Iterator[Item]:
        done = set[Key | str]()
        for query in self._ask.queries:
            whole = Key(query.key.who, query.key.path.rpartition("/")[0])
            if query.key == FAMILY:
                yield self._family(query)
            elif query.members is not None:
                yield self._members(query)
            elif whole in self._wholes:
                if whole not in done:
                    yield self._whole(whole)
                done.add(whole)
            elif query.key.path in self._columns:
                if query.key.path not in done:
                    yield self._column(query.key.path)
                done.add(query.key.path)
            else:
                yield FieldItem(self._leaf(query, self.value(query)))

    def value(self, query: Query) -> Json | None:
        return self._said.values.get(query.key, query.value)

    def _question(self, query: Query, value: Json | None) -> Question:
        asked = query.places[0].node.field
        if len(query.options) != len(asked.options):  # one form offers more to choose from than another
            asked = replace(asked, options=query.options)
        return Question(place_of(query.key), asked, query.required, value)

    def _leaf(self, query: Query, value: Json | None) -> FieldView:
        return self._view(self._question(query, value), whose(self._turn, query), [query])

    def _view(self, question: Question, label: str, queries: Sequence[Query]) -> FieldView:
        errors, sources, offers = dict[str, str](), dict[str, str](), dict[str, Offered]()
        for query in queries:
            place = place_of(query.key)
            if query.key in self._beside.errors:
                errors[place] = self._beside.errors[query.key]
            fact = self._turn.state.facts.get(query.key)
            if fact is not None and fact.source in ("card", "earlier", "pre-entry"):
                sources[place] = "card" if fact.source == "card" else "earlier"
            for at in query.places[:1]:
                offered = self._beside.offers.get(at.form, {}).get(at.pointer)
                if offered is not None:
                    offers[place] = offered
        view = Words(errors, sources, self._towns(question), offers).view(question)
        return _plain(view, label)

    def _towns(self, question: Question) -> dict[str, tuple[Option, ...]]:
        towns = {place_of(key): found for key, found in self._beside.towns.items()}.get(question.pointer, ())
        options = tuple(Option(str(i), f"{town.city}{town.town}") for i, town in enumerate(towns))
        return {question.pointer: options} if options else {}

    def _whole(self, whole: Key) -> FieldItem:
        """A name or an address: its parts under one legend."""
        inside = [
            query for query in self._ask.queries if Key(query.key.who, query.key.path.rpartition("/")[0]) == whole
        ]
        parent = _parent(self._turn, inside[0])
        place = inside[0].places[0]
        who = called(self._turn, whole.who, place)
        label = f"{who}の {parent.title}" if who and not who.startswith(parent.title) else parent.title
        children = tuple(self._question(query, self.value(query)) for query in inside)
        question = Question(place_of(whole), parent, any(query.required for query in inside), None, children)
        view = self._view(question, label, inside)
        same = self._same(whole, self._wholes[whole], parent)
        return FieldItem(view, same, f"{SAME}.{control_of(whole)}" if same else "")

    def _same(self, whole: Key, kind: str, parent: Field) -> list[SameOption]:
        if kind == "person_name" and whole.who in self._turn.family and whole.path == "name":
            return []  # nobody of the family has another's name
        found: dict[str, SameOption] = {}
        chosen = self._said.same.get(whole)
        for other, sort in self._turn.wholes.items():
            if sort != kind or other == whole:
                continue
            facts = {
                key.path.rpartition("/")[2]: fact.value
                for key, fact in self._turn.state.facts.items()
                if key.who == other.who and key.path.startswith(f"{other.path}/")
            }
            if not facts or (said := parent.kind.text(parent, facts)) in found:
                continue
            who = called(self._turn, other.who)
            title = WHOLES.get(other.path, parent.title)
            text = f"{who}の{title}と同じ: {said}" if who else said
            found[said] = SameOption(pointer(other), text, chosen == other)
        return list(found.values())

    def _column(self, path: str) -> ColumnItem:
        queries = [query for query in self._ask.queries if query.key.path == path]
        values = [self.value(query) for query in queries]
        alike = values[0] if all(value == values[0] for value in values) else None
        shared = self._said.shared.get(path, alike)
        title = min((query.places[0].node.field.title for query in queries), key=len)
        question = self._question(replace(queries[0], key=Key(EVERYBODY, path)), shared)
        view = _plain(Words({}, {}, {}, {}).view(question), f"{title}(みんな同じとき)")
        own = [None if value == shared else value for value in values]
        each = [self._leaf(replace(query, required=False), value) for query, value in zip(queries, own, strict=True)]
        names = "、".join(called(self._turn, query.key.who, query.places[0]) for query in queries)
        return ColumnItem(
            view, each, names, path, any(value is not None for value in own) or any(v.error for v in each)
        )

    def _members(self, query: Query) -> MembersItem:
        place, named = query.places[0], self.value(query)
        ids = named if isinstance(named, list) else []
        id, name = control_id(control_of(query.key)), control_of(query.key)
        known = [who for who in query.members or () if who]
        extra = [who for who in ids if who and who not in known]
        options = [
            MemberOption(who, called(self._turn, who, place), f"{id}-{i}" if i else id, who in ids)
            for i, who in enumerate([*known, *extra])
        ]
        asked = place.node.field
        news = sum(1 for who in ids if not who)
        person = any(child.name in ("name", "birthdate") for child in asked.children)
        return MembersItem(
            name=name,
            id=id if options else f"{id}-new",
            label=asked.title,
            hint=asked.hint,
            error=self._beside.errors.get(query.key, ""),
            required=query.required,
            options=options,
            many=query.many,
            new=str(news) if news else "",
            new_label=_of_new(query, person, bool(options)),
        )

    def _named(self, who: str | None) -> str:
        """The name of somebody, as far as it was told."""
        parts = (self._turn.known.value(Key(who, path)) for path in ("name/family", "name/given", "name") if who)
        return " ".join(each for each in parts if isinstance(each, str))

    def _family(self, query: Query) -> FamilyItem:
        said = self.value(query)
        rows = [each for each in said if each.get("kin") != "self"] if isinstance(said, list) else []
        if FAMILY not in self._said.values:
            rows += [{"id": who, "kin": kin} for who, kin in self._turn.unplaced.items()]
        shown = [
            MemberRow(each.get("id") or "", self._named(each.get("id")), each.get("kin", ""), bool(each.get("apart")))
            for each in rows
        ]
        blanks = [MemberRow("", "", "", False)] * (BLANK_MEMBERS if len(rows) < 2 else 2)
        kins = [Option(kin, KIN_WORDS[kin]) for kin in KINS if kin != "self"]
        return FamilyItem([*shown, *blanks], kins, self._beside.errors.get(FAMILY, ""))


def _of_new(query: Query, person: bool, family: bool) -> str:
    if not query.many:
        return "この中にいない人" if person or family else "ここに入力する"
    return ("ほかに何人" if family else "何人") if person else ("ほかに何件" if family else "何件")


WHOLES: Final = {"address": "住所", "previous_address": "前の住所", "name": "氏名"}
"""What names and addresses that several forms ask are called, by their path."""


def _is_choice(query: Query) -> bool:
    return query.field is not None and query.field.kind.name in _CHOICES


def _parent(turn: Turn, query: Query) -> Field:
    """The name or the address that a part belongs to."""
    place = query.places[0]
    return turn.joint.forms[place.form].form.fields[place.node.field.pointer.rpartition("/")[0]]


def _plain(view: FieldView, label: str) -> FieldView:
    """A view under its label. Nothing is fetched on a change, for what follows is asked next; and a browser must not
    offer what it knows of the clerk, nor keep what is typed of residents."""
    children = tuple(_plain(child, child.label) for child in view.children)
    return replace(view, label=label, live=False, autocomplete="", children=children)


# --- what was posted --------------------------------------------------------------------------------------------------


def read(turn: Turn, posted: Posted) -> Said:
    """The answers of a posted page. What it showed and nobody changed is no answer again."""
    keys = [_key(text) for text in posted.get(KEYS, ())]
    prints = [*posted.get(WAS, ()), *[""] * len(keys)]
    return _Reading(turn, posted, dict(zip(keys, prints, strict=False))).said()


def _key(text: str) -> Key:
    who, _, path = text.partition("/")
    return Key(who, path)


class _Reading:
    def __init__(self, turn: Turn, posted: Posted, was: Mapping[Key, str]) -> None:
        self._turn, self._posted, self._was = turn, posted, was
        self._ask = ask_of(turn, list(was))
        self._values: dict[Key, Json | None] = {}
        self._shared: dict[str, Json | None] = {}

    def said(self) -> Said:
        for query in self._ask.queries:
            self._read(query)
        same = self._same()
        errors = tuple(
            FieldError(pointer(query.key), "required")
            for query in self._ask.queries
            if query.members and not query.many and query.required and not self._values.get(query.key)
        )
        return Said(tuple(self._answers(same)), self._values, same, self._shared, self._was, errors)

    def _read(self, query: Query) -> None:
        name = control_of(query.key)
        if query.key == FAMILY:
            self._values[FAMILY] = self._family()
        elif query.members is not None:
            self._values[query.key] = self._named(query, name)
        elif query.field is not None:
            value = query.field.kind.parse(query.field, name, self._posted)
            shared = self._everybody(query)
            if value is not KEEP or shared is not None:
                own = None if isinstance(value, Keep) else value
                self._values[query.key] = shared if own is None else own

    def _everybody(self, query: Query) -> Json | None:
        path = query.key.path
        if path not in self._posted.get(COLUMN, ()) or query.field is None:
            return None
        if path not in self._shared:
            name = control_of(Key(EVERYBODY, path))
            value = query.field.kind.parse(query.field, name, self._posted)
            self._shared[path] = None if isinstance(value, Keep) else value
        return self._shared[path]

    def _named(self, query: Query, name: str) -> list[str]:
        chosen = [each for each in self._posted.get(name, ()) if each]
        new = fold_number(clean(last(self._posted, f"{name}.{NEW}")))
        if query.many:
            count = int(new) if _NUMBER.fullmatch(new) else 0
            return [*dict.fromkeys(chosen), *[""] * min(count, MOST_NEW)]
        return ["" if chosen[-1] == NEW else chosen[-1]] if chosen else []

    def _family(self) -> list[dict[str, Json]]:
        shown = last(self._posted, "_members")
        rows = []
        for i in range(min(int(shown), 100) if re.fullmatch("[0-9]{1,3}", shown) else 0):
            kin, who = last(self._posted, f"_member.{i}.kin"), last(self._posted, f"_member.{i}.id")
            if kin:
                row = {"kin": kin, "apart": bool(last(self._posted, f"_member.{i}.apart"))}
                rows.append(row | ({"id": who} if who else {}))
        return rows

    def _same(self) -> dict[Key, Key]:
        found = {}
        for whole in self._ask.wholes:
            said = last(self._posted, f"{SAME}.{control_of(whole)}")
            if said and said != pointer(whole):
                found[whole] = _key(said)
        return found

    def _answers(self, same: Mapping[Key, Key]) -> Iterator[Answer]:
        for whole, other in same.items():
            yield Answer((whole,), Same(other))
        taken = {key for key in self._values if Key(key.who, key.path.rpartition("/")[0]) in same}
        changed = {query.key: query for query in self._ask.queries if query.key not in taken and self._changed(query)}
        columns = set(self._posted.get(COLUMN, ()))
        grouped: dict[tuple[str, str], list[Key]] = {}
        for key in changed:
            alike = (key.path, repr(self._values[key])) if key.path in columns else ("", pointer(key))
            grouped.setdefault(alike, []).append(key)
        for keys in grouped.values():
            yield Answer(tuple(keys), self._values[keys[0]])

    def _changed(self, query: Query) -> bool:
        """Whether there is anything to take in: a blank that was blank before is one that is passed over."""
        if query.key not in self._values:
            return False
        value = self._values[query.key]
        if query.members and not query.many and query.required and not value:
            return False
        if query.key == FAMILY and query.value is not None:
            return _members(value) != _members(query.value)
        return value is None or query.error is not None or value != query.value


def _members(rows: Json) -> list[tuple[str, str, bool]]:
    return [(row.get("id", ""), row["kin"], bool(row.get("apart"))) for row in rows if row["kin"] != "self"]


def clashes(turn: Turn, said: Said) -> list[Key]:
    """The questions to which somebody else has given another answer since the page was shown."""
    found = []
    for key in said.keys:
        query = turn.query(key)
        now = query.value if query is not None else None
        if print_of(now) != said.was[key] and now is not None and now != said.values.get(key):
            found.append(key)
    return found


def words(turn: Turn, errors: Collection[FieldError], label: Callable[[Query], str]) -> dict[Key, str]:
    """The words of errors, by fact."""
    told: dict[Key, str] = {}
    for error in errors:
        key = _key(error.pointer)
        query = turn.query(key)
        if key == FAMILY or query is None or query.field is None:
            told.setdefault(key, _OTHER.get(error.code, "もう一度、入力してください"))
        else:
            told.setdefault(key, message(error, query.field, label(query), query.field.speech))
    return told


_OTHER: Final = {
    "uniqueItems": "本人と配偶者は、それぞれ1人までです。同じ人を2回選んでいないかも確かめてください",
    "UNKNOWN_FIELD": "この質問は、いまは聞かれていません",
    "type": "続柄を選び直してください",
}


def whose(turn: Turn, query: Query) -> str:
    """A question with whose it is: '妻 花子さんの 生年月日'."""
    if not query.places:
        return "家族"
    place = query.places[0]
    who, title = called(turn, query.key.who, place), place.node.field.title
    if who:
        return title if who.startswith(title) else f"{who}の {title}"
    around = turn.joint.forms[place.form].form.fields.get(place.node.field.pointer.rpartition("/")[0])
    if around is None or query.members is not None or title.startswith(around.title):
        return title
    return f"{around.title}の {title}"


def heading(turn: Turn, ask: Ask, title: Callable[[str], str]) -> str:
    """What a page of questions is about. `title` names a form."""
    first, *rest = ask.id or ("",)
    if first == "family":
        return "家族"
    if first == "who":
        return "だれの手続きか"
    if first == "about":
        place = ask.queries[0].places[0] if ask.queries and ask.queries[0].places else None
        return f"{called(turn, rest[0], place)}のこと"
    if first == "each":
        return "みなさんに同じ質問"
    if first in turn.joint.forms:
        return title(first)
    return "答えの訂正"


def applicant_named(turn: Turn) -> str:
    """Who the visit is of, as far as that is known: '見本 太郎', or ''."""
    parts = (turn.known.value(Key(APPLICANT, f"name/{part}")) for part in ("family", "given"))
    return " ".join(part for part in parts if isinstance(part, str))
