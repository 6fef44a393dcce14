"""Which question stands on which page: `ui.steps`, or one page where a schema comes bare."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from forms_schema.base import Answers, Attachment, BadDeclaration, Fault, Field, Note, Schema, Step
from forms_schema.dialect import check_condition
from forms_schema.guess import meant
from forms_schema.plan import condition

Item = Field | Note | Attachment


def read_attachments(
    declared: Sequence[Mapping[str, Any]],
) -> tuple[tuple[Attachment, ...], tuple[Callable[[Answers], bool], ...]]:
    """The files a form may ask for, and for each the test of whether it does. Raises BadDeclaration."""
    faults = [
        Fault(f"/attachments/{i}/required_if{fault.pointer}", fault.problem, fault.allowed)
        for i, item in enumerate(declared)
        for fault in check_condition(item.get("required_if", {}))
    ]
    if faults:
        raise BadDeclaration(faults)
    attachments = tuple(
        Attachment(
            key=item["key"],
            title=item["title"],
            hint=item.get("hint", ""),
            max=item.get("max", 1),
            accept=tuple(item.get("accept", Attachment.__dataclass_fields__["accept"].default)),
            each=item.get("each", ""),
            required_if=item.get("required_if"),
            optional=item.get("optional", False),
        )
        for item in declared
    )
    return attachments, tuple(_asked_if(attachment) for attachment in attachments)


def _asked_if(attachment: Attachment) -> Callable[[Answers], bool]:
    return condition(attachment.required_if) if attachment.required_if is not None else lambda row: True


def lay_out(
    ui: Mapping[str, Any],
    schema: Schema,
    tops: Sequence[Field],
    fields: Mapping[str, Field],
    attachments: Sequence[Attachment],
) -> tuple[tuple[Step, ...], list[Fault]]:
    """The steps, and a fault for each question that stands on no page, or on two."""
    if "steps" not in ui:
        return (Step(str(schema.get("title", "入力")), (*tops, *attachments)),), []
    faults: list[Fault] = []
    by_key = {attachment.key: attachment for attachment in attachments}
    steps = tuple(
        Step(step["title"], tuple(_items(step["fields"], f"/ui/steps/{i}/fields", fields, by_key, faults)))
        for i, step in enumerate(ui["steps"])
    )
    return steps, [*faults, *_misplaced(steps, fields, attachments)]


def _items(
    entries: Sequence[Any],
    at: str,
    fields: Mapping[str, Field],
    attachments: Mapping[str, Attachment],
    faults: list[Fault],
) -> Iterator[Item]:
    for i, entry in enumerate(entries):
        if isinstance(entry, Mapping):
            yield Note(entry["note"])
        elif entry.startswith("attachment:") and entry.removeprefix("attachment:") in attachments:
            yield attachments[entry.removeprefix("attachment:")]
        elif entry in fields and "*" not in entry:
            yield fields[entry]
        else:
            known = [*fields, *(f"attachment:{key}" for key in attachments)]
            allowed = meant(entry, known, "schema にある項目を /名前、書類を attachment:キー と書いてください")
            faults.append(Fault(f"{at}/{i}", f"{entry} という項目はありません", allowed))


def _misplaced(
    steps: Sequence[Step], fields: Mapping[str, Field], attachments: Sequence[Attachment]
) -> Iterator[Fault]:
    placed = [item.pointer for step in steps for item in step.items if isinstance(item, Field)]
    for pointer, field in fields.items():
        if field.children:
            continue
        count = sum(pointer == top or pointer.startswith(f"{top}/") for top in placed)
        if count != 1:
            problem = "どのステップにもありません" if count == 0 else "二つ以上のステップにあります"
            yield Fault("/ui/steps", f"{pointer} が{problem}", "どの質問も、ちょうど一つのステップに置いてください")
    shown = [item.key for step in steps for item in step.items if isinstance(item, Attachment)]
    for attachment in attachments:
        if shown.count(attachment.key) != 1:
            problem = f"attachment:{attachment.key} がちょうど1つのステップにありません"
            yield Fault(
                "/ui/steps", problem, f'どれか1つのステップの fields に "attachment:{attachment.key}" と書いてください'
            )
