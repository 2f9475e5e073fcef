"""History evaluated from scratch has the anomalies and the alerts of live detection, id by id and word for word."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from eventpulse.clock import utc_now
from tests.draining import a_drain, publish, save_rule
from tests.integration.test_draining_real_logs import BRUTE_FORCE, CRAWLER, read_log
from tests.reevaluating import counts, forget_anomalies, reevaluate, standing


def episodes(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    """Every alert, with the anomalies that it holds."""
    return connection.execute(
        """
        select alert_id, opened_at, last_at, ended_at, state, anomaly_count, message, first_anomaly_id,
            latest_anomaly_id, (select array_agg(anomaly_id order by anomaly_id) from eventpulse.anomalies n
                where n.alert_id = a.alert_id and n.state = 'current')
        from eventpulse.alerts a order by opened_at, alert_id
        """
    ).fetchall()


def newest_change(connection: psycopg.Connection) -> Any:
    return connection.execute(
        "select max(updated_at), max(history_id) from eventpulse.alerts, eventpulse.alert_history"
    ).fetchone()


def origins(connection: psycopg.Connection) -> set[str]:
    return {origin for (origin,) in connection.execute("select distinct origin from eventpulse.alerts")}


@pytest.mark.parametrize("slice_events", [100_000, 200])
@pytest.mark.parametrize("log", ["ssh_auth.ndjson.gz", "web_access.ndjson.gz"])
def test_a_log_that_was_sent_live_and_is_evaluated_again(
    database_url: str, redis_url: str, log: str, slice_events: int
) -> None:
    save_rule(database_url, BRUTE_FORCE)
    save_rule(database_url, CRAWLER)
    publish(redis_url, read_log(log), an_entry=500)
    later = timedelta(0)
    with a_drain(database_url, redis_url, clock=lambda: utc_now() + later) as drain:
        drain.run_until_empty()
        later = timedelta(minutes=1)  # nothing more has come for a while, so that the last alerts end
        drain.run_until_empty()
        live, alerts = standing(drain.connection), episodes(drain.connection)
        assert live and alerts
        changed_last = newest_change(drain.connection)

        unchanged = reevaluate(drain.connection, slice_events=slice_events)
        assert counts(unchanged) == (0, 0, 0)
        assert newest_change(drain.connection) == changed_last, "no alert was touched"

        assert forget_anomalies(drain.connection) == len(live)
        found = reevaluate(drain.connection, slice_events=slice_events)

        assert counts(found) == (len(live), 0, 0)
        assert standing(drain.connection) == live
        assert episodes(drain.connection) == alerts

        forget_anomalies(drain.connection)
        drain.connection.execute("delete from eventpulse.alerts")
        reevaluate(drain.connection, slice_events=slice_events)
        assert episodes(drain.connection) == alerts
        assert origins(drain.connection) == {"backfill"}
        if slice_events == 200:
            assert len(found) > 1
