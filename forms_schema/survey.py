"""Rules over plans: what conditions read and open, names that nobody declares, circles, and forms that are bombs.

One walk over the plans with every guard open counts them; a second one, bounded by the first, judges them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from forms_schema.base import BadDeclaration, Fault
from forms_schema.guess import meant
from forms_schema.plan import Guard, Plan, all_open

MAX_FIELDS = 300
MAX_VISITS = 20_000
"""Plans met when every `$ref` and every guard is followed. A form of 60 questions has some 200."""
Node = str | int
"""Of the graph of conditions: a pointer of an answer, or the number of a guard at one place."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a whole form asks and reads.

    `places` says where in the schema each question is first declared, by its pointer pattern. `read` are the
    pointers that conditions look at, with where the first such condition stands. `rounds` is the longest chain of
    conditions, each of which reads what the one before it asks. `faults` are those of the conditions.
    """

    places: Mapping[str, str]
    read: Mapping[str, str]
    rounds: int
    faults: tuple[Fault, ...]


def survey(root: Plan) -> Survey:
    """Raises BadDeclaration for conditions that go in a circle, and for a form that is too large."""
    places = _counted(root)
    judge = _Judge()
    judge.enter((root,), "", frozenset(), frozenset())
    unread = [(pointer, at) for pointer, at in judge.read.items() if pointer not in places]
    faults = judge.faults + [unasked(at, pointer, places) for pointer, at in unread]
    rounds = 0 if faults else longest_chain(judge.edges)
    return Survey(places, judge.read, rounds, tuple(faults))


def unasked(at: str, pointer: str, asked: Iterable[str]) -> Fault:
    """A condition at `at` reads what no question asks."""
    allowed = meant(pointer, asked, "項目の名前を確かめてください")
    return Fault(at, f"条件が {pointer} を見ていますが、その項目はありません", allowed)


def _counted(root: Plan) -> dict[str, str]:
    """Where each question is declared, in the order in which questions are met. Refuses bombs."""
    places: dict[str, str] = {}
    waiting = [(root, "")]
    visits = 0
    while waiting:
        plan, at = waiting.pop()
        visits += 1
        below = [(sub, f"{at}/{name}") for name, sub in plan.fields.items()]
        for sub, pointer in below:
            places.setdefault(pointer, sub.at)
        if visits > MAX_VISITS or len(places) > MAX_FIELDS:
            limit = f"質問は {MAX_FIELDS} までにしてください"
            raise BadDeclaration([Fault("", "質問または枝分かれが多すぎます", limit)])
        rows = [(plan.items, f"{at}/*")] if plan.items else []
        waiting += reversed([*below, *rows, *((guard.plan, at) for guard in plan.guards)])
    return places


@dataclass(slots=True)
class _Judge:
    """Walks the plans; `plain` are pointers that are asked wherever the walk has come to, `needed` required there."""

    edges: dict[Node, set[Node]] = field(default_factory=dict)
    read: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def enter(self, plans: tuple[Plan, ...], at: str, plain: frozenset[str], needed: frozenset[str]) -> None:
        """Judge `plans` (one object's), which are open from here on: what they ask by themselves is asked."""
        plain |= {pointer for plan in plans for pointer in _always(plan, at)}
        needed |= {pointer for plan in plans for pointer in _required(plan, at)}
        self._inside(plans, at, plain, needed)

    def _inside(self, plans: tuple[Plan, ...], at: str, plain: frozenset[str], needed: frozenset[str]) -> None:
        for plan in plans:
            self._note_dead_ends(plan, at, plain)
            for guard in plan.guards:
                self._note(guard, at, plain, needed)
                self.enter((guard.plan,), at, plain, needed)
            for name, sub in plan.fields.items():
                self._inside((sub,), f"{at}/{name}", plain, needed)
            if plan.items:
                self._inside((plan.items,), f"{at}/*", plain, needed)

    def _note_dead_ends(self, plan: Plan, at: str, plain: frozenset[str]) -> None:
        """A name that must be answered, but that neither this place nor an enclosing one asks."""
        for name in sorted(plan.required | plan.alternatives):
            if f"{at}/{name}" not in plain:
                asked = [pointer.rpartition("/")[2] for pointer in plain if pointer.rpartition("/")[0] == at]
                allowed = meant(name, asked, "properties に書くか、required から外してください")
                self.faults.append(Fault(plan.at, f"必須の {name} がどこにも宣言されていません", allowed))

    def _note(self, guard: Guard, at: str, plain: frozenset[str], needed: frozenset[str]) -> None:
        if guard.branch_of and f"{at}/{guard.branch_of}" not in needed:
            # unanswered, it would leave open which branch holds: JSON Schema and the page would differ
            problem = f"{guard.branch_of} で枝が決まりますが、必須ではありません"
            self.faults.append(Fault(guard.at, problem, "required に書いてください"))
        node = len(self.edges)
        self.edges[node] = {pointer for pointer in _ever(guard.plan, at) if pointer not in plain}
        for pointer in guard.reads:
            self.read.setdefault(f"{at}{pointer}", guard.at)
            self.edges.setdefault(f"{at}{pointer}", set()).add(node)


def _always(plan: Plan, at: str) -> Iterator[str]:
    """Pointers that a plan asks by itself, without any guard."""
    for name, sub in plan.fields.items():
        yield f"{at}/{name}"
        yield from _always(sub, f"{at}/{name}")
    if plan.items:
        yield from _always(plan.items, f"{at}/*")


def _required(plan: Plan, at: str) -> Iterator[str]:
    yield from (f"{at}/{name}" for name in plan.required)
    for name, sub in plan.fields.items():
        yield from _required(sub, f"{at}/{name}")
    if plan.items:
        yield from _required(plan.items, f"{at}/*")


def _ever(plan: Plan, at: str) -> Iterator[str]:
    """Pointers that a plan asks with every guard open."""
    for part in all_open((plan,)):
        for name, sub in part.fields.items():
            yield f"{at}/{name}"
            yield from _ever(sub, f"{at}/{name}")
        if part.items:
            yield from _ever(part.items, f"{at}/*")


def longest_chain(edges: Mapping[Node, set[Node]]) -> int:
    """The most guards (numbers) on one way from answer to answer. Raises BadDeclaration when a way is a circle."""
    waits: dict[Node, int] = dict.fromkeys(edges, 0)
    for targets in edges.values():
        for target in targets:
            waits[target] = waits.get(target, 0) + 1
    length = dict.fromkeys(waits, 0)
    free = [node for node, count in waits.items() if not count]
    for node in free:
        for target in edges.get(node, ()):
            length[target] = max(length[target], length[node] + isinstance(target, int))
            waits[target] -= 1
            if not waits[target]:
                free.append(target)
    if len(free) < len(waits):
        raise BadDeclaration([_circle(edges, set(waits) - set(free))])
    return max(length.values(), default=0)


def _circle(edges: Mapping[Node, set[Node]], stuck: set[Node]) -> Fault:
    """A circle among nodes each of which has another before it."""
    before = {target: node for node in edges if node in stuck for target in edges[node] if target in stuck}
    trail: list[Node] = [min(node for node in stuck if isinstance(node, str))]
    while before[trail[-1]] not in trail:
        trail.append(before[trail[-1]])
    circle = trail[trail.index(before[trail[-1]]) :]
    names = [node for node in reversed(circle) if isinstance(node, str)]
    first = names.index(min(names))
    told = " → ".join([*names[first:], *names[:first], names[first]])
    return Fault("", f"条件が輪になっています: {told}", "どれか一つの条件を外してください")
