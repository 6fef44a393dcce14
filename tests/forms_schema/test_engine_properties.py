"""What holds of every form and of all answers, over schemas and answers drawn at random."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import jsonschema
import referencing
from hypothesis import HealthCheck, Phase, assume, given, settings

from forms_schema import Answers, Field, Form, Json, Question, Schema, bundle, compile_form
from forms_schema.findings import at
from forms_schema.formats import FORMATS
from forms_schema.validators import validator
from tests.forms_schema.asking import TODAY, choice

examples = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking these takes minutes; put Phase.shrink here to look closer
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
COMMON: dict[str, Schema] = {
    "name": {
        "type": "object",
        "x-kind": "person-name",
        "properties": {"family": {"type": "string", "maxLength": 10}, "given": {"type": "string", "maxLength": 10}},
        "required": ["family"],
    },
    "place": {
        "type": "object",
        "properties": {"town": {"type": "string"}, "abroad": {"type": "boolean"}},
        "required": ["abroad"],
        "allOf": [
            {
                "if": {"properties": {"abroad": {"const": True}}, "required": ["abroad"]},
                "then": {"properties": {"country": choice("jp", "vn", "ph")}, "required": ["country"]},
            }
        ],
    },
}
LEAVES: tuple[tuple[Schema, tuple[Json, ...]], ...] = (
    ({"type": "string", "maxLength": 5}, ("あ", "x" * 5, "x" * 6)),
    ({"type": "string", "pattern": "^[a-c]{1,3}$"}, ("abc", "a", "d")),
    ({"type": "integer", "minimum": 0, "maximum": 9}, (0, 1, 9, 10, -1, 2.0, 1.5)),
    ({"type": "boolean"}, (True, False, 1, 0, "true")),
    ({"type": "boolean", "const": True}, (True, False, 1)),
    (choice("a", "b", "c"), ("a", "b", "c", "d", 1)),
    ({"type": "string", "enum": ["x", "y", "z"]}, ("x", "y", "z", "")),
    ({"type": "integer", **choice(1, 2, 3)}, (1, 2, 3, True, 1.0, "1")),
    (
        {"type": "array", "uniqueItems": True, "items": choice("p", "q", "r")},
        (["p"], ["p", "q", "r"], ["p", "p"], ["s"], "p"),
    ),
    ({"type": "string", "format": "date"}, ("2024-02-29", "2023-02-29", "2024-2-")),
    ({"type": "string", "format": "decimal"}, ("1.50", "-0.5", "1.", 1.5)),
    ({"type": "string", "format": "phone"}, ("090-1234-5678", "0172350000", "12")),
)
"""Questions, each with answers: the first always fits, also when the question is narrowed."""

GARBAGE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=4),
        st.sampled_from(["\ud800", "\x00", "\u202e", "　", "", 10**400, float("nan")]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcdefg"), inner, max_size=3)
    ),
    max_leaves=6,
)


@dataclass
class Scope:
    """What one object has declared so far: leaves by name, and which of them are asked whatever is answered."""

    draw: st.DrawFn
    taken: int = 0
    leaves: dict[str, int] = field(default_factory=dict)
    plain: list[str] = field(default_factory=list)

    def name(self) -> str:
        self.taken += 1
        return f"q{self.taken}"

    def one_of(self, *kinds: Callable[[], None]) -> None:
        self.draw(st.sampled_from(kinds))()


class Object:
    """Draws one object schema: questions, then conditions on them that declare or narrow others."""

    def __init__(self, draw: st.DrawFn, level: int = 0, in_rows: bool = False) -> None:
        self.scope, self.level, self.in_rows = Scope(draw), level, in_rows
        self.schema: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for _ in range(draw(st.integers(1, 4))):
            self.declare(self.schema, level, plain=True)
        parts: list[Schema] = [self.part(level + 2) for _ in range(draw(st.integers(0, 3)))]
        if parts:
            self.schema["allOf"] = parts
        if draw(st.integers(0, 5)) == 0:
            names = draw(
                st.lists(st.sampled_from(list(self.schema["properties"])), min_size=1, max_size=3, unique=True)
            )
            names = [name for name in names if name in self.scope.leaves]
            if names:
                self.schema["anyOf"] = [{"required": [name]} for name in names]

    def declare(self, part: dict[str, Any], level: int, plain: bool = False) -> None:
        """One more question of a part, which stands `level` deep in the schema."""
        draw = self.scope.draw
        name = self.scope.name()
        what = draw(st.integers(0, 9))
        if what == 0 and level < 4:
            part["properties"][name] = Object(draw, level + 1, self.in_rows).schema
        elif what == 1 and level < 4 and not self.in_rows:
            items = Object(draw, level + 2, in_rows=True).schema
            part["properties"][name] = {"type": "array", "maxItems": 3, "items": items}
        elif what == 2 and level < 7:
            ref = draw(st.sampled_from(sorted(COMMON)))
            part["properties"][name] = {"$ref": f"urn:kakanai:common#/$defs/{ref}"}
        else:
            leaf = draw(st.integers(0, len(LEAVES) - 1))
            part["properties"][name] = dict(LEAVES[leaf][0])
            self.scope.leaves[name] = leaf
            if plain:
                self.scope.plain.append(name)
        if draw(st.booleans()):
            part["required"].append(name)

    def part(self, level: int) -> Schema:
        """A part under `allOf`, what it opens standing `level` deep."""
        kinds = [self.condition, self.condition, self.condition, self.branches, self.dependent]
        made: Schema = self.scope.draw(st.sampled_from(kinds))(level)
        return made

    def condition(self, level: int) -> Schema:
        draw = self.scope.draw
        if not self.scope.leaves:
            return {"title": "何もない"}
        name = draw(st.sampled_from(sorted(self.scope.leaves)))
        test = self.test(name)
        part: dict[str, Any] = {"if": test, "then": self.opened(name, level)}
        if draw(st.integers(0, 3)) == 0:
            part["else"] = self.opened(name, level)
        return part

    def test(self, name: str) -> Schema:
        draw = self.scope.draw
        values = LEAVES[self.scope.leaves[name]][1]
        value = draw(st.sampled_from(values))
        if draw(st.integers(0, 5)) == 0:
            return {"required": [name]}
        if isinstance(value, list):
            return {"properties": {name: {"contains": {"const": draw(st.sampled_from("pqr"))}}}, "required": [name]}
        constant = value if type(value) in (str, int, bool) and str(value).isascii() else "a"
        checks: list[Schema] = [{"const": constant}, {"enum": [constant, "zz"]}, {"not": {"const": constant}}]
        return {"properties": {name: draw(st.sampled_from(checks))}, "required": [name]}

    def opened(self, source: str, level: int) -> dict[str, Any]:
        """A part that a condition on `source` opens."""
        draw = self.scope.draw
        part: dict[str, Any] = {"properties": {}, "required": []}
        for _ in range(draw(st.integers(0, 2))):
            self.declare(part, level)
        if source in self.scope.plain and draw(st.booleans()):
            self.narrow(part, source)
        if level < 8 and draw(st.integers(0, 2)) == 0:
            part["allOf"] = [self.part(level + 2)]
        return part

    def narrow(self, part: dict[str, Any], source: str) -> None:
        """Say more of a question that is asked anyway; its first answer always stays allowed."""
        names = [name for name in self.scope.plain if name != source and name not in part["properties"]]
        if not names:
            return
        name = self.scope.draw(st.sampled_from(names))
        said, values = LEAVES[self.scope.leaves[name]]
        if "maximum" in said:
            part["properties"][name] = {"maximum": self.scope.draw(st.integers(0, 12))}
        elif "oneOf" in said or "enum" in said:
            more = self.scope.draw(st.lists(st.sampled_from(values[1:3]), unique=True))
            part["properties"][name] = {"enum": [values[0], *more]}
        elif "items" in said:
            part["properties"][name] = {"items": {"enum": ["p", self.scope.draw(st.sampled_from("qr"))]}}
        elif "maxLength" in said:
            part["properties"][name] = {"maxLength": self.scope.draw(st.integers(1, 8))}
        part["required"].append(name)

    def branches(self, level: int) -> Schema:
        """Branches told apart by a question of their own; the choices that no branch stands for are not offered."""
        draw = self.scope.draw
        name = self.scope.name()
        key = draw(st.sampled_from(["oneOf", "anyOf"]))
        parts = []
        for constants in (["a"], ["b", "c"]):
            part: dict[str, Any] = {"properties": {}, "required": [name]}
            for _ in range(draw(st.integers(0, 2))):
                self.declare(part, level)
            part["properties"] = {name: {"enum": constants}, **part["properties"]}
            if level < 8 and draw(st.integers(0, 3)) == 0:
                part["allOf"] = [self.part(level + 2)]
            parts.append(part)
        whole: dict[str, Any] = {key: parts}
        if draw(st.booleans()):
            whole["properties"] = {name: choice("a", "b", "c", "d")}
        return whole

    def dependent(self, level: int) -> Schema:
        draw = self.scope.draw
        if not self.scope.leaves:
            return {"title": "何もない"}
        name = draw(st.sampled_from(sorted(self.scope.leaves)))
        if draw(st.booleans()) and name in self.scope.plain:
            return {"dependentRequired": {name: draw(st.lists(st.sampled_from(self.scope.plain), unique=True))}}
        return {"dependentSchemas": {name: self.opened(name, level)}}


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    """A valid schema of our dialect, bundled."""
    return bundle(Object(draw).schema, COMMON)


@st.composite
def answers_of(draw: st.DrawFn, form: Form, wild: bool = True) -> Answers:
    """Answers to some of the questions, asked or not: right ones, wrong ones and, if wild, any JSON."""

    def of_all(fields: tuple[Field, ...]) -> Answers:
        chosen = {item.name: of(item) for item in fields if draw(st.integers(0, 3))}
        return {name: value for name, value in chosen.items() if value is not NOTHING}

    def of(item: Field) -> Json:
        if wild and draw(st.integers(0, 15)) == 0:
            return draw(GARBAGE)
        if item.kind.name == "rows":
            return [of_all(item.children) for _ in range(draw(st.integers(0, 3)))]
        if item.children:
            return of_all(item.children)
        return draw(st.sampled_from(candidates(item, wild)))

    answers = of_all(form.steps[0].items)  # type: ignore[arg-type] # a bare schema has fields only
    if wild and draw(st.integers(0, 4)) == 0:
        answers["ghost"] = draw(GARBAGE)
    return answers


NOTHING = object()


def candidates(item: Field, wild: bool = True) -> tuple[Json, ...]:
    """Answers that one could give to a question."""
    for said, values in LEAVES:
        if all(item.schema.get(key) == value for key, value in said.items() if key not in ("oneOf", "items")):
            listed = [option["const"] for option in said.get("items", said).get("oneOf", ())]
            if [str(value) for value in listed] == [option.value for option in item.options] or not listed:
                return values if wild else tuple(v for v in values if validator(said).is_valid(v))
    if item.schema.get("type") == "boolean":
        return (True, False)
    if "minimum" in item.schema:
        return (item.schema["minimum"],)
    offered = tuple(option.value for option in item.options)
    if item.kind.name == "checkboxes":
        return ([offered[0]], list(offered))
    if offered:
        return tuple(map(int, offered)) if item.schema.get("type") == "integer" else offered
    return ("あ", "い")


@st.composite
def filled(draw: st.DrawFn, wild: bool = True) -> tuple[dict[str, Any], Form, Answers]:
    schema = draw(schemas())
    form = compile_form(schema)
    return schema, form, draw(answers_of(form, wild))


def leaves(questions: Mapping[str, Question]) -> Iterator[Question]:
    return (question for question in questions.values() if not question.field.children)


PYTHON_FORMATS = jsonschema.FormatChecker(formats=())
for _name, _accepts in FORMATS.items():
    PYTHON_FORMATS.checks(_name)(lambda text, accepts=_accepts: not isinstance(text, str) or accepts(text))


def accepts(schema: Schema, value: Json, defs: Mapping[str, Schema] | None = None) -> bool:
    """The verdict of the other validator, which shares no code with the one the engine uses."""
    whole = {**schema, "$defs": defs} if defs else schema
    judge = jsonschema.Draft202012Validator(whole, registry=referencing.Registry(), format_checker=PYTHON_FORMATS)
    return bool(judge.is_valid(value))


class Oracle:
    """What is asked, read from the schema itself with the other validator: slow and plain."""

    def __init__(self, schema: Schema) -> None:
        self.schema, self.defs = schema, schema.get("$defs", {})

    def kept(self, draft: Answers) -> Answers:
        view = draft
        for _ in range(50):
            kept = self.object([self.schema], draft, view)
            if kept == view:
                return kept
            view = kept
        raise AssertionError("the oracle found no fixpoint")

    def object(self, schemas: list[Schema], draft: Answers, view: Answers) -> Answers:
        active = [part for schema in schemas for part in self.active(schema, view)]
        names = list(dict.fromkeys(name for part in active for name in part.get("properties", {})))
        kept = {}
        for name in names:
            subs = [part["properties"][name] for part in active if name in part.get("properties", {})]
            value = self.value(subs, draft.get(name), view.get(name))
            if value is not None:
                kept[name] = value
        return kept

    def value(self, subs: list[Schema], draft: Json, view: Json) -> Json:
        subs = [part for sub in subs for part in self.parts(sub)]
        if any("properties" in sub for sub in subs):
            kept = self.object(subs, draft or {}, view or {})
            return kept or None
        items = [sub["items"] for sub in subs if "items" in sub]
        if any("properties" in item for item in items) and draft is not None:
            seen = view or []
            return [self.object(items, row, seen[i] if i < len(seen) else {}) for i, row in enumerate(draft)] or None
        return None if draft == "" else draft

    def parts(self, schema: Schema) -> Iterator[Schema]:
        yield schema
        if "$ref" in schema:
            yield from self.parts(self.defs[schema["$ref"].rpartition("/")[2]])
        for part in schema.get("allOf", ()):
            yield from self.parts(part)

    def active(self, schema: Schema, view: Answers) -> Iterator[Schema]:
        for part in self.parts(schema):
            yield part
            if "if" in part:
                branch = part.get("then" if accepts(part["if"], view) else "else", {})
                yield from self.active(branch, view)
            for name, sub in part.get("dependentSchemas", {}).items():
                if name in view:
                    yield from self.active(sub, view)
            for branch in [*part.get("oneOf", ()), *part.get("anyOf", ())]:
                yield from self.branch(branch, view)

    def branch(self, branch: Schema, view: Answers) -> Iterator[Schema]:
        for name, sub in branch.get("properties", {}).items():
            yield {"properties": {name: {}}} if "enum" in sub and name in branch["required"] else {}
            if "enum" in sub and name in view and accepts(sub, view[name]):
                yield from self.active(branch, view)
                return
            return


def without_empty(value: Json) -> Json:
    """`value` without objects and lists that hold nothing, but rows stay."""
    if isinstance(value, dict):
        inner = {name: without_empty(item) for name, item in value.items()}
        return {name: item for name, item in inner.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    return value


@examples
@given(filled())
def test_settling_finds_one_set_of_questions_within_its_rounds(case: tuple[Any, Form, Answers]) -> None:
    _, form, answers = case
    first = form.settle(answers, TODAY)
    again = form.settle(first.kept, TODAY)
    assert again.kept == first.kept
    assert list(again.by_pointer) == list(first.by_pointer)
    assert not again.dropped


@examples
@given(filled(), st.randoms(use_true_random=False))
def test_the_order_in_which_answers_come_does_not_matter(case: tuple[Any, Form, Answers], random: Any) -> None:
    _, form, answers = case

    def shuffled(value: Json) -> Json:
        if isinstance(value, dict):
            names = list(value)
            random.shuffle(names)
            return {name: shuffled(value[name]) for name in names}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    first, second = form.settle(answers, TODAY), form.settle(shuffled(answers), TODAY)
    assert repr(first.kept) == repr(second.kept)
    assert list(first.by_pointer) == list(second.by_pointer)
    assert form.errors(first) == form.errors(second)


@examples
@given(filled(wild=False))
def test_what_is_kept_is_what_the_schema_itself_asks(case: tuple[Any, Form, Answers]) -> None:
    schema, form, answers = case
    assert without_empty(form.settle(answers, TODAY).kept) == without_empty(Oracle(schema).kept(answers))


@examples
@given(filled())
def test_every_kept_answer_has_its_question(case: tuple[Any, Form, Answers]) -> None:
    _, form, answers = case
    settled = form.settle(answers, TODAY)
    for question in settled.by_pointer.values():
        if isinstance(question.value, dict) and question.children:
            assert set(question.value) <= {child.field.name for child in question.children}
        if question.rows and isinstance(question.value, list):
            assert len(question.rows) == len(question.value)
    assert set(settled.kept) <= {question.field.name for question in settled.questions}


@examples
@given(filled())
def test_every_error_stands_at_a_question_that_is_asked(case: tuple[Any, Form, Answers]) -> None:
    _, form, answers = case
    settled = form.settle(answers, TODAY)
    errors = form.errors(settled)
    assert {error.pointer for error in errors} <= set(settled.by_pointer)
    assert len({error.pointer for error in errors}) == len(errors)
    order = list(settled.by_pointer)
    assert [error.pointer for error in errors] == sorted((e.pointer for e in errors), key=order.index)


@examples
@given(filled())
def test_no_error_means_that_any_validator_accepts_the_answers(case: tuple[Any, Form, Answers]) -> None:
    schema, form, answers = case
    settled = form.settle(answers, TODAY)
    errors = [error for error in form.errors(settled) if error.code != "characters"]
    assert (not errors) == accepts(schema, settled.kept)


@examples
@given(filled())
def test_a_question_alone_judges_its_answer_as_the_whole_schema_does(case: tuple[Any, Form, Answers]) -> None:
    _, form, answers = case
    settled = form.settle(answers, TODAY)
    wrong = {error.pointer: error.code for error in form.errors(settled)}
    for question in leaves(settled.by_pointer):
        if question.value is not None and wrong.get(question.pointer) not in ("anyOf", "characters"):
            alone = validator(question.field.schema).is_valid(question.value)
            assert alone == (question.pointer not in wrong), question.pointer


@examples
@given(filled(wild=False))
def test_every_choice_that_is_offered_is_accepted(case: tuple[Any, Form, Answers]) -> None:
    _, form, answers = case
    for question in leaves(form.settle(answers, TODAY).by_pointer):
        assert bool(question.field.options) == (question.field.kind.name in CHOICES)
        for option in question.field.options:
            posted = {question.pointer[1:].replace("/", "."): ["", option.value]}
            picked = question.field.kind.parse(question.field, next(iter(posted)), posted)
            assert validator(question.field.schema).is_valid(picked), option


CHOICES = {"radio", "select", "checkboxes", "yes_no", "consent"}


@examples
@given(filled())
def test_who_answers_what_is_asked_gets_through(case: tuple[Any, Form, Answers]) -> None:
    _, form, answers = case
    draft = json.loads(json.dumps(form.settle(answers, TODAY).kept, allow_nan=True))
    for _ in range(3 * len(form.fields) + 5):
        settled = form.settle(draft, TODAY)
        errors = form.errors(settled)
        if not errors:
            return
        for error in errors:
            mend(draft, settled.by_pointer[error.pointer])
    raise AssertionError(f"still wrong: {errors}")


def mend(draft: Answers, question: Question) -> None:
    """Answer one question with what always fits."""
    item = question.field
    if item.kind.name == "rows":
        given_rows = question.value if isinstance(question.value, list) else []
        value: Json = [row for row in given_rows if isinstance(row, dict)][:3] or [{}]
    else:
        value = {} if item.children else candidates(item, wild=False)[0]
    replace(draft, question.pointer[1:].split("/"), value)


def replace(answers: Json, path: list[str], value: Json) -> None:
    name: Any = int(path[0]) if isinstance(answers, list) else path[0]
    if len(path) == 1:
        answers[name] = value
        return
    if isinstance(answers, dict) and not isinstance(answers.get(name), dict | list):
        answers[name] = {}
    replace(answers[name], path[1:], value)


@examples
@given(filled())
def test_what_is_dropped_and_what_is_kept_together_are_what_was_answered(case: tuple[Any, Form, Answers]) -> None:
    _, form, answers = case
    settled = form.settle(answers, TODAY)
    for dropped in settled.dropped:
        assert dropped.pointer not in settled.by_pointer
        assert dropped.value not in (None, "", {}, [])
        assert at(settled.kept, dropped.pointer) is None
    for pointer, item in form.fields.items():
        if "*" in pointer or item.children:
            continue
        given_answer = at(answers, pointer)
        if isinstance(given_answer, str | bool) and str(given_answer).strip() and "\ud800" not in str(given_answer):
            outcomes = [at(settled.kept, pointer) == given_answer, _was_dropped(pointer, settled.dropped)]
            assert sum(outcomes) == 1, pointer


def _was_dropped(pointer: str, dropped: Any) -> bool:
    return any(pointer == item.pointer or pointer.startswith(f"{item.pointer}/") for item in dropped)


@examples
@given(filled())
def test_any_json_is_answered(case: tuple[Any, Form, Answers]) -> None:
    """Whatever a machine sends: what is kept can be written, shown and judged."""
    _, form, answers = case
    settled = form.settle(answers, TODAY)
    form.errors(settled)
    form.unknown(answers)
    for question in leaves(settled.by_pointer):
        question.field.kind.parts(question.field, "q", question.value)
        if question.value is not None:
            question.field.kind.text(question.field, question.value).encode()
    for item in settled.dropped:
        item.field.kind.text(item.field, item.value).encode()


@examples
@given(filled(wild=False))
def test_what_a_page_shows_is_what_posting_it_gives(case: tuple[Any, Form, Answers]) -> None:
    _, form, answers = case
    settled = form.settle(answers, TODAY)
    wrong = {error.pointer for error in form.errors(settled)}
    assume(not any(question.pointer in wrong for question in leaves(settled.by_pointer) if question.value is not None))
    decoded = form.decode(0, controls(settled.by_pointer), {})
    assert decoded.answers == without_blank_rows(without_empty(settled.kept))


def without_blank_rows(value: Json) -> Json:
    if isinstance(value, dict):
        inner = {name: without_blank_rows(item) for name, item in value.items()}
        return {name: item for name, item in inner.items() if item not in ({}, [])}
    return [without_blank_rows(item) for item in value if item] if isinstance(value, list) else value


def controls(questions: Mapping[str, Question]) -> dict[str, list[str]]:
    """What a browser would post of a page that shows `questions`."""
    posted: dict[str, list[str]] = {}
    for question in questions.values():
        name = question.pointer[1:].replace("/", ".")
        if question.field.kind.name == "rows":
            posted[f"_rows.{name}"] = [str(len(question.rows))]
        elif not question.field.children:
            parts = question.field.kind.parts(question.field, name, question.value)
            for suffix, text in parts.items():
                posted[name + suffix] = [text]
            if question.field.kind.name == "checkboxes":
                posted[name] += question.field.kind.chosen(question.value, parts)
    return posted


TYPED = st.lists(
    st.one_of(
        st.text(max_size=6),
        st.sampled_from(["", "true", "a", "2024", "reiwa", "9" * 5000, "-1", "٣", "1_0", "\ud800", "\x00", "２０２４"]),
    ),
    max_size=3,
)


@examples
@given(schemas(), st.data())
def test_any_post_is_read(schema: dict[str, Any], data: st.DataObject) -> None:
    form = compile_form(schema)
    names = [
        prefix + pointer[1:].replace("/", ".").replace("*", row) + suffix
        for pointer in form.fields
        for row in ("0", "1")
        for prefix in ("", "_rows.")
        for suffix in ("", ".year", ".era", ".keep")
    ]
    posted = data.draw(st.dictionaries(st.sampled_from([*names, "ghost", "", "."]), TYPED, max_size=30))
    before = data.draw(answers_of(form))
    decoded = form.decode(0, posted, before)
    form.errors(form.settle(decoded.answers, TODAY, decoded.rows))
    for pointer in posted:
        assert pointer != "ghost" or decoded.answers.get("ghost") == before.get("ghost")


@examples
@given(schemas())
def test_a_draft_begins_with_nothing_that_would_be_dropped(schema: dict[str, Any]) -> None:
    for name, said in list(schema["properties"].items()):
        if "maximum" in said:
            schema["properties"][name] = {**said, "default": 1}
    form = compile_form(schema)
    begun = form.start(TODAY)
    assert not form.settle(begun, TODAY).dropped
    assert form.start(TODAY) == begun
