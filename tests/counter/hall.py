"""A town hall around a real server: windows, clerks, tablets and visits, made in its store by a second process as a
command of the operator would. What is saved here reaches the server's streams by the bulletin alone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from procedures.joint import FAMILY, Answer, Joint, Key, State, Turn, apply
from procedures.library import Library
from server.counter import pairing, visits, windows
from server.counter.visits import Content, Visit
from server.people import devices, staff_sessions
from server.people.roles import Held, Role
from server.people.staff_sessions import Staff
from server.settings import Settings
from server.store import tables as t
from server.store.database import Database, Reading, Writing, open_database
from server.store.keys import open_keys
from server.store.values import new_id
from tests import shipped
from tests.procedures.moving_family import APPLICATIONS, TODAY
from tests.procedures.test_joint import clerk as clerk_of_the_family

DEPARTMENT: Final = "市民課"
FORMS: Final = ("suido-kaishi", "inu-henko")
"""Two of the family's procedures in which nobody's 個人番号 is asked."""
STAFF_COOKIE, DEVICE_COOKIE = "kakanai-staff", "kakanai-device"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Place:
    """A window, its clerk, its tablet: ids and the tokens of their cookies."""

    window_id: str
    staff: Staff
    staff_token: str
    device_id: str
    device_token: str


class Hall:
    """`data_dir` is the server's, which has started there."""

    def __init__(self, data_dir: Path) -> None:
        self.settings = Settings.from_env({"KAKANAI_MODE": "sandbox", "KAKANAI_DATA_DIR": str(data_dir)})
        self.database: Database = open_database(self.settings)
        self.keys = open_keys(self.settings)
        self.library: Library = shipped.library()
        self._thread = ThreadPoolExecutor(1)  # a browser's test has an event loop in its own thread
        self._turns: dict[str, Turn] = {}
        self._count = 0

    def close(self) -> None:
        self._thread.shutdown()
        self.database.close()

    def _run(self, made: Callable[[], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            return await made()

        return self._thread.submit(lambda: asyncio.run(run())).result()

    def write(self, work: Callable[[Writing], Any]) -> Any:
        return self._run(lambda: self.database.transact(work))

    def read(self, work: Callable[[Reading], Any]) -> Any:
        return self._run(lambda: self.database.read(work))

    # --- people and machines ------------------------------------------------------------------------------------------

    def place(self) -> Place:
        """A new window with a clerk who is signed in and a tablet."""
        self._count += 1
        made: Place = self.write(lambda db: self._place(db, f"{self._count}番窓口"))
        return made

    def _place(self, db: Writing, label: str) -> Place:
        given: dict[str, Any] = {"now": now(), "random": os.urandom}
        window = windows.open_window(db, label, DEPARTMENT, ("general",), "operator", **given)
        assert window is not None
        staff, token = self._clerk(db, label)
        code = devices.register(db, self.keys, "tablet", f"{label}のタブレット", window.id, "operator", **given)
        enrolled = devices.enrol(db, self.keys, code, **given)
        assert enrolled is not None
        return Place(window.id, staff, token, enrolled[0].id, enrolled[1])

    def _clerk(self, db: Writing, label: str) -> tuple[Staff, str]:
        from server.people import staff as accounts

        given: dict[str, Any] = {"now": now(), "random": os.urandom}
        login = f"clerk-{self._count}"
        held = [Held(Role.CLERK, DEPARTMENT)]
        accounts.add(db, self.keys, login, f"見本 {label}", held, actor="operator", **given)
        staff_id = str(db.scalar(select(t.staff.c.id).order_by(t.staff.c.created_at.desc()).limit(1)))
        db.execute(t.staff.update().where(t.staff.c.id == staff_id).values(enrolled_at=now()))
        token = staff_sessions.open_session(db, staff_id, **given)
        who = staff_sessions.who(db, token, keys=self.keys, now=now())
        assert who is not None
        return who, token

    # --- visits -------------------------------------------------------------------------------------------------------

    def visit(self, place: Place, *, language: str = "ja", forms: tuple[str, ...] = FORMS) -> Visit:
        """A visit at a window in which it was said who is in the family."""
        served = self.read(lambda db: dict(map(tuple, db.all(select(t.publication.c.slug, t.publication.c.digest)))))
        joint = Joint({slug: self.library.declarations[slug].form for slug in forms})
        turn = self._told(joint.turn(State(), TODAY), {FAMILY: [{"kin": "self"}, {"kin": "dog"}]})
        content = Content(forms={slug: served[slug] for slug in forms}, state=turn.state.dump())
        made: Visit = self.write(
            lambda db: visits.open_visit(
                db,
                self.keys,
                place.staff,
                window_id=place.window_id,
                department=DEPARTMENT,
                language=language,
                now=now(),
                random=os.urandom,
                content=content,
            )
        )
        self._turns[made.id] = turn
        return made

    def say(self, visit: Visit, said: Mapping[str, Any]) -> Visit:
        """Answers of the applicant by path ('name/family'), saved by the clerk."""
        turn = self._told(self._turns[visit.id], {Key("applicant", path): value for path, value in said.items()})
        return self._saved(visit, turn)

    def finish(self, visit: Visit) -> Visit:
        """The whole interview, as the family that moves in answers it."""
        return self._saved(visit, _family_of_one().through(self._turns[visit.id]))

    def _told(self, turn: Turn, said: Mapping[Key, Any]) -> Turn:
        after, errors = apply(turn, [Answer((key,), value) for key, value in said.items()], by="staff:x")
        assert errors == (), errors
        return after

    def _saved(self, visit: Visit, turn: Turn) -> Visit:
        content = replace(visit.content, state=turn.state.dump())
        saved = self.write(lambda db: visits.save(db, self.keys, visit, content, now=now()))
        assert isinstance(saved, Visit)
        self._turns[visit.id] = turn
        return saved

    def end(self, visit: Visit, state: str = visits.LEFT) -> None:
        assert self.write(lambda db: visits.end(db, self.keys, visit, state, "staff:x", now=now()))

    # --- pairing ------------------------------------------------------------------------------------------------------

    def code(self, visit: Visit) -> str:
        """The number for the tablet."""
        offered = self.write(lambda db: pairing.offer(db, self.keys, visit, "staff:x", now=now(), random=os.urandom))
        return str(offered.said.code)

    def pair(self, place: Place, visit: Visit) -> str:
        """Show the visit on the tablet of its window: the id of the pairing."""
        code = self.code(visit)

        def work(db: Writing) -> Any:
            device = devices.who(db, place.device_token, now=now())
            assert device is not None
            return pairing.join(db, self.keys, device, code, now=now())

        return str(self.write(work).id)

    def sign_out(self, place: Place) -> None:
        self.write(lambda db: staff_sessions.end_all(db, place.staff.id))


def _family_of_one() -> Any:
    """The clerk of the family that moves in, whose only member here is its dog."""
    clerk = clerk_of_the_family()
    clerk.family = [each for each in clerk.family if each["kin"] in ("self", "dog")]
    clerk.who = lambda query, turn: _who(query.key.path, turn)
    return clerk


def _who(path: str, turn: Turn) -> list[str]:
    dogs = [who for who, kin in turn.family.items() if kin == "dog"]
    return dogs if path.endswith("/dogs") else ["applicant"]


__all__ = ["APPLICATIONS", "DEVICE_COOKIE", "FORMS", "STAFF_COOKIE", "Hall", "Place", "new_id"]
