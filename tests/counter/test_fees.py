"""The fees of a bundle: what was read out is what is owed, on whichever telephone or at whichever window it is paid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from payments.port import Uncollectable
from payments.sandbox_gateway import Action, SandboxGateway
from procedures.fees import FeeTable
from server.applications import suspending
from server.catalogue import Suspension
from server.counter import paylink
from server.counter.till import Together, owed
from server.jobs import JOBS, run_due
from server.money.checkout import Cashier
from server.money.debts import cancel_debt
from server.money.states import Standing
from server.money.till import Taken
from server.settings import Settings
from server.store import tables as t
from tests.conftest import Clock, Maker, Random, Store
from tests.counter.crowd import PLAIN, PRICED, SECOND, at_once, begun, counts, of_visit, small, town
from tests.counter.window import AtWindow, Window
from tests.journeys.pages import Page
from tests.money.cases import cashier, note_paid
from tests.money.family import family
from tests.payments.benches import StripeBench
from tests.security.site import PERSON as TYPED
from tests.security.site import Browser, place
from tests.web.test_brought import code_of

FILED = (t.application, t.debt, t.visit_application, t.confirmation, t.outbox)
AT_THE_DESK = small("paid-here", "P916", cost="inu-toroku", timing="counter", title="窓口で払う登録")


@pytest.fixture
def hall(settings: Settings) -> Iterator[Window]:
    with town(settings, AT_THE_DESK) as hall:
        yield hall


@pytest.fixture
def either(store_settings: Settings) -> Iterator[Window]:
    """On SQLite, and on PostgreSQL."""
    with town(store_settings) as hall:
        yield hall


def charges(hall: Window, code: str, amount: int | None) -> None:
    """The city takes another amount from now on; None: the table has none any more."""
    shared = hall.of.catalogue.shared
    others = [row for row in shared.fees.rows if row.code != code]
    changed = [replace(row, amount=amount) for row in shared.fees.rows if row.code == code and amount is not None]
    hall.of.catalogue.shared = replace(shared, fees=FeeTable((*others, *changed)))


def press(clerk: AtWindow, page: Page) -> Page:
    """Press the one button of the check page."""
    return clerk.press(page, page.form(action="/check"), {"method": ["said"]})


def presses(clerk: AtWindow, page: Page) -> Callable[[], Page]:
    return lambda: press(clerk, page)


def submits(home: Browser, draft: str, rev: str) -> Callable[[], httpx2.Response]:
    return lambda: home.post(f"/drafts/{draft}/submit", {"_rev": rev})


def section(page: Page, title: str) -> str:
    """What the check page says of one application."""
    return page.html.partition(f"件目: {title}")[2].partition("</section>")[0]


# --- what was read out ------------------------------------------------------------------------------------------------


def test_a_fee_that_changed_since_it_was_read_out_is_read_out_anew_before_it_is_owed(hall: Window) -> None:
    clerk = hall.clerk()
    base = begun(clerk, PLAIN, PRICED)
    page, before = clerk.open(f"{base}/check"), counts(hall, *FILED)
    assert "手数料の合計 300円" in page.text
    charges(hall, "juminhyo", 350)
    told = press(clerk, page)
    assert told.status == 409 and "手数料が変わりました" in told.text and "1件も出していません" in told.text
    assert "手数料の合計 350円" in told.text and "300円" not in told.text
    assert counts(hall, *FILED) == before
    assert press(clerk, told).path == f"{base}/filed"
    assert [row.amount for row in hall.rows(select(t.debt.c.amount))] == [350]


def test_fees_that_changed_and_add_up_to_the_same_are_read_out_anew_too(hall: Window) -> None:
    clerk = hall.clerk()
    base = begun(clerk, PRICED, AT_THE_DESK)
    page = clerk.open(f"{base}/check")
    charges(hall, "juminhyo", 400)
    charges(hall, "inu-toroku", 2900)
    told = press(clerk, page)
    assert told.status == 409 and "手数料の合計 3,300円" in told.text and "400円" in section(told, PRICED.title)
    assert counts(hall, t.application) == [0]


def test_a_fee_that_is_in_no_table_any_more_keeps_the_bundle_back_and_says_which(hall: Window) -> None:
    clerk = hall.clerk()
    base = begun(clerk, PLAIN, PRICED)
    page = clerk.open(f"{base}/check")
    charges(hall, "juminhyo", None)
    told = press(clerk, page)
    assert told.status == 409 and "1件も出していません" in told.text
    assert "手数料が決まっていないため" in section(told, PRICED.title) and "直すところ" not in section(
        told, PLAIN.title
    )
    assert counts(hall, t.application) == [0]
    clerk.choose(base, PLAIN.slug)
    assert clerk.file(base).path == f"{base}/filed"
    assert counts(hall, t.application, t.debt) == [1, 0]


def test_when_a_fee_is_paid_is_said_beside_it(hall: Window) -> None:
    clerk = hall.clerk()
    page = clerk.open(f"{begun(clerk, PRICED, AT_THE_DESK)}/check")
    assert "(申請のとき)" in section(page, PRICED.title) and "(窓口で)" in section(page, AT_THE_DESK.title)


def test_a_procedure_that_was_stopped_meanwhile_is_not_filed_and_the_rest_goes_on_without_it(hall: Window) -> None:
    clerk = hall.clerk()
    base = begun(clerk, PLAIN, PRICED)
    page, now = clerk.open(f"{base}/check"), hall.clock()
    stop = Suspension("様式の誤りを直しています。", None, None)
    assert hall.do(lambda db: suspending.suspend(db, PRICED.slug, stop, now=now, actor="test")) is None
    hall.run(hall.of.catalogue.refresh)
    told = press(clerk, page)
    assert told.status == 409 and "いま受け付けていません" in section(told, PRICED.title)
    assert counts(hall, t.application) == [0]
    clerk.choose(base, PLAIN.slug)
    assert clerk.file(base).path == f"{base}/filed"


# --- sent from home meanwhile -----------------------------------------------------------------------------------------


def at_home(hall: Window) -> tuple[Browser, str, str]:
    """Somebody with a draft that is whole, and the code of it."""
    home = hall.browser()
    first = home.post(f"/procedures/{PLAIN.slug}/apply", {"note": "家から", **TYPED})
    draft = place(first).split("/")[2]
    return home, draft, code_of(home.post(f"/drafts/{draft}/handoff").text)


def begun_with(clerk: AtWindow, code: str) -> str:
    """A visit with what was brought, answered to the end."""
    handoff = clerk._page(clerk.client.post("/counter/handoff", data={"code": code})).path.rpartition("/")[2]
    page = clerk._page(clerk.client.post("/counter", data={"handoff": handoff}))
    return "/".join(page.path.split("/")[:3])


def test_what_was_sent_from_home_during_the_visit_is_not_filed_a_second_time(either: Window) -> None:
    home, draft, code = at_home(either)
    clerk = either.clerk()
    base = begun_with(clerk, code)
    page = clerk.open(f"{base}/check")
    assert "直すところが残っています" not in page.text
    home.submit(draft)
    told = press(clerk, page)
    assert told.status == 409 and "先に送られました" in section(told, PLAIN.title)
    assert counts(either, t.application) == [1]


def test_what_is_sent_from_home_at_the_moment_it_is_filed_is_there_once(either: Window) -> None:
    clerk = either.clerk()
    for number in range(1, 4):
        home, draft, code = at_home(either)
        base = begun_with(clerk, code)
        page, rev = clerk.open(f"{base}/check"), home.revision(f"/drafts/{draft}/check")
        steps: list[Callable[[], Any]] = [presses(clerk, page), submits(home, draft, rev)]
        told, sent = at_once(*steps)
        assert counts(either, t.application) == [number]
        ours = told.path == f"{base}/filed"
        shown = home.get(f"/drafts/{draft}/check") if sent.status_code == 200 else home.get(place(sent))
        if ours:
            assert "窓口で提出しました" in shown.text
        else:
            assert told.status == 409
            assert home.get(place(home.get(f"/drafts/{draft}/check"))).status_code == 200, "its receipt"


def test_at_home_a_draft_says_that_it_was_filed_at_the_window(either: Window) -> None:
    home, draft, code = at_home(either)
    clerk = either.clerk()
    base = begun_with(clerk, code)
    assert clerk.file(base).path == f"{base}/filed"
    for step in ("1", "check", "handoff"):
        told = home.get(f"/drafts/{draft}/{step}")
        assert told.status_code == 200 and "窓口で提出しました" in told.text and 'href="/applications"' in told.text
        assert "0456" not in told.text and 'value="家から"' not in told.text, "what stands there is the window's"
    late = home.post(f"/drafts/{draft}/1", {"note": "もう一度", "_rev": "1", "_do": "next"})
    assert "窓口で提出しました" in late.text and counts(either, t.application) == [1]
    assert either.browser().get(f"/drafts/{draft}/1").status_code == 404, "to all others it is not there"


# --- on the telephone -------------------------------------------------------------------------------------------------


def filed(clerk: AtWindow) -> str:
    base = begun(clerk, PRICED, SECOND)
    assert clerk.file(base).path == f"{base}/filed"
    return base


def link(hall: Window, base: str) -> str:
    return f"/pay/{paylink.made(hall.of.keys, of_visit(base), now=hall.clock())}"


def standings(hall: Window) -> list[str]:
    return [row.state for row in hall.rows(select(t.debt.c.state))]


def till(hall: Window) -> SandboxGateway:
    gateway = hall.of.gateway
    assert isinstance(gateway, SandboxGateway)
    return gateway


def test_a_link_that_many_open_at_once_leads_to_one_checkout_and_is_paid_once(either: Window) -> None:
    base = filed(either.clerk())
    phones, address = [either.browser() for _ in range(5)], link(either, base)
    led = at_once(*(lambda each=each: place(each.get(f"{address}/go")) for each in phones))
    (reference,) = {each.rpartition("/")[2] for each in led}
    delivery = either.run(lambda: till(either).press(reference, Action.PAY))
    assert delivery is not None and either.run(lambda: till(either).press(reference, Action.PAY)) is None
    header = {till(either).signature_header: delivery.signature, "content-type": "application/json"}
    posts = [
        lambda each=each: each.client.post("/payments/webhook/sandbox", content=delivery.body, headers=header)
        for each in phones
    ]
    assert {each.status_code for each in at_once(*posts)} == {200}
    assert standings(either) == ["paid", "paid"]
    paid = [row for row in either.rows(select(t.application_event)) if row.state == "submitted"]
    assert len(paid) == 2 and counts(either, t.payment_bundle) == [1]
    assert place(phones[0].get(f"{address}/go")) == address, "there is nothing left to pay"


def test_a_checkout_that_ran_out_makes_room_for_another_at_the_same_visit(hall: Window) -> None:
    base = filed(hall.clerk())
    phone = hall.browser()
    first = place(phone.get(f"{link(hall, base)}/go"))
    hall.clock.advance(hours=24)
    second = place(phone.get(f"{link(hall, base)}/go"))
    assert first != second and hall.run(lambda: till(hall).press(first.rpartition("/")[2], Action.PAY)) is None
    phone.post(second, {"action": "pay"})
    assert standings(hall) == ["paid", "paid"]


def test_a_visit_whose_payer_went_away_lapses_and_nothing_is_paid_for_what_has_lapsed(hall: Window) -> None:
    base = filed(hall.clerk())
    phone, address = hall.browser(), link(hall, base)
    reference = place(phone.get(f"{address}/go")).rpartition("/")[2]
    hall.clock.now = datetime(2026, 12, 1, 15, tzinfo=UTC)  # midnight in Japan, before the day that was booked
    works(hall)
    assert sorted(standings(hall)) == ["cancelled", "expired"] and counts(hall, t.seat) == [0]
    assert pressed(hall, reference) is None, "the sum is not what is owed any more"
    address = link(hall, base)
    assert "300円" in phone.get(address).text
    again = place(phone.get(f"{address}/go")).rpartition("/")[2]
    shown = hall.run(lambda: till(hall).till(again))
    assert shown is not None and shown.amount == 300
    hall.clock.now = datetime(2026, 12, 4, 15, tzinfo=UTC)
    works(hall)
    assert standings(hall) == ["cancelled", "cancelled"] and pressed(hall, again) is None
    assert {row.state for row in hall.rows(select(t.application.c.state))} == {"expired"}
    address = link(hall, base)
    assert phone.get(address).status_code == 200 and place(phone.get(f"{address}/go")) == address


def test_between_the_last_day_and_the_worker_the_telephone_asks_for_what_it_shows(hall: Window) -> None:
    base = filed(hall.clerk())
    phone = hall.browser()
    hall.clock.now = datetime(2026, 12, 1, 15, tzinfo=UTC)
    address = link(hall, base)
    assert "300円" in phone.get(address).text and "600円" not in phone.get(address).text
    reference = place(phone.get(f"{address}/go")).rpartition("/")[2]
    shown = hall.run(lambda: till(hall).till(reference))
    assert shown is not None and shown.amount == 300
    hall.clock.now = datetime(2026, 12, 4, 15, tzinfo=UTC)
    address = link(hall, base)
    assert f"{address}/go" not in phone.get(address).text


def works(hall: Window) -> None:
    """The worker's round."""
    hall.run(lambda: run_due(hall.of, [job for job in JOBS if job.name == "payments"]))


def pressed(hall: Window, reference: str) -> Any:
    """What the payer presses at the provider; None where that is over."""
    return hall.run(lambda: till(hall).press(reference, Action.PAY))


# --- at several windows and telephones at once ------------------------------------------------------------------------


def taken(clerk: AtWindow, base: str, total: int) -> Callable[[], Page]:
    """Taking the sum in cash."""
    controls = {"expected": str(total), "taken": "10000", "kind": "cash"}
    return lambda: clerk._page(clerk.client.post(f"{base}/pay", data=controls))


def pays(phone: Browser, led: str) -> Callable[[], httpx2.Response]:
    return lambda: phone.post(led, {"action": "pay"})


def test_a_sum_that_is_taken_at_several_windows_at_once_is_taken_once(either: Window) -> None:
    clerk = either.clerk()
    base = filed(clerk)
    colleagues = [clerk, *(either.clerk() for _ in range(3))]
    told = at_once(*(taken(each, base, 600) for each in colleagues))
    assert sorted(page.status for page in told) == [200, 409, 409, 409]
    assert counts(either, t.till_receipt) == [1] and standings(either) == ["paid", "paid"]
    assert all("すべて納められています" in page.text for page in told if page.status == 409)


def test_windows_that_take_money_at_once_give_out_numbers_without_a_gap(either: Window) -> None:
    clerks = [either.clerk() for _ in range(6)]
    bases = [filed(clerk) for clerk in clerks[:4]]
    told = at_once(*(taken(clerk, base, 600) for clerk, base in zip(clerks, bases, strict=False)))
    numbers = sorted(page.path.rpartition("-")[2] for page in told)
    assert numbers == ["0001", "0002", "0003", "0004"]


def test_cash_and_the_telephones_money_at_once_count_once_and_the_second_goes_to_a_person(either: Window) -> None:
    clerk = either.clerk()
    for number in range(1, 4):
        base, phone = filed(clerk), either.browser()
        led = place(phone.get(f"{link(either, base)}/go"))
        steps: list[Callable[[], Any]] = [taken(clerk, base, 600), pays(phone, led)]
        told, _ = at_once(*steps)
        assert told.status in (200, 409)
        debts = either.do(lambda db, b=base: owed(db, of_visit(b)))
        assert debts.standing is Together.PAID and debts.total == 0
        events = [row for row in either.rows(select(t.application_event)) if row.state == "submitted"]
        assert len(events) == 2 * number, "each application heard once that its fee came"


# --- what cannot be paid online ---------------------------------------------------------------------------------------


def test_a_sum_the_provider_does_not_take_is_told_and_taken_in_cash(
    store: Store, make: Maker, clock: Clock, random: Random
) -> None:
    bench = StripeBench()
    bench.clock = bench.account.clock = clock
    home = family(store, make, Cashier(store.database, bench.adapter(), note_paid, clock, random), (10, 20))
    for _ in range(2):
        with pytest.raises(Uncollectable):
            home.go()
    assert home.owed.total == 30 and isinstance(home.pays(taken=30), Taken)
    assert [home.times_told(each) for each in range(2)] == [1, 1]


def test_of_several_fees_one_of_which_was_withdrawn_the_rest_is_asked_for(
    store: Store, make: Maker, clock: Clock, random: Random
) -> None:
    home = family(store, make, cashier(store, clock, random))
    first, gone = home.go(), home.applications[1]
    store.transact(lambda db: cancel_debt(db, gone, actor="x"))
    second = home.go(0, 2)
    assert None not in (first, second) and first != second
    gateway = home.desk.gateway
    assert isinstance(gateway, SandboxGateway)
    assert store.run(gateway.press(str(first), Action.PAY)) is None, "nobody pays the sum that is not owed any more"
    home.press(str(second), Action.PAY)
    assert [each.standing for each in home.debts] == [Standing.PAID, Standing.CANCELLED, Standing.PAID]
    assert [home.times_told(each) for each in range(3)] == [1, 0, 1]
