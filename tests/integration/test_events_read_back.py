"""Events come back from PostgreSQL as the very frame that was stored, for a standby to remember."""

from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
from polars.testing import assert_frame_equal

from eventpulse.database.events.history import Slice, events_of_batches, newest_stored, oldest_stored, stored_events
from eventpulse.database.events.incoming import prepare_staging, store_events
from eventpulse.database.events.partitions import DayPartitions
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


def test_the_first_and_the_last_event_are_found_on_whatever_day_they_lie(database_url: str) -> None:
    noon = datetime(2026, 1, 10, 12, tzinfo=UTC)
    days = {"a": (-30, 0, 1), "b": (0, 2), "of days that share a partition": (-40, 40), "none": ()}
    rows = [
        {
            "event_id": f"{number:08}-0000-0000-0000-000000000000",
            "event_type": kind,
            "source": "web",
            "timestamp": noon + timedelta(days=day),
            "received_at": noon,
            "position": number,
            "payload": "{}",
            "metadata": "{}",
        }
        for number, (kind, day) in enumerate((kind, day) for kind, listed in days.items() for day in listed)
    ]
    with psycopg.connect(database_url, autocommit=True) as connection:
        prepare_staging(connection)
        own = [noon.date() + timedelta(days=day) for day in (-30, -29, 0, 1, 2)]
        DayPartitions().ensure(connection, own, noon.date())
        for batch_id, row in enumerate(rows):
            with connection.transaction():
                store_events(connection, pl.DataFrame([row], schema=EVENT_SCHEMA), batch_id=batch_id, origin="live")

        for kind, listed in days.items():
            ends = [noon + timedelta(days=day) for day in (listed[0], listed[-1])] if listed else [None, None]
            assert [oldest_stored(connection, [kind], None), newest_stored(connection, [kind], None)] == ends
        assert oldest_stored(connection, None, None) == noon - timedelta(days=40)
        assert newest_stored(connection, ["a", "b"], ["web"]) == noon + timedelta(days=2)
        assert newest_stored(connection, ["b"], None, besides=4) == noon
