"""What people and attackers hand in, made by code: each is taken or refused, and for the right reason."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from server.applications import cleaner
from server.applications.cleaner import Cleaner
from server.applications.filetypes import HEIC, JPEG, MAX_FILE, PDF, PNG, Fit, Unfit, kept_as
from tests.files import papers, pictures
from tests.files.papers import paper

ANY = (PDF, JPEG, PNG)
PACKED: dict[str, Any] = {"object_stream_mode": pikepdf.ObjectStreamMode.generate}
Clean = Callable[..., Fit | Unfit]


@pytest.fixture(scope="module")
def clean() -> Iterator[Clean]:
    """Asks a helper."""
    cleaner_ = Cleaner(1)
    yield lambda content, accept=ANY: asyncio.run(cleaner_.clean(io.BytesIO(content), accept))
    cleaner_.close()


def encrypted(**how: Any) -> bytes:
    return paper(encryption=pikepdf.Encryption(**({"owner": "o", "user": ""} | how)))


def zipped_behind() -> bytes:
    return papers.PDF + b"PK\x03\x04" + bytes(30) + b"PK\x05\x06" + bytes(18)


TAKEN = {
    "an empty page": papers.PDF,
    "text": paper(),
    "packed": paper(**PACKED),
    "linearised": paper(linearize=True),
    "a scanner's padding behind it": papers.PDF + bytes(4000),
    "a table of places that is wrong": papers.PDF.replace(b"startxref\n", b"startxref\n9"),
    "edited since": papers.updated(papers.PDF, 3, papers.EMPTY_PAGE[2]),
    "opens at a page": paper(papers.opens_at_a_page),
    "turns to a page": paper(papers.turns_to_a_page),
    "links to the web": paper(papers.links_to_a_page_on_the_web),
    "a form to fill in": paper(papers.has_a_form_to_fill_in),
    "a signature": paper(papers.has_a_signature),
    "speaks of JavaScript": paper(papers.has_its_description),
    "a font called AA": paper(papers.names_a_font_aa),
    "may not be printed": encrypted(allow=pikepdf.Permissions(print_lowres=False)),
    "inflates a little": papers.inflating(1 << 20),
    "a picture": pictures.PNG,
    "a bit": pictures.written(pictures.drawn(mode="1"), "PNG"),
    "grey": pictures.written(pictures.drawn(mode="L"), "JPEG"),
    "for print": pictures.written(pictures.drawn(mode="CMYK"), "JPEG"),
    "by steps": pictures.photo(progressive=True),
    "a palette": pictures.written(pictures.drawn(mode="P"), "PNG", transparency=0),
    "sixteen bits": pictures.written(pictures.drawn(mode="I;16"), "PNG"),
    "a photo": pictures.photo(),
    "a screenshot": pictures.screenshot(),
    "a phone's": pictures.iphone(),
    "with a profile": pictures.with_profile("sRGB"),
    "with a profile of another kind": pictures.with_profile("odd"),
    "two pictures": pictures.two_pictures(),
    "a picture that is also a ZIP": pictures.JPEG + b"PK\x03\x04PK\x05\x06" + bytes(18),
    "a picture that is also a page": pictures.photo(comment=b"<script>alert(1)</script>"),
}
REFUSED = {
    "nothing": ("empty", b""),
    "too large": ("size", papers.PDF + bytes(MAX_FILE)),
    "a page": ("type", b"<!doctype html><script>alert(1)</script>"),
    "a drawing": ("type", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "a drawing as XML": ("type", b"<?xml version='1.0'?><svg/>"),
    "an archive": ("type", b"PK\x03\x04" + bytes(100)),
    "Word before 2007": ("type", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    "rich text": ("type", rb"{\rtf1 hello}"),
    "a program": ("type", b"MZ" + bytes(100)),
    "a program of Linux": ("type", b"\x7fELF" + bytes(100)),
    "GIF and PDF": ("type", b"GIF89a" + papers.PDF),
    "WebP": ("type", pictures.written(pictures.drawn(), "WEBP")),
    "AVIF": ("type", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1heic" + bytes(50)),
    "a film": ("type", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(50)),
    "a PDF that begins late": ("type", b"\n" + papers.PDF),
    "a PDF that is only its name": ("broken", b"%PDF-1.7\n"),
    "a PDF that breaks off": ("broken", paper()[:-200]),
    "a PDF that breaks off in its update": ("broken", papers.updated(papers.PDF, 3, papers.EMPTY_PAGE[2])[:-40]),
    "a PDF of noise": ("broken", b"%PDF-1.4\n" + bytes(range(256)) * 20 + b"\n%%EOF"),
    "a PDF without a page": ("broken", papers.assembled(papers.EMPTY_PAGE[0], b"<< /Type /Pages /Kids [] /Count 0 >>")),
    "a PDF with something behind it": ("broken", papers.PDF + b"MZ\x90"),
    "a PDF that hides a script from qpdf": (
        "broken",
        papers.assembled(*papers.EMPTY_PAGE, b"<< /X " + b"[" * 600 + b"]" * 600 + b" /S /JavaScript /JS (x) >>"),
    ),
    "PDF and ZIP": ("embedded", zipped_behind()),
    "PDF and page": ("embedded", papers.PDF.replace(b"%PDF-1.4\n", b"%PDF-1.4\n%<HTML><script>x</script>\n")),
    "runs on opening": ("script", paper(papers.runs_on_opening)),
    "runs on opening, packed": ("script", paper(papers.runs_on_opening, **PACKED)),
    "runs on opening, linearised": ("script", paper(papers.runs_on_opening, linearize=True)),
    "runs on opening, misspelt": ("script", papers.misspelt(paper(papers.runs_on_opening))),
    "runs on opening, in a locked box": (
        "script",
        paper(papers.runs_on_opening, encryption=pikepdf.Encryption(owner="o", user="")),
    ),
    "runs on opening, since an update": (
        "script",
        papers.updated(papers.PDF, 1, b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (x) >> >>"),
    ),
    "runs from a stream": ("script", paper(papers.runs_from_a_stream, **PACKED)),
    "runs after something harmless": ("script", paper(papers.runs_after_something_harmless)),
    "a script nothing leads to": ("script", papers.assembled(*papers.EMPTY_PAGE, b"[ [ << /S /JavaScript >> ] ]")),
    "names a script": ("script", paper(papers.names_a_script)),
    "runs on turning the page": ("script", papers.assembled(*papers.EMPTY_PAGE, b"<< /AA << /O << /JS (x) >> >> >>")),
    "prints on leaving a page": ("action", paper(papers.does_something_on_leaving_a_page)),
    "launches a program": ("action", paper(papers.launches_a_program, **PACKED)),
    "opens a file elsewhere": ("action", paper(papers.opens_a_file_elsewhere)),
    "sends itself away": ("action", paper(papers.sends_itself_away)),
    "opens a web page by itself": ("action", paper(papers.opens_a_web_page_by_itself)),
    "carries a file": ("embedded", paper(papers.carries_a_file)),
    "carries a file, packed": ("embedded", paper(papers.carries_a_file, **PACKED)),
    "carries a file at a pin": ("embedded", paper(papers.carries_a_file_at_a_pin)),
    "carries a film": ("embedded", paper(papers.carries_a_film)),
    "carries a model": ("embedded", paper(papers.carries_a_3d_model)),
    "reads from elsewhere": ("embedded", paper(papers.reads_a_stream_from_elsewhere)),
    "a form of another kind": ("form", paper(papers.is_a_form_of_another_kind)),
    "needs a password": ("locked", encrypted(user="secret")),
    "needs a password of old": ("locked", encrypted(user="secret", R=3, aes=False, metadata=False)),
    "inflates to a gigabyte": ("broken", papers.inflating(1 << 30)),
    "arrays in arrays": ("broken", papers.nested(100_000)),
    "an array too long to look at": ("heavy", papers.assembled(*papers.EMPTY_PAGE, b"[" + b"1 " * 300_000 + b"]")),
    "a flood of pixels": ("pixels", pictures.flood()),
    "a flood of pixels in a JPEG": ("pixels", pictures.jpeg_flood()),
    "one line of pixels too long": ("pixels", pictures.flood(50_000_001, 1)),
    "a moving picture": ("animated", pictures.moving()),
    "a JPEG that is only its name": ("broken", b"\xff\xd8\xff\xe0" + bytes(40)),
    "a JPEG that breaks off": ("broken", pictures.photo()[:-400]),
    "a PNG that breaks off": ("broken", pictures.PNG[:-30]),
    "a PNG that says more than it holds": ("broken", pictures.flood(3000, 3000)),
    "a HEIC that breaks off": ("broken", pictures.HEIC[:-100]),
    "a HEIC of noise": ("broken", pictures.HEIC[:40] + bytes(range(256)) * 9),
}


def test_there_are_enough_of_each() -> None:
    assert len(TAKEN) >= 20 and len(REFUSED) >= 40


@pytest.mark.parametrize("content", TAKEN.values(), ids=TAKEN)
def test_what_people_have_is_taken(clean: Clean, content: bytes) -> None:
    found = clean(content)
    assert isinstance(found, Fit), found
    assert clean(found.content) == found or found.media_type == JPEG, "what is kept would be taken again"


@pytest.mark.parametrize(("code", "content"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_plain_document_is_refused_for_its_reason(clean: Clean, code: str, content: bytes) -> None:
    assert clean(content) == Unfit(code)


@pytest.mark.parametrize(
    ("accept", "kinds"), [((PDF,), {PDF}), ((JPEG,), {JPEG, HEIC}), ((PNG, PDF), {PNG, PDF}), ((), set())]
)
def test_a_question_takes_the_kinds_it_names_and_a_phones_photos_as_jpeg(
    clean: Clean, accept: tuple[str, ...], kinds: set[str]
) -> None:
    of_kind = {PDF: papers.PDF, JPEG: pictures.JPEG, PNG: pictures.PNG, HEIC: pictures.HEIC}
    for kind, content in of_kind.items():
        found = clean(content, accept)
        taken = isinstance(found, Fit) and found.media_type == kept_as(kind)
        assert taken if kind in kinds else found == Unfit("type")


def test_a_pdf_is_kept_as_it_is_so_that_its_signature_stays_good(clean: Clean) -> None:
    content = paper(papers.has_a_signature)
    assert clean(content) == Fit(PDF, content)


# --- pictures -----------------------------------------------------------------------------------------------------


def picture(found: Fit | Unfit) -> Image.Image:
    assert isinstance(found, Fit), found
    opened = Image.open(io.BytesIO(found.content))
    opened.load()
    return opened


@pytest.mark.parametrize(
    "content", [pictures.photo(), pictures.screenshot(), pictures.iphone()], ids=["jpeg", "png", "heic"]
)
def test_where_and_with_what_a_picture_was_taken_stays_at_home(clean: Clean, content: bytes) -> None:
    found = clean(content)
    assert isinstance(found, Fit)
    assert pictures.CANARY in content, "there was something to leave behind"
    assert not any(each in found.content for each in (pictures.CANARY, b"Exif", b"Phone Maker", b"adobe", b"tEXt"))
    assert set(picture(found).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_kept_the_way_up_it_is_looked_at(clean: Clean, orientation: int) -> None:
    seen = picture(clean(pictures.photo(orientation)))
    corners = {1: (5, 5), 2: (-6, 5), 3: (-6, -6), 4: (5, -6), 5: (5, 5), 6: (-6, 5), 7: (-6, -6), 8: (5, -6)}
    assert seen.size == ((80, 120) if orientation > 4 else (120, 80))
    x, y = corners[orientation]
    assert sum(seen.getpixel((x % seen.width, y % seen.height))) < 60  # type: ignore[arg-type]
    assert sum(seen.getpixel((seen.width // 2, seen.height // 2))) > 700  # type: ignore[arg-type]


@pytest.mark.parametrize("exif", [b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"])
def test_a_photo_whose_notes_are_damaged_is_a_photo_all_the_same(clean: Clean, exif: bytes) -> None:
    assert picture(clean(pictures.photo(exif=exif))).size == (120, 80)


def test_a_document_that_was_photographed_stays_as_readable_as_it_was(clean: Clean) -> None:
    before = Image.open(io.BytesIO(pictures.photo()))
    after = picture(clean(pictures.photo()))
    pairs = zip(before.convert("L").tobytes(), after.convert("L").tobytes(), strict=True)
    assert max(abs(one - other) for one, other in pairs) <= 8


def test_a_picture_of_two_thicknesses_stays_see_through(clean: Clean) -> None:
    image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    assert picture(clean(pictures.written(image, "PNG"))).getpixel((3, 3)) == (255, 0, 0, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "HEIF"])
def test_a_picture_larger_than_any_screen_is_kept_at_half_its_width(clean: Clean, kind: str) -> None:
    assert picture(clean(pictures.large(30, kind))).size == (15_000, 500)


# --- the helper ---------------------------------------------------------------------------------------------------


def helper_of(of: Cleaner) -> int:
    (helper,) = of._helpers
    return helper._process.pid


async def asked(of: Cleaner, content: bytes) -> Fit | Unfit:
    return await of.clean(io.BytesIO(content), ANY)


@pytest.fixture
def own() -> Iterator[Cleaner]:
    made = Cleaner(1)
    yield made
    made.close()


def test_a_helper_that_died_meanwhile_is_replaced_at_nobodys_cost(own: Cleaner) -> None:
    asyncio.run(asked(own, pictures.PNG))
    before = helper_of(own)
    os.kill(before, signal.SIGKILL)
    os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
    assert isinstance(asyncio.run(asked(own, pictures.PNG)), Fit)
    assert helper_of(own) != before


def test_a_file_that_takes_too_long_is_refused_and_the_next_is_taken() -> None:
    own = Cleaner(1, seconds=0.0)
    try:
        assert asyncio.run(asked(own, pictures.large(20))) == Unfit("heavy")
        own._seconds = 30.0  # type: ignore[misc]
        assert isinstance(asyncio.run(asked(own, pictures.PNG)), Fit)
    finally:
        own.close()


def test_a_file_is_given_up_after_seconds_of_work_however_busy_the_machine_is(own: Cleaner) -> None:
    """The bound is of the kernel's, anew for each file: what was spent on others does not count."""
    for _ in range(3):
        assert isinstance(asyncio.run(asked(own, papers.paper(pages=500))), Fit)
        (limit,) = [line for line in Path(f"/proc/{helper_of(own)}/limits").read_text().splitlines() if "cpu" in line]
        spent = sum(map(int, Path(f"/proc/{helper_of(own)}/stat").read_text().rpartition(")")[2].split()[11:13]))
        soft = int(limit.split()[3])
        assert soft - 2 <= cleaner.CPU_SECONDS + spent // os.sysconf("SC_CLK_TCK") <= soft + 2


def test_a_helper_has_no_keys_and_little_memory(own: Cleaner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAKANAI_SECRET_KEY", "a secret")
    asyncio.run(asked(own, papers.inflating(1 << 30)))
    helper = Path(f"/proc/{helper_of(own)}")
    assert b"KAKANAI" not in (helper / "environ").read_bytes()
    told = dict(line.split(":", 1) for line in (helper / "status").read_text().splitlines())
    assert int(told["VmHWM"].split()[0]) < 200 * 1024, "KiB"
    limits = (helper / "limits").read_text().splitlines()
    assert str(cleaner.MEMORY) in next(line for line in limits if line.startswith("Max address space"))


def test_a_helper_is_gone_when_nobody_needs_it() -> None:
    own = Cleaner(1)
    asyncio.run(asked(own, pictures.PNG))
    pid = helper_of(own)
    own.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_helper_does_not_outlive_a_server_that_was_killed() -> None:
    says = (
        "import asyncio, io, sys, time; from server.applications.cleaner import Cleaner; own = Cleaner(1);"
        "asyncio.run(own.clean(io.BytesIO(sys.stdin.buffer.read()), ['image/png']));"
        "print(next(iter(own._helpers))._process.pid, flush=True); time.sleep(600)"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", says], **pipes) as server:  # noqa: S603
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(pictures.PNG)
        server.stdin.close()
        helper = Path(f"/proc/{int(server.stdout.readline())}/cmdline")
        assert b"cleaner" in helper.read_bytes()
        server.kill()
    until = time.monotonic() + 60
    while running(helper):
        assert time.monotonic() < until
        time.sleep(0.01)


def running(helper: Path) -> bool:
    try:
        return b"cleaner" in helper.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_helper_that_was_used_often_is_replaced(own: Cleaner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaner, "FILES_EACH", 2)

    async def work() -> set[int]:
        seen = set()
        for _ in range(5):
            assert isinstance(await asked(own, pictures.PNG), Fit)
            seen.add(helper_of(own))
        return seen

    assert len(asyncio.run(work())) == 3


@pytest.mark.parametrize(
    "said", [{"kind": PNG}, {"kind": "text/html"}, {"code": "<script>"}, {"code": 1}, {}, [], None, "x"], ids=str
)
def test_a_helper_that_a_file_took_over_is_not_believed(said: object) -> None:
    assert cleaner._believed(said, b"<html>", ANY) is None
