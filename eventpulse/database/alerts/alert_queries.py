"""Find alerts and what belongs to one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Text, bindparam, cast, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB

from eventpulse.database.tables import alert_history, alerts, rule_versions

#: What is shown of an alert, in this order; `group` and `labels` as text.
SHOWN = (
    *(alerts.c.alert_id, alerts.c.rule_id, alerts.c.rule_name, alerts.c.rule_version, alerts.c.severity),
    *(alerts.c.mode, cast(alerts.c.labels, Text).label("labels"), cast(alerts.c.group, Text).label("group")),
    *(alerts.c.group_key, alerts.c.state, alerts.c.opened_at, alerts.c.last_at, alerts.c.ended_at),
    *(alerts.c.created_at, alerts.c.updated_at, alerts.c.acknowledged_at, alerts.c.acknowledged_by),
    *(alerts.c.resolved_at, alerts.c.resolved_by, alerts.c.resolution, alerts.c.anomaly_count),
    *(alerts.c.message, alerts.c.value, alerts.c.threshold, alerts.c.expected),
    *(alerts.c.first_anomaly_id, alerts.c.latest_anomaly_id, alerts.c.origin, alerts.c.batch_id),
    alerts.c.dagster_run_id,
)


@dataclass(frozen=True)
class AlertPlace:
    """Where an alert stands in the order in which they were made."""

    created_at: datetime
    alert_id: UUID


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts; None asks nothing. `states` any of these; `rule` is an id, or a name that the rule has or had;
    `since` and `until` are about when they opened, both included; `group` is a JSON object, of which a group must have
    every value."""

    states: Sequence[str] | None = None
    severity: str | None = None
    rule: str | None = None
    group: str | None = None
    origin: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def newest_alerts(
    connection: Connection, wanted: AlertFilter, *, limit: int, offset: int = 0, after: AlertPlace | None = None
) -> Sequence[Row]:
    """Alerts, those made last first, from behind `after`, of which `offset` are left out."""
    query = _filtered(select(*SHOWN), wanted).order_by(alerts.c.created_at.desc(), alerts.c.alert_id.desc())
    if after is not None:
        query = query.where(tuple_(alerts.c.created_at, alerts.c.alert_id) < tuple_(after.created_at, after.alert_id))
    return connection.execute(query.limit(limit).offset(offset)).all()


def alert_by_id(connection: Connection, alert_id: UUID) -> Row | None:
    """One alert, and the document of its rule as it read when it opened."""
    with_rule = alerts.outerjoin(
        rule_versions,
        (rule_versions.c.rule_id == alerts.c.rule_id) & (rule_versions.c.version == alerts.c.rule_version),
    )
    columns = (*SHOWN, cast(rule_versions.c.document, Text).label("document"))
    return connection.execute(select(*columns).select_from(with_rule).where(alerts.c.alert_id == alert_id)).first()


def history_of(connection: Connection, alert_id: UUID) -> Sequence[Row]:
    """What became of an alert, the oldest first."""
    of_it = select(alert_history).where(alert_history.c.alert_id == alert_id)
    return connection.execute(of_it.order_by(alert_history.c.history_id)).all()


def count_unresolved(connection: Connection) -> dict[tuple[str, str], int]:
    """How many alerts are open, and how many acknowledged, by state and severity."""
    query = select(alerts.c.state, alerts.c.severity, func.count()).where(alerts.c.state != "resolved")
    rows = connection.execute(query.group_by(alerts.c.state, alerts.c.severity))
    return {(state, severity): count for state, severity, count in rows}


def _filtered(query: Select, wanted: AlertFilter) -> Select:
    if wanted.states is not None:
        query = query.where(alerts.c.state.in_(wanted.states))
    if wanted.severity is not None:
        query = query.where(alerts.c.severity == wanted.severity)
    if wanted.rule is not None:
        named = alerts.c.rule_id.in_(select(rule_versions.c.rule_id).where(rule_versions.c.name == wanted.rule))
        try:
            query = query.where(or_(named, alerts.c.rule_id == UUID(wanted.rule)))
        except ValueError:
            query = query.where(named)
    if wanted.origin is not None:
        query = query.where(alerts.c.origin == wanted.origin)
    if wanted.since is not None:
        query = query.where(alerts.c.opened_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(alerts.c.opened_at <= wanted.until)
    if wanted.group is not None:
        # jsonb compares values, not spellings: 1 is 1.0.
        has_all = cast(alerts.c.group, JSONB).contains(cast(bindparam(None, wanted.group, type_=Text), JSONB))
        query = query.where(has_all)
    return query
