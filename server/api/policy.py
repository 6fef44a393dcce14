"""Who may call what: every root field stands here, or there is no schema."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from graphql import GraphQLSchema


class Access(StrEnum):
    """Who may call a root field. What lies below it is reached through it alone."""

    EVERYBODY = "everybody"
    """And the same answer for everybody, on the same day: it may be kept."""
    ANYBODY = "anybody"
    """The same for everybody, but another one from one moment to the next."""
    HOLDER = "holder"
    """Whoever has the number and the access code of an application; tries are limited."""
    ASSURED = "assured"
    """Whoever is known at the procedure's own level, which for some is nobody in particular."""
    STAFF = "staff"
    """Somebody of the staff who is signed in at this browser; what they read of it, `people.roles` says."""


POLICY: Final = {
    "Query.procedures": Access.EVERYBODY,
    "Query.procedure": Access.EVERYBODY,
    "Query.categories": Access.EVERYBODY,
    "Query.lifeEvents": Access.EVERYBODY,
    "Query.lifeEvent": Access.EVERYBODY,
    "Query.recommendations": Access.ANYBODY,
    "Query.departments": Access.EVERYBODY,
    "Query.rollout": Access.EVERYBODY,
    "Query.statistics": Access.EVERYBODY,
    "Query.slots": Access.ANYBODY,
    "Query.application": Access.HOLDER,
    "Query.office": Access.STAFF,
    "Mutation.submitApplication": Access.ASSURED,
    "Mutation.startSignature": Access.ASSURED,
    "Mutation.withdrawApplication": Access.HOLDER,
    "Mutation.answerApplication": Access.HOLDER,
}
PUBLIC: Final = frozenset(name for name, access in POLICY.items() if access is Access.EVERYBODY) | {"Query.__typename"}


def unlisted(schema: GraphQLSchema) -> set[str]:
    """Root fields without a rule, and rules without a field."""
    roots = [root for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root]
    return {f"{root.name}.{name}" for root in roots for name in root.fields} ^ set(POLICY)
