"""Open a database: the one place that makes engines and speaks of drivers."""

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from eventpulse.errors import SettingsError


def open_engine(url: str, *, application: str, pool_size: int = 5) -> Engine:
    """An engine for one process. Connections are opened when first used, in UTC, under the name of `application`.

    The name is what an operator sees in pg_stat_activity. Raises SettingsError where the URL is none.
    """
    try:
        address = make_url(url)
    except ArgumentError as fault:
        raise SettingsError("DATABASE_URL is not a URL like postgresql://user:password@host:5432/name.") from fault
    if address.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(f"DATABASE_URL must name a PostgreSQL server, got {address.get_backend_name()!r}.")
    return create_engine(
        address.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        pool_pre_ping=True,
        connect_args={"application_name": application, "options": "-c timezone=UTC", "connect_timeout": 5},
        hide_parameters=True,
    )
