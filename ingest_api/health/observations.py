"""What PostgreSQL and Redis say about the pipeline: asked in a thread, every few seconds, however many ask us."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import redis
from redis.exceptions import RedisError
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from eventpulse.balance import Balance, read_balance
from eventpulse.database.alerts.alert_queries import count_unresolved
from eventpulse.database.leadership import SEND, Lease, contenders, current_leases
from eventpulse.database.ledger.dead_letters import letters_by_state
from eventpulse.database.ledger.ledger_queries import LedgerTotals, durations_after, ledger_totals, newest_batch
from eventpulse.database.notifications.sending_queries import Sending, sending_now
from eventpulse.database.rules.troubled_rules import TROUBLES, troubled_rules
from eventpulse.database.transactions import reading
from eventpulse.errors import DatabaseUnavailable
from eventpulse.stream.backlog import Backlog, backlogs
from eventpulse.stream.shards import shards_of

OLD_AFTER_SECONDS = 5.0
#: How long somebody who asks waits for news; then what is known has to do.
WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Observed:
    """The pipeline as it was seen. What could not be read is None. Backlogs and leases are by shard."""

    totals: LedgerTotals | None = None
    balance: Balance | None = None
    backlogs: dict[int, Backlog] | None = None
    leases: dict[int, Lease] = field(default_factory=dict)
    dead_letters: dict[str, int] = field(default_factory=dict)
    postgres_up: bool = False
    redis_up: bool = False
    #: How many rules are suspended, limited and failing.
    troubled_rules: dict[str, int] = field(default_factory=dict)
    #: How many alerts have not been resolved, by state and severity; None where that is not known.
    alerts: dict[tuple[str, str], int] | None = None
    #: What is still to be told to people; and whether somebody sends.
    sending: Sending | None = None
    sender_leads: bool = False


class Observations:
    """The pipeline as last seen. `note_duration` is told how long each new micro-batch took."""

    def __init__(
        self, engine: Engine, client: "redis.Redis", note_duration: Callable[[float], None], *, shards: int = 1
    ) -> None:
        self._shards = shards
        self._engine = engine
        self._client = client
        self._note_duration = note_duration
        self._seen = Observed()
        self._seen_at: float | None = None
        self._looking: asyncio.Task[None] | None = None
        self._newest_batch: int | None = None

    async def latest(self) -> Observed:
        """What was seen not long ago. Who asks while somebody looks waits for the same look."""
        if self._looking is None and (self._seen_at is None or monotonic() - self._seen_at > OLD_AFTER_SECONDS):
            self._looking = asyncio.create_task(self._look())
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=WAIT_SECONDS)
        return self._seen

    async def close(self) -> None:
        """Wait for the last look."""
        if self._looking is not None:
            await asyncio.wait({self._looking})

    async def _look(self) -> None:
        try:
            self._seen = await run_in_threadpool(self.look)
        finally:
            self._seen_at = monotonic()
            self._looking = None

    def look(self) -> Observed:
        """Ask both servers once."""
        totals = balance = alerts = sending = None
        sender_leads = False
        leases: dict[int, Lease] = {}
        waiting: dict[int, Backlog] | None = None
        letters: dict[str, int] = {}
        troubled: dict[str, int] = {}
        postgres_up = redis_up = True
        try:
            with reading(self._engine) as connection:
                totals, letters = ledger_totals(connection), letters_by_state(connection)
                alerts, sending = count_unresolved(connection), sending_now(connection)
                found = [rule.trouble for rule in troubled_rules(connection)]
                troubled = {trouble: found.count(trouble) for trouble in TROUBLES}
                if self._newest_batch is None:
                    self._newest_batch = newest_batch(connection)
                for batch_id, seconds in durations_after(connection, self._newest_batch):
                    self._newest_batch = batch_id
                    self._note_duration(seconds)
            sender_leads = any(each.leads for each in contenders(self._engine, 0, SEND))
            present = {shard.number for shard in shards_of(self._shards)}
            leases = {shard: lease for shard, lease in current_leases(self._engine).items() if shard in present}
        except DatabaseUnavailable:
            postgres_up = False
        try:
            waiting = backlogs(self._client, self._shards)
            if postgres_up:
                with reading(self._engine) as connection:
                    balance = read_balance(connection, self._client)
        except DatabaseUnavailable:
            postgres_up = False
        except (RedisError, OSError):
            redis_up = False
        return Observed(
            *(totals, balance, waiting, leases, letters, postgres_up, redis_up, troubled, alerts),
            *(sending, sender_leads),
        )
