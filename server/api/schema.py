"""The schema, and what runs it. Documents come read and validated (see `documents`), so nothing here does it again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, cast

import strawberry
from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema
from strawberry import argument, field
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from server.api import answering, applications, enums
from server.api.answering import AnswerApplicationInput, AnswerApplicationPayload
from server.api.applications import (
    Application,
    StartSignatureInput,
    StartSignaturePayload,
    SubmitApplicationInput,
    SubmitApplicationPayload,
    WithdrawApplicationInput,
    WithdrawApplicationPayload,
)
from server.api.bookings import Slot, slots
from server.api.catalogue import Procedure, ProcedureConnection, ProcedureFilter, RolloutYear, Topic, shown
from server.api.context import Context, Info
from server.api.departments import Department
from server.api.execution import Executor, read_plainly
from server.api.life_events import LifeEvent, RecommendationsPayload, life_event, life_events, recommendations
from server.api.office import Office, office_of
from server.api.paging import PROCEDURES
from server.api.policy import unlisted
from server.api.scalars import JSON, SCALARS
from server.api.statistics import UseCount, statistics
from server.api.versions import as_it_was


async def _procedures(
    info: Info,
    filter: Annotated[ProcedureFilter | None, argument(description="しぼりこみ。")] = None,
    first: Annotated[
        int | None, argument(description=f"1ページの件数。{PROCEDURES.longest}まで。なければ{PROCEDURES.usual}。")
    ] = None,
    after: Annotated[str | None, argument(description="前のページの endCursor。")] = None,
    order_by: Annotated[enums.ProcedureOrder | None, argument(description="順。なければ RELEVANCE。")] = None,
    language: Annotated[enums.Language | None, argument(description="名前と要約の言語。")] = None,
) -> ProcedureConnection:
    return await info.context.shelf.page(filter, first, after, order_by, language)


async def _procedure(
    info: Info,
    slug: Annotated[str, argument(description="手続の slug。")],
    language: Annotated[
        enums.Language | None, argument(description="読みたい言語。訳がなければ日本語で返し、language にそう書く。")
    ] = None,
    version: Annotated[
        str | None, argument(description="読みたい版。なければ、いまの版。受付の状態は、どの版でも、いまのもの。")
    ] = None,
) -> Procedure | None:
    if version is None:
        return info.context.shelf.get(slug, language)
    of = info.context.of
    found = await as_it_was(of, slug, version)
    return shown(found, of.catalogue.shared, of.clock(), language or enums.Language.JA) if found else None


async def _application(
    info: Info,
    receipt_number: Annotated[str, argument(description="受付番号。")],
    access_code: Annotated[str, argument(description="確認コード。")],
) -> Application | None:
    return await applications.find(info, receipt_number, access_code)


def _departments(info: Info) -> list[Department]:
    return list(info.context.shelf.departments.values())


def _categories(info: Info) -> list[Topic]:
    return info.context.shelf.categories


def _life_events(info: Info) -> list[LifeEvent]:
    return life_events(info)


def _life_event(info: Info, code: Annotated[str, argument(description="できごとの code。")]) -> LifeEvent | None:
    return life_event(info, code)


async def _recommendations(
    info: Info,
    life_event: Annotated[str, argument(description="質問のあるできごとの code。")],
    answers: Annotated[JSON, argument(description="interview の schema に合う答え。保存しない。")],
) -> RecommendationsPayload:
    return await recommendations(info, life_event, answers)


async def _statistics(
    info: Info,
    slug: Annotated[str | None, argument(description="手続の slug。")] = None,
    month: Annotated[str | None, argument(description="月(日本)。例: 2026-10")] = None,
) -> list[UseCount]:
    return await statistics(info, slug, month)


def _rollout(info: Info) -> list[RolloutYear]:
    return info.context.shelf.rollout


def _office(info: Info) -> Office:
    return office_of(info)


async def _submit_application(
    info: Info, input: Annotated[SubmitApplicationInput, argument(description="出す申請。")]
) -> SubmitApplicationPayload:
    return await applications.submit(info, input)


async def _start_signature(
    info: Info, input: Annotated[StartSignatureInput, argument(description="署名する申請。")]
) -> StartSignaturePayload:
    return await applications.start_signature(info, input)


async def _withdraw_application(
    info: Info, input: Annotated[WithdrawApplicationInput, argument(description="取り下げる申請。")]
) -> WithdrawApplicationPayload:
    return await applications.withdraw(info, input)


async def _answer_application(
    info: Info, input: Annotated[AnswerApplicationInput, argument(description="答え。")]
) -> AnswerApplicationPayload:
    return await answering.answer(info, input)


async def _slots(
    info: Info,
    slug: Annotated[str, argument(description="手続の slug。")],
    since: Annotated[
        date | None, argument(name="from", description="この日から。なければ、予約できる初日から。")
    ] = None,
    until: Annotated[date | None, argument(description="この日まで。なければ、予約できる最終日まで。")] = None,
) -> list[Slot] | None:
    return await slots(info, slug, since, until)


@strawberry.type(description="読むこと。")
class Query:
    procedures: ProcedureConnection = field(resolver=_procedures, description="手続の一覧。")
    procedure: Procedure | None = field(resolver=_procedure, description="手続1つ。その手続や版がなければ null。")
    application: Application | None = field(
        resolver=_application, description="申請1つ。受付番号か確認コードが違えば null。"
    )
    office: Office = field(resolver=_office, description="職員が読むもの。職員のセッションで。")
    slots: list[Slot] | None = field(
        resolver=_slots, description="いま予約できる枠。満員の枠も返す。予約のない手続や、ない手続なら null。"
    )
    categories: list[Topic] = field(resolver=_categories, description="分類。住民に見せる順。")
    life_events: list[LifeEvent] = field(resolver=_life_events, description="暮らしのできごと。住民に見せる順。")
    life_event: LifeEvent | None = field(resolver=_life_event, description="できごと1つ。なければ null。")
    recommendations: RecommendationsPayload = field(
        resolver=_recommendations, description="答えに合わせた、必要な手続の一覧。だめなわけは、Rejected にすべて返す。"
    )
    departments: list[Department] = field(resolver=_departments, description="担当課。市の表の順。")
    statistics: list[UseCount] = field(
        resolver=_statistics, description="申請の件数。手続か月を1つ書く。前の月まで。5件未満は件数を返さない。"
    )
    rollout: list[RolloutYear] = field(resolver=_rollout, description="オンライン化の目標と実績。年度の順。")


@strawberry.type(description="書くこと。")
class Mutation:
    submit_application: SubmitApplicationPayload = field(
        resolver=_submit_application, description="申請を出す。だめなわけは、Rejected にすべて返す。"
    )
    start_signature: StartSignaturePayload = field(
        resolver=_start_signature,
        description="申請への電子署名を始める。JPKI_SIGNATURE でサインインしたセッションで使う。",
    )
    answer_application: AnswerApplicationPayload = field(
        resolver=_answer_application,
        description="担当課からの質問に答える。受付番号と確認コードを持つ人が、期限のあとでも、担当課が先へ進めるまで答えられる。",
    )
    withdraw_application: WithdrawApplicationPayload = field(
        resolver=_withdraw_application,
        description="申請を取り下げる。出した人のセッションかトークンで使う。サインインしないで出したものは、番号とコードだけでよい。",
    )


class _AlreadyRead(SchemaExtension):
    """Takes the document that was read and validated before."""

    def on_parse(self) -> Iterator[None]:
        execution = self.execution_context
        execution.graphql_document = cast(Context, execution.context).document.node
        execution.validation_rules = ()
        yield


class Schema(strawberry.Schema):
    """Strawberry's, but silent."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Logs nothing: an error's own words may quote an answer. Whoever executes is told of each (`transport`)."""


def build_schema() -> Schema:
    """Raises TypeError for a root field without a rule."""
    config = StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)
    schema = Schema(Query, Mutation, extensions=[_AlreadyRead], config=config, execution_context_class=Executor)
    missing = unlisted(core(schema))
    if missing:
        raise TypeError(f"without a rule in server.api.policy, or without a field: {', '.join(sorted(missing))}")
    for each in core(schema).type_map.values():
        if isinstance(each, GraphQLObjectType):
            read_plainly(each)
    return schema


def core(schema: strawberry.Schema) -> GraphQLSchema:
    """graphql-core's own schema beneath."""
    inner: Any = schema._schema
    return cast(GraphQLSchema, inner)
