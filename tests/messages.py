"""The interface's words and their catalogues: `python -m tests.messages` brings `server/locale/*.po` up to date.

New texts come in untranslated, which the tests refuse until somebody translates them; what nobody says any more goes.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from server.languages import LOCALES, Languages, Translated
from tests.web.samples import LANGUAGES, ROOT

METHODS: Final = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
KEYWORDS: Final = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
FOLDERS: Final = ("forms_schema", "server", "templates")
OPTIONS: Final = {"**.html": {"newstyle_gettext": "true", "silent": "false"}, "**.txt": {"silent": "false"}}


def said() -> Catalog:
    """Everything that code and templates say, in the order of the files."""
    catalogue = Catalog(fuzzy=False)
    for folder in FOLDERS:
        found = extract_from_dir(ROOT / folder, METHODS, OPTIONS, KEYWORDS, comment_tags=())
        for file, _, message, _, context in sorted(found, key=lambda each: (each[0], each[1])):
            catalogue.add(message, locations=[(f"{folder}/{file}", 0)], context=context)
    return catalogue


def path_of(language: Translated) -> Path:
    return LOCALES / f"{language.code}.po"


def read(language: Translated) -> Catalog:
    """The catalogue of a language as it is committed; empty where there is none yet."""
    path = path_of(language)
    locale = language.tag.replace("-", "_")
    if not path.exists():
        return Catalog(locale=locale, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def written(catalogue: Catalog) -> bytes:
    """As a file: without dates and line numbers, which would change with every edit."""
    made = io.BytesIO()
    write_po(made, catalogue, include_lineno=False, ignore_obsolete=True, width=120, omit_header=True)
    head = {
        "Content-Type": "text/plain; charset=utf-8",
        "Language": catalogue.locale_identifier,
        "Plural-Forms": catalogue.plural_forms,
    }
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in head.items())
    return f'msgid ""\nmsgstr ""\n{lines}\n'.encode() + made.getvalue()


def main(languages: Languages = LANGUAGES) -> None:
    template = said()
    for language in languages.values():
        if isinstance(language, Translated):
            catalogue = read(language)
            catalogue.update(template, no_fuzzy_matching=True)
            catalogue.obsolete.clear()
            path_of(language).write_bytes(written(catalogue))
            left = [message.id for message in catalogue if message.id and not message.string]
            print(f"{language.code}: {len(catalogue)} texts, {len(left)} to translate")


if __name__ == "__main__":
    main()
