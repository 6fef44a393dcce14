"""What a visit's tablet shows: every answer so far, application by application, in the resident's language.

It is made from the same turn as the clerk's page, in the words of the forms, and from nothing else. An application that
a save has not changed is not made again.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from forms_schema import Settled
from forms_schema.text import N_
from procedures.declaration import Declaration
from procedures.joint import FAMILY, Key, Turn
from server.applications.summary import sections
from server.counter.identity import protected_members
from server.counter.interview import Parts, declarations_of, turn_of
from server.counter.visits import Visit
from server.languages import Language
from server.store.database import Database
from server.store.keys import Keys

KEPT: Final = 128
"""Visits, each in one language, of which the last picture is kept."""
MOST_ASKED: Final = 12
"""Questions that are told of one turn: a tablet is read from a distance."""
WHO: Final = N_("ご家族のこと")


class Sources(Parts, Protocol):
    """What a picture is made with; `Services` has it."""

    @property
    def database(self) -> Database: ...

    @property
    def keys(self) -> Keys: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One answer. `key` names it among all of the visit's ('kokuho-shutoku/applicant/name'), `stamp` is a digest of
    what was answered, whatever the language it is told in. `fact`: what it says of whom, in whichever application;
    None where that is not known."""

    key: str
    label: str
    text: str
    stamp: str
    fact: Key | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that belong together; `whose` is the name of the member they are about, '' where none is known."""

    key: str
    title: str
    whose: str
    lines: tuple[Line, ...]

    @property
    def stamp(self) -> str:
        """Of all its answers."""
        return hashlib.blake2b(" ".join(line.stamp for line in self.lines).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Paper:
    """An application as far as it goes."""

    name: str
    title: str
    parts: tuple[Part, ...]

    @property
    def lines(self) -> Iterator[Line]:
        return (line for part in self.parts for line in part.lines)


@dataclass(frozen=True, slots=True)
class Shown:
    """The picture. `asking` are the labels of the questions that are put now; `done`: nothing more is asked. `veiled`:
    somebody in it is under 支援措置, so nothing is shown on a screen that others may see."""

    papers: tuple[Paper, ...] = ()
    asking: tuple[str, ...] = ()
    done: bool = False
    veiled: bool = False

    @property
    def lines(self) -> Iterator[Line]:
        return (line for paper in self.papers for line in paper.lines)

    @property
    def again(self) -> frozenset[str]:
        """The keys of lines that an application further up has said already: the same answer in the same words, about
        the same. (Who files may be called the person in one form, and the head of the household in another.)"""
        told: dict[tuple[Key, str, str], str] = {}
        found = set[str]()
        for paper in self.papers:
            for line in paper.lines:
                if (
                    line.fact
                    and line.fact.path
                    and told.setdefault((line.fact, line.stamp, line.text), paper.name) != paper.name
                ):
                    found.add(line.key)
        return frozenset(found)

    def to_bytes(self, language: str) -> bytes:
        """What was seen, to be kept: the words themselves, in the language and order of the screen."""
        seen = {"language": language, "papers": [_seen(paper) for paper in self.papers]}
        return json.dumps(seen, ensure_ascii=False, separators=(",", ":")).encode()


def _seen(paper: Paper) -> dict[str, Any]:
    parts = [
        {
            "title": part.title,
            "whose": part.whose,
            "lines": [[line.key, line.label, line.text, line.stamp] for line in part.lines],
        }
        for part in paper.parts
    ]
    return {"name": paper.name, "title": paper.title, "parts": parts}


VEILED: Final = Shown(veiled=True)


def stamps(seen: Any) -> dict[str, str]:
    """By key, the stamps of what was seen, as `Shown.to_bytes` has kept it."""
    return {
        key: stamp for paper in seen["papers"] for part in paper["parts"] for key, _label, _text, stamp in part["lines"]
    }


@dataclass(frozen=True, slots=True)
class _Kept:
    revision: int
    turn: Turn
    names: Mapping[str, str]
    shown: Shown


class Mirrors:
    """The last pictures, one collection for each worker."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    async def shown(self, of: Sources, visit: Visit, language: Language, *, staff: bool = False) -> Shown:
        """What the visit's tablet shows at its revision. Whether somebody is under 支援措置 is looked up each time; to
        the `staff`, and on paper, all is shown."""
        turn = await turn_of(of, visit)
        if not staff:
            protected = await of.database.read(lambda db: protected_members(db, of.keys, turn.state.facts))
            if protected:
                self.drop(visit.id)
                return VEILED
        at = (visit.id, language.code)
        kept = self._kept.get(at)
        if kept is None or kept.revision != visit.revision or kept.turn is not turn:
            spoken = {name: language.spoken(each) for name, each in (await declarations_of(of, visit)).items()}
            names = _names(turn)
            last = kept if kept is not None and kept.names == names else None
            kept = _Kept(visit.revision, turn, names, _picture(turn, spoken, names, language, last))
            self._keep(at, kept)
        return kept.shown

    def _keep(self, at: tuple[str, str], kept: _Kept) -> None:
        self._kept[at] = kept
        self._kept.move_to_end(at)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def drop(self, visit_id: str) -> None:
        """The visit is over, or not to be shown: nothing of it stays in memory."""
        for at in [at for at in self._kept if at[0] == visit_id]:
            del self._kept[at]


def picture(turn: Turn, spoken: Mapping[str, Declaration], language: Language) -> Shown:
    """What is shown of a turn, its forms in the words of `spoken`."""
    return _picture(turn, spoken, _names(turn), language, None)


def _picture(
    turn: Turn, spoken: Mapping[str, Declaration], names: Mapping[str, str], language: Language, last: _Kept | None
) -> Shown:
    before = {paper.name: paper for paper in last.shown.papers} if last is not None else {}
    papers = []
    for name, declaration in spoken.items():
        same = last is not None and name in before and last.turn.seen[name].settled is turn.seen[name].settled
        papers.append(before[name] if same else _paper(turn, name, declaration, names))
    asking = tuple(_asking(turn, spoken, language))
    return Shown(tuple(papers), asking, not asking and bool(papers) and turn.done)


def _names(turn: Turn) -> dict[str, str]:
    """What the members of the family are called, as far as it was said."""
    found = {}
    for who in turn.family:
        parts = (turn.known.value(Key(who, f"name/{part}")) for part in ("family", "given"))
        found[who] = " ".join(str(part) for part in parts if part)
    return found


def _paper(turn: Turn, name: str, declaration: Declaration, names: Mapping[str, str]) -> Paper:
    seen, form = turn.seen[name], declaration.form
    # what is filed is in Japanese; what is shown may have other words
    settled = seen.settled if form is turn.joint.forms[name].form else form.settle(seen.draft, turn.today)
    facts, parts = _facts(turn, name), []
    for number, section in enumerate(sections(form, settled, {})):
        lines = tuple(
            Line(
                f"{name}{each.pointer}",
                each.label,
                each.text,
                _stamp(settled, each.pointer),
                facts.get(each.pointer),
            )
            for each in section.lines
            if each.text
        )
        if lines:
            whose = {line.fact.who if line.fact else "" for line in lines}
            person = names.get(whose.pop(), "") if len(whose) == 1 else ""
            parts.append(Part(f"{name}:{number}", section.title, person, lines))
    return Paper(name, declaration.title, tuple(parts))


def _facts(turn: Turn, name: str) -> Mapping[str, Key]:
    """By pointer, which fact an answer is; a name or an address in one line is that of which its parts are parts."""
    found: dict[str, Key] = {}
    for place in turn.seen[name].places:
        found[place.pointer] = place.key
        whole = Key(place.key.who, place.key.path.rpartition("/")[0])
        found.setdefault(place.pointer.rpartition("/")[0], whole)
    return found


def _stamp(settled: Settled, pointer: str) -> str:
    value = settled.by_pointer[pointer].value
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _asking(turn: Turn, spoken: Mapping[str, Declaration], language: Language) -> Iterator[str]:
    """The labels of the questions that are put now, each once."""
    ask = turn.next()
    queries = ask.queries[:MOST_ASKED] if ask is not None else ()
    told = set[str]()
    for query in queries:
        if query.key == FAMILY or query.field is None:
            label = language.say(WHO)
        else:
            label = spoken[query.places[0].form].form.fields.get(query.field.pointer, query.field).title
        if label not in told:
            told.add(label)
            yield label
