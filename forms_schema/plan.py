"""What a schema asks: plans of questions, with the guards that open further plans.

A plan is one object (or leaf) of the schema with `$ref` and `allOf` taken in. A guard is a condition of the
same object and the plan it opens. `design/engine.md` has the reasoning; the order of names is the order in the
file, because that is the order of the questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from forms_schema.base import BadDeclaration, Fault, Json, Schema
from forms_schema.bundle import LOCAL
from forms_schema.validators import choices, constants_of, discriminator, validator

Test = Callable[[Mapping[str, Json]], bool]
MAX_DEPTH = 12
MAX_PLANS = 3000
MAX_COPIES = 60_000
STRUCTURE = frozenset(
    {"$ref", "$defs", "allOf", "properties", "required", "if", "then", "else", "dependentRequired", "dependentSchemas"}
)
_DECLARING = (STRUCTURE - {"required"}) | {"oneOf", "anyOf", "items"}


@dataclass(slots=True, eq=False)
class Guard:
    """A condition and what it opens. `reads` are the answer pointers it looks at, relative to its object.

    `branch_of` names the discriminator whose answer picks this branch, '' for other conditions. `at` is where the
    condition stands in the schema.
    """

    test: Test
    plan: Plan
    reads: tuple[str, ...]
    at: str
    branch_of: str = ""


@dataclass(slots=True, eq=False)
class Plan:
    """One place of the schema. `parts` are the schemas that speak of it, nearest words first.

    `at` is where it stands in the schema, for faults. `alternatives` are names of which one must be answered,
    `height` the levels of schema below.
    """

    at: str = ""
    parts: list[Schema] = field(default_factory=list)
    fields: dict[str, Plan] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    guards: list[Guard] = field(default_factory=list)
    items: Plan | None = None
    alternatives: set[str] = field(default_factory=set)
    height: int = 0


class Planner:
    """Turns one bundled schema into plans, counting so that a bomb is refused before it goes off."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._shared: dict[str, Plan] = {}
        self._count = self._copies = 0

    def plan(self, schema: Schema, at: str = "", trail: tuple[str, ...] = (), depth: int = 0) -> Plan:
        """The plan of `schema`, which stands at `at` in the declaration. Raises BadDeclaration."""
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_PLANS:
            raise _too_much(at)
        result = Plan(at, [_said_here(schema)])
        for name, sub in schema.get("properties", {}).items():
            self._declare(result, name, self.plan(sub, f"{at}/properties/{name}", trail, depth + 1))
        result.required |= set(schema.get("required", ()))
        self._absorb_others(result, schema, trail, depth)
        for key in ("oneOf", "anyOf"):
            if key in schema and choices(schema[key]) is None:
                result.guards += self._branches(result, schema[key], f"{at}/{key}", trail, depth + 1)
        result.guards += self._guards(schema, at, trail, depth + 1)
        items = schema.get("items")
        if isinstance(items, Mapping) and not is_choice(items):
            result.items = self._joined(result.items, self.plan(items, f"{at}/items", trail, depth + 1))
        below = [*result.fields.values(), *(guard.plan for guard in result.guards), *filter(None, [result.items])]
        result.height = max([result.height, *(1 + plan.height for plan in below)])
        if depth + result.height > MAX_DEPTH:
            # counted again from here: a definition may have been read first where it stood less deep
            raise _too_much(at)
        return result

    def _absorb_others(self, result: Plan, schema: Schema, trail: tuple[str, ...], depth: int) -> None:
        """Take in what `$ref` and `allOf` say of the same place."""
        named = {"properties": tuple(result.fields), "$ref": (), "allOf": ()}
        if "$ref" in schema:
            target = self._target(schema["$ref"], result.at, trail, depth)
            named["$ref"] = tuple(target.fields)
            self._absorb(result, target)
        for i, part in enumerate(schema.get("allOf", ())):
            also = self.plan(part, f"{result.at}/allOf/{i}", trail, depth + 1)
            named["allOf"] += tuple(also.fields)
            self._absorb(result, also)
        # the words nearest stand, but the questions come in the order in which the file names them
        result.fields = {name: result.fields[name] for key in schema if key in named for name in named[key]}

    def _absorb(self, plan: Plan, other: Plan, deeper: int = 1) -> None:
        """Take in what else is said of the same place."""
        self._copies += 1 + len(other.parts) + len(other.guards)
        if self._copies > MAX_COPIES:
            raise _too_much(plan.at)
        plan.parts += other.parts
        plan.required |= other.required
        plan.alternatives |= other.alternatives
        plan.guards += other.guards
        plan.height = max(plan.height, other.height + deeper)
        for name, sub in other.fields.items():
            self._declare(plan, name, sub)
        plan.items = self._joined(plan.items, other.items)

    def _declare(self, plan: Plan, name: str, sub: Plan) -> None:
        """Name a question; said twice, it is narrowed."""
        plan.fields[name] = self._joined(plan.fields.get(name), sub) or sub

    def _joined(self, a: Plan | None, b: Plan | None) -> Plan | None:
        """Both plans as one; neither is changed, for a definition may be shared."""
        if a is None or b is None:
            return a or b
        result = Plan(a.at)
        self._absorb(result, a, 0)
        self._absorb(result, b, 0)
        return result

    def _target(self, ref: str, at: str, trail: tuple[str, ...], depth: int) -> Plan:
        name = ref.removeprefix(LOCAL)
        if name in trail:
            raise BadDeclaration(
                [Fault(f"{at}/$ref", "参照が自分自身に戻っています", "輪にならないようにしてください")]
            )
        if name not in self._shared:
            schema = self._definitions.get(name)
            if schema is None:
                raise BadDeclaration([Fault(f"{at}/$ref", "参照先がありません", "共通定義の名前を書いてください")])
            self._shared[name] = self.plan(schema, f"/$defs/{name}", (*trail, name), depth + 1)
        return self._shared[name]

    def _guards(self, schema: Schema, at: str, trail: tuple[str, ...], depth: int) -> Iterator[Guard]:
        if "if" in schema:
            reads = tuple(read_by(schema["if"]))
            holds = condition(schema["if"])
            if "then" in schema:
                yield Guard(holds, self.plan(schema["then"], f"{at}/then", trail, depth), reads, f"{at}/if")
            if "else" in schema:
                opened = self.plan(schema["else"], f"{at}/else", trail, depth)
                yield Guard(lambda view: not holds(view), opened, reads, f"{at}/if")
        for name, names in schema.get("dependentRequired", {}).items():
            place = f"{at}/dependentRequired/{name}"
            yield Guard(_present(name), Plan(place, required=set(names)), (f"/{name}",), place)
        for name, sub in schema.get("dependentSchemas", {}).items():
            place = f"{at}/dependentSchemas/{name}"
            yield Guard(_present(name), self.plan(sub, place, trail, depth), (f"/{name}",), place)

    def _branches(
        self, result: Plan, branches: list[Schema], at: str, trail: tuple[str, ...], depth: int
    ) -> Iterator[Guard]:
        name = discriminator(branches)
        if name is None:  # "one of these" says nothing about what is asked
            result.alternatives |= {name for branch in branches for name in branch.get("required", ())}
            if any(_DECLARING & set(branch) for branch in branches):
                allowed = "どの枝にも const か enum をもつ同じ項目を置いてください"
                raise BadDeclaration([Fault(at, "どの枝か回答から決められません", allowed)])
            return
        # a choice that no branch stands for would be refused after it was offered
        self._declare(result, name, Plan(at, [_offer(branches, name)]))
        if all(name in branch.get("required", ()) for branch in branches):
            result.required.add(name)
        for i, branch in enumerate(branches):
            # without the discriminator: another choice opens another branch, so all stay on offer
            rest = {key: sub for key, sub in branch["properties"].items() if key != name}
            opened = self.plan({**branch, "properties": rest}, f"{at}/{i}", trail, depth)
            picked = {"properties": {name: {"enum": constants_of(branch["properties"][name])}}, "required": [name]}
            yield Guard(condition(picked), opened, (f"/{name}",), f"{at}/{i}", branch_of=name)


def _too_much(at: str) -> BadDeclaration:
    return BadDeclaration([Fault(at, "入れ子または枝分かれが多すぎます", f"入れ子は {MAX_DEPTH} 段まで")])


def _said_here(schema: Schema) -> Schema:
    """What a schema says of its own place: without its parts, and with choices as `oneOf`."""
    own = {key: value for key, value in schema.items() if key not in STRUCTURE and key not in ("oneOf", "anyOf")}
    listed = [schema[key] for key in ("oneOf", "anyOf") if choices(schema.get(key)) is not None]
    return {**own, "oneOf": listed[0]} if listed else own


def _offer(branches: list[Schema], name: str) -> Schema:
    """The discriminator as a question: every choice that some branch stands for, titled if all are."""
    subs = [(branch, branch["properties"][name]) for branch in branches]
    titled = [(value, sub.get("title", branch.get("title"))) for branch, sub in subs for value in constants_of(sub)]
    values = [value for value, _ in titled]
    kind = {"type": "boolean"} if all(isinstance(value, bool) for value in values) else {}
    if all(title for _, title in titled):
        return {**kind, "oneOf": [{"const": value, "title": title} for value, title in titled]}
    return {**kind, "enum": values}


def is_choice(items: Schema) -> bool:
    """Whether an array's `items` only lists choices (checkboxes), rather than rows."""
    return "enum" in items or choices(items.get("oneOf")) is not None or "const" in items


def _present(name: str) -> Test:
    return lambda view: name in view


def condition(schema: Schema) -> Test:
    """A JSON Schema as a test of answers: given only the names it reads, so that the cost does not grow."""
    judge = validator(schema)
    names = tuple(dict.fromkeys(pointer.split("/")[1] for pointer in read_by(schema)))

    def test(view: Mapping[str, Json]) -> bool:
        try:
            return judge.is_valid({name: view[name] for name in names if name in view})
        except ValueError:  # nesting or half a surrogate pair, in answers of a machine that are not yet cleaned
            return False

    return test


def read_by(schema: Any, at: str = "") -> Iterator[str]:
    """Pointers of the answers a condition looks at, the leaves only; '*' stands for any row."""
    if not isinstance(schema, Mapping):
        return
    properties = schema.get("properties", {})
    for name, sub in properties.items():
        inner = list(read_by(sub, f"{at}/{name}"))
        yield from inner or [f"{at}/{name}"]
    for name in schema.get("required", ()):
        if name not in properties:
            yield f"{at}/{name}"
    for key in ("contains", "items"):
        if key in schema:
            yield from read_by(schema[key], f"{at}/*")
    if "not" in schema:
        yield from read_by(schema["not"], at)
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key, ()):
            yield from read_by(part, at)


def opened(plans: tuple[Plan, ...], view: Mapping[str, Json]) -> tuple[Plan, ...]:
    """`plans` and every plan their guards open for `view`, in order."""
    active = list(plans)
    for plan in active:
        for guard in plan.guards:
            if guard.test(view):
                active.append(guard.plan)
    return tuple(active)


def all_open(plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
    """`plans` with every guard open: the union of what may ever be asked there."""
    active = list(plans)
    for plan in active:
        active += [guard.plan for guard in plan.guards]
    return tuple(active)
