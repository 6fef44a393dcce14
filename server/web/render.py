"""Jinja as we use it: everything escaped, an unknown name is an error, the words go through gettext.

A template is compiled when it is first used, once a process; tests use them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, Final, cast

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from jinja2.ext import InternationalizationExtension
from markupsafe import Markup

from procedures.city import City
from server.languages import Language, Languages
from server.web.assets import Assets
from server.web.readings import with_readings
from server.web.segments import Frames, Segments, through


class Renderer:
    """Turns a template of `templates/` and its values into a page of one language."""

    def __init__(
        self,
        templates: Path,
        *,
        assets: Assets,
        city: City | None,
        sandbox: bool,
        languages: Languages,
        language: Language | None = None,
    ) -> None:
        self.assets, self.language = assets, language or languages.japanese
        self._again: dict[str, Any] = {"assets": assets, "city": city, "sandbox": sandbox, "languages": languages}
        self._templates, self._others = templates, {self.language: self}
        self._environment = _environment(templates)
        filters = filters_of(self.language)
        self._environment.filters |= {name: through(name, written) for name, written in filters.items()}
        words = self.language.catalogue
        self._environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
            words.gettext, words.ngettext, newstyle=True
        )
        self.questions = Segments(lambda views: self.render("components/questions.html", {"views": views})).questions
        self._environment.globals |= {"asset": assets.url, "icon": self._icon, "questions": self.questions}
        self._environment.globals |= {"city": city, "sandbox": sandbox}
        self._environment.globals["city_name"] = self.language.city_name(city) if city else ""
        self._environment.globals |= {"language": self.language, "languages": tuple(languages.values())}
        self._frames = Frames(self.render, {**filters, "questions": self.questions})

    def speaking(self, language: Language) -> Renderer:
        """The renderer of another language; made when it is first spoken."""
        found = self._others.get(language)
        if found is None:
            found = Renderer(self._templates, language=language, **self._again)
            found._others = self._others
            self._others[language] = found
        return found

    def page(self, template: str, context: object, **around: object) -> str:
        """A page of a context (see `contexts`); `around` is what every page is told besides."""
        values = {**values_of(context), **around}
        placed = getattr(context, "PLACED", None)
        html = self.render(template, values) if placed is None else self._frames.page(template, values, placed)
        return self.finished(html)

    def finished(self, html: str) -> str:
        """A page, or a part of one, with what is done last."""
        return with_readings(html) if self.language.code == "ja-easy" else html

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
    return Environment(
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


def values_of(context: object) -> dict[str, Any]:
    """What a template is told, by name: a dataclass of `contexts`, or a mapping."""
    if is_dataclass(context):
        return {name: getattr(context, name) for name in _names(context.__class__)}
    return dict(cast("Mapping[str, Any]", context or {}))


@cache
def _names(context: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(context))


def filters_of(language: Language) -> Mapping[str, Callable[[Any], object]]:
    """How a page of a language writes money, days and times, and texts of declarations."""
    return {
        "yen": language.yen,
        "day": language.dated,
        "clock": language.timed,
        "moment": language.moment,
        "told": lambda text: told(language, text),
        "said": language.told,
    }


def told(language: Language, text: str) -> str:
    """A text of a declaration; marked as Japanese where it is not translated (WCAG 3.1.2). In an attribute, which
    takes no mark, the filter is `said`."""
    here = language.told(text)
    tag = language.lang(here)
    return Markup('<span lang="{}">{}</span>').format(tag, here) if tag else here
