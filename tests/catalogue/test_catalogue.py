"""What is served is held as headers; the rest of a procedure is read when somebody opens it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import fields

import pytest

from procedures.declaration import Declaration, Header
from procedures.library import Library
from server.catalogue import Catalogue, publish
from server.catalogue.catalogue import KEPT_VERSIONS, TOPIC
from server.catalogue.finding import Index, Wanted
from server.settings import Settings
from server.store.database import Database, open_database
from server.web.public.guides import MOST_PAGES, _numbers
from tests import shipped
from tests.conftest import Clock, Store


@pytest.fixture(scope="module")
def library() -> Library:
    return shipped.library()


@pytest.fixture(scope="module")
def dog(library: Library) -> Declaration:
    return library.declarations["inu-toroku"]


@pytest.fixture
def catalogue(store: Store, library: Library) -> Catalogue:
    return Catalogue(library.shared, store.database, takes_my_number=True)


@pytest.fixture
def file(settings: Settings, clock: Clock) -> Iterator[Database]:
    database = open_database(settings, clock=clock)
    yield database
    database.close()


def newer(of: Declaration, title: str = "犬の登録(新しい版)") -> Declaration:
    return Declaration.from_bundle(of.text.replace(f'"title":"{of.title}"', f'"title":"{title}"', 1))


def copies(of: Declaration, number: int) -> list[Declaration]:
    texts = (of.text.replace(f'"{of.slug}"', f'"{of.slug}-{i}"', 1) for i in range(number))
    return [Declaration.from_bundle(text.replace(f'"{of.id}"', f'"P{90_000 + i}"', 1)) for i, text in enumerate(texts)]


async def served(
    catalogue: Catalogue, database: Database, declarations: Sequence[Declaration], clock: Clock
) -> Catalogue:
    await database.transact(lambda db: publish(db, declarations, now=clock(), actor="test"))
    await catalogue.refresh()
    return catalogue


def test_the_header_of_every_procedure_says_what_its_declaration_says(library: Library) -> None:
    names = [each.name for each in fields(Header)]
    for declaration in library.declarations.values():
        header = Header.read(declaration.header)
        assert [getattr(header, name) for name in names] == [getattr(declaration, name) for name in names]
        assert header.handed_over == declaration.handed_over
        kinds = {field.kind.name for field in declaration.form.fields.values()}
        assert header.asks_my_number == ("my_number" in kinds), declaration.slug


def test_everything_served_can_be_opened_and_is_what_was_published(
    store: Store, catalogue: Catalogue, library: Library, clock: Clock
) -> None:
    every = list(library.declarations.values())
    store.run(served(catalogue, store.database, every, clock))
    assert [each.declaration.id for each in catalogue.all()] == [each.id for each in every]
    for each, declaration in zip(catalogue.all(), every, strict=True):
        assert not isinstance(each.declaration, Declaration)
        assert store.run(catalogue.opened(each)).text == declaration.text
        assert (each.digest, each.declaration.title) == (declaration.digest, declaration.title)


def test_what_is_not_served_is_not_there(store: Store, catalogue: Catalogue, dog: Declaration, clock: Clock) -> None:
    store.run(served(catalogue, store.database, [dog, *copies(dog, 1)], clock))
    assert catalogue.get("neko-toroku") is None
    for digest, slug in (
        ("0" * 64, dog.slug),
        ("", dog.slug),
        (dog.digest, "neko-toroku"),
        (dog.digest, "inu-toroku-0"),
    ):
        with pytest.raises(LookupError):
            store.run(catalogue.declaration(digest, slug))


def test_who_found_a_version_opens_that_version_though_another_is_served_meanwhile(
    store: Store, catalogue: Catalogue, dog: Declaration, clock: Clock
) -> None:
    store.run(served(catalogue, store.database, [dog], clock))
    found = catalogue.get(dog.slug)
    assert found is not None
    store.run(served(catalogue, store.database, [newer(dog)], clock))
    now = catalogue.get(dog.slug)
    assert now is not None
    assert (found.declaration.title, now.declaration.title) == (dog.title, "犬の登録(新しい版)")
    assert store.run(catalogue.opened(found)).text == dog.text
    assert store.run(catalogue.opened(now)).title == now.declaration.title


def test_what_stays_is_not_read_anew(store: Store, catalogue: Catalogue, dog: Declaration, clock: Clock) -> None:
    other = copies(dog, 1)
    store.run(served(catalogue, store.database, [dog, *other], clock))
    kept, version, index = catalogue.get(other[0].slug), catalogue.version, catalogue.index
    store.run(catalogue.refresh())
    assert (catalogue.version, catalogue.index) == (version, index)
    store.run(served(catalogue, store.database, [newer(dog)], clock))
    again = catalogue.get(other[0].slug)
    assert kept is not None
    assert again is not None
    assert again.declaration is kept.declaration
    assert catalogue.version != version


def test_what_one_worker_publishes_another_serves(
    store: Store, library: Library, dog: Declaration, clock: Clock
) -> None:
    other = open_database(store.settings, clock=clock)
    try:
        mine = Catalogue(library.shared, store.database, takes_my_number=True)
        theirs = Catalogue(library.shared, other, takes_my_number=True)
        heard = threading.Event()
        other.listen(TOPIC, lambda _key: heard.set())
        store.run(served(mine, store.database, [dog], clock))
        assert heard.wait(10)
        store.run(theirs.refresh())
        found = theirs.get(dog.slug)
        assert found is not None
        assert store.run(theirs.opened(found)).text == dog.text
        assert theirs.version == mine.version
    finally:
        other.close()


def test_of_two_refreshes_at_once_the_later_word_counts(
    store: Store, catalogue: Catalogue, dog: Declaration, clock: Clock
) -> None:
    async def both() -> None:
        early = asyncio.create_task(catalogue.refresh())
        await asyncio.sleep(0)
        await served(catalogue, store.database, [newer(dog)], clock)
        await early

    store.run(served(catalogue, store.database, [dog], clock))
    store.run(both())
    found = catalogue.get(dog.slug)
    assert found is not None
    assert found.declaration.title == "犬の登録(新しい版)"


def test_only_so_many_versions_are_held_and_all_can_be_opened_again(
    file: Database, library: Library, dog: Declaration, clock: Clock
) -> None:
    catalogue, many = Catalogue(library.shared, file, takes_my_number=True), copies(dog, KEPT_VERSIONS + 5)

    async def opened() -> None:
        await served(catalogue, file, many, clock)
        for _ in range(2):
            texts = [(await catalogue.opened(each)).text for each in catalogue.all()]
            assert texts == [each.text for each in many]
            assert len(catalogue._versions) == KEPT_VERSIONS

    asyncio.run(opened())


def test_a_version_that_many_open_at_once_is_held_once(
    store: Store, catalogue: Catalogue, dog: Declaration, clock: Clock
) -> None:
    async def opened() -> list[Declaration]:
        return list(await asyncio.gather(*(catalogue.declaration(dog.digest, dog.slug) for _ in range(5))))

    store.run(served(catalogue, store.database, [dog], clock))
    first, *others = store.run(opened())
    assert all(each is first for each in others)


def test_without_a_key_for_it_nobody_is_asked_for_a_my_number(
    store: Store, library: Library, dog: Declaration, clock: Clock
) -> None:
    asking = next(each for each in library.declarations.values() if each.asks_my_number)
    catalogue = Catalogue(library.shared, store.database, takes_my_number=False)
    store.run(served(catalogue, store.database, [asking, dog], clock))
    states = {each.declaration.slug: each.status(clock()).state for each in catalogue.all()}
    assert states == {asking.slug: "suspended", dog.slug: "open"}


def test_the_letters_are_looked_at_once_however_many_search(
    store: Store, catalogue: Catalogue, library: Library, dog: Declaration, clock: Clock
) -> None:
    async def ready() -> None:
        await asyncio.gather(*(catalogue.index.ready() for _ in range(5)))

    store.run(served(catalogue, store.database, [dog, library.declarations["juminhyo-utsushi"]], clock))
    store.run(ready())
    letters = catalogue.index._letters
    found = [each.declaration.slug for each in catalogue.index.find(Wanted("犬を飼った"))]
    assert found[0] == dog.slug
    assert catalogue.index._letters is letters
    eager = Index(catalogue.all(), library.shared).find(Wanted("犬を飼った"))
    assert [each.declaration.slug for each in eager] == found


@pytest.mark.parametrize(
    ("here", "last", "numbers"),
    [
        (1, 1, [1]),
        (3, MOST_PAGES, list(range(1, MOST_PAGES + 1))),
        (1, 1000, [1, 2, 3, 4, 5, 1000]),
        (500, 1000, [1, *range(496, 505), 1000]),
        (1000, 1000, [1, *range(996, 1001)]),
    ],
)
def test_a_very_long_list_names_its_first_its_last_and_the_next_pages(here: int, last: int, numbers: list[int]) -> None:
    assert list(_numbers(here, last)) == numbers
