"""What the API writes into the stream, the drain reads: the same events, in order, and no line that is none."""

import asyncio
import json

from eventpulse.intake.sent_events import read_batch
from eventpulse.stream.connect import open_async_redis, open_redis
from eventpulse.stream.publisher import Publisher
from eventpulse.stream.reader import StreamReader
from pipelines.live.read_events import read_events


def test_every_event_of_every_request_arrives_once_and_nothing_is_set_aside(redis_url: str) -> None:
    sources = [f"source-{number}" for number in range(100)]
    asyncio.run(publish_in_requests_of_ten(redis_url, sources))

    with open_redis(redis_url) as client:
        reader = StreamReader(client)
        reader.prepare()
        read = read_events(reader.take(max_events=1000, max_bytes=1_000_000, block_milliseconds=100))

    assert read.events["source"].to_list() == sources
    assert read.dead == []


async def publish_in_requests_of_ten(redis_url: str, sources: list[str]) -> None:
    client = open_async_redis(redis_url)
    publisher = Publisher(client)
    requests = []
    for start in range(0, len(sources), 10):
        events = [
            {"event_type": "tick", "source": source, "timestamp": "2026-01-31T08:00:00Z", "payload": {"text": "a\nb"}}
            for source in sources[start : start + 10]
        ]
        accepted = read_batch(json.dumps(events).encode(), most=10, deepest=10)
        requests.append(publisher.publish(accepted.lines, 10))
    await asyncio.gather(*requests)
    await publisher.close()
    await client.aclose()
