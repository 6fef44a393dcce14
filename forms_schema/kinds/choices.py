"""Kinds that are picked. Each posts a hidden blank too, so that a page always says what was not picked."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from forms_schema.base import KEEP, Field, Json, Keep, Kind, Option, Posted
from forms_schema.kinds.boxes import last
from forms_schema.text import N_, clean

_TRUTH = {"true": True, "false": False}


def written(value: Json) -> str:
    """A constant as the value of a control."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _title(options: tuple[Option, ...], value: Json) -> str:
    return next((option.title for option in options if option.value == written(value)), str(value))


class Radio(Kind):
    """One of a few choices."""

    name = "radio"

    def parse(self, field: Field, name: str, posted: Posted) -> Json | Keep | None:
        picked = last(posted, name)
        if picked is None:
            return KEEP
        text = clean(picked)
        whole = field.schema.get("type") == "integer" and any(option.value == text for option in field.options)
        return int(text) if whole else text or None

    def text(self, field: Field, value: Json) -> str:
        return _title(field.options, value)


class Select(Radio):
    """One of many choices."""

    name = "select"


class YesNo(Kind):
    """Yes or no, neither of which is picked beforehand."""

    name = "yes_no"

    def parse(self, field: Field, name: str, posted: Posted) -> Json | Keep | None:
        picked = last(posted, name)
        if picked is None:
            return KEEP
        text = clean(picked)
        return _TRUTH.get(text, text) if text else None

    def parts(self, field: Field, name: str, value: Json | None) -> dict[str, str]:
        return {"": "" if value is None else written(value)}

    def text(self, field: Field, value: Json) -> str:
        return _title(field.options, value)


class Consent(YesNo):
    """A box to tick, which must be ticked."""

    name = "consent"

    def text(self, field: Field, value: Json) -> str:
        return field.speech.say(N_("はい")) if value is True else super().text(field, value)


class Checkboxes(Kind):
    """Several of a list of choices, kept in the order in which they are offered."""

    name = "checkboxes"

    def parse(self, field: Field, name: str, posted: Posted) -> Json | Keep | None:
        values = posted.get(name)
        if not values:
            return KEEP
        picked = dict.fromkeys(filter(None, map(clean, values)))
        offered = [option.value for option in field.options if option.value in picked]
        return [*offered, *(value for value in picked if value not in offered)] or None

    def parts(self, field: Field, name: str, value: Json | None) -> dict[str, str]:
        return {"": ""}

    def chosen(self, value: Json | None, parts: Mapping[str, str]) -> Collection[str]:
        return [written(item) for item in _listed(value)]

    def text(self, field: Field, value: Json) -> str:
        return field.speech.listed(_title(field.options, item) for item in _listed(value))


def _listed(value: Json | None) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
