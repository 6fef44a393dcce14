"""Whether declarations may be published: shape, questions, references to shared data, law, and their own cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from forms_schema import Form, bundle, compile_form
from forms_schema.base import BadDeclaration, Fault, Json, Schema
from forms_schema.bundle import COMMON, LOCAL
from forms_schema.plan import read_by
from procedures.cases import run_cases
from procedures.city import City, load_city
from procedures.declaration import Assurance, Declaration, Fee, FeeItem
from procedures.fees import FeeTable, NoFeeError
from procedures.library import ROOT, Finding, Reader, Shared, declaration_files, read_shared
from procedures.reading import at_place, below

CITY: Final = ROOT.parent / "city.json"
TAKES: Final[dict[str, frozenset[str]]] = {
    definition: frozenset(subjects.split())
    for definition, subjects in {
        "person": "applicant agent spouse partner person heir head_of_household owner guardian deceased subject",
        "member": "spouse partner person people household previous_household head_of_household deceased heir subject",
        "child": "child children pupils subject",
        "account": "payout debit",
        "dog": "dog dogs",
    }.items()
}
"""Whose facts each common definition of somebody (or of a thing one has) may hold. What stands here for nobody in
particular (a phone number, an address) may be anybody's."""


def check(paths: Sequence[Path] | None = None, *, today: date, root: Path = ROOT, city: Path = CITY) -> list[Finding]:
    """Every fault of the declarations in `paths`, files or folders (all, when None), and of what they share, by file.

    The others are still read, so that an id that is used twice shows. `today` is the day on which fees must be in
    force, and on which cases are run that name no day of their own.
    """
    reader = Reader()
    shared = read_shared(root, reader)
    for name, path in reader.origins.items():
        reader.findings += [(path, fault) for fault in _of_definition(name, shared.common)]
    files = declaration_files(root)
    wanted = files if paths is None else [file for path in paths for file in _files(path)]
    places = {path.parts[-2:] for path in map(Path.resolve, wanted)}  # a copy elsewhere stands for the file it changes
    others = [path for path in files if path.parts[-2:] not in places]
    found = {path: reader.declaration(path, shared.common) for path in wanted}
    judge = _Judge(shared, load_city(city), today)
    for path, declaration in found.items():
        if declaration is not None:
            reader.findings += [(path, fault) for fault in judge.faults(declaration)]
    reader.findings += _twice(found, {path: Reader().declaration(path, shared.common) for path in others})
    return list(dict.fromkeys(_at_home(path, fault, reader.origins) for path, fault in reader.findings))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return declaration_files(path) or sorted(path.rglob("*.json"))


def _at_home(path: Path, fault: Fault, origins: Mapping[str, Path]) -> Finding:
    """A fault inside a common definition stands in the file that defines it, once, whoever met it."""
    inside = fault.pointer.removeprefix("/schema/$defs/")
    home = origins.get(inside.split("/")[0]) if inside != fault.pointer else None
    return (home, replace(fault, pointer=f"/$defs/{inside}")) if home else (path, fault)


def _of_definition(name: str, common: Mapping[str, Schema]) -> list[Fault]:
    """What keeps a common definition from being used at all."""
    alone = {"type": "object", "properties": {"it": {"$ref": COMMON + name, "x-subject": "subject"}}}
    try:
        compile_form(bundle(alone, common))
    except BadDeclaration as bad:
        return list(bad.faults)
    return []


def _twice(wanted: Mapping[Path, Declaration | None], others: Mapping[Path, Declaration | None]) -> Iterator[Finding]:
    """An id or a slug (it is the address of the page) that two declarations have."""
    seen: dict[tuple[str, str], Path] = {}
    for path, declaration in {**others, **wanted}.items():
        if declaration is None:
            continue
        for name, value, problem in (
            ("id", declaration.id, "手続番号"),
            ("slug", declaration.slug, "ファイル名"),
        ):
            other = seen.setdefault((name, value), path)
            if other != path:
                pointer = "/id" if name == "id" else ""
                yield (
                    path,
                    Fault(
                        pointer,
                        f"{problem} {value} は {other.parent.name}/{other.name} にもあります",
                        "ほかの名前にしてください",
                    ),
                )


@dataclass(frozen=True, slots=True)
class _Judge:
    """Holds a declaration that can be read against everything else."""

    shared: Shared
    city: City
    today: date

    def faults(self, declaration: Declaration) -> list[Fault]:
        """All faults; the cases are run only when there is no other, for they would only repeat it."""
        faults = list(self._of_references(declaration))
        try:
            form = declaration.form
        except BadDeclaration as bad:
            return [*faults, *bad.faults]
        faults += _of_subjects(declaration.schema, "/schema")
        faults += _of_numbers(declaration, form)
        faults += _of_attachments(declaration.attachments)
        if declaration.fee is not None:
            faults += _of_fee(declaration.fee, form, self.shared.fees, self.today)
        return faults or run_cases(declaration, self.shared.fees, self.today)

    def _of_references(self, declaration: Declaration) -> Iterator[Fault]:
        shared = self.shared
        if declaration.category not in shared.categories:
            yield _no_such("", f"分類(フォルダー) {declaration.category}", shared.categories)
        if declaration.group not in shared.groups:
            yield _no_such("/group", f"区分 {declaration.group}", shared.groups)
        if declaration.department not in self.city.departments:
            yield _no_such("/department", f"担当課 {declaration.department}", self.city.departments)
        for i, event in enumerate(declaration.life_events):
            if event not in shared.life_events:
                yield _no_such(f"/life_events/{i}", f"できごと {event}", shared.life_events)


def _no_such(pointer: str, what: str, known: Iterable[str]) -> Fault:
    return Fault(pointer, f"{what} はありません", "、".join(known))


def _of_subjects(schema: Json, at: str) -> Iterator[Fault]:
    """`x-subject` beside a definition that holds somebody else's facts."""
    if isinstance(schema, list):
        for i, item in enumerate(schema):
            yield from _of_subjects(item, f"{at}/{i}")
    if not isinstance(schema, Mapping):
        return
    subject, name = schema.get("x-subject"), _definition(schema)
    if isinstance(subject, str) and name in TAKES and subject not in TAKES[name]:
        fitting = "、".join(sorted(TAKES[name]))
        yield Fault(
            f"{at}/x-subject", f"{name} は {subject} のことを書く定義ではありません", f"{name} に使えるもの: {fitting}"
        )
    for key, value in schema.items():
        if key != "$defs":
            yield from _of_subjects(value, below(at, key))


def _definition(schema: Mapping[str, Json]) -> str:
    """The name of the common definition that a question, or each of its rows, takes."""
    items = schema.get("items")
    ref = schema.get("$ref") or (items.get("$ref") if isinstance(items, Mapping) else None)
    return ref.removeprefix(LOCAL) if isinstance(ref, str) else ""


def _of_numbers(declaration: Declaration, form: Form) -> Iterator[Fault]:
    """A 個人番号 is asked only of whom we know (番号法16条), and with the purpose said (個人情報保護法62条)."""
    for field in form.fields.values():
        if field.schema.get("format") != "my-number":
            continue
        if not declaration.assurance.covers(Assurance.OIDC_BASIC):
            yield Fault(
                "/assurance", f"個人番号({field.pointer})を聞くには弱すぎます", "oidc-basic または jpki-signature"
            )
        if "x-purpose" not in field.schema:
            yield Fault("/schema", f"個人番号({field.pointer})を使う目的がありません", "x-purpose に書いてください")


def _of_attachments(attachments: Sequence[Mapping[str, Json]]) -> Iterator[Fault]:
    keys = [item["key"] for item in attachments]
    for i, key in enumerate(keys):
        if key in keys[:i]:
            yield Fault(f"/attachments/{i}/key", "同じキーが2度あります", "ほかの名前にしてください")


def _of_fee(fee: Fee, form: Form, table: FeeTable, today: date) -> Iterator[Fault]:
    for i, item in enumerate(fee.items):
        at = f"/fee/items/{i}"
        yield from _of_code(item.code, f"{at}/code", table, today)
        yield from _of_item(item, at, form)
    for i, waiver in enumerate(fee.waivers):
        charged = {item.code for item in fee.items}
        if not waiver.codes <= charged:
            yield Fault(f"/fee/waivers/{i}/codes", "かからない手数料があります", "、".join(sorted(charged)))
        yield from _of_when(waiver.when, f"/fee/waivers/{i}/when", "", form)


def _of_code(code: str, at: str, table: FeeTable, today: date) -> Iterator[Fault]:
    try:
        table.row(code, today)
    except NoFeeError:
        yield _no_such(at, f"手数料 {code} の {today.isoformat()} の金額", sorted(table.codes))


def _of_item(item: FeeItem, at: str, form: Form) -> Iterator[Fault]:
    rows = form.fields.get(item.each)
    if item.each and (rows is None or rows.kind.name != "rows"):
        yield Fault(f"{at}/each", f"{item.each} という繰り返しはありません", "繰り返しの項目を書いてください")
        return
    inside = f"{item.each}/*" if item.each else ""
    counted = form.fields.get(inside + item.quantity)
    if item.quantity and (counted is None or counted.schema.get("type") != "integer"):
        yield Fault(
            f"{at}/quantity", f"{item.quantity} という数の項目はありません", "type が integer の項目を書いてください"
        )
    yield from _of_when(item.when, f"{at}/when", inside, form)


def _of_when(when: Schema | None, at: str, inside: str, form: Form) -> Iterator[Fault]:
    """A condition that is no condition, or reads what the form does not ask."""
    if when is None:
        return
    try:
        form.matches(when)
    except BadDeclaration as bad:
        yield from at_place(at, bad.faults)
        return
    for pointer in dict.fromkeys(read_by(when)):
        if inside + pointer not in form.fields:
            yield Fault(at, f"条件が {pointer} を見ていますが、その項目はありません", "項目の名前を確かめてください")
