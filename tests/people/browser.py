"""A browser without script: it follows links, posts forms with what stands in them, and keeps cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx2
from starlette.testclient import TestClient

from server.app import create_app
from server.services import Services
from server.settings import Settings
from tests.conftest import Clock, Random
from tests.door import Door

VOID = {"input", "meta", "link", "img", "br", "hr"}


@dataclass
class Form:
    action: str
    controls: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """What of a page a person or their screen reader goes by."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.status = response.status_code
        self.html = response.text
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.title = ""
        self._words: list[str] = []
        self._open: list[str] = []
        self.feed(response.text)
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found.get("href", ""))
        if tag == "form":
            self.forms.append(Form(found.get("action", "")))
        if tag == "input":
            self.forms[-1].controls[found["name"]] = found.get("value", "")
        if tag == "button" and self.forms:
            self.forms[-1].buttons.append((found.get("name", ""), found.get("value", "")))
        self.refers += found.get("aria-describedby", "").split() + found.get("aria-labelledby", "").split()
        self.refers += [found["for"]] if "for" in found else []

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "title" in self._open:
            self.title += data
        elif "style" not in self._open and "script" not in self._open:
            self._words.append(data)

    def form_with(self, control: str) -> Form:
        """The form that has a control or a button of this name."""
        return next(
            form for form in self.forms if control in form.controls or control in (name for name, _ in form.buttons)
        )

    def check_references(self) -> None:
        """Every label, hint and error is tied to something that is there, once."""
        assert len(self.ids) == len(set(self.ids))
        assert set(self.refers) <= set(self.ids)
        inside = {link[1:] for link in self.links if link.startswith("#") and len(link) > 1}
        assert inside <= set(self.ids)


class Browser:
    """One person's browser at the site."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str) -> Page:
        return Page(self.client.get(path))

    def post(self, path: str, **controls: str) -> httpx2.Response:
        return self.client.post(path, data=controls)

    def submit(self, form: Form, **controls: str) -> httpx2.Response:
        return self.client.post(form.action, data=form.controls | controls)

    @property
    def token(self) -> str | None:
        return self.client.cookies.get("kakanai")

    @property
    def services(self) -> Services:
        services: Services = self.client.app.state.services  # type: ignore[attr-defined]  # it is a Starlette
        return services

    def code(self) -> str:
        """The six digits of the newest mail, as they are read at /sandbox/mail."""
        found = re.search(r"\b[0-9]{6}\b", self.get("/sandbox/mail").text)
        assert found is not None
        return found.group()


@contextmanager
def site(settings: Settings, clock: Clock, random: Random, *, client: str = "192.0.2.1") -> Iterator[Browser]:
    """The whole site, and a browser that follows no redirect by itself."""
    app = create_app(settings, clock=clock, random=random, log_to=lambda _: None)
    with Door(app, base_url=settings.base_url, follow_redirects=False, client=(client, 50000)) as browser:
        yield Browser(browser)


def location(response: httpx2.Response) -> str:
    assert response.status_code == 303
    return str(response.headers["location"])
