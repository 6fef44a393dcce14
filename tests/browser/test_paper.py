"""The paper as machines at the counter see it: a scanner reads its code back, and a printer's grey loses nothing."""

from __future__ import annotations

import base64
import subprocess
from io import BytesIO

from PIL import Image, ImageStat
from playwright.sync_api import Browser

from procedures.library import ROOT
from server.paper.sheets import sheet
from tests.paper.printing import LINK, NOW, answers, plain, press

VENDOR = ROOT.parent / "static/vendor"
FILES = {
    "scanner.js": VENDOR / "qr-scanner-1.4.2.umd.min.js",
    "qr-scanner-worker.min.js": VENDOR / "qr-scanner-1.4.2.worker.min.js",
}


def rendered(pdf: bytes, dots: int) -> bytes:
    """The first page as poppler draws it, a PNG of so many dots an inch."""
    args = ["pdftoppm", "-r", str(dots), "-png", "-singlefile", "-"]
    return subprocess.run(args, input=pdf, capture_output=True, check=True).stdout  # noqa: S603


def test_the_code_on_the_paper_leads_back_to_the_case(chromium: Browser) -> None:
    """Through poppler, at the 150 dots of a poor scanner, and the scanner that the counter's pages use."""
    picture = base64.b64encode(rendered(sheet(press(), plain(answers("一")), at=NOW).pdf, 150)).decode()
    context = chromium.new_context()
    page = context.new_page()
    html = "<!doctype html><script src=scanner.js></script>"
    page.route("http://scanner.test/", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.route(
        "http://scanner.test/*.js", lambda route: route.fulfill(path=FILES[route.request.url.rpartition("/")[2]])
    )
    page.goto("http://scanner.test/")
    found = page.evaluate(
        """async picture => {
          QrScanner.createQrEngine = async () => new Worker('qr-scanner-worker.min.js');  // as static/scan.js does
          const options = {returnDetailedScanResult: true};
          return (await QrScanner.scanImage('data:image/png;base64,' + picture, options)).data; }""",
        picture,
    )
    context.close()
    assert found == LINK


def test_in_grey_the_paper_says_the_same() -> None:
    """Nothing is told by colour: each dot of the page is a grey already."""
    page = Image.open(BytesIO(rendered(sheet(press(), plain(answers("一", "")), at=NOW).pdf, 72))).convert("HSV")
    assert ImageStat.Stat(page.getchannel("S")).extrema == [(0, 0)]
