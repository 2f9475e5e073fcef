"""Set rules on their way through stored history: what they have to know before the first slice is judged."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import polars as pl
import psycopg

from eventpulse.database.events.history_slices import Of, events_in, slices, stored_between
from pipelines.live.recall import standing_anomalies
from rules.evaluation import look_back
from rules.micro_batches.memory import oldest_anomaly
from rules.rule import Rule
from rules.trials.replay import Replay, wanted_events, warm_up_from
from rules.window import FOREVER

_ONE_MICROSECOND = timedelta(microseconds=1)


def begin_replay(connection: psycopg.Connection, rules: Sequence[Rule], start: datetime) -> Replay:
    """A replay of rules that stands at `start`: it knows the events before that matter, and the anomalies that stand.

    The events are read in slices, and of each only what still matters is kept.
    """
    replay = Replay(rules, start)
    stored = stored_between(connection)
    if stored is None:
        return replay
    after = warm_up_from(rules, start)
    oldest = stored[0] if after is None else max(stored[0], after + _ONE_MICROSECOND)
    if oldest < start:
        of = of_rules(rules)
        for stretch in slices(connection, oldest, start, of):
            events = events_in(connection, stretch.start, stretch.end, of)
            replay.look_back(events, stretch.end - _ONE_MICROSECOND)
    replay.stood(stood_before(connection, rules, start))
    return replay


def stood_before(connection: psycopg.Connection, rules: Sequence[Rule], start: datetime) -> dict[UUID, pl.DataFrame]:
    """The anomalies before an instant that stand and still matter to the rules (REMEMBERED_ANOMALY), by rule."""
    return {
        rule.rule_id: standing_anomalies(connection, rule, oldest_anomaly(rule, start), before=start) for rule in rules
    }


def of_rules(rules: Sequence[Rule]) -> Of:
    """What has to be read for some rules."""
    wanted = wanted_events(rules)
    return Of(wanted.event_types, wanted.sources, wanted.payload, wanted.metadata)


def span_before(rules: Sequence[Rule]) -> timedelta:
    """How far back from an instant events matter to any of the rules, as far as that has an end."""
    return max((span for span in map(look_back, rules) if span != FOREVER), default=timedelta(0))
