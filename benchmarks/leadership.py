"""Keep every drain from leading for a while, by holding the lock that makes a leader."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from sqlalchemy import create_engine

from eventpulse.database.leadership import everybody, release_leadership, wait_for_leadership
from eventpulse.stream.shards import shards_of


@contextmanager
def nobody_drains(database_url: str, shards: int = 1) -> Iterator[None]:
    """Inside the block no drain leads: running ones are cut off, new ones stand by and are warm at the end."""
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    stopped = threading.Event()
    with psycopg.connect(database_url, autocommit=True, application_name="benchmark") as connection:
        cutting = threading.Thread(target=_cut_off_leaders, args=(engine, connection.info.backend_pid, stopped))
        cutting.start()
        numbers = [shard.number for shard in shards_of(shards)]
        try:
            for number in numbers:
                while not wait_for_leadership(connection, number, at_most_milliseconds=10_000):
                    pass
        finally:
            stopped.set()
            cutting.join()
        yield
        for number in numbers:
            release_leadership(connection, number)
    engine.dispose()


def _cut_off_leaders(engine: object, our_pid: int, stopped: threading.Event) -> None:
    """End the connection of whoever leads, until we do: the lock falls with the connection."""
    while not stopped.wait(0.5):
        with suppress(Exception), engine.begin() as connection:  # type: ignore[attr-defined]
            for each in everybody(engine):  # type: ignore[arg-type]
                if each.leads and each.backend_pid != our_pid:
                    connection.exec_driver_sql(f"select pg_terminate_backend({each.backend_pid})")
