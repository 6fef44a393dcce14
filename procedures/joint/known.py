"""What was said in an interview, and what follows from it without being asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from forms_schema import Json
from forms_schema.dates import read_date
from procedures.joint.facts import APPLICANT, FITS, SPOUSES, Key, Node

TYPED: Final = "typed"
SAME: Final = "same"
FOLLOWS: Final = "follows"
BROUGHT: Final = frozenset({"card", "earlier", "pre-entry", "guide"})
"""Where a fact comes from: typed here, said to be the same as another, following from another, or brought along."""

FAMILY: Final = Key("", "family")
"""The fact of who is in the family, the applicant first: a list of {"id", "kin", "apart"}. Who is not `apart` lives in
the household that the applicant lives in, or moves to."""
HEAD: Final = Key("", "head_of_household")
"""The pick of the head of the household: there is one, whatever form asks for them."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer, where it comes from and who typed it. Facts of one `act` were said with one answer. `of` is the fact
    that it is the same as, or follows from."""

    value: Json
    source: str
    by: str = ""
    act: int = 0
    of: Key | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All that was said: what there is to store. `passed` are questions that were left blank."""

    facts: Mapping[Key, Fact] = field(default_factory=dict)
    passed: frozenset[Key] = frozenset()
    acts: int = 0

    def dump(self) -> Json:
        """It as JSON."""
        facts = [[*key, each.value, each.source, each.by, each.act, each.of] for key, each in self.facts.items()]
        return {"facts": facts, "passed": sorted(list(key) for key in self.passed), "acts": self.acts}

    @staticmethod
    def read(stored: Any) -> State:
        """What `dump` made."""
        facts = {
            Key(who, path): Fact(value, source, by, act, Key(*of) if of else None)
            for who, path, value, source, by, act, of in stored["facts"]
        }
        return State(facts, frozenset(Key(*key) for key in stored["passed"]), stored["acts"])


@dataclass(frozen=True, slots=True)
class Terms:
    """What rules need of the forms: the names of the prefectures, and each form's own question of why it is filed."""

    prefectures: Mapping[str, str]
    occasions: Mapping[str, str]


class Known:
    """What was said, and what follows from it."""

    def __init__(self, state: State, today: date, terms: Terms) -> None:
        self.facts = state.facts
        self.today = today
        self.terms = terms
        family = state.facts.get(FAMILY)
        self.family: Mapping[str, str] = {each["id"]: each["kin"] for each in family.value} if family else {}
        self.apart = frozenset(each["id"] for each in family.value if each["apart"]) if family else frozenset()

    def fits(self, role: str) -> list[str]:
        """The members who may be `role`."""
        kins = FITS.get(role, frozenset())
        return [who for who, kin in self.family.items() if kin in kins]

    def ids(self, key: Key) -> list[str] | None:
        """Who was named at `key`; None when nobody was asked."""
        named = self.value(key)
        return named if isinstance(named, list) and all(isinstance(who, str) for who in named) else None

    def value(self, key: Key) -> Json | None:
        """What was said; None for nothing."""
        fact = self.facts.get(key)
        return fact.value if fact else None

    def find(self, node: Node, shared: Key, own: Key, top: str) -> Fact | None:
        """The answer at a place; `top` is the form's applicant."""
        return self.facts.get(own) or self.facts.get(shared) or self._follows(node, shared, top)

    def _follows(self, node: Node, shared: Key, top: str) -> Fact | None:
        rule = _FOLLOWS.get(shared.path) if shared.path == node.path else None
        if rule is None:
            return None
        value, of = rule(self, node, shared.who, top)
        return Fact(value, FOLLOWS, self.facts[of].by, of=of) if value is not None and of in self.facts else None

    def married(self, _node: Node, _who: str, _top: str) -> Follows:
        return True if SPOUSES.intersection(self.family.values()) else None, FAMILY

    def living(self, _node: Node, who: str, _top: str) -> Follows:
        return ("apart" if who in self.apart else "together") if who in self.family else None, FAMILY

    def is_applicant(self, _node: Node, who: str, top: str) -> Follows:
        return who == top, FAMILY

    def foreign(self, _node: Node, who: str, _top: str) -> Follows:
        key = Key(who, "nationality")
        return self.value(key) == "foreign", key

    def moved(self, _node: Node, who: str, _top: str) -> Follows:
        key = Key(who, "moved_on")
        day = read_date(self.value(key))
        return day <= self.today if day else None, key

    def moving(self, node: Node, who: str, top: str) -> Follows:
        key = Key(who, "moved")
        value, of = (self.value(key), key) if key in self.facts else self.moved(node, who, top)
        return not value if isinstance(value, bool) else None, of

    def occurred_on(self, node: Node, _who: str, _top: str) -> Follows:
        """Who files because they moved, files of the day on which they moved."""
        key, own = Key(APPLICANT, "moved_on"), self.terms.occasions.get(node.own.partition(":")[0])
        occasion = self.facts.get(Key("", own or "")) or self.facts.get(Key("", "occasion"))
        return self.value(key) if own and occasion and occasion.value == "move-in" else None, key

    def previous_city(self, _node: Node, _who: str, _top: str) -> Follows:
        prefecture, city = (Key(APPLICANT, f"previous_address/{part}") for part in ("prefecture", "city"))
        named = self.terms.prefectures.get(str(self.value(prefecture)))
        return f"{named}{self.value(city)}" if named and city in self.facts else None, city

    def relation(self, node: Node, who: str, top: str) -> Follows:
        kin = self.family.get(who, "")
        if self.family.get(top) != "self":
            return None, FAMILY
        return _among(node, kin, "spouse" if kin in SPOUSES else "") if node.field.options else _WORDS.get(kin), FAMILY

    def head_relation(self, node: Node, who: str, top: str) -> Follows:
        return self.relation(node, who, top) if self.ids(HEAD) == [top] else (None, FAMILY)

    def child_relation(self, node: Node, who: str, _top: str) -> Follows:
        kin = self.family.get(who, "")
        if kin == "self":  # the other parent tells
            kin = next((_OTHER[each] for each in self.family.values() if each in _OTHER), "")
        return _among(node, _OF_CHILD.get(kin, "")), FAMILY


def _among(node: Node, *values: str) -> str | None:
    options = {option.value for option in node.field.options}
    return next((value for value in values if value in options), None)


Follows = tuple[Json | None, Key]
_FOLLOWS: Final[Mapping[str, Callable[[Known, Node, str, str], Follows]]] = {
    "married": Known.married,
    "living": Known.living,
    "is_applicant": Known.is_applicant,
    "foreign": Known.foreign,
    "moved": Known.moved,
    "moving": Known.moving,
    "occurred_on": Known.occurred_on,
    "previous_city": Known.previous_city,
    "relation": Known.relation,
    "head_relation": Known.head_relation,
    "child_relation": Known.child_relation,
}
"""Facts that need not be asked once another is known: (the value, or None; the fact it follows from)."""
BASES: Final[Mapping[str, tuple[str, ...]]] = {
    "foreign": ("nationality",),
    "moved": ("moved_on",),
    "moving": ("moved", "moved_on"),
    "occurred_on": ("occasion", "moved_on"),
    "previous_city": ("previous_address/prefecture", "previous_address/city"),
}
"""What these follow from, beside the family."""
_WORDS: Final = {"self": "本人", "husband": "夫", "wife": "妻", "child": "子", "father": "父", "mother": "母"}
_OTHER: Final = {"husband": "wife", "wife": "husband"}
_OF_CHILD: Final = {
    "husband": "father",
    "wife": "mother",
    "child": "sibling",
    "father": "grandfather",
    "mother": "grandmother",
}
