"""What an identity provider says of a person, and how a form takes it over.

Names and addresses stay as the card has them: no normalisation (NFC would alter 神 U+FA19), only cut in parts.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from procedures.declaration import Assurance
from server.people.postal import ADDRESS_PARTS, PREFECTURES, split_address

SEXES: Final = frozenset({"male", "female", ""})


@dataclass(frozen=True, slots=True)
class Facts:
    """One person as one provider knows them; '' and None where it does not say.

    `name` and `kana` are family name, a blank, given name. `protected` marks a person under 支援措置 (住民基本台帳
    事務処理要領: a victim whose address must not reach the offender): their facts never fill a form by themselves.
    """

    provider: str
    subject: str
    level: Assurance
    name: str = ""
    kana: str = ""
    birthdate: date | None = None
    sex: str = ""
    address: str = ""
    email: str = ""
    protected: bool = False

    def __post_init__(self) -> None:
        if self.sex not in SEXES:
            raise ValueError("sex is 'male', 'female' or ''")

    @property
    def display_name(self) -> str:
        """How the page's header calls its reader."""
        return self.name or self.email

    def same_person(self, other: Facts) -> bool:
        """Whether both are known to be one person: the same name, blanks apart, and the same birth date."""
        if not (self.name and self.birthdate):
            return False
        return self.name.split() == other.name.split() and self.birthdate == other.birthdate

    def answers(self) -> dict[str, Any]:
        """The facts in the shape of the common `person` (and `sex` beside it), without what is not known.

        Empty for a protected person: on a shared computer, or filled in for a relative, their address would be
        shown by the very form that asks for it.
        """
        if self.protected:
            return {}
        found = {
            "name": _name(self.name, "family", "given") | _name(_kana(self.kana), "family_kana", "given_kana"),
            "birthdate": self.birthdate.isoformat() if self.birthdate else "",
            "sex": self.sex,
            "address": address_answers(split_address(self.address)),
        }
        return {key: value for key, value in found.items() if value}

    def to_json(self) -> bytes:
        values = asdict(self) | {"birthdate": self.birthdate.isoformat() if self.birthdate else None}
        return json.dumps(values, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Facts:
        return facts_from(json.loads(text))


def facts_from(values: dict[str, Any]) -> Facts:
    """Facts of a JSON object with their names; `birthdate` is ISO text, `level` an Assurance's word."""
    born = values.get("birthdate")
    given = values | {"birthdate": date.fromisoformat(born) if born else None, "level": Assurance(values["level"])}
    return Facts(**given)


def comparable(text: str) -> str:
    """A name as it is compared, never as it is stored: compatibility forms folded, blanks and selectors dropped."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(
        c for c in folded if not c.isspace() and not 0xE0100 <= ord(c) <= 0xE01EF and not 0xFE00 <= ord(c) <= 0xFE0F
    )


def address_answers(parts: dict[str, str]) -> dict[str, str]:
    """An address as `split_address` gives it, in the shape of the common `address`: the prefecture by its code."""
    answers: dict[str, str] = {name: parts[name] for name in ("postal_code", *ADDRESS_PARTS) if name in parts}
    if "prefecture" in answers:
        answers["prefecture"] = f"{PREFECTURES.index(answers['prefecture']) + 1:02}"
    return answers


def _kana(text: str) -> str:
    """Forms take kana with full-width blanks only; a reading may be put in order, unlike a name."""
    return "\u3000".join(text.split())


def _name(text: str, family: str, given: str) -> dict[str, str]:
    """Cut at the first blank (U+0020 or U+3000): a card sets one between 姓 and 名.

    A Latin name (在留カード: all capitals, surname first) is cut the same way. A person of one name has no given
    name, and the form asks for none.
    """
    first, *rest = text.split(maxsplit=1)[:2] or [""]
    return {key: part for key, part in ((family, first), (given, rest[0].strip() if rest else "")) if part}
