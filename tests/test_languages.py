"""Every language says everything: nothing untranslated, no placeholder lost, what is typed left alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from forms_schema.speech import JAPANESE
from procedures.city import load_city
from procedures.declaration import Declaration
from procedures.library import ROOT
from procedures.translations import Translations, said
from procedures.untranslated import UNREADABLE, untranslated
from server.languages import Translated
from tests import messages, shipped
from tests.web import samples
from tests.web.html import Html
from tests.web.samples import LANGUAGES

FOREIGN = [language for language in LANGUAGES.values() if isinstance(language, Translated)]
SAID = messages.said()
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}")
KANJI_READ = re.compile("[\u3400-\u9fff々ヶ]+\\([\u3041-\u309f]+\\)")
ASIDE = re.compile(r"\([^()]*\)|（[^（）]*）|「[^「」]*」|“[^”]*”|\"[^\"]*\"")
CITY = Path(__file__).parents[1] / "city.json"


@pytest.mark.parametrize("language", FOREIGN, ids=lambda each: each.code)
def test_everything_the_interface_says_is_translated_with_its_placeholders(language: Translated) -> None:
    """`python -m tests.messages` brings the catalogues up to date."""
    known = messages.read(language)
    missing, broken = [], []
    for message in SAID:
        if not message.id:
            continue
        found = known.get(message.id[0] if isinstance(message.id, (list, tuple)) else message.id)
        texts = [] if found is None else _texts(found.string)
        if not texts or not all(texts):
            missing.append(message.id)
        broken += [text for text in texts if text and _names(text) != _names(_one(message.id))]
    assert missing == []
    assert broken == []


def _texts(text: str | Sequence[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def _one(id: str | Sequence[str]) -> str:
    return id if isinstance(id, str) else id[0]


def _names(text: str) -> list[str]:
    return sorted(a or b for a, b in PLACEHOLDER.findall(text))


@pytest.mark.parametrize("language", FOREIGN, ids=lambda each: each.code)
def test_a_catalogue_holds_nothing_that_nobody_says_any_more(language: Translated) -> None:
    said = {_one(message.id) for message in SAID if message.id}
    assert {_one(message.id) for message in messages.read(language) if message.id} <= said


@pytest.mark.parametrize("language", FOREIGN, ids=lambda each: each.code)
def test_everything_declarations_share_is_translated(language: Translated) -> None:
    """`kakanai procedures translations` lists what is not."""
    assert list(untranslated(shipped.library(), load_city(CITY), ROOT, language.code)) == []


@pytest.mark.parametrize("language", FOREIGN, ids=lambda each: each.code)
def test_a_translation_is_in_its_language_and_not_in_japanese(language: Translated) -> None:
    """Chinese characters stand in examples too; kana only where something is quoted or given as an example."""
    own = (text for words in _own(language).values() for text in words.values())
    interface = (m.string for m in messages.read(language) if isinstance(m.string, str))
    texts = [*language._shared.values(), *interface, *own]
    if language.code == "ja-easy":
        bare = [text for text in texts if re.search("[\u4e00-\u9fff々]", KANJI_READ.sub("", text))]
        assert bare == []
    else:
        assert [text for text in texts if re.search("[\u3041-\u30fa]{2}", ASIDE.sub("", ASIDE.sub("", text)))] == []


def _own(language: Translated) -> dict[str, Mapping[str, str]]:
    """What procedures say by themselves, by their slug."""
    library = shipped.library()
    return {slug: library.shared.translations.words(language.code, slug) for slug in library.declarations}


@pytest.mark.parametrize("language", FOREIGN, ids=lambda each: each.code)
def test_a_procedure_has_words_only_for_what_it_says(language: Translated) -> None:
    declarations, stale = shipped.library().declarations, []
    for slug, words in _own(language).items():
        each = declarations[slug]
        says = {each.title, each.summary, *said(each.schema), *said(each.ui), *said(each.attachments)}
        stale += [(slug, text) for text in words if text not in says]
        assert not [text for text in words.values() if "<" in text or text != text.strip()], slug
        assert [(key, text) for key, text in words.items() if _names(key) != _names(text)] == [], slug
    assert stale == []


@pytest.mark.parametrize("language", FOREIGN, ids=lambda each: each.code)
def test_a_translation_is_plain_text_that_may_stand_in_an_attribute(language: Translated) -> None:
    texts = [text for message in messages.read(language) for text in _texts(message.string) if message.id]
    assert [text for text in texts if re.search('["<>]', text)] == []


def test_days_and_times_are_written_as_each_language_writes_them() -> None:
    day, at = date(2026, 4, 1), datetime(2026, 4, 1, 0, 5, tzinfo=UTC)
    told = {code: (each.dated(day), each.date_text(day), each.timed(at)) for code, each in LANGUAGES.items()}
    assert told == {
        "ja": ("2026年4月1日(水)", "令和8年4月1日（2026年4月1日）", "9時05分"),
        "ja-easy": ("2026年4月1日(水)", "令和8年4月1日（2026年4月1日）", "9時05分"),
        "en": ("Wed, 1 Apr 2026", "1 April 2026", "09:05"),
        "zh": ("2026年4月1日周三", "2026年4月1日", "09:05"),
        "ko": ("2026년 4월 1일 (수)", "2026년 4월 1일", "09:05"),
        "vi": ("Th 4, 1 thg 4, 2026", "1 tháng 4, 2026", "09:05"),
        "pt": ("qua., 1 de abr. de 2026", "1 de abril de 2026", "09:05"),
    }


def test_a_booked_time_is_told_in_every_language() -> None:
    assert {code: each.slot("2026-12-01T09:00", "10:00") for code, each in LANGUAGES.items()} == {
        "ja": JAPANESE.slot("2026-12-01T09:00", "10:00"),
        "ja-easy": "令和8年12月1日(火)9時〜10時",
        "en": "Tue, 1 Dec 2026 09:00–10:00",
        "zh": "2026年12月1日周二 09:00–10:00",
        "ko": "2026년 12월 1일 (화) 09:00–10:00",
        "vi": "Th 3, 1 thg 12, 2026 09:00–10:00",
        "pt": "ter., 1 de dez. de 2026 09:00–10:00",
    }


def test_a_text_that_is_not_translated_is_known_as_japanese() -> None:
    english, chinese = LANGUAGES["en"], LANGUAGES["zh"]
    assert [english.lang(text) for text in ("住民票", "Certificate (住民票の写し)", "どなた", "Reiwa")] == [
        "ja",
        "",
        "ja",
        "",
    ]
    assert [chinese.lang(text) for text in ("姓名", "住民票の写し", "住民票（住民票の写し）")] == ["", "ja", ""]
    assert {each.lang("住民票の写し") for each in (LANGUAGES["ja"], LANGUAGES["ja-easy"])} == {""}


@pytest.mark.parametrize("code", ["en", "zh"])
def test_a_form_in_another_language_asks_the_same_and_takes_the_same_answers(code: str) -> None:
    language = LANGUAGES[code]
    different = []
    for declaration in shipped.library().declarations.values():
        spoken = language.spoken(declaration)
        if _bones(spoken) != _bones(declaration) or spoken.digest != declaration.digest:
            different.append(declaration.slug)
    assert different == []


def _bones(declaration: Declaration) -> object:
    """All of a form but its words."""
    form = declaration.form
    fields = {
        pointer: (each.kind.name, each.subject, each.live, [option.value for option in each.options])
        for pointer, each in form.fields.items()
    }
    return fields, [len(step.items) for step in form.steps], [each.key for each in form.attachments]


@pytest.mark.parametrize("code", [each.code for each in FOREIGN])
def test_every_page_says_the_same_things_in_the_same_places(code: str) -> None:
    japanese = samples.renderer()
    foreign = japanese.speaking(LANGUAGES[code])
    for name, (template, context) in samples.pages().items():
        told = {"person": "", "ending": None}
        before, after = (Html(each.page(template, context, **told)) for each in (japanese, foreign))
        assert [each.at["id"] for each in before.elements if "id" in each.at] == [
            each.at["id"] for each in after.elements if "id" in each.at
        ], name
        assert not re.search(r"%\(\w+\)|\{\w+\}", after.text), name


def test_a_file_of_translations_that_cannot_be_read_is_told_and_costs_nobody_a_page(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    for name, text in {"common": "{", "inu-toroku": '{"犬": 1}', "inu-henko": '{"犬": "Dog"}'}.items():
        (tmp_path / "en" / f"{name}.json").write_text(text, "utf-8")
    translations = Translations(tmp_path)
    assert list(translations.broken("en")) == ["common.json", "inu-toroku.json"]
    assert (translations.words("en", "common"), translations.text("en", "inu-henko", "犬")) == ({}, "Dog")
    library = shipped.library()
    broken = replace(library, shared=replace(library.shared, translations=translations))
    assert ("common.json", UNREADABLE) in list(untranslated(broken, load_city(CITY), ROOT, "en"))
