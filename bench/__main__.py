"""`make bench`: the server beside a bare one and a bare database file, in one run; a table at the end.

CPU milliseconds a request are the user and system time of the server's processes; requests a second come from eight
connections of a client on the same machine. Each figure is the median of three rounds. Read the ratios: the figures
themselves say more about the machine.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from shutil import copytree
from statistics import median
from urllib.parse import quote

from bench import counter, file, hall, mirror, paper
from bench.http import Figures, ask, measure, middle, pss_mb, request
from bench.many import publish_many
from bench.million import fill
from bench.site import SLUG, Clients, Draft, Site, checked, free_port, serving
from bench.table import Row
from server.api import read_queries
from server.api.registered import identifier

ROUNDS, READS, WRITES, SUBMITS, MANY = 3, 2000, 600, 300, 20_000
NODE = "id slug title kana summary category lifeEvents group department channels result processingDays"
CATALOGUE = (
    f"query($filter: ProcedureFilter) {{ procedures(filter: $filter, first: 50) {{ edges {{ node {{ {NODE} }} }} }} }}"
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for row in _measured(Path(folder)):
            print(row, flush=True)


def _measured(directory: Path) -> Iterator[Row]:
    site = Site(directory, free_port())
    site.prepare()
    raw = raw_commits(directory)
    yield Row("durable commits of such a file", f"{raw:.0f}/s")
    yield from _start(site)
    with site.run() as (pid, _):
        bench = Bench(site, pid, raw)
        yield from bench.graphql(directory)
        yield from bench.public(directory)
        yield from bench.reads()
        yield from bench.writes()
        yield from bench.weight()
    yield from _asked_again(site, directory)
    yield from _memory(site)
    yield from _many(site, directory)
    yield from _million(site, raw)
    yield from counter.rows()
    yield from paper.rows()
    yield from mirror.rows(each=(1,))
    yield from hall.rows()


class Bench:
    """A server being measured."""

    def __init__(self, site: Site, pid: int, raw: float) -> None:
        self.site, self.pid, self.raw = site, pid, raw
        self.clients = Clients(site.port)

    def measure(self, rounds: Sequence[Sequence[bytes]], expect: int) -> Figures:
        return measure(self.site.port, self.pid, rounds, expect)

    def public(self, directory: Path) -> Iterator[Row]:
        for name, path in (
            ("guide page, new visitor", f"/procedures/{SLUG}"),
            ("list, new visitor", "/procedures"),
            ("first step, new visitor", f"/procedures/{SLUG}/apply"),
        ):
            sent = request("GET", path)
            body = ask(self.site.port, sent)[0].body
            bare = _bare(
                directory, body, lambda port, pid: measure(port, pid, [[request("GET", "/")] * READS] * ROUNDS, 200)
            )
            found = self.measure([[sent] * READS] * ROUNDS, 200)
            share = found.per_second / bare.per_second
            yield Row(
                name, _figures(found), f"{share:.2f} of bare Starlette", ">= 0.50 of its requests/s", share >= 0.5
            )

    def reads(self) -> Iterator[Row]:
        drafts = self.clients.drafts(8)
        checked(ask(self.site.port, drafts[0].get()), 200)
        found = self.measure([_each(drafts, Draft.get, READS)] * ROUNDS, 200)
        yield _cpu("GET of a draft's step, 15 questions", found, 0.5)
        plain = [request("GET", f"{d.base}/2", cookie=d.cookie, place=d.place, packed=False) for d in drafts]
        found = self.measure([list(islice(cycle(plain), READS))] * ROUNDS, 200)
        yield Row("  the same for a client that takes no gzip", _figures(found))
        found = self.measure([_each(drafts, Draft.wrong, READS)] * ROUNDS, 422)
        yield _cpu("POST of that step with 13 errors, page rendered", found, 0.9)

    def writes(self) -> Iterator[Row]:
        rounds = [self.clients.drafts(WRITES) for _ in range(ROUNDS)]
        found = self.measure([[draft.good() for draft in drafts] for drafts in rounds], 303)
        yield from _write("POST of that step as it is to be, saved", found, self.raw, 0.25, 0.8)
        yield from self.submits()

    def submits(self) -> Iterator[Row]:
        found = self.measure(self.ready(), 303)
        yield from _write("submit: fee, encryption, audit line", found, self.raw, 0.15, 1.3)

    def ready(self) -> list[list[bytes]]:
        """Three rounds of submissions, each of a draft of its own that is filled in."""
        rounds = [self.clients.drafts(SUBMITS) for _ in range(ROUNDS)]
        for drafts in rounds:
            checked(ask(self.site.port, *(sent for draft in drafts for sent in (draft.good(), draft.last()))), 303)
        page = gzip.decompress(ask(self.site.port, rounds[0][0].get("check"))[0].body).decode()
        seen = re.findall('name="_rev" value="([^"]+)"', page)[0]  # of the revision and the fee: the same for each
        return [[draft.submit(seen) for draft in drafts] for drafts in rounds]

    def graphql(self, directory: Path) -> Iterator[Row]:
        anew = [_query(number) for number in range(READS // 4 * ROUNDS)]
        nodes = [
            edge["node"] for edge in json.loads(ask(self.site.port, _query(-1))[0].body)["data"]["procedures"]["edges"]
        ]
        assert len(nodes) == 50, len(nodes)
        (directory / "objects").write_text(json.dumps(nodes), "utf-8")
        found = self.measure([anew[i::ROUNDS] for i in range(ROUNDS)], 200)
        sent = _graphql({"query": f"{{ procedures {{ {NODE} }} }}"})
        bare = _bare(directory, b"-", lambda port, pid: measure(port, pid, [[sent] * (READS // 4)] * ROUNDS, 200))
        share = found.cpu_ms / bare.cpu_ms
        yield Row(
            "GraphQL, 50 procedures x 12 fields, executed",
            _figures(found),
            f"{share:.2f} of bare strawberry",
            "<= 0.65 of its CPU",
            share <= 0.65,
        )
        again = self.measure([[_query(-1)] * READS] * ROUNDS, 200)
        yield _cpu("  the same again", again, 0.1)

    def weight(self) -> Iterator[Row]:
        page = ask(self.site.port, request("GET", f"/procedures/{SLUG}/apply"))[0].body
        html = gzip.decompress(page).decode()
        files = sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html)))
        size = len(page) + sum(
            len(each.body) for each in ask(self.site.port, *(request("GET", file) for file in files))
        )
        yield Row(
            "a form page with its files, gzip",
            f"{size / 1024:.1f} KB",
            f"{len(files)} files",
            "<= 34 KB",
            size <= 34 * 1024,
        )


def _each(drafts: Sequence[Draft], sent: Callable[[Draft], bytes], number: int) -> list[bytes]:
    return list(islice(cycle(map(sent, drafts)), number))


def _figures(found: Figures) -> str:
    return f"{found.cpu_ms:.3f} ms {found.per_second:8.0f}/s"


def _cpu(what: str, found: Figures, goal: float) -> Row:
    return Row(what, _figures(found), "", f"<= {goal} ms CPU", found.cpu_ms <= goal)


def _write(what: str, found: Figures, raw: float, share: float, cpu: float) -> Iterator[Row]:
    rate = found.per_second / raw
    yield Row(what, _figures(found), f"{rate:.2f} of durable commits", f">= {share} of them", rate >= share)
    yield Row("", "", "", f"<= {cpu} ms CPU", found.cpu_ms <= cpu)


def _graphql(body: object) -> bytes:
    return request("POST", "/graphql", body=json.dumps(body).encode(), kind="application/json")


def _query(number: int) -> bytes:
    """The catalogue query. A variable that nobody reads makes it another one to whatever keeps answers."""
    return _graphql({"query": CATALOGUE, "variables": {"filter": {"group": "yusen", "assurance": "NONE"}, "n": number}})


def _bare(directory: Path, body: bytes, run: Callable[[int, int], Figures]) -> Figures:
    port = free_port()
    (directory / "body").write_bytes(body)
    if not (directory / "objects").exists():
        (directory / "objects").write_text("[]")
    files = {"BARE_BODY": str(directory / "body"), "BARE_OBJECTS": str(directory / "objects")}
    with serving([sys.executable, "-m", "bench.bare", str(port)], port, **files) as (pid, _):
        return run(port, pid)


def raw_commits(directory: Path) -> float:
    """Durable commits a second of a SQLite file on this disk, as the store writes them."""
    connection = sqlite3.connect(directory / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
    connection.execute("INSERT INTO t VALUES (1, zeroblob(2000))")
    rates, count = [], 2000
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for i in range(count):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE t SET body = ? WHERE id = 1", (b"%2000d" % i,))
            connection.execute("COMMIT")
        rates.append(count / (time.perf_counter() - started))
    connection.close()
    return median(rates)


def _start(site: Site) -> Iterator[Row]:
    times = []
    for _ in range(ROUNDS):
        with site.run() as (_, seconds):
            times.append(seconds)
    imports = _import_seconds(site)
    start, share = median(times), median(times) / imports
    yield Row(
        "start to the first answer", f"{start:.2f} s", f"{share:.2f} of its imports", "<= 1.3 of them", share <= 1.3
    )
    yield Row("", "", "", "<= 1.2 s", start <= 1.2)


_LOADED = """
import sys
from server.settings import Settings
import os
from server.app import create_app
create_app(Settings.from_env(os.environ))
own = {'server', 'procedures', 'forms_schema', 'payments', '__main__'}
others = {n: str(getattr(m, '__file__', '')) for n, m in sys.modules.items() if n.partition('.')[0] not in own}
print(' '.join(name for name, file in others.items() if 'site-packages' in file))
"""


def _import_seconds(site: Site) -> float:
    """The seconds that a bare interpreter takes to import what others wrote, all that the server has loaded."""
    run = [sys.executable, "-c"]
    loaded = subprocess.run([*run, _LOADED], env=_env(site), capture_output=True, text=True, check=True).stdout.split()  # noqa: S603
    each = "    with contextlib.suppress(Exception): importlib.import_module(name)"
    script = f"import importlib, contextlib\nfor name in {loaded!r}:\n{each}"
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run([*run, script], check=True)  # noqa: S603
        times.append(time.perf_counter() - started)
    return median(times)


def _env(site: Site) -> dict[str, str]:
    return {**os.environ, **site.environ}


def _memory(site: Site) -> Iterator[Row]:
    """A worker's memory after a thousand and after ten thousand requests of five sorts."""
    with site.run() as (pid, _):
        bench = Bench(site, pid, 0)

        def work(number: int) -> None:
            drafts = bench.clients.drafts(number // 5)
            bench.measure([[draft.get() for draft in drafts]], 200)
            bench.measure([[draft.wrong() for draft in drafts]], 422)
            bench.measure([[draft.good() for draft in drafts]], 303)
            bench.measure([[_query(i) for i in range(len(drafts))]], 200)

        work(1000)
        early = pss_mb(pid)
        work(9000)
        late = pss_mb(pid)
    growth = late / early - 1
    yield Row(
        "memory of a worker (PSS) after 10,000 requests",
        f"{late:.0f} MB",
        f"{growth:+.1%} since 1,000",
        "<= 110 MB",
        late <= 110,
    )
    yield Row("", "", "", "within 5 %", growth <= 0.05)


def _asked_again(site: Site, directory: Path) -> Iterator[Row]:
    """A registered query that was asked before, beside a static file of the same bytes from the same server."""
    path = f"/graphql?id={identifier(read_queries()['catalogue'])}&variables=%7B%22first%22%3A50%7D"
    with site.run():
        answer = ask(site.port, request("GET", path, packed=False))[0]
    (directory / "answer").write_bytes(answer.body)
    command = [sys.executable, "-m", "bench.file", str(site.port)]
    with serving(command, site.port, FILE_BODY=str(directory / "answer"), **site.environ) as (pid, _):
        rates = []
        for asked in (file.PATH, path):
            sent = request("GET", asked, packed=False)
            assert ask(site.port, sent)[0].body == answer.body
            rates.append(measure(site.port, pid, [[sent] * READS] * ROUNDS, 200))
    share = rates[1].per_second / rates[0].per_second
    told = f"{share:.2f} of a static file"
    yield Row("a registered query, asked again", _figures(rates[1]), told, ">= 0.50 of its requests/s", share >= 0.5)


def _many(site: Site, directory: Path) -> Iterator[Row]:
    """The city's own procedures, and twenty thousand made of them: search, start, memory and a form's page."""
    large = Site(directory / "many", free_port())
    copytree(site.database.parent, large.database.parent)
    publish_many(large.database, MANY)
    few, many = _catalogues((site, 200), (large, MANY))
    for number, found, most in ((200, few, 2.0), (MANY, many, 10.0)):
        yield _cpu(f"search page, {number:,} procedures, of {len(_questions())} questions", found.search, most)
        yield Row("  the first, which looks at the letters", f"{found.first:.2f} s")
    for what, early, late, unit, goal in (
        ("start", few.start, many.start, "s", 2.0),
        ("memory after searches, lists and forms (PSS)", few.memory, many.memory, "MB", 2.0),
        ("GET of a draft's step", few.step.cpu_ms, many.step.cpu_ms, "ms", 1.1),
    ):
        share = late / early
        told = f"{share:.2f} of with 200"
        yield Row(
            f"{what}, {MANY:,} procedures", f"{early:.2f} -> {late:.2f} {unit}", told, f"<= {goal}", share <= goal
        )


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """What was measured of one size of the catalogue: seconds, megabytes, CPU."""

    start: float
    first: float
    memory: float
    search: Figures
    step: Figures


def _catalogues(*sizes: tuple[Site, int]) -> list[_Catalogue]:
    """Both at once, their steps by turns: what else the machine does meets them alike."""
    with ExitStack() as running:
        served = [_Served.started(running, site, size) for site, size in sizes]
        searched = [each.searched() for each in served]
        drafts = [each.bench.clients.drafts(8) for each in served]
        steps: list[list[Figures]] = [[] for _ in served]
        for _ in range(2 * ROUNDS + 1):
            for each, begun, found in zip(served, drafts, steps, strict=True):
                found.append(each.bench.measure([_each(begun, Draft.get, READS)], 200))
        return [
            _Catalogue(each.start, first, pss_mb(each.bench.pid), search, middle(found))
            for each, (first, search), found in zip(served, searched, steps, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Served:
    """A server, and the seconds it takes to start."""

    bench: Bench
    size: int
    start: float

    @staticmethod
    def started(running: ExitStack, site: Site, size: int) -> _Served:
        times = []
        for _ in range(ROUNDS):
            with site.run() as (_, seconds):
                times.append(seconds)
        pid, _ = running.enter_context(site.run())
        bench = Bench(site, pid, 0)
        bench.clients._count = size * 4  # other places than before
        return _Served(bench, size, median(times))

    def searched(self) -> tuple[float, Figures]:
        """The seconds of the first search, and what one costs."""
        started = time.perf_counter()
        searches = [request("GET", f"/procedures?q={quote(each)}") for each in _questions()]
        ask(self.bench.site.port, searches[0], request("GET", "/procedures"), _query(self.size))
        first = time.perf_counter() - started
        return first, self.bench.measure([searches] * ROUNDS, 200)


@cache
def _questions() -> list[str]:
    """What residents type: the table that the search is tested with."""
    table = Path(__file__).parents[1] / "tests/catalogue/questions.tsv"
    return [line.split("\t")[0] for line in table.read_text("utf-8").splitlines()]


def _million(site: Site, raw: float) -> Iterator[Row]:
    """A step and a submission with a thousand applications stored, and with a million."""
    found = []
    for number in (1_000, 1_000_000):
        fill(site.database, number)
        with site.run() as (pid, _):
            bench = Bench(site, pid, raw)
            bench.clients._count = number * 2  # other places than before
            drafts = bench.clients.drafts(8)
            step = bench.measure([_each(drafts, Draft.get, READS)] * ROUNDS, 200)
            found.append((step, bench.measure(bench.ready(), 303)))
    (step, submit), (late_step, late_submit) = found
    for what, early, late in (("step", step, late_step), ("submit", submit, late_submit)):
        share = late.cpu_ms / early.cpu_ms
        yield Row(
            f"{what} with 1,000,000 applications stored",
            _figures(late),
            f"{share:.2f} of with 1,000",
            "<= 1.2",
            share <= 1.2,
        )


if __name__ == "__main__":
    main()
