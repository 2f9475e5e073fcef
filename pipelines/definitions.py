"""The table of contents: everything Dagster knows of EventPulse."""

import dagster as dg

from assets.anomalies import anomalies
from assets.event_stream import event_stream
from assets.events import events
from assets.rule_book import rule_book
from pipelines.jobs import drain_stream
from sensors.drain_keeper import drain_keeper


@dg.definitions
def eventpulse() -> dg.Definitions:
    """All assets, jobs and sensors."""
    return dg.Definitions(
        assets=[event_stream, events, rule_book, anomalies],
        jobs=[drain_stream],
        sensors=[drain_keeper],
        executor=dg.in_process_executor,
    )
