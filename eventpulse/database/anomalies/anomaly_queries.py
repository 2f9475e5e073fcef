"""Find stored anomalies and what belongs to one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Text, bindparam, cast, or_, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB

from eventpulse.database.tables import anomalies, batches, rule_versions

_COLUMNS = (
    anomalies.c.anomaly_id,
    anomalies.c.event_id,
    anomalies.c.rule_id,
    rule_versions.c.name.label("rule_name"),
    anomalies.c.rule_version,
    anomalies.c.severity,
    anomalies.c.message,
    anomalies.c.detected_at,
    anomalies.c.occurred_at,
    cast(anomalies.c.group, Text).label("group"),
    anomalies.c.value,
    anomalies.c.threshold,
    anomalies.c.expected,
    anomalies.c.window_start,
    anomalies.c.window_end,
    anomalies.c.contributing,
    anomalies.c.contributing_count,
    anomalies.c.origin,
    anomalies.c.state,
    anomalies.c.retracted_at,
    anomalies.c.batch_id,
    anomalies.c.dagster_run_id,
    anomalies.c.alert_id,
)
_WITH_RULE = anomalies.outerjoin(
    rule_versions,
    (rule_versions.c.rule_id == anomalies.c.rule_id) & (rule_versions.c.version == anomalies.c.rule_version),
)


@dataclass(frozen=True)
class AnomalyPlace:
    """Where an anomaly stands in the order of detection."""

    detected_at: datetime
    anomaly_id: UUID


@dataclass(frozen=True)
class AnomalyFilter:
    """Which anomalies; None asks nothing. `rule` is an id, or a name that the rule has or had. `since` and `until` are
    event time, both included. `group` is a JSON object, of which a group must have every value."""

    rule: str | None = None
    severity: str | None = None
    state: str | None = "current"
    origin: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    group: str | None = None
    alert_id: UUID | None = None


def newest_anomalies(
    connection: Connection, wanted: AnomalyFilter, *, limit: int, offset: int = 0, after: AnomalyPlace | None = None
) -> Sequence[Row]:
    """Anomalies, the newest detected first, from behind `after`, of which `offset` are left out."""
    query = _filtered(select(*_COLUMNS).select_from(_WITH_RULE), wanted)
    query = query.order_by(anomalies.c.detected_at.desc(), anomalies.c.anomaly_id.desc())
    if after is not None:
        detected = tuple_(anomalies.c.detected_at, anomalies.c.anomaly_id)
        query = query.where(detected < tuple_(after.detected_at, after.anomaly_id))
    return connection.execute(query.limit(limit).offset(offset)).all()


def anomaly_by_id(connection: Connection, anomaly_id: UUID) -> Row | None:
    """The anomaly with this id, current or retracted, and the document of its rule as it read then."""
    columns = (*_COLUMNS, cast(rule_versions.c.document, Text).label("document"))
    query = select(*columns).select_from(_WITH_RULE).where(anomalies.c.anomaly_id == anomaly_id)
    return connection.execute(query).first()


def batch_by_id(connection: Connection, batch_id: int) -> Row | None:
    """The row of a micro-batch in the ledger."""
    return connection.execute(select(batches).where(batches.c.batch_id == batch_id)).first()


def _filtered(query: Select, wanted: AnomalyFilter) -> Select:
    if wanted.rule is not None:
        named = anomalies.c.rule_id.in_(select(rule_versions.c.rule_id).where(rule_versions.c.name == wanted.rule))
        rule_id = _as_uuid(wanted.rule)
        query = query.where(named if rule_id is None else or_(named, anomalies.c.rule_id == rule_id))
    if wanted.severity is not None:
        query = query.where(anomalies.c.severity == wanted.severity)
    if wanted.state is not None:
        query = query.where(anomalies.c.state == wanted.state)
    if wanted.origin is not None:
        query = query.where(anomalies.c.origin == wanted.origin)
    if wanted.since is not None:
        query = query.where(anomalies.c.occurred_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(anomalies.c.occurred_at <= wanted.until)
    if wanted.alert_id is not None:
        query = query.where(anomalies.c.alert_id == wanted.alert_id)
    if wanted.group is not None:
        # jsonb compares values, not spellings: 1 is 1.0.
        has_all = cast(anomalies.c.group, JSONB).contains(cast(bindparam(None, wanted.group, type_=Text), JSONB))
        query = query.where(has_all)
    return query


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
