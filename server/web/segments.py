"""Questions rendered from segments: a page's macros are run once for each shape of page, not for each person.

The macros stay the one source. A shape is everything about the views but what somebody answered: which questions
stand there, how many rows, which of them have an error. For a new shape the macros run with marks in place of the
answers; the result is cut at the marks, and from then on the answers are escaped and joined in between. That holds
because a macro places answers and never branches on them; a test compares both ways for every specimen.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup, escape

from forms_schema import FieldView
from forms_schema.base import FileView, RowView

KEPT: Final = 16 * 2**20
"""Characters of segments held, for all shapes together; a step has some 15,000."""
_OPEN, _CLOSE = "\ue000", "\ue001"  # private use: left alone by escaping; only the macros' own output is ever cut
_MARK: Final = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")

Render = Callable[[Sequence[FieldView]], str]
Shape = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Cut:
    """The pieces between the answers, which answer stands where, their length, and the views they were cut from,
    whose fields must live as long: a shape knows a field by its id."""

    pieces: list[str]
    slots: list[int]
    size: int
    views: list[FieldView]


class Segments:
    """Renders questions by `render` (the macros), once a shape."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._known: OrderedDict[Shape, _Cut] = OrderedDict()
        self._size = 0

    def questions(self, views: Sequence[FieldView]) -> Markup:
        """The questions of a page, as the macros would write them."""
        shape = tuple(_shape(view) for view in views)
        known = self._known.get(shape)
        if known is None:
            known = self._cut(views)
            self._keep(shape, known)
        answers = [escape(answer) for view in views for answer in _answers(view)]
        filled = [known.pieces[0]]
        for slot, piece in zip(known.slots, known.pieces[1:], strict=True):
            filled += (answers[slot], piece)
        return Markup("".join(filled))  # noqa: S704  # pieces are the macros' own output, answers are escaped above

    def _keep(self, shape: Shape, cut: _Cut) -> None:
        """Anybody can make shapes (rows, files): the oldest go when together they grow too large."""
        self._known[shape] = cut
        self._size += cut.size
        while self._size > KEPT and len(self._known) > 1:
            self._size -= self._known.popitem(last=False)[1].size

    def _cut(self, views: Sequence[FieldView]) -> _Cut:
        counter = iter(range(1_000_000))
        marked = [_marked(view, counter) for view in views]
        parts = _MARK.split(self._render(marked))
        return _Cut(parts[::2], [int(mark) for mark in parts[1::2]], sum(map(len, parts)), marked)


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
        tuple((file.remove, bool(file.note)) for file in view.files) if view.files else (),
        tuple(_shape(child) for child in view.children) if view.children else (),
        tuple((row.remove, *(_shape(child) for child in row.children)) for row in view.rows) if view.rows else (),
    )


def _answers(view: FieldView) -> Iterator[str]:
    """What somebody answered, in a fixed order; `_marked` follows the same order."""
    yield view.error
    if view.field is not None:  # a note's words and an attachment's limits are the declaration's, not an answer
        yield view.value
        yield from view.parts.values()
    for option in view.options:
        yield option.checked
        yield option.selected
    for file in view.files:
        yield from (file.name, file.size, file.href, file.note)
    for child in view.children:
        yield from _answers(child)
    for row in view.rows:
        for child in row.children:
            yield from _answers(child)


def _marked(view: FieldView, counter: Iterator[int]) -> FieldView:
    """The view with a mark in place of each answer."""

    def mark() -> str:
        return f"{_OPEN}{next(counter)}{_CLOSE}"

    error = mark()
    own = view.field is not None
    return replace(
        view,
        error=error if view.error else "",
        value=mark() if own else view.value,
        parts=_marked_parts(view.parts, mark) if own else view.parts,
        options=tuple(replace(option, checked=mark(), selected=mark()) for option in view.options),
        files=tuple(_marked_file(file, mark) for file in view.files),
        children=tuple(_marked(child, counter) for child in view.children),
        rows=tuple(_marked_row(row, counter) for row in view.rows),
    )


def _marked_file(file: FileView, mark: Callable[[], str]) -> FileView:
    name, size, href, note = mark(), mark(), mark(), mark()
    return replace(file, name=name, size=size, href=href, note=note if file.note else "")


def _marked_row(row: RowView, counter: Iterator[int]) -> RowView:
    return replace(row, children=tuple(_marked(child, counter) for child in row.children))


def _marked_parts(parts: Mapping[str, str], mark: Callable[[], str]) -> Mapping[str, str]:
    return {name: mark() for name in parts}
