"""The city's open data: the catalogue, the fees, the use, and the list of these, as tables.

One `Dataset` is written as CSV (UTF-8 with a byte order mark, which spreadsheets need for Japanese), as JSON and into
the DCAT catalogue, so that they cannot disagree. Columns follow 自治体標準オープンデータセット where it has any; rows
have an order of their own, so that a file changes only when its content does.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from procedures.city import City
from procedures.declaration import Header
from procedures.dialect import ASSURANCES, CHANNELS, PROCEDURE_TYPES, RESULTS, TIMINGS
from procedures.fees import FeeRow
from procedures.library import Shared
from server.catalogue.catalogue import STATES, Catalogue, Published
from server.catalogue.usage import LEAST, Use, until
from server.japan import today

LICENCE: Final = "CC BY 4.0"
LICENCE_URL: Final = "https://creativecommons.org/licenses/by/4.0/deed.ja"
STANDARD: Final = "自治体標準オープンデータセット"
Cell = str | int | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """One table. `rows` have a cell for each of `columns`; several values in a cell are joined by ';'."""

    id: str
    title: str
    summary: str
    keywords: tuple[str, ...]
    frequency: str
    updated: date
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> bytes:
        """UTF-8 with BOM, one line of headings, CRLF (RFC 4180)."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(self.columns)
        writer.writerows(["" if cell is None else _harmless(cell) for cell in row] for row in self.rows)
        return out.getvalue().encode("utf-8-sig")

    def json(self) -> bytes:
        """What it is and the rows as objects; an empty cell is null."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        told = {"title": self.title, "description": self.summary, "license": LICENCE_URL}
        whole = {**told, "modified": self.updated.isoformat(), "rows": rows}
        return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()


def _harmless(cell: Cell) -> Cell:
    """A spreadsheet would calculate a text that begins like a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def datasets(catalogue: Catalogue, city: City, used: Sequence[Use], base_url: str, *, now: datetime) -> list[Dataset]:
    """Every table but the list of them, which is made from these (`listed`)."""
    return [
        _procedures(catalogue, city, base_url, now),
        _fees(catalogue, city, now),
        _usage(catalogue, city, used, now),
    ]


# --- the tables -------------------------------------------------------------------------------------------------------

_PROCEDURE: Final = (
    *("全国地方公共団体コード", "ID", "地方公共団体名", "名称", "名称_カナ", "名称_英語", "正式名称", "概要"),
    *("分類", "暮らしのできごと", "区分", "担当課", "根拠法令", "種別", "本人確認", "受付方法", "手に入るもの"),
    *("手数料", "手数料の支払い", "標準処理日数", "必要な書類", "オンライン化年度", "受付状態", "受付開始日"),
    *("受付終了日", "オンライン申請の移り先", "URL", "更新日"),
)


def _procedures(catalogue: Catalogue, city: City, base_url: str, now: datetime) -> Dataset:
    served = catalogue.all()
    return Dataset(
        "procedures",
        "行政手続一覧",
        "オンライン・窓口でできる行政手続の一覧。名称、概要、根拠、手数料、必要な書類、受付の状態など。",
        ("行政手続", "オンライン申請", "手数料", "窓口"),
        "随時",
        _updated(served, now),
        _PROCEDURE,
        tuple(_procedure(each, catalogue.shared, city, base_url, now) for each in served),
    )


def _procedure(each: Published, shared: Shared, city: City, base_url: str, now: datetime) -> tuple[Cell, ...]:
    of, status, handed = each.declaration, each.status(now), each.handed_over
    category = shared.categories.get(of.category)
    return (
        *_whose(city, of.id),
        of.title,
        of.kana,
        shared.translations.text("en", of.slug, of.title),
        of.official_title,
        of.summary,
        category.title if category else of.category,
        _joined(shared.life_events[code].title for code in of.life_events if code in shared.life_events),
        shared.groups.get(of.group, of.group),
        of.department,
        of.legal_basis,
        PROCEDURE_TYPES[of.procedure_type],
        ASSURANCES[of.assurance],
        _joined(CHANNELS[channel] for channel in of.channels),
        RESULTS[of.result],
        _joined(_charged(of, shared, now)) or "無料",
        TIMINGS[of.fee.timing] if of.fee else None,
        of.processing_days,
        _joined(of.papers),
        of.online_since or None,
        STATES[status.state],
        _day(status.accepts_from),
        _day(status.accepts_until),
        handed.to if handed else None,
        f"{base_url}/procedures/{of.slug}",
        _day(today(each.published_at)),
    )


def _charged(of: Header, shared: Shared, now: datetime) -> Iterator[str]:
    codes = {item.code for item in of.fee.items} if of.fee else set()
    for row in shared.fees.rows:
        if row.code in codes and row.valid_on(today(now)):
            yield f"{row.title} {row.amount}円/{row.unit}"


_FEE: Final = (
    *("全国地方公共団体コード", "ID", "地方公共団体名", "名称", "金額", "単位", "適用開始日", "適用終了日"),
    *("根拠法令", "手続のID", "手続の名称"),
)


def _fees(catalogue: Catalogue, city: City, now: datetime) -> Dataset:
    served = catalogue.all()
    rows = sorted(catalogue.shared.fees.rows, key=lambda row: (row.code, row.valid_from or date.min))
    asking: dict[str, list[Header]] = {}
    for each in served:
        for code in {item.code for item in each.declaration.fee.items} if each.declaration.fee else ():
            asking.setdefault(code, []).append(each.declaration)
    return Dataset(
        "fees",
        "手数料一覧",
        "行政手続の手数料。金額は円。適用期間ごとに1行。",
        ("手数料", "行政手続"),
        "随時",
        _updated(served, now),
        _FEE,
        tuple(_fee(row, asking.get(row.code, ()), city) for row in rows),
    )


def _fee(row: FeeRow, asking: Sequence[Header], city: City) -> tuple[Cell, ...]:
    days = (_day(row.valid_from), _day(row.valid_until))
    ids, titles = _joined(each.id for each in asking), _joined(each.title for each in asking)
    return (*_whose(city, row.code), row.title, row.amount, row.unit, *days, row.legal_basis, ids, titles)


_USE: Final = ("全国地方公共団体コード", "ID", "地方公共団体名", "名称", "年月", "受付方法", "件数", "備考")


def _usage(catalogue: Catalogue, city: City, used: Sequence[Use], now: datetime) -> Dataset:
    titles = {each.declaration.slug: each.declaration for each in catalogue.all()}
    rows = [_use(use, titles[use.slug], city) for use in used if use.slug in titles]
    return Dataset(
        "usage",
        "行政手続の利用件数",
        f"手続・月・受付方法ごとの申請の件数。前の月まで。{LEAST}件未満は、件数を出していません。",
        ("行政手続", "利用件数", "統計"),
        "月次",
        until(now),
        _USE,
        tuple(sorted(rows, key=lambda row: (str(row[1]), str(row[4]), str(row[5])))),
    )


def _use(use: Use, of: Header, city: City) -> tuple[Cell, ...]:
    channel = {channel.value: words for channel, words in CHANNELS.items()}.get(use.channel, use.channel)
    note = None if use.count is not None else f"{LEAST}件未満"
    return (*_whose(city, of.id), of.title, use.month, channel, use.count, note)


# --- what there is ----------------------------------------------------------------------------------------------------

_LISTED: Final = (
    *("全国地方公共団体コード", "地方公共団体名", "データセット_ID", "データセット_タイトル", "データセット_概要"),
    *("データセット_キーワード", "データセット_分類", "データセット_URL", "データセット_更新頻度"),
    *("データセット_準拠する標準", "データセット_関連ドキュメント", "データセット_対象期間", "データセット_公開日"),
    *("データセット_最終更新日", "データセット_連絡先名称", "データセット_連絡先メールアドレス"),
    *("データセット_連絡先電話番号", "データセット_連絡先内線番号", "データセット_連絡先FormURL"),
    *("データセット_連絡先備考（その他、SNSなど）", "データセット_備考", "ファイル_タイトル", "ファイル_アクセスURL"),
    *("ファイル_ダウンロードURL", "ファイル_説明", "ファイル形式", "ファイル_ライセンス", "ファイル_ステータス"),
    *(
        "ファイル_公開日",
        "ファイル_最終更新日",
        "ファイル_利用規約",
        "ファイル_関連ドキュメント",
        "ファイル_準拠する標準",
    ),
)
FORMATS: Final = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def listed(sets: Sequence[Dataset], city: City, base_url: str) -> Dataset:
    """オープンデータ一覧: one line a file, in the columns of the standard."""
    rows = [_file(each, kind, city, base_url) for each in sets for kind in FORMATS]
    return Dataset(
        "datasets",
        "オープンデータ一覧",
        "このサイトが公開しているデータの一覧。",
        ("オープンデータ",),
        "随時",
        max(each.updated for each in sets),
        _LISTED,
        tuple(rows),
    )


def _file(each: Dataset, kind: str, city: City, base_url: str) -> tuple[Cell, ...]:
    page, day = f"{base_url}/opendata", each.updated.isoformat()
    told: dict[str, Cell] = {
        "全国地方公共団体コード": city.code,
        "地方公共団体名": city.name,
        "データセット_ID": each.id,
        "データセット_タイトル": each.title,
        "データセット_概要": each.summary,
        "データセット_キーワード": _joined(each.keywords),
        "データセット_分類": "行政手続",
        "データセット_URL": page,
        "データセット_更新頻度": each.frequency,
        "データセット_準拠する標準": STANDARD if each.id == "datasets" else None,
        "データセット_最終更新日": day,
        "データセット_連絡先名称": city.office,
        "データセット_連絡先メールアドレス": city.email,
        "データセット_連絡先電話番号": city.phone,
        "ファイル_タイトル": f"{each.title}({kind.upper()})",
        "ファイル_アクセスURL": page,
        "ファイル_ダウンロードURL": f"{page}/{each.id}.{kind}",
        "ファイル_説明": each.summary,
        "ファイル形式": kind.upper(),
        "ファイル_ライセンス": LICENCE,
        "ファイル_ステータス": "配信中",
        "ファイル_最終更新日": day,
        "ファイル_利用規約": LICENCE_URL,
    }
    return tuple(told.get(column) for column in _LISTED)


def dcat(sets: Sequence[Dataset], city: City, base_url: str) -> bytes:
    """The catalogue as JSON-LD in DCAT 3, for portals that harvest it."""
    page = f"{base_url}/opendata"
    publisher = {"@type": "foaf:Organization", "foaf:name": city.name, "foaf:homepage": {"@id": city.url}}
    whole: dict[str, Any] = {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": page,
        "@type": "dcat:Catalog",
        "dct:title": {"@language": "ja", "@value": f"{city.name} 行政手続のオープンデータ"},
        "dct:publisher": publisher,
        "dct:license": {"@id": LICENCE_URL},
        "dct:modified": _xsd(max(each.updated for each in sets)),
        "dcat:dataset": [_dcat(each, publisher, page) for each in sets],
    }
    return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()


def _dcat(each: Dataset, publisher: Mapping[str, Any], page: str) -> dict[str, Any]:
    return {
        "@id": f"{page}#{each.id}",
        "@type": "dcat:Dataset",
        "dct:identifier": each.id,
        "dct:title": {"@language": "ja", "@value": each.title},
        "dct:description": {"@language": "ja", "@value": each.summary},
        "dcat:keyword": [{"@language": "ja", "@value": word} for word in each.keywords],
        "dct:publisher": publisher,
        "dct:modified": _xsd(each.updated),
        "dct:license": {"@id": LICENCE_URL},
        "dcat:distribution": [
            {
                "@type": "dcat:Distribution",
                "dcat:downloadURL": {"@id": f"{page}/{each.id}.{kind}"},
                "dcat:mediaType": media_type.partition(";")[0],
                "dct:license": {"@id": LICENCE_URL},
            }
            for kind, media_type in FORMATS.items()
        ],
    }


def _xsd(day: date) -> dict[str, str]:
    return {"@type": "xsd:date", "@value": day.isoformat()}


def _whose(city: City, name: str) -> tuple[Cell, ...]:
    return city.code, name, city.name


def _joined(values: Iterator[str] | Sequence[str]) -> str | None:
    return ";".join(values) or None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _updated(served: Sequence[Published], now: datetime) -> date:
    """The day of the latest publication; today where nothing is served."""
    return max((today(each.published_at) for each in served), default=today(now))
