"""What a tablet shows is what stands in the applications, in the resident's language, and whose it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from procedures.joint import Answer, Joint, Key, Turn, apply
from procedures.library import Library
from procedures.translations import Translations
from server.applications.summary import sections
from server.counter import mirror
from server.counter.mirror import Line, Shown
from server.languages import Languages
from tests import shipped
from tests.procedures.moving_family import APPLICATIONS, TODAY
from tests.procedures.test_joint import clerk, from_the_guide

LANGUAGES = Languages(Translations())


@pytest.fixture(scope="module")
def library() -> Library:
    return shipped.library()


@pytest.fixture(scope="module")
def begun(library: Library) -> Turn:
    forms = {slug: library.declarations[slug].form for slug in APPLICATIONS}
    return Joint(forms).turn(from_the_guide(library), TODAY)


@pytest.fixture(scope="module")
def whole(begun: Turn) -> Turn:
    return clerk().through(begun)


def shown(library: Library, turn: Turn, code: str = "ja") -> Shown:
    language = LANGUAGES[code]
    spoken = {slug: language.spoken(library.declarations[slug]) for slug in APPLICATIONS}
    return mirror.picture(turn, spoken, language)


def by_key(of: Shown) -> dict[str, Line]:
    return {line.key: line for line in of.lines}


def answered(turn: Turn) -> Iterator[tuple[str, str, str]]:
    for slug, seen in turn.seen.items():
        for section in sections(turn.joint.forms[slug].form, seen.settled, {}):
            yield from ((f"{slug}{line.pointer}", line.label, line.text) for line in section.lines if line.text)


def test_every_answer_of_every_application_is_shown_in_the_words_of_its_form(library: Library, whole: Turn) -> None:
    found = shown(library, whole)
    assert [(line.key, line.label, line.text) for line in found.lines] == list(answered(whole))
    assert [paper.name for paper in found.papers] == list(APPLICATIONS)
    assert found.done and found.asking == ()


def test_another_language_shows_the_same_answers_in_its_own_words(library: Library, whole: Turn) -> None:
    japanese, english = by_key(shown(library, whole)), by_key(shown(library, whole, "en"))
    assert japanese.keys() == english.keys()
    assert {key: line.stamp for key, line in japanese.items()} == {key: line.stamp for key, line in english.items()}
    key = "tennyu-yoyaku/applicant/birthdate"
    assert "1990年4月1日" in japanese[key].text and english[key].text == "1 April 1990"


def test_an_answer_that_several_applications_ask_is_read_once(library: Library, whole: Turn) -> None:
    found = shown(library, whole)
    lines, first = by_key(found), next(iter(found.papers))
    assert not any(line.key in found.again for line in first.lines), "what comes first is told"
    told = {(line.fact, line.text) for key, line in lines.items() if key not in found.again}
    for key in found.again:
        assert lines[key].fact and (lines[key].fact, lines[key].text) in told, key
    assert "kokuho-shutoku/applicant/name" in found.again
    assert len(found.again) > len(lines) / 4


def test_another_answer_to_the_same_question_is_not_taken_for_the_same() -> None:
    name = Key("applicant", "name")
    one, other, worded = (mirror.Line(f"{form}/n", "氏名", form, stamp, name) for form, stamp in ("ax", "by", "cx"))
    papers = [mirror.Paper(each.text, each.text, (mirror.Part("p", "", "", (each,)),)) for each in (one, other, worded)]
    assert Shown(tuple(papers)).again == frozenset()
    again = replace(papers[0], name="d")
    assert Shown((papers[0], again)).again == {one.key}


def test_it_is_told_whose_an_answer_is(library: Library, whole: Turn) -> None:
    papers = {paper.name: paper for paper in shown(library, whole).papers}
    people = [part.whose for part in papers["kokuho-shutoku"].parts if part.key and "people/" in part.lines[0].key]
    assert people == ["見本 太郎", "見本 花子", "見本 海", "見本 空"]


def test_the_question_that_is_put_now_is_shown_too(library: Library, begun: Turn) -> None:
    first = shown(library, begun, "en")
    assert not first.done and len(first.asking) == 1
    turn, errors = apply(begun, [Answer((Key("", "family"),), [{"kin": "self"}])])
    assert errors == ()
    ask = turn.next()
    assert ask is not None
    asking = shown(library, turn).asking
    titles = [query.field.title for query in ask.queries if query.field is not None]
    assert list(asking) == list(dict.fromkeys(titles))[: mirror.MOST_ASKED] != []


def test_a_number_that_is_sealed_is_never_shown(library: Library, whole: Turn) -> None:
    lines = [line for line in shown(library, whole).lines if line.key.endswith("my_number")]
    assert lines and {line.text for line in lines} == {"入力済み"}


def test_what_was_seen_can_be_read_again(library: Library, whole: Turn) -> None:
    found = shown(library, whole, "vi")
    seen = json.loads(found.to_bytes("vi"))
    assert seen["language"] == "vi"
    assert mirror.stamps(seen) == {line.key: line.stamp for line in found.lines}
    words = [line for paper in seen["papers"] for part in paper["parts"] for line in part["lines"]]
    assert [(key, label, text) for key, label, text, _ in words] == [(x.key, x.label, x.text) for x in found.lines]
