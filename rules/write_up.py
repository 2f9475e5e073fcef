"""Triggers become anomalies: ids, groups, events, and what the rule's kind has to say about them."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b, sha1
from uuid import UUID

import polars as pl

from eventpulse.anomaly import ANOMALY_SCHEMA
from eventpulse.event import EARLIEST, LATEST, UTC_MICROSECONDS
from rules.kinds.kind import Account
from rules.rule import Rule
from rules.summary_text import with_summary

NO_ANOMALIES = ANOMALY_SCHEMA.to_frame()


def write_up(
    rule: Rule, rows: pl.DataFrame, found: pl.DataFrame, groups: Sequence[str], account: Account
) -> pl.DataFrame:
    """The anomalies (ANOMALY_SCHEMA) of triggers and of what there is to say about them, in the same order."""
    instants = found["at"].to_list()
    numbers = found["row"].to_list()
    event_ids, positions = rows["event_id"], rows["position"]
    ids_of_events = [None if row is None else event_ids[row] for row in numbers]
    anomalies = _frame(
        {
            "anomaly_id": _anomaly_ids(rule, groups, instants, ids_of_events),
            "rule_id": str(rule.rule_id),
            "rule_version": rule.version,
            "severity": rule.severity,
            "group": groups,
            "group_key": [stable_group_key(group) for group in groups],
            "occurred_at": instants,
            "position": [None if row is None else positions[row] for row in numbers],
            "event_id": ids_of_events,
            "value": account.value,
            "threshold": account.threshold,
            "expected": account.expected,
            "window_start": account.window_start,
            "window_end": instants if account.window_end is None else account.window_end,
            "contributing": account.contributing,
            "contributing_count": account.contributing_count,
            "message": account.message,
        }
    )
    return with_summary(rule, anomalies)


@lru_cache(maxsize=65_536)
def stable_group_key(group: str) -> int:
    """A signed 64-bit hash of a group's text, the same in every process and for ever."""
    return int.from_bytes(blake2b(group.encode(), digest_size=8).digest(), "big", signed=True)


def _anomaly_ids(
    rule: Rule, groups: Sequence[str], instants: Sequence[int], event_ids: Sequence[str | None]
) -> list[str]:
    """UUID5 in the namespace of the rule's id, over semantic hash, group, trigger instant and triggering event."""
    start = sha1(rule.rule_id.bytes + rule.semantic_hash.encode(), usedforsecurity=False)
    ids = []
    for group, instant, event_id in zip(groups, instants, event_ids, strict=True):
        digest = start.copy()
        digest.update(f"\n{group}\n{instant}\n{event_id or ''}".encode())
        ids.append(str(UUID(bytes=digest.digest()[:16], version=5)))
    return ids


def _frame(columns: dict[str, object]) -> pl.DataFrame:
    """A frame of ANOMALY_SCHEMA; a column that is one value holds it in every row."""
    height = len(columns["anomaly_id"])  # type: ignore[arg-type]
    lists = [values if isinstance(values, (list, tuple)) else [values] * height for values in _in_order(columns)]
    if height < _FEWEST_FOR_COLUMNS:
        frame = pl.DataFrame(list(zip(*lists, strict=True)), schema=_PLAIN_SCHEMA, orient="row")
    else:
        frame = pl.DataFrame(dict(zip(_PLAIN_SCHEMA, lists, strict=True)), schema=_PLAIN_SCHEMA)
    for number, name in _INSTANTS:
        frame.replace_column(number, frame[name].cast(UTC_MICROSECONDS))
    return frame


def _in_order(columns: dict[str, object]) -> Iterator[object]:
    for name in ANOMALY_SCHEMA:
        values = columns[name]
        yield _within_time(values) if name.startswith("window_") else values  # type: ignore[arg-type]


def _within_time(instants: Sequence[int]) -> Sequence[int]:
    """A window may begin before the year 1, of which neither Python nor PostgreSQL knows."""
    if min(instants) >= EARLIEST and max(instants) <= LATEST:
        return instants
    return [min(max(instant, EARLIEST), LATEST) for instant in instants]


_PLAIN_SCHEMA = pl.Schema(
    {name: pl.Int64() if kind == UTC_MICROSECONDS else kind for name, kind in ANOMALY_SCHEMA.items()}
)
_INSTANTS = [(number, name) for number, (name, kind) in enumerate(ANOMALY_SCHEMA.items()) if kind == UTC_MICROSECONDS]
# Few rows are quicker put into a frame as rows than column by column.
_FEWEST_FOR_COLUMNS = 32
