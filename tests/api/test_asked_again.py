"""A query that is asked again by its hash is answered from memory: the same bytes, until what is served changes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from httpx2 import Response

from procedures.declaration import Declaration
from server.api.registered import identifier, read_queries
from server.api.transport import Kept
from tests.api.conftest import Program
from tests.api.declarations import declared

QUERY = read_queries()["catalogue"]


def asked(api: Program, first: int = 50, headers: Mapping[str, str] | None = None) -> Response:
    variables = json.dumps({"first": first})
    found: Response = api.http.get(
        "/graphql", params={"id": identifier(QUERY), "variables": variables}, headers=headers
    )
    return found


def titles(response: Response) -> set[str]:
    return {edge["node"]["title"] for edge in response.json()["data"]["procedures"]["edges"]}


def test_who_asks_again_has_the_same_answer_packed_or_not(api: Program) -> None:
    first = asked(api, headers={"accept-encoding": "identity"})
    for _ in range(2):
        again, packed = (
            asked(api, headers={"accept-encoding": "identity"}),
            asked(api, headers={"accept-encoding": "gzip"}),
        )
        assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == first.content
        assert len(api.app.state.answers) == 1


def test_another_question_has_another_answer(api: Program) -> None:
    assert len(titles(asked(api, 1))) == 1
    assert len(titles(asked(api, 2))) == 2
    assert len(titles(asked(api, 1))) == 1


def test_what_is_published_is_told_to_who_asks_again(api: Program) -> None:
    before = asked(api)
    plain = declared("plain")
    text = plain.text.replace(f'"title":"{plain.title}"', '"title":"新しい題"', 1)
    api.publish([Declaration.from_bundle(text)])
    after = asked(api, headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert titles(after) - titles(before) == {"新しい題"}


def test_a_refusal_is_not_kept(api: Program) -> None:
    for _ in range(2):
        assert asked(api, 5000).status_code == 400
    assert len(api.app.state.answers) == 0


def test_what_is_kept_is_bounded_in_number_and_size() -> None:
    kept = Kept[str, int]()
    for number in range(kept.MOST + 10):
        kept.keep("today", str(number), number, 10)
    assert len(kept) == kept.MOST
    assert kept.get("today", "0") is None
    assert kept.get("today", str(kept.MOST)) == kept.MOST
    for number in range(20):
        kept.keep("today", f"large {number % 3}", number, kept.LARGEST // 2)
    assert len(kept) == 1
    kept.keep("today", "too large", 1, kept.LARGEST)
    assert len(kept) == 0
    kept.keep("today", "small", 1, 10)
    assert kept.get("tomorrow", "small") is None
