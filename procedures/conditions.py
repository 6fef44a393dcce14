"""Whether a condition over answers can be judged: it is one, and reads only what the form asks."""

from __future__ import annotations

from collections.abc import Iterator

from forms_schema import Form
from forms_schema.base import BadDeclaration, Fault, Schema
from forms_schema.plan import read_by
from forms_schema.survey import unasked
from procedures.reading import at_place


def condition_faults(when: Schema | None, at: str, inside: str, form: Form) -> Iterator[Fault]:
    """What is wrong with the condition that stands at `at`; None is no condition. `inside` is the pointer of the rows
    in which it is judged, '' for the whole form."""
    if when is None:
        return
    try:
        form.matches(when)
    except BadDeclaration as bad:
        yield from at_place(at, bad.faults)
        return
    for pointer in dict.fromkeys(read_by(when)):
        if inside + pointer not in form.fields:
            yield unasked(at, inside + pointer, form.fields)
