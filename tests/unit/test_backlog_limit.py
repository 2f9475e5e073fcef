"""Ingestion stops over a limit, goes on well below it, and tells clients how long that should take."""

import pytest

from eventpulse.errors import BacklogFull
from eventpulse.stream.backlog_limit import BacklogLimit, Waiting


class Watch:
    """A limit of 1,000 events and 1,000 bytes, on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.limit = BacklogLimit(
            None,  # type: ignore[arg-type]
            most_events=1_000,
            most_bytes=1_000,
            seconds=lambda: self.now,
        )

    def sees(self, events: int, size: int = 0, settled: int = 0, after: float = 1.0) -> bool:
        self.now += after
        self.limit.see(Waiting(events, size, settled))
        return self.limit.is_full

    @property
    def retry_after(self) -> int:
        with pytest.raises(BacklogFull) as refusal:
            self.limit.refuse_when_full()
        return refusal.value.retry_after


def test_a_limit_may_be_reached_and_not_passed() -> None:
    watch = Watch()
    assert [watch.sees(events) for events in (0, 999, 1_000, 1_001)] == [False, False, False, True]


def test_bytes_have_a_limit_of_their_own() -> None:
    watch = Watch()
    assert [watch.sees(1, size) for size in (1_000, 1_001)] == [False, True]


def test_what_is_full_stays_full_until_a_fifth_is_free() -> None:
    watch = Watch()
    assert [watch.sees(events) for events in (1_001, 999, 801, 800, 900, 1_001)] == [
        True,
        True,
        True,
        False,
        False,
        True,
    ]


def test_what_cannot_be_seen_refuses_nothing() -> None:
    watch = Watch()
    watch.sees(5_000)
    watch.limit.see(None)
    watch.limit.refuse_when_full()


def test_the_pause_is_as_long_as_the_drain_needs() -> None:
    watch = Watch()
    watch.sees(3_000, settled=0)
    watch.sees(2_800, settled=200)
    assert watch.retry_after == 10  # 2,000 too many, 200 a second
    watch.sees(900, settled=2_100)
    assert watch.retry_after == 1


def test_the_pause_has_a_bound_and_does_not_depend_on_a_drain() -> None:
    watch = Watch()
    watch.sees(3_000)
    assert watch.retry_after == 5
    watch.sees(900_000, settled=1)
    assert watch.retry_after == 60


def test_a_backlog_over_in_bytes_alone_waits_for_them() -> None:
    watch = Watch()
    watch.sees(100, size=1_600, settled=0)
    watch.sees(100, size=1_600, settled=5)
    assert watch.retry_after == 10  # half of 100 events have to go, 5 a second
