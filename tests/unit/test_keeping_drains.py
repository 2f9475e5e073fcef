"""Which drain runs are wanted, and which have died, is decided from the lock's queue and Dagster's list alone."""

from datetime import UTC, datetime, timedelta

import pytest

from eventpulse.database.leadership import Contender
from sensors.drain_verdict import Absences, DrainRunSeen, Lack, Verdict, judge_drains

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
LEADER = Contender("leader", leads=True, backend_pid=1)
STANDBY = Contender("standby", leads=False, backend_pid=2)
LONG = timedelta(seconds=3)


def a_run(run_id: str, seconds_old: float) -> DrainRunSeen:
    return DrainRunSeen(run_id, NOW - timedelta(seconds=seconds_old))


def a_failure(seconds_old: float, lasted: float = 1) -> DrainRunSeen:
    created_at = NOW - timedelta(seconds=seconds_old)
    return DrainRunSeen(
        f"failed {seconds_old}", created_at, finished=True, failed=True, lasted=timedelta(seconds=lasted)
    )


@pytest.mark.parametrize(
    ("contending", "runs", "missing_for", "verdict"),
    [
        pytest.param([], [], {}, Verdict(Lack.NO_LEADER, ()), id="nothing runs"),
        pytest.param([], [a_run("new", 3)], {}, Verdict(Lack.NO_LEADER, ()), id="one on its way, a second is wanted"),
        pytest.param([], [a_run("newer", 1), a_run("new", 3)], {}, Verdict(None, ()), id="both are on their way"),
        pytest.param([LEADER], [a_run("leader", 99)], {}, Verdict(Lack.NO_STANDBY, ()), id="nobody stands by"),
        pytest.param(
            [LEADER], [a_run("new", 3), a_run("leader", 99)], {}, Verdict(None, ()), id="the standby is on its way"
        ),
        pytest.param(
            [LEADER, STANDBY], [a_run("standby", 99), a_run("leader", 999)], {}, Verdict(None, ()), id="all is well"
        ),
        pytest.param(
            [STANDBY],
            [a_run("standby", 99), a_run("old", 999)],
            {"old": timedelta(seconds=1)},
            Verdict(Lack.NO_LEADER, ()),
            id="the old leader has handed over and is ending",
        ),
        pytest.param(
            [LEADER, STANDBY],
            [a_run("standby", 9), a_run("leader", 99), a_run("old", 999)],
            {"old": LONG},
            Verdict(None, ("old",)),
            id="the old leader's process is gone",
        ),
        pytest.param(
            [STANDBY],
            [a_run("standby", 9), a_run("last leader", 20)],
            {"last leader": LONG},
            Verdict(Lack.NO_LEADER, ("last leader",)),
            id="a young leader's process is gone: having led, it is not on its way",
        ),
        pytest.param(
            [LEADER],
            [a_run("leader", 9), a_run("lost", 46)],
            {"lost": LONG},
            Verdict(Lack.NO_STANDBY, ("lost",)),
            id="one never came",
        ),
        pytest.param([], [a_failure(1), a_failure(5)], {}, Verdict(None, ()), id="two failed at once: wait a little"),
        pytest.param(
            [], [a_failure(5), a_failure(9)], {}, Verdict(Lack.NO_LEADER, ()), id="two failed, and there was a pause"
        ),
        pytest.param(
            [], [a_failure(20 + i) for i in range(10)], {}, Verdict(None, ()), id="ten failed: the pause is a minute"
        ),
        pytest.param(
            [], [a_failure(61 + i) for i in range(10)], {}, Verdict(Lack.NO_LEADER, ()), id="and not longer than that"
        ),
        pytest.param(
            [],
            [a_failure(1, lasted=500), a_failure(600)],
            {},
            Verdict(Lack.NO_LEADER, ()),
            id="a run that failed after minutes of work is replaced at once",
        ),
    ],
)
def test_a_missing_drain_is_noticed_and_a_dead_one_is_named(
    contending: list[Contender], runs: list[DrainRunSeen], missing_for: dict[str, timedelta], verdict: Verdict
) -> None:
    assert judge_drains(contending, runs, missing_for, last_leader="last leader", now=NOW) == verdict


def test_an_absence_is_counted_from_when_it_was_first_seen_and_forgotten_when_the_run_is_back() -> None:
    absences = Absences()
    runs = [a_run("standby", 9), a_run("other", 9)]

    assert absences.of(runs, [STANDBY], now=100.0) == {"other": timedelta()}
    assert absences.of(runs, [STANDBY], now=103.0) == {"other": timedelta(seconds=3)}
    assert absences.of(runs, [], now=104.0) == {"other": timedelta(seconds=4), "standby": timedelta()}
    assert absences.of(runs, [STANDBY, Contender("other", False, 3)], now=105.0) == {}
    assert absences.of(runs, [STANDBY], now=106.0) == {"other": timedelta()}
