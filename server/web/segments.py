"""Pages rendered from segments: templates and macros are run once for each shape of page, not for each person.

The macros stay the one source. A shape is everything about the views but what somebody answered: which questions
stand there, how many rows, which of them have an error. For a new shape the macros run with marks in place of the
answers; the result is cut at the marks, and from then on the answers are escaped and joined in between. That holds
because a macro places answers and never branches on them; a test compares both ways for every specimen.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from markupsafe import Markup, escape

from forms_schema import Field, FieldView, Json, Question
from forms_schema.base import DayView, FileView, RowView
from forms_schema.view import OnPage, Words, places

KEPT: Final = 16 * 2**20
"""Characters of segments held, for all shapes together; a step has some 15,000."""
_OPEN, _CLOSE = "\ue000", "\ue001"  # private use: left alone by escaping; only the templates' own output is ever cut
_MARK: Final = re.compile(f"{_OPEN}([^{_CLOSE}]+){_CLOSE}")

Item = FieldView | OnPage
Render = Callable[[Sequence[FieldView]], str]
Shape = tuple[object, ...]
Answer = tuple[str | int, str]
"""A slot and the markup that stands there. Slots without an answer are left out."""


class Cut:
    """A rendered page cut at its marks: filled in by putting markup where the marks were. `keeps` are the views it was
    cut from, whose fields must live as long: a shape knows a field by its id."""

    __slots__ = ("_parts", "keeps", "size", "slots")

    def __init__(self, html: str, slot: Callable[[str], str | int], keeps: object = None) -> None:
        parts = _MARK.split(html)
        self.size, self.keeps = sum(map(len, parts)), keeps
        self.slots: dict[str | int, list[int]] = {}
        for place in range(1, len(parts), 2):
            self.slots.setdefault(slot(parts[place]), []).append(place)
            parts[place] = ""
        self._parts = parts

    def filled(self, answers: Iterable[Answer]) -> str:
        parts = self._parts.copy()
        for slot, markup in answers:
            for place in self.slots.get(slot, ()):
                parts[place] = markup
        return "".join(parts)


class Mark(str):
    """What stands for a value while a page is cut."""

    __slots__ = ("slot",)
    slot: str

    @classmethod
    def of(cls, slot: str | int) -> Mark:
        made = cls(f"{_OPEN}{slot}{_CLOSE}")
        made.slot = str(slot)
        return made


class Cuts:
    """Cuts by shape. Anybody can make shapes (rows, files): the oldest go when together they grow too large."""

    def __init__(self) -> None:
        self._known: OrderedDict[Shape, Cut] = OrderedDict()
        self._size = 0

    def get(self, shape: Shape) -> Cut | None:
        return self._known.get(shape)

    def keep(self, shape: Shape, cut: Cut) -> Cut:
        self._known[shape] = cut
        self._size += cut.size
        while self._size > KEPT and len(self._known) > 1:
            self._size -= self._known.popitem(last=False)[1].size
        return cut


class Segments:
    """Renders questions by `render` (the macros), once a shape."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._cuts = Cuts()

    def questions(self, items: Sequence[Item] | Mark) -> Markup:
        """The questions of a page, as the macros would write them."""
        if isinstance(items, Mark):
            return Markup(Mark.of(f"{items.slot}|questions"))  # noqa: S704  # digits and names between two marks
        outline = Outline()
        for item in items:
            outline.add(item)
        shape = tuple(outline.shape)
        cut = self._cuts.get(shape) or self._cuts.keep(shape, self._cut(items))
        return Markup(cut.filled(outline.answers))  # noqa: S704  # the macros' own output, and answers that are escaped

    def _cut(self, items: Sequence[Item]) -> Cut:
        counter = iter(range(1_000_000))
        views = [_marked(item.view() if isinstance(item, OnPage) else item, counter) for item in items]
        return Cut(self._render(views), int, views)


class Frames:
    """Renders whole pages: a template runs once for each set of the values that it may branch on.

    The others are `placed`: the template only asks whether they are there, and puts them somewhere, perhaps through
    one of `filters`. They are filled in.
    """

    def __init__(
        self, render: Callable[[str, Mapping[str, Any]], str], filters: Mapping[str, Callable[[Any], object]]
    ) -> None:
        self._render, self._filters = render, filters
        self._cuts = Cuts()

    def page(self, template: str, values: Mapping[str, Any], placed: Collection[str]) -> str:
        """The page, as the template would write it."""
        shape = (template, *(bool(v) if name in placed else _fixed(v) for name, v in values.items()))
        cut = self._cuts.get(shape)
        if cut is None:
            marked = {name: Mark.of(name) if name in placed and v else _inside(name, v) for name, v in values.items()}
            cut = self._cuts.keep(shape, Cut(self._render(template, marked), str))
        return cut.filled((slot, self._placed(str(slot), values)) for slot in cut.slots)

    def _placed(self, slot: str, values: Mapping[str, Any]) -> str:
        path, _, how = slot.partition("|")
        name, _, inner = path.partition(".")
        value = getattr(values[name], inner) if inner else values[name]
        return escape(self._filters[how](value) if how else value)


def _fixed(value: Any) -> object:
    """Of a value with parts that are only placed (they are never blank), the others."""
    placed = getattr(value, "PLACED", ())
    return tuple(getattr(value, each.name) for each in fields(value) if each.name not in placed) if placed else value


def _inside(name: str, value: Any) -> Any:
    marked = {each: Mark.of(f"{name}.{each}") for each in getattr(value, "PLACED", ())}
    return replace(value, **marked) if marked else value


def through(name: str, written: Callable[[Any], object]) -> Callable[[Any], object]:
    """A template's filter that can be put on a mark: it is carried out when the page is filled in."""
    return lambda value: Mark.of(f"{value.slot}|{name}") if isinstance(value, Mark) else written(value)


class Outline:
    """The shape of a page and its answers, without its views: of a shape that is known these are never made.

    Slots are counted as `_marked` counts them: of each question its error, its value, the text of each control, two
    for each choice, then what is inside it.
    """

    __slots__ = ("_next", "answers", "shape")

    def __init__(self) -> None:
        self.shape: list[object] = []
        self.answers: list[Answer] = []
        self._next = 0

    def add(self, item: Item) -> None:
        if isinstance(item, OnPage):
            self._question(item.question, item.words, "", "")
        else:
            self._whole(item)

    def _whole(self, view: FieldView) -> None:
        self.shape.append(_shape(view))
        for answer in _answers(view):
            if answer:
                self.answers.append((self._next, escape(answer)))
            self._next += 1

    def _question(self, question: Question, words: Words, subject: str, parent: str) -> None:
        field, pointer, value = question.field, question.pointer, question.value
        kind = field.kind
        if (
            pointer in words.lookups
            or pointer in words.offers
            or kind.choices(field, value) is not kind.choices(field, None)
        ):
            self._whole(words.view(question, subject, parent))
            return
        error = words.errors.get(pointer, "")
        # what a view says besides follows from these and from how many rows there are
        self.shape += (id(field), question.required, not error, words.sources.get(pointer), len(question.rows))
        if error:
            self.answers.append((self._next, escape(error)))
        self._next += 1
        self._texts(field, value)
        subject = field.subject or subject
        for child in question.children:
            self._question(child, words, subject, kind.name)
        for row in question.rows:
            self.shape.append(len(row))
            for child in row:
                self._question(child, words, subject, "rows")

    def _texts(self, field: Field, value: Json) -> None:
        parts = field.kind.parts(field, "", value)
        for text in (parts.get("", ""), *parts.values()):
            if text:
                self.answers.append((self._next, escape(text)))
            self._next += 1
        offered = places(field)
        if offered:
            for picked in field.kind.chosen(value, parts):
                if (place := offered.get(picked)) is not None:
                    slot = self._next + 2 * place
                    self.answers += ((slot, "checked"), (slot + 1, "selected"))
            self._next += 2 * len(offered)


def _shape(view: FieldView) -> Shape:
    """All that a macro may branch on."""
    fixed = (view.label, view.hint, view.value, *view.parts.values()) if view.field is None else id(view.field)
    return (
        fixed,
        view.name,
        view.required,
        bool(view.error),
        view.source,
        view.add,
        tuple((option.value, option.title) for option in view.options) if view.options else (),
        tuple(_day_shape(day) for day in view.days) if view.days else (),
        view.note,
        tuple((file.remove, bool(file.note)) for file in view.files) if view.files else (),
        tuple(_shape(child) for child in view.children) if view.children else (),
        tuple((row.remove, *(_shape(child) for child in row.children)) for row in view.rows) if view.rows else (),
    )


def _day_shape(day: DayView) -> Shape:
    return (day.title, day.note, *((option.value, option.title, option.note) for option in day.options))


def _answers(view: FieldView) -> Iterator[str]:
    """What somebody answered, in a fixed order; `_marked` follows the same order."""
    yield view.error
    if view.field is not None:  # a note's words and an attachment's limits are the declaration's, not an answer
        yield view.value
        yield from view.parts.values()
    for option in view.options:
        yield option.checked
        yield option.selected
    for day in view.days:
        yield day.open
        yield from (option.checked for option in day.options)
    for file in view.files:
        yield from (file.name, file.size, file.href, file.note)
    for child in view.children:
        yield from _answers(child)
    for row in view.rows:
        for child in row.children:
            yield from _answers(child)


def _marked(view: FieldView, counter: Iterator[int]) -> FieldView:
    """The view with a mark in place of each answer."""

    def marked() -> str:
        return Mark.of(next(counter))

    error = marked()
    own = view.field is not None
    return replace(
        view,
        error=error if view.error else "",
        value=marked() if own else view.value,
        parts=_marked_parts(view.parts, marked) if own else view.parts,
        options=tuple(replace(option, checked=marked(), selected=marked()) for option in view.options),
        days=tuple(_marked_day(day, marked) for day in view.days),
        files=tuple(_marked_file(file, marked) for file in view.files),
        children=tuple(_marked(child, counter) for child in view.children),
        rows=tuple(_marked_row(row, counter) for row in view.rows),
    )


def _marked_day(day: DayView, mark: Callable[[], str]) -> DayView:
    opened = mark()
    return replace(day, open=opened, options=tuple(replace(option, checked=mark()) for option in day.options))


def _marked_file(file: FileView, mark: Callable[[], str]) -> FileView:
    name, size, href, note = mark(), mark(), mark(), mark()
    return replace(file, name=name, size=size, href=href, note=note if file.note else "")


def _marked_row(row: RowView, counter: Iterator[int]) -> RowView:
    return replace(row, children=tuple(_marked(child, counter) for child in row.children))


def _marked_parts(parts: Mapping[str, str], mark: Callable[[], str]) -> Mapping[str, str]:
    return {name: mark() for name in parts}
