"""The closed lists of words in which a procedure is described."""

from __future__ import annotations

from enum import StrEnum


class Assurance(StrEnum):
    """How surely we know who files, from weakest to strongest."""

    NONE = "none"
    EMAIL = "email"
    OIDC_BASIC = "oidc-basic"
    JPKI_SIGNATURE = "jpki-signature"

    @property
    def rank(self) -> int:
        """0 for none … 3 for a signature with the card."""
        return list(Assurance).index(self)

    def covers(self, other: Assurance) -> bool:
        """Whether somebody known at this level may do what asks for `other`."""
        return self.rank >= other.rank


class ProcedureType(StrEnum):
    """申請 is decided upon, a 届出 is complete on arrival, 予約 takes a slot, 納付 pays."""

    SHINSEI = "shinsei"
    TODOKEDE = "todokede"
    YOYAKU = "yoyaku"
    NOFU = "nofu"


class Channel(StrEnum):
    """Where a procedure can be filed."""

    ONLINE = "online"
    COUNTER = "counter"
    KIOSK = "kiosk"


class Result(StrEnum):
    """What the resident has in hand at the end."""

    CERTIFICATE = "certificate"
    NOTICE = "notice"
    RECEIPT = "receipt"
    PERMIT = "permit"
    RESERVATION = "reservation"
    PAYMENT = "payment"


class Timing(StrEnum):
    """When a fee is due."""

    SUBMIT = "submit"
    REVIEW = "review"
    COUNTER = "counter"
    PICKUP = "pickup"
