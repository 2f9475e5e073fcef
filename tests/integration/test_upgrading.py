"""A database that holds events already is brought up to date with them."""

import psycopg
import pytest

from eventpulse.database.connect import open_connection, open_engine
from eventpulse.database.migrate import migrate


@pytest.fixture
def empty_database_url(postgresql_server: str) -> str:
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("create database to_be_upgraded")
    return postgresql_server.rsplit("/", 1)[0] + "/to_be_upgraded"


def test_events_stored_before_ids_stood_in_one_place_are_known_by_their_ids(empty_database_url: str) -> None:
    engine = open_engine(empty_database_url, application="tests")
    migrate(engine, "0014")
    with open_connection(empty_database_url, application="tests") as connection:
        connection.execute(
            'insert into eventpulse.events (event_id, event_type, source, "timestamp", received_at, position, batch_id,'
            " origin, payload, metadata) select gen_random_uuid(), 'a', 'b', now(), now(), n, n, 'live', '{}', '{}'"
            " from generate_series(1, 3) n"
        )
        migrate(engine)
        engine.dispose()

        events = connection.execute("select event_id, batch_id from eventpulse.events order by 1").fetchall()
        ids = connection.execute("select event_id, batch_id from eventpulse.event_ids order by 1").fetchall()
    assert len(events) == 3
    assert ids == events
