"""Events come back from PostgreSQL as the very frame that was stored, for a standby to remember."""

from datetime import UTC, datetime

import polars as pl
import psycopg
from polars.testing import assert_frame_equal

from eventpulse.database.history import Slice, events_of_batches, stored_events
from eventpulse.database.incoming import prepare_staging, store_events
from eventpulse.database.partitions import DayPartitions
from eventpulse.event import EVENT_SCHEMA


def test_stored_events_are_read_back_unchanged(database_url: str) -> None:
    instant = datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=UTC)
    common = {"event_type": "NA", "timestamp": instant, "received_at": instant, "metadata": "{}"}
    events = pl.DataFrame(
        [
            {
                **common,
                "event_id": f"{n:08}-0000-0000-0000-000000000000",
                "source": source,
                "position": n,
                "payload": text,
            }
            for n, (source, text) in enumerate(
                [
                    ("null", "{}"),
                    ('"', '{"a": 12345678901234567890.10}'),
                    ("a,\nb", '{"text": "x\\ny, \\"z\\""}'),
                    ("\\.", "{}"),
                ]
            )
        ],
        schema=EVENT_SCHEMA,
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        prepare_staging(connection)
        DayPartitions().ensure(connection, [instant.date()], instant.date())
        with connection.transaction():
            store_events(connection, events, batch_id=7, origin="live")

        assert_frame_equal(stored_events(connection, Slice(after=datetime(2026, 1, 1, tzinfo=UTC))), events)
        assert_frame_equal(events_of_batches(connection, [6, 7]), events)
        assert events_of_batches(connection, [8]).is_empty()
