"""The schema that all tables are in, and what many of them have."""

from sqlalchemy import Column, DateTime, MetaData, func

SCHEMA = "eventpulse"
metadata = MetaData(schema=SCHEMA)
Instant = DateTime(timezone=True)


def created_at() -> Column:
    """When a row was made."""
    return Column("created_at", Instant, nullable=False, server_default=func.now())
