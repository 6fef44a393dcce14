"""Kinds that hold other questions."""

from __future__ import annotations

from forms_schema.base import Field, Json, Kind


def texts(field: Field, value: Json) -> dict[str, str]:
    """Each answered child's text, by name, in the order of the questions."""
    answers = value if isinstance(value, dict) else {}
    return {
        child.name: child.kind.text(child, answers[child.name]) for child in field.children if child.name in answers
    }


class Container(Kind):
    """Reads nothing itself: its children have the controls."""

    container = True

    def parts(self, field: Field, name: str, value: Json | None) -> dict[str, str]:
        return {"": ""}

    def text(self, field: Field, value: Json) -> str:
        if not isinstance(value, dict):
            return str(value)
        titles = {child.name: child.title for child in field.children}
        return field.speech.listed(f"{titles[name]}：{text}" for name, text in texts(field, value).items())


class Group(Container):
    """Questions that belong together."""

    name = "group"


class Rows(Container):
    """The same questions, once for each of several persons or things."""

    name = "rows"

    def text(self, field: Field, value: Json) -> str:
        if not isinstance(value, list):
            return str(value)
        return "／".join(super(Rows, self).text(field, row) for row in value)


class PersonName(Container):
    """A name: 姓 and 名, each with its フリガナ."""

    name = "person_name"

    def text(self, field: Field, value: Json) -> str:
        said = texts(field, value)
        name = "\u3000".join(said[part] for part in ("family", "given") if part in said)
        kana = "\u3000".join(said[part] for part in ("family_kana", "given_kana") if part in said)
        return f"{name}（{kana}）" if kana else name


class Address(Container):
    """A postal address. A button looks the postal code up; every part stays open to correction."""

    name = "address"

    def text(self, field: Field, value: Json) -> str:
        said = texts(field, value)
        place = "".join(said.get(part, "") for part in ("prefecture", "city", "town", "street"))
        return "\u3000".join(filter(None, (said.get("postal_code"), place, said.get("building"))))
