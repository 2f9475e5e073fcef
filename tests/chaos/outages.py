"""Servers that are away, full or refuse to write, for a while; and what clients must be answered meanwhile."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from eventpulse.stream.connect import open_redis
from tests.chaos.faults import Damage, Fault
from tests.chaos.load import Attempt, Load
from tests.chaos.product import Product, wait_for
from tests.chaos.servers import Server, full, has_room

#: "At once" for a refusal: what the API itself allows Redis, and a busy machine.
REFUSED_WITHIN_SECONDS = 3.5

Check = Callable[[Load, Damage], list[str]]


def away(server: Server, seconds: float) -> Fault:
    """A server that is killed and comes back only after some time."""

    def act(product: Product, chance: random.Random) -> Damage:
        damage = Damage(time.time())
        server.kill()
        time.sleep(seconds)
        damage.until = time.time()
        server.start()
        return damage

    return act


def out_of_memory(server: Server, seconds: float) -> Fault:
    """Redis at its `maxmemory`."""
    return _configured(server, seconds, maxmemory="1", otherwise="0")


def without_replicas(server: Server, seconds: float) -> Fault:
    """Redis that takes no writes because too few replicas are there."""
    return _configured(server, seconds, min_replicas_to_write="1", otherwise="0")


def a_replica(server: Server, seconds: float) -> Fault:
    """Redis that has become a replica of somebody: it may be read and not written."""

    def act(product: Product, chance: random.Random) -> Damage:
        damage = Damage(time.time())
        with open_redis(server.url) as client:
            client.replicaof("127.0.0.1", 1)
            time.sleep(seconds)
            damage.until = time.time()
            client.replicaof("NO", "ONE")
        return damage

    return act


def disk_full(server: Server, seconds: float) -> Fault:
    """Not a byte is left on the disk of a server, until somebody makes room. A server that gave up is started again."""

    def act(product: Product, chance: random.Random) -> Damage:
        damage = Damage(time.time())
        with full(server.folder):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(0.5)
                if not server.runs:
                    _try_to_start(server)
        damage.until = time.time()
        if not server.runs:
            server.start()
        if server.kind == "postgresql":
            wait_for("PostgreSQL to store again", lambda: has_room(server.url), within=60)
        return damage

    return act


def everything_full(seconds: float) -> Fault:
    """Not a byte is left on the disk of the home folder, where the servers, Dagster and the logs write."""

    def act(product: Product, chance: random.Random) -> Damage:
        damage = Damage(time.time())
        with full(product.home):
            time.sleep(seconds)
            damage.until = time.time()
        return damage

    return act


def accepts_all_along(load: Load, damage: Damage) -> list[str]:
    """The API must not notice that PostgreSQL is away."""
    refused = [one for one in _during(load, damage) if one.status != 202]
    return [f"{len(refused)} posts were not accepted during the outage"] if refused else []


def refuses_at_once(load: Load, damage: Damage) -> list[str]:
    """Without Redis every post is answered at once with 503 and when to come back."""
    attempts = list(_during(load, damage))
    silly = [one for one in attempts if one.status != 503 or not one.says_when_to_return]
    slow = [one for one in attempts if one.seconds > REFUSED_WITHIN_SECONDS]
    wrongs = [f"{len(silly)} of {len(attempts)} posts were not answered with 503 and Retry-After"] if silly else []
    wrongs += [f"{len(slow)} answers took up to {max(one.seconds for one in slow):.1f} s"] if slow else []
    return wrongs or ([] if attempts else ["nobody posted during the outage"])


def accepts_or_refuses(load: Load, damage: Damage) -> list[str]:
    """Every post is answered: taken, or refused with 503 and when to come back."""
    attempts = _during(load, damage)
    silly = [one for one in attempts if one.status != 202 and not (one.status == 503 and one.says_when_to_return)]
    return [f"{len(silly)} posts were answered with neither 202 nor 503 and Retry-After"] if silly else []


def _during(load: Load, damage: Damage) -> Iterator[Attempt]:
    return (one for one in load.attempts if damage.at + 0.3 < one.sent_at < damage.until - 0.1)


def _configured(server: Server, seconds: float, *, otherwise: str, **settings: str) -> Fault:
    def act(product: Product, chance: random.Random) -> Damage:
        damage = Damage(time.time())
        with _set(server, settings, otherwise):
            time.sleep(seconds)
            damage.until = time.time()
        return damage

    return act


@contextmanager
def _set(server: Server, settings: dict[str, str], otherwise: str) -> Iterator[None]:
    with open_redis(server.url) as client:
        for name, value in settings.items():
            client.config_set(name.replace("_", "-"), value)
        yield
        for name in settings:
            client.config_set(name.replace("_", "-"), otherwise)


def _try_to_start(server: Server) -> None:
    with suppress(AssertionError, OSError):  # it will not start, as long as there is no room
        server.start(within=2.0)
