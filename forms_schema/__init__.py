"""The form engine: a JSON Schema in, what is asked, what is shown and what is wrong out.

Pure: no clock (`today` is an argument), no I/O, no web, nothing municipal. This is the whole door.
"""

from forms_schema.base import (
    KEEP,
    Answers,
    Attachment,
    BadDeclaration,
    Fault,
    Field,
    FieldError,
    FieldView,
    Json,
    Note,
    Posted,
    Question,
    Schema,
    Step,
    last,
)
from forms_schema.bundle import bundle
from forms_schema.form import AskedAttachment, Dropped, Form, Settled, compile_form

__all__ = [
    "KEEP",
    "Answers",
    "AskedAttachment",
    "Attachment",
    "BadDeclaration",
    "Dropped",
    "Fault",
    "Field",
    "FieldError",
    "FieldView",
    "Form",
    "Json",
    "Note",
    "Posted",
    "Question",
    "Schema",
    "Settled",
    "Step",
    "bundle",
    "compile_form",
    "last",
]
