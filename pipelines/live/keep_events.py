"""Rules that look back for ever need a few of the old events: each drain hands on which ones, so that the next one
need not read all of history to find them again."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import polars as pl
import psycopg

from eventpulse.database.events.history import Slice, stored_events
from eventpulse.database.events.kept_events import KeptEvents, keep, kept_for
from rules.evaluation import carry, needs_all_of_the_past, paths_of, select_rows
from rules.fields import with_fields
from rules.micro_batches.memory import Memory, floor_of
from rules.reach import lists_groups, reach
from rules.rule import Rule
from rules.trials.replay import wanted_events
from rules.window import BEGINNING

#: A rule that needs more of them reads history: they would be read one by one.
MOST_KEPT = 200_000
_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


def keep_events(
    connection: psycopg.Connection,
    rules: Mapping[UUID, Rule],
    memories: Mapping[UUID, Memory],
    turn: int,
    hot: timedelta,
) -> None:
    """Write down, for each rule that would have to look for them, which events it needs up to where a memory begins
    that keeps what is `hot`. The memories are complete up to a turn."""
    for rule_id, memory in memories.items():
        rule = rules[rule_id]
        if not can_be_handed_on(rule) or memory.newest is None:
            continue
        floor = floor_of(memory, memory.newest, hot)
        old = carry(rule, memory.rows, floor).filter(pl.col("timestamp") <= floor)
        events = old.select("event_id", "timestamp").unique("event_id")
        if events.height <= MOST_KEPT:
            kept = KeptEvents(floor, events["event_id"].to_list(), events["timestamp"].to_list())
            keep(connection, rule_id, rule.semantic_hash, turn, kept)


def can_be_handed_on(rule: Rule) -> bool:
    """Whether a rule needs some of all that ever was, and the events that it needs say all there is to know. Where it
    lists its groups they do not: those begin with the very first event."""
    return needs_all_of_the_past(rule) and not lists_groups(rule)


def rows_of_kept(
    connection: psycopg.Connection, rule: Rule, floor: datetime, besides: int | None
) -> tuple[pl.DataFrame, datetime] | None:
    """The rows that matter of all events up to an instant, not later than a floor, and that instant; None where it is
    not known which ones do.

    1. the events that were kept, day by day, 2. those that came since and are older than the instant
    """
    known = kept_for(connection, rule.rule_id, rule.semantic_hash)
    if known is None or known.kept.through > floor:
        return None
    scope, wanted = reach(rule), wanted_events([rule])
    whole = Slice(BEGINNING, known.kept.through, payload=wanted.payload, metadata=wanted.metadata, besides=besides)
    parts = [replace(whole, event_types=scope.event_types, sources=scope.sources, from_batch=known.from_batch)]
    by_day: dict[date, list[str]] = defaultdict(list)
    for event_id, instant in zip(known.kept.event_ids, known.kept.instants, strict=True):
        by_day[instant.astimezone(UTC).date()].append(event_id)
    for day, event_ids in by_day.items():
        start = datetime.combine(day, time(), UTC)
        parts.append(replace(whole, after=start - _MOMENT, through=start + _DAY - _MOMENT, event_ids=event_ids))
    events = pl.concat([stored_events(connection, part) for part in parts]).unique("event_id")
    rows = select_rows(rule, with_fields(events, paths_of([rule])))
    return carry(rule, rows, known.kept.through), known.kept.through
