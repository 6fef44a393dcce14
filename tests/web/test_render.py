"""How words, amounts and times reach a page, and what a broken template does."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from jinja2 import TemplateSyntaxError, UndefinedError

from server.web.assets import Assets
from server.web.render import Renderer
from tests.web import samples

JAPANESE = samples.LANGUAGES.japanese

STATUSES = (400, 403, 404, 405, 409, 413, 422, 429, 500, 503)


def made(tmp_path: Path, text: str) -> Renderer:
    (tmp_path / "page.html").write_text(text, "utf-8")
    return Renderer(
        tmp_path,
        assets=Assets(samples.ROOT / "static"),
        city=samples.city(),
        sandbox=False,
        languages=samples.LANGUAGES,
    )


def test_text_is_escaped_wherever_it_stands(tmp_path: Path) -> None:
    page = made(tmp_path, '<p title="{{ it }}">{{ it }}{% trans it %}{{ it }}{% endtrans %}</p>')
    escaped = "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;&lt;b hx-get=&#34;/x&#34;&gt;"
    assert page.render("page.html", {"it": samples.HOSTILE}) == f'<p title="{escaped}">{escaped}{escaped}</p>'


def test_a_name_nobody_gave_is_an_error_and_no_blank(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError):
        made(tmp_path, "{{ fee }}").render("page.html", {})


def test_a_template_with_a_mistake_is_told_and_none_of_ours_has_one(tmp_path: Path) -> None:
    with pytest.raises(TemplateSyntaxError):
        made(tmp_path, "{% if %}").render("page.html", {})
    environment = samples.renderer()._environment
    names = environment.list_templates(extensions=["html"])
    assert names
    assert all(environment.get_template(name) for name in names)


def test_a_file_that_is_not_there_is_an_error_and_no_dead_link(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        made(tmp_path, "{{ asset('sit.css') }}").render("page.html", {})


@pytest.mark.parametrize(("amount", "words"), [(0, "0円"), (300, "300円"), (1234567, "1,234,567円"), (-100, "-100円")])
def test_amounts_are_whole_yen(amount: int, words: str) -> None:
    assert JAPANESE.yen(amount) == words


def test_days_say_their_weekday() -> None:
    assert JAPANESE.dated(date(2026, 11, 20)) == "2026年11月20日(金)"
    assert JAPANESE.dated(date(2028, 2, 29)) == "2028年2月29日(火)"


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC), "2026年11月20日(金) 23時59分"),
        (datetime(2026, 11, 20, 15, 0, tzinfo=UTC), "2026年11月21日(土) 0時00分"),
        (datetime(2026, 12, 31, 15, 5, tzinfo=UTC), "2027年1月1日(金) 0時05分"),
    ],
)
def test_times_are_those_of_clocks_in_japan(at: datetime, words: str) -> None:
    assert JAPANESE.moment(at) == words
    assert words.endswith(JAPANESE.timed(at))


def test_every_refusal_says_what_happened_and_what_to_do_next() -> None:
    words = samples.renderer()
    told = [(words.say("components/problem.html", "problem_title", status)) for status in STATUSES]
    advice = [(words.say("components/problem.html", "problem_advice", status)) for status in STATUSES]
    assert all(told) and all(each.endswith("。") for each in advice)
    assert len(set(told)) == len(STATUSES) - 2  # 404 and 405, 400 and 422 are the same to a reader


def test_words_for_machines_are_plain_text(tmp_path: Path) -> None:
    page = made(tmp_path, "{% macro said(it) %}\n {{ it }}&amp; \n{% endmacro %}")
    assert page.say("page.html", "said", "<b>") == "<b>&"


def test_a_life_event_the_city_adds_has_a_picture_too(tmp_path: Path) -> None:
    page = made(tmp_path, "{{ icon('birth') }} {{ icon('anniversary') }} {{ icon('../site') }}")
    birth, added, odd = page.render("page.html", {}).split()
    assert birth.startswith("/static/icons/birth.")
    assert added == odd
    assert added.startswith("/static/icons/other.")
