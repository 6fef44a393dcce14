"""A clerk who leads a joint interview with people whose applications are known: they say what these say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from forms_schema import FieldError, Json
from procedures.joint import FAMILY, Answer, Ask, Key, Query, Same, Turn, apply

Raw = Mapping[str, Any]


def at(answers: Any, pointer: str) -> Any:
    """What stands at a pointer; None for nothing."""
    for name in pointer[1:].split("/"):
        if isinstance(answers, list):
            answers = answers[int(name)] if int(name) < len(answers) else None
        else:
            answers = answers.get(name) if isinstance(answers, dict) else None
    return answers


@dataclass
class Clerk:
    """`truth` are the applications, `family` its members, `who` names the members for a question about them."""

    truth: Mapping[str, Raw]
    family: Sequence[Raw]
    who: Callable[[Query, Turn], list[str]]
    asked: list[Key] = field(default_factory=list)
    refused: list[FieldError] = field(default_factory=list)

    def through(self, turn: Turn, most: int = 1000) -> Turn:
        """The interview to its end."""
        for _ in range(most):
            ask = turn.next()
            if ask is None:
                return turn
            self.asked += [query.key for query in ask.queries]
            turn, errors = apply(turn, self.said(ask, turn), by="clerk:1")
            self.refused += errors
        raise AssertionError(f"the interview has no end: {self.asked[-5:]}")

    def said(self, ask: Ask, turn: Turn) -> list[Answer]:
        """One answer for all who say the same, and one word for an address that is known already."""
        values = {query.key: self.value(query, turn) for query in ask.queries}
        answers = list(self._same(ask, turn, values))
        for column in ask.columns.values():
            keys = [key for key in column if key in values]
            for value in {repr(values[key]): values[key] for key in keys}.values():
                alike = tuple(key for key in keys if repr(values[key]) == repr(value))
                answers.append(Answer(alike, value))
            for key in keys:
                del values[key]
        return [*answers, *(Answer((key,), value) for key, value in values.items())]

    def value(self, query: Query, turn: Turn) -> Json:
        """What people say to one question."""
        if query.key == FAMILY:
            return [dict(member) for member in self.family]
        if query.members is not None:
            return list(self.who(query, turn))
        return at(self.truth[query.places[0].form], query.places[0].pointer)

    def _same(self, ask: Ask, turn: Turn, values: dict[Key, Json]) -> Iterable[Answer]:
        for whole, kind in ask.wholes.items():
            mine = {key: value for key, value in values.items() if _under(key, whole)}
            said = {key.path.rpartition("/")[2]: value for key, value in mine.items() if value is not None}
            for other, sort in turn.wholes.items():
                known = {k.path.rpartition("/")[2]: f.value for k, f in turn.state.facts.items() if _under(k, other)}
                if sort == kind and known == said:
                    yield Answer((whole,), Same(other))
                    for key in mine:
                        del values[key]
                    break


def _under(key: Key, whole: Key) -> bool:
    return key.who == whole.who and key.path.startswith(f"{whole.path}/")


def leaves(answers: Json, at: str = "") -> Iterator[tuple[str, Json]]:
    """Every answer that is one, by its pointer."""
    if isinstance(answers, Mapping):
        for name, value in answers.items():
            yield from leaves(value, f"{at}/{name}")
    elif isinstance(answers, list) and answers and isinstance(answers[0], Mapping):
        for i, row in enumerate(answers):
            yield from leaves(row, f"{at}/{i}")
    else:
        yield at, answers
