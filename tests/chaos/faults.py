"""What can be done to the processes of a running product, at moments that a seed chooses."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import psutil

from tests.chaos.product import Product, wait_for

# Parts are named by words in their command lines; drain runs by what they do.
API, CODE_SERVER, DAEMON, WEBSERVER = "-m ingest_api", "dagster api grpc", "dagster._daemon", "dagster_webserver"
REDIS, POSTGRESQL = "valkey-server", "bin/postgres"
LEADER, STANDBY = "leading drain", "standby drain"
NAMES = {
    API: "API",
    CODE_SERVER: "code server",
    DAEMON: "Dagster daemon",
    WEBSERVER: "Dagster UI",
    REDIS: "Redis",
    POSTGRESQL: "PostgreSQL",
    LEADER: "leading drain",
    STANDBY: "standby drain",
}


@dataclass
class Damage:
    """What was done, from when until when, and which drain runs must be shown as failed afterwards.

    Recovery counts from `until`: the last kill, or the instant from which a server may be back.
    """

    at: float
    until: float = 0.0
    dead_runs: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.until = self.until or self.at


Fault = Callable[[Product, random.Random], Damage]


def kill(*parts: str, times: int = 1) -> Fault:
    """End parts without a word (SIGKILL), all within half a second; then again as soon as they are back."""

    def act(product: Product, chance: random.Random) -> Damage:
        dead = _runs_of(product, parts)
        victims = [_process_of(product, part) for part in parts]
        chance.shuffle(victims)
        damage = Damage(time.time(), dead_runs=dead)
        for victim in victims:
            damage.until = time.time()
            _kill(victim)
            time.sleep(chance.uniform(0.0, 0.5) if len(victims) > 1 else 0.0)
        for _ in range(times - 1):
            time.sleep(chance.uniform(0.5, 3.0))
            victims = [wait_for(part, partial(_find, product, part), within=60.0) for part in parts]
            damage.dead_runs |= _runs_of(product, parts)
            damage.until = time.time()
            for victim in victims:
                _kill(victim)
        return damage

    return act


def freeze(part: str, seconds: float) -> Fault:
    """Stop a part in the middle of what it does (SIGSTOP), and let it go on as if nothing had been."""

    def act(product: Product, chance: random.Random) -> Damage:
        victim = _process_of(product, part)
        damage = Damage(time.time())
        with _stopped(victim):
            time.sleep(seconds)
            damage.until = time.time()
        return damage

    return act


def wake_after_losing_the_lead(product: Product, chance: random.Random) -> Damage:
    """Stop the leader, cut its connection so that the standby leads, and wake it: it still believes that it leads."""
    leader, victim = _leader(product), product.drain_process(leading=True)
    damage = Damage(time.time(), dead_runs=set())
    with _stopped(victim), product.database() as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s",
            (f"eventpulse drain {leader}",),
        )
        wait_for("the standby to lead", lambda: _leader(product) not in (None, leader), within=30.0)
        time.sleep(chance.uniform(0.0, 2.0))  # soon enough to be taken back, or not
    damage.until = time.time()
    return damage


def hand_over(seconds: float) -> Fault:
    """Nothing but time: with a short lease the lead goes round."""

    def act(product: Product, chance: random.Random) -> Damage:
        damage = Damage(time.time())
        time.sleep(seconds)
        damage.until = time.time()
        return damage

    return act


def kill_supervisor(product: Product, chance: random.Random) -> Damage:
    """End `eventpulse up` without a word, and start it again a moment later."""
    damage = Damage(time.time(), dead_runs=set(product.drains()))
    product.kill_up()
    time.sleep(chance.uniform(0.0, 3.0))
    product.start()
    return damage


def power_cut(product: Product, chance: random.Random) -> Damage:
    """End every process of the product at the same instant, and start it again."""
    everyone, drains = product.processes(), set(product.drains())
    damage = Damage(time.time(), dead_runs=drains)
    product.kill_up()
    for process in everyone:
        _kill(process)
    product.start()
    return damage


class _stopped:
    """A process that stands still for the length of a block."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process

    def __enter__(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


def _process_of(product: Product, part: str) -> psutil.Process:
    if part in (LEADER, STANDBY):
        return product.drain_process(leading=part == LEADER)
    return product.process(part)


def _find(product: Product, part: str) -> psutil.Process | None:
    with suppress(Exception):  # PostgreSQL, who knows which drain leads, may be away
        return _process_of(product, part)
    return None


def _leader(product: Product) -> str | None:
    return next((run_id for run_id, leads in product.drains().items() if leads), None)


def _runs_of(product: Product, parts: Sequence[str]) -> set[str]:
    drains = product.drains()
    return {run_id for run_id, leads in drains.items() if (LEADER if leads else STANDBY) in parts}


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()
