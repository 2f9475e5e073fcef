"""Send dead letters on: one, or those that match."""

from typing import Any

from fastapi import APIRouter, HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from eventpulse.database.ledger.dead_letters import TO_DO, LetterFilter, count_letters
from eventpulse.database.transactions import reading
from ingest_api.answers import documented, json_answer
from ingest_api.dead_letters.dead_letter_parameters import (
    BatchId,
    Cause,
    DryRun,
    HowMany,
    LetterId,
    LetterState,
    Reason,
    letter_id,
)
from ingest_api.dead_letters.dead_letter_payloads import ManyRedriven, Redriven
from ingest_api.dead_letters.redriving import Unfit, redrive
from ingest_api.dependencies import Database, ThePublisher, TheSettings
from ingest_api.parameters import From, To
from ingest_api.payloads import Error, ValidationFailed

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])
_REFUSED: Any = ValidationFailed | Error
#: Letters that go into the stream together.
_AT_ONCE = 200
_MOST_NAMED = 100


@router.post("/redrive", response_model=ManyRedriven, responses=documented(400, 429, 500, 503))
async def redrive_many(
    database: Database,
    publisher: ThePublisher,
    settings: TheSettings,
    state: LetterState = None,
    cause: Cause = None,
    reason: Reason = None,
    batch_id: BatchId = None,
    since: From = None,
    until: To = None,
    limit: HowMany = 1_000,
    dry_run: DryRun = False,
) -> Response:
    """Send dead letters through the stream again, the oldest first; without `state`, those that are still to be done.

    Safe to repeat: an event keeps its id, so it is stored once. A letter whose event is set aside again is closed, and
    there is a new one.
    """
    wanted = LetterFilter(None, [state] if state else TO_DO, cause, reason, batch_id, since, until)
    looked_at = redriven = unfit_count = after = 0
    unfit: list[Unfit] = []
    while looked_at < limit:
        at_once = min(_AT_ONCE, limit - looked_at)
        looked = await redrive(
            wanted,
            database,
            publisher,
            limit=at_once,
            deepest=settings.max_json_depth,
            dry_run=dry_run,
            after=after,
        )
        if looked.through is None:
            break
        after = looked.through
        looked_at += len(looked.ready) + len(looked.unfit)
        redriven += len(looked.ready)
        unfit_count += len(looked.unfit)
        unfit += looked.unfit[: _MOST_NAMED - len(unfit)]

    def remaining() -> int:
        with reading(database) as connection:
            return count_letters(connection, wanted, after=after)

    return json_answer(
        {
            "dry_run": dry_run,
            "redriven": redriven,
            "unfit_count": unfit_count,
            "unfit": unfit,
            "remaining": await run_in_threadpool(remaining),
        }
    )


@router.post(
    "/{dead_letter_id}/redrive",
    response_model=Redriven,
    status_code=202,
    responses={
        **documented(404, 429, 500, 503, s400=_REFUSED),
        200: {"model": Redriven, "description": "With `dry_run`: what would be done"},
    },
)
async def redrive_one(
    database: Database,
    publisher: ThePublisher,
    settings: TheSettings,
    dead_letter_id: LetterId,
    dry_run: DryRun = False,
) -> Response:
    """Send a dead letter through the stream again, whatever its state. Safe to repeat: its event is stored once."""
    wanted = LetterFilter(letter_id(dead_letter_id))
    looked = await redrive(wanted, database, publisher, limit=1, deepest=settings.max_json_depth, dry_run=dry_run)
    if looked.through is None:
        raise HTTPException(404, "Dead letter not found")
    if looked.unfit:
        refusal: dict[str, Any] = {"error": "Validation failed", "issues": looked.unfit[0].issues}
        return json_answer(refusal, 400)
    [letter] = looked.ready
    status = "would be accepted" if dry_run else "accepted"
    answer = {"status": status, "dead_letter_id": letter.dead_letter_id, "event_id": letter.event_id}
    return json_answer(answer, 200 if dry_run else 202)
