"""A load generator, as a process of its own: posts as fast as the server answers and prints what it saw as JSON."""

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

from benchmarks.invented_events import bodies, invented_events
from benchmarks.lean_client import Connection, connect, post_request
from benchmarks.results import Figures, spread
from eventpulse.settings import PROJECT_ROOT

_DISTINCT_EVENTS = 200
_LEAST_REQUESTS = 5


def main(
    url: str,
    connections: Annotated[int, typer.Option(help="Requests in flight.")] = 32,
    batch: Annotated[int, typer.Option(help="Events in a request.")] = 1,
    seconds: Annotated[float, typer.Option(help="How long.")] = 10.0,
    most_events: Annotated[int, typer.Option(help="Stop earlier after so many events; 0 = do not.")] = 0,
    over_seconds: Annotated[float, typer.Option(help="Spread the timestamps over this much time before now.")] = 0.0,
) -> None:
    """Post and print what came of it."""
    # With a span of time every request is one of its own, in the order of time; else a few are repeated.
    events = most_events if over_seconds else batch * max(_LEAST_REQUESTS, _DISTINCT_EVENTS // batch)
    invented = invented_events(events, over=timedelta(seconds=over_seconds))
    path = "/api/v1/events" if batch == 1 else "/api/v1/events/batch"
    requests = [post_request(url, path, body, os.environ.get("EVENTPULSE_API_KEY")) for body in bodies(invented, batch)]
    gc.freeze()
    seen = uvloop.run(_post(url, requests, connections, seconds, most_events // batch if most_events else None))
    print(json.dumps(seen | {"events per request": batch}))


async def _post(
    url: str, requests: list[bytes], connections: int, seconds: float, most_requests: int | None
) -> dict[str, Any]:
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    sent = 0
    opened = [await connect(url) for _ in range(connections)]
    begun = time.perf_counter()
    deadline = begun + seconds

    async def keep_posting(connection: Connection) -> None:
        nonlocal sent
        while (most_requests is None or sent < most_requests) and (start := time.perf_counter()) < deadline:
            request = requests[sent % len(requests)]
            sent += 1
            status, _ = await connection.request(request)
            latencies.append((time.perf_counter() - start) * 1000)
            statuses[status] += 1

    await asyncio.gather(*(keep_posting(connection) for connection in opened))
    took = time.perf_counter() - begun
    for connection in opened:
        connection.close()
    return {"seconds": took, "latencies": latencies, "statuses": dict(statuses)}


def run_load(url: str, **options: float) -> dict[str, Any]:
    """Run the generator in a process of its own and return what it saw."""
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "benchmarks.load", url, *arguments]
    done = subprocess.run(command, cwd=Path(PROJECT_ROOT), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The load generator failed:\n{done.stderr}")
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def figures(seen: dict[str, Any]) -> Figures:
    """Requests and events that were accepted each second, latencies in milliseconds, and how many were refused."""
    accepted = seen["statuses"].get("202", 0)
    latencies = spread("ms", seen["latencies"])
    return {
        "requests/s": accepted / seen["seconds"],
        "events/s": accepted * seen["events per request"] / seen["seconds"],
        "ms p50": latencies.get("ms p50"),
        "ms p99": latencies.get("ms p99"),
        "refused": sum(seen["statuses"].values()) - accepted,
    }


if __name__ == "__main__":
    typer.run(main)
