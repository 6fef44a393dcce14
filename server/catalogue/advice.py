"""What somebody is to file when something happens in their life, as it is served now. Pages and programs ask here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from forms_schema import Json, Settled
from procedures.city import Calendar
from procedures.declaration import Declaration
from procedures.interviews import Advice, Interview
from server.catalogue.catalogue import Catalogue, Published


@dataclass(frozen=True, slots=True)
class Paper:
    """Something to bring. `sometimes`: it depends on the answers in the form, or is wished for only."""

    title: str
    sometimes: bool = False


@dataclass(frozen=True, slots=True)
class Thing:
    """Something to bring, for `count` procedures."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Recommended:
    """A procedure for one person. `late`: its day is over, and it is to be filed at once. `published` and `declaration`
    are None where it is filed elsewhere (`advice.elsewhere`)."""

    advice: Advice
    late: bool
    published: Published | None = None
    declaration: Declaration | None = None

    @property
    def by(self) -> str:
        """By when, in words: this person's, or else what the guide tells everybody."""
        told = self.declaration.guide.when if self.declaration else ""
        return self.advice.by or told

    @property
    def bring(self) -> tuple[str, ...]:
        """What everybody brings, then what this person brings besides."""
        usual = self.declaration.guide.bring if self.declaration else ()
        return tuple(dict.fromkeys((*usual, *self.advice.bring)))

    @property
    def papers(self) -> tuple[Paper, ...]:
        """What is handed in with it as a file, or brought to the counter."""
        return tuple(_paper(each) for each in self.declaration.attachments) if self.declaration else ()


def _paper(attachment: Mapping[str, Any]) -> Paper:
    return Paper(attachment["title"], "required_if" in attachment or attachment.get("optional", False))


async def recommended(
    interview: Interview, settled: Settled, catalogue: Catalogue, calendar: Calendar
) -> tuple[Recommended, ...]:
    """What to file for answers without errors; what is due first comes first, then what has no day, each in the
    interview's order. What the city does not serve (any more) is left out."""
    served = []
    for advice in interview.wanted(settled, calendar):
        late = advice.due is not None and advice.due < settled.today
        published = catalogue.get(advice.slug)
        if advice.elsewhere is not None:
            served.append(Recommended(advice, late))
        elif published is not None:
            served.append(Recommended(advice, late, published, await catalogue.opened(published)))
    return tuple(sorted(served, key=_first_due))


def _first_due(each: Recommended) -> date:
    return each.advice.due or date.max


def things(found: Sequence[Recommended]) -> tuple[Thing, ...]:
    """One list of what there is to bring, each thing once. Papers that only some need are told with their procedure."""
    usual = [thing for each in found for thing in each.bring]
    papers = [paper.title for each in found for paper in each.papers if not paper.sometimes]
    return tuple(Thing(title, count) for title, count in Counter([*usual, *papers]).items())


def query_of(settled: Settled) -> str:
    """Answers as the query of an address: what is asked and answered, in the order of the questions."""
    pairs = [(question.field.name, question.value) for question in settled.by_pointer.values()]
    return urlencode([(name, text) for name, value in pairs if value is not None for text in _texts(value)])


def _texts(value: Json) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
