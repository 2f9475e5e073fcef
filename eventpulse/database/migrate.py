"""Bring the schema of a database up to date."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from eventpulse.database.tables import SCHEMA
from eventpulse.settings import PROJECT_ROOT

# Two processes that migrate at once would trip over each other: the second waits, then finds nothing to do.
_MIGRATION_LOCK = 0x45564D49


def migrate(engine: Engine, revision: str = "head") -> None:
    """Apply every migration that is missing, in one transaction. Safe to repeat."""
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.execute(text(f"create schema if not exists {SCHEMA}"))
        command.upgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(PROJECT_ROOT / "migrations"))
    config.attributes["connection"] = connection
    return config
