"""A form in an interview: where it asks which fact, and how facts become its answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from forms_schema import Answers, Field, FieldError, Form, Json, Question, Settled
from procedures.joint.facts import ANY, APPLICANT, FITS, LONE, NOBODYS, Key, Node, where
from procedures.joint.known import BASES, FAMILY, HEAD, Known

_ASIDE: Final = frozenset({"spouse", "child", "children", "guardian"})
"""Subjects who are not the others of a household, where a form asks for both."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a form asks something now. `own` is the form's own answer, `shared` the one it has with others, `key` the
    one of them that stands there. `needed`: it may not stay blank. `error` is what is wrong with its answer. `role` and
    `many` tell of a question for members, whose answer is a list of ids."""

    form: str
    pointer: str
    node: Node
    shared: Key
    own: Key
    key: Key
    needed: bool
    value: Json | None
    error: FieldError | None = None
    role: str = ""
    many: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A form as the facts leave it: its places by key, and those that lack an answer or have a wrong one."""

    draft: Answers
    settled: Settled
    errors: Mapping[str, FieldError]
    places: tuple[Place, ...] = ()
    by_key: Mapping[Key, tuple[Place, ...]] = field(default_factory=dict)
    pending: tuple[Place, ...] = ()


class Compiled:
    """A form of the interview: its places, and how facts become its draft."""

    def __init__(self, name: str, form: Form) -> None:
        self.name = name
        self.form = form
        self.nodes = where(name, form)
        nodes = list(every(self.nodes))
        self.lists = {node.role: node for node in reversed(nodes) if node.rows and node.role}
        self.others = {
            self.lists[ANY[node.role]] for node in nodes if node.role in ANY and ANY[node.role] in self.lists
        }
        self.left = {Key("", node.own) for node in self.others}
        self.roles = [node for node in nodes if node.role in _ASIDE and (node.rows or node.field.subject == node.role)]
        self.asks_family = any(node.role in FITS and node.role != APPLICANT for node in nodes)
        tops = {item.pointer: i for i, step in enumerate(form.steps) for item in step.items if isinstance(item, Field)}
        self.steps = {node.own: _step(node.field.pointer, tops) for node in nodes}
        self.paths = {node.path for node in nodes} | {FAMILY.path, HEAD.path}
        self.paths |= {path for node in nodes for path in BASES.get(node.path, ())}
        self.picks = {picked(node) for node in nodes if node.rows or (node.role and node.role not in ANY)}
        self.applicant = next((node for node in nodes if node.role == APPLICANT and not node.rows), None)

    # --- who ------------------------------------------------------------------------------------------------------

    def top(self, known: Known) -> str:
        """The applicant of this form, who may be another member than of the others."""
        return (self.who(self.applicant, known, "") if self.applicant else None) or APPLICANT

    def who(self, node: Node, known: Known, row: str) -> str | None:
        """Who a group is about; None where somebody has to say. `row` is the member whose row it stands in."""
        if row:
            return f"{row}.{node.role}"
        named = known.ids(picked(node))
        if named:
            return named[0]
        fitting = known.fits(node.role)
        if node.role in LONE or node.role == "child":
            single = node.role if node.role in LONE else node.own
            return single if not fitting else fitting[0] if len(fitting) == 1 else None
        return None if fitting else node.own

    # --- facts to answers -----------------------------------------------------------------------------------------

    def draft(self, known: Known) -> Answers:
        """The answers of this form as far as facts tell."""
        top = self.top(known)
        return self._object(self.nodes, known, "", "", top)

    def _object(self, nodes: Sequence[Node], known: Known, who: str, row: str, top: str) -> Answers:
        found = {}
        for node in nodes:
            value = self._value(node, known, who, row, top)
            if value is not None and value != {} and value != []:
                found[node.field.name] = value
        return found

    def _value(self, node: Node, known: Known, who: str, row: str, top: str) -> Json | None:
        if node.rows:
            rows = self.members(node, known) or []
            return [self._object(node.children, known, each, each, top) for each in rows]
        if node.role in ANY:
            ids = self.members(self.listed(node), known)
            return None if ids is None else bool(ids)
        if node.role:
            about = self.who(node, known, row)
            return self._object(node.children, known, about, row, top) if about is not None else None
        if node.children:
            return self._object(node.children, known, who, row, top)
        fact = known.find(node, *keys(node, who, top), top)
        return fact.value if fact else None

    def listed(self, node: Node) -> Node:
        """The rows that a yes or no is about."""
        return self.lists.get(ANY[node.role], node)

    def members(self, node: Node, known: Known) -> list[str] | None:
        """Who stands in rows; None when that has still to be said. Where the form asks whether there are others in the
        household, they are those of the family whom it has not asked for yet."""
        said = known.ids(Key("", node.own))
        if said is not None or node not in self.others or not known.family:
            return said
        here: set[str | None] = {self.top(known), *known.apart}
        for other in self.roles:
            if other is not node:
                found = (known.ids(Key("", other.own)),) if other.rows else ([self.who(other, known, "")],)
                if found[0] is None or None in found[0]:
                    return None  # somebody has to be named first
                here.update(found[0])
        return [who for who in known.fits(node.role) if who not in here]

    # --- questions to places --------------------------------------------------------------------------------------

    def reads(self, changed: Collection[Key]) -> bool:
        """Whether this form may be another when these facts have changed."""
        return any(key.path in self.paths or key.path.partition(":")[0] == self.name for key in changed)

    def look(self, known: Known, last: Seen | None) -> Seen:
        """The form as the facts leave it; `last` is how it was before."""
        draft = self.draft(known)
        if last is None or last.draft != draft:
            settled = self.form.settle(draft, known.today)
            errors: dict[str, FieldError] = {}
            for error in self.form.errors(settled):
                errors.setdefault(error.pointer, error)
            last = Seen(draft, settled, errors)
        walk = _Walk(self, known, last.errors)
        found = list(walk.places(self.nodes, last.settled.questions, "", ""))
        found.sort(key=lambda place: self.steps[place.node.own])
        by_key: dict[Key, tuple[Place, ...]] = {}
        for place in found:
            by_key[place.key] = (*by_key.get(place.key, ()), place)
        pending = tuple(place for place in found if place.value is None or place.error)
        return replace(last, places=tuple(found), by_key=by_key, pending=pending)


class _Walk:
    """Questions that are asked to places."""

    def __init__(self, form: Compiled, known: Known, errors: Mapping[str, FieldError]) -> None:
        self._form = form
        self._known = known
        self._errors = errors
        self._top = form.top(known)

    def places(self, nodes: Sequence[Node], asked: Sequence[Question], who: str, row: str) -> Iterator[Place]:
        """Those of `asked`, about `who`, in the row of `row`."""
        by_name = {question.field.name: question for question in asked}
        for node in nodes:
            question = by_name.get(node.field.name)
            if question is None:
                continue
            if node.rows or node.role in ANY:
                yield from self._rows(node, question)
            elif node.role:
                yield from self._about(node, question, row)
            elif node.children:
                yield from self.places(node.children, question.children, who, row)
            else:
                yield self._of(node, question, *keys(node, who, self._top), question.value)

    def _rows(self, node: Node, question: Question) -> Iterator[Place]:
        listed = node if node.rows else self._form.listed(node)
        key, ids = Key("", listed.own), self._form.members(listed, self._known)
        yield self._of(node, question, key, key, ids, listed.role, many=True)
        for each, inside in zip(ids or (), question.rows, strict=False):
            yield from self.places(node.children, inside, each, each)

    def _about(self, node: Node, question: Question, row: str) -> Iterator[Place]:
        about = self._form.who(node, self._known, row)
        if not row:
            key = picked(node)
            yield self._of(node, question, key, key, None if about is None else [about], node.role)
        if about is not None:
            yield from self.places(node.children, question.children, about, row)

    def _of(
        self, node: Node, asked: Question, shared: Key, own: Key, value: Json | None, role: str = "", many: bool = False
    ) -> Place:
        error = self._errors.get(asked.pointer)
        lacking = error is not None and error.code == "required" and value is None
        key = own if own in self._known.facts else shared
        wrong = None if lacking or (role and not many) or (many and error and self._unfinished(error)) else error
        needed = asked.required or lacking
        return Place(self._form.name, asked.pointer, node, shared, own, key, needed, value, wrong, role, many)

    def _unfinished(self, error: FieldError) -> bool:
        """Whether rows that are still blank are why they are not all different, or none is what one has to be."""
        inside = f"{error.pointer}/"
        return error.code not in _OF_COUNT and any(pointer.startswith(inside) for pointer in self._errors)


_OF_COUNT: Final = frozenset({"minItems", "maxItems"})


def every(nodes: Sequence[Node]) -> Iterator[Node]:
    """Them and all below, in order."""
    for node in nodes:
        yield node
        yield from every(node.children)


def _step(pointer: str, tops: Mapping[str, int]) -> int:
    """The step of a question: the nearest of the pointers around it that stand in one."""
    parts = pointer.split("/")
    around = ("/".join(parts[:end]) for end in range(len(parts), 1, -1))
    return next((tops[each] for each in around if each in tops), min(_under(pointer, tops), default=0))


def _under(pointer: str, tops: Mapping[str, int]) -> Iterator[int]:
    return (step for top, step in tops.items() if top.startswith(f"{pointer}/"))


def picked(node: Node) -> Key:
    """Where it is said who a group is about. There is one head of a household."""
    return HEAD if node.role == HEAD.path else Key("", node.own)


def keys(node: Node, who: str, top: str) -> tuple[Key, Key]:
    """The fact at a leaf: as all forms share it (the same as the form's own where they do not), and the form's own."""
    own = Key(who, node.own)
    if not node.path:
        return own, own
    return Key("" if node.path in NOBODYS else who or top, node.path), own
