"""Decide which drain runs are wanted and which have died, from the lock's queue and Dagster's list of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from eventpulse.database.leadership import Contender

WANTED = 2
#: How long a run may take from its launch to standing in the queue for the lock.
GRACE = timedelta(seconds=45)
#: A run that hands over leaves the queue a moment before Dagster knows that it has ended.
ENDING = timedelta(seconds=3)
LONGEST_PAUSE = timedelta(seconds=60)


class Lack(StrEnum):
    """Why another run is wanted."""

    NO_LEADER = "nobody leads"
    NO_STANDBY = "nobody stands by"


@dataclass(frozen=True)
class DrainRunSeen:
    """A drain run as Dagster knows it."""

    run_id: str
    created_at: datetime
    finished: bool = False
    failed: bool = False
    lasted: timedelta = timedelta()


@dataclass(frozen=True)
class Verdict:
    """Why a run is to be started, if one is, and which runs died without telling Dagster."""

    lack: Lack | None
    died: tuple[str, ...]


@dataclass
class Absences:
    """Since when, on the monotonic clock, unfinished runs have not been in the queue."""

    _since: dict[str, float] = field(default_factory=dict)

    def of(
        self, unfinished: Sequence[DrainRunSeen], contending: Sequence[Contender], now: float
    ) -> dict[str, timedelta]:
        """For how long each absent run has been missing, as far as this object has watched."""
        present = {contender.run_id for contender in contending}
        absent = [run.run_id for run in unfinished if run.run_id not in present]
        self._since = {run_id: self._since.get(run_id, now) for run_id in absent}
        return {run_id: timedelta(seconds=now - since) for run_id, since in self._since.items()}


def judge_drains(
    contending: Sequence[Contender],
    runs: Sequence[DrainRunSeen],
    missing_for: Mapping[str, timedelta],
    *,
    last_leader: str | None,
    now: datetime,
) -> Verdict:
    """Compare who is in the queue for the lock with the runs Dagster believes in; `runs` come newest first.

    A run that is not in the queue is on its way while it is young, and ends or is dead otherwise. Whoever has led
    before is not on its way any more. Where runs fail as soon as they start, the next one waits longer each time.
    """
    present = {contender.run_id for contender in contending}
    absent = [run for run in runs if not run.finished and run.run_id not in present]
    arriving = [run for run in absent if run.run_id != last_leader and now - run.created_at <= GRACE]
    died = tuple(
        run.run_id for run in absent if run not in arriving and missing_for.get(run.run_id, timedelta()) >= ENDING
    )
    if len(present) + len(arriving) >= WANTED or _must_pause(runs, now):
        return Verdict(None, died)
    return Verdict(Lack.NO_STANDBY if any(each.leads for each in contending) else Lack.NO_LEADER, died)


def _must_pause(runs: Sequence[DrainRunSeen], now: datetime) -> bool:
    failures = 0
    for run in (run for run in runs if run.finished):
        if not run.failed or run.lasted > GRACE:
            break
        failures += 1
    if failures < WANTED:
        return False
    return now - runs[0].created_at < min(timedelta(seconds=2**failures), LONGEST_PAUSE)
