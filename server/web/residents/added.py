"""Files that come with an answer to a question of the office (追加書類): taken in, shown, and given back.

What fits is kept at once, beside the application: a page that comes back with an error cannot give a file back to the
form, and on a phone many a photo is chosen one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request

from forms_schema import Posted
from forms_schema.base import Attachment, FieldView
from forms_schema.messages import message
from forms_schema.speech import Speech
from forms_schema.text import N_
from forms_schema.view import attachment_view
from server.applications import uploads
from server.applications.filetypes import Unfit
from server.applications.intake import Incoming, Sender
from server.applications.uploads import Kept, Owner, Upload
from server.store import StoreUnavailable
from server.web.http import PostedFile, language, last, services
from server.web.residents.files import attached, refusal
from server.web.residents.steps import file_view

KEY: Final = "files"
_CONTROL: Final = f"attachment.{KEY}"
_TITLE: Final = N_("追加の書類(写真やPDF)")
HINT: Final = N_("書類を頼まれたときは、ここから出せます。マイナンバーが写らないようにしてください。")
INFECTED: Final = Unfit("infected")
"""Something was found in a file after it was kept."""
_ACCEPT: Final = Attachment(KEY, "").accept


def pressed(posted: Posted) -> tuple[str, str]:
    """The button, and what it is about: ('upload', …) keeps files, ('detach', id) takes one away, all else sends."""
    verb, _, what = last(posted, "_do").partition(":")
    return verb, what


async def take(request: Request, files: Sequence[PostedFile], owner: Owner, sender: Sender) -> str:
    """Keep what fits of the posted files until the answer is sent; why the first that does not fit is not kept, or ''.

    Raises StoreUnavailable when the disk is too full for files."""
    of = services(request)
    mine = [each for each in files if each.control == _CONTROL]
    if any(each.refused == "no-room" for each in mine):
        raise StoreUnavailable("a file could not be taken")
    wrong = [refusal(each) for each in mine if each.refused]
    incoming = [Incoming(KEY, each.name, each.content, _ACCEPT) for each in mine if not each.refused]
    taken = await of.intake.take(incoming, sender)
    wrong += [each for each in taken if isinstance(each, Unfit)]
    surplus = await attached(request, [each for each in taken if isinstance(each, Kept)], owner)
    wrong += [Unfit("count") for _ in surplus]
    return words(wrong[0], language(request)) if wrong else ""


def words(unfit: Unfit, speech: Speech) -> str:
    """Why a file is not taken."""
    return message(uploads.error(KEY, unfit), None, speech.say(_TITLE), speech)


def box(files: Sequence[Upload], base: str, speech: Speech, wrong: str = "", hint: str = HINT) -> FieldView:
    """The control with what is kept so far, and what is wrong; files are read below `base`."""
    label = speech.say(_TITLE)
    paper = Attachment(KEY, label, speech.say(hint), max=uploads.MAX_FILES)
    shown = [file_view(each, base, speech) for each in files]
    return attachment_view(paper, shown, False, wrong, label, speech=speech)
