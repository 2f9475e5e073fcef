"""Look at EventPulse itself: what is wrong with it now."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from sqlalchemy import Engine

from assets.asset_checks import look as look_at_ledger
from eventpulse.balance import Balance
from eventpulse.database.rules.troubled_rules import TroubledRule, troubled_rules
from eventpulse.database.transactions import reading
from eventpulse.database.troubles import Letters, failing_channels, letters_behind
from eventpulse.settings import Settings
from rules.routing.retry import state_of
from sensors.stream_watch import BEHIND_SECONDS, Seen, look as look_at_stream
from sensors.trouble_verdict import Key, Known, Trouble

#: A drain that ends and one that begins may miss each other; one that is missing for longer is missing.
DRAIN_MAY_BE_AWAY = timedelta(seconds=60)
#: The two sides of the balance are read one after the other.
LEDGER_MAY_BE_OFF = timedelta(seconds=20)
_LONGEST = 1_000


def look(settings: Settings, engine: Engine, known: Mapping[Key, Known]) -> list[Trouble]:
    """Everything that is wrong now. Raises DatabaseUnavailable, RedisError or OSError where a server is away."""
    with reading(engine) as connection:
        found = [*of_rules(troubled_rules(connection)), *of_channels(failing_channels(connection))]
        told = known.get(("dead_letters", ""))
        through = int(told.state) if told is not None and told.state.isdigit() else 0
        found += of_letters(letters_behind(connection, through))
    return [*found, *of_stream(look_at_stream(settings)), *of_ledger(look_at_ledger(settings))]


def of_rules(rules: list[TroubledRule]) -> Iterator[Trouble]:
    """Rules that fail, are suspended or limited."""
    for rule in rules:
        yield Trouble("rule_failed", rule.name, rule.trouble, {"rule": rule.name, "why": rule.why[:_LONGEST]})


def of_channels(channels: list[tuple[str, bool, int, str]]) -> Iterator[Trouble]:
    """Channels that take no messages any more."""
    for name, enabled, failures, error in channels:
        if state_of(enabled=enabled, failures=failures) == "dead":
            details = {"channel": name, "failures": failures, "why": error[:_LONGEST]}
            yield Trouble("channel_dead", name, "dead", details)


def of_letters(letters: Letters) -> Iterator[Trouble]:
    """New dead letters. What was told of them is up to which one."""
    if letters.newest:
        details = {"new": sum(letters.by_cause.values()), "by_cause": letters.by_cause, "open": letters.open}
        yield Trouble("dead_letters", "", str(letters.newest), details)


def of_stream(seen: Seen) -> Iterator[Trouble]:
    """Events that wait for long, and nobody who drains."""
    waited = seen.backlog.oldest_seconds or 0.0
    details = {"oldest_waited_seconds": round(waited, 1), "entries": seen.backlog.entries}
    if waited >= BEHIND_SECONDS:
        yield Trouble("lag", "", "behind", details)
    if seen.leader is None:
        yield Trouble("drain_missing", "", "missing", details, DRAIN_MAY_BE_AWAY)


def of_ledger(balance: Balance) -> Iterator[Trouble]:
    """Accepted events that are nowhere, and others that nobody accepted."""
    if not balance.holds:
        state = f"{balance.missing} missing, {balance.uncounted} uncounted"
        details = {"missing": balance.missing, "uncounted": balance.uncounted, "sentence": balance.sentence}
        yield Trouble("ledger_unbalanced", "", state, details, LEDGER_MAY_BE_OFF)


def as_of(row: Mapping[str, object]) -> Known:
    """What is known of a trouble, as it is stored."""
    return Known(**row)  # type: ignore[arg-type]
