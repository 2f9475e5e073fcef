"""Questions people ask about audits, and about what has not been evaluated."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, Row, Text, cast, func, select, text

from eventpulse.database.coverage import EVALUATED_OR_LIVE, RULES_AS_EVALUATED
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


def last_audits_by_hand(connection: Connection, *, after: int) -> tuple[Sequence[Row], int]:
    """The last audit of each day that was audited after the one numbered `after`, where that was done by the command
    and not by a run of Dagster; and the number of the newest audit of all."""
    last_of_days = select(func.max(audits.c.audit_id)).where(audits.c.audit_id > after).group_by(audits.c.day)
    rows = connection.execute(select(audits).where(audits.c.audit_id.in_(last_of_days)).order_by(audits.c.day)).all()
    newest = max((row.audit_id for row in rows), default=after)
    return [row for row in rows if row.dagster_run_id is None], newest


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
