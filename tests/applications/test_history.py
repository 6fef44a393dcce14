"""Who did something, and whose deed it was."""

from __future__ import annotations

from procedures.declaration import Assurance
from server.applications.history import account, actor
from server.people.facts import Facts
from server.people.residents import Resident
from server.people.sessions import NOBODY, Visitor

TARO = Resident("r1", Facts("jpki", "taro", Assurance.JPKI_SIGNATURE))
BROWSER = Visitor("s1", TARO, Assurance.JPKI_SIGNATURE)
PROGRAM = Visitor(None, TARO, Assurance.JPKI_SIGNATURE, token_id="t1")
UNKNOWN = Visitor("s2", None, Assurance.NONE)


def test_the_audit_tells_a_program_from_its_resident() -> None:
    assert [actor(each) for each in (BROWSER, PROGRAM, UNKNOWN, NOBODY)] == [
        "resident:r1",
        "token:t1",
        "session:s2",
        "anonymous",
    ]


def test_all_that_a_residents_programs_do_counts_as_theirs() -> None:
    """Ten tokens must not make ten limits."""
    assert account(PROGRAM) == account(BROWSER)
    assert account(UNKNOWN) == "session:s2"
