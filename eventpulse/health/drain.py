"""Who drains the stream now, and who stands by."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from eventpulse.clock import iso_utc
from eventpulse.database.leadership import Contender, Lease
from eventpulse.health.part import Part, State
from eventpulse.stream.shards import ONLY

LEADER, STANDBY = "Leading drain", "Standby drain"
#: The leader renews its sign of life about every second; this long without one is worth a look.
SILENT_SECONDS = 15.0


class AsksForRun(Protocol):
    """Tells Dagster's status of a run, or None where Dagster cannot be asked."""

    def __call__(self, run_id: str) -> str | None: ...


def drain_parts(
    contenders: Sequence[Contender],
    leases: Mapping[int, Lease],
    *,
    shards: Sequence[int] = (ONLY.number,),
    now: datetime,
    dagster_status: AsksForRun,
) -> list[Part]:
    """The leader of each shard, and who stands by. A standby is missing for some seconds after each hand-over."""
    parts = []
    for shard in shards:
        name = LEADER if len(shards) == 1 else f"{LEADER} {shard}"
        leader = next((each for each in contenders if shard in each.shards), None)
        parts.append(_leader(name, leader, leases.get(shard), now, dagster_status))
    standbys = [each.run_id for each in contenders if not each.leads]
    noted = any(shard in leases and each.leads for each in contenders for shard in each.shards)
    return [*parts, _standby(standbys, noted)]


def _leader(
    name: str, leader: Contender | None, lease: Lease | None, now: datetime, dagster_status: AsksForRun
) -> Part:
    if leader is None:
        last = f"; the last one was run {lease.run_id}" if lease else ""
        return Part(name, State.DOWN, f"nobody drains{last}. Accepted events wait in Redis")
    status = dagster_status(leader.run_id)
    details: dict[str, object] = {"run_id": leader.run_id, "dagster_status": status}
    sentence = f"run {leader.run_id}" + (f" ({status.lower()} in Dagster)" if status else "")
    if lease is None or lease.run_id != leader.run_id:
        return Part(name, State.WARNING, f"{sentence} holds the lock and has noted no lease yet", details)
    silent = (now - lease.heartbeat_at).total_seconds()
    details |= {"lease_until": iso_utc(lease.lease_until), "leads_since": iso_utc(lease.leads_since), "silent": silent}
    if silent > SILENT_SECONDS:
        return Part(name, State.WARNING, f"{sentence} has given no sign of life for {silent:.0f} s", details)
    left = (lease.lease_until - now).total_seconds()
    return Part(name, State.UP, f"{sentence}, lease ends in {left:.0f} s", details)


def _standby(run_ids: list[str], noted: bool) -> Part:
    if run_ids:
        return Part(STANDBY, State.UP, f"run {', '.join(run_ids)} is ready to take over", {"run_ids": run_ids})
    if not noted:
        return Part(STANDBY, State.WARNING, "nobody stands by", {"run_ids": []})
    return Part(STANDBY, State.UP, "none just now; Dagster starts one", {"run_ids": []})
