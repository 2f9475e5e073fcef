"""How each day of history stands: evaluated live or afterwards, with gaps or whole, audited or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from eventpulse.database.anomalies.coverage import EVALUATED_OR_LIVE, RULES_AS_EVALUATED

# The newest days are found by jumping from day to day through the index, however many minutes each holds.
_DAYS = text(
    """
    with recursive days as (
        select (select max(minute) from eventpulse.event_rollups) as minute, 1 as number
        union all
        select (select max(minute) from eventpulse.event_rollups where minute < date_trunc('day', d.minute)), number + 1
        from days d where d.minute is not null and number < :most
    ), wanted as (
        select d.minute::date as day, r.rule_id, r.semantic_hash, tstzmultirange(tstzrange(d.minute::date::timestamptz,
            greatest(d.minute::date, least(d.minute::date + interval '1 day', now() - interval '2 minutes')))) as whole
        from days d cross join {rules} r where d.minute is not null and r.enabled
    ), covered as (
        select w.day, c.origin, isempty(w.whole - {evaluated}) as complete
        from wanted w left join eventpulse.coverage c using (rule_id, day, semantic_hash)
    ), audited as (
        select distinct on (day) day, missing + extra + changed = 0 as agrees, repaired from eventpulse.audits
        where day in (select minute::date from days) order by day, audit_id desc
    )
    select d.minute::date as day, d.minute::date = (now() at time zone 'UTC')::date as open,
        (select count(*) from eventpulse.rules where enabled) as rules,
        (select count(*) from covered c where c.day = d.minute::date and not c.complete) as rules_with_gaps,
        coalesce((select array_agg(distinct c.origin order by c.origin) from covered c
            where c.day = d.minute::date and c.origin is not null), '{}') as origins,
        a.agrees, a.repaired, exists (select from eventpulse.removed_days g where g.day = d.minute::date) as removed
    from days d left join audited a on a.day = d.minute::date where d.minute is not null order by day desc
    """.replace("{rules}", RULES_AS_EVALUATED).replace("{evaluated}", EVALUATED_OR_LIVE)
)


@dataclass(frozen=True)
class DayState:
    """One UTC day with events. `agrees` is what its last audit said; None where there was none."""

    day: date
    open: bool
    rules: int
    rules_with_gaps: int
    origins: Sequence[str]
    agrees: bool | None
    repaired: bool | None
    removed: bool

    @property
    def evaluated(self) -> str:
        """How its anomalies came about, in a word or two."""
        if not self.origins:
            return "missing"
        words = {"live": "live", "backfill": "backfilled", "rerun": "evaluated again"}
        return ", ".join(words[origin] for origin in ("live", "backfill", "rerun") if origin in self.origins)

    @property
    def gaps(self) -> str:
        """Whether any rule has not evaluated all of it."""
        return f"{self.rules_with_gaps} of {self.rules} rules" if self.rules_with_gaps else "none"

    @property
    def audited(self) -> str:
        """What its last audit said."""
        if self.agrees is None:
            return "not over yet" if self.open else "no"
        return "agrees" if self.agrees else "repaired" if self.repaired else "DIFFERS"


def day_states(connection: Connection, *, most: int) -> list[DayState]:
    """The newest days with events, the newest first."""
    return [DayState(**row) for row in connection.execute(_DAYS, {"most": most}).mappings()]
