"""One run sends; a second one is wanted when the lease of the first comes to its end."""

from datetime import UTC, datetime, timedelta

import pytest

from eventpulse.database.leadership import Contender
from sensors.drain_verdict import DrainRunSeen, judge_drains
from sensors.sender_keeper import how_many

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
LEADER = Contender("a", leads=True, backend_pid=1)


@pytest.mark.parametrize(
    ("lease", "age", "expected"),
    [(600, 0, 1), (600, 579, 1), (600, 580, 2), (600, 9_000, 2), (10, 4, 1), (10, 5, 2)],
)
def test_a_successor_is_wanted_shortly_before_a_lease_ends(lease: int, age: int, expected: int) -> None:
    runs = [DrainRunSeen("a", created_at=NOW - timedelta(seconds=age))]
    assert how_many([LEADER], runs, timedelta(seconds=lease), now=NOW) == expected


def test_without_a_sender_one_is_wanted_and_a_successor_that_waits_is_enough() -> None:
    old = DrainRunSeen("a", created_at=NOW - timedelta(seconds=599))
    lease = timedelta(seconds=600)

    assert judge_drains([], [], [], now=NOW, wanted=how_many([], [], lease, now=NOW)).wanted == 1
    wanted = how_many([LEADER], [old], lease, now=NOW)
    assert judge_drains([LEADER], [old], [], now=NOW, wanted=wanted).wanted == 1
    waiting = Contender("b", leads=False, backend_pid=2)
    assert judge_drains([LEADER, waiting], [old], [], now=NOW, wanted=wanted).wanted == 0
