"""The engine's words: what a form is made of once compiled, and what a page is given to show.

Everything here is a value. `Field` is compiled once per declaration; `Question` is a field that is asked for
one person's answers; `FieldView` is what a macro receives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from typing import Any, ClassVar, Final

from forms_schema.speech import JAPANESE, Speech

Json = Any  # a JSON value; an absent answer has no key
Answers = dict[str, Json]
Schema = Mapping[str, Any]
Posted = Mapping[str, Sequence[str]]
"""Form controls by name, each with every value posted under it, in order."""


def last(posted: Posted, name: str, default: str = "") -> str:
    """The value of a control that has one (the last where it was sent twice); `default` where it was not sent."""
    return (posted.get(name) or (default,))[-1]


class Keep:
    """The type of KEEP."""

    def __repr__(self) -> str:
        return "KEEP"


KEEP: Final = Keep()
"""What `Kind.parse` answers when none of its controls was on the page: the draft's answer stays."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a declaration: where, what, and what is allowed instead."""

    pointer: str
    problem: str
    allowed: str = ""

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.problem}" + (f"; {self.allowed}" if self.allowed else "")


class BadDeclaration(ValueError):
    """A declaration that is refused whole, with every fault that was found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class FieldError:
    """An answer that cannot stand. `pointer` names the question ('/children/0/name', 'attachment:ininjo').

    `code` is the schema keyword or a kind's own word ('required', 'maximum', 'format'), `params` what the
    keyword says ({'limit': 10}); neither ever holds what was typed.
    """

    pointer: str
    code: str
    params: Mapping[str, Any] = made_by(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a radio, select or checkboxes field."""

    value: str
    title: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot that is on offer: as it is answered, until when ('HH:MM', '' for a whole day), and the places left."""

    slot: str
    until: str
    left: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Offered:
    """What may be picked at a question for a slot, in order; `note` says what to do where that is not enough."""

    slots: tuple[Offer, ...] = ()
    note: str = ""


class Kind:
    """How one sort of question is asked, read and shown. One subclass a kind, one macro of the same name.

    A leaf kind owns `parse`; a container (`group`, `rows`, composites) has children that own theirs.
    """

    name: ClassVar[str]
    container: ClassVar[bool] = False

    def parse(self, field: Field, name: str, posted: Posted) -> Json | Keep | None:
        """Read the control(s) called `name` (or `name.part`). KEEP: not on the page. None: cleared.

        What cannot be read stays as typed (a string): the schema then says `type` or `format`, and the page
        shows it again.
        """
        raise TypeError(f"{self.name} has no control of its own")

    def parts(self, field: Field, name: str, value: Json | None) -> Mapping[str, str]:
        """The text each control shows for `value`, by the control's suffix ('' or '.year')."""
        return {"": "" if value is None else str(value)}

    def choices(self, field: Field, value: Json | None) -> tuple[Option, ...]:
        """What the page offers to pick from, when the answer is `value`."""
        return field.options

    def chosen(self, value: Json | None, parts: Mapping[str, str]) -> Collection[str]:
        """The values of the choices that are picked."""
        return (parts[""],)

    def width(self, field: Field) -> str:
        """How long an answer is expected: 'w2', 'w4', 'w8', 'w16' or 'full'."""
        return "full"

    def inputmode(self, field: Field) -> str:
        """The keyboard a telephone should show, '' for the usual one."""
        return ""

    def text(self, field: Field, value: Json) -> str:
        """`value` as people read it: on the check page, the sheet, in exports. Containers join their children's."""
        return str(value)


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A question as compiled: everything about it that does not depend on anybody's answers."""

    pointer: str
    """Pattern: '/children/*/name', `*` for any row."""
    name: str
    kind: Kind
    schema: Schema
    """Merged and narrowed, `$ref`s inlined, without the parts that only hold other questions."""
    title: str
    hint: str = ""
    widget: str = ""
    subject: str = ""
    options: tuple[Option, ...] = ()
    children: tuple[Field, ...] = ()
    """Of a container: every field it may ask, in order (for rows: of one row)."""
    live: bool = False
    """Whether some condition reads this answer, so that a change of it may change what is asked."""
    ui: Mapping[str, Any] = made_by(default_factory=dict)
    speech: Speech = JAPANESE


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A field that is asked, at a place. `value` is the answer kept there, or None."""

    pointer: str
    field: Field
    required: bool
    value: Json | None = None
    children: tuple[Question, ...] = ()
    """Of a group or composite."""
    rows: tuple[tuple[Question, ...], ...] = ()
    """Of rows: the questions of each row, blank shown rows included."""


@dataclass(frozen=True, slots=True)
class Note:
    """Words between questions."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """A file that may be asked for. `accept` holds media types; `each` is a pointer to rows: one file set a row."""

    key: str
    title: str
    hint: str = ""
    max: int = 1
    accept: tuple[str, ...] = ("application/pdf", "image/jpeg", "image/png")
    each: str = ""
    required_if: Schema | None = None
    optional: bool = False

    @property
    def sometimes(self) -> bool:
        """Whether not everybody hands it in: it depends on the answers, or is wished for only."""
        return self.required_if is not None or self.optional


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the form. An item is the top of a subtree of questions, a note, or an attachment."""

    title: str
    items: tuple[Field | Note | Attachment, ...]


@dataclass(frozen=True, slots=True)
class OptionView:
    """A choice as shown: `checked` is 'checked' or '', `selected` is 'selected' or ''. `note` is said beside it; one
    that is `full` cannot be picked."""

    value: str
    title: str
    id: str
    checked: str = ""
    selected: str = ""
    note: str = ""
    full: bool = False


@dataclass(frozen=True, slots=True)
class DayView:
    """A day with its times; '' for `title` where the days themselves are picked. `open` is 'open' or ''."""

    title: str
    options: tuple[OptionView, ...]
    note: str = ""
    open: str = ""


@dataclass(frozen=True, slots=True)
class FileView:
    """A file already handed in: `href` opens it, `remove` is the value of the `_do` button that removes it. `note` says
    why it cannot be opened, where it cannot."""

    name: str
    size: str
    href: str
    remove: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """One row of a repeating group."""

    title: str
    id: str
    remove: str
    """The value of `_do` that removes this row, '' when it may not be removed."""
    children: tuple[FieldView, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldView:
    """What a macro is given, and all it is given."""

    kind: str
    field: Field | None
    name: str
    """Control name: 'children.0.birthdate'."""
    id: str
    label: str
    hint: str
    required: bool
    error: str = ""
    """The words of the error, '' if none."""
    value: str = ""
    parts: Mapping[str, str] = made_by(default_factory=dict)
    """Text of each control by suffix: {'.era': 'reiwa', '.year': '6', …}."""
    options: tuple[OptionView, ...] = ()
    days: tuple[DayView, ...] = ()
    """Of a slot: what is on offer, none where nothing is free."""
    note: str = ""
    """Of a slot: what to do where nothing suits."""
    children: tuple[FieldView, ...] = ()
    rows: tuple[RowView, ...] = ()
    files: tuple[FileView, ...] = ()
    add: str = ""
    """The value of `_do` of the field's own button, '' for none: adds a row ('' when no more fit), looks an
    address up, takes in the chosen files."""
    describedby: str = ""
    live: bool = False
    source: str = ""
    """'card' or 'earlier' when the answer was not typed here."""
    width: str = "full"
    inputmode: str = ""
    autocomplete: str = ""
    langs: tuple[str, str, str] = ("", "", "")
    """Language tags of label, hint and choices, where they are in another language than the page."""
