"""What is done to a visit while its interview goes on: answers kept, facts told beforehand, procedures chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from forms_schema import Answers, Form, Json
from procedures.joint import Filled, Joint, Key, State, brought, guided, taken_in, told
from server.applications.numbers import each_sealed_away
from server.counter.handoffs import Brought
from server.counter.identity import protected_members
from server.counter.visits import Conflict, Content, Visit, held, save
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random


def keep(
    db: Writing, keys: Keys, visit: Visit, joint: Joint, state: State, *, now: datetime, random: Random
) -> Visit | Conflict:
    """Save what was said, with every 個人番号 sealed away."""
    if not held(db, visit, now=now):
        return Conflict()  # before a number is kept for a visit that is over, where nothing would ever delete it
    sealed = _sealed(db, keys, joint, state, visit.id, now=now, random=random)
    return save(db, keys, visit, replace(visit.content, state=sealed.dump()), now=now)


def _sealed(
    db: Writing, keys: Keys, joint: Joint, state: State, visit_id: str, *, now: datetime, random: Random
) -> State:
    found = {key: fact for key, fact in state.facts.items() if key.path in joint.numbers}
    if not found:
        return state
    values = {key: fact.value for key, fact in found.items()}
    tokens = each_sealed_away(db, keys, values, visit_id, now=now, random=random)
    others = {key: fact for key, fact in state.facts.items() if key not in found}
    kept = {key: replace(fact, value=tokens[key]) for key, fact in found.items() if key in tokens}
    return replace(state, facts={**others, **kept})


def tell(db: Reading, keys: Keys, state: State, facts: Mapping[Key, Json], source: str, by: str) -> State:
    """`state` with facts that are known beforehand ('card', 'earlier', 'pre-entry', 'guide'). What was said stays; of
    whoever is under 支援措置 nothing is told."""
    after = told(state, facts, source, by)
    shielded = protected_members(db, keys, after.facts)
    if not shielded:
        return after
    return told(state, {key: value for key, value in facts.items() if key.who not in shielded}, source, by)


def with_guide(content: Content, event: str, form: Form, kept: Answers, by: str) -> Content:
    """`content` after the guide of a life event was answered: what it was told need not be asked again. What an earlier
    answer of the guide told is forgotten."""
    before = State.read(content.state)
    facts = {key: fact for key, fact in before.facts.items() if fact.source != "guide"}
    state = told(replace(before, facts=facts), guided(event, form, kept), "guide", by)
    return replace(content, event=event, guide=dict(kept), state=state.dump())


def with_brought(
    db: Reading, keys: Keys, content: Content, given: Brought, forms: Mapping[str, Form], by: str
) -> Content:
    """`content` with what somebody filled in before they came, each answer with where it came from."""
    filled = {slug: Filled(form, given.forms[slug].answers, given.forms[slug].sources) for slug, form in forms.items()}
    before, facts = State.read(content.state), brought(filled)
    shielded = protected_members(db, keys, taken_in(before, facts).facts)
    state = taken_in(before, {key: fact for key, fact in facts.items() if key.who not in shielded}, by)
    digests = {slug: given.forms[slug].digest for slug in forms}
    return replace(content, forms={**content.forms, **digests}, state=state.dump())


def without(content: Content, gone: str) -> Content:
    """`content` without one form. What others ask too stays; the form's own answers go."""
    before = State.read(content.state)
    mine = f"{gone}:"
    facts = {key: fact for key, fact in before.facts.items() if not key.path.startswith(mine)}
    passed = frozenset(key for key in before.passed if not key.path.startswith(mine))
    left = {name: digest for name, digest in content.forms.items() if name != gone}
    papers = {name: each for name, each in content.papers.items() if name != gone}
    state = replace(before, facts=facts, passed=passed)
    return replace(content, forms=left, papers=papers, state=state.dump())
