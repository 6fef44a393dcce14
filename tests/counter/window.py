"""A clerk at a window, by pages alone: they follow links, post forms, and know what the people before them say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from procedures.joint import FAMILY, Key, Query, Same, Turn, pointer
from server.counter import visits
from server.counter.interview import turn_of
from server.store.database import Writing
from server.web.counter.asking import COLUMN, EVERYBODY, SAME, ask_of, control_of
from tests.conftest import Clock, sandbox
from tests.journeys.filing import declared
from tests.journeys.pages import Page, Resident, answered
from tests.people.officers import Officer, hire
from tests.procedures.joint_clerk import Clerk
from tests.procedures.moving_family import APPLICATIONS, GUIDE, NUMBER
from tests.procedures.moving_family import FAMILY as MEMBERS
from tests.security.site import Site, opened

DEPARTMENT = "市民課"


class Window(Site):
    """The site, and colleagues at its windows."""

    made: int

    def officer(self, *roles: str) -> Officer:
        """Somebody of the staff with an account."""
        self.made += 1
        of = self.of
        given = roles or (f"clerk:{DEPARTMENT}",)
        return hire(self.run, of.database, of.keys, self.clock, of.random, f"clerk{self.made}", *given)  # type: ignore[arg-type]

    def clerk(self, *roles: str) -> AtWindow:
        """Somebody of the staff, signed in."""
        return AtWindow(self, self.officer(*roles)).sign_in()

    def do(self, work: Any) -> Any:
        return self.run(lambda: self.of.database.transact(work))

    def turn(self, visit_id: str) -> Turn:
        """The interview of a visit, as it is stored."""

        async def work() -> Turn:
            visit = await self.of.database.read(lambda db: visits.load(db, self.of.keys, visit_id, now=self.of.clock()))
            assert visit is not None
            return await turn_of(self.of, visit)

        return self.run(work)

    def rows(self, statement: Any, **parameters: Any) -> Sequence[Any]:
        def work(db: Writing) -> Sequence[Any]:
            return db.all(statement, parameters)

        found: Sequence[Any] = self.do(work)
        return found


class AtWindow(Resident):
    """A clerk's browser."""

    def __init__(self, site: Window, officer: Officer) -> None:
        super().__init__(site.browser().client)
        self.client.follow_redirects = True
        self.site, self.officer = site, officer

    def sign_in(self) -> AtWindow:
        answer = self.client.post("/staff/signin", data=self.officer.controls(next="/counter"))
        assert answer.url.path == "/counter", answer.text
        return self

    def begin(self, **controls: str) -> str:
        """A new visit: its address."""
        done = self._page(self.client.post("/counter", data=controls))
        assert done.status == 200, done.text
        return "/".join(done.path.split("/")[:3])

    def choose(self, base: str, *slugs: str) -> Page:
        """File these procedures, without a guide."""
        page = self.open(f"{base}/procedures")
        return self.press(page, page.form(control="_rev"), {"slug": list(slugs)})

    def guide(self, base: str, event: str, answers: Mapping[str, Any]) -> Page:
        """Answer the guide of a life event: the procedures."""
        page = self.open(f"{base}/guide/{event}")
        for _ in range(5):
            page = self.press(page, page.form(action=event), answered(page.form(action=event), answers))
            if page.path.endswith("/procedures"):
                return page
        raise AssertionError(page.text)

    def typed(self, page: Page, clerk: Clerk, base: str) -> dict[str, list[str]]:
        """What is typed on a page of questions."""
        form, turn = page.form(control="_rev"), self.site.turn(base.split("/")[2])
        asked = dict(self.queries(page, turn))
        values = {key: clerk.value(query, turn) for key, query in asked.items()}
        sent: dict[str, list[str]] = {}
        ask = ask_of(turn, list(asked))
        for answer in clerk._same(ask, turn, values):
            if isinstance(answer.value, Same) and f"{SAME}.{control_of(answer.keys[0])}" in form.names():
                sent[f"{SAME}.{control_of(answer.keys[0])}"] = [pointer(answer.value.key)]
        tree: dict[str, Any] = {}
        columns = [control.value for control in form.controls if control.name == COLUMN]
        for path in columns:
            keys = [key for key in values if key.path == path]
            if all(values[key] == values[keys[0]] for key in keys):
                _put(tree, control_of(Key(EVERYBODY, path)), values[keys[0]])
                for key in keys:
                    del values[key]
        for key, value in values.items():
            query = asked[key]
            if key == FAMILY:
                for i, member in enumerate(value):
                    sent[f"_member.{i}.kin"] = [member["kin"]]
            elif query.members is not None:
                sent |= _named(control_of(key), query, value)
            elif value is not None:
                _put(tree, control_of(key), value)
        return sent | {name: each for name, each in answered(form, tree).items() if name not in sent}

    def queries(self, page: Page, turn: Turn) -> Iterator[tuple[Key, Query]]:
        for control in page.form(control="_rev").controls:
            if control.name == "_q":
                who, _, path = control.value.partition("/")
                query = turn.query(Key(who, path))
                assert query is not None, control.value
                yield query.key, query

    def interview(self, base: str, clerk: Clerk, page: Page | None = None) -> Page:
        """The interview to its end: the page that follows it."""
        page = page or self.open(f"{base}/ask")
        for _ in range(200):
            if not page.path.endswith("/ask"):
                return page
            page = self.press(page, page.form(control="_rev"), self.typed(page, clerk, base), button=("_do", "next"))
            assert page.status == 200, page.text
        raise AssertionError(page.text)

    def papers(self, base: str, state: str = "seen") -> Page:
        """Note of every paper that is asked for that the original was seen."""
        page = self.open(f"{base}/papers")
        if page.path.endswith("/check"):
            return page
        form = page.form(control="_rev")
        noted = {name: [state] for name in form.names() if name.startswith("paper.")}
        return self.press(page, form, noted, button=("_do", "next"))

    def file(self, base: str, method: str = "said") -> Page:
        page = self.open(f"{base}/check")
        return self.press(page, page.form(action="/check"), {"method": [method]})


def _put(tree: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for part in path:
        tree = tree.setdefault(part, {})
    tree[last] = value


def _named(name: str, query: Query, ids: Sequence[str]) -> dict[str, list[str]]:
    if not query.many:
        return {name: [each or "_new" for each in ids]}
    new = sum(1 for each in ids if not each)
    return {name: ["", *(each for each in ids if each)], f"{name}._new": [str(new) if new else ""]}


def the_family(query: Query, turn: Turn) -> list[str]:
    """Who stands in which application of the family that moves in."""
    children = [who for who, kin in turn.family.items() if kin == "child"]
    dogs = [who for who, kin in turn.family.items() if kin == "dog"]
    elder, younger = children if len(children) == 2 else ("", "")
    return {
        "tennyu-yoyaku:/family": ["spouse", elder, younger],
        "kokuho-shutoku:/people": ["applicant", "spouse", elder, younger],
        "jido-teate-nintei-seikyu:/children": [elder, younger],
        "kodomo-iryohi-nintei:/children": [elder, younger],
        "hoiku-shisetsu-riyo:/child": [younger],
        "hoiku-shisetsu-riyo:/guardians": ["applicant", "spouse"],
        "hoiku-shisetsu-riyo:/household": [elder],
        "hoiku-shisetsu-riyo:/wishes": [""],
        "inu-henko:/dogs": dogs,
        "head_of_household": ["applicant"],
    }[query.key.path]


def moving(*slugs: str, number: str = NUMBER) -> Clerk:
    """What the family that moves in says, of these applications; everybody has the same 個人番号."""
    chosen = {slug: APPLICATIONS[slug] for slug in slugs or APPLICATIONS}
    told = json.loads(json.dumps(chosen, ensure_ascii=False).replace(NUMBER, number))
    return Clerk(told, MEMBERS, the_family)


@contextmanager
def at_the_counter(directory: Path, migrated_file: Path, *slugs: str) -> Iterator[Window]:
    """The site, serving these procedures (the family's seven without any)."""
    file = directory / "kakanai.db"
    if not file.exists():
        shutil.copy(migrated_file, file)
    clock = Clock()
    served = [declared(slug) for slug in slugs or APPLICATIONS]
    with opened(sandbox(directory, f"sqlite:///{file}"), served, clock=clock) as site:
        site.__class__ = Window
        assert isinstance(site, Window)
        site.made = 0
        yield site


__all__ = ["DEPARTMENT", "GUIDE", "AtWindow", "Window", "at_the_counter", "moving", "the_family"]
