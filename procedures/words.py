"""What each keyword of the questions' dialect is for, in words for administrators; editors show them."""

from __future__ import annotations

from typing import Final

from forms_schema.base import Json


def _words(title: str, description: str) -> dict[str, Json]:
    return {"title": title, "description": description}


KEYWORD_WORDS: Final[dict[str, dict[str, Json]]] = {
    "$ref": _words("共通定義", "urn:kakanai:common#/$defs/person のように、procedures/common の定義を使う"),
    "$defs": _words("定義", "この宣言の中だけで使う定義"),
    "title": _words("見出し", "質問の見出し"),
    "description": _words("説明", "見出しの下に出す説明。例も書く"),
    "$comment": _words("覚え書き", "管理者だけが読む。画面には出ない"),
    "examples": _words("例", "回答の例"),
    "default": _words("はじめの値", "申請を始めるときに入れておく値"),
    "type": _words("型", "object=まとまり、array=繰り返しか複数選択、string=文字、integer=整数、boolean=はい・いいえ"),
    "enum": _words("選べる値", "値だけの一覧。見出しがいるときは oneOf を使う"),
    "const": _words("決まった値", "この値だけ。boolean の true なら同意の確認になる"),
    "oneOf": _words("選択肢", "{const: 英数字, title: 見出し} の一覧。または、どれか1つだけが当てはまる枝"),
    "anyOf": _words("どれか", "少なくとも1つが当てはまる枝"),
    "allOf": _words("すべて", "すべてが当てはまる枝。条件(if/then)もここに並べる"),
    "not": _words("でない", "1つの値についてだけ使える"),
    "if": _words("条件", "調べる項目を properties と required の両方に書く"),
    "then": _words("成り立つとき", "条件が成り立つときに聞く質問と決まり"),
    "else": _words("成り立たないとき", "未回答のときにもこちらになる。できれば条件をもう1つ書く"),
    "properties": _words("質問", "名前から質問へ。書いた順に聞く"),
    "required": _words("必須", "答えなければならない質問の名前"),
    "dependentRequired": _words("合わせて必須", "ある質問に答えたら、ほかの質問も必須にする"),
    "dependentSchemas": _words("合わせて聞く", "ある質問に答えたら、ほかの質問も聞く"),
    "items": _words("1行の内容", "繰り返しの1行、または複数選択の選択肢"),
    "contains": _words("含む", "条件: 少なくとも1つの行や選択が当てはまる"),
    "minContains": _words("含む最小の数", "当てはまる行や選択の最小の数"),
    "maxContains": _words("含む最大の数", "当てはまる行や選択の最大の数"),
    "minItems": _words("最小の数", "行や選択の最小の数"),
    "maxItems": _words("最大の数", "行や選択の最大の数"),
    "uniqueItems": _words("重なりなし", "複数選択では true と書く"),
    "minLength": _words("最短", "最も短い文字数"),
    "maxLength": _words("最長", "最も長い文字数。200 を超えると複数行の欄になる"),
    "pattern": _words("書き方", "^ で始まり $ で終わる正規表現。\\d \\w \\s は使えない"),
    "format": _words(
        "書式", "date=日付、phone=電話、email=メール、postal-code=郵便番号、kana=全角カタカナ、slot=予約の枠 など"
    ),
    "minimum": _words("最小", "最も小さい数"),
    "maximum": _words("最大", "最も大きい数"),
    "exclusiveMinimum": _words("より大きい", "この数より大きい"),
    "exclusiveMaximum": _words("より小さい", "この数より小さい"),
    "multipleOf": _words("倍数", "この数の倍数"),
    "x-kind": _words("まとまりの種類", "person-name=氏名、address=住所、account=口座。共通定義だけで使う"),
    "x-subject": _words(
        "だれのことか", "applicant=申請者、agent=代理人、children=子ども など。同じ人のことは一度だけ聞く"
    ),
    "x-date": _words(
        "日付の範囲", "min と max に today、-P91D のような期間、2024-04-01 のような日付、または /項目 を書く"
    ),
    "x-age": _words("年齢", "条件で使う。min と max に年齢を書く"),
    "x-sensitive": _words("特に守る", "個人番号など、別に暗号化して保存する回答"),
    "x-purpose": _words("使う目的", "この回答を何に使うか。質問のそばに出す"),
}

ENUM_WORDS: Final[dict[str, dict[str, str]]] = {
    "type": {
        "object": "項目のまとまり",
        "array": "繰り返し、または複数選択",
        "string": "文字",
        "integer": "整数",
        "number": "小数。できれば string と format: decimal を使う",
        "boolean": "はい・いいえ",
    },
    "format": {
        "date": "日付",
        "year-month": "年と月",
        "time": "時刻",
        "slot": "予約の枠",
        "phone": "電話番号",
        "email": "メールアドレス",
        "postal-code": "郵便番号",
        "my-number": "個人番号",
        "corporate-number": "法人番号",
        "decimal": "小数",
        "kana": "全角カタカナ",
        "account-holder": "口座名義",
    },
    "x-kind": {"person-name": "氏名", "address": "住所", "account": "口座"},
}
"""What the values of a keyword mean."""

NAME_WORDS: Final = "半角の英小文字で始め、英小文字・数字・_ だけで、41文字までにします"
"""How the names of questions are written."""

ELSEWHERE: Final[dict[str, str]] = {
    "category": "分類はフォルダーの名前で決まります。この行は消してください",
    "slug": "アドレスはファイルの名前で決まります。この行は消してください",
    "steps": "ステップは ui の中の steps に書きます",
    "uiSchema": "画面の言葉は ui に書きます",
    "properties": "質問は schema の中の properties に書きます",
    "hint": "説明は description、または ui.fields の hint に書きます",
    "help": "説明は description に書きます",
    "label": "見出しは title に書きます",
    "placeholder": "欄の中の例は使いません。description に「例: …」と書きます",
    "widget": "部品は ui.fields の widget に書きます",
    "enumNames": 'oneOf に {"const": 英数字, "title": 見出し} と書きます',
    "options": 'oneOf に {"const": 英数字, "title": 見出し} と書きます',
    "choices": 'oneOf に {"const": 英数字, "title": 見出し} と書きます',
    "definitions": "$defs と書きます",
    "dependencies": "dependentRequired か dependentSchemas と書きます",
    "additionalProperties": "書かなくても、知らない名前は受け取りません。この行は消してください",
    "patternProperties": "質問には1つずつ名前を付けて properties に書きます",
    "prefixItems": "1つずつ別の質問にします",
    "optional": "任意の質問は required に書かないだけです",
    "min": "数は minimum、文字数は minLength、行の数は minItems です",
    "max": "数は maximum、文字数は maxLength、行の数は maxItems です",
    "value": "選択肢の値は const に書きます",
    "name": "見出しは title に書きます",
    "visible_if": "質問を出す条件は schema の if と then に書きます",
    "show_if": "質問を出す条件は schema の if と then に書きます",
    "fees": "手数料は fee に書きます",
    "amount": "金額は procedures/fees.json に書き、ここには code を書きます",
    "price": "金額は procedures/fees.json に書き、ここには code を書きます",
    "tests": "試験は cases に書きます",
    "expected": "期待は expect に書きます",
}
"""Keys that are looked for where they do not belong, and where their matter does."""

SUBJECT_WORDS: Final[dict[str, str]] = {
    "applicant": "本人(証明や手当などを受ける人、届出をする義務のある人)",
    "agent": "代理人",
    "spouse": "配偶者",
    "partner": "パートナー",
    "person": "手続に出てくるほかの人",
    "people": "手続に出てくるほかの人たち",
    "child": "子ども",
    "children": "子どもたち",
    "pupils": "児童・生徒",
    "household": "世帯の人たち",
    "previous_household": "前の世帯の人たち",
    "head_of_household": "世帯主",
    "heir": "相続する人",
    "deceased": "亡くなった人",
    "guardian": "保護者・後見人",
    "owner": "持ち主",
    "subject": "証明や調べの対象になる人",
    "payout": "振込先の口座",
    "debit": "引落しの口座",
    "dog": "犬",
    "dogs": "犬たち",
    "business": "事業者・事業所",
    "organization": "団体(サークル・町内会など)",
    "property": "土地や建物",
    "properties": "土地や建物(いくつか)",
    "vehicle": "車両",
    "vehicles": "車両(いくつか)",
    "recipient": "書類を受け取る人・送り先",
    "acting": "だれが手続をするか",
    "occasion": "手続のきっかけ(引越し、出生など)",
    "occurred_on": "きっかけになったことがあった日",
    "married": "婚姻",
    "moved_on": "引越した日、引越す予定の日",
    "moved": "もう引越したか",
    "moving": "これから引越すか",
    "home": "いまの住所、引越した人の新しい住所",
    "previous_home": "引越す前の住所",
    "previous_city": "前に住んでいた市区町村",
    "nationality": "国籍",
    "foreign": "外国籍か",
    "has_card": "マイナンバーカードを持っているか",
    "living": "本人との同居・別居",
    "relation": "本人との関係(続柄)",
    "head_relation": "新しい世帯主からみた続柄",
    "child_relation": "手続の対象の子からみた関係",
    "is_applicant": "この人は本人か",
    "any_household": "ほかに世帯の人がいるか",
}
"""Whose facts an answer may be; from `acting` on, a subject that is a single fact, of the member whose row or group it
stands in, else of the applicant."""
