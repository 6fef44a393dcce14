"""Pictures: as phones and scanners make them, and what is refused."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from typing import Any

import pillow_heif
from PIL import Image, ImageCms, ImageDraw
from PIL.Image import Exif
from PIL.PngImagePlugin import PngInfo

pillow_heif.register_heif_opener(thumbnails=False)
CANARY = b"canary-35.6895N-139.6917E"
"""What must not come along."""


def drawn(size: tuple[int, int] = (120, 80), mode: str = "RGB") -> Image.Image:
    """White, with a black corner at the top left: one can tell which way up it is."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 4, size[1] // 4), fill="black")
    return image.convert(mode)


def written(image: Image.Image, kind: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


PNG = written(drawn((16, 16)), "PNG")
JPEG = written(drawn((16, 16)), "JPEG")
HEIC = written(drawn((64, 64)), "HEIF")


def located(orientation: int = 1) -> Exif:
    """EXIF as a phone writes it: how it was held, where, with what, and a thumbnail's worth of a note."""
    exif = Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Phone Maker"
    exif[0x010E] = CANARY.decode()
    exif[0x8825] = {1: "N", 2: (35.0, 41.0, 22.2), 3: "E", 4: (139.0, 41.0, 30.1)}
    return exif


def photo(orientation: int = 1, **how: Any) -> bytes:
    """A JPEG with all that may hang on one."""
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + CANARY + b"</x:xmpmeta>"
    how = {"exif": located(orientation), "comment": CANARY, "xmp": xmp, "quality": 92} | how
    return written(drawn(), "JPEG", **how)


def screenshot() -> bytes:
    """A PNG with texts in it."""
    info = PngInfo()
    info.add_text("Comment", CANARY.decode())
    info.add_itxt("XML:com.adobe.xmp", CANARY.decode())
    return written(drawn(mode="RGBA"), "PNG", pnginfo=info, exif=located())


def iphone() -> bytes:
    return written(drawn((256, 192)), "HEIF", exif=located().tobytes())


def with_profile(kind: str) -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")) if kind == "odd" else None
    own = profile or ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return written(drawn(), "JPEG", icc_profile=own.tobytes())


def two_pictures() -> bytes:
    """As Samsung's phones: a second picture behind the first (MPO)."""
    return written(drawn(), "MPO", save_all=True, append_images=[drawn((40, 40))])


def moving() -> bytes:
    """An animated PNG."""
    return written(drawn(), "PNG", save_all=True, append_images=[Image.new("RGB", (120, 80), "red")])


@cache
def flood(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few kilobytes that says it holds thousands of millions of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
        + chunk(b"IEND", b"")
    )


def jpeg_flood() -> bytes:
    """A JPEG whose header says 65,500 by 65,500."""
    at = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:at] + struct.pack(">HH", 65_500, 65_500) + JPEG[at + 4 :]


@cache
def large(megapixels: int, kind: str = "JPEG") -> bytes:
    """A photograph of so many million pixels."""
    return written(Image.linear_gradient("L").resize((megapixels * 1000, 1000)).convert("RGB"), kind)
