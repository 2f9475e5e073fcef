"""Buckets of time, and what their past predicts of one.

A bucket holds the events from its start to just before its end; buckets begin at whole multiples of their length since
1970 in UTC. A prediction is a centre and a spread; a spread of zero is replaced by `min_spread`.

- `zscore`: mean and standard deviation of the baseline
- `mad`: median, and 1.4826 times the median distance from it
- `ewma`: exponentially weighted mean and deviation with weight 2 / (buckets + 1), beginning with the oldest bucket
- `seasonal`: as mad, over the buckets at the same place in the seasons before
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from rules.checks import SEASON_SECONDS
from rules.conditions import Deviation
from rules.metrics import ZERO_WHEN_EMPTY

_TO_DEVIATION = 1.4826  # of a normal distribution, from the median distance
_FEWEST_KNOWN = 2

Prediction = tuple[float, float]


@dataclass(frozen=True)
class Baseline:
    """Which buckets before a bucket predict it: `count` of them, `step` apart. All of them must have come since the
    group began, unless `part_will_do`; with `empty_is_zero` an empty bucket has the value 0, otherwise none."""

    count: int
    step: int
    part_will_do: bool
    empty_is_zero: bool

    @classmethod
    def of(cls, condition: Deviation) -> "Baseline":
        seasonal = condition.method == "seasonal"
        step = SEASON_SECONDS[condition.season] // (condition.bucket_seconds or 1) if seasonal else 1
        return cls(condition.baseline_buckets or 0, step, seasonal, condition.metric in ZERO_WHEN_EMPTY)

    @property
    def reach(self) -> int:
        """How many buckets back the oldest one lies."""
        return self.count * self.step

    def values(self, bucket: int, began: int, known: Mapping[int, float]) -> list[float] | None:
        """The values that predict a bucket of a group that began in bucket `began`, oldest first; None where they are
        too few."""
        if bucket - self.reach < began and not self.part_will_do:
            return None
        past = range(max(bucket - self.reach, began + (bucket - began) % self.step), bucket, self.step)
        if self.empty_is_zero:
            values = [known.get(one, 0.0) for one in past]
        else:
            values = [known[one] for one in past if one in known]
        return values if len(values) >= _FEWEST_KNOWN else None

    def pasts(
        self, buckets: Sequence[int], known: Mapping[int, float], first: int, last: int
    ) -> Iterator[tuple[int, tuple[float, ...] | None]]:
        """The buckets that `touched` tells of a group whose buckets with events these are, each with its `values`."""
        past, before = None, None
        slides = self.empty_is_zero and self.step == 1
        for bucket in self.touched(buckets, first, last):
            if slides and past is not None and before == bucket - 1:
                past = (*past[1:], known.get(before, 0.0))
            else:
                values = self.values(bucket, buckets[0], known)
                past = None if values is None else tuple(values)
            yield bucket, past
            before = bucket

    def first_predicted(self, began: int) -> int:
        """The first bucket that can have a prediction, of a group that began in a bucket."""
        return began if self.part_will_do else began + self.reach

    def touched(self, buckets: Sequence[int], first: int, last: int) -> Iterator[int]:
        """The buckets from `first` to `last` that have events or that events still predict, where empty ones count."""
        if not self.empty_is_zero:
            yield from (bucket for bucket in buckets if first <= bucket <= last)
        elif self.step == 1:
            done = first - 1
            for bucket in buckets:
                here = range(max(bucket, done + 1), min(bucket + self.count, last) + 1)
                yield from here
                done = max(done, bucket + self.count)
        else:
            seasons = (range(bucket, min(bucket + self.reach, last) + 1, self.step) for bucket in buckets)
            yield from sorted({one for season in seasons for one in season if one >= first})


def predict(condition: Deviation, values: Sequence[float]) -> Prediction:
    """The centre and spread that the values of a baseline predict."""
    centre, spread = _METHODS[condition.method](values)
    return centre, spread or condition.min_spread


def _zscore(values: Sequence[float]) -> Prediction:
    mean = fsum(values) / len(values)
    return mean, sqrt(fsum((value - mean) ** 2 for value in values) / len(values))


def _mad(values: Sequence[float]) -> Prediction:
    middle = _median(values)
    return middle, _TO_DEVIATION * _median([abs(value - middle) for value in values])


def _ewma(values: Sequence[float]) -> Prediction:
    weight = 2 / (len(values) + 1)
    mean, variance = values[0], 0.0
    for value in values[1:]:
        off = value - mean
        mean += weight * off
        variance = (1 - weight) * (variance + weight * off * off)
    return mean, sqrt(variance)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


_METHODS: dict[str, Callable[[Sequence[float]], Prediction]] = {
    "zscore": _zscore,
    "mad": _mad,
    "ewma": _ewma,
    "seasonal": _mad,
}
