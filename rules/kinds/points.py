"""What conditions have in common that are true at single events: at the instant of an event, and false right after
it."""

from collections.abc import Sequence

import polars as pl

from rules.kinds.kind import Account, Course, Found, Listed, as_points
from rules.picking import picked


def point_truth(rows: pl.DataFrame, true: pl.Series, from_on: int) -> pl.DataFrame:
    """The moments of a condition that is `true` at some rows."""
    instants = rows["timestamp"].cast(pl.Int64)
    moments = pl.DataFrame({"group_key": rows["group_key"], "at": instants, "true": true}).with_row_index("row")
    return moments.filter(instants >= from_on)


def account_of_events(
    rows: pl.DataFrame,
    found: Found,
    *,
    value: Sequence[float | None] | float | None,
    expected: Sequence[str] | str,
    window_start: Sequence[int],
    before: Sequence[int | None] | None = None,
    message: Sequence[str],
) -> Account:
    """What there is to say of triggers that are events; with each, `before` is the row of another that contributed."""
    texts = picked(rows["event_id"], found["row"])
    lengths = [1] * len(texts)
    if before is not None:
        pairs = zip(picked(rows["event_id"], before), texts, strict=True)
        texts = [event_id for pair in pairs for event_id in pair if event_id is not None]
        lengths = [1 if row is None else 2 for row in before]
    return Account(
        value=value,
        threshold=None,
        expected=expected,
        window_start=window_start,
        contributing=Listed(texts, lengths),
        contributing_count=lengths,
        message=message,
    )


def course_of_events(moments: pl.DataFrame, values: Sequence[float | None] | None = None) -> Course:
    """The course of a condition that is true at single moments: those at which it is."""
    if values is not None:
        moments = moments.with_columns(value=pl.Series(values, dtype=pl.Float64))
    columns = {} if values is None else {"value": "value"}
    return Course("", "events", as_points(moments.filter("true"), **columns))
