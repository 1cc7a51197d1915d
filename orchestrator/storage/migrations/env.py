"""Alembic's entry point: runs the migrations on the connection from database.py."""

from alembic import context

from searchctl.orchestrator.storage.database import VERSION_TABLE
from searchctl.orchestrator.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
