"""The nine conditions a rule can have: what each needs, within which limits, and what holds where nothing is said."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from rules.boolean import Tree, names_in, read_expression
from rules.document import (
    Expression,
    GroupValues,
    HowMany,
    LongSeconds,
    LongSecondsFromZero,
    Number,
    Operator,
    Path,
    Seconds,
    Text,
    Tokens,
    document,
)
from rules.filters import Filters, FiltersField
from rules.paths import is_json_path

COUNTED_METRICS = ("count", "rate")
FIELD_METRICS = ("sum", "avg", "min", "max", "stddev", "distinct", "p50", "p90", "p95", "p99")
MetricName = Annotated[
    Literal["count", "rate", "sum", "avg", "min", "max", "stddev", "distinct", "p50", "p90", "p95", "p99", "ratio"],
    Field(description="count, rate, sum, avg, min, max, stddev, distinct, p50, p90, p95, p99 or ratio"),
]


def _json_paths(*found: str | None) -> frozenset[str]:
    return frozenset(path for path in found if path is not None and is_json_path(path))


@document
class Measured:
    """What conditions on a metric have in common: `field` for the metrics of a field, `numerator` for ratio."""

    filters: FiltersField = Filters()
    metric: MetricName
    field: Path | None = None
    numerator: FiltersField | None = None

    @cached_property
    def paths(self) -> frozenset[str]:
        of_numerator = self.numerator.paths if self.numerator is not None else frozenset()
        return self.filters.paths | of_numerator | _json_paths(self.field)


@document
class Match:
    """True at every event that passes the filters."""

    type: Literal["match"] = "match"
    filters: FiltersField = Filters()

    @property
    def paths(self) -> frozenset[str]:
        return self.filters.paths


@document
class Threshold(Measured):
    """True while the metric over the window stands in relation to the value."""

    type: Literal["threshold"] = "threshold"
    operator: Operator
    value: Number
    min_count: HowMany | None = None  # set when the rule is read: 0 for count, 1 otherwise


@document
class Change(Measured):
    """True while the metric now, compared with the metric some time ago, stands in relation to the value."""

    type: Literal["change"] = "change"
    compare: Annotated[Literal["ratio", "difference", "percent"], Field(description="ratio, difference or percent")] = (
        "ratio"
    )
    offset_seconds: Seconds | None = None  # set when the rule is read: one window
    operator: Operator
    value: Number
    min_count: HowMany | None = None  # set when the rule is read: 0 for count, 1 otherwise


@document
class Absence:
    """True while a group that is known has had no matching event for a whole window.

    `groups` are known without having been seen: one mapping of path to value for each.
    """

    type: Literal["absence"] = "absence"
    filters: FiltersField = Filters()
    remember_seconds: LongSeconds = 7 * 86_400
    groups: Annotated[
        tuple[GroupValues, ...],
        Field(max_length=10_000, description="a list of groups, such as [{payload.ip: 10.0.0.1}]"),
    ] = ()

    @property
    def paths(self) -> frozenset[str]:
        return self.filters.paths


@document
class Deviation(Measured):
    """True at a closed bucket whose metric lies further from its prediction than `value` spreads."""

    type: Literal["deviation"] = "deviation"
    metric: MetricName = "count"
    method: Annotated[
        Literal["zscore", "mad", "ewma", "seasonal"], Field(description="zscore, mad, ewma or seasonal")
    ] = "zscore"
    operator: Annotated[Literal[">", ">="], Field(description="> or >=")] = ">"
    value: Annotated[Number, Field(gt=0, description="a number of spreads above 0")] = 3.0
    bucket_seconds: Seconds | None = None  # set when the rule is read: one window
    baseline_buckets: Annotated[
        int | None, Field(strict=True, ge=2, le=10_000, description="a whole number from 2 to 10000")
    ] = None  # set when the rule is read: 4 seasons for seasonal, 30 buckets otherwise
    direction: Annotated[Literal["up", "down", "both"], Field(description="up, down or both")] = "both"
    season: Annotated[Literal["day", "week"], Field(description="day or week")] = "day"
    min_spread: Annotated[Number, Field(gt=0, description="a number above 0")] = 1.0


@document
class NewValue:
    """True at an event whose value of the field its group has not had within the look-back, once it has learnt."""

    type: Literal["new_value"] = "new_value"
    filters: FiltersField = Filters()
    field: Path
    lookback_seconds: LongSeconds = 30 * 86_400
    learn_seconds: LongSecondsFromZero = 86_400

    @cached_property
    def paths(self) -> frozenset[str]:
        return self.filters.paths | _json_paths(self.field)


@document
class Transition:
    """True at an event whose field differs from that of the event before it in the group."""

    type: Literal["transition"] = "transition"
    filters: FiltersField = Filters()
    field: Path
    from_tokens: Annotated[Tokens, Field(alias="from")] = ()  # empty: from anything
    to_tokens: Annotated[Tokens, Field(alias="to")] = ()  # empty: to anything

    @cached_property
    def paths(self) -> frozenset[str]:
        return self.filters.paths | _json_paths(self.field)


@document
class Step:
    """One step of a sequence. `absent`, for the last step alone: it did not happen in time."""

    name: Text
    filters: FiltersField = Filters()
    absent: Annotated[bool, Field(strict=True, description="true or false")] = False


@document
class Sequence:
    """True where the steps happen in this order in the group within the window."""

    type: Literal["sequence"] = "sequence"
    steps: Annotated[tuple[Step, ...], Field(min_length=2, max_length=10, description="a list of 2 to 10 steps")]

    @cached_property
    def paths(self) -> frozenset[str]:
        return frozenset().union(*(step.filters.paths for step in self.steps))


@document
class Composite:
    """True while the expression over other rules is true; the rules themselves are the rule's `members`."""

    type: Literal["composite"] = "composite"
    expression: Expression

    @cached_property
    def tree(self) -> Tree:
        return read_expression(self.expression)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the rules in the expression, each once, in the order in which they are written."""
        return tuple(dict.fromkeys(names_in(self.tree)))

    @property
    def paths(self) -> frozenset[str]:
        return frozenset()


Condition = Match | Threshold | Change | Absence | Deviation | NewValue | Transition | Sequence | Composite
CONDITIONS: tuple[type, ...] = Condition.__args__
TYPES = tuple(str(kind.type) for kind in Condition.__args__)
AnyCondition = Annotated[
    Condition, Field(discriminator="type", description="a condition with a type: " + ", ".join(TYPES))
]
