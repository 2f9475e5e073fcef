"""A sender that tests can run in this process, and channels for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Json
from pydantic import SecretStr

from eventpulse.notify.address_box import AddressBox
from eventpulse.settings import Settings
from pipelines.notifying.send_notifications import SendingTally
from pipelines.notifying.sender_run import SenderRun

KEY = "a key for tests of thirty-two characters or more"
SECRET = "a secret of the webhook"


class Notes:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.sent = 0

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def report(self, tally: SendingTally) -> None:
        self.sent += sum(counts.get("sent", 0) for counts in tally.by_day.values())

    def has_ended(self) -> bool:
        return False


def settings_of(database_url: str, **changes: Any) -> Settings:
    """Settings of a sender."""
    fields = {"database_url": SecretStr(database_url), "channel_key": SecretStr(KEY), "materialise_seconds": 1}
    return Settings(_env_file=None, **{**fields, **changes})


@contextmanager
def sending(settings: Settings, name: str = "sender") -> Iterator[Notes]:
    """A sender runs in a thread, as it would in a Dagster run."""
    notes, stop = Notes(), threading.Event()
    run = SenderRun(settings, name, notes, shall_stop=stop.is_set)
    thread = threading.Thread(target=run.run, name=name)
    thread.start()
    try:
        yield notes
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def add_channel(connection: psycopg.Connection, name: str, url: str, kind: str = "webhook", **plan: Any) -> UUID:
    """A channel that waits for nobody, unless its plan says so."""
    box, channel_id = AddressBox(KEY), uuid4()
    plan = {"group_wait_seconds": 0, "group_interval_seconds": 0, "repeat_interval_seconds": 0, **plan}
    connection.execute(
        "insert into eventpulse.channels (channel_id, name, enabled, kind, shown_url, url, secret, plan)"
        " values (%s, %s, true, %s, 'http://***', %s, %s, %s)",
        (channel_id, name, kind, box.lock(url), box.lock(SECRET), Json(plan)),
    )
    return channel_id


def deliveries(connection: psycopg.Connection, **columns: Any) -> list[dict[str, Any]]:
    """The deliveries that have these values, the oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute("select * from eventpulse.deliveries order by number").fetchall()
    return [row for row in rows if all(row[name] == value for name, value in columns.items())]


def unaccounted(connection: psycopg.Connection) -> list[tuple[int, str, int]]:
    """Intents that do not stand exactly once on each channel that is there: outbox id, channel, how often it stands."""
    return connection.execute(
        """
        select o.outbox_id, c.name, count(d.delivery_id)
        from eventpulse.outbox o cross join eventpulse.channels c
        left join eventpulse.deliveries d on d.channel_id = c.channel_id and o.outbox_id = any(d.outbox_ids)
        group by o.outbox_id, c.name having count(d.delivery_id) <> 1
        """
    ).fetchall()
