"""What is said of each part follows from what was seen of it."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eventpulse.database.leadership import Contender, Lease
from eventpulse.database.notifications.sending_queries import FailingChannel, Sending
from eventpulse.health.dagster import DagsterAnswer, dagster_parts
from eventpulse.health.drain import drain_parts
from eventpulse.health.part import Part, State, Unanswered, ask_all
from eventpulse.health.sender import sender_parts
from eventpulse.health.servers import durability

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("settings", "last_write", "state"),
    [
        ({"appendonly": "yes", "appendfsync": "always"}, "ok", State.UP),
        ({"appendonly": "yes", "appendfsync": "everysec"}, "ok", State.WARNING),
        ({"appendonly": "no", "appendfsync": "always"}, "ok", State.WARNING),
        ({}, "ok", State.WARNING),
        ({"appendonly": "yes", "appendfsync": "always"}, "err", State.DOWN),
    ],
)
def test_redis_is_only_fully_well_when_acceptance_means_disk(
    settings: dict[str, str], last_write: str, state: State
) -> None:
    assert durability(settings, last_write)[0] is state


def test_a_question_without_an_answer_holds_up_no_other() -> None:
    never = threading.Event()

    def fails() -> str:
        raise OSError("no route\nand more")

    answers = ask_all({"hangs": lambda: str(never.wait()), "fails": fails, "works": lambda: "yes"}, within_seconds=0.2)
    never.set()

    assert answers["works"] == "yes"
    assert answers["fails"] == Unanswered("no route")
    assert answers["hangs"] == Unanswered("no answer within 0.2 s")


def dagster(**changes: Any) -> DagsterAnswer:
    known: dict[str, Any] = {
        "url": "http://d",
        "version": "1.13",
        "daemons": [
            {"daemonType": "SENSOR", "required": True, "healthy": True},
            {"daemonType": "BACKFILL", "required": False, "healthy": False},
        ],
        "locations": [{"name": "eventpulse", "locationOrLoadError": {"__typename": "RepositoryLocation"}}],
        "workspace_fault": None,
    }
    return DagsterAnswer(**(known | changes))


def states(parts: list[Part]) -> list[State]:
    return [part.state for part in parts]


def test_a_well_dagster_is_three_parts_up() -> None:
    assert states(dagster_parts(dagster(), "http://d", code_server_answers=True)) == [State.UP] * 3


def test_a_required_daemon_without_a_heartbeat_is_named() -> None:
    answer = dagster(daemons=[{"daemonType": "SENSOR", "required": True, "healthy": False}])
    daemon = dagster_parts(answer, "http://d", code_server_answers=True)[1]
    assert daemon.state is State.DOWN and "sensor" in daemon.sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {
                "locations": [
                    {"name": "x", "locationOrLoadError": {"__typename": "PythonError", "message": "boom\nmore"}}
                ]
            },
            "x: boom",
        ),
        ({"locations": [{"name": "x", "locationOrLoadError": None}]}, "x: not loaded yet"),
        ({"locations": []}, "no code location"),
        ({"workspace_fault": "unreadable\nfile"}, "unreadable"),
    ],
)
def test_code_that_is_not_loaded_is_down_and_says_why(changes: dict[str, Any], words: str) -> None:
    code = dagster_parts(dagster(**changes), "http://d", code_server_answers=True)[2]
    assert code.state is State.DOWN
    assert words in code.sentence


def test_without_the_webserver_the_daemon_is_unknown_and_the_code_server_asked_itself() -> None:
    unanswered = Unanswered("nothing listens")
    assert states(dagster_parts(unanswered, "u", code_server_answers=True)) == [State.DOWN, State.UNKNOWN, State.UP]
    assert states(dagster_parts(unanswered, "u", code_server_answers=False)) == [State.DOWN, State.UNKNOWN, State.DOWN]


LEADER = Contender("run-1", leads=True, backend_pid=1, shards=(0,))
LEADER_OF_ONE = Contender("run-1", leads=True, backend_pid=1, shards=(1,))
WAITING = Contender("run-2", leads=False, backend_pid=2)


def lease(*, run_id: str = "run-1", silent_seconds: float = 1) -> Lease:
    beat = NOW - timedelta(seconds=silent_seconds)
    return Lease(run_id, NOW - timedelta(seconds=90), NOW + timedelta(seconds=510), beat)


def test_a_leader_is_shown_with_its_run_and_the_end_of_its_lease() -> None:
    leader, standby = drain_parts([LEADER, WAITING], {0: lease()}, now=NOW, dagster_status=lambda run_id: "STARTED")
    assert leader == Part(leader.name, State.UP, "run run-1 (started in Dagster), lease ends in 510 s", leader.details)
    assert standby.state is State.UP and "run-2" in standby.sentence


@pytest.mark.parametrize(
    ("contenders", "noted", "expected"),
    [
        ([], None, [State.DOWN, State.WARNING]),
        ([], lease(), [State.DOWN, State.WARNING]),
        ([WAITING], lease(), [State.DOWN, State.UP]),
        ([LEADER], lease(), [State.UP, State.UP]),
        ([LEADER], None, [State.WARNING, State.WARNING]),
        ([LEADER], lease(run_id="run-0"), [State.WARNING, State.UP]),
        ([LEADER], lease(silent_seconds=60), [State.WARNING, State.UP]),
    ],
)
def test_who_drains_is_read_from_the_lock_and_the_lease(
    contenders: list[Contender], noted: Lease | None, expected: list[State]
) -> None:
    leases = {} if noted is None else {0: noted}
    assert states(drain_parts(contenders, leases, now=NOW, dagster_status=lambda run_id: None)) == expected


def test_each_of_several_shards_has_a_leader_and_they_share_the_standbys() -> None:
    contenders = [Contender("run-3", leads=True, backend_pid=3, shards=(2,)), LEADER_OF_ONE, WAITING]
    parts = drain_parts(
        contenders,
        {1: lease(), 2: lease(run_id="run-3"), 3: lease(run_id="run-9")},
        shards=[1, 2, 3],
        now=NOW,
        dagster_status=lambda run_id: None,
    )
    assert [(part.name, part.state) for part in parts] == [
        ("Leading drain 1", State.UP),
        ("Leading drain 2", State.UP),
        ("Leading drain 3", State.DOWN),
        ("Standby drain", State.UP),
    ]


def what_waits(**changes: Any) -> Sending:
    nothing = {"waiting": 0, "overdue": 0, "unrouted": 0, "channels": 2}
    ages = {"oldest_seconds": None, "overdue_seconds": None, "unrouted_seconds": None}
    return Sending(**{**nothing, **ages, **changes})


def told(contenders: list[Contender], sending: Sending) -> list[Part]:
    return sender_parts(contenders, sending, dead_after=5, dagster_status=lambda run_id: None)


@pytest.mark.parametrize(
    ("contenders", "sending", "state", "words"),
    [
        ([], what_waits(), State.DOWN, "nobody sends"),
        ([WAITING], what_waits(), State.WARNING, "run run-2 is about to begin"),
        ([LEADER, WAITING], what_waits(), State.UP, "run run-1"),
        ([LEADER], what_waits(waiting=1, oldest_seconds=9e4), State.UP, "run run-1"),  # it may have to wait for morning
        ([LEADER], what_waits(waiting=1, overdue=1, overdue_seconds=90.0), State.WARNING, "is late by 90 s"),
        ([LEADER], what_waits(unrouted=3, unrouted_seconds=200.0), State.WARNING, "is late by 200 s"),
    ],
)
def test_a_sender_is_well_when_it_leads_and_keeps_nobody_waiting(
    contenders: list[Contender], sending: Sending, state: State, words: str
) -> None:
    sender, _ = told(contenders, sending)
    assert sender.state is state
    assert words in sender.sentence


@pytest.mark.parametrize(
    ("sending", "state", "words"),
    [
        (what_waits(channels=0), State.UP, "nobody is told"),
        (what_waits(), State.UP, "2 enabled"),
        (what_waits(failing=(FailingChannel("ops", 4, "no route"),)), State.UP, '"ops" failed last'),
        (
            what_waits(failing=(FailingChannel("ops", 5, "no route"),)),
            State.WARNING,
            '"ops" is dead (5 failures in a row',
        ),
    ],
)
def test_a_channel_that_takes_nothing_is_named(sending: Sending, state: State, words: str) -> None:
    _, channels = told([LEADER], sending)
    assert channels.state is state
    assert words in channels.sentence
