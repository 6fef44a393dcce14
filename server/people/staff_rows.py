"""What the modules about accounts of the staff share: the row and its statements, digests and seals, the second factor.

For `staff`, `staff_own` and `staff_identities` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from server.people.factors import digits, new_recovery_codes, step_of
from server.signs import plain_code
from server.store import tables as t
from server.store.database import Writing
from server.store.keys import Keys
from server.store.values import Random

PASSWORD: Final = "staff.sealed_password"  # noqa: S105  # the name of a column
TOTP: Final = "staff.sealed_totp"

FIND: Final = select(t.staff).where(t.staff.c.login_digest == bindparam("login_digest"))
FIND_LOCKED: Final = FIND.with_for_update()
BY_ID: Final = select(t.staff).where(t.staff.c.id == bindparam("staff_id"))
BY_ID_LOCKED: Final = BY_ID.with_for_update()
EVERY: Final = select(t.staff)
CODES: Final = select(t.staff_recovery.c.digest).where(t.staff_recovery.c.staff_id == bindparam("staff_id"))
FORGET_CODES: Final = delete(t.staff_recovery).where(t.staff_recovery.c.staff_id == bindparam("of"))
USE_CODE: Final = delete(t.staff_recovery).where(
    t.staff_recovery.c.staff_id == bindparam("of"), t.staff_recovery.c.digest == bindparam("code")
)
FORGET_ROLES: Final = delete(t.staff_role).where(t.staff_role.c.staff_id == bindparam("of"))
USE_STEP: Final = (
    update(t.staff)
    .where(t.staff.c.id == bindparam("of"), t.staff.c.totp_step < bindparam("step"))
    .values(totp_step=bindparam("step"))
)


def setting(*names: str) -> Any:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(t.staff).where(t.staff.c.id == bindparam("of")).values(values)


SET_PASSWORD: Final = setting("sealed_password", "sealed_totp")
SET_ENROLLED: Final = setting("enrolled_at", "enrol_digest", "enrol_until", "totp_step")
SET_RESET: Final = setting("enrolled_at", "enrol_digest", "enrol_until", "sealed_password", "sealed_totp")
SET_DISABLED: Final = setting("disabled_at")
SET_CODE: Final = setting("enrol_digest", "enrol_until")
CHANGE_PASSWORD: Final = setting("sealed_password")
FORGET_PASSKEYS: Final = delete(t.staff_passkey).where(t.staff_passkey.c.staff_id == bindparam("of"))
FORGET_IDENTITY: Final = delete(t.staff_identity).where(t.staff_identity.c.staff_id == bindparam("of"))
LINKED: Final = select(t.staff_identity.c.staff_id).where(
    t.staff_identity.c.subject_digest == bindparam("subject_digest")
)
IS_LINKED: Final = select(t.staff_identity.c.created_at).where(t.staff_identity.c.staff_id == bindparam("staff_id"))


def to_set(values: dict[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in values.items()}


def shown_factor(db: Writing, keys: Keys, row: Any, typed: str, now: datetime, passkey_of: str = "") -> str:
    """Which second factor was shown, '' for none; it is used up by that. A code of the authenticator that was taken
    before, or an older one, is refused: somebody looked over a shoulder."""
    if passkey_of:
        return "passkey" if passkey_of == row.id else ""
    if row.sealed_totp is None:
        return ""
    if digits(typed):
        step = step_of(opened(keys, row, TOTP, row.sealed_totp) or "", typed, now)
        taken = step is not None and db.execute(USE_STEP, {"of": row.id, "step": step}).rowcount == 1
        return "totp" if taken else ""
    used = {"of": row.id, "code": recovery_digest(keys, row.id, typed)}
    return "recovery" if db.execute(USE_CODE, used).rowcount == 1 else ""


def fresh_codes(db: Writing, keys: Keys, staff_id: str, random: Random) -> Sequence[str]:
    codes = new_recovery_codes(random)
    db.execute(FORGET_CODES, {"of": staff_id})
    digests = [recovery_digest(keys, staff_id, each) for each in codes]
    db.insert(t.staff_recovery, [{"staff_id": staff_id, "digest": each} for each in digests])
    return codes


def opened(keys: Keys, row: Any, column: str, sealed: bytes | None) -> str | None:
    return keys.open_data_key(row.wrapped_key, row.id).open(sealed, column).decode() if sealed else None


def login_digest(keys: Keys, login: str) -> bytes:
    return keys.index_digest("staff-login", login)


def enrol_digest(keys: Keys, staff_id: str, code: str) -> bytes:
    return keys.index_digest("staff-enrol", f"{staff_id}\n{plain_code(code)}")


def link_digest(keys: Keys, staff_id: str, code: str) -> bytes:
    """Of another kind than an enrolment code's, so that it sets nobody's password."""
    return keys.index_digest("staff-link", f"{staff_id}\n{plain_code(code)}")


def subject_digest(keys: Keys, subject: str) -> bytes:
    return keys.index_digest("staff-subject", subject)


def recovery_digest(keys: Keys, staff_id: str, code: str) -> bytes:
    return keys.index_digest("staff-recovery", f"{staff_id}\n{plain_code(code)}")
