"""Headers: what the catalogue says of a procedure, beside which version of it is served."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_SAID = (
    *("id", "category", "slug", "title", "official_title", "kana", "summary", "keywords", "life_events", "group"),
    *("department", "legal_basis", "procedure_type", "assurance", "result", "channels", "online_since", "accepts"),
    *("processing_days", "fee", "handover", "booking"),
)
_publication = sa.table("publication", sa.column("slug"), sa.column("digest"), sa.column("header"))
_declaration = sa.table("declaration", sa.column("digest"), sa.column("bundle"))


def upgrade() -> None:
    op.add_column("publication", sa.Column("header", sa.String(), nullable=True))
    db = op.get_bind()
    bundle = sa.select(_declaration.c.bundle).where(_declaration.c.digest == sa.bindparam("served"))
    for slug, digest in db.execute(sa.select(_publication.c.slug, _publication.c.digest)).all():
        header = _header(db.execute(bundle, {"served": digest}).scalar_one())
        db.execute(_publication.update().where(_publication.c.slug == slug).values(header=header))
    with op.batch_alter_table("publication") as batch:
        batch.alter_column("header", existing_type=sa.String(), nullable=False)


def _header(bundle: str) -> str:
    """As `procedures.declaration` wrote it when this was the newest revision."""
    raw: dict[str, Any] = json.loads(bundle)
    told = {
        "who": raw["guide"]["who"],
        "papers": [each["title"] for each in raw.get("attachments", ())],
        "asks_my_number": '"format":"my-number"' in bundle,
    }
    said = {name: raw[name] for name in _SAID if name in raw}
    return json.dumps(said | told, ensure_ascii=False, separators=(",", ":"))
