"""Runs migrations on the connection it is handed; `eventpulse migrate` and `eventpulse up` are the ways in."""

from alembic import context

from eventpulse.database.tables import SCHEMA, metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, version_table_schema=SCHEMA, include_schemas=True)
context.run_migrations()
