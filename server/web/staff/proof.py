"""Password and code once more, on pages that change how somebody signs in: a desk may have been left for a minute."""

from __future__ import annotations

from starlette.requests import Request

from server.people import staff as accounts
from server.people import staff_own
from server.people.staff import Locked
from server.store.database import Writing
from server.web.badge import staff
from server.web.contexts import ErrorLink
from server.web.http import client, services


async def prove(request: Request, password: str, code: str) -> Locked | bool:
    """Whether it is really they. A wrong try counts as a failed sign-in."""
    of, who, place = services(request), staff(request), client(request)
    now = of.clock()
    locked = await of.database.transact(lambda db: accounts.counted(db, of.keys, who.login, place, now=now))
    if locked is not None:
        return locked
    kept = await of.database.read(lambda db: accounts.kept_hash(db, of.keys, who.login))
    right = await of.passwords.verify(kept, password) if password else False

    def work(db: Writing) -> bool:
        return staff_own.proved(db, of.keys, who.id, kept if right else None, code, place=place, now=now)

    return await of.database.transact(work)


def wrong_proof(found: Locked | bool) -> ErrorLink:
    """What is told at the password."""
    if isinstance(found, Locked):
        return ErrorLink("#f-password", "確認", locked_words(found))
    return ErrorLink("#f-password", "確認", "いまのパスワードか認証コードが違います。どちらも入力し直してください")


def locked_words(locked: Locked) -> str:
    minutes = -(-locked.seconds // 60)
    return f"失敗が続いたため、止めています。{minutes}分ほど待ってから、もう一度お試しください"


def waits(locked: Locked | None) -> dict[str, str] | None:
    return {"retry-after": str(locked.seconds)} if locked else None
