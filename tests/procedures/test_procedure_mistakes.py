"""The mistakes people make who write a declaration: each is answered with its place, and with words that help."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from procedures import dialect
from procedures.check import check, told
from procedures.library import ROOT

TODAY = date(2026, 12, 1)
HOME = Path("declarations/resident-record/juminhyo-utsushi.json")
ROWS = Path("declarations/environment-pets/inu-toroku.json")
EDITOR = jsonschema.Draft202012Validator(dialect.DOCUMENT)
Raw = dict[str, Any]
Change = Callable[[Raw], object]


@dataclass(frozen=True)
class Mistake:
    """`change` spoils the value, or the text, of a declaration; `pointer` and all of `words` must then be told. `seen`
    says whether an editor with the schema marks it too."""

    name: str
    change: Change | Callable[[str], str | bytes]
    pointer: str
    words: tuple[str, ...]
    seen: bool = False
    file: Path = HOME


def put(pointer: str, value: object) -> Change:
    def change(raw: Raw) -> None:
        node, last = walk(raw, pointer)
        if isinstance(node, list):
            node.insert(int(last), value)
        else:
            node[last] = value

    return change


def drop(pointer: str) -> Change:
    def change(raw: Raw) -> None:
        node, last = walk(raw, pointer)
        del node[int(last) if isinstance(node, list) else last]

    return change


def rename(pointer: str, name: str) -> Change:
    """The key at a pointer under another name, where it stood."""

    def change(raw: Raw) -> None:
        node, last = walk(raw, pointer)
        pairs = [(name if key == last else key, value) for key, value in node.items()]
        node.clear()
        node.update(pairs)

    return change


def walk(raw: Raw, pointer: str) -> tuple[Any, str]:
    *way, last = [part.replace("~1", "/") for part in pointer[1:].split("/")]
    node: Any = raw
    for part in way:
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node, last


def swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


PROPERTIES = "/schema/properties"
CASE = "/cases/0"
IF = {"properties": {"extent": {"const": "part"}}}
TEXT = [
    Mistake("コンマを忘れた", swap('"P101",', '"P101"'), "", ("3行目の14文字目", ", か閉じるかっこ")),
    Mistake("最後のものの後のコンマ", swap('"kiosk"]', '"kiosk",]'), "", ("最後のもの", "この , を消して")),
    Mistake("コンマが2つ", swap('"P101",', '"P101",,'), "", (", が多すぎます", "消して")),
    Mistake("全角の引用符", swap('"title"', "“title”"), "", ("4行目", "引用符が “", '半角の "')),
    Mistake("一重の引用符", swap('"P101"', "'P101'"), "", ("引用符が '", '半角の "')),
    Mistake("全角のコロン", swap('"id":', '"id"：'), "", ("全角の ：", "半角の :")),
    Mistake("全角のコンマ", swap('"P101",', '"P101"、'), "", ("全角の 、", "半角の ,")),
    Mistake("全角の空白", swap('  "title"', '\u3000"title"'), "", ("全角の空白",)),
    Mistake("閉じない引用符", swap('"P101"', '"P101'), "", ("改行があります", '"')),
    Mistake("値の中の引用符", swap("住民票の写しの交付請求", '住民票の"写し"の交付請求'), "", ("4行目", '\\"')),
    Mistake("コメント", swap('"id"', '// 番号\n  "id"'), "", ("コメントは書けません", "$comment")),
    Mistake("正規表現の逆斜線", swap("住民票の写し", "住民票\\d"), "", ("\\ の使い方", "\\\\ と2つ")),
    Mistake("プログラムの True", swap('"P101"', "True"), "", ("True は書けません", "true と")),
    Mistake("引用符のない値", swap('"P101"', "P101"), "", ("値として読めません", '" で囲んで')),
    Mistake("引用符のない名前", swap('"id"', "id"), "", ('名前が "', '"名前": 値')),
    Mistake("コロンを忘れた", swap('"id":', '"id"'), "", ("3行目", ": がありません")),
    Mistake("途中で切れた", lambda text: text[: len(text) // 2].rpartition(",")[0], "", ("途中で終わって", "}")),
    Mistake("後ろに何かある", lambda text: text + "}", "", ("終わりのあと",)),
    Mistake("2人の変更がまざった", swap('  "id"', '<<<<<<< HEAD\n  "id"'), "", ("2人の変更", "3行目")),
    Mistake("空のファイル", lambda _: "\n", "", ("空です", "procedures new")),
    Mistake("Shift_JIS", lambda text: text.replace("〜", "-").encode("cp932"), "", ("Shift_JIS", "UTF-8 を選んで")),
    Mistake("UTF-16", lambda text: text.encode("utf-16"), "", ("UTF-16", "UTF-8 を選んで")),
    Mistake("大きすぎる", lambda text: text + " " * (256 * 1024), "", ("大きすぎます", "256 KiB")),
    Mistake("とても大きい", lambda text: text.replace("証明", "証" * 90_000, 1), "", ("大きすぎます", "256 KiB")),
    Mistake("入れ子の爆弾", lambda _: "[" * 100_000, "", ("深すぎます", "段まで")),
    Mistake(
        "同じ名前が2度",
        swap('"copies": {', '"copies": {"title": "数", '),
        "/schema/properties/copies/title",
        ("2度", "1つだけ"),
    ),
    Mistake(
        "大きすぎる数",
        swap('"maximum": 10', f'"maximum": {10**30}'),
        "/schema/properties/copies/maximum",
        ("数として",),
    ),
    Mistake("一覧だけ", lambda _: "[]", "", ("一覧が書かれています", "{ }"), True),
]
SHAPE = [
    Mistake(
        "キーの打ちまちがい", rename("/summary", "sumary"), "/sumary", ("sumary", "summary ではありませんか"), True
    ),
    Mistake("大文字のキー", rename("/title", "Title"), "/Title", ("title ではありませんか",), True),
    Mistake("全角のキー", rename("/title", "ｔｉｔｌｅ"), "/ｔｉｔｌｅ", ("title ではありませんか",), True),
    Mistake("なくてはならないキー", drop("/department"), "/department", ("department がありません", "担当課"), True),
    Mistake("分類を書いた", put("/category", "tax"), "/category", ("フォルダーの名前",), True),
    Mistake("質問がいちばん外にある", put("/properties", {}), "/properties", ("schema の中",), True),
    Mistake("ステップがいちばん外にある", put("/steps", []), "/steps", ("ui の中",), True),
    Mistake(
        "ない選択肢", put("/assurance", "emial"), "/assurance", ("email ではありませんか", "メールアドレスの確認"), True
    ),
    Mistake(
        "日本語の選択肢",
        put("/procedure_type", "申請"),
        "/procedure_type",
        ("申請 は選べません", "shinsei(申請)"),
        True,
    ),
    Mistake(
        "引用符の中の数", put("/processing_days", "2日"), "/processing_days", ("文字が書かれています", "整数"), True
    ),
    Mistake("一覧でない方法", put("/channels", "online"), "/channels", ("一覧",), True),
    Mistake("ない日", put("/accepts/from", "2027-02-30"), "/accepts/from", ("日付", "2027-04-01 のように")),
    Mistake("和暦の日", put("/accepts/from", "令和9年4月1日"), "/accepts/from", ("日付", "2027-04-01 のように")),
    Mistake("ひらがなのよみ", put("/kana", "じゅうみんひょう"), "/kana", ("書き方", "全角カタカナ"), True),
    Mistake("ない番号の形", put("/id", "101"), "/id", ("書き方", "P001"), True),
    Mistake("長すぎる要約", put("/summary", "あ" * 301), "/summary", ("長すぎます", "300文字まで"), True),
    Mistake("空の案内", put("/guide/who", ""), "/guide/who", ("空です", "だれが"), True),
    Mistake("ふるい書式", put("/$schema", "urn:kakanai:declaration:0"), "/$schema", (dialect.URN,), True),
    Mistake(
        "試験が足りない", lambda raw: raw.update(cases=raw["cases"][:2]), "/cases", ("少なすぎます", "3個以上"), True
    ),
    Mistake(
        "受け取らない形式",
        put("/attachments/0/accept", ["image/heic"]),
        "/attachments/0/accept/0",
        ("image/heic は選べません", "JPEG"),
        True,
    ),
    Mistake("金額を書いた", put("/fee/items/0/amount", 300), "/fee/items/0/amount", ("fees.json",), True),
    Mistake("斜線のない項目", put("/ui/steps/0/fields/0", "acting"), "/ui/steps/0/fields/0", ("書き方", "/項目"), True),
    Mistake(
        "HTML の注意書き", put("/ui/steps/0/fields/0", {"html": "<b>"}), "/ui/steps/0/fields/0/html", ("note",), True
    ),
    Mistake(
        "http のアドレス",
        put("/handover", {"to": "国", "url": "http://a.example", "for": ["online"]}),
        "/handover/url",
        ("書き方", "https"),
        True,
    ),
]
QUESTIONS = [
    Mistake(
        "語の打ちまちがい",
        rename(f"{PROPERTIES}/copies/minimum", "minimun"),
        f"{PROPERTIES}/copies/minimun",
        ("minimum ではありませんか",),
        True,
    ),
    Mistake(
        "型の打ちまちがい",
        put(f"{PROPERTIES}/copies/type", "interger"),
        f"{PROPERTIES}/copies/type",
        ("integer ではありませんか",),
        True,
    ),
    Mistake(
        "書式の打ちまちがい",
        put(f"{PROPERTIES}/submit_to/format", "e-mail"),
        f"{PROPERTIES}/submit_to/format",
        ("email ではありませんか",),
        True,
    ),
    Mistake(
        "enumNames",
        put(f"{PROPERTIES}/extent/enumNames", ["全員"]),
        f"{PROPERTIES}/extent/enumNames",
        ("oneOf", "const"),
        True,
    ),
    Mistake(
        "日本語の名前",
        rename(f"{PROPERTIES}/copies", "通数"),
        f"{PROPERTIES}/通数",
        ("通数 は名前に使えません", "半角の英小文字"),
        True,
    ),
    Mistake(
        "横線の名前",
        rename(f"{PROPERTIES}/submit_to", "submit-to"),
        f"{PROPERTIES}/submit-to",
        ("名前に使えません", "_ だけ"),
        True,
    ),
    Mistake("使えない名前", put(f"{PROPERTIES}/year", {"type": "integer"}), f"{PROPERTIES}/year", ("日付の部品",)),
    Mistake(
        "型がない",
        put(f"{PROPERTIES}/copies", {"title": "通数"}),
        f"{PROPERTIES}/copies",
        ("type がありません", "string"),
    ),
    Mistake(
        "ない共通定義",
        put(f"{PROPERTIES}/applicant/$ref", "urn:kakanai:common#/$defs/persen"),
        f"{PROPERTIES}/applicant/$ref",
        ("person ではありませんか",),
    ),
    Mistake(
        "外への参照",
        put(f"{PROPERTIES}/applicant/$ref", "https://example.jp/person"),
        f"{PROPERTIES}/applicant/$ref",
        ("urn:kakanai:common",),
    ),
    Mistake(
        "だれのことかがない",
        drop(f"{PROPERTIES}/applicant/x-subject"),
        f"{PROPERTIES}/applicant/x-subject",
        ("だれのことか", "applicant"),
    ),
    Mistake(
        "だれのことかの打ちまちがい",
        put(f"{PROPERTIES}/applicant/x-subject", "aplicant"),
        f"{PROPERTIES}/applicant/x-subject",
        ("applicant ではありませんか",),
    ),
    Mistake(
        "ほかの人の定義",
        put(f"{PROPERTIES}/applicant/x-subject", "debit"),
        f"{PROPERTIES}/applicant/x-subject",
        ("debit", "applicant(本人"),
    ),
    Mistake(
        "未回答で成り立つ条件",
        lambda raw: raw["schema"]["allOf"][1]["if"].pop("required"),
        "/schema/allOf/1/if/properties",
        ("未回答", "required に"),
    ),
    Mistake(
        "ない項目の条件",
        put("/schema/allOf/0/if", {"properties": {"actin": {"const": "proxy"}}, "required": ["actin"]}),
        "/schema/allOf/0/if",
        ("/actin", "/acting ではありませんか"),
    ),
    Mistake("then だけ", drop("/schema/allOf/1/if"), "/schema/allOf/1", ("if がいります",)),
    Mistake("ない項目の必須", put("/schema/required/0", "copys"), "/schema", ("copys", "copies ではありませんか")),
    Mistake(
        "日本語の値",
        put(f"{PROPERTIES}/extent/oneOf/0", {"const": "全員", "title": "世帯全員"}),
        f"{PROPERTIES}/extent",
        ("半角英数字", "title"),
    ),
    Mistake(
        "見出しのない選択肢",
        drop(f"{PROPERTIES}/extent/oneOf/0/title"),
        f"{PROPERTIES}/extent/oneOf/0",
        ("見出しがありません",),
    ),
    Mistake(
        "終わりのない正規表現",
        put(f"{PROPERTIES}/submit_to/pattern", "^[0-9]+"),
        f"{PROPERTIES}/submit_to/pattern",
        ("$ で終え",),
    ),
    Mistake(
        "正規表現の \\d",
        put(f"{PROPERTIES}/submit_to/pattern", "^\\d+$"),
        f"{PROPERTIES}/submit_to/pattern",
        ("[0-9]",),
    ),
    Mistake(
        "読めない期間",
        put(f"{PROPERTIES}/applicant/x-date", {"max": "90日前"}),
        f"{PROPERTIES}/applicant/x-date/max",
        ("-P91D",),
    ),
    Mistake(
        "文字の項目の日付の範囲",
        put(f"{PROPERTIES}/submit_to/x-date", {"max": "today"}),
        f"{PROPERTIES}/submit_to/x-date",
        ("日付だけ", "format: date"),
    ),
    Mistake(
        "合わないはじめの値",
        put(f"{PROPERTIES}/copies/default", 99),
        f"{PROPERTIES}/copies/default",
        ("はじめの値", "合う値"),
    ),
    Mistake(
        "二度選べる複数選択",
        drop(f"{PROPERTIES}/shown/uniqueItems"),
        f"{PROPERTIES}/shown/uniqueItems",
        ("uniqueItems: true",),
    ),
    Mistake("目的のない個人番号", lambda raw: ask_number(raw), "/schema", ("個人番号", "x-purpose")),
]
FITTING = [
    Mistake("ない担当課", put("/department", "市民科"), "/department", ("市民科", "市民課 ではありませんか")),
    Mistake("ないできごと", put("/life_events/1", "movein"), "/life_events/1", ("move-in ではありませんか",)),
    Mistake("ない区分", put("/group", "juyou"), "/group", ("juyo ではありませんか",)),
    Mistake("ない手数料", put("/fee/items/0/code", "juminhyou"), "/fee/items/0/code", ("juminhyo ではありませんか",)),
    Mistake(
        "数でない項目の数",
        put("/fee/items/0/quantity", "/copy"),
        "/fee/items/0/quantity",
        ("/copies ではありませんか", "integer"),
    ),
    Mistake(
        "手数料の条件の打ちまちがい",
        put("/fee/items/1/when", {"properties": {"recieve": {"const": "post"}}, "required": ["recieve"]}),
        "/fee/items/1/when",
        ("/receive ではありませんか",),
    ),
    Mistake(
        "かからない手数料の減免",
        put("/fee/waivers/0/codes", ["koseki"]),
        "/fee/waivers/0/codes",
        ("koseki は内訳にありません", "juminhyo"),
    ),
    Mistake(
        "繰り返しでない each",
        put("/fee/items/0/each", "/dog"),
        "/fee/items/0/each",
        ("/dogs ではありませんか",),
        file=ROWS,
    ),
    Mistake(
        "ない繰り返しの書類",
        put("/attachments/0/each", "/dog"),
        "/attachments/0/each",
        ("/dogs ではありませんか",),
        file=ROWS,
    ),
    Mistake(
        "同じキーの書類",
        put("/attachments/1", {"key": "ininjo", "title": "委任状"}),
        "/attachments/1/key",
        ("同じキー",),
    ),
    Mistake(
        "ステップにない質問",
        lambda raw: raw["ui"]["steps"][2]["fields"].remove("/copies"),
        "/ui/steps",
        ("/copies がどのステップにもありません",),
    ),
    Mistake(
        "2つのステップにある質問",
        lambda raw: raw["ui"]["steps"][1]["fields"].append("/copies"),
        "/ui/steps",
        ("/copies が二つ以上",),
    ),
    Mistake(
        "ステップの項目の打ちまちがい",
        put("/ui/steps/2/fields/0", "/extents"),
        "/ui/steps/2/fields/0",
        ("/extent ではありませんか",),
    ),
    Mistake(
        "ステップにない書類",
        lambda raw: [
            step["fields"].remove("attachment:ininjo")
            for step in raw["ui"]["steps"]
            if "attachment:ininjo" in step["fields"]
        ],
        "/ui/steps",
        ("attachment:ininjo", "fields に"),
    ),
    Mistake(
        "ステップの書類の打ちまちがい",
        put("/ui/steps/2/fields/0", "attachment:ininjou"),
        "/ui/steps/2/fields/0",
        ("attachment:ininjo ではありませんか",),
    ),
    Mistake(
        "言葉の項目の打ちまちがい",
        put("/ui/fields", {"/copy": {"hint": "数"}}),
        "/ui/fields/~1copy",
        ("/copies ではありませんか",),
    ),
    Mistake(
        "使えない部品",
        put("/ui/fields", {"/copies": {"widget": "slider"}}),
        "/ui/fields/~1copies/widget",
        ("slider は使えません", "integer"),
    ),
    Mistake("1つしかない番号", put("/id", "P118"), "/id", ("P118", "inu-toroku.json")),
]
CASES = [
    Mistake("手数料の見こみちがい", put(f"{CASE}/expect/fee", 711), f"{CASE}/expect/fee", ("710", "711")),
    Mistake(
        "回答の名前の打ちまちがい",
        rename(f"{CASE}/answers/copies", "copys"),
        f"{CASE}/answers/copys",
        ("/copies ではありませんか",),
    ),
    Mistake("日本語の回答の名前", put(f"{CASE}/answers/通数", 1), f"{CASE}/answers/通数", ("という項目はありません",)),
    Mistake(
        "足りない回答",
        drop(f"{CASE}/answers/extent"),
        f"{CASE}/expect/errors",
        ("/extent に誤り required", "回答がありません"),
    ),
    Mistake(
        "選べない回答",
        put(f"{CASE}/answers/extent", "世帯全員"),
        f"{CASE}/expect/errors",
        ("/extent に誤り enum", "選べない"),
    ),
    Mistake(
        "出ない誤り",
        put(f"{CASE}/expect/errors", {"/copies": "maximum"}),
        f"{CASE}/expect/errors/~1copies",
        ("maximum は出ません",),
    ),
    Mistake(
        "誤りの項目の打ちまちがい",
        put(f"{CASE}/expect/errors", {"/copy": "maximum"}),
        f"{CASE}/expect/errors/~1copy",
        ("/copies ではありませんか",),
    ),
    Mistake(
        "聞かれない項目", put(f"{CASE}/expect/asked", ["/agent"]), f"{CASE}/expect/asked/0", ("/agent は聞かれません",)
    ),
    Mistake(
        "聞かれる項目の打ちまちがい",
        put(f"{CASE}/expect/asked", ["/agents"]),
        f"{CASE}/expect/asked/0",
        ("/agent ではありませんか",),
    ),
    Mistake(
        "ない書類",
        put(f"{CASE}/attachments", {"ininjou": 1}),
        f"{CASE}/attachments/ininjou",
        ("ininjo ではありませんか",),
    ),
    Mistake(
        "期待の打ちまちがい", rename(f"{CASE}/expect", "expects"), f"{CASE}/expects", ("expect ではありませんか",), True
    ),
    Mistake(
        "求められない書類",
        put(f"{CASE}/expect/attachments", ["ininjo"]),
        f"{CASE}/expect/attachments",
        ("なし になります", "ininjo"),
    ),
    Mistake(
        "弱い本人確認", put(f"{CASE}/as", {"level": "email"}), f"{CASE}/expect/errors", ("ASSURANCE_REQUIRED", "level")
    ),
]
ALL = [*TEXT, *SHAPE, *QUESTIONS, *FITTING, *CASES]


def ask_number(raw: Raw) -> None:
    raw["schema"]["properties"]["my_number"] = {"$ref": "urn:kakanai:common#/$defs/my_number"}
    raw["ui"]["steps"][1]["fields"].append("/my_number")


def spoilt(mistake: Mistake) -> bytes:
    text = (ROOT / mistake.file).read_text("utf-8")
    if mistake in TEXT:
        changed = mistake.change(text)  # type: ignore[arg-type]  # those of TEXT change texts
        return changed if isinstance(changed, bytes) else str(changed).encode()
    raw = json.loads(text)
    mistake.change(raw)
    return json.dumps(raw, ensure_ascii=False, indent=2).encode()


def lines(shelf: Path, paths: list[Path]) -> list[str]:
    return told(check(paths, today=TODAY, root=shelf, city=shelf.parent / "city.json"))


@pytest.mark.parametrize("mistake", ALL, ids=lambda mistake: mistake.name)
def test_a_mistake_is_named_with_its_place_and_what_to_write(shelf: Path, mistake: Mistake) -> None:
    path = shelf / mistake.file
    path.write_bytes(spoilt(mistake))
    found = lines(shelf, [path])
    mine = [line for line in found if line.startswith(f"{path}: {mistake.pointer or '/'}")]
    assert any(all(word in line for word in mistake.words) for line in mine), "\n".join(found)
    assert all(re.fullmatch(rf"{re.escape(str(path))}: /[^ ]*: .+; .+", line) for line in found)
    assert len(found) <= 6, "one slip is not to bury the page"


@pytest.mark.parametrize("mistake", [each for each in ALL if each not in TEXT], ids=lambda mistake: mistake.name)
def test_what_a_schema_can_say_an_editor_marks_too(mistake: Mistake) -> None:
    assert (not EDITOR.is_valid(json.loads(spoilt(mistake)))) is mistake.seen


def test_a_slip_in_one_part_hides_none_in_another(shelf: Path) -> None:
    path = shelf / HOME
    raw = json.loads(path.read_text("utf-8"))
    put("/department", "市民科")(raw)
    put("/processing_days", "2日")(raw)
    rename(f"{PROPERTIES}/copies/minimum", "minimun")(raw)
    raw["schema"]["allOf"][1]["if"].pop("required")
    put("/ui/steps/2/fields/0", "/extents")(raw)
    path.write_text(json.dumps(raw, ensure_ascii=False), "utf-8")
    found = {fault.pointer for _, fault in check([path], today=TODAY, root=shelf, city=shelf.parent / "city.json")}
    assert found >= {
        *("/department", "/processing_days", f"{PROPERTIES}/copies/minimun"),
        *("/schema/allOf/1/if/properties/extent", "/ui/steps/2/fields/0"),
    }


@pytest.mark.parametrize("name", ["nai.json", "juminhyo-utushi.json"])
def test_a_file_that_is_not_there_is_said_not_to_be(shelf: Path, name: str) -> None:
    (line,) = lines(shelf, [shelf / HOME.with_name(name)])
    assert "このファイルはありません" in line
    assert ("juminhyo-utsushi.json ではありませんか" in line) is (name != "nai.json")


def test_a_folder_without_declarations_is_said_to_have_none(shelf: Path) -> None:
    (shelf / "empty").mkdir()
    (line,) = lines(shelf, [shelf / "empty"])
    assert "宣言がありません" in line


@pytest.mark.parametrize("name", ["Juminhyo.json", "住民票.json", "juminhyo_utsushi.json"])
def test_a_name_that_is_no_address_is_named(shelf: Path, name: str) -> None:
    path = (shelf / HOME).rename((shelf / HOME).with_name(name))
    assert any("アドレスにできません" in line for line in lines(shelf, [path]))


@pytest.mark.parametrize("place", ["juminhyo.json", "resident-record/old/juminhyo.json", "resident-record/a.JSON"])
def test_a_file_where_nobody_reads_it_is_named(shelf: Path, place: str) -> None:
    path = shelf / "declarations" / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}", "utf-8")
    found = check(today=TODAY, root=shelf, city=shelf.parent / "city.json")
    assert [(where, fault.pointer) for where, fault in found] == [(path, "")]


def test_a_byte_order_mark_harms_nobody(shelf: Path) -> None:
    path = shelf / HOME
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert lines(shelf, [path]) == []


def test_what_a_terminal_would_obey_is_written_out(shelf: Path) -> None:
    path = shelf / HOME
    path.write_text(path.read_text("utf-8").replace('"summary"', '"\\u001b[2Jsummary\\u202e"', 1), "utf-8")
    assert all(line.isprintable() for line in lines(shelf, [path]))


def test_a_city_file_that_cannot_be_used_is_named_and_the_rest_is_still_checked(shelf: Path) -> None:
    (shelf.parent / "city.json").write_text("{}", "utf-8")
    put_group = put("/group", "juyou")
    raw = json.loads((shelf / HOME).read_text("utf-8"))
    put_group(raw)
    (shelf / HOME).write_text(json.dumps(raw), "utf-8")
    found = lines(shelf, [shelf / HOME])
    assert len(found) == 2
    assert "city.json" in found[0]
    assert "/group" in found[1]
