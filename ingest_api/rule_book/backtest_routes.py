"""Try a rule over stored history before it counts: nothing is stored or sent."""

import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.clock import iso_utc
from eventpulse.database.connect import open_connection
from eventpulse.database.events.history import standing_keys
from eventpulse.database.events.history_slices import Of, count_events, read_slices
from eventpulse.database.notifications.channels import all_channels
from eventpulse.database.transactions import reading
from eventpulse.settings import Settings
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, TheSettings
from ingest_api.intake.body import read_body
from ingest_api.rule_book.backtest_payloads import Backtested
from ingest_api.rule_book.meant_rule import AboutRule, meant_rule, read_question
from ingest_api.rule_book.rule_documents import bad_rule
from ingest_api.rule_book.rule_payloads import RuleRefused
from ingest_api.rule_book.rule_requests import sent_as
from rules.faults import RuleFaults
from rules.routing.stored import channel_of
from rules.trials.backtest import Outcome, backtest
from rules.trials.replay import wanted_events
from rules.trials.sweep import variants

router = APIRouter(prefix="/rules", tags=["rules"])
#: A longer history is tried with `eventpulse rules backtest`, in a process of its own.
MOST_EVENTS = 1_000_000
# Small, since the process also takes events, which wait while a slice is decoded.
_SLICE_EVENTS = 5_000
_one_at_a_time = threading.Semaphore(1)


class _Asked(AboutRule):
    """The body."""

    sweep: dict[str, list[Any]] = msgspec.field(default_factory=dict)


_decoder = msgspec.json.Decoder(_Asked)


@router.post(
    "/backtest",
    response_model=Backtested,
    responses=documented(404, 413, 429, 500, 503, s400=RuleRefused),
    openapi_extra=sent_as("BacktestRequest"),
)
async def backtest_rule(request: Request, database: Database, settings: TheSettings) -> Response:
    """Evaluate a draft (`rule`) or a rule that stands (`rule_id`) over stored history: anomalies, alerts, notifications
    that would have gone out, by day, and the difference to what stands. A sweep tries many variants in one pass."""
    asked = read_question(_decoder, await read_body(request, settings.max_body_bytes))
    return json_answer(await run_in_threadpool(_tried, asked, database, settings))


def _tried(asked: _Asked, database: Engine, settings: Settings) -> dict[str, Any]:
    rule = meant_rule(asked, database, settings)
    try:
        tried = variants(rule, asked.sweep)
    except RuleFaults as faults:
        raise bad_rule(faults.issues) from None
    of = Of(**asdict(wanted_events([variant.rule for variant in tried])))
    with reading(database) as connected:
        channels = all_channels(connected)
    assert settings.database_url is not None
    if not _one_at_a_time.acquire(blocking=False):
        raise HTTPException(429, "Another backtest is running; try again in a while", {"Retry-After": "5"})
    try:
        url = settings.database_url.get_secret_value()
        with closing(open_connection(url, application="eventpulse backtest")) as connection:
            events = count_events(connection, asked.start, asked.end, of)
            if events > MOST_EVENTS:
                raise HTTPException(
                    413,
                    f"{events} events lie there, and the API tries rules on {MOST_EVENTS} at most. "
                    "Choose a shorter stretch, or use `eventpulse rules backtest`.",
                )
            outcomes = backtest(
                tried,
                asked.start,
                asked.end,
                lambda first, last: read_slices(connection, first, last, of, most=_SLICE_EVENTS),
                lambda first, last: standing_keys(connection, rule.rule_id, first, last),
                channels=[channel_of(row._asdict()) for row in channels],
            )
    finally:
        _one_at_a_time.release()
    return {
        "from": iso_utc(asked.start),
        "to": iso_utc(asked.end),
        "events": events,
        "variants": [_as_json(outcome) for outcome in outcomes],
    }


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "parameters": dict(outcome.variant.parameters),
        "anomalies": outcome.anomalies,
        "alerts": outcome.alerts,
        "notifications": outcome.notifications,
        "channels": [
            {"name": each.channel.name, "alerts": each.alerts, "messages": each.messages}
            for each in outcome.foretold.channels
        ],
        "for_nobody": outcome.foretold.for_nobody,
        "groups": outcome.groups,
        "difference": {"same": outcome.same, "new": outcome.new, "gone": outcome.gone},
        "by_day": [{"day": day, **asdict(counts)} for day, counts in sorted(outcome.by_day.items())],
        "examples": [_example(row) for row in outcome.examples.iter_rows(named=True)],
        "fault": outcome.fault,
    }


def _example(row: Mapping[str, Any]) -> dict[str, Any]:
    occurred_at: datetime = row["occurred_at"]
    return {
        "occurred_at": iso_utc(occurred_at),
        "group": msgspec.Raw(row["group"].encode()),
        "event_id": row["event_id"],
        "value": row["value"],
        "threshold": row["threshold"],
        "message": row["message"],
    }
