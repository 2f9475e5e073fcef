"""Which drain runs are wanted, and which have died, is decided from who is at work and Dagster's list alone."""

from datetime import UTC, datetime, timedelta

import pytest

from eventpulse.database.leadership import Contender, drains_wanted
from sensors.drain_verdict import Attendance, DrainRunSeen, Lack, Missing, Verdict, judge_drains

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
LEADER = Contender("leader", leads=True, backend_pid=1)
STANDBY = Contender("standby", leads=False, backend_pid=2)
NOTHING = Verdict(0, None, ())


def a_run(run_id: str, seconds_old: float) -> DrainRunSeen:
    return DrainRunSeen(run_id, NOW - timedelta(seconds=seconds_old))


def leader_of(*shards: int) -> Contender:
    return Contender(f"leader of {shards[0]}", leads=True, backend_pid=10 + shards[0], shards=shards)


def a_failure(seconds_old: float, lasted: float = 1) -> DrainRunSeen:
    created_at = NOW - timedelta(seconds=seconds_old)
    return DrainRunSeen(
        f"failed {seconds_old}", created_at, finished=True, failed=True, lasted=timedelta(seconds=lasted)
    )


def missing(run_id: str, seconds: float) -> Missing:
    return Missing(run_id, timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("contending", "runs", "absent", "verdict"),
    [
        pytest.param([], [], [], Verdict(2, Lack.NO_LEADER, ()), id="nothing runs: two are wanted"),
        pytest.param(
            [], [a_run("new", 3)], [], Verdict(1, Lack.NO_LEADER, ()), id="one on its way, a second is wanted"
        ),
        pytest.param([], [a_run("newer", 1), a_run("new", 3)], [], NOTHING, id="both are on their way"),
        pytest.param([LEADER], [a_run("leader", 99)], [], Verdict(1, Lack.NO_STANDBY, ()), id="nobody stands by"),
        pytest.param([LEADER], [a_run("new", 3), a_run("leader", 99)], [], NOTHING, id="the standby is on its way"),
        pytest.param([LEADER, STANDBY], [a_run("standby", 99), a_run("leader", 999)], [], NOTHING, id="all is well"),
        pytest.param(
            [STANDBY],
            [a_run("standby", 99), a_run("old", 999)],
            [missing("old", 2)],
            Verdict(1, Lack.NO_LEADER, ()),
            id="the old leader has gone, and may be ending",
        ),
        pytest.param(
            [STANDBY],
            [a_run("standby", 99), a_run("leader", 999)],
            [missing("leader", 1)],
            NOTHING,
            id="the leader's connection was cut, and it may be back in a moment",
        ),
        pytest.param(
            [LEADER, STANDBY],
            [a_run("standby", 9), a_run("leader", 99), a_run("old", 999)],
            [missing("old", 3)],
            Verdict(0, None, ("old",)),
            id="the old leader's process is gone",
        ),
        pytest.param(
            [],
            [a_run("standby", 99), a_run("leader", 99)],
            [missing("standby", 1), missing("leader", 1)],
            NOTHING,
            id="PostgreSQL is back, and the drains are about to be",
        ),
        pytest.param(
            [STANDBY],
            [a_run("standby", 99), a_run("leader", 99)],
            [missing("leader", 2)],
            Verdict(1, Lack.NO_LEADER, ()),
            id="PostgreSQL is back, and one of them is not",
        ),
        pytest.param([], [a_failure(1), a_failure(5)], [], NOTHING, id="two failed at once: wait a little"),
        pytest.param(
            [], [a_failure(5), a_failure(9)], [], Verdict(2, Lack.NO_LEADER, ()), id="two failed, and there was a pause"
        ),
        pytest.param([], [a_failure(20 + i) for i in range(10)], [], NOTHING, id="ten failed: the pause is a minute"),
        pytest.param(
            [],
            [a_failure(61 + i) for i in range(10)],
            [],
            Verdict(2, Lack.NO_LEADER, ()),
            id="and not longer than that",
        ),
        pytest.param(
            [],
            [a_failure(1, lasted=20), a_failure(600)],
            [],
            Verdict(2, Lack.NO_LEADER, ()),
            id="a run that failed after some work is replaced at once",
        ),
    ],
)
def test_a_missing_drain_is_noticed_and_a_dead_one_is_named(
    contending: list[Contender], runs: list[DrainRunSeen], absent: list[Missing], verdict: Verdict
) -> None:
    assert judge_drains(contending, runs, absent, now=NOW) == verdict


def test_who_has_not_been_at_work_yet_is_on_its_way_and_not_missing() -> None:
    attendance = Attendance(seen=set())

    assert attendance.look([], [a_run("new", 89)], monotonic=100.0, now=NOW) == []
    assert attendance.look([], [a_run("lost", 91)], monotonic=100.0, now=NOW) == [missing("lost", 0)]


def test_where_runs_fail_to_arrive_in_time_the_next_ones_get_more_of_it() -> None:
    slow = a_run("slow", 91)
    busy = [slow, a_failure(150, lasted=45), a_failure(200, lasted=45)]
    quiet = [slow, DrainRunSeen("well", NOW - timedelta(seconds=900), finished=True)]

    assert Attendance(set()).look([], busy, monotonic=0, now=NOW) == []
    assert Attendance(set()).look([], [a_run("lost", 361), *busy[1:]], monotonic=0, now=NOW) == [missing("lost", 0)]
    assert Attendance(set()).look([], quiet, monotonic=0, now=NOW) == [missing("slow", 0)]


def test_an_absence_counts_from_when_it_was_first_seen_and_is_forgotten_when_the_run_is_back() -> None:
    attendance = Attendance(seen={"leader"})
    runs = [a_run("standby", 9), a_run("leader", 9)]

    def look(monotonic: float, *contending: Contender) -> list[Missing]:
        return attendance.look(contending, runs, monotonic=monotonic, now=NOW)

    assert look(100.0, STANDBY) == [missing("leader", 0)]
    assert look(103.0) == [missing("standby", 0), missing("leader", 3)]
    assert look(104.0, STANDBY, LEADER) == []
    assert look(105.0, STANDBY) == [missing("leader", 0)]


def test_a_run_that_has_ended_is_not_missed() -> None:
    attendance = Attendance(seen={"leader"})
    ended = DrainRunSeen("leader", NOW, finished=True)

    assert attendance.look([], [ended], monotonic=100.0, now=NOW) == []


@pytest.mark.parametrize(
    ("contending", "runs", "verdict"),
    [
        pytest.param([], [], Verdict(3, Lack.NO_LEADER, ()), id="two shards want three runs"),
        pytest.param(
            [leader_of(1), leader_of(2)],
            [a_run("leader of 1", 99), a_run("leader of 2", 99)],
            Verdict(1, Lack.NO_STANDBY, ()),
            id="both are led, and nobody stands by",
        ),
        pytest.param(
            [leader_of(1), STANDBY],
            [a_run("leader of 1", 99), a_run("standby", 9)],
            Verdict(1, Lack.NO_LEADER, ()),
            id="the standby is about to lead the second one",
        ),
        pytest.param(
            [leader_of(1), leader_of(2), STANDBY],
            [a_run("leader of 1", 99), a_run("leader of 2", 99), a_run("standby", 9)],
            NOTHING,
            id="all is well",
        ),
        pytest.param(
            [leader_of(0), leader_of(1, 7), leader_of(2)],
            [a_run("leader of 0", 99), a_run("leader of 1", 99), a_run("leader of 2", 99)],
            Verdict(1, Lack.NO_STANDBY, ()),
            id="who leads a shard of another layout alone counts for nothing",
        ),
    ],
)
def test_shards_have_a_leader_each_and_share_a_standby(
    contending: list[Contender], runs: list[DrainRunSeen], verdict: Verdict
) -> None:
    assert judge_drains(contending, runs, [], now=NOW, wanted=drains_wanted(2), shards=[1, 2]) == verdict


def test_a_standby_serves_eight_leaders() -> None:
    assert [drains_wanted(shards) for shards in (1, 2, 8, 9, 64)] == [2, 3, 9, 11, 72]
