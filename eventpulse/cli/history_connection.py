"""A connection for a command that works on history itself, beside a running EventPulse or without one."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from eventpulse.database.connect import open_connection
from eventpulse.errors import SettingsError
from eventpulse.settings import Settings


@contextmanager
def connected(settings: Settings, command: str) -> Iterator[psycopg.Connection]:
    """One connection to the database of this installation, for as long as the block lasts."""
    if settings.database_url is None:
        raise SettingsError(f"`eventpulse {command}` needs a database. Run `eventpulse up`, or set DATABASE_URL.")
    with closing(
        open_connection(settings.database_url.get_secret_value(), application=f"eventpulse {command}")
    ) as connection:
        yield connection
