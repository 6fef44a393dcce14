"""From when until when a procedure is suspended: an announced suspension begins, and ends, by the clock."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("publication", sa.Column("suspended_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("publication", sa.Column("suspended_until", sa.DateTime(timezone=True), nullable=True))
