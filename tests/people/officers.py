"""Colleagues for tests: an account that is enrolled, and what its authenticator shows.

Their hashes are cheap ones of the same kind: a check costs what its hash says, and each at its real price would take
the tests minutes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher

from server.people import staff, staff_sessions
from server.people.factors import code_at
from server.people.roles import EVERYWHERE, Held, Role
from server.store.database import Database
from server.store.keys import Keys
from tests.conftest import Clock, Random

PASSWORD = "ねぶたの夜 7時に駅前で集合"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
Run = Callable[[Callable[[], Awaitable[Any]]], Any]


def held(*roles: str) -> list[Held]:
    """'clerk:市民課', 'auditor'."""
    parts = (each.partition(":") for each in roles)
    return [Held(Role(role), department or EVERYWHERE) for role, _, department in parts]


@dataclass
class Officer:
    """Somebody with an account. `codes` are the recovery codes."""

    id: str
    login: str
    secret: str
    codes: Sequence[str]
    clock: Clock

    def code(self) -> str:
        """What the authenticator shows: each counts once, so the next is waited for."""
        self.clock.advance(seconds=31)
        return code_at(self.secret, self.clock())

    def controls(self, **more: str) -> dict[str, str]:
        return {"login": self.login, "password": PASSWORD, "code": self.code(), "next": "/office"} | more


def hire(run: Run, database: Database, keys: Keys, clock: Clock, random: Random, login: str, *roles: str) -> Officer:
    """An account that was made by an operator and enrolled by its owner, who is signed in nowhere."""

    def work(db: Any) -> Officer:
        given: dict[str, Any] = {"now": clock(), "random": random}
        code = staff.add(db, keys, login, f"見本 {login}", held(*roles), actor="operator", **given)
        assert not isinstance(code, staff.Unfit), code
        token = staff.begin(db, keys, login, code, HASH, place="here", **given)
        assert token is not None
        pending = staff.pending(db, keys, token, now=clock())
        assert pending is not None
        done = staff.finish(db, keys, token, code_at(pending.secret, clock()), **given)
        assert done is not None
        staff_sessions.end_all(db, pending.id)
        return Officer(pending.id, login, pending.secret, done.recovery_codes, clock)

    made: Officer = run(lambda: database.transact(work))
    return made
