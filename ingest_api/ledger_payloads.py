"""The shapes of the ledger's answers."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.payloads import Answer, Pagination


class LedgerBatch(Answer):
    """A micro-batch: taken = stored + duplicates + dead_lettered. `first_day` and `last_day` are days of acceptance."""

    batch_id: int
    origin: str
    shard: int
    first_entry: str | None
    last_entry: str | None
    entries: int
    taken: int
    stored: int
    duplicates: int
    dead_lettered: int
    missing: Annotated[int, Field(description="Accepted before it and not found in the stream; 0 if all is well.")]
    uncounted: Annotated[int, Field(description="Found in the stream and never accepted; 0 if all is well.")]
    too_late: Annotated[int, Field(description="Events stored that came too late to correct anomalies.")]
    anomalies: int
    retracted: int
    rule_errors: Annotated[JsonObject, Field(description="Rules that could not be evaluated, and why.")]
    first_day: date | None
    last_day: date | None
    oldest_received_at: datetime | None
    started_at: datetime
    committed_at: datetime
    dagster_run_id: str | None
    dagster_run_url: str | None


class LedgerBatchPage(Answer):
    """Micro-batches, the newest first."""

    data: list[LedgerBatch]
    pagination: Pagination


class DayOfLedger(Answer):
    """A UTC day of acceptance: accepted = stored + duplicates + dead_lettered + pending, or it does not balance."""

    day: date
    balances: bool
    accepted: int
    stored: int
    duplicates: int
    dead_lettered: int
    pending: Annotated[int | None, Field(description="null while Redis cannot be reached.")]
    missing: int
    uncounted: int
    too_late: int
    batches: int
    anomalies: int
    retracted: int


class BalanceOfAll(Answer):
    """The equation over everything that was ever accepted."""

    balances: bool
    sentence: str
    accepted: int
    stored: int
    duplicates: int
    dead_lettered: int
    pending: int
    missing: int
    uncounted: int
    too_late: int


class Ledger(Answer):
    """Days with events, the newest first, and the balance of all; null while Redis cannot be reached."""

    balance: BalanceOfAll | None
    data: list[DayOfLedger]
    pagination: Pagination
