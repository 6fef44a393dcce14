"""Pictures of every page, to be looked at: `python -m tests.browser.pictures OUT [samples] [live] [sheets]`.
`python -m tests.browser.pictures docs/images readme` takes those of the README, `… docs/images/hall hall` those of
docs/screens.md.

OUT/<width>/<page>.png at the width of a telephone, a tablet and a desk, OUT/paper/<page>.png and .pdf as printed,
OUT/sheets/<width>-<n>.png with many of them side by side. `samples` are the pages of `tests.web.samples`; `live` walks
through real procedures on a server of its own. No test: what is beautiful is judged by eye.
"""

from __future__ import annotations

import html
import math
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import hall_pictures
from tests.browser.conftest import CHROMIUM
from tests.browser.server import Server
from tests.browser.test_samples import PAGES, SITE, serve
from tests.browser.visit import Visit
from tests.journeys.filing import case_of, filled, ready
from tests.journeys.pages import Resident

WIDTHS: Final = (320, 768, 1440)
PAPER: Final = 794
"""CSS pixels across A4."""
SHEET: Final = (2000, 1600)
SCALES: Final = {320: 0.75, 768: 0.5, 1440: 0.4, PAPER: 0.5}
TALLEST: Final = 12000
"""CSS pixels of one picture; what is longer is cut."""


class Camera:
    """Takes one page at every width and on paper."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def take(self, page: Page, name: str) -> None:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            self._picture(page, self.out / str(width) / f"{name}.png", width)
        page.emulate_media(media="print")
        page.set_viewport_size({"width": PAPER, "height": 1123})
        self._picture(page, self.out / "paper" / f"{name}.png", PAPER)
        page.pdf(path=self.out / "paper" / f"{name}.pdf", format="A4", prefer_css_page_size=True)
        page.emulate_media(media="screen")

    @staticmethod
    def _picture(page: Page, path: Path, width: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM))
        yield browser
        browser.close()


def sampled(browser: Browser, camera: Camera, wanted: str) -> None:
    """Every page of the samples whose name begins so."""
    context = browser.new_context(reduced_motion="reduce")
    context.route("**/*", serve)
    page = context.new_page()
    for name in PAGES:
        if name.startswith(wanted):
            page.goto(f"{SITE}/{name}")
            camera.take(page, name)
    context.close()


@contextmanager
def site(browser: Browser, **options: Any) -> Iterator[tuple[Visit, Resident]]:
    """Somebody at a real server, with a browser and without."""
    with serving() as server:
        context = browser.new_context(reduced_motion="reduce", **options)
        with httpx2.Client(base_url=server.url, follow_redirects=True) as client:
            yield Visit(context.new_page(), server.url), Resident(client)


@contextmanager
def serving() -> Iterator[Server]:
    """A real server with nothing in it yet."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


def lived(browser: Browser, camera: Camera) -> None:
    """Real procedures on a real server, from the home page to the payment."""
    with site(browser) as (visit, resident):
        _public(visit, camera)
        _walk(visit, camera, "juminhyo-utsushi", 1, "copy")
        _walk(visit, camera, "jido-teate-nintei-seikyu", 1, "children")
        _to_the_end(visit, resident, camera)


def told(browser: Browser, out: Path) -> None:
    """The pictures of the README: the home page, a step on a telephone and on a desk, the check page, the status."""
    with site(browser, locale="ja-JP") as (visit, resident):
        page, slug = visit.page, "juminhyo-utsushi"

        def shot(name: str, width: int, height: int, path: str) -> None:
            page.set_viewport_size({"width": width, "height": height})
            visit.open(path)
            page.screenshot(path=out / f"{name}.png")

        shot("home", 1120, 1000, "/")
        check = filled(resident, slug, case_of(slug, 0)["answers"])
        check = ready(resident, check, "jpki-signature")
        visit.goes_on_for(resident)
        base = check.path.removesuffix("/check")
        shot("form", 1120, 1150, f"{base}/2")
        shot("phone", 390, 844, f"{base}/2")
        shot("check", 1120, 1250, check.path)
        visit.go("この内容で送る")
        shot("status", 1120, 1000, visit.path.removesuffix("/receipt"))


def _public(visit: Visit, camera: Camera) -> None:
    paths = {
        "home": "/",
        "list": "/procedures",
        "list-birth": "/procedures?life_event=birth",
        "guide-copy": "/procedures/juminhyo-utsushi",
        "guide-dog": "/procedures/inu-toroku",
        "guide-children": "/procedures/jido-teate-nintei-seikyu",
        "signin": "/signin",
        "nowhere": "/nowhere",
        "card": "/sandbox/card/jpki",
        "explorer": "/graphql/explorer",
        "mailbox-empty": "/sandbox/mail",
        "kinds": "/_kinds",
    }
    for name, path in paths.items():
        visit.open(path)
        camera.take(visit.page, f"live-{name}")


def _walk(visit: Visit, camera: Camera, slug: str, number: int, called: str) -> None:
    """Every step empty, with its errors, and filled in."""
    case = case_of(slug, number)
    visit.open(f"/procedures/{slug}/apply")
    step = 0
    while not visit.path.endswith("/check"):
        step += 1
        camera.take(visit.page, f"live-{called}-{step}-a")
        before = visit.path
        visit.go("次へ進む")
        if visit.path != before:
            continue
        camera.take(visit.page, f"live-{called}-{step}-b-errors")
        visit.ask_everything(case["answers"])
        camera.take(visit.page, f"live-{called}-{step}-c-filled")
        visit.step(case["answers"], case.get("attachments"))
    camera.take(visit.page, f"live-{called}-check")


def _to_the_end(visit: Visit, resident: Resident, camera: Camera) -> None:
    """Signed in, signed, sent, paid; and the resident's own page."""
    slug = "juminhyo-utsushi"
    check = ready(resident, filled(resident, slug, case_of(slug, 0)["answers"]), "jpki-signature")
    visit.goes_on_for(resident)
    visit.open(check.path)
    for name, words in {
        "check-ready": "この内容で送る",
        "receipt": "申請の状況を見る",
        "status": "支払いへ進む",
        "payment": "支払い画面に進む",
        "till": "支払う",
    }.items():
        camera.take(visit.page, f"live-end-{name}")
        visit.go(words)
    camera.take(visit.page, "live-end-paid")
    for name, path in {"my": "/my", "mailbox": "/sandbox/mail", "step-signed-in": f"/procedures/{slug}/apply"}.items():
        visit.open(path)
        camera.take(visit.page, f"live-end-{name}")
    visit.type("acting", "self")
    visit.go("次へ進む")
    camera.take(visit.page, "live-end-step-by-card")
    visit.go("保存して中断する")
    camera.take(visit.page, "live-end-saved")


def sheets(browser: Browser, out: Path) -> None:
    """Many pictures on one: columns of a page's height, one after the other."""
    shutil.rmtree(out / "sheets", ignore_errors=True)
    (out / "sheets").mkdir(parents=True)
    page = browser.new_context(viewport={"width": SHEET[0], "height": SHEET[1]}).new_page()
    for folder in (*map(str, WIDTHS), "paper"):
        scale = SCALES[int(folder) if folder.isdecimal() else PAPER]
        tiles = [tile for path in sorted((out / folder).glob("*.png")) for tile in _tiles(path, scale)]
        across = max(1, SHEET[0] // (math.ceil((int(folder) if folder.isdecimal() else PAPER) * scale) + 12))
        for number in range(0, len(tiles), across):
            path = out / "sheets" / f"{folder}-{number // across + 1:03}.html"
            style = "body{display:flex;gap:12px;margin:0;background:#888;font:14px sans-serif}p{margin:2px;color:#fff}"
            path.write_text(f"<meta charset=utf-8><style>{style}</style>{''.join(tiles[number : number + across])}")
            page.goto(path.as_uri())
            page.screenshot(path=path.with_suffix(".png"))
            path.unlink()


def _tiles(path: Path, scale: float) -> Iterator[str]:
    with Image.open(path) as picture:
        width, height = (math.ceil(side * scale) for side in picture.size)
    room = SHEET[1] - 30
    for top in range(0, height, room):
        look = f"width:{width}px;height:{min(room, height - top)}px;background:url('{path.as_uri()}') 0 {-top}px"
        name = html.escape(path.stem if not top else f"… {path.stem}")
        yield f'<div><p>{name}</p><div style="{look}/{width}px {height}px no-repeat"></div></div>'


def main(out: str, *parts: str) -> None:
    """`parts`: samples (or samples:<beginning of a name>), live, sheets; all of them when none is named."""
    camera, asked = Camera(Path(out).absolute()), parts or ("samples", "live", "sheets")
    with chromium() as browser:
        for part in asked:
            kind, _, wanted = part.partition(":")
            if kind == "samples":
                sampled(browser, camera, wanted)
            elif kind == "live":
                lived(browser, camera)
            elif kind == "readme":
                told(browser, camera.out)
            elif kind == "hall":
                with serving() as server:
                    hall_pictures.take(browser, server, camera.out)
            elif kind == "sheets":
                sheets(browser, camera.out)


if __name__ == "__main__":
    main(*sys.argv[1:])
