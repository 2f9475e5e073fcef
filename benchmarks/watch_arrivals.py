"""See when events are accepted, when they are rows, and when their anomalies are told; one clock for all three."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
import websockets

from benchmarks.lean_client import Connection, connect, post_request
from benchmarks.results import Figures, spread

#: Rows are found by looking, this often; a row is seen half of it too late on average.
LOOK_EVERY_SECONDS = 0.002
ONE_TRIGGER_IN = 10


@dataclass
class Arrivals:
    """Moments (monotonic seconds) by event id."""

    accepted: dict[str, float] = field(default_factory=dict)
    triggers: set[str] = field(default_factory=set)
    rows: dict[str, float] = field(default_factory=dict)
    messages: dict[str, float] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def handovers(self) -> int:
        """How often another Dagster run went on with the draining."""
        return max(0, len(self.runs) - 1)

    async def all_seen(self, *, within: float) -> None:
        """Wait until everything accepted has arrived; what has not by then is counted as missing."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and not (
            self.accepted.keys() <= self.rows.keys() and self.triggers <= self.messages.keys()
        ):
            await asyncio.sleep(0.05)

    def figures(self) -> Figures:
        """Milliseconds from acceptance to row and from acceptance of a trigger to its message."""
        rows = [(self.rows[key] - at) * 1000 for key, at in self.accepted.items() if key in self.rows]
        told = [(self.messages[key] - self.accepted[key]) * 1000 for key in self.triggers if key in self.messages]
        missing = len(self.accepted) - len(rows) + len(self.triggers) - len(told)
        return {**spread("row", rows), **spread("message", told), "missing": missing, "refused": self.refused}


async def post_evenly(
    url: str, arrivals: Arrivals, *, rate: float, seconds: float, first_triggers: bool = False
) -> None:
    """Post single events evenly, each on a connection that is free, and note when each was accepted."""
    free: list[Connection] = [await connect(url) for _ in range(4)]
    opened = list(free)
    begun = time.monotonic()
    posting: set[asyncio.Task[None]] = set()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        free[:] = [connection for connection in free if connection.is_open]
        if not free:
            opened.append(await connect(url))
            free.append(opened[-1])
        triggers = number % ONE_TRIGGER_IN == (0 if first_triggers else ONE_TRIGGER_IN - 1)
        task = asyncio.create_task(_post_one(url, free.pop(), free, arrivals, triggers))
        posting.add(task)
        task.add_done_callback(posting.discard)
    if posting:
        await asyncio.wait(posting)
    for connection in opened:
        connection.close()


async def _post_one(
    url: str, connection: Connection, free: list[Connection], arrivals: Arrivals, triggers: bool
) -> None:
    event = {
        "event_type": "benchmark_trigger" if triggers else "benchmark",
        "source": "latency",
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "payload": {"text": "x" * 120},
    }
    status, body = await connection.request(post_request(url, "/api/v1/events", json.dumps(event).encode()))
    at = time.monotonic()
    free.append(connection)
    if status != 202:
        arrivals.refused += 1
        return
    event_id = json.loads(body)["event_id"]
    arrivals.accepted[event_id] = at
    if triggers:
        arrivals.triggers.add(event_id)


@asynccontextmanager
async def watch_rows(database_url: str, arrivals: Arrivals) -> AsyncIterator[None]:
    """Note when each new row of `events` can be read."""
    connection = await psycopg.AsyncConnection.connect(database_url, autocommit=True)
    first = await (await connection.execute("select coalesce(max(batch_id), 0) from eventpulse.batches")).fetchone()
    assert first is not None
    watching = asyncio.create_task(_look_for_rows(connection, arrivals, first[0]))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await connection.close()


async def _look_for_rows(
    connection: "psycopg.AsyncConnection[tuple[object, ...]]", arrivals: Arrivals, after: int
) -> None:
    while True:
        cursor = await connection.execute(
            "select b.batch_id, b.dagster_run_id, e.event_id::text from eventpulse.batches b"
            " left join eventpulse.events e on e.batch_id = b.batch_id and e.batch_id > %(after)s"
            " where b.batch_id > %(after)s",
            {"after": after},
        )
        now = time.monotonic()
        for batch_id, run_id, event_id in await cursor.fetchall():
            after = max(after, int(str(batch_id)))
            arrivals.rows.setdefault(str(event_id), now)
            if run_id and (not arrivals.runs or arrivals.runs[-1] != run_id):
                arrivals.runs.append(str(run_id))
        await asyncio.sleep(LOOK_EVERY_SECONDS)


@asynccontextmanager
async def watch_messages(url: str, arrivals: Arrivals) -> AsyncIterator[None]:
    """Note when the WebSocket tells of an anomaly, by the event that triggered it."""
    address = url.replace("http", "ws", 1) + "/ws"
    async with websockets.connect(address, max_queue=None) as socket:
        listening = asyncio.create_task(_listen(socket, arrivals))
        try:
            yield
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening


async def _listen(socket: websockets.ClientConnection, arrivals: Arrivals) -> None:
    async for message in socket:
        now = time.monotonic()
        event_id = json.loads(message).get("event_id")
        if event_id:
            arrivals.messages.setdefault(event_id, now)
