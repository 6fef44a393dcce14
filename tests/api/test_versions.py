"""Every version of a procedure that was ever served: when it was, and what it asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from procedures.declaration import Declaration
from server.api.registered import read_queries
from server.japan import in_japan
from tests.api.conftest import Program
from tests.api.declarations import ANSWERS, declared
from tests.conftest import Clock

QUERIES: Final = read_queries()


def versions(api: Program, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = api(QUERIES["versions"], {"slug": "plain", **more})["procedure"]["versions"]
    return found


def served(api: Program) -> str:
    found = api.of.catalogue.get("plain")
    assert found is not None
    return found.digest


def renamed(title: str) -> Any:
    return declared("plain", id="P901", title=title)


def test_each_version_says_from_when_to_when_it_was_served(store_api: Program, clock: Clock) -> None:
    api, first, begun = store_api, served(store_api), clock.now
    changed = clock.advance(days=3)
    api.publish([renamed("新しい名前")])
    newer, older = [edge["node"] for edge in versions(api)["edges"]]
    assert older == {"version": first, "since": moment(begun), "until": moment(changed), "current": False}
    assert newer == {"version": served(api), "since": moment(changed), "until": None, "current": True}


def moment(at: Any) -> str:
    return in_japan(at).isoformat(timespec="seconds")


def test_a_city_that_goes_back_to_a_version_serves_it_twice(api: Program, clock: Clock) -> None:
    first, old = served(api), kept(api)
    clock.advance(hours=1)
    api.publish([renamed("新しい名前")])
    clock.advance(hours=1)
    api.publish([old])
    found = [edge["node"] for edge in versions(api)["edges"]]
    assert [each["version"] == first for each in found] == [True, False, True]
    assert [each["current"] for each in found] == [True, False, False]
    assert [each["until"] for each in found] == [None, found[0]["since"], found[1]["since"]]


def test_publishing_the_same_again_is_no_version(api: Program) -> None:
    api.publish([kept(api)])
    assert versions(api)["totalCount"] == 1


def test_versions_of_other_procedures_are_not_among_them(api: Program) -> None:
    api.publish([declared("priced", id="P902", title="べつの手続")])
    assert versions(api)["totalCount"] == 1


def test_versions_are_read_page_by_page_though_newer_ones_come(api: Program, clock: Clock) -> None:
    for i in range(6):
        clock.advance(hours=1)
        api.publish([renamed(f"{i}番目の名前")])
    page = versions(api, first=3)
    assert (page["totalCount"], len(page["edges"]), page["pageInfo"]["hasNextPage"]) == (7, 3, True)
    api.publish([renamed("もっと新しい名前")])
    rest = versions(api, first=10, after=page["pageInfo"]["endCursor"])
    told = [edge["node"]["since"] for edge in page["edges"] + rest["edges"]]
    assert len(told) == 7
    assert told == sorted(told, reverse=True)
    assert rest["pageInfo"]["hasNextPage"] is False


def test_whoever_holds_an_old_draft_can_still_read_its_questions_and_file_it(api: Program) -> None:
    old, form = served(api), api(QUERIES["form"], {"slug": "plain"})["procedure"]
    api.publish([renamed("新しい名前")])
    assert api(QUERIES["form-version"], {"slug": "plain", "version": old})["procedure"] == form
    assert api(QUERIES["form"], {"slug": "plain"})["procedure"]["title"] == "新しい名前"
    assert api.submit("plain", ANSWERS, version=old)["__typename"] == "Application"


def test_an_old_version_says_whether_the_procedure_takes_filings_today(api: Program, clock: Clock) -> None:
    old = served(api)
    until = (in_japan(clock.now) + timedelta(days=1)).date().isoformat()
    api.publish([declared("plain", id="P901", accepts={"from": None, "until": until})])
    clock.advance(days=2)
    query = 'query q($v: String) { procedure(slug: "plain", version: $v) { version status { state } } }'
    assert api(query)["procedure"]["status"] == {"state": "CLOSED"}
    assert api(query, {"v": old})["procedure"] == {"version": old, "status": {"state": "CLOSED"}}


def test_a_version_that_never_was_or_is_of_another_procedure_is_null(api: Program) -> None:
    other = api.of.catalogue.get("priced")
    assert other is not None
    for version in ("", "x", "0" * 64, other.digest, served(api).upper()):
        assert api(QUERIES["form-version"], {"slug": "plain", "version": version}) == {"procedure": None}
    assert api(QUERIES["form-version"], {"slug": "none", "version": served(api)}) == {"procedure": None}


def test_an_answer_with_versions_is_not_kept_beyond_the_next_one(api: Program, clock: Clock) -> None:
    assert versions(api)["totalCount"] == 1
    clock.advance(hours=1)
    api.publish([renamed("新しい名前")])
    assert versions(api)["totalCount"] == 2
    api.publish([renamed("もっと新しい名前")])
    clock.advance(hours=1)
    api.publish([renamed("新しい名前")])
    assert versions(api)["totalCount"] == 4, "though what is served is what was served when it was asked before"


def kept(api: Program) -> Declaration:
    """The declaration that is served now."""
    digest = served(api)
    assert api.http.portal is not None
    found: Declaration = api.http.portal.call(lambda: api.of.catalogue.declaration(digest, "plain"))
    return found
