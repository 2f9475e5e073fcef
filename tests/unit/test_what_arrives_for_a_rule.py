"""New rows of a rule come to be judged in the order of time, in whatever order they were accepted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from eventpulse.event import EVENT_SCHEMA
from rules.evaluation import paths_of, select_rows
from rules.fields import with_fields
from rules.micro_batches.arrival import arrive
from rules.micro_batches.detection import empty_memory
from rules.rule import read_rule

START = datetime(2026, 1, 31, tzinfo=UTC)
#: Hours of event time in the order of acceptance: out of order, each less than a day late, three days in all.
HOURS = (0, 5, 3, 30, 28, 50, 45, 72, 70)


@pytest.mark.parametrize("group_by", [[], ["source"]], ids=["one group", "groups"])
def test_rows_that_span_more_than_may_be_corrected_are_in_the_order_of_time(group_by: list[str]) -> None:
    condition: dict[str, Any] = {"type": "threshold", "metric": "count", "operator": ">", "value": 1}
    document = {"name": "mine", "severity": "info", "window_seconds": 60, "group_by": group_by, "condition": condition}
    rule = read_rule(document)
    events = pl.DataFrame(
        [
            {
                "event_id": f"00000000-0000-0000-0000-{place:012}",
                "event_type": "tick",
                "source": "tests",
                "timestamp": START + timedelta(hours=hour),
                "received_at": START,
                "position": place,
                "payload": "{}",
                "metadata": "{}",
            }
            for place, hour in enumerate(HOURS)
        ],
        schema=EVENT_SCHEMA,
    )
    rows = select_rows(rule, with_fields(events, paths_of([rule])))

    arrival = arrive(rule, empty_memory(rows, START), rows, timedelta(days=1), None)

    assert arrival.rows["timestamp"].to_list() == [START + timedelta(hours=hour) for hour in sorted(HOURS)]
    assert arrival.scope["since"].to_list() == [START]
    assert arrival.too_late.is_empty()
