"""Count events over time, for charts: from the counts by minute, so that a month costs no more than an hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, text

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)

# Keys are ranked in the statement that counts them, so that both are of the same moment. Keys behind the last rank
# have none: they are the other ones.
_QUERY = """
with cells as (
    select {key} as key, sum(count)::bigint as count,
        extract(epoch from minute - timestamptz '0001-01-01 00:00:00+00')::bigint / 60 / :minutes - :number_of_first
            as number
    from eventpulse.event_rollups
    where minute >= :start and minute < :end
        and event_type = coalesce(:event_type, event_type) and source = coalesce(:source, source)
    group by key, number
), totals as (
    select key, sum(count) as total, row_number() over (order by sum(count) desc, key) as rank from cells group by key
), ranked as (
    select case when rank <= :most_keys then key end as key, least(rank, :most_keys + 1) as rank, number, count
    from cells join totals using (key)
)
select key, (select greatest(count(*) - :most_keys, 0) from totals), number, sum(count)::bigint
from ranked group by rank, key, number order by rank, number
"""


@dataclass(frozen=True)
class Buckets:
    """Stretches of event time that follow on each other, each `minutes` long. They begin at multiples of their length
    since the year 1, a Monday, so that an instant is in the same bucket whenever one asks."""

    number_of_first: int
    minutes: int
    count: int

    @property
    def start(self) -> datetime:
        """Where the first bucket begins."""
        return _FIRST + _MINUTE * (self.number_of_first * self.minutes)

    @property
    def end(self) -> datetime:
        """Behind the last bucket; or the last minute there is, where it would be still later."""
        behind = (self.number_of_first + self.count) * self.minutes
        return _FIRST + _MINUTE * min(behind, (_LAST - _FIRST) // _MINUTE)


@dataclass(frozen=True)
class Series:
    """How many events of one key lie in each bucket."""

    key: str
    counts: list[int]


@dataclass(frozen=True)
class Counted:
    """The most frequent keys, the most first, and `other_keys` more of them together in `other`."""

    series: Sequence[Series]
    other: list[int]
    other_keys: int


def buckets_between(since: datetime, until: datetime, seconds: int, *, most: int) -> Buckets:
    """The buckets that hold every instant from `since` to `until`, both included: as many `seconds` long as were asked
    for, rounded up to whole minutes, and doubled until there are at most `most` of them."""
    first, last = (since - _FIRST) // _MINUTE, (until - _FIRST) // _MINUTE
    minutes = -(-seconds // 60)
    while last // minutes - first // minutes >= most:
        minutes *= 2
    return Buckets(first // minutes, minutes, last // minutes - first // minutes + 1)


def count_in_buckets(
    connection: Connection,
    buckets: Buckets,
    *,
    group_by: Literal["event_type", "source"],
    most_keys: int,
    event_type: str | None = None,
    source: str | None = None,
) -> Counted:
    """How many events lie in each bucket, by type or by source."""
    rows = connection.execute(
        text(_QUERY.format(key=group_by)),
        {
            "start": buckets.start,
            "end": buckets.end,
            "minutes": buckets.minutes,
            "number_of_first": buckets.number_of_first,
            "most_keys": most_keys,
            "event_type": event_type,
            "source": source,
        },
    )
    series: dict[str, list[int]] = {}
    other, other_keys = [0] * buckets.count, 0
    for key, keys, number, count in rows:
        if key is None:
            other_keys = keys
            other[number] = count
        else:
            series.setdefault(key, [0] * buckets.count)[number] = count
    return Counted([Series(key, counts) for key, counts in series.items()], other, other_keys)
