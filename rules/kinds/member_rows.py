"""The rows of a composite: those of all its members one among the other, and each member's own taken out again."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import polars as pl

from rules.rule import Rule

_ORDER = ("group_key", "timestamp", "position", "event_id")
_SHARED = ("timestamp", "position", "event_id")


def rows_of_members(rule: Rule, of_each: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of a composite, given those of its members.

    `member` is the number of the member that a row is of; what is the member's own, its groups among it, stands behind
    that number: `0.value`, `0.group_key`. An event that several members look at has a row of each.
    """
    parts = []
    for number, (member, rows) in enumerate(zip(rule.members, of_each, strict=True)):
        own = {name: f"{number}.{name}" for name in rows.columns if name not in _SHARED}
        if member.group_by == rule.group_by:
            group, key = rows["group"], rows["group_key"]
        else:
            group = _projected(rows["group"], rule.group_by)
            key = group.hash()
        parts.append(
            rows.rename(own).select(
                group.alias("group"),
                key.alias("group_key"),
                *_SHARED,
                pl.lit(number, pl.Int32).alias("member"),
                *own.values(),
            )
        )
    return pl.concat(parts, how="diagonal").sort(*_ORDER, "member")


def rows_of_member(rule: Rule, rows: pl.DataFrame, number: int) -> pl.DataFrame:
    """A member's own rows again, with the number of the row and the key of the group they have in the composite; in the
    order of ROW frames, or in that of `rows` where its groups are those of the composite."""
    before = f"{number}."
    own = {name: name.removeprefix(before) for name in rows.columns if name.startswith(before)}
    numbers = (rows["member"] == number).arg_true()
    columns = [numbers.alias("composite_row"), *(rows[name].gather(numbers) for name in _SHARED)]
    columns += [rows[name].gather(numbers).alias(theirs) for name, theirs in own.items()]
    kept = pl.DataFrame([*columns, rows["group_key"].gather(numbers).alias("composite_key")])
    return kept if rule.members[number].group_by == rule.group_by else kept.sort(_ORDER)


def _projected(groups: pl.Series, paths: tuple[str, ...]) -> pl.Series:
    """The texts of the groups, on these paths alone."""
    distinct = groups.unique()
    texts = pl.Series([_on_paths(group, paths) for group in distinct], dtype=pl.String)
    return groups.replace_strict(distinct, texts, return_dtype=pl.String)


@lru_cache(maxsize=65_536)
def _on_paths(group: str, paths: tuple[str, ...]) -> str:
    values = msgspec.json.decode(group, type=dict[str, msgspec.Raw])
    return (
        "{" + ",".join(f"{msgspec.json.encode(path).decode()}:{bytes(values[path]).decode()}" for path in paths) + "}"
    )
