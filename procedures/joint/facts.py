"""Whose fact an answer is, and which: the same for every form that asks it.

A fact is (who, path): 'name/family' of the member of the family with the id `who`. What only one form asks is a fact
of that form alone: its path then begins with the form's name ('suido-kaishi:/tap'). `where` reads this off a compiled
form once; see docs/adr/0024-one-interview-many-forms.md for the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from forms_schema import Field, Form

APPLICANT: Final = "applicant"


class Key(NamedTuple):
    """A fact's name. `who` is a member's id; '' for what is nobody's (how a form is to be filled)."""

    who: str
    path: str


_PERSON: Final[Mapping[str, str]] = {
    "name": "person_name",
    "birthdate": "date",
    "sex": "radio",
    "address": "address",
    "phone": "phone",
    "email": "email",
    "my_number": "my_number",
}
_DOG: Final[Mapping[str, str]] = {
    "name": "text",
    "breed": "text",
    "sex": "radio",
    "colour": "text",
    "birthdate": "date",
    "microchip": "yes_no",
    "microchip_number": "text",
    "registration_number": "text",
}
_BUSINESS: Final[Mapping[str, str]] = {
    "form": "radio",
    "name": "text",
    "name_kana": "text",
    "address": "address",
    "phone": "phone",
    "corporate_number": "corporate_number",
    "representative_title": "text",
    "representative": "person_name",
}
_ACCOUNT: Final[Mapping[str, str]] = {
    "institution": "radio",
    "bank_name": "text",
    "bank_code": "text",
    "branch_name": "text",
    "branch_code": "text",
    "type": "radio",
    "number": "text",
    "symbol": "text",
    "yucho_number": "text",
    "holder_kana": "text",
}
_GROUP: Final[Mapping[str, str]] = {
    "name": "text",
    "name_kana": "text",
    "representative": "person_name",
    "members": "integer",
}
_PEOPLE: Final = (
    "applicant agent spouse partner person people child children pupils household previous_household head_of_household "
    "heir deceased guardian owner subject"
)
SAID: Final[Mapping[str, Mapping[str, str]]] = {
    **dict.fromkeys(_PEOPLE.split(), _PERSON),
    **dict.fromkeys(("dog", "dogs"), _DOG),
    **dict.fromkeys(("payout", "debit"), _ACCOUNT),
    "business": _BUSINESS,
    "organization": _GROUP,
    "property": {"address": "address"},
}
"""What is the same fact in every form that asks it of a subject: names and kinds. What a form asks besides, of what it
is for ('relation', 'living'), is that form's own; where it is not, its question has an `x-subject` of `NAMED`."""

NAMED: Final[Mapping[str, str]] = {
    "acting": "acting",
    "occasion": "occasion",
    "occurred_on": "occurred_on",
    "previous_city": "previous_city",
    "married": "married",
    "moved_on": "moved_on",
    "moved": "moved",
    "moving": "moving",
    "home": "address",
    "previous_home": "previous_address",
    "nationality": "nationality",
    "foreign": "foreign",
    "has_card": "has_card",
    "living": "living",
    "relation": "relation",
    "head_relation": "head_relation",
    "child_relation": "child_relation",
    "is_applicant": "is_applicant",
}
"""Subjects that are a single fact, and its path: of the member whose row or group it stands in, else of the applicant.
An address that is somebody's home is their `address`, whatever a form calls it."""

NOBODYS: Final = frozenset({"acting", "occasion", "occurred_on", "previous_city"})
"""Single facts that are of the visit, not of a member."""

COLUMNS: Final = frozenset(
    {"nationality", "foreign", "has_card", "living", "relation", "head_relation", "child_relation"}
)
"""Single facts that are asked of several members at once."""

SINGLE: Final = frozenset({"married", "moved_on", "moved", "moving", "is_applicant"})
"""Single facts that are asked where the form asks them, not with all else about somebody."""

ANY: Final[Mapping[str, str]] = {"any_household": "household"}
"""Subjects of a yes or no that says whether there are rows of another: who they are answers both."""

SPOUSES: Final = frozenset({"husband", "wife"})
_ELDERS: Final = frozenset({"father", "mother", "grandfather", "grandmother"})
_ANYBODY: Final = frozenset({"self", "child", "sibling", "grandchild", "relative"}) | SPOUSES | _ELDERS
FITS: Final[Mapping[str, frozenset[str]]] = {
    "applicant": frozenset({"self"}),
    "spouse": SPOUSES,
    "child": frozenset({"child", "grandchild"}),
    "children": frozenset({"child", "grandchild", "sibling"}),
    "pupils": frozenset({"child", "grandchild"}),
    "guardian": frozenset({"self", "relative", "sibling"}) | SPOUSES | _ELDERS,
    **dict.fromkeys(("household", "previous_household", "people", "head_of_household", "person", "subject"), _ANYBODY),
    **dict.fromkeys(("heir", "owner"), _ANYBODY),
    **dict.fromkeys(("dog", "dogs"), frozenset({"dog"})),
}
"""Which members may be a subject, by what they are to the applicant. Any other is nobody of the family."""

KINS: Final = (
    *("self", "husband", "wife", "child", "father", "mother", "grandfather", "grandmother"),
    *("sibling", "grandchild", "relative", "dog"),
)
"""What a member is to the applicant. A 'child' is theirs and their spouse's; any other child is a relative."""

LONE: Final = frozenset(
    ["applicant", "agent", "spouse", "partner", "deceased", "business", "organization", "payout", "debit", "property"]
)
"""Subjects of whom there is one in an interview. Where the family has nobody who fits, the subject's name is the id."""

UNSHARED: Final = frozenset({"consent", "slot", "file"})
"""Kinds of what is said to one form only: nobody consents for two procedures with one word."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A field, and where its answers are. `path` is the shared one ('' for the form's own), `role` the subject that
    begins here; `picked` where somebody has to say who that is. `own` is the path of the form's own answer."""

    field: Field
    own: str
    path: str = ""
    role: str = ""
    rows: bool = False
    whole: str = ""
    """Of a part of a name or an address: which of the two, by its kind."""
    children: tuple[Node, ...] = ()


def where(name: str, form: Form) -> tuple[Node, ...]:
    """The places of a form called `name`, in the order in which it asks."""
    tops = tuple(field for pointer, field in form.fields.items() if pointer.count("/") == 1)
    taken = Counter(_wholes(form.fields.values()))
    grouped = {
        (field.subject, child.name) for field in form.fields.values() if _is_group(field) for child in field.children
    }
    clashing = {each for each, count in taken.items() if count > 1 or each in grouped}
    reader = _Reader(name, frozenset(clashing))
    return tuple(reader.node(field, "", None, "") for field in tops)


def _is_group(field: Field) -> bool:
    return bool(field.subject) and field.kind.name in ("group", "rows")


def _wholes(fields: Iterable[Field]) -> Iterator[tuple[str, str]]:
    """Names and addresses that stand alone: (whose, which)."""
    for field in fields:
        if field.subject in SAID and field.kind.name in _WHOLE:
            yield field.subject, _WHOLE[field.kind.name]


_WHOLE: Final = {"person_name": "name", "address": "address"}


class _Reader:
    def __init__(self, name: str, clashing: frozenset[tuple[str, str]]) -> None:
        self._name = name
        self._clashing = clashing

    def node(self, field: Field, family: str, path: str | None, subject: str) -> Node:
        """`family` is the subject around (''), `path` what leads from it to this field (None: left the shared part)."""
        base = Node(field, f"{self._name}:{field.pointer}")
        kind, own = field.kind.name, field.subject
        if kind in UNSHARED:
            return base
        if own in ANY:
            return replace(base, role=own)
        if own in NAMED:
            return self._filled(base, NAMED[own], "", own)
        if kind == "rows":
            return replace(self._filled(base, "", own, own), rows=True)
        if own in SAID:
            return self._of_subject(base, own)
        if path is None:
            return self._filled(base, None, "", "")
        if path or SAID.get(family, {}).get(field.name) == kind:
            return self._filled(base, f"{path}/{field.name}" if path else field.name, "", family)
        return self._filled(base, None, "", "")

    def _of_subject(self, base: Node, own: str) -> Node:
        whole = _WHOLE.get(base.field.kind.name)
        if whole is None:
            return self._filled(base, "", own, own)
        if (own, whole) in self._clashing or whole not in SAID[own]:
            return self._filled(base, None, "", "")
        return self._filled(base, whole, own, own)

    def _filled(self, base: Node, path: str | None, role: str, family: str) -> Node:
        inside = tuple(self.node(child, family, path, role) for child in base.field.children)
        kind = base.field.kind.name
        if kind in _WHOLE:
            inside = tuple(replace(child, whole=kind) for child in inside)
        return replace(base, path=path or "", role=role, children=inside)
