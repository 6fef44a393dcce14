"""Every address of the site and what each kind of visitor gets there: the table the sweeping tests walk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx2

from server.app import all_routes
from server.web.routing import policies
from tests.security.site import MISSING, Browser, Site, Things, things_of, with_signature

ACTORS: Final = ("nobody", "another session", "another resident", "its session", "its owner elsewhere", "its owner")
"""Without a cookie; with one of nobody's; somebody signed in; the browser in which it was made, nobody signed in
there; the resident whose it is in another browser, and in the browser in which they made it."""


@dataclass(frozen=True)
class Row:
    """`path` with the names of `Things`; the statuses in the order of ACTORS."""

    path: str
    statuses: tuple[int, ...]
    controls: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def personal(self) -> bool:
        """Whether it names something that belongs to somebody."""
        return "{" in self.path.replace("{css}", "") or "{number}" in self.controls.values()

    def url(self, things: Things, site: Site) -> str:
        return self.path.format(css=site.of.renderer.assets.url("site.css"), **vars(things))

    def ask(self, method: str, browser: Browser, things: Things, site: Site, **headers: str) -> httpx2.Response:
        controls = {name: value.format(**vars(things)) for name, value in self.controls.items()}
        content = dict(self.body) or ({"data": controls} if controls else {})
        given = headers | content.pop("headers", {})
        return browser.client.request(method, self.url(things, site), headers=given, **content)


def everybody(status: int) -> tuple[int, ...]:
    return (status,) * 6


def its_people(status: int) -> tuple[int, ...]:
    """To all others it is not there."""
    return (404, 404, 404, status, status, status)


ADDRESSES: Final[Mapping[str, Row]] = {
    # what everybody may read
    "GET /": Row("/", everybody(200)),
    "GET /procedures": Row("/procedures", everybody(200)),
    "GET /procedures/{slug}": Row("/procedures/letter", everybody(200)),
    "GET /life-events": Row("/life-events", everybody(200)),
    "GET /life-events/{event}": Row("/life-events/birth", everybody(200)),
    "POST /life-events/{event}": Row("/life-events/birth", everybody(200), {"allowance": "true"}),
    "GET /life-events/{event}/list": Row("/life-events/disaster/list?cause=fire&damage=other", everybody(200)),
    "GET /static/{path:path}": Row("{css}", everybody(200)),
    "GET /robots.txt": Row("/robots.txt", everybody(200)),
    "GET /opendata": Row("/opendata", everybody(200)),
    "GET /opendata/{file}": Row("/opendata/procedures.csv", everybody(200)),
    "GET /schema/declaration.json": Row("/schema/declaration.json", everybody(200)),
    "GET /graphql": Row("/graphql", everybody(400)),
    # machines that watch
    "GET /healthz": Row("/healthz", everybody(200)),
    "GET /readyz": Row("/readyz", everybody(200)),
    "GET /metrics": Row("/metrics", everybody(200)),
    # ways in
    "GET /procedures/{slug}/apply": Row("/procedures/letter/apply", everybody(200)),
    "POST /procedures/{slug}/apply": Row("/procedures/letter/apply", everybody(422), {"note": ""}),
    "GET /resume": Row("/resume", everybody(200)),
    "POST /resume": Row("/resume", everybody(422), {"code": "0000-0000-0000"}),
    "GET /applications": Row("/applications", everybody(200)),
    "POST /applications": Row("/applications", everybody(422), {"number": "{number}", "access_code": "AAAA-AAAA-AAAA"}),
    "GET /signin": Row("/signin", everybody(200)),
    "POST /signin": Row("/signin", everybody(303), {"resident": "yukiko-78"}),
    "GET /signin/email": Row("/signin/email", everybody(200)),
    "POST /signin/email": Row("/signin/email", everybody(422), {"address": "nobody"}),
    "GET /signin/{provider}/go": Row("/signin/jpki/go", everybody(303)),
    "GET /signin/{provider}/return": Row("/signin/jpki/return?state=x&code=taro-jpki", everybody(400)),
    "POST /signout": Row("/signout", everybody(303)),
    "POST /graphql": Row("/graphql", everybody(200), body={"json": {"query": "{ __typename }"}}),
    "POST /uploads": Row("/uploads", everybody(415), body={"content": b"x", "headers": {"content-type": "text/plain"}}),
    # drafts
    "GET /drafts/{draft}/{step:int}": Row("/drafts/{draft}/1", its_people(200)),
    "POST /drafts/{draft}/{step:int}": Row("/drafts/{draft}/1", its_people(422), {"_rev": "3", "note": ""}),
    "GET /drafts/{draft}/files/{file}": Row("/drafts/{draft}/files/{file}", its_people(200)),
    "GET /drafts/{draft}/check": Row("/drafts/{draft}/check", its_people(200)),
    "GET /drafts/{draft}/sign": Row("/drafts/{draft}/sign", its_people(303)),
    "GET /drafts/{draft}/sign/go": Row("/drafts/{draft}/sign/go", its_people(303)),
    "POST /drafts/{draft}/renew": Row("/drafts/{draft}/renew", its_people(303)),
    "POST /drafts/{draft}/submit": Row("/drafts/{draft}/submit", its_people(303), {"_rev": "3-0"}),
    # a signature is made where it was begun, and nowhere else: not in another browser of the same person
    "GET /sign/{signature:uuid}/go": Row("/sign/{signature}/go", (404, 404, 404, 404, 404, 303)),
    "GET /sign/{signature:uuid}/return": Row("/sign/{signature}/return?state=x", everybody(400)),
    # applications
    "GET /applications/{number}": Row("/applications/{number}", its_people(200)),
    "GET /applications/{number}/receipt": Row("/applications/{number}/receipt", its_people(200)),
    "GET /applications/{number}/booking.ics": Row("/applications/{number}/booking.ics", everybody(404)),
    "GET /applications/{number}/withdraw": Row("/applications/{number}/withdraw", its_people(200)),
    "POST /applications/{number}/withdraw": Row("/applications/{number}/withdraw", its_people(303)),
    "GET /my": Row("/my", (303, 303, 200, 303, 200, 200)),
    # whose it is not is answered as if it were done: nothing is told, and nothing happens (tests/web/test_my.py)
    "POST /my/drafts/{draft}/delete": Row("/my/drafts/{draft}/delete", everybody(303)),
    "POST /my/earlier/delete": Row("/my/earlier/delete", everybody(303)),
    "POST /my/tokens": Row("/my/tokens", (303, 303, 422, 303, 422, 422), {"once": "0" * 32, "label": ""}),
    "POST /my/tokens/{token}/revoke": Row(f"/my/tokens/{'0' * 32}/revoke", everybody(303)),
    "POST /my/sessions/{session}/end": Row(f"/my/sessions/{'0' * 32}/end", everybody(303)),
    "POST /my/signout-everywhere": Row("/my/signout-everywhere", everybody(303)),
    "GET /payments/{id}": Row("/payments/{id}", its_people(200)),
    "GET /payments/{id}/go": Row("/payments/{id}/go", its_people(303)),
    "POST /payments/webhook/{provider}": Row("/payments/webhook/sandbox", everybody(400), body={"content": b"{}"}),
    # the staff: to residents, whoever they are, there is a door and nothing behind it (tests/web/test_office.py)
    "GET /staff/signin": Row("/staff/signin", everybody(200)),
    "POST /staff/signin": Row("/staff/signin", everybody(422), {"login": "nobody", "password": ""}),
    "GET /staff/enrol": Row("/staff/enrol", everybody(200)),
    "POST /staff/enrol": Row("/staff/enrol", everybody(422), {"login": "nobody", "code": "x"}),
    "GET /staff/enrol/factor": Row("/staff/enrol/factor", everybody(303)),
    "POST /staff/enrol/factor": Row("/staff/enrol/factor", everybody(303), {"code": "000000"}),
    "POST /staff/signout": Row("/staff/signout", everybody(303)),
    "GET /staff": Row("/staff", everybody(303)),
    "POST /staff/sessions/{session}/end": Row(f"/staff/sessions/{'0' * 32}/end", everybody(303)),
    "GET /office": Row("/office", everybody(303)),
    "GET /office/applications/{number}": Row("/office/applications/{number}", everybody(303)),
    "POST /office/applications/{number}/reason": Row("/office/applications/{number}/reason", everybody(303)),
    "POST /office/applications/{number}/accept": Row("/office/applications/{number}/accept", everybody(303)),
    "GET /office/applications/{number}/files/{file}": Row("/office/applications/{number}/files/{file}", everybody(303)),
    "GET /office/looks": Row("/office/looks", everybody(303)),
    "GET /admin/staff": Row("/admin/staff", everybody(303)),
    "GET /admin/staff/{staff}": Row(f"/admin/staff/{'0' * 32}", everybody(303)),
    "POST /admin/staff/{staff}/switch": Row(f"/admin/staff/{'0' * 32}/switch", everybody(303), {"do": "disable"}),
    "POST /admin/staff/{staff}/sessions/{session}/end": Row(
        f"/admin/staff/{'0' * 32}/sessions/{'0' * 32}/end", everybody(303)
    ),
    # stand-ins: other parties, who know of nobody's session, only what the address names
    "GET /graphql/explorer": Row("/graphql/explorer", everybody(200)),
    "GET /_kinds": Row("/_kinds", everybody(200)),
    "GET /sandbox/mail": Row("/sandbox/mail", everybody(200)),
    "GET /sandbox/pay/{reference}": Row("/sandbox/pay/{reference}", everybody(200)),
    "POST /sandbox/pay/{reference}": Row("/sandbox/pay/{reference}", everybody(303), {"action": "decline"}),
    "GET /sandbox/card/{provider}": Row("/sandbox/card/jpki", everybody(200)),
    "POST /sandbox/card/{provider}": Row("/sandbox/card/jpki", everybody(303), {"to": "/my"}),
    "GET /sandbox/sign/{transaction}": Row("/sandbox/sign/{transaction}", everybody(200)),
    "POST /sandbox/sign/{transaction}": Row("/sandbox/sign/{transaction}", everybody(303), {"action": "decline"}),
}
"""A route that is not here fails `test_no_address_is_without_its_rule`: decide who may come, then add it."""


def served() -> dict[str, str]:
    """Every route there is, as ADDRESSES names them, with its access."""
    found = {}
    for policy in policies(all_routes()):
        (method,) = set(policy.methods) - {"HEAD"}
        found[f"{method} {policy.path}"] = policy.access.value
    return found


class People:
    """The six of ACTORS, and the things of those who have some."""

    def __init__(self, site: Site, *, things: bool) -> None:
        nobody, stranger, here, elsewhere, owner, neighbour = (site.browser() for _ in range(6))
        neighbour.sign_in("yukiko-78")
        owner.sign_in("taro-jpki")
        elsewhere.sign_in("taro-jpki")
        stranger.begin("letter")
        of_resident = with_signature(owner, things_of(owner)) if things else MISSING
        # nobody signs who is not signed in: what "its session" asks for here is the resident's
        signing = {name: getattr(of_resident, name) for name in ("signature", "transaction")}
        of_session = replace(things_of(here), **signing) if things else MISSING
        browsers = (nobody, stranger, neighbour, here, elsewhere, owner)
        self.browsers = dict(zip(ACTORS, browsers, strict=True))
        self.things = {
            "its session": [of_session],
            "its owner elsewhere": [of_resident],
            "its owner": [of_resident],
        }
        self.anybodys = [of_session, of_resident]

    def of(self, actor: str) -> list[Things]:
        """What this one asks for: their own, or everybody's."""
        return self.things.get(actor, self.anybodys)
