"""Tablets at a real server: what was missed comes after, nothing of another visit ever, and nothing when it is over."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select, update

from server.counter import pairing
from server.counter.live import MOST_EACH
from server.people import devices, staff_sessions
from server.store import tables as t
from tests.browser.server import Server
from tests.counter.hall import DEVICE_COOKIE, STAFF_COOKIE, Hall, Place, now

PATIENCE = 30.0
"""Seconds for anything to come on a machine that is busy with other tests."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("hall"), WORKER="off", MAIL="off")
    made.start()
    yield made
    made.kill()
    assert made.failures() == []


@pytest.fixture(scope="module")
def hall(server: Server) -> Iterator[Hall]:
    with closing(Hall(server.data_dir)) as made:
        yield made


OPENED: list[Callable[[], object]] = []
"""How to close what a test has opened."""


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop()()


class Stream:
    """An open stream, read as a browser reads it. `dropped` cuts the connection without a word."""

    def __init__(self, server: Server, path: str, *, cookie: str, last: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        heard = f"last-event-id: {last}\r\n" if last else ""
        asked = (
            f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\ncookie: {cookie}\r\n{heard}\r\n"
        )
        self._socket.sendall(asked.encode())
        OPENED.append(self.dropped)
        self._lines = self._socket.makefile("r", encoding="utf-8", newline="\n")
        self.status = int(self._lines.readline().split()[1])
        self.headers = dict(self._header(line) for line in iter(self._lines.readline, "\r\n"))

    @staticmethod
    def _header(line: str) -> tuple[str, str]:
        name, _, value = line.partition(":")
        return name.lower(), value.strip()

    def hears(self) -> tuple[str, str]:
        """The next event: its kind and its data. ('', '') when the server has closed the stream."""
        kind = ""
        while (line := self._lines.readline()) and line != "0\r\n":  # the last chunk
            if line.startswith("event: "):
                kind = line[7:].strip()
            elif line.startswith("data:"):
                return kind, line[5:].strip()
        return "", ""

    def dropped(self) -> None:
        with suppress(OSError):
            self._lines.close()
        self._socket.close()


def client(server: Server, cookies: dict[str, str], **headers: str) -> httpx2.Client:
    made = httpx2.Client(base_url=server.url, cookies=cookies, headers=headers)
    OPENED.append(made.close)
    return made


class Tablet:
    """A tablet without a browser."""

    def __init__(self, server: Server, place: Place, pairing_id: str) -> None:
        self.server, self.pairing_id = server, pairing_id
        self._cookie = f"{DEVICE_COOKIE}={place.device_token}"
        self.client = client(server, {DEVICE_COOKIE: place.device_token})

    def stream(self, last: str = "") -> Stream:
        return Stream(self.server, f"/tablet/stream?of={self.pairing_id}", cookie=self._cookie, last=last)

    def shown(self) -> httpx2.Response:
        return self.client.get("/tablet/shown", params={"of": self.pairing_id})


def test_a_save_is_told_and_nothing_personal_with_it(server: Server, hall: Hall) -> None:
    place = hall.place()
    visit = hall.visit(place)
    tablet = Tablet(server, place, hall.pair(place, visit))
    stream = tablet.stream()
    assert stream.status == 200 and stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["cache-control"] == "no-store"
    kind, first = stream.hears()
    assert kind == "changed"
    visit = hall.say(visit, {"name/family": "迷宮小路"})
    kind, mark = stream.hears()
    assert kind == "changed" and mark != first and mark.replace("-", "").isdecimal()
    shown = tablet.shown()
    assert "迷宮小路" in shown.text and shown.headers["cache-control"] == "no-store"
    assert tablet.client.get("/tablet/shown", params={"of": tablet.pairing_id, "have": mark}).status_code == 204


def test_a_dropped_connection_catches_up(server: Server, hall: Hall) -> None:
    place = hall.place()
    visit = hall.visit(place)
    tablet = Tablet(server, place, hall.pair(place, visit))
    stream = tablet.stream()
    _, heard = stream.hears()
    stream.dropped()
    for family in ("一", "二", "三"):
        visit = hall.say(visit, {"name/family": family})
    again = tablet.stream(last=heard)
    kind, mark = again.hears()
    assert kind == "changed" and mark.partition("-")[0] == str(visit.revision), "the last of them, in one"
    assert "三" in tablet.shown().text
    again.dropped()
    visit = hall.say(visit, {"name/family": "四"})
    back = tablet.stream(last=mark)
    assert back.hears()[0] == "changed"


@pytest.mark.parametrize("by", ["the visit's end", "the clerk", "the tablet", "the device's end"])
def test_the_end_is_told_at_once_and_nothing_is_shown_after_it(server: Server, hall: Hall, by: str) -> None:
    place = hall.place()
    visit = hall.say(hall.visit(place), {"name/family": "迷宮小路"})
    tablet = Tablet(server, place, hall.pair(place, visit))
    stream = tablet.stream()
    assert stream.hears()[0] == "changed"
    if by == "the visit's end":
        hall.end(visit)
    elif by == "the clerk":
        hall.write(lambda db: pairing.end_of_visit(db, visit.id, "staff:x"))
    elif by == "the tablet":
        assert tablet.client.post("/tablet/end").status_code == 303
    else:
        hall.write(lambda db: devices.end(db, place.device_id, "operator", now=visit.saved_at))
    assert stream.hears() == ("over", "")
    assert stream.hears() == ("", "")
    if by == "the device's end":
        assert tablet.shown().status_code == tablet.stream().status == 403
    else:
        assert tablet.shown().status_code == 410
        assert tablet.stream().hears() == ("over", "")
    page = tablet.client.get("/tablet")
    assert "迷宮小路" not in page.text
    assert by == "the device's end" or page.headers["clear-site-data"] == '"cache", "storage"'


def test_a_tablet_with_the_next_visit_shows_nothing_in_the_page_of_the_last(server: Server, hall: Hall) -> None:
    place = hall.place()
    first = hall.say(hall.visit(place), {"name/family": "前野"})
    before = Tablet(server, place, hall.pair(place, first))
    stream = before.stream()
    stream.hears()
    second = hall.say(hall.visit(place), {"name/family": "後藤"})
    after = Tablet(server, place, hall.pair(place, second))
    assert stream.hears() == ("over", "")
    assert before.shown().status_code == 410
    assert before.client.post("/tablet/say", data={"of": before.pairing_id, "_do": "right"}).status_code == 303
    assert "後藤" in after.shown().text and "前野" not in after.shown().text


def test_a_clerk_who_is_signed_out_ends_only_their_own_screen(server: Server, hall: Hall) -> None:
    place = hall.place()
    visit = hall.visit(place)
    tablet = Tablet(server, place, hall.pair(place, visit))
    desk = Stream(server, f"/counter/{visit.id}/tablet/stream", cookie=f"{STAFF_COOKIE}={place.staff_token}")
    mirror = tablet.stream()
    assert desk.hears()[0] == mirror.hears()[0] == "changed"
    hall.sign_out(place)
    visit = hall.say(visit, {"name/family": "迷宮小路"})  # by a colleague
    assert mirror.hears()[0] == "changed"
    assert desk.hears() == ("over", "")
    assert "迷宮小路" in tablet.shown().text


def test_a_clerk_sees_whether_the_tablet_is_there(server: Server, hall: Hall) -> None:
    place = hall.place()
    visit = hall.visit(place)
    tablet = Tablet(server, place, hall.pair(place, visit))
    desk = client(server, {STAFF_COOKIE: place.staff_token}, **{"hx-request": "true"})
    news = Stream(server, f"/counter/{visit.id}/tablet/stream", cookie=f"{STAFF_COOKIE}={place.staff_token}")
    panel = f"/counter/{visit.id}/tablet"
    stream = tablet.stream()
    stream.hears()
    assert news.hears()[0] == "changed"
    assert "つながっています" in desk.get(panel).text
    stream.dropped()
    assert news.hears()[0] == "changed"
    assert "返事がありません" in desk.get(panel).text
    tablet.stream()
    assert news.hears()[0] == "changed"
    assert "つながっています" in desk.get(panel).text


def test_the_oldest_of_too_many_streams_of_a_tablet_is_closed(server: Server, hall: Hall) -> None:
    place = hall.place()
    tablet = Tablet(server, place, hall.pair(place, hall.visit(place)))
    streams = [tablet.stream() for _ in range(MOST_EACH + 1)]
    assert [stream.hears()[0] for stream in streams] == ["changed"] * len(streams)
    assert streams[0].hears() == ("replaced", "")


def test_nobody_but_the_windows_tablet_opens_its_stream(server: Server, hall: Hall) -> None:
    place, other = hall.place(), hall.place()
    visit = hall.say(hall.visit(place), {"name/family": "迷宮小路"})
    pairing_id = hall.pair(place, visit)
    assert Tablet(server, other, pairing_id).stream().hears() == ("over", "")
    assert Tablet(server, other, pairing_id).shown().status_code == 410
    assert Stream(server, f"/tablet/stream?of={pairing_id}", cookie="x=y").status == 403
    colleague = Stream(server, f"/counter/{visit.id}/tablet/stream", cookie=f"{STAFF_COOKIE}={other.staff_token}")
    assert colleague.hears() == ("over", ""), "somebody else leads the visit"


def test_a_server_that_is_told_to_end_does_not_wait_for_its_streams(server: Server, hall: Hall) -> None:
    place = hall.place()
    visit = hall.visit(place)
    tablet = Tablet(server, place, hall.pair(place, visit))
    stream = tablet.stream()
    _, heard = stream.hears()
    began = time.monotonic()
    server.kill(signal.SIGTERM)
    assert time.monotonic() - began < 9, "or it is cut off after ten seconds"
    assert stream.hears() == ("", "")
    assert "Cancel" not in server.log()
    visit = hall.say(visit, {"name/family": "迷宮小路"})
    server.start()
    again = tablet.stream(last=heard)
    assert again.hears()[0] == "changed"
    assert "迷宮小路" in tablet.shown().text, "a restart in the middle loses nothing"


# --- somebody calls a clerk -------------------------------------------------------------------------------------------


def test_a_call_at_a_device_is_told_to_clerks_and_where_it_is_not(server: Server, hall: Hall) -> None:
    place = hall.place()
    clerk = f"{STAFF_COOKIE}={place.staff_token}"
    stream = Stream(server, "/counter/calls/stream", cookie=clerk)
    assert stream.status == 200 and stream.headers["content-type"].startswith("text/event-stream")
    kind, none = stream.hears()
    assert kind == "changed"
    hall.write(lambda db: devices.call(db, place.device_id, now=now()))
    kind, open_ = stream.hears()
    assert kind == "changed" and open_ != none and place.device_id[:8] not in open_
    part = client(server, {STAFF_COOKIE: place.staff_token}).get("/counter/calls", params={"seen": none})
    assert f'data-mark="{open_}"' in part.text and "のタブレット」で" in part.text
    hall.write(lambda db: devices.answer(db, place.device_id, "staff:x", now=now()))
    assert stream.hears()[1] not in (none, open_)
    hall.write(lambda db: devices.call_over(db, place.device_id))
    assert stream.hears() == ("changed", none)


def test_the_stream_of_calls_ends_with_the_sign_in(server: Server, hall: Hall) -> None:
    place = hall.place()
    stream = Stream(server, "/counter/calls/stream", cookie=f"{STAFF_COOKIE}={place.staff_token}")
    assert stream.hears()[0] == "changed"
    hall.write(lambda db: staff_sessions.end_all(db, place.staff.id))
    hall.write(lambda db: devices.call(db, place.device_id, now=now()))
    assert stream.hears() == ("over", "")
    hall.write(lambda db: devices.call_over(db, place.device_id))


def test_a_stream_that_is_opened_again_does_not_put_the_end_of_a_sign_in_off(server: Server, hall: Hall) -> None:
    place = hall.place()
    long_ago = now() - timedelta(minutes=20)
    seen = update(t.staff_session).where(t.staff_session.c.staff_id == place.staff.id).values(seen_at=long_ago)
    hall.write(lambda db: db.execute(seen))
    assert Stream(server, "/counter/calls/stream", cookie=f"{STAFF_COOKIE}={place.staff_token}").hears()[0] == "changed"
    kept = select(t.staff_session.c.seen_at).where(t.staff_session.c.staff_id == place.staff.id)
    assert hall.read(lambda db: db.scalar(kept)) == long_ago
