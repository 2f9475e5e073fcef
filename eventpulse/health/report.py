"""Everything an operator asks first, gathered at once."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
from pydantic import SecretStr
from sqlalchemy import Connection, text

from eventpulse.balance import Balance, read_balance
from eventpulse.clock import utc_now
from eventpulse.database.alerts.alert_queries import count_unresolved
from eventpulse.database.connect import open_engine
from eventpulse.database.leadership import SEND, contenders, current_leases, everybody
from eventpulse.database.ledger.ledger_queries import BatchSummary, LedgerTotals, last_batches, ledger_totals
from eventpulse.database.notifications.sending_queries import Sending, sending_now
from eventpulse.database.rules.troubled_rules import TroubledRule, troubled_rules
from eventpulse.errors import EventPulseError
from eventpulse.health import dagster, drain, sender, servers
from eventpulse.health.part import Part, State, Unanswered, ask_all
from eventpulse.settings import Settings
from eventpulse.stream.backlog import Backlog, backlogs, together
from eventpulse.stream.connect import open_redis
from eventpulse.stream.shards import shards_of

WITHIN_SECONDS = 3.0
_REQUEST_SECONDS = 2.5
_LAST_BATCHES = 5


@dataclass(frozen=True)
class Report:
    """How the installation is. A part of it that could not be read is Unanswered."""

    parts: list[Part]
    backlog: Backlog | Unanswered
    backlog_of_shards: dict[int, Backlog]
    ledger: LedgerTotals | Unanswered
    balance: Balance | Unanswered
    batches: list[BatchSummary] | Unanswered
    troubled_rules: list[TroubledRule] | Unanswered
    #: How many alerts are open, and how many acknowledged, by state and severity.
    alerts: dict[tuple[str, str], int] | Unanswered
    #: What is still to be told to people.
    sending: Sending | Unanswered

    @property
    def healthy(self) -> bool:
        """Whether nothing is down."""
        return all(part.state is not State.DOWN for part in self.parts)


def gather(settings: Settings, *, api_url: str, dagster_url: str, headers: dict[str, str], dead_after: int) -> Report:
    """Ask every part at once; the answer is there within WITHIN_SECONDS, whatever is down. A channel is dead after so
    many failures in a row."""
    http = httpx2.Client(timeout=_REQUEST_SECONDS, trust_env=False)  # everything asked for is on this machine

    def dagster_status(run_id: str) -> str | None:
        try:
            return dagster.run_status(http, dagster_url, run_id)
        except (httpx2.HTTPError, KeyError, ValueError, TypeError):
            return None

    def drains(connection: Connection) -> list[Part]:
        engine = connection.engine
        leases, numbers = current_leases(engine), [shard.number for shard in shards_of(settings.shards)]
        everyone = everybody(engine)
        return drain.drain_parts(everyone, leases, shards=numbers, now=utc_now(), dagster_status=dagster_status)

    def senders(connection: Connection) -> tuple[list[Part], Sending]:
        sending, present = sending_now(connection), contenders(connection.engine, 0, SEND)
        return sender.sender_parts(present, sending, dead_after=dead_after, dagster_status=dagster_status), sending

    questions: dict[str, Callable[[], Any]] = {
        servers.POSTGRESQL: lambda: _in_database(settings, servers.postgresql),
        servers.REDIS: lambda: _in_redis(settings, servers.redis_server),
        servers.API: lambda: _over_http(api_url, lambda: servers.http_api(http, api_url, headers)),
        dagster.WEBSERVER: lambda: _over_http(dagster_url, lambda: dagster.ask_webserver(http, dagster_url)),
        dagster.CODE_SERVER: lambda: _code_server_answers(settings.code_host, settings.code_port),
        drain.LEADER: lambda: _in_database(settings, drains),
        sender.SENDER: lambda: _in_database(settings, senders),
        "backlog": lambda: _in_redis(settings, lambda client: backlogs(client, settings.shards)),
        "ledger": lambda: _in_database(settings, ledger_totals),
        "balance": lambda: _in_database(settings, lambda ledger: _in_redis(settings, partial(read_balance, ledger))),
        "batches": lambda: _in_database(settings, lambda connection: last_batches(connection, _LAST_BATCHES)),
        "rules": lambda: _in_database(settings, troubled_rules),
        "alerts": lambda: _in_database(settings, count_unresolved),
    }
    with http:
        answers = ask_all(questions, within_seconds=WITHIN_SECONDS)
    parts = [_part(name, answers[name]) for name in (servers.POSTGRESQL, servers.REDIS, servers.API)]
    parts += dagster.dagster_parts(
        answers[dagster.WEBSERVER], dagster_url, code_server_answers=answers[dagster.CODE_SERVER] is True
    )
    found = answers[drain.LEADER]
    if isinstance(found, Unanswered):
        parts.append(Part(drain.LEADER, State.UNKNOWN, _unanswered(parts, servers.POSTGRESQL, found).reason))
    else:
        parts += found
    told = _unanswered(parts, servers.POSTGRESQL, answers[sender.SENDER])
    if isinstance(told, Unanswered):
        parts.append(Part(sender.SENDER, State.UNKNOWN, told.reason))
    else:
        parts += told[0]
    waiting = _unanswered(parts, servers.REDIS, answers["backlog"])
    return Report(
        parts,
        waiting if isinstance(waiting, Unanswered) else together(waiting),
        {} if isinstance(waiting, Unanswered) else waiting,
        _unanswered(parts, servers.POSTGRESQL, answers["ledger"]),
        _unanswered(parts, servers.REDIS, _unanswered(parts, servers.POSTGRESQL, answers["balance"])),
        _unanswered(parts, servers.POSTGRESQL, answers["batches"]),
        _unanswered(parts, servers.POSTGRESQL, answers["rules"]),
        _unanswered(parts, servers.POSTGRESQL, answers["alerts"]),
        told if isinstance(told, Unanswered) else told[1],
    )


def _unanswered(parts: list[Part], server: str, answer: Any) -> Any:
    """What could not be read from a server that is down need not repeat why."""
    down = any(part.name == server and part.state is State.DOWN for part in parts)
    return Unanswered(f"unknown while {server} is down") if isinstance(answer, Unanswered) and down else answer


def _part(name: str, answer: Part | Unanswered) -> Part:
    return Part(name, State.DOWN, answer.reason) if isinstance(answer, Unanswered) else answer


def _in_database(settings: Settings, question: Callable[[Connection], Any]) -> Any:
    engine = open_engine(_address(settings.database_url, "DATABASE_URL"), application="eventpulse status")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"set statement_timeout = {int(_REQUEST_SECONDS * 1000)}"))
            return question(connection)
    finally:
        engine.dispose()


def _in_redis(settings: Settings, question: Callable[[Any], Any]) -> Any:
    with closing(open_redis(_address(settings.redis_url, "REDIS_URL"))) as client:
        return question(client)


def _code_server_answers(host: str, port: int) -> bool:
    from eventpulse.embedded.readiness import code_server_answers  # brings gRPC, so not before it is needed

    return code_server_answers(host, port)


def _over_http(url: str, question: Callable[[], Any]) -> Any:
    try:
        return question()
    except httpx2.ConnectError as fault:
        raise EventPulseError(f"nothing listens at {url}") from fault
    except httpx2.HTTPError as fault:
        raise EventPulseError(f"{url} gives no good answer ({type(fault).__name__})") from fault


def _address(url: SecretStr | None, name: str) -> str:
    if url is None:
        raise EventPulseError(f"no address: EventPulse is not running here, and {name} is not set")
    return url.get_secret_value()
