"""What was filled in form by form, brought into an interview: answers → facts, the inverse of a form's draft.

Nobody is put into the family by a guess. Whoever stands in rows keeps an id of their own; the same name and birth
date in another form is the same person. What forms say differently of the same fact stays each form's own answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from forms_schema import Answers, Form, Json
from procedures.joint.facts import ANY, APPLICANT, LONE, Key, Node
from procedures.joint.known import BROUGHT, Fact, State
from procedures.joint.places import Compiled, keys, picked

PRE_ENTRY: Final = "pre-entry"


@dataclass(frozen=True, slots=True)
class Filled:
    """A form and how it was filled in. `sources` tells by pointer what was not typed ('card', 'earlier')."""

    form: Form
    answers: Answers
    sources: Mapping[str, str] = field(default_factory=dict)


def brought(filled: Mapping[str, Filled]) -> Mapping[Key, Fact]:
    """The facts that forms tell, by their names in the interview, each with its source: 'card', 'earlier', 'pre-entry'.

    Brought into a `Joint` of one form they give its answers again. Any answers will do: what has no place is left out.
    """
    facts: dict[Key, Fact] = {}
    people: dict[tuple[str, ...], str] = {}
    for name, each in filled.items():
        reader = _Reader(Compiled(name, each.form), each, people)
        reader.read()
        _merge(facts, reader)
    return facts


def taken_in(state: State, facts: Mapping[Key, Fact], by: str = "") -> State:
    """`state` with what was brought; what was said stays. Nothing may be taken in about people under 支援措置."""
    new = {key: replace(fact, by=by) for key, fact in facts.items() if key not in state.facts}
    return replace(state, facts={**state.facts, **new})


@dataclass(frozen=True, slots=True)
class _Leaf:
    """An answer, or a blank (None), at its place."""

    shared: Key
    own: Key
    value: Json | None
    source: str


class _Reader:
    """One form's answers to leaves, and who stands in its rows."""

    def __init__(self, form: Compiled, filled: Filled, people: dict[tuple[str, ...], str]) -> None:
        self._form = form
        self._filled = filled
        self._people = people
        self.leaves: list[_Leaf] = []
        self.members: dict[Key, list[str]] = {}

    def read(self) -> None:
        """All there is."""
        self._object(self._form.nodes, self._filled.answers, "", "", "")

    def _object(self, nodes: Sequence[Node], answers: Mapping[str, Json], at: str, who: str, row: str) -> None:
        for node in nodes:
            self._value(node, answers.get(node.field.name), f"{at}/{node.field.name}", who, row)

    def _value(self, node: Node, value: Json | None, at: str, who: str, row: str) -> None:
        if node.rows:
            self._rows(node, value, at)
        elif node.role in ANY:
            if value is False:
                self.members.setdefault(Key("", self._form.listed(node).own), [])
        elif node.role:
            self._about(node, value, at, row)
        elif node.children:
            self._object(node.children, value if isinstance(value, dict) else {}, at, who, row)
        else:
            shared, own = keys(node, who, APPLICANT)
            self.leaves.append(_Leaf(shared, own, value, self._filled.sources.get(at, "")))

    def _rows(self, node: Node, value: Json | None, at: str) -> None:
        if not isinstance(value, list):
            return
        ids: list[str] = []
        for i, row in enumerate(value):
            ids.append(self._row(node, row, i, ids))
            self._object(node.children, row if isinstance(row, dict) else {}, f"{at}/{i}", ids[-1], ids[-1])
        self.members[Key("", node.own)] = ids

    def _row(self, node: Node, row: Any, i: int, taken: Sequence[str]) -> str:
        """Who a row is about: somebody known by name and birth date, or another one."""
        new = f"{self._form.name}{node.field.pointer.replace('/', '-')}-{i}"
        who = self._people.setdefault(mark, new) if (mark := _mark(row)) else new
        return who if who not in taken else new

    def _about(self, node: Node, value: Json | None, at: str, row: str) -> None:
        who = f"{row}.{node.role}" if row else node.role if node.role in LONE else node.own
        if isinstance(value, dict) and value and not row and node.role not in LONE:
            self.members[picked(node)] = [who]  # it stays theirs whoever is in the family
        if isinstance(value, dict) and (mark := _mark(value)):
            self._people.setdefault(mark, who)
        self._object(node.children, value if isinstance(value, dict) else {}, at, who, row)


def _mark(about: Any) -> tuple[str, ...]:
    """What tells that two forms speak of one person; () where they do not say enough."""
    name = about.get("name") if isinstance(about, dict) else None
    parts = (name.get("family"), name.get("given"), about.get("birthdate")) if isinstance(name, dict) else ()
    return tuple(str(part) for part in parts) if all(isinstance(part, str) and part for part in parts) else ()


def _merge(facts: dict[Key, Fact], reader: _Reader) -> None:
    """Shared where this form says one thing of it wherever it asks, and no other form said another; else its own."""
    said: dict[Key, set[str]] = {}
    for leaf in reader.leaves:
        said.setdefault(leaf.shared, set()).add(repr(leaf.value))
    for leaf in reader.leaves:
        if leaf.value is not None:
            fact = Fact(leaf.value, leaf.source if leaf.source in BROUGHT else PRE_ENTRY)
            one = len(said[leaf.shared]) == 1
            there = facts.setdefault(leaf.shared, fact) if one else None
            if there is None or there.value != leaf.value:
                facts[leaf.own] = fact
    for key, ids in reader.members.items():
        facts.setdefault(key, Fact(ids, PRE_ENTRY))
