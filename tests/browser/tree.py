"""A page as a screen reader is given it: Chromium's accessibility tree, and what it must hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from playwright.sync_api import Page

TYPED = frozenset({"textbox", "searchbox", "combobox", "checkbox", "radio", "spinbutton", "slider"})
PRESSED = frozenset({"button", "link", "DisclosureTriangle"})
GROUPS = frozenset({"group", "radiogroup"})
MARKS = ("※必須", "※任意")
"""How a question says whether it must be answered. The mark is text, part of the label, and read with it; a `required`
beside it would be read a second time."""


@dataclass
class Node:
    """A node of the tree with what the page's own markup says of it."""

    role: str
    name: str
    description: str
    properties: Mapping[str, Any]
    dom: Mapping[str, Any] = field(default_factory=dict)
    parent: Node | None = None

    @property
    def id(self) -> str:
        return str(self.at.get("id", ""))

    @property
    def at(self) -> Mapping[str, str]:
        """Its attributes."""
        flat = self.dom.get("attributes", [])
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def above(self) -> Iterator[Node]:
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def group(self) -> str:
        """The names of the groups around it, from the inside."""
        return " / ".join(node.name for node in self.above() if node.role in GROUPS)


class Tree:
    """The tree of a page as it stands, in reading order."""

    def __init__(self, page: Page) -> None:
        session = page.context.new_cdp_session(page)
        root = session.send("DOM.getDocument", {"depth": -1})["root"]
        self._dom = {node["backendNodeId"]: node for node in _each(root)}
        self._by_id = {_attribute(node, "id"): node for node in self._dom.values() if _attribute(node, "id")}
        raw = session.send("Accessibility.getFullAXTree")["nodes"]
        self.nodes = list(self._linked({node["nodeId"]: node for node in raw}, raw[0], None))
        session.detach()

    def _linked(self, by_id: Mapping[str, Any], raw: Mapping[str, Any], parent: Node | None) -> Iterator[Node]:
        node = self._node(raw, parent)
        if not raw.get("ignored"):
            yield node
            parent = node
        for child in raw.get("childIds", []):
            if child in by_id:
                yield from self._linked(by_id, by_id[child], parent)

    def _node(self, raw: Mapping[str, Any], parent: Node | None) -> Node:
        def text(name: str) -> str:
            return " ".join(str(raw.get(name, {}).get("value", "")).split())

        properties = {each["name"]: each["value"].get("value") for each in raw.get("properties", [])}
        dom = self._dom.get(raw.get("backendDOMNodeId", 0), {})
        return Node(text("role"), text("name"), text("description"), properties, dom, parent)

    def of(self, *roles: str) -> list[Node]:
        return [node for node in self.nodes if node.role in roles]

    def has(self, id: str) -> bool:
        return id in self._by_id

    def words(self, id: str) -> str:
        """The text of the element with this id."""
        return _words(self._by_id[id]) if id in self._by_id else ""

    def label(self, node: Node) -> str:
        """What the page shows as the label of a control."""
        if node.role in ("button", "link"):
            return _words(node.dom)
        found = [each for each in self._dom.values() if _attribute(each, "for") == node.id and node.id]
        return _words(found[0]) if found else ""

    def errors(self) -> list[tuple[str, str]]:
        """(id, text) of every error that stands beside its question."""
        here = [each for each in self._dom.values() if "field__error" in _attribute(each, "class").split()]
        return [(_attribute(each, "id"), _words(each)) for each in here]


def _each(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("children", []):
        yield from _each(child)


def _attribute(node: Mapping[str, Any], name: str) -> str:
    flat = node.get("attributes", [])
    return str(dict(zip(flat[::2], flat[1::2], strict=True)).get(name, ""))


def _words(node: Mapping[str, Any]) -> str:
    """The text inside, as it is shown: what is for readers alone is left out."""
    return " ".join(_shown(node).split())


def _shown(node: Mapping[str, Any]) -> str:
    if node.get("nodeType") == 3:
        return str(node["nodeValue"])
    if "vh" in _attribute(node, "class").split():
        return ""
    return "".join(_shown(child) for child in node.get("children", [])) + (" " if node.get("nodeName") == "BR" else "")


def faults(tree: Tree) -> list[str]:
    """What a screen reader would stumble over."""
    return [
        *_landmarks(tree),
        *_headings(tree),
        *(fault for node in tree.of(*TYPED, *PRESSED) for fault in _control(tree, node)),
        *_errors(tree),
        *_told(tree),
    ]


def _landmarks(tree: Tree) -> Iterator[str]:
    order = [node.role for node in tree.of("banner", "main", "contentinfo")]
    if order != ["banner", "main", "contentinfo"]:
        yield f"landmarks: {order}"
    for node in tree.of("navigation", "region", "search", *GROUPS):
        if not node.name and node.role != "search" and node.dom.get("nodeName") != "DETAILS":
            yield f"no name: {node.role} {node.at}"
    names = [node.name for node in tree.of("navigation")]
    if len(names) != len(set(names)):
        yield f"navigations of one name: {names}"


def _headings(tree: Tree) -> Iterator[str]:
    levels = [int(node.properties["level"]) for node in tree.of("heading") if _inside(node, "main")]
    if levels[:1] != [1] or levels.count(1) != 1:
        yield f"not one first heading: {levels}"
    for before, after in pairwise(levels):
        if after > before + 1:
            yield f"a heading of level {after} after one of level {before}"
    yield from (f"an empty heading: {node.at}" for node in tree.of("heading") if not node.name)


def _inside(node: Node, role: str) -> bool:
    return any(each.role == role for each in node.above())


def _control(tree: Tree, node: Node) -> Iterator[str]:
    """WCAG 2.5.3 (the name holds what is shown), 1.3.1 and 3.3.2 (help, groups, what must be answered)."""
    shown = tree.label(node)
    if not node.name:
        yield f"no name: {node.role} {node.at}"
    if _plain(shown) not in _plain(node.name):
        yield f"named {node.name!r}, shown as {shown!r}"
    wanted = [tree.words(id) for id in node.at.get("aria-describedby", "").split()]
    if wanted and _plain(node.description) != _plain(" ".join(wanted)):
        yield f"{node.name}: described as {node.description!r}, not {wanted}"
    if node.role in TYPED and node.id.startswith("f-") and _inside_form(node):
        whole = f"{node.name} / {node.group()}"
        if node.role == "radio" and not any(each.role == "radiogroup" and each.name for each in node.above()):
            yield f"a choice without its question: {node.name}"
        if not any(mark in whole for mark in MARKS):
            yield f"does not say whether it must be answered: {whole}"


def _inside_form(node: Node) -> bool:
    """A question of a declaration; the few boxes of our own pages are all that their page is about."""
    return "." in node.at.get("name", "") or any("※" in each.name for each in node.above())


def _errors(tree: Tree) -> Iterator[str]:
    """Each error is read with its question, or with the group whose controls are marked wrong."""
    for id, text in tree.errors():
        of = [node for node in tree.nodes if id in node.at.get("aria-describedby", "").split()]
        if not any(_plain(text) in _plain(node.description) for node in of):
            yield f"nobody is told: {text}"
        elif not any(_is_wrong(node) or _holds_wrong(tree, node) or _counts_rows(node) for node in of):
            yield f"not marked as wrong: {text}"


def _is_wrong(node: Node) -> bool:
    return str(node.properties.get("invalid", "false")) == "true"


def _holds_wrong(tree: Tree, group: Node) -> bool:
    return any(_is_wrong(node) and group in node.above() for node in tree.nodes)


def _counts_rows(group: Node) -> bool:
    """An error of a list says that there are too few rows: no control of it is wrong."""
    return any(_attribute(each, "name").startswith("_rows.") for each in _each(group.dom))


def _told(tree: Tree) -> Iterator[str]:
    """What a page says of itself while one is on it stands in live regions (WCAG 4.1.3)."""
    for id, role, live in (("announce", "status", "polite"), ("trouble", "alert", "assertive")):
        if tree.has(id):
            around = [node for node in tree.nodes if any(_attribute(e, "id") == id for e in _each(node.dom))]
            if not any((node.role, node.properties.get("live")) == (role, live) for node in around):
                yield f"not announced: {id}"


def _plain(text: str) -> str:
    return "".join(text.split())
