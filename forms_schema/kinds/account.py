"""Bank accounts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from forms_schema.base import Field, Json
from forms_schema.kinds.containers import Container, texts
from forms_schema.speech import Speech
from forms_schema.text import N_

YUCHO_BANK = "9900"
_TYPES = {"1": "ordinary", "0": "current"}
_TYPE_WORDS = {"ordinary": N_("普通"), "current": N_("当座"), "savings": N_("貯蓄")}


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account as transfers between banks call it. `number` has seven digits, `type` is a stored constant."""

    bank_code: str
    branch_code: str
    type: str
    number: str


def yucho_account(symbol: str, number: str) -> BankAccount | None:
    """What 記号 and 番号 of ゆうちょ銀行 are for other banks; None when they cannot belong together.

    Source: the bank's own rule. 記号 1ab.. (通常貯金): branch 'ab8', ordinary, the number without its last
    digit, which is always 1. 記号 0ab.. (振替口座): branch 'ab9', current, the whole number of up to six digits.
    """
    if not re.fullmatch("[01][0-9]{4}", symbol):
        return None
    ordinary = symbol[0] == "1"
    if not re.fullmatch("[0-9]{1,7}1" if ordinary else "[0-9]{1,6}", number):
        return None
    digits = number[:-1] if ordinary else number
    branch = symbol[1:3] + ("8" if ordinary else "9")
    return BankAccount(YUCHO_BANK, branch, _TYPES[symbol[0]], digits.zfill(7))


class Account(Container):
    """An account at a bank, or at ゆうちょ銀行 by 記号 and 番号."""

    name = "account"

    def text(self, field: Field, value: Json) -> str:
        said = texts(field, value)
        where = _yucho(said, field.speech) if "symbol" in said or "yucho_number" in said else _bank(said)
        return "\u3000".join(filter(None, (*where, said.get("holder_kana"))))


def _bank(said: dict[str, str]) -> tuple[str, ...]:
    return (
        _coded(said.get("bank_name", ""), said.get("bank_code")),
        _coded(said.get("branch_name", ""), said.get("branch_code")),
        said.get("type", ""),
        said.get("number", ""),
    )


def _coded(name: str, code: str | None) -> str:
    return f"{name}（{code}）" if code else name


def _yucho(said: dict[str, str], speech: Speech) -> tuple[str, ...]:
    """Both ways in which the account is called."""
    symbol, number = said.get("symbol", ""), said.get("yucho_number", "")
    account = yucho_account(symbol, number)
    called = speech.say(N_("記号{symbol}　番号{number}")).format(symbol=symbol, number=number)
    if account is None:
        return (speech.say(N_("ゆうちょ銀行")), called)
    branch, kind = account.branch_code, speech.say(_TYPE_WORDS[account.type])
    both = speech.say(N_("（店番{branch}　{kind}　{number}）")).format(branch=branch, kind=kind, number=account.number)
    return (speech.say(N_("ゆうちょ銀行")), f"{called}{both}")
