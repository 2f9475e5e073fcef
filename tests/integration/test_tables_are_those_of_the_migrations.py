"""The tables as SQLAlchemy sees them are those that the migrations make."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url

from eventpulse.database.tables import SCHEMA, metadata


def is_ours(thing: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
    """Partitions are tables too, and have indexes of their own; alembic's version table is not ours to describe."""
    table = thing if kind == "table" else getattr(thing, "table", None)
    return table is None or f"{SCHEMA}.{table.name}" in metadata.tables


def test_tables_columns_and_indexes_agree(database_url: str) -> None:
    # The schema has the name of its owner, so it would be the default one, which alembic calls by no name.
    address = make_url(database_url).set(drivername="postgresql+psycopg")
    engine = create_engine(address, connect_args={"options": "-csearch_path=public"})
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, parents: kind != "schema" or name == SCHEMA,
        "include_object": is_ours,
        "compare_type": True,
    }
    try:
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    finally:
        engine.dispose()
