"""Addresses and headers: nothing typed becomes a header of the sender's choice."""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notices.mail import Mail, mail_address
from server.notices.outbox import Notice

PLAIN: dict[str, Any] = {
    "id": "a" * 32,
    "to": "taro@example.jp",
    "subject": "件名",
    "body": "本文\n二行目",
    "written_at": datetime(2026, 11, 20, tzinfo=UTC),
}
BREAKS = [
    "\r\nBcc: x@example.com",
    "\nX: y",
    "\rX: y",
    "\x00",
    "\x0bX",
    "\x85X",
    "\u2028X",
    "\u2029X",
    "\x1b[2J",
    "\x7f",
]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("taro@example.jp", "taro@example.jp"),
        ("  Taro.Yamada+shi@Example.CO.JP\n", "Taro.Yamada+shi@Example.CO.JP"),
        ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", "taro@example.jp"),
        ("ta..ro.@docomo.ne.jp", "ta..ro.@docomo.ne.jp"),
        ("a@xn--r8jz45g.jp", "a@xn--r8jz45g.jp"),
    ],
)
def test_an_address_is_taken_as_people_type_it(typed: str, address: str) -> None:
    assert mail_address(typed) == address


@pytest.mark.parametrize("header", ["to", "subject"])
@pytest.mark.parametrize("text", BREAKS)
def test_a_line_break_never_reaches_a_header(header: str, text: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        Mail(**PLAIN | {header: PLAIN[header] + text})


@pytest.mark.parametrize("text", BREAKS)
def test_a_line_break_is_refused_when_the_notice_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        Notice("receipt", "taro@example.jp" + text, "k")
    with pytest.raises(ValueError, match="one line"):
        Notice("receipt", "taro@example.jp", "k", {"procedure": "住民票" + text})


@given(st.one_of(st.text(), st.from_regex(r"[^@]{1,8}@[a-z.\r\n, <>-]{1,20}", fullmatch=True)))
def test_any_text_is_an_address_of_one_recipient_or_none(text: str) -> None:
    address = mail_address(text)
    if address is not None:
        assert address.isascii()
        assert not set(address) & set(' \t\r\n,;:<>()[]"\\\x00')
        assert address.count("@") == 1
        assert mail_address(address) == address
        assert Address(addr_spec=f'"{address.partition("@")[0]}"@{address.partition("@")[2]}').domain
