"""`make bench`: the server beside a bare one and a bare database file, in one run; a table at the end."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from bench.http import Figures, measure, pss_mb, request
from procedures.library import load_library
from tests.journeys.pages import Page, Resident, answered, fill, missing_rows, standing

SLUG = "juminhyo-utsushi"
MANY = 2000
ONCE = 300


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(command: list[str], port: int, **environ: str) -> Iterator[tuple[int, float]]:
    """A server process: its pid, and the seconds to its first answer."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        while process.poll() is None:
            with suppress(urllib.error.URLError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).read()
                break
            time.sleep(0.01)
        yield process.pid, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(20)


def raw_commits(directory: Path) -> float:
    """Durable commits a second of a SQLite file on this disk, as the store writes them."""
    connection = sqlite3.connect(directory / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
    connection.execute("INSERT INTO t VALUES (1, zeroblob(2000))")
    started, count = time.perf_counter(), 2000
    for i in range(count):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE t SET body = ? WHERE id = 1", (b"%2000d" % i,))
        connection.execute("COMMIT")
    connection.close()
    return count / (time.perf_counter() - started)


def urlencoded(form: object, values: dict[str, list[str]]) -> bytes:
    return str(httpx2.QueryParams([(name, each) for name, many in values.items() for each in many])).encode()


class Bench:
    """One sandbox being measured."""

    def __init__(self, port: int, pid: int) -> None:
        self.port, self.pid = port, pid
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True)
        self.resident = Resident(self.client)
        self.case = load_library().declarations[SLUG].cases[0]

    def begun(self) -> Page:
        """A new draft at the step that is measured."""
        page = self.resident.open(f"/procedures/{SLUG}/apply")
        form = page.form(control="_rev")
        return self.resident.press(page, form, answered(form, self.case["answers"]), button=("_do", "next"))

    def filled(self) -> Page:
        """A draft at its check page."""
        page = self.resident.open(f"/procedures/{SLUG}/apply")
        return fill(self.resident, page, self.case["answers"], self.case.get("attachments", {}))

    def post(self, page: Page, *, wrong: bool = False) -> bytes:
        form = page.form(control="_rev")
        typed = dict(standing(form)) | answered(form, self.case["answers"])
        assert not missing_rows(form, self.case["answers"])
        values = {name: [""] if wrong and not name.startswith("_") else many for name, many in typed.items()}
        body = urlencoded(form, values | {"_do": ["next"]})
        return request("POST", page.path, cookie=self.cookie, body=body)

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())

    def run(self, requests: list[bytes], expect: int, rounds: int = 3) -> Figures:
        return measure(self.port, self.pid, requests, expect, rounds)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        rows = list(_measured(directory))
    width = max(len(name) for name, *_ in rows)
    for name, *cells in rows:
        print(f"{name:<{width}}  " + "  ".join(f"{cell:>12}" for cell in cells))


def _measured(directory: Path) -> Iterator[tuple[str, ...]]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("kakanai")), "serve"]
    environ = {
        "KAKANAI_MODE": "sandbox",
        "KAKANAI_DATA_DIR": str(directory / "var"),
        "KAKANAI_PORT": str(port),
        "KAKANAI_BASE_URL": f"http://127.0.0.1:{port}",
        "KAKANAI_WORKER": "off",
    }
    with serving(command, port, **environ):
        pass  # the database is made once
    yield "what", "CPU ms", "requests/s", "of bare"
    raw = raw_commits(directory)
    with serving(command, port, **environ) as (pid, started):
        bench = Bench(port, pid)
        guide = bench.client.get(f"/procedures/{SLUG}").content
        bare = _bare(directory, guide)
        yield "bare Starlette", f"{bare.cpu_ms:.3f}", f"{bare.per_second:.0f}", "1.00"
        yield from _pages(bench, bare)
        yield from _writes(bench, raw)
        yield "durable commits of the file", "", f"{raw:.0f}", ""
        yield "memory of the worker, MB (PSS)", f"{pss_mb(pid):.0f}", "", ""
        yield "start to the first answer, s", f"{started:.2f}", "", ""


def _bare(directory: Path, body: bytes) -> Figures:
    port, file = free_port(), directory / "body"
    file.write_bytes(body)
    with serving([sys.executable, "-m", "bench.bare", str(port)], port, BARE_BODY=str(file)) as (pid, _):
        return measure(port, pid, [request("GET", "/")] * MANY, 200)


def _pages(bench: Bench, bare: Figures) -> Iterator[tuple[str, ...]]:
    def row(name: str, found: Figures) -> tuple[str, ...]:
        return name, f"{found.cpu_ms:.3f}", f"{found.per_second:.0f}", f"{found.per_second / bare.per_second:.2f}"

    for name, path in (
        ("guide page, new visitor", f"/procedures/{SLUG}"),
        ("list, new visitor", "/procedures"),
        ("first step, new visitor", f"/procedures/{SLUG}/apply"),
    ):
        yield row(name, bench.run([request("GET", path)] * MANY, 200))
    page = bench.begun()
    yield row("GET of a draft's step", bench.run([request("GET", page.path, cookie=bench.cookie)] * MANY, 200))
    yield row("POST of a step with errors", bench.run([bench.post(page, wrong=True)] * MANY, 422))


def _writes(bench: Bench, raw: float) -> Iterator[tuple[str, ...]]:
    def row(name: str, found: Figures) -> tuple[str, ...]:
        return name, f"{found.cpu_ms:.3f}", f"{found.per_second:.0f}", f"{found.per_second / raw:.2f} commits"

    posts = [bench.post(bench.begun()) for _ in range(ONCE)]
    yield row("POST of a valid step, saved", bench.run(posts, 303, rounds=1))
    signed_in(bench)
    ready = [signed(bench, bench.filled()) for _ in range(ONCE // 3)]
    submits = [submit(bench, page) for page in ready]
    yield row("submit, signed", bench.run(submits, 303, rounds=1))


def signed_in(bench: Bench) -> None:
    page = bench.resident.open("/signin?level=jpki-signature")
    form = next(form for form in page.forms if form.has_button("resident", "taro-jpki"))
    bench.resident.press(page, form, button=("resident", "taro-jpki"))


def signed(bench: Bench, page: Page) -> Page:
    """The check page of a draft with its signature made."""
    go = bench.resident.open(f"{page.path.removesuffix('check')}sign/go")
    form = go.form(action=go.path)
    return bench.resident.press(go, form, button=(form.buttons[0].name, form.buttons[0].value))


def submit(bench: Bench, page: Page) -> bytes:
    form = page.form(action="/submit")
    path = re.sub("check$", "submit", page.path)
    return request("POST", path, cookie=bench.cookie, body=urlencoded(form, dict(standing(form))))


if __name__ == "__main__":
    main()
