"""Sums of doubles that are exact before they are rounded, once: neither order nor company changes their last bit.

Doubles are whole numbers on a common power of two. Where those are small enough, as counts, cents and bytes are,
running sums of 128-bit integers serve; otherwise Python's own integers, which have no end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import polars as pl

_POWERS = (0, 8, 16, 32, 48, 64, 80, 96)
_LARGEST_INT128 = 2.0**125


@dataclass(frozen=True)
class RunningSums:
    """The sums of all values before each row, as integers that count in units of 2^-power; nulls count as nothing."""

    before: pl.Series | Sequence[int]
    power: int

    @classmethod
    def of(cls, values: pl.Series) -> "RunningSums":
        known = values.fill_null(0.0)
        for power in _POWERS:
            scaled = known * 2.0**power
            if not (scaled.abs().max() or 0.0) * (len(known) + 1) < _LARGEST_INT128:  # type: ignore[operator]
                break
            if (scaled == scaled.floor()).all():
                sums = scaled.cast(pl.Int128).cum_sum()
                return cls(pl.concat([pl.Series([0], dtype=pl.Int128), sums.rename("")]), power)
        return cls._without_end(known)

    @classmethod
    def _without_end(cls, known: pl.Series) -> "RunningSums":
        whole, power = as_integers(known)
        return cls([0, *accumulate(whole)], power)

    def between(self, first: pl.Series, end: pl.Series) -> pl.Series:
        """The sum of the rows from each `first` to before each `end`, as the nearest double."""
        if isinstance(self.before, pl.Series):
            sums = self.before[end] - self.before[first]
            return sums.cast(pl.Float64) * 2.0**-self.power
        pairs = zip(first, end, strict=True)
        return pl.Series(
            [nearest(self.before[b] - self.before[a], 1 << self.power) for a, b in pairs], dtype=pl.Float64
        )


@dataclass(frozen=True)
class RunningSquares:
    """Counts, sums and sums of squares before each row, for exact variances."""

    values: pl.Series

    @cached_property
    def _integers(self) -> tuple[list[int], int]:
        return as_integers(self.values.fill_null(0.0))

    @cached_property
    def _sums(self) -> tuple[list[int], list[int], list[int]]:
        whole, _ = self._integers
        known = [0, *accumulate(int(one) for one in self.values.is_not_null())]
        return known, [0, *accumulate(whole)], [0, *accumulate(one * one for one in whole)]

    def variances(self, first: Iterable[int], end: Iterable[int]) -> list[float | None]:
        """The variance of the sample in each span of rows, as the nearest double; None below two values."""
        counts, sums, squares = self._sums
        unit = 1 << (2 * self._integers[1])
        found: list[float | None] = []
        for a, b in zip(first, end, strict=True):
            count = counts[b] - counts[a]
            if count < 2:
                found.append(None)
                continue
            above = count * (squares[b] - squares[a]) - (sums[b] - sums[a]) ** 2
            found.append(nearest(above, count * (count - 1) * unit))
        return found


def as_integers(values: pl.Series) -> tuple[list[int], int]:
    """Doubles as integers that count in units of 2^-power."""
    ratios = [value.as_integer_ratio() for value in values.to_list()]
    power = max((below.bit_length() - 1 for _, below in ratios), default=0)
    return [above << (power - below.bit_length() + 1) for above, below in ratios], power


def nearest(above: int, below: int) -> float | None:
    """The double nearest to a fraction; None where no double is that large."""
    try:
        return above / below
    except OverflowError:
        return None
