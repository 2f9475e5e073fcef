"""Open a database: the one place that makes engines and speaks of drivers."""

import psycopg
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from eventpulse.errors import DatabaseUnavailable, SettingsError

#: What is raised where a connection is lost, or leads to a server that cannot be written to: to be tried again.
CONNECTION_LOST = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,  # what was the primary is a replica now
)


def open_engine(url: str, *, application: str, pool_size: int = 5) -> Engine:
    """An engine for one process. Connections are opened when first used, in UTC, under the name of `application`.

    The name is what an operator sees in pg_stat_activity. Raises SettingsError where the URL is none.
    """
    return create_engine(
        _address(url),
        pool_size=pool_size,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={"application_name": application, "options": "-c timezone=UTC", "connect_timeout": 5},
        hide_parameters=True,
    )


# PostgreSQL too asks whether the other side is still there: else a machine that lost its power would keep its locks.
_OF_A_SESSION = " ".join(
    f"-c {setting}"
    for setting in (
        "timezone=UTC",
        "tcp_keepalives_idle=5",
        "tcp_keepalives_interval=2",
        "tcp_keepalives_count=3",
    )
)


def open_connection(url: str, *, application: str) -> psycopg.Connection:
    """One connection of its own, for bulk loading and for locks that live as long as it does. In UTC, autocommit.

    Raises DatabaseUnavailable where the server cannot be reached.
    """
    address = _address(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        return psycopg.connect(
            address,
            autocommit=True,
            application_name=application,
            options=_OF_A_SESSION,
            connect_timeout=5,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        )
    except psycopg.OperationalError as fault:
        raise DatabaseUnavailable("PostgreSQL cannot be reached. Is it running, and is DATABASE_URL right?") from fault


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # Without its cause, which may quote a part of the password that was taken for a port.
        raise SettingsError("DATABASE_URL is not a URL like postgresql://user:password@host:5432/name.") from None
    if address.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(f"DATABASE_URL must name a PostgreSQL server, got {address.get_backend_name()!r}.")
    return address.set(drivername="postgresql+psycopg")
