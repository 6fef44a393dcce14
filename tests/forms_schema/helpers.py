"""One question of a schema, asked, read and shown without the rest of the engine."""

from __future__ import annotations

import gettext
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2

from forms_schema.base import Field, FieldView, Json, Kind, Posted, Question, Schema
from forms_schema.formdata import decode
from forms_schema.kinds import kind_of, options_of
from forms_schema.validators import validator

ROOT = Path(__file__).parents[2]
SPECIMENS = ROOT / "tests" / "specimens"
NAME = "q"


def kind_for(schema: Schema, widget: str = "") -> Kind:
    kind = kind_of(schema, widget)
    assert kind is not None, schema
    return kind


def field_of(schema: Schema, ui: Mapping[str, Any] | None = None, pointer: str = f"/{NAME}") -> Field:
    """A field as the engine compiles it, from a schema that holds all that is said of it."""
    ui = ui or {}
    inside = schema.get("items", schema)
    at = f"{pointer}/*" if schema.get("type") == "array" else pointer
    children = tuple(field_of(sub, None, f"{at}/{name}") for name, sub in _declared(inside))
    name = pointer.rpartition("/")[2]
    return Field(
        pointer=pointer,
        name=name,
        kind=kind_for(schema, ui.get("widget", "")),
        schema=schema,
        title=ui.get("title") or schema.get("title") or name,
        hint=ui.get("hint") or schema.get("description", ""),
        subject=schema.get("x-subject", ""),
        options=options_of(schema),
        children=children,
        live=ui.get("live", False),
        ui=ui,
    )


def _declared(schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield from schema.get("properties", {}).items()
    for part in [*schema.get("allOf", ()), *([schema["then"]] if "then" in schema else [])]:
        yield from _declared(part)


def question_of(item: Field, value: Json | None, pointer: str = f"/{NAME}", required: bool = True) -> Question:
    """`item` asked at `pointer`, with everything that may be inside it; one blank row where there is none."""
    needed = item.schema.get("items", item.schema).get("required", ())

    def asked(answers: Json, at: str) -> tuple[Question, ...]:
        given = answers if isinstance(answers, dict) else {}
        return tuple(
            question_of(child, given.get(child.name), f"{at}/{child.name}", child.name in needed)
            for child in item.children
        )

    if item.kind.name == "rows":
        rows = value if isinstance(value, list) else [{}]
        return Question(
            pointer, item, required, value, rows=tuple(asked(r, f"{pointer}/{i}") for i, r in enumerate(rows))
        )
    return Question(pointer, item, required, value, asked(value, pointer))


def posted_of(parts: Mapping[str, str | Sequence[str]], name: str = NAME) -> dict[str, list[str]]:
    """Controls by suffix as a browser posts them."""
    return {
        f"_rows.{name}" if suffix == "_rows" else name + suffix: [text] if isinstance(text, str) else list(text)
        for suffix, text in parts.items()
    }


def read(item: Field, posted: Posted) -> Json | None:
    """The answer that a posted page gives, or None."""
    return decode([item], posted, {}).answers.get(NAME)


def codes(schema: Schema, value: Json | None) -> dict[str, str]:
    """Error codes by pointer, from the whole schema, with our formats."""
    whole = {"type": "object", "properties": {NAME: schema}, "required": [NAME]}
    found = {}
    for error in validator(whole).iter_errors({} if value is None else {NAME: value}):
        kind: Any = error.kind  # what it has depends on its name
        path = [str(part) for part in error.instance_path]
        if kind.name == "required":
            path.append(kind.property)
        found["/" + "/".join(path)] = kind.name
    return found


@dataclass
class Element:
    """One element of a page."""

    tag: str
    attributes: dict[str, str | None]
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, *tags: str) -> list[Element]:
        found = [self] if self.tag in tags or not tags else []
        return found + [inner for child in self.children for inner in child.all(*tags)]

    def words(self) -> str:
        return self.text + "".join(child.words() for child in self.children)

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""

    def by_id(self, id: str) -> Element:
        (found,) = [element for element in self.all() if element.get("id") == id]
        return found


_VOID = {"input", "br", "meta", "link"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        assert len(element.attributes) == len(attrs), f"an attribute twice: {attrs}"
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data


def page_of(html: str) -> Element:
    """A page as a tree; every tag must be closed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    (page,) = reader.open
    return page


@cache
def _template() -> jinja2.Template:
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.install_gettext_translations(gettext.NullTranslations(), newstyle=True)  # type: ignore[attr-defined] # added by the extension
    return env.from_string('{% from "components/field.html" import field %}{{ field(view) }}')


def html_of(view: FieldView) -> str:
    """What the macro of the view's kind makes of it."""
    return _template().render(view=view)


def submitted(page: Element) -> dict[str, list[str]]:
    """What a browser would post from a page as it stands."""
    posted: dict[str, list[str]] = {}
    for control in page.all("input", "select", "textarea"):
        if control.get("type") in ("radio", "checkbox") and "checked" not in control.attributes:
            continue
        posted.setdefault(control.get("name"), []).append(_typed(control))
    return posted


def _typed(control: Element) -> str:
    if control.tag == "textarea":
        return control.words().removeprefix("\n")
    if control.tag == "select":
        options = control.all("option")
        return next((option for option in options if "selected" in option.attributes), options[0]).get("value")
    return control.get("value")


@cache
def specimens() -> dict[str, dict[str, Any]]:
    """Every specimen file by kind."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(SPECIMENS.glob("*.json"))}


def cases() -> list[tuple[str, Schema, dict[str, Any], dict[str, Any]]]:
    """(kind, schema, ui, case) of every specimen that is asked by a schema."""
    return [
        (kind, case.get("schema", file["schema"]), case.get("ui", file.get("ui", {})), case)
        for kind, file in specimens().items()
        if "schema" in file
        for case in file["cases"]
    ]
