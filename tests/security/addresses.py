"""Every address of the site and what each kind of visitor gets there: the table the sweeping tests walk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx2

from server.web.routing import policies
from server.web.site import all_routes
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
    "GET /life-events/{event}/handoff": Row("/life-events/disaster/handoff?cause=fire&damage=other", everybody(200)),
    "POST /life-events/{event}/handoff": Row("/life-events/disaster/handoff?cause=fire&damage=other", everybody(200)),
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
    "GET /drafts/{draft}/handoff": Row("/drafts/{draft}/handoff", its_people(200)),
    "POST /drafts/{draft}/handoff": Row("/drafts/{draft}/handoff", its_people(200)),
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
    "POST /applications/{number}/answer": Row("/applications/{number}/answer", its_people(303), {"answer": "x"}),
    "GET /applications/{number}/files/{file}": Row("/applications/{number}/files/{file}", everybody(404)),
    "GET /applications/{number}/receipt": Row("/applications/{number}/receipt", its_people(200)),
    "GET /applications/{number}/booking.ics": Row("/applications/{number}/booking.ics", everybody(404)),
    "GET /applications/{number}/sheet.pdf": Row("/applications/{number}/sheet.pdf", its_people(200)),
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
    "GET /device": Row("/device", everybody(200)),
    "POST /device": Row("/device", everybody(422), {"code": "AAAAA-AAAAA"}),
    "GET /admin/devices": Row("/admin/devices", everybody(303)),
    "POST /admin/devices": Row("/admin/devices", everybody(403), {"kind": "kiosk", "label": "x"}),
    "POST /admin/devices/windows": Row("/admin/devices/windows", everybody(403), {"label": "x"}),
    "POST /admin/devices/windows/{window}/close": Row(f"/admin/devices/windows/{'0' * 32}/close", everybody(303)),
    "POST /admin/devices/{device}/code": Row(f"/admin/devices/{'0' * 32}/code", everybody(303)),
    "POST /admin/devices/{device}/end": Row(f"/admin/devices/{'0' * 32}/end", everybody(303)),
    "GET /counter/calls": Row("/counter/calls", everybody(303)),
    "GET /counter/calls/stream": Row("/counter/calls/stream", everybody(303)),
    "POST /counter/calls/{device}": Row(f"/counter/calls/{'0' * 32}", everybody(303)),
    # a kiosk's screens: only on a registered device (tests/counter/test_kiosk.py)
    "GET /kiosk": Row("/kiosk", everybody(403)),
    "POST /kiosk/begin": Row("/kiosk/begin", everybody(403), {"lang": "ja"}),
    "GET /kiosk/called": Row("/kiosk/called", everybody(403)),
    "POST /kiosk/do": Row("/kiosk/do", everybody(403), {"_do": "over"}),
    "POST /kiosk/alive": Row("/kiosk/alive", everybody(403)),
    "GET /kiosk/what": Row("/kiosk/what", everybody(403)),
    "GET /kiosk/find": Row("/kiosk/find", everybody(403)),
    "POST /kiosk/find": Row("/kiosk/find", everybody(403), {"q": "x"}),
    "GET /kiosk/events/{event}": Row("/kiosk/events/birth", everybody(403)),
    "GET /kiosk/guide/{event}": Row("/kiosk/guide/birth", everybody(403)),
    "GET /kiosk/guide/{event}/{name}": Row("/kiosk/guide/birth/born_on", everybody(403)),
    "POST /kiosk/guide/{event}/{name}": Row("/kiosk/guide/birth/born_on", everybody(403)),
    "GET /kiosk/advice/{event}": Row("/kiosk/advice/birth", everybody(403)),
    "GET /kiosk/procedures/{slug}": Row("/kiosk/procedures/letter", everybody(403)),
    "POST /kiosk/forms": Row("/kiosk/forms", everybody(403), {"slug": "letter"}),
    "GET /kiosk/forms/{draft}": Row("/kiosk/forms/{draft}", everybody(403)),
    "POST /kiosk/forms/{draft}/drop": Row("/kiosk/forms/{draft}/drop", everybody(403)),
    "GET /kiosk/forms/{draft}/{name}": Row("/kiosk/forms/{draft}/note", everybody(403)),
    "POST /kiosk/forms/{draft}/{name}": Row("/kiosk/forms/{draft}/note", everybody(403)),
    "GET /kiosk/end": Row("/kiosk/end", everybody(403)),
    "POST /kiosk/end": Row("/kiosk/end", everybody(403)),
    "GET /kiosk/reserved": Row("/kiosk/reserved", everybody(403)),
    "POST /kiosk/reserved": Row("/kiosk/reserved", everybody(403), {"code": "123456789012340"}),
    "GET /kiosk/ticket": Row("/kiosk/ticket", everybody(403)),
    # a tablet's screen: only on a registered device (tests/counter/test_streams.py)
    "GET /tablet": Row("/tablet", everybody(403)),
    "POST /tablet": Row("/tablet", everybody(403), {"code": "000000"}),
    "GET /tablet/shown": Row("/tablet/shown", everybody(403)),
    "GET /tablet/stream": Row("/tablet/stream", everybody(403)),
    "POST /tablet/say": Row("/tablet/say", everybody(403), {"_do": "right"}),
    "GET /tablet/sign": Row("/tablet/sign", everybody(403)),
    "POST /tablet/sign": Row("/tablet/sign", everybody(403), {"_do": "said"}),
    "POST /tablet/end": Row("/tablet/end", everybody(403)),
    "POST /staff/signout": Row("/staff/signout", everybody(303)),
    "POST /staff/signin/passkey": Row("/staff/signin/passkey", everybody(422), {"passkey": "x"}),
    "POST /staff/passkeys/challenge": Row("/staff/passkeys/challenge", everybody(200), {"for": "whole"}),
    "GET /staff/signin/oidc/go": Row("/staff/signin/oidc/go", everybody(404)),
    "GET /staff/signin/oidc/return": Row("/staff/signin/oidc/return?state=x&code=y", everybody(404)),
    "GET /staff/signin/oidc/link": Row("/staff/signin/oidc/link?state=x", everybody(303)),
    "POST /staff/signin/oidc/link": Row("/staff/signin/oidc/link?state=x", everybody(303), {"login": "x", "code": "y"}),
    "GET /staff/signin/factor": Row("/staff/signin/factor", everybody(303)),
    "POST /staff/signin/factor": Row("/staff/signin/factor", everybody(303), {"code": "000000"}),
    "GET /staff/recovery": Row("/staff/recovery", everybody(303)),
    "POST /staff/recovery": Row("/staff/recovery", everybody(303), {"password": "x", "code": "y"}),
    "GET /staff/password": Row("/staff/password", everybody(303)),
    "POST /staff/password": Row("/staff/password", everybody(303), {"password": "x", "code": "y"}),
    "POST /staff/unlink": Row("/staff/unlink", everybody(303)),
    "GET /staff/passkeys/new": Row("/staff/passkeys/new", everybody(303)),
    "POST /staff/passkeys/new": Row("/staff/passkeys/new", everybody(303), {"label": "x"}),
    "POST /staff/passkeys": Row("/staff/passkeys", everybody(303), {"passkey": "x"}),
    "POST /staff/passkeys/{passkey}/remove": Row(f"/staff/passkeys/{'0' * 32}/remove", everybody(303)),
    "GET /staff": Row("/staff", everybody(303)),
    "POST /staff/sessions/{session}/end": Row(f"/staff/sessions/{'0' * 32}/end", everybody(303)),
    "GET /office": Row("/office", everybody(303)),
    "GET /office/applications/{number}": Row("/office/applications/{number}", everybody(303)),
    "POST /office/applications/{number}/reason": Row("/office/applications/{number}/reason", everybody(303)),
    "POST /office/applications/{number}/acts/answer": Row("/office/applications/{number}/acts/answer", everybody(303)),
    "POST /office/applications/{number}/acts/{act}": Row("/office/applications/{number}/acts/accept", everybody(303)),
    "POST /office/applications/{number}/assign": Row("/office/applications/{number}/assign", everybody(303)),
    "POST /office/accept": Row("/office/accept", everybody(403), {"number": "{number}"}),
    "GET /office/till": Row("/office/till", everybody(303)),
    "GET /office/till/export.csv": Row("/office/till/export.csv", everybody(303)),
    "POST /office/till/count": Row("/office/till/count", everybody(403), {"counted": "0"}),
    "GET /office/till/unclear": Row("/office/till/unclear", everybody(303)),
    "POST /office/till/unclear/note": Row("/office/till/unclear/note", everybody(403), {"note": "x"}),
    "GET /office/till/refund": Row("/office/till/refund", everybody(303)),
    "POST /office/till/refund/handed-over": Row("/office/till/refund/handed-over", everybody(403), {"refund": "x"}),
    "POST /office/till/refund": Row("/office/till/refund", everybody(403), {"payment": "x"}),
    "GET /counter": Row("/counter", everybody(303)),
    "GET /counter/handoff": Row("/counter/handoff", everybody(303)),
    "POST /counter/handoff": Row("/counter/handoff", everybody(403), {"code": "0000-0000-0000"}),
    "GET /counter/handoff/{handoff:uuid}": Row(f"/counter/handoff/{'0' * 32}", everybody(303)),
    "POST /counter/handoff/{handoff:uuid}/return": Row(f"/counter/handoff/{'0' * 32}/return", everybody(303)),
    "GET /counter/{visit:uuid}/identity": Row(f"/counter/{'0' * 32}/identity", everybody(303)),
    "POST /counter/{visit:uuid}/identity": Row(f"/counter/{'0' * 32}/identity", everybody(403), {"note": "x"}),
    "POST /counter/{visit:uuid}/identity/card": Row(
        f"/counter/{'0' * 32}/identity/card", everybody(403), {"face": "1"}
    ),
    "POST /counter": Row("/counter", everybody(403), {"department": "市民課"}),
    "GET /counter/{visit:uuid}": Row(f"/counter/{'0' * 32}", everybody(303)),
    "POST /counter/{visit:uuid}/take": Row(f"/counter/{'0' * 32}/take", everybody(303)),
    "POST /counter/{visit:uuid}/leave": Row(f"/counter/{'0' * 32}/leave", everybody(303)),
    "GET /counter/{visit:uuid}/event": Row(f"/counter/{'0' * 32}/event", everybody(303)),
    "GET /counter/{visit:uuid}/guide/{event}": Row(f"/counter/{'0' * 32}/guide/move-in", everybody(303)),
    "GET /counter/{visit:uuid}/procedures": Row(f"/counter/{'0' * 32}/procedures", everybody(303)),
    "GET /counter/{visit:uuid}/ask": Row(f"/counter/{'0' * 32}/ask", everybody(303)),
    "GET /counter/{visit:uuid}/answers": Row(f"/counter/{'0' * 32}/answers", everybody(303)),
    "GET /counter/{visit:uuid}/papers": Row(f"/counter/{'0' * 32}/papers", everybody(303)),
    "GET /counter/{visit:uuid}/files/{form}/{file}": Row(f"/counter/{'0' * 32}/files/letter/x", everybody(303)),
    "GET /counter/{visit:uuid}/tablet": Row(f"/counter/{'0' * 32}/tablet", everybody(303)),
    "POST /counter/{visit:uuid}/tablet": Row(f"/counter/{'0' * 32}/tablet", everybody(303), {"_do": "offer"}),
    "GET /counter/{visit:uuid}/tablet/stream": Row(f"/counter/{'0' * 32}/tablet/stream", everybody(303)),
    "GET /counter/{visit:uuid}/check": Row(f"/counter/{'0' * 32}/check", everybody(303)),
    "POST /counter/{visit:uuid}/check": Row(f"/counter/{'0' * 32}/check", everybody(403), {"method": "said"}),
    "GET /counter/{visit:uuid}/filed": Row(f"/counter/{'0' * 32}/filed", everybody(303)),
    "GET /counter/{visit:uuid}/receipt": Row(f"/counter/{'0' * 32}/receipt", everybody(303)),
    # what was typed with a resident at the window is given back to whoever sent it, and nothing is told of the visit
    "POST /counter/{visit:uuid}/guide/{event}": Row(f"/counter/{'0' * 32}/guide/x", everybody(403), {"from": "japan"}),
    "POST /counter/{visit:uuid}/procedures": Row(f"/counter/{'0' * 32}/procedures", everybody(403), {"slug": "letter"}),
    "POST /counter/{visit:uuid}/ask": Row(f"/counter/{'0' * 32}/ask", everybody(403), {"_rev": "1", "x": "y"}),
    "POST /counter/{visit:uuid}/papers": Row(
        f"/counter/{'0' * 32}/papers", everybody(403), {"_rev": "1", "paper.x": "seen"}
    ),
    "GET /counter/receipts/{number}": Row("/counter/receipts/20261120-0001", everybody(303)),
    "POST /counter/receipts/{number}/void": Row("/counter/receipts/20261120-0001/void", everybody(303)),
    "GET /counter/{visit:uuid}/pay": Row(f"/counter/{'0' * 32}/pay", everybody(303)),
    "POST /counter/{visit:uuid}/pay": Row(f"/counter/{'0' * 32}/pay", everybody(403), {"kind": "cash"}),
    "POST /counter/{visit:uuid}/pay/ask": Row(f"/counter/{'0' * 32}/pay/ask", everybody(303)),
    # whoever has the address of a visit's payment: nobody guesses one (tests/web/test_till.py)
    "GET /pay/{token}": Row("/pay/nothing", everybody(404)),
    "GET /pay/{token}/go": Row("/pay/nothing/go", everybody(404)),
    "GET /office/questions": Row("/office/questions", everybody(303)),
    "POST /office/questions/{number}": Row("/office/questions/{number}", everybody(403), {"text": "x"}),
    "GET /office/applications/{number}/files/{file}": Row("/office/applications/{number}/files/{file}", everybody(303)),
    "GET /office/applications/{number}/print": Row("/office/applications/{number}/print", everybody(303)),
    "GET /office/applications/{number}/sheet.pdf": Row("/office/applications/{number}/sheet.pdf", everybody(303)),
    "GET /counter/{visit:uuid}/sheets": Row(f"/counter/{'0' * 32}/sheets", everybody(303)),
    "GET /counter/{visit:uuid}/sheets.pdf": Row(f"/counter/{'0' * 32}/sheets.pdf", everybody(303)),
    "GET /office/looks": Row("/office/looks", everybody(303)),
    "GET /office/proposals": Row("/office/proposals", everybody(303)),
    "POST /office/proposals/{proposal}/decide": Row(f"/office/proposals/{'0' * 32}/decide", everybody(303)),
    "POST /office/proposals/{proposal}/back": Row(f"/office/proposals/{'0' * 32}/back", everybody(303)),
    "GET /admin/procedures": Row("/admin/procedures", everybody(303)),
    "POST /admin/procedures/suspend": Row("/admin/procedures/suspend", everybody(403), {"slug": "letter"}),
    "POST /admin/procedures/{slug}/resume": Row("/admin/procedures/letter/resume", everybody(303)),
    "POST /admin/staff/{staff}/roles": Row(f"/admin/staff/{'0' * 32}/roles", everybody(403), {"role": "auditor"}),
    "POST /admin/staff/{staff}/reset": Row(f"/admin/staff/{'0' * 32}/reset", everybody(303)),
    "GET /admin/staff": Row("/admin/staff", everybody(303)),
    "GET /admin/staff/{staff}": Row(f"/admin/staff/{'0' * 32}", everybody(303)),
    "POST /admin/staff/{staff}/switch": Row(f"/admin/staff/{'0' * 32}/switch", everybody(403), {"do": "disable"}),
    "POST /admin/staff/{staff}/sessions/{session}/end": Row(
        f"/admin/staff/{'0' * 32}/sessions/{'0' * 32}/end", everybody(303)
    ),
    # the queue: a board is a registered device, a ticket is its code's (tests/web/test_queue.py)
    "GET /counter/queue": Row("/counter/queue", everybody(303)),
    "GET /counter/queue/live": Row("/counter/queue/live", everybody(303)),
    "POST /counter/queue/sit": Row("/counter/queue/sit", everybody(403), {"window": "x"}),
    "POST /counter/queue/leave": Row("/counter/queue/leave", everybody(303)),
    "POST /counter/queue/next": Row("/counter/queue/next", everybody(303)),
    "POST /counter/queue/{ticket}": Row(f"/counter/queue/{'0' * 32}", everybody(403), {"do": "call"}),
    "GET /counter/tickets/new": Row("/counter/tickets/new", everybody(303)),
    "POST /counter/tickets/new": Row("/counter/tickets/new", everybody(403), {"queue": "juki"}),
    "GET /counter/tickets/slip/{code}": Row(f"/counter/tickets/slip/{'0' * 15}", everybody(303)),
    "GET /counter/times": Row("/counter/times", everybody(303)),
    "GET /counter/times.csv": Row("/counter/times.csv", everybody(303)),
    "GET /board": Row("/board", everybody(403)),
    "GET /board/now": Row("/board/now", everybody(403)),
    "GET /tickets/{code}": Row(f"/tickets/{'0' * 15}", everybody(404)),
    "GET /tickets/{code}/now": Row(f"/tickets/{'0' * 15}/now", everybody(404)),
    "POST /tickets/{code}/cancel": Row(f"/tickets/{'0' * 15}/cancel", everybody(404)),
    # stand-ins: other parties, who know of nobody's session, only what the address names
    "GET /graphql/explorer": Row("/graphql/explorer", everybody(200)),
    "GET /_kinds": Row("/_kinds", everybody(200)),
    "GET /sandbox/mail": Row("/sandbox/mail", everybody(200)),
    "GET /sandbox/pay/{reference}": Row("/sandbox/pay/{reference}", everybody(200)),
    "POST /sandbox/pay/{reference}": Row("/sandbox/pay/{reference}", everybody(303), {"action": "decline"}),
    "GET /sandbox/card/{provider}": Row("/sandbox/card/jpki", everybody(200)),
    "POST /sandbox/card/{provider}": Row("/sandbox/card/jpki", everybody(303), {"to": "/my"}),
    "GET /sandbox/reader/{place:uuid}": Row(f"/sandbox/reader/{'0' * 32}", everybody(200)),
    "POST /sandbox/reader/{place:uuid}": Row(f"/sandbox/reader/{'0' * 32}", everybody(303), {"card": "taro-jpki"}),
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
