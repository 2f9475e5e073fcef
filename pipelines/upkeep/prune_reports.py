"""Let Dagster forget what it was told outside of runs: results of checks, observations, that events are up to date.

Sensors tell it every few minutes for as long as the product lives, and no run goes that would take their rows along.
The newest word on each asset, check and day stays. Dagster has no call for this, so its tables are named here; its
release is pinned.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
from sqlalchemy import text

# Results of checks have no asset here; what is shown of them is in the other table.
_EVENTS = text(
    """
    delete from event_logs where id in (
        select id from event_logs e where run_id = '' and timestamp < :limit
            and dagster_event_type in
                ('ASSET_CHECK_EVALUATION', 'ASSET_OBSERVATION', 'ASSET_MATERIALIZATION', 'FRESHNESS_STATE_CHANGE')
            and (asset_key is null or exists (
                select 1 from event_logs later
                where later.id > e.id and later.asset_key = e.asset_key
                    and later.dagster_event_type = e.dagster_event_type
                    and coalesce(later.partition, '') = coalesce(e.partition, '')))
        limit :portion)
    """
)
_CHECKS = text(
    """
    delete from asset_check_executions where id in (
        select id from asset_check_executions e where run_id = '' and evaluation_event_timestamp < :limit
            and exists (
                select 1 from asset_check_executions later
                where later.id > e.id and later.asset_key = e.asset_key and later.check_name = e.check_name
                    and coalesce(later.partition, '') = coalesce(e.partition, ''))
        limit :portion)
    """
)
#: Rows removed in one go, and in one clean-up: what is left goes with the next.
AT_ONCE, AT_MOST = 1_000, 50_000


def prune_reports(instance: dg.DagsterInstance, limit: datetime, *, at_most: int = AT_MOST) -> int:
    """Delete what was reported before an instant and said anew since; says how many rows there were."""
    values = {"limit": limit.astimezone(UTC).replace(tzinfo=None), "portion": AT_ONCE}
    storage: Any = instance.event_log_storage  # Dagster's types know nothing of the SQL below it
    removed = 0
    for query in (_EVENTS, _CHECKS):
        while removed < at_most:
            with storage.index_transaction() as connection:
                gone = int(connection.execute(query, values).rowcount)
            removed += gone
            if gone < AT_ONCE:
                break
    return removed
