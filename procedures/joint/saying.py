"""What is said in an interview, taken in or refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from forms_schema import Answers, FieldError, Form, Json
from forms_schema.form import fit
from procedures.joint.facts import APPLICANT, KINS, SPOUSES, Key, where
from procedures.joint.known import BROUGHT, FAMILY, SAME, TYPED, Fact, State
from procedures.joint.places import Place, keys
from procedures.joint.turns import Turn

MOST_MEMBERS: Final = 30
MOST_ROWS: Final = 100


@dataclass(frozen=True, slots=True)
class Same:
    """As an answer: what is known at another name or address, in whole."""

    key: Key


@dataclass(frozen=True, slots=True)
class Answer:
    """One thing said: the answer to one question, or the same for several people at once."""

    keys: tuple[Key, ...]
    value: Json | Same


def apply(turn: Turn, answers: Sequence[Answer], *, by: str = "") -> tuple[Turn, tuple[FieldError, ...]]:
    """The interview after `answers`, which `by` typed. What every form that asks it refuses is not taken: an error
    names it, its pointer the key ('applicant/name/family'). Any question that is asked may be answered again."""
    saying = _Saying(turn, by)
    for answer in answers:
        saying.take(answer)
    after = turn.joint.turn(saying.state(), turn.today, turn)
    refused = [(key, error) for key in saying.said if (error := _refused(after, key)) is not None]
    if refused:
        saying.undo([key for key, _ in refused])
        after = turn.joint.turn(saying.state(), turn.today, after)
    return after, (*saying.errors, *(replace(error, pointer=pointer(key)) for key, error in refused))


def told(state: State, facts: Mapping[Key, Json], source: str, by: str = "") -> State:
    """`state` with what is known beforehand. What was said stays; nothing may be told of people under 支援措置."""
    if source not in BROUGHT:
        raise ValueError(f"{source} is no source")
    new = {key: Fact(value, source, by) for key, value in facts.items() if key not in state.facts}
    return replace(state, facts={**state.facts, **new})


def guided(event: str, form: Form, kept: Answers) -> Mapping[Key, Json]:
    """What the answers `kept` of a life event's interview tell the forms: `event` is why they are filed at all."""
    nodes = [node for node in where(event, form) if node.path and node.field.name in kept]
    told = {keys(node, "", APPLICANT)[0]: kept[node.field.name] for node in nodes}
    return {Key("", "occasion"): event, **told}


def pointer(key: Key) -> str:
    """A key as the pointer of an error."""
    return f"{key.who}/{key.path}"


def _refused(turn: Turn, key: Key) -> FieldError | None:
    """What is wrong with an answer, when no form that asks it takes it."""
    found = [place.error for place in turn.at(key)]
    return found[0] if found and all(found) else None


class _Saying:
    """Answers on their way into the state."""

    def __init__(self, turn: Turn, by: str) -> None:
        self._turn = turn
        self._by = by
        self._before = turn.state
        self._facts = dict(turn.state.facts)
        self._passed = set(turn.state.passed)
        self._acts = turn.state.acts
        self.said: list[Key] = []
        self.errors: list[FieldError] = []

    def state(self) -> State:
        """What is said by now."""
        return State(dict(self._facts), frozenset(self._passed), self._acts)

    def take(self, answer: Answer) -> None:
        """Take in one answer, or say why not."""
        self._acts += 1
        for key in answer.keys:
            places = self._at(key)
            if key == FAMILY:
                self._family(answer.value)
            elif isinstance(answer.value, Same):
                self._same(key, answer.value.key)
            elif not places:
                self.errors.append(FieldError(pointer(key), "UNKNOWN_FIELD"))
            elif places[0].role or places[0].many:
                self._members(key, places[0], answer.value)
            else:
                self._leaf(key, places, answer.value)

    def _at(self, key: Key) -> tuple[Place, ...]:
        return self._turn.at(key) or self._turn.owned.get(key, ())

    def _leaf(self, key: Key, places: Sequence[Place], value: Json | Same) -> None:
        answer = fit(value)
        if answer is not None:
            self._say(key, answer)
            return
        self._facts.pop(key, None)
        self._passed.add(key)
        if any(place.needed for place in places):
            self.errors.append(FieldError(pointer(key), "required"))

    def _say(self, key: Key, value: Json, source: str = TYPED, of: Key | None = None) -> None:
        self._facts[key] = Fact(value, source, self._by, self._acts, of)
        self.said.append(key)

    def undo(self, keys: Sequence[Key]) -> None:
        """Take back what was refused: what stood there before stands again."""
        for key in keys:
            self._facts.pop(key, None)
            if key in self._before.facts:
                self._facts[key] = self._before.facts[key]

    def _same(self, key: Key, source: Key) -> None:
        """Copy a name or an address: all that is asked below `key`."""
        below = {
            Key(who, path[len(source.path) + 1 :]): fact.value
            for (who, path), fact in self._facts.items()
            if who == source.who and path.startswith(f"{source.path}/")
        }
        asked = {each for seen in self._turn.seen.values() for each in seen.by_key}
        wanted = [each for each in asked if each.who == key.who and each.path.startswith(f"{key.path}/")]
        if not below or not wanted:
            self.errors.append(FieldError(pointer(key), "UNKNOWN_FIELD"))
        for each in wanted:
            value = below.get(Key(source.who, each.path[len(key.path) + 1 :]))
            if value is None:
                self._passed.add(each)
            else:
                self._say(each, value, SAME, Key(source.who, source.path + each.path[len(key.path) :]))

    def _family(self, value: Json | Same) -> None:
        """Who is in it: rows of {"kin", "apart"}, with the "id" of those who were there or of whom something was told.
        The applicant always is."""
        before = self._turn.family
        known = {*before, *(key.who for key in self._turn.state.facts)}
        rows = value if isinstance(value, list) else None
        if rows is None or len(rows) > MOST_MEMBERS or not all(_is_member(row, known) for row in rows):
            self.errors.append(FieldError(pointer(FAMILY), "type"))
            return
        kins = [row["kin"] for row in rows]
        ids = [row["id"] for row in rows if row.get("id")]
        if len(set(ids)) < len(ids) or kins.count("self") > 1 or sum(kin in SPOUSES for kin in kins) > 1:
            self.errors.append(FieldError(pointer(FAMILY), "uniqueItems"))
            return
        members = [] if "self" in kins else [{"id": APPLICANT, "kin": "self", "apart": False}]
        for i, row in enumerate(rows):
            who = row.get("id") or self._named(row["kin"], i)
            members.append({"id": who, "kin": row["kin"], "apart": row.get("apart") is True})
        self._say(FAMILY, members)
        self._leave(set(before) - {each["id"] for each in members})

    def _named(self, kin: str, i: int) -> str:
        if kin == "self":
            return APPLICANT
        return "spouse" if kin in SPOUSES else f"m{self._acts}-{i}"

    def _leave(self, gone: set[str]) -> None:
        """Whoever is no longer in the family is in no application."""
        for key, fact in list(self._facts.items()):
            if key in self._turn.joint.picks and isinstance(fact.value, list) and gone.intersection(fact.value):
                self._facts[key] = replace(fact, value=[each for each in fact.value if each not in gone])

    def _members(self, key: Key, place: Place, value: Json | Same) -> None:
        ids = value if isinstance(value, list) else [value] if isinstance(value, str) else None
        before = self._turn.known.ids(key) or []
        fitting = "household" if place.role == APPLICANT else place.role  # another may be who one form is about
        allowed = {*self._turn.known.fits(fitting), *before, ""}
        if ids is None or not all(isinstance(each, str) and each in allowed for each in ids):
            self.errors.append(FieldError(pointer(key), "enum"))
            return
        named = [each for each in ids if each]
        if len(set(named)) < len(named) or (not place.many and len(ids) > 1) or len(ids) > MOST_ROWS:
            self.errors.append(FieldError(pointer(key), "uniqueItems"))
            return
        if not ids and not place.many:
            self._facts.pop(key, None)
            self._passed.add(key)
            return
        self._say(key, [each or f"r{self._acts}-{i}" for i, each in enumerate(ids)])


def _is_member(row: Json, before: Collection[str]) -> bool:
    if not isinstance(row, dict) or row.get("kin") not in KINS:
        return False
    known = row.get("id")
    return known is None or known == "" or (isinstance(known, str) and known in before)
