"""Who drains the stream now, and who stands by."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from eventpulse.clock import iso_utc
from eventpulse.database.leadership import Contender, Lease
from eventpulse.health.part import Part, State

LEADER, STANDBY = "Leading drain", "Standby drain"
#: The leader renews its sign of life about every second; this long without one is worth a look.
SILENT_SECONDS = 15.0


class AsksForRun(Protocol):
    """Tells Dagster's status of a run, or None where Dagster cannot be asked."""

    def __call__(self, run_id: str) -> str | None: ...


def drain_parts(
    contenders: Sequence[Contender], lease: Lease | None, *, now: datetime, dagster_status: AsksForRun
) -> list[Part]:
    """The leader and the standby of one shard. A standby is missing for some seconds after each hand-over."""
    leader = next((each for each in contenders if each.leads), None)
    standbys = [each.run_id for each in contenders if not each.leads]
    return [_leader(leader, lease, now, dagster_status), _standby(standbys, lease if leader else None)]


def _leader(leader: Contender | None, lease: Lease | None, now: datetime, dagster_status: AsksForRun) -> Part:
    if leader is None:
        last = f"; the last one was run {lease.run_id}" if lease else ""
        return Part(LEADER, State.DOWN, f"nobody drains{last}. Accepted events wait in Redis")
    status = dagster_status(leader.run_id)
    details: dict[str, object] = {"run_id": leader.run_id, "dagster_status": status}
    sentence = f"run {leader.run_id}" + (f" ({status.lower()} in Dagster)" if status else "")
    if lease is None or lease.run_id != leader.run_id:
        return Part(LEADER, State.WARNING, f"{sentence} holds the lock and has noted no lease yet", details)
    silent = (now - lease.heartbeat_at).total_seconds()
    details |= {"lease_until": iso_utc(lease.lease_until), "leads_since": iso_utc(lease.leads_since), "silent": silent}
    if silent > SILENT_SECONDS:
        return Part(LEADER, State.WARNING, f"{sentence} has given no sign of life for {silent:.0f} s", details)
    left = (lease.lease_until - now).total_seconds()
    return Part(LEADER, State.UP, f"{sentence}, lease ends in {left:.0f} s", details)


def _standby(run_ids: list[str], lease: Lease | None) -> Part:
    if run_ids:
        return Part(STANDBY, State.UP, f"run {', '.join(run_ids)} is ready to take over", {"run_ids": run_ids})
    if lease is None:
        return Part(STANDBY, State.WARNING, "nobody stands by", {"run_ids": []})
    return Part(STANDBY, State.UP, "none just now; Dagster starts one", {"run_ids": []})
