"""Called by Alembic with the connection and the mode that `migrations.upgrade` put into the configuration."""

from alembic import context

from server.store import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    render_as_batch=True,  # SQLite alters a table only by rebuilding it
    transactional_ddl=True,  # also on SQLite: `upgrade` holds one transaction around everything
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
