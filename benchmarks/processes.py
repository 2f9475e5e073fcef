"""The processes of a running product, named by what they do."""

from collections import defaultdict
from contextlib import suppress

import psutil

# The first word found in the command line names the role.
_ROLES = {
    "valkey-server": "Redis (Valkey)",
    "redis-server": "Redis",
    "postgres": "PostgreSQL",
    "ingest_api": "HTTP API",
    "uvicorn": "HTTP API",
    "dagster-webserver": "Dagster webserver",
    "dagster_webserver": "Dagster webserver",
    "dagster-daemon": "Dagster daemon",
    "dagster._daemon": "Dagster daemon",
    "resource_tracker": "resource trackers",
    "spawn_main": "drain runs",  # the code server starts runs as children of its own
    "api grpc": "Dagster code server",
    "-m eventpulse": "eventpulse up",
}


def role(process: psutil.Process) -> str:
    """What a process does, in a word or two."""
    command = " ".join(process.cmdline()) or process.name()
    return next((role for word, role in _ROLES.items() if word in command), process.name())


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and everything it has started."""
    return [process, *process.children(recursive=True)]


def memory_by_role(process: psutil.Process) -> dict[str, float]:
    """Megabytes for each role. PSS shares out what several processes use together; RSS where PSS is not known."""
    megabytes: dict[str, float] = defaultdict(float)
    for each in family(process):
        with suppress(psutil.Error):
            memory = each.memory_full_info()
            megabytes[role(each)] += getattr(memory, "pss", memory.rss) / 2**20
    return {**megabytes, "total": sum(megabytes.values())}


def cpu_seconds(process: psutil.Process) -> dict[str, float]:
    """CPU seconds used so far, for each role."""
    seconds: dict[str, float] = defaultdict(float)
    for each in family(process):
        with suppress(psutil.Error):
            times = each.cpu_times()
            seconds[role(each)] += times.user + times.system
    return dict(seconds)
