"""`kakanai staff …`: what an operator does with accounts of the staff; see `console` for how a command is made.

No password is ever on a command line: an account begins with a code that is good once, and for a time.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from server.console import Commands, command, complain, group, opened, read_settings
from server.settings import Settings

if TYPE_CHECKING:
    from server.people.roles import Held
    from server.people.staff import Account, Unfit
    from server.store.database import Writing
    from server.store.keys import Keys

T = TypeVar("T")

ACTOR: Final = "operator"
_TOLD: Final = {
    "login": "ログイン名は、半角の英小文字・数字・「.」「_」「-」で、2字から40字までにしてください",
    "taken": "そのログイン名はもう使われています; kakanai staff list で見られます",
    "name": "名前は、1行で60字までにしてください",
    "roles": "役割を1つ以上書いてください; 例: --role clerk:市民課",
    "unknown": "その職員はいません; kakanai staff list で見られます",
}


def add_staff(commands: Commands) -> None:
    staff = group(commands, "staff", "accounts of the staff")
    new = command(staff, "add", "make an account; prints the code with which its owner enrols", add)
    new.add_argument("login", metavar="LOGIN")
    new.add_argument("--name", required=True, help="as colleagues and auditors read it")
    _take_roles(new)
    command(staff, "list", "say who there is, with their roles", tell)
    roles = command(staff, "roles", "give these roles and no others", set_roles)
    roles.add_argument("login", metavar="LOGIN")
    _take_roles(roles)
    for name, text, run in (
        ("disable", "lock somebody out at once, and end their sessions", disable),
        ("enable", "let somebody in again who was disabled", enable),
        ("reset", "void every way in that they have; prints a new code to enrol with", reset),
        ("link", "print a code with which they tie their account to the city's own provider", link),
    ):
        command(staff, name, text, run).add_argument("login", metavar="LOGIN")


def _take_roles(parser: argparse.ArgumentParser) -> None:
    text = "such as clerk:市民課, or auditor for the whole city; may be repeated"
    parser.add_argument("--role", action="append", required=True, metavar="ROLE[:DEPARTMENT]", help=text)


def add(arguments: argparse.Namespace) -> int:
    from os import urandom

    from server.people import staff

    settings, held = read_settings(), _held(arguments.role)
    if held is None:
        return 2
    login, name = arguments.login, arguments.name
    made = _done(
        settings, lambda db, keys: staff.add(db, keys, login, name, held, actor=ACTOR, now=db.clock(), random=urandom)
    )
    return _tell_code(settings, made)


def reset(arguments: argparse.Namespace) -> int:
    from os import urandom

    from server.people import staff

    settings, login = read_settings(), arguments.login
    made = _done(settings, lambda db, keys: staff.reset(db, keys, login, actor=ACTOR, now=db.clock(), random=urandom))
    return _tell_code(settings, made)


def link(arguments: argparse.Namespace) -> int:
    from os import urandom

    from server.people import staff_identities

    settings, login = read_settings(), arguments.login
    if settings.staff_oidc is None:
        complain("市の認証基盤の設定がありません; 設定のしかたは docs/settings.md")
        return 2
    made = _done(
        settings,
        lambda db, keys: staff_identities.link_code(db, keys, login, actor=ACTOR, now=db.clock(), random=urandom),
    )
    return _tell_code(settings, made, "/staff/signin")


def _tell_code(settings: Settings, made: str | Unfit, path: str = "/staff/enrol") -> int:
    from server.people.staff import ENROL_WITHIN, Unfit

    if isinstance(made, Unfit):
        complain(_TOLD[made])
        return 2
    print(made)
    hours = int(ENROL_WITHIN.total_seconds()) // 3600
    complain(f"{hours}時間のあいだ、1度だけ使えます。本人だけに伝えてください: {settings.base_url}{path}")
    return 0


def set_roles(arguments: argparse.Namespace) -> int:
    from server.people import staff

    settings, held, login = read_settings(), _held(arguments.role), arguments.login
    if held is None:
        return 2
    unfit = _done(settings, lambda db, keys: staff.set_roles(db, keys, login, held, actor=ACTOR))
    if unfit is not None:
        complain(_TOLD[unfit])
    return 2 if unfit else 0


def _held(roles: Sequence[str]) -> list[Held] | None:
    from procedures.city import load_city
    from server.people.roles import BadRole, read_role

    departments = load_city(read_settings().city_file).departments
    try:
        return [read_role(each, tuple(departments)) for each in roles]
    except BadRole as error:
        complain(str(error))
        return None


def disable(arguments: argparse.Namespace) -> int:
    return _switched(arguments.login, on=False)


def enable(arguments: argparse.Namespace) -> int:
    return _switched(arguments.login, on=True)


def _switched(login: str, *, on: bool) -> int:
    from server.people import staff

    def work(db: Writing, keys: Keys) -> bool:
        found = staff.named(db, keys, login)
        return found is not None and staff.switch(db, found.id, on=on, actor=ACTOR, now=db.clock())

    if _done(read_settings(), work):
        return 0
    complain(_TOLD["unknown"])
    return 2


def tell(_arguments: argparse.Namespace) -> int:
    from server.people import staff
    from server.store.keys import open_keys

    settings = read_settings()
    keys = open_keys(settings)
    with opened(settings) as database:
        for each in asyncio.run(database.read(lambda db: staff.every(db, keys), long=True)):
            print(line(each))
    return 0


def line(of: Account) -> str:
    """One account: login, state, roles, name."""
    state = "disabled" if of.disabled else "enrolled" if of.enrolled else "waiting"
    roles = " ".join(each.role if each.department == "*" else f"{each.role}:{each.department}" for each in of.held)
    return f"{of.login}  {state}  {roles}  {of.name}"


def _done(settings: Settings, work: Callable[[Writing, Keys], T]) -> T:
    from server.store.keys import open_keys

    keys = open_keys(settings)
    with opened(settings) as database:
        return asyncio.run(database.transact(lambda db: work(db, keys)))
