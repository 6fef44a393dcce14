"""What was posted, read within limits: text as `Posted`, files beside it.

Urlencoded bodies go through the standard library (the cheapest reader there is), multipart through python-multipart.
A file that is refused never takes the typed text with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from forms_schema.base import Posted
from server.store import StoreUnavailable

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELDS: Final = 2000
"""Controls in one post: a step of 20 rows with 40 controls each has 800."""
MAX_TEXT: Final = 1 << 20
"""Bytes of all text controls of a multipart body together."""
_IN_MEMORY: Final = 256 * 1024


class BadBody(HTTPException):
    """A body that is not what a form sends: wrong type, broken encoding, too many controls. 400."""

    def __init__(self) -> None:
        super().__init__(400)


class TooLarge(HTTPException):
    """A body above the limit of its route. 413."""

    def __init__(self) -> None:
        super().__init__(413)


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How much may be handed in at once: bytes of one file, number of files."""

    size: int = 10 << 20
    count: int = 20


@dataclass(frozen=True, slots=True)
class PostedFile:
    """One file as it came. `name` and `media_type` are the browser's word; `size` is counted here, in bytes.

    `refused` is '', 'too-large', 'too-many', or 'no-room' on our disk; a refused file has no content.
    """

    control: str
    name: str
    media_type: str
    size: int
    content: IO[bytes]
    refused: str = ""


def _content_type(request: Request) -> tuple[str, dict[bytes, bytes]]:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    return kind.decode("latin-1").lower(), options


def parse_form(body: bytes, *, max_fields: int = MAX_FIELDS) -> Posted:
    """The controls of an urlencoded body by name, blank ones too (a blank control clears its answer)."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=max_fields)
    except ValueError as error:  # UnicodeDecodeError is one: half a character must not become another name
        raise BadBody from error
    posted: dict[str, list[str]] = {}
    for name, value in pairs:
        posted.setdefault(name, []).append(value)
    return posted


async def read_form(request: Request, *, max_fields: int = MAX_FIELDS) -> Posted:
    """The text of a posted form; of a multipart one too, its files left aside."""
    kind, _ = _content_type(request)
    if kind == "multipart/form-data":
        async with form_with_files(request) as (posted, _):
            return posted
    body = await request.body()
    if body and kind != "application/x-www-form-urlencoded":
        raise BadBody
    return parse_form(body, max_fields=max_fields)


@asynccontextmanager
async def form_with_files(
    request: Request, limits: FileLimits | None = None
) -> AsyncIterator[tuple[Posted, tuple[PostedFile, ...]]]:
    """Text and files of a posted form, either encoding; the files are there until it is left. File controls left empty
    are not listed."""
    kind, options = _content_type(request)
    if kind != "multipart/form-data":
        yield await read_form(request), ()
        return
    posted, files = await _multipart(request, options.get(b"boundary", b""), limits or FileLimits())
    try:
        yield posted, files
    finally:
        for file in files:
            _close(file.content)


async def _multipart(request: Request, boundary: bytes, limits: FileLimits) -> tuple[Posted, tuple[PostedFile, ...]]:
    if not boundary:
        raise BadBody
    try:
        reader = _MultipartReader(boundary, limits)
    except FormParserError as error:  # a boundary longer than any browser's
        raise BadBody from error
    try:
        async for chunk in request.stream():
            reader.write(chunk)
        return reader.finish()
    except BaseException as error:
        reader.drop()
        if isinstance(error, FormParserError | UnicodeDecodeError):
            raise BadBody from error
        if isinstance(error, OSError):  # the disk that holds files on their way is full
            raise StoreUnavailable("a file could not be taken") from error
        raise


async def read_file(request: Request) -> IO[bytes]:
    """A body that is one file, the caller's to close; held on disk where it is large, for many come at once."""
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
    try:
        async for chunk in request.stream():
            file.write(chunk)
        file.seek(0)
    except BaseException as error:
        _close(file)
        if isinstance(error, OSError):
            raise StoreUnavailable("a file could not be taken") from error
        raise
    return file


@dataclass(slots=True)
class _Part:
    """The part being read. `sink` is None where its bytes are dropped."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    control: str = ""
    filename: str | None = None
    size: int = 0
    text: bytearray = field(default_factory=bytearray)
    sink: IO[bytes] | None = None
    refused: str = ""


class _MultipartReader:
    """Takes a multipart body in pieces. Text is kept in memory, files go to spooled temporary files."""

    def __init__(self, boundary: bytes, limits: FileLimits) -> None:
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finished,
        }
        self._parser = MultipartParser(boundary, callbacks)
        self._limits = limits
        self._part = _Part()
        self._name, self._value = bytearray(), bytearray()
        self._text_size = self._controls = 0
        self._complete = False
        self._posted: dict[str, list[str]] = {}
        self._files: list[PostedFile] = []

    def write(self, chunk: bytes) -> None:
        self._parser.write(chunk)

    def finish(self) -> tuple[Posted, tuple[PostedFile, ...]]:
        self._parser.finalize()
        if not self._complete:
            raise BadBody
        return self._posted, tuple(self._files)

    def drop(self) -> None:
        """Let go of the temporary files of a body that is not to be had."""
        for sink in (self._part.sink, *(file.content for file in self._files)):
            if sink is not None:
                _close(sink)

    def _begin(self) -> None:
        self._part = _Part()
        self._controls += 1
        if self._controls > MAX_FIELDS:
            raise BadBody

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._part.headers[bytes(self._name).lower()] = bytes(self._value)
        self._name, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise BadBody
        part.control = options[b"name"].decode("utf-8")
        if b"filename" in options:
            part.filename = options[b"filename"].decode("utf-8")
            self._open(part)

    def _open(self, part: _Part) -> None:
        if len(self._files) >= self._limits.count:
            part.refused = "too-many"
        else:
            part.sink = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the handler closes it

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size += end - start
        if part.filename is None:
            self._take_text(part, data[start:end])
        elif part.sink is not None:
            self._take_file(part, part.sink, data[start:end])

    def _take_text(self, part: _Part, data: bytes) -> None:
        self._text_size += len(data)
        if self._text_size > MAX_TEXT:
            raise TooLarge
        part.text += data

    def _take_file(self, part: _Part, sink: IO[bytes], data: bytes) -> None:
        part.refused = "too-large" if part.size > self._limits.size else _written(sink, data)
        if part.refused:
            # Keep reading, so that the controls after this file still arrive; keep nothing of it.
            _close(sink)
            part.sink = None

    def _end(self) -> None:
        part = self._part
        if part.filename is None:
            self._posted.setdefault(part.control, []).append(part.text.decode("utf-8"))
        elif part.filename or part.size:
            self._files.append(self._file(part))

    def _file(self, part: _Part) -> PostedFile:
        if part.sink is not None and not part.refused:
            part.refused = _flushed(part.sink)
        content = SpooledTemporaryFile() if part.refused or part.sink is None else part.sink  # noqa: SIM115
        media_type = part.headers.get(b"content-type", b"").decode("latin-1")
        name = (part.filename or "").replace("\\", "/").rpartition("/")[2]
        return PostedFile(part.control, name, media_type, part.size, content, part.refused)

    def _finished(self) -> None:
        self._complete = True


def _written(sink: IO[bytes], data: bytes) -> str:
    """'', or 'no-room': the disk that holds files on their way is full."""
    try:
        sink.write(data)
    except OSError:
        return "no-room"
    return ""


def _flushed(sink: IO[bytes]) -> str:
    try:
        sink.seek(0)
    except OSError:
        _close(sink)
        return "no-room"
    return ""


def _close(sink: IO[bytes]) -> None:
    with suppress(OSError):  # what is still to be flushed finds no room either
        sink.close()
