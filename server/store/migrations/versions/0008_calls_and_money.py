"""Who goes to a device at which somebody called a clerk, so that no second one does and whoever called is told.

And notes on money that a person looked into."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("device", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("device", sa.Column("answered_by", sa.String(), nullable=True))
    op.create_table(
        "money_note",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_note", sa.LargeBinary(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_money_note_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_note")),
        sa.UniqueConstraint("about", name=op.f("uq_money_note_about")),
    )
    op.create_index(op.f("ix_money_note_noted_at"), "money_note", ["noted_at"], unique=False)
    odd = sa.text("action IN ('payment.unknown', 'payment.mismatch', 'payment.refund_unassigned')")
    op.create_index("ix_audit_odd_money", "audit", ["seq"], unique=False, sqlite_where=odd, postgresql_where=odd)
