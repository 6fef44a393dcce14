"""A client that only follows links and posts forms: it knows HTML and the names of controls, and no code of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from tests.files.papers import PDF as PDF

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])


@dataclass
class Control:
    """One control of a form as it stands on the page."""

    name: str
    type: str
    value: str = ""
    checked: bool = False
    options: list[str] = field(default_factory=list)


@dataclass
class PageForm:
    """A form: its controls in order, its buttons apart."""

    action: str
    method: str
    enctype: str
    controls: list[Control] = field(default_factory=list)
    buttons: list[Control] = field(default_factory=list)

    def names(self) -> set[str]:
        return {control.name for control in self.controls}

    def has_button(self, name: str, value: str) -> bool:
        return any(button.name == name and button.value == value for button in self.buttons)


_TAG = re.compile(r"""<!--.*?-->|<!doctype[^>]*>|<(/?)([a-z][a-z0-9]*)((?:[^>"']|"[^"]*"|'[^']*')*)>""", re.S | re.I)
_ATTRIBUTE = re.compile(r"""([^\s=>"'/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?""")
_LOOKED_AT = frozenset(["a", "form", "input", "button", "select", "option", "textarea"])


class _Reader:
    """Reads well-formed pages only, and of them what a journey needs: the reader of the standard library takes longer
    than the site takes to answer. It raises AssertionError at a '<' that begins no tag."""

    def __init__(self) -> None:
        self.forms: list[PageForm] = []
        self.links: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self._form: PageForm | None = None
        self._select: Control | None = None
        self._area: Control | None = None
        self._link = ""

    def feed(self, html: str) -> None:
        done = 0
        for found in _TAG.finditer(html):
            if found.start() > done:
                self._data(html[done : found.start()])
            done = found.end()
            end, name, attributes = found.groups()
            if end:
                self._end(name.lower())
            elif name is not None and (name.lower() in _LOOKED_AT or " id=" in attributes):
                self._start(name.lower(), _read(attributes))
        self._data(html[done:])

    def _start(self, tag: str, at: dict[str, str]) -> None:
        if "id" in at:
            self.ids.append(at["id"])
        if tag == "a" and "href" in at:
            self._link = at["href"]
        elif tag == "form":
            self._form = PageForm(at.get("action", ""), at.get("method", "get").lower(), at.get("enctype", ""))
            self.forms.append(self._form)
        elif self._form is not None:
            self._control(tag, at, self._form)

    def _control(self, tag: str, at: dict[str, str], form: PageForm) -> None:
        name = at.get("name", "")
        if tag == "input":
            made = Control(name, at.get("type", "text"), at.get("value", ""), "checked" in at)
            (form.buttons if made.type in ("submit", "button") else form.controls).append(made)
        elif tag == "button":
            form.buttons.append(Control(name, at.get("type", "submit"), at.get("value", "")))
        elif tag == "select":
            self._select = Control(name, "select")
            form.controls.append(self._select)
        elif tag == "option" and self._select is not None:
            self._select.options.append(at.get("value", ""))
            if "selected" in at:
                self._select.value = at.get("value", "")
        elif tag == "textarea":
            self._area = Control(name, "textarea")
            form.controls.append(self._area)

    def _data(self, data: str) -> None:
        assert "<" not in data, data
        data = unescape(data)
        self.text.append(data)
        if self._area is not None:
            self._area.value += data
        if self._link and data.strip():
            self.links.append((data.strip(), self._link))

    def _end(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None
        elif tag == "a":
            self._link = ""


def _read(attributes: str) -> dict[str, str]:
    found = _ATTRIBUTE.findall(attributes)
    return {name.lower(): unescape(quoted or single or bare) for name, quoted, single, bare in found}


class Page:
    """An answer that was read as a person's browser reads it."""

    def __init__(self, status: int, url: str, html: str) -> None:
        self.status, self.url, self.html = status, url, html
        reader = _Reader()
        reader.feed(html)
        self.forms, self.links, self.ids = reader.forms, reader.links, reader.ids
        self.text = " ".join("".join(reader.text).split())

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def form(self, *, action: str = "", control: str = "") -> PageForm:
        """The form with this end of an action, or with this control."""
        for each in self.forms:
            fits_action = not action or urlsplit(urljoin(self.url, each.action)).path.endswith(action)
            if fits_action and (not control or control in each.names()):
                return each
        raise AssertionError(f"no form {action or control} on {self.url}: {self.text[:400]}")

    def link(self, href_part: str) -> str:
        """The first link whose address holds this."""
        for _, href in self.links:
            if href_part in href:
                return href
        raise AssertionError(f"no link {href_part} on {self.url}")


class Resident:
    """Somebody at a browser without script."""

    def __init__(self, client: httpx2.Client) -> None:
        self.client = client

    def open(self, url: str) -> Page:
        return self._page(self.client.get(url))

    def press(
        self,
        page: Page,
        form: PageForm,
        values: Mapping[str, list[str]] | None = None,
        *,
        button: tuple[str, str] | None = None,
        files: Mapping[str, list[tuple[str, bytes, str]]] | None = None,
    ) -> Page:
        """Post a form as it stands, with `values` typed over it."""
        data = dict(standing(form))
        data.update(values or {})
        if button is not None:
            data[button[0]] = [button[1]]
        action = urljoin(page.url, form.action)
        if form.method == "get":
            return self._page(self.client.get(action, params=data))
        sent = [(name, each) for name, many in (files or {}).items() for each in many]
        if form.enctype == "multipart/form-data":
            # an empty file control is sent by browsers, and makes the body multipart here
            sent = sent or [("_none", ("", b"", "application/octet-stream"))]
            return self._page(self.client.post(action, data=data, files=sent))
        return self._page(self.client.post(action, data=data))

    def _page(self, response: Any) -> Page:
        return Page(response.status_code, str(response.url), response.text)


def standing(form: PageForm) -> Iterator[tuple[str, list[str]]]:
    """What a browser would send of a form nobody touched."""
    found: dict[str, list[str]] = {}
    for control in form.controls:
        if not control.name or control.type == "file":
            continue
        if control.type in ("radio", "checkbox") and not control.checked:
            continue
        value = control.value
        if control.type == "select" and not value and control.options:
            value = control.options[0]
        found.setdefault(control.name, []).append(value)
    yield from found.items()


def answered(form: PageForm, answers: Mapping[str, Any]) -> dict[str, list[str]]:
    """What somebody types into the controls of a page, whose facts are `answers`."""
    typed: dict[str, list[str]] = {}
    for name in dict.fromkeys(control.name for control in form.controls):
        if name.startswith(("_", "attachment.")) or not name:
            continue
        if name.endswith((".era", ".year", ".month", ".day")):
            whole, _, part = name.rpartition(".")
            value = at(answers, whole)
            if value is not None:
                typed[name] = [date_part(value, part)]
            continue
        value = at(answers, name)
        if isinstance(value, list):
            typed[name] = [str(each) for each in value]
        elif isinstance(value, bool):
            typed[name] = ["true" if value else "false"]
        elif value is not None and not isinstance(value, dict):
            typed[name] = [str(value)]
    return typed


def at(answers: Any, name: str) -> Any:
    """The answer of a control's name ('children.0.birthdate')."""
    for part in name.split("."):
        if isinstance(answers, list):
            answers = answers[int(part)] if part.isdecimal() and int(part) < len(answers) else None
        elif isinstance(answers, Mapping):
            answers = answers.get(part)
        else:
            return None
    return answers


def date_part(value: str, part: str) -> str:
    """A part of an ISO date or year-month, as one types it by the western calendar."""
    pieces = dict(zip(("year", "month", "day"), value.split("-"), strict=False))
    return "ad" if part == "era" else str(int(pieces[part]))


def missing_rows(form: PageForm, answers: Mapping[str, Any]) -> str:
    """The `_do` that adds a row which the answers need and the page does not show, or ''."""
    for control in form.controls:
        if control.name.startswith("_rows."):
            name = control.name.removeprefix("_rows.")
            rows = at(answers, name)
            if isinstance(rows, list) and len(rows) > int(control.value):
                return f"add:/{name.replace('.', '/')}"
    return ""


def wanted_files(form: PageForm, files: Mapping[str, int]) -> dict[str, list[tuple[str, bytes, str]]]:
    """The files to hand in on a page."""
    return {
        f"attachment.{key.replace('/', '.')}": [(f"{key.replace('/', '-')}-{i}.pdf", PDF, "application/pdf")] * 1
        for key, count in files.items()
        for i in range(count)
        if f"attachment.{key.replace('/', '.')}" in form.names()
    }


def fill(resident: Resident, page: Page, answers: Mapping[str, Any], files: Mapping[str, int]) -> Page:
    """Answer step after step until the check page, or until a page comes back with errors it cannot mend."""
    for _ in range(60):
        if page.path.endswith("/check"):
            return page
        form = page.form(control="_rev")
        typed = answered(form, answers)
        add = missing_rows(form, answers)
        there = page.text
        handed = {name: sent for name, sent in wanted_files(form, files).items() if sent[0][0] not in there}
        if add:
            page = resident.press(page, form, typed, button=("_do", add))
            continue
        page = resident.press(page, form, typed, button=("_do", "next"), files=handed)
        if page.status == 422:
            again = page.form(control="_rev")
            if answered(again, answers) == typed and wanted_files(again, files) == handed:
                return page  # no new question appeared: this is what the answers lead to
    raise AssertionError(f"no end at {page.url}")
