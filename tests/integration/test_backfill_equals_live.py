"""History evaluated from scratch has the anomalies that live detection found, id by id and word for word."""

import pytest

from tests.draining import a_drain, publish, save_rule
from tests.integration.test_draining_real_logs import BRUTE_FORCE, CRAWLER, read_log
from tests.reevaluating import counts, forget_anomalies, reevaluate, standing


@pytest.mark.parametrize("slice_events", [100_000, 200])
@pytest.mark.parametrize("log", ["ssh_auth.ndjson.gz", "web_access.ndjson.gz"])
def test_a_log_that_was_sent_live_and_is_evaluated_again(
    database_url: str, redis_url: str, log: str, slice_events: int
) -> None:
    save_rule(database_url, BRUTE_FORCE)
    save_rule(database_url, CRAWLER)
    publish(redis_url, read_log(log), an_entry=500)
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        live = standing(drain.connection)
        assert live

        unchanged = reevaluate(drain.connection, slice_events=slice_events)
        assert counts(unchanged) == (0, 0, 0)

        assert forget_anomalies(drain.connection) == len(live)
        found = reevaluate(drain.connection, slice_events=slice_events)

        assert counts(found) == (len(live), 0, 0)
        assert standing(drain.connection) == live
        if slice_events == 200:
            assert len(found) > 1
