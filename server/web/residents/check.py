"""The check page, the signature and the submission of a draft."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import FieldError, Settled
from forms_schema.text import N_
from procedures.declaration import Assurance, Channel, Declaration
from procedures.fees import Quote
from procedures.fees import quote as priced
from server.applications import earlier, filling, summary
from server.applications.drafts import Conflict, Draft, save
from server.applications.submission import (
    Filing,
    Prepared,
    Raced,
    Rejected,
    SlotTaken,
    Superseded,
    prepare,
    signed_for,
    submit,
)
from server.applications.uploads import Upload
from server.applications.versions import carried
from server.catalogue import ProcedureState
from server.japan import today
from server.languages import Language
from server.notices.worker import deliver_at_once
from server.people.limits import LimitReached
from server.people.signing import SignatureState, draft_signature, start_signature
from server.store.database import Writing
from server.web.contexts import (
    Banner,
    CheckPage,
    CheckRow,
    CheckSection,
    ErrorLink,
    FeeLine,
    FeeView,
    RenewedPage,
    SignPage,
)
from server.web.http import client, language, last, page, read_form, see_other, services, visitor
from server.web.public.guides import contact
from server.web.public.pauses import pause_of
from server.web.residents import steps
from server.web.residents.opened import files_of, open_draft, spoken
from server.web.routing import Access, route

CHANNEL: Final = "online"

PAPERS: Final = N_("添付する書類")
SIGNER: Final = N_("電子署名サービス")
MOVED: Final = N_(
    "この手続きのオンライン申請は、{to}で受け付けるようになりました。ここからは送れません。入力した内容は保存されています。"
)
CLOSED: Final = N_("この手続きは、いま受け付けていません。入力した内容は保存されています。")
CHANGED: Final = N_(
    "確認の画面を開いたあとで、内容か手数料が変わりました。いまの内容を確かめて、もう一度送ってください。"
)
WAIVABLE: Final = N_("職員が確認すると減免されることがあります:{possible}")
TOO_MANY: Final = N_(
    "短い時間に多くの申請が送られたため、まだ送られていません。入力した内容は保存されています。"
    "{minutes}分ほど待ってから、もう一度送ってください。"
)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A draft as the check page sees it."""

    draft: Draft
    filing: Filing
    outcome: Prepared | Rejected | Superseded
    declaration: Declaration
    settled: Settled

    @property
    def files(self) -> Sequence[Upload]:
        return self.filing.files

    @property
    def base(self) -> str:
        return f"/drafts/{self.draft.id}"


async def _reviewed(request: Request) -> Reviewed | Response:
    draft = await open_draft(request)
    if isinstance(draft, Response):
        return draft
    of = services(request)
    declaration = await of.catalogue.declaration(draft.digest, draft.slug)
    files = await files_of(request, draft) if declaration.form.attachments else ()
    served = of.catalogue.get(draft.slug)
    filing = Filing(declaration, draft.content.answers, files, CHANNEL, visitor(request), served)
    opening = await of.opening(declaration)
    outcome = prepare(filing, of.catalogue.shared.fees, opening, now=of.clock())
    spoken, settled = language(request).spoken(declaration), outcome.settled
    if spoken is not declaration:  # what is filed is in Japanese; what is shown has other words
        settled = spoken.form.settle(draft.content.answers, today(of.clock()))
    return Reviewed(draft, filing, outcome, spoken, settled)


async def check(request: Request) -> Response:
    """Everything that was answered, what is left out, what it costs, and the next thing to do."""
    reviewed = await _reviewed(request)
    return reviewed if isinstance(reviewed, Response) else await _check_page(request, reviewed)


async def _check_page(
    request: Request, reviewed: Reviewed, *, status: int = 200, banner: Banner | None = None
) -> Response:
    do, url = await _next_thing(request, reviewed)
    declaration, settled, speech = reviewed.declaration, reviewed.settled, language(request)
    shown = steps.Shown(declaration, -1, reviewed.draft.content, settled, files=reviewed.files, base=reviewed.base)
    asked = filling.asked_steps(declaration.form, settled)
    fee = None if isinstance(reviewed.outcome, Superseded) else _quote(request, reviewed)
    context = CheckPage(
        title=declaration.title,
        slug=declaration.slug,
        steps=steps.marks(shown, now=None),
        sections=[*_sections(reviewed), *_files(reviewed, speech.say(PAPERS))],
        left_out=[CheckRow(line.label, line.text) for line in summary.left_out(settled)],
        errors=_errors(reviewed, shown),
        fee=fee_view(fee, speech) if fee and fee.items else None,
        do=do,
        url=url,
        rev=_rev(reviewed.draft, fee),
        back_url=f"{reviewed.base}/{asked[-1] + 1}",
        banner=banner or _closed(request, declaration),
        pause=pause_of(request, declaration.slug),
        renew_url=f"{reviewed.base}/renew" if reviewed.filing.stale else "",
        keep=bool(_to_keep(request, reviewed)),
        saved_at=reviewed.draft.saved_at,
        contact=contact(services(request).city, declaration.department, speech),
        handoff_url=f"{reviewed.base}/handoff" if Channel.COUNTER in declaration.channels else "",
    )
    return page(request, "pages/check.html", context, status=status)


def _to_keep(request: Request, reviewed: Reviewed) -> earlier.Facts:
    """What may be kept for other forms, if the resident wants it."""
    who = visitor(request).resident
    if who is None or who.protected or isinstance(reviewed.outcome, Rejected | Superseded):
        return {}
    return earlier.facts(reviewed.declaration.form, reviewed.settled, now=services(request).clock())


def _quote(request: Request, reviewed: Reviewed) -> Quote:
    if isinstance(reviewed.outcome, Prepared):
        return reviewed.outcome.quote
    of = services(request)
    return priced(reviewed.declaration, reviewed.settled.kept, of.catalogue.shared.fees, today(of.clock()))


def _rev(draft: Draft, fee: Quote | None) -> str:
    """What the resident has seen: this revision at this price."""
    return f"{draft.revision}-{fee.total if fee else ''}"


async def _next_thing(request: Request, reviewed: Reviewed) -> tuple[str, str]:
    """`do` and `url` of the check page."""
    if isinstance(reviewed.outcome, Superseded):
        return "renew", ""
    if isinstance(reviewed.outcome, Rejected):
        return "fix", ""
    if not _takes(request, reviewed.declaration):
        return "closed", ""
    needed, base = reviewed.filing.needed, reviewed.base
    if not visitor(request).level.covers(needed):
        return "signin", "/signin?" + urlencode({"next": f"{base}/check", "level": needed.value})
    if needed is Assurance.JPKI_SIGNATURE and await _signature(request, reviewed.draft, reviewed.outcome) is None:
        return "sign", f"{base}/sign"
    return "submit", f"{base}/submit"


async def _signature(request: Request, draft: Draft, prepared: Prepared) -> str | None:
    """The id of this browser's signature over exactly what would be submitted."""
    of, session_id = services(request), visitor(request).session_id
    adapter = of.signing
    if adapter is None:
        return None
    return await of.database.read(
        lambda db: signed_for(db, of.keys, adapter, draft.id, prepared.digest, session_id=session_id)
    )


def _takes(request: Request, declaration: Declaration) -> bool:
    """Whether it can be sent now."""
    served = services(request).catalogue.get(declaration.slug)
    return served is not None and served.takes_online(services(request).clock())


def _closed(request: Request, declaration: Declaration) -> Banner | None:
    """Drafts are kept while a procedure takes no filings; it is said before anybody tries. A suspension has words of
    its own (`CheckPage.pause`)."""
    served, now = services(request).catalogue.get(declaration.slug), services(request).clock()
    say = language(request).say
    if served is not None and (served.takes_online(now) or served.status(now).state is ProcedureState.SUSPENDED):
        return None
    if served is not None and served.handed_over is not None:
        to = served.handed_over
        return Banner("warning", say(MOVED).format(to=f"{to.to}({to.url})"))
    return Banner("warning", say(CLOSED))


def _sections(reviewed: Reviewed) -> Iterator[CheckSection]:
    sources = reviewed.draft.content.elsewhere
    for section in summary.sections(reviewed.declaration.form, reviewed.settled, sources):
        url = f"{reviewed.base}/{section.step}"
        rows = [
            CheckRow(line.label, line.text, line.source, f"{url}#f-{steps.control_of(line.pointer).replace('.', '-')}")
            for line in section.lines
        ]
        yield CheckSection(section.title, rows, url)


def _files(reviewed: Reviewed, title: str) -> Iterator[CheckSection]:
    asked = reviewed.settled.attachments
    if asked:
        rows = [CheckRow(each.label, "、".join(f.name for f in reviewed.files if f.key == each.key)) for each in asked]
        number = filling.step_of(reviewed.declaration.form, f"attachment:{asked[0].key}")
        yield CheckSection(title, rows, f"{reviewed.base}/{number + 1}")


def _errors(reviewed: Reviewed, shown: steps.Shown) -> list[ErrorLink]:
    """Each error with a link to its step, where it stands beside its question."""
    if not isinstance(reviewed.outcome, Rejected):
        return []
    form = reviewed.declaration.form
    by_step: dict[int, list[FieldError]] = {}
    for error in reviewed.outcome.errors:
        by_step.setdefault(filling.step_of(form, error.pointer), []).append(error)
    links: list[ErrorLink] = []
    for number, errors in sorted(by_step.items()):
        on_step = steps.Shown(
            reviewed.declaration, number, shown.content, shown.settled, errors, shown.files, base=shown.base
        )
        links += steps.summary(on_step, steps.items(on_step), url=f"{shown.base}/{number + 1}?check=1")
    return links


def fee_view(fee: Quote, speech: Language) -> FeeView:
    """A quote as pages show it."""
    lines = [
        FeeLine(item.title, item.amount, f"{speech.yen(item.unit_amount)} × {item.quantity}{speech.told(item.unit)}")
        for item in fee.items
    ]
    lines += [FeeLine(waiver.reason, -waiver.amount) for waiver in fee.waivers]
    possible = speech.listed(f"{speech.told(each.reason)}({each.share}%)" for each in fee.possible)
    return FeeView(lines, fee.total, fee.timing, speech.say(WAIVABLE).format(possible=possible) if possible else "")


# --- signing ------------------------------------------------------------------------------------------------------

_FAILED: Final = {
    SignatureState.DECLINED: N_("電子署名は取りやめになりました。もう一度始められます。"),
    SignatureState.FAILED: N_("電子署名を確かめられませんでした。サインインした人のカードで、もう一度お試しください。"),
}


async def sign_page(request: Request) -> Response:
    """What a signature is, and the link to it; what was signed before and changed since is signed anew."""
    reviewed = await _reviewed(request)
    if isinstance(reviewed, Response):
        return reviewed
    do, _ = await _next_thing(request, reviewed)
    if do != "sign":
        return see_other(f"{reviewed.base}/check")
    of, session_id = services(request), visitor(request).session_id
    standing = await of.database.read(lambda db: draft_signature(db, reviewed.draft.id, session_id=session_id))
    base, say = reviewed.base, language(request).say
    failed = say(_FAILED.get(standing.state, "") if standing else "")
    context = SignPage(reviewed.declaration.title, f"{base}/sign/go", f"{base}/check", say(SIGNER), failed)
    return page(request, "pages/sign.html", context)


async def sign_go(request: Request) -> Response:
    """A link, not a form: it leads off our origin. Writes down what is to be signed."""
    reviewed = await _reviewed(request)
    if isinstance(reviewed, Response):
        return reviewed
    of, who, now = services(request), visitor(request), services(request).clock()
    if not isinstance(reviewed.outcome, Prepared) or of.signing is None:
        return see_other(f"{reviewed.base}/check")
    digest, draft_id = reviewed.outcome.digest, reviewed.draft.id
    started = await of.database.transact(
        lambda db: start_signature(db, of.keys, digest, visitor=who, draft_id=draft_id, now=now, random=of.random)
    )
    return see_other(f"/sign/{started}/go" if isinstance(started, str) else f"{reviewed.base}/check")


# --- a newer version ---------------------------------------------------------------------------------------------


async def renew(request: Request) -> Response:
    """Move the draft to the version that is served now. What that has no place for is shown before one goes on."""
    draft = await open_draft(request)
    if isinstance(draft, Response):
        return draft
    of, who, now = services(request), visitor(request), services(request).clock()
    served = of.catalogue.get(draft.slug)
    if served is None or served.digest == draft.digest:
        return see_other(f"/drafts/{draft.id}/check")
    before, after = await spoken(request, draft.digest, draft.slug), await spoken(request, served.digest, draft.slug)
    moved = carried(before.form, after.form, draft.content, today(now))
    newer = replace(draft, digest=served.digest)
    saved = await of.database.transact(lambda db: save(db, of.keys, newer, moved.content, who, now=now))
    if isinstance(saved, Conflict) or not moved.left:
        return see_other(f"/drafts/{draft.id}/check")
    left = [CheckRow(line.label, line.text) for line in moved.left]
    return page(request, "pages/renewed.html", RenewedPage(after.title, left, f"/drafts/{draft.id}/check"))


# --- submitting ---------------------------------------------------------------------------------------------------


async def submit_draft(request: Request) -> Response:
    """Submit what the check page showed. Sent twice, it answers the same receipt."""
    reviewed = await _reviewed(request)
    if isinstance(reviewed, Response):
        return reviewed
    posted = await read_form(request)
    seen, wanted = last(posted, "_rev"), "_keep" in posted
    do, url = await _next_thing(request, reviewed)
    prepared = reviewed.outcome
    if do == "submit" and isinstance(prepared, Prepared) and seen == _rev(reviewed.draft, prepared.quote):
        return await _submitted(request, reviewed, prepared, _to_keep(request, reviewed) if wanted else {})
    if do in ("signin", "sign"):
        return see_other(url)
    told = language(request).say(CHANGED) if do == "submit" else ""
    return await _not_sent(request, reviewed, 422 if do == "fix" else 409, told)


async def _not_sent(request: Request, reviewed: Reviewed, status: int, told: str) -> Response:
    """The check page with what stands against it; where one's own other press has submitted it, and so what stands
    against it is what that one did, its receipt."""
    again = await open_draft(request)
    if isinstance(again, Response):
        return again
    return await _check_page(request, reviewed, status=status, banner=Banner("warning", told) if told else None)


async def _submitted(request: Request, reviewed: Reviewed, prepared: Prepared, kept: earlier.Facts) -> Response:
    of, now, draft, who = services(request), services(request).clock(), reviewed.draft, visitor(request).resident
    place, speech = client(request), language(request).code
    signature = await _signature(request, draft, prepared) if prepared.to_be_signed else None

    def work(db: Writing) -> str:
        done = submit(
            db,
            of.keys,
            prepared,
            draft=draft,
            signature=signature,
            place=place,
            base_url=of.settings.base_url,
            payment_days=of.city.payment_days,
            language=speech,
            now=now,
            random=of.random,
        )
        if who is not None:
            earlier.keep(db, of.keys, who, kept, now=now, random=of.random)
        return done.receipt_number

    try:
        number = await of.database.transact(work)
    except SlotTaken:
        return see_other(f"{reviewed.base}/{_booked_on(reviewed)}?check=1")
    except Raced:
        return see_other(f"{reviewed.base}/check")  # leads on to the receipt when the other one submitted
    except LimitReached as error:
        return await _too_many(request, reviewed, error.seconds)
    if of.mailer is not None:
        await deliver_at_once(of.database, of.mailer, now)
    of.metrics.submitted(prepared.filing.declaration.slug, CHANNEL)
    return see_other(f"/applications/{quote(number)}/receipt")


async def _too_many(request: Request, reviewed: Reviewed, seconds: int) -> Response:
    told = language(request).say(TOO_MANY).format(minutes=-(-seconds // 60))
    response = await _not_sent(request, reviewed, 429, told)
    if response.status_code == 429:
        response.headers["retry-after"] = str(seconds)
    return response


def _booked_on(reviewed: Reviewed) -> int:
    """The number of the step on which something is booked."""
    booking = reviewed.declaration.booking
    return filling.step_of(reviewed.declaration.form, booking.field if booking else "") + 1


ROUTES = [
    route("/drafts/{draft}/check", check, access=Access.DRAFT),
    route("/drafts/{draft}/sign", sign_page, access=Access.DRAFT),
    route("/drafts/{draft}/sign/go", sign_go, access=Access.DRAFT),
    route("/drafts/{draft}/renew", renew, methods=("POST",), access=Access.DRAFT),
    route("/drafts/{draft}/submit", submit_draft, methods=("POST",), access=Access.DRAFT),
]
