"""The people of an interview, and what a clerk calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from procedures.joint import APPLICANT, Key, Place, Turn

KIN_WORDS: Final[Mapping[str, str]] = {
    "self": "本人",
    "husband": "夫",
    "wife": "妻",
    "child": "子",
    "father": "父",
    "mother": "母",
    "grandfather": "祖父",
    "grandmother": "祖母",
    "sibling": "きょうだい",
    "grandchild": "孫",
    "relative": "親族",
    "dog": "犬",
}


def called(turn: Turn, who: str, place: Place | None = None) -> str:
    """What a clerk calls somebody: '妻 花子さん', '子2', '振込先の口座'; '' for nobody. `place` is one that asks about
    them: whoever is not of the family is called as their form calls them."""
    if not who:
        return ""
    kin = turn.family.get(who) or ("self" if who == APPLICANT else "")
    if not kin:
        return _by_form(turn, who, place)
    name = _name(turn, who)
    alike = [each for each, sort in turn.family.items() if sort == kin]
    word = KIN_WORDS[kin] if name or len(alike) < 2 else f"{KIN_WORDS[kin]}{alike.index(who) + 1}"
    return f"{word} {name}{'' if kin == 'dog' else 'さん'}" if name else word


def _name(turn: Turn, who: str) -> str:
    said = (turn.known.value(Key(who, path)) for path in ("name/given", "name/family", "name"))
    return next((each for each in said if isinstance(each, str)), "")


def _by_form(turn: Turn, who: str, place: Place | None) -> str:
    """As the form calls the group or the row they stand in."""
    name = _name(turn, who)
    if place is None:
        return f"{name}さん" if name else "この人"
    form, parts = turn.joint.forms[place.form].form, place.node.field.pointer.split("/")
    around = ("/".join(parts[:end]) for end in range(len(parts) - 1, 1, -1))
    group = next((form.fields[each] for each in around if each in form.fields and form.fields[each].subject), None)
    if group is None:
        group = next((form.fields[each] for each in ("/".join(parts[:2]),) if each in form.fields), place.node.field)
    ids = turn.known.ids(Key("", f"{place.form}:{group.pointer}")) or []
    number = f"({ids.index(who) + 1})" if group.kind.name == "rows" and who in ids and not name else ""
    return f"{group.title} {name}さん" if name else f"{group.title}{number}"
