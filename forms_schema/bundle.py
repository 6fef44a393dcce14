"""Copy what a declaration shares into the declaration itself, so that a version is one text.

References lead to `urn:kakanai:common#/$defs/<name>` or to the schema's own `#/$defs/<name>`, nowhere else:
nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forms_schema.base import BadDeclaration, Fault, Json, Schema
from forms_schema.guess import meant

COMMON = "urn:kakanai:common#/$defs/"
LOCAL = "#/$defs/"


MAX_NESTING = 40
_BY_NAME = frozenset({"properties", "dependentSchemas", "dependentRequired"})


def deeper_than(node: Json, limit: int) -> bool:
    """Whether a JSON value is nested deeper than `limit`, told without going deeper."""
    if limit < 0:
        return True
    inner = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    return any(deeper_than(child, limit - 1) for child in inner)


def bundle(schema: Schema, common: Mapping[str, Schema]) -> dict[str, Any]:
    """The schema with every common definition it uses in its own `$defs`, in the order of first use.

    Raises BadDeclaration for a reference to anything else, and for a name that nobody defines.
    """
    own: dict[str, Json] = {}
    local = schema.get("$defs", {})
    if deeper_than(schema, MAX_NESTING) or not isinstance(local, Mapping):
        raise BadDeclaration([Fault("", "$defs が読めないか、入れ子が深すぎます", f"{MAX_NESTING} 段まで")])
    faults = [
        Fault(f"/$defs/{name}", "この名前は共通定義にあります", "ほかの名前にしてください")
        for name in sorted(set(common) & set(local))
    ]
    body = {key: value for key, value in schema.items() if key != "$defs"}
    result = _localised(body, "", {**common, **local}, own, faults)
    if faults:
        raise BadDeclaration(faults)
    return {**result, "$defs": own} if own else result


def _localised(
    node: Json, at: str, sources: Mapping[str, Schema], own: dict[str, Json], faults: list[Fault], named: bool = False
) -> Any:
    """`node` with its references made local; `named` when its keys are names of questions, not keywords."""
    if isinstance(node, list):
        return [_localised(item, f"{at}/{i}", sources, own, faults) for i, item in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    result = {}
    for key, value in node.items():
        place = f"{at}/{key}"
        if key == "$ref" and not named:
            result[key] = _adopted(value, place, sources, own, faults)
        else:
            result[key] = _localised(value, place, sources, own, faults, not named and key in _BY_NAME)
    return result


def _adopted(ref: Json, at: str, sources: Mapping[str, Schema], own: dict[str, Json], faults: list[Fault]) -> Json:
    name = _name(ref)
    if name is None or name not in sources:
        known = f"{COMMON}<名前> と書きます。使える名前: {'、'.join(sorted(sources)) or 'なし'}"
        faults.append(Fault(at, "参照先がありません", meant(str(ref), map(COMMON.__add__, sources), known)))
        return ref
    if name not in own:
        own[name] = {}  # taken before descending: a loop meets it here and is refused when compiled
        own[name] = _localised(sources[name], f"/$defs/{name}", sources, own, faults)
    return LOCAL + name


def _name(ref: Json) -> str | None:
    if not isinstance(ref, str):
        return None
    for prefix in (COMMON, LOCAL):
        if ref.startswith(prefix):
            return ref.removeprefix(prefix)
    return None
