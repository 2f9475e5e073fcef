"""How each rule is doing: whether it is evaluated, when it last fired, how often lately, what alerts of it are open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, Row, text

from eventpulse.database.rules.preparing import IS_BEING_PREPARED, PREPARING

State = Literal["live", "shadow", "disabled", "suspended", "limited", "failing", "preparing"]
#: So many UTC days are counted, today included.
DAYS = 14

_STATES = f"""
with {PREPARING}, unresolved as (
    select rule_id, count(*) as alerts from eventpulse.alerts where state <> 'resolved' group by rule_id
)
select rules.rule_id, rules.name, rules.severity, rules.version, progress.suspended_at, progress.last_error,
    progress.limited_at, progress.limited_why,
    coalesce(progress.failures, 0) as failures, coalesce(unresolved.alerts, 0) as open_alerts,
    (
        select max(occurred_at) from eventpulse.anomalies
        where anomalies.rule_id = rules.rule_id and anomalies.state = 'current'
    ) as last_fired_at,
    case
        when not rules.enabled then 'disabled'
        when progress.suspended_at is not null then 'suspended'
        when progress.limited_at is not null then 'limited'
        when progress.failures > 0 then 'failing'
        when {IS_BEING_PREPARED} then 'preparing'
        when rules.document ->> 'mode' = 'shadow' then 'shadow'
        else 'live'
    end as state
from eventpulse.rules
    left join eventpulse.rule_progress progress using (rule_id)
    left join unresolved using (rule_id)
order by rules.name
"""
_FIRES = """
select rule_id, cast(occurred_at at time zone 'UTC' as date) as day, count(*) as count
from eventpulse.anomalies
where state = 'current' and occurred_at >= :since and occurred_at < :before
group by 1, 2 order by 1, 2
"""


@dataclass(frozen=True)
class Fires:
    """How many anomalies of a rule occurred on a day and still hold."""

    day: date
    count: int


@dataclass(frozen=True)
class RuleState:
    """One rule: its row, and the days on which it fired, the oldest first."""

    rule: Row
    fires: Sequence[Fires]


def rule_states(connection: Connection, today: date) -> list[RuleState]:
    """How every rule is doing, by name; fires are those of the last DAYS days."""
    since = datetime.combine(today, time(), UTC) - timedelta(days=DAYS - 1)
    before = datetime.combine(today, time(), UTC) + timedelta(days=1)
    fires: dict[UUID, list[Fires]] = {}
    for rule_id, day, count in connection.execute(text(_FIRES), {"since": since, "before": before}):
        fires.setdefault(rule_id, []).append(Fires(day, count))
    return [RuleState(row, fires.get(row.rule_id, ())) for row in connection.execute(text(_STATES))]
