"""The press: the fonts of this machine, and typst, which makes a PDF of what a sheet says.

Values reach typst as one file of JSON, in memory, and are never part of its source. It may read `templates/paper` and
the fonts, nothing else, and knows no way to a network: packages are neither there nor fetched.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from anyio import CapacityLimiter, to_thread

from server.paper.letters import Case, Face

if TYPE_CHECKING:  # what is never printed need not be loaded
    from typst import Compiler, Fonts

T = TypeVar("T")

TEMPLATES: Final = Path(__file__).parents[2] / "templates" / "paper"
NEEDED: Final = (
    ("BIZ UDPGothic", "BIZUDPGothic-Regular.ttf"),
    ("IPAmjMincho", "ipamjm.ttf"),
)
"""Family and file. The first prints what it has, the second every character of a name in a 戸籍 (MJ文字情報一覧表)."""
BOLD: Final = "BIZUDPGothic-Bold.ttf"
"""The first once more, for headings."""
FURTHER: Final = (
    ("Noto Sans CJK JP", "NotoSansCJK-Regular.ttc"),
    ("DejaVu Sans", "DejaVuSans.ttf"),
)
"""Used where they are there: for what residents write in Korean, Chinese, Vietnamese and other scripts."""
PACKAGES: Final = "fonts-morisawa-bizud-gothic fonts-ipamj-mincho"
"""Debian's packages with what is needed."""
AT_ONCE: Final = 2
_START: Final = {"main": b'#include "main.typ"'}
"""What typst begins with. Other inputs (`sys_inputs`) would make it build and hash its whole library for each sheet."""
_STANDARD: Final = "ua-1"
"""PDF/UA-1 (ISO 14289-1): tagged, with language and title. Typst refuses what would not be, a missing glyph too."""


class NoFonts(Exception):
    """Fonts that printing needs are not there. Says which and what to do."""

    def __init__(self, folder: Path, missing: Iterable[str]) -> None:
        files = ", ".join(missing)
        super().__init__(f"nothing can be printed: {files} not found below {folder}; on Debian: apt install {PACKAGES}")


class Press:
    """Makes PDFs, `AT_ONCE` at a time. Fonts are looked for when something is first printed, once a process."""

    def __init__(self, fonts: Path) -> None:
        self._folder = fonts
        self._limiter = CapacityLimiter(AT_ONCE)
        self._idle: deque[Compiler] = deque()

    def missing(self) -> str:
        """Why nothing can be printed, for the operator; '' where all is there."""
        try:
            self._files  # noqa: B018  # looks for them
        except NoFonts as error:
            return str(error)
        return ""

    async def run(self, work: Callable[[Press], T]) -> T:
        """`work` in a thread, when it is its turn: printing a bundle takes a tenth of a second, and nobody waits for
        it who prints nothing."""
        return await to_thread.run_sync(work, self, limiter=self._limiter)

    @cached_property
    def case(self) -> Case:
        """The letters at hand. Raises NoFonts."""
        return Case([Face(family, self._files[file]) for family, file in (*NEEDED, *FURTHER) if file in self._files])

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        """The font files, by their names. Raises NoFonts."""
        wanted = {BOLD, *(file for _, file in (*NEEDED, *FURTHER))}
        found = {path.name: path for path in sorted(self._folder.rglob("*.tt?")) if path.name in wanted}
        missing = [file for file in (NEEDED[0][1], BOLD, NEEDED[1][1]) if file not in found]
        if missing:
            raise NoFonts(self._folder, missing)
        return found

    @cached_property
    def _fonts(self) -> Fonts:
        from typst import Fonts

        folders = sorted({str(path.parent) for path in self._files.values()})
        return Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(folders))

    def pdf(self, content: Mapping[str, Any], *, at: datetime) -> bytes:
        """The PDF of what `sheets` wrote down, said to be made `at`. Blocking, some milliseconds a page. Raises
        NoFonts."""
        given = json.dumps({**content, "faces": [face.family for face in self.case.faces]}).encode()
        try:
            compiler = self._idle.pop()  # nobody else's meanwhile: two threads at once are refused
        except IndexError:
            compiler = self._compiler()
        files = _START | {"content.json": given}
        made_at = at.replace(microsecond=0)  # typst refuses parts of a second
        made = compiler.compile(cast(Any, files), format="pdf", pdf_standards=[_STANDARD], timestamp=made_at)
        self._idle.append(compiler)
        return cast(bytes, made)

    def _compiler(self) -> Compiler:
        from typst import Compiler

        nowhere = TEMPLATES / "no-packages"
        return Compiler(
            root=TEMPLATES,
            font_paths=self._fonts,
            ignore_system_fonts=True,
            package_path=nowhere,
            package_cache_path=nowhere,
        )
