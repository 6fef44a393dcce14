"""A page as a list of elements, for sweeps over every template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])


@dataclass(frozen=True)
class Element:
    tag: str
    at: dict[str, str]
    inside: tuple[str, ...]
    """The tags it stands in, outermost first."""


class Html(HTMLParser):
    """Reads a whole page; AssertionError where a tag closes nothing or stays open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        assert len(at) == len(attrs), f"an attribute twice: {attrs}"
        self.elements.append(Element(tag, at, tuple(self._open)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, *tags: str) -> Iterator[Element]:
        return (each for each in self.elements if each.tag in tags)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())
