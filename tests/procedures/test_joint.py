"""One interview for several applications: asked once, valid in each, and every answer with its source."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms_schema import Form, Json, compile_form
from procedures.joint import FAMILY, Answer, Joint, Key, Query, Same, State, Turn, apply, guided, pointer, told
from procedures.joint.facts import ANY, NAMED, SAID
from procedures.library import ROOT, Library
from procedures.words import SUBJECT_WORDS
from tests.procedures.joint_clerk import Clerk, at, leaves
from tests.procedures.moving_family import APPLICATIONS, ELDER, GUIDE, HANAKO, HIMSELF, MOVED, NEW, OLD, TARO, TODAY
from tests.procedures.moving_family import FAMILY as MEMBERS


def members_of_the_family(query: Query, turn: Turn) -> list[str]:
    """Who stands in which application of the family that moves in."""
    elder, younger = (who for who, kin in turn.family.items() if kin == "child")
    (dog,) = (who for who, kin in turn.family.items() if kin == "dog")
    return {
        "tennyu-yoyaku:/family": ["spouse", elder, younger],
        "kokuho-shutoku:/people": ["applicant", "spouse", elder, younger],
        "jido-teate-nintei-seikyu:/children": [elder, younger],
        "kodomo-iryohi-nintei:/children": [elder, younger],
        "hoiku-shisetsu-riyo:/child": [younger],
        "hoiku-shisetsu-riyo:/guardians": ["applicant", "spouse"],
        "hoiku-shisetsu-riyo:/household": [elder],
        "hoiku-shisetsu-riyo:/wishes": [""],
        "inu-henko:/dogs": [dog],
        "head_of_household": ["applicant"],
    }[query.key.path]


def clerk() -> Clerk:
    return Clerk(APPLICATIONS, MEMBERS, members_of_the_family)


def joint(library: Library, *slugs: str) -> Joint:
    return Joint({slug: library.declarations[slug].form for slug in slugs or APPLICATIONS})


def from_the_guide(library: Library) -> State:
    interview = library.shared.life_events["move-in"].interview
    assert interview is not None
    settled = interview.form.settle(GUIDE, TODAY)
    return told(State(), guided("move-in", interview.form, settled.kept), "guide", "clerk:1")


def form(properties: Mapping[str, Any], required: list[str], **more: Any) -> Form:
    return compile_form({"type": "object", "properties": properties, "required": required, **more})


def say(turn: Turn, **answers: Json) -> Turn:
    """Answer by path; what is not the form's own is the applicant's."""
    said = [Answer((key,), value) for key, value in ((found(turn, path), v) for path, v in answers.items())]
    turn, errors = apply(turn, said, by="clerk:1")
    assert errors == ()
    return turn


def found(turn: Turn, name: str) -> Key:
    (key,) = (query.key for ask in turn.asks() for query in ask.queries if query.key.path.endswith(name))
    return key


# --- the family that moves in -----------------------------------------------------------------------------------------


def test_a_family_that_moves_in_gives_at_least_sixty_percent_fewer_answers(library: Library) -> None:
    turn = clerk().through(joint(library).turn(from_the_guide(library), TODAY))
    saved = turn.saved
    with_guide = 1 - (saved.answered + 1) / saved.alone  # the guide was told the day of the move
    print(
        f"\n7 applications: {saved.alone} answers one by one, {saved.answered} here: {saved.share:.1%} fewer "
        f"({with_guide:.1%} with what the guide was told); "
        f"{saved.characters_alone} characters written one by one, {saved.characters} here"
    )
    assert turn.done
    assert saved.alone == sum(len(list(leaves(answers))) for answers in APPLICATIONS.values())
    assert saved.share >= 0.6
    assert with_guide >= 0.6


def test_each_application_is_what_it_would_be_if_filled_by_itself(library: Library) -> None:
    turn = clerk().through(joint(library).turn(State(), TODAY))
    for slug, answers in APPLICATIONS.items():
        assert turn.answers(slug) == answers, slug
        assert turn.errors(slug) == ()


def test_nothing_is_asked_twice(library: Library) -> None:
    said = clerk()
    said.through(joint(library).turn(State(), TODAY))
    assert len(said.asked) == len(set(said.asked))
    assert said.refused == []


def test_every_answer_can_be_traced_to_its_source(library: Library) -> None:
    card = {Key("applicant", f"name/{part}"): text for part, text in HIMSELF["name"].items()}
    state = told(from_the_guide(library), {**card, Key("applicant", "birthdate"): "1990-04-01"}, "card", "reader:3")
    turn = clerk().through(joint(library).turn(state, TODAY))
    for slug in APPLICATIONS:
        traced = turn.trace(slug)
        assert list(traced) and {at for at, _ in leaves(turn.answers(slug))} == set(traced), slug
    traced = turn.trace("tennyu-yoyaku")
    assert (traced["/applicant/name/family"].source, traced["/applicant/name/family"].by) == ("card", "reader:3")
    assert (traced["/moved_on"].source, traced["/dwelling"].source, traced["/dwelling"].by) == (
        "guide",
        "typed",
        "clerk:1",
    )
    assert (traced["/with_family"].source, traced["/with_family"].of) == ("follows", FAMILY)
    assert (traced["/family/0/relation"].source, traced["/family/0/relation"].of) == ("follows", FAMILY)
    place = turn.trace("suido-kaishi")["/place/street"]
    assert (place.source, place.of) == ("same", Key("applicant", "address/street"))


def test_the_card_spares_the_rest_of_what_it_knows(library: Library) -> None:
    known = {f"name/{part}": text for part, text in HIMSELF["name"].items()} | {"birthdate": "1990-04-01"}
    known |= {f"previous_address/{part}": text for part, text in OLD.items()}
    state = told(from_the_guide(library), {Key("applicant", path): text for path, text in known.items()}, "card")
    turn = clerk().through(joint(library).turn(state, TODAY))
    without = clerk().through(joint(library).turn(from_the_guide(library), TODAY))
    assert turn.saved.answered == without.saved.answered - len(known)


def test_only_the_forms_that_a_fact_is_for_are_settled_again(library: Library) -> None:
    turn = joint(library).turn(State(), TODAY)
    after, _ = apply(turn, [Answer((Key("", "suido-kaishi:/tap"),), "yes")])
    again = {slug for slug in APPLICATIONS if after.seen[slug] is not turn.seen[slug]}
    assert again == {"suido-kaishi"}


def test_what_was_said_is_stored_and_taken_up_again(library: Library) -> None:
    interview = joint(library)
    turn = clerk().through(interview.turn(from_the_guide(library), TODAY))
    stored = json.loads(json.dumps(turn.state.dump(), ensure_ascii=False))
    again = interview.turn(State.read(stored), TODAY)
    assert again.done
    assert again.saved == turn.saved
    assert all(again.answers(slug) == turn.answers(slug) for slug in APPLICATIONS)
    assert again.trace("suido-kaishi") == turn.trace("suido-kaishi")


# --- rules ------------------------------------------------------------------------------------------------------------

SHORT = ("jido-teate-nintei-seikyu", "kodomo-iryohi-nintei", "inu-henko")


@settings(max_examples=12)
@given(data=st.data())
def test_any_order_of_answering_gives_the_same_applications(library: Library, data: st.DataObject) -> None:
    turn, said = joint(library, *SHORT).turn(State(), TODAY), clerk()
    asked: list[Key] = []
    while asks := turn.asks():
        ask = data.draw(st.sampled_from(asks)) if FAMILY in turn.state.facts else asks[0]
        queries = data.draw(st.permutations(ask.queries))[: data.draw(st.integers(1, len(ask.queries)))]
        for query in queries:
            asked.append(query.key)
            value = said.value(query, turn)
            turn, errors = apply(turn, [Answer((query.key,), value)])
            assert errors == ()
    assert {slug: turn.answers(slug) for slug in SHORT} == {slug: APPLICATIONS[slug] for slug in SHORT}
    assert len(asked) == len(set(asked))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["self", "2020-01-01", "", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kin", "id", "a"]), inner, max_size=3),
    max_leaves=6,
)
KINDRED = st.lists(
    st.fixed_dictionaries({"kin": st.sampled_from(["self", "wife", "child", "dog", "father", "cat"])}), max_size=5
)


@settings(max_examples=40)
@given(data=st.data())
def test_whatever_is_typed_is_taken_or_refused(library: Library, data: st.DataObject) -> None:
    interview = joint(library, "tennyu-yoyaku", "hoiku-shisetsu-riyo", "inu-henko")
    turn = interview.turn(State(), TODAY)
    for _ in range(data.draw(st.integers(1, 8))):
        ask = turn.next()
        assert ask is not None
        keys = [query.key for query in ask.queries] + [Key("nobody", "name/family"), Key("", "tennyu-yoyaku:/visit")]
        ids = st.lists(st.sampled_from([*turn.family, "", "nobody"]), max_size=3)
        whole = st.sampled_from([Key("applicant", "address"), Key("x", "y"), Key("", "")])
        value = KINDRED | ids | JSON | whole.map(Same)
        said = [Answer(tuple(data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3))), data.draw(value))]
        before = turn
        turn, errors = apply(turn, said)
        assert all(error.code for error in errors)
        assert interview.turn(State.read(turn.state.dump()), TODAY).answers("tennyu-yoyaku") == turn.answers(
            "tennyu-yoyaku"
        )
        for slug in turn.seen:
            wrong = {error.pointer for error in turn.errors(slug) if error.code not in ("required", "minItems")}
            assert wrong <= set(turn.trace(slug)) | {error.pointer for error in before.errors(slug)} | _lists(
                turn, slug
            )


def _lists(turn: Turn, slug: str) -> set[str]:
    return {place.pointer for place in turn.seen[slug].places if place.many}


def test_the_family_is_asked_for_first(library: Library) -> None:
    ask = joint(library).turn(State(), TODAY).next()
    assert ask is not None
    assert [query.key for query in ask.queries] == [FAMILY]


def test_forms_about_the_applicant_alone_do_not_ask_for_a_family(library: Library) -> None:
    ask = joint(library, "kenchiku-daicho-shomei", "gan-kenshin").turn(State(), TODAY).next()
    assert ask is not None
    assert FAMILY not in {query.key for query in ask.queries}


def test_a_question_that_an_answer_brings_up_comes_later_and_goes_again() -> None:
    yes = {"if": {"properties": {"pet": {"const": True}}, "required": ["pet"]}}
    asks = {**yes, "then": {"properties": {"kind": {"type": "string", "title": "種類"}}, "required": ["kind"]}}
    turn = Joint({"pets": form({"pet": {"type": "boolean", "title": "ペット"}}, ["pet"], allOf=[asks])}).turn(
        State(), TODAY
    )
    assert [query.key.path for ask in turn.asks() for query in ask.queries] == ["pets:/pet"]
    turn = say(say(turn, pet=True), kind="犬")
    assert turn.answers("pets") == {"pet": True, "kind": "犬"}
    turn, _ = apply(turn, [Answer((Key("", "pets:/pet"),), False)])
    assert turn.answers("pets") == {"pet": False}
    turn, _ = apply(turn, [Answer((Key("", "pets:/pet"),), True)])
    assert turn.next() is None
    assert turn.answers("pets") == {"pet": True, "kind": "犬"}


PERSON = {
    "type": "object",
    "x-subject": "applicant",
    "properties": {
        "phone": {"type": "string", "format": "phone", "title": "電話"},
        "email": {"type": "string", "format": "email", "title": "メール"},
    },
}


def test_a_fact_that_one_form_needs_is_needed_in_the_interview() -> None:
    wide = form({"applicant": PERSON}, ["applicant"])
    narrow = form({"applicant": {**PERSON, "required": ["email"]}}, ["applicant"])
    turn = Joint({"wide": wide, "narrow": narrow}).turn(State(), TODAY)
    (ask,) = turn.asks()
    assert {query.key.path: query.required for query in ask.queries} == {"phone": False, "email": True}
    after, errors = apply(turn, [Answer((Key("applicant", "phone"),), ""), Answer((Key("applicant", "email"),), " ")])
    assert [(error.pointer, error.code) for error in errors] == [("applicant/email", "required")]
    (ask,) = after.asks()
    assert [query.key.path for query in ask.queries] == ["email"]


def choice(*values: str) -> dict[str, Any]:
    return {"title": "手続する人", "x-subject": "acting", "oneOf": [{"const": each, "title": each} for each in values]}


def test_a_value_that_one_form_does_not_take_is_asked_again_for_that_form_alone() -> None:
    first = form({"acting": choice("self", "proxy")}, ["acting"])
    second = form({"acting": choice("self", "family", "proxy")}, ["acting"])
    turn = Joint({"first": first, "second": second}).turn(State(), TODAY)
    (ask,) = turn.asks()
    (query,) = ask.queries
    assert [option.value for option in query.options] == ["self", "proxy", "family"]
    turn = say(turn, acting="family")
    (ask,) = turn.asks()
    (query,) = ask.queries
    assert (query.key, [option.value for option in query.options]) == (Key("", "first:/acting"), ["self", "proxy"])
    assert query.error is not None
    turn, errors = apply(turn, [Answer((query.key,), "proxy")])
    assert errors == ()
    assert (turn.answers("first"), turn.answers("second")) == ({"acting": "proxy"}, {"acting": "family"})
    assert turn.done
    turn, _ = apply(turn, [Answer((Key("", "acting"),), "self")])
    assert (turn.answers("first"), turn.answers("second")) == ({"acting": "proxy"}, {"acting": "self"})


def test_a_value_that_no_form_takes_is_refused_and_what_stood_there_stays() -> None:
    turn = Joint({"first": form({"acting": choice("self", "proxy")}, ["acting"])}).turn(State(), TODAY)
    turn = say(turn, acting="self")
    after, errors = apply(turn, [Answer((Key("", "acting"),), "nobody")])
    assert [error.pointer for error in errors] == [pointer(Key("", "acting"))]
    assert after.answers("first") == {"acting": "self"}


def test_a_child_that_is_taken_out_leaves_its_answers_with_nobody_else(library: Library) -> None:
    turn = clerk().through(joint(library, "jido-teate-nintei-seikyu").turn(State(), TODAY))
    key = Key("", "jido-teate-nintei-seikyu:/children")
    elder, younger = turn.state.facts[key].value
    turn, errors = apply(turn, [Answer((key,), [younger])])
    assert errors == ()
    (left,) = turn.answers("jido-teate-nintei-seikyu")["children"]
    assert left == APPLICATIONS["jido-teate-nintei-seikyu"]["children"][1]
    turn, _ = apply(turn, [Answer((key,), [younger, elder])])
    assert [row["name"] for row in turn.answers("jido-teate-nintei-seikyu")["children"]][1] == ELDER["name"]
    assert turn.done


def test_whoever_leaves_the_family_is_in_no_application(library: Library) -> None:
    turn = clerk().through(joint(library, *SHORT).turn(State(), TODAY))
    rows = [{"id": who, "kin": kin} for who, kin in turn.family.items()]
    gone = next(row for row in rows if row["kin"] == "child")
    turn, errors = apply(turn, [Answer((FAMILY,), [row for row in rows if row is not gone])])
    assert errors == ()
    assert [len(turn.answers(slug)["children"]) for slug in SHORT[:2]] == [1, 1]
    assert gone["id"] not in turn.family


def test_rows_that_are_of_nobody_have_new_members() -> None:
    row = {"type": "object", "properties": {"facility": {"type": "string", "title": "施設"}}, "required": ["facility"]}
    wishes = form(
        {"wishes": {"type": "array", "title": "希望", "minItems": 1, "maxItems": 2, "items": row}}, ["wishes"]
    )
    turn = Joint({"nursery": wishes}).turn(State(), TODAY)
    refused, errors = apply(turn, [Answer((Key("", "nursery:/wishes"),), ["", "", ""])])
    assert [error.code for error in errors] == ["maxItems"]
    turn, errors = apply(refused, [Answer((Key("", "nursery:/wishes"),), ["", ""])])
    assert errors == ()
    (ask,) = turn.asks()
    ((path, keys),) = ask.columns.items()
    turn, errors = apply(turn, [Answer((keys[0],), "森"), Answer((keys[1],), "川")])
    assert turn.answers("nursery") == {"wishes": [{"facility": "森"}, {"facility": "川"}]}
    assert (errors, turn.done, path) == ((), True, "nursery:/wishes/*/facility")


def test_what_comes_from_elsewhere_never_replaces_what_was_typed() -> None:
    turn = Joint({"first": form({"acting": choice("self", "proxy")}, ["acting"])}).turn(State(), TODAY)
    state = told(say(turn, acting="proxy").state, {Key("", "acting"): "self"}, "earlier")
    assert state.facts[Key("", "acting")].value == "proxy"
    with pytest.raises(ValueError, match="hearsay"):
        told(state, {}, "hearsay")


def test_an_interview_goes_on_with_a_newer_version_of_a_form() -> None:
    old = form({"applicant": PERSON, "colour": {"type": "string", "title": "色"}}, ["colour"])
    new = form({"applicant": PERSON, "size": {"type": "integer", "title": "大きさ"}}, ["size"])
    turn = say(Joint({"first": old}).turn(State(), TODAY), phone="0173000000", email="", colour="青")
    assert turn.done
    later = Joint({"first": new}).turn(turn.state, TODAY)
    assert later.answers("first") == {"applicant": {"phone": "0173000000"}}
    assert [query.key.path for ask in later.asks() for query in ask.queries] == ["first:/size"]
    assert say(later, size=3).answers("first") == {"applicant": {"phone": "0173000000"}, "size": 3}


def test_a_form_may_be_about_another_member_of_the_family(library: Library) -> None:
    turn = clerk().through(joint(library, "kokuho-shutoku", "jido-teate-nintei-seikyu").turn(State(), TODAY))
    turn, errors = apply(turn, [Answer((Key("", "kokuho-shutoku:/applicant"),), ["spouse"])])
    assert errors == ()
    assert turn.answers("kokuho-shutoku")["applicant"]["name"] == HANAKO
    assert turn.answers("jido-teate-nintei-seikyu")["applicant"]["name"] == TARO
    assert {query.key for ask in turn.asks() for query in ask.queries} >= {Key("spouse", "phone")}


def test_who_files_for_another_reason_is_asked_for_its_day(library: Library) -> None:
    turn = joint(library, "kokuho-shutoku", "kodomo-iryohi-nintei").turn(from_the_guide(library), TODAY)
    assert [turn.answers(slug)[day] for slug, day in DAYS.items()] == [MOVED, MOVED]
    turn, errors = apply(turn, [Answer((Key("", "kokuho-shutoku:/reason"),), "left-insurance")])
    assert errors == ()
    assert "acquired_on" not in turn.answers("kokuho-shutoku")
    assert turn.answers("kodomo-iryohi-nintei")["eligible_on"] == MOVED


DAYS = {"kokuho-shutoku": "acquired_on", "kodomo-iryohi-nintei": "eligible_on"}


def test_an_address_that_is_known_is_said_in_one_word(library: Library) -> None:
    turn = joint(library, "kokuho-shutoku", "suido-kaishi").turn(State(), TODAY)
    home = [Answer((Key("applicant", f"address/{part}"),), text) for part, text in NEW.items()]
    turn, errors = apply(turn, [Answer((FAMILY,), []), *home])
    assert errors == ()
    turn, errors = apply(turn, [Answer((Key("property", "address"),), Same(Key("applicant", "address")))])
    assert errors == ()
    assert turn.answers("suido-kaishi")["place"] == NEW
    _, errors = apply(turn, [Answer((Key("property", "address"),), Same(Key("applicant", "previous_address")))])
    assert [error.code for error in errors] == ["UNKNOWN_FIELD"]


def test_a_move_that_is_yet_to_come_needs_no_second_word(library: Library) -> None:
    state = told(State(), {Key("applicant", "moved_on"): "2026-12-10"}, "guide")
    turn = joint(library, "tennyu-yoyaku", "hoiku-shisetsu-riyo").turn(state, TODAY)
    assert (turn.answers("tennyu-yoyaku")["moved"], turn.answers("tennyu-yoyaku")["moving_on"]) == (False, "2026-12-10")
    assert turn.answers("hoiku-shisetsu-riyo")["moving_in"] is True
    assert MOVED < TODAY.isoformat() < "2026-12-10"


# --- the declarations -------------------------------------------------------------------------------------------------


def test_every_subject_of_every_declaration_is_of_the_closed_list() -> None:
    def subjects(node: Json) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node["x-subject"],) if "x-subject" in node else ()
            for each in node.values():
                yield from subjects(each)
        elif isinstance(node, list):
            for each in node:
                yield from subjects(each)

    files = [*ROOT.glob("declarations/*/*.json"), *ROOT.glob("common/*.json"), *ROOT.glob("life-events/*.json")]
    used = {subject for path in files for subject in subjects(json.loads(path.read_text("utf-8")))}
    assert used <= set(SUBJECT_WORDS)
    assert {*NAMED, *ANY, *SAID} <= set(SUBJECT_WORDS)
    assert {*NAMED, *ANY} <= used


EVENTS = sorted(path.stem for path in ROOT.glob("life-events/*.json"))


class Anybody(Clerk):
    """People who say what the cases of a procedure say, and something that fits where these say nothing."""

    def __init__(self, library: Library, truth: Mapping[str, Any]) -> None:
        super().__init__(truth, [{"kin": "wife"}, {"kin": "child"}, {"kin": "child"}], self._members)
        self._library = library
        self._tried: dict[Key, int] = {}

    def _members(self, query: Query, _turn: Turn) -> list[str]:
        place = query.places[0]
        known = [who for who in query.members or () if who]
        rows = at(self.truth[place.form], place.pointer)
        count = len(rows) if query.many and isinstance(rows, list) else 1
        if query.error is not None and isinstance(query.value, list):
            count = len(query.value) + (1 if query.error.code == "minItems" else -1)
        return [*known, *[""] * count][:count]

    def value(self, query: Query, turn: Turn) -> Json:
        if query.key == FAMILY or query.members is not None:
            return super().value(query, turn)
        offers = [value for place in query.places for value in self._offers(place.form, place.pointer)]
        tried = self._tried.get(query.key, 0)
        self._tried[query.key] = tried + 1
        return [*offers, *_likely(query)][tried] if query.required or tried < len(offers) else None

    def _offers(self, slug: str, pointer: str) -> list[Json]:
        """What its own application says, and the others of the same procedure."""
        cases = [self.truth[slug], *(case["answers"] for case in self._library.declarations[slug].cases)]
        told = [at(answers, pointer) for answers in cases] + [at(answers, _first_row(pointer)) for answers in cases]
        return [value for i, value in enumerate(told) if value is not None and value not in told[:i]]


def _first_row(pointer: str) -> str:
    return "/".join("0" if part.isdigit() else part for part in pointer.split("/"))


def _likely(query: Query) -> list[Json]:
    days: list[Json] = [
        "2026-11-01",
        "2026-12-05",
        "2026-11-20",
        "2020-04-01",
        "1970-01-01",
        "1940-01-01",
        "2026-12-31",
    ]
    texts: list[Json] = ["見本", "ミホン", "0173000000", "037-0001", "a@example.jp", "2026-04", "10:00", "123456789018"]
    return [*(option.value for option in query.options), True, 1, False, *days, *texts, ["x"], 10, 100, "12345", "1.5"]


def cases_of(library: Library, slug: str) -> Mapping[str, Any]:
    """The answers of the first case that expects no error."""
    cases = library.declarations[slug].cases
    answers: Mapping[str, Any] = next(case["answers"] for case in cases if "errors" not in case["expect"])
    return answers


def whole(library: Library, slugs: tuple[str, ...]) -> None:
    """These procedures can be interviewed jointly: every application is valid and traced."""
    people = Anybody(library, {slug: cases_of(library, slug) for slug in slugs})
    turn = people.through(joint(library, *slugs).turn(State(), date(2026, 12, 1)))
    for slug in slugs:
        form, answers = library.declarations[slug].form, turn.answers(slug)
        wrong = [error for error in form.errors(form.settle(answers, turn.today)) if "attachment:" not in error.pointer]
        assert (slug, wrong, list(form.unknown(answers))) == (slug, [], [])
        assert {at for at, _ in leaves(answers)} == set(turn.trace(slug)), slug
    assert turn.saved.answered <= turn.saved.alone + len(turn.family) + sum(_picks(turn))


def _picks(turn: Turn) -> Iterator[int]:
    return (
        len(place.value) if isinstance(place.value, list) else 1
        for seen in turn.seen.values()
        for place in seen.places
        if place.role or place.many
    )


@pytest.mark.parametrize("event", EVENTS)
def test_all_procedures_of_a_life_event_can_be_asked_in_one_interview(library: Library, event: str) -> None:
    whole(library, of_event(library, event))


@pytest.mark.drill
@pytest.mark.parametrize("event", EVENTS)
def test_any_two_procedures_of_a_life_event_can_be_asked_in_one_interview(library: Library, event: str) -> None:
    for pair in combinations(of_event(library, event), 2):
        whole(library, pair)


def of_event(library: Library, event: str) -> tuple[str, ...]:
    """The procedures that belong to it."""
    return tuple(slug for slug, each in library.declarations.items() if event in each.life_events)
