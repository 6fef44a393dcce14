"""The queues of the town hall: which procedures are called together, by which letter, and how long one takes.

Each procedure is in one queue: the one that names it, else the one that names its department, else the one for
everything else (総合案内), so that nobody who comes is without a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from forms_schema.base import Fault, Json
from procedures.shape import SLUG, Shape, count, many, record, text


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue. `letter` stands before its numbers; `minutes` is how long one person is served, until it is measured.

    `slugs` are procedures that are called here whatever their department; `rest`: here is whatever no other queue has.
    """

    id: str
    letter: str
    title: str
    minutes: int
    departments: tuple[str, ...]
    slugs: tuple[str, ...]
    rest: bool

    def number(self, number: int) -> str:
        """A number as people read it: 'A-012'."""
        return f"{self.letter}-{number:03}"


class QueueTable:
    """Every queue by its id, in the order of the file."""

    def __init__(self, queues: Iterable[Queue] = ()) -> None:
        self.queues: Final[Mapping[str, Queue]] = {queue.id: queue for queue in queues}
        every = self.queues.values()
        self._by_slug: Final = {slug: queue for queue in every for slug in queue.slugs}
        self._by_department: Final = {name: queue for queue in every for name in queue.departments}
        self._rest: Final = next((queue for queue in every if queue.rest), None)

    def of(self, slug: str, department: str) -> Queue:
        """The queue of a procedure. Raises LookupError where the city has no queues."""
        found = self._by_slug.get(slug) or self._by_department.get(department) or self._rest
        if found is None:
            raise LookupError(slug)
        return found

    def number(self, queue: str, number: int) -> str:
        """A ticket as people read it; of a queue that is gone the number alone."""
        found = self.queues.get(queue)
        return found.number(number) if found else f"{number:03}"

    def title(self, queue: str) -> str:
        """What a queue is called; its id where it is gone."""
        found = self.queues.get(queue)
        return found.title if found else queue


# --- the file -------------------------------------------------------------------------------------------------------

SHAPE: Final = Shape(
    many(
        "番号札の組",
        "いっしょに呼ぶ手続のまとまり。どの手続も1つの組に入る",
        record(
            "組",
            "番号札の組",
            {
                "id": SLUG,
                "letter": text("文字", "番号の前に付ける文字。A から Z まで", 1, pattern="^[A-Z]$"),
                "title": text("名前", "住民に見せる名前。例: 国民健康保険・年金", 40),
                "minutes": count("分", "1人にかかる時間のはじめの値。測った時間がたまると、それを使う", 1, 120),
                "departments": many("課", "この組で呼ぶ課", text("課", "課の名前(city.json)", 60), uniqueItems=True),
                "slugs": many("手続", "課とちがう組で呼ぶ手続", SLUG, uniqueItems=True),
                "rest": {
                    "title": "そのほか",
                    "description": "true なら、どの組にも入らない手続をここで呼ぶ。1つの組だけに書く",
                    "const": True,
                },
            },
            *("id", "letter", "title", "minutes"),
        ),
        minItems=1,
        maxItems=26,
    )
)


def read_queues(raw: Iterable[Mapping[str, Json]]) -> tuple[QueueTable, list[Fault]]:
    """The queues of a file whose shape was checked, with what a shape cannot say."""
    every = list(raw)
    queues = [
        Queue(
            each["id"],
            each["letter"],
            each["title"],
            each["minutes"],
            tuple(each.get("departments", ())),
            tuple(each.get("slugs", ())),
            each.get("rest", False),
        )
        for each in every
    ]
    return QueueTable(queues), [*_twice(queues), *_rests(queues)]


def _twice(queues: list[Queue]) -> Iterator[Fault]:
    """What may stand in one queue alone."""
    seen: dict[tuple[str, str], int] = {}
    for i, queue in enumerate(queues):
        named = [("id", queue.id), ("letter", queue.letter)]
        named += [(f"departments/{j}", name) for j, name in enumerate(queue.departments)]
        named += [(f"slugs/{j}", name) for j, name in enumerate(queue.slugs)]
        for place, name in named:
            other = seen.setdefault((place.partition("/")[0], name), i)
            if other != i:
                told = f"{name} は「{queues[other].title}」にもあります"
                yield Fault(f"/{i}/{place}", told, "1つの組にだけ書いてください")


def _rests(queues: list[Queue]) -> Iterator[Fault]:
    rests = sum(queue.rest for queue in queues)
    if rests != 1:
        yield Fault("", f"そのほかの手続を呼ぶ組が{rests}つあります", '1つの組に「"rest": true」と書いてください')
