"""GraphQL documents: read, limited and validated once each, and what one of their operations would cost.

The limits are our own, in one walk that takes each fragment once: depth and aliases as other libraries count them
take 2^n steps for n fragments that each name the next one twice. They come before validation, which is the dearer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    IntValueNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    parse,
    specified_rules,
    validate,
)

from procedures.bookings import MOST_SLOTS
from server.api.paging import CASES, PROCEDURES, VERSIONS
from server.api.policy import PUBLIC
from server.api.refusals import ApiError

MAX_TOKENS: Final = 1000
MAX_DEPTH: Final = 8
MAX_ALIASES: Final = 10
MAX_FIELDS: Final = 300
MAX_COST: Final = 20_000
KEPT: Final = 256
"""Documents held read; each has at most MAX_TOKENS."""

LENGTHS: Final = {
    "edges": 1,  # counted with the page around it
    "steps": 20,
    "attachments": 20,
    "items": 16,
    "history": 30,
    "messages": 30,
    "errors": 100,
    "leftOut": 100,
    "rollout": 10,
    "slots": MOST_SLOTS,
    "categories": 40,
    "lifeEvents": 40,
    "advice": 30,
    "groups": 20,
    "departments": 60,
    "channels": 5,
    "assurances": 5,
    "states": 5,
    "statistics": 1000,
    "files": 40,
    "looks": 500,
}
"""How long a list of objects is taken to be, by its field; a test holds it to the schema and to what is served."""
PAGED: Final = {"procedures": PROCEDURES, "versions": VERSIONS, "cases": CASES}
"""Lists that are read page by page: their edges count as often as the page is long."""
WEIGHTS: Final = {
    "procedures": 500,
    "facets": 2000,
    "procedure": 10,
    "schema": 60,
    "ui": 20,
    "steps": 200,
    "attachments": 200,
    "versions": 100,
    "slots": 200,
    "recommendations": 500,
    "statistics": 500,
    "application": 200,
    "office": 100,
    "cases": 500,
    "case": 500,
    "looks": 500,
    "submitApplication": 2000,
    "startSignature": 2000,
    "withdrawApplication": 2000,
    "answerApplication": 2000,
    "messages": 200,
}
"""What fields weigh, in plain fields, that go to the database, walk through the whole catalogue, or have a form read
and compiled: with twenty thousand procedures a query of MAX_COST takes less than a second of CPU."""
INTROSPECTION: Final = 2000
_ROOTS: Final = {OperationType.QUERY: "Query", OperationType.MUTATION: "Mutation"}


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a document. `public`: its answer is the same for everybody."""

    node: OperationDefinitionNode
    document: Document
    name: str | None
    mutation: bool
    public: bool

    def cost(self, variables: Mapping[str, Any]) -> int:
        """At least as many resolvers as it would call. Raises ApiError for a page that is too long."""
        return _Cost(self.document.fragments, _defaults(self.node) | dict(variables)).of(self.node.selection_set)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """What a text says, or why it does not stand."""

    node: DocumentNode | None = None
    errors: tuple[GraphQLError, ...] = ()
    fragments: Mapping[str, FragmentDefinitionNode] = field(default_factory=dict)

    def operation(self, name: str | None) -> Operation:
        """The operation of this name, or the only one. Raises ApiError."""
        found = [each for each in _definitions(self.node, OperationDefinitionNode) if name in (None, _name(each))]
        if len(found) != 1:
            raise ApiError("OPERATION_NOT_FOUND", "operationName に、送った文書にある操作の名前を1つ書いてください。")
        root = _ROOTS.get(found[0].operation)
        if root is None:
            raise ApiError("OPERATION_NOT_FOUND", "subscription はありません。")
        called = {f"{root}.{each}" for each in _called(found[0].selection_set, self.fragments, set())}
        return Operation(found[0], self, _name(found[0]), root == "Mutation", called <= PUBLIC)


class Documents:
    """Reads documents against one schema and keeps them. `introspection` off hides the schema."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        hidden: tuple[type[ASTValidationRule], ...] = () if introspection else (NoSchemaIntrospectionCustomRule,)
        rules = (*specified_rules, *hidden)
        self.read = lru_cache(KEPT)(lambda text: _read(text, schema, rules))


def _read(text: str, schema: GraphQLSchema, rules: Sequence[type[ASTValidationRule]]) -> Document:
    try:
        node = parse(text, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        return Document(errors=(_coded(error, "GRAPHQL_PARSE_FAILED"),))
    fragments = {each.name.value: each for each in _definitions(node, FragmentDefinitionNode)}
    try:
        problem = _Limits(fragments).of(node)
    except RecursionError:
        problem = ApiError("TOO_DEEP", f"入れ子が深すぎます。{MAX_DEPTH}段までです。")
    if problem is not None:
        return Document(errors=(problem,))
    errors = validate(schema, node, rules, 20, hide_suggestions=True, allow_empty_selection_sets=False)
    if errors:
        return Document(errors=tuple(_coded(error, "GRAPHQL_VALIDATION_FAILED") for error in errors))
    return Document(node, (), fragments)


def _coded(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {"code": code}
    return error


def _definitions(node: DocumentNode | None, kind: type[Any]) -> list[Any]:
    return [each for each in node.definitions if isinstance(each, kind)] if node else []


def _name(node: OperationDefinitionNode) -> str | None:
    return node.name.value if node.name else None


def _called(selected: SelectionSetNode, fragments: Mapping[str, Any], seen: set[str]) -> Iterator[str]:
    """The fields that a selection names, through its fragments."""
    for each in selected.selections:
        if isinstance(each, FieldNode):
            yield each.name.value
        elif not isinstance(each, FragmentSpreadNode):
            yield from _called(each.selection_set, fragments, seen)  # type: ignore[attr-defined]  # inline
        elif each.name.value not in seen:
            seen.add(each.name.value)
            yield from _called(fragments[each.name.value].selection_set, fragments, seen)


def _introspects(node: FieldNode) -> bool:
    return node.name.value in ("__schema", "__type")


class _Limits:
    """Counts fields and aliases of a document, and measures how deep it goes."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._depths: dict[str, int] = {}
        self._fields = self._aliases = 0

    def of(self, document: DocumentNode) -> ApiError | None:
        deepest = 0
        for each in document.definitions:
            if isinstance(each, OperationDefinitionNode):
                deepest = max(deepest, self._depth(each.selection_set))
            elif isinstance(each, FragmentDefinitionNode):
                self._of_fragment(each.name.value)
        if self._fields > MAX_FIELDS:
            return ApiError("TOO_MANY_FIELDS", f"項目が多すぎます({self._fields})。{MAX_FIELDS}までです。")
        if self._aliases > MAX_ALIASES:
            return ApiError("TOO_MANY_ALIASES", f"別名が多すぎます({self._aliases})。{MAX_ALIASES}までです。")
        if deepest > MAX_DEPTH:
            return ApiError("TOO_DEEP", f"入れ子が深すぎます({deepest}段)。{MAX_DEPTH}段までです。")
        return None

    def _depth(self, selected: SelectionSetNode | None) -> int:
        return max((self._of(each) for each in selected.selections), default=0) if selected else 0

    def _of(self, node: Any) -> int:
        if isinstance(node, FragmentSpreadNode):
            return self._of_fragment(node.name.value)
        if not isinstance(node, FieldNode):
            return self._depth(node.selection_set)
        self._fields += 1
        self._aliases += node.alias is not None
        below = self._depth(node.selection_set)
        return 1 if _introspects(node) else 1 + below

    def _of_fragment(self, name: str) -> int:
        known = self._depths.get(name)
        if known is None:
            self._depths[name] = 0  # a circle ends here; validation tells of it
            fragment = self._fragments.get(name)
            known = self._depths[name] = self._depth(fragment.selection_set) if fragment else 0
        return known


class _Cost:
    """Adds up an operation: one a field, times the length of each list around it."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self._fragments, self._variables = fragments, variables
        self._known: dict[str, int] = {}

    def of(self, selected: SelectionSetNode) -> int:
        return sum(self._of(each) for each in selected.selections)

    def _of(self, node: Any) -> int:
        if isinstance(node, FragmentSpreadNode):
            return self._of_fragment(node.name.value)
        if not isinstance(node, FieldNode):
            return self.of(node.selection_set)
        if _introspects(node):
            return INTROSPECTION
        name = node.name.value
        below = self.of(node.selection_set) if node.selection_set else 0
        if name in PAGED and node.selection_set:  # what stands beside the edges is answered once
            return WEIGHTS.get(name, 1) + below + self._edges(node.selection_set) * (self._page(node) - 1)
        return WEIGHTS.get(name, 1) + below * LENGTHS.get(name, 1)

    def _edges(self, selected: SelectionSetNode) -> int:
        """What one edge of a page costs, through fragments too."""
        total = 0
        each: Any
        for each in selected.selections:
            if isinstance(each, FragmentSpreadNode):
                total += self._edges(self._fragments[each.name.value].selection_set)
            elif not isinstance(each, FieldNode):
                total += self._edges(each.selection_set)
            elif each.name.value == "edges":
                total += self._of(each)
        return total

    def _of_fragment(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = self.of(self._fragments[name].selection_set)
        return self._known[name]

    def _page(self, node: FieldNode) -> int:
        value = next((each.value for each in node.arguments or () if each.name.value == "first"), None)
        return max(PAGED[node.name.value].size(_number(value, self._variables)), 1)


def _number(value: ValueNode | None, variables: Mapping[str, Any]) -> int | None:
    """A whole number written out or given as a variable."""
    if isinstance(value, IntValueNode):
        return int(value.value[:12])
    if isinstance(value, VariableNode):
        given = variables.get(value.name.value)
        return given if isinstance(given, int) else None  # another kind of value is refused by its type
    return None


def _defaults(node: OperationDefinitionNode) -> dict[str, Any]:
    """The variables' defaults, as far as a page's size may be one of them."""
    return {
        each.variable.name.value: _number(each.default_value, {})
        for each in node.variable_definitions or ()
        if each.default_value is not None
    }
