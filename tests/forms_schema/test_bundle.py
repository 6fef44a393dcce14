"""What a declaration shares is copied into it, and nothing is ever fetched."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from forms_schema import BadDeclaration, Schema, bundle, compile_form
from forms_schema.bundle import COMMON
from tests.forms_schema.asking import refused, schema

SHARED: dict[str, Schema] = {
    "phone": {"type": "string", "format": "phone"},
    "name": {"type": "object", "properties": {"family": {"type": "string"}}, "required": ["family"]},
    "person": {
        "type": "object",
        "properties": {"name": {"$ref": f"{COMMON}name"}, "phone": {"$ref": f"{COMMON}phone"}},
    },
    "unused": {"type": "string"},
}


def ref(name: str) -> Schema:
    return {"$ref": COMMON + name}


def test_what_is_used_is_copied_with_all_that_it_uses() -> None:
    whole = bundle(schema(applicant=ref("person"), agent=ref("person")), SHARED)
    assert list(whole["$defs"]) == ["person", "name", "phone"]
    assert whole["properties"]["applicant"] == {"$ref": "#/$defs/person"}
    assert whole["$defs"]["person"]["properties"]["name"] == {"$ref": "#/$defs/name"}
    assert COMMON not in json.dumps(whole)


def test_a_schema_that_shares_nothing_stays_as_it_is() -> None:
    plain = schema(copies={"type": "integer"})
    assert bundle(plain, SHARED) == plain


def test_the_order_of_questions_survives() -> None:
    whole = bundle(schema(b=ref("phone"), a=ref("name"), c={"type": "string"}), SHARED)
    assert list(whole["properties"]) == ["b", "a", "c"]


def test_bundling_twice_changes_nothing() -> None:
    once = bundle(schema(applicant=ref("person")), SHARED)
    assert bundle(once, {}) == once


def test_neither_the_schema_nor_the_shared_definitions_are_changed() -> None:
    before = json.dumps(SHARED)
    source = schema(applicant=ref("person"))
    bundle(source, SHARED)
    assert source == schema(applicant=ref("person"))
    assert json.dumps(SHARED) == before


def test_a_definition_of_ones_own_is_copied_too() -> None:
    whole = bundle(schema(pet={"$ref": "#/$defs/pet"}, defs={"pet": {"type": "string"}}), SHARED)
    assert whole["$defs"] == {"pet": {"type": "string"}}


def test_a_question_may_be_called_like_a_keyword() -> None:
    """`properties` inside `properties` is a name; a reference under it is a reference all the same."""
    source = schema(properties=ref("name"), items=ref("phone"), allof={"type": "string"})
    form = compile_form(bundle(source, SHARED))
    assert list(form.fields) == ["/properties", "/properties/family", "/items", "/allof"]


@pytest.mark.parametrize(
    "target",
    [
        "urn:kakanai:common#/$defs/nobody",
        "urn:kakanai:common#/$defs/",
        "urn:kakanai:common",
        "#/$defs/nobody",
        "#",
        "#/properties/a",
        "common.json#/$defs/phone",
        "file:///etc/passwd",
        "https://example.jp/schema.json",
        "",
        7,
        None,
        ["urn:kakanai:common#/$defs/phone"],
    ],
)
def test_a_reference_to_anything_else_is_refused(target: Any) -> None:
    with pytest.raises(BadDeclaration) as bad:
        bundle(schema(a={"$ref": target}), SHARED)
    (fault,) = bad.value.faults
    assert fault.pointer == "/properties/a/$ref"
    assert "phone" in fault.allowed


def test_a_shared_name_may_not_be_taken_for_something_else() -> None:
    with pytest.raises(BadDeclaration, match="共通定義"):
        bundle(schema(a={"$ref": "#/$defs/phone"}, defs={"phone": {"type": "integer"}}), SHARED)


def test_definitions_that_are_no_object_are_refused() -> None:
    with pytest.raises(BadDeclaration):
        bundle({"type": "object", "$defs": ["phone"]}, SHARED)


def test_endless_nesting_is_refused_before_it_is_followed() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"allOf": [deep]}
    with pytest.raises(BadDeclaration, match="深すぎ"):
        bundle(deep, SHARED)


@pytest.mark.parametrize(
    "definitions",
    [
        {"a": {"$ref": "#/$defs/a"}},
        {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
        {"a": {"type": "object", "properties": {"child": {"$ref": "#/$defs/a"}}}},
        {
            "a": {"type": "array", "items": {"$ref": "#/$defs/b"}},
            "b": {"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}}},
        },
        {
            "a": {
                "allOf": [{"if": {"required": ["x"]}, "then": {"$ref": "#/$defs/a"}}],
                "properties": {"x": {"type": "string"}},
            }
        },
        {"a": {"type": "string", "anyOf": [{"properties": {"k": {"const": "v"}, "a": {"$ref": "#/$defs/a"}}}]}},
    ],
)
def test_references_in_a_circle_are_refused(definitions: dict[str, Schema]) -> None:
    """One validator recurses until it breaks, the other calls everything valid: neither may meet a loop."""
    whole = bundle(schema(first={"$ref": "#/$defs/a"}, defs=definitions), {})
    assert "参照が自分自身に戻っています" in refused(whole)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """An address on this machine, and all that anybody said to it."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    closing = threading.Event()

    def listen() -> None:
        while not closing.is_set():
            try:
                visitor, _ = server.accept()
            except TimeoutError:
                continue
            heard.append(visitor.recv(100))
            visitor.close()

    thread = threading.Thread(target=listen)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/schema.json", heard
    closing.set()
    thread.join()
    server.close()


@pytest.mark.parametrize(
    "place", ["properties", "if", "items", "oneOf", "not", "$schema", "$id", "$dynamicRef", "contains"]
)
def test_a_declaration_makes_the_server_fetch_nothing(listener: tuple[str, list[bytes]], place: str) -> None:
    address, heard = listener
    reference = {"$ref": address}
    wholes: dict[str, Schema] = {
        "properties": {"properties": {"a": reference}},
        "if": {
            "properties": {"a": {"type": "string"}},
            "if": {"properties": {"a": reference}, "required": ["a"]},
            "then": {},
        },
        "items": {"properties": {"a": {"type": "array", "items": reference}}},
        "oneOf": {"properties": {"a": {"oneOf": [reference]}}},
        "not": {"properties": {"a": {"type": "string", "not": reference}}},
        "contains": {"properties": {"a": {"type": "array", "items": {"enum": ["x"]}, "contains": reference}}},
        "$schema": {"$schema": address, "properties": {"a": {"type": "string"}}},
        "$id": {"$id": address, "properties": {"a": {"$ref": "other.json"}}},
        "$dynamicRef": {"properties": {"a": {"$dynamicRef": address}}},
    }
    with pytest.raises(BadDeclaration):
        compile_form(bundle(wholes[place], SHARED))
    with pytest.raises(BadDeclaration):
        compile_form(wholes[place])
    condition = {"properties": {"a": reference}, "required": ["a"]}
    files = [{"key": "f", "title": "書類", "required_if": condition}]
    with pytest.raises(BadDeclaration):
        compile_form(schema(a={"type": "string"}), attachments=files)
    with pytest.raises(BadDeclaration):
        compile_form(schema(a={"type": "string"})).matches(condition)
    assert heard == []
