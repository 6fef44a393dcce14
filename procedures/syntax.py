"""What is wrong with a file that is no JSON, in words for somebody who has never heard of JSON.

The reader stops at the first slip, so this says one thing: where (line and letter, both counted from 1), what stands
there, and what to write.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Final

from forms_schema.base import BadDeclaration, Fault

_QUOTES: Final = "“”„‟＂'‘’＇`´「」『』"
_WIDE: Final = {"：": ":", "，": ",", "、": ",", "｛": "{", "｝": "}", "［": "[", "］": "]", "＂": '"'}
_BLANK: Final = " \t\r\n"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_WORDS: Final = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false", "None": "null", "NULL": "null"}
_STRING: Final = '文字の値は半角の " で囲み、1行に書きます'


def decoded(data: bytes) -> str:
    """The text of `data`, a byte order mark left out. Raises BadDeclaration when it is no UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = Fault(
            "",
            f"文字コードが UTF-8 ではありません({line}行目{_likely(data)})",
            "エディターの「エンコード付きで保存」などで、UTF-8 を選んで保存しなおしてください",
        )
        raise BadDeclaration([fault]) from None


def _likely(data: bytes) -> str:
    if data.startswith(_UTF_16):
        return "。UTF-16 のようです"
    try:
        data.decode("cp932")
    except UnicodeDecodeError:
        return ""
    return "。Shift_JIS のようです"


def explained(text: str, error: json.JSONDecodeError) -> Fault:
    """The fault for what the reader stopped at."""
    if not text.strip(_BLANK):
        return Fault(
            "", "ファイルが空です", "{ で始まり } で終わる宣言を書いてください(kakanai procedures new で作れます)"
        )
    at, problem, allowed = _slip(text, error)
    line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
    return Fault("", f"JSON として読めません({line}行目の{column}文字目): {problem}", allowed)


def _slip(text: str, error: json.JSONDecodeError) -> tuple[int, str, str]:
    """(where, what is wrong, what to do)."""
    at, said = error.pos, error.msg
    letter = text[at : at + 1]
    if said.startswith("Unterminated string"):
        return at, '閉じる " がありません', _STRING
    if said.startswith("Invalid control character"):
        what = "改行" if letter in "\r\n" else "タブなどの制御文字"
        return at, f'文字の値の途中に{what}があります(閉じる " を忘れていませんか)', _STRING
    if said.startswith("Invalid") and "escape" in said:
        return at, "\\ の使い方が違います", "\\ そのものは \\\\ と2つ書きます"
    if not letter:
        return max(len(text.rstrip()) - 1, 0), "途中で終わっています", "閉じる } か ] をたしてください"
    if said == "Extra data":
        return at, f"宣言の終わりのあとに {_shown(letter)} があります", "最後の } のあとには何も書かないでください"
    return _at_letter(text, at, letter, said)


def _at_letter(text: str, at: int, letter: str, said: str) -> tuple[int, str, str]:
    word = "".join(text[at:].split(maxsplit=1)[:1]).rstrip(",}]")  # none where only a form feed or the like is left
    before = text[:at].rstrip(_BLANK)
    if text.startswith(("//", "/*", "#"), at):
        return at, "コメントは書けません", '覚え書きは "$comment" に書いてください'
    if text.startswith(("<<<<<<<", "=======", ">>>>>>>"), at):
        return at, "2人の変更がまざったままです(Git の印)", "残すほうを選び、印の行を消してください"
    if letter in _QUOTES:
        return at, f"引用符が {letter} です", '半角の " を使ってください'
    if letter in _WIDE:
        return at, f"全角の {letter} があります", f"半角の {_WIDE[letter]} を使ってください"
    if letter == "\u3000":
        return at, "全角の空白があります", "半角の空白にするか、消してください"
    if before.endswith(",") and letter in "}]":
        return len(before) - 1, f"最後のもののあとに , があります({letter} の前)", "この , を消してください"
    if letter == "," and before.endswith((",", "{", "[", ":")):
        return at, ", が多すぎます", "この , を消してください"
    if word in _WORDS:
        return at, f"{word} は書けません", f"{_WORDS[word]} と書いてください"
    return _unexpected(before, at, letter, said)


def _unexpected(before: str, at: int, letter: str, said: str) -> tuple[int, str, str]:
    if said.startswith("Expecting ','"):
        allowed = 'この後に , をたしてください(文字の値の中に " があるなら \\" と書きます)'
        return max(len(before) - 1, 0), "ここで , か閉じるかっこが要ります", allowed
    if said.startswith("Expecting ':'"):
        return max(len(before) - 1, 0), "名前のあとに : がありません", '"名前": 値 の形で書いてください'
    if said.startswith("Expecting property name"):
        return at, f'名前が " で始まっていません({_shown(letter)} があります)', '"名前": 値 の形で書いてください'
    return at, f"値として読めません({_shown(letter)} があります)", '文字の値なら " で囲んでください'


def _shown(letter: str) -> str:
    return letter if letter.isprintable() and not letter.isspace() else unicodedata.name(letter, f"U+{ord(letter):04X}")
