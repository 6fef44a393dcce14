"""What to have ready for a step, from the questions and papers it may ask for. The same for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from forms_schema import Attachment, Field, Form

THINGS: Final = {
    "my_number": "マイナンバー(個人番号)がわかるもの",
    "account": "口座番号がわかるもの(通帳など)",
    "corporate_number": "法人番号がわかるもの",
}
"""By the kind of a question: what hardly anybody knows by heart."""


@lru_cache(maxsize=2048)
def needs(form: Form, number: int) -> tuple[str, ...]:
    """The things for step `number` (from 0), each once, in the order of its questions."""
    return tuple(dict.fromkeys(_needs(form.steps[number].items)))


def _needs(items: Iterable[object]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Attachment):
            sometimes = item.required_if is not None or item.optional
            yield f"{item.title}の写真かPDF" + ("(必要な人だけ)" if sometimes else "")
        elif isinstance(item, Field):
            if item.kind.name in THINGS:
                yield THINGS[item.kind.name]
            else:
                yield from _needs(item.children)
