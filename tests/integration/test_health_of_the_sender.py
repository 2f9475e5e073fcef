"""Who sends, what waits to be sent and which channels fail: to the command line, the API and Prometheus."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from eventpulse.database.connect import open_connection
from eventpulse.database.leadership import SEND, application_name, wait_for_leadership
from eventpulse.database.notifications.sending_queries import FailingChannel, sending_now
from tests.alerts_in_database import open_alerts
from tests.receivers import http_receiver, wait_for
from tests.sending import add_channel, deliveries, sending, settings_of

RUN = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    with open_connection(database_url, application="tests") as connection:
        yield connection


def message(database: psycopg.Connection, channel: UUID, key: str, due: str, **columns: str) -> None:
    """A message that waits; `due` and further columns as SQL."""
    names = ["channel_id", "channel_name", "kind", "state", "reason", "group_key", "created_at", "due_at", *columns]
    values = f"%s, 'ops', 'firing', 'waiting', 'grouped', %s, now() - interval '1 hour', {due}"
    more = "".join(f", {value}" for value in columns.values())
    database.execute(f"insert into eventpulse.deliveries ({', '.join(names)}) values ({values}{more})", (channel, key))


def test_with_nothing_to_do_nobody_is_late(engine: Engine) -> None:
    with engine.connect() as connection:
        now = sending_now(connection)
    assert (now.waiting, now.oldest_seconds, now.overdue, now.unrouted, now.channels) == (0, None, 0, 0, 0)
    assert now.late_seconds == 0


def test_what_has_to_wait_is_not_overdue_and_a_reminder_counts_once_it_is_due(
    database: psycopg.Connection, engine: Engine
) -> None:
    open_channel, resting = add_channel(database, "open", "http://x"), add_channel(database, "resting", "http://x")
    database.execute(
        "update eventpulse.channels set waits_until = now() + interval '1 hour', waits_why = 'dead: 5 failures',"
        " failures = 5, last_error = 'no route' where channel_id = %s",
        (resting,),
    )
    message(database, open_channel, "gathers", "now() + interval '10 s'")
    message(database, open_channel, "late", "now() - interval '90 s'")
    message(database, resting, "rests", "now() - interval '90 s'")
    message(database, open_channel, "a reminder", "now() + interval '1 hour'", reminder="true")
    open_alerts(database, 1, 2)

    with engine.connect() as connection:
        now = sending_now(connection)

    assert (now.waiting, now.overdue, now.unrouted, now.channels) == (3, 1, 2, 2)
    assert now.oldest_seconds is not None and now.oldest_seconds >= 3600
    assert 90 <= now.late_seconds < 3600
    assert now.failing == (FailingChannel("resting", 5, "no route"),)


def test_the_api_and_prometheus_tell_of_it(api: TestClient, database: psycopg.Connection, database_url: str) -> None:
    nobody = api.get("notifications/health").json()
    assert (nobody["sender"], nobody["dagster_run_url"], nobody["channels"]) == ("nobody", None, 0)

    channel = add_channel(database, "ops", "http://x")
    database.execute("update eventpulse.channels set failures = 7, last_error = 'no route'")
    message(database, channel, "late", "now() - interval '90 s'")
    with psycopg.connect(database_url, autocommit=True, application_name=application_name(RUN, SEND)) as leader:
        wait_for_leadership(leader, 0, at_most_milliseconds=1000, duty=SEND)
        told = api.get("notifications/health").json()
        metrics = api.get("http://127.0.0.1/metrics").text

    assert (told["sender"], told["dagster_run_id"]) == ("late", RUN)
    assert told["dagster_run_url"].endswith(f"/runs/{RUN}")
    assert told["failing"] == [{"name": "ops", "state": "dead", "failures": 7, "last_error": "no route"}]
    for line in ("sender_up 1.0", "notifications_waiting 1.0", 'channels_failing{state="dead"} 1.0'):
        assert f"eventpulse_{line}" in metrics


def test_once_all_is_sent_nothing_waits(database: psycopg.Connection, database_url: str, api: TestClient) -> None:
    with http_receiver() as receiver, sending(settings_of(database_url)):
        add_channel(database, "hook", receiver.url)
        open_alerts(database, 1)
        wait_for(lambda: bool(deliveries(database, state="sent")), "it is told of")
        told = api.get("notifications/health").json()
    assert (told["sender"], told["waiting"], told["unrouted"], told["failing"]) == ("ok", 0, 0, [])
