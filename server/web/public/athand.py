"""What to have ready for a step, from the questions and papers it may ask for. The same for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from forms_schema import Attachment, Field, Form
from forms_schema.speech import Speech
from forms_schema.text import N_

THINGS: Final = {
    "my_number": N_("マイナンバー(個人番号)がわかるもの"),
    "account": N_("口座番号がわかるもの(通帳など)"),
    "corporate_number": N_("法人番号がわかるもの"),
}
"""By the kind of a question: what hardly anybody knows by heart."""

PAPER: Final = N_("{title}の写真かPDF")
SOMETIMES: Final = N_("{title}の写真かPDF(必要な人だけ)")


@lru_cache(maxsize=2048)
def needs(form: Form, number: int) -> tuple[str, ...]:
    """The things for step `number` (from 0), each once, in the order of its questions."""
    return tuple(dict.fromkeys(_needs(form.steps[number].items, form.speech)))


def _needs(items: Iterable[object], speech: Speech) -> Iterator[str]:
    for item in items:
        if isinstance(item, Attachment):
            told = SOMETIMES if item.sometimes else PAPER
            yield speech.say(told).format(title=item.title)
        elif isinstance(item, Field):
            if item.kind.name in THINGS:
                yield speech.say(THINGS[item.kind.name])
            else:
                yield from _needs(item.children, speech)
