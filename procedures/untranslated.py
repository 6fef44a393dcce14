"""What has no words yet in a language: the texts that forms share, the titles and summaries of all procedures, and
every text of a procedure that a life event leads to, for that is where people are taken who know no name for it.

Another procedure's own texts may stay Japanese; what three or more of them say counts as shared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from procedures.city import City
from procedures.declaration import Declaration
from procedures.interviews import Entry
from procedures.library import Library, LifeEvent
from procedures.reading import read_json, read_text
from procedures.translations import said

OFTEN: Final = 3
UNREADABLE: Final = "このファイルは読めません。日本語の文と翻訳の組だけを、JSON で書いてください"


def shared_texts(library: Library, city: City, root: Path) -> Mapping[str, str]:
    """Each text that stands in `translations/<language>/common.json`, with where it is from, in order."""
    shared, found = library.shared, dict[str, str]()

    def take(where: str, *texts: str) -> None:
        for text in filter(_is_japanese, texts):
            found.setdefault(text, where)

    for path in sorted((root / "life-events").glob("*.json")):
        take(f"life-events/{path.name}", *_told(read_json(read_text(path))))
    for category in shared.categories.values():
        take("categories.json", category.title, category.summary)
    for row in shared.fees.rows:
        take("fees.json", row.title, row.unit)
    for calendar in shared.bookings.calendars.values():
        take("bookings.json", calendar.title, calendar.place, *calendar.bring)
    for queue in shared.queues.queues.values():
        take("queues.json", queue.title)
    for department in city.departments.values():
        take("city.json", department.name, department.place)
    take("declarations", *(each.department for each in library.declarations.values()))
    for name, schema in shared.common.items():
        take(f"common {name}", *said(schema))
    counted = Counter(text for each in library.declarations.values() for text in set(_texts(each)))
    for each in library.declarations.values():
        take(each.slug, *(text for text in _texts(each) if counted[text] >= OFTEN))
    return found


def untranslated(library: Library, city: City, root: Path, language: str) -> Iterator[tuple[str, str]]:
    """(file below `translations/<language>`, text) of each that is missing."""
    translations = library.shared.translations
    yield from ((file, UNREADABLE) for file in translations.broken(language))
    common = translations.words(language, "common")
    yield from (("common.json", text) for text in shared_texts(library, city, root) if not common.get(text))
    guided = {entry.slug for event in library.shared.life_events.values() for entry in _entries(event)}
    for each in library.declarations.values():
        own = translations.words(language, each.slug)
        more = _texts(each) if each.slug in guided else ()
        asked = dict.fromkeys(filter(_is_japanese, (each.title, each.summary, *more)))
        yield from ((f"{each.slug}.json", text) for text in asked if not own.get(text) and not common.get(text))


def _entries(event: LifeEvent) -> Sequence[Entry]:
    return event.interview.entries if event.interview is not None else ()


def _texts(declaration: Declaration) -> Iterator[str]:
    for part in (declaration.schema, declaration.ui, declaration.attachments):
        yield from said(part)


def _told(event: object) -> Iterator[str]:
    """What a life event's file says to residents: its title, its questions, and why, by when and with what."""
    if isinstance(event, Mapping):
        yield from said({key: event[key] for key in ("title", "schema", "ui") if key in event})
        for key in ("why", "text", "thing", "where"):
            if isinstance(event.get(key), str):
                yield event[key]
        for key, value in event.items():
            if key not in ("schema", "ui", "cases", "words"):
                yield from _told(value)
    elif isinstance(event, list):
        for value in event:
            if isinstance(value, str):
                yield value
            yield from _told(value)


def _is_japanese(text: str) -> bool:
    return any("\u3041" <= char <= "\u9fff" for char in text)
