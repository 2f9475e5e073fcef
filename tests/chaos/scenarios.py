"""The matrix: what is done to which installation, and what clients must be answered meanwhile."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos import outages
from tests.chaos.faults import (
    API,
    CODE_SERVER,
    DAEMON,
    LEADER,
    NAMES,
    POSTGRESQL,
    REDIS,
    STANDBY,
    Damage,
    Fault,
    freeze,
    hand_over,
    kill,
    kill_supervisor,
    power_cut,
    wake_after_losing_the_lead,
)
from tests.chaos.load import Load
from tests.chaos.outages import Check
from tests.chaos.product import Product, a_product
from tests.chaos.servers import DISK_MEGABYTES, Server, can_mount, disk


def nothing_more(load: Load, damage: Damage) -> list[str]:
    """No demand beyond those of every scenario."""
    return []


@dataclass(frozen=True)
class Scenario:
    """A fault, its name, and what must hold beyond what must always hold."""

    name: str
    fault: Fault
    check: Check = nothing_more


@dataclass(frozen=True)
class Series:
    """Scenarios that follow each other on one installation. `changes` are its unusual settings."""

    name: str
    scenarios: tuple[Scenario, ...]
    changes: Mapping[str, object] = field(default_factory=dict)
    #: A disk of its own for the home folder, so small; 0 for a folder like any other.
    disk_megabytes: int = 0

    @contextmanager
    def product(self) -> Iterator[Product]:
        """The installation."""
        with ExitStack() as stack:
            home = None
            if self.disk_megabytes:
                home = Path(stack.enter_context(TemporaryDirectory(prefix="eventpulse-chaos-disk-"))) / "home"
                stack.enter_context(disk(home, self.disk_megabytes))
            yield stack.enter_context(a_product(home, **self.changes))


_PAIRED = (API, LEADER, DAEMON, CODE_SERVER, REDIS, POSTGRESQL)

SINGLY = Series("singly", tuple(Scenario(f"kill {NAMES[part]}", kill(part)) for part in NAMES))
PAIRS = Series(
    "in pairs",
    tuple(Scenario(f"kill {NAMES[one]}, {NAMES[other]}", kill(one, other)) for one, other in combinations(_PAIRED, 2)),
)
DRAINS = Series(
    "drains",
    (
        Scenario("kill both drains", kill(LEADER, STANDBY)),
        Scenario("kill leading drain 3 times", kill(LEADER, times=3)),
        Scenario("freeze leading drain 6 s", freeze(LEADER, 6.0)),
        Scenario("wake a drain that lost the lead", wake_after_losing_the_lead),
        Scenario("freeze PostgreSQL 4 s", freeze(POSTGRESQL, 4.0)),
        Scenario("freeze Redis 4 s", freeze(REDIS, 4.0)),
        Scenario("freeze API 3 s", freeze(API, 3.0)),
        Scenario("kill eventpulse up", kill_supervisor),
        Scenario("kill everything at once", power_cut),
    ),
)
HAND_OVERS = Series(
    "hand-overs",
    (
        Scenario("lead goes round for 40 s", hand_over(40.0)),
        Scenario("kill leading drain, short lease", kill(LEADER)),
        Scenario("kill PostgreSQL, short lease", kill(POSTGRESQL)),
        Scenario("wake a drain, short lease", wake_after_losing_the_lead),
    ),
    {"EVENTPULSE_LEASE_SECONDS": 5},
)
SMALL_DISK = Series(
    "small disk",
    (Scenario("disk of everything full 45 s", outages.everything_full(45.0)),),
    disk_megabytes=DISK_MEGABYTES["home"],
)


@contextmanager
def outage_series() -> Iterator[tuple[Series, list[str]]]:
    """Outages of servers that the harness owns, and what this machine does not allow to be tried."""
    with TemporaryDirectory(prefix="eventpulse-chaos-servers-") as folder, ExitStack() as stack:
        servers = {kind: Server(kind, Path(folder) / kind) for kind in ("postgresql", "redis")}
        disks = can_mount()
        for kind, server in servers.items():
            if disks:
                stack.enter_context(disk(server.folder, DISK_MEGABYTES[kind]))
            server.create()
            stack.callback(server.kill)
        postgresql, redis = servers["postgresql"], servers["redis"]
        scenarios = [
            Scenario("PostgreSQL away 30 s", outages.away(postgresql, 30.0), outages.accepts_all_along),
            Scenario("Redis away 10 s", outages.away(redis, 10.0), outages.refuses_at_once),
            Scenario("Redis out of memory 8 s", outages.out_of_memory(redis, 8.0), outages.refuses_at_once),
            Scenario("Redis without replicas 8 s", outages.without_replicas(redis, 8.0), outages.refuses_at_once),
            Scenario("Redis is a replica 8 s", outages.a_replica(redis, 8.0), outages.refuses_at_once),
        ]
        if disks:
            scenarios += [
                Scenario("disk of Redis full 10 s", outages.disk_full(redis, 10.0), outages.accepts_or_refuses),
                Scenario(
                    "disk of PostgreSQL full 15 s", outages.disk_full(postgresql, 15.0), outages.accepts_all_along
                ),
            ]
        changes = {"DATABASE_URL": postgresql.url, "REDIS_URL": redis.url}
        untried = [] if disks else ["Full disks were not tried: this machine does not let us mount a small one."]
        yield Series("outages", tuple(scenarios), changes), untried
