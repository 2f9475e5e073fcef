"""Trials: the tests that a rule carries with itself, events and the anomalies that they must give."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from rules.document import GroupValues, Text, document

LONGEST_TRIAL = 3 * 366 * 86_400
Offset = Annotated[
    float, Field(strict=True, ge=0, le=LONGEST_TRIAL, description="a number of seconds since the start of the test")
]
Repeat = Annotated[int, Field(strict=True, ge=1, le=10_000, description="a whole number from 1 to 10000")]


def _not_a_number(value: Any) -> Any:
    """A number would pass as seconds since 1970. YAML gives an instant already where a text looks like one."""
    if not isinstance(value, str | datetime):
        raise ValueError("must be a text such as 2026-01-05T00:00:00Z")
    return value


Start = Annotated[
    datetime, BeforeValidator(_not_a_number), Field(description="an ISO 8601 time such as 2026-01-05T00:00:00Z")
]
JsonObject = Annotated[dict[str, Any], Field(description="a mapping, such as {ip: 10.0.0.1}")]


@document
class TrialEvents:
    """One event, or several alike that follow each other every so many seconds, the first one at `at_seconds`."""

    event_type: Text
    source: Text = "test"
    at_seconds: Offset = 0.0
    repeat: Repeat = 1
    every_seconds: Offset = 0.0
    lag_seconds: Annotated[
        float,
        Field(
            strict=True,
            ge=-LONGEST_TRIAL,
            le=LONGEST_TRIAL,
            description="how many seconds after its time an event arrived",
        ),
    ] = 0.0
    payload: JsonObject = Field(default_factory=dict)
    metadata: JsonObject = Field(default_factory=dict)


@document
class Expected:
    """One anomaly, or several alike that follow each other. What is not said may be anything."""

    at_seconds: Offset | None = None
    group: GroupValues | None = None
    message: Annotated[str, Field(strict=True, description="the text of the anomaly")] | None = None
    repeat: Repeat = 1
    every_seconds: Offset = 0.0


@document
class Trial:
    """One test of a rule: these events must give exactly these anomalies.

    The test ends with its last event, and then no further event ever comes, unless `until_seconds` says where to stop
    looking. It starts on a Monday at midnight, or where `starts_at` says.
    """

    name: Text
    events: Annotated[tuple[TrialEvents, ...], Field(min_length=1, max_length=1000, description="a list of events")]
    expect: Annotated[tuple[Expected, ...], Field(max_length=10_000, description="a list of expected anomalies")]
    until_seconds: Offset | None = None
    starts_at: Start | None = None
