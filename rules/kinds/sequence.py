"""`sequence`: true at the event that completes the steps, in their order, in the group, within the window.

The steps are different events. Completed by an event at t, all of them lie in (t - window, t]; of several chains that
the event completes the one that begins last counts, and from its end backwards each step is the latest that can be.

With `absent: true` on the last step it is true at the instant at which the window has passed since a first step, if the
steps between followed it in time and the last one did not follow them: from each first step on, the other steps are the
earliest that can be, and all must come before that instant. That instant is no event's, even if one stands there.

A chain is true at an instant; with for_seconds it never triggers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import polars as pl

from rules import conditions
from rules.filters import Filters
from rules.kinds.kind import Account, Course, Found, Listed
from rules.kinds.points import course_of_events, point_truth
from rules.kinds.wording import span
from rules.picking import picked
from rules.rule import Rule
from rules.window import earlier, parted, window_starts


def _steps(rule: Rule) -> tuple[conditions.Step, ...]:
    return cast(conditions.Sequence, rule.condition).steps


def _last_is_absent(rule: Rule) -> bool:
    return _steps(rule)[-1].absent


def _window(rule: Rule) -> int:
    return rule.window_seconds * 1_000_000


def looks_at(rule: Rule) -> Sequence[Filters]:
    return [step.filters for step in _steps(rule)]


def columns(rule: Rule) -> Mapping[str, pl.Expr]:
    return {f"step_{n}": step.filters.expression.fill_null(False) for n, step in enumerate(_steps(rule))}


def look_back(rule: Rule) -> timedelta:
    return timedelta(seconds=rule.window_seconds)


def recently(rule: Rule) -> timedelta:
    return look_back(rule)


def far_row(rule: Rule) -> None:
    return None


def true_without_rows(rule: Rule) -> bool:
    return False


def moves_without_events(rule: Rule) -> bool:
    return _last_is_absent(rule)


def lasts(rule: Rule) -> bool:
    return False


def truth(rule: Rule, rows: pl.DataFrame, from_on: int, until: int | None) -> pl.DataFrame:
    complete = true_rows(rule, rows)
    if complete is not None:
        return point_truth(rows, complete, from_on)
    silent = _missed(rule, rows, rows["timestamp"].cast(pl.Int64)).filter(pl.col("at") >= from_on)
    arriving = point_truth(rows, rows["step_0"] & False, from_on)
    return pl.concat([silent, arriving], how="diagonal").sort("group_key", "at", "row", nulls_last=False)


def true_rows(rule: Rule, rows: pl.DataFrame) -> pl.Series | None:
    if _last_is_absent(rule):
        return None
    instants = rows["timestamp"].cast(pl.Int64)
    begun = _latest_starts(rule, rows, instants)
    complete = (begun > instants - _window(rule)) & rows[f"step_{len(_steps(rule)) - 1}"]
    return complete.fill_null(False)


def _latest_starts(rule: Rule, rows: pl.DataFrame, instants: pl.Series) -> pl.Series:
    """For each row, when the chain of all steps but the last among the rows before it began that began last."""
    begun = rows.select("group_key", *_step_columns(rule), start=instants)
    for number in range(len(_steps(rule)) - 1):
        reached = pl.when(f"step_{number}").then("start")
        begun = begun.with_columns(start=reached.cum_max().forward_fill().shift(1).over("group_key"))
    return begun["start"]


def _missed(rule: Rule, rows: pl.DataFrame, instants: pl.Series) -> pl.DataFrame:
    """The instants at which a last step has failed to come, with the rows of the steps before it."""
    numbered = rows.select("group_key", *_step_columns(rule)).with_row_index("row")
    chains = numbered.filter("step_0").select("group_key", at_0="row")
    for number in range(1, len(_steps(rule))):
        following = pl.when(f"step_{number}").then("row").backward_fill().shift(-1).over("group_key")
        after = numbered.select(following).to_series()
        chains = chains.with_columns(after.gather(chains[f"at_{number - 1}"]).alias(f"at_{number}"))
    due = instants.gather(chains["at_0"]) + _window(rule)
    last, missing = len(_steps(rule)) - 2, len(_steps(rule)) - 1
    in_time = instants.gather(chains[f"at_{last}"]) < due
    too_late = (instants.gather(chains[f"at_{missing}"]) >= due).fill_null(True)
    missed = chains.with_columns(at=due, true=pl.lit(True)).filter((in_time & too_late).fill_null(False))
    missed = missed.unique(["group_key", "at"], keep="last", maintain_order=True)
    return missed.with_columns(row=pl.lit(None, pl.UInt32)).drop(f"at_{missing}")


def _step_columns(rule: Rule) -> list[str]:
    return [f"step_{number}" for number in range(len(_steps(rule)))]


def course(rule: Rule, rows: pl.DataFrame, from_on: int, until: int) -> Course:
    return course_of_events(truth(rule, rows, from_on, until))


def carry(rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
    return parted(rows, earlier(earliest, look_back(rule)))[0]


def describe(rule: Rule, rows: pl.DataFrame, found: Found, of: Sequence[str]) -> Account:
    steps = _steps(rule)
    instants = rows["timestamp"].cast(pl.Int64)
    chains = _missed_chains(found, len(steps) - 1) if _last_is_absent(rule) else _completed_chains(rule, rows, found)
    firsts = [instants[chain[0]] if chain else at for chain, at in zip(chains, found["at"], strict=True)]
    took = [(at - first) / 1_000_000 for at, first in zip(found["at"], firsts, strict=True)]
    names, lengths = [step.name for step in steps], [len(chain) for chain in chains]
    if _last_is_absent(rule):
        within = f"no {names[-1]} within {span(rule.window_seconds)}"
        messages = [f"{', then '.join(names[:-1])}, but {within}{group}" for group in of]
        expected = f"{names[-1]} within {span(rule.window_seconds)}"
    else:
        sentence = ", then ".join(names)
        messages = [f"{sentence}{group} in {span(seconds)}" for seconds, group in zip(took, of, strict=True)]
        expected = f"not {sentence} within {span(rule.window_seconds)}"
    return Account(
        value=took,
        threshold=float(rule.window_seconds),
        expected=expected,
        window_start=[at - _window(rule) for at in found["at"]],
        contributing=Listed(picked(rows["event_id"], [row for chain in chains for row in chain]), lengths),
        contributing_count=lengths,
        message=messages,
    )


def _missed_chains(found: Found, steps: int) -> list[list[int]]:
    """The rows of the steps that came; an event inside a time of keep firing stands for itself."""
    columns = [found[f"at_{number}"] for number in range(steps)]
    rows = zip(found["row"], *columns, strict=True)
    return [list(chain) if row is None else [row] for row, *chain in rows]


def _completed_chains(rule: Rule, rows: pl.DataFrame, found: Found) -> list[list[int]]:
    """The rows of the chain that each triggering event completes; of an event that completes none, itself."""
    steps = _steps(rule)
    passes = [rows[f"step_{number}"] for number in range(len(steps))]
    chains = []
    firsts = window_starts(rows, found["row"], [at - _window(rule) for at in found["at"]])
    for row, first, complete in zip(found["row"], firsts, found["true"], strict=True):
        inside = [one.slice(first, row + 1 - first).to_list() for one in passes]
        chains.append([first + place for place in _latest_chain(inside)] if complete else [row])
    return chains


def _latest_chain(passes: list[list[bool]]) -> list[int]:
    """The places of a chain that ends at the last place: it begins last, and from its end backwards each step is
    latest."""
    reached: list[list[int | None]] = []  # by step: where the chain that begins last and ends at a place began
    begun: list[int | None] = list(range(len(passes[0])))
    for flags in passes:
        ends = [start if flag else None for flag, start in zip(flags, begun, strict=True)]
        reached.append(ends)
        latest: int | None = None
        begun = []
        for end in ends:
            begun.append(latest)
            latest = end if latest is None or (end is not None and end > latest) else latest
    place = len(passes[0]) - 1
    start, chain = reached[-1][place], [place]
    for ends in reversed(reached[:-1]):
        place = max(one for one in range(place) if ends[one] == start)
        chain.insert(0, place)
    return chain
