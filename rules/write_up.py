"""Triggers become anomalies: ids, groups, events, and what the rule's kind has to say about them.

All rules of a batch are written up in one frame: a frame for each would cost more than what stands in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, sha1
from itertools import chain, repeat
from typing import Any

import polars as pl

from eventpulse.anomaly import ANOMALY_SCHEMA
from eventpulse.event import EARLIEST, LATEST, UTC_MICROSECONDS
from rules.kinds.kind import Account, Found, Listed
from rules.picking import picked
from rules.rule import Rule
from rules.summary_text import summaries

NO_ANOMALIES = ANOMALY_SCHEMA.to_frame()


@dataclass(frozen=True)
class Case:
    """The triggers of one rule (`found`, numbered by `rows`), their groups, and what there is to say about them."""

    rule: Rule
    rows: pl.DataFrame
    found: Found
    groups: Sequence[str]
    account: Account


def write_up(cases: Sequence[Case]) -> list[pl.DataFrame]:
    """The anomalies (ANOMALY_SCHEMA) of each case, in the order of its triggers."""
    if not cases:
        return []
    columns = [_columns(case) for case in cases]
    heights = [len(case.groups) for case in cases]
    anomalies = pl.DataFrame([_column(name, [one[name] for one in columns], heights) for name in ANOMALY_SCHEMA])
    starts = [0]
    for height in heights:
        starts.append(starts[-1] + height)
    return [anomalies.slice(start, height) for start, height in zip(starts, heights, strict=False)]


def _columns(case: Case) -> dict[str, Any]:
    """What stands in the columns of a case: a list with a value for each anomaly, or one value for all of them."""
    rule, account = case.rule, case.account
    instants, numbers = case.found["at"], case.found["row"]
    ids_of_events = picked(case.rows["event_id"], numbers)
    columns: dict[str, Any] = {
        "anomaly_id": _anomaly_ids(rule, case.groups, instants, ids_of_events),
        "rule_id": str(rule.rule_id),
        "rule_version": rule.version,
        "severity": rule.severity,
        "group": case.groups,
        "group_key": list(map(stable_group_key, case.groups)),
        "occurred_at": instants,
        "position": picked(case.rows["position"], numbers),
        "event_id": ids_of_events,
        "value": account.value,
        "threshold": account.threshold,
        "expected": account.expected,
        "window_start": _within_time(account.window_start),
        "window_end": _within_time(instants if account.window_end is None else account.window_end),
        "contributing": account.contributing,
        "contributing_count": account.contributing_count,
        "message": account.message,
    }
    return {**columns, "message": summaries(rule, columns)} if rule.summary is not None else columns


@lru_cache(maxsize=65_536)
def stable_group_key(group: str) -> int:
    """A signed 64-bit hash of a group's text, the same in every process and for ever."""
    return int.from_bytes(blake2b(group.encode(), digest_size=8).digest(), "big", signed=True)


def _anomaly_ids(
    rule: Rule, groups: Sequence[str], instants: Sequence[int], event_ids: Sequence[str | None]
) -> list[str]:
    """UUID5 in the namespace of the rule's id, over semantic hash, group, trigger instant and triggering event."""
    start = sha1(rule.rule_id.bytes + rule.semantic_hash.encode(), usedforsecurity=False)
    hashes = []
    for group, instant, event_id in zip(groups, instants, event_ids, strict=True):
        digest = start.copy()
        digest.update(f"\n{group}\n{instant}\n{event_id or ''}".encode())
        hashes.append(digest.hexdigest())
    return [_as_uuid(text) for text in hashes] if len(hashes) < _MANY else _as_uuids(hashes)


def _as_uuid(text: str) -> str:
    """A hash as a UUID of version 5 is written; to make the object would cost twice as much."""
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def _as_uuids(hashes: Sequence[str]) -> list[str]:
    """The same for many."""
    text = pl.col("text").str
    variant = text.slice(16, 1).replace_strict(_VARIANT)
    parts = (text.head(8), "-", text.slice(8, 4), "-5", text.slice(13, 3), "-", variant, text.slice(17, 3), "-")
    written = pl.concat_str(*(pl.lit(part) if isinstance(part, str) else part for part in parts), text.slice(20, 12))
    return pl.DataFrame({"text": hashes}).select(written).to_series().to_list()


# Fewer anomalies than this are written one by one: a query would cost more than its work.
_MANY = 64
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def _column(name: str, parts: Sequence[Any], heights: Iterable[int]) -> pl.Series:
    """A column of ANOMALY_SCHEMA, given its part of each case."""
    kind = ANOMALY_SCHEMA[name]
    if isinstance(kind, pl.List):
        return _column_of_lists(name, parts, kind)
    values = list(
        chain.from_iterable(
            part if isinstance(part, (list, tuple)) else repeat(part, height)
            for part, height in zip(parts, heights, strict=True)
        )
    )
    if kind == UTC_MICROSECONDS:
        return pl.Series(name, values, dtype=pl.Int64).cast(kind)
    return pl.Series(name, values, dtype=kind)


def _column_of_lists(name: str, parts: Sequence[Listed], kind: pl.List) -> pl.Series:
    texts = pl.Series(name, list(chain.from_iterable(part.texts for part in parts)), dtype=kind.inner)
    lengths = pl.Series("length", list(chain.from_iterable(part.lengths for part in parts)), dtype=pl.UInt32)
    numbered = lengths.to_frame().with_row_index("number")
    number = numbered.select(pl.col("number").repeat_by("length").explode().drop_nulls()).to_series()
    together = pl.DataFrame([number, texts]).group_by("number", maintain_order=True).agg(name)
    if together.height < numbered.height:
        together = numbered.join(together, on="number", how="left", maintain_order="left")
    return together[name].fill_null(pl.lit([], dtype=kind)) if together[name].null_count() else together[name]


def _within_time(instants: Sequence[int]) -> Sequence[int]:
    """A window may begin before the year 1, of which neither Python nor PostgreSQL knows."""
    if min(instants) >= EARLIEST and max(instants) <= LATEST:
        return instants
    return [min(max(instant, EARLIEST), LATEST) for instant in instants]
