"""The languages of the site: the interface's words from gettext catalogues, the declarations' shared words from
`procedures/translations/<code>/common.json`, and how each language writes days, times and money.

Japanese is what code and templates say. Whatever is not translated stays Japanese and is marked as that. Residents
choose; staff always see Japanese.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import cached_property, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from forms_schema.speech import WEEKDAYS, Speech
from forms_schema.text import N_
from procedures.city import City
from procedures.declaration import Declaration
from procedures.interviews import Interview
from procedures.translations import Translations
from server.japan import in_japan

if TYPE_CHECKING:
    from babel import Locale

LOCALES: Final = Path(__file__).parent / "locale"
KEPT_FORMS: Final = 40
"""Procedures held compiled for each language, about 120 kB each."""
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_JAPANESE: Final = re.compile("[\u3041-\u30ff\u3400-\u9fff]")
_KANA: Final = re.compile("[\u3041-\u30fa]")
_ASIDE: Final = re.compile(r"\([^()]*\)|（[^（）]*）|「[^「」]*」")


class Language(Speech):
    """Japanese, and what every language can say. `code` is its name in links and files, `tag` in HTML (BCP 47),
    `name` in the switch."""

    def __init__(self, code: str, tag: str, name: str, translations: Translations) -> None:
        self.code, self.tag, self.name = code, tag, name
        self._translations = translations

    def spoken(self, declaration: Declaration) -> Declaration:
        """A procedure with what people read of it in this language."""
        return declaration

    def asked(self, interview: Interview) -> Interview:
        """A life event's interview in this language."""
        return interview

    def told(self, text: str, slug: str = "") -> str:
        """A text of a procedure, or one that declarations share (a fee, a department, a life event)."""
        own = self._translations.text(self.code, slug, text) if slug else None
        return own or self._shared.get(text, text)

    @cached_property
    def _shared(self) -> Mapping[str, str]:
        return self._translations.words(self.code, "common")

    @cached_property
    def catalogue(self) -> NullTranslations:
        """The interface's words; of Japanese there are none to look up."""
        return NullTranslations()

    def city_name(self, city: City) -> str:
        """The city's name as readers of this language can read it."""
        return city.name

    def yen(self, amount: int) -> str:
        """1234 → 1,234円."""
        return self.say(N_("{amount}円")).format(amount=self.number(amount))

    def dated(self, day: date) -> str:
        """令和8年4月1日 would need the era; pages say 2026年4月1日(水), which everybody reads."""
        return f"{day.year}年{day.month}月{day.day}日({WEEKDAYS[day.weekday()]})"

    def timed(self, moment: datetime) -> str:
        """The time of day of an aware time, in Japan: 9時05分."""
        local = in_japan(moment)
        return f"{local.hour}時{local.minute:02}分"

    def moment(self, moment: datetime) -> str:
        """An aware time as people in Japan read it: 2026年4月1日(水) 9時05分."""
        return f"{self.dated(in_japan(moment).date())} {self.timed(moment)}"

    def opening(self, days: Sequence[str], start: str, until: str) -> str:
        """When somewhere is open ('mon', '08:30'): 月・火・水・木・金 8時30分から17時15分まで."""
        named = "・".join(WEEKDAYS[_DAYS.index(day)] for day in days)
        return f"{named} {self.clock(start)}から{self.clock(until)}まで"


class Translated(Language):
    """Words that are not the code's own. With nothing but them, days and times are written as in Japanese: that is
    やさしい日本語, in which a reading stands in brackets behind its kanji."""

    def __init__(self, code: str, tag: str, name: str, translations: Translations) -> None:
        super().__init__(code, tag, name, translations)
        self._spoken = lru_cache(maxsize=KEPT_FORMS)(self._speak)
        self._asked = lru_cache(maxsize=KEPT_FORMS)(self._ask)

    def asked(self, interview: Interview) -> Interview:
        return self._asked(interview)

    def _ask(self, interview: Interview) -> Interview:
        return interview.spoken(self._shared, self)

    def spoken(self, declaration: Declaration) -> Declaration:
        return self._spoken(declaration)

    def _speak(self, declaration: Declaration) -> Declaration:
        own = self._translations.words(self.code, declaration.slug)
        self._said.update(own.values())
        return declaration.spoken({**self._shared, **own}, self)

    @cached_property
    def catalogue(self) -> NullTranslations:
        """Read when the language is first spoken: most visitors never ask for it."""
        from babel.messages.mofile import write_mo  # Babel is needed for other languages alone
        from babel.messages.pofile import read_po

        with (LOCALES / f"{self.code}.po").open("rb") as file:
            catalogue = read_po(file)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        return GNUTranslations(compiled)

    def say(self, japanese: str) -> str:
        return self.catalogue.gettext(japanese) if japanese else ""

    @cached_property
    def _said(self) -> set[str]:
        """Every translation that pages were given."""
        return set(self._shared.values())


class Foreign(Translated):
    """Another language than Japanese, which by Babel has its own way to write days, times and numbers."""

    def __init__(self, code: str, tag: str, name: str, translations: Translations, *, locale: str) -> None:
        super().__init__(code, tag, name, translations)
        self._locale_name = locale

    def lang(self, text: str) -> str:
        """A text that is no translation is told by its letters: kana, or Chinese characters where this language has
        none. Names of papers in brackets may stand in any text."""
        if text in self._said:
            return ""
        japanese = _KANA if self.code == "zh" else _JAPANESE
        plain, inside = _ASIDE.subn("", text)
        while inside:  # a bracket in a bracket
            plain, inside = _ASIDE.subn("", plain)
        return "ja" if japanese.search(plain) else ""

    def quoted(self, label: str) -> str:
        return label

    def city_name(self, city: City) -> str:
        return city.name if self.code == "zh" else city.name_en

    def listed(self, texts: Iterable[str]) -> str:
        return ("、" if self.code == "zh" else ", ").join(texts)

    @cached_property
    def _locale(self) -> Locale:
        from babel import Locale

        return Locale.parse(self._locale_name)

    def number(self, value: int) -> str:
        from babel.numbers import format_decimal

        return format_decimal(value, locale=self._locale)

    def date_text(self, day: date) -> str:
        from babel.dates import format_date

        return format_date(day, "long", self._locale)

    def month_text(self, first: date) -> str:
        return self._skeleton("yMMMM", first)

    def day(self, day: date) -> str:
        return self._skeleton("MMMEd", day)

    def time_text(self, time: str) -> str:
        return time

    def clock(self, time: str) -> str:
        return time

    def hours(self, start: str, until: str) -> str:
        return f"{start}–{until}" if until else start

    def slot(self, slot: str, until: str = "") -> str:
        return f"{self.dated(date.fromisoformat(slot[:10]))} {self.hours(slot[11:], until)}".strip()

    def dated(self, day: date) -> str:
        return self._skeleton("yMMMEd", day)

    def timed(self, moment: datetime) -> str:
        return f"{in_japan(moment):%H:%M}"

    def opening(self, days: Sequence[str], start: str, until: str) -> str:
        named = self._locale.days["stand-alone"]["abbreviated"]
        return f"{', '.join(named[_DAYS.index(day)] for day in days)} {self.hours(start, until)}"

    def _skeleton(self, skeleton: str, day: date) -> str:
        from babel.dates import format_skeleton

        return format_skeleton(skeleton, datetime.combine(day, time()), locale=self._locale)


class Languages(Mapping[str, Language]):
    """Every language by its code, in the order of the switch."""

    def __init__(self, translations: Translations) -> None:
        self.japanese = Language("ja", "ja", "日本語", translations)
        every = (
            self.japanese,
            Translated("ja-easy", "ja", "やさしい日本語", translations),
            Foreign("en", "en", "English", translations, locale="en_GB"),
            Foreign("zh", "zh-Hans", "中文", translations, locale="zh_Hans"),
            Foreign("ko", "ko", "한국어", translations, locale="ko"),
            Foreign("vi", "vi", "Tiếng Việt", translations, locale="vi"),
            Foreign("pt", "pt-BR", "Português", translations, locale="pt_BR"),
        )
        self._by_code: Final = {language.code: language for language in every}

    def __getitem__(self, code: str) -> Language:
        return self._by_code[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_code)

    def __len__(self) -> int:
        return len(self._by_code)
