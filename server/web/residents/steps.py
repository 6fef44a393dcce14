"""A step's page: the views of its questions, its progress, and its errors in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from forms_schema import Attachment, Field, FieldError, FieldView, Form, Note, Question, Settled
from forms_schema.base import FileView, Option
from forms_schema.messages import message
from forms_schema.speech import Speech
from forms_schema.text import N_
from forms_schema.view import OnPage, Words, anchor, attachment_view, first_control, note_view
from procedures.bookings import Opening
from procedures.declaration import Declaration
from server.applications import filling, uploads
from server.applications.drafts import Content
from server.applications.prefill import for_oneself
from server.applications.uploads import Upload
from server.people.postal import Town
from server.web.contexts import Banner, ErrorLink, StepMark

CHECK: Final = N_("内容の確認")
NOTES: Final = {
    uploads.WAITING: N_("ウイルスの検査を待っています。このまま申請できます"),
    uploads.INFECTED: N_("ウイルスが見つかりました。削除してください"),
}
"""Why a file cannot be opened."""
CARD: Final = N_("マイナンバーカードの情報を入れました。内容を確かめてください。")


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a step's page is made of. `base` is the draft's address, '' before there is one; `opening` is what can
    be booked, on the step where something is."""

    declaration: Declaration
    number: int
    content: Content
    settled: Settled
    errors: Sequence[FieldError] = ()
    files: Sequence[Upload] = ()
    towns: Mapping[str, Sequence[Town]] = field(default_factory=dict)
    base: str = ""
    opening: Opening | None = None

    @property
    def form(self) -> Form:
        return self.declaration.form

    @property
    def asked(self) -> str:
        """Stands for what is asked on the page."""
        return filling.mark(filling.on_step(self.form, self.number, self.settled))


def asks_applicant(shown: Shown) -> bool:
    """Whether the applicant's own answers stand on this step, and somebody acts for themselves."""
    items = shown.form.steps[shown.number].items
    here = any(isinstance(item, Field) and item.subject == "applicant" for item in items)
    return here and for_oneself(shown.form, shown.content.answers)


def words(form: Form, errors: Sequence[FieldError], settled: Settled) -> dict[str, str]:
    """Each error in words, by the pointer of its question."""
    if not errors:
        return {}
    labels = {f"attachment:{asked.key}": asked.label for asked in settled.attachments}
    result = {}
    for error in errors:
        question = settled.by_pointer.get(error.pointer)
        field_ = question.field if question else None
        label = field_.title if field_ else labels.get(error.pointer, "")
        result[error.pointer] = message(error, field_, label, form.speech)
    return result


def items(shown: Shown) -> tuple[FieldView | OnPage, ...]:
    """What stands on the page, in order; only what is asked."""
    told = words(shown.form, shown.errors, shown.settled)
    offers = {shown.opening.booking.field: shown.opening.offered()} if shown.opening else {}
    beside = Words(told, shown.content.elsewhere, _towns(shown), offers)
    result: list[FieldView | OnPage] = []
    for item in shown.form.steps[shown.number].items:
        if isinstance(item, Note):
            result.append(note_view(item, shown.form.speech))
        elif isinstance(item, Attachment):
            result += _attachments(item, shown, told)
        elif (question := shown.settled.by_pointer.get(item.pointer)) is not None:
            result.append(OnPage(question, beside))
    return tuple(result)


def _towns(shown: Shown) -> dict[str, tuple[Option, ...]]:
    return {
        pointer: tuple(Option(str(i), f"{town.city}{town.town}") for i, town in enumerate(towns))
        for pointer, towns in shown.towns.items()
    }


def _attachments(item: Attachment, shown: Shown, told: Mapping[str, str]) -> list[FieldView]:
    return [
        attachment_view(
            item,
            [file_view(file, shown.base, shown.form.speech) for file in shown.files if file.key == asked.key],
            asked.required,
            told.get(f"attachment:{asked.key}", ""),
            asked.label,
            key=asked.key,
            speech=shown.form.speech,
        )
        for asked in shown.settled.attachments
        if asked.attachment is item
    ]


def kilobytes(size: int) -> str:
    """A size in bytes, as it is told: '1,234KB', never none at all."""
    return f"{max(1, round(size / 1024)):,}KB"


def file_view(file: Upload, base: str, speech: Speech) -> FileView:
    """A file that can still be taken away; its address is below `base`."""
    note = speech.say(NOTES.get(file.scan, ""))
    return FileView(
        file.name, kilobytes(file.size), "" if note else f"{base}/files/{file.id}", f"detach:{file.id}", note
    )


def summary(shown: Shown, made: Sequence[FieldView | OnPage], *, url: str = "") -> tuple[ErrorLink, ...]:
    """The errors of a page, each leading to its question's first control, in the order in which these stand there."""
    if not shown.errors:
        return ()
    told = words(shown.form, shown.errors, shown.settled)
    links: list[ErrorLink] = []
    for item in made:
        if isinstance(item, OnPage):
            inside = ((question, whose) for question, whose in _each(item.question) if question.pointer in told)
            links += (ErrorLink(f"{url}#{anchor(q)}", whose or q.field.title, told[q.pointer]) for q, whose in inside)
        elif item.error:
            links.append(ErrorLink(f"{url}#{first_control(item)}", item.label, item.error))
    return tuple(links)


def control_of(pointer: str) -> str:
    """The control name of a question or an attachment."""
    plain = pointer.replace("attachment:", "/attachment/") if pointer.startswith("attachment:") else pointer
    return plain[1:].replace("/", ".")


def _each(question: Question, whose: str = "") -> Iterator[tuple[Question, str]]:
    """A question and all inside it, with the title of the row it stands in, or of its outermost group: two people on
    one page both have a 姓, which the words of an error name by themselves."""
    yield question, whose
    for child in question.children:
        yield from _each(child, whose or question.field.title)
    for i, row in enumerate(question.rows):
        for child in row:
            yield from _each(child, f"{question.field.title} {i + 1}")


def marks(shown: Shown, *, now: int | None) -> tuple[StepMark, ...]:
    """The progress: the steps on which something is asked, the one shown, and the check at the end (`now` is None)."""
    steps = sorted({*filling.asked_steps(shown.form, shown.settled), *([] if now is None else [now])})
    result = []
    for i, number in enumerate(steps):
        state = "now" if number == now else "done" if now is None or number < now else "todo"
        url = str(number + 1) if state == "done" and shown.base else ""  # beside this page: no draft's own address
        result.append(StepMark(i + 1, shown.form.steps[number].title, state, url))
    return (*result, StepMark(len(result) + 1, shown.form.speech.say(CHECK), "todo" if now is not None else "now"))


def card_banner(shown: Shown) -> Banner | None:
    """Says that the card filled something in, where it did."""
    here = [item.pointer for item in shown.form.steps[shown.number].items if isinstance(item, Field)]
    filled = (pointer for pointer, source in shown.content.sources.items() if source == "card")
    if any(f"{pointer}/".startswith(f"{top}/") for pointer in filled for top in here):
        return Banner("info", shown.form.speech.say(CARD))
    return None


def multipart(form: Form, number: int) -> bool:
    """Whether a step takes files."""
    return any(isinstance(item, Attachment) for item in form.steps[number].items)
