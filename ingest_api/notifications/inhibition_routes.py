"""Make, show and remove inhibitions."""

from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, HTTPException
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.clock import iso_utc
from eventpulse.database.notifications.silences import add_inhibition, all_inhibitions, remove_inhibition
from eventpulse.database.transactions import reading, writing
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, TheSettings
from ingest_api.notifications.sent_documents import UUID_IN_PATH, found_id, only_known, refusals, sent_object
from ingest_api.notifications.silence_payloads import Inhibition
from ingest_api.rule_book.rule_requests import sent_as
from rules.routing.channel import read_paths
from rules.routing.matcher import read_matcher

router = APIRouter(prefix="/inhibitions", tags=["notifications"])
InhibitionId = Annotated[str, UUID_IN_PATH]


@router.get("", response_model=list[Inhibition], responses=documented(500, 503))
def list_inhibitions(database: Database) -> Response:
    """Every inhibition, the oldest first."""
    with reading(database) as connection:
        return json_answer([_as_json(row) for row in all_inhibitions(connection)])


@router.post(
    "",
    status_code=201,
    response_model=Inhibition,
    responses=documented(400, 413, 500, 503),
    openapi_extra=sent_as("InhibitionIn"),
)
async def create_inhibition(request: Request, database: Database, settings: TheSettings) -> Response:
    """Hold what `target` matches while something that `source` matches fires."""
    document = await sent_object(request, settings)
    only_known(document, ("source", "target", "equal"))
    with refusals():
        for side in ("source", "target"):
            read_matcher(document.get(side), at=side)
        equal = read_paths(document.get("equal", []), "equal")

    def create() -> Row:
        with writing(database) as connection:
            sides = {side: document[side] for side in ("source", "target")}
            return add_inhibition(connection, uuid4(), **sides, equal=equal)

    return json_answer(_as_json(await run_in_threadpool(create)), 201)


@router.delete("/{inhibition_id}", status_code=204, response_class=Response, responses=documented(404, 500, 503))
def delete_inhibition(database: Database, inhibition_id: InhibitionId) -> Response:
    """Remove an inhibition. What it held and what still fires is told of."""
    with writing(database) as connection:
        if not remove_inhibition(connection, found_id(inhibition_id, "Inhibition")):
            raise HTTPException(404, "Inhibition not found")
    return Response(status_code=204)


def _as_json(row: Row) -> dict[str, Any]:
    names = ("inhibition_id", "source", "target", "equal")
    return {**{name: getattr(row, name) for name in names}, "created_at": iso_utc(row.created_at)}
