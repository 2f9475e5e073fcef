"""Show the ledger: micro-batch by micro-batch, and day by day with the balance of all that was accepted."""

from datetime import date
from typing import Any

from fastapi import APIRouter
from redis.exceptions import RedisError
from sqlalchemy import Engine, Row
from starlette.responses import Response

from eventpulse.balance import Balance, read_balance
from eventpulse.clock import iso_utc
from eventpulse.database.ledger.ledger_queries import BatchFilter, LedgerDay, batches_before, days_of_ledger, no_day
from eventpulse.database.transactions import reading
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import BlockingRedis, Database, TheSettings
from ingest_api.ledger_parameters import Day, DayCursor, NumberCursor, Origin, Run
from ingest_api.ledger_payloads import Ledger, LedgerBatchPage
from ingest_api.paging import page
from ingest_api.parameters import Limit, Offset

router = APIRouter(tags=["ledger"])


@router.get("/batches", response_model=LedgerBatchPage, responses=documented(400, 500, 503))
def list_batches(
    database: Database,
    settings: TheSettings,
    limit: Limit = 50,
    offset: Offset = 0,
    cursor: NumberCursor = None,
    day: Day = None,
    run: Run = None,
    origin: Origin = None,
) -> Response:
    """Micro-batches, the newest first: what came in, and what became of each event."""
    wanted = BatchFilter(day, run, origin)
    with reading(database) as connection:
        rows = batches_before(
            connection, wanted, limit=limit + 1, offset=offset, before=int(cursor) if cursor else None
        )
    return json_answer(
        page(
            rows,
            limit=limit,
            offset=offset,
            as_json=lambda row: _batch_as_json(row, settings.dagster_at),
            cursor_behind=lambda row: str(row.batch_id),
        )
    )


@router.get("/ledger", response_model=Ledger, responses=documented(400, 500, 503))
def show_ledger(database: Database, redis: BlockingRedis, limit: Limit = 50, cursor: DayCursor = None) -> Response:
    """Days of acceptance, the newest first, and whether every event that was ever accepted is accounted for."""
    balance = _balance(database, redis)
    with reading(database) as connection:
        days = days_of_ledger(connection, limit=limit + 1, before=cursor)
    pending = {} if balance is None else balance.pending_by_day
    days = _with_days_that_only_wait(days, pending, limit=limit + 1, before=cursor)
    answer = page(
        days,
        limit=limit,
        offset=0,
        as_json=lambda day: _day_as_json(day, None if balance is None else pending.get(day.day, 0)),
        cursor_behind=lambda day: day.day.isoformat(),
    )
    return json_answer({"balance": None if balance is None else _balance_as_json(balance), **answer})


def _balance(database: Engine, redis: BlockingRedis) -> Balance | None:
    with reading(database) as connection:
        try:
            return read_balance(connection, redis)
        except (RedisError, OSError):
            return None


def _with_days_that_only_wait(
    days: list[LedgerDay], pending: dict[date, int], *, limit: int, before: date | None
) -> list[LedgerDay]:
    """Add the days of which nothing was taken yet, where they belong on this page."""
    known = {day.day for day in days}
    oldest = min(known) if len(days) >= limit else date.min
    behind = before or date.max
    waiting = [no_day(day) for day in pending if oldest <= day < behind and day not in known]
    return sorted([*days, *waiting], key=lambda day: day.day, reverse=True)[:limit]


def _batch_as_json(row: Row, dagster_at: str) -> dict[str, Any]:
    shown = dict(row._mapping)
    shown["dagster_run_url"] = f"{dagster_at}/runs/{row.dagster_run_id}" if row.dagster_run_id else None
    for name in ("oldest_received_at", "started_at", "committed_at"):
        shown[name] = iso_utc(shown[name]) if shown[name] else None
    return shown


def _day_as_json(day: LedgerDay, pending: int | None) -> dict[str, Any]:
    names = ("stored", "duplicates", "dead_lettered", "missing", "uncounted", "too_late")
    return {
        "day": day.day,
        "balances": day.missing == 0 and day.uncounted == 0,
        "accepted": day.accepted + (pending or 0),
        "pending": pending,
        **{name: getattr(day, name) for name in (*names, "batches", "anomalies", "retracted")},
    }


def _balance_as_json(balance: Balance) -> dict[str, Any]:
    names = ("accepted", "stored", "duplicates", "dead_lettered", "pending", "missing", "uncounted")
    shown = {name: getattr(balance, name) for name in names}
    too_late = balance.ledger.too_late
    return {"balances": balance.holds, "sentence": balance.sentence, **shown, "too_late": too_late}
