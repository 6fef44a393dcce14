"""Text is kept as it was typed, the same on both databases, or refused by both."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, func, insert, select, text

from server.store import RefusedText
from server.store import tables as t
from server.store.database import Reading, Writing
from tests.conftest import Clock, Random, Store

ANY_TEXT = st.text(st.characters(codec=None), max_size=50)
KEEP = insert(t.declaration)
KEPT = select(
    t.declaration.c.bundle, func.length(t.declaration.c.bundle), t.declaration.c.bundle == bindparam("same")
).where(t.declaration.c.digest == bindparam("digest"))


def is_refused(typed: str) -> bool:
    return "\0" in typed or any("\ud800" <= letter <= "\udfff" for letter in typed)


@given(typed=ANY_TEXT)
@example(typed="神\ufa19髙\U00020bb7辻\U000e0100")  # 神 and its compatibility form, 髙, 𠮷, a variation
@example(typed="é e\u0301 ㍻ ｶﾞ")  # nothing is normalised
@example(typed="a\0b")
@example(typed="\ud800")
@example(typed="\u202e\u200b\ufeff'; DROP TABLE draft;--%s :name")
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_is_stored_as_typed_or_refused(store: Store, random: Random, clock: Clock, typed: str) -> None:
    digest = random(16).hex()
    row = {"digest": digest, "slug": "x", "procedure": "x", "bundle": typed, "created_at": clock()}
    if is_refused(typed):
        with pytest.raises(RefusedText):
            store.transact(lambda db: db.execute(KEEP, row))
        return
    store.transact(lambda db: db.execute(KEEP, row))
    kept = store.read(lambda db: db.one(KEPT, {"digest": digest, "same": typed}))
    assert kept == (typed, len(typed), True)


def test_text_that_is_refused_is_refused_wherever_it_comes_in(store: Store) -> None:
    for typed in ("a\0b", "\udc00"):
        cast = text("SELECT CAST(:typed AS VARCHAR)").bindparams(typed=typed)
        for statement in (cast, select(t.meta).where(t.meta.c.key == typed)):
            with pytest.raises(RefusedText):
                store.read(partial(Reading.all, statement=statement))
        with pytest.raises(RefusedText):
            store.transact(partial(Writing.audit, action="test.text", target=typed, actor="test"))
    assert store.read(lambda db: db.all(select(t.audit))) == []
