"""The site's own files, read once: each under an address that holds its content's hash, compressed beforehand."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TYPES: Final = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}
_TEXT: Final = frozenset({".css", ".js", ".svg", ".txt", ".webmanifest"})


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, and the same gzipped ('' where that saves nothing, as with pictures)."""

    url: str
    media_type: str
    body: bytes
    gzipped: bytes
    etag: str


class Assets:
    """Every file below `static/`. A licence (`*.LICENSE.txt`) is served like the file it belongs to."""

    def __init__(self, root: Path) -> None:
        self._by_name = {name: _asset(name, path) for name, path in _files(root)}
        self._by_url = {asset.url: asset for asset in self._by_name.values()}

    def url(self, name: str) -> str:
        """The address of `static/<name>`; KeyError where there is no such file, so that a typo fails at once."""
        return self._by_name[name].url

    def at(self, url: str) -> Asset | None:
        """What is served there. Only whole names match: no path is ever joined from what was asked."""
        return self._by_url.get(url)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Asset]:
        return iter(self._by_url.values())


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(root).as_posix(), path


def _asset(name: str, path: Path) -> Asset:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:12]
    suffix = path.suffix
    stem = name.removesuffix(suffix)
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if suffix in _TEXT:
        media_type += "; charset=utf-8"
    packed = gzip.compress(body, 9, mtime=0) if suffix in _TEXT else b""
    return Asset(f"/static/{stem}.{digest}{suffix}", media_type, body, packed, f'"{digest}"')
