"""Questions people ask about audits, and about what has not been evaluated."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, Row, Text, cast, func, select, text

from eventpulse.database.anomalies.coverage import EVALUATED_OR_LIVE, RULES_AS_EVALUATED
from eventpulse.database.tables import audit_findings, audits

_GAPS = text(
    """
with days as (
    select (minute at time zone 'UTC')::date as day, sum(count)::bigint as events from eventpulse.event_rollups
    where (cast(:before as date) is null or minute < cast(:before as date)) group by 1 order by 1 desc limit :limit
), wanted as (
    select d.day, d.events, r.rule_id, r.name, tstzmultirange(tstzrange(
        d.day::timestamptz, greatest(d.day, least(d.day + interval '1 day', now() - interval '2 minutes')))) as whole,
        {evaluated} as evaluated
    from days d cross join {rules} r
        left join eventpulse.coverage c on c.rule_id = r.rule_id and c.day = d.day and c.semantic_hash = r.semantic_hash
    where r.enabled
)
select d.day, d.events, w.rule_id, w.name, lower(gap) as start, upper(gap) as end
from days d left join wanted w on w.day = d.day and not isempty(w.whole - w.evaluated)
    left join lateral unnest(w.whole - w.evaluated) as gap on true
order by d.day desc, w.name, start
""".replace("{rules}", RULES_AS_EVALUATED).replace("{evaluated}", EVALUATED_OR_LIVE)
)

_UNKNOWN_TO_DAGSTER = text(
    """
select audit_id, day from eventpulse.audits a
where audit_id in (select max(audit_id) from eventpulse.audits where audit_id > :after group by day)
    and dagster_run_id is null and (missing + extra + changed = 0) <> (
        select missing + extra + changed = 0 from eventpulse.audits d
        where d.day = a.day and d.dagster_run_id is not null order by audit_id desc limit 1)
order by day
"""
)


def newest_audits(
    connection: Connection, *, limit: int, offset: int = 0, day: date | None = None, before: int | None = None
) -> Sequence[Row]:
    """Audits, the newest first, of one day or of all, from behind the one numbered `before`."""
    query = select(audits).order_by(audits.c.audit_id.desc())
    if day is not None:
        query = query.where(audits.c.day == day)
    if before is not None:
        query = query.where(audits.c.audit_id < before)
    return connection.execute(query.limit(limit).offset(offset)).all()


def audits_unknown_to_dagster(connection: Connection, *, after: int) -> Sequence[Row]:
    """The last audit of each day that was audited by the command after the one numbered `after`, where it says another
    thing than the last audit by a run of Dagster: `audit_id` and `day`."""
    return connection.execute(_UNKNOWN_TO_DAGSTER, {"after": after}).all()


def newest_audit(connection: Connection) -> int:
    """The number of the newest audit; 0 where there is none."""
    number: int = connection.execute(select(func.coalesce(func.max(audits.c.audit_id), 0))).scalar_one()
    return number


def findings_of(connection: Connection, audit_ids: Sequence[int]) -> Sequence[Row]:
    """What the audits say of rules of which there is anything to say, by audit and name."""
    columns = [column for column in audit_findings.c if column.name != "samples"]
    differs = (audit_findings.c.missing + audit_findings.c.extra + audit_findings.c.changed) > 0
    query = select(*columns, cast(audit_findings.c.samples, Text).label("samples"))
    query = query.where(audit_findings.c.audit_id.in_(audit_ids), differs | (audit_findings.c.remarks != []))
    return connection.execute(query.order_by(audit_findings.c.audit_id, audit_findings.c.rule_name)).all()


def gaps_by_day(connection: Connection, *, limit: int, before: date | None = None) -> Sequence[Row]:
    """Days with events, the newest first, each with a row for each stretch that an enabled rule has not evaluated, or
    with one row without a rule."""
    return connection.execute(_GAPS, {"limit": limit, "before": before}).all()
