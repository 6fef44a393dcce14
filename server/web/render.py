"""Jinja as we use it: everything escaped, an unknown name is an error, the words go through gettext.

Templates are compiled at start, so that a mistake in one is found before anybody meets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import InternationalizationExtension

from server.japan import in_japan
from server.web.assets import Assets
from server.web.segments import Segments

_WEEKDAYS: Final = "月火水木金土日"


class Renderer:
    """Turns a template of `templates/` and its values into a page."""

    def __init__(self, templates: Path, *, assets: Assets, city: object, sandbox: bool) -> None:
        self.assets = assets
        self._environment = _environment(templates)
        self.questions = Segments(lambda views: self.render("components/questions.html", {"views": views})).questions
        self._environment.globals |= {"asset": assets.url, "icon": self._icon, "questions": self.questions}
        self._environment.globals |= {"city": city, "sandbox": sandbox}
        names = self._environment.list_templates(extensions=["html"])
        self._templates = {name: self._environment.get_template(name) for name in names}

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        return self._templates[template].render(values)

    def _icon(self, code: str) -> str:
        """The picture of a life event; a general one for those the city adds."""
        name = f"icons/{code}.svg"
        return self.assets.url(name if name in self.assets else "icons/other.svg")

    def say(self, template: str, macro: str, *arguments: object) -> str:
        """The words of one macro as plain text, so that a page and a machine's answer share them."""
        words = getattr(self._templates[template].module, macro)(*arguments)
        return str(words.unescape()).strip()


def _environment(templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[InternationalizationExtension],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    environment.filters |= {"yen": yen, "day": day, "clock": clock, "moment": moment}
    return environment


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
