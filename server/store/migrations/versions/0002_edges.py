"""Tokens for programs, earlier answers, what the scanner said of a file, one open payment a debt."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_OPEN = "state IN ('due', 'started', 'declined', 'promised')"


def upgrade() -> None:
    _api_token()
    _earlier_answers()
    _protection()
    op.add_column("draft", sa.Column("begun_digest", sa.LargeBinary(), nullable=True))
    # What was handed in before there was a scanner is as it was: nobody is locked out of it.
    op.add_column("upload", sa.Column("scan", sa.String(), nullable=False, server_default="clean"))
    op.create_index(op.f("ix_upload_scan"), "upload", ["scan"], unique=False)
    op.create_index(
        "uq_payment_open",
        "payment",
        ["debt_id"],
        unique=True,
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )


def _api_token() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_label", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_api_token_resident_id_resident"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_api_token_token_digest")),
    )
    op.create_index(op.f("ix_api_token_expires_at"), "api_token", ["expires_at"], unique=False)
    op.create_index(op.f("ix_api_token_resident_id"), "api_token", ["resident_id"], unique=False)


def _earlier_answers() -> None:
    op.create_table(
        "earlier_answers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("resident_id", sa.String(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_answers", sa.LargeBinary(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_earlier_answers_resident_id_resident"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earlier_answers")),
        sa.UniqueConstraint("resident_id", name=op.f("uq_earlier_answers_resident_id")),
    )
    op.create_index(op.f("ix_earlier_answers_expires_at"), "earlier_answers", ["expires_at"], unique=False)


def _protection() -> None:
    op.create_table(
        "protection",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_protection")),
    )
