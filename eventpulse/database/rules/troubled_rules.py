"""The rules that somebody has to look at: suspended, limited, or failing just now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text

Trouble = Literal["suspended", "limited", "failing"]
TROUBLES: tuple[Trouble, ...] = ("suspended", "limited", "failing")


@dataclass(frozen=True)
class TroubledRule:
    """A rule that is not judged (suspended after failures, or limited for its many groups), or that fails."""

    name: str
    trouble: Trouble
    since: datetime | None
    why: str


def troubled_rules(connection: Connection) -> list[TroubledRule]:
    """Those among the enabled rules, by name."""
    rows = connection.execute(
        text(
            """
            select r.name,
                case when p.suspended_at is not null then 'suspended'
                     when p.limited_at is not null then 'limited' else 'failing' end,
                coalesce(p.suspended_at, p.limited_at),
                coalesce(case when p.suspended_at is null then p.limited_why end, p.last_error, '')
            from eventpulse.rules r join eventpulse.rule_progress p using (rule_id)
            where r.enabled and (p.suspended_at is not null or p.limited_at is not null or p.failures > 0)
            order by r.name
            """
        )
    ).all()
    return [TroubledRule(*row) for row in rows]
