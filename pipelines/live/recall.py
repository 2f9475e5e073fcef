"""Fetch from the database what rules have to know about the past: rows and anomalies, for memories and late events."""

from datetime import datetime, timedelta

import polars as pl
import psycopg

from eventpulse.database.anomalies.findings import Progress
from eventpulse.database.events.history import Slice, current_anomalies, newest_stored, oldest_stored, stored_events
from pipelines.live.keep_events import rows_of_kept
from rules.alerting.spans import true_before
from rules.evaluation import carry, far_row, far_rows, look_back, near, paths_of, select_rows, stable_group_key
from rules.fields import with_fields
from rules.micro_batches.arrival import Arrival
from rules.micro_batches.detection import Recalled
from rules.micro_batches.memory import TIME_ORDER, Memory, oldest_anomaly, remembered
from rules.micro_batches.narrowing import texts_of_groups
from rules.micro_batches.recalling import anomalies_from, lacking
from rules.reach import reach
from rules.rule import Rule
from rules.selection import ROW_ORDER
from rules.trials.replay import wanted_events
from rules.window import BEGINNING, earlier, instant_of

_MOST_GROUPS_IN_A_QUERY = 10_000
_PIECE = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_FEW_ROWS = 50_000
_THE_ONE_GROUP = "{}"


def build_memory(
    connection: psycopg.Connection,
    rule: Rule,
    progress: Progress | None,
    hot: timedelta,
    *,
    besides: int | None = None,
) -> Memory:
    """The memory a rule would have, had this process evaluated it all along. A micro-batch that is stored in the very
    transaction and not judged yet is left out."""
    scope = reach(rule)
    known = progress if progress is not None and progress.semantic_hash == rule.semantic_hash else None
    newest = known.newest_event_at if known is not None else None
    if newest is None:
        newest = newest_stored(connection, scope.event_types, scope.sources, besides)
    floor = BEGINNING if newest is None else earlier(newest, hot)
    judged_through = known.judged_through if known is not None else None
    if judged_through is not None:
        floor = min(floor, judged_through)
    rows = _carried(connection, rule, earlier(floor, look_back(rule)), floor, besides).sort(TIME_ORDER)
    anomalies = standing_anomalies(connection, rule, oldest_anomaly(rule, floor))
    groups = rows["group_key"].n_unique()
    return Memory(floor, rows, anomalies, newest, judged_through, rows_after_trim=rows.height, groups_at_most=groups)


def recall(connection: psycopg.Connection, arrival: Arrival, memory: Memory) -> Recalled:
    """What the database holds of the groups whose judgement begins before the memory's floor. The memory does not have
    the rows of the arrival yet, the database does."""
    rule, lacks = arrival.rule, lacking(arrival, memory)
    groups = arrival.forgotten["group"].to_list()
    few = groups if len(groups) <= _MOST_GROUPS_IN_A_QUERY else None
    rows = [lacks.known, _rows(connection, rule, after=lacks.after, groups=few)]
    if lacks.searched:
        rows.append(_newest_rows(connection, rule, lacks.searched, through=lacks.after))
    keys = None if few is None else [stable_group_key(group) for group in few]
    return Recalled(pl.concat(rows), standing_anomalies(connection, rule, anomalies_from(arrival), keys))


def standing_anomalies(
    connection: psycopg.Connection,
    rule: Rule,
    since: datetime,
    group_keys: list[int] | None = None,
    *,
    before: datetime | None = None,
) -> pl.DataFrame:
    """The anomalies of a rule that stand (REMEMBERED_ANOMALY), of all groups or of some."""
    return remembered(current_anomalies(connection, rule.rule_id, rule.semantic_hash, since, group_keys, before=before))


def last_true_before(
    connection: psycopg.Connection, rule: Rule, group: str, instant: datetime, span: timedelta
) -> int | None:
    """When, in the span before an instant, a condition was last true for a group that is true at single events only."""
    start = earlier(instant, span)
    rows = _rows(connection, rule, after=earlier(start, look_back(rule)), through=instant, groups=[group])
    rows = rows.filter(rows["group"] == group).sort(ROW_ORDER)
    return None if rows.is_empty() else true_before(rule, rows, instant_of(start), instant_of(instant))


def _carried(
    connection: psycopg.Connection, rule: Rule, after: datetime, floor: datetime, besides: int | None
) -> pl.DataFrame:
    """The rows after an instant that a memory with this floor needs. Long stretches are read piece by piece, and of
    each piece only what still matters is kept, so that a look-back over all history fits into memory."""
    if (all_there_is := _near(connection, rule, floor, besides)) is not None:
        return carry(rule, all_there_is, floor)
    rows, needed = None, 0
    if floor - after > _PIECE:
        if (known := rows_of_kept(connection, rule, floor, besides)) is not None:
            (rows, after), needed = known, known[0].height
        else:
            scope = reach(rule)
            oldest = oldest_stored(connection, scope.event_types, scope.sources)
            after = max(after, earlier(oldest, _MOMENT)) if oldest is not None else floor
    while floor - after > _PIECE:
        piece = _rows(connection, rule, after=after, through=after + _PIECE, besides=besides)
        after += _PIECE
        rows = piece if rows is None else pl.concat([rows, piece])
        if rows.height > 2 * needed + _FEW_ROWS:  # so that all rows are not gone through again with each piece
            rows = carry(rule, rows, after)
            needed = rows.height
    rest = _rows(connection, rule, after=after, besides=besides)
    return rest if rows is None else carry(rule, pl.concat([rows, rest]), floor)


def _near(
    connection: psycopg.Connection, rule: Rule, since: datetime, besides: int | None = None
) -> pl.DataFrame | None:
    """The rows that matter from an instant on, where they are one far row and those that lie near; None where others
    may matter as well, or where each of several groups has a far row."""
    span = near(rule)
    if span is None or not rule.has_one_group:
        return None
    after = earlier(since, span)
    if far_row(rule) == "first":
        far = _first_row(connection, rule, through=after, besides=besides)
    else:
        far = _newest_rows(connection, rule, frozenset([_THE_ONE_GROUP]), through=after, besides=besides)
    return pl.concat([far, _rows(connection, rule, after=after, besides=besides)])


def _first_row(connection: psycopg.Connection, rule: Rule, *, through: datetime, besides: int | None) -> pl.DataFrame:
    """The first row up to an instant, looked for from the first event on, in ever longer pieces."""
    scope, span = reach(rule), timedelta(minutes=1)
    oldest = oldest_stored(connection, scope.event_types, scope.sources)
    after = through if oldest is None else earlier(oldest, _MOMENT)
    while after < through:
        rows = _rows(connection, rule, after=after, through=min(after + span, through), besides=besides)
        if not rows.is_empty():
            return rows.sort(TIME_ORDER).head(1)
        after, span = after + span, min(2 * span, _PIECE)
    return _rows(connection, rule, after=through, through=through)


def _newest_rows(
    connection: psycopg.Connection,
    rule: Rule,
    groups: frozenset[str],
    *,
    through: datetime,
    besides: int | None = None,
) -> pl.DataFrame:
    """The far row of each group up to an instant, looked for backwards from there, in ever longer pieces."""
    scope, span, missing = reach(rule), timedelta(minutes=1), set(groups)
    oldest = oldest_stored(connection, scope.event_types, scope.sources)
    found = [_rows(connection, rule, after=through, through=through)]
    while missing and oldest is not None and through >= oldest:
        after = earlier(through, span)
        rows = _rows(connection, rule, after=after, through=through, groups=sorted(missing), besides=besides)
        found.append(far_rows(rule, rows.filter(pl.col("group").is_in(list(missing))).sort(TIME_ORDER), through))
        missing.difference_update(found[-1]["group"])
        through, span = after, min(2 * span, _PIECE)
    return pl.concat(found)


def _rows(
    connection: psycopg.Connection,
    rule: Rule,
    *,
    after: datetime,
    through: datetime | None = None,
    groups: list[str] | None = None,
    besides: int | None = None,
) -> pl.DataFrame:
    scope = reach(rule)
    values = texts_of_groups(rule, groups)
    wanted = wanted_events([rule])
    part = Slice(
        after,
        through,
        scope.event_types,
        scope.sources,
        values,
        payload=wanted.payload,
        metadata=wanted.metadata,
        besides=besides,
    )
    events = stored_events(connection, part)
    return select_rows(rule, with_fields(events, paths_of([rule])))
