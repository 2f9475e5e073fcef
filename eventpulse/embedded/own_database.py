"""The database of this installation for one short command, also while EventPulse is not running."""

from collections.abc import Iterator
from contextlib import contextmanager

from eventpulse.embedded.home import locked_home
from eventpulse.embedded.ports import require_free_port
from eventpulse.embedded.postgresql import create_database, postgresql_url, prepare_postgresql
from eventpulse.embedded.running import running
from eventpulse.settings import Settings


@contextmanager
def reachable_database(settings: Settings) -> Iterator[str]:
    """The address of the database: the given one, that of a running `eventpulse up`, or ours, started meanwhile.

    Raises EmbeddedServerError where it cannot be started.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    home, port = settings.home.resolve(), settings.postgres_port
    with locked_home(home):
        require_free_port("127.0.0.1", port, purpose="PostgreSQL", setting="EVENTPULSE_POSTGRES_PORT")
        folder = home / "postgresql"
        with running(prepare_postgresql(folder, port), home / "logs" / "postgresql.log"):
            create_database(folder, port)
            yield postgresql_url(folder, port)
