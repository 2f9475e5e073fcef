"""Write the summary of a rule for each of its anomalies."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

import polars as pl

from eventpulse.event import UTC_MICROSECONDS
from rules.kinds.wording import NOTHING, group_values, number
from rules.rule import Rule
from rules.summary import Part, read_summary


def summaries(rule: Rule, anomalies: Mapping[str, Any]) -> Sequence[str]:
    """The rule's own sentence for each anomaly, given the columns of ANOMALY_SCHEMA; one value stands for all."""
    pieces = [_piece(part, rule, anomalies) for part in read_summary(rule.summary or "", rule.group_by)]
    height = len(anomalies["anomaly_id"])
    return ["".join(one) for one in zip(*(_each(piece, height) for piece in pieces), strict=True)]


def _piece(part: Part, rule: Rule, anomalies: Mapping[str, Any]) -> str | list[str]:
    match part.place:
        case None:
            return part.text
        case "value" | "threshold":
            return _shown(anomalies[part.place], number)
        case "group":
            return [_group_as_text(group, part.path) for group in anomalies["group"]]
        case "rule":
            return rule.name
        case "window_seconds":
            return str(rule.window_seconds)
        case "occurred_at":
            instants = pl.Series(anomalies["occurred_at"], dtype=pl.Int64).cast(UTC_MICROSECONDS)
            return instants.dt.strftime("%Y-%m-%d %H:%M:%S UTC").to_list()
        case "count":
            return _shown(anomalies["contributing_count"], str)
        case place:
            return _shown(anomalies[place], str)


def _shown(values: Any, text: Any) -> str | list[str]:
    if isinstance(values, (list, tuple)):
        return [NOTHING if one is None else text(one) for one in values]
    return NOTHING if values is None else str(text(values))


def _each(piece: str | list[str], height: int) -> Iterable[str]:
    return repeat(piece, height) if isinstance(piece, str) else piece


@lru_cache(maxsize=65_536)
def _group_as_text(group: str, path: str | None) -> str:
    values = group_values(group)
    return values[path] if path is not None else ", ".join(f"{name}={value}" for name, value in values.items())
