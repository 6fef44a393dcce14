"""A worker that sends and nothing else: `python mailman.py DATABASE_URL DATA_DIR SMTP_URL MINUTES_AHEAD`.

Its clock stands some minutes ahead, so that the leases of those killed before it are over. Ends when nothing is due.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from procedures.city import load_city
from procedures.translations import Translations
from server.app import ROOT
from server.languages import Languages
from server.notices.mail import MailTexts
from server.notices.smtp import SmtpAdapter
from server.notices.worker import Mailer, deliver_due
from server.settings import Settings
from server.store.database import open_database
from server.store.keys import open_keys
from server.store.values import utc_now


async def send(url: str, data_dir: str, smtp_url: str, ahead: timedelta) -> None:
    names = {"MODE": "sandbox", "DATA_DIR": data_dir, "DATABASE_URL": url, "MAIL": "smtp", "SMTP_URL": smtp_url}
    names |= {"MAIL_FROM": "noreply@city.example"}
    settings = Settings.from_env({f"KAKANAI_{name}": value for name, value in names.items()})
    assert settings.smtp is not None
    city, database = load_city(settings.city_file), open_database(settings)
    texts = MailTexts(ROOT / "templates" / "mail", city=city, languages=Languages(Translations()))
    mailer = Mailer(open_keys(settings), texts, SmtpAdapter(settings.smtp, city.name))
    while await deliver_due(database, mailer, utc_now() + ahead):
        pass
    database.close()


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], sys.argv[2], sys.argv[3], timedelta(minutes=int(sys.argv[4]))))
