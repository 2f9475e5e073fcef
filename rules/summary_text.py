"""Write the summary of a rule for each of its anomalies."""

import polars as pl

from rules.kinds.wording import NOTHING, group_values, number
from rules.rule import Rule
from rules.summary import Part, read_summary


def with_summary(rule: Rule, anomalies: pl.DataFrame) -> pl.DataFrame:
    """The anomalies (ANOMALY_SCHEMA) with the rule's own sentence as message, where it has one."""
    if rule.summary is None:
        return anomalies
    pieces = [_piece(part, rule, anomalies) for part in read_summary(rule.summary, rule.group_by)]
    return anomalies.with_columns(message=pl.concat_str(pieces))


def _piece(part: Part, rule: Rule, anomalies: pl.DataFrame) -> pl.Expr | pl.Series:
    match part.place:
        case None:
            return pl.lit(part.text)
        case "value" | "threshold":
            return pl.Series(
                [NOTHING if found is None else number(found) for found in anomalies[part.place]], dtype=pl.String
            )
        case "group":
            return _of_groups(anomalies["group"], part.path)
        case "rule":
            return pl.lit(rule.name)
        case "window_seconds":
            return pl.lit(str(rule.window_seconds))
        case "occurred_at":
            return pl.col("occurred_at").dt.strftime("%Y-%m-%d %H:%M:%S UTC")
        case "count":
            return pl.col("contributing_count").cast(pl.String)
        case place:
            return pl.col(place).fill_null(NOTHING)


def _of_groups(groups: pl.Series, path: str | None) -> pl.Series:
    distinct = groups.unique()
    shown = pl.Series([_shown(group, path) for group in distinct], dtype=pl.String)
    return groups.replace_strict(distinct, shown, return_dtype=pl.String)


def _shown(group: str, path: str | None) -> str:
    values = group_values(group)
    return values[path] if path is not None else ", ".join(f"{name}={value}" for name, value in values.items())
