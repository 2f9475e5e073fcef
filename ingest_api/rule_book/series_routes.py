"""Show the course of a rule: its value against its threshold or the band that was expected, and its anomalies."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import polars as pl
import psycopg
from fastapi import APIRouter, HTTPException
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.clock import iso_utc, utc_now
from eventpulse.database.connect import open_connection
from eventpulse.database.events.history import Slice, TooManyEvents, current_anomalies, few_events, newest_event_of
from eventpulse.database.events.history_slices import newest_event
from eventpulse.errors import DatabaseUnavailable
from eventpulse.settings import Settings
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, TheSettings
from ingest_api.intake.body import read_body
from ingest_api.rule_book.meant_rule import AboutRule, meant_rule, read_question
from ingest_api.rule_book.rule_documents import BadRule
from ingest_api.rule_book.rule_payloads import RuleRefused
from ingest_api.rule_book.rule_requests import sent_as
from ingest_api.rule_book.series_payloads import RuleSeries
from rules.evaluation import paths_of, select_rows, stable_group_key
from rules.fields import group_text, with_fields
from rules.micro_batches.narrowing import texts_of_groups
from rules.paths import PathFault, normal_path
from rules.rule import Rule
from rules.trials.replay import wanted_events
from rules.trials.series import Series, anomalies_from, reach_of_series, series
from rules.window import earlier, watermark_at

router = APIRouter(prefix="/rules", tags=["rules"])
#: So many events are looked at for one series; more would hold up the taking of events in the same process.
MOST_EVENTS = 200_000
_LOOK_FOR = "10s"
#: How far back the newest event before those is looked for: it says what holds where the series begins.
_NEWEST_WITHIN = timedelta(days=7)
_AT_ONCE = 2
_WAIT_SECONDS = 10.0
_MOMENT = timedelta(microseconds=1)
_few_at_once = threading.BoundedSemaphore(_AT_ONCE)


class _Asked(AboutRule):
    """The body."""

    group: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(_Asked)


@router.post(
    "/series",
    response_model=RuleSeries,
    responses=documented(404, 413, 429, 500, 503, s400=RuleRefused),
    openapi_extra=sent_as("SeriesRequest"),
)
async def show_series(request: Request, database: Database, settings: TheSettings) -> Response:
    """How what a rule (`rule_id`) or a draft (`rule`) looks at goes in one group, and its anomalies: at most 2,000
    points. Nothing is stored. 413 where more than 200,000 events would have to be looked at."""
    asked = read_question(_decoder, await read_body(request, settings.max_body_bytes))
    return json_answer(await run_in_threadpool(_shown, asked, database, settings))


def _shown(asked: _Asked, database: Engine, settings: Settings) -> dict[str, Any]:
    rule = meant_rule(asked, database, settings)
    group = _group(rule, asked.group)
    with _connection(settings) as connection:
        start, end = asked.start, max(asked.start + _MOMENT, min(asked.end, utc_now()))
        rows = _rows(connection, rule, group, start, end)
        watermark = _watermark(connection, settings)
        if group is None:
            group = _most_striking(rule, rows, start, watermark)
        if group is not None:
            rows = rows.filter(pl.col("group") == group)
        fired_at = _fired_at(connection, rule, group, start) if isinstance(asked.rule_id, UUID) else None
    found = series(rule, rows, start, end, fired_at=fired_at, watermark=watermark)
    return _as_json(rule, group, found)


def _group(rule: Rule, given: dict[str, Any] | None) -> str | None:
    """The canonical text of the group that is asked for; None where any will do. Raises BadRule."""
    if not rule.group_by or given is None:
        return None if rule.group_by else "{}"
    try:
        values = {normal_path(path): value for path, value in given.items()}
    except PathFault as fault:
        raise BadRule([f"group: {fault}"]) from None
    if values.keys() != set(rule.group_by):
        raise BadRule([f"group must have a value for each of: {', '.join(rule.group_by)}"])
    return group_text({path: values[path] for path in rule.group_by})


@contextmanager
def _connection(settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection for one series; only a few are asked for at the same time."""
    assert settings.database_url is not None
    if not _few_at_once.acquire(timeout=_WAIT_SECONDS):
        raise HTTPException(429, "Other series are being read; try again in a while", {"Retry-After": "5"})
    try:
        url = settings.database_url.get_secret_value()
        with closing(open_connection(url, application="eventpulse series")) as connection:
            connection.execute("select set_config('statement_timeout', %s, false)", (_LOOK_FOR,))
            yield connection
    except TooManyEvents:
        raise HTTPException(
            413, f"More than {MOST_EVENTS} events would have to be looked at. Choose a shorter stretch, or a group."
        ) from None
    except psycopg.errors.QueryCanceled:
        raise HTTPException(
            413, "Looking through the events takes too long. Choose a shorter stretch, or a group."
        ) from None
    except psycopg.OperationalError as fault:
        raise DatabaseUnavailable("PostgreSQL does not answer now; try again later.") from fault
    finally:
        _few_at_once.release()


def _rows(
    connection: psycopg.Connection, rule: Rule, group: str | None, start: datetime, end: datetime
) -> pl.DataFrame:
    """The rows that a series needs: those inside, those that its windows reach, and the newest one before."""
    wanted = wanted_events([rule])
    after = earlier(start - _MOMENT, reach_of_series(rule))
    near = Slice(
        after,
        end - _MOMENT,
        wanted.event_types,
        wanted.sources,
        texts_of_groups(rule, None if group is None else [group]),
        payload=wanted.payload,
        metadata=wanted.metadata,
    )
    before = replace(near, after=earlier(after, _NEWEST_WITHIN), through=after)
    events = [newest_event_of(connection, before), few_events(connection, near, most=MOST_EVENTS)]
    return select_rows(rule, with_fields(pl.concat(events), paths_of([rule])))


def _watermark(connection: psycopg.Connection, settings: Settings) -> datetime:
    lateness, idle = timedelta(seconds=settings.lateness_seconds), timedelta(seconds=settings.idle_seconds)
    return watermark_at(utc_now(), newest_event(connection), lateness=lateness, idle=idle)


def _most_striking(rule: Rule, rows: pl.DataFrame, start: datetime, watermark: datetime) -> str | None:
    """The group with most anomalies, or else with most rows."""
    found = anomalies_from(rule, rows, start, fired_at=None, watermark=watermark) if not rows.is_empty() else rows
    groups = rows["group"] if found.is_empty() else found["group"]
    counts = groups.value_counts().sort("count", "group", descending=[True, False])
    return None if counts.is_empty() else str(counts["group"][0])


def _fired_at(connection: psycopg.Connection, rule: Rule, group: str | None, start: datetime) -> datetime | None:
    """When the group's last anomaly before the start occurred, where that holds a cooldown up."""
    if group is None or not rule.cooldown_seconds:
        return None
    since, keys = earlier(start, timedelta(seconds=rule.cooldown_seconds)), [stable_group_key(group)]
    before = current_anomalies(connection, rule.rule_id, rule.semantic_hash, since, keys, before=start)
    return before["occurred_at"].max()  # type: ignore[return-value]


def _as_json(rule: Rule, group: str | None, found: Series) -> dict[str, Any]:
    return {
        "kind": rule.condition.type,
        "unit": found.unit,
        "shape": found.shape,
        "group": None if group is None else msgspec.Raw(group.encode()),
        "points": [
            {**point, "at": iso_utc(point["at"])}
            for point in found.points.cast({"at": pl.Datetime("us", "UTC")}).iter_rows(named=True)
        ],
        "anomalies": [
            {"at": iso_utc(at), "value": value, "message": message}
            for at, value, message in found.anomalies.select("occurred_at", "value", "message").iter_rows()
        ],
        "anomaly_count": found.anomaly_count,
    }
