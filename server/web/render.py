"""Jinja as we use it: everything escaped, an unknown name is an error, the words go through gettext.

A template is compiled when it is first used, once a process; tests use them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, Final, cast

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from jinja2.ext import InternationalizationExtension

from server.japan import in_japan
from server.web.assets import Assets
from server.web.segments import Frames, Segments, through

_WEEKDAYS: Final = "月火水木金土日"


class Renderer:
    """Turns a template of `templates/` and its values into a page."""

    def __init__(self, templates: Path, *, assets: Assets, city: object, sandbox: bool) -> None:
        self.assets = assets
        self._environment = _environment(templates)
        self._environment.filters |= {name: through(name, written) for name, written in FILTERS.items()}
        self.questions = Segments(lambda views: self.render("components/questions.html", {"views": views})).questions
        self._environment.globals |= {"asset": assets.url, "icon": self._icon, "questions": self.questions}
        self._environment.globals |= {"city": city, "sandbox": sandbox}
        self._frames = Frames(self.render, {**FILTERS, "questions": self.questions})

    def page(self, template: str, context: object, **around: object) -> str:
        """A page of a context (see `contexts`); `around` is what every page is told besides."""
        values = {**values_of(context), **around}
        placed = getattr(context, "PLACED", None)
        return self.render(template, values) if placed is None else self._frames.page(template, values, placed)

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        return self._environment.get_template(template).render(values)

    def _icon(self, code: str) -> str:
        """The picture of a life event; a general one for those the city adds."""
        name = f"icons/{code}.svg"
        return self.assets.url(name if name in self.assets else "icons/other.svg")

    def say(self, template: str, macro: str, *arguments: object) -> str:
        """The words of one macro as plain text, so that a page and a machine's answer share them."""
        words = getattr(self._environment.get_template(template).module, macro)(*arguments)
        return str(words.unescape()).strip()


class _Compiled(BytecodeCache):
    """The code of templates by their text: a process with several sites, as tests have, compiles each once. Not kept
    on disk, for whoever could write there could run what they like."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED: Final = _Compiled()


def _environment(templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[InternationalizationExtension],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
        cache_size=-1,
    )
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    return environment


def values_of(context: object) -> dict[str, Any]:
    """What a template is told, by name: a dataclass of `contexts`, or a mapping."""
    if is_dataclass(context):
        return {name: getattr(context, name) for name in _names(context.__class__)}
    return dict(cast("Mapping[str, Any]", context or {}))


@cache
def _names(context: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(context))


def yen(amount: int) -> str:
    """1234 → 1,234円."""
    return f"{amount:,}円"


def day(value: date) -> str:
    """令和8年4月1日 would need the era; pages say 2026年4月1日(水), which everybody reads."""
    return f"{value.year}年{value.month}月{value.day}日({_WEEKDAYS[value.weekday()]})"


def moment(value: datetime) -> str:
    """An aware time as people in Japan read it: 2026年4月1日(水) 9時05分."""
    return f"{day(in_japan(value).date())} {clock(value)}"


def clock(value: datetime) -> str:
    """The time of day of an aware time, in Japan: 9時05分."""
    local = in_japan(value)
    return f"{local.hour}時{local.minute:02}分"


FILTERS: Final[Mapping[str, Callable[[Any], str]]] = {"yen": yen, "day": day, "clock": clock, "moment": moment}
