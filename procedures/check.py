"""Whether declarations may be published: shape, questions, references to shared data, law, and their own cases."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from forms_schema import Form, bundle, compile_form
from forms_schema.base import BadDeclaration, Fault, Field, Json, Schema
from forms_schema.bundle import COMMON, LOCAL
from forms_schema.dialect import rows_among
from forms_schema.guess import guess, meant
from forms_schema.plan import STRUCTURE
from procedures import dialect, interviews
from procedures.alike import alike
from procedures.bookings import KIND, BookingTable
from procedures.cases import run_cases
from procedures.city import City, load_city
from procedures.conditions import condition_faults
from procedures.declaration import Assurance, Declaration, Fee, FeeItem, parse
from procedures.dialect import question_faults
from procedures.fees import FeeTable, NoFeeError
from procedures.library import ROOT, Finding, Reader, Shared, declaration_files, files_in, read_shared
from procedures.places import line_of, lines_of
from procedures.reading import at_place, below, look, read_text
from procedures.shape import SLUG
from procedures.words import SUBJECT_WORDS

CITY: Final = ROOT.parent / "city.json"
TAKES: Final[dict[str, frozenset[str]]] = {
    definition: frozenset(subjects.split())
    for definition, subjects in {
        "person": "applicant agent spouse partner person heir head_of_household owner guardian deceased subject",
        "member": "spouse partner person people household previous_household head_of_household deceased heir subject",
        "child": "child children pupils subject",
        "account": "payout debit",
        "dog": "dog dogs",
        "business": "business",
        "contact_person": "applicant agent",
        "facility_user": "applicant",
        "group": "organization",
        "parcel": "property properties",
        "building": "property properties",
        "vehicle": "vehicle vehicles",
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
    reader.findings += _strays(root, files) if paths is None else ()
    events = root / "life-events"
    named = None if paths is None else [path for path in paths if events.resolve() not in path.resolve().parents]
    wanted = files if named is None else [file for path in named for file in _files(path, files, reader)]
    places = {path.parts[-2:] for path in map(Path.resolve, wanted)}  # a copy elsewhere stands for the file it changes
    others = [path for path in files if path.parts[-2:] not in places]
    judge = _Judge(shared, _city(city, reader), today)
    reader.findings += _of_interviews(events, judge, {path.stem for path in (*files, *wanted)})
    found = {}
    for path in wanted:
        found[path], faults = judge.judged(path)
        reader.findings += [(path, fault) for fault in faults]
    present = {path: Reader().declaration(path, shared.common) for path in others}
    reader.findings += [*_twice(found, present), *alike(found, present)]
    return _once(
        [_at_home(path, fault, reader.origins) for path, fault in reader.findings], set(reader.origins.values())
    )


def _once(findings: Sequence[Finding], shared: Collection[Path]) -> list[Finding]:
    """Each finding once; of a place in a shared file only the first, however many declarations met it."""
    first = {(path, fault.pointer if path in shared else str(fault)): (path, fault) for path, fault in findings[::-1]}
    return [finding for finding in dict.fromkeys(findings) if finding in first.values()]


def told(findings: Sequence[Finding]) -> list[str]:
    """A line for each finding: file, place, what is wrong, what is allowed, and the line of the file where it is one
    with a place. What a terminal would obey (a name may hold it) is written out."""
    lines = {path: _lines(path) for path, _ in findings}
    return [_told(path, fault, lines[path]) for path, fault in findings]


def _told(path: Path, fault: Fault, lines: Mapping[str, int]) -> str:
    line = f" ({line_of(lines, fault.pointer)}行目)" if fault.pointer and lines else ""
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in f"{shown}: {fault}{line}")


def _lines(path: Path) -> Mapping[str, int]:
    try:
        text = read_text(path)
        return {} if look(text)[0] is None else lines_of(text)
    except (OSError, BadDeclaration):
        return {}


def _files(path: Path, known: Sequence[Path], reader: Reader) -> list[Path]:
    """The files that somebody named."""
    if path.is_dir():
        found = files_in(path)
        if not found:
            reader.findings.append((path, Fault("", "このフォルダーに宣言がありません", "宣言は .json のファイルです")))
        return found
    if not path.exists():
        allowed = meant(path.name, [each.name for each in known], "あるファイルかフォルダーを書いてください")
        reader.findings.append((path, Fault("", "このファイルはありません", allowed)))
        return []
    return [path]


def _strays(root: Path, files: Sequence[Path]) -> Iterator[Finding]:
    """Files that look like declarations, but stand where nobody reads them."""
    for path in sorted((root / "declarations").rglob("*.*")):
        if ".json" in path.name.lower() and path not in files and not path.name.startswith("."):
            allowed = "procedures/declarations/<分類>/<名前>.json に置いてください"
            yield path, Fault("", "この場所、またはこの名前の宣言は読まれません", allowed)


def _city(path: Path, reader: Reader) -> City | None:
    """The city; None, with a finding, when its file cannot be used."""
    try:
        return load_city(path)
    except BadDeclaration as bad:
        reader.findings += [(path, fault) for fault in bad.faults]
    except KeyError as missing:
        reader.findings.append((path, Fault("", f"{missing.args[0]} がありません", "書いてください")))
    except (OSError, TypeError, ValueError):
        reader.findings.append((path, Fault("", "市のファイルを読めません", "docs/settings.md を見てください")))
    return None


def _at_home(path: Path, fault: Fault, origins: Mapping[str, Path]) -> Finding:
    """A fault inside a common definition stands in the file that defines it, once, whoever met it."""
    inside = fault.pointer.removeprefix("/schema/$defs/")
    home = origins.get(inside.split("/")[0]) if inside != fault.pointer else None
    return (home, replace(fault, pointer=f"/$defs/{inside}")) if home else (path, fault)


def _of_definition(name: str, common: Mapping[str, Schema]) -> list[Fault]:
    """What keeps a common definition from being used at all."""
    shape = at_place(f"/schema/$defs/{name}", tuple(question_faults(common[name])))
    if shape:
        return shape
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


def _of_interviews(folder: Path, judge: _Judge, slugs: Collection[str]) -> Iterator[Finding]:
    """What is wrong with the interviews of life events; `slugs` are the procedures there are."""
    calendar = judge.city.calendar if judge.city else None
    for event in judge.shared.life_events.values():
        if event.interview is not None:
            found = [*_of_subjects(event.interview.schema, "/schema")]
            found += interviews.faults(event.interview, slugs, calendar, judge.today)
            yield from ((folder / f"{event.id}.json", fault) for fault in at_place("/interview", tuple(found)))


@dataclass(frozen=True, slots=True)
class _Judge:
    """Holds declarations against everything else, part by part: a slip in one part hides none in another."""

    shared: Shared
    city: City | None
    today: date

    def judged(self, path: Path) -> tuple[Declaration | None, list[Fault]]:
        """The declaration in a file when it could be served but for what surrounds it, and all faults. The cases are
        run only when nothing in the form or the fee is wrong, for they would only repeat it."""
        try:
            text = read_text(path)
        except BadDeclaration as bad:
            return None, list(bad.faults)
        except OSError:
            return None, [Fault("", "ファイルを読めません", "読めるファイルの名前を書いてください")]
        raw, faults = look(text)
        if raw is None:
            return None, faults
        faults += dialect.faults(raw)
        if not isinstance(raw, dict):
            return None, faults
        around = [*self._of_place(path.resolve()), *self._of_references(raw)]
        declaration = None
        if not faults:
            declaration, found = self._whole(text, path.resolve())
            return declaration, [*around, *found]
        return None, [*faults, *around, *self._of_parts(raw, {fault.pointer.split("/")[1] for fault in faults})]

    def _whole(self, text: str, path: Path) -> tuple[Declaration | None, list[Fault]]:
        try:
            declaration = parse(text, self.shared.common, path.parent.name, path.stem)
        except BadDeclaration as bad:
            return None, list(bad.faults)
        try:
            form = declaration.form
        except BadDeclaration as bad:
            return declaration, [*bad.faults, *_of_subjects(declaration.schema, "/schema")]
        faults = [*_of_subjects(declaration.schema, "/schema"), *_of_numbers(declaration, form)]
        faults += _of_attachments(declaration.attachments)
        if declaration.fee is not None:
            faults += _of_fee(declaration.fee, form, self.shared.fees, self.today)
        faults += _of_booking(declaration, form, self.shared.bookings)
        if not faults and self.city is not None:
            faults += run_cases(declaration, self.shared, self.city.calendar, self.today)
        return declaration, faults

    def _of_parts(self, raw: Mapping[str, Json], spoilt: set[str]) -> list[Fault]:
        """What is wrong with the questions and their layout, while other parts of the file (or these) are spoilt."""
        questions = raw.get("schema")
        if "schema" in spoilt:
            questions = _without_unknown(questions, dialect.faults(raw))
        if questions is None:
            return []
        try:
            schema = bundle(questions, self.shared.common)
        except BadDeclaration as bad:
            return at_place("/schema", bad.faults)
        attachments = raw.get("attachments", ()) if "attachments" not in spoilt else ()
        ui = raw["ui"] if not spoilt & {"ui", "attachments"} else {}
        faults = list(_of_subjects(schema, "/schema"))
        try:
            compile_form(schema, ui=ui, attachments=attachments)
        except BadDeclaration as bad:
            faults += bad.faults
        return faults

    def _of_place(self, path: Path) -> Iterator[Fault]:
        folder, slug = path.parent.name, path.stem
        if folder not in self.shared.categories:
            yield _no_such("", f"分類(フォルダー) {folder}", folder, self.shared.categories)
        if path.suffix != ".json" or not re.fullmatch(str(SLUG["pattern"]), slug):
            problem = f"ファイル名 {path.name} は手続のアドレスにできません"
            yield Fault(
                "", problem, "半角の英小文字で始め、英小文字・数字・ハイフンだけの名前に .json を付けてください"
            )

    def _of_references(self, raw: Mapping[str, Json]) -> Iterator[Fault]:
        departments = self.city.departments if self.city else None
        for key, what, known in (
            ("group", "区分", self.shared.groups),
            ("department", "担当課", departments),
        ):
            name = raw.get(key)
            if known is not None and isinstance(name, str) and name and name not in known:
                yield _no_such(f"/{key}", f"{what} {name}", name, known)
        events = raw.get("life_events", ())
        for i, event in enumerate(events if isinstance(events, list) else ()):
            if isinstance(event, str) and event not in self.shared.life_events:
                yield _no_such(f"/life_events/{i}", f"できごと {event}", event, self.shared.life_events)


def _without_unknown(schema: Json, faults: Sequence[Fault]) -> Json | None:
    """The questions without the misspelt words about one question, where these are all that is wrong with them: what
    else is wrong can then be told as well. None otherwise."""
    faults = [fault for fault in faults if fault.pointer.startswith("/schema")]
    words = [fault.pointer.split("/")[2:] for fault in faults]
    if not all("というキーはありません" in fault.problem for fault in faults) or not all(words):
        return None
    if any(guess(way[-1], STRUCTURE) for way in words):  # without it, its questions would be missing everywhere
        return None
    schema = copy.deepcopy(schema)
    for way in words:
        node = schema
        for part in way[:-1]:
            node = node[int(part)] if isinstance(node, list) else node[part]
        del node[way[-1]]
    return schema


def _no_such(pointer: str, what: str, name: str, known: Iterable[str]) -> Fault:
    names = list(known)
    return Fault(pointer, f"{what} はありません", meant(name, names, f"あるもの: {'、'.join(names)}"))


def _of_subjects(schema: Json, at: str, around: bool = False) -> Iterator[Fault]:
    """`x-subject` that is missing beside a definition of somebody, misspelt, or beside a definition that holds somebody
    else's facts. `around` says that something outside names the subject."""
    if isinstance(schema, list):
        for i, item in enumerate(schema):
            yield from _of_subjects(item, f"{at}/{i}", around)
    if not isinstance(schema, Mapping):
        return
    subject, name = schema.get("x-subject"), _definition(schema)
    fitting = TAKES.get(name, SUBJECT_WORDS)
    if isinstance(subject, str) and subject not in fitting and (name in TAKES or guess(subject, fitting)):
        allowed = meant(subject, fitting, f"{name or 'ここ'} に使えるもの: {_subjects(fitting)}")
        problem = (
            f"{name} は {subject} のことを書く定義ではありません" if name in TAKES else f"{subject} は書きまちがいです"
        )
        yield Fault(f"{at}/x-subject", problem, allowed)
    if subject is None and not around and "$ref" in schema and name in TAKES:
        allowed = f'"x-subject": "…" を書いてください。{name} に使えるもの: {_subjects(fitting)}'
        yield Fault(f"{at}/x-subject", "だれのことかがありません", allowed)
    for key, value in schema.items():
        if key != "$defs":
            yield from _of_subjects(value, below(at, key), around or subject is not None)


def _subjects(names: Iterable[str]) -> str:
    return "、".join(f"{name}({SUBJECT_WORDS[name]})" if name in SUBJECT_WORDS else name for name in sorted(names))


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


def _of_booking(declaration: Declaration, form: Form, table: BookingTable) -> Iterator[Fault]:
    """A slot is asked once, of a calendar that there is, and never on the first step: that page is the same bytes for
    everybody, and what is free changes from one to the next."""
    booking, asked = declaration.booking, [field.pointer for field in form.fields.values() if field.kind.name == KIND]
    if booking is None:
        for pointer in asked:
            yield Fault("/booking", f"{pointer} を予約するカレンダーがありません", "booking を書いてください")
        return
    if booking.calendar not in table.calendars:
        yield _no_such("/booking/calendar", f"予約のカレンダー {booking.calendar}", booking.calendar, table.calendars)
    if booking.field not in asked:
        problem = f"{booking.field} という予約の項目はありません"
        yield Fault("/booking/field", problem, "type が string、format が slot の項目を書いてください")
    for pointer in asked:
        if pointer != booking.field:
            yield Fault("/booking/field", f"{pointer} も予約の項目です", "予約は、手続に1つだけにしてください")
    first = [item.pointer for item in form.steps[0].items if isinstance(item, Field)]
    if any(booking.field == top or booking.field.startswith(f"{top}/") for top in first):
        yield Fault(
            "/ui/steps/0", f"{booking.field} がはじめのステップにあります", "2つ目より後のステップに置いてください"
        )


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
            extra = "、".join(sorted(waiver.codes - charged))
            yield Fault(f"/fee/waivers/{i}/codes", f"{extra} は内訳にありません", f"内訳: {'、'.join(sorted(charged))}")
        yield from condition_faults(waiver.when, f"/fee/waivers/{i}/when", "", form)


def _of_code(code: str, at: str, table: FeeTable, today: date) -> Iterator[Fault]:
    try:
        table.row(code, today)
    except NoFeeError:
        if code in table.codes:
            yield Fault(
                at, f"手数料 {code} の {today.isoformat()} の金額がありません", "fees.json の期間を確かめてください"
            )
        else:
            known = "、".join(sorted(table.codes))
            allowed = meant(code, table.codes, f"あるもの: {known}。新しいものは procedures/fees.json に書きます")
            yield Fault(
                at, f"手数料 {code} はありません", allowed if known else "先に procedures/fees.json を直してください"
            )


def _of_item(item: FeeItem, at: str, form: Form) -> Iterator[Fault]:
    rows = form.fields.get(item.each)
    if item.each and (rows is None or rows.kind.name != "rows"):
        allowed = meant(item.each, rows_among(form.fields), "繰り返しの項目を書いてください")
        yield Fault(f"{at}/each", f"{item.each} という繰り返しはありません", allowed)
        return
    inside = f"{item.each}/*" if item.each else ""
    counted = form.fields.get(inside + item.quantity)
    if item.quantity and (counted is None or counted.schema.get("type") != "integer"):
        whole = [pointer for pointer, field in form.fields.items() if field.schema.get("type") == "integer"]
        allowed = meant(inside + item.quantity, whole, "type が integer の項目を書いてください")
        yield Fault(f"{at}/quantity", f"{item.quantity} という数の項目はありません", allowed)
    yield from condition_faults(item.when, f"{at}/when", inside, form)
