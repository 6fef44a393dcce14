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
STRUCTURE = frozenset(
    {"$ref", "$defs", "allOf", "properties", "required", "if", "then", "else", "dependentRequired", "dependentSchemas"}
)


@dataclass(slots=True, eq=False)
class Guard:
    """A condition and what it opens. `reads` are the answer pointers it looks at, relative to its object."""

    test: Test
    plan: Plan
    reads: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Plan:
    """One place of the schema. `parts` are the schemas that speak of it, nearest words first.

    `at` is where it stands in the schema, for faults.
    """

    at: str = ""
    parts: list[Schema] = field(default_factory=list)
    fields: dict[str, Plan] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    guards: list[Guard] = field(default_factory=list)
    items: Plan | None = None

    def absorb(self, other: Plan) -> None:
        """Take in what else is said of the same place."""
        self.parts += other.parts
        self.required |= other.required
        self.guards += other.guards
        for name, sub in other.fields.items():
            self.declare(name, sub)
        self.items = joined(self.items, other.items)

    def declare(self, name: str, sub: Plan) -> None:
        """Name a question; said twice, it is narrowed."""
        present = self.fields.get(name)
        self.fields[name] = sub if present is None else joined(present, sub) or sub


def joined(a: Plan | None, b: Plan | None) -> Plan | None:
    """Both plans as one; neither is changed, for a definition may be shared."""
    if a is None or b is None:
        return a or b
    result = Plan(at=a.at)
    result.absorb(a)
    result.absorb(b)
    return result


class Planner:
    """Turns one bundled schema into plans, counting so that a bomb is refused before it goes off."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._shared: dict[str, Plan] = {}
        self._count = 0

    def plan(self, schema: Schema, at: str = "", trail: tuple[str, ...] = (), depth: int = 0) -> Plan:
        """The plan of `schema`, which stands at `at` in the declaration. Raises BadDeclaration."""
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_PLANS:
            raise BadDeclaration([Fault(at, "入れ子または枝分かれが多すぎます", f"深さ {MAX_DEPTH} まで")])
        result = Plan(at, [{key: value for key, value in schema.items() if key not in STRUCTURE}])
        for name, sub in schema.get("properties", {}).items():
            result.declare(name, self.plan(sub, f"{at}/properties/{name}", trail, depth + 1))
        result.required |= set(schema.get("required", ()))
        named = {"properties": tuple(result.fields), "$ref": (), "allOf": ()}
        if "$ref" in schema:
            target = self._target(schema["$ref"], at, trail, depth)
            named["$ref"] = tuple(target.fields)
            result.absorb(target)
        for i, part in enumerate(schema.get("allOf", ())):
            also = self.plan(part, f"{at}/allOf/{i}", trail, depth + 1)
            named["allOf"] += tuple(also.fields)
            result.absorb(also)
        # the words nearest stand, but the questions come in the order in which the file names them
        result.fields = {name: result.fields[name] for key in schema if key in named for name in named[key]}
        self._offer_discriminators(schema, result)
        result.guards += self._guards(schema, at, trail, depth + 1)
        items = schema.get("items")
        if isinstance(items, Mapping) and not is_choice(items):
            result.items = joined(result.items, self.plan(items, f"{at}/items", trail, depth + 1))
        return result

    def _target(self, ref: str, at: str, trail: tuple[str, ...], depth: int) -> Plan:
        name = ref.removeprefix(LOCAL)
        if name in trail:
            raise BadDeclaration([Fault(f"{at}/$ref", "参照が自分自身に戻っています", "輪にならないようにしてください")])
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
                yield Guard(holds, self.plan(schema["then"], f"{at}/then", trail, depth), reads)
            if "else" in schema:
                opened = self.plan(schema["else"], f"{at}/else", trail, depth)
                yield Guard(lambda view: not holds(view), opened, reads)
        for name, names in schema.get("dependentRequired", {}).items():
            yield Guard(_present(name), Plan(required=set(names)), (f"/{name}",))
        for name, sub in schema.get("dependentSchemas", {}).items():
            opened = self.plan(sub, f"{at}/dependentSchemas/{name}", trail, depth)
            yield Guard(_present(name), opened, (f"/{name}",))
        for key in ("oneOf", "anyOf"):
            if key in schema and choices(schema[key]) is None:
                yield from self._branches(schema[key], f"{at}/{key}", trail, depth)

    def _branches(self, branches: list[Schema], at: str, trail: tuple[str, ...], depth: int) -> Iterator[Guard]:
        if all(isinstance(branch, Mapping) and set(branch) <= {"required", "title"} for branch in branches):
            return  # "one of these": says nothing about what is asked
        name = discriminator(branches)
        if name is None:
            if any(_declares(branch) for branch in branches):
                allowed = "どの枝にも const か enum をもつ同じ項目を置いてください"
                raise BadDeclaration([Fault(at, "どの枝か回答から決められません", allowed)])
            return
        for i, branch in enumerate(branches):
            values = constants_of(branch["properties"][name])
            # without the discriminator: another choice opens another branch, so all stay on offer
            rest = {key: sub for key, sub in branch["properties"].items() if key != name}
            opened = self.plan({**branch, "properties": rest}, f"{at}/{i}", trail, depth)
            yield Guard(_equal(name, values), opened, (f"/{name}",))

    def _offer_discriminators(self, schema: Schema, result: Plan) -> None:
        """Ask the discriminator itself where only the branches name it."""
        for key in ("oneOf", "anyOf"):
            name = discriminator(schema.get(key))
            if name is None or name in result.fields:
                continue
            subs = [branch["properties"][name] for branch in schema[key]]
            options = [
                {"const": value, "title": sub.get("title", branch.get("title", str(value)))}
                for branch, sub in zip(schema[key], subs, strict=True)
                for value in constants_of(sub)
            ]
            result.fields[name] = Plan(result.at, [{"oneOf": options}])


def _declares(branch: Json) -> bool:
    return isinstance(branch, Mapping) and bool({"properties", "allOf", "if", "$ref"} & set(branch))


def is_choice(items: Schema) -> bool:
    """Whether an array's `items` only lists choices (checkboxes), rather than rows."""
    return "enum" in items or choices(items.get("oneOf")) is not None or "const" in items


def _present(name: str) -> Test:
    return lambda view: name in view


def _equal(name: str, values: list[Json]) -> Test:
    known = {(type(value), value) for value in values}

    def test(view: Mapping[str, Json]) -> bool:
        value = view.get(name)
        return isinstance(value, str | int | bool) and (type(value), value) in known

    return test


def condition(schema: Schema) -> Test:
    """A JSON Schema as a test of answers: given only the names it reads, so that the cost does not grow."""
    judge = validator(schema)
    names = tuple(dict.fromkeys(pointer.split("/")[1] for pointer in read_by(schema)))

    def test(view: Mapping[str, Json]) -> bool:
        return judge.is_valid({name: view[name] for name in names if name in view})

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
