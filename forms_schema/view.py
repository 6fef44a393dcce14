"""Questions as a page shows them: everything a macro needs, and nothing it would have to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from forms_schema.base import (
    Attachment,
    Field,
    FieldView,
    FileView,
    Json,
    Note,
    Offered,
    Option,
    OptionView,
    Question,
    RowView,
)
from forms_schema.kinds.slots import days_of
from forms_schema.messages import HINTS
from forms_schema.speech import JAPANESE, Speech

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
NO_LOOKUPS: Final[Mapping[str, tuple[Option, ...]]] = MappingProxyType({})
NO_OFFERS: Final[Mapping[str, Offered]] = MappingProxyType({})
_NOTHING: Final = Offered()
# WCAG 1.3.5 asks for the purpose of inputs about the person who types, and of nobody else's.
_OWN: Final = frozenset({"applicant", "home", "previous_home"})
_AUTOCOMPLETE_IN: Final = {
    ("person_name", "family"): "family-name",
    ("person_name", "given"): "given-name",
    ("address", "postal_code"): "postal-code",
    ("address", "prefecture"): "address-level1",
    ("address", "city"): "address-level2",
    ("address", "town"): "address-level3",
    ("address", "street"): "address-line1",
    ("address", "building"): "address-line2",
}
_AUTOCOMPLETE_OF: Final = {"phone": "tel", "email": "email"}


def make_view(
    question: Question,
    *,
    errors: Mapping[str, str],
    sources: Mapping[str, str] = NOTHING,
    lookups: Mapping[str, tuple[Option, ...]] = NO_LOOKUPS,
    offers: Mapping[str, Offered] = NO_OFFERS,
    subject: str = "",
) -> FieldView:
    """The view of `question` and of all that is inside it.

    By pointer: `errors` the words of what is wrong, `sources` where an answer came from ('card', 'earlier'),
    `lookups` the towns to pick from in an address, `offers` the slots that can be booked. `subject` is whose fact the
    place is that holds `question`.
    """
    return Words(errors, sources, lookups, offers).view(question, subject)


def control_name(pointer: str) -> str:
    """'/children/0/name' as 'children.0.name'."""
    return pointer[1:].replace("/", ".")


def control_id(name: str) -> str:
    """'children.0.name' as 'f-children-0-name'."""
    return "f-" + name.replace(".", "-")


def first_control(view: FieldView) -> str:
    """The id that a link to this question leads to: its first control's."""
    inner = view.children or (view.rows[0].children if view.rows else ())
    if inner:
        return first_control(inner[0])
    if ".era" in view.parts:
        return f"{view.id}-era"
    return f"{view.id}-add" if view.kind == "rows" else view.id


def anchor(question: Question) -> str:
    """What `first_control` says of the question's view, without making one."""
    inner = question.children or (question.rows[0] if question.rows else ())
    if inner:
        return anchor(inner[0])
    id, kind = control_id(control_name(question.pointer)), question.field.kind
    if ".era" in kind.parts(question.field, "", question.value):
        return f"{id}-era"
    return f"{id}-add" if kind.name == "rows" else id


@dataclass(frozen=True, slots=True)
class OnPage:
    """A question as it stands on a page, with what the page says beside it."""

    question: Question
    words: Words

    def view(self) -> FieldView:
        """What its macro is given."""
        return self.words.view(self.question)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is the same of a field for everybody."""

    hint: str
    width: str
    inputmode: str
    autocomplete: str
    langs: tuple[str, str, str]


@lru_cache(maxsize=8192)
def _facts(field: Field, subject: str, parent: str) -> _Facts:
    hint = field.hint or field.speech.say(HINTS.get(field.schema.get("format", ""), ""))
    autocomplete = _autocomplete(field, parent) if subject in _OWN else ""
    return _Facts(hint, field.kind.width(field), field.kind.inputmode(field), autocomplete, _langs(field, hint))


def _langs(field: Field, hint: str) -> tuple[str, str, str]:
    lang = field.speech.lang
    return lang(field.title), lang(hint), next(filter(None, (lang(option.title) for option in field.options)), "")


def _autocomplete(field: Field, parent: str) -> str:
    if field.kind.name == "date":
        return "bday" if field.name == "birthdate" else ""
    return _AUTOCOMPLETE_IN.get((parent, field.name)) or _AUTOCOMPLETE_OF.get(field.kind.name, "")


@lru_cache(maxsize=8192)
def places(field: Field) -> Mapping[str, int]:
    """Of each choice that a field always offers, the place among them."""
    return {option.value: i for i, option in enumerate(field.kind.choices(field, None))}


@lru_cache(maxsize=1024)
def _unpicked(field: Field, id: str) -> tuple[OptionView, ...]:
    return _option_views(field.kind.choices(field, None), id)


def _option_views(options: Sequence[Option], id: str) -> tuple[OptionView, ...]:
    """The first choice has the id of the field itself, so that a link to the field reaches it."""
    ids = [id, *(f"{id}-{i}" for i in range(2, len(options) + 1))]
    return tuple(OptionView(option.value, option.title, ids[i]) for i, option in enumerate(options))


def _options(field: Field, value: Json | None, parts: Mapping[str, str], id: str) -> tuple[OptionView, ...]:
    choices = field.kind.choices(field, value)
    if not choices:
        return ()
    same = choices is field.kind.choices(field, None)
    views = _unpicked(field, id) if same else _option_views(choices, f"{id}-keep")
    picked = field.kind.chosen(value, parts)
    return tuple(
        replace(view, checked="checked", selected="selected") if view.value in picked else view for view in views
    )


@dataclass(frozen=True, slots=True)
class Words:
    """What a page says beside its questions, by pointer; see `make_view`."""

    errors: Mapping[str, str]
    sources: Mapping[str, str]
    lookups: Mapping[str, tuple[Option, ...]]
    offers: Mapping[str, Offered]

    def view(self, question: Question, subject: str = "", parent: str = "") -> FieldView:
        """The view of a question that stands in a group of kind `parent` which holds facts of `subject`."""
        field, pointer, value = question.field, question.pointer, question.value
        name = control_name(pointer)
        id = control_id(name)
        subject = field.subject or subject
        facts = _facts(field, subject, parent)
        parts = field.kind.parts(field, name, value)
        error = self.errors.get(pointer, "")
        offered = self.offers.get(pointer, _NOTHING)
        return FieldView(
            kind=field.kind.name,
            field=field,
            name=name,
            id=id,
            label=field.title,
            hint=facts.hint,
            required=question.required,
            error=error,
            value=parts.get("", ""),
            parts=parts,
            options=self._towns(pointer) or _options(field, value, parts, id),
            days=days_of(offered.slots, value, id, field.speech) if offered.slots else (),
            note=offered.note,
            children=tuple(self.view(child, subject, field.kind.name) for child in question.children),
            rows=self._rows(question, subject),
            add=_button(question),
            describedby=_describedby(id, error, facts.hint),
            live=field.live,
            source=self.sources.get(pointer, ""),
            width=facts.width,
            inputmode=facts.inputmode,
            autocomplete=facts.autocomplete,
            langs=facts.langs,
        )

    def _towns(self, pointer: str) -> tuple[OptionView, ...]:
        towns = self.lookups.get(pointer, ())
        id = control_id(control_name(pointer))
        return tuple(OptionView(f"town:{pointer}:{t.value}", t.title, f"{id}-town-{t.value}") for t in towns)

    def _rows(self, question: Question, subject: str) -> tuple[RowView, ...]:
        least = max(question.field.schema.get("minItems", 0), int(question.required))
        removable = len(question.rows) > least
        return tuple(self._row(question, i, subject, removable) for i in range(len(question.rows)))

    def _row(self, question: Question, i: int, subject: str, removable: bool) -> RowView:
        pointer = f"{question.pointer}/{i}"
        views = tuple(self.view(child, subject, "rows") for child in question.rows[i])
        title = f"{question.field.title} {i + 1}"
        return RowView(title, control_id(control_name(pointer)), f"remove:{pointer}" if removable else "", views)


def _button(question: Question) -> str:
    """The value of `_do` of a field's own button."""
    kind = question.field.kind.name
    if kind == "rows":
        most = question.field.schema.get("maxItems")
        return "" if most is not None and len(question.rows) >= most else f"add:{question.pointer}"
    looks_up = kind == "address" and any(child.field.name == "postal_code" for child in question.children)
    return f"lookup:{question.pointer}" if looks_up else ""


def _describedby(id: str, error: str, hint: str) -> str:
    return " ".join(([f"{id}-error"] if error else []) + ([f"{id}-hint"] if hint else []))


def note_view(note: Note, speech: Speech = JAPANESE) -> FieldView:
    """Words between questions."""
    langs = (speech.lang(note.text), "", "")
    return FieldView(
        kind="note", field=None, name="", id="", label="", hint="", required=False, value=note.text, langs=langs
    )


def attachment_view(
    attachment: Attachment,
    files: Sequence[FileView],
    required: bool,
    error: str,
    label: str,
    *,
    key: str = "",
    speech: Speech = JAPANESE,
) -> FieldView:
    """A file to hand in. `key` is the attachment's, with the row behind it where each row has its own: 'shomei/0'."""
    key = key or attachment.key
    name = f"attachment.{control_name('/' + key)}"
    id = control_id(name)
    # a phone's HEIC is taken where a JPEG is, and made one; a file chooser must let it be chosen
    taken = (*attachment.accept, *(["image/heic"] if "image/jpeg" in attachment.accept else []))
    types = "・".join(dict.fromkeys(media_type.partition("/")[2].upper() for media_type in taken))
    return FieldView(
        kind="attachment",
        field=None,
        name=name,
        id=id,
        label=label,
        hint=attachment.hint,
        required=required,
        error=error,
        parts={".accept": ",".join(dict.fromkeys(taken)), ".types": types, ".max": str(attachment.max)},
        files=tuple(files),
        add=f"upload:{key}" if len(files) < attachment.max else "",
        describedby=_describedby(id, error, "always there"),
        langs=(speech.lang(label), speech.lang(attachment.hint), ""),
    )
