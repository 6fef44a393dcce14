"""`python -m tests.specimens` writes docs/field-kinds.md from the specimens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from server.web.contexts import KindSpecimens, Typed
from server.web.sandbox.gallery import every_kind

PAGE: Final = Path(__file__).parents[2] / "docs" / "field-kinds.md"
DAY: Final = date(2026, 12, 1)
_HEAD: Final = """# 質問の種類

質問は、`schema` に書いた `type`、`format`、選択肢から、次のどれかの種類になります。種類が、画面の部品、読み取り方、
誤りの言葉を決めます。実際の姿は試験環境の `/_kinds` にあります。
手引きは [writing-a-procedure.md](writing-a-procedure.md) です。

このページは `tests/specimens/` の見本から作ります。直すときは見本を直し、`python -m tests.specimens` を打ってください。

"""


def page() -> str:
    """The whole page."""
    kinds = every_kind(DAY)
    index = "\n".join(f"| [{each.kind}](#{each.kind}) | {each.purpose} |" for each in kinds)
    return f"{_HEAD}| 種類 | 何を聞くか |\n|---|---|\n{index}\n\n" + "\n".join(map(_kind, kinds))


def _kind(kind: KindSpecimens) -> str:
    parts = [f"## {kind.kind}\n", f"{kind.purpose}。\n", f"**見た目** {kind.look}。\n"]
    parts.append(f"**書き方**\n\n```json\n{_json(kind.declare)}\n```\n")
    if kind.widgets:
        others = "、".join(f"`{name}`" for name in kind.widgets[1:])
        said = f"`{kind.widgets[0]}`(ふだんの姿)" + (f"、{others}" if others else "")
        parts.append(f"**部品(`ui.fields` の `widget`)** {said}\n")
    parts += _table("受け付けるもの", "読み取った答え", kind.accepts)
    parts += _table("断るもの", "住民に見せる言葉", kind.refuses)
    return "\n".join(parts)


def _json(text: str) -> str:
    """One line where it fits; otherwise indented."""
    return text if len(text) <= 110 else json.dumps(json.loads(text), ensure_ascii=False, indent=2)


def _table(title: str, column: str, rows: Sequence[Typed]) -> Iterator[str]:
    if rows:
        lines = "\n".join(f"| {_cell(row.title)} | {_cell(row.typed)} | {_cell(row.becomes)} |" for row in rows)
        yield f"**{title}**\n\n| | 打ったもの | {column} |\n|---|---|---|\n{lines}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;") or "(なし)"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    print(PAGE)
