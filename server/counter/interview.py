"""The interview of a visit as it stands, ready for the next question: pages, tablets and filing ask here.

To find a turn takes the forms, compiled, and what was said. Both are kept for the visits of the day: the interview by
its forms, the turn by the visit and its revision; what was never kept, or was dropped, is made again from the store.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final, Protocol

from procedures.declaration import Declaration
from procedures.joint import Joint, Key, State, Turn
from server.catalogue import Catalogue
from server.counter.visits import Visit
from server.japan import today
from server.store.values import Clock

TURNS: Final = 128
"""Visits whose interview is kept ready."""
JOINTS: Final = 64


class Interviews:
    """What is kept of interviews, one for each worker."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, tuple[int, Turn]] = OrderedDict()
        self._joints: OrderedDict[tuple[tuple[str, str], ...], Joint] = OrderedDict()

    def joint(self, forms: Mapping[str, str], declarations: Mapping[str, Declaration]) -> Joint:
        """The interview over these forms."""
        key = tuple(forms.items())
        found = self._joints.get(key)
        if found is None:
            found = self._joints[key] = Joint({name: declarations[name].form for name in forms})
        self._joints.move_to_end(key)
        while len(self._joints) > JOINTS:
            self._joints.popitem(last=False)
        return found

    def turn(self, visit: Visit, joint: Joint, day: date) -> Turn:
        """The visit's turn on `day`."""
        kept = self._turns.get(visit.id)
        before = kept[1] if kept is not None and kept[1].joint is joint and kept[1].today == day else None
        if kept is not None and before is not None and kept[0] == visit.revision:
            self._turns.move_to_end(visit.id)
            return before
        made = joint.turn(State.read(visit.content.state), day)
        self.keep(visit, made)
        return made

    def settled(self, visit: Visit, turn: Turn) -> Turn:
        """The turn of a visit that was just saved after `turn`: the same but for what was sealed away with it."""
        stored = {Key(who, path): value for who, path, value, *_ in visit.content.state["facts"]}
        facts = turn.state.facts
        if any(key not in stored or stored[key] != fact.value for key, fact in facts.items()):
            kept = {key: fact for key, fact in facts.items() if key in stored}
            sealed = {key: replace(fact, value=stored[key]) for key, fact in kept.items() if fact.value != stored[key]}
            turn = turn.joint.turn(replace(turn.state, facts=kept | sealed), turn.today, turn)
        self.keep(visit, turn)
        return turn

    def keep(self, visit: Visit, turn: Turn) -> None:
        """Have `turn` ready: it is what the visit says at its revision."""
        self._turns[visit.id] = (visit.revision, turn)
        self._turns.move_to_end(visit.id)
        while len(self._turns) > TURNS:
            self._turns.popitem(last=False)

    def drop(self, visit_id: str) -> None:
        """The visit is over."""
        self._turns.pop(visit_id, None)


class Parts(Protocol):
    """What an interview is made with; `Services` has it."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def interviews(self) -> Interviews: ...

    @property
    def clock(self) -> Clock: ...


async def declarations_of(of: Parts, visit: Visit) -> dict[str, Declaration]:
    """The versions that a visit's forms are filled in by, by name."""
    return {name: await of.catalogue.declaration(digest, name) for name, digest in visit.content.forms.items()}


async def turn_of(of: Parts, visit: Visit) -> Turn:
    """The interview of an open visit as it stands today. Of a visit without forms a turn that asks nothing."""
    joint = of.interviews.joint(visit.content.forms, await declarations_of(of, visit))
    return of.interviews.turn(visit, joint, today(of.clock()))
