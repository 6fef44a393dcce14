"""Seats: which places of a calendar's slots are given away, and to which application."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "seat",
        sa.Column("calendar", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("until", sa.String(), nullable=False),
        sa.Column("application_id", sa.String(), nullable=False),
        sa.CheckConstraint("place > 0", name=op.f("ck_seat_place")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name=op.f("fk_seat_application_id_application"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("calendar", "slot", "place", name=op.f("pk_seat")),
        sa.UniqueConstraint("application_id", name=op.f("uq_seat_application_id")),
    )
