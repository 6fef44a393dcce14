"""A process that writes: `python writer.py DATABASE_URL DATA_DIR NAME JOBS`. Prints what is acknowledged.

Eight tasks share the jobs. A job counts in a row of its own, in the row everybody shares, and adds an audit line.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from sqlalchemy import text

from server.settings import Settings
from server.store.database import Writing, open_database

COUNT = text(
    "INSERT INTO attempt (bucket, period, tries) VALUES (:bucket, :period, 1)"
    " ON CONFLICT (bucket, period) DO UPDATE SET tries = attempt.tries + 1"
)


async def write(url: str, data_dir: Path, name: str, jobs: int) -> None:
    environ = {"KAKANAI_MODE": "sandbox", "KAKANAI_DATA_DIR": str(data_dir), "KAKANAI_DATABASE_URL": url}
    database = open_database(Settings.from_env(environ))
    numbers = iter(range(jobs))

    async def task() -> None:
        for number in numbers:

            def work(db: Writing, number: int = number) -> None:
                db.execute(COUNT, {"bucket": name, "period": number})
                db.execute(COUNT, {"bucket": "shared", "period": 0})
                db.audit("test.write", str(number), actor=name)

            await database.transact(work)
            os.write(1, f"{number}\n".encode())

    await asyncio.gather(*(task() for _ in range(8)))
    database.close()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
