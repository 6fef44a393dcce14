"""What is printed is what was answered: of every declaration, for whatever was typed, and for every reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import groupby, islice, pairwise

import pikepdf
import pytest

from forms_schema import Json
from procedures.library import Library
from server.applications.summary import Line, Section
from server.paper.filed import Written
from server.paper.letters import Lost
from server.paper.press import Press
from server.paper.sheets import Cover, Sheet, bundle, sheet, unprintable
from tests import shipped
from tests.paper.printing import (
    NOW,
    answers,
    faces,
    opened,
    pages,
    plain,
    press,
    read,
    sheet_for,
    tags,
    valid_cases,
    words,
)

SIGNATURE = "M100 100 L200 300 L300 120 M500 80 L600 300"


@cache
def library() -> Library:
    return shipped.library()


def declared() -> dict[str, list[str]]:
    """Slugs by category: a category is a PDF, for that is quicker than 776."""
    ordered = sorted(library().declarations.values(), key=lambda each: each.category)
    return {name: [each.slug for each in found] for name, found in groupby(ordered, lambda each: each.category)}


def printed(content: Sheet) -> bytes:
    return sheet(press(), content, at=NOW).pdf


def flat(text: str) -> str:
    return "".join(text.split())


def told(content: Sheet) -> Iterator[str]:
    """Everything a sheet has to say, a label together with its answer where they stand side by side."""
    yield flat(content.title)
    yield from (flat(label + text) for label, text in (*content.applicant, *content.record))
    for section in content.sections:
        for line in section.lines:
            yield from (flat(line.label), flat(line.text)) if section.row else (flat(line.label + line.text),)


def numbers_in(value: Json) -> Iterator[str]:
    """個人番号 in a case's answers: twelve digits under a name that says so."""
    if isinstance(value, dict):
        for name, child in value.items():
            if "my_number" in name and isinstance(child, str) and child.isdigit():
                yield child
            yield from numbers_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from numbers_in(child)


@pytest.mark.parametrize("category", sorted(declared()))
def test_every_answer_of_every_declarations_valid_cases_is_on_the_paper(category: str) -> None:
    found = [library().declarations[slug] for slug in declared()[category]]
    cases = [(each, case) for each in found for case in valid_cases(each)]
    contents = [sheet_for(each, case) for each, case in cases]
    made = bundle(press(), Cover("見本市", NOW), contents, at=NOW)
    said, raw = words(made.pdf), read(made.pdf)
    assert not made.lost
    assert [text for content in contents for text in told(content) if text not in said] == []
    assert [number for _, case in cases for number in numbers_in(case.answers) if number in raw] == []
    assert cases


def test_a_my_number_is_told_to_be_there_and_never_which() -> None:
    """The sweep above would pass if no case had one."""
    seen = 0
    for each in library().declarations.values():
        for case in valid_cases(each):
            for number in numbers_in(case.answers):
                seen += 1
                assert number not in "".join(told(sheet_for(each, case)))
    assert seen > 20


PAYLOADS = [
    '#read("/etc/passwd")',
    '#image("/etc/passwd")',
    '#include "sheet.typ"',
    '#import "@preview/cetz:0.3.0": *',
    "#sys.inputs",
    '#eval("1+1")',
    "#{ panic() }",
    "#set page(fill: black)",
    "#show: it => []",
    "#pagebreak()",
    "#v(1000cm)",
    "$ x^2 $ _a_ *b* `c` = d",
    "<end-0> @end-0",
    "\\ \\n \\u{41} \\#",
    "/* */ // ---",
    "]] #[ ]",
    '"; "} {"a": 1}',
    "- list + enum / term: x",
    "https://example.jp/?a=b&c=d",
    "<script>alert(1)</script>",
    "&amp; &#x41; <b>",
    "%PDF-1.7 (x) Tj ET",
    "{{ 7*7 }} ${7*7} <%= 7*7 %>",
    "'; DROP TABLE application; --",
    "=HYPERLINK(1)",
]
FRAMES = ("{}", "名前{}です", "\u3000{}\u3000", '"{}"')


def test_a_hundred_payloads_are_printed_letter_by_letter() -> None:
    """Typst code, PDF, HTML and template syntax are text (PDF injection)."""
    typed = [frame.format(payload) for payload in PAYLOADS for frame in FRAMES]
    assert len(typed) == 100
    content = plain(answers(*typed), applicant=[("氏名", PAYLOADS[0])], department=PAYLOADS[6], title=PAYLOADS[2])
    made = sheet(press(), content, at=NOW)
    said = words(made.pdf)
    assert [text for text in typed if flat(text) not in said] == []
    assert flat(PAYLOADS[2]) in said and "root:" not in said and not made.lost


@pytest.mark.parametrize(
    "text",
    [
        "髙﨑 𠮷田 葛\U000e0100城 辻\U000e0100",
        "Nguyễn Thị Hương",
        "김민수 서울",
        "一行目\n二行目\n\n四行目",
        "長" * 5000,
        "https://example.jp/" + "a" * 300,
        "x" * 200 + " " + "ー" * 200,
        "①㈱ﾊﾝｶｸ…—～",
        "two  blanks",
    ],
)
def test_what_was_typed_can_be_read_again(text: str) -> None:
    assert flat(text) in words(printed(plain(answers("まえ", text, "あと"))))


def test_words_that_run_from_right_to_left_are_all_there() -> None:
    said = words(printed(plain(answers("שלום עולם مرحبا"))))
    assert all(each in said for each in ("שלום", "עולם", "مرحبا"))


def test_nothing_that_is_typed_runs_over_the_edge_of_the_paper() -> None:
    typed = ["W" * 400, "津" * 3000, "ー" * 200, "っ" * 100, "。" * 100, "é" * 100, "a-" * 60, "…" * 90, "김" * 90]
    long = plain(answers(*typed), title="長い名前の届出" * 12, applicant=[("氏名", "W" * 90)])
    pdf = printed(long)
    edges = [float(edge) for edge in re.findall(r'<word .*xMax="([0-9.]+)"', read(pdf, "-bbox"))]
    assert len(edges) > 20 and max(edges) < 595 - 45  # A4 in points, and a margin for printers


def lines_at(pdf: bytes, left: float) -> list[float]:
    """How far apart the lines that begin so far from the left stand from each other, in points, on every page."""
    found = []
    for page in read(pdf, "-bbox").split("<page")[1:]:
        words = re.findall(r'<word xMin="([0-9.]+)" yMin="([0-9.]+)"', page)
        tops = sorted({float(top) for x, top in words if abs(float(x) - left) < 3})
        found += [after - top for top, after in pairwise(tops)]
    return found


@pytest.mark.parametrize("letter", ["津", "W", "8", "i"])
def test_a_text_that_just_fits_its_line_and_one_that_does_not_both_keep_to_their_row(letter: str) -> None:
    """Rows of one line have a fixed height, so a line too many would run into the next row."""
    em, mm = press().case.faces[0].width(letter), 72 / 25.4

    def near(room: float, size: float) -> list[str]:
        return [letter * (int(room * mm / size / em) + more) for more in (-1, 0, 1) for _ in range(2)]

    whole = printed(plain(answers(*near(126, 10))))
    labels = printed(plain([Section(1, "答え", tuple(Line("/a", each, "はい" * 15) for each in near(36, 9)))]))
    halves = [Line(f"/{i}", "問い", each) for i, each in enumerate(near(41, 10))]
    beside = printed(plain([Section(1, "答え", tuple(halves))]))
    cells = [Section(1, f"行({i})", (Line("/a", "氏名", each),), "行", i) for i, each in enumerate(near(157.2, 9), 1)]
    for pdf, column in ((whole, 64), (labels, 24), (beside, 64), (printed(plain(cells)), 33.2)):
        apart = lines_at(pdf, column * mm)
        assert len(apart) > 2 and min(apart) > 10


def test_a_letter_that_cannot_be_printed_is_marked_and_the_sheet_says_so() -> None:
    content = plain(answers("名ᠮ前"))
    made = sheet(press(), content, at=NOW)
    said = words(made.pdf)
    assert "名〓前" in said and "印刷できない文字は「〓」で表しています" in said
    assert made.lost.letters == {"ᠮ": None} == unprintable(press(), [content]).letters
    assert "※" not in words(printed(plain(answers("名前"))))
    both = bundle(press(), Cover("見本市", NOW), [content, plain(answers("名前"))], at=NOW)
    assert words(both.pdf).count("※") == 1 and both.lost.letters == {"ᠮ": None}


def test_the_characters_of_names_bring_their_own_glyphs() -> None:
    assert faces(opened(printed(plain(answers("津軽"))))) == {"BIZUDPGothic-Regular", "BIZUDPGothic-Bold"}
    assert "IPAmjMincho" in faces(opened(printed(plain(answers("𠮷田")))))


def test_a_screen_reader_gets_structure_language_and_title() -> None:
    """PDF/UA-1: tagged, with the language, and the title shown in the window's head."""
    rows = [Section(1, f"子ども({i})", (Line("/a", "氏名", f"名{i}"),), "子ども", i) for i in (1, 2)]
    pdf = opened(printed(plain([*answers("一"), *rows], papers=[("住民票", "窓口で原本を確認")])))
    assert str(pdf.Root["/Lang"]) == "ja-JP" and bool(pdf.Root["/MarkInfo"]["/Marked"])
    assert bool(pdf.Root["/ViewerPreferences"]["/DisplayDocTitle"])
    with pdf.open_metadata() as found:
        assert found["dc:title"] == "見本の届出 55001 00020 00305"
        assert found["pdfuaid:part"] == "1"
    kinds = tags(pdf)
    assert [each for each in kinds if each in ("H1", "H2")] == ["H1", "H2", "H2", "H2", "H2"]
    assert (kinds.count("Table"), kinds.count("TH"), kinds.count("TR"), kinds.count("Figure")) == (1, 2, 3, 1)
    assert "/JavaScript" not in str(pdf.Root.keys()) and "/OpenAction" not in pdf.Root


def test_pages_are_counted_and_say_which_sheet_they_are_of() -> None:
    found = pages(printed(plain(answers(*["長い答え" * 20] * 40))))
    assert len(found) > 2
    for i, page in enumerate(found, 1):
        assert page.split()[-4:] == ["55001", "00020", "00305", f"{i}/{len(found)}"]


def test_a_heading_never_stands_alone_at_the_foot_of_a_page() -> None:
    def content(lines: int) -> Sheet:
        first = [Section(1, "はじめ", tuple(Line(f"/{i}", "問い", "答え" * 20) for i in range(lines)))]
        return plain([*first, *(Section(2, f"見出し{i}", (Line("/x", "問い", "答え" * 20),)) for i in range(6))])

    made = bundle(press(), Cover("見本市", NOW), [content(lines) for lines in range(12, 34)], at=NOW)
    ends = [[line.strip() for line in page.splitlines() if line.strip()][-2] for page in pages(made.pdf)[1:]]
    assert len(ends) > 30
    assert not [end for end in ends if end.startswith("見出し") or end == "提出の記録"]


def test_rows_that_fit_make_a_table_and_others_stand_one_below_the_other() -> None:
    dogs = [(Line("/n", "名前", f"ポチ{i}"), Line("/s", "種類", "柴犬")) for i in (1, 2)]
    short = [Section(1, f"犬({i})", lines, "犬", i) for i, lines in enumerate(dogs, 1)]
    long = [
        Section(1, f"家族({i})", tuple(Line(f"/{j}", f"問い{j}", "長い答え" * 5) for j in range(7)), "家族", i)
        for i in (1, 2)
    ]
    said = words(printed(plain([*short, *long])))
    assert "犬番号名前種類1ポチ1柴犬2ポチ2柴犬" in said
    assert "家族(1)問い0" in said and "家族(2)問い0" in said


def test_a_row_that_was_not_asked_everything_keeps_its_place_in_the_table() -> None:
    first = Section(1, "人(1)", (Line("/a", "氏名", "一郎"), Line("/b", "理由", "就職")), "人", 1)
    second = Section(1, "人(2)", (Line("/a", "氏名", "二郎"),), "人", 2)
    assert "1一郎就職2二郎―" in words(printed(plain([first, second])))


def test_an_answer_that_was_left_out_is_seen_to_be_left_out() -> None:
    assert "問い0（記入なし）" in words(printed(plain(answers(""))))


def test_a_bundle_has_a_list_and_each_sheet_begins_on_its_own_page() -> None:
    found = library().declarations
    family = [found[slug] for slug in islice(found, 7)]
    contents = [sheet_for(each, valid_cases(each)[0], Written("窓口 花子", NOW, "said", NOW)) for each in family]
    pdf = bundle(press(), Cover("見本市　市民課", NOW), contents, at=NOW).pdf
    rest = pages(pdf)[1:]
    first = flat(read(pdf, "-raw", "-l", "1"))
    assert first.startswith("令和8年11月20日提出書類の一覧") and "7件" in first
    assert all(flat(each.title) in first for each in contents)
    begins = [page for page in rest if page.split()[-1].startswith("1/")]
    assert len(begins) == 7
    for content, page in zip(contents, begins, strict=True):
        assert flat(content.title) in flat(page)
    assert tags(opened(pdf)).count("H1") == 8


# --- 代書 and signatures ----------------------------------------------------------------------------------------------


def by_a_clerk(**more: str) -> Sheet:
    declaration = library().declarations["inu-shibo"]
    return sheet_for(declaration, valid_cases(declaration)[0], Written("窓口 花子", NOW, confirmed_at=NOW, **more))


def test_a_sheet_from_the_counter_says_who_wrote_it_and_how_it_was_confirmed() -> None:
    said = words(printed(by_a_clerk(method="said", known="運転免許証")))
    assert "職員が代わりに入力（代書）したものです" in said
    assert "入力した職員窓口花子（令和8年11月20日10時05分）" in said
    assert "本人の確認画面で内容を確認し、口頭で同意した（令和8年11月20日10時05分）" in said
    assert "本人確認運転免許証" in said and "署名（自筆）" in said


def test_what_was_drawn_on_the_tablet_is_printed_as_lines() -> None:
    pdf = opened(printed(by_a_clerk(method="drawn", signature=SIGNATURE)))
    assert tags(pdf).count("Figure") == 2
    assert not [each for each in pdf.objects if isinstance(each, pikepdf.Stream) and each.get("/Subtype") == "/Image"]
    said = words(printed(by_a_clerk(method="drawn", signature=SIGNATURE)))
    assert "署名（画面）" in said and "署名（自筆）" not in said


def test_a_signature_is_lines_and_nothing_else() -> None:
    with pytest.raises(ValueError, match="not a drawing"):
        printed(plain(answers("一"), signature='M1 1"/><image href="/etc/passwd"/>'))


def test_what_is_not_filed_yet_has_no_number_and_room_for_a_signature() -> None:
    content = plain(answers("一"), number="", mark="提出前", to_sign=True)
    said, pdf = words(printed(content)), opened(printed(content))
    assert "提出前" in said and "署名（自筆）" in said and "受付番号" not in said
    assert "Figure" not in tags(pdf)


# --- the press --------------------------------------------------------------------------------------------------------


def test_sheets_that_are_printed_at_once_do_not_get_mixed_up() -> None:
    def one(i: int) -> bool:
        return f"問い0答え{i}番" in words(printed(plain(answers(f"答え{i}番"))))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(one, range(24)))


def test_a_sheet_that_fails_does_not_stop_the_press() -> None:
    own = Press(press()._folder)
    with pytest.raises(RuntimeError):
        own.pdf({"title": "x", "cover": None, "sheets": [{}]}, at=NOW)
    assert sheet(own, plain(answers("一")), at=NOW).lost == Lost()
