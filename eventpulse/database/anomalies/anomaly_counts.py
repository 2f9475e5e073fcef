"""Count the anomalies that stand over event time, for marks on charts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from eventpulse.database.events.metric_series import Buckets

MOST_RULES_NAMED = 3
_QUERY = text("""
with cells as (
    select floor(extract(epoch from occurred_at - timestamptz '0001-01-01 00:00:00+00'))::bigint / 60 / :minutes
            - :number_of_first as number,
        severity, rule_id, count(*) as count
    from eventpulse.anomalies
    where state = 'current' and occurred_at >= :start and occurred_at < :end
    group by number, severity, rule_id
), ranked as (
    select *, row_number() over (partition by number, severity order by count desc, rule_id) as rank from cells
)
select number, ranked.severity, sum(count)::bigint,
    array_agg(coalesce(rules.name, ranked.rule_id::text) order by rank) filter (where rank <= :most_rules),
    count(*)
from ranked left join eventpulse.rules using (rule_id)
group by number, ranked.severity order by number, ranked.severity
""")


@dataclass(frozen=True)
class AnomaliesInBucket:
    """The anomalies of one severity in one bucket, and the rules that found the most of them."""

    bucket: int
    severity: str
    count: int
    names: Sequence[str]
    rules: int


def count_anomalies(connection: Connection, buckets: Buckets) -> list[AnomaliesInBucket]:
    """Where there are anomalies: by bucket of event time and by severity."""
    rows = connection.execute(
        _QUERY,
        {
            "minutes": buckets.minutes,
            "number_of_first": buckets.number_of_first,
            "start": buckets.start,
            "end": buckets.end,
            "most_rules": MOST_RULES_NAMED,
        },
    )
    return [AnomaliesInBucket(*row) for row in rows]
