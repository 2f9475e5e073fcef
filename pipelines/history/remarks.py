"""What an audit says of a rule beside its differences: gaps, silence, noise, failures, and limits that come near."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from eventpulse.clock import iso_utc
from eventpulse.database.anomalies.audits import Troubles
from eventpulse.database.anomalies.coverage import Evaluated, start_of
from eventpulse.database.anomalies.standing import RuleDifference, Sample
from rules.rule import Rule

#: A rule that has had no anomaly for so long after it was made is silent.
SILENT_AFTER = timedelta(days=7)
#: A rule that fires in so many hours of a day fires all the time.
NOISY_HOURS = 20
#: From this part of `max_groups` on, the limit is near.
NEAR = 0.8
_DAY = timedelta(days=1)


@dataclass
class Seen:
    """What an audit has seen of one rule so far."""

    difference: RuleDifference | None = None
    samples: list[Sample] = field(default_factory=list)
    hours: set[int] = field(default_factory=set)
    groups: int = 0
    fault: str | None = None
    whole: bool = True

    def add(self, difference: RuleDifference, samples: Sequence[Sample]) -> None:
        """One more stretch."""
        self.difference = difference if self.difference is None else self.difference.and_later(difference)
        self.samples += samples


def remarks_on(rule: Rule, seen: Seen, evaluated: Sequence[Evaluated], befell: Troubles, day: date) -> list[str]:
    """The remarks on a rule, as sentences."""
    found = []
    if seen.fault is not None:
        found.append(f"It could not be evaluated: {seen.fault}")
    if not seen.whole:
        found.append("Not compared: events that it looks at, or back on, were removed (EVENT_RETENTION_DAYS).")
    elif gaps := _gaps(evaluated, day):
        found.append(f"Not evaluated: {', '.join(gaps)} (UTC). `eventpulse backfill` evaluates what is missing.")
    if failures := befell.failures.get(rule.rule_id):
        found.append(f"It failed in {failures:,} micro-batches.")
    if suspended := befell.suspended.get(rule.rule_id):
        found.append(f"It has been suspended since {iso_utc(suspended)}.")
    if limited := befell.limited.get(rule.rule_id):
        found.append(f"It has been limited since {iso_utc(limited)}: it has more than {rule.max_groups:,} groups.")
    made = befell.silent.get(rule.rule_id)
    if made is not None and start_of(day) + _DAY - made >= SILENT_AFTER:
        found.append(f"It has never had an anomaly since it was made on {made:%Y-%m-%d}.")
    if len(seen.hours) >= NOISY_HOURS:
        found.append(f"It fires all the time: in {len(seen.hours)} of 24 hours.")
    if seen.groups >= NEAR * rule.max_groups:
        found.append(f"It knows {seen.groups:,} groups; {rule.max_groups:,} is its limit.")
    return found


def _gaps(evaluated: Sequence[Evaluated], day: date) -> list[str]:
    position, end = start_of(day), start_of(day) + _DAY
    found = []
    for part in [*evaluated, Evaluated(end, end)]:
        if position < part.start:
            found.append(f"{_time(position, day)} to {_time(part.start, day)}")
        position = max(position, part.end)
    return found


def _time(instant: datetime, day: date) -> str:
    return f"{instant:%H:%M:%S}" if instant.date() == day else "24:00:00"
