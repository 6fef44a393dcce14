"""What a file really is, and what of it is kept.

Pictures are decoded and written anew, so that nothing but the picture is left of them; a PDF is kept as it is
(somebody may have signed it), or refused for what it would do or carries. Pure, and slow: it runs in a process of
its own (cleaner.py), which bounds its time and memory whatever a file makes of our libraries.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pikepdf
import pillow_heif
from pikepdf.settings import set_qpdf_limits
from PIL import Image, ImageCms, ImageFile, JpegImagePlugin

from server.applications.filetypes import HEIC, JPEG, MAX_FILE, MAX_PIXELS, PDF, PNG, Fit, Unfit, preview, sniff

HALVED_ABOVE: Final = 25_000_000
"""Pixels. An A4 sheet at 400 dpi has 15.5 million; a larger picture is kept at half its width and height."""
MAX_NODES: Final = 500_000
"""Dictionaries and arrays in a PDF; looking at so many takes six seconds."""
_LONGEST: Final = 200_000
"""Values in an array."""
_INFLATED: Final = 64 * 2**20
_QUALITIES: Final = (90, 80, 65)
_TAIL: Final = 66_000
"""Bytes at the end in which a ZIP's directory is looked for."""


class _Refused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code: Final = code


def clean(content: bytes, accept: Sequence[str]) -> Fit | Unfit:
    """The file as it is kept, or why it is not taken. Raises nothing but MemoryError."""
    refused = preview(content, len(content), accept)
    if refused is not None:
        return refused
    kind = sniff(content)
    try:
        if kind == PDF:
            _judge_pdf(content)
            return Fit(PDF, content)
        return _picture(content, str(kind))
    except _Refused as reason:
        return Unfit(reason.code)


# --- pictures -----------------------------------------------------------------------------------------------------

_FORMATS: Final = {JPEG: ("JPEG", "MPO"), PNG: ("PNG",), HEIC: ("HEIF",)}
Image.MAX_IMAGE_PIXELS = None  # the limit is ours, and an error; Pillow's own is a warning first
ImageFile.LOAD_TRUNCATED_IMAGES = False
pillow_heif.register_heif_opener(thumbnails=False)


def _picture(content: bytes, kind: str) -> Fit:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what it mends; what it cannot mend it raises
            picture = _decoded(content, kind)
            return Fit(PNG, _png(picture)) if kind == PNG else Fit(JPEG, _jpeg(picture))
    except (_Refused, MemoryError):
        raise
    except Exception as error:  # whatever a decoder makes of a damaged file: it cannot be read
        raise _Refused("broken") from error


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture upright and in sRGB. `tables` and `sampling` say how a JPEG was compressed, if it was."""

    image: Image.Image
    tables: dict[int, list[int]] | None = None
    sampling: int = 0


def _decoded(content: bytes, kind: str) -> _Picture:
    opened = Image.open(io.BytesIO(content), formats=_FORMATS[kind])
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise _Refused("pixels")
    if kind == PNG and getattr(opened, "n_frames", 1) > 1:
        raise _Refused("animated")  # which of its pictures would be the document?
    halved = width * height > HALVED_ABOVE
    if halved and kind == JPEG:
        opened.draft(None, (width // 2, height // 2))  # decodes no more than is kept
    opened.load()
    tables, sampling = None, 0
    if kind == JPEG and opened.mode in ("L", "RGB"):
        tables, sampling = getattr(opened, "quantization", None), max(JpegImagePlugin.get_sampling(opened), 0)
    image: Image.Image = opened
    if halved and opened.width * opened.height > HALVED_ABOVE and opened.mode in ("L", "LA", "RGB", "RGBA"):
        image = opened.reduce(2)
    return _Picture(_in_srgb(_upright(image, opened), opened.info.get("icc_profile")), tables or None, sampling)


def _upright(image: Image.Image, opened: Image.Image) -> Image.Image:
    """Turned as the camera was held. EXIF that cannot be read turns nothing: it does not come along anyway."""
    try:
        turn = opened.getexif().get(0x0112, 1)
    except Exception:
        return image
    method = _TURNS.get(turn)
    return image if method is None else image.transpose(method)


_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours as every screen shows them, so that no profile need come along. One that is damaged is ignored."""
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, own, srgb, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def _png(picture: _Picture) -> bytes:
    image = picture.image
    known = image.info.get("transparency")
    image.info = {} if known is None else {"transparency": known}
    return _small_enough(_written(image, "PNG", compress_level=level) for level in (6, 9))


def _jpeg(picture: _Picture) -> bytes:
    """By the source's own tables, which lose next to nothing again and leave its size as it was; else well readable."""
    image = picture.image if picture.image.mode in ("L", "RGB") else picture.image.convert("RGB")
    image.info = {}
    ways: list[dict[str, Any]] = [{"quality": quality} for quality in _QUALITIES]
    if picture.tables and len(picture.tables) <= (1 if image.mode == "L" else 2):
        ways.insert(0, {"qtables": picture.tables, "subsampling": picture.sampling})
    return _small_enough(_written(image, "JPEG", **way) for way in ways)


def _written(image: Image.Image, format_: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **how)
    return out.getvalue()


def _small_enough(tries: Iterator[bytes]) -> bytes:
    for content in tries:
        if len(content) <= MAX_FILE:
            return content
    raise _Refused("size")


# --- PDF ----------------------------------------------------------------------------------------------------------

_ACTIONS: Final = {
    **dict.fromkeys(("/JavaScript",), "script"),
    **dict.fromkeys(("/Launch", "/SubmitForm", "/ImportData", "/GoToR"), "action"),
    **dict.fromkeys(("/GoToE", "/Rendition", "/RichMediaExecute", "/Movie", "/Sound"), "embedded"),
}
"""By the /S of an action (ISO 32000-1, 12.6.4). A link to a web page (/URI) is what documents have."""
_KEYS: Final = {
    **dict.fromkeys(("/JS", "/JavaScript"), "script"),
    **dict.fromkeys(("/EF", "/EmbeddedFiles", "/RichMedia", "/RichMediaContent", "/RichMediaSettings"), "embedded"),
    "/XFA": "form",
}
_NOTES: Final = frozenset({"/FileAttachment", "/RichMedia", "/3D", "/Screen", "/Movie", "/Sound"})
"""Annotations that carry or play something."""
_LOSSES: Final = ("limits error", "giving up", "parse error while reading object")
"""How qpdf tells of an object that it could not read and takes for null; another reader may read it."""
_MARKUP: Final = re.compile(rb"<\s*(?:!doctype|html|script|svg|body|iframe)", re.IGNORECASE)

set_qpdf_limits(flate_max_memory=_INFLATED, run_length_max_memory=_INFLATED, png_max_memory=_INFLATED)


def _judge_pdf(content: bytes) -> None:
    """Raises _Refused for what is no plain document."""
    _judge_edges(content)
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            if not len(pdf.pages):
                raise _Refused("broken")
            _judge_opening(pdf.Root.get("/OpenAction"))
            for code in filter(None, map(_against, _nodes(pdf))):
                raise _Refused(code)
            if any(loss in warning for warning in map(str, pdf.get_warnings()) for loss in _LOSSES):
                raise _Refused("broken")
    except pikepdf.PasswordError as error:
        raise _Refused("locked") from error
    except (_Refused, MemoryError):
        raise
    except Exception as error:
        raise _Refused("broken") from error


def _judge_edges(content: bytes) -> None:
    """A file that is a PDF and something else besides (a page, a ZIP), or that breaks off."""
    if _MARKUP.search(content[:1024]) or b"PK\x05\x06" in content[-_TAIL:]:
        raise _Refused("embedded")
    end = content.rfind(b"%%EOF")
    if end < 0 or content[end + 5 :].strip(b"\0\t\n\f\r \x1a"):
        raise _Refused("broken")


def _judge_opening(action: object) -> None:
    """On being opened a document may turn to one of its pages, and do nothing else."""
    if isinstance(action, pikepdf.Dictionary) and action.get("/S") != "/GoTo":
        raise _Refused(_ACTIONS.get(str(action.get("/S")), "action"))


def _nodes(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Every dictionary of every object, those in compressed object streams too; not only what a page leads to."""
    count = 0
    for top in pdf.objects:
        inside: list[Any] = [top]
        while inside:
            count += 1
            node = inside.pop()
            if count > MAX_NODES or (isinstance(node, pikepdf.Array) and len(node) > _LONGEST):
                raise _Refused("heavy")
            if isinstance(node, pikepdf.Array):
                inside += (each for each in node if _is_direct(each))
            elif isinstance(node, pikepdf.Dictionary | pikepdf.Stream):
                yield node
                inside += (each for _, each in node.items() if _is_direct(each))


def _is_direct(value: object) -> bool:
    return isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect


def _against(node: Any) -> str | None:
    """What speaks against a dictionary or a stream."""
    for key in node.keys():  # noqa: SIM118  # iterating a stream would be something else
        if key in _KEYS:
            return _KEYS[key]
    action = _ACTIONS.get(str(node.get("/S"))) if "/S" in node else None
    if action is not None:
        return action
    if node.get("/Type") == "/EmbeddedFile" or str(node.get("/Subtype")) in _NOTES:
        return "embedded"
    if isinstance(node, pikepdf.Stream) and "/F" in node:
        return "embedded"  # its content is a file elsewhere
    return "action" if _has_triggers(node.get("/AA")) else None


def _has_triggers(additional: object) -> bool:
    """Whether these are actions for when a page or a field is opened, left or typed into."""
    if not isinstance(additional, pikepdf.Dictionary):
        return False
    return any(isinstance(each, pikepdf.Dictionary) and "/S" in each for _, each in additional.items())
