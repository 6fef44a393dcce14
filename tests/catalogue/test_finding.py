"""Procedures are found by the words people use. The questions were written before the search was, by others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from procedures.library import Library
from server.catalogue import Published
from server.catalogue.finding import Index, Wanted
from tests import shipped

QUESTIONS = [line.split("\t") for line in Path(__file__).with_name("questions.tsv").read_text("utf-8").splitlines()]
"""What a resident types, and the procedure that must be among the first three."""


@pytest.fixture(scope="module")
def library() -> Library:
    return shipped.library()


def served(library: Library) -> list[Published]:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    return [Published(each, each.digest, "open", "", now) for each in library.declarations.values()]


@pytest.fixture(scope="module")
def index(library: Library) -> Index:
    return Index(served(library), library.shared)


def slugs(index: Index, query: str, **more: str) -> Sequence[str]:
    return [each.declaration.slug for each in index.find(Wanted(query, **more))]  # type: ignore[arg-type]


def test_an_everyday_question_leads_to_its_procedure(index: Index) -> None:
    assert len(QUESTIONS) >= 150
    found = [(question, slug, slugs(index, question)) for question, slug in QUESTIONS]
    missed = [(question, slug) for question, slug, there in found if slug not in there[:3]]
    first = sum(slug in there[:1] for _, slug, there in found) / len(found)
    print(f"hit@1 {first:.3f}, hit@3 {1 - len(missed) / len(found):.3f} of {len(found)}")
    assert first >= 0.85
    assert len(missed) <= len(QUESTIONS) * 0.02, missed


def test_every_procedure_is_asked_for_in_the_table_and_found_by_its_own_title(library: Library, index: Index) -> None:
    assert {slug for _, slug in QUESTIONS} == set(library.declarations)
    for slug, declaration in library.declarations.items():
        assert slug in slugs(index, declaration.title)[:3], declaration.title
        assert slug in slugs(index, declaration.kana)[:3], declaration.kana


@pytest.mark.parametrize(
    "words", ["犬の登録", "いぬのとうろく", "イヌノトウロク", "ｲﾇﾉﾄｳﾛｸ", "犬　登録", "犬のとうろく", "犬の登録。"]
)
def test_a_word_may_be_spelt_in_any_way(index: Index, words: str) -> None:
    assert "inu-toroku" in slugs(index, words)[:3]


@pytest.mark.parametrize("words", ["住民表の写し", "じゅうみんひょ", "住民票の移し", "住民票うつし"])
def test_a_slip_is_forgiven(index: Index, words: str) -> None:
    assert "juminhyo-utsushi" in slugs(index, words)[:3]


@pytest.mark.parametrize(
    "words", ["引っ越し", "子どもが生まれた", "犬を飼った", "家族が亡くなった", "ごみ", "犬", "税"]
)
def test_plain_words_find_something(index: Index, words: str) -> None:
    assert slugs(index, words)


@pytest.mark.parametrize("words", ["zzzz", "<script>alert(1)</script>", "!!!", "　", "ー", "\U0001f436"])
def test_what_means_nothing_finds_nothing_and_harms_nothing(index: Index, words: str) -> None:
    assert slugs(index, words) == [] or not words.strip()


def test_filters_narrow_what_words_found(index: Index) -> None:
    found = slugs(index, "届出", category="environment-pets")
    assert 0 < len(found) < len(slugs(index, "届出")) + 100
    assert all(slug in slugs(index, "", category="environment-pets") for slug in found)


def test_without_words_everything_is_there_in_the_catalogues_order(library: Library, index: Index) -> None:
    assert slugs(index, "") == slugs(index, "  ") == list(library.declarations)


def test_a_very_large_catalogue_is_searched_by_what_is_telling(library: Library) -> None:
    """Two thousand procedures, ten of each: what is looked at stays bounded, and the best still comes first."""
    many = [replace(each, state="open") for each in served(library) for _ in range(10)]
    large = Index(many, library.shared)
    for question, slug in QUESTIONS[::10]:
        found = slugs(large, question)
        assert slug in found[:40] or slug not in slugs(Index(served(library), library.shared), question)[:3], question
