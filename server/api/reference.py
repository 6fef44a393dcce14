"""docs/api-reference.md, written from the schema: each type by its topic, each field with who may read it and its cost.

The words are the descriptions of the schema, in Japanese; nothing is said here that the schema does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from server.api.documents import LENGTHS, MAX_ALIASES, MAX_COST, MAX_DEPTH, MAX_FIELDS, PAGED, WEIGHTS, Documents
from server.api.policy import POLICY, Access
from server.api.registered import identifier, read_queries

TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "手続": ("Query.procedures", "Query.procedure"),
    "分類と担当課": ("Query.categories", "Query.departments"),
    "暮らしのできごと": ("Query.lifeEvents", "Query.lifeEvent", "Query.recommendations"),
    "予約の枠": ("Query.slots",),
    "数": ("Query.rollout", "Query.statistics"),
    "申請": (
        "Query.application",
        "Mutation.submitApplication",
        "Mutation.withdrawApplication",
        "Mutation.answerApplication",
    ),
    "電子署名": ("Mutation.startSignature",),
    "職員": ("Query.office",),
}
"""Root fields by topic; a type stands with the first that leads to it. What is in none comes last."""
REST: Final = "そのほか"

WHO: Final = {
    Access.EVERYBODY: "だれでも(同じ日は同じ答え)",
    Access.ANYBODY: "だれでも(答えは刻々と変わる)",
    Access.HOLDER: "受付番号と確認コードを持つ人",
    Access.ASSURED: "手続のレベルで確かめられた人",
    Access.STAFF: "サインインした職員(役割と課による)",
}

_HEAD: Final = """# APIの型 / API reference

<!-- Written by `python -m server.api.export`. Do not edit. -->

How to call the API, and what its errors mean: [api.md](api.md). 使い方とエラー: [api.md](api.md)。

## 限り / Limits

| | |
|---|---|
| 重さの合計 (cost) | {cost} |
| 入れ子 (depth) | {depth} |
| 項目 (fields) | {fields} |
| 別名 (aliases) | {aliases} |

重さは、項目1つを1と数える。一覧の中の項目は、一覧の長さだけ数える。下の表の「重さ」は、その項目だけの重さで、
「× n」は、下にある項目をn倍に数えること。答えの `extensions` に `cost` と `costLimit` がある。
"""


def reference(schema: GraphQLSchema) -> str:
    """The whole page, in Markdown."""
    limits = _HEAD.format(cost=MAX_COST, depth=MAX_DEPTH, fields=MAX_FIELDS, aliases=MAX_ALIASES)
    topics = _by_topic(schema)
    parts = [limits, _registered(schema)]
    for topic, types in topics.items():
        parts.append(f"## {topic}\n")
        parts += _roots(schema, topic)
        parts += [_told(each, types[each]) for each in types]
    return "\n".join(parts).rstrip() + "\n"


# --- what stands where --------------------------------------------------------------------------------------------


def _by_topic(schema: GraphQLSchema) -> dict[str, dict[GraphQLNamedType, set[Access]]]:
    """The types of each topic, with the rules of the root fields that lead to them."""
    rules: dict[GraphQLNamedType, set[Access]] = {}
    topics: dict[str, dict[GraphQLNamedType, set[Access]]] = {}
    for topic in (*TOPICS, REST):
        topics[topic] = {}
        for name in _names(schema, topic):
            for each in _below(_root(schema, name)):
                if each not in rules:
                    topics[topic][each] = rules[each] = set()
                rules[each].add(POLICY[name])
    return {topic: types for topic, types in topics.items() if types or _names(schema, topic)}


def _names(schema: GraphQLSchema, topic: str) -> list[str]:
    listed = {name for names in TOPICS.values() for name in names}
    return list(TOPICS.get(topic, ())) or [name for name in POLICY if name not in listed]


def _root(schema: GraphQLSchema, name: str) -> GraphQLField:
    kind, _, field = name.partition(".")
    found: GraphQLField = cast(GraphQLObjectType, schema.type_map[kind]).fields[field]
    return found


def _below(field: GraphQLField) -> Iterator[GraphQLNamedType]:
    """Every type that a field leads to, its arguments' too, each once; the plain scalars are known to everybody."""
    waiting: list[Any] = [get_named_type(field.type), *(get_named_type(arg.type) for arg in field.args.values())]
    seen: set[GraphQLNamedType] = set()
    while waiting:
        each = waiting.pop(0)
        if each in seen or each.name in ("String", "Int", "Boolean", "ID", "Float"):
            continue
        seen.add(each)
        yield each
        waiting += _inner(each)


def _inner(each: GraphQLNamedType) -> list[Any]:
    if isinstance(each, GraphQLUnionType):
        return list(each.types)
    if isinstance(each, GraphQLInputObjectType):
        return [get_named_type(field.type) for field in each.fields.values()]
    if isinstance(each, GraphQLObjectType):
        args = [get_named_type(arg.type) for field in each.fields.values() for arg in field.args.values()]
        return [*args, *(get_named_type(field.type) for field in each.fields.values())]
    return []


# --- how it is told -----------------------------------------------------------------------------------------------


def _registered(schema: GraphQLSchema) -> str:
    documents = Documents(schema, introspection=False)
    rows = []
    for name, text in read_queries().items():
        operation = documents.read(text).operation(None)
        variables = ", ".join(
            f"`{each.variable.name.value}: {_type_text(text, each.type)}`"
            for each in operation.node.variable_definitions or ()
        )
        link = f"[{name}](../server/api/queries/{name}.graphql)"
        rows.append(f"| {link} | `{identifier(text)}` | {variables} | {operation.cost({})} |")
    head = "## GET で呼べる問い合わせ / Registered queries\n\n`GET /graphql?id=…&variables=…`\n"
    table = "| 名前 | id | 変数 | 重さ(変数なし) |\n|---|---|---|---|\n"
    return f"{head}\n{table}" + "\n".join(rows) + "\n"


def _type_text(text: str, node: Any) -> str:
    return text[node.loc.start : node.loc.end]


def _roots(schema: GraphQLSchema, topic: str) -> Iterator[str]:
    for name in _names(schema, topic):
        kind, _, short = name.partition(".")
        field = _root(schema, name)
        lines = [f"### {'mutation' if kind == 'Mutation' else 'query'} `{short}`: `{field.type}`\n"]
        lines.append(f"{field.description} 重さ: {_cost(short, field)}。使えるのは: {WHO[POLICY[name]]}。\n")
        if field.args:
            lines += ["| 引数 | 型 | |", "|---|---|---|", *_args(field.args), ""]
        yield "\n".join(lines)


def _args(args: Mapping[str, GraphQLArgument]) -> list[str]:
    return [f"| `{name}` | `{each.type}` | {each.description} |" for name, each in args.items()]


def _told(each: GraphQLNamedType, rules: set[Access]) -> str:
    lines = [f"### {_kind(each)} `{each.name}`\n", f"{each.description}\n"]
    if isinstance(each, GraphQLObjectType):
        lines += [f"読めるのは: {_who(rules)}。\n", "| 項目 | 型 | 重さ | |", "|---|---|---|---|"]
        lines += [_row(name, field) for name, field in each.fields.items()]
    elif isinstance(each, GraphQLInputObjectType):
        lines += ["| 項目 | 型 | |", "|---|---|---|"]
        lines += [f"| `{name}` | `{field.type}` | {field.description} |" for name, field in each.fields.items()]
    elif isinstance(each, GraphQLEnumType):
        lines += ["| 値 | |", "|---|---|"]
        lines += [f"| `{name}` | {value.description} |" for name, value in each.values.items()]
    elif isinstance(each, GraphQLUnionType):
        lines.append(" または ".join(f"`{one.name}`" for one in each.types))
    return "\n".join(lines) + "\n"


def _who(rules: set[Access]) -> str:
    """What everybody may read one way, they may read."""
    told = [Access.EVERYBODY] if Access.EVERYBODY in rules else [access for access in Access if access in rules]
    return "、".join(WHO[access] for access in told)


def _row(name: str, field: GraphQLField) -> str:
    given = ", ".join(f"{arg}: {each.type}" for arg, each in field.args.items())
    told = f"{name}({given})" if given else name
    more = " ".join(f"`{arg}`: {each.description}" for arg, each in field.args.items())
    return f"| `{told}` | `{field.type}` | {_cost(name, field)} | {field.description}{' ' + more if more else ''} |"


def _cost(name: str, field: GraphQLField) -> str:
    own = str(WEIGHTS.get(name, 1))
    if name in PAGED:
        return f"{own}、edges × first(なければ{PAGED[name].usual})"
    inner = field.type.of_type if is_non_null_type(field.type) else field.type
    listed = is_list_type(inner) and not is_leaf_type(get_named_type(inner))
    times = LENGTHS.get(name, 1) if listed else 1
    return f"{own} × {times}" if times > 1 else own


def _kind(each: GraphQLNamedType) -> str:
    return next(word for kind, word in _KINDS.items() if isinstance(each, kind))


_KINDS: Final = {
    GraphQLObjectType: "type",
    GraphQLInputObjectType: "input",
    GraphQLEnumType: "enum",
    GraphQLUnionType: "union",
    GraphQLScalarType: "scalar",
}
