"""Decide which drain runs are wanted and which have died, from who is at work and Dagster's list of runs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from eventpulse.database.leadership import WANTED, Contender

#: How long a run may take from its launch to its connection, where no setting says otherwise.
GRACE = timedelta(seconds=90)
#: A run that hands over closes its connection a moment before Dagster knows that it has ended.
ENDING = timedelta(seconds=3)
#: A drain whose connection was cut is back by itself so soon; nobody has to be started in its place.
RETURNING = timedelta(seconds=1.5)
#: A run that failed sooner than this after its start has failed at once.
AT_ONCE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(seconds=60)
#: On a machine so busy that runs do not arrive in time, more of them make it worse: the next ones get twice the
#: time, and twice again, up to so many doublings.
MOST_DOUBLINGS = 4


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
    """How many runs are to be started and why, and which runs died without telling Dagster."""

    wanted: int
    lack: Lack | None
    died: tuple[str, ...]


@dataclass
class Attendance:
    """Who has been seen at work, and since when those who should be are not. Times are of the monotonic clock."""

    seen: set[str]
    grace: timedelta = GRACE
    _missing_since: dict[str, float] = field(default_factory=dict)

    def look(
        self, contending: Sequence[Contender], runs: Sequence[DrainRunSeen], *, monotonic: float, now: datetime
    ) -> list["Missing"]:
        """The unfinished runs that are not at work although they have been, or have had time enough to come."""
        present = {contender.run_id for contender in contending}
        self.seen |= present
        grace = self.grace * 2 ** min(_failed_last(runs), MOST_DOUBLINGS)
        missing = [
            run.run_id
            for run in runs
            if not run.finished
            and run.run_id not in present
            and (run.run_id in self.seen or now - run.created_at > grace)
        ]
        self._missing_since = {run_id: self._missing_since.get(run_id, monotonic) for run_id in missing}
        return [Missing(run_id, timedelta(seconds=monotonic - since)) for run_id, since in self._missing_since.items()]


@dataclass(frozen=True)
class Missing:
    """A run that should be at work."""

    run_id: str
    missing_for: timedelta


def judge_drains(
    contending: Sequence[Contender],
    runs: Sequence[DrainRunSeen],
    missing: Sequence[Missing],
    *,
    now: datetime,
    wanted: int = WANTED,
    shards: Collection[int] = (),
) -> Verdict:
    """Compare who is at work with the runs Dagster believes in; `runs` come newest first.

    `wanted` of them shall be there; where `shards` are named, those that lead only others do not count. A run that is
    neither at work nor missing is on its way. A missing one may be back in a moment, ends just now or has died. Where
    runs fail as soon as they start, the next one waits longer each time.
    """
    present = {contender.run_id for contender in contending}
    absent = {run.run_id for run in runs if not run.finished} - present
    arriving = absent - {run.run_id for run in missing}
    returning = [run for run in missing if run.missing_for < RETURNING]
    died = tuple(run.run_id for run in missing if run.missing_for >= ENDING)
    elsewhere = [each for each in contending if shards and each.shards and not set(each.shards) & set(shards)]
    more = max(0, wanted - (len(present) - len(elsewhere)) - len(arriving) - len(returning))
    if more == 0 or _must_pause(runs, now):
        return Verdict(0, None, died)
    led = {shard for each in contending for shard in each.shards}
    all_led = led.issuperset(shards) if shards else any(each.leads for each in contending)
    return Verdict(more, Lack.NO_STANDBY if all_led else Lack.NO_LEADER, died)


def _must_pause(runs: Sequence[DrainRunSeen], now: datetime) -> bool:
    failures = _failed_last(runs, within=AT_ONCE)
    if failures < WANTED:
        return False
    return now - runs[0].created_at < min(timedelta(seconds=2**failures), LONGEST_PAUSE)


def _failed_last(runs: Sequence[DrainRunSeen], *, within: timedelta = timedelta.max) -> int:
    """How many of the runs that have ended failed in a row up to now, no longer than `within` after their start."""
    ended = (run for run in runs if run.finished)
    return sum(1 for _ in takewhile(lambda run: run.failed and run.lasted <= within, ended))
