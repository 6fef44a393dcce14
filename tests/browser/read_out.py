"""What a screen reader has of a page, in words: kept in `spoken/`, one file a page, to be read by people.

`python -m tests.browser.read_out` writes them anew; read what has changed before you keep it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.browser.looks import FOLDED
from tests.browser.test_samples import SITE, serve

SPOKEN: Final = Path(__file__).parent / "spoken"
NAMES: Final = ("guide", "step-first", "step-errors", "check", "receipt")


def spoken(page: Page, name: str) -> str:
    """The outline of a sample on a small telephone: of the guide all of it, of the others what is their own."""
    page.goto(f"{SITE}/{name}")
    return page.locator("body" if name == "guide" else "main").aria_snapshot() + "\n"


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM))
        page = browser.new_page(viewport=FOLDED)  # type: ignore[arg-type]  # a dict is a ViewportSize
        page.route("**/*", serve)
        for name in NAMES:
            (SPOKEN / f"{name}.yaml").write_text(spoken(page, name), "utf-8")
        browser.close()


if __name__ == "__main__":
    main()
