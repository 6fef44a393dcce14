"""One interview for several applications: each fact is asked once, and every form that asks it is filled.

The clerk says who is in the family; then the interview asks what any form still lacks, in the order of the forms, and
never the same fact twice. Each form settles and judges its own draft, so every application is valid by itself and
there is nothing to decide between forms. Pure: `today` is given, what is said is a value, nothing is kept here.

Whoever calls must hand in no facts (`told`) about people under 支援措置: they are never filled in beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Final

from forms_schema import Answers, Field, FieldError, Form, Json
from forms_schema.base import Option
from procedures.joint.facts import APPLICANT, COLUMNS, FITS, SINGLE, Key, Node
from procedures.joint.known import FAMILY, FOLLOWS, SAME, TYPED, Fact, Known, State, Terms
from procedures.joint.places import Compiled, Place, Seen, every, picked


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A question to put now. `places` are where its answer goes; `members` are the ids to choose from where it asks who
    somebody is (any number of them if `many`; '' is a new one). `error` is why what was said before does not do."""

    key: Key
    field: Field | None
    required: bool
    places: tuple[Place, ...]
    options: tuple[Option, ...] = ()
    members: tuple[str, ...] | None = None
    many: bool = False
    value: Json | None = None
    error: FieldError | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """Questions that belong together: about one member, of one step of a form, or the same of several members."""

    id: tuple[str, ...]
    queries: tuple[Query, ...]

    @property
    def columns(self) -> Mapping[str, tuple[Key, ...]]:
        """The keys that one answer may fill for several members, by the path they have in common."""
        found: dict[str, list[Key]] = {}
        for query in self.queries:
            if query.key.who and query.members is None:
                found.setdefault(query.key.path, []).append(query.key)
        return {path: tuple(keys) for path, keys in found.items() if len(keys) > 1}

    @property
    def wholes(self) -> Mapping[Key, str]:
        """The names and addresses that are asked in whole, and their kind: `Same` may answer them."""
        return {_around(query.key): query.places[0].node.whole for query in self.queries if _in_whole(query)}


def _valued(ask: Ask, value: Json | None) -> Ask:
    """`ask` of one query with its value."""
    return replace(ask, queries=(replace(ask.queries[0], value=value),))


def _with_value(query: Query, place: Place) -> Query:
    """With what stands there, also where it follows from another fact."""
    return query if query.value is not None else replace(query, value=place.value)


def _in_whole(query: Query) -> bool:
    return query.members is None and bool(query.places) and bool(query.places[0].node.whole)


def _around(key: Key) -> Key:
    return Key(key.who, key.path.rpartition("/")[0])


@dataclass(frozen=True, slots=True)
class Saved:
    """What the interview spares: questions answered and characters written, form by form (`alone`) and here."""

    alone: int
    answered: int
    characters_alone: int
    characters: int

    @property
    def share(self) -> float:
        """The part of the answers that was not asked for, 0…1."""
        return 1 - self.answered / self.alone if self.alone else 0.0


class Joint:
    """An interview over several forms, by name, in the order in which they are to be asked. A form may stand in it
    twice under two names. Made once a visit; `turn` begins or takes up what was said."""

    def __init__(self, forms: Mapping[str, Form]) -> None:
        self.forms = {name: Compiled(name, form) for name, form in forms.items()}
        self.asks_family = any(form.asks_family for form in self.forms.values())
        every_node = [(name, node) for name, form in self.forms.items() for node in every(form.nodes)]
        named = next(
            (node.field.options for _, node in every_node if node.whole == "address" and node.field.options), ()
        )
        occasions = {name: node.own for name, node in every_node if node.path == "occasion"}
        self.terms = Terms({option.value: option.title for option in named}, occasions)
        self.picks = {key for form in self.forms.values() for key in form.picks}
        mine = [node for _, node in every_node if node.field.kind.name == "my_number"]
        self.numbers = frozenset(path for node in mine for path in (node.own, node.path) if path)
        """The paths of facts that are 個人番号."""

    def turn(self, state: State, today: date, before: Turn | None = None) -> Turn:
        """What the forms are like when `state` was said. Forms that nothing has changed for since `before` are not
        settled again."""
        known = Known(state, today, self.terms)
        changed = _changed(before.state, state) if before and before.today == today else None
        seen: dict[str, Seen] = {}
        for name, form in self.forms.items():
            last = before.seen[name] if before and changed is not None else None
            seen[name] = last if last and not form.reads(changed or ()) else form.look(known, last)
        return Turn(self, state, today, seen, known)


def _changed(before: State, after: State) -> set[Key]:
    """The facts that differ."""
    old, new = before.facts, after.facts
    return {key for key in (*old, *(key for key in new if key not in old)) if old.get(key) is not new.get(key)}


@dataclass(frozen=True, eq=False)
class Turn:
    """The interview at one moment."""

    joint: Joint
    state: State
    today: date
    seen: Mapping[str, Seen]
    known: Known

    @property
    def family(self) -> Mapping[str, str]:
        """Ids of the members, and what they are to the applicant."""
        return self.known.family

    @property
    def unplaced(self) -> Mapping[str, str]:
        """Whom something was told of beforehand and who is not of the family yet: by id, what they may be to the
        applicant ('' where that cannot be told)."""
        found = {"spouse": ""} if any(key.who == "spouse" for key in self.state.facts) else {}
        for form in self.joint.forms.values():
            for node in every(form.nodes):
                if node.role in FITS and (node.rows or node.field.subject == node.role):
                    for who in self.known.ids(picked(node)) or ():
                        found[who] = found.get(who) or _LIKELY.get(node.role, "")
        return {who: kin for who, kin in found.items() if who != APPLICANT and who not in self.family}

    def at(self, key: Key) -> tuple[Place, ...]:
        """Where a fact is asked. A form that has an answer of its own is not with the others."""
        return tuple(place for seen in self.seen.values() for place in seen.by_key.get(key, ()))

    @cached_property
    def owned(self) -> Mapping[Key, tuple[Place, ...]]:
        """Where each form could have an answer of its own."""
        return {place.own: (place,) for seen in self.seen.values() for place in seen.places}

    # --- what to ask ----------------------------------------------------------------------------------------------

    def next(self) -> Ask | None:
        """What to ask now; None when every form has what it needs."""
        asks = self._groups()
        if not asks:
            return None
        # once it is known who is who, the same can be asked of all at once
        chosen = next((group for group in (_FAMILY, _WHO) if group in asks), next(iter(asks)))
        return self._ask(chosen, asks[chosen])

    def asks(self) -> tuple[Ask, ...]:
        """All there is to ask by now, in order; answers may bring up more."""
        return tuple(self._ask(group, places) for group, places in self._groups().items())

    def query(self, key: Key) -> Query | None:
        """The question for a fact, with what was said; None for what nobody asks."""
        if key == FAMILY:
            return _valued(self._ask(_FAMILY, {}), self.known.value(FAMILY)).queries[0]
        places = self.at(key) or self.owned.get(key, ())
        return _with_value(self._query(key, places[0]), places[0]) if places else None

    def again(self, key: Key) -> Ask | None:
        """What was asked together with a fact, with what was said, to be answered again; None for what nobody asks."""
        if key == FAMILY:
            return _valued(self._ask(_FAMILY, {}), self.known.value(FAMILY)) if self.joint.asks_family else None
        places = self.at(key) or self.owned.get(key, ())
        if not places:
            return None
        group = self._group(places[0], key)
        found = {key: places[0]} if key != places[0].key else {}
        for place in (place for seen in self.seen.values() for place in seen.places):
            shown = place.key == key or place.key in self.state.facts or not (place.role or place.many)
            if shown and self._group(place, place.key) == group:
                found.setdefault(place.key, place)
        ask = self._ask(group, found)
        return replace(ask, queries=tuple(_with_value(query, found[query.key]) for query in ask.queries))

    def _groups(self) -> dict[tuple[str, ...], dict[Key, Place]]:
        found: dict[tuple[str, ...], dict[Key, Place]] = {}
        if self.joint.asks_family and FAMILY not in self.state.facts:
            found[_FAMILY] = {}
        known = set[Key]()
        for seen in self.seen.values():
            for place in seen.pending:
                key = self._open(place)
                if key is not None and key not in known:
                    known.add(key)
                    found.setdefault(self._group(place, key), {})[key] = place
        return found

    def _ask(self, group: tuple[str, ...], places: Mapping[Key, Place]) -> Ask:
        if group == _FAMILY:
            return Ask(group, (Query(FAMILY, None, True, (), members=(), many=True),))
        chosen = self._named_first(places) if group == _WHO else places
        return Ask(group, tuple(self._query(key, place) for key, place in chosen.items()))

    def _open(self, place: Place) -> Key | None:
        """The fact to ask for at a place; None when it may stay as it is."""
        if place.error is None:
            return place.key if place.needed or place.key not in self.state.passed else None
        if place.key != place.own and any(each.error is None for each in self.at(place.key)):
            return place.own  # others take it: this form has to have an answer of its own
        return place.key

    def _named_first(self, found: Mapping[Key, Place]) -> dict[Key, Place]:
        """Without the others of a household as long as the same form asks who else is who."""
        forms = [place.form for place in found.values()]
        left = {key for form in self.joint.forms.values() for key in form.left}
        return {key: place for key, place in found.items() if key not in left or forms.count(place.form) == 1}

    def _query(self, key: Key, place: Place) -> Query:
        places = (place,) if key != place.key else self.at(key)
        needed = any(each.needed for each in places)
        members = (*self.known.fits(place.role), "") if place.role or place.many else None
        options = {option.value: option for each in places for option in each.node.field.options}
        fact = self.state.facts.get(key)
        value = fact.value if fact else None
        return Query(
            key, place.node.field, needed, places, tuple(options.values()), members, place.many, value, place.error
        )

    def _group(self, place: Place, key: Key) -> tuple[str, ...]:
        member = bool(place.role or place.many)
        if member and place.role in FITS:
            return _WHO
        if not member and key.path == place.node.path and key.who:
            if key.path in COLUMNS:
                return ("each", key.path)
            if key.path not in SINGLE:
                return ("about", key.who)
        if not member and key.who and "*" in place.node.own:
            return (place.form, place.node.own.partition("/*")[0])
        return (place.form, str(self.joint.forms[place.form].steps[place.node.own]))

    @property
    def wholes(self) -> Mapping[Key, str]:
        """The names and addresses that are known, and their kind: what `Same` may name."""
        return {
            _around(place.key): place.node.whole
            for seen in self.seen.values()
            for place in seen.places
            if place.node.whole and place.value is not None
        }

    # --- what comes out -------------------------------------------------------------------------------------------

    def answers(self, form: str) -> Answers:
        """The application of one form, as far as it goes."""
        return self.seen[form].settled.kept

    def errors(self, form: str) -> tuple[FieldError, ...]:
        """What is wrong with it, or missing; its files are not looked at."""
        found = self.seen[form].errors.values()
        return tuple(error for error in found if not error.pointer.startswith("attachment:"))

    @property
    def done(self) -> bool:
        """Whether every application is whole."""
        return self.next() is None and not any(self.errors(form) for form in self.seen)

    def trace(self, form: str) -> Mapping[str, Fact]:
        """By pointer, where each answer of an application comes from."""
        top = self.joint.forms[form].top(self.known)
        found = {}
        for place in self.seen[form].places:
            if _answered(place):
                fact = (
                    self.known.find(place.node, place.shared, place.own, top) if not place.many else self._named(place)
                )
                if fact is not None:
                    found[place.pointer] = fact
        return found

    def _named(self, place: Place) -> Fact:
        """What a yes or no comes from that says whether there are others: who they are."""
        said = self.state.facts.get(place.key)
        return replace(said, value=bool(place.value)) if said else Fact(bool(place.value), FOLLOWS, of=FAMILY)

    @property
    def saved(self) -> Saved:
        """How much less was asked than by filling the forms one by one."""
        alone = [place for seen in self.seen.values() for place in seen.places if _answered(place)]
        said = {key: fact for key, fact in self.state.facts.items() if fact.source in (TYPED, SAME) and key != FAMILY}
        typed = [
            _written(places[0].node, fact.value)
            for key, fact in said.items()
            if fact.source == TYPED and (places := self.at(key))
        ]
        return Saved(
            len(alone),
            len({fact.act for fact in said.values()}) + max(len(self.family) - 1, 0),
            sum(_written(place.node, place.value) for place in alone),
            sum(typed),
        )


def _answered(place: Place) -> bool:
    """Whether a place holds an answer that somebody who fills the form alone would have given."""
    return place.value is not None and not place.node.rows and not place.node.field.children


def _written(node: Node, value: Json | None) -> int:
    """How many characters an answer is: what is picked from a list is none, a 個人番号 twelve, sealed or not."""
    if node.field.kind.name == "my_number":
        return 12
    if node.field.options or node.field.kind.name == "slot" or not isinstance(value, str | int):
        return 0
    return 0 if isinstance(value, bool) else len(str(value))


_LIKELY: Final = {
    **dict.fromkeys(("child", "children", "pupils"), "child"),
    **dict.fromkeys(("dog", "dogs"), "dog"),
}
_FAMILY: Final = ("family",)
_WHO: Final = ("who",)
